//! Names within a message of the name system (RFC 1035 §4.1.4): one reader for whoever meets such a message.

/// Longest name that is read, with its dots.
pub const NAME_BYTES: usize = 255;
/// Pointers that are followed for one name.
const POINTERS_MAX: u32 = 16;

/// Reads the name at `at` of `message`, with dots and without the last one; where what follows it begins. Empty for the
/// root. A pointer must lead backwards, and often enough ends it. A dot within a label (an instance of a service may have
/// one) becomes a dash, so that labels stay apart.
pub fn read(message: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    let mut name = Vec::new();
    let mut after = None;
    let mut at = at;
    let mut pointers = 0;
    loop {
        let length = *message.get(at)?;
        match length {
            0 => break,
            1..=63 => {
                let label = message.get(at + 1..at + 1 + usize::from(length))?;
                if !name.is_empty() {
                    name.push(b'.');
                }
                name.extend(label.iter().map(|b| if *b == b'.' { b'-' } else { *b }));
                if name.len() > NAME_BYTES {
                    return None;
                }
                at += 1 + usize::from(length);
            }
            0xc0.. => {
                let to = usize::from(length & 0x3f) << 8 | usize::from(*message.get(at + 1)?);
                pointers += 1;
                if to >= at || pointers > POINTERS_MAX {
                    return None;
                }
                after = after.or(Some(at + 2));
                at = to;
            }
            _ => return None,
        }
    }
    Some((name, after.unwrap_or(at + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_on_where_a_pointer_leads() {
        let message = b"\x07Example\x00\x03www\xc0\x00\x01";
        assert_eq!(read(message, 0), Some((b"Example".to_vec(), 9)));
        assert_eq!(read(message, 9), Some((b"www.Example".to_vec(), 15)));
        assert_eq!(read(b"\x00", 0), Some((Vec::new(), 1)), "the root");
    }

    #[test]
    fn a_label_with_a_dot_stays_one_label() {
        assert_eq!(read(b"\x03a.b\x01c\x00", 0).unwrap().0, b"a-b.c");
    }

    #[test]
    fn circles_ladders_and_stumps_end() {
        assert_eq!(read(b"\xc0\x00", 0), None, "at itself");
        assert_eq!(read(b"\x01a\xc0\x04\xc0\x00", 0), None, "forwards");
        assert_eq!(read(b"\x05ab", 0), None, "cut off");
        let ladder: Vec<u8> = (0..40u8)
            .flat_map(|step| [0xc0, step.saturating_sub(1) * 2])
            .collect();
        assert_eq!(read(&ladder, 78), None);
        let long = [&[63; 64][..]; 5].concat();
        assert_eq!(read(&long, 0), None, "longer than any name");
    }
}
