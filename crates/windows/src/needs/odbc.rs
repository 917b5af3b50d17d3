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
mod tests;
