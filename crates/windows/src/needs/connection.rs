//! Connection strings of pairs, wherever they stand.

use super::sql_server;
use super::value::{Target, account, port, resource};

/// Parts of a connection string that are read.
const PAIRS_MAX: usize = 64;

/// `Server=db1\ERP;Database=erp;User Id=sa;Password=…` wherever it stands (ADO.NET, OLE DB, ODBC): it names a server, and
/// a database or an account. Values in braces or quotes may hold a semicolon.
pub(super) fn connection_string(text: &str) -> Option<Target> {
    let (mut server, mut database, mut user) = (None, None, None);
    let (mut number, mut has_secret) = (None, false);
    for (name, value) in pairs(text) {
        match name.to_ascii_lowercase().as_str() {
            "server" | "data source" | "host" | "address" | "addr" | "network address" => {
                server = server.or(sql_server::server(&value));
            }
            "database" | "initial catalog" | "dbname" => database = resource(&value),
            "uid" | "user id" | "user" | "username" => user = account(&value),
            "port" => number = port(&value),
            "pwd" | "password" => has_secret = !value.is_empty(),
            _ => {}
        }
    }
    if database.is_none() && user.is_none() {
        return None;
    }
    let mut target = server?;
    // Which engine it is, and so where that listens, is not said.
    target.default_port = None;
    target.port = target.port.or(number);
    target.resource = database.or(target.resource);
    target.account = user;
    target.has_secret = has_secret;
    Some(target)
}

/// `name=value` parts; `{…}`, `"…"` and `'…'` keep their semicolons.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let close = match after.chars().next() {
            Some('{') => Some('}'),
            Some(quote @ ('"' | '\'')) => Some(quote),
            _ => None,
        };
        let inner = close.and_then(|close| after.get(1..)?.split_once(close));
        let (value, tail) = match inner {
            Some((value, tail)) => (value, tail.split_once(';').map_or("", |(_, tail)| tail)),
            None => after.split_once(';').unwrap_or((after, "")),
        };
        found.push((name.trim().to_owned(), value.trim().to_owned()));
        rest = tail;
        if found.len() == PAIRS_MAX {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_may_hold_a_semicolon() {
        let found = connection_string("Server=db1,1444;PWD={can;Server=canary};UID=sa;").unwrap();
        assert_eq!(
            (found.peer.to_string(), found.port.map(|p| p.0)),
            ("db1".into(), Some(1444))
        );
        assert!(found.has_secret && !format!("{found:?}").contains("can"));
        assert_eq!(connection_string("Server=db1;Timeout=5"), None);
        assert_eq!(connection_string(r"Server=.\ERP;Database=erp"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,200}") {
            let _ = connection_string(&text);
            let _ = connection_string(&format!("Server={text};Database={text}"));
        }
    }
}
