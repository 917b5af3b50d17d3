//! Files laid out after [MS-GPPREF] 2.2.1.4 (data sources), .6 (drives), .16 (printers), .18 (registry), .19 (tasks).

use super::super::testing::{missed, said_with, shown};
use crate::WrittenFiles;
use groma_model::Reason;

const GPO: &str =
    r"C:\ProgramData\Microsoft\Group Policy\History\{31B2F340-016D-11D2-945F-00C04FB984F9}";
const PERSON: &str = "S-1-5-21-1-2-3-1001";
const PROFILES: &str = r#"
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1-2-3-1001]
"ProfileImagePath"="C:\\Users\\leo"
"#;

const DRIVES: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<Drives clsid="{8FDDCC1A-0C3C-43cd-A6B4-71A6DF20DA8C}">
  <Drive clsid="{935D1B74-9CB8-4e3c-9914-7DD559B7A417}" name="S:" status="S:" image="2">
    <Properties action="U" userName="CORP\svc-drive" cpassword="canaryj1Uyj3Vx8TY9LtLZil2uAuZkFQA" path="\\files1.corp.example\projects" label="" persistent="1" useLetter="1" letter="S"/>
  </Drive>
  <Collection name="Berlin"><Filters><FilterGroup bool="AND" not="0" name="CORP\Berlin"/></Filters>
    <Drive name="T:"><Properties action="R" path="\\files2\team\%LogonUser%" letter="T"/></Drive>
  </Collection>
  <Drive name="X:" disabled="1"><Properties action="C" path="\\files8\off" letter="X"/></Drive>
  <Drive name="Y:"><Properties action="D" path="\\files9\gone" letter="Y"/></Drive>
  <Drive name="Z:"><Properties action="C" path="\\APP1\own" letter="Z"/></Drive>
</Drives>"#;

const PRINTERS: &str = r#"<Printers clsid="{1F577D12-3D1B-471e-A1B7-060317597B9C}">
  <SharedPrinter name="Front"><Properties action="U" path="\\print1\Front" default="1" port=""/></SharedPrinter>
  <PortPrinter name="192.0.2.71"><Properties action="U" ipAddress="192.0.2.71" localName="Label" path="\\print2\Drivers" snmpCommunity="canary-community" protocol="PROTOCOL_RAWTCP_TYPE" portNumber="9101"/></PortPrinter>
  <PortPrinter name="192.0.2.72"><Properties action="U" ipAddress="192.0.2.72" lprQueue="q" protocol="PROTOCOL_LPR_TYPE"/></PortPrinter>
</Printers>"#;

const SOURCES: &str = r#"<DataSources clsid="{380F820F-F21B-41ac-A3CC-24D4F80F067B}">
  <DataSource name="orders"><Properties action="U" userDSN="0" dsn="orders" driver="SQL Server" username="erp" cpassword="canaryAAA">
    <Attributes><Attribute name="SERVER" value="sql1.corp.example,1444"/><Attribute name="DATABASE" value="orders"/></Attributes>
  </Properties></DataSource>
</DataSources>"#;

const TASKS: &str = r#"<ScheduledTasks clsid="{CC63F200-7309-4ba0-B154-A71CD118DBCC}">
  <Task name="old"><Properties action="U" name="old" appName="\\files3\tools\sync.exe" args="/p:canary-argument" runAs="CORP\svc" cpassword="canaryBBB"/></Task>
  <TaskV2 name="new"><Properties action="C" name="new" runAs="NT AUTHORITY\System"><Task version="1.2"><Actions Context="Author">
    <Exec><Command>powershell.exe</Command><Arguments>-File \\files4\scripts\night.ps1</Arguments></Exec></Actions></Task></Properties></TaskV2>
</ScheduledTasks>"#;

const REGISTRY: &str = r#"<RegistrySettings clsid="{A3CCFC41-DFDB-43a5-8D26-0FE8B954DA51}">
  <Registry name="Templates"><Properties action="U" hive="HKEY_CURRENT_USER" key="Software\A" name="Templates" type="REG_SZ" value="\\files5\templates"/></Registry>
  <Registry name="DefaultPassword"><Properties action="U" hive="HKEY_LOCAL_MACHINE" key="Software\B" name="DefaultPassword" type="REG_SZ" value="canary-word"/></Registry>
</RegistrySettings>"#;

const VARIABLES: &str = r#"<EnvironmentVariables clsid="{BF141A63-327B-438a-B9BF-2C188F13B7AD}">
  <EnvironmentVariable name="LM_LICENSE_FILE"><Properties action="U" name="LM_LICENSE_FILE" value="27000@lic1.corp.example" user="0"/></EnvironmentVariable>
</EnvironmentVariables>"#;

fn file(who: &str, kind: &str) -> String {
    format!(r"{GPO}\{who}\Preferences\{kind}\{kind}.xml")
}

#[test]
fn what_policies_set_up_is_told_with_the_file_and_without_any_secret() {
    let of_person = format!(
        r"C:\Users\leo\AppData\Local\Microsoft\Group Policy\History\{{1}}\{PERSON}\Preferences\Drives\Drives.xml"
    );
    let files = WrittenFiles::default()
        .with(&file("Machine", "Printers"), PRINTERS.as_bytes())
        .with(&file("Machine", "DataSources"), SOURCES.as_bytes())
        .with(&file("Machine", "ScheduledTasks"), TASKS.as_bytes())
        .with(&file("Machine", "Registry"), REGISTRY.as_bytes())
        .with(
            &file("Machine", "EnvironmentVariables"),
            VARIABLES.as_bytes(),
        )
        .with(&of_person, DRIVES.as_bytes());
    let said = said_with(PROFILES, &files);
    assert_eq!(
        shown(&said),
        [
            "windows-policy-printer path -> print print1 445/tcp, resource Front",
            "windows-policy-port ipAddress -> print 192.0.2.71 9101/tcp",
            "windows-policy-printer path -> print print2 445/tcp, resource Drivers",
            "windows-policy-port ipAddress -> print 192.0.2.72 515/tcp",
            "windows-odbc-sqlserver Server -> sql sql1.corp.example 1444/tcp, resource orders, account erp, secret",
            "windows-policy-task appName -> smb files3 445/tcp, resource tools/sync.exe",
            "windows-policy-task Arguments -> smb files4 445/tcp, resource scripts/night.ps1",
            "windows-licence-server LM_LICENSE_FILE -> other lic1.corp.example 27000/tcp, resource licences",
            "windows-policy value -> smb files5 445/tcp, resource templates",
            r"windows-policy-drive path -> smb files1.corp.example 445/tcp, resource projects, account CORP\svc-drive, secret",
            "windows-policy-drive path -> smb files2 445/tcp, weak",
        ]
    );
    assert!(!format!("{said:?}").contains("canary"));
}

#[test]
fn a_file_that_cannot_be_read_or_is_none_is_a_gap() {
    let files = WrittenFiles::default()
        .with(&file("Machine", "Drives"), b"<Drives><Drive>")
        .with(&file("User", "Printers"), b"<Printers/>")
        .refused(&file("User", "Printers"), Reason::PermissionDenied);
    let told = missed(&said_with("", &files));
    let told: Vec<&String> = told
        .iter()
        .filter(|gap| gap.contains("Preferences"))
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
}

#[test]
fn no_file_makes_it_panic() {
    let seeds = [DRIVES, PRINTERS, SOURCES, TASKS].map(str::as_bytes);
    groma_fuzz::hammer(300, &seeds, |bytes| {
        let files = WrittenFiles::default().with(&file("Machine", "Drives"), bytes);
        said_with("", &files);
    });
}
