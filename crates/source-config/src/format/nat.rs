//! Rules of a packet filter that hand connections on to another machine: nftables' `dnat to` and the
//! `-j DNAT` of iptables-save.

use std::collections::BTreeMap;

use crate::settings::Settings;
use crate::text::{joined_lines, lines};

/// Ports one rule may list.
const PORTS_MAX: usize = 64;

/// One group per port handed on: the key is the transport, the value the machine, beside it `port`.
pub(super) fn nat(text: &str) -> Settings {
    let mut settings = Settings::default();
    let defined = definitions(text);
    for (number, line) in joined_lines(text) {
        let body = without_comment(&line);
        let found = if body.contains("DNAT") {
            iptables(body)
        } else if body.contains("dnat") {
            nftables(&filled(body, &defined))
        } else {
            Vec::new()
        };
        for (transport, host, port) in found {
            let group = settings.open_group();
            settings.add(number, group, "", transport, &host);
            if let Some(port) = port {
                settings.add(number, group, "", "port", &port);
            }
        }
    }
    settings
}

fn without_comment(line: &str) -> &str {
    let at = line.match_indices('#').find(|(at, _)| {
        *at == 0
            || line
                .get(..*at)
                .is_some_and(|head| head.ends_with([' ', '\t']))
    });
    at.map_or(line, |(at, _)| line.get(..at).unwrap_or_default())
        .trim()
}

/// `define web = 10.0.0.30`.
fn definitions(text: &str) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (_, line) in lines(text) {
        let line = without_comment(line);
        if let Some((name, value)) = line.strip_prefix("define ").and_then(|l| l.split_once('='))
            && out.len() < 4096
            && value.len() < 4096
        {
            out.insert(name.trim().to_owned(), value.trim().to_owned());
        }
    }
    out
}

fn filled(line: &str, defined: &BTreeMap<String, String>) -> String {
    crate::format::shell::expand(line, defined)
}

/// Transport, machine and port of one connection handed on.
type Handed = (&'static str, String, Option<String>);

fn nftables(line: &str) -> Vec<Handed> {
    let Some((before, target)) = line.split_once("dnat ") else {
        return Vec::new();
    };
    let transport = transport_of(before);
    let target = target.trim_start();
    let target = ["ip6 ", "ip "]
        .iter()
        .find_map(|family| target.strip_prefix(family))
        .unwrap_or(target);
    let Some(target) = target.trim_start().strip_prefix("to ") else {
        return Vec::new();
    };
    let ports = before
        .rsplit_once("dport ")
        .map_or_else(Vec::new, |(_, rest)| ports(rest));
    if let Some((head, map)) = target.split_once(" map ") {
        return if head.contains("dport") {
            mapped(transport_of(head), map, None)
        } else {
            mapped(transport, map, Some(&ports))
        };
    }
    let word = target.split_whitespace().next().unwrap_or_default();
    let (host, own) = host_and_port(word);
    // `10.0.0.5 : 8443`, as nft itself prints a variable with a port.
    let own = own.or_else(|| {
        let rest = target.get(word.len()..)?.trim_start().strip_prefix(':')?;
        rest.split_whitespace().next().map(str::to_owned)
    });
    handed(transport, host, own, ports)
}

/// `{ 80 : 10.0.0.1, 443 : 10.0.0.2 . 8443 }`; where the keys are something else, `given` are the ports.
fn mapped(transport: &'static str, map: &str, given: Option<&[String]>) -> Vec<Handed> {
    let inside = map.trim().trim_start_matches('{');
    let inside = inside.split('}').next().unwrap_or_default();
    let pairs = inside.split(',').take(PORTS_MAX);
    pairs
        .filter_map(|pair| pair.split_once(" : ").or_else(|| pair.split_once(':')))
        .flat_map(|(key, target)| {
            let (host, own) = match target.split_once(" . ") {
                Some((host, own)) => (host.trim().to_owned(), Some(own.trim().to_owned())),
                None => host_and_port(target.trim()),
            };
            let ports = given.map_or_else(|| ports(key), <[String]>::to_vec);
            handed(transport, host, own, ports)
        })
        .collect()
}

fn iptables(line: &str) -> Vec<Handed> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let after = |names: &[&str]| {
        let at = words.iter().position(|w| names.contains(w))?;
        words.get(at + 1).copied()
    };
    if after(&["-j", "--jump"]) != Some("DNAT") {
        return Vec::new();
    }
    let Some(target) = after(&["--to-destination", "--to"]) else {
        return Vec::new();
    };
    let transport = if after(&["-p", "--protocol"]) == Some("udp") {
        "udp"
    } else {
        "tcp"
    };
    let ports = after(&["--dport", "--dports", "--destination-port"]).map_or_else(Vec::new, ports);
    let (host, own) = host_and_port(target);
    handed(transport, host, own, ports)
}

fn handed(
    transport: &'static str,
    host: String,
    own: Option<String>,
    ports: Vec<String>,
) -> Vec<Handed> {
    if own.is_some() || ports.is_empty() {
        return vec![(transport, host, own)];
    }
    ports
        .into_iter()
        .map(|port| (transport, host.clone(), Some(port)))
        .collect()
}

fn transport_of(text: &str) -> &'static str {
    let last = |word: &str| text.rfind(word);
    if last("udp ") > last("tcp ") {
        "udp"
    } else {
        "tcp"
    }
}

/// The ports in `443`, `{ 80, https }`, `80,443`; of a range the first.
fn ports(text: &str) -> Vec<String> {
    let text = text.trim();
    let list = match text.strip_prefix('{') {
        Some(rest) => rest.split('}').next().unwrap_or_default(),
        None => text.split_whitespace().next().unwrap_or_default(),
    };
    list.split(',')
        .filter_map(|port| number(port.trim()))
        .take(PORTS_MAX)
        .collect()
}

/// A port as a number; the few names people write instead.
fn number(port: &str) -> Option<String> {
    const NAMES: &[(&str, &str)] = &[
        ("ssh", "22"),
        ("smtp", "25"),
        ("domain", "53"),
        ("http", "80"),
        ("pop3", "110"),
        ("imap2", "143"),
        ("imap", "143"),
        ("ldap", "389"),
        ("https", "443"),
        ("submissions", "465"),
        ("submission", "587"),
        ("ldaps", "636"),
        ("imaps", "993"),
        ("pop3s", "995"),
    ];
    let first = port.split(['-', ':']).next()?;
    let named = NAMES.iter().find(|(name, _)| *name == first);
    let digits = named.map_or(first, |(_, digits)| digits);
    digits.parse::<u16>().ok().map(|n| n.to_string())
}

/// `10.0.0.5`, `10.0.0.5:8443`, `[2001:db8::5]:443`, `10.0.0.5:8000-8010`.
fn host_and_port(word: &str) -> (String, Option<String>) {
    let word = word.trim_end_matches([';', ',']);
    if let Some((host, rest)) = word.strip_prefix('[').and_then(|w| w.split_once(']')) {
        return (host.to_owned(), rest.strip_prefix(':').and_then(number));
    }
    match word.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host.to_owned(), number(port)),
        _ => (word.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        nat(text)
            .all
            .iter()
            .map(|s| format!("{} {}={}", s.line, s.key, s.value))
            .collect()
    }

    #[test]
    fn a_rule_of_nftables_hands_every_port_on() {
        let text = "define web = 192.0.2.30\n# tcp dport 25 dnat to 192.0.2.9\ntcp dport { 80, https } dnat to $web\nudp dport 53 dnat ip to 192.0.2.2:5353\ndnat to tcp dport map { 25 : 192.0.2.5 }\n";
        assert_eq!(
            shown(text),
            [
                "3 tcp=192.0.2.30",
                "3 port=80",
                "3 tcp=192.0.2.30",
                "3 port=443",
                "4 udp=192.0.2.2",
                "4 port=5353",
                "5 tcp=192.0.2.5",
                "5 port=25"
            ]
        );
    }

    #[test]
    fn a_rule_of_iptables_names_its_destination() {
        let text = "*nat\n-A PREROUTING -p tcp -m multiport --dports 80,443 -j DNAT --to-destination 192.0.2.8\n#-A PREROUTING -p tcp --dport 1 -j DNAT --to-destination 192.0.2.9\n-A PREROUTING -p udp --dport 500 -j DNAT --to-destination [2001:db8::1]:4500\n";
        assert_eq!(
            shown(text),
            [
                "2 tcp=192.0.2.8",
                "2 port=80",
                "2 tcp=192.0.2.8",
                "2 port=443",
                "4 udp=2001:db8::1",
                "4 port=4500"
            ]
        );
    }

    #[test]
    fn a_map_over_a_counter_has_no_ports_for_keys() {
        let text = "tcp dport 443 dnat to numgen inc mod 2 map { 0 : 192.0.2.10, 1 : 192.0.2.20 }\nudp dport { 53, 853 } dnat to jhash ip saddr mod 1 map { 0 : 192.0.2.30 }\n";
        assert_eq!(
            shown(text),
            [
                "1 tcp=192.0.2.10",
                "1 port=443",
                "1 tcp=192.0.2.20",
                "1 port=443",
                "2 udp=192.0.2.30",
                "2 port=53",
                "2 udp=192.0.2.30",
                "2 port=853"
            ]
        );
    }
}
