//! One file per verb: its arguments, and what they mean.

pub(crate) mod agents;
pub(crate) mod annotate;
pub(crate) mod authority;
pub(crate) mod backup;
pub(crate) mod deploy;
pub(crate) mod diff;
pub(crate) mod export;
pub(crate) mod forget;
pub(crate) mod generate;
pub(crate) mod impact;
pub(crate) mod import;
pub(crate) mod report;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod snapshot;
pub(crate) mod survey;
pub(crate) mod token;
pub(crate) mod wave;

use std::path::Path;

use anyhow::{Context, Result};
use groma_model::inventory::{Inventory, WaveEntry};
use groma_source::World;
use groma_store::{Fleet, Moment, PostgresStore, SqliteStore, Store};

use crate::command::Place;
use crate::conclude::{self, Purpose};
use crate::exit::{NotReplaced, WrongUsage};
use crate::files;

/// The largest exported document that is read back.
const DOCUMENT_BYTES_MAX: u64 = 4 << 30;

/// Opens the store at `place`, and makes it if it is not there yet.
pub(crate) fn open(place: &Place) -> Result<Box<dyn Store>> {
    Ok(match place.database() {
        Some(url) => Box::new(PostgresStore::open(url)?),
        None => Box::new(SqliteStore::open(&place.directory())?),
    })
}

/// A store that keeps a fleet too: every engine does.
pub(crate) trait FleetStore: Store + Fleet {
    /// The part that keeps evidence.
    fn evidence_store(&mut self) -> &mut dyn Store;
}

impl<T: Store + Fleet> FleetStore for T {
    fn evidence_store(&mut self) -> &mut dyn Store {
        self
    }
}

/// Opens the store at `place` with its fleet, and makes it if it is not there yet.
pub(crate) fn open_fleet(place: &Place) -> Result<Box<dyn FleetStore>> {
    Ok(match place.database() {
        Some(url) => Box::new(PostgresStore::open(url)?),
        None => Box::new(SqliteStore::open(&place.directory())?),
    })
}

/// A store that may not be there: nobody was enrolled in it then, and none is made.
pub(crate) fn fleet_if_there(place: &Place) -> Result<Option<Box<dyn FleetStore>>> {
    let is_there = place.database().is_some() || SqliteStore::is_in(&place.directory());
    is_there.then(|| open_fleet(place)).transpose()
}

/// The memory that each connection of a collector that serves has for pages, in KiB.
const SERVING_KIB: u32 = 16 << 10;

/// As [`open_fleet`], for months of small batches.
pub(crate) fn open_serving(place: &Place) -> Result<Box<dyn FleetStore>> {
    if place.database().is_some() {
        return open_fleet(place);
    }
    let store = SqliteStore::open(&place.directory())?;
    store.hold_pages(SERVING_KIB)?;
    Ok(Box::new(store))
}

/// Opens a store that must be there: a mistyped directory is an error, not a new store.
pub(crate) fn open_existing(place: &Place) -> Result<Box<dyn Store>> {
    if place.database().is_none() {
        must_be_in(&place.directory())?;
    }
    open(place)
}

pub(crate) fn must_be_in(directory: &Path) -> Result<()> {
    anyhow::ensure!(
        SqliteStore::is_in(directory),
        "there is no store in {}: run `groma survey` or `groma import` first, or give --data",
        directory.display()
    );
    Ok(())
}

/// The moment somebody named; nothing or `now` means the present.
pub(crate) fn moment(store: &dyn Store, name: Option<&str>) -> Result<Moment> {
    match name {
        None | Some("now") => Ok(Moment::Now),
        Some(name) => Ok(Moment::Snapshot(store.snapshot(name)?)),
    }
}

/// The inventory at a named moment of the store.
pub(crate) fn inventory_at(
    store: &mut dyn Store,
    name: Option<&str>,
    world: &World,
) -> Result<Inventory> {
    let moment = moment(store, name)?;
    conclude::inventory(store, &moment, world.clock.now(), world.randomness.as_ref())
}

/// The same before these waves: what they ask for is among the findings.
pub(crate) fn inventory_before(
    store: &mut dyn Store,
    name: Option<&str>,
    world: &World,
    waves: Vec<WaveEntry>,
) -> Result<Inventory> {
    let (moment, randomness) = (moment(store, name)?, world.randomness.as_ref());
    conclude::inventory_before(store, &moment, world.clock.now(), randomness, waves)
}

/// The same for a purpose that needs less than all of it.
pub(crate) fn inventory_for(
    store: &mut dyn Store,
    name: Option<&str>,
    world: &World,
    waves_and_purpose: (Vec<WaveEntry>, Purpose),
) -> Result<Inventory> {
    let (moment, randomness) = (moment(store, name)?, world.randomness.as_ref());
    let now = world.clock.now();
    conclude::inventory_for(store, &moment, now, randomness, waves_and_purpose)
}

/// The inventory in an exported file.
pub(crate) fn inventory_in(file: &Path) -> Result<Inventory> {
    let bytes = files::read(file, DOCUMENT_BYTES_MAX)?;
    let inventory: Inventory = serde_json::from_slice(&bytes).with_context(|| {
        format!(
            "read {} as an inventory document (made by `groma export --format json`)",
            file.display()
        )
    })?;
    anyhow::ensure!(
        inventory.schema == groma_model::inventory::INVENTORY_SCHEMA,
        "read {}: it has schema {:?}, this groma reads {:?}",
        file.display(),
        inventory.schema,
        groma_model::inventory::INVENTORY_SCHEMA
    );
    Ok(inventory)
}

/// Who says something: the one that was named, else the user at the keyboard.
pub(crate) fn speaker(named: Option<&String>) -> String {
    let named = named.cloned();
    named
        .or_else(|| std::env::var("USER").ok())
        .unwrap_or_else(|| "operator".to_owned())
}

/// A file that is there may hold what somebody wrote into it.
pub(crate) fn not_replaced(path: &Path) -> anyhow::Error {
    let text = format!(
        "{} is there: name another directory, or take it away; nothing was written",
        path.display()
    );
    NotReplaced(text).into()
}

/// An error of the person at the keyboard.
pub(crate) fn wrong_usage(text: impl Into<String>) -> anyhow::Error {
    WrongUsage(text.into()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_without_a_store_is_not_made_one() -> Result<()> {
        let directory = std::env::temp_dir().join(format!("groma-no-store-{}", std::process::id()));
        std::fs::create_dir_all(&directory)?;
        let refused = must_be_in(&directory).err().map(|e| e.to_string());
        std::fs::remove_dir_all(&directory)?;
        assert!(refused.is_some_and(|why| why.starts_with("there is no store in")));
        Ok(())
    }
}
