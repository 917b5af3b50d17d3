//! Working copies of git a job pulls into or pushes from: only then is their remote needed.

use std::path::Path;

use groma_model::fact::Reference;
use groma_source::{Disk, EntryKind};

use crate::format::commands;
use crate::text::{decode, lines};

/// Where jobs stand; a directory means the files in it.
const JOBS: &[&str] = &[
    "/etc/crontab",
    "/etc/cron.d",
    "/etc/cron.hourly",
    "/etc/cron.daily",
    "/etc/cron.weekly",
    "/etc/cron.monthly",
    "/var/spool/cron/crontabs",
    "/var/spool/cron",
    "/etc/systemd/system",
    "/usr/local/bin",
    "/usr/local/sbin",
];
const FILE_MAX: u64 = 256 << 10;
const FILES_MAX: usize = 2_000;
const USES_MAX: usize = 1_000;

/// What git is told to do with another machine.
const VERBS: &[&str] = &[
    "pull",
    "push",
    "fetch",
    "clone",
    "ls-remote",
    "submodule",
    "remote",
];

/// Which directories jobs use, and with which words.
#[derive(Debug, Default)]
pub(crate) struct WorkingCopies {
    uses: Vec<(String, Vec<String>)>,
}

impl WorkingCopies {
    /// Reads jobs and the scripts of the house.
    pub(crate) fn look(disk: &dyn Disk) -> Self {
        let mut copies = Self::default();
        for place in JOBS {
            let path = Path::new(place);
            if disk.metadata(path).is_ok_and(|m| m.kind == EntryKind::File) {
                copies.read(disk, path);
                continue;
            }
            for entry in disk.list(path, FILES_MAX).unwrap_or_default() {
                if entry.kind == EntryKind::File {
                    copies.read(disk, &entry.path);
                }
            }
        }
        copies
    }

    fn read(&mut self, disk: &dyn Disk, path: &Path) {
        let Ok(read) = disk.read(path, FILE_MAX) else {
            return;
        };
        let Some(text) = decode(&read.bytes).filter(|text| text.contains("git ")) else {
            return;
        };
        let mut directory = None;
        for (_, line) in lines(&text).filter(|(_, line)| !line.trim_start().starts_with('#')) {
            if let Some(named) = line.trim().strip_prefix("WorkingDirectory=") {
                directory = Some(named.to_owned());
            }
            for words in commands(line) {
                self.note(&words, &mut directory);
            }
        }
    }

    fn note(&mut self, words: &[String], directory: &mut Option<String>) {
        let after = |word: &str| {
            let at = words.iter().position(|w| w == word)?;
            words.get(at + 1).filter(|w| w.starts_with('/')).cloned()
        };
        let Some(at) = words
            .iter()
            .position(|w| w.rsplit('/').next() == Some("git"))
        else {
            if let Some(named) = after("cd") {
                *directory = Some(named);
            }
            return;
        };
        let told = words.get(at + 1..).unwrap_or_default();
        if !told.iter().any(|w| VERBS.contains(&w.as_str())) || self.uses.len() >= USES_MAX {
            return;
        }
        if let Some(place) = after("-C").or_else(|| directory.clone()) {
            self.uses
                .push((place.trim_end_matches('/').to_owned(), told.to_vec()));
        }
    }

    /// A remote a job uses is a need, not a hint: `origin`, or the one the job names.
    pub(crate) fn settle(&self, path: &Path, references: &mut [Reference]) {
        let Some(copy) = path.to_str().and_then(|p| p.strip_suffix("/.git/config")) else {
            return;
        };
        for reference in references
            .iter_mut()
            .filter(|r| r.rule.starts_with("git-remote"))
        {
            let named = |word: &String| reference.key.contains(&format!("\"{word}."));
            let used = self
                .uses
                .iter()
                .filter(|(place, _)| place == copy)
                .any(|(_, words)| reference.key.contains("\"origin.") || words.iter().any(named));
            if used {
                reference.weak = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use groma_source::testing::FakeDisk;

    use super::*;

    fn places(disk: &FakeDisk) -> Vec<String> {
        let copies = WorkingCopies::look(disk);
        copies.uses.into_iter().map(|(place, _)| place).collect()
    }

    #[test]
    fn jobs_name_the_copies_they_use() {
        let disk = FakeDisk::new()
            .file(
                "/etc/cron.d/x",
                "1 2 * * * root cd /root/plays && git push --quiet origin\n#1 2 * * * root git -C /opt/old pull\n3 4 * * 0 root git -C /opt/app pull\n",
            )
            .file("/usr/local/bin/y", "#!/bin/sh\ncd /srv/site\ngit fetch\ngit status\n");
        assert_eq!(places(&disk), ["/root/plays", "/opt/app", "/srv/site"]);
    }

    #[test]
    fn no_job_breaks_the_reader() {
        groma_fuzz::hammer(
            200,
            &[b"1 2 * * * root cd /a && git -C /b pull origin\n".as_slice()],
            |bytes| {
                let disk = FakeDisk::new().file("/etc/crontab", bytes.to_vec());
                let _ = WorkingCopies::look(&disk);
            },
        );
    }
}
