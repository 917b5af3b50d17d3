//! The lines of iptables-save(8), which ufw's files share.

use std::net::IpAddr;

use groma_model::{Peer, Transport};

use super::rule::{Rule, Verdict};
use crate::command::split;
use crate::handed::{host_and_port, number};
use crate::network::Network;
use crate::read::Text;

pub(super) fn rules(text: &Text) -> Vec<Rule> {
    let mut table = "filter";
    let mut out = Vec::new();
    for (number, line) in (1_u32..).zip(text.text.lines()) {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('*') {
            table = name;
        } else if line.starts_with("-A ") || line.starts_with("-I ") {
            let mut rule = rule(&split(line));
            rule.chain = format!("ip {table} {}", rule.chain);
            rule.file = Some(text.path.clone());
            rule.line = Some(number);
            out.push(rule);
        }
        if out.len() > 100_000 {
            break;
        }
    }
    out
}

fn rule(words: &[String]) -> Rule {
    let mut rule = Rule::default();
    let mut negated = false;
    let mut words = words.iter();
    let mut target = None;
    while let Some(word) = words.next() {
        let mut value = || words.next().map(String::as_str).unwrap_or_default();
        match word.as_str() {
            "!" => {
                negated = true;
                continue;
            }
            "-A" | "-I" => value().clone_into(&mut rule.chain),
            "-s" | "--source" | "--src" => networks(value(), negated, &mut rule.from),
            "-d" | "--destination" | "--dst" => networks(value(), negated, &mut rule.to),
            "-p" | "--protocol" => rule.transport = transport(value()),
            "--dport" | "--dports" | "--destination-port" | "--destination-ports" => {
                let ports = value()
                    .split(',')
                    .filter_map(|p| number(p.split(':').next()?));
                rule.ports.extend(ports.filter(|_| !negated));
            }
            "--src-range" | "--dst-range" => {
                let range = value().to_owned();
                let list = if word == "--src-range" {
                    &mut rule.from
                } else {
                    &mut rule.to
                };
                if let Some((first, _)) = range.split_once('-') {
                    networks(first, negated, list);
                }
            }
            "-j" | "--jump" | "-g" | "--goto" => {
                value().clone_into(target.get_or_insert_with(String::new))
            }
            "--to-destination" => {
                // Of a range of addresses, the first.
                let to = value();
                if let Some((peer, port)) = destination(to) {
                    rule.verdict = Verdict::Hand(peer, port);
                }
            }
            _ => {}
        }
        negated = false;
    }
    match target.as_deref() {
        Some("DNAT") => {}
        Some("ACCEPT" | "DROP" | "REJECT" | "RETURN") => {
            rule.verdict = Verdict::Word(target.unwrap_or_default().to_ascii_lowercase());
        }
        // Counting, marking and logging decide nothing; a chain of its own does.
        Some(
            "LOG" | "NFLOG" | "MARK" | "CONNMARK" | "MASQUERADE" | "SNAT" | "REDIRECT" | "NOTRACK"
            | "TCPMSS" | "CT",
        )
        | None => {
            rule.verdict = Verdict::None;
        }
        Some(chain) => rule.verdict = Verdict::Word(chain.to_owned()),
    }
    rule
}

fn networks(text: &str, negated: bool, list: &mut Vec<Network>) {
    if !negated {
        list.extend(text.split(',').filter_map(Network::parse));
    }
}

fn transport(word: &str) -> Option<Transport> {
    match word {
        "tcp" | "6" => Some(Transport::Tcp),
        "udp" | "17" => Some(Transport::Udp),
        _ => None,
    }
}

/// `10.0.0.5`, `10.0.0.5:80`, `10.0.0.5-10.0.0.9:80-90`, `[fd00::1]:80`.
pub(super) fn destination(text: &str) -> Option<(Peer, Option<u16>)> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some((Peer::Address(address), None));
    }
    if let Some((first, rest)) = text.split_once('-')
        && let Ok(address) = first.parse::<IpAddr>()
    {
        let port = rest
            .rsplit_once(':')
            .filter(|_| !rest.contains("::"))
            .and_then(|(_, p)| number(p));
        return Some((Peer::Address(address), port));
    }
    let (peer, port) = host_and_port(text)?;
    matches!(&peer, Peer::Address(a) if !a.is_unspecified()).then_some((peer, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Text {
        Text {
            path: "/etc/iptables/rules.v4".into(),
            text: text.into(),
        }
    }

    #[test]
    fn rules_hand_on_or_name_somebody() {
        let file = text(
            "*nat\n-A PREROUTING -d 192.0.2.1/32 -p tcp -m multiport --dports 80,443 -j DNAT --to-destination 192.0.2.8:8080\n-A PREROUTING -p udp --dport 53 -j REDIRECT --to-ports 5353\nCOMMIT\n*filter\n-A INPUT -s 192.0.2.77/32 -p tcp -m tcp --dport 5432 -j ACCEPT\n-A INPUT -s 10.0.0.0/8 -j ACCEPT\n-A INPUT ! -s 192.0.2.78/32 -j DROP\n-A f2b-sshd -s 198.51.100.1/32 -j REJECT\n-A INPUT -s 192.0.2.79 -j LOG\n",
        );
        let rules = rules(&file);
        let component = super::super::rule::kernel_component();
        let forwards: Vec<String> = rules
            .iter()
            .flat_map(|r| r.forwards(&component))
            .map(|f| format!("{} > {}", f.listens, f.sends_to))
            .collect();
        assert_eq!(
            forwards,
            [
                "192.0.2.1:80 > 192.0.2.8:8080",
                "192.0.2.1:443 > 192.0.2.8:8080"
            ]
        );
        let named: Vec<String> = rules
            .iter()
            .filter(|r| !r.is_somebodys_own())
            .flat_map(Rule::filter_rules)
            .map(|r| {
                format!(
                    "{} {} {} {:?} {}",
                    r.chain,
                    r.verdict,
                    r.network,
                    r.port.map(|p| p.0),
                    r.line.unwrap()
                )
            })
            .collect();
        assert_eq!(named, ["ip filter INPUT accept 192.0.2.77 Some(5432) 6"]);
    }

    #[test]
    fn hammered_rules_never_panic() {
        let corpus: &[&[u8]] = &[b"*nat\n-A P ! -s 1.2.3.4 -d a -p tcp --dport 1:2,3 -j DNAT --to-destination [::1]:2-3\n"];
        groma_fuzz::hammer(2000, corpus, |bytes| {
            for rule in rules(&text(&String::from_utf8_lossy(bytes))) {
                rule.forwards(&super::super::rule::kernel_component());
                rule.filter_rules();
            }
        });
    }
}
