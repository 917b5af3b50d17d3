//! The way through the folders of a drive, looking for mail.

use std::collections::BTreeMap;

use groma_model::Reason;

use super::header::{Format, HEAD_BYTES, format, is_letter};
use crate::{Files, FolderEntry, Kind, Part, base_name, folder_of};

/// Entries of folders that are looked at in one look, of all drives together.
pub(super) const ENTRIES_MAX: usize = 2_000_000;
/// Levels of folders.
const DEPTH_MAX: usize = 64;
/// Letters (UTF-16 units) of a path, as the system bounds it.
const PATH_MAX: usize = 32_767;
/// Archives that are told in one look.
const ARCHIVES_MAX: usize = 50_000;
/// Folders that could not be entered, by name; the rest are counted.
const NAMED_MAX: usize = 64;
/// EML files that make a folder an archive: one or two are attachments somebody saved.
const LETTERS_MIN: usize = 3;

/// Endings of archives, with the format each has by habit; none for an ending that other programs use as well.
const ENDINGS: &[(&str, Option<&str>)] = &[
    ("pst", Some("pst")),
    ("ost", Some("ost")),
    ("nst", Some("ost")),
    ("nsf", Some("nsf")),
    ("olm", Some("olm")),
    ("mbox", Some("mbox")),
    ("mbx", None),
    ("dbx", None),
];
/// Folders that hold copies or parts of other things, wherever they lie.
const PASSED: &[&str] = &[
    "$recycle.bin",
    "system volume information",
    "node_modules",
    ".git",
    ".svn",
    ".hg",
    "__pycache__",
];
/// Folders in which a file without an ending may be a mailbox.
const MAIL_FOLDERS: &[&str] = &["mail", "mails", "imapmail", "mailboxes", "local folders"];

/// Mail that was found in files, before it is known whose it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Found {
    pub(super) path: String,
    pub(super) bytes: u64,
    /// Last write, in seconds since 1970.
    pub(super) modified: i64,
    /// Messages, where each is a file.
    pub(super) items: Option<u64>,
    pub(super) format: Format,
    /// Why the first bytes could not be read.
    pub(super) unread: Option<Reason>,
}

impl Found {
    pub(super) fn of(entry: &FolderEntry, format: Format, unread: Option<Reason>) -> Self {
        Self {
            path: entry.path.clone(),
            bytes: entry.bytes,
            modified: entry.modified,
            items: None,
            format,
            unread,
        }
    }
}

/// A walk over several drives, with one budget.
pub(super) struct Walk<'a> {
    files: &'a dyn Files,
    /// Folders that are not entered, in lower case.
    closed: Vec<String>,
    entries_left: usize,
    refused: BTreeMap<String, Reason>,
    refused_more: usize,
    letters: Vec<Found>,
    pub(super) found: Vec<Found>,
}

impl<'a> Walk<'a> {
    /// Begins a walk that passes by the folders of `closed`.
    pub(super) fn begin(files: &'a dyn Files, closed: &[String]) -> Self {
        Self {
            files,
            closed: closed.iter().map(|path| path.to_lowercase()).collect(),
            entries_left: ENTRIES_MAX,
            refused: BTreeMap::new(),
            refused_more: 0,
            letters: Vec::new(),
            found: Vec::new(),
        }
    }

    /// A walk with a budget of its own.
    #[cfg(test)]
    pub(super) fn of_entries(mut self, entries: usize) -> Self {
        self.entries_left = entries;
        self
    }

    /// Everything below `root`; gaps go to `part`. Returns how many entries were met.
    pub(super) fn all(&mut self, root: &str, part: &mut Part) -> usize {
        let before = self.entries_left;
        let mut open = vec![(root.to_owned(), 0)];
        while let Some((at, depth)) = open.pop() {
            if self.entries_left == 0 || self.found.len() >= ARCHIVES_MAX {
                let what = format!("mail archives below {root} from {at} on");
                part.missed(what, Reason::BudgetExhausted);
                break;
            }
            let entries = match self.files.list(&at, self.entries_left) {
                Ok(entries) => entries,
                Err(reason) => {
                    self.refuse(at, reason);
                    continue;
                }
            };
            self.entries_left = self.entries_left.saturating_sub(entries.len());
            self.visit(&at, &entries);
            let folders = entries.iter().rev();
            for folder in folders.filter(|entry| entry.kind == Kind::Folder) {
                if !self.is_open(&folder.path) {
                    continue;
                }
                if depth + 1 >= DEPTH_MAX || folder.path.encode_utf16().count() > PATH_MAX {
                    self.refuse(folder.path.clone(), Reason::TooLarge);
                    continue;
                }
                open.push((folder.path.clone(), depth + 1));
            }
        }
        self.found.append(&mut self.letters);
        self.say_refused(part);
        before - self.entries_left
    }

    fn is_open(&self, path: &str) -> bool {
        let lower = path.to_lowercase();
        !PASSED.contains(&base_name(&lower)) && !self.closed.contains(&lower)
    }

    fn refuse(&mut self, at: String, reason: Reason) {
        match reason {
            // It went away while we walked.
            Reason::Vanished => {}
            _ if self.refused.len() >= NAMED_MAX => self.refused_more += 1,
            reason => drop(self.refused.insert(at, reason)),
        }
    }

    fn say_refused(&mut self, part: &mut Part) {
        for (at, reason) in std::mem::take(&mut self.refused) {
            part.missed(format!("mail archives in {at}"), reason);
        }
        if self.refused_more > 0 {
            let what = format!("mail archives in {} more folders", self.refused_more);
            part.missed(what, Reason::PermissionDenied);
            self.refused_more = 0;
        }
    }

    fn visit(&mut self, at: &str, entries: &[FolderEntry]) {
        for entry in entries {
            if let Some(found) = file(self.files, entry, false) {
                self.found.push(found);
            }
        }
        let Some(folder) = letters(self.files, at, entries) else {
            return;
        };
        let inside = |top: &Found| {
            let rest = folder.path.get(top.path.len()..).unwrap_or_default();
            folder.path.starts_with(&top.path) && rest.starts_with('\\')
        };
        // Folders of letters, one below another, are one archive: that of the uppermost.
        match self.letters.last_mut().filter(|top| inside(top)) {
            Some(top) => {
                top.bytes = top.bytes.saturating_add(folder.bytes);
                top.modified = top.modified.max(folder.modified);
                top.items = top.items.zip(folder.items).map(|(a, b)| a + b);
            }
            None => self.letters.push(folder),
        }
    }
}

/// The archive in this file, if it is one; `named` where a profile says so, whatever it is called.
pub(super) fn file(files: &dyn Files, entry: &FolderEntry, named: bool) -> Option<Found> {
    let ending = ending_of(&entry.path);
    let habit = ENDINGS.iter().find(|(known, _)| *known == ending);
    let by_name = habit.and_then(|(_, format)| *format);
    let by_name = by_name.or(named.then_some("pst")).map(Format::named);
    match entry.kind {
        Kind::Placeholder => {
            let elsewhere = Some(Reason::RemoteFileSystem);
            return Some(Found::of(entry, by_name?, elsewhere));
        }
        Kind::File => {}
        Kind::Folder | Kind::Link => return None,
    }
    let may_be = entry.bytes > 0 && ending.is_empty() && may_be_a_mailbox(&entry.path);
    if habit.is_none() && !named && !may_be {
        return None;
    }
    match files.head(&entry.path, HEAD_BYTES) {
        Ok(Some(head)) => Some(Found::of(entry, format(&ending, &head)?, None)),
        Ok(None) | Err(Reason::Vanished) => None,
        // Only its name is known, or somebody has it open.
        Err(reason) => Some(Found::of(entry, by_name?, Some(reason))),
    }
}

/// The part behind the last dot of the name, in lower case.
pub(super) fn ending_of(path: &str) -> String {
    let ending = base_name(path).rsplit_once('.').map(|(_, ending)| ending);
    ending.unwrap_or_default().to_lowercase()
}

fn may_be_a_mailbox(path: &str) -> bool {
    let mut folder = folder_of(path);
    for _ in 0..4 {
        let name = base_name(folder).to_lowercase();
        if MAIL_FOLDERS.contains(&name.as_str()) || name.ends_with(".sbd") {
            return true;
        }
        folder = folder_of(folder);
    }
    false
}

/// Letters of a folder that are kept one by one, if they are enough and the first is one.
fn letters(files: &dyn Files, at: &str, entries: &[FolderEntry]) -> Option<Found> {
    let is_letter_by_name = |entry: &&FolderEntry| {
        entry.kind == Kind::File && matches!(ending_of(&entry.path).as_str(), "eml" | "emlx")
    };
    let letters: Vec<&FolderEntry> = entries.iter().filter(is_letter_by_name).collect();
    let first = letters.first().filter(|_| letters.len() >= LETTERS_MIN)?;
    let head = files.head(&first.path, HEAD_BYTES);
    let unread = match head {
        Ok(Some(head)) if is_letter(&head) => None,
        Ok(_) => return None,
        Err(reason) => Some(reason),
    };
    let bytes = letters.iter().map(|letter| letter.bytes);
    let modified = letters.iter().map(|letter| letter.modified);
    Some(Found {
        path: at.trim_end_matches('\\').to_owned(),
        bytes: bytes.fold(0, u64::saturating_add),
        modified: modified.max().unwrap_or_default(),
        items: u64::try_from(letters.len()).ok(),
        format: Format::named("eml"),
        unread,
    })
}
