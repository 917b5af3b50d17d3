//! What events of Windows and rows of its text logs tell of who used what: one grammar a log, as data.
//!
//! An event or a row is a set of named values: those of an event by their names (`IpAddress`), or by their place from `1`
//! where it has none (events that are older than names); those of a text log by its line `#Fields`. A rule says which
//! events it is about and which value means what. The first rule that fits tells; what it needs and does not find is no
//! row.
//!
//! In `when` and `unless` a value is meant whatever its case, one that ends with `*` by its begin, and one between two `*`
//! by what it holds.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use groma_model::name::{Port, Protection, Transport};
use serde::Deserialize;

/// What the events of one log tell.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventGrammar {
    /// Its name in our files, as `directory-service`.
    pub id: String,
    /// The product, for people.
    pub product: String,
    /// Where the events are described.
    pub source: String,
    /// The logs: channels of events; the `#Log-type` or the `#Software` a text log begins with (a `*` ends a begin).
    pub logs: Vec<String>,
    /// Who writes these events; anybody where it is empty.
    #[serde(default)]
    pub providers: Vec<String>,
    /// Which values name the machine whose log it is, where an event does not say it itself.
    #[serde(default)]
    pub machine: Vec<String>,
    /// How to switch it on, what that costs, and how to switch it off again.
    pub enable: String,
    /// How long it is kept where nobody changed it.
    pub kept: String,
    /// What is told, by which events.
    pub event: Vec<EventRule>,
}

/// What an event is to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tells {
    /// Somebody used a service of this machine, or this machine one of another.
    Use,
    /// Somebody tried to, and was refused.
    Refused,
    /// An account works on this machine by itself: a service, a job.
    WorksHere,
    /// Something happens that this log does not tell more about, unless it is told to.
    Silent,
}

/// Values that must be so.
pub type Conditions = BTreeMap<String, Vec<String>>;

/// Which events, and which of their values means what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventRule {
    /// The events' numbers; none in a text log.
    #[serde(default)]
    pub ids: Vec<u32>,
    /// What they are to us.
    pub tells: Tells,
    /// What must stand where.
    #[serde(default)]
    pub when: Conditions,
    /// What may not stand where.
    #[serde(default)]
    pub unless: Conditions,
    /// Kind of dependency (registry).
    #[serde(default)]
    pub kind: Option<String>,
    /// The port that is called, where no value says.
    #[serde(default)]
    pub port: Option<Port>,
    /// Transport; TCP where nothing is said.
    #[serde(default)]
    pub transport: Option<Transport>,
    /// The value with the port that is called.
    #[serde(default)]
    pub port_in: Option<String>,
    /// Where the client's address or name stands: the first of these that has one.
    #[serde(default)]
    pub client: Vec<String>,
    /// True if the client stands there as an address, and a word in its place is a part of the server itself.
    #[serde(default)]
    pub client_is_address: bool,
    /// True if a name without a domain is that of a machine of the domain whose log it is.
    #[serde(default)]
    pub client_in_domain: bool,
    /// Where this machine is the client: who was called, by name or as a service principal.
    #[serde(default)]
    pub server: Vec<String>,
    /// The account.
    #[serde(default)]
    pub account: Option<String>,
    /// The domain of the account.
    #[serde(default)]
    pub domain: Option<String>,
    /// When the account is nobody's.
    #[serde(default)]
    pub nobody: Conditions,
    /// When an account that was refused is one that exists, and not just what somebody typed.
    #[serde(default)]
    pub account_exists: Conditions,
    /// How it was proven, where no value says.
    #[serde(default)]
    pub mechanism: Option<String>,
    /// The value that says how it was proven.
    #[serde(default)]
    pub mechanism_in: Option<String>,
    /// How it was protected.
    #[serde(default)]
    pub protection: Option<Protection>,
    /// What was used there, where no value says.
    #[serde(default)]
    pub service: Option<String>,
    /// The value that says what was used there: an account of a service, a connector.
    #[serde(default)]
    pub service_in: Option<String>,
    /// The account of a machine (`NAME$`) the client goes on to.
    #[serde(default)]
    pub onward: Option<String>,
    /// True if only an account that ends with `$` is a machine's, as where it may be anybody's.
    #[serde(default)]
    pub onward_is_machine: bool,
    /// Who goes on to it, where that is not the client.
    #[serde(default)]
    pub onward_client: Option<String>,
    /// Where a search of a directory begins.
    #[serde(default)]
    pub base: Option<String>,
    /// What it asks for; only the names of attributes are kept.
    #[serde(default)]
    pub filter: Option<String>,
    /// What the client says it is.
    #[serde(default)]
    pub program: Option<String>,
    /// Which events would tell what these do not, where they are silent.
    #[serde(default)]
    pub told_by: Vec<u32>,
    /// What a person is told, with values in braces.
    #[serde(default)]
    pub says: Option<String>,
}

impl EventGrammar {
    /// Reads the grammar that `file` holds. The error names the file, and the line where it is one of TOML.
    pub fn parse(file: &str, text: &str) -> Result<Self, String> {
        let grammar: Self = toml::from_str(text).map_err(|error| format!("{file}: {error}"))?;
        for rule in &grammar.event {
            let about = || format!("{file}: the rule of {:?}", rule.ids);
            rule.sound()
                .map_err(|error| format!("{} {error}", about()))?;
        }
        Ok(grammar)
    }

    /// True if it is about the log that calls itself `log`.
    pub fn is_of(&self, log: &str) -> bool {
        self.logs.iter().any(|known| is_meant(known, log))
    }

    /// The first rule about event `number` of `provider` (nothing for a row of a text log) whose values fit.
    pub fn rule<'v>(
        &self,
        provider: &str,
        number: u32,
        value: &impl Fn(&str) -> Option<&'v str>,
    ) -> Option<&EventRule> {
        let known = |name: &String| name.eq_ignore_ascii_case(provider);
        if !self.providers.is_empty() && !self.providers.iter().any(known) {
            return None;
        }
        self.event
            .iter()
            .filter(|rule| rule.ids.is_empty() || rule.ids.contains(&number))
            .find(|rule| all(&rule.when, value) && !any(&rule.unless, value))
    }
}

impl EventRule {
    /// What a rule lacks shows here and not in the field.
    fn sound(&self) -> Result<(), String> {
        let conditions = [&self.when, &self.unless, &self.nobody, &self.account_exists];
        let odd = conditions
            .iter()
            .flat_map(|conditions| conditions.values().flatten())
            .find(|meant| !is_pattern(meant));
        if let Some(odd) = odd {
            return Err(format!("has a star where it means nothing: `{odd}`"));
        }
        let says_who = !self.client.is_empty() || !self.server.is_empty();
        match self.tells {
            Tells::Use | Tells::Refused if !says_who => {
                Err("has no `client` and no `server`".to_owned())
            }
            Tells::Use | Tells::Refused if self.kind.is_none() => Err("has no `kind`".to_owned()),
            Tells::WorksHere if self.account.is_none() => Err("has no `account`".to_owned()),
            Tells::Silent if self.says.is_none() => Err("has no `says`".to_owned()),
            _ => Ok(()),
        }
    }

    /// True if all an event tells of the account is that somebody typed it: it may be the password.
    pub fn is_account_typed<'v>(&self, value: &impl Fn(&str) -> Option<&'v str>) -> bool {
        self.tells == Tells::Refused && !any(&self.account_exists, value)
    }

    /// True if the account is nobody's.
    pub fn is_nobody<'v>(&self, value: &impl Fn(&str) -> Option<&'v str>) -> bool {
        any(&self.nobody, value)
    }
}

fn all<'v>(conditions: &Conditions, value: &impl Fn(&str) -> Option<&'v str>) -> bool {
    conditions
        .iter()
        .all(|(name, meant)| fits(name, meant, value))
}

fn any<'v>(conditions: &Conditions, value: &impl Fn(&str) -> Option<&'v str>) -> bool {
    conditions
        .iter()
        .any(|(name, meant)| fits(name, meant, value))
}

fn fits<'v>(name: &str, meant: &[String], value: &impl Fn(&str) -> Option<&'v str>) -> bool {
    value(name).is_some_and(|value| meant.iter().any(|meant| is_meant(meant, value.trim())))
}

/// True if `meant`, which may be a begin with a `*` behind it or what stands between two, means `value`.
fn is_meant(meant: &str, value: &str) -> bool {
    let begins = |value: &str, begin: &str| {
        value
            .get(..begin.len())
            .is_some_and(|here| here.eq_ignore_ascii_case(begin))
    };
    let Some(begin) = meant.strip_suffix('*') else {
        return meant.eq_ignore_ascii_case(value);
    };
    match begin.strip_prefix('*') {
        Some(part) => value
            .char_indices()
            .any(|(at, _)| value.get(at..).is_some_and(|rest| begins(rest, part))),
        None => begins(value, begin),
    }
}

/// True if each star of `meant` stands where it means something.
fn is_pattern(meant: &str) -> bool {
    let inner = meant
        .strip_suffix('*')
        .map_or(meant, |begin| begin.strip_prefix('*').unwrap_or(begin));
    !inner.contains('*')
}

macro_rules! grammars {
    ($($name:literal),* $(,)?) => {
        const FILES: &[(&str, &str)] = &[$((concat!("events/", $name, ".toml"), include_str!(concat!("../events/", $name, ".toml")))),*];
    };
}

grammars![
    "directory-service",
    "exchange-imap",
    "exchange-pop",
    "exchange-smtp",
    "exchange-tracking",
    "iis",
    "nps",
    "ntlm",
    "security",
];

/// Every grammar.
pub static EVENT_GRAMMARS: LazyLock<Vec<EventGrammar>> = LazyLock::new(|| {
    let parse = |(file, text): &(&str, &str)| match EventGrammar::parse(file, text) {
        Ok(grammar) => grammar,
        Err(error) => panic!("it is compiled in and a test parses it: {error}"),
    };
    FILES.iter().map(parse).collect()
});

#[cfg(test)]
mod tests {
    use groma_model::registry::REGISTRY;

    use super::*;

    #[test]
    fn every_grammar_is_sound() {
        for (file, text) in FILES {
            let grammar = EventGrammar::parse(file, text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(*file, format!("events/{}.toml", grammar.id));
            assert!(grammar.source.starts_with("http"), "{file}");
            assert!(
                grammar.enable.contains("Costs"),
                "{file}: what the log costs"
            );
            let back = ["restore", "back", "RESET"];
            assert!(
                back.iter().any(|word| grammar.enable.contains(word)),
                "{file}: how to go back"
            );
            assert!(grammar.kept.len() > 10, "{file}: how long it is kept");
            for kind in grammar.event.iter().filter_map(|rule| rule.kind.as_ref()) {
                assert!(REGISTRY.dependencies.contains_key(kind), "{file}: {kind}");
            }
        }
    }

    #[test]
    fn what_a_rule_lacks_is_refused_with_its_number() {
        let good = "id='x'\nproduct='x'\nsource='https://x'\nlogs=['X']\nenable=''\nkept=''\n[[event]]\nids=[7]\ntells='use'\n";
        let error = |more: &str| EventGrammar::parse("events/x.toml", &format!("{good}{more}"));
        let lacks = error("kind='ldap-bind'\n").unwrap_err();
        assert_eq!(
            lacks,
            "events/x.toml: the rule of [7] has no `client` and no `server`"
        );
        assert!(error("kind='ldap-bind'\nclient=['1']\n").is_ok());
        let star = error("kind='ldap-bind'\nclient=['1']\nunless={a=['R=*NO*']}\n").unwrap_err();
        assert!(star.contains("`R=*NO*`"), "{star}");
        let misspelt = error("kind='ldap-bind'\nclients=['1']\n").unwrap_err();
        assert!(misspelt.contains("unknown field `clients`"), "{misspelt}");
    }

    #[test]
    fn the_first_rule_that_fits_tells() {
        let grammar = EVENT_GRAMMARS.iter().find(|g| g.id == "directory-service");
        let grammar = grammar.unwrap();
        let provider = grammar.providers.first().unwrap();
        let bind = |kind: &'static str| {
            let value = move |name: &str| (name == "3").then_some(kind);
            grammar
                .rule(provider, 2889, &value)
                .and_then(|rule| rule.mechanism.clone())
        };
        assert_eq!(bind("1").as_deref(), Some("SIMPLE"));
        assert_eq!(bind("0").as_deref(), Some("SASL-unsigned"));
        let none = |_: &str| None;
        assert!(grammar.rule("Somebody else", 2889, &none).is_none());
        assert!(is_meant("/EWS/*", "/ews/Exchange.asmx") && !is_meant("/EWS/*", "/owa/"));
        assert!(is_meant("* no *", "ä1 NO x") && !is_meant("* no *", "a1 NOW x"));
    }
}
