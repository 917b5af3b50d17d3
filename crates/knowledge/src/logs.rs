//! How services write down who used them: one grammar a product, as data.
//!
//! A grammar is a list of lines. The text of a line is literal, but for fields in braces; `{}` skips a word. A line
//! must match from its begin, so what a client says of itself (a HELO that looks like a log entry) never does.
//! Lines with the same value of the grammar's `session` field (or the same process, without one) tell one use.
//!
//! | in braces | takes |
//! | --- | --- |
//! | `client` | the address of who called this machine |
//! | `client_name` | what the service's settings call who called this machine (RADIUS): they say the address |
//! | `server` | the address this machine called |
//! | `name`, `port` | the name and port that were called |
//! | `account` | the account used |
//! | `asked` | the name a name server was asked for: kept only for zones of this very server |
//! | `mechanism` | how it was proven |
//! | `base`, `filter` | where a directory is searched, and for what: kept without persons and values |
//! | `share` | the share of a file server that was used; at the end of a line it may hold blanks |
//! | `program` | what the client says it is; only the word before the first `/` is kept |
//! | `time` | when it was, in a log whose lines do not begin with a time (`head = "none"`) |
//! | the grammar's `session` | a value that ties lines together |
//! | nothing | a word, skipped |
//! | `*` | anything up to the next literal: only where no client can have written it |
//! | a blank | one blank or more |
//! | `$` | the end of the line |
//!
//! A field ends where the literal after it begins, and holds no blank, `=`, `<` or `"`; within quotes or `<>` it may,
//! and before a blank it may hold `=` and `<`. The
//! last field of a line ends at a blank. `{{` and `}}` are braces.
//!
//! Where a product writes objects of JSON, a line has `is` (what must stand where) and `takes` (which field stands
//! where) in place of `text`, with JSON pointers (RFC 6901).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use groma_model::name::{Port, Protection, Transport};
use serde::Deserialize;
use toml::Spanned;

pub use crate::log_template::{Begin, Field, Template};

/// How one product's log is read.
#[derive(Debug)]
pub struct LogGrammar {
    /// The product's name in our files, as `postfix`.
    pub id: String,
    /// Its name for people.
    pub product: String,
    /// Where the format is described.
    pub source: String,
    /// Its programs; where one stands, a log is expected.
    pub programs: Vec<String>,
    /// Files it writes by itself, besides the machine's syslog files. A `*` in a file's name stands for any text.
    pub files: Vec<String>,
    /// How to switch the log on, what that costs, and how to switch it off again.
    pub enable: String,
    /// How long its lines are kept where nobody changed it.
    pub kept: String,
    /// True if the product writes to its log by default, but not who uses it.
    pub off_by_default: bool,
    /// How messages end that say that the log of uses was switched on or off while the product ran.
    pub switched: Vec<String>,
    /// What the lines of its own files begin with.
    pub head: Head,
    /// Lines of its own files that tell no use, and show that the format is the one known here. Where there are none,
    /// nothing is said of files in another format.
    pub refused: Vec<Template>,
    /// The word behind the part that speaks that says how much a line matters; it is left out.
    pub level: Option<String>,
    /// True if lines of one use are tied by a field; else the process ties them.
    pub session: bool,
    /// Who speaks, by syslog tag.
    pub speaker: Vec<Speaker>,
    /// What it says; nothing for a product whose lines are understood by code.
    pub line: Vec<LogLine>,
}

/// What the lines of a product's own files begin with.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Head {
    /// A time, and perhaps machine and tag as syslog writes them.
    #[default]
    Syslog,
    /// Nothing: the grammar's lines are whole ones, with `{time}` somewhere.
    None,
    /// Nothing, and each line is an object of JSON.
    Json,
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
    /// True if strangers may come by the nature of the service, and one who comes back is no partner.
    #[serde(default)]
    pub open: bool,
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
#[derive(Debug)]
pub struct LogLine {
    /// How it is recognised, and what it tells.
    pub shape: Shape,
    /// What it does.
    pub does: Does,
    /// The mechanism it tells without naming it.
    pub mechanism: Option<String>,
    /// Protection it tells.
    pub protection: Option<Protection>,
    /// Who speaks, by tag, where the line says it and not the tag it stands under.
    pub speaker: Option<usize>,
    /// True if the product writes it whether or not it was told to write who uses it: it does not show that the log is on.
    pub by_default: bool,
}

/// How a line is recognised.
#[derive(Debug)]
pub enum Shape {
    /// Literal text with fields.
    Text(Template),
    /// An object of JSON: what must stand where, and where the fields are.
    Json {
        /// Pointers with the text that stands there.
        is: BTreeMap<String, String>,
        /// Fields and where each stands.
        takes: Vec<(Field, String)>,
    },
}

/// A grammar as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenGrammar {
    id: String,
    product: String,
    source: String,
    programs: Vec<String>,
    #[serde(default)]
    files: Vec<String>,
    enable: String,
    kept: String,
    #[serde(default)]
    off_by_default: bool,
    #[serde(default)]
    switched: Vec<String>,
    #[serde(default)]
    head: Head,
    #[serde(default)]
    refused: Vec<Spanned<String>>,
    #[serde(default)]
    level: Option<String>,
    #[serde(default)]
    session: Option<String>,
    speaker: Vec<Speaker>,
    #[serde(default)]
    line: Vec<Spanned<WrittenLine>>,
}

/// A line as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLine {
    #[serde(default)]
    text: Option<Spanned<String>>,
    #[serde(default)]
    is: BTreeMap<String, String>,
    #[serde(default)]
    takes: BTreeMap<Spanned<String>, String>,
    does: Does,
    #[serde(default)]
    mechanism: Option<String>,
    #[serde(default)]
    protection: Option<Protection>,
    #[serde(default)]
    speaker: Option<String>,
    #[serde(default)]
    by_default: bool,
}

impl LogGrammar {
    /// Reads the grammar that `file` holds. The error names the file, the line and what is known there.
    pub fn parse(file: &str, text: &str) -> Result<Self, String> {
        let written: WrittenGrammar =
            toml::from_str(text).map_err(|error| format!("{file}: {error}"))?;
        let place = |at: usize| {
            let before = text.as_bytes().get(..at).unwrap_or_default();
            format!("{file}:{}", 1 + memchr::memchr_iter(b'\n', before).count())
        };
        let session = written.session.as_deref();
        let line = written
            .line
            .into_iter()
            .map(|line| {
                let at = line.span().start;
                let line = line.into_inner();
                line.read(session, &written.speaker, written.head)
                    .map_err(|(at_field, error)| {
                        format!("{}: {error}", place(at_field.unwrap_or(at)))
                    })
            })
            .collect::<Result<_, _>>()?;
        let refused = written.refused.iter().map(|line| {
            let template = Template::parse(line.get_ref(), session);
            template.map_err(|error| format!("{}: {error}", place(line.span().start)))
        });
        let refused = refused.collect::<Result<_, _>>()?;
        Ok(Self {
            refused,
            id: written.id,
            product: written.product,
            source: written.source,
            programs: written.programs,
            files: written.files,
            enable: written.enable,
            kept: written.kept,
            off_by_default: written.off_by_default,
            switched: written.switched,
            head: written.head,
            level: written.level,
            session: written.session.is_some(),
            speaker: written.speaker,
            line,
        })
    }
}

impl WrittenLine {
    /// The line; an error has the place of the field it is about.
    fn read(
        self,
        session: Option<&str>,
        speakers: &[Speaker],
        head: Head,
    ) -> Result<LogLine, (Option<usize>, String)> {
        let speaker = self.speaker.map(|tag| {
            let of_tag = speakers.iter().position(|speaker| speaker.tag == tag);
            of_tag.ok_or_else(|| {
                (
                    None,
                    format!("no speaker of this grammar has the tag {tag}"),
                )
            })
        });
        let shape = match self.text {
            Some(text) if self.is.is_empty() && self.takes.is_empty() => {
                let at = Some(text.span().start);
                let template = Template::parse(text.get_ref(), session);
                Shape::Text(template.map_err(|error| (at, error))?)
            }
            None if !self.takes.is_empty() => Shape::Json {
                is: self.is,
                takes: (self.takes.into_iter())
                    .map(|(name, pointer)| {
                        let at = Some(name.span().start);
                        let field = Field::named(name.get_ref(), session);
                        Ok((field.map_err(|error| (at, error))?, pointer))
                    })
                    .collect::<Result<_, _>>()?,
            },
            _ => return Err((None, "a line has `text`, or `is` and `takes`".to_owned())),
        };
        let line = LogLine {
            shape,
            does: self.does,
            mechanism: self.mechanism,
            protection: self.protection,
            speaker: speaker.transpose()?,
            by_default: self.by_default,
        };
        line.sound(session, head).map_err(|error| (None, error))?;
        Ok(line)
    }
}

impl LogLine {
    /// False if the begin of a message shows that it is another line.
    #[inline]
    pub fn may_match(&self, begin: &Begin<'_>) -> bool {
        match &self.shape {
            Shape::Text(template) => template.may_match(begin),
            Shape::Json { .. } => true,
        }
    }

    /// The fields it takes.
    pub fn fields(&self) -> Vec<Field> {
        match &self.shape {
            Shape::Text(template) => template.fields().collect(),
            Shape::Json { takes, .. } => takes.iter().map(|(field, _)| *field).collect(),
        }
    }

    /// Nothing a line lacks shows when it is used: it would be ignored, or tie lines that do not belong together.
    fn sound(&self, session: Option<&str>, head: Head) -> Result<(), String> {
        let fields = self.fields();
        let has = |field| fields.contains(&field);
        if let (Some(session), false) = (session, self.does == Does::Whole || has(Field::Session)) {
            return Err(format!("a line that is no whole use lacks `{session}`"));
        }
        let said = [Field::Client, Field::ClientName, Field::Server];
        if self.does == Does::Whole && !said.into_iter().any(has) {
            return Err("a whole use needs `client`, `client_name` or `server`".to_owned());
        }
        // Beside objects, a product may write lines to syslog, which says when.
        let by_syslog = head == Head::Json && matches!(self.shape, Shape::Text(_));
        let has_own_time = head != Head::Syslog && !by_syslog;
        if has_own_time != has(Field::Time) {
            return Err(format!("`time` does not fit to head {head:?}"));
        }
        Ok(())
    }
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
        const FILES: &[(&str, &str)] = &[$((concat!("logs/", $name, ".toml"), include_str!(concat!("../logs/", $name, ".toml")))),*];
    };
}

grammars![
    "apache",
    "bind",
    "cups",
    "dhcpd",
    "dirsrv",
    "dnsmasq",
    "dovecot",
    "exim",
    "freeradius",
    "knot",
    "krb5kdc",
    "mariadb",
    "nginx",
    "openssh",
    "postfix",
    "postgresql",
    "rsyncd",
    "samba",
    "sendmail",
    "slapd",
    "squid",
    "unbound",
    "unbound-syslog",
    "vsftpd",
    "wtmp",
];

/// Every grammar.
pub static LOG_GRAMMARS: LazyLock<Vec<LogGrammar>> = LazyLock::new(|| {
    let parse = |(file, text): &(&str, &str)| match LogGrammar::parse(file, text) {
        Ok(grammar) => grammar,
        Err(error) => panic!("it is compiled in and a test parses it: {error}"),
    };
    FILES.iter().map(parse).collect()
});

#[cfg(test)]
mod tests {
    use groma_model::registry::REGISTRY;

    use super::*;

    const GOOD: &str = r#"
id = "exampled"
product = "Example"
source = "exampled(8)"
programs = []
enable = "by its settings"
kept = "4 weeks"
session = "conn"

[[speaker]]
tag = "exampled"
kind = "http"

[[line]]
text = "conn={conn} from {client}:{}"
does = "begins"

[[line]]
text = "conn={conn} user={account} by"
does = "counts"
"#;

    fn error_of(good: &str, bad: &str) -> String {
        LogGrammar::parse("logs/exampled.toml", &GOOD.replace(good, bad)).unwrap_err()
    }

    #[test]
    fn a_misspelt_field_is_refused_with_its_line_and_what_is_known() {
        assert!(LogGrammar::parse("logs/exampled.toml", GOOD).is_ok());
        let error = error_of("{account}", "{acount}");
        assert!(
            error.starts_with("logs/exampled.toml:19: `acount` is no field groma knows: account, asked, base, client, client_name, filter, mechanism,"),
            "{error}"
        );
        assert!(error.contains("`conn` ties lines together"), "{error}");
    }

    #[test]
    fn what_a_grammar_lacks_or_has_too_much_is_refused_with_its_place() {
        for (good, bad, says) in [
            (
                "kept =",
                "keeps =",
                "unknown field `keeps`, expected one of",
            ),
            (
                "session = \"conn\"",
                "",
                "logs/exampled.toml:15: `conn` is no field",
            ),
            (
                "conn={conn} user=",
                "user=",
                "a line that is no whole use lacks `conn`",
            ),
            (
                "does = \"counts\"",
                "does = \"count\"",
                "unknown variant `count`",
            ),
            (
                "does = \"counts\"",
                "does = \"whole\"",
                "a whole use needs `client`, `client_name` or `server`",
            ),
            (
                "does = \"counts\"",
                "does = \"counts\"\nspeaker = \"x\"",
                "no speaker of this grammar has the tag x",
            ),
            ("{account} by", "{time}", "`time` does not fit"),
        ] {
            let error = error_of(good, bad);
            assert!(
                error.starts_with("logs/exampled.toml:") && error.contains(says),
                "{error}"
            );
        }
    }

    #[test]
    fn records_of_logons_are_called_as_the_graph_knows_them() {
        let wtmp = LOG_GRAMMARS.iter().find(|grammar| grammar.id == "wtmp");
        assert_eq!(wtmp.unwrap().product, groma_model::fact::REMOTE_LOGONS);
    }

    #[test]
    fn every_grammar_is_sound() {
        for (file, text) in FILES {
            let grammar = LogGrammar::parse(file, text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(*file, format!("logs/{}.toml", grammar.id));
            assert!(
                grammar.source.starts_with("http") || grammar.source.contains('('),
                "{file}"
            );
            assert!(grammar.enable.len() > 20, "{file}: how to switch it on");
            assert!(
                grammar.enable.contains("Costs"),
                "{file}: what the log costs"
            );
            let back = ["restore", "back"];
            assert!(
                back.iter().any(|word| grammar.enable.contains(word)),
                "{file}: how to go back"
            );
            assert!(grammar.kept.len() > 10, "{file}: how long it is kept");
            for speaker in &grammar.speaker {
                assert!(
                    REGISTRY.dependencies.contains_key(&speaker.kind),
                    "{file}: {}",
                    speaker.kind
                );
            }
        }
    }
}
