//! Unit files → certificates they hand to what they start: credentials, options of commands, variables. Pure.

use std::path::Path;

use groma_model::fact::CertificateRole;

use crate::places::{self, Interest};

/// Words of one line that are looked at.
const WORDS_MAX: usize = 500;
const LINES_MAX: usize = 20_000;

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
                key: format!("{key} {option}"),
                path: path.to_owned(),
                role: role_of(option),
            });
        }
        before = word;
    }
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
    fn no_unit_breaks_the_reader() {
        let seed = b"LoadCredential=a:/b.pem\nExecStart=x \\\n--c=/d.crt\nEnvironment='A=/e.pem'\n";
        groma_fuzz::hammer(1000, &[seed], |bytes| {
            let _ = named(&String::from_utf8_lossy(bytes));
        });
    }
}
