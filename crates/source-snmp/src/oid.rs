//! Names of managed objects: object identifiers (X.660), as BER writes them (X.690 §8.19).

use std::fmt;

/// RFC 2578 §3.5: no name has more parts.
const PARTS_MAX: usize = 128;

/// The name of a managed object. The order is that of the tables (RFC 3416 §4.2.2).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Oid(Vec<u32>);

impl Oid {
    /// Reads `1.3.6.1.2.1.1.1.0`, with or without a dot before it.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('.').unwrap_or(text);
        let parts: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
        parts.filter(|parts| is_name(parts)).map(Self)
    }

    /// Its parts.
    pub fn parts(&self) -> &[u32] {
        &self.0
    }

    /// What follows `root`, if it stands below it.
    pub fn below(&self, root: &Self) -> Option<&[u32]> {
        self.0.strip_prefix(root.0.as_slice())
    }

    /// The name with more parts behind it.
    #[must_use]
    pub fn with(&self, parts: &[u32]) -> Self {
        Self([&self.0[..], parts].concat())
    }

    /// Its content octets.
    pub fn encoded(&self) -> Vec<u8> {
        let (first, rest) = match self.0.as_slice() {
            [first, second, rest @ ..] => (first.saturating_mul(40).saturating_add(*second), rest),
            _ => (0, &[][..]),
        };
        let mut out = Vec::with_capacity(rest.len() + 2);
        for part in std::iter::once(&first).chain(rest) {
            push(&mut out, *part);
        }
        out
    }

    /// Reads content octets.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut parts = Vec::with_capacity(bytes.len() + 1);
        let mut part: u32 = 0;
        for byte in bytes {
            if part > u32::MAX >> 7 || parts.len() >= PARTS_MAX {
                return None;
            }
            part = (part << 7) | u32::from(byte & 0x7f);
            if byte & 0x80 != 0 {
                continue;
            }
            if parts.is_empty() {
                let first = (part / 40).min(2);
                parts.extend([first, part - first * 40]);
            } else {
                parts.push(part);
            }
            part = 0;
        }
        let ends = bytes.last().is_some_and(|last| last & 0x80 == 0);
        ends.then_some(Self(parts))
    }
}

fn is_name(parts: &[u32]) -> bool {
    match parts {
        [first, second, ..] => {
            parts.len() <= PARTS_MAX && *first <= 2 && (*first == 2 || *second < 40)
        }
        _ => false,
    }
}

fn push(out: &mut Vec<u8>, part: u32) {
    for shift in [28, 21, 14, 7] {
        if part >> shift != 0 {
            out.push(0x80 | u8::try_from((part >> shift) & 0x7f).unwrap_or_default());
        }
    }
    out.push(u8::try_from(part & 0x7f).unwrap_or_default());
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(".")?;
            }
            write!(f, "{part}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_as_the_standard_has_it_and_read_back() {
        let oid = Oid::parse("1.3.6.1.4.1.8072.3.2.10").unwrap();
        assert_eq!(oid.encoded(), b"\x2b\x06\x01\x04\x01\xbf\x08\x03\x02\x0a");
        for text in ["1.3.6.1.2.1.1.1.0", "2.999.3", "0.0", "1.3.4294967295.0"] {
            let oid = Oid::parse(text).unwrap();
            assert_eq!(Oid::decode(&oid.encoded()), Some(oid), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_none() {
        for text in [
            "",
            "1",
            "3.1.2",
            "1.40.1",
            "1.3.x",
            "1.3.4294967296",
            "1..3",
        ] {
            assert_eq!(Oid::parse(text), None, "{text}");
        }
        for bytes in [
            &b""[..],
            b"\x2b\x86",
            b"\x2b\xff\xff\xff\xff\x7f",
            &[1; 200],
        ] {
            assert_eq!(Oid::decode(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn tables_are_in_the_order_of_numbers() {
        let oid = |text| Oid::parse(text).unwrap();
        assert!(oid("1.3.6.9") < oid("1.3.6.10") && oid("1.3.6") < oid("1.3.6.0"));
        assert_eq!(oid("1.3.6.1.7").below(&oid("1.3.6")), Some(&[1, 7][..]));
        assert_eq!(oid("1.3.7").below(&oid("1.3.6")), None);
    }
}
