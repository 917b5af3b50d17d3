//! Lines of a file, plain or compressed, in one pass and a fixed room.

use std::io::{self, Read};

use groma_model::Reason;
use groma_source::{DiskError, OpenFile};
use memchr::{memchr_iter, memrchr};
use serde::{Deserialize, Serialize};

use crate::utf16::{self, Utf16};

/// What is held at a time, and the longest line that is read.
const ROOM: usize = 256 << 10;
/// How much more a compressed file may hold than it is long: logs shrink to a tenth, bombs to a thousandth.
const RATIO_MAX: u64 = 200;
/// After so many reads the clock of the look is asked.
const READS_A_TURN: u64 = 16;
/// What even a tiny compressed file may hold.
const UNPACKED_MIN: u64 = 16 << 20;
/// Largest window of a zstd frame, as a power of two: 8 MiB, the most every decoder must have (RFC 8878, 3.1.1.1.2).
const ZSTD_WINDOW_LOG: u32 = 23;

/// What became of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Told {
    /// How much of the file that is: to the end of its last whole line, or all of one that is compressed.
    pub(crate) taken: u64,
    /// Bytes of lines, unpacked.
    pub(crate) bytes: u64,
    /// Lines longer than the room, left out.
    pub(crate) too_long: u64,
    /// True if the time was over before the file was.
    pub(crate) stopped: bool,
    /// True if the last line has no end, and was left out.
    pub(crate) cut: bool,
}

/// A file up to the size it had when it was opened: what is appended meanwhile is read next time.
struct UpTo<'f> {
    file: &'f dyn OpenFile,
    at: u64,
    end: u64,
}

impl Read for UpTo<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let most = into.len().min(left);
        let Some(into) = into.get_mut(..most).filter(|part| !part.is_empty()) else {
            return Ok(0);
        };
        let got = self.file.read_at(self.at, into).map_err(io::Error::other)?;
        self.at += got as u64;
        Ok(got)
    }
}

/// What a file holds, unpacked, and how much that may be at most.
pub(crate) struct Unpacked<'f> {
    pub(crate) read: Box<dyn Read + 'f>,
    pub(crate) most: u64,
}

/// True if the file is compressed, or in UTF-16, in a way that is read here: it begins with a mark of that way, and no place in it
/// is one of its text.
pub(crate) fn is_packed(file: &dyn OpenFile) -> bool {
    let mut head = [0; 4];
    let got = file.read_at(0, &mut head).unwrap_or_default();
    let head = head.get(..got).unwrap_or_default();
    matches!(head, [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd]) || utf16::order(head).is_some()
}

/// `file` unpacked where it is compressed; a plain one `from` that place on.
pub(crate) fn unpacked(file: &dyn OpenFile, from: u64) -> Result<Unpacked<'_>, Reason> {
    let end = file.metadata().bytes;
    let mut head = [0; 6];
    let got = file
        .read_at(0, &mut head)
        .map_err(|error: DiskError| error.reason)?;
    let head = head.get(..got).unwrap_or_default();
    let mut raw = UpTo { file, at: 0, end };
    if let Some(order) = utf16::order(head) {
        let read = Box::new(Utf16::new(raw, order));
        return Ok(Unpacked {
            read,
            most: u64::MAX,
        });
    }
    let most = UNPACKED_MIN.max(end.saturating_mul(RATIO_MAX));
    let (read, most): (Box<dyn Read + '_>, u64) = match head {
        [0x1f, 0x8b, ..] => (Box::new(flate2::read::MultiGzDecoder::new(raw)), most),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let mut decoder =
                zstd::stream::read::Decoder::new(raw).map_err(|_| Reason::Malformed)?;
            decoder
                .window_log_max(ZSTD_WINDOW_LOG)
                .map_err(|_| Reason::Malformed)?;
            (Box::new(decoder), most)
        }
        [0xfd, b'7', b'z', b'X', b'Z', ..] | [b'B', b'Z', b'h', ..] => {
            return Err(Reason::Unsupported);
        }
        _ => {
            raw.at = from;
            (Box::new(raw), u64::MAX)
        }
    };
    Ok(Unpacked { read, most })
}

/// Calls `each` with every whole line of `file`, of a plain one `from` that place on, until `is_over`, which is asked now and
/// then. A last line without its end may be cut, so it is left out.
pub(crate) fn of(
    file: &dyn OpenFile,
    from: u64,
    is_over: &dyn Fn() -> bool,
    mut each: impl FnMut(&[u8]),
) -> Result<Told, Reason> {
    of_text(file, from, is_over, |line, _| each(line))
}

/// The same, each line also as text if it is UTF-8 and all that was read with it is: that is found out for many at once.
pub(crate) fn of_text(
    file: &dyn OpenFile,
    from: u64,
    is_over: &dyn Fn() -> bool,
    each: impl FnMut(&[u8], Option<&str>),
) -> Result<Told, Reason> {
    let Unpacked { read, most } = unpacked(file, from)?;
    let mut told = lines(read, most, is_over, each)?;
    told.taken = match is_packed(file) {
        true if told.stopped => 0,
        true => file.metadata().bytes,
        false => from.saturating_add(told.taken),
    };
    Ok(told)
}

fn lines(
    mut read: impl Read,
    most: u64,
    is_over: &dyn Fn() -> bool,
    mut each: impl FnMut(&[u8], Option<&str>),
) -> Result<Told, Reason> {
    let mut room = vec![0; ROOM];
    let mut have = 0;
    let mut skipping = false;
    let mut out = Told::default();
    for turn in 0_u64.. {
        if turn.is_multiple_of(READS_A_TURN) && is_over() {
            out.stopped = true;
            break;
        }
        let got = match read.read(room.get_mut(have..).unwrap_or_default()) {
            Ok(0) => {
                out.cut = have > 0 || skipping;
                break;
            }
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return Err(Reason::Malformed),
        };
        out.bytes += got as u64;
        if out.bytes > most {
            return Err(Reason::TooLarge);
        }
        have += got;
        let filled = room.get(..have).unwrap_or_default();
        let Some(end) = memrchr(b'\n', filled) else {
            if have == room.len() {
                skipping = true;
                have = 0;
            }
            continue;
        };
        let whole = filled.get(..=end).unwrap_or_default();
        let text = std::str::from_utf8(whole).ok();
        let mut begin = 0;
        for end in memchr_iter(b'\n', whole) {
            let place = begin..end;
            begin = end + 1;
            if std::mem::take(&mut skipping) {
                out.too_long += 1;
                continue;
            }
            let text = text.and_then(|text| text.get(place.clone()));
            let line = whole.get(place).unwrap_or_default();
            each(
                line.strip_suffix(b"\r").unwrap_or(line),
                text.map(|text| text.strip_suffix('\r').unwrap_or(text)),
            );
        }
        room.copy_within(end + 1..have, 0);
        have -= end + 1;
        out.taken = out.bytes - have as u64;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> (Vec<Vec<u8>>, Told) {
        let mut out = Vec::new();
        let told = lines(text, u64::MAX, &|| false, |line, text| {
            assert!(text.is_none_or(|text| text.as_bytes() == line));
            out.push(line.to_vec());
        });
        (out, told.unwrap())
    }

    #[test]
    fn a_line_without_its_end_is_left_out() {
        let (lines, told) = read(b"one\r\ntwo\n\nthree");
        assert_eq!(lines, [&b"one"[..], b"two", b""]);
        assert_eq!((told.too_long, told.cut), (0, true));
        assert!(!read(b"one\n").1.cut);
    }

    #[test]
    fn a_line_longer_than_the_room_costs_itself_alone() {
        let mut text = b"before\n".to_vec();
        text.extend(vec![b'x'; 3 * ROOM]);
        text.extend(b"\nafter\n");
        let (lines, told) = read(&text);
        assert_eq!(lines, [&b"before"[..], b"after"]);
        assert_eq!(told.too_long, 1);
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused() {
        assert_eq!(
            lines(io::repeat(b'\n'), 1 << 20, &|| false, |_, _| ()),
            Err(Reason::TooLarge)
        );
    }

    #[test]
    fn a_file_without_lines_ends_with_the_time_of_the_look() {
        let asked = std::cell::Cell::new(0);
        let is_over = || {
            asked.set(asked.get() + 1);
            asked.get() > 3
        };
        let told = lines(io::repeat(0), u64::MAX, &is_over, |_, _| ()).unwrap();
        assert!(told.stopped && told.bytes < 64 << 20);
    }

    proptest::proptest! {
        #[test]
        fn every_whole_line_is_met(text in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..2000)) {
            let mut want: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
            want.pop();
            let want: Vec<Vec<u8>> = want.into_iter().map(|l| l.strip_suffix(b"\r").unwrap_or(l).to_vec()).collect();
            proptest::prop_assert_eq!(read(&text).0, want);
        }
    }
}
