use super::*;
use crate::needs::testing::{missed, of, said, shown};
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
