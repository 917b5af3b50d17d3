//! Certificates in files, made by the real openssl and keytool while the test runs.

mod support;

use groma_model::fact::{CertificatePlace, CertificateSighting};
use groma_model::{CoverageState, Foreign, Reason, Timestamp};
use groma_source::testing::FakeDisk;
use support::{Workshop, has, look_in, sightings};

fn at<'a>(all: &[&'a CertificateSighting], wanted: &str, number: u32) -> &'a CertificateSighting {
    all.iter()
        .find(|s| matches!(&s.place, CertificatePlace::File { path, position } if *path == Foreign::from(wanted) && *position == number))
        .unwrap_or_else(|| panic!("nothing at {wanted} {number}: {:?}", all.iter().map(|s| &s.place).collect::<Vec<_>>()))
}

#[test]
fn a_chain_of_three_is_read_whole() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.chain();
    let disk = FakeDisk::new()
        .file("/etc/nginx/ssl/www.pem", shop.read("chain.pem"))
        .file("/etc/nginx/ssl/www.key", shop.read("leaf.key"));
    let recorder = look_in(disk);
    let all = sightings(&recorder);
    assert_eq!(all.len(), 3);
    let leaf = at(&all, "/etc/nginx/ssl/www.pem", 0);
    assert_eq!(leaf.certificate.subject, "CN=leaf,O=Example");
    assert_eq!(leaf.certificate.issuer, "CN=middle,O=Example");
    assert_eq!(
        leaf.certificate.names,
        [
            "10.1.2.3",
            "fd00::5",
            "mail.corp.example",
            "post@corp.example",
            "www.corp.example"
        ]
    );
    let status: Vec<_> = leaf
        .certificate
        .status_hosts
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        status,
        ["10.1.2.4", "crl.corp.example", "ocsp.corp.example"]
    );
    assert_eq!(
        (
            leaf.certificate.key_algorithm.as_str(),
            leaf.certificate.key_bits
        ),
        ("ed25519", 256)
    );
    assert_eq!(
        leaf.certificate.signature_algorithm,
        "sha256WithRSAEncryption"
    );
    assert!(leaf.key_present && !leaf.certificate.authority && !leaf.certificate.self_signed);
    let root = at(&all, "/etc/nginx/ssl/www.pem", 2);
    assert!(root.certificate.authority && root.certificate.self_signed && !root.key_present);
    assert_eq!(
        (
            root.certificate.key_algorithm.as_str(),
            root.certificate.key_bits
        ),
        ("ecdsa", 384)
    );
    assert!(
        !at(&all, "/etc/nginx/ssl/www.pem", 1)
            .certificate
            .self_signed
    );
    assert!(
        recorder
            .coverage()
            .all(|c| c.state == CoverageState::Complete)
    );
}

#[test]
fn certificates_on_a_drive_of_windows_are_seen_and_those_of_the_system_are_not() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.chain();
    let disk = FakeDisk::new()
        .file("C:/Certs/Www.PEM", shop.read("chain.pem"))
        .file("C:/Certs/www.key", shop.read("leaf.key"))
        .file("C:/Windows/x.pem", shop.read("chain.pem"))
        .file("C:/Users/eva/AppData/x.pem", shop.read("chain.pem"));
    let world = groma_source::testing::world(disk);
    let window = groma_source::testing::window(&world);
    let mut source =
        groma_source_x509::CertificateFiles::new(world).with_drives(vec!["C:/".into()]);
    let mut recorder = groma_source::Recorder::new(groma_source::Source::name(&source));
    let budget = groma_source::Budget::default();
    groma_source::Source::look(&mut source, &window, &budget, &mut recorder);
    let all = sightings(&recorder);
    assert_eq!(all.len(), 3);
    assert!(at(&all, "C:/Certs/Www.PEM", 0).key_present);
}

#[test]
fn fingerprints_are_those_that_openssl_prints() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.pair("web", "rsa:2048", "-days 30");
    shop.openssl("x509 -in web.crt -outform DER -out web.der");
    shop.openssl("dgst -sha256 -hex -out web.sum web.der");
    shop.openssl("x509 -in web.crt -noout -serial -out web.serial");
    shop.openssl("x509 -in web.crt -noout -pubkey -out web.pub");
    shop.openssl("pkey -pubin -in web.pub -outform DER -out web.spki");
    shop.openssl("dgst -sha256 -hex -out spki.sum web.spki");
    let recorder = look_in(FakeDisk::new().file("/opt/shop/tls/web.der", shop.read("web.der")));
    let all = sightings(&recorder);
    let seen = &at(&all, "/opt/shop/tls/web.der", 0).certificate;
    let ends_with = |name: &str, text: &str| {
        String::from_utf8(shop.read(name))
            .unwrap()
            .trim()
            .to_lowercase()
            .ends_with(text)
    };
    assert!(ends_with("web.sum", &seen.sha256));
    assert!(ends_with("spki.sum", &seen.spki_sha256));
    assert!(ends_with("web.serial", &format!("={}", seen.serial)));
}

#[test]
fn a_key_is_present_only_if_its_public_half_is_the_same() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    let kinds = [
        ("rsa", "rsa:2048", ""),
        ("weak", "rsa:1024", "-sha1"),
        ("ec", "ec", "-pkeyopt ec_paramgen_curve:P-256"),
        ("ed", "ed25519", ""),
    ];
    let mut disk = FakeDisk::new();
    for (name, algorithm, more) in kinds {
        shop.pair(name, algorithm, more);
        disk = disk
            .file(
                &format!("/etc/own/{name}.crt"),
                shop.read(&format!("{name}.crt")),
            )
            .file(
                &format!("/etc/own/{name}.key"),
                shop.read(&format!("{name}.key")),
            )
            .file(
                &format!("/etc/lonely/{name}.crt"),
                shop.read(&format!("{name}.crt")),
            );
    }
    shop.openssl("rsa -in rsa.key -traditional -out old.key");
    shop.openssl("ec -in ec.key -out ec1.key");
    shop.openssl("rsa -in rsa.key -aes256 -passout pass:never-guessed -out locked.key");
    disk = disk
        .file("/etc/ssl/certs/rsa.crt", shop.read("rsa.crt"))
        .file("/etc/ssl/private/old.key", shop.read("old.key"));
    disk = disk.file(
        "/etc/one/ec.pem",
        [shop.read("ec1.key"), shop.read("ec.crt")].concat(),
    );
    disk = disk
        .file("/etc/locked/rsa.crt", shop.read("rsa.crt"))
        .file("/etc/locked/rsa.key", shop.read("locked.key"));
    disk = disk
        .file("/etc/other/rsa.crt", shop.read("rsa.crt"))
        .file("/etc/other/ec.key", shop.read("ec.key"));
    let recorder = look_in(disk);
    let all = sightings(&recorder);
    for (name, ..) in kinds {
        assert!(
            at(&all, &format!("/etc/own/{name}.crt"), 0).key_present,
            "{name}"
        );
        assert!(
            !at(&all, &format!("/etc/lonely/{name}.crt"), 0).key_present,
            "{name}"
        );
    }
    assert!(
        at(&all, "/etc/ssl/certs/rsa.crt", 0).key_present,
        "PKCS#1, in private/"
    );
    assert!(
        at(&all, "/etc/one/ec.pem", 0).key_present,
        "SEC1, in the same file"
    );
    assert!(
        !at(&all, "/etc/locked/rsa.crt", 0).key_present,
        "an encrypted key is not known"
    );
    assert!(
        !at(&all, "/etc/other/rsa.crt", 0).key_present,
        "another key"
    );
    let weak = &at(&all, "/etc/own/weak.crt", 0).certificate;
    assert_eq!(
        (weak.key_bits, weak.signature_algorithm.as_str()),
        (1024, "sha1WithRSAEncryption")
    );
}

#[test]
fn not_one_byte_of_a_private_key_is_said() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.pair("web", "ec", "-pkeyopt ec_paramgen_curve:P-256");
    let key = shop.read("web.key");
    // The key itself, a key under a wrong label, and a key cut in half.
    let mislabelled = String::from_utf8(key.clone())
        .unwrap()
        .replace("PRIVATE KEY", "CERTIFICATE");
    let disk = FakeDisk::new()
        .file("/etc/a/web.key", key.clone())
        .file("/etc/a/web.crt", mislabelled)
        .file("/etc/a/cut.pem", &key[..key.len() / 2]);
    let recorder = look_in(disk);
    let said = format!("{:?}", recorder.records);
    let inside: Vec<&str> = std::str::from_utf8(&key)
        .unwrap()
        .lines()
        .filter(|l| !l.starts_with('-'))
        .collect();
    assert!(!inside.is_empty() && inside.iter().all(|line| !said.contains(line)));
    assert!(recorder.gaps().any(|g| g.reason == Reason::Malformed));
}

#[test]
fn public_authorities_are_left_out_and_added_ones_are_said() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    for name in ["public1", "public2", "corp", "slipped"] {
        shop.pair(name, "ec", "-pkeyopt ec_paramgen_curve:P-256");
    }
    let bundle = ["public1.crt", "corp.crt", "public2.crt", "slipped.crt"]
        .map(|n| shop.read(n))
        .concat();
    let disk = FakeDisk::new()
        .file(
            "/usr/share/ca-certificates/mozilla/One.crt",
            shop.read("public1.crt"),
        )
        .file(
            "/usr/share/ca-certificates/mozilla/Two.crt",
            shop.read("public2.crt"),
        )
        .file(
            "/usr/local/share/ca-certificates/corp.crt",
            shop.read("corp.crt"),
        )
        .link(
            "/etc/ssl/certs/One.pem",
            "/usr/share/ca-certificates/mozilla/One.crt",
        )
        .link(
            "/etc/ssl/certs/corp.pem",
            "/usr/local/share/ca-certificates/corp.crt",
        )
        .link("/etc/ssl/certs/5ad8a5d6.0", "corp.pem")
        .file("/etc/ssl/certs/ca-certificates.crt", bundle)
        .file("/srv/app/ca.pem", shop.read("public2.crt"));
    let recorder = look_in(disk);
    let mut said: Vec<_> = sightings(&recorder)
        .iter()
        .map(|s| (s.certificate.subject.clone(), format!("{:?}", s.place)))
        .collect();
    said.sort();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0].0.contains("corp.corp") && said[0].1.contains("/usr/local/share"),
        "{said:?}"
    );
    assert!(
        said[1].0.contains("slipped") && said[1].1.contains("position: 3"),
        "a hand edit of the bundle shows: {said:?}"
    );
    assert_eq!(recorder.gaps().count(), 0);
}

#[test]
fn a_link_of_an_acme_client_is_said_where_configurations_name_it() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.pair("web", "rsa:2048", "");
    let disk = FakeDisk::new()
        .file(
            "/etc/letsencrypt/archive/web/fullchain7.pem",
            shop.read("web.crt"),
        )
        .file(
            "/etc/letsencrypt/archive/web/fullchain6.pem",
            shop.read("web.crt"),
        )
        .file(
            "/etc/letsencrypt/archive/web/privkey7.pem",
            shop.read("web.key"),
        )
        .link(
            "/etc/letsencrypt/live/web/fullchain.pem",
            "/etc/letsencrypt/archive/web/fullchain7.pem",
        )
        .link(
            "/etc/letsencrypt/live/web/privkey.pem",
            "/etc/letsencrypt/archive/web/privkey7.pem",
        )
        .link(
            "/etc/nginx/gone.crt",
            "/etc/letsencrypt/live/old/fullchain.pem",
        )
        .link(
            "/etc/letsencrypt/live/old/fullchain.pem",
            "/etc/letsencrypt/archive/old/fullchain1.pem",
        );
    let recorder = look_in(disk);
    let all = sightings(&recorder);
    assert_eq!(all.len(), 1);
    assert!(at(&all, "/etc/letsencrypt/live/web/fullchain.pem", 0).key_present);
    let gaps: Vec<_> = recorder
        .gaps()
        .map(|g| (g.scope.as_str(), &g.reason))
        .collect();
    let broken = [
        "file:/etc/letsencrypt/live/old/fullchain.pem",
        "file:/etc/nginx/gone.crt",
    ];
    assert_eq!(gaps, broken.map(|scope| (scope, &Reason::BrokenLink)));
}

#[test]
fn what_cannot_be_read_makes_a_hole_and_not_a_ruin() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.pair("web", "rsa:2048", "-days 3650");
    shop.openssl(
        "pkcs12 -export -in web.crt -inkey web.key -passout pass:never-guessed -out web.p12",
    );
    let disk = FakeDisk::new()
        .file("/etc/a/web.crt", shop.read("web.crt"))
        .refused("/etc/a/web.key", Reason::PermissionDenied)
        .special("/etc/a/fifo.pem")
        .special("/etc/a/fifo.crt")
        .special("/etc/nginx/socket")
        .file("/etc/a/store.p12", shop.read("web.p12"))
        .file("/etc/a/huge.crt", vec![0x30; 5 << 20])
        .file("/etc/a/web.crt.bak", shop.read("web.crt"))
        .file("/opt/app/node_modules/x/ca.crt", shop.read("web.crt"));
    let recorder = look_in(disk);
    assert_eq!(sightings(&recorder).len(), 1);
    let mut gaps: Vec<_> = recorder
        .gaps()
        .map(|g| (g.scope.as_str().to_owned(), g.reason.clone()))
        .collect();
    gaps.sort();
    let expected = [
        ("file:/etc/a/fifo.crt", Reason::NotARegularFile),
        ("file:/etc/a/fifo.pem", Reason::NotARegularFile),
        ("file:/etc/a/huge.crt", Reason::TooLarge),
        ("file:/etc/a/store.p12", Reason::Locked),
        ("file:/etc/a/web.key", Reason::PermissionDenied),
    ];
    assert_eq!(
        gaps,
        expected.map(|(scope, reason)| (scope.to_owned(), reason))
    );
    let state = |scope: &str| {
        recorder
            .coverage()
            .filter(|c| c.scope.as_str() == scope)
            .map(|c| c.state)
            .collect::<Vec<_>>()
    };
    assert_eq!(state("file:/etc"), [CoverageState::Complete]);
    assert_eq!(state("file:/etc/a/web.key"), [CoverageState::Partial]);
}

#[test]
fn closed_places_that_promise_nothing_are_one_sentence() {
    let disk = FakeDisk::new()
        .refused("/etc/postfix/sasl_passwd", Reason::PermissionDenied)
        .refused("/etc/dovecot/users", Reason::PermissionDenied)
        .refused("/etc/shadow", Reason::PermissionDenied);
    let recorder = look_in(disk);
    let gaps: Vec<_> = recorder.gaps().collect();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(
        gaps[0].what.contains("2 closed files and directories"),
        "a file that is never read is no hole: {gaps:?}"
    );
    let partial = recorder
        .coverage()
        .filter(|c| c.state == CoverageState::Partial)
        .count();
    assert_eq!(partial, 2);
}

#[test]
fn validity_is_read_to_the_second_also_beyond_2050() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.pair("long", "ec", "-pkeyopt ec_paramgen_curve:P-521 -days 20000");
    shop.openssl("x509 -in long.crt -noout -dates -dateopt iso_8601 -out long.dates");
    let recorder = look_in(FakeDisk::new().file("/etc/long.crt", shop.read("long.crt")));
    let all = sightings(&recorder);
    let certificate = &at(&all, "/etc/long.crt", 0).certificate;
    let printed = String::from_utf8(shop.read("long.dates")).unwrap();
    let moments: Vec<Timestamp> = printed
        .lines()
        .map(|l| {
            l.split_once('=')
                .unwrap()
                .1
                .replace(' ', "T")
                .parse()
                .unwrap()
        })
        .collect();
    assert_eq!([certificate.not_before, certificate.not_after], moments[..]);
    assert_eq!(certificate.key_bits, 521);
}

#[test]
fn a_pkcs7_bag_and_a_java_keystore_are_read_without_a_password() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.chain();
    shop.openssl("crl2pkcs7 -nocrl -certfile chain.pem -out bag.p7b");
    shop.openssl("crl2pkcs7 -nocrl -certfile chain.pem -outform DER -out bag.der");
    let mut disk = FakeDisk::new()
        .file("/etc/pem.p7b", shop.read("bag.p7b"))
        .file("/etc/der.p7b", shop.read("bag.der"));
    let java = std::process::Command::new("keytool")
        .args("-genkeypair -alias web -keyalg EC -dname CN=java.corp.example -storetype JKS -storepass changeit -keypass changeit -keystore".split(' '))
        .arg(shop.path("java.jks"))
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|s| s.success());
    if java {
        disk = disk.file("/opt/tomcat/java.jks", shop.read("java.jks"));
    } else {
        eprintln!("SKIPPED in part: no keytool to make a JKS keystore");
    }
    let recorder = look_in(disk);
    let all = sightings(&recorder);
    for position in 0..3 {
        assert_eq!(
            at(&all, "/etc/pem.p7b", position).certificate,
            at(&all, "/etc/der.p7b", position).certificate
        );
    }
    if java {
        let stored = at(&all, "/opt/tomcat/java.jks", 0);
        assert_eq!(stored.certificate.subject, "CN=java.corp.example");
        assert!(stored.key_present, "the keystore pairs it with a key");
    }
}

#[test]
fn two_looks_at_the_same_files_say_the_same() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.chain();
    let disk = || {
        FakeDisk::new()
            .file("/etc/a.pem", shop.read("chain.pem"))
            .file("/srv/b.pem", shop.read("chain.pem"))
    };
    let (first, second) = (look_in(disk()), look_in(disk()));
    assert_eq!(
        first.facts().collect::<Vec<_>>(),
        second.facts().collect::<Vec<_>>()
    );
    assert_eq!(
        first.facts().count(),
        6,
        "the same certificate in two files is two sightings"
    );
}

#[test]
fn a_key_says_its_file_and_who_may_read_it_and_an_added_authority_is_marked() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.chain();
    let disk = FakeDisk::new()
        .file("/etc/nginx/ssl/www.pem", shop.read("chain.pem"))
        .file("/etc/nginx/ssl/www.key", shop.read("leaf.key"))
        .file(
            "/usr/local/share/ca-certificates/house.crt",
            shop.read("root.crt"),
        )
        .file(
            "/etc/pki/ca-trust/source/blocklist/gone.crt",
            shop.read("root.crt"),
        );
    let recorder = look_in(disk);
    let all = sightings(&recorder);
    let leaf = at(&all, "/etc/nginx/ssl/www.pem", 0);
    let key = leaf.key.as_ref().expect("it stands beside it");
    assert_eq!(key.path, "/etc/nginx/ssl/www.key".into());
    assert_eq!((key.mode, key.owner), (Some(0o644), Some(0)));
    assert!(key.is_open_to_all());
    assert_eq!(leaf.trust, None);
    let house = at(&all, "/usr/local/share/ca-certificates/house.crt", 0);
    assert_eq!(
        (house.trust.as_deref(), house.key_present),
        (Some("added"), false)
    );
    let gone = at(&all, "/etc/pki/ca-trust/source/blocklist/gone.crt", 0);
    assert_eq!(gone.trust.as_deref(), Some("distrusted"));
    assert_eq!(leaf.certificate.sha1.as_ref().map(String::len), Some(40));
}

/// The bytes of `user::rw- user:1007:r-- group::--- mask::r-- other::---`, as the kernel keeps them.
const LIST: &[u8] = b"\x02\0\0\0\x01\0\x06\0\xff\xff\xff\xff\x02\0\x04\0\xef\x03\0\0\x04\0\0\0\xff\xff\xff\xff\x10\0\x04\0\xff\xff\xff\xff\x20\0\0\0\xff\xff\xff\xff";

#[test]
fn directories_above_a_key_and_its_access_list_decide_who_may_read_it() {
    if !has("openssl") {
        return;
    }
    let shop = Workshop::open();
    shop.chain();
    let disk = || {
        FakeDisk::new()
            .file("/etc/nginx/ssl/www.pem", shop.read("chain.pem"))
            .file("/etc/nginx/ssl/www.key", shop.read("leaf.key"))
    };
    let key = |disk: FakeDisk| {
        let recorder = look_in(disk);
        let all = sightings(&recorder);
        at(&all, "/etc/nginx/ssl/www.pem", 0).key.clone().unwrap()
    };
    assert!(key(disk()).is_open_to_all());
    let closed = key(disk().owned("/etc/nginx/ssl", 0o700, 0, 0));
    assert_eq!(closed.mode, Some(0o644), "the mode is said as it is");
    assert!(!closed.is_open_to_all() && closed.people().is_empty());
    let listed = |disk: FakeDisk| {
        disk.owned("/etc/nginx/ssl/www.key", 0o640, 0, 0)
            .attributed("/etc/nginx/ssl/www.key", "system.posix_acl_access", LIST)
    };
    let named = key(listed(disk()));
    assert_eq!(
        (named.people(), named.is_open_to_all()),
        (vec![1007], false)
    );
    let behind = key(listed(disk()).owned("/etc/nginx", 0o750, 0, 0));
    assert!(behind.people().is_empty());
}

#[test]
fn an_access_list_of_a_real_file_is_read() {
    if !has("openssl") || !has("setfacl") {
        return;
    }
    let shop = Workshop::open();
    shop.write("key", "x");
    let set = std::process::Command::new("setfacl")
        .args(["-m", "u:1007:r,g:1005:r"])
        .arg(shop.path("key"))
        .status();
    if !set.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: no access lists on this file system");
        return;
    }
    let disk = groma_sys::this_machine(true).disk;
    let list = disk.attribute(&shop.path("key"), "system.posix_acl_access");
    let list = list.unwrap().expect("setfacl has just written it");
    let has = |id: u32| list.chunks(4).any(|word| word == id.to_le_bytes());
    assert!(has(1007) && has(1005), "{list:x?}");
}

#[test]
fn pins_are_read_from_settings_and_not_from_copies_or_talk() {
    use groma_model::Fact;
    use groma_source::testing::{window, world};
    use groma_source::{Budget, Recorder, Source};
    let hash = "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD";
    let line = format!("tls_fingerprint {hash}\n");
    let disk = FakeDisk::new()
        .file(
            "/etc/msmtprc",
            format!("account default\nhost mail.corp.example\n{line}"),
        )
        .file("/etc/msmtprc.dpkg-old", line.clone())
        .file("/opt/app/docs/msmtp.conf", line.clone())
        .file("/opt/app/logo.png", line.clone())
        .file("/etc/other.conf", format!("# {line}"))
        .refused("/root/.msmtprc", Reason::PermissionDenied);
    let large = "x".repeat(600 << 10);
    let disk = disk
        .file("/opt/app/huge.conf", large.clone())
        .file("/usr/local/bin/program", large);
    let world = world(disk);
    let mut source = groma_source_x509::CertificatePins::new(world.clone());
    let mut recorder = Recorder::new(source.name());
    source.look(&window(&world), &Budget::default(), &mut recorder);
    let pins: Vec<_> = recorder
        .facts()
        .filter_map(|fact| match fact {
            Fact::Pin(pin) => Some((pin.file.to_string(), pin.line, pin.digest.clone())),
            _ => None,
        })
        .collect();
    let digest = hash.replace(':', "").to_ascii_lowercase();
    assert_eq!(pins, [("/etc/msmtprc".to_owned(), 3, digest)]);
    let gaps: Vec<_> = recorder
        .gaps()
        .map(|g| (g.scope.as_str(), g.reason.clone()))
        .collect();
    let mut gaps = gaps;
    gaps.sort_by_key(|(scope, _)| *scope);
    assert_eq!(
        gaps,
        [
            ("file:/opt", Reason::TooLarge),
            ("file:/root", Reason::PermissionDenied)
        ]
    );
}
