//! `host.backups`: what copies data away, what of, where to, how often, and when it last ended well.

mod amanda;
mod bacula;
mod directed;
mod dumped;
mod duplicity;
mod fetched;
mod product;
mod resource;
mod rsnapshot;
mod shell;
mod started;
mod target;
mod tool;

use std::path::Path;
use std::time::Duration;

use groma_model::fact::BackupJob;
use groma_model::{Fact, Foreign, Scope, SourceName};
use groma_source::disk::foreign;
use groma_source::{Budget, EntryKind, Explanation, Sink, Source, Window, World};

use crate::part::Part;
use crate::reading::Reading;
use started::Started;

const TIME_MAX: Duration = Duration::from_secs(30);
const JOBS_MAX: usize = 2_000;

/// Backup jobs and agents of this machine.
pub struct BackupsSource {
    world: World,
}

impl BackupsSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for BackupsSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.backups")
    }

    fn explain(&self) -> Explanation {
        let words = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Explanation {
            purpose:
                "Tells what is copied away by which job, how often, and when that last ended well."
                    .into(),
            reads: words(&[
                "/etc/crontab, /etc/cron.d, /var/spool/cron, /etc/crontabs, /etc/cron.hourly, cron.daily, cron.weekly, cron.monthly; timers of systemd with their services (/etc/systemd/system, /usr/lib/systemd/system, /lib/systemd/system, /run/systemd/system); the programs these start, below /usr most often, if they are scripts",
                "/etc/bacula/bacula-dir.conf, /etc/bareos/bareos-dir.d and what they take in, their logs and bootstrap files; /etc/amanda/*/disklist with amanda.conf and the info files it names; /etc/backuppc and the list of backups of each machine",
                "/etc/borgmatic, /etc/borgmatic.d, /etc/rsnapshot.conf, /etc/burp/burp.conf; which timers are enabled; whether agents of Bacula, Bareos, Veeam, UrBackup, NetBackup, Spectrum Protect, Commvault, Amanda are there",
                "times of files in local targets (as /var/cache/rsnapshot); /root/.config/borg/security (where a repository lies and when it was last written); names of files in /root/.cache/duplicity; the log that rsnapshot.conf names",
            ]),
            contacts: Vec::new(),
            sends: words(&[
                "program, paths and databases it copies, target without account, schedule, last success",
            ]),
            never_sends: words(&[
                "passwords, keys and accounts in commands or targets",
                "other words of a command",
            ]),
            rights: words(&["root (or CAP_DAC_READ_SEARCH) for crontabs and scripts of others"]),
            cost: "some dozens of small files".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut reading = Reading::begin(self.world.disk.as_ref(), window, budget, TIME_MAX);
        let mut part = Part::begin(window, sink, Scope::new("backup", "/"));
        let started = started::all(&mut reading);
        let mut jobs: Vec<(BackupJob, Told)> = started.iter().flat_map(copies).collect();
        for (job, word) in product::all(&mut reading) {
            let written = job.target.as_ref().map(ToString::to_string);
            let words = [word].map(str::to_owned);
            let words = if word.is_empty() {
                &[]
            } else {
                words.as_slice()
            };
            let job = with_schedule(job, words, &started);
            if !never_began(&mut reading, &job) {
                jobs.push((job, Told::Written(written)));
            }
        }
        let mut directed = bacula::all(&mut reading, &mut part);
        directed.extend(amanda::all(&mut reading));
        directed.extend(fetched::all(&mut reading));
        for d in directed {
            let job = with_schedule(d.job, &d.started_by, &started);
            // One with a clock of its own is switched off by somebody: that is worth saying.
            if d.started_by.is_empty() || !never_began(&mut reading, &job) {
                jobs.push((job, Told::Ended(d.last_success)));
            }
        }
        if jobs.len() > JOBS_MAX {
            part.missed(
                format!("backup jobs beyond the first {JOBS_MAX}"),
                groma_model::Reason::BudgetExhausted,
            );
        }
        for (job, told) in jobs.into_iter().take(JOBS_MAX) {
            let scope = Scope::new("backup", &job.name.lossy());
            let name = job.name.clone();
            let product = job.product.clone();
            part.saw_in(&scope, Fact::BackupJob(job));
            let success = match told {
                Told::Ended(at) => at,
                Told::Written(written) => written
                    .and_then(|written| target::last_success(&mut reading, &product, &written)),
            };
            if let Some(seconds) = success {
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "seconds since 1970 fit a floating number"
                )]
                part.measured(&scope, "backup_last_success_seconds", &name, seconds as f64);
            }
        }
        part.close();
    }
}

/// What tells when a job last ended well: its target as it is written, or its program's own memory.
enum Told {
    Written(Option<String>),
    Ended(Option<i64>),
}

/// Every Debian copies the tables of its package manager aside; nobody means that by a backup.
fn is_the_systems_own(copy: &tool::Copy) -> bool {
    let own = |path: &String| path.starts_with("/var/lib/dpkg") || path.starts_with("/var/backups");
    // One whose places nobody knows is still somebody's.
    copy.databases.is_empty() && !copy.covers.is_empty() && copy.covers.iter().all(own)
}

/// False for a word with white space: the value of an option we do not know may be a command line with a password.
fn is_a_place(word: &str) -> bool {
    !word.contains(char::is_whitespace) && !word.contains("://")
}

/// The jobs in one text of commands, each with its target as it is written.
fn copies(started: &Started) -> Vec<(BackupJob, Told)> {
    let (commands, values) = shell::commands(&started.text);
    let setting = |name: &str| values.get(name).cloned();
    let mut jobs = Vec::new();
    for command in &commands {
        let Some(copy) = tool::read(command, &setting).filter(|c| !is_the_systems_own(c)) else {
            continue;
        };
        let line = started.line.saturating_add(command.line.saturating_sub(1));
        let many = |words: &[String]| -> Vec<Foreign> {
            let places = words.iter().filter(|w| is_a_place(w));
            places.map(|w| w.as_str().into()).collect()
        };
        let job = BackupJob {
            product: copy.product.to_owned(),
            name: format!("{}:{line}", started.file.display()).into(),
            covers: many(&copy.covers),
            excludes: many(&copy.excludes),
            databases: many(&copy.databases),
            target: copy.target.as_deref().map(target::clean),
            peer: copy.target.as_deref().and_then(target::peer),
            schedule: started.schedule.clone(),
            rhythm: started.rhythm.map(str::to_owned),
            unscheduled: !started.runs,
            of: None,
            file: foreign(&started.file),
            line,
        };
        jobs.push((job, Told::Written(copy.target)));
    }
    jobs
}

/// What starts a program that has its own configuration: a command with all of `words` in it. An agent that a server
/// calls, or a director with a clock of its own, needs nothing.
fn with_schedule(mut job: BackupJob, words: &[String], started: &[Started]) -> BackupJob {
    if words.is_empty() {
        return job;
    }
    let starts = |s: &&Started| {
        let (commands, _) = shell::commands(&s.text);
        let has = |c: &shell::Command, word: &String| {
            let mut all = c.words.iter();
            all.any(|w| w.rsplit('/').next() == Some(word.as_str()))
        };
        let mut commands = commands.iter();
        s.runs && commands.any(|c| words.iter().all(|word| has(c, word)))
    };
    match started.iter().find(starts) {
        Some(starter) => {
            job.schedule.clone_from(&starter.schedule);
            job.rhythm = starter.rhythm.map(str::to_owned);
        }
        None => job.unscheduled = true,
    }
    job
}

/// True for settings that nothing starts and by which nothing was ever copied: the directory they copy to is not there,
/// or empty. Packages ship such settings; nobody believes in a backup by them. What cannot be told counts as begun.
fn never_began(reading: &mut Reading<'_>, job: &BackupJob) -> bool {
    let target = job.target.as_ref().map(ToString::to_string);
    let Some(target) = target.filter(|_| job.unscheduled && job.peer.is_none()) else {
        return false;
    };
    // A place with something to be filled in (`/backup/{hostname}`) is not the one that was written to.
    let is_plain = target.starts_with('/') && !target.contains(['{', '$', '%', '*', '`', '…']);
    is_plain && nothing_arrived(reading, Path::new(&target))
}

/// True for a directory that is not there or empty; false where it cannot be looked into, and for a file.
fn nothing_arrived(reading: &mut Reading<'_>, directory: &Path) -> bool {
    match reading.metadata(directory) {
        Ok(there) if there.kind == EntryKind::File => false,
        Ok(_) => reading.list(directory).is_ok_and(|all| all.is_empty()),
        Err(error) => error.is_absent(),
    }
}
