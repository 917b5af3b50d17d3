//! What a file is, by its first bytes: PST and OST ([MS-PST] 2.2.2.6), NSF, mbox, MBX, DBX, OLM, a letter.

/// Bytes at the begin of a file that tell what it is.
pub(super) const HEAD_BYTES: usize = 4096;

/// A database of Notes and Domino.
const NSF: &[u8] = &[0x1a, 0, 0, 4, 0, 0];
/// A mailbox of Outlook Express.
const DBX: &[u8] = &[0xcf, 0xad, 0x12, 0xfe];
/// A mailbox of UW-IMAP.
const MBX: &[u8] = b"*mbx*\r\n";
/// A ZIP file: what Outlook for Mac exports is one.
const ZIP: &[u8] = b"PK\x03\x04";

/// Fields of which a mailbox's first message has at least two.
const FIELDS: &[&[u8]] = &[
    b"from:",
    b"date:",
    b"to:",
    b"subject:",
    b"received:",
    b"message-id:",
    b"return-path:",
    b"delivered-to:",
    b"x-mozilla-status:",
    b"status:",
    b"x-uid:",
    b"mime-version:",
];

/// What the first bytes say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Format {
    /// A word of `Archive::format`.
    pub(super) name: &'static str,
    /// A word of `Archive::variant`.
    pub(super) variant: Option<&'static str>,
    /// A word of `Archive::encryption`.
    pub(super) encryption: Option<&'static str>,
    /// True if the header's own check sum is wrong.
    pub(super) damaged: bool,
}

impl Format {
    pub(super) fn named(name: &'static str) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }
}

/// What a file with this ending and these first bytes is; `None` for something else that happens to be called so.
pub(super) fn format(ending: &str, head: &[u8]) -> Option<Format> {
    match () {
        () if head.starts_with(b"!BDN") => outlook(head),
        () if head.starts_with(NSF) => Some(Format::named("nsf")),
        () if head.starts_with(DBX) => Some(Format::named("dbx")),
        () if head.starts_with(MBX) => Some(Format::named("mbx")),
        () if ending == "olm" && head.starts_with(ZIP) => Some(Format::named("olm")),
        () if is_mailbox(head) => Some(Format {
            variant: carries_length(head).then_some("mboxcl"),
            ..Format::named("mbox")
        }),
        () => None,
    }
}

fn outlook(head: &[u8]) -> Option<Format> {
    let name = match head.get(8..10)? {
        b"SM" => "pst",
        b"SO" => "ost",
        _ => return None,
    };
    // wVer; where bCryptMethod stands follows from it.
    let (variant, crypt_at) = match word(head, 10)? {
        14 | 15 => ("ansi", 461),
        36 => ("unicode-4k", 513),
        // 21 and 23 are written by Outlook, 37 by Windows Information Protection.
        20..=37 => ("unicode", 513),
        _ => return None,
    };
    let encryption = match head.get(crypt_at)? {
        0 => "none",
        1 => "permute",
        2 => "cyclic",
        0x10 => "edp",
        _ => "unknown",
    };
    let sum = u32::from(word(head, 4)?) | (u32::from(word(head, 6)?) << 16);
    Some(Format {
        name,
        variant: Some(variant),
        encryption: Some(encryption),
        // dwCRCPartial stands for the 471 bytes from wMagicClient on.
        damaged: sum != checksum(head.get(8..479)?),
    })
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(pair.try_into().ok()?))
}

/// The sum of [MS-PST] 5.3: CRC-32 with neither the first nor the last inversion.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, byte| {
        let mut sum = sum ^ u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg());
        }
        sum
    })
}

/// True if these bytes begin a mailbox (mbox(5), RFC 4155): `From …`, and fields of a message behind it.
pub(super) fn is_mailbox(head: &[u8]) -> bool {
    let mut lines = head.split(|b| *b == b'\n').map(trimmed);
    lines.next().is_some_and(is_separator) && has_fields(lines)
}

/// True if these bytes begin a letter kept by itself (`.eml`); Apple's begin with a line that is the length of the letter.
pub(super) fn is_letter(head: &[u8]) -> bool {
    let digits = head.iter().take_while(|b| b.is_ascii_digit()).count();
    let letter = match head.get(digits..) {
        Some(rest) if digits > 0 => rest.trim_ascii_start(),
        _ => head,
    };
    has_fields(letter.split(|b| *b == b'\n').map(trimmed))
}

fn has_fields<'a>(lines: impl Iterator<Item = &'a [u8]>) -> bool {
    let header: Vec<&[u8]> = lines.take_while(|line| !line.is_empty()).collect();
    let known = |line: &&&[u8]| {
        let start = line.get(..20.min(line.len())).unwrap_or_default();
        let start = start.to_ascii_lowercase();
        FIELDS.iter().any(|field| start.starts_with(field))
    };
    header.first().is_some_and(|line| is_field(line)) && header.iter().filter(known).count() >= 2
}

/// `From ADDRESS DATE`, where the date has a year and a time of day; programs of Mozilla write `From ` or `From -`.
fn is_separator(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else {
        return line == b"From";
    };
    let clock = |word: &[u8]| {
        word.len() >= 4
            && word.contains(&b':')
            && word.iter().all(|b| b.is_ascii_digit() || *b == b':')
    };
    let year = |word: &[u8]| word.len() == 4 && word.iter().all(u8::is_ascii_digit);
    let words = || rest.split(u8::is_ascii_whitespace);
    rest.is_empty() || rest == b"-" || (words().any(clock) && words().any(year))
}

/// `Name: …`, with a name of printable letters (RFC 5322 §2.2).
fn is_field(line: &[u8]) -> bool {
    let name = line.split(|b| *b == b':').next().unwrap_or_default();
    let printable = name.iter().all(|b| (33..=126).contains(b));
    !name.is_empty() && name.len() < line.len() && name.len() <= 76 && printable
}

fn carries_length(head: &[u8]) -> bool {
    let mut header = head.split(|b| *b == b'\n').map(trimmed).skip(1);
    let is_length = |line: &[u8]| {
        let name = line.get(..15).unwrap_or_default();
        name.eq_ignore_ascii_case(b"content-length:")
    };
    header
        .by_ref()
        .take_while(|line| !line.is_empty())
        .any(is_length)
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The head of a PST or OST, made by the letter of [MS-PST].
    pub(in crate::archives) fn made(version: u16, client: &[u8; 2], crypt: u8) -> Vec<u8> {
        let mut head = vec![0_u8; 564];
        head[..4].copy_from_slice(b"!BDN");
        head[8..10].copy_from_slice(client);
        head[10..12].copy_from_slice(&version.to_le_bytes());
        head[if version <= 15 { 461 } else { 513 }] = crypt;
        let sum = checksum(&head[8..479]);
        head[4..8].copy_from_slice(&sum.to_le_bytes());
        head
    }

    #[test]
    fn the_header_tells_variant_encryption_and_kind() {
        let said = |head: &[u8]| {
            let format = format("pst", head).unwrap();
            (
                format.name,
                format.variant.unwrap(),
                format.encryption.unwrap(),
                format.damaged,
            )
        };
        assert_eq!(
            said(&made(23, b"SM", 1)),
            ("pst", "unicode", "permute", false)
        );
        assert_eq!(said(&made(15, b"SM", 2)), ("pst", "ansi", "cyclic", false));
        assert_eq!(
            said(&made(36, b"SO", 0)),
            ("ost", "unicode-4k", "none", false)
        );
        let mut broken = made(23, b"SM", 1);
        broken[100] ^= 1;
        assert!(format("pst", &broken).unwrap().damaged);
    }

    #[test]
    fn something_else_with_that_name_is_no_archive() {
        assert_eq!(
            format("pst", b"PK\x03\x04 a workbook renamed to .pst"),
            None
        );
        assert_eq!(format("pst", b"!BDN"), None);
        assert_eq!(
            format("pst", &made(23, b"AB", 0)),
            None,
            "an address book of the same family"
        );
        assert_eq!(
            format("mbx", b"MZ a program"),
            None,
            "MapBasic calls programs so"
        );
        assert_eq!(
            format("mbox", b"From here on, everything is different.\n\n"),
            None
        );
        assert!(!is_letter(b"key: value\nother: thing\n\n"));
    }

    #[test]
    fn mailboxes_and_letters_are_known_by_their_fields() {
        let text =
            b"From - Fri Nov 20 09:00:00 2026\r\nX-Mozilla-Status: 0001\r\nFrom: a@b\r\n\r\n";
        assert_eq!(format("", text), Some(Format::named("mbox")));
        let long = b"From a Fri Nov 20 09:00:00 2026\nFrom: a\nContent-Length: 4\nTo: b\n\nabc\n";
        assert_eq!(format("", long).unwrap().variant, Some("mboxcl"));
        assert!(is_letter(b"From: a@b\r\nSubject: c\r\n\r\n"));
        assert!(is_letter(b"123\nFrom: a@b\nSubject: c\n\n"));
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let wide = made(23, b"SM", 1);
        let mail: &[u8] = b"From - \nFrom: a\nDate: b\nContent-Length: 3\n\n";
        groma_fuzz::hammer(2000, &[&wide, mail], |bytes| {
            format("pst", bytes);
            is_letter(bytes);
        });
    }
}
