//! `duplicate-archive`

use groma_model::inventory::{Inventory, MeasurementEntry};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "duplicate-archive";

fn keyed(archives: &[(&str, &str, f64)]) -> Inventory {
    let mut entities: Vec<_> = ["ws1", "files1", "ws2"].map(host).into();
    let mut measurements = Vec::new();
    for (on, path, key) in archives {
        let archive = holds("archive", on, path);
        measurements.push(MeasurementEntry {
            entity: archive.id.clone(),
            metric: "content_key".to_owned(),
            subject: (*path).to_owned(),
            value: *key,
            at: now(),
        });
        entities.push(archive);
    }
    let mut inventory = inventory(entities, Vec::new());
    inventory.measurements = measurements;
    inventory
}

pub(crate) fn positive() -> Inventory {
    keyed(&[
        ("ws1", "/home/anna/old.pst", 42.0),
        ("files1", "/srv/home/anna/old.pst", 42.0),
        ("ws1", "/home/anna/2019.pst", 43.0),
        ("files1", "/srv/home/anna/2019.pst", 43.0),
        ("ws2", "/home/boris/own.pst", 44.0),
    ])
}

/// Archives of different content, and two copies on one machine, which that machine's own finding tells.
pub(crate) fn negative() -> Inventory {
    keyed(&[
        ("ws1", "/home/anna/old.pst", 42.0),
        ("files1", "/srv/home/anna/old.pst", 43.0),
        ("ws2", "/home/boris/a.pst", 44.0),
        ("ws2", "/home/boris/b.pst", 44.0),
    ])
}

#[test]
fn one_finding_names_both_machines_and_every_archive_they_share() {
    let finding = only(CHECK, &positive());
    assert_eq!(
        finding.risk,
        "2 mail archives on files1 and ws1 are the same: one move would bring each over several times."
    );
    assert!(
        finding
            .indicator
            .contains("files1:/srv/home/anna/old.pst = ws1:/home/anna/old.pst")
            && !finding.indicator.contains("boris"),
        "{}",
        finding.indicator
    );
}

#[test]
fn equal_numbers_of_different_formats_are_no_copies() {
    let mut inventory = positive();
    for entity in &mut inventory.entities {
        let on_server = entity.name.starts_with("files1");
        if let Some(archive) = entity.attributes.archive.as_mut().filter(|_| on_server) {
            archive.format = "mbox".to_owned();
        }
    }
    assert!(found(CHECK, &inventory).is_empty());
}
