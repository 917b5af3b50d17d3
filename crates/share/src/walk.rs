//! A row of the document, walked by its plan: names learnt first, then replaced.

use groma_model::inventory::ABOUT_WAVE;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::fields::{Decision, UNDECIDED};
use crate::grammar;
use crate::known::{Both, Known};
use crate::plan::{Plan, Plans};
use crate::text::{Mode, Reader};
use crate::words;

/// Lists of texts whose order says something. All others are sorted again: where a name stood in the alphabet is a hint.
const ORDERED: [&str; 3] = ["mitigations", "says", "through"];
/// Lists of rows that stood in the order of their names.
const SORTED: [&str; 15] = [
    "accounts",
    "units",
    "jobs",
    "containers",
    "pins",
    "mentions",
    "places",
    "used_by",
    "sightings",
    "device_says",
    "directory_objects",
    "told",
    "further_consumers",
    "sender_domains",
    "recipient_domains",
];

/// Learns the names in `value`, and the ids in it.
pub(crate) fn learn(plans: &Plans, plan: &Plan, value: &Value, known: &mut Known, row: &mut Row) {
    match (plan, value) {
        (Plan::Text(decision), Value::String(text)) => learn_text(*decision, text, known, row),
        (Plan::List(inner), Value::Array(entries)) => {
            entries
                .iter()
                .for_each(|entry| learn(plans, inner, entry, known, row));
        }
        (Plan::Map(_, inner), Value::Object(entries)) => {
            entries
                .values()
                .for_each(|entry| learn(plans, inner, entry, known, row));
        }
        (Plan::Type(number), Value::Object(entries)) => {
            for (field, entry) in entries {
                if let Some(inner) = plans.of_type(*number).and_then(|fields| fields.get(field)) {
                    learn(plans, &spoken(entries, inner), entry, known, row);
                }
            }
        }
        _ => {}
    }
}

/// The plan of a field where a person may have written the row.
fn spoken<'p>(row: &serde_json::Map<String, Value>, plan: &'p Plan) -> Cow<'p, Plan> {
    let person = row.get("origin").and_then(Value::as_str) == Some("person");
    match plan {
        Plan::Text(decision) if person => Cow::Owned(Plan::Text(decision.of_person())),
        Plan::List(inner) if person => match inner.as_ref() {
            Plan::Text(decision) => {
                Cow::Owned(Plan::List(Box::new(Plan::Text(decision.of_person()))))
            }
            _ => Cow::Borrowed(plan),
        },
        _ => Cow::Borrowed(plan),
    }
}

/// The ids in `value`.
pub(crate) fn ids(plans: &Plans, plan: &Plan, value: &Value, out: &mut BTreeSet<String>) {
    match (plan, value) {
        (Plan::Text(Decision::Id), Value::String(text)) => drop(out.insert(text.clone())),
        (Plan::List(inner), Value::Array(entries)) => {
            entries
                .iter()
                .for_each(|entry| ids(plans, inner, entry, out));
        }
        (Plan::Type(number), Value::Object(entries)) => {
            for (field, entry) in entries {
                if let Some(inner) = plans.of_type(*number).and_then(|fields| fields.get(field)) {
                    ids(plans, inner, entry, out);
                }
            }
        }
        _ => {}
    }
}

/// What one row speaks of.
#[derive(Default, Debug)]
pub(crate) struct Row {
    /// The ids in it.
    pub(crate) ids: BTreeSet<String>,
    /// The names in it that are words too.
    pub(crate) both: Both,
}

fn learn_text(decision: Decision, text: &str, known: &mut Known, row: &mut Row) {
    let both = &mut row.both;
    match decision {
        Decision::Id => {
            if let Some(name) = text.strip_prefix(ABOUT_WAVE) {
                known.learn("wave", name, both);
            }
            row.ids.insert(text.to_owned());
        }
        Decision::Path => known.learn_path(text, both),
        Decision::Program if text.contains(['/', '\\']) => known.learn_path(text, both),
        // A program that everybody knows is nobody's name.
        Decision::Program if words::is_plain(text) => {}
        Decision::Program => known.learn("program", text, both),
        Decision::Name(kind) => known.learn(kind, text, both),
        Decision::Expected => grammar::learn_expected(text, known, both),
        Decision::ClosingTold => {
            if let Some((_, name)) = grammar::closed_by(text) {
                known.learn("person", name, both);
            }
        }
        other if other.is_identifier() => known.learn("name", text, both),
        _ => {}
    }
}

/// Replaces what is in a row.
pub(crate) struct Walker<'w> {
    pub(crate) plans: &'w Plans,
    reader: &'w Reader<'w, 'w>,
    /// What was decided before: a host stands in every need of it.
    before: RefCell<HashMap<Decision, HashMap<String, String>>>,
}

impl<'w> Walker<'w> {
    pub(crate) fn new(plans: &'w Plans, reader: &'w Reader<'w, 'w>) -> Self {
        Self {
            plans,
            reader,
            before: RefCell::default(),
        }
    }

    /// Replaces every text in `value` by what is decided of it. `meant` are the names, words too, that are spoken of.
    pub(crate) fn replace(&self, field: &str, plan: &Plan, value: &mut Value, meant: &Both) {
        match (plan, &mut *value) {
            (_, Value::Null) => {}
            (Plan::Closed(_), Value::Bool(_) | Value::Number(_)) => {}
            (Plan::Closed(words), Value::String(text)) if words.contains(text) => {}
            // Pairs of numbers.
            (Plan::Closed(_), Value::Array(entries)) if entries.iter().all(Value::is_number) => {}
            (Plan::Text(decision), Value::String(text)) => {
                *text = self.decide(*decision, text, meant)
            }
            (Plan::Text(decision), Value::Object(bytes)) if is_bytes(bytes) => {
                let text = bytes
                    .get("bytes")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                *value = Value::String(self.bytes(*decision, text));
            }
            (Plan::List(inner), Value::Array(entries)) => {
                for entry in entries.iter_mut() {
                    self.replace(field, inner, entry, meant);
                }
                sort(field, inner, entries);
            }
            (Plan::Map(key, inner), Value::Object(entries)) => {
                let replaced = std::mem::take(entries)
                    .into_iter()
                    .map(|(name, mut entry)| {
                        self.replace(field, inner, &mut entry, meant);
                        (self.decide(*key, &name, meant), entry)
                    });
                *entries = each(replaced).into_iter().collect();
            }
            (Plan::Type(number), Value::Object(entries)) => {
                let fields = self.plans.of_type(*number);
                entries.retain(|name, _| fields.is_some_and(|fields| fields.contains_key(name)));
                let names: Vec<String> = entries.keys().cloned().collect();
                for name in names {
                    let inner = fields.and_then(|fields| fields.get(&name));
                    let inner = inner.map(|inner| spoken(entries, inner));
                    if let (Some(inner), Some(entry)) = (inner, entries.get_mut(&name)) {
                        self.replace(&name, &inner, entry, meant);
                    }
                }
            }
            // One variant of several, without anything in it.
            (Plan::Type(_), Value::String(word)) if words::is_plain(word) => {}
            _ => self.hide(value),
        }
    }

    /// What stands where the plan expects something else.
    fn hide(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.decide(UNDECIDED, text, &Both::new()),
            Value::Array(entries) => entries.iter_mut().for_each(|entry| self.hide(entry)),
            Value::Object(_) => *value = Value::Null,
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Text that is not UTF-8, as hexadecimal digits.
    fn bytes(&self, decision: Decision, digits: &str) -> String {
        let kind = match decision {
            Decision::Name(kind) => kind,
            _ => "bytes",
        };
        self.reader.names.label(kind, digits)
    }

    fn decide(&self, decision: Decision, text: &str, meant: &Both) -> String {
        let sentence = matches!(
            decision,
            Decision::Product
                | Decision::Text
                | Decision::Told
                | Decision::Risk
                | Decision::Closing
                | Decision::ClosingTold
        );
        if text.is_empty() {
            return String::new();
        }
        // A sentence is read by what it speaks of, and seldom stands twice.
        if sentence && (!meant.is_empty() || decision != Decision::Product) {
            return self.decide_anew(decision, text, meant);
        }
        let before = self
            .before
            .borrow()
            .get(&decision)
            .and_then(|all| all.get(text))
            .cloned();
        before.unwrap_or_else(|| {
            let fresh = self.decide_anew(decision, text, meant);
            let mut all = self.before.borrow_mut();
            all.entry(decision)
                .or_default()
                .insert(text.to_owned(), fresh.clone());
            fresh
        })
    }

    fn decide_anew(&self, decision: Decision, text: &str, meant: &Both) -> String {
        let (names, reader) = (self.reader.names, self.reader);
        match decision {
            Decision::Keep => text.to_owned(),
            Decision::Word => reader.read(Mode::Words, text, meant),
            Decision::Product => reader.read(Mode::Product, text, meant),
            Decision::Text | Decision::Risk | Decision::Closing => {
                reader.read(Mode::Text, text, meant)
            }
            Decision::Told => reader.read(Mode::Told, text, meant),
            Decision::ClosingTold => match grammar::closed_by(text) {
                Some((because, name)) => grammar::closing(
                    &reader.read(Mode::Told, because, meant),
                    &names.thing("person", name),
                ),
                None => reader.read(Mode::Told, text, meant),
            },
            Decision::Expected => grammar::expected(names, text),
            Decision::Device if is_kernels(text) => text.to_owned(),
            Decision::Device => names.label("device", text),
            // What is asked of a wave is about `wave:` and its name, and leads to the wave afterwards too.
            Decision::Id => match text.strip_prefix(ABOUT_WAVE) {
                Some(name) => ABOUT_WAVE.to_owned() + &names.thing("wave", name),
                None => names.id(text).unwrap_or_else(|| names.label("thing", text)),
            },
            Decision::Hex => names.hex(text),
            Decision::Path => names.path(text),
            Decision::Program => names.program(text),
            Decision::DistinguishedName => names
                .distinguished(text)
                .unwrap_or_else(|| names.thing("name", text)),
            Decision::Uid => names.account("account", text),
            Decision::Gone => "left out".to_owned(),
            Decision::Name(kind) => names.thing(kind, text),
        }
    }
}

/// Entries by their keys. Two keys that are the same now both stay.
fn each(entries: impl Iterator<Item = (String, Value)>) -> BTreeMap<String, Value> {
    let mut out = BTreeMap::new();
    for (key, entry) in entries {
        let mut fresh = key.clone();
        let mut count = 2;
        while out.contains_key(&fresh) {
            fresh = format!("{key} ({count})");
            count += 1;
        }
        out.insert(fresh, entry);
    }
    out
}

fn is_bytes(entries: &serde_json::Map<String, Value>) -> bool {
    entries.len() == 1 && entries.get("bytes").is_some_and(Value::is_string)
}

/// Sorts what stood in the order of names that are no more.
fn sort(field: &str, inner: &Plan, entries: &mut [Value]) {
    match inner {
        Plan::Text(_) if !ORDERED.contains(&field) => {
            entries.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
        }
        Plan::Type(_) if SORTED.contains(&field) => {
            entries.sort_by_cached_key(|entry| serde_json::to_string(entry).unwrap_or_default());
        }
        _ => {}
    }
}

/// True for a name the kernel gives to interfaces and disks: `eth0`, `enp3s0f1`, `nvme0n1`. None with a hardware address in it.
fn is_kernels(name: &str) -> bool {
    const BEGINNINGS: [&str; 36] = [
        "eth", "enp", "eno", "ens", "enx", "wlan", "wlp", "lo", "br", "bond", "team", "vlan",
        "tun", "tap", "veth", "docker", "virbr", "vmbr", "wg", "ppp", "ib", "sd", "vd", "xvd",
        "hd", "nvme", "md", "dm-", "sr", "loop", "mmcblk", "zd", "ram", "em", "net", "st",
    ];
    let rest = BEGINNINGS.iter().find_map(|begin| {
        let rest = name.strip_prefix(begin)?;
        let disk = matches!(*begin, "sd" | "vd" | "hd" | "xvd");
        let fits = |c: char| c.is_ascii_digit() || matches!(c, 'p' | 's' | 'n' | 'f' | 'd' | '.');
        let letters = if disk { 2 } else { 0 };
        (rest.is_empty()
            || rest.chars().skip(letters).all(fits)
                && rest
                    .chars()
                    .take(letters)
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
        .then_some(rest)
    });
    rest.is_some_and(|rest| rest.len() <= 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_names_are_known_and_others_are_not() {
        for name in [
            "eth0",
            "enp3s0f1",
            "lo",
            "sda",
            "sdaa1",
            "nvme0n1p2",
            "br0",
            "vlan100",
            "bond0.12",
        ] {
            assert!(is_kernels(name), "{name}");
        }
        for name in [
            "enx001122334455",
            "br-frankfurt",
            "tun-acme",
            "eth-karl",
            "sdacme",
            "berlin0",
        ] {
            assert!(!is_kernels(name), "{name}");
        }
    }
}
