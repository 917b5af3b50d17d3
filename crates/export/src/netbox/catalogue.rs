//! Names and slugs as NetBox takes them: unique whatever their case, within their length, of the letters allowed.

use std::collections::BTreeMap;

use crate::object::Object;
use crate::view::{mark, plain_word};
use crate::visible::{cut, visible};

/// Longest name and slug of most objects.
const LONGEST: usize = 100;

/// The name and the slug of one object.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) slug: String,
}

/// Objects of one sort by a key of ours. Who shares a name or a slug with another one gets a mark of its key.
#[derive(Default)]
pub(super) struct Catalogue(BTreeMap<String, Named>);

impl Catalogue {
    /// Of keys with what each is called, with names of the usual length.
    pub(super) fn of(called: BTreeMap<String, String>) -> Self {
        Self::within(LONGEST, called)
    }

    /// The same with names of at most `length` characters.
    pub(super) fn within(length: usize, called: BTreeMap<String, String>) -> Self {
        let named = |(key, name): (&String, &String)| {
            let name = visible(name);
            let name = if name.trim().is_empty() {
                visible(key)
            } else {
                name
            };
            let plain: String = plain_word(&name, '-').chars().take(LONGEST).collect();
            (
                key.clone(),
                Named {
                    name: cut(name.trim(), length),
                    slug: plain,
                },
            )
        };
        let mut all: BTreeMap<String, Named> = called.iter().map(named).collect();
        let mut names = BTreeMap::new();
        let mut slugs = BTreeMap::new();
        for named in all.values() {
            *names.entry(named.name.to_lowercase()).or_insert(0) += 1;
            *slugs.entry(named.slug.clone()).or_insert(0) += 1;
        }
        for (key, named) in &mut all {
            if names.get(&named.name.to_lowercase()) != Some(&1) {
                named.name = format!(
                    "{} {}",
                    cut(&named.name, length.saturating_sub(9)),
                    mark(key)
                );
            }
            if named.slug.is_empty() || slugs.get(&named.slug) != Some(&1) {
                let kept: String = named.slug.chars().take(LONGEST - 9).collect();
                let kept = if kept.is_empty() { "x" } else { &kept };
                named.slug = format!("{kept}-{}", mark(key));
            }
        }
        Self(all)
    }

    pub(super) fn named(&self, key: &str) -> Option<&Named> {
        self.0.get(key)
    }

    /// How other objects name this one.
    pub(super) fn by_slug(&self, key: &str) -> Option<Object> {
        self.named(key)
            .map(|named| Object::default().text("slug", &named.slug))
    }

    /// The same where the name is called a model, as device types have it.
    pub(super) fn types(&self) -> impl Iterator<Item = Object> + '_ {
        let of = |named: &Named| {
            Object::default()
                .text("model", &named.name)
                .text("slug", &named.slug)
        };
        self.0.values().map(of)
    }

    pub(super) fn objects(&self) -> impl Iterator<Item = Object> + '_ {
        let of = |named: &Named| {
            Object::default()
                .text("name", &named.name)
                .text("slug", &named.slug)
        };
        self.0.values().map(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue(names: &[&str]) -> Vec<(String, String)> {
        let called = names
            .iter()
            .enumerate()
            .map(|(n, name)| (format!("k{n}"), (*name).to_owned()));
        let made = Catalogue::of(called.collect());
        made.0
            .into_values()
            .map(|named| (named.name, named.slug))
            .collect()
    }

    #[test]
    fn names_that_differ_by_case_or_script_alone_get_a_mark() {
        let made = catalogue(&["Dublin", "DUBLIN", "Дублин", "Cork (East)"]);
        assert!(
            made[0].0.starts_with("Dublin ") && made[1].0.starts_with("DUBLIN "),
            "{made:?}"
        );
        assert_ne!(made[0].1, made[1].1);
        assert!(
            made[2].0 == "Дублин" && made[2].1.starts_with("x-"),
            "{made:?}"
        );
        assert_eq!(made[3], ("Cork (East)".to_owned(), "cork-east".to_owned()));
    }

    #[test]
    fn nothing_is_longer_than_it_may_be() {
        let long = "a".repeat(500);
        for (name, slug) in catalogue(&[&long, &format!("{long}b"), "short"]) {
            assert!(
                name.chars().count() <= 100 && slug.len() <= 100,
                "{name} {slug}"
            );
        }
    }
}
