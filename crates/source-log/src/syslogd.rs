//! Where this machine's syslog daemon writes: an administrator gives a service a file of its own, and the distribution's habits
//! do not know it. rsyslog.conf(5) in both of its languages, syslog.conf(5), and syslog-ng.conf(5).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use groma_model::Reason;
use groma_source::{Disk, DiskError, EntryKind};

/// The settings, and folders whose `*.conf` they include by habit.
const SETTINGS: &[&str] = &[
    "/etc/rsyslog.conf",
    "/etc/syslog.conf",
    "/etc/syslog-ng/syslog-ng.conf",
];
const FOLDERS: &[&str] = &["/etc/rsyslog.d", "/etc/syslog.d", "/etc/syslog-ng/conf.d"];
/// What this reads, in words.
pub(crate) const READS: &str = "/etc/rsyslog.conf, /etc/rsyslog.d, /etc/syslog.conf, /etc/syslog.d, /etc/syslog-ng/syslog-ng.conf, /etc/syslog-ng/conf.d: which files the syslog daemon writes (settings that these include from elsewhere are not followed), and these files with their rotations";
const BYTES_MAX: u64 = 256 << 10;
const ENTRIES_MAX: usize = 256;
/// Files one machine's daemon may write besides.
pub(crate) const FILES_MAX: usize = 64;
const PATH_MAX: usize = 1_024;

/// The files it writes.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) files: BTreeSet<String>,
    /// What could not be read, or was too much.
    pub(crate) errors: Vec<DiskError>,
}

impl Written {
    pub(crate) fn read(disk: &dyn Disk) -> Self {
        let mut out = Self::default();
        let mut settings: Vec<PathBuf> = SETTINGS.iter().map(PathBuf::from).collect();
        for folder in FOLDERS {
            settings.extend(out.parts(disk, Path::new(folder)));
        }
        for path in settings {
            match disk.read(&path, BYTES_MAX) {
                Ok(read) => out.take(&String::from_utf8_lossy(&read.bytes), &path),
                Err(error) if error.is_absent() => {}
                Err(error) => out.errors.push(error),
            }
        }
        out
    }

    fn parts(&mut self, disk: &dyn Disk, folder: &Path) -> Vec<PathBuf> {
        let entries = match disk.list(folder, ENTRIES_MAX) {
            Ok(entries) => entries,
            Err(error) => {
                self.errors.extend((!error.is_absent()).then_some(error));
                return Vec::new();
            }
        };
        let is_part = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "conf");
        let files = entries
            .into_iter()
            .filter(|entry| entry.kind != EntryKind::Directory);
        files.map(|entry| entry.path).filter(is_part).collect()
    }

    fn take(&mut self, text: &str, settings: &Path) {
        let named = match settings.starts_with("/etc/syslog-ng") {
            true => destinations(text),
            false => actions(text),
        };
        for file in named.into_iter().filter(|file| is_one_file(file)) {
            if self.files.len() >= FILES_MAX && !self.files.contains(file) {
                let error = DiskError::because(settings, Reason::BudgetExhausted);
                self.errors.push(error);
                return;
            }
            self.files.insert(file.to_owned());
        }
    }
}

/// True for the path of one file: where a template stands in it, it is made of what comes from other machines.
fn is_one_file(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("/dev/")
        && path.len() <= PATH_MAX
        && !path.contains(['%', '$', '*', '?', '"', '\''])
        && !path.ends_with('/')
}

/// The files that actions of rsyslog and of the older syslogd name: `mail.* -/var/log/mail`, `action(type="omfile" file="…")`.
fn actions(text: &str) -> Vec<&str> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with(['#', '$']) && !is_of_no_service(line));
    let selected = lines.filter_map(|line| {
        let line = without_comment(line).trim_end_matches(['}', ' ', '\t']);
        let action = line.split_whitespace().next_back()?;
        let action = action.strip_prefix('-').unwrap_or(action);
        // Behind a semicolon stands the template of a line.
        action.split(';').next()
    });
    let scripts = pieces(text, "action(", ")").filter(|piece| is_of_files(piece));
    selected.chain(scripts.filter_map(file_of)).collect()
}

/// What stands before a comment behind the action.
fn without_comment(line: &str) -> &str {
    let cut = line.find(" #").or_else(|| line.find("\t#"));
    cut.and_then(|at| line.get(..at)).unwrap_or(line)
}

/// True for a selector of the kernel or of jobs alone: nobody uses them from elsewhere.
fn is_of_no_service(line: &str) -> bool {
    let selector = line.split_whitespace().next().unwrap_or_default();
    let facilities = selector.split(';').filter_map(|part| part.split_once('.'));
    let mut names = facilities
        .flat_map(|(names, _)| names.split(','))
        .peekable();
    names.peek().is_some() && names.all(|name| ["kern", "cron"].contains(&name))
}

fn is_of_files(action: &str) -> bool {
    let small = action.to_ascii_lowercase();
    small.contains("omfile\"")
}

/// The value of `file`, in whatever case: `dynaFile` is another word.
fn file_of(action: &str) -> Option<&str> {
    let small = action.to_ascii_lowercase();
    let mut words = small.match_indices("file").map(|(at, _)| at);
    words.find_map(|at| {
        let before = small.get(..at)?.chars().next_back();
        if before.is_some_and(|c| c.is_ascii_alphanumeric()) {
            return None;
        }
        let behind = action.get(at + "file".len()..)?;
        let value = behind.trim_start().strip_prefix('=')?.trim_start();
        value.strip_prefix('"')?.split('"').next()
    })
}

/// The files of syslog-ng's destinations: `destination d_mail { file("/var/log/mail.log"); };`.
fn destinations(text: &str) -> Vec<&str> {
    let files = pieces(text, "destination ", "};").flat_map(|piece| pieces(piece, "file(", ")"));
    let first = files.filter_map(|piece| piece.split_whitespace().next());
    first.map(|word| word.trim_matches(['"', '\''])).collect()
}

/// What stands between each `begin` and the next `end`, out of lines that are no comments.
fn pieces<'t>(text: &'t str, begin: &'t str, end: &'t str) -> impl Iterator<Item = &'t str> {
    let is_meant = move |(at, _): &(usize, &str)| {
        let line = text
            .get(..*at)
            .and_then(|before| before.rsplit('\n').next());
        line.is_some_and(|line| !line.trim_start().starts_with('#'))
    };
    let found = text.match_indices(begin).filter(is_meant);
    found.filter_map(move |(at, word)| text.get(at + word.len()..)?.split(end).next())
}

#[cfg(test)]
mod tests {
    use groma_source::testing::FakeDisk;
    use proptest::prelude::*;

    use super::*;

    fn files(path: &str, text: &str) -> Vec<String> {
        let written = Written::read(&FakeDisk::new().file(path, text));
        assert!(written.errors.is_empty(), "{:?}", written.errors);
        written.files.into_iter().collect()
    }

    #[test]
    fn rsyslog_says_where_it_writes_in_both_of_its_languages() {
        let text = r#"
# local6.* /var/log/not-this.log
$WorkDirectory /var/spool/rsyslog
$IncludeConfig /etc/rsyslog.d/*.conf
module(load="imfile")
input(type="imfile" File="/var/log/app.log" Tag="app")
local4.*                -/var/log/ldap/slapd.log;RSYSLOG_FileFormat
local5.*	/var/log/samba/audit.log	# who used which share
:programname, isequal, "radiusd" /var/log/radius.log
& stop
if $programname == 'haproxy' then /var/log/haproxy.log
*.emerg :omusrmsg:*
*.* @@logs.example:514
kern.* |/dev/xconsole
kern.* -/var/log/kern.log
cron,kern.warn /var/log/quiet.log
cron,local2.* /var/log/jobs.log
mail.* ?PerHost
daemon.* /dev/console
action(type="omfile" dynaFile="PerHost" template="x")
if ($syslogfacility-text == "local3") then {
    action(type="builtin:omfile"
           File = "/srv/log/pbx.log")
}
# action(type="omfile" file="/var/log/nor-this.log")
"#;
        let expected = [
            "/srv/log/pbx.log",
            "/var/log/haproxy.log",
            "/var/log/jobs.log",
            "/var/log/ldap/slapd.log",
            "/var/log/radius.log",
            "/var/log/samba/audit.log",
        ];
        assert_eq!(files("/etc/rsyslog.d/10-own.conf", text), expected);
    }

    #[test]
    fn syslog_ng_says_it_in_its_destinations_and_not_in_its_sources() {
        let text = r#"
source s_app { file("/var/log/app.log" follow-freq(1)); };
destination d_mail {
    file("/var/log/post/hosts.log" template("${HOST} ${MESSAGE}\n"));
    file("/var/log/post/mail.log" create-dirs(yes));
};
destination d_hosts { file("/var/log/hosts/$HOST.log"); };
destination d_net { network("logs.example" port(514)); };
log { source(s_app); destination(d_mail); };
"#;
        let told = files("/etc/syslog-ng/syslog-ng.conf", text);
        let expected = ["/var/log/post/hosts.log", "/var/log/post/mail.log"];
        assert_eq!(told, expected);
        assert!(files("/etc/rsyslog.d/README", "*.* /var/log/no.log").is_empty());
    }

    #[test]
    fn too_many_files_are_named_as_such() {
        let text: String = (0..100)
            .map(|n| format!("local0.* /var/log/own/{n}.log\n"))
            .collect();
        let written = Written::read(&FakeDisk::new().file("/etc/rsyslog.conf", text));
        assert_eq!(written.files.len(), FILES_MAX);
        let why: Vec<_> = written.errors.into_iter().map(|e| e.reason).collect();
        assert_eq!(why, [Reason::BudgetExhausted]);
    }

    proptest! {
        #[test]
        fn no_settings_hurt(text in "(action\\(|file=\"|destination |file\\(|[-/;#$ \\n\"')}a-zä])*") {
            let _ = (actions(&text), destinations(&text));
        }
    }
}
