//! Disks of this machine, asked without the right to read them.

use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{
    ERROR_FILE_NOT_FOUND, ERROR_PATH_NOT_FOUND, HANDLE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_SHARE_READ, FILE_SHARE_WRITE, OPEN_EXISTING,
};
use windows_sys::Win32::System::IO::DeviceIoControl;
use windows_sys::Win32::System::Ioctl::{
    IOCTL_DISK_GET_DRIVE_GEOMETRY_EX, IOCTL_STORAGE_QUERY_PROPERTY, PropertyStandardQuery,
    STORAGE_PROPERTY_QUERY, StorageDeviceProperty,
};

use super::tables::Held;
use super::{size_of_u32, wide};

/// Numbers of disks that are tried.
const DISKS_MAX: u32 = 256;
/// Bytes of one answer.
const ANSWER_MAX: usize = 4096;

/// A disk.
#[derive(Clone, Debug, Default)]
pub struct RawDisk {
    /// Its number: `PhysicalDrive0`.
    pub number: u32,
    /// What its driver says of it (`STORAGE_DEVICE_DESCRIPTOR`).
    pub descriptor: Vec<u8>,
    /// What its driver says of its size (`DISK_GEOMETRY_EX`).
    pub geometry: Vec<u8>,
}

/// The disks of this machine. Each is opened for no access at all, so nothing of it can be read or written, and its driver is
/// asked what it knows.
///
/// # Errors
/// What the system says where a disk is there and cannot be asked.
pub fn disks() -> io::Result<Vec<RawDisk>> {
    let mut found = Vec::new();
    for number in 0..DISKS_MAX {
        let Some(disk) = opened(number)? else {
            continue;
        };
        found.push(RawDisk {
            number,
            descriptor: descriptor(&disk).unwrap_or_default(),
            geometry: asked(&disk, IOCTL_DISK_GET_DRIVE_GEOMETRY_EX, None).unwrap_or_default(),
        });
    }
    Ok(found)
}

fn opened(number: u32) -> io::Result<Option<Held>> {
    let path = wide(&format!(r"\\.\PhysicalDrive{number}"));
    // SAFETY: the path ends with a zero; nothing else is passed.
    let handle: HANDLE = unsafe {
        CreateFileW(
            path.as_ptr(),
            0,
            FILE_SHARE_READ | FILE_SHARE_WRITE,
            null(),
            OPEN_EXISTING,
            0,
            null_mut(),
        )
    };
    if handle != INVALID_HANDLE_VALUE {
        return Ok(Some(Held(handle)));
    }
    let error = io::Error::last_os_error();
    let code = error.raw_os_error().map(i32::cast_unsigned);
    match code {
        Some(ERROR_FILE_NOT_FOUND | ERROR_PATH_NOT_FOUND) => Ok(None),
        _ => Err(error),
    }
}

fn descriptor(disk: &Held) -> Option<Vec<u8>> {
    let query = STORAGE_PROPERTY_QUERY {
        PropertyId: StorageDeviceProperty,
        QueryType: PropertyStandardQuery,
        ..STORAGE_PROPERTY_QUERY::default()
    };
    asked(disk, IOCTL_STORAGE_QUERY_PROPERTY, Some(&query))
}

fn asked(disk: &Held, what: u32, with: Option<&STORAGE_PROPERTY_QUERY>) -> Option<Vec<u8>> {
    let mut room = vec![0_u8; ANSWER_MAX];
    let size = u32::try_from(room.len()).unwrap_or(0);
    let mut length = 0;
    let passed = with.map_or(0, |_| size_of_u32::<STORAGE_PROPERTY_QUERY>());
    let query = with.map_or(null(), std::ptr::from_ref);
    // SAFETY: the query is as long as is said, or absent; the room is as large as is said; the call ends before it returns.
    let answer = unsafe {
        DeviceIoControl(
            disk.0,
            what,
            query.cast(),
            passed,
            room.as_mut_ptr().cast(),
            size,
            &raw mut length,
            null_mut(),
        )
    };
    room.truncate(usize::try_from(length).unwrap_or(0));
    (answer != 0).then_some(room)
}
