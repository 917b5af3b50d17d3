//! `host.relying-parties`: whom the identity providers of a machine sign people in for.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use groma_model::{Fact, Reason};
use groma_source::testing::{FakeDisk, window, world};
use groma_source::{Budget, Recorder, Source};
use groma_source_config::RelyingPartiesSource;

const LEMONLDAP: &str = include_str!("fixtures/relying-parties/lmConf-4.json");
const SIMPLESAML: &str = include_str!("fixtures/relying-parties/saml20-sp-remote.php");
const METADATA: &str = include_str!("fixtures/relying-parties/wiki-metadata.xml");

fn look(disk: FakeDisk) -> Recorder {
    let world = world(disk);
    let window = window(&world);
    let mut source = RelyingPartiesSource::new(world);
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    assert!(
        !format!("{:?}", recorder.records).contains("canary"),
        "a secret left the parser"
    );
    recorder
}

fn said(files: &[(&str, &str)]) -> Vec<String> {
    let disk = files.iter().fold(FakeDisk::new(), |disk, (path, text)| {
        disk.file(path, text.as_bytes().to_vec())
    });
    let seen = look(disk);
    let facts = seen.facts().map(|fact| match fact {
        Fact::RelyingParty(party) => {
            let places: Vec<String> = party.places.iter().map(ToString::to_string).collect();
            let id = party
                .identifier
                .as_ref()
                .map_or_else(String::new, ToString::to_string);
            format!(
                "{} {} <{id}> {} -> {} ({})",
                party.product,
                party.name,
                party.way.as_str(),
                places.join(" "),
                party.place_written()
            )
        }
        other => format!("{other:?}"),
    });
    facts.collect()
}

#[test]
fn lemonldap_tells_its_clients_and_the_sites_behind_it_of_the_newest_state() {
    let old = "{\"cfgNum\":3,\"issuerDBCASActivation\":1,\"casAppMetaDataOptions\":{\"ghost\":{\"casAppMetaDataOptionsService\":\"https://ghost.corp.example/\"}}}";
    let found = said(&[
        ("/var/lib/lemonldap-ng/conf/lmConf-3.json", old),
        ("/var/lib/lemonldap-ng/conf/lmConf-4.json", LEMONLDAP),
        ("/var/lib/lemonldap-ng/conf/lmConf-5.json.bak", old),
    ]);
    let place = "/var/lib/lemonldap-ng/conf/lmConf-4.json";
    let starts = [
        "LemonLDAP::NG Grafana <grafana> oidc -> grafana-test.corp.example grafana.corp.example",
        "LemonLDAP::NG Wiki of Corp <https://wiki.corp.example/saml/metadata> saml -> wiki-old.corp.example wiki.corp.example",
        "LemonLDAP::NG erp.corp.example <> gateway -> erp.corp.example",
        "LemonLDAP::NG intranet <> cas -> intranet.corp.example intranet2.corp.example",
    ];
    let mut sorted = found.clone();
    sorted.sort();
    assert_eq!(sorted.len(), starts.len(), "{found:#?}");
    for (line, start) in sorted.iter().zip(starts) {
        assert!(line.starts_with(start) && line.contains(place), "{line}");
    }
}

/// Clients may stand there of a provider that was switched off.
#[test]
fn a_provider_that_lemonldap_has_off_signs_nobody_in() {
    let off = LEMONLDAP
        .replace("Activation\" : 1", "Activation\" : 0")
        .replace("erp.corp.example", "test3.example.com");
    assert_eq!(
        said(&[("/var/lib/lemonldap-ng/conf/lmConf-4.json", &off)]),
        [""; 0]
    );
}

#[test]
fn simplesamlphp_tells_its_services_where_its_provider_is_on() {
    let on = "<?php\n$config = [\n  'auth.adminpassword' => 'canary',\n  'enable.saml20-idp' => true,\n];\n";
    let shipped = "<?php\n$config = [\n    'enable.saml20-idp' => false,\n    'enable.shib13-idp' => false,\n];\n";
    let by_hand = "<?php\n/*\n$metadata['https://ghost.corp.example'] = ['AssertionConsumerService' => 'https://ghost.corp.example/acs'];\n*/\n\
        $metadata['https://shop.corp.example/sp'] = [\n  'AssertionConsumerService' => 'https://shop.corp.example/acs',\n  'SingleLogoutService' => 'https://shop.corp.example/slo',\n  'certData' => 'canary',\n];\n\
        $metadata['urn:app:two'] = array(\n  'name' => 'Two',\n  'AssertionConsumerService' => 'https://two.corp.example/acs',\n);\n";
    let file = "/etc/simplesamlphp/metadata/saml20-sp-remote.php";
    let config = "/etc/simplesamlphp/config.php";
    assert_eq!(
        said(&[(config, on), (file, SIMPLESAML)]),
        [
            format!(
                "SimpleSAMLphp Wiki of Corp <https://wiki.corp.example/saml/metadata> saml -> wiki-old.corp.example wiki.corp.example ({file}:3)"
            ),
            format!(
                "SimpleSAMLphp Payroll of Corp <https://payroll.corp.example/saml/metadata> saml -> payroll-old.corp.example payroll.corp.example ({file}:53)"
            ),
        ]
    );
    let mut two = said(&[(config, on), (file, by_hand)]);
    two.sort();
    assert_eq!(
        two,
        [
            format!("SimpleSAMLphp Two <urn:app:two> saml -> two.corp.example ({file}:11)"),
            format!(
                "SimpleSAMLphp https://shop.corp.example/sp <https://shop.corp.example/sp> saml -> shop.corp.example ({file}:6)"
            ),
        ]
    );
    assert_eq!(said(&[(config, shipped), (file, SIMPLESAML)]), [""; 0]);
    assert_eq!(
        said(&[(file, SIMPLESAML)]),
        [""; 0],
        "what is left over of a program that is gone"
    );
    let samples = "/usr/share/doc/simplesamlphp/examples/metadata-templates/saml20-sp-remote.php";
    assert_eq!(said(&[(config, on), (samples, SIMPLESAML)]), [""; 0]);
}

#[test]
fn shibboleth_tells_the_services_whose_metadata_its_settings_name() {
    let providers = r##"<MetadataProvider id="ShibbolethMetadata" xsi:type="ChainingMetadataProvider" xmlns="urn:mace:shibboleth:2.0:metadata" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <!-- <MetadataProvider id="Sample" xsi:type="FilesystemMetadataProvider" metadataFile="%{idp.home}/metadata/ghost.xml"/> -->
  <MetadataProvider id="Wiki" xsi:type="FilesystemMetadataProvider" metadataFile="%{idp.home}/metadata/wiki.xml"/>
  <MetadataProvider id="Each" xsi:type="LocalDynamicMetadataProvider" sourceDirectory="%{idp.home}/metadata/each"/>
  <MetadataProvider id="Federation" xsi:type="FileBackedHTTPMetadataProvider" backingFile="%{idp.home}/metadata/federation.xml" metadataURL="https://federation.example/all.xml"/>
</MetadataProvider>"##;
    let relying = r##"<beans>
  <util:list id="shibboleth.RelyingPartyOverrides">
    <bean parent="RelyingPartyByName" c:relyingPartyIds="#{{'https://crm.corp.example/sp', 'https://wiki.corp.example/saml/metadata'}}"/>
    <!-- <bean parent="RelyingPartyByName" c:relyingPartyIds="https://ghost.corp.example/sp"/> -->
    <bean parent="RelyingPartyByName" c:relyingPartyIds="#{ someBean.ghosts() }"/>
  </util:list></beans>"##;
    let idp = METADATA.replace("wiki", "ghost").replace("SPSSO", "IDPSSO");
    let home = "/opt/shibboleth-idp";
    let files: Vec<(String, String)> = [
        ("conf/metadata-providers.xml", providers.to_owned()),
        ("conf/relying-party.xml", relying.to_owned()),
        ("metadata/wiki.xml", METADATA.to_owned()),
        (
            "metadata/each/erp.xml",
            METADATA.replace("wiki", "erp").replace("Wiki", "ERP"),
        ),
        (
            "metadata/each/erp.xml.bak",
            METADATA.replace("wiki", "ghost"),
        ),
        ("metadata/idp-metadata.xml", idp.clone()),
        ("metadata/each/idp.xml", idp),
        ("metadata/ghost.xml", METADATA.replace("wiki", "ghost")),
        ("metadata/federation.xml", METADATA.replace("wiki", "ghost")),
    ]
    .map(|(path, text)| (format!("{home}/{path}"), text))
    .into();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(p, t)| (p.as_str(), t.as_str()))
        .collect();
    assert_eq!(
        said(&files),
        [
            "Shibboleth https://crm.corp.example/sp <https://crm.corp.example/sp> saml ->  (/opt/shibboleth-idp/conf/relying-party.xml:3)",
            "Shibboleth ERP of Corp <https://erp.corp.example/saml/metadata> saml -> erp-old.corp.example erp.corp.example (/opt/shibboleth-idp/metadata/each/erp.xml:2)",
            "Shibboleth Wiki of Corp <https://wiki.corp.example/saml/metadata> saml -> wiki-old.corp.example wiki.corp.example (/opt/shibboleth-idp/metadata/wiki.xml:2)",
        ]
    );
    let disk = files.iter().fold(FakeDisk::new(), |disk, (path, text)| {
        disk.file(path, text.as_bytes().to_vec())
    });
    let gaps: Vec<String> = look(disk).gaps().map(|gap| gap.what.clone()).collect();
    assert!(
        gaps.len() == 1 && gaps[0].contains("federation"),
        "{gaps:?}"
    );
}

#[test]
fn authelia_tells_its_clients_in_both_spellings_and_the_sites_it_guards() {
    let text = "jwt_secret: canary\naccess_control:\n  default_policy: deny\n  rules:\n    - domain: 'public.corp.example'\n      policy: bypass\n    - domain:\n        - 'nas.corp.example'\n        - '*.ghost.example'\n      policy: two_factor\n    - domain: '*.corp.example'\n      policy: one_factor\nidentity_providers:\n  oidc:\n    hmac_secret: canary\n    clients:\n      - client_id: 'grafana'\n        client_name: 'Grafana'\n        client_secret: '$pbkdf2-sha512$canary'\n        redirect_uris:\n          - 'https://grafana.corp.example/login/generic_oauth'\n          - 'https://grafana2.corp.example/login/generic_oauth'\n      - id: old-style\n        description: Wiki\n        secret: canary\n        redirect_uris: [https://wiki.corp.example/cb]\n      # - client_id: ghost\n      #   redirect_uris: ['https://ghost.corp.example/']\n";
    let file = "/etc/authelia/configuration.yml";
    let mut found = said(&[(file, text)]);
    found.sort();
    assert_eq!(
        found,
        [
            format!(
                "Authelia Grafana <grafana> oidc -> grafana.corp.example grafana2.corp.example ({file}:17)"
            ),
            format!("Authelia Wiki <old-style> oidc -> wiki.corp.example ({file}:23)"),
            format!(
                "Authelia nas.corp.example <nas.corp.example> gateway -> nas.corp.example ({file}:8)"
            ),
        ]
    );
    let sample = "/usr/share/doc/authelia/configuration.yml";
    assert_eq!(
        said(&[
            (sample, text),
            ("/etc/authelia/configuration.template.yml", text)
        ]),
        [""; 0]
    );
}

#[test]
fn dex_tells_its_clients_and_its_own_sample_is_silent() {
    let file = "/etc/dex/config.yaml";
    let text = "issuer: https://dex.corp.example/dex\nstaticClients:\n- id: argo-cd\n  name: 'Argo CD'\n  redirectURIs:\n  - 'https://argocd.corp.example/auth/callback'\n  secret: canary\n- id: cli\n  name: cli\n  public: true\n";
    assert_eq!(
        said(&[(file, text)]),
        [
            format!("Dex Argo CD <argo-cd> oidc -> argocd.corp.example ({file}:3)"),
            format!("Dex cli <cli> oidc ->  ({file}:8)"),
        ]
    );
    let sample = "issuer: http://127.0.0.1:5556/dex\nstaticClients:\n- id: example-app\n  redirectURIs:\n  - 'http://127.0.0.1:5555/callback'\n  name: 'Example App'\n  secret: canary\n";
    assert_eq!(said(&[(file, sample)]), [""; 0]);
}

#[test]
fn what_keycloak_knows_stands_in_its_database_and_is_a_gap_with_the_way_to_have_it() {
    let disk = FakeDisk::new().file(
        "/opt/keycloak/conf/keycloak.conf",
        b"db=postgres\n".to_vec(),
    );
    let seen = look(disk);
    let gaps: Vec<_> = seen.gaps().collect();
    assert_eq!(gaps.len(), 1);
    assert_eq!(gaps[0].reason, Reason::Unsupported);
    assert!(gaps[0].remedy.as_ref().unwrap().contains("groma import"));
    assert_eq!(look(FakeDisk::new()).gaps().count(), 0);
}

#[test]
fn no_list_panics_and_none_is_longer_than_its_bound() {
    let mut many = String::from("staticClients:\n");
    for n in 0..3_000 {
        many.push_str(&format!(
            "- id: c{n}\n  redirectURIs: ['https://c{n}.corp.example/cb']\n"
        ));
    }
    let seen = look(FakeDisk::new().file("/etc/dex/config.yaml", many.into_bytes()));
    assert_eq!(seen.facts().count(), 2_000);
    assert_eq!(seen.gaps().count(), 1);
    let files = [
        ("/var/lib/lemonldap-ng/conf/lmConf-1.json", LEMONLDAP),
        (
            "/etc/simplesamlphp/metadata/saml20-sp-remote.php",
            SIMPLESAML,
        ),
        ("/opt/shibboleth-idp/conf/metadata-providers.xml", METADATA),
        (
            "/opt/shibboleth-idp/conf/relying-party.xml",
            "<b c:relyingPartyIds=\"#{{'a', 'b'}}\"/>",
        ),
        (
            "/etc/authelia/configuration.yml",
            "access_control:\n  rules:\n    - domain: a\n      policy: one_factor\nidentity_providers:\n  oidc:\n    clients:\n      - id: b\n        redirect_uris: [https://c/]\n",
        ),
    ];
    for (path, text) in files {
        groma_fuzz::hammer(2_000, &[text.as_bytes()], |bytes| {
            let disk = FakeDisk::new()
                .file(
                    "/etc/simplesamlphp/config.php",
                    b"<?php $config = ['enable.saml20-idp' => true];".to_vec(),
                )
                .file(path, bytes.to_vec());
            let world = world(disk);
            let window = window(&world);
            let mut source = RelyingPartiesSource::new(world);
            let mut recorder = Recorder::new(source.name());
            source.look(&window, &Budget::default(), &mut recorder);
        });
    }
}
