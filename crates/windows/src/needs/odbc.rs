//! ODBC data sources of the machine and of each account (Microsoft: "Registry Entries for Data Sources").

use groma_model::name::Protection;

use super::look::{Look, Need};
use super::sql_server::{self, Aliases};
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
    "ServerNode",
    "DBCName",
    "NetworkAddress",
    "Failover_Partner",
];
/// Values that name the machine; where one stands, `Server` names what runs there (Informix, SQL Anywhere).
const HOSTS: &[&str] = &["Host", "HostName", "NetworkAddress"];
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
const SYSTEM_I: &str = "windows-odbc-db2-i";
const SQL_ANYWHERE: &str = "windows-odbc-sqlanywhere";

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
        SYSTEM_I,
        &["cwbodbc", "iseries", "ibm i access"],
        Some(8471),
    ),
    family("windows-odbc-db2", &["db2"], Some(50000)),
    family("windows-odbc-hana", &["hdbodbc"], Some(30015)),
    family(
        SQL_ANYWHERE,
        &["dbodbc", "sql anywhere", "sqlanywhere"],
        Some(2638),
    ),
    family("windows-odbc-informix", &["informix", "iclit"], Some(9088)),
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
        one(look, &at, &key, &driver, &aliases);
    }
}

/// A source that stands at `at` with the values of `key`.
pub(super) fn source(look: &mut Look<'_>, at: &str, key: &Key, driver: &str) {
    let aliases = sql_server::aliases(look);
    one(look, at, key, driver, &aliases);
}

fn one(look: &mut Look<'_>, at: &str, key: &Key, driver: &str, aliases: &Aliases) {
    let family = family_of(driver);
    for (value, target) in targets(key, family, aliases) {
        look.needs(Need {
            rule: family.rule,
            key: at,
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
        look.needs_share("windows-odbc-file", at, value, path);
    }
}

fn family_of(driver: &str) -> &'static Family {
    let driver = driver.to_ascii_lowercase();
    let mut all = FAMILIES.iter();
    let known = all.find(|family| family.drivers.iter().any(|name| driver.contains(name)));
    known.unwrap_or(&UNKNOWN)
}

/// The servers of one source, each with the value that names it.
fn targets(key: &Key, family: &Family, aliases: &Aliases) -> Vec<(&'static str, Target)> {
    let first = |names: &[&str]| names.iter().find_map(|name| key.text(name));
    let written = first(PORTS).and_then(port);
    let is_encrypted = ["yes", "true", "mandatory", "strict", "1"];
    let encrypts = key.text("Encrypt").map(str::to_ascii_lowercase);
    let encrypts = encrypts.is_some_and(|word| is_encrypted.contains(&word.as_str()));
    let mut found = Vec::new();
    let names_host = first(HOSTS).is_some() || family.rule == SQL_ANYWHERE;
    let others = ["DBQ", "Dbname", "System", "CommLinks"];
    for name in SERVERS.iter().chain(&others) {
        // Beside the name of the machine, this is the name of what runs on it.
        if names_host && matches!(*name, "Server" | "Servername") && family.port != Some(1521) {
            continue;
        }
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

fn servers(text: &str, name: &str, family: &Family, aliases: &Aliases) -> Vec<Target> {
    let names_a_file = FILES.contains(&name);
    let one = match family.rule {
        _ if text.is_empty() => None,
        SQL_ANYWHERE if name == "CommLinks" => links(text),
        SYSTEM_I if name == "System" => listed(text),
        _ if matches!(name, "CommLinks" | "System") => None,
        SQL_SERVER if names_a_file => None,
        SQL_SERVER => match aliases.get(&text.to_lowercase()) {
            Some(meant) => meant.clone(),
            None => sql_server::server(text),
        },
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

/// `tcpip(host=db1;port=2638)` (SQL Anywhere: "CommLinks").
fn links(text: &str) -> Option<Target> {
    let inner = text.split(['(', '{']).nth(1)?.split([')', '}']).next()?;
    let part = |name: &str| {
        let mut pairs = inner.split(';').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    let mut target = host(part("host")?)?;
    target.port = target.port.or(part("port").and_then(port));
    Some(target)
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
