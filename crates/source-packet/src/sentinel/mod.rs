//! The source that stands sentinel: who still knocks at the address of a machine that is gone.
//!
//! Somebody switched the old machine off and put its address on this one. First packets that come for it are heard as they
//! pass: of every port, without one being bound. The kernel answers them as it answers all that nobody waits for (a reset, or
//! "port unreachable"): a refusal at once, in no words. Nothing is sent by this source, and nothing of what a packet carries is read.

mod known;
mod packet;
mod sieve;
mod tally;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use groma_model::fact::{Neighbour, SentinelPost};
use groma_model::{
    Coverage, CoverageState, Fact, Foreign, Observation, Port, Reason, Scope, Seen, SourceName,
    Timestamp,
};
use groma_source::ears::{EVERY_LINK, Ear, Ears};
use groma_source::{
    Budget, Explanation, Instruction, Memory, Sink, SinkExt, Source, Window, World,
};

use crate::listen::{Slice, refused};
use crate::wire::mac_text;
use known::Known;
use tally::{NEW_ROWS_PER_HOUR, ROWS_MAX, Tally};

pub use groma_model::sentinel::SENTINEL as NAME;
pub use sieve::sieve;

/// Addresses one agent stands at, at most.
pub const POSTS_MAX: usize = 8;
/// One part in so many of a processor.
const SHARES: u32 = 5;
/// How long one ear is waited for.
const WAIT: Duration = Duration::from_millis(100);
/// Whoever is in a hurry waits so long for what comes behind a first knock.
const SETTLES: Duration = Duration::from_secs(3);
/// And tells no more often.
const HASTE_EVERY: Duration = Duration::from_secs(15);
const MEMORY_BYTES_MAX: u64 = 1 << 20;

const COME_UP: &str = "see why the interface goes down; then stand there again";

const WAIT_FOR_LESS: &str = "see who floods this address; what was told holds, and silence of the others is not proven for this look";

/// An address at which this machine stands for another that is gone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Post {
    /// The old address.
    pub address: IpAddr,
    /// The interface it is on.
    pub interface: String,
    /// Ports that are listened for; none for all.
    pub ports: BTreeSet<u16>,
    /// What this machine itself answers at that address, because a program of it listens at all addresses, as `22/tcp (sshd)`.
    pub answered: Vec<String>,
}

/// Where to stand, and how.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// The addresses.
    pub posts: Vec<Post>,
    /// True if a look ends soon after somebody knocks of whom nobody told before, and not only when its time is over.
    pub hasty: bool,
}

impl Standing {
    /// The addresses at each interface.
    pub fn interfaces(&self) -> BTreeMap<&str, Vec<IpAddr>> {
        let mut all: BTreeMap<&str, Vec<IpAddr>> = BTreeMap::new();
        for post in self.posts.iter().take(POSTS_MAX) {
            let of_it = all.entry(post.interface.as_str()).or_default();
            of_it.push(post.address);
        }
        all
    }

    /// Where an ear is opened, and what comes through. What is for an address of this machine may arrive at any interface
    /// (another way through the network, a container of this machine), so all are heard; the one that has the address lets
    /// nothing through and tells when it goes down.
    pub fn doors(&self) -> Vec<(String, Vec<Instruction>)> {
        let interfaces = self.interfaces();
        let all: Vec<IpAddr> = interfaces.values().flatten().copied().collect();
        let mut doors = vec![(EVERY_LINK.to_owned(), sieve(&all))];
        doors.extend(
            interfaces
                .keys()
                .map(|name| ((*name).to_owned(), sieve(&[]))),
        );
        doors
    }
}

/// Old addresses, and who knocks there.
pub struct SentinelSource {
    world: World,
    ears: Arc<dyn Ears>,
    wish: Standing,
    memory: Option<Memory>,
}

impl SentinelSource {
    /// A source that hears through `ears`.
    pub fn new(world: World, ears: Arc<dyn Ears>, wish: Standing) -> Self {
        Self {
            world,
            ears,
            wish,
            memory: None,
        }
    }

    fn known(&self) -> Known {
        let read = self
            .memory
            .as_ref()
            .and_then(|memory| memory.read(self.world.disk.as_ref(), MEMORY_BYTES_MAX).ok());
        read.map(|bytes| Known::read(&String::from_utf8_lossy(&bytes)))
            .unwrap_or_default()
    }

    /// Opens an ear for every link, and one at each interface that has an old address; where there is none, nobody stands, and
    /// a gap says so.
    fn open(&self, window: &Window, sink: &mut dyn Sink) -> Option<(Box<dyn Ear>, Vec<Stand>)> {
        let mut doors = self.wish.doors().into_iter();
        let (everywhere, filter) = doors.next()?;
        let mut interfaces = self.wish.interfaces();
        let mut deaf = |name: &str, addresses: Vec<IpAddr>, error: &std::io::Error| {
            let (_, reason, remedy) = refused(name, error);
            for address in addresses {
                let what = format!("who knocks at {address}, on {name}");
                sink.missed_because(&scope(address), what, reason.clone(), remedy);
                sink.covered_now(window, &scope(address), CoverageState::Partial);
            }
        };
        let ear = match self.ears.open(&everywhere, false, &filter) {
            Ok(ear) => ear,
            Err(error) => {
                let all = interfaces.into_iter();
                all.for_each(|(name, addresses)| deaf(name, addresses, &error));
                return None;
            }
        };
        let mut stands = Vec::new();
        for (name, filter) in doors {
            let addresses = interfaces.remove(name.as_str()).unwrap_or_default();
            match self.ears.open(&name, false, &filter) {
                Ok(ear) => stands.push(Stand {
                    interface: name,
                    addresses,
                    ear,
                    deaf: None,
                }),
                Err(error) => deaf(&name, addresses, &error),
            }
        }
        (!stands.is_empty()).then_some((ear, stands))
    }
}

impl Source for SentinelSource {
    fn name(&self) -> SourceName {
        SourceName::new(NAME)
    }

    fn explain(&self) -> Explanation {
        let each = self.wish.posts.iter();
        let mut reads: Vec<String> = each
            .map(|post| {
                format!(
                    "headers of first packets to {}, which is at {}, on whatever interface they come: openings of TCP, datagrams, questions for an echo, and who asks for its hardware address",
                    post.address, post.interface
                )
            })
            .collect();
        let interfaces = self.wish.interfaces();
        reads.extend(interfaces.keys().map(|name| {
            format!("whether something is plugged in at {name} (/sys/class/net/{name}/carrier)")
        }));
        if reads.is_empty() {
            reads.push(
                "nothing, unless --sentinel names an address that /etc/groma/ceiling.toml allows"
                    .to_owned(),
            );
        }
        Explanation {
            purpose: "Tells who still knocks at the address of a machine that is gone, where somebody put that address on this machine.".to_owned(),
            reads,
            contacts: Vec::new(),
            sends: vec!["the address and hardware address of who knocked, the port, first, last, count; that this machine stands there".to_owned()],
            never_sends: vec!["anything a packet carries: no more than its headers leave the kernel".to_owned()],
            rights: vec!["CAP_NET_RAW, to open a packet socket; it is given up before the first packet is read".to_owned()],
            cost: "memory: 32 MiB of the kernel's, and as much for each interface with such an address; 24 MiB of its own at most; a fifth of one processor at most; no packet is sent, no port is bound".to_owned(),
        }
    }

    fn remember(&mut self, memory: Memory) {
        self.memory = Some(memory);
    }

    fn look(&mut self, window: &Window, _: &Budget, sink: &mut dyn Sink) {
        let Some((mut ear, mut stands)) = self.open(window, sink) else {
            return;
        };
        let posts = self.wish.posts.iter().take(POSTS_MAX);
        let posts = posts.map(|post| (post.address, post.ports.clone()));
        let mut tally = Tally::new(posts.collect(), self.known());
        let begun = window.now();
        let hasty = self.wish.hasty;
        let mut whole = Whole {
            ear: ear.as_mut(),
            deaf: None,
            stands: &mut stands,
        };
        whole.stand(&mut tally, self.ears.as_ref(), window, hasty);
        let deaf = whole.deaf;
        let lost = ear.lost();
        let (packets, crowded) = (tally.packets, tally.crowded);
        let heard = tally.end(window.now());
        heard
            .known
            .lines()
            .into_iter()
            .for_each(|line| sink.keeps(line));
        for stand in &mut stands {
            let told = Told {
                begun,
                packets,
                crowded,
                untold: heard.untold,
                lost,
                deaf: deaf.clone(),
            };
            stand.end(&self.wish, &told, window, sink);
            for (knock, seen) in &heard.knocks {
                if stand.addresses.contains(&knock.at) {
                    saw(sink, knock.at, Fact::Knock(knock.clone()), *seen);
                }
            }
        }
        if let [only] = stands.as_slice() {
            neighbours(&heard.macs, only, window, sink);
        }
    }
}

/// What is said of a whole look.
struct Told {
    begun: Timestamp,
    packets: u64,
    crowded: u64,
    untold: u64,
    lost: u64,
    /// Why nothing could be heard anywhere for a while.
    deaf: Option<Reason>,
}

fn scope(address: IpAddr) -> Scope {
    Scope::new("sentinel", &address.to_string())
}

fn saw(sink: &mut dyn Sink, address: IpAddr, fact: Fact, seen: Seen) {
    sink.saw(Observation {
        scope: scope(address),
        fact,
        seen,
    });
}

/// Who asked for the hardware address of an old one itself is on that link.
fn neighbours(
    macs: &BTreeMap<IpAddr, [u8; 6]>,
    stand: &Stand,
    window: &Window,
    sink: &mut dyn Sink,
) {
    let Some(post) = stand.addresses.first() else {
        return;
    };
    for (address, mac) in macs {
        let neighbour = Neighbour {
            address: *address,
            mac: mac_text(*mac),
            interface: Foreign::from(stand.interface.as_str()),
        };
        let seen = Seen::once(window.now());
        saw(sink, *post, Fact::Neighbour(neighbour), seen);
    }
}

/// Everything a look listens with.
struct Whole<'a> {
    /// Hears every link.
    ear: &'a mut dyn Ear,
    deaf: Option<Reason>,
    stands: &'a mut [Stand],
}

impl Whole<'_> {
    /// Hears until the watch is over; in haste, until what came behind somebody new was heard too.
    fn stand(&mut self, tally: &mut Tally, ears: &dyn Ears, window: &Window, hasty: bool) {
        let begun = window.monotonic();
        let mut end = begun.saturating_add(window.watch());
        let mut slice = Slice::begin(window, ears, SHARES);
        let mut hurries = false;
        while !window.is_over() {
            let now = window.monotonic();
            let left = end.saturating_sub(now);
            if left.is_zero() {
                break;
            }
            self.hear(WAIT.min(left), tally, window);
            if hasty && !hurries && tally.has_news(window.now()) {
                hurries = true;
                let soon = window.monotonic().saturating_add(SETTLES);
                end = end.min(soon.max(begun.saturating_add(HASTE_EVERY)));
            }
            slice = slice.kept(window, ears, end);
        }
        // What came while nobody read for the sake of the processor's share lies in the ring yet.
        self.hear(Duration::ZERO, tally, window);
    }

    fn hear(&mut self, wait: Duration, tally: &mut Tally, window: &Window) {
        let mut each = |packet: &groma_source::ears::Overheard<'_>| {
            if let Some(heard) = packet::read(packet) {
                tally.take(heard, packet.at);
            }
        };
        if let Err(error) = self.ear.hear(wait, &mut each) {
            self.deaf = Some(Reason::of_io(&error));
            window.sleep(wait);
        }
        self.stands.iter_mut().for_each(Stand::ask);
    }
}

/// An interface with old addresses.
struct Stand {
    interface: String,
    addresses: Vec<IpAddr>,
    /// Lets nothing through, and tells when the interface goes down.
    ear: Box<dyn Ear>,
    /// Why it could not be heard for a while, the last time that was so.
    deaf: Option<Reason>,
}

impl Stand {
    fn ask(&mut self) {
        if let Err(error) = self.ear.hear(Duration::ZERO, &mut |_| ()) {
            self.deaf = Some(Reason::of_io(&error));
        }
    }

    /// Says where this machine stood, and what it could not hear there.
    fn end(&mut self, wish: &Standing, told: &Told, window: &Window, sink: &mut dyn Sink) {
        let posts = wish.posts.iter();
        for post in posts.filter(|post| self.addresses.contains(&post.address)) {
            let (scope, seen) = (
                scope(post.address),
                Seen::between(told.begun, window.now(), 1),
            );
            let fact = SentinelPost {
                address: post.address,
                ports: post.ports.iter().map(|port| Port(*port)).collect(),
            };
            saw(sink, post.address, Fact::SentinelPost(fact), seen);
            for (what, reason, remedy) in self.holes(post.address, told) {
                sink.missed_because(&scope, what, reason, remedy);
            }
            sink.covered(Coverage {
                scope,
                // Whoever did not knock while somebody stood there is not gone.
                state: CoverageState::Partial,
                from: told.begun,
                to: window.now(),
                how: Some(how(post, told)),
            });
        }
    }

    fn holes(&self, address: IpAddr, told: &Told) -> Vec<(String, Reason, &'static str)> {
        let mut holes = Vec::new();
        let spent = Reason::BudgetExhausted;
        if told.lost > 0 {
            let lost = told.lost;
            let what = format!("{address}: {lost} packets the kernel had no room for");
            holes.push((what, spent.clone(), WAIT_FOR_LESS));
        }
        if told.crowded > 0 {
            let what = format!(
                "{address}: {} first packets of others, when {ROWS_MAX} rows were full",
                told.crowded
            );
            holes.push((what, spent.clone(), WAIT_FOR_LESS));
        }
        if told.untold > 0 {
            let what = format!(
                "{address}: {} callers or ports beyond the {NEW_ROWS_PER_HOUR} new ones that are told in an hour: a flood with invented senders looks so",
                told.untold
            );
            holes.push((what, spent, WAIT_FOR_LESS));
        }
        if let Some(reason) = self.deaf.as_ref().or(told.deaf.as_ref()) {
            let what = format!("{address}: who knocked while {} was down", self.interface);
            holes.push((what, reason.clone(), COME_UP));
        }
        holes
    }
}

fn how(post: &Post, told: &Told) -> String {
    let heard = format!("{} first packets", told.packets);
    match post.answered.is_empty() {
        true => format!("{heard}; the kernel refused them"),
        false => format!(
            "{heard}; the kernel refused them, but for what programs of this machine answer at every address: {}",
            post.answered.join(", ")
        ),
    }
}
