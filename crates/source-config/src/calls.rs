//! Sections nothing selects in their own file, called by name from another one: `psql service=erp`,
//! `msmtp -a reports`. Who calls is who needs.
//!
//! Only a machine that has such sections is searched for calls; on all others this costs nothing.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use aho_corasick::packed::Searcher;
use aho_corasick::{AhoCorasick, Span};
use groma_knowledge::rules::Rule;
use groma_model::Foreign;
use groma_model::fact::{Component, ComponentClass, Reference};
use groma_source::{Disk, EntryKind};

use crate::apply::{Place, references};
use crate::format::{self, is_comment};
use crate::select::Selection;
use crate::settings::Setting;
use crate::silence::is_copy;
use crate::text::decode;

const FILE_MAX: u64 = 1 << 20;
const ENTRIES_MAX: usize = 2_000;
/// Sections that may be called; a machine has a handful.
const CALLED_MAX: usize = 1_000;
/// Calls one file may make.
const CALLS_MAX: usize = 64;
/// Hits of the words in one file, and those of them whose line is looked at.
const HITS_MAX: usize = 1 << 20;
const LINES_MAX: usize = 10_000;
/// How much of a long line is looked at on either side of a hit.
const REACH: usize = 1024;

/// Sections that may be called, and the words that call them.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    words: Option<AhoCorasick>,
    ends: Option<Ends>,
    called: Vec<Called>,
}

/// The last letters of the words, by which nearly every text is told apart in one vector search: many words begin as
/// much else does (`realm=`), and few end alike.
#[derive(Debug)]
struct Ends {
    search: Searcher,
    /// The words behind each ending.
    words: Vec<Vec<String>>,
}

/// Letters of an ending: as many as the vector search compares at once.
const END: usize = 3;

impl Ends {
    /// `None` where the processor has no vector search, or there are too many endings for one.
    fn of<'w>(words: impl Iterator<Item = &'w str>) -> Option<Self> {
        let mut by_end: BTreeMap<&[u8], Vec<String>> = BTreeMap::new();
        for word in words {
            let bytes = word.as_bytes();
            let end = bytes.get(bytes.len().checked_sub(END)?..)?;
            by_end.entry(end).or_default().push(word.to_owned());
        }
        Some(Self {
            search: Searcher::new(by_end.keys())?,
            words: by_end.into_values().collect(),
        })
    }

    /// True if one of the words stands in `text`.
    fn are_in(&self, text: &[u8]) -> bool {
        let mut at = 0;
        while let Some(found) = self.search.find_in(text, Span::from(at..text.len())) {
            let words = self.words.get(found.pattern().as_usize());
            let before = text.get(..found.end()).unwrap_or_default();
            let stands = |word: &String| before.ends_with(word.as_bytes());
            if words.is_some_and(|words| words.iter().any(stands)) {
                return true;
            }
            at = found.start() + 1;
        }
        false
    }
}

#[derive(Debug)]
struct Called {
    word: String,
    near: Option<String>,
    file: String,
    references: Vec<Reference>,
}

impl Calls {
    pub(crate) fn look(disk: &dyn Disk, rules: &[Rule]) -> Self {
        let mut calls = Self::default();
        for rule in rules
            .iter()
            .filter(|r| r.selected.iter().any(|s| !s.called.is_empty()))
        {
            for path in rule.files.iter().flat_map(|glob| spelt(disk, glob)) {
                calls.note(disk, rule, &path);
            }
        }
        calls.called.truncate(CALLED_MAX);
        let words = calls.called.iter().map(|called| called.word.as_str());
        if !calls.called.is_empty() {
            calls.ends = Ends::of(words.clone());
            calls.words = AhoCorasick::new(words).ok();
        }
        calls
    }

    fn note(&mut self, disk: &dyn Disk, rule: &Rule, path: &str) {
        let Ok(read) = disk.read(Path::new(path), FILE_MAX) else {
            return;
        };
        let Some(text) = decode(&read.bytes).filter(|_| !is_copy(path)) else {
            return;
        };
        let settings = format::read(rule.format, &rule.groups, &text);
        let selection = Selection::of(rule, &settings);
        let idle: HashMap<u32, &str> = settings
            .all
            .iter()
            .filter_map(|setting| Some((setting.line, selection.idle(setting)?)))
            .collect();
        let mut by_name: BTreeMap<&str, Vec<Reference>> = BTreeMap::new();
        for reference in references(rule, &settings, &nowhere(path)) {
            if let Some(name) = idle.get(&reference.line).filter(|name| !name.is_empty()) {
                by_name.entry(name).or_default().push(reference);
            }
        }
        for (name, references) in by_name {
            for selected in &rule.selected {
                self.called
                    .extend(selected.called.iter().map(|before| Called {
                        word: format!("{before}{name}"),
                        near: selected.near.clone(),
                        file: path.to_owned(),
                        references: references.clone(),
                    }));
            }
        }
    }

    /// What the file at `path` needs because it calls sections of others.
    pub(crate) fn within(
        &self,
        text: &str,
        path: &str,
        place: impl Fn() -> Place,
    ) -> Vec<Reference> {
        let Some(words) = &self.words else {
            return Vec::new();
        };
        let ends = self.ends.as_ref();
        if ends.is_some_and(|ends| !ends.are_in(text.as_bytes())) {
            return Vec::new();
        }
        let mut out = Vec::new();
        let mut looked_at = 0;
        let mut number = 1_u32;
        let mut counted = 0;
        for found in words.find_overlapping_iter(text).take(HITS_MAX) {
            let Some(called) = self.called.get(found.pattern().as_usize()) else {
                continue;
            };
            let goes_on = text
                .get(found.end()..)
                .and_then(|rest| rest.chars().next())
                .is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
            if goes_on || called.file == path {
                continue;
            }
            looked_at += 1;
            if looked_at > LINES_MAX {
                break;
            }
            let line = line_around(text, found.start());
            let near = called.near.as_ref().is_none_or(|word| line.contains(word));
            if !near || is_comment(line) {
                continue;
            }
            let passed = text.get(counted..found.start()).unwrap_or_default();
            let passed = u32::try_from(passed.matches('\n').count()).unwrap_or(u32::MAX);
            number = number.saturating_add(passed);
            counted = found.start().max(counted);
            let setting = Setting {
                line: number,
                group: 0,
                section: String::new(),
                key: called.word.clone(),
                value: String::new(),
                conditional: false,
            };
            let place = place();
            let (component, rhythm) = place.component(&setting);
            out.extend(called.references.iter().map(|reference| Reference {
                file: place.file.clone(),
                line: setting.line,
                key: setting.key.clone(),
                component: component.clone(),
                rhythm: rhythm.clone(),
                weak: false,
                ..reference.clone()
            }));
            if out.len() >= CALLS_MAX {
                break;
            }
        }
        out
    }
}

/// The line `at` stands in, of a long one the part around it.
fn line_around(text: &str, at: usize) -> &str {
    let low = text.floor_char_boundary(at.saturating_sub(REACH));
    let high = text.ceil_char_boundary(at.saturating_add(REACH));
    let before = text.get(low..at).unwrap_or_default();
    let after = text.get(at..high).unwrap_or_default();
    let start = before.rfind('\n').map_or(low, |n| low + n + 1);
    let end = after.find('\n').map_or(high, |n| at + n);
    text.get(start..end).unwrap_or_default()
}

fn nowhere(path: &str) -> Place {
    Place {
        file: Foreign::from(path),
        component: Component {
            class: ComponentClass::File,
            name: Foreign::from(path),
        },
        rhythm: None,
        is_crontab: false,
    }
}

/// The paths a glob may mean: one whole name may be `*`; a glob that leaves more open is not followed.
fn spelt(disk: &dyn Disk, glob: &str) -> Vec<String> {
    let Some((before, after)) = glob.split_once('*') else {
        return vec![glob.to_owned()];
    };
    if after.contains('*')
        || !before.ends_with('/')
        || !(after.is_empty() || after.starts_with('/'))
    {
        return Vec::new();
    }
    let listed = disk
        .list(Path::new(before), ENTRIES_MAX)
        .unwrap_or_default();
    let fits = |kind: EntryKind| after.is_empty() == matches!(kind, EntryKind::File);
    listed
        .iter()
        .filter(|entry| fits(entry.kind) || entry.kind == EntryKind::Link)
        .filter_map(|entry| Some(format!("{}{after}", entry.path.to_str()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use groma_knowledge::RULES;
    use groma_source::testing::FakeDisk;

    use super::*;

    fn calls(disk: &FakeDisk, text: &str) -> Vec<String> {
        let found = Calls::look(disk, &RULES).within(text, "/x", || nowhere("/x"));
        found
            .iter()
            .map(|r| format!("{} {} {}", r.line, r.key, r.peer))
            .collect()
    }

    #[test]
    fn a_section_called_by_name_is_needed_by_the_caller() {
        let disk = FakeDisk::new()
            .file(
                "/home/a/.pg_service.conf",
                "[erp]\nhost=db1\n[erp-old]\nhost=db2\n",
            )
            .file(
                "/root/.msmtprc",
                "account work\nhost m1\naccount home\nhost m2\naccount default : work\n",
            );
        let text = "#!/bin/sh\n# psql service=erp-old\npsql service=erp -c x\nmail | msmtp -a home\ntar -a home\n";
        assert_eq!(calls(&disk, text), ["3 service=erp db1", "4 -a home m2"]);
    }

    #[test]
    fn a_machine_without_idle_sections_is_not_searched() {
        let disk = FakeDisk::new().file("/root/.msmtprc", "account default\nhost m1\n");
        assert!(Calls::look(&disk, &RULES).words.is_none());
    }

    #[test]
    fn a_line_of_megabytes_with_a_word_on_every_byte_is_read_in_windows() {
        let disk = FakeDisk::new().file(
            "/root/.msmtprc",
            "account home\nhost m2\naccount default\nhost m1\n",
        );
        let text = format!("{}\nmail | msmtp -a home\n", "-a homex ".repeat(450_000));
        assert_eq!(calls(&disk, &text), ["2 -a home m2"]);
        let far = format!("msmtp {} -a home\n", "ä".repeat(1 << 20));
        assert!(calls(&disk, &far).is_empty());
        assert!(calls(&disk, &"-a home ".repeat(500_000)).is_empty());
    }

    #[test]
    fn sections_that_may_be_called_are_kept_in_one_order() {
        let text: String = (0..1_200)
            .map(|n| format!("[s{n:04}]\nhost=db1\n"))
            .collect();
        let disk = FakeDisk::new().file("/home/a/.pg_service.conf", text);
        let calls = Calls::look(&disk, &RULES);
        let words: Vec<&str> = calls.called.iter().map(|c| c.word.as_str()).collect();
        assert_eq!(words.first(), Some(&"service=s0000"));
        assert_eq!(words.last(), Some(&"PGSERVICE=\"s0199"));
    }

    #[test]
    fn an_address_of_mail_is_no_login_to_a_realm() {
        let text = "[libdefaults]\ndefault_realm = A.X\n[realms]\nB.X = {\nkdc = k2\n}\n";
        let disk = FakeDisk::new().file("/etc/krb5.conf", text);
        let text = "mail -s x joe@B.X\nkinit -k joe@B.X\nkrb5_realm = B.X\n";
        assert_eq!(
            calls(&disk, text),
            ["2 @B.X k2", "3 krb5_realm = B.X k2", "3 realm = B.X k2"]
        );
    }
}
