//! Paths of Windows in what joins and what stays apart.

mod common;

use common::*;
use groma_model::Witness;
use groma_model::fact::Program;

const HOST: &str = r"C:\Windows\System32\svchost.exe";
const SQL: &str = r"C:\Program Files\Microsoft SQL Server\MSSQL15.ERP\MSSQL\Binn\sqlservr.exe";

fn app_and_database() -> Told {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1")
        .host("db1", "10.0.0.2")
        .listens("db1", 1433, unit(SQL, "MSSQL$ERP.service"));
    told
}

fn program(path: &str) -> Program {
    Program {
        executable: Some(path.into()),
        ..Program::default()
    }
}

#[test]
fn settings_beside_a_program_and_its_connection_are_one_need_in_any_case() {
    let erp = || program(r"C:\Program Files\Erp\Bin\Erp.Server.exe");
    let line = |file| {
        reference(
            "xml-application-connection-string",
            file,
            "10.0.0.2",
            1433,
            "sql",
        )
    };
    let mut told = app_and_database();
    told.calls("app1", "10.0.0.2", 1433, erp());
    let mut strange = told.clone();
    told.writes(
        "app1",
        line(r"c:\program files\ERP\bin\erp.server.exe.config"),
    );
    let edge = told.only_edge();
    assert_eq!(edge.witnesses, [Witness::Live, Witness::Written]);
    assert_eq!(edge.kind, "sql");
    // Another product's folder.
    strange.writes("app1", line(r"C:\Program Files\Payroll\Payroll.exe.config"));
    assert_eq!(strange.edges().len(), 2, "{:?}", strange.edges());
}

#[test]
fn the_instance_of_a_service_is_its_unit() {
    let mut told = app_and_database();
    told.calls(
        "app1",
        "10.0.0.2",
        1433,
        unit(r"D:\Apps\Foo\foo.exe", "Foo.Bar.service"),
    );
    let edge = told.only_edge();
    assert_eq!(edge.consumer.component.name, "Foo.Bar.service".into());
    let provider = edge.provider.component.unwrap();
    assert_eq!(provider.name, "MSSQL$ERP.service".into());
}

#[test]
fn one_program_in_two_spellings_talks_to_itself() {
    let mut told = app_and_database();
    let again = unit(&SQL.to_uppercase(), "MSSQL$ERP.service");
    told.calls("db1", "127.0.0.1", 1433, again);
    assert_eq!(told.edges(), Vec::<String>::new());
}

#[test]
fn two_services_in_one_host_of_services_are_two() {
    let mut told = app_and_database();
    told.listens("db1", 8530, unit(HOST, "Provider.service"));
    let mut itself = told.clone();
    told.calls("db1", "127.0.0.1", 8530, unit(HOST, "Consumer.service"));
    assert_eq!(told.edges().len(), 1, "{:?}", told.edges());
    itself.calls("db1", "127.0.0.1", 8530, unit(HOST, "Provider.service"));
    assert_eq!(itself.edges(), Vec::<String>::new());
}
