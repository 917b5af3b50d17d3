//! `host.databases` on data directories that the real servers made.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on stops here, and says aloud what it skips"
)]

mod support;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use groma_model::fact::Database;
use groma_model::{CoverageState, Fact, Reason};
use groma_source::Recorder;
use groma_source_content::DatabasesSource;
use support::{look, machine, number, put, world};

fn databases(seen: &Recorder) -> Vec<Database> {
    let databases = seen.facts().filter_map(|f| match f {
        Fact::Database(database) => Some(database.clone()),
        _ => None,
    });
    databases.collect()
}

fn names(database: &Database) -> Vec<String> {
    database.names.iter().map(ToString::to_string).collect()
}

/// A program of a server, run as an account without rights; `None` where it is not installed or we are not root.
fn program(patterns: &[&str]) -> Option<Command> {
    let found = patterns.iter().map(PathBuf::from).find(|p| p.exists());
    let is_root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|o| o.stdout.trim_ascii() == b"0");
    let (Some(found), true) = (found, is_root) else {
        println!("skipped: needs root and one of {patterns:?}");
        return None;
    };
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(found);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Some(command)
}

fn ours(root: &Path, path: &str) -> PathBuf {
    let at = root.join(path);
    std::fs::create_dir_all(&at).unwrap();
    for above in at.ancestors().take_while(|p| p.starts_with(root)) {
        std::fs::set_permissions(above, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::os::unix::fs::chown(&at, Some(65534), Some(65534)).unwrap();
    at
}

fn fed(mut command: Command, text: &str) -> bool {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    child.wait().unwrap().success()
}

fn postgresql() -> Option<PathBuf> {
    let mut versions: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(Result::ok)
        .map(|e| e.path().join("bin"))
        .collect();
    versions.sort();
    versions.pop()
}

#[test]
fn a_cluster_that_postgresql_made_tells_names_and_sizes_without_a_login() {
    let root = machine();
    let Some(bin) = postgresql() else {
        println!("skipped: PostgreSQL is not installed");
        return;
    };
    let data = ours(root.path(), "srv/pg");
    let Some(mut initdb) = program(&[&bin.join("initdb").to_string_lossy()]) else {
        return;
    };
    assert!(
        initdb
            .args(["-A", "trust", "-D"])
            .arg(&data)
            .status()
            .unwrap()
            .success()
    );
    let mut single = program(&[&bin.join("postgres").to_string_lossy()]).unwrap();
    single.args(["--single", "-D"]).arg(&data).arg("postgres");
    let made = "CREATE DATABASE shop;\nCREATE DATABASE \"old-shop\";\nDROP DATABASE \"old-shop\";\nCREATE DATABASE \"café\";\n\
        VACUUM FULL pg_database;\nCREATE DATABASE later;\n";
    assert!(fed(single, made));
    put(
        root.path(),
        "etc/postgresql/15/main/postgresql.conf",
        b"#data_directory = '/ghost'\ndata_directory = '/srv/pg'\t# ours\n",
    );
    put(root.path(), "srv/pg/standby.signal", b"");
    let world = world(root.path());
    let seen = look(&mut DatabasesSource::new(world.clone()), &world);
    let [database] = databases(&seen).try_into().unwrap();
    let version = std::fs::read_to_string(data.join("PG_VERSION")).unwrap();
    assert_eq!(
        (database.engine.as_str(), database.version.as_deref()),
        ("postgresql", Some(version.trim()))
    );
    assert_eq!(names(&database), ["café", "later", "postgres", "shop"]);
    assert_eq!(database.role.as_deref(), Some("standby"));
    assert_eq!(
        database.found_by,
        "/etc/postgresql/15/main/postgresql.conf".into()
    );
    let shop = number(&seen, "content_bytes", "shop").unwrap();
    let all = number(&seen, "content_bytes", "/srv/pg").unwrap();
    assert!(shop > 5e6 && all > 6.0 * shop, "{shop} of {all}");
    // What nobody may see without a login is said, and the rest is still complete.
    assert!(seen.gaps().any(|g| g.reason == Reason::Locked));
    assert!(seen.coverage().all(|c| c.state == CoverageState::Complete));
}

#[test]
fn schemas_that_mariadb_made_are_told_with_their_names() {
    let root = machine();
    let data = ours(root.path(), "var/lib/mysql");
    let Some(mut install) = program(&["/usr/bin/mariadb-install-db"]) else {
        return;
    };
    install
        .arg(format!("--datadir={}", data.display()))
        .args(["--no-defaults", "--auth-root-authentication-method=normal"]);
    assert!(install.status().unwrap().success());
    let mut server = program(&["/usr/sbin/mariadbd"]).unwrap();
    server
        .args(["--no-defaults", "--bootstrap"])
        .arg(format!("--datadir={}", data.display()));
    assert!(fed(
        server,
        "CREATE DATABASE `shop-2026`;\nCREATE TABLE `shop-2026`.orders (id INT PRIMARY KEY) ENGINE=InnoDB;\n"
    ));
    std::fs::create_dir_all(data.join("lost+found")).unwrap();
    put(
        root.path(),
        "etc/mysql/mariadb.conf.d/50-server.cnf",
        b"[mysqld]\ndatadir = /var/lib/mysql\n",
    );
    let world = world(root.path());
    let seen = look(&mut DatabasesSource::new(world.clone()), &world);
    let [database] = databases(&seen).try_into().unwrap();
    assert_eq!(database.engine, "mariadb");
    assert_eq!(
        names(&database)
            .into_iter()
            .filter(|n| n != "test")
            .collect::<Vec<_>>(),
        ["shop-2026"]
    );
    assert!(number(&seen, "content_bytes", "shop-2026").unwrap() > 0.0);
}

#[test]
fn a_dump_that_redis_wrote_tells_version_and_keys() {
    let root = machine();
    let data = ours(root.path(), "srv/redis");
    let Some(mut server) = program(&["/usr/bin/redis-server"]) else {
        return;
    };
    let socket = data.join("s");
    let mut child = server
        .args(["--port", "0", "--save", "", "--unixsocket"])
        .arg(&socket)
        .arg("--dir")
        .arg(&data)
        .spawn()
        .unwrap();
    let ask = |words: &[&str]| {
        Command::new("redis-cli")
            .arg("-s")
            .arg(&socket)
            .args(words)
            .output()
            .is_ok_and(|o| o.status.success() && !o.stdout.is_empty())
    };
    let up = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        ask(&["ping"])
    });
    assert!(
        up && ask(&["set", "one", "canary"]) && ask(&["set", "two", "canary"]) && ask(&["save"])
    );
    child.kill().unwrap();
    child.wait().unwrap();
    put(
        root.path(),
        "etc/redis/redis.conf",
        b"# dir /ghost\ndir /srv/redis\nreplicaof redis1.corp.example 6379\n",
    );
    let world = world(root.path());
    let seen = look(&mut DatabasesSource::new(world.clone()), &world);
    let [database] = databases(&seen).try_into().unwrap();
    let version = database.version.clone().unwrap();
    assert!(
        database.engine == "redis" && version.split('.').count() == 3,
        "{version}"
    );
    assert_eq!(database.role.as_deref(), Some("standby"));
    assert_eq!(
        number(&seen, "content_items_estimated", "/srv/redis"),
        Some(2.0)
    );
    assert!(!format!("{:?}", seen.records).contains("canary"));
}

#[test]
fn a_directory_that_slapd_filled_is_as_large_as_what_is_used_of_its_map() {
    let root = machine();
    let data = ours(root.path(), "srv/ldap");
    let settings = root.path().join("slapd.conf");
    let text = format!(
        "include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\ndatabase mdb\nmaxsize 1073741824\n\
        suffix \"dc=corp,dc=example\"\ndirectory {}\n",
        data.display()
    );
    std::fs::write(&settings, text).unwrap();
    let Some(mut slapadd) = program(&["/usr/sbin/slapadd"]) else {
        return;
    };
    slapadd.arg("-f").arg(&settings);
    assert!(fed(
        slapadd,
        "dn: dc=corp,dc=example\nobjectClass: dcObject\nobjectClass: organization\no: corp\ndc: corp\n"
    ));
    put(
        root.path(),
        "etc/ldap/slapd.d/cn=config/olcDatabase={1}mdb.ldif",
        b"olcDbDirectory: /srv/ldap\nolcRootPW: canary\n",
    );
    let world = world(root.path());
    let seen = look(&mut DatabasesSource::new(world.clone()), &world);
    let bytes = number(&seen, "content_bytes", "/srv/ldap").unwrap();
    assert!((8192.0..1e6).contains(&bytes), "{bytes}");
    assert!(!format!("{:?}", seen.records).contains("canary"));
}

#[test]
fn what_is_no_data_directory_stays_silent_or_says_so() {
    let root = machine();
    // A default that nobody uses, an empty place, and files that belong to nobody.
    put(
        root.path(),
        "etc/mysql/my.cnf",
        b"[mysqld]\ndatadir = /var/lib/mysql\n",
    );
    put(root.path(), "var/lib/redis/notes.txt", b"nothing");
    put(root.path(), "etc/redis/redis.conf", b"dir /srv/gone\n");
    put(
        root.path(),
        "etc/mongod.conf",
        b"storage:\n  dbPath: /srv/strange\n",
    );
    put(root.path(), "srv/strange/readme", b"x");
    let world = world(root.path());
    let seen = look(&mut DatabasesSource::new(world.clone()), &world);
    assert_eq!(databases(&seen), []);
    let gaps: Vec<_> = seen
        .gaps()
        .map(|g| (g.scope.to_string(), g.reason.clone()))
        .collect();
    assert_eq!(
        gaps,
        [
            ("database:/srv/gone".to_owned(), Reason::NotPresent),
            ("database:/srv/strange".to_owned(), Reason::Unsupported),
        ]
    );
}
