//! What breaks when something goes, directly and through others, and who needs each other in a circle.
//!
//! [`impact`] walks from a provider to its consumers, to theirs, and so on. What it says of each is the worst
//! that any way there says: a way on which every need is blocking *stops* it; a way with a need nobody can
//! judge leaves it *unknown*; a need that only slows down makes whatever lies behind it *limp*, whatever
//! follows. A consumer that keeps a list of providers and has a second one limps where it would stop.
//! Needs within one machine and needs a person judged wrong are not walked.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::net::IpAddr;

use groma_model::inventory::{Dependency, Entity, Inventory, Strength, Through, VerdictWord};
use groma_model::registry::REGISTRY;
use groma_model::{DependencyId, EntityId, EvidenceId, Fact, Peer, Port, Timestamp};
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::relay;
use crate::stake::{self, DataAtStake};

/// The schema word of [`Impact`].
pub const IMPACT_SCHEMA: &str = "groma.impact/1";

/// Kinds of which a client keeps a list and turns to the next entry.
const IN_LISTS: &[&str] = &[
    "dns",
    "ntp",
    "ldap-bind",
    "kerberos",
    "radius",
    "dhcp",
    "http-proxy",
];

/// Facts the text cites for one affected thing.
const BECAUSE_MAX: usize = 2;

/// Everything that breaks when one thing goes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Impact {
    /// Always [`IMPACT_SCHEMA`].
    pub schema: String,
    /// What goes.
    pub of: EntityId,
    /// Its name.
    pub name: String,
    /// Who is affected: those that stop first, then the unknown, then those that limp.
    pub affected: Vec<Affected>,
    /// Certificates that go with it: presented there, or with their key there.
    pub certificates: Vec<CertificateAtStake>,
    /// Rules of packet filters, here and elsewhere, that name one of its addresses, one line each: no need of anybody,
    /// but a place to change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named_in: Vec<String>,
    /// Places on hosts that name it, as a search there found them (`groma-agent find`), one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentioned_in: Vec<String>,
    /// Records of name servers' zones that lead to it, one line each: to be changed, and remembered elsewhere for a while.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Data that lies on it and must be carried over, the largest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<DataAtStake>,
    /// Machines that nobody else watches, or whose logs go nowhere else, one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unwatched: Vec<String>,
    /// What runs on it and goes with it, one line each: programs that listen, and needs within the machine.
    pub local: Vec<String>,
}

/// What happens to a consumer.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Every need on the way is blocking.
    Stops,
    /// Nobody knows what a need on the way means.
    Unknown,
    /// A need on the way only slows down, or has a second provider.
    Limps,
}

/// Somebody who is affected.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Affected {
    /// Who.
    pub entity: EntityId,
    /// The name.
    pub name: String,
    /// The entity kind.
    pub kind: String,
    /// The worst that happens.
    pub effect: Effect,
    /// True if nobody stands between.
    pub direct: bool,
    /// True if the way leads over a service nearly everybody needs (names, time).
    pub shared_service: bool,
    /// The worst way, from this consumer to what goes.
    pub path: Vec<Step>,
    /// Further needs of this consumer at the first stop of that way.
    pub also: Vec<Step>,
    /// The facts behind the way, sorted.
    pub evidence: Vec<EvidenceId>,
}

/// One need on a way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// The dependency.
    pub dependency: DependencyId,
    /// Who needs.
    pub consumer: String,
    /// Which part of it.
    pub component: String,
    /// What kind of need: a word of the registry.
    pub kind: String,
    /// Who is needed.
    pub provider: String,
    /// At which port.
    pub port: Option<Port>,
    /// What is lost without it.
    pub strength: Strength,
    /// True if a second provider stands in the same list.
    pub second_provider: bool,
    /// True if nearly everybody needs such a service.
    pub shared_service: bool,
    /// False if the newest look did not see it.
    pub current: bool,
    /// How often a clock starts what needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rhythm: Option<String>,
    /// When it is needed next, where a clock decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_due: Option<Timestamp>,
    /// What stands between the two, from the consumer on; empty for most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<Through>,
}

/// A certificate that goes with the thing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CertificateAtStake {
    /// The certificate.
    pub entity: EntityId,
    /// Its subject.
    pub subject: String,
    /// Valid until.
    pub not_after: Timestamp,
    /// True if its private key stands on the thing that goes.
    pub key_present: bool,
}

/// The needs of an inventory, by provider.
struct Needs<'a> {
    by_provider: BTreeMap<&'a EntityId, Vec<&'a Dependency>>,
    lists: BTreeMap<(&'a EntityId, &'a str, String), BTreeSet<&'a EntityId>>,
}

/// How somebody was reached: effect, whether over a shared service, in how many steps.
type Reach = (Effect, bool, usize);

/// Everything that breaks when `of` goes. Ends on every graph, also where everybody needs everybody.
pub fn impact(inventory: &Inventory, of: &EntityId) -> Impact {
    let needs = Needs::new(inventory);
    let reached = needs.walk(of);
    let entities: BTreeMap<&EntityId, &Entity> =
        inventory.entities.iter().map(|e| (&e.id, e)).collect();
    let mut affected: Vec<Affected> = reached
        .iter()
        .filter_map(|(id, (reach, first))| {
            let way = needs.way(first, of, &reached);
            let entity = entities.get(id);
            Some(affected(&needs, entity.copied(), *reach, &way, first)).filter(|_| *id != of)
        })
        .collect();
    affected.sort_by(|a, b| {
        (a.effect, a.shared_service, a.path.len(), &a.name, &a.entity).cmp(&(
            b.effect,
            b.shared_service,
            b.path.len(),
            &b.name,
            &b.entity,
        ))
    });
    Impact {
        schema: IMPACT_SCHEMA.to_owned(),
        of: of.clone(),
        name: entities
            .get(of)
            .map_or_else(|| of.to_string(), |e| e.name.clone()),
        affected,
        certificates: certificates(inventory, of),
        named_in: named_in(inventory, of),
        mentioned_in: mentioned_in(inventory, of),
        names: names_leading_to(inventory, of),
        data: stake::data(inventory, of),
        unwatched: stake::unwatched(inventory, of),
        local: local(inventory, of),
    }
}

fn is_wrong(d: &Dependency) -> bool {
    d.verdict
        .as_ref()
        .is_some_and(|v| v.verdict == VerdictWord::Wrong)
}

fn is_between_two(d: &Dependency) -> bool {
    !is_wrong(d) && !d.details.local && d.consumer.entity != d.provider.entity
}

impl<'a> Needs<'a> {
    fn new(inventory: &'a Inventory) -> Self {
        let mut needs = Self {
            by_provider: BTreeMap::new(),
            lists: BTreeMap::new(),
        };
        for d in inventory.dependencies.iter().filter(|d| is_between_two(d)) {
            needs
                .by_provider
                .entry(&d.provider.entity)
                .or_default()
                .push(d);
            if IN_LISTS.contains(&d.kind.as_str()) {
                needs
                    .lists
                    .entry(list(d))
                    .or_default()
                    .insert(&d.provider.entity);
            }
        }
        needs
            .by_provider
            .values_mut()
            .for_each(|d| d.sort_by_key(|d| &d.id));
        needs
    }

    fn has_second(&self, d: &'a Dependency) -> bool {
        self.lists
            .get(&list(d))
            .is_some_and(|providers| providers.len() > 1)
    }

    /// The worst reach of everybody, with the need that makes it. The worst are settled first, so each is
    /// settled once, and a circle ends where it began.
    fn walk(&self, of: &'a EntityId) -> BTreeMap<&'a EntityId, (Reach, &'a Dependency)> {
        let mut reached = BTreeMap::new();
        let mut waiting: BTreeSet<(Reach, &EntityId, &DependencyId)> = BTreeSet::new();
        let mut by_id: BTreeMap<&DependencyId, &Dependency> = BTreeMap::new();
        let mut from = (of, (Effect::Stops, false, 0));
        loop {
            let (provider, reach) = from;
            for d in self.by_provider.get(provider).into_iter().flatten() {
                if d.consumer.entity != *of && !reached.contains_key(&d.consumer.entity) {
                    by_id.insert(&d.id, d);
                    waiting.insert((self.after(reach, d), &d.consumer.entity, &d.id));
                }
            }
            let next = loop {
                let Some((reach, entity, id)) = waiting.pop_first() else {
                    return reached;
                };
                if let (false, Some(d)) = (reached.contains_key(entity), by_id.get(id)) {
                    reached.insert(entity, (reach, *d));
                    break (entity, reach);
                }
            };
            from = next;
        }
    }

    fn after(&self, (effect, shared, steps): Reach, d: &'a Dependency) -> Reach {
        let weak = d.strength == Strength::Degrading
            || (d.strength == Strength::Blocking && self.has_second(d));
        let effect = match (effect, d.strength) {
            _ if weak => Effect::Limps,
            (Effect::Limps, _) => Effect::Limps,
            (_, Strength::Unknown) => Effect::Unknown,
            (effect, _) => effect,
        };
        (effect, shared || d.shared_service, steps + 1)
    }

    /// The needs from a consumer down to what goes.
    fn way(
        &self,
        first: &'a Dependency,
        of: &EntityId,
        reached: &BTreeMap<&'a EntityId, (Reach, &'a Dependency)>,
    ) -> Vec<&'a Dependency> {
        let mut way = vec![first];
        let mut at = &first.provider.entity;
        while at != of && way.len() <= reached.len() {
            let Some((_, next)) = reached.get(at) else {
                break;
            };
            way.push(next);
            at = &next.provider.entity;
        }
        way
    }

    fn step(&self, d: &'a Dependency) -> Step {
        Step {
            dependency: d.id.clone(),
            consumer: d.consumer.name.clone(),
            component: d.consumer.component.name.to_string(),
            kind: d.kind.clone(),
            provider: d.provider.name.clone(),
            port: d.provider.port,
            strength: d.strength,
            second_provider: self.has_second(d) || d.details.one_of_several,
            shared_service: d.shared_service,
            current: d.current,
            rhythm: d.rhythm.clone(),
            next_due: d.next_due,
            through: d.details.through.clone(),
        }
    }
}

/// The list of providers a client turns to one after the other: one per consumer, kind and part.
fn list(d: &Dependency) -> (&EntityId, &str, String) {
    (
        &d.consumer.entity,
        &d.kind,
        d.consumer.component.name.to_string(),
    )
}

fn affected<'a>(
    needs: &Needs<'a>,
    entity: Option<&Entity>,
    (effect, shared, _): Reach,
    way: &[&'a Dependency],
    first: &'a Dependency,
) -> Affected {
    let beside = needs
        .by_provider
        .get(&first.provider.entity)
        .into_iter()
        .flatten();
    let also = beside.filter(|d| d.consumer.entity == first.consumer.entity && d.id != first.id);
    let evidence: BTreeSet<EvidenceId> = way
        .iter()
        .flat_map(|d| d.evidence.iter().cloned())
        .collect();
    Affected {
        entity: first.consumer.entity.clone(),
        name: entity.map_or_else(|| first.consumer.name.clone(), |e| e.name.clone()),
        kind: entity.map_or_else(String::new, |e| e.kind.clone()),
        effect,
        direct: way.len() == 1 && first.details.through.is_empty(),
        shared_service: shared,
        path: way.iter().map(|d| needs.step(d)).collect(),
        also: also.map(|d| needs.step(d)).collect(),
        evidence: evidence.into_iter().collect(),
    }
}

fn certificates(inventory: &Inventory, of: &EntityId) -> Vec<CertificateAtStake> {
    let own = inventory.listeners.iter().filter(|l| l.entity == *of);
    let presented: BTreeSet<&EntityId> = own.filter_map(|l| l.certificate.as_ref()).collect();
    let at_stake = inventory.entities.iter().filter_map(|entity| {
        let certificate = entity.attributes.certificate.as_ref()?;
        let here = || entity.attributes.places.iter().filter(|p| p.host == *of);
        let key_present = here().any(|p| p.key_present);
        let endpoint = here().any(|p| {
            matches!(
                p.place,
                groma_model::fact::CertificatePlace::Endpoint { position: 0, .. }
            )
        });
        let presented = endpoint || presented.contains(&entity.id);
        (key_present || presented).then(|| CertificateAtStake {
            entity: entity.id.clone(),
            subject: certificate.subject.clone(),
            not_after: certificate.not_after,
            key_present,
        })
    });
    let mut certificates: Vec<CertificateAtStake> = at_stake.collect();
    certificates.sort();
    certificates
}

/// Rules that say one of the addresses of `of`, or a network of a few addresses it lies in.
fn named_in(inventory: &Inventory, of: &EntityId) -> Vec<String> {
    let addresses: Vec<IpAddr> = inventory
        .entities
        .iter()
        .filter(|e| e.id == *of)
        .flat_map(|e| e.addresses.iter().copied())
        .collect();
    let lines = inventory.entities.iter().flat_map(|host| {
        let rules = host.attributes.filter_rules.iter();
        let naming = rules.filter(|r| addresses.iter().any(|a| relay::in_network(&r.network, *a)));
        naming.map(|r| format!("{}: {}", host.name, Fact::FilterRule(r.clone()).says()))
    });
    lines.collect::<BTreeSet<_>>().into_iter().collect()
}

/// `www.corp.example CNAME web.corp.example, by app1.corp.example, remembered for 60 s, in /var/lib/bind/corp.zone`.
fn names_leading_to(inventory: &Inventory, of: &EntityId) -> Vec<String> {
    let leading = inventory
        .zone_records
        .iter()
        .filter(|record| record.machines.contains(of));
    leading
        .map(|record| {
            let mut line = format!(
                "{} {} {}",
                record.owner,
                record.kind,
                record.values.join(", ")
            );
            let by = record
                .through
                .iter()
                .filter(|name| !record.values.contains(name));
            let by: Vec<&str> = by.map(String::as_str).collect();
            if !by.is_empty() {
                let _ = write!(line, ", by {}", by.join(", "));
            }
            if let Some(seconds) = record.ttl_seconds {
                let _ = write!(line, ", remembered for {seconds} s");
            }
            let _ = write!(line, ", in {}", record.files.join(", "));
            line
        })
        .collect()
}

/// Places a search found that say a name or an address of `of`; a short name is the first part of one of its names.
fn mentioned_in(inventory: &Inventory, of: &EntityId) -> Vec<String> {
    let Some(entity) = inventory.entities.iter().find(|e| e.id == *of) else {
        return Vec::new();
    };
    let is_meant = |peer: &Peer| match peer {
        Peer::Address(address) => entity.addresses.contains(address),
        Peer::Name(name) => entity.names.iter().chain([&entity.name]).any(|known| {
            let first = known.split('.').next().unwrap_or(known);
            known.eq_ignore_ascii_case(name.as_str()) || first.eq_ignore_ascii_case(name.as_str())
        }),
    };
    let lines = inventory.entities.iter().flat_map(|host| {
        let meant = host
            .attributes
            .mentions
            .iter()
            .filter(|m| is_meant(&m.peer));
        meant.map(|m| {
            let key = if m.key.is_empty() {
                String::new()
            } else {
                format!(" {}", m.key)
            };
            format!("{}: {}:{}{key} names {}", host.name, m.file, m.line, m.peer)
        })
    });
    lines.collect::<BTreeSet<_>>().into_iter().collect()
}

fn local(inventory: &Inventory, of: &EntityId) -> Vec<String> {
    let here = inventory.listeners.iter().filter(|l| l.entity == *of);
    let listens = here.map(|l| {
        format!(
            "{} listens on {}/{}",
            l.process.label(),
            l.port,
            l.transport
        )
    });
    let within = inventory
        .dependencies
        .iter()
        .filter(|d| d.consumer.entity == *of && d.provider.entity == *of && !is_wrong(d));
    let needs = within.map(|d| {
        format!(
            "{} needs {} at {}",
            d.consumer.component.name,
            REGISTRY.kind(&d.kind).title,
            place(&d.provider.name, d.provider.port)
        )
    });
    let lines: BTreeSet<String> = listens.chain(needs).collect();
    lines.into_iter().collect()
}

/// The circles of needs: every set of two or more things that all need each other, over others or directly.
/// Needs within a machine, needs of what nearly everybody needs, and wrong ones are left out. Sorted.
pub fn cycles(inventory: &Inventory) -> Vec<Vec<EntityId>> {
    let mut graph: DiGraph<&EntityId, ()> = DiGraph::new();
    let mut nodes: HashMap<&EntityId, NodeIndex> = HashMap::new();
    for d in inventory
        .dependencies
        .iter()
        .filter(|d| is_between_two(d) && !d.shared_service)
    {
        let mut node = |id| *nodes.entry(id).or_insert_with(|| graph.add_node(id));
        let (from, to) = (node(&d.consumer.entity), node(&d.provider.entity));
        // The same edge twice makes no other circle, and looking for it would cost more than having it.
        graph.add_edge(from, to, ());
    }
    // kosaraju_scc is iterative; tarjan_scc recurses and overflows the stack on a large estate.
    let circles = kosaraju_scc(&graph)
        .into_iter()
        .filter(|members| members.len() > 1);
    let mut named: Vec<Vec<EntityId>> = circles
        .map(|members| {
            let ids: BTreeSet<&EntityId> = members
                .into_iter()
                .filter_map(|n| graph.node_weight(n).copied())
                .collect();
            ids.into_iter().cloned().collect()
        })
        .collect();
    named.sort();
    named
}

/// Where the text finds why we believe a need.
struct Facts<'a> {
    inventory: &'a Inventory,
    needs: BTreeMap<&'a DependencyId, &'a Dependency>,
}

/// The impact for a terminal: who stops, who is unknown, who limps, and why we believe it.
pub fn text(impact: &Impact, inventory: &Inventory) -> String {
    let needs = inventory.dependencies.iter().map(|d| (&d.id, d)).collect();
    let facts = Facts { inventory, needs };
    let number = |effect| {
        impact
            .affected
            .iter()
            .filter(|a| a.effect == effect)
            .count()
    };
    let (stop, unknown, limp) = (
        number(Effect::Stops),
        number(Effect::Unknown),
        number(Effect::Limps),
    );
    let name = plain(&impact.name);
    let mut page = match impact.affected.is_empty() {
        true => format!("If {name} goes, nobody else is known to need it.\n"),
        false => format!("If {name} goes: {stop} stop, {unknown} unknown, {limp} limp.\n"),
    };
    let groups = [
        (Effect::Stops, "stop"),
        (Effect::Unknown, "unknown: nobody knows what they lose"),
        (Effect::Limps, "limp"),
    ];
    for (effect, heading) in groups {
        let members: Vec<&Affected> = impact
            .affected
            .iter()
            .filter(|a| a.effect == effect)
            .collect();
        if !members.is_empty() {
            // Writing into a string cannot fail.
            let _ = write!(page, "\n{heading}\n");
            members
                .iter()
                .for_each(|a| page.push_str(&paragraph(a, &facts)));
        }
    }
    let certificate = |c: &CertificateAtStake| {
        format!("{}, valid until {}", plain(&c.subject), c.not_after.day())
    };
    page.push_str(&list_of(
        "certificates that go with it",
        impact.certificates.iter().map(certificate),
    ));
    page.push_str(&list_of(
        "packet filter rules that name it, to be changed when its address does",
        impact.named_in.iter().map(|l| plain(l)),
    ));
    page.push_str(&list_of(
        "places that name it, to be changed when it goes",
        impact.mentioned_in.iter().map(|l| plain(l)),
    ));
    page.push_str(&list_of(
        "names that lead here, to be changed when it moves",
        impact.names.iter().map(|l| plain(l)),
    ));
    page.push_str(&list_of(
        "machines nobody watches any more, and logs with nowhere to go",
        impact.unwatched.iter().map(|l| plain(l)),
    ));
    page.push_str(&list_of(
        "data to be carried over",
        impact.data.iter().map(|d| plain(&d.line())),
    ));
    page.push_str(&list_of(
        "what runs on it and goes with it",
        impact.local.iter().map(|l| plain(l)),
    ));
    page
}

fn list_of(heading: &str, lines: impl Iterator<Item = String>) -> String {
    let lines: String = lines.map(|line| format!("  {line}\n")).collect();
    if lines.is_empty() {
        lines
    } else {
        format!("\n{heading}\n{lines}")
    }
}

fn paragraph(affected: &Affected, facts: &Facts<'_>) -> String {
    let way: Vec<String> = affected.path.iter().map(step_text).collect();
    let shared = if affected.shared_service {
        " [shared service]"
    } else {
        ""
    };
    let mut text = format!("  {}{shared}: {}\n", plain(&affected.name), way.join("; "));
    if !affected.also.is_empty() {
        let also: Vec<String> = affected.also.iter().map(step_text).collect();
        let _ = writeln!(text, "    also: {}", also.join("; "));
    }
    for line in because(affected, facts) {
        let _ = writeln!(text, "    because {}", plain(&line));
    }
    text
}

/// The first facts behind the first need of the way, as a person reads them.
fn because(affected: &Affected, facts: &Facts<'_>) -> Vec<String> {
    let first = affected
        .path
        .first()
        .and_then(|step| facts.needs.get(&step.dependency));
    let entries = first
        .into_iter()
        .flat_map(|d| &d.evidence)
        .filter_map(|id| facts.inventory.evidence_entry(id));
    entries
        .take(BECAUSE_MAX)
        .map(|e| format!("{} ({}, {})", e.says, e.source, e.observed_at.minute()))
        .collect()
}

fn step_text(step: &Step) -> String {
    let how = match (step.second_provider, step.strength) {
        (true, _) => "has a second one",
        (false, Strength::Blocking) => "cannot do without",
        (false, Strength::Degrading) => "is slowed down",
        (false, Strength::Unknown) => "nobody knows how badly",
    };
    let seen = if step.current {
        ""
    } else {
        ", not seen lately"
    };
    let title = &REGISTRY.kind(&step.kind).title;
    let due = match (&step.rhythm, step.next_due) {
        (Some(rhythm), Some(at)) => format!(", {}, next on {} UTC", plain(rhythm), at.minute()),
        (None, Some(at)) => format!(", next on {} UTC", at.minute()),
        (Some(rhythm), None) => format!(", {}", plain(rhythm)),
        (None, None) => String::new(),
    };
    let between: String = step.through.iter().map(|t| plain(&through(t))).collect();
    format!(
        "{} needs {title} at {}{between} ({}, {how}{due}{seen})",
        plain(&step.consumer),
        plain(&place(&step.provider, step.port)),
        plain(&step.component)
    )
}

/// ` through the reverse proxy nginx.service on proxy1:443`
fn through(t: &Through) -> String {
    format!(
        " through the {} {} on {}",
        t.mode.word(),
        t.component.name,
        place(&t.name, t.port)
    )
}

fn place(name: &str, port: Option<Port>) -> String {
    match port {
        Some(port) if name.contains(':') => format!("[{name}]:{port}"),
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    }
}

/// The escape of this text: control characters, marks of writing direction and zero-width characters become
/// `\u{…}`, so that what strangers wrote cannot steer a terminal.
fn plain(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(u32::from(c), 0xad | 0x61c | 0x115f..=0x1160 | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e
                | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xfff9..=0xfffb | 0xe0000..=0xe0fff)
    };
    text.chars()
        .map(|c| {
            if steers(c) {
                c.escape_unicode().to_string()
            } else {
                c.to_string()
            }
        })
        .collect()
}
