//! This program as a service: started by the service control manager, told to stop by it, and heard in the event log
//! ("Service Control Handler Function", "SERVICE_STATUS" of the Windows documentation).

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use groma_source::Stop;
use windows_sys::Win32::Foundation::{
    ERROR_CALL_NOT_IMPLEMENTED, ERROR_FAILED_SERVICE_CONTROLLER_CONNECT,
    ERROR_SERVICE_SPECIFIC_ERROR, NO_ERROR,
};
use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_WARNING_TYPE, RegisterEventSourceW, ReportEventW,
};
use windows_sys::Win32::System::Services::{
    RegisterServiceCtrlHandlerExW, SERVICE_ACCEPT_PRESHUTDOWN, SERVICE_ACCEPT_SHUTDOWN,
    SERVICE_ACCEPT_STOP, SERVICE_CONTROL_INTERROGATE, SERVICE_CONTROL_PRESHUTDOWN,
    SERVICE_CONTROL_SHUTDOWN, SERVICE_CONTROL_STOP, SERVICE_RUNNING, SERVICE_STATUS,
    SERVICE_STATUS_CURRENT_STATE, SERVICE_STOP_PENDING, SERVICE_STOPPED, SERVICE_TABLE_ENTRYW,
    SERVICE_WIN32_OWN_PROCESS, SetServiceStatus, StartServiceCtrlDispatcherW,
};

use super::wide;

/// How long the end of the service may take, in milliseconds.
pub(super) const STOP_MS: u32 = 30_000;
/// Bytes of a line in the event log: a text there is shorter than 31,839 units.
const LINE_BYTES_MAX: usize = 8192;
/// Our bug, as on the command line.
const BUG: u32 = 70;

/// How the body was run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ServedAs {
    /// As a service, which has ended.
    Service,
    /// Not at all: nobody but a person, or another program, has started this one.
    Nothing,
}

/// What is run as a service.
type Body = Box<dyn FnOnce(Stop) -> u32 + Send>;

static BODY: Mutex<Option<Body>> = Mutex::new(None);
static NAME: OnceLock<Vec<u16>> = OnceLock::new();
static STOP: OnceLock<Stop> = OnceLock::new();
/// The handle of the service's status, once there is one.
static STATUS: AtomicPtr<core::ffi::c_void> = AtomicPtr::new(null_mut());
/// How often an end that takes its time was told.
static CHECKPOINT: AtomicU32 = AtomicU32::new(0);

/// Runs `body` as the service `name`, if the service control manager has started this program for it, and returns when it has ended.
/// What it returns is told as the exit code of the service; 0 is none. Only once in a process.
///
/// # Errors
/// What the system says.
pub fn as_service(
    name: &str,
    body: impl FnOnce(Stop) -> u32 + Send + 'static,
) -> io::Result<ServedAs> {
    *BODY.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(body));
    let name = NAME.get_or_init(|| wide(name));
    let table = [
        SERVICE_TABLE_ENTRYW {
            lpServiceName: name.as_ptr().cast_mut(),
            lpServiceProc: Some(served),
        },
        SERVICE_TABLE_ENTRYW::default(),
    ];
    // SAFETY: the table ends with an empty row, and lives as long as the call, which returns when the service has ended.
    if unsafe { StartServiceCtrlDispatcherW(table.as_ptr()) } != 0 {
        return Ok(ServedAs::Service);
    }
    drop(BODY.lock().unwrap_or_else(PoisonError::into_inner).take());
    let error = io::Error::last_os_error();
    match error.raw_os_error().map(i32::cast_unsigned) {
        Some(ERROR_FAILED_SERVICE_CONTROLLER_CONNECT) => Ok(ServedAs::Nothing),
        _ => Err(error),
    }
}

/// Writes a line where people look for the words of a service: the log "Application". False where this is no service, or the log
/// does not take it.
pub fn told(line: &str) -> bool {
    let Some(name) = NAME
        .get()
        .filter(|_| !STATUS.load(Ordering::Acquire).is_null())
    else {
        return false;
    };
    let line = wide(
        &line
            .get(..line.floor_char_boundary(LINE_BYTES_MAX))
            .unwrap_or_default()
            .replace('\0', " "),
    );
    let lines = [line.as_ptr()];
    // SAFETY: every text ends with a zero and lives as long as the calls; the log is closed.
    unsafe {
        let log = RegisterEventSourceW(null(), name.as_ptr());
        if log.is_null() {
            return false;
        }
        let answer = ReportEventW(
            log,
            EVENTLOG_WARNING_TYPE,
            0,
            1,
            null_mut(),
            1,
            0,
            lines.as_ptr(),
            null(),
        );
        DeregisterEventSource(log);
        answer != 0
    }
}

/// Called on a thread of the system's own.
unsafe extern "system" fn served(_: u32, _: *mut *mut u16) {
    let body = BODY.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (Some(body), Some(name)) = (body, NAME.get()) else {
        return;
    };
    let stop = STOP.get_or_init(Stop::default).clone();
    // SAFETY: the name ends with a zero and lives as long as the program, as the handler does.
    let status = unsafe { RegisterServiceCtrlHandlerExW(name.as_ptr(), Some(controlled), null()) };
    STATUS.store(status, Ordering::Release);
    say(SERVICE_RUNNING, 0);
    let code = catch_unwind(AssertUnwindSafe(|| body(stop))).unwrap_or(BUG);
    say(SERVICE_STOPPED, code);
}

/// Called when the service is to do something.
unsafe extern "system" fn controlled(
    control: u32,
    _: u32,
    _: *mut core::ffi::c_void,
    _: *mut core::ffi::c_void,
) -> u32 {
    match control {
        SERVICE_CONTROL_STOP | SERVICE_CONTROL_SHUTDOWN | SERVICE_CONTROL_PRESHUTDOWN => {
            say(SERVICE_STOP_PENDING, 0);
            if let Some(stop) = STOP.get() {
                stop.ask();
            }
            NO_ERROR
        }
        SERVICE_CONTROL_INTERROGATE => NO_ERROR,
        _ => ERROR_CALL_NOT_IMPLEMENTED,
    }
}

/// Tells the manager how the service is.
fn say(state: SERVICE_STATUS_CURRENT_STATE, code: u32) {
    let is_ending = state == SERVICE_STOP_PENDING;
    let status = SERVICE_STATUS {
        dwServiceType: SERVICE_WIN32_OWN_PROCESS,
        dwCurrentState: state,
        dwControlsAccepted: match state {
            SERVICE_RUNNING => {
                SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN | SERVICE_ACCEPT_PRESHUTDOWN
            }
            _ => 0,
        },
        dwWin32ExitCode: match code {
            0 => NO_ERROR,
            _ => ERROR_SERVICE_SPECIFIC_ERROR,
        },
        dwServiceSpecificExitCode: code,
        dwCheckPoint: match is_ending {
            true => CHECKPOINT.fetch_add(1, Ordering::Relaxed).saturating_add(1),
            false => 0,
        },
        dwWaitHint: if is_ending { STOP_MS } else { 0 },
    };
    // SAFETY: the handle is the one the system gave for this service (a null one is refused), the structure is whole.
    unsafe { SetServiceStatus(STATUS.load(Ordering::Acquire), &raw const status) };
}
