//! Hosts that agents look at from inside: one entity each, merged only on two independent witnesses.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::fact::HostIdentity;
use groma_model::inventory::Entity;
use groma_model::{AgentId, EntityId, Estate, HostName, SiteId};

use crate::addresses;
use crate::gather::{Gathered, Seat};
use crate::holders;
use crate::ledger::{Ledger, address_key, agent_key};
use crate::sentinels;

/// Makes an entity of every host that an agent looked at, and says what its addresses mean.
pub(crate) fn place(gathered: &mut Gathered, ledger: &mut Ledger<'_>, estate: &mut Estate) {
    let groups = groups(gathered);
    groups
        .iter()
        .for_each(|group| sentinels::settle(&group.members, gathered));
    // A machine an agent stood for before keeps its id, whoever else has its address by now.
    for (agent, seat) in &gathered.seats {
        if let Some(known) = ledger.entity(&agent_key(&seat.site, agent)) {
            ledger.has_agent(&known);
        }
    }
    for group in &groups {
        let id = identify(group, gathered, ledger);
        ledger.has_agent(&id);
        for (agent, _) in &group.members {
            if let Some(seat) = gathered.seats.get_mut(agent) {
                seat.entity = Some(id.clone());
                estate
                    .own_addresses
                    .insert(agent.clone(), addresses::meant_by(seat));
            }
            estate.vantages.insert(agent.clone(), id.clone());
        }
        let entity = build(&id, group, gathered);
        estate.entities.insert(id, entity);
    }
    holders::place(gathered, ledger, estate);
}

/// Agents that look at one host, and why we think so.
struct Group {
    site: SiteId,
    members: Vec<(AgentId, Option<String>)>,
}

fn groups(gathered: &Gathered) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut by_mark: BTreeMap<(SiteId, String), Vec<usize>> = BTreeMap::new();
    // What somebody carried here has a vantage and no machine.
    for (agent, seat) in gathered.seats.iter().filter(|(agent, _)| !agent.is_list()) {
        let marks = seat.identity.as_ref().map(marks).unwrap_or_default();
        let candidates: BTreeSet<usize> = marks
            .iter()
            .filter_map(|(_, mark)| by_mark.get(&(seat.site.clone(), mark.clone())))
            .flatten()
            .copied()
            .collect();
        let joined = candidates.into_iter().find_map(|at| {
            let first = &groups.get(at)?.members.first()?.0;
            let why = same_machine(
                gathered.seats.get(first)?.identity.as_ref()?,
                seat.identity.as_ref()?,
            )?;
            Some((at, why))
        });
        let at = match joined {
            Some((at, why)) => {
                if let Some(group) = groups.get_mut(at) {
                    group.members.push((agent.clone(), Some(why)));
                }
                at
            }
            None => {
                groups.push(Group {
                    site: seat.site.clone(),
                    members: vec![(agent.clone(), None)],
                });
                groups.len() - 1
            }
        };
        for (_, mark) in marks {
            by_mark
                .entry((seat.site.clone(), mark))
                .or_default()
                .push(at);
        }
    }
    groups
}

/// The classes of marks. Marks of one class share one cause, so they count once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Class {
    Disk,
    Hardware,
    Network,
    Directory,
}

impl Class {
    fn title(self) -> &'static str {
        match self {
            Self::Disk => "machine-id or SSH host key",
            Self::Hardware => "SMBIOS UUID or serial number",
            Self::Network => "MAC addresses",
            Self::Directory => "directory SID",
        }
    }
}

fn marks(identity: &HostIdentity) -> Vec<(Class, String)> {
    let mut marks = Vec::new();
    marks.extend(
        identity
            .machine_id
            .iter()
            .map(|m| (Class::Disk, format!("machine-id {m}"))),
    );
    marks.extend(
        identity
            .ssh_host_keys
            .iter()
            .map(|k| (Class::Disk, format!("ssh {k}"))),
    );
    if !identity.in_container {
        marks.extend(
            identity
                .smbios_uuid
                .iter()
                .map(|u| (Class::Hardware, format!("uuid {}", uuid_either_order(u)))),
        );
        marks.extend(
            identity
                .serial
                .iter()
                .map(|s| (Class::Hardware, format!("serial {s}"))),
        );
    }
    if !identity.macs.is_empty() {
        marks.push((Class::Network, format!("macs {}", identity.macs.join(" "))));
    }
    marks.extend(
        identity
            .directory_sid
            .iter()
            .map(|s| (Class::Directory, format!("sid {s}"))),
    );
    marks
}

/// One text for an SMBIOS UUID in both byte orders: hypervisors and guests disagree about the first
/// three fields (SMBIOS 2.6 §7.2.1), so the smaller of the two writings stands for both.
pub(crate) fn uuid_either_order(uuid: &str) -> String {
    let plain: String = uuid
        .chars()
        .filter(char::is_ascii_hexdigit)
        .collect::<String>()
        .to_lowercase();
    let Some(bytes) = groma_model::foreign::unhex(&plain).filter(|b| b.len() == 16) else {
        return plain;
    };
    let swapped: Vec<u8> = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
        .iter()
        .filter_map(|at| bytes.get(*at).copied())
        .collect();
    plain.min(groma_model::foreign::hex(&swapped))
}

/// Why two identities are one machine, or `None`: marks of two classes must agree, and none of a class
/// that both have may disagree outright.
fn same_machine(a: &HostIdentity, b: &HostIdentity) -> Option<String> {
    let (ours, theirs) = (marks(a), marks(b));
    let mut agree = BTreeSet::new();
    for class in [
        Class::Disk,
        Class::Hardware,
        Class::Network,
        Class::Directory,
    ] {
        let of = |marks: &[(Class, String)]| -> BTreeSet<String> {
            marks
                .iter()
                .filter(|(c, _)| *c == class)
                .map(|(_, m)| m.clone())
                .collect()
        };
        let (x, y) = (of(&ours), of(&theirs));
        if x.is_empty() || y.is_empty() {
            continue;
        }
        if x.is_disjoint(&y) {
            return None;
        }
        agree.insert(class);
    }
    if agree.len() < 2 {
        return None;
    }
    let titles: Vec<&str> = agree.into_iter().map(Class::title).collect();
    Some(titles.join(" and "))
}

/// The id of a group: what the ledger knows of its agents, else of an address of it nobody else holds.
fn identify(group: &Group, gathered: &Gathered, ledger: &mut Ledger<'_>) -> EntityId {
    let known: Vec<EntityId> = group
        .members
        .iter()
        .filter_map(|(agent, _)| ledger.entity(&agent_key(&group.site, agent)))
        .collect();
    let id = known
        .first()
        .cloned()
        .or_else(|| outside_id(group, gathered, ledger))
        .unwrap_or_else(|| ledger.fresh());
    for other in known {
        ledger.merge(other, &id, "two agents look at one machine");
    }
    for (agent, _) in &group.members {
        ledger.bind(agent_key(&group.site, agent), &id);
    }
    id
}

fn outside_id(group: &Group, gathered: &Gathered, ledger: &Ledger<'_>) -> Option<EntityId> {
    let seats = group
        .members
        .iter()
        .filter_map(|(agent, _)| gathered.seats.get(agent));
    let mut known = seats
        .flat_map(addresses::public)
        .filter_map(|address| ledger.entity(&address_key(&group.site, &address)))
        .filter(|id| !ledger.is_agent(id) && !ledger.is_told(id));
    known.next()
}

fn build(id: &EntityId, group: &Group, gathered: &Gathered) -> Entity {
    let seats: Vec<&Seat> = group
        .members
        .iter()
        .filter_map(|(agent, _)| gathered.seats.get(agent))
        .collect();
    // The seat that looked last speaks for the host.
    let newest = seats
        .iter()
        .max_by_key(|s| s.seen.last)
        .expect("a group has at least one member");
    let mut attributes = newest.attributes.clone();
    attributes.identity.clone_from(&newest.identity);
    attributes.posts = newest.posts.values().cloned().collect();
    attributes.macs = newest
        .identity
        .as_ref()
        .map(|i| i.macs.clone())
        .unwrap_or_default();
    let names = host_names(&seats);
    let fallback = || {
        newest
            .identity
            .as_ref()
            .map_or_else(|| "this host".to_owned(), |i| i.host_name.to_string())
    };
    let merged_because = group
        .members
        .iter()
        .filter_map(|(agent, why)| Some(format!("agent {agent}: same {}", why.as_ref()?)));
    Entity {
        id: id.clone(),
        kind: "host".to_owned(),
        name: names
            .first()
            .map_or_else(fallback, |n| n.short().to_owned()),
        names: names.iter().map(ToString::to_string).collect(),
        addresses: seats.iter().flat_map(|s| addresses::public(s)).collect(),
        layer: "os".to_owned(),
        site: group.site.clone(),
        system: None,
        owner: None,
        criticality: None,
        first_seen: seats
            .iter()
            .map(|s| s.seen.first)
            .min()
            .unwrap_or(newest.seen.first),
        last_seen: newest.seen.last,
        has_agent: true,
        declared: false,
        attributes,
        merged_because: merged_because.collect(),
        evidence: seats.iter().flat_map(|s| s.evidence.clone()).collect(),
    }
}

/// The names a host gives itself; the one it is called by first.
pub(crate) fn host_names(seats: &[&Seat]) -> Vec<HostName> {
    let mut names = Vec::new();
    for identity in seats.iter().filter_map(|s| s.identity.as_ref()) {
        names.extend(HostName::parse(&identity.host_name.lossy()).filter(|n| !n.is_loopback()));
        names.extend(identity.qualified_name.clone());
    }
    let mut unique = Vec::new();
    for name in names {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(machine: &str, uuid: &str, mac: &str) -> HostIdentity {
        HostIdentity {
            host_name: "a".into(),
            machine_id: Some(machine.into()),
            smbios_uuid: Some(uuid.into()),
            macs: vec![mac.into()],
            ..HostIdentity::default()
        }
    }

    #[test]
    fn both_byte_orders_of_a_uuid_are_one_mark() {
        let a = uuid_either_order("564d4cbc-c6a9-1969-0102-030405060708");
        let b = uuid_either_order("BC4C4D56-A9C6-6919-0102-030405060708");
        assert_eq!(a, b);
    }

    #[test]
    fn two_agents_on_one_machine_are_one_host() {
        let a = identity(
            "m1",
            "564d4cbc-c6a9-1969-0102-030405060708",
            "52:54:00:00:00:01",
        );
        assert!(same_machine(&a, &a.clone()).is_some());
    }

    #[test]
    fn a_clone_shares_its_disk_and_stays_a_host_of_its_own() {
        let parent = identity(
            "m1",
            "564d4cbc-c6a9-1969-0102-030405060708",
            "52:54:00:00:00:01",
        );
        let clone = identity(
            "m1",
            "11111111-c6a9-1969-0102-030405060708",
            "52:54:00:00:00:02",
        );
        assert_eq!(same_machine(&parent, &clone), None);
    }

    #[test]
    fn a_shared_machine_id_alone_merges_nothing() {
        let only = HostIdentity {
            host_name: "a".into(),
            machine_id: Some("m1".into()),
            ..HostIdentity::default()
        };
        assert_eq!(same_machine(&only, &only.clone()), None);
    }
}
