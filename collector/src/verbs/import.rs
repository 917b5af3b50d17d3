//! `groma import FILE…`: what agents wrote, and what people believe they have. Recognised by content.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use groma_import::{Imported, Kind, RowProblem};
use groma_model::{Peer, SiteId, Timestamp};
use groma_store::{Ingested, Moment, Store};

use crate::command::Place;
use crate::files;
use crate::terminal::{tell, visible};
use crate::verbs::{FleetStore, open_fleet, speaker, wrong_usage};

mod batch;
mod capture;
mod windows;
mod words;

/// The largest file that is taken in.
const FILE_BYTES_MAX: u64 = 1 << 30;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Batches, inventory CSV, RVTools workbooks, mailbox rights as Export-Csv of Exchange's shell writes them, what AD FS'
    /// shell and Keycloak export about who signs people in through them,
    /// lists of NetBox's REST interface, the sheet of devices filled in (`groma export --format csv --table device-sheet`),
    /// questionnaires filled in and the register of risks edited (`groma report --format questionnaire`, `groma export --format csv --table risks`),
    /// guests of platforms as a document of ours, as the script for Hyper-V writes them, as OVF describes them or as Proxmox VE keeps them (104.conf),
    /// documents that groma-collect.ps1 wrote on Windows machines,
    /// captures of a network (pcap, pcapng), scans of nmap (-oX), journals as text (journalctl -o export or -o json).
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What the list is called; a newer list of the same name replaces it. Else the name of the file without its date
    #[arg(long, value_name = "NAME")]
    list: Option<String>,
    /// The identity provider or platform of virtualization an export is of, by name or address, where the export does not say it
    #[arg(long, value_name = "NAME", value_parser = provider)]
    of: Option<Peer>,
    /// Directory of the authority that let in the agents whose signed batches are imported [default: `authority` within the data directory].
    #[arg(long, value_name = "DIR")]
    authority: Option<PathBuf>,
    /// Who edited a register of risks [default: the user name].
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

fn provider(text: &str) -> Result<Peer, String> {
    Peer::parse(text).ok_or_else(|| format!("{text} is neither a host name nor an address"))
}

pub(crate) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    let list = arguments.list.as_deref();
    if list.is_some() && arguments.files.len() > 1 {
        return Err(wrong_usage(
            "--list names one list: import its file alone, for each file would replace the one before",
        ));
    }
    let mut store = open_fleet(place)?;
    let authority = arguments.authority.clone();
    let authority = authority.unwrap_or_else(|| place.directory().join("authority"));
    let by = speaker(arguments.by.as_ref());
    for file in &arguments.files {
        let line = take(
            file,
            list,
            arguments.of.as_ref(),
            (&authority, &by),
            store.as_mut(),
        )
        .with_context(|| format!("import {}", file.display()))?;
        files::print(format!("{}: {line}\n", visible(&file.display().to_string())).as_bytes())?;
    }
    Ok(0)
}

fn take(
    file: &Path,
    list: Option<&str>,
    of: Option<&Peer>,
    (authority, by): (&Path, &str),
    fleet: &mut dyn FleetStore,
) -> Result<String> {
    let store = fleet.evidence_store();
    let head = files::head(file);
    if groma_agent::is_capture(&head) {
        return capture::take(file, list, store);
    }
    if groma_agent::is_journal_text(&head) {
        return capture::take_journal(file, list, store);
    }
    if groma_import::nmap::is_scan(&head) {
        return take_scan(file, list, store);
    }
    let bytes = files::read(file, FILE_BYTES_MAX)?;
    if groma_windows::document::is_one(&head) {
        return windows::take(file, &bytes, fleet);
    }
    match groma_import::recognise(&bytes) {
        Kind::Batch => batch::take(&bytes, authority, fleet),
        Kind::Csv
        | Kind::RvTools
        | Kind::Mailboxes
        | Kind::RelyingParties
        | Kind::NetBox
        | Kind::Platform
        | Kind::DeviceSheet => take_list(file, list, of, &bytes, store),
        Kind::Questionnaire => words::take_questionnaire(file, &bytes, store),
        Kind::RiskRegister => words::take_register(file, &bytes, by, store),
        Kind::Unknown(why) => {
            anyhow::bail!(
                "this is no batch, no CSV list, no export of mailbox rights, of an identity provider or of NetBox, no questionnaire, no register of risks, no RVTools workbook, no capture of a network, no scan of nmap and no journal as text: {why}"
            )
        }
    }
}

fn take_scan(file: &Path, list: Option<&str>, store: &mut dyn Store) -> Result<String> {
    let now = groma_sys::this_machine(true).clock.now();
    let name = file
        .file_name()
        .unwrap_or(file.as_os_str())
        .to_string_lossy();
    let list = list.map_or_else(|| groma_import::list_name(&name), str::to_owned);
    let mut open = std::fs::File::open(file)?;
    let scan = groma_import::nmap::read(&list, &mut open, now)?;
    let said_of = [
        (
            scan.unproven,
            "addresses nmap calls up, at which nobody answered: no host",
        ),
        (
            scan.answered_for,
            "addresses something in between answers for: no host, unless it says who it is (scan from within that network)",
        ),
        (
            scan.left_out,
            "hosts there was no room for: scan parts of the network",
        ),
        (
            u64::from(!scan.finished),
            "scan that was stopped before its end: what it found is kept",
        ),
    ];
    for (count, what) in said_of.into_iter().filter(|(count, _)| *count > 0) {
        tell(&visible(&format!("{name}: {count} {what}")));
    }
    let batch = scan.as_batch(now, &SiteId::default(), env!("CARGO_PKG_VERSION"));
    let header = &batch.header;
    if store.newest_epoch(&header.site, &header.agent)? == Some(header.epoch) {
        return Ok(said(&Ingested::AlreadyKept, "scan"));
    }
    let what = format!("scan of {} addresses", scan.sightings.len());
    Ok(said(&store.ingest(&batch)?, &what))
}

fn take_list(
    file: &Path,
    list: Option<&str>,
    of: Option<&Peer>,
    bytes: &[u8],
    store: &mut dyn Store,
) -> Result<String> {
    let now = groma_sys::this_machine(true).clock.now();
    let name = file
        .file_name()
        .unwrap_or(file.as_os_str())
        .to_string_lossy();
    let list = list.map_or_else(|| groma_import::list_name(&name), str::to_owned);
    let imported = groma_import::read_of(&list, bytes, now, of)?;
    if imported
        .parties
        .iter()
        .any(|party| party.provider.is_none())
    {
        tell(&visible(&format!(
            "{name}: it does not say which provider it is of, so nobody is said to need it: import it with --of NAME"
        )));
    }
    for problem in &imported.skipped {
        tell(&visible(&format!("{name}: {}", remark(problem))));
    }
    let batch = groma_import::as_batch(&imported, &SiteId::default(), env!("CARGO_PKG_VERSION"));
    let header = &batch.header;
    // The epoch is the digest of the rows: the same list again says nothing new.
    if store.newest_epoch(&header.site, &header.agent)? == Some(header.epoch) {
        return Ok(said(&Ingested::AlreadyKept, "list"));
    }
    let mut before = store.imports(&Moment::Now)?;
    before.retain(|look| look.vantage == header.agent && look.site == header.site);
    let before = before.first().map(|look| look.ended);
    let ingested = store.ingest(&batch)?;
    let line = said(&ingested, &what(&imported));
    Ok(format!("{line}; {}", place_of(&list, before, &ingested)))
}

fn remark(problem: &RowProblem) -> String {
    let column = match problem.column.as_str() {
        "" => String::new(),
        column => format!(", column {column}"),
    };
    format!("row {}{column}: {}", problem.row, problem.why)
}

/// How much of the list was taken.
fn what(imported: &Imported) -> String {
    let counted = |number: usize, one: &str, many: &str| match number {
        0 => String::new(),
        1 => format!(", 1 {one}"),
        _ => format!(", {number} {many}"),
    };
    format!(
        "list of {} rows{}{}",
        imported.declared.len()
            + imported.ties.len()
            + imported.parties.len()
            + imported.needs.len()
            + imported.devices.len()
            + imported.facts.len(),
        counted(imported.rows_left_out, "row left out", "rows left out"),
        counted(imported.cells_left_out, "cell not read", "cells not read"),
    )
}

/// Which list it took the place of; a list that has nothing in common with it is probably another one.
fn place_of(list: &str, before: Option<Timestamp>, ingested: &Ingested) -> String {
    let list = visible(list);
    let Some(before) = before else {
        return format!("a new list, {list}");
    };
    let other = matches!(ingested, Ingested::Kept(tally) if tally.removed > 0 && tally.appeared == tally.facts);
    let hint = match other {
        true => {
            ", no row of which stands unchanged: if this is another list, import both again, each with --list NAME"
        }
        false => "",
    };
    format!("replaces the list {list} of {}{hint}", before.day())
}

pub(super) fn said(ingested: &Ingested, what: &str) -> String {
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
    use groma_store::SqliteStore;

    use super::*;

    #[test]
    fn next_weeks_export_replaces_this_weeks_and_says_so() -> Result<()> {
        let mut store = SqliteStore::open_in_memory()?;
        let mut import = |file: &str, list: Option<&str>, rows: &str| {
            take_list(Path::new(file), list, None, rows.as_bytes(), &mut store)
        };
        let rows = "name,ip,owner\nmail1,10.0.0.5,anna\n,,boris\nweb1,not an address,\n";
        let first = import("servers_2026-11-13.csv", None, rows)?;
        assert!(
            first.starts_with("list of 2 rows, 1 row left out, 1 cell not read kept: 2 facts"),
            "{first}"
        );
        assert!(first.ends_with("; a new list, servers.csv"), "{first}");
        let second = import(
            "servers_2026-11-20.csv",
            None,
            "name,ip,owner\nmail1,10.0.0.5,anna\n",
        )?;
        assert!(
            second.contains("1 gone") && second.contains("; replaces the list servers.csv of 20"),
            "{second}"
        );
        // Another site's list of the same file name, once by mistake and once by its own name.
        let other = "name,ip\nmail9,10.9.0.5\n";
        let mistaken = import("b/servers.csv", None, other)?;
        assert!(mistaken.ends_with("each with --list NAME"), "{mistaken}");
        let named = import("b/servers.csv", Some("site b"), other)?;
        assert!(named.ends_with("; a new list, site b"), "{named}");
        Ok(())
    }
}
