//! Connections that were counted before their end was told. When it comes after all, it is no end of another one.
//!
//! On a busy machine the same two ports meet again within milliseconds, before the end of the first connection has come
//! out of the other queue.

use std::collections::HashMap;

use super::trace::Ends;

/// How long an end may still come, in ns.
const ENDS_COME: u64 = 10_000_000_000;
/// Ends that are waited for; beyond it one that comes late counts as a connection of its own.
const OWED_MAX: usize = 50_000;

/// Ends that will still be told.
#[derive(Debug, Default)]
pub(crate) struct Owed {
    ends: HashMap<Ends, (u32, u64)>,
    /// When it is worth looking for what may be forgotten.
    sweep_at: u64,
}

impl Owed {
    /// One of these was counted at `at`, and its end was not told yet.
    pub(crate) fn counted(&mut self, ends: Ends, at: u64) {
        if self.ends.len() >= OWED_MAX && at >= self.sweep_at {
            self.sweep_at = at.saturating_add(ENDS_COME);
            self.ends
                .retain(|_, (_, since)| since.saturating_add(ENDS_COME) >= at);
        }
        if self.ends.len() < OWED_MAX || self.ends.contains_key(&ends) {
            let (waiting, since) = self.ends.entry(ends).or_insert((0, at));
            (*waiting, *since) = (waiting.saturating_add(1), at);
        }
    }

    /// True if an end that comes at `at` is that of one counted before. Ends of the same two ports come in order, so it is
    /// the oldest one's.
    pub(crate) fn is_told(&mut self, ends: &Ends, at: u64) -> bool {
        let Some((waiting, since)) = self.ends.get_mut(ends) else {
            return false;
        };
        let in_time = since.saturating_add(ENDS_COME) >= at;
        *waiting = waiting.saturating_sub(1);
        if *waiting == 0 || !in_time {
            self.ends.remove(ends);
        }
        in_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groma_model::Port;

    fn ends(port: u16) -> Ends {
        let here = std::net::IpAddr::from([127, 0, 0, 1]);
        Ends {
            local: here,
            local_port: Port(port),
            remote: here,
            remote_port: Port(80),
        }
    }

    #[test]
    fn an_end_is_told_as_often_as_one_was_counted_without_it() {
        let mut owed = Owed::default();
        owed.counted(ends(1), 5);
        owed.counted(ends(1), 6);
        assert!(!owed.is_told(&ends(2), 7), "of other ports");
        assert!(owed.is_told(&ends(1), 7) && owed.is_told(&ends(1), 8));
        assert!(!owed.is_told(&ends(1), 9), "that of a third connection");
    }

    #[test]
    fn an_end_that_never_came_is_not_waited_for_and_nothing_grows() {
        let mut owed = Owed::default();
        owed.counted(ends(1), 0);
        assert!(!owed.is_told(&ends(1), ENDS_COME + 1));
        for turn in 0..4 {
            for port in 0..u16::MAX {
                owed.counted(ends(port), turn * ENDS_COME * 2);
            }
        }
        assert!(owed.ends.len() <= OWED_MAX);
    }
}
