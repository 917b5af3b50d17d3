//! Unit files → certificates they hand to what they start: credentials, options of commands, variables. Pure.

use std::path::Path;

use groma_model::fact::CertificateRole;

use crate::places::{self, Interest};

/// Words of one line that are looked at.
const WORDS_MAX: usize = 500;
const LINES_MAX: usize = 20_000;
/// Longer words are no names of options.
const NAME_MAX: usize = 64;
/// Words that options behind one dash are made of: one of these …
const CERTIFICATE_WORDS: &[&str] = &[
    "ca",
    "cas",
    "cert",
    "certs",
    "certificate",
    "certificates",
    "crt",
    "key",
    "keys",
    "pem",
];
/// … and any of these.
const TRADE_WORDS: &[&str] = &[
    "bundle", "chain", "client", "dir", "extra", "file", "http", "https", "in", "node", "path",
    "peer", "private", "public", "root", "rsa", "server", "signing", "ssl", "store", "tls",
    "trust", "trusted", "verify", "web", "x509",
];

/// A file that a unit names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Started {
    pub(crate) line: u32,
    /// The directive, with the option where there is one: `ExecStart --tls-cert-file`.
    pub(crate) key: String,
    pub(crate) path: String,
    pub(crate) role: CertificateRole,
}

/// Every certificate the unit names.
pub(crate) fn named(text: &str) -> Vec<Started> {
    let mut found = Vec::new();
    let mut whole = String::new();
    let mut first = 1;
    for (number, line) in (1_u32..).zip(text.lines()).take(LINES_MAX) {
        // A comment within a continued line is passed over (systemd.syntax(7)).
        if line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        if whole.is_empty() {
            first = number;
        }
        match line.strip_suffix('\\') {
            Some(part) if whole.len() < 64 << 10 => {
                whole.push_str(part);
                whole.push(' ');
                continue;
            }
            _ => whole.push_str(line),
        }
        if let Some((key, value)) = whole.split_once('=') {
            directive(key.trim(), value.trim(), first, &mut found);
        }
        whole.clear();
    }
    found
}

fn directive(key: &str, value: &str, line: u32, found: &mut Vec<Started>) {
    match key {
        "LoadCredential" => {
            if let Some((name, path)) = value.split_once(':')
                && path.starts_with('/')
            {
                let role = role_of(name);
                let (key, path) = (key.to_owned(), path.to_owned());
                found.push(Started {
                    line,
                    key,
                    path,
                    role,
                });
            }
        }
        "Environment" => words(key, value, line, found),
        _ if key.starts_with("Exec") => words(key, value, line, found),
        _ => {}
    }
}

/// Words that are the path of a certificate: alone behind an option, or after `=`.
fn words(key: &str, value: &str, line: u32, found: &mut Vec<Started>) {
    let mut before = "";
    for word in value.split_whitespace().take(WORDS_MAX) {
        let word = word.trim_matches(['"', '\'']);
        let (option, path) = match word.split_once('=') {
            Some((option, path)) => (option, path.trim_matches(['"', '\''])),
            None => (before, word),
        };
        // The program itself is no value of an option, and a bare word may be what is written.
        let is_option = option.starts_with('-') || word.contains('=');
        if is_option && is_certificate(path) {
            found.push(Started {
                line,
                key: match is_name(option) {
                    true => format!("{key} {option}"),
                    false => key.to_owned(),
                },
                path: path.to_owned(),
                role: role_of(option),
            });
        }
        // What has its value with it takes no second one, and the value may be a secret.
        before = if word.contains('=') { "" } else { word };
    }
}

/// True for what can be nothing but the name of an option or a variable, and may be said.
fn is_name(option: &str) -> bool {
    let plain = |name: &str| {
        name.len() <= NAME_MAX
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    if let Some(name) = option.strip_prefix("--") {
        return plain(name);
    }
    let Some(name) = option.strip_prefix('-') else {
        return plain(option);
    };
    // `-psecret` has its value joined on: behind one dash only names that tell of certificates are names.
    let is_property = || name.starts_with('D') && name.contains('.');
    plain(name) && (name.len() == 1 || is_property() || tells_of_certificates(name))
}

/// True for `CAfile`, `cert`, `tls-cert-file`: words of this trade and nothing else, one of which is a certificate.
fn tells_of_certificates(name: &str) -> bool {
    let lower: String = name
        .chars()
        .filter(|c| !matches!(c, '.' | '_' | '-'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    // Where a word may begin: (by the trade alone, with a certificate among the words so far).
    let mut begins = vec![(false, false); lower.len() + 1];
    if let Some(first) = begins.first_mut() {
        first.0 = true;
    }
    for at in 0..lower.len() {
        let (trade, certificate) = begins.get(at).copied().unwrap_or_default();
        let rest = lower.get(at..).unwrap_or_default();
        let mut reach = |word: &str, told: bool| {
            if rest.starts_with(word)
                && let Some(next) = begins.get_mut(at + word.len())
            {
                next.0 |= trade && !told;
                next.1 |= certificate || (trade && told);
            }
        };
        CERTIFICATE_WORDS.iter().for_each(|word| reach(word, true));
        TRADE_WORDS.iter().for_each(|word| reach(word, false));
    }
    begins.last().is_some_and(|(_, certificate)| *certificate)
}

fn is_certificate(path: &str) -> bool {
    let by_name = || {
        matches!(
            places::interest(Path::new(path)),
            Some(Interest::Certificate | Interest::Pem)
        )
    };
    path.starts_with('/') && !path.contains(['%', '$']) && by_name()
}

/// `--trusted-ca-file`, `NODE_EXTRA_CA_CERTS`, `-Djavax.net.ssl.trustStore`: others are checked by it.
fn role_of(option: &str) -> CertificateRole {
    let lower = option.to_ascii_lowercase();
    let mut parts = lower.split(|c: char| !c.is_ascii_alphanumeric());
    let trusts = |part: &str| {
        matches!(
            part,
            "ca" | "cas"
                | "cacert"
                | "cacerts"
                | "cafile"
                | "capath"
                | "truststore"
                | "trusted"
                | "trust"
                | "root"
        )
    };
    match parts.any(trusts) {
        true => CertificateRole::Trusts,
        false => CertificateRole::Presents,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        named(text)
            .into_iter()
            .map(|s| format!("{} {} {} {:?}", s.line, s.key, s.path, s.role))
            .collect()
    }

    #[test]
    fn credentials_options_and_variables_name_certificates() {
        let text = "[Service]\nLoadCredential=tls.pem:/etc/ssl/app.pem\nEnvironment=\"NODE_EXTRA_CA_CERTS=/etc/ssl/house.pem\" A=b\nExecStart=/usr/bin/app --tls-cert-file=/srv/app.crt \\\n  # a comment\n  --client-ca-file /srv/ca.crt -Djavax.net.ssl.trustStore=/srv/t.jks\n";
        assert_eq!(
            told(text),
            [
                "2 LoadCredential /etc/ssl/app.pem Presents",
                "3 Environment NODE_EXTRA_CA_CERTS /etc/ssl/house.pem Trusts",
                "4 ExecStart --tls-cert-file /srv/app.crt Presents",
                "4 ExecStart --client-ca-file /srv/ca.crt Trusts",
                "4 ExecStart -Djavax.net.ssl.trustStore /srv/t.jks Trusts",
            ]
        );
    }

    #[test]
    fn what_is_no_value_of_an_option_and_what_is_switched_off_names_none() {
        let text = "#ExecStart=/bin/x --cert=/a.crt\nExecStart=/bin/cp /srv/a.crt /srv/b.crt\nExecStart=/bin/x --cert=%d/tls.crt --key=/srv/a.key\nDocumentation=https://x/a.crt\nLoadCredential=only-a-name\n";
        assert_eq!(told(text), Vec::<String>::new());
    }

    #[test]
    fn a_secret_that_stands_before_a_certificate_is_never_said() {
        for (command, wanted) in [
            ("--db-password=hunter2 /etc/ssl/app.pem", None),
            ("PASSWORD=hunter2 /etc/ssl/app.pem", None),
            ("-psecret /etc/ssl/app.pem", Some("ExecStart")),
            ("-pcaramel /etc/ssl/app.pem", Some("ExecStart")),
            ("-pkeycert /etc/ssl/app.pem", Some("ExecStart")),
            ("-psecret=/etc/ssl/app.pem", Some("ExecStart")),
            ("--user:hunter2 /etc/ssl/app.pem", Some("ExecStart")),
            (
                "pg://a:hunter2@db/x?sslrootcert=/etc/ssl/app.pem",
                Some("ExecStart"),
            ),
            ("-cert /etc/ssl/app.pem", Some("ExecStart -cert")),
            ("-CAfile /etc/ssl/app.pem", Some("ExecStart -CAfile")),
            (
                "-tls-cert-file /etc/ssl/app.pem",
                Some("ExecStart -tls-cert-file"),
            ),
            ("-E /etc/ssl/app.pem", Some("ExecStart -E")),
        ] {
            let said = named(&format!("ExecStart=/usr/bin/app {command}\n"));
            let keys: Vec<&str> = said.iter().map(|s| s.key.as_str()).collect();
            assert_eq!(keys, Vec::from_iter(wanted), "{command}");
        }
    }

    #[test]
    fn no_unit_breaks_the_reader() {
        let seed = b"LoadCredential=a:/b.pem\nExecStart=x \\\n--c=/d.crt\nEnvironment='A=/e.pem'\n";
        groma_fuzz::hammer(1000, &[seed], |bytes| {
            let _ = named(&String::from_utf8_lossy(bytes));
        });
    }
}
