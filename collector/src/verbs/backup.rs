//! `groma backup` and `groma restore`: copies of the store, taken while it is in use.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use groma_store::SqliteStore;

use crate::command::Place;
use crate::terminal::tell;
use crate::verbs::{must_be_in, wrong_usage};

#[derive(Args, Debug)]
pub(crate) struct BackUp {
    /// The file to write, which must not be there yet.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Restore {
    /// A file that `groma backup` wrote.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Writes a copy of the store; whoever serves goes on.
pub(crate) fn back_up(arguments: &BackUp, place: &Place) -> Result<u8> {
    of_a_file(place)?;
    must_be_in(&place.directory())?;
    SqliteStore::open(&place.directory())?.back_up(&arguments.out)?;
    tell(&format!(
        "the store is copied; the authority that agents believe is not in it: copy {} too, and keep it apart",
        place.directory().join("authority").display()
    ));
    Ok(0)
}

/// Puts a copy where no store is.
pub(crate) fn restore(arguments: &Restore, place: &Place) -> Result<u8> {
    of_a_file(place)?;
    SqliteStore::restore(&arguments.file, &place.directory())?;
    crate::kept::clear(place)?;
    tell(&format!(
        "restored; agents come back by themselves if their authority lies in {}",
        place.directory().join("authority").display()
    ));
    Ok(0)
}

fn of_a_file(place: &Place) -> Result<()> {
    match place.database() {
        None => Ok(()),
        Some(_) => Err(wrong_usage(
            "a database has its own tools: pg_dump --schema=groma, and pg_restore",
        )),
    }
}
