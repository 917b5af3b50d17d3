//! A real virtual machine: Debian's cloud kernel with the static agent in it, on a machine of software alone. What it said from
//! inside and what its platform says of it are one machine, by SMBIOS UUID and MAC address; a clone that kept the UUID is not.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

#[path = "hypervisors/guest.rs"]
mod guest;
#[path = "hypervisors/initramfs.rs"]
mod initramfs;
#[path = "hypervisors/libvirtd.rs"]
mod libvirtd;
#[path = "hypervisors/platform.rs"]
mod platform;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use groma_model::Timestamp;
use groma_model::inventory::{Dependency, Entity, Inventory};
use groma_model::virtualization::Power;
use groma_tests::skip;

use guest::{Card, Parts};
use platform::Shown;

const SHOP: Card = Card {
    name: "shop1",
    uuid: "6f3a1c52-0b7d-4e21-9c84-d1e5a7b03f96",
    serial: "PLATE-4711",
    mac: "52:54:00:5e:00:11",
    address: "10.0.2.15",
    machine_id: "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
};

/// The same UUID with its first three fields the other way round, as some platforms tell it.
const SHOP_SWAPPED: &str = "521c3a6f-7d0b-214e-9c84-d1e5a7b03f96";

/// What a guest is made of, and `groma`; `None` has been told aloud.
fn here() -> Option<(Parts, PathBuf)> {
    let groma = std::env::var_os("GROMA_BIN").map(PathBuf::from);
    match (Parts::found(), groma.filter(|path| path.exists())) {
        (Ok(parts), Some(groma)) => return Some((parts, groma)),
        (Err(lack), _) => skip(&lack),
        (Ok(_), None) => {
            skip("GROMA_BIN does not name a built program; `tests/run e2e` sets it");
        }
    }
    None
}

/// `groma`, and what the agent in the guest said; the guest is started once for all tests.
fn looked_at() -> Option<(PathBuf, &'static [u8])> {
    static BATCH: OnceLock<Vec<u8>> = OnceLock::new();
    let (parts, groma) = here()?;
    let batch = BATCH.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        guest::looked_at_from_inside(&parts, &SHOP, "", folder.path())
    });
    Some((groma, batch))
}

/// Runs `groma` and gives what it wrote.
fn run(groma: &Path, words: &[&str], data: &Path) -> String {
    let output = Command::new(groma)
        .args(words)
        .arg("--data")
        .arg(data)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// What groma makes of the batch of a guest and of what its platform says.
fn concluded(groma: &Path, batch: &[u8], told: &[Shown]) -> Inventory {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("outside");
    platform::says(told, now(), &outside);
    imported(groma, &[batch, &std::fs::read(outside).unwrap()])
}

/// What groma makes of these batches, carried by hand into a store of their own.
fn imported(groma: &Path, batches: &[&[u8]]) -> Inventory {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for batch in batches {
        let carried = folder.path().join("batch");
        std::fs::write(&carried, batch).unwrap();
        run(groma, &["import", carried.to_str().unwrap()], &data);
    }
    let document = run(groma, &["export", "--format", "json", "--out", "-"], &data);
    serde_json::from_str(&document).expect("the export is an inventory document")
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_seconds(since.as_secs().try_into().unwrap())
}

/// All entities of this name, whatever they are.
fn named<'a>(inventory: &'a Inventory, name: &str) -> Vec<&'a Entity> {
    let all = inventory.entities.iter();
    all.filter(|entity| entity.name == name || entity.names.iter().any(|n| n == name))
        .collect()
}

fn the_one<'a>(inventory: &'a Inventory, name: &str) -> &'a Entity {
    match named(inventory, name).as_slice() {
        [one] => one,
        others => panic!("not one {name}: {others:#?}"),
    }
}

/// Whom this machine runs on, by kind of need and the provider's name.
fn carried_by<'a>(inventory: &'a Inventory, guest: &Entity) -> Vec<&'a Dependency> {
    let all = inventory.dependencies.iter();
    all.filter(|need| need.kind == "runs-on" && need.consumer.entity == guest.id)
        .collect()
}

#[test]
fn an_agent_in_a_virtual_machine_sees_what_its_platform_gave_it() {
    let Some((groma, batch)) = looked_at() else {
        return;
    };
    let inventory = concluded(&groma, batch, &[]);
    let shop = the_one(&inventory, SHOP.name);
    assert!(shop.has_agent);
    assert_eq!(shop.kind, "host");
    let identity = shop.attributes.identity.as_ref().expect("it was looked at");
    assert_eq!(identity.smbios_uuid.as_deref(), Some(SHOP.uuid));
    assert_eq!(identity.serial.as_deref(), Some(SHOP.serial));
    assert_eq!(identity.machine_id.as_deref(), Some(SHOP.machine_id));
    assert_eq!(identity.macs, [SHOP.mac]);
    assert!(!identity.in_container);
    let address: std::net::IpAddr = SHOP.address.parse().unwrap();
    assert!(shop.addresses.contains(&address), "{:?}", shop.addresses);
    let system = shop.attributes.operating_system.as_ref().unwrap();
    assert_eq!(system.virtualization.as_deref(), Some("qemu"));
    // Nobody asked its platform yet.
    assert!(shop.attributes.guest.is_none());
    assert!(carried_by(&inventory, shop).is_empty());
}

#[test]
fn what_the_agent_sees_and_what_the_platform_tells_are_one_machine() {
    let Some((groma, batch)) = looked_at() else {
        return;
    };
    for uuid in [SHOP.uuid, SHOP_SWAPPED] {
        let told = Shown {
            uuid: uuid.to_owned(),
            ..Shown::of(&SHOP)
        };
        let inventory = concluded(&groma, batch, &[told]);
        joined(
            &inventory,
            "libvirt tells of it: same SMBIOS UUID, MAC addresses",
        );
        let all: Vec<&str> = inventory.entities.iter().map(|e| e.kind.as_str()).collect();
        assert!(
            !all.contains(&"vm"),
            "told as {uuid}, it stands there twice: {all:?}"
        );
    }
}

/// The guest is one machine with what its agent saw, joined for this reason, and needs its host.
fn joined<'a>(inventory: &'a Inventory, because: &str) -> &'a Entity {
    let shop = the_one(inventory, SHOP.name);
    assert!(shop.has_agent);
    assert_eq!(shop.merged_because, [because]);
    assert_eq!(shop.attributes.not_joined, Vec::<String>::new());
    assert!(shop.attributes.guest.is_some(), "its platform told of it");
    let host = the_one(inventory, platform::HOST);
    assert_eq!(host.kind, "hypervisor");
    let needs = carried_by(inventory, shop);
    let [need] = needs.as_slice() else {
        panic!("not one host: {needs:#?}")
    };
    assert_eq!(need.provider.entity, host.id);
    shop
}

#[test]
fn a_clone_that_kept_the_uuid_is_a_machine_of_its_own() {
    let Some((groma, batch)) = looked_at() else {
        return;
    };
    let clone = || Shown {
        key: "vm-2",
        name: "shop-test",
        uuid: SHOP_SWAPPED.to_owned(),
        mac: "52:54:00:5e:00:22",
    };
    let stranger = || Shown {
        key: "vm-3",
        name: "ledger1",
        uuid: "0d4c9a18-55e2-4b7f-8f60-7a2b9c1d3e4f".to_owned(),
        mac: "52:54:00:5e:00:33",
    };
    let beside = [Shown::of(&SHOP), clone(), stranger()];
    let inventory = concluded(&groma, batch, &beside);
    let shop = joined(
        &inventory,
        "libvirt tells of it: same SMBIOS UUID, MAC addresses",
    );
    let told = shop.attributes.guest.as_ref().unwrap();
    assert_eq!(told.key, "vm-1", "the clone took its place");
    let doubt = format!(
        "libvirt and {}: one UUID, and no MAC address in common",
        shop.id
    );
    stands_alone(the_one(&inventory, "shop-test"), &[doubt.as_str()]);
    stands_alone(the_one(&inventory, "ledger1"), &[]);
    let carried = |name| carried_by(&inventory, the_one(&inventory, name)).len();
    assert_eq!([carried("shop-test"), carried("ledger1")], [1, 1]);

    // Where the platform tells of the clone alone, the machine that was looked at is none of its guests.
    let inventory = concluded(&groma, batch, &[clone()]);
    let shop = the_one(&inventory, SHOP.name);
    assert!(shop.attributes.guest.is_none(), "{shop:#?}");
    assert_eq!(shop.merged_because, Vec::<String>::new());
    let doubt = format!(
        "libvirt and {}: one UUID, and no MAC address in common",
        shop.id
    );
    stands_alone(the_one(&inventory, "shop-test"), &[doubt.as_str()]);
}

#[test]
fn a_guest_without_firmware_is_known_by_its_card_alone_unless_two_have_it() {
    let Some((parts, groma)) = here() else { return };
    let folder = tempfile::tempdir().unwrap();
    let batch = guest::looked_at_from_inside(&parts, &SHOP, guest::NO_FIRMWARE, folder.path());
    let inventory = concluded(&groma, &batch, &[Shown::of(&SHOP)]);
    let shop = joined(&inventory, "libvirt tells of it: same MAC addresses");
    let identity = shop.attributes.identity.as_ref().unwrap();
    assert_eq!((&identity.smbios_uuid, &identity.serial), (&None, &None));

    let copy = Shown {
        key: "vm-2",
        name: "shop-copy",
        uuid: "0d4c9a18-55e2-4b7f-8f60-7a2b9c1d3e4f".to_owned(),
        mac: SHOP.mac,
    };
    let inventory = concluded(&groma, &batch, &[Shown::of(&SHOP), copy]);
    let shop = the_one(&inventory, SHOP.name);
    assert!(shop.attributes.guest.is_none(), "{shop:#?}");
    let told: Vec<&Entity> = inventory
        .entities
        .iter()
        .filter(|e| e.kind == "vm")
        .collect();
    assert_eq!(told.len(), 2, "{told:#?}");
}

#[test]
fn a_guest_of_a_real_libvirtd_is_the_machine_its_agent_sees() {
    let Some((parts, groma)) = here() else { return };
    if let Some(lack) = libvirtd::lack() {
        skip(lack);
        return;
    }
    let room = tempfile::tempdir().unwrap();
    let looks = libvirtd::looked_at_from_both_sides(&parts, &SHOP, room.path());
    let inventory = imported(&groma, &[&looks.inside, &looks.outside]);
    let shop = joined(
        &inventory,
        "libvirt tells of it: same SMBIOS UUID, MAC addresses",
    );
    let told = shop.attributes.guest.as_ref().unwrap();
    assert_eq!(told.name.to_string(), "shop-production");
    assert_eq!(told.power, Some(Power::On));
    let beside = the_one(&inventory, "ledger1");
    stands_alone(beside, &[]);
    let power = beside.attributes.guest.as_ref().unwrap().power;
    assert_eq!(power, Some(Power::Off));
}

fn stands_alone(guest: &Entity, doubts: &[&str]) {
    assert_eq!((guest.kind.as_str(), guest.has_agent), ("vm", false));
    assert_eq!(guest.merged_because, Vec::<String>::new());
    assert_eq!(guest.attributes.not_joined, doubts);
}
