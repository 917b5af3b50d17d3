//! `protocol-outdated`

use groma_model::fact::{OperatingSystem, ProtocolSetting, ProtocolSide};
use groma_model::inventory::{Entity, Inventory, Severity};
use groma_model::name::Protection;

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "protocol-outdated";
use ProtocolSide::{Client, Server};

fn set(name: &str, settings: &[(&str, ProtocolSide, &str)]) -> Entity {
    let mut machine = host(name);
    let setting = |(protocol, side, state): &(&str, ProtocolSide, &str)| ProtocolSetting {
        protocol: (*protocol).to_owned(),
        side: *side,
        state: (*state).to_owned(),
        file: r"HKLM\SYSTEM".into(),
        line: 0,
        key: "Enabled".to_owned(),
    };
    machine.attributes.protocol_settings = settings.iter().map(setting).collect();
    machine
}

fn alone(settings: &[(&str, ProtocolSide, &str)]) -> Inventory {
    inventory(vec![set("app1", settings)], Vec::new())
}

pub(crate) fn positive() -> Inventory {
    alone(&[("tls-1.2", Server, "off")])
}

pub(crate) fn negative() -> Inventory {
    alone(&[
        ("tls-1", Server, "on"),
        ("tls-1.2", Server, "on"),
        ("ssl-3", Server, "off"),
    ])
}

#[test]
fn a_server_without_newer_tls_is_told_with_who_calls_it_so() {
    let safe = protected(depends("app2", "http", "app1", 443), Protection::Tls);
    let open = protected(depends("app3", "http", "app1", 80), Protection::None);
    let finding = only(
        CHECK,
        &inventory(
            vec![
                set("app1", &[("tls-1.2", Server, "off")]),
                host("app2"),
                host("app3"),
            ],
            vec![safe, open],
        ),
    );
    assert_eq!(finding.severity, Severity::High);
    assert!(
        finding
            .risk
            .starts_with("app1 serves with no newer TLS than 1.1:"),
        "{}",
        finding.risk
    );
    assert_eq!(
        finding.indicator,
        r"tls-1.2 = off in HKLM\SYSTEM; app2 (app2.service)"
    );
}

#[test]
fn every_side_and_protocol_is_judged_for_itself() {
    let finding = only(
        CHECK,
        &alone(&[
            ("tls-1.2", Client, "not-by-default"),
            ("smb-1", Server, "on"),
            ("ntlm", Client, "lm"),
        ]),
    );
    for words in ["calls others", "SMB 1", "first version of NTLM"] {
        assert!(finding.risk.contains(words), "{}", finding.risk);
    }
    let sharing = only(CHECK, &alone(&[("smb-1", Server, "on")]));
    assert_eq!(sharing.severity, Severity::Medium);
}

#[test]
fn what_is_newer_or_nothing_at_all_is_silent() {
    for settings in [
        &[("tls-1.2", Server, "off"), ("tls-1.3", Server, "on")][..],
        // Nothing is left that could be spoken.
        &[
            ("tls-1.2", Server, "off"),
            ("tls-1.1", Server, "off"),
            ("tls-1", Server, "off"),
        ],
        &[("smb-1", Server, "off"), ("smb-1", Client, "on")],
        &[("ntlm", Client, "ntlm-2"), ("ntlm", Server, "lm")],
        &[("ldap-signing", Server, "never")],
    ] {
        assert!(found(CHECK, &alone(settings)).is_empty(), "{settings:?}");
    }
    assert!(found(CHECK, &negative()).is_empty());
}

#[test]
fn a_windows_that_speaks_1_3_by_itself_is_silent() {
    let of_build = |kernel: &str| {
        let mut machine = set("app1", &[("tls-1.2", Server, "off")]);
        machine.attributes.operating_system = Some(OperatingSystem {
            family: "windows".to_owned(),
            id: "windows-server".to_owned(),
            version: String::new(),
            pretty_name: String::new(),
            kernel: kernel.to_owned(),
            architecture: "x86_64".to_owned(),
            virtualization: None,
            time_zone: None,
        });
        found(CHECK, &inventory(vec![machine], Vec::new())).len()
    };
    assert_eq!(of_build("10.0.20348.2700"), 0);
    assert_eq!(of_build("10.0.17763.5000"), 1);
}
