//! Other machines that a command or a setting names: `\\server\share\…` and URLs. The rest of the text is dropped: it may
//! hold a password.

use groma_model::fact::{Component, Reference};
use groma_model::name::{Peer, Port, Protection, Transport};

use crate::needs::logon_of;
use crate::path::path_of_quoted;

/// Places of one text that are told.
const PLACES_MAX: usize = 32;
/// Bytes of a text that are looked at.
const TEXT_MAX: usize = 64 << 10;

/// A place on another machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// The machine.
    pub(crate) peer: Peer,
    /// The port, written or by habit.
    pub(crate) port: Option<Port>,
    /// A dependency kind of the registry.
    pub(crate) kind: &'static str,
    /// Share and folders, with `/` between them.
    pub(crate) resource: Option<String>,
    /// Whom a URL logs on.
    pub(crate) account: Option<String>,
    /// True if a URL holds a password.
    pub(crate) has_secret: bool,
    /// How it is protected, where the scheme says it.
    pub(crate) protection: Option<Protection>,
}

impl Place {
    /// The place as a reference: its rule, file, line, key and component are the caller's.
    pub(crate) fn reference(
        self,
        rule: &str,
        file: &str,
        line: u32,
        key: &str,
        component: Component,
    ) -> Reference {
        Reference {
            rule: rule.into(),
            file: file.into(),
            line,
            key: key.into(),
            peer: self.peer,
            port: self.port,
            transport: Transport::Tcp,
            kind: self.kind.into(),
            component,
            resource: self.resource.map(Into::into),
            account: self.account.map(Into::into),
            mechanism: None,
            protection: self.protection,
            has_secret: self.has_secret,
            rhythm: None,
            weak: false,
        }
    }
}

/// Every place that `text` names, once each, without those of this machine.
pub(crate) fn places(text: &str) -> Vec<Place> {
    let end = (0..=TEXT_MAX.min(text.len())).rev();
    let text = end.into_iter().find_map(|end| text.get(..end));
    let text = text.unwrap_or_default();
    let mut found: Vec<Place> = Vec::new();
    for (at, _) in text.match_indices(r"\\").chain(text.match_indices("://")) {
        let place = match text.get(at..at + 2) {
            Some(r"\\") => shared(text, at),
            _ => linked(text, at),
        };
        let own = |place: &Place| place.peer.is_loopback();
        if let Some(place) = place.filter(|place| !own(place) && !found.contains(place)) {
            found.push(place);
        }
        if found.len() >= PLACES_MAX {
            break;
        }
    }
    found
}

/// The place a text names that is nothing but `\\server\share\…`.
pub(crate) fn share(path: &str) -> Option<Place> {
    let path = path.trim();
    let place = path.starts_with(r"\\").then(|| of_share(path))??;
    (!place.peer.is_loopback()).then_some(place)
}

fn shared(text: &str, at: usize) -> Option<Place> {
    let before = text.get(..at)?.chars().next_back();
    let quote = before.filter(|c| matches!(c, '"' | '\''));
    let begins = before.is_none_or(|c| {
        c.is_whitespace() || matches!(c, '"' | '\'' | '=' | ':' | '(' | ',' | ';' | '@')
    });
    // `/to:\\server\share` is one, the doubled `C:\\` of a program's text is none.
    let begins = begins && !is_drive(text.get(..at)?);
    if !begins {
        return None;
    }
    let rest = text.get(at..)?;
    let ends = |c: char| match quote {
        Some(quote) => c == quote,
        None => c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | ')' | '|' | '>' | '<'),
    };
    let path = rest.split(ends).next()?;
    of_share(if quote.is_some() {
        path_of_quoted(path)
    } else {
        path
    })
}

/// True for a text that ends with the letter of a drive.
fn is_drive(before: &str) -> bool {
    let Some(before) = before.strip_suffix(':') else {
        return false;
    };
    let mut letters = before.chars().rev();
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
    is_letter(letters.next()) && !is_letter(letters.next())
}

/// `\\server\share\folder`, `\\?\UNC\server\share`, `\\server@SSL@8443\DavWWWRoot\…`.
fn of_share(path: &str) -> Option<Place> {
    let rest = path.strip_prefix(r"\\")?;
    let rest = match rest.get(..6) {
        Some(head) if head.eq_ignore_ascii_case(r"?\UNC\") => rest.get(6..)?,
        _ => rest,
    };
    let (server, share) = rest.split_once('\\')?;
    let (name, web) = server
        .split_once('@')
        .map_or((server, None), |(n, w)| (n, Some(w)));
    let peer = Peer::parse(name)?;
    let folders = share.split(['\\', '/']).filter(|part| !part.is_empty());
    let folders: Vec<&str> = folders.take(16).collect();
    let mut place = Place {
        peer,
        port: Some(Port(445)),
        kind: "smb",
        resource: Some(folders.join("/")).filter(|share| !share.is_empty()),
        account: None,
        has_secret: false,
        protection: None,
    };
    // `\\server\pipe\…` of a program that is no file; the port is the same.
    if let Some(web) = web {
        let is_tls = web.to_ascii_uppercase().starts_with("SSL");
        let written = web.rsplit('@').next().and_then(|port| port.parse().ok());
        place.kind = "http";
        place.port = Some(Port(written.unwrap_or(if is_tls { 443 } else { 80 })));
        place.protection = is_tls.then_some(Protection::Tls);
    }
    Some(place)
}

/// The schemes that mean something, with kind, port and protection.
const SCHEMES: &[(&str, &str, u16, Option<Protection>)] = &[
    ("http", "http", 80, None),
    ("https", "http", 443, Some(Protection::Tls)),
    ("ftp", "ftp", 21, None),
    ("ftps", "ftp", 990, Some(Protection::Tls)),
    ("sftp", "ssh", 22, None),
    ("ssh", "ssh", 22, None),
    ("scp", "ssh", 22, None),
    ("ldap", "ldap-bind", 389, None),
    ("ldaps", "ldap-bind", 636, Some(Protection::Tls)),
    ("net.tcp", "other", 808, None),
];

fn linked(text: &str, at: usize) -> Option<Place> {
    let before = text.get(..at)?;
    let is_of_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-');
    let scheme = before.rsplit(|c| !is_of_scheme(c)).next()?;
    let known = SCHEMES
        .iter()
        .find(|(name, ..)| name.eq_ignore_ascii_case(scheme));
    let (_, kind, port, protection) = *known?;
    let rest = text.get(at + 3..)?;
    let ends = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '/' | '\\' | '?' | '#' | '"' | '\'' | ',' | ';' | '<' | '>'
            )
    };
    let authority = rest.split(ends).next()?;
    let (user, host) = authority
        .rsplit_once('@')
        .map_or((None, authority), |(u, h)| (Some(u), h));
    let (host, written) = host_and_port(host);
    let (account, has_secret) = user.map_or((None, false), |user| logon_of(kind, user));
    Some(Place {
        peer: Peer::parse(host)?,
        port: Some(Port(written.unwrap_or(port))),
        kind,
        resource: None,
        account,
        has_secret,
        protection,
    })
}

/// `host:port`, `[fd00::1]:port`.
pub(crate) fn host_and_port(text: &str) -> (&str, Option<u16>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().ok())
        }
        _ => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let one = |place: Place| {
            let port = place.port.map(|port| port.0).unwrap_or_default();
            let resource = place.resource.unwrap_or_default();
            let account = place.account.unwrap_or_default();
            let secret = if place.has_secret { " secret" } else { "" };
            let (kind, peer) = (place.kind, place.peer);
            format!("{kind} {peer}:{port} {resource} {account}{secret}")
        };
        places(text).into_iter().map(one).collect()
    }

    #[test]
    fn shares_and_links_are_found_in_a_command_and_nothing_else_is_kept() {
        assert_eq!(
            shown(r#"/from "\\files1\Export data\x" /to:\\10.0.0.9\in$ -p geheim"#),
            ["smb files1:445 Export data/x ", "smb 10.0.0.9:445 in$ "]
        );
        assert_eq!(
            shown("-Uri https://svc:geheim@erp.corp.example:8443/a?token=1 ftp://put.corp.example"),
            [
                "http erp.corp.example:8443  svc secret",
                "ftp put.corp.example:21  "
            ]
        );
        assert_eq!(
            shown(r"\\?\UNC\nas1\backup\d and \\docs.corp.example@SSL\DavWWWRoot\a"),
            [
                "smb nas1:445 backup/d ",
                "http docs.corp.example:443 DavWWWRoot/a "
            ]
        );
    }

    #[test]
    fn arguments_in_the_quotes_of_a_share_are_dropped() {
        assert_eq!(
            shown(r#"cmd /c "\\dc1\netlogon\map.cmd svc geheim""#),
            ["smb dc1:445 netlogon/map.cmd "]
        );
        assert_eq!(
            shown(r#"/c "\\dc1\tools\send svc geheim" -x '\\nas1\in\a b.ps1'"#),
            ["smb dc1:445 tools ", "smb nas1:445 in/a b.ps1 "]
        );
    }

    #[test]
    fn a_token_before_a_host_is_no_account() {
        assert_eq!(
            shown("https://canary@git.corp.example sftp://svc@put.corp.example"),
            [
                "http git.corp.example:443   secret",
                "ssh put.corp.example:22  svc"
            ]
        );
    }

    #[test]
    fn what_is_no_other_machine_stays_unsaid() {
        for text in [
            r"C:\\double\\back\\slashes",
            r"\\.\COM1",
            r"\\?\C:\long",
            r"\\localhost\c$",
            r"\\server",
            "http://localhost:8080/x",
            "http://127.0.0.1",
            "mailto://x",
            "://x",
            r"\\%SERVER%\x",
            r"\\$server\x",
        ] {
            assert_eq!(shown(text), Vec::<String>::new(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_ends_the_program(text in r"(\PC|\\\\|://|@|\[){0,60}") {
            let _ = (places(&text), share(&text));
        }
    }
}
