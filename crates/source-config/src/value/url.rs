//! URLs anywhere in a text, with their userinfo, ports and what follows.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use groma_knowledge::rules::{SILENCE, Scheme, scheme, scheme_names};
use memchr::memmem::Finder;

use super::host::{host_and_port, port};
use super::{Target, account, resource};
use crate::quick::{QuickBuilder, Words, words};

/// URLs read in one value.
const URLS_MAX: usize = 64;

/// A URL's machines, and where in the text it begins.
#[derive(Debug)]
pub(crate) struct Found {
    /// Offset of the scheme.
    pub(crate) start: usize,
    /// The machines of its authority; several where it lists them.
    pub(crate) targets: Vec<Target>,
}

/// Every URL with a known scheme in `text`. Password, token and query are dropped here.
pub(crate) fn find_urls(text: &str) -> Vec<Found> {
    let mut out: Vec<Found> = Vec::new();
    each_url(text, &mut |start, target| match out.last_mut() {
        Some(last) if last.start == start => last.targets.push(target),
        _ => out.push(Found {
            start,
            targets: vec![target],
        }),
    });
    out
}

/// As [`find_urls`], one machine after the other with the offset of its URL.
pub(crate) fn each_url(text: &str, found: &mut dyn FnMut(usize, Target)) {
    each_url_from(text, 0, found);
}

/// As [`each_url`], where no `://` stands before `from`.
pub(crate) fn each_url_from(text: &str, mut from: usize, found: &mut dyn FnMut(usize, Target)) {
    for _ in 0..URLS_MAX {
        let Some(at) = sign_from(text.as_bytes(), from) else {
            break;
        };
        let after = at + 3;
        from = after;
        if let Some((start, known)) = scheme_before(text, at) {
            let rest = text.get(after..).unwrap_or_default();
            let all = whole(rest);
            let body = alone(all);
            if is_pattern(rest, all) {
                from = after + all.len();
                continue;
            }
            authority(
                known,
                text.get(start..at).unwrap_or_default(),
                body,
                &mut |target| found(start, target),
            );
            from = after + body.len();
        }
    }
    // One letter tells nearly every line apart.
    if memchr::memchr(b'j', text.as_bytes()).is_none() {
        return;
    }
    if let Some(oracle) = oracle(text) {
        for target in oracle.targets {
            found(oracle.start, target);
        }
    }
}

/// The next `://`; most often it is known already where it stands, or nothing is left.
fn sign_from(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    if rest.starts_with(b"://") {
        return Some(from);
    }
    SIGN.find(rest).map(|at| from + at)
}

static SIGN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("://"));
static ORACLE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("jdbc:oracle:"));
static NAME_HOSTS: LazyLock<Words> = LazyLock::new(|| words(&SILENCE.name_hosts));
/// The last two labels of each: one look tells nearly every name apart.
static NAME_ENDS: LazyLock<Words> =
    LazyLock::new(|| SILENCE.name_hosts.iter().map(|n| two_labels(n)).collect());
static READING_KEYS: LazyLock<Words> = LazyLock::new(|| words(&SILENCE.reading_keys));
static SCHEMES: LazyLock<HashMap<&str, &Scheme, QuickBuilder>> = LazyLock::new(|| {
    scheme_names()
        .filter_map(|name| Some((name, scheme(name)?)))
        .collect()
});

/// The longest known scheme that ends at `at`.
fn scheme_before(text: &str, at: usize) -> Option<(usize, &'static Scheme)> {
    let head = text.get(..at)?;
    let word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'-' | b':' | b'_');
    let length = head.bytes().rev().take(48).take_while(word).count();
    let start = at.checked_sub(length).filter(|_| length > 0)?;
    let mut from = start;
    loop {
        let name = head.get(from..)?;
        let lower = name
            .bytes()
            .any(|b| b.is_ascii_uppercase())
            .then(|| name.to_ascii_lowercase());
        if let Some(known) = SCHEMES.get(lower.as_deref().unwrap_or(name)).copied() {
            return Some((from, known));
        }
        match name.find(':') {
            Some(colon) => from += colon + 1,
            None => return jdbc(head, start),
        }
    }
}

/// `jdbc:as400`, `jdbc:mariadb:failover`: the driver's own modes and drivers no list holds are databases too.
fn jdbc(head: &str, start: usize) -> Option<(usize, &'static Scheme)> {
    let name = head.get(start..)?.to_ascii_lowercase();
    let at = name.find("jdbc:")?;
    let driver = name
        .get(at..)?
        .splitn(3, ':')
        .take(2)
        .collect::<Vec<_>>()
        .join(":");
    let known = scheme(&driver).or_else(|| scheme("jdbc:"));
    known.map(|known| (start + at, known))
}

/// True if the host goes on with an escaped dot, as `https://www\.corp` in a regular expression: it names nobody.
fn is_pattern(rest: &str, all: &str) -> bool {
    let cut = rest.get(all.len()..).unwrap_or_default();
    cut.starts_with("\\.") && !all.contains('/')
}

/// The characters of the URL after `://`.
fn whole(rest: &str) -> &str {
    let ends =
        |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`' | '|' | '\\' | '^');
    // Nearly every URL is ASCII to its end; what stands behind other letters is searched letter by letter.
    let plain = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'..=b':');
    let ascii = rest
        .bytes()
        .position(|b| !plain(b) && (!b.is_ascii() || ends(char::from(b))))
        .unwrap_or(rest.len());
    let tail = rest.get(ascii..).unwrap_or_default();
    let length = ascii + tail.find(ends).unwrap_or(tail.len());
    rest.get(..length).unwrap_or(rest)
}

/// `ldap:///dc%3Dcorp%2Cdc%3Dexample`: no server is named but a domain, whose own records lead to one (RFC 2247,
/// ldapsearch(1)).
fn domain_of_dn(name: &str, body: &str) -> Option<String> {
    let dn = body.strip_prefix('/')?;
    let is_directory = name.to_ascii_lowercase().contains("ldap");
    let dn = Some(dn).filter(|_| is_directory)?;
    let dn = dn.split(['?', '#']).next()?;
    let dn = dn
        .replace("%3D", "=")
        .replace("%3d", "=")
        .replace("%2C", ",")
        .replace("%2c", ",");
    let labels: Vec<&str> = dn
        .split(',')
        .filter_map(|part| part.trim().split_once('='))
        .filter(|(key, _)| key.eq_ignore_ascii_case("dc"))
        .map(|(_, label)| label.trim())
        .collect();
    (labels.len() > 1).then(|| labels.join("."))
}

/// `a.corp` of `a.corp,https://b.corp`: what stands before a comma and another URL.
fn alone(body: &str) -> &str {
    if memchr::memchr2(b',', b';', body.as_bytes()).is_none() {
        return body;
    }
    let next = SIGN.find(body.as_bytes()).and_then(|sign| {
        let head = body.get(..sign)?;
        let comma = head.rfind([',', ';'])?;
        let scheme = head.get(comma + 1..)?;
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.' | b':');
        (!scheme.is_empty() && scheme.bytes().all(fits)).then_some(comma)
    });
    body.get(..next.unwrap_or(body.len())).unwrap_or(body)
}

fn authority(known: &'static Scheme, name: &str, body: &str, found: &mut dyn FnMut(Target)) {
    let domain = domain_of_dn(name, body);
    let body = domain.as_deref().unwrap_or(body);
    let (user, rest) = userinfo(known, body);
    let ends = |b: u8| matches!(b, b'/' | b'?' | b'#' | b';' | b')' | b']' | b'}');
    let plain = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b':');
    let end = rest
        .bytes()
        .position(|b| !plain(b) && ends(b))
        .unwrap_or(rest.len());
    // A bracketed IPv6 address holds a `]` of its own.
    let end = match rest.strip_prefix('[').and_then(|r| r.find(']')) {
        Some(close) => rest
            .get(close + 2..)
            .and_then(|r| r.find(['/', '?', '#', ';', ')', '}', ' ']))
            .map_or(rest.len(), |n| n + close + 2),
        None => end,
    };
    let (hosts, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let hosts = hosts.trim_end_matches(['.', ',', ':', '!']);
    for part in hosts.split(',').take(16) {
        // SQL Server names an instance after a backslash, which ended the body already.
        let Some((peer, port)) = host_and_port(part) else {
            continue;
        };
        let mut target = Target::new(peer, port);
        target.kind = Some(kind_of(known, name, port.map(|p| p.0)));
        target.transport = Some(known.transport);
        target.protection = known.protection;
        target.default_port = known.port.map(groma_model::Port);
        apply_user(&mut target, known, user);
        apply_tail(&mut target, known, tail);
        found(target);
    }
}

/// `smtp` on a submission port is submission.
fn kind_of(known: &'static Scheme, name: &str, port: Option<u16>) -> &'static str {
    if name.eq_ignore_ascii_case("smtp") && matches!(port, Some(587 | 465)) {
        return "smtp-submission";
    }
    &known.kind
}

/// Splits userinfo off. Where the path holds an `@` and the authority none, a badly escaped password is
/// likelier than a path in every scheme but HTTP: then everything before the last `@` is dropped.
fn userinfo<'t>(known: &Scheme, body: &'t str) -> (Option<&'t str>, &'t str) {
    // Most bodies have no account at all.
    if memchr::memchr(b'@', body.as_bytes()).is_none() {
        return (None, body);
    }
    let end = body.find(['/', '?', '#']).unwrap_or(body.len());
    let reach = if known.kind == "http" {
        end
    } else {
        body.find('?').unwrap_or(body.len())
    };
    match body.get(..reach).and_then(|b| b.rfind('@')) {
        Some(at) => (body.get(..at), body.get(at + 1..).unwrap_or_default()),
        None => (None, body),
    }
}

fn apply_user(target: &mut Target, known: &Scheme, user: Option<&str>) {
    let Some(user) = user else { return };
    let Some((name, secret)) = user.split_once(':') else {
        // A single word before `@` is an account where accounts are customary, else as likely a token.
        let customary = matches!(
            known.kind.as_str(),
            "ssh" | "smb" | "sql" | "ldap-bind" | "ftp" | "imap" | "smtp-relay" | "smtp-submission"
        );
        target.account = account(&percent_decoded(user)).filter(|_| customary);
        target.has_secret = !customary && !user.is_empty();
        return;
    };
    target.account = account(&percent_decoded(name));
    target.has_secret = !secret.is_empty() || (target.account.is_none() && !name.is_empty());
}

fn apply_tail(target: &mut Target, known: &Scheme, tail: &str) {
    let has_query = || memchr::memchr2(b'?', b';', tail.as_bytes()).is_some();
    // Paths of the web carry tokens too often.
    if tail.is_empty() || (known.kind == "http" && !has_query()) {
        return;
    }
    let (path, query) = tail.split_once(['?', ';']).unwrap_or((tail, ""));
    let path = path
        .split('#')
        .next()
        .unwrap_or(path)
        .trim_start_matches('/');
    let first = path.split('/').next().unwrap_or(path);
    let shown = match known.kind.as_str() {
        "http" => None,
        "print" | "nfs" | "ssh" => Some(path),
        "ldap-bind" => Some(first.split([')', ']', '}']).next().unwrap_or(first)),
        _ => Some(first),
    };
    target.resource = shown.and_then(|p| resource(&percent_decoded(p)));
    for (key, value) in query
        .split(['&', ';', '?'])
        .take(64)
        .filter_map(|pair| pair.split_once('='))
    {
        match key.to_ascii_lowercase().as_str() {
            "user" | "username" | "uid" => {
                target.account = target
                    .account
                    .take()
                    .or_else(|| account(&percent_decoded(value)))
            }
            "password" | "passwd" | "pwd" | "pass" | "token" | "secret" | "api_key" | "apikey"
            | "access_token" => target.has_secret |= !value.is_empty(),
            "databasename" | "database" | "dbname" => {
                target.resource = target.resource.take().or_else(|| resource(value))
            }
            _ => {}
        }
    }
}

/// `jdbc:oracle:thin:user/secret@host:1521:SID` and `@//host:1521/service` have no `://`.
fn oracle(text: &str) -> Option<Found> {
    let start = ORACLE.find(text.as_bytes())?;
    let body = whole(text.get(start..)?);
    let (head, rest) = body.split_once('@')?;
    let rest = rest.trim_start_matches('/');
    if rest.starts_with('(') {
        return oracle_descriptor(start, head, rest);
    }
    let (hosts, service) = rest.split_once('/').unwrap_or((rest, ""));
    let mut parts = hosts.split(':');
    let (peer, _) = host_and_port(parts.next()?)?;
    let mut target = Target::new(peer, parts.next().and_then(port));
    target.resource = resource(parts.next().unwrap_or(service));
    Some(oracle_found(start, head, target))
}

/// `(DESCRIPTION=(ADDRESS=(HOST=h)(PORT=1521))…)`, with every address of a list.
fn oracle_descriptor(start: usize, head: &str, rest: &str) -> Option<Found> {
    // `to_ascii_uppercase` keeps every byte where it is.
    let upper = rest.to_ascii_uppercase();
    let part = |from: usize, name: &str| {
        let at = from + upper.get(from..)?.find(name)? + name.len();
        rest.get(at..)?.split(')').next().map(str::trim)
    };
    let resource = part(0, "(SERVICE_NAME=")
        .or_else(|| part(0, "(SID="))
        .and_then(resource);
    let mut targets = Vec::new();
    for (at, _) in upper.match_indices("(HOST=").take(16) {
        let host = part(at, "(HOST=").unwrap_or_default();
        let Some((peer, _)) = host_and_port(host) else {
            continue;
        };
        let mut target = Target::new(peer, part(at, "(PORT=").and_then(port));
        target.resource.clone_from(&resource);
        targets.extend(oracle_found(start, head, target).targets);
    }
    (!targets.is_empty()).then_some(Found { start, targets })
}

fn oracle_found(start: usize, head: &str, mut target: Target) -> Found {
    target.kind = Some("sql");
    target.default_port = Some(groma_model::Port(1521));
    let user = head.rsplit(':').next().unwrap_or_default();
    let (name, secret) = user.split_once('/').unwrap_or((user, ""));
    target.account = account(name);
    target.has_secret = !secret.is_empty();
    Found {
        start,
        targets: vec![target],
    }
}

/// `%40` → `@`, once; what is no escape stays.
fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let byte = match (first, tail) {
            (b'%', [a, b, ..]) => std::str::from_utf8(&[*a, *b])
                .ok()
                .and_then(|d| u8::from_str_radix(d, 16).ok()),
            _ => None,
        };
        out.push(byte.unwrap_or(*first));
        rest = if byte.is_some() {
            tail.get(2..).unwrap_or_default()
        } else {
            tail
        };
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// True if a URL under `key` names a document, a namespace or a project, not a place a program calls.
pub(crate) fn is_reading_matter(key: &str, target: &Target) -> bool {
    is_reading_key(key) || is_reading_place(target)
}

/// True for a key under which a URL is for people to read.
pub(crate) fn is_reading_key(key: &str) -> bool {
    let last = key.rsplit(['/', '@', ':', '.']).next().unwrap_or(key);
    let read = if last.bytes().any(|b| b.is_ascii_uppercase()) {
        READING_KEYS.contains(last.to_ascii_lowercase().as_str())
    } else {
        READING_KEYS.contains(last)
    };
    read || key.starts_with("xmlns")
}

/// True for a place that gives names to things and serves nobody.
pub(crate) fn is_reading_place(target: &Target) -> bool {
    let groma_model::Peer::Name(name) = &target.peer else {
        return false;
    };
    if !NAME_ENDS.contains(two_labels(name.as_str())) {
        return false;
    }
    let mut above = Some(name.as_str());
    std::iter::from_fn(|| {
        let this = above?;
        above = this.split_once('.').map(|(_, rest)| rest);
        Some(this)
    })
    .any(|domain| NAME_HOSTS.contains(domain))
}

/// `w3.org` of `www.w3.org`.
fn two_labels(name: &str) -> &str {
    let bytes = name.as_bytes();
    let last = memchr::memrchr(b'.', bytes).and_then(|last| bytes.get(..last));
    last.and_then(|head| memchr::memrchr(b'.', head))
        .and_then(|at| name.get(at + 1..))
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        find_urls(text)
            .iter()
            .flat_map(|f| &f.targets)
            .map(|t| {
                let port = t.port.or(t.default_port).map_or(0, |p| p.0);
                format!(
                    "{} {}:{port} {:?} {:?} {}",
                    t.kind.unwrap_or("-"),
                    t.peer,
                    t.account.as_deref().unwrap_or(""),
                    t.resource.as_deref().unwrap_or(""),
                    t.has_secret
                )
            })
            .collect()
    }

    #[test]
    fn a_regular_expression_names_nobody() {
        assert!(shown(r"pattern = '^https://www\.corp\.example/'").is_empty());
        // A backslash elsewhere ends the URL and leaves its host.
        assert_eq!(shown(r"https://shop.corp.example/a\.b").len(), 1);
        assert_eq!(shown(r"copy https://shop.corp.example\n").len(), 1);
    }

    #[test]
    fn every_part_of_a_url_finds_its_place() {
        assert_eq!(
            shown("url = postgres://app:s3cret@db1.corp:5433/erp?sslmode=on"),
            [r#"sql db1.corp:5433 "app" "erp" true"#]
        );
        assert_eq!(
            shown("jdbc:mysql://db2/shop?user=web&password=x"),
            [r#"sql db2:3306 "web" "shop" true"#]
        );
        assert_eq!(
            shown("jdbc:sqlserver://db3:1433;databaseName=crm;user=sa;password=x"),
            [r#"sql db3:1433 "sa" "crm" true"#]
        );
        assert_eq!(
            shown("jdbc:oracle:thin:scott/tiger@//ora1:1522/ORCL"),
            [r#"sql ora1:1522 "scott" "ORCL" true"#]
        );
        assert_eq!(
            shown("jdbc:oracle:thin:@ora2:1521:SID"),
            [r#"sql ora2:1521 "" "SID" false"#]
        );
        assert_eq!(
            shown("ldaps://[fd00::1]:6636/dc=corp,dc=example?uid?sub"),
            [r#"ldap-bind fd00::1:6636 "" "dc=corp,dc=example" false"#]
        );
        assert_eq!(
            shown("mongodb://a:b@m1:27017,m2:27018/x"),
            [
                r#"nosql m1:27017 "a" "x" true"#,
                r#"nosql m2:27018 "a" "x" true"#
            ]
        );
    }

    #[test]
    fn no_piece_of_a_secret_survives() {
        for text in [
            "postgres://app:se/cr@et#?x@db1/erp",
            "https://0123456789abcdef0123456789abcdef@sentry.corp/2",
            "redis://:hunter2@r1",
            "https://hooks.corp/services/T0/B0/Zx9hunter2",
            "https://hunter2hunter2hunter2x:x-oauth-basic@git.corp/x",
            "mysql://u:hunter2@/db",
            "amqp://u:hunt%65r2@q1/vh",
        ] {
            let shown = format!("{:?}", find_urls(text));
            assert!(
                !shown.contains("hunter2")
                    && !shown.contains("se/cr")
                    && !shown.contains("et#")
                    && !shown.contains("0123456"),
                "{shown}"
            );
        }
    }

    #[test]
    fn unknown_schemes_and_holes_are_silent() {
        for text in [
            "file:///etc/x",
            "unix:///run/x",
            "http://${HOST}/",
            "http://@HOST@/",
            "http://{{ h }}/",
            "ldap:///",
            "://x",
            "http://",
            "https://<host>/x",
        ] {
            assert!(shown(text).is_empty(), "{text} {:?}", shown(text));
        }
    }

    #[test]
    fn namespaces_are_reading_matter() {
        let urls = find_urls("http://www.w3.org/2001/XMLSchema https://erp.corp/");
        assert!(is_reading_matter("a", &urls[0].targets[0]));
        assert!(!is_reading_matter("endpoint", &urls[1].targets[0]));
        assert!(is_reading_matter("HOME_URL", &urls[1].targets[0]));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_searched(text in ".{0,300}") {
            let _ = find_urls(&text);
            let _ = find_urls(&format!("http://{text}@{text}"));
        }
    }
}
