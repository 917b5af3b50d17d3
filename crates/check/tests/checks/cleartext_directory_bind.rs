//! `cleartext-directory-bind`

use groma_model::fact::{ProtocolSetting, ProtocolSide};
use groma_model::inventory::{Inventory, Severity};
use groma_model::name::Protection;

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "cleartext-directory-bind";

fn bind(mechanism: &str, protection: Protection, provider: &str) -> Inventory {
    let need = with(
        protected(depends("app1", "ldap-bind", provider, 389), protection),
        |d| {
            d.details.mechanism = Some(mechanism.to_owned());
            d.details.accounts = vec!["cn=reader".to_owned()];
        },
    );
    inventory(vec![host("app1"), host("dc1")], vec![need])
}

pub(crate) fn positive() -> Inventory {
    bind("simple", Protection::None, "dc1")
}

pub(crate) fn negative() -> Inventory {
    bind("simple", Protection::Starttls, "dc1")
}

#[test]
fn it_names_the_server_the_client_and_the_account() {
    let finding = only(CHECK, &positive());
    assert_eq!(finding.severity, Severity::High);
    assert_eq!(
        finding.indicator,
        "dc1:389 without TLS: app1 (app1.service); as cn=reader"
    );
    assert!(finding.risk.starts_with("app1 logs on"), "{}", finding.risk);
}

#[test]
fn no_password_on_the_wire_and_no_wire_at_all_are_silent() {
    for mechanism in ["anonymous", "GSSAPI", "external"] {
        assert!(
            found(CHECK, &bind(mechanism, Protection::None, "dc1")).is_empty(),
            "{mechanism}"
        );
    }
    assert!(found(CHECK, &bind("simple", Protection::None, "app1")).is_empty());
}

#[test]
fn protection_nobody_knows_is_not_called_clear_text() {
    let unknown = inventory(
        vec![host("app1"), host("dc1")],
        vec![depends("app1", "ldap-bind", "dc1", 389)],
    );
    assert!(found(CHECK, &unknown).is_empty());
}

#[test]
fn a_configuration_without_an_account_is_said_with_less_certainty() {
    let need = protected(depends("app1", "ldap-bind", "dc1", 389), Protection::None);
    let finding = only(
        CHECK,
        &inventory(vec![host("app1"), host("dc1")], vec![need]),
    );
    assert_eq!(finding.severity, Severity::Medium);
    assert!(
        finding
            .risk
            .starts_with("app1 asks the directory dc1 in clear text"),
        "{}",
        finding.risk
    );
}

#[test]
fn a_controller_that_requires_no_signature_says_so_and_one_that_does_is_silent() {
    let with_setting = |state: &str| {
        let mut inventory = positive();
        for entity in &mut inventory.entities {
            if entity.name == "dc1" {
                entity.attributes.protocol_settings = vec![ProtocolSetting {
                    protocol: "ldap-signing".to_owned(),
                    side: ProtocolSide::Server,
                    state: state.to_owned(),
                    file: r"HKLM\NTDS".into(),
                    line: 0,
                    key: "LDAPServerIntegrity".to_owned(),
                }];
            }
        }
        only(CHECK, &inventory).indicator
    };
    let told = with_setting("if-asked");
    assert!(
        told.ends_with(r"; it lets them in by LDAPServerIntegrity in HKLM\NTDS"),
        "{told}"
    );
    assert!(!with_setting("required").contains("LDAPServerIntegrity"));
}
