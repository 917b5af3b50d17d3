//! What a device says of itself describes it, and makes it nobody else.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

mod common;

use common::{A, Told};
use groma_model::device::{DeviceClass, DeviceSays, DeviceWitness};
use groma_model::inventory::Entity;
use groma_model::*;

fn copier() -> DeviceSays {
    let mut says = DeviceSays::new("10.0.0.7".parse().unwrap(), DeviceWitness::Snmp);
    says.class = Some(DeviceClass::Multifunction);
    says.maker = Some("Ricoh".to_owned());
    says.serial = Some("X1".to_owned());
    says.names = vec![HostName::parse("copier-1").unwrap()];
    says.macs = vec!["02:00:00:00:00:07".to_owned()];
    says
}

fn at<'e>(resolution: &'e groma_resolve::Resolution, address: &str) -> &'e Entity {
    let key = (SiteId::default(), address.parse().unwrap());
    &resolution.estate.entities[&resolution.estate.addresses[&key]]
}

#[test]
fn a_copier_is_a_device_with_the_name_and_the_marks_it_tells() {
    let mut told = Told::default();
    told.host("agent-1", "desk", A, "10.0.0.1")
        .say("agent-1", Fact::DeviceSays(copier()));
    let resolution = told.resolved();
    let entity = at(&resolution, "10.0.0.7");
    assert_eq!(
        (entity.kind.as_str(), entity.layer.as_str()),
        ("device", "endpoint")
    );
    assert_eq!(entity.name, "copier-1");
    assert_eq!(entity.names, ["copier-1"]);
    assert_eq!(entity.attributes.macs, ["02:00:00:00:00:07"]);
    assert_eq!(entity.attributes.device_says, [copier()]);
    assert!(!entity.evidence.is_empty());
}

#[test]
fn a_computer_that_answers_snmp_stays_a_host() {
    let mut says = copier();
    says.class = Some(DeviceClass::Computer);
    let mut told = Told::default();
    told.host("agent-1", "desk", A, "10.0.0.1")
        .say("agent-1", Fact::DeviceSays(says));
    assert_eq!(at(&told.resolved(), "10.0.0.7").kind, "host");
}

/// A print server announces printers by mDNS and IPP, and its own tables say that it is a computer.
#[test]
fn one_way_that_knows_a_computer_outweighs_the_others() {
    let mut tables = copier();
    tables.class = Some(DeviceClass::Computer);
    let mut announced = copier();
    announced.by = DeviceWitness::Ipp;
    announced.class = Some(DeviceClass::Printer);
    let mut told = Told::default();
    told.host("agent-1", "desk", A, "10.0.0.1")
        .say("agent-1", Fact::DeviceSays(tables))
        .say("agent-1", Fact::DeviceSays(announced));
    let resolution = told.resolved();
    let entity = at(&resolution, "10.0.0.7");
    assert_eq!(entity.kind, "host");
    assert_eq!(entity.attributes.device_says.len(), 2);
}

#[test]
fn a_host_with_an_agent_is_not_renamed_by_its_own_snmp_daemon() {
    let mut says = copier();
    says.address = "10.0.0.1".parse().unwrap();
    let mut told = Told::default();
    told.host("agent-1", "desk", A, "10.0.0.1")
        .host("agent-2", "other", common::B, "10.0.0.2")
        .say("agent-2", Fact::DeviceSays(says));
    let resolution = told.resolved();
    let entity = at(&resolution, "10.0.0.1");
    assert_eq!(
        (entity.kind.as_str(), entity.name.as_str()),
        ("host", "desk")
    );
    assert!(entity.attributes.device_says.len() == 1);
}

fn challenged(protocol: &str, address: &str) -> Fact {
    Fact::SeenService(fact::SeenService {
        address: address.parse().unwrap(),
        port: Port(8443),
        transport: Transport::Tcp,
        answer: fact::ServiceAnswer {
            protocol: protocol.to_owned(),
            names: vec!["EX1".to_owned()],
            ..fact::ServiceAnswer::default()
        },
    })
}

/// Who names itself by NTLM in mail or shares is named so; a proxy that hands on the challenge of a page is not.
#[test]
fn a_challenge_behind_a_page_names_nobody() {
    let mut told = Told::default();
    told.host("agent-1", "desk", A, "10.0.0.1")
        .say("agent-1", challenged("smtp", "10.0.0.8"))
        .say("agent-1", challenged("http", "10.0.0.9"));
    let resolution = told.resolved();
    assert_eq!(at(&resolution, "10.0.0.8").name, "ex1");
    assert_eq!(at(&resolution, "10.0.0.9").name, "10.0.0.9");
}
