//! Which names the document knows, so that they are found again in sentences.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::form::{is_host_name, split_unescaped};
use crate::path;
use crate::words;

/// The longest name that is looked for, in words.
const WORDS_MAX: usize = 8;

/// Names of the document, in lower case and with single blanks, each with the kind of thing it is called in a pseudonym.
#[derive(Default, Debug)]
pub(crate) struct Known {
    kinds: HashMap<String, &'static str>,
    /// How many words the longest name has that begins with this one.
    words: HashMap<String, usize>,
    /// Persons, and what they are called that is a word only by chance.
    persons: HashSet<String>,
    /// Names that are words of the vocabulary too, by the id of what they are told of.
    told_of: HashMap<String, BTreeSet<String>>,
}

/// Names that are words too, met in one row of the document.
pub(crate) type Both = BTreeSet<String>;

impl Known {
    /// Takes up a name that stands where names of this kind stand; names that are words too are added to `both`.
    pub(crate) fn learn(&mut self, kind: &'static str, text: &str, both: &mut Both) {
        let text = text.trim();
        if text.len() > 512 {
            return;
        }
        self.take(kind, text, both);
        if kind == "person" {
            self.learn_person(text);
        }
        if let Some((local, domain)) = text.rsplit_once('@') {
            self.take("account", local, both);
            self.learn_host(domain, both);
        } else if let Some((domain, user)) = text.split_once('\\') {
            self.take("domain", domain, both);
            self.take("account", user, both);
        } else if text.contains('=') {
            for part in split_unescaped(text, ',') {
                let value = part.split_once('=').map_or("", |(_, value)| value);
                self.take("name", value, both);
            }
        } else if !matches!(kind, "account" | "person") {
            self.learn_host(text, both);
        }
    }

    /// A person as a whole, and each word of the name. A word of the vocabulary in it is looked for in what others told; a
    /// first name that is one (`Grant`) everywhere.
    fn learn_person(&mut self, text: &str) {
        let whole = normal(text);
        if self.kinds.contains_key(&whole) && !words::is_common_account(&whole) {
            self.persons.insert(whole.clone());
        }
        let (local, _) = whole.rsplit_once('@').unwrap_or((&whole, ""));
        let local = local.rsplit('\\').next().unwrap_or(local);
        for word in local.split(|c: char| !c.is_alphanumeric()) {
            self.take("person", word, &mut Both::new());
            if words::is_given_name(word) {
                self.persons.insert(word.to_owned());
            }
        }
    }

    /// The name of a home or of a mailbox's file: whose it is.
    pub(crate) fn learn_path(&mut self, path: &str, both: &mut Both) {
        let (path, _) = path::with_line(path);
        let parts: Vec<&str> = path.split(['/', '\\']).collect();
        for (user, is_account) in parts.iter().zip(path::accounts(&parts)) {
            if is_account {
                self.take("account", user, both);
            }
        }
    }

    fn learn_host(&mut self, text: &str, both: &mut Both) {
        let bare = text
            .split([':', '/'])
            .next()
            .unwrap_or(text)
            .trim_end_matches('.');
        if !bare.contains('.') || !is_host_name(bare) {
            return;
        }
        self.take("host", bare, both);
        let labels: Vec<&str> = bare.split('.').collect();
        if let Some((before, [domain, _])) = labels.split_last_chunk::<2>() {
            self.take("domain", domain, both);
            before
                .iter()
                .for_each(|label| self.take("host", label, both));
        }
    }

    fn take(&mut self, kind: &'static str, text: &str, both: &mut Both) {
        let name = normal(text);
        let is_number = name.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        // `see 4711`: only in what others told.
        let is_number = is_number && (kind != "change" || name.contains('.'));
        let count = name.split(' ').count();
        let small = words::is_small(&name) || words::is_everywhere(&name);
        let common = words::is_common_account(&name) && kind == "account";
        if name.chars().count() < 2 || is_number || count > WORDS_MAX || small || common {
            return;
        }
        if words::is_both(&name) {
            both.insert(name.clone());
        }
        let first = name.split(' ').next().unwrap_or_default();
        if let Some(longest) = self.words.get_mut(first) {
            *longest = count.max(*longest);
        } else {
            self.words.insert(first.to_owned(), count);
        }
        // One name may be of several kinds: the least word, so that no order counts.
        self.kinds
            .entry(name)
            .and_modify(|before| *before = kind.min(before))
            .or_insert(kind);
    }

    /// Keeps that these names, which are words too, are told of these ids.
    pub(crate) fn tell(&mut self, ids: &BTreeSet<String>, both: &Both) {
        if both.is_empty() {
            return;
        }
        for id in ids {
            self.told_of
                .entry(id.clone())
                .or_default()
                .extend(both.iter().cloned());
        }
    }

    /// The names, words too, that are meant where these ids are spoken of.
    pub(crate) fn meant(&self, ids: &BTreeSet<String>) -> Both {
        if self.told_of.is_empty() {
            return Both::new();
        }
        ids.iter()
            .filter_map(|id| self.told_of.get(id))
            .flatten()
            .cloned()
            .collect()
    }

    /// The kind of a name, in the form [`normal`] gives it.
    pub(crate) fn kind(&self, name: &str) -> Option<&'static str> {
        self.kinds.get(name).copied()
    }

    /// True for a name of a person: it is one also where it could be a word.
    pub(crate) fn is_never_a_word(&self, name: &str) -> bool {
        self.persons.contains(name)
    }

    /// How many words the longest name has that begins with `word`.
    pub(crate) fn longest(&self, word: &str) -> usize {
        self.words.get(word).copied().unwrap_or(0)
    }

    /// Every name, for tests.
    #[cfg(test)]
    pub(crate) fn all(&self) -> std::collections::BTreeMap<&str, &'static str> {
        self.kinds
            .iter()
            .map(|(name, kind)| (name.as_str(), *kind))
            .collect()
    }
}

/// A name as it is looked for.
pub(crate) fn normal(text: &str) -> String {
    let words: Vec<&str> = text
        .split(crate::text::is_gap)
        .filter(|w| !w.is_empty())
        .collect();
    words.join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_known_by_every_part_of_the_name() {
        let mut known = Known::default();
        known.learn("person", "Dr. Grant Price-Müller (IT)", &mut Both::new());
        known.learn("person", "otto.quux@corp.example", &mut Both::new());
        for name in ["grant", "price", "müller", "otto", "quux"] {
            assert_eq!(known.kind(name), Some("person"), "{name}");
        }
        assert!(known.is_never_a_word("grant") && !known.is_never_a_word("price"));
        // Accounts of every system are nobody's names.
        known.learn("person", "root", &mut Both::new());
        assert!(!known.is_never_a_word("root"));
    }

    #[test]
    fn whose_mailbox_it_is_is_learnt() {
        let (mut known, mut both) = (Known::default(), Both::new());
        for path in [
            "/var/mail/max",
            "/var/vmail/price/cur",
            "/var/spool/mail/grant:12",
            "/etc/mail/sendmail.cf",
            "/home/karl/x",
        ] {
            known.learn_path(path, &mut both);
        }
        let all: Vec<_> = known.all().into_keys().collect();
        assert_eq!(all, ["grant", "karl", "max", "price"]);
    }

    #[test]
    fn a_change_of_digits_is_a_name_and_other_numbers_are_none() {
        let (mut known, mut both) = (Known::default(), Both::new());
        known.learn("change", "4711", &mut both);
        known.learn("host", "4712", &mut both);
        assert_eq!(known.kind("4711"), Some("change"));
        assert_eq!(known.kind("4712"), None);
    }
}
