//! Text in UTF-16 with a byte order mark, as PowerShell writes what `>` sends to a file: read as UTF-8.

use std::io::{self, Read};

/// Bytes that are decoded at a time.
const ROOM: usize = 16 << 10;
/// What stands for half of a pair, as everywhere.
const REPLACED: char = char::REPLACEMENT_CHARACTER;

/// In which order the bytes of a sign stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    /// The lower byte first.
    Little,
    /// The higher byte first.
    Big,
}

/// The order that the mark at the begin of a file says.
pub(crate) fn order(head: &[u8]) -> Option<Order> {
    match head {
        [0xff, 0xfe, ..] => Some(Order::Little),
        [0xfe, 0xff, ..] => Some(Order::Big),
        _ => None,
    }
}

/// `read` from UTF-16 to UTF-8, without the mark. A last byte without its other half is left out.
pub(crate) struct Utf16<R> {
    read: R,
    order: Order,
    raw: Vec<u8>,
    /// Decoded text, and how much of it was taken.
    text: String,
    taken: usize,
    /// The first half of a pair whose second one was not read yet.
    half: Option<u16>,
    is_begun: bool,
    is_over: bool,
}

impl<R: Read> Utf16<R> {
    pub(crate) fn new(read: R, order: Order) -> Self {
        Self {
            read,
            order,
            raw: Vec::new(),
            text: String::new(),
            taken: 0,
            half: None,
            is_begun: false,
            is_over: false,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        let had = self.raw.len();
        self.raw.resize(ROOM, 0);
        let got = self.read.read(self.raw.get_mut(had..).unwrap_or_default());
        self.raw
            .truncate(had + got.as_ref().copied().unwrap_or_default());
        self.is_over = got? == 0;
        self.text.clear();
        self.taken = 0;
        let order = self.order;
        let (pairs, rest) = self.raw.as_chunks::<2>();
        let units = pairs.iter().map(|pair| match order {
            Order::Little => u16::from_le_bytes(*pair),
            Order::Big => u16::from_be_bytes(*pair),
        });
        // The mark is no sign of the text.
        let mark = usize::from(!self.is_begun && !pairs.is_empty());
        self.is_begun |= !pairs.is_empty();
        let mut units: Vec<u16> = self
            .half
            .take()
            .into_iter()
            .chain(units.skip(mark))
            .collect();
        if !self.is_over
            && units
                .last()
                .is_some_and(|unit| (0xd800..0xdc00).contains(unit))
        {
            self.half = units.pop();
        }
        let signs = char::decode_utf16(units).map(|sign| sign.unwrap_or(REPLACED));
        self.text.extend(signs);
        self.raw = rest.to_vec();
        Ok(())
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.text.len() && !self.is_over {
            self.fill()?;
        }
        let left = self.text.as_bytes().get(self.taken..).unwrap_or_default();
        let got = left.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..got), left.get(..got)) {
            to.copy_from_slice(from);
        }
        self.taken += got;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time, as a file need not give more.
    struct Slow<'b>(&'b [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let got = self.1.min(into.len()).min(self.0.len());
            into[..got].copy_from_slice(&self.0[..got]);
            self.0 = &self.0[got..];
            Ok(got)
        }
    }

    fn written(text: &str, order: Order) -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        let bytes = units.map(|unit: u16| match order {
            Order::Little => unit.to_le_bytes(),
            Order::Big => unit.to_be_bytes(),
        });
        bytes.flatten().collect()
    }

    fn read(bytes: &[u8], at_a_time: usize) -> Vec<u8> {
        let order = order(bytes).unwrap();
        let mut out = Vec::new();
        let read = Utf16::new(Slow(bytes, at_a_time), order).read_to_end(&mut out);
        assert_eq!(read.unwrap(), out.len());
        out
    }

    #[test]
    fn half_a_pair_and_half_a_sign_cost_themselves_alone() {
        let mut bytes = written("a", Order::Little);
        bytes.extend([0x00, 0xd8, b'b', 0, b'c']);
        for at_a_time in [1, 2, 3, 100] {
            assert_eq!(read(&bytes, at_a_time), "a\u{fffd}b".as_bytes());
        }
        assert_eq!(order(b"\xef\xbb\xbfa"), None);
        assert_eq!(order(b"\xff"), None);
    }

    proptest::proptest! {
        #[test]
        fn a_text_comes_back(text in "(\\PC|\n){0,40}", at_a_time in 1..9_usize) {
            for order in [Order::Little, Order::Big] {
                proptest::prop_assert_eq!(read(&written(&text, order), at_a_time), text.as_bytes());
            }
        }

        #[test]
        fn any_bytes_make_text(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let bytes = [&[0xff, 0xfe], bytes.as_slice()].concat();
            proptest::prop_assert!(String::from_utf8(read(&bytes, 7)).is_ok());
        }
    }
}
