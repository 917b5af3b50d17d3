//! Names kept once: domains, accounts and what clients call themselves, each as a small number.

use std::num::NonZeroU32;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::quick::QuickMap;
use crate::word::Word;

/// Different names that are kept, and as many accounts beside them; a stranger can make up as many names as it likes.
const NAMES_MAX: usize = 65_536;

/// A name, as a number in one [`Names`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(crate) struct Name(NonZeroU32);

impl Name {
    /// The name that is kept `at` this place.
    fn at(at: usize) -> Option<Self> {
        let number = u32::try_from(at).ok()?.checked_add(1)?;
        NonZeroU32::new(number).map(Self)
    }

    /// As a number, which no other name has.
    pub(crate) fn bits(self) -> u32 {
        self.0.get()
    }
}

/// Every name met so far.
#[derive(Debug, Default)]
pub(crate) struct Names {
    numbers: QuickMap<Box<str>, Name>,
    texts: Vec<Box<str>>,
    /// How many of them are accounts.
    accounts: usize,
    /// Names that had no room.
    pub(crate) left_out: u64,
    /// The domain asked for last: neighbouring lines share it.
    last: Option<Name>,
}

impl Names {
    /// The number of `text`; `None` if there is no room for another.
    pub(crate) fn number(&mut self, text: &str) -> Option<Name> {
        if let Some(known) = self.numbers.get(text) {
            return Some(*known);
        }
        if self.texts.len() - self.accounts >= NAMES_MAX {
            self.left_out += 1;
            return None;
        }
        self.keep(text)
    }

    /// The same of an account: other names do not use up its room.
    pub(crate) fn number_of_account(&mut self, text: &str) -> Option<Name> {
        if let Some(known) = self.numbers.get(text) {
            return Some(*known);
        }
        if self.accounts >= NAMES_MAX {
            self.left_out += 1;
            return None;
        }
        self.accounts += 1;
        self.keep(text)
    }

    fn keep(&mut self, text: &str) -> Option<Name> {
        let name = Name::at(self.texts.len())?;
        self.texts.push(text.into());
        self.numbers.insert(text.into(), name);
        Some(name)
    }

    /// The same in lower case: names of hosts and domains are written as people like.
    pub(crate) fn number_of_lower(&mut self, text: &str) -> Option<Name> {
        if let Some(last) = self.last.filter(|last| self.text(*last) == text) {
            return Some(last);
        }
        let found = match text.bytes().any(|b| b.is_ascii_uppercase()) {
            true => self.number(&text.to_ascii_lowercase()),
            false => self.number(text),
        };
        self.last = found;
        found
    }

    /// The number of a word of a protocol, for which there is room as there is for an account.
    pub(crate) fn number_of_word(&mut self, word: Option<Word>) -> Option<Name> {
        word.and_then(|word| self.number_of_account(word.as_str()))
    }

    /// What a number stands for.
    pub(crate) fn text(&self, name: Name) -> &str {
        let at = usize::try_from(name.bits() - 1).unwrap_or(usize::MAX);
        self.texts.get(at).map_or("", |text| text)
    }
}

/// The names in order, how many of them are accounts, and how many had no room.
type Kept = (Vec<Box<str>>, usize, u64);

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.texts, self.accounts, self.left_out).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (texts, accounts, left_out) = Kept::deserialize(deserializer)?;
        let numbered = texts.iter().enumerate();
        let numbered = numbered.filter_map(|(at, text)| Some((text.clone(), Name::at(at)?)));
        Ok(Self {
            numbers: numbered.collect(),
            last: None,
            accounts: accounts.min(texts.len()),
            texts,
            left_out,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number_and_there_is_an_end_of_them() {
        let mut names = Names::default();
        let corp = names.number_of_lower("Corp.Example").unwrap();
        assert_eq!(names.number("corp.example"), Some(corp));
        assert_eq!(names.text(corp), "corp.example");
        for n in 0..NAMES_MAX {
            names.number(&n.to_string());
        }
        assert_eq!((names.number("one more"), names.left_out), (None, 2));
        assert!(names.number_of_account("svc-erp").is_some());
        assert_eq!(names.number("corp.example"), Some(corp));
    }
}
