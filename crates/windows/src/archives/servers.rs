//! Servers in profiles of Outlook: the mailbox server of Exchange, accounts of internet mail, address books.
//!
//! Numbers are those of MAPI's properties (see `outlook`); values that hold passwords are never asked for.

use super::outlook::{property, text_of};
use crate::{Key, Value};

/// The key of accounts of internet mail, below a profile.
const ACCOUNTS: &str = "9375cff0413111d3b88a00104b2a6676";

/// A server that a profile names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) struct NamedServer {
    /// The key that says so.
    pub(super) key: String,
    /// The value that says so.
    pub(super) value: String,
    /// As written: a name, an address, a URL.
    pub(super) server: String,
    pub(super) kind: &'static str,
    pub(super) port: Option<u16>,
    /// `Some(true)` for TLS from the first byte, `Some(false)` for clear text.
    pub(super) tls: Option<bool>,
    pub(super) starttls: bool,
    pub(super) account: Option<String>,
    pub(super) resource: Option<String>,
}

/// All servers that one key of a profile names.
pub(super) fn all(path: &str, key: &Key, servers: &mut Vec<NamedServer>) {
    exchange(path, key, servers);
    address_book(path, key, servers);
    if path.to_lowercase().contains(ACCOUNTS) {
        accounts(path, key, servers);
    }
}

/// The mailbox server of Exchange. 662a and 6622 are its alone; the others only beside a name of its directory, as other
/// services use these numbers for other things.
fn exchange(path: &str, key: &Key, servers: &mut Vec<NamedServer>) {
    let has_name = ["6603", "6612", "6614"].iter().any(|number| {
        property(key, number).is_some_and(|(_, text)| text.to_lowercase().starts_with("/o="))
    });
    let always = ["662a", "6622"].as_slice();
    let beside = ["6602", "660c", "6608"].as_slice();
    let numbers = always
        .iter()
        .chain(has_name.then_some(beside).into_iter().flatten());
    let account = property(key, "6641").map(|(_, address)| address);
    let mut names: Vec<String> = Vec::new();
    for number in numbers {
        let Some((value, server)) = property(key, number) else {
            continue;
        };
        let lower = server.to_lowercase();
        // The short form of a name that was told already, and the mailbox that stands in for a server from 2013 on.
        let told = names
            .iter()
            .any(|name| *name == lower || name.starts_with(&format!("{lower}.")));
        if told || lower.contains('@') {
            continue;
        }
        names.push(lower);
        servers.push(NamedServer {
            key: path.to_owned(),
            value,
            server,
            kind: "http",
            account: account.clone(),
            ..NamedServer::default()
        });
    }
}

/// An address book asked over LDAP: server (6600), port (6601), base (6603).
fn address_book(path: &str, key: &Key, servers: &mut Vec<NamedServer>) {
    let Some((value, server)) = property(key, "6600") else {
        return;
    };
    let port = property(key, "6601").and_then(|(_, port)| port.parse().ok());
    if port.is_none() {
        return;
    }
    let tls = key.bytes("000b6613").map(|flag| flag.first() == Some(&1));
    servers.push(NamedServer {
        key: path.to_owned(),
        value,
        server,
        kind: "ldap-bind",
        port,
        tls: tls.filter(|tls| *tls),
        account: property(key, "6602").map(|(_, account)| account),
        resource: property(key, "6603").map(|(_, base)| base),
        ..NamedServer::default()
    });
}

/// An account of internet mail; texts are bytes in wide letters.
fn accounts(path: &str, key: &Key, servers: &mut Vec<NamedServer>) {
    let text = |name: &str| {
        let text = match key.value(name)? {
            Value::Bytes(bytes) => text_of(bytes, true)?,
            other => other.text()?.to_owned(),
        };
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let address = text("Email").or_else(|| text("Account Name").filter(|name| name.contains('@')));
    for (protocol, kind) in [("POP3", "pop3"), ("IMAP", "imap"), ("SMTP", "smtp")] {
        let value = format!("{protocol} Server");
        let Some(server) = text(&value) else {
            continue;
        };
        let number = |what: &str| key.number(&format!("{protocol} {what}"));
        let secure = number("Secure Connection");
        let tls = match (secure, number("Use SSL")) {
            (Some(1), _) | (None, Some(1)) => Some(true),
            (Some(0), _) | (None, Some(0)) => Some(false),
            _ => None,
        };
        let port = number("Port").and_then(|port| u16::try_from(port).ok());
        let usual = match (protocol, tls == Some(true)) {
            ("POP3", false) => 110,
            ("POP3", true) => 995,
            ("IMAP", false) => 143,
            ("IMAP", true) => 993,
            (_, true) => 465,
            (_, false) => 25,
        };
        let port = port.filter(|port| *port > 0).unwrap_or(usual);
        let kind = match (kind, port) {
            ("smtp", 465 | 587) => "smtp-submission",
            ("smtp", _) => "smtp-relay",
            (other, _) => other,
        };
        servers.push(NamedServer {
            key: path.to_owned(),
            value,
            server,
            kind,
            port: Some(port),
            tls,
            starttls: secure == Some(2),
            account: address
                .clone()
                .or_else(|| text(&format!("{protocol} User"))),
            ..NamedServer::default()
        });
    }
    if let Some(server) = text("EAS Server URL") {
        servers.push(NamedServer {
            key: path.to_owned(),
            value: "EAS Server URL".to_owned(),
            server,
            kind: "http",
            account: address,
            ..NamedServer::default()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str) -> Value {
        let units = text.encode_utf16().chain([0]);
        Value::Bytes(units.flat_map(u16::to_le_bytes).collect())
    }

    fn key(values: &[(&str, Value)]) -> Key {
        let own = |(name, value): &(&str, Value)| ((*name).to_owned(), value.clone());
        Key {
            values: values.iter().map(own).collect(),
            ..Key::default()
        }
    }

    fn told(servers: &[NamedServer]) -> Vec<String> {
        let one = |s: &NamedServer| format!("{} {} {:?} {:?}", s.kind, s.server, s.port, s.tls);
        servers.iter().map(one).collect()
    }

    #[test]
    fn an_account_of_internet_mail_names_its_servers_and_no_password() {
        let mut servers = Vec::new();
        let values = [
            ("Email", wide("anna@corp.example")),
            ("IMAP Server", wide("imap.corp.example")),
            ("IMAP Use SSL", Value::Number(1)),
            ("IMAP Password", Value::Bytes(b"canary".to_vec())),
            ("SMTP Server", wide("smtp.corp.example")),
            ("SMTP Port", Value::Number(587)),
            ("SMTP Secure Connection", Value::Number(2)),
        ];
        accounts("K", &key(&values), &mut servers);
        assert_eq!(
            told(&servers),
            [
                "imap imap.corp.example Some(993) Some(true)",
                "smtp-submission smtp.corp.example Some(587) None"
            ]
        );
        assert!(servers[1].starttls);
        assert_eq!(servers[0].account.as_deref(), Some("anna@corp.example"));
        assert!(!format!("{servers:?}").contains("canary"));
    }

    #[test]
    fn the_server_of_exchange_is_told_once_and_its_stand_in_is_not() {
        let mut servers = Vec::new();
        let name = ("001f6603", wide("/o=Corp/ou=x/cn=Recipients/cn=anna"));
        let values = [
            name.clone(),
            ("001f662a", wide("mail1.corp.example")),
            ("001e6602", Value::Bytes(b"MAIL1\0".to_vec())),
        ];
        exchange("K", &key(&values), &mut servers);
        assert_eq!(told(&servers), ["http mail1.corp.example None None"]);
        servers.clear();
        let stand_in = wide("1f0c8a4e-0000-4000-8000-000000000001@corp.example");
        exchange("K", &key(&[name, ("001f6602", stand_in)]), &mut servers);
        // Of another service: the account of an address book.
        exchange("K", &key(&[("001f6602", wide("anna"))]), &mut servers);
        assert!(servers.is_empty(), "{servers:?}");
    }

    #[test]
    fn an_address_book_has_a_port() {
        let mut servers = Vec::new();
        let book = [
            ("001e6600", wide("x")),
            ("001f6600", wide("ldap.corp.example")),
        ];
        address_book("K", &key(&book), &mut servers);
        assert!(servers.is_empty());
        let book = [
            ("001f6600", wide("ldap.corp.example")),
            ("001f6601", wide("636")),
            ("001f6603", wide("ou=people,o=corp")),
            ("000b6613", Value::Bytes(vec![1, 0])),
        ];
        address_book("K", &key(&book), &mut servers);
        assert_eq!(
            told(&servers),
            ["ldap-bind ldap.corp.example Some(636) Some(true)"]
        );
    }
}
