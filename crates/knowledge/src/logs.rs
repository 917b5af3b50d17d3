//! How services write down who used them: one grammar a product, as data.
//!
//! A grammar is a list of lines. The text of a line is literal, but for fields in braces; `{}` skips a word. A line
//! must match from its begin, so what a client says of itself (a HELO that looks like a log entry) never does.
//! Lines with the same value of the grammar's `session` field (or the same process, without one) tell one use.
//!
//! | field | takes |
//! | --- | --- |
//! | `client` | the address of who called this machine |
//! | `server`, `name`, `port` | the address, name and port this machine called |
//! | `account` | the account used |
//! | `mechanism` | how it was proven |
//! | `greeting` | what the client calls itself (HELO, EHLO) |
//! | anything else | a value that ties lines together |
//!
//! A field ends where the literal after it begins, and holds no blank, `=` or `<`; within quotes or `<>` it may. The
//! last field of a line ends at a blank.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use groma_model::name::{Port, Protection, Transport};
use serde::Deserialize;

/// How one product's log is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogGrammar {
    /// The product's name in our files, as `postfix`.
    pub id: String,
    /// Its name for people.
    pub product: String,
    /// Where the format is described.
    pub source: String,
    /// Its programs; where one stands, a log is expected.
    pub programs: Vec<String>,
    /// Files it writes by itself, besides the machine's syslog files.
    #[serde(default)]
    pub files: Vec<String>,
    /// How to switch the log on, what that costs, and how to switch it off again.
    pub enable: String,
    /// The field whose value ties lines of one use together; without one, the process does.
    #[serde(default)]
    pub session: Option<String>,
    /// Who speaks, by syslog tag.
    pub speaker: Vec<Speaker>,
    /// What it says.
    pub line: Vec<LogLine>,
}

/// A part of a product that signs its lines with a tag of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speaker {
    /// The tag before the `[`; one `*` stands for any text without `/`.
    pub tag: String,
    /// Kind of dependency (registry) of whoever calls it, or of what it calls.
    pub kind: String,
    /// The port it serves, where the line does not say.
    #[serde(default)]
    pub port: Option<Port>,
    /// Transport.
    #[serde(default = "tcp")]
    pub transport: Transport,
    /// Protection that its port implies.
    #[serde(default)]
    pub protection: Option<Protection>,
    /// Ports on which TLS is spoken from the first byte.
    #[serde(default)]
    pub tls_ports: Vec<Port>,
}

fn tcp() -> Transport {
    Transport::Tcp
}

/// What a line does to the use it belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Does {
    /// A client came: what was known of this session is another use.
    Begins,
    /// It tells more.
    Adds,
    /// It tells more, and that the service was used once.
    Counts,
    /// The client went.
    Ends,
    /// A whole use in one line.
    Whole,
}

/// One line of a grammar.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogLine {
    /// Literal text with fields in braces.
    pub text: Template,
    /// What it does.
    pub does: Does,
    /// Fields it sets besides those it takes, as `mechanism = "simple"`.
    #[serde(default)]
    pub sets: BTreeMap<String, String>,
    /// Protection it tells.
    #[serde(default)]
    pub protection: Option<Protection>,
}

/// A piece of a template.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Literal(String),
    /// A field by name; an empty name is skipped.
    Field(String),
}

/// Literal text with fields in braces, ready to be matched.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Template {
    pieces: Vec<Piece>,
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some((literal, after)) = rest.split_once('{') {
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal.to_owned()));
            } else if matches!(pieces.last(), Some(Piece::Field(_))) {
                return Err(format!(
                    "{text}: two fields touch, and nothing tells where the first ends"
                ));
            }
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| format!("{text}: a brace is not closed"))?;
            pieces.push(Piece::Field(name.to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        match pieces.first() {
            Some(Piece::Literal(_) | Piece::Field(_)) => Ok(Self { pieces }),
            None => Err("a template says nothing".to_owned()),
        }
    }
}

impl Template {
    /// Calls `take` with the name and value of every field if `message` begins as the template says. What `take`
    /// was told holds only if the answer is true.
    pub fn matches<'t, 'm>(
        &'t self,
        message: &'m str,
        mut take: impl FnMut(&'t str, &'m str),
    ) -> bool {
        let mut rest = message;
        let mut pieces = self.pieces.iter().peekable();
        while let Some(piece) = pieces.next() {
            match piece {
                Piece::Literal(literal) => match rest.strip_prefix(literal.as_str()) {
                    Some(after) => rest = after,
                    None => return false,
                },
                Piece::Field(name) => {
                    let next = match pieces.peek() {
                        Some(Piece::Literal(literal)) => Some(literal.as_str()),
                        _ => None,
                    };
                    let Some(end) = end_of_field(rest, next) else {
                        return false;
                    };
                    let (value, after) = rest.split_at(end);
                    if !name.is_empty() {
                        take(name, value);
                    }
                    rest = after;
                }
            }
        }
        true
    }

    /// The names of its fields.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Field(name) if !name.is_empty() => Some(name.as_str()),
            _ => None,
        })
    }
}

/// Where a field ends: at the literal after it, or at a blank. Only what quotes enclose holds blanks, or the signs
/// that log lines are made of.
fn end_of_field(rest: &str, next: Option<&str>) -> Option<usize> {
    let blank = rest.find([' ', '\t']).unwrap_or(rest.len());
    let Some(next) = next else {
        return Some(blank);
    };
    let enclosed = next.starts_with(['"', '>']);
    // What holds no blank ends before the next one: nothing behind it need be searched.
    let within = match enclosed {
        true => rest,
        false => rest.get(..blank.saturating_add(next.len())).unwrap_or(rest),
    };
    let end = within.find(next)?;
    let value = rest.get(..end).unwrap_or_default();
    let is_sound = match next.as_bytes().first() {
        Some(b'"') => true,
        // An address of mail may hold a quoted text that looks like the rest of the line.
        Some(b'>') => !value.contains(['"', ' ']),
        _ => end <= blank && !value.contains(['=', '<']),
    };
    is_sound.then_some(end)
}

impl Speaker {
    /// True if `tag` is this speaker's.
    pub fn signs(&self, tag: &str) -> bool {
        match self.tag.split_once('*') {
            None => tag == self.tag,
            Some((before, after)) => tag
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after))
                .is_some_and(|middle| !middle.contains('/')),
        }
    }
}

macro_rules! grammars {
    ($($name:literal),* $(,)?) => {
        const FILES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../logs/", $name, ".toml")))),*];
    };
}

grammars!["bind", "openssh", "postfix", "slapd"];

/// Every grammar.
pub static LOG_GRAMMARS: LazyLock<Vec<LogGrammar>> = LazyLock::new(|| {
    let parse = |(name, text): &(&str, &str)| match toml::from_str::<LogGrammar>(text) {
        Ok(grammar) => grammar,
        Err(error) => panic!("logs/{name}.toml is compiled in and a test parses it: {error}"),
    };
    FILES.iter().map(parse).collect()
});

#[cfg(test)]
mod tests {
    use groma_model::registry::REGISTRY;

    use super::*;

    fn taken(template: &str, message: &str) -> Option<Vec<(String, String)>> {
        let template = Template::try_from(template.to_owned()).unwrap();
        let mut out = Vec::new();
        template
            .matches(message, |name, value| {
                out.push((name.to_owned(), value.to_owned()))
            })
            .then_some(out)
    }

    #[test]
    fn a_line_matches_from_its_begin_or_not_at_all() {
        let template = "{id}: client={}[{client}]";
        let taken_of = |message| taken(template, message).map(|t| t[1].1.clone());
        assert_eq!(
            taken_of("4Fx: client=a.corp.example[10.0.0.1], x"),
            Some("10.0.0.1".into())
        );
        assert_eq!(taken_of("warning: 4Fx: client=a[10.0.0.1]"), None);
        assert_eq!(taken_of("helo=<x: client=a[10.0.0.1]>"), None);
    }

    #[test]
    fn a_field_holds_blanks_only_within_quotes() {
        let dn = taken(
            "BIND dn=\"{account}\" method=128",
            "BIND dn=\"cn=Big Copier,dc=x\" method=128",
        );
        assert_eq!(dn.unwrap()[0].1, "cn=Big Copier,dc=x");
        assert_eq!(taken("from {a} port", "from x y port"), None);
        assert_eq!(taken("last {a}", "last x y").unwrap()[0].1, "x");
    }

    #[test]
    fn a_template_that_cannot_be_read_says_why() {
        for bad in ["", "{a}{b}", "x {a"] {
            assert!(Template::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_grammar_is_sound() {
        for grammar in LOG_GRAMMARS.iter() {
            assert!(
                grammar.source.starts_with("http") || grammar.source.contains('('),
                "{}",
                grammar.id
            );
            assert!(
                grammar.enable.len() > 20,
                "{}: how to switch it on",
                grammar.id
            );
            for speaker in &grammar.speaker {
                assert!(
                    REGISTRY.dependencies.contains_key(&speaker.kind),
                    "{}: {}",
                    grammar.id,
                    speaker.kind
                );
            }
            if let Some(session) = &grammar.session {
                let whole = |line: &&LogLine| line.does != Does::Whole;
                for line in grammar.line.iter().filter(whole) {
                    assert!(
                        line.text.fields().any(|f| f == session),
                        "{}: {:?}",
                        grammar.id,
                        line.text
                    );
                }
            }
        }
    }
}
