//! Identity providers know who signs in through them: services nobody looks at from inside, too.

mod common;

use common::{Told, ip};
use groma_model::fact::*;
use groma_model::inventory::Basis;
use groma_model::*;

fn party(name: &str, places: &[&str]) -> RelyingParty {
    RelyingParty {
        list: String::new(),
        file: Some("/etc/simplesamlphp/metadata/saml20-sp-remote.php".into()),
        line: Some(12),
        product: "SimpleSAMLphp".into(),
        provider: None,
        name: name.into(),
        identifier: Some(format!("https://{name}/metadata").as_str().into()),
        way: SignInWay::Saml,
        places: places.iter().filter_map(|p| Peer::parse(p)).collect(),
    }
}

fn listed(provider: Option<&str>, name: &str, places: &[&str]) -> Fact {
    Fact::RelyingParty(RelyingParty {
        list: "relying.json".into(),
        file: None,
        line: None,
        product: "AD FS".into(),
        provider: provider.and_then(Peer::parse),
        ..party(name, places)
    })
}

fn estate() -> Told {
    let mut told = Told::default();
    told.host("sso1", "10.0.0.1").host("wiki1", "10.0.0.7");
    told
}

fn edges(graph: &groma_graph::Graph) -> Vec<String> {
    let needs = graph.dependencies.iter().filter(|d| d.kind == "federation");
    let mut edges: Vec<String> = needs
        .map(|d| {
            format!(
                "{} {} {:?}",
                d.consumer.name, d.provider.name, d.provider.port
            )
        })
        .collect();
    edges.sort();
    edges
}

#[test]
fn who_is_known_needs_the_provider_and_a_mere_line_is_a_row() {
    let mut told = estate();
    for fact in [
        party("wiki", &["10.0.0.7"]),
        party("scrapped", &["10.0.0.94", "gone.corp.example"]),
        party("itself", &["10.0.0.1"]),
        party("telephone", &[]),
    ] {
        told.say("sso1", "host.relying-parties", Fact::RelyingParty(fact));
    }
    let graph = told.graph();
    assert_eq!(edges(&graph), ["wiki1 sso1 None"]);
    let need = graph.dependencies.iter().find(|d| d.kind == "federation");
    let need = need.expect("just counted");
    assert_eq!(need.basis, Basis::Declared);
    assert_eq!(need.witnesses, [Witness::Written]);
    let names: Vec<&str> = graph
        .relying_parties
        .iter()
        .map(|p| p.name.as_str())
        .collect();
    assert_eq!(names, ["itself", "scrapped", "telephone", "wiki"]);
    assert!(graph.relying_parties.iter().all(|p| p.provider.is_some()));
    let place = "/etc/simplesamlphp/metadata/saml20-sp-remote.php:12";
    assert!(
        graph
            .relying_parties
            .iter()
            .all(|p| p.written_in == [place])
    );
    assert_eq!(need.details.written_in, [place]);
}

#[test]
fn a_name_that_leads_somewhere_is_more_than_its_line() {
    let mut told = estate();
    told.say(
        "sso1",
        "host.relying-parties",
        Fact::RelyingParty(party("crm", &["crm.partner.example"])),
    );
    told.say(
        "sso1",
        "names.dns",
        Fact::Name(NameAnswer {
            asked: Peer::parse("crm.partner.example").expect("a name"),
            by: NameSource::Dns,
            aliases: Vec::new(),
            addresses: vec![ip("192.0.2.7")],
            names: Vec::new(),
            ttl_seconds: None,
        }),
    );
    assert_eq!(edges(&told.graph()), ["crm.partner.example sso1 None"]);
}

#[test]
fn a_list_needs_to_know_whose_it_is() {
    let mut told = estate();
    told.say(
        "list",
        "declared.list",
        listed(Some("10.0.0.1"), "wiki", &["10.0.0.7"]),
    );
    told.say("list", "declared.list", listed(None, "shop", &["10.0.0.7"]));
    let graph = told.graph();
    assert_eq!(edges(&graph), ["wiki1 sso1 None"]);
    let need = &graph.dependencies[0];
    assert_eq!(need.witnesses, [Witness::Declared]);
    let of = |name: &str| graph.relying_parties.iter().find(|p| p.name == name);
    assert!(of("wiki").is_some_and(|p| p.provider.is_some() && p.consumers.len() == 1));
    assert!(of("shop").is_some_and(|p| p.provider.is_none()));
}

#[test]
fn both_sides_of_one_sign_in_are_one_need() {
    let mut told = estate();
    told.writes(
        "wiki1",
        common::reference(
            "gitlab-saml",
            "/etc/gitlab/gitlab.rb",
            "10.0.0.1",
            443,
            "federation",
        ),
    );
    let fact = Fact::RelyingParty(party("wiki", &["10.0.0.7"]));
    told.say("sso1", "host.relying-parties", fact.clone());
    told.say("sso1", "host.relying-parties", fact);
    let graph = told.graph();
    assert_eq!(edges(&graph), ["wiki1 sso1 Some(Port(443))"]);
    assert_eq!(graph.dependencies[0].evidence.len(), 2);
}
