//! What libvirt 9.0 wrote is read as it was meant; what nobody wrote is read without harm.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

use groma_model::Fact;
use groma_model::fact::{Datastore, Guest, Hypervisor};
use groma_model::virtualization::{
    DatastoreSort, DiskController, DiskFormat, DiskMode, Firmware, GuestSort, PassthroughSort,
    Power,
};
use groma_platform::Read;
use groma_platform::libvirt::{Block, Document, Installation, document, guest_of, read};
use proptest::prelude::*;

macro_rules! recorded {
    ($($name:ident = $file:literal;)*) => {
        $(const $name: &[u8] = include_bytes!(concat!("fixtures/libvirt/", $file));)*
        const ALL: &[&[u8]] = &[$($name),*];
    };
}

recorded! {
    WEB = "domain-web-01.xml";
    DB = "domain-db.xml";
    SECURE = "domain-secure.xml";
    SNAP = "domain-snap.xml";
    BOX = "domain-box.xml";
    TEST = "domain-test.xml";
    BEFORE = "snapshot-before-upgrade.xml";
    DISK_ONLY = "snapshot-disk-only.xml";
    IMAGES = "pool-images.xml";
    CIFS = "pool-cifs.xml";
    DISK = "pool-disk.xml";
    FC = "pool-fc.xml";
    FS = "pool-fs.xml";
    NFS = "pool-nfs.xml";
    SAN = "pool-san.xml";
    VG0 = "pool-vg0.xml";
    CHILD = "volume-child.qcow2.xml";
    WEB_DISK = "volume-web-01.qcow2.xml";
    WEB_RAW = "volume-web-01-data.img.xml";
    INNER = "network-inner.xml";
    ISLAND = "network-island.xml";
    OVS = "network-ovs.xml";
    DIRECT = "network-direct.xml";
    FUNCTIONS = "network-vfs.xml";
    CARD = "interface-test.xml";
    CAPABILITIES = "capabilities-qemu.xml";
    CAPABILITIES_LXC = "capabilities-lxc.xml";
    CAPABILITIES_TEST = "capabilities-test.xml";
}

/// What the recording host is called in its capabilities.
const HOST: &str = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0";

fn guest(bytes: &[u8]) -> Guest {
    guest_of(bytes).unwrap()
}

fn guests(read: &Read) -> Vec<&Guest> {
    let all = read.facts.iter().filter_map(|fact| match fact {
        Fact::Guest(guest) => Some(&**guest),
        _ => None,
    });
    all.collect()
}

fn host(read: &Read) -> Option<&Hypervisor> {
    read.facts.iter().find_map(|fact| match fact {
        Fact::Hypervisor(host) => Some(&**host),
        _ => None,
    })
}

fn datastore(bytes: &[u8]) -> Datastore {
    match document(bytes).unwrap() {
        Some(Document::Pool(pool)) => pool.datastore,
        other => panic!("{other:?}"),
    }
}

fn measured(read: &Read, metric: &str, key: &str) -> Option<f64> {
    read.facts.iter().find_map(|fact| match fact {
        Fact::Measurement(one) if one.metric == metric && one.subject.lossy().ends_with(key) => {
            Some(one.value)
        }
        _ => None,
    })
}

/// Everything that was recorded, one after the other.
fn whole() -> Vec<u8> {
    ALL.iter()
        .copied()
        .filter(|one| *one != CAPABILITIES_TEST)
        .collect::<Vec<_>>()
        .concat()
}

#[test]
fn a_running_guest_is_read() {
    let web = guest(WEB);
    assert_eq!(web.name.as_str(), Some("web-01"));
    assert_eq!(web.key, "11111111-2222-4333-8444-555555555501");
    assert_eq!(web.uuid.as_deref(), Some(web.key.as_str()));
    assert_eq!((web.sort, web.power), (GuestSort::Machine, Some(Power::On)));
    assert_eq!((web.processors, web.cores_per_socket), (Some(4), Some(2)));
    assert_eq!(web.memory_bytes, Some(64 << 20));
    assert_eq!(web.firmware, Some(Firmware::Bios));
    assert_eq!(web.hardware_version.as_deref(), Some("pc-q35-7.2"));
    assert_eq!(web.cpu_affinity.as_deref(), Some("0: 0; 1: 1"));
    assert_eq!(web.numa_affinity.as_deref(), Some("0"));
    assert_eq!(
        web.configured_os.as_deref(),
        Some("http://debian.org/debian/12")
    );
    let tools = web.tools.unwrap();
    assert_eq!((tools.installed, tools.running), (None, Some(false)));
}

#[test]
fn a_drive_is_no_disk_an_empty_one_no_media_and_a_redirected_port_no_device_of_the_host() {
    let web = guest(WEB);
    let disks: Vec<_> = web
        .disks
        .iter()
        .map(|disk| (disk.name.as_str(), disk.shared))
        .collect();
    // The image in the second drive is read-only: two guests may have it, and nothing is shared by that.
    assert_eq!(disks, [("vda", false), ("sda", true)]);
    let media: Vec<_> = web
        .media
        .iter()
        .filter_map(|media| media.as_str())
        .collect();
    assert_eq!(media, ["/var/lib/libvirt/images/shared.iso"]);
    assert_eq!(web.passthrough, []);
    assert_eq!(web.disks[1].controller, Some(DiskController::VirtioScsi));
}

#[test]
fn disks_of_every_sort_are_told_apart() {
    let db = guest(DB);
    let shown: Vec<_> = db
        .disks
        .iter()
        .map(|disk| {
            let path = disk.path.as_ref().map(|path| path.lossy().into_owned());
            (
                disk.name.as_str(),
                path.unwrap_or_default(),
                disk.format,
                disk.raw_device,
            )
        })
        .collect();
    let row = |name, path: &str, format, raw| (name, path.to_owned(), format, raw);
    assert_eq!(
        shown,
        [
            row("vda", "/dev/vg0/db", DiskFormat::Raw, false),
            row(
                "vdb",
                "rbd://mon1.corp.example:6789/pool/image",
                DiskFormat::Raw,
                false
            ),
            row(
                "vdc",
                "iscsi://san.corp.example:3260/iqn.2013-07.com.example:iscsi-pool/1",
                DiskFormat::Raw,
                true
            ),
            row("vdd", "images/db.qcow2", DiskFormat::Qcow2, false),
            row("vde", "/srv/enc.qcow2", DiskFormat::Qcow2, false),
            row("vdf", "/srv/overlay.qcow2", DiskFormat::Qcow2, false),
            row("vdg", "/srv/golden.img", DiskFormat::Raw, false),
            row("sda", "/dev/sdx", DiskFormat::Raw, true),
            row("hdz", "/srv/old.vmdk", DiskFormat::Vmdk, false),
        ]
    );
    let encrypted: Vec<_> = db.disks.iter().map(|disk| disk.encrypted).collect();
    assert_eq!(encrypted.iter().position(|yes| *yes), Some(4));
    assert_eq!(
        db.disks[5].backing.as_ref().and_then(|path| path.as_str()),
        Some("/srv/base.qcow2")
    );
    assert_eq!(db.disks[4].backing, None);
    let golden = &db.disks[6];
    assert_eq!((golden.mode, golden.shared), (DiskMode::ReadOnly, false));
    assert_eq!(db.disks[8].mode, DiskMode::IndependentNonpersistent);
    assert_eq!(db.disks[7].controller, Some(DiskController::Scsi));
    assert_eq!(db.media[0].as_str(), Some("/srv/floppy.img"));
}

#[test]
fn devices_that_are_handed_through_are_named() {
    let db = guest(DB);
    let shown: Vec<_> = db
        .passthrough
        .iter()
        .map(|one| (one.sort, one.what.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            (PassthroughSort::Pci, "0000:06:12.5"),
            (PassthroughSort::Sriov, "0000:08:10.1"),
            (PassthroughSort::Usb, "1234:beef"),
            (PassthroughSort::Usb, "bus 1 device 9"),
            (PassthroughSort::Gpu, "c2177883-f1bb-47f0-914d-32a22e3a8804"),
            (PassthroughSort::Port, "/dev/parport0"),
            (PassthroughSort::Port, "/dev/ttyS0"),
            (PassthroughSort::Scsi, "scsi_host0:0:0:3"),
        ]
    );
    assert_eq!(db.tpm, Some(true));
    assert_eq!(guest(WEB).tpm, Some(false));
}

#[test]
fn who_is_placed_by_libvirt_itself_is_bound_by_nobody() {
    let db = guest(DB);
    assert_eq!((db.cpu_affinity, db.numa_affinity), (None, None));
}

#[test]
fn cards_have_their_switch_network_and_vlan() {
    let db = guest(DB);
    let shown: Vec<_> = db
        .nics
        .iter()
        .map(|nic| {
            [
                nic.switch.as_deref(),
                nic.network.as_deref(),
                nic.vlan.as_deref(),
            ]
        })
        .collect();
    assert_eq!(
        shown,
        [
            [None, None, Some("42")],
            [Some("eth0"), None, None],
            [Some("ovsbr0"), None, Some("10,20")],
            [None, Some("engineering"), None],
            [None, None, None],
        ]
    );
    let web = guest(WEB);
    assert_eq!(
        web.macs().collect::<Vec<_>>(),
        ["52:54:00:aa:00:01", "52:54:00:aa:00:02"]
    );
    assert_eq!(
        (web.nics[0].connected, web.nics[1].connected),
        (None, Some(false))
    );
    assert_eq!(web.nics[1].switch.as_deref(), Some("virbr7"));
}

#[test]
fn a_signed_start_is_told_where_it_is_written_alone() {
    let secure = guest(SECURE);
    assert_eq!(
        (secure.firmware, secure.secure_boot),
        (Some(Firmware::Efi), Some(true))
    );
    let db = guest(DB);
    assert_eq!((db.firmware, db.secure_boot), (Some(Firmware::Efi), None));
}

#[test]
fn a_container_shares_the_uuid_of_its_host_and_its_root_is_a_disk() {
    let held = guest(BOX);
    assert_eq!(
        (held.sort, held.uuid.as_deref(), held.tpm),
        (GuestSort::Container, None, None)
    );
    assert_eq!(held.key, "11111111-2222-4333-8444-555555555504");
    let disks: Vec<_> = held
        .disks
        .iter()
        .map(|disk| (disk.name.as_str(), disk.raw_device))
        .collect();
    assert_eq!(disks, [("/", false), ("/dev/sdf1", true)]);
    assert_eq!(guest(TEST).sort, GuestSort::Machine);
}

#[test]
fn pools_are_told_apart() {
    let shown: Vec<_> = [IMAGES, CIFS, DISK, FC, FS, NFS, SAN, VG0]
        .into_iter()
        .map(datastore)
        .map(|store| {
            let server = store.server.map(|server| server.to_string());
            let path = store.path.map(|path| path.lossy().into_owned());
            (store.sort, store.product.unwrap(), server, path.unwrap())
        })
        .collect();
    let row = |sort, product: &str, server: Option<&str>, path: &str| {
        (
            sort,
            product.to_owned(),
            server.map(str::to_owned),
            path.to_owned(),
        )
    };
    assert_eq!(
        shown,
        [
            row(
                DatastoreSort::Directory,
                "dir",
                None,
                "/var/lib/libvirt/images"
            ),
            row(
                DatastoreSort::FileShare,
                "netfs cifs",
                Some("files.corp.example"),
                "vms"
            ),
            row(DatastoreSort::Block, "disk gpt", None, "/dev"),
            row(DatastoreSort::Fabric, "scsi", None, "/dev/disk/by-path"),
            row(DatastoreSort::Block, "fs ext4", None, "/srv/fs"),
            row(
                DatastoreSort::FileShare,
                "netfs nfs",
                Some("nas.corp.example"),
                "/export/vms"
            ),
            row(
                DatastoreSort::Fabric,
                "iscsi",
                Some("san.corp.example"),
                "iqn.2010-05.com.example.server1:pool"
            ),
            row(DatastoreSort::Block, "logical lvm2", None, "vg0"),
        ]
    );
    // An inactive pool writes zeros, and those are not its size.
    assert_eq!(datastore(NFS).capacity_bytes, None);
}

#[test]
fn a_size_that_moves_with_what_others_write_is_a_number_and_no_fact() {
    let pool = String::from_utf8_lossy(IMAGES).into_owned();
    let grown = pool.replace("12638257152", "12638257999");
    assert_ne!(pool, grown);
    let (one, other) = (read("x", IMAGES), read("x", grown.as_bytes()));
    assert_eq!(one.facts[0], other.facts[0]);
    let key = datastore(IMAGES).key;
    let metric = "datastore_capacity_bytes";
    assert_eq!(measured(&one, metric, &key), Some(12_638_257_152.0));
    assert_eq!(measured(&other, metric, &key), Some(12_638_257_999.0));
    // A volume group is as large as it was made.
    let group = pool.replace("type='dir'", "type='logical'");
    assert_eq!(measured(&read("x", group.as_bytes()), metric, &key), None);
    let capacity = datastore(group.as_bytes()).capacity_bytes;
    assert_eq!(capacity, Some(12_638_257_152));
}

#[test]
fn one_file_of_everything_becomes_one_host() {
    let read = read("somewhere", &whole());
    assert_eq!(read.untold, Vec::<String>::new());
    let host = host(&read).unwrap();
    assert_eq!((host.key.as_str(), host.platform.id.as_str()), (HOST, HOST));
    assert_eq!(
        (host.sockets, host.cores, host.threads),
        (Some(1), Some(2), Some(2))
    );
    assert_eq!(host.memory_bytes, Some(24_684_096 << 10));
    assert!(
        guests(&read)
            .iter()
            .all(|guest| guest.host.as_deref() == Some(HOST))
    );
    let web = guests(&read)[0];
    assert_eq!(
        web.disks[0].datastore.as_deref(),
        Some("11111111-2222-4333-8444-5555555555b1")
    );
    assert_eq!(
        (web.disks[0].capacity_bytes, web.disks[0].thin),
        (Some(1 << 30), Some(true))
    );
    assert_eq!(
        measured(&read, "vm_disk_used_bytes", &web.key),
        Some(200_704.0)
    );
    assert!(measured(&read, "datastore_free_bytes", "b1").is_some_and(|bytes| bytes > 12e9));
}

#[test]
fn a_logical_volume_of_a_pool_is_no_device_that_is_handed_through() {
    let read = read("x", &whole());
    let db = guests(&read)[1];
    let raw: Vec<_> = db
        .disks
        .iter()
        .filter(|disk| disk.raw_device)
        .map(|disk| disk.name.as_str())
        .collect();
    assert_eq!(raw, ["vdc", "sda"]);
    assert_eq!(
        db.disks[3].datastore.as_deref(),
        Some("11111111-2222-4333-8444-5555555555b1")
    );
    // Without the pool it is none either: its path says that somebody divided a disk.
    assert!(!guest(DB).disks[0].raw_device);
}

#[test]
fn a_device_is_handed_through_whole_where_its_path_names_one() {
    let is_raw = |path: &str, device: &str| {
        let text = format!(
            "<devices><disk type='block' device='{device}'><source dev='{path}'/><target dev='vda'/></disk></devices>"
        );
        of("kvm", &text).disks[0].raw_device
    };
    for path in [
        "/dev/sdb",
        "/dev/sdb1",
        "/dev/nvme0n1",
        "/dev/disk/by-id/wwn-0x5000c500a1b2c3d4",
        "/dev/disk/by-id/dm-uuid-mpath-3600508b400105e210000900000490000",
        "/dev/disk/by-path/ip-10.0.0.1:3260-iscsi-iqn.2010-05.com.example:x-lun-1",
        "/dev/mapper/mpatha",
        "/dev/mapper/3600508b400105e210000900000490000",
        "/dev/mapper/35000c500a1b2c3d4",
        "/dev/disk/by-id/dm-name-mpathb",
    ] {
        assert!(is_raw(path, "disk"), "{path}");
    }
    for path in [
        "/dev/vg0/db",
        "/dev/sda/db",
        "/dev/mapper/vg0-db",
        "/dev/mapper/luks-3600508b4",
        "/dev/disk/by-id/dm-name-vg0-db",
        "/dev/disk/by-id/dm-uuid-LVM-abcdef",
        "/dev/zvol/tank/vm-1",
        "/dev/drbd0",
        "/dev/drbd/by-res/r0/0",
        "/dev/rbd0",
        "/dev/rbd/rbd/image",
        "/dev/dm-3",
    ] {
        assert!(!is_raw(path, "disk"), "{path}");
        assert!(is_raw(path, "lun"), "{path}: its commands go through");
    }
}

#[test]
fn networks_give_cards_their_switch_and_vlan() {
    let read = read("x", &whole());
    let db = guests(&read)[1];
    assert_eq!(
        [db.nics[3].switch.as_deref(), db.nics[3].vlan.as_deref()],
        [Some("ovsbr0"), Some("30")]
    );
    let switches = &host(&read).unwrap().switches;
    let shown: Vec<_> = switches
        .iter()
        .map(|switch| {
            (
                switch.name.as_str(),
                switch.uplinks.len(),
                switch.leads_out.as_deref(),
                switch.mtu,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("eth0", 2, None, None),
            ("eth7", 1, None, None),
            ("ovsbr0", 0, Some("bridge"), None),
            ("virbr7", 0, Some("nat"), Some(1450)),
            ("virbr8", 0, None, None),
        ]
    );
}

#[test]
fn a_card_of_a_network_that_hands_out_functions_is_one() {
    let text = String::from_utf8_lossy(SNAP).replace("network='inner'", "network='vfs'");
    let both = [text.as_bytes(), FUNCTIONS].concat();
    let all = read("x", &both);
    assert_eq!(guests(&all)[0].passthrough[0].sort, PassthroughSort::Sriov);
    assert_eq!(
        guests(&read("x", &[SNAP, FUNCTIONS].concat()))[0].passthrough,
        []
    );
}

#[test]
fn snapshots_belong_to_their_guest_oldest_first() {
    let read = read("x", &[DISK_ONLY, SNAP, BEFORE].concat());
    let shown: Vec<_> = guests(&read)[0]
        .snapshots
        .iter()
        .map(|one| {
            (
                one.name.as_str().unwrap(),
                one.with_memory,
                one.taken_at.is_some(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [("before-upgrade", true, true), ("disk-only", false, true)]
    );
    let disk = &guests(&read)[0].disks[0];
    assert_eq!(
        disk.backing.as_ref().and_then(|path| path.as_str()),
        Some("/var/lib/libvirt/images/snap.qcow2")
    );
}

#[test]
fn what_a_running_guest_wrote_since_its_start_is_not_what_it_takes() {
    let used = |power, format: &str, is_whole: bool| {
        let text =
            String::from_utf8_lossy(SNAP).replace("type='qcow2'", &format!("type='{format}'"));
        let mut whole = Installation::named("x");
        let mut guest = guest(text.as_bytes());
        guest.power = Some(power);
        if is_whole {
            guest.disks[0].backing = None;
        }
        let key = guest.key.clone();
        whole.add(Document::Guest(Box::new(guest)));
        let block = Block {
            capacity_bytes: Some(1000),
            allocation_bytes: Some(10),
            physical_bytes: Some(400),
        };
        whole.blocks.insert((key.clone(), "vda".to_owned()), block);
        let read = whole.into_read();
        (
            measured(&read, "vm_disk_used_bytes", &key),
            guests(&read)[0].disks[0].thin,
        )
    };
    assert_eq!(used(Power::On, "qcow2", true), (Some(400.0), Some(true)));
    assert_eq!(used(Power::Off, "qcow2", true), (Some(10.0), Some(true)));
    assert_eq!(used(Power::On, "raw", true), (Some(400.0), None));
    // A file that holds the changes of another one is not all there is to move.
    assert_eq!(used(Power::Off, "qcow2", false), (None, Some(true)));
}

#[test]
fn what_a_person_wrote_and_names_of_secrets_never_come_out() {
    assert!(String::from_utf8_lossy(&whole()).contains("canary"));
    let read = format!("{:?}", read("x", &whole()));
    assert!(!read.contains("canary"), "{read}");
    assert!(!read.contains("Front door"));
}

#[test]
fn the_order_of_a_file_changes_nothing() {
    let mut turned: Vec<&[u8]> = ALL
        .iter()
        .copied()
        .filter(|one| *one != CAPABILITIES_TEST)
        .collect();
    turned.reverse();
    turned.push(WEB);
    assert_eq!(read("x", &whole()), read("x", &turned.concat()));
}

/// A host that the daemon told of: its name, and what its SMBIOS says.
fn asked(uuid: &str, smbios: Option<&str>) -> Hypervisor {
    let mut whole = Installation::named("qemu:///system");
    let capabilities = String::from_utf8_lossy(CAPABILITIES).replace(HOST, uuid);
    whole.add(document(capabilities.as_bytes()).unwrap().unwrap());
    whole.host.name = Some("HV1.corp.example".to_owned());
    if let Some(uuid) = smbios {
        let entry = format!("<entry name='uuid'>{uuid}</entry>");
        let sysinfo = format!("<sysinfo type='smbios'><system>{entry}</system></sysinfo>");
        whole.add(document(sysinfo.as_bytes()).unwrap().unwrap());
    }
    host(&whole.into_read()).unwrap().clone()
}

#[test]
fn a_uuid_that_the_daemon_makes_up_at_each_start_names_no_host() {
    let random = "0c5f0d0e-7a51-4b8e-9c39-7e9f1c6a2b11";
    let other = "9e1d4f3b-2c77-4d10-8a55-0b6c7d8e9f22";
    for filler in [
        None,
        Some("00000000-0000-0000-0000-000000000000"),
        Some("11111111-1111-1111-1111-111111111111"),
        Some("03000200-0400-0500-0006-000700080009"),
        Some("Not Settable"),
    ] {
        let host = asked(random, filler);
        assert_eq!(host, asked(other, filler), "{filler:?}");
        assert_eq!((host.key.as_str(), host.uuid), ("hv1.corp.example", None));
    }
}

#[test]
fn a_uuid_of_the_smbios_names_the_host_as_its_file_alone_does() {
    assert_eq!(asked(HOST, Some(HOST)).key, HOST);
    let file = read("somewhere", CAPABILITIES);
    assert_eq!(host(&file).unwrap().key, HOST);
    // Somebody wrote host_uuid: libvirt's own is kept for the host, and the hardware's for its hardware.
    let written = "0c5f0d0e-7a51-4b8e-9c39-7e9f1c6a2b11";
    let host = asked(written, Some(HOST));
    assert_eq!(
        (host.key.as_str(), host.uuid.as_deref()),
        (written, Some(HOST))
    );
}

#[test]
fn of_two_descriptions_of_one_thing_the_same_counts_whichever_came_first() {
    let sysinfo = |uuid: &str, maker: &str| {
        let entry = |name: &str, value: &str| format!("<entry name='{name}'>{value}</entry>");
        let all = entry("uuid", uuid) + &entry("manufacturer", maker);
        format!("<sysinfo type='smbios'><system>{all}</system></sysinfo>").into_bytes()
    };
    let (one, other) = (
        sysinfo("4dea22b3-1d52-d8f3-2516-782e98ab3fa0", "Old Ltd"),
        sysinfo("9e1d4f3b-2c77-4d10-8a55-0b6c7d8e9f22", "New Ltd"),
    );
    let running = String::from_utf8_lossy(WEB).into_owned();
    let resting = running.replacen(" id='1'", "", 1);
    assert_ne!(running, resting);
    for pair in [
        [one.as_slice(), &other],
        [running.as_bytes(), resting.as_bytes()],
    ] {
        let told = |bytes: [&[u8]; 3]| read("x", &bytes.concat()).facts;
        let [first, second] = pair;
        assert_eq!(
            told([CAPABILITIES, first, second]),
            told([CAPABILITIES, second, first])
        );
    }
    let both = [running.as_bytes(), resting.as_bytes()].concat();
    assert_eq!(guests(&read("x", &both))[0].power, Some(Power::On));
}

#[test]
fn a_uuid_that_stands_in_every_board_names_no_host() {
    let shared = "03000200-0400-0500-0006-000700080009";
    let host = asked(shared, Some(shared));
    assert_eq!((host.key.as_str(), host.uuid), ("hv1.corp.example", None));
    // A file of capabilities alone has nothing else, and belongs to whatever the operator calls it.
    let own = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0";
    let capabilities = String::from_utf8_lossy(CAPABILITIES).replace(own, shared);
    let file = read("kvm7", &[capabilities.as_bytes(), WEB].concat());
    assert_eq!(guests(&file)[0].platform.id, "kvm7");
}

#[test]
fn a_host_that_tells_no_name_goes_by_what_somebody_calls_it() {
    let file = read("kvm7.xml", CAPABILITIES);
    let told = host(&file).unwrap();
    assert_eq!(told.name.as_str(), Some("kvm7.xml"));
    // What somebody calls it is no name in the network, and tells it from no other one.
    assert!(told.names.is_empty());
    assert_eq!(told.key, HOST);
    assert_eq!(read("another", CAPABILITIES).facts.len(), file.facts.len());
    let nameless = read(" ", CAPABILITIES);
    let nameless = host(&nameless).unwrap();
    assert_eq!(nameless.name.as_str(), Some(nameless.key.as_str()));
    // It tells its own: the daemon's URL is nobody's name.
    let asked = asked(HOST, Some(HOST));
    assert_eq!(asked.name.as_str(), Some("HV1.corp.example"));
}

#[test]
fn guests_alone_belong_to_what_the_operator_calls_the_host() {
    let read = read("kvm7", &[WEB, DB].concat());
    assert_eq!(guests(&read).len(), 2);
    assert!(host(&read).is_none());
    assert!(
        guests(&read)
            .iter()
            .all(|guest| guest.platform.id == "kvm7" && guest.host.is_none())
    );
}

#[test]
fn what_makes_no_sense_is_told_and_the_rest_is_read() {
    let bytes = [
        b"<domain type='kvm'><name>x</name></domain><secret/>".as_slice(),
        WEB,
        b"<domain>",
    ]
    .concat();
    let read = read("x", &bytes);
    assert_eq!(guests(&read).len(), 1);
    assert_eq!(read.untold.len(), 3, "{:?}", read.untold);
    assert!(read.untold[0].contains("description 1") && read.untold[2].contains("virsh"));
    let doctype = [b"<!DOCTYPE domain [<!ENTITY a 'b'>]>".as_slice(), WEB].concat();
    assert!(guest_of(&doctype).is_err());
}

#[test]
fn the_test_driver_and_its_host_are_read() {
    let Some(Document::Host(host)) = document(CAPABILITIES_TEST).unwrap() else {
        panic!("no host")
    };
    assert_eq!(
        (host.uuid, host.sockets, host.cores),
        (None, Some(2), Some(16))
    );
    let Some(Document::Card(card)) = document(CARD).unwrap() else {
        panic!("no card")
    };
    assert_eq!(
        (card.name.as_str(), card.addresses.len(), card.mtu),
        ("eth1", 1, Some(1492))
    );
}

#[test]
fn whatever_stands_in_a_file_is_read_without_harm() {
    groma_fuzz::hammer(4_000, ALL, |bytes| {
        let _ = read("x", bytes);
        let _ = document(bytes);
    });
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read("x", &bytes);
    }

    #[test]
    fn any_name_comes_out_as_it_was_written(name in "[^\u{0}-\u{1f}\u{7f}-\u{9f}\u{fffe}\u{ffff} ][^\u{0}-\u{1f}\u{7f}-\u{9f}\u{fffe}\u{ffff}]{0,60}[^\u{0}-\u{20}\u{7f}-\u{a0}\u{fffe}\u{ffff}\\s]", many in 1_u32..512, memory in 1_u64..1 << 40) {
        prop_assume!(name.trim() == name);
        let text = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let written = format!("<domain type='kvm'><name>{text}</name><uuid>11111111-2222-4333-8444-555555555501</uuid><memory unit='b'>{memory}</memory><vcpu>{many}</vcpu></domain>");
        let guest = guest_of(written.as_bytes()).unwrap();
        prop_assert_eq!(guest.name.as_str(), Some(name.as_str()));
        prop_assert_eq!((guest.processors, guest.memory_bytes), (Some(many), Some(memory)));
    }
}

/// A guest in the words of libvirt's manual, for what the recording host has no hardware or driver for.
fn written(kind: &str, rest: &str) -> String {
    format!(
        "<domain type='{kind}'><name>x</name><uuid>11111111-2222-4333-8444-5555555555ff</uuid>{rest}</domain>"
    )
}

fn of(kind: &str, rest: &str) -> Guest {
    guest(written(kind, rest).as_bytes())
}

#[test]
fn disks_of_xen_are_read() {
    let xen = of(
        "xen",
        "<os><type arch='x86_64' machine='xenpv'>linux</type></os><devices>
         <disk type='file' device='disk'><driver name='tap' type='aio'/><source file='/a'/><target dev='xvda' bus='xen'/></disk>
         <disk type='file' device='disk'><driver name='tap2' type='vhd'/><source file='/b'/><target dev='xvdb' bus='xen'/></disk>
         <disk type='block' device='disk'><driver name='phy'/><source dev='/dev/vg/c'/><target dev='xvdc' bus='xen'/></disk></devices>",
    );
    let formats: Vec<_> = xen.disks.iter().map(|disk| disk.format).collect();
    assert_eq!(formats, [DiskFormat::Raw, DiskFormat::Vhd, DiskFormat::Raw]);
    assert!(
        xen.disks
            .iter()
            .all(|disk| disk.controller == Some(DiskController::Xen))
    );
    // A guest that is started without firmware has none.
    assert_eq!((xen.firmware, xen.sort), (None, GuestSort::Machine));
}

#[test]
fn firmware_is_told_by_what_is_written() {
    let os = |inner: &str| {
        let guest = of("kvm", &format!("<os{inner}</os>"));
        (guest.firmware, guest.secure_boot)
    };
    let pc = "<type arch='x86_64' machine='q35'>hvm</type>";
    let arm = "<type arch='aarch64' machine='virt'>hvm</type>";
    assert_eq!(os(&format!(">{pc}")), (Some(Firmware::Bios), None));
    assert_eq!(os(&format!(">{arm}")), (None, None));
    assert_eq!(
        os(&format!(" firmware='bios'>{pc}")),
        (Some(Firmware::Bios), None)
    );
    let rom = |path: &str| os(&format!(">{pc}<loader type='rom'>{path}</loader>"));
    assert_eq!(
        rom("/usr/share/OVMF/OVMF.amdsev.fd"),
        (Some(Firmware::Efi), None)
    );
    assert_eq!(
        rom("/usr/lib/xen/boot/hvmloader"),
        (Some(Firmware::Bios), None)
    );
    let features = |keys: &str| {
        os(&format!(
            " firmware='efi'>{pc}<firmware><feature enabled='{keys}' name='enrolled-keys'/><feature enabled='yes' name='secure-boot'/></firmware>"
        ))
    };
    assert_eq!(features("yes"), (Some(Firmware::Efi), Some(true)));
    // A firmware that could, and holds no key to judge by, starts whatever it finds.
    assert_eq!(features("no"), (Some(Firmware::Efi), Some(false)));
}

#[test]
fn numbers_of_processors_and_nodes_are_those_in_use() {
    let guest = of(
        "kvm",
        "<vcpu placement='static' current='2'>8</vcpu><cpu><topology sockets='1' dies='2' clusters='1' cores='4' threads='2'/></cpu>
         <numatune><memory mode='strict' nodeset='0-1'/><memnode cellid='0' mode='strict' nodeset='1'/></numatune>
         <hwuuid>11111111-2222-4333-8444-5555555555fe</hwuuid>",
    );
    assert_eq!(
        (guest.processors, guest.cores_per_socket),
        (Some(2), Some(8))
    );
    assert_eq!(guest.numa_affinity.as_deref(), Some("0-1; cell 0: 1"));
    assert_eq!(guest.cpu_affinity, None);
    assert!(guest.uuid.unwrap().ends_with("fe") && guest.key.ends_with("ff"));
}

#[test]
fn hardware_nobody_here_has_is_read_too() {
    let guest = of(
        "kvm",
        "<devices><disk type='nvme' device='disk'><driver name='qemu' type='raw'/><source type='pci' managed='yes' namespace='1'><address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></source><target dev='vda' bus='virtio'/></disk>
         <interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>
         <interface type='bridge'><source bridge='br0'/></interface>
         <hostdev mode='subsystem' type='mdev' model='vfio-ccw'><source><address uuid='9063cba3-ecef-47b6-abcf-3fef4fdcad85'/></source></hostdev>
         <hostdev mode='subsystem' type='scsi_host' protocol='vhost'><source protocol='vhost' wwpn='naa.5123456789abcde0'/></hostdev>
         <serial type='pty'><source path='/dev/pts/3'/></serial>
         <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' state='connected'/></channel>
         <channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0' state='connected'/></channel></devices>",
    );
    let shown: Vec<_> = guest
        .passthrough
        .iter()
        .map(|one| (one.sort, one.what.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            (PassthroughSort::Pci, "0000:01:00.0"),
            (PassthroughSort::Pci, "9063cba3-ecef-47b6-abcf-3fef4fdcad85"),
            (PassthroughSort::Sriov, "/dev/vhost-vdpa-0"),
            (PassthroughSort::Scsi, "naa.5123456789abcde0"),
        ]
    );
    assert!(guest.disks[0].raw_device);
    assert_eq!(guest.tools.unwrap().running, Some(true));
    // The twin: another helper's channel says nothing of the agent.
    let other = of(
        "kvm",
        "<devices><channel type='spicevmc'><target name='com.redhat.spice.0' state='connected'/></channel></devices>",
    );
    assert_eq!(other.tools, None);
}

#[test]
fn disks_in_the_network_find_their_pool() {
    let pool = |sort: &str, source: &str, end: &str| {
        format!(
            "<pool type='{sort}'><name>{end}</name><uuid>11111111-2222-4333-8444-5555555555{end}</uuid><capacity unit='bytes'>9</capacity><source>{source}</source><target><path>/dev/disk/by-path</path></target></pool>"
        )
    };
    let disk = |sort: &str, source: &str| {
        format!(
            "<disk type='{sort}' device='disk'><driver name='qemu' type='raw'/>{source}<target dev='vda' bus='virtio'/></disk>"
        )
    };
    let text = [
        pool(
            "rbd",
            "<host name='mon1.corp.example'/><name>vms</name>",
            "c1",
        ),
        pool(
            "iscsi",
            "<host name='san.corp.example'/><device path='iqn.x'/>",
            "c2",
        ),
        written(
            "kvm",
            &format!(
                "<devices>{}{}{}</devices>",
                disk(
                    "network",
                    "<source protocol='rbd' name='vms/one?token=canary'><host name='mon9.corp.example'/></source>"
                ),
                disk(
                    "network",
                    "<source protocol='rbd' name='vms2/one'><host name='mon9.corp.example'/></source>"
                ),
                disk("volume", "<source pool='c2' volume='unit:0:0:1'/>"),
            ),
        ),
    ];
    let read = read("x", text.concat().as_bytes());
    assert_eq!(read.untold, Vec::<String>::new());
    let disks = &guests(&read)[0].disks;
    let shown: Vec<_> = disks
        .iter()
        .map(|disk| {
            (
                disk.datastore.as_deref().map(|key| &key[34..]),
                disk.raw_device,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [(Some("c1"), false), (None, false), (Some("c2"), true)]
    );
    assert!(!format!("{read:?}").contains("canary"));
}
