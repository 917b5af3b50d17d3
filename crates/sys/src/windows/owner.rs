//! Whose a file is, and a folder that is ours alone.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::ffi::OsStrExt as _;
use std::os::windows::fs::OpenOptionsExt as _;
use std::os::windows::io::{AsRawHandle, FromRawHandle as _};
use std::path::Path;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{INVALID_HANDLE_VALUE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW, ConvertSidToStringSidW,
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetSecurityInfo, SDDL_REVISION_1,
    SE_FILE_OBJECT,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, OWNER_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID,
    SECURITY_ATTRIBUTES,
};
use windows_sys::Win32::Storage::FileSystem::{
    CREATE_NEW, CreateDirectoryW, CreateFileW, FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_NORMAL,
    FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT,
    FILE_GENERIC_WRITE, FILE_READ_ATTRIBUTES, FILE_SHARE_READ, READ_CONTROL,
};

use groma_source::EntryKind;

use super::handle::attributes;
use super::path::{For, find};
use super::{size_of_u32, text_at, wide};
use crate::descriptor::{Thing, is_alone, others_who_may_write};

/// The system, its administrators and whoever made it; nothing comes down from the folder above.
const OURS_ALONE: &str = "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)";

/// Memory that a call has taken for us.
struct Lent(*mut core::ffi::c_void);

impl Drop for Lent {
    fn drop(&mut self) {
        // SAFETY: a call has taken it by LocalAlloc and handed it over; null is passed over.
        unsafe { LocalFree(self.0) };
    }
}

/// The SID of the owner of something open (with the right to ask).
pub(crate) fn of_handle(handle: &impl AsRawHandle) -> Option<String> {
    let mut owner: PSID = null_mut();
    let mut descriptor: PSECURITY_DESCRIPTOR = null_mut();
    // SAFETY: the pointers are written to where pointers are; the owner points into the descriptor.
    let answer = unsafe {
        GetSecurityInfo(
            handle.as_raw_handle(),
            SE_FILE_OBJECT,
            OWNER_SECURITY_INFORMATION,
            &raw mut owner,
            null_mut(),
            null_mut(),
            null_mut(),
            &raw mut descriptor,
        )
    };
    let lent = Lent(descriptor);
    let found = (answer == 0 && !owner.is_null()).then(|| sid_text(owner));
    drop(lent);
    found.flatten()
}

/// A SID as `S-1-5-…`.
pub(crate) fn sid_text(sid: PSID) -> Option<String> {
    let mut text = null_mut();
    // SAFETY: the SID is one that a call has handed out and still holds.
    if unsafe { ConvertSidToStringSidW(sid, &raw mut text) } == 0 {
        return None;
    }
    let lent = Lent(text.cast());
    // SAFETY: the call has written a text with a zero at its end.
    let told = unsafe { text_at(text) };
    drop(lent);
    Some(told)
}

/// Rights for something new, until it is made.
struct Closed {
    attributes: SECURITY_ATTRIBUTES,
    _lent: Lent,
}

impl Closed {
    fn made() -> io::Result<Self> {
        let mut descriptor: PSECURITY_DESCRIPTOR = null_mut();
        let rights = wide(OURS_ALONE);
        // SAFETY: the text ends with a zero; the descriptor is written to where a pointer is.
        let made = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                rights.as_ptr(),
                SDDL_REVISION_1,
                &raw mut descriptor,
                null_mut(),
            )
        };
        if made == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            attributes: SECURITY_ATTRIBUTES {
                nLength: size_of_u32::<SECURITY_ATTRIBUTES>(),
                lpSecurityDescriptor: descriptor,
                bInheritHandle: 0,
            },
            _lent: Lent(descriptor),
        })
    }
}

/// Makes a folder that the system, administrators and its maker alone may enter. True if it is new.
pub(crate) fn folder_for_us_alone(path: &Path) -> io::Result<bool> {
    let closed = Closed::made()?;
    let name: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
    // SAFETY: the name ends with a zero, and the attributes live as long as the call.
    match unsafe { CreateDirectoryW(name.as_ptr(), &raw const closed.attributes) } {
        0 => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            error => Err(error),
        },
        _ => Ok(true),
    }
}

/// Makes a file that the system, administrators and its maker alone may read.
///
/// # Errors
/// `AlreadyExists` where something stands; those of the disk.
pub(crate) fn file_for_us_alone(path: &Path) -> io::Result<File> {
    let closed = Closed::made()?;
    let name: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
    // SAFETY: the name ends with a zero, and the attributes live as long as the call.
    let handle = unsafe {
        CreateFileW(
            name.as_ptr(),
            FILE_GENERIC_WRITE,
            FILE_SHARE_READ,
            &raw const closed.attributes,
            CREATE_NEW,
            FILE_ATTRIBUTE_NORMAL,
            null_mut(),
        )
    };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has succeeded, so the handle is open and ours alone.
    Ok(unsafe { File::from_raw_handle(handle) })
}

/// True for a folder, no link to one, that nobody but the system, administrators and we may enter. What is judged is what was
/// opened.
pub(crate) fn is_folder_of_ours(path: &Path) -> bool {
    let mut options = OpenOptions::new();
    options.access_mode(READ_CONTROL | FILE_READ_ATTRIBUTES);
    options.custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT);
    let Ok(folder) = options.open(path) else {
        return false;
    };
    let is_plain = attributes(&folder).is_ok_and(|(flags, _)| {
        flags & FILE_ATTRIBUTE_REPARSE_POINT == 0 && flags & FILE_ATTRIBUTE_DIRECTORY != 0
    });
    let own = super::people::own_sid();
    is_plain && rights_of_handle(&folder).is_some_and(|rights| is_alone(&rights, own.as_deref()))
}

/// The rights on something open as SDDL: its owner, and who may what.
fn rights_of_handle(handle: &impl AsRawHandle) -> Option<String> {
    let asked = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    let mut descriptor: PSECURITY_DESCRIPTOR = null_mut();
    // SAFETY: the descriptor is written to where a pointer is.
    let answer = unsafe {
        GetSecurityInfo(
            handle.as_raw_handle(),
            SE_FILE_OBJECT,
            asked,
            null_mut(),
            null_mut(),
            null_mut(),
            null_mut(),
            &raw mut descriptor,
        )
    };
    let lent = Lent(descriptor);
    (answer == 0).then(|| descriptor_text(lent.0)).flatten()
}

/// The rights on a path as SDDL: its owner, and who may what. `None` where it cannot be asked, or a link is in the way: whoever may
/// change one would have us judge something else, or ask another machine.
pub fn rights_of(path: &Path) -> Option<String> {
    let found = find(path, For::Owner).ok()?;
    let is_itself = found.kind != EntryKind::Link;
    is_itself.then(|| rights_of_handle(&found.held)).flatten()
}

/// A descriptor as SDDL: owner and access list.
pub(crate) fn descriptor_text(descriptor: PSECURITY_DESCRIPTOR) -> Option<String> {
    let asked = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    let mut text = null_mut();
    // SAFETY: the descriptor is one that a call has handed out and still holds.
    let made = unsafe {
        ConvertSecurityDescriptorToStringSecurityDescriptorW(
            descriptor,
            SDDL_REVISION_1,
            asked,
            &raw mut text,
            null_mut(),
        )
    };
    if made == 0 {
        return None;
    }
    let lent = Lent(text.cast());
    // SAFETY: the call has written a text with a zero at its end.
    let told = unsafe { text_at(text) };
    drop(lent);
    Some(told)
}

/// True if nobody but the system, administrators, its owner and whoever we are may do anything with `path`: what
/// [`folder_for_us_alone`] makes, and whatever lies in such a folder.
pub(crate) fn is_ours_alone(path: &Path) -> bool {
    let Some(rights) = rights_of(path) else {
        return false;
    };
    is_alone(&rights, super::people::own_sid().as_deref())
}

/// True if nobody but the system, its administrators and its installer may change `path`.
pub(crate) fn is_steady(path: &Path) -> bool {
    let others = rights_of(path).map(|rights| {
        others_who_may_write(&rights, Thing::Itself).unwrap_or_else(|_| vec![rights])
    });
    others.is_some_and(|others| others.is_empty())
}

/// The null pointer of a call without a name.
pub(crate) const NOBODY: *const u16 = null();
