//! What a child on Windows can still do: a job object bounds it and lets it start nothing, its token loses every privilege it
//! has no use for, and one that reads files alone may write nowhere (its integrity is low).

#![allow(
    unsafe_code,
    reason = "jobs, tokens and mitigation policies have no safe wrapper here"
)]

use std::io;
use std::ptr::null;

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE, LUID};
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, CreateWellKnownSid, GetLengthSid, GetTokenInformation,
    LUID_AND_ATTRIBUTES, LookupPrivilegeValueW, SE_PRIVILEGE_ENABLED, SE_PRIVILEGE_REMOVED,
    SECURITY_MAX_SID_SIZE, SID_AND_ATTRIBUTES, SetTokenInformation, TOKEN_ADJUST_DEFAULT,
    TOKEN_ADJUST_PRIVILEGES, TOKEN_MANDATORY_LABEL, TOKEN_PRIVILEGES, TOKEN_QUERY,
    TokenIntegrityLevel, TokenPrivileges, WinLowLabelSid,
};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_ACTIVE_PROCESS,
    JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION, JOB_OBJECT_LIMIT_PROCESS_MEMORY,
    JOB_OBJECT_LIMIT_PROCESS_TIME, JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
    JobObjectExtendedLimitInformation, SetInformationJobObject,
};
use windows_sys::Win32::System::SystemServices::SE_GROUP_INTEGRITY;
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, OpenProcessToken, PROCESS_MITIGATION_POLICY, ProcessDynamicCodePolicy,
    ProcessExtensionPointDisablePolicy, ProcessImageLoadPolicy, SetProcessMitigationPolicy,
};

use super::{Confinement, Sight};
use crate::windows::{size_of_u32, wide};

/// Gives up, for this process and for good, everything `confinement` does not name. Returns what this system could not be asked
/// for, in a few words each.
pub fn confine(confinement: &Confinement) -> Vec<&'static str> {
    confine_having(confinement, || ()).1
}

/// The same, for who needs something that takes a right to open and none to use.
pub fn confine_having<T>(
    confinement: &Confinement,
    open: impl FnOnce() -> T,
) -> (T, Vec<&'static str>) {
    let opened = open();
    let mut steps: Vec<(&'static str, io::Result<()>)> = vec![
        (
            "limits of memory, time and processes (job object)",
            limit(confinement),
        ),
        (
            "no code made at run time (mitigation policy, Windows 8.1)",
            forbid(ProcessDynamicCodePolicy, PROHIBIT_DYNAMIC_CODE),
        ),
        (
            "no libraries of other machines (mitigation policy, Windows 10)",
            forbid(ProcessImageLoadPolicy, NO_REMOTE_OR_LOW_IMAGES),
        ),
        (
            "no extension points (mitigation policy, Windows 8)",
            forbid(ProcessExtensionPointDisablePolicy, DISABLE_EXTENSION_POINTS),
        ),
        (
            "few privileges (token)",
            keep_privileges(kept(confinement.sight)),
        ),
    ];
    let had_backup = has_backup();
    if confinement.sight == Sight::Files {
        steps.push(("no writing (low integrity)", lower_integrity()));
    }
    let lacking = steps
        .into_iter()
        .filter_map(|(what, done)| done.is_err().then_some(what));
    let mut lacking: Vec<_> = lacking.collect();
    if had_backup && !has_backup() {
        lacking.push(
            "reading past access lists at low integrity: files whose owners let nobody in are gaps",
        );
    }
    (opened, lacking)
}

/// `ProhibitDynamicCode` of PROCESS_MITIGATION_DYNAMIC_CODE_POLICY.
const PROHIBIT_DYNAMIC_CODE: u32 = 1;
/// `NoRemoteImages`, `NoLowMandatoryLabelImages`, `PreferSystem32Images` of PROCESS_MITIGATION_IMAGE_LOAD_POLICY.
const NO_REMOTE_OR_LOW_IMAGES: u32 = 0b111;
/// `DisableExtensionPoints` of PROCESS_MITIGATION_EXTENSION_POINT_DISABLE_POLICY.
const DISABLE_EXTENSION_POINTS: u32 = 1;

/// A reader of files may pass over their access lists to read them; whoever asks the system for its tables may ask about
/// processes of others, too.
fn kept(sight: Sight) -> &'static [&'static str] {
    match sight {
        Sight::Files => &["SeChangeNotifyPrivilege", "SeBackupPrivilege"],
        Sight::Filter => &["SeChangeNotifyPrivilege"],
        Sight::Processes | Sight::Events => &[
            "SeChangeNotifyPrivilege",
            "SeBackupPrivilege",
            "SeDebugPrivilege",
        ],
    }
}

fn limit(confinement: &Confinement) -> io::Result<()> {
    let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_ACTIVE_PROCESS
        | JOB_OBJECT_LIMIT_PROCESS_MEMORY
        | JOB_OBJECT_LIMIT_PROCESS_TIME
        | JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION;
    limits.BasicLimitInformation.ActiveProcessLimit = 1;
    // In units of 100 ns.
    let time = confinement.processor_seconds_max.saturating_mul(10_000_000);
    limits.BasicLimitInformation.PerProcessUserTimeLimit = i64::try_from(time).unwrap_or(i64::MAX);
    limits.ProcessMemoryLimit = usize::try_from(confinement.memory_bytes_max).unwrap_or(usize::MAX);
    // SAFETY: no name and no attributes; the handle is ours, and stays open as long as the process does: with it the job would
    // lose nothing, but nobody could ask it.
    let job = unsafe { CreateJobObjectW(null(), null()) };
    if job.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the structure lives as long as the call, and its size is its own.
    let set = unsafe {
        SetInformationJobObject(
            job,
            JobObjectExtendedLimitInformation,
            (&raw const limits).cast(),
            size_of_u32::<JOBOBJECT_EXTENDED_LIMIT_INFORMATION>(),
        )
    };
    done(set)?;
    // SAFETY: both are handles of this process.
    done(unsafe { AssignProcessToJobObject(job, GetCurrentProcess()) })
}

fn forbid(policy: PROCESS_MITIGATION_POLICY, flags: u32) -> io::Result<()> {
    // SAFETY: each of these policies is one word of flags.
    done(unsafe { SetProcessMitigationPolicy(policy, (&raw const flags).cast(), size_of::<u32>()) })
}

/// Removes every privilege of this process but those named, which are switched on where it has them.
fn keep_privileges(names: &[&str]) -> io::Result<()> {
    let token = Token::own()?;
    let kept: Vec<LUID> = names.iter().filter_map(|name| number_of(name)).collect();
    for mut privilege in token.privileges()? {
        let is_kept = kept.iter().any(|luid| {
            (luid.LowPart, luid.HighPart) == (privilege.Luid.LowPart, privilege.Luid.HighPart)
        });
        privilege.Attributes = match is_kept {
            true => SE_PRIVILEGE_ENABLED,
            false => SE_PRIVILEGE_REMOVED,
        };
        token.adjust(privilege)?;
    }
    Ok(())
}

/// True if this process may read past access lists, now.
fn has_backup() -> bool {
    let Some(backup) = number_of("SeBackupPrivilege") else {
        return false;
    };
    let all = Token::own().and_then(|token| token.privileges());
    let is_on = |privilege: &LUID_AND_ATTRIBUTES| {
        (privilege.Luid.LowPart, privilege.Luid.HighPart) == (backup.LowPart, backup.HighPart)
            && privilege.Attributes & SE_PRIVILEGE_ENABLED != 0
    };
    all.is_ok_and(|all| all.iter().any(is_on))
}

fn number_of(privilege: &str) -> Option<LUID> {
    let mut luid = LUID::default();
    let name = wide(privilege);
    // SAFETY: the name ends with a zero, and the number is written to where one is.
    let found = unsafe { LookupPrivilegeValueW(null(), name.as_ptr(), &raw mut luid) };
    (found != 0).then_some(luid)
}

fn lower_integrity() -> io::Result<()> {
    let mut sid = [0_u64; (SECURITY_MAX_SID_SIZE as usize).div_ceil(8)];
    let mut length = SECURITY_MAX_SID_SIZE;
    let sid = (&raw mut sid).cast();
    // SAFETY: the room is as large as the largest SID.
    done(unsafe {
        CreateWellKnownSid(WinLowLabelSid, std::ptr::null_mut(), sid, &raw mut length)
    })?;
    let label = TOKEN_MANDATORY_LABEL {
        Label: SID_AND_ATTRIBUTES {
            Sid: sid,
            Attributes: SE_GROUP_INTEGRITY.cast_unsigned(),
        },
    };
    let token = Token::own()?;
    // SAFETY: the label and the SID it points at live as long as the call.
    done(unsafe {
        SetTokenInformation(
            token.0,
            TokenIntegrityLevel,
            (&raw const label).cast(),
            size_of_u32::<TOKEN_MANDATORY_LABEL>().saturating_add(GetLengthSid(sid)),
        )
    })
}

/// The token of this process.
struct Token(HANDLE);

impl Token {
    fn own() -> io::Result<Self> {
        let mut token = std::ptr::null_mut();
        let rights = TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES | TOKEN_ADJUST_DEFAULT;
        // SAFETY: the handle is written to where one is.
        done(unsafe { OpenProcessToken(GetCurrentProcess(), rights, &raw mut token) })?;
        Ok(Self(token))
    }

    fn privileges(&self) -> io::Result<Vec<LUID_AND_ATTRIBUTES>> {
        let mut room = vec![0_u64; 512];
        let mut length = 0;
        let size = u32::try_from(room.len() * 8).unwrap_or(0);
        // SAFETY: the room is as large as the size says, and aligned for what is written.
        done(unsafe {
            GetTokenInformation(
                self.0,
                TokenPrivileges,
                room.as_mut_ptr().cast(),
                size,
                &raw mut length,
            )
        })?;
        let told = room.as_ptr().cast::<TOKEN_PRIVILEGES>();
        // SAFETY: the call has written a count and so many privileges behind it.
        let all = unsafe {
            let many = usize::try_from((*told).PrivilegeCount).unwrap_or(0).min(64);
            std::slice::from_raw_parts((&raw const (*told).Privileges).cast(), many)
        };
        Ok(all.to_vec())
    }

    fn adjust(&self, privilege: LUID_AND_ATTRIBUTES) -> io::Result<()> {
        let wish = TOKEN_PRIVILEGES {
            PrivilegeCount: 1,
            Privileges: [privilege],
        };
        // SAFETY: the wish lives as long as the call, and nothing is asked back.
        done(unsafe {
            AdjustTokenPrivileges(
                self.0,
                0,
                &raw const wish,
                0,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
            )
        })
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        // SAFETY: it is ours, and nobody else's.
        unsafe { CloseHandle(self.0) };
    }
}

fn done(answer: i32) -> io::Result<()> {
    match answer {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
