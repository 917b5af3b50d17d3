//! What a look really opens, as the kernel is asked for it, against what `groma-agent explain` says it reads.
//!
//! One source is left out: the one that looks for archives walks every local directory, and says so; with it, nothing
//! would be left to find.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::collections::BTreeSet;

use groma_tests::{Kind, Machine};
use serde_json::Value;

/// Sources that look only where somebody told them what for, on the command line.
const TOLD_WHAT_TO_ASK: [&str; 13] = [
    "written.find",
    "directory.objects",
    "hypervisor.platform",
    "log.windows",
    "log.journal",
    "network.packets",
    "network.wire",
    "network.sentinel",
    "network.sweep",
    "network.snmp",
    "network.services",
    "network.devices",
    "network.certificates",
];

const WALKS_EVERYTHING: &str = "host.archives";

/// What every program opens to start and to know itself; the text of `explain` names it once for all.
const OF_THE_PROGRAM: &[&str] = &[
    "/dev/null",
    "/dev/random",
    "/dev/urandom",
    "/etc/ld.so.cache",
    "/lib",
    "/proc/*/maps",
    "/proc/*/mountinfo",
    "/proc/*/oom_score_adj",
    "/proc/*/status",
    "/proc/*/stat",
    "/proc/*/cgroup",
    "/root/state",
    "/sys/devices/system/cpu/online",
    "/sys/fs/cgroup",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/local/bin/groma-agent",
];

/// The paths an explanation names. A word without a slash may stand for a file beside one that was named:
/// "/proc/PID/fd, exe, cwd".
fn named(reads: &[String]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for line in reads {
        let separators = |c: char| c.is_whitespace() || ",;()".contains(c);
        let words = || {
            line.split(separators)
                .map(|w| w.trim_matches(&['.', ':', '"'][..]))
        };
        let whole: Vec<String> = words()
            .filter(|w| w.starts_with('/') && w.len() > 1)
            .map(|w| every_process(w.trim_end_matches('/')))
            .collect();
        let beside = whole
            .iter()
            .filter_map(|path| Some(path.rsplit_once('/')?.0));
        for directory in beside.filter(|d| !d.is_empty()) {
            let short = words().filter(|w| !w.is_empty() && !w.starts_with('/'));
            all.extend(short.map(|word| format!("{directory}/{word}")));
        }
        // The process table as a whole is named for its numbers, not for all that lies below.
        all.extend(whole.into_iter().filter(|path| path != "/proc"));
    }
    all
}

/// The same path whichever process it is of.
fn every_process(path: &str) -> String {
    let parts = path.split('/').enumerate().map(|(at, part)| {
        let numbered = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let process = at == 2 && (numbered || matches!(part, "self" | "PID"));
        if process && path.starts_with("/proc/") {
            "*"
        } else {
            part
        }
    });
    let path: Vec<&str> = parts.collect();
    path.join("/").replace("/proc/net/", "/proc/*/net/")
}

/// True if `path` is what `name` says, or lies below it.
fn covers(name: &str, path: &str) -> bool {
    let (mut names, mut parts) = (name.split('/'), path.split('/'));
    names.all(|name| parts.next().is_some_and(|part| alike(name, part)))
}

/// One part of a path against one of a name, in which a star stands for any letters.
fn alike(name: &str, part: &str) -> bool {
    match name.split_once('*') {
        None => name == part,
        Some((before, after)) => part.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len())
                .filter_map(|at| rest.get(at..))
                .any(|rest| alike(after, rest))
        }),
    }
}

/// Every file and directory that was opened to be read, from what strace wrote; those only held (O_PATH) are not.
fn opened(trace: &str) -> BTreeSet<(String, bool)> {
    let mut asked = std::collections::HashMap::new();
    let mut all = BTreeSet::new();
    for line in trace.lines() {
        let Some((process, call)) = line.split_once(' ') else {
            continue;
        };
        if call.ends_with("<unfinished ...>") {
            asked.insert(process, call);
            continue;
        }
        let begun = call
            .contains(" resumed>")
            .then(|| asked.remove(process))
            .flatten();
        let flags = format!("{}{call}", begun.unwrap_or_default());
        let path = call.rsplit_once("= ").and_then(|(_, answer)| {
            let (_, path) = answer.split_once('<')?;
            path.trim_end().strip_suffix('>')
        });
        if let Some(path) = path.filter(|p| p.starts_with('/') && !flags.contains("O_PATH")) {
            all.insert((every_process(path), flags.contains("O_DIRECTORY")));
        }
    }
    all
}

#[test]
fn everything_a_look_opens_was_explained_before() {
    let Some(machine) = Machine::start(Kind::Bare) else {
        return;
    };
    if machine
        .try_shell("command -v strace && strace -o /dev/null true")
        .code
        != 0
    {
        groma_tests::skip("strace is not installed, or may trace nobody here");
        return;
    }
    machine.shell(
        "mkdir -p /root/state /opt/app /opt/p; echo DATABASE_URL=postgresql://u@db.corp.example/x > /opt/app/.env
         cc -O1 -w -o /opt/p/trap /run/lab/trap.c -lpthread; setsid /opt/p/trap 7001 plain >/dev/null 2>&1 &",
    );
    let said = machine.shell("GROMA_STATE_DIR=/root/state groma-agent explain --format json");
    let explained: Vec<Value> = serde_json::from_str(&said).unwrap();
    let names = |source: &Value| source["name"].as_str().unwrap().to_owned();
    let looks: Vec<&Value> = explained
        .iter()
        .filter(|s| names(s) != WALKS_EVERYTHING && !TOLD_WHAT_TO_ASK.contains(&&*names(s)))
        .collect();
    let reads: Vec<String> = looks
        .iter()
        .flat_map(|s| s["reads"].as_array().unwrap())
        .map(|line| line.as_str().unwrap().to_owned())
        .collect();
    let mut known = named(&reads);
    known.extend(OF_THE_PROGRAM.iter().map(|path| (*path).to_owned()));
    let sources: Vec<String> = looks
        .iter()
        .map(|s| format!("--source {}", names(s)))
        .collect();
    let look = machine.try_shell(&format!(
        "GROMA_STATE_DIR=/root/state strace -f -qq -y -e trace=open,openat,openat2 -e signal=none -o /run/lab/opened \
         groma-agent look --offline --for 0s --format json {} >/dev/null",
        sources.join(" ")
    ));
    assert_eq!(look.code, 0, "{}", look.stderr);
    let opened = opened(&machine.shell("cat /run/lab/opened"));
    assert!(opened.len() > 50, "the trace is empty: {opened:?}");
    let is_on_the_way = |path: &str| {
        let below = format!("{}/", path.trim_end_matches('/'));
        known.iter().any(|name| name.starts_with(&below))
    };
    let unexplained: Vec<&String> = opened
        .iter()
        .filter(|(path, _)| !known.iter().any(|name| covers(name, path)))
        .filter(|(path, directory)| !(*directory && is_on_the_way(path)))
        // Another mount of tracefs is named by what lies in it.
        .filter(|(path, _)| !path.starts_with("/instances"))
        .map(|(path, _)| path)
        .collect();
    assert!(
        unexplained.is_empty(),
        "{} of {} files and directories were opened and not explained: {unexplained:#?}",
        unexplained.len(),
        opened.len()
    );
}

#[test]
fn a_path_is_explained_by_its_own_name_and_by_a_directory_above_it_alone() {
    let reads = [
        "/proc/PID/fd, exe of every process; /etc/app.d/*.conf".to_owned(),
        "below /srv/x.".to_owned(),
    ];
    let known = named(&reads);
    let explained = |path: &str| known.iter().any(|name| covers(name, &every_process(path)));
    for path in [
        "/proc/77/exe",
        "/proc/self/fd/3",
        "/etc/app.d/a.conf",
        "/srv/x/y",
    ] {
        assert!(explained(path), "{path}");
    }
    for path in [
        "/proc/77/environ",
        "/etc/app.d/a.key",
        "/srv/xy",
        "/etc/shadow",
        "/",
    ] {
        assert!(!explained(path), "{path}");
    }
}
