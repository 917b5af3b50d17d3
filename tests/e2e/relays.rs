//! Three machines in a row: a consumer, what stands between, a provider. Real nginx, HAProxy, stunnel, socat and nftables hand real
//! connections on; neither end knows the other, and the inventory of all three must.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::collections::BTreeSet;

use groma_model::inventory::{Basis, Dependency};
use groma_tests::{Kind, Machine};

const DATA: &str = "/var/lib/groma";

/// What each way needs to be run for real.
const PROGRAMS: &[&str] = &[
    "nginx", "haproxy", "stunnel4", "socat", "nft", "python3", "openssl",
];

fn looked_at() -> Option<Machine> {
    let machine = Machine::start(Kind::Bare)?;
    for program in PROGRAMS {
        if machine.try_shell(&format!("command -v {program}")).code != 0 {
            groma_tests::skip(&format!(
                "{program} is not installed; `tests/run packages` installs it"
            ));
            return None;
        }
    }
    let script = include_str!("relays/up.sh");
    machine
        .run_with(&["sh", "-c", "cat > /root/up.sh"], script.as_bytes())
        .expect_code(0);
    // What stays running must not hold this command's output open.
    machine.shell("bash /root/up.sh /root/relays >/root/up.log 2>&1 </dev/null || { cat /root/up.log; exit 1; }");
    for name in ["app1", "edge1", "prov1"] {
        let batch = format!("/root/relays/{name}.batch");
        machine
            .groma(&["import", "--data", DATA, &batch])
            .expect_code(0);
    }
    Some(machine)
}

fn end_to_end(d: &Dependency) -> bool {
    d.basis == Basis::Inferred && !d.details.through.is_empty()
}

#[test]
fn whoever_stands_behind_a_relay_is_known_end_to_end() {
    let Some(machine) = looked_at() else { return };
    let inventory = machine.inventory(DATA);
    let found: BTreeSet<String> = inventory
        .dependencies
        .iter()
        .filter(|d| end_to_end(d))
        .map(|d| {
            let through = &d.details.through[0];
            format!(
                "{} -> {}:{} through {}:{}",
                d.consumer.name,
                d.provider.name,
                d.provider.port.unwrap(),
                through.name,
                through.port.unwrap()
            )
        })
        .collect();
    // Not the site nobody switched on, not the door nobody knocks at, not the group nothing passes to.
    let wanted: BTreeSet<String> = [
        "app1 -> prov1:8080 through edge1:80",
        "app1 -> prov1:5432 through edge1:15432",
        "app1 -> prov1:6380 through edge1:16380",
        "app1 -> prov1:9443 through edge1:19443",
        "app1 -> prov1:7000 through edge1:17000",
    ]
    .map(str::to_owned)
    .into();
    assert_eq!(found, wanted);
    let database = inventory
        .dependencies
        .iter()
        .find(|d| d.consumer.name == "edge1" && d.provider.port.is_some_and(|p| p.0 == 5432))
        .expect("the relay's own need");
    assert_eq!(
        database.kind, "sql",
        "HAProxy's mode stands in its defaults"
    );
    let said = machine
        .groma(&["impact", "prov1", "--data", DATA])
        .expect_code(0)
        .stdout;
    for part in [
        "app1 needs database at prov1:5432 through the relay haproxy.service on edge1:15432",
        "through the reverse proxy nginx.service on edge1:80",
        "through the address translation packet filter on edge1:19443",
        "ip filter input says accept from 10.77.0.13 port 22",
    ] {
        assert!(said.contains(part), "{part:?} is not in:\n{said}");
    }
    assert!(
        !said.contains("10.0.0.0/8"),
        "a wide network names nobody:\n{said}"
    );
}
