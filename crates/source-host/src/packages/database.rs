//! rpm's databases, read page by page: SQLite, Berkeley DB hash, ndb. rpm itself is never run.
//!
//! Only the begin of each header is fetched, so a database of a hundred megabytes costs a few of reading
//! and a few kilobytes of memory. Every walk is bounded by the number of pages the file has.

use std::cell::Cell;
use std::collections::BTreeSet;

use groma_model::Reason;
use groma_model::fact::Package;
use groma_source::{DiskError, OpenFile};

use super::header::{self, FIRST_BYTES, Header, LAST_BYTES, be32};

mod berkeley;
mod ndb;
mod sqlite;

/// The file of a database with the little that is needed to walk it.
pub(crate) struct Pages<'a> {
    file: &'a dyn OpenFile,
    bytes_read: Cell<u64>,
    bytes_max: u64,
}

/// A database could not be read further.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The disk said no.
    Disk(DiskError),
    /// The bytes are not what the format says.
    Malformed,
    /// The budget is used up.
    Spent,
    /// A format or version this program does not know.
    Unsupported,
}

impl Stop {
    /// The reason a gap gives.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Disk(error) => error.reason.clone(),
            Self::Malformed => Reason::Malformed,
            Self::Spent => Reason::BudgetExhausted,
            Self::Unsupported => Reason::Unsupported,
        }
    }
}

/// What a database gave, until it stopped.
#[derive(Debug, Default)]
pub(crate) struct Installed {
    pub(crate) packages: Vec<Package>,
    /// Headers that were not understood.
    pub(crate) unread: usize,
    /// Why the walk ended early.
    pub(crate) stopped: Option<Stop>,
    /// Bytes read from the file.
    pub(crate) bytes_read: u64,
}

impl<'a> Pages<'a> {
    fn bytes(&self) -> u64 {
        self.file.metadata().bytes
    }

    /// Bytes from `offset`, all of them.
    fn exactly(&self, offset: u64, many: usize) -> Result<Vec<u8>, Stop> {
        let bytes = self.at_most(offset, many)?;
        if bytes.len() < many {
            Err(Stop::Malformed)
        } else {
            Ok(bytes)
        }
    }

    /// Bytes from `offset`, fewer at the end of the file.
    fn at_most(&self, offset: u64, many: usize) -> Result<Vec<u8>, Stop> {
        let total = self
            .bytes_read
            .get()
            .saturating_add(u64::try_from(many).unwrap_or(u64::MAX));
        if total > self.bytes_max {
            return Err(Stop::Spent);
        }
        self.bytes_read.set(total);
        let mut bytes = vec![0; many];
        let read = self.file.read_at(offset, &mut bytes).map_err(Stop::Disk)?;
        bytes.truncate(read);
        Ok(bytes)
    }
}

/// Reads a database of any of the three formats, told apart by their first bytes.
pub(crate) fn read(file: &dyn OpenFile, bytes_max: u64) -> Installed {
    let pages = Pages {
        file,
        bytes_read: Cell::new(0),
        bytes_max,
    };
    let mut installed = Installed::default();
    let walked = pages.at_most(0, 512).and_then(|first| match () {
        () if first.starts_with(b"SQLite format 3\0") => {
            sqlite::walk(&pages, &first, &mut installed)
        }
        () if first.starts_with(b"RpmP") => ndb::walk(&pages, &first, &mut installed),
        () if berkeley::is_hash(&first) => berkeley::walk(&pages, &first, &mut installed),
        () => Err(Stop::Unsupported),
    });
    installed.stopped = walked.err();
    installed.bytes_read = pages.bytes_read.get();
    installed.packages.sort_by(|a, b| {
        (&a.name, &a.architecture, &a.version).cmp(&(&b.name, &b.architecture, &b.version))
    });
    installed.packages.dedup();
    installed
}

impl Installed {
    /// Takes one header; `fetch` gives its first so many bytes.
    fn take(&mut self, mut fetch: impl FnMut(usize) -> Result<Vec<u8>, Stop>) -> Result<(), Stop> {
        let mut wanted = FIRST_BYTES;
        // Each further look costs a reading: name, version and architecture stand close together.
        for _ in 0..4 {
            let bytes = fetch(wanted)?;
            match header::read(&bytes) {
                Header::Package(package) => {
                    self.packages.push(package);
                    return Ok(());
                }
                Header::Key => return Ok(()),
                Header::Needs(more)
                    if more > bytes.len() && bytes.len() == wanted && more <= LAST_BYTES =>
                {
                    wanted = more
                }
                Header::Needs(_) | Header::Malformed => break,
            }
        }
        self.unread += 1;
        Ok(())
    }
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    be32(bytes, at).map(u32::swap_bytes)
}

/// Page numbers met on a walk: one met twice is a circle somebody made.
#[derive(Default)]
struct Met(BTreeSet<u32>);

impl Met {
    fn first_time(&mut self, page: u32) -> Result<(), Stop> {
        if self.0.insert(page) {
            Ok(())
        } else {
            Err(Stop::Malformed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groma_source::{EntryKind, Metadata};

    struct Held(Vec<u8>, Metadata);

    impl OpenFile for Held {
        fn metadata(&self) -> &Metadata {
            &self.1
        }
        fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<usize, DiskError> {
            let rest = self
                .0
                .get(usize::try_from(offset).unwrap_or(usize::MAX)..)
                .unwrap_or_default();
            let many = rest.len().min(into.len());
            into[..many].copy_from_slice(&rest[..many]);
            Ok(many)
        }
    }

    fn of(bytes: &[u8]) -> Installed {
        let metadata = Metadata {
            kind: EntryKind::File,
            bytes: u64::try_from(bytes.len()).unwrap(),
            owner: None,
            group: None,
            mode: None,
            modified: 0,
            identity: (0, 0),
        };
        read(&Held(bytes.to_vec(), metadata), 64 << 20)
    }

    fn short(installed: &Installed) -> Vec<String> {
        installed
            .packages
            .iter()
            .map(|p| format!("{} {} {}", p.name, p.version, p.architecture))
            .collect()
    }

    const SQLITE: &[u8] = include_bytes!("../../tests/fixtures/rpm-4.18/rpmdb.sqlite");
    const BERKELEY: &[u8] = include_bytes!("../../tests/fixtures/rpm-4.18/Packages");

    /// The same headers in rpm's own format, which no rpm at hand could write: laid out by its description.
    fn ndb() -> Vec<u8> {
        let mut headers = Vec::new();
        for line in printed() {
            let words: Vec<&str> = line.split(' ').collect();
            let (version, release) = words[1].rsplit_once('-').unwrap();
            let (epoch, version) = version.split_once(':').unwrap_or(("0", version));
            let text = |word: &str| format!("{word}\0").into_bytes();
            let epoch = epoch.parse::<u32>().unwrap().to_be_bytes();
            headers.push(header::tests::header(&[
                (1000, &text(words[0])),
                (1001, &text(version)),
                (1002, &text(release)),
                (1003, &epoch),
                (1022, &text(words[2])),
            ]));
        }
        let mut slots = [b"RpmP".as_slice(), &[0; 8], &1_u32.to_le_bytes(), &[0; 16]].concat();
        let mut blocks = Vec::new();
        for (at, header) in headers.iter().enumerate() {
            let number = u32::try_from(at + 1).unwrap().to_le_bytes();
            let block = u32::try_from((4096 + blocks.len()) / 16)
                .unwrap()
                .to_le_bytes();
            slots.extend([b"Slot".as_slice(), &number, &block, &[0; 4]].concat());
            blocks.extend(
                [
                    b"BlbS".as_slice(),
                    &number,
                    &[0; 4],
                    &u32::try_from(header.len()).unwrap().to_le_bytes(),
                    header,
                ]
                .concat(),
            );
            blocks.resize(blocks.len().next_multiple_of(16), 0);
        }
        while slots.len() < 4096 {
            slots.extend([b"Slot".as_slice(), &[0; 12]].concat());
        }
        [slots, blocks].concat()
    }

    /// What `rpm -qa` printed about the recorded databases.
    fn printed() -> Vec<String> {
        include_str!("../../tests/fixtures/rpm-4.18/rpm-qa.txt")
            .lines()
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn each_format_gives_what_rpm_itself_prints() {
        for bytes in [SQLITE, &ndb(), BERKELEY] {
            let installed = of(bytes);
            assert!(installed.stopped.is_none(), "{:?}", installed.stopped);
            assert_eq!(installed.unread, 0);
            assert_eq!(short(&installed), printed());
        }
    }

    #[test]
    fn another_file_is_unsupported_and_half_a_file_says_so() {
        assert!(matches!(
            of(b"\x00\x05\x31\x62 something else").stopped,
            Some(Stop::Unsupported)
        ));
        for bytes in [SQLITE, &ndb(), BERKELEY] {
            let half = of(&bytes[..bytes.len() / 2]);
            assert!(
                half.stopped.is_some() || half.unread > 0 || half.packages.len() == printed().len(),
                "a cut database is never quietly complete"
            );
        }
    }

    #[test]
    fn a_used_up_budget_stops_the_walk() {
        let metadata = Metadata {
            kind: EntryKind::File,
            bytes: 1 << 20,
            owner: None,
            group: None,
            mode: None,
            modified: 0,
            identity: (0, 0),
        };
        let installed = read(&Held(SQLITE.to_vec(), metadata), 5_000);
        assert!(matches!(installed.stopped, Some(Stop::Spent)));
    }

    #[test]
    fn hammered_databases_never_panic_and_always_end() {
        for corpus in [SQLITE, &ndb(), BERKELEY] {
            // The databases are large for a mutator: their beginnings hold the structure.
            groma_fuzz::hammer(
                150,
                &[corpus, &corpus[..corpus.len().min(20_000)]],
                |bytes| {
                    of(bytes);
                },
            );
        }
    }
}
