//! What lies on a machine: whose numbers are whose, who may do what, what is copied away.

mod common;

use common::*;
use groma_model::fact::{Access, Archive, BackupJob, Database, Grant, Measurement, Share};
use groma_model::{EntityId, Fact, Scope};

fn archive(told: &mut Told, host: &str, path: &str, bytes: f64, items: f64) {
    let scope = Scope::new("archive", path);
    let fact = Archive {
        path: path.into(),
        format: "pst".into(),
        ..Archive::default()
    };
    told.say_in(scope.clone(), host, "host.archives", Fact::Archive(fact), 1);
    for (metric, value) in [("content_bytes", bytes), ("content_items", items)] {
        let number = Measurement {
            metric: metric.into(),
            subject: path.into(),
            value,
        };
        told.say_in(
            scope.clone(),
            host,
            "host.archives",
            Fact::Measurement(number),
            1,
        );
    }
}

fn share(told: &mut Told, host: &str, name: &str, path: &str) -> Scope {
    let scope = Scope::new("share", name);
    let fact = Share {
        protocol: "smb".into(),
        name: name.into(),
        path: path.into(),
        sort: "disk".into(),
        grants: vec![Grant {
            principal: "@sales".into(),
            right: "write".into(),
        }],
        file: "/etc/samba/smb.conf".into(),
        line: 3,
        ..Share::default()
    };
    told.say_in(scope.clone(), host, "host.shares", Fact::Share(fact), 1);
    scope
}

fn backup(told: &mut Told, host: &str, covers: &[&str], excludes: &[&str], databases: &[&str]) {
    let many = |words: &[&str]| words.iter().map(|w| (*w).into()).collect();
    let job = BackupJob {
        product: "restic".into(),
        name: "/etc/cron.d/backup:3".into(),
        covers: many(covers),
        excludes: many(excludes),
        databases: many(databases),
        file: "/etc/cron.d/backup".into(),
        line: 3,
        ..BackupJob::default()
    };
    told.say(host, "host.backups", Fact::BackupJob(job));
}

fn named(told: &Told, id: &EntityId) -> String {
    let mut next = 0_u8;
    let mut mint = || {
        next += 1;
        EntityId::new(format!("ent-{next:03}"))
    };
    let identities = groma_model::store::Identities::default();
    let resolution = groma_resolve::resolve(&identities, &mut mint, told.0.clone());
    resolution
        .estate
        .entities
        .get(id)
        .map(|e| e.name.clone())
        .unwrap_or_default()
}

#[test]
fn an_archive_is_a_thing_of_its_own_and_its_numbers_are_its() {
    let mut told = Told::default();
    told.host("files1", "10.0.0.1").host("files2", "10.0.0.2");
    archive(&mut told, "files1", "/srv/anna.pst", 5000.0, 12.0);
    archive(&mut told, "files2", "/srv/anna.pst", 7000.0, 13.0);
    let graph = told.graph();
    let mut rows: Vec<_> = graph
        .volumes
        .iter()
        .map(|v| (named(&told, &v.entity), v.bytes, v.items))
        .collect();
    rows.sort();
    assert_eq!(
        rows,
        [
            ("files1:/srv/anna.pst".to_owned(), 5000, Some(12)),
            ("files2:/srv/anna.pst".to_owned(), 7000, Some(13))
        ]
    );
    // The order in which it was said does not matter.
    let mut turned = told.clone();
    turned.0.reverse();
    assert_eq!(turned.graph().volumes, graph.volumes);
}

#[test]
fn rights_of_a_share_come_from_its_configuration_and_its_directories() {
    let mut told = Told::default();
    told.host("files1", "10.0.0.1");
    let scope = share(&mut told, "files1", "projects", "/srv/projects");
    let grant = |principal: &str, right: &str| Grant {
        principal: principal.into(),
        right: right.into(),
    };
    for (path, grants) in [
        ("/srv/projects", vec![grant("anna", "rwx")]),
        (
            "/srv/projects/closed",
            vec![grant("uid 1234", "rwx"), grant("@sales", "r-x")],
        ),
    ] {
        let access = Access {
            path: path.into(),
            kind: "posix-acl".into(),
            grants,
            orphans: vec!["uid 1234".into()],
        };
        told.say_in(
            scope.clone(),
            "files1",
            "host.shares",
            Fact::Access(access),
            1,
        );
    }
    let graph = told.graph();
    let rows: Vec<_> = graph
        .rights
        .iter()
        .map(|r| {
            (
                r.path.as_deref().unwrap_or("-"),
                r.principal.as_str(),
                r.right.as_str(),
                r.orphan,
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("-", "@sales", "write", false),
            ("-", "anna", "rwx", false),
            ("/srv/projects/closed", "@sales", "r-x", false),
            ("/srv/projects/closed", "uid 1234", "rwx", true),
        ]
    );
    assert!(
        graph
            .rights
            .iter()
            .all(|r| named(&told, &r.on) == "//files1/projects")
    );
    // Every line can be asked why.
    let cited: Vec<_> = graph.rights.iter().flat_map(|r| &r.evidence).collect();
    assert!(
        cited
            .iter()
            .all(|id| graph.evidence.iter().any(|e| e.id == **id))
    );
}

#[test]
fn a_job_covers_what_lies_below_its_paths_and_not_what_it_leaves_out() {
    let mut told = Told::default();
    told.host("files1", "10.0.0.1");
    archive(&mut told, "files1", "/srv/mail/anna.pst", 1.0, 1.0);
    archive(&mut told, "files1", "/srv/mailold/anna.pst", 1.0, 1.0);
    archive(&mut told, "files1", "/srv/mail/tmp/x.pst", 1.0, 1.0);
    share(&mut told, "files1", "projects", "/srv/mail");
    backup(
        &mut told,
        "files1",
        &["/srv/mail/"],
        &["/srv/mail/tmp"],
        &[],
    );
    let rows: Vec<_> = told
        .graph()
        .backups
        .iter()
        .map(|b| named(&told, &b.entity))
        .collect();
    let mut rows: Vec<_> = rows.iter().map(String::as_str).collect();
    rows.sort_unstable();
    assert_eq!(
        rows,
        ["//files1/projects", "files1", "files1:/srv/mail/anna.pst"]
    );
}

#[test]
fn a_dump_of_all_databases_covers_the_server_and_a_dump_of_one_among_others_does_not() {
    let with = |databases: &[&str]| {
        let mut told = Told::default();
        told.host("db1", "10.0.0.1");
        let fact = Database {
            engine: "postgresql".into(),
            directory: "/var/lib/postgresql/15/main".into(),
            names: vec!["shop".into(), "crm".into()],
            ..Database::default()
        };
        told.say_in(
            Scope::new("database", "/var/lib/postgresql/15/main"),
            "db1",
            "host.databases",
            Fact::Database(fact),
            1,
        );
        backup(&mut told, "db1", &[], &[], databases);
        told.graph().backups.len()
    };
    assert_eq!(with(&["postgresql/*"]), 2);
    assert_eq!(with(&["postgresql/shop"]), 1);
    assert_eq!(with(&["mariadb/*"]), 1);
}

#[test]
fn dumps_of_several_jobs_together_cover_a_server_and_one_alone_does_not() {
    let mut told = Told::default();
    told.host("db1", "10.0.0.3");
    let scope = Scope::new("database", "/var/lib/postgresql/15/main");
    let database = Database {
        engine: "postgresql".into(),
        directory: "/var/lib/postgresql/15/main".into(),
        found_by: "habit".into(),
        names: ["erp", "postgres", "shop"].map(Into::into).to_vec(),
        ..Database::default()
    };
    told.say_in(scope, "db1", "host.databases", Fact::Database(database), 1);
    let jobs = |told: &Told| {
        let graph = told.graph();
        let things: std::collections::BTreeSet<_> =
            graph.backups.iter().map(|b| &b.entity).collect();
        (graph.backups.len(), things.len())
    };
    let dump = |told: &mut Told, line: u32, name: &str| {
        let job = BackupJob {
            product: "pg_dump".into(),
            name: format!("/etc/cron.d/dump:{line}").into(),
            databases: vec![format!("postgresql/{name}").into()],
            file: "/etc/cron.d/dump".into(),
            line,
            ..BackupJob::default()
        };
        told.say("db1", "host.backups", Fact::BackupJob(job));
    };
    dump(&mut told, 1, "shop");
    assert_eq!(jobs(&told), (1, 1), "the machine's row alone");
    dump(&mut told, 2, "erp");
    assert_eq!(
        jobs(&told),
        (4, 2),
        "two rows of the machine, two of the database"
    );
}

#[test]
fn a_job_of_a_backup_server_covers_the_data_of_its_client() {
    let mut told = Told::default();
    told.host("backup1", "10.0.0.9").host("files1", "10.0.0.1");
    share(&mut told, "files1", "projects", "/srv/projects");
    let job = BackupJob {
        product: "bacula".into(),
        name: "files of 10.0.0.1".into(),
        covers: vec!["/srv".into()],
        of: groma_model::Peer::parse("10.0.0.1"),
        file: "/etc/bacula/bacula-dir.conf".into(),
        line: 3,
        ..BackupJob::default()
    };
    told.say("backup1", "host.backups", Fact::BackupJob(job));
    let graph = told.graph();
    let rows: Vec<_> = graph
        .backups
        .iter()
        .map(|b| {
            (
                named(&told, &b.entity),
                named(&told, b.by.as_ref().expect("the server")),
            )
        })
        .collect();
    let server = "backup1".to_owned();
    assert_eq!(rows.len(), 2);
    assert!(
        rows.contains(&("files1".to_owned(), server.clone())),
        "{rows:?}"
    );
    assert!(rows.iter().all(|(_, by)| *by == server), "{rows:?}");
}
