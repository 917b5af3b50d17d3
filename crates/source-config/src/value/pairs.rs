//! Connection strings made of pairs: libpq's `host=… dbname=…`, ADO.NET's and ODBC's `Server=…;Database=…`.

use super::host::{host_and_port, port};
use super::{Target, account, resource};

/// What pairs said, before it is a target.
#[derive(Default)]
struct Said {
    hosts: Vec<String>,
    port: Option<groma_model::Port>,
    database: Option<String>,
    account: Option<String>,
    has_secret: bool,
}

impl Said {
    fn hear(&mut self, key: &str, value: &str) {
        match key.trim().to_ascii_lowercase().as_str() {
            "host" | "hostaddr" | "server" | "servername" | "data source" | "datasource"
            | "address" | "addr" | "network address" | "hostname"
                if self.hosts.is_empty() =>
            {
                let hosts = value.split(',').filter(|h| !h.trim().is_empty());
                self.hosts = hosts.map(str::to_owned).collect();
            }
            "port" => self.port = port(value.split(',').next().unwrap_or(value)),
            "dbname" | "database" | "initial catalog" | "db" | "databasename" => {
                self.database = resource(value)
            }
            "user" | "uid" | "user id" | "username" | "user name" => self.account = account(value),
            "password" | "pwd" | "pass" | "passwd" => self.has_secret = !value.trim().is_empty(),
            _ => {}
        }
    }

    fn targets(self) -> Vec<Target> {
        let mut out = Vec::new();
        for host in self.hosts.iter().take(16) {
            // SQL Server: `tcp:host\instance,1433`; the number after the comma is the port of the host before it.
            let bare = host
                .trim()
                .trim_start_matches("tcp:")
                .split('\\')
                .next()
                .unwrap_or_default();
            if let (Some(number), Some(last)) = (port(bare), out.last_mut()) {
                let last: &mut Target = last;
                last.port = Some(number);
                continue;
            }
            let Some((peer, written)) = host_and_port(bare) else {
                continue;
            };
            let mut target = Target::new(peer, written.or(self.port));
            target.resource.clone_from(&self.database);
            target.account.clone_from(&self.account);
            target.has_secret = self.has_secret;
            out.push(target);
        }
        out
    }
}

/// `host=db1 port=5432 dbname='x' user=y password=z` (libpq, dovecot, mod_dbd).
pub(super) fn libpq(text: &str) -> Vec<Target> {
    let mut said = Said::default();
    let mut rest = text.trim();
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.rsplit([' ', ',', '\t']).next().unwrap_or(key);
        let after = after.trim_start();
        let (value, tail) = match after.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').unwrap_or((quoted, "")),
            None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        said.hear(key, value);
        rest = tail.trim_start();
    }
    said.targets()
}

/// `Server=db1;Database=x;User Id=y;Password=z`, also `mysql:host=db1;dbname=x` (PDO).
pub(super) fn keyed_list(text: &str) -> Vec<Target> {
    let mut said = Said::default();
    let scheme = text
        .split_once(':')
        .map(|(s, _)| s.trim().to_ascii_lowercase())
        .filter(|s| s.bytes().all(|b| b.is_ascii_alphabetic()));
    let body = text
        .split_once(':')
        .filter(|_| scheme.is_some())
        .map_or(text, |(_, rest)| rest);
    for (key, value) in body
        .split(';')
        .take(64)
        .filter_map(|pair| pair.split_once('='))
    {
        said.hear(key, value.trim().trim_matches(['"', '\'', '{', '}']));
    }
    let mut targets = said.targets();
    let default_port = match scheme.as_deref() {
        Some("mysql") => Some(3306),
        Some("pgsql") => Some(5432),
        Some("sqlsrv" | "dblib") => Some(1433),
        _ => None,
    };
    for target in &mut targets {
        target.kind = Some("sql");
        target.default_port = default_port.map(groma_model::Port);
    }
    targets
}

/// A connection string wherever it stands: it names a host and a database or account, in one of the two ways.
pub(crate) fn connection_string(text: &str) -> Vec<Target> {
    let lower = text.to_ascii_lowercase();
    let has = |names: &[&str]| names.iter().any(|n| lower.contains(n));
    let mut targets = match () {
        () if text.len() > 2000 => Vec::new(),
        () if text.contains(';')
            && has(&["server=", "data source=", "host=", "servername="])
            && has(&[
                "database=",
                "catalog=",
                "uid=",
                "user id=",
                "dbname=",
                "pwd=",
                "password=",
                "user=",
            ]) =>
        {
            keyed_list(text)
        }
        () if has(&["mysql:host=", "pgsql:host=", "sqlsrv:server="]) => keyed_list(text),
        () if lower.contains("host=") && has(&["dbname=", "user="]) => libpq(text),
        () => Vec::new(),
    };
    for target in &mut targets {
        target.kind = Some("sql");
        let postgresql =
            text.contains("dbname=") && !text.contains(';') && !lower.starts_with("mysql:");
        target.default_port = target
            .default_port
            .or(postgresql.then_some(groma_model::Port(5432)));
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(targets: &[Target]) -> Vec<String> {
        targets
            .iter()
            .map(|t| {
                format!(
                    "{}:{} {:?} {:?} {}",
                    t.peer,
                    t.port.map_or(0, |p| p.0),
                    t.resource,
                    t.account,
                    t.has_secret
                )
            })
            .collect()
    }

    #[test]
    fn pairs_name_host_database_and_account() {
        assert_eq!(
            shown(&libpq(
                "host=db1 port=5433 dbname='erp' user=app password=x"
            )),
            [r#"db1:5433 Some("erp") Some("app") true"#]
        );
        assert_eq!(
            shown(&libpq("host=a,b dbname=x")),
            [r#"a:0 Some("x") None false"#, r#"b:0 Some("x") None false"#]
        );
        assert_eq!(
            shown(&keyed_list(
                "Data Source=tcp:db2\\INST,1434;Initial Catalog=crm;User Id=sa;Password=x"
            )),
            [r#"db2:1434 Some("crm") Some("sa") true"#]
        );
        assert_eq!(
            shown(&keyed_list("pgsql:host=db3;dbname=y")),
            [r#"db3:0 Some("y") None false"#]
        );
    }

    #[test]
    fn local_sockets_name_nobody() {
        assert!(libpq("host=/run/postgresql dbname=x").is_empty());
        assert!(libpq("nothing here").is_empty());
        assert!(keyed_list("sqlite:/x.db").is_empty());
    }
}
