//! What Exchange's shell exports, in the shapes its documentation gives. None of it came from a real Exchange.
#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use common::now;
use groma_import::{ImportError, Imported, Kind, as_batch, read, recognise};
use groma_model::batch::Said;
use groma_model::{CoverageState, SiteId};

const FOLDER: &str = "#TYPE Microsoft.Exchange.Management.StoreTasks.MailboxFolderPermission\r\n\
\"Mailbox\",\"RunspaceId\",\"FolderName\",\"User\",\"AccessRights\",\"Identity\",\"IsValid\",\"ObjectState\"\r\n\
\"chef@corp.example\",\"1\",\"Kalender\",\"Standard\",\"AvailabilityOnly\",\"Standard\",\"True\",\"New\"\r\n\
\"chef@corp.example\",\"1\",\"Kalender\",\"Anonym\",\"None\",\"Anonym\",\"True\",\"New\"\r\n\
\"chef@corp.example\",\"1\",\"Kalender\",\"Berg, Anna\",\"{Editor, Delegate}\",\"Berg, Anna\",\"True\",\"New\"\r\n\
\"chef@corp.example\",\"1\",\"Posteingang\",\"Berg, Anna\",\"Reviewer\",\"Berg, Anna\",\"True\",\"New\"\r\n\
\"room1@corp.example\",\"1\",\"Calendar\",\"Default\",\"Reviewer\",\"Default\",\"True\",\"New\"\r\n";

const MAILBOX: &str = "Identity;User;AccessRights;IsInherited;Deny;InheritanceType\r\n\
corp.example/Users/Info;NT-AUTORITÄT\\SELBST;FullAccess, ReadPermission;Falsch;Falsch;All\r\n\
corp.example/Users/Info;CORP\\anna;FullAccess;False;False;All\r\n\
corp.example/Users/Info;CORP\\ghost1;FullAccess;True;False;All\r\n\
corp.example/Users/Info;CORP\\ghost2;FullAccess;False;True;All\r\n\
corp.example/Users/Info;CORP\\Exchange Servers;FullAccess;False;False;All\r\n\
corp.example/Users/Info;CORP\\ghost3;ReadPermission;False;False;All\r\n";

const RULES: &str = "\"MailboxOwnerId\",\"Name\",\"Enabled\",\"ForwardTo\",\"RedirectTo\",\"Identity\"\n\
\"corp.example/Users/anna\",\"my private matter\",\"True\",\"\"\"Anna at home\"\" [SMTP:anna@elsewhere.example]\",\"\",\"corp.example/Users/anna\\17\"\n\
\"corp.example/Users/anna\",\"holiday\",\"False\",\"\"\"x\"\" [SMTP:ghost@elsewhere.example]\",\"\",\"corp.example/Users/anna\\18\"\n\
\"corp.example/Users/bert\",\"r\",\"True\",\"\",\"\"\"Info\"\" [EX:/o=Corp/ou=x/cn=Recipients/cn=info]\",\"corp.example/Users/bert\\3\"\n";

fn told(imported: &Imported) -> Vec<String> {
    let batch = as_batch(imported, &SiteId::default(), "0");
    let said = batch
        .records
        .iter()
        .filter_map(|record| match &record.said {
            Said::Saw(observation) => Some(observation.fact.says()),
            _ => None,
        });
    said.map(|says| says.rsplit_once(", as the list").unwrap().0.to_owned())
        .collect()
}

fn list(text: &str) -> Imported {
    assert_eq!(recognise(text.as_bytes()), Kind::Mailboxes);
    read("rights.csv", text.as_bytes(), now()).unwrap()
}

#[test]
fn rights_in_folders_are_told_by_who_would_miss_them() {
    let imported = list(FOLDER);
    assert_eq!(
        told(&imported),
        [
            "Berg, Anna uses the calendar of the mailbox chef@corp.example (Delegate, Editor)",
            "Berg, Anna uses folders of the mailbox chef@corp.example (Reviewer)",
            "everybody uses the calendar of the mailbox room1@corp.example (Reviewer)",
        ]
    );
    assert_eq!(imported.skipped, []);
    assert!(
        !format!("{imported:?}").contains("Posteingang"),
        "only calendars are named"
    );
}

#[test]
fn a_semicolon_utf_16_and_words_of_the_country_change_nothing() {
    let want = ["CORP\\anna opens all of the mailbox corp.example/Users/Info"];
    assert_eq!(told(&list(MAILBOX)), want);
    let wide: Vec<u8> = MAILBOX.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let wide = [vec![0xff, 0xfe], wide].concat();
    assert_eq!(recognise(&wide), Kind::Mailboxes);
    assert_eq!(told(&read("rights.csv", &wide, now()).unwrap()), want);
    let tabs = MAILBOX.replace(';', "\t");
    assert_eq!(told(&list(&tabs)), want);
}

#[test]
fn a_rule_tells_whom_mail_goes_to_and_not_what_it_is_called() {
    let imported = list(RULES);
    assert_eq!(
        told(&imported),
        [
            "mail of the mailbox corp.example/Users/anna is handed on to anna@elsewhere.example (forward)",
            "mail of the mailbox corp.example/Users/bert is handed on to Info (redirect)",
        ]
    );
    assert!(!format!("{imported:?}").contains("private matter"));
}

#[test]
fn send_as_send_on_behalf_and_forwarding_of_whole_mailboxes() {
    let recipient = "Identity,Trustee,AccessControlType,AccessRights,IsInherited\nInfo,anna@corp.example,Allow,SendAs,False\nInfo,ghost,Deny,SendAs,False\nInfo,NT AUTHORITY\\SELF,Allow,SendAs,False\n";
    assert_eq!(
        told(&list(recipient)),
        ["anna@corp.example sends as the mailbox Info"]
    );
    let directory = "Identity,User,ExtendedRights,Deny,IsInherited\ncorp.example/Users/Info,CORP\\anna,Send-As,False,False\ncorp.example/Users/Info,CORP\\ghost,Receive-As,False,False\n";
    assert_eq!(
        told(&list(directory)),
        ["CORP\\anna sends as the mailbox corp.example/Users/Info"]
    );
    let mailbox = "Name,Alias,PrimarySmtpAddress,ForwardingAddress,ForwardingSmtpAddress,DeliverToMailboxAndForward,GrantSendOnBehalfTo\n\
        Info,info,info@corp.example,,smtp:desk@elsewhere.example,True,\"{corp.example/Users/anna, corp.example/Users/bert}\"\nQuiet,quiet,quiet@corp.example,,,False,{}\n";
    let imported = list(mailbox);
    assert_eq!(
        told(&imported),
        [
            "corp.example/Users/anna sends on behalf of the mailbox info@corp.example",
            "corp.example/Users/bert sends on behalf of the mailbox info@corp.example",
            "mail of the mailbox info@corp.example is handed on to desk@elsewhere.example (mailbox-forwarding, keeps a copy)",
        ]
    );
    assert_eq!(imported.ties[0].names, ["Info", "info"]);
}

#[test]
fn what_the_export_lost_or_never_had_is_said_with_the_way_out() {
    let lost = "Identity,User,AccessRights,Deny,IsInherited\nInfo,anna,System.Collections.ArrayList,False,False\nInfo,bert,FullAccess,False,False\n";
    let imported = list(lost);
    assert_eq!(imported.ties.len(), 1);
    assert!(
        imported.skipped[0].why.contains("-join"),
        "{:?}",
        imported.skipped
    );
    assert_eq!(
        (
            imported.skipped[0].row.as_str(),
            imported.skipped[0].column.as_str()
        ),
        ("2", "accessrights")
    );
    let nobody = "FolderName,User,AccessRights,Identity\nCalendar,anna,Editor,anna\n";
    let Err(ImportError::NothingUsable { first, .. }) = read("x.csv", nobody.as_bytes(), now())
    else {
        panic!("nobody's folder was taken in");
    };
    assert!(first.why.contains("Select-Object"), "{first:?}");
    let batch = as_batch(&list(&format!("{FOLDER},\n")), &SiteId::default(), "0");
    let partial = batch.records.iter().any(
        |record| matches!(&record.said, Said::Covered(c) if c.state == CoverageState::Partial),
    );
    assert!(
        partial,
        "a row that was left out is not a right that was taken away"
    );
}

#[test]
fn a_list_of_machines_is_no_list_of_rights() {
    assert_eq!(
        recognise(b"name,ip,owner\nmail1,10.0.0.1,Anna\n"),
        Kind::Csv
    );
    assert_eq!(
        recognise(b"hostname;user;identity\nmail1;anna;x\n"),
        Kind::Csv
    );
}

#[test]
fn nothing_makes_it_panic() {
    let seeds: Vec<&[u8]> = [FOLDER, MAILBOX, RULES].map(str::as_bytes).into();
    groma_fuzz::hammer(1_500, &seeds, |bytes| {
        let _ = recognise(bytes);
        let _ = read("x.csv", bytes, now());
    });
    let endless = format!("Identity,User,AccessRights,Deny\n{}", "\"".repeat(1 << 20));
    let _ = read("x.csv", endless.as_bytes(), now());
}
