//! What an object says of itself: values by attribute, in the room they take.
//!
//! A directory tells a hundred thousand objects with three attributes each. A map of the standard library has room for
//! eleven, whether they come or not.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Index;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Values by attribute, in the order of the attributes; each attribute once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Stated(Vec<(String, Vec<String>)>);

impl Stated {
    /// Nothing is said.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// True if nothing is said.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn place(&self, attribute: &str) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(name, _)| name.as_str().cmp(attribute))
    }

    /// The values of `attribute`, if it is there.
    pub fn get(&self, attribute: &str) -> Option<&Vec<String>> {
        let at = self.place(attribute).ok()?;
        self.0.get(at).map(|(_, values)| values)
    }

    /// True if `attribute` is there.
    pub fn contains_key(&self, attribute: &str) -> bool {
        self.place(attribute).is_ok()
    }

    /// Puts `values` in place of those `attribute` had.
    pub fn insert(&mut self, attribute: String, mut values: Vec<String>) {
        values.shrink_to_fit();
        match self.place(&attribute) {
            Ok(at) => self.0[at].1 = values,
            Err(at) => {
                self.0.reserve_exact(1);
                self.0.insert(at, (attribute, values));
            }
        }
    }

    /// Each attribute with its values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Vec<String>)> {
        self.0.iter().map(|(attribute, values)| (attribute, values))
    }
}

impl From<BTreeMap<String, Vec<String>>> for Stated {
    fn from(map: BTreeMap<String, Vec<String>>) -> Self {
        Self(map.into_iter().collect())
    }
}

impl FromIterator<(String, Vec<String>)> for Stated {
    fn from_iter<I: IntoIterator<Item = (String, Vec<String>)>>(said: I) -> Self {
        said.into_iter().collect::<BTreeMap<_, _>>().into()
    }
}

impl Index<&str> for Stated {
    type Output = Vec<String>;

    /// The values of an attribute that is there.
    fn index(&self, attribute: &str) -> &Vec<String> {
        self.get(attribute).expect("the attribute is there")
    }
}

impl Serialize for Stated {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Stated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(Self::from)
    }
}

impl JsonSchema for Stated {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Stated".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, Vec<String>>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// It is a map in everything but its room: the same order, the same JSON, the last word counts.
        #[test]
        fn it_says_what_a_map_says(said in proptest::collection::vec(("[a-d]", proptest::collection::vec("[x-z]", 0..3)), 0..8)) {
            let map: BTreeMap<String, Vec<String>> = said.iter().cloned().collect();
            let mut stated = Stated::new();
            said.iter().cloned().for_each(|(attribute, values)| stated.insert(attribute, values));
            prop_assert!(stated.iter().eq(map.iter()));
            prop_assert_eq!(&stated, &said.into_iter().collect());
            let text = serde_json::to_string(&stated).unwrap();
            prop_assert_eq!(&text, &serde_json::to_string(&map).unwrap());
            prop_assert_eq!(serde_json::from_str::<Stated>(&text).unwrap(), stated);
        }
    }
}
