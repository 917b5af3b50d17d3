//! `sign-in-moves`

use groma_model::EvidenceId;
use groma_model::fact::SignInWay;
use groma_model::inventory::{Inventory, WaveEntry};
use groma_model::relying::RelyingPartyEntry;

use crate::build::*;
use crate::{found, only};

fn party(provider: Option<&str>, name: &str, consumers: &[&str]) -> RelyingPartyEntry {
    RelyingPartyEntry {
        provider: provider.map(id),
        product: "AD FS".to_owned(),
        name: name.to_owned(),
        identifier: None,
        way: SignInWay::Saml,
        places: Vec::new(),
        consumers: consumers.iter().map(|c| id(c)).collect(),
        told_by: vec![id("relying.json")],
        written_in: vec!["relying.json".to_owned()],
        evidence: vec![EvidenceId::of(&["party", name])],
    }
}

fn wave(state: &str, member: &str) -> Inventory {
    let hosts = ["sso1", "wiki1", "shop1", "files1"].map(host);
    let needs = vec![
        depends("wiki1", "federation", "sso1", 443),
        depends("shop1", "federation", "sso1", 443),
        depends("shop1", "http", "sso1", 443),
    ];
    let mut inventory = inventory(hosts.into(), needs);
    inventory.relying_parties = vec![
        party(Some("sso1"), "Payroll", &[]),
        party(Some("sso1"), "Wiki", &["wiki1"]),
        party(None, "whose is it", &[]),
    ];
    inventory.waves = vec![WaveEntry {
        name: "wave 2".to_owned(),
        order: 2,
        window: None,
        members: vec![member.to_owned()],
        state: state.to_owned(),
        ..WaveEntry::default()
    }];
    inventory
}

pub(crate) fn positive() -> Inventory {
    wave("planned", "sso1")
}

pub(crate) fn negative() -> Inventory {
    wave("planned", "files1")
}

#[test]
fn each_service_is_one_whoever_says_so() {
    let finding = only("sign-in-moves", &positive());
    assert!(
        finding
            .risk
            .starts_with("3 services sign people in through sso1, which moves in wave 2"),
        "{}",
        finding.risk
    );
    assert_eq!(
        finding.indicator,
        "Payroll, Wiki and shop1; 1 of them has no address that is known here"
    );
}

#[test]
fn a_provider_that_has_moved_is_no_risk_any_more() {
    assert!(found("sign-in-moves", &wave("moved", "sso1")).is_empty());
    let mut nobody = positive();
    nobody.relying_parties.clear();
    nobody.dependencies.retain(|d| d.kind != "federation");
    assert!(found("sign-in-moves", &nobody).is_empty());
}
