//! A vCenter and a lone ESXi of VMware's own simulator, asked over TLS from the access file to the facts.
//!
//! It is built from Debian's packages golang-go and golang-github-vmware-govmomi-dev. Where those were only unpacked, `GROMA_GO`
//! names the program and `GROMA_GOCODE` the folder above `src`.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on stops here"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use groma_model::batch::Said;
use groma_model::fact::Measurement;
use groma_model::virtualization::*;
use groma_model::{CoverageState, Fact, Gap, Reason};
use groma_source::{Budget, Recorder, Source, Stop, Window};
use groma_source_hypervisor::{HypervisorSource, access};

const PASSWORD: &str = "<s3cret> & \"of\" a 'test'";

fn skip(sentence: &str) {
    #[expect(clippy::print_stderr, reason = "a test that skips says so")]
    {
        eprintln!("SKIPPED {sentence}");
    }
    if let Ok(file) = std::env::var("GROMA_SKIPPED") {
        use std::io::Write as _;
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.append(true).create(true).open(file).unwrap();
        writeln!(file, "{sentence}").unwrap();
    }
}

/// The program, built once; `None` where its parts are not installed.
fn program() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAM.get_or_init(build).as_deref()
}

fn build() -> Option<PathBuf> {
    let named = |name: &str, usual: &str| {
        std::env::var_os(name).map_or_else(|| PathBuf::from(usual), PathBuf::from)
    };
    let go = named("GROMA_GO", "/usr/bin/go");
    let code = named("GROMA_GOCODE", "/usr/share/gocode");
    let library = code.join("src/github.com/vmware/govmomi/simulator");
    for (path, package) in [
        (&go, "golang-go"),
        (&library, "golang-github-vmware-govmomi-dev"),
    ] {
        if !path.exists() {
            skip(&format!(
                "vSphere is not simulated: {package} is not installed here"
            ));
            return None;
        }
    }
    let at = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vcsim");
    std::fs::create_dir_all(&at).unwrap();
    let built = Command::new(&go)
        .args(["build", "-o"])
        .arg(at.join("vcsim"))
        .arg("main.go")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vcsim"))
        .env("GO111MODULE", "off")
        .env(
            "GOPATH",
            std::env::join_paths([&at.join("path"), &code]).unwrap(),
        )
        .env("GOCACHE", at.join("cache"))
        .env("GOFLAGS", "-p=2")
        .status()
        .unwrap();
    assert!(built.success());
    Some(at.join("vcsim"))
}

/// Ends when its input does: it takes its files with it.
struct Simulator {
    child: Child,
    address: String,
    print: String,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn simulator(kind: &str, machines: usize) -> Option<Simulator> {
    let mut child = Command::new(program()?)
        .args([kind, &machines.to_string()])
        .env("TMPDIR", env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let (address, print) = line.trim().split_once(' ').unwrap();
    let (address, print) = (address.to_owned(), print.to_owned());
    Some(Simulator {
        child,
        address,
        print,
    })
}

/// Everything one look tells.
#[derive(Default)]
struct Told {
    guests: BTreeMap<String, Guest>,
    hosts: BTreeMap<String, Hypervisor>,
    clusters: BTreeMap<String, Cluster>,
    datastores: BTreeMap<String, Datastore>,
    measured: Vec<Measurement>,
    gaps: Vec<Gap>,
    state: Option<CoverageState>,
}

fn look(at: &Simulator, password: &str, trust: &str) -> Told {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.toml");
    let text = format!(
        "[[hypervisor]]\nkind = \"vsphere\"\nurl = \"https://{}\"\nuser = \"reader@vsphere.local\"\npassword = '''{password}'''\n{trust}\n",
        at.address
    );
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let world = groma_sys::this_machine(true);
    let platforms = access::read(world.disk.as_ref(), &path).unwrap();
    let clock = world.clock.clone();
    let mut source = HypervisorSource::new(world, platforms);
    let minutes = Duration::from_secs(300);
    let window = Window::open(clock, Stop::default(), Duration::ZERO, minutes);
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    told(recorder)
}

fn told(recorder: Recorder) -> Told {
    let mut told = Told::default();
    for record in recorder.records {
        match record.said {
            Said::Saw(observation) => match observation.fact {
                Fact::Guest(fact) => drop(told.guests.insert(fact.key.clone(), *fact)),
                Fact::Hypervisor(fact) => drop(told.hosts.insert(fact.key.clone(), *fact)),
                Fact::Cluster(fact) => drop(told.clusters.insert(fact.key.clone(), *fact)),
                Fact::Datastore(fact) => drop(told.datastores.insert(fact.key.clone(), *fact)),
                Fact::Measurement(fact) => told.measured.push(fact),
                other => panic!("{other:?}"),
            },
            Said::Missed(gap) => told.gaps.push(gap),
            Said::Covered(coverage) => told.state = Some(coverage.state),
        }
    }
    told
}

fn pinned(at: &Simulator) -> String {
    format!("pin = \"{}\"", at.print)
}

#[test]
fn a_vcenter_tells_its_guests_hosts_clusters_and_datastores() {
    let Some(simulator) = simulator("vpx", 8) else {
        return;
    };
    let told = look(&simulator, PASSWORD, &pinned(&simulator));
    assert_eq!(told.gaps, []);
    assert_eq!(told.state, Some(CoverageState::Complete));
    assert_eq!(told.guests.len(), 8);
    assert_eq!(told.hosts.len(), 4);
    assert_eq!(told.clusters.len(), 1);
    assert_eq!(told.datastores.len(), 1);
    for guest in told.guests.values() {
        assert_eq!(guest.platform.kind, PlatformKind::Vsphere);
        assert_eq!(guest.platform.id.len(), 36, "{guest:?}");
        assert!(guest.uuid.is_some() && guest.instance_uuid.is_some());
        assert!(told.hosts.contains_key(guest.host.as_ref().unwrap()));
        for disk in &guest.disks {
            assert!(disk.capacity_bytes.unwrap() > 0);
        }
        assert!(guest.disks[0].controller.is_some());
        let datastore = guest.disks[0].datastore.as_ref().unwrap();
        assert!(told.datastores.contains_key(datastore), "{guest:?}");
    }
    let in_cluster = told.hosts.values().filter(|host| host.cluster.is_some());
    assert_eq!(in_cluster.count(), 3);
    let host = told.hosts.values().next().unwrap();
    assert!(host.uuid.is_some() && host.product.is_some() && host.memory_bytes.is_some());
    assert!(!host.switches.is_empty() && !host.nics.is_empty() && !host.datastores.is_empty());
    assert!(
        told.measured
            .iter()
            .any(|one| one.metric == "datastore_free_bytes")
    );
    assert!(
        told.measured
            .iter()
            .any(|one| one.metric == "vm_disk_used_bytes")
    );
    // What runs has statistics, and nothing else.
    let loaded = told
        .measured
        .iter()
        .filter(|one| one.metric == "vm_cpu_peak_percent");
    assert_eq!(loaded.count(), 6);
    let periods = told
        .measured
        .iter()
        .filter(|one| one.metric == "vm_load_period_seconds");
    assert!(periods.clone().count() == 6 && periods.clone().all(|one| one.value == 604_800.0));
}

#[test]
fn what_stands_in_the_way_of_a_move_is_told_of_the_guest_that_has_it_alone() {
    let Some(simulator) = simulator("vpx", 8) else {
        return;
    };
    let told = look(&simulator, PASSWORD, &pinned(&simulator));
    let crowds: Vec<&Guest> = told
        .guests
        .values()
        .filter(|guest| guest.fault_tolerance == Some(true))
        .collect();
    let [crowd] = crowds.as_slice() else {
        panic!("{crowds:?}")
    };
    assert_eq!(crowd.firmware, Some(Firmware::Efi));
    assert_eq!((crowd.secure_boot, crowd.tpm), (Some(true), Some(true)));
    assert_eq!(crowd.cpu_affinity.as_deref(), Some("2,3"));
    assert_eq!(crowd.numa_affinity.as_deref(), Some("1"));
    assert_eq!(crowd.changed_block_tracking, Some(true));
    assert_eq!(crowd.consolidation_needed, Some(true));
    let sorts: Vec<PassthroughSort> = crowd.passthrough.iter().map(|one| one.sort).collect();
    use PassthroughSort::{Gpu, Pci, Port, Sriov, Usb};
    assert_eq!(
        sorts,
        [Pci, Sriov, Usb, Gpu, Port, Port],
        "{:?}",
        crowd.passthrough
    );
    let media: Vec<_> = crowd.media.iter().filter_map(|one| one.as_str()).collect();
    assert_eq!(
        media,
        ["[LocalDS_0] iso/driver.flp", "[LocalDS_0] iso/tools.iso"]
    );
    let [_, raw, sparse, quorum] = crowd.disks.as_slice() else {
        panic!("{:?}", crowd.disks)
    };
    assert!(raw.raw_device && raw.shared && raw.mode == DiskMode::IndependentPersistent);
    assert_eq!(raw.controller, Some(DiskController::Pvscsi));
    assert!(!sparse.shared && !sparse.raw_device && sparse.backing.is_some());
    assert_eq!(
        (sparse.capacity_bytes, sparse.controller),
        (Some(2 << 30), Some(DiskController::Nvme))
    );
    assert!(quorum.shared && quorum.encrypted && quorum.mode == DiskMode::IndependentNonpersistent);

    for other in told
        .guests
        .values()
        .filter(|guest| guest.fault_tolerance != Some(true))
    {
        assert_eq!(
            (other.passthrough.as_slice(), other.media.as_slice()),
            ([].as_slice(), [].as_slice()),
            "{other:?}"
        );
        assert!(other.cpu_affinity.is_none() && other.consolidation_needed != Some(true));
        assert!(other.tpm == Some(false) && other.secure_boot != Some(true));
        let is_plain = |disk: &GuestDisk| !disk.shared && !disk.raw_device && !disk.encrypted;
        assert!(other.disks.iter().all(is_plain));
    }
}

#[test]
fn guests_tell_their_names_and_addresses_and_templates_are_none() {
    let Some(simulator) = simulator("vpx", 8) else {
        return;
    };
    let told = look(&simulator, PASSWORD, &pinned(&simulator));
    let templates = told
        .guests
        .values()
        .filter(|guest| guest.sort == GuestSort::Template);
    assert_eq!(templates.count(), 1);
    let off: Vec<&Guest> = told
        .guests
        .values()
        .filter(|guest| guest.sort == GuestSort::Machine && guest.power == Some(Power::Off))
        .collect();
    let [quiet] = off.as_slice() else {
        panic!("{off:?}")
    };
    assert_eq!((quiet.addresses().count(), &quiet.host_name), (0, &None));
    let running: Vec<&Guest> = told
        .guests
        .values()
        .filter(|guest| guest.power == Some(Power::On))
        .collect();
    assert_eq!(running.len(), 6);
    for guest in running {
        let name = guest.host_name.as_ref().unwrap().to_string();
        let number = name
            .strip_prefix("guest-")
            .unwrap()
            .strip_suffix(".corp.example")
            .unwrap();
        let addresses: Vec<String> = guest.nics[0]
            .addresses
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(addresses, [format!("10.0.0.{number}")]);
        assert!(
            guest.nics[0].mac.is_some() && guest.nics[0].network.is_some(),
            "{guest:?}"
        );
        assert!(guest.nics[0].switch.is_some(), "{guest:?}");
        let tools = guest.tools.as_ref().unwrap();
        assert_eq!((tools.running, tools.outdated), (Some(true), Some(true)));
    }
    let kept: Vec<&Guest> = told
        .guests
        .values()
        .filter(|guest| !guest.snapshots.is_empty())
        .collect();
    let [kept] = kept.as_slice() else {
        panic!("{kept:?}")
    };
    let names: Vec<_> = kept
        .snapshots
        .iter()
        .map(|one| (one.name.as_str().unwrap(), one.current))
        .collect();
    assert_eq!(
        names,
        [
            ("before the patch", false),
            ("after <the> patch & more", true)
        ]
    );
}

#[test]
fn a_lone_host_is_a_platform_of_its_own() {
    let Some(simulator) = simulator("esx", 3) else {
        return;
    };
    let told = look(&simulator, PASSWORD, &pinned(&simulator));
    assert_eq!(told.gaps, []);
    let [host] = told.hosts.values().collect::<Vec<_>>()[..] else {
        panic!("{:?}", told.hosts)
    };
    assert_eq!(host.key, "ha-host");
    assert_eq!(Some(&host.platform.id), host.uuid.as_ref());
    assert_eq!((told.guests.len(), told.clusters.len()), (3, 0));
    for guest in told.guests.values() {
        assert_eq!(guest.folder, None);
        assert_eq!(
            guest.nics[0].switch.as_deref(),
            Some("vSwitch0"),
            "{guest:?}"
        );
    }
}

#[test]
fn a_wrong_password_and_an_unknown_certificate_are_told_apart() {
    let Some(simulator) = simulator("esx", 1) else {
        return;
    };
    let told = look(&simulator, "another", &pinned(&simulator));
    let [gap] = told.gaps.as_slice() else {
        panic!("{:?}", told.gaps)
    };
    assert_eq!(gap.reason, Reason::PermissionDenied);
    assert_eq!(
        (told.state, told.guests.len()),
        (Some(CoverageState::Partial), 0)
    );
    let told = look(&simulator, PASSWORD, "");
    let [gap] = told.gaps.as_slice() else {
        panic!("{:?}", told.gaps)
    };
    assert_eq!(gap.reason, Reason::Locked);
    assert!(gap.remedy.as_ref().unwrap().contains(&simulator.print));
}
