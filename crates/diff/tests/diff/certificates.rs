//! Certificates.

use groma_diff::{Area, Class};
use groma_model::inventory::{Entity, Inventory};

use crate::build::*;
use crate::{only, said};

const LAN: [u8; 4] = [10, 0, 0, 5];

fn presents(certificate: Entity) -> Inventory {
    let mut web = listener("web1", 443, "nginx.service");
    web.certificate = Some(certificate.id.clone());
    let mut inventory = inventory(
        vec![host("web1"), presented_at(certificate, "web1", LAN, 443)],
        Vec::new(),
    );
    inventory.listeners.push(web);
    inventory
}

#[test]
fn a_renewed_certificate_is_one_line_for_file_listener_and_wire() {
    let change = only(
        &presents(certificate("web.corp.example", 20)),
        &presents(certificate("web.corp.example", 385)),
    );
    assert_eq!(
        (change.class, change.area, change.on.as_str()),
        (Class::Changed, Area::Certificate, "web1")
    );
    assert_eq!(change.says, "CN=web.corp.example renewed with a new key");
    assert!(
        change
            .details
            .iter()
            .any(|d| d.what == "valid until" && d.after.as_deref() == Some("2027-12-10")),
        "{change:#?}"
    );
    assert_eq!(change.act, None);
}

#[test]
fn a_renewal_that_lost_a_name_is_something_to_act_on() {
    let old = altered(certificate("web.corp.example", 20), |c| {
        c.names.push("erp.corp.example".into())
    });
    let change = only(
        &presents(old),
        &presents(certificate("web.corp.example", 385)),
    );
    assert!(change.act.is_some(), "{change:#?}");
}

#[test]
fn another_certificate_altogether_is_removed_added_and_changed_at_the_listener() {
    let lines = said(
        &presents(certificate("web.corp.example", 20)),
        &presents(certificate("shop.corp.example", 385)),
    );
    assert_eq!(lines.len(), 3, "{lines:#?}");
}

#[test]
fn a_dozen_new_trust_anchors_are_one_line() {
    let anchor = |n: i64| {
        altered(
            in_file(
                certificate(&format!("root {n}"), n),
                "web1",
                "/etc/ssl/certs/bundle.pem",
                false,
            ),
            |c| c.authority = true,
        )
    };
    let mut entities: Vec<Entity> = (1..13).map(anchor).collect();
    entities.push(host("web1"));
    let change = only(
        &inventory(vec![host("web1")], Vec::new()),
        &inventory(entities, Vec::new()),
    );
    assert_eq!(change.says, "12 trusted authorities");
    assert_eq!(change.details.len(), 12);
}

#[test]
fn a_copy_in_another_file_changed() {
    let one = in_file(
        certificate("web.corp.example", 90),
        "web1",
        "/etc/a.pem",
        true,
    );
    let two = in_file(one.clone(), "web1", "/etc/b.pem", true);
    let change = only(
        &inventory(vec![host("web1"), one], Vec::new()),
        &inventory(vec![host("web1"), two], Vec::new()),
    );
    assert_eq!(change.class, Class::Changed);
    assert!(
        change
            .details
            .iter()
            .all(|d| d.after.as_deref() == Some("/etc/b.pem on web1"))
    );
}
