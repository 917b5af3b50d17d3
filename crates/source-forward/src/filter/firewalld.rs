//! Zones and policies of firewalld: `<forward-port>`, `<source>` and rich rules (firewalld.zone(5)).
//!
//! The files are written by firewall-cmd: tags with attributes, no entities that matter here, no text.

use groma_model::{Peer, Transport};

use super::rule::{Rule, Verdict};
use crate::handed::number;
use crate::network::Network;
use crate::read::Text;

const TAGS_MAX: usize = 50_000;

/// A tag with its attributes.
struct Tag<'a> {
    name: &'a str,
    closes: bool,
    alone: bool,
    attributes: Vec<(&'a str, &'a str)>,
    line: u32,
}

impl Tag<'_> {
    fn value(&self, key: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(k, _)| *k == key)
            .map(|(_, v)| *v)
    }

    fn port(&self, key: &str) -> Option<u16> {
        self.value(key).and_then(number)
    }

    fn transport(&self) -> Option<Transport> {
        match self.value("protocol") {
            Some("udp") => Some(Transport::Udp),
            Some("tcp") => Some(Transport::Tcp),
            _ => None,
        }
    }
}

pub(super) fn rules(text: &Text) -> Vec<Rule> {
    let zone = text
        .path
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .trim_end_matches(".xml");
    let new = |line| Rule {
        chain: format!("zone {zone}"),
        file: Some(text.path.clone()),
        line: Some(line),
        ..Rule::default()
    };
    let mut out = Vec::new();
    let mut rich: Option<Rule> = None;
    for tag in tags(&text.text) {
        match (tag.name, tag.closes) {
            ("rule", false) if !tag.alone => rich = Some(new(tag.line)),
            ("rule", true) => out.extend(rich.take()),
            ("source" | "destination", false) => {
                let inverted = tag
                    .value("invert")
                    .is_some_and(|v| v != "false" && v != "no");
                let network = tag
                    .value("address")
                    .and_then(Network::parse)
                    .filter(|_| !inverted);
                match &mut rich {
                    Some(rule) if tag.name == "source" => rule.from.extend(network),
                    Some(rule) => rule.to.extend(network),
                    // A source binds its network to the zone.
                    None => out.extend(network.map(|network| Rule {
                        from: vec![network],
                        verdict: Verdict::Word("zone".to_owned()),
                        ..new(tag.line)
                    })),
                }
            }
            ("port", false) => {
                if let Some(rule) = &mut rich {
                    rule.ports.extend(tag.port("port"));
                    rule.transport = tag.transport();
                }
            }
            ("forward-port", false) => {
                let to = tag
                    .value("to-addr")
                    .filter(|a| !a.is_empty())
                    .and_then(Peer::parse);
                if let Some(to) = to {
                    let mut rule = rich.clone().unwrap_or_else(|| new(tag.line));
                    rule.ports = tag.port("port").into_iter().collect();
                    rule.transport = tag.transport();
                    rule.verdict = Verdict::Hand(to, tag.port("to-port"));
                    match &mut rich {
                        Some(open) => *open = rule,
                        None => out.push(rule),
                    }
                }
            }
            ("accept" | "drop" | "reject", false) => {
                if let Some(rule) = &mut rich {
                    rule.verdict = Verdict::Word(tag.name.to_owned());
                }
            }
            _ => {}
        }
    }
    out
}

fn tags(text: &str) -> Vec<Tag<'_>> {
    let mut out = Vec::new();
    let mut line = 1_u32;
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let before = rest.get(..at).unwrap_or_default();
        line += lines(before);
        rest = rest.get(at + 1..).unwrap_or_default();
        let end = match rest.strip_prefix("!--") {
            Some(comment) => comment.find("-->").map(|n| n + 6),
            None => rest.find('>').map(|n| n + 1),
        };
        let Some(end) = end.filter(|_| out.len() < TAGS_MAX) else {
            break;
        };
        let inner = rest.get(..end - 1).unwrap_or_default();
        if !inner.starts_with(['!', '?']) {
            out.push(tag(inner, line));
        }
        line += lines(inner);
        rest = rest.get(end..).unwrap_or_default();
    }
    out
}

fn lines(text: &str) -> u32 {
    u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX)
}

fn tag(inner: &str, line: u32) -> Tag<'_> {
    let closes = inner.starts_with('/');
    let alone = inner.ends_with('/');
    let inner = inner.trim_matches('/').trim();
    let (name, mut rest) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
    let mut attributes = Vec::new();
    while let Some((key, value)) = rest.split_once('=') {
        let value = value.trim_start();
        let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            break;
        };
        let Some((value, after)) = value.get(1..).and_then(|v| v.split_once(quote)) else {
            break;
        };
        attributes.push((key.trim(), value));
        rest = after;
        if attributes.len() > 32 {
            break;
        }
    }
    Tag {
        name,
        closes,
        alone,
        attributes,
        line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Text {
        Text {
            path: "/etc/firewalld/zones/public.xml".into(),
            text: text.into(),
        }
    }

    const ZONE: &str = "<?xml version=\"1.0\"?>\n<zone>\n  <!-- <source address=\"192.0.2.1\"/> -->\n  <source address=\"192.0.2.64/28\"/>\n  <source address=\"10.0.0.0/8\"/>\n  <forward-port port=\"443\" protocol=\"tcp\" to-port=\"8443\" to-addr=\"192.0.2.9\"/>\n  <forward-port port=\"80\" protocol=\"tcp\" to-port=\"8080\"/>\n  <rule family=\"ipv4\">\n    <source address=\"192.0.2.5\"/>\n    <port port=\"5432\" protocol=\"tcp\"/>\n    <accept/>\n  </rule>\n</zone>\n";

    #[test]
    fn a_zone_hands_on_and_names_addresses() {
        let rules = rules(&text(ZONE));
        let component = super::super::rule::kernel_component();
        let forwards: Vec<String> = rules
            .iter()
            .flat_map(|r| r.forwards(&component))
            .map(|f| format!("{} > {} {}", f.listens, f.sends_to, f.line.unwrap()))
            .collect();
        assert_eq!(forwards, ["0.0.0.0:443 > 192.0.2.9:8443 6"]);
        let named: Vec<String> = rules
            .iter()
            .flat_map(Rule::filter_rules)
            .map(|r| {
                format!(
                    "{} {} {} {:?}",
                    r.chain,
                    r.verdict,
                    r.network,
                    r.port.map(|p| p.0)
                )
            })
            .collect();
        assert_eq!(
            named,
            [
                "zone public zone 192.0.2.64/28 None",
                "zone public accept 192.0.2.5 Some(5432)"
            ]
        );
    }

    #[test]
    fn hammered_zones_never_panic() {
        groma_fuzz::hammer(2000, &[ZONE.as_bytes()], |bytes| {
            rules(&text(&String::from_utf8_lossy(bytes)));
        });
    }
}
