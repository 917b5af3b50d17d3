//! What this process holds itself to from its first moment on.

use std::io;
use std::os::windows::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr::null_mut;

use windows_sys::Win32::Storage::FileSystem::GetDiskFreeSpaceExW;
use windows_sys::Win32::System::Diagnostics::Debug::{
    SEM_FAILCRITICALERRORS, SEM_NOGPFAULTERRORBOX, SEM_NOOPENFILEERRORBOX, SetErrorMode,
};
use windows_sys::Win32::System::LibraryLoader::{
    LOAD_LIBRARY_SEARCH_SYSTEM32, SetDefaultDllDirectories,
};
use windows_sys::Win32::System::Threading::{
    BELOW_NORMAL_PRIORITY_CLASS, GetCurrentProcess, SetPriorityClass,
};

/// To be called before anything else: libraries come from the system's own folder alone, so that none that somebody laid beside the
/// program is loaded, and no fault and no missing disc makes a window wait for a person.
pub fn begin() {
    // SAFETY: numbers alone.
    unsafe {
        SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32);
        SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
    }
}

/// From now on this process, and every one it starts, gets the processor behind what works here.
pub fn be_modest() {
    // SAFETY: a handle of this process and a number.
    unsafe { SetPriorityClass(GetCurrentProcess(), BELOW_NORMAL_PRIORITY_CLASS) };
}

/// Bytes of the drive at `path`, and those a program without special rights may still fill.
///
/// # Errors
/// The path is not there, or its drive does not answer.
pub fn space_at(path: &Path) -> io::Result<(u64, u64)> {
    let text: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
    let (mut free, mut all) = (0, 0);
    // SAFETY: the text ends with a zero, and both numbers are written to where numbers are.
    let answer =
        unsafe { GetDiskFreeSpaceExW(text.as_ptr(), &raw mut free, &raw mut all, null_mut()) };
    match answer {
        0 => Err(io::Error::last_os_error()),
        _ => Ok((all, free)),
    }
}
