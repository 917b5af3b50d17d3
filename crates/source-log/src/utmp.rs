//! Records of logons as the C library lays them out (utmp(5)), one behind the other in a file.
//!
//! Two layouts are met: the one of 384 bytes that 64-bit x86, POWER and s390 share with their 32-bit programs, and the one
//! of 400 bytes of 64-bit ARM and RISC-V, whose times are 64 bits wide. Nothing in a file says which; the records do.
//! A record that was torn shifts all behind it, so what is no record is passed over in steps of four bytes.

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use groma_model::{Reason, Timestamp};

use crate::lines::Unpacked;

/// Bytes that are held at a time.
const ROOM: usize = 64 << 10;
/// Records that decide which layout a file has.
const TRIED: usize = 64;
/// Every field begins at a multiple of this.
const STEP: usize = 4;
/// After so many reads the clock of the look is asked.
const READS_A_TURN: u64 = 16;

/// What a record says of a line (utmp(5), ut_type).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// The machine started, its clock was set, a run level began.
    System,
    /// A program waits for somebody to log on.
    Waits,
    /// Somebody logged on.
    LoggedOn,
    /// The line is free again.
    Ended,
}

/// One record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Record<'b> {
    pub(crate) kind: Kind,
    pub(crate) process: u32,
    /// The terminal, as `pts/0`, or a name a daemon gave itself.
    pub(crate) line: &'b [u8],
    /// The suffix of the line by which its writer finds the record again.
    pub(crate) id: &'b [u8],
    /// Who logged on. Never told: what a daemon calls itself before (`.telnet`) is all that is asked for.
    pub(crate) user: &'b [u8],
    /// From where, by name or address, as its writer was told.
    pub(crate) host: &'b [u8],
    /// From where, as the kernel told the writer.
    pub(crate) address: Option<IpAddr>,
    pub(crate) at: Timestamp,
}

/// How the fields of a record lie: all but the first ones, which are the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Layout {
    bytes: usize,
    seconds: usize,
    /// Bytes of the seconds and of the microseconds behind them.
    width: usize,
    address: usize,
}

const NARROW: Layout = Layout {
    bytes: 384,
    seconds: 340,
    width: 4,
    address: 348,
};
const WIDE: Layout = Layout {
    bytes: 400,
    seconds: 344,
    width: 8,
    address: 360,
};

/// What became of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Met {
    /// Bytes read, unpacked.
    pub(crate) bytes: u64,
    /// Stretches that are no record.
    pub(crate) damaged: u64,
    /// True if the time was over before the file was.
    pub(crate) stopped: bool,
}

/// Calls `each` with every record of a file, oldest first, until `is_over`.
pub(crate) fn of(
    unpacked: Unpacked<'_>,
    is_over: &dyn Fn() -> bool,
    mut each: impl FnMut(&Record<'_>),
) -> Result<Met, Reason> {
    let Unpacked { mut read, most } = unpacked;
    let mut room = vec![0; ROOM];
    let (mut have, mut met) = (0, Met::default());
    let mut layout = None;
    let mut was_sound = true;
    for turn in 0_u64.. {
        let got = fill(read.as_mut(), room.get_mut(have..).unwrap_or_default())?;
        (have, met.bytes) = (have + got, met.bytes + got as u64);
        if met.bytes > most {
            return Err(Reason::TooLarge);
        }
        if turn.is_multiple_of(READS_A_TURN) && is_over() {
            met.stopped = true;
            return Ok(met);
        }
        let filled = room.get(..have).unwrap_or_default();
        let layout = *layout.get_or_insert_with(|| Layout::of(filled));
        let mut at = 0;
        while let Some(bytes) = filled.get(at..at + layout.bytes) {
            let record = layout.read(bytes);
            met.damaged += u64::from(was_sound && record.is_none());
            was_sound = record.is_some();
            at += record.as_ref().map_or(STEP, |_| layout.bytes);
            if let Some(record) = record {
                each(&record);
            }
        }
        if got == 0 {
            met.damaged += u64::from(was_sound && at < have);
            return Ok(met);
        }
        room.copy_within(at..have, 0);
        have -= at;
    }
    Ok(met)
}

/// Fills `room` as far as the file reaches.
fn fill(read: &mut dyn Read, room: &mut [u8]) -> Result<usize, Reason> {
    let mut have = 0;
    while let Some(rest) = room.get_mut(have..).filter(|rest| !rest.is_empty()) {
        match read.read(rest) {
            Ok(0) => break,
            Ok(got) => have += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(Reason::Malformed),
        }
    }
    Ok(have)
}

impl Layout {
    /// The layout in which more of the first records are sound.
    fn of(filled: &[u8]) -> Self {
        let sound = |layout: &Self| {
            let records = filled.chunks_exact(layout.bytes).take(TRIED);
            records.filter(|bytes| layout.read(bytes).is_some()).count()
        };
        match sound(&WIDE) > sound(&NARROW) {
            true => WIDE,
            false => NARROW,
        }
    }

    /// The record that `bytes` are; `None` for what no writer of records wrote.
    fn read<'b>(&self, bytes: &'b [u8]) -> Option<Record<'b>> {
        let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let kind = match number(0)? {
            1..=4 => Kind::System,
            5 | 6 => Kind::Waits,
            7 => Kind::LoggedOn,
            8 => Kind::Ended,
            _ => return None,
        };
        let micros = number(self.seconds + self.width)?;
        let is_narrow = |at: usize| self.width == 4 || number(at + 4) == Some(0);
        let is_time = is_narrow(self.seconds) && is_narrow(self.seconds + self.width);
        let seconds = number(self.seconds)?;
        (is_time && seconds > 0 && micros < 1_000_000).then_some(())?;
        Some(Record {
            kind,
            process: number(4)?,
            line: text(bytes.get(8..40)?)?,
            id: text(bytes.get(40..44)?)?,
            user: text(bytes.get(44..76)?)?,
            host: text(bytes.get(76..332)?)?,
            address: address(bytes.get(self.address..self.address + 16)?),
            // Unsigned, as writers use it: 2038 is not the end of it.
            at: Timestamp::from_seconds(i64::from(seconds)),
        })
    }
}

/// The text of a field, which ends with the field or with the first NUL. `None` where control characters stand in it, or
/// anything behind that NUL: so a record that was cut short is not taken for one with the next as its end.
fn text(field: &[u8]) -> Option<&[u8]> {
    let end = field.iter().position(|byte| *byte == 0);
    let (text, rest) = field.split_at_checked(end.unwrap_or(field.len()))?;
    let is_sound = !text.iter().any(u8::is_ascii_control) && rest.iter().all(|byte| *byte == 0);
    is_sound.then_some(text)
}

/// An address in network order: one of four bytes has nothing behind them (utmp(5), ut_addr_v6).
fn address(bytes: &[u8]) -> Option<IpAddr> {
    let bytes: [u8; 16] = bytes.try_into().ok()?;
    let [a, b, c, d, rest @ ..] = bytes;
    let address = match rest.iter().all(|byte| *byte == 0) {
        true => IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
        false => Ipv6Addr::from(bytes).to_canonical(),
    };
    (!address.is_unspecified()).then_some(address)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const AT: u32 = 1_795_000_000;

    /// A record as the C library of 64-bit x86 or, if `wide`, of 64-bit ARM lays it out.
    pub(crate) fn record(wide: bool, kind: u16, texts: [&str; 4], address: &[u8]) -> Vec<u8> {
        let layout = if wide { WIDE } else { NARROW };
        let mut out = vec![0; layout.bytes];
        let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &kind.to_le_bytes());
        put(4, &77_u32.to_le_bytes());
        for (at, text) in [8, 40, 44, 76].into_iter().zip(texts) {
            put(at, text.as_bytes());
        }
        put(layout.seconds, &AT.to_le_bytes());
        put(layout.address, address);
        out
    }

    fn read(bytes: &[u8]) -> (Vec<String>, Met) {
        let mut told = Vec::new();
        let unpacked = Unpacked {
            read: Box::new(io::Cursor::new(bytes.to_vec())),
            most: u64::MAX,
        };
        let met = of(unpacked, &|| false, |record| {
            let host = String::from_utf8_lossy(record.host);
            told.push(format!("{:?} {host} {:?}", record.kind, record.address));
        });
        (told, met.unwrap())
    }

    fn logon(wide: bool, host: &str) -> Vec<u8> {
        record(wide, 7, ["pts/0", "ts/0", "anna", host], &[10, 0, 0, 1])
    }

    #[test]
    fn both_layouts_are_read_and_told_from_each_other() {
        for wide in [false, true] {
            let all = [
                record(wide, 2, ["~", "~~", "reboot", "6.1.0"], &[]),
                logon(wide, "a"),
                record(wide, 8, ["pts/0", "", "", ""], &[]),
            ]
            .concat();
            let (told, met) = read(&all);
            let want = [
                "System 6.1.0 None",
                "LoggedOn a Some(10.0.0.1)",
                "Ended  None",
            ];
            assert_eq!(told, want);
            assert_eq!(met.damaged, 0);
        }
    }

    #[test]
    fn addresses_are_of_four_bytes_or_sixteen() {
        let six: Ipv6Addr = "fd00::1".parse().unwrap();
        let mapped: Ipv6Addr = "::ffff:10.0.0.9".parse().unwrap();
        assert_eq!(address(&six.octets()), Some(IpAddr::V6(six)));
        assert_eq!(address(&mapped.octets()), "10.0.0.9".parse().ok());
        assert_eq!(address(&[0; 16]), None);
    }

    #[test]
    fn what_is_torn_costs_itself_alone() {
        let whole = logon(false, "a");
        let torn = &whole[..100];
        let text = [&whole, torn, &whole, &vec![0; 384], &whole, b"1234"].concat();
        let (told, met) = read(&text);
        assert_eq!(told.len(), 3);
        assert_eq!(met.damaged, 3);
        assert_eq!(read(b"no records at all").1.damaged, 1);
        assert_eq!(read(b"").1, Met::default());
    }

    #[test]
    fn many_records_are_met_once_each_however_they_fall_into_the_room() {
        for wide in [false, true] {
            let all = logon(wide, "a").repeat(2_000);
            let (told, met) = read(&all);
            assert_eq!((told.len(), met.damaged), (2_000, 0));
            assert_eq!(met.bytes, all.len() as u64);
        }
    }

    #[test]
    fn no_bytes_make_it_panic_or_hang() {
        let narrow = logon(false, "a").repeat(3);
        let wide = logon(true, "b").repeat(3);
        groma_fuzz::hammer(3_000, &[&narrow, &wide], |bytes| {
            let (told, met) = read(bytes);
            assert!(told.len() <= bytes.len() / 384 && met.bytes == bytes.len() as u64);
        });
    }
}
