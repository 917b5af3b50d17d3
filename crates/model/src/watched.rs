//! For how long somebody watched: the arithmetic of looks.
//!
//! Silence is an answer only where somebody listened. A look is a span of time; spans that lie close together are one
//! *stretch*, and what lies between two stretches nobody watched.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::inventory::{Entity, Finding, FindingState, Inventory, VerdictWord};
use crate::{Coverage, EntityId, Gap, Scope, SourceName, Timestamp, Transport};

/// From when until when.
pub type Span = (Timestamp, Timestamp);

/// Longer than this between two looks of a machine's own agent is a gap that a daily job could hide in. A shorter one is
/// bridged, where the machine's own logs tell who called meanwhile, or other days were watched at that hour.
pub const BLIND_MAX: Duration = Duration::from_secs(24 * 3_600);

/// The source that sees connections as they happen, also those of a few milliseconds.
pub const FLOWS: &str = "host.flows";

/// A look that says it lasted longer than this was made by a clock that somebody set meanwhile.
const LOOK_MAX: Duration = Duration::from_secs(24 * 3_600);

const DAY_MILLIS: i64 = 86_400_000;
const WEEK_MILLIS: i64 = 7 * DAY_MILLIS;

/// How a machine's own agent watched the machine's connections: the last stretch of its looks in which it saw everybody who
/// called, without more than a day between two of them. Looks that lost something are no part of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct OwnWatch {
    /// Through what it looked.
    pub source: SourceName,
    /// When the stretch began.
    pub from: Timestamp,
    /// When its last look ended.
    pub to: Timestamp,
    /// How many looks there were.
    pub looks: u64,
    /// Seconds within looks: what was seen as it happened.
    pub seconds: u64,
    /// The longest time between two looks, in seconds.
    pub longest_gap_seconds: u64,
    /// How many seconds of the day, of 86,400, lay within a look on one of the days at least: what calls once a day at the
    /// same time was seen if this is all of them.
    pub day_seconds: u64,
    /// The same of the week, of 604,800.
    pub week_seconds: u64,
}

impl OwnWatch {
    /// The last stretch of these looks; none where nobody looked.
    pub fn of(source: SourceName, looks: &[Span]) -> Option<Self> {
        let is_one = |look: &&Span| look.0 <= look.1 && look.1.since(look.0) <= LOOK_MAX;
        let looks: Vec<Span> = looks.iter().filter(is_one).copied().collect();
        let (from, to) = stretches(looks.clone(), BLIND_MAX).pop()?;
        let counted: Vec<Span> = looks.into_iter().filter(|look| look.1 >= from).collect();
        let many = counted.len();
        let seen = stretches(counted, Duration::ZERO);
        let (seconds, longest_gap_seconds) = within_and_between(&seen);
        Some(Self {
            source,
            from,
            to,
            looks: u64::try_from(many).unwrap_or(u64::MAX),
            seconds,
            longest_gap_seconds,
            day_seconds: round(&seen, DAY_MILLIS),
            week_seconds: round(&seen, WEEK_MILLIS),
        })
    }
}

/// The check that says of which machines their owners may be asked whether they have to be moved at all.
pub const NOBODY_SEEN_TO_USE: &str = "nobody-seen-to-use";

/// Machines that somebody is to be asked about before they are moved, with what was found: findings that stand, and that no
/// person called wrong or lives with. In the order of the register.
pub fn asked_about(inventory: &Inventory) -> impl Iterator<Item = (&Entity, &Finding)> {
    let verdict = |f: &Finding| f.verdict.as_ref().map(|v| v.verdict);
    let stands = move |f: &&Finding| {
        f.check == NOBODY_SEEN_TO_USE
            && f.state == FindingState::Open
            && matches!(verdict(f), None | Some(VerdictWord::Confirmed))
    };
    let findings = inventory.findings.iter().filter(stands);
    findings.filter_map(|finding| {
        let mut subjects = finding.subjects.iter();
        let machine = subjects.find_map(|id| inventory.entity(&EntityId::new(id)))?;
        // Where no watch is told any more, it is no candidate now.
        machine.attributes.watched.as_ref()?;
        Some((machine, finding))
    })
}

/// How many seconds lie within `spans`, and how many in the longest gap between two of them: spans that do not touch, the earliest
/// first, as [`stretches`] gives them.
pub fn within_and_between(spans: &[Span]) -> (u64, u64) {
    let within = spans.iter().map(|(from, to)| to.since(*from).as_secs());
    let gaps = spans.iter().zip(spans.iter().skip(1));
    let between = gaps.map(|((_, end), (begin, _))| begin.since(*end).as_secs());
    (within.sum(), between.max().unwrap_or(0))
}

/// Puts together what lies no further apart than `gap`, the earliest first.
pub fn stretches(mut spans: Vec<Span>, gap: Duration) -> Vec<Span> {
    spans.sort();
    let mut all: Vec<Span> = Vec::new();
    for (from, to) in spans {
        match all.last_mut().filter(|(_, end)| from.since(*end) <= gap) {
            Some((_, end)) => *end = to.max(*end),
            None => all.push((from, to)),
        }
    }
    all
}

/// How many seconds of a clock that turns in `period` milliseconds lie within `spans`, whichever turn it was.
fn round(spans: &[Span], period: i64) -> u64 {
    let mut parts: Vec<(i64, i64)> = Vec::new();
    for (from, to) in spans {
        let lasts = to.millis().saturating_sub(from.millis()).max(0);
        let begin = from.millis().rem_euclid(period);
        let end = begin.saturating_add(lasts);
        match lasts >= period {
            true => parts.push((0, period)),
            false if end > period => parts.extend([(begin, period), (0, end - period)]),
            false => parts.push((begin, end)),
        }
    }
    parts.sort_unstable();
    let mut reached = 0;
    let mut within = 0;
    for (begin, end) in parts {
        within += (end - begin.max(reached)).max(0);
        reached = reached.max(end);
    }
    u64::try_from(within / 1_000).unwrap_or(0)
}

/// Ports of UDP services that [`FLOWS`] listens for besides those the registry names: TFTP, NetBIOS, CLDAP, ISAKMP, older
/// syslog and RADIUS, SLP, IPMI, RPC, L2TP, OpenVPN, NetFlow, sFlow, SIP, WireGuard.
pub const MORE_DATAGRAMS_HEARD: [u16; 20] = [
    69, 111, 137, 138, 389, 427, 500, 520, 623, 1194, 1645, 1646, 1701, 2055, 4500, 4739, 5060,
    6343, 10514, 51820,
];

/// How the coverage of [`FLOWS`] begins where every TCP connection is told, with its program or without.
const EVERY_CONNECTION: &str = "flow coverage: every connection";
/// The same of datagrams to ports of known services.
const EVERY_DATAGRAM: &str = "flow coverage: every datagram";

/// How gaps of [`FLOWS`] begin that hide no caller: which program took part, and how much it carried, is asked by others.
pub const HIDES_NO_CALLER: [&str; 4] = [
    "the programs of connections that begin and end",
    "what a BPF program of groma's own",
    "the bytes of connections",
    "the scripts behind",
];

/// True if a look through [`FLOWS`] that said this of itself saw everybody who called: every connection and every datagram of
/// a known service was told, and nothing was lost. What it cannot say of itself counts as lost.
pub fn saw_every_caller(coverage: &[Coverage], gaps: &[Gap]) -> bool {
    let is_whole = |transport: Transport, begins: &str| {
        let ends = format!("/{transport}");
        let host = Scope::new("flow", &format!("host{ends}"));
        let all = coverage
            .iter()
            .filter(|c| c.scope.as_str().ends_with(&ends));
        let whole = |how: &str| how.starts_with(begins) && !how.contains("sampled");
        // Other networks of the machine are doors to it as well.
        all.clone().any(|c| c.scope == host)
            && all.clone().all(|c| c.how.as_deref().is_some_and(whole))
    };
    let is_harmless = |gap: &Gap| {
        HIDES_NO_CALLER
            .iter()
            .any(|begins| gap.what.starts_with(begins))
    };
    is_whole(Transport::Tcp, EVERY_CONNECTION)
        && is_whole(Transport::Udp, EVERY_DATAGRAM)
        && gaps.iter().all(is_harmless)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CoverageState, Reason};

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_seconds(1_795_132_800 + hours * 3_600)
    }

    fn watch(spans: &[(i64, i64)]) -> Option<OwnWatch> {
        let spans: Vec<Span> = spans
            .iter()
            .map(|(from, to)| (at(*from), at(*to)))
            .collect();
        OwnWatch::of(SourceName::new(FLOWS), &spans)
    }

    #[test]
    fn nobody_looked_and_that_is_no_watch() {
        assert_eq!(watch(&[]), None);
    }

    #[test]
    fn a_gap_of_more_than_a_day_begins_the_watch_anew() {
        let whole = watch(&[(0, 1), (25, 26), (49, 50)]).unwrap();
        assert_eq!((whole.from, whole.to, whole.looks), (at(0), at(50), 3));
        assert_eq!(whole.longest_gap_seconds, 24 * 3_600);
        let broken = watch(&[(0, 1), (26, 27), (49, 50)]).unwrap();
        assert_eq!((broken.from, broken.to, broken.looks), (at(26), at(50), 2));
    }

    #[test]
    fn looks_that_overlap_count_their_time_once_and_in_any_order() {
        let one = watch(&[(0, 2), (1, 3), (10, 11)]).unwrap();
        assert_eq!(one.seconds, 4 * 3_600);
        assert_eq!(one, watch(&[(10, 11), (1, 3), (0, 2)]).unwrap());
    }

    #[test]
    fn office_hours_alone_are_no_whole_day_however_long_they_go_on() {
        let office: Vec<(i64, i64)> = (0..60).map(|day| (day * 24 + 8, day * 24 + 18)).collect();
        let office = watch(&office).unwrap();
        assert_eq!(
            (office.day_seconds, office.week_seconds),
            (10 * 3_600, 70 * 3_600)
        );
        // The same time watched, an hour later each day: a day is whole after a fortnight.
        let wandering: Vec<(i64, i64)> = (0..24).map(|day| (day * 25, day * 25 + 10)).collect();
        assert_eq!(watch(&wandering).unwrap().day_seconds, 86_400);
    }

    #[test]
    fn a_look_over_midnight_is_of_both_ends_of_the_day_and_one_of_two_days_of_all_of_it() {
        assert_eq!(watch(&[(20, 28)]).unwrap().day_seconds, 8 * 3_600);
        let long = watch(&[(5, 29), (29, 53)]).unwrap();
        assert_eq!((long.day_seconds, long.week_seconds), (86_400, 48 * 3_600));
    }

    #[test]
    fn a_look_of_many_days_is_a_clock_that_was_set() {
        assert_eq!(watch(&[(-500_000, 10)]), None);
        let beside = watch(&[(-500_000, 10), (4, 3), (8, 9)]).unwrap();
        assert_eq!((beside.from, beside.looks), (at(8), 1));
    }

    fn said(transport: Transport, how: &str) -> Coverage {
        Coverage {
            scope: Scope::new("flow", &format!("host/{transport}")),
            state: CoverageState::Partial,
            from: at(0),
            to: at(1),
            how: Some(how.to_owned()),
        }
    }

    fn gap(what: &str) -> Gap {
        Gap {
            scope: Scope::new("flow", "host/tcp"),
            what: what.to_owned(),
            reason: Reason::PermissionDenied,
            remedy: None,
        }
    }

    #[test]
    fn a_look_that_lost_something_or_only_sampled_did_not_see_everybody() {
        let tcp = said(
            Transport::Tcp,
            "flow coverage: every connection that ends, short ones without their program; 0 events lost",
        );
        let udp = said(
            Transport::Udp,
            "flow coverage: every datagram to a known service port, and the answers of name servers",
        );
        let both = [tcp.clone(), udp.clone()];
        assert!(saw_every_caller(&both, &[]));
        assert!(saw_every_caller(
            &both,
            &[gap(
                "the programs of connections that begin and end between two looks"
            )]
        ));
        assert!(!saw_every_caller(
            &both,
            &[gap("7 events the kernel had no room for")]
        ));
        assert!(!saw_every_caller(&both[..1], &[]), "nobody heard datagrams");
        let mut other = said(Transport::Tcp, "flow coverage: polled; 60 looks");
        other.scope = Scope::new("flow", "netns-2/tcp");
        let beside = [tcp.clone(), udp.clone(), other];
        assert!(!saw_every_caller(&beside, &[]), "another network of it");
        assert!(!saw_every_caller(&[], &[]));
        let polled = said(
            Transport::Tcp,
            "flow coverage: polled; 60 looks at the socket tables",
        );
        assert!(!saw_every_caller(&[polled, udp.clone()], &[]));
        let sampled = said(
            Transport::Tcp,
            "flow coverage: every connection; sampled: 9 events were too many to take up",
        );
        assert!(!saw_every_caller(&[sampled, udp], &[]));
        let few = said(
            Transport::Udp,
            "flow coverage: sampled, one datagram in sixteen to a known service port",
        );
        assert!(!saw_every_caller(&[tcp, few], &[]));
    }
}
