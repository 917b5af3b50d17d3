//! URLs in a value, with their accounts, ports and what follows. Passwords, tokens and queries are dropped here.

use groma_knowledge::rules::{SILENCE, Scheme, scheme};
use groma_model::{Peer, Port};

use super::value::{Target, account, host, resource};

/// URLs read in one value.
const URLS_MAX: usize = 32;
/// Longest name of a scheme that is looked for.
const SCHEME_MAX: usize = 40;
/// Hosts one URL may list.
const HOSTS_MAX: usize = 16;

/// Every machine that URLs of known schemes in `text` name.
pub(super) fn urls(text: &str) -> Vec<Target> {
    let mut found = Vec::new();
    let mut from = 0;
    for _ in 0..URLS_MAX {
        let Some(at) = text.get(from..).and_then(|rest| rest.find("://")) else {
            break;
        };
        let (sign, after) = (from + at, from + at + 3);
        let head = text.get(..sign).unwrap_or_default();
        let body = body(text.get(after..).unwrap_or_default());
        if let Some((known, name)) = scheme_before(head) {
            authority(known, &name, body, &mut found);
        }
        from = after + body.len();
    }
    found
}

/// True for a place that gives names to things and serves nobody: a namespace, a licence.
pub(super) fn is_reading_place(target: &Target) -> bool {
    let Peer::Name(name) = &target.peer else {
        return false;
    };
    let mut hosts = SILENCE.name_hosts.iter();
    hosts.any(|host| {
        let rest = name.as_str().strip_suffix(host.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// The longest known scheme that ends the text, and its name as written in lower case.
fn scheme_before(head: &str) -> Option<(&'static Scheme, String)> {
    let word = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-' | ':' | '_');
    let name: String = head
        .chars()
        .rev()
        .take(SCHEME_MAX)
        .take_while(word)
        .collect();
    let name: String = name.chars().rev().collect::<String>().to_ascii_lowercase();
    let mut rest = name.as_str();
    loop {
        if let Some(known) = scheme(rest) {
            return Some((known, rest.to_owned()));
        }
        rest = rest.split_once(':')?.1;
    }
}

/// The letters of the URL after `://`.
fn body(rest: &str) -> &str {
    let ends =
        |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`' | '|' | '\\' | '^');
    rest.split(ends).next().unwrap_or_default()
}

fn authority(known: &'static Scheme, name: &str, body: &str, found: &mut Vec<Target>) {
    let (user, rest) = userinfo(known, body);
    let (hosts, tail) = match rest.find(['/', '?', '#', ';']) {
        Some(end) => rest.split_at_checked(end).unwrap_or((rest, "")),
        None => (rest, ""),
    };
    for part in hosts.split(',').take(HOSTS_MAX) {
        let Some(mut target) = host(part) else {
            continue;
        };
        let number = target.port.map(|port| port.0);
        target.kind = Some(match name {
            "smtp" if matches!(number, Some(587 | 465)) => "smtp-submission",
            _ => known.kind.as_str(),
        });
        target.transport = Some(known.transport);
        target.protection = known.protection;
        target.default_port = known.port.map(Port);
        with_user(&mut target, known, user);
        with_tail(&mut target, known, tail);
        found.push(target);
    }
}

/// Splits the account off. Where the path holds an `@` and the authority none, a badly escaped password is likelier than
/// a path in every scheme but HTTP.
fn userinfo<'t>(known: &Scheme, body: &'t str) -> (Option<&'t str>, &'t str) {
    let reach = match known.kind.as_str() {
        "http" | "http-proxy" => body.find(['/', '?', '#']),
        _ => body.find('?'),
    };
    let reach = reach.unwrap_or(body.len());
    match body.get(..reach).and_then(|head| head.rfind('@')) {
        Some(at) => (body.get(..at), body.get(at + 1..).unwrap_or_default()),
        None => (None, body),
    }
}

fn with_user(target: &mut Target, known: &Scheme, user: Option<&str>) {
    if let Some(user) = user {
        (target.account, target.has_secret) = logon_of(known.kind.as_str(), user);
    }
}

/// What stands before the `@` of a URL to a service of `kind`: the account, and whether a secret stands there.
pub(crate) fn logon_of(kind: &str, user: &str) -> (Option<String>, bool) {
    match user.split_once(':') {
        Some((name, secret)) => {
            let account = account(name);
            let has_secret = !secret.is_empty() || (account.is_none() && !name.is_empty());
            (account, has_secret)
        }
        None => {
            // A single word is an account where accounts are customary, else as likely a token.
            let customary = ["ssh", "smb", "sql", "ldap-bind", "ftp", "imap"].contains(&kind);
            let account = account(user).filter(|_| customary);
            (account, !customary && !user.is_empty())
        }
    }
}

/// The database, base or queue behind the host. Paths of the web carry tokens too often.
fn with_tail(target: &mut Target, known: &Scheme, tail: &str) {
    let (path, query) = tail.split_once(['?', ';']).unwrap_or((tail, ""));
    let path = path
        .split('#')
        .next()
        .unwrap_or_default()
        .trim_start_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    let shown = match known.kind.as_str() {
        "http" | "http-proxy" => None,
        "print" | "nfs" | "ssh" | "smb" => Some(path),
        _ => Some(first),
    };
    target.resource = shown.and_then(resource);
    let pairs = query.split(['&', ';']).take(64);
    for (key, value) in pairs.filter_map(|pair| pair.split_once('=')) {
        match key.to_ascii_lowercase().as_str() {
            "user" | "username" | "uid" if target.account.is_none() => {
                target.account = account(value)
            }
            "password" | "pwd" | "pass" | "token" | "secret" | "access_token" | "api_key"
            | "apikey" | "sig" => {
                target.has_secret |= !value.is_empty();
            }
            "databasename" | "database" | "dbname" if target.resource.is_none() => {
                target.resource = resource(value);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let show = |t: Target| {
            let port = t.port.or(t.default_port).map_or(0, |p| p.0);
            let (account, resource) = (
                t.account.unwrap_or_default(),
                t.resource.unwrap_or_default(),
            );
            format!(
                "{} {}:{port} {account}|{resource} {}",
                t.kind.unwrap_or("-"),
                t.peer,
                t.has_secret
            )
        };
        urls(text).into_iter().map(show).collect()
    }

    #[test]
    fn every_part_of_a_url_finds_its_place() {
        assert_eq!(
            shown("postgres://app:s3cret@db1.corp.example:5433/erp?sslmode=on"),
            ["sql db1.corp.example:5433 app|erp true"]
        );
        assert_eq!(
            shown("jdbc:sqlserver://db3:1433;databaseName=crm;user=sa;password=x"),
            ["sql db3:1433 sa|crm true"]
        );
        assert_eq!(
            shown("http://a/x https://[fd00::1]/"),
            ["http a:80 | false", "http fd00::1:443 | false"]
        );
        assert_eq!(
            shown("ipp://192.0.2.9/ipp/print"),
            ["print 192.0.2.9:631 |ipp/print false"]
        );
    }

    #[test]
    fn no_piece_of_a_secret_survives() {
        for text in [
            "postgres://app:se/cr@et#canary@db1/erp",
            "https://canary0123456789abcdef0123@sentry.corp.example/2",
            "redis://:canary@r1",
            "https://hooks.corp.example/services/T0/canary",
            "amqp://u:canary@q1/vh?password=canary",
            "https://x.corp.example/?sig=canary",
        ] {
            assert!(!format!("{:?}", urls(text)).contains("canary"), "{text}");
        }
    }

    #[test]
    fn unknown_schemes_and_holes_are_silent() {
        for text in [
            "file:///C:/x",
            "http://%HOST%/",
            "://x",
            "http://",
            "ms-settings://x",
            "http://{{h}}/",
        ] {
            assert_eq!(urls(text), [], "{text}");
        }
        assert!(
            urls("http://www.w3.org/2001/x")
                .iter()
                .all(is_reading_place)
        );
        assert!(
            !urls("http://notw3.org.corp.example/")
                .iter()
                .any(is_reading_place)
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_searched(text in ".{0,300}") {
            let _ = urls(&text);
            let _ = urls(&format!("http://{text}@{text}"));
            let _ = urls(&format!("jdbc:mysql://{text}"));
        }
    }
}
