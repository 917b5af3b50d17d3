//! Certificates made by the openssl program while the test runs, servers on loopback, and the real network.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "test support: each binary uses its part, and a skipped test says so"
)]

use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use groma_model::fact::{CertificateSighting, Program};
use groma_model::{Fact, Port};
use groma_source::testing::FakeDisk;
use groma_source::{Budget, Recorder, Source, Stop, Window, World};
use groma_source_x509::{CertificateEndpoints, CertificateFiles, CertificateUses, Endpoint};

/// True if `program` can be started; if not, says aloud that the test is skipped.
pub fn has(program: &str) -> bool {
    let found = Path::new(program).exists()
        || Command::new(program)
            .arg("version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok();
    if !found {
        eprintln!("SKIPPED: {program} is not installed here");
    }
    found
}

/// A directory with freshly made keys and certificates; gone when dropped.
pub struct Workshop {
    directory: tempfile::TempDir,
}

impl Workshop {
    pub fn open() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    /// Runs openssl in this directory; its words are split at spaces.
    pub fn openssl(&self, words: &str) {
        let output = Command::new("openssl")
            .args(words.split(' '))
            .current_dir(self.directory.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "openssl {words}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// A self-signed pair `NAME.key`, `NAME.crt`, with further words for `openssl req`.
    pub fn pair(&self, name: &str, algorithm: &str, more: &str) {
        let words = format!(
            "req -x509 -nodes -newkey {algorithm} -keyout {name}.key -out {name}.crt -subj /O=Example/CN={name}.corp.example {more}"
        );
        self.openssl(words.trim_end());
    }

    /// `leaf.crt`, `middle.crt`, `root.crt`, and `chain.pem` with all three.
    pub fn chain(&self) {
        self.openssl("req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-384 -keyout root.key -out root.crt -days 3650 -subj /O=Example/CN=Root");
        self.write("middle.ext", "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n");
        self.write(
            "leaf.ext",
            "subjectAltName=DNS:www.corp.example,DNS:mail.corp.example,IP:10.1.2.3,IP:fd00::5,email:post@corp.example\n\
             crlDistributionPoints=URI:http://crl.corp.example/middle.crl,URI:ldap:///CN=x\n\
             authorityInfoAccess=OCSP;URI:http://ocsp.corp.example:8080/,caIssuers;URI:http://10.1.2.4/middle.crt\n\
             authorityKeyIdentifier=keyid\nbasicConstraints=CA:FALSE\n",
        );
        for (name, issuer, algorithm) in [
            ("middle", "root", "rsa:2048"),
            ("leaf", "middle", "ed25519"),
        ] {
            self.openssl(&format!("req -new -nodes -newkey {algorithm} -keyout {name}.key -out {name}.csr -subj /O=Example/CN={name}"));
            self.openssl(&format!("x509 -req -in {name}.csr -CA {issuer}.crt -CAkey {issuer}.key -CAcreateserial -days 90 -extfile {name}.ext -out {name}.crt"));
        }
        self.write(
            "chain.pem",
            [
                self.read("leaf.crt"),
                self.read("middle.crt"),
                self.read("root.crt"),
            ]
            .concat(),
        );
    }
}

/// A server this test started; ended, by its id, when dropped.
pub struct Server {
    child: Child,
    pub port: u16,
}

impl Server {
    /// Starts `command` and waits until `port` answers.
    pub fn start(mut command: Command, port: u16) -> Self {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { child, port };
        for _ in 0..200 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return server;
            }
            assert!(
                server.child.try_wait().unwrap().is_none(),
                "{command:?} ended at once"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{command:?} does not listen on {port}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A polite end first: a server with children takes them along.
        let _ = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
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

/// A port of loopback nobody uses now.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// This machine's network and clock over a made-up disk.
pub fn world(disk: FakeDisk) -> World {
    World {
        disk: Arc::new(disk),
        ..groma_sys::this_machine(true)
    }
}

fn look(source: &mut dyn Source, world: &World) -> Recorder {
    let mut recorder = Recorder::new(source.name());
    let window = Window::open(
        world.clock.clone(),
        Stop::default(),
        Duration::from_secs(1),
        Duration::from_secs(60),
    );
    let budget = Budget {
        packets_per_host_per_second: 100,
        network_timeout_ms: 10_000,
        ..Budget::default()
    };
    source.look(&window, &budget, &mut recorder);
    recorder
}

/// One look at listeners on 127.0.0.1, each with the program that holds it.
pub fn look_at(listeners: &[(u16, &str)]) -> Recorder {
    let world = world(FakeDisk::new().file("/etc/hostname", "www.corp.example\n"));
    let endpoint = |&(port, executable): &(u16, &str)| Endpoint {
        heard: None,
        address: Ipv4Addr::UNSPECIFIED.into(),
        port: Port(port),
        program: Program {
            executable: Some(executable.into()),
            ..Program::default()
        },
    };
    look(
        &mut CertificateEndpoints::new(world.clone(), listeners.iter().map(endpoint).collect()),
        &world,
    )
}

/// One look at files.
pub fn look_in(disk: FakeDisk) -> Recorder {
    let world = world(disk);
    look(&mut CertificateFiles::new(world.clone()), &world)
}

/// One look at settings that name certificates.
pub fn look_for_uses(disk: FakeDisk) -> Recorder {
    let world = world(disk);
    look(&mut CertificateUses::new(world.clone()), &world)
}

/// The uses among what was said, as `UNIT ROLE FILE by SETTINGS:LINE`.
pub fn uses(recorder: &Recorder) -> Vec<String> {
    let line = |fact: &Fact| match fact {
        Fact::CertificateUse(used) => Some(format!(
            "{} {:?} {} by {}:{}",
            used.component.name, used.role, used.certificate_file, used.file, used.line
        )),
        _ => None,
    };
    recorder.facts().filter_map(line).collect()
}

/// The sightings among what was said.
pub fn sightings(recorder: &Recorder) -> Vec<&CertificateSighting> {
    recorder.facts().filter_map(sighting).collect()
}

fn sighting(fact: &Fact) -> Option<&CertificateSighting> {
    match fact {
        Fact::Certificate(sighting) => Some(sighting),
        _ => None,
    }
}

pub const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
