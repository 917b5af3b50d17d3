//! From a path to a handle, part by part: no junction, symbolic link or mount point on the way is followed, and no other
//! machine is touched.

use std::ffi::OsStr;
use std::io;
use std::os::windows::ffi::OsStrExt as _;
use std::os::windows::io::OwnedHandle;
use std::path::{Component, Path, Prefix};

use groma_model::Reason;
use groma_source::{DiskError, EntryKind};
use windows_sys::Wdk::Storage::FileSystem::{
    FILE_OPEN_FOR_BACKUP_INTENT, FILE_OPEN_NO_RECALL, FILE_OPEN_REPARSE_POINT,
    FILE_SYNCHRONOUS_IO_NONALERT,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_OFFLINE, FILE_ATTRIBUTE_RECALL_ON_DATA_ACCESS,
    FILE_ATTRIBUTE_RECALL_ON_OPEN, FILE_ATTRIBUTE_REPARSE_POINT, FILE_LIST_DIRECTORY,
    FILE_READ_ATTRIBUTES, FILE_READ_DATA, GetDriveTypeW, READ_CONTROL, SYNCHRONIZE,
};
use windows_sys::Win32::System::WindowsProgramming::{DRIVE_NO_ROOT_DIR, DRIVE_REMOTE};

use super::handle::{How, attributes, information, open_below};
use super::wide;

/// Parts of one path.
const PARTS_MAX: usize = 4096;
/// A reparse point that stands for something with another name ([MS-FSCC] 2.1.2.1).
const NAME_SURROGATE: u32 = 0x2000_0000;
/// Points that are the file itself, stored in another way: compressed by the system, deduplicated.
const STORED_OTHERWISE: [u32; 2] = [0x8000_0017, 0x8000_0013];
/// Points of files in a cloud (`IO_REPARSE_TAG_CLOUD` to `_CLOUD_F`).
const CLOUD: u32 = 0x9000_001A;
const CLOUD_MASK: u32 = 0xFFFF_0FFF;

/// What was opened, and what it is.
pub(crate) struct Found {
    pub(crate) held: OwnedHandle,
    pub(crate) kind: EntryKind,
    /// True for a folder, and for a link to one.
    pub(crate) is_folder: bool,
    /// True if its content lies elsewhere: to read it would fetch it.
    pub(crate) is_elsewhere: bool,
}

/// For what it is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// To be looked at.
    Attributes,
    /// To be asked whose it is.
    Owner,
    /// To be read, or listed.
    Content,
}

/// What stands at `path`. A link at its end is held itself.
pub(crate) fn find(path: &Path, purpose: For) -> Result<Found, DiskError> {
    let (drive, parts) = split(path)?;
    let io = |error| DiskError::of_io(path, error);
    let root: Vec<u16> = format!(r"\??\{drive}:\").encode_utf16().collect();
    let way = How {
        // Everybody may pass folders (SeChangeNotifyPrivilege); to ask for that would refuse some.
        rights: FILE_READ_ATTRIBUTES | SYNCHRONIZE,
        options: HELD,
    };
    let last = How {
        rights: match purpose {
            For::Attributes => FILE_READ_ATTRIBUTES | SYNCHRONIZE,
            For::Owner => READ_CONTROL | FILE_READ_ATTRIBUTES | SYNCHRONIZE,
            For::Content => {
                FILE_READ_DATA | FILE_LIST_DIRECTORY | FILE_READ_ATTRIBUTES | SYNCHRONIZE
            }
        },
        options: HELD,
    };
    let how = |is_last: bool| if is_last { last } else { way };
    let mut held = open_below(None, &root, how(parts.is_empty())).map_err(io)?;
    let mut kind = EntryKind::Directory;
    let mut is_elsewhere = false;
    let mut is_folder = true;
    let many = parts.len();
    for (at, part) in parts.iter().enumerate() {
        if kind == EntryKind::Link {
            return Err(DiskError::because(path, Reason::BrokenLink));
        }
        let is_last = at + 1 == many;
        let next = open_below(Some(&held), part, how(is_last)).map_err(io)?;
        let (flags, tag) = attributes(&next).map_err(io)?;
        kind = kind_of(flags, tag);
        is_elsewhere = lies_elsewhere(flags);
        is_folder = flags & FILE_ATTRIBUTE_DIRECTORY != 0;
        let is_content = purpose == For::Content && kind != EntryKind::Link && !is_elsewhere;
        // Its own content is behind the point: opened again below the same parent, as what it stands for.
        held = match is_last && is_content && flags & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
            true => {
                let content = open_below(Some(&held), part, through(last)).map_err(io)?;
                // Somebody may have put a link there in between.
                if number(&content).map_err(io)? != number(&next).map_err(io)? {
                    return Err(DiskError::because(path, Reason::BrokenLink));
                }
                content
            }
            false => next,
        };
    }
    Ok(Found {
        held,
        kind,
        is_folder,
        is_elsewhere,
    })
}

/// Volume and number of what is open.
fn number(handle: &OwnedHandle) -> io::Result<(u32, u32, u32)> {
    let told = information(handle)?;
    Ok((
        told.dwVolumeSerialNumber,
        told.nFileIndexHigh,
        told.nFileIndexLow,
    ))
}

const HELD: u32 = FILE_OPEN_REPARSE_POINT
    | FILE_OPEN_FOR_BACKUP_INTENT
    | FILE_SYNCHRONOUS_IO_NONALERT
    | FILE_OPEN_NO_RECALL;

fn through(how: How) -> How {
    How {
        options: how.options & !FILE_OPEN_REPARSE_POINT,
        ..how
    }
}

/// The sort of thing its attributes and its tag say.
pub(crate) fn kind_of(flags: u32, tag: u32) -> EntryKind {
    let is_point = flags & FILE_ATTRIBUTE_REPARSE_POINT != 0;
    let is_itself = STORED_OTHERWISE.contains(&tag) || tag & CLOUD_MASK == CLOUD;
    match () {
        // A tag that is not told might be of one.
        () if is_point && (tag & NAME_SURROGATE != 0 || tag == 0) => EntryKind::Link,
        // A socket, an alias of a program, the store of an archive: nothing of it is a file's content.
        () if is_point && !is_itself => EntryKind::Special,
        () if flags & FILE_ATTRIBUTE_DIRECTORY != 0 => EntryKind::Directory,
        () => EntryKind::File,
    }
}

/// True if to read it would fetch it from elsewhere.
pub(crate) fn lies_elsewhere(flags: u32) -> bool {
    let elsewhere = FILE_ATTRIBUTE_OFFLINE
        | FILE_ATTRIBUTE_RECALL_ON_DATA_ACCESS
        | FILE_ATTRIBUTE_RECALL_ON_OPEN;
    flags & elsewhere != 0
}

/// The drive and the names of a path of this machine. Paths of other machines and of devices are refused before they are
/// touched; so is what names a stream of a file.
fn split(path: &Path) -> Result<(char, Vec<Vec<u16>>), DiskError> {
    let refuse = |reason| DiskError::because(path, reason);
    let mut components = path.components();
    let drive = match components.next() {
        Some(Component::Prefix(prefix)) => match prefix.kind() {
            Prefix::Disk(letter) | Prefix::VerbatimDisk(letter) => char::from(letter),
            Prefix::UNC(..) | Prefix::VerbatimUNC(..) => {
                return Err(refuse(Reason::RemoteFileSystem));
            }
            _ => return Err(refuse(Reason::NotARegularFile)),
        },
        _ => return Err(DiskError::of_io(path, io::ErrorKind::NotFound.into())),
    };
    let mut parts = Vec::new();
    for component in components {
        match component {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => {
                parts.push(name_of(name).ok_or_else(|| refuse(Reason::NotARegularFile))?)
            }
            Component::ParentDir | Component::Prefix(_) => return Err(refuse(Reason::Forbidden)),
        }
        if parts.len() > PARTS_MAX {
            return Err(refuse(Reason::TooLarge));
        }
    }
    match drive_type(drive) {
        DRIVE_REMOTE => Err(refuse(Reason::RemoteFileSystem)),
        DRIVE_NO_ROOT_DIR => Err(DiskError::of_io(path, io::ErrorKind::NotFound.into())),
        _ => Ok((drive, parts)),
    }
}

fn name_of(name: &OsStr) -> Option<Vec<u16>> {
    let name: Vec<u16> = name.encode_wide().collect();
    let is_plain = |unit: &u16| !matches!(unit, 0 | 0x3A | 0x5C);
    name.iter().all(is_plain).then_some(name)
}

fn drive_type(drive: char) -> u32 {
    let root = wide(&format!(r"{drive}:\"));
    // SAFETY: the text ends with a zero.
    unsafe { GetDriveTypeW(root.as_ptr()) }
}
