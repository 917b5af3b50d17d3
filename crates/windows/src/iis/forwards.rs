//! Requests that are handed on: rules of URL Rewrite with an absolute address, and farms of Application Request Routing.

use std::net::{IpAddr, Ipv4Addr};

use groma_model::fact::{Forward, ForwardEnd, ForwardMode};
use groma_model::{Fact, Peer, Port, Transport};

use super::model::{Binding, Server, Site, rules};
use super::{own_settings, web_server};
use crate::addressed::host_and_port;
use crate::markup::Element;
use crate::{Machine, Part};

/// Most forwards of one server.
const FORWARDS_MAX: usize = 10_000;
/// Patterns that fit every request, of regular expressions and of wild cards.
const ALL: &[&str] = &[
    "", "*", ".*", "(.*)", "^.*$", "^(.*)$", "^(.*)", "(.*)$", "^", ".+", "(.+)", "^(.+)$",
];

/// A rule, and where it stands.
pub(super) struct Ruled {
    rule: Element,
    file: String,
    /// True if it holds for a part of the site only.
    is_below: bool,
}

/// Rules in the folders of a site.
pub(super) fn own(machine: &Machine<'_>, part: &mut Part, site: &Site) -> Vec<Ruled> {
    let mut found = Vec::new();
    for folder in &site.folders {
        let Some((file, root)) = own_settings(machine, part, folder) else {
            continue;
        };
        let own = root.child("system.webServer");
        for rule in own.map(|own| rules(own, "rules")).unwrap_or_default() {
            let (file, is_below) = (file.clone(), folder.at != "/");
            found.push(Ruled {
                rule,
                file,
                is_below,
            });
        }
    }
    found
}

/// What every site hands on.
pub(super) fn all(
    server: &Server,
    part: &mut Part,
    own: impl Fn(&Site, &mut Part) -> Vec<Ruled>,
) -> Vec<Fact> {
    let mut found = Vec::new();
    for site in &server.sites {
        let mut ruled = own(site, part);
        let name = site.name.to_lowercase();
        let below = format!("{name}/");
        let places = server.rules_of.iter();
        for (place, rules) in
            places.filter(|(place, _)| **place == name || place.starts_with(&below))
        {
            let is_below = *place != name;
            ruled.extend(rules.iter().map(|rule| of_server(server, rule, is_below)));
        }
        ruled.extend(
            server
                .rules
                .iter()
                .map(|rule| of_server(server, rule, false)),
        );
        for binding in &site.bindings {
            for ruled in &ruled {
                found.extend(forwards(server, binding, ruled));
            }
        }
        if found.len() > FORWARDS_MAX {
            part.missed(
                "further rules of IIS that hand requests on",
                groma_model::Reason::TooLarge,
            );
            found.truncate(FORWARDS_MAX);
            break;
        }
    }
    found.dedup();
    found.into_iter().map(Fact::Forward).collect()
}

fn of_server(server: &Server, rule: &Element, is_below: bool) -> Ruled {
    Ruled {
        rule: rule.clone(),
        file: server.file.clone(),
        is_below,
    }
}

/// One forward per server that a rule leads to.
fn forwards(server: &Server, binding: &Binding, ruled: &Ruled) -> Vec<Forward> {
    let rule = &ruled.rule;
    let Some((scheme, target)) = target(rule) else {
        return Vec::new();
    };
    let Some(mut names) = names(server, binding) else {
        return Vec::new();
    };
    let (chosen, mut conditional) = conditions(rule);
    if !chosen.is_empty() {
        names = chosen;
    }
    let pattern = rule
        .child("match")
        .and_then(|found| found.attribute("url"))
        .unwrap_or("");
    conditional |= ruled.is_below || !ALL.contains(&pattern);
    let is_tls = scheme.eq_ignore_ascii_case("https");
    let forward = |peer: Peer, port: u16, group: Option<&str>, line: u32| Forward {
        mode: ForwardMode::HttpProxy,
        listens: end(address(binding), binding.port),
        sends_to: end(peer, port),
        names: names.clone(),
        conditional,
        group: group.map(str::to_owned),
        backup: false,
        via: None,
        kind: Some("http".into()),
        component: web_server(),
        file: Some(ruled.file.as_str().into()),
        line: Some(line),
        table: None,
    };
    if let Some(farm) = server.farms.get(&target.to_lowercase()) {
        let member = farm.servers.iter().filter_map(|member| {
            let port = if is_tls { member.https } else { member.http };
            let peer = Peer::parse(&member.address)?;
            let mut made = forward(peer, port, Some(&farm.name), member.line);
            // A farm stands in the file of the server, wherever the rule is.
            made.file = Some(server.file.as_str().into());
            Some(made)
        });
        return member.collect();
    }
    let (host, port) = host_and_port(target);
    let port = port.unwrap_or(if is_tls { 443 } else { 80 });
    let peer = Peer::parse(host).filter(|_| server.is_proxy);
    peer.map(|peer| forward(peer, port, None, rule.line))
        .into_iter()
        .collect()
}

/// Scheme and `host:port` of a rule that hands requests on. A host that the request itself decides is none.
fn target(rule: &Element) -> Option<(&str, &str)> {
    let action = rule.child("action")?;
    let is_handed = action
        .attribute("type")
        .is_some_and(|kind| kind.eq_ignore_ascii_case("Rewrite"));
    let url = action.attribute("url").filter(|_| is_handed)?;
    let (scheme, rest) = url.split_once("://")?;
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let target = rest.split(['/', '?']).next()?;
    // `http://app{R:1}`: what follows begins with a slash, or the name is made up; nobody knows.
    (is_web && !target.is_empty() && !target.contains(['{', '@'])).then_some((scheme, target))
}

/// Names a rule is for, where it asks for nothing but them, and whether it asks for more.
fn conditions(rule: &Element) -> (Vec<String>, bool) {
    let list = rule.child("conditions");
    let all: Vec<&Element> = list.into_iter().flat_map(|list| list.all("add")).collect();
    let is_any = list.and_then(|list| list.attribute("logicalGrouping"));
    let is_any = is_any.is_some_and(|said| said.eq_ignore_ascii_case("MatchAny"));
    let hosts: Vec<Option<String>> = all.iter().map(|condition| host_of(condition)).collect();
    let named: Vec<String> = hosts.iter().flatten().cloned().collect();
    let only_names = named.len() == hosts.len() && (is_any || named.len() < 2);
    // One name and more conditions still is for that name alone.
    let mut names = match is_any && !only_names || named.len() > 1 && !is_any {
        true => Vec::new(),
        false => named,
    };
    names.sort();
    names.dedup();
    (names, !only_names)
}

/// `{HTTP_HOST}` held against one plain name.
fn host_of(condition: &Element) -> Option<String> {
    let input = condition.attribute("input")?;
    if !input.eq_ignore_ascii_case("{HTTP_HOST}") || condition.attribute("negate") == Some("true") {
        return None;
    }
    let pattern = condition.attribute("pattern")?;
    let bare = pattern
        .trim_start_matches('^')
        .trim_end_matches('$')
        .replace(r"\.", ".");
    match Peer::parse(&bare)? {
        Peer::Name(name) => Some(name.as_str().to_owned()),
        Peer::Address(_) => None,
    }
}

/// Names that a binding is for; `None` for one that is never asked. Where others listen at the same place, one without a name
/// takes the rest.
fn names(server: &Server, binding: &Binding) -> Option<Vec<String>> {
    if !binding.host.is_empty() {
        return (binding.host.len() <= 253).then(|| vec![binding.host.clone()]);
    }
    let bindings = server.sites.iter().flat_map(|site| &site.bindings);
    let mut same = bindings.filter(|b| b.address == binding.address && b.port == binding.port);
    let is_shared = same.any(|other| !other.host.is_empty());
    Some(if is_shared {
        vec!["*".to_owned()]
    } else {
        Vec::new()
    })
}

fn address(binding: &Binding) -> Peer {
    let all = Peer::Address(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    match Peer::parse(&binding.address) {
        Some(Peer::Address(address)) if address.is_unspecified() => all,
        Some(peer) => peer,
        None => all,
    }
}

fn end(peer: Peer, port: u16) -> ForwardEnd {
    ForwardEnd::Endpoint {
        peer,
        port: Some(Port(port)),
        transport: Transport::Tcp,
    }
}
