//! `certificates.files`: certificates where programs keep them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use groma_model::fact::{CertificatePlace, CertificateSighting, KeyFile};
use groma_model::{CoverageState, Fact, Reason, Scope, SourceName};
use groma_source::disk::foreign;
use groma_source::{Budget, Explanation, Sink, SinkExt, Source, Window, World};

use crate::key::PublicHalf;
use crate::parse;
use crate::places::{self, ROOTS};
use crate::read::{Found, Hole, Reader, Tree};
use crate::trust::Trust;

const AS_ROOT: &str = "run the agent as root, or let its account read this";

/// Certificates in files.
pub struct CertificateFiles {
    world: World,
    /// Drives of a machine of Windows; there the trees of others are absent.
    drives: Vec<PathBuf>,
}

impl CertificateFiles {
    /// The source over `world`'s disk.
    pub fn new(world: World) -> Self {
        let drives = match cfg!(windows) {
            true => groma_source::disk::drives(world.disk.as_ref()),
            false => Vec::new(),
        };
        Self { world, drives }
    }

    /// The same source over what stands on `drives` (`C:\`) of a machine of Windows.
    #[must_use]
    pub fn with_drives(self, drives: Vec<PathBuf>) -> Self {
        Self { drives, ..self }
    }

    /// The trees that are walked.
    fn roots(&self) -> Vec<PathBuf> {
        match self.drives.as_slice() {
            [] => ROOTS.iter().map(PathBuf::from).collect(),
            drives => places::of_drives(self.world.disk.as_ref(), drives),
        }
    }

    /// The same for a person, who asks before anything is read.
    fn places(&self) -> String {
        match self.drives.as_slice() {
            [] => ROOTS.join(", "),
            drives => {
                let drives = drives.iter().map(|drive| drive.display().to_string());
                drives.collect::<Vec<_>>().join(", ")
            }
        }
    }
}

impl Source for CertificateFiles {
    fn name(&self) -> SourceName {
        SourceName::new("certificates.files")
    }

    fn explain(&self) -> Explanation {
        let lines = |all: &[&str]| all.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        Explanation {
            purpose: "Finds the certificates this machine's programs use, before one of them expires or is forgotten in a move.".into(),
            reads: vec![
                format!("files below {} whose name ends in .pem .crt .cer .cert .der .key .p7b .p12 .pfx .jks .keystore and the like, and cert9.db of NSS", self.places()),
                "files up to 1 MiB of any name in the configuration directories of TLS servers, for inline PEM blocks".into(),
                "the system trust store, to leave its public authorities out (/usr/share/ca-certificates, /etc/pki, /usr/share/pki, /etc/ssl/certs); where links in those directories lead (as /usr/share/nginx, /usr/share/postfix)".into(),
            ],
            contacts: Vec::new(),
            sends: lines(&[
                "per certificate: fingerprints, subject, issuer, serial, names, validity, key kind and size, and the file it stands in",
                "whether the matching private key stands beside it: yes or no; in which file, with which mode, owner and group, and who may read it by access lists and the directories above",
                "whether a person added it to the trust store of the system, or took it out",
                "files that could not be read or understood, and why",
            ]),
            never_sends: lines(&["private keys: compared by their public half and dropped at once", "keystore passwords: none is known; only the empty one is tried, and at the trust store of a Java runtime (cacerts) the one in its manual"]),
            rights: lines(&["none for most certificates", "root to see keys and directories that are closed to others; without it each such place is a gap"]),
            cost: "one walk of those trees and a read of small files: a few hundred milliseconds".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let trust = Trust::read(&self.world, window, budget);
        let mut reader = Reader::new(&self.world, window, budget);
        let mut told = Told {
            trust: &trust,
            window,
            sink,
            left: budget.observations_max,
        };
        for root in &self.roots() {
            let tree = reader.tree(root);
            told.tree(root, tree);
        }
    }
}

struct Told<'a> {
    trust: &'a Trust,
    window: &'a Window,
    sink: &'a mut dyn Sink,
    left: u64,
}

impl Told<'_> {
    fn tree(&mut self, root: &Path, tree: Tree) {
        let mut whole = !tree.cut_short;
        let keys = keys_by_half(&tree.files);
        for file in &tree.files {
            whole &= self.file(file, &keys);
        }
        let scope = scope_of(root);
        self.holes(&scope, &tree.holes);
        if !whole {
            self.sink.missed_because(
                &scope,
                "certificates not reached yet",
                Reason::BudgetExhausted,
                "give the look more time or a larger budget",
            );
        }
        self.sink.covered_now(
            self.window,
            &scope,
            if whole {
                CoverageState::Complete
            } else {
                CoverageState::Partial
            },
        );
    }

    /// Says what stands in one file; false if the budget ended it.
    fn file(&mut self, file: &Found, keys: &Keys) -> bool {
        if self.trust.hides_all_of(file) {
            return true;
        }
        let scope = scope_of(&file.path);
        let directory = file.path.parent().unwrap_or(Path::new("/"));
        for found in file
            .contents
            .certificates
            .iter()
            .filter(|c| !self.trust.hides(&c.parsed.certificate.sha256, file))
        {
            if self.left == 0 {
                return false;
            }
            self.left -= 1;
            let key = if found.paired {
                Some(key_file(file))
            } else {
                key_of(found, directory, keys)
            };
            let place = CertificatePlace::File {
                path: foreign(&file.path),
                position: found.position,
            };
            let certificate = found.parsed.certificate.clone();
            self.sink.saw_now(
                self.window,
                &scope,
                Fact::Certificate(CertificateSighting {
                    certificate,
                    place,
                    key_present: key.is_some(),
                    key,
                    trust: self.trust.word(&file.real).map(str::to_owned),
                }),
            );
        }
        for missed in &file.contents.missed {
            self.sink.missed_because(
                &scope,
                missed.what.as_str(),
                missed.reason.clone(),
                missed.remedy,
            );
        }
        if !file.contents.missed.is_empty() {
            self.sink
                .covered_now(self.window, &scope, CoverageState::Partial);
        }
        true
    }

    fn holes(&mut self, root: &Scope, holes: &[Hole]) {
        for hole in holes.iter().filter(|hole| !hole.idle) {
            self.hole(hole);
        }
        let idle: Vec<&Hole> = holes.iter().filter(|hole| hole.idle).collect();
        for hole in &idle {
            self.sink
                .covered_now(self.window, &scope_of(&hole.path), CoverageState::Partial);
        }
        if let Some(first) = idle.first() {
            let what = format!(
                "whether certificates stand in {} closed files and directories, {} among them",
                idle.len(),
                first.path.display()
            );
            self.sink
                .missed_because(root, what, first.reason.clone(), AS_ROOT);
        }
    }

    fn hole(&mut self, hole: &Hole) {
        let scope = scope_of(&hole.path);
        let remedy = match hole.reason {
            Reason::PermissionDenied => AS_ROOT,
            Reason::BrokenLink => {
                "the file it should lead to is gone: whatever is configured to read it will fail at its next start"
            }
            _ => "",
        };
        self.sink
            .missed_because(&scope, hole.what, hole.reason.clone(), remedy);
        self.sink
            .covered_now(self.window, &scope, CoverageState::Partial);
    }
}

fn scope_of(path: &Path) -> Scope {
    Scope::new("file", &path.to_string_lossy())
}

/// Private keys by the public half: where each stands, and who may read it.
type Keys = HashMap<PublicHalf, Vec<(PathBuf, KeyFile)>>;

fn keys_by_half(files: &[Found]) -> Keys {
    let mut keys = Keys::new();
    for file in files {
        let directory = file.path.parent().map(Path::to_owned).unwrap_or_default();
        for half in &file.contents.keys {
            let place = (directory.clone(), key_file(file));
            keys.entry(*half).or_default().push(place);
        }
    }
    keys
}

fn key_file(file: &Found) -> KeyFile {
    KeyFile {
        path: foreign(&file.path),
        mode: file.access.mode,
        owner: file.access.owner,
        group: file.access.group,
        readers: file.access.readers.clone(),
    }
}

/// The key of a certificate, in its own file or beside it; of several, the one most may read.
fn key_of(found: &parse::Found, directory: &Path, keys: &Keys) -> Option<KeyFile> {
    let known = keys.get(&found.parsed.public_half)?;
    known
        .iter()
        .filter(|(place, _)| places::is_beside(directory, place))
        .map(|(_, key)| key)
        .max_by_key(|key| {
            (
                key.is_open_to_all(),
                key.is_open_to_a_group(),
                !key.people().is_empty(),
            )
        })
        .cloned()
}
