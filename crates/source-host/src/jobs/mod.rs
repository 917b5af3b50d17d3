//! `host.jobs`: what cron, anacron and at start.

pub(crate) mod command;
mod crontab;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::path::Path;

use groma_model::fact::{Job, Measurement};
use groma_model::schedule::{cron_takes, is_user_table};
use groma_model::{Fact, Foreign, Reason, Scope, SourceName, Timestamp};
use groma_source::{
    Budget, Disk, Entry, EntryKind, Explanation, Sink, Source, Window, World, disk,
};

use crate::part::Part;
use crate::reader::{Reader, file_name};
use crontab::Line;

/// Directories whose scripts are run one by one, with the rhythm their name promises.
const PARTS: &[(&str, &str)] = &[
    ("/etc/cron.hourly", "hourly"),
    ("/etc/cron.daily", "daily"),
    ("/etc/cron.weekly", "weekly"),
    ("/etc/cron.monthly", "monthly"),
    ("/etc/cron.yearly", "yearly"),
];

/// Where the tables of single users stand: Debian, SUSE, Red Hat and Arch, BusyBox.
const USER_TABLES: &[&str] = &[
    "/var/spool/cron/crontabs",
    "/var/spool/cron/tabs",
    "/var/spool/cron",
    "/etc/crontabs",
];

/// What reads the tables: the daemons of Debian, Red Hat, Arch and others, and what makes units of them. A machine with
/// systemd and none of these has scripts of packages there that nothing starts.
const DAEMONS: &[&str] = &[
    "/usr/sbin/cron",
    "/usr/sbin/crond",
    "/usr/bin/crond",
    "/sbin/crond",
    "/usr/local/sbin/cron",
    "/usr/local/sbin/crond",
    "/usr/sbin/anacron",
    "/usr/bin/anacron",
    "/usr/local/sbin/anacron",
    "/usr/sbin/fcron",
    "/usr/sbin/bcron-start",
    "/usr/sbin/dcron",
    "/usr/lib/systemd/system-generators/systemd-crontab-generator",
    "/lib/systemd/system-generators/systemd-crontab-generator",
    "/usr/lib/systemd/system/cron.service",
    "/usr/lib/systemd/system/crond.service",
    "/lib/systemd/system/cron.service",
    "/lib/systemd/system/crond.service",
    "/etc/systemd/system/cron.service",
    "/etc/systemd/system/crond.service",
];

/// Directories that lines of tables may have run.
const DIRECTORIES_MAX: usize = 64;

/// Where jobs of at(1) wait: Debian, Red Hat.
const AT_SPOOLS: &[&str] = &[
    "/var/spool/cron/atjobs",
    "/var/spool/at",
    "/var/spool/atjobs",
];

/// Jobs of cron, anacron and at.
pub struct JobsSource {
    world: World,
}

impl JobsSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for JobsSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.jobs")
    }

    fn explain(&self) -> Explanation {
        let words = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Explanation {
            purpose: "Tells what cron, anacron and at start, how often and as whom.".into(),
            reads: words(&[
                "/etc/crontab, /etc/cron.d, /etc/anacrontab",
                "names of scripts in /etc/cron.hourly, cron.daily, cron.weekly, cron.monthly, cron.yearly, and in directories that a line runs with run-parts",
                "/var/spool/cron (tables of users), /etc/crontabs, the spools of at",
                "/var/spool/anacron: the day each job of anacron last ran",
                "/etc/systemd/system/cron.service, crond.service: whether cron is switched off for good",
            ]),
            contacts: Vec::new(),
            sends: words(&[
                "schedule, time zone, delays, rhythm, account, program or script path, file and line; the day a job of anacron last ran",
            ]),
            never_sends: words(&[
                "arguments, settings and input of a job",
                "the environment that at keeps with a job",
            ]),
            rights: words(&[
                "root (or CAP_DAC_READ_SEARCH) for the tables of users and the spools of at; without it a gap names them",
            ]),
            cost: "a few small files".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let disk = self.world.disk.clone();
        let stands = |path: &str| disk.metadata(Path::new(path)).is_ok();
        let systemd = stands("/run/systemd/system");
        let mut look = Look {
            reader: Reader::new(self.world.disk.as_ref(), window, budget),
            systemd,
            directories: BTreeMap::new(),
            masked: systemd && (is_masked(disk.as_ref()) || !DAEMONS.iter().any(|d| stands(d))),
            reads_zone: stands("/usr/sbin/crond") || !stands("/usr/sbin/cron"),
        };
        let mut part = Part::begin(window, sink, Scope::new("file", "/etc/crontab"));
        look.system_table(&mut part, Path::new("/etc/crontab"));
        part.close();
        let mut part = Part::begin(window, sink, Scope::new("file", "/etc/cron.d"));
        for entry in look.scripts(&mut part, "/etc/cron.d") {
            look.system_table(&mut part, &entry.path);
        }
        part.close();
        let mut part = Part::begin(window, sink, Scope::new("file", "/etc/anacrontab"));
        look.anacron(&mut part);
        part.close();
        for (directory, rhythm) in PARTS {
            let mut part = Part::begin(window, sink, Scope::new("file", directory));
            look.directory(&mut part, directory, Some(rhythm));
            part.close();
        }
        for directory in USER_TABLES {
            let mut part = Part::begin(window, sink, Scope::new("file", directory));
            look.user_tables(&mut part, directory);
            part.close();
        }
        // Directories that a line of this machine runs, and no habit.
        let own: Vec<String> = look.directories.keys().map(ToString::to_string).collect();
        for directory in own {
            if PARTS.iter().any(|(known, _)| *known == directory) {
                continue;
            }
            let mut part = Part::begin(window, sink, Scope::new("file", directory.as_str()));
            look.directory(&mut part, &directory, None);
            part.close();
        }
        for directory in AT_SPOOLS {
            let mut part = Part::begin(window, sink, Scope::new("file", directory));
            look.at_jobs(&mut part, directory);
            part.close();
        }
    }
}

struct Look<'a> {
    reader: Reader<'a>,
    /// The service manager runs, and some lines leave their work to its timers.
    systemd: bool,
    /// Schedules of the lines that run a whole directory, by directory.
    directories: BTreeMap<Foreign, Started>,
    /// Cron is not installed, or switched off for good (its unit leads to `/dev/null`): its tables start nothing.
    masked: bool,
    /// The daemon reads `CRON_TZ`: cronie does, Debian's own cron hands it to the job like any setting.
    reads_zone: bool,
}

/// How the scripts of a directory are started.
#[derive(Clone)]
struct Started {
    scheduler: &'static str,
    line: Line,
    last_run: Option<i64>,
}

impl Look<'_> {
    fn table(&mut self, part: &mut Part<'_>, path: &Path, with_user: bool) -> Vec<Line> {
        match self.reader.read(path) {
            Ok(read) => {
                let (lines, unread) = crontab::crontab(&read.bytes, with_user);
                if unread > 0 {
                    part.missed(
                        format!("{unread} lines of {}", disk::foreign(path)),
                        Reason::Malformed,
                    );
                }
                lines
                    .into_iter()
                    .filter(|line| !(self.masked || line.unless_systemd && self.systemd))
                    .map(|line| self.in_its_zone(line))
                    .collect()
            }
            Err(error) if error.is_absent() => Vec::new(),
            Err(error) => {
                part.refused("jobs", &error);
                Vec::new()
            }
        }
    }

    fn in_its_zone(&self, mut line: Line) -> Line {
        if !self.reads_zone {
            line.timing.time_zone = None;
        }
        line
    }

    fn system_table(&mut self, part: &mut Part<'_>, path: &Path) {
        for line in self.table(part, path, true) {
            if !self.leaves_to_directory(&line, None) {
                part.saw(job("cron", numbered(path, line.number), line, None, path));
            }
        }
    }

    /// True if all a line does is to run a directory, whose scripts are told for it: with one schedule, so that a line
    /// that runs the same directory at another time or as somebody else is a job of its own, and so is one beyond the
    /// directories that are looked into.
    fn leaves_to_directory(&mut self, line: &Line, user: Option<&Foreign>) -> bool {
        let Some(directory) = line.directory.clone() else {
            return false;
        };
        let mut whole = line.clone();
        whole.user = whole.user.or_else(|| user.cloned());
        let is_room = self.directories.len() < DIRECTORIES_MAX;
        let told = match self.directories.entry(directory) {
            Slot::Occupied(known) => known.get().line.runs_when(&whole),
            Slot::Vacant(free) if is_room => {
                free.insert(Started {
                    scheduler: "cron",
                    line: whole,
                    last_run: None,
                });
                true
            }
            Slot::Vacant(_) => false,
        };
        told && line.executable.is_none()
    }

    fn anacron(&mut self, part: &mut Part<'_>) {
        let path = Path::new("/etc/anacrontab");
        match self.reader.read_if_there("/etc/anacrontab") {
            Ok(bytes) => {
                let (lines, unread) = crontab::anacrontab(&bytes.unwrap_or_default());
                if unread > 0 {
                    part.missed(
                        format!("{unread} lines of /etc/anacrontab"),
                        Reason::Malformed,
                    );
                }
                for (name, line) in lines {
                    let last_run = self.anacron_stamp(part, &name);
                    let runs_more = line.executable.is_some();
                    // Where anacron is there, cron leaves the directories to it.
                    if let Some(directory) = line.directory.clone() {
                        let started = Started {
                            scheduler: "anacron",
                            line: line.clone(),
                            last_run,
                        };
                        self.directories.insert(directory, started);
                    }
                    if line.directory.is_none() || runs_more {
                        self.last_run(part, name.clone(), last_run);
                        part.saw(job("anacron", name, line, Some("root".into()), path));
                    }
                }
            }
            Err(error) => part.refused("jobs of anacron", &error),
        }
    }

    /// When a job of anacron last ran; its name is a file name, and nothing else is looked for.
    fn anacron_stamp(&mut self, part: &mut Part<'_>, name: &Foreign) -> Option<i64> {
        let name = name
            .as_str()
            .filter(|n| !n.contains('/') && !n.starts_with('.'))?;
        let path = format!("/var/spool/anacron/{name}");
        match self.reader.read_if_there(&path) {
            Ok(bytes) => crontab::anacron_stamp(&bytes?),
            Err(error) => {
                part.refused("last run of a job of anacron", &error);
                None
            }
        }
    }

    /// A moment that moves is a measurement, never a part of the job.
    fn last_run(&self, part: &mut Part<'_>, job: Foreign, at: Option<i64>) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "seconds since 1970 stay below 2^53"
        )]
        if let Some(at) = at {
            part.saw(Fact::Measurement(Measurement {
                metric: "job_last_run_seconds".into(),
                subject: job,
                value: at as f64,
            }));
        }
    }

    /// Regular files of a directory with a name that is run: neither editors' leavings nor packagers' copies.
    fn scripts(&mut self, part: &mut Part<'_>, directory: &str) -> Vec<Entry> {
        let debian = self
            .reader
            .disk()
            .metadata(Path::new("/etc/debian_version"))
            .is_ok();
        let entries = self
            .reader
            .list(Path::new(directory))
            .unwrap_or_else(|error| {
                part.refused("jobs", &error);
                Vec::new()
            });
        let wanted = |entry: &Entry| {
            matches!(entry.kind, EntryKind::File | EntryKind::Link)
                && cron_takes(file_name(&entry.path), debian)
        };
        entries.into_iter().filter(wanted).collect()
    }

    fn directory(&mut self, part: &mut Part<'_>, directory: &str, rhythm: Option<&'static str>) {
        let starter = self.directories.get(&Foreign::from(directory)).cloned();
        if starter.is_none() && self.masked {
            return;
        }
        for entry in self.scripts(part, directory) {
            let executable = match self.reader.settle(&entry.path) {
                Ok((_, metadata)) => {
                    metadata.kind == EntryKind::File
                        && metadata.mode.is_none_or(|mode| mode & 0o111 != 0)
                }
                Err(error) => {
                    part.refused("job", &error);
                    continue;
                }
            };
            if !executable {
                continue;
            }
            let path = disk::foreign(&entry.path);
            let started = starter.clone().unwrap_or_else(|| Started {
                scheduler: "cron",
                line: Line {
                    schedule: format!("@{}", rhythm.unwrap_or_default()),
                    ..Line::default()
                },
                last_run: None,
            });
            self.last_run(part, path.clone(), started.last_run);
            let line = Line {
                rhythm: started.line.rhythm.or(rhythm),
                user: started.line.user.clone().or_else(|| Some("root".into())),
                executable: Some(path.clone()),
                ..started.line
            };
            part.saw(job(started.scheduler, path, line, None, &entry.path));
        }
    }

    fn user_tables(&mut self, part: &mut Part<'_>, directory: &str) {
        let entries = self
            .reader
            .list(Path::new(directory))
            .unwrap_or_else(|error| {
                part.refused("jobs of users", &error);
                Vec::new()
            });
        for entry in entries {
            let name = file_name(&entry.path);
            if !is_user_table(name) || entry.kind != EntryKind::File {
                continue;
            }
            for line in self.table(part, &entry.path, false) {
                let user = Some(Foreign::from_bytes(name));
                if self.leaves_to_directory(&line, user.as_ref()) {
                    continue;
                }
                part.saw(job(
                    "cron",
                    numbered(&entry.path, line.number),
                    line,
                    user,
                    &entry.path,
                ));
            }
        }
    }

    fn at_jobs(&mut self, part: &mut Part<'_>, directory: &str) {
        let entries = self
            .reader
            .list(Path::new(directory))
            .unwrap_or_else(|error| {
                part.refused("jobs of at", &error);
                Vec::new()
            });
        for entry in entries {
            let Some(minutes) = crontab::at_minutes(file_name(&entry.path)) else {
                continue;
            };
            match self.reader.read(&entry.path) {
                Ok(read) => {
                    let (user, executable) = crontab::at_job(&read.bytes);
                    part.saw(Fact::Job(Job {
                        scheduler: "at".into(),
                        name: disk::foreign(&entry.path),
                        schedule: Timestamp::from_seconds(minutes.saturating_mul(60)).to_string(),
                        rhythm: Some("once".into()),
                        user: user.map(Foreign::from),
                        executable,
                        file: disk::foreign(&entry.path),
                        ..Job::default()
                    }));
                }
                // Run and gone between listing and reading.
                Err(error) if error.is_absent() => {}
                Err(error) => part.refused("job of at", &error),
            }
        }
    }
}

/// True if cron's unit leads to `/dev/null`: whatever its tables say, nothing starts them.
fn is_masked(disk: &dyn Disk) -> bool {
    ["cron", "crond", "cronie"].iter().any(|name| {
        let unit = format!("/etc/systemd/system/{name}.service");
        disk.read_link(Path::new(&unit))
            .is_ok_and(|to| to == Path::new("/dev/null"))
    })
}

fn numbered(path: &Path, line: u32) -> Foreign {
    let mut name = path.as_os_str().as_encoded_bytes().to_vec();
    name.extend(format!(":{line}").bytes());
    Foreign::from_bytes(name)
}

fn job(scheduler: &str, name: Foreign, line: Line, user: Option<Foreign>, file: &Path) -> Fact {
    Fact::Job(Job {
        scheduler: scheduler.into(),
        name,
        schedule: line.schedule,
        rhythm: line.rhythm.map(str::to_owned),
        user: line.user.or(user),
        executable: line.executable,
        file: disk::foreign(file),
        time_zone: line.timing.time_zone,
        random_delay_seconds: line.timing.random_delay_seconds,
        delay_seconds: line.delay_seconds,
        hours: line.timing.hours,
        persistent: scheduler == "anacron",
        ..Job::default()
    })
}
