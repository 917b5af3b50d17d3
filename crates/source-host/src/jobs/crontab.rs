//! crontab, anacrontab and at job files → jobs. Pure.

use groma_model::Foreign;
use groma_model::schedule::{Cron, Zone, rhythm_of_seconds};

use super::command::{beside_directory, program};
use crate::text::{lossy, meaningful_lines, pair, words, words_at};

/// Lines of one crontab that are read at all.
const LINES_MAX: usize = 20_000;

/// One job of a crontab.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Line {
    pub(crate) number: u32,
    pub(crate) schedule: String,
    pub(crate) rhythm: Option<&'static str>,
    pub(crate) user: Option<Foreign>,
    pub(crate) executable: Option<Foreign>,
    /// The directory whose scripts it runs one by one (`run-parts`), where that is all it does.
    pub(crate) directory: Option<Foreign>,
    /// It steps back where systemd runs, because a timer does the same (a habit of Debian's packages).
    pub(crate) unless_systemd: bool,
    /// What the settings above it say of when it runs.
    pub(crate) timing: Timing,
    /// Seconds it waits once it is due (anacrontab).
    pub(crate) delay_seconds: Option<u64>,
}

impl Line {
    /// True if both run at the same times and as the same account.
    pub(crate) fn runs_when(&self, other: &Self) -> bool {
        (&self.schedule, &self.user, &self.timing) == (&other.schedule, &other.user, &other.timing)
    }
}

/// Settings of a table that move the jobs below them. No other setting is looked at: it may be a secret.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Timing {
    /// `CRON_TZ`, where it names a zone.
    pub(crate) time_zone: Option<String>,
    /// `RANDOM_DELAY`, written in minutes.
    pub(crate) random_delay_seconds: Option<u64>,
    /// `START_HOURS_RANGE`.
    pub(crate) hours: Option<String>,
}

impl Timing {
    /// True if the line is a setting; those that count are taken.
    fn takes(&mut self, line: &[u8]) -> bool {
        let Some((name, value)) = setting(line) else {
            return false;
        };
        let value = || {
            let text = lossy(value);
            text.trim_matches(['"', '\'']).trim().to_owned()
        };
        match name {
            b"CRON_TZ" => {
                self.time_zone = Some(value()).filter(|name| Zone::named(name).is_some());
            }
            b"RANDOM_DELAY" => {
                let minutes = value()
                    .parse::<u64>()
                    .ok()
                    .filter(|m| (1..=1440).contains(m));
                self.random_delay_seconds = minutes.map(|minutes| minutes * 60);
            }
            b"START_HOURS_RANGE" => {
                let range = value();
                let plain =
                    range.len() < 8 && range.bytes().all(|b| b.is_ascii_digit() || b == b'-');
                self.hours = Some(range).filter(|_| plain);
            }
            _ => {}
        }
        true
    }
}

/// Reads a crontab(5); `with_user` for system tables, whose sixth word is the account. The number of lines
/// that were not understood comes second.
pub(crate) fn crontab(bytes: &[u8], with_user: bool) -> (Vec<Line>, usize) {
    let (mut jobs, mut unread, mut timing) = (Vec::new(), 0, Timing::default());
    for (number, line) in meaningful_lines(bytes).take(LINES_MAX) {
        if timing.takes(line) {
            continue;
        }
        match job(number, line, with_user) {
            Some(job) => jobs.push(Line {
                timing: timing.clone(),
                ..job
            }),
            None => unread += 1,
        }
    }
    (jobs, unread)
}

/// `NAME=value`, with blanks allowed around the sign.
fn setting(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = pair(line, b'=')?;
    let bare = name
        .strip_prefix(b"\"")
        .and_then(|n| n.strip_suffix(b"\""))
        .unwrap_or(name);
    let is_name = bare
        .first()
        .is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
        && bare.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
    is_name.then_some((bare, value))
}

fn job(number: u32, line: &[u8], with_user: bool) -> Option<Line> {
    // A leading minus (SUSE, cronie) only says: do not log.
    let line = line.strip_prefix(b"-").unwrap_or(line);
    let fields = if line.first() == Some(&b'@') { 1 } else { 5 };
    let words: Vec<(usize, &[u8])> = words_at(line).collect();
    let schedule: Vec<&[u8]> = words.iter().take(fields).map(|(_, word)| *word).collect();
    let schedule = lossy(&schedule.join(&b' '));
    let rhythm = rhythm(&schedule)?;
    let (start, _) = words.get(fields + usize::from(with_user))?;
    let user = words
        .get(fields)
        .filter(|_| with_user)
        .map(|(_, word)| Foreign::from_bytes(*word));
    let command = before_input(line.get(*start..)?);
    let directory = super::command::directory_run(&command);
    Some(Line {
        number,
        schedule,
        rhythm,
        user,
        executable: match &directory {
            Some(_) => beside_directory(&command),
            None => program(&command),
        },
        directory,
        unless_systemd: super::command::yields_to_systemd(&command),
        ..Line::default()
    })
}

/// The command up to the first `%` that is not escaped: what follows is its input (crontab(5)).
fn before_input(command: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(command.len());
    let mut escaped = false;
    for byte in command {
        match (escaped, byte) {
            (false, b'%') => break,
            (false, b'\\') => escaped = true,
            (true, b'%') => {
                out.push(b'%');
                escaped = false;
            }
            (true, other) => {
                out.extend([b'\\', *other]);
                escaped = false;
            }
            (false, other) => out.push(*other),
        }
    }
    out
}

/// The outer option: is it a schedule at all; the inner: has its rhythm a word.
fn rhythm(schedule: &str) -> Option<Option<&'static str>> {
    match schedule {
        "@reboot" => Some(Some("boot")),
        other => Cron::parse(other).map(|cron| cron.rhythm()),
    }
}

/// Reads anacrontab(5): period, delay, name, command.
pub(crate) fn anacrontab(bytes: &[u8]) -> (Vec<(Foreign, Line)>, usize) {
    let (mut jobs, mut unread, mut timing) = (Vec::new(), 0, Timing::default());
    for (number, line) in meaningful_lines(bytes).take(LINES_MAX) {
        if timing.takes(line) {
            continue;
        }
        match anacron_job(number, line) {
            Some((name, job)) => jobs.push((
                name,
                Line {
                    timing: timing.clone(),
                    ..job
                },
            )),
            None => unread += 1,
        }
    }
    (jobs, unread)
}

fn anacron_job(number: u32, line: &[u8]) -> Option<(Foreign, Line)> {
    let words: Vec<(usize, &[u8])> = words_at(line).collect();
    let (_, period) = words.first()?;
    let rhythm = match *period {
        b"@daily" => Some("daily"),
        b"@weekly" => Some("weekly"),
        b"@monthly" => Some("monthly"),
        b"@yearly" | b"@annually" => Some("yearly"),
        days => {
            let days: u64 = std::str::from_utf8(days).ok()?.parse().ok()?;
            rhythm_of_seconds(days.saturating_mul(86_400))
        }
    };
    let delay: u32 = std::str::from_utf8(words.get(1)?.1).ok()?.parse().ok()?;
    let name = Foreign::from_bytes(words.get(2)?.1);
    let command = line.get(words.get(3)?.0..)?;
    let schedule = match std::str::from_utf8(period).ok()? {
        days if days.starts_with('@') => days.to_owned(),
        days => format!("every {days} days"),
    };
    let directory = super::command::directory_run(command);
    let line = Line {
        number,
        schedule,
        rhythm,
        user: None,
        executable: match &directory {
            Some(_) => beside_directory(command),
            None => program(command),
        },
        directory,
        unless_systemd: super::command::yields_to_systemd(command),
        delay_seconds: Some(u64::from(delay) * 60),
        ..Line::default()
    };
    Some((name, line))
}

/// The day a job of anacron last ran: `20261103` in the file its spool keeps for it, as the noon of that day.
pub(crate) fn anacron_stamp(bytes: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(bytes.trim_ascii()).ok()?;
    if text.len() != 8 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (year, month, day) = (text.get(..4)?, text.get(4..6)?, text.get(6..)?);
    let noon: groma_model::Timestamp = format!("{year}-{month}-{day}T12:00:00Z").parse().ok()?;
    Some(noon.millis() / 1000)
}

/// When a job of at(1) is due, out of its file's name: queue letter, five hex digits, minutes since 1970 in hex.
pub(crate) fn at_minutes(name: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(name).ok().filter(|t| t.len() == 14)?;
    let queued = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '=');
    let digits = text.get(1..)?;
    let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
    (queued && hex).then(|| i64::from_str_radix(digits.get(5..)?, 16).ok())?
}

/// The uid and the program of a job file of at(1): a shell script that sets the environment of the caller,
/// which is skipped unread, changes the directory, and then does the work.
pub(crate) fn at_job(bytes: &[u8]) -> (Option<String>, Option<Foreign>) {
    let uid = meaningful_or_comment(bytes).find_map(|line| {
        let rest = line.strip_prefix(b"# atrun uid=")?;
        words(rest).next().map(lossy)
    });
    let mut work = bytes
        .split(|b| *b == b'\n')
        .skip_while(|line| !(line.starts_with(b"cd ") && line.ends_with(b"|| {")))
        .skip_while(|line| *line != b"}")
        .skip(1);
    let executable = work.find_map(|line| {
        // Other makers hand the work to the user's shell as a here-document.
        let handed = line.windows(2).any(|w| w == b"<<");
        if handed { None } else { program(line) }
    });
    (uid, executable)
}

fn meaningful_or_comment(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|b| *b == b'\n').take(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, Option<&'static str>, String, String)> {
        let show = |f: Option<Foreign>| f.map_or("-".into(), |f| f.lossy().into_owned());
        crontab(text.as_bytes(), true)
            .0
            .into_iter()
            .map(|l| (l.schedule, l.rhythm, show(l.user), show(l.executable)))
            .collect()
    }

    #[test]
    fn a_system_crontab_names_schedule_user_and_program() {
        let jobs = read(
            "SHELL=/bin/sh\nMAILTO = \"x\"\n# 1 2 3 4 5 root /no\n15 2 1 * * backup /opt/report/run --password=x\n@reboot root /usr/local/bin/up\n",
        );
        assert_eq!(
            jobs,
            [
                (
                    "15 2 1 * *".into(),
                    Some("monthly"),
                    "backup".into(),
                    "/opt/report/run".into()
                ),
                (
                    "@reboot".into(),
                    Some("boot"),
                    "root".into(),
                    "/usr/local/bin/up".into()
                ),
            ]
        );
    }

    #[test]
    fn settings_that_move_jobs_count_for_the_lines_below_them() {
        let table = b"0 1 * * * /a\nCRON_TZ=America/New_York\n0 2 * * * /b\nCRON_TZ = \"Asia/Tokyo\"\nRANDOM_DELAY=45\n0 3 * * * /c\nCRON_TZ=Nowhere/Land\n0 4 * * * /d\n";
        let told: Vec<_> = crontab(table, false)
            .0
            .into_iter()
            .map(|l| (l.timing.time_zone, l.timing.random_delay_seconds))
            .collect();
        assert_eq!(
            told,
            [
                (None, None),
                (Some("America/New_York".into()), None),
                (Some("Asia/Tokyo".into()), Some(2_700)),
                (None, Some(2_700)),
            ]
        );
    }

    #[test]
    fn the_day_in_the_spool_of_anacron_is_read() {
        assert_eq!(anacron_stamp(b"20261103\n"), Some(1_793_707_200));
        for odd in [
            b"".as_slice(),
            b"2026110",
            b"20261399",
            b"yesterday",
            b"\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert_eq!(anacron_stamp(odd), None);
        }
    }

    #[test]
    fn what_is_no_schedule_is_counted_not_guessed() {
        let (jobs, unread) = crontab(
            b"99 2 * * * root /x\nhello\n* * * *\n@sometimes root /x\n5-1 * * * * root /x\n",
            true,
        );
        assert_eq!((jobs, unread), (vec![], 5));
    }

    #[test]
    fn a_line_that_runs_a_directory_says_which() {
        let (jobs, _) = crontab(b"25 6 * * * root test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }\n", true);
        assert_eq!(jobs[0].directory, Some("/etc/cron.daily".into()));
        let (jobs, _) = crontab(b"25 6 * * * root /opt/x /etc/cron.daily\n", true);
        assert_eq!(jobs[0].directory, None);
    }

    #[test]
    fn a_line_that_leaves_the_work_to_a_timer_is_known() {
        let guarded = b"10 3 * * * root test -e /run/systemd/system || SERVICE_MODE=1 /sbin/e2scrub_all -A -r\n\
            0 */12 * * * root test -x /usr/bin/certbot -a \\! -d /run/systemd/system && certbot -q renew\n\
            09,39 * * * * root [ -x /usr/lib/php/sessionclean ] && if [ ! -d /run/systemd/system ]; then /usr/lib/php/sessionclean; fi\n";
        assert_eq!(
            crontab(guarded, true)
                .0
                .iter()
                .map(|l| l.unless_systemd)
                .collect::<Vec<_>>(),
            [true, true, true]
        );
        let plain = b"1 1 * * * root ls /run/systemd/system\n1 1 * * * root test -d /run/systemd/system && /opt/a\n";
        assert_eq!(
            crontab(plain, true)
                .0
                .iter()
                .map(|l| l.unless_systemd)
                .collect::<Vec<_>>(),
            [false, false]
        );
    }

    #[test]
    fn input_after_a_percent_sign_is_not_part_of_the_command() {
        let (jobs, _) = crontab(b"0 1 * * * /usr/bin/mail -s x a@b%s3cr3t\n", false);
        assert_eq!(jobs[0].executable, Some("/usr/bin/mail".into()));
        assert_eq!(before_input(b"date +\\%F%x"), b"date +%F");
    }

    #[test]
    fn anacron_periods_become_rhythms() {
        let table = b"SHELL=/bin/sh\nSTART_HOURS_RANGE=3-22\n1 5 cron.daily nice run-parts /etc/cron.daily\n7 10 weekly-report /opt/report/weekly\n@monthly 45 cron.monthly nice run-parts /etc/cron.monthly\n";
        let (jobs, unread) = anacrontab(table);
        let short: Vec<_> = jobs
            .iter()
            .map(|(name, l)| {
                (
                    name.lossy().into_owned(),
                    l.schedule.as_str(),
                    l.rhythm,
                    l.directory.is_some(),
                )
            })
            .collect();
        assert_eq!(unread, 0);
        assert_eq!(
            short,
            [
                ("cron.daily".into(), "every 1 days", Some("daily"), true),
                (
                    "weekly-report".into(),
                    "every 7 days",
                    Some("weekly"),
                    false
                ),
                ("cron.monthly".into(), "@monthly", Some("monthly"), true),
            ]
        );
    }

    #[test]
    fn a_recorded_at_job_names_its_program_and_hides_its_environment() {
        let job = include_bytes!("../../tests/fixtures/at-3.2.5/job");
        let name = include_str!("../../tests/fixtures/at-3.2.5/name").trim();
        let (uid, executable) = at_job(job);
        assert_eq!(
            (uid.as_deref(), executable),
            (Some("0"), Some("/opt/report/once".into()))
        );
        assert!(
            job.windows(6).any(|w| w == b"hunter"),
            "the recording holds a secret in its environment"
        );
        assert_eq!(at_minutes(name.as_bytes()), Some(30_106_050));
        assert_eq!(at_minutes(b".SEQ"), None);
    }

    #[test]
    fn hammered_crontabs_never_panic() {
        let corpus: &[&[u8]] = &[
            b"15 2 1 * * backup FOO='a b' /opt/report/run --x | logger\n",
            b"1 5 cron.daily nice run-parts /etc/cron.daily\n",
            b"0-59/3 */2 1-31 jan-dec sun root sh -c 'cd / && x'\n",
            include_bytes!("../../tests/fixtures/at-3.2.5/job"),
        ];
        groma_fuzz::hammer(2000, corpus, |bytes| {
            crontab(bytes, true);
            crontab(bytes, false);
            anacrontab(bytes);
            at_job(bytes);
            at_minutes(bytes);
            anacron_stamp(bytes);
        });
    }

    proptest::proptest! {
        #[test]
        fn a_crontab_line_is_read_or_counted(line in "[0-9*/,@a-z -]{1,40}") {
            let (jobs, unread) = crontab(line.as_bytes(), false);
            let meant = meaningful_lines(line.as_bytes()).filter(|(_, l)| setting(l).is_none()).count();
            proptest::prop_assert_eq!(jobs.len() + unread, meant);
        }
    }
}
