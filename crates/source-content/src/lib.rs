//! What lies on this machine and must move with it: mail archives, databases, shares with their rights, and
//! what copies them away.
//!
//! **What it sees.** `host.archives`: mail in files, by header and not by name (PST and OST, NSF, mbox in its
//! dialects, MBX, DBX), and mail in directories (Maildir and Maildir++, dbox, mdbox, Cyrus, EML), with owner, user,
//! bytes, messages and last change; mailboxes of a mail server as one store with a row for each. `host.databases`:
//! PostgreSQL, MariaDB and MySQL, Redis, OpenLDAP and MongoDB with version, names and sizes, out of their files;
//! nobody logs in, and a gap says what only a login shows. `host.shares`: shares of Samba and exports over NFS with
//! what their configuration, modes and ACLs say about who may do what. `host.backups`: what clocks start that copies
//! data away, and backup programs with settings of their own. `host.watching`: who may ask the monitoring agents of this
//! machine, and who stands above it in the zones of Icinga. `host.admissions`: whom RADIUS servers here let in.
//! `host.mail-routes`: where its mail servers send mail on to, by transports, aliases, forwards, filters, archives, lists,
//! and with which selectors they sign. `host.mailbox-rights`: who may use whose mailbox, as Dovecot's ACL files say.
//!
//! **Where it reads it.** In the trees of local file systems, through [`groma_source::Disk`]. File systems of
//! other machines and FUSE are never walked: a gap names each. Nothing is opened but regular files.
//!
//! **Which rights it needs.** None for what is open to all; root for the homes and mailboxes of others, for data
//! directories, and to see which process holds an archive open.
//!
//! **What it costs the host.** A walk bounded in time, entries and bytes, with a pause after each 50 ms of work.
//! A walk that did not end says where it stopped, and goes on there if the same process looks again.
//!
//! Seen for real: mail that Dovecot delivered in four formats; data directories that PostgreSQL, MariaDB, Redis and
//! slapd made; `testparm`, `setfacl` and Samba's own packing of Windows rights as judges; repositories of restic and
//! borg; two PST files of Outlook, beside `pffinfo`. **Never run for real**, only to the published format: OST, ANSI
//! files, 4 KiB pages, NSF, MBX, DBX, Cyrus, MongoDB, burp, and agents of Bacula and its kin, of
//! which only the presence is told, Bareos, BackupPC, Courier, Checkmk's agent. Seen for real since: a director of Bacula
//! and its log, Amanda with a virtual tape, rsnapshot with its log, duplicity, and of Samba tables of sessions, rights on
//! whole shares and accounts. Shares in Samba's registry are not read, nor the accounts of an Active Directory on Samba.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod accounts;
mod admissions;
mod archives;
mod backups;
mod databases;
mod enabled;
mod mounts;
mod part;
mod reading;
mod routes;
mod shares;
mod text;
mod watching;

pub use admissions::AdmissionsSource;
pub use archives::ArchivesSource;
pub use backups::BackupsSource;
pub use databases::DatabasesSource;
pub use routes::{MailboxRightsSource, RoutesSource};
pub use shares::SharesSource;
pub use watching::WatchingSource;

use groma_source::{Source, World};

/// All sources of this crate on `world`.
pub fn sources(world: &World) -> Vec<Box<dyn Source>> {
    vec![
        Box::new(ArchivesSource::new(world.clone())),
        Box::new(DatabasesSource::new(world.clone())),
        Box::new(SharesSource::new(world.clone())),
        Box::new(BackupsSource::new(world.clone())),
        Box::new(WatchingSource::new(world.clone())),
        Box::new(AdmissionsSource::new(world.clone())),
        Box::new(RoutesSource::new(world.clone())),
        Box::new(MailboxRightsSource::new(world.clone())),
    ]
}
