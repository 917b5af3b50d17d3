//! One look at one daemon: host, pools, networks, guests. A part that fails is a gap of that part, and the others go on.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::name::HostName;
use groma_model::virtualization::{Guest, Power};
use groma_model::{CoverageState, Fact, Reason, Scope};
use groma_platform::libvirt::{
    Block, Document, Host, Installation, Unreadable, document, reaches_beyond_its_link,
};
use groma_platform::{mac_address, steady};
use groma_source::{Sink, SinkExt};

use super::daemon::{Daemon, Leased, Named, Statistics, Teller, Value, Which, cause};
use super::rpc::Failure;
use crate::cause::Cause;
use crate::look::Asking;

/// Guests whose numbers are asked for at once.
const TOGETHER: usize = 100;
/// Volumes of all pools that are read.
const VOLUMES_MAX: usize = 50_000;
/// Addresses of one card that are read.
const ADDRESSES_MAX: usize = 256;

/// What facts are about; each part is a scope of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Part {
    Host,
    Guests,
    Storage,
    Networks,
}

impl Part {
    const ALL: [Self; 4] = [Self::Host, Self::Guests, Self::Storage, Self::Networks];

    fn scope(self, whole: &Scope) -> Scope {
        let name = match self {
            Self::Host => "host",
            Self::Guests => "guests",
            Self::Storage => "storage",
            Self::Networks => "networks",
        };
        let (space, path) = whole.as_str().split_once(':').unwrap_or(("hypervisor", ""));
        Scope::new(space, &format!("{path}/{name}"))
    }

    /// The part a fact belongs to.
    fn of(fact: &Fact) -> Self {
        let metric = match fact {
            Fact::Guest(_) => return Self::Guests,
            Fact::Datastore(_) => return Self::Storage,
            Fact::Measurement(one) => one.metric.as_str(),
            _ => return Self::Host,
        };
        match metric.split('_').next() {
            Some("vm") => Self::Guests,
            Some("datastore") => Self::Storage,
            _ => Self::Host,
        }
    }
}

/// Reads all of one daemon.
///
/// # Errors
/// It was not reached, or let nobody in.
pub(crate) fn read(asking: &Asking<'_>, sink: &mut dyn Sink) -> Result<CoverageState, Cause> {
    let mut reading = Reading {
        daemon: Daemon::open(asking)?,
        asking,
        sink,
        whole: Installation::named(&asking.access.url),
        lists: BTreeMap::new(),
        holes: BTreeSet::new(),
    };
    let ended = reading.everything();
    Ok(reading.told(ended))
}

struct Reading<'a, 's> {
    daemon: Daemon<'a>,
    asking: &'a Asking<'a>,
    sink: &'s mut dyn Sink,
    whole: Installation,
    /// UUIDs of guests, by what they are; without what the driver does not list by.
    lists: BTreeMap<Which, BTreeSet<[u8; 16]>>,
    /// Parts that are not whole.
    holes: BTreeSet<Part>,
}

/// The conversation is over; the parts from here on are not whole.
struct Ended(Part, Cause);

impl Reading<'_, '_> {
    fn everything(&mut self) -> Result<(), Ended> {
        self.host()?;
        self.networks()?;
        self.storage()?;
        self.guests()
    }

    /// Tells what was read, closes every part, and says whether all of them are whole.
    fn told(mut self, ended: Result<(), Ended>) -> CoverageState {
        match ended {
            Ok(()) => self.daemon.close(),
            Err(Ended(part, cause)) => {
                let order = [Part::Host, Part::Networks, Part::Storage, Part::Guests];
                let after = order.into_iter().skip_while(|one| *one != part);
                self.holes.extend(after);
                self.sink.missed(cause.gap(&part.scope(self.asking.scope)));
            }
        }
        let (window, whole) = (self.asking.window, self.asking.scope);
        let read = self.whole.into_read();
        for line in read.untold {
            self.sink.missed_because(whole, line, Reason::TooLarge, "");
        }
        for fact in read.facts {
            let scope = Part::of(&fact).scope(whole);
            self.sink.saw_now(window, &scope, fact);
        }
        let state = |is_partial: bool| match is_partial {
            true => CoverageState::Partial,
            false => CoverageState::Complete,
        };
        for part in Part::ALL {
            let own = state(self.holes.contains(&part));
            self.sink.covered_now(window, &part.scope(whole), own);
        }
        state(!self.holes.is_empty())
    }

    /// An answer, or a gap of `part`; only the end of the conversation ends more than that.
    fn heard<T>(
        &mut self,
        part: Part,
        what: &str,
        answer: Result<T, Failure>,
    ) -> Result<Option<T>, Ended> {
        let failure = match answer {
            Ok(answer) => return Ok(Some(answer)),
            Err(failure) => failure,
        };
        let is_over = matches!(failure, Failure::Over(_));
        let cause = cause(failure, what);
        match is_over {
            true => Err(Ended(part, cause)),
            false => {
                self.hole(part, cause);
                Ok(None)
            }
        }
    }

    /// The same, where a driver that has no such thing leaves no hole.
    fn heard_if_known<T>(
        &mut self,
        part: Part,
        what: &str,
        answer: Result<T, Failure>,
    ) -> Result<Option<T>, Ended> {
        match answer {
            Err(Failure::Said {
                code: 3 | 8 | 67 | 74 | 84,
                ..
            }) => Ok(None),
            other => self.heard(part, what, other),
        }
    }

    fn hole(&mut self, part: Part, cause: Cause) {
        self.holes.insert(part);
        self.sink.missed(cause.gap(&part.scope(self.asking.scope)));
    }

    fn adds(&mut self, part: Part, what: &str, text: &str) -> Option<Document> {
        let unfit =
            |error: Unreadable| Cause::new(format!("{what}: {error}"), Reason::Malformed, "");
        match document(text.as_bytes()) {
            Ok(read) => read,
            Err(error) => {
                self.hole(part, unfit(error));
                None
            }
        }
    }

    fn add(&mut self, part: Part, what: &str, text: &str) {
        if let Some(read) = self.adds(part, what, text) {
            self.whole.add(read);
        }
    }

    fn host(&mut self) -> Result<(), Ended> {
        let part = Part::Host;
        let answer = self.daemon.capabilities();
        if let Some(text) = self.heard(part, "capabilities of the host", answer)? {
            self.add(part, "capabilities of the host", &text);
        }
        let answer = self.daemon.host_name();
        let name = self.heard(part, "name of the host", answer)?;
        let answer = self.daemon.product();
        let product = self.heard(part, "version of the hypervisor", answer)?;
        let answer = self.daemon.node();
        let node = self.heard_if_known(part, "memory of the host", answer)?;
        let answer = self.daemon.node_memory();
        let memory = self.heard_if_known(part, "memory in use", answer)?;
        let host = &mut self.whole.host;
        *host = Host {
            name,
            product,
            memory_bytes: host
                .memory_bytes
                .or(node.and_then(|kib| kib.checked_mul(1024))),
            memory_used_bytes: memory.as_deref().and_then(in_use),
            ..host.clone()
        };
        // A machine without SMBIOS, and a driver that cannot read it, are as usual as one with it.
        let answer = self.daemon.machine();
        if let Some(text) = self.heard_if_known(part, "hardware of the host", answer)? {
            self.add(part, "hardware of the host", &text);
        }
        Ok(())
    }

    fn networks(&mut self) -> Result<(), Ended> {
        let part = Part::Networks;
        let answer = self.daemon.interfaces();
        let cards = self.heard_if_known(part, "cards of the host", answer)?;
        for card in cards.unwrap_or_default() {
            let what = format!("card {}", shown(&card[0]));
            let answer = self.daemon.interface_xml(&card);
            if let Some(text) = self.heard(part, &what, answer)? {
                self.add(part, &what, &text);
            }
        }
        let answer = self.daemon.networks();
        let networks = self.heard_if_known(part, "networks", answer)?;
        for network in networks.unwrap_or_default() {
            let what = format!("network {}", shown(&network.name));
            let answer = self.daemon.network_xml(&network);
            if let Some(text) = self.heard(part, &what, answer)? {
                self.add(part, &what, &text);
            }
        }
        Ok(())
    }

    fn storage(&mut self) -> Result<(), Ended> {
        let part = Part::Storage;
        let answer = self.daemon.pools();
        let pools = self.heard_if_known(part, "pools", answer)?;
        let mut left = VOLUMES_MAX;
        for pool in pools.unwrap_or_default() {
            let what = format!("pool {}", shown(&pool.name));
            let answer = self.daemon.pool_xml(&pool);
            let Some(text) = self.heard(part, &what, answer)? else {
                continue;
            };
            let Some(Document::Pool(read)) = self.adds(part, &what, &text) else {
                continue;
            };
            let (key, is_active) = (read.datastore.key.clone(), read.free_bytes.is_some());
            self.whole.add(Document::Pool(read));
            if is_active {
                self.volumes(&pool, &key, &mut left)?;
            }
        }
        Ok(())
    }

    fn volumes(&mut self, pool: &Named, key: &str, left: &mut usize) -> Result<(), Ended> {
        let part = Part::Storage;
        let what = format!("volumes of pool {}", shown(&pool.name));
        let answer = self.daemon.volumes(pool);
        for volume in self.heard(part, &what, answer)?.unwrap_or_default() {
            let Some(rest) = left.checked_sub(1) else {
                let cause = Cause::new(
                    format!("{what}: more than {VOLUMES_MAX} of all pools"),
                    Reason::TooLarge,
                    "",
                );
                self.hole(part, cause);
                return Ok(());
            };
            *left = rest;
            let what = format!("volume {}", shown(&volume[1]));
            let answer = self.daemon.volume_xml(&volume);
            let Some(text) = self.heard(part, &what, answer)? else {
                continue;
            };
            if let Some(Document::Volume(mut read)) = self.adds(part, &what, &text) {
                read.pool = Some(key.to_owned());
                self.whole.add(Document::Volume(read));
            }
        }
        Ok(())
    }

    fn guests(&mut self) -> Result<(), Ended> {
        let answer = self.daemon.guests(Which::All);
        let heard = self.heard(Part::Guests, "guests", answer)?;
        let guests = heard.unwrap_or_default();
        for which in Which::SOME {
            let answer = self.daemon.guests(which);
            if let Some(some) = self.heard_if_known(Part::Guests, "guests", answer)? {
                let uuids = some.iter().map(|guest| guest.uuid).collect();
                self.lists.insert(which, uuids);
            }
        }
        for guest in &guests {
            self.guest(guest)?;
        }
        for some in guests.chunks(TOGETHER) {
            let answer = self.daemon.statistics(some);
            let told = self.heard_if_known(Part::Guests, "sizes of disks", answer)?;
            for (guest, numbers) in told.unwrap_or_default() {
                self.blocks(&guest, &numbers);
            }
        }
        Ok(())
    }

    fn guest(&mut self, one: &Named) -> Result<(), Ended> {
        let part = Part::Guests;
        let what = format!("guest {}", shown(&one.name));
        let answer = self.daemon.guest_xml(one);
        let Some(text) = self.heard(part, &what, answer)? else {
            return Ok(());
        };
        let Some(Document::Guest(mut guest)) = self.adds(part, &what, &text) else {
            return Ok(());
        };
        guest.power = match self.listed_power(one) {
            Some(power) => Some(power),
            None => {
                let answer = self.daemon.state(one);
                self.heard(part, &what, answer)?.and_then(power)
            }
        };
        guest.starts_with_host = self.is(Which::StartsWithHost, one);
        if guest.power == Some(Power::On) {
            self.addresses(one, &what, &mut guest)?;
        }
        self.whole.add(Document::Guest(guest));
        match self.is(Which::WithSnapshots, one) {
            Some(false) => Ok(()),
            _ => self.snapshots(one, &what),
        }
    }

    /// Whether a guest is on a list; `None` without that list.
    fn is(&self, which: Which, one: &Named) -> Option<bool> {
        self.lists.get(&which).map(|list| list.contains(&one.uuid))
    }

    /// By the lists; `None` for what none of them has, as a guest that crashed.
    fn listed_power(&self, one: &Named) -> Option<Power> {
        let is = |which| self.is(which, one) == Some(true);
        match () {
            () if is(Which::Running) => Some(Power::On),
            () if is(Which::Paused) || is(Which::Saved) => Some(Power::Suspended),
            () if is(Which::Off) => Some(Power::Off),
            () => None,
        }
    }

    fn addresses(&mut self, one: &Named, what: &str, guest: &mut Guest) -> Result<(), Ended> {
        let part = Part::Guests;
        let answer = self.daemon.addresses(one, Teller::Leases);
        let leases = self.heard_if_known(part, what, answer)?;
        told_to(guest, leases.unwrap_or_default(), Teller::Leases);
        if !self.asking.access.ask_guests || guest.tools.is_none() {
            return Ok(());
        }
        let answer = self.daemon.addresses(one, Teller::Guest);
        if let Some(told) = self.heard_if_known(part, &format!("{what}: its helper"), answer)? {
            told_to(guest, told, Teller::Guest);
            let answer = self.daemon.guest_name(one);
            let name = self.heard_if_known(part, &format!("{what}: its helper"), answer)?;
            guest.host_name = name.as_deref().and_then(HostName::parse);
        }
        Ok(())
    }

    fn snapshots(&mut self, one: &Named, what: &str) -> Result<(), Ended> {
        let part = Part::Guests;
        let answer = self.daemon.snapshots(one);
        let names = self.heard_if_known(part, what, answer)?;
        for name in names.unwrap_or_default() {
            let what = format!("{what}, snapshot {}", shown(&name));
            let answer = self.daemon.snapshot_xml(one, &name);
            let Some(text) = self.heard(part, &what, answer)? else {
                continue;
            };
            let Some(Document::Snapshot(key, mut snapshot)) = self.adds(part, &what, &text) else {
                continue;
            };
            let answer = self.daemon.is_current(one, &name);
            snapshot.current = self.heard_if_known(part, &what, answer)?.unwrap_or(false);
            self.whole.add(Document::Snapshot(key, snapshot));
        }
        Ok(())
    }

    fn blocks(&mut self, guest: &Named, numbers: &Statistics) {
        let key = groma_platform::uuid(&groma_model::foreign::hex(&guest.uuid));
        let Some(key) = key else { return };
        let mut names: BTreeMap<&str, &str> = BTreeMap::new();
        let mut sizes: BTreeMap<&str, Block> = BTreeMap::new();
        for (name, value) in numbers {
            let Some((place, what)) = name
                .strip_prefix("block.")
                .and_then(|rest| rest.split_once('.'))
            else {
                continue;
            };
            let size = sizes.entry(place).or_default();
            match (what, value) {
                ("name", Value::Text(name)) => {
                    names.insert(place, name);
                }
                ("capacity", Value::Number(bytes)) => size.capacity_bytes = Some(*bytes),
                ("allocation", Value::Number(bytes)) => size.allocation_bytes = Some(*bytes),
                ("physical", Value::Number(bytes)) => size.physical_bytes = Some(*bytes),
                _ => {}
            }
        }
        for (place, name) in names {
            let size = sizes.get(place).copied().unwrap_or_default();
            self.whole
                .blocks
                .insert((key.clone(), name.to_owned()), size);
        }
    }
}

/// What is neither free nor given back when it is needed.
fn in_use(memory: &[(String, u64)]) -> Option<u64> {
    let of = |name: &str| {
        memory
            .iter()
            .find(|(told, _)| told == name)
            .map(|(_, kib)| *kib)
    };
    let given_back = of("buffers")
        .unwrap_or(0)
        .saturating_add(of("cached").unwrap_or(0));
    let used = of("total")?
        .saturating_sub(of("free")?)
        .saturating_sub(given_back);
    used.checked_mul(1024)
}

/// libvirt's numbers for states: a guest that was saved stands still, whatever else it is called.
fn power((state, reason): (i32, i32)) -> Option<Power> {
    const SAVED: i32 = 5;
    match (state, reason) {
        (1 | 2 | 4, _) => Some(Power::On),
        (3 | 7, _) | (5, SAVED) => Some(Power::Suspended),
        (5 | 6, _) => Some(Power::Off),
        _ => None,
    }
}

/// Puts addresses to the card they were told of. A lease lasts; what the helper tells may be another address tomorrow.
fn told_to(guest: &mut Guest, told: Vec<Leased>, by: Teller) {
    for one in told {
        let mac = one.mac.as_deref().and_then(mac_address);
        let mut nics = guest.nics.iter_mut();
        let Some(nic) = nics.find(|nic| nic.mac.is_some() && nic.mac == mac) else {
            continue;
        };
        let lasts = |address: &IpAddr, length: u32| {
            by == Teller::Leases || steady(&format!("{address}/{length}"), mac.as_deref())
        };
        let all = one.addresses.into_iter().take(ADDRESSES_MAX);
        let lasting = all.filter(|(address, length)| lasts(address, *length));
        let lasting = lasting.map(|(address, _)| address);
        nic.addresses
            .extend(lasting.filter(reaches_beyond_its_link));
        nic.addresses.sort();
        nic.addresses.dedup();
    }
}

/// A name that a stranger gave, for a person.
fn shown(name: &str) -> String {
    groma_model::visible::visible(name)
        .chars()
        .take(80)
        .collect()
}
