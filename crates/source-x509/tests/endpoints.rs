//! Handshakes with real servers on loopback: openssl, nginx, slapd and PostgreSQL, each started and
//! ended by its test.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests; a skipped one says so"
)]

mod support;

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

use groma_model::fact::CertificatePlace;
use groma_model::{CoverageState, Reason};
use groma_source::Recorder;
use support::{LOOPBACK, Server, Workshop, free_port, has, look_at, sightings};

const NGINX: &str = "/usr/sbin/nginx";

fn s_server(shop: &Workshop, name: &str, more: &str) -> Server {
    let port = free_port();
    let mut command = Command::new("openssl");
    command.current_dir(shop.path("")).args([
        "s_server",
        "-quiet",
        "-accept",
        &format!("127.0.0.1:{port}"),
    ]);
    command
        .args([
            "-cert",
            &format!("{name}.crt"),
            "-key",
            &format!("{name}.key"),
        ])
        .args(more.split_whitespace());
    Server::start(command, port)
}

/// What was said, as `protocol position subject`.
fn seen(recorder: &Recorder) -> Vec<String> {
    let word = |s: &&groma_model::fact::CertificateSighting| match &s.place {
        CertificatePlace::Endpoint {
            address,
            protocol,
            position,
            ..
        } => {
            assert_eq!(*address, LOOPBACK);
            format!("{protocol} {position} {}", s.certificate.subject)
        }
        place => panic!("{place:?}"),
    };
    sightings(recorder).iter().map(word).collect()
}

fn only_coverage(recorder: &Recorder) -> CoverageState {
    let all: Vec<_> = recorder.coverage().collect();
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].state
}

#[test]
fn a_chain_is_seen_in_tls_1_2_and_1_3() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.chain();
    for version in ["-tls1_2", "-tls1_3"] {
        let server = s_server(&shop, "leaf", &format!("{version} -cert_chain chain.pem"));
        let recorder = look_at(&[(server.port, "/usr/sbin/nginx")]);
        let expected = [
            "tls 0 CN=leaf,O=Example",
            "tls 1 CN=middle,O=Example",
            "tls 2 CN=Root,O=Example",
        ];
        let mut all = seen(&recorder);
        all.dedup();
        assert!(
            all.iter().any(|s| s == expected[0])
                && all.iter().any(|s| s.ends_with(&expected[2][6..])),
            "{version}: {all:?}"
        );
        assert_eq!(only_coverage(&recorder), CoverageState::Complete);
        assert_eq!(recorder.gaps().count(), 0);
    }
}

#[test]
fn every_kind_of_key_is_seen_weak_ones_too() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.pair("weak", "rsa:1024", "-sha1");
    shop.pair("ec", "ec", "-pkeyopt ec_paramgen_curve:P-521");
    shop.pair("ed", "ed25519", "");
    for (name, algorithm, bits) in [
        ("weak", "rsa", 1024),
        ("ec", "ecdsa", 521),
        ("ed", "ed25519", 256),
    ] {
        let server = s_server(&shop, name, "-cipher DEFAULT:@SECLEVEL=0");
        let recorder = look_at(&[(server.port, NGINX)]);
        let all = sightings(&recorder);
        assert_eq!(all.len(), 1, "{name}: {:?}", recorder.records);
        assert_eq!(
            (
                all[0].certificate.key_algorithm.as_str(),
                all[0].certificate.key_bits
            ),
            (algorithm, bits)
        );
    }
}

#[test]
fn a_server_that_wants_a_client_certificate_is_seen_all_the_same() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.pair("strict", "rsa:2048", "");
    for version in ["-tls1_2", "-tls1_3"] {
        let server = s_server(&shop, "strict", &format!("{version} -Verify 1"));
        assert_eq!(
            seen(&look_at(&[(server.port, NGINX)])),
            ["tls 0 CN=strict.corp.example,O=Example"]
        );
    }
}

#[test]
fn a_server_of_old_tls_only_is_seen_and_said_to_be_old() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.pair("old", "rsa:2048", "");
    let cases = [
        ("-tls1", "TLS 1.0"),
        ("-tls1_1", "TLS 1.1"),
        ("-tls1_2 -cipher AES128-SHA", "TLS 1.2"),
    ];
    for (more, version) in cases {
        let more = if more.contains("cipher") {
            more.to_owned()
        } else {
            format!("{more} -cipher ALL:@SECLEVEL=0")
        };
        let server = s_server(&shop, "old", &more);
        let recorder = look_at(&[(server.port, NGINX)]);
        assert_eq!(
            seen(&recorder),
            ["tls 0 CN=old.corp.example,O=Example"],
            "{version}: {:?}",
            recorder.records
        );
        let gaps: Vec<_> = recorder.gaps().collect();
        assert_eq!(gaps.len(), 1);
        assert!(
            gaps[0].reason == Reason::Unsupported && gaps[0].what.contains(version),
            "{gaps:?}"
        );
        assert_eq!(only_coverage(&recorder), CoverageState::Complete);
    }
}

#[test]
fn nginx_is_seen_also_if_it_answers_to_its_name_only() {
    if !has("openssl") || !has(NGINX) {
        return;
    }
    let shop = Workshop::open();
    shop.pair(
        "www",
        "ec",
        "-pkeyopt ec_paramgen_curve:P-256 -addext subjectAltName=DNS:www.corp.example",
    );
    let (plain, direct, named) = (free_port(), free_port(), free_port());
    let directory = shop.path("").display().to_string();
    let configuration = format!(
        "daemon off; master_process off; pid {directory}/nginx.pid; error_log {directory}/error.log;
         events {{ worker_connections 64; }}
         http {{ access_log off; client_body_temp_path {directory}/b; proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f;
         uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s; ssl_certificate {directory}/www.crt; ssl_certificate_key {directory}/www.key;
         server {{ listen 127.0.0.1:{plain}; return 200; }}
         server {{ listen 127.0.0.1:{direct} ssl; return 200; }}
         server {{ listen 127.0.0.1:{named} ssl default_server; ssl_reject_handshake on; }}
         server {{ listen 127.0.0.1:{named} ssl; server_name www.corp.example; return 200; }} }}"
    );
    let file = shop.write("nginx.conf", configuration);
    let mut command = Command::new(NGINX);
    command
        .arg("-c")
        .arg(file)
        .arg("-e")
        .arg(shop.path("error.log"));
    let _server = Server::start(command, plain);
    for port in [direct, named] {
        assert_eq!(
            seen(&look_at(&[(port, NGINX)])),
            ["tls 0 CN=www.corp.example,O=Example"]
        );
    }
    let recorder = look_at(&[(plain, NGINX)]);
    assert!(seen(&recorder).is_empty());
    assert_eq!(
        (only_coverage(&recorder), recorder.gaps().count()),
        (CoverageState::Complete, 0),
        "plain HTTP is no gap"
    );
}

#[test]
fn slapd_is_seen_directly_and_through_start_tls() {
    let slapd = "/usr/sbin/slapd";
    if !has("openssl") || !has(slapd) {
        return;
    }
    let shop = Workshop::open();
    shop.pair("ldap", "rsa:2048", "");
    let (clear, direct, bare) = (free_port(), free_port(), free_port());
    let directory = shop.path("").display().to_string();
    let start = |with_tls: bool, urls: String, port: u16| {
        let tls = if with_tls {
            format!(
                "TLSCertificateFile {directory}/ldap.crt\nTLSCertificateKeyFile {directory}/ldap.key\n"
            )
        } else {
            String::new()
        };
        let name = format!("slapd-{port}.conf");
        let file = shop.write(
            &name,
            format!("pidfile {directory}/{port}.pid\n{tls}database config\n"),
        );
        let mut command = Command::new(slapd);
        command.args(["-d", "0", "-h", &urls, "-f"]).arg(file);
        Server::start(command, port)
    };
    let _with = start(
        true,
        format!("ldap://127.0.0.1:{clear} ldaps://127.0.0.1:{direct}"),
        clear,
    );
    let _without = start(false, format!("ldap://127.0.0.1:{bare}"), bare);
    assert_eq!(
        seen(&look_at(&[(clear, slapd)])),
        ["ldap 0 CN=ldap.corp.example,O=Example"]
    );
    assert_eq!(
        seen(&look_at(&[(direct, slapd)])),
        ["tls 0 CN=ldap.corp.example,O=Example"]
    );
    let recorder = look_at(&[(bare, slapd)]);
    assert!(
        seen(&recorder).is_empty(),
        "a directory without TLS presents nothing"
    );
    assert_eq!(
        (only_coverage(&recorder), recorder.gaps().count()),
        (CoverageState::Complete, 0)
    );
}

#[test]
fn postgresql_is_asked_in_its_own_words() {
    let Some(bin) = ["15", "16", "17"]
        .iter()
        .map(|v| format!("/usr/lib/postgresql/{v}/bin"))
        .find(|b| std::path::Path::new(b).exists())
    else {
        eprintln!("SKIPPED: PostgreSQL is not installed here");
        return;
    };
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.pair("sql", "rsa:2048", "");
    // It refuses to run as root: then it runs as its own account, in a directory of its own.
    let root = String::from_utf8(Command::new("id").arg("-u").output().unwrap().stdout)
        .unwrap()
        .trim()
        == "0";
    let data = shop.path("data").display().to_string();
    let directory = shop.path("").display().to_string();
    let as_account = |program: &str| {
        let mut command = Command::new(if root { "setpriv" } else { program });
        if root {
            command.args([
                "--reuid",
                "postgres",
                "--regid",
                "postgres",
                "--clear-groups",
                program,
            ]);
        }
        command.current_dir(shop.path(""));
        command
    };
    if root {
        assert!(
            Command::new("chown")
                .args(["-R", "postgres", &directory])
                .status()
                .unwrap()
                .success()
        );
    }
    let made = as_account(&format!("{bin}/initdb"))
        .args(["-D", &data, "-A", "trust", "-N"])
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let port = free_port();
    let mut command = as_account(&format!("{bin}/postgres"));
    command.args([
        "-D",
        &data,
        "-p",
        &port.to_string(),
        "-c",
        "listen_addresses=127.0.0.1",
        "-k",
        &directory,
        "-c",
        "ssl=on",
    ]);
    command.args([
        "-c",
        &format!("ssl_cert_file={directory}/sql.crt"),
        "-c",
        &format!("ssl_key_file={directory}/sql.key"),
    ]);
    let _server = Server::start(command, port);
    assert_eq!(
        seen(&look_at(&[(port, "/usr/lib/postgresql/15/bin/postgres")])),
        ["postgresql 0 CN=sql.corp.example,O=Example"]
    );
}

#[test]
fn postfix_is_asked_in_its_own_words_and_left_politely() {
    let postfix = "/usr/sbin/postfix";
    let root = String::from_utf8(Command::new("id").arg("-u").output().unwrap().stdout)
        .unwrap()
        .trim()
        == "0";
    if !has("openssl") || !has(postfix) {
        return;
    }
    if !root {
        eprintln!("SKIPPED: Postfix starts only as root");
        return;
    }
    let shop = Workshop::open();
    shop.pair("mail", "rsa:2048", "");
    let (port, at) = (free_port(), shop.path("").display().to_string());
    let at = at.trim_end_matches('/');
    for directory in ["etc", "queue", "data"] {
        std::fs::create_dir(shop.path(directory)).unwrap();
    }
    assert!(
        Command::new("chown")
            .args(["postfix", &format!("{at}/data")])
            .status()
            .unwrap()
            .success()
    );
    assert!(
        Command::new("chmod")
            .args(["755", at])
            .status()
            .unwrap()
            .success()
    );
    shop.write(
        "etc/main.cf",
        format!(
            "compatibility_level = 3.6\nqueue_directory = {at}/queue\ndata_directory = {at}/data\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\n\
             myhostname = mail.corp.example\nsmtpd_tls_cert_file = {at}/mail.crt\nsmtpd_tls_key_file = {at}/mail.key\nsmtpd_tls_security_level = may\n\
             maillog_file = {at}/log\nmaillog_file_prefixes = {at}\nalias_maps =\n"
        ),
    );
    shop.write(
        "etc/master.cf",
        format!(
            "127.0.0.1:{port} inet n - n - - smtpd\ntlsmgr unix - - n 1000? 1 tlsmgr\nanvil unix - - n - 1 anvil\nproxymap unix - - n - - proxymap\n\
             rewrite unix - - n - - trivial-rewrite\npostlog unix-dgram n - n - 1 postlogd\nqmgr unix n - n 300 1 qmgr\npickup unix n - n 60 1 pickup\n"
        ),
    );
    let mut command = Command::new(postfix);
    command.args(["-c", &format!("{at}/etc"), "start-fg"]);
    let server = Server::start(command, port);
    assert_eq!(
        seen(&look_at(&[(port, "/usr/lib/postfix/sbin/master")])),
        ["smtp 0 CN=mail.corp.example,O=Example"]
    );
    assert!(
        Command::new(postfix)
            .args(["-c", &format!("{at}/etc"), "stop"])
            .output()
            .unwrap()
            .status
            .success()
    );
    drop(server);
    let log = String::from_utf8_lossy(&shop.read("log")).into_owned();
    assert!(log.contains("ehlo=1 starttls=1 quit=1"), "{log}");
    assert!(
        !log.contains("improper") && !log.contains("lost connection after STARTTLS"),
        "{log}"
    );
}

#[test]
fn a_listener_that_nothing_speaks_for_gets_not_one_byte() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let recorder = look_at(&[(port, "/opt/shop/bin/shopd"), (9100, NGINX), (515, NGINX)]);
    assert!(recorder.records.is_empty(), "{:?}", recorder.records);
    assert_eq!(
        listener.accept().unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock
    );
}

#[test]
fn a_closed_and_a_silent_listener_are_different_gaps() {
    // No other test is ever given this port.
    let closed = 1;
    let recorder = look_at(&[(closed, NGINX)]);
    assert_eq!(
        recorder
            .gaps()
            .map(|g| g.reason.clone())
            .collect::<Vec<_>>(),
        [Reason::Refused]
    );
    assert_eq!(only_coverage(&recorder), CoverageState::Partial);
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let recorder = look_at(&[(silent.local_addr().unwrap().port(), NGINX)]);
    assert_eq!(
        recorder
            .gaps()
            .map(|g| g.reason.clone())
            .collect::<Vec<_>>(),
        [Reason::TimedOut]
    );
    assert_eq!(only_coverage(&recorder), CoverageState::Partial);
}
