//! PEM blocks out of any text (RFC 7468, and the older headers of RFC 1421).
//!
//! Tolerant of what stands around the blocks, of CRLF and of indentation (inline blocks in other
//! programs' configuration); strict about what stands inside them.

/// More blocks than this in one file are not read.
const BLOCKS_MAX: usize = 4_096;
/// Longest label that is believed.
const LABEL_MAX: usize = 64;

/// A block's label and its decoded bytes.
pub(crate) struct Block {
    /// The words between `BEGIN` and the dashes.
    pub(crate) label: String,
    /// The decoded bytes, or `None` if the inside is encrypted or not base64, or the end is missing.
    pub(crate) bytes: Option<Vec<u8>>,
}

/// True if `bytes` hold the beginning of a block somewhere.
pub(crate) fn is_likely(bytes: &[u8]) -> bool {
    bytes.windows(11).any(|w| w == b"-----BEGIN ")
}

/// Every block in `bytes`, in order; `true` if there were more than are read.
pub(crate) fn blocks(bytes: &[u8]) -> (Vec<Block>, bool) {
    let mut found = Vec::new();
    let mut open: Option<Open> = None;
    for line in bytes.split(|&b| b == b'\n') {
        let line = line.trim_ascii();
        if let Some(label) = label_of(line, b"-----BEGIN ") {
            if found.len() >= BLOCKS_MAX {
                return (found, true);
            }
            found.extend(open.replace(Open::new(label)).map(Open::cut_short));
        } else if let Some(label) = label_of(line, b"-----END ") {
            found.extend(open.take().map(|o| {
                if o.label == label {
                    o.close()
                } else {
                    o.cut_short()
                }
            }));
        } else if let Some(open) = &mut open {
            open.add(line);
        }
    }
    found.extend(open.map(Open::cut_short));
    (found, false)
}

fn label_of(line: &[u8], start: &[u8]) -> Option<String> {
    let label = line.strip_prefix(start)?.strip_suffix(b"-----")?;
    let fits = label.len() <= LABEL_MAX && label.iter().all(|b| b.is_ascii_graphic() || *b == b' ');
    fits.then(|| String::from_utf8_lossy(label).into_owned())
}

struct Open {
    label: String,
    text: Vec<u8>,
    encrypted: bool,
}

impl Open {
    fn new(label: String) -> Self {
        Self {
            label,
            text: Vec::new(),
            encrypted: false,
        }
    }

    fn add(&mut self, line: &[u8]) {
        match line.contains(&b':') {
            true => {
                self.encrypted |= line.starts_with(b"Proc-Type:") && line.ends_with(b"ENCRYPTED")
            }
            false if line.starts_with(b"DEK-Info") => {}
            false => self.text.extend_from_slice(line),
        }
    }

    fn close(self) -> Block {
        let bytes = if self.encrypted {
            None
        } else {
            base64(&self.text)
        };
        Block {
            label: self.label,
            bytes,
        }
    }

    fn cut_short(self) -> Block {
        Block {
            label: self.label,
            bytes: None,
        }
    }
}

/// Decodes base64 without white space (RFC 4648 §4); padding may be missing.
pub(crate) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.iter().rposition(|&b| b != b'=').map_or(0, |at| at + 1);
    let text = text.get(..end)?;
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    for group in text.chunks(4) {
        let mut sum = 0u32;
        for &digit in group {
            sum = sum << 6 | u32::from(value(digit)?);
        }
        let [_, a, b, c] = (sum << (6 * (4 - group.len()))).to_be_bytes();
        match group.len() {
            4 => bytes.extend_from_slice(&[a, b, c]),
            3 => bytes.extend_from_slice(&[a, b]),
            2 => bytes.push(a),
            _ => return None,
        }
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_in_the_middle_of_other_text() {
        let text = b"client\r\n<ca>\r\n  -----BEGIN CERTIFICATE-----\r\n  aGVsbG8=\r\n  -----END CERTIFICATE-----\r\n</ca>\r\n";
        let (found, more) = blocks(text);
        assert!(!more);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].label.as_str(), found[0].bytes.as_deref()),
            ("CERTIFICATE", Some(&b"hello"[..]))
        );
    }

    #[test]
    fn a_block_without_an_end_is_kept_as_broken() {
        let text = b"-----BEGIN CERTIFICATE-----\naGVs\n-----BEGIN X-----\naGVs\n-----END X-----\n-----BEGIN Y-----\n";
        let labels: Vec<_> = blocks(text)
            .0
            .iter()
            .map(|b| (b.label.clone(), b.bytes.is_some()))
            .collect();
        assert_eq!(
            labels,
            [
                ("CERTIFICATE".into(), false),
                ("X".into(), true),
                ("Y".into(), false)
            ]
        );
    }

    #[test]
    fn an_old_encrypted_key_is_known_by_its_header() {
        let text = b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\naGVs\n-----END RSA PRIVATE KEY-----\n";
        let (found, _) = blocks(text);
        assert!(found[0].bytes.is_none());
        let clear = String::from_utf8_lossy(text).replace("4,ENCRYPTED", "4,MIC-CLEAR");
        assert!(blocks(clear.as_bytes()).0[0].bytes.is_some());
    }

    #[test]
    fn base64_says_no_to_foreign_letters() {
        assert_eq!(base64(b"aGVsbG8").as_deref(), Some(&b"hello"[..]));
        assert_eq!(base64(b"").as_deref(), Some(&b""[..]));
        assert!(base64(b"aGV*").is_none() && base64(b"a").is_none() && base64(b"aG=V").is_none());
    }
}
