//! What directories say: written on the machines it is about; accounts, domains and zones become things of their own.

use groma_model::fact::{DirectoryEntry, DirectoryObject, OperatingSystem};
use groma_model::inventory::Entity;
use groma_model::{EntityId, Estate, Foreign};

use crate::gather::{DirectoryRow, Gathered};
use crate::ledger::{Ledger, key};
use crate::outside::stranger;

/// Writes every object of every directory on the entity it is about.
pub(crate) fn place(gathered: &mut Gathered, ledger: &mut Ledger<'_>, estate: &mut Estate) {
    for row in std::mem::take(&mut gathered.directory) {
        let id = match own_kind(&row.object.class) {
            Some((kind, layer)) => own(&row, kind, layer, ledger, estate),
            None => machine(&row, estate).unwrap_or_else(|| directory(&row, ledger, estate)),
        };
        if let Some(entity) = estate.entities.get_mut(&id) {
            describe(entity, row);
        }
    }
    for entity in estate.entities.values_mut() {
        let told = std::mem::take(&mut entity.attributes.directory_objects);
        entity.attributes.directory_objects = newest(told);
    }
}

/// Each object once, as it was told last: what a machine or a right was before is history.
fn newest(mut told: Vec<DirectoryEntry>) -> Vec<DirectoryEntry> {
    fn mark(entry: &DirectoryEntry) -> (&str, &str, &Foreign, &Foreign) {
        let DirectoryObject {
            directory,
            class,
            dn,
            name,
            ..
        } = &entry.object;
        (directory, class, dn, name)
    }
    told.sort_by(|a, b| {
        mark(a)
            .cmp(&mark(b))
            .then(b.last_seen.cmp(&a.last_seen))
            .then_with(|| a.cmp(b))
    });
    let mut kept: Vec<DirectoryEntry> = Vec::new();
    for entry in told {
        match kept.last_mut().filter(|last| mark(last) == mark(&entry)) {
            None => kept.push(entry),
            Some(last) if last.object == entry.object => last.evidence.extend(entry.evidence),
            Some(_) => {}
        }
    }
    for entry in &mut kept {
        entry.evidence.sort();
        entry.evidence.dedup();
    }
    kept.sort();
    kept
}

/// Kind and layer of what is a thing of its own.
fn own_kind(class: &str) -> Option<(&'static str, &'static str)> {
    Some(match class {
        "directory" => ("directory", "identity"),
        "service-account" | "managed-service-account" => ("account", "identity"),
        "accepted-domain" => ("mail-domain", "mail"),
        "dns-zone" => ("dns-zone", "network"),
        _ => return None,
    })
}

fn machine(row: &DirectoryRow, estate: &Estate) -> Option<EntityId> {
    let host = row.object.host.as_ref()?;
    Some(estate.locate(&row.site, &row.vantage, host)?.entity)
}

fn own(
    row: &DirectoryRow,
    kind: &str,
    layer: &str,
    ledger: &mut Ledger<'_>,
    estate: &mut Estate,
) -> EntityId {
    if kind == "directory" {
        return directory(row, ledger, estate);
    }
    let DirectoryObject {
        directory, name, ..
    } = &row.object;
    let known_as = row
        .object
        .account
        .as_ref()
        .unwrap_or(name)
        .lossy()
        .to_lowercase();
    let id = ledger.claim(key(&row.site, kind, &format!("{directory} {known_as}")));
    let label = match kind {
        "account" => format!("{known_as}@{directory}"),
        _ => name.to_string(),
    };
    made(id, row, (kind, layer), label, estate)
}

/// The directory as a whole, made at its first mention.
fn directory(row: &DirectoryRow, ledger: &mut Ledger<'_>, estate: &mut Estate) -> EntityId {
    let name = row.object.directory.clone();
    let id = ledger.claim(key(&row.site, "directory", &name));
    made(id, row, ("directory", "identity"), name, estate)
}

fn made(
    id: EntityId,
    row: &DirectoryRow,
    (kind, layer): (&str, &str),
    name: String,
    estate: &mut Estate,
) -> EntityId {
    let entity = estate.entities.entry(id.clone()).or_insert_with(|| {
        let mut blank = stranger(id.clone(), &row.site, kind, name, row.seen);
        layer.clone_into(&mut blank.layer);
        blank
    });
    entity.first_seen = entity.first_seen.min(row.seen.first);
    entity.last_seen = entity.last_seen.max(row.seen.last);
    id
}

fn describe(entity: &mut Entity, row: DirectoryRow) {
    if row.object.class == "computer" && !entity.has_agent {
        entity.attributes.operating_system = entity
            .attributes
            .operating_system
            .take()
            .or_else(|| operating_system(&row.object));
    }
    entity.evidence.push(row.evidence.clone());
    entity.attributes.directory_objects.push(DirectoryEntry {
        object: row.object,
        last_seen: Some(row.seen.last),
        evidence: vec![row.evidence],
    });
}

/// What a machine told its directory when it joined, or at its last upgrade.
fn operating_system(object: &DirectoryObject) -> Option<OperatingSystem> {
    let first = |name: &str| object.attributes.get(name)?.first().cloned();
    let pretty_name = first("operatingSystem")?;
    let told = first("operatingSystemVersion").unwrap_or_default();
    let (id, version) = release(&pretty_name.to_lowercase(), &told).unwrap_or_default();
    let family = match id.split('-').next() {
        Some("windows") => "windows",
        _ if pretty_name.to_lowercase().contains("linux") => "linux",
        _ => "",
    };
    Some(OperatingSystem {
        family: family.to_owned(),
        version: if version.is_empty() { told } else { version },
        id,
        pretty_name,
        ..OperatingSystem::default()
    })
}

/// Builds of Windows 11 and the release each is.
const BUILDS_OF_11: &[(&str, &str)] = &[
    ("22000", "11-21h2"),
    ("22621", "11-22h2"),
    ("22631", "11-23h2"),
    ("26100", "11-24h2"),
    ("26200", "11-25h2"),
];

/// Product and release as the table of ends of life spells them: `windows server 2012 r2 standard` is `2012-r2`.
fn release(name: &str, version: &str) -> Option<(String, String)> {
    let words: Vec<&str> = name.split_whitespace().collect();
    let after = |word: &str| {
        let at = words.iter().position(|w| *w == word)?;
        words.get(at + 1..)
    };
    if let Some([year, rest @ ..]) = after("server") {
        let second = matches!(rest, ["r2", ..]);
        let release = if second {
            format!("{year}-r2")
        } else {
            (*year).to_owned()
        };
        return Some(("windows-server".to_owned(), release));
    }
    let [release, ..] = after("windows")? else {
        return None;
    };
    let build = BUILDS_OF_11
        .iter()
        .find(|(build, _)| version.contains(build));
    let release = match (*release, build) {
        ("11", Some((_, release))) => release,
        (other, _) => other,
    };
    Some(("windows".to_owned(), release.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_known_by_what_it_calls_itself() {
        let told = |name: &str, version| release(&name.to_lowercase(), version);
        let is = |id: &str, version: &str| Some((id.to_owned(), version.to_owned()));
        assert_eq!(
            told("Windows Server 2012 R2 Standard", "6.3 (9600)"),
            is("windows-server", "2012-r2")
        );
        assert_eq!(
            told("Windows Server 2019 Datacenter", "10.0 (17763)"),
            is("windows-server", "2019")
        );
        assert_eq!(
            told("Windows 11 Enterprise", "10.0 (22631)"),
            is("windows", "11-23h2")
        );
        assert_eq!(
            told("Windows 7 Professional", "6.1 (7601)"),
            is("windows", "7")
        );
        assert_eq!(told("Samba", "4.17"), None);
        assert_eq!(told("windows", ""), None);
    }
}
