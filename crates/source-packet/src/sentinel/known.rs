//! Whom a sentinel told of before, and how many in this hour: kept from one look to the next, so that a new caller is known as
//! one and a flood is told once.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use groma_model::fact::KnockWay;
use groma_model::{Port, Timestamp, Transport};

use super::tally::{NEW_ROWS_PER_HOUR, Row};

/// Rows that are remembered: those that knocked last.
const KNOWN_MAX: usize = 4_096;
/// The first line; whatever else stands there is of another time.
const HEADING: &str = "sentinel 1";
const HOUR_MS: i64 = 3_600_000;

/// What is known from before.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Known {
    rows: BTreeMap<Row, Timestamp>,
    /// Which hour it is, counted from 1970, and how many were told for the first time in it.
    hour: i64,
    told: u64,
}

impl Known {
    /// Reads what [`Known::lines`] wrote; what is not understood is not known.
    pub(super) fn read(text: &str) -> Self {
        let mut lines = text.lines();
        let mut known = Self::default();
        if lines.next() != Some(HEADING) {
            return known;
        }
        for line in lines.take(KNOWN_MAX + 1) {
            let words: Vec<&str> = line.split(' ').collect();
            match *words.as_slice() {
                ["hour", hour, told] => {
                    if let (Ok(hour), Ok(told)) = (hour.parse(), told.parse()) {
                        (known.hour, known.told) = (hour, told);
                    }
                }
                ["row", at, by, way, last] => known.rows.extend(row(at, by, way, last)),
                _ => {}
            }
        }
        known
    }

    /// A heading, the hour, and a line for each row.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut rows: Vec<(&Row, &Timestamp)> = self.rows.iter().collect();
        rows.sort_by_key(|(row, last)| (std::cmp::Reverse(**last), **row));
        let mut lines = vec![
            HEADING.to_owned(),
            format!("hour {} {}", self.hour, self.told),
        ];
        let rows = rows.into_iter().take(KNOWN_MAX);
        lines.extend(rows.map(|((at, by, way), last)| {
            let way = match way {
                KnockWay::Port { port, transport } => format!("{port}/{transport}"),
                KnockWay::Echo => "echo".to_owned(),
                KnockWay::ManyPorts => "many".to_owned(),
            };
            format!("row {at} {by} {way} {}", last.millis().div_euclid(1_000))
        }));
        lines
    }

    pub(super) fn holds(&self, row: &Row) -> bool {
        self.rows.contains_key(row)
    }

    /// Those of `rows` that were told, and when they knocked last.
    pub(super) fn within(
        &self,
        rows: RangeInclusive<Row>,
    ) -> impl Iterator<Item = (&Row, &Timestamp)> {
        self.rows.range(rows)
    }

    /// How many more may be told for the first time in this hour.
    pub(super) fn left(&self, now: Timestamp) -> u64 {
        let told = match hour_of(now) == self.hour {
            true => self.told,
            false => 0,
        };
        NEW_ROWS_PER_HOUR.saturating_sub(told)
    }

    /// Writes down that a row is told.
    pub(super) fn told(&mut self, row: Row, last: Timestamp, now: Timestamp) {
        if hour_of(now) != self.hour {
            (self.hour, self.told) = (hour_of(now), 0);
        }
        let is_new = self.rows.insert(row, last).is_none();
        self.told = self.told.saturating_add(u64::from(is_new));
    }
}

fn hour_of(now: Timestamp) -> i64 {
    now.millis().div_euclid(HOUR_MS)
}

fn row(at: &str, by: &str, way: &str, last: &str) -> Option<(Row, Timestamp)> {
    let (at, by): (IpAddr, IpAddr) = (at.parse().ok()?, by.parse().ok()?);
    let way = match way {
        "echo" => KnockWay::Echo,
        "many" => KnockWay::ManyPorts,
        port => {
            let (port, transport) = port.split_once('/')?;
            let transport = match transport {
                "tcp" => Transport::Tcp,
                "udp" => Transport::Udp,
                _ => return None,
            };
            KnockWay::Port {
                port: Port(port.parse().ok()?),
                transport,
            }
        }
    };
    let last = Timestamp::from_seconds(last.parse().ok()?);
    Some(((at, by, way), last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_down_is_known_again() {
        let now = Timestamp::from_seconds(1_795_250_000);
        let (at, by) = ([10, 0, 0, 5].into(), "2001:db8::7".parse().unwrap());
        let mut known = Known::default();
        let port = KnockWay::Port {
            port: Port(53),
            transport: Transport::Udp,
        };
        for way in [port, KnockWay::Echo, KnockWay::ManyPorts] {
            known.told((at, by, way), now, now);
        }
        let text = known.lines().join("\n");
        let again = Known::read(&text);
        assert_eq!(again, known);
        assert_eq!(again.left(now), NEW_ROWS_PER_HOUR - 3);
        let later = Timestamp::from_seconds(1_795_253_700);
        assert_eq!(again.left(later), NEW_ROWS_PER_HOUR);
        let seeds = [text.as_bytes()];
        groma_fuzz::hammer(1_000, &seeds, |bytes| {
            let _ = Known::read(&String::from_utf8_lossy(bytes));
        });
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let now = Timestamp::from_seconds(1_795_250_000);
        let mut known = Known::default();
        for n in 0..10_000_u32 {
            let by = IpAddr::from(std::net::Ipv4Addr::from(0x0b00_0000 + n));
            known.told(([10, 0, 0, 5].into(), by, KnockWay::Echo), now, now);
        }
        assert_eq!(known.lines().len(), KNOWN_MAX + 2);
    }
}
