//! `host.admissions`: whom the RADIUS servers of a machine let in, beside what their packages ship.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

mod support;

use std::path::Path;

use groma_model::Reason;
use groma_source_content::AdmissionsSource;
use support::{look, machine, put, says, world};

fn said(root: &Path) -> Vec<String> {
    let world = world(root);
    let seen = look(&mut AdmissionsSource::new(world.clone()), &world);
    assert!(!format!("{:?}", seen.records).contains("canary"));
    says(&seen)
}

#[test]
fn each_client_of_freeradius_is_let_in_and_the_machine_itself_is_nobody() {
    let root = machine();
    let root = root.path();
    put(
        root,
        "etc/freeradius/3.0/clients.conf",
        b"client localhost {\n\tipaddr = 127.0.0.1\n\tsecret = canary\n}\n$INCLUDE clients.d/\n$INCLUDE more.conf\n\
          client wlc1 {\n\tipaddr = 10.0.0.21\n\tsecret = canary\n}\n#client old {\n#\tipaddr = 10.0.0.9\n#}\n",
    );
    put(
        root,
        "etc/freeradius/3.0/clients.d/vpn",
        b"client vpn { ipaddr = vpn1.corp.example\n secret = canary\n}\n",
    );
    put(
        root,
        "etc/freeradius/3.0/clients.d/vpn~",
        b"client gone { ipaddr = 10.0.0.9\n}\n",
    );
    put(
        root,
        "etc/freeradius/3.0/more.conf",
        b"client switches {\n ipaddr = 10.0.7.0/24\n secret = canary\n}\n$INCLUDE clients.conf\n",
    );
    assert_eq!(
        said(root),
        [
            "FreeRADIUS lets 10.0.0.21 (wlc1) in at 1812/udp (/etc/freeradius/3.0/clients.conf:7)",
            "FreeRADIUS lets 10.0.7.0/24 (switches) in at 1812/udp (/etc/freeradius/3.0/more.conf:1)",
            "FreeRADIUS lets vpn1.corp.example (vpn) in at 1812/udp (/etc/freeradius/3.0/clients.d/vpn:1)",
        ]
    );
}

#[test]
fn a_proxy_lists_its_clients_in_the_same_words() {
    let root = machine();
    let root = root.path();
    put(
        root,
        "etc/radsecproxy.conf",
        b"include /etc/radsecproxy.conf.d/*.conf\nserver up {\n host 10.0.0.8\n secret canary\n}\n",
    );
    put(
        root,
        "etc/radsecproxy.conf.d/ap.conf",
        b"client ap7 {\n host 10.0.0.7\n type tls\n secret canary\n}\n",
    );
    put(
        root,
        "etc/radsecproxy.conf.d/ap.conf.old",
        b"client gone {\n host 10.0.0.9\n}\n",
    );
    // Access points speak UDP, and only the way up is TLS.
    put(
        root,
        "etc/radsecproxy.conf.d/more.conf",
        b"client ap8 {\n host 10.0.0.8\n type udp\n secret canary\n}\nclient ap9 {\n host 10.0.0.9\n type dtls\n}\n\
          client ap10 {\n host 10.0.0.10\n type tcp\n}\nclient ap11 {\n host 10.0.0.11\n}\n",
    );
    let mut said = said(root);
    said.sort();
    assert_eq!(
        said,
        [
            "radsecproxy lets 10.0.0.10 (ap10) in at 1812/tcp (/etc/radsecproxy.conf.d/more.conf:10)",
            "radsecproxy lets 10.0.0.11 (ap11) in (/etc/radsecproxy.conf.d/more.conf:14)",
            "radsecproxy lets 10.0.0.7 (ap7) in at 2083/tcp (/etc/radsecproxy.conf.d/ap.conf:1)",
            "radsecproxy lets 10.0.0.8 (ap8) in at 1812/udp (/etc/radsecproxy.conf.d/more.conf:1)",
            "radsecproxy lets 10.0.0.9 (ap9) in at 2083/udp (/etc/radsecproxy.conf.d/more.conf:6)",
        ]
    );
}

/// As the package installs it, with the comments that show clients nobody has.
#[test]
fn what_the_package_ships_lets_nobody_in() {
    let root = machine();
    let shipped =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/admissions/clients.conf");
    put(
        root.path(),
        "etc/freeradius/3.0/clients.conf",
        &std::fs::read(shipped).unwrap(),
    );
    assert_eq!(said(root.path()), [""; 0]);
}

#[test]
fn a_server_that_nothing_starts_lets_nobody_in() {
    let root = machine();
    let root = root.path();
    put(
        root,
        "etc/freeradius/3.0/clients.conf",
        b"client wlc1 {\n ipaddr = 10.0.0.21\n}\n",
    );
    put(
        root,
        "lib/systemd/system/freeradius.service",
        b"[Service]\n",
    );
    assert_eq!(said(root), [""; 0]);
}

#[test]
fn a_list_that_includes_itself_for_ever_ends_and_a_refused_one_is_a_gap() {
    let root = machine();
    let path = root.path();
    for n in 0..300 {
        let text = format!(
            "$INCLUDE more{}.conf\nclient c{n} {{\n ipaddr = 10.0.{}.{}\n}}\n",
            n + 1,
            n / 250,
            n % 250 + 1
        );
        put(path, &format!("etc/raddb/more{n}.conf"), text.as_bytes());
    }
    put(path, "etc/raddb/clients.conf", b"$INCLUDE more0.conf\n");
    let world = world(path);
    let seen = look(&mut AdmissionsSource::new(world.clone()), &world);
    let gaps: Vec<_> = seen.gaps().map(|gap| gap.reason.clone()).collect();
    assert_eq!(gaps, [Reason::BudgetExhausted]);
    assert!(says(&seen).len() > 150);
}
