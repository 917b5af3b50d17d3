//! Directors of Bacula and Bareos: which machine is copied when, what of it, and when that last ended well.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use groma_model::fact::BackupJob;
use groma_model::{Peer, Reason};
use groma_source::EntryKind;
use groma_source::disk::foreign;

use super::directed::{Directed, called};
use super::resource::{Resource, settings};
use crate::part::Part;
use crate::reading::Reading;
use crate::text::{extension, lossy};

/// Files one director's settings may be spread over.
const FILES_MAX: usize = 2_000;
/// Depth of directories below the settings of Bareos.
const DEPTH_MAX: usize = 4;

/// Where each product keeps a director's settings: a file that takes in others, or directories full of them.
const DIRECTORS: &[(&str, &str)] = &[
    ("bacula", "/etc/bacula/bacula-dir.conf"),
    ("bacula", "/opt/bacula/etc/bacula-dir.conf"),
    ("bareos", "/etc/bareos/bareos-dir.conf"),
    ("bareos", "/etc/bareos/bareos-dir.d"),
];

/// All jobs of directors on this machine.
pub(super) fn all(reading: &mut Reading<'_>, part: &mut Part<'_>) -> Vec<Directed> {
    let mut jobs = Vec::new();
    for (product, place) in DIRECTORS {
        let mut all = Director::default();
        all.read(reading, part, Path::new(place), 0);
        jobs.extend(all.jobs(reading, product));
    }
    jobs
}

/// The resources of one director, each with its file.
#[derive(Debug, Default)]
struct Director {
    resources: Vec<(PathBuf, Resource)>,
    /// Where in `resources` the first one of a kind and a name stands: jobs ask for theirs by the thousand.
    by_name: BTreeMap<(String, String), usize>,
    files: BTreeSet<PathBuf>,
}

impl Director {
    fn read(&mut self, reading: &mut Reading<'_>, part: &mut Part<'_>, path: &Path, depth: usize) {
        if depth > DEPTH_MAX || self.files.len() >= FILES_MAX || !self.files.insert(path.to_owned())
        {
            return;
        }
        let directory = reading
            .metadata(path)
            .is_ok_and(|m| m.kind == EntryKind::Directory);
        if directory {
            for entry in reading.list(path).unwrap_or_default() {
                if entry.kind == EntryKind::Directory || extension(&entry.path) == b"conf" {
                    self.read(reading, part, &entry.path, depth + 1);
                }
            }
            return;
        }
        match reading.read_if_there(path) {
            Ok(Some(bytes)) => self.take(reading, part, path, &lossy(&bytes), depth),
            Ok(None) => {}
            Err(error) => part.refused("settings of a backup director", &error),
        }
    }

    fn take(
        &mut self,
        reading: &mut Reading<'_>,
        part: &mut Part<'_>,
        path: &Path,
        text: &str,
        depth: usize,
    ) {
        let read = settings(text);
        if read.cut {
            part.missed(format!("the rest of {}", path.display()), Reason::TooLarge);
        }
        for resource in read.resources {
            self.keep(path, resource);
        }
        for included in read.included {
            // `@|command` would be run: nothing is.
            if included.starts_with('|') {
                part.cannot(
                    format!("resources of {} that a command writes", path.display()),
                    Reason::Unsupported,
                    "write them into a file, or import the list of jobs",
                );
            } else {
                let at = path.parent().unwrap_or(Path::new("/")).join(included);
                self.read(reading, part, &at, depth + 1);
            }
        }
    }

    fn keep(&mut self, path: &Path, resource: Resource) {
        if let Some(name) = resource.value("name") {
            let key = (resource.kind.clone(), name.to_owned());
            self.by_name.entry(key).or_insert(self.resources.len());
        }
        self.resources.push((path.to_owned(), resource));
    }

    fn named(&self, kind: &str, name: &str) -> Option<&Resource> {
        let at = self.by_name.get(&(kind.to_owned(), name.to_owned()))?;
        self.resources.get(*at).map(|(_, resource)| resource)
    }

    /// A directive of a job, else of the definitions it takes over (`JobDefs`, which may take over others).
    fn of_job<'a>(&'a self, job: &'a Resource, key: &str) -> Option<&'a str> {
        let mut at = job;
        for _ in 0..DEPTH_MAX {
            if let Some(value) = at.says.iter().find(|(k, ..)| k == key) {
                return Some(&value.1);
            }
            at = self.named("jobdefs", at.value("jobdefs")?)?;
        }
        None
    }

    fn jobs(&self, reading: &mut Reading<'_>, product: &str) -> Vec<Directed> {
        let jobs = self.resources.iter().filter(|(_, r)| r.kind == "job");
        let mut last = LastEnds::default();
        jobs.filter_map(|(file, job)| self.job(reading, product, file, job, &mut last))
            .collect()
    }

    fn job(
        &self,
        reading: &mut Reading<'_>,
        product: &str,
        file: &Path,
        job: &Resource,
        last: &mut LastEnds,
    ) -> Option<Directed> {
        let name = job.value("name")?;
        let is = |key: &str, word: &str| {
            self.of_job(job, key)
                .is_some_and(|v| v.eq_ignore_ascii_case(word))
        };
        let off = is("enabled", "no") || is("enabled", "false");
        if !is("type", "backup") || off {
            return None;
        }
        let client = self.of_job(job, "client").unwrap_or_default();
        let address = self
            .named("client", client)
            .and_then(|c| c.value("address").or(c.value("fdaddress")));
        let of = address
            .and_then(Peer::parse)
            .filter(|peer| !peer.is_loopback());
        let set = self
            .of_job(job, "fileset")
            .and_then(|set| self.named("fileset", set));
        let (covers, excludes) = set.map(paths).unwrap_or_default();
        let schedule = self
            .of_job(job, "schedule")
            .and_then(|s| self.named("schedule", s));
        let runs: Vec<&str> = schedule
            .map(|s| s.values("run").collect())
            .unwrap_or_default();
        let target = self.of_job(job, "storage").and_then(|s| self.storage(s));
        let row = BackupJob {
            product: product.to_owned(),
            name: called(name, of.as_ref()).into(),
            covers: covers.iter().map(|c| c.as_str().into()).collect(),
            excludes: excludes.iter().map(|c| c.as_str().into()).collect(),
            databases: Vec::new(),
            target: self.of_job(job, "storage").map(Into::into),
            peer: target,
            schedule: (!runs.is_empty()).then(|| runs.join("; ")),
            rhythm: rhythm(&runs).map(str::to_owned),
            unscheduled: runs.is_empty(),
            of,
            file: foreign(file),
            line: job.line,
        };
        Some(Directed {
            last_success: last.of(reading, name, client),
            job: row,
            started_by: Vec::new(),
        })
    }

    fn storage(&self, name: &str) -> Option<Peer> {
        // Several may stand in one line; the first is where it goes.
        let name = name.split(',').next()?.trim();
        let storage = self
            .named("storage", name)
            .or_else(|| self.named("autochanger", name))?;
        let peer = Peer::parse(storage.value("address").or(storage.value("sdaddress"))?)?;
        (!peer.is_loopback()).then_some(peer)
    }
}

/// Paths that a set takes in and leaves out; a list that a file or a command holds (`<`, `|`) is no path.
fn paths(set: &Resource) -> (Vec<String>, Vec<String>) {
    let of = |kind: &str| {
        let parts = set.holds.iter().filter(|part| part.kind == kind);
        let files = parts.flat_map(|part| part.values("file"));
        let mut paths: Vec<String> = files.filter(|f| is_path(f)).map(str::to_owned).collect();
        paths.sort();
        paths.dedup();
        paths
    };
    (of("include"), of("exclude"))
}

/// `/srv` or `C:/srv`, from its first letter on. `|command`, `<list` and their escaped twins (`\\|`) may hold a path, and a
/// password before it.
fn is_path(word: &str) -> bool {
    match word.as_bytes() {
        [b'/', ..] => true,
        [drive, b':', b'/', ..] => drive.is_ascii_alphabetic(),
        _ => false,
    }
}

/// How often something of it runs: the most frequent of its lines, as `Incremental mon-sat at 23:05`.
fn rhythm(runs: &[&str]) -> Option<&'static str> {
    const ORDER: &[&str] = &[
        "hourly",
        "daily",
        "weekly",
        "monthly",
        "quarterly",
        "yearly",
    ];
    let each: BTreeSet<usize> = runs
        .iter()
        .filter_map(|run| ORDER.iter().position(|word| Some(*word) == one_rhythm(run)))
        .collect();
    each.first().and_then(|at| ORDER.get(*at).copied())
}

fn one_rhythm(run: &str) -> Option<&'static str> {
    const DAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    const MONTHS: &[&str] = &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let lower = run.to_ascii_lowercase();
    let words: Vec<&str> = lower
        .split([' ', ',', '\t'])
        .filter(|w| !w.is_empty() && !w.contains('='))
        .collect();
    let starts = |list: &[&str], word: &str| list.iter().any(|day| word.starts_with(day));
    let before_time: Vec<&&str> = words.iter().take_while(|w| **w != "at").collect();
    let months = before_time.iter().filter(|w| starts(MONTHS, w)).count();
    let spans_months = before_time
        .iter()
        .any(|w| starts(MONTHS, w) && w.contains('-'));
    let days: Vec<&&&str> = before_time.iter().filter(|w| starts(DAYS, w)).collect();
    let ranges = days.iter().any(|w| w.contains('-'));
    let nth = before_time.iter().any(|w| {
        w.ends_with("1st")
            || w.contains("2nd")
            || w.contains("3rd")
            || w.contains("4th")
            || w.contains("5th")
    });
    let several_nth = before_time
        .iter()
        .any(|w| w.starts_with(|c: char| c.is_ascii_digit()) && w.contains('-'));
    match () {
        () if before_time.contains(&&"hourly") => Some("hourly"),
        () if before_time.contains(&&"monthly") => Some("monthly"),
        () if before_time.contains(&&"weekly") => Some("weekly"),
        () if before_time.contains(&&"daily") => Some("daily"),
        () if months == 1 && !spans_months => Some("yearly"),
        () if (2..=4).contains(&months) && !spans_months => Some("quarterly"),
        () if nth && several_nth => Some("weekly"),
        () if nth || before_time.contains(&&"on") => Some("monthly"),
        () if ranges || days.len() > 2 => Some("daily"),
        () if !days.is_empty() => Some("weekly"),
        () if words.contains(&"at") => Some("daily"),
        () => None,
    }
}

/// When jobs last ended well, out of the log that the package's settings keep.
#[derive(Debug, Default)]
struct LastEnds {
    read: bool,
    ends: BTreeMap<String, i64>,
}

impl LastEnds {
    fn of(&mut self, reading: &mut Reading<'_>, job: &str, client: &str) -> Option<i64> {
        if !std::mem::replace(&mut self.read, true) {
            for log in [
                "/var/log/bacula/bacula.log",
                "/var/log/bacula/bacula.log.1",
                "/var/log/bareos/bareos.log",
                "/var/log/bareos/bareos.log.1",
            ] {
                let bytes = reading
                    .read_if_there(log)
                    .ok()
                    .flatten()
                    .unwrap_or_default();
                for (job, at) in ended_well(&lossy(&bytes)) {
                    let slot = self.ends.entry(job).or_insert(at);
                    *slot = at.max(*slot);
                }
            }
        }
        // A bootstrap file is written when a backup ended well, and under the name of the job or of the client.
        let bootstrap = |reading: &mut Reading<'_>, name: &str| {
            let place = |root: &str| PathBuf::from(format!("{root}/{name}.bsr"));
            let found = [place("/var/lib/bacula"), place("/var/lib/bareos")]
                .into_iter()
                .filter_map(|p| reading.metadata(&p).ok());
            found.filter(|m| m.bytes > 0).map(|m| m.modified).max()
        };
        let logged = self.ends.get(job).copied();
        logged
            .or_else(|| bootstrap(reading, job))
            .or_else(|| bootstrap(reading, client))
    }
}

/// Jobs of a director's log that ended as `Backup OK`, also with warnings, and the time of the job's name, which
/// the director gives it when it begins (`web1.2026-11-19_23.05.00_03`).
fn ended_well(log: &str) -> Vec<(String, i64)> {
    let mut ends = Vec::new();
    let mut job: Option<(String, i64)> = None;
    for line in log.lines() {
        let Some((key, value)) = line.trim().split_once(':') else {
            continue;
        };
        match key.trim() {
            "Job" => job = begun(value.trim()),
            "Termination" if value.trim_start().starts_with("Backup OK") => ends.extend(job.take()),
            "Termination" => job = None,
            _ => {}
        }
    }
    ends
}

/// `web1.2026-11-19_23.05.00_03`: the wall clock of the director, told as if it were UTC; a day more or less is
/// what a backup is judged by.
fn begun(unique: &str) -> Option<(String, i64)> {
    let (name, stamp) = unique.rsplit_once('.').and_then(|(rest, _)| {
        let mut parts = rest.rsplitn(3, '.');
        let (_minute, day) = (parts.next()?, parts.next()?);
        Some((parts.next()?, day))
    })?;
    let (day, hour) = stamp.split_once('_')?;
    let text = format!("{day}T{hour}:00:00Z");
    let at: groma_model::Timestamp = text.parse().ok()?;
    Some((name.to_owned(), at.millis() / 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_line_of_a_schedule_is_its_rhythm() {
        let of = |runs: &[&str]| rhythm(runs);
        assert_eq!(
            of(&[
                "Full 1st sun at 23:05",
                "Differential 2nd-5th sun at 23:05",
                "Incremental mon-sat at 23:05"
            ]),
            Some("daily")
        );
        assert_eq!(of(&["Full 1st sun at 23:05"]), Some("monthly"));
        assert_eq!(of(&["Level=Full Pool=Tape sat at 20:00"]), Some("weekly"));
        assert_eq!(of(&["Full sun-sat at 23:10"]), Some("daily"));
        assert_eq!(
            of(&["Full jan apr jul oct on 1 at 3:00"]),
            Some("quarterly")
        );
        assert_eq!(of(&["Incremental hourly at 0:15"]), Some("hourly"));
        assert_eq!(of(&["Full at 2:00"]), Some("daily"));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn a_list_that_a_command_or_a_file_holds_is_no_path_though_it_names_one() {
        let text = r#"FileSet { Name = f
  Include {
    File = "|sh -c 'curl -s https://backup:canary@inv/list'"
    File = "\\|sh -c 'curl -s https://backup:canary@inv/list'"
    File = "\\</canary:/list"
    File = "<C:/canary"
    File = "ab:/canary"
    File = "1:/canary"
    File = "C:/Users"
    File = /srv
  }
  Exclude { File = "|canary :/x"
    File = /srv/tmp
  }
}
"#;
        let read = settings(text);
        let (covers, excludes) = paths(&read.resources[0]);
        assert_eq!(covers, ["/srv", "C:/Users"]);
        assert_eq!(excludes, ["/srv/tmp"]);
    }

    #[test]
    fn a_job_that_ended_with_an_error_did_not_end_well() {
        let log = "19-Nov 23:05 dir JobId 7: Start Backup\n  JobId:                  7\n  Job:                    web1.2026-11-19_23.05.00_03\n  Termination:            Backup OK\n\
            \n  Job:                    db1.2026-11-19_23.05.00_04\n  Termination:            *** Backup Error ***\n\
            \n  Job:                    a.b.2026-11-18_23.05.00_05\n  Termination:            Backup OK -- with warnings\n";
        let ends: Vec<String> = ended_well(log)
            .iter()
            .map(|(job, at)| format!("{job} {at}"))
            .collect();
        assert_eq!(ends, ["web1 1795129200", "a.b 1795042800"]);
    }

    #[test]
    fn no_log_and_no_schedule_make_it_panic() {
        groma_fuzz::hammer(
            2000,
            &[
                b"  Job: a.2026-11-19_23.05.00_03\n Termination: Backup OK\n",
                b"Full 1st sun at 23:05",
            ],
            |bytes| {
                let text = String::from_utf8_lossy(bytes);
                ended_well(&text);
                rhythm(&[&text]);
            },
        );
    }
}
