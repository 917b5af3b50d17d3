//! Handshakes with the servers that begin TLS in words of their own: Dovecot, vsftpd and MariaDB. They start
//! only as root, each in a directory of its own, and are ended by the test.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests; a skipped one says so"
)]

mod support;

use std::process::Command;

use groma_model::fact::CertificatePlace;
use groma_source::Recorder;
use support::{Server, Workshop, free_port, has, look_at, sightings};

/// A workshop with the pair `server`, or nothing if `program` cannot be started here.
fn prepared(program: &str) -> Option<(Workshop, String)> {
    if !has("openssl") || !has(program) {
        return None;
    }
    let identity = Command::new("id").arg("-u").output().unwrap().stdout;
    if identity.trim_ascii() != b"0" {
        eprintln!("SKIPPED: {program} starts only as root");
        return None;
    }
    let shop = Workshop::open();
    shop.pair("server", "rsa:2048", "");
    let at = shop
        .path("")
        .display()
        .to_string()
        .trim_end_matches('/')
        .to_owned();
    assert!(
        Command::new("chmod")
            .args(["755", &at])
            .status()
            .unwrap()
            .success()
    );
    Some((shop, at))
}

/// What was said, as `protocol subject`.
fn seen(recorder: &Recorder) -> Vec<String> {
    let word = |s: &&groma_model::fact::CertificateSighting| match &s.place {
        CertificatePlace::Endpoint { protocol, .. } => {
            format!("{protocol} {}", s.certificate.subject)
        }
        place @ CertificatePlace::File { .. } => panic!("{place:?}"),
    };
    let all: Vec<_> = sightings(recorder).iter().map(word).collect();
    assert!(!all.is_empty(), "{:?}", recorder.records);
    all
}

#[test]
fn dovecot_is_seen_through_imap_pop3_and_directly() {
    let dovecot = "/usr/sbin/dovecot";
    let Some((shop, at)) = prepared(dovecot) else {
        return;
    };
    let (imap, imaps, pop3) = (free_port(), free_port(), free_port());
    let configuration = format!(
        "base_dir = {at}/run\nstate_dir = {at}/state\nlog_path = {at}/log\nprotocols = imap pop3\nlisten = 127.0.0.1\nssl = yes\n\
         ssl_cert = <{at}/server.crt\nssl_key = <{at}/server.key\n\
         service imap-login {{\n inet_listener imap {{\n port = {imap}\n }}\n inet_listener imaps {{\n port = {imaps}\n ssl = yes\n }}\n}}\n\
         service pop3-login {{\n inet_listener pop3 {{\n port = {pop3}\n }}\n inet_listener pop3s {{\n port = 0\n }}\n}}\n\
         passdb {{\n driver = static\n args = nopassword=y\n}}\nuserdb {{\n driver = static\n args = uid=nobody gid=nogroup home=/nonexistent\n}}\n"
    );
    let file = shop.write("dovecot.conf", configuration);
    let mut command = Command::new(dovecot);
    command.arg("-F").arg("-c").arg(file);
    let _server = Server::start(command, imap);
    for (port, protocol) in [(imap, "imap"), (pop3, "pop3"), (imaps, "tls")] {
        assert_eq!(
            seen(&look_at(&[(port, dovecot)])),
            [format!("{protocol} CN=server.corp.example,O=Example")]
        );
    }
}

#[test]
fn vsftpd_is_asked_to_begin_tls() {
    let vsftpd = "/usr/sbin/vsftpd";
    let Some((shop, at)) = prepared(vsftpd) else {
        return;
    };
    let port = free_port();
    std::fs::create_dir(shop.path("empty")).unwrap();
    let configuration = format!(
        "listen=YES\nbackground=NO\nlisten_address=127.0.0.1\nlisten_port={port}\nanonymous_enable=YES\nlocal_enable=NO\nsecure_chroot_dir={at}/empty\n\
         ssl_enable=YES\nallow_anon_ssl=YES\nrsa_cert_file={at}/server.crt\nrsa_private_key_file={at}/server.key\nseccomp_sandbox=NO\nxferlog_enable=NO\n"
    );
    let mut command = Command::new(vsftpd);
    command.arg(shop.write("vsftpd.conf", configuration));
    let _server = Server::start(command, port);
    assert_eq!(
        seen(&look_at(&[(port, vsftpd)])),
        ["ftp CN=server.corp.example,O=Example"]
    );
}

#[test]
fn mariadb_is_asked_in_its_own_words() {
    let mariadb = "/usr/sbin/mariadbd";
    let Some((_shop, at)) = prepared(mariadb) else {
        return;
    };
    let made = Command::new("mariadb-install-db")
        .args([
            "--no-defaults",
            "--user=mysql",
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
            &format!("--datadir={at}/data"),
        ])
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stdout)
    );
    assert!(
        Command::new("chown")
            .args(["-R", "mysql", &at])
            .status()
            .unwrap()
            .success()
    );
    let start = |with_tls: bool| {
        let port = free_port();
        let mut command = Command::new(mariadb);
        command.args([
            "--no-defaults",
            "--user=mysql",
            "--bind-address=127.0.0.1",
            "--innodb-buffer-pool-size=8M",
            &format!("--port={port}"),
        ]);
        command.args([
            &format!("--datadir={at}/data"),
            &format!("--socket={at}/socket"),
            &format!("--pid-file={at}/pid"),
        ]);
        if with_tls {
            command.args([
                &format!("--ssl-cert={at}/server.crt"),
                &format!("--ssl-key={at}/server.key"),
            ]);
        }
        Server::start(command, port)
    };
    let server = start(true);
    assert_eq!(
        seen(&look_at(&[(server.port, mariadb)])),
        ["mysql CN=server.corp.example,O=Example"]
    );
    drop(server);
    let server = start(false);
    let recorder = look_at(&[(server.port, mariadb)]);
    assert_eq!(
        (recorder.facts().count(), recorder.gaps().count()),
        (0, 0),
        "without TLS it presents nothing: {:?}",
        recorder.records
    );
}
