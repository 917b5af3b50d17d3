//! How well connections can be watched on this machine, found out by trying, and said in words.

use groma_model::{CoverageState, Gap, Reason, Transport};
use groma_source::{Sink, Window};

use crate::tier::Tier;

use super::tally::scope;
use super::watch::Watch;

/// What the watch of a look came to, for the coverage of each network.
pub(crate) fn say(watch: &Watch<'_>, window: &Window, sink: &mut dyn Sink) {
    for room in &watch.rooms {
        for transport in [Transport::Tcp, Transport::Udp] {
            let how = match transport {
                Transport::Tcp => tcp(watch),
                Transport::Udp => udp(watch, room.hears_names_since.is_some()),
            };
            sink.covered(groma_model::Coverage {
                scope: scope(&room.label, transport),
                // What was not seen in a while may be seen in the next one: never complete.
                state: CoverageState::Partial,
                from: window.started(),
                to: window.now(),
                how: Some(how),
            });
        }
    }
    for gap in gaps(watch) {
        sink.missed(gap);
    }
}

fn tcp(watch: &Watch<'_>) -> String {
    let counts = &watch.counts;
    let mut text = format!("flow coverage: {}", watch.tier.word());
    match watch.tier {
        Tier::EveryConnection | Tier::EveryConnectionByProgram => text.push_str(&format!(
            "; {} of {} that ended were seen to begin ({})",
            counts.ends_known,
            counts.ends,
            percent(counts.ends_known, counts.ends)
        )),
        Tier::EveryEnd => {
            text.push_str("; beginnings are not told, so how many were missed is not measured")
        }
        Tier::Polled => text.push_str(&format!(
            "; {} looks at the socket tables, so how many were missed is not measured",
            watch.samples
        )),
    }
    let (all, named) = (
        watch.tally.connections,
        watch.tally.connections.saturating_sub(watch.tally.nameless),
    );
    text.push_str(&format!(
        "; {named} of {all} with their program ({})",
        percent(named, all)
    ));
    if watch.tier != Tier::Polled {
        text.push_str(&format!("; {} events lost", counts.lost));
    }
    if let Some((_, error)) = watch
        .why_not
        .iter()
        .find(|(tier, _)| *tier == Tier::EveryConnection && !watch.tier.tells_calls())
    {
        text.push_str(&format!("; no better way: {}", why(error)));
    }
    if counts.skipped > 0 || watch.tally.left_out > 0 {
        let out = counts.skipped.saturating_add(watch.tally.left_out);
        text.push_str(&format!("; sampled: {out} events were too many to take up"));
    }
    text
}

fn udp(watch: &Watch<'_>, heard: bool) -> String {
    match (heard, watch.counts.datagrams_sampled) {
        (true, false) => "flow coverage: every datagram to a known service port, and the answers of name servers".to_owned(),
        (true, true) => "flow coverage: sampled, one datagram in sixteen to a known service port, and the answers of name servers".to_owned(),
        (false, _) => format!("flow coverage: polled; {} looks at the socket tables", watch.samples),
    }
}

/// A share in percent, with one place; rounded down, so that 100 means all.
fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "nothing to measure".to_owned();
    }
    let tenths = u128::from(part.min(whole)) * 1000 / u128::from(whole);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

fn gaps(watch: &Watch<'_>) -> Vec<Gap> {
    let counts = &watch.counts;
    let tcp = || scope("host", Transport::Tcp);
    let mut gaps = Vec::new();
    let mut say = |scope, what: String, reason, remedy: &str| {
        gaps.push(Gap {
            scope,
            what,
            reason,
            remedy: (!remedy.is_empty()).then(|| remedy.to_owned()),
        });
    };
    for (tier, error) in &watch.why_not {
        // Two ways tell the same: where one of them does, nothing is missing; and one that was not built is no news.
        let not_built = error.kind() == std::io::ErrorKind::Unsupported;
        if tier.tells_calls() && watch.tier.tells_calls()
            || *tier == Tier::EveryConnectionByProgram && not_built
        {
            continue;
        }
        let (mut what, mut remedy) = without(*tier);
        if error.to_string() == IN_A_CONTAINER {
            remedy = LEAVE_THE_CONTAINER;
        }
        if *tier == Tier::EveryEnd && watch.tier.tells_calls() {
            what = "the bytes of connections";
        }
        let what = format!("{what}: {}", why(error));
        say(tcp(), what, Reason::of_io(error), remedy);
    }
    if watch
        .rooms
        .first()
        .is_some_and(|room| room.hears_names_since.is_none())
    {
        say(
            scope("host", Transport::Udp),
            "datagrams without a socket of their own, and the names that were looked up".to_owned(),
            Reason::PermissionDenied,
            "run as root, or with CAP_NET_RAW",
        );
    }
    if counts.lost > 0 {
        let what = format!("{} events the kernel had no room for", counts.lost);
        say(
            tcp(),
            what,
            Reason::BudgetExhausted,
            "look again when the machine is less busy",
        );
    }
    if counts.skipped > 0 || watch.tally.left_out > 0 {
        let out = counts.skipped.saturating_add(watch.tally.left_out);
        let what = format!("{out} connections or events beyond what is taken up at once");
        say(
            tcp(),
            what,
            Reason::BudgetExhausted,
            "raise observations_max",
        );
    }
    if counts.malformed > 0 {
        let what = format!("{} events of the kernel", counts.malformed);
        say(tcp(), what, Reason::Malformed, "");
    }
    if counts.elsewhere > 0 {
        let what = format!(
            "{} connections in networks groma was not let into, or that were gone too soon",
            counts.elsewhere
        );
        say(tcp(), what, Reason::Vanished, "");
    }
    if watch.identity.stuck() > 0 {
        let what = format!(
            "the scripts behind {} calls: the interpreter hangs, and its command line does not answer",
            watch.identity.stuck()
        );
        let remedy = "see which process is in state D and what it waits for; then look again";
        say(tcp(), what, Reason::TimedOut, remedy);
    }
    if counts.rooms_left_out > 0 {
        let what = "the networks of some containers".to_owned();
        say(tcp(), what, Reason::BudgetExhausted, "");
    }
    if let Some(reason) = &counts.unreadable {
        say(
            tcp(),
            "the process and socket tables below /proc".to_owned(),
            reason.clone(),
            "mount /proc where groma runs",
        );
    }
    gaps
}

/// Why a trace is not opened where its task numbers mean somebody else.
pub(crate) const IN_A_CONTAINER: &str = "groma runs in a process namespace of its own (a container), and the kernel's trace numbers tasks by those of the host";

const LEAVE_THE_CONTAINER: &str = "run groma as root on the host itself, or in the host's process namespace (podman, docker: --pid=host; Kubernetes: hostPID: true)";

/// Why a way of watching cannot be had, in a few words.
fn why(error: &std::io::Error) -> String {
    match error.get_ref() {
        Some(own) => own.to_string(),
        None => Reason::of_io(error).to_string(),
    }
}

/// What is not seen without a tier, and what would give it.
fn without(tier: Tier) -> (&'static str, &'static str) {
    match tier {
        Tier::EveryConnection => (
            "the programs of connections that begin and end between two looks at the socket tables",
            "run as root outside any container, on Linux 4.16 or later with tracefs (not in lockdown mode \"confidentiality\")",
        ),
        Tier::EveryConnectionByProgram => (
            "what a BPF program of groma's own would have told in place of the trace",
            "allow groma CAP_BPF and CAP_PERFMON, on Linux 5.8 or later with BTF (not in lockdown mode \"confidentiality\")",
        ),
        _ => (
            "connections that begin and end between two looks at the socket tables, and the bytes of all",
            "allow NETLINK_SOCK_DIAG and its groups (Linux 4.2 or later), or load tcp_diag",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groma_model::watched::saw_every_caller;
    use groma_model::{Coverage, Timestamp};

    /// What a machine was watched for rests on the words of this file: whoever changes one of them changes both.
    #[test]
    fn every_tier_that_tells_who_called_is_known_by_its_words_and_what_it_lacks_hides_no_caller() {
        let said = |transport, how: String| Coverage {
            scope: scope("host", transport),
            state: CoverageState::Partial,
            from: Timestamp::from_seconds(0),
            to: Timestamp::from_seconds(1),
            how: Some(how),
        };
        let datagrams = "flow coverage: every datagram to a known service port, and the answers of name servers";
        let lacks = |tiers: &[Tier]| -> Vec<Gap> {
            let each = tiers.iter();
            each.map(|tier| Gap {
                scope: scope("host", Transport::Tcp),
                what: format!("{}: refused", without(*tier).0),
                reason: Reason::PermissionDenied,
                remedy: None,
            })
            .collect()
        };
        let whole = |tier: Tier, lacking: &[Tier]| {
            let tcp = said(
                Transport::Tcp,
                format!("flow coverage: {}; 0 events lost", tier.word()),
            );
            let udp = said(Transport::Udp, datagrams.to_owned());
            saw_every_caller(&[tcp, udp], &lacks(lacking))
        };
        assert!(whole(Tier::EveryConnection, &[]));
        assert!(whole(
            Tier::EveryConnectionByProgram,
            &[Tier::EveryConnection]
        ));
        assert!(whole(
            Tier::EveryEnd,
            &[Tier::EveryConnection, Tier::EveryConnectionByProgram]
        ));
        assert!(!whole(Tier::Polled, &[]));
        assert!(
            !whole(Tier::EveryConnection, &[Tier::EveryEnd]),
            "what begins and ends unseen"
        );
    }

    #[test]
    fn a_share_is_never_rounded_up_to_all() {
        assert_eq!(percent(9_999, 10_000), "99.9 %");
        assert_eq!(percent(10_000, 10_000), "100.0 %");
        assert_eq!(percent(0, 7), "0.0 %");
        assert_eq!(percent(0, 0), "nothing to measure");
    }
}
