//! Accounts: who we are, who is known here, and what a SID is called.

use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE, LocalFree};
use windows_sys::Win32::NetworkManagement::NetManagement::{
    FILTER_NORMAL_ACCOUNT, NERR_Success, NetApiBufferFree, NetUserEnum, NetUserGetInfo,
    UF_ACCOUNTDISABLE, USER_INFO_0, USER_INFO_1, USER_INFO_23,
};
use windows_sys::Win32::Security::Authorization::ConvertStringSidToSidW;
use windows_sys::Win32::Security::{
    CheckTokenMembership, CreateWellKnownSid, GetTokenInformation, LookupAccountSidW, PSID,
    SECURITY_MAX_SID_SIZE, TOKEN_QUERY, TOKEN_USER, TokenUser, WinBuiltinAdministratorsSid,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use super::owner::{NOBODY, sid_text};
use super::{text_at, wide};

/// Accounts that are told: a domain controller has those of the whole domain.
const USERS_MAX: usize = 1024;

/// The SID of the account this program runs as.
pub fn own_sid() -> Option<String> {
    // SAFETY: the handle of this process needs no closing.
    sid_of_process(unsafe { GetCurrentProcess() })
}

/// The SID of the account a process runs as.
pub(crate) fn sid_of_process(process: HANDLE) -> Option<String> {
    let mut token = null_mut();
    // SAFETY: the token is written to where a handle is.
    if unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token) } == 0 {
        return None;
    }
    let mut room = [0_u64; 32];
    let mut length = 0;
    let size = u32::try_from(size_of_val(&room)).unwrap_or(0);
    // SAFETY: the room is as large as is said and aligned for the structure; the SID points into it.
    let sid = unsafe {
        let answer = GetTokenInformation(
            token,
            TokenUser,
            room.as_mut_ptr().cast(),
            size,
            &raw mut length,
        );
        CloseHandle(token);
        (answer != 0).then(|| (*room.as_ptr().cast::<TOKEN_USER>()).User.Sid)
    };
    sid.and_then(sid_text)
}

/// True if this program has the rights of an administrator.
pub fn is_administrator() -> bool {
    let mut sid = [0_u64; (SECURITY_MAX_SID_SIZE as usize).div_ceil(8)];
    let mut length = SECURITY_MAX_SID_SIZE;
    let sid: PSID = (&raw mut sid).cast();
    let mut is_member = 0;
    // SAFETY: the room is as large as the largest SID; the answer is written to where a number is.
    unsafe {
        CreateWellKnownSid(
            WinBuiltinAdministratorsSid,
            null_mut(),
            sid,
            &raw mut length,
        ) != 0
            && CheckTokenMembership(null_mut(), sid, &raw mut is_member) != 0
            && is_member != 0
    }
}

/// What a SID is called, as `DOMAIN\name`. The security authority of this machine may ask a domain controller.
pub fn name_of(sid: &str) -> Option<String> {
    let text = wide(sid);
    let mut made: PSID = null_mut();
    // SAFETY: the text ends with a zero; the SID is written to where a pointer is.
    if unsafe { ConvertStringSidToSidW(text.as_ptr(), &raw mut made) } == 0 {
        return None;
    }
    let (mut name, mut domain) = ([0_u16; 257], [0_u16; 257]);
    let (mut of_name, mut of_domain) = (256, 256);
    let mut kind = 0;
    // SAFETY: both rooms are longer than is said, so a zero ends each.
    let (answer, name, domain) = unsafe {
        let answer = LookupAccountSidW(
            null(),
            made,
            name.as_mut_ptr(),
            &raw mut of_name,
            domain.as_mut_ptr(),
            &raw mut of_domain,
            &raw mut kind,
        );
        LocalFree(made);
        (answer, text_at(name.as_ptr()), text_at(domain.as_ptr()))
    };
    match (answer, domain.is_empty()) {
        (0, _) => None,
        (_, true) => Some(name),
        (_, false) => Some(format!(r"{domain}\{name}")),
    }
}

/// A local account.
#[derive(Clone, Debug)]
pub struct LocalUser {
    /// Its name.
    pub name: String,
    /// Its SID.
    pub sid: String,
    /// True if it is switched off.
    pub disabled: bool,
    /// Its home directory, where one is set.
    pub home: String,
}

/// The accounts of this machine.
///
/// # Errors
/// What the system says.
pub fn local_users() -> io::Result<Vec<LocalUser>> {
    let mut rows: *mut u8 = null_mut();
    let (mut many, mut all) = (0, 0);
    // SAFETY: the rows are written to where a pointer is, and handed back below.
    let answer = unsafe {
        NetUserEnum(
            NOBODY,
            0,
            FILTER_NORMAL_ACCOUNT,
            &raw mut rows,
            64 << 10,
            &raw mut many,
            &raw mut all,
            null_mut(),
        )
    };
    let lent = Lent(rows);
    // More than fits in the room is left out: it is a domain's, not this machine's.
    if answer != NERR_Success && lent.0.is_null() {
        return Err(io::Error::from_raw_os_error(answer.cast_signed()));
    }
    if lent.0.is_null() {
        return Ok(Vec::new());
    }
    let many = usize::try_from(many).unwrap_or(0).min(USERS_MAX);
    // SAFETY: the call has written so many rows.
    let rows = unsafe { std::slice::from_raw_parts(lent.0.cast::<USER_INFO_0>(), many) };
    // SAFETY: each row holds a text that ends with a zero.
    let names = rows.iter().map(|row| unsafe { text_at(row.usri0_name) });
    Ok(names.filter_map(|name| user(&name)).collect())
}

fn user(name: &str) -> Option<LocalUser> {
    let told = asked(name, 23)?;
    let more = asked(name, 1);
    // SAFETY: level 23 is written as this structure, whose pointers lead into the same memory.
    let (sid, flags) = unsafe {
        let told = &*told.0.cast::<USER_INFO_23>();
        (sid_text(told.usri23_user_sid)?, told.usri23_flags)
    };
    // SAFETY: level 1 is written as this structure, whose texts end with a zero.
    let home = more.map(|more| unsafe { text_at((*more.0.cast::<USER_INFO_1>()).usri1_home_dir) });
    Some(LocalUser {
        name: name.to_owned(),
        sid,
        disabled: flags & UF_ACCOUNTDISABLE != 0,
        home: home.unwrap_or_default(),
    })
}

fn asked(name: &str, level: u32) -> Option<Lent> {
    let mut told: *mut u8 = null_mut();
    let name = wide(name);
    // SAFETY: the name ends with a zero; the answer is written to where a pointer is.
    let answer = unsafe { NetUserGetInfo(NOBODY, name.as_ptr(), level, &raw mut told) };
    let lent = Lent(told);
    (answer == NERR_Success && !told.is_null()).then_some(lent)
}

/// Memory of the network interface.
pub(crate) struct Lent(pub(crate) *mut u8);

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: a call has taken it and handed it over.
            unsafe { NetApiBufferFree(self.0.cast()) };
        }
    }
}
