//! `host.backups`: what copies data away, what of, where to, how often, and when it last ended well.

mod product;
mod shell;
mod started;
mod target;
mod tool;

use std::time::Duration;

use groma_model::fact::BackupJob;
use groma_model::{Fact, Foreign, Scope, SourceName};
use groma_source::disk::foreign;
use groma_source::{Budget, Explanation, Sink, Source, Window, World};

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
                "/etc/crontab, /etc/cron.d, /var/spool/cron, /etc/cron.hourly to cron.monthly, timers of systemd with their services, and scripts these start",
                "/etc/borgmatic, /etc/borgmatic.d, /etc/rsnapshot.conf, /etc/burp/burp.conf; whether agents of Bacula, Bareos, Veeam, UrBackup, NetBackup, Spectrum Protect, Commvault, Amanda are there",
                "times of files in local targets; /root/.config/borg/security (where a repository lies and when it was last written)",
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
        let mut jobs: Vec<(BackupJob, Option<String>)> = started.iter().flat_map(copies).collect();
        for (job, word) in product::all(&mut reading) {
            let written = job.target.as_ref().map(ToString::to_string);
            jobs.push((with_schedule(job, word, &started), written));
        }
        if jobs.len() > JOBS_MAX {
            part.missed(
                format!("backup jobs beyond the first {JOBS_MAX}"),
                groma_model::Reason::BudgetExhausted,
            );
        }
        for (job, written) in jobs.into_iter().take(JOBS_MAX) {
            let scope = Scope::new("backup", &job.name.lossy());
            let name = job.name.clone();
            let product = job.product.clone();
            part.saw_in(&scope, Fact::BackupJob(job));
            let success =
                written.and_then(|written| target::last_success(&mut reading, &product, &written));
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

/// Every Debian copies the tables of its package manager aside; nobody means that by a backup.
fn is_the_systems_own(copy: &tool::Copy) -> bool {
    let own = |path: &String| path.starts_with("/var/lib/dpkg") || path.starts_with("/var/backups");
    copy.databases.is_empty() && copy.covers.iter().all(own)
}

/// False for a word with white space: the value of an option we do not know may be a command line with a password.
fn is_a_place(word: &str) -> bool {
    !word.contains(char::is_whitespace) && !word.contains("://")
}

/// The jobs in one text of commands, each with its target as it is written.
fn copies(started: &Started) -> Vec<(BackupJob, Option<String>)> {
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
            unscheduled: false,
            file: foreign(&started.file),
            line,
        };
        jobs.push((job, copy.target));
    }
    jobs
}

/// What starts a program that has its own configuration; an agent that a server calls needs nothing.
fn with_schedule(mut job: BackupJob, word: &str, started: &[Started]) -> BackupJob {
    if word.is_empty() {
        return job;
    }
    let starts = |s: &&Started| {
        let (commands, _) = shell::commands(&s.text);
        commands
            .iter()
            .any(|c| c.words.iter().any(|w| w.rsplit('/').next() == Some(word)))
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
