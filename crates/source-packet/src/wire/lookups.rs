//! Who looks for whom by a name of NetBIOS: whoever still does will not find a server that moves to another network, or that gets
//! another name, and no name server's log shows it.
//!
//! The question goes to everybody and the answer to who asked, so an ear at a third place hears the question alone. It is told where the
//! machine is known by that name, or where its files are looked for; a bare name to which nobody known answers may be anything
//! somebody typed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use groma_model::reported::NETBIOS_NAMES;
use groma_model::sighting::Sighting;
use groma_model::{HostName, Peer, Timestamp, Transport};

use super::{Wire, is_somebody, of_kind, row, tell};
use crate::frame::Datagram;
use crate::speech::{self, NetBios};

/// Questions that wait for their answer, and those that got none.
const OPEN_MAX: usize = 16_384;
/// How long a name that was found is kept (the habit of Windows).
const NAME_LASTS: Duration = Duration::from_secs(600);

/// Names nobody has that one machine may need; whoever looks for more goes through a list.
const UNHELD_MAX: usize = 16;

/// A question, or a wish for a name.
struct Lookup {
    first: Timestamp,
    last: Timestamp,
    /// Whom it looks for; none for a wish.
    name: Option<HostName>,
    for_files: bool,
    /// True if a server was asked, and not everybody.
    of_server: bool,
}

/// Everything that was looked for.
#[derive(Default)]
pub(super) struct Lookups {
    open: HashMap<(IpAddr, u16), Lookup>,
    /// Who looked for whom without an answer that was heard, for its files or not, and when first and last.
    unmet: BTreeMap<(IpAddr, HostName), (bool, Timestamp, Timestamp)>,
}

impl Lookups {
    fn unanswered(&mut self, client: IpAddr, lookup: Lookup) -> bool {
        let Some(name) = lookup.name else { return true };
        let key = (client, name);
        if self.unmet.len() >= OPEN_MAX && !self.unmet.contains_key(&key) {
            return false;
        }
        let known = self.unmet.entry(key);
        let (for_files, first, last) =
            known.or_insert((lookup.for_files, lookup.first, lookup.last));
        *for_files |= lookup.for_files;
        (*first, *last) = ((*first).min(lookup.first), (*last).max(lookup.last));
        true
    }
}

impl Wire {
    pub(super) fn netbios(&mut self, datagram: &Datagram<'_>) {
        let from = datagram.from.ip();
        let names = speech::netbios_names(datagram.content);
        // Whoever is outside calls itself as it likes.
        if !names.is_empty() && self.tally.is_ours(&Peer::Address(from)) {
            self.calls_itself(from, names, datagram.at);
        }
        match speech::netbios(datagram.content) {
            Some(NetBios::Asks {
                number,
                name,
                for_files,
                everybody,
            }) => self.looks(datagram, number, (name, for_files, !everybody)),
            Some(NetBios::Registers {
                number,
                everybody: false,
            }) => self.looks(datagram, number, (None, false, true)),
            Some(NetBios::Grants { number, addresses }) => {
                self.found(datagram, number, &addresses);
            }
            Some(NetBios::Refuses { number }) => self.found(datagram, number, &[]),
            _ => {}
        }
    }

    fn calls_itself(&mut self, address: IpAddr, names: Vec<HostName>, at: Timestamp) {
        let sighting = Sighting {
            by: "netbios".to_owned(),
            address: Some(address),
            names,
            ..Sighting::default()
        };
        self.tally.met(sighting, at);
    }

    fn looks(
        &mut self,
        datagram: &Datagram<'_>,
        number: u16,
        (name, for_files, of_server): (Option<HostName>, bool, bool),
    ) {
        let client = datagram.from.ip();
        if !self.tally.is_ours(&Peer::Address(client)) {
            return;
        }
        let key = (client, number);
        let known = self.lookups.open.get_mut(&key);
        if let Some(known) = known.filter(|known| known.name == name) {
            known.last = known.last.max(datagram.at);
            return;
        }
        // The number means another question by now.
        if let Some(before) = self.lookups.open.remove(&key) {
            self.unanswered(client, before);
        }
        if self.lookups.open.len() >= OPEN_MAX {
            self.settle_lookups();
        }
        let lookup = Lookup {
            first: datagram.at,
            last: datagram.at,
            name,
            for_files,
            of_server,
        };
        self.lookups.open.insert(key, lookup);
    }

    fn unanswered(&mut self, client: IpAddr, lookup: Lookup) {
        self.counts.unanswered += u64::from(lookup.of_server);
        if !self.lookups.unanswered(client, lookup) {
            self.tally.left_out += 1;
        }
    }

    fn settle_lookups(&mut self) {
        for ((client, _), lookup) in std::mem::take(&mut self.lookups.open) {
            self.unanswered(client, lookup);
        }
    }

    /// Somebody answers: who has the name, or a server that knows it, or knows that nobody has.
    fn found(&mut self, datagram: &Datagram<'_>, number: u16, addresses: &[IpAddr]) {
        let (client, says) = (datagram.to.ip(), datagram.from.ip());
        let Some(lookup) = self.lookups.open.remove(&(client, number)) else {
            return;
        };
        let span = (lookup.first, datagram.at.max(lookup.first));
        if lookup.of_server {
            let ends = (client, SocketAddr::new(says, 137), Transport::Udp);
            let told = of_kind("other", "NetBIOS name server");
            tell(&mut self.tally, None, told, ends, span);
        }
        let Some(name) = lookup.name else { return };
        let has_it = addresses.contains(&says);
        let Some(&machine) = addresses.iter().find(|a| !has_it || **a == says) else {
            return;
        };
        if !is_somebody(machine) || !self.tally.is_ours(&Peer::Address(machine)) {
            return;
        }
        if has_it {
            self.calls_itself(says, vec![name.clone()], datagram.at);
        }
        let until = datagram.at.plus(NAME_LASTS);
        self.names.asked(client, machine, name.clone(), until);
        self.by_name(client, Peer::Address(machine), name, span);
    }

    fn by_name(
        &mut self,
        client: IpAddr,
        machine: Peer,
        name: HostName,
        (first, last): (Timestamp, Timestamp),
    ) {
        let consumer = Peer::Address(client);
        if consumer == machine {
            return;
        }
        let mut used = row(consumer, machine, None, Transport::Udp);
        used.kind = "other".to_owned();
        used.product = NETBIOS_NAMES.to_owned();
        used.name = Some(name);
        self.tally.used(used, first, last);
    }

    /// Tells who looked for whom, where no answer was heard.
    pub(super) fn tell_lookups(&mut self) {
        self.settle_lookups();
        let unmet = std::mem::take(&mut self.lookups.unmet);
        let known = self.tally.by_first_label();
        let nobody = BTreeSet::new();
        let mut unheld: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for ((client, name), (for_files, ..)) in &unmet {
            let is_held = known.contains_key(name.as_str());
            *unheld.entry(*client).or_default() += usize::from(*for_files && !is_held);
        }
        for ((client, name), (for_files, first, last)) in unmet {
            let holders = known.get(name.as_str()).unwrap_or(&nobody);
            // Whoever goes through a list of names needs none of those that nobody has.
            let tries = unheld.get(&client).is_some_and(|n| *n > UNHELD_MAX);
            if holders.is_empty() && tries {
                continue;
            }
            let machine = match (holders.len(), holders.first()) {
                (1, Some(only)) => Peer::Address(*only),
                _ if for_files && !holders.contains(&client) => Peer::Name(name.clone()),
                _ => continue,
            };
            self.by_name(client, machine, name, (first, last));
        }
    }
}
