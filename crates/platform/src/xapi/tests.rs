//! Against answers written after the maker's description; none was recorded from a real server.

mod answers;

use groma_model::Fact;
use groma_model::virtualization::{
    AffinitySort, Cluster, Datastore, DatastoreSort, DiskFormat, DiskMode, Firmware, Guest,
    GuestSort, Hypervisor, PassthroughSort, Power,
};

use super::{Class, Reader, records};
use crate::Read;

macro_rules! answer {
    ($name:literal) => {
        include_bytes!(concat!("../../tests/fixtures/xapi/", $name, ".json"))
    };
}

fn answer(class: Class) -> &'static [u8] {
    match class {
        Class::Pool => answer!("pool"),
        Class::Host => answer!("host"),
        Class::HostMetrics => answer!("host_metrics"),
        Class::Pif => answer!("PIF"),
        Class::PifMetrics => answer!("PIF_metrics"),
        Class::Bond => answer!("Bond"),
        Class::Network => answer!("network"),
        Class::Pci => answer!("PCI"),
        Class::Pusb => answer!("PUSB"),
        Class::GpuGroup => answer!("GPU_group"),
        Class::Sr => answer!("SR"),
        Class::Pbd => answer!("PBD"),
        Class::Vm => answer!("VM"),
        Class::VmGuestMetrics => answer!("VM_guest_metrics"),
        Class::Vif => answer!("VIF"),
        Class::Vbd => answer!("VBD"),
        Class::Vdi => answer!("VDI"),
        Class::Vgpu => answer!("VGPU"),
        Class::Vusb => answer!("VUSB"),
        Class::VmAppliance => answer!("VM_appliance"),
        Class::VmGroup => answer!("VM_group"),
    }
}

/// A reader that took all answers, each changed as `change` says.
fn reader(change: impl Fn(Class, String) -> String) -> Reader {
    let mut reader = Reader::new();
    for class in Class::ALL {
        let text = String::from_utf8(answer(class).to_vec()).unwrap();
        let text = change(class, text);
        records(text.as_bytes(), class, &mut |at, record| {
            reader.take(class, at, record);
        })
        .unwrap();
    }
    reader
}

fn read() -> Read {
    reader(|_, text| text).finish()
}

fn guests(read: &Read) -> Vec<&Guest> {
    let facts = read.facts.iter();
    let guests = facts.filter_map(|fact| match fact {
        Fact::Guest(guest) => Some(&**guest),
        _ => None,
    });
    guests.collect()
}

fn named<'r>(read: &'r Read, name: &str) -> &'r Guest {
    let all = guests(read);
    let found = all.iter().find(|guest| guest.name.to_string() == name);
    found.unwrap_or_else(|| panic!("{name}: {all:?}"))
}

fn hosts(read: &Read) -> Vec<&Hypervisor> {
    let facts = read.facts.iter();
    let hosts = facts.filter_map(|fact| match fact {
        Fact::Hypervisor(host) => Some(&**host),
        _ => None,
    });
    hosts.collect()
}

fn store<'r>(read: &'r Read, name: &str) -> &'r Datastore {
    let found = read.facts.iter().find_map(|fact| match fact {
        Fact::Datastore(store) if store.name.to_string() == name => Some(&**store),
        _ => None,
    });
    found.unwrap()
}

fn cluster(read: &Read) -> Option<&Cluster> {
    read.facts.iter().find_map(|fact| match fact {
        Fact::Cluster(cluster) => Some(&**cluster),
        _ => None,
    })
}

fn measured(read: &Read, metric: &str) -> Vec<(String, f64)> {
    let facts = read.facts.iter();
    let found = facts.filter_map(|fact| match fact {
        Fact::Measurement(one) if one.metric == metric => {
            Some((one.subject.to_string(), one.value))
        }
        _ => None,
    });
    found.collect()
}

#[test]
fn guests_are_told_without_control_domains_snapshots_and_templates_of_the_maker() {
    let read = read();
    let told: Vec<(String, GuestSort)> = guests(&read)
        .iter()
        .map(|guest| (guest.name.to_string(), guest.sort))
        .collect();
    let machine = |name: &str| (name.to_owned(), GuestSort::Machine);
    assert_eq!(
        told,
        [
            machine("mail1"),
            machine("win1"),
            machine("old pv"),
            machine("bare"),
            ("golden".to_owned(), GuestSort::Template),
        ]
    );
    assert_eq!(read.untold, [""; 0]);
}

#[test]
fn a_guest_is_told_with_all_it_has() {
    let read = read();
    let mail = named(&read, "mail1");
    assert_eq!(mail.key, "000000e0-1111-4222-8333-000000000001");
    assert_eq!(mail.uuid.as_deref(), Some(mail.key.as_str()));
    assert_eq!(mail.platform.id, "000000a0-1111-4222-8333-000000000001");
    assert_eq!(
        mail.host.as_deref(),
        Some("000000b0-1111-4222-8333-000000000001")
    );
    assert_eq!(
        (mail.power, mail.processors, mail.cores_per_socket),
        (Some(Power::On), Some(2), Some(2))
    );
    assert_eq!(
        mail.memory_bytes,
        Some(4 << 30),
        "what it may have, not what it once might"
    );
    assert_eq!(mail.folder.as_ref().unwrap().to_string(), "/prod/mail");
    assert_eq!(
        mail.host_name.as_ref().unwrap().as_str(),
        "mail1.corp.example"
    );
    assert_eq!(
        mail.reported_os.as_deref(),
        Some("Debian GNU/Linux 12 (bookworm)")
    );
    assert_eq!(mail.configured_os.as_deref(), Some("Debian Bookworm 12"));
    let tools = mail.tools.as_ref().unwrap();
    assert_eq!(
        (tools.installed, tools.running, tools.version.as_deref()),
        (Some(true), Some(true), Some("7.30.0.12"))
    );
    assert_eq!(
        (mail.firmware, mail.secure_boot, mail.tpm),
        (Some(Firmware::Bios), Some(false), Some(false))
    );
    assert_eq!(
        (mail.restarted_elsewhere, mail.starts_with_host),
        (Some(true), Some(true))
    );
    assert_eq!(
        mail.media
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["debian-12.iso"]
    );
    assert_eq!(mail.changed_block_tracking, Some(true));
}

#[test]
fn a_card_has_its_network_its_vlan_and_addresses_that_stay() {
    let read = read();
    let [lan, dmz] = named(&read, "mail1").nics.as_slice() else {
        panic!()
    };
    let texts: Vec<String> = lan.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["10.30.1.5", "2001:db8::53"], "not that of the link");
    assert_eq!(lan.mac.as_deref(), Some("5a:1b:00:00:00:01"));
    assert_eq!(
        (
            lan.network.as_deref(),
            lan.switch.as_deref(),
            lan.vlan.as_deref()
        ),
        (Some("lan"), Some("xapi0"), None)
    );
    assert_eq!(
        (dmz.vlan.as_deref(), dmz.connected),
        (Some("50"), Some(false))
    );
    assert_eq!(dmz.addresses.len(), 1);
}

#[test]
fn snapshots_belong_to_their_guest_the_oldest_first() {
    let read = read();
    let [first, second] = named(&read, "mail1").snapshots.as_slice() else {
        panic!()
    };
    assert_eq!(
        (
            first.name.to_string().as_str(),
            first.with_memory,
            first.current
        ),
        ("before update", false, false)
    );
    assert_eq!((second.with_memory, second.current), (true, true));
    assert_eq!(second.taken_at.unwrap().minute(), "2024-02-01 08:00");
    assert!(named(&read, "win1").snapshots.is_empty());
}

#[test]
fn a_disk_is_told_as_its_storage_keeps_it() {
    let read = read();
    let mail = &named(&read, "mail1").disks;
    let [root, shared] = mail.as_slice() else {
        panic!()
    };
    assert_eq!(
        (root.name.as_str(), root.format, root.thin, root.shared),
        ("xvda", DiskFormat::Vhd, Some(true), false)
    );
    assert_eq!(
        root.datastore.as_deref(),
        Some(store(&read, "vm-nfs").key.as_str())
    );
    assert!(root.backing.is_some());
    assert_eq!(
        (shared.format, shared.thin, shared.shared),
        (DiskFormat::Raw, Some(false), true)
    );
    assert!(named(&read, "bare").disks[0].shared);
    let [own, device] = named(&read, "win1").disks.as_slice() else {
        panic!()
    };
    assert_eq!(
        (own.mode, own.encrypted, own.raw_device),
        (DiskMode::IndependentNonpersistent, true, false)
    );
    assert!(device.raw_device && device.datastore.is_none());
    assert_eq!(named(&read, "old pv").disks[0].format, DiskFormat::Qcow2);
}

#[test]
fn what_a_disk_takes_is_counted_once_with_its_chain_and_its_snapshots() {
    let of = |read: &Read, guest: &str| {
        let subject = format!(
            "xapi:{}/{}",
            named(read, guest).platform.id,
            named(read, guest).key
        );
        let all = measured(read, "vm_disk_used_bytes");
        all.into_iter()
            .find(|(of, _)| *of == subject)
            .map(|(_, bytes)| bytes)
    };
    let all = read();
    let chain = 1_073_741_824.0 + 10_737_418_240.0 + 4096.0;
    assert_eq!(of(&all, "mail1"), Some(chain + 107_374_182_400.0));
    // One link of the chain is not told: better no number than half of one.
    let cut = reader(|class, text| match class {
        Class::Vdi => text.replace(
            "\"uuid\": \"000000f0-1111-4222-8333-00000000005a\"",
            "\"uuid\": \"000000f0-1111-4222-8333-000000000063\"",
        ),
        _ => text,
    })
    .finish();
    assert_eq!(of(&cut, "mail1"), None);
    assert!(of(&cut, "win1").is_some());
}

#[test]
fn devices_of_the_host_are_told_once() {
    let read = read();
    let told: Vec<(PassthroughSort, &str)> = named(&read, "win1")
        .passthrough
        .iter()
        .map(|device| (device.sort, device.what.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (PassthroughSort::Pci, "0000:04:00.1"),
            (PassthroughSort::Sriov, "vif0 in fast"),
            (PassthroughSort::Usb, "0529:0001 Aladdin_HASP 4711"),
            (PassthroughSort::Gpu, "0000:04:00.0"),
            (PassthroughSort::Gpu, "Group of NVIDIA GRID cards"),
        ]
    );
    assert!(named(&read, "mail1").passthrough.is_empty());
}

#[test]
fn firmware_is_told_as_far_as_it_is_known() {
    let read = read();
    let win = named(&read, "win1");
    assert_eq!(
        (win.firmware, win.secure_boot, win.tpm),
        (Some(Firmware::Efi), Some(true), Some(true))
    );
    assert_eq!(win.cpu_affinity.as_deref(), Some("0,1,2,3"));
    assert_eq!(
        win.reported_os.as_deref(),
        Some("Microsoft Windows Server 2022 Standard")
    );
    let bare = named(&read, "bare");
    assert_eq!(
        (bare.firmware, bare.secure_boot),
        (Some(Firmware::Efi), None),
        "auto depends on keys nobody tells"
    );
    let old = named(&read, "old pv");
    assert_eq!(
        (old.firmware, old.hardware_version.as_deref()),
        (None, Some("pv 2"))
    );
    assert_eq!((old.power, old.host.as_deref()), (Some(Power::Off), None));
    assert_eq!(old.folder.as_ref().unwrap().to_string(), "shop");
    assert_eq!(old.tools, None, "one that is off does not answer");
    assert_eq!(
        old.disks[0].name, "0",
        "it never ran, so its disk has a number alone"
    );
}

#[test]
fn drivers_alone_are_no_helper() {
    let read = read();
    let tools = named(&read, "bare").tools.as_ref().unwrap();
    assert_eq!((tools.installed, tools.running), (None, Some(false)));
    let drivers = reader(|class, text| match class {
        Class::VmGuestMetrics => text
            .replace("\"os_version\"", "\"os\"")
            .replace("\"PV_drivers_version\"", "\"pv\"")
            .replace("\"networks\"", "\"nets\""),
        _ => text,
    })
    .finish();
    assert_eq!(
        named(&drivers, "mail1").tools.as_ref().unwrap().running,
        Some(false)
    );
}

#[test]
fn a_host_is_told_with_its_bridges_and_what_leads_out_of_them() {
    let read = read();
    let [one, two] = hosts(&read)[..] else {
        panic!()
    };
    assert_eq!(
        (one.maintenance, two.maintenance),
        (Some(false), Some(true))
    );
    assert_eq!(one.product.as_deref(), Some("XCP-ng 8.3.0 (cloud)"));
    assert_eq!(
        (one.sockets, one.cores, one.threads, one.core_mhz),
        (Some(2), Some(16), Some(32), Some(2300))
    );
    assert_eq!(one.memory_bytes, Some(256 << 30));
    assert_eq!(one.names[0].as_str(), "xcp1.corp.example");
    assert_eq!(one.dns_servers.len(), 2);
    assert_eq!(one.uuid, None, "its own UUID is not that of its hardware");
    assert_eq!(
        one.nics
            .iter()
            .map(|nic| (nic.name.as_str(), nic.speed_mbps))
            .collect::<Vec<_>>(),
        [("eth0", Some(10_000)), ("eth1", None)]
    );
    assert_eq!(one.nics[0].driver.as_deref(), Some("ixgbe"));
    let bridge = |name: &str| one.switches.iter().find(|switch| switch.name == name);
    assert_eq!(bridge("xapi0").unwrap().uplinks, ["eth0", "eth1"]);
    assert_eq!(
        bridge("xapi1").unwrap().uplinks,
        ["eth0", "eth1"],
        "a VLAN on a bond"
    );
    assert_eq!(
        bridge("xapi1").unwrap().port_groups[0].vlan.as_deref(),
        Some("50")
    );
    assert!(bridge("xapi2").is_none(), "no guest of this host is on it");
    let island = two
        .switches
        .iter()
        .find(|switch| switch.name == "xapi2")
        .unwrap();
    assert!(island.uplinks.is_empty());
    assert_eq!((one.datastores.len(), two.datastores.len()), (4, 3));
    assert_eq!(
        measured(&read, "hypervisor_memory_used_bytes")[0].1,
        206_158_430_208.0
    );
}

#[test]
fn a_storage_leads_to_its_server_and_its_size_is_told_where_it_is_its_own() {
    let read = read();
    let nfs = store(&read, "vm-nfs");
    assert_eq!(
        (nfs.sort, nfs.shared, nfs.capacity_bytes),
        (DatastoreSort::FileShare, Some(true), None)
    );
    assert_eq!(nfs.server.as_ref().unwrap().to_string(), "nas.corp.example");
    assert_eq!(nfs.path.as_ref().unwrap().to_string(), "/export/vms");
    assert_eq!(nfs.hosts.len(), 2);
    let san = store(&read, "san");
    assert_eq!(
        (san.sort, san.capacity_bytes),
        (DatastoreSort::Fabric, Some(2 << 40))
    );
    assert_eq!(san.server.as_ref().unwrap().to_string(), "10.40.0.5");
    let images = store(&read, "isos");
    assert_eq!(
        images.server.as_ref().unwrap().to_string(),
        "files.corp.example"
    );
    assert_eq!(
        (images.sort, images.capacity_bytes),
        (DatastoreSort::FileShare, None)
    );
    let local = store(&read, "Local storage");
    assert_eq!(
        (local.sort, local.shared, local.hosts.len()),
        (DatastoreSort::Directory, Some(false), 1)
    );
    let stores = read
        .facts
        .iter()
        .filter(|fact| matches!(fact, Fact::Datastore(_)));
    assert_eq!(
        stores.count(),
        4,
        "neither drives of a host nor the tools of the platform"
    );
    assert_eq!(measured(&read, "datastore_free_bytes").len(), 3);
}

#[test]
fn a_pool_tells_whom_it_keeps_apart_and_near() {
    let read = read();
    let pool = cluster(&read).unwrap();
    assert_eq!(
        (pool.name.to_string().as_str(), pool.restarts_guests),
        ("prod", Some(true))
    );
    let [apart, near] = pool.rules.as_slice() else {
        panic!("{:?}", pool.rules)
    };
    assert_eq!(
        (apart.sort, apart.name.as_str(), apart.guests.len()),
        (AffinitySort::OnHosts, "home server xcp1", 1)
    );
    assert_eq!(
        (near.sort, near.name.as_str(), near.guests.len()),
        (AffinitySort::Apart, "mail servers", 2)
    );
    assert!(!apart.mandatory && !near.mandatory);
}

#[test]
fn a_lone_host_is_no_cluster() {
    let lone = reader(|class, text| match class {
        Class::Pool => text.replace("\"prod\"", "\"\""),
        Class::Host => text.replace("\"OpaqueRef:h2\"", "\"OpaqueRef:h1\""),
        _ => text,
    })
    .finish();
    assert!(cluster(&lone).is_none());
    assert!(hosts(&lone).iter().all(|host| host.cluster.is_none()));
}
