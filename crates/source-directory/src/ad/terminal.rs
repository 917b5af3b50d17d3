//! Homes and profiles for Remote Desktop as `userParameters` holds them ([MS-TSTS] 2.2.1.1): what Terminal Services wrote
//! before there were attributes of their own, and what the console writes to this day.
//!
//! The attribute is a text to LDAP and a structure to Windows: 48 letters of other programs, `P`, the number of properties,
//! then name, value and their lengths, counted in bytes of UTF-16. A value is written in hexadecimal digits, two in one letter.

/// Letters before the structure begins: those of dial-in and of older servers. Never looked at.
const RESERVED: usize = 48;
const SIGNATURE: u16 = 0x50;
/// Properties that are read; Windows writes some ten.
const PROPERTIES_MAX: u16 = 200;
/// Units of UTF-16 of a value; a path has at most 260 letters of two digits each.
const VALUE_MAX: usize = 2_048;

/// Properties that hold a path, and the attribute they are told as.
const PATHS: [(&str, &str); 2] = [
    ("CtxWFHomeDir", "CtxWFHomeDir"),
    ("CtxWFProfilePath", "CtxWFProfilePath"),
];

/// The paths in a value of `userParameters`, each with what it is for. None for anything that is not built so.
pub(crate) fn paths(text: &str) -> Vec<(&'static str, String)> {
    let units: Vec<u16> = text.encode_utf16().take(64 << 10).collect();
    let Some([SIGNATURE, count, rest @ ..]) = units.get(RESERVED..) else {
        return Vec::new();
    };
    let mut rest = rest;
    let mut out: Vec<(&str, String)> = Vec::new();
    for _ in 0..(*count).min(PROPERTIES_MAX) {
        let Some((name, value, behind)) = property(rest) else {
            break;
        };
        rest = behind;
        let Ok(name) = String::from_utf16(name) else {
            continue;
        };
        // `…W` holds the same in letters of two bytes.
        let wide = name.strip_suffix('W');
        let known = PATHS
            .iter()
            .find(|(path, _)| *path == wide.unwrap_or(&name));
        let path = known.and_then(|(_, told)| Some((*told, decoded(value, wide.is_some())?)));
        out.extend(path.filter(|found| !out.contains(found)));
    }
    out
}

/// The name and the value of the first property, and what stands behind it.
fn property(units: &[u16]) -> Option<(&[u16], &[u16], &[u16])> {
    let [name, value, _kind, rest @ ..] = units else {
        return None;
    };
    let (name, rest) = rest.split_at_checked(usize::from(*name) / 2)?;
    let (value, rest) = rest.split_at_checked(usize::from(*value) / 2)?;
    Some((name, value, rest))
}

/// What the digits of a value mean; `None` where they are none, or mean nothing.
fn decoded(value: &[u16], wide: bool) -> Option<String> {
    let digits: Vec<u8> = value
        .get(..value.len().min(VALUE_MAX))?
        .iter()
        .flat_map(|unit| unit.to_le_bytes())
        .filter(|byte| *byte != 0)
        .collect();
    let pairs = digits.chunks_exact(2).map(|pair| {
        let text = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(text, 16).ok()
    });
    let bytes: Vec<u8> = pairs.collect::<Option<_>>()?;
    // A home without the property of its own for two bytes may hold them all the same.
    let wide = wide || bytes.get(1) == Some(&0);
    let text = match wide {
        true => {
            let units = bytes.chunks_exact(2).map(|pair| {
                u16::from_le_bytes([*pair.first().unwrap_or(&0), *pair.last().unwrap_or(&0)])
            });
            String::from_utf16_lossy(&units.collect::<Vec<_>>())
        }
        false => String::from_utf8_lossy(&bytes).into_owned(),
    };
    let text = text.split('\0').next().unwrap_or_default().trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A value of the attribute, as the structure is published.
    pub(crate) fn parameters(properties: &[(&str, &[u8])]) -> String {
        let mut units: Vec<u16> = "CtxCfgPresent of a dial-in"
            .encode_utf16()
            .chain(std::iter::repeat(32))
            .take(RESERVED)
            .collect();
        units.extend([SIGNATURE, u16::try_from(properties.len()).unwrap()]);
        for (name, value) in properties {
            let digits: Vec<u8> = value
                .iter()
                .flat_map(|b| format!("{b:02x}").into_bytes())
                .collect();
            let letters: Vec<u16> = digits
                .chunks_exact(2)
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                .collect();
            let lengths = [name.len() * 2, letters.len() * 2, 1];
            units.extend(lengths.map(|length| u16::try_from(length).unwrap()));
            units.extend(name.encode_utf16());
            units.extend(letters);
        }
        String::from_utf16(&units).unwrap()
    }

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16()
            .chain([0])
            .flat_map(u16::to_le_bytes)
            .collect()
    }

    #[test]
    fn homes_and_profiles_are_read_and_nothing_else() {
        let text = parameters(&[
            ("CtxCfgPresent", &[0x51, 0x1b, 0x55, 0xb0]),
            ("CtxWFHomeDir", b"\\\\ts1\\home\\anna\0"),
            ("CtxWFHomeDirDrive", b"H:\0"),
            ("CtxWFProfilePathW", &wide("\\\\ts2\\profiles\\anna")),
            ("CtxInitialProgram", b"canary\0"),
        ]);
        assert_eq!(
            paths(&text),
            [
                ("CtxWFHomeDir", r"\\ts1\home\anna".to_owned()),
                ("CtxWFProfilePath", r"\\ts2\profiles\anna".to_owned())
            ]
        );
    }

    #[test]
    fn what_is_built_otherwise_names_nobody() {
        assert!(paths("").is_empty());
        assert!(paths(&" ".repeat(48)).is_empty());
        assert!(paths(r"\\files1\home\anna").is_empty());
        assert!(paths(&parameters(&[("CtxWFHomeDir", b"\0")])).is_empty());
        let cut: String = parameters(&[("CtxWFHomeDir", b"\\\\ts1\\home\\anna\0")])
            .chars()
            .take(60)
            .collect();
        assert!(paths(&cut).is_empty());
    }

    #[test]
    fn no_text_brings_it_down() {
        let text = parameters(&[
            ("CtxWFHomeDir", b"\\\\ts1\\home\\anna\0"),
            ("CtxWFProfilePath", b"x\0"),
        ]);
        groma_fuzz::hammer(10_000, &[text.as_bytes()], |bytes| {
            let _ = paths(&String::from_utf8_lossy(bytes));
        });
    }
}
