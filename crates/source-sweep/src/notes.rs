//! What a sweep writes down on its way, so that one that was killed goes on where it was: lines of a file of the agent.
//!
//! Only what proves a host or a port is noted, and how far everybody was asked. Notes of another plan, or older than a day,
//! are not believed.

use std::collections::BTreeMap;
use std::net::IpAddr;

use groma_model::Timestamp;
use groma_source::manners::LeftAlone;

use crate::ask::{Heard, Item, Word};
use crate::datagram::Protocol;
use crate::polite::{Listening, Position};

/// A file of lines, kept by whoever starts sweeps.
pub trait Notes: Send {
    /// Hands over every whole line.
    fn replay(&mut self, each: &mut dyn FnMut(&str));
    /// Adds a line.
    fn note(&mut self, line: &str);
    /// Begins anew, with these lines.
    fn begin(&mut self, lines: &[String]);
}

/// No notes: every sweep begins at its beginning.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNotes;

impl Notes for NoNotes {
    fn replay(&mut self, _: &mut dyn FnMut(&str)) {}
    fn note(&mut self, _: &str) {}
    fn begin(&mut self, _: &[String]) {}
}

const STALE_HOURS: u64 = 24;

/// An answer, with the hardware address where it is one.
pub type Noted = (Item, Option<[u8; 6]>);

/// What earlier sweeps left.
#[derive(Clone, Debug, Default)]
pub struct Remembered {
    /// How far this plan has come, by round.
    pub positions: BTreeMap<usize, Position>,
    /// What answered so far, by this plan.
    pub answered: BTreeMap<IpAddr, Vec<Noted>>,
    /// Hosts that are left alone, by any plan.
    pub left_alone: Vec<LeftAlone>,
}

/// Reads notes, for the plan of this name.
pub fn recall(notes: &mut dyn Notes, plan: &str, now: Timestamp) -> Remembered {
    let mut all = Remembered::default();
    let mut ours = false;
    notes.replay(&mut |line| {
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        match words.as_slice() {
            ["plan", at, name] => {
                let begun: Option<Timestamp> = at.parse().ok();
                let fresh =
                    begun.is_some_and(|begun| now.since(begun).as_secs() < STALE_HOURS * 3600);
                ours = fresh && *name == plan;
            }
            ["alone", address, until] => {
                if let (Ok(address), Ok(until)) = (address.parse(), until.parse())
                    && until > now
                {
                    all.left_alone.push(LeftAlone { address, until });
                }
            }
            ["at", round, rest] if ours => {
                if let (Ok(round), Some(position)) = (round.parse(), position(rest)) {
                    let known = all.positions.entry(round).or_default();
                    *known = position.max(*known);
                }
            }
            ["yes", address, what] if ours => {
                if let (Ok(address), Some(what)) = (address.parse(), item(what)) {
                    all.answered.entry(address).or_default().push(what);
                }
            }
            _ => {}
        }
    });
    all
}

/// The lines a plan begins with.
pub fn heading(plan: &str, now: Timestamp, left_alone: &[LeftAlone]) -> Vec<String> {
    let alone = left_alone
        .iter()
        .map(|host| format!("alone {} {}", host.address, host.until));
    alone.chain([format!("plan {now} {plan}")]).collect()
}

fn position(text: &str) -> Option<Position> {
    let (pass, items) = text.split_once(' ')?;
    Some(Position {
        pass: pass.parse().ok()?,
        items: items.parse().ok()?,
    })
}

fn item(text: &str) -> Option<Noted> {
    let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
    match kind {
        "echo" => Some((Item::Echo, None)),
        "tcp" => Some((Item::Tcp(rest.parse().ok()?), None)),
        "udp" => Some((Item::Udp(Protocol::at(rest.parse().ok()?)?), None)),
        "link" => {
            let mut mac = [0; 6];
            let mut parts = rest.split(':');
            for byte in &mut mac {
                *byte = u8::from_str_radix(parts.next()?, 16).ok()?;
            }
            Some((Item::Link, Some(mac)))
        }
        _ => None,
    }
}

/// A hardware address as facts write it.
pub fn mac_text(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

/// Writes down what is heard.
pub struct Noting<'a> {
    /// Where.
    pub notes: &'a mut dyn Notes,
    /// In which round of the sweep.
    pub round: usize,
}

impl Listening for Noting<'_> {
    fn answered(&mut self, heard: &Heard) {
        let what = match (heard.word, heard.item) {
            (Word::Link(mac), _) => format!("link {}", mac_text(mac)),
            (Word::Echoes, _) => "echo".to_owned(),
            (Word::Accepts(_), Item::Tcp(port)) => format!("tcp {port}"),
            (Word::Speaks, Item::Udp(protocol)) => format!("udp {}", protocol.port()),
            _ => return,
        };
        self.notes.note(&format!("yes {} {what}", heard.address));
    }

    fn reached(&mut self, position: Position) {
        let (round, Position { pass, items }) = (self.round, position);
        self.notes.note(&format!("at {round} {pass} {items}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Lines(Vec<String>);

    impl Notes for Lines {
        fn replay(&mut self, each: &mut dyn FnMut(&str)) {
            self.0.iter().for_each(|line| each(line));
        }
        fn note(&mut self, line: &str) {
            self.0.push(line.to_owned());
        }
        fn begin(&mut self, lines: &[String]) {
            self.0 = lines.to_vec();
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_plan_goes_on_where_it_was_and_another_one_does_not() {
        let (begun, now) = (at("2026-11-21T09:00:00Z"), at("2026-11-21T10:00:00Z"));
        let address: IpAddr = "10.0.0.5".parse().unwrap();
        let alone = LeftAlone {
            address: "10.0.0.9".parse().unwrap(),
            until: at("2026-11-22T08:00:00Z"),
        };
        let mut lines = Lines::default();
        lines.begin(&heading("10.0.0.0/24 usual", begun, &[alone]));
        let mut noting = Noting {
            notes: &mut lines,
            round: 1,
        };
        let heard = |item, word| Heard {
            address,
            item,
            word,
            pass: None,
            after: None,
        };
        noting.answered(&heard(Item::Tcp(22), Word::Accepts(None)));
        noting.answered(&heard(Item::Tcp(23), Word::Refuses));
        noting.answered(&heard(Item::Link, Word::Link([2, 0, 0, 0, 0, 0xa])));
        noting.reached(Position { pass: 0, items: 7 });
        lines.note("garbage");
        let known = recall(&mut lines, "10.0.0.0/24 usual", now);
        assert_eq!(
            known.positions,
            BTreeMap::from([(1, Position { pass: 0, items: 7 })])
        );
        assert_eq!(
            known.answered[&address],
            [
                (Item::Tcp(22), None),
                (Item::Link, Some([2, 0, 0, 0, 0, 0xa]))
            ]
        );
        assert_eq!(known.left_alone, [alone]);
        let other = recall(&mut lines, "10.0.0.0/24 80", now);
        assert!(other.answered.is_empty() && other.left_alone == [alone]);
        let late = recall(&mut lines, "10.0.0.0/24 usual", at("2026-11-22T10:00:00Z"));
        assert!(late.answered.is_empty() && late.left_alone.is_empty());
    }
}
