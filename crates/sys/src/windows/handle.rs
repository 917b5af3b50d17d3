//! What is opened is closed.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr::null_mut;

use windows_sys::Wdk::Foundation::OBJECT_ATTRIBUTES;
use windows_sys::Wdk::Storage::FileSystem::NtOpenFile;
use windows_sys::Win32::Foundation::{
    HANDLE, OBJ_CASE_INSENSITIVE, RtlNtStatusToDosError, UNICODE_STRING,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_TAG_INFO, FILE_SHARE_DELETE, FILE_SHARE_READ,
    FILE_SHARE_WRITE, FileAttributeTagInfo, GetFileInformationByHandle,
    GetFileInformationByHandleEx,
};
use windows_sys::Win32::System::IO::IO_STATUS_BLOCK;

use super::size_of_u32;

/// How something is opened.
#[derive(Clone, Copy)]
pub(crate) struct How {
    pub(crate) rights: u32,
    pub(crate) options: u32,
}

/// Opens `name` below `parent`, or from the root of names where there is none. No link is followed but what `how` says.
pub(crate) fn open_below(
    parent: Option<&OwnedHandle>,
    name: &[u16],
    how: How,
) -> io::Result<OwnedHandle> {
    let length = u16::try_from(name.len().saturating_mul(2))
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidFilename))?;
    let name = UNICODE_STRING {
        Length: length,
        MaximumLength: length,
        Buffer: name.as_ptr().cast_mut(),
    };
    let attributes = OBJECT_ATTRIBUTES {
        Length: size_of_u32::<OBJECT_ATTRIBUTES>(),
        RootDirectory: parent.map_or(null_mut(), |parent| parent.as_raw_handle()),
        ObjectName: &raw const name,
        Attributes: OBJ_CASE_INSENSITIVE,
        SecurityDescriptor: std::ptr::null(),
        SecurityQualityOfService: std::ptr::null(),
    };
    let mut handle: HANDLE = null_mut();
    let mut status = MaybeUninit::<IO_STATUS_BLOCK>::zeroed();
    // SAFETY: every structure and the name live as long as the call, which writes to the handle and the status alone.
    let answer = unsafe {
        NtOpenFile(
            &raw mut handle,
            how.rights,
            &raw const attributes,
            status.as_mut_ptr(),
            FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
            how.options,
        )
    };
    match answer {
        // SAFETY: the call has succeeded, so the handle is open and ours alone.
        0 => Ok(unsafe { OwnedHandle::from_raw_handle(handle) }),
        status => Err(of_status(status)),
    }
}

fn of_status(status: i32) -> io::Error {
    // SAFETY: a number goes in, a number comes out.
    let code = unsafe { RtlNtStatusToDosError(status) };
    io::Error::from_raw_os_error(code.cast_signed())
}

/// Attributes and the tag of a reparse point (0 where it is none).
pub(crate) fn attributes(handle: &impl AsRawHandle) -> io::Result<(u32, u32)> {
    let mut told = FILE_ATTRIBUTE_TAG_INFO::default();
    // SAFETY: the room is the structure the class names.
    let answer = unsafe {
        GetFileInformationByHandleEx(
            handle.as_raw_handle(),
            FileAttributeTagInfo,
            (&raw mut told).cast(),
            size_of_u32::<FILE_ATTRIBUTE_TAG_INFO>(),
        )
    };
    match answer {
        0 => Err(io::Error::last_os_error()),
        _ => Ok((told.FileAttributes, told.ReparseTag)),
    }
}

/// Size, times and number of an open file.
pub(crate) fn information(handle: &impl AsRawHandle) -> io::Result<BY_HANDLE_FILE_INFORMATION> {
    let mut told = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the structure is written to as a whole.
    let answer = unsafe { GetFileInformationByHandle(handle.as_raw_handle(), &raw mut told) };
    match answer {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(told),
    }
}

/// The handle as a file of the standard library.
pub(crate) fn file(handle: OwnedHandle) -> File {
    File::from(handle)
}
