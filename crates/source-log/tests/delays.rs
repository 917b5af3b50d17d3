//! How long mail took, from logs that real servers wrote: held against the same lines counted by hand.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on stops here"
)]

mod machine;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use groma_model::batch::Said;
use groma_model::measured::metric;
use groma_model::{Fact, Timestamp};
use groma_source::testing::{FakeClock, FakeDisk, FakeRandomness, NoNetwork};
use groma_source::{
    Budget, Disk, DiskError, Entry, FileRead, Metadata, OpenFile, Recorder, Source, Space, Stop,
    Window, World,
};
use groma_source_log::LogSource;
use machine::Machine;

/// 21 November 2026, 23:00 UTC: the day on which the logs were recorded.
const NOW: i64 = 1_795_302_000;

/// A made-up disk whose files were written just now.
struct Dated(FakeDisk);

impl Disk for Dated {
    fn read(&self, path: &Path, limit: u64) -> Result<FileRead, DiskError> {
        self.0.read(path, limit)
    }
    fn open(&self, path: &Path) -> Result<Box<dyn OpenFile>, DiskError> {
        self.0.open(path)
    }
    fn list(&self, path: &Path, limit: usize) -> Result<Vec<Entry>, DiskError> {
        self.0.list(path, limit)
    }
    fn metadata(&self, path: &Path) -> Result<Metadata, DiskError> {
        Ok(Metadata {
            modified: NOW,
            ..self.0.metadata(path)?
        })
    }
    fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError> {
        self.0.read_link(path)
    }
    fn space(&self, path: &Path) -> Result<Space, DiskError> {
        self.0.space(path)
    }
}

fn look(disk: FakeDisk) -> Recorder {
    let clock = Arc::new(FakeClock::at(Timestamp::from_seconds(NOW)));
    let world = World {
        clock: clock.clone(),
        disk: Arc::new(Dated(disk)),
        network: Arc::new(NoNetwork),
        randomness: Arc::new(FakeRandomness::default()),
    };
    let limit = Duration::from_secs(600);
    let window = Window::open(clock, Stop::default(), Duration::ZERO, limit);
    let mut source = LogSource::new(world);
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    recorder
}

fn recorded(name: &str) -> String {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded");
    std::fs::read_to_string(recorded.join(name)).unwrap()
}

/// Numbers of mail by subject and metric, each with its moment.
fn numbers(recorder: &Recorder) -> BTreeMap<(String, String), (f64, Timestamp)> {
    let told = recorder.records.iter().filter_map(|record| {
        let Said::Saw(observation) = &record.said else {
            return None;
        };
        let Fact::Measurement(m) = &observation.fact else {
            return None;
        };
        assert!(metric(&m.metric).is_some(), "{} is in no list", m.metric);
        let key = (m.subject.to_string(), m.metric.clone());
        Some((key, (m.value, observation.seen.last)))
    });
    told.filter(|((_, metric), _)| metric.starts_with("mail_"))
        .collect()
}

fn value(recorder: &Recorder, subject: &str, metric: &str) -> Option<f64> {
    let key = (subject.to_owned(), metric.to_owned());
    numbers(recorder).get(&key).map(|(value, _)| *value)
}

/// What stands behind `field` in each line that was delivered, in seconds, sorted.
fn by_hand(log: &str, field: &str, delivered: &str, seconds: impl Fn(&str) -> f64) -> Vec<f64> {
    let lines = log.lines().filter(|line| line.contains(delivered));
    let values = lines.filter_map(|line| line.split(field).nth(1)?.split(", ").next());
    let mut all: Vec<f64> = values.map(seconds).collect();
    all.sort_by(f64::total_cmp);
    all
}

fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted[(sorted.len() * percent).div_ceil(100) - 1]
}

fn assert_near(told: Option<f64>, exact: f64) {
    let told = told.unwrap();
    assert!((told - exact).abs() <= exact / 32.0, "{told} for {exact}");
}

#[test]
fn a_real_postfix_tells_how_long_its_mail_took() {
    let log = recorded("postfix-senders.log");
    let recorder = look(FakeDisk::new().file("/var/log/mail.log", log.clone()));
    let exact = by_hand(&log, ", delay=", "status=sent (", |text| {
        text.parse().unwrap()
    });
    assert!(
        exact.len() >= 10 && percentile(&exact, 95) > 0.0,
        "{exact:?}"
    );
    let of = |metric: &str| value(&recorder, "Postfix, Saturday", metric);
    assert_near(of("mail_delay_p50_seconds"), percentile(&exact, 50));
    assert_near(of("mail_delay_p95_seconds"), percentile(&exact, 95));
    assert_eq!(of("mail_messages"), Some(exact.len() as f64));
    let put_off = log.matches("status=deferred (").count();
    let returned = log.matches("status=bounced (").count();
    assert_eq!(of("mail_deferred"), Some(put_off as f64));
    assert_eq!(of("mail_bounced"), Some(returned as f64));
}

/// Twelve that went at once, four at a slow server, two that were tried again for nine seconds; one refused, one in vain.
#[test]
fn tries_are_no_deliveries_and_a_delay_counts_them_all() {
    let log = recorded("postfix-delays.log")
        .replace("Nov 22", "Nov 21")
        .replace(" 18:", " 17:");
    let recorder = look(FakeDisk::new().file("/var/log/mail.log", log.clone()));
    let of = |metric: &str| value(&recorder, "Postfix, Saturday", metric);
    assert_eq!(of("mail_messages"), Some(18.0));
    assert_near(of("mail_delay_p50_seconds"), 0.01);
    assert_near(of("mail_delay_p95_seconds"), 9.0);
    assert_eq!(of("mail_bounced"), Some(1.0));
    let put_off = log.matches("status=deferred (").count();
    assert_eq!(of("mail_deferred"), Some(put_off as f64));
    assert!(put_off > 30, "every try is one: {put_off}");
}

#[test]
fn a_relay_that_waits_for_seconds_is_told_so() {
    let log = recorded("postfix-relay.log");
    let disk = FakeDisk::new()
        .file("/proc/sys/kernel/hostname", "oldmail\n")
        .file("/var/log/mail.log", log.clone());
    let exact = by_hand(&log, ", delay=", "status=sent (", |text| {
        text.parse().unwrap()
    });
    let p95 = value(&look(disk), "Postfix, Friday", "mail_delay_p95_seconds");
    assert_near(p95, percentile(&exact, 95));
    assert!(p95 > Some(4.0), "{p95:?}");
}

#[test]
fn a_real_sendmail_tells_how_long_its_mail_took() {
    let log = recorded("sendmail.log");
    let disk = FakeDisk::new()
        .file("/var/log/mail.log", log.clone())
        .file("/etc/mail/sendmail.cf", recorded("sendmail.cf"));
    let recorder = look(disk);
    let exact = by_hand(&log, ", delay=", "stat=Sent", |text| {
        let parts = text.split(':').map(|part| part.parse::<f64>().unwrap());
        parts.fold(0.0, |sum, part| sum * 60.0 + part)
    });
    let of = |metric: &str| value(&recorder, "Sendmail, Saturday", metric);
    assert_near(of("mail_delay_p50_seconds"), percentile(&exact, 50));
    assert_near(of("mail_delay_p95_seconds"), percentile(&exact, 95));
    // What goes to a program comes to its end at nobody.
    let to_programs = log.matches("mailer=prog").count();
    assert_eq!(
        of("mail_messages"),
        Some((exact.len() - to_programs) as f64)
    );
}

/// Its ids hold when a message came: here all of them went within the second.
#[test]
fn a_real_exim_tells_how_long_its_mail_took_without_saying_so() {
    let log = recorded("exim-mainlog.log");
    let recorder = look(FakeDisk::new().file("/var/log/exim4/mainlog", log.clone()));
    let of = |metric: &str| value(&recorder, "Exim, Saturday", metric);
    assert_eq!(
        of("mail_messages"),
        Some(log.matches(" => ").count() as f64)
    );
    assert_eq!(of("mail_delay_p95_seconds"), Some(0.0));
    let late = log.replace(" C=\"250 ok\"", " C=\"250 ok\" QT=1m10s DT=0s");
    let recorder = look(FakeDisk::new().file("/var/log/exim4/mainlog", late));
    let p95 = value(&recorder, "Exim, Saturday", "mail_delay_p95_seconds");
    assert_near(p95, 70.0);
}

#[test]
fn a_log_that_tells_no_delay_is_no_delay_of_zero() {
    let log = recorded("postfix-senders.log");
    let without: String = log
        .split_inclusive('\n')
        .map(|line| match (line.find(", delay="), line.find(", dsn=")) {
            (Some(from), Some(to)) => format!("{}{}", &line[..from], &line[to..]),
            _ => line.to_owned(),
        })
        .collect();
    assert!(!without.contains("delay"));
    let recorder = look(FakeDisk::new().file("/var/log/mail.log", without));
    let of = |metric: &str| value(&recorder, "Postfix, Saturday", metric);
    assert!(of("mail_messages") > Some(9.0));
    assert_eq!(of("mail_delay_p95_seconds"), None);
    // Where there is no mail server, nothing is said of mail at all.
    let sshd = look(FakeDisk::new().file("/var/log/auth.log", recorded("sshd.log")));
    assert!(numbers(&sshd).is_empty());
}

#[test]
fn what_stands_in_two_logs_is_told_once_and_a_log_left_behind_not_at_all() {
    let log = recorded("postfix-senders.log");
    let disk = || FakeDisk::new().file("/var/log/mail.log", log.clone());
    let once = numbers(&look(disk()));
    let half: String = log.split_inclusive('\n').take(60).collect();
    let twice = disk()
        .file("/var/log/mail.info", log.clone())
        .file("/var/log/syslog", half);
    assert_eq!(numbers(&look(twice)), once);
    let october = log.replace("Nov 21", "Oct 21");
    let old = look(FakeDisk::new().file("/var/log/mail.log", october));
    assert!(numbers(&old).is_empty(), "{:?}", numbers(&old));
}

/// A number since a move holds nothing from before it.
#[test]
fn the_moment_of_a_number_is_the_first_thing_it_counts() {
    let log = recorded("postfix-senders.log");
    let moments = |log: String| -> Vec<String> {
        let told = numbers(&look(FakeDisk::new().file("/var/log/mail.log", log)));
        let moments = told.into_values().map(|(_, at)| at.to_string());
        moments.collect()
    };
    let whole = moments(log.clone());
    assert_eq!(whole.len(), 5);
    assert!(
        whole.iter().all(|at| at.starts_with("2026-11-21T06:03:14")),
        "{whole:?}"
    );
    // Where lines may be missing, it is the begin of the day: a moment never goes back.
    let of_others =
        format!("{log}Nov 21 06:04:00 other postfix/smtpd[1]: connect from a[10.0.0.1]\n");
    let disk = FakeDisk::new()
        .file("/proc/sys/kernel/hostname", "mail1\n")
        .file("/var/log/mail.log", of_others);
    let part = numbers(&look(disk));
    assert_eq!(part.len(), 5);
    for (_, at) in part.into_values() {
        assert!(at.to_string().starts_with("2026-11-21T00:00:00"), "{at}");
    }
}

/// Files are read from where they were left, and the numbers of a day are those of all its lines.
#[test]
fn the_next_look_tells_the_same_as_one_that_reads_everything() {
    let machine = Machine::new();
    let mails = |numbers: std::ops::Range<u32>| -> String {
        numbers
            .map(|n| machine::mail("10.20.1.5", n, "svc-erp"))
            .collect()
    };
    machine.append("mail.log", &mails(0..40));
    let first = numbers(&machine.look_again().recorder);
    machine.append("mail.log", &mails(40..50));
    let second = numbers(&machine.look_again().recorder);
    machine.rename("mail.log", "mail.log.1");
    machine.append("mail.log", &mails(50..60));
    let rotated = numbers(&machine.look_again().recorder);
    let anew = Machine::beside(&machine).look(Duration::ZERO, &|_| ());
    assert_eq!(rotated, numbers(&anew.recorder));
    let messages = |told: &BTreeMap<(String, String), (f64, Timestamp)>| {
        let of = told
            .iter()
            .find(|((_, metric), _)| metric == "mail_messages");
        of.map(|(_, (value, _))| *value)
    };
    let all = [&first, &second, &rotated].map(messages);
    assert_eq!(all, [Some(40.0), Some(50.0), Some(60.0)]);
}
