use std::sync::Arc;
use std::time::Duration;

use groma_model::batch::Said;
use groma_model::{Gap, Seen};
use groma_source::testing::{FakeClock, FakeDisk, FakeRandomness, NoNetwork};
use groma_source::{Recorder, Stop};

use super::*;
use crate::evtx::testing::{Written, exported, file};

const DS: &str = "Microsoft-Windows-ActiveDirectory_DomainService";
const AUDIT: &str = "Microsoft-Windows-Security-Auditing";
/// 18 November 2026, 15:06:40 UTC.
const AT: i64 = 1_795_014_400_000;

fn look(disk: FakeDisk, named: &[&str]) -> Recorder {
    let clock = Arc::new(FakeClock::at(Timestamp::from_millis(AT + 3_600_000)));
    let world = World {
        clock: clock.clone(),
        disk: Arc::new(disk),
        network: Arc::new(NoNetwork),
        randomness: Arc::new(FakeRandomness::default()),
    };
    let window = Window::open(
        clock,
        Stop::default(),
        Duration::ZERO,
        Duration::from_secs(600),
    );
    let mut source = WindowsLogs::new(world, named.iter().map(PathBuf::from).collect());
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    recorder
}

fn told(recorder: &Recorder) -> Vec<(String, Seen)> {
    let saw = recorder
        .records
        .iter()
        .filter_map(|record| match &record.said {
            Said::Saw(saw) => Some((saw.fact.says(), saw.seen)),
            _ => None,
        });
    saw.collect()
}

fn rows(recorder: &Recorder) -> Vec<String> {
    let told = told(recorder).into_iter();
    told.map(|(says, seen)| format!("{}× {says}", seen.count))
        .collect()
}

fn gaps(recorder: &Recorder) -> Vec<&Gap> {
    let missed = recorder
        .records
        .iter()
        .filter_map(|record| match &record.said {
            Said::Missed(gap) => Some(gap),
            _ => None,
        });
    missed.filter(|gap| !is_absent(gap)).collect()
}

/// A log nobody brought, which most tests do not.
fn is_absent(gap: &Gap) -> bool {
    gap.what.contains("not among those named")
}

fn coverage(recorder: &Recorder) -> Vec<(String, CoverageState, String)> {
    let covered = recorder
        .records
        .iter()
        .filter_map(|record| match &record.said {
            Said::Covered(c) => Some((
                c.scope.to_string(),
                c.state,
                c.how.clone().unwrap_or_default(),
            )),
            _ => None,
        });
    covered.collect()
}

fn event(record: u64, channel: &'static str, number: u16, values: &[(&str, &str)]) -> Written {
    let provider = match channel {
        "Security" => AUDIT,
        "Directory Service" => DS,
        _ => "Microsoft-Windows-NTLM",
    };
    Written {
        record,
        at: AT - 100_000 + record as i64 * 1_000,
        provider,
        number,
        channel,
        computer: "DC1.corp.example",
        values: values
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect(),
    }
}

fn bind(record: u64, client: &str, account: &str, kind: &str) -> Written {
    event(
        record,
        "Directory Service",
        2889,
        &[("", client), ("", account), ("", kind)],
    )
}

fn unsigned(record: u64) -> Written {
    event(record, "Directory Service", 2887, &[("", "34"), ("", "2")])
}

#[test]
fn a_domain_controller_tells_who_binds_without_protection() {
    let events = [
        bind(7, "10.20.1.31:50123", "CORP\\svc-erp", "1"),
        bind(8, "10.20.1.31:50124", "CORP\\svc-erp", "1"),
        bind(9, "[fd20:1::7]:50125", "CORP\\WS12$", "0"),
        unsigned(10),
        event(11, "Directory Service", 1000, &[]),
    ];
    let seen = look(
        FakeDisk::new().file("/in/ds.evtx", file(&events, 3)),
        &["/in"],
    );
    assert_eq!(
        rows(&seen),
        [
            "2× 10.20.1.31 used Active Directory of dc1.corp.example, as CORP\\svc-erp, by SIMPLE, in clear text: Directory Service of dc1.corp.example",
            "1× fd20:1::7 used Active Directory of dc1.corp.example, as CORP\\WS12$, by SASL-unsigned: Directory Service of dc1.corp.example",
        ]
    );
    // Who they are is told, so what counts them asks for nothing.
    assert!(gaps(&seen).is_empty(), "{:?}", gaps(&seen));
    let coverage = coverage(&seen);
    let of_log = coverage
        .iter()
        .find(|c| c.0.contains("Directory Service"))
        .unwrap();
    assert_eq!(of_log.1, CoverageState::Complete);
    assert!(
        of_log
            .2
            .contains("oldest event 7: the ones before it are gone"),
        "{}",
        of_log.2
    );
}

#[test]
fn counts_without_names_say_how_to_get_the_names_and_how_to_go_back() {
    let seen = look(
        FakeDisk::new().file("/in/ds.evtx", file(&[unsigned(1)], 1)),
        &["/in/ds.evtx"],
    );
    assert!(rows(&seen).is_empty());
    let gaps = gaps(&seen);
    assert_eq!(gaps.len(), 1);
    assert_eq!(gaps[0].reason, Reason::LogDisabled);
    assert!(gaps[0].what.starts_with("dc1.corp.example: 34 simple binds in clear text and 2 binds without signing within 24 hours (event 2887"), "{}", gaps[0].what);
    let remedy = gaps[0].remedy.as_deref().unwrap();
    assert!(
        remedy.contains("16 LDAP Interface Events")
            && remedy.contains("Costs")
            && remedy.contains("put the old value back")
    );
}

#[test]
fn tickets_tell_which_machine_the_client_goes_on_to() {
    let ticket = |record, service: &str, status: &str, number| {
        event(
            record,
            "Security",
            number,
            &[
                ("TargetUserName", "svc-erp@CORP.EXAMPLE"),
                ("TargetDomainName", "CORP.EXAMPLE"),
                ("ServiceName", service),
                ("IpAddress", "::ffff:10.20.1.31"),
                ("Status", status),
            ],
        )
    };
    let events = [
        ticket(1, "EX1$", "0x0", 4769),
        ticket(2, "svc-sql", "0x0", 4769),
        ticket(3, "krbtgt", "0x0", 4769),
        ticket(4, "EX2$", "0x1b", 4769),
        // The twin: another provider's event of the same number.
        Written {
            provider: "Somebody-Else",
            ..ticket(5, "EX3$", "0x0", 4769)
        },
        // A controller asks itself.
        event(
            6,
            "Security",
            4769,
            &[
                ("TargetUserName", "DC1$"),
                ("ServiceName", "DC1$"),
                ("IpAddress", "::1"),
                ("Status", "0x0"),
            ],
        ),
    ];
    let seen = look(
        FakeDisk::new().file("/in/s.evtx", file(&events, 9)),
        &["/in"],
    );
    let log = "Security of dc1.corp.example";
    let by = "as svc-erp@CORP.EXAMPLE, by Kerberos";
    assert_eq!(
        rows(&seen),
        [
            format!("1× 10.20.1.31 used Windows of dc1.corp.example port 88/tcp, {by}: {log}"),
            format!(
                "1× 10.20.1.31 used Windows of dc1.corp.example port 88/tcp, {by}, for EX1$: {log}"
            ),
            format!(
                "1× 10.20.1.31 was refused by Windows of dc1.corp.example port 88/tcp, {by}, for EX2$: {log}"
            ),
            format!(
                "1× 10.20.1.31 used Windows of dc1.corp.example port 88/tcp, {by}, for svc-sql: {log}"
            ),
            format!("1× 10.20.1.31 used Windows of ex1.corp.example, {by}: {log}"),
        ]
    );
}

#[test]
fn logons_of_each_type_tell_what_they_mean() {
    let logon =
        |record, number, kind: &str, user: &str, sid: &str, address: &str, station: &str| {
            event(
                record,
                "Security",
                number,
                &[
                    ("TargetUserSid", sid),
                    ("TargetUserName", user),
                    ("TargetDomainName", "CORP"),
                    ("LogonType", kind),
                    ("AuthenticationPackageName", "NTLM"),
                    ("WorkstationName", station),
                    ("IpAddress", address),
                    ("SubStatus", "0xc000006a"),
                ],
            )
        };
    let person = "S-1-5-21-1-2-3-1104";
    let events = [
        logon(1, 4624, "3", "svc-scan", person, "10.20.1.201", "COPIER"),
        logon(2, 4624, "3", "svc-scan", person, "-", "COPIER"),
        logon(
            3,
            4624,
            "3",
            "ANONYMOUS-ANMELDUNG",
            "S-1-5-7",
            "10.20.1.9",
            "-",
        ),
        logon(4, 4624, "10", "admin", person, "10.20.1.12", "WS12"),
        logon(5, 4624, "5", "svc-backup", person, "-", "-"),
        logon(6, 4624, "5", "SYSTEM", "S-1-5-18", "-", "-"),
        logon(7, 4624, "4", "svc-job", person, "-", "-"),
        logon(8, 4624, "2", "anna", person, "127.0.0.1", "DC1"),
        logon(9, 4625, "3", "svc-old", "S-1-0-0", "10.20.1.40", "-"),
        logon(10, 4624, "3", "DC1$", person, "127.0.0.1", "-"),
    ];
    let seen = look(
        FakeDisk::new().file("/in/s.evtx", file(&events, 4)),
        &["/in"],
    );
    let log = "Security of dc1.corp.example";
    assert_eq!(
        rows(&seen),
        [
            format!("1× 10.20.1.9 used Windows of dc1.corp.example, as nobody, by NTLM: {log}"),
            format!(
                "1× 10.20.1.12 used Windows of dc1.corp.example port 3389/tcp, as CORP\\admin, by NTLM: {log}"
            ),
            format!(
                "1× 10.20.1.40 was refused by Windows of dc1.corp.example, as CORP\\svc-old, by NTLM: {log}"
            ),
            format!(
                "1× 10.20.1.201 used Windows of dc1.corp.example, as CORP\\svc-scan, by NTLM: {log}"
            ),
            format!(
                "1× copier used Windows of dc1.corp.example, as CORP\\svc-scan, by NTLM: {log}"
            ),
            format!(
                "1× an account works on dc1.corp.example, as CORP\\svc-backup, by service: {log}"
            ),
            format!("1× an account works on dc1.corp.example, as CORP\\svc-job, by batch: {log}"),
        ]
    );
}

#[test]
fn ntlm_tells_the_client_the_server_and_whom_it_asks() {
    let channel = "Microsoft-Windows-NTLM/Operational";
    let events = [
        event(
            1,
            channel,
            8004,
            &[
                ("SChannelName", "FS1"),
                ("UserName", "svc-erp"),
                ("DomainName", "CORP"),
                ("WorkstationName", "APP1"),
                ("SChannelType", "2"),
            ],
        ),
        event(
            2,
            channel,
            8004,
            &[
                ("SChannelName", "FS1"),
                ("UserName", "svc-erp"),
                ("DomainName", "CORP"),
                ("WorkstationName", "NULL"),
                ("SChannelType", "2"),
            ],
        ),
        event(
            3,
            channel,
            8001,
            &[
                ("TargetName", "cifs/old1.corp.example"),
                ("ClientUserName", "svc-a"),
                ("ClientDomainName", "CORP"),
            ],
        ),
    ];
    let seen = look(
        FakeDisk::new().file("/in/n.evtx", file(&events, 4)),
        &["/in"],
    );
    let log = "Microsoft-Windows-NTLM/Operational of dc1.corp.example";
    assert_eq!(
        rows(&seen),
        [
            format!("1× app1 used NTLM of fs1.corp.example, as CORP\\svc-erp, by NTLM: {log}"),
            format!(
                "1× dc1.corp.example used NTLM of old1.corp.example port 445/tcp, as CORP\\svc-a, by NTLM, for cifs/old1.corp.example: {log}"
            ),
            format!(
                "2× fs1.corp.example used NTLM of dc1.corp.example, as CORP\\svc-erp, by NTLM: {log}"
            ),
        ]
    );
}

#[test]
fn what_two_files_tell_counts_once() {
    let binds: Vec<Written> = (1..=9)
        .map(|n| bind(n, "10.20.1.31:1", "CORP\\a", "1"))
        .collect();
    let disk = FakeDisk::new()
        .file("/in/archive.evtx", file(&binds[..5], 2))
        .file("/in/live.evtx", file(&binds, 4))
        .file("/in/export.evtx", exported(&binds))
        .file("/in/copy of live.evtx", file(&binds, 2));
    let seen = look(disk, &["/in", "/in/live.evtx"]);
    assert_eq!(told(&seen).len(), 1);
    assert_eq!(told(&seen)[0].1.count, 9);
}

#[test]
fn damage_is_told_with_its_place_and_costs_nothing_else() {
    let mut bytes = file(
        &[
            bind(1, "10.20.1.31:1", "CORP\\a", "1"),
            bind(2, "10.20.1.32:1", "CORP\\b", "1"),
        ],
        1,
    );
    bytes[4096 + 600] ^= 1;
    let seen = look(FakeDisk::new().file("/in/x.evtx", bytes), &["/in"]);
    assert_eq!(rows(&seen).len(), 1);
    assert_eq!(
        gaps(&seen)[0].what,
        "/in/x.evtx: 1 damaged parts of 64 KiB, at byte 4096"
    );
    assert!(
        coverage(&seen)
            .iter()
            .all(|c| c.1 == CoverageState::Partial)
    );
}

#[test]
fn what_is_no_log_is_told_only_where_it_was_named() {
    let disk = || {
        FakeDisk::new()
            .file("/in/readme.txt", "hello\n")
            .file("/in/run", "#!/bin/sh\n")
    };
    assert!(gaps(&look(disk(), &["/in"])).is_empty());
    assert_eq!(
        gaps(&look(disk(), &["/in/readme.txt"]))[0].reason,
        Reason::Unsupported
    );
    assert_eq!(
        gaps(&look(disk(), &["/in/run"]))[0].reason,
        Reason::Unsupported
    );
    assert_eq!(gaps(&look(disk(), &["/nowhere"])).len(), 1);
}

#[test]
fn searches_are_kept_without_what_they_ask_about() {
    let search = event(
        1,
        "Directory Service",
        1644,
        &[
            ("", "DC=corp,DC=example"),
            ("", " ( &  (objectClass=user)  (mail=anna@corp.example) ) "),
            ("", "500"),
            ("", "1"),
            ("", "10.20.1.31:50123"),
        ],
    );
    let seen = look(
        FakeDisk::new().file("/in/ds.evtx", file(&[search], 1)),
        &["/in"],
    );
    assert_eq!(
        rows(&seen),
        [
            "1× 10.20.1.31 used Active Directory of dc1.corp.example, asking DC=corp,DC=example (&(objectClass=*)(mail=*)): Directory Service of dc1.corp.example"
        ]
    );
}

fn security(number: u16, values: &[(&str, &str)]) -> Recorder {
    let events = [event(1, "Security", number, values)];
    look(
        FakeDisk::new().file("/in/s.evtx", file(&events, 1)),
        &["/in"],
    )
}

/// Who types the password into the field for the name is refused, and what was typed is no account.
#[test]
fn what_was_typed_for_a_name_is_no_account_unless_it_exists() {
    let logon = |record, number, user: &str, why: &str| {
        let values = [
            ("TargetUserName", user),
            ("TargetDomainName", "CORP"),
            ("LogonType", "10"),
            ("IpAddress", "10.20.1.12"),
            ("SubStatus", why),
        ];
        event(record, "Security", number, &values)
    };
    let events = [
        logon(1, 4625, "Sommer2026!", "0xc0000064"),
        logon(2, 4625, "Sommer2027!", ""),
        logon(3, 4625, "admin", "0xc000006a"),
        logon(4, 4625, "Anna", "0xc0000064"),
        logon(5, 4624, "anna", ""),
    ];
    let seen = look(
        FakeDisk::new().file("/in/s.evtx", file(&events, 9)),
        &["/in"],
    );
    let said = format!("{:?}", seen.records);
    assert!(!said.contains("Sommer"), "{said}");
    let rows = rows(&seen).join("\n");
    for kept in [
        "2× 10.20.1.12 was refused by",
        "as CORP\\admin",
        "was refused by Windows of dc1.corp.example port 3389/tcp, as CORP\\Anna",
    ] {
        assert!(rows.contains(kept), "{kept}: {rows}");
    }
    for (number, status) in [(4768, "0x6"), (4771, "0x6")] {
        let values = [
            ("TargetUserName", "Sommer2026!"),
            ("IpAddress", "10.20.1.12"),
            ("Status", status),
        ];
        let said = format!("{:?}", security(number, &values).records);
        assert!(
            said.contains("10.20.1.12") && !said.contains("Sommer"),
            "{number}: {said}"
        );
    }
}

/// Its workstation is where somebody sits, who may never have spoken to the controller.
#[test]
fn who_logged_on_elsewhere_is_no_client_of_the_controller() {
    for status in ["0x0", "0xc000006a"] {
        let values = [
            ("TargetUserName", "svc"),
            ("Workstation", "CLIENT1"),
            ("Status", status),
        ];
        assert!(rows(&security(4776, &values)).is_empty());
    }
}

#[test]
fn ntlm_that_was_blocked_is_refused() {
    let channel = "Microsoft-Windows-NTLM/Operational";
    let target = [
        ("TargetName", "cifs/old1.corp.example"),
        ("ClientUserName", "svc-a"),
        ("UserName", "svc-a"),
    ];
    let called = [
        ("Workstation", "APP1"),
        ("UserName", "svc-a"),
        ("ClientUserName", "svc-a"),
    ];
    let asked = [
        ("SChannelName", "FS1"),
        ("WorkstationName", "APP1"),
        ("UserName", "svc-a"),
    ];
    let cases = [
        (4001, &target),
        (4003, &called),
        (4004, &asked),
        (4002, &called),
    ];
    for (blocked, values) in cases {
        let of = |number| {
            let events = [event(1, channel, number, values)];
            rows(&look(
                FakeDisk::new().file("/in/n.evtx", file(&events, 1)),
                &["/in"],
            ))
        };
        let (refused, watched) = (of(blocked), of(blocked + 4000));
        assert!(
            refused.iter().all(|row| row.contains("was refused by")),
            "{refused:?}"
        );
        assert!(
            watched.iter().all(|row| !row.contains("refused")) && !watched.is_empty(),
            "{watched:?}"
        );
        assert_eq!(refused.is_empty(), blocked == 4002);
    }
}

/// The domain an event of a ticket names is the user's; the machine is one of the controller's own.
#[test]
fn a_ticket_of_somebody_of_another_domain_is_for_a_machine_of_this_one() {
    let values = [
        ("TargetUserName", "anna@CHILD.CORP.EXAMPLE"),
        ("TargetDomainName", "CHILD.CORP.EXAMPLE"),
        ("ServiceName", "FS1$"),
        ("IpAddress", "10.20.1.31"),
        ("Status", "0x0"),
    ];
    let rows = rows(&security(4769, &values)).join("\n");
    assert!(rows.contains("used Windows of fs1.corp.example"), "{rows}");
    assert!(!rows.contains("fs1.child"), "{rows}");
}

/// The directory asks itself under names that are no machines'.
#[test]
fn what_asks_within_the_directory_is_no_machine() {
    for client in ["SAM", "KCC", "LSA", "10.20.1.31:50123"] {
        let values = [
            ("", "CN=Anna Muster,OU=Staff,DC=corp"),
            ("", "(cn=Anna)"),
            ("", "1"),
            ("", "1"),
            ("", client),
        ];
        let events = [event(1, "Directory Service", 1644, &values)];
        let seen = look(
            FakeDisk::new().file("/in/d.evtx", file(&events, 1)),
            &["/in"],
        );
        assert_eq!(
            rows(&seen).len(),
            usize::from(client.contains(':')),
            "{client}"
        );
        assert!(!format!("{:?}", seen.records).contains("Anna"));
    }
}

/// The name of a log stands in every row of it: one as long as a line filled the memory.
#[test]
fn a_log_with_a_name_nobody_gives_is_none() {
    let long = "x".repeat(200 << 10);
    let iis = |name: &str| {
        format!(
            "#Software: Microsoft Internet Information Services 10.0{name}\n#Fields: date time s-ip c-ip sc-status\n2026-11-18 14:00:01 10.0.0.5 10.0.0.9 200\n"
        )
    };
    let rows_of = |text: String| rows(&look(FakeDisk::new().file("/in/x.log", text), &["/in"]));
    assert_eq!(rows_of(iis("")).len(), 1);
    assert!(rows_of(iis(&long)).is_empty());
    assert!(grammar_of("Security").is_some() && grammar_of("Security\n").is_none());
    assert!(grammar_of(&format!("Microsoft HTTP Server API {long}")).is_none());
    // Of a log nobody asks about nothing is kept.
    let other = event(1, "Somebody's own", 1, &[]);
    let seen = look(
        FakeDisk::new().file("/in/x.evtx", file(&[other], 1)),
        &["/in"],
    );
    assert!(!format!("{:?}", seen.records).contains("Somebody"));
}

#[test]
fn a_client_of_imap_that_was_refused_used_nothing() {
    let head = "#Software: Microsoft Exchange Server\n#Log-type: IMAP4 Log\n#Fields: dateTime,sessionId,seqNumber,sIp,cIp,user,duration,rqsize,rpsize,command,parameters,context,puid\n";
    let row = |client: &str, user: &str, reply: &str| {
        format!(
            "2026-11-18T14:00:01.000Z,1,1,10.0.0.5:143,{client}:50000,{user},1,1,1,login,x,\"R=\"\"{reply}\"\"\",\n"
        )
    };
    let text = [
        head.to_owned(),
        row("10.0.0.8", "svc-good", "a001 OK LOGIN completed."),
        row("10.0.0.9", "svc-bad", "a001 NO LOGIN failed."),
        row("10.0.0.9", "svc-bad", "a001 BAD Command"),
    ]
    .concat();
    let seen = look(FakeDisk::new().file("/in/IMAP4.LOG", text), &["/in"]);
    let rows = rows(&seen);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows[0].contains("svc-good"), "{rows:?}");
}

const SMTP: &str = "\u{feff}#Software: Microsoft Exchange Server\r\n#Version: 15.0.0.0\r\n#Log-type: SMTP Receive Protocol Log\r\n#Date: 2026-11-18T14:00:00.000Z\r\n\
#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context\r\n";

fn session(id: &str, connector: &str, ends: (&str, &str), said: &[(&str, &str, &str)]) -> String {
    let mut out = String::new();
    for (number, (event, data, context)) in said.iter().enumerate() {
        let (local, remote) = ends;
        out.push_str(&format!(
            "2026-11-18T14:00:{number:02}.123Z,{connector},{id},{number},{local},{remote},{event},{data},{context}\r\n"
        ));
    }
    out
}

#[test]
fn sessions_of_a_receive_connector_tell_what_was_proven() {
    let text = [
        SMTP.to_owned(),
        session(
            "08DA01",
            "EX1\\Copiers",
            ("10.20.1.5:25", "10.20.1.201:40000"),
            &[
                ("+", "", ""),
                (">", "\"220 ex1.corp.example Microsoft ESMTP\"", ""),
                ("<", "EHLO copier", ""),
                ("<", "MAIL FROM:<scan@corp.example>", ""),
                ("<", "RCPT TO:<a@b.example>", ""),
                ("<", "RCPT TO:<x@elsewhere.example>", ""),
                (">", "250 2.1.0 Sender OK", ""),
                (">", "250 2.1.5 Recipient OK", ""),
                (">", "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", ""),
                (">", "250 2.6.0 <1@copier> [InternalId=1] Queued mail for delivery", ""),
                ("-", "", "Remote(ConnectionReset)"),
            ],
        ),
        session(
            "08DA02",
            "EX1\\Client Frontend EX1",
            ("10.20.1.5:587", "10.20.1.31:40001"),
            &[
                ("+", "", ""),
                ("<", "STARTTLS", ""),
                (">", "220 2.0.0 SMTP server ready", ""),
                ("<", "AUTH LOGIN", ""),
                ("*", "CORP\\svc-erp", "authenticated"),
                ("*", "", "TLS protocol SP_PROT_TLS1_2_SERVER negotiation succeeded using bulk encryption algorithm CALG_AES_256"),
                ("<", "MAIL FROM:<erp@corp.example> SIZE=9", ""),
                (">", "250 2.6.0 <2@erp> Queued mail for delivery", ""),
                ("<", "MAIL FROM:<erp@corp.example>", ""),
                (">", "250 2.6.0 <3@erp> Queued mail for delivery", ""),
                // Begun, and never taken.
                ("<", "MAIL FROM:<erp@corp.example>", ""),
                ("-", "", ""),
            ],
        ),
        // Claimed, not proven; and TLS that was refused.
        session(
            "08DA03",
            "EX1\\Default Frontend EX1",
            ("10.20.1.5:25", "10.20.1.66:40002"),
            &[
                ("+", "", ""),
                ("<", "STARTTLS", ""),
                (">", "454 4.7.0 TLS not available", ""),
                ("<", "AUTH LOGIN", ""),
                (">", "535 5.7.3 Authentication unsuccessful", ""),
                ("<", "\"EHLO x,authenticated\"", ""),
                ("-", "", ""),
            ],
        ),
        // The rest of a session whose begin is gone: nobody knows what it had proven.
        session(
            "08DA04",
            "EX1\\Default Frontend EX1",
            ("10.20.1.5:25", "10.20.1.9:40003"),
            &[("<", "MAIL FROM:<x@y>", ""), ("-", "", "")],
        ),
    ]
    .concat();
    let seen = look(
        FakeDisk::new().file("/in/RECV2026111814-1.LOG", text),
        &["/in"],
    );
    let log = "SMTP Receive Protocol Log of 10.20.1.5";
    assert_eq!(
        rows(&seen),
        [
            format!(
                "2× 10.20.1.31 used Exchange of 10.20.1.5 port 587/tcp, as CORP\\svc-erp, by LOGIN, with STARTTLS, for EX1\\Client Frontend EX1, mail from corp.example: {log}"
            ),
            format!(
                "1× 10.20.1.66 was refused by Exchange of 10.20.1.5 port 25/tcp, in clear text, for EX1\\Default Frontend EX1, mail from nobody not taken (logon-failed): {log}"
            ),
            format!(
                "1× 10.20.1.201 used Exchange of 10.20.1.5 port 25/tcp, in clear text, for EX1\\Copiers, mail from corp.example to b.example: {log}"
            ),
            format!(
                "1× 10.20.1.201 was refused by Exchange of 10.20.1.5 port 25/tcp, in clear text, for EX1\\Copiers, mail from corp.example to elsewhere.example not taken (relay-denied): {log}"
            ),
        ]
    );
    let said = format!("{:?}", seen.records);
    for kept in [
        "sender_word: Some(\"scan\")",
        "helo: Some(\"copier\")",
        "tls: Some(\"TLSv1.2\")",
    ] {
        assert!(said.contains(kept), "{kept}");
    }
    for secret in ["scan@corp.example", "a@b.example", "erp@corp.example", "x@"] {
        assert!(!said.contains(secret), "{secret}");
    }
}

#[test]
fn a_recipient_who_shall_come_again_moves_no_other() {
    let with = |said: &[(&str, &str, &str)]| {
        let all = [&[("+", "", "")][..], said, &[("-", "", "")]].concat();
        let text = [
            SMTP.to_owned(),
            session(
                "08DB01",
                "EX1\\In",
                ("10.20.1.5:25", "10.20.1.9:40000"),
                &all,
            ),
        ]
        .concat();
        rows(&look(FakeDisk::new().file("/in/RECV1.LOG", text), &["/in"])).join("\n")
    };
    let mail = [
        ("<", "MAIL FROM:<a@corp.example>", ""),
        (">", "250 2.1.0 Sender OK", ""),
        ("<", "RCPT TO:<a@x.example>", ""),
        (">", "451 4.7.0 Temporary server error", ""),
        ("<", "RCPT TO:<b@y.example>", ""),
        (">", "250 2.1.5 Recipient OK", ""),
    ];
    let queued = (">", "250 2.6.0 <1@c> Queued mail for delivery", "");
    let told = with(&[&mail[..], &[queued]].concat());
    assert!(
        told.contains("to y.example") && !told.contains("x.example"),
        "{told}"
    );
    // In pieces, of which the last is refused.
    let chunk = (">", "250 2.6.0 CHUNK received OK, 9 octets", "");
    let told = with(&[&mail[..], &[chunk, chunk, (">", "550 5.7.1 no", "")]].concat());
    assert!(
        told.contains("was refused by") && !told.contains(" used "),
        "{told}"
    );
    // Nothing but refusals is no use.
    for said in [
        "421 4.3.2 Service not available",
        "554 5.7.1 no",
        "454 4.7.0 Temporary authentication failure",
    ] {
        assert_eq!(with(&[(">", said, "")]), "", "{said}");
    }
    assert!(with(&[("<", "EHLO x", ""), (">", "250 OK", "")]).contains(" used "));
}

fn of_log(seen: &Recorder, name: &str) -> CoverageState {
    let coverage = coverage(seen);
    coverage.iter().find(|c| c.0.contains(name)).unwrap().1
}

/// Two exports of one log, each filtered for something else, lie in one range of numbers and times.
#[test]
fn an_event_that_no_file_told_is_not_known() {
    let of = |numbers: &[u64], client: &str| -> Vec<Written> {
        let client = format!("{client}:1");
        numbers
            .iter()
            .map(|n| bind(*n, &client, "CORP\\a", "1"))
            .collect()
    };
    let disk = FakeDisk::new()
        .file("/in/a.evtx", file(&of(&[1, 3, 9], "10.20.1.31"), 3))
        .file("/in/b.evtx", file(&of(&[2, 3, 5], "10.20.1.32"), 3));
    let counts: Vec<u64> = told(&look(disk, &["/in"]))
        .iter()
        .map(|(_, seen)| seen.count)
        .collect();
    assert_eq!(counts, [3, 2]);
}

#[test]
fn a_log_with_a_hole_between_its_files_is_partial() {
    let of = |numbers: std::ops::Range<u64>| -> Vec<u8> {
        let all: Vec<Written> = numbers
            .map(|n| bind(n, "10.20.1.31:1", "CORP\\a", "1"))
            .collect();
        file(&all, 9)
    };
    let with = |second| {
        let disk = FakeDisk::new()
            .file("/in/a.evtx", of(1..4))
            .file("/in/b.evtx", of(second));
        of_log(&look(disk, &["/in"]), "Directory Service of")
    };
    assert_eq!(with(4..7), CoverageState::Complete);
    assert_eq!(with(2..7), CoverageState::Complete);
    assert_eq!(with(5..7), CoverageState::Partial);
}

#[test]
fn a_text_log_of_which_rows_are_missing_is_partial() {
    let head = "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time s-ip c-ip sc-status\n";
    let with = |more: &str| {
        let text = format!("{head}2026-11-18 14:00:01 10.0.0.5 10.0.0.9 200\n{more}");
        of_log(
            &look(FakeDisk::new().file("/in/x.log", text), &["/in"]),
            "Information Services 10.0 of",
        )
    };
    assert_eq!(with(""), CoverageState::Complete);
    assert_eq!(
        with("2026-11-18 14:00:01 10.0.0.5\n"),
        CoverageState::Partial
    );
    let smtp = |more: &str| {
        let ends = ("10.20.1.5:25", "10.20.1.9:40000");
        let session = session("08DC01", "EX1\\In", ends, &[("+", "", ""), ("-", "", "")]);
        let text = format!("{SMTP}{session}{more}");
        of_log(
            &look(FakeDisk::new().file("/in/R.LOG", text), &["/in"]),
            "Receive Protocol Log of",
        )
    };
    assert_eq!(
        (smtp(""), smtp("a,b\r\n")),
        (CoverageState::Complete, CoverageState::Partial)
    );
}

#[test]
fn events_that_name_no_machine_are_counted() {
    let nobody = Written {
        computer: "{}",
        ..bind(2, "10.20.1.31:1", "CORP\\a", "1")
    };
    let events = [bind(1, "10.20.1.31:1", "CORP\\a", "1"), nobody];
    let seen = look(
        FakeDisk::new().file("/in/d.evtx", file(&events, 9)),
        &["/in"],
    );
    assert!(
        gaps(&seen)[0]
            .what
            .starts_with("1 events that name no machine"),
        "{:?}",
        gaps(&seen)
    );
    assert_eq!(
        of_log(&seen, "Directory Service of"),
        CoverageState::Partial
    );
}

#[test]
fn a_folder_with_more_entries_than_may_be_says_so() {
    let mut disk = FakeDisk::new();
    for number in 0..=20_000 {
        disk = disk.file(&format!("/in/{number}"), "x");
    }
    let gaps_of = |disk| {
        gaps(&look(disk, &["/in"]))
            .iter()
            .map(|gap| gap.reason.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(gaps_of(disk), [Reason::BudgetExhausted]);
}

/// A clock that stood at 2099 makes no row that outlives every date anybody checks by.
#[test]
fn an_event_of_the_future_is_not_believed() {
    let late = Written {
        at: AT + 40 * 86_400_000,
        ..bind(2, "10.20.1.32:1", "CORP\\b", "1")
    };
    let events = [bind(1, "10.20.1.31:1", "CORP\\a", "1"), late];
    let seen = look(
        FakeDisk::new().file("/in/d.evtx", file(&events, 9)),
        &["/in"],
    );
    assert_eq!(rows(&seen).len(), 1);
    assert_eq!(
        gaps(&seen)[0].what,
        "1 events of dc1.corp.example at a time that is not yet"
    );
    assert_eq!(
        of_log(&seen, "Directory Service of"),
        CoverageState::Partial
    );
}

#[test]
fn a_web_server_tells_the_doors_of_exchange_and_other_applications() {
    let text = "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2026-11-18 14:00:00\n\
#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status\n\
2026-11-18 14:00:01 10.20.1.5 POST /EWS/Exchange.asmx - 443 CORP\\svc-room 10.20.1.31 ExchangeServicesClient/15.0.913.15 200\n\
2026-11-18 14:00:02 10.20.1.5 POST /ews/exchange.asmx - 443 - 10.20.1.32 curl/7.88 401\n\
2026-11-18 14:00:03 10.20.1.5 GET /erp/api - 80 - 10.20.1.33 Java/11 200\n\
2026-11-18 14:00:04 10.20.1.5 GET /erp/api - 80 - 10.20.1.9 forged agent 200 200\n\
2026-11-18 14:00:05 10.20.1.5 POST /Microsoft-Server-ActiveSync/default.eas User=anna 443 anna 203.0.113.9 Apple-iPhone12C1/1801 200\n";
    let seen = look(FakeDisk::new().file("/in/u_ex261118.log", text), &["/in"]);
    let log = "Microsoft Internet Information Services 10.0 of 10.20.1.5";
    assert_eq!(
        rows(&seen),
        [
            format!(
                "1× 10.20.1.31 used IIS of 10.20.1.5 port 443/tcp, as CORP\\svc-room, with ExchangeServicesClient (script or program), for Exchange Web Services: {log}"
            ),
            format!("1× 10.20.1.33 used IIS of 10.20.1.5 port 80/tcp, with Java: {log}"),
        ]
    );
    assert_eq!(
        gaps(&seen)[0].what,
        "1 lines of /in/u_ex261118.log that have not the columns it says"
    );
}

/// PowerShell writes what `>` sends to a file in UTF-16: no line of it was read, and nobody was told.
#[test]
fn a_log_that_powershell_copied_is_read_in_either_order_of_bytes() {
    let text = "#Software: Microsoft Internet Information Services 10.0\r\n#Fields: date time s-ip c-ip sc-status\r\n2026-11-18 14:00:01 10.0.0.5 10.0.0.9 200\r\n";
    let plain = rows(&look(FakeDisk::new().file("/in/x.log", text), &["/in"]));
    assert_eq!(plain.len(), 1);
    let units = || std::iter::once(0xfeff).chain(text.encode_utf16());
    let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
    for bytes in [little, big] {
        let seen = look(FakeDisk::new().file("/in/x.log", bytes), &["/in/x.log"]);
        assert_eq!(rows(&seen), plain);
        assert!(gaps(&seen).iter().all(|gap| is_absent(gap)));
    }
    // What somebody formatted for the screen is no log: it is told by its place.
    let list =
        "\u{feff}\r\nTimestamp  EventId Source Sender\r\n---------  ------- ------ ------\r\n";
    let list: Vec<u8> = list.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let seen = look(
        FakeDisk::new().file("/in/list.txt", list),
        &["/in/list.txt"],
    );
    let gaps = gaps(&seen);
    assert_eq!(gaps[0].reason, Reason::Unsupported);
    assert!(gaps[0].what.contains("/in/list.txt"), "{}", gaps[0].what);
}

/// IIS writes a blank as `+`, so what a client calls itself, and the name it tries, stay one column each.
#[test]
fn the_kind_of_a_client_is_a_word_of_ours_and_a_forged_one_is_no_other_machine() {
    let head = "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2026-11-18 14:00:00\n\
#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status\n";
    let line = |client: &str, name: &str, agent: &str| {
        format!(
            "2026-11-18 14:00:01 10.20.1.5 POST /EWS/Exchange.asmx - 443 {name} {client} {agent} 200\n"
        )
    };
    let text = [
        head.to_owned(),
        line(
            "10.20.1.31",
            "CORP\\svc-room",
            "Microsoft+Office/16.0+(Windows+NT+10.0;+Microsoft+Outlook+16.0.17928;+Pro)",
        ),
        line(
            "10.20.1.66",
            "x+10.20.1.9+Apple-iPhone12C1/1801+200",
            "nobody+200%0a2026-11-18+14:00:02+10.20.1.5+POST+/EWS/+-+443+admin+10.20.1.9+curl/8+200",
        ),
    ];
    let seen = look(
        FakeDisk::new().file("/in/u_ex261118.log", text.concat()),
        &["/in"],
    );
    let told: Vec<(String, Option<String>)> = seen
        .facts()
        .filter_map(|fact| match fact {
            Fact::ReportedUse(used) => Some((used.consumer.to_string(), used.client.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "10.20.1.31".to_owned(),
                Some("Outlook 2016 or newer".to_owned())
            ),
            // What it names itself after is believed, and is a hint.
            (
                "10.20.1.66".to_owned(),
                Some("script or program".to_owned())
            ),
        ]
    );
}

#[test]
fn message_tracking_tells_who_came_to_the_front_end() {
    let text = "#Software: Microsoft Exchange Server\n#Log-type: Message Tracking Log\n\
#Fields: date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,event-id,recipient-address,original-client-ip,sender-address\n\
2026-11-18T14:00:01.000Z,10.20.1.5,EX1,10.20.1.5,EX1.corp.example,x,EX1\\Default EX1,SMTP,RECEIVE,a@b.example;c@d.example,10.20.1.201,scan@corp.example\n\
2026-11-18T14:00:02.000Z,10.20.1.5,EX1,10.20.1.5,EX1.corp.example,x,,STOREDRIVER,DELIVER,a@b.example,10.20.1.9,y@corp.example\n";
    let seen = look(
        FakeDisk::new().file("/in/MSGTRK2026111814-1.LOG", text),
        &["/in"],
    );
    assert_eq!(
        rows(&seen),
        [
            "1× 10.20.1.201 used Exchange of ex1.corp.example, for EX1\\Default EX1, mail from corp.example to b.example, d.example: Message Tracking Log of ex1.corp.example"
        ]
    );
}

/// What a domain controller would tell: binds, one of them in clear text, tickets for a file server, a logon by NTLM, a
/// service account at work, and an attempt that failed.
fn of_a_domain_controller() -> [(&'static str, Vec<Written>); 3] {
    let ticket = |record, status, service| {
        let values = [
            ("TargetUserName", "svc-erp@CORP.EXAMPLE"),
            ("TargetDomainName", "CORP.EXAMPLE"),
            ("ServiceName", service),
            ("IpAddress", "::ffff:10.20.1.31"),
            ("Status", status),
        ];
        event(record, "Security", 4769, &values)
    };
    let works = [
        ("TargetUserSid", "S-1-5-21-1-2-3-1105"),
        ("TargetUserName", "svc-backup"),
        ("TargetDomainName", "CORP"),
        ("LogonType", "5"),
        ("AuthenticationPackageName", "Negotiate"),
    ];
    let asked = [
        ("SChannelName", "FS1"),
        ("UserName", "scanner"),
        ("DomainName", "CORP"),
        ("WorkstationName", "COPIER7"),
    ];
    [
        (
            "directory-service.evtx",
            vec![
                bind(7, "10.20.1.31:50123", "CORP\\svc-erp", "1"),
                bind(8, "10.20.1.31:50124", "CORP\\svc-erp", "1"),
                bind(9, "10.20.1.40:50125", "CORP\\WS12$", "0"),
                unsigned(10),
            ],
        ),
        (
            "security.evtx",
            vec![
                ticket(70, "0x0", "FS1$"),
                ticket(71, "0x12", "FS1$"),
                event(72, "Security", 4624, &works),
            ],
        ),
        (
            "ntlm.evtx",
            vec![event(5, "Microsoft-Windows-NTLM/Operational", 8004, &asked)],
        ),
    ]
}

/// The end-to-end tests have no writer: theirs lie beside them, and are what this one writes.
/// `GROMA_WRITE=1 cargo test -p groma-source-log end_to_end` writes them anew.
#[test]
fn the_files_of_the_end_to_end_tests_are_what_the_writer_writes() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/e2e/events");
    for (name, events) in of_a_domain_controller() {
        let path = format!("{folder}/{name}.zst");
        let written = exported(&events);
        if std::env::var_os("GROMA_WRITE").is_some() {
            std::fs::write(&path, zstd::encode_all(&written[..], 19).unwrap()).unwrap();
        }
        let kept = std::fs::read(&path).unwrap();
        assert!(zstd::decode_all(&kept[..]).unwrap() == written, "{name}");
    }
}

/// Files of real machines, where somebody has some:
/// `GROMA_EVTX=DIRECTORY cargo test -p groma-source-log real_logs -- --nocapture`.
#[test]
#[allow(clippy::print_stdout, reason = "a person asked to see it")]
fn real_logs_where_there_are_some() {
    let Some(directory) = std::env::var_os("GROMA_EVTX") else {
        return;
    };
    let world = groma_sys::this_machine(true);
    let window = Window::open(
        world.clock.clone(),
        Stop::default(),
        Duration::ZERO,
        Duration::from_secs(600),
    );
    let mut source = WindowsLogs::new(world, vec![PathBuf::from(directory)]);
    let mut recorder = Recorder::new(source.name());
    let begin = std::time::Instant::now();
    source.look(&window, &Budget::default(), &mut recorder);
    println!("{:?}", begin.elapsed());
    rows(&recorder).iter().for_each(|row| println!("{row}"));
    gaps(&recorder)
        .iter()
        .for_each(|gap| println!("GAP {}", gap.what));
    coverage(&recorder)
        .iter()
        .for_each(|covered| println!("{covered:?}"));
}

fn radius(record: u64, number: u16, client: &str, proof: &str) -> Written {
    let values = [
        ("SubjectUserName", "anna"),
        ("CallingStationID", "10.20.1.9"),
        ("NASIPv4Address", "10.20.1.9"),
        ("ClientName", "ap-1"),
        ("ClientIPAddress", client),
        ("AuthenticationType", proof),
    ];
    event(record, "Security", number, &values)
}

#[test]
fn nps_tells_through_whom_people_logged_on_and_not_who() {
    let events = [
        radius(1, 6272, "10.20.1.31", "PEAP"),
        radius(2, 6272, "10.20.1.31", "PEAP"),
        radius(3, 6273, "10.20.1.32", "MS-CHAPv2"),
        // Twins: no address, a name in its place, and an event beside.
        radius(4, 6272, "-", "PEAP"),
        radius(5, 6272, "ap-9", "PEAP"),
        radius(6, 6278, "10.20.1.33", "PEAP"),
    ];
    let seen = look(
        FakeDisk::new().file("/in/s.evtx", file(&events, 1)),
        &["/in"],
    );
    assert_eq!(
        rows(&seen),
        [
            "2× 10.20.1.31 used Windows of dc1.corp.example port 1812/udp, by PEAP: Security of dc1.corp.example",
            "1× 10.20.1.32 was refused by Windows of dc1.corp.example port 1812/udp, by MS-CHAPv2: Security of dc1.corp.example",
        ]
    );
    assert!(!format!("{:?}", seen.records).contains("anna"));
}

/// A line of a database's columns, as Microsoft describes them.
fn column_line(user: &str, packet: u8, client: &str) -> String {
    format!(
        "\"NPS1\",\"IAS\",11/18/2026,13:04:33,{packet},\"{user}\",,,,,,,,,9,\"{client}\",\"ap\",,,,,,,11,,0,{}\n",
        ",".repeat(34)
    )
}

fn pair_line(user: &str, packet: u8, client: &str) -> String {
    format!(
        "10.20.1.9,{user},11/18/2026,13:04:33,IAS,NPS1,4108,{client},4116,0,4136,{packet},4127,11,4142,0\n"
    )
}

fn event_line(user: &str, packet: u8, client: &str) -> String {
    format!(
        "<Event><Timestamp data_type=\"4\">11/18/2026 13:04:33.609</Timestamp><Computer-Name data_type=\"1\">NPS1</Computer-Name><Event-Source data_type=\"1\">IAS</Event-Source><User-Name data_type=\"1\">{user}</User-Name><Client-IP-Address data_type=\"3\">{client}</Client-IP-Address><Authentication-Type data_type=\"0\">11</Authentication-Type><Packet-Type data_type=\"0\">{packet}</Packet-Type><Reason-Code data_type=\"0\">0</Reason-Code></Event>\n"
    )
}

type MadeLine = fn(&str, u8, &str) -> String;
const NPS_LINES: &[MadeLine] = &[column_line, pair_line, event_line];

#[test]
fn the_three_kinds_of_log_files_of_nps_tell_the_same() {
    for line in NPS_LINES {
        let in_berlin = FakeDisk::new()
            .file("/etc/timezone", "Europe/Berlin\n")
            .file("/in/IN2611.log", line("anna", 2, "10.20.1.31"));
        let (_, seen) = told(&look(in_berlin, &["/in"])).remove(0);
        assert_eq!(seen.last.minute(), "2026-11-18 12:04");
        let log = [
            line("anna", 1, "10.20.1.31"),
            line("anna", 2, "10.20.1.31"),
            line("bert", 2, "10.20.1.31"),
            line("eve", 3, "10.20.1.32"),
            line("anna", 4, "10.20.1.31"),
            line("anna", 2, ""),
        ];
        let seen = look(
            FakeDisk::new().file("/in/IN2611.log", log.concat()),
            &["/in"],
        );
        assert_eq!(
            rows(&seen),
            [
                "2× 10.20.1.31 used Network Policy Server of nps1 port 1812/udp, by PEAP: NPS of nps1",
                "1× 10.20.1.31 used Network Policy Server of nps1 port 1813/udp: NPS of nps1",
                "1× 10.20.1.32 was refused by Network Policy Server of nps1 port 1812/udp, by PEAP: NPS of nps1",
            ]
        );
        assert!(!format!("{:?}", seen.records).contains("anna"));
        assert!(gaps(&seen).is_empty());
        let (_, state, how) = coverage(&seen)
            .into_iter()
            .find(|(scope, ..)| scope == "log:NPS of nps1")
            .unwrap();
        assert_eq!(state, CoverageState::Complete, "{how}");
    }
}

#[test]
fn whoever_logs_on_at_nps_forges_no_client() {
    let forgers = [
        "x\",,,,,,,,,9,\"10.20.1.9\",\"ap",
        "x</User-Name><Client-IP-Address data_type=\"3\">10.20.1.9</Client-IP-Address><User-Name data_type=\"1\">y",
        "x,11/18/2026,13:04:33,IAS,NPS1,4108,10.20.1.9,4136,2",
        "x\n\"NPS1\",\"IAS\",11/18/2026,13:04:33,2,\"y\",,,,,,,,,9,\"10.20.1.9\",\"ap",
        "x\n<Event><Computer-Name>NPS1</Computer-Name><Client-IP-Address>10.20.1.9</Client-IP-Address><Packet-Type>2</Packet-Type>",
    ];
    for line in NPS_LINES {
        for forged in forgers {
            let log = [line("anna", 2, "10.20.1.31"), line(forged, 2, "10.20.1.66")].concat();
            let seen = look(FakeDisk::new().file("/in/IN2611.log", log), &["/in"]);
            let told = format!("{:?}", rows(&seen));
            assert!(
                told.contains("10.20.1.31") && !told.contains("10.20.1.9"),
                "{told} of {forged}"
            );
        }
    }
}

#[test]
fn what_only_looks_like_a_log_of_nps_tells_nothing() {
    for other in [
        "\"a\",\"b\",11/18/2026,13:04:33\n",
        "2026-11-18 13:04:33 some log\n",
        "10.0.0.1,x,18/11/2026,13:04:33,IAS,NPS1,4108,10.20.1.9\n",
        "<Event><System/></Event>\n<Event><Client-IP-Address>10.20.1.9</Client-IP-Address></Event>\n",
    ] {
        let seen = look(FakeDisk::new().file("/in/x.log", other), &["/in"]);
        assert!(rows(&seen).is_empty(), "{other}");
    }
    groma_fuzz::hammer(
        600,
        &[
            column_line("a", 2, "10.0.0.1").as_bytes(),
            pair_line("a", 2, "10.0.0.1").as_bytes(),
            event_line("a", 2, "10.0.0.1").as_bytes(),
        ],
        |bytes| {
            drop(rows(&look(
                FakeDisk::new().file("/in/x.log", bytes),
                &["/in"],
            )))
        },
    );
}

#[test]
fn logs_of_a_controller_that_nobody_brought_are_missed_with_the_way_to_have_them() {
    let ds = file(&[bind(7, "10.20.1.31:50123", "CORP\\svc-erp", "1")], 1);
    let absent = |recorder: &Recorder| -> Vec<(String, String)> {
        let missed = recorder
            .records
            .iter()
            .filter_map(|record| match &record.said {
                Said::Missed(gap) if is_absent(gap) => {
                    Some((gap.what.clone(), gap.remedy.clone().unwrap()))
                }
                _ => None,
            });
        missed.collect()
    };
    let alone = absent(&look(FakeDisk::new().file("/in/ds.evtx", ds), &["/in"]));
    let [(ntlm, remedy), (security, _)] = alone.as_slice() else {
        panic!("{alone:?}");
    };
    assert_eq!(
        ntlm,
        "what the log Microsoft-Windows-NTLM/Operational of dc1.corp.example tells: it is not among those named"
    );
    assert!(
        security.starts_with("what the log Security of dc1"),
        "{security}"
    );
    assert!(
        remedy.contains("wevtutil epl") && remedy.contains("Costs"),
        "{remedy}"
    );
    // Its twin: a server that is no controller has none of these.
    let member = file(&[radius(1, 6272, "10.20.1.31", "PEAP")], 1);
    assert_eq!(
        absent(&look(FakeDisk::new().file("/in/s.evtx", member), &["/in"])),
        []
    );
}
