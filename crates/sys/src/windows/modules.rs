//! Which service of a process a socket belongs to.

use std::ffi::CStr;
use std::mem::transmute;
use std::sync::OnceLock;

use windows_sys::Win32::NetworkManagement::IpHelper::{
    TCPIP_OWNER_MODULE_BASIC_INFO, TCPIP_OWNER_MODULE_INFO_BASIC, TCPIP_OWNER_MODULE_INFO_CLASS,
};
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};

use super::tables::SocketTable;
use super::{text_at, wide};

/// Words of the largest row (`MIB_TCP6ROW_OWNER_MODULE`), and of an answer.
const ROW_WORDS: usize = 24;
const ANSWER_WORDS: usize = 512;

type Ask = unsafe extern "system" fn(
    *const core::ffi::c_void,
    TCPIP_OWNER_MODULE_INFO_CLASS,
    *mut core::ffi::c_void,
    *mut u32,
) -> u32;

/// The name of the module that a row of a table names as its owner: of a process that hosts several services, that of the service.
/// `None` where the system does not say, for a row of another length, and on a system without the call (Wine).
pub fn owner(table: SocketTable, row: &[u8]) -> Option<String> {
    let (name, length) = match table {
        SocketTable::Tcp4 => (c"GetOwnerModuleFromTcpEntry", 160),
        SocketTable::Tcp6 => (c"GetOwnerModuleFromTcp6Entry", 192),
        SocketTable::Udp4 => (c"GetOwnerModuleFromUdpEntry", 160),
        SocketTable::Udp6 => (c"GetOwnerModuleFromUdp6Entry", 176),
    };
    let call = call(table, name)?;
    let mut aligned = [0_u64; ROW_WORDS];
    let words = row.chunks_exact(8).filter(|_| row.len() == length);
    for (to, word) in aligned.iter_mut().zip(words) {
        *to = u64::from_ne_bytes(word.try_into().ok()?);
    }
    let mut answer = [0_u64; ANSWER_WORDS];
    let mut size = u32::try_from(size_of_val(&answer)).unwrap_or(0);
    // SAFETY: the row has the length and the alignment of its type; the room is as large as is said.
    let told = unsafe {
        call(
            aligned.as_ptr().cast(),
            TCPIP_OWNER_MODULE_INFO_BASIC,
            answer.as_mut_ptr().cast(),
            &raw mut size,
        )
    };
    if told != 0 {
        return None;
    }
    // SAFETY: the answer begins with two pointers to texts within it, each of which ends with a zero.
    let name = unsafe {
        let info = answer.as_ptr().cast::<TCPIP_OWNER_MODULE_BASIC_INFO>();
        text_at((*info).pModuleName)
    };
    Some(name).filter(|name| !name.is_empty())
}

/// The call, looked up once: a program that names it could not be started where there is none.
fn call(table: SocketTable, name: &CStr) -> Option<Ask> {
    static CALLS: [OnceLock<Option<Ask>>; 4] = [const { OnceLock::new() }; 4];
    let at = match table {
        SocketTable::Tcp4 => 0,
        SocketTable::Tcp6 => 1,
        SocketTable::Udp4 => 2,
        SocketTable::Udp6 => 3,
    };
    let found = CALLS.get(at)?;
    *found.get_or_init(|| {
        let library = wide("iphlpapi.dll");
        // SAFETY: both names end with a zero; the library stays loaded, as this program names other calls of it; the call
        // takes what its type says.
        unsafe {
            let library = GetModuleHandleW(library.as_ptr());
            let found = GetProcAddress(library, name.as_ptr().cast())?;
            Some(transmute::<unsafe extern "system" fn() -> isize, Ask>(
                found,
            ))
        }
    })
}
