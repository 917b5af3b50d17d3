//! ODBC data sources of the machine and of each account (Microsoft: "Registry Entries for Data Sources").

use std::collections::BTreeMap;

use groma_model::name::Protection;

use super::look::{Look, Need};
use super::sql_server;
use super::value::{Target, account, host, port, resource};
use crate::{Key, base_name};

const OF_MACHINE: &[&str] = &[
    r"HKLM\SOFTWARE\ODBC\ODBC.INI",
    r"HKLM\SOFTWARE\WOW6432Node\ODBC\ODBC.INI",
];
/// Lists and settings beside the sources: they name no server.
const NO_SOURCES: &[&str] = &["ODBC Data Sources", "ODBC File DSN", "ODBC"];
/// Values that name the server, by the drivers that read them.
const SERVERS: &[&str] = &[
    "Server",
    "Servername",
    "Host",
    "HostName",
    "System",
    "ServerNode",
    "DBCName",
    "NetworkAddress",
    "Address",
    "Failover_Partner",
];
/// Values that name a file or folder with the data.
const FILES: &[&str] = &[
    "DBQ",
    "Database",
    "DefaultDir",
    "SourceDB",
    "DataDirectory",
    "Directory",
    "FIL",
    "Dbname",
];
const PORTS: &[&str] = &["Port", "PortNumber", "TCPPort", "PortNo"];
const DATABASES: &[&str] = &[
    "Database",
    "DatabaseName",
    "DB",
    "Dbname",
    "DBAlias",
    "SID",
    "ServiceName",
];
const ACCOUNTS: &[&str] = &[
    "UID", "User", "Username", "LogonID", "UserID", "User ID", "LastUser",
];
const SECRETS: &[&str] = &["PWD", "Password"];
/// Servers one value may list.
const SERVERS_MAX: usize = 16;
/// Parts of a connection string that are read.
const PAIRS_MAX: usize = 64;

/// What a driver speaks to.
struct Family {
    /// Rule.
    rule: &'static str,
    /// Pieces of the names of its drivers, lower case.
    drivers: &'static [&'static str],
    /// Where its servers listen.
    port: Option<u16>,
}

const SQL_SERVER: &str = "windows-odbc-sqlserver";
const ORACLE: &str = "windows-odbc-oracle";
const FIREBIRD: &str = "windows-odbc-firebird";

const FAMILIES: &[Family] = &[
    family(
        "windows-odbc-postgresql",
        &["psqlodbc", "postgres"],
        Some(5432),
    ),
    family(
        "windows-odbc-mysql",
        &["myodbc", "mysql", "maodbc", "mariadb"],
        Some(3306),
    ),
    family(
        SQL_SERVER,
        &[
            "sqlsrv32",
            "sqlncli",
            "msodbcsql",
            "sql server",
            "sql native client",
            "tdsodbc",
            "freetds",
        ],
        None,
    ),
    family(ORACLE, &["sqora", "oracle", "msorcl"], Some(1521)),
    family(
        "windows-odbc-db2-i",
        &["cwbodbc", "iseries", "ibm i access"],
        Some(8471),
    ),
    family("windows-odbc-db2", &["db2"], Some(50000)),
    family("windows-odbc-hana", &["hdbodbc"], Some(30015)),
    family(FIREBIRD, &["firebird", "ibphoenix"], Some(3050)),
];

const fn family(rule: &'static str, drivers: &'static [&'static str], port: Option<u16>) -> Family {
    Family {
        rule,
        drivers,
        port,
    }
}

/// A driver no table knows.
const UNKNOWN: Family = family("windows-odbc", &[], None);

/// Sources of the machine.
pub(super) fn machine(look: &mut Look<'_>) {
    for path in OF_MACHINE {
        sources(look, path);
    }
}

/// Sources of one account.
pub(super) fn hive(look: &mut Look<'_>, hive: &str) {
    sources(look, &format!(r"{hive}\Software\ODBC\ODBC.INI"));
}

fn sources(look: &mut Look<'_>, path: &str) {
    let all = look.below(path);
    if all.is_empty() {
        return;
    }
    let aliases = sql_server::aliases(look);
    let drivers = look.key(&format!(r"{path}\ODBC Data Sources"));
    for (at, name, key) in all {
        if NO_SOURCES
            .iter()
            .any(|other| other.eq_ignore_ascii_case(&name))
        {
            continue;
        }
        let file = base_name(key.text("Driver").unwrap_or_default());
        let driver = format!("{file} {}", drivers.text(&name).unwrap_or_default());
        let family = family_of(&driver);
        for (value, target) in targets(&key, family, &aliases) {
            look.needs(Need {
                rule: family.rule,
                key: &at,
                value,
                kind: "sql",
                port: family.port,
                target,
                reader: None,
                weak: false,
            });
        }
        for value in FILES {
            let path = key.text(value).unwrap_or_default();
            look.needs_share("windows-odbc-file", &at, value, path);
        }
    }
}

fn family_of(driver: &str) -> &'static Family {
    let driver = driver.to_ascii_lowercase();
    let mut all = FAMILIES.iter();
    let known = all.find(|family| family.drivers.iter().any(|name| driver.contains(name)));
    known.unwrap_or(&UNKNOWN)
}

/// The servers of one source, each with the value that names it.
fn targets(
    key: &Key,
    family: &Family,
    aliases: &BTreeMap<String, Target>,
) -> Vec<(&'static str, Target)> {
    let first = |names: &[&str]| names.iter().find_map(|name| key.text(name));
    let written = first(PORTS).and_then(port);
    let is_encrypted = ["yes", "true", "mandatory", "strict", "1"];
    let encrypts = key.text("Encrypt").map(str::to_ascii_lowercase);
    let encrypts = encrypts.is_some_and(|word| is_encrypted.contains(&word.as_str()));
    let mut found = Vec::new();
    for name in SERVERS.iter().chain(&["DBQ", "Dbname"]) {
        let text = key.text(name).unwrap_or_default();
        for mut target in servers(text, name, family, aliases) {
            target.port = target.port.or(written);
            let database = first(DATABASES).filter(|text| !is_a_path(text));
            target.resource = database.and_then(resource).or(target.resource);
            target.account = first(ACCOUNTS).and_then(account);
            target.has_secret = first(SECRETS).is_some();
            target.protection = encrypts.then_some(Protection::Tls);
            found.push((*name, target));
        }
    }
    found
}

/// True for a file of this machine or another one.
fn is_a_path(text: &str) -> bool {
    text.contains('\\') || text.contains('/')
}

fn servers(
    text: &str,
    name: &str,
    family: &Family,
    aliases: &BTreeMap<String, Target>,
) -> Vec<Target> {
    let names_a_file = FILES.contains(&name);
    let one = match family.rule {
        _ if text.is_empty() => None,
        SQL_SERVER if names_a_file => None,
        SQL_SERVER => aliases
            .get(&text.to_lowercase())
            .cloned()
            .or_else(|| sql_server::server(text)),
        // A service name leads through tnsnames.ora; only the long ways to write it name a machine.
        ORACLE if names_a_file || name == "Server" || name == "Servername" => oracle(text),
        FIREBIRD if names_a_file => firebird(text),
        _ if names_a_file => None,
        _ => {
            return text
                .split(',')
                .take(SERVERS_MAX)
                .filter_map(listed)
                .collect();
        }
    };
    one.into_iter().collect()
}

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

/// A host of a list; a path (`/tmp/x.sock`, `\\.\pipe\x`) is none.
fn listed(text: &str) -> Option<Target> {
    let text = text.trim();
    (!is_a_path(text)).then(|| host(text)).flatten()
}

/// `//host:1521/service`, `host/service`, `(DESCRIPTION=…(HOST=host)(PORT=1521)…)` (Oracle Net Services: easy connect).
fn oracle(text: &str) -> Option<Target> {
    let upper = text.to_ascii_uppercase();
    let part = |name: &str| {
        let at = upper.find(name)? + name.len();
        text.get(at..)?.split(')').next().map(str::trim)
    };
    if text.starts_with('(') {
        let mut target = host(part("(HOST=")?)?;
        target.port = part("(PORT=").and_then(port);
        let service = part("(SERVICE_NAME=").or_else(|| part("(SID="));
        target.resource = service.and_then(resource);
        return Some(target);
    }
    let (hosts, service) = text.trim_start_matches("//").split_once('/')?;
    let mut target = host(hosts)?;
    target.resource = service.split([':', '/', '?']).next().and_then(resource);
    Some(target)
}

/// `host:alias`, `host/3051:C:\x.fdb`; a drive is no host.
fn firebird(text: &str) -> Option<Target> {
    let (server, database) = text.split_once(':')?;
    let (name, number) = server.split_once('/').unwrap_or((server, ""));
    if name.len() < 2 || name.contains('\\') {
        return None;
    }
    let mut target = host(name)?;
    target.port = port(number);
    target.resource = resource(base_name(database));
    Some(target)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{missed, of, said, shown};
    use super::*;
    use crate::{WrittenFiles, WrittenRegistry};
    use groma_model::Reason;

    const EXPORT: &str = r#"Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SOFTWARE\ODBC\ODBC.INI\ODBC Data Sources]
"ERP"="ODBC Driver 17 for SQL Server"
"Shop"="MySQL ODBC 8.0 Unicode Driver"
"Host"="SQL Server"

[HKEY_LOCAL_MACHINE\SOFTWARE\ODBC\ODBC.INI\ERP]
"Driver"="C:\\Windows\\system32\\msodbcsql17.dll"
"Server"="tcp:sql1.corp.example,1444\\ERP"
"Database"="erp"
"LastUser"="erp_reader"
"Encrypt"="Yes"
"Failover_Partner"="sql2.corp.example"

[HKEY_LOCAL_MACHINE\SOFTWARE\ODBC\ODBC.INI\Alias]
"Driver"="C:\\Windows\\system32\\SQLSRV32.dll"
"Server"="LEDGER"
"Database"="ledger"

[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\MSSQLServer\Client\ConnectTo]
"LEDGER"="DBMSSOCN,192.0.2.41,1433"

[HKEY_LOCAL_MACHINE\SOFTWARE\ODBC\ODBC.INI\Shop]
"Driver"="C:\\Program Files\\MySQL\\Connector ODBC 8.0\\myodbc8w.dll"
"SERVER"="shop-db"
"PORT"="3307"
"DATABASE"="shop"
"UID"="shop"
"PWD"="canary"

[HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\ODBC\ODBC.INI\Stock]
"Driver"="C:\\Program Files (x86)\\psqlODBC\\psqlodbc30a.dll"
"Servername"="pg1.corp.example"
"Username"="stock"
"Password"="canary"
"Database"="stock"

[HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\ODBC\ODBC.INI\Prices]
"Driver"="C:\\Windows\\SysWOW64\\odbcjt32.dll"
"DBQ"="\\\\files1.corp.example\\office\\prices.mdb"
"UID"=""

[HKEY_LOCAL_MACHINE\SOFTWARE\ODBC\ODBC.INI\Payroll]
"Driver"="C:\\oracle\\bin\\SQORA32.DLL"
"ServerName"="ora1.corp.example:1522/PAY"
"UserID"="scott"

[HKEY_LOCAL_MACHINE\SOFTWARE\ODBC\ODBC.INI\Till]
"Driver"="C:\\Program Files\\Firebird\\OdbcFb.dll"
"Dbname"="till1/3051:C:\\data\\till.fdb"

[HKEY_LOCAL_MACHINE\SOFTWARE\ODBC\ODBC.INI\ODBC Data Sources]
"Till"="Firebird/InterBase(r) driver"

[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\ODBC\ODBC.INI\Mine]
"Driver"="C:\\Windows\\system32\\sqlncli11.dll"
"Server"="sql3\\LAB"
"#;

    #[test]
    fn a_data_source_names_server_database_and_account() {
        assert_eq!(
            shown(&said(EXPORT)),
            [
                "windows-odbc-sqlserver Server -> sql 192.0.2.41 1433/tcp, resource ledger",
                "windows-odbc-sqlserver Server -> sql sql1.corp.example 1444/tcp, resource erp, account erp_reader, Tls",
                "windows-odbc-sqlserver Failover_Partner -> sql sql2.corp.example 1433/tcp, resource erp, account erp_reader, Tls",
                "windows-odbc-oracle Servername -> sql ora1.corp.example 1522/tcp, resource PAY, account scott",
                "windows-odbc-mysql Server -> sql shop-db 3307/tcp, resource shop, account shop, secret",
                "windows-odbc-firebird Dbname -> sql till1 3051/tcp, resource till.fdb",
                "windows-odbc-file DBQ -> smb files1.corp.example 445/tcp, resource office/prices.mdb",
                "windows-odbc-postgresql Servername -> sql pg1.corp.example 5432/tcp, resource stock, account stock, secret",
                "windows-sql-alias LEDGER -> sql 192.0.2.41 1433/tcp",
                "windows-odbc-sqlserver Server -> sql sql3, resource LAB",
            ]
        );
        assert!(!format!("{:?}", said(EXPORT)).contains("canary"));
    }

    #[test]
    fn a_data_source_on_this_machine_is_silent() {
        let export = r#"
[HKEY_LOCAL_MACHINE\SOFTWARE\ODBC\ODBC.INI\A]
"Driver"="C:\\Windows\\system32\\sqlsrv32.dll"
"Server"="(local)\\ERP"
[HKEY_LOCAL_MACHINE\SOFTWARE\ODBC\ODBC.INI\B]
"Driver"="C:\\Windows\\system32\\sqlsrv32.dll"
"Server"="APP1"
[HKEY_LOCAL_MACHINE\SOFTWARE\ODBC\ODBC.INI\C]
"Driver"="myodbc8w.dll"
"Server"="127.0.0.1"
[HKEY_LOCAL_MACHINE\SOFTWARE\ODBC\ODBC.INI\D]
"Driver"="odbcjt32.dll"
"DBQ"="D:\\data\\prices.mdb"
"DefaultDir"="D:\\data"
[HKEY_LOCAL_MACHINE\SOFTWARE\ODBC\ODBC.INI\E]
"Driver"="SQORA32.DLL"
"ServerName"="PAYROLL.WORLD"
"DBQ"="PAYROLL"
[HKEY_LOCAL_MACHINE\SOFTWARE\ODBC\ODBC.INI\F]
"Driver"="C:\\Program Files\\Firebird\\firebird.dll"
"Dbname"="C:\\data\\till.fdb"
[HKEY_LOCAL_MACHINE\SOFTWARE\ODBC\ODBC.INI\ODBC Data Sources]
"Server"="SQL Server"
"#;
        assert_eq!(shown(&said(export)), Vec::<String>::new());
    }

    #[test]
    fn a_key_that_cannot_be_read_is_a_gap() {
        let path = r"HKLM\SOFTWARE\ODBC\ODBC.INI\ERP";
        let registry = WrittenRegistry::default().refused(path, Reason::PermissionDenied);
        let missed = missed(&of(&registry, &WrittenFiles::default()));
        assert_eq!(missed, [format!("registry:odbc {path}: permission denied")]);
    }

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
            let _ = (oracle(&text), firebird(&text), listed(&text));
            let _ = oracle(&format!("(HOST={text}"));
            let _ = firebird(&format!("{text}/1:{text}"));
            let _ = connection_string(&text);
            let _ = connection_string(&format!("Server={text};Database={text}"));
        }
    }
}
