//! The nouns of a wave: what moves together, when, what was promised, and how to go back.
//!
//! A wave is written by a person as a TOML file; `groma-wave` reads it. These types are its published
//! shape. Names may be added, never removed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::inventory::{TimeWindow, WaveEntry};
use crate::name::Port;
use crate::registry::REGISTRY;
use crate::{EntityId, Timestamp};

/// One wave file.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wave {
    /// What people call it, as `w1`.
    pub name: String,
    /// Its place in the order; lower ones move first.
    #[serde(default)]
    pub order: u32,
    /// Waves that must be proven before this one begins.
    #[serde(default)]
    pub requires: Vec<String>,
    /// Waves that may run at the same time.
    #[serde(default)]
    pub parallel_with: Vec<String>,
    /// When it may happen.
    #[serde(default)]
    pub window: Option<TimeWindow>,
    /// Who answers for it.
    #[serde(default)]
    pub owner: Option<String>,
    /// The number of the change in the ticket system.
    #[serde(default)]
    pub change_reference: Option<String>,
    /// What belongs to it, by name, address or id.
    #[serde(default)]
    pub members: Vec<String>,
    /// What takes whose place.
    #[serde(default)]
    pub moves: Vec<Move>,
    /// Dependencies that must exist afterwards.
    #[serde(default)]
    pub expected: Vec<Expectation>,
    /// How old and new live side by side.
    #[serde(default)]
    pub coexistence: Option<Coexistence>,
    /// The way back.
    #[serde(default)]
    pub rollback: Option<Rollback>,
    /// What is measured to call it a success.
    #[serde(default, rename = "criterion")]
    pub criteria: Vec<Criterion>,
    /// Names that are deliberately left out: their changes are not reported against this wave.
    #[serde(default)]
    pub exclusions: Vec<String>,
    /// Who is told what: audience → message or date.
    #[serde(default)]
    pub communications: BTreeMap<String, String>,
}

impl Wave {
    /// The members a wave takes away, each with the machines it means, as `meant` tells. Who takes the place of another stays: by
    /// its name with all that this name means, else by what it means. A name may mean several machines; only the one that takes
    /// a place stays. A name that means nothing is among those that go. What its moves come from goes besides.
    pub fn going(
        &self,
        meant: impl Fn(&String) -> BTreeSet<EntityId>,
    ) -> BTreeMap<&String, BTreeSet<EntityId>> {
        let (from, to) = (
            || self.moves.iter().map(|m| &m.from),
            || self.moves.iter().map(|m| &m.to),
        );
        let leaves: BTreeSet<EntityId> = from().flat_map(&meant).collect();
        let mut stays: BTreeSet<EntityId> = to().flat_map(&meant).collect();
        stays.retain(|id| !leaves.contains(id));
        let is_place = |member: &String| {
            let same = |other: &String| other.eq_ignore_ascii_case(member);
            to().any(same) && !from().any(same)
        };
        let members = self.members.iter().filter(|member| !is_place(member));
        members
            .filter_map(|member| {
                let all = meant(member);
                let left: BTreeSet<EntityId> = all.difference(&stays).cloned().collect();
                (all.is_empty() || !left.is_empty()).then_some((member, left))
            })
            .collect()
    }
}

/// A wave as the document lists it. Members are also what something else takes the place of: sorted, each once. It is
/// `planned` until somebody says more.
impl From<Wave> for WaveEntry {
    fn from(wave: Wave) -> Self {
        let goes = wave.moves.iter().map(|m| m.from.clone());
        let mut members: Vec<String> = wave.members.into_iter().chain(goes).collect();
        members.sort();
        members.dedup();
        Self {
            name: wave.name,
            order: wave.order,
            window: wave.window,
            members,
            state: "planned".to_owned(),
            owner: wave.owner,
            change_reference: wave.change_reference,
            requires: wave.requires,
            parallel_with: wave.parallel_with,
            moves: wave.moves,
            expected: wave.expected,
            coexistence: wave.coexistence,
            rollback: wave.rollback,
            criteria: wave.criteria,
            exclusions: wave.exclusions,
            communications: wave.communications,
        }
    }
}

/// One thing takes the place of another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// What goes.
    pub from: String,
    /// What takes its place.
    pub to: String,
    /// Names that must lead to the new place afterwards.
    #[serde(default)]
    pub names_that_follow: Vec<String>,
}

/// How old and new live side by side.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coexistence {
    /// Until when.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// How.
    #[serde(default)]
    pub how: Option<String>,
}

/// The way back.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// What is done to go back.
    #[serde(default)]
    pub what: Option<String>,
    /// What makes us go back.
    #[serde(default)]
    pub trigger: Option<String>,
    /// How long going back takes, in minutes.
    #[serde(default)]
    pub minutes: Option<u32>,
    /// Who decides.
    #[serde(default)]
    pub decides: Option<String>,
    /// The backup it relies on.
    #[serde(default)]
    pub backup: Option<String>,
    /// When restoring that backup was last tried.
    #[serde(default)]
    pub restore_tested_on: Option<Timestamp>,
}

/// A number that decides whether the wave is accepted.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// What is measured, unit last.
    pub metric: String,
    /// The value it must not exceed.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// The value it must not fall below.
    #[serde(default)]
    pub at_least: Option<f64>,
    /// The snapshot to compare with.
    #[serde(default)]
    pub baseline: Option<String>,
    /// Who accepts it.
    #[serde(default)]
    pub accepted_by: Option<String>,
}

/// A dependency that must exist after the wave: `KIND to NAME[:PORT]` or `KIND from NAME to NAME[:PORT]`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Expectation {
    /// A dependency kind of the registry.
    pub kind: String,
    /// Who needs it; anybody if absent.
    pub consumer: Option<String>,
    /// Who provides it.
    pub provider: String,
    /// At which port; any if absent.
    pub port: Option<Port>,
}

/// The line is not an expectation.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAnExpectation {
    /// The words are not in one of the two orders.
    #[error("read {line:?} as \"KIND to NAME[:PORT]\" or \"KIND from NAME to NAME[:PORT]\"")]
    Grammar {
        /// The line.
        line: String,
    },
    /// The first word is no dependency kind.
    #[error("find the dependency kind {kind:?}")]
    Kind {
        /// The word.
        kind: String,
    },
    /// What stands after the last colon is no port.
    #[error("read {port:?} as a port from 1 to 65535")]
    Port {
        /// The word.
        port: String,
    },
}

impl FromStr for Expectation {
    type Err = NotAnExpectation;

    fn from_str(line: &str) -> Result<Self, NotAnExpectation> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (kind, consumer, target) = match words.as_slice() {
            [kind, "to", target] => (*kind, None, *target),
            [kind, "from", consumer, "to", target] => {
                (*kind, Some((*consumer).to_owned()), *target)
            }
            _ => {
                return Err(NotAnExpectation::Grammar {
                    line: line.to_owned(),
                });
            }
        };
        if !REGISTRY.dependencies.contains_key(kind) {
            return Err(NotAnExpectation::Kind {
                kind: kind.to_owned(),
            });
        }
        let (provider, port) = name_and_port(target)?;
        if provider.is_empty() {
            return Err(NotAnExpectation::Grammar {
                line: line.to_owned(),
            });
        }
        Ok(Self {
            kind: kind.to_owned(),
            consumer,
            provider: provider.to_owned(),
            port,
        })
    }
}

/// Splits `NAME[:PORT]`; an IPv6 address needs brackets to carry a port.
fn name_and_port(target: &str) -> Result<(&str, Option<Port>), NotAnExpectation> {
    if target.parse::<IpAddr>().is_ok() {
        return Ok((target, None));
    }
    let Some((name, port)) = target.rsplit_once(':') else {
        return Ok((unbracketed(target), None));
    };
    if name.is_empty() || (target.starts_with('[') && target.ends_with(']')) {
        return Ok((unbracketed(if name.is_empty() { "" } else { target }), None));
    }
    let number = port.parse().ok().filter(|n| *n != 0);
    let number = number.ok_or_else(|| NotAnExpectation::Port {
        port: port.to_owned(),
    })?;
    Ok((unbracketed(name), Some(Port(number))))
}

fn unbracketed(name: &str) -> &str {
    name.strip_prefix('[')
        .and_then(|n| n.strip_suffix(']'))
        .unwrap_or(name)
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if let Some(consumer) = &self.consumer {
            write!(f, " from {consumer}")?;
        }
        match self.port {
            Some(port) if self.provider.contains(':') => {
                write!(f, " to [{}]:{port}", self.provider)
            }
            Some(port) => write!(f, " to {}:{port}", self.provider),
            None => write!(f, " to {}", self.provider),
        }
    }
}

impl TryFrom<String> for Expectation {
    type Error = NotAnExpectation;
    fn try_from(line: String) -> Result<Self, NotAnExpectation> {
        line.parse()
    }
}

impl From<Expectation> for String {
    fn from(expectation: Expectation) -> Self {
        expectation.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_in_the_document_says_what_its_file_says() {
        let wave = Wave {
            name: "w1".into(),
            order: 3,
            members: vec!["mail1".into(), "archive1".into()],
            moves: vec![Move {
                from: "mail1".into(),
                to: "mail-new".into(),
                names_that_follow: vec!["mail.corp.example".into()],
            }],
            owner: Some("Jo Example".into()),
            ..Wave::default()
        };
        let entry = WaveEntry::from(wave.clone());
        assert_eq!(entry.members, ["archive1", "mail1"]);
        assert_eq!((entry.order, entry.state.as_str()), (3, "planned"));
        assert_eq!((&entry.owner, &entry.moves), (&wave.owner, &wave.moves));
    }

    #[test]
    fn an_expectation_survives_its_own_text() {
        for line in [
            "smtp-relay to mail-new:25",
            "ldap-bind from app1 to dc2.corp.example:636",
            "sql to db-new",
            "http to [fd00::1]:8443",
            "http to fd00::1",
        ] {
            let read: Expectation = line.parse().unwrap();
            assert_eq!(read.to_string(), line);
        }
        let bracketed: Expectation = "http to [fd00::1]".parse().unwrap();
        assert_eq!(
            (bracketed.provider.as_str(), bracketed.port),
            ("fd00::1", None)
        );
    }

    #[test]
    fn a_line_that_is_no_expectation_says_what_is_wrong() {
        let of = |line: &str| line.parse::<Expectation>().unwrap_err();
        assert!(matches!(
            of("mail-new:25"),
            NotAnExpectation::Grammar { .. }
        ));
        assert!(matches!(
            of("smtp-relay to :25"),
            NotAnExpectation::Grammar { .. }
        ));
        assert_eq!(
            of("smtp to mail-new"),
            NotAnExpectation::Kind {
                kind: "smtp".into()
            }
        );
        for port in ["0", "65536", "x", ""] {
            let error = of(&format!("sql to db:{port}"));
            assert_eq!(error, NotAnExpectation::Port { port: port.into() });
        }
    }
}
