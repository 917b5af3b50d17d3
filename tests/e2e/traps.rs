//! Traps for whoever reads a machine: files and processes made to hang, flood, mislead or be harmed by a look.
//!
//! Each is a real object of this kernel, planted on a machine of its own. One look passes them all; then each says
//! what it expected: one gap or rightly none, nothing behind it read, and no side effect.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

#[path = "traps/files.rs"]
mod files;
#[path = "traps/hangs.rs"]
mod hangs;
#[path = "traps/processes.rs"]
mod processes;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use groma_model::batch::{Record, Said};
use groma_model::{Fact, Gap};
use groma_tests::{Kind, Machine};

/// What a look should say of a trap.
#[derive(Clone, Copy, Debug)]
enum Expect {
    /// One gap about this path, for this reason.
    Gap(&'static str, &'static str),
    /// Not a word about this path.
    Silence(&'static str),
    /// This host is named by what was read.
    Read(&'static str),
    /// This host is named by nothing.
    NeverRead(&'static str),
    /// A listener at this port, with an executable that ends so; an empty one is a program nobody names.
    Listener(u16, &'static str),
}

/// One trap.
struct Trap {
    /// A sentence: what should happen.
    name: &'static str,
    /// A shell script that plants it, in a directory of its own.
    plant: &'static str,
    expect: &'static [Expect],
    /// A shell script that fails if the look had a side effect.
    after: &'static str,
}

const fn trap(
    name: &'static str,
    plant: &'static str,
    expect: &'static [Expect],
    after: &'static str,
) -> Trap {
    Trap {
        name,
        plant,
        expect,
        after,
    }
}

/// Everything one look said.
struct Look {
    records: Vec<Record>,
    took: Duration,
    code: i32,
    stderr: String,
}

impl Look {
    fn at(machine: &Machine, words: &str) -> Self {
        let begin = Instant::now();
        let said = machine.try_shell(&format!(
            "GROMA_STATE_DIR=/root/state timeout -k 5 100 groma-agent look --offline --format json {words}"
        ));
        let took = begin.elapsed();
        let lines = said.stdout.lines().skip(1);
        Self {
            records: lines.filter_map(|l| serde_json::from_str(l).ok()).collect(),
            took,
            code: said.code,
            stderr: said.stderr,
        }
    }

    fn gaps(&self) -> impl Iterator<Item = (&str, &Gap)> {
        self.records.iter().filter_map(|r| match &r.said {
            Said::Missed(gap) => Some((r.source.as_str(), gap)),
            _ => None,
        })
    }

    fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.records.iter().filter_map(|r| match &r.said {
            Said::Saw(observation) => Some(&observation.fact),
            _ => None,
        })
    }

    fn hosts(&self) -> BTreeSet<String> {
        let references = self.facts().filter_map(|fact| match fact {
            Fact::Reference(reference) => Some(reference.peer.to_string()),
            _ => None,
        });
        references.collect()
    }

    /// What `expect` misses, in words; `None` if it is met.
    fn lacks(&self, expect: Expect) -> Option<String> {
        match expect {
            Expect::Gap(path, reason) => {
                let found: Vec<_> = self.about(path).collect();
                let right = matches!(found[..], [(_, gap)] if gap.reason.to_string() == reason);
                (!right).then(|| format!("one gap {reason:?} about {path}, not {found:?}"))
            }
            Expect::Silence(path) => {
                let found: Vec<_> = self.about(path).collect();
                (!found.is_empty()).then(|| format!("silence about {path}, not {found:?}"))
            }
            Expect::Read(host) => {
                (!self.hosts().contains(host)).then(|| format!("{host} was not read"))
            }
            Expect::NeverRead(host) => self
                .hosts()
                .contains(host)
                .then(|| format!("{host} was read")),
            Expect::Listener(port, executable) => self.lacks_listener(port, executable),
        }
    }

    fn about(&self, path: &str) -> impl Iterator<Item = (&str, &Gap)> {
        let scope = format!("file:{path}");
        self.gaps()
            .filter(move |(source, gap)| *source == "written.config" && gap.scope.as_str() == scope)
    }

    fn lacks_listener(&self, port: u16, executable: &str) -> Option<String> {
        let found: BTreeSet<String> = self
            .facts()
            .filter_map(|fact| match fact {
                Fact::Listener(listener) if listener.port.0 == port => Some(
                    listener
                        .program
                        .executable
                        .as_ref()
                        .map_or_else(String::new, |e| e.lossy().into_owned()),
                ),
                _ => None,
            })
            .collect();
        let right = found.len() == 1
            && found
                .iter()
                .all(|e| e.ends_with(executable) && e.is_empty() == executable.is_empty());
        (!right).then(|| format!("one listener at {port} of {executable:?}, not {found:?}"))
    }
}

/// Plants every trap, looks once, and says all that went wrong together.
fn pass(machine: &Machine, traps: &[Trap], words: &str, most: Duration) {
    for trap in traps {
        let planted = machine.try_shell(&format!("set -e; {}", trap.plant));
        assert_eq!(
            planted.code, 0,
            "{:?} could not be planted: {}{}",
            trap.name, planted.stdout, planted.stderr
        );
    }
    let look = Look::at(machine, words);
    #[expect(clippy::print_stderr, reason = "a figure for whoever reads the log")]
    {
        eprintln!("{} traps were passed in {:?}", traps.len(), look.took);
    }
    let mut wrong = Vec::new();
    if look.code != 0 || look.took > most {
        wrong.push(format!(
            "the look took {:?} and ended with {}: {}",
            look.took, look.code, look.stderr
        ));
    }
    for trap in traps {
        let lacks = trap.expect.iter().filter_map(|e| look.lacks(*e));
        wrong.extend(lacks.map(|lack| format!("{}: {lack}", trap.name)));
        let after = machine.try_shell(&format!("set -e; {}", trap.after));
        if after.code != 0 {
            wrong.push(format!(
                "{}: a side effect: {}{}",
                trap.name, after.stdout, after.stderr
            ));
        }
    }
    let inside = look
        .gaps()
        .filter(|(_, gap)| gap.scope.as_str().starts_with("source:"));
    wrong.extend(inside.map(|(_, gap)| format!("a source failed: {}", gap.what)));
    assert!(
        wrong.is_empty(),
        "{} of {} traps:\n{}",
        wrong.len(),
        traps.len(),
        wrong.join("\n")
    );
}

fn machine() -> Option<Machine> {
    let machine = Machine::start(Kind::Bare)?;
    machine.shell("test -e /dev/fuse || mknod -m 666 /dev/fuse c 10 229; for n in 0 1 2 3 4 5 6 7; do test -e /dev/loop$n || mknod /dev/loop$n b 7 $n; done; mkdir -p /root/state");
    Some(machine)
}
