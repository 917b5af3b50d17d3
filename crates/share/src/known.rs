//! Which names the document knows, so that they are found again in sentences.

use std::collections::{BTreeSet, HashMap};

use crate::form::{is_host_name, split_unescaped};
use crate::words;

/// The longest name that is looked for, in words.
const WORDS_MAX: usize = 8;

/// Names of the document, in lower case and with single blanks, each with the kind of thing it is called in a pseudonym.
#[derive(Default, Debug)]
pub(crate) struct Known {
    kinds: HashMap<String, &'static str>,
    /// How many words the longest name has that begins with this one.
    words: HashMap<String, usize>,
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

    /// The name of a home: whose it is.
    pub(crate) fn learn_path(&mut self, path: &str, both: &mut Both) {
        let mut parts = path.split(['/', '\\']);
        while let Some(part) = parts.next() {
            if matches!(part.to_lowercase().as_str(), "home" | "homes" | "users")
                && let Some(user) = parts.next()
            {
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
