//! Stores as a registry holds them.

use groma_model::fact::{Certificate, CertificateUse};
use groma_model::{CoverageState, Reason, Timestamp};

use super::*;
use crate::joined;
use crate::rows::StoredCertificate;
use crate::{Rows, Value, WrittenFiles, WrittenRegistry};

const SYSTEM: &str = r"HKLM\SOFTWARE\Microsoft\SystemCertificates";
const PERSON: &str = "S-1-5-21-1-2-3-1104";

/// Stands for the reader of certificates: `subject|issuer|days`, or real DER bytes, of which nothing is read.
fn read(der: &[u8]) -> Option<Certificate> {
    let text = match der.first()? {
        0x30 => "CN=real|CN=real issuer|365".to_owned(),
        _ => String::from_utf8(der.to_vec()).ok()?,
    };
    let (subject, rest) = text.split_once('|')?;
    let (issuer, days) = rest.split_once('|')?;
    let days: i64 = days.parse().ok()?;
    Some(Certificate {
        sha256: format!("sha256 of {text}"),
        sha1: None,
        spki_sha256: String::new(),
        subject: subject.into(),
        issuer: issuer.into(),
        serial: "1".into(),
        names: Vec::new(),
        not_before: Timestamp::from_seconds(0),
        not_after: Timestamp::from_seconds(days * 86_400),
        key_algorithm: "ecdsa".into(),
        key_bits: 256,
        signature_algorithm: "ecdsa-with-SHA256".into(),
        authority: false,
        self_signed: subject == issuer,
        status_hosts: Vec::new(),
    })
}

fn blob(text: &str, has_key: bool) -> Vec<u8> {
    let one = |id: u32, value: &[u8]| {
        let length = u32::try_from(value.len()).unwrap();
        let head = [id.to_le_bytes(), 1_u32.to_le_bytes(), length.to_le_bytes()];
        [head.as_flattened(), value].concat()
    };
    let key = if has_key { one(2, b"key") } else { Vec::new() };
    [key, one(32, text.as_bytes())].concat()
}

fn thumb(number: u8) -> String {
    format!("{number:02X}").repeat(20)
}

fn put(registry: WrittenRegistry, store: &str, number: u8, text: &str) -> WrittenRegistry {
    let path = format!(r"{store}\Certificates\{}", thumb(number));
    registry.with(
        &path,
        "Blob",
        Value::Bytes(blob(text, store.ends_with("MY"))),
    )
}

fn said(registry: &WrittenRegistry, files: &WrittenFiles, rows: &Rows) -> Vec<Said> {
    certificates(&Machine {
        registry,
        files,
        rows,
        certificate: &read,
    })
}

fn shown(registry: &WrittenRegistry) -> Vec<String> {
    let said = said(registry, &WrittenFiles::default(), &Rows::default());
    assert_eq!(said[0].state, CoverageState::Complete, "{:?}", said[0].gaps);
    shown_of(&said[0])
}

fn shown_of(said: &Said) -> Vec<String> {
    let all = said.facts.iter().filter_map(|fact| match fact {
        Fact::Certificate(met) => Some(met),
        _ => None,
    });
    let one = |met: &CertificateSighting| {
        let key = if met.key_present { " key" } else { "" };
        let trust = met.trust.as_deref().unwrap_or("-");
        format!("{} {trust}{key}", met.certificate.subject)
    };
    all.map(one).collect()
}

fn uses(said: &Said) -> Vec<&CertificateUse> {
    let all = said.facts.iter().filter_map(|fact| match fact {
        Fact::CertificateUse(used) => Some(used),
        _ => None,
    });
    all.collect()
}

const WEB: &str = "CN=web1|CN=Corp Root|800";
const HOUSE: &str = "CN=Corp Root|CN=Corp Root|3650";

#[test]
fn what_somebody_put_into_a_store_is_told_and_what_ships_is_not() {
    let root = format!(r"{SYSTEM}\ROOT");
    let intermediate = format!(r"{SYSTEM}\CA");
    let mut registry = put(WrittenRegistry::default(), &format!(r"{SYSTEM}\MY"), 1, WEB);
    registry = put(registry, &root, 2, HOUSE);
    let vendor = "CN=Microsoft Root Certificate Authority 2011,O=Microsoft Corporation|CN=Microsoft Root Certificate Authority 2011,O=Microsoft Corporation|9000";
    registry = put(registry, &root, 3, vendor);
    registry = put(
        registry,
        &intermediate,
        4,
        "CN=Corp Issuing|CN=Corp Root|3650",
    );
    registry = put(
        registry,
        &intermediate,
        5,
        "CN=Public Issuing|CN=Public Root|3650",
    );
    registry = put(
        registry,
        &format!(r"{SYSTEM}\AuthRoot"),
        6,
        "CN=Public Root|CN=Public Root|9000",
    );
    // A copy of what ships, put among the roots by hand, changes nothing; to distrust it does.
    registry = put(registry, &root, 6, "CN=Public Root|CN=Public Root|9000");
    registry = put(
        registry,
        &format!(r"{SYSTEM}\Disallowed"),
        9,
        "CN=Public Root|CN=Public Root|9000",
    );
    registry = put(
        registry,
        &format!(r"{SYSTEM}\Disallowed"),
        7,
        "CN=Old Root|CN=Old Root|9000",
    );
    registry = put(
        registry,
        &format!(r"{SYSTEM}\Disallowed"),
        8,
        "CN=x|CN=DigiNotar Root CA|9000",
    );
    assert_eq!(
        shown(&registry),
        [
            "CN=Corp Issuing -",
            "CN=Old Root distrusted",
            "CN=Public Root distrusted",
            "CN=web1 - key",
            "CN=Corp Root added"
        ]
    );
}

#[test]
fn policies_services_and_people_have_stores_of_their_own() {
    let policy = r"HKLM\SOFTWARE\Policies\Microsoft\SystemCertificates\Root";
    let directory = r"HKLM\SOFTWARE\Microsoft\EnterpriseCertificates\NTAuth";
    let service = r"HKLM\SOFTWARE\Microsoft\Cryptography\Services\NTDS\SystemCertificates\MY";
    let own = format!(r"HKU\{PERSON}\Software\Microsoft\SystemCertificates");
    let mut registry = put(WrittenRegistry::default(), policy, 1, HOUSE);
    registry = put(registry, directory, 2, "CN=Corp Issuing|CN=Corp Root|3650");
    registry = put(registry, service, 3, "CN=dc1|CN=Corp Issuing|365");
    registry = put(
        registry,
        &format!(r"{own}\MY"),
        4,
        "CN=Ann|CN=Corp Issuing|365",
    );
    registry = put(
        registry,
        &format!(r"{own}\CA"),
        5,
        "CN=Met|CN=Corp Root|365",
    );
    registry = put(
        registry,
        r"HKU\S-1-5-18\Software\Microsoft\SystemCertificates\MY",
        6,
        WEB,
    );
    assert_eq!(
        shown(&registry),
        [
            "CN=Corp Root added",
            "CN=Corp Issuing added",
            "CN=dc1 - key",
            "CN=Ann - key"
        ]
    );
    let said = said(&registry, &WrittenFiles::default(), &Rows::default());
    let found = uses(&said[1]);
    assert_eq!(
        (found.len(), found[0].component.name.to_string()),
        (1, "NTDS.service".into())
    );
}

#[test]
fn a_person_keeps_certificates_in_files() {
    let profiles = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
    let registry = WrittenRegistry::default()
        .with_text(&format!(r"HKU\{PERSON}\Software"), "x", "y")
        .with_text(
            &format!(r"{profiles}\{PERSON}"),
            "ProfileImagePath",
            r"%SystemDrive%\Users\ann",
        );
    let folder = r"C:\Users\ann\AppData\Roaming\Microsoft\SystemCertificates\My\Certificates";
    let files = WrittenFiles::default()
        .with(
            &joined(folder, &thumb(1)),
            &blob("CN=Ann|CN=Corp Root|365", true),
        )
        .with(&joined(folder, &thumb(2)), b"damaged");
    let said = said(&registry, &files, &Rows::default());
    assert_eq!(shown_of(&said[0]), ["CN=Ann - key"]);
    assert_eq!(said[0].gaps.len(), 1);
    assert!(said[0].gaps[0].what.ends_with(&thumb(2)));
}

#[test]
fn what_devices_get_by_themselves_is_silent() {
    let my = format!(r"{SYSTEM}\MY");
    let desk = format!(r"{SYSTEM}\Remote Desktop");
    let mut registry = put(
        WrittenRegistry::default(),
        &my,
        1,
        "CN=device|CN=MS-Organization-Access|3650",
    );
    registry = put(
        registry,
        &my,
        2,
        "CN=device|CN=MS-Organization-P2P-Access [2026]|1",
    );
    registry = put(registry, &my, 3, "CN=session|CN=Any|1");
    registry = put(registry, &desk, 4, "CN=app1|CN=app1|183");
    assert_eq!(shown(&registry), Vec::<String>::new());
}

#[test]
fn rows_add_what_no_key_holds_once() {
    let registry = put(WrittenRegistry::default(), &format!(r"{SYSTEM}\MY"), 1, WEB);
    let row = |text: &str| StoredCertificate {
        store: r"LocalMachine\My".into(),
        der: text.as_bytes().to_vec(),
        has_key: true,
        friendly_name: None,
    };
    let rows = Rows {
        certificates: vec![row(WEB), row("CN=card|CN=Corp Root|365")],
        ..Rows::default()
    };
    let said = said(&registry, &WrittenFiles::default(), &rows);
    assert_eq!(shown_of(&said[0]), ["CN=web1 - key", "CN=card - key"]);
}

const HTTP: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\HTTP\Parameters";

#[test]
fn services_present_what_their_settings_name() {
    let sql = r"HKLM\SOFTWARE\Microsoft\Microsoft SQL Server";
    let registry = put(WrittenRegistry::default(), &format!(r"{SYSTEM}\MY"), 1, WEB);
    let registry = put(
        registry,
        &format!(r"{SYSTEM}\WebHosting"),
        2,
        "CN=shop|CN=Public|90",
    )
    .with(
        &format!(r"{HTTP}\SslBindingInfo\0.0.0.0:443"),
        "SslCertHash",
        Value::Bytes(vec![1; 20]),
    )
    .with_text(
        &format!(r"{HTTP}\SslBindingInfo\0.0.0.0:443"),
        "AppId",
        "{4dc3e181-e14b-4a21-b022-59fc669b0914}",
    )
    .with(
        &format!(r"{HTTP}\SslSniBindingInfo\shop.corp.example:443"),
        "SslCertHash",
        Value::Bytes(vec![2; 20]),
    )
    .with_text(
        &format!(r"{HTTP}\SslSniBindingInfo\shop.corp.example:443"),
        "SslCertStoreName",
        "WebHosting",
    )
    .with(
        r"HKLM\SYSTEM\CurrentControlSet\Control\Terminal Server\WinStations\RDP-Tcp",
        "SSLCertificateSHA1Hash",
        Value::Bytes(vec![1; 20]),
    )
    .with_text(
        r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WSMAN\Listener\*+HTTPS",
        "certThumbprint",
        "01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01",
    )
    .with_text(&format!(r"{sql}\Instance Names\SQL"), "ERP", "MSSQL15.ERP")
    .with_text(
        &format!(r"{sql}\MSSQL15.ERP\MSSQLServer\SuperSocketNetLib"),
        "Certificate",
        &thumb(1).to_lowercase(),
    )
    // A setting that is empty is none.
    .with_text(
        &format!(r"{sql}\Instance Names\SQL"),
        "MSSQLSERVER",
        "MSSQL15.MSSQLSERVER",
    )
    .with_text(
        &format!(r"{sql}\MSSQL15.MSSQLSERVER\MSSQLServer\SuperSocketNetLib"),
        "Certificate",
        "",
    );
    let said = said(&registry, &WrittenFiles::default(), &Rows::default());
    let shown =
        |used: &&CertificateUse| format!("{} {} {}", used.component.name, used.sha256, used.key);
    let found: Vec<String> = uses(&said[1]).iter().map(shown).collect();
    assert_eq!(
        found,
        [
            "W3SVC.service sha256 of CN=web1|CN=Corp Root|800 SslCertHash",
            "HTTP.service sha256 of CN=shop|CN=Public|90 SslCertHash",
            "TermService.service sha256 of CN=web1|CN=Corp Root|800 SSLCertificateSHA1Hash",
            "WinRM.service sha256 of CN=web1|CN=Corp Root|800 certThumbprint",
            "MSSQL$ERP.service sha256 of CN=web1|CN=Corp Root|800 Certificate",
        ]
    );
    assert_eq!(said[1].state, CoverageState::Complete);
}

#[test]
fn a_binding_to_a_certificate_that_is_gone_is_a_gap() {
    let path = format!(r"{HTTP}\SslBindingInfo\0.0.0.0:8443");
    let registry = WrittenRegistry::default().with(&path, "SslCertHash", Value::Bytes(vec![9; 20]));
    let said = said(&registry, &WrittenFiles::default(), &Rows::default());
    assert!(said[1].facts.is_empty());
    assert_eq!(said[1].gaps[0].reason, Reason::BrokenLink);
    assert!(said[1].gaps[0].what.contains("0.0.0.0:8443"));
}

#[test]
fn a_store_that_is_closed_is_a_gap() {
    let registry = WrittenRegistry::default().refused(SYSTEM, Reason::PermissionDenied);
    let said = said(&registry, &WrittenFiles::default(), &Rows::default());
    assert_eq!(said[0].state, CoverageState::Partial);
    assert_eq!(said[0].gaps[0].reason, Reason::PermissionDenied);
}

#[test]
fn a_registry_that_another_program_wrote_is_read() {
    for (export, expected) in [
        (
            include_str!("../../tests/fixtures/wine-8-certificates/MY.reg"),
            "CN=real - key",
        ),
        (
            include_str!("../../tests/fixtures/wine-8-certificates/Disallowed.reg"),
            "CN=real distrusted",
        ),
    ] {
        let (registry, wrong) = WrittenRegistry::of_export(export);
        assert!(wrong.is_empty());
        assert_eq!(shown(&registry), [expected]);
    }
}
