//! What named moments conclude, kept beside the store, so that a diff of two of them reads what differs and nothing else.
//!
//! `kept/NAME.moment` in the data directory is a cache and nothing more: it is written when a moment is named, or when a diff
//! misses it; it is believed while nothing it was concluded from has another meaning; it may be deleted at any time. Where it
//! cannot be written, a diff concludes both moments.

use std::fs::{DirBuilder, File};
use std::io::BufReader;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::PathBuf;

use anyhow::{Context, Result};
use groma_diff::{Kept, Selected};
use groma_model::store::{Annotation, Snapshot};
use groma_source::World;
use groma_store::{Moment, Store};
use serde::{Deserialize, Serialize};

use crate::command::Place;
use crate::{conclude, files};

type Open = BufReader<File>;

/// What a kept moment was concluded from.
#[derive(PartialEq, Serialize, Deserialize)]
struct Key {
    /// Another program concludes otherwise.
    program: (String, u64, i64),
    snapshot: Snapshot,
    /// What people said: verdicts change what a diff shows.
    annotations: Vec<Annotation>,
    /// How often something was erased: what was kept before is not believed after.
    erasures: u64,
    /// The identity ledger's newest row; later ones count where they change the meaning of earlier ones.
    ledger: u64,
}

/// Concludes a moment that was just named, and keeps it.
pub(crate) fn keep(
    store: &mut dyn Store,
    place: &Place,
    snapshot: &Snapshot,
    world: &World,
) -> Result<()> {
    let moment = Moment::Snapshot(snapshot.clone());
    // Read before: what somebody else remembers meanwhile is later than this.
    let key = key(store, snapshot)?;
    let inventory =
        conclude::inventory(store, &moment, world.clock.now(), world.randomness.as_ref())?;
    let path = path(place, &snapshot.name);
    if let Some(folder) = path.parent() {
        let _ = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    }
    // A disk that is full makes the next diff slower, and nothing else.
    let text = serde_json::to_string(&key)?;
    let _ = files::write_with(&path, |mut to| groma_diff::keep(&inventory, &text, &mut to));
    if store.erasures()? != key.erasures {
        // Something was erased meanwhile, and may stand in it.
        remove(place, &snapshot.name);
    }
    // The process ends soon: taking a large estate apart piece by piece would cost seconds.
    std::mem::forget(inventory);
    Ok(())
}

/// What differs between two named moments; `None` where a moment cannot be kept.
pub(crate) fn differing(
    store: &mut dyn Store,
    place: &Place,
    moments: [&Snapshot; 2],
    world: &World,
) -> Result<Option<Selected>> {
    for snapshot in moments {
        if believed(store, place, snapshot)?.is_none() {
            keep(store, place, snapshot, world)?;
        }
    }
    let [before, after] = moments;
    // Concluding the second may have given marks of the first another meaning.
    let (Some(mut before), Some(mut after)) = (
        believed(store, place, before)?,
        believed(store, place, after)?,
    ) else {
        return Ok(None);
    };
    Ok(groma_diff::select(&mut before, &mut after).ok())
}

/// Lets go of what was kept of a moment.
pub(crate) fn remove(place: &Place, name: &str) {
    let _ = std::fs::remove_file(path(place, name));
}

/// Lets go of all that was kept: it may name what was erased.
pub(crate) fn clear(place: &Place) -> Result<()> {
    let folder = folder(place);
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| {
                format!(
                    "what moments concluded may name it still: delete {}",
                    folder.display()
                )
            })
        }
        _ => Ok(()),
    }
}

fn folder(place: &Place) -> PathBuf {
    place.directory().join("kept")
}

fn path(place: &Place, name: &str) -> PathBuf {
    folder(place).join(format!("{name}.moment"))
}

/// What was kept of a moment, if it is there, whole, and still true.
fn believed(store: &dyn Store, place: &Place, snapshot: &Snapshot) -> Result<Option<Kept<Open>>> {
    let Some(kept) = File::open(path(place, &snapshot.name))
        .ok()
        .and_then(|file| Kept::open(BufReader::with_capacity(1 << 16, file)).ok())
    else {
        return Ok(None);
    };
    let Ok(then) = serde_json::from_str::<Key>(kept.key()) else {
        return Ok(None);
    };
    let now = Key {
        ledger: then.ledger,
        ..key(store, snapshot)?
    };
    // A ledger that is shorter than it was is another store's, or one that was put back.
    let is_true = then == now
        && store.ledger_number()? >= then.ledger
        && !store.ledger_moved_since(then.ledger)?;
    Ok(is_true.then_some(kept))
}

fn key(store: &dyn Store, snapshot: &Snapshot) -> Result<Key> {
    Ok(Key {
        program: program(),
        snapshot: snapshot.clone(),
        annotations: store.annotations()?,
        erasures: store.erasures()?,
        ledger: store.ledger_number()?,
    })
}

/// Which program this is: its version, and the size and time of its file.
fn program() -> (String, u64, i64) {
    let file = std::env::current_exe().and_then(std::fs::metadata);
    let (bytes, at) = file.map_or((0, 0), |file| (file.len(), file.mtime()));
    (env!("CARGO_PKG_VERSION").to_owned(), bytes, at)
}
