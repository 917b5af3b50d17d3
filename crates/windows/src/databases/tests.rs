use super::*;
use crate::{Rows, WrittenFiles, WrittenRegistry};

const EXPORT: &str = r#"Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Microsoft SQL Server\Instance Names\SQL]
"ERP"="MSSQL15.ERP"

[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Microsoft SQL Server\MSSQL15.ERP\Setup]
"Version"="15.0.2000.5"
"PatchLevel"="15.0.4375.4"
"Edition"="Standard Edition"
"SQLDataRoot"="C:\\Program Files\\Microsoft SQL Server\\MSSQL15.ERP\\MSSQL"

[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Microsoft SQL Server\MSSQL15.ERP\MSSQLServer]
"DefaultData"="E:\\Data\\"
"DefaultLog"="E:\\Data"
"BackupDirectory"="\\\\backup1.corp.example\\sql$\\erp"

[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Microsoft SQL Server\MSSQL15.ERP\MSSQLServer\Parameters]
"SQLArg0"="-dD:\\SQL\\master.mdf"
"SQLArg1"="-eD:\\SQL\\Log\\ERRORLOG"
"SQLArg2"="-lD:\\SQL\\mastlog.ldf"

[HKEY_LOCAL_MACHINE\SOFTWARE\PostgreSQL\Installations\postgresql-x64-15]
"Data Directory"="C:\\Program Files\\PostgreSQL\\15\\data"
"Version"="15.4-1"

[HKEY_LOCAL_MACHINE\SOFTWARE\MySQL AB\MySQL Server 8.0]
"DataLocation"="C:\\ProgramData\\MySQL\\MySQL Server 8.0\\"
"Version"="8.0.36"
[HKEY_LOCAL_MACHINE\SOFTWARE\MySQL AB\MySQL Workbench 8.0 CE]
"Version"="8.0.36"
"#;

fn files() -> WrittenFiles {
    let file = |files: WrittenFiles, path: &str, bytes| files.met(path, Kind::File, bytes, 0, None);
    let mut files_made =
        WrittenFiles::default().with(r"C:\Program Files\PostgreSQL\15\data\PG_VERSION", b"15\n");
    for (path, bytes) in [
        (r"D:\SQL\master.mdf", 5),
        (r"D:\SQL\tempdb.mdf", 5),
        (r"D:\SQL\MSDBData.mdf", 5),
        (r"E:\Data\erp.mdf", 1000),
        (r"E:\Data\erp_log.ldf", 200),
        (r"E:\Data\Crm_Data.mdf", 30),
        (r"E:\Data\notes.txt", 7),
        (r"C:\ProgramData\MySQL\MySQL Server 8.0\Data\ibdata1", 12),
        (
            r"C:\ProgramData\MySQL\MySQL Server 8.0\Data\shop\orders.ibd",
            40,
        ),
        (
            r"C:\ProgramData\MySQL\MySQL Server 8.0\Data\mysql\user.ibd",
            3,
        ),
        (
            r"C:\ProgramData\MySQL\MySQL Server 8.0\Data\#innodb_temp\t.ibt",
            3,
        ),
    ] {
        files_made = file(files_made, path, bytes);
    }
    files_made
}

fn look(export: &str, files: &WrittenFiles) -> Vec<Said> {
    let (registry, wrong) = WrittenRegistry::of_export(export);
    assert_eq!(wrong, []);
    let rows = Rows::default();
    let certificate = |_: &[u8]| None;
    databases(&Machine {
        registry: &registry,
        files,
        rows: &rows,
        certificate: &certificate,
    })
}

fn shown(said: &[Said]) -> Vec<String> {
    let show = |fact: &Fact| match fact {
        Fact::Database(d) => {
            let names: Vec<String> = d.names.iter().map(ToString::to_string).collect();
            format!(
                "{} {} in {}: {}",
                d.engine,
                d.version.clone().unwrap_or_default(),
                d.directory,
                names.join(", ")
            )
        }
        Fact::Measurement(m) => format!("{} {} {}", m.metric, m.subject, m.value),
        Fact::Reference(r) => format!(
            "{} {} -> {} {} {:?}",
            r.rule, r.key, r.kind, r.peer, r.resource
        ),
        other => other.says(),
    };
    said.iter().flat_map(|said| &said.facts).map(show).collect()
}

#[test]
fn servers_say_their_databases_and_where_backups_go() {
    assert_eq!(
        shown(&look(EXPORT, &files())),
        [
            r#"windows-sqlserver-folder BackupDirectory -> smb backup1.corp.example Some("sql$/erp")"#,
            r"sqlserver 15.0.4375.4 in D:\SQL: Crm, erp",
            r"content_bytes D:\SQL 1245",
            "content_bytes Crm 30",
            "content_bytes erp 1200",
            r"postgresql 15 in C:\Program Files\PostgreSQL\15\data: ",
            r"mysql 8.0.36 in C:\ProgramData\MySQL\MySQL Server 8.0\Data: shop",
            r"content_bytes C:\ProgramData\MySQL\MySQL Server 8.0\Data 58",
            "content_bytes shop 40",
        ]
    );
}

#[test]
fn a_machine_with_clients_only_keeps_no_database() {
    let export = r#"
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Microsoft SQL Server\150\Tools\ClientSetup]
"Path"="C:\\Program Files\\Microsoft SQL Server\\150\\Tools\\Binn"
[HKEY_LOCAL_MACHINE\SOFTWARE\MySQL AB\MySQL Workbench 8.0 CE]
"Version"="8.0.36"
"#;
    let said = look(export, &WrittenFiles::default());
    assert_eq!(shown(&said), Vec::<String>::new());
    assert!(said.iter().all(|said| said.gaps.is_empty()));
}

#[test]
fn a_folder_that_cannot_be_listed_is_a_gap() {
    let files = WrittenFiles::default().refused(r"D:\SQL", Reason::PermissionDenied);
    let said = look(EXPORT, &files);
    let gaps = said.iter().flat_map(|said| &said.gaps);
    let gaps: Vec<&str> = gaps.map(|gap| gap.what.as_str()).collect();
    assert!(gaps.contains(&r"what lies in D:\SQL"), "{gaps:?}");
}
