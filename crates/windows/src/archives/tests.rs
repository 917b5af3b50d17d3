use groma_model::{CoverageState, Fact, Reason};

use super::header::tests::made;
use super::walk::Walk;
use super::*;
use crate::{Kind, Registry, Rows, Value, WrittenFiles, WrittenRegistry};

const ANNA: &str = "S-1-5-21-1-2-3-1001";
const BORIS: &str = "S-1-5-21-1-2-3-1002";
const OUTLOOK: &str = r"AppData\Local\Microsoft\Outlook";

fn wide(text: &str) -> Value {
    let units = text.encode_utf16().chain([0]);
    Value::Bytes(units.flat_map(u16::to_le_bytes).collect())
}

fn profile(sid: &str) -> String {
    format!(r"HKU\{sid}\Software\Microsoft\Office\16.0\Outlook\Profiles\Work\a1")
}

fn registry() -> WrittenRegistry {
    let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
    WrittenRegistry::default()
        .with_text(
            &format!(r"{list}\{ANNA}"),
            "ProfileImagePath",
            r"C:\Users\anna",
        )
        .with_text(
            &format!(r"{list}\{BORIS}"),
            "ProfileImagePath",
            r"C:\Users\boris",
        )
        .with_text(&format!(r"HKU\{ANNA}\Environment"), "X", "y")
        .with_text(&format!(r"HKU\{BORIS}\Environment"), "X", "y")
}

fn rows() -> Rows {
    let names = [(ANNA, r"CORP\anna"), (BORIS, r"CORP\boris")];
    let names = names.map(|(sid, name)| (sid.to_owned(), name.to_owned()));
    Rows {
        names: names.into(),
        ..Rows::default()
    }
}

fn said(registry: &dyn Registry, files: &WrittenFiles, rows: &Rows) -> Vec<Said> {
    archives(&Machine {
        registry,
        files,
        rows,
        certificate: &|_| None,
    })
}

fn all(said: &[Said]) -> Vec<&groma_model::fact::Archive> {
    let facts = said.iter().flat_map(|said| &said.facts);
    facts
        .filter_map(|fact| match fact {
            Fact::Archive(archive) => Some(archive),
            _ => None,
        })
        .collect()
}

fn in_a_line(said: &[Said]) -> Vec<String> {
    let line = |archive: &&groma_model::fact::Archive| {
        format!(
            "{} {} {} by {}{}{}",
            archive.path,
            archive.format,
            archive.owner.clone().unwrap_or_default(),
            archive.owner_by.as_deref().unwrap_or("nobody"),
            if archive.orphan { " left over" } else { "" },
            archive
                .used_by
                .iter()
                .map(|by| format!(", {by}"))
                .collect::<String>(),
        )
    };
    all(said).iter().map(line).collect()
}

fn gaps(said: &[Said]) -> Vec<String> {
    let gaps = said.iter().flat_map(|said| &said.gaps);
    gaps.map(|gap| gap.what.clone()).collect()
}

#[test]
fn an_archive_belongs_to_the_profile_then_the_home_then_the_owner_of_the_file() {
    let head = made(23, b"SM", 1);
    let files = WrittenFiles::default()
        .with(r"D:\mail\old.pst", &head)
        .with(r"C:\Users\anna\Documents\mine.pst", &head)
        .with(
            &format!(r"C:\Users\anna\{OUTLOOK}\gone.ost"),
            &made(36, b"SO", 0),
        )
        .with(r"C:\Users\anna\table.pst", b"PK\x03\x04 renamed")
        .with(r"C:\Windows\x.pst", &head)
        .met(r"D:\a.pst", Kind::File, 7, 9, Some(BORIS))
        .met(r"D:\b.pst", Kind::File, 7, 9, Some("S-1-5-32-544"));
    let registry = registry().with(&profile(BORIS), "001f6700", wide(r"D:\Mail\old.pst"));
    let mut rows = rows();
    rows.volumes = vec![
        Volume {
            mount_point: r"D:\".into(),
            ..Volume::default()
        },
        Volume {
            mount_point: r"E:\".into(),
            kind: VolumeKind::Optical,
            ..Volume::default()
        },
    ];
    let said = said(&registry, &files, &rows);
    assert_eq!(
        in_a_line(&said),
        [
            r"C:\Users\anna\AppData\Local\Microsoft\Outlook\gone.ost ost CORP\anna by home left over",
            r"C:\Users\anna\Documents\mine.pst pst CORP\anna by home",
            r"D:\a.pst pst CORP\boris by file",
            r"D:\b.pst pst  by nobody",
            r"D:\mail\old.pst pst CORP\boris by profile, Outlook profile Work of CORP\boris",
        ]
    );
    assert_eq!(gaps(&said), [""; 0]);
    let scopes: Vec<String> = said.iter().map(|said| said.scope.to_string()).collect();
    assert_eq!(scopes[..3], ["host:outlook", "archive:C:", "archive:D:"]);
    assert!(said[2].scope.contains(&said[5].scope), "{scopes:?}");
}

#[test]
fn a_locked_archive_is_told_without_its_header_and_one_in_a_cloud_is_not_opened() {
    let files = WrittenFiles::default()
        .refused(r"C:\Users\anna\open.pst", Reason::Locked)
        .refused(r"C:\Users\anna\shut.pst", Reason::PermissionDenied)
        .met(
            r"C:\Users\anna\OneDrive\far.pst",
            Kind::Placeholder,
            5,
            1,
            None,
        )
        .met(
            r"C:\Users\anna\OneDrive\far.jpg",
            Kind::Placeholder,
            5,
            1,
            None,
        )
        .met(r"C:\Users\anna\Dokumente", Kind::Link, 0, 0, None)
        .refused(r"C:\Users\anna\code.mbx", Reason::PermissionDenied);
    let said = said(&registry(), &files, &rows());
    assert_eq!(all(&said).len(), 3);
    assert_eq!(
        gaps(&said),
        [
            r"header of the mail archive C:\Users\anna\shut.pst",
            r"content of the mail archive C:\Users\anna\OneDrive\far.pst"
        ]
    );
    let open: Vec<String> = said
        .iter()
        .flat_map(|said| &said.facts)
        .map(Fact::says)
        .collect();
    assert!(
        open.iter().any(|fact| fact.contains("content_open")),
        "{open:?}"
    );
}

#[test]
fn a_profile_names_servers_and_stores_on_other_machines() {
    let accounts = r"9375CFF0413111d3B88A00104B2A6676\00000002";
    let registry = registry()
        .with(
            &profile(ANNA),
            "001f6700",
            wide(r"\\fs1.corp.example\home$\anna\old.pst"),
        )
        .with(
            &profile(BORIS),
            "001e6700",
            Value::Bytes(b"H:\\mail\\b.pst\0".to_vec()),
        )
        .with_text(
            &format!(r"HKU\{BORIS}\Network\H"),
            "RemotePath",
            r"\\fs2\home\boris",
        )
        .with(
            &format!(r"{}\{accounts}", profile(ANNA)),
            "POP3 Server",
            wide("pop.corp.example"),
        )
        .with(
            &format!(r"{}\{accounts}", profile(ANNA)),
            "Email",
            wide("anna@corp.example"),
        )
        .with(
            &format!(r"{}\{accounts}", profile(ANNA)),
            "SMTP Server",
            wide("127.0.0.1"),
        )
        .with_text(
            r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\App Paths\OUTLOOK.EXE",
            "",
            r"C:\Office\OUTLOOK.EXE",
        );
    let files = WrittenFiles::default().with(r"C:\x.txt", b"");
    let said = said(&registry, &files, &rows());
    let references: Vec<String> = said[0]
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Reference(r) => Some(format!(
                "{} {} {} {} {}",
                r.kind,
                r.peer,
                r.resource.clone().or(r.account.clone()).unwrap_or_default(),
                r.key,
                r.component.name
            )),
            _ => None,
        })
        .collect();
    assert_eq!(
        references,
        [
            r"pop3 pop.corp.example anna@corp.example POP3 Server C:\Office\OUTLOOK.EXE",
            r"smb fs1.corp.example home$ 001f6700 C:\Office\OUTLOOK.EXE",
            r"smb fs2 home 001e6700 C:\Office\OUTLOOK.EXE",
        ]
    );
    assert_eq!(
        in_a_line(&said),
        [
            r"\\fs1.corp.example\home$\anna\old.pst pst CORP\anna by profile, Outlook profile Work of CORP\anna",
            r"H:\mail\b.pst pst CORP\boris by profile, Outlook profile Work of CORP\boris",
        ]
    );
}

#[test]
fn letters_in_folders_are_one_archive_and_two_attachments_are_none() {
    let letter = b"From: a@corp.example\r\nSubject: x\r\n\r\n";
    let mut files = WrittenFiles::default().with(r"C:\saved\1.eml", letter);
    files = files.with(r"C:\saved\2.eml", letter);
    for number in 0..3 {
        files = files
            .with(&format!(r"C:\mail\in\{number}.eml"), letter)
            .with(&format!(r"C:\mail\in\deep\{number}.eml"), letter)
            .with(&format!(r"C:\notes\{number}.eml"), b"no letter");
    }
    files = files
        .with(
            r"C:\t\Mail\Local Folders\Inbox",
            b"From -\r\nFrom: a\r\nDate: b\r\n\r\n",
        )
        .with(r"C:\t\Mail\Local Folders\popstate.dat", b"x")
        .with(r"C:\t\other\Inbox", b"From -\r\nFrom: a\r\nDate: b\r\n\r\n");
    let said = said(&registry(), &files, &rows());
    let found: Vec<String> = all(&said)
        .iter()
        .map(|a| format!("{} {}", a.path, a.format))
        .collect();
    assert_eq!(
        found,
        [r"C:\t\Mail\Local Folders\Inbox mbox", r"C:\mail\in eml"]
    );
    let items = said
        .iter()
        .flat_map(|said| &said.facts)
        .find_map(|fact| match fact {
            Fact::Measurement(m) if m.metric == "content_items" => Some(m.value),
            _ => None,
        });
    assert_eq!(items, Some(6.0));
}

#[test]
fn folders_that_refuse_are_named_up_to_a_limit() {
    let mut files = WrittenFiles::default().with(r"C:\x.txt", b"");
    for number in 0..70 {
        let folder = format!(r"C:\d{number:02}");
        files = files
            .met(&folder, Kind::Folder, 0, 0, None)
            .refused(&folder, Reason::PermissionDenied);
    }
    let mut part = Part::begin("archive", "C:");
    Walk::begin(&files, &[]).all(r"C:\", &mut part);
    let closed = part.close();
    assert_eq!(closed.gaps.len(), 65);
    assert_eq!(closed.gaps[0].what, r"mail archives in C:\d00");
    assert_eq!(closed.gaps[64].what, "mail archives in 6 more folders");
    // The folders of Windows and of recycle bins are passed by, not refused.
    let closed_ones = WrittenFiles::default()
        .with(r"C:\x.txt", b"")
        .met(r"C:\Windows", Kind::Folder, 0, 0, None)
        .refused(r"C:\Windows", Reason::PermissionDenied)
        .met(r"C:\$Recycle.Bin", Kind::Folder, 0, 0, None)
        .refused(r"C:\$Recycle.Bin", Reason::PermissionDenied);
    let said = said(&registry(), &closed_ones, &rows());
    assert_eq!(gaps(&said), [""; 0]);
}

#[test]
fn a_budget_that_ends_names_where() {
    let files = WrittenFiles::default()
        .with(r"C:\a\b\c.txt", b"")
        .with(r"C:\d\e.txt", b"");
    let mut part = Part::begin("archive", "C:");
    Walk::begin(&files, &[])
        .of_entries(3)
        .all(r"C:\", &mut part);
    let closed = part.close();
    assert_eq!(closed.state, CoverageState::Partial);
    assert_eq!(
        closed.gaps[0].what,
        r"mail archives below C:\ from C:\a\b on"
    );
}

#[test]
fn people_who_are_not_loaded_and_a_machine_without_files_are_gaps() {
    let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
    let registry = WrittenRegistry::default()
        .with_text(
            &format!(r"{list}\{ANNA}"),
            "ProfileImagePath",
            r"C:\Users\anna",
        )
        .with_text(
            &format!(r"{list}\S-1-5-18"),
            "ProfileImagePath",
            r"%systemroot%\x",
        );
    let said = said(&registry, &WrittenFiles::default(), &rows());
    assert_eq!(
        gaps(&said),
        [
            r"Outlook profiles of people whose registry is not loaded: CORP\anna",
            r"files of C:\"
        ]
    );
}

#[test]
fn add_ins_of_others_that_are_loaded_are_told() {
    let place = r"HKLM\SOFTWARE\Microsoft\Office\Outlook\Addins";
    let registry = registry()
        .with_text(
            &format!(r"{place}\Dms.Connect"),
            "FriendlyName",
            "Document store",
        )
        .with(
            &format!(r"{place}\Dms.Connect"),
            "LoadBehavior",
            Value::Number(3),
        )
        .with(
            &format!(r"{place}\Off.Connect"),
            "LoadBehavior",
            Value::Number(2),
        )
        .with(
            &format!(r"{place}\UCAddin.LyncAddin.1"),
            "LoadBehavior",
            Value::Number(3),
        )
        .with(
            &format!(r"HKU\{ANNA}\Software\Microsoft\Office\Outlook\Addins\Crm.Connect"),
            "LoadBehavior",
            Value::Number(9),
        );
    let files = WrittenFiles::default().with(r"C:\x.txt", b"");
    let said = said(&registry, &files, &rows());
    let packages: Vec<&str> = said[0]
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Package(package) => Some(package.name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(packages, ["Crm.Connect", "Document store"]);
}
