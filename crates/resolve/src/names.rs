//! What names and addresses mean, to each vantage.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::fact::{NameAnswer, NameSource};
use groma_model::inventory::{AliasEntry, ReachedBy};
use groma_model::{
    AgentId, EntityId, Estate, EvidenceId, HostName, Meaning, Peer, Seen, SiteId, contained,
};

use crate::addresses::is_of_link;
use crate::gather::Gathered;
use crate::ledger::{Ledger, name_key};
use crate::links::{Links, Mention};
use crate::outside::{is_nobody, is_private, place_address, see, stranger};

/// Makes an entity of everybody mentioned, and says what each name means to whom.
pub(crate) fn place(gathered: &Gathered, ledger: &mut Ledger<'_>, estate: &mut Estate) {
    let index = Index::new(gathered, estate);
    let links = Links::new(gathered);
    let mut work = Work {
        links,
        gathered,
        ledger,
        estate,
        index,
    };
    for ((vantage, peer), seen) in &gathered.mentioned {
        if let Peer::Name(name) = peer
            && !work.is_containers(vantage, name)
        {
            work.place_name(vantage, name, *seen);
        }
    }
    for ((vantage, peer), seen) in &gathered.mentioned {
        if let (Peer::Address(address), Some(site)) = (peer, work.site(vantage)) {
            // Its own address, or that of one of its containers, is no other machine.
            if work.is_own(vantage, address) {
                continue;
            }
            work.place_address(vantage, &site, *address, *seen);
        }
    }
    work.place_reverse_names();
    name_strangers(work.estate);
}

/// Answers and host names by site, so that one vantage's answer helps another one.
struct Index<'a> {
    /// The domains this organisation's own machines are named in, by their last two labels.
    own_domains: BTreeSet<(SiteId, String)>,
    by_site: BTreeMap<(SiteId, HostName), Vec<&'a (NameAnswer, EvidenceId)>>,
    hosts: BTreeMap<(SiteId, String), BTreeSet<EntityId>>,
}

impl<'a> Index<'a> {
    fn new(gathered: &'a Gathered, estate: &Estate) -> Self {
        let mut by_site: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for ((vantage, peer), answers) in &gathered.answers {
            let (Peer::Name(name), Some(seat)) = (peer, gathered.seats.get(vantage)) else {
                continue;
            };
            let dns = answers.iter().filter(|(a, _)| a.by == NameSource::Dns);
            by_site
                .entry((seat.site.clone(), name.clone()))
                .or_default()
                .extend(dns);
        }
        let mut hosts: BTreeMap<_, BTreeSet<EntityId>> = BTreeMap::new();
        for entity in estate.entities.values().filter(|e| e.kind != "list") {
            for name in &entity.names {
                let short = name.split('.').next().unwrap_or(name);
                for text in [name.as_str(), short] {
                    hosts
                        .entry((entity.site.clone(), text.to_owned()))
                        .or_default()
                        .insert(entity.id.clone());
                }
            }
        }
        Self {
            own_domains: own_domains(gathered, estate),
            by_site,
            hosts,
        }
    }

    /// The one entity that calls itself `name`; nobody if two do.
    fn host(&self, site: &SiteId, name: &HostName) -> Option<&EntityId> {
        let mut hits = self
            .hosts
            .get(&(site.clone(), name.as_str().to_owned()))?
            .iter();
        match (hits.next(), hits.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }
}

/// What is known about a name before anybody stands behind it.
enum Answer<'a> {
    /// Somebody said where it leads.
    Leads(&'a NameAnswer, &'a EvidenceId),
    /// DNS said that it does not exist.
    Denied(&'a EvidenceId),
    /// Nobody was asked, or nobody answered.
    Silence,
}

/// The vantage's hosts file decides before its DNS does; another vantage's DNS answer helps out.
fn answer<'a>(
    gathered: &'a Gathered,
    index: &Index<'a>,
    vantage: &AgentId,
    site: &SiteId,
    name: &HostName,
) -> Answer<'a> {
    let key = (vantage.clone(), Peer::Name(name.clone()));
    let own = gathered
        .answers
        .get(&key)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let others = index
        .by_site
        .get(&(site.clone(), name.clone()))
        .map(Vec::as_slice)
        .unwrap_or_default();
    let leads = |by: NameSource| {
        own.iter()
            .find(move |(a, _)| a.by == by && !a.addresses.is_empty())
    };
    let first = leads(NameSource::HostsFile)
        .or_else(|| leads(NameSource::Dns))
        .or_else(|| {
            others
                .iter()
                .copied()
                .find(|(a, _)| !a.addresses.is_empty())
        });
    match first {
        Some((answer, evidence)) => Answer::Leads(answer, evidence),
        None => match own.iter().find(|(a, _)| a.by == NameSource::Dns) {
            Some((_, evidence)) => Answer::Denied(evidence),
            None => Answer::Silence,
        },
    }
}

/// The last two labels of every name an own machine has, or that leads to a private address.
fn own_domains(gathered: &Gathered, estate: &Estate) -> BTreeSet<(SiteId, String)> {
    let hosts = estate
        .entities
        .values()
        .filter(|e| e.has_agent || e.declared);
    let named = hosts.flat_map(|e| e.names.iter().map(|n| (e.site.clone(), n.clone())));
    let answered = gathered
        .answers
        .iter()
        .filter_map(|((vantage, peer), answers)| {
            let site = gathered.seats.get(vantage)?.site.clone();
            let private = answers.iter().any(|(a, _)| {
                a.addresses
                    .iter()
                    .any(|address| is_private(address) && !address.is_loopback())
            });
            private.then(|| (site, peer.to_string()))
        });
    named
        .chain(answered)
        .filter_map(|(site, name)| Some((site, domain(&name)?)))
        .collect()
}

/// `corp.example` of `mail1.corp.example`; nothing for a single label.
fn domain(name: &str) -> Option<String> {
    let mut labels = name.rsplit('.');
    let (top, second) = (labels.next()?, labels.next()?);
    Some(format!("{second}.{top}"))
}

/// Names that mean a machine of the organisation wherever they are used (RFC 6762 appendix G, RFC 8375).
fn is_inner_name(name: &HostName) -> bool {
    const INNER: [&str; 9] = [
        "local",
        "lan",
        "internal",
        "intranet",
        "corp",
        "home",
        "private",
        "localdomain",
        "arpa",
    ];
    !name.is_qualified()
        || name
            .as_str()
            .rsplit('.')
            .next()
            .is_some_and(|top| INNER.contains(&top))
}

struct Work<'a, 'l> {
    links: Links,
    gathered: &'a Gathered,
    ledger: &'a mut Ledger<'l>,
    estate: &'a mut Estate,
    index: Index<'a>,
}

impl Work<'_, '_> {
    /// The site of whoever looked, or of a list that was imported there.
    fn site(&self, vantage: &AgentId) -> Option<SiteId> {
        let seat = self.gathered.seats.get(vantage).map(|seat| &seat.site);
        let list = || self.gathered.lists.get(vantage).map(|(site, ..)| site);
        seat.or_else(list).cloned()
    }

    fn place_name(&mut self, vantage: &AgentId, name: &HostName, seen: Seen) {
        let (false, Some(site)) = (name.is_loopback(), self.site(vantage)) else {
            return;
        };
        let meaning = match answer(self.gathered, &self.index, vantage, &site, name) {
            Answer::Leads(answer, evidence) => {
                self.follow(vantage, &site, name, answer, evidence, seen)
            }
            Answer::Denied(evidence) => self
                .known_host(&site, name)
                .unwrap_or_else(|| self.nowhere(&site, name, Some(evidence), seen)),
            Answer::Silence => self
                .known_host(&site, name)
                .unwrap_or_else(|| self.nowhere(&site, name, None, seen)),
        };
        see(self.estate, &meaning.entity, seen);
        self.estate
            .names
            .insert((vantage.clone(), name.clone()), meaning);
    }

    /// Follows an answer to whoever stands behind its addresses.
    fn follow(
        &mut self,
        vantage: &AgentId,
        site: &SiteId,
        name: &HostName,
        answer: &NameAnswer,
        evidence: &EvidenceId,
        seen: Seen,
    ) -> Meaning {
        let own = answer
            .addresses
            .iter()
            .any(|a| a.is_loopback() || self.is_own(vantage, a));
        if own && let Some(host) = self.estate.vantages.get(vantage) {
            let reached_by = reached(answer, host, name, self.estate);
            return Meaning {
                entity: host.clone(),
                reached_by,
                by: Some(answer.by),
            };
        }
        let known: BTreeSet<EntityId> = answer
            .addresses
            .iter()
            .filter_map(|a| {
                self.estate
                    .addresses
                    .get(&(site.clone(), a.to_canonical()))
                    .cloned()
            })
            .collect();
        let entity = match (known.first(), answer.addresses.as_slice()) {
            (Some(only), _) if known.len() == 1 => Some(only.clone()),
            (None, [only]) => self.place_address(vantage, site, *only, seen),
            _ => None,
        };
        let entity = entity.unwrap_or_else(|| self.many_addresses(site, name, answer, seen));
        let reached_by = reached(answer, &entity, name, self.estate);
        self.note(&entity, name, answer, evidence);
        Meaning {
            entity,
            reached_by,
            by: Some(answer.by),
        }
    }

    /// True for a name that means a container of the vantage's own machine wherever it is written: nobody else has it.
    fn is_containers(&self, vantage: &AgentId, name: &HostName) -> bool {
        let key = (vantage.clone(), name.clone());
        let files = self.gathered.written_in.get(&key);
        let seat = self.gathered.seats.get(vantage);
        let (Some(files), Some(seat)) = (files, seat) else {
            return false;
        };
        let containers = &seat.attributes.containers;
        let meant = |file| contained::meant(containers, name, file).is_some();
        !self.gathered.met_elsewhere.contains(&key) && files.iter().all(meant)
    }

    /// The entity at an address a vantage mentions; one of a single link is asked for on its links.
    fn place_address(
        &mut self,
        vantage: &AgentId,
        site: &SiteId,
        address: IpAddr,
        seen: Seen,
    ) -> Option<EntityId> {
        if is_of_link(&address) {
            let mention = Mention {
                vantage,
                site,
                address,
                seen,
            };
            let id = self
                .links
                .place(&mention, self.gathered, self.ledger, self.estate);
            return Some(id);
        }
        place_address(site, address, seen, self.gathered, self.ledger, self.estate)
    }

    fn is_own(&self, vantage: &AgentId, address: &IpAddr) -> bool {
        self.estate
            .own_addresses
            .get(vantage)
            .is_some_and(|own| own.contains(&address.to_canonical()))
    }

    /// A name with several addresses of several (or no known) machines is a thing of its own, and the
    /// addresses nobody else holds mean it.
    fn many_addresses(
        &mut self,
        site: &SiteId,
        name: &HostName,
        answer: &NameAnswer,
        seen: Seen,
    ) -> EntityId {
        let id = self.ledger.claim_outside(name_key(site, name));
        let inside = |a: &IpAddr| self.gathered.is_inside(site, &a.to_canonical());
        let kind = if answer.addresses.iter().any(inside) {
            "host"
        } else {
            "external"
        };
        let entity = self
            .estate
            .entities
            .entry(id.clone())
            .or_insert_with(|| stranger(id.clone(), site, kind, name.to_string(), seen));
        for address in answer
            .addresses
            .iter()
            .map(IpAddr::to_canonical)
            .filter(|a| !is_nobody(a) && !is_of_link(a))
        {
            entity.addresses.push(address);
            self.estate
                .addresses
                .entry((site.clone(), address))
                .or_insert_with(|| id.clone());
        }
        id
    }

    /// Writes the name, its aliases and who said so on the entity.
    fn note(&mut self, id: &EntityId, name: &HostName, answer: &NameAnswer, evidence: &EvidenceId) {
        let Some(entity) = self.estate.entities.get_mut(id) else {
            return;
        };
        let canonical = answer.aliases.last().unwrap_or(name);
        entity.names.push(name.to_string());
        entity
            .names
            .extend(answer.aliases.iter().map(ToString::to_string));
        entity.evidence.push(evidence.clone());
        let hosts_file = answer.by == NameSource::HostsFile;
        if canonical != name || hosts_file {
            let entry = AliasEntry {
                alias: name.clone(),
                canonical: canonical.clone(),
                ttl_seconds: answer.ttl_seconds,
                by: answer.by,
            };
            if !entity.attributes.aliases.contains(&entry) {
                entity.attributes.aliases.push(entry);
                entity.attributes.aliases.sort();
            }
        }
    }

    fn known_host(&self, site: &SiteId, name: &HostName) -> Option<Meaning> {
        let entity = self.index.host(site, name)?.clone();
        Some(Meaning {
            entity,
            reached_by: ReachedBy::Name,
            by: None,
        })
    }

    /// A name that leads nowhere we know; `denied` holds the answer that says it does not exist.
    fn nowhere(
        &mut self,
        site: &SiteId,
        name: &HostName,
        denied: Option<&EvidenceId>,
        seen: Seen,
    ) -> Meaning {
        let id = self.ledger.claim_outside(name_key(site, name));
        let own = domain(name.as_str())
            .is_some_and(|d| self.index.own_domains.contains(&(site.clone(), d)));
        let kind = if own || is_inner_name(name) {
            "host"
        } else {
            "external"
        };
        let entity = self
            .estate
            .entities
            .entry(id.clone())
            .or_insert_with(|| stranger(id.clone(), site, kind, name.to_string(), seen));
        entity.names.push(name.to_string());
        entity.attributes.unresolvable |= denied.is_some();
        entity.evidence.extend(denied.cloned());
        Meaning {
            entity: id,
            reached_by: ReachedBy::Name,
            by: None,
        }
    }

    /// Reverse answers name the entities behind addresses.
    fn place_reverse_names(&mut self) {
        for ((vantage, peer), answers) in &self.gathered.answers {
            let (Peer::Address(address), Some(site)) = (peer, self.site(vantage)) else {
                continue;
            };
            let Some(id) = self.estate.addresses.get(&(site, address.to_canonical())) else {
                continue;
            };
            let Some(entity) = self.estate.entities.get_mut(id) else {
                continue;
            };
            for (answer, evidence) in answers.iter().filter(|(a, _)| !a.names.is_empty()) {
                entity
                    .names
                    .extend(answer.names.iter().map(ToString::to_string));
                entity.evidence.push(evidence.clone());
            }
        }
    }
}

/// By its own name, by an alias of it, or by what the hosts file says.
fn reached(answer: &NameAnswer, entity: &EntityId, name: &HostName, estate: &Estate) -> ReachedBy {
    let own_name = estate.entities.get(entity).is_some_and(|e| {
        let identity = e.attributes.identity.as_ref();
        let host_name = identity.map(|i| i.host_name.lossy().to_lowercase());
        let qualified = identity.and_then(|i| i.qualified_name.as_ref());
        e.has_agent
            && (host_name.is_some_and(|h| h == name.as_str() || h == name.short())
                || qualified == Some(name))
    });
    match answer.by {
        _ if own_name => ReachedBy::Name,
        NameSource::HostsFile => ReachedBy::HostsFile,
        NameSource::Dns if !answer.aliases.is_empty() => ReachedBy::Alias,
        NameSource::Dns => ReachedBy::Name,
    }
}

/// Gives entities seen from outside the best name anybody knows.
/// What was found by its address alone is called by its shortest name.
pub(crate) fn name_strangers(estate: &mut Estate) {
    for entity in estate
        .entities
        .values_mut()
        .filter(|e| !e.has_agent && !e.declared)
    {
        let addressed = entity
            .addresses
            .iter()
            .any(|a| a.to_string() == entity.name);
        if addressed && let Some(name) = entity.names.iter().min_by_key(|n| (n.len(), (*n).clone()))
        {
            entity.name = name.clone();
        }
    }
}
