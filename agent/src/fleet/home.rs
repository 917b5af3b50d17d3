//! What the agent keeps in its state folder as one of a fleet: who it is, what it was asked, how it does. Each is one file, replaced as a
//! whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use groma_model::Timestamp;
use groma_model::fleet::{AgentStatus, Policy};
use groma_ship::{Identity, Key};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::replacing::{Lasts, replace};

const BYTES_MAX: u64 = 1 << 20;
/// The key of an enrolment that is under way.
const ENROLLING: &str = "enrolling.json";

/// The state folder.
#[derive(Clone, Debug)]
pub(crate) struct Home(PathBuf);

/// What `groma-agent status` shows, as the running agent wrote it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Doing {
    /// When this was written.
    pub(crate) at: Option<Timestamp>,
    /// The process that wrote it.
    pub(crate) process: u32,
    /// What the collector is told too.
    pub(crate) status: AgentStatus,
    /// When the collector last answered.
    pub(crate) answered_at: Option<Timestamp>,
    /// True if it takes batches.
    pub(crate) takes: bool,
    /// When the next look begins.
    pub(crate) next_look_at: Option<Timestamp>,
    /// How far this machine's clock is from the collector's, in seconds; positive if it is behind.
    pub(crate) clock_behind_s: i64,
}

impl Home {
    pub(crate) fn at(directory: PathBuf) -> Self {
        Self(directory)
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.0
    }

    pub(crate) fn spool(&self) -> PathBuf {
        self.0.join("spool")
    }

    /// Who this agent is, if it is enrolled.
    pub(crate) fn identity(&self) -> Result<Option<Identity>> {
        let path = self.0.join("identity.json");
        let damaged = || {
            format!(
                "read {}: it is damaged; enrol this machine again with a new token",
                path.display()
            )
        };
        let open = groma_sys::own::open_to(&path).unwrap_or_default();
        ensure!(
            open.is_empty(),
            "{} may be read by others: {open} it, and think about who has read the key in it",
            path.display()
        );
        read(&path).with_context(damaged)
    }

    pub(crate) fn keep_identity(&self, identity: &Identity) -> Result<()> {
        self.keep("identity.json", identity, Lasts::Surely)
    }

    /// What the collector last asked for; the usual where it did not yet, or the file cannot be read.
    pub(crate) fn policy(&self) -> Policy {
        read(&self.0.join("policy.json"))
            .ok()
            .flatten()
            .unwrap_or_default()
    }

    pub(crate) fn keep_policy(&self, policy: &Policy) -> Result<()> {
        self.keep("policy.json", policy, Lasts::Surely)
    }

    pub(crate) fn doing(&self) -> Option<Doing> {
        read(&self.0.join("status.json")).ok().flatten()
    }

    /// Written often, and nothing but a view: it need not survive a power cut.
    pub(crate) fn keep_doing(&self, doing: &Doing) -> Result<()> {
        self.keep("status.json", doing, Lasts::Perhaps)
    }

    /// Removes what a former enrolment left besides the identity.
    pub(crate) fn forget_former(&self) -> io::Result<()> {
        for name in [ENROLLING, "policy.json", "status.json"] {
            match fs::remove_file(self.0.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// The key that asks to be let in: the one that asked before and heard no answer, or a new one, on the disk before it is used.
    pub(crate) fn key_to_enrol(&self) -> Result<Key> {
        if let Ok(Some(pem)) = read::<String>(&self.0.join(ENROLLING))
            && let Ok(key) = Key::read(&pem)
        {
            return Ok(key);
        }
        let key = Key::generate()?;
        self.keep(ENROLLING, &key.pem(), Lasts::Surely)?;
        Ok(key)
    }

    /// Held by whoever is the agent of this machine: while it lives no other one runs or enrols.
    pub(crate) fn alone(&self) -> Result<groma_spool::LocalDir> {
        groma_sys::own::folder(&self.0).with_context(|| format!("create {}", self.0.display()))?;
        // Everybody may make a folder where this one lies, and would read the key that is written into it.
        #[cfg(windows)]
        ensure!(
            groma_sys::own::open_to(&self.0).is_none(),
            "{} was made by somebody else, or others may enter it: remove it, and run the same command again",
            self.0.display()
        );
        let nothing = || Ok(groma_spool::Space { bytes: 0, free: 0 });
        Ok(groma_spool::LocalDir::open(
            &self.spool(),
            Box::new(nothing),
        )?)
    }

    fn keep(&self, name: &str, document: &impl Serialize, lasts: Lasts) -> Result<()> {
        let path = self.0.join(name);
        replace(&path, lasts, |out| {
            out.write_all(&serde_json::to_vec(document)?)
        })
        .with_context(|| format!("write {}", path.display()))
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, BYTES_MAX), &mut bytes)?;
    Ok(Some(serde_json::from_slice(&bytes)?))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(directory.path().join("state"));
        assert_eq!(home.doing(), None);
        let doing = Doing {
            process: 7,
            ..Doing::default()
        };
        home.keep_doing(&doing).unwrap();
        assert_eq!(home.doing(), Some(doing));
        let met = fs::metadata(directory.path().join("state/status.json")).unwrap();
        assert_eq!(met.mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_policy_is_the_usual_one_and_a_damaged_identity_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(directory.path().to_owned());
        fs::write(directory.path().join("policy.json"), b"{").unwrap();
        fs::write(directory.path().join("identity.json"), b"{").unwrap();
        assert_eq!(home.policy(), Policy::default());
        let open = home.identity().unwrap_err().to_string();
        assert!(open.contains("chmod 600"), "{open}");
        fs::set_permissions(
            directory.path().join("identity.json"),
            std::os::unix::fs::PermissionsExt::from_mode(0o600),
        )
        .unwrap();
        let damaged = home.identity().unwrap_err().to_string();
        assert!(damaged.contains("enrol this machine again"), "{damaged}");
    }
}
