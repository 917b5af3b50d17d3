//! `mail-sender-by-address`

use groma_model::Witness;
use groma_model::inventory::{Dependency, Inventory};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "mail-sender-by-address";

fn sender(witnesses: &[Witness]) -> Inventory {
    let edge = with(
        depends("10.0.0.50", "smtp-relay", "mbx1", 25),
        |d: &mut Dependency| {
            d.witnesses = witnesses.to_vec();
            d.hidden_because = vec!["unauthenticated-relay".to_owned()];
        },
    );
    inventory(vec![host("mbx1"), entity("host", "10.0.0.50")], vec![edge])
}

pub(crate) fn positive() -> Inventory {
    sender(&[Witness::Declared])
}

/// A file of the sender says so: other checks know more.
pub(crate) fn negative() -> Inventory {
    sender(&[Witness::Written])
}

#[test]
fn the_list_says_how_many_of_it_still_send() {
    let silent = only(CHECK, &positive());
    assert!(
        silent.indicator.contains("1 single address"),
        "{}",
        silent.indicator
    );
    assert!(
        silent.indicator.contains("0 of them seen sending"),
        "{}",
        silent.indicator
    );
    let alive = only(CHECK, &sender(&[Witness::Live, Witness::Declared]));
    assert!(
        alive.indicator.contains("1 of them seen sending"),
        "{}",
        alive.indicator
    );
    assert!(found(CHECK, &negative()).is_empty());
}
