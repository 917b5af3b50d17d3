//! The ways in which connections can be watched.

/// The ways of watching TCP, worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Tier {
    /// Only the socket tables, once a second: what begins and ends between two looks leaves `TIME_WAIT` behind where
    /// this side closed first, and nothing where it did not.
    Polled,
    /// The kernel tells the end of every connection with its bytes, but not whose it was.
    EveryEnd,
    /// A BPF program of our own tells every call with the task that made it, and every end (cargo feature `ebpf`).
    EveryConnectionByProgram,
    /// The kernel's trace tells the same, and nothing is loaded for it.
    EveryConnection,
}

impl Tier {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Polled => "polled",
            Self::EveryEnd => "every connection that ends, short ones without their program",
            Self::EveryConnectionByProgram => "every connection, by a BPF program of groma's own",
            Self::EveryConnection => "every connection",
        }
    }

    /// The tier of this word.
    pub fn named(word: &str) -> Option<Self> {
        [
            Self::Polled,
            Self::EveryEnd,
            Self::EveryConnectionByProgram,
            Self::EveryConnection,
        ]
        .into_iter()
        .find(|tier| tier.word() == word)
    }

    /// True if it tells who called, as it happens.
    pub fn tells_calls(self) -> bool {
        self >= Self::EveryConnectionByProgram
    }
}
