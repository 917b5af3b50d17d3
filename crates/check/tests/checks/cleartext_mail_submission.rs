//! `cleartext-mail-submission`

use groma_model::inventory::{Inventory, Severity};
use groma_model::name::Protection;

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "cleartext-mail-submission";

fn sends(provider: &str, account: Option<&str>, protection: Protection) -> Inventory {
    let need = with(
        protected(
            depends("app1", "smtp-submission", provider, 587),
            protection,
        ),
        |d| {
            d.details.accounts = account.into_iter().map(str::to_owned).collect();
        },
    );
    inventory(vec![host("app1"), host("mail1")], vec![need])
}

pub(crate) fn positive() -> Inventory {
    sends("mail1", Some("reports"), Protection::None)
}

pub(crate) fn negative() -> Inventory {
    sends("mail1", Some("reports"), Protection::Tls)
}

#[test]
fn a_password_makes_it_graver() {
    let with_password = only(CHECK, &positive());
    assert_eq!(with_password.severity, Severity::High);
    assert!(
        with_password
            .risk
            .starts_with("app1 hands mail to mail1 in clear text, with a password"),
        "{}",
        with_password.risk
    );
    assert_eq!(
        only(CHECK, &sends("mail1", None, Protection::None)).severity,
        Severity::Medium
    );
}

#[test]
fn a_machine_that_sends_to_itself_speaks_only_with_a_password_and_softly() {
    assert!(found(CHECK, &sends("app1", None, Protection::None)).is_empty());
    assert_eq!(
        only(CHECK, &sends("app1", Some("reports"), Protection::None)).severity,
        Severity::Low
    );
}
