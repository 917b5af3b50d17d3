//! How clients name a SQL Server, and the aliases an administrator gave (SQL Server Configuration Manager, "Aliases").

use std::collections::BTreeMap;

use super::look::{Look, Need};
use super::value::{Target, peer, port, resource, unc};

/// Where aliases stand, for programs of 64 and of 32 bits.
const ALIASES: &[&str] = &[
    r"HKLM\SOFTWARE\Microsoft\MSSQLServer\Client\ConnectTo",
    r"HKLM\SOFTWARE\WOW6432Node\Microsoft\MSSQLServer\Client\ConnectTo",
];
/// `tcp:host\INSTANCE,1433`, `host,1433\INSTANCE`, `np:\\host\pipe\sql\query`; nothing for the machine itself (`.`, `(local)`,
/// `(localdb)\x`, `lpc:`). A named instance has no port that could be known: the browser service tells it.
pub(super) fn server(text: &str) -> Option<Target> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let rest = ["tcp:", "np:", "admin:", "via:"]
        .iter()
        .find(|transport| lower.starts_with(**transport))
        .and_then(|transport| text.get(transport.len()..))
        .unwrap_or(text);
    if lower.starts_with("lpc:") {
        return None;
    }
    if rest.starts_with(r"\\") {
        return pipe(rest);
    }
    let (host, after) = match rest.find(['\\', ',']) {
        Some(at) => rest.split_at_checked(at)?,
        None => (rest, ""),
    };
    let host = host.trim();
    // `host:1433` is no form of the vendor's, but other drivers take it.
    let (host, colon) = match host.split_once(':') {
        Some((name, digits)) if !digits.contains(':') => (name, port(digits)),
        _ => (host, None),
    };
    let mut target = Target::new(peer(host)?, colon);
    for part in after
        .split_inclusive(['\\', ','])
        .collect::<String>()
        .split(',')
    {
        let number = part.split('\\').next().and_then(port);
        target.port = target.port.or(number);
    }
    target.resource = instance(after);
    if target.resource.is_none() {
        target.default_port = port("1433");
    }
    Some(target)
}

/// `INSTANCE` of `\INSTANCE,1433` and `,1433\INSTANCE`; the default instance has no name.
fn instance(after: &str) -> Option<String> {
    let name = after.split_once('\\')?.1.split(',').next()?.trim();
    let is_default = name.eq_ignore_ascii_case("MSSQLSERVER");
    (!is_default).then(|| resource(name)).flatten()
}

/// `\\host\pipe\MSSQL$INSTANCE\sql\query`: spoken over SMB.
fn pipe(text: &str) -> Option<Target> {
    let mut target = unc(text)?;
    target.default_port = port("445");
    let path = target.resource.take().unwrap_or_default();
    let name = path.split('/').find_map(|part| {
        let (head, name) = part.split_once('$')?;
        head.eq_ignore_ascii_case("MSSQL").then_some(name)
    });
    target.resource = name.and_then(resource);
    Some(target)
}

/// `DBMSSOCN,host,port` and `DBNMPNTW,\\host\pipe\…`.
fn alias(text: &str) -> Option<Target> {
    let (library, rest) = text.split_once(',')?;
    match library.trim().to_ascii_uppercase().as_str() {
        "DBMSSOCN" | "DBNMPNTW" => server(rest),
        _ => None,
    }
}

/// Aliases by name in lower case: whoever names one means the machine behind it.
pub(super) fn aliases(look: &mut Look<'_>) -> BTreeMap<String, Target> {
    let mut found = BTreeMap::new();
    for path in ALIASES {
        for (name, value) in look.key(path).values {
            if let Some(target) = value.text().and_then(alias) {
                found.entry(name.to_lowercase()).or_insert(target);
            }
        }
    }
    found
}

/// Needs that aliases state.
pub(super) fn read(look: &mut Look<'_>) {
    for path in ALIASES {
        for (name, value) in look.key(path).values {
            if let Some(target) = value.text().and_then(alias) {
                look.needs(Need {
                    rule: "windows-sql-alias",
                    key: path,
                    value: &name,
                    kind: "sql",
                    port: None,
                    target,
                    reader: None,
                    weak: false,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{said, shown};
    use super::*;

    fn read_as(text: &str) -> String {
        server(text).map_or_else(String::new, |t| {
            let port = t.port.or(t.default_port).map_or(0, |p| p.0);
            format!("{} {port} {}", t.peer, t.resource.unwrap_or_default())
        })
    }

    #[test]
    fn every_way_to_write_a_server_is_read() {
        for (text, want) in [
            ("DB1", "db1 1433 "),
            ("tcp:db1.corp.example,1444", "db1.corp.example 1444 "),
            (r"db1\ERP", "db1 0 ERP"),
            (r"db1\MSSQLSERVER", "db1 1433 "),
            (r"db1\ERP,1444", "db1 1444 ERP"),
            (r"tcp:db1,1444\ERP", "db1 1444 ERP"),
            (r"np:\\db1\pipe\MSSQL$ERP\sql\query", "db1 445 ERP"),
            (r"\\db1\pipe\sql\query", "db1 445 "),
            ("192.0.2.9, 1433", "192.0.2.9 1433 "),
            ("db1:1444", "db1 1444 "),
        ] {
            assert_eq!(read_as(text), want, "{text}");
        }
    }

    #[test]
    fn the_machine_itself_is_no_server_of_others() {
        for text in [
            ".",
            r".\ERP",
            "(local)",
            r"(local)\ERP",
            r"(localdb)\v11",
            "lpc:db1",
            r"\\.\pipe\sql\query",
            "",
        ] {
            assert_eq!(read_as(text), "", "{text}");
        }
    }

    #[test]
    fn an_alias_leads_to_the_machine_behind_it() {
        let export = r#"Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\MSSQLServer\Client\ConnectTo]
"ERPDB"="DBMSSOCN,sql1.corp.example,1450"
"OLD"="DBNMPNTW,\\\\sql2\\pipe\\MSSQL$OLD\\sql\\query"
"HERE"="DBMSSOCN,localhost,1433"
"ME"="DBMSSOCN,app1"
"DSQUERY"="DBNETLIB"
"SHARED"="DBMSLPCN,sql3"

[HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\Microsoft\MSSQLServer\Client\ConnectTo]
"ERPDB"="DBMSSOCN,sql1.corp.example,1450"
"#;
        assert_eq!(
            shown(&said(export)),
            [
                "windows-sql-alias ERPDB -> sql sql1.corp.example 1450/tcp",
                "windows-sql-alias OLD -> sql sql2 445/tcp, resource OLD",
                "windows-sql-alias ERPDB -> sql sql1.corp.example 1450/tcp",
            ]
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,200}") {
            let _ = server(&text);
            let _ = alias(&format!("DBMSSOCN,{text}"));
            let _ = server(&format!(r"np:\\{text}"));
        }
    }
}
