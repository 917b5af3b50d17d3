use std::net::IpAddr;

use groma_model::virtualization::{
    Datastore, DatastoreSort, DiskController, DiskFormat, Hypervisor,
};

use super::*;

const INVENTORY: &[u8] = include_bytes!("../../tests/fixtures/hyperv/inventory.json");

fn read() -> Read {
    of_value(&serde_json::from_slice(INVENTORY).unwrap())
}

fn guest(name: &str) -> Guest {
    let read = read();
    let mut guests = read.facts.iter().filter_map(|fact| match fact {
        Fact::Guest(guest) if guest.name.as_str() == Some(name) => Some((**guest).clone()),
        _ => None,
    });
    guests.next().unwrap()
}

#[test]
fn a_machine_has_the_uuid_of_its_firmware_and_not_its_id() {
    let mail = guest("mail1");
    assert_eq!(mail.key, "0d1e2f30-1111-2222-3333-444455556666");
    assert_eq!(
        mail.uuid.as_deref(),
        Some("a1b2c3d4-0001-0002-0003-000400050006")
    );
    assert_eq!(
        (mail.platform.id.as_str(), mail.host.as_deref()),
        ("hvc1", Some("hv1"))
    );
    assert_eq!(
        (mail.power, mail.firmware, mail.secure_boot, mail.tpm),
        (Some(Power::On), Some(Firmware::Efi), Some(true), Some(true))
    );
    assert_eq!(
        (
            mail.memory_bytes,
            mail.restarted_elsewhere,
            mail.starts_with_host
        ),
        (Some(8 << 30), Some(true), Some(true))
    );
    assert_eq!(mail.host_name.unwrap().as_str(), "mail1.corp.example");
    assert_eq!(
        mail.tools.unwrap().running,
        Some(true),
        "its heartbeat is known by its id, whatever the language"
    );
    assert_eq!(mail.passthrough.len(), 1);
    let old = guest("old1");
    assert_eq!(
        (old.uuid, old.tpm, old.secure_boot, old.power),
        (None, Some(false), Some(false), Some(Power::Off))
    );
    assert_eq!(
        (
            old.memory_bytes,
            old.starts_with_host,
            old.restarted_elsewhere
        ),
        (Some(1 << 30), Some(false), Some(false))
    );
    assert_eq!((old.tools, old.passthrough.len()), (None, 0));
}

#[test]
fn disks_say_what_they_are_and_whose_changes_they_hold() {
    let mail = guest("mail1");
    let [own, raw, shared] = mail.disks.as_slice() else {
        panic!()
    };
    assert_eq!(
        (own.format, own.thin, own.capacity_bytes),
        (DiskFormat::Vhdx, Some(true), Some(64 << 30))
    );
    assert_eq!(
        own.backing.as_ref().unwrap().as_str(),
        Some("C:\\ClusterStorage\\Volume1\\mail1\\disk.vhdx")
    );
    assert_eq!(own.datastore.as_deref(), Some("clusterstorage\\volume1"));
    assert_eq!(
        (raw.raw_device, raw.format, raw.datastore.as_deref()),
        (true, DiskFormat::Raw, None)
    );
    assert_eq!(
        (shared.shared, shared.datastore.as_deref()),
        (true, Some("\\\\nas1\\vms"))
    );
    assert!(!own.shared && !own.raw_device);
    assert_eq!(
        mail.consolidation_needed,
        Some(false),
        "its checkpoint is there"
    );
    let old = guest("old1");
    assert_eq!(
        (old.disks[0].format, old.disks[0].controller),
        (DiskFormat::Vhd, Some(DiskController::Ide))
    );
    assert_eq!(
        old.consolidation_needed,
        Some(true),
        "a file of a checkpoint, and no checkpoint"
    );
    let dated = guest("dated");
    assert_eq!(
        (
            dated.disks[0].format,
            dated.disks[0].thin,
            dated.consolidation_needed
        ),
        (DiskFormat::Vhdx, Some(false), Some(false))
    );
}

#[test]
fn what_disks_take_is_told_where_it_is_known_of_all() {
    let used = |disks: Value| {
        let machine = serde_json::json!({"Name": "m", "VMId": "0d1e2f30-1111-2222-3333-444455556666", "Disks": disks});
        let read = of_value(&serde_json::json!({"Host": {"Name": "HV1"}, "Machines": [machine]}));
        read.facts.iter().find_map(|fact| match fact {
            Fact::Measurement(one) => Some(one.value),
            _ => None,
        })
    };
    let disk = |name: &str, size: u64| serde_json::json!({"Path": format!("D:\\vm\\{name}"), "FileSize": size});
    let own = disk("a.vhdx", 5000);
    assert_eq!(
        used(serde_json::json!([own, disk("b.vhdx", 70)])),
        Some(5070.0)
    );
    let mut child = disk("b_1F.avhdx", 70);
    child["ParentPath"] = "D:\\vm\\b.vhdx".into();
    assert_eq!(
        used(serde_json::json!([own, child])),
        None,
        "the changes alone"
    );
    let mut child = disk("b.vhdx", 70);
    child["VhdType"] = 4.into();
    assert_eq!(
        used(serde_json::json!([own, child])),
        None,
        "its parent is not told"
    );
    let unmeasured = serde_json::json!({"Path": "D:\\vm\\c.vhdx"});
    assert_eq!(used(serde_json::json!([own, unmeasured])), None);
    // A drive that is empty takes nothing, and a machine without disks nobody measured.
    assert_eq!(used(serde_json::json!([own, {"Path": null}])), Some(5000.0));
    assert_eq!(used(serde_json::json!([])), None);
}

#[test]
fn an_empty_drive_is_nothing_and_an_address_of_zeros_is_none() {
    assert_eq!(guest("mail1").media, ["D:\\iso\\setup.iso".into()]);
    let old = guest("old1");
    assert!(old.media.is_empty());
    assert_eq!(
        (
            old.nics[0].mac.as_deref(),
            old.nics[0].vlan.as_deref(),
            old.nics[0].connected
        ),
        (None, None, Some(false))
    );
    let mail = guest("mail1");
    assert_eq!(mail.nics[0].mac.as_deref(), Some("00:15:5d:01:02:03"));
    assert_eq!(mail.nics[0].vlan.as_deref(), Some("20"));
    assert_eq!(
        mail.nics[0].addresses,
        ["10.30.5.4".parse::<IpAddr>().unwrap()]
    );
}

#[test]
fn an_address_that_is_another_tomorrow_is_told_of_no_card_and_no_host() {
    let all = [
        "10.30.5.4",
        "2001:db8::215:5dff:fe01:203",
        "2001:db8::4f1c:93de:1:2",
    ];
    let host = serde_json::json!({"Name": "HV1", "Addresses": all,
        "Nics": [{"InterfaceDescription": "x", "MacAddress": "00155D010203"}]});
    let card = serde_json::json!({"MacAddress": "00155D010203", "IPAddresses": all});
    let machine =
        serde_json::json!({"VMId": "0d1e2f30-1111-2222-3333-444455556666", "Adapters": [card]});
    let read = of_value(&serde_json::json!({"Host": host, "Machines": [machine]}));
    let kept: Vec<IpAddr> = all[..2].iter().map(|one| one.parse().unwrap()).collect();
    let told: Vec<Vec<IpAddr>> = read
        .facts
        .iter()
        .map(|fact| match fact {
            Fact::Guest(guest) => guest.addresses().collect(),
            Fact::Hypervisor(host) => host.addresses.clone(),
            _ => Vec::new(),
        })
        .collect();
    assert_eq!(told, [kept.clone(), kept]);
}

#[test]
fn moments_are_read_in_both_writings() {
    let mail = guest("mail1");
    assert_eq!(mail.snapshots[0].taken_at.unwrap().day(), "2026-10-01");
    assert!(mail.snapshots[0].current && mail.snapshots[0].with_memory);
    let dated = guest("dated");
    assert_eq!(
        dated.snapshots[0].taken_at,
        Some(Timestamp::from_millis(1_790_000_000_000))
    );
    assert!(!dated.snapshots[0].current && !dated.snapshots[0].with_memory);
    assert_eq!(
        (dated.secure_boot, dated.power),
        (Some(false), Some(Power::Suspended))
    );
    for (text, millis) in [
        ("/Date(5)/", Some(5)),
        ("/Date(-5)/", Some(-5)),
        ("/Date(5+0100)/", Some(5)),
        ("/Date()/", None),
        ("/Date(x)/", None),
        ("", None),
    ] {
        assert_eq!(
            moment(&Value::from(text)).map(Timestamp::millis),
            millis,
            "{text}"
        );
    }
}

#[test]
fn the_host_and_its_places_are_told() {
    let read = read();
    let hosts: Vec<&Hypervisor> = read
        .facts
        .iter()
        .filter_map(|f| match f {
            Fact::Hypervisor(h) => Some(&**h),
            _ => None,
        })
        .collect();
    let [host] = hosts.as_slice() else { panic!() };
    assert_eq!(
        (
            host.key.as_str(),
            host.addresses.len(),
            host.dns_servers.len()
        ),
        ("hv1", 1, 1)
    );
    assert_eq!(
        (host.nics[0].speed_mbps, host.nics[0].mac.as_deref()),
        (Some(10_000), Some("3c:fd:fe:00:00:01"))
    );
    assert_eq!(
        (
            host.switches[0].uplinks.len(),
            host.switches[1].uplinks.len()
        ),
        (1, 0)
    );
    assert_eq!(
        host.datastores,
        ["\\\\nas1\\vms", "clusterstorage\\volume1", "hv1\\d:"]
    );
    let stores: Vec<&Datastore> = read
        .facts
        .iter()
        .filter_map(|f| match f {
            Fact::Datastore(d) => Some(&**d),
            _ => None,
        })
        .collect();
    assert_eq!(
        (
            stores[0].sort,
            stores[0].server.as_ref().unwrap().to_string()
        ),
        (DatastoreSort::FileShare, "nas1".to_owned())
    );
    assert_eq!(
        (stores[2].sort, stores[2].shared),
        (DatastoreSort::Directory, Some(false))
    );
}

#[test]
fn what_the_script_could_not_read_and_what_has_no_id_is_told() {
    let untold = read().untold;
    assert_eq!(untold.len(), 2, "{untold:?}");
    assert!(untold[0].starts_with("the script says: ") && untold[1] == "Machines[3]: no VMId");
    assert!(
        !of_value(&serde_json::json!({"Machines": []}))
            .untold
            .is_empty()
    );
}

#[test]
fn no_inventory_breaks_the_reader() {
    groma_fuzz::hammer(3000, &[INVENTORY], |bytes| {
        if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
            drop(of_value(&value));
        }
    });
}
