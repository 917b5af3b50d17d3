//! `certificate-not-loaded`

use groma_model::Port;
use groma_model::inventory::{Inventory, NotLoaded, Severity};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "certificate-not-loaded";

fn renewed(not_loaded: bool) -> Inventory {
    let old = certificate("web.corp.example", 20);
    let mut new = used_by(
        certificate("web.corp.example", 300),
        "web1",
        "nginx.service",
        &[],
    );
    if not_loaded {
        new.attributes.used_by[0].not_loaded = vec![NotLoaded {
            port: Port(443),
            presents: old.id.clone(),
        }];
    } else {
        new.attributes.used_by[0].ports = vec![Port(443)];
    }
    inventory(vec![host("web1"), old, new], Vec::new())
}

pub(crate) fn positive() -> Inventory {
    renewed(true)
}

pub(crate) fn negative() -> Inventory {
    renewed(false)
}

#[test]
fn a_renewal_that_nobody_told_the_program_about_is_grave_near_the_end_of_the_old_one() {
    let finding = only(CHECK, &positive());
    assert_eq!(finding.severity, Severity::High);
    assert!(
        finding
            .risk
            .starts_with("nginx.service on web1 still presents a certificate that was replaced"),
        "{}",
        finding.risk
    );
    assert!(
        finding
            .indicator
            .starts_with("port 443 presents one valid from"),
        "{}",
        finding.indicator
    );
    assert!(finding.control_date.is_some());
    assert!(found(CHECK, &negative()).is_empty());
}
