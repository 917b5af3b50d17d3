//! Whom a name means: an entity with all its names, or a person.

use std::collections::BTreeSet;
use std::net::IpAddr;

use anyhow::Result;
use groma_model::inventory::{Entity, Inventory};
use groma_model::store::Identities;
use groma_model::{AgentId, EntityId, HostName};
use groma_store::{Forget, Kind, Moment, Progress, Spelling, Store, Whom};

use crate::conclude;
use crate::terminal::visible;

/// Whom a name means, and how he is told to the person who typed it.
pub(super) struct Meant {
    pub(super) whom: Whom,
    pub(super) told: String,
}

/// Finds whom `name` means. Several are an error that names them.
pub(super) fn meant(
    store: &mut dyn Forget,
    name: &str,
    is_person: bool,
    heard: &mut dyn FnMut(Progress),
) -> Result<Meant> {
    let by_name = || Meant {
        whom: person(name),
        told: format!("{} (by name)", visible(name)),
    };
    if is_person {
        return Ok(by_name());
    }
    let world = groma_sys::this_machine(true);
    let concluded = {
        let store: &mut dyn Store = store;
        let (now, randomness) = (world.clock.now(), world.randomness.as_ref());
        conclude::concluded(store, &Moment::Now, now, randomness, Vec::new())?
    };
    let inventory = &concluded.inventory;
    let found = match inventory.find(name).as_slice() {
        [] => return Ok(by_name()),
        [only] => *only,
        several => return Err(ambiguous(name, several, false)),
    };
    let told = format!("{} ({}, {})", visible(&found.name), found.kind, found.id);
    let identities = store.identities()?;
    let vantages = concluded.vantages.iter();
    let vantages = vantages.filter(|(_, entity)| **entity == found.id);
    let vantages = vantages.map(|(agent, _)| agent.clone()).collect();
    let mut whom = entity(found, inventory, &identities, vantages);
    if found.kind == "account" {
        whom.kind = Kind::Person;
        whom.spellings.extend(person(name).spellings);
        whom.spellings
            .extend(found.names.iter().map(|name| Spelling::person(name)));
        return Ok(Meant { whom, told });
    }
    let is_id_or_address = name == found.id.as_str() || name.parse::<IpAddr>().is_ok();
    if !is_id_or_address && store.traces(&person(name), heard)?.as_person > 0 {
        return Err(ambiguous(name, &[found], true));
    }
    Ok(Meant { whom, told })
}

fn ambiguous(name: &str, several: &[&Entity], or_person: bool) -> anyhow::Error {
    let shown = several.iter().take(8);
    let mut names: Vec<String> = shown
        .map(|e| format!("{} ({}, {})", visible(&e.name), e.kind, e.id))
        .collect();
    let mut remedy = "give the id";
    if or_person {
        names.push("a person of that name".to_owned());
        remedy = "give the id, or --person";
    }
    anyhow::anyhow!(
        "{:?} may mean {}: {remedy}; nothing was erased",
        visible(name),
        names.join(" or ")
    )
}

/// A person, an account or a mail address; also a machine nobody knows any more, by the one name that was typed.
fn person(name: &str) -> Whom {
    let mut whom = Whom::person(name);
    if let Ok(address) = name.parse::<IpAddr>() {
        whom.spellings
            .extend(Spelling::address(address.to_canonical()));
    } else if name.contains('.') && HostName::parse(name).is_some() {
        whom.spellings.push(Spelling::host(name));
    }
    whom
}

/// An entity with all that is its own. What another one shares with it counts only beside something that is its alone.
fn entity(
    of: &Entity,
    inventory: &Inventory,
    identities: &Identities,
    vantages: BTreeSet<AgentId>,
) -> Whom {
    let mut whom = Whom::entity(of.id.clone());
    let others = inventory.entities.iter().filter(|e| e.id != of.id);
    let others: Vec<&Entity> = others.collect();
    whom.spellings.extend(names(of, &others));
    whom.spellings.extend(addresses(of, &others));
    whom.spellings.extend(marks(of, &others));
    whom.spellings
        .extend(vantages.iter().map(|agent| Spelling::mark(agent.as_str())));
    whom.vantages = vantages;
    let merged = identities.merged.keys();
    let merged = merged.filter(|id| *identities.survivor(id) == of.id);
    whom.entities.extend(merged.cloned());
    let ids: BTreeSet<String> = whom.entities.iter().map(EntityId::to_string).collect();
    whom.about.extend(ids);
    whom.about.extend(about(&of.id, inventory));
    whom
}

/// Dependencies it is an end of, and findings about it or them.
fn about(id: &EntityId, inventory: &Inventory) -> BTreeSet<String> {
    let ends = inventory.dependencies.iter();
    let ends = ends.filter(|d| d.consumer.entity == *id || d.provider.entity == *id);
    let mut about: BTreeSet<String> = ends.map(|d| d.id.to_string()).collect();
    about.insert(id.to_string());
    let findings = inventory.findings.iter();
    let findings = findings.filter(|f| f.subjects.iter().any(|subject| about.contains(subject)));
    let findings: Vec<String> = findings.map(|f| f.id.to_string()).collect();
    about.extend(findings);
    about
}

fn names(of: &Entity, others: &[&Entity]) -> Vec<Spelling> {
    let own = of.names.iter().chain([&of.name]);
    let own: BTreeSet<String> = own
        .map(|name| name.trim_end_matches('.').to_lowercase())
        .filter(|name| !name.is_empty() && name.parse::<IpAddr>().is_err())
        .filter(|name| !HostName::parse(name).is_some_and(|name| name.is_loopback()))
        .collect();
    let of_others = others.iter().flat_map(|e| e.names.iter().chain([&e.name]));
    let of_others: BTreeSet<String> = of_others.map(|name| name.to_lowercase()).collect();
    let short_of_others: BTreeSet<&str> = of_others.iter().map(|name| short(name)).collect();
    let has_full = own.iter().any(|name| name.contains('.'));
    let mut spellings = Vec::new();
    for name in &own {
        let is_full = name.contains('.');
        let is_shared = of_others.contains(name)
            || !is_full && (has_full || short_of_others.contains(name.as_str()));
        let spelling = Spelling::host(name);
        spellings.push(match is_shared {
            true => spelling.only_beside(),
            false => spelling,
        });
        if is_full && !own.contains(short(name)) {
            spellings.push(Spelling::host(short(name)).only_beside());
        }
    }
    spellings
}

fn short(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

fn addresses(of: &Entity, others: &[&Entity]) -> Vec<Spelling> {
    let mut spellings = Vec::new();
    for address in of.addresses.iter().filter(|address| is_its_own(address)) {
        let is_shared = others.iter().any(|e| e.addresses.contains(address));
        for spelling in Spelling::address(*address) {
            spellings.push(match is_shared {
                true => spelling.only_beside(),
                false => spelling,
            });
        }
    }
    spellings
}

/// False for an address that every machine has, or any may have on its own link.
fn is_its_own(address: &IpAddr) -> bool {
    let of_link = match address {
        IpAddr::V4(four) => four.is_link_local() || four.is_broadcast(),
        IpAddr::V6(six) => six.is_unicast_link_local(),
    };
    !(of_link || address.is_loopback() || address.is_unspecified() || address.is_multicast())
}

/// Marks by which machines are told apart; not those that a copy has too.
fn marks(of: &Entity, others: &[&Entity]) -> Vec<Spelling> {
    let of_others: BTreeSet<&String> = others.iter().flat_map(|e| marks_of(e)).collect();
    let own = marks_of(of).into_iter();
    let own = own.filter(|mark| mark.len() >= MARK_BYTES_MIN && !of_others.contains(mark));
    own.map(|mark| Spelling::mark(mark)).collect()
}

/// A serial number shorter than this may be any word.
const MARK_BYTES_MIN: usize = 6;

fn marks_of(entity: &Entity) -> Vec<&String> {
    let Some(identity) = &entity.attributes.identity else {
        return Vec::new();
    };
    let single = [
        &identity.machine_id,
        &identity.smbios_uuid,
        &identity.serial,
        &identity.directory_sid,
    ];
    let several = identity.macs.iter().chain(&identity.ssh_host_keys);
    single.into_iter().flatten().chain(several).collect()
}

#[cfg(test)]
mod tests {
    use groma_model::{SiteId, Timestamp};

    use super::*;

    fn host(id: &str, names: &[&str], addresses: &[&str]) -> Entity {
        let moment = Timestamp::from_seconds(1);
        Entity {
            id: EntityId::new(id),
            kind: "host".to_owned(),
            name: names.first().copied().unwrap_or_default().to_owned(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
            layer: "os".to_owned(),
            site: SiteId::default(),
            system: None,
            owner: None,
            criticality: None,
            first_seen: moment,
            last_seen: moment,
            has_agent: false,
            declared: false,
            attributes: Default::default(),
            merged_because: Vec::new(),
            evidence: Vec::new(),
        }
    }

    #[test]
    fn a_short_name_counts_only_beside_what_is_the_hosts_alone() {
        let of = host("ent-1", &["web1.corp.example", "web1"], &[]);
        let twin = host("ent-2", &["web1.branch.example"], &[]);
        let found = names(&of, &[&twin]);
        assert!(found.contains(&Spelling::host("web1.corp.example")));
        assert!(found.contains(&Spelling::host("web1").only_beside()));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_host_that_has_no_other_name_is_known_by_its_short_one() {
        let of = host("ent-1", &["copier7", "localhost"], &[]);
        assert_eq!(names(&of, &[]), [Spelling::host("copier7")]);
        let twin = host("ent-2", &["copier7.branch.example"], &[]);
        let shared = [Spelling::host("copier7").only_beside()];
        assert_eq!(names(&of, &[&twin]), shared);
    }

    #[test]
    fn an_address_that_everybody_has_names_nobody() {
        let all = ["127.0.0.1", "::1", "fe80::1", "10.0.0.5", "172.17.0.1"];
        let of = host("ent-1", &[], &all);
        let twin = host("ent-2", &[], &["172.17.0.1"]);
        let found = addresses(&of, &[&twin]);
        let [own, backwards] = Spelling::address("10.0.0.5".parse().unwrap());
        assert!(found.contains(&own) && found.contains(&backwards));
        let weak = Spelling::address("172.17.0.1".parse().unwrap()).map(Spelling::only_beside);
        assert!(weak.iter().all(|spelling| found.contains(spelling)));
        assert_eq!(found.len(), 4);
    }
}
