//! Bounded unpacking: bytes of a stranger in, lines out, stopping at the first bound that is passed.

use std::io::{self, BufRead, BufReader, Read};

use crate::error::brief;
use crate::{Limits, WireError};

/// The bytes as they arrive, counted.
struct Arriving<'r> {
    input: &'r mut dyn Read,
    taken: u64,
    limit: u64,
    trouble: Option<Trouble>,
}

/// What stopped the arriving bytes, kept aside because the unpacker reports it in its own words.
enum Trouble {
    TooMuch,
    Failed,
}

impl Read for Arriving<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match self.input.read(buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                self.trouble = Some(Trouble::Failed);
                return Err(error);
            }
        };
        self.taken += read as u64;
        if self.taken > self.limit {
            self.trouble = Some(Trouble::TooMuch);
            return Err(io::Error::other("too many bytes"));
        }
        Ok(read)
    }
}

/// Where lines come from.
enum Origin<'r> {
    Packed(BufReader<zstd::Decoder<'static, BufReader<Arriving<'r>>>>),
    /// What somebody unpacked within bounds of his own.
    Plain(&'r [u8]),
}

impl<'r> Origin<'r> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::Packed(unpacked) => unpacked.fill_buf(),
            Self::Plain(text) => Ok(text),
        }
    }

    fn consume(&mut self, bytes: usize) {
        match self {
            Self::Packed(unpacked) => unpacked.consume(bytes),
            Self::Plain(text) => text.consume(bytes),
        }
    }

    fn arriving(&self) -> Option<&Arriving<'r>> {
        match self {
            Self::Packed(unpacked) => Some(unpacked.get_ref().get_ref().get_ref()),
            Self::Plain(_) => None,
        }
    }
}

/// The lines of one zstd frame, or of a text.
pub(crate) struct Lines<'r> {
    origin: Origin<'r>,
    limits: Limits,
    expanded: u64,
    number: u64,
    line: Vec<u8>,
}

impl<'r> Lines<'r> {
    pub(crate) fn open(input: &'r mut dyn Read, limits: &Limits) -> Result<Self, WireError> {
        let arriving = Arriving {
            input,
            taken: 0,
            limit: limits.wire_bytes,
            trouble: None,
        };
        let mut decoder = zstd::Decoder::with_buffer(BufReader::new(arriving))
            .map_err(|source| WireError::Read { line: 0, source })?
            .single_frame();
        decoder
            .window_log_max(limits.window_log)
            .map_err(|source| WireError::Read { line: 0, source })?;
        Ok(Self::from(Origin::Packed(BufReader::new(decoder)), limits))
    }

    /// The lines of a text that is unpacked already.
    pub(crate) fn plain(text: &'r [u8], limits: &Limits) -> Self {
        Self::from(Origin::Plain(text), limits)
    }

    fn from(origin: Origin<'r>, limits: &Limits) -> Self {
        Self {
            origin,
            limits: *limits,
            expanded: 0,
            number: 0,
            line: Vec::new(),
        }
    }

    /// The number of the line read last, counted from 1; 0 before the first.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The next line without its line feed, or `None` at the end of the frame.
    pub(crate) fn next_line(&mut self) -> Result<Option<&[u8]>, WireError> {
        self.line.clear();
        loop {
            let piece = match self.origin.fill_buf() {
                Ok(piece) => piece,
                Err(error) => return Err(self.failure(error)),
            };
            if piece.is_empty() {
                if self.line.is_empty() {
                    return Ok(None);
                }
                break;
            }
            let end = piece.iter().position(|&b| b == b'\n');
            let taken = end.map_or(piece.len(), |at| at + 1);
            self.line
                .extend_from_slice(piece.get(..end.unwrap_or(piece.len())).unwrap_or_default());
            self.origin.consume(taken);
            self.expand(taken as u64)?;
            if self.line.len() > self.limits.line_bytes {
                return Err(self.too_large("bytes in a line", self.limits.line_bytes as u64));
            }
            if end.is_some() {
                break;
            }
        }
        self.number += 1;
        Ok(Some(&self.line))
    }

    /// The next line, which is so long, if the text is at hand and the line within all bounds.
    pub(crate) fn at_hand(&self, length: usize) -> Option<&'r [u8]> {
        let Origin::Plain(text) = self.origin else {
            return None;
        };
        let line = text
            .get(..length)
            .filter(|_| text.get(length) == Some(&b'\n'))?;
        let after = self.expanded.saturating_add(length as u64 + 1);
        let fits = length <= self.limits.line_bytes && after <= self.limits.expanded_bytes;
        fits.then_some(line)
    }

    /// Goes on behind a line that was at hand.
    pub(crate) fn pass(&mut self, length: usize) {
        self.origin.consume(length + 1);
        self.expanded = self.expanded.saturating_add(length as u64 + 1);
        self.number += 1;
    }

    /// Counts `bytes` as unpacked, whether they were written out or only named.
    pub(crate) fn expand(&mut self, bytes: u64) -> Result<(), WireError> {
        self.expanded = self.expanded.saturating_add(bytes);
        if self.expanded > self.limits.expanded_bytes {
            return Err(self.too_large("bytes unpacked", self.limits.expanded_bytes));
        }
        let Some(arriving) = self.origin.arriving() else {
            return Ok(());
        };
        if self.expanded > self.limits.ratio_floor
            && self.expanded / self.limits.ratio.max(1) > arriving.taken
        {
            return Err(WireError::Bomb {
                line: self.number + 1,
                ratio: self.limits.ratio,
            });
        }
        Ok(())
    }

    /// Makes sure that nothing follows: neither another line, nor another frame, nor anything else.
    pub(crate) fn finish(&mut self) -> Result<(), WireError> {
        if self.next_line()?.is_some() {
            return Err(WireError::Trailing);
        }
        let Origin::Packed(unpacked) = &mut self.origin else {
            return Ok(());
        };
        let decoder = unpacked.get_mut();
        if let Err(error) = decoder.finish_frame() {
            return Err(self.failure(error));
        }
        match decoder.get_mut().fill_buf() {
            Ok([]) => Ok(()),
            Ok(_) => Err(WireError::Trailing),
            Err(error) => Err(self.failure(error)),
        }
    }

    fn too_large(&self, what: &'static str, limit: u64) -> WireError {
        WireError::TooLarge {
            line: self.number + 1,
            what,
            limit,
        }
    }

    fn failure(&self, error: io::Error) -> WireError {
        let line = self.number;
        let trouble = self.origin.arriving().and_then(|a| a.trouble.as_ref());
        match trouble {
            Some(Trouble::TooMuch) => self.too_large("bytes on the wire", self.limits.wire_bytes),
            Some(Trouble::Failed) => WireError::Read {
                line,
                source: error,
            },
            None if error.kind() == io::ErrorKind::UnexpectedEof => WireError::Truncated { line },
            None if self.number == 0 && self.expanded == 0 => {
                WireError::NotABatch { why: brief(&error) }
            }
            None => WireError::Damaged {
                line,
                why: brief(&error),
            },
        }
    }
}
