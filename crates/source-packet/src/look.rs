//! The source: captures that somebody named.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use groma_model::fact::Neighbour;
use groma_model::{
    Coverage, CoverageState, Fact, Foreign, Observation, Reason, Scope, Seen, SourceName, Timestamp,
};
use groma_source::{Budget, Explanation, OpenFile, Sink, SinkExt, Source, Window, World, disk};

use crate::file;
use crate::tally::Heard;
use crate::wire::{Counts, Wire, mac_text};

/// The source's name.
pub const NAME: &str = "network.packets";
/// Bytes that are read in one piece.
const PIECE_BYTES: usize = 1 << 20;
/// How far a clock may be ahead.
const AHEAD: std::time::Duration = std::time::Duration::from_secs(24 * 3600);
/// Captures are not older than this (2000-01-01): a clock that was never set.
const CLOCK_SET: i64 = 946_684_800;

const NAME_A_CAPTURE: &str =
    "name a capture in the format pcap or pcapng; unpack it first if it is packed";

/// Captures of a network, in the files somebody named.
pub struct PacketSource {
    world: World,
    captures: Vec<PathBuf>,
}

impl PacketSource {
    /// A source on `world` that reads `captures`, whole paths of files.
    pub fn new(world: World, captures: Vec<PathBuf>) -> Self {
        Self { world, captures }
    }
}

impl Source for PacketSource {
    fn name(&self) -> SourceName {
        SourceName::new(NAME)
    }

    fn explain(&self) -> Explanation {
        let reads = match self.captures.is_empty() {
            true => "nothing, unless --capture names a file".to_owned(),
            false => {
                let paths = self.captures.iter().map(|path| path.display().to_string());
                paths.collect::<Vec<_>>().join("; ")
            }
        };
        Explanation {
            purpose: "Tells who uses which service of whom, and who is there, from packets that somebody captured (pcap, pcapng): also of machines that take no agent and keep no log.".to_owned(),
            reads: vec![reads],
            contacts: Vec::new(),
            sends: vec![
                "addresses, ports and kinds of services; names by which they were called (DNS, TLS, HTTP, SMB); LDAP binds (name once it was let in, mechanism, StartTLS); domains of mail, HELO, mechanism of AUTH; Kerberos services; NTLM accounts once they were let in; names of shares; first, last, count, hours of the week".to_owned(),
                "addresses, hardware addresses and names of machines (ARP, neighbours of IPv6, DHCP, mDNS, NetBIOS, NTLM, LLDP, CDP), and what they say they are; where they are plugged in (LLDP, CDP)".to_owned(),
                "whom a network is told to use (DHCP, routers of IPv6); who looks for which machine by a name of NetBIOS".to_owned(),
            ],
            never_sends: vec!["passwords, hashes, tickets, communities, cookies, paths; names asked of name servers as such; senders and recipients of mail; the content of anything".to_owned()],
            rights: vec!["to read those files".to_owned()],
            cost: "one pass over those files, up to the budget, and at most 160 MiB of memory".to_owned(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut left = budget.total_bytes_max;
        for path in &self.captures {
            capture(&self.world, path, window, &mut left, sink);
        }
    }
}

/// Reads one capture and tells what it tells.
fn capture(world: &World, path: &Path, window: &Window, left: &mut u64, sink: &mut dyn Sink) {
    let name = disk::foreign(path);
    let scope = Scope::new("capture", &path.to_string_lossy());
    let mut complete = true;
    let mut miss = |sink: &mut dyn Sink, what: String, reason, remedy: &str| {
        complete = false;
        sink.missed_because(&scope, what, reason, remedy);
    };
    let mut wire = Wire::default();
    let mut misdated = 0_u64;
    let latest = window.now().plus(AHEAD);
    match world.disk.open(path) {
        Err(error) => {
            let remedy = "name a capture that is there and may be read";
            miss(sink, name.to_string(), error.reason, remedy);
        }
        Ok(open) if open.metadata().bytes > *left => {
            let remedy = "give the look more bytes, or cut the capture (editcap -c)";
            miss(sink, name.to_string(), Reason::BudgetExhausted, remedy);
        }
        Ok(open) => {
            *left = left.saturating_sub(open.metadata().bytes);
            let mut pieces = Pieces::new(open);
            let mut take = |frame: file::Frame<'_>| {
                if frame.at > latest || frame.at < Timestamp::from_seconds(CLOCK_SET) {
                    misdated += 1;
                } else {
                    wire.take(&frame);
                }
                !window.is_over()
            };
            match file::read(&mut pieces, &mut take) {
                Ok(false) => {}
                Ok(true) => {
                    let remedy = "give the look more time, or cut the capture (editcap -c)";
                    miss(sink, format!("{name}: its end"), Reason::TimedOut, remedy);
                }
                Err(Reason::Unsupported) => {
                    miss(sink, name.to_string(), Reason::Unsupported, NAME_A_CAPTURE);
                }
                Err(reason) => {
                    let what = format!("{name}: what stands behind the place where it is broken");
                    miss(
                        sink,
                        what,
                        reason,
                        "capture once more; what stands before it was read",
                    );
                }
            }
        }
    }
    if misdated > 0 {
        let what = format!("{name}: {misdated} packets dated before 2000 or after today");
        let remedy =
            "set the clock of the machine that captures, and shift the capture (editcap -t)";
        miss(sink, what, Reason::Malformed, remedy);
    }
    let (from, to) = wire.span().unwrap_or((window.started(), window.started()));
    let (heard, counts) = wire.end();
    for (what, reason, remedy) in holes(&counts) {
        miss(sink, format!("{name}: {what}"), reason, remedy);
    }
    say(&heard, &name, &scope, sink);
    let state = if complete {
        CoverageState::Complete
    } else {
        CoverageState::Partial
    };
    sink.covered(Coverage {
        scope,
        state,
        from,
        to,
        how: Some(format!("{} packets", counts.frames)),
    });
}

/// What was heard and could not be told.
pub(crate) fn holes(counts: &Counts) -> Vec<(String, Reason, &'static str)> {
    let all = [
        (
            counts.strange,
            "frames of a link type that is not read",
            Reason::Unsupported,
            "capture on an Ethernet interface, or with the link types LINUX_SLL or RAW",
        ),
        (
            counts.cut,
            "packets that were captured in part: what their content says is missing",
            Reason::TooLarge,
            "capture whole packets (tcpdump -s 0)",
        ),
        (
            counts.undecided,
            "connections that began before the capture, and of which neither port or both are a known service's: nobody's need is told",
            Reason::NotPresent,
            "capture for longer, so that connections begin within",
        ),
        (
            counts.once,
            "connections that say nothing known, each to a door nobody came to again: it may have been handed out for one transfer",
            Reason::NotPresent,
            "capture for longer: a door that is used again is told",
        ),
        (
            counts.unanswered,
            "questions without an answer: the services may be gone, or the capture saw one side",
            Reason::NotPresent,
            "mirror both directions of the port",
        ),
        (
            counts.crowded,
            "connections or questions there was no room for until their end",
            Reason::BudgetExhausted,
            "capture less at a time",
        ),
        (
            counts.left_out,
            "rows there was no room for",
            Reason::BudgetExhausted,
            "capture less at a time",
        ),
    ];
    let some = all.into_iter().filter(|(count, ..)| *count > 0);
    some.map(|(count, what, reason, remedy)| (format!("{count} {what}"), reason, remedy))
        .collect()
}

/// Tells what was heard, on the word of `log`.
pub(crate) fn say(heard: &Heard, log: &Foreign, scope: &Scope, sink: &mut dyn Sink) {
    let mut saw = |fact: Fact, seen: Seen| {
        sink.saw(Observation {
            scope: scope.clone(),
            fact,
            seen,
        });
    };
    for (used, seen) in &heard.uses {
        let mut used = used.clone();
        used.log = log.clone();
        saw(Fact::PacketUse(used), *seen);
    }
    for (sighting, seen) in &heard.sightings {
        saw(Fact::Sighting(sighting.clone()), *seen);
    }
    for (need, seen) in &heard.needs {
        saw(Fact::DirectoryNeed(need.clone()), *seen);
    }
    for ((address, mac), seen) in &heard.neighbours {
        let neighbour = Neighbour {
            address: *address,
            mac: mac_text(*mac),
            interface: log.clone(),
        };
        saw(Fact::Neighbour(neighbour), *seen);
    }
    for (link, seen) in &heard.links {
        saw(Fact::LinkSeen(link.clone()), *seen);
    }
}

/// An open file as something that is read from its begin on.
struct Pieces {
    file: Box<dyn OpenFile>,
    at: u64,
    piece: Vec<u8>,
    taken: usize,
}

impl Pieces {
    fn new(file: Box<dyn OpenFile>) -> Self {
        Self {
            file,
            at: 0,
            piece: Vec::new(),
            taken: 0,
        }
    }
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.taken >= self.piece.len() {
            self.piece.resize(PIECE_BYTES, 0);
            let got = self
                .file
                .read_at(self.at, &mut self.piece)
                .map_err(|error| error.source.unwrap_or_else(|| io::ErrorKind::Other.into()))?;
            self.piece.truncate(got);
            self.taken = 0;
            self.at = self
                .at
                .saturating_add(u64::try_from(got).unwrap_or(u64::MAX));
        }
        let rest = self.piece.get(self.taken..).unwrap_or_default();
        let count = rest.len().min(into.len());
        if let (Some(into), Some(from)) = (into.get_mut(..count), rest.get(..count)) {
            into.copy_from_slice(from);
        }
        self.taken += count;
        Ok(count)
    }
}
