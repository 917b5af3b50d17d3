//! One pass over the evidence: everything said about each vantage, and everybody mentioned.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::device::DeviceWitness;
use groma_model::directory::NeedReason;
use groma_model::fact::{
    CertificateSighting, CertificateUse, Cluster, Datastore, Declared, DeviceSays, DirectoryObject,
    Forward, ForwardEnd, Guest, HostIdentity, Hypervisor, Interface, Knock, KnockWay, MENTION_RULE,
    NameAnswer, Package, Reference, SentinelPost,
};
use groma_model::inventory::{Attributes, Mention, PinEntry};
use groma_model::sentinel::PostEntry;
use groma_model::sighting::Sighting;
use groma_model::virtualization::Platform;
use groma_model::{
    AgentId, EntityId, Evidence, EvidenceId, EvidenceState, Fact, Foreign, HostName, Peer, Scope,
    Seen, SiteId, Timestamp,
};

use crate::addresses;
use crate::outside::is_private;
use crate::platforms::{Looks, let_go};

/// What one vantage said about its own machine.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    pub(crate) site: SiteId,
    pub(crate) identity: Option<HostIdentity>,
    pub(crate) attributes: Attributes,
    pub(crate) evidence: Vec<EvidenceId>,
    pub(crate) seen: Seen,
    /// The end of the newest look, where the caller knows it.
    pub(crate) looked_until: Option<Timestamp>,
    /// Since when and until when the machine was seen with each address.
    pub(crate) held: BTreeMap<IpAddr, Held>,
    /// Addresses of other machines that are gone, at which this one stands sentinel.
    pub(crate) posts: BTreeMap<IpAddr, PostEntry>,
    told: Told,
    /// Set once the host behind this vantage is known.
    pub(crate) entity: Option<EntityId>,
}

impl Seat {
    /// Of two that speak of one address, the newer one holds, since the older one's begin if it is the same.
    pub(crate) fn take_post(&mut self, address: IpAddr, entry: PostEntry) {
        let known = self.posts.entry(address).or_insert_with(|| entry.clone());
        if known.post == entry.post {
            known.since = known.since.min(entry.since);
            known.until = known.until.max(entry.until);
        } else if (known.until, &known.post) < (entry.until, &entry.post) {
            *known = entry;
        }
    }
}

/// How new a piece of evidence is: what still holds before what was not seen again, then by time. The id settles the rest,
/// so that the order of arrival does not matter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Newness {
    current: bool,
    last: Timestamp,
    id: EvidenceId,
}

impl Newness {
    fn of(evidence: &Evidence) -> Self {
        Self {
            current: evidence.state == EvidenceState::Current,
            last: evidence.seen.last,
            id: evidence.id.clone(),
        }
    }

    /// True if the newest look of its vantage still saw it.
    pub(crate) fn is_current(&self) -> bool {
        self.current
    }

    /// True, and remembered, if nothing newer has been said in this place.
    fn leads(self, place: &mut Option<Self>) -> bool {
        let leads = place.as_ref().is_none_or(|before| *before < self);
        if leads {
            *place = Some(self);
        }
        leads
    }
}

/// How new each thing is that a machine has one of.
#[derive(Clone, Debug, Default)]
struct Told {
    identity: Option<Newness>,
    operating_system: Option<Newness>,
    hardware: Option<Newness>,
    /// Packages known only from what was not seen again, and when it was last.
    stale_packages: BTreeMap<String, Timestamp>,
}

impl Told {
    /// Keeps the version that was seen last. Of several that are installed side by side, the greatest text stands.
    fn take_package(
        &mut self,
        known: &mut BTreeMap<String, String>,
        package: Package,
        new: &Newness,
    ) {
        let stale = (!new.current).then_some(new.last);
        // Nothing is staler than what holds.
        let rank = |stale: Option<Timestamp>| (stale.is_none(), stale);
        let before = known.get(&package.name).map(|version| {
            let stale = self.stale_packages.get(&package.name).copied();
            (rank(stale), version.as_str())
        });
        if before.is_some_and(|before| before >= (rank(stale), package.version.as_str())) {
            return;
        }
        match stale {
            Some(last) => self.stale_packages.insert(package.name.clone(), last),
            None => self.stale_packages.remove(&package.name),
        };
        known.insert(package.name, package.version);
    }
}

/// When a machine was seen with an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    pub(crate) current: bool,
}

/// What a vantage said of a certificate, and whether its newest look still does.
#[derive(Clone, Debug)]
pub(crate) struct Sighted<T> {
    pub(crate) vantage: AgentId,
    pub(crate) what: T,
    pub(crate) seen: Seen,
    pub(crate) state: EvidenceState,
    pub(crate) evidence: EvidenceId,
}

impl<T: Clone> Sighted<T> {
    fn of(evidence: &Evidence, what: &T) -> Self {
        Self {
            vantage: evidence.vantage.clone(),
            what: what.clone(),
            seen: evidence.seen,
            state: evidence.state,
            evidence: evidence.id.clone(),
        }
    }
}

/// A certificate and all the places where it was met.
#[derive(Clone, Debug)]
pub(crate) struct CertificateDraft {
    pub(crate) site: SiteId,
    pub(crate) sightings: Vec<Sighted<CertificateSighting>>,
    pub(crate) seen: Seen,
}

/// A row of a list.
#[derive(Clone, Debug)]
pub(crate) struct DeclaredRow {
    pub(crate) site: SiteId,
    pub(crate) vantage: AgentId,
    pub(crate) row: Declared,
    pub(crate) evidence: EvidenceId,
    pub(crate) seen: Seen,
}

/// An archive, a database or a share, and where it lies.
#[derive(Clone, Debug)]
pub(crate) struct Holding {
    pub(crate) site: SiteId,
    pub(crate) vantage: AgentId,
    pub(crate) scope: Scope,
    pub(crate) fact: Fact,
    pub(crate) evidence: EvidenceId,
    pub(crate) seen: Seen,
}

/// A machine that was met from outside.
#[derive(Clone, Debug)]
pub(crate) struct Met {
    pub(crate) site: SiteId,
    pub(crate) sighting: Sighting,
    pub(crate) evidence: EvidenceId,
    pub(crate) seen: Seen,
    pub(crate) current: bool,
}

/// What a device said of itself.
#[derive(Clone, Debug)]
pub(crate) struct Spoken {
    pub(crate) site: SiteId,
    pub(crate) says: DeviceSays,
    pub(crate) evidence: EvidenceId,
    pub(crate) new: Newness,
    pub(crate) current: bool,
}

/// A knock at the address of a machine that is gone, and who heard it.
#[derive(Clone, Debug)]
pub(crate) struct Knocked {
    pub(crate) site: SiteId,
    pub(crate) vantage: AgentId,
    pub(crate) knock: Knock,
    pub(crate) evidence: EvidenceId,
    pub(crate) seen: Seen,
}

/// An object of a directory.
#[derive(Clone, Debug)]
pub(crate) struct DirectoryRow {
    pub(crate) site: SiteId,
    pub(crate) vantage: AgentId,
    pub(crate) object: DirectoryObject,
    pub(crate) evidence: EvidenceId,
    pub(crate) seen: Seen,
}

/// A thing a platform of virtualization tells of.
#[derive(Clone, Debug)]
pub(crate) struct OnPlatform<T> {
    pub(crate) site: SiteId,
    pub(crate) vantage: AgentId,
    pub(crate) what: T,
    pub(crate) evidence: EvidenceId,
    pub(crate) seen: Seen,
    pub(crate) new: Newness,
}

impl<T: Clone> OnPlatform<T> {
    fn of(evidence: &Evidence, what: &T) -> Self {
        Self {
            site: evidence.site.clone(),
            vantage: evidence.vantage.clone(),
            what: what.clone(),
            evidence: evidence.id.clone(),
            seen: evidence.seen,
            new: Newness::of(evidence),
        }
    }
}

/// All that platforms tell of.
#[derive(Debug, Default)]
pub(crate) struct Platforms {
    pub(crate) guests: Vec<OnPlatform<Guest>>,
    pub(crate) hypervisors: Vec<OnPlatform<Hypervisor>>,
    pub(crate) clusters: Vec<OnPlatform<Cluster>>,
    pub(crate) datastores: Vec<OnPlatform<Datastore>>,
    /// Numbers that lists tell, with what each is of.
    pub(crate) listed_numbers: BTreeSet<(EvidenceId, (SiteId, String))>,
    /// Who looked at platforms, and how much of them they saw.
    pub(crate) looks: Looks,
}

impl Platforms {
    /// Whom the hosts and datastores of lists name, and who says so.
    fn listed_peers(&self) -> impl Iterator<Item = (&AgentId, &Peer, Seen)> {
        let hosts = self.hypervisors.iter().flat_map(|told| {
            let peers = told.what.dns_servers.iter().chain(&told.what.ntp_servers);
            peers.map(|peer| (&told.vantage, peer, told.seen))
        });
        let stores = self.datastores.iter().flat_map(|told| {
            let peers = told.what.server.iter();
            peers.map(|peer| (&told.vantage, peer, told.seen))
        });
        let all = hosts.chain(stores);
        all.filter(|(vantage, ..)| vantage.is_list())
    }

    /// True if nobody told of any.
    pub(crate) fn is_empty(&self) -> bool {
        self.guests.is_empty()
            && self.hypervisors.is_empty()
            && self.clusters.is_empty()
            && self.datastores.is_empty()
    }
}

/// Everything said, by whom it is about.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) seats: BTreeMap<AgentId, Seat>,
    pub(crate) mentioned: BTreeMap<(AgentId, Peer), Seen>,
    /// Files in which a name of one label was written, and those names that were met otherwise too.
    pub(crate) written_in: BTreeMap<(AgentId, HostName), BTreeSet<Foreign>>,
    pub(crate) met_elsewhere: BTreeSet<(AgentId, HostName)>,
    pub(crate) answers: BTreeMap<(AgentId, Peer), Vec<(NameAnswer, EvidenceId)>>,
    pub(crate) neighbours: BTreeMap<(SiteId, IpAddr), (Newness, String)>,
    /// Link-local neighbours, by who met them.
    pub(crate) on_link: BTreeMap<(AgentId, IpAddr), (Newness, String)>,
    /// Public networks that watched machines of a site share with others, as the length of the prefix and the network.
    inside: BTreeMap<SiteId, BTreeSet<(u8, IpAddr)>>,
    pub(crate) certificates: BTreeMap<String, CertificateDraft>,
    pub(crate) declared: Vec<DeclaredRow>,
    /// Lists that speak of no machine, by who told them: site, name, and when.
    pub(crate) lists: BTreeMap<AgentId, (SiteId, String, Seen)>,
    /// What platforms of virtualization tell of.
    pub(crate) platforms: Platforms,
    /// What only old lists tell of platforms, though looks that saw all of them came later.
    pub(crate) let_go: BTreeSet<EvidenceId>,
    /// Machines that were met from outside.
    pub(crate) sightings: Vec<Met>,
    /// What devices say of themselves.
    pub(crate) devices: Vec<Spoken>,
    pub(crate) holdings: Vec<Holding>,
    pub(crate) directory: Vec<DirectoryRow>,
    pub(crate) uses: Vec<Sighted<CertificateUse>>,
    /// What machines called themselves to whoever asked over the network, and what tells so.
    pub(crate) called: BTreeMap<(SiteId, IpAddr), BTreeSet<(String, EvidenceId)>>,
    /// Knocks at the addresses of machines that are gone which mean no service.
    pub(crate) knocks: Vec<Knocked>,
    /// Machines that answered over the network, and what tells so.
    pub(crate) met: BTreeSet<(SiteId, IpAddr, EvidenceId)>,
}

impl Gathered {
    /// Takes one piece of evidence, and copies of it what is about entities.
    pub(crate) fn take(&mut self, evidence: &Evidence) {
        let Evidence {
            id,
            site,
            vantage,
            fact,
            seen,
            ..
        } = evidence;
        match fact {
            Fact::Connection(connection) => {
                self.mention(site, vantage, Peer::Address(connection.remote), *seen)
            }
            Fact::LoggedUse(used) => self.mention(site, vantage, Peer::Address(used.peer), *seen),
            Fact::LoggedSearch(search) => {
                self.mention(site, vantage, Peer::Address(search.peer), *seen)
            }
            Fact::ReportedUse(used) | Fact::TableUse(used) => {
                for peer in [&used.consumer, &used.provider] {
                    self.mention(site, vantage, peer.clone(), *seen);
                }
            }
            Fact::PacketUse(used) => {
                self.carried(evidence);
                for peer in [&used.consumer, &used.provider] {
                    self.mention(site, vantage, peer.clone(), *seen);
                }
            }
            Fact::Sighting(sighting) => {
                self.carried(evidence);
                self.touch(site, vantage, *seen);
                self.sightings.push(Met {
                    site: site.clone(),
                    sighting: sighting.clone(),
                    evidence: id.clone(),
                    seen: *seen,
                    current: evidence.state == EvidenceState::Current,
                });
            }
            Fact::MailReader(reader) => {
                let peers = std::iter::once(&reader.consumer).chain(&reader.provider);
                for peer in peers {
                    self.mention(site, vantage, peer.clone(), *seen);
                }
            }
            Fact::MailUse(used) => self.mention(site, vantage, Peer::Address(used.peer), *seen),
            Fact::Reference(reference) => {
                self.note(site, vantage, reference.peer.clone(), *seen);
                if let Peer::Name(name) = &reference.peer
                    && !name.is_qualified()
                {
                    let key = (vantage.clone(), name.clone());
                    let files = self.written_in.entry(key).or_default();
                    files.insert(reference.file.clone());
                }
                if reference.weak && reference.rule.starts_with(MENTION_RULE) {
                    let seat = self.seat(site, vantage.clone(), *seen);
                    seat.attributes.mentions.push(mention_of(reference));
                }
            }
            Fact::Name(answer) => self
                .answers
                .entry((vantage.clone(), answer.asked.clone()))
                .or_default()
                .push((answer.clone(), id.clone())),
            Fact::Neighbour(neighbour) => {
                let (at, told) = (
                    neighbour.address.to_canonical(),
                    (Newness::of(evidence), neighbour.mac.clone()),
                );
                if addresses::is_of_link(&at) {
                    keep_newest(&mut self.on_link, (vantage.clone(), at), told);
                } else {
                    keep_newest(&mut self.neighbours, (site.clone(), at), told);
                }
            }
            Fact::HostMet(met) => {
                let at = met.address.to_canonical();
                self.mention(site, vantage, Peer::Address(at), *seen);
                self.met.insert((site.clone(), at, id.clone()));
                if let Some(mac) = &met.mac {
                    let told = (Newness::of(evidence), mac.clone());
                    keep_newest(&mut self.neighbours, (site.clone(), at), told);
                }
            }
            Fact::SeenService(seen_service) => {
                let at = seen_service.address.to_canonical();
                self.mention(site, vantage, Peer::Address(at), *seen);
                // `localhost.localdomain` is what a machine calls itself that nobody gave a name.
                let names = seen_service.answer.names.iter();
                // A proxy hands the challenge of whoever stands behind it on: what a page names may be another machine.
                let names = names
                    .filter(|_| seen_service.answer.protocol != "http")
                    .filter(|name| HostName::parse(name).is_some_and(|name| !name.is_loopback()))
                    .cloned();
                let named = self.called.entry((site.clone(), at)).or_default();
                named.extend(names.map(|name| (name, id.clone())));
            }
            Fact::DeviceSays(device) if device.by == DeviceWitness::Panel => {
                self.take_list(site, vantage, list_of(evidence), *seen);
                self.listed(vantage, [&Peer::Address(device.address)], *seen);
            }
            Fact::DeviceSays(device) => {
                let at = device.address.to_canonical();
                self.mention(site, vantage, Peer::Address(at), *seen);
                self.devices.push(Spoken {
                    site: site.clone(),
                    says: device.clone(),
                    evidence: id.clone(),
                    new: Newness::of(evidence),
                    current: evidence.state == EvidenceState::Current,
                });
            }
            Fact::SentinelPost(post) => self.stand(site, vantage, post, evidence),
            Fact::Knock(knock) => self.knock(knock, evidence),
            // A switch tells of every address that ever spoke: it makes no machine known.
            Fact::LinkSeen(_) => self.touch(site, vantage, *seen),
            Fact::OpenPort(open) => self.mention(site, vantage, Peer::Address(open.address), *seen),
            Fact::Certificate(sighting) => self.take_certificate(evidence, sighting),
            Fact::CertificateUse(used) => {
                self.touch(site, vantage, *seen);
                self.uses.push(Sighted::of(evidence, used));
            }
            Fact::Declared(row) => self.declared.push(DeclaredRow {
                site: site.clone(),
                vantage: vantage.clone(),
                row: row.clone(),
                evidence: id.clone(),
                seen: *seen,
            }),
            Fact::MailboxTie(tie) if tie.at.is_some() => self.touch(site, vantage, *seen),
            Fact::MailboxTie(tie) => self.take_list(site, vantage, &tie.list, *seen),
            Fact::RelyingParty(party) => {
                let peers = party.places.iter().chain(&party.provider);
                match party.file {
                    Some(_) => {
                        self.touch(site, vantage, *seen);
                        peers.for_each(|peer| self.mention(site, vantage, peer.clone(), *seen));
                    }
                    None => {
                        self.take_list(site, vantage, &party.list, *seen);
                        self.listed(vantage, peers, *seen);
                    }
                }
            }
            Fact::Archive(_) | Fact::Database(_) | Fact::Share(_) => {
                self.touch(site, vantage, *seen);
                self.holdings.push(Holding {
                    site: site.clone(),
                    vantage: vantage.clone(),
                    scope: evidence.scope.clone(),
                    fact: fact.clone(),
                    evidence: id.clone(),
                    seen: *seen,
                });
            }
            Fact::BackupJob(job) => {
                self.touch(site, vantage, *seen);
                for peer in job.peer.iter().chain(&job.of) {
                    self.mention(site, vantage, peer.clone(), *seen);
                }
            }
            Fact::Watch(watch) => match &watch.peer {
                Some(peer) => self.mention(site, vantage, peer.clone(), *seen),
                None => self.touch(site, vantage, *seen),
            },
            Fact::Admission(admission) => match &admission.peer {
                Some(peer) => self.mention(site, vantage, peer.clone(), *seen),
                None => self.touch(site, vantage, *seen),
            },
            Fact::MailRecord(record) => {
                self.touch(site, vantage, *seen);
                for peer in &record.peers {
                    self.mention(site, vantage, peer.clone(), *seen);
                }
            }
            Fact::MailRoute(route) => match route.next_hop() {
                Some((peer, _)) => self.mention(site, vantage, peer.clone(), *seen),
                None => self.touch(site, vantage, *seen),
            },
            Fact::DirectoryNeed(need)
                if matches!(need.reason, NeedReason::SignIn | NeedReason::Panel) =>
            {
                self.take_list(site, vantage, list_of(evidence), *seen);
                self.listed(vantage, [&need.consumer, &need.provider], *seen);
            }
            Fact::DirectoryNeed(need) => {
                // What a router tells may be all that a capture has.
                if need.reason == NeedReason::HandedOut {
                    self.carried(evidence);
                }
                for peer in [&need.consumer, &need.provider] {
                    self.mention(site, vantage, peer.clone(), *seen);
                }
            }
            Fact::DirectoryObject(object) => {
                self.touch(site, vantage, *seen);
                if let Some(host) = &object.host {
                    self.mention(site, vantage, host.clone(), *seen);
                }
                self.directory.push(DirectoryRow {
                    site: site.clone(),
                    vantage: vantage.clone(),
                    object: object.clone(),
                    evidence: id.clone(),
                    seen: *seen,
                });
            }
            Fact::Guest(guest) => {
                self.on_platform(evidence, &guest.platform, std::iter::empty());
                self.platforms
                    .guests
                    .push(OnPlatform::of(evidence, &**guest));
            }
            Fact::Hypervisor(host) => {
                let peers = host.dns_servers.iter().chain(&host.ntp_servers);
                self.on_platform(evidence, &host.platform, peers);
                let told = OnPlatform::of(evidence, &**host);
                self.platforms.hypervisors.push(told);
            }
            Fact::Cluster(cluster) => {
                self.on_platform(evidence, &cluster.platform, std::iter::empty());
                let told = OnPlatform::of(evidence, &**cluster);
                self.platforms.clusters.push(told);
            }
            Fact::Datastore(datastore) => {
                self.on_platform(evidence, &datastore.platform, datastore.server.iter());
                let told = OnPlatform::of(evidence, &**datastore);
                self.platforms.datastores.push(told);
            }
            Fact::Measurement(number) if vantage.is_list() => {
                self.touch(site, vantage, *seen);
                let of = (site.clone(), number.subject.to_string());
                self.platforms.listed_numbers.insert((id.clone(), of));
            }
            // A zone names ten thousand machines that nobody may have any more: it makes none known.
            Fact::Listener(_)
            | Fact::Measurement(_)
            | Fact::Access(_)
            | Fact::ZoneRecord(_)
            | Fact::AskedName(_)
            | Fact::Unknown(_) => self.touch(site, vantage, *seen),
            own => {
                if let Fact::Interface(link) = own {
                    self.hold(site, vantage, link, evidence);
                }
                self.take_own(evidence, own);
            }
        }
    }

    /// What a platform tells of others is no part of the machine that asked it; an export of it stands at no machine at all, and
    /// whom it names is known when it is known how much of it holds.
    fn on_platform<'p>(
        &mut self,
        evidence: &Evidence,
        platform: &Platform,
        peers: impl IntoIterator<Item = &'p Peer>,
    ) {
        let (site, vantage, seen) = (&evidence.site, &evidence.vantage, evidence.seen);
        if vantage.is_list() {
            self.carried(evidence);
            return;
        }
        self.platforms.looks.met(evidence, platform);
        self.touch(site, vantage, seen);
        for peer in peers {
            self.mention(site, vantage, peer.clone(), seen);
        }
    }

    /// What somebody carried here (a capture, a scan of another tool) has a name, and no machine stands at its vantage.
    fn carried(&mut self, evidence: &Evidence) {
        if evidence.vantage.is_list() {
            let scope = evidence.scope.as_str();
            let name = scope.split_once(':').map_or(scope, |(_, name)| name);
            let name = groma_model::path::file_name(name).to_owned();
            self.take_list(&evidence.site, &evidence.vantage, &name, evidence.seen);
        }
    }

    fn take_list(&mut self, site: &SiteId, vantage: &AgentId, list: &str, seen: Seen) {
        let known = self.lists.entry(vantage.clone());
        let (_, _, at) = known.or_insert_with(|| (site.clone(), list.to_owned(), seen));
        *at = at.joined(seen);
    }

    /// Machines a list names. Nobody looked from there, so the list has no seat.
    fn listed<'p>(
        &mut self,
        vantage: &AgentId,
        peers: impl IntoIterator<Item = &'p Peer>,
        seen: Seen,
    ) {
        for peer in peers {
            let key = (vantage.clone(), peer.clone());
            let slot = self.mentioned.entry(key).or_insert(seen);
            *slot = slot.joined(seen);
        }
    }

    fn mention(&mut self, site: &SiteId, vantage: &AgentId, peer: Peer, seen: Seen) {
        if let Peer::Name(name) = &peer
            && !name.is_qualified()
        {
            let key = (vantage.clone(), name.clone());
            self.met_elsewhere.insert(key);
        }
        self.note(site, vantage, peer, seen);
    }

    fn note(&mut self, site: &SiteId, vantage: &AgentId, peer: Peer, seen: Seen) {
        self.touch(site, vantage, seen);
        let slot = self
            .mentioned
            .entry((vantage.clone(), peer))
            .or_insert(seen);
        *slot = slot.joined(seen);
    }

    /// A seat for whoever looked. What was seen says when; a look that saw nothing says it itself.
    pub(crate) fn looked(&mut self, site: &SiteId, vantage: &AgentId, seen: Seen) {
        let seat = self.seat(site, vantage.clone(), seen);
        seat.looked_until = seat.looked_until.max(Some(seen.last));
    }

    fn hold(&mut self, site: &SiteId, vantage: &AgentId, link: &Interface, evidence: &Evidence) {
        let seen = evidence.seen;
        let now = Held {
            first: seen.first,
            last: seen.last,
            current: evidence.state == EvidenceState::Current,
        };
        let seat = self.seat(site, vantage.clone(), seen);
        for address in addresses::of_link(link) {
            let held = seat.held.entry(address).or_insert(now);
            held.first = held.first.min(now.first);
            held.last = held.last.max(now.last);
            held.current |= now.current;
        }
    }

    /// A machine listens at the address of another one that is gone: it is not that one.
    fn stand(
        &mut self,
        site: &SiteId,
        vantage: &AgentId,
        post: &SentinelPost,
        evidence: &Evidence,
    ) {
        let seen = evidence.seen;
        self.mention(site, vantage, Peer::Address(post.address), seen);
        let seat = self.seat(site, vantage.clone(), seen);
        seat.evidence.push(evidence.id.clone());
        let address = post.address.to_canonical();
        let entry = PostEntry {
            post: post.clone(),
            since: seen.first,
            until: seen.last,
        };
        seat.take_post(address, entry);
    }

    fn knock(&mut self, knock: &Knock, evidence: &Evidence) {
        let Evidence {
            id,
            site,
            vantage,
            seen,
            ..
        } = evidence;
        for end in [knock.at, knock.by] {
            self.mention(site, vantage, Peer::Address(end), *seen);
        }
        if !matches!(knock.way, KnockWay::Port { .. }) {
            self.knocks.push(Knocked {
                site: site.clone(),
                vantage: vantage.clone(),
                knock: knock.clone(),
                evidence: id.clone(),
                seen: *seen,
            });
        }
    }

    fn touch(&mut self, site: &SiteId, vantage: &AgentId, seen: Seen) {
        let seat = self.seat(site, vantage.clone(), seen);
        seat.seen = seat.seen.joined(seen);
    }

    fn seat(&mut self, site: &SiteId, vantage: AgentId, seen: Seen) -> &mut Seat {
        self.seats.entry(vantage).or_insert_with(|| Seat {
            site: site.clone(),
            identity: None,
            attributes: Attributes::default(),
            evidence: Vec::new(),
            seen,
            looked_until: None,
            held: BTreeMap::new(),
            posts: BTreeMap::new(),
            told: Told::default(),
            entity: None,
        })
    }

    fn take_own(&mut self, evidence: &Evidence, fact: &Fact) {
        let (site, vantage, seen) = (&evidence.site, &evidence.vantage, evidence.seen);
        if let Fact::FileSystem(mount) = fact
            && let Some(remote) = &mount.remote
        {
            self.mention(site, vantage, remote.peer.clone(), seen);
        }
        if let Fact::Identity(identity) = fact
            && let Some(host) = &identity.carried_by
        {
            self.mention(site, vantage, Peer::Name(host.clone()), seen);
        }
        if let Fact::Forward(forward) = fact {
            for peer in peers_of(forward) {
                self.mention(site, vantage, peer.clone(), seen);
            }
        }
        let seat = self.seat(site, vantage.clone(), seen);
        seat.seen = seat.seen.joined(seen);
        let cited = !matches!(
            fact,
            Fact::Package(_)
                | Fact::Unit(_)
                | Fact::Job(_)
                | Fact::Route(_)
                | Fact::Forward(_)
                | Fact::FilterRule(_)
                | Fact::ProtocolSetting(_)
        );
        if cited {
            seat.evidence.push(evidence.id.clone());
        }
        let told = &mut seat.told;
        let new = || Newness::of(evidence);
        let a = &mut seat.attributes;
        match fact.clone() {
            Fact::Identity(identity) if new().leads(&mut told.identity) => {
                seat.identity = Some(identity);
            }
            Fact::OperatingSystem(os) if new().leads(&mut told.operating_system) => {
                a.operating_system = Some(os);
            }
            Fact::Hardware(hardware) if new().leads(&mut told.hardware) => {
                a.hardware = Some(hardware);
            }
            Fact::FileSystem(mount) => a.file_systems.push(mount),
            Fact::Interface(interface) => a.interfaces.push(interface),
            Fact::Route(route) => a.routes.push(route),
            Fact::Account(account) if account.can_log_in => a.accounts.push(account),
            Fact::Package(package) => {
                told.take_package(&mut a.packages, package, &new());
            }
            Fact::Unit(unit) if unit.enabled => a.units.push(unit),
            Fact::Job(job) => a.jobs.push(job.into()),
            Fact::Pin(pin) => a.pins.push(PinEntry {
                pin,
                certificates: Vec::new(),
                evidence: evidence.id.clone(),
            }),
            Fact::Container(container) => a.containers.push(container),
            Fact::Forward(forward) => a.forwards.push(forward),
            Fact::FilterRule(rule) => a.filter_rules.push(rule),
            Fact::ProtocolSetting(setting) => a.protocol_settings.push(setting),
            Fact::Attachment(device) => a.attachments.push(device),
            _ => {}
        }
    }

    fn take_certificate(&mut self, evidence: &Evidence, sighting: &CertificateSighting) {
        let (site, vantage, seen) = (&evidence.site, &evidence.vantage, evidence.seen);
        for host in &sighting.certificate.status_hosts {
            self.mention(site, vantage, host.clone(), seen);
        }
        let draft = self
            .certificates
            .entry(sighting.certificate.sha256.clone())
            .or_insert_with(|| CertificateDraft {
                site: site.clone(),
                sightings: Vec::new(),
                seen,
            });
        draft.seen = draft.seen.joined(seen);
        draft.sightings.push(Sighted::of(evidence, sighting));
    }

    /// True if `address` is one of the organisation: private, in a network a watched machine of the site is on, or met on
    /// a link. A prefix too short for a link (/7, or /47 of IPv6) says nothing.
    pub(crate) fn is_inside(&self, site: &SiteId, address: &IpAddr) -> bool {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let on_link = |networks: &BTreeSet<(u8, IpAddr)>| {
            let mut lengths = shortest(address)..=longest;
            lengths
                .any(|length| networks.contains(&(length, addresses::network_of(address, length))))
        };
        is_private(address)
            || self.neighbours.contains_key(&(site.clone(), *address))
            || self.inside.get(site).is_some_and(on_link)
    }

    fn settle_inside(&mut self) {
        for seat in self.seats.values() {
            let public = addresses::shared_networks(seat)
                .filter(|(address, length)| !is_private(address) && *length >= shortest(address));
            let networks =
                public.map(|(address, length)| (length, addresses::network_of(&address, length)));
            let mut networks = networks.peekable();
            if networks.peek().is_some() {
                let known = self.inside.entry(seat.site.clone()).or_default();
                known.extend(networks);
            }
        }
    }

    /// Puts everything in an order that does not depend on how it arrived.
    pub(crate) fn settle(&mut self) {
        self.settle_inside();
        for seat in self.seats.values_mut() {
            settle_attributes(&mut seat.attributes);
            seat.evidence.sort();
            seat.evidence.dedup();
        }
        for answers in self.answers.values_mut() {
            answers.sort_by(|a, b| a.1.cmp(&b.1));
            answers.dedup_by(|a, b| a.1 == b.1);
        }
        for draft in self.certificates.values_mut() {
            draft.sightings.sort_by(|a, b| a.evidence.cmp(&b.evidence));
            draft.sightings.dedup_by(|a, b| a.evidence == b.evidence);
        }
        self.declared.sort_by(|a, b| a.evidence.cmp(&b.evidence));
        self.declared.dedup_by(|a, b| a.evidence == b.evidence);
        self.directory.sort_by(|a, b| a.evidence.cmp(&b.evidence));
        self.directory.dedup_by(|a, b| a.evidence == b.evidence);
        self.devices
            .sort_by(|a, b| (&a.new, &a.evidence).cmp(&(&b.new, &b.evidence)));
        self.devices.dedup_by(|a, b| a.evidence == b.evidence);
        settle_told(&mut self.platforms.guests);
        settle_told(&mut self.platforms.hypervisors);
        settle_told(&mut self.platforms.clusters);
        settle_told(&mut self.platforms.datastores);
        self.let_go = let_go(&mut self.platforms);
        let peers = self.platforms.listed_peers();
        let peers: Vec<(AgentId, Peer, Seen)> = peers
            .map(|(vantage, peer, seen)| (vantage.clone(), peer.clone(), seen))
            .collect();
        for (vantage, peer, seen) in peers {
            self.listed(&vantage, [&peer], seen);
        }
        // The newest last: what is said twice of one place, counts as it was said last.
        self.holdings
            .sort_by(|a, b| (a.seen.last, &a.evidence).cmp(&(b.seen.last, &b.evidence)));
        self.holdings.dedup_by(|a, b| a.evidence == b.evidence);
    }
}

fn settle_told<T>(told: &mut Vec<OnPlatform<T>>) {
    told.sort_by(|a, b| a.evidence.cmp(&b.evidence));
    told.dedup_by(|a, b| a.evidence == b.evidence);
}

fn keep_newest<K: Ord>(known: &mut BTreeMap<K, (Newness, String)>, at: K, told: (Newness, String)) {
    let slot = known.entry(at).or_insert_with(|| told.clone());
    if *slot < told {
        *slot = told;
    }
}

/// The shortest prefix that is one link.
fn shortest(address: &IpAddr) -> u8 {
    if address.is_ipv4() { 8 } else { 48 }
}

fn settle_attributes(a: &mut Attributes) {
    a.file_systems
        .sort_by(|x, y| (&x.mount_point, &x.device).cmp(&(&y.mount_point, &y.device)));
    a.file_systems.dedup();
    a.interfaces
        .sort_by(|x, y| (&x.name, &x.kind, &x.addresses).cmp(&(&y.name, &y.kind, &y.addresses)));
    a.interfaces.dedup();
    a.routes.sort_by(|x, y| {
        (&x.destination, &x.gateway, &x.interface).cmp(&(&y.destination, &y.gateway, &y.interface))
    });
    a.routes.dedup();
    a.accounts.sort_by(|x, y| x.name.cmp(&y.name));
    a.accounts.dedup();
    a.units
        .sort_by(|x, y| (&x.name, &x.file).cmp(&(&y.name, &y.file)));
    a.units.dedup();
    a.jobs.sort_by(|x, y| {
        (&x.job.name, &x.job.file, &x.job.schedule).cmp(&(
            &y.job.name,
            &y.job.file,
            &y.job.schedule,
        ))
    });
    a.jobs.dedup();
    a.pins.sort();
    a.pins.dedup();
    a.containers.sort_by(|x, y| x.id.cmp(&y.id));
    a.containers.dedup();
    a.forwards.sort();
    a.forwards.dedup();
    a.mentions.sort();
    a.mentions.dedup();
    a.filter_rules.sort();
    a.filter_rules.dedup();
    a.protocol_settings.sort();
    a.protocol_settings.dedup();
    a.attachments.sort();
    a.attachments.dedup();
}

/// A place that names a system, as a search found it.
fn mention_of(reference: &Reference) -> Mention {
    Mention {
        file: reference.file.clone(),
        line: reference.line,
        key: reference.key.clone(),
        peer: reference.peer.clone(),
        component: reference.component.clone(),
    }
}

/// Everybody a forward hands on to, and the far end it does so from.
fn peers_of(forward: &Forward) -> impl Iterator<Item = &Peer> {
    let target = match &forward.sends_to {
        ForwardEnd::Endpoint { peer, .. } => Some(peer),
        _ => None,
    };
    target.into_iter().chain(&forward.via)
}

/// The name of the list that a fact stands in.
fn list_of(evidence: &Evidence) -> &str {
    let scope = evidence.scope.as_str();
    scope.split_once(':').map_or(scope, |(_, name)| name)
}
