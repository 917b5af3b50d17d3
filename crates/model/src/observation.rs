//! What a source says while it looks: what it saw, what it could not see, how much it did see.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hours::{Hours, Lasted};
use crate::{Fact, Timestamp, path};

/// A part of the world that was looked at, as `space:path`: `file:/etc/postfix`, `socket:net-4026531840/tcp`.
///
/// Scopes nest at `/`. The most specific coverage said about a place is the one that counts, so one
/// unreadable file makes a hole in a complete tree, not a ruin of it. Thousands of facts may share one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, JsonSchema)]
#[serde(transparent)]
pub struct Scope(#[schemars(with = "String")] Arc<str>);

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

impl Scope {
    /// A scope in `space` at `path`; a final `/` is dropped.
    pub fn new(space: &str, path: &str) -> Self {
        Self(format!("{space}:{}", path.trim_end_matches('/')).into())
    }

    /// The scope as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text of the scope, for whoever keeps it and many of its kind.
    pub fn shared(&self) -> Arc<str> {
        self.0.clone()
    }

    /// True if `inner` is this scope or lies within it.
    pub fn contains(&self, inner: &Self) -> bool {
        let within = |inner: &str| {
            inner.strip_prefix(&*self.0).is_some_and(|rest| {
                rest.is_empty() || rest.starts_with('/') || self.0.ends_with(':')
            })
        };
        within(&inner.0) || self.contains_of_windows(inner)
    }

    /// The same of paths of Windows, which have another mark between parts, and no case.
    fn contains_of_windows(&self, inner: &Self) -> bool {
        let (one, other) = (self.0.split_once(':'), inner.0.split_once(':'));
        one.zip(other)
            .is_some_and(|((space, folder), (other, path))| {
                space == other
                    && path::is_of_windows(folder.as_bytes())
                    && path::below(path.as_bytes(), folder.as_bytes()).is_some()
            })
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// When a fact was true, as the source knows it. A socket table knows now; a log knows when.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Seen {
    /// First moment the fact is known to have been true.
    pub first: Timestamp,
    /// Last moment the fact is known to have been true.
    pub last: Timestamp,
    /// How often it was seen, at least 1.
    pub count: u64,
    /// The hours of the week in which it was seen, by a source that watches long enough to tell; else empty.
    #[serde(default, skip_serializing_if = "Hours::is_empty")]
    pub hours: Hours,
    /// Bytes carried in both directions, where somebody counted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How long it lasted each time, where begin and end were seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasted: Option<Lasted>,
}

impl Seen {
    /// Seen once, at `at`.
    pub fn once(at: Timestamp) -> Self {
        Self::between(at, at, 1)
    }

    /// Seen `count` times, first and last at these moments; nothing is known about hours, bytes and lengths.
    pub fn between(first: Timestamp, last: Timestamp, count: u64) -> Self {
        Self {
            first,
            last,
            count,
            hours: Hours::default(),
            bytes: None,
            lasted: None,
        }
    }

    /// This and `other` as one.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            count: self.count.saturating_add(other.count),
            hours: self.hours.joined(other.hours),
            bytes: added(self.bytes, other.bytes),
            lasted: joined(self.lasted, other.lasted),
        }
    }
}

fn added(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        (one, other) => one.or(other),
    }
}

fn joined(one: Option<Lasted>, other: Option<Lasted>) -> Option<Lasted> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.joined(other)),
        (one, other) => one.or(other),
    }
}

/// One thing seen, in one place, with its own times. The sink adds who looked, and when.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Observation {
    /// Where in the world the fact lives; a later complete look at this scope without it means *removed*.
    pub scope: Scope,
    /// The fact itself. Volatile numbers (pids, ephemeral ports, free bytes) are never part of it.
    pub fact: Fact,
    /// When it was true.
    pub seen: Seen,
}

/// How much of a scope was looked at. There is no default on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CoverageState {
    /// Everything in the scope was seen: what is absent, is not there.
    Complete,
    /// Something in the scope may have been missed; a gap says what.
    Partial,
}

/// What a source says about one scope when it is done with it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// What was looked at.
    pub scope: Scope,
    /// Whether all of it was seen.
    pub state: CoverageState,
    /// Begin of the time the look speaks for (a log's first line, else the start of the look).
    pub from: Timestamp,
    /// End of that time.
    pub to: Timestamp,
    /// In which way it was looked at, where there are several, and how much that way was measured to catch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<String>,
}

/// Something we could not see, and what would let us. Data, not an error: it reaches the report.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// The scope with the hole.
    pub scope: Scope,
    /// What was not seen, in a few words a person understands.
    pub what: String,
    /// Why.
    pub reason: Reason,
    /// What the operator can do about it, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// Why something was not seen. Different words, because the operator's remedy differs.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The rights were not enough.
    PermissionDenied,
    /// It did not answer in time.
    TimedOut,
    /// It answered "no".
    Refused,
    /// No way there.
    Unreachable,
    /// Something answered, but in another protocol.
    NotThisService,
    /// The program that could know is not installed or its interface is absent.
    NotPresent,
    /// The log that would know is switched off.
    LogDisabled,
    /// Larger than the budget allows to read.
    TooLarge,
    /// A FIFO, socket, device or directory stands where a file was expected; it was not opened.
    NotARegularFile,
    /// A symlink that leads nowhere or in a circle.
    BrokenLink,
    /// It could be read but not understood.
    Malformed,
    /// It needs a password or key nobody gave.
    Locked,
    /// We know what it is and cannot read it yet.
    Unsupported,
    /// The budget or the time given was used up.
    BudgetExhausted,
    /// It was there and went away while we looked.
    Vanished,
    /// The policy or the ceiling file forbids looking, or `--offline` does.
    Forbidden,
    /// It lies on a network file system, which is never walked.
    RemoteFileSystem,
    /// A word a newer agent uses.
    #[serde(untagged)]
    Unknown(String),
}

impl Reason {
    /// A reason for a failed system call.
    pub fn of_io(error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        match error.kind() {
            Kind::PermissionDenied => Self::PermissionDenied,
            Kind::NotFound => Self::Vanished,
            Kind::TimedOut | Kind::WouldBlock => Self::TimedOut,
            Kind::ConnectionRefused => Self::Refused,
            Kind::HostUnreachable | Kind::NetworkUnreachable => Self::Unreachable,
            Kind::InvalidData | Kind::UnexpectedEof => Self::Malformed,
            Kind::Unsupported => Self::Unsupported,
            _ => Self::Unknown(error.kind().to_string()),
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::PermissionDenied => "permission denied",
            Self::TimedOut => "timed out",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::NotThisService => "not this service",
            Self::NotPresent => "not present",
            Self::LogDisabled => "log disabled",
            Self::TooLarge => "too large",
            Self::NotARegularFile => "not a regular file",
            Self::BrokenLink => "broken link",
            Self::Malformed => "malformed",
            Self::Locked => "locked",
            Self::Unsupported => "unsupported",
            Self::BudgetExhausted => "budget exhausted",
            Self::Vanished => "vanished",
            Self::Forbidden => "forbidden",
            Self::RemoteFileSystem => "remote file system",
            Self::Unknown(word) => word,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_nest_at_slashes_only() {
        let etc = Scope::new("file", "/etc/");
        assert!(etc.contains(&Scope::new("file", "/etc/hosts")));
        assert!(etc.contains(&etc));
        assert!(!etc.contains(&Scope::new("file", "/etcetera")));
        assert!(!etc.contains(&Scope::new("unit", "/etc/hosts")));
        assert!(Scope::new("file", "/").contains(&etc));
        let drive = Scope::new("file", r"C:\");
        assert!(drive.contains(&Scope::new("file", r"c:\inetpub\wwwroot")));
        let inetpub = Scope::new("file", r"C:\inetpub");
        assert!(!inetpub.contains(&Scope::new("file", r"C:\inetpub2")));
        assert!(!inetpub.contains(&Scope::new("unit", r"C:\inetpub")));
        assert!(!etc.contains(&Scope::new("file", r"/etc\hosts")));
    }

    #[test]
    fn what_nobody_counted_leaves_no_trace_in_the_text() {
        let plain = Seen::once(Timestamp::from_seconds(0));
        let json = serde_json::to_string(&plain).unwrap();
        assert_eq!(
            json,
            r#"{"first":"1970-01-01T00:00:00Z","last":"1970-01-01T00:00:00Z","count":1}"#
        );
        assert_eq!(serde_json::from_str::<Seen>(&json).unwrap(), plain);
    }

    #[test]
    fn joining_unites_hours_and_adds_bytes() {
        let at = Timestamp::from_seconds(0);
        let of = |hour: i64, bytes, milliseconds| Seen {
            hours: Hours::of(Timestamp::from_seconds(hour * 3600)),
            bytes,
            lasted: Some(Lasted::once(milliseconds)),
            ..Seen::once(at)
        };
        let both = of(1, Some(10), 5)
            .joined(of(3, None, 900))
            .joined(of(1, Some(7), 80));
        assert_eq!((both.count, both.bytes), (3, Some(17)));
        assert_eq!(both.hours.len(), 2);
        let lasted = both.lasted.unwrap();
        assert_eq!((lasted.shortest_ms, lasted.longest_ms), (5, 900));
        let json = serde_json::to_string(&both).unwrap();
        assert_eq!(serde_json::from_str::<Seen>(&json).unwrap(), both);
        assert_eq!(both.joined(Seen::once(at)).bytes, Some(17));
    }

    #[test]
    fn a_reason_of_a_newer_agent_is_kept() {
        let reason: Reason = serde_json::from_str("\"moon-phase\"").unwrap();
        assert_eq!(reason, Reason::Unknown("moon-phase".into()));
        assert_eq!(serde_json::to_string(&reason).unwrap(), "\"moon-phase\"");
    }
}
