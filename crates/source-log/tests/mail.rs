//! Mail that real servers took and refused, and what is read of it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on stops here"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use groma_model::fact::{MailServer, MailUse};
use groma_model::{Fact, Seen, Timestamp};
use groma_source::testing::{FakeClock, FakeDisk, FakeRandomness, NoNetwork};
use groma_source::{
    Budget, Disk, DiskError, Entry, FileRead, Metadata, OpenFile, Recorder, Source, Space, Stop,
    Window, World,
};
use groma_source_log::LogSource;

/// 21 November 2026, 08:00 UTC: soon after the logs were recorded.
const NOW: i64 = 1_795_248_000;

/// A made-up disk; a file with a number was written the longer ago the higher it is.
struct Dated(FakeDisk);

impl Disk for Dated {
    fn read(&self, path: &Path, limit: u64) -> Result<FileRead, DiskError> {
        self.0.read(path, limit)
    }
    fn open(&self, path: &Path) -> Result<Box<dyn OpenFile>, DiskError> {
        self.0.open(path)
    }
    fn list(&self, path: &Path, limit: usize) -> Result<Vec<Entry>, DiskError> {
        self.0.list(path, limit)
    }
    fn metadata(&self, path: &Path) -> Result<Metadata, DiskError> {
        let age = match path.to_str().unwrap() {
            path if path.contains(".1") => 12,
            path if path.contains(".2") => 33,
            _ => 0,
        };
        Ok(Metadata {
            modified: NOW - age * 86_400,
            ..self.0.metadata(path)?
        })
    }
    fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError> {
        self.0.read_link(path)
    }
    fn space(&self, path: &Path) -> Result<Space, DiskError> {
        self.0.space(path)
    }
}

fn look(disk: FakeDisk) -> Recorder {
    let clock = Arc::new(FakeClock::at(Timestamp::from_seconds(NOW)));
    let world = World {
        clock: clock.clone(),
        disk: Arc::new(Dated(disk)),
        network: Arc::new(NoNetwork),
        randomness: Arc::new(FakeRandomness::default()),
    };
    let window = Window::open(
        clock,
        Stop::default(),
        Duration::ZERO,
        Duration::from_secs(600),
    );
    let mut source = LogSource::new(world);
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    recorder
}

fn recorded(name: &str) -> Vec<u8> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/recorded")
        .join(name);
    std::fs::read(here).unwrap()
}

fn mail(recorder: &Recorder) -> Vec<(MailUse, Seen)> {
    let told = recorder
        .records
        .iter()
        .filter_map(|record| match &record.said {
            groma_model::batch::Said::Saw(o) => match &o.fact {
                Fact::MailUse(used) => Some((used.clone(), o.seen)),
                _ => None,
            },
            _ => None,
        });
    told.collect()
}

/// Each row in one line, without the file it stands in.
fn lines(recorder: &Recorder) -> Vec<String> {
    let line = |(used, seen): (MailUse, Seen)| {
        let says = Fact::MailUse(used).says();
        let (says, _log) = says.rsplit_once(": ").unwrap();
        format!("{}× {says}", seen.count)
    };
    mail(recorder).into_iter().map(line).collect()
}

fn servers(recorder: &Recorder) -> Vec<MailServer> {
    let server = |fact: &Fact| match fact {
        Fact::MailServer(server) => Some(server.clone()),
        _ => None,
    };
    recorder.facts().filter_map(server).collect()
}

fn postfix() -> FakeDisk {
    let master = "smtp inet n - n - - smtpd\nsubmission inet n - n - - smtpd\n  -o syslog_name=postfix/submission\nsmtps inet n - n - - smtpd\n  -o syslog_name=postfix/smtps\n";
    FakeDisk::new()
        .file("/var/log/mail.log", recorded("postfix-senders.log"))
        .file("/var/log/mail.log.1", recorded("postfix-senders.log.1"))
        .file(
            "/var/log/mail.log.2.gz",
            recorded("postfix-senders.log.2.gz"),
        )
        .file("/etc/postfix/master.cf", master)
}

#[test]
fn postfix_tells_what_each_sender_needs() {
    let recorder = look(postfix());
    assert_eq!(
        lines(&recorder),
        [
            "1× 10.20.1.21 sent mail through Postfix at port 25, in clear text, from app1.corp.example (www), to branch.example",
            "1× 10.20.1.31 sent mail through Postfix at port 465, as svc-erp, by PLAIN, with TLS (TLSv1.3), from corp.example (rechnung), to other.example",
            "3× 10.20.1.31 sent mail through Postfix at port 587, as svc-erp, by PLAIN, with STARTTLS (TLSv1.3), from corp.example (rechnung), to partner.example",
            "1× 10.20.1.40 sent mail through Postfix at port 587, as svc-old, by LOGIN, in clear text, from second.example (report), to corp.example",
            "1× 10.20.1.50 sent mail through Postfix at port 25, with STARTTLS (TLSv1), from corp.example (nas), to corp.example",
            "1× 10.20.1.60 was refused (logon-failed) by Postfix at port 587, by LOGIN",
            "1× 10.20.1.66 was refused (recipient-rejected) by Postfix at port 25, from forged.example, to corp.example",
            "2× 10.20.1.66 sent mail through Postfix at port 25, in clear text, from forged.example, to corp.example",
            "1× 10.20.1.66 sent mail through Postfix at port 25, in clear text, from forged.example, to mail1.corp.example",
            "1× 10.20.1.66 was refused (recipient-rejected) by Postfix at port 25, calls itself x, from forged.example, to corp.example",
            "1× 10.20.1.70 was refused (tls-failed) by Postfix at port 465",
            "1× 10.20.1.71 was refused (content-rejected) by Postfix at port 25, in clear text",
            "1× 10.20.1.71 was refused (recipient-rejected) by Postfix at port 25, calls itself app71, from corp.example (cron), to corp.example",
            "3× 10.20.1.201 sent mail through Postfix at port 25, in clear text, from corp.example (kopierer), to corp.example",
            "1× 10.20.1.201 sent mail through Postfix at port 25, in clear text, from corp.example (kopierer), to corp.example, partner.example",
            "1× 10.20.1.202 sent mail through Postfix at port 25, in clear text, from corp.example (usv), to corp.example",
            "1× 10.30.1.77 was refused (relay-denied) by Postfix at port 25, calls itself ups1, from corp.example (ups), to partner.example",
        ]
    );
}

#[test]
fn a_monthly_sender_is_found_in_the_rotated_log_alone() {
    let told = mail(&look(postfix()));
    let monthly: Vec<_> = told
        .iter()
        .filter(|(used, _)| used.peer.to_string() == "10.20.1.202")
        .collect();
    assert_eq!(monthly.len(), 1);
    let day = monthly[0].1.last.minute();
    assert!(day.starts_with("2026-10-19"), "{day}");
}

/// Where logrotate was told to put rotated files elsewhere, and to keep the log's ending, none of them was read.
#[test]
fn rotated_logs_are_found_where_logrotate_was_told_to_put_them() {
    let rule = "/var/log/mail.log {\n  weekly\n  rotate 60\n  olddir old\n  extension .log\n  dateext\n}\n";
    let disk = |rule: &str| {
        FakeDisk::new()
            .file("/var/log/mail.log", recorded("postfix-senders.log"))
            .file("/var/log/old/mail.1.log", recorded("postfix-senders.log.1"))
            .file("/var/log/old/mail.2.log.gz", recorded("postfix-senders.log.2.gz"))
            .file("/var/log/old/other.1.log", recorded("postfix-relay.log"))
            .file("/etc/postfix/master.cf", "smtp inet n - n - - smtpd\nsubmission inet n - n - - smtpd\n  -o syslog_name=postfix/submission\nsmtps inet n - n - - smtpd\n  -o syslog_name=postfix/smtps\n")
            .file("/etc/logrotate.conf", rule)
    };
    assert_eq!(lines(&look(disk(rule))), lines(&look(postfix())));
    let without = look(disk("/var/log/mail.log {\n  weekly\n}\n"));
    assert!(
        !lines(&without)
            .iter()
            .any(|line| line.contains("10.20.1.202"))
    );
}

#[test]
fn whoever_forges_lines_is_one_client_and_nobody_else_is_there() {
    let recorder = look(postfix());
    for (used, _) in mail(&recorder) {
        assert_ne!(used.peer.to_string(), "10.20.1.9");
        let said = serde_json::to_string(&used).unwrap();
        assert!(!said.contains("anna") && !said.contains('@'), "{said}");
        assert!(!said.contains("evil.example"), "{said}");
    }
}

#[test]
fn one_message_is_one_whatever_rotation_cuts() {
    // Wherever the log is cut into two files, the sums stay.
    let whole = String::from_utf8(recorded("postfix-senders.log")).unwrap();
    let sums = |recorder: &Recorder| -> BTreeMap<String, u64> {
        let mut out = BTreeMap::new();
        for (used, seen) in mail(recorder) {
            let key = format!(
                "{} {:?} {:?} {:?}",
                used.peer, used.sender, used.recipients, used.refused
            );
            *out.entry(key).or_default() += seen.count;
        }
        out
    };
    let at_once = sums(&look(
        FakeDisk::new().file("/var/log/mail.log", whole.clone()),
    ));
    let ends: Vec<usize> = whole.match_indices('\n').map(|(at, _)| at + 1).collect();
    for cut in ends {
        let (old, new) = whole.split_at(cut);
        let disk = FakeDisk::new()
            .file("/var/log/mail.log.1", old)
            .file("/var/log/mail.log", new);
        assert_eq!(sums(&look(disk)), at_once, "cut at {cut}");
    }
}

/// Without `smtpd_tls_loglevel` only the line that ends a session tells of STARTTLS, and that it was not asked for. Of a very
/// long session the first messages learn it.
#[test]
fn a_session_tells_at_its_end_how_it_was_protected() {
    let disk = FakeDisk::new()
        .file("/var/log/mail.log", recorded("postfix-ports.log"))
        .file(
            "/etc/postfix/master.cf",
            recorded("postfix-ports.master.cf"),
        );
    let sent = "sent mail through Postfix at port";
    let copier = "10.20.1.77 sent mail through Postfix at port 25, in clear text, from corp.example (scan), to";
    let news = format!("10.20.1.78 {sent} 25");
    assert_eq!(
        lines(&look(disk)),
        [
            format!("1× {copier} corp.example"),
            format!("1× {copier} partner.example"),
            "1× 10.20.1.77 was refused (relay-denied) by Postfix at port 2525, calls itself copier1, from corp.example (scan), to partner.example".to_owned(),
            format!("9× {news}, from corp.example, to partner.example"),
            format!("16× {news}, with STARTTLS, from corp.example, to partner.example"),
            format!("1× 10.20.1.78 {sent} 587, with STARTTLS, from corp.example (invoice), to partner.example"),
            format!("1× 10.62.1.31 {sent} 2525, in clear text, from corp.example (alarm), to partner.example"),
        ]
    );
}

#[test]
fn a_service_with_settings_of_its_own_lets_others_through() {
    let master = "smtp inet n - n - - smtpd\nsubmission inet n - n - - smtpd\n  -o syslog_name=postfix/submission\n  -o smtpd_client_restrictions=permit_sasl_authenticated,reject\n2525 inet n - n - - smtpd\n  -o mynetworks=10.62.0.0/16\nsmtps inet n - n - - smtpd\n  -o smtpd_tls_wrappermode=yes\n";
    let disk = FakeDisk::new()
        .file("/etc/postfix/main.cf", "mynetworks = 10.20.1.0/24\n")
        .file("/etc/postfix/master.cf", master);
    let servers = servers(&look(disk));
    let allows = servers[0].allows.iter().map(|rule| {
        let file = rule.file.as_ref().map(ToString::to_string);
        let place = file.zip(rule.line).unwrap_or_default();
        (
            rule.port.map_or(0, |port| port.0),
            rule.entry.clone(),
            place.0,
            place.1,
        )
    });
    let of =
        |port: u16, entry: &str, file: &str, line| (port, entry.to_owned(), file.to_owned(), line);
    assert_eq!(
        allows.collect::<Vec<_>>(),
        [
            of(0, "10.20.1.0/24", "/etc/postfix/main.cf", 1),
            of(0, "permit_sasl_authenticated", "", 0),
            of(587, "permit_sasl_authenticated", "", 0),
            of(2525, "10.62.0.0/16", "/etc/postfix/master.cf", 6),
            of(2525, "permit_sasl_authenticated", "", 0),
        ]
    );
    // Port 465 sets nothing that says who is let through: there the entries of everybody count.
    assert_eq!(
        servers[0]
            .own_ports
            .iter()
            .map(|port| port.0)
            .collect::<Vec<_>>(),
        [587, 2525]
    );
}

#[test]
fn a_server_says_what_it_takes_and_whom_it_lets_through() {
    let disk = FakeDisk::new()
        .file("/etc/postfix/main.cf", recorded("postfix-senders.main.cf"))
        .file("/etc/postfix/more_domains", "second.example OK\n")
        .file("/proc/sys/kernel/hostname", "mail1\n");
    let servers = servers(&look(disk));
    let [server] = servers.as_slice() else {
        panic!("{servers:?}")
    };
    assert_eq!(
        server.domains,
        [
            "branch.example",
            "corp.example",
            "localhost",
            "localhost.corp.example",
            "mail1.corp.example",
            "second.example"
        ]
    );
    assert!(server.domains_complete);
    let allows: Vec<String> = server
        .allows
        .iter()
        .map(|rule| format!("{} {}:{}", rule.entry, rule.setting, rule.line.unwrap_or(0)))
        .collect();
    assert_eq!(
        allows,
        [
            "127.0.0.0/8 mynetworks:13",
            "[::1]/128 mynetworks:13",
            "10.20.1.200/29 mynetworks:14",
            "10.20.1.66/32 mynetworks:15",
            "10.20.1.50 mynetworks:15",
            "10.20.1.70 mynetworks:15",
            "10.20.1.71 mynetworks:15",
            "10.20.1.21 mynetworks:15",
            "permit_sasl_authenticated smtpd_relay_restrictions:28",
        ]
    );
}

fn sendmail() -> FakeDisk {
    let tables = [
        "access",
        "relay-domains",
        "local-host-names",
        "mailertable",
        "virtusertable",
    ];
    let disk = FakeDisk::new()
        .file("/var/log/mail.log", recorded("sendmail.log"))
        .file("/etc/mail/sendmail.cf", recorded("sendmail.cf"));
    tables.into_iter().fold(disk, |disk, name| {
        let text = recorded(&format!("sendmail.{name}"));
        disk.file(&format!("/etc/mail/{name}"), text)
    })
}

#[test]
fn sendmail_tells_what_each_sender_needs() {
    let sent = "sent mail through Sendmail at port";
    let www = format!("10.20.1.21 {sent} 25, in clear text, from app1.corp.example (www), to");
    let erp = format!("10.20.1.31 {sent}");
    let rechnung = "as svc-erp@mail1.corp.example, by PLAIN, with";
    let copier = format!("10.20.1.201 {sent} 25, in clear text, from corp.example (kopierer), to");
    let forger = format!("10.20.1.66 {sent} 25, in clear text, from forged.example");
    let refused = |who: &str, why: &str| format!("1× 10.{who} was refused ({why}) by Sendmail");
    assert_eq!(
        lines(&look(sendmail())),
        [
            // An alias for two people here: the log names them, and no domain.
            format!("1× {www} "),
            format!("1× {www} branch.example"),
            format!("1× {www} partner.example, second.example"),
            format!(
                "1× {erp} 465, {rechnung} TLS (TLSv1.3), from corp.example (rechnung), to other.example"
            ),
            format!(
                "2× {erp} 587, {rechnung} STARTTLS (TLSv1.3), from corp.example (rechnung), to partner.example"
            ),
            format!(
                "1× 10.20.1.40 {sent} 587, as svc-old@mail1.corp.example, by LOGIN, in clear text, from second.example (report), to corp.example"
            ),
            format!(
                "1× 10.20.1.50 {sent} 25, with STARTTLS (TLSv1), from corp.example (nas), to corp.example"
            ),
            refused("20.1.60", "logon-failed") + ", by LOGIN",
            refused("20.1.66", "sender-rejected") + ", from corp.example",
            refused("20.1.66", "logon-failed") + ", by LOGIN",
            format!("1× {forger}, to corp.example"),
            format!("2× {forger}, to partner.example"),
            format!("1× {forger} (daemon), to corp.example"),
            refused("20.1.70", "tls-failed"),
            refused("20.1.71", "recipient-rejected"),
            refused("20.1.71", "content-rejected"),
            refused("20.1.71", "sender-rejected") + ", from corp.example",
            refused("20.1.71", "content-rejected")
                + " at port 25, in clear text, from corp.example (cron)",
            format!(
                "2× 10.20.1.71 {sent} 25, in clear text, from corp.example (cron), to corp.example, partner.example"
            ),
            format!("3× {copier} corp.example"),
            format!("1× {copier} corp.example, partner.example"),
            format!(
                "1× 10.20.1.202 {sent} 25, in clear text, from corp.example (usv), to corp.example"
            ),
            refused("30.1.77", "relay-denied") + ", to partner.example",
            refused("30.1.78", "relay-denied") + ", to partner.example",
        ]
    );
}

#[test]
fn whoever_forges_lines_of_sendmail_is_one_client_and_nobody_else_is_there() {
    let recorder = look(sendmail());
    assert!(!mail(&recorder).is_empty());
    for fact in recorder.facts() {
        let said = serde_json::to_string(fact).unwrap();
        assert!(!said.contains("10.20.1.9\""), "{said}");
        assert!(!said.contains("anna"), "{said}");
        assert!(!said.contains("admin"), "{said}");
    }
}

#[test]
fn sendmail_says_whom_it_lets_through_by_which_line() {
    let servers = servers(&look(sendmail()));
    let [server] = servers.as_slice() else {
        panic!("{servers:?}")
    };
    let allows: Vec<String> = server
        .allows
        .iter()
        .map(|rule| {
            let file = rule.file.as_ref().map(ToString::to_string);
            format!(
                "{} {} {}:{}",
                rule.entry,
                rule.setting,
                file.unwrap_or_default(),
                rule.line.unwrap_or(0)
            )
        })
        .collect();
    let access = |entry: &str, line: u32| format!("{entry} access /etc/mail/access:{line}");
    assert_eq!(
        allows,
        [
            access("10.20.1.201", 2),
            access("10.20.1.202", 3),
            access("10.20.1.50", 4),
            access("10.20.1.66", 5),
            access("10.20.1.70", 6),
            access("10.20.1.71", 7),
            access("10.20.1.21", 8),
            "10.40 relay-domains /etc/mail/relay-domains:1".to_owned(),
            "TRUST_AUTH_MECH TrustAuthMech /etc/mail/sendmail.cf:18".to_owned(),
        ]
    );
    assert_eq!(
        server.domains,
        [
            "branch.example",
            "corp.example",
            "localhost",
            "mail1.corp.example",
            "second.example"
        ]
    );
    assert!(server.domains_complete);
}

/// The messages of a Sendmail are never said to be done: those of a day fill no memory, and none is lost.
#[test]
fn sixty_thousand_messages_of_sendmail_are_sixty_thousand() {
    let mut log = String::new();
    for number in 0..60_000 {
        let id = format!("6ALA{number:010}");
        log += &format!(
            "Nov 21 07:00:00 mail1 sm-mta[{number}]: {id}: from=<scan@corp.example>, size=1, class=0, nrcpts=1, msgid=<x>, proto=ESMTP, daemon=MTA, relay=[10.20.1.201]\nNov 21 07:00:00 mail1 sm-mta[{number}]: {id}: to=<a@corp.example>, delay=00:00:00, xdelay=00:00:00, mailer=local, pri=1, dsn=2.0.0, stat=Sent\n"
        );
    }
    let disk = FakeDisk::new().file("/var/log/mail.log", log);
    let told: Vec<u64> = mail(&look(disk))
        .iter()
        .map(|(_, seen)| seen.count)
        .collect();
    assert_eq!(told, [60_000]);
}

fn readers(recorder: &Recorder) -> Vec<String> {
    let told = recorder
        .records
        .iter()
        .filter_map(|record| match &record.said {
            groma_model::batch::Said::Saw(o) if matches!(o.fact, Fact::MailReader(_)) => {
                Some(format!("{}× {}", o.seen.count, o.fact.says()))
            }
            _ => None,
        });
    told.collect()
}

/// A Dovecot with `imap_id_log`, and a Radicale and other doors behind nginx: with what who reads, and no word a client wrote.
#[test]
fn readers_are_told_with_the_kind_of_their_program() {
    let disk = FakeDisk::new()
        .file("/var/log/dovecot.log", recorded("dovecot-id.log"))
        .file("/var/log/nginx/access.log", recorded("nginx-dav.log"));
    let recorder = look(disk);
    let nginx = |row: &str| format!("1× 10.20.1.{row} (nginx): /var/log/nginx/access.log");
    let dovecot = |row: &str| format!("1× 10.20.1.{row} (Dovecot): /var/log/dovecot.log");
    assert_eq!(
        readers(&recorder),
        [
            nginx("31 reads by caldav with Thunderbird"),
            nginx("31 reads by caldav of Radicale with Thunderbird"),
            nginx("31 reads by caldav of SOGo with Thunderbird"),
            dovecot("31 reads by imap with Thunderbird"),
            nginx("33 reads by activesync with iPhone or iPad"),
            nginx("33 reads by caldav with iPhone or iPad"),
            nginx("33 reads by caldav of Radicale with iPhone or iPad"),
            dovecot("33 reads by imap with iPhone or iPad"),
            nginx("34 reads by ews with script or program"),
            dovecot("34 reads by imap with program that copies mailboxes"),
            dovecot("35 reads by imap with webmail"),
            nginx("36 reads by caldav of Nextcloud with Evolution"),
            nginx("36 reads by webmail of Outlook on the web with browser"),
            nginx("37 reads by activesync with Android phone"),
            nginx("37 reads by carddav with Android (DAVx5)"),
            nginx("37 reads by carddav of Radicale with Android (DAVx5)"),
            nginx("38 reads by ews with Outlook 2016 or newer"),
            nginx("66 reads by ews with Outlook 2016 or newer"),
            dovecot("66 reads by imap with an unknown program"),
        ]
    );
}

#[test]
fn nothing_a_reader_wrote_leaves_the_machine() {
    let disk = FakeDisk::new()
        .file("/var/log/dovecot.log", recorded("dovecot-id.log"))
        .file("/var/log/nginx/access.log", recorded("nginx-dav.log"));
    for fact in look(disk).facts() {
        let said = serde_json::to_string(fact).unwrap();
        assert!(!said.contains("peer\":\"10.20.1.9\""), "{said}");
        if matches!(fact, Fact::MailReader(_)) {
            assert!(!said.contains("10.20.1.9\""), "{said}");
            for never in [
                "anna",
                "admin",
                "128.4",
                "15C2",
                "DeviceId",
                "22B83",
                "/radicale/",
            ] {
                assert!(!said.contains(never), "{said}");
            }
        }
    }
}

#[test]
fn exim_tells_what_each_sender_needs() {
    let disk = FakeDisk::new().file("/var/log/exim4/mainlog", recorded("exim-mainlog.log"));
    let recorder = look(disk);
    let sent = "sent mail through Exim, calls itself";
    assert_eq!(
        lines(&recorder),
        [
            format!(
                "2× 10.20.1.31 {sent} erp.corp.example, as svc-erp, by PLAIN (TLSv1.3), from corp.example (erp), to partner.example"
            ),
            // A HELO and a sender that look like a line.
            "2× 10.20.1.66 was refused (helo-rejected) by Exim".to_owned(),
            format!(
                "2× 10.20.1.66 {sent} 10.20.1.9, in clear text, from corp.example, to partner.example"
            ),
            format!(
                "1× 10.20.1.201 {sent} copier, in clear text, from corp.example (scan), to partner.example"
            ),
        ]
    );
    for (used, _) in mail(&recorder) {
        assert_ne!(used.peer.to_string(), "10.20.1.9");
    }
}
