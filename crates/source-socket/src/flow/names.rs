//! Which name an address was asked for by, in one network.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use groma_model::HostName;

use super::dns::Answer;

/// Addresses that are remembered in one network.
const ADDRESSES_MAX: usize = 20_000;
/// Names of one address that are remembered.
const NAMES_MAX: usize = 8;
/// A program may take this long from the answer to the call, in ns, whatever the answer's time to live.
const AT_LEAST: u64 = 5_000_000_000;
/// Longest time an answer is believed, in ns: a day.
const AT_MOST: u64 = 86_400_000_000_000;
/// Answers and calls are read from different queues; one may seem this much later than it was, in ns.
const SLACK: u64 = 250_000_000;
/// Time between two clearings, in ns.
const SWEEPS_APART: u64 = 10_000_000_000;
/// An answer this young, in ns, is the one that was waited for.
const JUST_NOW: u64 = 2_000_000_000;

/// Names by address.
#[derive(Debug, Default)]
pub(crate) struct Names {
    by_address: HashMap<IpAddr, Vec<Known>>,
    mentioned: HashSet<IpAddr>,
    /// When it is worth looking for what may be forgotten.
    sweep_at: u64,
    /// True if some had to be left out.
    pub(crate) cut: bool,
}

#[derive(Clone, Debug)]
struct Known {
    name: HostName,
    answered: u64,
    until: u64,
}

impl Names {
    /// Takes up an answer that came at `at`, ns on the monotonic clock.
    pub(crate) fn learn(&mut self, answer: &Answer, at: u64) {
        let lasts = u64::from(answer.ttl_seconds).saturating_mul(1_000_000_000);
        let until = at.saturating_add(lasts.clamp(AT_LEAST, AT_MOST));
        for address in &answer.addresses {
            if self.by_address.len() >= ADDRESSES_MAX && !self.by_address.contains_key(address) {
                self.sweep(at);
                if self.by_address.len() >= ADDRESSES_MAX {
                    self.cut = true;
                    return;
                }
            }
            let names = self.by_address.entry(*address).or_default();
            names.retain(|known| known.name != answer.asked);
            if names.len() >= NAMES_MAX {
                names.remove(0);
            }
            names.push(Known {
                name: answer.asked.clone(),
                answered: at,
                until,
            });
        }
    }

    /// Forgets what does not hold any more; not at every answer of a flood.
    fn sweep(&mut self, at: u64) {
        if at >= self.sweep_at {
            self.by_address
                .retain(|_, names| names.iter().any(|known| known.until > at));
            self.sweep_at = at.saturating_add(SWEEPS_APART);
        }
    }

    /// The name by which `address` was called at `at`: the one just answered, or the only one that still held.
    pub(crate) fn asked(&self, address: IpAddr, at: u64) -> Option<&HostName> {
        let names = self.by_address.get(&address)?;
        let holds =
            |known: &&Known| known.answered <= at.saturating_add(SLACK) && at <= known.until;
        let newest = names
            .iter()
            .filter(holds)
            .max_by_key(|known| known.answered)?;
        let waited_for = newest.answered.saturating_add(JUST_NOW) >= at;
        let only = names.iter().filter(holds).count() == 1;
        (waited_for || only).then_some(&newest.name)
    }

    /// Remembers that a name server spoke of `address`.
    pub(crate) fn heard_of(&mut self, address: IpAddr) {
        if self.mentioned.len() < ADDRESSES_MAX {
            self.mentioned.insert(address);
        } else {
            self.cut = true;
        }
    }

    /// True if a name server ever spoke of `address`, or too many others were spoken of to be sure.
    pub(crate) fn knows(&self, address: IpAddr) -> bool {
        self.cut || self.by_address.contains_key(&address) || self.mentioned.contains(&address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn answer(name: &str, address: &str, ttl_seconds: u32) -> Answer {
        Answer {
            asked: HostName::parse(name).unwrap(),
            addresses: vec![address.parse().unwrap()],
            ttl_seconds,
        }
    }

    fn asked(names: &Names, at: u64) -> Option<&str> {
        names
            .asked("10.0.0.1".parse().unwrap(), at)
            .map(HostName::as_str)
    }

    #[test]
    fn a_name_holds_as_long_as_its_answer() {
        let mut names = Names::default();
        names.learn(&answer("mail.corp.example", "10.0.0.1", 60), 100 * SECOND);
        assert_eq!(asked(&names, 101 * SECOND), Some("mail.corp.example"));
        assert_eq!(asked(&names, 159 * SECOND), Some("mail.corp.example"));
        assert_eq!(asked(&names, 161 * SECOND), None);
        assert_eq!(
            asked(&names, 98 * SECOND),
            None,
            "called before anybody asked"
        );
        assert!(names.knows("10.0.0.1".parse().unwrap()));
        assert!(!names.knows("10.0.0.2".parse().unwrap()));
    }

    #[test]
    fn of_two_names_the_one_just_answered_counts_and_later_neither() {
        let mut names = Names::default();
        names.learn(&answer("one.corp.example", "10.0.0.1", 3600), 100 * SECOND);
        names.learn(&answer("two.corp.example", "10.0.0.1", 3600), 200 * SECOND);
        assert_eq!(asked(&names, 201 * SECOND), Some("two.corp.example"));
        assert_eq!(asked(&names, 150 * SECOND), Some("one.corp.example"));
        assert_eq!(asked(&names, 900 * SECOND), None, "either may be meant");
        names.learn(&answer("one.corp.example", "10.0.0.1", 3600), 1000 * SECOND);
        assert_eq!(asked(&names, 1001 * SECOND), Some("one.corp.example"));
    }

    #[test]
    fn a_flood_of_answers_stays_small() {
        let mut names = Names::default();
        for n in 0..100_000_u32 {
            let mut flood = answer("x.example", "10.0.0.1", u32::MAX);
            flood.addresses = vec![std::net::Ipv4Addr::from(n).into()];
            names.learn(&flood, u64::from(n));
        }
        assert!(names.cut && names.by_address.len() <= ADDRESSES_MAX);
    }
}
