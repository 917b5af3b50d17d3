//! Which machine a row of a list speaks of.

mod common;

use std::net::IpAddr;

use common::{A, B, Told};
use groma_model::fact::*;
use groma_model::inventory::Entity;
use groma_resolve::Resolution;

const OTHER_UUID: &str = "33333333-c6a9-1969-0102-030405060708";

fn row(name: &str, addresses: &[&str]) -> Declared {
    let addresses = addresses.iter().map(|a| a.parse::<IpAddr>());
    Declared {
        list: "cmdb.csv".into(),
        kind: "host".into(),
        name: name.into(),
        addresses: addresses
            .collect::<Result<_, _>>()
            .expect("a test says it right"),
        ..Declared::default()
    }
}

fn listed(rows: &[Declared]) -> Told {
    let mut told = Told::default();
    for row in rows {
        told.say("list-1", Fact::Declared(row.clone()));
    }
    told
}

fn machines(resolution: &Resolution) -> Vec<&Entity> {
    let entities = resolution.estate.entities.values();
    entities.filter(|e| e.kind != "list").collect()
}

fn names(told: &Told) -> Vec<String> {
    let resolution = told.resolved();
    let mut names: Vec<String> = machines(&resolution)
        .iter()
        .map(|e| e.name.clone())
        .collect();
    names.sort();
    names
}

#[test]
fn rows_that_share_the_address_of_an_inner_bridge_stay_apart() {
    for shared in [
        "172.17.0.1",
        "192.168.122.1",
        "10.0.0.100",
        "169.254.7.1",
        "fe80::1",
    ] {
        let told = listed(&[
            row("app1", &[shared, "10.0.0.1"]),
            row("app2", &["10.0.0.2", shared]),
            row("app3", &["10.0.0.3", shared]),
        ]);
        assert_eq!(names(&told), ["app1", "app2", "app3"], "{shared}");
    }
}

#[test]
fn a_row_that_shares_an_address_is_still_the_machine_at_its_own() {
    let mut told = listed(&[
        row("app1", &["172.17.0.1", "10.0.0.1"]),
        row("app2", &["172.17.0.1", "10.0.0.2"]),
    ]);
    told.host("agent-1", "renamed", A, "10.0.0.2");
    assert_eq!(names(&told), ["app1", "renamed"]);
}

#[test]
fn a_machine_that_stands_in_two_rows_or_two_lists_is_one() {
    let second = Declared {
        list: "vms.csv".into(),
        kind: "vm".into(),
        ..row("MAIL1-prod", &["10.0.0.1"])
    };
    let mut told = listed(&[
        row("mail1", &["10.0.0.1"]),
        row("mail1.corp.example", &["10.0.0.1"]),
    ]);
    told.say("list-2", Fact::Declared(second));
    let resolution = told.resolved();
    let [only] = machines(&resolution)[..] else {
        panic!("one machine, not {:?}", names(&told));
    };
    assert_eq!(only.kind, "vm", "the list that knows better what it is");
}

#[test]
fn several_names_for_the_address_of_a_watched_machine_are_names_of_it() {
    let mut told = listed(&[row("www", &["10.0.0.1"]), row("mail", &["10.0.0.1"])]);
    told.host("agent-1", "web1", A, "10.0.0.1");
    assert_eq!(names(&told), ["web1"]);
}

#[test]
fn a_row_with_another_uuid_is_another_machine_whatever_its_address_says() {
    let other = Declared {
        smbios_uuid: Some(OTHER_UUID.into()),
        ..row("clone", &["10.0.0.1"])
    };
    let mut told = listed(&[other]);
    told.host("agent-1", "mail1", A, "10.0.0.1");
    assert_eq!(names(&told), ["clone", "mail1"]);
}

#[test]
fn two_virtual_machines_of_one_name_are_two_by_their_uuids() {
    let vm = |uuid: &str| Declared {
        smbios_uuid: Some(uuid.into()),
        ..row("test", &[])
    };
    assert_eq!(
        names(&listed(&[vm(A[1]), vm(OTHER_UUID)])),
        ["test", "test"]
    );
    assert_eq!(
        names(&listed(&[row("test", &[]), row("test", &[])])),
        ["test"]
    );
}

#[test]
fn a_row_with_an_old_mac_is_the_machine_where_address_and_name_agree() {
    let old = |name: &str| Declared {
        macs: vec!["52:54:00:ff:ff:ff".into()],
        ..row(name, &["10.0.0.1"])
    };
    let mut told = listed(&[old("mail1")]);
    told.host("agent-1", "mail1", A, "10.0.0.1");
    assert_eq!(names(&told), ["mail1"]);
    let mut told = listed(&[old("printer")]);
    told.host("agent-1", "mail1", A, "10.0.0.1");
    assert_eq!(names(&told), ["mail1", "printer"]);
}

#[test]
fn a_row_is_the_machine_of_its_uuid_in_either_byte_order_and_not_a_container_on_it() {
    let uuid = Declared {
        smbios_uuid: Some("BC4C4D56-A9C6-6919-0102-030405060708".into()),
        ..row("asset 17", &[])
    };
    let mut told = listed(&[uuid]);
    let guest = HostIdentity {
        host_name: "guest".into(),
        machine_id: Some("m-guest".into()),
        smbios_uuid: Some(A[1].into()),
        in_container: true,
        ..HostIdentity::default()
    };
    // The guest's agent comes first in the order of names.
    told.say("agent-0", Fact::Identity(guest))
        .host("agent-1", "node", A, "10.0.0.1")
        .host("agent-2", "other", B, "10.0.0.2");
    let resolution = told.resolved();
    let machines = machines(&resolution);
    let declared: Vec<&str> = machines
        .iter()
        .filter(|e| e.declared)
        .map(|e| e.name.as_str())
        .collect();
    assert_eq!(declared, ["node"]);
}

#[test]
fn a_uuid_that_copies_of_one_machine_share_means_none_of_them() {
    let copy = |name: &str, address: &str| Declared {
        smbios_uuid: Some(A[1].into()),
        owner: Some(format!("owner of {name}")),
        ..row(name, &[address])
    };
    let mut told = listed(&[copy("web1", "10.0.0.1"), copy("web2", "10.0.0.2")]);
    let second = ["m-b", A[1], "52:54:00:00:00:0b"];
    told.host("agent-1", "web1", A, "10.0.0.1")
        .host("agent-2", "web2", second, "10.0.0.2");
    let resolution = told.resolved();
    let mut owners: Vec<(String, Option<String>)> = machines(&resolution)
        .iter()
        .map(|e| (e.name.clone(), e.owner.clone()))
        .collect();
    owners.sort();
    let owner = |name: &str| (name.to_owned(), Some(format!("owner of {name}")));
    assert_eq!(owners, [owner("web1"), owner("web2")]);
}
