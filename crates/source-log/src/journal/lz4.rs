//! One block of LZ4, as a journal packs a field: <https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md>.

use groma_model::Reason;

/// Unpacks `raw`, 8 bytes of length (little endian) and the block, if it holds at most `most` bytes.
pub(super) fn unpack(raw: &[u8], most: usize) -> Result<Vec<u8>, Reason> {
    let (length, mut block) = raw.split_first_chunk::<8>().ok_or(Reason::Malformed)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| Reason::TooLarge)?;
    if length > most {
        return Err(Reason::TooLarge);
    }
    let mut out = Vec::with_capacity(length);
    while !block.is_empty() {
        sequence(&mut block, &mut out, length).ok_or(Reason::Malformed)?;
    }
    match out.len() == length {
        true => Ok(out),
        false => Err(Reason::Malformed),
    }
}

/// Literal bytes, then a copy of what stands before; the last sequence has literals alone.
fn sequence(block: &mut &[u8], out: &mut Vec<u8>, most: usize) -> Option<()> {
    let token = take(block, 1)?.first().copied()?;
    let literals = length(block, token >> 4)?;
    out.extend_from_slice(take(block, literals).filter(|_| out.len() + literals <= most)?);
    if block.is_empty() {
        return Some(());
    }
    let distance: [u8; 2] = take(block, 2)?.try_into().ok()?;
    let from = out
        .len()
        .checked_sub(usize::from(u16::from_le_bytes(distance)))?;
    let copied = length(block, token & 15)? + 4;
    if from == out.len() || out.len() + copied > most {
        return None;
    }
    // A copy may reach into what it writes itself: it repeats.
    for at in from..from + copied {
        out.push(*out.get(at)?);
    }
    Some(())
}

/// A length of four bits, and as many bytes more as are full.
fn length(block: &mut &[u8], nibble: u8) -> Option<usize> {
    let mut length = usize::from(nibble);
    if nibble == 15 {
        loop {
            let more = take(block, 1)?.first().copied()?;
            length += usize::from(more);
            if more != 255 {
                break;
            }
        }
    }
    Some(length)
}

fn take<'b>(block: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (taken, rest) = block.split_at_checked(length)?;
    *block = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(length: u64, block: &[u8]) -> Result<Vec<u8>, Reason> {
        unpack(&[&length.to_le_bytes(), block].concat(), 1_000)
    }

    #[test]
    fn literals_and_copies_are_unpacked() {
        assert_eq!(of(3, b"\x30abc").unwrap(), b"abc");
        // `ab`, then ten bytes from two before, then `!`.
        assert_eq!(of(13, b"\x26ab\x02\x00\x10!").unwrap(), b"abababababab!");
        let long = [&b"\xf0\x05"[..], &[b'x'; 20]].concat();
        assert_eq!(of(20, &long).unwrap(), [b'x'; 20]);
    }

    #[test]
    fn what_is_damaged_or_too_large_is_refused() {
        for bad in [
            &b"\x30ab"[..],
            b"\x26ab\x03\x00",
            b"\x26ab\x00\x00",
            b"\xff",
            b"\x20ab",
            b"",
        ] {
            assert_eq!(of(3, bad), Err(Reason::Malformed), "{bad:?}");
        }
        assert_eq!(of(1_001, b"\x30abc"), Err(Reason::TooLarge));
        assert_eq!(unpack(b"1234", 10), Err(Reason::Malformed));
    }

    proptest::proptest! {
        #[test]
        fn no_block_makes_it_panic_or_grow(block in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), length in 0u64..1_200) {
            if let Ok(text) = of(length, &block) {
                proptest::prop_assert!(text.len() <= 1_000);
            }
        }
    }
}
