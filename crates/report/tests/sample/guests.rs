//! Guests on two platforms: a vCenter with a cluster, and a lone host with libvirt whose guest nobody could join.

use groma_model::EntityId;
use groma_model::fact::FileSystem;
use groma_model::inventory::{Inventory, MeasurementEntry};
use groma_model::virtualization::*;

use super::{Estate, HOSTILE, days_ago, noon};

const GIB: u64 = 1 << 30;
const CENTER: &str = "11111111-2222-4333-8444-555555555555";

/// See the [module](self).
pub fn guests() -> Inventory {
    let mut e = Estate::watched_since(days_ago(30));
    center(&mut e);
    lone(&mut e);
    for (key, host, guest) in all() {
        let kind = match guest.sort {
            GuestSort::Template => "vm-template",
            _ => "vm",
        };
        let entity = e.entity(key, kind, "os", &guest.name.lossy(), "");
        entity.addresses = guest.addresses().collect();
        entity.has_agent = key == "db1";
        if key == "db1" {
            entity.attributes.file_systems = vec![FileSystem {
                mount_point: "/srv".into(),
                device: "/dev/sdb1".into(),
                kind: "xfs".into(),
                bytes: Some(20 * GIB),
                remote: None,
            }];
        }
        if key == "stray" {
            entity.attributes.not_joined = vec![
                "libvirt: web1.corp.example has the same name, and another SMBIOS UUID".to_owned(),
            ];
        }
        let template = guest.sort == GuestSort::Template;
        let row = row(key, host, &guest);
        entity.attributes.guest = Some(Box::new(guest));
        if !template {
            e.inventory.guests.push(row);
        }
    }
    measured(&mut e);
    e.finish()
}

fn vsphere() -> Platform {
    Platform {
        kind: PlatformKind::Vsphere,
        id: CENTER.into(),
    }
}

fn libvirt() -> Platform {
    Platform {
        kind: PlatformKind::Libvirt,
        id: "kvm1".into(),
    }
}

fn center(e: &mut Estate) {
    let entity = e.entity("cluster", "hypervisor-cluster", "virtualization", "C1", "");
    entity.attributes.cluster = Some(Box::new(Cluster {
        platform: vsphere(),
        key: "domain-c1".into(),
        name: "C1".into(),
        restarts_guests: Some(true),
        spreads_guests: Some("fully-automated".into()),
        rules: vec![AffinityRule {
            name: "databases apart".into(),
            sort: AffinitySort::Apart,
            enabled: true,
            guests: vec!["vm-2".into(), "vm-9".into()],
            ..AffinityRule::default()
        }],
    }));
    let entity = e.entity(
        "esx1",
        "hypervisor",
        "virtualization",
        "esx1.corp.example",
        "10.1.9.1",
    );
    entity.attributes.hypervisor = Some(Box::new(Hypervisor {
        platform: vsphere(),
        key: "host-1".into(),
        name: "esx1.corp.example".into(),
        addresses: vec!["10.1.9.1".parse().unwrap()],
        uuid: Some("99999999-0000-4000-8000-000000000001".into()),
        product: Some("VMware ESXi 7.0.3 build-1".into()),
        sockets: Some(2),
        cores: Some(32),
        threads: Some(64),
        core_mhz: Some(2_400),
        memory_bytes: Some(512 * GIB),
        cluster: Some("domain-c1".into()),
        nics: vec![HypervisorNic {
            name: "vmnic0".into(),
            mac: Some("00:50:56:00:99:01".into()),
            driver: Some("ixgben".into()),
            speed_mbps: Some(10_000),
        }],
        switches: vec![
            VirtualSwitch {
                name: "vSwitch0".into(),
                uplinks: vec!["vmnic0".into()],
                mtu: Some(1_500),
                port_groups: vec![PortGroup {
                    name: "servers".into(),
                    vlan: Some("20".into()),
                }],
                ..VirtualSwitch::default()
            },
            VirtualSwitch {
                name: "dvs1".into(),
                distributed: true,
                mtu: Some(9_000),
                port_groups: vec![PortGroup {
                    name: "dv-databases".into(),
                    vlan: None,
                }],
                ..VirtualSwitch::default()
            },
        ],
        datastores: vec!["datastore-1".into()],
        started_at: Some(days_ago(100)),
        ..Hypervisor::default()
    }));
    let entity = e.entity("ds1", "datastore", "storage", "ds1", "");
    entity.attributes.datastore = Some(Box::new(Datastore {
        platform: vsphere(),
        key: "datastore-1".into(),
        name: "ds1".into(),
        sort: DatastoreSort::Fabric,
        product: Some("VMFS-6".into()),
        capacity_bytes: Some(4_096 * GIB),
        shared: Some(true),
        hosts: vec!["host-1".into()],
        ..Datastore::default()
    }));
}

fn lone(e: &mut Estate) {
    let entity = e.entity("kvm1", "hypervisor", "virtualization", "kvm1", "10.1.9.2");
    entity.attributes.hypervisor = Some(Box::new(Hypervisor {
        platform: libvirt(),
        key: "kvm1".into(),
        name: "kvm1".into(),
        product: Some("QEMU 8.2.2".into()),
        cores: Some(8),
        memory_bytes: Some(64 * GIB),
        ..Hypervisor::default()
    }));
}

fn machine(platform: Platform, key: &str, name: &str, number: u8) -> Guest {
    let host = match platform.kind {
        PlatformKind::Vsphere => "host-1",
        _ => "kvm1",
    };
    Guest {
        platform,
        key: key.into(),
        name: name.into(),
        uuid: Some(format!("42000000-0000-4000-8000-0000000000{number:02x}")),
        power: Some(Power::On),
        host: Some(host.into()),
        processors: Some(4),
        cores_per_socket: Some(2),
        memory_bytes: Some(8 * GIB),
        nics: vec![GuestNic {
            name: "net0".into(),
            mac: Some(format!("00:50:56:00:00:{number:02x}")),
            network: Some("servers".into()),
            addresses: vec![format!("10.1.0.{number}").parse().unwrap()],
            ..GuestNic::default()
        }],
        ..Guest::default()
    }
}

/// Key of the entity, key of its host, and the guest.
fn all() -> Vec<(&'static str, &'static str, Guest)> {
    let disk = |name: &str, gib: u64, path: &str| GuestDisk {
        name: name.into(),
        format: DiskFormat::Vmdk,
        capacity_bytes: Some(gib * GIB),
        thin: Some(true),
        datastore: Some("datastore-1".into()),
        path: Some(path.into()),
        controller: Some(DiskController::Pvscsi),
        ..GuestDisk::default()
    };
    let web = Guest {
        configured_os: Some("Debian GNU/Linux 12 (64-bit)".into()),
        disks: vec![disk("Hard disk 1", 40, "[ds1] web1/web1.vmdk")],
        hardware_version: Some("vmx-19".into()),
        firmware: Some(Firmware::Efi),
        tools: Some(Tools {
            installed: Some(true),
            running: Some(true),
            version: Some("12352".into()),
            outdated: Some(false),
        }),
        ..machine(vsphere(), "vm-1", "web1.corp.example", 1)
    };
    let raw = GuestDisk {
        raw_device: true,
        mode: DiskMode::IndependentPersistent,
        ..disk("Hard disk 2", 200, "[ds1] db1/db1_1.vmdk")
    };
    let db = Guest {
        disks: vec![disk("Hard disk 1", 60, "[ds1] db1/db1.vmdk"), raw],
        snapshots: vec![GuestSnapshot {
            name: "before the update".into(),
            taken_at: Some(days_ago(90)),
            current: true,
            ..GuestSnapshot::default()
        }],
        media: vec!["[iso] debian.iso".into()],
        ..machine(vsphere(), "vm-2", "db1.corp.example", 2)
    };
    let golden = Guest {
        sort: GuestSort::Template,
        power: Some(Power::Off),
        nics: Vec::new(),
        ..machine(vsphere(), "vm-3", "golden", 3)
    };
    let hostile = Guest {
        passthrough: vec![Passthrough {
            sort: PassthroughSort::Usb,
            what: HOSTILE[1].into(),
        }],
        folder: Some("=1+1".into()),
        ..machine(libvirt(), "u-4", HOSTILE[0], 4)
    };
    let stray = Guest {
        power: Some(Power::Suspended),
        disks: vec![GuestDisk {
            format: DiskFormat::Qcow2,
            datastore: None,
            ..disk("vda", 10, "/var/lib/libvirt/images/stray.qcow2")
        }],
        ..machine(libvirt(), "u-5", "stray", 5)
    };
    let container = Guest {
        sort: GuestSort::Container,
        ..machine(libvirt(), "u-6", "cell", 6)
    };
    vec![
        ("web1", "esx1", web),
        ("db1", "esx1", db),
        ("golden", "esx1", golden),
        ("hostile-guest", "kvm1", hostile),
        ("stray", "kvm1", stray),
        ("cell", "kvm1", container),
    ]
}

fn row(key: &str, host: &str, guest: &Guest) -> GuestRow {
    let blocker = |severity, rule: &str, what: &str| Blocker {
        severity,
        rule: rule.into(),
        what: what.into(),
        because: "Its blocks lie outside of any datastore.".into(),
        remedy: "Copy it into a disk of the platform.".into(),
    };
    let blockers = match key {
        "db1" => vec![
            blocker(BlockerSeverity::Critical, "rdm_disk", "Hard disk 2"),
            blocker(BlockerSeverity::Warning, "snapshot", "before the update"),
        ],
        "hostile-guest" => vec![blocker(BlockerSeverity::Warning, "usb", HOSTILE[1])],
        _ => Vec::new(),
    };
    let bytes: u64 = guest
        .disks
        .iter()
        .filter_map(|disk| disk.capacity_bytes)
        .sum();
    let way = |target, way, downtime| MoveWay {
        target,
        way,
        disk_format: "qcow2".into(),
        converts: target != guest.platform.kind,
        downtime_minutes: downtime,
        exceeds: Vec::new(),
    };
    GuestRow {
        entity: EntityId::new(format!("ent-{key}")),
        host: Some(EntityId::new(format!("ent-{host}"))),
        bytes: (bytes > 0).then_some(bytes),
        bytes_measured: key == "web1",
        transfer_hours: None,
        blockers,
        ways: vec![
            way(guest.platform.kind, Way::Live, Some([0.0, 0.1])),
            way(
                PlatformKind::Proxmox,
                Way::Cold,
                (bytes > 0).then_some([12.0, 40.0]),
            ),
        ],
    }
}

fn measured(e: &mut Estate) {
    for (key, metric, value) in [
        ("web1", "vm_disk_used_bytes", 17 * GIB),
        ("ds1", "datastore_free_bytes", 1_024 * GIB),
        ("esx1", "hypervisor_memory_used_bytes", 256 * GIB),
        ("esx1", "hypervisor_cpu_used_percent", 37),
    ] {
        e.inventory.measurements.push(MeasurementEntry {
            entity: EntityId::new(format!("ent-{key}")),
            metric: metric.into(),
            subject: String::new(),
            value: value as f64,
            at: noon(),
        });
    }
}
