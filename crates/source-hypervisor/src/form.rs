//! Fields of a form, as a log-on is sent.

/// As a form wants it: everything but letters, digits and four signs by its bytes.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte))
            }
            byte => {
                escaped.push('%');
                escaped.push_str(&groma_model::foreign::hex(&[byte]).to_uppercase());
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_cannot_begin_another_one() {
        assert_eq!(escaped("a&b=c d+\u{e9}"), "a%26b%3Dc%20d%2B%C3%A9");
        assert_eq!(escaped("A-z.0_~"), "A-z.0_~");
    }
}
