//! What makers write into a machine's SMBIOS where a UUID of its own should stand.

/// What some makers of boards burn into every board, in the two orders of bytes it is read in (SMBIOS 2.6 §7.2.1).
const OF_EVERY_BOARD: [&str; 2] = [
    "03000200040005000006000700080009",
    "00020003000400050006000700080009",
];

/// True for a UUID, in whatever writing, that tells no machine from another: one byte again and again (all zeros, all `f`,
/// `11111111-…`), or the one that stands in every board of some makers.
pub fn is_placeholder(uuid: &str) -> bool {
    let digits = uuid.bytes().filter(u8::is_ascii_hexdigit);
    let digits: Vec<u8> = digits.map(|digit| digit.to_ascii_lowercase()).collect();
    let first = digits.get(..2);
    let is_one_byte = digits.chunks(2).all(|byte| Some(byte) == first);
    is_one_byte || OF_EVERY_BOARD.iter().any(|one| one.as_bytes() == digits)
}

/// What makers leave where something should stand.
const JUNK: &[&str] = &[
    "to be filled by o.e.m.",
    "to be filled by o.e.m",
    "default string",
    "not specified",
    "not available",
    "not applicable",
    "none",
    "n/a",
    "na",
    "unknown",
    "system serial number",
    "system product name",
    "system manufacturer",
    "system version",
    "base board serial number",
    "chassis serial number",
    "serial number",
    "oem",
    "o.e.m.",
    "invalid",
    "empty",
    "undefined",
    "123456789",
    "1234567890",
    "0123456789",
    "xxxxxxxxxx",
    "not set",
    "sernum",
    "type1productconfigid",
    "all series",
];

/// A text of the firmware, or `None` for the junk that makers leave in it.
pub fn text(text: &str) -> Option<String> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let mut letters = lower
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '.' | '_'));
    let first = letters.next();
    let flat = letters.all(|c| Some(c) == first);
    let junk = JUNK.contains(&lower.as_str()) || lower.starts_with("to be filled");
    (!junk && !flat && text.chars().all(|c| !c.is_control())).then(|| text.to_owned())
}

/// A UUID as the guest reads it, lower case with dashes; all zeros, all ones and other junk is none.
pub fn uuid(text: &str) -> Option<String> {
    let groups: Vec<&str> = text.split('-').collect();
    let shape = groups.iter().map(|g| g.len()).eq([8, 4, 4, 4, 12]);
    let digits: String = groups.concat().to_ascii_lowercase();
    let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
    let own = !is_placeholder(&digits);
    (shape && hex && own).then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_that_many_machines_have_is_a_placeholder() {
        for text in [
            "00000000-0000-0000-0000-000000000000",
            "{FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF}",
            "12121212-1212-1212-1212-121212121212",
            "03000200-0400-0500-0006-000700080009",
            "00020003-0004-0005-0006-000700080009",
            "",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in [
            "4c4c4544-004d-3510-8052-b4c04f4a3332",
            "12121212-1212-1212-1212-121212121213",
            "03000200-0400-0500-0006-000700080008",
        ] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
