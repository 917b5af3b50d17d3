//! PEM inside other programs' settings: on one line of JSON, YAML or INI with `\n` for its line ends, and once more
//! wrapped in base64 (`certificate-authority-data` of Kubernetes). Pure.

use std::borrow::Cow;

use crate::pem;

/// `-----BEGIN ` in base64, as far as the three positions of its first octet agree on it.
const WRAPPED: &[u8] = b"LS0tLS1CRUdJTi";
/// Wrapped texts of one file that are unwrapped.
const WRAPPED_MAX: usize = 512;
const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";

/// True if PEM may be wrapped in base64 somewhere in `bytes`.
pub(crate) fn is_likely(bytes: &[u8]) -> bool {
    find(bytes, WRAPPED, 0).is_some()
}

/// The text with every block on lines of its own, as [`pem::blocks`] wants them, and what was wrapped in base64 after it.
pub(crate) fn unfolded(bytes: &[u8]) -> Cow<'_, [u8]> {
    let folded = has_folded(bytes);
    if !folded && !is_likely(bytes) {
        return Cow::Borrowed(bytes);
    }
    let mut text = if folded {
        on_own_lines(bytes)
    } else {
        bytes.to_vec()
    };
    for inner in wrapped(bytes) {
        text.push(b'\n');
        text.extend_from_slice(&inner);
    }
    Cow::Owned(text)
}

/// True if a block begins in the middle of a line, or goes on after its label.
fn has_folded(bytes: &[u8]) -> bool {
    let mut from = 0;
    while let Some(at) = find(bytes, BEGIN, from) {
        let line = bytes
            .get(..at)
            .unwrap_or_default()
            .rsplit(|b| *b == b'\n')
            .next();
        let before = line.unwrap_or_default().trim_ascii();
        let rest = bytes.get(at..).unwrap_or_default();
        let line = rest.split(|b| *b == b'\n').next().unwrap_or_default();
        if !before.is_empty() || !line.trim_ascii().ends_with(b"-----") || line.len() > 80 {
            return true;
        }
        from = at + BEGIN.len();
    }
    false
}

/// Line ends for the escape `\n`, and around every label; quotes and escaped slashes go.
fn on_own_lines(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len() + 64);
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        if rest.starts_with(BEGIN) || rest.starts_with(END) {
            let start = if rest.starts_with(BEGIN) { BEGIN } else { END };
            let inner = rest.get(start.len()..).unwrap_or_default();
            let label = find(
                inner.get(..inner.len().min(80)).unwrap_or_default(),
                b"-----",
                0,
            );
            if let Some((whole, after)) =
                label.and_then(|l| rest.split_at_checked(start.len() + l + 5))
            {
                text.push(b'\n');
                text.extend_from_slice(whole);
                text.push(b'\n');
                rest = after;
                continue;
            }
        }
        rest = match (first, tail.first()) {
            (b'\\', Some(b'n' | b'r')) => {
                text.push(b'\n');
                tail.get(1..).unwrap_or_default()
            }
            (b'\\', Some(b'/')) => tail,
            (b'"' | b'\'', _) => {
                text.push(b'\n');
                tail
            }
            _ => {
                text.push(first);
                tail
            }
        };
    }
    text
}

fn wrapped(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = find(bytes, WRAPPED, from).filter(|_| found.len() < WRAPPED_MAX) {
        let rest = bytes.get(at..).unwrap_or_default();
        let end = rest
            .iter()
            .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=')))
            .unwrap_or(rest.len());
        found.extend(rest.get(..end).and_then(pem::base64));
        from = at + end.max(1);
    }
    found
}

fn find(bytes: &[u8], word: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(word.len())
        .position(|w| w == word)
        .map(|at| at + from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::contents;

    const CHAIN: &[u8] = include_bytes!("../tests/fixtures/openssl-3.0/chain.pem");

    fn count(text: &[u8]) -> usize {
        let read = contents(text, false);
        assert!(read.missed.is_empty(), "{:?}", read.missed);
        read.certificates.len()
    }

    fn to_base64(bytes: &[u8]) -> String {
        const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for group in bytes.chunks(3) {
            let mut octets = [0; 4];
            octets[1..=group.len()].copy_from_slice(group);
            let sum = u32::from_be_bytes(octets);
            for place in 0..4 {
                let digit = DIGITS[usize::try_from(sum >> (18 - 6 * place) & 63).unwrap()];
                text.push(if place > group.len() {
                    '='
                } else {
                    char::from(digit)
                });
            }
        }
        text
    }

    #[test]
    fn a_chain_in_settings_is_the_chain_in_a_file() {
        let pem = String::from_utf8(CHAIN.to_vec()).unwrap();
        let escaped = pem.trim_end().replace('\n', "\\n");
        for text in [
            format!("{{\"tls\": {{\"certificate\": \"{escaped}\", \"port\": 443}}}}"),
            format!("[tls]\ncertificate = '{escaped}\\n'\nport = 443\n"),
            format!(
                "tls:\n  certificate: |\n    {}\n",
                pem.replace('\n', "\n    ")
            ),
            format!(
                "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {}\n    server: https://10.0.0.5:6443\n",
                to_base64(CHAIN)
            ),
            format!("{{\"ca\":\"{}\"}}", to_base64(CHAIN)),
        ] {
            assert_eq!(count(text.as_bytes()), 2, "{text}");
        }
    }

    #[test]
    fn talk_about_pem_is_no_certificate() {
        for text in [
            "# put the block between -----BEGIN CERTIFICATE----- and its end here\n",
            "ca: LS0tLS1CRUdJTi\n",
            "note: \"LS0tLS1CRUdJTiB\"\n",
        ] {
            assert_eq!(
                contents(text.as_bytes(), false).certificates.len(),
                0,
                "{text}"
            );
        }
    }

    #[test]
    fn no_settings_break_the_reader() {
        let corpus = [
            CHAIN,
            b"{\"a\":\"-----BEGIN CERTIFICATE-----\\nMAA=\\n-----END CERTIFICATE-----\\n\"}",
            b"x: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1BQT0K",
        ];
        groma_fuzz::hammer(1000, &corpus, |bytes| {
            let _ = unfolded(bytes);
        });
    }
}
