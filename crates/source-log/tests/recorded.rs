//! Logs that real daemons wrote, and what is read out of them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on stops here"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use groma_model::{CoverageState, Fact, Reason, Seen, Timestamp};
use groma_source::testing::{FakeClock, FakeDisk, FakeRandomness, NoNetwork};
use groma_source::{
    Budget, Disk, DiskError, Entry, FileRead, Metadata, OpenFile, Recorder, Source, Space, Stop,
    Window, World,
};
use groma_source_log::LogSource;

/// 20 November 2026, 22:00 UTC: soon after the logs were recorded.
const NOW: i64 = 1_795_212_000;

/// 1 November 2026: when settings were written last.
const SET: i64 = 1_793_491_200;

/// A made-up disk whose files were written just now.
struct Fresh(FakeDisk);

impl Disk for Fresh {
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
        let metadata = self.0.metadata(path)?;
        // Settings are older than what was written since.
        let modified = match path.starts_with("/etc") {
            true => SET,
            false => NOW,
        };
        Ok(Metadata {
            modified,
            ..metadata
        })
    }
    fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError> {
        self.0.read_link(path)
    }
    fn space(&self, path: &Path) -> Result<Space, DiskError> {
        self.0.space(path)
    }
}

fn look_within(disk: FakeDisk, budget: &Budget) -> Recorder {
    let clock = Arc::new(FakeClock::at(Timestamp::from_seconds(NOW)));
    let world = World {
        clock: clock.clone(),
        disk: Arc::new(Fresh(disk)),
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
    source.look(&window, budget, &mut recorder);
    recorder
}

fn look(disk: FakeDisk) -> Recorder {
    look_within(disk, &Budget::default())
}

fn recorded(name: &str) -> Vec<u8> {
    std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/recorded")
            .join(name),
    )
    .unwrap()
}

fn told(recorder: &Recorder) -> Vec<(String, Seen)> {
    let told = recorder
        .records
        .iter()
        .filter_map(|record| match &record.said {
            groma_model::batch::Said::Saw(o) if matches!(o.fact, Fact::LoggedUse(_)) => {
                Some((o.fact.says(), o.seen))
            }
            _ => None,
        });
    told.collect()
}

fn lines(recorder: &Recorder) -> Vec<String> {
    told(recorder)
        .into_iter()
        .map(|(says, seen)| format!("{}× {says}", seen.count))
        .collect()
}

#[test]
fn postfix_tells_clients_services_and_accounts() {
    let master = "smtp inet n - y - - smtpd\nsubmission inet n - y - - smtpd\n -o syslog_name=postfix/submission\n2525 inet n - y - - smtpd\n -o syslog_name=postfix/legacy\n";
    let disk = FakeDisk::new()
        .file("/var/log/mail.log", recorded("postfix.log"))
        .file("/etc/postfix/master.cf", master);
    assert_eq!(
        lines(&look(disk)),
        [
            "1× 10.20.1.101 used Dovecot, as anna, by PLAIN: /var/log/mail.log",
            "6× 10.20.1.21 used Postfix at port 2525/tcp: /var/log/mail.log",
            "3× fd20:1::31 used Postfix at port 587/tcp, as erp, by PLAIN: /var/log/mail.log",
        ]
    );
}

#[test]
fn postfix_tells_whom_it_hands_mail_to() {
    let disk = FakeDisk::new().file("/var/log/mail.log", recorded("postfix-relay.log"));
    assert_eq!(
        lines(&look(disk)),
        [
            "6× Postfix used mail1.corp.example (10.20.1.20) port 2525/tcp: /var/log/mail.log",
            "1× 10.20.1.31 used Postfix at port 25/tcp: /var/log/mail.log",
            "5× 10.20.1.201 used Postfix at port 25/tcp: /var/log/mail.log",
        ]
    );
}

#[test]
fn slapd_tells_who_binds_as_whom() {
    let disk = FakeDisk::new()
        .file("/var/log/slapd.log", recorded("slapd.log"))
        .file("/var/log/slapd.log.2.gz", recorded("slapd.log.2.gz"));
    assert_eq!(
        lines(&look(disk)),
        [
            "1× 10.20.1.11 used OpenLDAP at port 389/tcp: /var/log/slapd.log",
            "1× 10.20.1.11 used OpenLDAP at port 33890/tcp: /var/log/slapd.log",
            "6× 10.20.1.21 used OpenLDAP at port 33890/tcp, as cn=svc-old,ou=services,dc=corp,dc=example, by SIMPLE, in clear text: /var/log/slapd.log",
            "3× 10.20.1.31 used OpenLDAP at port 389/tcp, as cn=svc-sssd,ou=services,dc=corp,dc=example, by SIMPLE, in clear text: /var/log/slapd.log",
            "1× 10.20.1.101 used OpenLDAP at port 389/tcp, as cn=svc-ws,ou=services,dc=corp,dc=example, by SIMPLE, in clear text: /var/log/slapd.log",
            "6× 10.20.1.101 used OpenLDAP at port 33890/tcp, as uid=anna,ou=people,dc=corp,dc=example, by SIMPLE, in clear text: /var/log/slapd.log",
            "6× 10.20.1.201 used OpenLDAP at port 389/tcp, as cn=svc-copier,ou=services,dc=corp,dc=example, by SIMPLE, in clear text: /var/log/slapd.log",
            "4× fd20:1::20 used OpenLDAP at port 389/tcp, as cn=svc-mail,ou=services,dc=corp,dc=example, by SIMPLE, in clear text: /var/log/slapd.log",
            "1× fd20:1::20 used OpenLDAP at port 389/tcp, as uid=admin,ou=people,dc=corp,dc=example, by SIMPLE, in clear text: /var/log/slapd.log",
            "1× fd20:1::20 used OpenLDAP at port 389/tcp, as uid=anna,ou=people,dc=corp,dc=example, by SIMPLE, in clear text: /var/log/slapd.log",
            "3× fd20:1::31 used OpenLDAP at port 389/tcp, as cn=svc-erp,ou=services,dc=corp,dc=example, by SIMPLE, in clear text: /var/log/slapd.log",
            "3× fd20:1::40 used OpenLDAP at port 389/tcp, as cn=svc-report,ou=services,dc=corp,dc=example, by SIMPLE, in clear text: /var/log/slapd.log",
        ]
    );
}

#[test]
fn the_access_log_of_389_tells_who_binds_and_what_was_proven() {
    let log = "/var/log/dirsrv/slapd-corp/access";
    let disk = FakeDisk::new().file(log, recorded("dirsrv-access.log"));
    let lines = lines(&look(disk));
    let erp = "as cn=erp,ou=services,dc=corp,dc=example, by SIMPLE";
    let scan = "as cn=printer scan,ou=services,dc=corp,dc=example, by SIMPLE";
    let product = "389 Directory Server";
    assert_eq!(
        lines,
        [
            // A wrong password is no use of the account that was claimed.
            format!("1× 10.20.1.30 used {product}, by SIMPLE: {log}"),
            format!("3× 10.20.1.30 used {product}, {erp}: {log}"),
            format!("1× 10.20.1.31 used {product}, by DIGEST-MD5: {log}"),
            format!("1× 10.20.1.31 used {product}, as nobody, by SIMPLE: {log}"),
            format!("1× 10.20.1.31 used {product}, {erp}, with STARTTLS: {log}"),
            format!("2× 10.20.1.31 used {product}, {scan}, with TLS: {log}"),
            // What it claimed to be, with line breaks and quotes, is in no row.
            format!("3× 10.20.1.66 used {product}: {log}"),
            format!("1× 10.20.1.66 used {product}, as nobody, by SIMPLE: {log}"),
            format!("1× fd20:1::30 used {product}, {erp}: {log}"),
        ]
    );
    assert!(!lines.concat().contains("10.20.1.9"), "{lines:?}");
}

#[test]
fn bind_tells_who_asks() {
    let disk = FakeDisk::new().file("/var/log/named/query.log", recorded("bind-query.log"));
    assert_eq!(
        lines(&look(disk)),
        [
            "8× 10.20.1.11 used BIND at port 53/udp: /var/log/named/query.log",
            "24× 10.20.1.20 used BIND at port 53/udp: /var/log/named/query.log",
            "16× 10.20.1.21 used BIND at port 53/udp: /var/log/named/query.log",
            "18× 10.20.1.31 used BIND at port 53/udp: /var/log/named/query.log",
            "28× 10.20.1.40 used BIND at port 53/udp: /var/log/named/query.log",
            "18× 10.20.1.101 used BIND at port 53/udp: /var/log/named/query.log",
            "4× 10.20.1.201 used BIND at port 53/udp: /var/log/named/query.log",
        ]
    );
}

#[test]
fn sshd_tells_where_somebody_logged_on_from_and_not_who() {
    let disk = FakeDisk::new().file("/var/log/auth.log", recorded("sshd.log"));
    assert_eq!(
        lines(&look(disk)),
        [
            "2× 10.20.1.21 used OpenSSH at port 22/tcp, by publickey: /var/log/auth.log",
            "1× 10.20.1.31 used OpenSSH at port 22/tcp, by password: /var/log/auth.log",
        ],
        "neither who failed nor a user name that looks like a logon is told"
    );
}

/// Where a log lies, its recording, and every row it must give. In each of them 10.20.1.66 tried to look like 10.20.1.9.
const RECORDINGS: &[(&str, &str, &[&str])] = &[
    (
        "/var/log/maillog",
        "sendmail.log",
        &[
            "8× Sendmail used 10.20.1.90",
            "3× 10.20.1.21 used Sendmail, in clear text",
            "1× 10.20.1.50 used Sendmail",
            "1× 10.20.1.66 used Sendmail, in clear text",
            "3× 10.20.1.71 used Sendmail, in clear text",
            "4× 10.20.1.201 used Sendmail, in clear text",
            "1× 10.20.1.202 used Sendmail, in clear text",
            "3× 10.20.1.31 used Sendmail, as svc-erp@mail1.corp.example, by PLAIN",
            "1× 10.20.1.40 used Sendmail, as svc-old@mail1.corp.example, by LOGIN",
        ],
    ),
    (
        "/var/log/dovecot.log",
        "dovecot-own.log",
        &[
            "2× 10.20.1.31 used Dovecot, as anna, by PLAIN, in clear text",
            "1× 10.20.1.32 used Dovecot, as anna, by PLAIN",
        ],
    ),
    (
        "/var/log/mail.log",
        "dovecot.log",
        &[
            "1× 10.20.1.21 used Dovecot, as anna, by PLAIN",
            "2× 10.20.1.31 used Dovecot, as anna, by PLAIN",
            "1× 10.20.1.21 used Dovecot, as scan, by PLAIN, in clear text",
        ],
    ),
    (
        "/var/log/exim4/mainlog",
        "exim-mainlog.log",
        &[
            "5× Exim used 10.20.1.21",
            "1× 10.20.1.66 used Exim, in clear text",
            "1× 10.20.1.201 used Exim, in clear text",
            "2× 10.20.1.31 used Exim, as svc-erp, by plain",
        ],
    ),
    (
        "/var/log/samba/auth_json.log",
        "samba.json.log",
        &[
            "1× 10.20.1.21 used Samba at port 445/tcp, as scan1, by NTLMv2",
            "2× 10.20.1.31 used Samba at port 445/tcp, as scan1, by NTLMv2",
        ],
    ),
    (
        "/var/log/samba/auth_json.log",
        "samba-dc.json.log",
        &[
            "1× 10.20.1.50 used Samba at port 88/tcp, as FILES1$@AD.CORP.EXAMPLE, by aes256-cts-hmac-sha1-96",
            "1× 10.20.1.31 used Samba at port 3269/tcp, as svc-report@ad.corp.example, by SIMPLE, with TLS",
            "1× 10.20.1.50 used Samba at port 389/tcp, as FILES1$, by NTLMv2",
            "1× 10.20.2.101 used Samba at port 389/tcp, as svc-report@ad.corp.example, by SIMPLE, in clear text",
            "1× 10.20.2.101 used Samba at port 389/tcp, as svc-report@ad.corp.example, by SIMPLE, with STARTTLS",
            "1× 10.20.2.101 used Samba at port 445/tcp, as jens, by krb5",
        ],
    ),
    (
        "/var/log/syslog",
        "samba-audit.log",
        &[
            "1× 10.20.1.5 used Samba at port 445/tcp, as anna, share accounts",
            "1× 10.20.1.5 used Samba at port 445/tcp, as anna, share plans",
            "1× 10.20.1.6 used Samba at port 445/tcp, share old drawings",
            "2× 10.20.1.6 used Samba at port 445/tcp, as svc-scan, share accounts",
            "1× 10.20.1.66 used Samba at port 445/tcp, as anna, share plans",
            "1× 10.20.1.66 used Samba at port 445/tcp, as nobody, share open",
        ],
    ),
    (
        "/var/log/nginx/access.log",
        "nginx-access.log",
        &[
            "1× 10.20.1.21 used nginx, with Mozilla",
            "3× 10.20.1.31 used nginx, with curl",
        ],
    ),
    (
        "/var/log/apache2/access.log",
        "apache-access.log",
        &["3× 10.20.1.31 used Apache, as svc-shop, with curl"],
    ),
    (
        "/var/log/apache2/other_vhosts_access.log",
        "apache-vhosts.log",
        &["3× 10.20.1.31 used Apache at port 80/tcp at mail1.corp.example, as svc-shop, with curl"],
    ),
    (
        "/var/log/rsyncd.log",
        "rsyncd.log",
        &[
            "1× 10.20.1.21 used rsync at port 873/tcp",
            "2× 10.20.1.31 used rsync at port 873/tcp, as bkp",
        ],
    ),
    (
        "/var/log/vsftpd.log",
        "vsftpd.log",
        &[
            "1× 10.20.1.21 used vsftpd at port 21/tcp, by anonymous",
            "2× 10.20.1.31 used vsftpd at port 21/tcp, as ftp1",
        ],
    ),
    (
        "/var/log/postgresql/postgresql-15-main.log",
        "postgresql.log",
        &[
            "1× 10.20.1.21 used PostgreSQL at port 5432/tcp, as erp, by scram-sha-256, with psql, in clear text",
            "2× 10.20.1.31 used PostgreSQL at port 5432/tcp, as erp, by scram-sha-256, with nightly, with STARTTLS",
            "6× 10.20.1.66 used PostgreSQL at port 5432/tcp",
        ],
    ),
    (
        "/var/lib/mysql/server_audit.log",
        "mariadb-audit.log",
        &["2× 10.20.1.31 used MariaDB at port 3306/tcp, as erp"],
    ),
    (
        "/var/log/krb5kdc.log",
        "krb5kdc.log",
        &[
            "2× 10.20.1.21 used MIT Kerberos at port 88/tcp, as anna@CORP.EXAMPLE",
            "4× 10.20.1.31 used MIT Kerberos at port 88/tcp, as svc-erp@CORP.EXAMPLE",
        ],
    ),
    (
        "/var/log/syslog",
        "dnsmasq.log",
        &[
            "1× 10.20.9.50 used dnsmasq at port 67/udp",
            "1× 10.20.9.59 used dnsmasq at port 67/udp",
            "3× 10.20.1.31 used dnsmasq at port 53/udp",
            "2× 10.20.1.66 used dnsmasq at port 53/udp",
            "1× 10.20.1.201 used dnsmasq at port 53/udp",
        ],
    ),
    (
        "/var/log/daemon.log",
        "dhcpd.log",
        &["2× 10.20.9.70 used ISC DHCP at port 67/udp"],
    ),
    (
        "/var/log/squid/access.log",
        "squid-access.log",
        &[
            "1× 10.20.1.21 used Squid at port 3128/tcp",
            "3× 10.20.1.31 used Squid at port 3128/tcp, as svc-upd",
        ],
    ),
    (
        "/var/log/cups/access_log",
        "cups-access.log",
        &[
            "1× 10.20.1.21 used CUPS at port 631/tcp, queue laser1",
            "2× 10.20.1.31 used CUPS at port 631/tcp, queue laser1",
        ],
    ),
];

const CLIENTS: &str = "/etc/freeradius/3.0/clients.conf";
const RADIUS_LOG: &str = "/var/log/freeradius/radius.log";

#[test]
fn freeradius_tells_through_whom_people_logged_on_and_not_who() {
    let disk = FakeDisk::new()
        .file(CLIENTS, recorded("freeradius-clients.conf"))
        .file(RADIUS_LOG, recorded("freeradius.log"));
    let looked = look(disk);
    let want = [
        "2× 10.20.1.21 used FreeRADIUS at port 1812/udp",
        "1× 10.20.1.31 used FreeRADIUS at port 1812/udp",
        "1× 10.20.1.40 used FreeRADIUS at port 1812/udp",
    ];
    assert_eq!(
        lines(&looked),
        want.map(|row| format!("{row}: {RADIUS_LOG}"))
    );
    let gaps: Vec<&str> = looked.gaps().map(|gap| gap.what.as_str()).collect();
    assert_eq!(
        gaps,
        ["from where 1 logons in /var/log/freeradius/radius.log came: access-switches"],
        "a network is no machine"
    );
    let said = format!("{:?}", looked.records);
    assert!(!said.contains("canary") && !said.contains("svc-vpn"));
}

#[test]
fn freeradius_without_its_list_of_clients_tells_what_is_missing() {
    let looked = look(FakeDisk::new().file(RADIUS_LOG, recorded("freeradius.log")));
    assert_eq!(lines(&looked), [""; 0]);
    let gap = looked.gaps().next().unwrap();
    assert!(
        gap.what.contains("5 logons") && gap.what.contains("wlc1"),
        "{}",
        gap.what
    );
}

#[test]
fn freeradius_that_logs_no_logon_is_a_gap_that_says_how() {
    let started = "Sat Nov 21 05:49:17 2026 : Info: Ready to process requests\n";
    let disk = FakeDisk::new()
        .file("/usr/sbin/freeradius", "")
        .file(RADIUS_LOG, started);
    let looked = look(disk);
    let gap = looked.gaps().next().unwrap();
    assert_eq!(gap.reason, Reason::LogDisabled);
    assert!(gap.remedy.as_ref().unwrap().contains("auth = yes"));
}

#[test]
fn every_recorded_daemon_tells_its_clients_and_nobody_forges_one() {
    for (log, recording, want) in RECORDINGS {
        let want: Vec<String> = want.iter().map(|row| format!("{row}: {log}")).collect();
        let looked = look(FakeDisk::new().file(log, recorded(recording)));
        assert_eq!(lines(&looked), want, "{recording}");
        assert_eq!(looked.gaps().count(), 0, "{recording}");
    }
}

/// A service behind nginx that takes its token as the name of a Basic header lets nginx write that token.
#[test]
fn a_token_given_as_a_name_nobody_proved_is_no_account() {
    let line = "10.20.1.31 - sqp_0f3a9c5d77e1 [20/Nov/2026:21:00:00 +0000] \"GET /api HTTP/1.1\" 200 3 \"-\" \"curl/8\"\n";
    let of_nginx = look(FakeDisk::new().file("/var/log/nginx/access.log", line));
    assert_eq!(
        lines(&of_nginx),
        ["1× 10.20.1.31 used nginx, with curl: /var/log/nginx/access.log"]
    );
    let of_apache = look(FakeDisk::new().file("/var/log/apache2/access.log", line));
    assert!(
        lines(&of_apache)[0].contains("as sqp_0f3a9c5d77e1"),
        "Apache writes a name only after it was proven"
    );
}

/// nginx.org's and Red Hat's `main` has X-Forwarded-For behind the user agent; others write times and more there.
#[test]
fn what_a_format_writes_behind_the_user_agent_hides_no_use() {
    let line = "10.20.1.31 - - [20/Nov/2026:21:00:00 +0000] \"PROPFIND /remote.php/dav/calendars/a/ HTTP/1.1\" 207 1 \"-\" \"iOS/18\"";
    for (log, product) in [
        ("/var/log/nginx/access.log", "nginx"),
        ("/var/log/httpd/access_log", "Apache"),
    ] {
        for more in ["\"-\"", "\"x\\\" 200\"", "rt=0.1 uct=\"-\""] {
            let looked = look(FakeDisk::new().file(log, format!("{line} {more}\n")));
            let want = format!("1× 10.20.1.31 used {product}, with iOS: {log}");
            assert_eq!(lines(&looked), [want], "{more}");
            assert_eq!(looked.gaps().count(), 0);
            let reads = format!("{:?}", looked.records).contains("MailReader");
            assert!(reads, "{log} {more}");
        }
    }
}

#[test]
fn a_log_in_a_format_of_its_own_is_a_gap_and_one_of_refusals_alone_is_none() {
    let log = "/var/log/nginx/access.log";
    let scope = "log:/var/log/nginx/access.log";
    let state = |text: &str| {
        let looked = look(FakeDisk::new().file(log, text));
        let coverage = looked.coverage().find(|c| c.scope.as_str() == scope);
        let gaps: Vec<String> = looked.gaps().map(|gap| gap.what.clone()).collect();
        (coverage.unwrap().state, gaps)
    };
    let combined = |status| {
        format!(
            "10.20.1.31 - - [20/Nov/2026:21:00:00 +0000] \"GET / HTTP/1.1\" {status} 1 \"-\" \"a\"\n"
        )
    };
    let none: Vec<String> = Vec::new();
    for known in [
        String::new(),
        combined("404"),
        combined("502"),
        "10.20.1.31 - - [20/Nov/2026:21:00:00 +0000] \"\" 400 0 \"-\" \"-\"\n".to_owned(),
        format!("torn\n{}", combined("200")),
    ] {
        assert_eq!(
            state(&known),
            (CoverageState::Complete, none.clone()),
            "{known}"
        );
    }
    for own in [
        "{\"remote_addr\":\"10.20.1.31\",\"status\":200}\n",
        "2026-11-20T21:00:00Z 10.20.1.31 GET / 200\n",
    ] {
        let (state, gaps) = state(own);
        assert_eq!(state, CoverageState::Partial, "{own}");
        assert!(gaps.iter().any(|gap| gap.contains("format")), "{gaps:?}");
    }
}

#[test]
fn an_account_too_long_for_a_name_costs_the_account_and_not_the_use() {
    for (length, is_kept) in [(256, true), (257, false)] {
        let name = "a".repeat(length);
        let line = format!(
            "10.20.1.31 - {name} [20/Nov/2026:21:00:00 +0000] \"GET / HTTP/1.1\" 200 3 \"-\" \"curl/8\"\n"
        );
        let looked = look(FakeDisk::new().file("/var/log/apache2/access.log", line));
        let told = lines(&looked);
        assert_eq!(told.len(), 1, "{length}");
        assert_eq!(told[0].contains(&name), is_kept, "{length}");
    }
}

/// Samba with a log for each client, more of them than a look reads.
#[test]
fn logs_of_many_clients_push_no_log_of_the_service_out_and_are_missed_aloud() {
    let samba = |clients: usize| {
        let disk = FakeDisk::new().file("/var/log/samba/log.smbd", recorded("samba.json.log"));
        let disk = (0..clients).fold(disk, |disk, n| {
            disk.file(&format!("/var/log/samba/log.pc{n:03}"), "")
        });
        look(disk)
    };
    for (clients, is_whole) in [(64, true), (65, false)] {
        let looked = samba(clients);
        assert_eq!(lines(&looked).len(), 2, "{clients}");
        let gaps: Vec<_> = looked
            .gaps()
            .map(|gap| (gap.what.as_str(), gap.reason.clone()))
            .collect();
        let want = (
            "logs of /var/log/samba/log.* beyond the first 64",
            Reason::BudgetExhausted,
        );
        let want = if is_whole { vec![] } else { vec![want] };
        assert_eq!(gaps, want, "{clients}");
        let partial = looked.coverage().any(|coverage| {
            coverage.scope.as_str() == "log:/var/log/samba/log.*"
                && coverage.state == CoverageState::Partial
        });
        assert_eq!(partial, !is_whole, "{clients}");
    }
}

/// TLS from the first byte or STARTTLS: only the port tells, where a line has one. Clear text every line tells.
#[test]
fn exim_tells_the_kind_of_tls_only_with_a_port() {
    let told = |place: &str, tls: &str| {
        let line = format!(
            "2026-11-20 21:00:00 1a-2b-3c => a@x.example R=smart T=smtp H=relay.corp.example {place} {tls}C=\"250 ok\"\n"
        );
        let looked = look(FakeDisk::new().file("/var/log/exim4/mainlog", line));
        lines(&looked).join("\n")
    };
    let tls = "X=TLS1.3:ECDHE:256 CV=yes ";
    let both = ["with TLS", "with STARTTLS"];
    let kind = |row: &str| both.into_iter().find(|kind| row.contains(kind));
    for (place, tls, want) in [
        ("[10.20.1.21]:465", tls, Some("with TLS")),
        ("[10.20.1.21]:587", tls, Some("with STARTTLS")),
        ("[10.20.1.21]:25", "", None),
        ("[10.20.1.21]", tls, None),
    ] {
        let row = told(place, tls);
        assert!(row.contains("Exim used"), "{place}: {row}");
        assert_eq!(kind(&row), want, "{row}");
    }
}

#[test]
fn what_is_torn_strange_or_huge_costs_itself_alone() {
    for (log, recording, want) in RECORDINGS {
        let text = recorded(recording);
        let mut torn = Vec::new();
        for line in text.split_inclusive(|b| *b == b'\n') {
            torn.extend_from_slice(line);
            torn.extend_from_slice(
                b"\xd6\xd0\xce\xc4 \xff\xfe 21.11.2026 connexion re\xe7ue de 10.20.1.9\n\0\0\n",
            );
            torn.extend_from_slice(line.get(line.len() / 2..).unwrap_or_default());
        }
        torn.extend(vec![b'x'; 1 << 20]);
        torn.push(b'\n');
        let first = text.split_inclusive(|b| *b == b'\n').next().unwrap();
        torn.extend_from_slice(first.get(..first.len() - 1).unwrap());
        let want: Vec<String> = want.iter().map(|row| format!("{row}: {log}")).collect();
        let looked = look(FakeDisk::new().file(log, torn));
        assert_eq!(lines(&looked), want, "{recording}");
        let gaps: Vec<Reason> = looked.gaps().map(|gap| gap.reason.clone()).collect();
        assert_eq!(gaps, [Reason::TooLarge], "{recording}");
    }
}

#[test]
fn a_product_that_starts_and_stops_is_not_taken_for_one_whose_log_is_on() {
    let starts =
        "2026-11-20 10:00:00.000 UTC [7] LOG:  database system is ready to accept connections\n";
    let postgresql = FakeDisk::new()
        .file("/usr/bin/postgres", "")
        .file("/var/log/postgresql/postgresql-15-main.log", starts);
    let looked = look(postgresql);
    let gap = looked.gaps().next().unwrap();
    assert_eq!(gap.reason, Reason::LogDisabled);
    assert!(
        gap.remedy
            .as_ref()
            .unwrap()
            .contains("log_connections = on")
    );
    let sshd = FakeDisk::new().file("/usr/sbin/sshd", "").file(
        "/var/log/auth.log",
        "Nov 20 10:00:00 m sshd[7]: Server listening on 0.0.0.0 port 22.\n",
    );
    assert_eq!(
        look(sshd).gaps().count(),
        0,
        "it logs by default: nobody came"
    );
}

#[test]
fn the_log_that_says_so_stays_the_same_though_another_knows_more() {
    let all = recorded("sshd.log");
    let second_line = all.iter().position(|b| *b == b'\n').unwrap() + 1;
    let third_line = second_line + all[second_line..].iter().position(|b| *b == b'\n').unwrap() + 1;
    let disk = FakeDisk::new()
        .file("/var/log/auth.log", &all[..third_line])
        .file("/var/log/syslog", all.as_slice());
    assert_eq!(
        lines(&look(disk)),
        [
            "2× 10.20.1.21 used OpenSSH at port 22/tcp, by publickey: /var/log/auth.log",
            "1× 10.20.1.31 used OpenSSH at port 22/tcp, by password: /var/log/syslog",
        ]
    );
}

#[test]
fn a_log_says_since_when_and_how_long_it_is_kept() {
    let disk = FakeDisk::new()
        .file("/var/log/slapd.log", recorded("slapd.log"))
        .file("/var/log/slapd.log.2.gz", recorded("slapd.log.2.gz"));
    let looked = look(disk);
    let coverage = looked
        .coverage()
        .find(|c| c.scope.as_str() == "log:/var/log/slapd.log")
        .unwrap();
    assert_eq!(coverage.from.day(), "2026-10-17");
    assert_eq!(
        coverage.how.as_deref(),
        Some(
            "2 files, kept as logrotate keeps the file of the syslog daemon: four weeks at Debian and Red Hat"
        )
    );
}

#[test]
fn how_long_a_log_is_kept_is_this_machines_word_and_less_than_a_month_is_a_gap() {
    let disk = FakeDisk::new()
        .file(
            "/etc/logrotate.conf",
            "weekly\nrotate 4\ninclude /etc/logrotate.d\n",
        )
        .file(
            "/etc/logrotate.d/rsyslog",
            "/var/log/auth.log\n{\n\trotate 1\n\tdaily\n}\n",
        )
        .file("/var/log/auth.log", recorded("sshd.log"))
        .file("/var/log/slapd.log", recorded("slapd.log"))
        .file("/var/log/slapd.log.2.gz", recorded("slapd.log.2.gz"));
    let looked = look(disk);
    let how = |scope: &str| {
        let mut all = looked.coverage().filter(|c| c.scope.as_str() == scope);
        all.next().unwrap().how.clone().unwrap()
    };
    assert_eq!(
        how("log:/var/log/auth.log"),
        "one file, kept as one rotated file, a day each (/etc/logrotate.d/rsyslog:3)"
    );
    assert_eq!(
        how("log:/var/log/slapd.log"),
        "2 files; nothing in logrotate's settings here names it. By habit kept as logrotate keeps the file of the syslog daemon: four weeks at Debian and Red Hat"
    );
    let gaps: Vec<_> = looked.gaps().collect();
    let [gap] = gaps.as_slice() else {
        panic!("{gaps:?}");
    };
    assert_eq!(
        gap.what,
        "who used OpenSSH once a month: /var/log/auth.log is kept for 2 days"
    );
    let remedy = gap.remedy.as_deref().unwrap();
    assert!(remedy.starts_with("set rotate 31 (now 1) at /etc/logrotate.d/rsyslog:3"));
}

const JOURNAL: &str = "/var/log/journal/0123456789abcdef0123456789abcdef";

fn unpacked(name: &str) -> Vec<u8> {
    zstd::stream::decode_all(recorded(name).as_slice()).unwrap()
}

#[test]
fn a_machine_that_logs_to_its_journal_alone_tells_the_same() {
    for name in ["system.journal.zst", "remote.journal.zst"] {
        let disk = FakeDisk::new()
            .file("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
            .file("/proc/sys/kernel/hostname", "mail1\n")
            .file("/usr/sbin/sshd", "")
            .file(
                "/var/log/journal/ffffffffffffffffffffffffffffffff/system.journal",
                "a container's",
            )
            .file(&format!("{JOURNAL}/user-1000.journal"), "somebody's")
            .file(&format!("{JOURNAL}/system.journal"), unpacked(name));
        let looked = look(disk);
        let rows = [
            "1× 10.20.1.21 used Dovecot, as anna, by PLAIN",
            "2× 10.20.1.31 used Dovecot, as anna, by PLAIN",
            "1× 10.20.1.21 used Dovecot, as scan, by PLAIN, in clear text",
            "2× 10.20.1.21 used OpenSSH at port 22/tcp, by publickey",
            "1× 10.20.1.31 used OpenSSH at port 22/tcp, by password",
            "1× 10.20.1.201 used Postfix at port 25/tcp",
        ];
        let want = rows.map(|row| format!("{row}: /var/log/journal"));
        assert_eq!(lines(&looked), want, "{name}");
        assert_eq!(looked.gaps().count(), 0, "{name}");
        let coverage = looked
            .coverage()
            .find(|c| c.scope.as_str() == "log:/var/log/journal")
            .unwrap();
        assert_eq!(
            (coverage.from.minute(), coverage.state),
            ("2026-11-21 00:45".to_owned(), CoverageState::Complete)
        );
    }
}

#[test]
fn a_damaged_journal_is_a_gap_and_tells_what_can_be_read() {
    let mut torn = unpacked("system.journal.zst");
    torn.truncate(torn.len() / 2);
    let disk = FakeDisk::new().file(&format!("{JOURNAL}/system.journal"), torn);
    let looked = look(disk.file(
        &format!("{JOURNAL}/system@1.journal"),
        "LPKSHHRH and no more",
    ));
    assert!(looked.gaps().all(|gap| gap.reason == Reason::Malformed));
    assert!(looked.gaps().count() >= 1);
}

#[test]
fn every_grammar_whose_log_is_silent_says_how_to_switch_it_on() {
    let grammars = groma_knowledge::LOG_GRAMMARS.iter();
    for grammar in grammars.clone() {
        // A product's second way of writing may leave it to the first to say so.
        let Some(program) = grammar.programs.first() else {
            let mut siblings = grammars.clone().filter(|g| g.product == grammar.product);
            assert!(siblings.any(|g| !g.programs.is_empty()), "{}", grammar.id);
            continue;
        };
        let silent = look(FakeDisk::new().file(program, ""));
        let said = silent.gaps().any(|gap| {
            gap.reason == Reason::LogDisabled
                && gap.what.contains(&grammar.product)
                && gap.remedy.as_ref().is_some_and(|remedy| {
                    remedy.starts_with(&grammar.enable) && remedy.contains(&grammar.kept)
                })
        });
        assert!(said, "{}", grammar.id);
    }
}

#[test]
fn a_use_that_only_a_rotated_log_tells_keeps_its_time() {
    let disk = FakeDisk::new().file("/var/log/slapd.log.2.gz", recorded("slapd.log.2.gz"));
    let alone = look(disk.file("/var/log/slapd.log", ""));
    let told = told(&alone);
    let (_, seen) = told
        .iter()
        .find(|(says, _)| says.contains("svc-mail"))
        .unwrap();
    assert_eq!(seen.last.day(), "2026-10-17");
    let coverage = alone
        .coverage()
        .find(|c| c.scope.as_str() == "log:/var/log/slapd.log")
        .unwrap();
    assert_eq!(
        (coverage.from.day(), coverage.state),
        ("2026-10-17".to_owned(), CoverageState::Complete)
    );
}

#[test]
fn a_clock_that_jumped_makes_no_row_of_another_century() {
    let line =
        |at: &str, client: &str| format!("{at} m postfix/smtpd[7]: 4F00001: client=x[{client}]\n");
    let log = line("2099-01-01T00:00:00.0+00:00", "10.0.0.9")
        + &line("1970-01-01T00:00:09.0+00:00", "10.0.0.9")
        + &line("2026-11-20T10:00:00.0+00:00", "10.0.0.7");
    let looked = look(FakeDisk::new().file("/var/log/mail.log", log));
    assert_eq!(
        lines(&looked),
        ["1× 10.0.0.7 used Postfix at port 25/tcp: /var/log/mail.log"]
    );
    let coverage = looked
        .coverage()
        .find(|c| c.scope.as_str() == "log:/var/log/mail.log");
    let coverage = coverage.unwrap();
    assert_eq!(coverage.state, CoverageState::Partial);
    assert_eq!(coverage.to.day(), "2026-11-20");
    let gap = looked.gaps().next().unwrap();
    assert!(gap.what.contains("2099-01-01"), "{gap:?}");
}

#[test]
fn a_client_whose_coming_was_lost_gets_nobody_elses_account() {
    let log = "Nov 20 10:00:00 m postfix/smtpd[7]: connect from a[10.0.0.7]\n\
        Nov 20 10:00:01 m postfix/smtpd[7]: 4F00001: client=a[10.0.0.7], sasl_method=PLAIN, sasl_username=svc-a\n\
        Nov 20 10:00:02 m postfix/smtpd[7]: 4F00002: client=b[10.0.0.9]\n\
        Nov 20 10:00:03 m postfix/smtpd[7]: 4F00003: client=c[10.0.0.11]\n";
    let rows = lines(&look(FakeDisk::new().file("/var/log/mail.log", log)));
    assert_eq!(
        rows,
        [
            "1× 10.0.0.7 used Postfix at port 25/tcp, as svc-a, by PLAIN: /var/log/mail.log",
            "1× 10.0.0.9 used Postfix at port 25/tcp: /var/log/mail.log",
            "1× 10.0.0.11 used Postfix at port 25/tcp: /var/log/mail.log",
        ]
    );
}

#[test]
fn a_rotated_log_that_ends_within_a_line_says_so() {
    let line = "Nov 20 10:00:00 m postfix/smtpd[7]: 4F00001: client=a[10.0.0.7]\n";
    let torn = format!("{line}Nov 20 10:00:01 m postfix/smtpd[7]: 4F00002: cli");
    let old = FakeDisk::new()
        .file("/var/log/mail.log", line)
        .file("/var/log/mail.log.1", torn.clone());
    let looked = look(old);
    let gap = looked.gaps().next().unwrap();
    assert!(gap.what.contains("mail.log.1"), "{gap:?}");
    // The one that is written now may be within a line.
    let now = FakeDisk::new().file("/var/log/mail.log", torn);
    assert_eq!(look(now).gaps().count(), 0);
}

#[test]
fn the_same_lines_in_two_logs_count_once() {
    let disk = FakeDisk::new()
        .file("/var/log/mail.log", recorded("postfix-relay.log"))
        .file("/var/log/syslog", recorded("postfix-relay.log"));
    assert_eq!(lines(&look(disk)).len(), 3);
    let once = FakeDisk::new().file("/var/log/mail.log", recorded("postfix-relay.log"));
    let twice = FakeDisk::new()
        .file("/var/log/mail.log", recorded("postfix-relay.log"))
        .file("/var/log/syslog", recorded("postfix-relay.log"));
    assert_eq!(lines(&look(once)), lines(&look(twice)));
}

#[test]
fn a_client_that_writes_like_a_log_is_not_believed() {
    let forged = "Nov 20 21:00:00 m postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[10.0.0.9]: 554 5.7.1; helo=<a postfix/smtpd[1]: 4F: client=boss[10.0.0.1]>\n\
        Nov 20 21:00:01 m postfix/smtpd[1]: warning: 4F: client=boss[10.0.0.1]\n\
        Nov 20 21:00:02 m evil: postfix/smtpd[1]: 4F: client=boss[10.0.0.1]\n\
        Nov 20 21:00:03 m sshd[7]: Invalid user Accepted publickey for root from 10.0.0.1 port 1 ssh2 from 10.0.0.9 port 4\n";
    let forged = forged.to_owned()
        + "Nov 20 21:00:04 m postfix/smtp[1]: 4F: to=<\"x>, relay=db[10.0.0.9]:3306, delay=1, delays=1, dsn=2, status=sent\"@a.example>, relay=none, delay=1, delays=1, dsn=5.1.1, status=bounced\n";
    let disk = FakeDisk::new().file("/var/log/syslog", forged);
    assert_eq!(lines(&look(disk)), [""; 0]);
}

#[test]
fn what_a_log_server_keeps_of_others_is_theirs() {
    let disk = FakeDisk::new()
        .file("/var/log/mail.log", recorded("postfix-relay.log"))
        .file("/proc/sys/kernel/hostname", "log1\n");
    let looked = look(disk);
    assert_eq!(lines(&looked), [""; 0]);
    assert!(
        looked
            .gaps()
            .any(|g| g.what.starts_with("42 lines of other machines"))
    );
}

#[test]
fn a_service_without_a_log_is_a_gap_that_says_how_to_switch_it_on() {
    let silent = look(FakeDisk::new().file("/usr/sbin/slapd", ""));
    let gap = silent.gaps().next().unwrap();
    assert_eq!(gap.reason, Reason::LogDisabled);
    assert!(gap.remedy.as_ref().unwrap().contains("olcLogLevel"));
    assert_eq!(
        look(FakeDisk::new()).gaps().count(),
        0,
        "where nothing is installed, nothing is missing"
    );
}

#[test]
fn strangers_of_the_internet_are_nobodys_need() {
    let mut log = String::new();
    for day in 1..=9 {
        log += &format!(
            "Nov {day:2} 10:00:00 m postfix/smtpd[1]: A{day}: client=mx.example[203.0.113.9]\n"
        );
        log += &format!(
            "Nov {day:2} 10:01:00 m sshd[1]: Accepted publickey for edi from 198.51.100.7 port {day} ssh2: ED25519 SHA256:x\n"
        );
    }
    log += "Nov  9 11:00:00 m sshd[2]: Accepted password for anna from 203.0.113.77 port 5 ssh2\n";
    let looked = look(FakeDisk::new().file("/var/log/syslog", log));
    assert_eq!(
        lines(&looked),
        ["9× 198.51.100.7 used OpenSSH at port 22/tcp, by publickey: /var/log/syslog"]
    );
}

#[test]
fn damaged_and_unknown_packings_are_gaps() {
    let mut cut = recorded("slapd.log.2.gz");
    cut.truncate(cut.len() / 2);
    let disk = FakeDisk::new()
        .file("/var/log/slapd.log.1.gz", cut)
        .file("/var/log/slapd.log.2.xz", &b"\xfd7zXZ\0rest"[..])
        .file("/var/log/slapd.log", &b"\xff\0x\n"[..]);
    let looked = look(disk);
    let reasons: Vec<Reason> = looked.gaps().map(|gap| gap.reason.clone()).collect();
    assert_eq!(reasons.len(), 2);
    assert!(reasons.contains(&Reason::Malformed) && reasons.contains(&Reason::Unsupported));
    assert!(
        !lines(&looked).is_empty(),
        "what stood before the damage is told"
    );
}

#[test]
fn a_small_budget_reads_the_newest_and_says_what_it_left() {
    let disk = FakeDisk::new()
        .file("/var/log/mail.log", recorded("postfix-relay.log"))
        .file("/var/log/mail.log.1", recorded("postfix.log"));
    let budget = Budget {
        total_bytes_max: 6_000,
        ..Budget::default()
    };
    let looked = look_within(disk, &budget);
    assert_eq!(
        looked.gaps().map(|g| g.reason.clone()).collect::<Vec<_>>(),
        [Reason::BudgetExhausted]
    );
}

#[test]
fn a_bind_over_tls_from_the_first_byte_is_no_starttls() {
    let log = "Nov 20 10:00:00 l slapd[1]: conn=7 fd=9 ACCEPT from IP=10.0.0.1:5 (IP=0.0.0.0:636)\n\
        Nov 20 10:00:00 l slapd[1]: conn=7 fd=9 TLS established tls_ssf=256 ssf=256 tls_proto=TLSv1.3\n\
        Nov 20 10:00:00 l slapd[1]: conn=7 op=0 BIND dn=\"cn=a\" mech=SIMPLE bind_ssf=0 ssf=256\n\
        Nov 20 10:00:00 l slapd[1]: conn=7 fd=9 closed\n";
    let looked = look(FakeDisk::new().file("/var/log/slapd.log", log));
    assert_eq!(
        lines(&looked),
        [
            "1× 10.0.0.1 used OpenLDAP at port 636/tcp, as cn=a, by SIMPLE, with TLS: /var/log/slapd.log"
        ]
    );
}

#[test]
fn a_connection_older_than_the_log_that_changes_its_account_for_ever_costs_a_fixed_room() {
    let mut log = String::new();
    for n in 0..60_000 {
        log += &format!(
            "Nov 20 10:00:00 l slapd[1]: conn=7 op={n} BIND dn=\"cn=a{}\" mech=SIMPLE bind_ssf=0 ssf=0\n",
            n % 2
        );
    }
    let looked = look(FakeDisk::new().file("/var/log/slapd.log", log));
    assert_eq!(lines(&looked), [""; 0], "nobody knows whose they are");
}

#[test]
fn no_log_makes_it_panic() {
    let mut seeds: Vec<Vec<u8>> = ["postfix.log", "slapd.log", "bind-query.log"]
        .map(recorded)
        .into();
    seeds.extend(
        RECORDINGS
            .iter()
            .map(|(_, recording, _)| recorded(recording)),
    );
    let seeds: Vec<&[u8]> = seeds.iter().map(|s| s.get(..4_000).unwrap_or(s)).collect();
    groma_fuzz::hammer(600, &seeds, |bytes| {
        let disk = FakeDisk::new()
            .file("/var/log/slapd.log", bytes)
            .file("/var/log/named/query.log", bytes)
            .file("/var/log/mail.log", bytes)
            .file("/var/log/samba/auth_json.log", bytes);
        let disk = RECORDINGS
            .iter()
            .fold(disk, |disk, (log, _, _)| disk.file(log, bytes));
        let _ = look(disk);
    });
}

const NAMED: &str = r#"
view "internal" { zone "corp.example" { type master; file "x"; };
zone "dyn.example" { type master; file "y"; allow-update { any; }; }; };
"#;

/// What was asked, and how far that reaches.
fn asked(recorder: &Recorder) -> Vec<String> {
    let mut told: Vec<String> = recorder
        .records
        .iter()
        .filter_map(|record| match &record.said {
            groma_model::batch::Said::Saw(o) if matches!(o.fact, Fact::AskedName(_)) => {
                Some(format!("{}× {}", o.seen.count, o.fact.says()))
            }
            groma_model::batch::Said::Covered(c) if c.scope.as_str().starts_with("asked:") => {
                Some(format!("{} {:?}", c.scope, c.state))
            }
            _ => None,
        })
        .collect();
    told.sort();
    told
}

#[test]
fn bind_with_views_tells_who_asks_and_which_of_its_own_names() {
    let disk = FakeDisk::new()
        .file("/etc/bind/named.conf", NAMED)
        .file("/var/log/named/query.log", recorded("bind-views.log"));
    let heard = look(disk);
    assert_eq!(
        lines(&heard),
        ["8× 10.20.1.5 used BIND at port 53/udp: /var/log/named/query.log"]
    );
    // Another's name, and one with blanks in it, are nobody's business; what the machine asks itself is asked too.
    assert_eq!(
        asked(&heard),
        [
            "1× BIND was asked for _sip._tcp.corp.example: /var/log/named/query.log",
            "1× BIND was asked for old.corp.example: /var/log/named/query.log",
            "1× BIND was asked for www.corp.example: /var/log/named/query.log",
            "3× BIND was asked for corp.example: /var/log/named/query.log",
            "asked:bind Complete",
        ]
    );
}

/// How a question and a switch stand in BIND's logs, recorded from 9.18 with other days.
fn question(day: u32, hour: u32) -> String {
    format!(
        "{day:02}-Nov-2026 {hour:02}:44:16.135 queries: client @0x7fd94a29b098 10.20.1.5#58494 (x.corp.example): query: x.corp.example IN A + (10.20.1.2)\n"
    )
}

fn reaches(heard: &Recorder) -> Vec<String> {
    let told = heard
        .coverage()
        .filter(|c| c.scope.as_str() == "asked:bind")
        .map(|c| format!("{:?} {} {}", c.state, c.from, c.to));
    told.collect()
}

#[test]
fn a_log_of_questions_that_was_switched_off_between_speaks_of_one_stretch_alone() {
    let toggled = format!("{}{}", question(1, 10), question(10, 10));
    let all = |days: std::ops::RangeInclusive<u32>| -> String {
        let hours = days.flat_map(|day| (0..24).map(move |hour| (day, hour)));
        hours.map(|(day, hour)| question(day, hour)).collect()
    };
    let disk = |questions: &str, other: &str| {
        FakeDisk::new()
            .file("/etc/bind/named.conf", NAMED)
            .file("/var/log/named/query.log", questions)
            .file("/var/log/named/named.log", other)
    };
    assert_eq!(
        reaches(&look(disk(&toggled, ""))),
        ["Complete 2026-11-01T10:44:16Z 2026-11-01T10:44:16Z"]
    );
    // Its twin: questions in every hour.
    let whole = all(1..=10);
    assert_eq!(
        reaches(&look(disk(&whole, ""))),
        ["Complete 2026-11-01T00:44:16Z 2026-11-10T23:44:16Z"]
    );
    // What another log says of it counts too.
    let switches = "04-Nov-2026 08:37:59.934 general: info: query logging is now off\n04-Nov-2026 09:00:00.000 general: info: query logging is now on\n";
    assert_eq!(
        reaches(&look(disk(&whole, switches))),
        ["Complete 2026-11-04T09:44:16Z 2026-11-10T23:44:16Z"]
    );
}

#[test]
fn zones_in_settings_that_may_not_be_read_leave_the_names_asked_for_in_part() {
    let disk = FakeDisk::new()
        .file(
            "/etc/bind/named.conf",
            format!("{NAMED}\ninclude \"/etc/bind/more\";\n"),
        )
        .refused("/etc/bind/more", Reason::PermissionDenied)
        .file("/var/log/named/query.log", recorded("bind-views.log"));
    assert!(reaches(&look(disk))[0].starts_with("Partial "));
}

#[test]
fn without_zones_of_its_own_no_name_is_kept() {
    let disk = FakeDisk::new().file("/var/log/named/query.log", recorded("bind-views.log"));
    assert_eq!(asked(&look(disk)), ["asked:bind Complete"]);
}

#[test]
fn bind_tells_who_copies_zones_and_who_writes_into_them_though_questions_are_off() {
    let disk = FakeDisk::new()
        .file("/usr/sbin/named", "")
        .file("/etc/bind/named.conf", NAMED)
        .file("/var/log/named/xfer.log", recorded("bind-transfers.log"));
    let heard = look(disk);
    // A refused update and a transfer that only ended are no further uses.
    assert_eq!(
        lines(&heard),
        [
            "2× 10.20.1.5 used BIND at port 53/tcp, by AXFR: /var/log/named/xfer.log",
            "1× 10.20.1.5 used BIND at port 53/udp, by update: /var/log/named/xfer.log",
        ]
    );
    assert!(asked(&heard).is_empty());
    assert!(
        heard
            .gaps()
            .any(|gap| gap.reason == Reason::LogDisabled && gap.what.contains("BIND"))
    );
}

#[test]
fn unbound_tells_who_asks() {
    let disk = FakeDisk::new()
        .file("/usr/sbin/unbound", "")
        .file("/var/log/unbound.log", recorded("unbound.log"));
    let heard = look(disk);
    assert_eq!(
        lines(&heard),
        ["4× 10.20.1.5 used Unbound at port 53/udp: /var/log/unbound.log"]
    );
    assert!(
        !heard.gaps().any(|gap| gap.what.contains("Unbound")),
        "one of its two ways is enough"
    );
    let syslog = "Nov 20 21:00:00 ns1 unbound[7842]: [7842:0] info: 10.20.1.5 www.corp.example. A IN\n\
                  Nov 20 21:00:01 ns1 unbound[7842]: [7842:0] info: 10.20.1.9 x. A IN 10.20.1.9 y. A INX\n";
    let heard = look(FakeDisk::new().file("/var/log/syslog", syslog));
    assert_eq!(
        lines(&heard),
        ["1× 10.20.1.5 used Unbound at port 53/udp: /var/log/syslog"]
    );
}

fn with_wtmp() -> FakeDisk {
    FakeDisk::new().file("/var/log/wtmp", recorded("wtmp"))
}

#[test]
fn records_of_logons_tell_from_where_and_by_which_service_and_not_who() {
    let looked = look(with_wtmp());
    assert_eq!(
        lines(&looked),
        [
            "3× 10.20.1.31 used remote logon (wtmp) at port 22/tcp: /var/log/wtmp",
            "1× 10.20.1.32 used remote logon (wtmp) at port 22/tcp: /var/log/wtmp",
            "1× 10.20.1.40 used remote logon (wtmp) at port 22/tcp: /var/log/wtmp",
            "1× fd20:1::31 used remote logon (wtmp) at port 22/tcp: /var/log/wtmp",
            "1× 10.20.1.77 used remote logon (wtmp) at port 23/tcp, in clear text: /var/log/wtmp",
            "1× 10.20.1.78 used remote logon (wtmp) at port 23/tcp, in clear text: /var/log/wtmp",
        ],
        "10.20.1.9 is what a user had written, 10.20.1.66 was refused"
    );
    assert_eq!(looked.gaps().count(), 0);
    let coverage = looked
        .coverage()
        .find(|c| c.scope.as_str() == "log:/var/log/wtmp")
        .unwrap();
    assert_eq!(coverage.state, CoverageState::Complete);
    assert_eq!(coverage.from.minute(), "2026-11-21 10:57");
    let json = format!("{:?}", looked.records);
    assert!(!json.contains("anna") && !json.contains("svcbackup"));
}

#[test]
fn rotated_and_packed_records_are_read_and_torn_ones_are_a_gap() {
    let wtmp = recorded("wtmp");
    let packed = zstd_of(&wtmp[..3 * 768]);
    let disk = FakeDisk::new()
        .file("/var/log/wtmp", [&wtmp[..100], &wtmp[3 * 768..]].concat())
        .file("/var/log/wtmp-20261101.zst", packed);
    let looked = look(disk);
    assert_eq!(lines(&looked).len(), 6);
    let gap = looked.gaps().next().unwrap();
    assert_eq!(
        (gap.reason.clone(), gap.what.as_str()),
        (
            Reason::Malformed,
            "1 places of /var/log/wtmp that are no record"
        )
    );
}

#[test]
fn what_sshd_and_wtmp_tell_of_the_same_logons_are_two_facts_of_one_client() {
    let looked = look(with_wtmp().file("/var/log/auth.log", recorded("wtmp-auth.log")));
    let of_client: Vec<String> = lines(&looked)
        .into_iter()
        .filter(|line| line.contains(" 10.20.1.31 "))
        .collect();
    assert_eq!(
        of_client,
        [
            "4× 10.20.1.31 used OpenSSH at port 22/tcp, by publickey: /var/log/auth.log",
            "3× 10.20.1.31 used remote logon (wtmp) at port 22/tcp: /var/log/wtmp",
        ],
        "one of them had no terminal"
    );
}

fn zstd_of(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 3).unwrap()
}

#[test]
fn refused_logons_are_only_counted_and_an_empty_wtmp_is_no_gap() {
    let disk = FakeDisk::new()
        .file("/usr/bin/last", "")
        .file("/var/log/wtmp", "")
        .file("/var/log/btmp", recorded("btmp"));
    let looked = look(disk);
    assert_eq!(lines(&looked), Vec::<String>::new());
    assert_eq!(looked.gaps().count(), 0);
    let coverage = looked
        .coverage()
        .find(|c| c.scope.as_str() == "log:/var/log/btmp")
        .unwrap();
    let how = coverage.how.as_deref().unwrap();
    assert_eq!(
        how,
        "1 refused logons (1 at a terminal over the network) from 1 addresses; only counted, in one file"
    );
}

#[test]
fn records_that_are_not_read_are_a_gap_with_what_prints_them() {
    let disk = FakeDisk::new()
        .file("/var/log/lastlog", "")
        .file("/var/lib/wtmpdb/wtmp.db", "SQLite format 3");
    let gaps: Vec<String> = look(disk).gaps().map(|gap| gap.what.clone()).collect();
    assert_eq!(gaps, ["the logons that /var/lib/wtmpdb/wtmp.db tells"]);
}

#[test]
fn no_records_make_it_panic() {
    let wtmp = recorded("wtmp");
    groma_fuzz::hammer(300, &[&wtmp], |bytes| {
        for line in lines(&look(FakeDisk::new().file("/var/log/wtmp", bytes))) {
            assert!(line.contains("remote logon"), "{line}");
        }
    });
}

const PAGES: &str = "/var/log/cups/page_log";

/// CUPS with this format of its page log.
fn printing(format: &str) -> FakeDisk {
    let settings = format!("LogLevel warn\nPageLogFormat {format}\n<Location />\n</Location>\n");
    FakeDisk::new().file("/etc/cups/cupsd.conf", settings)
}

/// The one in which nobody who prints can write.
fn printing_soundly() -> FakeDisk {
    printing("%{job-originating-host-name} %p %T %P %C")
}

#[test]
fn cups_tells_which_queue_is_used_from_where_by_either_log_and_by_both_once() {
    let want = [
        "3× 10.20.1.31 used CUPS at port 631/tcp, queue einkauf",
        "1× 10.20.1.32 used CUPS at port 631/tcp, queue einkauf",
        "1× 10.20.1.40 used CUPS at port 631/tcp, queue plotter",
    ];
    let forger = |count| format!("{count}× 10.20.1.66 used CUPS at port 631/tcp, queue einkauf");
    let six = "1× fd20:1::31 used CUPS at port 631/tcp, queue einkauf";
    let access = ("/var/log/cups/access_log", "cups-access-queues.log");
    let pages = (PAGES, "cups-pages.log");
    for (logs, said_by, forged) in [
        (&[access][..], access.0, 1),
        (&[pages], PAGES, 4),
        (&[access, pages], access.0, 4),
    ] {
        let disk = logs.iter().fold(printing_soundly(), |disk, (path, name)| {
            disk.file(path, recorded(name))
        });
        let mut all: Vec<String> = want.iter().map(|line| (*line).to_owned()).collect();
        all.extend([forger(forged), six.to_owned()]);
        let all: Vec<String> = all
            .into_iter()
            .map(|line| format!("{line}: {said_by}"))
            .collect();
        let looked = look(disk);
        assert_eq!(lines(&looked), all);
        assert!(!format!("{:?}", looked.records).contains("Angebot"));
    }
}

#[test]
fn pages_are_added_up_by_queue() {
    let looked = look(printing_soundly().file(PAGES, recorded("cups-pages.log")));
    let coverage = looked
        .coverage()
        .find(|c| c.scope.as_str() == "log:/var/log/cups/page_log")
        .unwrap();
    assert_eq!(coverage.state, CoverageState::Complete);
    assert_eq!(
        coverage.how.as_deref(),
        Some("einkauf 10 pages, plotter 0 pages; one file")
    );
}

/// Whoever prints may call a document or himself what looks like a line, line break and all.
#[test]
fn a_page_log_in_which_clients_can_write_is_not_believed() {
    let looked = look(printing_soundly().file(PAGES, recorded("cups-pages-traditional.log")));
    assert_eq!(lines(&looked), Vec::<String>::new());
    let gap = looked.gaps().next().unwrap();
    assert!(gap.what.contains(PAGES) && gap.remedy.as_ref().unwrap().contains("PageLogFormat"));
    // One whole forged line among real ones of the traditional format is none either.
    let forged = "10.20.1.9 einkauf [21/Nov/2026:11:00:00 +0000] total 1\n";
    let mixed = [
        recorded("cups-pages-traditional.log").as_slice(),
        forged.as_bytes(),
    ]
    .concat();
    assert_eq!(
        lines(&look(printing_soundly().file(PAGES, mixed))),
        Vec::<String>::new()
    );
}

/// What a person is called may stand where a queue or a host is looked for, and a client may call itself an address.
#[test]
fn a_page_log_in_a_format_that_only_looks_sound_is_not_believed() {
    let line = "10.20.1.9 anna [20/Nov/2026:11:00:00 +0000] total 3\n";
    for format in [
        "%p %u %T %P %C",
        "%u %p %T %P %C",
        "%{job-name} %p %T %P %C",
        "%{job-originating-host-name} %p %T %P %C\nPageLogFormat %u %p %T %P %C",
        "",
    ] {
        let looked = look(printing(format).file(PAGES, line));
        assert_eq!(lines(&looked), Vec::<String>::new(), "{format}");
        let said = format!("{:?}", looked.records);
        assert!(
            !said.contains("anna") && !said.contains("10.20.1.9"),
            "{said}"
        );
        assert!(
            looked.gaps().any(|gap| gap.what.contains(PAGES)),
            "{format}"
        );
    }
    for sound in [
        "%{job-originating-host-name} %p %T %P %C",
        "%{job-originating-host-name} %p %T %P %C   # asked for",
    ] {
        let looked = look(printing(sound).file(PAGES, line));
        assert_eq!(lines(&looked).len(), 1, "{sound}");
        assert_eq!(looked.gaps().count(), 0, "{sound}");
    }
    // Before the settings were changed the format may have been another one.
    let older = line.replace("20/Nov", "20/Oct");
    let looked = look(printing_soundly().file(PAGES, format!("{older}{line}")));
    assert!(lines(&looked)[0].starts_with("1× 10.20.1.9"));
    let gap = looked.gaps().next().unwrap();
    assert!(
        gap.what.contains("before /etc/cups/cupsd.conf was changed"),
        "{}",
        gap.what
    );
    // A time that cannot be is missed.
    let wrong = line.replace("2026", "2036");
    let looked = look(printing_soundly().file(PAGES, format!("{line}{wrong}")));
    let gap = looked.gaps().next().unwrap();
    assert!(gap.what.contains("dated 2036"), "{}", gap.what);
    // The name of a document is none of a host.
    let titled = line.replace("10.20.1.9", "k\u{fc}ndigung(anna)");
    let said = look(printing_soundly().file(PAGES, titled));
    assert!(!format!("{:?}", said.records).contains("ndigung"));
}

#[test]
fn a_page_log_that_is_off_is_a_gap_and_one_that_is_on_and_empty_is_none() {
    let cups = || {
        FakeDisk::new()
            .file("/usr/sbin/cupsd", "")
            .file("/var/log/cups/access_log", recorded("cups-access.log"))
            .file(PAGES, "")
    };
    let off = look(cups());
    let gap = off.gaps().next().unwrap();
    assert_eq!(gap.reason, Reason::LogDisabled);
    let remedy = gap.remedy.as_deref().unwrap();
    assert!(
        remedy.contains("Costs") && remedy.contains("restore"),
        "{remedy}"
    );
    let on = "LogLevel warn\nPageLogFormat %{job-originating-host-name} %p %T %P %C\n";
    assert_eq!(
        look(cups().file("/etc/cups/cupsd.conf", on)).gaps().count(),
        0
    );
}

const TAP: &str = "/var/cache/bind/dnstap.log";

fn tapped(output: &str) -> FakeDisk {
    let settings = format!(
        "options {{ directory \"/var/cache/bind\"; dnstap {{ client; auth; }}; dnstap-output {output}; }};\nzone \"corp.example\" {{ type primary; file \"x\"; }};\n"
    );
    FakeDisk::new().file("/etc/bind/named.conf", settings)
}

fn names(recorder: &Recorder) -> Vec<String> {
    let asked = recorder
        .records
        .iter()
        .filter_map(|record| match &record.said {
            groma_model::batch::Said::Saw(o) => match &o.fact {
                Fact::AskedName(asked) => Some(asked.name.to_string()),
                _ => None,
            },
            _ => None,
        });
    asked.collect()
}

#[test]
fn what_bind_writes_in_binary_makes_the_rows_of_its_query_log() {
    let looked = look(
        tapped("file \"dnstap.log\" size 5m versions 3").file(TAP, recorded("bind-dnstap.log")),
    );
    assert_eq!(
        lines(&looked),
        [
            "3× 10.20.1.31 used BIND at port 53/udp: /var/cache/bind/dnstap.log",
            "2× 10.20.1.32 used BIND at port 53/udp: /var/cache/bind/dnstap.log",
            "1× 10.20.1.40 used BIND at port 53/udp: /var/cache/bind/dnstap.log",
            "2× 10.20.1.66 used BIND at port 53/udp: /var/cache/bind/dnstap.log",
            "1× fd20:1::31 used BIND at port 53/udp: /var/cache/bind/dnstap.log",
        ]
    );
    let mut own = names(&looked);
    own.sort();
    assert_eq!(
        own,
        ["mail.corp.example", "www.corp.example"],
        "nothing of others' names"
    );
    assert!(!format!("{:?}", looked.records).contains("private"));
    assert_eq!(looked.gaps().count(), 0);
}

/// Clients of its own zones that ask for recursion are told under `client`, all others under `auth`.
#[test]
fn a_dnstap_statement_that_leaves_questions_out_makes_no_log_of_all() {
    for (statement, is_whole) in [
        ("all;", true),
        ("client query; auth;", true),
        ("auth;", false),
        ("client response; auth response;", false),
        ("resolver;", false),
    ] {
        let settings = format!(
            "options {{ directory \"/var/cache/bind\"; dnstap {{ {statement} }}; dnstap-output file \"dnstap.log\"; }};\nzone \"corp.example\" {{ type primary; file \"x\"; }};\n"
        );
        let disk = FakeDisk::new()
            .file("/etc/bind/named.conf", settings)
            .file(TAP, recorded("bind-dnstap.log"));
        let looked = look(disk);
        for scope in ["asked:bind", "log:/var/cache/bind/dnstap.log"] {
            let coverage = looked.coverage().find(|c| c.scope.as_str() == scope);
            let is_complete = coverage.unwrap().state == CoverageState::Complete;
            assert_eq!(is_complete, is_whole, "{statement} {scope}");
        }
        let gap = looked.gaps().next();
        assert_eq!(gap.is_none(), is_whole, "{statement}");
        if let Some(remedy) = gap.and_then(|gap| gap.remedy.as_deref()) {
            assert!(remedy.contains("Costs") && remedy.contains("restore"));
        }
    }
}

const KNOT_ROWS: &[&str] = &[
    "4× 10.20.1.31 used Knot DNS at port 53/udp: /var/lib/knot/knot.tap",
    "4× 10.20.1.32 used Knot DNS at port 53/udp: /var/lib/knot/knot.tap",
];
const KNOT_NAMES: &[&str] = &["corp.example", "mail.corp.example", "www.corp.example"];
const KNOT: &str = "mod-dnstap:\n  - id: capture_all\n    sink: \"/var/lib/knot/knot.tap\"\ntemplate:\n  - id: default\n    global-module: mod-dnstap/capture_all\nzone:\n  - domain: corp.example\n";

#[test]
fn what_knot_writes_in_binary_makes_rows_of_its_clients() {
    let tapped = |settings: &str| {
        FakeDisk::new()
            .file("/etc/knot/knot.conf", settings)
            .file("/usr/sbin/knotd", "")
            .file("/var/lib/knot/knot.tap", recorded("knot-dnstap.tap"))
    };
    let looked = look(tapped(KNOT));
    let mut told = lines(&looked);
    told.sort();
    assert_eq!(told, KNOT_ROWS, "{told:#?}");
    let mut own = names(&looked);
    own.sort();
    own.dedup();
    assert_eq!(own, KNOT_NAMES);
    assert!(!format!("{:?}", looked.records).contains("elsewhere"));
    assert_eq!(looked.gaps().count(), 0);
    // A socket takes them away, a file that is not there is a gap, and a module nobody uses writes nothing.
    for (sink, gaps) in [
        ("unix:/run/knot/tap.sock", 1),
        ("/var/lib/knot/none.tap", 1),
    ] {
        let looked = look(FakeDisk::new().file(
            "/etc/knot/knot.conf",
            KNOT.replace("/var/lib/knot/knot.tap", sink),
        ));
        assert_eq!(looked.gaps().count(), gaps, "{sink}");
    }
    let unused = KNOT.replace("global-module", "storage");
    let looked = look(
        FakeDisk::new()
            .file("/etc/knot/knot.conf", unused)
            .file("/var/lib/knot/knot.tap", recorded("knot-dnstap.tap")),
    );
    assert_eq!(lines(&looked), [""; 0]);
}

#[test]
fn who_copies_a_zone_of_knot_stands_in_its_log() {
    let looked = look(FakeDisk::new().file("/var/log/daemon.log", recorded("knot.log")));
    assert_eq!(
        lines(&looked),
        ["1× 10.20.1.32 used Knot DNS at port 53/tcp, by AXFR: /var/log/daemon.log"]
    );
}

#[test]
fn dnstap_whose_file_is_not_there_is_a_gap() {
    let looked = look(tapped("file \"dnstap.log\""));
    let gap = looked.gaps().next().unwrap();
    assert!(gap.what.contains(TAP), "{}", gap.what);
    let coverage = looked
        .coverage()
        .find(|c| c.scope.as_str() == "log:/var/cache/bind/dnstap.log");
    assert_eq!(coverage.unwrap().state, CoverageState::Partial);
}

/// What cron and PHP send has a controlling user, and one line may name several recipients at one server.
#[test]
fn sendmail_tells_its_smart_host_whoever_sends_and_to_however_many() {
    let rest = "delay=00:00:00, xdelay=00:00:00, mailer=relay, pri=30274, relay=smart.corp.example. [10.20.1.90], dsn=2.0.0, stat=Sent (Ok)";
    let line =
        |to: &str| format!("Nov 20 10:59:32 mail1 sm-mta[226]: 6ALAxWRK000223: to={to}, {rest}\n");
    for to in [
        "<a@partner.example>, ctladdr=<root@mail1.corp.example> (0/0)",
        "<a@partner.example>,<b@partner.example>",
        "<a@p.example>,<b@p.example>,<c@p.example>, ctladdr=www-data (33/33)",
    ] {
        let told = lines(&look(FakeDisk::new().file("/var/log/mail.log", line(to))));
        assert_eq!(told.len(), 1, "{to}");
        assert!(told[0].contains("10.20.1.90"), "{told:?}");
    }
    // A recipient that looks like the rest of a line is none.
    let forged = format!("<\"x>, {}", rest.replace("10.20.1.90", "10.6.6.6"));
    let told = lines(&look(FakeDisk::new().file(
        "/var/log/mail.log",
        line(&format!("<a@p.example>,{forged}\"@p.example>")),
    )));
    assert!(!format!("{told:?}").contains("10.6.6.6"), "{told:?}");
}

#[test]
fn dnstap_at_a_socket_or_damaged_is_a_gap() {
    let socket = look(tapped("unix \"/run/named/dnstap.sock\""));
    let gap = socket.gaps().next().unwrap();
    assert!(gap.what.contains("/run/named/dnstap.sock"), "{}", gap.what);
    let remedy = gap.remedy.as_deref().unwrap();
    assert!(remedy.contains("Costs") && remedy.contains("restore"));
    let unbound = FakeDisk::new().file(
        "/etc/unbound/unbound.conf",
        "server:\n  verbosity: 1\ndnstap:\n  dnstap-enable: yes\n  dnstap-socket-path: \"/run/dnstap.sock\" # here\n",
    );
    assert!(
        look(unbound)
            .gaps()
            .next()
            .unwrap()
            .what
            .contains("/run/dnstap.sock")
    );
    let text = look(tapped("file \"dnstap.log\"").file(TAP, "Nov 20 10:00:00 m named[1]: x\n"));
    assert_eq!(text.gaps().next().unwrap().reason, Reason::Malformed);
    // Its twin: dnstap is built in and nothing is written.
    let off = FakeDisk::new()
        .file(
            "/etc/unbound/unbound.conf",
            "dnstap:\n  dnstap-enable: no\n  dnstap-socket-path: \"/run/x\"\n",
        )
        .file("/etc/bind/named.conf", "options { directory \"/x\"; };");
    assert_eq!(look(off).gaps().count(), 0);
}

fn searches(recorder: &Recorder) -> Vec<String> {
    let of = recorder
        .records
        .iter()
        .filter_map(|record| match &record.said {
            groma_model::batch::Said::Saw(o) if matches!(o.fact, Fact::LoggedSearch(_)) => {
                Some(format!("{}× {}", o.seen.count, o.fact.says()))
            }
            _ => None,
        });
    of.collect()
}

#[test]
fn slapd_tells_where_each_account_searches_and_by_what() {
    let disk = FakeDisk::new()
        .file("/var/log/slapd.log", recorded("slapd.log"))
        .file("/var/log/slapd.log.2.gz", recorded("slapd.log.2.gz"));
    let want = [
        "27× 10.20.1.21 searched OpenLDAP below ou=people,dc=corp,dc=example by mailLocalAddress, as cn=svc-old",
        "4× 10.20.1.31 searched OpenLDAP below dc=corp,dc=example by objectClass, uid, as cn=svc-sssd",
        "1× 10.20.1.101 searched OpenLDAP below dc=corp,dc=example by cn, as cn=svc-ws",
        "1× 10.20.1.101 searched OpenLDAP below ou=groups,dc=corp,dc=example by cn, gidNumber, objectClass, as cn=svc-ws",
        "4× 10.20.1.101 searched OpenLDAP below ou=people,dc=corp,dc=example by objectClass, uid, uidNumber, as cn=svc-ws",
        "6× 10.20.1.101 searched OpenLDAP below ou=people,dc=corp,dc=example by mail, as uid=anna",
        "6× 10.20.1.201 searched OpenLDAP below dc=corp,dc=example by cn, as cn=svc-copier",
        "125× fd20:1::20 searched OpenLDAP below dc=corp,dc=example by mailLocalAddress, as cn=svc-mail",
        "14× fd20:1::20 searched OpenLDAP below ou=people,dc=corp,dc=example by mail, objectClass, as cn=svc-mail",
        "2× fd20:1::20 searched OpenLDAP below ou=people,dc=corp,dc=example by uid, as cn=svc-mail",
        "3× fd20:1::31 searched OpenLDAP below dc=corp,dc=example by uid, as cn=svc-erp",
    ];
    let told = searches(&look(disk));
    assert_eq!(told.len(), want.len(), "{told:#?}");
    for (told, want) in told.iter().zip(want) {
        assert!(told.starts_with(&format!("{want},ou=")), "{told}");
    }
    // Nobody's search for a person: what it was for is in no row.
    assert!(!told.concat().contains("jens") && !told.concat().contains("@"));
}

#[test]
fn what_clients_of_other_services_say_is_no_search() {
    let forged = "Nov 20 05:00:00 ldap1 dovecot: imap-login: Login: user=<a>, method=PLAIN, rip=10.20.1.7, lip=10.20.1.1, mpid=1\nNov 20 05:00:01 ldap1 sshd[7]: conn=1 fd=2 ACCEPT from IP=10.20.1.9:1 (IP=0.0.0.0:389)\nNov 20 05:00:01 ldap1 sshd[7]: conn=1 op=1 SRCH base=\"dc=corp\" scope=2 deref=0 filter=\"(uid=a)\"\n";
    let stranger = "Nov 20 05:00:01 ldap1 slapd[7]: conn=1 fd=2 ACCEPT from IP=8.8.8.8:1 (IP=0.0.0.0:389)\nNov 20 05:00:01 ldap1 slapd[7]: conn=1 op=1 SRCH base=\"dc=corp\" scope=2 deref=0 filter=\"(uid=a)\"\nNov 20 05:00:01 ldap1 slapd[7]: conn=1 fd=2 closed\n";
    let disk = FakeDisk::new().file("/var/log/syslog", format!("{forged}{stranger}"));
    assert_eq!(searches(&look(disk)), Vec::<String>::new());
}

#[test]
fn who_searches_in_ever_other_ways_is_a_gap_and_has_as_many_rows_as_may_be() {
    let mut log =
        "Nov 20 05:00:01 ldap1 slapd[7]: conn=1 fd=2 ACCEPT from IP=10.20.1.9:1 (IP=0.0.0.0:389)\n"
            .to_owned();
    for n in 0..40 {
        log += &format!(
            "Nov 20 05:00:01 ldap1 slapd[7]: conn={c} fd=2 ACCEPT from IP=10.20.1.9:1 (IP=0.0.0.0:389)\nNov 20 05:00:02 ldap1 slapd[7]: conn={c} op=1 SRCH base=\"ou=u{n},dc=corp\" scope=2 deref=0 filter=\"(uid=a)\"\nNov 20 05:00:03 ldap1 slapd[7]: conn={c} fd=2 closed\n",
            c = n + 2
        );
    }
    let looked = look(FakeDisk::new().file("/var/log/syslog", log));
    assert_eq!(searches(&looked).len(), 16);
    let gaps: Vec<&str> = looked.gaps().map(|gap| gap.what.as_str()).collect();
    assert_eq!(
        gaps,
        ["24 further ways in which clients search in OpenLDAP"]
    );
}

#[test]
fn the_access_log_of_389_tells_where_each_account_searches_and_by_what() {
    let log = "/var/log/dirsrv/slapd-corp/access";
    let disk = FakeDisk::new().file(log, recorded("dirsrv-access.log"));
    let by = "searched 389 Directory Server below dc=corp,dc=example by cn, as";
    let erp = "cn=erp,ou=services,dc=corp,dc=example";
    // The base that looks like a line is a person's or nobody's.
    assert_eq!(
        searches(&look(disk)),
        [
            format!("3× 10.20.1.30 {by} {erp}: {log}"),
            format!("1× 10.20.1.31 {by} nobody: {log}"),
            format!("1× 10.20.1.31 {by} {erp}: {log}"),
            format!("2× 10.20.1.31 {by} cn=printer scan,ou=services,dc=corp,dc=example: {log}"),
            format!("1× fd20:1::30 {by} {erp}: {log}"),
        ]
    );
}

/// What a syslog daemon writes of the same entries (`journalctl -o short-iso`).
fn journal_as_text() -> String {
    String::from_utf8(recorded("system-journal.log")).unwrap()
}

fn with_volatile_journal() -> FakeDisk {
    FakeDisk::new()
        .file("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
        .file("/proc/sys/kernel/hostname", "mail1\n")
        .file(
            "/run/log/journal/0123456789abcdef0123456789abcdef/system.journal",
            unpacked("system.journal.zst"),
        )
}

/// A journal in memory was called a hole in the history of products whose lines a text log keeps beside it.
#[test]
fn a_journal_in_memory_is_no_hole_where_a_text_log_keeps_its_lines() {
    let gaps =
        |disk: FakeDisk| -> Vec<String> { look(disk).gaps().map(|gap| gap.what.clone()).collect() };
    let alone = gaps(with_volatile_journal());
    assert_eq!(
        alone,
        ["who used Dovecot once a month: /var/log/journal is kept until the next start"]
    );
    let text = journal_as_text();
    let beside = with_volatile_journal().file("/var/log/syslog", text.clone());
    assert_eq!(gaps(beside), Vec::<String>::new());
    // One product's lines are not kept beside it.
    let without: String = (text.lines().filter(|line| !line.contains("sshd[")))
        .map(|line| format!("{line}\n"))
        .collect();
    let in_part = with_volatile_journal().file("/var/log/syslog", without);
    assert_eq!(
        gaps(in_part),
        ["who used OpenSSH once a month: /var/log/journal is kept until the next start"]
    );
    // The text log begins after what the journal tells.
    let later = text.replace("2026-11-21T00:", "2026-11-21T09:");
    let late = with_volatile_journal().file("/var/log/syslog", later);
    assert_eq!(gaps(late).len(), 1);
    // It was written a year ago, and left behind.
    let old = text.replace("2026-11-21T00:", "2025-11-21T00:");
    let left = with_volatile_journal().file("/var/log/syslog", old);
    assert!(
        gaps(left)
            .iter()
            .any(|gap| gap.contains("until the next start"))
    );
}
