//! A PostgreSQL server to throw away: made in a directory of its own, reached by a socket in there and by nothing else,
//! and stopped when the last test that uses it ends, however it ends.
#![allow(dead_code, reason = "each test program uses its part")]
#![allow(clippy::unwrap_used, reason = "tests only")]
#![allow(clippy::print_stderr, reason = "a test that skips does so aloud")]

use std::io::Write as _;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use groma_store::PostgresStore;

/// Who the server runs as: it refuses to be root.
const USER: &str = "postgres";

/// The server that tests of one program share while any of them runs.
static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());

/// A server with its files.
pub(crate) struct Cluster {
    programs: PathBuf,
    place: tempfile::TempDir,
    databases: AtomicU32,
    /// Stops the server when nobody holds the other end of its input any more, also if this process was killed.
    watcher: Option<Child>,
}

/// A database of one test, on a server that lives at least as long.
pub(crate) struct Database {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) name: String,
}

/// A database of its own on the shared server. `None`, said aloud, where there can be no server.
pub(crate) fn database() -> Option<Database> {
    let cluster = {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        match shared.upgrade() {
            Some(cluster) => cluster,
            None => {
                let cluster = Arc::new(Cluster::start(&[])?);
                *shared = Arc::downgrade(&cluster);
                cluster
            }
        }
    };
    Some(Database::on(cluster))
}

/// A database on a server of its own, for a test that does it harm.
pub(crate) fn lonely_database() -> Option<Database> {
    Some(Database::on(Arc::new(Cluster::start(&[])?)))
}

impl Database {
    pub(crate) fn on(cluster: Arc<Cluster>) -> Self {
        let number = cluster.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("groma{number}");
        cluster.sql("postgres", &format!("CREATE DATABASE {name}"));
        Self { cluster, name }
    }

    pub(crate) fn url(&self) -> String {
        self.cluster.url(&self.name, USER)
    }

    pub(crate) fn open(&self) -> PostgresStore {
        PostgresStore::open(&self.url()).unwrap()
    }

    /// Has the server do something, and tells what it answered.
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.cluster.sql(&self.name, sql)
    }
}

impl Cluster {
    /// Makes and starts a server; `settings` as in `name=value`.
    pub(crate) fn start(settings: &[&str]) -> Option<Self> {
        let Some(programs) = programs() else {
            skip("PostgreSQL is not installed here (Debian: postgresql-15)");
            return None;
        };
        let Some((user, group)) = account() else {
            skip(
                "a PostgreSQL server needs root to start it and an account named postgres to run as",
            );
            return None;
        };
        let place = tempfile::Builder::new()
            .prefix("groma-pg")
            .tempdir()
            .unwrap();
        chown(place.path(), Some(user), Some(group)).unwrap();
        let mut cluster = Self {
            programs,
            place,
            databases: AtomicU32::new(0),
            watcher: None,
        };
        let initdb = cluster
            .program("initdb")
            .args(
                "--no-sync --auth=trust --encoding=UTF8 --locale=C.UTF-8 --username=postgres -D"
                    .split(' '),
            )
            .arg(cluster.files())
            .output()
            .unwrap();
        succeeded("initdb", &initdb);
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(cluster.files().join("postgresql.conf"))
            .unwrap();
        let socket = cluster.place.path().display();
        writeln!(file, "listen_addresses = ''\nunix_socket_directories = '{socket}'\nfsync = on\nmax_connections = 30").unwrap();
        for setting in settings {
            writeln!(file, "{setting}").unwrap();
        }
        drop(file);
        cluster.watcher = Some(cluster.watch());
        cluster.up();
        Some(cluster)
    }

    fn files(&self) -> PathBuf {
        self.place.path().join("data")
    }

    pub(crate) fn directory(&self) -> &Path {
        self.place.path()
    }

    pub(crate) fn url(&self, database: &str, user: &str) -> String {
        let socket = self.place.path().display();
        format!("postgres:///{database}?host={socket}&user={user}")
    }

    /// One of the programs that come with the server, as the account of the server.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", USER, "--regid", USER, "--init-groups", "--"])
            .arg(self.programs.join(name))
            .current_dir(self.place.path());
        command
    }

    fn watch(&self) -> Child {
        let script = "read -r _; [ ! -e \"$2/postmaster.pid\" ] || \"$1\" stop -w -s -m immediate -D \"$2\"; rm -rf \"$2\"";
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", USER, "--regid", USER, "--init-groups", "--"])
            .args(["sh", "-c", script, "sh"])
            .arg(self.programs.join("pg_ctl"))
            .arg(self.files())
            .current_dir(self.place.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().unwrap()
    }

    pub(crate) fn up(&self) {
        self.control(&["start", "-w", "-t", "60"]);
    }

    pub(crate) fn down(&self, how: &str) {
        self.control(&["stop", "-w", "-m", how]);
    }

    fn control(&self, what: &[&str]) {
        let mut command = self.program("pg_ctl");
        command.args(what).arg("-D").arg(self.files());
        // The server keeps what it inherits open; a pipe to us would never end.
        let log = self.place.path().join("log");
        let done = command
            .args(["-s", "-l"])
            .arg(&log)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        let log = std::fs::read_to_string(log).unwrap_or_default();
        assert!(done.success(), "pg_ctl {what:?}: {log}");
    }

    /// From now on, whoever comes over the network needs a password; a socket stays open to all.
    pub(crate) fn only_with_a_password(&self) {
        let rules = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(self.files().join("pg_hba.conf"), rules).unwrap();
        self.control(&["reload"]);
    }

    /// As [`Self::sql`], in the first database of a server that listens at another port than the usual.
    pub(crate) fn sql_at(&self, port: u16, sql: &str) -> String {
        self.ask(&["-p", &port.to_string(), "-d", "postgres"], sql)
    }

    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        self.ask(&["-d", database], sql)
    }

    fn ask(&self, place: &[&str], sql: &str) -> String {
        let done = self
            .program("psql")
            .args(place)
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
            .arg("-h")
            .arg(self.place.path())
            .args(["-c", sql])
            .output()
            .unwrap();
        succeeded(sql, &done);
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut watcher) = self.watcher.take() {
            drop(watcher.stdin.take());
            let _ = watcher.wait();
        }
        if self.files().join("postmaster.pid").exists() {
            eprintln!("a server was left in {}", self.place.path().display());
        }
    }
}

/// Where the newest server that is installed has its programs.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|programs| programs.join("initdb").exists())
        .collect();
    found.sort();
    found.pop()
}

/// The numbers of the account and its group, if there is one and we may become it.
pub(crate) fn account() -> Option<(u32, u32)> {
    let number = |what| {
        let said = Command::new("id").args([what, USER]).output().ok()?;
        String::from_utf8(said.stdout).ok()?.trim().parse().ok()
    };
    let allowed = Command::new("setpriv")
        .args([
            "--reuid",
            USER,
            "--regid",
            USER,
            "--init-groups",
            "--",
            "true",
        ])
        .output()
        .is_ok_and(|done| done.status.success());
    Some((number("-u")?, number("-g")?)).filter(|_| allowed)
}

fn succeeded(what: &str, done: &Output) {
    assert!(
        done.status.success(),
        "{what}: {}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}

/// Says why a test cannot run here, where a person and `tests/run` see it.
pub(crate) fn skip(why: &str) {
    eprintln!("skipped: {why}");
    let Some(file) = std::env::var_os("GROMA_SKIPPED") else {
        return;
    };
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(file);
    if let Ok(mut file) = file {
        // Nothing is lost if this fails: the sentence stands on the terminal already.
        let _ = writeln!(file, "{test}: {why}");
    }
}
