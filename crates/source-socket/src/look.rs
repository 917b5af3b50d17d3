//! A look at this machine's sockets: samples until the watch is over, then facts, gaps and coverage.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use groma_model::{CoverageState, Gap, Reason, Scope, Transport};
use groma_source::{Budget, Sink, SinkExt, Window, World};

use crate::sample::{Sample, Sampler};
use crate::socket::EphemeralPorts;
use crate::tally::{Tally, connections_scope, listeners_scope, port_scope};

/// Shortest time between two samples.
const INTERVAL: Duration = Duration::from_secs(1);
/// A sample may take this share of the time to the next: one twentieth, and on a machine with many sockets one
/// two-hundredth; what comes and goes meanwhile is told as it happens (`host.flows`).
const SHARE: u32 = 20;
const SHARE_OF_MANY: u32 = 200;
/// So many sockets are many.
const MANY: usize = 2_000;

/// Looks, and tells `sink`.
pub(crate) fn look(world: &World, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
    let mut sampler = Sampler::new(world.clone());
    let tally = Tally::new(ephemeral_ports(world), budget.observations_max);
    let mut tally = tally.with_ends(keeps_a_minute(world));
    let mut trouble = Trouble::default();
    watch(&mut sampler, &mut tally, &mut trouble, window, budget);
    for observation in tally.observations(&sampler) {
        sink.saw(observation);
    }
    for gap in trouble.gaps(&tally) {
        sink.missed(gap);
    }
    cover(&tally, &trouble, window, sink);
}

/// The ports this machine gives to callers.
pub(crate) fn ephemeral_ports(world: &World) -> EphemeralPorts {
    let file = world
        .disk
        .read(Path::new("/proc/sys/net/ipv4/ip_local_port_range"), 4096);
    file.ok()
        .and_then(|file| EphemeralPorts::parse(&file.bytes))
        .unwrap_or_default()
}

/// True if a connection that is over stays in the table for the minute of Linux. Some vendors' kernels have a setting for it, and
/// with another one nothing tells when a connection ended.
pub(crate) fn keeps_a_minute(world: &World) -> bool {
    let setting = Path::new("/proc/sys/net/ipv4/tcp_tw_timeout");
    let Ok(file) = world.disk.read(setting, 64) else {
        return true;
    };
    file.bytes.trim_ascii() == b"60"
}

/// Takes a sample at once, and more until the watch or the window is over.
fn watch(
    sampler: &mut Sampler,
    tally: &mut Tally,
    trouble: &mut Trouble,
    window: &Window,
    budget: &Budget,
) {
    let begin = window.monotonic();
    loop {
        let before = window.monotonic();
        let share;
        match sampler.sample(window, budget) {
            Ok(sample) => {
                let sockets = sample.places.iter().map(|place| place.rows.sockets.len());
                share = if sockets.sum::<usize>() < MANY {
                    SHARE
                } else {
                    SHARE_OF_MANY
                };
                tally.add(&sample, sampler, window.now());
                trouble.note(&sample);
            }
            Err(error) => {
                trouble.unreadable = Some(Reason::of_io(&error));
                return;
            }
        }
        let now = window.monotonic();
        let left = window.watch().saturating_sub(now.saturating_sub(begin));
        if left.is_zero() || window.is_over() {
            return;
        }
        let pause = now
            .saturating_sub(before)
            .saturating_mul(share)
            .max(INTERVAL);
        window.sleep(pause.min(left));
        if window.is_over() {
            return;
        }
    }
}

/// What went wrong, over all samples: each thing is said once.
#[derive(Debug, Default)]
struct Trouble {
    unreadable: Option<Reason>,
    from_text: bool,
    cut: bool,
    denied_namespaces: u64,
    stuck: u64,
    missing: BTreeMap<(String, Transport), Reason>,
    malformed: BTreeMap<(String, Transport), u64>,
    too_many: BTreeSet<(String, Transport)>,
}

impl Trouble {
    fn note(&mut self, sample: &Sample) {
        self.from_text |= sample.from_text;
        self.cut |= sample.cut;
        self.denied_namespaces = self.denied_namespaces.max(sample.denied_namespaces);
        self.stuck = self.stuck.max(sample.stuck);
        for place in &sample.places {
            let at = || (place.namespace.clone(), place.transport);
            if let Some(reason) = &place.missing {
                self.missing.insert(at(), reason.clone());
            }
            if place.rows.malformed > 0 {
                let worst = self.malformed.entry(at()).or_default();
                *worst = place.rows.malformed.max(*worst);
            }
            if place.rows.cut {
                self.too_many.insert(at());
            }
        }
    }

    fn gaps(&self, tally: &Tally) -> Vec<Gap> {
        let mut gaps = Vec::new();
        let mut say = |scope: Scope, what: String, reason: Reason, remedy: Option<&str>| {
            gaps.push(Gap {
                scope,
                what,
                reason,
                remedy: remedy.map(str::to_owned),
            });
        };
        let host = || Scope::new("socket", "host");
        let tables = |(namespace, transport): &(String, Transport)| {
            Scope::new("socket", &format!("{namespace}/{transport}"))
        };
        if let Some(reason) = &self.unreadable {
            say(
                host(),
                "the process and socket tables below /proc".into(),
                reason.clone(),
                Some("mount /proc where groma runs"),
            );
        }
        if tally.hidden > 0 || self.denied_namespaces > 0 {
            let what = format!(
                "the programs behind {} sockets, and whether {} processes have a network of their own",
                tally.hidden, self.denied_namespaces
            );
            let remedy =
                "run as root with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, outside any container";
            say(host(), what, Reason::PermissionDenied, Some(remedy));
        }
        if tally.unheld_listeners > 0 {
            let what = format!(
                "the programs behind {} listeners: the kernel itself holds them (NFS, tunnels), or a process outside this process table",
                tally.unheld_listeners
            );
            say(host(), what, Reason::NotPresent, None);
        }
        if self.stuck > 0 {
            let what = format!(
                "the scripts {} interpreters run: each hangs, and its command line does not answer (ps would wait as well)",
                self.stuck
            );
            say(
                host(),
                what,
                Reason::TimedOut,
                Some("see which process is in state D and what it waits for; then look again"),
            );
        }
        if self.from_text {
            let what = "the kernel's socket diagnostics; the text tables below /proc/net were read instead".to_owned();
            say(
                host(),
                what,
                Reason::Unsupported,
                Some(
                    "allow NETLINK_SOCK_DIAG, or load tcp_diag and udp_diag; nothing is lost but time",
                ),
            );
        }
        if self.cut || tally.cut {
            say(
                host(),
                "some sockets or their programs".into(),
                Reason::BudgetExhausted,
                Some("give the look more time or a larger budget"),
            );
        }
        for (at, reason) in &self.missing {
            say(
                tables(at),
                "part of the socket table".into(),
                reason.clone(),
                None,
            );
        }
        for (at, rows) in &self.malformed {
            say(
                tables(at),
                format!("{rows} rows of the socket table"),
                Reason::Malformed,
                None,
            );
        }
        for at in &self.too_many {
            say(
                tables(at),
                "sockets beyond the budget of one sample".into(),
                Reason::TooLarge,
                Some("raise sockets_max"),
            );
        }
        gaps
    }
}

/// A listener that was not seen is gone, if the tables were read whole; a port whose program is hidden makes
/// a hole of its own. Of connections a sample never says that: most of them live between samples.
fn cover(tally: &Tally, trouble: &Trouble, window: &Window, sink: &mut dyn Sink) {
    let ended_early = trouble.cut || tally.cut || trouble.unreadable.is_some();
    for ((namespace, transport), quality) in &tally.quality {
        let whole = !quality.table_cut && !ended_early;
        let state = if whole {
            CoverageState::Complete
        } else {
            CoverageState::Partial
        };
        sink.covered_now(window, &listeners_scope(namespace, *transport), state);
        for port in &quality.hidden_ports {
            let scope = port_scope(namespace, *transport, *port);
            sink.covered_now(window, &scope, CoverageState::Partial);
        }
        let scope = connections_scope(namespace, *transport);
        sink.covered_now(window, &scope, CoverageState::Partial);
    }
    if tally.quality.is_empty() {
        sink.covered_now(
            window,
            &Scope::new("socket", "host"),
            CoverageState::Partial,
        );
    }
}
