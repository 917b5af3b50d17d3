//! Which of several values of one variable the program of a unit gets (systemd.exec(5)).
//!
//! A drop-in comes after the unit's own file, a later line overrules an earlier one, a later file of
//! variables overrules an earlier one, and an empty `EnvironmentFile=` takes all before it away.

use std::collections::{BTreeMap, BTreeSet};

use groma_knowledge::rules::Format;

use crate::format;
use crate::settings::{Setting, Settings};

/// Files of variables one unit may name.
const FILES_MAX: usize = 64;

/// Where a value stands.
type Spot = (String, u32);

/// Values nobody gets, and files of variables nobody reads.
#[derive(Debug, Default)]
pub(crate) struct Overruled {
    spots: BTreeMap<String, BTreeSet<(u32, String)>>,
    unread: BTreeSet<String>,
    readers: BTreeMap<String, usize>,
}

/// One active service: its own file and its drop-ins, in the order they count.
pub(crate) struct Pieces<'s> {
    pub(crate) files: Vec<(&'s str, &'s Settings)>,
}

impl Overruled {
    /// Weighs the values of all active services; `text_of` reads a file of variables.
    pub(crate) fn weigh(services: &[Pieces<'_>], text_of: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut overruled = Self::default();
        let read: Vec<Vec<String>> = services.iter().map(|s| overruled.files_of(s)).collect();
        for path in read.iter().flatten() {
            *overruled.readers.entry(path.clone()).or_default() += 1;
        }
        overruled
            .unread
            .retain(|path| !overruled.readers.contains_key(path));
        for (service, files) in services.iter().zip(&read) {
            overruled.lines_of(service);
            if files.len() > 1 {
                overruled.values_of(files, text_of);
            }
        }
        overruled
    }

    /// The files of variables a service reads, in their order.
    fn files_of(&mut self, service: &Pieces<'_>) -> Vec<String> {
        let mut files: Vec<String> = Vec::new();
        let settings = service.files.iter().flat_map(|(_, settings)| &settings.all);
        for setting in settings.filter(|s| s.key == "EnvironmentFile") {
            let path = setting.value.trim_start_matches('-');
            if path.is_empty() {
                self.unread.extend(files.drain(..));
            } else if files.len() < FILES_MAX {
                files.push(path.to_owned());
            }
        }
        files
    }

    fn lines_of(&mut self, service: &Pieces<'_>) {
        let mut last: BTreeMap<&str, Spot> = BTreeMap::new();
        for (path, settings) in &service.files {
            for setting in settings.all.iter().filter(|s| s.section == "Environment") {
                let spot = ((*path).to_owned(), setting.line);
                if let Some(before) = last.insert(&setting.key, spot) {
                    self.overrule(before, &setting.key);
                }
            }
        }
    }

    fn values_of(&mut self, files: &[String], text_of: &dyn Fn(&str) -> Option<String>) {
        let mut last: BTreeMap<String, Spot> = BTreeMap::new();
        for path in files {
            let text = text_of(path).unwrap_or_default();
            let settings = format::read(Format::Shell, &[], &text);
            for setting in settings.all.into_iter().filter(|s| s.key != "command") {
                let spot = (path.clone(), setting.line);
                // What another service reads too may be in force for that one.
                if let Some(before) = last.insert(setting.key.clone(), spot)
                    && self.readers.get(&before.0) == Some(&1)
                {
                    self.overrule(before, &setting.key);
                }
            }
        }
    }

    fn overrule(&mut self, (path, line): Spot, key: &str) {
        let spots = self.spots.entry(path).or_default();
        spots.insert((line, key.to_owned()));
    }

    /// True for a file of variables that a drop-in took away from its unit.
    pub(crate) fn is_unread(&self, path: &str) -> bool {
        self.unread.contains(path)
    }

    /// True if some value in the file at `path` is overruled elsewhere.
    pub(crate) fn knows(&self, path: &str) -> bool {
        self.spots.contains_key(path)
    }

    /// True for a value of the file at `path` that no program gets.
    pub(crate) fn covers(&self, path: &str, setting: &Setting) -> bool {
        self.spots
            .get(path)
            .is_some_and(|spots| spots.contains(&(setting.line, setting.key.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weigh(services: &[&[(&str, &str)]]) -> Overruled {
        let parsed: Vec<Vec<(&str, Settings)>> = services
            .iter()
            .map(|files| {
                let read = |text: &str| format::read(Format::Unit, &[], text);
                files
                    .iter()
                    .map(|(path, text)| (*path, read(text)))
                    .collect()
            })
            .collect();
        let pieces: Vec<Pieces<'_>> = parsed
            .iter()
            .map(|files| Pieces {
                files: files.iter().map(|(path, s)| (*path, s)).collect(),
            })
            .collect();
        let text_of = |path: &str| Some(format!("# {path}\nMAIL=smtp://{path}\n"));
        Overruled::weigh(&pieces, &text_of)
    }

    #[test]
    fn a_later_value_overrules_an_earlier_one() {
        let own = "[Service]\nEnvironment=DB=old MORE=x\n";
        let drop_in = "[Service]\nEnvironment=DB=new\n";
        let overruled = weigh(&[&[("/a.service", own), ("/a.service.d/x.conf", drop_in)]]);
        let said = format::read(Format::Unit, &[], own);
        let covered: Vec<_> = said
            .all
            .iter()
            .map(|s| overruled.covers("/a.service", s))
            .collect();
        assert_eq!(covered, [true, false]);
        assert!(!overruled.knows("/a.service.d/x.conf"));
    }

    #[test]
    fn an_empty_assignment_takes_files_away_unless_another_unit_reads_them() {
        let own = "[Service]\nEnvironmentFile=-/etc/a.env\nEnvironmentFile=/etc/b.env\n";
        let drop_in = "[Service]\nEnvironmentFile=\nEnvironmentFile=/etc/c.env\n";
        let other = "[Service]\nEnvironmentFile=/etc/b.env\n";
        let overruled = weigh(&[&[("/a", own), ("/d", drop_in)], &[("/o", other)]]);
        assert!(overruled.is_unread("/etc/a.env"));
        assert!(!overruled.is_unread("/etc/b.env"));
        assert!(!overruled.is_unread("/etc/c.env"));
    }

    #[test]
    fn of_two_files_the_later_one_counts() {
        let own = "[Service]\nEnvironmentFile=/etc/a.env\nEnvironmentFile=/etc/b.env\n";
        let overruled = weigh(&[&[("/a", own)]]);
        assert!(overruled.knows("/etc/a.env"));
        assert!(!overruled.knows("/etc/b.env"));
        let shared = weigh(&[
            &[("/a", own)],
            &[("/o", "[Service]\nEnvironmentFile=/etc/a.env\n")],
        ]);
        assert!(!shared.knows("/etc/a.env"));
    }
}
