//! Of a child on Unix.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ChildStdout, Command, ExitStatus};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};

use super::{CHUNK, Ending, Heard};

/// This program, whatever stands at its path by now.
pub(super) fn command() -> io::Result<Command> {
    let mut command = Command::new("/proc/self/exe");
    command.env_clear().current_dir("/");
    Ok(command)
}

/// The end at which a child is heard.
#[derive(Debug)]
pub(super) struct Output(ChildStdout);

impl Output {
    pub(super) fn of(output: ChildStdout) -> io::Result<Self> {
        Ok(Self(output))
    }

    pub(super) fn listen(&mut self, length: Duration) -> io::Result<Heard> {
        let length = Timespec::try_from(length).map_err(io::Error::other)?;
        let mut asked = [PollFd::from_borrowed_fd(self.0.as_fd(), PollFlags::IN)];
        match rustix::event::poll(&mut asked, Some(&length)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(Heard::Nothing),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let mut bytes = vec![0; CHUNK];
        let many = self.0.read(&mut bytes)?;
        bytes.truncate(many);
        Ok(match many {
            0 => Heard::End,
            _ => Heard::Bytes(bytes),
        })
    }
}

/// A process that was killed says so, unless it ended by itself just then.
pub(super) fn of_killed(ending: Ending) -> Ending {
    ending
}

pub(super) fn ending(status: ExitStatus) -> Ending {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Code(code),
        (None, Some(signal)) => Ending::Signal(signal),
        (None, None) => Ending::Stuck,
    }
}
