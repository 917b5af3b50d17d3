//! Answers of vSphere, recorded from a simulator and written after the published reference, read into facts.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

use std::collections::BTreeMap;

use groma_model::Fact;
use groma_model::virtualization::*;
use groma_platform::Read;
use groma_platform::vsphere::{Counters, Hidden, Inventory, Unread, load, page, whole};

macro_rules! answer {
    ($path:literal) => {
        include_bytes!(concat!("fixtures/vsphere/", $path)).as_slice()
    };
}

const WRITTEN: [&[u8]; 9] = [
    answer!("written/folders.xml"),
    answer!("written/pools.xml"),
    answer!("written/switches.xml"),
    answer!("written/networks.xml"),
    answer!("written/port-groups.xml"),
    answer!("written/clusters.xml"),
    answer!("written/hosts.xml"),
    answer!("written/datastores.xml"),
    answer!("written/guests.xml"),
];
const RECORDED: [&[u8]; 9] = [
    answer!("vcsim-vpx/Folder.xml"),
    answer!("vcsim-vpx/ResourcePool.xml"),
    answer!("vcsim-vpx/DistributedVirtualSwitch.xml"),
    answer!("vcsim-vpx/Network.xml"),
    answer!("vcsim-vpx/DistributedVirtualPortgroup.xml"),
    answer!("vcsim-vpx/ClusterComputeResource.xml"),
    answer!("vcsim-vpx/HostSystem.xml"),
    answer!("vcsim-vpx/Datastore.xml"),
    answer!("vcsim-vpx/VirtualMachine.xml"),
];

#[derive(Default)]
struct Estate {
    guests: BTreeMap<String, Guest>,
    hosts: BTreeMap<String, Hypervisor>,
    clusters: BTreeMap<String, Cluster>,
    datastores: BTreeMap<String, Datastore>,
    measured: BTreeMap<String, f64>,
    untold: Vec<String>,
    hidden: BTreeMap<Hidden, u64>,
}

fn estate(answers: &[&[u8]]) -> Estate {
    let mut inventory = Inventory::new("11112222-3333-4444-5555-666677778888");
    let mut estate = Estate::default();
    for answer in answers {
        let mut all = Vec::new();
        page(*answer, &mut |object| all.push(inventory.take(&object))).unwrap();
        for read in all {
            estate.untold.extend(read.untold);
            read.facts
                .into_iter()
                .for_each(|fact| keep(&mut estate, fact));
        }
    }
    estate.hidden = inventory.hidden();
    estate
}

fn keep(estate: &mut Estate, fact: Fact) {
    match fact {
        Fact::Guest(fact) => drop(estate.guests.insert(fact.key.clone(), *fact)),
        Fact::Hypervisor(fact) => drop(estate.hosts.insert(fact.key.clone(), *fact)),
        Fact::Cluster(fact) => drop(estate.clusters.insert(fact.key.clone(), *fact)),
        Fact::Datastore(fact) => drop(estate.datastores.insert(fact.key.clone(), *fact)),
        Fact::Measurement(fact) => {
            let subject = fact.subject.lossy().into_owned();
            let key = subject.rsplit('/').next().unwrap().to_owned();
            estate
                .measured
                .insert(format!("{key} {}", fact.metric), fact.value);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn cards_know_their_switch_their_network_and_its_vlan() {
    let estate = estate(&WRITTEN);
    let plugs: Vec<_> = estate
        .guests
        .values()
        .flat_map(|guest| &guest.nics)
        .collect();
    let plugs: Vec<_> = plugs
        .iter()
        .map(|nic| {
            let words = [&nic.switch, &nic.network, &nic.vlan];
            words.map(|word| word.as_deref().unwrap_or("-")).join(" | ")
        })
        .collect();
    assert_eq!(
        plugs,
        [
            "dvs-core | web | 112",
            "vSwitch0 | VM Network | 20",
            "- | segment-app | -",
            "dvs-core | trunk | 1-100,200",
            "- | elsewhere | -",
        ]
    );
    let nics = &estate.guests["vm-42"].nics;
    assert_eq!(nics[0].mac.as_deref(), Some("00:50:56:ab:00:01"));
    assert_eq!(nics[0].model.as_deref(), Some("vmxnet3"));
    assert_eq!(
        nics[0].addresses,
        ["10.12.0.5".parse::<std::net::IpAddr>().unwrap()]
    );
    assert_eq!(
        (nics[0].connected, nics[1].connected),
        (Some(true), Some(false))
    );
    // A guest that is off is plugged in all the same, and without addresses nothing is missing.
    let off = &estate.guests["vm-43"].nics[0];
    assert_eq!((off.connected, off.addresses.len()), (Some(true), 0));
    // An old helper tells one address; with one card it is that card's.
    assert_eq!(estate.guests["vm-44"].nics[0].addresses.len(), 1);
}

#[test]
fn a_disk_is_shared_by_its_bus_and_no_other_disk_is() {
    let estate = estate(&WRITTEN);
    let [system, quorum] = estate.guests["vm-42"].disks.as_slice() else {
        panic!()
    };
    assert!(!system.shared && quorum.shared);
    assert_eq!(system.capacity_bytes, Some(40 << 30));
    assert_eq!(quorum.capacity_bytes, Some(1 << 20));
    assert_eq!(system.controller, Some(DiskController::Pvscsi));
    assert_eq!(
        (system.thin, system.format),
        (Some(false), DiskFormat::Vmdk)
    );
    assert_eq!(system.datastore.as_deref(), Some("datastore-5"));
}

#[test]
fn a_guest_is_in_its_folder_else_in_its_pool() {
    let estate = estate(&WRITTEN);
    let folder = |key: &str| {
        estate.guests[key]
            .folder
            .as_ref()
            .and_then(|name| name.as_str())
    };
    assert_eq!(folder("vm-42"), Some("Production/Web / Shop 100%"));
    assert_eq!(folder("vm-43"), Some("gold"));
    assert_eq!(folder("vm-44"), None);
}

#[test]
fn snapshots_come_oldest_first_and_without_what_somebody_noted() {
    let estate = estate(&WRITTEN);
    let kept = &estate.guests["vm-42"].snapshots;
    let told: Vec<_> = kept
        .iter()
        .map(|one| (one.name.as_str().unwrap(), one.with_memory, one.current))
        .collect();
    assert_eq!(told, [("first", true, false), ("second", false, true)]);
    assert!(!format!("{estate:?}", estate = estate.guests).contains("secret of somebody"));
    assert_eq!(estate.guests["vm-42"].numa_affinity.as_deref(), Some("0,1"));
}

#[test]
fn a_cluster_tells_its_rules_and_whom_it_starts_again() {
    let estate = estate(&WRITTEN);
    let cluster = &estate.clusters["domain-c7"];
    assert_eq!(cluster.spreads_guests.as_deref(), Some("fully-automated"));
    let rules: Vec<_> = cluster
        .rules
        .iter()
        .map(|rule| {
            let (sort, on) = (rule.sort, rule.enabled);
            format!(
                "{} {sort:?} {on} {} {:?} {:?}",
                rule.name, rule.mandatory, rule.guests, rule.hosts
            )
        })
        .collect();
    assert_eq!(
        rules,
        [
            r#"databases apart Apart true false ["vm-42", "vm-43"] []"#,
            r#"licensed hosts OnHosts true true ["vm-42"] ["host-9"]"#,
            r#"never there OffHosts true false ["vm-42"] ["host-10"]"#,
            r#"with its cache Together false false ["vm-42", "vm-44"] []"#,
        ]
    );
    let again = |key: &str| estate.guests[key].restarted_elsewhere;
    assert_eq!(
        (again("vm-42"), again("vm-43"), again("vm-44")),
        (Some(true), Some(false), Some(true))
    );
    let other = &estate.clusters["domain-c8"];
    assert_eq!(
        (other.restarts_guests, &other.spreads_guests),
        (Some(false), &None)
    );
}

#[test]
fn a_host_tells_its_hardware_its_network_and_its_time() {
    let estate = estate(&WRITTEN);
    let host = &estate.hosts["host-9"];
    assert_eq!(host.names.len(), 1);
    let addresses: Vec<_> = host.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["10.1.0.9", "2001:db8::9"]);
    assert_eq!(host.cluster.as_deref(), Some("domain-c7"));
    assert!(host.maintenance == Some(true) && host.started_at.is_some());
    let peers = |all: &[groma_model::name::Peer]| {
        let all: Vec<String> = all.iter().map(ToString::to_string).collect();
        all.join(" ")
    };
    assert_eq!(peers(&host.dns_servers), "10.1.0.53 10.2.0.53");
    assert_eq!(peers(&host.ntp_servers), "ntp1.corp.example 10.1.0.123");
    let switches: Vec<_> = host
        .switches
        .iter()
        .map(|switch| {
            (
                switch.name.as_str(),
                switch.distributed,
                switch.uplinks.join(" "),
                switch.port_groups.len(),
            )
        })
        .collect();
    assert_eq!(
        switches,
        [
            ("dvs-core", true, "vmnic2".to_owned(), 4),
            ("internal", false, String::new(), 1),
            ("vSwitch0", false, "vmnic0 vmnic1".to_owned(), 2),
        ]
    );
    let keys: Vec<_> = host.switches.iter().map(|one| one.key.as_deref()).collect();
    assert_eq!(keys[0], Some("501e0a1b-2c3d-4e5f-6071-8293a4b5c6d7"));
    assert!(
        keys[1..].iter().all(Option::is_none),
        "no other spans hosts"
    );
    assert_eq!(
        (host.nics[0].speed_mbps, host.nics[1].speed_mbps),
        (None, Some(25_000))
    );
    assert_eq!(host.datastores, ["datastore-3", "datastore-5"]);
    assert_eq!(estate.measured["host-9 hypervisor_cpu_used_percent"], 25.0);
    assert_eq!(
        estate.measured["host-9 hypervisor_memory_used_bytes"],
        1_073_741_824.0
    );
    // What nobody reaches is not measured, and a host that stands alone is in no cluster.
    let lost = &estate.hosts["host-12"];
    assert_eq!((lost.connected, &lost.cluster), (Some(false), &None));
    assert_eq!(lost.addresses.len(), 1);
    assert!(
        !estate
            .measured
            .contains_key("host-12 hypervisor_cpu_used_percent")
    );
}

#[test]
fn a_datastore_is_what_it_is_made_of() {
    let estate = estate(&WRITTEN);
    let told: Vec<_> = estate
        .datastores
        .values()
        .map(|one| {
            format!(
                "{:?} {} {}",
                one.sort,
                one.product.as_deref().unwrap_or("-"),
                one.name.lossy()
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "FileShare NFS41 nfs-share",
            "Block VMFS-6 local",
            "Fabric VMFS-6 san / 1",
            "Spread vsan vsanDatastore",
            "Fabric VMFS-6 lost",
        ]
    );
    let size = |key: &str| {
        let moving = format!("{key} datastore_capacity_bytes");
        (
            estate.datastores[key].capacity_bytes.is_some(),
            estate.measured.contains_key(&moving),
        )
    };
    let moves = (false, true);
    assert_eq!((size("datastore-3"), size("datastore-6")), (moves, moves));
    assert_eq!(
        size("datastore-4"),
        (true, false),
        "a disk is as large as it is"
    );
    let share = &estate.datastores["datastore-3"];
    assert_eq!(
        share.server.as_ref().unwrap().to_string(),
        "nas1.corp.example"
    );
    assert_eq!(share.path.as_ref().unwrap().as_str(), Some("/export/vm"));
    assert_eq!(share.hosts, ["host-10", "host-9"]);
    assert!(
        estate
            .measured
            .contains_key("datastore-3 datastore_free_bytes")
    );
    assert!(
        !estate
            .measured
            .contains_key("datastore-7 datastore_free_bytes")
    );
}

#[test]
fn what_a_role_hides_is_counted_and_what_a_version_lacks_is_not() {
    let estate = estate(&WRITTEN);
    let hidden: Vec<_> = estate
        .hidden
        .iter()
        .map(|(hidden, count)| format!("{} {} {count}", hidden.path, hidden.privilege))
        .collect();
    assert_eq!(
        hidden,
        [
            "config.hardware.device System.Read 2",
            "config.uuid System.Read 1"
        ]
    );
    assert_eq!(estate.guests["vm-47"].tpm, None);
    assert_eq!(estate.untold, [LOST]);
}

const LOST: &str = "vm-46 (\"lost\") is orphaned: its host cannot read its settings; bring its datastore back, or take it off the list";

#[test]
fn a_guest_without_its_settings_is_a_hole_and_no_poor_fact() {
    let told = estate(&WRITTEN);
    assert_eq!(told.guests.get("vm-46"), None);
    // The twin: some are lost to their host, and the platform still has their settings.
    let guests = String::from_utf8_lossy(answer!("written/guests.xml")).into_owned();
    let known = guests.replace(
        ">orphaned</val></propSet>",
        r#">orphaned</val></propSet>
<propSet><name>config.hardware.device</name><val xsi:type="ArrayOfVirtualDevice"></val></propSet>"#,
    );
    assert_ne!(known, guests);
    let mut answers = WRITTEN;
    answers[8] = known.as_bytes();
    let told = estate(&answers);
    assert!(told.guests.contains_key("vm-46"));
    assert_eq!(told.untold, [LOST]);
}

#[test]
fn an_agent_of_the_cluster_is_no_guest_and_one_of_a_product_is() {
    let told = |key: &str, of: &str| {
        let managed = format!("<extensionKey>{key}</extensionKey><type>{of}</type>");
        let answer = format!(
            r#"<objects><obj type="VirtualMachine">vm-1</obj><propSet><name>name</name><val>vCLS-1</val></propSet>
            <propSet><name>config.managedBy</name><val xsi:type="ManagedByInfo">{managed}</val></propSet></objects>"#
        );
        let told = estate(&[enveloped(&answer).as_bytes()]);
        assert_eq!(told.untold, [""; 0], "nobody misses it");
        told.guests.len()
    };
    assert_eq!(told("com.vmware.vim.eam", "cluster-agent"), 0);
    assert_eq!(told("VirtualCenter", "vcls-entity"), 0);
    assert_eq!(told("com.vmware.vim.eam", "host-agent"), 1);
    assert_eq!(told("com.example.backup", "proxy"), 1);
}

#[test]
fn what_a_linked_clone_takes_is_not_all_there_is_to_move() {
    let used = |backing: &str| {
        let disk = format!(
            r#"<VirtualDevice xsi:type="VirtualDisk"><key>2000</key><backing xsi:type="{backing}</backing></VirtualDevice>"#
        );
        let answer = format!(
            r#"<objects><obj type="VirtualMachine">vm-1</obj><propSet><name>summary.storage.committed</name><val>77</val></propSet>
            <propSet><name>config.hardware.device</name><val xsi:type="ArrayOfVirtualDevice">{disk}</val></propSet></objects>"#
        );
        estate(&[enveloped(&answer).as_bytes()])
            .measured
            .get("vm-1 vm_disk_used_bytes")
            .copied()
    };
    let flat = r#"VirtualDiskFlatVer2BackingInfo"><fileName>[a] web/web-000002.vmdk</fileName>"#;
    assert_eq!(used(flat), Some(77.0));
    let parent = |inner: &str| format!("{flat}<parent><fileName>{inner}</parent>");
    let own = "[a] web/web.vmdk</fileName>";
    assert_eq!(used(&parent(own)), Some(77.0), "a snapshot of its own");
    assert_eq!(used(&parent("[a] base/base.vmdk</fileName>")), None);
    let below = format!("{own}<parent><fileName>[a] base/base.vmdk</fileName></parent>");
    assert_eq!(used(&parent(&below)), None, "and a snapshot on top of it");
    let raw = flat
        .replace("Flat", "RawDiskMapping")
        .replace("Ver2", "Ver1");
    assert_eq!(used(&raw), None, "a device of the storage has no file");
}

#[test]
fn recorded_answers_are_read_without_a_rest() {
    let estate = estate(&RECORDED);
    assert_eq!((estate.untold.len(), estate.hidden.len()), (0, 0));
    let numbers = (
        estate.guests.len(),
        estate.hosts.len(),
        estate.clusters.len(),
        estate.datastores.len(),
    );
    assert_eq!(numbers, (4, 4, 1, 1));
    let crowd = estate
        .guests
        .values()
        .find(|guest| guest.fault_tolerance == Some(true))
        .unwrap();
    assert_eq!(
        (
            crowd.disks.len(),
            crowd.passthrough.len(),
            crowd.media.len()
        ),
        (4, 6, 2)
    );
    assert!(
        estate
            .guests
            .values()
            .any(|guest| guest.sort == GuestSort::Template)
    );
    assert!(
        estate
            .guests
            .values()
            .any(|guest| guest.snapshots.len() == 2)
    );
}

#[test]
fn faults_keep_their_kind_and_what_they_are_about() {
    let fault = |answer: &[u8]| match page(answer, &mut |_| {}) {
        Err(Unread::Fault(fault)) => (fault.kind, fault.about),
        other => panic!("{other:?}"),
    };
    let login = fault(answer!("vcsim-vpx/refused.xml"));
    assert_eq!(login, ("InvalidLogin".to_owned(), String::new()));
    let property = fault(answer!("written/fault-invalid-property.xml"));
    assert_eq!(
        property,
        ("InvalidProperty".to_owned(), "config.firmware".to_owned())
    );
    assert_eq!(
        fault(answer!("written/fault-not-authenticated.xml")).0,
        "NotAuthenticated"
    );
    let service = whole(answer!("vcsim-esx/service.xml")).unwrap();
    assert_eq!(service.text("returnval/about/apiType"), Some("HostAgent"));
}

const STATISTICS: &[u8] = answer!("vcsim-vpx/QueryPerf.xml");

fn counters() -> Counters {
    let mut counters = Counters::default();
    page(answer!("vcsim-vpx/perfCounter.xml"), &mut |object| {
        counters = Counters::of(object.value("perfCounter").unwrap());
    })
    .unwrap();
    counters
}

fn measured(answer: &[u8]) -> Vec<String> {
    let mut read = Read::default();
    load(answer, &Platform::default(), &counters(), 1_800, &mut read).unwrap();
    let lines = read.facts.iter().map(|fact| match fact {
        Fact::Measurement(one) => format!("{} {}", one.metric, one.value),
        other => panic!("{other:?}"),
    });
    lines.collect()
}

#[test]
fn statistics_are_told_with_their_peak_and_their_period() {
    assert_eq!(counters().keys().collect::<Vec<_>>(), [2, 98, 131, 133]);
    let recorded = measured(STATISTICS);
    assert!(
        recorded.contains(&"vm_cpu_peak_percent 17.65".to_owned()),
        "{recorded:?}"
    );
    assert!(recorded.contains(&"vm_load_period_seconds 21600".to_owned()));
    assert_eq!(recorded.len(), 7);
}

#[test]
fn what_was_not_measured_is_no_zero_and_one_of_several_disks_is_not_all() {
    let series = |key: u32, instance: &str, values: &str| {
        format!(
            "<value><id><counterId>{key}</counterId><instance>{instance}</instance></id><value>{values}</value></value>"
        )
    };
    let all = [
        series(2, "", "-1,100,300,-1,200"),
        series(98, "", "-1,-1"),
        series(133, "naa.600508b4", "900"),
        series(7, "", "5"),
    ];
    let text = format!(
        "<e:Envelope xmlns:e='e'><e:Body><QueryPerfResponse><returnval><entity type='VirtualMachine'>vm-1</entity>{}</returnval></QueryPerfResponse></e:Body></e:Envelope>",
        all.concat()
    );
    assert_eq!(
        measured(text.as_bytes()),
        [
            "vm_cpu_peak_percent 3",
            "vm_cpu_p95_percent 3",
            "vm_load_period_seconds 5400"
        ]
    );
}

fn enveloped(inside: &str) -> String {
    format!(
        "<e:Envelope xmlns:e='e' xmlns:xsi='x'><e:Body><R><returnval>{inside}</returnval></R></e:Body></e:Envelope>"
    )
}

fn refused(text: &str) -> String {
    match page(text.as_bytes(), &mut |_| {}) {
        Err(Unread::Fault(fault)) => panic!("{fault:?}"),
        Err(error) => error.to_string(),
        Ok(_) => panic!("it was read"),
    }
}

#[test]
fn an_answer_that_would_fill_the_memory_is_ended() {
    let bomb = format!(
        "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]>{}",
        enveloped("<objects><obj type='Folder'>&b;</obj></objects>")
    );
    assert!(refused(&bomb).contains("document type"));
    assert!(refused(&enveloped("<token>&lol;</token>")).contains("entity"));
    let deep = "<a>".repeat(200) + &"</a>".repeat(200);
    assert!(refused(&enveloped(&deep)).contains("within each other"));
    let long = "x".repeat(3 << 20);
    assert!(refused(&enveloped(&format!("<token>{long}</token>"))).contains("longer than"));
    assert!(refused(&enveloped(&format!("<{long}/>"))).contains("longer than"));
}

#[test]
fn a_property_that_is_too_long_is_left_out_and_told_and_the_rest_is_read() {
    let many = "<VirtualDevice><key>1</key></VirtualDevice>".repeat(60_000);
    let text = enveloped(&format!(
        "<objects><obj type='VirtualMachine'>vm-1</obj><propSet><name>config.hardware.device</name><val>{many}</val></propSet>\
         <propSet><name>name</name><val>a</val></propSet></objects>"
    ));
    let estate = estate(&[text.as_bytes()]);
    assert_eq!(estate.guests["vm-1"].name.as_str(), Some("a"));
    assert_eq!(
        estate.untold,
        ["config.hardware.device of vm-1 is too long to be read"]
    );
}

#[test]
fn an_answer_that_is_cut_anywhere_is_not_whole() {
    let text = enveloped("<objects><obj type='Folder'>f</obj></objects><token>t</token>");
    for length in 0..text.len() {
        assert!(
            page(&text.as_bytes()[..length], &mut |_| {}).is_err(),
            "{length}"
        );
    }
    let whole = page(text.as_bytes(), &mut |_| {}).unwrap();
    assert_eq!((whole.objects, whole.token.as_deref()), (1, Some("t")));
}

#[test]
fn no_answer_breaks_the_reader() {
    let seeds: Vec<&[u8]> = WRITTEN
        .into_iter()
        .chain(RECORDED[..6].iter().copied())
        .collect();
    groma_fuzz::hammer(2_000, &seeds, |bytes| {
        let mut inventory = Inventory::new("x");
        let _ = page(bytes, &mut |object| drop(inventory.take(&object)));
        let _ = whole(bytes);
    });
    let (counters, platform) = (counters(), Platform::default());
    groma_fuzz::hammer(2_000, &[STATISTICS], |bytes| {
        let _ = load(bytes, &platform, &counters, 1_800, &mut Read::default());
    });
}
