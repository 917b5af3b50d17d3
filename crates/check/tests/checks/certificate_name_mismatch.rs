//! `certificate-name-mismatch`

use groma_model::inventory::Inventory;
use groma_model::name::Protection;

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "certificate-name-mismatch";

fn asked_as(asked: &str, held: &str, protection: Protection) -> Inventory {
    let certificate = certificate(held, 300);
    let mut web = listener("web1", 443, "nginx.service");
    web.certificate = Some(certificate.id.clone());
    let need = with(
        protected(depends("app1", "http", "web1", 443), protection),
        |d| d.reached_as = Some(asked.to_owned()),
    );
    let mut inventory = inventory(vec![host("app1"), host("web1"), certificate], vec![need]);
    inventory.listeners.push(web);
    inventory
}

pub(crate) fn positive() -> Inventory {
    asked_as("erp.corp.example", "web1.corp.example", Protection::Tls)
}

pub(crate) fn negative() -> Inventory {
    asked_as("erp.corp.example", "erp.corp.example", Protection::Tls)
}

#[test]
fn it_says_what_was_asked_for_and_what_is_held() {
    let finding = only(CHECK, &positive());
    assert_eq!(
        finding.indicator,
        "asked for as erp.corp.example at web1:443, holds web1.corp.example, valid until 2027-09-16"
    );
    assert!(
        finding
            .impact
            .starts_with("app1 (app1.service) stops connecting"),
        "{}",
        finding.impact
    );
}

#[test]
fn a_wildcard_covers_one_label() {
    assert!(
        found(
            CHECK,
            &asked_as("erp.corp.example", "*.corp.example", Protection::Tls)
        )
        .is_empty()
    );
    assert_eq!(
        found(
            CHECK,
            &asked_as("a.erp.corp.example", "*.corp.example", Protection::Tls)
        )
        .len(),
        1
    );
}

#[test]
fn clear_text_addresses_and_short_names_are_silent() {
    assert!(
        found(
            CHECK,
            &asked_as("erp.corp.example", "other", Protection::None)
        )
        .is_empty()
    );
    assert!(found(CHECK, &asked_as("10.0.0.9", "other", Protection::Tls)).is_empty());
    assert!(found(CHECK, &asked_as("erp", "erp.corp.example", Protection::Tls)).is_empty());
}
