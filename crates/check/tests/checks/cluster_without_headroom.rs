//! `cluster-without-headroom`

use groma_model::inventory::{Entity, Inventory, MeasurementEntry, Severity};
use groma_model::virtualization::{Cluster, Guest, Hypervisor, Platform, PlatformKind, Power};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "cluster-without-headroom";
const GIB: u64 = 1 << 30;

fn platform() -> Platform {
    Platform {
        kind: PlatformKind::Vsphere,
        id: "vc1".into(),
    }
}

fn cluster() -> Entity {
    let mut told = entity("hypervisor-cluster", "production");
    told.attributes.cluster = Some(Box::new(Cluster {
        platform: platform(),
        key: "domain-c1".into(),
        restarts_guests: Some(true),
        ..Cluster::default()
    }));
    told
}

fn carrier(name: &str, gib: Option<u64>) -> Entity {
    let mut told = entity("hypervisor", name);
    told.attributes.hypervisor = Some(Box::new(Hypervisor {
        platform: platform(),
        key: name.into(),
        memory_bytes: gib.map(|gib| gib * GIB),
        cluster: Some("domain-c1".into()),
        ..Hypervisor::default()
    }));
    told
}

fn guest(name: &str, on: &str, gib: u64) -> Entity {
    let mut told = entity("vm", name);
    told.attributes.guest = Some(Box::new(Guest {
        platform: platform(),
        key: name.into(),
        host: Some(on.into()),
        power: Some(Power::On),
        memory_bytes: Some(gib * GIB),
        ..Guest::default()
    }));
    told
}

/// Three hosts of 128, 128 and 256 GiB with `gib` of running guests: 256 are left when the largest is away.
fn estate(gib: u64) -> Inventory {
    let hosts = [("esx1", 128), ("esx2", 128), ("esx3", 256)];
    let mut entities = vec![cluster()];
    entities.extend(hosts.map(|(name, gib)| carrier(name, Some(gib))));
    entities.push(guest("db1", "esx3", gib / 2));
    entities.push(guest("db2", "esx1", gib - gib / 2));
    inventory(entities, Vec::new())
}

fn hosts(estate: &mut Inventory) -> impl Iterator<Item = &mut Hypervisor> {
    let told = estate.entities.iter_mut();
    told.filter_map(|e| e.attributes.hypervisor.as_deref_mut())
}

fn used(estate: &mut Inventory, gib: [u64; 3]) {
    let rows = ["esx1", "esx2", "esx3"].into_iter().zip(gib);
    estate.measurements = rows
        .map(|(host, gib)| MeasurementEntry {
            entity: id(host),
            metric: "hypervisor_memory_used_bytes".into(),
            subject: String::new(),
            #[expect(clippy::cast_precision_loss, reason = "a few GiB")]
            value: (gib * GIB) as f64,
            at: now(),
        })
        .collect();
}

pub(crate) fn positive() -> Inventory {
    estate(300)
}

pub(crate) fn negative() -> Inventory {
    estate(256)
}

#[test]
fn guests_that_do_not_fit_without_the_largest_host_are_a_risk() {
    let finding = only(CHECK, &positive());
    assert_eq!(finding.severity, Severity::Medium);
    assert_eq!(
        finding.risk,
        "In production guests do not fit while esx3 is away: 44.0 GiB of memory would be missing."
    );
    assert_eq!(
        finding.indicator,
        "3 hosts; 300.0 GiB given to running guests; 512.0 GiB there, 256.0 GiB of it on the largest host"
    );
    assert!(found(CHECK, &negative()).is_empty());
}

#[test]
fn what_is_measured_counts_more_than_what_was_given() {
    let mut lean = positive();
    used(&mut lean, [40, 40, 60]);
    assert!(found(CHECK, &lean).is_empty(), "{:?}", found(CHECK, &lean));
    let mut full = negative();
    used(&mut full, [100, 100, 90]);
    assert!(
        only(CHECK, &full)
            .indicator
            .contains("290.0 GiB of memory in use")
    );
}

#[test]
fn a_host_in_maintenance_gives_nothing() {
    let mut estate = negative();
    hosts(&mut estate)
        .filter(|host| host.key == "esx2")
        .for_each(|host| host.maintenance = Some(true));
    let finding = only(CHECK, &estate);
    assert!(finding.risk.contains("128.0 GiB"), "{}", finding.risk);
    assert!(
        finding
            .indicator
            .starts_with("3 hosts, 1 of them in maintenance"),
        "{}",
        finding.indicator
    );
}

#[test]
fn nothing_is_said_of_one_host_of_memory_nobody_told_and_of_guests_that_are_off() {
    let mut one_host = positive();
    hosts(&mut one_host)
        .filter(|host| host.key != "esx3")
        .for_each(|host| host.cluster = None);
    let mut untold = positive();
    hosts(&mut untold)
        .filter(|host| host.key == "esx2")
        .for_each(|host| host.memory_bytes = None);
    let mut off = positive();
    let guests = off
        .entities
        .iter_mut()
        .filter_map(|e| e.attributes.guest.as_deref_mut());
    guests.for_each(|guest| guest.power = Some(Power::Off));
    for estate in [one_host, untold, off] {
        assert!(found(CHECK, &estate).is_empty());
    }
}
