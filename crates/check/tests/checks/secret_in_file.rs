//! `secret-in-file`

use groma_model::inventory::{Inventory, Severity};

use crate::build::*;
use crate::only;

const CHECK: &str = "secret-in-file";

fn keeps(secret: bool, provider: &str) -> Inventory {
    let need = with(depends("app1", "sql", provider, 5432), |d| {
        d.details.secret_in_file = secret;
        d.details.accounts = vec!["shop".to_owned()];
        d.details.written_in = vec!["/srv/shop/.env:3".to_owned()];
    });
    inventory(vec![host("app1"), host("db1")], vec![need])
}

pub(crate) fn positive() -> Inventory {
    keeps(true, "db1")
}

pub(crate) fn negative() -> Inventory {
    keeps(false, "db1")
}

#[test]
fn it_names_file_account_and_target_but_never_a_value() {
    let finding = only(CHECK, &positive());
    assert_eq!(
        finding.indicator,
        "written in /srv/shop/.env:3; for shop; the value was not read out"
    );
    assert!(
        finding
            .risk
            .starts_with("app1 keeps 1 password or key in its files"),
        "{}",
        finding.risk
    );
}

#[test]
fn a_secret_for_the_machine_itself_is_less_grave() {
    assert_eq!(only(CHECK, &positive()).severity, Severity::Medium);
    assert_eq!(only(CHECK, &keeps(true, "app1")).severity, Severity::Low);
}
