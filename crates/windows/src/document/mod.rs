//! A document that a script wrote on a machine where no agent may go: `groma.windows/1`, JSON.
//!
//! `agent/packaging/windows/groma-collect.ps1` writes it. It says itself which roots of the registry and which files it was
//! made from: what is absent there is absent, and what lies outside was never looked at, which is a gap and no absence.
//!
//! ```json
//! {"schema": "groma.windows/1", "version": "1", "host": "app01",
//!  "collected": {"started": 1790000000, "ended": 1790000060},
//!  "roots": ["HKLM\\SYSTEM\\CurrentControlSet\\Services|1"],
//!  "looked": {"files": ["C:\\Windows\\System32\\drivers\\etc\\hosts"], "folders": [], "drives": ["C:\\"], "passed": []},
//!  "rows": {"system": {"host_name": "app01"}},
//!  "registry": {"HKLM\\…\\Services\\erp": {"keys": [], "values": {"Start": {"number": 2}, "ImagePath": {"expand": "…"}}}},
//!  "refused": {"keys": {"HKLM\\…": "permission-denied"}, "files": {}},
//!  "files": [{"path": "C:\\…\\hosts", "modified": 1790000000, "text": "10.0.0.5 db1"}]}
//! ```
//!
//! Moments are seconds since 1970. A value is one of `sz`, `expand`, `multi`, `number` and `hex`. A file has its content as
//! `text` or `hex`, its beginning as `head` (hex), or only `bytes`; `kind` is `file`, `folder`, `link` or `placeholder`. Fields
//! nobody knows are passed over.

mod held;
mod shape;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use groma_model::{CoverageState, Gap, Reason};

use crate::machine::ReadCertificate;
use crate::profiles::with_profiles;
use crate::{AREAS, Area, Machine, Noted, Rows, Said};
use held::{HeldFiles, HeldRegistry, Outside};

/// The schema of documents this version reads.
pub const SCHEMA: &str = "groma.windows/1";

/// The largest document that is read, in bytes.
pub const BYTES_MAX: usize = 512 << 20;

/// The area that walks whole drives.
const MAIL: &str = "host.archives";

/// What one machine was made to write.
#[derive(Debug)]
pub struct Document {
    /// What the machine calls itself.
    pub host: String,
    /// Version of what wrote it.
    pub version: String,
    /// When it was begun and ended, in seconds since 1970.
    pub collected: (i64, i64),
    rows: Rows,
    registry: HeldRegistry,
    files: HeldFiles,
    /// Folders that were not entered in search of mail (they lead elsewhere, the time was up), and mailboxes without an ending.
    passed: Vec<String>,
}

/// Why a document cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotRead {
    /// It is larger than [`BYTES_MAX`].
    TooLarge,
    /// It is none of ours, or of a version to come: its schema.
    Schema(String),
    /// It is damaged.
    Damaged {
        /// The line, counted from 1.
        line: usize,
        /// The letter in it, counted from 1.
        column: usize,
        /// What is wrong, without its text.
        what: &'static str,
    },
}

impl fmt::Display for NotRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(
                f,
                "the document is larger than {} MiB: run groma-collect.ps1 again with -NoMail",
                BYTES_MAX >> 20
            ),
            Self::Schema(schema) => write!(
                f,
                "the document says it is {schema:?} and this version reads {SCHEMA:?}: use the groma-collect.ps1 that came with this groma, or a newer groma"
            ),
            Self::Damaged { line, column, what } => write!(
                f,
                "line {line}, column {column}: {what}: copy the file again, as a whole and not through an editor or a mail, or run groma-collect.ps1 again"
            ),
        }
    }
}

impl std::error::Error for NotRead {}

/// True if a file that begins with these bytes is such a document, in UTF-8 or UTF-16.
pub fn is_one(head: &[u8]) -> bool {
    let head = head.get(..head.len().min(4096) & !1).unwrap_or_default();
    let text = decoded(head);
    text.trim_start().starts_with('{') && text.contains("\"groma.windows/")
}

/// UTF-8 with or without its mark, or UTF-16 with one, as `Out-File` of Windows PowerShell writes it.
fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes.as_chunks::<2>();
        let units = pairs.iter().map(|pair| unit(*pair));
        let letters = char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}'));
        Cow::Owned(letters.collect())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        _ => String::from_utf8_lossy(bytes),
    }
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// Where it is too large, damaged, or of another version. A row, a key or a file that makes no sense is left out, and is a
    /// gap of whoever asks for it.
    pub fn read(bytes: &[u8]) -> Result<Self, NotRead> {
        if bytes.len() > BYTES_MAX {
            return Err(NotRead::TooLarge);
        }
        let text = decoded(bytes);
        let raw = serde_json::from_str(&text).map_err(|error| damage(&error))?;
        shape::document(raw)
    }

    /// What all areas say of the machine, as [`crate::look`] does. What lies outside of the document is a gap.
    pub fn look(&self, certificate: ReadCertificate<'_>) -> Vec<(&'static str, Vec<Said>)> {
        let outside = Outside::default();
        let registry = self.registry.watched(&outside);
        let noted = Noted::over(&registry);
        let own = self.files.watched(&outside, false);
        let mail = self.files.watched(&outside, true);
        // Hives of people who are not logged on stand in no document: each is a gap.
        let (registry, doubts) = with_profiles(&noted, &own, 0);
        let _ = (outside.taken(), noted.taken());
        let look = |area: &Area| {
            let machine = Machine {
                registry: &registry,
                files: if area.name == MAIL { &mail } else { &own },
                rows: &self.rows,
                certificate,
            };
            let mut said = (area.read)(&machine);
            let absent = outside.taken().map(|what| (what, Reason::NotPresent));
            let large = noted.taken().into_iter();
            let large = large.map(|what| (what, Reason::TooLarge));
            for (what, reason) in absent.into_iter().chain(large) {
                // Nobody knows which of its scopes asked: none of them saw all.
                said.iter_mut()
                    .for_each(|said| said.state = CoverageState::Partial);
                miss(&mut said, &what, reason);
            }
            if area.reads.iter().any(|line| line.contains("HKU")) {
                for (what, reason) in &doubts {
                    miss(&mut said, what, reason.clone());
                }
            }
            if area.name == MAIL {
                self.say_passed(&mut said);
            }
            (area.name, said)
        };
        AREAS.iter().map(look).collect()
    }

    fn say_passed(&self, said: &mut [Said]) {
        let names: Vec<&str> = self.passed.iter().map(String::as_str).take(5).collect();
        if names.is_empty() {
            return;
        }
        let more = match self.passed.len() - names.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let what = format!(
            "mail archives that were not looked at: {}{more}",
            names.join(", ")
        );
        miss(said, &what, Reason::NotARegularFile);
    }
}

/// A gap of the first scope.
fn miss(said: &mut [Said], what: &str, reason: Reason) {
    let Some(first) = said.first_mut() else {
        return;
    };
    first.state = CoverageState::Partial;
    let remedy = match reason {
        Reason::PermissionDenied => "run groma-collect.ps1 as an administrator",
        Reason::TooLarge => "look it up on the machine (regedit)",
        _ => "run the groma-collect.ps1 that came with this groma, as an administrator",
    };
    first.gaps.push(Gap {
        scope: first.scope.clone(),
        what: what.to_owned(),
        reason,
        remedy: Some(remedy.to_owned()),
    });
}

fn damage(error: &serde_json::Error) -> NotRead {
    use serde_json::error::Category;
    NotRead::Damaged {
        line: error.line(),
        column: error.column(),
        what: match error.classify() {
            Category::Eof => "the document ends here, before its end",
            Category::Data => "something else stands here than a document holds",
            Category::Syntax | Category::Io => "this is no JSON",
        },
    }
}
