//! Reverse search: every place on this machine that names one of the systems somebody is about to move.
//!
//! **What it sees.** File, line, key where the line has one, the way the system is named (its name, another name,
//! an address, a short name as a whole word), who reads the file. Where a rule knows the line, also what it is
//! needed for. It is wider than the look of [`crate::ConfigSource`]: files no rule knows, firewall rules, templates,
//! play books, dotfiles of service accounts and hashed `known_hosts` count too.
//!
//! **What stays silent.** Comments, samples, left-over copies, documentation, test data, histories, logs; a name
//! within a longer one; a short name that is a path, a variable or part of a file name.
//!
//! **What never leaves.** No line of a file; of a line only its number and the word before `=` or `:`.

mod comments;
mod files;
mod hashed;
mod owners;
mod words;

use std::path::{Path, PathBuf};

use groma_knowledge::RULES;
use groma_model::fact::Reference;
use groma_model::found::{Naming, Spelling};
use groma_model::{
    CoverageState, Fact, Observation, Peer, Reason, Scope, Seen, SourceName, Transport,
};
use groma_source::{Budget, Disk, Explanation, Sink, SinkExt, Source, Window, World};
use rayon::prelude::*;

use self::files::Files;
use self::words::{Hit, Words};
use crate::inspect::{Said, component_of, plan};
use crate::look::is_program;
use crate::machine::Machine;
use crate::script::OnDisk;
use crate::text::decode;

pub use self::owners::packages_of;

/// The name of this source in evidence.
pub const FIND_NAME: &str = "written.find";

/// Before the way a system is named, in the rule of a mention: `mention-alias`.
pub const MENTION: &str = groma_model::fact::MENTION_RULE;

/// Files read before their places are said.
const BATCH: usize = 256;
const THREADS: usize = 2;
/// Gaps named one by one; further ones are counted.
const GAPS_MAX: u64 = 50;
/// Places one file may have; what comes after is a gap.
const PLACES_MAX: usize = 500;

/// Names that are those of services and groups as well.
const COMMON_WORDS: &[&str] = &[
    "mail",
    "smtp",
    "imap",
    "pop",
    "pop3",
    "www",
    "web",
    "ftp",
    "ldap",
    "dns",
    "ntp",
    "time",
    "db",
    "sql",
    "mysql",
    "postgres",
    "relay",
    "server",
    "host",
    "proxy",
    "backup",
    "files",
    "print",
    "log",
    "logs",
    "syslog",
    "test",
    "dev",
    "prod",
    "app",
    "api",
    "git",
    "monitor",
    "monitoring",
    "gateway",
    "router",
    "switch",
    "intranet",
    "portal",
    "cloud",
    "node",
    "master",
    "admin",
    "data",
    "directory",
    "localhost",
    "local",
    "home",
    "archive",
    "cache",
    "static",
    "media",
    "shop",
    "wiki",
    "vpn",
    "fax",
];

/// True for a word that is the name of a host only where a rule knows that a host stands there.
#[must_use]
pub fn is_common_word(name: &str) -> bool {
    COMMON_WORDS.contains(&name)
}

/// Searches this machine for every place that names one of a few systems.
pub struct FindSource {
    world: World,
    spellings: Vec<Spelling>,
    roots: Option<Vec<PathBuf>>,
}

impl FindSource {
    /// A search for `spellings` over the usual places.
    pub fn new(world: World, spellings: Vec<Spelling>) -> Self {
        Self {
            world,
            spellings,
            roots: None,
        }
    }

    /// As [`Self::new`], over `roots` alone.
    pub fn with_roots(world: World, spellings: Vec<Spelling>, roots: Vec<PathBuf>) -> Self {
        Self {
            world,
            spellings,
            roots: Some(roots),
        }
    }

    fn roots(&self) -> Vec<PathBuf> {
        let disk = self.world.disk.as_ref();
        self.roots.clone().unwrap_or_else(|| files::roots(disk))
    }
}

impl Source for FindSource {
    fn name(&self) -> SourceName {
        SourceName::new(FIND_NAME)
    }

    fn explain(&self) -> Explanation {
        let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect();
        let mut reads: Vec<String> = files::ROOTS
            .iter()
            .map(|root| format!("text files below {root}"))
            .collect();
        if cfg!(windows) {
            reads = vec!["text files below the directories of every drive".to_owned()];
        }
        reads.push("files that begin with a dot in the homes of service accounts".to_owned());
        reads.push("/var/lib/dpkg/info/*.list, for the package a file belongs to".to_owned());
        Explanation {
            purpose: "Only for `groma-agent find`: every place that names the systems given there."
                .to_owned(),
            reads,
            contacts: Vec::new(),
            sends: words(&[
                "file, line and the word before the name",
                "the way the system is named there",
                "the unit, job or package the file belongs to",
            ]),
            never_sends: words(&["passwords, keys and tokens", "lines or contents of files"]),
            rights: words(&["none; root to read files of other accounts, else they are gaps"]),
            cost: "one search through the same files, on at most two threads".to_owned(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let Some(words) = Words::of(&self.spellings) else {
            return;
        };
        let disk = self.world.disk.as_ref();
        let mut search = Search {
            disk,
            machine: Machine::look(disk, &RULES),
            words,
            window,
            sink,
            limit: budget.file_bytes_max,
            bytes_left: budget.total_bytes_max,
            entries_left: budget.entries_max,
            gaps: 0,
        };
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(THREADS)
            .build()
            .ok();
        for root in self.roots() {
            search.root(&root, threads.as_ref());
        }
    }
}

struct Search<'a> {
    disk: &'a dyn Disk,
    machine: Machine,
    words: Words,
    window: &'a Window,
    sink: &'a mut dyn Sink,
    limit: u64,
    bytes_left: u64,
    entries_left: u64,
    gaps: u64,
}

/// What one file gave.
struct Looked {
    path: PathBuf,
    bytes: u64,
    places: Result<Vec<Reference>, Reason>,
}

impl Search<'_> {
    fn root(&mut self, root: &Path, threads: Option<&rayon::ThreadPool>) {
        let scope = Scope::new("tree", &root.to_string_lossy());
        if self.disk.metadata(root).is_err_and(|e| e.is_absent()) {
            return;
        }
        let mut files = Files::below(root, self.disk, self.entries_left);
        let mut cut = None;
        loop {
            let batch: Vec<PathBuf> = files.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            if self.window.is_over() {
                cut = Some(Reason::TimedOut);
                break;
            }
            self.read(&batch, threads);
            if self.bytes_left == 0 {
                cut = Some(Reason::BudgetExhausted);
                break;
            }
        }
        self.entries_left = files.entries_left;
        for (path, reason) in std::mem::take(&mut files.missed) {
            self.missed(&path, reason);
        }
        if let Some(reason) = cut.or_else(|| files.is_cut().then_some(Reason::BudgetExhausted)) {
            let remedy = "allow more time or a larger budget";
            self.sink
                .missed_because(&scope, "the rest of this tree", reason, remedy);
            self.gaps += 1;
        }
        // Only a few names were searched for: that another one was not met says nothing, so no tree is complete.
        self.sink
            .covered_now(self.window, &scope, CoverageState::Partial);
    }

    fn read(&mut self, batch: &[PathBuf], threads: Option<&rayon::ThreadPool>) {
        let (disk, machine, words, limit) = (self.disk, &self.machine, &self.words, self.limit);
        let one = |path: &PathBuf| look_into(disk, machine, words, path, limit);
        let looked: Vec<Option<Looked>> = match threads {
            Some(threads) => threads.install(|| batch.par_iter().map(one).collect()),
            None => batch.iter().map(one).collect(),
        };
        for looked in looked.into_iter().flatten() {
            self.bytes_left = self.bytes_left.saturating_sub(looked.bytes);
            match looked.places {
                Err(reason) => self.missed(&looked.path, reason),
                Ok(places) => self.say(&looked.path, places),
            }
        }
    }

    fn say(&mut self, path: &Path, mut places: Vec<Reference>) {
        let scope = Scope::new("file", &path.to_string_lossy());
        if places.len() > PLACES_MAX {
            places.truncate(PLACES_MAX);
            self.missed(path, Reason::BudgetExhausted);
        }
        for place in places {
            self.sink.saw(Observation {
                scope: scope.clone(),
                fact: Fact::Reference(place),
                seen: Seen::once(self.window.now()),
            });
        }
    }

    fn missed(&mut self, path: &Path, reason: Reason) {
        self.gaps += 1;
        if self.gaps > GAPS_MAX {
            return;
        }
        let remedy = match reason {
            Reason::PermissionDenied => "run as root",
            Reason::TooLarge | Reason::BudgetExhausted => "allow a larger budget",
            _ => "",
        };
        let scope = Scope::new("file", &path.to_string_lossy());
        let what = format!("names in {}", path.display());
        self.sink.missed_because(&scope, what, reason, remedy);
    }
}

fn look_into(
    disk: &dyn Disk,
    machine: &Machine,
    words: &Words,
    path: &Path,
    limit: u64,
) -> Option<Looked> {
    let looked = |bytes: usize, places| {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let path = path.to_owned();
        Some(Looked {
            path,
            bytes,
            places,
        })
    };
    let read = match disk.read(path, limit) {
        Ok(read) => read,
        Err(error)
            if error.is_absent()
                || matches!(error.reason, Reason::NotARegularFile | Reason::BrokenLink) =>
        {
            return None;
        }
        // A program is no configuration, however large.
        Err(error) if error.reason == Reason::TooLarge && is_program(disk, path) => return None,
        Err(error) => return looked(0, Err(error.reason)),
    };
    let size = read.bytes.len();
    // A link is another name of a file that is met by its own, unless its own place is passed over.
    if read.path != path && files::is_met(&read.path) {
        return looked(size, Ok(Vec::new()));
    }
    let Some(text) = decode(&read.bytes) else {
        return looked(size, Ok(Vec::new()));
    };
    let name = path.to_string_lossy();
    let hits = words.within(&text, &name);
    if hits.is_empty() {
        return looked(size, Ok(Vec::new()));
    }
    let mut said = plan(path, machine)
        .map(|plan| plan.carry_out(&read.bytes, machine, &OnDisk::new(disk)))
        .unwrap_or_default();
    said.settle();
    let places = hits
        .iter()
        // What a package brought and nobody changed names nobody by a word.
        .filter(|hit| !is_word(hit) || !machine.is_vendors(&name, &read.bytes))
        .filter(|hit| {
            !matches!(&hit.peer, Peer::Name(name) if is_common_word(name.as_str()))
                || name.ends_with("/hosts")
                || said
                    .references
                    .iter()
                    .any(|r| r.line == hit.line && r.peer == hit.peer)
        })
        .map(|hit| place(path, machine, hit, &said))
        .collect();
    looked(size, Ok(places))
}

/// True for a name without a domain: a word like any other.
fn is_word(hit: &Hit) -> bool {
    matches!(&hit.peer, Peer::Name(name) if !name.as_str().contains('.'))
}

/// One hit as evidence: a hint, told more of by a rule that knows the line.
fn place(path: &Path, machine: &Machine, hit: &Hit, said: &Said) -> Reference {
    let known = said
        .references
        .iter()
        .find(|r| r.line == hit.line && r.peer == hit.peer);
    let beside = known.or_else(|| said.references.iter().find(|r| r.line == hit.line));
    let component = beside.map_or_else(
        || component_of(path, hit.line, machine),
        |r| r.component.clone(),
    );
    Reference {
        rule: format!("{MENTION}{}", hit.naming.word()),
        file: groma_source::disk::foreign(path),
        line: hit.line,
        key: known.map_or_else(|| hit.key.clone(), |r| r.key.clone()),
        peer: hit.peer.clone(),
        port: known.and_then(|r| r.port),
        transport: known.map_or(Transport::Tcp, |r| r.transport),
        kind: known.map_or_else(|| "other".to_owned(), |r| r.kind.clone()),
        component,
        resource: None,
        account: None,
        protection: None,
        mechanism: None,
        has_secret: known.is_some_and(|r| r.has_secret),
        rhythm: known.and_then(|r| r.rhythm.clone()),
        weak: true,
    }
}

/// Spellings a hosts file adds to those known: its other names for their addresses, its addresses for their
/// names. `asked` is whom they are all about.
pub fn by_hosts_file(disk: &dyn Disk, known: &[Spelling]) -> Vec<Spelling> {
    let read = disk.read(Path::new("/etc/hosts"), 1 << 20);
    let Some(text) = read
        .ok()
        .and_then(|r| decode(&r.bytes).map(|t| t.into_owned()))
    else {
        return Vec::new();
    };
    let pairs = crate::format::hosts(&text);
    let mut all = known.to_vec();
    // A name leads to addresses, these to further names: twice around is the whole of it.
    for _ in 0..2 {
        for (name, address) in &pairs {
            let (name, address) = (Peer::Name(name.clone()), Peer::Address(*address));
            for (from, to, naming) in [
                (&name, &address, Naming::Address),
                (&address, &name, Naming::Alias),
            ] {
                let about = all.iter().find(|s| s.peer == *from).map(|s| s.of.clone());
                if let Some(of) = about.filter(|_| all.iter().all(|s| s.peer != *to)) {
                    all.push(Spelling {
                        text: to.to_string(),
                        naming,
                        peer: to.clone(),
                        of,
                    });
                }
            }
        }
    }
    all.split_off(known.len())
}
