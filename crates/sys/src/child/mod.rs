//! A second process of this very program, spoken to over two pipes, and given up when it does not answer.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

use std::io::{self, Write};
use std::process::{ChildStdin, Stdio};
use std::time::{Duration, Instant};

/// How long a killed child is waited for. One that hangs in the kernel does not die, and is left behind.
const GRACE: Duration = Duration::from_secs(1);
const CHUNK: usize = 64 << 10;

/// A child of this program, which is this program.
#[derive(Debug)]
pub struct OwnChild {
    child: std::process::Child,
    input: Option<ChildStdin>,
    output: system::Output,
}

/// What came of listening to a child.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Heard {
    /// It said this.
    Bytes(Vec<u8>),
    /// Nothing within the time given.
    Nothing,
    /// It closed its end: it is done, or dead.
    End,
}

/// How a child came to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Not yet, although it was killed: it hangs in the kernel.
    Stuck,
}

impl OwnChild {
    /// Starts this program again, in the role `words` name. Never anything else: what is started is the
    /// file this process itself was started from, whatever stands at its path by now.
    ///
    /// It gets no environment, and its error output leads nowhere: what a parser says when it fails may
    /// quote what it read.
    pub fn start(words: &[&str]) -> io::Result<Self> {
        let mut child = system::command()?
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self {
            child,
            input,
            output: system::Output::of(output)?,
        })
    }

    /// Its number, while it lives.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Tells it something.
    pub fn tell(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.input {
            Some(input) => input.write_all(bytes).and_then(|()| input.flush()),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Asks it to come to an end: its input ends.
    pub fn ask_to_end(&mut self) {
        self.input = None;
    }

    /// Waits for what it says next, at most `length`.
    pub fn listen(&mut self, length: Duration) -> io::Result<Heard> {
        self.output.listen(length)
    }

    /// Ends it, kindly for `patience`, then not; and says how it ended. Returns in any case.
    pub fn end(mut self, patience: Duration) -> Ending {
        self.ask_to_end();
        if let Some(ending) = self.ended_within(patience) {
            return ending;
        }
        // It cannot be gone without our having waited for it, so the number is still its own.
        let _ = self.child.kill();
        let ended = self.ended_within(GRACE);
        ended.map_or(Ending::Stuck, system::of_killed)
    }

    fn ended_within(&mut self, length: Duration) -> Option<Ending> {
        let begin = Instant::now();
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(system::ending(status));
            }
            if begin.elapsed() >= length {
                return None;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
