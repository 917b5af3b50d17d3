//! The source that listens: interfaces of this machine that somebody named, for as long as the watch lasts.
//!
//! Nothing leaves this machine for it. What groma itself says meanwhile would be told as a need of this machine; so whoever
//! composes lets those that call somebody do so afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use groma_model::device::{LinkSeen, LinkTable};
use groma_model::{Coverage, CoverageState, Foreign, Reason, Scope, Seen, SourceName};
use groma_source::ears::{Ear, Ears};
use groma_source::{Budget, Explanation, Sink, SinkExt, Source, Window};

use crate::filter::filter;
use crate::look::{holes, say};
use crate::wire::Wire;

/// The source's name.
pub const LISTENING_NAME: &str = "network.wire";
/// Interfaces that are listened at, at most: each has a ring of its own.
pub const INTERFACES_MAX: usize = 4;
/// How long one ear is waited for.
const WAIT: Duration = Duration::from_millis(100);
/// Of each piece of the watch so long one part in so many is processor time.
const SLICE: Duration = Duration::from_secs(1);
pub(crate) const SHARES: u32 = 2;

const MORE_RIGHTS: &str = "run it as root, or give it CAP_NET_RAW";
const NAME_ANOTHER: &str = "name an interface of this machine as `ip link` lists it";
const HEAR_LESS: &str =
    "listen where less crosses, or mirror fewer ports; what came before and after is told";

/// Where to listen.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Listening {
    /// Names of interfaces.
    pub interfaces: Vec<String>,
    /// True if the card is to hand over what is meant for others too: a port that a switch mirrors to.
    pub promiscuous: bool,
}

/// Interfaces of this machine, as packets cross them.
pub struct ListeningSource {
    ears: Arc<dyn Ears>,
    wish: Listening,
}

impl ListeningSource {
    /// A source that listens through `ears`.
    pub fn new(ears: Arc<dyn Ears>, wish: Listening) -> Self {
        Self { ears, wish }
    }
}

impl Source for ListeningSource {
    fn name(&self) -> SourceName {
        SourceName::new(LISTENING_NAME)
    }

    fn explain(&self) -> Explanation {
        let how = match self.wish.promiscuous {
            true => "all that its card hears, in promiscuous mode while the look lasts",
            false => "what it sends, and what comes for it or for all",
        };
        let each = self.wish.interfaces.iter();
        let mut reads: Vec<String> = each
            .map(|name| format!("packets at {name}: {how}"))
            .collect();
        if reads.is_empty() {
            reads.push("nothing, unless --listen names an interface".to_owned());
        }
        Explanation {
            purpose: "Tells who uses which service of whom, and who is there, from packets as they cross an interface of this machine, or arrive at it from a port that a switch mirrors.".to_owned(),
            reads,
            contacts: Vec::new(),
            sends: vec!["what network.packets sends".to_owned()],
            never_sends: vec!["what network.packets never sends; packets are written nowhere".to_owned()],
            rights: vec![
                "CAP_NET_RAW, to open a packet socket; it is given up before the first packet is read".to_owned(),
                "CAP_NET_RAW is all --promiscuous needs too; the card's mode ends with the socket".to_owned(),
            ],
            cost: "memory: 32 MiB of the kernel's for each interface, 160 MiB in all at most; half of one processor at most; no packet is sent".to_owned(),
        }
    }

    fn look(&mut self, window: &Window, _: &Budget, sink: &mut dyn Sink) {
        let (named, beyond) = self
            .wish
            .interfaces
            .split_at(self.wish.interfaces.len().min(INTERFACES_MAX));
        for name in beyond {
            let what = format!("{name}: more than {INTERFACES_MAX} interfaces");
            let remedy = "listen at the others in a look of their own";
            sink.missed_because(&scope(name), what, Reason::BudgetExhausted, remedy);
        }
        let mut posts: Vec<Post> = Vec::new();
        for name in named {
            match self.ears.open(name, self.wish.promiscuous, &filter()) {
                Ok(ear) => posts.push(Post::new(name, ear, named.len(), self.wish.promiscuous)),
                Err(error) => {
                    let (what, reason, remedy) = refused(name, &error);
                    sink.missed_because(&scope(name), what, reason, remedy);
                    sink.covered_now(window, &scope(name), CoverageState::Partial);
                }
            }
        }
        listen(&mut posts, self.ears.as_ref(), window);
        // What came while nobody read for the sake of the processor's share lies in the ring yet.
        for post in &mut posts {
            post.hear(Duration::ZERO, window);
        }
        posts.into_iter().for_each(|post| post.end(window, sink));
    }
}

fn scope(interface: &str) -> Scope {
    Scope::new("interface", interface)
}

pub(crate) fn refused(name: &str, error: &io::Error) -> (String, Reason, &'static str) {
    let what = format!("what crosses {name}");
    match error.kind() {
        io::ErrorKind::NotFound => (what, Reason::NotPresent, NAME_ANOTHER),
        io::ErrorKind::PermissionDenied => (what, Reason::PermissionDenied, MORE_RIGHTS),
        io::ErrorKind::Unsupported => {
            let remedy = "capture there with another program, and name the file by --capture";
            (what, Reason::Unsupported, remedy)
        }
        _ => (what, Reason::of_io(error), NAME_ANOTHER),
    }
}

/// Listens until the watch is over.
fn listen(posts: &mut [Post], ears: &dyn Ears, window: &Window) {
    let end = window.monotonic().saturating_add(window.watch());
    let mut slice = Slice::begin(window, ears, SHARES);
    while !posts.is_empty() && !window.is_over() {
        let left = end.saturating_sub(window.monotonic());
        if left.is_zero() {
            return;
        }
        let wait = WAIT.min(left) / u32::try_from(posts.len()).unwrap_or(1);
        for post in &mut *posts {
            post.hear(wait, window);
        }
        slice = slice.kept(window, ears, end);
    }
}

/// A piece of the watch, in which so much of a processor may be used: one of so many shares.
pub(crate) struct Slice {
    began: Duration,
    used_before: Duration,
    shares: u32,
}

impl Slice {
    pub(crate) fn begin(window: &Window, ears: &dyn Ears, shares: u32) -> Self {
        Self {
            began: window.monotonic(),
            used_before: ears.processor_time(),
            shares,
        }
    }

    /// Waits until what was used is no more than its share: what comes meanwhile finds room in the ring, or is counted.
    pub(crate) fn kept(self, window: &Window, ears: &dyn Ears, end: Duration) -> Self {
        let used = ears.processor_time().saturating_sub(self.used_before);
        let passed = window.monotonic().saturating_sub(self.began);
        if passed < SLICE && used < SLICE / self.shares {
            return self;
        }
        let left = end.saturating_sub(window.monotonic());
        window.sleep((used * self.shares).saturating_sub(passed).min(left));
        Self::begin(window, ears, self.shares)
    }
}

/// One interface that is listened at.
struct Post {
    name: String,
    ear: Box<dyn Ear>,
    wire: Wire,
    /// True if what it hears is not only what comes to this machine.
    hears_others: bool,
    /// Why it could not be heard for a while, the last time that was so.
    deaf: Option<Reason>,
}

impl Post {
    fn new(name: &str, ear: Box<dyn Ear>, of: usize, hears_others: bool) -> Self {
        Self {
            name: name.to_owned(),
            ear,
            wire: Wire::one_of(of),
            hears_others,
            deaf: None,
        }
    }

    fn hear(&mut self, wait: Duration, window: &Window) {
        let wire = &mut self.wire;
        if let Err(error) = self.ear.hear(wait, &mut |packet| wire.overhear(packet)) {
            self.deaf = Some(Reason::of_io(&error));
            window.sleep(wait);
        }
    }

    /// Tells what was heard, and what was not.
    fn end(mut self, window: &Window, sink: &mut dyn Sink) {
        let scope = scope(&self.name);
        let lost = self.ear.lost();
        // The socket, its ring and the card's mode end here, before anything is concluded.
        drop(self.ear);
        let (mut heard, counts) = self.wire.end();
        if !self.hears_others {
            heard.links = plugged_in(heard.links, &self.name);
        }
        if lost > 0 {
            let what = format!(
                "{}: {lost} packets the kernel had no room for, beside {} that were read",
                self.name, counts.frames
            );
            sink.missed_because(&scope, what, Reason::BudgetExhausted, HEAR_LESS);
        }
        if let Some(reason) = self.deaf {
            let what = format!("{}: what crossed it while it was down", self.name);
            let remedy = "see why the interface goes down; then listen again";
            sink.missed_because(&scope, what, reason, remedy);
        }
        for (what, reason, remedy) in holes(&counts) {
            let what = format!("{}: {what}", self.name);
            sink.missed_because(&scope, what, reason, remedy);
        }
        say(&heard, &Foreign::from(self.name.as_str()), &scope, sink);
        sink.covered(Coverage {
            scope,
            // Whoever did not speak while somebody listened is not gone.
            state: CoverageState::Partial,
            from: window.started(),
            to: window.now(),
            how: Some(format!("{} packets", counts.frames)),
        });
    }
}

/// Rows of neighbours at this very interface: only what comes for it is heard there. The words of several devices come through a
/// switch that hands them on, and tell of none that it is the neighbour.
fn plugged_in(links: BTreeMap<LinkSeen, Seen>, interface: &str) -> BTreeMap<LinkSeen, Seen> {
    let mut devices: BTreeMap<LinkTable, BTreeSet<&Option<String>>> = BTreeMap::new();
    for link in links.keys() {
        devices
            .entry(link.by)
            .or_default()
            .insert(&link.device_name);
    }
    let is_only = |link: &LinkSeen| devices.get(&link.by).is_none_or(|all| all.len() == 1);
    let at = |link: &LinkSeen| LinkSeen {
        neighbour_port: is_only(link).then(|| interface.to_owned()),
        ..link.clone()
    };
    let each = links.iter().map(|(link, seen)| (at(link), *seen));
    each.collect()
}

#[cfg(test)]
mod tests {
    use groma_model::Timestamp;

    use super::*;

    fn heard(by: LinkTable, names: &[&str]) -> Vec<Option<String>> {
        let seen = Seen::once(Timestamp::from_seconds(1_795_250_000));
        let link = |name: &&str| LinkSeen {
            device: None,
            device_name: Some((*name).to_owned()),
            port: None,
            vlan: None,
            by,
            mac: None,
            address: None,
            name: None,
            neighbour_port: None,
        };
        let links = names.iter().map(|name| (link(name), seen)).collect();
        let rows = plugged_in(links, "eth0").into_keys();
        rows.map(|row| row.neighbour_port).collect()
    }

    /// A switch that does not speak CDP hands on that of all telephones behind it.
    #[test]
    fn of_many_who_are_heard_none_is_the_neighbour() {
        let own = || Some("eth0".to_owned());
        assert_eq!(heard(LinkTable::Cdp, &["phone1", "phone2"]), [None, None]);
        assert_eq!(heard(LinkTable::Cdp, &["sw1"]), [own()]);
        assert_eq!(heard(LinkTable::Lldp, &["sw1", "sw2"]), [None, None]);
        assert_eq!(heard(LinkTable::Lldp, &["sw1"]), [own()]);
    }
}
