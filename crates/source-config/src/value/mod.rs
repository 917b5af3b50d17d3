//! Values → the machines they name. Pure; a secret is dropped while it is read.

mod command;
mod host;
mod pairs;
mod shapes;
mod url;

pub(crate) use host::{address, host_and_port, port};
pub(crate) use pairs::connection_string;
pub(crate) use shapes::targets;
pub(crate) use url::{
    each_url_from, find_urls, is_reading_key, is_reading_matter, is_reading_place,
};

use groma_model::name::Protection;
use groma_model::{Peer, Port, Transport};

/// A machine a value names, with what the value itself says about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Target {
    pub(crate) peer: Peer,
    pub(crate) port: Option<Port>,
    pub(crate) transport: Option<Transport>,
    /// Dependency kind, where the value says it (a URL's scheme, a program).
    pub(crate) kind: Option<&'static str>,
    pub(crate) protection: Option<Protection>,
    pub(crate) resource: Option<String>,
    pub(crate) account: Option<String>,
    /// How it logs on, where that is said.
    pub(crate) mechanism: Option<String>,
    /// True if a secret stood there; it was dropped.
    pub(crate) has_secret: bool,
    /// Port of the scheme or program, where none is written.
    pub(crate) default_port: Option<Port>,
}

impl Target {
    pub(crate) fn new(peer: Peer, port: Option<Port>) -> Self {
        Self {
            peer,
            port,
            transport: None,
            kind: None,
            protection: None,
            resource: None,
            account: None,
            mechanism: None,
            has_secret: false,
            default_port: None,
        }
    }
}

/// An account of SASL as it may be said: also a machine's, which ends in a dollar sign (`APP1$@CORP.EXAMPLE`).
pub(crate) fn principal(text: &str) -> Option<String> {
    let text = text.trim();
    let (name, realm) = text.split_once('@').unwrap_or((text, ""));
    let without = format!("{}@{realm}", name.strip_suffix('$').unwrap_or(name));
    account(&without).map(|_| text.to_owned())
}

/// Longest name of a mechanism of SASL (RFC 4422 §3.1).
const MECHANISM_MAX: usize = 20;

/// A mechanism of SASL as it may be said; several that may be used are none that is.
pub(crate) fn mechanism(text: &str) -> Option<String> {
    let text = text.trim();
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let fits = (1..=MECHANISM_MAX).contains(&text.len()) && text.chars().all(sound);
    let name = text.to_ascii_uppercase();
    (fits && name.bytes().any(|b| b.is_ascii_uppercase())).then_some(name)
}

/// An account as it may be said: not empty, not a variable, and nothing that looks like a token.
pub(crate) fn account(text: &str) -> Option<String> {
    let text = text.trim();
    // A colon may have a secret behind it, whoever failed to take it off before.
    let foreign = ['$', '{', '<', '\n', '%', ':'];
    let fits = !text.is_empty() && text.len() <= 120 && !text.contains(foreign);
    (fits && !looks_secret(text)).then(|| text.to_owned())
}

/// A database, base or share as it may be said.
pub(crate) fn resource(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = !text.is_empty()
        && text.len() <= 200
        && !text.contains(['$', '{', '<', '>', '\n', '\'', '"', '@', '?', '*']);
    (fits && !looks_secret(text)).then(|| text.to_owned())
}

/// True for what may be a key or token: long, one word, letters and digits mixed; or a known prefix.
fn looks_secret(text: &str) -> bool {
    let prefixed = [
        "ghp_", "gho_", "glpat-", "xox", "sk-", "sk_", "AKIA", "eyJ", "hvs.",
    ]
    .iter()
    .any(|p| text.starts_with(p));
    let one_word = !text.contains(['.', '=', ' ', '/', '\\', ',']);
    let mixed =
        text.bytes().any(|b| b.is_ascii_digit()) && text.bytes().any(|b| b.is_ascii_alphabetic());
    prefixed || (one_word && mixed && text.len() >= 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_token_is_never_an_account() {
        assert_eq!(account("svc-mail"), Some("svc-mail".into()));
        assert_eq!(
            account("cn=reader,dc=corp,dc=example"),
            Some("cn=reader,dc=corp,dc=example".into())
        );
        for token in [
            "ghp_abcdefgh",
            "0123456789abcdef0123456789abcdef",
            "glpat-XyZ",
            "",
        ] {
            assert_eq!(account(token), None, "{token}");
        }
    }
}
