//! `groma import FILE…`: what agents wrote, and what people believe they have. Recognised by content.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use groma_import::Kind;
use groma_model::SiteId;
use groma_store::{Ingested, Store};

use crate::command::Place;
use crate::files;
use crate::terminal::{tell, visible};
use crate::verbs::open;

/// The largest file that is taken in.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// How far the clock of a machine that looked may be ahead of ours: a wrong time zone is not much.
const AHEAD_MAX: Duration = Duration::from_secs(24 * 3_600);

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Batches, inventory CSV, RVTools workbooks, mailbox rights as Export-Csv of Exchange's shell writes them.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    let mut store = open(place)?;
    for file in &arguments.files {
        let line =
            take(file, store.as_mut()).with_context(|| format!("import {}", file.display()))?;
        files::print(format!("{}: {line}\n", visible(&file.display().to_string())).as_bytes())?;
    }
    Ok(0)
}

fn take(file: &Path, store: &mut dyn Store) -> Result<String> {
    let bytes = files::read(file, FILE_BYTES_MAX)?;
    match groma_import::recognise(&bytes) {
        Kind::Batch => take_batch(&bytes, store),
        Kind::Csv | Kind::RvTools | Kind::Mailboxes => take_list(file, &bytes, store),
        Kind::Unknown(why) => {
            anyhow::bail!(
                "this is no batch, no CSV list, no export of mailbox rights and no RVTools workbook: {why}"
            )
        }
    }
}

fn take_batch(bytes: &[u8], store: &mut dyn Store) -> Result<String> {
    let batch = groma_wire::decode(&mut &*bytes, &groma_wire::Limits::local())?;
    let now = groma_sys::this_machine(true).clock.now();
    let ended = batch.header.ended;
    // What holds is counted by time: a look from the future would hold against every later one.
    anyhow::ensure!(
        ended <= now.plus(AHEAD_MAX),
        "its look ended at {} UTC, which is still to come (it is {} UTC here): set the clock of that machine, or of this one, and look again",
        ended.minute(),
        now.minute()
    );
    Ok(said(store.ingest(&batch)?, "batch"))
}

fn take_list(file: &Path, bytes: &[u8], store: &mut dyn Store) -> Result<String> {
    let now = groma_sys::this_machine(true).clock.now();
    let name = file
        .file_name()
        .unwrap_or(file.as_os_str())
        .to_string_lossy();
    let imported = groma_import::read(&name, bytes, now)?;
    for problem in &imported.skipped {
        let column = if problem.column.is_empty() {
            String::new()
        } else {
            format!(", column {}", problem.column)
        };
        tell(&visible(&format!(
            "{name}: row {}{column}: {}",
            problem.row, problem.why
        )));
    }
    let batch = groma_import::as_batch(&imported, &SiteId::default(), env!("CARGO_PKG_VERSION"));
    let skipped = match imported.skipped.len() {
        0 => String::new(),
        n => format!(", {n} left out"),
    };
    let rows = imported.declared.len() + imported.ties.len();
    // The epoch is the digest of the rows: the same list again says nothing new.
    if store.newest_epoch(&batch.header.site, &batch.header.agent)? == Some(batch.header.epoch) {
        return Ok(said(Ingested::AlreadyKept, "list"));
    }
    Ok(said(
        store.ingest(&batch)?,
        &format!("list of {rows} rows{skipped}"),
    ))
}

fn said(ingested: Ingested, what: &str) -> String {
    match ingested {
        Ingested::Kept(tally) => format!(
            "{what} kept: {} facts, {} new, {} gone, {} not seen",
            tally.facts, tally.appeared, tally.removed, tally.not_seen
        ),
        Ingested::AlreadyKept => format!("{what} was imported before; nothing changed"),
    }
}

#[cfg(test)]
mod tests {
    use groma_model::batch::{BATCH_SCHEMA, Batch, BatchHeader};
    use groma_model::{AgentId, Timestamp};
    use groma_store::SqliteStore;

    use super::*;

    fn bytes(ended: Timestamp) -> Result<Vec<u8>> {
        let header = BatchHeader {
            schema: BATCH_SCHEMA.to_owned(),
            agent: AgentId::from_random([7; 16]),
            site: SiteId::default(),
            epoch: 1,
            sequence: 1,
            version: "0.1.0".to_owned(),
            started: ended,
            ended,
            sources: Vec::new(),
        };
        let mut bytes = Vec::new();
        let batch = Batch {
            header,
            records: Vec::new(),
        };
        groma_wire::encode(&batch, &mut bytes)?;
        Ok(bytes)
    }

    #[test]
    fn a_look_from_the_future_is_refused_before_it_holds_against_every_later_one() -> Result<()> {
        let mut store = SqliteStore::open_in_memory()?;
        let now = groma_sys::this_machine(true).clock.now();
        let ahead = bytes(now.plus(Duration::from_secs(3 * 86_400)))?;
        let refused = take_batch(&ahead, &mut store).err().map(|e| e.to_string());
        assert!(refused.is_some_and(|why| why.contains("set the clock")));
        let zone = bytes(now.plus(Duration::from_secs(11 * 3_600)))?;
        assert!(
            take_batch(&zone, &mut store).is_ok(),
            "a wrong time zone is taken"
        );
        Ok(())
    }
}
