//! Services of this machine, as the service control manager keeps them: one is put in, or taken out.

use std::io;
use std::ptr::{null, null_mut};
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::{
    ERROR_INVALID_LEVEL, ERROR_SERVICE_DOES_NOT_EXIST, ERROR_SERVICE_EXISTS,
    ERROR_SERVICE_MARKED_FOR_DELETE, ERROR_SERVICE_NOT_ACTIVE,
};
use windows_sys::Win32::Storage::FileSystem::DELETE;
use windows_sys::Win32::System::Services::{
    ChangeServiceConfig2W, ChangeServiceConfigW, CloseServiceHandle, ControlService,
    CreateServiceW, DeleteService, OpenSCManagerW, OpenServiceW, QueryServiceStatus, SC_ACTION,
    SC_ACTION_RESTART, SC_HANDLE, SC_MANAGER_CONNECT, SC_MANAGER_CREATE_SERVICE,
    SERVICE_ALL_ACCESS, SERVICE_AUTO_START, SERVICE_CONFIG, SERVICE_CONFIG_DELAYED_AUTO_START_INFO,
    SERVICE_CONFIG_DESCRIPTION, SERVICE_CONFIG_FAILURE_ACTIONS,
    SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, SERVICE_CONFIG_PRESHUTDOWN_INFO,
    SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, SERVICE_CONFIG_SERVICE_SID_INFO, SERVICE_CONTROL_STOP,
    SERVICE_DELAYED_AUTO_START_INFO, SERVICE_DESCRIPTIONW, SERVICE_ERROR_NORMAL,
    SERVICE_FAILURE_ACTIONS_FLAG, SERVICE_FAILURE_ACTIONSW, SERVICE_PRESHUTDOWN_INFO,
    SERVICE_QUERY_STATUS, SERVICE_REQUIRED_PRIVILEGES_INFOW, SERVICE_SID_INFO,
    SERVICE_SID_TYPE_UNRESTRICTED, SERVICE_STATUS, SERVICE_STOP, SERVICE_STOPPED,
    SERVICE_WIN32_OWN_PROCESS,
};

use super::service::STOP_MS;
use super::wide;

/// How long a service that is to be removed may take to stop.
const STOPS_WITHIN: Duration = Duration::from_secs(30);
const TICK: Duration = Duration::from_millis(250);
/// It comes back this long after it failed, in milliseconds.
const RESTART_MS: u32 = 60_000;
/// Failures are forgotten after a day without one, in seconds.
const FORGOTTEN_S: u32 = 86_400;

/// A service as it is to be.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// What it is called.
    pub name: &'a str,
    /// What people read in lists.
    pub title: &'a str,
    /// What it does, for people.
    pub description: &'a str,
    /// The whole command, its program in quotes.
    pub command: &'a str,
    /// The account it runs as; the system where none is named.
    pub account: Option<&'a str>,
    /// All privileges it keeps; where the list is empty, those of its account.
    pub privileges: &'a [&'a str],
}

/// What was done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Put {
    /// It is new.
    Created,
    /// It was there, and is now as it is to be.
    Changed,
}

/// Puts a service in, or makes the one of this name what it is to be. It starts with the machine, after what starts at once, and
/// comes back a minute after it failed. It is not started.
///
/// # Errors
/// What the system says.
pub fn put(wanted: &Wanted<'_>) -> io::Result<Put> {
    let all = manager(SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE)?;
    let (service, put) = match created(&all, wanted) {
        Err(error) if is(&error, ERROR_SERVICE_EXISTS) => {
            let service = opened(&all, wanted.name, SERVICE_ALL_ACCESS)?;
            changed(&service, wanted)?;
            (service, Put::Changed)
        }
        created => (created?, Put::Created),
    };
    let described = described(&service, wanted);
    // Half a service is none.
    if described.is_err() && put == Put::Created {
        // SAFETY: the handle is open.
        unsafe { DeleteService(service.0) };
    }
    described.map(|()| put)
}

/// Stops a service, waits until it has ended, and takes it out. False if there is none.
///
/// # Errors
/// `TimedOut` if it does not end within half a minute (it stays then); what the system says.
pub fn remove(name: &str) -> io::Result<bool> {
    let all = manager(SC_MANAGER_CONNECT)?;
    let rights = SERVICE_STOP | SERVICE_QUERY_STATUS | DELETE;
    let service = match opened(&all, name, rights) {
        Err(error) if is(&error, ERROR_SERVICE_DOES_NOT_EXIST) => return Ok(false),
        opened => opened?,
    };
    stop(&service)?;
    // SAFETY: the handle is open.
    match answered(unsafe { DeleteService(service.0) }) {
        Err(error) if is(&error, ERROR_SERVICE_MARKED_FOR_DELETE) => Ok(true),
        answer => answer.map(|()| true),
    }
}

/// A handle of the manager's, which is closed.
struct Open(SC_HANDLE);

impl Drop for Open {
    fn drop(&mut self) {
        // SAFETY: it is ours, and nobody else's.
        unsafe { CloseServiceHandle(self.0) };
    }
}

fn manager(rights: u32) -> io::Result<Open> {
    // SAFETY: this machine, and the services that are active.
    open(unsafe { OpenSCManagerW(null(), null(), rights) })
}

fn opened(all: &Open, name: &str, rights: u32) -> io::Result<Open> {
    let name = wide(name);
    // SAFETY: the handle is open, the text ends with a zero.
    open(unsafe { OpenServiceW(all.0, name.as_ptr(), rights) })
}

fn created(all: &Open, wanted: &Wanted<'_>) -> io::Result<Open> {
    let (name, title, command) = (wide(wanted.name), wide(wanted.title), wide(wanted.command));
    let account = wanted.account.map(wide);
    // SAFETY: the handle is open, each text ends with a zero and lives as long as the call.
    open(unsafe {
        CreateServiceW(
            all.0,
            name.as_ptr(),
            title.as_ptr(),
            SERVICE_ALL_ACCESS,
            SERVICE_WIN32_OWN_PROCESS,
            SERVICE_AUTO_START,
            SERVICE_ERROR_NORMAL,
            command.as_ptr(),
            null(),
            null_mut(),
            null(),
            account.as_ref().map_or(null(), |account| account.as_ptr()),
            null(),
        )
    })
}

fn changed(service: &Open, wanted: &Wanted<'_>) -> io::Result<()> {
    let (title, command) = (wide(wanted.title), wide(wanted.command));
    let account = wide(wanted.account.unwrap_or("LocalSystem"));
    // The system keeps the password of a managed account by itself; the others have an empty one.
    let empty = wide("");
    let password = match account.ends_with(&[u16::from(b'$'), 0]) {
        true => null(),
        false => empty.as_ptr(),
    };
    // SAFETY: the handle is open, each text ends with a zero and lives as long as the call.
    answered(unsafe {
        ChangeServiceConfigW(
            service.0,
            SERVICE_WIN32_OWN_PROCESS,
            SERVICE_AUTO_START,
            SERVICE_ERROR_NORMAL,
            command.as_ptr(),
            null(),
            null_mut(),
            null(),
            account.as_ptr(),
            password,
            title.as_ptr(),
        )
    })
}

/// What a service is besides its command.
fn described(service: &Open, wanted: &Wanted<'_>) -> io::Result<()> {
    let mut description = wide(wanted.description);
    let text = SERVICE_DESCRIPTIONW {
        lpDescription: description.as_mut_ptr(),
    };
    set(service, SERVICE_CONFIG_DESCRIPTION, &text)?;
    let late = SERVICE_DELAYED_AUTO_START_INFO {
        fDelayedAutostart: 1,
    };
    set(service, SERVICE_CONFIG_DELAYED_AUTO_START_INFO, &late)?;
    let mut again = [SC_ACTION {
        Type: SC_ACTION_RESTART,
        Delay: RESTART_MS,
    }; 3];
    let failures = SERVICE_FAILURE_ACTIONSW {
        dwResetPeriod: FORGOTTEN_S,
        lpRebootMsg: null_mut(),
        lpCommand: null_mut(),
        cActions: 3,
        lpsaActions: again.as_mut_ptr(),
    };
    set(service, SERVICE_CONFIG_FAILURE_ACTIONS, &failures)?;
    // An exit code of its own is a failure too, not a crash alone.
    let codes = SERVICE_FAILURE_ACTIONS_FLAG {
        fFailureActionsOnNonCrashFailures: 1,
    };
    set(service, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &codes)?;
    let sid = SERVICE_SID_INFO {
        dwServiceSidType: SERVICE_SID_TYPE_UNRESTRICTED,
    };
    set(service, SERVICE_CONFIG_SERVICE_SID_INFO, &sid)?;
    let end = SERVICE_PRESHUTDOWN_INFO {
        dwPreshutdownTimeout: STOP_MS,
    };
    set(service, SERVICE_CONFIG_PRESHUTDOWN_INFO, &end)?;
    let mut privileges = texts(wanted.privileges);
    let kept = SERVICE_REQUIRED_PRIVILEGES_INFOW {
        pmszRequiredPrivileges: privileges.as_mut_ptr(),
    };
    set(service, SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, &kept)
}

/// Texts with a zero each, and one behind the last.
fn texts(all: &[&str]) -> Vec<u16> {
    let mut whole: Vec<u16> = all.iter().flat_map(|text| wide(text)).collect();
    whole.extend([0, 0]);
    whole
}

fn set<T>(service: &Open, what: SERVICE_CONFIG, told: &T) -> io::Result<()> {
    // SAFETY: the handle is open; the structure is the one of this level, and what it points to lives in the caller.
    let answer = unsafe { ChangeServiceConfig2W(service.0, what, (&raw const *told).cast()) };
    match answered(answer) {
        // Every Windows since Vista knows all of these; Wine does not, and has nothing they would change.
        Err(error) if is(&error, ERROR_INVALID_LEVEL) => Ok(()),
        answer => answer,
    }
}

fn stop(service: &Open) -> io::Result<()> {
    let mut status = SERVICE_STATUS::default();
    // SAFETY: the handle is open, the structure is written to as a whole.
    let asked =
        answered(unsafe { ControlService(service.0, SERVICE_CONTROL_STOP, &raw mut status) });
    if asked
        .as_ref()
        .is_err_and(|error| is(error, ERROR_SERVICE_NOT_ACTIVE))
    {
        return Ok(());
    }
    let begin = Instant::now();
    loop {
        // SAFETY: as above.
        answered(unsafe { QueryServiceStatus(service.0, &raw mut status) })?;
        if status.dwCurrentState == SERVICE_STOPPED {
            return Ok(());
        }
        if begin.elapsed() >= STOPS_WITHIN {
            let why = io::Error::new(io::ErrorKind::TimedOut, "it does not end");
            return Err(asked.err().unwrap_or(why));
        }
        std::thread::sleep(TICK);
    }
}

fn open(handle: SC_HANDLE) -> io::Result<Open> {
    match handle.is_null() {
        true => Err(io::Error::last_os_error()),
        false => Ok(Open(handle)),
    }
}

fn answered(answer: i32) -> io::Result<()> {
    match answer {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error().map(i32::cast_unsigned) == Some(code)
}
