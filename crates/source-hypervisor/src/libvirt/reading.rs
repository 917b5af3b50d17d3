//! One look at one daemon: host, pools, networks, guests. A part that fails is a gap of that part, and the others go on.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::name::HostName;
use groma_model::virtualization::{Guest, Power};
use groma_model::{CoverageState, Reason};
use groma_platform::libvirt::{Block, Document, Host, Installation, Unreadable, document};
use groma_source::{Sink, SinkExt};

use super::daemon::{Daemon, Named, Statistics, Teller, Value, Which, cause};
use super::part::Part;
use super::rpc::Failure;
use super::words::{in_use, power, shown, told_to};
use crate::cause::Cause;
use crate::look::Asking;

/// Guests whose numbers are asked for at once.
const TOGETHER: usize = 100;
/// Volumes of all pools that are read.
const VOLUMES_MAX: usize = 50_000;
/// Snapshots of all guests that are read.
const SNAPSHOTS_MAX: usize = 50_000;
/// Cards of the host, pools and networks that are read, of each.
const PLACES_MAX: usize = 1_000;

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
        snapshots_left: SNAPSHOTS_MAX,
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
    /// Snapshots that may still be read.
    snapshots_left: usize,
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
            let part = Part::of(&fact).scope(whole);
            self.sink.saw_now(window, &part, fact);
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

    /// The first `most` of `all`; a hole where there are more.
    fn first<T>(&mut self, part: Part, what: &str, mut all: Vec<T>, most: usize) -> Vec<T> {
        if all.len() > most {
            let what = format!("{what}: {} beyond the first {most}", all.len() - most);
            self.hole(part, Cause::new(what, Reason::TooLarge, ""));
            all.truncate(most);
        }
        all
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
        let cards = cards.unwrap_or_default();
        for card in self.first(part, "cards of the host", cards, PLACES_MAX) {
            let what = format!("card {}", shown(&card[0]));
            let answer = self.daemon.interface_xml(&card);
            if let Some(text) = self.heard(part, &what, answer)? {
                self.add(part, &what, &text);
            }
        }
        let answer = self.daemon.networks();
        let networks = self.heard_if_known(part, "networks", answer)?;
        let networks = networks.unwrap_or_default();
        for network in self.first(part, "networks", networks, PLACES_MAX) {
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
        let pools = pools.unwrap_or_default();
        for pool in self.first(part, "pools", pools, PLACES_MAX) {
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
        let guests = self.affordable(heard.unwrap_or_default());
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

    /// The guests that this look may tell of: what is read of others would be held for nothing.
    fn affordable(&mut self, mut all: Vec<Named>) -> Vec<Named> {
        let most = usize::try_from(self.asking.budget.observations_max).unwrap_or(usize::MAX);
        if all.len() > most {
            let what = format!("guests: {} beyond the first {most}", all.len() - most);
            let remedy = "raise observations_max";
            self.hole(
                Part::Guests,
                Cause::new(what, Reason::BudgetExhausted, remedy),
            );
            all.truncate(most);
        }
        all
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
        let names = self.first(part, what, names.unwrap_or_default(), self.snapshots_left);
        self.snapshots_left = self.snapshots_left.saturating_sub(names.len());
        for name in names {
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
        // Whoever answers may name more disks than the guest has.
        let Some(known) = self.whole.guests.get(&key) else {
            return;
        };
        let is_there = |name: &str| known.disks.iter().any(|disk| disk.name == name);
        names.retain(|_, name| is_there(name));
        for (place, name) in names {
            let size = sizes.get(place).copied().unwrap_or_default();
            self.whole
                .blocks
                .insert((key.clone(), name.to_owned()), size);
        }
    }
}
