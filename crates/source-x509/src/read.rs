//! The thin shell over the disk: walks the usual places, reads what may hold a certificate.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use groma_model::Reason;
use groma_model::fact::KeyReaders;
use groma_source::{Budget, DiskError, Entry, EntryKind, Window, World};
use rayon::prelude::*;

use crate::parse::{self, Contents};
use crate::places::{self, Interest};
use crate::readers::{self, Part};

/// A file whose name promises nothing is only read up to here.
const CONTENT_BYTES_MAX: u64 = 1 << 20;
/// Files read between two looks at the clock.
const AT_ONCE: usize = 128;
/// Entries of one directory that are looked at.
const DIRECTORY_MAX: usize = 50_000;

/// A file that was read.
pub(crate) struct Found {
    /// Where a configuration would name it.
    pub(crate) path: PathBuf,
    /// Where it stands, after links.
    pub(crate) real: PathBuf,
    /// What is in it.
    pub(crate) contents: Contents,
    /// Permission bits, owner and group of the file itself.
    pub(crate) access: Access,
}

/// Who may read a file, as far as the platform says it.
#[derive(Clone, Default)]
pub(crate) struct Access {
    pub(crate) mode: Option<u32>,
    pub(crate) owner: Option<u32>,
    pub(crate) group: Option<u32>,
    pub(crate) readers: Option<KeyReaders>,
}

/// A path that could not be looked at.
pub(crate) struct Hole {
    pub(crate) path: PathBuf,
    pub(crate) what: &'static str,
    pub(crate) reason: Reason,
    /// True if its name promised nothing: such holes are counted, not listed.
    pub(crate) idle: bool,
}

/// One root, looked at.
#[derive(Default)]
pub(crate) struct Tree {
    /// What was read, sorted by path; each file once.
    pub(crate) files: Vec<Found>,
    /// What could not be read.
    pub(crate) holes: Vec<Hole>,
    /// True if time or budget ended the walk.
    pub(crate) cut_short: bool,
}

/// Walks and reads within a budget that all its walks share.
pub(crate) struct Reader<'a> {
    world: &'a World,
    window: &'a Window,
    budget: &'a Budget,
    entries: u64,
    bytes: AtomicU64,
    directories: Mutex<HashMap<PathBuf, Option<Part>>>,
}

struct Candidate {
    path: PathBuf,
    kind: EntryKind,
    interest: Interest,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(world: &'a World, window: &'a Window, budget: &'a Budget) -> Self {
        Self {
            world,
            window,
            budget,
            entries: 0,
            bytes: AtomicU64::new(0),
            directories: Mutex::default(),
        }
    }

    /// Looks at one root.
    pub(crate) fn tree(&mut self, root: &Path) -> Tree {
        let mut tree = Tree::default();
        let candidates = self.walk(root, &mut tree, true);
        self.read_all(candidates, &mut tree);
        tree.files = once_each(std::mem::take(&mut tree.files));
        tree
    }

    /// Every readable file at or below `root` whatever its name, without saying what could not be read.
    pub(crate) fn everything_below(&mut self, root: &str) -> Vec<Found> {
        let mut tree = Tree::default();
        let mut candidates = self.walk(Path::new(root), &mut tree, false);
        if candidates.is_empty() {
            candidates.push(Candidate {
                path: root.into(),
                kind: EntryKind::File,
                interest: Interest::Certificate,
            });
        }
        self.read_all(candidates, &mut tree);
        tree.files
    }

    fn walk(&mut self, root: &Path, tree: &mut Tree, choosy: bool) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        let mut open = vec![(root.to_owned(), 0)];
        while let Some((directory, depth)) = open.pop() {
            if self.window.is_over() || self.entries >= self.budget.entries_max {
                tree.cut_short = true;
                break;
            }
            for entry in self.list(&directory, tree) {
                let enter =
                    depth < places::DEPTH_MAX && !(choosy && places::is_passed_over(&entry.path));
                match entry.kind {
                    EntryKind::Directory if enter => open.push((entry.path, depth + 1)),
                    EntryKind::Directory => {}
                    _ => candidates.extend(candidate(entry, choosy)),
                }
            }
        }
        candidates.sort_by(|a, b| a.path.cmp(&b.path));
        candidates
    }

    fn list(&mut self, directory: &Path, tree: &mut Tree) -> Vec<Entry> {
        match self.world.disk.list(directory, DIRECTORY_MAX) {
            Ok(entries) => {
                self.entries = self
                    .entries
                    .saturating_add(u64::try_from(entries.len()).unwrap_or(u64::MAX));
                if entries.len() >= DIRECTORY_MAX {
                    tree.holes.push(Hole {
                        path: directory.into(),
                        what: "a directory with more entries than are looked at",
                        reason: Reason::TooLarge,
                        idle: false,
                    });
                }
                entries
            }
            Err(error) => {
                if !error.is_absent() {
                    tree.holes.push(Hole {
                        path: directory.into(),
                        what: "certificates below this directory",
                        reason: error.reason,
                        idle: !places::is_likely(directory),
                    });
                }
                Vec::new()
            }
        }
    }

    fn read_all(&self, candidates: Vec<Candidate>, tree: &mut Tree) {
        for some in candidates.chunks(AT_ONCE) {
            if self.window.is_over()
                || self.bytes.load(Ordering::Relaxed) >= self.budget.total_bytes_max
            {
                tree.cut_short = true;
                return;
            }
            let read: Vec<_> = some
                .par_iter()
                .map(|candidate| self.read(candidate))
                .collect();
            for (candidate, result) in some.iter().zip(read) {
                match result {
                    Ok(found) => tree.files.extend(found),
                    Err(error) => tree.holes.extend(hole(candidate, error)),
                }
            }
        }
    }

    /// Reads and parses one file; the bytes, and any key among them, are gone when this returns.
    fn read(&self, candidate: &Candidate) -> Result<Option<Found>, DiskError> {
        let path = &candidate.path;
        if candidate.kind == EntryKind::Link && self.leads_to_store(path) {
            return Ok(None);
        }
        if candidate.kind == EntryKind::Special {
            return Err(DiskError::because(path, Reason::NotARegularFile));
        }
        let limit = match candidate.interest {
            Interest::Content => self.budget.file_bytes_max.min(CONTENT_BYTES_MAX),
            Interest::Certificate | Interest::Pem | Interest::Key => self.budget.file_bytes_max,
        };
        let file = self.world.disk.read(path, limit)?;
        self.bytes.fetch_add(
            u64::try_from(file.bytes.len()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
        let claims = candidate.interest == Interest::Certificate;
        let contents = parse::contents_with(&file.bytes, claims, places::public_passwords(path));
        // Only where a key stands does it matter who may read the file.
        let access =
            match contents.keys.is_empty() && !contents.certificates.iter().any(|c| c.paired) {
                true => Access::default(),
                false => self.access(&file.path),
            };
        Ok(Some(Found {
            path: path.clone(),
            real: places::plain(&file.path),
            contents,
            access,
        }))
    }

    fn access(&self, path: &Path) -> Access {
        let Ok(metadata) = self.world.disk.metadata(path) else {
            return Access::default();
        };
        Access {
            mode: metadata.mode.map(|mode| mode & 0o7777),
            owner: metadata.owner,
            group: metadata.group,
            readers: self.readers(path),
        }
    }

    /// Who may read the file at `path`, a path without links; `None` where a part of it does not tell.
    fn readers(&self, path: &Path) -> Option<KeyReaders> {
        let above: Option<Vec<Part>> = path
            .ancestors()
            .skip(1)
            .map(|directory| self.directory(directory))
            .collect();
        Some(readers::readers(&above?, &self.rights(path)?))
    }

    /// Most keys stand in a few directories: each is asked once.
    fn directory(&self, path: &Path) -> Option<Part> {
        let known = || {
            self.directories
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(part) = known().get(path) {
            return part.clone();
        }
        let part = self.rights(path);
        known().insert(path.to_owned(), part.clone());
        part
    }

    fn rights(&self, path: &Path) -> Option<Part> {
        let disk = &self.world.disk;
        let metadata = disk.metadata(path).ok()?;
        let list = disk.attribute(path, readers::ATTRIBUTE).ok()?;
        Part::new(
            metadata.mode?,
            metadata.owner?,
            metadata.group?,
            list.as_deref(),
        )
    }

    /// True for a link to what the distribution ships, or to what a person added where it is said
    /// anyway. One step is enough: distributions link straight there, 140 times.
    fn leads_to_store(&self, link: &Path) -> bool {
        let to = self.world.disk.read_link(link).unwrap_or_default();
        let to = places::plain(&link.parent().unwrap_or(Path::new("/")).join(to));
        places::is_within(&to, places::VENDOR) || places::is_within(&to, places::ANCHORS)
    }
}

fn candidate(entry: Entry, choosy: bool) -> Option<Candidate> {
    let interest = if choosy {
        places::interest(&entry.path)?
    } else {
        Interest::Certificate
    };
    Some(Candidate {
        path: entry.path,
        kind: entry.kind,
        interest,
    })
}

/// A file whose name promised nothing may be of any sort: only a refusal leaves a question open.
fn hole(candidate: &Candidate, error: DiskError) -> Option<Hole> {
    let promised = candidate.interest != Interest::Content;
    let refused = matches!(
        error.reason,
        Reason::PermissionDenied | Reason::RemoteFileSystem
    );
    let what = match candidate.interest {
        Interest::Key => "whether a private key stands here, and whose",
        Interest::Certificate => "a certificate, by its name",
        Interest::Pem | Interest::Content => "whether a certificate stands here",
    };
    // A link to a directory ends here as well; the directory is walked where it stands.
    let link_elsewhere =
        candidate.kind == EntryKind::Link && error.reason == Reason::NotARegularFile;
    ((promised && !link_elsewhere) || refused).then(|| Hole {
        path: candidate.path.clone(),
        what,
        reason: error.reason,
        idle: candidate.interest == Interest::Content,
    })
}

/// Each file once: at its own path if it stands in the tree, else at the first link to it. So
/// `live/NAME/cert.pem` of an ACME client is said where configurations name it.
fn once_each(files: Vec<Found>) -> Vec<Found> {
    let standing: std::collections::HashSet<PathBuf> = files
        .iter()
        .filter(|f| f.path == f.real)
        .map(|f| f.real.clone())
        .collect();
    let mut linked = std::collections::HashSet::new();
    let mut kept = files;
    kept.retain(|file| {
        file.path == file.real
            || (!standing.contains(&file.real) && linked.insert(file.real.clone()))
    });
    kept
}
