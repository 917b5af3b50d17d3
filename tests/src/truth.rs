//! What is true of the lab, and how a survey compares with it: found, missed, invented, by name.

use std::collections::BTreeMap;

use groma_model::inventory::{Dependency, Inventory};
use serde::Deserialize;

/// The truth of a lab: `expected.toml`.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// Every dependency there is.
    pub dependency: Vec<Expected>,
    /// Names that stand where nothing reads them.
    pub decoys: Decoys,
}

/// What must not become anything.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Decoys {
    /// Every decoy name contains this.
    pub contain: String,
}

/// One real dependency.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Why it stands in the lab.
    pub why: String,
    /// Address of the consumer.
    pub consumer: String,
    /// The part of it, `class:name`; a neighbour without an agent has none that could be told.
    pub component: Option<String>,
    /// Address or name of the provider.
    pub provider: String,
    /// Port.
    pub port: Option<u16>,
    /// Kind: a word of the registry.
    pub kind: String,
    /// Witnesses, all of them.
    pub witnesses: Vec<String>,
    /// Witnesses that may have been there at the right moment, or not: a clock asks every minute or so.
    #[serde(default)]
    pub perhaps: Vec<String>,
    /// Reasons for "hidden" it must carry, all of them; empty means: not hidden.
    pub hidden: Vec<String>,
    /// How it is reached, where that can be known.
    pub reached_by: Option<String>,
}

impl Expected {
    /// The dependency in one line.
    pub fn line(&self) -> String {
        let component = self.component.as_deref().unwrap_or("as a whole");
        let port = self.port.map_or(String::new(), |p| format!(":{p}"));
        format!(
            "{} ({component}) needs {}{port} for {}",
            self.consumer, self.provider, self.kind
        )
    }

    /// True if `found` is this dependency.
    pub fn is(&self, found: &Dependency, inventory: &Inventory) -> bool {
        self.kind == found.kind
            && self.port == found.provider.port.map(|p| p.0)
            && means(&self.consumer, found.consumer.entity.as_str(), inventory)
            && means(&self.provider, found.provider.entity.as_str(), inventory)
            && self
                .component
                .as_deref()
                .is_none_or(|c| c == component(found))
    }
}

/// True if `wanted` is a name or an address of the entity.
fn means(wanted: &str, entity: &str, inventory: &Inventory) -> bool {
    inventory
        .entities
        .iter()
        .filter(|e| e.id.as_str() == entity)
        .any(|e| {
            e.name.eq_ignore_ascii_case(wanted)
                || e.names.iter().any(|n| n.eq_ignore_ascii_case(wanted))
                || e.addresses.iter().any(|a| a.to_string() == wanted)
        })
}

/// `class:name` of the consumer's part.
fn component(found: &Dependency) -> String {
    let class = serde_json::to_value(found.consumer.component.class).expect("a class is a word");
    format!(
        "{}:{}",
        class.as_str().unwrap_or_default(),
        found.consumer.component.name.lossy()
    )
}

/// A found dependency in one line.
fn line(found: &Dependency) -> String {
    let port = found
        .provider
        .port
        .map_or(String::new(), |p| format!(":{}", p.0));
    format!(
        "{} ({}) needs {}{port} for {}",
        found.consumer.name,
        component(found),
        found.provider.name,
        found.kind
    )
}

impl Truth {
    /// Reads the truth.
    pub fn read(text: &str) -> Self {
        toml::from_str(text).expect("expected.toml is understood")
    }

    /// Which found dependencies are which expected ones, by index.
    pub fn matched<'a>(&'a self, inventory: &'a Inventory) -> BTreeMap<usize, Vec<&'a Dependency>> {
        self.dependency
            .iter()
            .enumerate()
            .map(|(at, expected)| {
                (
                    at,
                    inventory
                        .dependencies
                        .iter()
                        .filter(|d| expected.is(d, inventory))
                        .collect(),
                )
            })
            .collect()
    }

    /// What was not found, and what was found more than once, by name.
    pub fn missed(&self, inventory: &Inventory) -> Vec<String> {
        let mut wrong = Vec::new();
        for (at, found) in self.matched(inventory) {
            let Some(expected) = self.dependency.get(at) else {
                continue;
            };
            match found.len() {
                0 => wrong.push(format!("missed: {} — {}", expected.line(), expected.why)),
                1 => {}
                n => wrong.push(format!("found {n} times: {}", expected.line())),
            }
        }
        wrong
    }

    /// What is not there and was found all the same, by name.
    pub fn invented(&self, inventory: &Inventory) -> Vec<String> {
        inventory
            .dependencies
            .iter()
            .filter(|d| !self.dependency.iter().any(|e| e.is(d, inventory)))
            .map(|d| format!("invented: {} {:?}", line(d), d.witnesses))
            .collect()
    }
}
