//! One line of a batch: its words, and what it may weigh before anything is built from it.

use std::ops::Range;

use groma_model::{Coverage, Fact, Gap, Observation, Scope, Seen, SourceName};
use serde::{Deserialize, Serialize};

use crate::Limits;

/// A fact said for the first time.
#[derive(Serialize)]
pub(crate) struct SawLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u64>,
    source: &'a SourceName,
    scope: &'a Scope,
    seen: Seen,
    saw: &'a Fact,
}

impl<'a> SawLine<'a> {
    pub(crate) fn new(
        n: Option<u64>,
        source: &'a SourceName,
        observation: &'a Observation,
    ) -> Self {
        Self {
            n,
            source,
            scope: &observation.scope,
            seen: observation.seen,
            saw: &observation.fact,
        }
    }
}

/// A fact said again.
#[derive(Serialize)]
pub(crate) struct AgainLine {
    pub(crate) again: u64,
    pub(crate) seen: Seen,
}

/// A gap.
#[derive(Serialize)]
pub(crate) struct MissedLine<'a> {
    pub(crate) source: &'a SourceName,
    pub(crate) missed: &'a Gap,
}

/// A scope that is done with.
#[derive(Serialize)]
pub(crate) struct CoveredLine<'a> {
    pub(crate) source: &'a SourceName,
    pub(crate) covered: &'a Coverage,
}

/// The last line: how many records came before it.
#[derive(Serialize)]
pub(crate) struct Trailer {
    pub(crate) records: u64,
}

/// Any line after the header, as it is read: its fact built, or left as text. Fields this version does not know are ignored.
#[derive(Deserialize)]
pub(crate) struct AnyLine<F> {
    pub(crate) n: Option<u64>,
    pub(crate) again: Option<u64>,
    pub(crate) source: Option<SourceName>,
    pub(crate) scope: Option<Scope>,
    pub(crate) seen: Option<Seen>,
    pub(crate) saw: Option<F>,
    pub(crate) missed: Option<Gap>,
    pub(crate) covered: Option<Coverage>,
    pub(crate) records: Option<u64>,
}

impl<F> AnyLine<F> {
    /// The same line with its fact built.
    pub(crate) fn with<G, E>(self, build: impl FnOnce(F) -> Result<G, E>) -> Result<AnyLine<G>, E> {
        let Self {
            n,
            again,
            source,
            scope,
            seen,
            saw,
            missed,
            covered,
            records,
        } = self;
        Ok(AnyLine {
            n,
            again,
            source,
            scope,
            seen,
            saw: saw.map(build).transpose()?,
            missed,
            covered,
            records,
        })
    }
}

/// What of a line exceeds its bounds.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Excess {
    pub(crate) what: &'static str,
    pub(crate) limit: u64,
}

/// What a line is found to be before anything is built from it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Weighed {
    /// How many values it holds.
    pub(crate) values: u64,
    /// Where the value of its own `saw` stands, if the line is JSON and has one.
    pub(crate) saw: Option<Range<usize>>,
    /// How many of the values are in that one, itself not counted.
    pub(crate) within: u64,
}

/// Weighs a line without building anything from it: how many values it holds, if its nesting and its
/// strings stay within `limits`. Text that is not JSON is weighed all the same; the parser refuses it.
pub(crate) fn weigh(line: &[u8], limits: &Limits) -> Result<Weighed, Excess> {
    let (mut depth, mut values) = (0_usize, 1_u64);
    let mut string: Option<usize> = None;
    let mut escaped = false;
    let mut saw = Saw::default();
    for (at, &byte) in line.iter().enumerate() {
        if let Some(length) = string.as_mut() {
            *length += 1;
            if *length > limits.string_bytes {
                return Err(Excess {
                    what: "bytes in a string",
                    limit: limits.string_bytes as u64,
                });
            }
            if byte == b'"' && !escaped {
                if depth == 1 {
                    saw.string(line.get(at.saturating_sub(*length)..=at));
                }
                string = None;
            }
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        match byte {
            b'"' => string = Some(0),
            b':' if depth == 1 => saw.colon(at, values),
            b',' => {
                if depth == 1 {
                    saw.end(at, values);
                }
                values += 1;
            }
            b'{' | b'[' => {
                (depth, values) = (depth + 1, values + 1);
                if depth > limits.depth {
                    return Err(Excess {
                        what: "levels of nesting",
                        limit: limits.depth as u64,
                    });
                }
            }
            b'}' | b']' => {
                if depth == 1 {
                    saw.end(at, values);
                }
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
    }
    let Saw { found, within, .. } = saw;
    Ok(Weighed {
        values,
        saw: found,
        within,
    })
}

/// Where `saw` stands among the fields of a line.
#[derive(Default)]
struct Saw {
    is_named: bool,
    /// Where it begins, and how many values there were before it.
    begin: Option<(usize, u64)>,
    found: Option<Range<usize>>,
    within: u64,
}

impl Saw {
    fn string(&mut self, quoted: Option<&[u8]>) {
        self.is_named = self.begin.is_none() && quoted == Some(b"\"saw\"");
    }

    fn colon(&mut self, at: usize, values: u64) {
        if std::mem::take(&mut self.is_named) {
            self.begin = Some((at + 1, values));
        }
    }

    fn end(&mut self, at: usize, values: u64) {
        self.is_named = false;
        if let Some((begin, before)) = self.begin.take() {
            self.found = Some(begin..at);
            self.within = values - before;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_and_commas_within_strings_weigh_nothing() {
        let limits = Limits {
            depth: 1,
            ..Limits::network()
        };
        let weighed = weigh(br#"{"a":"[[[[,,,,\"[[[\\"}"#, &limits);
        assert_eq!(weighed.map(|weighed| weighed.values), Ok(2));
    }

    #[test]
    fn what_a_line_saw_is_found_at_the_top_of_it_alone() {
        let found = |line: &str| {
            let weighed = weigh(line.as_bytes(), &Limits::network()).unwrap();
            weighed.saw.map(|at| line[at].to_owned())
        };
        assert_eq!(
            found(r#"{"saw":{"a":[1,2]}}"#).as_deref(),
            Some(r#"{"a":[1,2]}"#)
        );
        assert_eq!(
            found(r#"{"n":1,"saw": 7 ,"seen":{}}"#).as_deref(),
            Some(" 7 ")
        );
        assert_eq!(
            found(r#"{"saw":"a,}:\"b","n":1}"#).as_deref(),
            Some(r#""a,}:\"b""#)
        );
        for none in [
            r#"{"seen":{"saw":1}}"#,
            r#"{"a":"saw","b":1}"#,
            r#"{"a":"\"saw\":1"}"#,
            r#"["saw",1]"#,
            r#"{"\"saw":1}"#,
            r#"{"saw":"#,
            "",
        ] {
            assert_eq!(found(none), None, "{none}");
        }
    }

    #[test]
    fn nesting_beyond_the_limit_is_seen_before_parsing() {
        let limits = Limits {
            depth: 4,
            ..Limits::network()
        };
        assert!(weigh(b"[[[[0]]]]", &limits).is_ok());
        assert_eq!(
            weigh(b"[[[[[0]]]]]", &limits).unwrap_err().what,
            "levels of nesting"
        );
    }

    #[test]
    fn a_string_beyond_the_limit_is_seen_before_parsing() {
        let limits = Limits {
            string_bytes: 8,
            ..Limits::network()
        };
        assert!(weigh(br#"["1234567"]"#, &limits).is_ok());
        assert_eq!(weigh(br#"["123456789"]"#, &limits).unwrap_err().limit, 8);
    }
}
