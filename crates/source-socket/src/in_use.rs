//! How many sockets a network has, by the kernel's own count: `/proc/PID/net/sockstat` and `sockstat6` (proc(5)).
//!
//! To list a table the kernel passes over those of every network of the machine, a quarter of a million places each
//! time; the count it has at hand. So a table in which there is nothing is not asked for.
//!
//! ```text
//! TCP: inuse 41 orphan 0 tw 3 alloc 44 mem 5
//! UDP: inuse 2 mem 256
//! TCP6: inuse 7
//! ```

use groma_model::Transport;

use crate::dump::Family;

/// What the kernel counts of one network; what it did not tell may be anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct InUse {
    tcp: [Option<u64>; 2],
    udp: [Option<u64>; 2],
    /// TCP connections of either version that are over, and that the tables still tell (`TIME_WAIT`).
    waiting: Option<u64>,
}

impl InUse {
    /// Reads both files; one that is missing tells nothing.
    pub(crate) fn read(sockstat: &[u8], sockstat6: &[u8]) -> Self {
        Self {
            tcp: [
                count(sockstat, "TCP:", "inuse"),
                count(sockstat6, "TCP6:", "inuse"),
            ],
            udp: [
                count(sockstat, "UDP:", "inuse"),
                count(sockstat6, "UDP6:", "inuse"),
            ],
            waiting: count(sockstat, "TCP:", "tw"),
        }
    }

    /// True if that table holds nothing at all.
    pub(crate) fn is_empty(self, transport: Transport, family: Family) -> bool {
        let ([v4, v6], over) = match transport {
            Transport::Tcp => (self.tcp, self.waiting),
            Transport::Udp => (self.udp, Some(0)),
        };
        let held = match family {
            Family::V4 => v4,
            Family::V6 => v6,
        };
        held == Some(0) && over == Some(0)
    }
}

/// The number behind `word` in the line that begins with `line`.
fn count(table: &[u8], line: &str, word: &str) -> Option<u64> {
    let text = std::str::from_utf8(table).ok()?;
    let rest = text.lines().find_map(|all| all.strip_prefix(line))?;
    let mut words = rest.split_ascii_whitespace().skip_while(|w| *w != word);
    words.nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: &[u8] = b"sockets: used 42\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 41\nUDP: inuse 0 mem 256\nUDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n";
    const V6: &[u8] = b"TCP6: inuse 0\nUDP6: inuse 3\nUDPLITE6: inuse 0\nRAW6: inuse 0\nFRAG6: inuse 0 memory 0\n";

    fn empty(v4: &[u8], v6: &[u8]) -> [bool; 4] {
        let in_use = InUse::read(v4, v6);
        [
            in_use.is_empty(Transport::Tcp, Family::V4),
            in_use.is_empty(Transport::Tcp, Family::V6),
            in_use.is_empty(Transport::Udp, Family::V4),
            in_use.is_empty(Transport::Udp, Family::V6),
        ]
    }

    #[test]
    fn a_table_is_passed_over_only_where_the_kernel_counts_nothing_in_it() {
        assert_eq!(empty(V4, V6), [false, true, true, false]);
        let waits = b"TCP: inuse 0 orphan 0 tw 9 alloc 1 mem 41\nUDP: inuse 1 mem 2\n";
        assert_eq!(empty(waits, V6), [false, false, false, false]);
    }

    #[test]
    fn what_is_not_told_may_be_anything() {
        for odd in [
            &b""[..],
            b"\xff\xfe",
            b"TCP: inuse",
            b"TCP: inuse x tw 0",
            b"TCP: inuse 0",
        ] {
            assert_eq!(empty(odd, odd), [false; 4]);
        }
        groma_fuzz::hammer(500, &[V4, V6], |bytes| {
            let _ = empty(bytes, bytes);
        });
    }
}
