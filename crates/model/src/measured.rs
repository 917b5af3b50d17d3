//! What looks measure: the one list of metrics, with their units and which way is better.
//!
//! A [`Measurement`](crate::fact::Measurement) carries its metric as a word; this list says what the word means. A wave
//! file is judged by it, and `docs/reference/measurements.md` is held against it.

/// One thing that looks measure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Metric {
    /// The word, unit last. One that ends in `*` stands for every word that begins like it.
    pub name: &'static str,
    /// The unit, for a person.
    pub unit: &'static str,
    /// What is counted, and of what: the subject.
    pub counts: &'static str,
    /// Who takes it, and where from.
    pub source: &'static str,
    /// Which way is better.
    pub better: Better,
}

/// Which way a number is better.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Better {
    /// Less of it is better: of several the highest is the worst.
    Less,
    /// More of it is better: of several the lowest is the worst.
    More,
    /// Neither: somebody must say how much there should be.
    Neither,
    /// It is a moment, in seconds since 1970, and no amount.
    Moment,
}

impl Better {
    /// It in one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Less => "less",
            Self::More => "more",
            Self::Neither => "neither",
            Self::Moment => "a moment",
        }
    }
}

/// Every metric, sorted by its word.
pub const METRICS: &[Metric] = &[
    of(
        "backup_age_seconds",
        "seconds",
        "how long ago a backup job last ended well, when the document ends; per job",
        "reckoned from backup_last_success_seconds",
        Better::Less,
    ),
    of(
        "backup_last_success_seconds",
        "seconds since 1970",
        "when a backup job last ended well; per job",
        "host.backups: targets, and what programs remember",
        Better::Moment,
    ),
    of(
        "booted_at_seconds",
        "seconds since 1970",
        "when the machine was started",
        "host.system: /proc/stat",
        Better::Moment,
    ),
    of(
        "content_bytes",
        "bytes",
        "what an archive, a database or a share holds",
        "host.archives, host.databases, host.shares",
        Better::Neither,
    ),
    of(
        "content_changed_bytes",
        "bytes a day",
        "of that, what was written within the day before the look",
        "host.archives, host.databases, host.shares",
        Better::Neither,
    ),
    of(
        "content_items",
        "items",
        "messages, files or keys, counted one by one",
        "host.archives, host.databases, host.shares",
        Better::More,
    ),
    of(
        "content_items_estimated",
        "items",
        "the same, reckoned from a part that was read",
        "host.archives, host.databases, host.shares",
        Better::More,
    ),
    of(
        "content_modified_seconds",
        "seconds since 1970",
        "last change of an archive or a database",
        "host.archives, host.databases",
        Better::Moment,
    ),
    of(
        "content_open",
        "processes",
        "how many hold it open",
        "host.archives",
        Better::Less,
    ),
    of(
        "content_orphan_items",
        "items",
        "items that belong to nobody any more",
        "host.archives",
        Better::Less,
    ),
    of(
        "cpu_busy_peak_ratio",
        "0 to 1",
        "the busiest five seconds of all processors together, while the look lasted",
        "host.load: /proc/stat",
        Better::Less,
    ),
    of(
        "directory_bind_seconds",
        "seconds",
        "how long a directory took to answer the logon of the look; per server",
        "directory.objects: its one logon",
        Better::Less,
    ),
    of(
        "directory_*",
        "objects",
        "objects of a directory, by kind",
        "directory.objects",
        Better::Neither,
    ),
    of(
        "file_system_free_bytes",
        "bytes",
        "what a file system can still take",
        "host.storage",
        Better::More,
    ),
    of(
        "file_system_used_bytes",
        "bytes",
        "what a file system holds",
        "host.storage",
        Better::Less,
    ),
    of(
        "job_last_run_seconds",
        "seconds since 1970",
        "when a scheduled job last ran; per job",
        "host.units, host.jobs: their stamps",
        Better::Moment,
    ),
    of(
        "load_peak_1m",
        "processes",
        "the highest load average of one minute while the look lasted",
        "host.load: /proc/loadavg",
        Better::Less,
    ),
    of(
        "mail_bounced",
        "recipients",
        "recipients whose mail was sent back on a day",
        "log.services: the mail server's log",
        Better::Less,
    ),
    of(
        "mail_deferred",
        "attempts",
        "attempts to deliver that were put off on a day; a message that is tried five times counts five times",
        "log.services: the mail server's log",
        Better::Less,
    ),
    of(
        "mail_delay_p50_seconds",
        "seconds",
        "half of the day's deliveries took no longer, from the message's coming to its delivery",
        "log.services: the mail server's log",
        Better::Less,
    ),
    of(
        "mail_delay_p95_seconds",
        "seconds",
        "95 of 100 of the day's deliveries took no longer",
        "log.services: the mail server's log",
        Better::Less,
    ),
    of(
        "mail_messages",
        "recipients",
        "deliveries that ended well on a day, one for each recipient",
        "log.services: the mail server's log",
        Better::More,
    ),
    of(
        "mail_queue_messages",
        "messages",
        "messages that wait in the queue; per queue",
        "host.mailqueue: the spool directories",
        Better::Less,
    ),
    of(
        "mail_queue_oldest_seconds",
        "seconds",
        "how long the oldest of them has waited",
        "host.mailqueue: the spool directories",
        Better::Less,
    ),
    of(
        "memory_available_bytes",
        "bytes",
        "memory that programs could still have",
        "host.system",
        Better::More,
    ),
    of(
        "pressure_cpu_ratio",
        "0 to 1",
        "share of the last five minutes in which some work waited for a processor; the highest while the look lasted",
        "host.load: /proc/pressure/cpu",
        Better::Less,
    ),
    of(
        "pressure_io_ratio",
        "0 to 1",
        "the same for disks",
        "host.load: /proc/pressure/io",
        Better::Less,
    ),
    of(
        "pressure_memory_ratio",
        "0 to 1",
        "the same for memory",
        "host.load: /proc/pressure/memory",
        Better::Less,
    ),
    of(
        "share_clients",
        "machines",
        "machines that have a share open",
        "host.shares",
        Better::Neither,
    ),
    of(
        "share_open_files",
        "files",
        "files that are open in a share",
        "host.shares",
        Better::Neither,
    ),
    of(
        "share_sessions",
        "sessions",
        "sessions of a share",
        "host.shares",
        Better::Neither,
    ),
    of(
        "time_offset_seconds",
        "seconds",
        "how far the clock was from the source chronyd follows, forwards or backwards, when that last answered",
        "time.chrony: chronyd's own answer",
        Better::Less,
    ),
    of(
        "time_source_selected",
        "1",
        "the source chronyd follows",
        "time.chrony",
        Better::Neither,
    ),
    of(
        "uptime_seconds",
        "seconds",
        "how long the machine has run",
        "reckoned from booted_at_seconds",
        Better::More,
    ),
];

const fn of(
    name: &'static str,
    unit: &'static str,
    counts: &'static str,
    source: &'static str,
    better: Better,
) -> Metric {
    Metric {
        name,
        unit,
        counts,
        source,
        better,
    }
}

/// What `name` means, if looks measure it.
pub fn metric(name: &str) -> Option<&'static Metric> {
    let begins = |m: &&Metric| {
        let stem = m.name.strip_suffix('*');
        stem.is_some_and(|stem| name.starts_with(stem))
    };
    let exact = METRICS.iter().find(|m| m.name == name);
    exact.or_else(|| METRICS.iter().find(begins))
}
