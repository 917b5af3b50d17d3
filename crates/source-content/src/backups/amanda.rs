//! Amanda's server: the disklists of its configurations, and what it remembers of each dump.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use groma_model::Peer;
use groma_model::fact::BackupJob;
use groma_source::EntryKind;
use groma_source::disk::foreign;

use super::directed::{Directed, called, other};
use crate::reading::Reading;
use crate::text::{file_name, lossy};

/// Entries of one disklist that are read at all.
const ENTRIES_MAX: usize = 20_000;

/// All jobs of Amanda's server on this machine: one for each machine that a configuration copies.
pub(super) fn all(reading: &mut Reading<'_>) -> Vec<Directed> {
    let mut jobs = Vec::new();
    for entry in reading.list(Path::new("/etc/amanda")).unwrap_or_default() {
        if entry.kind != EntryKind::Directory {
            continue;
        }
        let file = entry.path.join("disklist");
        let Some(list) = reading.read_if_there(&file).ok().flatten() else {
            continue;
        };
        let settings = reading
            .read_if_there(entry.path.join("amanda.conf"))
            .ok()
            .flatten();
        let settings = lossy(&settings.unwrap_or_default());
        let set = Set {
            name: lossy(file_name(&entry.path)),
            remembers: said(&settings, "infofile").map(|at| entry.path.join(at)),
            target: said(&settings, "tpchanger").or_else(|| said(&settings, "tapedev")),
            file,
        };
        jobs.extend(set.jobs(reading, &lossy(&list)));
    }
    jobs
}

/// One configuration.
struct Set {
    name: String,
    file: PathBuf,
    remembers: Option<PathBuf>,
    target: Option<String>,
}

/// One line of a disklist.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Disk {
    host: String,
    disk: String,
    /// The directory, where the disk is only its name.
    device: String,
    line: u32,
}

impl Set {
    fn jobs(&self, reading: &mut Reading<'_>, list: &str) -> Vec<Directed> {
        let mut machines: BTreeMap<String, Vec<Disk>> = BTreeMap::new();
        for disk in disks(list) {
            machines.entry(disk.host.clone()).or_default().push(disk);
        }
        let job = |(host, disks): (String, Vec<Disk>)| self.job(reading, &host, &disks);
        machines.into_iter().map(job).collect()
    }

    fn job(&self, reading: &mut Reading<'_>, host: &str, disks: &[Disk]) -> Directed {
        let of: Option<Peer> = other(host);
        let paths = disks
            .iter()
            .map(|d| d.device.as_str())
            .filter(|d| d.starts_with('/'));
        let dumps = disks.iter().map(|disk| self.last_dump(reading, disk));
        Directed {
            job: BackupJob {
                product: "amanda".to_owned(),
                name: called(&self.name, of.as_ref()).into(),
                covers: paths.map(Into::into).collect(),
                target: self.target.as_deref().map(super::target::clean),
                of,
                file: foreign(&self.file),
                line: disks.first().map_or(1, |d| d.line),
                ..BackupJob::default()
            },
            // Of several disks the one that waits longest: one that never ended well makes the whole unknown.
            last_success: dumps
                .collect::<Option<Vec<i64>>>()
                .and_then(|all| all.into_iter().min()),
            started_by: vec!["amdump".to_owned(), self.name.clone()],
        }
    }

    /// `stats: LEVEL SIZE SIZE SECONDS DATE …` of the text file Amanda keeps for each disk.
    fn last_dump(&self, reading: &mut Reading<'_>, disk: &Disk) -> Option<i64> {
        let plain: String = disk
            .disk
            .chars()
            .map(|c| if c == '/' { '_' } else { c })
            .collect();
        let file = self
            .remembers
            .as_ref()?
            .join(&disk.host)
            .join(plain)
            .join("info");
        dumped(&lossy(&reading.read_if_there(&file).ok().flatten()?))
    }
}

fn dumped(info: &str) -> Option<i64> {
    let stats = info.lines().filter_map(|line| line.strip_prefix("stats:"));
    stats
        .filter_map(|line| line.split_whitespace().nth(4)?.parse().ok())
        .max()
}

/// `KEY "value"` of amanda.conf(5).
fn said(settings: &str, key: &str) -> Option<String> {
    settings.lines().find_map(|line| {
        let (word, rest) = line.trim().split_once(char::is_whitespace)?;
        let rest = rest.split('#').next().unwrap_or_default().trim();
        (word.eq_ignore_ascii_case(key)).then(|| rest.trim_matches('"').to_owned())
    })
}

/// disklist(5): `HOST DISK [DEVICE] DUMPTYPE …`, where the type may be a list in braces over several lines.
fn disks(list: &str) -> Vec<Disk> {
    let (mut disks, mut depth) = (Vec::new(), 0_usize);
    for (at, line) in list.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        let outside = depth == 0;
        for letter in line.chars() {
            match letter {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        let words: Vec<&str> = line
            .split('{')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        let braces = line.contains('{');
        let (Some(host), Some(disk)) = (words.first(), words.get(1)) else {
            continue;
        };
        if !outside || matches!(*host, "}" | "includefile" | "define") || disks.len() >= ENTRIES_MAX
        {
            continue;
        }
        let third = words.get(2).copied();
        let device = match third {
            // A device stands between only where a type follows it.
            Some(device) if device.starts_with('/') && (braces || words.len() > 3) => device,
            _ => disk,
        };
        disks.push(Disk {
            host: (*host).trim_matches('"').to_owned(),
            disk: (*disk).trim_matches('"').to_owned(),
            device: device.trim_matches('"').to_owned(),
            line: u32::try_from(at + 1).unwrap_or(u32::MAX),
        });
    }
    disks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disklist_names_machines_and_directories() {
        let list = "# ghost / gt\nweb1.corp.example /srv comp-user\nweb1.corp.example etc /etc user-tar 1 local\nlocalhost /home {\n  user-tar\n  exclude list \".exclude\"\n} 2\nold sd0a comp-root\ndb1 /var {\n  gt\n}\n";
        let said: Vec<String> = disks(list)
            .iter()
            .map(|d| format!("{} {} {} {}", d.line, d.host, d.disk, d.device))
            .collect();
        assert_eq!(
            said,
            [
                "2 web1.corp.example /srv /srv",
                "3 web1.corp.example etc /etc",
                "4 localhost /home /home",
                "8 old sd0a sd0a",
                "9 db1 /var /var"
            ]
        );
    }

    #[test]
    fn what_amanda_remembers_tells_the_last_dump() {
        let info = include_str!("../../tests/fixtures/backups/amanda-3.5/info");
        assert_eq!(dumped(info), Some(1_795_210_762));
        assert_eq!(dumped("version: 0\nstats:\n"), None);
        let settings = include_str!("../../tests/fixtures/backups/amanda-3.5/amanda.conf");
        assert_eq!(
            said(settings, "infofile").as_deref(),
            Some("/var/lib/amanda/state/curinfo")
        );
    }

    #[test]
    fn no_list_makes_it_panic() {
        groma_fuzz::hammer(
            2000,
            &[b"web1 /srv {\n gt\n} 1\nstats: 0 1 2 3 4\n"],
            |bytes| {
                let text = String::from_utf8_lossy(bytes);
                disks(&text);
                dumped(&text);
                said(&text, "infofile");
            },
        );
    }
}
