//! A conversation with an end: so many bytes, so much time, whatever the other side does.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use crate::{Clock, Stream};

/// More than any honest handshake needs.
pub const BYTES_MAX: usize = 256 << 10;
/// Longest line of a greeting.
pub const LINE_MAX: usize = 2_048;

/// What is read of the stream at once where less is asked for: a line is read byte by byte, and each read of the stream may
/// cost a frame's room (see [`crate::manners`]).
const AHEAD: usize = 1_024;

/// A stream that ends after [`BYTES_MAX`] bytes read, or when its time is over: the timeout of the
/// stream below counts for one read only, and a server that drips would keep us for hours.
pub struct Conversation {
    stream: Box<dyn Stream>,
    clock: Arc<dyn Clock>,
    ends: Duration,
    left: usize,
    /// Read already, and not yet asked for: from `taken` on.
    ahead: Vec<u8>,
    taken: usize,
}

impl Conversation {
    /// A conversation over `stream` that is over `length` from now.
    pub fn new(stream: Box<dyn Stream>, clock: Arc<dyn Clock>, length: Duration) -> Self {
        let ends = clock.monotonic().saturating_add(length);
        Self {
            stream,
            clock,
            ends,
            left: BYTES_MAX,
            ahead: Vec::new(),
            taken: 0,
        }
    }

    /// The next line without its end.
    ///
    /// `InvalidData` is a line longer than [`LINE_MAX`] or more than [`BYTES_MAX`] bytes in all; `TimedOut` is the end
    /// of our time.
    pub fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        let mut byte = [0u8];
        loop {
            self.read_exact(&mut byte)?;
            match byte {
                [b'\n'] => return Ok(String::from_utf8_lossy(line.trim_ascii_end()).into_owned()),
                [other] => line.push(other),
            }
            if line.len() > LINE_MAX {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a line without an end",
                ));
            }
        }
    }

    fn in_time(&self) -> io::Result<()> {
        if self.clock.monotonic() >= self.ends {
            Err(io::ErrorKind::TimedOut.into())
        } else {
            Ok(())
        }
    }
}

/// A socket with a timeout says "would block"; the one word for it here is "timed out".
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock {
        io::ErrorKind::TimedOut.into()
    } else {
        error
    }
}

impl Conversation {
    /// Reads from the stream itself.
    fn hear(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.in_time()?;
        if self.left == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "more bytes than a handshake needs",
            ));
        }
        let length = into.len().min(self.left);
        let read = self
            .stream
            .read(into.get_mut(..length).unwrap_or_default())
            .map_err(timed_out)?;
        self.left = self.left.saturating_sub(read);
        Ok(read)
    }
}

impl Read for Conversation {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.taken >= self.ahead.len() {
            if into.len() >= AHEAD {
                return self.hear(into);
            }
            let mut piece = [0; AHEAD];
            let read = self.hear(&mut piece)?;
            self.ahead.clear();
            self.ahead
                .extend_from_slice(piece.get(..read).unwrap_or_default());
            self.taken = 0;
        }
        let mut rest = self.ahead.get(self.taken..).unwrap_or_default();
        let read = rest.read(into)?;
        self.taken += read;
        Ok(read)
    }
}

impl Write for Conversation {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.in_time()?;
        self.stream.write(bytes).map_err(timed_out)
    }

    /// Pieces that belong together leave together: each write of the stream may cost a frame.
    fn write_vectored(&mut self, pieces: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let whole: Vec<u8> = pieces
            .iter()
            .flat_map(|piece| piece.iter())
            .copied()
            .collect();
        self.write(&whole)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush().map_err(timed_out)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::FakeClock;
    use groma_model::Timestamp;

    use super::*;

    /// Gives one byte per read and lets a second pass each time.
    struct Drip(Arc<FakeClock>);

    impl Read for Drip {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.0.sleep(Duration::from_secs(1));
            into.fill(b'x');
            Ok(1)
        }
    }

    impl Write for Drip {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Counts what it is asked for, and answers in one piece.
    struct Counting(&'static [u8], Arc<std::sync::Mutex<[usize; 2]>>);

    impl Read for Counting {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1.lock().unwrap()[0] += 1;
            self.0.read(into)
        }
    }

    impl Write for Counting {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.lock().unwrap()[1] += 1;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Regression: a greeting of seventy bytes was read in seventy pieces, and with manners each has room for two frames of
    /// the ten a second: no mail server showed its certificate to another machine before the time was over.
    #[test]
    fn a_greeting_costs_one_read_of_the_stream() {
        let clock = Arc::new(FakeClock::at(Timestamp::from_seconds(0)));
        let count = Arc::new(std::sync::Mutex::new([0; 2]));
        let stream = Counting(b"220-one\r\n220 two\r\nrest", count.clone());
        let mut conversation = Conversation::new(Box::new(stream), clock, Duration::from_secs(3));
        assert_eq!(conversation.line().unwrap(), "220-one");
        assert_eq!(conversation.line().unwrap(), "220 two");
        let mut rest = [0; 4];
        conversation.read_exact(&mut rest).unwrap();
        assert_eq!(&rest, b"rest");
        let pieces = [io::IoSlice::new(b"one"), io::IoSlice::new(b"two")];
        assert_eq!(conversation.write_vectored(&pieces).unwrap(), 6);
        assert_eq!(*count.lock().unwrap(), [1, 1]);
    }

    #[test]
    fn a_server_that_drips_is_left_in_time() {
        let clock = Arc::new(FakeClock::at(Timestamp::from_seconds(0)));
        let mut conversation = Conversation::new(
            Box::new(Drip(clock.clone())),
            clock.clone(),
            Duration::from_secs(3),
        );
        assert_eq!(
            conversation.line().unwrap_err().kind(),
            io::ErrorKind::TimedOut
        );
        assert_eq!(clock.monotonic(), Duration::from_secs(3));
    }
}
