//! One look: the walk, and what is said about every file before the next one is opened.
//!
//! All of it happens on one thread, in one buffer. Two threads would be done sooner, and cost a fifth more: what
//! one of them makes, the other one has to free.

use std::path::{Path, PathBuf};

use groma_knowledge::RULES;
use groma_model::{CoverageState, Fact, Observation, Reason, Scope, Seen};
use groma_source::{
    Budget, Disk, Doubt, Entry, EntryKind, Memory, Sink, SinkExt, Stamp, Window, World,
};

use crate::TOP_OF_THE_SYSTEM;
use crate::inspect::{Said, plan};
use crate::judged::judged;
use crate::machine::Machine;
use crate::memory::{Basis, Keeping, KeptDirectory, Recalled, Witness, recall};
use crate::profile::is_idle;
use crate::roots::is_own_top;
use crate::script::OnDisk;
use crate::silence::is_silent_directory;
use crate::walk::{Step, Walk};

/// Gaps named one by one; further ones are counted.
const GAPS_MAX: usize = 50;
/// Files between two looks at the clock and at the budget.
const AT_ONCE: usize = 32;

/// Looks below every root.
pub(crate) fn look(
    world: &World,
    places: &Places<'_>,
    window: &Window,
    budget: &Budget,
    sink: &mut dyn Sink,
) {
    let (disk, roots) = (world.disk.as_ref(), places.roots);
    let (machine, recalled) = match places.memory {
        None => (Machine::look(disk, &RULES), None),
        Some(memory) => {
            let witness = Witness::new(disk);
            let machine = Machine::look(&witness, &RULES);
            let basis = Basis::new(memory, witness.digest(), roots, budget.file_bytes_max);
            let kept = recall(disk, memory, &basis);
            if kept.as_ref().err() == Some(&Doubt::NotOurs) {
                say_doubt(memory, window, sink);
            }
            let kept = kept.unwrap_or_default();
            (machine, Some((kept, Keeping::new(&basis))))
        }
    };
    let (kept, keeping) = recalled.unzip();
    let kept = kept.unwrap_or_default();
    let mut look = Look {
        disk,
        machine,
        roots,
        kept: &kept,
        keeping,
        buffer: Vec::new(),
        window,
        budget,
        sink,
        entries_left: budget.entries_max,
        bytes_left: budget.total_bytes_max,
        observations_left: budget.observations_max,
        gaps: 0,
    };
    for root in roots {
        look.root(root);
    }
    for line in look.keeping.take().map(Keeping::lines).unwrap_or_default() {
        look.sink.keeps(line);
    }
}

/// Where to look, and where to find what was kept of the last look.
pub(crate) struct Places<'a> {
    pub(crate) roots: &'a [PathBuf],
    pub(crate) memory: Option<&'a Memory>,
}

/// Somebody put a file where ours would be.
fn say_doubt(memory: &Memory, window: &Window, sink: &mut dyn Sink) {
    let scope = scope(&memory.path);
    sink.missed_because(
        &scope,
        "what was kept of the last look: others could have written it, so every file was read again",
        Reason::PermissionDenied,
        format!("remove {}", memory.path.display()).as_str(),
    );
    sink.covered_now(window, &scope, CoverageState::Partial);
}

/// So many directories at the top, and so many entries below each, may be somebody's programs.
const TOPS_MAX: usize = 16;
const TOP_ENTRIES_MAX: u64 = 50_000;

/// Directories at the top of the file system that no system makes and that do not lie on another machine.
pub(crate) fn tops(disk: &dyn Disk) -> Vec<PathBuf> {
    let mounts = disk.read(Path::new("/proc/self/mounts"), MOUNTS_BYTES_MAX);
    let mounts = mounts.map(|read| String::from_utf8_lossy(&read.bytes).into_owned());
    let mounts = mounts.unwrap_or_default();
    let is_remote = |path: &Path| {
        mounts.lines().any(|line| {
            let mut words = line.split_whitespace().skip(1);
            words.next().is_some_and(|point| Path::new(point) == path)
                && words
                    .next()
                    .is_some_and(|kind| REMOTE.iter().any(|r| kind.starts_with(r)))
        })
    };
    let mut out: Vec<PathBuf> = disk
        .list(Path::new("/"), TOPS_MAX * 16)
        .unwrap_or_default()
        .into_iter()
        .filter(|entry| entry.kind == EntryKind::Directory)
        .filter(|entry| {
            let name = entry.path.file_name().and_then(|n| n.to_str());
            name.is_some_and(|n| !n.starts_with('.') && !TOP_OF_THE_SYSTEM.contains(&n))
        })
        .map(|entry| entry.path)
        .filter(|path| !is_remote(path))
        .collect();
    out.truncate(TOPS_MAX);
    out
}

const MOUNTS_BYTES_MAX: u64 = 1 << 20;
/// Beginnings of the names of file systems that lie on other machines, or are made by a program.
const REMOTE: &[&str] = &[
    "nfs", "cifs", "smb", "fuse", "9p", "ceph", "gluster", "lustre", "gpfs", "afs", "beegfs",
    "ocfs", "gfs", "autofs", "ncp", "davfs", "virtiofs",
];

struct Look<'a> {
    disk: &'a dyn Disk,
    machine: Machine,
    roots: &'a [PathBuf],
    /// What was kept of the last look, by directory.
    kept: &'a Recalled,
    /// What is kept for the next one.
    keeping: Option<Keeping<'a>>,
    /// The file that is read now.
    buffer: Vec<u8>,
    window: &'a Window,
    budget: &'a Budget,
    sink: &'a mut dyn Sink,
    entries_left: u64,
    bytes_left: u64,
    observations_left: u64,
    gaps: usize,
}

/// True for a script where only packages put any.
fn is_brought(path: &Path, bytes: &[u8]) -> bool {
    let places = ["/usr/share", "/usr/lib", "/usr/libexec"];
    bytes.starts_with(b"#!") && places.iter().any(|place| path.starts_with(place))
}

/// What became of one file.
enum Outcome {
    /// What it says, its bytes, and its stamp from before it was read.
    Said(Said, u64, Option<Stamp>),
    Missed(Reason),
    Nothing,
}

/// What became of one root.
#[derive(Default)]
struct RootState {
    /// Gaps that could not be named one by one.
    unnamed: u64,
    cut: Option<Reason>,
}

impl Look<'_> {
    fn root(&mut self, root: &Path) {
        let scope = scope(root);
        if self.is_elsewhere(root) {
            self.sink
                .covered_now(self.window, &scope, CoverageState::Complete);
            return;
        }
        let mut state = RootState::default();
        let is_top = is_own_top(root)
            || root.has_root()
                && root.components().count() == 2
                && root
                    .file_name()
                    .and_then(|n| n.to_str())
                    .is_some_and(|n| !TOP_OF_THE_SYSTEM.contains(&n));
        let allowed = if is_top {
            self.entries_left.min(TOP_ENTRIES_MAX)
        } else {
            self.entries_left
        };
        let walk = Walk::below(root, self.disk, allowed);
        let mut walk = walk.stamped(self.keeping.is_some());
        for step in walk.by_ref() {
            match step {
                Step::Files(directory, files) => self.directory(&directory, &files, &mut state),
                Step::Missed(path, reason) => self.missed(&path, reason, &mut state),
            }
            if self.window.is_over() {
                state.cut = Some(Reason::TimedOut);
            }
            if state.cut.is_some() {
                break;
            }
        }
        if state.cut.is_none() && !walk.is_done() {
            state.cut = Some(Reason::BudgetExhausted);
        }
        self.entries_left -= allowed - walk.entries_left;
        self.close(&scope, state);
    }

    /// True for a root that is absent, or a second name of one (`/lib` → `/usr/lib`).
    fn is_elsewhere(&self, root: &Path) -> bool {
        let link = |path: &Path| {
            self.disk
                .metadata(path)
                .is_ok_and(|m| m.kind == EntryKind::Link)
        };
        let absent = self.disk.metadata(root).is_err_and(|e| e.is_absent());
        absent
            || root.ancestors().any(|a| {
                a.parent().is_some()
                    && link(a)
                    && self
                        .roots
                        .iter()
                        .any(|r| r != root && r.starts_with("/usr"))
            })
    }

    fn close(&mut self, scope: &Scope, state: RootState) {
        if state.unnamed > 0 {
            let what = format!("{} further files or directories", state.unnamed);
            self.sink.missed_because(
                scope,
                what,
                Reason::PermissionDenied,
                "run as root, or see the named gaps for their reasons",
            );
        }
        if let Some(reason) = &state.cut {
            self.sink.missed_because(
                scope,
                "the rest of this tree",
                reason.clone(),
                "allow more time or a larger budget",
            );
        }
        let complete = state.unnamed == 0 && state.cut.is_none();
        let word = if complete {
            CoverageState::Complete
        } else {
            CoverageState::Partial
        };
        self.sink.covered_now(self.window, scope, word);
    }

    fn missed(&mut self, path: &Path, reason: Reason, state: &mut RootState) {
        if self.gaps >= GAPS_MAX {
            state.unnamed += 1;
            return;
        }
        self.gaps += 1;
        let remedy = match reason {
            Reason::PermissionDenied => "run as root",
            Reason::TooLarge | Reason::BudgetExhausted => "allow a larger budget",
            _ => "",
        };
        let scope = scope(path);
        self.sink.missed_because(
            &scope,
            format!("references in {}", path.display()),
            reason,
            remedy,
        );
        self.sink
            .covered_now(self.window, &scope, CoverageState::Partial);
    }

    fn directory(
        &mut self,
        directory: &Path,
        files: &[(Entry, Option<Stamp>)],
        state: &mut RootState,
    ) {
        let mut kept = self.kept.of(directory);
        let whole = kept.is_whole(files);
        if let Some(keeping) = self.keeping.as_mut().filter(|_| whole) {
            keeping.again(&kept);
        }
        self.read(files, &mut kept, whole, state);
        if let Some(keeping) = &mut self.keeping {
            keeping.close();
        }
    }

    /// Reads files of one directory; every few of them it asks for the time.
    fn read(
        &mut self,
        files: &[(Entry, Option<Stamp>)],
        kept: &mut KeptDirectory<'_>,
        whole: bool,
        state: &mut RootState,
    ) {
        for some in files.chunks(AT_ONCE) {
            if self.window.is_over() {
                state.cut = Some(Reason::TimedOut);
                return;
            }
            for (entry, stamp) in some {
                if let Some(taken) = kept.take(&entry.path, stamp.as_ref()) {
                    if let (Some(keeping), Some(stamp), false) = (&mut self.keeping, stamp, whole) {
                        keeping.note_again(&entry.path, stamp, &taken, self.window.now());
                    }
                    self.say(&entry.path, taken.said, 0, state);
                    continue;
                }
                match self.inspect(entry) {
                    // Its name alone says that it is of no interest, or it leads to a file of another name.
                    Outcome::Nothing => {
                        self.note(&entry.path, stamp.as_ref(), &Said::default());
                    }
                    Outcome::Missed(reason) => self.missed(&entry.path, reason, state),
                    Outcome::Said(said, bytes, read) => {
                        self.note(&entry.path, read.as_ref(), &said);
                        self.say(&entry.path, said, bytes, state);
                    }
                }
            }
            if self.bytes_left == 0 || self.observations_left == 0 {
                state.cut = Some(Reason::BudgetExhausted);
                return;
            }
        }
    }

    /// Keeps what a file said for the next look. What a profile of a browser says depends on a list beside it.
    fn note(&mut self, path: &Path, stamp: Option<&Stamp>, said: &Said) {
        let of_profile = path.file_name().is_some_and(|name| name == "prefs.js");
        if let (Some(keeping), Some(stamp), false) = (&mut self.keeping, stamp, of_profile) {
            keeping.note(path, stamp, said, self.window.now());
        }
    }

    fn inspect(&mut self, entry: &Entry) -> Outcome {
        let Some(plan) = plan(&entry.path, &self.machine) else {
            return Outcome::Nothing;
        };
        if is_idle(self.disk, &entry.path) {
            return Outcome::Nothing;
        }
        let limit = self.budget.file_bytes_max;
        match self.disk.read_into(&entry.path, limit, &mut self.buffer) {
            // Another name of a file that is walked by its own.
            Ok(met) if met.path != entry.path && is_walked(&met.path, self.roots) => {
                Outcome::Nothing
            }
            // A link to a program that a package brought (a plugin somebody switched on) is no line of this machine's own.
            Ok(met) if met.path != entry.path && is_brought(&met.path, &self.buffer) => {
                Outcome::Nothing
            }
            Ok(met) => {
                // What a script says may depend on files beside it, which have times of their own.
                let beside = Witness::new(self.disk);
                let mut said = plan.carry_out(&self.buffer, &self.machine, &OnDisk::new(&beside));
                let copies = self.machine.working_copies();
                copies.settle(&entry.path, &mut said.references);
                let bytes = u64::try_from(self.buffer.len()).unwrap_or(u64::MAX);
                // Of a link nobody can tell whether it still leads to the same file.
                let alone = entry.kind == EntryKind::File && !beside.was_asked();
                let stamp = met.stamp.filter(|_| alone);
                Outcome::Said(said, bytes, stamp)
            }
            // A program is no configuration, however large.
            Err(error)
                if error.reason == Reason::TooLarge && is_program(self.disk, &entry.path) =>
            {
                Outcome::Nothing
            }
            // Gone between listing and reading; or a link to a directory, which has a name of its own.
            Err(error)
                if error.is_absent()
                    || (entry.kind == EntryKind::Link
                        && error.reason == Reason::NotARegularFile) =>
            {
                Outcome::Nothing
            }
            Err(error) => Outcome::Missed(error.reason),
        }
    }

    fn say(&mut self, path: &Path, said: Said, bytes: u64, state: &mut RootState) {
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
        if said.is_nothing() {
            return;
        }
        let scope = scope(path);
        let seen = Seen::once(self.window.now());
        let mut say = |fact| {
            let is_room = self.observations_left > 0;
            if is_room {
                self.observations_left -= 1;
                self.sink.saw(Observation {
                    scope: scope.clone(),
                    fact,
                    seen,
                });
            }
            is_room
        };
        // One after the other: a reference is large, and a chain of iterators moves it from hand to hand.
        for name in said.names {
            if !say(Fact::Name(name)) {
                return;
            }
        }
        for reference in said.references {
            if !say(Fact::Reference(reference)) {
                return;
            }
        }
        if !said.finds.each(|reference| say(Fact::Reference(reference))) {
            return;
        }
        if let Some(reason) = said.partial {
            self.missed(path, reason, state);
        }
    }
}

fn scope(path: &Path) -> Scope {
    Scope::new("file", &path.to_string_lossy())
}

/// True for a compiled program (ELF, PE): too large to be read is no gap where no configuration can be.
pub(crate) fn is_program(disk: &dyn Disk, path: &Path) -> bool {
    let mut head = [0; 4];
    let read = disk.open(path).and_then(|file| file.read_at(0, &mut head));
    read.is_ok_and(|length| length == head.len())
        && (head == *b"\x7fELF" || head.starts_with(b"MZ"))
}

/// True if the walk meets `path` by itself.
fn is_walked(path: &Path, roots: &[PathBuf]) -> bool {
    let Some(root) = roots.iter().find(|root| path.starts_with(root)) else {
        return false;
    };
    !path
        .ancestors()
        .skip(1)
        .take_while(|a| *a != root.as_path())
        .any(|a| is_silent_directory(&judged(a)))
}
