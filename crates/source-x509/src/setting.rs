//! The text of a file of settings → the directives that matter, with their values and lines. Pure.
//!
//! Every format is brought to the same shape: statements, each a few words. Quotes, `=`, `,` and what a product puts in
//! front of a path (`<` of Dovecot) fall away. Nothing but the words behind a wanted directive is ever given out.

use std::collections::BTreeMap;

use groma_knowledge::certificate_settings::{CertificateSettings, SettingsFormat};

/// Statements of one file that are looked at.
const STATEMENTS_MAX: usize = 200_000;
/// Words of one statement.
const WORDS_MAX: usize = 64;
/// Longer lines hold no path.
const LINE_MAX: usize = 16 << 10;
/// Names that stand for values.
const MACROS_MAX: usize = 1_000;
const PATH_MAX: usize = 4_096;

/// A directive with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// Line, counted from 1.
    pub(crate) line: u32,
    /// The directive, lower case.
    pub(crate) key: String,
    /// One value of it.
    pub(crate) value: String,
}

impl Setting {
    /// True for `none` of Postfix and for what HAProxy calls the authorities of the system: no certificate of its own.
    pub(crate) fn is_none(&self) -> bool {
        self.value.eq_ignore_ascii_case("none") || self.value == "@system-ca"
    }

    /// True for a certificate that a token, an engine, a store or the setting itself holds.
    pub(crate) fn is_no_file(&self) -> bool {
        self.value.starts_with('@') || has_scheme(&self.value)
    }
}

/// True for `pkcs11:token=web`, `engine:…`, `data:…` (RFC 3986, section 3.1). Behind it a PIN may stand.
fn has_scheme(value: &str) -> bool {
    value.split_once(':').is_some_and(|(scheme, _)| {
        scheme.len() > 1
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    })
}

/// The settings of `text` whose directive is one of those that `program` knows, in order.
pub(crate) fn settings(text: &str, program: &CertificateSettings) -> Vec<Setting> {
    let mut found = match program.format {
        SettingsFormat::Lines | SettingsFormat::Ldif => lines(text, program),
        SettingsFormat::Braces => braces(text, program),
        SettingsFormat::Xml => attributes(text, program),
    };
    if program.macros {
        expand(text, &mut found);
    }
    for (name, value) in &program.variables {
        let spelt = format!("${{{name}}}");
        for one in &mut found {
            one.value = one.value.replace(&spelt, value);
        }
    }
    found
}

fn lines(text: &str, program: &CertificateSettings) -> Vec<Setting> {
    let continued = program.continued || program.format == SettingsFormat::Ldif;
    let mut found = Vec::new();
    let mut counts = true;
    let mut open: Option<(u32, String)> = None;
    for (number, line) in (1_u32..).zip(text.lines()).take(STATEMENTS_MAX) {
        if line.len() > LINE_MAX {
            continue;
        }
        let plain = without_comment(line, program);
        if continued && line.starts_with([' ', '\t']) && !plain.trim().is_empty() {
            if let Some((_, whole)) = open.as_mut().filter(|(_, w)| w.len() < LINE_MAX) {
                // A folded line of LDIF goes on in the middle of a word.
                let part = match program.format {
                    SettingsFormat::Ldif => plain.get(1..).unwrap_or_default(),
                    _ => plain,
                };
                whole.push_str(part);
            }
            continue;
        }
        if let Some((at, whole)) = open.take() {
            statement(&whole, at, program, &mut found);
        }
        let trimmed = plain.trim();
        if let Some(section) = trimmed.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            counts = is_wanted_section(section.trim(), &program.sections);
        } else if counts && !trimmed.is_empty() {
            open = Some((number, trimmed.to_owned()));
        }
    }
    if let Some((at, whole)) = open {
        statement(&whole, at, program, &mut found);
    }
    found
}

/// The line up to a comment: a sign at its beginning, or behind a blank and outside quotes.
fn without_comment<'t>(line: &'t str, program: &CertificateSettings) -> &'t str {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if before.is_whitespace() && program.comments.contains(c) => {
                return line.get(..at).unwrap_or_default();
            }
            None => {}
        }
        before = c;
    }
    line
}

fn is_wanted_section(section: &str, wanted: &[String]) -> bool {
    let fits = |glob: &String| match glob.strip_suffix('*') {
        Some(start) => section.starts_with(start),
        None => section == glob,
    };
    wanted.is_empty() || wanted.iter().any(fits)
}

fn braces(text: &str, program: &CertificateSettings) -> Vec<Setting> {
    let mut found = Vec::new();
    let mut open = String::new();
    let mut first = 1_u32;
    for (number, line) in (1_u32..).zip(text.lines()).take(STATEMENTS_MAX) {
        let line = without_comment(line.get(..LINE_MAX).unwrap_or(line), program);
        for c in line.chars().chain(['\n']) {
            match c {
                ';' | '{' | '}' => {
                    statement(&open, first, program, &mut found);
                    open.clear();
                }
                c if open.is_empty() && c.is_whitespace() => {}
                c => {
                    if open.is_empty() {
                        first = number;
                    }
                    if open.len() < LINE_MAX {
                        open.push(c);
                    }
                }
            }
        }
    }
    found
}

/// Takes the wanted directives out of one statement.
fn statement(text: &str, line: u32, program: &CertificateSettings, found: &mut Vec<Setting>) {
    let (words, spaced) = match program.spaced.then(|| text.split_once('=')).flatten() {
        Some((key, value)) => {
            let key = key.split_whitespace().collect::<Vec<_>>().join(" ");
            let mut words = vec![key];
            words.extend(split(value));
            (words, true)
        }
        None => (split(text), false),
    };
    let places = if program.anywhere && !spaced {
        words.len()
    } else {
        1
    };
    for (at, word) in words.iter().enumerate().take(places) {
        let key = word.trim_end_matches(':').to_lowercase();
        if !is_known(&key, program) {
            continue;
        }
        let many = if program.lists.contains(&key) {
            WORDS_MAX
        } else {
            1
        };
        for value in words.iter().skip(at + 1).take(many) {
            let value = value.trim_start_matches('<').to_owned();
            // A URI is cut at its first `=`; the words behind are the rest of it, the PIN among them.
            let is_cut = has_scheme(&value);
            if !value.is_empty() && value.len() <= PATH_MAX {
                let key = key.clone();
                found.push(Setting { line, key, value });
            }
            if is_cut {
                break;
            }
        }
    }
}

fn is_known(key: &str, program: &CertificateSettings) -> bool {
    let is = |one: &String| one == key;
    program.presents.iter().any(is)
        || program.trusts.iter().any(is)
        || program.include.iter().any(is)
        || program.base_key.as_ref().is_some_and(is)
        || program.only_if.as_ref().is_some_and(|s| s.key == key)
}

/// Words, without their quotes; blanks, `=`, `,` and brackets end one.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut open = String::new();
    let mut quote = None;
    for c in text.chars() {
        match quote {
            Some(end) if c == end => quote = None,
            Some(_) => open.push(c),
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_whitespace() || matches!(c, '=' | ',' | '(' | ')') => {
                if !open.is_empty() {
                    words.push(std::mem::take(&mut open));
                }
            }
            None => open.push(c),
        }
        if words.len() >= WORDS_MAX {
            return words;
        }
    }
    words.extend(Some(open).filter(|word| !word.is_empty()));
    // `< /path` of Dovecot is two words.
    words.retain(|word| word != "<");
    words
}

/// Attributes of elements, comments left out.
fn attributes(text: &str, program: &CertificateSettings) -> Vec<Setting> {
    let mut found = Vec::new();
    let mut line = 1_u32;
    let mut rest = text;
    // Where the next comment begins; before the first search it is not known.
    let mut comment_at: Option<usize> = None;
    let mut pass = |rest: &mut &str, octets: usize| -> u32 {
        let (gone, left) = rest.split_at_checked(octets).unwrap_or((rest, ""));
        let here = line;
        let breaks = gone.bytes().filter(|b| *b == b'\n').count();
        line = line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
        *rest = left;
        here
    };
    for _ in 0..STATEMENTS_MAX {
        if let Some(comment) = rest.strip_prefix("<!--") {
            let end = comment.find("-->").map_or(rest.len(), |at| at + 7);
            pass(&mut rest, end);
            continue;
        }
        // The next thing of interest: a comment, or a value in quotes behind `name=`. Neither is searched for twice
        // in the same octets, or a file of many would take hours.
        let here = text.len() - rest.len();
        let next = match comment_at.filter(|at| *at >= here) {
            Some(at) => at,
            None => rest.find("<!--").map_or(text.len(), |at| here + at),
        };
        comment_at = Some(next);
        let comment = next - here;
        let Some(equals) = rest.get(..comment).and_then(|part| part.find('=')) else {
            if comment == rest.len() {
                break;
            }
            pass(&mut rest, comment);
            continue;
        };
        let before = rest.get(..equals).unwrap_or_default().trim_end();
        let name = before
            .rsplit(|c: char| c.is_whitespace() || c == '<')
            .next();
        let key = name.unwrap_or_default().to_lowercase();
        pass(&mut rest, equals + 1);
        let blanks = rest.len() - rest.trim_start().len();
        pass(&mut rest, blanks);
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            continue;
        };
        let inner = rest.get(1..).unwrap_or_default();
        let Some(end) = inner.find(quote) else { break };
        let value = inner.get(..end).unwrap_or_default().to_owned();
        let at = pass(&mut rest, end + 2);
        if is_known(&key, program) && !value.is_empty() && value.len() <= PATH_MAX {
            let line = at;
            found.push(Setting { line, key, value });
        }
    }
    found
}

/// Puts the values of names in capitals (`CONFDIR = /etc/exim4`) where they are used. The last one counts.
fn expand(text: &str, found: &mut [Setting]) {
    let is_macro = |name: &str| {
        name.len() > 2
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    for line in text.lines() {
        if let Some((name, value)) = line.split_once('=')
            && is_macro(name.trim())
            && value.len() <= PATH_MAX
            && known.len() < MACROS_MAX
        {
            known.insert(name.trim(), value.trim());
        }
    }
    // A longer name may begin with a shorter one.
    let mut names: Vec<&str> = known.keys().copied().collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    for one in found {
        for _ in 0..8 {
            let used = names.iter().find(|name| one.value.contains(**name));
            let Some((name, value)) = used.and_then(|name| known.get_key_value(name)) else {
                break;
            };
            one.value = one.value.replace(*name, value);
            if one.value.len() > PATH_MAX {
                one.value.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use groma_knowledge::certificate_settings::certificate_settings;

    use super::*;

    fn told(product: &str, file: &str, text: &str) -> Vec<String> {
        let program = certificate_settings()
            .iter()
            .find(|p| p.product == product && p.files.iter().any(|f| f.contains(file)))
            .unwrap();
        settings(text, program)
            .into_iter()
            .map(|s| format!("{}:{}={}", s.line, s.key, s.value))
            .collect()
    }

    #[test]
    fn statements_of_nginx_end_where_they_end_and_comments_say_nothing() {
        let text = "http {\n  server { listen 443 ssl; ssl_certificate /etc/a.pem; # ssl_certificate /etc/old.pem;\n    ssl_certificate_key /etc/a.key; }\n  #ssl_certificate /etc/b.pem;\n  ssl_certificate\n     \"/etc/with blank.pem\";\n  include sites-enabled/*;\n}\n";
        assert_eq!(
            told("nginx", "nginx.conf", text),
            [
                "2:ssl_certificate=/etc/a.pem",
                "5:ssl_certificate=/etc/with blank.pem",
                "7:include=sites-enabled/*"
            ]
        );
    }

    #[test]
    fn every_product_spells_it_its_own_way() {
        for (product, file, text, wanted) in [
            (
                "Apache",
                "apache2.conf",
                "<VirtualHost *:443>\n  SSLCertificateFile    \"/etc/ssl/a.pem\"\n#  SSLCertificateFile /old\n",
                "2:sslcertificatefile=/etc/ssl/a.pem",
            ),
            (
                "HAProxy",
                "haproxy.cfg",
                "frontend x\n  bind :443 ssl crt /etc/haproxy/x.pem alpn h2\n",
                "2:crt=/etc/haproxy/x.pem",
            ),
            (
                "Postfix",
                "main.cf",
                "# smtpd_tls_cert_file = /old\nsmtpd_tls_cert_file=/etc/ssl/mail.pem\n",
                "2:smtpd_tls_cert_file=/etc/ssl/mail.pem",
            ),
            (
                "Postfix",
                "master.cf",
                "smtps inet n - y - - smtpd\n  -o smtpd_tls_cert_file=/etc/ssl/m.pem\n",
                "1:smtpd_tls_cert_file=/etc/ssl/m.pem",
            ),
            (
                "Dovecot",
                "dovecot.conf",
                "ssl_cert = </etc/ssl/imap.pem\n",
                "1:ssl_cert=/etc/ssl/imap.pem",
            ),
            (
                "Dovecot",
                "dovecot.conf",
                "ssl_cert = < /etc/ssl/imap.pem\n",
                "1:ssl_cert=/etc/ssl/imap.pem",
            ),
            (
                "OpenLDAP",
                "cn=config",
                "olcTLSCertificateFile: /etc/ldap/ld\n ap.pem\n",
                "1:olctlscertificatefile=/etc/ldap/ldap.pem",
            ),
            (
                "OpenLDAP",
                "slapd.conf",
                "TLSCertificateFile /etc/ldap/ldap.pem\n",
                "1:tlscertificatefile=/etc/ldap/ldap.pem",
            ),
            (
                "PostgreSQL",
                "/etc/postgresql",
                "#ssl_cert_file = 'no.crt'\nssl_cert_file = '/etc/ssl/pg.pem' # this one\n",
                "2:ssl_cert_file=/etc/ssl/pg.pem",
            ),
            (
                "MariaDB",
                "my.cnf",
                "[client]\nssl-cert=/home/x.pem\n[mysqld]\n; ssl-cert=/old\nssl-cert = /etc/mysql/db.pem\n",
                "5:ssl-cert=/etc/mysql/db.pem",
            ),
            (
                "stunnel",
                "stunnel",
                "[https]\naccept = 443\n;cert = /old\ncert = /etc/stunnel/s.pem\n",
                "4:cert=/etc/stunnel/s.pem",
            ),
            (
                "Exim",
                "config.auto",
                "CONFDIR = /etc/exim4\nMAIN_TLS_CERTIFICATE = CONFDIR/exim.crt\ntls_certificate = MAIN_TLS_CERTIFICATE\n",
                "3:tls_certificate=/etc/exim4/exim.crt",
            ),
            (
                "vsftpd",
                "vsftpd.conf",
                "rsa_cert_file=/etc/ssl/ftp.pem\n",
                "1:rsa_cert_file=/etc/ssl/ftp.pem",
            ),
            (
                "Cyrus IMAP",
                "imapd.conf",
                "tls_server_cert: /etc/ssl/cyrus.pem\n",
                "1:tls_server_cert=/etc/ssl/cyrus.pem",
            ),
            (
                "OpenVPN",
                "server",
                "cert server.crt\n",
                "1:cert=server.crt",
            ),
            (
                "Samba",
                "smb.conf",
                "[global]\n   tls certfile = tls/my.pem\n",
                "2:tls certfile=tls/my.pem",
            ),
            (
                "FreeRADIUS",
                "eap",
                "  tls-config tls-common {\n    certificate_file = ${certdir}/radius.pem\n",
                "2:certificate_file=/etc/freeradius/3.0/certs/radius.pem",
            ),
            (
                "rsyslog",
                "rsyslog.conf",
                "global(DefaultNetstreamDriverCertFile=\"/etc/ssl/log.pem\")\n",
                "1:defaultnetstreamdrivercertfile=/etc/ssl/log.pem",
            ),
            (
                "Tomcat",
                "/etc/tomcat",
                "<Server>\n<!-- <Connector keystoreFile=\"conf/old.jks\"/>\n -->\n<Connector port=\"8443\"\n   certificateKeystoreFile=\"conf/a.jks\"/>\n",
                "5:certificatekeystorefile=conf/a.jks",
            ),
        ] {
            assert_eq!(told(product, file, text), [wanted], "{product}");
        }
    }

    #[test]
    fn several_files_of_one_directive_are_several_settings() {
        let text = "smtpd_tls_chain_files =\n  /etc/ssl/a.pem,\n  /etc/ssl/b.pem\n";
        assert_eq!(
            told("Postfix", "main.cf", text),
            [
                "1:smtpd_tls_chain_files=/etc/ssl/a.pem",
                "1:smtpd_tls_chain_files=/etc/ssl/b.pem"
            ]
        );
    }

    #[test]
    fn talk_about_a_directive_is_none() {
        for (product, file, text) in [
            (
                "nginx",
                "nginx.conf",
                "# ssl_certificate /x;\nlog_format a 'ssl_certificate /x';\n",
            ),
            (
                "Apache",
                "apache2.conf",
                "# SSLCertificateFile /x\nErrorDocument 404 \"SSLCertificateFile /x\"\n",
            ),
            (
                "Postfix",
                "main.cf",
                "#smtpd_tls_cert_file = /x\nsmtpd_tls_key_file = /x\n",
            ),
            ("Tomcat", "/etc/tomcat", "<!-- keystoreFile=\"/x\" -->"),
        ] {
            assert!(told(product, file, text).is_empty(), "{product}");
        }
    }

    #[test]
    fn signs_of_a_large_xml_file_are_each_searched_once() {
        let connector = "<Connector keystoreFile=\"conf/a.jks\"/>";
        // Neither many `=` before no comment, nor many comments before no `=`, are gone over again and again.
        let equals = format!("{connector}{}", "a=b ".repeat(1 << 18));
        let comments = format!("{}{connector}", "<!----> ".repeat(90_000));
        for text in [equals, comments] {
            assert_eq!(
                told("Tomcat", "/etc/tomcat", &text),
                ["1:keystorefile=conf/a.jks"]
            );
        }
        let text = "<a b='<!--' keystoreFile='x'/><!-- keystoreFile='y' -->\n<c keystoreFile='z'/>";
        assert_eq!(
            told("Tomcat", "/etc/tomcat", text),
            ["1:keystorefile=x", "2:keystorefile=z"]
        );
    }

    #[test]
    fn no_text_breaks_the_reader() {
        let corpus: [&[u8]; 4] = [
            b"http { server { ssl_certificate /a; } }",
            b"<a b=\"c\"><!-- d='e' --> keystoreFile = '/x'",
            b"A_B = C\ntls_certificate = A_BA_B\nC = A_B\n",
            b"[mysqld]\nssl-cert = \"/x\n y",
        ];
        groma_fuzz::hammer(500, &corpus, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            for program in certificate_settings() {
                let _ = settings(&text, program);
            }
        });
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "[a-z_ =;{}<>!'\"#\\n/-]{0,200}") {
            for program in certificate_settings() {
                let _ = settings(&text, program);
            }
        }

        /// What is written as one statement is read back as it was written.
        #[test]
        fn a_path_is_read_back(path in "/[a-z0-9/._-]{1,60}") {
            let nginx = certificate_settings().iter().find(|p| p.product == "nginx").unwrap();
            let found = settings(&format!("ssl_certificate {path};"), nginx);
            proptest::prop_assert_eq!(found.len(), 1);
            proptest::prop_assert_eq!(&found[0].value, &path);
        }
    }
}
