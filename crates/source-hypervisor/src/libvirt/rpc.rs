//! Questions to a daemon and its answers: one frame each, with its length in front.

use std::io::{self, ErrorKind};
use std::time::Duration;

use groma_model::Reason;
use groma_source::{Stream, World};

use super::xdr::{Question, Short, Words};
use crate::cause::Cause;
use crate::channel::is_timeout;

/// The daemon's own programme.
const REMOTE: u32 = 0x2000_8086;
/// The one that asks whether the other end still lives.
const KEEPALIVE: u32 = 0x6b65_6570;
const VERSION: u32 = 1;
/// Largest frame a daemon sends.
const FRAME_MAX: usize = 32 << 20;
/// Bytes of a frame before its words, the length among them.
const HEAD: usize = 28;
/// Frames between a question and its answer that are neither.
const OTHERS_MAX: usize = 1_000;
/// Letters of what a daemon says that are repeated.
const SAID_MAX: usize = 200;

const CALL: u32 = 0;
const REPLY: u32 = 1;
const MESSAGE: u32 = 2;
const PING: u32 = 1;
const PONG: u32 = 2;

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// The daemon said no; the conversation goes on.
    Said {
        /// libvirt's number for it.
        code: i32,
        /// Its words, without what a terminal would obey.
        words: String,
    },
    /// The conversation is over.
    Over(Cause),
}

/// A conversation with a daemon.
pub(super) struct Link<'a> {
    stream: Box<dyn Stream>,
    world: &'a World,
    window: &'a groma_source::Window,
    /// How long one answer may take.
    patience: Duration,
    serial: u32,
}

struct Frame {
    head: [u32; 6],
    body: Vec<u8>,
}

impl<'a> Link<'a> {
    pub(super) fn new(
        stream: Box<dyn Stream>,
        world: &'a World,
        window: &'a groma_source::Window,
        patience: Duration,
    ) -> Self {
        Self {
            stream,
            world,
            window,
            patience,
            serial: 0,
        }
    }

    /// Asks, and waits for the answer to exactly this question.
    pub(super) fn ask(&mut self, procedure: u32, question: Question) -> Result<Vec<u8>, Failure> {
        if self.window.is_over() {
            return Err(self.too_late());
        }
        let end = self.world.clock.monotonic().saturating_add(self.patience);
        self.serial = self.serial.wrapping_add(1);
        let serial = self.serial;
        self.send(
            [REMOTE, VERSION, procedure, CALL, serial, 0],
            &question.bytes(),
            end,
        )?;
        for _ in 0..OTHERS_MAX {
            let Frame { head, body } = self.frame(end)?;
            match head {
                [REMOTE, VERSION, of, REPLY, to, status] if (of, to) == (procedure, serial) => {
                    return answer(status, body);
                }
                [REMOTE, VERSION, _, REPLY, ..] => {
                    return Err(malformed(
                        "it answered another question than the one that was asked",
                    ));
                }
                // Something happened to a guest: nobody asked to be told.
                [REMOTE, VERSION, _, MESSAGE, ..] => {}
                [KEEPALIVE, VERSION, PING, ..] => {
                    self.send([KEEPALIVE, VERSION, PONG, MESSAGE, 0, 0], &[], end)?;
                }
                [KEEPALIVE, VERSION, ..] => {}
                _ => return Err(malformed("it speaks another programme than libvirt's")),
            }
        }
        Err(malformed(
            "it says a thousand things and none is the answer",
        ))
    }

    /// One byte, by which a daemon says over TLS that it takes our certificate.
    pub(super) fn is_taken(&mut self) -> Result<bool, Failure> {
        let end = self.world.clock.monotonic().saturating_add(self.patience);
        let mut byte = [0];
        self.fill(&mut byte, end)?;
        Ok(byte == [1])
    }

    fn send(&mut self, head: [u32; 6], words: &[u8], end: Duration) -> Result<(), Failure> {
        let length = u32::try_from(HEAD + words.len()).unwrap_or(u32::MAX);
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.extend(head.iter().flat_map(|word| word.to_be_bytes()));
        bytes.extend(words);
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(0) => {
                    return Err(broken(
                        "it takes no more questions",
                        &ErrorKind::WriteZero.into(),
                    ));
                }
                Ok(many) => rest = rest.get(many..).unwrap_or_default(),
                Err(error) => self.waits(&error, end, "ask the daemon")?,
            }
        }
        loop {
            match self.stream.flush() {
                Ok(()) => return Ok(()),
                Err(error) => self.waits(&error, end, "ask the daemon")?,
            }
        }
    }

    fn frame(&mut self, end: Duration) -> Result<Frame, Failure> {
        let mut length = [0; 4];
        self.fill(&mut length, end)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if !(HEAD..=FRAME_MAX).contains(&length) {
            return Err(malformed(
                "a frame is shorter or longer than any libvirt sends",
            ));
        }
        let mut head = [0; HEAD - 4];
        self.fill(&mut head, end)?;
        let mut words = Words(&head);
        let mut word = || words.unsigned().map_err(|Short(why)| malformed(why));
        let head = [word()?, word()?, word()?, word()?, word()?, word()?];
        let body = self.body(length - HEAD, end)?;
        Ok(Frame { head, body })
    }

    /// Room is made as bytes come, whatever length was told.
    fn body(&mut self, length: usize, end: Duration) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while body.len() < length {
            let from = body.len();
            body.resize(length.min(from + (64 << 10)), 0);
            self.fill(body.get_mut(from..).unwrap_or_default(), end)?;
        }
        Ok(body)
    }

    fn fill(&mut self, into: &mut [u8], end: Duration) -> Result<(), Failure> {
        let mut filled = 0;
        while let Some(room) = into.get_mut(filled..).filter(|room| !room.is_empty()) {
            match self.stream.read(room) {
                Ok(0) => {
                    let ended = io::Error::from(ErrorKind::UnexpectedEof);
                    return Err(broken("the daemon ended the conversation", &ended));
                }
                Ok(many) => filled += many,
                Err(error) => self.waits(&error, end, "hear the daemon")?,
            }
            if self.world.clock.monotonic() >= end && filled < into.len() {
                return Err(self.too_late());
            }
        }
        Ok(())
    }

    /// Whether there is time to try again after `error`.
    fn waits(&self, error: &io::Error, end: Duration, what: &str) -> Result<(), Failure> {
        let again = is_timeout(error) || error.kind() == ErrorKind::Interrupted;
        match again {
            false => Err(broken(what, error)),
            true if self.window.is_over() || self.world.clock.monotonic() >= end => {
                Err(self.too_late())
            }
            true => Ok(()),
        }
    }

    fn too_late(&self) -> Failure {
        Failure::Over(match self.window.is_over() {
            true => Cause::new(
                "the time given was over while the daemon was asked",
                Reason::BudgetExhausted,
                "give the look more time",
            ),
            false => Cause::new(
                "the daemon did not answer in time",
                Reason::TimedOut,
                "see whether virsh gets an answer on that host; a guest that hangs may hold the daemon up",
            ),
        })
    }
}

fn answer(status: u32, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
    match status {
        0 => Ok(body),
        1 => Err(said(&body).unwrap_or_else(|Short(why)| malformed(why))),
        _ => Err(malformed("an answer is neither yes nor no")),
    }
}

fn said(body: &[u8]) -> Result<Failure, Short> {
    let mut words = Words(body);
    let code = words.signed()?;
    let _domain = words.signed()?;
    let text = words.optional_string()?.unwrap_or_default();
    let words = groma_model::visible::visible(&text)
        .chars()
        .take(SAID_MAX)
        .collect();
    Ok(Failure::Said { code, words })
}

pub(super) fn malformed(why: &str) -> Failure {
    Failure::Over(Cause::new(
        format!("what answers is no daemon of libvirt, or a broken one: {why}"),
        Reason::Malformed,
        "check the url, and look into the daemon's log",
    ))
}

fn broken(what: &str, error: &io::Error) -> Failure {
    Failure::Over(Cause::of_io(what, error))
}
