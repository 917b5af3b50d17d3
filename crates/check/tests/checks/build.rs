//! Small inventories in a line or two, for tests. Names become ids: `host("app1")` is `ent-app1`.

use std::net::IpAddr;
use std::time::Duration;

use groma_model::fact::{
    Certificate, CertificatePlace, CertificateRole, CertificateUse, Component, ComponentClass,
    FileSystem, OperatingSystem, Program, RemoteStorage,
};
use groma_model::inventory::*;
use groma_model::name::Protection;
use groma_model::{
    CoverageState, DependencyId, EntityId, EvidenceId, EvidenceState, Peer, Port, SiteId,
    SourceName, Timestamp, Transport, Witness,
};

/// The moment at which every test inventory was made: 2026-11-20 12:00 UTC.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_seconds(1_795_176_000)
}

/// So many days after [`now`]; negative is before.
pub(crate) fn in_days(days: i64) -> Timestamp {
    Timestamp::from_seconds(1_795_176_000 + days * 86_400)
}

pub(crate) fn id(name: &str) -> EntityId {
    EntityId::new(format!("ent-{name}"))
}

/// An inventory of these things, sorted as the document demands.
pub(crate) fn inventory(mut entities: Vec<Entity>, mut dependencies: Vec<Dependency>) -> Inventory {
    entities.sort_by(|a, b| a.id.cmp(&b.id));
    dependencies.sort_by(|a, b| a.id.cmp(&b.id));
    Inventory {
        schema: INVENTORY_SCHEMA.to_owned(),
        generated_at: now(),
        snapshot: None,
        shared: None,
        window: TimeWindow {
            from: now(),
            to: now().plus(Duration::from_secs(30)),
        },
        data_level: "standard".to_owned(),
        compared_with_list: false,
        coverage: Vec::new(),
        layers: Vec::new(),
        sites: Vec::new(),
        links: Vec::new(),
        systems: Vec::new(),
        entities,
        listeners: Vec::new(),
        dependencies,
        link_bps: groma_model::inventory::LINK_BPS,
        volumes: Vec::new(),
        rights: Vec::new(),
        backups: Vec::new(),
        watching: Vec::new(),
        mail_records: Vec::new(),
        mail_routes: Vec::new(),
        zone_records: Vec::new(),
        ledger: Vec::new(),
        mailbox_ties: Vec::new(),
        relying_parties: Vec::new(),
        mail_ledger: Vec::new(),
        mail_servers: Vec::new(),
        devices: Vec::new(),
        guests: Vec::new(),
        measurements: Vec::new(),
        waves: Vec::new(),
        findings: Vec::new(),
        estimate: None,
        questions: Vec::new(),
        evidence: Vec::new(),
    }
}

/// A machine with an agent.
pub(crate) fn host(name: &str) -> Entity {
    Entity {
        has_agent: true,
        ..entity("host", name)
    }
}

/// Something nobody looked at from inside.
pub(crate) fn entity(kind: &str, name: &str) -> Entity {
    Entity {
        id: id(name),
        kind: kind.to_owned(),
        name: name.to_owned(),
        names: vec![name.to_owned()],
        addresses: name.parse::<IpAddr>().into_iter().collect(),
        layer: "os".to_owned(),
        site: SiteId::default(),
        system: None,
        owner: None,
        criticality: None,
        first_seen: now(),
        last_seen: now(),
        has_agent: false,
        declared: false,
        attributes: Attributes::default(),
        merged_because: Vec::new(),
        evidence: vec![EvidenceId::of(&["entity", name])],
    }
}

/// `consumer` needs `provider`: written and seen alive, by name, by its unit `consumer.service`.
pub(crate) fn depends(consumer: &str, kind: &str, provider: &str, port: u16) -> Dependency {
    let key = [consumer, kind, provider, &port.to_string()].join(" ");
    let component = Component {
        class: ComponentClass::Unit,
        name: format!("{consumer}.service").into(),
    };
    let addresses: Vec<IpAddr> = provider.parse::<IpAddr>().into_iter().collect();
    Dependency {
        id: DependencyId::of(&[&key]),
        kind: kind.to_owned(),
        consumer: Consumer {
            entity: id(consumer),
            name: consumer.to_owned(),
            addresses: Vec::new(),
            component,
        },
        provider: Provider {
            entity: id(provider),
            name: provider.to_owned(),
            addresses,
            port: Some(Port(port)),
            transport: Some(Transport::Tcp),
            component: None,
        },
        layer: "application".to_owned(),
        strength: Strength::Blocking,
        shared_service: false,
        witnesses: vec![Witness::Live, Witness::Written],
        basis: Basis::Observed,
        hidden: false,
        hidden_because: Vec::new(),
        reached_by: Some(ReachedBy::Name),
        reached_as: Some(provider.to_owned()),
        first_seen: now(),
        last_seen: now(),
        current: true,
        count: 1,
        rhythm: None,
        next_due: None,
        details: DependencyDetails {
            local: consumer == provider,
            written_in: vec![format!("/etc/{consumer}.conf:1")],
            ..DependencyDetails::default()
        },
        verdict: None,
        evidence: vec![EvidenceId::of(&["dependency", &key])],
    }
}

/// The same, changed.
pub(crate) fn with(mut dependency: Dependency, change: impl FnOnce(&mut Dependency)) -> Dependency {
    change(&mut dependency);
    dependency
}

/// The same, only written down.
pub(crate) fn written_only(dependency: Dependency) -> Dependency {
    with(dependency, |d| {
        d.witnesses = vec![Witness::Written];
        d.basis = Basis::Declared;
    })
}

pub(crate) fn protected(dependency: Dependency, protection: Protection) -> Dependency {
    with(dependency, |d| d.details.protection = Some(protection))
}

pub(crate) fn wrong() -> Option<Verdict> {
    let (by, because) = ("jo".to_owned(), "we know better".to_owned());
    Some(Verdict {
        verdict: VerdictWord::Wrong,
        by,
        because,
    })
}

/// Somebody listens on every address of `host`.
pub(crate) fn listener(host: &str, port: u16, unit: &str) -> ListenerEntry {
    ListenerEntry {
        entity: id(host),
        address: IpAddr::from([0, 0, 0, 0]),
        port: Port(port),
        transport: Transport::Tcp,
        process: Program {
            unit: Some(unit.to_owned()),
            ..Program::default()
        },
        service: None,
        certificate: None,
        answer: None,
        evidence: vec![EvidenceId::of(&["listener", host, &port.to_string()])],
    }
}

/// All TCP listeners of `host` were seen, or not.
pub(crate) fn sockets(host: &str, state: CoverageState) -> CoverageEntry {
    CoverageEntry {
        source: SourceName::new("host.sockets"),
        vantage: id(host),
        scope: "socket:host/tcp/listen".to_owned(),
        state,
        gaps: Vec::new(),
        from: now(),
        to: now(),
        how: None,
    }
}

/// A certificate for `name` with a sound key, valid from a year ago until `days` from now, met nowhere yet.
pub(crate) fn certificate(name: &str, days: i64) -> Entity {
    let mut entity = entity("certificate", &format!("certificate of {name} for {days}"));
    entity.attributes.certificate = Some(Certificate {
        sha256: format!("sha-{name}-{days}"),
        sha1: None,
        spki_sha256: format!("spki-{name}-{days}"),
        subject: format!("CN={name}"),
        issuer: "CN=house authority".to_owned(),
        serial: "01".to_owned(),
        names: vec![name.to_owned()],
        not_before: in_days(-365),
        not_after: in_days(days),
        key_algorithm: "rsa".to_owned(),
        key_bits: 2048,
        signature_algorithm: "sha256WithRSAEncryption".to_owned(),
        authority: false,
        self_signed: false,
        status_hosts: Vec::new(),
    });
    entity
}

/// The same certificate, with its fields changed.
pub(crate) fn altered(mut entity: Entity, change: impl FnOnce(&mut Certificate)) -> Entity {
    change(
        entity
            .attributes
            .certificate
            .as_mut()
            .expect("the test made it a certificate"),
    );
    entity
}

pub(crate) fn presented_at(mut entity: Entity, host: &str, address: [u8; 4], port: u16) -> Entity {
    let place = CertificatePlace::Endpoint {
        address: IpAddr::from(address),
        port: Port(port),
        protocol: "tls".to_owned(),
        position: 0,
    };
    entity.attributes.places.push(CertificatePlaceEntry {
        host: id(host),
        place,
        key_present: false,
        key: None,
        trust: None,
        last_seen: None,
        state: EvidenceState::Current,
    });
    entity
}

pub(crate) fn in_file(mut entity: Entity, host: &str, path: &str, key_present: bool) -> Entity {
    let place = CertificatePlace::File {
        path: path.into(),
        position: 0,
    };
    entity.attributes.places.push(CertificatePlaceEntry {
        host: id(host),
        place,
        key_present,
        key: None,
        trust: None,
        last_seen: None,
        state: EvidenceState::Current,
    });
    entity
}

/// The same, met everywhere for the last time `days` ago, and not again by the newest look.
pub(crate) fn not_seen_since(mut entity: Entity, days: i64) -> Entity {
    for place in &mut entity.attributes.places {
        place.last_seen = Some(in_days(-days));
        place.state = EvidenceState::NotSeen;
    }
    entity
}

/// `unit` of `host` is set up to present the certificate, and does so at `ports`.
pub(crate) fn used_by(mut entity: Entity, host: &str, unit: &str, ports: &[u16]) -> Entity {
    entity.attributes.used_by.push(CertificateUser {
        host: id(host),
        setting: CertificateUse {
            sha256: "aa".to_owned(),
            certificate_file: "/etc/ssl/tls.pem".into(),
            role: CertificateRole::Presents,
            component: Component {
                class: ComponentClass::Unit,
                name: unit.into(),
            },
            file: "/etc/x.conf".into(),
            line: 7,
            key: "cert".to_owned(),
        },
        ports: ports.iter().copied().map(Port).collect(),
        idle: false,
        not_loaded: Vec::new(),
        first_seen: None,
        last_seen: None,
        state: EvidenceState::Current,
        evidence: EvidenceId::new("ev-use"),
    });
    entity
}

pub(crate) fn runs(mut entity: Entity, system: &str, version: &str) -> Entity {
    entity.attributes.operating_system = Some(OperatingSystem {
        family: "linux".to_owned(),
        id: system.to_owned(),
        version: version.to_owned(),
        pretty_name: format!("{system} {version}"),
        ..OperatingSystem::default()
    });
    entity
}

/// `host` mounts `export` of `server` over NFS.
pub(crate) fn mounts(mut host: Entity, server: &str, export: &str) -> Entity {
    host.attributes.file_systems.push(FileSystem {
        mount_point: "/srv/data".into(),
        device: format!("{server}:{export}").into(),
        kind: "nfs4".to_owned(),
        bytes: None,
        remote: Some(RemoteStorage {
            kind: "nfs".to_owned(),
            peer: Peer::parse(server).expect("the test wrote a peer"),
            port: Some(Port(2049)),
            resource: export.into(),
            account: None,
        }),
    });
    host
}

/// An archive, database or share on a host: `holds("archive", "files1", "/srv/a.pst")`.
pub(crate) fn holds(kind: &str, host: &str, path: &str) -> Entity {
    let mut entity = entity(kind, &format!("{host}:{path}"));
    entity.names = vec![path.to_owned()];
    entity.attributes.lies_on = Some(id(host));
    match kind {
        "archive" => {
            entity.attributes.archive = Some(groma_model::fact::Archive {
                path: path.into(),
                format: "pst".into(),
                owner: Some("anna".into()),
                ..groma_model::fact::Archive::default()
            });
        }
        "database" => {
            entity.attributes.database = Some(groma_model::fact::Database {
                engine: "postgresql".into(),
                directory: path.into(),
                names: vec!["shop".into()],
                ..groma_model::fact::Database::default()
            });
        }
        _ => {
            entity.attributes.share = Some(groma_model::fact::Share {
                path: path.into(),
                ..groma_model::fact::Share::default()
            });
        }
    }
    entity
}

/// A job about an entity, that copies `covers`.
pub(crate) fn backup(entity: EntityId, covers: &[&str]) -> Backup {
    Backup {
        entity,
        by: None,
        rhythm: Some("daily".to_owned()),
        last_success: None,
        job: "restic /etc/cron.d/backup:3".to_owned(),
        target: Some("nas1:/r".to_owned()),
        covers: covers.iter().map(|c| (*c).to_owned()).collect(),
        unscheduled: false,
        evidence: vec![EvidenceId::of(&["job"])],
    }
}

/// That all backup jobs of a host were looked for.
pub(crate) fn backups_seen(host: &str) -> CoverageEntry {
    CoverageEntry {
        source: SourceName::new("host.backups"),
        scope: "backup:".to_owned(),
        ..sockets(host, CoverageState::Complete)
    }
}

/// An object of the directory `corp.example`, with what it says by attribute.
pub(crate) fn directory_object(
    class: &str,
    name: &str,
    said: &[(&str, &str)],
) -> groma_model::fact::DirectoryEntry {
    let said = said
        .iter()
        .map(|(k, v)| ((*k).to_owned(), vec![(*v).to_owned()]));
    let object = groma_model::fact::DirectoryObject {
        directory: "corp.example".to_owned(),
        class: class.to_owned(),
        name: name.into(),
        dn: format!("CN={name},DC=corp,DC=example").as_str().into(),
        host: None,
        account: None,
        attributes: said.collect(),
    };
    groma_model::fact::DirectoryEntry {
        object,
        last_seen: Some(now()),
        evidence: vec![EvidenceId::of(&["directory", class, name])],
    }
}
