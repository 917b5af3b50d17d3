//! Whoever sits at the console: asked for a password that is not shown, and heard when the program is to stop.

use std::io::{self, Read as _, Write as _};
use std::os::windows::io::AsRawHandle;
use std::sync::OnceLock;
use std::time::Duration;

use groma_source::Stop;
use windows_sys::Win32::System::Console::{
    CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT, ENABLE_ECHO_INPUT, ENABLE_LINE_INPUT,
    ENABLE_PROCESSED_INPUT, GetConsoleMode, ReadConsoleW, SetConsoleCtrlHandler, SetConsoleMode,
};

/// UTF-16 units of an answer.
const ANSWER_UNITS_MAX: usize = 1024;

/// The system waits five seconds for a program whose window is closed.
const GRACE: Duration = Duration::from_millis(4_500);

static STOP: OnceLock<Stop> = OnceLock::new();

/// From now on Ctrl-C, Ctrl-Break, a closed window and the end of the session ask for `stop`; a second one ends the program.
pub fn stop_on_signals(stop: &Stop) {
    if STOP.set(stop.clone()).is_ok() {
        // SAFETY: the handler lives as long as the program.
        unsafe { SetConsoleCtrlHandler(Some(told), 1) };
    }
}

/// Called on a thread of the system's own.
unsafe extern "system" fn told(event: u32) -> i32 {
    let Some(stop) = STOP.get() else { return 0 };
    if event == CTRL_LOGOFF_EVENT {
        // Somebody else's session: a service is told of each.
        return 1;
    }
    if stop.is_asked() && !matches!(event, CTRL_CLOSE_EVENT | CTRL_SHUTDOWN_EVENT) {
        return 0;
    }
    stop.ask();
    if matches!(event, CTRL_CLOSE_EVENT | CTRL_SHUTDOWN_EVENT) {
        // When this returns the program ends: what was seen is to be kept before.
        std::thread::sleep(GRACE);
    }
    1
}

/// Asks `question` at the console and returns the line that is typed, which is not shown.
///
/// # Errors
/// `NotFound` where standard input is no console; `UnexpectedEof` if nothing is typed; `InvalidData` for what is too long or
/// no Unicode.
pub fn ask_hidden(question: &str) -> io::Result<String> {
    let quiet = Quiet::make()?;
    let mut shown = io::stderr();
    shown.write_all(question.as_bytes())?;
    let answer = quiet.line();
    drop(quiet);
    shown.write_all(b"\r\n")?;
    answer
}

/// A console that shows nothing, until this is dropped.
struct Quiet {
    input: io::Stdin,
    before: u32,
}

impl Quiet {
    fn make() -> io::Result<Self> {
        let input = io::stdin();
        let mut before = 0;
        // SAFETY: the mode is written to where one is.
        if unsafe { GetConsoleMode(input.as_raw_handle(), &raw mut before) } == 0 {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "standard input is no terminal",
            ));
        }
        let quiet = (before | ENABLE_LINE_INPUT | ENABLE_PROCESSED_INPUT) & !ENABLE_ECHO_INPUT;
        // SAFETY: a handle and a number.
        match unsafe { SetConsoleMode(input.as_raw_handle(), quiet) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(Self { input, before }),
        }
    }

    fn line(&self) -> io::Result<String> {
        let mut units = vec![0_u16; ANSWER_UNITS_MAX];
        let mut many = 0;
        // SAFETY: the room is as long as is said, and no control is passed.
        let answer = unsafe {
            ReadConsoleW(
                self.input.as_raw_handle(),
                units.as_mut_ptr().cast(),
                u32::try_from(ANSWER_UNITS_MAX).unwrap_or(0),
                &raw mut many,
                std::ptr::null(),
            )
        };
        if answer == 0 {
            return Err(io::Error::last_os_error());
        }
        units.truncate(usize::try_from(many).unwrap_or(0));
        let text = String::from_utf16(&units)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the answer is no Unicode"))?;
        match text.strip_suffix('\n') {
            Some(line) => Ok(line.trim_end_matches('\r').to_owned()),
            None if text.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
            None => {
                // The rest of the line is no answer to the next question.
                let _ = self.input.lock().read(&mut [0; 4096]);
                let why = "the answer is too long";
                Err(io::Error::new(io::ErrorKind::InvalidData, why))
            }
        }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // SAFETY: a handle and a number.
        unsafe { SetConsoleMode(self.input.as_raw_handle(), self.before) };
    }
}
