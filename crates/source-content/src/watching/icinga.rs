//! Icinga 2: whose zone stands above this machine's own, and which stand below.
//!
//! An agent and its master both have endpoints with addresses in `zones.conf`; only the zones tell who watches whom.

use std::collections::BTreeMap;

use groma_model::fact::WatchPurpose;
use groma_model::{Peer, Port};

use crate::text::{lossy, meaningful};

/// Objects of one file that are read at all.
const OBJECTS_MAX: usize = 20_000;
/// Bytes of one value that are kept: a list of a thousand members.
const VALUE_BYTES_MAX: usize = 64 << 10;

/// One object: its type, its name, its attributes as written.
#[derive(Clone, Debug, Default)]
struct Object {
    kind: String,
    name: String,
    line: u32,
    attributes: BTreeMap<String, String>,
}

/// Another machine of Icinga's, and what it is to this one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Relative {
    pub(super) purpose: WatchPurpose,
    pub(super) peer: Peer,
    pub(super) port: Option<Port>,
    pub(super) line: u32,
}

/// Reads `zones.conf` of a machine whose `NodeName` is `own`. Endpoints without a `host` are known by their name.
pub(super) fn relatives(zones: &[u8], own: &str) -> Vec<Relative> {
    let objects = objects(&without_comments(zones));
    let of = |kind: &'static str| {
        let all = objects.iter();
        all.filter(move |o| o.kind.eq_ignore_ascii_case(kind))
    };
    let mine = |o: &&Object| members(o).any(|m| m == own || m == "NodeName");
    let Some(zone) = of("Zone").find(mine) else {
        return Vec::new();
    };
    let parent = zone.attributes.get("parent").map(|p| bare(p));
    let relation = |other: &Object| {
        let above = other.attributes.get("parent").map(|p| bare(p));
        match () {
            () if parent.as_ref() == Some(&other.name) => Some(WatchPurpose::WatchedBy),
            () if above.as_ref() == Some(&zone.name) => Some(WatchPurpose::Watches),
            () => None,
        }
    };
    let mut endpoints: BTreeMap<&str, &Object> = BTreeMap::new();
    for endpoint in of("Endpoint") {
        endpoints.entry(&endpoint.name).or_insert(endpoint);
    }
    let mut relatives = Vec::new();
    for other in of("Zone").filter(|z| z.name != zone.name) {
        let Some(purpose) = relation(other) else {
            continue;
        };
        for member in members(other) {
            let endpoint = endpoints.get(member.as_str()).copied();
            relatives.extend(relative(purpose, &member, endpoint, other.line));
        }
    }
    relatives.sort();
    relatives.dedup();
    relatives
}

fn relative(
    purpose: WatchPurpose,
    member: &str,
    endpoint: Option<&Object>,
    line: u32,
) -> Option<Relative> {
    let attribute = |key: &str| {
        endpoint
            .and_then(|e| e.attributes.get(key))
            .map(|v| bare(v))
    };
    Some(Relative {
        purpose,
        peer: Peer::parse(&attribute("host").unwrap_or_else(|| member.to_owned()))?,
        port: attribute("port").and_then(|p| p.parse().ok()).map(Port),
        line: endpoint.map_or(line, |e| e.line),
    })
}

fn bare(text: &str) -> String {
    text.trim().trim_matches('"').to_owned()
}

fn members(zone: &Object) -> impl Iterator<Item = String> + '_ {
    let list = zone
        .attributes
        .get("endpoints")
        .map(String::as_str)
        .unwrap_or_default();
    list.split([',', '[', ']', ' ', '\t'])
        .map(bare)
        .filter(|m| !m.is_empty())
}

/// Without `/* … */`, lines kept: the file of the package shows a whole cluster in one.
fn without_comments(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut rest, mut within) = (Vec::with_capacity(bytes.len()), bytes, false);
    while let Some((first, tail)) = rest.split_first() {
        let mark: &[u8] = if within { b"*/" } else { b"/*" };
        if rest.starts_with(mark) {
            within = !within;
            rest = rest.get(2..).unwrap_or_default();
            continue;
        }
        if !within || *first == b'\n' {
            out.push(*first);
        }
        rest = tail;
    }
    out
}

/// `object Type "name" { key = value … }`, braces on the same or the next line; lists may span lines.
fn objects(bytes: &[u8]) -> Vec<Object> {
    let mut objects: Vec<Object> = Vec::new();
    let (mut within, mut open_list) = (false, None);
    for (line, text) in meaningful(bytes, b"#") {
        let text = lossy(text);
        let text = text.split("//").next().unwrap_or_default().trim();
        if let Some(head) = text.strip_prefix("object ") {
            if objects.len() >= OBJECTS_MAX {
                break;
            }
            objects.push(object(head, line));
            within = true;
            open_list = None;
        }
        let body = match text.find('{') {
            Some(at) => text.get(at + 1..).unwrap_or_default(),
            None => text,
        };
        if let Some(open) = objects.last_mut().filter(|_| within && !text.is_empty()) {
            body.trim_end_matches('}')
                .split(';')
                .for_each(|part| attribute(open, &mut open_list, part));
        }
        within &= !text.ends_with('}');
    }
    objects
}

fn object(head: &str, line: u32) -> Object {
    let mut words = head.split_whitespace();
    let kind = words.next().unwrap_or_default().to_owned();
    let name = words.next().unwrap_or_default().trim_end_matches('{');
    Object {
        kind,
        name: bare(name),
        line,
        attributes: BTreeMap::new(),
    }
}

/// `key = value`; a value that is an open list goes on, `open_list` is its key.
fn attribute(object: &mut Object, open_list: &mut Option<String>, part: &str) {
    match part.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() && !name.contains('"') => {
            let key = name.trim().trim_end_matches('+').trim();
            let value = value.trim();
            *open_list = None;
            // An empty password field holds nothing; any other is never kept.
            if matches!(key, "host" | "port" | "endpoints" | "parent") {
                let goes_on = value.starts_with('[') && !value.contains(']');
                *open_list = goes_on.then(|| key.to_owned());
                object.attributes.insert(key.to_owned(), value.to_owned());
            }
        }
        _ => goes_on(object, open_list, part.trim()),
    }
}

/// Another line of an open list. What would make the value too long is left out whole: half a name is none.
fn goes_on(object: &mut Object, open_list: &mut Option<String>, part: &str) {
    let list = open_list
        .as_ref()
        .and_then(|key| object.attributes.get_mut(key));
    if let Some(list) = list.filter(|l| l.len() + part.len() < VALUE_BYTES_MAX) {
        list.push(' ');
        list.push_str(part);
    }
    if part.contains(']') {
        *open_list = None;
    }
}

/// `const NodeName = "web1"` of constants.conf.
pub(super) fn node_name(constants: &[u8]) -> Option<String> {
    meaningful(constants, b"#/*").find_map(|(_, text)| {
        let text = lossy(text);
        let rest = text
            .strip_prefix("const ")?
            .trim_start()
            .strip_prefix("NodeName")?;
        let value = bare(rest.trim_start().strip_prefix('=')?);
        (!value.is_empty()).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONES: &[u8] = b"object Endpoint \"mon1.corp.example\" {\n  host = \"10.0.0.5\"\n  port = \"5666\"\n}\nobject Endpoint \"web1\" {\n}\n\
        object Endpoint \"far1\" { host = \"10.9.0.1\" }\nobject Zone \"master\" {\n  endpoints = [ \"mon1.corp.example\",\n    \"mon2.corp.example\" ]\n}\n\
        object Zone \"web1\" {\n  endpoints = [ \"web1\" ]\n  parent = \"master\"\n}\nobject Zone \"far\" { endpoints = [ \"far1\" ]; parent = \"web1\" }\nobject Zone \"global\" { global = true }\n";

    #[test]
    fn the_zone_above_watches_and_the_one_below_is_watched() {
        let said: Vec<String> = relatives(ZONES, "web1")
            .iter()
            .map(|r| format!("{:?} {} {:?}", r.purpose, r.peer, r.port))
            .collect();
        assert_eq!(
            said,
            [
                "WatchedBy mon2.corp.example None",
                "WatchedBy 10.0.0.5 Some(Port(5666))",
                "Watches 10.9.0.1 None"
            ]
            .map(str::to_owned)
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_machine_that_stands_alone_is_watched_by_nobody() {
        // The file of the package: one zone, named by constants.
        let shipped = b"object Endpoint NodeName {\n\thost = NodeName\n}\nobject Zone ZoneName {\n\tendpoints = [ NodeName ]\n}\nobject Zone \"global-templates\" {\n\tglobal = true\n}\n";
        assert_eq!(relatives(shipped, "web1"), []);
        let shown = [b"/*\n".as_slice(), ZONES, b"*/\n", shipped].concat();
        assert_eq!(relatives(&shown, "web1"), []);
        assert_eq!(
            node_name(b"/* x */\nconst NodeName = \"web1\"\n"),
            Some("web1".into())
        );
    }

    #[test]
    fn a_list_that_is_never_closed_is_read_once_and_kept_in_bounds() {
        let endless = [
            b"object Zone \"a\" {\nendpoints = [\n".as_slice(),
            &b"x\n".repeat(2_000_000),
            b"]\nparent = \"master\"\n}\n",
        ]
        .concat();
        let objects = objects(&endless);
        let value = |key: &str| objects[0].attributes.get(key).map(String::as_str);
        assert!(value("endpoints").is_some_and(|v| v.len() <= VALUE_BYTES_MAX));
        assert_eq!(value("parent"), Some("\"master\""));
    }

    #[test]
    fn a_list_ends_with_its_bracket_and_what_follows_is_no_member() {
        let text = b"object Zone \"a\" {\n endpoints = [ \"b\",\n  \"c\" ]\n  \"d\"\n}\n";
        let objects = objects(text);
        assert_eq!(members(&objects[0]).collect::<Vec<_>>(), ["b", "c"]);
    }

    #[test]
    fn no_zones_make_it_panic() {
        groma_fuzz::hammer(2000, &[ZONES], |bytes| {
            relatives(bytes, "web1");
            node_name(bytes);
        });
    }
}
