//! `--share`: a document that may leave the house, and the way back for whoever made it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use groma_model::inventory::Inventory;
use groma_share::{Names, ShareKey};
use groma_source::World;

use crate::command::Place;
use crate::files;
use crate::verbs::{not_replaced, wrong_usage};

/// The key of pseudonyms within the data directory, made when the first document is shared.
const KEY: &str = "share.key";

/// Whether a document is to be shown to somebody else.
#[derive(Args, Clone, Debug)]
pub(crate) struct Share {
    /// Replace names, addresses and accounts by pseudonyms, the same in every document of this store, for somebody outside.
    #[arg(long)]
    share: bool,
    /// With --share: write which pseudonym stands for what to this file. It is for you alone, and never replaced.
    #[arg(long, value_name = "FILE", requires = "share")]
    names: Option<PathBuf>,
}

impl Share {
    /// Whether what was typed can be meant, before anything is read.
    pub(crate) fn check(&self, out: &Path) -> Result<()> {
        let Some(names) = &self.names else {
            return Ok(());
        };
        if names == Path::new("-") {
            return Err(wrong_usage(
                "--names needs a file: what it holds is not for the terminal of others",
            ));
        }
        if is_same(names, out) {
            return Err(wrong_usage(format!(
                "--names and --out are both {}: the names must not go where the shared document goes",
                names.display()
            )));
        }
        if names.symlink_metadata().is_ok() {
            return Err(not_replaced(names));
        }
        Ok(())
    }

    /// Sheets come back filled in; one with pseudonyms would say nothing here.
    pub(crate) fn refuse_sheet(&self, is_sheet: bool) -> Result<()> {
        if self.share && is_sheet {
            return Err(wrong_usage(
                "a sheet to fill in is taken back by its names: it cannot be shared; leave out --share",
            ));
        }
        Ok(())
    }

    /// The document as it was, or as one to be shared, with the names behind it.
    pub(crate) fn apply(
        &self,
        inventory: Inventory,
        place: &Place,
        world: &World,
    ) -> Result<(Inventory, Names)> {
        if !self.share {
            return Ok((inventory, Names::new()));
        }
        let key = key(&place.directory(), world)?;
        let shared = groma_share::share(&inventory, &key)?;
        // The process ends soon: taking a large estate apart piece by piece would cost seconds.
        std::mem::forget(inventory);
        Ok((shared.inventory, shared.names))
    }

    /// Writes the way back, where it was asked for.
    pub(crate) fn keep(&self, names: &Names) -> Result<()> {
        let Some(path) = &self.names else {
            return Ok(());
        };
        let table = groma_share::table(names);
        create(path, table.as_bytes()).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => not_replaced(path),
            _ => anyhow::Error::new(error).context(format!("write {}", path.display())),
        })
    }
}

/// True if both lead to one file, there or not yet there.
fn is_same(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()?;
        let whole = folder.join(path.file_name()?);
        Some(fs::canonicalize(&whole).unwrap_or(whole))
    };
    one == other || place(one).is_some_and(|there| place(other) == Some(there))
}

/// The key in `directory`, made of random bytes if there is none.
fn key(directory: &Path, world: &World) -> Result<ShareKey> {
    let path = directory.join(KEY);
    if !path.exists() {
        make(&path, world).with_context(|| format!("make the key {}", path.display()))?;
    }
    let context = || format!("read the key {}", path.display());
    let others = fs::metadata(&path).with_context(context)?.mode() & 0o077 != 0;
    anyhow::ensure!(
        !others,
        "read the key {}: others may read it, and with it find the names behind shared documents; chmod 600 it",
        path.display()
    );
    let bytes = files::read(&path, 1 << 10)?;
    let bytes: [u8; ShareKey::BYTES] = bytes.try_into().map_err(|_| {
        anyhow::anyhow!(
            "read the key {}: it has not {} bytes; with a new one (take it away) every pseudonym will be another",
            path.display(),
            ShareKey::BYTES
        )
    })?;
    Ok(ShareKey::new(bytes))
}

/// Whole or not there: of two that make it at once, the first one's is the key.
fn make(path: &Path, world: &World) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut bytes = [0; ShareKey::BYTES];
    world.randomness.fill(&mut bytes);
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    let _ = fs::remove_file(&fresh);
    create(&fresh, &bytes)?;
    let linked = match fs::hard_link(&fresh, path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    };
    fs::remove_file(&fresh)?;
    linked
}

/// A new file for its owner alone.
fn create(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
