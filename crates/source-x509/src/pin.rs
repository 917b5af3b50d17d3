//! Text of settings and scripts → hashes that pin a certificate or a key. Pure.

use groma_model::foreign::hex;

use crate::pem;

/// Pins of one file that are kept.
const PINS_MAX: usize = 256;
/// Longer lines are not looked at.
const LINE_MAX: usize = 8_192;

/// Words in front of a hash in hex; what they pin is the certificate, or its key where the program allows both.
/// A word alone, as `fingerprint`, would also stand before the hash of an SSH or PGP key.
const DIRECTIVES: &[&str] = &[
    "smtp_tls_fingerprint_cert_match",
    "lmtp_tls_fingerprint_cert_match",
    "fingerprint match=",
    "verify-hash",
    "peer-fingerprint",
    "sslfingerprint",
    "tls_fingerprint",
    "tls-fingerprint",
    "cert_fingerprint",
    "cert-fingerprint",
    "certfingerprint",
    "certificate_fingerprint",
    "ssl_fingerprint",
    "server_fingerprint",
    "permittedpeer",
    "actionsendstreamdriverpermittedpeer",
    "streamdriverpermittedpeers",
    "trusted-keys",
    "trusted_keys",
    "trusted-cert",
    "ca-cert-hash",
    "cacerthashes",
    "servercert",
    "ssl_verify_fingerprint",
    "ssl_fp",
];

/// One hash in a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    pub(crate) line: u32,
    pub(crate) key: String,
    pub(crate) algorithm: &'static str,
    pub(crate) digest: String,
    pub(crate) of: &'static str,
}

/// Every pin in a text, in order; comments are passed over.
pub(crate) fn pins(bytes: &[u8]) -> Vec<Found> {
    if !is_likely(bytes) {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(bytes);
    let mut found: Vec<Found> = Vec::new();
    let mut open: Option<&'static str> = None;
    for (number, line) in (1_u32..).zip(text.lines()) {
        let trimmed = line.trim();
        if line.len() > LINE_MAX || trimmed.starts_with(['#', ';']) || trimmed.starts_with("//") {
            continue;
        }
        found.extend(in_base64(number, trimmed));
        let lower = trimmed.to_ascii_lowercase();
        let named = DIRECTIVES
            .iter()
            .find(|word| holds_word(&lower, word))
            .copied();
        // The block of OpenVPN and the folded lines of Postfix hold nothing but hashes.
        let goes_on = open.filter(|_| named.is_none() && is_only_hashes(&lower));
        open = named.or(goes_on);
        if let Some(word) = open {
            let after = lower.find(word).map_or(0, |at| at + word.len());
            found.extend(in_hex(number, word, lower.get(after..).unwrap_or_default()));
        }
        if found.len() >= PINS_MAX {
            found.truncate(PINS_MAX);
            break;
        }
    }
    found
}

/// A quick look, so that a file without any pin costs one pass: a hash in hex is a run of forty digits and colons at
/// least, and one in base64 has `sha256` before it.
fn is_likely(bytes: &[u8]) -> bool {
    const WORD: &[u8] = b"sha256";
    let (mut run, mut matched) = (0_u32, 0_usize);
    for byte in bytes {
        run = if byte.is_ascii_hexdigit() || *byte == b':' {
            run + 1
        } else {
            0
        };
        let lower = byte.to_ascii_lowercase();
        matched = match WORD.get(matched) {
            Some(wanted) if *wanted == lower => matched + 1,
            _ => usize::from(lower == b's'),
        };
        if run >= 40 || matched == WORD.len() {
            return true;
        }
    }
    false
}

fn holds_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        before.is_none_or(|c| !c.is_ascii_alphanumeric())
    })
}

/// `sha256//…` of curl and `pin-sha256=` of HTTP headers and openconnect: hashes of keys.
fn in_base64(line: u32, text: &str) -> Vec<Found> {
    const MARKS: &[(&str, &str)] = &[
        ("sha256//", "pinned public key"),
        ("pin-sha256=", "pin-sha256"),
        ("pin-sha256:", "pin-sha256"),
    ];
    let mut found = Vec::new();
    for (mark, plain) in MARKS {
        for (at, _) in text.match_indices(mark) {
            let rest = text
                .get(at + mark.len()..)
                .unwrap_or_default()
                .trim_start_matches(['"', '\\', '\'']);
            let end = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')))
                .unwrap_or(rest.len());
            let digest = rest
                .get(..end)
                .and_then(|text| pem::base64(text.as_bytes()));
            found.extend(
                digest
                    .filter(|digest| digest.len() == 32)
                    .map(|digest| Found {
                        line,
                        key: directive(text, at).unwrap_or(plain).to_owned(),
                        algorithm: "sha256",
                        digest: hex(&digest),
                        of: "key",
                    }),
            );
        }
    }
    found
}

/// The option or key in front of a value, as `--pinnedpubkey`.
fn directive(text: &str, at: usize) -> Option<&str> {
    let head = text
        .get(..at)?
        .trim_end_matches(['"', '\'', ' ', '=', ':', '\t']);
    let word = head
        .rsplit(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '{' | ',' | ';' | '='))
        .next()?;
    let plain = word
        .trim_start_matches('-')
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    (plain && (3..=40).contains(&word.len())).then_some(word)
}

fn in_hex(line: u32, word: &str, text: &str) -> Vec<Found> {
    let whole = word == "ca-cert-hash" || word == "cacerthashes";
    hashes(text)
        .map(|digest| Found {
            line,
            key: word.trim_end_matches(" match=").to_owned(),
            algorithm: if digest.len() == 40 { "sha1" } else { "sha256" },
            digest,
            // What joins a Kubernetes cluster is the hash of the authority's key.
            of: if whole { "key" } else { "either" },
        })
        .collect()
}

/// Runs of 20 or 32 octets in hex, with or without colons.
fn hashes(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !(c.is_ascii_hexdigit() || c == ':'))
        .filter_map(|run| {
            // `sha1:ab:cd…` ends in digits that hex knows too.
            let run = run.trim_matches(':');
            let named = ["a1:", "a256:"];
            let bare = named.iter().find_map(|name| run.strip_prefix(name));
            let run = bare.unwrap_or(run);
            let pairs = !run.contains(':') || run.split(':').all(|pair| pair.len() == 2);
            let digest: String = run.chars().filter(|c| *c != ':').collect();
            (pairs && matches!(digest.len(), 40 | 64)).then_some(digest)
        })
}

fn is_only_hashes(text: &str) -> bool {
    let text = text.trim_end_matches([',', '\\', ' ']);
    text.starts_with('<')
        || (!text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | ' ' | ',')))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA1: &str = "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD";
    const SHA256: &str = "aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899";
    /// `openssl x509 -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64`
    const KEY: &str = "qrvM3e7/ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJk=";

    fn read(text: &str) -> Vec<String> {
        pins(text.as_bytes())
            .into_iter()
            .map(|p| {
                format!(
                    "{} {} {} {} {}",
                    p.line,
                    p.key,
                    p.algorithm,
                    p.of,
                    p.digest.len()
                )
            })
            .collect()
    }

    #[test]
    fn each_way_to_pin_is_read() {
        for (text, expected) in [
            (
                format!(
                    "smtp_tls_fingerprint_cert_match =\n    {SHA1}\n    {SHA1}\nrelayhost = mail\n"
                ),
                vec![
                    "2 smtp_tls_fingerprint_cert_match sha1 either 40",
                    "3 smtp_tls_fingerprint_cert_match sha1 either 40",
                ],
            ),
            (
                format!("[mail.corp.example]:587 fingerprint match={SHA1}\n"),
                vec!["1 fingerprint sha1 either 40"],
            ),
            (
                format!("account default\nhost mail\ntls_fingerprint {SHA1}\n"),
                vec!["3 tls_fingerprint sha1 either 40"],
            ),
            (
                format!("verify-hash {} SHA256\n", SHA256),
                vec!["1 verify-hash sha256 either 64"],
            ),
            (
                format!("<peer-fingerprint>\n{}\n</peer-fingerprint>\n", &SHA1),
                vec!["2 peer-fingerprint sha1 either 40"],
            ),
            (
                format!("curl --pinnedpubkey 'sha256//{KEY}' https://x/\n"),
                vec!["1 --pinnedpubkey sha256 key 64"],
            ),
            (
                format!("pinnedpubkey = \"sha256//{KEY}\"\n"),
                vec!["1 pinnedpubkey sha256 key 64"],
            ),
            (
                format!("add_header Public-Key-Pins 'pin-sha256=\"{KEY}\"; max-age=5184000';\n"),
                vec!["1 Public-Key-Pins sha256 key 64"],
            ),
            (
                format!(
                    "kubeadm join 10.0.0.5:6443 --discovery-token-ca-cert-hash sha256:{SHA256}\n"
                ),
                vec!["1 ca-cert-hash sha256 key 64"],
            ),
            (
                format!("$ActionSendStreamDriverPermittedPeer SHA1:{SHA1}\n"),
                vec!["1 actionsendstreamdriverpermittedpeer sha1 either 40"],
            ),
            (
                format!("poll mail with proto imap: sslfingerprint \"{SHA1}\"\n"),
                vec!["1 sslfingerprint sha1 either 40"],
            ),
            (
                format!("trusted-cert = {SHA256}\n"),
                vec!["1 trusted-cert sha256 either 64"],
            ),
        ] {
            assert_eq!(read(&text), expected, "{text}");
        }
    }

    #[test]
    fn other_hashes_are_no_pins() {
        for text in [
            format!("# smtp_tls_fingerprint_cert_match = {SHA1}\n"),
            format!("; verify-hash {SHA256}\n"),
            format!("fingerprint = {SHA256}\n"),
            format!("sha256sum {SHA256} image.iso\n"),
            format!("gpg --recv-keys {}\n", SHA1.replace(':', "")),
            "curl --pinnedpubkey sha256//short https://x/\n".to_owned(),
            "tls_fingerprint on\n".to_owned(),
            format!("commit {}\ntls_fingerprint off\n", SHA1.replace(':', "")),
            "servercert server.pem\n".to_owned(),
            format!("tls_fingerprint off\nnext = {SHA256}\n"),
        ] {
            assert_eq!(read(&text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn no_settings_break_the_reader() {
        let corpus = [
            format!("tls_fingerprint {SHA1}\n"),
            format!("x sha256//{KEY}\npin-sha256=\"{KEY}\"\n"),
            format!("<peer-fingerprint>\n{SHA256}\n"),
        ];
        let corpus: Vec<&[u8]> = corpus.iter().map(String::as_bytes).collect();
        groma_fuzz::hammer(2000, &corpus, |bytes| {
            let _ = pins(bytes);
        });
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_pins_or_none(text: String) {
            let _ = pins(text.as_bytes());
            let _ = pins(format!("tls_fingerprint {text}").as_bytes());
        }
    }
}
