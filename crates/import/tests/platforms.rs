//! Guests that somebody exported, in four writings. None was recorded from a real platform: see the fixtures of groma-platform.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use groma_import::{Imported, Kind, as_batch, read, read_of, recognise};
use groma_model::batch::Said;
use groma_model::virtualization::Guest;
use groma_model::{CoverageState, Fact, Peer, SiteId, Timestamp};

const HYPERV: &str = include_str!("../../platform/tests/fixtures/hyperv/inventory.json");
const OVF: &str = include_str!("../../platform/tests/fixtures/ovf/one.ovf");
const MACHINE: &str = include_str!("../../platform/tests/fixtures/proxmox/104.conf");
const CONTAINER: &str = include_str!("../../platform/tests/fixtures/proxmox/105.conf");
const DOMAIN: &str = include_str!("../../platform/tests/fixtures/libvirt/domain-web-01.xml");
const CAPABILITIES: &str =
    include_str!("../../platform/tests/fixtures/libvirt/capabilities-qemu.xml");
const DOCUMENT: &str = r#"{"guests": [{"platform": {"kind": "other", "id": "p1"}, "key": "vm-1", "name": "mail1", "sort": "machine"}], "schema": "groma.platform/1"}"#;

fn now() -> Timestamp {
    Timestamp::from_seconds(1_795_351_600)
}

fn guests(imported: &Imported) -> Vec<&Guest> {
    let guests = imported.facts.iter().filter_map(|fact| match fact {
        Fact::Guest(guest) => Some(&**guest),
        _ => None,
    });
    guests.collect()
}

/// UTF-16 with its mark, as `Out-File` of Windows PowerShell 5.1 writes.
fn wide(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    [0xff, 0xfe].into_iter().chain(units).collect()
}

#[test]
fn each_is_recognised_by_its_content() {
    for text in [HYPERV, OVF, MACHINE, CONTAINER, DOMAIN, DOCUMENT] {
        assert_eq!(recognise(text.as_bytes()), Kind::Platform, "{text:.60}");
        assert_eq!(recognise(&wide(text)), Kind::Platform, "{text:.60}");
        assert_eq!(
            recognise(format!("\u{feff}{text}").as_bytes()),
            Kind::Platform,
            "{text:.60}"
        );
    }
}

#[test]
fn what_only_speaks_of_them_is_none() {
    let others = [
        "name,ip,note\nmail1,10.0.0.5,groma.platform/1\n",
        r#"{"schema": "groma.platform/2", "guests": []}"#,
        r#"{"note": "groma.hyperv/1"}"#,
        "<domain><name>x</name></domain>",
        "<network><name>default</name></network>",
        "name: mail1\nmemory: 5\n",
    ];
    for text in others {
        assert_ne!(recognise(text.as_bytes()), Kind::Platform, "{text}");
    }
}

#[test]
fn an_inventory_in_utf_16_is_the_same_inventory() {
    let plain = read("hyperv.json", HYPERV.as_bytes(), now()).unwrap();
    assert_eq!(read("hyperv.json", &wide(HYPERV), now()).unwrap(), plain);
    assert_eq!(guests(&plain).len(), 3);
    assert_eq!(
        (plain.rows_left_out, plain.skipped.len()),
        (2, 2),
        "{:?}",
        plain.skipped
    );
}

#[test]
fn a_host_in_a_file_of_virsh_is_called_as_its_list_or_as_the_operator_says() {
    let file = [DOMAIN, CAPABILITIES].concat();
    let name = |of: Option<&Peer>| {
        let imported = read_of("kvm7.xml", file.as_bytes(), now(), of).unwrap();
        let mut hosts = imported.facts.into_iter().filter_map(|fact| match fact {
            Fact::Hypervisor(host) => Some((host.name.to_string(), host.key)),
            _ => None,
        });
        hosts.next().unwrap()
    };
    let uuid = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0".to_owned();
    assert_eq!(name(None), ("kvm7.xml".to_owned(), uuid.clone()));
    let kvm = Peer::parse("kvm7");
    assert_eq!(name(kvm.as_ref()), ("kvm7".to_owned(), uuid));
}

#[test]
fn settings_are_of_the_cluster_the_operator_names() {
    let cluster = Peer::parse("prod");
    let imported = read_of("104.conf", MACHINE.as_bytes(), now(), cluster.as_ref()).unwrap();
    let [mail] = guests(&imported)[..] else {
        panic!()
    };
    assert_eq!(
        (mail.platform.id.as_str(), mail.key.as_str()),
        ("prod", "qemu/104")
    );
    let unnamed = read("204.conf", MACHINE.as_bytes(), now()).unwrap();
    assert_eq!(
        (
            guests(&unnamed)[0].platform.id.as_str(),
            guests(&unnamed)[0].key.as_str()
        ),
        ("unnamed", "qemu/204")
    );
}

#[test]
fn a_descriptor_stands_for_itself() {
    let imported = read("mail.ovf", OVF.as_bytes(), now()).unwrap();
    assert_eq!(guests(&imported)[0].platform.id, "mail.ovf");
}

#[test]
fn the_facts_become_a_batch_that_is_complete_only_where_nothing_was_left_out() {
    let states = |name: &str, text: &str| {
        let imported = read(name, text.as_bytes(), now()).unwrap();
        let batch = as_batch(&imported, &SiteId::default(), "0");
        let saw = batch
            .records
            .iter()
            .filter(|r| matches!(r.said, Said::Saw(_)))
            .count();
        let state = batch.records.iter().find_map(|r| match &r.said {
            Said::Covered(coverage) => Some(coverage.state),
            _ => None,
        });
        assert_eq!(saw, imported.facts.len());
        state
    };
    assert_eq!(states("p.json", DOCUMENT), Some(CoverageState::Complete));
    assert_eq!(states("h.json", HYPERV), Some(CoverageState::Partial));
}

#[test]
fn a_document_of_nothing_usable_is_refused() {
    let text = r#"{"schema": "groma.platform/1", "guests": [{"name": "x"}]}"#;
    assert!(
        read("p.json", text.as_bytes(), now())
            .unwrap_err()
            .to_string()
            .contains("guests[0]")
    );
    let empty = r#"{"schema": "groma.platform/1"}"#;
    assert_eq!(read("p.json", empty.as_bytes(), now()).unwrap().facts, []);
}

#[test]
fn no_bytes_break_the_reader() {
    let corpus = [HYPERV, OVF, MACHINE, CONTAINER, DOCUMENT].map(str::as_bytes);
    groma_fuzz::hammer(1500, &corpus, |bytes| drop(read("x.conf", bytes, now())));
}

#[test]
fn the_example_of_the_page_is_read_whole() {
    let page = include_str!("../../../docs/reference/platform-json.md");
    let example = page.split("```json").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let imported = read("p.json", example.as_bytes(), now()).unwrap();
    assert_eq!((imported.facts.len(), imported.rows_left_out), (2, 0));
    assert_eq!(guests(&imported)[0].disks.len(), 1);
}

#[test]
fn guests_of_virsh_come_in_one_after_the_other() {
    let two = format!("{DOMAIN}\n{}", DOMAIN.replace("web-01", "web-02"));
    let imported = read("kvm1.xml", two.as_bytes(), now()).unwrap();
    let names: Vec<String> = guests(&imported)
        .iter()
        .map(|guest| guest.name.to_string())
        .collect();
    // The same UUID is the same guest to its host, whatever it is called.
    assert!(!names.is_empty(), "{:?}", imported.skipped);
    let of = Peer::parse("kvm1");
    let named = read_of("web.xml", DOMAIN.as_bytes(), now(), of.as_ref()).unwrap();
    assert_eq!(guests(&named)[0].platform.id, "kvm1");
}
