//! Asking whoever sits at the terminal for a password: nothing shown, nothing kept, the terminal as it was afterwards.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = 1024;

/// How long somebody is waited for.
const PATIENCE: Duration = Duration::from_secs(180);

/// How long one wait for a key takes, before it is seen whether a signal came.
const SLICE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// Asks `question` at the terminal and returns the line that is typed, which is not shown. Call it before any thread is
/// started: signals are held back until the terminal is as it was.
///
/// # Errors
/// `NotFound` where standard input is no terminal: nobody is asked through a pipe. `Interrupted` after Ctrl-C, `TimedOut`
/// if nobody answers within three minutes, `UnexpectedEof` if the terminal is hung up or Ctrl-D is typed,
/// `InvalidData` for what is no UTF-8 or too long.
pub fn ask_hidden(question: &str) -> io::Result<String> {
    if !io::stdin().is_terminal() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "standard input is no terminal",
        ));
    }
    let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
    let held = signals::Held::all();
    let answer = ask(&mut terminal, question, &|| held.came());
    // The terminal is as it was: whoever wanted this program to end is heard now.
    drop(held);
    answer
}

/// The same at `terminal`, as long as `stop` does not say otherwise.
fn ask(terminal: &mut File, question: &str, stop: &dyn Fn() -> bool) -> io::Result<String> {
    let quiet = Quiet::make(terminal)?;
    terminal.write_all(question.as_bytes())?;
    let answer = line(terminal, &quiet.before, stop);
    let ended = terminal.write_all(b"\n");
    drop(quiet);
    let answer = answer?;
    ended?;
    String::from_utf8(answer)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the answer is not UTF-8"))
}

/// A terminal that shows nothing and hands out each key, until this is dropped.
struct Quiet {
    terminal: File,
    before: Termios,
}

impl Quiet {
    fn make(terminal: &File) -> io::Result<Self> {
        let terminal = terminal.try_clone()?;
        let before = tcgetattr(&terminal)?;
        let mut quiet = before.clone();
        // Keys that would end or stop the program come as bytes: it must never end with a terminal that shows nothing.
        quiet.local_modes -=
            LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
        // What was typed before the question is no answer to it.
        tcsetattr(&terminal, OptionalActions::Flush, &quiet)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}

fn line(terminal: &mut File, keys: &Termios, stop: &dyn Fn() -> bool) -> io::Result<Vec<u8>> {
    let no = |kind, why: &str| Err(io::Error::new(kind, why.to_owned()));
    let of = |index| keys.special_codes[index];
    let began = Instant::now();
    let mut answer = Vec::new();
    loop {
        if stop() {
            return no(io::ErrorKind::Interrupted, "told to stop");
        }
        if began.elapsed() > PATIENCE {
            return no(io::ErrorKind::TimedOut, "nobody answered");
        }
        if !is_ready(terminal)? {
            continue;
        }
        let mut key = [0];
        if terminal.read(&mut key)? == 0 {
            return no(io::ErrorKind::UnexpectedEof, "the terminal was hung up");
        }
        match key[0] {
            b'\n' | b'\r' => return Ok(answer),
            0 => {}
            key if key == of(SpecialCodeIndex::VINTR) || key == of(SpecialCodeIndex::VQUIT) => {
                return no(io::ErrorKind::Interrupted, "interrupted");
            }
            key if key == of(SpecialCodeIndex::VEOF) => {
                return no(io::ErrorKind::UnexpectedEof, "nothing was typed");
            }
            key if key == of(SpecialCodeIndex::VKILL) => answer.clear(),
            key if key == of(SpecialCodeIndex::VERASE) || key == 8 => rub_out(&mut answer),
            key if answer.len() < ANSWER_BYTES_MAX => answer.push(key),
            _ => return no(io::ErrorKind::InvalidData, "the answer is too long"),
        }
    }
}

fn is_ready(terminal: &File) -> io::Result<bool> {
    let mut waits = [PollFd::new(terminal, PollFlags::IN)];
    match rustix::event::poll(&mut waits, Some(&SLICE)) {
        Ok(count) => Ok(count > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Takes back one character, which may be several bytes.
fn rub_out(answer: &mut Vec<u8>) {
    while answer.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
}

/// Signals that would end the program, held back.
#[allow(unsafe_code, reason = "the mask of signals has no safe wrapper here")]
mod signals {
    use std::mem::MaybeUninit;

    const ENDING: [libc::c_int; 5] = [
        libc::SIGINT,
        libc::SIGTERM,
        libc::SIGHUP,
        libc::SIGQUIT,
        libc::SIGTSTP,
    ];

    /// The mask as it was, restored when this is dropped; what came meanwhile comes then.
    pub(super) struct Held(libc::sigset_t);

    impl Held {
        pub(super) fn all() -> Self {
            // SAFETY: both sets are made by the calls that fill them before anything reads them.
            unsafe {
                let mut ending = MaybeUninit::<libc::sigset_t>::uninit();
                let mut before = MaybeUninit::<libc::sigset_t>::uninit();
                libc::sigemptyset(ending.as_mut_ptr());
                libc::sigemptyset(before.as_mut_ptr());
                for signal in ENDING {
                    libc::sigaddset(ending.as_mut_ptr(), signal);
                }
                libc::pthread_sigmask(libc::SIG_BLOCK, ending.as_ptr(), before.as_mut_ptr());
                Self(before.assume_init())
            }
        }

        /// True if one of them waits.
        pub(super) fn came(&self) -> bool {
            // SAFETY: the set is made by the call before anything reads it.
            unsafe {
                let mut waiting = MaybeUninit::<libc::sigset_t>::uninit();
                libc::sigemptyset(waiting.as_mut_ptr());
                libc::sigpending(waiting.as_mut_ptr());
                let waiting = waiting.assume_init();
                ENDING
                    .iter()
                    .any(|signal| libc::sigismember(&raw const waiting, *signal) == 1)
            }
        }
    }

    impl Drop for Held {
        fn drop(&mut self) {
            // SAFETY: the set was filled by `pthread_sigmask`.
            unsafe {
                libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_taken_back_whole() {
        let mut answer = "aü€".as_bytes().to_vec();
        rub_out(&mut answer);
        assert_eq!(answer, "aü".as_bytes());
        rub_out(&mut answer);
        rub_out(&mut answer);
        rub_out(&mut answer);
        assert!(answer.is_empty());
    }
}
