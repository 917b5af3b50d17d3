//! Of a child on Windows. A pipe cannot be waited at with a limit, so a thread reads it and is left behind with it.

use std::io::{self, Read};
use std::os::windows::process::CommandExt as _;
use std::process::{ChildStdout, Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use super::{CHUNK, Ending, Heard};

/// Pieces read ahead: who does not listen stops the child, and our memory does not grow.
const AHEAD: usize = 4;
/// A child of a service has no window, and makes none appear on anybody's screen.
const CREATE_NO_WINDOW: u32 = 0x0800_0000;

/// This program, from the file it was started from: while it runs, nobody can write to that.
pub(super) fn command() -> io::Result<Command> {
    let program = std::env::current_exe()?;
    let mut command = Command::new(&program);
    command.env_clear().creation_flags(CREATE_NO_WINDOW);
    // Without it the system finds none of its own libraries for chance and sockets.
    if let Some(root) = std::env::var_os("SystemRoot") {
        command.current_dir(&root).env("SystemRoot", root);
    }
    Ok(command)
}

/// The end at which a child is heard.
#[derive(Debug)]
pub(super) struct Output(Receiver<io::Result<Vec<u8>>>);

impl Output {
    pub(super) fn of(output: ChildStdout) -> io::Result<Self> {
        let (tell, heard) = sync_channel(AHEAD);
        let thread = std::thread::Builder::new().name("groma-hears".to_owned());
        thread.spawn(move || pass_on(output, &tell))?;
        Ok(Self(heard))
    }

    pub(super) fn listen(&mut self, length: Duration) -> io::Result<Heard> {
        match self.0.recv_timeout(length) {
            Ok(Ok(bytes)) => Ok(Heard::Bytes(bytes)),
            Ok(Err(error)) => Err(error),
            Err(RecvTimeoutError::Timeout) => Ok(Heard::Nothing),
            Err(RecvTimeoutError::Disconnected) => Ok(Heard::End),
        }
    }
}

fn pass_on(mut output: ChildStdout, tell: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut bytes = vec![0; CHUNK];
        let piece = match output.read(&mut bytes) {
            Ok(0) => return,
            Ok(many) => {
                bytes.truncate(many);
                Ok(bytes)
            }
            Err(error) => Err(error),
        };
        let is_over = piece.is_err();
        if tell.send(piece).is_err() || is_over {
            return;
        }
    }
}

/// Here a process that a fault ended has the fault for its code (`0xC0000005`), and one that its job ended for its time
/// `ERROR_NOT_ENOUGH_QUOTA`: told as the signals that mean the same elsewhere.
pub(super) fn ending(status: ExitStatus) -> Ending {
    const SEGV: i32 = 11;
    const XCPU: i32 = 24;
    match status.code().map(i32::cast_unsigned) {
        None => Ending::Stuck,
        Some(1816) => Ending::Signal(XCPU),
        Some(code) if code >= 0xC000_0000 => Ending::Signal(SEGV),
        Some(code) => Ending::Code(code.cast_signed()),
    }
}

/// A process that was killed ends with a code like any other.
pub(super) fn of_killed(_: Ending) -> Ending {
    Ending::Signal(9)
}
