//! Many listeners at a time, as in a laboratory: a real server among others that do what no server should, at
//! addresses of loopback, through the network that lets nobody pass whom the ceiling does not name.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests; a skipped one says so"
)]

mod support;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use groma_model::fact::{CertificatePlace, Program};
use groma_model::{Port, Reason};
use groma_source::manners::{
    Ceiling, LaboratoryNetwork, Manners, Network as Range, Target, Targets,
};
use groma_source::testing::FakeDisk;
use groma_source::{Budget, Recorder, Source, Stop, Window, World};
use groma_source_x509::{CertificateEndpoints, Endpoint};
use support::{Server, Workshop, free_port, has, sightings};

/// Each test measures time, and some servers here take a processor: one after the other.
static ALONE: Mutex<()> = Mutex::new(());

/// This machine as a laboratory: 127.0.0.0/8 but for 127.9.0.0/16 may be asked without restraint.
fn laboratory() -> World {
    let own = support::world(FakeDisk::new());
    let ceiling = Ceiling {
        unrestrained: ["127.0.0.0/16", "127.1.0.0/16"]
            .map(|text| Range::parse(text).unwrap())
            .to_vec(),
        ..Ceiling::default()
    };
    let named = ["127.0.0.0/22", "127.1.0.0/22", "127.9.0.0/24"];
    let named = named.map(|text| Target::parse(text).unwrap());
    let targets = Targets::of(&named, &[], &[]).unwrap();
    let manners = Arc::new(Mutex::new(Manners::new(ceiling, targets, &[])));
    let network = LaboratoryNetwork::new(
        own.network.clone(),
        manners,
        own.clock.clone(),
        own.disk.clone(),
        Stop::default(),
    );
    World {
        network: Arc::new(network),
        ..own
    }
}

fn look(endpoints: Vec<Endpoint>, timeout: Duration) -> (Recorder, Duration) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let world = laboratory();
    let mut source = CertificateEndpoints::of_others(world.clone(), endpoints).without_restraint();
    let window = Window::open(
        world.clock.clone(),
        Stop::default(),
        Duration::ZERO,
        Duration::from_secs(120),
    );
    let budget = Budget {
        network_timeout_ms: u64::try_from(timeout.as_millis()).unwrap(),
        ..Budget::default()
    };
    let mut recorder = Recorder::new(source.name());
    let begun = Instant::now();
    source.look(&window, &budget, &mut recorder);
    (recorder, begun.elapsed())
}

fn endpoint(address: [u8; 4], port: u16, heard: &str) -> Endpoint {
    Endpoint {
        address: Ipv4Addr::from(address).into(),
        port: Port(port),
        program: Program::default(),
        heard: Some(heard.to_owned()),
    }
}

/// Serves whoever calls at any address of loopback, each on a thread of its own, until the test ends.
fn serve(how: fn(TcpStream)) -> u16 {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || how(stream));
        }
    });
    port
}

fn endless_greeting(mut stream: TcpStream) {
    while stream.write_all(b"220-and one line more\r\n").is_ok() {}
}

fn endless_bytes(mut stream: TcpStream) {
    while stream.write_all(&[0x16; 4_096]).is_ok() {}
}

fn a_byte_now_and_then(mut stream: TcpStream) {
    while stream.write_all(b"2").is_ok() {
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn garbage(mut stream: TcpStream) {
    let mut word = [0; 512];
    let _ = stream.read(&mut word);
    let nonsense: Vec<u8> = word
        .iter()
        .rev()
        .map(|byte| byte.wrapping_mul(167))
        .collect();
    let _ = stream.write_all(&[&[22, 3, 3, 0xff, 0xff][..], &nonsense].concat());
}

fn nothing(stream: TcpStream) {
    std::thread::sleep(Duration::from_secs(20));
    drop(stream);
}

fn goodbye(stream: TcpStream) {
    drop(stream);
}

#[test]
fn servers_that_misbehave_keep_nobody_from_the_certificates_of_others() {
    let nginx = "/usr/sbin/nginx";
    if !has("openssl") || !has(nginx) {
        return;
    }
    let shop = Workshop::open();
    shop.pair("server", "ec -pkeyopt ec_paramgen_curve:P-256", "");
    let (port, at) = (free_port(), shop.path("").display().to_string());
    let at = at.trim_end_matches('/');
    let settings = format!(
        "daemon off; master_process off; pid {at}/pid; error_log {at}/log; events {{ }}\n\
         http {{ access_log off; client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;\n\
         server {{ listen {port} ssl; ssl_certificate {at}/server.crt; ssl_certificate_key {at}/server.key; return 200 ok; }} }}\n"
    );
    let mut command = Command::new(nginx);
    command.arg("-c").arg(shop.write("nginx.conf", settings));
    let _server = Server::start(command, port);
    let mut all: Vec<Endpoint> = (1..=24)
        .map(|host| endpoint([127, 0, 0, host], port, "tls"))
        .collect();
    let bad: [fn(TcpStream); 6] = [
        endless_greeting,
        endless_bytes,
        a_byte_now_and_then,
        garbage,
        nothing,
        goodbye,
    ];
    for how in bad {
        let port = serve(how);
        for host in 1..=6 {
            all.push(endpoint([127, 0, 1, host], port, "tls"));
            all.push(endpoint([127, 0, 2, host], port, "smtp"));
            all.push(endpoint([127, 0, 3, host], port, "ldap"));
        }
    }
    let asked = all.len();
    let timeout = Duration::from_secs(4);
    let (recorder, took) = look(all, timeout);
    let seen: BTreeSet<IpAddr> = sightings(&recorder)
        .iter()
        .map(|s| match &s.place {
            CertificatePlace::Endpoint { address, .. } => *address,
            place @ CertificatePlace::File { .. } => panic!("{place:?}"),
        })
        .collect();
    let good: BTreeSet<IpAddr> = (1..=24)
        .map(|host| Ipv4Addr::new(127, 0, 0, host).into())
        .collect();
    assert_eq!(seen, good, "{:?}", recorder.gaps().collect::<Vec<_>>());
    assert_eq!(recorder.coverage().count(), asked, "each has an end");
    // Two rounds of the 64 talkers, if each of the others took all its time; the rest is for a busy machine.
    assert!(took < timeout * 8, "{took:?}");
}

/// A port at which connections are dropped: a queue of one, that nobody takes from.
fn silent() -> (TcpListener, Vec<TcpStream>) {
    let full = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = full.local_addr().unwrap().port();
    let to = SocketAddr::from(([127, 0, 0, 1], port));
    let waiting =
        std::iter::from_fn(|| TcpStream::connect_timeout(&to, Duration::from_millis(200)).ok());
    let waiting: Vec<TcpStream> = waiting.take(20_000).collect();
    (full, waiting)
}

#[test]
fn a_thousand_silent_machines_cost_one_timeout() {
    let (full, _waiting) = silent();
    let port = full.local_addr().unwrap().port();
    let all = (0..1_000_u16).map(|n| {
        let [high, low] = (n + 1).to_be_bytes();
        endpoint([127, 1, high, low], port, "tls")
    });
    let all: Vec<Endpoint> = all
        .filter(|e| !e.address.to_string().ends_with(".255"))
        .collect();
    let (asked, timeout) = (all.len(), Duration::from_millis(900));
    let (recorder, took) = look(all, timeout);
    let timed_out = recorder.gaps().filter(|gap| gap.reason == Reason::TimedOut);
    assert_eq!(timed_out.count(), asked, "{:?}", recorder.gaps().next());
    assert!(took < timeout * 3, "{took:?}");
}

#[test]
fn whom_the_ceiling_does_not_name_is_not_called() {
    let port = serve(goodbye);
    let (recorder, _) = look(
        vec![
            endpoint([127, 9, 0, 1], port, "tls"),
            endpoint([127, 0, 200, 1], port, "tls"),
        ],
        Duration::from_secs(3),
    );
    let gaps: Vec<_> = recorder.gaps().map(|gap| gap.reason.clone()).collect();
    assert_eq!(gaps, [Reason::Forbidden, Reason::Forbidden]);
}

#[test]
fn ports_whose_numbers_say_nothing_are_left_alone_and_print_ports_are_never_asked() {
    let named = [443, 515, 7_777, 9_100, 9_999, 502].map(|port| Endpoint {
        heard: None,
        ..endpoint([127, 0, 0, 1], port, "")
    });
    assert_eq!(named[0].begins_with(), Some("tls"));
    let (recorder, _) = look(named.into_iter().skip(1).collect(), Duration::from_secs(3));
    let gaps: Vec<_> = recorder.gaps().map(|gap| gap.what.clone()).collect();
    assert_eq!(
        gaps,
        [
            "certificates at ports 502, 515, 7777, 9100, 9999: their numbers do not say how TLS begins there"
        ]
    );
}
