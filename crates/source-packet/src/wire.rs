//! The wire: frames in, what they tell out, pure.
//!
//! A frame may come twice (a mirrored port sees what goes in and what comes out, with a tag and without), a stream may be
//! seen from one side alone, or from its middle on. A connection is one by its two ends and the number it was opened with; a
//! question is answered once. Who serves, the opening says; without it the port does, if only one of the two is a
//! service's; else it is not known, counted, and nobody's need.

mod adverts;
mod leases;
mod lookups;
mod plugged;

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use groma_model::registry::REGISTRY;
use groma_model::reported::ReportedUse;
use groma_model::sighting::Sighting;
use groma_model::{Foreign, HostName, Peer, Port, Timestamp, Transport};
use groma_source::ears::Overheard;

use crate::file::Frame;
use crate::frame::{self, Carried, Datagram, Segment};
use crate::names::Names;
use crate::speech::{self, Told};
use crate::stream::Stream;
use crate::tally::{Heard, Tally};

pub(crate) use adverts::is_of;

/// Connections that are remembered at a time.
const STREAMS_MAX: usize = 131_072;
/// Numbers of connections that are over, kept until it is worth while to look for them.
const ORDER_SPARE: usize = 1_024;
/// Bytes kept of all of them.
const KEPT_BYTES_MAX: usize = 96 << 20;
/// Questions that wait for their answer.
const QUESTIONS_MAX: usize = 65_536;
/// Clients that said their name before they got an address.
const CLIENTS_MAX: usize = 16_384;
/// Within which time the same datagram is the same one, seen twice.
const TWICE: Duration = Duration::from_secs(2);
/// How long a name that was asked for is good at least: who asks calls a moment later.
const NAME_LASTS_MIN: Duration = Duration::from_secs(60);
/// And at most: none of two is known longer to be the one that is meant.
const NAME_LASTS_MAX: Duration = Duration::from_secs(24 * 3600);
/// The port from which a server of FTP calls its client (RFC 959 §3.2).
const FTP_DATA: u16 = 20;
/// Ports that nobody is registered for (RFC 6335 §6).
const DYNAMIC_PORTS_FROM: u16 = 49_152;

/// What was not told, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Frames that were read.
    pub frames: u64,
    /// Frames of a link type that is not known.
    pub strange: u64,
    /// Packets that were captured in part.
    pub cut: u64,
    /// Connections of which it is not known who called.
    pub undecided: u64,
    /// Questions whose answer was not seen.
    pub unanswered: u64,
    /// Connections and questions that were told before their end, or not at all, for want of room.
    pub crowded: u64,
    /// Rows there was no room for.
    pub left_out: u64,
    /// Uses of the public internet, and by it.
    pub public: u64,
    /// Connections to doors where nothing known was said, and nobody came again.
    pub once: u64,
}

/// A question that waits for its answer.
struct Question {
    at: Timestamp,
    told: Told,
}

/// Who asked whom, and the number of the question where it has one.
type Asked = (SocketAddr, SocketAddr, u16);

/// Everything that is known of a wire so far.
#[derive(Default)]
pub struct Wire {
    /// Wires there are beside this one: all of them share the room there is.
    beside: usize,
    streams: HashMap<[SocketAddr; 2], Stream>,
    /// In the order they began, each with its number: what has another one by now is over.
    order: VecDeque<([SocketAddr; 2], u64)>,
    begun: u64,
    kept: usize,
    questions: HashMap<Asked, Question>,
    names: Names,
    clients: HashMap<[u8; 6], speech::Lease>,
    clients6: HashMap<Vec<u8>, leases::Asked6>,
    adverts: adverts::Adverts,
    lookups: lookups::Lookups,
    twice: HashMap<u64, Timestamp>,
    hash: RandomState,
    tally: Tally,
    span: Option<(Timestamp, Timestamp)>,
    counts: Counts,
}

impl Wire {
    /// One of so many, which share the room that one alone would have.
    pub fn one_of(wires: usize) -> Self {
        Self {
            beside: wires.saturating_sub(1),
            ..Self::default()
        }
    }

    fn is_full(&self) -> bool {
        let wires = self.beside + 1;
        self.streams.len() >= STREAMS_MAX / wires || self.kept >= KEPT_BYTES_MAX / wires
    }

    /// Takes a frame.
    pub fn take(&mut self, frame: &Frame<'_>) {
        match frame::read(frame) {
            Some(carried) => self.carried(carried, frame.at),
            None => {
                self.carried(Carried::Other, frame.at);
                self.counts.strange += 1;
            }
        }
    }

    /// Takes a packet as an ear heard it.
    pub fn overhear(&mut self, packet: &Overheard<'_>) {
        let carried = frame::inside(packet.protocol, packet.bytes, packet.at, packet.mac);
        match carried {
            // What this machine says of itself is no neighbour's word.
            Carried::Lldp { .. } | Carried::Cdp { .. } if packet.is_own => {
                self.carried(Carried::Other, packet.at);
            }
            carried => self.carried(carried, packet.at),
        }
    }

    fn carried(&mut self, carried: Carried<'_>, at: Timestamp) {
        self.counts.frames += 1;
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
        match carried {
            Carried::Tcp(segment) => {
                self.spoke(segment.from.ip());
                self.segment(&segment);
            }
            Carried::Udp(datagram) => {
                self.spoke(datagram.from.ip());
                self.datagram(&datagram);
            }
            Carried::Has { address, mac } => {
                self.spoke(address);
                self.tally.has(address, mac, at);
            }
            Carried::Router { from, mac, content } => self.router(from, mac, content, at),
            Carried::Lldp { mac, content } => self.introduced(speech::lldp(content), mac, at),
            Carried::Cdp { mac, content } => self.introduced(speech::cdp(content), mac, at),
            Carried::Other => {}
        }
    }

    /// First and last time of a frame.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.span
    }

    /// Tells everything that was heard, and what was not told.
    pub fn end(mut self) -> (Heard, Counts) {
        while let Some((key, _)) = self.order.pop_front() {
            self.tell(key);
        }
        self.tell_adverts();
        self.tell_lookups();
        self.counts.unanswered += u64::try_from(self.questions.len()).unwrap_or(u64::MAX);
        let heard = self.tally.settle();
        self.counts.left_out = self.tally.left_out;
        self.counts.public = self.tally.public;
        self.counts.once = self.tally.once;
        (heard, self.counts)
    }

    fn segment(&mut self, segment: &Segment<'_>) {
        if !is_somebody(segment.from.ip()) || !is_somebody(segment.to.ip()) {
            return;
        }
        let key = Stream::key(segment);
        let known = self.streams.get(&key);
        if known.is_some_and(|stream| stream.is_another(segment)) {
            self.tell(key);
            self.streams.remove(&key);
        }
        if !self.streams.contains_key(&key) {
            self.make_room();
            self.begun += 1;
            self.streams.insert(key, Stream::begun(segment, self.begun));
            self.order.push_back((key, self.begun));
        }
        let name = self.called(segment);
        let Some(stream) = self.streams.get_mut(&key) else {
            return;
        };
        stream.name = stream.name.take().or(name);
        self.kept = self.kept.saturating_sub(stream.kept());
        let is_cut = stream.take(segment);
        self.kept += stream.kept();
        self.counts.cut += u64::from(is_cut);
        if stream.ended && !stream.told {
            self.tell(key);
        }
    }

    /// The name by which who opens a connection knows whom it calls.
    fn called(&self, segment: &Segment<'_>) -> Option<HostName> {
        let (client, server) = match (segment.opens, segment.acknowledges) {
            (false, _) => return None,
            (true, None) => (segment.from, segment.to),
            (true, Some(_)) => (segment.to, segment.from),
        };
        self.names.called(client.ip(), server.ip(), segment.at)
    }

    /// The connection that began first, of those that are still remembered.
    fn oldest(&mut self) -> Option<[SocketAddr; 2]> {
        while let Some((key, serial)) = self.order.pop_front() {
            let known = self.streams.get(&key);
            if known.is_some_and(|stream| stream.serial == serial) {
                return Some(key);
            }
        }
        None
    }

    /// Tells the oldest connections early where there are too many.
    fn make_room(&mut self) {
        while self.is_full() {
            let Some(oldest) = self.oldest() else {
                return;
            };
            let open = self.streams.get(&oldest).is_some_and(|stream| !stream.told);
            self.counts.crowded += u64::from(open);
            self.tell(oldest);
            self.streams.remove(&oldest);
        }
        // Ports that are used again and again leave their old numbers behind.
        if self.order.len() > 2 * self.streams.len() + ORDER_SPARE {
            let streams = &self.streams;
            let lives = |(key, serial): &([SocketAddr; 2], u64)| {
                streams
                    .get(key)
                    .is_some_and(|stream| stream.serial == *serial)
            };
            self.order.retain(lives);
        }
    }

    /// Tells what a connection told, once.
    fn tell(&mut self, key: [SocketAddr; 2]) {
        let Some(stream) = self.streams.get_mut(&key).filter(|stream| !stream.told) else {
            return;
        };
        let by_port = |port: u16| REGISTRY.kind_by_port(Port(port), Transport::Tcp).is_some();
        match stream.sides(&by_port) {
            None => self.counts.undecided += 1,
            Some(sides) if stream.is_used(sides.client) => {
                let (client, server) = (sides.client, sides.server);
                let mut told = speech::read(server.port(), sides.said, sides.answered);
                // A port that was handed out a moment ago says nothing to anybody.
                if told.is_empty() && server.port() < DYNAMIC_PORTS_FROM {
                    told.push(Told::default());
                }
                for (address, port) in speech::handed_out(sides.answered) {
                    self.tally.handed_out(server.ip(), port);
                    address.inspect(|address| self.tally.handed_out(*address, port));
                }
                // Whom a server calls back it sends what was asked for.
                told.retain(|told| *told != Told::default() || client.port() != FTP_DATA);
                let span = (stream.first, stream.last);
                for told in told {
                    let ends = (client.ip(), server, Transport::Tcp);
                    tell(&mut self.tally, stream.name.clone(), told, ends, span);
                }
            }
            Some(_) => {}
        }
        let dropped = stream.forget();
        self.kept = self.kept.saturating_sub(dropped);
    }

    fn datagram(&mut self, datagram: &Datagram<'_>) {
        if !is_somebody(datagram.from.ip()) && datagram.from.port() != 68 {
            return;
        }
        self.counts.cut += u64::from(datagram.cut);
        match (datagram.from.port(), datagram.to.port()) {
            (_, 53) => {
                if let Some(number) = speech::question(datagram.content) {
                    self.ask(datagram, number, of_kind("dns", "DNS"));
                }
            }
            (53, _) => self.name_server(datagram),
            (_, 123) if speech::asked_for_time(datagram.content, false) => {
                self.ask(datagram, 0, of_kind("ntp", "NTP"));
            }
            (123, _) if speech::asked_for_time(datagram.content, true) => self.answer(datagram, 0),
            (_, 88) => {
                if let Some(told) = speech::kerberos_asked(datagram.content) {
                    self.ask(datagram, 0, told);
                }
            }
            (88, _) if speech::kerberos_gave(datagram.content) => self.answer(datagram, 0),
            // Refused, or told what is still missing: an answer, and no use.
            (88, _) if speech::kerberos_refused(datagram.content) => {
                self.questions.remove(&(datagram.to, datagram.from, 0));
            }
            (_, 161) if speech::snmp(datagram.content, false) == Some(false) => {
                self.ask(datagram, 0, of_kind("snmp", "SNMP"));
            }
            (161, _) if speech::snmp(datagram.content, false) == Some(false) => {
                self.answer(datagram, 0);
            }
            (_, 162) if speech::snmp(datagram.content, true) == Some(true) => {
                self.send(datagram, of_kind("snmp", "SNMP notifications"));
            }
            (_, 514) if speech::is_log_line(datagram.content) => {
                self.send(datagram, of_kind("syslog", "syslog"));
            }
            (67 | 68, 67 | 68) => self.lease(datagram),
            (5353, 5353) => self.announced(datagram),
            (546 | 547, 546 | 547) => self.lease6(datagram),
            (137, _) | (_, 137) => self.netbios(datagram),
            _ => {}
        }
    }

    /// Remembers a question. One that is asked again is the same one.
    fn ask(&mut self, datagram: &Datagram<'_>, number: u16, told: Told) {
        if self.questions.len() >= QUESTIONS_MAX {
            self.counts.crowded += 1;
            self.questions.clear();
        }
        let at = datagram.at;
        let key = (datagram.from, datagram.to, number);
        self.questions.insert(key, Question { at, told });
    }

    /// Tells the use that an answer completes.
    fn answer(&mut self, datagram: &Datagram<'_>, number: u16) {
        let key = (datagram.to, datagram.from, number);
        if let Some(question) = self.questions.remove(&key) {
            let ends = (datagram.to.ip(), datagram.from, Transport::Udp);
            let span = (question.at.min(datagram.at), question.at.max(datagram.at));
            let name = self.names.called(ends.0, ends.1.ip(), span.0);
            tell(&mut self.tally, name, question.told, ends, span);
        }
    }

    fn name_server(&mut self, datagram: &Datagram<'_>) {
        let Some((number, leads)) = speech::answer(datagram.content) else {
            return;
        };
        self.answer(datagram, number);
        let Some(leads) = leads else { return };
        let client = datagram.to.ip();
        let lasts = Duration::from_secs(leads.lasts.into());
        let until = datagram
            .at
            .plus(lasts.clamp(NAME_LASTS_MIN, NAME_LASTS_MAX));
        for address in leads.addresses {
            self.names
                .asked(client, address, leads.asked.clone(), until);
        }
    }

    /// Tells a message nobody answers, once for every copy of it.
    fn send(&mut self, datagram: &Datagram<'_>, told: Told) {
        if self.is_copy(datagram) || !is_somebody(datagram.to.ip()) {
            return;
        }
        let ends = (datagram.from.ip(), datagram.to, Transport::Udp);
        let name = self.names.called(ends.0, ends.1.ip(), datagram.at);
        tell(
            &mut self.tally,
            name,
            told,
            ends,
            (datagram.at, datagram.at),
        );
    }

    fn is_copy(&mut self, datagram: &Datagram<'_>) -> bool {
        if self.twice.len() >= QUESTIONS_MAX {
            self.twice.clear();
        }
        let content = (datagram.from, datagram.to, datagram.content);
        let before = self.twice.insert(self.hash.hash_one(content), datagram.at);
        before.is_some_and(|before| datagram.at.since(before) < TWICE)
    }

    fn announced(&mut self, datagram: &Datagram<'_>) {
        let Some(said) = speech::announced(datagram.content) else {
            return;
        };
        let from = datagram.from.ip();
        // Who speaks for another address is a proxy.
        let own = said.addresses.is_empty() || said.addresses.contains(&from);
        if !own || !self.tally.is_ours(&Peer::Address(from)) {
            return;
        }
        let sighting = Sighting {
            by: "mdns".to_owned(),
            address: Some(from),
            names: said.name.into_iter().collect(),
            says_it_is: said.model,
            scans: said.scans,
            doors: said.doors,
            ..Sighting::default()
        };
        self.tally.met(sighting, datagram.at);
    }
}

fn of_kind(kind: &'static str, protocol: &'static str) -> Told {
    Told {
        kind: Some(kind),
        protocol,
        ..Told::default()
    }
}

/// Lower case with colons.
pub(crate) fn mac_text(mac: [u8; 6]) -> String {
    let bytes = mac.map(|byte| format!("{byte:02x}"));
    bytes.join(":")
}

/// True for an address that one machine can have, other than the machine itself on a wire of its own.
pub(crate) fn is_somebody(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    !(address.is_loopback() || address.is_unspecified() || address.is_multicast() || broadcast)
}

/// Adds a use to the tally, in the words of facts.
fn tell(
    tally: &mut Tally,
    asked: Option<HostName>,
    told: Told,
    (client, server, transport): (IpAddr, SocketAddr, Transport),
    (first, last): (Timestamp, Timestamp),
) {
    if !is_somebody(client) || !is_somebody(server.ip()) || client == server.ip() {
        return;
    }
    let port = Port(server.port());
    let habit = || {
        REGISTRY
            .kind_by_port(port, transport)
            .map(|kind| kind.name.as_str())
    };
    let kind = told.kind.or_else(habit).unwrap_or("other");
    // A name server is called by its address: that its machine has a name that was asked for is chance.
    let by_address = matches!(kind, "dns" | "dhcp");
    let name = told.name.or(asked.filter(|_| !by_address));
    let is_understood = !told.protocol.is_empty() || kind != "other";
    if let Some(is) = told.client_is.filter(|name| !name.is_loopback()) {
        let sighting = Sighting {
            by: "ntlm".to_owned(),
            address: Some(client),
            names: vec![is],
            ..Sighting::default()
        };
        if tally.is_ours(&Peer::Address(client)) {
            tally.met(sighting, first);
        }
    }
    let (consumer, provider) = (Peer::Address(client), Peer::Address(server.ip()));
    let used = ReportedUse {
        kind: kind.to_owned(),
        product: match told.protocol {
            "" => transport.as_str().to_ascii_uppercase(),
            protocol => protocol.to_owned(),
        },
        name,
        account: told.account,
        mechanism: told.mechanism,
        protection: told.protection,
        tls: told.tls.map(str::to_owned),
        service: told.service,
        refused: told.refused,
        mail: told.mail.map(Box::new),
        ..row(consumer, provider, Some(port), transport)
    };
    match is_understood {
        true => tally.used(used, first, last),
        false => tally.entered(used, first, last),
    }
}

/// A row of which nothing is known yet but who, whom and where.
fn row(consumer: Peer, provider: Peer, port: Option<Port>, transport: Transport) -> ReportedUse {
    ReportedUse {
        consumer,
        provider,
        kind: String::new(),
        port,
        transport,
        product: String::new(),
        name: None,
        account: None,
        mechanism: None,
        protection: None,
        tls: None,
        service: None,
        refused: false,
        mail: None,
        program: None,
        asks: None,
        client: None,
        log: Foreign::default(),
    }
}

#[cfg(test)]
mod tests;
