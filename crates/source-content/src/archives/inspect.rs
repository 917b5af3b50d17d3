//! One file: is it an archive, of which sort, how much is in it.

use std::path::{Path, PathBuf};

use groma_source::{DiskError, Entry, EntryKind, Metadata, OpenFile};

use super::{mbox, mbx, pst, sample};
use crate::reading::{Reading, piece};
use crate::text::{extension, file_name};

/// Bytes at the begin of a file that tell what it is.
const START_BYTES: usize = 4096;
/// Files whose name says nothing are opened from this size on: the smallest PST has 265 KiB.
const NAMELESS_BYTES_MIN: u64 = 256 << 10;
/// Bytes of one mailbox that are counted through; beyond, the number is reckoned.
const COUNTED_BYTES_MAX: u64 = 64 << 20;

/// `1A 00 00 04 00 00`: a database of Notes and Domino.
const NSF: &[u8] = &[0x1a, 0, 0, 4, 0, 0];
/// A mailbox of Outlook Express.
const DBX: &[u8] = &[0xcf, 0xad, 0x12, 0xfe];

const NAMED: &[&[u8]] = &[b"pst", b"ost", b"nsf", b"mbox", b"mbx", b"dbx"];
/// Endings of what is never an archive of mail, however large.
const OTHER: &[&[u8]] = &[
    b"jpg", b"jpeg", b"png", b"gif", b"tif", b"tiff", b"mp3", b"mp4", b"avi", b"mkv", b"mov",
    b"wav", b"iso", b"img", b"qcow2", b"vmdk", b"vdi", b"vhd", b"vhdx", b"zip", b"gz", b"xz",
    b"bz2", b"zst", b"7z", b"rar", b"tar", b"tgz", b"deb", b"rpm", b"jar", b"war", b"so", b"a",
    b"o", b"rlib", b"rmeta", b"dll", b"exe", b"msi", b"pdf", b"docx", b"xlsx", b"pptx", b"doc",
    b"xls", b"ppt", b"odt", b"ods", b"pack", b"idx", b"log", b"sqlite", b"sqlite3", b"db", b"frm",
    b"ibd", b"myd", b"myi", b"wal", b"html", b"js", b"css", b"py", b"pyc", b"rs", b"c", b"h",
    b"svg", b"json", b"xml", b"csv", b"ttf", b"woff", b"woff2", b"msf", b"vcf", b"ics", b"eml",
    b"emlx",
];
/// Folders in which a small file without an ending may be a mailbox.
const MAIL_FOLDERS: &[&[u8]] = &[
    b"mail",
    b"mails",
    b".mail",
    b"mbox",
    b"mailboxes",
    b"local folders",
    b"imapmail",
];

/// Names a small file without an ending has if it is a mailbox.
const MAILBOX_NAMES: &[&[u8]] = &[
    b"inbox",
    b"mbox",
    b"sent",
    b"sent-mail",
    b"sent items",
    b"drafts",
    b"trash",
    b"archive",
    b"archives",
    b"saved-messages",
    b"received",
    b"postponed",
    b"outbox",
    b"junk",
    b"spam",
];

/// An archive, before it is known whose it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) format: &'static str,
    pub(crate) variant: Option<&'static str>,
    pub(crate) encryption: Option<&'static str>,
    pub(crate) damaged: bool,
    pub(crate) owner: Option<u32>,
    pub(crate) bytes: u64,
    pub(crate) items: Option<u64>,
    pub(crate) estimated: bool,
    pub(crate) fresh: Option<u64>,
    pub(crate) modified: i64,
    pub(crate) key: Option<u64>,
    /// The server whose own files lie in it: it was served, and is where that server still stands.
    pub(crate) served_by: Option<&'static str>,
}

/// The archive in this file, if it is one. A file that cannot be read is nothing, or an error where its name
/// says that it is an archive.
pub(crate) fn file(
    entry: &Entry,
    spool: bool,
    reading: &mut Reading<'_>,
) -> Result<Option<Found>, DiskError> {
    if entry.kind != EntryKind::File {
        return Ok(None);
    }
    let ending = extension(&entry.path);
    let named = NAMED.contains(&ending.as_slice());
    if OTHER.contains(&ending.as_slice()) {
        return Ok(None);
    }
    let in_folder = spool || (ending.is_empty() && may_be_a_mailbox(&entry.path));
    if !named && !in_folder {
        match reading.metadata(&entry.path) {
            Ok(metadata) if metadata.bytes >= NAMELESS_BYTES_MIN => {}
            _ => return Ok(None),
        }
    }
    match opened(&entry.path, reading) {
        Err(error) if !named || error.is_absent() => {
            let _ = error;
            Ok(None)
        }
        result => result,
    }
}

fn may_be_a_mailbox(path: &Path) -> bool {
    let folders = path.ancestors().skip(1).take(4);
    let own = file_name(path).to_ascii_lowercase();
    if MAILBOX_NAMES.contains(&own.as_slice()) {
        return true;
    }
    folders.map(file_name).any(|name| {
        let name = name.to_ascii_lowercase();
        MAIL_FOLDERS.contains(&name.as_slice()) || name.ends_with(b".sbd")
    })
}

fn opened(path: &Path, reading: &mut Reading<'_>) -> Result<Option<Found>, DiskError> {
    let file = reading.open(path)?;
    let start = piece(file.as_ref(), 0, START_BYTES)?;
    reading.spend(start.len());
    let found = |format| blank(path, format, file.metadata());
    let mut found = match () {
        () if start.starts_with(NSF) => found("nsf"),
        () if start.starts_with(DBX) => found("dbx"),
        () if start.starts_with(mbx::MAGIC) => Found {
            items: mbx::messages(file.as_ref())?,
            ..found("mbx")
        },
        () if mbox::begins(&start) => mailbox(found("mbox"), &start, file.as_ref(), reading)?,
        () => match pst::header(start.get(..pst::HEADER_BYTES).unwrap_or_default()) {
            Some(header) => outlook(found(header.format), &header, file.as_ref(), reading)?,
            None => return Ok(None),
        },
    };
    let (key, read) = sample::key(file.as_ref())?;
    reading.spend(read);
    found.key = Some(key);
    Ok(Some(found))
}

fn blank(path: &Path, format: &'static str, metadata: &Metadata) -> Found {
    Found {
        path: path.to_owned(),
        format,
        variant: None,
        encryption: None,
        damaged: false,
        owner: metadata.owner,
        bytes: metadata.bytes,
        items: None,
        estimated: false,
        fresh: None,
        modified: metadata.modified,
        key: None,
        served_by: None,
    }
}

fn outlook(
    found: Found,
    header: &pst::Header,
    file: &dyn OpenFile,
    reading: &mut Reading<'_>,
) -> Result<Found, DiskError> {
    let (items, read) = pst::messages(file, header)?;
    reading.spend(read);
    Ok(Found {
        variant: Some(header.variant),
        encryption: Some(header.encryption),
        damaged: header.damaged,
        items,
        ..found
    })
}

fn mailbox(
    found: Found,
    start: &[u8],
    file: &dyn OpenFile,
    reading: &mut Reading<'_>,
) -> Result<Found, DiskError> {
    let counted = mbox::count(file, COUNTED_BYTES_MAX)?;
    reading.spend(usize::try_from(counted.bytes).unwrap_or(usize::MAX));
    let all =
        u128::from(counted.messages) * u128::from(found.bytes) / u128::from(counted.bytes.max(1));
    let items = match counted.whole {
        true => counted.messages,
        false => u64::try_from(all).unwrap_or(u64::MAX),
    };
    Ok(Found {
        variant: mbox::carries_length(start).then_some("mboxcl"),
        items: Some(items),
        estimated: !counted.whole,
        ..found
    })
}

/// A mailbox that is a directory.
pub(crate) fn directory(
    path: &Path,
    format: &'static str,
    contents: super::tree::Contents,
    reading: &mut Reading<'_>,
) -> Result<Found, DiskError> {
    let metadata = reading.disk().metadata(path)?;
    Ok(Found {
        bytes: contents.bytes,
        // A file of mdbox holds many messages.
        items: (format != "mdbox").then_some(contents.items),
        estimated: contents.cut,
        fresh: Some(contents.fresh),
        modified: contents.modified,
        ..blank(path, format, &metadata)
    })
}
