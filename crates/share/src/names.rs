//! One pseudonym for one name, everywhere: a function of the key and the name alone, never of the document.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::address;
use crate::key::ShareKey;
use crate::words;

/// Letters behind the kind of thing: 40 bits, of which ten thousand names need 27 to meet by chance.
const LETTERS: usize = 8;
/// Letters of two names that met all the same.
const LETTERS_LONG: usize = 24;
/// The longest host name (RFC 1035 §2.3.4).
const HOST_NAME_MAX: usize = 253;

/// What a name was, for the owner's table.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Original {
    /// The word before the letters: `host`, `account`, `domain`, `address`.
    pub kind: String,
    /// The name in the store.
    pub name: String,
}

/// Makes pseudonyms, and keeps which stands for what.
pub(crate) struct Names<'k> {
    pub(crate) key: &'k ShareKey,
    letters: usize,
    /// Names that met another one with few letters.
    long: BTreeSet<String>,
    table: RefCell<BTreeMap<String, Original>>,
    met: RefCell<BTreeSet<String>>,
}

impl<'k> Names<'k> {
    pub(crate) fn new(key: &'k ShareKey) -> Self {
        Self::with(key, LETTERS, BTreeSet::new())
    }

    pub(crate) fn with(key: &'k ShareKey, letters: usize, long: BTreeSet<String>) -> Self {
        let (table, met) = (RefCell::default(), RefCell::default());
        Self {
            key,
            letters,
            long,
            table,
            met,
        }
    }

    /// The same with more letters for every name that met another, if any did.
    pub(crate) fn apart(&self) -> Option<Self> {
        let met = self.met.borrow();
        let fresh = met.iter().any(|name| !self.long.contains(name));
        let all = || met.union(&self.long).cloned().collect();
        fresh.then(|| Self::with(self.key, self.letters, all()))
    }

    /// Pseudonym and original, for the owner.
    pub(crate) fn into_table(self) -> BTreeMap<String, Original> {
        self.table.into_inner()
    }

    /// `kind` and letters for a name of one part, whatever its case.
    pub(crate) fn label(&self, kind: &str, name: &str) -> String {
        let lower = name.to_lowercase();
        let space = if kind == "domain" { "domain" } else { "label" };
        let is_long = self.long.contains(&lower);
        let letters = if is_long { LETTERS_LONG } else { self.letters };
        let out = format!("{kind}-{}", self.key.letters(space, &lower, letters));
        self.keep(&out, kind, name);
        out
    }

    fn keep(&self, pseudonym: &str, kind: &str, name: &str) {
        let mut table = self.table.borrow_mut();
        let Some(before) = table.get_mut(pseudonym) else {
            let original = Original {
                kind: kind.to_owned(),
                name: name.to_owned(),
            };
            table.insert(pseudonym.to_owned(), original);
            return;
        };
        if before.name.to_lowercase() != name.to_lowercase() {
            let both = [before.name.to_lowercase(), name.to_lowercase()];
            self.met.borrow_mut().extend(both);
        } else if name < before.name.as_str() {
            // The same in every order.
            name.clone_into(&mut before.name);
        }
    }

    pub(crate) fn address(&self, address: IpAddr) -> String {
        let out = address::address(self.key, address).to_string();
        self.keep(&out, "address", &address.to_string());
        out
    }

    /// A network, or an address with the length of its network's prefix.
    pub(crate) fn network(&self, address: IpAddr, length: u32) -> String {
        let out = format!("{}/{length}", address::network(self.key, address, length));
        self.keep(&out, "network", &format!("{address}/{length}"));
        out
    }

    pub(crate) fn mac(&self, mac: [u8; 6], between: char) -> String {
        let show = |mac: [u8; 6]| {
            let pairs: Vec<_> = mac.iter().map(|byte| format!("{byte:02x}")).collect();
            pairs.join(&between.to_string())
        };
        let out = show(address::mac(self.key, mac));
        self.keep(&out, "mac", &show(mac));
        out
    }

    /// A host name or domain. The last two labels become a domain of `example`; each before them a label of its own, so
    /// that what lies in one domain still does.
    pub(crate) fn host(&self, name: &str) -> String {
        let lower = name.to_lowercase();
        if words::is_everywhere(&lower) {
            return lower;
        }
        if let Some(reverse) = self.reverse(&lower) {
            return reverse;
        }
        let (dot, bare) = match lower.strip_prefix('.') {
            Some(bare) => (".", bare),
            None => ("", lower.as_str()),
        };
        let labels: Vec<&str> = bare.trim_end_matches('.').split('.').collect();
        let Some((before, [one, two])) = labels.split_last_chunk::<2>() else {
            return format!("{dot}{}", self.host_label(bare));
        };
        let domain = self.label("domain", &format!("{one}.{two}"));
        let mut out: Vec<String> = before.iter().map(|label| self.host_label(label)).collect();
        out.push(domain);
        out.push("example".to_owned());
        let mut out = out.join(".");
        if out.len() > HOST_NAME_MAX {
            let domain = self.label("domain", &format!("{one}.{two}"));
            out = format!("{}.{domain}.example", self.label("host", &before.join(".")));
        }
        self.keep(&out, "host", &lower);
        format!("{dot}{out}")
    }

    fn host_label(&self, label: &str) -> String {
        // `_ldap`, `_tcp`, `*`: words of standards.
        let standard = label.strip_prefix('_').is_some_and(words::is_plain);
        match label {
            "" | "*" => label.to_owned(),
            _ if standard => label.to_owned(),
            _ => self.label("host", label),
        }
    }

    /// A name in the tree of addresses: the address is one to be replaced like any other.
    fn reverse(&self, name: &str) -> Option<String> {
        let numbers = name.strip_suffix(".in-addr.arpa")?;
        let mut octets: Vec<u8> = numbers.rsplit('.').map_while(|n| n.parse().ok()).collect();
        let count = octets.len();
        let whole = numbers.split('.').count() == count && count <= 4;
        if !whole {
            return Some(format!("{}.in-addr.arpa", self.label("host", numbers)));
        }
        octets.resize(4, 0);
        let octets: [u8; 4] = octets.try_into().ok()?;
        let length = u32::try_from(count * 8).ok()?;
        let IpAddr::V4(mapped) = address::network(self.key, octets.into(), length) else {
            return None;
        };
        let mut shown: Vec<_> = mapped
            .octets()
            .iter()
            .take(count)
            .map(u8::to_string)
            .collect();
        shown.reverse();
        Some(format!("{}.in-addr.arpa", shown.join(".")))
    }

    /// Digits and letters of a digest, a fingerprint or an id of a machine: others, as many and in the same places.
    pub(crate) fn hex(&self, text: &str) -> String {
        let (before, digits) = match text.split_once(':') {
            Some((word, rest)) if words::is_plain(word) && word.contains(char::is_alphabetic) => {
                (format!("{word}:"), rest)
            }
            _ => (String::new(), text),
        };
        let lower = digits.to_lowercase();
        let mut fresh = self
            .key
            .hex("hex", &lower, lower.chars().count())
            .into_bytes()
            .into_iter();
        let shown = digits.chars().map(|c| match c {
            '-' | ':' => c,
            _ => fresh.next().map_or('0', char::from),
        });
        before + &shown.collect::<String>()
    }

    /// An id of the document: the same letters before, other digits behind.
    pub(crate) fn id(&self, text: &str) -> Option<String> {
        let (kind, rest) = text.split_once('-')?;
        match kind {
            "sys" => Some(format!("sys-{}", self.id(rest)?)),
            "ent" | "agt" => Some(format!("{kind}-{}", self.key.hex(kind, rest, 32))),
            "dep" | "fnd" | "evi" | "list" => {
                Some(format!("{kind}-{}", self.key.hex(kind, rest, 24)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ShareKey {
        ShareKey::new([3; 32])
    }

    #[test]
    fn names_of_one_domain_stay_in_one_domain() {
        let key = key();
        let names = Names::new(&key);
        let (one, two) = (
            names.host("mail1.corp.example"),
            names.host("WEB.corp.example."),
        );
        let domain = names.host("corp.example");
        assert!(
            one.ends_with(&format!(".{domain}")) && two.ends_with(&format!(".{domain}")),
            "{one} {two}"
        );
        assert_eq!(one.split('.').next(), Some(names.host("Mail1").as_str()));
        assert!(
            names
                .host("dc.ad.corp.example")
                .ends_with(&names.host("ad.corp.example"))
        );
        assert!(!names.host("mail1.other.example").ends_with(&domain));
    }

    #[test]
    fn words_of_standards_stay_in_a_name() {
        let key = key();
        let names = Names::new(&key);
        assert!(
            names
                .host("_ldap._tcp.corp.example")
                .starts_with("_ldap._tcp.domain-")
        );
        assert!(names.host("*.corp.example").starts_with("*.domain-"));
        assert_eq!(names.host("localhost"), "localhost");
    }

    #[test]
    fn a_reverse_name_follows_its_address() {
        let key = key();
        let names = Names::new(&key);
        let mut octets: Vec<_> = names
            .address("10.1.2.3".parse().unwrap())
            .split('.')
            .map(str::to_owned)
            .collect();
        octets.reverse();
        assert_eq!(
            names.host("3.2.1.10.in-addr.arpa"),
            format!("{}.in-addr.arpa", octets.join("."))
        );
        assert_eq!(
            names.host("2.1.10.in-addr.arpa"),
            format!(
                "{}.in-addr.arpa",
                octets.get(1..).unwrap_or_default().join(".")
            )
        );
    }

    #[test]
    fn names_that_meet_get_more_letters_whatever_came_first() {
        let key = key();
        let all: Vec<String> = (0..60).map(|n| format!("name{n}")).collect();
        let make = |order: &mut dyn Iterator<Item = &String>| {
            let mut names = Names::with(&key, 1, BTreeSet::new());
            let order: Vec<_> = order.collect();
            loop {
                let shown: BTreeMap<_, _> = order
                    .iter()
                    .map(|n| ((*n).clone(), names.label("host", n)))
                    .collect();
                match names.apart() {
                    Some(again) => names = again,
                    None => return shown,
                }
            }
        };
        let (one, two) = (make(&mut all.iter()), make(&mut all.iter().rev()));
        assert_eq!(one, two);
        assert_eq!(one.values().collect::<BTreeSet<_>>().len(), all.len());
    }

    #[test]
    fn a_name_without_end_is_still_a_host_name() {
        let key = key();
        let long = "a.".repeat(120) + "example";
        let shown = Names::new(&key).host(&long);
        assert!(groma_model::HostName::parse(&shown).is_some(), "{shown}");
    }
}
