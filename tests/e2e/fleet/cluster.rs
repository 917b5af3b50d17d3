//! A PostgreSQL server of a test.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::scene::said;

/// A PostgreSQL server of its own, reached by a socket in its own directory alone, and ended with this value.
pub(crate) struct Cluster {
    pub(crate) home: tempfile::TempDir,
    pub(crate) programs: PathBuf,
}

impl Cluster {
    pub(crate) fn begin() -> Option<Self> {
        let programs = fs::read_dir("/usr/lib/postgresql")
            .ok()
            .and_then(|all| all.flatten().map(|one| one.path().join("bin")).max());
        let is_root = fs::metadata("/proc/self")
            .is_ok_and(|met| std::os::unix::fs::MetadataExt::uid(&met) == 0);
        let (Some(programs), true) = (programs, is_root) else {
            groma_tests::skip(
                "a PostgreSQL server needs its package, and root to start it as another user",
            );
            return None;
        };
        let cluster = Self {
            home: tempfile::tempdir().unwrap(),
            programs,
        };
        cluster.must(&["chown", "postgres", cluster.home.path().to_str().unwrap()]);
        let (files, socket) = (cluster.files(), cluster.home.path().display().to_string());
        cluster.run(
            "initdb",
            &["--no-sync", "--auth=trust", "--encoding=UTF8", "-D", &files],
        );
        cluster.run(
            "pg_ctl",
            &[
                "-D",
                &files,
                "-w",
                "-l",
                &format!("{socket}/log"),
                "-o",
                &format!("-c listen_addresses='' -c unix_socket_directories={socket}"),
                "start",
            ],
        );
        cluster.run("createdb", &["-h", &socket, "groma"]);
        Some(cluster)
    }

    pub(crate) fn files(&self) -> String {
        self.home.path().join("files").display().to_string()
    }

    pub(crate) fn must(&self, words: &[&str]) -> String {
        let done = Command::new(words[0])
            .args(&words[1..])
            .current_dir("/")
            .output()
            .unwrap();
        assert!(done.status.success(), "{words:?}: {}", said(&done));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    pub(crate) fn run(&self, program: &str, words: &[&str]) -> String {
        let program = self.programs.join(program).display().to_string();
        self.must(
            &[
                &[
                    "setpriv",
                    "--reuid=postgres",
                    "--regid=postgres",
                    "--init-groups",
                    &program,
                ],
                words,
            ]
            .concat(),
        )
    }

    pub(crate) fn url(&self) -> String {
        format!(
            "postgres:///groma?host={}&user=postgres",
            self.home.path().display()
        )
    }

    pub(crate) fn sql(&self, query: &str) -> String {
        self.run(
            "psql",
            &[
                "-h",
                &self.home.path().display().to_string(),
                "-At",
                "-d",
                "groma",
                "-c",
                query,
            ],
        )
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let program = self.programs.join("pg_ctl");
        let _ = Command::new("setpriv")
            .args(["--reuid=postgres", "--regid=postgres", "--init-groups"])
            .arg(program)
            .args(["-D", &self.files(), "-m", "immediate", "stop"])
            .current_dir("/")
            .output();
    }
}
