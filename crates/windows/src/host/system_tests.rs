use groma_model::fact::OperatingSystem;

use super::*;
use crate::host::smbios::tests::table;
use crate::host::testing::{facts, missed, said};
use crate::{Adapter, Missing, Rows, Value, WrittenRegistry};

fn rows(maker: &str, product: &str) -> Rows {
    let adapter = |mac: &str, kind| Adapter {
        mac: Some(mac.into()),
        kind,
        ..Adapter::default()
    };
    let mut rows = Rows::default();
    rows.system.smbios = table(maker, product, "SN-42");
    rows.system.memory_bytes = 8 << 30;
    rows.system.memory_available_bytes = 1024;
    rows.system.booted = Some(1_700_000_000);
    rows.system.directory_sid = Some("S-1-5-21-1-2-3-1104".into());
    rows.adapters = vec![
        adapter("00:15:5d:01:02:03", AdapterKind::Physical),
        adapter("02:15:5d:01:02:03", AdapterKind::Physical),
        adapter("00:15:5d:01:02:04", AdapterKind::Virtual),
    ];
    rows
}

fn registry() -> WrittenRegistry {
    WrittenRegistry::default()
        .with_text(TCPIP, "Hostname", "App01")
        .with_text(TCPIP, "Domain", "corp.example")
        .with_text(
            CRYPTOGRAPHY,
            "MachineGuid",
            "0A1B2C3D-1111-2222-3333-444455556666",
        )
        .with_text(GUEST, "PhysicalHostNameFullyQualified", "HV07.corp.example")
        .with_text(
            GUEST,
            "VirtualMachineId",
            "5E3B6F41-90F6-4CB9-9C6E-1D6E1F0F8A77",
        )
        .with_text(
            CURRENT_VERSION,
            "ProductName",
            "Windows Server 2019 Standard",
        )
        .with_text(CURRENT_VERSION, "CurrentBuildNumber", "17763")
        .with_text(TIME_ZONE, "TimeZoneKeyName", "W. Europe Standard Time")
}

fn identity(registry: &WrittenRegistry, rows: &Rows) -> HostIdentity {
    let said = said(&AREA, registry, rows);
    let found = facts(&said).find_map(|fact| match fact {
        Fact::Identity(identity) => Some(identity.clone()),
        _ => None,
    });
    found.unwrap()
}

fn operating_system(registry: &WrittenRegistry, rows: &Rows) -> OperatingSystem {
    let said = said(&AREA, registry, rows);
    let found = facts(&said).find_map(|fact| match fact {
        Fact::OperatingSystem(system) => Some(system.clone()),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn a_guest_of_hyper_v_knows_itself_and_who_carries_it() {
    let rows = rows("Microsoft Corporation", "Virtual Machine");
    let identity = identity(&registry(), &rows);
    assert_eq!(identity.host_name.lossy(), "App01");
    assert_eq!(
        identity.qualified_name,
        HostName::parse("app01.corp.example")
    );
    assert_eq!(
        identity.machine_id.as_deref(),
        Some("0a1b2c3d-1111-2222-3333-444455556666")
    );
    assert_eq!(
        identity.smbios_uuid.as_deref(),
        Some("33221100-5544-7766-8899-aabbccddeeff")
    );
    assert_eq!(identity.serial.as_deref(), Some("SN-42"));
    assert_eq!(identity.macs, ["00:15:5d:01:02:03"]);
    assert_eq!(
        identity.directory_sid.as_deref(),
        Some("S-1-5-21-1-2-3-1104")
    );
    assert_eq!(identity.carried_by, HostName::parse("hv07.corp.example"));
    assert_eq!(
        identity.guest_id.as_deref(),
        Some("5e3b6f41-90f6-4cb9-9c6e-1d6e1f0f8a77")
    );
    let system = operating_system(&registry(), &rows);
    assert_eq!(system.virtualization.as_deref(), Some("hyper-v"));
    assert_eq!(system.time_zone.as_deref(), Some("Europe/Berlin"));
}

#[test]
fn a_guest_that_was_carried_elsewhere_does_not_speak_of_its_old_host() {
    let identity = identity(&registry(), &rows("VMware, Inc.", "VMware20,1"));
    assert_eq!((identity.carried_by, identity.guest_id), (None, None));
}

#[test]
fn a_container_has_no_firmware_of_its_own() {
    let registry = registry().with(CONTROL, "ContainerType", Value::Number(2));
    let rows = rows("Microsoft Corporation", "Virtual Machine");
    let identity = identity(&registry, &rows);
    assert!(identity.in_container);
    assert_eq!((identity.smbios_uuid, identity.serial), (None, None));
    let system = operating_system(&registry, &rows);
    assert_eq!(system.virtualization.as_deref(), Some("container"));
}

#[test]
fn a_machine_without_a_domain_has_no_qualified_name() {
    let registry = WrittenRegistry::default()
        .with_text(TCPIP, "Hostname", "PC-1")
        .with_text(TCPIP, "Domain", "")
        .with_text(TCPIP, "DhcpDomain", "cafe.example");
    assert_eq!(identity(&registry, &Rows::default()).qualified_name, None);
}

#[test]
fn a_clock_without_summer_time_is_no_zone_that_has_it() {
    let zone = |bias: u64| {
        let registry = registry()
            .with(TIME_ZONE, "DynamicDaylightTimeDisabled", Value::Number(1))
            .with(TIME_ZONE, "Bias", Value::Number(bias));
        operating_system(&registry, &Rows::default()).time_zone
    };
    assert_eq!(zone(0xffff_ffc4).as_deref(), Some("Etc/GMT-1"));
    assert_eq!(zone(300).as_deref(), Some("Etc/GMT+5"));
    assert_eq!(zone(0).as_deref(), Some("UTC"));
    assert_eq!(zone(0xffff_feb6), None, "five hours and a half");
}

#[test]
fn what_could_not_be_seen_is_told() {
    let mut rows = Rows::default();
    for table in ["system", "disks"] {
        rows.missing.push(Missing {
            table: table.into(),
            reason: Reason::PermissionDenied,
        });
    }
    let registry = WrittenRegistry::default()
        .refused(CRYPTOGRAPHY, Reason::PermissionDenied)
        .with_text(TIME_ZONE, "TimeZoneKeyName", "Moon Standard Time");
    assert_eq!(
        missed(&said(&AREA, &registry, &rows)),
        [
            "host:identity: firmware, disks and memory",
            "host:identity: host name",
            &format!("host:identity: {CRYPTOGRAPHY}"),
            "host:system: which Windows it is",
            "host:system: the time zone \"Moon Standard Time\"",
            "host:hardware: disks",
            "host:memory: memory",
        ]
    );
}
