//! Where the records of zones lead: alias by alias to addresses, and from those to machines that something else tells of.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use groma_model::fact::{AskedName, ZoneRecord};
use groma_model::inventory::Entity;
use groma_model::zone::{Asked, ZoneRecordEntry};
use groma_model::{EntityId, Estate, EvidenceId, HostName, Peer, Seen, SiteId};

use crate::gather::{Gathered, Raw};

/// Aliases followed from one record; a server gives up earlier.
const STEPS_MAX: usize = 16;
/// Facts one row cites at most.
const EVIDENCE_MAX: usize = 20;

/// Zone, name, kind, view and values: what makes a row.
type Key<'a> = (
    &'a HostName,
    &'a str,
    &'a str,
    Option<&'a str>,
    &'a [String],
);

/// The rows of everything that still stands there.
pub(crate) fn rows(gathered: &Gathered, estate: &Estate) -> Vec<ZoneRecordEntry> {
    let current = || gathered.zone_records.iter().filter(|raw| raw.current);
    if current().next().is_none() {
        return Vec::new();
    }
    let zones = Zones::of(current().map(AsRef::as_ref), estate);
    let asked = asked(&gathered.asked_names);
    let mut rows: BTreeMap<Key<'_>, Vec<&Raw<ZoneRecord>>> = BTreeMap::new();
    for raw in current() {
        let record = &raw.fact;
        let key = (
            &record.zone,
            record.owner.as_str(),
            record.kind.as_str(),
            record.view.as_deref(),
            record.values.as_slice(),
        );
        rows.entry(key).or_default().push(raw);
    }
    rows.into_values()
        .filter_map(|raws| zones.entry(&raws, &asked))
        .collect()
}

/// How often each name was asked for. Two logs of a machine tell the same questions: the one that knows most is believed.
fn asked(names: &[Box<Raw<AskedName>>]) -> HashMap<&str, Asked> {
    let mut by_host: HashMap<(&str, &EntityId), Seen> = HashMap::new();
    for raw in names {
        let known = by_host.entry((raw.fact.name.as_str(), &raw.host));
        let slot = known.or_insert(raw.seen);
        *slot = Seen {
            count: slot.count.max(raw.seen.count),
            ..slot.joined(raw.seen)
        };
    }
    let mut all: HashMap<&str, Asked> = HashMap::new();
    for ((name, _), seen) in by_host {
        let told = Asked {
            count: seen.count,
            first_seen: seen.first,
            last_seen: seen.last,
        };
        all.entry(name)
            .and_modify(|known| {
                known.count = known.count.saturating_add(told.count);
                known.first_seen = known.first_seen.min(told.first_seen);
                known.last_seen = known.last_seen.max(told.last_seen);
            })
            .or_insert(told);
    }
    all
}

/// Whose word a zone is: a server's, in one of its views.
type Server<'a> = (&'a EntityId, Option<&'a str>);

/// What is known of all zones together.
struct Zones<'a> {
    estate: &'a Estate,
    /// Site and name → what stands there.
    at: HashMap<(&'a SiteId, &'a str), Vec<&'a Raw<ZoneRecord>>>,
    /// The zones that are known, by site, with the servers and views that have them.
    known: HashMap<(&'a SiteId, &'a str), BTreeSet<Server<'a>>>,
    /// Names of machines that are one machine's alone.
    machines: HashMap<&'a str, Option<&'a Entity>>,
}

/// True for a name that some file says and nothing knows an address of: of such a one, the zone knows best.
fn is_only_written(machine: &Entity) -> bool {
    machine.is_mere_name() && machine.addresses.is_empty()
}

/// Where a record leads.
#[derive(Default)]
struct Led {
    through: Vec<String>,
    machines: BTreeSet<EntityId>,
    nobodys: BTreeSet<IpAddr>,
    nowhere: BTreeSet<String>,
}

impl<'a> Zones<'a> {
    fn of(records: impl Iterator<Item = &'a Raw<ZoneRecord>>, estate: &'a Estate) -> Self {
        let mut zones = Self {
            estate,
            at: HashMap::new(),
            known: HashMap::new(),
            machines: HashMap::new(),
        };
        for raw in records {
            let record = &raw.fact;
            let there = zones.at.entry((&raw.site, &record.owner)).or_default();
            there.push(raw);
            let servers = zones.known.entry((&raw.site, record.zone.as_str()));
            let server = (&raw.host, record.view.as_deref());
            servers.or_default().insert(server);
        }
        for entity in estate.entities.values() {
            for name in &entity.names {
                let slot = zones.machines.entry(name).or_insert(Some(entity));
                *slot = slot.filter(|known| known.id == entity.id);
            }
        }
        zones
    }

    fn entry(
        &self,
        raws: &[&'a Raw<ZoneRecord>],
        asked: &HashMap<&str, Asked>,
    ) -> Option<ZoneRecordEntry> {
        let record = &raws.first()?.fact;
        let mut led = Led::default();
        for raw in raws {
            for peer in &raw.fact.peers {
                self.follow(raw, peer, &mut led);
            }
        }
        let evidence: BTreeSet<&EvidenceId> = raws.iter().map(|raw| &raw.id).collect();
        let served_by: BTreeSet<&EntityId> = raws.iter().map(|raw| &raw.host).collect();
        let written = raws.iter().filter(|raw| !raw.fact.is_copy);
        let kept_by: BTreeSet<&EntityId> = written.map(|raw| &raw.host).collect();
        let files: BTreeSet<String> = (raws.iter())
            .map(|raw| raw.fact.file.lossy().into_owned())
            .collect();
        Some(ZoneRecordEntry {
            zone: record.zone.clone(),
            owner: record.owner.clone(),
            kind: record.kind.clone(),
            values: record.values.clone(),
            ttl_seconds: raws.iter().filter_map(|raw| raw.fact.ttl_seconds).max(),
            view: record.view.clone(),
            through: led.through,
            machines: led.machines.into_iter().collect(),
            nobodys: led.nobodys.into_iter().collect(),
            nowhere: led.nowhere.into_iter().collect(),
            asked: asked.get(record.owner.as_str()).copied(),
            served_by: served_by.into_iter().cloned().collect(),
            kept_by: kept_by.into_iter().cloned().collect(),
            files: files.into_iter().collect(),
            evidence: (evidence.into_iter().take(EVIDENCE_MAX)).cloned().collect(),
        })
    }

    /// From one value of a record to whoever has its address.
    fn follow(&self, raw: &'a Raw<ZoneRecord>, peer: &'a Peer, led: &mut Led) {
        // An alias that names itself is a circle; a domain whose mail goes to the machine of that name is none.
        let mut path = match raw.fact.kind.as_str() {
            "CNAME" => vec![raw.fact.owner.as_str()],
            _ => Vec::new(),
        };
        self.step(raw, peer, &mut path, &mut BTreeSet::new(), led);
    }

    /// `path` is the way so far, `met` every name on any way: two ways that meet are no circle.
    fn step(
        &self,
        raw: &'a Raw<ZoneRecord>,
        peer: &'a Peer,
        path: &mut Vec<&'a str>,
        met: &mut BTreeSet<&'a str>,
        led: &mut Led,
    ) {
        let name = match peer {
            Peer::Address(address) => return self.address(raw, peer, *address, led),
            Peer::Name(name) => name,
        };
        if path.contains(&name.as_str()) || path.len() >= STEPS_MAX {
            if raw.fact.kind != "DNAME" {
                led.nowhere.insert(name.to_string());
            }
        } else if met.insert(name.as_str()) {
            path.push(name.as_str());
            for next in self.name(raw, name, led) {
                self.step(raw, next, path, met, led);
            }
            path.pop();
        }
    }

    fn address(&self, raw: &Raw<ZoneRecord>, peer: &Peer, address: IpAddr, led: &mut Led) {
        if address.is_loopback() || address.is_unspecified() || address.is_multicast() {
            return;
        }
        match self.estate.locate(&raw.site, &raw.vantage, peer) {
            Some(meaning) => led.machines.insert(meaning.entity),
            None => led.nobodys.insert(address),
        };
    }

    /// What stands at `name`: its addresses, or the name it is an alias of. A name nobody keeps a zone for that we read is a
    /// machine's own, or is told by nobody here.
    fn name(
        &self,
        raw: &'a Raw<ZoneRecord>,
        name: &'a HostName,
        led: &mut Led,
    ) -> BTreeSet<&'a Peer> {
        let leading = self.leading(raw, name);
        if !leading.is_empty() {
            if !led.through.iter().any(|known| known == name.as_str()) {
                led.through.push(name.to_string());
            }
            return leading;
        }
        let machine = self.machines.get(name.as_str()).copied().flatten();
        let is_missing = || self.is_ours(raw, name.as_str()) && !self.may_stand(raw, name.as_str());
        match machine {
            Some(machine) if !is_only_written(machine) || !is_missing() => {
                led.machines.insert(machine.id.clone());
            }
            None if !is_missing() => {}
            _ => {
                led.nowhere.insert(name.to_string());
            }
        }
        BTreeSet::new()
    }

    /// True if `raw` may well lead to `name` though no address stands there. An alias answers every kind of question: it may
    /// be one of a key, a policy or a challenge (TXT, TLSA: names with `_`, of which no address is asked and whose kinds are
    /// not read), of a domain with mail alone, or of a zone's top. A DNAME leads what is below it, not what is there.
    fn may_stand(&self, raw: &Raw<ZoneRecord>, name: &str) -> bool {
        let is_of_service = |name: &str| name.split('.').any(|label| label.starts_with('_'));
        let of_other_kind =
            |other: &&Raw<ZoneRecord>| !matches!(other.fact.kind.as_str(), "A" | "AAAA" | "CNAME");
        let there = self.at.get(&(&raw.site, name));
        match raw.fact.kind.as_str() {
            "DNAME" => true,
            "CNAME" => {
                is_of_service(&raw.fact.owner)
                    || is_of_service(name)
                    || self.known.contains_key(&(&raw.site, name))
                    || there.is_some_and(|there| there.iter().any(of_other_kind))
            }
            _ => false,
        }
    }

    /// The addresses and further names that stand at `name`, each once however many servers have it. A view is one server's
    /// own word: of another server the view of the same name is taken, or any where none is called so.
    fn leading(&self, raw: &Raw<ZoneRecord>, name: &'a HostName) -> BTreeSet<&'a Peer> {
        let in_view = |other: &Raw<ZoneRecord>| other.fact.view == raw.fact.view;
        let there = self.at.get(&(&raw.site, name.as_str()));
        let reachable: Vec<&'a Raw<ZoneRecord>> = (there.into_iter().flatten().copied())
            .filter(|other| matches!(other.fact.kind.as_str(), "A" | "AAAA" | "CNAME"))
            .filter(|other| other.host != raw.host || in_view(other))
            .collect();
        let is_told = reachable.iter().any(|other| in_view(other));
        (reachable.into_iter())
            .filter(|other| !is_told || in_view(other))
            .flat_map(|other| &other.fact.peers)
            .collect()
    }

    /// True if this very zone was read where `raw` may ask for it: in its own view of its own server, or on another server.
    fn knows(&self, raw: &Raw<ZoneRecord>, zone: &str) -> bool {
        let servers = self.known.get(&(&raw.site, zone));
        let view = raw.fact.view.as_deref();
        servers
            .into_iter()
            .flatten()
            .any(|(host, of)| **host != raw.host || *of == view)
    }

    /// True if `name` belongs into a zone that was read, and no wildcard there answers for it.
    fn is_ours(&self, raw: &'a Raw<ZoneRecord>, name: &str) -> bool {
        let site = &raw.site;
        let mut rest = name;
        let mut wild = false;
        while let Some((_, parent)) = rest.split_once('.') {
            let delegated = self.at.get(&(site, rest)).is_some_and(|there| {
                there
                    .iter()
                    .any(|other| other.fact.kind == "NS" && other.fact.zone.as_str() != rest)
            });
            if delegated && !self.knows(raw, rest) {
                return false;
            }
            let wildcard = format!("*.{parent}");
            wild |= self.at.contains_key(&(site, wildcard.as_str()));
            if self.knows(raw, parent) || self.knows(raw, rest) {
                return !wild;
            }
            rest = parent;
        }
        false
    }
}
