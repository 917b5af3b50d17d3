//! What is told of a guest.

use super::*;

#[test]
fn a_machine_is_told_with_all_its_settings() {
    let mail = guest(&read(), "qemu/104");
    assert_eq!(
        (mail.platform.id.as_str(), mail.host.as_deref()),
        ("prod", Some("pve1"))
    );
    assert_eq!(
        mail.uuid.as_deref(),
        Some("4d2a1f60-9b7c-4e55-8a11-22334455aa66")
    );
    assert_eq!(
        mail.instance_uuid.as_deref(),
        Some("6b9b6b2e-0c2f-4b8e-9f43-1d1b7a2f9c01")
    );
    assert_eq!(
        (mail.processors, mail.cores_per_socket, mail.memory_bytes),
        (Some(4), Some(2), Some(8 << 30))
    );
    assert_eq!(
        (mail.power, mail.firmware, mail.secure_boot, mail.tpm),
        (Some(Power::On), Some(Firmware::Efi), Some(true), Some(true))
    );
    assert_eq!(
        (mail.cpu_affinity.as_deref(), mail.numa_affinity.as_deref()),
        (Some("0-3"), Some("1"))
    );
    assert_eq!(
        (mail.starts_with_host, mail.restarted_elsewhere),
        (Some(true), Some(true))
    );
    assert_eq!(
        (
            mail.hardware_version.as_deref(),
            mail.configured_os.as_deref()
        ),
        (Some("pc-q35-8.1"), Some("l26"))
    );
    assert_eq!(
        mail.folder.as_ref().and_then(|f| f.as_str()),
        Some("office")
    );
}

#[test]
fn disks_stand_in_their_order_and_what_is_not_attached_is_none() {
    let mail = guest(&read(), "qemu/104");
    let names: Vec<&str> = mail.disks.iter().map(|disk| disk.name.as_str()).collect();
    assert_eq!(
        names,
        ["scsi0", "scsi2", "scsi10"],
        "no unused0, no efidisk0, no empty drive"
    );
    let [thin, file, raw] = mail.disks.as_slice() else {
        panic!()
    };
    assert_eq!(
        (thin.format, thin.thin, thin.controller),
        (
            DiskFormat::Raw,
            Some(true),
            Some(DiskController::VirtioScsi)
        )
    );
    assert_eq!(
        (thin.datastore.as_deref(), thin.capacity_bytes),
        (Some("storage/pve1/local-lvm"), Some(32 << 30))
    );
    assert_eq!(
        (
            file.format,
            file.datastore.as_deref(),
            file.left_out_of_backup
        ),
        (DiskFormat::Qcow2, Some("storage/nas"), true)
    );
    assert_eq!(
        (raw.raw_device, raw.datastore.as_deref(), raw.shared),
        (true, None, true),
        "106 on the same node has it too"
    );
    assert!(!thin.raw_device && !thin.shared && !thin.left_out_of_backup);
    assert_eq!(mail.media, ["nas:iso/debian-12.iso".into()]);
}

#[test]
fn a_drive_that_the_platform_itself_fills_is_no_medium() {
    let media = |volume: &str| {
        let mut reader = reader();
        let question = Question::Guest(place("qemu/106"), GuestQuestion::Config);
        let answer = format!(r#"{{"data":{{"ide2":"{volume},media=cdrom"}}}}"#);
        reader.answer(&question, answer.as_bytes()).unwrap();
        guest(&reader.finish(), "qemu/106").media.len()
    };
    for own in [
        "local-lvm:vm-106-cloudinit",
        "local:106/vm-106-cloudinit.qcow2",
        "local:106/vm-106-cloudinit.raw",
    ] {
        assert_eq!(media(own), 0, "{own}");
    }
    for plugged in [
        "local:iso/cloudinit.iso",
        "local:iso/debian-12.iso",
        "cdrom",
    ] {
        assert_eq!(media(plugged), 1, "{plugged}");
    }
}

#[test]
fn a_usb_port_of_spice_and_a_serial_socket_are_no_devices_of_the_host() {
    let mail = guest(&read(), "qemu/104");
    let found: Vec<(PassthroughSort, &str)> = mail
        .passthrough
        .iter()
        .map(|p| (p.sort, p.what.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (PassthroughSort::Pci, "0000:01:00.0"),
            (PassthroughSort::Usb, "0529:0001"),
            (PassthroughSort::Gpu, "gpu nvidia-63"),
            (PassthroughSort::Port, "/dev/ttyS0"),
        ]
    );
    assert_eq!(guest(&read(), "qemu/106").passthrough, []);
}

#[test]
fn cards_have_the_addresses_that_were_told_from_inside() {
    let mail = guest(&read(), "qemu/104");
    let [first, second] = mail.nics.as_slice() else {
        panic!()
    };
    let addresses: Vec<IpAddr> = ["10.20.5.4", "2001:db8:5::4"]
        .iter()
        .map(|a| a.parse().unwrap())
        .collect();
    assert_eq!(
        first.addresses, addresses,
        "nothing of its link, of loopback or of docker"
    );
    assert_eq!(
        (
            first.mac.as_deref(),
            first.model.as_deref(),
            first.switch.as_deref()
        ),
        (Some("bc:24:11:0a:0b:0c"), Some("virtio"), Some("vmbr0"))
    );
    assert_eq!(
        (first.vlan.as_deref(), first.connected),
        (Some("5"), Some(true))
    );
    assert_eq!(
        (second.mac.as_deref(), second.model.as_deref()),
        (Some("bc:24:11:0a:0b:0d"), Some("e1000"))
    );
    assert_eq!(
        (
            second.vlan.as_deref(),
            second.connected,
            second.addresses.len()
        ),
        (Some("10,20-30"), Some(false), 0)
    );
    assert_eq!(
        mail.host_name.as_ref().map(|n| n.as_str()),
        Some("mail1.corp.example")
    );
    assert_eq!(
        mail.reported_os.as_deref(),
        Some("Debian GNU/Linux 12 (bookworm)")
    );
    assert_eq!(mail.tools.unwrap().running, Some(true));
}

#[test]
fn snapshots_are_told_oldest_first_and_the_state_of_now_is_none() {
    let mail = guest(&read(), "qemu/104");
    let told: Vec<(&str, bool, bool)> = mail
        .snapshots
        .iter()
        .map(|s| (s.name.as_str().unwrap(), s.with_memory, s.current))
        .collect();
    assert_eq!(
        told,
        [("first", false, false), ("before-update", true, true)]
    );
}

#[test]
fn a_container_has_no_uuid_and_its_mount_points_are_copied_where_they_say_so() {
    let dns = guest(&read(), "lxc/105");
    assert_eq!(
        (dns.sort, dns.uuid, dns.firmware, dns.tools),
        (GuestSort::Container, None, None, None)
    );
    let told: Vec<(&str, bool)> = dns
        .disks
        .iter()
        .map(|d| (d.name.as_str(), d.left_out_of_backup))
        .collect();
    assert_eq!(
        told,
        [
            ("rootfs", false),
            ("mp0", false),
            ("mp1", true),
            ("mp2", true)
        ]
    );
    let addresses: Vec<IpAddr> = ["10.20.0.53", "2001:db8::53"]
        .iter()
        .map(|a| a.parse().unwrap())
        .collect();
    assert_eq!(dns.nics[0].addresses, addresses);
    assert_eq!(dns.passthrough.len(), 1, "a device every host has is none");
    assert_eq!(
        dns.restarted_elsewhere,
        Some(false),
        "it is on the list, and ignored"
    );
}
