//! The language of nft(8): tables, chains and rules of a ruleset file, with its includes, definitions and sets.

use std::collections::BTreeMap;

use groma_model::Transport;

use super::iptables::destination;
use super::rule::{Rule, Verdict};
use crate::handed::number;
use crate::network::Network;
use crate::read::{Reading, Text};

const WORDS_MAX: usize = 500_000;
const INCLUDES_DEEP_MAX: usize = 6;
const FILES_MAX: usize = 500;
const NAMED_MAX: usize = 10_000;

/// The rules of a file and of everything it includes.
pub(super) fn rules(reading: &mut Reading<'_>, text: &Text) -> Vec<Rule> {
    let mut script = Script::default();
    script.read(reading, text, 0);
    script.rules
}

#[derive(Default)]
struct Script {
    rules: Vec<Rule>,
    defined: BTreeMap<String, Vec<String>>,
    sets: BTreeMap<String, Vec<String>>,
    files: usize,
}

/// What is done with a statement: the script so far, the blocks it stands in, its words, its file.
type Each<'a> = dyn FnMut(&mut Script, &[String], &[Word], &Text) + 'a;

/// A word with the line it stands in; an end of line is `\n`.
type Word = (String, u32);

impl Script {
    fn read(&mut self, reading: &mut Reading<'_>, text: &Text, depth: usize) {
        self.files += 1;
        let words = words(&text.text);
        // Sets may stand behind the rules that use them.
        self.walk(&words, text, &mut |script, place, statement, _| {
            script.learn(place, statement)
        });
        let mut includes = Vec::new();
        self.walk(&words, text, &mut |script, place, statement, file| {
            if let [(first, _), (named, _), ..] = statement
                && first == "include"
            {
                includes.push(named.trim_matches('"').to_owned());
            } else {
                script.statement(place, statement, file);
            }
        });
        for named in includes {
            let directory = text.path.rsplit_once('/').map_or("", |(d, _)| d);
            let pattern = if named.starts_with('/') {
                named
            } else {
                format!("{directory}/{named}")
            };
            for file in reading.texts(&pattern) {
                if depth < INCLUDES_DEEP_MAX && self.files < FILES_MAX {
                    self.read(reading, &file, depth + 1);
                }
            }
        }
    }

    /// Calls `each` with every statement and the blocks it stands in.
    fn walk(&mut self, words: &[Word], file: &Text, each: &mut Each<'_>) {
        let mut place: Vec<String> = Vec::new();
        let mut statement: Vec<Word> = Vec::new();
        let mut inner = 0_usize;
        for (word, line) in words {
            match word.as_str() {
                "{" if inner == 0 && opens(&statement) => {
                    let header: Vec<&str> = statement
                        .iter()
                        .map(|(w, _)| w.as_str())
                        .filter(|w| !matches!(*w, "add" | "create"))
                        .collect();
                    place.push(header.join(" "));
                    statement.clear();
                }
                "{" => {
                    inner += 1;
                    statement.push((word.clone(), *line));
                }
                "}" if inner > 0 => {
                    inner -= 1;
                    statement.push((word.clone(), *line));
                }
                "}" => {
                    each(self, &place, &statement, file);
                    statement.clear();
                    place.pop();
                }
                "\n" | ";" if inner == 0 => {
                    if !statement.is_empty() {
                        each(self, &place, &statement, file);
                    }
                    statement.clear();
                }
                "\n" | ";" => {}
                _ => statement.push((word.clone(), *line)),
            }
        }
        if !statement.is_empty() {
            each(self, &place, &statement, file);
        }
    }

    /// `define x = …`, `elements = { … }`, `add element …`.
    fn learn(&mut self, place: &[String], statement: &[Word]) {
        let texts: Vec<&str> = statement.iter().map(|(w, _)| w.as_str()).collect();
        if self.defined.len() + self.sets.len() > NAMED_MAX {
            return;
        }
        match texts.as_slice() {
            ["define" | "redefine", name, "=", value @ ..] => {
                let value = self.filled(value);
                self.defined.insert((*name).to_owned(), value);
            }
            ["elements", "=", value @ ..] => {
                let set = place
                    .last()
                    .and_then(|p| p.strip_prefix("set ").or_else(|| p.strip_prefix("map ")));
                if let Some(name) = set {
                    let value = self.filled(value);
                    self.sets.entry(name.to_owned()).or_default().extend(value);
                }
            }
            ["add", "element", rest @ ..] => {
                if let Some(at) = rest.iter().position(|w| *w == "{")
                    && let Some(name) = at.checked_sub(1).and_then(|n| rest.get(n))
                {
                    let value = self.filled(rest.get(at..).unwrap_or_default());
                    self.sets
                        .entry((*name).to_owned())
                        .or_default()
                        .extend(value);
                }
            }
            _ => {}
        }
    }

    /// Words with the definitions they name, one level deep, because each was filled when it was learnt.
    fn filled(&self, words: &[&str]) -> Vec<String> {
        let mut out = Vec::new();
        for word in words {
            match word
                .strip_prefix('$')
                .and_then(|name| self.defined.get(name))
            {
                Some(value) if out.len() < 4096 => out.extend(value.iter().take(4096).cloned()),
                _ => out.push((*word).to_owned()),
            }
        }
        out
    }

    fn statement(&mut self, place: &[String], statement: &[Word], file: &Text) {
        let texts: Vec<&str> = statement.iter().map(|(w, _)| w.as_str()).collect();
        let (chain, body) = match (texts.as_slice(), place) {
            (
                [
                    "add" | "insert",
                    "rule",
                    "ip" | "ip6" | "inet" | "bridge" | "netdev" | "arp",
                    table,
                    chain,
                    body @ ..,
                ],
                _,
            ) => (
                format!("{} {table} {chain}", texts.get(2).unwrap_or(&"ip")),
                body,
            ),
            (["add" | "insert", "rule", table, chain, body @ ..], _) => {
                (format!("ip {table} {chain}"), body)
            }
            (body, [table, chain])
                if table.starts_with("table ") && chain.starts_with("chain ") =>
            {
                (
                    format!(
                        "{} {}",
                        table.trim_start_matches("table "),
                        chain.trim_start_matches("chain ")
                    ),
                    body,
                )
            }
            _ => return,
        };
        if matches!(
            body.first(),
            Some(&("type" | "policy" | "comment" | "devices"))
        ) || self.rules.len() > 50_000
        {
            return;
        }
        let body = self.filled(body);
        let body: Vec<&str> = body.iter().map(String::as_str).collect();
        for mut rule in self.rule(&body) {
            rule.chain.clone_from(&chain);
            rule.file = Some(file.path.clone());
            rule.line = statement.first().map(|(_, line)| *line);
            self.rules.push(rule);
        }
    }

    /// One rule; a map of destinations makes several.
    fn rule(&self, body: &[&str]) -> Vec<Rule> {
        let mut rule = Rule::default();
        let mut at = 0;
        while let Some(word) = body.get(at) {
            let rest = body.get(at + 1..).unwrap_or_default();
            match *word {
                "saddr" | "daddr" => {
                    let (list, negated) = self.value(rest);
                    let found = list
                        .iter()
                        .filter_map(|w| Network::parse(w.split('-').next()?));
                    if !negated && *word == "saddr" {
                        rule.from.extend(found);
                    } else if !negated {
                        rule.to.extend(found);
                    }
                }
                "dport" => {
                    let (list, negated) = self.value(rest);
                    if !negated {
                        rule.ports.extend(list.iter().filter_map(|w| port(w)));
                    }
                }
                "tcp" => rule.transport = Some(Transport::Tcp),
                "udp" => rule.transport = Some(Transport::Udp),
                "accept" | "drop" | "reject" => rule.verdict = Verdict::Word((*word).to_owned()),
                "jump" | "goto" => {
                    if let Some(chain) = rest.first() {
                        rule.verdict = Verdict::Word((*chain).to_owned());
                    }
                }
                "comment" => break,
                "dnat" => return self.dnat(rule, rest),
                _ => {}
            }
            at += 1;
        }
        vec![rule]
    }

    /// What stands behind a match: one word, `{ a, b }` or `@set`; true if it must not be so.
    fn value(&self, rest: &[&str]) -> (Vec<String>, bool) {
        let (negated, rest) = match rest.split_first() {
            Some((&"!=", rest)) => (true, rest),
            Some((&"==", rest)) => (false, rest),
            _ => (false, rest),
        };
        let list = match rest.first() {
            Some(&"{") => inside(rest),
            Some(name) if name.starts_with('@') => self
                .sets
                .get(name.trim_start_matches('@'))
                .map(|words| inside(&words.iter().map(String::as_str).collect::<Vec<_>>()))
                .unwrap_or_default(),
            Some(word) => vec![(*word).to_owned()],
            None => Vec::new(),
        };
        (list, negated)
    }

    fn dnat(&self, rule: Rule, rest: &[&str]) -> Vec<Rule> {
        let rest = match rest {
            ["ip" | "ip6", "to", rest @ ..]
            | ["to", rest @ ..]
            | ["ip" | "ip6", "addr", ".", "port", "to", rest @ ..] => rest,
            _ => return Vec::new(),
        };
        let hand = |target: &str, port: Option<u16>, ports: Vec<u16>| {
            let (peer, own) = destination(target)?;
            Some(Rule {
                verdict: Verdict::Hand(peer, own.or(port)),
                ports,
                ..rule.clone()
            })
        };
        let Some(map) = rest.iter().position(|w| *w == "map") else {
            // `10.0.0.5 : 8443`, as nft prints an address that a definition gave.
            let own = match rest {
                [_, ":", port, ..] => number(port),
                [_, port, ..] => port.strip_prefix(':').and_then(number),
                _ => None,
            };
            return rest
                .first()
                .and_then(|t| hand(t, own, rule.ports.clone()))
                .into_iter()
                .collect();
        };
        let by_port = rest.iter().take(map).any(|w| *w == "dport");
        let (list, _) = self.value(rest.get(map + 1..).unwrap_or_default());
        let pairs = list
            .iter()
            .filter_map(|pair| pair.split_once(" : ").or_else(|| pair.split_once(':')));
        pairs
            .filter_map(|(key, target)| {
                let (target, own) = match target.split_once(" . ") {
                    Some((address, own)) => (address, number(own)),
                    None => (target, None),
                };
                let ports = if by_port {
                    port(key.trim()).into_iter().collect()
                } else {
                    rule.ports.clone()
                };
                hand(target.trim(), own, ports)
            })
            .collect()
    }
}

/// Members of `{ a, b c, d }`, each as its words with blanks between; those outside braces as well.
fn inside(words: &[&str]) -> Vec<String> {
    let mut out = vec![String::new()];
    for word in words.iter().take(4096) {
        match *word {
            "{" => {}
            "}" => break,
            "," => out.push(String::new()),
            word => {
                if let Some(last) = out.last_mut() {
                    if !last.is_empty() {
                        last.push(' ');
                    }
                    last.push_str(word);
                }
            }
        }
    }
    out.retain(|w| !w.is_empty());
    out
}

/// A port by number, or by the few names rulesets use; of a range the first.
fn port(word: &str) -> Option<u16> {
    const NAMES: &[(&str, u16)] = &[
        ("ssh", 22),
        ("smtp", 25),
        ("domain", 53),
        ("http", 80),
        ("kerberos", 88),
        ("pop3", 110),
        ("ntp", 123),
        ("imap2", 143),
        ("imap", 143),
        ("snmp", 161),
        ("ldap", 389),
        ("https", 443),
        ("submissions", 465),
        ("submission", 587),
        ("ldaps", 636),
        ("imaps", 993),
        ("pop3s", 995),
        ("mysql", 3306),
        ("postgresql", 5432),
    ];
    let named = NAMES.iter().find(|(name, _)| *name == word);
    named.map(|(_, port)| *port).or_else(|| number(word))
}

/// True if a statement so far is the head of a block.
fn opens(statement: &[Word]) -> bool {
    let mut words = statement
        .iter()
        .map(|(w, _)| w.as_str())
        .filter(|w| !matches!(*w, "add" | "create"));
    matches!(
        words.next(),
        Some(
            "table"
                | "chain"
                | "set"
                | "map"
                | "flowtable"
                | "counter"
                | "quota"
                | "limit"
                | "ct"
                | "secmark"
                | "synproxy"
        )
    ) && !statement.iter().any(|(w, _)| {
        matches!(
            w.as_str(),
            "accept" | "drop" | "dport" | "saddr" | "daddr" | "state"
        )
    })
}

fn words(text: &str) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::new();
    let mut word = String::new();
    let mut line = 1_u32;
    let mut quoted = false;
    let mut comment = false;
    for c in text.chars() {
        if out.len() > WORDS_MAX {
            break;
        }
        let ends =
            comment || (!quoted && (c.is_whitespace() || matches!(c, '{' | '}' | ',' | ';' | '#')));
        if !ends {
            quoted ^= c == '"';
            if c == '\n' {
                line += 1;
                quoted = false;
            }
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            out.push((std::mem::take(&mut word), line));
        }
        match c {
            '\n' => {
                comment = false;
                // A backslash joins lines.
                if out.last().is_some_and(|(w, _)| w == "\\") {
                    out.pop();
                } else {
                    out.push(("\n".to_owned(), line));
                }
                line += 1;
            }
            _ if comment => {}
            '#' => comment = true,
            '{' | '}' | ',' | ';' => out.push((c.to_string(), line)),
            _ => {}
        }
    }
    if !word.is_empty() && !comment {
        out.push((word, line));
    }
    out
}

#[cfg(test)]
mod tests {
    use groma_source::Budget;
    use groma_source::testing::{FakeDisk, window, world};

    use super::*;

    fn read(disk: FakeDisk) -> (Vec<String>, Vec<String>) {
        let world = world(disk);
        let window = window(&world);
        let mut reading = Reading::new(world.disk.as_ref(), &window, &Budget::default());
        let text = reading.text("/etc/nftables.conf").unwrap();
        let rules = rules(&mut reading, &text);
        let component = super::super::rule::kernel_component();
        let forwards = rules.iter().flat_map(|r| r.forwards(&component));
        let forwards =
            forwards.map(|f| format!("{} > {} {}", f.listens, f.sends_to, f.line.unwrap_or(0)));
        let named = rules.iter().flat_map(Rule::filter_rules);
        let named = named.map(|r| {
            format!(
                "{} {} {} {:?}",
                r.chain,
                r.verdict,
                r.network,
                r.port.map(|p| p.0)
            )
        });
        (forwards.collect(), named.collect())
    }

    #[test]
    fn a_ruleset_hands_on_and_names_addresses() {
        let text = r#"#!/usr/sbin/nft -f
flush ruleset
define web = 192.0.2.30
define admins = { 192.0.2.71, 192.0.2.72 }
include "/etc/nftables.d/*.nft"
table inet filter {
  set trusted { type ipv4_addr; flags interval
    elements = { 192.0.2.80,
                 192.0.2.96/28 } }
  chain input { type filter hook input priority 0; policy drop;
    ct state { established, related } accept
    ip saddr $admins tcp dport ssh accept comment "from 192.0.2.99"
    ip saddr @trusted tcp dport { 80, 443 } accept
    ip saddr 10.0.0.0/8 accept
    ip saddr != 192.0.2.50 tcp dport 25 drop
    # ip saddr 192.0.2.51 accept
  }
}
table ip nat {
  chain prerouting { type nat hook prerouting priority dstnat;
    ip daddr 198.51.100.1 tcp dport { 80, https } dnat to $web
    tcp dport 2525 dnat to 192.0.2.5:25
    dnat to tcp dport map { 81 : 192.0.2.6, 82 : 192.0.2.7 . 8082 }
  }
}
add rule ip nat prerouting udp dport 53 dnat to 192.0.2.2:5353
"#;
        let disk = FakeDisk::new().file("/etc/nftables.conf", text).file(
            "/etc/nftables.d/a.nft",
            "table inet filter { chain input { ip6 saddr 2001:db8::5 accept; } }\n",
        );
        let (forwards, named) = read(disk);
        assert_eq!(
            forwards,
            [
                "198.51.100.1:80 > 192.0.2.30:80 21",
                "198.51.100.1:443 > 192.0.2.30:443 21",
                "0.0.0.0:2525 > 192.0.2.5:25 22",
                "0.0.0.0:81 > 192.0.2.6:81 23",
                "0.0.0.0:82 > 192.0.2.7:8082 23",
                "0.0.0.0:53 > 192.0.2.2:5353 26",
            ]
        );
        assert_eq!(
            named,
            [
                "inet filter input accept 192.0.2.71 Some(22)",
                "inet filter input accept 192.0.2.72 Some(22)",
                "inet filter input accept 192.0.2.80 Some(80)",
                "inet filter input accept 192.0.2.80 Some(443)",
                "inet filter input accept 192.0.2.96/28 Some(80)",
                "inet filter input accept 192.0.2.96/28 Some(443)",
                "inet filter input accept 2001:db8::5 None",
            ]
        );
    }

    #[test]
    fn hammered_rulesets_never_panic() {
        let corpus: &[&[u8]] = &[
            b"define a = { 1.2.3.4 }\ntable ip n { set s { elements = { $a, 5.6.7.8 } } chain c { ip saddr @s dnat to tcp dport map { 1 : 2.3.4.5 . 6 } } }\n",
            b"add rule ip a b tcp dport 1 dnat to [::1]:2\n",
        ];
        groma_fuzz::hammer(500, corpus, |bytes| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            read(FakeDisk::new().file("/etc/nftables.conf", text));
        });
    }
}
