//! Questions as a name server writes them in binary: DNS messages in a Protocol Buffer each (dnstap.proto), in frames one
//! behind the other (Frame Streams). Of the messages, the header and the first question are read (RFC 1035 4.1).

use std::io::{self, Read};
use std::net::IpAddr;

use groma_model::{Port, Reason, Timestamp};

use crate::lines::Unpacked;

/// Longest frame that is read: a message of 64 KiB, its answer, and what stands beside them.
const FRAME_MAX: u32 = 256 << 10;
/// Longest control frame (Frame Streams, FSTRM_CONTROL_FRAME_LENGTH_MAX).
const CONTROL_MAX: u32 = 512;
/// What a stream says it holds.
const CONTENT: &[u8] = b"protobuf:dnstap.Dnstap";
const START: u32 = 2;
const CONTENT_TYPE: u32 = 1;
/// After so many frames the clock of the look is asked.
const FRAMES_A_TURN: u64 = 4_096;
/// Longest name in the form people write (RFC 1035 2.3.4).
const NAME_MAX: usize = 255;

/// Somebody asked this server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Question {
    pub(crate) client: IpAddr,
    /// Where it was asked.
    pub(crate) port: Option<Port>,
    /// It wants a zone changed (RFC 2136).
    pub(crate) is_update: bool,
    /// The name asked for; `None` for one that no host can have.
    pub(crate) name: Option<String>,
    pub(crate) at: Timestamp,
}

/// What became of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Met {
    /// Bytes read, unpacked.
    pub(crate) bytes: u64,
    /// Frames that hold no message as described.
    pub(crate) strange: u64,
    /// The place of a frame that cannot be: nothing behind it was read.
    pub(crate) lost_at: Option<u64>,
    /// True if the file ends within a frame.
    pub(crate) cut: bool,
    /// True if the time was over before the file was.
    pub(crate) stopped: bool,
}

/// Calls `each` with every question of a file until `is_over`. A file that does not begin as such a stream is
/// [`Reason::Malformed`].
pub(crate) fn of(
    unpacked: Unpacked<'_>,
    is_over: &dyn Fn() -> bool,
    mut each: impl FnMut(Question),
) -> Result<Met, Reason> {
    let Unpacked { read, most } = unpacked;
    let mut read = io::BufReader::with_capacity(64 << 10, read);
    let mut met = Met::default();
    let mut room = Vec::new();
    for turn in 0_u64.. {
        if turn.is_multiple_of(FRAMES_A_TURN) && is_over() {
            met.stopped = true;
            break;
        }
        let begin = met.bytes;
        let frame = match next(&mut read, &mut room, &mut met.bytes)? {
            Next::Frame(frame) => frame,
            Next::End => break,
            Next::Cut => {
                met.cut = true;
                break;
            }
            Next::TooLong if begin > 0 => {
                met.lost_at = Some(begin);
                break;
            }
            Next::TooLong => return Err(Reason::Malformed),
        };
        if met.bytes > most {
            return Err(Reason::TooLarge);
        }
        match frame {
            Frame::Control if begin == 0 && !starts(&room) => return Err(Reason::Malformed),
            Frame::Control => {}
            Frame::Message if begin == 0 => return Err(Reason::Malformed),
            Frame::Message => match message(&room) {
                Some(Some(question)) => each(question),
                Some(None) => {}
                None => met.strange += 1,
            },
        }
    }
    Ok(met)
}

enum Next {
    Frame(Frame),
    End,
    Cut,
    TooLong,
}

#[derive(Clone, Copy)]
enum Frame {
    Control,
    Message,
}

/// Reads the next frame into `room`: its length in network order, or 0 and that of a control frame.
fn next(read: &mut impl Read, room: &mut Vec<u8>, bytes: &mut u64) -> Result<Next, Reason> {
    let Some(length) = number(read, bytes)? else {
        return Ok(Next::End);
    };
    let (frame, length, most) = match length {
        0 => match number(read, bytes)? {
            Some(length) => (Frame::Control, length, CONTROL_MAX),
            None => return Ok(Next::Cut),
        },
        length => (Frame::Message, length, FRAME_MAX),
    };
    if length > most {
        return Ok(Next::TooLong);
    }
    room.clear();
    let mut part = read.take(u64::from(length));
    let got = part.read_to_end(room).map_err(|_| Reason::Malformed)?;
    *bytes += got as u64;
    match got == length as usize {
        true => Ok(Next::Frame(frame)),
        false => Ok(Next::Cut),
    }
}

/// A number of four bytes; `None` at the end of the file.
fn number(read: &mut impl Read, bytes: &mut u64) -> Result<Option<u32>, Reason> {
    let mut four = [0; 4];
    match read.read_exact(&mut four) {
        Ok(()) => {
            *bytes += 4;
            Ok(Some(u32::from_be_bytes(four)))
        }
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(_) => Err(Reason::Malformed),
    }
}

/// True for the control frame that begins a stream of such messages.
fn starts(frame: &[u8]) -> bool {
    let four = |at: usize| Some(u32::from_be_bytes(frame.get(at..at + 4)?.try_into().ok()?));
    four(0) == Some(START)
        && (frame.len() == 4 || (four(4) == Some(CONTENT_TYPE) && frame.get(12..) == Some(CONTENT)))
}

/// A value of a Protocol Buffer.
#[derive(Clone, Copy)]
enum Value<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

/// Fields of a Protocol Buffer, one level of them; ends with `None` where it is damaged.
struct Fields<'b>(&'b [u8]);

impl<'b> Fields<'b> {
    /// The next field with its number; `Some(None)` at the end.
    fn next(&mut self) -> Option<Option<(u64, Value<'b>)>> {
        if self.0.is_empty() {
            return Some(None);
        }
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => {
                self.take(8)?;
                Value::Number(0)
            }
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            5 => {
                self.take(4)?;
                Value::Number(0)
            }
            _ => return None,
        };
        Some(Some((tag >> 3, value)))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut out = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            out |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(out);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

/// The question a frame holds; `Some(None)` for an answer or what the server itself asked, `None` for what is no such message.
fn message(frame: &[u8]) -> Option<Option<Question>> {
    let mut fields = Fields(frame);
    let mut message = None;
    while let Some((field, value)) = fields.next()? {
        if let (14, Value::Bytes(bytes)) = (field, value) {
            message = Some(bytes);
        }
    }
    question(message?)
}

/// What sort of message it is (dnstap.proto, Message.Type).
const AUTH_QUERY: u64 = 1;
const CLIENT_QUERY: u64 = 5;
const UPDATE_QUERY: u64 = 13;

fn question(bytes: &[u8]) -> Option<Option<Question>> {
    let mut fields = Fields(bytes);
    let (mut sort, mut client, mut port, mut seconds, mut query) = (None, None, None, None, None);
    while let Some((field, value)) = fields.next()? {
        match (field, value) {
            (1, Value::Number(n)) => sort = Some(n),
            (4, Value::Bytes(bytes)) => client = Some(address(bytes)?),
            (7, Value::Number(n)) => port = u16::try_from(n).ok().map(Port),
            (8, Value::Number(n)) => seconds = i64::try_from(n).ok().filter(|n| *n < 1 << 33),
            (10, Value::Bytes(bytes)) => query = Some(bytes),
            _ => {}
        }
    }
    let sort = sort?;
    if ![AUTH_QUERY, CLIENT_QUERY, UPDATE_QUERY].contains(&sort) {
        return Some(None);
    }
    Some(Some(Question {
        client: client?,
        port,
        is_update: sort == UPDATE_QUERY,
        name: query.and_then(asked),
        at: Timestamp::from_seconds(seconds?),
    }))
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from).ok();
    let sixteen = || <[u8; 16]>::try_from(bytes).map(IpAddr::from).ok();
    Some(four.or_else(sixteen)?.to_canonical())
}

/// The name of the first question, if a host can be called so. Nothing stands before it that a pointer could lead to.
fn asked(message: &[u8]) -> Option<String> {
    let questions = u16::from_be_bytes(message.get(4..6)?.try_into().ok()?);
    let mut rest = message.get(12..).filter(|_| questions > 0)?;
    let mut name = String::new();
    loop {
        let (length, after) = rest.split_first()?;
        if *length == 0 {
            return (!name.is_empty()).then_some(name);
        }
        let (label, after) = after.split_at_checked(usize::from(*length))?;
        let sound = |b: &u8| b.is_ascii_alphanumeric() || b"-_*".contains(b);
        if *length > 63 || !label.iter().all(sound) || name.len() + label.len() >= NAME_MAX {
            return None;
        }
        if !name.is_empty() {
            name.push('.');
        }
        name.extend(label.iter().map(|byte| char::from(*byte)));
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As BIND 9.18 wrote it.
    const RECORDED: &[u8] = include_bytes!("../tests/recorded/bind-dnstap.log");

    fn read(bytes: &[u8]) -> Result<(Vec<Question>, Met), Reason> {
        let mut all = Vec::new();
        let unpacked = Unpacked {
            read: Box::new(io::Cursor::new(bytes.to_vec())),
            most: u64::MAX,
        };
        let met = of(unpacked, &|| false, |question| all.push(question))?;
        Ok((all, met))
    }

    #[test]
    fn what_bind_wrote_is_read_and_what_it_asked_itself_is_not() {
        let (questions, met) = read(RECORDED).unwrap();
        assert_eq!((met.strange, met.lost_at, met.cut), (0, None, false));
        assert_eq!(met.bytes, RECORDED.len() as u64);
        let told: Vec<String> = questions
            .iter()
            .map(|q| format!("{} {}", q.client, q.name.as_deref().unwrap_or("-")))
            .collect();
        let mut sorted = told.clone();
        sorted.sort();
        assert_eq!(
            sorted,
            [
                "10.20.1.31 www.corp.example",
                "10.20.1.31 www.corp.example",
                "10.20.1.31 www.corp.example",
                "10.20.1.32 MAIL.corp.example",
                "10.20.1.32 mail.corp.example",
                "10.20.1.40 private.person.example",
                "10.20.1.66 -",
                "10.20.1.66 9.1.20.10.in-addr.arpa",
                "fd20:1::31 www.corp.example",
            ]
        );
        assert!(
            questions
                .iter()
                .all(|q| q.port == Some(Port(53)) && !q.is_update)
        );
        assert_eq!(questions[0].at.minute(), "2026-11-21 11:27");
    }

    #[test]
    fn a_file_cut_short_tells_what_it_told_and_one_of_another_kind_nothing() {
        let (questions, met) = read(&RECORDED[..RECORDED.len() / 2]).unwrap();
        assert!(met.cut && !questions.is_empty());
        for other in [
            &b"Nov 20 10:00:00 m named[1]: running\n"[..],
            b"\0\0\0\0\0\0\0\x04\0\0\0\x09",
            &[0xff; 64],
        ] {
            assert_eq!(read(other).unwrap_err(), Reason::Malformed);
        }
        assert_eq!(read(b"").unwrap().1, Met::default());
    }

    #[test]
    fn a_frame_that_cannot_be_ends_the_file_and_its_place_is_told() {
        let mut damaged = RECORDED[..42].to_vec();
        damaged.extend([0x7f, 0xff, 0xff, 0xff]);
        damaged.extend(RECORDED);
        let (questions, met) = read(&damaged).unwrap();
        assert_eq!((questions.len(), met.lost_at), (0, Some(42)));
    }

    #[test]
    fn names_no_host_can_have_are_no_names() {
        let asks = |labels: &[&[u8]]| {
            let mut message = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
            for label in labels {
                message.push(u8::try_from(label.len()).unwrap());
                message.extend(*label);
            }
            message.extend([0, 0, 1, 0, 1]);
            asked(&message)
        };
        assert_eq!(asks(&[b"www", b"example"]).as_deref(), Some("www.example"));
        for bad in [
            &[b"a b".as_slice()][..],
            &[b"a.b"],
            &[&[0xc0; 3]],
            &[[b'x'; 63].as_slice(); 5],
            &[],
        ] {
            assert_eq!(asks(bad), None);
        }
        // A pointer, where nothing stands that it could lead to.
        assert_eq!(asked(&[0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12]), None);
    }

    #[test]
    fn no_bytes_make_it_panic_or_hang() {
        groma_fuzz::hammer(5_000, &[RECORDED, &RECORDED[..200]], |bytes| {
            if let Ok((questions, met)) = read(bytes) {
                assert!(questions.len() <= bytes.len() / 12 && met.bytes <= bytes.len() as u64);
            }
        });
    }

    proptest::proptest! {
        #[test]
        fn any_frame_is_read(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let _ = message(&bytes);
            let _ = question(&bytes);
            let _ = asked(&bytes);
        }
    }
}
