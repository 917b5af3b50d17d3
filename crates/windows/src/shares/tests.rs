use super::*;
use crate::security::tests_of_bytes::rendered;
use crate::{Missing, Rows, SessionRow, User, Value, WrittenFiles, WrittenRegistry};

const DOMAIN: &str = "S-1-5-21-10-20-30";

fn look(registry: &WrittenRegistry, rows: &Rows) -> Vec<Said> {
    let machine = Machine {
        registry,
        files: &WrittenFiles::default(),
        rows,
        certificate: &|_| None,
    };
    shares(&machine)
}

fn row(name: &str, rights: &str, folder: &str) -> ShareRow {
    ShareRow {
        name: name.into(),
        path: format!("D:\\{name}\\"),
        kind: "disk".into(),
        rights: Some(rights.into()),
        folder_rights: Some(folder.into()),
        ..ShareRow::default()
    }
}

fn server(shares: Vec<ShareRow>) -> Rows {
    let mut rows = Rows {
        shares,
        users: vec![User {
            name: "Gast".into(),
            sid: "S-1-5-21-1-2-3-501".into(),
            disabled: true,
            home: None,
        }],
        ..Rows::default()
    };
    rows.system.host_name = "FS1".into();
    rows.system.is_administrator = true;
    rows.names
        .insert(format!("{DOMAIN}-1105"), "CORP\\Sales".into());
    rows.names
        .insert(format!("{DOMAIN}-512"), "CORP\\Domänen-Admins".into());
    rows.names.insert("S-1-1-0".into(), "Jeder".into());
    rows
}

fn told(said: &[Said]) -> Vec<String> {
    let facts = said.iter().flat_map(|said| {
        let scope = said.scope.as_str().to_owned();
        said.facts.iter().map(move |fact| (scope.clone(), fact))
    });
    facts
        .map(|(scope, fact)| match fact {
            Fact::Share(share) => format!(
                "{scope}: {} at {:?}{}{}",
                share.sort,
                share.path.to_string(),
                if share.read_only { " read-only" } else { "" },
                if share.guest { " guest" } else { "" }
            ),
            Fact::Access(access) => {
                let grants: Vec<String> = access
                    .grants
                    .iter()
                    .map(|grant| format!("{} {}", grant.principal, grant.right))
                    .collect();
                let orphans: Vec<String> = access.orphans.iter().map(ToString::to_string).collect();
                format!(
                    "{scope}: {} {} orphans {}",
                    access.kind,
                    grants.join(", "),
                    orphans.join(", ")
                )
            }
            Fact::Measurement(number) => format!("{scope}: {} {}", number.metric, number.value),
            other => format!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_share_says_who_may_use_it_and_who_has_rights_on_its_folder() {
    let rows = server(vec![row(
        "data",
        &format!("D:(A;;FA;;;DA)(A;;0x1301bf;;;{DOMAIN}-1105)(A;;0x1200a9;;;WD)"),
        &format!("O:BAD:PAI(A;OICI;FA;;;BA)(A;OICIID;FA;;;SY)(A;OICI;0x1301bf;;;{DOMAIN}-1105)"),
    )]);
    assert_eq!(
        told(&look(&WrittenRegistry::default(), &rows)),
        [
            "share:smb/data: disk at \"D:\\\\data\"",
            "share:smb/data: share-acl CORP\\Domänen-Admins full-access, CORP\\Sales write, Everyone read orphans ",
            "share:smb/data: nt-acl BUILTIN\\Administrators full-access, BUILTIN\\Administrators owner, CORP\\Sales write orphans ",
        ]
    );
}

#[test]
fn an_account_that_is_gone_is_an_orphan_and_one_of_a_silent_domain_is_a_question() {
    let gone = format!("{DOMAIN}-4711");
    let rows = server(vec![row(
        "data",
        &format!(
            "D:(A;;FA;;;{gone})(A;;FA;;;S-1-5-21-7-7-7-1200)(A;;FA;;;S-1-5-21-7-7-7-513)(A;;FA;;;S-1-5-21-1-2-3-1001)"
        ),
        "",
    )]);
    let said = look(&WrittenRegistry::default(), &rows);
    let line = &told(&said)[1];
    assert!(
        line.ends_with(&format!("orphans S-1-5-21-1-2-3-1001, {gone}")),
        "{line}"
    );
    assert_eq!(said[0].gaps.len(), 1);
    assert_eq!(said[0].gaps[0].what, "whom S-1-5-21-7-7-7-1200 stand for");
    assert_eq!(said[0].state, groma_model::CoverageState::Complete);
}

#[test]
fn what_each_windows_shares_is_left_out_and_what_a_controller_shares_is_not() {
    let mut printer = row("HP", "D:(A;;0x1200a9;;;WD)", "");
    printer.kind = "printer".into();
    let mut drive = row("C$", "D:", "");
    drive.administrative = true;
    let mut pipe = row("IPC$", "D:", "");
    pipe.kind = "ipc".into();
    let drivers = row("print$", "D:", "");
    let rows = server(vec![
        drive,
        pipe,
        drivers,
        printer,
        row("SYSVOL", "D:(A;;FA;;;AU)", ""),
    ]);
    let said = told(&look(&WrittenRegistry::default(), &rows));
    assert_eq!(
        said,
        [
            "share:smb/HP: printers at \"\" read-only",
            "share:smb/SYSVOL: disk at \"D:\\\\SYSVOL\"",
            "share:smb/SYSVOL: share-acl NT AUTHORITY\\Authenticated Users full-access orphans ",
        ]
    );
}

#[test]
fn a_share_is_open_to_guests_only_where_a_guest_gets_in() {
    let mut rows = server(vec![row("open", "D:(A;;0x1200a9;;;WD)", "O:SYD:")]);
    let nobody = WrittenRegistry::default();
    let is_open = |registry: &WrittenRegistry, rows: &Rows| {
        told(&look(registry, rows))[0].ends_with(" guest")
    };
    assert!(!is_open(&nobody, &rows));
    let key = r"HKLM\SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters";
    let null =
        WrittenRegistry::default().with(key, "NullSessionShares", Value::List(vec!["OPEN".into()]));
    assert!(is_open(&null, &rows));
    rows.users[0].disabled = false;
    assert!(is_open(&nobody, &rows));
    rows.shares[0].rights = Some("D:(A;;FR;;;AU)".into());
    assert!(!is_open(&nobody, &rows));
}

#[test]
fn the_registry_tells_shares_where_the_service_cannot_be_asked() {
    let lines = |path: &str, kind: &str| {
        let lines = [
            format!("Path={path}"),
            "Permissions=0".into(),
            format!("Type={kind}"),
            "Remark=a = b".into(),
        ];
        Value::List(lines.to_vec())
    };
    let rights = rendered(&[(0, 0, 0x0012_00a9, &[], "S-1-5-21-10-20-30-4711")], None);
    let security = joined_security();
    let registry = WrittenRegistry::default()
        .with(KEPT_IN, "data", lines(r"D:\data", "0"))
        .with(KEPT_IN, "HP", lines("HP LaserJet,LocalsplOnly", "1"))
        .with(KEPT_IN, "E$", lines(r"E:\", "2147483648"))
        .with(KEPT_IN, "odd", Value::List(vec!["nothing".into()]))
        .with(&security, "data", Value::Bytes(rights))
        .with(&security, "HP", Value::Bytes(vec![1, 2, 3]))
        .with_text(
            r"HKLM\SYSTEM\CurrentControlSet\Services\Netlogon\Parameters",
            "SysVol",
            r"C:\Windows\SYSVOL\sysvol",
        )
        .with(
            r"HKLM\SYSTEM\CurrentControlSet\Services\Netlogon\Parameters",
            "SysvolReady",
            Value::Number(1),
        )
        .with_text(
            r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters",
            "Domain",
            "corp.example",
        );
    let mut rows = server(Vec::new());
    rows.missing = vec![Missing {
        table: "shares".into(),
        reason: Reason::PermissionDenied,
    }];
    let said = look(&registry, &rows);
    assert_eq!(
        told(&said),
        [
            "share:smb/data: disk at \"D:\\\\data\" read-only",
            "share:smb/data: share-acl S-1-5-21-10-20-30-4711 read orphans ",
            "share:smb/HP: printers at \"\"",
            "share:smb/SYSVOL: disk at \"C:\\\\Windows\\\\SYSVOL\\\\sysvol\"",
            "share:smb/NETLOGON: disk at \"C:\\\\Windows\\\\SYSVOL\\\\sysvol\\\\corp.example\\\\SCRIPTS\"",
        ]
    );
    let gaps: Vec<&str> = said[0].gaps.iter().map(|gap| gap.what.as_str()).collect();
    assert_eq!(
        gaps,
        [
            "shares that last until the next start only, and rights on shared folders",
            "rights on the share HP",
            "whom S-1-5-21-10-20-30-4711 stand for",
        ]
    );
}

fn joined_security() -> String {
    format!("{KEPT_IN}\\Security")
}

#[test]
fn what_could_not_be_read_is_a_gap_and_a_machine_without_shares_is_seen_whole() {
    let mut closed = row("data", "D:(A;;FA", "");
    closed.folder_rights = None;
    let mut rows = server(vec![closed]);
    rows.system.is_administrator = false;
    let said = look(&WrittenRegistry::default(), &rows);
    assert_eq!(said[1].gaps[0].reason, Reason::Malformed);
    assert_eq!(
        said[0].gaps[0].what,
        "rights on the folders of shares (1 of them)"
    );
    assert_eq!(said[0].gaps[0].reason, Reason::PermissionDenied);
    let nothing = look(&WrittenRegistry::default(), &server(Vec::new()));
    assert_eq!(nothing.len(), 1);
    assert!(nothing[0].gaps.is_empty() && nothing[0].facts.is_empty());
}

#[test]
fn machines_with_a_session_are_counted_and_never_named() {
    let session = |from: &str, user: &str| SessionRow {
        from: from.into(),
        user: user.into(),
        open_files: 3,
    };
    let mut rows = server(Vec::new());
    rows.sessions = vec![
        session(r"\\WS1", "anna"),
        session("ws1", "bob"),
        session("10.0.0.9", ""),
    ];
    let said = look(&WrittenRegistry::default(), &rows);
    assert_eq!(told(&said), ["share:smb: share_clients 2"]);
    let all = format!("{said:?}");
    assert!(!all.contains("anna") && !all.contains("10.0.0.9"));
}
