//! How values are written that hold names of our own knowledge: as text, and found again by it. What is kept from one look to
//! the next holds no other name of that kind, so that nobody can plant one.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, Hash};

use groma_knowledge::LOG_GRAMMARS;
use groma_knowledge::logs::{LogGrammar, Speaker};
use groma_knowledge::mail_clients::mail_reader_word;
use groma_knowledge::mail_senders::sender_word;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::session::Owner;

/// The text of such a name. Under a name of its own, so that nobody takes it for text borrowed from what is read.
pub(crate) type Text = &'static str;

/// A name of our knowledge.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Known(pub(crate) &'static str);

impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        find(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom("no name of ours"))
    }
}

/// `text`, as our knowledge has it: a grammar, its product, a tag or a kind of it, or a word of senders or readers.
fn find(text: &str) -> Option<&'static str> {
    let names = |grammar: &'static LogGrammar| {
        let speakers = grammar.speaker.iter();
        let of_speakers =
            speakers.flat_map(|speaker: &'static Speaker| [&speaker.tag, &speaker.kind]);
        [&grammar.id, &grammar.product]
            .into_iter()
            .chain(of_speakers)
            .map(String::as_str)
    };
    let mut of_grammars = LOG_GRAMMARS.iter().flat_map(names);
    let found = of_grammars.find(|name| *name == text);
    found
        .or_else(|| sender_word(text).filter(|word| *word == text))
        .or_else(|| mail_reader_word(text))
}

/// A field that is one such name.
pub(crate) mod name {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        name: &&'static str,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(name)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<&'static str, D::Error> {
        Known::deserialize(deserializer).map(|known| known.0)
    }
}

/// A field that may be one.
pub(crate) mod maybe {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        name: &Option<&'static str>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        name.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<&'static str>, D::Error> {
        let known = Option::<Known>::deserialize(deserializer)?;
        Ok(known.map(|known| known.0))
    }
}

/// A set of them.
pub(crate) mod names {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        names: &BTreeSet<&'static str>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        names.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeSet<&'static str>, D::Error> {
        let known = Vec::<Known>::deserialize(deserializer)?;
        Ok(known.into_iter().map(|known| known.0).collect())
    }
}

/// Something by such names.
pub(crate) mod keyed {
    use super::*;

    pub(crate) fn serialize<V: Serialize, S: Serializer>(
        map: &BTreeMap<&'static str, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(crate) fn deserialize<'de, V: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<&'static str, V>, D::Error> {
        let pairs = Vec::<(Known, V)>::deserialize(deserializer)?;
        Ok(pairs
            .into_iter()
            .map(|(key, value)| (key.0, value))
            .collect())
    }
}

/// A table whose keys are no text.
pub(crate) mod pairs {
    use super::*;

    pub(crate) fn serialize<K: Serialize, V: Serialize, B, S: Serializer>(
        map: &HashMap<K, V, B>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(crate) fn deserialize<'de, K, V, B, D>(
        deserializer: D,
    ) -> Result<HashMap<K, V, B>, D::Error>
    where
        K: Deserialize<'de> + Eq + Hash,
        V: Deserialize<'de>,
        B: BuildHasher + Default,
        D: Deserializer<'de>,
    {
        let pairs = Vec::<(K, V)>::deserialize(deserializer)?;
        Ok(pairs.into_iter().collect())
    }
}

impl Serialize for Owner {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.grammar.id, self.place()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Owner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (id, at) = <(Cow<'_, str>, usize)>::deserialize(deserializer)?;
        let grammar = LOG_GRAMMARS.iter().find(|grammar| grammar.id == *id);
        let owner = grammar.and_then(|grammar| {
            let speaker = grammar.speaker.get(at)?;
            Some(Self { grammar, speaker })
        });
        owner.ok_or_else(|| D::Error::custom("no speaker of ours"))
    }
}
