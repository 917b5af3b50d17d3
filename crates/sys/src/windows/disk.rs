//! Files of this machine, opened so that nothing planted among them can hurt anybody: see [`super::path`].

use std::cmp::Ordering;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::windows::ffi::OsStringExt as _;
use std::os::windows::fs::FileExt as _;
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use groma_model::Reason;
use groma_source::disk::{CLOSED, OWNER, PLACEHOLDER, STEADY};
use groma_source::{
    Disk, DiskError, Entry, EntryKind, FileRead, Listed, Metadata, OpenFile, Space, Stamp,
};
use windows_sys::Win32::Foundation::{
    ERROR_LOCK_VIOLATION, ERROR_NO_MORE_FILES, ERROR_SHARING_VIOLATION,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ID_BOTH_DIR_INFO, FileIdBothDirectoryInfo,
    FileIdBothDirectoryRestartInfo, GetFileInformationByHandleEx,
};

use super::handle::{file, information};
use super::path::{For, Found, find, kind_of, lies_elsewhere};
use crate::silent::Silent;

/// Bytes in which the system tells entries of a directory.
const LISTED_AT_ONCE: usize = 64 << 10;

/// The drives of this machine, without the ones that lie on another.
#[derive(Clone, Debug, Default)]
pub struct LocalDisk {
    silent: Arc<Silent>,
}

impl LocalDisk {
    /// This machine's.
    pub fn of_this_machine() -> Self {
        Self::default()
    }

    /// The same disk without what lies at and below `places`: they did not answer somebody.
    #[must_use]
    pub fn passing_over(self, places: Vec<PathBuf>) -> Self {
        Self {
            silent: Arc::new(Silent::of(places)),
        }
    }

    /// True if somebody wanted to go to a place that is passed over.
    pub fn has_passed_over(&self) -> bool {
        self.silent.is_met()
    }

    /// The places somebody wanted to go to and that were passed over, since this was asked for the last time.
    pub fn take_passed_over(&self) -> Vec<PathBuf> {
        self.silent.take_met()
    }

    /// What is at fault when `path` does not answer: here, the path alone.
    pub fn place_of(&self, path: &Path, _: Duration) -> PathBuf {
        path.to_owned()
    }

    fn find(&self, path: &Path, purpose: For) -> Result<Found, DiskError> {
        match self.silent.refuses(path) {
            true => Err(DiskError::because(path, Reason::TimedOut)),
            false => find(path, purpose).map_err(told),
        }
    }

    fn regular(&self, path: &Path) -> Result<(File, Metadata), DiskError> {
        let met = self.find(path, For::Attributes)?;
        may_be_read(path, &met)?;
        let found = self.find(path, For::Content)?;
        may_be_read(path, &found)?;
        let metadata = metadata(path, &found)?;
        Ok((file(found.held), metadata))
    }
}

fn may_be_read(path: &Path, found: &Found) -> Result<(), DiskError> {
    match found.kind {
        EntryKind::File if found.is_elsewhere => {
            Err(DiskError::because(path, Reason::RemoteFileSystem))
        }
        EntryKind::File => Ok(()),
        EntryKind::Link if !found.is_folder => Err(DiskError::because(path, Reason::BrokenLink)),
        // What a link to a folder leads to has a name of its own.
        EntryKind::Link | EntryKind::Directory | EntryKind::Special => {
            Err(DiskError::because(path, Reason::NotARegularFile))
        }
    }
}

/// A file somebody else holds for himself is locked, not forbidden.
fn told(error: DiskError) -> DiskError {
    let code = error.source.as_ref().and_then(io::Error::raw_os_error);
    let code = code.map(i32::cast_unsigned);
    match code {
        Some(ERROR_SHARING_VIOLATION | ERROR_LOCK_VIOLATION) => DiskError {
            reason: Reason::Locked,
            ..error
        },
        _ => error,
    }
}

impl Disk for LocalDisk {
    fn read(&self, path: &Path, limit: u64) -> Result<FileRead, DiskError> {
        let (file, metadata) = self.regular(path)?;
        if metadata.bytes > limit {
            return Err(DiskError::because(path, Reason::TooLarge));
        }
        let mut bytes = Vec::new();
        let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|e| told(DiskError::of_io(path, e)))?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
            return Err(DiskError::because(path, Reason::TooLarge));
        }
        Ok(FileRead {
            path: path.to_owned(),
            bytes,
            metadata,
        })
    }

    fn open(&self, path: &Path) -> Result<Box<dyn OpenFile>, DiskError> {
        let (file, metadata) = self.regular(path)?;
        Ok(Box::new(Opened {
            path: path.to_owned(),
            file,
            metadata,
        }))
    }

    fn list(&self, path: &Path, limit: usize) -> Result<Vec<Entry>, DiskError> {
        let listed = self.list_stamped(path, limit)?;
        Ok(listed.entries.into_iter().map(|(entry, _)| entry).collect())
    }

    /// A file whose content lies elsewhere has no stamp.
    fn list_stamped(&self, path: &Path, limit: usize) -> Result<Listed, DiskError> {
        let met = self.find(path, For::Attributes)?;
        if met.is_elsewhere {
            // To list it might fetch it.
            return Err(DiskError::because(path, Reason::RemoteFileSystem));
        }
        let found = self.find(path, For::Content)?;
        match found.kind {
            EntryKind::Directory => {}
            EntryKind::Link => return Err(DiskError::because(path, Reason::BrokenLink)),
            _ => return Err(DiskError::because(path, Reason::NotARegularFile)),
        }
        let identity = metadata(path, &found)?.identity;
        let mut entries = listed(path, &found, limit, identity.0)?;
        entries.sort_unstable_by(|(a, _), (b, _)| by_letters(a, b));
        Ok(Listed { identity, entries })
    }

    fn metadata(&self, path: &Path) -> Result<Metadata, DiskError> {
        metadata(path, &self.find(path, For::Attributes)?)
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError> {
        // None is followed here, so nobody needs to know.
        Err(DiskError::because(path, Reason::Unsupported))
    }

    fn attribute(&self, path: &Path, name: &str) -> Result<Option<Vec<u8>>, DiskError> {
        match name {
            PLACEHOLDER => {
                let found = self.find(path, For::Attributes)?;
                Ok(found.is_elsewhere.then(Vec::new))
            }
            CLOSED => Ok(super::is_ours_alone(path).then(Vec::new)),
            STEADY => Ok(super::owner::is_steady(path).then(Vec::new)),
            OWNER => {
                let found = find_to_be_asked(path)?;
                Ok(super::owner::of_handle(&found).map(String::into_bytes))
            }
            _ => Ok(None),
        }
    }

    fn space(&self, path: &Path) -> Result<Space, DiskError> {
        self.find(path, For::Attributes)?;
        let (bytes, free_bytes) = super::space_at(path).map_err(|e| DiskError::of_io(path, e))?;
        Ok(Space { bytes, free_bytes })
    }
}

fn find_to_be_asked(path: &Path) -> Result<std::os::windows::io::OwnedHandle, DiskError> {
    Ok(find(path, For::Owner).map_err(told)?.held)
}

/// A regular file of this machine, open.
struct Opened {
    path: PathBuf,
    file: File,
    metadata: Metadata,
}

impl OpenFile for Opened {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
    fn settled(&self) -> Option<&Path> {
        Some(&self.path)
    }
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<usize, DiskError> {
        let mut done = 0;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
            match self.file.seek_read(rest, at) {
                Ok(0) => break,
                Ok(many) => done += many,
                Err(error) => return Err(told(DiskError::of_io(&self.path, error))),
            }
        }
        Ok(done)
    }
}

fn listed(
    path: &Path,
    found: &Found,
    limit: usize,
    volume: u64,
) -> Result<Vec<(Entry, Option<Stamp>)>, DiskError> {
    let mut room = vec![0_u64; LISTED_AT_ONCE / 8];
    let mut entries = Vec::new();
    let mut class = FileIdBothDirectoryRestartInfo;
    loop {
        let size = u32::try_from(room.len() * 8).unwrap_or(0);
        // SAFETY: the room is as large as the size says, and aligned for what is written.
        let answer = unsafe {
            GetFileInformationByHandleEx(
                found.held.as_raw_handle(),
                class,
                room.as_mut_ptr().cast(),
                size,
            )
        };
        if answer == 0 {
            let error = io::Error::last_os_error();
            return match error.raw_os_error().map(i32::cast_unsigned) {
                Some(ERROR_NO_MORE_FILES) => Ok(entries),
                _ => Err(DiskError::of_io(path, error)),
            };
        }
        class = FileIdBothDirectoryInfo;
        // SAFETY: the room was written by the call just now, and is borrowed as the bytes it is.
        let bytes =
            unsafe { std::slice::from_raw_parts(room.as_ptr().cast::<u8>(), room.len() * 8) };
        for row in Rows::of(bytes) {
            if entries.len() == limit {
                return Err(DiskError::because(path, Reason::TooLarge));
            }
            let stamp = row.stamp(volume);
            let path = path.join(row.name);
            let kind = row.kind;
            entries.push((Entry { path, kind }, stamp));
        }
    }
}

/// Rows of a listing ([MS-FSCC] 2.4.17), read as bytes: each begins with the way to the next.
struct Rows<'a> {
    bytes: &'a [u8],
    at: Option<usize>,
}

struct Row {
    name: OsString,
    kind: EntryKind,
    is_elsewhere: bool,
    bytes: u64,
    number: u64,
    modified: u64,
    changed: u64,
}

impl Row {
    fn stamp(&self, volume: u64) -> Option<Stamp> {
        let is_here = self.kind == EntryKind::File && !self.is_elsewhere;
        is_here.then(|| Stamp {
            identity: (volume, self.number),
            bytes: self.bytes,
            modified: nanoseconds(self.modified),
            changed: nanoseconds(self.changed),
        })
    }
}

impl<'a> Rows<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: Some(0) }
    }

    fn word(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    fn long(&self, at: usize) -> Option<u64> {
        let (low, high) = (self.word(at)?, self.word(at.checked_add(4)?)?);
        Some((u64::from(high) << 32) | u64::from(low))
    }

    fn row(&self, at: usize) -> Option<Row> {
        let flags = self.word(at + std::mem::offset_of!(FILE_ID_BOTH_DIR_INFO, FileAttributes))?;
        // For a reparse point the field of extended attributes holds its tag.
        let tag = self.word(at + std::mem::offset_of!(FILE_ID_BOTH_DIR_INFO, EaSize))?;
        let length = self.word(at + std::mem::offset_of!(FILE_ID_BOTH_DIR_INFO, FileNameLength))?;
        let begin = at + std::mem::offset_of!(FILE_ID_BOTH_DIR_INFO, FileName);
        let end = begin.checked_add(usize::try_from(length).ok()?)?;
        let (pairs, _) = self.bytes.get(begin..end)?.as_chunks::<2>();
        let name: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        Some(Row {
            name: OsString::from_wide(&name),
            kind: match kind_of(flags, tag) {
                // No walk opens what would be fetched.
                EntryKind::Directory if lies_elsewhere(flags) => EntryKind::Special,
                kind => kind,
            },
            is_elsewhere: lies_elsewhere(flags),
            bytes: self.long(at + std::mem::offset_of!(FILE_ID_BOTH_DIR_INFO, EndOfFile))?,
            number: self.long(at + std::mem::offset_of!(FILE_ID_BOTH_DIR_INFO, FileId))?,
            modified: self.long(at + std::mem::offset_of!(FILE_ID_BOTH_DIR_INFO, LastWriteTime))?,
            changed: self.long(at + std::mem::offset_of!(FILE_ID_BOTH_DIR_INFO, ChangeTime))?,
        })
    }
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        loop {
            let at = self.at?;
            let step = self.word(at).and_then(|step| usize::try_from(step).ok());
            self.at = step.filter(|step| *step > 0).map(|step| at + step);
            let row = self.row(at)?;
            if row.name != "." && row.name != ".." {
                return Some(row);
            }
        }
    }
}

fn by_letters(a: &Entry, b: &Entry) -> Ordering {
    a.path.as_os_str().cmp(b.path.as_os_str())
}

fn metadata(path: &Path, found: &Found) -> Result<Metadata, DiskError> {
    let told = information(&found.held).map_err(|e| DiskError::of_io(path, e))?;
    Ok(of_information(&told, found.kind))
}

fn of_information(told: &BY_HANDLE_FILE_INFORMATION, kind: EntryKind) -> Metadata {
    let whole = |high: u32, low: u32| (u64::from(high) << 32) | u64::from(low);
    let written = whole(
        told.ftLastWriteTime.dwHighDateTime,
        told.ftLastWriteTime.dwLowDateTime,
    );
    Metadata {
        kind,
        bytes: whole(told.nFileSizeHigh, told.nFileSizeLow),
        owner: None,
        group: None,
        mode: None,
        modified: seconds(written),
        identity: (
            u64::from(told.dwVolumeSerialNumber),
            whole(told.nFileIndexHigh, told.nFileIndexLow),
        ),
    }
}

/// Nanoseconds since 1970 of a FILETIME.
fn nanoseconds(time: u64) -> i64 {
    let since = i64::try_from(time).unwrap_or(i64::MAX) - 116_444_736_000_000_000;
    since.saturating_mul(100)
}

/// Seconds since 1970 of a FILETIME (100 ns since 1601).
pub(crate) fn seconds(time: u64) -> i64 {
    i64::try_from(time / 10_000_000).unwrap_or(i64::MAX) - 11_644_473_600
}
