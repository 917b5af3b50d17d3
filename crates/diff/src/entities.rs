//! Machines and other things as a whole: new, gone, newly watched, renamed, at another address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::inventory::{Dependency, Entity, ReachedBy};
use groma_model::{DependencyId, EntityId, Port, Transport};

use crate::change::{Area, Change, Class, Detail};
use crate::pair::{Index, Pair};

/// Kinds that are worth a line of their own although no agent looked at them and no list names them.
const LASTING: &[&str] = &[
    "vm",
    "container",
    "hypervisor",
    "directory",
    "mail-domain",
    "dns-zone",
    "share",
    "archive",
    "database",
];

/// The lines about things as a whole. A stranger that only stands at the end of a need is that need's line.
/// `lines` are the needs that have one.
pub(crate) fn changes(pair: &Pair<'_>, lines: &BTreeSet<&DependencyId>) -> Vec<Change> {
    let (old, fresh) = (Numbers::of(&pair.before), Numbers::of(&pair.after));
    let gone = one_sided(&pair.before, &pair.after).map(|e| whole(&old, e, Class::Removed));
    let new = one_sided(&pair.after, &pair.before).map(|e| whole(&fresh, e, Class::Added));
    let private = Private::of(pair, lines);
    let kept = pair.both().flat_map(|(b, a)| same(pair, &private, b, a));
    gone.chain(new).chain(kept).collect()
}

fn one_sided<'a>(mine: &Index<'a>, other: &Index<'a>) -> impl Iterator<Item = &'a Entity> {
    let worth = |e: &&Entity| {
        (e.has_agent || e.declared || LASTING.contains(&e.kind.as_str())) && e.kind != "certificate"
    };
    let absent: Vec<&'a Entity> = mine
        .entities
        .values()
        .copied()
        .filter(|e| !other.entities.contains_key(&e.id))
        .filter(worth)
        .collect();
    absent.into_iter()
}

fn line(entity: &Entity, class: Class, area: Area, says: String) -> Change {
    let few = entity.evidence.get(..1).unwrap_or_default();
    Change::new(class, area, &entity.name, entity.id.as_str(), says)
        .involves([&entity.id])
        .because(&[few])
}

/// How much stands on each entity, counted once.
#[derive(Default)]
struct Numbers<'a> {
    needs: BTreeMap<&'a EntityId, usize>,
    needed: BTreeMap<&'a EntityId, usize>,
    ports: BTreeMap<&'a EntityId, BTreeSet<(Transport, Port)>>,
}

impl<'a> Numbers<'a> {
    fn of(index: &Index<'a>) -> Self {
        let mut numbers = Self::default();
        for d in index.dependencies.values() {
            *numbers.needs.entry(&d.consumer.entity).or_default() += 1;
            if d.consumer.entity != d.provider.entity {
                *numbers.needed.entry(&d.provider.entity).or_default() += 1;
            }
        }
        for l in &index.listeners {
            numbers
                .ports
                .entry(&l.entity)
                .or_default()
                .insert((l.transport, l.port));
        }
        numbers
    }
}

fn whole(numbers: &Numbers<'_>, entity: &Entity, class: Class) -> Change {
    let count = |map: &BTreeMap<&EntityId, usize>| map.get(&entity.id).copied().unwrap_or_default();
    let (needs, needed) = (count(&numbers.needs), count(&numbers.needed));
    let ports = numbers.ports.get(&entity.id).map_or(0, BTreeSet::len);
    let many = |number: usize, one: &str, many: &str| {
        format!("{number} {}", if number == 1 { one } else { many })
    };
    let used = format!("needed {}", many(needed, "time", "times"));
    let (ports, needs) = (
        many(ports, "endpoint", "endpoints"),
        many(needs, "need", "needs"),
    );
    let says = match entity.has_agent {
        true => format!("{} with {ports} and {needs}, {used}", entity.kind),
        false => format!("{}, not watched from inside, {used}", entity.kind),
    };
    let act = match class {
        Class::Removed if needed > 0 => Some("make sure that nobody needs it any more"),
        Class::Removed => None,
        _ => Some("give it an owner and a place in the plan"),
    };
    line(entity, class, Area::Entity, says).act(act)
}

fn same(pair: &Pair<'_>, private: &Private<'_>, before: &Entity, after: &Entity) -> Vec<Change> {
    let mut changes = Vec::new();
    match (before.has_agent, after.has_agent) {
        (false, true) => changes.push(line(
            after,
            Class::Changed,
            Area::Entity,
            "is now watched from inside; what is on it is not listed".to_owned(),
        )),
        (true, false) => changes.push(line(
            after,
            Class::NotSeen,
            Area::Entity,
            "is no longer watched from inside".to_owned(),
        )),
        _ => {}
    }
    changes.extend(resolves(pair, before, after));
    if before.has_agent && after.has_agent {
        changes.extend(addresses(before, after));
        changes.extend(names(private, before, after));
    }
    changes
}

fn addresses(before: &Entity, after: &Entity) -> Option<Change> {
    let text = |e: &Entity| -> Vec<String> {
        lasting(&e.addresses)
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    let details = Detail::members("address", &text(before), &text(after));
    let gone: Vec<&str> = details.iter().filter_map(|d| d.before.as_deref()).collect();
    let new: Vec<&str> = details.iter().filter_map(|d| d.after.as_deref()).collect();
    let (class, says, act) = match (gone.is_empty(), new.is_empty()) {
        (true, true) => return None,
        (false, false) => {
            let says = format!("is at {}, before at {}", new.join(", "), gone.join(", "));
            (
                Class::Moved,
                says,
                Some("find out who still uses the old address"),
            )
        }
        (true, false) => (Class::Changed, format!("has also {}", new.join(", ")), None),
        (false, true) => (
            Class::Changed,
            format!("no longer has {}", gone.join(", ")),
            Some("find out who still uses the old address"),
        ),
    };
    Some(
        line(after, class, Area::Address, says)
            .details(details)
            .act(act),
    )
}

/// Addresses that stay: no loopback, no link-local ones.
fn lasting(addresses: &[IpAddr]) -> BTreeSet<&IpAddr> {
    let link = |a: &IpAddr| match a {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    addresses
        .iter()
        .filter(|a| !a.is_loopback() && !a.is_unspecified() && !link(a))
        .collect()
}

/// Names that only the hosts file of another machine gives or gave, and whose use is a line of its own: the machine that is
/// called so did not change.
struct Private<'a> {
    gained: BTreeSet<Called<'a>>,
    lost: BTreeSet<Called<'a>>,
}

/// A machine, and a name in small letters.
type Called<'a> = (&'a EntityId, String);

impl<'a> Private<'a> {
    fn of(pair: &Pair<'a>, lines: &BTreeSet<&DependencyId>) -> Self {
        Self {
            gained: in_hosts_files(&pair.after, &pair.before, lines),
            lost: in_hosts_files(&pair.before, &pair.after, lines),
        }
    }
}

/// Names by which only hosts files lead to a machine, for needs that only this side has and that have a line.
fn in_hosts_files<'a>(
    mine: &Index<'a>,
    other: &Index<'a>,
    lines: &BTreeSet<&DependencyId>,
) -> BTreeSet<Called<'a>> {
    let by_hosts_file = |d: &&&Dependency| d.reached_by == Some(ReachedBy::HostsFile);
    let needs = || mine.dependencies.values();
    let new = needs().filter(|d| !other.dependencies.contains_key(&d.id) && lines.contains(&d.id));
    let mut private: BTreeSet<Called<'a>> = new
        .filter(by_hosts_file)
        .filter_map(|d| called(d))
        .collect();
    let machines: BTreeSet<&EntityId> = private.iter().map(|(machine, _)| *machine).collect();
    let others = needs().filter(|d| machines.contains(&d.provider.entity) && !by_hosts_file(d));
    for public in others.filter_map(|d| called(d)) {
        private.remove(&public);
    }
    private
}

fn called(d: &Dependency) -> Option<Called<'_>> {
    let name = d.reached_as.as_ref()?.to_lowercase();
    Some((&d.provider.entity, name))
}

fn names(private: &Private<'_>, before: &Entity, after: &Entity) -> Option<Change> {
    let sorted = |e: &Entity| -> Vec<String> {
        e.names
            .iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .cloned()
            .collect()
    };
    let mut details: Vec<Detail> =
        Detail::of("name", Some(before.name.clone()), Some(after.name.clone()))
            .into_iter()
            .collect();
    let also = Detail::members("also called", &sorted(before), &sorted(after));
    let is = |set: &BTreeSet<Called<'_>>, name: &Option<String>| {
        let called = name.as_ref().map(|n| (&after.id, n.to_lowercase()));
        called.is_some_and(|called| set.contains(&called))
    };
    let told = |d: &Detail| is(&private.gained, &d.after) || is(&private.lost, &d.before);
    details.extend(also.into_iter().filter(|d| !told(d)));
    if details.is_empty() {
        return None;
    }
    let lost = details.iter().any(|d| d.after.is_none());
    let act = lost.then_some("find out who still uses the old name");
    Some(
        line(
            after,
            Class::Changed,
            Area::Address,
            "has other names".to_owned(),
        )
        .details(details)
        .act(act),
    )
}

fn resolves(pair: &Pair<'_>, before: &Entity, after: &Entity) -> Option<Change> {
    match (
        before.attributes.unresolvable,
        after.attributes.unresolvable,
    ) {
        (false, true) => {
            let needed = pair
                .after
                .dependencies
                .values()
                .any(|d| d.provider.entity == after.id);
            let act = needed.then_some("those who use this name cannot find anything behind it");
            Some(
                line(
                    after,
                    Class::Changed,
                    Area::Address,
                    "its name leads nowhere any more".to_owned(),
                )
                .act(act),
            )
        }
        (true, false) => Some(line(
            after,
            Class::Changed,
            Area::Address,
            "its name leads somewhere again".to_owned(),
        )),
        _ => None,
    }
}
