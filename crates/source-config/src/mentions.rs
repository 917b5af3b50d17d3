//! Files that count only because another one names them: a table of Postfix, an object of a monitoring.

use std::collections::BTreeMap;

use groma_knowledge::rules::{Format, Mention, Rule};

use crate::format;
use crate::glob::{any_word, matches};

/// The files that mention others, as settings.
#[derive(Debug, Default)]
pub(crate) struct Mentioners {
    settings: BTreeMap<String, Vec<(String, String)>>,
}

impl Mentioners {
    /// Reads each of them once; `text_of` gives the text of a file.
    ///
    /// A name that ends in `/*` stands for what its directory holds; all of it counts as one file.
    pub(crate) fn look(rules: &[Rule], texts_of: &dyn Fn(&str) -> Vec<String>) -> Self {
        let mut settings: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        for mention in rules.iter().filter_map(|r| r.mentioned.as_ref()) {
            for by in &mention.by {
                settings.entry(by.clone()).or_insert_with(|| {
                    let texts = texts_of(by);
                    texts
                        .iter()
                        .flat_map(|text| said_in(text, mention))
                        .collect()
                });
            }
        }
        Self { settings }
    }

    /// True if one of the files `mention` names speaks of `path`.
    pub(crate) fn is_mentioned(&self, mention: &Mention, path: &str) -> bool {
        if !mention.only.is_empty() {
            return !mention.only.iter().any(|glob| matches(glob, path))
                || self.is_listed(mention, path);
        }
        let name = path.strip_prefix("/etc/postfix/").unwrap_or(path);
        let spellings = [
            format!("{}{path}", mention.after),
            format!("{}$config_directory/{name}", mention.after),
            format!("{}${{config_directory}}/{name}", mention.after),
        ];
        let ends = |rest: &str| {
            rest.chars()
                .next()
                .is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '-' | '/'))
        };
        mention
            .by
            .iter()
            .filter_map(|by| self.settings.get(by))
            .flatten()
            .any(|(key, value)| {
                any_word(&mention.keys, key)
                    && spellings.iter().any(|s| {
                        value
                            .match_indices(s.as_str())
                            .any(|(at, m)| ends(value.get(at + m.len()..).unwrap_or_default()))
                    })
            })
    }

    /// True if a list of files and directories has `path`, or if there is no list.
    fn is_listed(&self, mention: &Mention, path: &str) -> bool {
        let mut is_list = false;
        for by in &mention.by {
            let directory = by.rsplit_once('/').map_or("", |(directory, _)| directory);
            for (key, value) in self.settings.get(by).into_iter().flatten() {
                if !any_word(&mention.keys, key) {
                    continue;
                }
                is_list = true;
                let value = listed_path(value);
                if value.is_empty() {
                    continue;
                }
                let whole = if value.starts_with('/') {
                    value.to_owned()
                } else {
                    format!("{directory}/{value}")
                };
                let below = path.strip_prefix(whole.trim_end_matches('/'));
                if below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
                    return true;
                }
            }
        }
        !is_list
    }
}

/// Keys and values of a file that mentions others.
fn said_in(text: &str, mention: &Mention) -> Vec<(String, String)> {
    if mention.only.is_empty() {
        return mentions_in(text);
    }
    let all = format::read(mention.format, &[], text).all;
    all.into_iter().map(|s| (s.key, s.value)).collect()
}

/// The path in `file:/etc/auto.home --timeout=60`: options follow it, a type may stand before it.
fn listed_path(value: &str) -> &str {
    let word = value.split_whitespace().next().unwrap_or_default();
    word.split_once(':').map_or(word, |(_, path)| path)
}

/// Parameters of main.cf; lines of master.cf under the key `-o`.
fn mentions_in(text: &str) -> Vec<(String, String)> {
    let parameters = format::read(Format::Postfix, &[], text)
        .all
        .into_iter()
        .map(|s| (s.key, s.value));
    let options = text
        .lines()
        .map(str::trim)
        .filter(|l| l.starts_with("-o "))
        .map(|l| ("-o".to_owned(), l.to_owned()));
    parameters.chain(options).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_files_and_directories_and_without_one_all_count() {
        let mention = Mention {
            by: vec!["/etc/n/n.cfg".to_owned()],
            keys: vec!["cfg_*".to_owned()],
            after: String::new(),
            only: vec!["/etc/n/objects/*".to_owned()],
            format: Format::Equals,
        };
        let listing = |text: &str| {
            let settings = format::read(Format::Equals, &[], text).all;
            let said = settings.into_iter().map(|s| (s.key, s.value)).collect();
            Mentioners {
                settings: [("/etc/n/n.cfg".to_owned(), said)].into(),
            }
        };
        let one = listing("cfg_file=objects/a.cfg\n#cfg_file=objects/b.cfg\n");
        assert!(one.is_mentioned(&mention, "/etc/n/objects/a.cfg"));
        assert!(!one.is_mentioned(&mention, "/etc/n/objects/b.cfg"));
        assert!(one.is_mentioned(&mention, "/etc/n/conf.d/c.cfg"));
        let all = listing("cfg_dir=/etc/n/objects/\n");
        assert!(all.is_mentioned(&mention, "/etc/n/objects/b.cfg"));
        assert!(listing("x=y\n").is_mentioned(&mention, "/etc/n/objects/b.cfg"));
    }

    #[test]
    fn metadata_that_a_service_provider_does_not_name_is_nobodys() {
        let rule = groma_knowledge::rules::RULES.iter();
        let rule = rule.clone().find(|rule| rule.id == "shibboleth").unwrap();
        let mention = rule.mentioned.as_ref().unwrap();
        let with = |inner: &str| {
            let text = format!(
                "<SPConfig><ApplicationDefaults entityID=\"https://sp.corp.example/sp\">{inner}</ApplicationDefaults></SPConfig>"
            );
            Mentioners::look(std::slice::from_ref(rule), &|_| vec![text.clone()])
        };
        let (kept, left) = (
            "/etc/shibboleth/idp-metadata.xml",
            "/etc/shibboleth/dfn-aai-metadata.xml",
        );
        for (inner, named) in [
            (
                "<MetadataProvider type=\"XML\" path=\"idp-metadata.xml\"/>",
                true,
            ),
            (
                "<MetadataProvider type=\"XML\" file=\"/etc/shibboleth/idp-metadata.xml\"/>",
                true,
            ),
            (
                "<MetadataProvider type=\"XML\" url=\"https://f.corp.example/idp-metadata.xml\"/>",
                false,
            ),
            ("<SSO entityID=\"https://idp.corp.example/idp\"/>", false),
        ] {
            let mentioners = with(inner);
            assert_eq!(mentioners.is_mentioned(mention, kept), named, "{inner}");
            assert!(!mentioners.is_mentioned(mention, left), "{inner}");
            assert!(mentioners.is_mentioned(mention, "/etc/shibboleth/shibboleth2.xml"));
        }
    }
}
