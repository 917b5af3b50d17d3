//! snmpsim, which answers as a device whose walk was written down, plays makers we have no device of.
//!
//! The walks here are written by hand from the public MIBs and the forms in which makers publish their sysDescr and sysObjectID; nobody's
//! recording is kept in this repository. `GROMA_WALKS=folder cargo test -p groma-source-snmp --test walks -- --nocapture a_folder`
//! prints what is made of each recording (`*.snmprec`) in a folder somebody has.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests; a skipped one says so"
)]

use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use groma_model::device::{DeviceClass, DeviceSays, LinkSeen, LinkTable};
use groma_model::{Fact, SourceName};
use groma_source::{Budget, Recorder, Source, Stop, Window};
use groma_source_snmp::SnmpSource;

const SNMPSIM: &str = "/usr/bin/snmpsimd";

struct Simulator {
    child: Child,
    address: String,
    _kept: tempfile::TempDir,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Simulator {
    /// Every `NAME.snmprec` of a folder, each under the community NAME.
    fn start(address: &str, walks: &Path, community: &str) -> Option<Self> {
        let id = Command::new("id").arg("-u").output().unwrap().stdout;
        if !Path::new(SNMPSIM).exists() || id != b"0\n" {
            eprintln!("SKIPPED: {SNMPSIM} is not here, or this is not root");
            return None;
        }
        let kept = tempfile::tempdir().unwrap();
        let child = Command::new(SNMPSIM)
            .arg(format!("--data-dir={}", walks.display()))
            .arg(format!("--cache-dir={}", kept.path().display()))
            .args(["--process-user=root", "--process-group=root"])
            .arg(format!("--agent-udpv4-endpoint={address}:161"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let started = Self {
            child,
            address: address.to_owned(),
            _kept: kept,
        };
        // It builds an index of every walk before it answers.
        for _ in 0..1_200 {
            if started.answers(community) {
                return Some(started);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("snmpsimd does not answer");
    }

    /// One get-next by hand, as a client of its own.
    fn answers(&self, community: &str) -> bool {
        let inner = b"\xa1\x19\x02\x01\x01\x02\x01\x00\x02\x01\x00\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00\x05\x00";
        let mut message = vec![2, 1, 1, 4, u8::try_from(community.len()).unwrap()];
        message.extend(community.as_bytes());
        message.extend(inner);
        let length = u8::try_from(message.len()).unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(300)))
            .unwrap();
        let to = format!("{}:161", self.address);
        let whole = [&[0x30, length], message.as_slice()].concat();
        socket.send_to(&whole, to).is_ok() && socket.recv(&mut [0; 2_000]).is_ok()
    }

    fn asked(&self, community: &str) -> Recorder {
        let at = tempfile::tempdir().unwrap();
        let file = at.path().join("access.toml");
        let address = &self.address;
        let table = format!("[[snmp]]\naddress = \"{address}\"\ncommunity = \"{community}\"\n");
        std::fs::write(&file, table).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let world = groma_sys::this_machine(false);
        let access = groma_source_snmp::access::read(world.disk.as_ref(), &file).unwrap();
        let limit = Duration::from_secs(180);
        let window = Window::open(world.clock.clone(), Stop::default(), Duration::ZERO, limit);
        let mut recorder = Recorder::new(SourceName::new("network.snmp"));
        let hosts = [address.parse().unwrap()];
        SnmpSource::new(world, hosts, access).look(&window, &Budget::default(), &mut recorder);
        recorder
    }
}

fn says(recorder: &Recorder) -> Option<&DeviceSays> {
    recorder.facts().find_map(|fact| match fact {
        Fact::DeviceSays(says) => Some(says),
        _ => None,
    })
}

fn links(recorder: &Recorder, by: LinkTable) -> Vec<&LinkSeen> {
    let links = recorder.facts().filter_map(|fact| match fact {
        Fact::LinkSeen(link) if link.by == by => Some(link),
        _ => None,
    });
    links.collect()
}

/// What is made of the recordings somebody has; nothing without them.
#[test]
fn a_folder_of_recordings_is_told() {
    let Some(folder) = std::env::var_os("GROMA_WALKS").map(PathBuf::from) else {
        return;
    };
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".snmprec").map(str::to_owned))
        .collect();
    names.sort();
    let first = names.first().cloned().unwrap_or_default();
    let Some(simulator) = Simulator::start("127.0.97.42", &folder, &first) else {
        return;
    };
    for name in names {
        let told = simulator.asked(&name);
        let count = |by| links(&told, by).len();
        let uses = told.facts().filter(|f| matches!(f, Fact::TableUse(_)));
        let by = |by: LinkTable, word: &str| format!("{word} {} ", count(by));
        let all = [
            by(LinkTable::Lldp, "lldp"),
            by(LinkTable::Cdp, "cdp"),
            by(LinkTable::Bridge, "bridge"),
            by(LinkTable::Neighbours, "arp"),
            format!("uses {}", uses.count()),
        ];
        match says(&told) {
            Some(says) => println!(
                "{name}: {:?} | {:?} | {:?} | {:?} | {:?} | {}",
                says.class,
                says.maker.as_deref().unwrap_or_default(),
                says.model.as_deref().unwrap_or_default(),
                says.serial.as_deref().unwrap_or_default(),
                says.version.as_deref().unwrap_or_default(),
                all.concat()
            ),
            None => println!("{name}: nothing"),
        }
        told.gaps().for_each(|gap| println!("   GAP {}", gap.what));
    }
}

/// A walk by hand: `1.3.6…|type|value`, in the order of names, as snmpsim wants it.
const WALKS: &[(&str, &str)] = &[
    // A switch with VLANs (BRIDGE-MIB, Q-BRIDGE-MIB), a telephone behind it, which gives an address for its chassis (LLDP-MIB).
    (
        "switch",
        "1.0.8802.1.1.2.1.3.7.1.2.7|2|5\n1.0.8802.1.1.2.1.3.7.1.3.7|4|7\n1.0.8802.1.1.2.1.3.7.1.4.7|4|Port 7\n\
         1.0.8802.1.1.2.1.4.1.1.4.900.7.1|2|5\n1.0.8802.1.1.2.1.4.1.1.5.900.7.1|4x|01c000020e\n1.0.8802.1.1.2.1.4.1.1.6.900.7.1|2|3\n\
         1.0.8802.1.1.2.1.4.1.1.7.900.7.1|4x|0015650a0b0c\n1.0.8802.1.1.2.1.4.1.1.8.900.7.1|4|WAN PORT\n1.0.8802.1.1.2.1.4.1.1.9.900.7.1|4|phone-14\n\
         1.3.6.1.2.1.1.1.0|4|HP J9773A 2530-24G-PoEP Switch, revision YA.16.02.0003, ROM YA.15.19 (/ws/swbuildm/rel)\n\
         1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.11.2.3.7.11.149\n1.3.6.1.2.1.1.5.0|4|switch-1\n1.3.6.1.2.1.1.7.0|2|74\n\
         1.3.6.1.2.1.17.1.2.0|2|26\n1.3.6.1.2.1.17.1.4.1.2.7|2|107\n1.3.6.1.2.1.17.1.4.1.2.24|2|124\n\
         1.3.6.1.2.1.17.7.1.2.2.1.2.20.0.21.101.10.11.12|2|7\n1.3.6.1.2.1.17.7.1.2.2.1.2.20.0.38.115.1.2.3|2|0\n\
         1.3.6.1.2.1.17.7.1.4.2.1.3.900.20|66|20\n1.3.6.1.2.1.31.1.1.1.1.107|4|7\n1.3.6.1.2.1.31.1.1.1.1.124|4|24\n",
    ),
    // A UPS with Eaton's own MIB under the number of MGE.
    (
        "ups",
        "1.3.6.1.2.1.1.1.0|4|Eaton 9PX\n1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.705.1\n1.3.6.1.4.1.534.1.1.2.0|4|Eaton 9PX 2200i RT3U\n\
         1.3.6.1.4.1.534.1.1.3.0|4|INV: 01.17.4945\n1.3.6.1.4.1.534.1.1.6.0|4|G000A00000\n",
    ),
    // A power strip, whose card and strip are one.
    (
        "strip",
        "1.3.6.1.2.1.1.1.0|4|APC Web/SNMP Management Card (MB:v4.1.0 PF:v6.7.2 PN:apc_hw05_aos_672.bin AF1:v6.7.2 AN1:apc_hw05_rpdu2g_672.bin MN:AP8932 HR:02 SN: 0A0000A00000 MD:01/23/2019)\n\
         1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.318.1.3.4.6\n1.3.6.1.4.1.318.1.1.12.1.3.0|4|v6.7.2\n\
         1.3.6.1.4.1.318.1.1.12.1.5.0|4|AP8932\n1.3.6.1.4.1.318.1.1.12.1.6.0|4|0A0000A00000\n",
    ),
    // Windows XP with a queue: its words have a year in them, and its queue is no printer of its own.
    (
        "windows",
        "1.3.6.1.2.1.1.1.0|4|Hardware: x86 Family 6 Model 9 Stepping 5 AT/AT COMPATIBLE - Software: Windows 2000 Version 5.1 (Build 2600 Uniprocessor Free)\n\
         1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.311.1.1.3.1.1\n1.3.6.1.2.1.25.3.2.1.2.1|6|1.3.6.1.2.1.25.3.1.5\n\
         1.3.6.1.2.1.25.3.2.1.3.1|4|Microsoft XPS Document Writer\n",
    ),
    // A Kyocera copier by the Printer-MIB and IEEE 1284, with a connection to a mail server over IPv6 and one to a file server.
    (
        "copier",
        "1.3.6.1.2.1.1.1.0|4|KYOCERA Document Solutions Printing System\n1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.1347.41\n1.3.6.1.2.1.1.5.0|4|copier-3\n\
         1.3.6.1.2.1.6.19.1.7.2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.7.40001.2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.37.587|2|8\n\
         1.3.6.1.2.1.6.20.1.4.1.4.0.0.0.0.80|66|0\n1.3.6.1.2.1.25.3.2.1.2.1|6|1.3.6.1.2.1.25.3.1.5\n\
         1.3.6.1.2.1.25.3.2.1.3.1|4|TASKalfa 3253ci\n1.3.6.1.2.1.43.5.1.1.17.1|4|VXX0000000\n1.3.6.1.2.1.43.10.2.1.4.1.1|65|120000\n\
         1.3.6.1.4.1.2699.1.2.1.2.1.1.3.1|4|ID:KYOCERA TASKalfa 3253ci;MFG:Kyocera;CMD:PCLXL;MDL:TASKalfa 3253ci;CLS:PRINTER;DES:Kyocera TASKalfa 3253ci;\n",
    ),
];

#[test]
fn makers_are_known_by_what_their_agents_answer() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = include_str!("recorded/copier-snmpd-5.9.3-lldpd-1.0.16.snmprec");
    for (name, walk) in WALKS.iter().chain(&[("recorded", recorded)]) {
        std::fs::write(folder.path().join(format!("{name}.snmprec")), walk).unwrap();
    }
    let Some(simulator) = Simulator::start("127.0.97.41", folder.path(), "ups") else {
        return;
    };
    let expected: [(&str, DeviceClass, [Option<&str>; 3]); 5] = [
        (
            "switch",
            DeviceClass::Switch,
            [Some("HP"), Some("J9773A"), None],
        ),
        (
            "ups",
            DeviceClass::Ups,
            [
                Some("MGE UPS Systems"),
                Some("Eaton 9PX 2200i RT3U"),
                Some("G000A00000"),
            ],
        ),
        (
            "strip",
            DeviceClass::PowerStrip,
            [Some("APC"), Some("AP8932"), Some("0A0000A00000")],
        ),
        ("windows", DeviceClass::Computer, [None; 3]),
        (
            "copier",
            DeviceClass::Multifunction,
            [Some("Kyocera"), Some("TASKalfa 3253ci"), Some("VXX0000000")],
        ),
    ];
    for (name, class, [maker, model, serial]) in expected {
        let told = simulator.asked(name);
        let says = says(&told).unwrap_or_else(|| panic!("{name}: {:?}", told.records));
        assert_eq!(says.class, Some(class), "{name}");
        assert_eq!(says.maker.as_deref(), maker, "{name}");
        assert_eq!(says.model.as_deref(), model, "{name}");
        assert_eq!(says.serial.as_deref(), serial, "{name}");
        assert_eq!(told.gaps().count(), 0, "{name}: {:?}", told.records);
    }
    behind_the_switch(&simulator.asked("switch"));
    as_recorded(&simulator.asked("recorded"));
    let copier = simulator.asked("copier");
    let uses = copier.facts().filter_map(|fact| match fact {
        Fact::TableUse(used) => Some((used.provider.to_string(), used.kind.as_str())),
        _ => None,
    });
    let needs = [("2001:db8::25".to_owned(), "smtp-submission")];
    assert_eq!(uses.collect::<Vec<_>>(), needs);
}

/// One telephone, by LLDP and by the forwarding table of its VLAN; and not the switch itself, which stands at port 0.
fn behind_the_switch(told: &Recorder) {
    let [phone] = links(told, LinkTable::Lldp)[..] else {
        panic!("{:?}", told.records);
    };
    assert_eq!(phone.name.as_deref(), Some("phone-14"));
    assert_eq!(phone.address, Some("192.0.2.14".parse().unwrap()));
    assert_eq!(phone.mac.as_deref(), Some("00:15:65:0a:0b:0c"));
    assert_eq!(phone.neighbour_port.as_deref(), Some("WAN PORT"));
    let [forwarded] = links(told, LinkTable::Bridge)[..] else {
        panic!("{:?}", told.records);
    };
    assert_eq!(forwarded.mac, phone.mac);
    assert_eq!(
        (forwarded.port.as_deref(), forwarded.vlan),
        (Some("7"), Some(20))
    );
}

/// What a real snmpd and lldpd answered once: a router's port by its name and not by its hardware address, and a need over IPv6.
fn as_recorded(told: &Recorder) {
    let [router] = links(told, LinkTable::Lldp)[..] else {
        panic!("{:?}", told.records);
    };
    assert_eq!(router.name.as_deref(), Some("router-1"));
    assert_eq!(router.neighbour_port.as_deref(), Some("port7"));
    let mail = told.facts().any(|fact| match fact {
        Fact::TableUse(used) => used.kind == "smtp-relay",
        _ => false,
    });
    assert!(mail, "{:?}", told.records);
}
