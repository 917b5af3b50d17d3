//! The program a shell command really starts. Pure; nothing is ever run.
//!
//! A cron line is a small shell program: settings, tests, changes of directory and wrappers stand before
//! the program somebody cares about. Only that one word is kept: everything after it may hold a password.

use groma_model::Foreign;

/// How often a command may hand on to another one (`sudo nice sh -c '…'`).
const DEPTH_MAX: u32 = 6;

/// Simple commands of one line that are looked at.
const COMMANDS_MAX: usize = 64;

/// The program of a shell command, as written; for an interpreter the script it runs, where its path is
/// absolute. `None` if there is none, as in `cd /srv`.
pub(crate) fn program(command: &[u8]) -> Option<Foreign> {
    search(command, 0).map(Foreign::from_bytes)
}

fn search(command: &[u8], depth: u32) -> Option<Vec<u8>> {
    if depth >= DEPTH_MAX {
        return None;
    }
    let mut one_liner = None;
    for words in simple_commands(command).into_iter().take(COMMANDS_MAX) {
        match program_of(&words, depth) {
            Some(Found::Program(word)) => return Some(word),
            Some(Found::OneLiner(word)) => one_liner = one_liner.or(Some(word)),
            None => {}
        }
    }
    one_liner
}

/// What a simple command starts.
enum Found {
    /// A program or a script.
    Program(Vec<u8>),
    /// An interpreter with its text on the command line (`perl -e 'sleep rand 60'`): second choice.
    OneLiner(Vec<u8>),
}

/// The directory a command runs with `run-parts`, where it does.
pub(crate) fn directory_run(command: &[u8]) -> Option<Foreign> {
    simple_commands(command).iter().find_map(|words| {
        let at = words.iter().position(|word| base(word) == b"run-parts")?;
        let before = words.get(..at)?;
        let wrapped = before.iter().all(|w| {
            matches!(base(w), b"nice" | b"ionice")
                || w.starts_with(b"-")
                || w.iter().all(u8::is_ascii_digit)
        });
        words
            .get(at + 1..)?
            .iter()
            .find(|w| wrapped && w.starts_with(b"/"))
            .map(|w| Foreign::from_bytes(w.clone()))
    })
}

/// The program that a line which runs a directory starts besides.
pub(crate) fn beside_directory(command: &[u8]) -> Option<Foreign> {
    let commands = simple_commands(command).into_iter().take(COMMANDS_MAX);
    let mut others = commands.filter(|words| !words.iter().any(|w| base(w) == b"run-parts"));
    others.find_map(|words| match program_of(&words, 0)? {
        Found::Program(word) | Found::OneLiner(word) => Some(Foreign::from_bytes(word)),
    })
}

/// True for `test -e /run/systemd/system || …` and `[ ! -d /run/systemd/system ] && …`: where systemd runs,
/// the line does nothing.
pub(crate) fn yields_to_systemd(command: &[u8]) -> bool {
    const MARK: &[u8] = b"/run/systemd/system";
    let Some(at) = command.windows(MARK.len()).position(|w| w == MARK) else {
        return false;
    };
    let (before, after) = command.split_at(at);
    let words: Vec<&[u8]> = crate::text::words(before).collect();
    let [.., sign, flag] = words.as_slice() else {
        return false;
    };
    let (guard, negated) = (
        matches!(*flag, b"-e" | b"-d"),
        matches!(*sign, b"!" | b"\\!"),
    );
    let after = after
        .get(MARK.len()..)
        .unwrap_or_default()
        .trim_ascii_start();
    let after = after.strip_prefix(b"]").unwrap_or(after).trim_ascii_start();
    guard && (negated != after.starts_with(b"||"))
}

/// Splits a shell line into simple commands of words (POSIX shell, XCU 2.3): quotes and backslashes are
/// undone, operators end a command, redirections and comments are dropped.
fn simple_commands(line: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let (mut commands, mut words, mut word) = (Vec::new(), Vec::new(), None::<Vec<u8>>);
    let mut bytes = line.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\'' | b'"' => {
                let word = word.get_or_insert_default();
                while let Some(inner) = bytes.next_if(|b| *b != byte) {
                    match inner {
                        b'\\' if byte == b'"' => word.extend(bytes.next()),
                        other => word.push(other),
                    }
                }
                bytes.next();
            }
            b'\\' => word.get_or_insert_default().extend(bytes.next()),
            b'#' if word.is_none() => while bytes.next_if(|b| *b != b'\n').is_some() {},
            b'>' | b'<' => {
                // `2>&1 >> file`: a number right before and the word after belong to it.
                word = word.filter(|w| !w.iter().all(u8::is_ascii_digit));
                words.extend(word.take());
                while bytes
                    .next_if(|b| matches!(b, b'>' | b'<' | b'&' | b' ' | b'\t'))
                    .is_some()
                {}
                while bytes
                    .next_if(|b| {
                        !b.is_ascii_whitespace() && !matches!(b, b';' | b'|' | b'&' | b')')
                    })
                    .is_some()
                {}
            }
            b';' | b'|' | b'&' | b'(' | b')' | b'\n' => {
                words.extend(word.take());
                if !words.is_empty() {
                    commands.push(std::mem::take(&mut words));
                }
            }
            b' ' | b'\t' | b'\r' => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    if !words.is_empty() {
        commands.push(words);
    }
    commands
}

/// The last part of a path.
fn base(word: &[u8]) -> &[u8] {
    word.rsplit(|b| *b == b'/').next().unwrap_or_default()
}

fn is_assignment(word: &[u8]) -> bool {
    let Some(at) = word.iter().position(|b| *b == b'=') else {
        return false;
    };
    let name = word.get(..at).unwrap_or_default();
    name.first()
        .is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
        && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

/// Words that do no work of their own: the next simple command is looked at instead.
const IDLE: &[&[u8]] = &[
    b"test",
    b"[",
    b"[[",
    b"cd",
    b"pushd",
    b"popd",
    b"exit",
    b"true",
    b"false",
    b":",
    b"export",
    b"set",
    b"unset",
    b"umask",
    b"ulimit",
    b".",
    b"source",
    b"sleep",
    b"which",
    b"type",
    b"hash",
    b"echo",
    b"printf",
    b"wait",
    b"trap",
    b"shopt",
    b"declare",
    b"local",
    b"readonly",
    b"return",
    b"for",
    b"case",
    b"esac",
    b"fi",
    b"done",
    b"}",
    b"pgrep",
    b"pidof",
    b"mkdir",
    b"read",
    b"eval",
];

/// Words that stand before a command of the same simple command.
const LEADING: &[&[u8]] = &[
    b"if", b"then", b"else", b"elif", b"while", b"until", b"do", b"{", b"!", b"time", b"exec",
    b"nohup", b"setsid", b"chronic", b"builtin",
];

/// Wrappers with options: those that take a value, and how many words of their own come after them.
const WRAPPERS: &[(&[u8], &[u8], usize)] = &[
    (b"nice", b"n", 0),
    (b"ionice", b"cnpPu", 0),
    (b"chrt", b"", 1),
    (b"taskset", b"", 1),
    (b"timeout", b"ks", 1),
    (b"flock", b"wEc", 1),
    (b"sudo", b"ugUhpCrtT", 0),
    (b"doas", b"uC", 0),
    (b"runuser", b"ugG", 0),
    (b"env", b"uCS", 0),
    (b"stdbuf", b"ioe", 0),
    (b"systemd-cat", b"tp", 0),
    (b"cronic", b"", 0),
    (b"setpriv", b"", 0),
    (b"unshare", b"", 0),
    (b"numactl", b"", 0),
    (b"lckdo", b"W", 1),
    (b"setlock", b"", 1),
    (b"command", b"", 0),
    (b"systemd-run", b"puGEHM", 0),
    (b"choom", b"n", 0),
    (b"busybox", b"", 0),
    (b"chpst", b"ueoUlLmdnp", 0),
    (b"softlimit", b"admopcrst", 0),
    (b"perl-lock", b"", 0),
];

/// Shells, and other programs that run a script.
const SHELLS: &[&[u8]] = &[b"sh", b"bash", b"dash", b"ash", b"ksh", b"zsh"];
const INTERPRETERS: &[&[u8]] = &[
    b"python", b"perl", b"ruby", b"php", b"node", b"nodejs", b"tclsh", b"lua", b"Rscript", b"pwsh",
];

fn program_of(words: &[Vec<u8>], depth: u32) -> Option<Found> {
    let mut rest = words;
    loop {
        let (first, tail) = rest.split_first()?;
        let name = base(first);
        if is_assignment(first) || LEADING.contains(&name) {
            rest = tail;
        } else if IDLE.contains(&name)
            || (name == b"command" && tail.first().is_some_and(|w| w.starts_with(b"-")))
        {
            return None;
        } else if name == b"su" {
            return search(shell_text(tail)?, depth + 1).map(Found::Program);
        } else if let Some((_, valued, own)) =
            WRAPPERS.iter().find(|(wrapper, ..)| *wrapper == name)
        {
            if let Some(inner) = shell_text(tail).filter(|_| matches!(name, b"flock" | b"runuser"))
            {
                return search(inner, depth + 1).map(Found::Program);
            }
            rest = after_options(tail, valued).get(*own..)?;
        } else if SHELLS.contains(&name) {
            return match shell_text(tail) {
                Some(inner) => search(inner, depth + 1).map(Found::Program),
                None => Some(Found::Program(
                    script(tail, b"oO").unwrap_or_else(|| first.clone()),
                )),
            };
        } else if is_interpreter(name) {
            let text_here = tail
                .iter()
                .any(|w| matches!(w.as_slice(), b"-e" | b"-c" | b"-r" | b"-E"));
            return Some(match script(tail, b"WXQm") {
                Some(script) => Found::Program(script),
                None if text_here => Found::OneLiner(first.clone()),
                None => Found::Program(first.clone()),
            });
        } else {
            return Some(Found::Program(first.clone()));
        }
    }
}

fn is_interpreter(name: &[u8]) -> bool {
    let bare = name
        .iter()
        .position(|b| b.is_ascii_digit() || *b == b'.')
        .and_then(|at| name.get(..at))
        .unwrap_or(name);
    INTERPRETERS.contains(&bare)
}

/// The text after `-c` (alone or in a bundle such as `-lc`).
fn shell_text(words: &[Vec<u8>]) -> Option<&[u8]> {
    let is_c = |w: &Vec<u8>| {
        w.as_slice() == b"--command"
            || (w.starts_with(b"-") && !w.starts_with(b"--") && w.ends_with(b"c"))
    };
    let at = words.iter().position(is_c)?;
    words.get(at + 1).map(Vec::as_slice)
}

/// What follows the options of a wrapper; `valued` are the letters whose value is the next word.
fn after_options<'a>(words: &'a [Vec<u8>], valued: &[u8]) -> &'a [Vec<u8>] {
    let mut rest = words;
    while let Some((first, tail)) = rest.split_first() {
        if first.as_slice() == b"--" {
            return tail;
        }
        let option = first.starts_with(b"-") && first.len() > 1;
        if !option && !is_assignment(first) {
            break;
        }
        let takes_next = option
            && first.len() == 2
            && first.last().is_some_and(|letter| valued.contains(letter));
        rest = if takes_next {
            tail.get(1..).unwrap_or_default()
        } else {
            tail
        };
    }
    rest
}

/// The script an interpreter runs: its first word that is no option, where it is an absolute path.
fn script(words: &[Vec<u8>], valued: &[u8]) -> Option<Vec<u8>> {
    // `php -f /srv/x.php` names the script in the option.
    let rest = after_options(words, valued);
    rest.first().filter(|word| word.starts_with(b"/")).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(command: &str) -> String {
        program(command.as_bytes()).map_or("-".into(), |p| p.lossy().into_owned())
    }

    #[test]
    fn the_program_is_found_behind_settings_tests_and_wrappers() {
        for (command, expected) in [
            ("/opt/report/run --password=x", "/opt/report/run"),
            ("TZ=UTC LANG='C x' /opt/a", "/opt/a"),
            (
                "test -x /usr/bin/certbot -a \\! -d /run/systemd/system && perl -e 'sleep int(rand(43200))' && certbot -q renew",
                "certbot",
            ),
            ("perl -e 'print 1'", "perl"),
            ("su - anna -c 'cd /x; /opt/b'", "/opt/b"),
            (
                "[ -x /usr/lib/php/sessionclean ] && if [ ! -d /run/systemd/system ]; then /usr/lib/php/sessionclean; fi",
                "/usr/lib/php/sessionclean",
            ),
            ("cd /srv/app && ./sync.sh >/dev/null 2>&1", "./sync.sh"),
            ("nice -n 19 ionice -c3 /opt/a", "/opt/a"),
            ("nice -19 /opt/a", "/opt/a"),
            ("flock -n /run/a.lock /opt/a -x", "/opt/a"),
            ("flock -n /run/a.lock -c '/opt/a -x'", "/opt/a"),
            ("timeout -k 5 30 /opt/a", "/opt/a"),
            (
                "sudo -u www-data -- php -f /srv/cloud/cron.php",
                "/srv/cloud/cron.php",
            ),
            ("su - anna -c 'cd /x; /opt/a'", "/opt/a"),
            ("bash -lc \"/opt/a --b\"", "/opt/a"),
            ("/bin/sh /opt/a.sh", "/opt/a.sh"),
            ("/usr/bin/python3 -u /opt/a.py secret", "/opt/a.py"),
            ("python3 -m backup.run", "python3"),
            (
                "/usr/bin/env MYSQL_PWD=x /usr/bin/mysqldump",
                "/usr/bin/mysqldump",
            ),
            (
                "command -v debian-sa1 > /dev/null && debian-sa1 1 1",
                "debian-sa1",
            ),
            ("( /opt/a & )", "/opt/a"),
            ("sleep 30; /opt/a", "/opt/a"),
            ("2>/dev/null /opt/a", "/opt/a"),
            ("cd /srv", "-"),
            ("", "-"),
            ("# /opt/a", "-"),
        ] {
            assert_eq!(of(command), expected, "{command}");
        }
    }

    #[test]
    fn no_argument_is_ever_the_program() {
        for command in [
            "curl -u bob:s3cr3t https://x/",
            "PGPASSWORD=s3cr3t psql -h db",
            "mysqldump -ps3cr3t db | gzip",
            "sh -c \"mysql -ps3cr3t\"",
            "echo s3cr3t | sudo -S /opt/a",
        ] {
            assert!(!of(command).contains("s3cr3t"), "{command}");
        }
    }

    #[test]
    fn nesting_without_end_is_given_up() {
        let mut command = "/opt/a".to_owned();
        for _ in 0..7 {
            command = format!("sh -c '{}'", command.replace('\'', "'\\''"));
        }
        assert_eq!(of(&command), "-");
    }

    #[test]
    fn hammered_commands_never_panic() {
        let corpus: &[&[u8]] = &[
            b"test -x /a && { cd / && nice -n 5 sh -c 'x \"y\" > z' ; }",
            b"sudo -u x flock -n /l timeout 5 python3 /opt/a.py | tee",
        ];
        groma_fuzz::hammer(2000, corpus, |bytes| {
            program(bytes);
            directory_run(bytes);
        });
    }
}
