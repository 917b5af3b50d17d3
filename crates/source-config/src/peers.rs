//! Machines behind keys that speak of machines, in files and keys no rule knows: `servers = "cache1.corp:6380"`.
//!
//! A key counts if its last word stands for a machine (`server`, `host`, `upstream`) or for a service (`smtp`,
//! `ldap`), and no word around it says that the machine itself, its guests or a reader are meant. A value counts
//! only if all of it is machines that stand elsewhere: addresses, names with a domain, names with a port.

use std::collections::HashMap;
use std::sync::LazyLock;

use groma_knowledge::rules::COMMON_KEYS;
use groma_model::registry::REGISTRY;
use groma_model::{Peer, Port, Transport};

use crate::apply::kind_by_port;
use crate::quick::{QuickBuilder, Words, words};
use crate::value::{Target, host_and_port};

/// A list of more machines than this is data, not a setting.
const MACHINES_MAX: usize = 64;
const VALUE_MAX: usize = 4096;

/// What a key and its surroundings say of the machine behind it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Context {
    /// True if the key alone says that a machine stands behind it; else only a value with a port does.
    speaks: bool,
    /// True for a key that is as often the name of the machine itself: it counts with a port beside it.
    needs_port: bool,
    /// True for a key that as often names a queue or a database as the server it lies on.
    names_thing: bool,
    /// The words of the key and of what is around it, the nearest first.
    words: Vec<String>,
}

static KINDS: LazyLock<HashMap<&'static str, &'static str, QuickBuilder>> = LazyLock::new(|| {
    let kinds = COMMON_KEYS.kind_words.iter();
    kinds
        .flat_map(|(kind, words)| words.iter().map(|word| (word.as_str(), kind.as_str())))
        .collect()
});

static PEER_WORDS: LazyLock<Words> = LazyLock::new(|| words(&COMMON_KEYS.peer_words));

impl Context {
    /// The words of `key` within `section`, in a file at `path`; `None` if the machine itself or a guest is meant.
    pub(crate) fn of(key: &str, section: &str, path: &str) -> Option<Self> {
        if matches!(
            key.to_ascii_lowercase().as_str(),
            "server_name" | "servername" | "myhostname" | "$myhostname"
        ) {
            return None;
        }
        let inner = section.rsplit('/').next().unwrap_or_default();
        // A list has its key around it: `servers: [a, b]`.
        let bare = key.is_empty() || key.bytes().all(|b| b.is_ascii_digit());
        let head = words_of(if bare { inner } else { key }).pop()?;
        let near: Vec<String> = reversed(key).chain(reversed(inner)).collect();
        if near.iter().any(|word| COMMON_KEYS.own_words.contains(word)) {
            return None;
        }
        let served = near
            .iter()
            .skip(1)
            .any(|word| KINDS.get(word.as_str()).is_some_and(|kind| *kind != "http"));
        let outer = section.rsplit('/').skip(1).take(2).flat_map(reversed);
        let file = path.rsplit('/').take(2).flat_map(reversed);
        Some(Self {
            speaks: stands_for_a_machine(&head) && (served || !is_open(&head)),
            needs_port: head == "hostname" && !served,
            names_thing: names_a_thing(&head),
            words: near.into_iter().chain(outer).chain(file).collect(),
        })
    }

    /// The kind the nearest word speaks of. That something is spoken to by HTTP is the last thing to believe.
    fn kind(&self) -> Option<&'static str> {
        let kinds = || {
            self.words
                .iter()
                .filter_map(|word| KINDS.get(word.as_str()))
        };
        kinds()
            .find(|kind| **kind != "http")
            .or_else(|| kinds().next())
            .copied()
    }

    /// The port the nearest word's product has.
    fn port(&self, kind: &str) -> Option<Port> {
        let named = self
            .words
            .iter()
            .find_map(|word| COMMON_KEYS.word_ports.get(word));
        let habit = || Some(endpoint(kind)?.0);
        named.copied().map(Port).or_else(habit)
    }
}

/// Kinds a web address may serve as, where the words around it say so.
const SERVED_BY_WEB: &[&str] = &["monitoring", "nosql", "syslog", "http-proxy"];

/// What the nearest telling word says of a web address under `key` in `section`: `SENTRY_DSN`, `zipkin.base-url`.
pub(crate) fn served_by_web(key: &str, section: &str) -> Option<&'static str> {
    let inner = section.rsplit('/').next().unwrap_or_default();
    let head = reversed(key).next();
    let words = reversed(key).chain(reversed(inner));
    let kind = words
        .filter_map(|word| Some((KINDS.get(word.as_str()).copied()?, word)))
        .find(|(kind, _)| *kind != "http");
    let (kind, word) = kind.filter(|(kind, _)| SERVED_BY_WEB.contains(kind))?;
    // `proxy.url` as often names what stands behind a proxy.
    // `proxies = {"https": "http://…"}` lists nothing else.
    (kind != "http-proxy" || Some(&word) == head.as_ref() || word == "proxies").then_some(kind)
}

/// What the nearest telling word says of the machine under `key` in `section`.
pub(crate) fn told(key: &str, section: &str) -> Option<&'static str> {
    let inner = section.rsplit('/').next().unwrap_or_default();
    let words = reversed(key).chain(reversed(inner));
    let mut kinds = words.filter_map(|word| KINDS.get(word.as_str()).copied());
    kinds.find(|kind| *kind != "http")
}

/// True if the words of `key` say that what follows is the machine itself, a guest or something to read.
pub(crate) fn is_own(key: &str) -> bool {
    words_of(key)
        .iter()
        .any(|word| COMMON_KEYS.own_words.contains(word))
}

fn reversed(text: &str) -> std::iter::Rev<std::vec::IntoIter<String>> {
    words_of(text).into_iter().rev()
}

/// The endpoint a kind has by habit, where one word about it is enough to know the port.
fn endpoint(kind: &str) -> Option<(Port, Transport)> {
    if matches!(
        kind,
        "http" | "http-proxy" | "other" | "monitoring" | "backup" | "sql" | "nosql"
    ) {
        return None;
    }
    REGISTRY.dependencies.get(kind)?.endpoints().next()
}

/// True for words that as often name where the program itself listens, unless a service stands before them.
pub(crate) fn is_open(word: &str) -> bool {
    matches!(
        word,
        "address"
            | "addresses"
            | "addr"
            | "addrs"
            | "node"
            | "nodes"
            | "adresse"
            | "adressen"
            | "adresses"
            | "adres"
            | "direccion"
            | "indirizzo"
    )
}

/// Words that say what they say at the end of a longer one too, by their last four letters.
static ENDS: LazyLock<HashMap<[u8; 4], Vec<&'static str>, QuickBuilder>> = LazyLock::new(|| {
    let mut ends: HashMap<_, Vec<_>, _> = HashMap::default();
    let words = COMMON_KEYS.peer_words.iter().filter(|word| !is_open(word));
    for word in words {
        if let Some(end) = word.as_bytes().last_chunk() {
            ends.entry(*end).or_default().push(word.as_str());
        }
    }
    ends
});

/// True for `server`, and for `ctiserver`, whose end says so; in lower case.
pub(crate) fn stands_for_a_machine(word: &str) -> bool {
    let ends = word.as_bytes().last_chunk().and_then(|end| ENDS.get(end));
    ends.is_some_and(|words| words.iter().any(|w| word.ends_with(w)))
        || PEER_WORDS.contains(word)
        || KINDS.get(word).is_some_and(|kind| *kind != "http")
}

/// Every word that stands for a machine. What [`stands_for_a_machine`] believes is one of them or ends in one.
pub(crate) fn words_for_machines() -> impl Iterator<Item = &'static str> {
    let kinds = KINDS.iter().filter(|(_, kind)| **kind != "http");
    PEER_WORDS
        .iter()
        .copied()
        .chain(kinds.map(|(word, _)| *word))
}

/// True for words that as often name a thing within a server: behind them only an address, a port or a name of
/// three parts is a machine.
fn names_a_thing(word: &str) -> bool {
    !COMMON_KEYS.peer_words.iter().any(|w| w == word)
        && KINDS
            .get(word)
            .is_some_and(|kind| NAMES_THINGS.contains(kind))
}

/// Kinds whose words as often name a thing within a server, as a queue, a metric or a database, and not the server.
const NAMES_THINGS: &[&str] = &[
    "message-queue",
    "monitoring",
    "sql",
    "cluster",
    "print",
    "backup",
];

/// `smtpRelay_host2` as `smtp`, `relay`, `host`.
pub(crate) fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut was_lower = false;
    let mut rest = text.chars().take(200).peekable();
    while let Some(c) = rest.next() {
        // `CTIServer` is two words: the last capital of a run begins the next one.
        let begins = rest.peek().is_some_and(char::is_ascii_lowercase);
        let ends = !c.is_ascii_alphanumeric()
            || (c.is_ascii_uppercase() && (was_lower || (begins && word.len() > 1)));
        if ends && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        was_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    for word in &mut words {
        let bare = word.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        if bare > 2 {
            word.truncate(bare);
        }
    }
    words
}

/// The words of a line of options that say something: `--cluster.peer=a:1 -Dlicence.server=b:2` as pairs.
pub(crate) fn options(value: &str) -> Vec<(String, String)> {
    if value.len() > VALUE_MAX || !value.contains('-') {
        return Vec::new();
    }
    let mut out = Vec::new();
    let mut words = value.split_whitespace().peekable();
    while let Some(word) = words.next().filter(|_| out.len() < MACHINES_MAX) {
        let Some(option) = word.strip_prefix("--").or_else(|| word.strip_prefix("-D")) else {
            continue;
        };
        let pair = match option.split_once('=') {
            Some((key, value)) => Some((key, value)),
            None => words
                .next_if(|next| word.starts_with("--") && !next.starts_with('-'))
                .map(|next| (option, next)),
        };
        if let Some((key, value)) = pair {
            out.push((key.to_owned(), value.trim_matches(['"', '\'']).to_owned()));
        }
    }
    out
}

/// False for nearly every value that [`machines`] finds none in, whatever its key says: the first word has neither a
/// domain nor a port, and nothing somebody would have numbered.
pub(crate) fn may_list_machines(value: &str) -> bool {
    let between = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '[' | ']' | '(' | ')' | '{' | '}' | ',' | ';' | '"' | '\'' | '`'
            )
    };
    let mut parts = value.split(between).filter(|part| !part.is_empty());
    let marked = |b: u8| matches!(b, b'.' | b':' | b'-') || b.is_ascii_digit();
    parts.next().is_some_and(|part| part.bytes().any(marked))
}

/// The machines `value` lists, if it lists nothing else; `beside` is the port a sibling key gives.
pub(crate) fn machines(value: &str, context: &Context, beside: Option<Port>) -> Vec<Target> {
    let text = value.trim().trim_matches(['[', ']', '(', ')', '{', '}']);
    if text.is_empty() || text.len() > VALUE_MAX || text.contains("://") {
        return Vec::new();
    }
    let parts = text
        .split([',', ';', ' ', '\t'])
        .map(|part| part.trim_matches(['"', '\'', '`']))
        .filter(|part| !part.is_empty());
    let mut out = Vec::new();
    for part in parts {
        let Some(target) = machine(part, context, beside) else {
            return Vec::new();
        };
        if out.len() >= MACHINES_MAX {
            return Vec::new();
        }
        out.push(target);
    }
    out
}

/// `tcp:host:port` without its transport; `27010@host`, as licence servers are written, as `host:27010`.
fn plain(part: &str) -> std::borrow::Cow<'_, str> {
    let prefixes = ["tcp:", "udp:", "tls:", "ssl:", "inet:"];
    let part = prefixes
        .iter()
        .find_map(|prefix| part.strip_prefix(prefix))
        .filter(|rest| !rest.is_empty() && !rest.bytes().all(|b| b.is_ascii_digit()))
        .unwrap_or(part);
    match part.split_once('@') {
        Some((port, host)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{host}:{port}").into()
        }
        _ => part.into(),
    }
}

/// `a:2181` of `a:2181/solr`: behind the last of a list ZooKeeper's clients write where in its tree they live.
fn without_path(part: &str) -> &str {
    match part.split_once('/') {
        Some((end, path)) if end.contains(':') && !path.is_empty() && !path.contains(':') => end,
        _ => part,
    }
}

fn machine(part: &str, context: &Context, beside: Option<Port>) -> Option<Target> {
    let part = &*plain(without_path(part));
    let (peer, port) = host_and_port(part)?;
    if !context.speaks && !is_endpoint(&peer, port) {
        return None;
    }
    let port = port.or(beside);
    if context.needs_port && port.is_none() {
        return None;
    }
    let dots = |name: &str| name.bytes().filter(|b| *b == b'.').count();
    if context.names_thing
        && port.is_none()
        && matches!(&peer, Peer::Name(name) if dots(name.as_str()) < 2)
    {
        return None;
    }
    if is_class(part) || peer.is_loopback() || !stands_elsewhere(&peer, port) {
        return None;
    }
    let said = context.kind();
    let written = port
        .and_then(|p| kind_by_port(p, Transport::Tcp).or_else(|| kind_by_port(p, Transport::Udp)));
    let kind = match (said, written) {
        (Some("http") | None, Some(by_port)) => by_port,
        (Some("smtp-relay"), Some("smtp-submission")) => "smtp-submission",
        (Some(kind), _) => kind,
        (None, None) => "other",
    };
    let mut target = Target::new(peer, port);
    target.kind = Some(kind);
    target.default_port = context.port(kind);
    target.transport = endpoint(kind)
        .filter(|(by_habit, _)| port.is_none_or(|p| p == *by_habit))
        .map(|(_, transport)| transport);
    Some(target)
}

/// True for `cache.MemcachedCache`: the name of a class or a module has humps where a domain has none.
fn is_class(part: &str) -> bool {
    let last = part.rsplit('.').next().unwrap_or_default();
    last.bytes().any(|b| b.is_ascii_lowercase()) && last.bytes().any(|b| b.is_ascii_uppercase())
}

/// True for what is a place to call whatever its key says: an address or a name of three parts, with a port.
fn is_endpoint(peer: &Peer, port: Option<Port>) -> bool {
    let qualified = match peer {
        Peer::Address(address) => address.is_ipv4(),
        Peer::Name(name) => name.as_str().bytes().filter(|b| *b == b'.').count() >= 2,
    };
    port.is_some() && qualified
}

/// True for an address, for a name with a domain, for a bare name that has a port and looks like one somebody gave.
fn stands_elsewhere(peer: &Peer, port: Option<Port>) -> bool {
    let Peer::Name(name) = peer else {
        return true;
    };
    let name = name.as_str();
    let Some((_, last)) = name.rsplit_once('.') else {
        let given = name.bytes().any(|b| b.is_ascii_digit() || b == b'-');
        return port.is_some() && given;
    };
    // Nobody can be called by a name that is reserved for nobody (RFC 2606).
    let top = last.len() >= 2 && last.bytes().all(|b| b.is_ascii_alphabetic()) && last != "invalid";
    let package = [
        "com.", "org.", "net.", "java.", "javax.", "io.", "de.", "fr.",
    ];
    top && !ENDINGS.contains(&last) && !package.iter().any(|p| name.starts_with(p))
}

/// Last labels that are the ending of a file, not a domain.
const ENDINGS: &[&str] = &[
    "conf",
    "cfg",
    "ini",
    "cnf",
    "log",
    "sock",
    "socket",
    "pid",
    "txt",
    "xml",
    "json",
    "yml",
    "yaml",
    "toml",
    "properties",
    "pem",
    "crt",
    "key",
    "cert",
    "jks",
    "der",
    "db",
    "sqlite",
    "sql",
    "so",
    "jar",
    "war",
    "class",
    "php",
    "pl",
    "rb",
    "js",
    "css",
    "html",
    "htm",
    "csv",
    "tar",
    "gz",
    "zip",
    "bak",
    "tmp",
    "lock",
    "dat",
    "bin",
    "exe",
    "dll",
    "service",
    "timer",
    "target",
    "mount",
    "cf",
    "ext",
    "inc",
    "tpl",
    "list",
    "map",
    "name",
    "host",
    "port",
    "url",
    "server",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(key: &str, section: &str, value: &str) -> Vec<String> {
        let Some(context) = Context::of(key, section, "/etc/product/local.d/main.conf") else {
            return Vec::new();
        };
        machines(value, &context, None)
            .iter()
            .map(|t| {
                let port = t.port.or(t.default_port).map_or(0, |p| p.0);
                format!("{} {}:{port}", t.kind.unwrap_or("none"), t.peer)
            })
            .collect()
    }

    #[test]
    fn the_table_of_ends_says_what_every_word_says() {
        let one_by_one = |word: &str| {
            let is_peer = |w: &String| {
                w == word || (w.len() >= 4 && !is_open(w) && word.ends_with(w.as_str()))
            };
            COMMON_KEYS.peer_words.iter().any(is_peer)
                || KINDS.get(word).is_some_and(|kind| *kind != "http")
        };
        let words = COMMON_KEYS.peer_words.iter().map(String::as_str);
        for word in words.chain(KINDS.keys().copied()).chain(["", "x", "url"]) {
            for word in [word.to_owned(), format!("my{word}"), format!("{word}s")] {
                assert_eq!(stands_for_a_machine(&word), one_by_one(&word), "{word}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn no_list_of_machines_is_passed_over(
            value in "[\\[(\"' \n]{0,2}([a-z]{1,4}|[0-9]{1,5}|10\\.0\\.0\\.1|db1|a\\.corp|fd00::1)([:@,; .\"\\])-]?(a\\.corp|db|[0-9]{1,4})){0,3}[\\])\"' \n]{0,2}",
            port in proptest::option::of(1_u16..9000),
        ) {
            let context = Context::of("db_server", "", "/etc/x.conf").unwrap();
            let found = machines(&value, &context, port.map(Port));
            proptest::prop_assert!(found.is_empty() || may_list_machines(&value), "{:?}", value);
        }
    }

    #[test]
    fn a_key_and_its_surroundings_tell_the_kind() {
        assert_eq!(
            shown(
                "hostname",
                "objectstore/arguments",
                "store1.corp.example:9000"
            ),
            ["other store1.corp.example:9000"]
        );
        assert_eq!(
            shown("CTIServer", "", "pbx1.corp.example:5222"),
            ["other pbx1.corp.example:5222"]
        );
        assert_eq!(shown("redis_addr", "", "10.1.1.1"), ["nosql 10.1.1.1:6379"]);
        assert_eq!(
            shown("Badge1", "Print", "10.7.8.31:9100"),
            ["print 10.7.8.31:9100"]
        );
        assert_eq!(
            shown("servers", "redis", "cache1.corp.example:6380"),
            ["nosql cache1.corp.example:6380"]
        );
        assert_eq!(
            shown("smtp_smarthost", "global", "mail.corp.example:587"),
            ["smtp-submission mail.corp.example:587"]
        );
        assert_eq!(
            shown("ldapServer", "", "dc1.corp.example"),
            ["ldap-bind dc1.corp.example:389"]
        );
        assert_eq!(
            shown("0", "cluster/peers", "10.0.0.7:9094"),
            ["cluster 10.0.0.7:9094"]
        );
        assert_eq!(
            shown("read_servers", "redis", "10.1.1.1, 10.1.1.2:6380"),
            ["nosql 10.1.1.1:6379", "nosql 10.1.1.2:6380"]
        );
        assert_eq!(shown("target", "", "app-2:9182"), ["other app-2:9182"]);
    }

    #[test]
    fn the_machine_itself_its_guests_and_prose_are_silent() {
        for (key, section, value) in [
            ("listen_address", "", "10.0.0.1:80"),
            ("server_name", "", "www.corp.example"),
            ("allowed_hosts", "", "10.0.0.5"),
            ("external_url", "", "alarm.corp.example"),
            ("hosts", "trusted", "a.corp.example"),
            ("server", "", "config.json"),
            ("server", "", "standalone"),
            ("host", "", "web"),
            ("host", "", "the server of the house"),
            ("backend", "", "cache.backends.MemcachedCache"),
            ("target", "", "multi-user.target"),
            ("handler.server", "", "org.corp.Server"),
            ("host", "", "localhost:80"),
            ("host", "", "127.0.0.1"),
            ("mode", "", "10.0.0.1"),
            ("address", "", "info@corp.example"),
            ("address", "Receiver", "10.0.0.1:4000"),
            ("http_addr", "", "10.0.0.1"),
            ("label", "", "10.0.0.1"),
            ("queue", "rabbitmq", "orders.created"),
            ("metrics", "", "cpu.load, mem.free"),
            ("database", "", "crm.archive"),
            ("hostname", "", "web1.corp.example"),
            ("proxyName", "Connector", "localhost:80"),
        ] {
            assert!(
                shown(key, section, value).is_empty(),
                "{key} in {section} = {value}: {:?}",
                shown(key, section, value)
            );
        }
    }

    #[test]
    fn a_line_of_options_is_taken_apart() {
        let line = "--cluster.peer=10.0.0.2:9094 --log.level info -Xmx1g -Dlicence.server=27010@lic1.corp --on";
        let found = options(line);
        let keys: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["cluster.peer", "log.level", "licence.server"]);
        assert_eq!(
            shown("licence.server", "", &found[2].1),
            ["other lic1.corp:27010"]
        );
        assert_eq!(
            shown("replica", "", "tcp:b.corp:12345"),
            ["other b.corp:12345"]
        );
    }

    #[test]
    fn no_value_breaks_the_reader() {
        groma_fuzz::hammer(
            500,
            &[b"a.corp:1, [::1]:2; \"b.corp\"", b"10.0.0.1 h-1:65536"],
            |bytes| {
                let text = String::from_utf8_lossy(bytes);
                let _ = shown("servers", "redis", &text);
                let _ = Context::of(&text, &text, &text);
            },
        );
    }
}
