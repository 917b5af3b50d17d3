//! From an event or a row to what it tells: pure, by the rule that fits.

use std::net::IpAddr;

use groma_knowledge::events::{EventGrammar, EventRule, Tells};
use groma_knowledge::mail_clients::mail_client;
use groma_knowledge::service_class;
use groma_model::Foreign;
use groma_model::directory::without_persons;
use groma_model::fact::ReportedUse;
use groma_model::name::{HostName, Peer, Port, Transport};

use crate::word::Word;

/// Longest text of an account, a service or a search that is kept.
const TEXT_MAX: usize = 256;
/// What Windows writes where it knows nothing.
const NOTHING: &[&str] = &["", "-", "NULL", "(null)", "LOCAL", "::", "0.0.0.0"];

/// What one event tells, if it tells of somebody: the use itself, and the one it leads to.
pub(super) fn uses<'v>(
    grammar: &EventGrammar,
    rule: &EventRule,
    machine: &Peer,
    value: &impl Fn(&str) -> Option<&'v str>,
    log: &Foreign,
) -> Vec<ReportedUse> {
    let known = |name: &String| value(name).map(str::trim).filter(|text| is_told(text));
    let named = |name: &Option<String>| name.as_ref().and_then(known);
    let is_client = |client: &Peer| !rule.client_is_address || matches!(client, Peer::Address(_));
    let client = rule
        .client
        .iter()
        .filter_map(known)
        .find_map(|text| peer(text).filter(is_client));
    let client = client.map(|client| match client {
        Peer::Name(name) if rule.client_in_domain => {
            Peer::Name(qualified(name.as_str(), machine).unwrap_or(name))
        }
        client => client,
    });
    let called = rule.server.iter().filter_map(known).find_map(called);
    let account = if rule.is_nobody(value) {
        Some(Foreign::default())
    } else {
        named(&rule.account).and_then(|name| account(name, named(&rule.domain)))
    };
    let mechanism = rule
        .mechanism
        .as_deref()
        .or_else(|| named(&rule.mechanism_in));
    let (consumer, provider) = match (rule.tells, client, &called) {
        (Tells::WorksHere, ..) if account.is_some() => (machine.clone(), machine.clone()),
        (Tells::Use | Tells::Refused, _, Some(called)) => (machine.clone(), called.peer.clone()),
        (Tells::Use | Tells::Refused, Some(client), None) => (client, machine.clone()),
        _ => return Vec::new(),
    };
    if consumer.is_loopback() || (consumer == provider && rule.tells != Tells::WorksHere) {
        return Vec::new();
    }
    let class = called
        .as_ref()
        .and_then(|called| service_class(&called.class));
    let port_in = named(&rule.port_in).and_then(port);
    let of_class = || class.and_then(|class| class.port).map(Port);
    let kind = class.map(|class| class.kind.as_str());
    let service = rule.service.as_deref().or_else(|| named(&rule.service_in));
    let told = ReportedUse {
        consumer,
        provider,
        kind: kind.or(rule.kind.as_deref()).unwrap_or("other").to_owned(),
        port: rule.port.or(port_in).or_else(of_class),
        transport: rule.transport.unwrap_or(Transport::Tcp),
        product: grammar.product.clone(),
        account,
        mechanism: mechanism.and_then(word),
        program: named(&rule.program).and_then(program),
        client: rule
            .service
            .as_ref()
            .and(named(&rule.program))
            .and_then(kind_of_client),
        protection: rule.protection,
        service: service.and_then(text),
        asks: asks(named(&rule.base), named(&rule.filter)),
        refused: rule.tells == Tells::Refused,
        name: None,
        tls: None,
        mail: None,
        log: log.clone(),
    };
    let onward = onward(rule, machine, &told, &named);
    [Some(told), onward].into_iter().flatten().collect()
}

/// Whom the client goes on to: a machine, by the account it has.
fn onward<'v>(
    rule: &EventRule,
    machine: &Peer,
    told: &ReportedUse,
    named: &impl Fn(&Option<String>) -> Option<&'v str>,
) -> Option<ReportedUse> {
    let account = named(&rule.onward)?;
    // A ticket names an account; only that of a machine, which ends so, names one. A secure channel is a machine's.
    let name = account.strip_suffix('$');
    let name = match rule.onward_is_machine {
        true => name?,
        false => name.unwrap_or(account),
    };
    // A controller issues tickets for the machines of its own domain; the domain an event names is the user's.
    let provider = Peer::Name(qualified(name, machine)?);
    let consumer = match &rule.onward_client {
        Some(_) => peer(named(&rule.onward_client)?)?,
        None => told.consumer.clone(),
    };
    (consumer != provider && consumer != *machine).then(|| ReportedUse {
        consumer,
        provider,
        kind: "other".to_owned(),
        port: None,
        service: None,
        ..told.clone()
    })
}

/// A machine's name in the domain of the machine whose log it is.
fn qualified(name: &str, machine: &Peer) -> Option<HostName> {
    let own = match machine {
        Peer::Name(machine) => machine
            .as_str()
            .split_once('.')
            .map(|(_, domain)| domain.to_owned()),
        Peer::Address(_) => None,
    };
    match own.filter(|_| !name.contains('.')) {
        Some(domain) => HostName::parse(&format!("{name}.{domain}")),
        None => HostName::parse(name),
    }
}

/// Whom a service principal name (`cifs/fs1.corp.example:445`) names, and as what.
struct Called {
    class: String,
    peer: Peer,
}

fn called(text: &str) -> Option<Called> {
    let (class, host) = text.split_once('/').unwrap_or(("", text));
    let host = host.split_once('/').map_or(host, |(host, _)| host);
    Some(Called {
        class: class.to_owned(),
        peer: peer(host)?,
    })
}

fn is_told(text: &str) -> bool {
    !NOTHING
        .iter()
        .any(|nothing| text.eq_ignore_ascii_case(nothing))
}

/// An address, perhaps with a port; or a machine's name, perhaps with the two strokes of NetBIOS before it.
pub(super) fn peer(text: &str) -> Option<Peer> {
    let text = text.trim().trim_start_matches('\\');
    if let Some(address) = address(text) {
        return Some(Peer::Address(address));
    }
    let name = text.split_once(':').map_or(text, |(name, _port)| name);
    // What has only digits and dots is an address that is none.
    let is_name = is_told(name) && name.bytes().any(|b| b.is_ascii_alphabetic());
    is_name
        .then(|| HostName::parse(name))
        .flatten()
        .map(Peer::Name)
}

fn address(text: &str) -> Option<IpAddr> {
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => text,
    };
    let bare = bare
        .split_once('%')
        .map_or(bare, |(address, _zone)| address);
    let without_port = || {
        bare.rsplit_once(':')
            .filter(|(host, _)| !host.contains(':'))
    };
    let parsed = bare.parse::<IpAddr>().ok();
    let parsed = parsed.or_else(|| without_port()?.0.parse().ok())?;
    Some(parsed.to_canonical()).filter(|address| !address.is_unspecified())
}

/// The port of an endpoint, or a port alone.
fn port(text: &str) -> Option<Port> {
    let digits = match text.rsplit_once(':') {
        Some((host, port)) if host.ends_with(']') || !host.contains(':') => port,
        Some(_) => return None,
        None => text,
    };
    digits.parse().ok().map(Port)
}

/// `CORP\svc`, or as it stands where it has a domain already.
fn account(name: &str, domain: Option<&str>) -> Option<Foreign> {
    match domain {
        Some(domain) if !name.contains(['\\', '@']) => text(&format!("{domain}\\{name}")),
        _ => text(name),
    }
}

/// A text somebody may have written who is a stranger: of one line, not long, and of letters that were all letters.
fn text(text: &str) -> Option<Foreign> {
    let odd = |letter: char| letter.is_control() || letter == char::REPLACEMENT_CHARACTER;
    let sound = text.len() <= TEXT_MAX && !text.chars().any(odd);
    sound.then(|| text.into())
}

fn word(text: &str) -> Option<String> {
    Word::parse(&text.replace(' ', "-")).map(|word| word.as_str().to_owned())
}

/// The kind of program behind a user agent, whose blanks IIS writes as `+`.
fn kind_of_client(agent: &str) -> Option<String> {
    mail_client(&agent.replace('+', " ")).map(|client| client.says.clone())
}

fn program(text: &str) -> Option<String> {
    word(text.split(['/', '+', ' ']).next()?)
}

/// Where a search begins and what it asks for, without what it asks about.
fn asks(base: Option<&str>, filter: Option<&str>) -> Option<Foreign> {
    let filter = filter.map(without_values);
    let base = base.map(without_persons);
    let parts: Vec<String> = base.into_iter().chain(filter).collect();
    (!parts.is_empty())
        .then(|| text(&parts.join(" ")))
        .flatten()
}

/// What is left out of a name or a search.
const LEFT_OUT: &str = "…";

/// `(&(objectClass=*)(mail=*))`: a filter (RFC 4515) with each value replaced by a star. One with a parenthesis in a value,
/// which belongs escaped, is none: nobody can tell where the value ends.
fn without_values(filter: &str) -> String {
    let mut out = String::new();
    let mut name = String::new();
    let mut in_value = false;
    for letter in filter.chars() {
        match letter {
            '(' if in_value || is_attribute(&name) => return LEFT_OUT.to_owned(),
            '(' | ')' => {
                // What no operator follows is no attribute.
                if name.chars().all(|c| "&|!".contains(c)) {
                    out.push_str(&name);
                }
                name.clear();
                in_value = false;
                out.push(letter);
            }
            _ if in_value => {}
            '=' => {
                in_value = true;
                let attribute = name.trim_end_matches(['~', '<', '>', ':']);
                let known = is_attribute(attribute);
                out.push_str(if known { &name } else { LEFT_OUT });
                out.push_str("=*");
                name.clear();
            }
            ' ' => {}
            letter => name.push(letter),
        }
    }
    out
}

/// A name of an attribute, with its options and the rule it is matched by.
fn is_attribute(name: &str) -> bool {
    let sound = |c: char| c.is_ascii_alphanumeric() || "-;:.".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= 64
        && name.chars().all(sound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_and_names_of_all_kinds() {
        for (text, want) in [
            ("10.0.0.9:50123", "10.0.0.9"),
            ("[fd00::9]:50123", "fd00::9"),
            ("::ffff:10.0.0.9", "10.0.0.9"),
            ("fe80::1%4", "fe80::1"),
            ("\\\\WS12", "ws12"),
            ("fs1.corp.example:445", "fs1.corp.example"),
        ] {
            assert_eq!(
                peer(text).map(|p| p.to_string()).as_deref(),
                Some(want),
                "{text}"
            );
        }
        for none in [
            "",
            "-",
            "NULL",
            "::",
            "0.0.0.0:7",
            "999.1.2.3",
            "a b",
            "{1}",
            "1,2",
        ] {
            assert_eq!(peer(none), None, "{none}");
        }
        assert_eq!(port("10.0.0.5:587"), Some(Port(587)));
        assert_eq!((port("443"), port("fd00::5:1")), (Some(Port(443)), None));
    }

    #[test]
    fn no_value_of_a_search_is_kept() {
        let shape = without_values(" ( &  (objectClass=user)  (sAMAccountName=anna\\29b) ) ");
        assert_eq!(shape, "(&(objectClass=*)(sAMAccountName=*))");
        assert!(!without_values("(|(mail=a@b)(x=(nested=secret)))").contains("secret"));
        let rule = without_values("(memberOf:1.2.840.113556.1.4.1941:=CN=Anna)");
        assert_eq!(rule, "(memberOf:1.2.840.113556.1.4.1941:=*)");
        for odd in [
            "(cn=Muster (Anna))",
            "(cn=Muster (Anna=x))",
            "(Anna)",
            "(Anna Muster)(a=b)",
            "Anna",
        ] {
            let shape = without_values(odd);
            assert!(!shape.contains("Anna"), "{odd}: {shape}");
        }
    }

    #[test]
    fn no_person_stands_in_the_base_of_a_search() {
        for (base, want) in [
            ("DC=corp,DC=example", "DC=corp,DC=example"),
            (
                "OU=Staff, DC=corp,DC=example",
                "OU=Staff,DC=corp,DC=example",
            ),
            (
                "CN=Anna Muster,OU=Staff,DC=corp,DC=example",
                "…,OU=Staff,DC=corp,DC=example",
            ),
            ("CN=Muster\\, OU=Anna,DC=corp", "…,DC=corp"),
            ("CN=\"Muster, OU=Anna\",DC=corp", "…"),
            ("OU=x+CN=Anna,DC=corp", "…,DC=corp"),
            ("<SID=S-1-5-21-1-2-3-1104>", "…"),
            ("anna", "…"),
        ] {
            assert_eq!(without_persons(base), want, "{base}");
        }
    }

    #[test]
    fn an_account_with_a_line_break_is_none() {
        assert_eq!(account("a\nb", None), None);
        assert_eq!(account("\u{fffd}nna", None), None);
        assert_eq!(account("svc", Some("CORP")), text("CORP\\svc"));
        assert_eq!(account("svc@corp", Some("CORP")), text("svc@corp"));
    }
}
