//! One domain after the other: what is asked, of whom, and what is made of the answers.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use groma_knowledge::MAIL_NAMES;
use groma_model::fact::{MailPurpose, MailRecord};
use groma_model::{HostName, Peer, Reason};
use groma_source::{Budget, Network, Window};
use hickory_resolver::proto::rr::RecordType;

use super::Selector;
use super::spf::{self, Spf};
use crate::ask::{Asker, RecordSet, Trouble};
use crate::inquiry::Askers;
use crate::parse::Resolvers;
use crate::policy::{self, Ruling};

/// Name servers and exchangers of one domain that are asked for, at most.
const MACHINES_MAX: usize = 10;
/// Records of SPF that are asked for: a receiver gives up at ten (RFC 7208 §4.6.4), and we say by how much it is more.
const FOLLOWED_MAX: usize = 40;
/// Servers that have answered nothing after so many questions are not asked again about this domain.
const SILENT_MAX: u32 = 3;
/// The port of the domain name system.
const DOMAIN_PORT: u16 = 53;

/// What came of one domain.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) records: Vec<MailRecord>,
    /// What was asked for and not heard.
    pub(crate) missed: Vec<(String, Reason)>,
}

/// Who may be asked what, and until when.
pub(crate) struct Asking<'a> {
    pub(crate) resolvers: &'a Resolvers,
    pub(crate) network: &'a dyn Network,
    pub(crate) window: &'a Window,
    pub(crate) askers: Askers,
    /// Selectors of DKIM that somebody knows, beside the usual ones.
    pub(crate) selectors: &'a [Selector],
}

impl<'a> Asking<'a> {
    pub(crate) fn new(
        resolvers: &'a Resolvers,
        network: &'a dyn Network,
        window: &'a Window,
        budget: &Budget,
        selectors: &'a [Selector],
    ) -> Self {
        Self {
            selectors,
            resolvers,
            network,
            window,
            askers: Askers::new(budget),
        }
    }

    /// Everything about the mail and the services of `domain`.
    pub(crate) async fn domain(&mut self, domain: &HostName) -> Told {
        let mut about = About {
            zone: None,
            domain: domain.clone(),
            told: Told::default(),
            silent: Some(0),
            asking: self,
        };
        about.find_zone().await;
        about.exchangers().await;
        about.senders().await;
        about.reverse().await;
        about.policies().await;
        about.signatures().await;
        about.services().await;
        about.told
    }

    /// The resolvers that may hear this name or address, as every other question of groma.
    fn resolver_of(&mut self, about: &Peer) -> Result<Arc<Asker>, Trouble> {
        let permitted = |server: SocketAddr| self.network.permits(server);
        match policy::rule(about, self.resolvers, &permitted) {
            Ruling::Ask { servers, .. } => self.askers.of(&servers),
            _ => Err(Trouble {
                reason: Reason::Forbidden,
                what: "no resolver of this machine may be asked about it".into(),
            }),
        }
    }
}

/// The questions about one domain.
pub(super) struct About<'a, 'b> {
    asking: &'a mut Asking<'b>,
    pub(super) domain: HostName,
    /// The servers that speak for it, where they may be asked.
    zone: Option<Asker>,
    pub(super) told: Told,
    /// Questions that brought nothing, as long as none brought anything.
    silent: Option<u32>,
}

impl About<'_, '_> {
    /// Records at `name`: at the servers of the zone where it lies within, which alone know the time to live; else, and
    /// where they have nothing (a part may be delegated), at the resolvers of this machine.
    pub(super) async fn ask(&mut self, name: &HostName, kind: RecordType) -> Option<RecordSet> {
        if !self.may_ask(name, kind) {
            return None;
        }
        if self.is_within(name)
            && let Some(zone) = &self.zone
        {
            match zone.records(name, kind).await {
                Ok(set) if !set.values.is_empty() => return Some(set),
                Ok(_) => {}
                // Not asked again: the resolvers know the answers too, only not for how long they hold.
                Err(_) => self.zone = None,
            }
        }
        self.ask_resolvers(&Peer::Name(name.clone()), name, kind)
            .await
    }

    /// True unless the servers are silent or the look is over; the latter is said.
    fn may_ask(&mut self, name: &HostName, kind: RecordType) -> bool {
        if self.is_silent() {
            return false;
        }
        let over = self.asking.window.is_over();
        if over {
            self.silent = Some(SILENT_MAX);
            self.missed(name, kind, "the look ended first", Reason::BudgetExhausted);
        }
        !over
    }

    /// The names of `address`, by the resolvers of this machine.
    pub(super) async fn names_of(&mut self, address: IpAddr, at: &HostName) -> Option<RecordSet> {
        if !self.may_ask(at, RecordType::PTR) {
            return None;
        }
        self.ask_resolvers(&Peer::Address(address), at, RecordType::PTR)
            .await
    }

    async fn ask_resolvers(
        &mut self,
        about: &Peer,
        name: &HostName,
        kind: RecordType,
    ) -> Option<RecordSet> {
        let heard = match self.asking.resolver_of(about) {
            Ok(resolver) => resolver.records(name, kind).await,
            Err(trouble) => Err(trouble),
        };
        match heard {
            Ok(set) => {
                self.silent = None;
                Some(set)
            }
            Err(trouble) => {
                self.missed(name, kind, &trouble.what, trouble.reason);
                None
            }
        }
    }

    fn missed(&mut self, name: &HostName, kind: RecordType, why: &str, reason: Reason) {
        self.silent = self.silent.map(|questions| questions + 1);
        let rest = match self.is_silent() || reason == Reason::BudgetExhausted {
            true => format!(", and everything else about {}", self.domain),
            false => String::new(),
        };
        let what = format!("{kind} of {name}: {why}{rest}");
        self.told.missed.push((what, reason));
    }

    /// True once so many questions in a row, from the first on, brought nothing at all.
    fn is_silent(&self) -> bool {
        self.silent.is_some_and(|questions| questions >= SILENT_MAX)
    }

    fn is_within(&self, name: &HostName) -> bool {
        let rest = name.as_str().strip_suffix(self.domain.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// What was found under a name, with the machines it leads to.
    pub(super) fn found(
        &self,
        purpose: MailPurpose,
        asked: &HostName,
        set: RecordSet,
    ) -> MailRecord {
        let mut peers: Vec<Peer> = set.targets.into_iter().map(Peer::Name).collect();
        peers.extend(set.addresses.into_iter().map(Peer::Address));
        peers.sort();
        peers.dedup();
        MailRecord {
            domain: self.domain.clone(),
            purpose,
            asked: asked.clone(),
            values: set.values,
            peers,
            ttl_seconds: set.ttl_seconds,
            lookups: None,
            faults: Vec::new(),
        }
    }

    async fn find_zone(&mut self) {
        let domain = self.domain.clone();
        let Some(set) = self.ask(&domain, RecordType::NS).await else {
            return;
        };
        let mut servers = Vec::new();
        for name in set.targets.iter().take(MACHINES_MAX) {
            if let Some(found) = self.ask(name, RecordType::A).await {
                let port = |address| {
                    let ours = self.asking.resolvers.servers.iter();
                    let known = ours.copied().find(|server| server.ip() == address);
                    known.unwrap_or(SocketAddr::new(address, DOMAIN_PORT))
                };
                servers.extend(found.addresses.into_iter().map(port));
            }
        }
        let may_hear = |server: &SocketAddr| {
            let inside = policy::is_private_address(server.ip());
            let private =
                policy::is_private(&Peer::Name(domain.clone()), &self.asking.resolvers.search);
            (inside || !private) && self.asking.network.permits(*server)
        };
        servers.retain(may_hear);
        servers.truncate(MACHINES_MAX);
        if !servers.is_empty() {
            self.zone = self.asking.askers.of_zone(&servers).ok();
        }
        let set = match self.zone {
            Some(_) => self.ask(&domain, RecordType::NS).await.unwrap_or(set),
            None => set,
        };
        let record = self.found(MailPurpose::NameServer, &domain, set);
        self.told.records.push(record);
        // A domain within another zone has none of its own, and nothing is noted.
        self.note(MailPurpose::Origin, &domain, RecordType::SOA)
            .await;
    }

    async fn exchangers(&mut self) {
        let domain = self.domain.clone();
        let Some(set) = self.ask(&domain, RecordType::MX).await else {
            return;
        };
        let targets = set.targets.clone();
        let record = self.found(MailPurpose::Exchanger, &domain, set);
        self.told.records.push(record);
        for target in targets.iter().take(MACHINES_MAX) {
            self.addresses(MailPurpose::Address, target).await;
            if let Some(name) = HostName::parse(&format!("_25._tcp.{target}")) {
                self.note(MailPurpose::Tlsa, &name, RecordType::TLSA).await;
            }
        }
    }

    /// The addresses of a machine; nothing is noted where it has none, nor where only half of the answer was heard.
    async fn addresses(&mut self, purpose: MailPurpose, name: &HostName) {
        let heard = self.ask(name, RecordType::A).await;
        let other = self.ask(name, RecordType::AAAA).await;
        let (Some(mut set), Some(other)) = (heard, other) else {
            return;
        };
        set.values.extend(other.values);
        set.values.sort();
        set.values.dedup();
        set.addresses.extend(other.addresses);
        set.targets.extend(other.targets);
        set.ttl_seconds = set.ttl_seconds.into_iter().chain(other.ttl_seconds).min();
        if !set.values.is_empty() {
            let record = self.found(purpose, name, set);
            self.told.records.push(record);
        }
    }

    /// Notes what stands at `name`, if anything does.
    async fn note(&mut self, purpose: MailPurpose, name: &HostName, kind: RecordType) {
        if let Some(set) = self.ask(name, kind).await
            && !set.values.is_empty()
        {
            let record = self.found(purpose, name, set);
            self.told.records.push(record);
        }
    }

    async fn senders(&mut self) {
        let domain = self.domain.clone();
        let Some(set) = self.texts(&domain, spf::is_spf).await else {
            return;
        };
        let mut record = self.found(MailPurpose::Spf, &domain, set);
        if let Some(text) = record.values.first() {
            let first = spf::read(text, &domain);
            (record.peers, record.faults) = (first.peers.clone(), first.faults.clone());
            // Half a walk would count too little, and something else at each look.
            if let Some(records) = self.included(first).await {
                let walk = spf::walk(&domain, &records);
                (record.peers, record.faults) = (walk.peers, walk.faults);
                record.lookups = Some(walk.lookups);
            }
        }
        if record.values.len() > 1 {
            let many = record.values.len();
            record.faults.push(format!(
                "there are {many} records of SPF: receivers take none of them"
            ));
        }
        record.faults.sort();
        record.faults.dedup();
        self.told.records.push(record);
    }

    /// The records of every domain that is included, each asked for once; `None` if one of them was not heard.
    async fn included(&mut self, first: Spf) -> Option<BTreeMap<HostName, Option<Spf>>> {
        let mut records: BTreeMap<HostName, Option<Spf>> = BTreeMap::new();
        let mut waiting = first.follows.clone();
        records.insert(self.domain.clone(), Some(first));
        while let Some(next) = waiting.pop() {
            if records.contains_key(&next) {
                continue;
            }
            if records.len() > FOLLOWED_MAX {
                return None;
            }
            let set = self.texts(&next, spf::is_spf).await?;
            let read = set.values.first().map(|text| spf::read(text, &next));
            waiting.extend(read.iter().flat_map(|spf| spf.follows.iter().cloned()));
            records.insert(next, read);
        }
        Some(records)
    }

    /// The texts at `name` that are meant; others may hold anything and are passed over.
    async fn texts(&mut self, name: &HostName, meant: impl Fn(&str) -> bool) -> Option<RecordSet> {
        let mut set = self.ask(name, RecordType::TXT).await?;
        set.values.retain(|text| meant(text));
        Some(set)
    }

    async fn policies(&mut self) {
        let wanted = [
            (MailPurpose::Dmarc, "_dmarc", "v=dmarc1"),
            (MailPurpose::MtaSts, "_mta-sts", "v=stsv1"),
            (MailPurpose::TlsReport, "_smtp._tls", "v=tlsrptv1"),
        ];
        for (purpose, label, version) in wanted {
            let Some(name) = HostName::parse(&format!("{label}.{}", self.domain)) else {
                continue;
            };
            let meant = |text: &str| text.to_ascii_lowercase().starts_with(version);
            let Some(set) = self.texts(&name, meant).await else {
                continue;
            };
            let is_there = !set.values.is_empty();
            let mut record = self.found(purpose, &name, set);
            if record.values.len() > 1 {
                let many = record.values.len();
                record.faults.push(format!(
                    "there are {many} records: receivers take none of them"
                ));
            }
            self.told.records.push(record);
            if purpose == MailPurpose::MtaSts && is_there {
                // Where the policy itself is fetched by others (RFC 8461 §3.3); it is not fetched here.
                if let Some(host) = HostName::parse(&format!("mta-sts.{}", self.domain)) {
                    self.addresses(MailPurpose::MtaSts, &host).await;
                }
            }
        }
    }

    async fn signatures(&mut self) {
        let known = self.asking.selectors.iter();
        let ours = known.filter(|s| s.domain.as_ref().is_none_or(|d| *d == self.domain));
        // Whether a key must be there: somebody signs mail of this very domain with it.
        let ours = ours.map(|s| (s.name.clone(), s.domain.is_some()));
        let usual = MAIL_NAMES.selectors.iter().map(|s| (s.clone(), false));
        let mut selectors: BTreeMap<String, bool> = usual.collect();
        for (name, must) in ours.collect::<Vec<_>>() {
            *selectors.entry(name).or_default() |= must;
        }
        for (selector, must) in selectors {
            let name = HostName::parse(&format!("{selector}._domainkey.{}", self.domain));
            if let Some(name) = name {
                self.key(&name, must).await;
            }
        }
    }

    /// The key of DKIM at `name`; that there is none is noted where one must be.
    async fn key(&mut self, name: &HostName, must: bool) {
        let is_key = |text: &str| {
            let text = text.to_ascii_lowercase();
            text.starts_with("v=dkim1") || text.starts_with("k=") || text.starts_with("p=")
        };
        let Some(set) = self.texts(name, is_key).await else {
            return;
        };
        if set.values.is_empty() && !must {
            return;
        }
        let mut record = self.found(MailPurpose::Dkim, name, set);
        if record.values.iter().any(|value| is_revoked(value)) {
            let fault = "the key is withdrawn: p= is empty";
            record.faults.push(fault.to_owned());
        }
        self.told.records.push(record);
    }

    async fn services(&mut self) {
        let wanted = [
            (MailPurpose::Service, &MAIL_NAMES.services),
            (MailPurpose::DirectoryService, &MAIL_NAMES.directory),
            (MailPurpose::CallService, &MAIL_NAMES.calls),
        ];
        for (purpose, services) in wanted {
            for service in services {
                if let Some(name) = HostName::parse(&format!("{service}.{}", self.domain)) {
                    self.note(purpose, &name, RecordType::SRV).await;
                }
            }
        }
        for host in &MAIL_NAMES.settings {
            if let Some(name) = HostName::parse(&format!("{host}.{}", self.domain)) {
                self.addresses(MailPurpose::Autodiscover, &name).await;
            }
        }
    }
}

/// True for a key that is withdrawn (RFC 6376 §3.6.1).
fn is_revoked(value: &str) -> bool {
    value
        .split(';')
        .filter_map(|tag| tag.split_once('='))
        .any(|(tag, key)| tag.trim().eq_ignore_ascii_case("p") && key.trim().is_empty())
}
