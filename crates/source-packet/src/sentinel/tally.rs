//! Who knocked where, pure and bounded whatever comes.
//!
//! A conversation is one by the port it is called from: who says his first packet again, because nobody answered, knocks once.
//! An answer to what this machine asked from there itself is no knock. Whoever tries many ports is told as that, in one row.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use groma_model::fact::{Knock, KnockWay};
use groma_model::{Port, Seen, Timestamp, Transport};

use super::known::Known;
use super::packet::Heard;
use crate::wire::is_somebody;

/// Rows that are held at a time.
pub(super) const ROWS_MAX: usize = 65_536;
/// Rows that are told for the first time in an hour, of all addresses together.
pub(super) const NEW_ROWS_PER_HOUR: u64 = 1_000;
/// More ports than a program tries.
pub(super) const PORTS_MAX: usize = 24;
/// Within this time: as long as one look. Who tried many ports once is not taken for a scanner for ever.
const SCAN: Duration = Duration::from_secs(600);
/// What this machine sent from there itself, and waits for an answer to.
const SENT_MAX: usize = 4_096;
/// Hardware addresses that are remembered.
const MACS_MAX: usize = 4_096;
/// A first packet is said again within this time: six times over two minutes.
const AGAIN: Duration = Duration::from_secs(130);

/// Who knocked at which address, and at what.
pub(super) type Row = (IpAddr, IpAddr, KnockWay);

#[derive(Clone, Copy)]
struct Met {
    first: Timestamp,
    last: Timestamp,
    count: u64,
    /// Where the last conversation was called from.
    from: u16,
}

impl Met {
    fn joined(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            count: self.count.saturating_add(other.count),
            from: other.from,
        }
    }
}

/// Everything that was heard so far.
pub(super) struct Tally {
    /// Old addresses, and the ports that are listened for there; none for all.
    posts: BTreeMap<IpAddr, BTreeSet<u16>>,
    known: Known,
    rows: BTreeMap<Row, Met>,
    /// Who tries port after port where, and when that was found last.
    scans: BTreeMap<(IpAddr, IpAddr), Timestamp>,
    sent: BTreeSet<(SocketAddr, SocketAddr)>,
    macs: BTreeMap<IpAddr, [u8; 6]>,
    /// First packets that were heard.
    pub(super) packets: u64,
    /// Those there was no row for.
    pub(super) crowded: u64,
    /// Rows that nobody told of before.
    news: u64,
}

/// What there is to tell in the end.
pub(super) struct Heards {
    /// Rows, sorted.
    pub(super) knocks: Vec<(Knock, Seen)>,
    /// Who said which hardware address it has, of those who knocked.
    pub(super) macs: BTreeMap<IpAddr, [u8; 6]>,
    /// Rows that are not told: more than are told in an hour.
    pub(super) untold: u64,
    /// What is to be known at the next look.
    pub(super) known: Known,
}

impl Tally {
    pub(super) fn new(posts: BTreeMap<IpAddr, BTreeSet<u16>>, known: Known) -> Self {
        Self {
            posts,
            known,
            rows: BTreeMap::new(),
            scans: BTreeMap::new(),
            sent: BTreeSet::new(),
            macs: BTreeMap::new(),
            packets: 0,
            crowded: 0,
            news: 0,
        }
    }

    /// True if somebody knocked of whom nobody told before, and may be told now.
    pub(super) fn has_news(&self, now: Timestamp) -> bool {
        self.news > 0 && self.known.left(now) > 0
    }

    pub(super) fn take(&mut self, heard: Heard, moment: Timestamp) {
        match heard {
            Heard::Sent { from, to } if self.posts.contains_key(&from.ip()) => {
                if self.sent.len() >= SENT_MAX {
                    self.sent.clear();
                }
                self.sent.insert((from, to));
            }
            Heard::Sent { .. } => {}
            Heard::Has { address, mac } => {
                if self.macs.len() < MACS_MAX {
                    self.macs.insert(address, mac);
                }
            }
            Heard::Begins { by, at, from, way } => self.begins((at, by, way), from, moment),
        }
    }

    fn begins(&mut self, (at, by, way): Row, from: u16, moment: Timestamp) {
        let Some(ports) = self.posts.get(&at) else {
            return;
        };
        let is_meant = match way {
            KnockWay::Port { port, .. } => ports.is_empty() || ports.contains(&port.0),
            KnockWay::Echo | KnockWay::ManyPorts => ports.is_empty(),
        };
        if !is_meant || by == at || !is_somebody(by) || self.is_answer(at, by, way, from) {
            return;
        }
        self.packets = self.packets.saturating_add(1);
        let (row, many) = ((at, by, way), (at, by, KnockWay::ManyPorts));
        // A port that was told for itself stays told, whatever else he tries.
        let is_scan = way != KnockWay::Echo && !self.known.holds(&row);
        let row = match is_scan && self.is_scanning(at, by, moment) {
            true => many,
            false => row,
        };
        if self.enter(row, from, moment) && self.ports(at, by, moment) > PORTS_MAX {
            self.fold(at, by, moment);
        }
    }

    fn is_answer(&self, at: IpAddr, by: IpAddr, way: KnockWay, from: u16) -> bool {
        let KnockWay::Port {
            port,
            transport: Transport::Udp,
        } = way
        else {
            return false;
        };
        let sent = (SocketAddr::new(at, port.0), SocketAddr::new(by, from));
        self.sent.contains(&sent)
    }

    /// True if there was no such row in this look.
    fn enter(&mut self, row: Row, from: u16, moment: Timestamp) -> bool {
        if let Some(met) = self.rows.get_mut(&row) {
            let is_one_port = row.2 != KnockWay::ManyPorts;
            let is_again = is_one_port && met.from == from && moment.since(met.last) < AGAIN;
            met.count = met.count.saturating_add(u64::from(!is_again));
            met.last = met.last.max(moment);
            met.from = from;
            return false;
        }
        if self.rows.len() >= ROWS_MAX {
            self.crowded = self.crowded.saturating_add(1);
            return false;
        }
        self.news = self.news.saturating_add(u64::from(!self.known.holds(&row)));
        let met = Met {
            first: moment,
            last: moment,
            count: 1,
            from,
        };
        self.rows.insert(row, met);
        true
    }

    /// True if he tries port after port, and not only did so once.
    fn is_scanning(&self, at: IpAddr, by: IpAddr, now: Timestamp) -> bool {
        let scanned = self.scans.get(&(at, by));
        scanned.is_some_and(|since| now.since(*since) <= SCAN)
    }

    /// How many ports of `at` somebody tried of late, as far as it is known.
    fn ports(&self, at: IpAddr, by: IpAddr, now: Timestamp) -> usize {
        let met = self.rows.range(ports_of(at, by));
        let met = met.filter(|(_, met)| now.since(met.last) <= SCAN);
        let before = self.known.within(ports_of(at, by));
        let before = before.filter(|(_, last)| now.since(**last) <= SCAN);
        let rows = met.map(|(row, _)| row).chain(before.map(|(row, _)| row));
        rows.collect::<BTreeSet<_>>().len()
    }

    /// Makes one row of all ports that somebody tried of late, but for those that were told before.
    fn fold(&mut self, at: IpAddr, by: IpAddr, now: Timestamp) {
        let of_it: Vec<Row> = self
            .rows
            .range(ports_of(at, by))
            .filter(|(row, met)| now.since(met.first) <= SCAN && !self.known.holds(row))
            .map(|(row, _)| *row)
            .collect();
        let met = of_it.iter().filter_map(|row| self.rows.remove(row));
        let Some(all) = met.reduce(Met::joined) else {
            return;
        };
        let many = (at, by, KnockWay::ManyPorts);
        let known = self.rows.get(&many).copied();
        let all = known.map_or(all, |known| known.joined(all));
        self.rows.insert(many, all);
        self.scans.insert((at, by), now);
    }

    /// Tells what there is: whom nobody told of before only up to so many an hour, the first ones first.
    pub(super) fn end(mut self, now: Timestamp) -> Heards {
        let mut rows: Vec<(Row, Met)> = std::mem::take(&mut self.rows).into_iter().collect();
        rows.sort_by_key(|(row, met)| (met.first, *row));
        let mut left = self.known.left(now);
        let mut untold = 0;
        let mut told = BTreeMap::new();
        for (row, met) in rows {
            let is_new = !self.known.holds(&row);
            if is_new && left == 0 {
                untold += 1;
                continue;
            }
            left -= u64::from(is_new);
            self.known.told(row, met.last, now);
            told.insert(row, met);
        }
        let by: BTreeSet<IpAddr> = told.keys().map(|(_, by, _)| *by).collect();
        self.macs.retain(|address, _| by.contains(address));
        let knock = |((at, by, way), met): (Row, Met)| {
            let seen = Seen::between(met.first, met.last, met.count);
            (Knock { at, by, way }, seen)
        };
        Heards {
            knocks: told.into_iter().map(knock).collect(),
            macs: self.macs,
            untold,
            known: self.known,
        }
    }
}

/// All ports of `at` that `by` may have tried.
fn ports_of(at: IpAddr, by: IpAddr) -> std::ops::RangeInclusive<Row> {
    let way = |port: u16, transport| KnockWay::Port {
        port: Port(port),
        transport,
    };
    let (low, high) = match Transport::Tcp < Transport::Udp {
        true => (Transport::Tcp, Transport::Udp),
        false => (Transport::Udp, Transport::Tcp),
    };
    (at, by, way(0, low))..=(at, by, way(u16::MAX, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: i64 = 1_795_250_400;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(BEGIN + seconds)
    }

    fn old() -> IpAddr {
        [10, 0, 0, 5].into()
    }

    fn caller(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    fn tally() -> Tally {
        Tally::new([(old(), BTreeSet::new())].into(), Known::default())
    }

    fn tcp(by: IpAddr, from: u16, port: u16) -> Heard {
        Heard::Begins {
            by,
            at: old(),
            from,
            way: KnockWay::Port {
                port: Port(port),
                transport: Transport::Tcp,
            },
        }
    }

    fn udp(by: IpAddr, from: u16, port: u16) -> Heard {
        Heard::Begins {
            by,
            at: old(),
            from,
            way: KnockWay::Port {
                port: Port(port),
                transport: Transport::Udp,
            },
        }
    }

    fn lines(tally: Tally) -> Vec<String> {
        let told = tally.end(at(3_000)).knocks;
        let line = |(knock, seen): (Knock, Seen)| {
            let way = match knock.way {
                KnockWay::Port { port, transport } => format!("{port}/{transport}"),
                KnockWay::Echo => "echo".to_owned(),
                KnockWay::ManyPorts => "many".to_owned(),
            };
            format!("{} {way} x{}", knock.by, seen.count)
        };
        told.into_iter().map(line).collect()
    }

    #[test]
    fn a_first_packet_that_is_said_again_is_one_knock() {
        let mut told = tally();
        for seconds in [0, 1, 3, 7, 15, 31, 63] {
            told.take(tcp(caller(7), 40_000, 389), at(seconds));
        }
        told.take(tcp(caller(7), 40_001, 389), at(70));
        assert_eq!(lines(told), ["10.0.0.7 389/tcp x2"]);
    }

    #[test]
    fn an_answer_to_what_this_machine_asked_is_no_knock() {
        let mut told = tally();
        told.take(
            Heard::Sent {
                from: SocketAddr::new(old(), 50_000),
                to: SocketAddr::new(caller(53), 53),
            },
            at(0),
        );
        told.take(udp(caller(53), 53, 50_000), at(1));
        // Another port of the same machine was not asked.
        told.take(udp(caller(53), 1053, 161), at(2));
        assert_eq!(lines(told), ["10.0.0.53 161/udp x1"]);
    }

    #[test]
    fn other_addresses_oneself_and_nobody_do_not_knock() {
        let mut told = tally();
        let elsewhere = Heard::Begins {
            by: caller(7),
            at: caller(9),
            from: 1,
            way: KnockWay::Echo,
        };
        told.take(elsewhere, at(0));
        for nobody in [old(), [0, 0, 0, 0].into(), [224, 0, 0, 1].into()] {
            told.take(tcp(nobody, 1, 389), at(0));
        }
        told.take(
            Heard::Has {
                address: caller(8),
                mac: [2; 6],
            },
            at(1),
        );
        assert!(!told.has_news(at(2)), "a question for an address is none");
        let told = told.end(at(3));
        assert!(told.knocks.is_empty() && told.macs.is_empty());
    }

    #[test]
    fn who_tries_every_port_is_one_row_and_his_neighbour_keeps_his_own() {
        let mut told = tally();
        for port in 1..=u16::MAX {
            told.take(tcp(caller(66), 40_000, port), at(i64::from(port) / 100));
        }
        told.take(tcp(caller(7), 40_000, 389), at(5));
        told.take(tcp(caller(7), 40_000, 636), at(6));
        assert_eq!(told.rows.len(), 3);
        assert_eq!(
            lines(told),
            [
                "10.0.0.7 389/tcp x1",
                "10.0.0.7 636/tcp x1",
                "10.0.0.66 many x65535"
            ]
        );
    }

    #[test]
    fn a_scan_over_several_looks_is_one_all_the_same() {
        let mut known = Known::default();
        for look in 0..4_u16 {
            let mut told = Tally::new([(old(), BTreeSet::new())].into(), known);
            for port in 0..10 {
                told.take(
                    tcp(caller(66), 1, 100 + look * 10 + port),
                    at(i64::from(look)),
                );
            }
            let end = told.end(at(i64::from(look)));
            let many = end.knocks.iter().any(|(k, _)| k.way == KnockWay::ManyPorts);
            assert_eq!(many, look >= 2, "{look}");
            assert!(end.knocks.len() <= 10);
            known = end.known;
        }
    }

    #[test]
    fn who_scanned_once_and_calls_one_port_later_is_told_by_that_port() {
        let tally = |known| Tally::new([(old(), BTreeSet::new())].into(), known);
        let ways = |end: &Heards| end.knocks.iter().map(|(k, _)| k.way).collect::<Vec<_>>();
        let way = |port| KnockWay::Port {
            port: Port(port),
            transport: Transport::Tcp,
        };
        let mut scan = tally(Known::default());
        for port in 0..1_000 {
            scan.take(tcp(caller(66), 1, 100 + port), at(0));
        }
        let end = scan.end(at(1));
        assert_eq!(ways(&end), [KnockWay::ManyPorts]);
        // The next look, though it was a port of the scan.
        let mut later = tally(end.known);
        later.take(tcp(caller(66), 2, 389), at(10));
        let end = later.end(at(11));
        assert_eq!(ways(&end), [way(389)]);
        // He scans again: what was told for itself is told so again, and the rest is one row.
        let mut again = tally(end.known);
        for port in 0..1_000 {
            again.take(tcp(caller(66), 3, 100 + port), at(90_000));
        }
        let end = again.end(at(90_001));
        assert_eq!(ways(&end), [way(389), KnockWay::ManyPorts]);
        // In a look that lasts long, too, a scan ends at some time.
        let mut long = tally(Known::default());
        for port in 0..1_000 {
            long.take(tcp(caller(66), 1, 100 + port), at(0));
        }
        long.take(tcp(caller(66), 2, 389), at(500));
        long.take(tcp(caller(66), 3, 389), at(700));
        assert_eq!(ways(&long.end(at(701))), [way(389), KnockWay::ManyPorts]);
        // Nor is a port swallowed that was called long before it.
        let mut before = tally(Known::default());
        before.take(tcp(caller(66), 2, 389), at(0));
        for port in 0..1_000 {
            before.take(tcp(caller(66), 1, 1_000 + port), at(700));
        }
        assert_eq!(ways(&before.end(at(701))), [way(389), KnockWay::ManyPorts]);
    }

    #[test]
    fn only_ports_that_were_named_count_where_some_were() {
        let mut told = Tally::new([(old(), BTreeSet::from([389]))].into(), Known::default());
        told.take(tcp(caller(7), 1, 389), at(0));
        told.take(tcp(caller(7), 2, 25), at(0));
        assert_eq!(lines(told), ["10.0.0.7 389/tcp x1"]);
    }

    #[test]
    fn whom_nobody_ever_heard_of_is_news_and_he_who_comes_again_is_none() {
        let mut told = tally();
        assert!(!told.has_news(at(0)));
        told.take(tcp(caller(7), 1, 389), at(0));
        assert!(told.has_news(at(1)));
        let known = told.end(at(1)).known;
        let mut again = Tally::new([(old(), BTreeSet::new())].into(), known);
        again.take(tcp(caller(7), 2, 389), at(60));
        assert!(!again.has_news(at(61)));
        again.take(tcp(caller(7), 3, 25), at(62));
        assert!(again.has_news(at(63)), "another port is");
    }

    #[test]
    fn a_flood_of_invented_callers_is_bounded_and_said() {
        let mut told = tally();
        for n in 0..200_000_u32 {
            let by = IpAddr::from(std::net::Ipv4Addr::from(0x0b00_0000 + n));
            told.take(tcp(by, 1, 80), at(0));
        }
        assert_eq!(told.rows.len(), ROWS_MAX);
        let crowded = told.crowded;
        assert_eq!(usize::try_from(crowded).unwrap(), 200_000 - ROWS_MAX);
        let end = told.end(at(1));
        assert_eq!(end.knocks.len() as u64, NEW_ROWS_PER_HOUR);
        assert_eq!(end.untold, ROWS_MAX as u64 - NEW_ROWS_PER_HOUR);
        // Within the hour nobody new is told, nor hurries anybody; whoever was told is told again.
        let mut next = Tally::new([(old(), BTreeSet::new())].into(), end.known);
        next.take(tcp(caller(7), 1, 80), at(2));
        next.take(tcp([11, 0, 0, 0].into(), 1, 80), at(2));
        assert!(!next.has_news(at(2)));
        let end = next.end(at(3));
        assert_eq!((end.knocks.len(), end.untold), (1, 1));
        let mut later = Tally::new([(old(), BTreeSet::new())].into(), end.known);
        later.take(tcp(caller(7), 1, 80), at(3_700));
        assert!(later.has_news(at(3_700)));
    }
}
