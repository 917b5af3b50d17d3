//! Real servers on loopback, each at a port that is not its own by habit. Every one is ended by the test that started it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests; a skipped one says so"
)]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use groma_model::fact::{SeenService, ServiceAnswer};
use groma_model::{Fact, Port, Transport};
use groma_source::{Budget, Recorder, Source, Stop, Window};
use groma_source_service::{OpenPort, ServiceSource};

/// A server this test started, in a folder of its own; ended, by its id, when dropped.
struct Server {
    child: Child,
    port: u16,
    _at: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        for _ in 0..60 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts `program` with the words `arguments` makes of its folder and port; nothing if it is not here. A port that was free
/// a moment ago may be another test's by then: then once more, with another.
fn start(program: &str, arguments: impl Fn(&Path, u16) -> Vec<String>) -> Option<Server> {
    if !Path::new(program).exists() || !is_root() {
        eprintln!("SKIPPED: {program} is not here, or this is not root");
        return None;
    }
    let started = (0..3).find_map(|_| try_to_start(program, &arguments));
    assert!(started.is_some(), "{program} ended at once, three times");
    started
}

fn try_to_start(program: &str, arguments: &impl Fn(&Path, u16) -> Vec<String>) -> Option<Server> {
    let at = tempfile::tempdir().unwrap();
    std::fs::set_permissions(at.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut command = Command::new(program);
    command
        .args(arguments(at.path(), port))
        .current_dir(at.path());
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // smbd ends its whole group when it is ended: it gets one of its own.
        .process_group(0)
        .spawn()
        .unwrap();
    let mut server = Server {
        child,
        port,
        _at: at,
    };
    for _ in 0..400 {
        if server.child.try_wait().unwrap().is_some() {
            return None;
        }
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Some(server);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{program} does not listen on {port}");
}

fn is_root() -> bool {
    let who = Command::new("id").arg("-u").output().unwrap().stdout;
    who.trim_ascii() == b"0"
}

fn run(program: &str, words: &[&str]) {
    let output = Command::new(program).args(words).output().unwrap();
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn look(port: u16) -> Recorder {
    let world = groma_sys::this_machine(true);
    let open = OpenPort {
        address: Ipv4Addr::LOCALHOST.into(),
        port: Port(port),
        transport: Transport::Tcp,
    };
    let mut source = ServiceSource::new(world.clone(), [open]);
    let mut recorder = Recorder::new(source.name());
    let window = Window::open(
        world.clock.clone(),
        Stop::default(),
        Duration::from_secs(1),
        Duration::from_secs(90),
    );
    let budget = Budget {
        packets_per_host_per_second: 100,
        network_timeout_ms: 3_000,
        ..Budget::default()
    };
    source.look(&window, &budget, &mut recorder);
    recorder
}

/// What the one service at `port` answered.
fn answer(port: u16) -> ServiceAnswer {
    let told = look(port);
    let mut seen = told.facts().filter_map(|fact| match fact {
        Fact::SeenService(SeenService { answer, .. }) => Some(answer.clone()),
        _ => None,
    });
    seen.next().unwrap_or_else(|| panic!("{:?}", told.records))
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|w| (*w).to_owned()).collect()
}

#[test]
fn sshd_proves_its_host_key() {
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let fingerprint = std::cell::RefCell::new(String::new());
        let server = start("/usr/sbin/sshd", |at, port| {
            let _ = std::fs::create_dir("/run/sshd");
            let key = at.join("key").display().to_string();
            run("ssh-keygen", &["-q", "-t", kind, "-N", "", "-f", &key]);
            let line = Command::new("ssh-keygen")
                .args(["-l", "-f", &key])
                .output()
                .unwrap();
            let line = String::from_utf8(line.stdout).unwrap();
            *fingerprint.borrow_mut() = line.split(' ').nth(1).unwrap().to_owned();
            let file = at.join("sshd_config");
            let text = format!(
                "Port {port}\nListenAddress 127.0.0.1\nHostKey {key}\nPidFile none\nUsePAM no\n"
            );
            std::fs::write(&file, text).unwrap();
            words(&["-D", "-f", file.to_str().unwrap()])
        });
        let Some(server) = server else { return };
        let told = answer(server.port);
        assert_eq!(told.protocol, "ssh");
        assert_eq!(told.product.as_deref(), Some("OpenSSH"));
        assert!(
            told.version.is_some() && told.proof.starts_with("SSH-2.0-OpenSSH_"),
            "{told:?}"
        );
        assert_eq!(told.host_keys, [fingerprint.into_inner()], "{kind}");
    }
}

#[test]
fn nginx_is_known_with_and_without_tls() {
    for tls in [false, true] {
        let server = start("/usr/sbin/nginx", |at, port| {
            let here = at.display();
            if tls {
                let (key, certificate) = (format!("{here}/k"), format!("{here}/c"));
                run(
                    "openssl",
                    &[
                        "req",
                        "-x509",
                        "-nodes",
                        "-newkey",
                        "ec",
                        "-pkeyopt",
                        "ec_paramgen_curve:P-256",
                        "-keyout",
                        &key,
                        "-out",
                        &certificate,
                        "-subj",
                        "/CN=x",
                    ],
                );
            }
            let secure = if tls {
                format!(" ssl;\n ssl_certificate {here}/c; ssl_certificate_key {here}/k")
            } else {
                String::new()
            };
            let text = format!(
                "daemon off; pid {here}/pid; error_log {here}/e; events {{}}\nhttp {{ access_log off;\nserver {{ listen 127.0.0.1:{port}{secure};\n\
                 location / {{ default_type text/html; return 200 '<html><title>Order desk</title>'; }} }} }}"
            );
            std::fs::write(at.join("nginx.conf"), text).unwrap();
            words(&[
                "-p",
                at.to_str().unwrap(),
                "-c",
                at.join("nginx.conf").to_str().unwrap(),
            ])
        });
        let Some(server) = server else { return };
        let told = answer(server.port);
        assert_eq!(told.protocol, "http", "{told:?}");
        assert_eq!(told.product.as_deref(), Some("nginx"));
        assert_eq!(told.title.as_deref(), Some("Order desk"));
        assert_eq!(told.tls.is_some_and(|v| v.starts_with("TLS 1.")), tls);
    }
}

#[test]
fn slapd_says_what_it_answers_for() {
    let server = start("/usr/sbin/slapd", |at, port| {
        let here = at.display();
        let text = format!(
            "include /etc/ldap/schema/core.schema\nmoduleload back_mdb\nmodulepath /usr/lib/ldap\npidfile {here}/pid\n\
             database mdb\nsuffix \"dc=corp,dc=example\"\ndirectory {here}\n"
        );
        std::fs::write(at.join("slapd.conf"), text).unwrap();
        let url = format!("ldap://127.0.0.1:{port}");
        words(&[
            "-d",
            "0",
            "-f",
            at.join("slapd.conf").to_str().unwrap(),
            "-h",
            &url,
        ])
    });
    let Some(server) = server else { return };
    let told = answer(server.port);
    assert_eq!(told.protocol, "ldap", "{told:?}");
    assert_eq!(told.product.as_deref(), Some("OpenLDAP"));
    assert_eq!(told.answers_for, ["dc=corp,dc=example"]);
}

#[test]
fn smbd_names_itself_before_anybody_logs_on() {
    let server = start("/usr/sbin/smbd", |at, port| {
        let here = at.display();
        let text = format!(
            "[global]\nnetbios name = FILES1\nworkgroup = CORP\nsmb ports = {port}\ninterfaces = 127.0.0.1\nbind interfaces only = yes\n\
             private dir = {here}\nlock directory = {here}\nstate directory = {here}\ncache directory = {here}\npid directory = {here}\n\
             log file = {here}/log\nncalrpc dir = {here}/rpc\nserver min protocol = NT1\ndisable spoolss = yes\nload printers = no\n"
        );
        std::fs::write(at.join("smb.conf"), text).unwrap();
        words(&[
            "-F",
            "--no-process-group",
            "-s",
            at.join("smb.conf").to_str().unwrap(),
        ])
    });
    let Some(server) = server else { return };
    let told = answer(server.port);
    assert_eq!(told.protocol, "smb", "{told:?}");
    assert!(told.names.contains(&"FILES1".to_owned()), "{told:?}");
    let version = told.version.unwrap_or_default();
    assert!(
        version.contains("SMB 1") && version.contains("SMB 3"),
        "{version}"
    );
}

#[test]
fn mariadb_is_told_by_its_first_packet() {
    let maria = start("/usr/sbin/mariadbd", |at, port| {
        let data = at.join("data").display().to_string();
        run(
            "mariadb-install-db",
            &[
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--user=root",
                &format!("--datadir={data}"),
            ],
        );
        words(&[
            "--no-defaults",
            "--user=root",
            &format!("--datadir={data}"),
            &format!("--port={port}"),
            "--bind-address=127.0.0.1",
            &format!("--socket={}", at.join("s").display()),
            &format!("--pid-file={}", at.join("p").display()),
        ])
    });
    let Some(server) = maria else { return };
    let told = answer(server.port);
    assert_eq!(
        (told.protocol.as_str(), told.product.as_deref()),
        ("mysql", Some("MariaDB"))
    );
    assert!(told.version.is_some_and(|v| v.starts_with("1")));
}

#[test]
fn redis_is_told_by_what_it_refuses() {
    let server = start("/usr/bin/redis-server", |at, port| {
        words(&[
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            at.to_str().unwrap(),
        ])
    });
    let Some(server) = server else { return };
    let told = answer(server.port);
    assert_eq!(
        (told.protocol.as_str(), told.product.as_deref()),
        ("redis", Some("Redis")),
        "{told:?}"
    );
}

#[test]
fn vsftpd_is_no_mail_server() {
    let server = start("/usr/sbin/vsftpd", |at, port| {
        let file = at.join("vsftpd.conf");
        let text = format!(
            "listen=YES\nlisten_address=127.0.0.1\nlisten_port={port}\nbackground=NO\nanonymous_enable=NO\nlocal_enable=YES\nsecure_chroot_dir={}\n",
            at.display()
        );
        std::fs::write(&file, text).unwrap();
        words(&[file.to_str().unwrap()])
    });
    let Some(server) = server else { return };
    let told = answer(server.port);
    assert_eq!(
        (told.protocol.as_str(), told.product.as_deref()),
        ("ftp", Some("vsftpd")),
        "{told:?}"
    );
}

#[test]
fn bind_is_told_by_its_answer() {
    let server = start("/usr/sbin/named", |at, port| {
        let text = format!(
            "options {{ directory \"{0}\"; pid-file none; session-keyfile \"{0}/s\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n\
             recursion no; empty-zones-enable yes; }}; controls {{ }};
             zone \"0.0.127.in-addr.arpa\" {{ type primary; file \"reverse\"; }};",
            at.display()
        );
        let zone = "$TTL 3600\n@ SOA ns1.corp.example. host.corp.example. 1 1h 1h 1d 1h\n@ NS ns1.corp.example.\n";
        std::fs::write(at.join("reverse"), zone).unwrap();
        std::fs::write(at.join("named.conf"), text).unwrap();
        words(&["-g", "-c", at.join("named.conf").to_str().unwrap()])
    });
    let Some(server) = server else { return };
    let told = answer(server.port);
    assert_eq!(told.protocol, "dns", "{told:?}");
    // BIND makes 127.in-addr.arpa by itself, for nobody: that is none of its zones.
    assert_eq!(
        told.answers_for,
        ["0.0.127.in-addr.arpa"],
        "no recursion: {told:?}"
    );
}

#[test]
fn tls_of_yesterday_is_told_with_its_version() {
    let server = start("/usr/bin/openssl", |at, port| {
        make_certificate(at);
        let port = port.to_string();
        words(&[
            "s_server",
            "-quiet",
            "-accept",
            &port,
            "-tls1",
            "-cipher",
            "DEFAULT@SECLEVEL=0",
            "-cert",
            "c",
            "-key",
            "k",
        ])
    });
    let Some(server) = server else { return };
    let told = answer(server.port);
    assert_eq!(
        (told.protocol.as_str(), told.tls.as_deref()),
        ("tls", Some("TLS 1.0")),
        "{told:?}"
    );
    assert!(told.proof.starts_with("\\x16\\x03\\x01"), "{told:?}");
}

#[test]
fn tls_that_wants_nobody_we_can_be_is_told_with_its_refusal() {
    let server = start("/usr/bin/openssl", |_, port| {
        let port = port.to_string();
        words(&[
            "s_server",
            "-quiet",
            "-accept",
            &port,
            "-nocert",
            "-tls1_2",
            "-psk",
            "0102030405060708",
            "-cipher",
            "PSK",
        ])
    });
    let Some(server) = server else { return };
    let told = answer(server.port);
    assert_eq!(told.protocol, "tls", "{told:?}");
    assert!(told.tls.is_some_and(|tls| tls.contains("not offered")));
    assert!(
        told.proof.starts_with("\\x15\\x03"),
        "an alert: {}",
        told.proof
    );
}

fn make_certificate(at: &Path) {
    let (certificate, key) = (at.join("c"), at.join("k"));
    run(
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=old",
            "-keyout",
            key.to_str().unwrap(),
            "-out",
            certificate.to_str().unwrap(),
        ],
    );
}

/// A screen nobody sees, for a desktop that can be shared.
struct Screen(Child, String);

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn screen() -> Option<Screen> {
    use std::io::BufRead;
    let xvfb = Command::new("/usr/bin/Xvfb")
        .args([
            "-displayfd",
            "1",
            "-nolisten",
            "tcp",
            "-screen",
            "0",
            "640x480x24",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = xvfb else {
        eprintln!("SKIPPED: Xvfb is not here");
        return None;
    };
    let mut line = String::new();
    let out = child.stdout.take().unwrap();
    std::io::BufReader::new(out).read_line(&mut line).unwrap();
    Some(Screen(child, format!(":{}", line.trim())))
}

#[test]
fn a_desktop_that_wants_credentials_first_names_its_machine() {
    const SHADOW: &str = "/usr/bin/freerdp-shadow-cli";
    if !Path::new(SHADOW).exists() {
        eprintln!("SKIPPED: {SHADOW} is not here");
        return;
    }
    let Some(screen) = screen() else { return };
    let server = start("/usr/bin/env", |at, port| {
        vec![
            format!("DISPLAY={}", screen.1),
            format!("HOME={}", at.display()),
            SHADOW.to_owned(),
            format!("/port:{port}"),
            "/bind-address:127.0.0.1".to_owned(),
            "/sec:nla".to_owned(),
            "+auth".to_owned(),
        ]
    });
    let Some(server) = server else { return };
    let told = answer(server.port);
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let name = name.trim().to_ascii_lowercase();
    assert_eq!(told.protocol, "rdp", "{told:?}");
    assert_eq!(told.asks_for, ["network level authentication"]);
    let called = |n: &String| name.starts_with(&n.to_ascii_lowercase());
    assert!(told.names.iter().any(called), "{name}: {told:?}");
}

/// A listener that says `words` to whoever comes, and then does `then`.
fn impostor(words: &'static [u8], closes: bool) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(12) {
            let Ok(mut stream) = stream else { return };
            let _ = stream.write_all(words);
            if !closes {
                std::thread::spawn(move || {
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
                    let _ = stream.read(&mut [0; 64]);
                });
            }
        }
    });
    port
}

#[test]
fn who_answers_garbage_is_named_nothing() {
    for words in [
        &b"\x01\x02\x03\x04\x05"[..],
        b"hello\r\n",
        b"\xff\xff\xff\xff\xff\xff",
    ] {
        let told = look(impostor(words, true));
        assert!(
            told.facts()
                .all(|fact| !matches!(fact, Fact::SeenService(_))),
            "{:?}",
            told.records
        );
        assert_eq!(told.gaps().count(), 1);
    }
}

#[test]
fn who_never_ends_is_left_in_time() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(12) {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                // Far more than anybody reads, without an end of line.
                for _ in 0..64 {
                    if stream.write_all(&[b'x'; 64 << 10]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    let told = look(port);
    assert_eq!(told.gaps().count(), 1, "{:?}", told.records);
}

/// Starts a server as `start`, and what it answers at its port.
fn answered(program: &str, arguments: impl Fn(&Path, u16) -> Vec<String>) -> Option<ServiceAnswer> {
    let server = start(program, arguments)?;
    Some(answer(server.port))
}

/// This machine's own name, as servers without settings of their own take it.
fn own_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let first = name
        .trim()
        .split('.')
        .next()
        .unwrap_or_default()
        .to_uppercase();
    first.chars().take(15).collect()
}

#[test]
fn a_web_server_that_offers_ntlm_names_its_machine() {
    let modules = "/usr/lib/apache2/modules";
    let mechanism = "/etc/gss/mech.d/mech.ntlmssp.conf";
    if !Path::new(mechanism).exists() || !Path::new(modules).join("mod_auth_gssapi.so").exists() {
        eprintln!("SKIPPED: mod_auth_gssapi or gss-ntlmssp is not here");
        return;
    }
    for way in [
        "GSSAPI\nGssapiAllowedMech ntlmssp\nGssapiConnectionBound On",
        "Basic\nAuthUserFile /dev/null",
    ] {
        let told = answered("/usr/sbin/apache2", |at, port| {
            let here = at.display();
            let module = |name: &str| format!("LoadModule {name}_module {modules}/mod_{name}.so\n");
            let all = [
                "mpm_prefork",
                "authn_core",
                "authz_core",
                "authz_user",
                "auth_gssapi",
                "auth_basic",
                "authn_file",
            ];
            let loaded = all.map(module).concat();
            let text = format!(
                "ServerRoot {here}\nPidFile {here}/pid\nErrorLog {here}/e\nListen 127.0.0.1:{port}\nServerName x\nUser nobody\n{loaded}\
                 <Location />\nAuthName x\nAuthType {way}\nRequire valid-user\n</Location>\n"
            );
            std::fs::write(at.join("apache.conf"), text).unwrap();
            words(&["-X", "-f", at.join("apache.conf").to_str().unwrap()])
        });
        let Some(told) = told else { return };
        assert_eq!(told.protocol, "http", "{told:?}");
        assert_eq!(told.product.as_deref(), Some("Apache httpd"), "{told:?}");
        // The twin offers no NTLM, and is sent none.
        let names = if way.starts_with("GSSAPI") {
            vec![own_name()]
        } else {
            Vec::new()
        };
        assert!(
            names.iter().all(|name| told.names.contains(name)),
            "{told:?}"
        );
        assert_eq!(told.names.is_empty(), names.is_empty(), "{told:?}");
        assert!(
            !format!("{told:?}").contains("TlRMTVNTUAAC"),
            "a challenge left"
        );
    }
}

#[test]
fn a_mail_server_that_offers_ntlm_names_its_machine() {
    if !Path::new("/usr/bin/ntlm_auth").exists() {
        eprintln!("SKIPPED: Samba's ntlm_auth is not here");
        return;
    }
    for (protocol, ways) in [
        ("imap", "plain ntlm"),
        ("pop3", "plain ntlm"),
        ("imap", "plain"),
    ] {
        let told = answered("/usr/sbin/dovecot", |at, port| {
            let here = at.display();
            let text = format!(
                "base_dir = {here}/run\nlog_path = {here}/log\nprotocols = {protocol}\nssl = no\ndisable_plaintext_auth = no\n\
                 auth_mechanisms = {ways}\nauth_use_winbind = yes\nauth_winbind_helper_path = /usr/bin/ntlm_auth\n\
                 default_login_user = nobody\ndefault_internal_user = nobody\ndefault_internal_group = nogroup\n\
                 service {protocol}-login {{\n chroot =\n inet_listener {protocol} {{\n  address = 127.0.0.1\n  port = {port}\n }}\n\
                 inet_listener {protocol}s {{\n  port = 0\n }}\n}}\nservice anvil {{\n chroot =\n}}\n\
                 passdb {{\n driver = static\n args = password=x\n}}\nuserdb {{\n driver = static\n args = uid=nobody gid=nogroup home={here}\n}}\n"
            );
            std::fs::write(at.join("dovecot.conf"), text).unwrap();
            words(&["-F", "-c", at.join("dovecot.conf").to_str().unwrap()])
        });
        let Some(told) = told else { return };
        assert_eq!(told.protocol, protocol, "{told:?}");
        let names = if ways.contains("ntlm") {
            vec![own_name()]
        } else {
            Vec::new()
        };
        assert!(
            names.iter().all(|name| told.names.contains(name)),
            "{told:?}"
        );
        assert_eq!(told.names.is_empty(), names.is_empty(), "{told:?}");
        assert!(told.asks_for.contains(&"PLAIN".to_owned()), "{told:?}");
    }
}

/// A server of pictures, as cameras have one.
const PICTURES: &str = r"
import sys, gi
gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0')
from gi.repository import Gst, GstRtspServer, GLib
Gst.init(None)
server = GstRtspServer.RTSPServer(); server.set_address('127.0.0.1'); server.set_service(sys.argv[1])
pictures = GstRtspServer.RTSPMediaFactory(); pictures.set_launch('( videotestsrc ! rtpvrawpay name=pay0 )')
server.get_mount_points().add_factory('/', pictures); server.attach(None); GLib.MainLoop().run()
";

#[test]
fn a_server_of_pictures_names_its_program() {
    const PYTHON: &str = "/usr/bin/python3";
    let module = "import gi; gi.require_version('GstRtspServer', '1.0')";
    let has = Command::new(PYTHON).args(["-c", module]).output();
    if !has.is_ok_and(|done| done.status.success()) {
        eprintln!("SKIPPED: GStreamer's RTSP server is not here");
        return;
    }
    let told = answered(PYTHON, |_, port| {
        words(&["-c", PICTURES, &port.to_string()])
    });
    let Some(told) = told else { return };
    assert_eq!(told.protocol, "rtsp", "{told:?}");
    assert_eq!(told.product.as_deref(), Some("GStreamer RTSP server"));
}
