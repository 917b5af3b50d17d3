//! TOML, YAML and JSON: a tree becomes settings, one group per table.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use toml::de::{DeTable, DeValue};

use crate::settings::Settings;

/// Nesting beyond this is left out.
const DEPTH_MAX: usize = 48;

/// TOML, best effort: what stands before and after a mistake is still read.
pub(super) fn toml(text: &str) -> Settings {
    let mut settings = Settings::default();
    if nests_too_deep(text) {
        settings.partial = true;
        return settings;
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    settings.partial = !errors.is_empty();
    let starts = LineStarts::of(text);
    toml_table(&mut settings, &starts, "", table.get_ref(), 0);
    settings
}

/// Brackets that may be open at the same time.
const OPEN_MAX: usize = 200;

/// True if brackets open deeper than a recursive reader should follow.
fn nests_too_deep(text: &str) -> bool {
    let bytes = text.as_bytes();
    // Few texts have so many of them; all others are told apart by one vector search.
    if memchr::memchr2_iter(b'[', b'{', bytes)
        .nth(OPEN_MAX)
        .is_none()
    {
        return false;
    }
    let mut depth = 0_usize;
    bytes.iter().any(|byte| {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > OPEN_MAX
    })
}

fn toml_table(
    settings: &mut Settings,
    starts: &LineStarts,
    section: &str,
    table: &DeTable<'_>,
    depth: usize,
) {
    let group = settings.open_group();
    for (key, value) in table {
        let line = starts.line(key.span().start);
        toml_value(
            settings,
            starts,
            &At {
                section,
                group,
                key: key.get_ref(),
                line,
                depth,
            },
            value.get_ref(),
        );
    }
}

struct At<'a> {
    section: &'a str,
    group: u32,
    key: &'a str,
    line: u32,
    depth: usize,
}

fn toml_value(settings: &mut Settings, starts: &LineStarts, at: &At<'_>, value: &DeValue<'_>) {
    if at.depth > DEPTH_MAX {
        settings.partial = true;
        return;
    }
    match value {
        DeValue::String(text) => settings.add(at.line, at.group, at.section, at.key, text),
        DeValue::Integer(number) => {
            settings.add(at.line, at.group, at.section, at.key, number.as_str())
        }
        DeValue::Boolean(truth) => settings.add(
            at.line,
            at.group,
            at.section,
            at.key,
            if *truth { "true" } else { "false" },
        ),
        DeValue::Float(_) | DeValue::Datetime(_) => {}
        DeValue::Array(items) => {
            for item in items {
                let line = starts.line(item.span().start);
                toml_value(
                    settings,
                    starts,
                    &At {
                        line,
                        depth: at.depth + 1,
                        ..*at
                    },
                    item.get_ref(),
                );
            }
        }
        DeValue::Table(table) => toml_table(
            settings,
            starts,
            &join(at.section, at.key),
            table,
            at.depth + 1,
        ),
    }
}

/// What a document may cost.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        strict_booleans: true,
        // Nobody is shown the place of a mistake, and to cut it out costs as much as to read the text.
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_depth: DEPTH_MAX,
            max_nodes: crate::settings::SETTINGS_MAX,
            max_events: 1_000_000,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_documents: 200,
            max_total_scalar_bytes: 8 << 20,
        },
    }
}

/// JSON without the comments many programs allow in it (`// …`, `/* … */`); every other byte keeps its place. YAML has
/// comments of its own, and is left as it is.
fn without_comments(text: &str) -> Cow<'_, str> {
    let start = text.trim_start();
    let is_json =
        start.starts_with(['{', '[']) || start.starts_with("/*") || start.starts_with("//");
    if !is_json || !(text.contains("//") || text.contains("/*")) {
        return Cow::Borrowed(text);
    }
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = match (byte, rest.get(1)) {
            (b'"', _) => quoted(rest),
            (b'/', Some(b'/')) => blank(&mut bytes, at, |rest| memchr::memchr(b'\n', rest)),
            (b'/', Some(b'*')) => blank(&mut bytes, at, |rest| {
                memchr::memmem::find(rest.get(2..)?, b"*/").map(|end| end + 4)
            }),
            _ => 1,
        };
        at += length;
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// The length of the text in quotes that begins `rest`.
fn quoted(rest: &[u8]) -> usize {
    let mut escaped = true;
    let end = rest.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    end.map_or(rest.len(), |end| end + 1).max(1)
}

/// Makes a comment white, but for the ends of its lines; gives its length.
fn blank(bytes: &mut [u8], at: usize, end: impl Fn(&[u8]) -> Option<usize>) -> usize {
    let rest = bytes.get_mut(at..).unwrap_or_default();
    let length = end(rest).unwrap_or(rest.len());
    for byte in rest.iter_mut().take(length).filter(|b| **b != b'\n') {
        *byte = b' ';
    }
    length.max(1)
}

/// YAML and JSON; several documents in one file; aliases and sizes within the parser's budget.
pub(super) fn yaml(text: &str) -> Settings {
    let text = &*without_comments(text);
    let mut settings = Settings::default();
    if nests_too_deep(text) {
        settings.partial = true;
        return settings;
    }
    let options = options();
    match serde_saphyr::from_multiple_with_options::<Spanned<Node>>(text, options) {
        Ok(documents) => {
            // Lines of another form are one long text to YAML, and no setting.
            settings.partial = documents.iter().any(is_text);
            let active = documents.iter().find_map(|d| scalar(d, ACTIVE_PROFILE));
            let counts = |d: &&Spanned<Node>| counts(d, active) && !is_text(d);
            for document in documents.iter().filter(counts) {
                yaml_node(
                    &mut settings,
                    &At {
                        section: "",
                        group: 0,
                        key: "",
                        line: 1,
                        depth: 0,
                    },
                    document,
                );
            }
        }
        Err(_) => settings.partial = true,
    }
    settings
}

/// True for a document of several words that is no tree at all.
fn is_text(document: &Spanned<Node>) -> bool {
    matches!(&document.value, Node::Scalar(text) if text.trim().contains(char::is_whitespace))
}

/// A document as a tree of texts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Tree {
    Scalar(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

/// The first document of YAML or JSON as a tree.
pub(crate) fn tree_value(text: &str) -> Option<Tree> {
    fn plain(node: Spanned<Node>) -> Tree {
        match node.value {
            Node::Scalar(text) => Tree::Scalar(text),
            Node::List(items) => Tree::List(items.into_iter().map(plain).collect()),
            Node::Map(entries) => Tree::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| (key, plain(value)))
                    .collect(),
            ),
        }
    }
    if nests_too_deep(text) {
        return None;
    }
    let documents = serde_saphyr::from_multiple_with_options::<Spanned<Node>>(text, options());
    Some(plain(documents.ok()?.into_iter().next()?))
}

/// How Spring names the profiles that are in force, and the one a document of the file is for.
const ACTIVE_PROFILE: &[&str] = &["spring", "profiles", "active"];
const OWN_PROFILE: &[&[&str]] = &[
    &["spring", "config", "activate", "on-profile"],
    &["spring", "profiles"],
];

/// True unless the document says that it is for a profile that is not in force. Where the file does not say
/// which one is, only those people develop and test with are left out.
fn counts(document: &Spanned<Node>, active: Option<&str>) -> bool {
    let Some(own) = OWN_PROFILE.iter().find_map(|path| scalar(document, path)) else {
        return true;
    };
    let mut own = own
        .split([',', '|', ' ', '&'])
        .filter(|word| !word.is_empty());
    match active {
        Some(active) => {
            let active: Vec<&str> = active.split([',', ' ']).collect();
            own.any(|profile| profile.starts_with('!') || active.contains(&profile))
        }
        None => own.any(|profile| !crate::silence::is_for_development(profile)),
    }
}

/// The scalar at `path`, whose keys may be written as one: `spring.profiles.active`.
fn scalar<'n>(node: &'n Spanned<Node>, path: &[&str]) -> Option<&'n str> {
    match &node.value {
        Node::Scalar(text) if path.is_empty() => Some(text),
        Node::Map(entries) => entries.iter().find_map(|(key, value)| {
            (1..=path.len())
                .filter(|n| path.get(..*n).is_some_and(|head| head.join(".") == *key))
                .find_map(|n| scalar(value, path.get(n..)?))
        }),
        _ => None,
    }
}

fn yaml_node(settings: &mut Settings, at: &At<'_>, node: &Spanned<Node>) {
    let line = u32::try_from(node.referenced.line())
        .ok()
        .filter(|l| *l > 0)
        .unwrap_or(at.line);
    match &node.value {
        Node::Scalar(text) => settings.add(line, at.group, at.section, at.key, text),
        Node::List(items) => {
            for item in items {
                yaml_item(
                    settings,
                    &At {
                        line,
                        depth: at.depth + 1,
                        ..*at
                    },
                    item,
                );
            }
        }
        Node::Map(entries) => {
            let section = join(at.section, at.key);
            let group = settings.open_group();
            for (key, value) in entries {
                yaml_node(
                    settings,
                    &At {
                        section: &section,
                        group,
                        key,
                        line,
                        depth: at.depth + 1,
                    },
                    value,
                );
            }
        }
    }
}

/// An element of a list; `NAME=value` under `environment:` is a setting of its own (compose).
fn yaml_item(settings: &mut Settings, at: &At<'_>, item: &Spanned<Node>) {
    let assignment = match &item.value {
        Node::Scalar(text) if at.key == "environment" => text.split_once('='),
        _ => None,
    };
    match assignment {
        Some((name, value)) => {
            let line = u32::try_from(item.referenced.line()).unwrap_or(at.line);
            settings.add(line, at.group, &join(at.section, at.key), name, value);
        }
        None => yaml_node(settings, at, item),
    }
}

fn join(section: &str, key: &str) -> String {
    let key: String = key.chars().take(200).collect();
    match (section.is_empty(), key.is_empty()) {
        (true, _) => key,
        (_, true) => section.to_owned(),
        _ => format!("{section}/{key}"),
    }
}

/// Where the lines of a text begin.
struct LineStarts(Vec<usize>);

impl LineStarts {
    fn of(text: &str) -> Self {
        Self(
            std::iter::once(0)
                .chain(text.match_indices('\n').map(|(at, _)| at + 1))
                .collect(),
        )
    }

    fn line(&self, offset: usize) -> u32 {
        u32::try_from(self.0.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }
}

/// Any YAML, scalars as text.
enum Node {
    Scalar(String),
    List(Vec<Spanned<Self>>),
    Map(Vec<(String, Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyNode)
    }
}

struct AnyNode;

macro_rules! scalars {
    ($($visit:ident: $type:ty),*) => {
        $(fn $visit<E>(self, value: $type) -> Result<Node, E> {
            Ok(Node::Scalar(value.to_string()))
        })*
    };
}

impl<'de> Visitor<'de> for AnyNode {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML")
    }

    scalars!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_i128: i128, visit_u128: u128, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(String::new()))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(String::new()))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut out = Vec::new();
        while let Some(item) = items.next_element()? {
            out.push(item);
        }
        Ok(Node::List(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut out = Vec::new();
        while let Some(key) = entries.next_key::<Self::Value>()? {
            let value = entries.next_value()?;
            if let Node::Scalar(key) = key {
                out.push((key, value));
            }
        }
        Ok(Node::Map(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(settings: &Settings) -> Vec<String> {
        settings
            .all
            .iter()
            .map(|s| format!("{} {} {}={}", s.line, s.section, s.key, s.value))
            .collect()
    }

    #[test]
    fn a_yaml_tree_keeps_lines_and_sections() {
        let settings =
            yaml("a:\n  b:\n    host: db1\n    port: 5432\n    on: no\nlist:\n  - x\n  - y\n");
        assert_eq!(
            shown(&settings),
            [
                "3 a/b host=db1",
                "4 a/b port=5432",
                "5 a/b on=no",
                "7  list=x",
                "8  list=y"
            ]
        );
        assert_eq!(settings.all[0].group, settings.all[1].group);
    }

    #[test]
    fn a_document_for_another_profile_says_nothing() {
        let text = "spring:\n  profiles:\n    active: prod\na: 1\n---\nspring.config.activate.on-profile: dev\nb: 2\n---\nspring:\n  config:\n    activate:\n      on-profile: prod\nc: 3\n";
        let found = yaml(text);
        let keys: Vec<&str> = found.all.iter().map(|s| s.key.as_str()).collect();
        assert!(
            keys.contains(&"a") && keys.contains(&"c") && !keys.contains(&"b"),
            "{keys:?}"
        );
        let alone = yaml(
            "a: 1\n---\nspring:\n  profiles: test\nb: 2\n---\nspring:\n  profiles: house\nc: 3\n",
        );
        let keys: Vec<&str> = alone.all.iter().map(|s| s.key.as_str()).collect();
        assert!(!keys.contains(&"b") && keys.contains(&"c"), "{keys:?}");
    }

    #[test]
    fn compose_lists_are_assignments() {
        let settings = yaml("services:\n  app:\n    environment:\n      - DB_HOST=db1\n");
        assert_eq!(shown(&settings), ["4 services/app/environment DB_HOST=db1"]);
    }

    #[test]
    fn json_is_read_with_lines() {
        assert_eq!(
            shown(&yaml("{\n\t\"a\": {\n\t\t\"url\": \"http://x/\"\n\t}\n}\n")),
            ["3 a url=http://x/"]
        );
    }

    #[test]
    fn json_with_comments_is_read_and_what_is_in_quotes_stays() {
        let text = "/* a\n {\"no\": 1} */\n{ // http\n \"url\": \"http://x/*y*/\", /* \"old\": \"z\", */\n \"q\": \"\\\"//\"\n}\n";
        assert_eq!(shown(&yaml(text)), ["4  url=http://x/*y*/", "5  q=\"//"]);
        assert_eq!(shown(&yaml("a: b //c\n")), ["1  a=b //c"]);
    }

    #[test]
    fn a_toml_tree_keeps_lines_and_sections() {
        let settings =
            toml("[[outputs.http]]\nurl = \"http://x\"\nurls = [\n  \"a\",\n  \"b\",\n]\n");
        assert_eq!(
            shown(&settings),
            [
                "2 outputs/http url=http://x",
                "4 outputs/http urls=a",
                "5 outputs/http urls=b"
            ]
        );
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for n in 1..12 {
            let before = n - 1;
            text.push_str(&format!(
                "a{n}: &a{n} [{}]\n",
                vec![format!("*a{before}"); 9].join(", ")
            ));
        }
        assert!(yaml(&text).partial);
    }
}
