//! The truth of the lab: every dependency there is, and what only looks like one.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use super::place::{Place, Places};
use super::{Unreadable, text_of};

/// One `expected*.toml` as it is written.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    dependency: Vec<WrittenEntry>,
    #[serde(default)]
    onward: Vec<WrittenOnward>,
    #[serde(default)]
    decoy: Vec<WrittenDecoy>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct WrittenOnward {
    why: String,
    consumer: Option<String>,
    #[serde(default)]
    consumers: Vec<String>,
    through: String,
    provider: String,
    port: u16,
    transport: Option<String>,
    kind: String,
    #[serde(rename = "where")]
    place: String,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct WrittenEntry {
    why: String,
    consumer: Option<String>,
    #[serde(default)]
    consumers: Vec<String>,
    component: Option<String>,
    provider: String,
    port: Option<u16>,
    transport: Option<String>,
    kind: String,
    known_by: Vec<String>,
    hidden: Vec<String>,
    reached_by: Option<String>,
    #[serde(rename = "where", default)]
    place: String,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct WrittenDecoy {
    why: String,
    consumer: Option<String>,
    #[serde(default)]
    consumers: Vec<String>,
    provider: String,
    port: Option<u16>,
    transport: Option<String>,
    kind: Option<String>,
    /// Said for people; a decoy is judged without it.
    #[serde(rename = "component")]
    _component: Option<String>,
    #[serde(rename = "where", default)]
    place: String,
}

/// One real dependency.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is for, in one sentence.
    pub why: String,
    /// Who needs.
    pub consumer: Place,
    /// The part of it, `class:name`, where the truth tells.
    pub component: Option<String>,
    /// Who is needed.
    pub provider: Place,
    /// Port; none where nothing could know it.
    pub port: Option<u16>,
    /// `tcp` or `udp`.
    pub transport: String,
    /// Kind: a word of the registry.
    pub kind: String,
    /// Every witness that could know it in principle.
    pub known_by: Vec<String>,
    /// Why a standard inventory does not show it; empty: it does.
    pub hidden: Vec<String>,
    /// How the provider is reached, where the truth tells.
    pub reached_by: Option<String>,
    /// Where the best witness stands, as `host:path` or `wire`.
    pub place: String,
}

impl Entry {
    /// The dependency in one line that stays the same while its description is polished.
    pub fn line(&self) -> String {
        let part = self
            .component
            .as_deref()
            .map_or(String::new(), |c| format!(" ({c})"));
        format!("{}{part} {}", self.consumer.name(), self.needs())
    }

    fn needs(&self) -> String {
        needs(
            self.provider.name(),
            self.port,
            Some(&self.transport),
            &self.kind,
        )
    }

    /// True if a standard inventory does not show it.
    pub fn is_hidden(&self) -> bool {
        !self.hidden.is_empty()
    }

    /// True if the hosts themselves show it: a connection there is, or something written.
    pub fn is_shown_by_hosts(&self) -> bool {
        let shows = |witness: &String| matches!(witness.as_str(), "live" | "written");
        self.known_by.iter().any(shows)
    }

    /// The witness that knows it best: the one that stands in [`Self::place`], else the first named.
    pub fn best_witness(&self) -> &str {
        let first = self.known_by.first().map_or("nobody", String::as_str);
        let stands = if self.place.contains("/var/log/") {
            "history"
        } else if self.place.contains(":/") {
            "written"
        } else {
            first
        };
        let knows = |w: &str| self.known_by.iter().any(|k| k == w);
        if knows(stands) { stands } else { first }
    }
}

/// `needs PROVIDER:PORT/TRANSPORT for KIND`.
pub(crate) fn needs(
    provider: &str,
    port: Option<u16>,
    transport: Option<&str>,
    kind: &str,
) -> String {
    let port = match (port, transport) {
        (Some(port), Some(transport)) => format!(":{port}/{transport}"),
        (Some(port), None) => format!(":{port}"),
        (None, _) => String::new(),
    };
    format!("needs {provider}{port} for {kind}")
}

/// What stands somewhere and is no dependency.
#[derive(Clone, Debug)]
pub struct Decoy {
    /// Why it is none.
    pub why: String,
    /// Whose it would be; none: anybody's.
    pub consumer: Option<Place>,
    /// Whom it names.
    pub provider: Place,
    /// Only on this port.
    pub port: Option<u16>,
    /// Only by this transport.
    pub transport: Option<String>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Where it stands.
    pub place: String,
}

/// A need through something that stands between: the consumer calls a relay, and what the relay is configured to do makes it
/// need whoever stands behind. The two direct needs are entries of their own; this one follows from them, so it is judged apart.
#[derive(Clone, Debug)]
pub struct Onward {
    /// Consumer, provider, port, transport and kind, and where it is configured that the relay hands on.
    pub entry: Entry,
    /// What stands between.
    pub through: Place,
}

impl Onward {
    /// The need in one line.
    pub fn line(&self) -> String {
        format!("{} through {}", self.entry.line(), self.through.name())
    }
}

/// Everything the truth files say.
#[derive(Clone, Default, Debug)]
pub struct LabTruth {
    /// The dependencies.
    pub entries: Vec<Entry>,
    /// What follows of them through relays.
    pub onward: Vec<Onward>,
    /// The decoys.
    pub decoys: Vec<Decoy>,
    /// What is wrong with the truth itself: said twice, within one machine, nobody could know it.
    pub amiss: Vec<String>,
}

impl LabTruth {
    /// Reads truth files.
    pub fn read(files: &[std::path::PathBuf], places: &Places) -> Result<Self, Unreadable> {
        let mut truth = Self::default();
        for file in files {
            truth.add(&text_of(file)?, file, places)?;
        }
        truth.look_it_over();
        Ok(truth)
    }

    /// Reads the truth of one text.
    pub fn parse(text: &str, places: &Places) -> Result<Self, Unreadable> {
        let mut truth = Self::default();
        truth.add(text, Path::new("truth"), places)?;
        truth.look_it_over();
        Ok(truth)
    }

    fn add(&mut self, text: &str, file: &Path, places: &Places) -> Result<(), Unreadable> {
        let written: File = toml::from_str(text).map_err(|e| Unreadable::new(file, e))?;
        for entry in written.dependency {
            let consumers = one_or_many(entry.consumer.as_ref(), &entry.consumers);
            if consumers.is_empty() {
                let why = format!("no consumer: {}", entry.why);
                return Err(Unreadable::new(file, why));
            }
            let entries = consumers.iter().map(|c| entry_of(&entry, c, places));
            self.entries.extend(entries);
        }
        for onward in written.onward {
            let consumers = one_or_many(onward.consumer.as_ref(), &onward.consumers);
            let all = consumers.iter().map(|c| onward_of(&onward, c, places));
            self.onward.extend(all);
        }
        for decoy in written.decoy {
            let consumers = one_or_many(decoy.consumer.as_ref(), &decoy.consumers);
            if consumers.is_empty() {
                self.decoys.push(decoy_of(&decoy, None, places));
            }
            let decoys = consumers.iter().map(|c| decoy_of(&decoy, Some(c), places));
            self.decoys.extend(decoys);
        }
        Ok(())
    }

    fn look_it_over(&mut self) {
        let mut seen = BTreeSet::new();
        let mut amiss = Vec::new();
        for entry in &self.entries {
            let line = entry.line();
            if entry.consumer == entry.provider {
                amiss.push(format!("within one machine: {line}"));
            }
            if entry.known_by.is_empty() {
                amiss.push(format!("nobody could know it: {line}"));
            }
            if matches!(entry.consumer, Place::Outside(_)) {
                amiss.push(format!("the consumer is no host of the lab: {line}"));
            }
            if !seen.insert(line.clone()) {
                amiss.push(format!("said twice: {line}"));
            }
        }
        for onward in &self.onward {
            let line = onward.entry.line();
            if seen.contains(&line) || !seen.insert(onward.line()) {
                amiss.push(format!("said twice: {}", onward.line()));
            }
        }
        self.amiss = amiss;
    }

    /// The part that can be judged while only these hosts are up. What needs an absent host stays only
    /// where a file names it; everybody else who could know it is absent too.
    pub fn of(&self, up: &BTreeSet<String>) -> Self {
        let is_up = |place: &Place| matches!(place, Place::Host(name) if up.contains(name));
        let written = |e: &Entry| e.known_by.iter().any(|w| w == "written");
        let outside = |e: &Entry| matches!(e.provider, Place::Outside(_));
        let stays =
            |e: &&Entry| is_up(&e.consumer) && (is_up(&e.provider) || outside(e) || written(e));
        // What a relay does is only known while it is there.
        let leads = |o: &&Onward| is_up(&o.entry.consumer) && is_up(&o.through);
        let decoy_stays = |d: &&Decoy| d.consumer.as_ref().is_none_or(is_up);
        Self {
            entries: self.entries.iter().filter(stays).cloned().collect(),
            onward: self.onward.iter().filter(leads).cloned().collect(),
            decoys: self.decoys.iter().filter(decoy_stays).cloned().collect(),
            amiss: self.amiss.clone(),
        }
    }
}

fn one_or_many(one: Option<&String>, many: &[String]) -> Vec<String> {
    one.into_iter().chain(many).cloned().collect()
}

fn entry_of(written: &WrittenEntry, consumer: &str, places: &Places) -> Entry {
    Entry {
        why: written.why.clone(),
        consumer: places.place(consumer),
        component: written.component.clone(),
        provider: places.place(&written.provider),
        port: written.port,
        transport: written.transport.clone().unwrap_or_else(|| "tcp".into()),
        kind: written.kind.clone(),
        known_by: written.known_by.clone(),
        hidden: written.hidden.clone(),
        reached_by: written.reached_by.clone(),
        place: written.place.clone(),
    }
}

fn onward_of(written: &WrittenOnward, consumer: &str, places: &Places) -> Onward {
    Onward {
        through: places.place(&written.through),
        entry: Entry {
            why: written.why.clone(),
            consumer: places.place(consumer),
            component: None,
            provider: places.place(&written.provider),
            port: Some(written.port),
            transport: written.transport.clone().unwrap_or_else(|| "tcp".into()),
            kind: written.kind.clone(),
            known_by: Vec::new(),
            hidden: Vec::new(),
            reached_by: None,
            place: written.place.clone(),
        },
    }
}

fn decoy_of(written: &WrittenDecoy, consumer: Option<&String>, places: &Places) -> Decoy {
    Decoy {
        why: written.why.clone(),
        consumer: consumer.map(|c| places.place(c)),
        provider: places.place(&written.provider),
        port: written.port,
        transport: written.transport.clone(),
        kind: written.kind.clone(),
        place: written.place.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::{places, truth};
    use super::*;

    #[test]
    fn an_entry_of_several_consumers_is_one_dependency_each() {
        let truth = truth();
        let names: Vec<_> = truth
            .entries
            .iter()
            .filter(|e| e.kind == "dns")
            .map(|e| e.consumer.name())
            .collect();
        assert_eq!(names, ["app1", "copier1"]);
        assert!(truth.amiss.is_empty(), "{:?}", truth.amiss);
    }

    #[test]
    fn the_truth_is_looked_over_too() {
        let twice = "\
            [[dependency]]\nwhy='a'\nconsumer='app1'\nprovider='smtp'\nport=25\nkind='smtp-relay'\nknown_by=['live']\nhidden=[]\n\
            [[dependency]]\nwhy='b'\nconsumer='app1'\nprovider='oldmail'\nport=25\nkind='smtp-relay'\nknown_by=['live']\nhidden=[]\n\
            [[dependency]]\nwhy='c'\nconsumer='app1'\nprovider='10.61.1.31'\nport=25\nkind='smtp-relay'\nknown_by=[]\nhidden=[]\n";
        let truth = LabTruth::parse(twice, &places()).unwrap();
        assert_eq!(truth.amiss.len(), 3, "{:?}", truth.amiss);
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        let text = "[[dependency]]\nwhy='a'\nconsumer='app1'\nprovider='x'\nkind='dns'\nknown_by=[]\nhiden=[]\n";
        assert!(LabTruth::parse(text, &places()).is_err());
    }

    #[test]
    fn the_best_witness_is_the_one_that_stands_where_the_truth_says() {
        let truth = truth();
        let best = |why: &str| {
            let entry = truth.entries.iter().find(|e| e.why.contains(why)).unwrap();
            entry.best_witness().to_owned()
        };
        assert_eq!(best("scans"), "history");
        assert_eq!(best("orders"), "written");
        assert_eq!(best("resolver"), "live");
    }

    #[test]
    fn of_absent_providers_only_what_is_written_stays() {
        let truth = truth();
        let up = BTreeSet::from(["app1".to_owned()]);
        let kinds: Vec<_> = truth
            .of(&up)
            .entries
            .iter()
            .map(|e| e.kind.clone())
            .collect();
        assert_eq!(kinds, ["sql", "package-mirror"]);
        assert!(truth.of(&up).onward.is_empty(), "the relay is absent");
        let both = BTreeSet::from(["app1".to_owned(), "ns1".to_owned()]);
        assert_eq!(truth.of(&both).onward.len(), 1);
    }
}
