//! Command lines: which machine a program is told to call. Nothing is run; what no table knows is read only
//! where it says `--something-host=…` or holds a whole URL.

use groma_knowledge::rules::{Arguments, COMMON_KEYS, Command, command};

use super::host::{host_and_port, port};
use super::shapes::{account_host, is_certain, remote_path, targets, unc};
use super::url::find_urls;
use super::{Target, account, resource};
use crate::format::commands;
use crate::glob::capture;

/// `sh -c` within `sh -c` is followed this deep.
const DEPTH_MAX: usize = 3;

/// Programs that run another one, given as their arguments.
const WRAPPERS: &[&str] = &[
    "sudo",
    "env",
    "nice",
    "ionice",
    "timeout",
    "flock",
    "setpriv",
    "chronic",
    "nohup",
    "time",
    "exec",
    "xargs",
    "doas",
    "runuser",
    "su",
    "chroot",
    "stdbuf",
    "systemd-run",
    "systemd-cat",
    "cronic",
    "then",
    "do",
    "else",
    "if",
    "while",
    "until",
    "!",
    "&&",
    "eval",
    "command",
    "busybox",
    "sshpass",
    "proxychains",
    "strace",
    "parallel",
    "unbuffer",
    "lockrun",
    "setsid",
    "start-stop-daemon",
];

/// Programs whose words are for people or files.
const SPEAKERS: &[&str] = &[
    "echo", "printf", "grep", "egrep", "fgrep", "sed", "awk", "test", "[", "[[", "cat", "case",
    "logger", "read", "expr", "tr", "cut", "die", "warn", "log", "usage", "export", "for",
    "function", "return", "local", "declare", "alias", "trap", "set", "gpg", "apt-key",
];

/// Shells that take a command line after `-c`.
const SHELLS: &[&str] = &["sh", "bash", "dash", "ksh", "zsh", "ash", "su", "runuser"];

/// The machines a command line calls.
pub(crate) fn command_line(line: &str) -> Vec<Target> {
    let mut out = Vec::new();
    for words in commands(line) {
        simple(&words, 0, &mut out);
    }
    out
}

fn simple(words: &[String], depth: usize, out: &mut Vec<Target>) {
    let start = words
        .iter()
        .position(|w| !is_assignment(w))
        .unwrap_or(words.len());
    let words = words.get(start..).unwrap_or_default();
    let Some(first) = words.first() else { return };
    let program = file_name(first);
    if SHELLS.contains(&program) || WRAPPERS.contains(&program) {
        if let Some(at) = words
            .iter()
            .position(|w| matches!(w.as_str(), "-c" | "-lc" | "-ec" | "--command"))
            .filter(|_| SHELLS.contains(&program) || program == "flock")
        {
            if depth < DEPTH_MAX {
                let line = words.get(at + 1).map_or("", String::as_str);
                for inner in commands(line) {
                    simple(&inner, depth + 1, out);
                }
            }
            return;
        }
        // The wrapped program is the first later word a table knows.
        if let Some(at) = words
            .iter()
            .skip(1)
            .position(|w| command(file_name(w)).is_some() || SHELLS.contains(&file_name(w)))
        {
            if depth < DEPTH_MAX + 8 {
                simple(words.get(at + 1..).unwrap_or_default(), depth + 1, out);
            }
            return;
        }
    }
    match command(program) {
        Some(known) => out.extend(known_command(known, words.get(1..).unwrap_or_default())),
        None if SPEAKERS.contains(&program) => {}
        None => unknown_command(words.get(1..).unwrap_or_default(), out),
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

fn file_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// What the options of a command said.
#[derive(Default)]
struct Heard<'w> {
    host: Option<&'w str>,
    port: Option<groma_model::Port>,
    /// The port of the secure shell the command goes through.
    shell_port: Option<groma_model::Port>,
    account: Option<&'w str>,
    resource: Option<&'w str>,
    has_secret: bool,
    arguments: Vec<&'w str>,
    forwards: Vec<&'w str>,
    proxy: Option<&'w str>,
    file_system: Option<&'w str>,
}

fn known_command(known: &Command, words: &[String]) -> Vec<Target> {
    let heard = hear(known, words);
    let mut out = named(known, &heard);
    for target in &mut out {
        // A program that speaks several protocols says the kind by its URL alone.
        target.kind = target.kind.or_else(|| {
            Some(
                groma_model::registry::REGISTRY
                    .kind(&known.kind)
                    .name
                    .as_str(),
            )
        });
        let by_shell = heard.shell_port.filter(|_| target.kind == Some("ssh"));
        target.port = target.port.or(heard.port).or(by_shell);
        target.transport = target.transport.or(known.transport);
        target.default_port = target.default_port.or(known.port.map(groma_model::Port));
        target.has_secret |= heard.has_secret;
        if target.account.is_none() {
            // curl's `-u name:secret`, smbclient's `-U name%secret`.
            let said = heard.account.unwrap_or_default();
            // lftp's `-u name,secret`; elsewhere a comma is one of a distinguished name.
            let comma = if known.kind == "ftp" { ',' } else { ':' };
            let (name, secret) = said.split_once([':', '%', comma]).unwrap_or((said, ""));
            target.account = account(name);
            target.has_secret |= !secret.is_empty();
        }
        target.resource = target
            .resource
            .take()
            .or_else(|| heard.resource.and_then(resource));
    }
    let beyond = out
        .first()
        .map(|target| forwarded(&heard.forwards, &target.peer));
    out.extend(beyond.into_iter().flatten());
    for mut proxy in heard
        .proxy
        .map(|p| targets(groma_knowledge::rules::Shape::Host, p))
        .into_iter()
        .flatten()
    {
        proxy.kind = Some("http-proxy");
        proxy.default_port = Some(groma_model::Port(1080));
        out.push(proxy);
    }
    out
}

/// Forwards one command may ask for.
const FORWARDS_MAX: usize = 16;

/// The machines behind `[address:]port:host:port`. A loopback address there is that of `end`, the machine
/// called. The port here tells the kind where the one there is nobody's habit.
fn forwarded(forwards: &[&str], end: &groma_model::Peer) -> Vec<Target> {
    let mut out = Vec::new();
    for forward in forwards.iter().take(FORWARDS_MAX) {
        let mut parts = forward.rsplit(':');
        let (Some(there), Some(host), Some(here)) = (
            parts.next().and_then(port),
            parts.next(),
            parts.next().and_then(port),
        ) else {
            continue;
        };
        let Some((peer, _)) = host_and_port(host) else {
            continue;
        };
        let is_end = match &peer {
            groma_model::Peer::Address(address) => address.is_loopback(),
            groma_model::Peer::Name(name) => name.is_loopback(),
        };
        let mut target = Target::new(if is_end { end.clone() } else { peer }, Some(there));
        let habit = |port| {
            groma_model::registry::REGISTRY
                .kind_by_port(port, groma_model::Transport::Tcp)
                .map(|kind| kind.name.as_str())
        };
        target.kind = habit(there).or_else(|| habit(here));
        out.push(target);
    }
    out
}

fn hear<'w>(known: &Command, words: &'w [String]) -> Heard<'w> {
    let mut heard = Heard::default();
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        if is_redirection(word) {
            continue;
        }
        if !word.starts_with('-') || word == "-" {
            heard.arguments.push(word);
            continue;
        }
        if let Some(joined) = secret(&known.secret_options, word) {
            heard.has_secret = true;
            if !joined {
                words.next();
            }
            continue;
        }
        let take = |options: &[String], words: &mut dyn Iterator<Item = &'w str>| {
            value_of(options, word, words)
        };
        if let Some(host) = take(&known.host_options, &mut words) {
            heard.host = Some(host);
        } else if let Some(setting) = take(&known.setting_options, &mut words) {
            let said = setting.split_once('=');
            let host = said.filter(|(name, _)| known.setting_names.iter().any(|n| n == name));
            heard.host = host.map(|(_, value)| value).or(heard.host);
        } else if let Some(number) = take(&known.port_options, &mut words) {
            heard.port = port(number);
        } else if let Some(name) = take(&known.account_options, &mut words) {
            heard.account = Some(name);
        } else if let Some(name) = take(&known.resource_options, &mut words) {
            heard.resource = Some(name);
        } else if let Some(proxy) = take(&known.proxy_options, &mut words) {
            heard.proxy = Some(proxy);
        } else if let Some(forward) = take(&known.forward_options, &mut words) {
            heard.forwards.push(forward);
        } else if let Some(shell) = take(&known.shell_options, &mut words) {
            heard.shell_port = port_of_shell(shell);
        } else if matches!(word, "-t" | "--types") && known.arguments == Arguments::MountSource {
            heard.file_system = words.next();
        } else if known.worded_options.iter().any(|o| o == word) {
            words.next();
        }
    }
    heard
}

/// The port of `ssh -p 2222 -o …`, as rsync is told to call it.
fn port_of_shell(command: &str) -> Option<groma_model::Port> {
    let mut words = command.split_whitespace();
    if words.next().map(file_name) != Some("ssh") {
        return None;
    }
    while let Some(word) = words.next() {
        match word.strip_prefix("-p") {
            Some("") => return words.next().and_then(port),
            Some(joined) => return port(joined),
            None => {}
        }
    }
    None
}

fn is_redirection(word: &str) -> bool {
    word.starts_with(['>', '<']) || word.starts_with("2>") || word.starts_with("1>")
}

/// `Some(true)` if `word` holds a secret itself, `Some(false)` if the next word is one. An option written
/// with `*` in the table never takes the next word (`mysql -psecret`).
fn secret(options: &[String], word: &str) -> Option<bool> {
    options
        .iter()
        .find_map(|option| match option.strip_suffix('*') {
            Some(stem) => word
                .strip_prefix(stem)
                .filter(|rest| {
                    !rest.is_empty() && (!stem.starts_with("--") || rest.starts_with('='))
                })
                .map(|_| true),
            None if word == option => Some(false),
            None => word
                .strip_prefix(option.as_str())
                .filter(|rest| rest.starts_with('='))
                .map(|_| true),
        })
}

/// The value of an option: the next word, what follows `=`, or what is joined to a short option.
fn value_of<'w>(
    options: &[String],
    word: &'w str,
    words: &mut dyn Iterator<Item = &'w str>,
) -> Option<&'w str> {
    // `-server` is one option, and not `-s` with a word behind it.
    if options.iter().any(|option| word == option) {
        return words.next();
    }
    for option in options {
        let Some(rest) = word.strip_prefix(option.as_str()) else {
            continue;
        };
        if let Some(value) = rest.strip_prefix('=') {
            return Some(value);
        }
        if option.len() == 2 && !option.starts_with("--") {
            return Some(rest);
        }
    }
    None
}

fn named(known: &Command, heard: &Heard<'_>) -> Vec<Target> {
    if let Some(host) = heard.host {
        // `tcp:host\instance,port` of SQL Server is a host before its backslash.
        return targets(
            groma_knowledge::rules::Shape::Hosts,
            host.split('\\').next().unwrap_or(host),
        );
    }
    let first = heard.arguments.first().copied();
    match known.arguments {
        Arguments::None => Vec::new(),
        Arguments::Urls => heard
            .arguments
            .iter()
            .flat_map(|w| find_urls(w))
            .flat_map(|f| f.targets)
            .collect(),
        Arguments::UrlsOrHost => {
            let urls = heard.arguments.iter().flat_map(|w| find_urls(w));
            let found: Vec<Target> = urls.flat_map(|f| f.targets).collect();
            if found.is_empty() {
                first.and_then(account_host).into_iter().collect()
            } else {
                found
            }
        }
        Arguments::Host => first.and_then(account_host).into_iter().collect(),
        Arguments::HostPort => host_port(heard),
        Arguments::RemotePaths => heard
            .arguments
            .iter()
            .filter_map(|w| remote_path(w))
            .collect(),
        Arguments::Unc => heard.arguments.iter().filter_map(|w| unc(w)).collect(),
        Arguments::MountSource => mount_source(heard),
        Arguments::OracleLogin => heard.arguments.iter().filter_map(|w| oracle(w)).collect(),
        Arguments::AtServer => heard
            .arguments
            .iter()
            .filter_map(|w| account_host(w.strip_prefix('@')?))
            .collect(),
        Arguments::AtHost => heard
            .arguments
            .iter()
            .filter(|w| w.contains('@'))
            .flat_map(|w| targets(groma_knowledge::rules::Shape::AtHost, w))
            .collect(),
        Arguments::Libpq => heard
            .arguments
            .iter()
            .chain(heard.resource.iter())
            .flat_map(|w| targets(groma_knowledge::rules::Shape::Libpq, w))
            .collect(),
    }
}

/// `account/secret@//host:port/service`; what stands before the last `@` is not looked at but for the account.
fn oracle(word: &str) -> Option<Target> {
    let (login, place) = word.rsplit_once('@')?;
    let place = place.trim_start_matches("//");
    let (host, service) = place.split_once('/').unwrap_or((place, ""));
    // A bare word is an alias of tnsnames.ora.
    if service.is_empty() && !host.contains(':') {
        return None;
    }
    let (peer, number) = host_and_port(host)?;
    let mut target = Target::new(peer, number);
    let (name, secret) = login.split_once('/').unwrap_or((login, ""));
    target.account = account(name);
    target.has_secret = !secret.is_empty();
    target.resource = resource(service.split(' ').next().unwrap_or(service));
    Some(target)
}

fn host_port(heard: &Heard<'_>) -> Vec<Target> {
    let mut words = heard.arguments.iter();
    let Some((peer, _)) = words.next().and_then(|w| host_and_port(w)) else {
        return Vec::new();
    };
    let Some(number) = words.next().and_then(|w| port(w)) else {
        return Vec::new();
    };
    let mut target = Target::new(peer, Some(number));
    target.kind = groma_model::registry::REGISTRY
        .kind_by_port(number, groma_model::Transport::Tcp)
        .map(|k| k.name.as_str());
    vec![target]
}

fn mount_source(heard: &Heard<'_>) -> Vec<Target> {
    let Some(source) = heard.arguments.first() else {
        return Vec::new();
    };
    let (mut targets, kind, number) = if source.starts_with("//") || source.starts_with("\\\\") {
        (unc(source).into_iter().collect::<Vec<_>>(), "smb", 445)
    } else if source.contains(":/") {
        (
            targets(groma_knowledge::rules::Shape::Export, source),
            "nfs",
            2049,
        )
    } else {
        return Vec::new();
    };
    let kind = if heard.file_system == Some("fuse.sshfs") {
        "ssh"
    } else {
        kind
    };
    for target in &mut targets {
        target.kind = Some(kind);
        target.default_port = Some(groma_model::Port(number));
    }
    targets
}

/// A program no table knows: whole URLs among its words, and options that are common keys.
fn unknown_command(words: &[String], out: &mut Vec<Target>) {
    for word in words {
        let value = word.split_once('=').map_or(word.as_str(), |(_, v)| v);
        let whole: Vec<_> = find_urls(value)
            .into_iter()
            .filter(|f| f.start == 0)
            .flat_map(|f| f.targets)
            .collect();
        if !whole.is_empty() {
            out.extend(whole);
            continue;
        }
        if let Some(target) = common_option(word) {
            out.push(target);
        }
    }
}

/// `--db-host=db1`, `-Dspring.mail.host=m1`.
fn common_option(word: &str) -> Option<Target> {
    let (name, value) = word
        .strip_prefix("--")
        .or_else(|| word.strip_prefix("-D"))?
        .split_once('=')?;
    let key = name.to_ascii_lowercase().replace('-', "_");
    let take = COMMON_KEYS
        .take
        .iter()
        .find(|t| t.when.is_empty() && t.keys.iter().any(|k| capture(k, &key).is_some()))?;
    let mut target = account_host(value)?;
    target.kind = target.kind.or_else(|| {
        Some(
            groma_model::registry::REGISTRY
                .kind(&take.kind)
                .name
                .as_str(),
        )
    });
    target.default_port = target.default_port.or(take.port.map(groma_model::Port));
    (is_certain(&target.peer) || !value.contains('/')).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Vec<String> {
        command_line(line)
            .iter()
            .map(|t| {
                let port = t.port.or(t.default_port).map_or(0, |p| p.0);
                let rest: String = [t.account.as_deref(), t.resource.as_deref()]
                    .into_iter()
                    .flatten()
                    .map(|s| format!(" {s}"))
                    .collect();
                format!(
                    "{} {}:{port}{rest}{}",
                    t.kind.unwrap_or("-"),
                    t.peer,
                    if t.has_secret { " ***" } else { "" }
                )
            })
            .collect()
    }

    #[test]
    fn a_forwarded_port_is_a_machine_of_its_own() {
        assert_eq!(
            shown("ssh -N -L 127.0.0.1:3306:127.0.0.1:3307 -L8025:relay2:25 t@db1"),
            ["ssh db1:22 t", "sql db1:3307", "smtp-relay relay2:25"]
        );
    }

    #[test]
    fn programs_are_read_by_their_options() {
        assert_eq!(
            shown("/usr/bin/pg_dump -h db1 -U backup -p 5433 -f /x.sql erp | gzip >/y"),
            ["sql db1:5433 backup"]
        );
        assert_eq!(
            shown("mysql -hdb2 -uroot -phunter2 shop"),
            ["sql db2:3306 root ***"]
        );
        assert_eq!(
            shown("mysql --host=db2 --password=x -u a"),
            ["sql db2:3306 a ***"]
        );
        assert_eq!(
            shown("ldapsearch -x -H ldap://dc1 -D cn=r,dc=c -w x -b dc=c '(uid=*)'"),
            ["ldap-bind dc1:389 cn=r,dc=c dc=c ***"]
        );
        assert_eq!(
            shown("curl -s -u svc:hunter2 -o /dev/null https://erp.corp:8443/api"),
            ["http erp.corp:8443 svc ***"]
        );
        assert_eq!(
            shown("lftp -u edi,hunter2 ftp1 -e 'mput x; bye'"),
            ["ftp ftp1:21 edi ***"]
        );
        assert_eq!(
            shown("blat x.txt -to a@b -s hello -server mail1 -pw hunter2"),
            ["smtp-relay mail1:25 ***"]
        );
        assert_eq!(
            shown("rsync -a -e 'ssh -p 22' /srv/ backup@nas1:/vol/b"),
            ["ssh nas1:22 backup /vol/b"]
        );
        assert_eq!(
            shown("rsync -a --rsh='/usr/bin/ssh -i /k -p2222' backup@nas1:/vol/b /srv/"),
            ["ssh nas1:2222 backup /vol/b"]
        );
        assert_eq!(
            shown("rsync -a -e 'ssh -p 2222' /srv/ nas1::mod/x"),
            ["backup nas1:873 mod"]
        );
        assert_eq!(shown("rsync -a /srv/ nas1::mod/x"), ["backup nas1:873 mod"]);
        assert_eq!(
            shown("mount -t cifs -o username=a //files1/scans /mnt"),
            ["smb files1:445 scans"]
        );
        assert_eq!(shown("nc -z db9 5432"), ["sql db9:5432"]);
        assert_eq!(
            shown("smbclient //files1/scans -U 'corp\\scan%hunter2' -c ls"),
            ["smb files1:445 corp\\scan scans ***"]
        );
    }

    #[test]
    fn what_jobs_call_is_known_by_the_programs_own_options() {
        for (line, expected) in [
            (
                "echo x | mail -s done -S smtp=smtp://relay1:587 a@b",
                "smtp-submission relay1:587",
            ),
            (
                "mailx -S from=x@y -S mta=relay2:2525 a@b",
                "smtp-relay relay2:2525",
            ),
            (
                "sqlplus -s scott/tiger@//ora1:1522/ERP @run.sql",
                "sql ora1:1522 scott ERP ***",
            ),
            (
                "expdp system/x@ora2:1521/PROD full=y",
                "sql ora2:1521 system PROD ***",
            ),
            ("dig @ns1 corp.example axfr", "dns ns1:53"),
            (
                "mosquitto_pub -h mq1 -t a/b -m 1 -u s -P x",
                "message-queue mq1:1883 s ***",
            ),
            (
                "ipmitool -I lanplus -H bmc1 -U adm -P x power status",
                "other bmc1:623 adm ***",
            ),
            ("upsc ups1@nut1", "ups nut1:3493 ups1"),
            ("lftp -e 'mirror; bye' ftp://ftp1/in", "ftp ftp1:21 in"),
            ("mount -t nfs nas1:/vol /mnt", "nfs nas1:2049 /vol"),
            ("swaks --server relay3 --to a@b", "smtp-relay relay3:25"),
        ] {
            assert_eq!(shown(line), [expected], "{line}");
        }
        for line in [
            "sqlplus scott/tiger@PROD",
            "mail -s hello a@b.example",
            "dig corp.example",
            "mail -S from=h1.example a@b",
        ] {
            assert!(shown(line).is_empty(), "{line}: {:?}", shown(line));
        }
    }

    #[test]
    fn wrappers_and_shells_are_looked_through() {
        assert_eq!(
            shown("sudo -u app timeout 60 psql -h db1 erp"),
            ["sql db1:5432"]
        );
        assert_eq!(
            shown("/bin/sh -c 'cd /x && scp f u@h1:/in'"),
            ["ssh h1:22 u /in"]
        );
        assert_eq!(
            shown("[ -x /x ] && flock -n /l ssh -p 2222 ops@h2 uptime"),
            ["ssh h2:2222 ops"]
        );
    }

    #[test]
    fn unknown_programs_speak_only_clearly() {
        assert_eq!(
            shown(
                "/opt/app/bin/app --db-host=db1 --listen=0.0.0.0:80 -Dmail.host=m1 --url=http://e.corp/x"
            ),
            ["sql db1:0", "smtp-relay m1:25", "http e.corp:80"]
        );
        assert_eq!(
            shown("java -jar x.jar jdbc:postgresql://db3/erp"),
            ["sql db3:5432 erp"]
        );
    }

    #[test]
    fn talk_about_machines_is_not_a_call() {
        for line in [
            "echo http://old.corp/",
            "grep -q http://x /etc/y",
            "# curl http://x",
            "cp a:b /x",
            "ls host.corp",
            "ssh $HOST uptime",
            "curl $URL",
        ] {
            assert!(shown(line).is_empty(), "{line}: {:?}", shown(line));
        }
    }

    #[test]
    fn no_command_line_panics() {
        groma_fuzz::hammer(
            300,
            &[
                b"sudo psql -h db1 -U 'x' | ssh a@b \"curl http://$(x)\" `y`",
                b"mysql -pX -h\\ ",
            ],
            |bytes| {
                let _ = command_line(&String::from_utf8_lossy(bytes));
            },
        );
    }
}
