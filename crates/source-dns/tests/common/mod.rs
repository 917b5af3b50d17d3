//! A real BIND on a loopback port, and a network that lets every packet through.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests; a skipped one says so"
)]

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use groma_source::{Network, Stream};

const NAMED: &str = "/usr/sbin/named";

/// A BIND this test started; ended, by its id, when dropped.
pub(crate) struct Named {
    child: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Named {
    /// Starts it with these zones, of which one is `corp.example`, or says aloud why not.
    pub(crate) fn start(zones: &[(&str, &str)]) -> Option<Self> {
        if !Path::new(NAMED).exists() {
            eprintln!("SKIPPED: {NAMED} is not installed here");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let at = directory.path().display();
        let zone = |(name, text): &(&str, &str)| {
            std::fs::write(directory.path().join(name), text).unwrap();
            format!("zone \"{name}\" {{ type master; file \"{at}/{name}\"; }};\n")
        };
        let zones: String = zones.iter().map(zone).collect();
        let configuration = format!(
            "options {{ directory \"{at}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; pid-file none;
             session-keyfile \"{at}/session.key\"; dnssec-validation no; empty-zones-enable no; notify no; }};
             controls {{ }};\n{zones}"
        );
        let file = directory.path().join("named.conf");
        std::fs::write(&file, configuration).unwrap();
        let mut command = Command::new(NAMED);
        command
            .args(["-g", "-n", "1", "-c"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut named = Self {
            child: command.spawn().unwrap(),
            port,
            _directory: directory,
        };
        named.wait_until_it_answers();
        Some(named)
    }

    /// Asks for the SOA of the zone until an answer without an error comes.
    fn wait_until_it_answers(&mut self) {
        let question = b"\x00\x07\0\0\0\x01\0\0\0\0\0\0\x04corp\x07example\0\0\x06\0\x01";
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        for _ in 0..200 {
            assert!(
                self.child.try_wait().unwrap().is_none(),
                "named ended at once"
            );
            let _ = socket.send_to(question, (Ipv4Addr::LOCALHOST, self.port));
            let mut answer = [0; 512];
            if socket.recv(&mut answer).is_ok() && answer[3] & 15 == 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("named does not answer");
    }

    pub(crate) fn resolv_conf(&self) -> String {
        format!(
            "nameserver [127.0.0.1]:{}\nsearch corp.example\n",
            self.port
        )
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A network that would let every packet through; no test may send one to the outside by it.
pub(crate) struct Online;

impl Network for Online {
    fn open(&self, _: std::net::SocketAddr, _: Duration) -> std::io::Result<Box<dyn Stream>> {
        Err(std::io::ErrorKind::ConnectionRefused.into())
    }
    fn is_offline(&self) -> bool {
        false
    }
    fn is_local(&self, address: std::net::IpAddr) -> bool {
        address.is_loopback()
    }
}
