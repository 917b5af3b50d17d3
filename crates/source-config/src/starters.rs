//! Who starts a script: the line of a crontab, a script of run-parts, the daemon whose configuration names it.
//!
//! A script in `/usr/local/sbin` belongs to nobody by its place; whoever starts it is who needs what it needs.

use std::collections::BTreeMap;
use std::path::Path;

use groma_knowledge::rules::Format;
use groma_model::Foreign;
use groma_model::fact::{Component, ComponentClass};
use groma_source::{Disk, EntryKind};

use crate::format::{self, commands};
use crate::placeholders::is_secret;
use crate::silence::is_copy;
use crate::text::{decode, lines};

const FILE_MAX: u64 = 1 << 20;
const ENTRIES_MAX: usize = 2_000;
/// Scripts whose starter is kept.
const STARTED_MAX: usize = 10_000;

/// Directories of programs that anybody may start: a starter says nothing about them.
const SYSTEM: &[&str] = &[
    "/bin/",
    "/sbin/",
    "/usr/bin/",
    "/usr/sbin/",
    "/usr/lib/",
    "/lib/",
    "/dev/",
    "/proc/",
    "/usr/libexec/",
];
/// Where a shell of cron looks for a program without a path, and where an administrator puts one.
const OWN_PROGRAMS: &[&str] = &["/usr/local/sbin/", "/usr/local/bin/", "/opt/bin/"];
/// Programs whose first argument is the script.
const INTERPRETERS: &[&str] = &[
    "sh", "bash", "dash", "ksh", "zsh", "python", "python2", "python3", "perl", "php", "ruby",
    "node", "pwsh", "Rscript", "tclsh", "expect", ".", "source",
];
/// Programs that start the rest of their line.
const WRAPPERS: &[&str] = &[
    "sudo",
    "env",
    "nice",
    "ionice",
    "timeout",
    "flock",
    "chronic",
    "nohup",
    "exec",
    "cronic",
    "setsid",
    "systemd-cat",
    "test",
    "[",
    "if",
    "then",
    "command",
    "time",
    "!",
];

/// Who starts a script, and how often.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Starter {
    pub(crate) component: Component,
    pub(crate) rhythm: Option<String>,
    /// The variables it gives: those of the crontab, and those on the line itself.
    pub(crate) given: BTreeMap<String, String>,
}

/// Scripts by path.
#[derive(Debug, Default)]
pub(crate) struct Starters {
    by_path: BTreeMap<String, Starter>,
}

impl Starters {
    /// Reads crontabs, run-parts and the few files in which daemons name programs. `units` says which units exist.
    pub(crate) fn look(disk: &dyn Disk, is_unit: &dyn Fn(&str) -> bool) -> Self {
        let mut starters = Self::default();
        starters.crontabs(disk);
        starters.run_parts(disk);
        starters.daemons(disk, is_unit);
        starters
    }

    /// Who starts the file at `path`.
    pub(crate) fn of(&self, path: &str) -> Option<&Starter> {
        self.by_path.get(path)
    }

    /// The one started script whose file name is `stem`, with or without an ending.
    pub(crate) fn named(&self, stem: &str) -> Option<&str> {
        let mut fitting = self.by_path.keys().filter(|path| {
            let name = path.rsplit('/').next().unwrap_or(path);
            name == stem || name.rsplit_once('.').is_some_and(|(s, _)| s == stem)
        });
        let first = fitting.next()?;
        fitting.next().is_none().then_some(first)
    }

    fn crontabs(&mut self, disk: &dyn Disk) {
        let mut tabs = vec![("/etc/crontab".to_owned(), Format::CronSystem)];
        for (directory, format) in [
            ("/etc/cron.d", Format::CronSystem),
            ("/var/spool/cron/crontabs", Format::CronUser),
            ("/var/spool/cron", Format::CronUser),
        ] {
            let paths = files(disk, directory).into_iter();
            tabs.extend(paths.map(|path| (path, format)));
        }
        for (path, format) in tabs {
            let Some(text) = text_of(disk, &path) else {
                continue;
            };
            self.jobs(disk, &path, format, &text);
        }
        let anacrontab = text_of(disk, "/etc/anacrontab").unwrap_or_default();
        self.jobs(disk, "/etc/anacrontab", Format::Anacron, &anacrontab);
    }

    /// The scripts of one table of jobs, each with the variables that stand above it.
    fn jobs(&mut self, disk: &dyn Disk, path: &str, format: Format, text: &str) {
        let variables = format::given(text);
        for setting in format::read(format, &[], text).all {
            let rhythm = format::rhythm(&setting.section).map(str::to_owned);
            let mut by = job(path, setting.line, rhythm);
            let above = variables.iter().filter(|(line, ..)| *line < setting.line);
            by.given = above.map(|(_, n, v)| (n.clone(), v.clone())).collect();
            self.started(disk, &setting.value, &by);
        }
    }

    fn run_parts(&mut self, disk: &dyn Disk) {
        for rhythm in ["hourly", "daily", "weekly", "monthly"] {
            for path in files(disk, &format!("/etc/cron.{rhythm}")) {
                let Some(text) = text_of(disk, &path).filter(|t| t.starts_with("#!")) else {
                    continue;
                };
                let by = Starter {
                    component: Component {
                        class: ComponentClass::ScheduledJob,
                        name: Foreign::from(path.as_str()),
                    },
                    rhythm: Some(rhythm.to_owned()),
                    given: BTreeMap::new(),
                };
                for setting in format::read(Format::Shell, &[], &text).all {
                    if setting.key == "command" {
                        self.started(disk, &setting.value, &by);
                    }
                }
            }
        }
    }

    /// Programs that a daemon's own configuration tells it to start.
    fn daemons(&mut self, disk: &dyn Disk, is_unit: &dyn Fn(&str) -> bool) {
        let first = |units: &[&str]| units.iter().find(|u| is_unit(u)).map(|u| (*u).to_owned());
        for (globs, units, words) in [
            (
                &["/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/"][..],
                &["ssh.service", "sshd.service"][..],
                &[
                    "authorizedkeyscommand ",
                    "authorizedprincipalscommand ",
                    "forcecommand ",
                ][..],
            ),
            (
                &["/etc/aliases", "/etc/postfix/master.cf"],
                &[
                    "postfix@-.service",
                    "postfix.service",
                    "exim4.service",
                    "sendmail.service",
                ],
                &["|", "argv="],
            ),
            (
                &[
                    "/etc/nagios/nrpe.cfg",
                    "/etc/nagios/nrpe_local.cfg",
                    "/etc/nagios/nrpe.d/",
                ],
                &["nagios-nrpe-server.service", "nrpe.service"],
                &["]="],
            ),
            (
                &["/etc/snmp/snmpd.conf", "/etc/snmp/snmpd.conf.d/"],
                &["snmpd.service"],
                &["extend ", "exec ", "pass ", "pass_persist "],
            ),
        ] {
            let Some(unit) = first(units) else { continue };
            let by = Starter {
                component: Component {
                    class: ComponentClass::Unit,
                    name: Foreign::from(unit.as_str()),
                },
                rhythm: None,
                given: BTreeMap::new(),
            };
            let paths = globs.iter().flat_map(|glob| match glob.strip_suffix('/') {
                Some(directory) => files(disk, directory),
                None => vec![(*glob).to_owned()],
            });
            for path in paths.collect::<Vec<_>>() {
                let text = text_of(disk, &path).unwrap_or_default();
                for (_, line) in lines(&text).filter(|(_, l)| !format::is_comment(l)) {
                    let lower = line.to_ascii_lowercase();
                    for at in words
                        .iter()
                        .filter_map(|w| lower.find(w).map(|at| at + w.len()))
                    {
                        let rest = line.get(at..).unwrap_or_default();
                        let path = rest
                            .split(|c: char| {
                                c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';')
                            })
                            .find(|word| word.starts_with('/'));
                        self.keep(disk, path.unwrap_or_default(), &by);
                    }
                }
            }
        }
    }

    /// Notes the scripts a command line starts.
    fn started(&mut self, disk: &dyn Disk, line: &str, by: &Starter) {
        let mut directory = String::new();
        for words in commands(line) {
            if words.first().is_some_and(|w| w == "cd") {
                directory = words.get(1).cloned().unwrap_or_default();
                continue;
            }
            let mut by = by.clone();
            // `HOST=db1 /usr/local/bin/report`, also behind `env`.
            let inline = words.iter().filter_map(|w| w.split_once('='));
            for (name, value) in inline.take_while(|(name, _)| is_variable(name)).take(64) {
                if !is_secret(name) {
                    by.given.insert(name.to_owned(), value.to_owned());
                }
            }
            let mut expects = true;
            for word in words
                .iter()
                .filter(|w| !w.starts_with('-') && !w.contains('='))
            {
                let name = word.rsplit('/').next().unwrap_or(word);
                if expects && (INTERPRETERS.contains(&name) || WRAPPERS.contains(&name)) {
                    continue;
                }
                let is_number = word.bytes().all(|b| b.is_ascii_digit());
                if is_number || !expects {
                    continue;
                }
                self.found(disk, word, &directory, &by);
                expects = false;
            }
        }
    }

    fn found(&mut self, disk: &dyn Disk, word: &str, directory: &str, by: &Starter) {
        if word.starts_with('/') {
            self.keep(disk, word, by);
        } else if let Some(name) = word.strip_prefix("./") {
            self.keep(
                disk,
                &format!("{}/{name}", directory.trim_end_matches('/')),
                by,
            );
        } else if word.contains('/') && directory.starts_with('/') {
            self.keep(
                disk,
                &format!("{}/{word}", directory.trim_end_matches('/')),
                by,
            );
        } else {
            for place in OWN_PROGRAMS {
                self.keep(disk, &format!("{place}{word}"), by);
            }
        }
    }

    fn keep(&mut self, disk: &dyn Disk, path: &str, by: &Starter) {
        let fits = path.starts_with('/')
            && !SYSTEM.iter().any(|s| path.starts_with(s))
            && !self.by_path.contains_key(path)
            && self.by_path.len() < STARTED_MAX;
        let is_file =
            |m: groma_source::Metadata| matches!(m.kind, EntryKind::File | EntryKind::Link);
        if fits && disk.metadata(Path::new(path)).is_ok_and(is_file) {
            self.by_path.insert(path.to_owned(), by.clone());
        }
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A line of a crontab, named as the host source names it.
fn job(path: &str, line: u32, rhythm: Option<String>) -> Starter {
    Starter {
        component: Component {
            class: ComponentClass::ScheduledJob,
            name: Foreign::from(format!("{path}:{line}").as_str()),
        },
        rhythm,
        given: BTreeMap::new(),
    }
}

fn files(disk: &dyn Disk, directory: &str) -> Vec<String> {
    let listed = disk.list(Path::new(directory), ENTRIES_MAX);
    let entries = listed.unwrap_or_default().into_iter();
    entries
        .filter(|e| matches!(e.kind, EntryKind::File | EntryKind::Link))
        .filter_map(|e| e.path.to_str().map(str::to_owned))
        .filter(|path| !is_copy(path))
        .collect()
}

fn text_of(disk: &dyn Disk, path: &str) -> Option<String> {
    let read = disk.read(Path::new(path), FILE_MAX).ok()?;
    decode(&read.bytes).map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use groma_source::testing::FakeDisk;

    use super::*;

    fn starter(disk: &FakeDisk, path: &str) -> String {
        let starters = Starters::look(disk, &|unit| unit == "ssh.service");
        starters.of(path).map_or_else(String::new, |s| {
            format!(
                "{} {}",
                s.component.name,
                s.rhythm.clone().unwrap_or_default()
            )
        })
    }

    #[test]
    fn a_script_belongs_to_whoever_starts_it() {
        let disk = FakeDisk::new()
            .file("/etc/cron.d/a", "# x\n0 6 1 * * root /usr/local/sbin/pages\n5 4 * * * www php /opt/crm/cron.php\n* * * * * x cd /srv/b && ./go --fast\n#0 0 * * * root /usr/local/sbin/off\n@daily root nice -n 5 tidy\n")
            .file("/etc/cron.weekly/w", "#!/bin/sh\n# /usr/local/sbin/off\nexec /usr/local/sbin/shares\n")
            .file("/etc/ssh/sshd_config.d/k.conf", "#AuthorizedKeysCommand /usr/local/sbin/off\nAuthorizedKeysCommand /usr/local/sbin/keys %u\n")
            .file("/usr/local/sbin/pages", "")
            .file("/usr/local/sbin/tidy", "")
            .file("/usr/local/sbin/shares", "")
            .file("/usr/local/sbin/keys", "")
            .file("/usr/local/sbin/off", "")
            .file("/opt/crm/cron.php", "")
            .file("/srv/b/go", "")
            .file("/usr/bin/nice", "");
        assert_eq!(
            starter(&disk, "/usr/local/sbin/pages"),
            "/etc/cron.d/a:2 monthly"
        );
        assert_eq!(starter(&disk, "/opt/crm/cron.php"), "/etc/cron.d/a:3 daily");
        assert!(starter(&disk, "/srv/b/go").starts_with("/etc/cron.d/a:4"));
        assert_eq!(
            starter(&disk, "/usr/local/sbin/tidy"),
            "/etc/cron.d/a:6 daily"
        );
        assert_eq!(
            starter(&disk, "/usr/local/sbin/shares"),
            "/etc/cron.weekly/w weekly"
        );
        assert_eq!(starter(&disk, "/usr/local/sbin/keys"), "ssh.service ");
        for nobody in ["/usr/local/sbin/off", "/usr/bin/nice"] {
            assert_eq!(starter(&disk, nobody), "", "{nobody}");
        }
    }
}
