//! Mailboxes that are directories: Maildir and Maildir++, Dovecot's dbox and mdbox, Cyrus, folders of EML files.

use std::path::{Path, PathBuf};

use groma_source::{Entry, EntryKind};

use crate::reading::Reading;
use crate::text::{extension, file_name, number};

/// Folders of one mailbox that are looked at.
const FOLDERS_MAX: usize = 2_000;
/// EML files that make a directory an archive: one or two are attachments somebody saved.
const LETTERS_MIN: usize = 3;
/// Levels of folders within a mailbox (Cyrus, dbox).
const LEVELS_MAX: usize = 12;

/// What was counted below a mailbox.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Contents {
    pub(crate) bytes: u64,
    pub(crate) items: u64,
    /// Bytes that came within the day before the look.
    pub(crate) fresh: u64,
    /// Last change, seconds since 1970.
    pub(crate) modified: i64,
    /// True if the budget ended before all of it was counted.
    pub(crate) cut: bool,
}

impl Contents {
    fn add(&mut self, bytes: u64, modified: i64, today: i64) {
        self.items += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        self.modified = self.modified.max(modified);
        if today.saturating_sub(modified) < 86_400 {
            self.fresh = self.fresh.saturating_add(bytes);
        }
    }
}

/// The format of a directory that is a mailbox as a whole, told by its entries.
pub(crate) fn format(
    path: &Path,
    entries: &[Entry],
    reading: &mut Reading<'_>,
) -> Option<&'static str> {
    let has = |name: &[u8], kind| {
        entries
            .iter()
            .any(|e| e.kind == kind && file_name(&e.path) == name)
    };
    let directory = |name: &[u8]| has(name, EntryKind::Directory);
    if directory(b"cur") && directory(b"new") && directory(b"tmp") {
        return is_maildir(path, entries, reading).then_some("maildir");
    }
    if directory(b"storage") && directory(b"mailboxes") {
        let storage = reading.list(&path.join("storage")).unwrap_or_default();
        let numbered = |e: &Entry| is_numbered(file_name(&e.path), b"m.");
        return storage.iter().any(numbered).then_some("mdbox");
    }
    if directory(b"mailboxes") && has(b"dovecot-uidvalidity", EntryKind::File) {
        return Some("sdbox");
    }
    (has(b"cyrus.header", EntryKind::File) && has(b"cyrus.index", EntryKind::File))
        .then_some("cyrus")
}

/// Three directories of these names are a mailbox only if something of a mailbox is in them, beside them, or
/// their own name says so.
fn is_maildir(path: &Path, entries: &[Entry], reading: &mut Reading<'_>) -> bool {
    let marked = entries.iter().any(|e| {
        let name = file_name(&e.path);
        name.starts_with(b"dovecot")
            || name.starts_with(b"courierimap")
            || name == b"maildirfolder"
            || name == b"subscriptions"
    });
    let named = file_name(path).to_ascii_lowercase().ends_with(b"maildir");
    let mut letters = ["cur", "new"].iter().flat_map(|part| {
        let inside = reading.list(&path.join(part)).unwrap_or_default();
        inside.into_iter().take(20)
    });
    marked || named || letters.any(|e| is_letter(file_name(&e.path)))
}

/// `1700000000.M1P2.host,S=1234:2,S`: a time, something unique, a host (<https://cr.yp.to/proto/maildir.html>).
fn is_letter(name: &[u8]) -> bool {
    arrived(name).is_some() && name.iter().filter(|b| **b == b'.').count() >= 2
}

fn arrived(name: &[u8]) -> Option<i64> {
    let time = name.split(|b| *b == b'.').next()?;
    let seconds = i64::try_from(number(time)?).ok()?;
    (100_000_000..10_000_000_000)
        .contains(&seconds)
        .then_some(seconds)
}

/// Size of a letter as its name says it (`,S=1234`, Maildir++).
fn size_in_name(name: &[u8]) -> Option<u64> {
    let at = name.windows(3).position(|w| w == b",S=")?;
    let digits = name.get(at + 3..)?.split(|b| !b.is_ascii_digit()).next()?;
    number(digits)
}

/// Everything in a mailbox of this format.
pub(crate) fn contents(path: &Path, format: &str, reading: &mut Reading<'_>) -> Contents {
    let mut contents = Contents::default();
    match format {
        "maildir" => maildir(path, reading, &mut contents),
        "mdbox" => files(&path.join("storage"), b"m.", reading, &mut contents),
        "sdbox" => levels(
            &path.join("mailboxes"),
            &|name| is_numbered(name, b"u."),
            reading,
            &mut contents,
        ),
        _ => levels(path, &is_cyrus_letter, reading, &mut contents),
    }
    contents
}

/// The mailbox itself and, as Maildir++ keeps them, its folders: directories beside `cur` that begin with a dot.
fn maildir(path: &Path, reading: &mut Reading<'_>, contents: &mut Contents) {
    letters(path, reading, contents);
    let Ok(entries) = reading.list(path) else {
        contents.cut = true;
        return;
    };
    let folder =
        |e: &&Entry| e.kind == EntryKind::Directory && file_name(&e.path).starts_with(b".");
    for entry in entries.iter().filter(folder).take(FOLDERS_MAX) {
        letters(&entry.path, reading, contents);
    }
}

fn letters(folder: &Path, reading: &mut Reading<'_>, contents: &mut Contents) {
    let today = reading.today();
    for part in ["cur", "new"] {
        let Ok(entries) = reading.list(&folder.join(part)) else {
            contents.cut = true;
            return;
        };
        contents.cut |= entries.len() >= crate::reading::DIRECTORY_ENTRIES_MAX;
        for entry in entries.iter().filter(|e| e.kind == EntryKind::File) {
            let name = file_name(&entry.path);
            match (size_in_name(name), arrived(name)) {
                (Some(bytes), Some(arrived)) => contents.add(bytes, arrived, today),
                _ => file(&entry.path, reading, contents),
            }
        }
    }
}

fn file(path: &Path, reading: &mut Reading<'_>, contents: &mut Contents) {
    let today = reading.today();
    match reading.metadata(path) {
        Ok(metadata) => contents.add(metadata.bytes, metadata.modified, today),
        // Mail is read, moved and deleted while we look.
        Err(error) if error.is_absent() => {}
        Err(_) => contents.cut = true,
    }
}

fn files(path: &Path, prefix: &[u8], reading: &mut Reading<'_>, contents: &mut Contents) {
    for entry in reading.list(path).unwrap_or_default() {
        if is_numbered(file_name(&entry.path), prefix) {
            file(&entry.path, reading, contents);
        }
    }
}

fn levels(
    path: &Path,
    wanted: &dyn Fn(&[u8]) -> bool,
    reading: &mut Reading<'_>,
    contents: &mut Contents,
) {
    let mut open = vec![(path.to_owned(), 0)];
    while let Some((at, level)) = open.pop() {
        let Ok(entries) = reading.list(&at) else {
            contents.cut = true;
            return;
        };
        for entry in entries {
            match entry.kind {
                EntryKind::Directory if level < LEVELS_MAX => open.push((entry.path, level + 1)),
                EntryKind::File if wanted(file_name(&entry.path)) => {
                    file(&entry.path, reading, contents)
                }
                _ => {}
            }
        }
    }
}

fn is_numbered(name: &[u8], prefix: &[u8]) -> bool {
    name.strip_prefix(prefix)
        .is_some_and(|rest| !rest.is_empty() && rest.iter().all(u8::is_ascii_digit))
}

/// `1.`, `2.`, …
fn is_cyrus_letter(name: &[u8]) -> bool {
    name.strip_suffix(b".")
        .is_some_and(|rest| !rest.is_empty() && rest.iter().all(u8::is_ascii_digit))
}

/// Letters of a directory that are kept one by one (`.eml`, `.emlx`), if they are enough and the first is one.
pub(crate) fn eml(entries: &[Entry], reading: &mut Reading<'_>) -> Option<Contents> {
    let is_eml = |e: &&Entry| {
        e.kind == EntryKind::File && matches!(extension(&e.path).as_slice(), b"eml" | b"emlx")
    };
    let letters: Vec<&PathBuf> = entries.iter().filter(is_eml).map(|e| &e.path).collect();
    if letters.len() < LETTERS_MIN || !is_mail(letters.first()?, reading) {
        return None;
    }
    let mut contents = Contents::default();
    for letter in letters {
        file(letter, reading, &mut contents);
    }
    Some(contents)
}

fn is_mail(path: &Path, reading: &mut Reading<'_>) -> bool {
    let Ok(start) = reading
        .open(path)
        .and_then(|f| crate::reading::piece(f.as_ref(), 0, 4096))
    else {
        return false;
    };
    reading.spend(start.len());
    // Apple's begin with a line that is the length of the letter.
    let digits = start.iter().take_while(|b| b.is_ascii_digit()).count();
    let letter = match start.get(digits..) {
        Some(rest) if digits > 0 => rest.trim_ascii_start(),
        _ => &start,
    };
    let as_mailbox = [b"From -\n".as_slice(), letter].concat();
    super::mbox::begins(&as_mailbox)
}

/// The server that keeps files of its own in a mailbox: Dovecot its list of message numbers and indices, Courier
/// its own. Formats only Dovecot has are Dovecot's.
pub(crate) fn served_by(format: &str, entries: &[Entry]) -> Option<&'static str> {
    let has = |start: &[u8]| {
        entries
            .iter()
            .any(|e| file_name(&e.path).starts_with(start))
    };
    match format {
        "sdbox" | "mdbox" => Some("Dovecot"),
        "maildir" if has(b"dovecot-uidlist") || has(b"dovecot.index") => Some("Dovecot"),
        "maildir" if has(b"courierimap") => Some("Courier"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_letters_tell_time_and_size() {
        let name = b"1795165200.M12P34.mail1,S=2048,W=2100:2,S";
        assert!(is_letter(name));
        assert_eq!(
            (arrived(name), size_in_name(name)),
            (Some(1_795_165_200), Some(2048))
        );
        assert!(!is_letter(b"notes.txt") && !is_letter(b"2026.11.20") && !is_letter(b"1795165200"));
    }
}
