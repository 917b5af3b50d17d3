//! What a device says of itself, fit to be kept: one line, bounded, nothing that stands for nothing.

/// Letters one word may have.
const LETTERS_MAX: usize = 120;

/// `text` on one line without control characters; `None` if nothing is left.
pub(crate) fn plain(text: &str) -> Option<String> {
    let shown: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control())
        .take(LETTERS_MAX)
        .collect();
    let shown = shown.split(' ').filter(|word| !word.is_empty());
    let shown = shown.collect::<Vec<_>>().join(" ");
    let is_nothing = matches!(
        shown.to_lowercase().as_str(),
        "" | "unknown" | "none" | "n/a" | "0" | "null" | "not specified"
    );
    (!is_nothing).then_some(shown)
}

/// A UUID, lower case with dashes; all zeros are none.
pub(crate) fn uuid(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let bare = text.strip_prefix("urn:").unwrap_or(&text);
    let bare = bare.strip_prefix("uuid:").unwrap_or(bare);
    let bare = bare.split("::").next().unwrap_or_default();
    let fits = bare.len() == 36
        && bare.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    let says = bare.bytes().any(|byte| !matches!(byte, b'0' | b'-'));
    (fits && says).then(|| bare.to_owned())
}

/// The model without the maker before it.
pub(crate) fn without_maker(model: &str, maker: Option<&str>) -> Option<String> {
    let rest = maker.and_then(|maker| {
        let head = model.get(..maker.len())?;
        let rest = model.get(maker.len()..)?;
        (head.eq_ignore_ascii_case(maker) && rest.starts_with(' ')).then_some(rest)
    });
    plain(rest.unwrap_or(model))
}

/// Maker, model and serial number of an IEEE 1284 device id (`MFG:…;MDL:…;SN:…;`).
pub(crate) fn device_id(text: &str) -> [Option<String>; 3] {
    let value = |keys: &[&str]| {
        let pairs = text.split(';').filter_map(|pair| pair.split_once(':'));
        let mut found = pairs.filter(|(key, _)| {
            let key = key.trim();
            keys.iter().any(|known| key.eq_ignore_ascii_case(known))
        });
        plain(found.next()?.1)
    };
    let maker = value(&["MFG", "MANUFACTURER"]);
    let model = value(&["MDL", "MODEL"]).and_then(|m| without_maker(&m, maker.as_deref()));
    [maker, model, value(&["SN", "SERN", "SERIALNUMBER"])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_stand_for_nothing_are_nothing() {
        assert_eq!(plain(" Unknown "), None);
        assert_eq!(plain("Example\u{0}  C\n300"), Some("Example C 300".into()));
        assert_eq!(plain(&"x".repeat(999)).unwrap().len(), 120);
    }

    #[test]
    fn a_device_id_tells_maker_model_and_serial() {
        let [maker, model, serial] =
            device_id("MFG:Example;CMD:PDF;MDL:Example C 300;CLS:PRINTER;SN:X1;");
        assert_eq!(maker.as_deref(), Some("Example"));
        assert_eq!(model.as_deref(), Some("C 300"));
        assert_eq!(serial.as_deref(), Some("X1"));
    }

    #[test]
    fn a_uuid_is_bare_and_no_zeros() {
        let uuid_text = "1c852a4d-b800-1f08-abcd-0123456789ab";
        for spelt in ["urn:uuid:", "uuid:", ""] {
            let text = format!("{spelt}{}", uuid_text.to_uppercase());
            assert_eq!(uuid(&text).as_deref(), Some(uuid_text));
        }
        assert_eq!(uuid("uuid:00000000-0000-0000-0000-000000000000"), None);
        assert_eq!(uuid("x"), None);
    }
}
