//! The command line of a process, as the kernel keeps it.

use windows_sys::Wdk::System::Threading::{NtQueryInformationProcess, PROCESSINFOCLASS};
use windows_sys::Win32::Foundation::{HANDLE, UNICODE_STRING};

/// `ProcessCommandLineInformation` (Windows 8.1).
const COMMAND_LINE: PROCESSINFOCLASS = 60;
/// Bytes of a command line, and of what stands before it.
const BYTES_MAX: usize = (64 << 10) + 64;

/// The command line of a process that was opened with the least rights.
pub(crate) fn of_process(process: HANDLE) -> Option<String> {
    let mut room = vec![0_u64; BYTES_MAX / 8];
    let mut length = 0;
    let size = u32::try_from(BYTES_MAX).unwrap_or(0);
    // SAFETY: the room is as large as is said and aligned for what is written.
    let answer = unsafe {
        NtQueryInformationProcess(
            process,
            COMMAND_LINE,
            room.as_mut_ptr().cast(),
            size,
            &raw mut length,
        )
    };
    if answer != 0 {
        return None;
    }
    // SAFETY: the call has written this structure at the begin of the room, and its text behind it in the same room.
    let units = unsafe {
        let told = &*room.as_ptr().cast::<UNICODE_STRING>();
        let many = usize::from(told.Length) / 2;
        let begin = room.as_ptr().cast::<u16>();
        let end = begin.add(BYTES_MAX / 2);
        let fits =
            told.Buffer.cast_const() >= begin && told.Buffer.cast_const().wrapping_add(many) <= end;
        if !fits {
            return None;
        }
        std::slice::from_raw_parts(told.Buffer, many)
    };
    Some(String::from_utf16_lossy(units))
}
