//! Who is meant: the machines of the lab by every name and address they have, and everything outside it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;

use serde::Deserialize;

use super::{Unreadable, text_of};

/// A machine of the lab, or a name or address that is none of them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Place {
    /// A host of the lab, by the name of its folder.
    Host(String),
    /// Anything else, as it was written.
    Outside(String),
}

impl Place {
    /// The name a person knows it by.
    pub fn name(&self) -> &str {
        match self {
            Self::Host(name) | Self::Outside(name) => name,
        }
    }
}

/// The aliases and domains of the lab, and which names mean the same machine outside: `score/names.toml`.
#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields)]
pub struct Roster {
    /// Domains a short name may be completed with.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Alias → host.
    #[serde(default)]
    pub aliases: BTreeMap<String, String>,
    /// Name → address of machines that are gone: both mean the same.
    #[serde(default)]
    pub gone: BTreeMap<String, IpAddr>,
}

/// Every name and address of the lab, and whose it is.
#[derive(Default, Debug)]
pub struct Places {
    domains: Vec<String>,
    /// Name in lower case → host.
    names: BTreeMap<String, String>,
    addresses: BTreeMap<IpAddr, String>,
    hosts: BTreeSet<String>,
    slice: BTreeSet<String>,
    without_agent: BTreeSet<String>,
    /// Name in every form → address of machines that are gone.
    gone: BTreeMap<String, String>,
}

impl Places {
    /// An empty lab with these domains and aliases.
    pub fn new(roster: &Roster) -> Self {
        let mut places = Self {
            domains: roster.domains.iter().map(|d| plain(d)).collect(),
            ..Self::default()
        };
        for (alias, host) in &roster.aliases {
            places.add_name(alias, host);
        }
        for (name, address) in &roster.gone {
            for form in places.forms(name) {
                places.gone.insert(form, address.to_string());
            }
        }
        places
    }

    /// Reads `score/names.toml` and every `HOST/host.toml` below `folder`.
    pub fn read(roster: &Path, folder: &Path) -> Result<Self, Unreadable> {
        let roster: Roster =
            toml::from_str(&text_of(roster)?).map_err(|e| Unreadable::new(roster, e))?;
        let mut places = Self::new(&roster);
        let entries = std::fs::read_dir(folder).map_err(|e| Unreadable::new(folder, e))?;
        for entry in entries.flatten() {
            let file = entry.path().join("host.toml");
            if file.is_file() {
                let table: toml::Table =
                    toml::from_str(&text_of(&file)?).map_err(|e| Unreadable::new(&file, e))?;
                places.add_host(&entry.file_name().to_string_lossy(), &table);
            }
        }
        Ok(places)
    }

    /// Adds one host as its `host.toml` describes it: every key that begins with
    /// `address`, also those of its `legs`, and `names`.
    pub fn add_host(&mut self, host: &str, table: &toml::Table) {
        self.hosts.insert(host.to_owned());
        self.add_name(host, host);
        self.add_ends(host, table);
        let says = |key: &str| table.get(key).and_then(toml::Value::as_bool);
        if says("slice") == Some(true) {
            self.slice.insert(host.to_owned());
        }
        if says("agent") == Some(false) {
            self.without_agent.insert(host.to_owned());
        }
    }

    fn add_ends(&mut self, host: &str, table: &toml::Table) {
        for (key, value) in table {
            for text in strings(value) {
                if key.starts_with("address") {
                    self.add_address(&text, host);
                } else if key == "names" {
                    self.add_name(&text, host);
                }
            }
            let legs = value.as_array().filter(|_| key == "legs");
            for leg in legs.into_iter().flatten() {
                if let Some(leg) = leg.as_table() {
                    self.add_ends(host, leg);
                }
            }
        }
    }

    fn add_address(&mut self, text: &str, host: &str) {
        let bare = text.split('/').next().unwrap_or_default();
        if let Ok(address) = bare.parse::<IpAddr>() {
            self.addresses
                .insert(address.to_canonical(), host.to_owned());
        }
    }

    fn add_name(&mut self, name: &str, host: &str) {
        for form in self.forms(name) {
            self.names.entry(form).or_insert_with(|| host.to_owned());
        }
    }

    /// A name in all its forms: as it is, without a domain of the lab, and with each of them where it has none.
    fn forms(&self, name: &str) -> BTreeSet<String> {
        let name = plain(name);
        let mut forms = BTreeSet::from([name.clone()]);
        for domain in &self.domains {
            if let Some(short) = name.strip_suffix(&format!(".{domain}")) {
                forms.insert(short.to_owned());
            }
            if !name.contains('.') && name.parse::<IpAddr>().is_err() {
                forms.insert(format!("{name}.{domain}"));
            }
        }
        forms
    }

    /// The host that has this name or address.
    pub fn host(&self, text: &str) -> Option<&str> {
        let text = plain(text);
        if let Ok(address) = text.parse::<IpAddr>() {
            return self.by_address(&address);
        }
        let forms = self.forms(&text);
        forms
            .iter()
            .find_map(|form| self.names.get(form))
            .map(String::as_str)
    }

    /// The host that has this address.
    pub fn by_address(&self, address: &IpAddr) -> Option<&str> {
        self.addresses
            .get(&address.to_canonical())
            .map(String::as_str)
    }

    /// Whom `text` means.
    pub fn place(&self, text: &str) -> Place {
        match self.host(text) {
            Some(host) => Place::Host(host.to_owned()),
            None => Place::Outside(plain(text)),
        }
    }

    /// True if two things outside the lab are called the same.
    pub fn same_outside(&self, one: &str, other: &str) -> bool {
        let all = |name: &str| {
            let mut forms = self.forms(name);
            let gone: Vec<String> = forms
                .iter()
                .filter_map(|f| self.gone.get(f).cloned())
                .collect();
            forms.extend(gone);
            forms
        };
        all(one).intersection(&all(other)).next().is_some()
    }

    /// The hosts of the fast slice.
    pub fn slice(&self) -> &BTreeSet<String> {
        &self.slice
    }

    /// Every host.
    pub fn hosts(&self) -> &BTreeSet<String> {
        &self.hosts
    }

    /// True if this host takes no agent.
    pub fn is_without_agent(&self, host: &str) -> bool {
        self.without_agent.contains(host)
    }
}

/// Lower case, without a final dot or brackets; an address in its shortest form.
fn plain(name: &str) -> String {
    let name = name.trim().trim_end_matches('.').to_lowercase();
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => name,
    }
}

/// The strings of a value that is one or a list of them.
fn strings(value: &toml::Value) -> Vec<String> {
    match value {
        toml::Value::String(text) => vec![text.clone()],
        toml::Value::Array(list) => list.iter().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::places;
    use super::*;

    #[test]
    fn a_host_is_known_by_every_name_and_address_it_has() {
        let places = places();
        for text in [
            "oldmail",
            "OLDMAIL.kontor.example.",
            "smtp",
            "smtp.kontor.example",
            "10.61.1.21",
            "::ffff:10.61.1.21",
            "fd61:1:0::21",
            "relay-2009",
        ] {
            assert_eq!(places.host(text), Some("oldmail"), "{text}");
        }
    }

    #[test]
    fn a_router_has_a_leg_in_every_network() {
        let mut places = places();
        let router = "why = 'x'\n[[legs]]\naddress = '10.61.1.1'\n[[legs]]\naddress = '10.61.2.1'";
        places.add_host("gw1", &toml::from_str(router).unwrap());
        assert_eq!(places.host("10.61.2.1"), Some("gw1"));
        assert_eq!(places.host("10.61.1.1"), Some("gw1"));
    }

    #[test]
    fn what_is_no_host_stays_as_it_was_written() {
        let places = places();
        for text in ["deb.debian.org", "10.61.1.2", "oldmail.example.org", "old"] {
            assert_eq!(places.place(text), Place::Outside(text.to_owned()));
        }
        assert!(places.same_outside("gone", "GONE.kontor.example"));
        assert!(!places.same_outside("gone", "gone.example.org"));
        assert!(places.same_outside("nas-alt", "10.61.1.98"));
        assert!(!places.same_outside("nas-alt.example.org", "10.61.1.98"));
    }
}
