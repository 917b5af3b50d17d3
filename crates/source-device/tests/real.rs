//! A real printer (ippeveprinter) with its real announcements (avahi), asked over a wire of its own; and beside it a door at 9100
//! that writes down every call and every byte.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests; a skipped one says so, and a child says what it heard"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

use groma_model::device::{Deed, DeviceClass, DeviceSays, DeviceWitness};
use groma_model::{Fact, Port};
use groma_source::{Budget, Recorder, Source, Stop, Window};
use groma_source_device::{DeviceSource, Met};

/// Asks 192.0.2.50 from within the other network; does nothing unless the test below started it.
#[test]
fn asks_whoever_is_named() {
    if std::env::var_os("GROMA_ASKS_DEVICES").is_none() {
        return;
    }
    // Within TLS alone nothing is announced: an announcement would lead to the clear door behind it.
    let within_tls = std::env::var("GROMA_ASKS_DEVICES").is_ok_and(|how| how == "tls");
    let heard: &[&str] = if within_tls {
        &[]
    } else {
        &["mdns", "wsd", "ssdp"]
    };
    let met = Met {
        tcp: BTreeSet::from([Port(631), Port(515), Port(9100)]),
        heard: heard.iter().map(|word| (*word).to_owned()).collect(),
    };
    let mut said = Vec::new();
    // A busy machine takes its time to announce what it has.
    for _ in 0..8 {
        said = look(met.clone());
        if said.len() > usize::from(!within_tls) {
            break;
        }
        std::thread::sleep(Duration::from_secs(2));
    }
    for says in said {
        println!("SAYS {}", serde_json::to_string(&says).unwrap());
    }
}

fn look(met: Met) -> Vec<DeviceSays> {
    let world = groma_sys::this_machine(false);
    let limit = Duration::from_secs(60);
    let window = Window::open(world.clock.clone(), Stop::default(), Duration::ZERO, limit);
    let all = BTreeMap::from([("192.0.2.50".parse().unwrap(), met)]);
    let mut source = DeviceSource::new(world, all);
    let mut sink = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut sink);
    let says = sink.facts().filter_map(|fact| match fact {
        Fact::DeviceSays(says) => Some(says.clone()),
        _ => None,
    });
    says.collect()
}

fn lack() -> Option<&'static str> {
    let has = |script: &str| {
        let done = Command::new("sh").args(["-c", script]).output();
        done.is_ok_and(|done| done.status.success())
    };
    match () {
        () if !has("test \"$(id -u)\" = 0 && unshare -n -m true") => Some("no namespaces here"),
        () if !has("command -v ippeveprinter avahi-daemon dbus-daemon python3 ip ss") => {
            Some("ippeveprinter, avahi-daemon, dbus-daemon, python3, ip or ss is not here")
        }
        () => None,
    }
}

#[test]
fn a_real_printer_says_what_it_is_and_not_one_byte_reaches_its_paper() {
    if let Some(lack) = lack() {
        eprintln!("SKIPPED: {lack}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real.sh");
    let done = Command::new("unshare")
        .args(["-n", "-m", "bash", script])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .env("GROMA_ASKS_DEVICES", "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    let log = std::fs::read_to_string(folder.path().join("printer.log")).unwrap_or_default();
    let why = || format!("{told}\n{}\n{log}", String::from_utf8_lossy(&done.stderr));
    assert!(!told.contains("PAPER"), "{}", why());
    assert!(
        !log.contains("Print-Job") && !log.contains("Create-Job"),
        "{log}"
    );
    let says = told.lines().filter_map(|line| line.strip_prefix("SAYS "));
    let says: Vec<DeviceSays> = says
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let by = |witness| says.iter().find(|says| says.by == witness);
    let ipp = by(DeviceWitness::Ipp).unwrap_or_else(|| panic!("{}", why()));
    let mdns = by(DeviceWitness::Mdns).unwrap_or_else(|| panic!("{}", why()));
    assert_eq!(ipp.model.as_deref(), Some("C 300"));
    for says in [ipp, mdns] {
        assert_eq!(says.class, Some(DeviceClass::Printer));
        assert_eq!(says.location.as_deref(), Some("2nd floor"));
        assert!(says.can.contains(&Deed::Print));
    }
    assert_eq!(ipp.uuid, mdns.uuid, "one device in two tongues");
    assert_eq!(says.len(), 2, "{says:?}");
}

/// The same printer behind a door that takes TLS alone.
#[test]
fn a_real_printer_within_tls_alone_says_what_it_is() {
    if let Some(lack) = lack() {
        eprintln!("SKIPPED: {lack}");
        return;
    }
    let has = |program: &str| Command::new(program).arg("-version").output().is_ok();
    if !has("stunnel4") || !has("openssl") {
        eprintln!("SKIPPED: stunnel4 or openssl is not here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real.sh");
    let done = Command::new("unshare")
        .args(["-n", "-m", "bash", script])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .arg("tls")
        .env("GROMA_ASKS_DEVICES", "tls")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    let why = || format!("{told}\n{}", String::from_utf8_lossy(&done.stderr));
    assert!(!told.contains("PAPER"), "{}", why());
    let says = told.lines().find_map(|line| line.strip_prefix("SAYS "));
    let says = says.unwrap_or_else(|| panic!("{}", why()));
    let says: DeviceSays = serde_json::from_str(says).unwrap();
    assert_eq!(says.by, DeviceWitness::Ipp);
    assert_eq!(says.model.as_deref(), Some("C 300"));
    assert_eq!(says.class, Some(DeviceClass::Printer));
}
