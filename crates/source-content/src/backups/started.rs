//! What a clock starts here: lines of crontabs, scripts in the directories cron runs, services behind timers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use groma_model::schedule::{Cron, cron_takes, is_user_table, timer_rhythm};
use groma_source::{Entry, EntryKind};

use crate::enabled::Enabled;
use crate::reading::Reading;
use crate::text::{extension, file_name, lossy};

/// A text of commands, with when it runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Started {
    pub(super) file: PathBuf,
    /// First line of the text in its file.
    pub(super) line: u32,
    pub(super) text: String,
    pub(super) schedule: Option<String>,
    pub(super) rhythm: Option<&'static str>,
    /// False for a timer that is installed and not enabled.
    pub(super) runs: bool,
}

const PARTS: &[(&str, &str)] = &[
    ("/etc/cron.hourly", "hourly"),
    ("/etc/cron.daily", "daily"),
    ("/etc/cron.weekly", "weekly"),
    ("/etc/cron.monthly", "monthly"),
];
const TABLES: &[(&str, bool)] = &[
    ("/etc/cron.d", true),
    ("/var/spool/cron/crontabs", false),
    ("/var/spool/cron/tabs", false),
    ("/etc/crontabs", false),
    ("/var/spool/cron", false),
];
const UNITS: &[&str] = &[
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/lib/systemd/system",
    "/usr/lib/systemd/system",
];
/// Scripts are text: a larger file is a program.
const SCRIPT_BYTES_MAX: usize = 256 << 10;

/// Everything a clock starts.
pub(super) fn all(reading: &mut Reading<'_>) -> Vec<Started> {
    let mut started = Vec::new();
    let debian = reading.metadata(Path::new("/etc/debian_version")).is_ok();
    table(reading, Path::new("/etc/crontab"), true, &mut started);
    for (directory, with_user) in TABLES {
        for entry in files(reading, directory) {
            let name = file_name(&entry.path);
            let counts = match *with_user {
                true => cron_takes(name, debian),
                false => is_user_table(name),
            };
            if counts {
                table(reading, &entry.path, *with_user, &mut started);
            }
        }
    }
    for (directory, rhythm) in PARTS {
        for entry in files(reading, directory) {
            if !cron_takes(file_name(&entry.path), debian) || !may_run(reading, &entry.path) {
                continue;
            }
            let text = script(reading, &entry.path);
            started.extend(text.map(|text| Started {
                file: entry.path.clone(),
                line: 1,
                text,
                schedule: None,
                rhythm: Some(rhythm),
                runs: true,
            }));
        }
    }
    let enabled = Enabled::read(reading);
    let mut names = BTreeSet::new();
    for directory in UNITS {
        timers(reading, directory, &enabled, &mut names, &mut started);
    }
    started.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    started.dedup_by(|a, b| (&a.file, a.line) == (&b.file, b.line));
    started
}

fn files(reading: &mut Reading<'_>, directory: &str) -> Vec<Entry> {
    let mut entries = reading.list(Path::new(directory)).unwrap_or_default();
    entries.retain(|e| {
        matches!(e.kind, EntryKind::File | EntryKind::Link) && !file_name(&e.path).starts_with(b".")
    });
    entries
}

/// False for a script whose rights say that nobody runs it.
fn may_run(reading: &mut Reading<'_>, path: &Path) -> bool {
    let found = reading.metadata(path).ok();
    let mode = found
        .filter(|m| m.kind == EntryKind::File)
        .and_then(|m| m.mode);
    mode.is_none_or(|mode| mode & 0o111 != 0)
}

/// A file that is a script: it begins with `#!` and a shell, or is plain text.
fn script(reading: &mut Reading<'_>, path: &Path) -> Option<String> {
    let bytes = reading.read(path).ok()?;
    let is_text = bytes.len() <= SCRIPT_BYTES_MAX && !bytes.contains(&0);
    is_text.then(|| lossy(&bytes))
}

/// crontab(5): five fields or a name with `@`, in system tables an account, then the command.
fn table(reading: &mut Reading<'_>, file: &Path, with_user: bool, started: &mut Vec<Started>) {
    let Ok(Some(bytes)) = reading.read_if_there(file) else {
        return;
    };
    let text = lossy(&bytes);
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let Some((schedule, command)) = scheduled(line, with_user) else {
            continue;
        };
        let number = u32::try_from(number + 1).unwrap_or(u32::MAX);
        let when = Started {
            file: file.to_owned(),
            line: number,
            text: command.to_owned(),
            rhythm: Cron::parse(&schedule).and_then(|cron| cron.rhythm()),
            schedule: Some(schedule),
            runs: true,
        };
        started.extend(behind(reading, &when));
        started.push(when);
    }
}

fn scheduled(line: &str, with_user: bool) -> Option<(String, &str)> {
    if !line.starts_with(|c: char| c.is_ascii_digit() || c == '*' || c == '@') {
        return None;
    }
    let fields = if line.starts_with('@') { 1 } else { 5 };
    let (mut rest, mut schedule) = (line, Vec::new());
    for at in 0..fields + usize::from(with_user) {
        let (word, tail) = rest.split_once(char::is_whitespace)?;
        if at < fields {
            schedule.push(word);
        }
        rest = tail.trim_start();
    }
    (!rest.is_empty()).then(|| (schedule.join(" "), rest))
}

/// The scripts that a line starts by their path: their commands run when the line does.
fn behind(reading: &mut Reading<'_>, when: &Started) -> Vec<Started> {
    let (commands, _) = super::shell::commands(&when.text);
    let mut scripts = Vec::new();
    for command in commands {
        let named = command.words.iter().find(|w| {
            w.starts_with('/')
                && !w.starts_with("/bin/")
                && !w.starts_with("/usr/bin/")
                && !w.starts_with("/usr/sbin/")
        });
        // Only what the line runs: its first words, not a file it hands over.
        let Some(path) = named.filter(|n| {
            command
                .words
                .iter()
                .position(|w| w == *n)
                .is_some_and(|at| at < 4)
        }) else {
            continue;
        };
        let path = Path::new(path);
        let text = script(reading, path).filter(|t| t.starts_with("#!"));
        scripts.extend(text.map(|text| Started {
            file: path.to_owned(),
            line: 1,
            text,
            ..when.clone()
        }));
    }
    scripts
}

/// Services that a timer of the same name starts (systemd.timer(5)). A unit of the same name in an earlier directory
/// wins, also one that is masked. One with `[Install]` runs only where something wants it.
fn timers(
    reading: &mut Reading<'_>,
    directory: &str,
    enabled: &Enabled,
    names: &mut BTreeSet<Vec<u8>>,
    started: &mut Vec<Started>,
) {
    for entry in files(reading, directory) {
        let name = file_name(&entry.path).to_vec();
        // A template is nothing that runs; its instances are.
        if extension(&entry.path) != b"timer"
            || name.ends_with(b"@.timer")
            || !names.insert(name.clone())
        {
            continue;
        }
        let Ok(Some(timer)) = reading.read_if_there(&entry.path) else {
            continue;
        };
        let timer = lossy(&timer);
        let runs =
            !timer.lines().any(|l| l.trim() == "[Install]") || enabled.is_wanted(&lossy(&name));
        let schedule = setting(&timer, "OnCalendar=").next().map(str::to_owned);
        let unit = setting(&timer, "Unit=").next().map(str::to_owned);
        let unit = unit.unwrap_or_else(|| lossy(file_name(&entry.path.with_extension("service"))));
        let Some((service, text)) = service(reading, &unit) else {
            continue;
        };
        let when = Started {
            file: service,
            line: 1,
            text,
            rhythm: schedule
                .as_deref()
                .and_then(|s| timer_rhythm(&format!("OnCalendar={s}"))),
            schedule,
            runs,
        };
        started.extend(behind(reading, &when));
        started.push(when);
    }
}

/// The commands of a service, with what its environment says before them, from the first directory that has it.
fn service(reading: &mut Reading<'_>, unit: &str) -> Option<(PathBuf, String)> {
    for directory in UNITS {
        let path = Path::new(directory).join(unit);
        let Ok(Some(bytes)) = reading.read_if_there(&path) else {
            continue;
        };
        let unit = whole_lines(&lossy(&bytes));
        let commands =
            setting(&unit, "ExecStart=").map(|c| c.trim_start_matches(['-', '+', '!', '@', ':']));
        let environment = setting(&unit, "Environment=").map(|e| e.trim_matches('"'));
        let text = environment.chain(commands).collect::<Vec<_>>().join("\n");
        return Some((path, text));
    }
    None
}

/// A backslash at its end lets a line go on, comments between its parts are passed over, and no comment goes on itself
/// (systemd.syntax(7)).
fn whole_lines(unit: &str) -> String {
    let mut whole = String::with_capacity(unit.len());
    let is_comment = |line: &&str| line.trim_start().starts_with(['#', ';']);
    for line in unit.lines().filter(|line| !is_comment(line)) {
        match line.strip_suffix('\\') {
            Some(part) => whole.extend([part, " "]),
            None => whole.extend([line, "\n"]),
        }
    }
    whole
}

fn setting<'a>(unit: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    unit.lines()
        .filter_map(move |line| line.trim().strip_prefix(name))
        .filter(|v| !v.is_empty())
}

#[cfg(test)]
mod tests {
    use groma_source::testing::{FakeDisk, window, world};

    use super::*;

    fn read(disk: FakeDisk) -> Vec<String> {
        let world = world(disk);
        let window = window(&world);
        let hour = std::time::Duration::from_secs(3600);
        let budget = groma_source::Budget::default();
        let mut reading = Reading::begin(world.disk.as_ref(), &window, &budget, hour);
        let all = all(&mut reading);
        all.iter()
            .map(|s| format!("{}: {}", s.file.display(), s.text.trim()))
            .collect()
    }

    #[test]
    fn what_was_put_aside_starts_nothing_and_what_stands_beside_it_does() {
        let script = "tar czf /b/x.tgz /srv";
        let disk = FakeDisk::new()
            .file("/etc/cron.daily/backup", script)
            .owned("/etc/cron.daily/backup", 0o755, 0, 0)
            .file("/etc/cron.daily/off", script)
            .owned("/etc/cron.daily/off", 0o644, 0, 0)
            .file("/etc/cron.daily/old.disabled", script)
            .owned("/etc/cron.daily/old.disabled", 0o755, 0, 0)
            .file("/etc/cron.d/a.dpkg-old", "1 2 * * * root tar c /a\n")
            .file("/var/spool/cron/tabs/root", "1 2 * * * tar c /b\n")
            .file("/etc/crontabs/root", "1 2 * * * tar c /c\n")
            .file("/etc/crontabs/root~", "1 2 * * * tar c /d\n");
        assert_eq!(
            read(disk),
            [
                "/etc/cron.daily/backup: tar czf /b/x.tgz /srv",
                "/etc/crontabs/root: tar c /c",
                "/var/spool/cron/tabs/root: tar c /b"
            ]
        );
    }

    #[test]
    fn a_command_of_a_unit_goes_on_behind_a_backslash() {
        let disk = FakeDisk::new()
            .file("/etc/systemd/system/b.timer", "[Timer]\nOnCalendar=daily\n")
            .file(
                "/etc/systemd/system/b.service",
                "[Service]\nExecStart=/usr/bin/rsync -a \\\n  /srv/ nas1:/b\nUser=root\n",
            );
        let found = read(disk);
        assert!(
            found
                .iter()
                .any(|s| s.ends_with("/usr/bin/rsync -a    /srv/ nas1:/b")),
            "{found:?}"
        );
    }

    #[test]
    fn a_comment_that_ends_in_a_backslash_swallows_no_command() {
        let unit =
            "[Service]\n# where to \\\nExecStart=/bin/a -x \\\n; why\n -y\n#ExecStart=/bin/ghost\n";
        let unit = whole_lines(unit);
        let commands: Vec<&str> = setting(&unit, "ExecStart=").collect();
        assert_eq!(commands, ["/bin/a -x   -y"]);
    }

    #[test]
    fn a_line_is_split_into_when_and_what() {
        assert_eq!(
            scheduled("30 2 * * * root /usr/bin/x -a", true),
            Some(("30 2 * * *".into(), "/usr/bin/x -a"))
        );
        assert_eq!(
            scheduled("@daily tar c /x", false),
            Some(("@daily".into(), "tar c /x"))
        );
        assert_eq!(scheduled("MAILTO=root", true), None);
        assert_eq!(scheduled("# 1 2 * * * x", false), None);
    }
}
