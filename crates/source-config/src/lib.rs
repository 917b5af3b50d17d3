//! Dependencies written down: configuration files, units, crontabs and scripts that name other machines.
//!
//! **What it sees.** For every place where a file names a machine: file, line, key, the name or address,
//! port, what it is needed for, the part of this machine that reads the file, and whether an account, a
//! database or a secret stands there. Which files and keys is data (`groma-knowledge`, `rules/*.toml`); what
//! no rule knows is searched for URLs and for addresses under a key that says "server". The hosts file gives
//! names, not references. Comments, samples, backups, documentation, test data, sites and units that are
//! switched off give nothing.
//!
//! **Where it reads it.** `/etc`, `/opt`, `/srv`, `/usr/local`, `/home`, `/root`, `/var/www`, crontabs, units,
//! and the configuration directories of known applications below `/var/lib`; text files up to the budget's
//! size, through [`groma_source::Disk`] alone. Nothing found is run; included files are read because they
//! are found. A script is read together with the files it takes its settings from (at most 16 of 256 KiB each), and
//! followed as far as its own text goes: variables, arrays, loops over words, `. FILE`, `$(sed … FILE)`, text put
//! together in Python, Perl and PHP. What it does beyond that leaves a value unknown, and an unknown value names nobody.
//!
//! `host.relying-parties` tells which services the identity providers of this machine sign people in for (`sign_in`).
//!
//! On Windows every directory at the top of a drive, what is Windows' own and the folders of programs only as far as a
//! rule names files there; paths are judged without case and with either mark between their parts (`judged`).
//!
//! Within running containers the source `written.containers` reads the same way, and their environments as files of
//! variables (`container`).
//!
//! **Which rights it needs.** Any account; files it may not read become gaps. Root sees crontabs, `.pgpass`
//! and the files of applications.
//!
//! **What it costs the host.** About the CPU of one search through the same files, on one thread, with
//! one file in memory; of files nobody touched since the last look two to four times asking each for its times, and
//! what it takes to say again what they said, if that fits the memory of 16 MiB (decision 34 has the figures).
//!
//! **What never leaves.** Passwords, tokens, queries and paths of web addresses are dropped while a value is
//! read; no line of a file is kept.
//!
//! Not tried on a real machine: RHEL, SLES, Windows; products not packaged by Debian (Grafana, Telegraf,
//! Beats, Fluent Bit, .NET, Oracle) are read by their documented formats.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        reason = "a test that indexes wrongly fails, and should"
    )
)]

mod aliases;
mod another_form;
mod apply;
mod calls;
mod container;
mod dialect;
mod environment;
mod fallbacks;
mod find;
mod finds;
mod format;
mod generic;
mod glob;
mod guess;
mod inspect;
mod judged;
mod leads;
mod look;
mod machine;
mod memory;
mod mentions;
mod mounts;
mod own;
mod packed;
mod patterns;
mod peers;
mod placeholders;
mod pristine;
mod profile;
mod quick;
mod recent;
mod roots;
mod script;
mod seen;
mod select;
mod settings;
mod sieve;
mod sign_in;
mod silence;
mod starters;
mod surroundings;
mod switched;
mod telling;
mod text;
mod value;
mod variables;
mod walk;
mod working_copies;

pub use container::{ContainerConfigSource, InContainers};
pub use find::{FIND_NAME, FindSource, MENTION, by_hosts_file, is_common_word, packages_of};
pub use sign_in::RelyingPartiesSource;

use std::path::PathBuf;

use groma_model::SourceName;
use groma_source::{Budget, Explanation, Memory, Sink, Source, Window, World};

/// The name of this source in evidence.
pub const NAME: &str = "written.config";

/// Where configuration lives on a Linux machine.
const ROOTS: &[&str] = &[
    "/etc",
    "/opt",
    "/srv",
    "/usr/local",
    "/home",
    "/root",
    "/var/www",
    "/var/spool/cron",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/var/lib/postgresql",
    "/var/lib/pgsql",
    "/var/lib/jenkins",
    "/var/lib/tomcat8",
    "/var/lib/tomcat9",
    "/var/lib/tomcat10",
    "/var/lib/nextcloud",
    "/var/lib/rundeck",
    "/var/lib/zabbix",
    "/var/lib/redmine",
    "/var/lib/gitea",
    "/var/lib/geoserver",
    "/var/lib/mailman",
    "/var/lib/openhab",
    "/var/lib/solr",
    "/var/lib/activemq",
    "/var/lib/artemis",
    "/var/lib/wildfly",
    "/var/lib/keycloak",
    "/var/lib/unifi",
    "/var/lib/foreman-proxy",
    "/var/lib/awx",
    "/var/lib/mysql",
    "/var/lib/samba/sysvol",
    "/var/spool/at",
    "/var/spool/hylafax/etc",
    "/usr/openv/netbackup",
    "/usr/lib/oracle",
    "/var/ossec/etc",
    "/var/lib/iscsi",
    "/var/lib/pacemaker/cib",
    "/var/atlassian",
    "/var/opt",
    "/usr/sap",
];

/// Directories at the top that belong to the system, or hold what is no configuration. Whatever else stands
/// there (`/u01`, `/data`, `/app`) somebody made for a program of their own.
pub(crate) const TOP_OF_THE_SYSTEM: &[&str] = &[
    "bin",
    "boot",
    "cdrom",
    "dev",
    "etc",
    "home",
    "lib",
    "lib32",
    "lib64",
    "libx32",
    "lost+found",
    "media",
    "mnt",
    "opt",
    "proc",
    "root",
    "run",
    "sbin",
    "selinux",
    "snap",
    "srv",
    "sys",
    "tmp",
    "usr",
    "var",
    "nix",
    "gnu",
    "afs",
    "net",
    "misc",
    "sysroot",
    "ostree",
    "rescue",
    "export",
    "exports",
    "backup",
    "backups",
];

/// Reads what is written down about other machines.
pub struct ConfigSource {
    world: World,
    roots: Vec<PathBuf>,
    /// True if what somebody made at the top of the file system is looked at as well.
    tops: bool,
    /// Drives of a machine of Windows, each with everything at its top.
    drives: Vec<PathBuf>,
    memory: Option<Memory>,
}

impl ConfigSource {
    /// A source over the usual places.
    pub fn new(world: World) -> Self {
        if cfg!(windows) {
            let drives = groma_source::disk::drives(world.disk.as_ref());
            return Self::with_roots(world, Vec::new()).with_drives(drives);
        }
        Self {
            tops: true,
            ..Self::with_roots(world, ROOTS.iter().map(PathBuf::from).collect())
        }
    }

    /// The same source, with what stands on `drives` (`C:\`) of a machine of Windows.
    #[must_use]
    pub fn with_drives(self, drives: Vec<PathBuf>) -> Self {
        Self { drives, ..self }
    }

    /// A source over `roots` alone. Units are still looked up where they always stand.
    pub fn with_roots(world: World, roots: Vec<PathBuf>) -> Self {
        Self {
            world,
            roots,
            tops: false,
            drives: Vec::new(),
            memory: None,
        }
    }
}

impl Source for ConfigSource {
    fn name(&self) -> SourceName {
        SourceName::new(NAME)
    }

    fn explain(&self) -> Explanation {
        let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect();
        Explanation {
            purpose: "Find where files of this machine name other machines.".to_owned(),
            reads: self
                .roots
                .iter()
                .map(|root| format!("text files below {}", root.display()))
                .chain(self.drives.iter().map(|drive| {
                    format!("text files below every directory of {}", drive.display())
                }))
                .chain([
                    "the files a script among them takes its settings from".to_owned(),
                    "/proc/self/mounts: which directories lie on other machines".to_owned(),
                    "text files below directories at the top that no system makes, as /u01 or /data".to_owned(),
                ])
                .chain(self.memory.iter().map(|memory| {
                    let path = memory.path.display();
                    format!(
                        "{path}: what files said at the last look, for those nobody touched since"
                    )
                }))
                .collect(),
            contacts: Vec::new(),
            sends: words(&[
                "file, line and key",
                "the machine named there, port and kind",
                "account, database or share",
                "that a secret stands there",
                "names of the hosts file",
            ]),
            never_sends: words(&[
                "passwords, keys and tokens",
                "lines or contents of files",
                "queries and paths of web addresses",
            ]),
            rights: words(&[
                "none; root to read crontabs and files of other accounts, else they are gaps",
            ]),
            cost: "about one search through the same files, on one thread".to_owned(),
        }
    }

    fn remember(&mut self, memory: Memory) {
        self.memory = Some(memory);
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut roots = self.roots.clone();
        if self.tops {
            roots.extend(look::tops(self.world.disk.as_ref()));
        }
        roots.extend(roots::of_drives(self.world.disk.as_ref(), &self.drives));
        let places = look::Places {
            roots: &roots,
            memory: self.memory.as_ref(),
        };
        look::look(&self.world, &places, window, budget, sink);
    }
}
