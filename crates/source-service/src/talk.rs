//! One short exchange of words: what is said is one of ours, what is heard is bounded.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use groma_model::Reason;
use groma_source::{Budget, Conversation, Window, World};

/// The most that is heard of one answer.
const HEARD_MAX: usize = 64 << 10;
/// The most that is heard of a greeting: a server that goes on without end is left.
const GREETING_MAX: usize = 4 << 10;

/// Why nothing was heard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Miss {
    /// The connection was refused or reset, or closed without a word.
    Closed,
    /// It was open and stayed silent.
    Silent,
    /// It could not be asked.
    Unasked(Reason),
    /// The look is over.
    Over,
}

impl From<io::Error> for Miss {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{
            BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidData,
            PermissionDenied, TimedOut, UnexpectedEof, WouldBlock,
        };
        match error.kind() {
            BrokenPipe | ConnectionAborted | ConnectionRefused | ConnectionReset
            | UnexpectedEof | InvalidData => Self::Closed,
            TimedOut | WouldBlock => Self::Silent,
            PermissionDenied => Self::Unasked(Reason::Forbidden),
            _ => Self::Unasked(Reason::of_io(&error)),
        }
    }
}

/// Opens connections to one host, one at a time, at the pace the budget allows.
pub(crate) struct Caller<'a> {
    world: &'a World,
    window: &'a Window,
    timeout: Duration,
    pause: Duration,
    last: Option<Duration>,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(world: &'a World, window: &'a Window, budget: &Budget) -> Self {
        // A connection is some six packets of ours: the call, the answer's receipt, a question, a farewell.
        const PACKETS: u32 = 6;
        let rate = budget.packets_per_host_per_second.max(1);
        Self {
            world,
            window,
            timeout: Duration::from_millis(budget.network_timeout_ms.max(1)),
            pause: Duration::from_secs(1) * PACKETS / rate,
            last: None,
        }
    }

    /// Connects, when its turn has come.
    pub(crate) fn open(&mut self, to: SocketAddr) -> Result<Conversation, Miss> {
        self.wait_for_turn()?;
        let stream = self.world.network.connect(to, self.timeout)?;
        Ok(Conversation::new(
            stream,
            self.world.clock.clone(),
            self.timeout.saturating_mul(2),
        ))
    }

    /// Asks in one datagram, when its turn has come, and hears the answer.
    pub(crate) fn letter(&mut self, to: SocketAddr, question: &[u8]) -> Result<Vec<u8>, Miss> {
        self.wait_for_turn()?;
        let mut letters = self.world.network.connect_datagrams(to, self.timeout)?;
        letters.send(question)?;
        let mut room = vec![0; crate::datagrams::ANSWER_BYTES];
        let heard = letters.receive(&mut room)?;
        room.truncate(heard);
        Ok(room)
    }

    /// Chance, for a number that is used once.
    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.world.randomness.fill(&mut bytes);
        bytes
    }

    fn wait_for_turn(&mut self) -> Result<(), Miss> {
        if let Some(last) = self.last {
            let passed = self.window.monotonic().saturating_sub(last);
            self.window.sleep(self.pause.saturating_sub(passed));
        }
        if self.window.is_over() {
            return Err(Miss::Over);
        }
        self.last = Some(self.window.monotonic());
        Ok(())
    }
}

/// Says `words`.
pub(crate) fn say(talk: &mut impl Write, words: &[u8]) -> Result<(), Miss> {
    talk.write_all(words)?;
    Ok(talk.flush()?)
}

/// What a server says first, if it speaks first: one packet, and the rest of its line.
pub(crate) fn greeting(talk: &mut impl Read) -> Result<Vec<u8>, Miss> {
    hear(talk, GREETING_MAX, |heard| {
        heard.contains(&b'\n') || !heard.first().is_some_and(|b| b.is_ascii_graphic())
    })
}

/// Hears until `enough` says so, the server stops, or the bounds are reached. An error only if nothing was heard.
pub(crate) fn answer(
    talk: &mut impl Read,
    enough: impl Fn(&[u8]) -> bool,
) -> Result<Vec<u8>, Miss> {
    hear(talk, HEARD_MAX, enough)
}

fn hear(
    talk: &mut impl Read,
    most: usize,
    enough: impl Fn(&[u8]) -> bool,
) -> Result<Vec<u8>, Miss> {
    let mut heard = Vec::new();
    let mut room = [0; 4096];
    loop {
        match talk.read(&mut room) {
            Ok(0) if heard.is_empty() => return Err(Miss::Closed),
            Err(error) if heard.is_empty() => return Err(error.into()),
            Ok(0) | Err(_) => return Ok(heard),
            Ok(read) => heard.extend_from_slice(room.get(..read).unwrap_or_default()),
        }
        if heard.len() >= most {
            heard.truncate(most);
            return Ok(heard);
        }
        if enough(&heard) {
            return Ok(heard);
        }
    }
}

/// Bytes as a person can read them: what cannot be printed as `\xNN`, at most 160 letters.
pub(crate) fn proof(bytes: &[u8]) -> String {
    const LETTERS_MAX: usize = 160;
    let mut text = String::new();
    for &byte in bytes.trim_ascii_end() {
        let piece = match byte {
            b' '..=b'~' if byte != b'\\' => char::from(byte).to_string(),
            _ => format!("\\x{byte:02x}"),
        };
        if text.len() + piece.len() > LETTERS_MAX {
            break;
        }
        text.push_str(&piece);
    }
    text
}

/// Text a server said, fit to be shown: one line, no control characters, at most `letters` of them.
pub(crate) fn plain(bytes: &[u8], letters: usize) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let shown: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control())
        .take(letters)
        .collect();
    let shown = shown.split(' ').filter(|w| !w.is_empty());
    let shown = shown.collect::<Vec<_>>().join(" ");
    (!shown.is_empty()).then_some(shown)
}
