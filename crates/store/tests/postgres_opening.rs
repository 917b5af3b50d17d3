//! What stands where a store is expected on a server, and who is let in.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests only")]

mod cluster;
mod common;

use std::net::TcpListener;
use std::path::Path;

use cluster::{Cluster, Database};
use common::{accounts, all};
use groma_model::CoverageState::Complete;
use groma_store::{Moment, PostgresStore, Store, StoreError};

fn refusal(url: &str) -> StoreError {
    PostgresStore::open(url).expect_err("it must be refused")
}

fn tables(database: &Database) -> String {
    database.sql("SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
}

#[test]
fn what_was_kept_is_there_after_opening_again() {
    let Some(database) = cluster::database() else {
        return;
    };
    let mut store = database.open();
    store
        .ingest(&accounts("agt-a", 100, &["anna"], Complete))
        .unwrap();
    let before = all(&store, &Moment::Now);
    drop(store);
    assert_eq!(all(&database.open(), &Moment::Now), before);
    let said = format!("{:?} {}", database.open(), database.open().place());
    assert!(said.contains(&database.name), "{said}");
}

#[test]
fn many_replicas_that_start_at_once_make_one_store() {
    let Some(database) = cluster::database() else {
        return;
    };
    let url = database.url();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let url = &url;
            scope.spawn(move || {
                let mut store = PostgresStore::open(url).unwrap();
                let agent = format!("agt-{number}");
                store
                    .ingest(&accounts(&agent, 100, &["anna"], Complete))
                    .unwrap();
            });
        }
    });
    assert_eq!(all(&database.open(), &Moment::Now).len(), 8);
    let history =
        "SELECT count(*) > 0 AND count(*) = max(version) FROM groma.refinery_schema_history";
    assert_eq!(database.sql(history), "t", "each migration ran once");
}

#[test]
fn a_store_of_a_newer_version_names_both_and_stays_untouched() {
    let Some(database) = cluster::database() else {
        return;
    };
    drop(database.open());
    database.sql(
        "INSERT INTO groma.refinery_schema_history (version, name, applied_on, checksum) VALUES (99, 'x', '2030-01-01T00:00:00Z', '1');
         UPDATE groma.made_by SET version = '9.9.9'; CREATE TABLE groma.of_tomorrow (x int)",
    );
    let before = tables(&database);
    let error = refusal(&database.url());
    assert!(matches!(error, StoreError::Newer { found: 99, .. }));
    let error = error.to_string();
    for word in ["99", "9.9.9", env!("CARGO_PKG_VERSION"), "upgrade groma"] {
        assert!(error.contains(word), "{word}: {error}");
    }
    assert_eq!(tables(&database), before);
}

#[test]
fn tables_of_another_program_under_our_name_are_refused_and_kept() {
    let Some(database) = cluster::database() else {
        return;
    };
    for theirs in [
        "CREATE TABLE groma.bookmarks (url text)",
        "CREATE TABLE groma.made_by (site_id bytea, version text)",
        "CREATE VIEW groma.look AS SELECT 1 AS id",
    ] {
        let database = Database::on(database.cluster.clone());
        database.sql(&format!("CREATE SCHEMA groma; {theirs}"));
        let before = tables(&database);
        let error = refusal(&database.url());
        assert!(matches!(error, StoreError::NotForUs { .. }), "{error:?}");
        assert!(error.to_string().contains("another program"), "{error}");
        assert_eq!(tables(&database), before);
    }
}

#[test]
fn tables_of_others_beside_our_schema_are_no_matter() {
    let Some(database) = cluster::database() else {
        return;
    };
    database.sql("CREATE TABLE look (id int); CREATE TABLE refinery_schema_history (version int)");
    let mut store = database.open();
    store
        .ingest(&accounts("agt-a", 100, &["anna"], Complete))
        .unwrap();
    assert_eq!(database.sql("SELECT count(*) FROM public.look"), "0");
    assert_eq!(database.sql("SELECT count(*) FROM groma.look"), "1");
}

#[test]
fn a_start_that_was_cut_off_before_the_first_table_goes_on() {
    let Some(database) = cluster::database() else {
        return;
    };
    database.sql(
        "CREATE SCHEMA groma; CREATE TABLE groma.refinery_schema_history
         (version INT4 PRIMARY KEY, name VARCHAR(255), applied_on VARCHAR(255), checksum VARCHAR(255))",
    );
    assert_eq!(database.open().watermark().unwrap(), 0);
}

#[test]
fn a_role_with_a_schema_of_its_own_needs_no_other_right() {
    let Some(database) = cluster::database() else {
        return;
    };
    let role = format!("{}_role", database.name);
    database.sql(&format!("CREATE ROLE {role} LOGIN"));
    let url = database.cluster.url(&database.name, &role);
    let error = refusal(&url);
    assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("schema groma"), "{error}");
    database.sql(&format!("CREATE SCHEMA groma AUTHORIZATION {role}"));
    let mut store = PostgresStore::open(&url).unwrap();
    store
        .ingest(&accounts("agt-a", 100, &["anna"], Complete))
        .unwrap();
}

#[test]
fn a_database_that_lacks_letters_is_refused_with_the_remedy() {
    let Some(database) = cluster::database() else {
        return;
    };
    let name = format!("{}_latin", database.name);
    database.sql(&format!(
        "CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
    ));
    let error = refusal(&database.cluster.url(&name, "postgres"));
    assert!(matches!(error, StoreError::NotForUs { .. }), "{error:?}");
    assert!(error.to_string().contains("ENCODING 'UTF8'"), "{error}");
}

#[test]
fn a_database_that_is_not_there_and_a_server_that_is_not_there_are_two_things() {
    let Some(database) = cluster::database() else {
        return;
    };
    let error = refusal(&database.cluster.url("nowhere", "postgres"));
    assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("nowhere"), "{error}");
    let error = refusal("postgres:///groma?host=/nowhere&user=groma");
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
    let port = free_port();
    let error = refusal(&format!("postgres://groma:x@127.0.0.1:{port}/groma"));
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
}

/// A port nobody listens at, at least a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn said(error: &StoreError) -> String {
    let mut said = format!("{error} {error:?}");
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        said.push_str(&format!(" {cause} {cause:?}"));
        next = cause.source();
    }
    said
}

/// Writes an authority, a server certificate for `localhost` that it signed, and another authority.
fn make_certificates(place: &Path) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let authority = |file: &str| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        std::fs::write(place.join(file), params.self_signed(&key).unwrap().pem()).unwrap();
        Issuer::new(params, key)
    };
    let issuer = authority("ca.pem");
    drop(authority("other.pem"));
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    std::fs::write(place.join("server.pem"), certificate.pem()).unwrap();
    std::fs::write(place.join("server.key"), key.serialize_pem()).unwrap();
}

#[test]
fn over_the_network_the_server_must_be_vouched_for_and_the_password_be_right() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let files = tempfile::Builder::new()
        .prefix("groma-tls")
        .tempdir()
        .unwrap();
    let place = files.path();
    std::fs::set_permissions(place, PermissionsExt::from_mode(0o755)).unwrap();
    make_certificates(place);
    let port = free_port();
    let settings = [
        "listen_addresses = '127.0.0.1'".to_owned(),
        format!("port = {port}"),
        "ssl = on".to_owned(),
        format!("ssl_cert_file = '{}'", place.join("server.pem").display()),
        format!("ssl_key_file = '{}'", place.join("server.key").display()),
    ];
    let key = place.join("server.key");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    let Some((user, group)) = cluster::account() else {
        cluster::skip("needs root and an account named postgres");
        return;
    };
    chown(&key, Some(user), Some(group)).unwrap();
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let Some(cluster) = Cluster::start(&settings) else {
        return;
    };
    cluster.only_with_a_password();
    cluster.sql_at(port, "CREATE ROLE groma LOGIN PASSWORD 's3cr3t-canary'");
    cluster.sql_at(port, "CREATE DATABASE groma OWNER groma");
    let url = |password: &str, roots: &str, host: &str| {
        let roots = place.join(roots);
        format!(
            "postgres://groma:{password}@{host}:{port}/groma?sslrootcert={}",
            roots.display()
        )
    };
    let mut store = PostgresStore::open(&url("s3cr3t-canary", "ca.pem", "localhost")).unwrap();
    store
        .ingest(&accounts("agt-a", 100, &["anna"], Complete))
        .unwrap();
    let enciphered = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE usename = 'groma' AND ssl AND version = 'TLSv1.3'";
    assert_eq!(cluster.sql_at(port, enciphered), "1");
    assert!(!format!("{store:?}").contains("canary"));

    let passwords = place.join("passwords");
    std::fs::write(&passwords, "localhost:*:groma:groma:s3cr3t-canary\n").unwrap();
    std::fs::set_permissions(&passwords, PermissionsExt::from_mode(0o600)).unwrap();
    let from_file = format!(
        "postgres://groma@localhost:{port}/groma?sslrootcert={}&passfile={}",
        place.join("ca.pem").display(),
        passwords.display()
    );
    PostgresStore::open(&from_file).unwrap();

    for (url, is_expected) in [
        (
            url("wrong-canary", "ca.pem", "localhost"),
            (|e| matches!(e, StoreError::Refused { .. })) as fn(&StoreError) -> bool,
        ),
        (url("s3cr3t-canary", "other.pem", "localhost"), |e| {
            matches!(e, StoreError::Untrusted { .. })
        }),
        (url("s3cr3t-canary", "ca.pem", "127.0.0.1"), |e| {
            matches!(e, StoreError::Untrusted { .. })
        }),
        (url("s3cr3t-canary", "server.key", "localhost"), |e| {
            matches!(e, StoreError::BadAddress { .. })
        }),
        (format!("postgres://groma@localhost:{port}/groma"), |e| {
            matches!(e, StoreError::Refused { .. })
        }),
    ] {
        let error = refusal(&url);
        assert!(is_expected(&error), "{error:?}");
        assert!(!said(&error).contains("canary"), "{}", said(&error));
    }
}
