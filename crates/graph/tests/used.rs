//! Which part of a host serves which certificate, and which settings wait for nobody.

mod common;

use groma_graph::used;
use groma_model::fact::{
    CertificatePlace, CertificateRole, CertificateUse, Component, ComponentClass, Program, Unit,
};
use groma_model::inventory::{
    CertificatePlaceEntry, CertificateUser, Entity, Inventory, ListenerEntry,
};
use groma_model::name::{Port, Transport};
use groma_model::{EntityId, EvidenceId, EvidenceState, Timestamp};

const NGINX: &str = "nginx.service";

fn user(unit: &str, role: CertificateRole) -> CertificateUser {
    CertificateUser {
        host: EntityId::new("ent-web"),
        setting: CertificateUse {
            sha256: "aa".into(),
            certificate_file: "/etc/ssl/web.pem".into(),
            role,
            component: Component {
                class: ComponentClass::Unit,
                name: unit.into(),
            },
            file: "/etc/x.conf".into(),
            line: 3,
            key: "ssl_certificate".into(),
        },
        ports: Vec::new(),
        idle: false,
        not_loaded: Vec::new(),
        first_seen: None,
        last_seen: None,
        state: EvidenceState::Current,
        evidence: EvidenceId::new("ev-1"),
    }
}

fn listener(
    port: u16,
    unit: Option<&str>,
    executable: Option<&str>,
    certificate: &str,
) -> ListenerEntry {
    ListenerEntry {
        entity: EntityId::new("ent-web"),
        address: std::net::IpAddr::from([0, 0, 0, 0]),
        port: Port(port),
        transport: Transport::Tcp,
        process: Program {
            unit: unit.map(str::to_owned),
            executable: executable.map(Into::into),
            ..Program::default()
        },
        service: None,
        certificate: Some(EntityId::new(certificate)),
        answer: None,
        evidence: Vec::new(),
    }
}

fn unit(name: &str, enabled: bool) -> Unit {
    Unit {
        name: name.into(),
        enabled,
        description: None,
        executable: None,
        user: None,
        requires: Vec::new(),
        file: "/lib/systemd/system/x".into(),
    }
}

fn estate(
    users: Vec<CertificateUser>,
    units: Vec<Unit>,
    listeners: Vec<ListenerEntry>,
) -> Inventory {
    let entity = |id: &str, kind: &str| -> Entity {
        serde_json::from_value(serde_json::json!({
            "id": id, "kind": kind, "name": id, "names": [], "addresses": [], "layer": "os", "site": "main",
            "system": null, "owner": null, "criticality": null, "attributes": {}, "evidence": [],
            "first_seen": "2026-11-20T09:00:00Z", "last_seen": "2026-11-20T09:00:00Z", "has_agent": true, "declared": false,
            "merged_because": []
        }))
        .expect("an entity without anything")
    };
    let mut web = entity("ent-web", "host");
    web.attributes.units = units;
    let mut certificate = entity("ent-certificate", "certificate");
    certificate.attributes.used_by = users;
    let mut inventory = common::empty(Timestamp::from_seconds(1_795_165_200));
    inventory.entities = vec![web, certificate];
    inventory.listeners = listeners;
    used::mark(&mut inventory);
    inventory
}

fn told(inventory: &Inventory) -> Vec<(String, Vec<u16>, bool)> {
    inventory.entities[1]
        .attributes
        .used_by
        .iter()
        .map(|user| {
            let ports = user.ports.iter().map(|port| port.0).collect();
            (user.setting.component.name.to_string(), ports, user.idle)
        })
        .collect()
}

#[test]
fn one_certificate_of_two_services_is_served_by_each_at_its_own_ports() {
    let told = told(&estate(
        vec![
            user(NGINX, CertificateRole::Presents),
            user("postfix.service", CertificateRole::Presents),
        ],
        Vec::new(),
        vec![
            listener(443, Some(NGINX), None, "ent-certificate"),
            listener(25, Some("postfix.service"), None, "ent-certificate"),
            listener(8443, Some(NGINX), None, "ent-other"),
        ],
    ));
    assert_eq!(
        told,
        [
            (NGINX.into(), vec![443], false),
            ("postfix.service".into(), vec![25], false)
        ]
    );
}

/// A renewal: what is in the file (`ent-certificate`) and what the listeners present instead (`ent-other`).
struct Renewal {
    /// Days from which the new and the old one are valid.
    days: (i64, i64),
    names: (&'static str, &'static str),
    /// Hours in which the new setting was first seen, and the port asked last.
    hours: (i64, i64),
    /// Whether the newest looks confirmed the new setting, and the old certificate at the port.
    states: (EvidenceState, EvidenceState),
    /// Whether a setting still names the old one, and whether the newest look saw that.
    still_set_up: Option<EvidenceState>,
}

const CURRENT: EvidenceState = EvidenceState::Current;
const NOT_SEEN: EvidenceState = EvidenceState::NotSeen;

impl Default for Renewal {
    fn default() -> Self {
        Self {
            days: (60, 0),
            names: ("web.corp.example", "WEB.corp.example"),
            hours: (1, 1),
            states: (CURRENT, CURRENT),
            still_set_up: None,
        }
    }
}

fn hour(hours: i64) -> Timestamp {
    Timestamp::from_seconds(1_795_160_000 + hours * 3600)
}

/// What is told of a renewal: ports, and what they present.
fn told_of(renewal: &Renewal) -> Vec<(u16, String)> {
    let user_of = |state| CertificateUser {
        first_seen: Some(hour(renewal.hours.0)),
        state,
        ..user(NGINX, CertificateRole::Presents)
    };
    let listeners = vec![
        listener(443, Some(NGINX), None, "ent-other"),
        listener(25, Some("postfix.service"), None, "ent-other"),
        listener(8443, None, None, "ent-other"),
    ];
    let users = vec![user_of(renewal.states.0)];
    let mut inventory = estate(users, Vec::new(), listeners);
    let mut other = inventory.entities[1].clone();
    other.id = EntityId::new("ent-other");
    other.attributes.used_by = renewal.still_set_up.map(user_of).into_iter().collect();
    other.attributes.places = [443, 25, 8443].map(|port| at_port(port, renewal)).into();
    inventory.entities.push(other);
    let valid = [
        (1, renewal.days.0, renewal.names.0),
        (2, renewal.days.1, renewal.names.1),
    ];
    for (at, day, name) in valid {
        let certificate = serde_json::json!({
            "sha256": "aa", "spki_sha256": "bb", "subject": "CN=x", "issuer": "CN=y", "serial": "1", "names": [name],
            "not_before": Timestamp::from_seconds(1_795_000_000 + day * 86_400),
            "not_after": Timestamp::from_seconds(1_799_000_000 + day * 86_400),
            "key_algorithm": "rsa", "key_bits": 2048, "signature_algorithm": "x", "authority": false, "self_signed": false,
        });
        let certificate = serde_json::from_value(certificate).expect("a certificate");
        inventory.entities[at].attributes.certificate = Some(certificate);
    }
    used::mark(&mut inventory);
    let waiting = &inventory.entities[1].attributes.used_by[0].not_loaded;
    waiting
        .iter()
        .map(|one| (one.port.0, one.presents.to_string()))
        .collect()
}

fn at_port(port: u16, renewal: &Renewal) -> CertificatePlaceEntry {
    CertificatePlaceEntry {
        host: EntityId::new("ent-web"),
        place: CertificatePlace::Endpoint {
            address: std::net::IpAddr::from([127, 0, 0, 1]),
            port: Port(port),
            protocol: "tls".into(),
            position: 0,
        },
        key_present: false,
        key: None,
        trust: None,
        last_seen: Some(hour(renewal.hours.1)),
        state: renewal.states.1,
    }
}

#[test]
fn a_renewed_file_that_its_program_never_read_is_told_with_the_port() {
    let told = [(443, "ent-other".to_owned())];
    assert_eq!(told_of(&Renewal::default()), told);
    // Twins: the file is older, the names are others, another setting of the program names what is presented.
    let silent = [
        Renewal {
            days: (0, 60),
            ..Renewal::default()
        },
        Renewal {
            days: (60, 60),
            ..Renewal::default()
        },
        Renewal {
            names: ("web.corp.example", "mail.corp.example"),
            ..Renewal::default()
        },
        Renewal {
            still_set_up: Some(CURRENT),
            ..Renewal::default()
        },
    ];
    for renewal in &silent {
        assert_eq!(told_of(renewal), []);
    }
}

#[test]
fn a_port_nobody_asked_again_is_not_said_to_present_what_it_presented_once() {
    // The port was asked before the renewal came, or could not be asked by the newest look.
    let earlier = Renewal {
        hours: (2, 1),
        ..Renewal::default()
    };
    let unanswered = Renewal {
        states: (CURRENT, NOT_SEEN),
        ..Renewal::default()
    };
    // The new setting itself was not seen again.
    let unsure = Renewal {
        states: (NOT_SEEN, CURRENT),
        ..Renewal::default()
    };
    for renewal in [earlier, unanswered, unsure] {
        assert_eq!(told_of(&renewal), []);
    }
    let later = Renewal {
        hours: (1, 2),
        ..Renewal::default()
    };
    assert_eq!(told_of(&later), [(443, "ent-other".to_owned())]);
}

#[test]
fn a_setting_that_was_not_seen_again_excuses_nobody() {
    let excused = Renewal {
        still_set_up: Some(NOT_SEEN),
        ..Renewal::default()
    };
    assert_eq!(told_of(&excused), [(443, "ent-other".to_owned())]);
}

#[test]
fn a_setting_of_a_unit_that_nothing_starts_and_nobody_saw_is_idle() {
    let idle = |units| {
        told(&estate(
            vec![user(NGINX, CertificateRole::Presents)],
            units,
            Vec::new(),
        ))[0]
            .2
    };
    assert!(idle(vec![unit("ssh.service", true), unit(NGINX, false)]));
    assert!(!idle(vec![unit(NGINX, true)]));
    assert!(
        !idle(Vec::new()),
        "without a list of units nothing is known"
    );
    let instance = told(&estate(
        vec![user(
            "postgresql@15-main.service",
            CertificateRole::Presents,
        )],
        vec![unit("postgresql@.service", true)],
        Vec::new(),
    ));
    assert!(!instance[0].2);
}

#[test]
fn a_program_started_by_hand_is_known_by_what_it_is_and_one_in_a_container_is_another() {
    let mut inside = listener(444, None, Some("/usr/sbin/nginx"), "ent-certificate");
    inside.process.container = Some("c1".into());
    let told = told(&estate(
        vec![user(NGINX, CertificateRole::Presents)],
        vec![unit(NGINX, false)],
        vec![
            listener(443, None, Some("/usr/sbin/nginx"), "ent-certificate"),
            inside,
        ],
    ));
    assert_eq!(told, [(NGINX.into(), vec![443], false)]);
}

#[test]
fn who_only_trusts_a_certificate_serves_it_nowhere() {
    let told = told(&estate(
        vec![user(NGINX, CertificateRole::Trusts)],
        Vec::new(),
        vec![listener(443, Some(NGINX), None, "ent-certificate")],
    ));
    assert_eq!(told, [(NGINX.into(), vec![], false)]);
}

#[test]
fn a_listener_of_an_unknown_program_counts_where_only_one_part_can_be_meant() {
    let unknown = || vec![listener(443, None, None, "ent-certificate")];
    let one = estate(
        vec![user(NGINX, CertificateRole::Presents)],
        Vec::new(),
        unknown(),
    );
    assert_eq!(told(&one)[0].1, [443]);
    let two = estate(
        vec![
            user(NGINX, CertificateRole::Presents),
            user("stunnel4.service", CertificateRole::Presents),
        ],
        Vec::new(),
        unknown(),
    );
    assert!(told(&two).iter().all(|(_, ports, _)| ports.is_empty()));
}

#[test]
fn the_document_holds_the_setting_flat() {
    let json = serde_json::to_value(user(NGINX, CertificateRole::Presents)).expect("it is plain");
    assert_eq!(json["certificate_file"], "/etc/ssl/web.pem");
    assert_eq!(json["role"], "presents");
}
