//! Many listeners at a time, at no pace: for laboratories.
//!
//! Connections are made by one table, so that a thousand machines that stay silent cost one timeout and not a thread each. Who
//! is connected is talked with by one of [`TALKERS`] threads with small stacks, each conversation with an end in bytes and time.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use groma_model::{HostName, Port, Reason};
use groma_source::{Budget, Dialling, Stream, Window, World};

use crate::contact::{Caller, Outcome, unconnected};
use crate::plan::Plan;

/// Conversations at a time.
const TALKERS: usize = 64;
/// Connections at a time: those being made, and those that wait for a talker.
const CONNECTIONS_MAX: usize = 1_024;
/// A handshake of a debug build needs 100 KiB; what is not touched costs nothing.
const STACK_BYTES: usize = 384 << 10;
/// How long a connection may wait for a talker: a server that hears nothing for longer may have left, and is called anew.
const FRESH: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(20);

/// By what is looked.
pub(crate) struct Look<'a> {
    pub(crate) world: &'a World,
    pub(crate) window: &'a Window,
    pub(crate) budget: &'a Budget,
    pub(crate) host_name: Option<HostName>,
}

/// A listener, by address and port.
type At = (IpAddr, Port);

/// A listener that somebody shall talk with, and the connection that was made for it, and when.
struct Call {
    at: At,
    plan: Plan,
    made: Option<(Box<dyn Stream>, Duration)>,
}

/// Follows the plan of each listener, and tells what came of it, in any order.
pub(crate) fn ask(
    look: &Look<'_>,
    targets: BTreeMap<At, Plan>,
    told: &mut dyn FnMut(At, Outcome, &Plan),
) {
    let (give, take) = mpsc::channel::<Call>();
    let (tell, heard) = mpsc::channel::<(At, Outcome, Plan)>();
    let (take, given) = (Mutex::new(take), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let talker = || std::thread::Builder::new().stack_size(STACK_BYTES);
        let mut talkers = 0;
        for _ in 0..TALKERS.min(targets.len()) {
            let (take, given, tell) = (&take, &given, tell.clone());
            let started = talker().spawn_scoped(scope, move || talk(look, take, given, &tell));
            talkers += usize::from(started.is_ok());
        }
        drop(tell);
        if talkers == 0 {
            let what = "no thread could be had for it";
            let all = targets.iter();
            return all.for_each(|(at, plan)| {
                told(
                    *at,
                    Outcome::Unseen(Reason::BudgetExhausted, what.into()),
                    plan,
                );
            });
        }
        let timeout = Duration::from_millis(look.budget.network_timeout_ms.max(1));
        match Dialling::new(look.world.network.as_ref(), timeout) {
            Ok(dialling) => {
                let mut dial = Dial {
                    look,
                    dialling,
                    give: &give,
                    given: &given,
                    waiting: HashMap::new(),
                };
                dial.all(targets, &heard, told);
            }
            // Connections are made one by one here: by whoever talks.
            Err(_) => {
                for (at, plan) in targets {
                    given.fetch_add(1, Ordering::Relaxed);
                    let _ = give.send(Call {
                        at,
                        plan,
                        made: None,
                    });
                }
            }
        }
        drop(give);
        heard
            .iter()
            .for_each(|(at, outcome, plan)| told(at, outcome, &plan));
    });
}

/// One talker: takes who is connected, until nobody will be any more.
fn talk(
    look: &Look<'_>,
    take: &Mutex<mpsc::Receiver<Call>>,
    given: &AtomicUsize,
    tell: &mpsc::Sender<(At, Outcome, Plan)>,
) {
    loop {
        let next = take.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Call { at, plan, made }) = next else {
            return;
        };
        given.fetch_sub(1, Ordering::Relaxed);
        let now = look.window.monotonic();
        let fresh = made.filter(|(_, since)| now.saturating_sub(*since) < FRESH);
        let caller = Caller::new(look.world, look.window, look.budget, look.host_name.clone());
        let mut caller = caller.without_restraint(fresh.map(|(stream, _)| stream));
        let outcome = caller.follow(&plan, at.0, at.1);
        // Nobody listens once the look is over.
        let _ = tell.send((at, outcome, plan));
    }
}

/// Who makes the connections.
struct Dial<'a> {
    look: &'a Look<'a>,
    dialling: Dialling<'a>,
    give: &'a mpsc::Sender<Call>,
    /// How many were given to talkers and not taken by one.
    given: &'a AtomicUsize,
    /// Whose connection is being made.
    waiting: HashMap<SocketAddr, Plan>,
}

impl Dial<'_> {
    fn all(
        &mut self,
        targets: BTreeMap<At, Plan>,
        heard: &mpsc::Receiver<(At, Outcome, Plan)>,
        told: &mut dyn FnMut(At, Outcome, &Plan),
    ) {
        let mut next = targets.into_iter().peekable();
        while next.peek().is_some() || self.dialling.under_way() > 0 {
            while self.has_room()
                && let Some((at, plan)) = next.next()
            {
                if let Some(outcome) = self.begin(at, &plan) {
                    told(at, outcome, &plan);
                }
            }
            if let Err(error) = self.hear(told) {
                // Whoever was under way, and the rest, cannot be called any more.
                let left = self.waiting.drain();
                let left = left.map(|(to, plan)| ((to.ip(), Port(to.port())), plan));
                left.chain(next).for_each(|(at, plan)| {
                    told(at, unconnected(&error), &plan);
                });
                return;
            }
            for (at, outcome, plan) in heard.try_iter() {
                told(at, outcome, &plan);
            }
        }
    }

    fn has_room(&self) -> bool {
        let given = self.given.load(Ordering::Relaxed);
        let busy = self.dialling.under_way() + given;
        // With few descriptors it goes one by one, and goes on.
        busy == 0 || (busy < CONNECTIONS_MAX && self.dialling.room() > TALKERS + given)
    }

    /// Begins a connection; what came of it, if that is known at once.
    fn begin(&mut self, at: At, plan: &Plan) -> Option<Outcome> {
        if self.look.window.is_over() {
            let what = "the look ended before its turn";
            return Some(Outcome::Unseen(Reason::BudgetExhausted, what.into()));
        }
        let to = SocketAddr::new(at.0, at.1.0);
        match self.dialling.dial(to) {
            Ok(()) => {
                self.waiting.insert(to, plan.clone());
                None
            }
            Err(error) => Some(unconnected(&error)),
        }
    }

    /// Hands over who is connected, and tells who is not.
    fn hear(&mut self, told: &mut dyn FnMut(At, Outcome, &Plan)) -> io::Result<()> {
        let (waiting, window) = (&mut self.waiting, self.look.window);
        let (give, given) = (self.give, self.given);
        self.dialling.ended(MOMENT, &mut |to, end| {
            let Some(plan) = waiting.remove(&to) else {
                return;
            };
            let at = (to.ip(), Port(to.port()));
            match end {
                Ok(stream) => {
                    given.fetch_add(1, Ordering::Relaxed);
                    let made = Some((stream, window.monotonic()));
                    // It is taken as long as there are talkers.
                    let _ = give.send(Call { at, plan, made });
                }
                Err(error) => told(at, unconnected(&error), &plan),
            }
        })
    }
}
