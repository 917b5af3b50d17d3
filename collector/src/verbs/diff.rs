//! `groma diff BEFORE AFTER`: what changed, and what a wave promised.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use groma_model::inventory::Inventory;
use groma_source::World;
use groma_store::Moment;

use crate::command::Place;
use crate::verbs::{inventory_at, inventory_in, moment, open_existing};
use crate::{exit, files};

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// A snapshot, `now`, or a file written by `groma export --format json`.
    before: String,
    /// The same.
    after: String,
    /// The wave file whose promises are judged.
    #[arg(long, value_name = "FILE")]
    wave: Option<PathBuf>,
    /// Text for a terminal, a page, a text for a ticket, or data.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Where to write; `-` is standard output.
    #[arg(long, value_name = "PATH", default_value = "-")]
    out: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// Lines for people.
    Text,
    /// Data, with a published schema.
    Json,
    /// One self-contained page; with a wave, before and after side by side.
    Html,
    /// Text for a ticket or a wiki.
    Markdown,
}

pub(crate) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    let world = groma_sys::this_machine(true);
    let (before, after) = sides(arguments, place, &world)?;
    let changes = groma_diff::compare(&before, &after);
    let (text, act) = match &arguments.wave {
        None => (plain(&changes, arguments.format)?, changes.needs_action()),
        Some(file) => {
            let wave = crate::waves::read(file)?;
            let outcome = groma_diff::compare_wave(&changes, &before, &after, &wave);
            let text = match arguments.format {
                Format::Text => groma_diff::wave_text(&outcome),
                Format::Json => json(&outcome)?,
                Format::Html => groma_diff::wave_html(&changes, &outcome, &before, &after),
                Format::Markdown => groma_diff::wave_markdown(&outcome),
            };
            (text, outcome.needs_action())
        }
    };
    files::write(&arguments.out, text.as_bytes())?;
    // The process ends here: taking two large estates apart piece by piece would cost seconds.
    std::mem::forget((before, after));
    Ok(if act { exit::ACT } else { 0 })
}

/// Both sides; without a wave only what differs between them, where both are named moments.
fn sides(arguments: &Arguments, place: &Place, world: &World) -> Result<(Inventory, Inventory)> {
    let (before, after) = (&arguments.before, &arguments.after);
    if arguments.wave.is_none() && !is_file(before) && !is_file(after) {
        let mut store = open_existing(place)?;
        let named = [
            moment(store.as_ref(), Some(before))?,
            moment(store.as_ref(), Some(after))?,
        ];
        if let [Moment::Snapshot(b), Moment::Snapshot(a)] = named
            && let Some(small) = crate::kept::differing(store.as_mut(), place, [&b, &a], world)?
        {
            return Ok((small.before, small.after));
        }
    }
    Ok((
        operand(before, place, world)?,
        operand(after, place, world)?,
    ))
}

fn plain(changes: &groma_diff::Changes, format: Format) -> Result<String> {
    Ok(match format {
        Format::Text => groma_diff::text(changes),
        Format::Json => json(changes)?,
        Format::Html => groma_diff::html(changes),
        Format::Markdown => groma_diff::markdown(changes),
    })
}

fn json<T: serde::Serialize>(what: &T) -> Result<String> {
    Ok(serde_json::to_string_pretty(what)? + "\n")
}

/// A file if there is one of that name that looks like a document, else a moment of the store.
fn operand(text: &str, place: &Place, world: &World) -> Result<Inventory> {
    if is_file(text) {
        return inventory_in(Path::new(text));
    }
    let mut store = open_existing(place)?;
    inventory_at(store.as_mut(), Some(text), world)
}

fn is_file(text: &str) -> bool {
    let file = Path::new(text);
    file.extension().is_some_and(|e| e == "json") && file.exists()
}
