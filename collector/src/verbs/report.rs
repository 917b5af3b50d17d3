//! `groma report`: documents people can hold.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use groma_model::inventory::Inventory;

use crate::command::Place;
use crate::files;
use crate::link::Line;
use crate::verbs::{inventory_before, open_existing};
use crate::waves::Waves;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// A named moment instead of the present.
    #[arg(long, value_name = "NAME")]
    snapshot: Option<String>,
    #[command(flatten)]
    link: Line,
    #[command(flatten)]
    waves: Waves,
    /// The kind of document.
    #[arg(long, value_enum, default_value_t = Format::Html)]
    format: Format,
    /// Where to write; `-` is standard output.
    #[arg(long, value_name = "PATH", default_value = "-")]
    out: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// One self-contained file that opens offline.
    Html,
    /// Text for a ticket or a wiki.
    Markdown,
    /// The first screen as data.
    Json,
    /// The dependencies as a table.
    Csv,
    /// A sheet to print for whoever reads panels: devices that scan, or may, and of which nothing tells whether they mail.
    DeviceSheet,
}

pub(crate) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    let world = groma_sys::this_machine(true);
    let mut store = open_existing(place)?;
    let waves = arguments.waves.entries()?;
    let mut inventory =
        inventory_before(store.as_mut(), arguments.snapshot.as_deref(), &world, waves)?;
    arguments.link.apply(&mut inventory);
    files::write(
        &arguments.out,
        render(&inventory, arguments.format).as_bytes(),
    )?;
    // The process ends here: taking a large estate apart piece by piece would cost seconds.
    std::mem::forget(inventory);
    Ok(0)
}

fn render(inventory: &Inventory, format: Format) -> String {
    match format {
        Format::Html => groma_report::html(inventory),
        Format::Markdown => groma_report::markdown(inventory),
        Format::Json => groma_report::json(inventory),
        Format::Csv => groma_report::csv(inventory),
        Format::DeviceSheet => groma_report::device_sheet(inventory),
    }
}
