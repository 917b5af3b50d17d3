//! What became of one fact at one place: its events, folded up to a moment.

use groma_model::fact::Fact;
use groma_model::{Hours, Lasted, Seen, Timestamp};

/// What an event says. The order settles events of one look at one time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Word {
    Seen,
    NotSeen,
    Removed,
}

impl Word {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::NotSeen => "not-seen",
            Self::Removed => "removed",
        }
    }

    pub(crate) fn of(text: &str) -> Self {
        match text {
            "seen" => Self::Seen,
            "removed" => Self::Removed,
            _ => Self::NotSeen,
        }
    }
}

/// One row of what became of a fact at a place. Moments are milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) look: i64,
    pub(crate) word: Word,
    pub(crate) at: i64,
    pub(crate) first: i64,
    pub(crate) last: Option<i64>,
    pub(crate) count: i64,
    pub(crate) flow: Flow,
}

/// What somebody who watches connections knows besides their times.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Flow {
    pub(crate) hours: Hours,
    pub(crate) bytes: Option<i64>,
    pub(crate) lasted: Option<Lasted>,
}

impl Flow {
    pub(crate) fn of(seen: &Seen) -> Self {
        let bytes = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
        Self {
            hours: seen.hours,
            bytes: seen.bytes.map(bytes),
            lasted: seen.lasted,
        }
    }

    /// What the columns of these names say. What does not read as such says nothing.
    pub(crate) fn of_columns(
        hours: Option<&[u8]>,
        bytes: Option<i64>,
        shortest_ms: Option<i64>,
        longest_ms: Option<i64>,
    ) -> Self {
        let length = |value: Option<i64>| value.and_then(|ms| u32::try_from(ms).ok());
        let lasted = length(shortest_ms).zip(length(longest_ms));
        Self {
            hours: hours.and_then(Hours::from_bytes).unwrap_or_default(),
            bytes,
            lasted: lasted.map(|(shortest_ms, longest_ms)| Lasted {
                shortest_ms,
                longest_ms,
            }),
        }
    }

    /// What is known after `newer` was told too: hours and lengths of all looks, bytes of the newest.
    pub(crate) fn then(self, newer: Self) -> Self {
        Self {
            hours: self.hours.joined(newer.hours),
            bytes: newer.bytes.or(self.bytes),
            lasted: match (self.lasted, newer.lasted) {
                (Some(old), Some(new)) => Some(old.joined(new)),
                (old, new) => old.or(new),
            },
        }
    }

    /// True if `newer` tells something worth a row: a new hour, or a number that doubled or halved.
    pub(crate) fn learns_from(self, newer: Self) -> bool {
        let after = self.then(newer);
        let bytes = |flow: Self| flow.bytes.map(|bytes| bytes.max(1).ilog2());
        let lasted = |flow: Self| {
            let length = |ms: u32| ms.max(1).ilog2();
            flow.lasted
                .map(|l| (length(l.shortest_ms), length(l.longest_ms)))
        };
        after.hours != self.hours || bytes(after) > bytes(self) || lasted(after) != lasted(self)
    }
}

impl Event {
    pub(crate) fn order(&self) -> (i64, i64, Word) {
        (self.at, self.look, self.word)
    }
}

/// What is true of a place after its events up to some moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Standing {
    pub(crate) word: Word,
    /// When the newest word became true.
    pub(crate) at: i64,
    /// The first moment over all intervals.
    pub(crate) first: i64,
    /// The fact's own last moment; `None` for a live one.
    pub(crate) last: Option<i64>,
    pub(crate) count: i64,
    pub(crate) flow: Flow,
}

impl Standing {
    /// Its times, the last moment as whoever asks knows it.
    pub(crate) fn seen(&self, last: i64) -> Seen {
        let first = Timestamp::from_millis(self.first);
        let last = Timestamp::from_millis(last.max(self.first));
        let count = u64::try_from(self.count).unwrap_or(1).max(1);
        Seen {
            hours: self.flow.hours,
            bytes: self.flow.bytes.and_then(|bytes| u64::try_from(bytes).ok()),
            lasted: self.flow.lasted,
            ..Seen::between(first, last, count)
        }
    }

    /// Folds `events`, which may come in any order; `None` if the fact was never seen.
    ///
    /// What is removed stays so until it is seen again: a later look that could not see everything has nothing to add.
    pub(crate) fn of(events: &mut [Event]) -> Option<Self> {
        events.sort_by_key(Event::order);
        events.iter().fold(None, Self::after)
    }

    /// What stands after one more event.
    pub(crate) fn after(standing: Option<Self>, event: &Event) -> Option<Self> {
        let (word, at) = (event.word, event.at);
        match (standing, word) {
            (None, Word::Seen) => Some(Self {
                word,
                at,
                first: event.first,
                last: event.last,
                count: event.count,
                flow: event.flow,
            }),
            (Some(old), Word::Seen) => Some(Self {
                word,
                at,
                first: old.first.min(event.first),
                last: event.last,
                count: event.count,
                flow: old.flow.then(event.flow),
            }),
            (Some(old), Word::Removed) if old.word != Word::Removed => {
                Some(Self { word, at, ..old })
            }
            (Some(old), Word::NotSeen) if old.word == Word::Seen => Some(Self { word, at, ..old }),
            (old, _) => old,
        }
    }
}

/// The key of content.
pub(crate) type Hash = groma_model::batch::FactKey;

/// The key of content.
pub(crate) fn hash(json: &str) -> Hash {
    groma_model::batch::fact_key(json.as_bytes())
}

/// The text by which a measured number is cited: its fact with the value 0, since values come and go.
pub(crate) fn cited_as(
    metric: &str,
    subject: &groma_model::Foreign,
) -> Result<String, serde_json::Error> {
    let measurement = groma_model::fact::Measurement {
        metric: metric.to_owned(),
        subject: subject.clone(),
        value: 0.0,
    };
    serde_json::to_string(&Fact::Measurement(measurement))
}
