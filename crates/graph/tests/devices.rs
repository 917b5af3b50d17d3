//! What a device's own table of connections tells, where no agent fits and the mail server keeps no log.

mod common;

use common::*;
use groma_model::device::{DeviceClass, DeviceSays, DeviceWitness};
use groma_model::fact::ReportedUse;
use groma_model::ledger::ConsumerClass;
use groma_model::name::Peer;
use groma_model::reported::ReportedMail;
use groma_model::{Fact, Port, Transport, Witness};

const COPIER: &str = "10.0.0.7";

fn connected(to: &str, port: u16, kind: &str) -> Fact {
    Fact::TableUse(ReportedUse {
        consumer: Peer::Address(ip(COPIER)),
        provider: Peer::Address(ip(to)),
        kind: kind.into(),
        port: Some(Port(port)),
        transport: Transport::Tcp,
        product: "TCP".into(),
        account: None,
        mechanism: None,
        program: None,
        client: None,
        protection: None,
        service: None,
        asks: None,
        refused: false,
        name: None,
        tls: None,
        mail: kind
            .starts_with("smtp")
            .then(|| Box::new(ReportedMail::default())),
        log: "the table of connections of 10.0.0.7 (SNMP)".into(),
    })
}

fn told() -> Told {
    let mut told = Told::default();
    told.host("desk", "10.0.0.2").host("mail1", "10.0.0.5");
    let mut says = DeviceSays::new(ip(COPIER), DeviceWitness::Snmp);
    says.class = Some(DeviceClass::Multifunction);
    told.say("desk", "network.snmp", Fact::DeviceSays(says));
    told
}

#[test]
fn a_row_to_the_mail_server_is_an_edge_and_a_row_of_the_mail_ledger() {
    let mut told = told();
    told.say(
        "desk",
        "network.snmp",
        connected("10.0.0.5", 25, "smtp-relay"),
    );
    let (graph, entities) = told.graph_and_entities();
    let copier = entities
        .iter()
        .find(|e| e.name == COPIER)
        .expect("it is there");
    assert_eq!(copier.kind, "device");
    let [edge] = graph.dependencies.as_slice() else {
        panic!("{:#?}", graph.dependencies)
    };
    assert_eq!(
        (
            &edge.consumer.entity,
            edge.kind.as_str(),
            edge.provider.port
        ),
        (&copier.id, "smtp-relay", Some(Port(25)))
    );
    assert_eq!(edge.witnesses.to_vec(), [Witness::Network]);
    let [row] = graph.mail_ledger.as_slice() else {
        panic!("{:#?}", graph.mail_ledger)
    };
    assert_eq!(
        (&row.consumer, row.port, row.messages),
        (&copier.id, Some(Port(25)), 0)
    );
    assert_eq!(row.class, ConsumerClass::Device);
}

/// The twin: scanning into a folder is a need, and no mail.
#[test]
fn a_row_to_a_file_server_is_no_mail() {
    let mut told = told();
    told.say("desk", "network.snmp", connected("10.0.0.5", 445, "smb"));
    let graph = told.graph();
    assert_eq!(graph.dependencies.len(), 1);
    assert!(graph.mail_ledger.is_empty());
}
