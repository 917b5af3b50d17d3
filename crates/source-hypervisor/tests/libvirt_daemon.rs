//! The real libvirtd, in a room of its own (`tests/libvirt/room.sh`): its sockets, TLS with certificates, QEMU, LXC and its own
//! made-up hypervisor. Needs root, namespaces, and Debian's packages; without them it says so and is passed over.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that cannot go on stops here, and says aloud what it lacks"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use groma_model::fact::{Datastore, Guest, Hypervisor};
use groma_model::virtualization::{DatastoreSort, GuestSort, PlatformKind, Power};
use groma_model::{CoverageState, Fact, Reason, SourceName};
use groma_source::{Budget, Recorder, Source, Stop, Window};
use groma_source_hypervisor::{Access, HypervisorSource, Logon, NAME};
use groma_trust::{Trust, authorities};

/// Says why nothing is tried, where a person and `tests/run` see it.
fn skip(why: &str) {
    eprintln!("skipped: {why}");
    let file = std::env::var_os("GROMA_SKIPPED");
    let file = file.and_then(|file| std::fs::OpenOptions::new().append(true).open(file).ok());
    if let Some(mut file) = file {
        let _ = writeln!(file, "the_real_daemon_is_read: {why}");
    }
}

fn lack() -> Option<String> {
    let is_there = |program: &str| {
        let places = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
        places
            .iter()
            .any(|place| Path::new(place).join(program).exists())
    };
    let programs = ["libvirtd", "virsh", "openssl", "ip", "unshare", "timeout"];
    if let Some(missing) = programs.into_iter().find(|program| !is_there(program)) {
        return Some(format!("{missing} is not installed here"));
    }
    let tried = Command::new("unshare")
        .args(["-m", "-n", "-u", "-p", "-f", "true"])
        .output();
    match tried {
        Ok(output) if output.status.success() => None,
        _ => Some("namespaces cannot be made here; that needs root".to_owned()),
    }
}

#[test]
fn the_real_daemon_is_read() {
    if let Some(lack) = lack() {
        return skip(&lack);
    }
    let room = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/libvirt/room.sh");
    let output = Command::new("timeout")
        .args([
            "-k",
            "5",
            "150",
            "unshare",
            "-m",
            "-n",
            "-u",
            "-p",
            "-f",
            "--kill-child",
            "--mount-proc",
            "--propagation",
            "private",
            "bash",
        ])
        .arg(script)
        .arg(room.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--test-threads=1", "--nocapture"])
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{said}");
    assert!(said.contains("5 passed"), "{said}");
    if said.contains("no QEMU") {
        skip(
            "qemu-system-x86 and qemu-utils are not both installed here; only LXC and libvirt's made-up hypervisor were asked",
        );
    }
}

/// The room this runs in; `None` outside of one, as by a plain `--ignored`.
fn room() -> Option<PathBuf> {
    let room = std::env::var_os("GROMA_LIBVIRT_ROOM").map(PathBuf::from);
    if room.is_none() {
        eprintln!("skipped: this runs within the room of the_real_daemon_is_read");
    }
    room
}

fn has_qemu() -> bool {
    let is = std::env::var_os("GROMA_LIBVIRT_QEMU").is_some();
    if !is {
        eprintln!("no QEMU");
    }
    is
}

fn access(url: String) -> Access {
    Access {
        kind: PlatformKind::Libvirt,
        url,
        logon: Logon::Nobody,
        trust: Trust::Nothing,
        own_certificate: None,
        ask_guests: false,
    }
}

fn socket(driver: &str, room: &Path, name: &str) -> Access {
    access(format!("{driver}?socket={}/{name}", room.display()))
}

fn asked(access: Access) -> Recorder {
    let world = groma_sys::this_machine(false);
    let limit = Duration::from_secs(100);
    let window = Window::open(world.clock.clone(), Stop::default(), limit, limit);
    let mut recorder = Recorder::new(SourceName::new(NAME));
    HypervisorSource::new(world, vec![access]).look(&window, &Budget::default(), &mut recorder);
    recorder
}

fn guest<'a>(recorder: &'a Recorder, name: &str) -> &'a Guest {
    let mut all = recorder.facts().filter_map(|fact| match fact {
        Fact::Guest(guest) => Some(&**guest),
        _ => None,
    });
    all.find(|guest| guest.name.lossy().starts_with(name))
        .unwrap_or_else(|| panic!("no guest {name}: {:?}", recorder.records))
}

fn host(recorder: &Recorder) -> &Hypervisor {
    let mut all = recorder.facts().filter_map(|fact| match fact {
        Fact::Hypervisor(host) => Some(&**host),
        _ => None,
    });
    all.next()
        .unwrap_or_else(|| panic!("no host: {:?}", recorder.records))
}

fn datastore<'a>(recorder: &'a Recorder, name: &str) -> &'a Datastore {
    let mut all = recorder.facts().filter_map(|fact| match fact {
        Fact::Datastore(datastore) => Some(&**datastore),
        _ => None,
    });
    all.find(|datastore| datastore.name.as_str() == Some(name))
        .unwrap()
}

fn measured(recorder: &Recorder, metric: &str, end: &str) -> Option<f64> {
    recorder.facts().find_map(|fact| match fact {
        Fact::Measurement(one) if one.metric == metric && one.subject.lossy().ends_with(end) => {
            Some(one.value)
        }
        _ => None,
    })
}

fn is_whole(recorder: &Recorder) {
    let gaps: Vec<_> = recorder.gaps().collect();
    assert!(gaps.is_empty(), "{gaps:?}");
    assert!(
        recorder
            .coverage()
            .all(|one| one.state == CoverageState::Complete)
    );
}

#[test]
#[ignore = "runs within the room of the_real_daemon_is_read"]
fn the_made_up_hypervisor_is_read_whole() {
    let Some(room) = room() else { return };
    let seen = asked(socket("test:///default", &room, "libvirt-sock-ro"));
    is_whole(&seen);
    let test = guest(&seen, "test");
    assert_eq!(
        (test.power, test.processors, test.memory_bytes),
        (Some(Power::On), Some(2), Some(8 << 30))
    );
    assert_eq!(
        test.addresses()
            .map(|one| one.to_string())
            .collect::<Vec<_>>(),
        ["192.168.122.3"]
    );
    assert_eq!(host(&seen).sockets, Some(2));
    assert_eq!(host(&seen).name.as_str(), Some("hv1.corp.example"));
    assert_eq!(host(&seen).addresses[0].to_string(), "192.168.0.5");
    assert_eq!(
        datastore(&seen, "default-pool").sort,
        DatastoreSort::Directory
    );
}

#[test]
#[ignore = "runs within the room of the_real_daemon_is_read"]
fn a_container_is_read() {
    let Some(room) = room() else { return };
    let seen = asked(socket("lxc:///system", &room, "libvirt-sock-ro"));
    is_whole(&seen);
    let held = guest(&seen, "box");
    assert_eq!(
        (held.sort, held.power, held.starts_with_host),
        (GuestSort::Container, Some(Power::Off), Some(false))
    );
    // The room's host_uuid names the host where this machine's SMBIOS has one too, and its name does everywhere else.
    let key = match host(&seen).uuid {
        Some(_) => "4dea22b3-1d52-d8f3-2516-782e98ab3fa0",
        None => "hv1.corp.example",
    };
    assert_eq!(host(&seen).key, key);
    assert!(host(&seen).memory_bytes > Some(1 << 28));
    assert!(measured(&seen, "hypervisor_memory_used_bytes", "").is_some());
}

#[test]
#[ignore = "runs within the room of the_real_daemon_is_read"]
fn machines_of_qemu_are_read_with_disks_snapshots_and_networks() {
    let Some(room) = room() else { return };
    if !has_qemu() {
        return;
    }
    let seen = asked(socket("qemu:///system", &room, "libvirt-sock-ro"));
    is_whole(&seen);
    let web = guest(&seen, "web-01");
    assert_eq!(
        (web.power, web.starts_with_host),
        (Some(Power::On), Some(false))
    );
    assert_eq!(web.disks[0].capacity_bytes, Some(1 << 30));
    assert_eq!(web.disks[0].thin, Some(true));
    assert_eq!(
        web.disks[0].datastore.as_deref(),
        Some("11111111-2222-4333-8444-5555555555b1")
    );
    let used = measured(&seen, "vm_disk_used_bytes", &web.key).unwrap();
    assert!(used > 0.0 && used < 10e6, "{used}");
    assert_eq!(guest(&seen, "db").power, Some(Power::Off));
    assert_eq!(guest(&seen, "db").passthrough.len(), 8);
    for still in ["kept", "paused"] {
        assert_eq!(guest(&seen, still).power, Some(Power::Suspended), "{still}");
    }
    let snap = guest(&seen, "snap");
    assert_eq!(snap.starts_with_host, Some(true));
    let snapshots: Vec<_> = snap
        .snapshots
        .iter()
        .map(|one| (one.name.as_str().unwrap(), one.with_memory, one.current))
        .collect();
    assert_eq!(
        snapshots,
        [("before-upgrade", true, false), ("disk-only", false, true)]
    );
    assert!(snap.disks[0].backing.is_some());
    assert_eq!(
        datastore(&seen, "nfs").server.as_ref().unwrap().to_string(),
        "nas.corp.example"
    );
    assert!(measured(&seen, "datastore_free_bytes", "b1").is_some());
    let host = host(&seen);
    assert!(
        host.product
            .as_ref()
            .is_some_and(|it| it.starts_with("QEMU ") && it.contains("libvirt"))
    );
    let inner = host
        .switches
        .iter()
        .find(|switch| switch.name == "virbr7")
        .unwrap();
    assert_eq!(inner.leads_out.as_deref(), Some("nat"));
    // The twin: a helper that is not there is a gap once it is asked for, and nothing else changes.
    let mut asking = socket("qemu:///system", &room, "libvirt-sock");
    asking.ask_guests = true;
    let seen = asked(asking);
    let gaps: Vec<_> = seen
        .gaps()
        .map(|gap| (gap.reason.clone(), gap.what.contains("web-01")))
        .collect();
    assert_eq!(gaps, [(Reason::NotPresent, true)]);
}

#[test]
#[ignore = "runs within the room of the_real_daemon_is_read"]
fn a_helper_is_not_asked_on_a_socket_that_may_only_read() {
    let Some(room) = room() else { return };
    if !has_qemu() {
        return;
    }
    let mut asking = socket("qemu:///system", &room, "libvirt-sock-ro");
    asking.ask_guests = true;
    let seen = asked(asking);
    let gap = seen.gaps().next().expect("no right to ask a guest");
    assert_eq!(gap.reason, Reason::PermissionDenied, "{gap:?}");
    assert!(
        !seen
            .facts()
            .any(|fact| matches!(fact, Fact::Guest(guest) if guest.host_name.is_some()))
    );
}

#[test]
#[ignore = "runs within the room of the_real_daemon_is_read"]
fn over_tls_both_sides_show_a_certificate() {
    let Some(room) = room() else { return };
    let world = groma_sys::this_machine(false);
    let mut known = access("test://127.0.0.1/default".to_owned());
    let seen = asked(known.clone());
    let gap = seen.gaps().next().expect("nobody named a certificate");
    assert_eq!(gap.reason, Reason::Locked, "{gap:?}");

    known.trust =
        Trust::Authorities(authorities(world.disk.as_ref(), &room.join("ca.pem")).unwrap());
    let seen = asked(known.clone());
    let gap = seen.gaps().next().expect("we showed no certificate");
    assert_eq!(gap.reason, Reason::Refused, "{gap:?}");
    assert!(gap.what.contains("certificate"), "{gap:?}");

    known.own_certificate = Some((room.join("client.pem"), room.join("client.key")));
    let seen = asked(known.clone());
    is_whole(&seen);
    assert_eq!(guest(&seen, "test").addresses().count(), 1);

    known.url = "test+tcp://127.0.0.1/default".to_owned();
    is_whole(&asked(known.clone()));
    // A server that speaks TLS is no server that speaks in clear.
    known.url = "test+tcp://127.0.0.1:16514/default".to_owned();
    assert_ne!(asked(known).gaps().count(), 0);
}
