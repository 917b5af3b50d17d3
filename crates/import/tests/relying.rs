//! What AD FS' shell and Keycloak export, in the shapes their documentation gives. None of it came from a real one.
#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use common::now;
use groma_import::{ImportError, Imported, Kind, as_batch, read, read_of, recognise};
use groma_model::batch::Said;
use groma_model::{Peer, SiteId};

const TRUSTS: &str = include_str!("fixtures/relying/adfs-trusts.json");
const REALM: &str = include_str!("fixtures/relying/keycloak-realm.json");

fn told(imported: &Imported) -> Vec<String> {
    let batch = as_batch(imported, &SiteId::default(), "0");
    let records = batch.records.iter();
    let facts = records.filter_map(|record| match &record.said {
        Said::Saw(observation) => Some(&observation.fact),
        _ => None,
    });
    facts
        .map(|fact| fact.says().replace(", as the list parties says", ""))
        .collect()
}

fn list(text: &str) -> Imported {
    assert_eq!(recognise(text.as_bytes()), Kind::RelyingParties);
    let imported = read("parties", text.as_bytes(), now()).unwrap();
    assert!(!format!("{imported:?}").contains("canary"), "{imported:?}");
    imported
}

#[test]
fn trusts_of_ad_fs_tell_whom_people_are_sent_back_to() {
    let imported = list(TRUSTS);
    assert_eq!(
        told(&imported),
        [
            "AD FS on sso.corp.example signs people in for Payroll at login.payroll.example, payroll.example by saml",
            "AD FS on sso.corp.example signs people in for Intranet at intranet.corp.example by ws-federation",
            "AD FS signs people in for Told by its metadata alone by saml",
        ]
    );
    assert_eq!(imported.skipped.len(), 1, "{:?}", imported.skipped);
    assert!(
        imported.skipped[0].why.contains("-Depth"),
        "{:?}",
        imported.skipped
    );
}

#[test]
fn one_trust_alone_and_a_wrapped_list_are_read_as_well() {
    let one = r#"{"Name":"Wiki","Enabled":true,"WSFedEndpoint":{"AbsoluteUri":"https://wiki.corp.example/"},"SamlEndpoints":[]}"#;
    let want = ["AD FS signs people in for Wiki at wiki.corp.example by ws-federation"];
    assert_eq!(told(&list(one)), want);
    assert_eq!(
        told(&list(&format!(r#"{{"value":[{one}],"Count":1}}"#))),
        want
    );
    let wide: Vec<u8> = one.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let wide = [vec![0xff, 0xfe], wide].concat();
    assert_eq!(recognise(&wide), Kind::RelyingParties);
    assert_eq!(told(&read("parties", &wide, now()).unwrap()), want);
}

#[test]
fn applications_of_a_group_are_clients_of_openid_connect() {
    let apps = r#"[{"ApplicationGroupIdentifier":"hr","Identifier":"4f1c","Name":"HR app","RedirectUri":["https://hr.corp.example/cb","hrapp://cb"],"ClientSecret":"canary"},
        {"ApplicationGroupIdentifier":"hr","Identifier":["https://api.corp.example"],"Name":"HR api"},
        {"ClientId":"own","Name":"Token Broker","RedirectUri":["ms-appx-web://x"],"BuiltIn":true,"Enabled":true}]"#;
    assert_eq!(
        told(&list(apps)),
        [
            "AD FS signs people in for HR app at hr.corp.example by oidc",
            "AD FS signs people in for HR api by oidc",
        ]
    );
}

#[test]
fn a_table_says_the_same_whatever_separates_it() {
    let rows = "#TYPE Microsoft.IdentityServer.Management.Resources.RelyingPartyTrust\r\n\
        \"Name\";\"Enabled\";\"Identifier\";\"WSFedEndpoint\";\"SamlEndpoints\";\"Provider\"\r\n\
        \"Payroll\";\"True\";\"https://payroll.example/sp\";\"\";\"https://payroll.example/acs https://payroll.example/acs2\";\"https://sso.corp.example/adfs\"\r\n\
        \"Old\";\"Falsch\";\"x\";\"https://old.corp.example/\";\"\";\"\"\r\n\
        \"Lost\";\"True\";\"System.String[]\";\"https://lost.corp.example/\";\"Microsoft.IdentityServer.Management.Resources.SamlEndpoint[]\";\"sso.corp.example\"\r\n";
    let want = [
        "AD FS on sso.corp.example signs people in for Payroll at payroll.example by saml",
        "AD FS on sso.corp.example signs people in for Lost at lost.corp.example by ws-federation",
    ];
    let imported = list(rows);
    assert_eq!(told(&imported), want);
    assert_eq!(imported.cells_left_out, 2, "{:?}", imported.skipped);
    assert_eq!(told(&list(&rows.replace("\";\"", "\",\""))), want);
}

#[test]
fn a_realm_tells_its_clients_and_where_its_people_are_kept() {
    let want = [
        "Keycloak on sso.corp.example signs people in for Wiki at wiki.corp.example by oidc",
        "Keycloak on sso.corp.example signs people in for https://hr.corp.example/saml at hr.corp.example by saml",
        "Keycloak on sso.corp.example signs people in for backup-job by oidc",
        "sso.corp.example signs people in by the word of dc1.corp.example:636: connectionUrl of realm corp",
        "sso.corp.example signs people in by the word of dc2.corp.example:3269: connectionUrl of realm corp",
        "sso.corp.example signs people in by the word of login.partner.example:443: authorizationUrl of realm corp",
    ];
    assert_eq!(told(&list(REALM)), want);
    let without = REALM.replace("\"frontendUrl\"", "\"other\"");
    let silent = told(&list(&without));
    assert_eq!(
        silent.len(),
        3,
        "nobody knows who asks the directory: {silent:?}"
    );
    let of = Peer::parse("sso.corp.example");
    let given = read_of("parties", without.as_bytes(), now(), of.as_ref()).unwrap();
    assert_eq!(told(&given), want);
    assert_eq!(told(&list(&format!("[{REALM}]"))), want);
}

#[test]
fn other_json_is_nothing_we_know() {
    for text in [
        "{}",
        "[1, 2]",
        r#"{"realm": "x"}"#,
        r#"[{"Name": "mail1", "Enabled": true}]"#,
        r#"{"realm": "x", "clients": ["#,
    ] {
        assert!(
            matches!(recognise(text.as_bytes()), Kind::Unknown(_)),
            "{text}"
        );
    }
    let off = REALM.replacen("\"enabled\": true", "\"enabled\": false", 1);
    let imported = read("parties", off.as_bytes(), now()).unwrap();
    assert_eq!(told(&imported), [""; 0], "a realm that is off");
}

#[test]
fn nothing_makes_it_panic() {
    let seeds: &[&[u8]] = &[TRUSTS.as_bytes(), REALM.as_bytes()];
    groma_fuzz::hammer(600, seeds, |bytes| {
        let _ = read("parties", bytes, now());
    });
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(
        read("parties", deep.as_bytes(), now()),
        Err(ImportError::Unknown { .. })
    ));
}
