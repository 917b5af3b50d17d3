//! Texts of devices: somebody typed them, or a maker did.

/// Longest text that is told.
const TEXT_MAX: usize = 128;
/// Words after which a password may follow.
const TELLTALE: [&str; 6] = [
    "password",
    "passwort",
    "passwd",
    "kennwort",
    "community",
    "secret",
];

/// A text as it may be told: without what a terminal obeys, on one line, not too long; nothing if it is empty, or if
/// somebody wrote a password down there.
pub(crate) fn clean(octets: &[u8]) -> Option<String> {
    // SnmpAdminString is UTF-8 (RFC 3411); what is none is older, and Latin-1 where it was typed in the west.
    let text = match std::str::from_utf8(octets) {
        Ok(text) => text.to_owned(),
        Err(_) => octets.iter().copied().map(char::from).collect(),
    };
    let line = text
        .split(['\r', '\n', '\0'])
        .find(|line| !line.trim().is_empty())?;
    let plain: String = line
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(TEXT_MAX)
        .collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let plain = words.join(" ");
    let low = plain.to_lowercase();
    let tells = TELLTALE.iter().any(|word| low.contains(word));
    (!plain.is_empty() && !tells).then_some(plain)
}

/// What a printer says to whoever plugs it in.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct PortIdentity {
    pub(crate) maker: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) serial: Option<String>,
}

/// Reads `MFG:…;MDL:…;CLS:…;` (IEEE 1284, clause 6); two octets of length may stand before it.
pub(crate) fn ieee1284(octets: &[u8]) -> PortIdentity {
    let text = String::from_utf8_lossy(octets);
    let mut identity = PortIdentity::default();
    for pair in text.split(';').take(64) {
        let Some((key, value)) = pair.split_once(':') else {
            continue;
        };
        let value = clean(value.as_bytes());
        let key = key.trim_matches(|c: char| !c.is_ascii_alphabetic());
        // The two octets of length may be letters.
        let is = |names: [&str; 3]| {
            names
                .iter()
                .any(|name| !name.is_empty() && key.ends_with(name))
        };
        if is(["MFG", "MANUFACTURER", ""]) {
            identity.maker = identity.maker.or(value);
        } else if is(["MDL", "MODEL", ""]) {
            identity.model = identity.model.or(value);
        } else if is(["SN", "SERN", "SERIALNUMBER"]) {
            identity.serial = identity.serial.or(value);
        }
    }
    identity
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_line_that_no_terminal_obeys() {
        assert_eq!(
            clean(b"  room\t3 \x1b[2J\r\nsecond").as_deref(),
            Some("room 3 [2J")
        );
        assert_eq!(clean(b"\0\0"), None);
        assert_eq!(clean(b"B\xfcro 3").as_deref(), Some("Büro 3"));
        assert_eq!(clean(&[b'x'; 4_000]).map(|text| text.len()), Some(TEXT_MAX));
        assert_eq!(clean(b"admin password: hunter2"), None);
    }

    #[test]
    fn what_a_printer_says_at_its_port_is_read() {
        let read = ieee1284(b"\x00\x5cMFG:RICOH;CMD:PJL,PCL,PS;MDL:MP C3003;CLS:PRINTER;SN:E154M;");
        assert_eq!(read.maker.as_deref(), Some("RICOH"));
        assert_eq!(read.model.as_deref(), Some("MP C3003"));
        assert_eq!(read.serial.as_deref(), Some("E154M"));
        let long = ieee1284(b"MANUFACTURER:Lexmark International;COMMAND SET:PJL;MODEL:Lexmark MX611;CLASS:PRINTER;");
        assert_eq!(long.model.as_deref(), Some("Lexmark MX611"));
        assert_eq!(ieee1284(b"::;;;MFG"), PortIdentity::default());
    }
}
