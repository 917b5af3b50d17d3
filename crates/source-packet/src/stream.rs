//! The first bytes of both directions of a TCP connection, pure. Nothing behind them is kept, nothing is kept twice, and a
//! hole stays a hole: what comes behind it is not put together with what came before.

use std::net::SocketAddr;

use groma_model::{HostName, Timestamp};

use crate::frame::Segment;

/// Bytes that are kept of each direction.
pub(crate) const KEPT_BYTES: usize = 16 << 10;
/// Pieces that may wait for one that is missing.
const WAITING_MAX: usize = 8;

/// One direction.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Direction {
    /// Number of the first byte, known from the segment that opened it.
    begin: Option<u32>,
    /// True if the segment that opened it was seen.
    opened: bool,
    /// The first bytes, without a hole.
    pub(crate) bytes: Vec<u8>,
    waiting: Vec<(u32, Vec<u8>)>,
    /// True if it carried anything.
    spoke: bool,
    /// True if it acknowledged anything.
    answered: bool,
    /// First and last number it acknowledged.
    acknowledged: Option<(u32, u32)>,
}

impl Direction {
    /// Takes a segment up; true if the capture lacks bytes of it that would be kept.
    fn take(&mut self, segment: &Segment<'_>) -> bool {
        let mut is_cut = false;
        if let Some(number) = segment.acknowledges {
            self.answered |= !segment.opens && !segment.resets;
            let first = self.acknowledged.map_or(number, |(first, _)| first);
            self.acknowledged = Some((first, number));
        }
        if segment.opens {
            self.opened = true;
            self.begin = Some(segment.number.wrapping_add(1));
        }
        if segment.carried > 0 && !segment.resets {
            // A piece of one byte before what is acknowledged only asks whether somebody is still there.
            self.spoke |= segment.carried > 1 || !segment.content.starts_with(&[0]);
            let number = match segment.opens {
                true => segment.number.wrapping_add(1),
                false => segment.number,
            };
            if self.opened {
                let begin = *self.begin.get_or_insert(number);
                is_cut = self.put(number.wrapping_sub(begin), segment.content, segment.carried);
            }
        }
        is_cut
    }

    fn kept(&self) -> usize {
        self.bytes.len()
            + self
                .waiting
                .iter()
                .map(|(_, piece)| piece.len())
                .sum::<usize>()
    }

    /// Puts a piece at its place; true if it was captured in part and the rest would have been kept. What was there first stays: a
    /// second copy that differs is somebody else's.
    fn put(&mut self, place: u32, piece: &[u8], carried: usize) -> bool {
        let Ok(place) = usize::try_from(place) else {
            return false;
        };
        if place >= KEPT_BYTES {
            return false;
        }
        let is_cut = piece.len() < carried && place + piece.len() < KEPT_BYTES;
        let end = self.bytes.len();
        if place > end {
            if self.waiting.len() < WAITING_MAX {
                let piece = piece
                    .get(..piece.len().min(KEPT_BYTES - place))
                    .unwrap_or_default();
                self.waiting
                    .push((u32::try_from(place).unwrap_or(u32::MAX), piece.to_vec()));
            }
            return is_cut;
        }
        let new = piece.get(end - place..).unwrap_or_default();
        let new = new
            .get(..new.len().min(KEPT_BYTES - end))
            .unwrap_or_default();
        self.bytes.extend_from_slice(new);
        // Of a piece that the capture cut nothing may follow: its rest would be a hole nobody sees.
        if piece.len() < carried {
            self.waiting.clear();
            return is_cut;
        }
        self.follow();
        false
    }

    fn follow(&mut self) {
        while let Some(at) = self.waiting.iter().position(|(place, piece)| {
            let place = usize::try_from(*place).unwrap_or(usize::MAX);
            place <= self.bytes.len() && place.saturating_add(piece.len()) > self.bytes.len()
        }) {
            let (place, piece) = self.waiting.swap_remove(at);
            let place = usize::try_from(place).unwrap_or(usize::MAX);
            let new = piece
                .get(self.bytes.len().saturating_sub(place)..)
                .unwrap_or_default();
            let room = KEPT_BYTES.saturating_sub(self.bytes.len());
            self.bytes
                .extend_from_slice(new.get(..new.len().min(room)).unwrap_or_default());
        }
    }

    fn forget(&mut self) {
        self.bytes = Vec::new();
        self.waiting = Vec::new();
    }
}

/// A connection, as far as it was captured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Stream {
    /// Both ends; the lesser one first.
    ends: [SocketAddr; 2],
    directions: [Direction; 2],
    /// Which end opened it.
    opener: Option<usize>,
    /// Number of the segment that opened it.
    opened_with: Option<u32>,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    /// True once it was told: what still comes belongs to it and tells nothing.
    pub(crate) told: bool,
    /// True once both sides are done, or one broke it off.
    pub(crate) ended: bool,
    finished: [bool; 2],
    /// Which of the connections that had these two ends.
    pub(crate) serial: u64,
    /// The name by which the client knew the server when it called.
    pub(crate) name: Option<HostName>,
}

/// Which end called, and what is known of both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sides<'s> {
    pub(crate) client: SocketAddr,
    pub(crate) server: SocketAddr,
    /// What the client said first; empty unless its begin was captured.
    pub(crate) said: &'s [u8],
    /// What the server said first.
    pub(crate) answered: &'s [u8],
}

impl Stream {
    /// The two ends of a segment, in an order of their own.
    pub(crate) fn key(segment: &Segment<'_>) -> [SocketAddr; 2] {
        let mut ends = [segment.from, segment.to];
        ends.sort();
        ends
    }

    /// A connection of which `segment` is the first that was captured.
    pub(crate) fn begun(segment: &Segment<'_>, serial: u64) -> Self {
        Self {
            ends: Self::key(segment),
            directions: Default::default(),
            opener: None,
            opened_with: None,
            first: segment.at,
            last: segment.at,
            told: false,
            ended: false,
            finished: [false; 2],
            serial,
            name: None,
        }
    }

    /// True if `segment` opens another connection between the same two ports.
    pub(crate) fn is_another(&self, segment: &Segment<'_>) -> bool {
        let opens = segment.opens && segment.acknowledges.is_none();
        opens
            && (self.ended
                || self.told
                || self
                    .opened_with
                    .is_some_and(|number| number != segment.number))
    }

    /// How many bytes are kept of it.
    pub(crate) fn kept(&self) -> usize {
        self.directions.iter().map(Direction::kept).sum()
    }

    /// Takes a segment up; true if bytes of it are missing that would be kept. More may be kept then, or less.
    pub(crate) fn take(&mut self, segment: &Segment<'_>) -> bool {
        let side = usize::from(segment.from != self.ends[0]);
        self.last = self.last.max(segment.at);
        self.first = self.first.min(segment.at);
        if segment.opens {
            match segment.acknowledges {
                None => {
                    self.opener.get_or_insert(side);
                    self.opened_with.get_or_insert(segment.number);
                }
                Some(_) => {
                    self.opener.get_or_insert(1 - side);
                }
            }
        }
        if segment.ends
            && let Some(finished) = self.finished.get_mut(side)
        {
            *finished = true;
        }
        self.ended |= segment.resets || self.finished == [true; 2];
        match self.directions.get_mut(side) {
            Some(direction) if !self.told => direction.take(segment),
            _ => false,
        }
    }

    /// Drops what was kept; how many bytes that were.
    pub(crate) fn forget(&mut self) -> usize {
        self.told = true;
        let kept = self.kept();
        self.directions.iter_mut().for_each(Direction::forget);
        kept
    }

    /// Which end called: the one that opened it, else (`by_port` is asked for each end's port) the one at the port that is
    /// nobody's; `None` where that is not known either.
    pub(crate) fn sides(&self, by_port: &dyn Fn(u16) -> bool) -> Option<Sides<'_>> {
        let opener = match self.opener {
            Some(opener) => opener,
            None => match self.ends.map(|end| by_port(end.port())) {
                [true, false] => 1,
                [false, true] => 0,
                _ => return None,
            },
        };
        let [one, other] = &self.directions;
        let (client, server) = if opener == 0 {
            (one, other)
        } else {
            (other, one)
        };
        let [first, second] = self.ends;
        let (caller, called) = if opener == 0 {
            (first, second)
        } else {
            (second, first)
        };
        Some(Sides {
            client: caller,
            server: called,
            said: &client.bytes,
            answered: &server.bytes,
        })
    }

    /// True if it came to be and its client said something: a door that was knocked at is not used. What one captured
    /// side acknowledges tells of the other.
    pub(crate) fn is_used(&self, client: SocketAddr) -> bool {
        let side = usize::from(client != self.ends[0]);
        let (Some(client), Some(server)) =
            (self.directions.get(side), self.directions.get(1 - side))
        else {
            return false;
        };
        let grew = |direction: &Direction| {
            direction
                .acknowledged
                .is_some_and(|(first, last)| last.wrapping_sub(first) > 1)
        };
        let heard = client.answered || server.answered;
        heard && (client.spoke || grew(server))
    }
}
