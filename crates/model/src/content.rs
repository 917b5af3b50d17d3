//! What lies on a machine and must move with it: archives, databases, shares, who may use them, what backs them up.
//!
//! None of it holds a size, a count of items or a time of writing: those move, and stand in
//! [`Measurement`](crate::fact::Measurement)s of the same scope (`archive:PATH`, `database:PATH`, `share:NAME`,
//! `backup:NAME`), by these words:
//!
//! | metric | of what |
//! | --- | --- |
//! | `content_bytes` | bytes of the subject |
//! | `content_items` | messages, files or keys of the subject, counted one by one |
//! | `content_items_estimated` | the same, reckoned from a part that was read |
//! | `content_changed_bytes` | bytes of the files written within the day before the look |
//! | `content_modified_seconds` | last change, seconds since 1970 |
//! | `content_open` | how many processes hold it open |
//! | `content_key` | 48 bits of a digest over size, header and sampled blocks: equal keys are copies |
//! | `content_orphan_items` | files of the subject whose owner or group belongs to nobody any more |
//! | `share_sessions` | how many were connected to the share at the moment of the look |
//! | `share_open_files` | how many files of the share were held open at that moment |
//! | `share_clients` | how many machines were clients of a server as a whole (`nfs4`), of any of its shares |
//! | `backup_last_success_seconds` | when the job last ended well, seconds since 1970 |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Foreign;
use crate::name::Peer;

/// Mail that lies in files: one archive, or a store with a mailbox for each person.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Archive {
    /// The file or directory.
    pub path: Foreign,
    /// `pst`, `ost`, `nsf`, `mbox`, `maildir`, `mbx`, `dbx`, `sdbox`, `mdbox`, `cyrus`, `eml`.
    pub format: String,
    /// `ansi`, `unicode`, `unicode-4k` for PST and OST ([MS-PST] 2.2.2.6, wVer); `store` where each person has a
    /// mailbox in it; `mboxcl` where messages carry their length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// `none`, `permute`, `cyclic`, `edp` for PST and OST ([MS-PST] 2.2.2.6, bCryptMethod). The first three hide nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<String>,
    /// True if the header's own check sum is wrong.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub damaged: bool,
    /// Whose it is: an account name, or `uid 1234` where no account has that number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Foreign>,
    /// What tells the owner: `file`, `home`, `mailbox`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_by: Option<String>,
    /// What names it: a mail program's profile, a server's configuration. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used_by: Vec<String>,
    /// True if it lies in the folder of a program whose settings do not name it any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub orphan: bool,
    /// `removable` for a medium somebody may pull out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub medium: Option<String>,
}

/// A server's databases as its files show them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Database {
    /// `postgresql`, `mariadb`, `mysql`, `redis`, `openldap`, `mongodb`.
    pub engine: String,
    /// Version of the files as they say it: `15`, `10.11.6`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The data directory.
    pub directory: Foreign,
    /// What told the directory: a configuration file, or `habit` for the place a package uses.
    pub found_by: Foreign,
    /// Names of its databases, the ones every installation has left out. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Foreign>,
    /// `standby`, where its own files say that it follows another server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// A part of the file tree that other machines may use.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// `smb` or `nfs`: a dependency kind of the registry.
    pub protocol: String,
    /// The name it is offered under: a section of smb.conf, the path of an export.
    pub name: Foreign,
    /// The directory; empty for a share that is made for each user or is a printer.
    pub path: Foreign,
    /// `disk`, `homes`, `printers`.
    pub sort: String,
    /// True if the server refuses every write.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
    /// True if nobody has to log on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub guest: bool,
    /// Who may do what, as the server's configuration says it. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    /// The file that says so.
    pub file: Foreign,
    /// Line, counted from 1.
    pub line: u32,
}

/// One right, given explicitly.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Grant {
    /// Who: an account, `@group`, a SID, a host, a network, `*` for everybody.
    pub principal: Foreign,
    /// `read`, `write`, `full-access`, `admin`, `connect`, `denied`, `owner`, or the letters of an ACL entry as `rwx`.
    pub right: String,
}

/// Rights written on a directory below a share: its root, and what deviates from it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Access {
    /// The directory.
    pub path: Foreign,
    /// How they are written: `mode`, `posix-acl`, `posix-default-acl`, `nt-acl`; `share-acl` for rights on the share as
    /// a whole; `files` for owners of files in it that belong to nobody.
    pub kind: String,
    /// Who may do what. Sorted.
    pub grants: Vec<Grant>,
    /// Those of them that stand for nobody any more: a number no account has, a SID of this machine without an
    /// account. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orphans: Vec<Foreign>,
}

/// Something that copies data away, so that it can be brought back.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct BackupJob {
    /// `borgmatic`, `restic`, `bacula`, `rsnapshot`, `tar`, `pg_dump`, …
    pub product: String,
    /// What it is called there: a job, a configuration file, a line of a crontab.
    pub name: Foreign,
    /// Directories and files it copies. Empty together with `databases`: what it copies is decided elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covers: Vec<Foreign>,
    /// Paths it leaves out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excludes: Vec<Foreign>,
    /// Databases it dumps, as `postgresql/*` or `mariadb/shop`. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub databases: Vec<Foreign>,
    /// Where it copies to, without credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Foreign>,
    /// The machine it copies to, or whose server comes to fetch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<Peer>,
    /// The machine whose data it copies, where that is not the one that says so: the client of a backup server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Peer>,
    /// The schedule as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// `hourly`, `daily`, … where it can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rhythm: Option<String>,
    /// True if nothing was found that ever starts it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unscheduled: bool,
    /// The file it stands in.
    pub file: Foreign,
    /// Line, counted from 1.
    pub line: u32,
}
