//! The little of BER (ITU-T X.690) that LDAP and SNMP use: definite lengths, low tags, a bounded depth.

/// One tag, length and value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Element<'a> {
    /// The identifier octet: class, form and number.
    pub tag: u8,
    /// The content octets.
    pub value: &'a [u8],
}

impl Element<'_> {
    fn is_constructed(&self) -> bool {
        self.tag & 0x20 != 0
    }
}

/// What stands at the begin of some bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Head {
    /// Fewer bytes than a header has.
    Incomplete,
    /// No header of ours: a long tag, an indefinite length, or a length of more than four octets.
    Broken,
    /// A header of `header` bytes announces `length` bytes of content.
    Announces {
        /// Octets of the header itself.
        header: usize,
        /// Octets that follow it.
        length: usize,
    },
}

/// Reads the header at the begin of `bytes`.
pub fn head(bytes: &[u8]) -> Head {
    let (Some(tag), Some(first)) = (bytes.first(), bytes.get(1)) else {
        return Head::Incomplete;
    };
    if tag & 0x1f == 0x1f {
        return Head::Broken;
    }
    if first & 0x80 == 0 {
        return Head::Announces {
            header: 2,
            length: usize::from(*first),
        };
    }
    let octets = usize::from(first & 0x7f);
    if !(1..=4).contains(&octets) {
        return Head::Broken;
    }
    let Some(digits) = bytes.get(2..2 + octets) else {
        return Head::Incomplete;
    };
    let length = digits
        .iter()
        .fold(0_usize, |sum, digit| (sum << 8) | usize::from(*digit));
    Head::Announces {
        header: 2 + octets,
        length,
    }
}

/// The first element of `bytes` and what follows it; `None` if it is not whole.
pub fn element(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let Head::Announces { header, length } = head(bytes) else {
        return None;
    };
    let end = header.checked_add(length)?;
    let element = Element {
        tag: *bytes.first()?,
        value: bytes.get(header..end)?,
    };
    Some((element, bytes.get(end..)?))
}

/// All elements of `bytes`, at most `limit`; `None` if they do not fill it exactly.
pub fn elements(mut bytes: &[u8], limit: usize) -> Option<Vec<Element<'_>>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let (next, rest) = element(bytes)?;
        if all.len() >= limit {
            return None;
        }
        all.push(next);
        bytes = rest;
    }
    Some(all)
}

/// True if everything in `bytes` is well-formed, at most `depth` deep and `left` elements in all.
pub fn is_sound(mut bytes: &[u8], depth: usize, left: &mut usize) -> bool {
    while !bytes.is_empty() {
        let Some((next, rest)) = element(bytes) else {
            return false;
        };
        if *left == 0 || depth == 0 {
            return false;
        }
        *left -= 1;
        if next.is_constructed() && !is_sound(next.value, depth - 1, left) {
            return false;
        }
        bytes = rest;
    }
    true
}
