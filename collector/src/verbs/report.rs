//! `groma report`: documents people can hold.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use groma_model::inventory::Inventory;

use crate::command::Place;
use crate::conclude::Purpose;
use crate::files;
use crate::link::Line;
use crate::share::Share;
use crate::terminal::tell;
use crate::verbs::{inventory_for, not_replaced, open_existing, wrong_usage};
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
    #[command(flatten)]
    share: Share,
    /// The kind of document.
    #[arg(long, value_enum, default_value_t = Format::Html)]
    format: Format,
    /// Where to write; `-` is standard output. Questionnaires are several files: a directory.
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
    /// A workbook for a spreadsheet program, one sheet per table.
    Xlsx,
    /// A sheet per owner, to print and to fill in: what no machine can know.
    Questionnaire,
}

pub(crate) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    let world = groma_sys::this_machine(true);
    arguments.share.check(&arguments.out)?;
    let sheet = matches!(
        arguments.format,
        Format::Questionnaire | Format::DeviceSheet
    );
    arguments.share.refuse_sheet(sheet)?;
    let mut store = open_existing(place)?;
    let waves = arguments.waves.entries()?;
    let name = arguments.snapshot.as_deref();
    let reading = (waves, Purpose::Reading);
    let mut inventory = inventory_for(store.as_mut(), name, &world, reading)?;
    arguments.link.apply(&mut inventory);
    let (inventory, names) = arguments.share.apply(inventory, place, &world)?;
    write(&inventory, arguments.format, &arguments.out)?;
    arguments.share.keep(&names)?;
    // The process ends here: taking a large estate apart piece by piece would cost seconds.
    std::mem::forget(inventory);
    Ok(0)
}

fn write(inventory: &Inventory, format: Format, out: &Path) -> Result<()> {
    let text = match format {
        Format::Html => groma_report::html(inventory),
        Format::Markdown => groma_report::markdown(inventory),
        Format::Json => groma_report::json(inventory),
        Format::Csv => groma_report::csv(inventory),
        Format::DeviceSheet => groma_report::device_sheet(inventory),
        Format::Xlsx => return files::write(out, &groma_workbook::workbook(inventory)?),
        Format::Questionnaire => return questionnaires(inventory, out),
    };
    files::write(out, text.as_bytes())
}

/// Two files per owner: a page to print, and a table to fill in.
fn questionnaires(inventory: &Inventory, out: &Path) -> Result<()> {
    if out == Path::new("-") {
        return Err(wrong_usage(
            "questionnaires are two files per owner: name a directory with --out",
        ));
    }
    std::fs::create_dir_all(out)
        .with_context(|| format!("make the directory {}", out.display()))?;
    let sheets = groma_report::questionnaires(inventory);
    let at = |stem: &str, ending: &str| out.join(format!("{stem}.{ending}"));
    let tables = sheets.iter().map(|sheet| at(&sheet.file_stem, "csv"));
    // Somebody may have filled it in.
    if let Some(there) = tables.into_iter().find(|path| path.exists()) {
        return Err(not_replaced(&there));
    }
    for sheet in &sheets {
        files::write(&at(&sheet.file_stem, "html"), sheet.html.as_bytes())?;
        files::write(&at(&sheet.file_stem, "csv"), sheet.csv.as_bytes())?;
    }
    tell(&format!(
        "{} questionnaires in {}",
        sheets.len(),
        out.display()
    ));
    Ok(())
}
