//! `groma export`: the inventory document for the next tool in the chain.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::command::Place;
use crate::link::Line;
use crate::verbs::{inventory_before, open_existing};
use crate::waves::Waves;
use crate::{document, files};

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// A named moment instead of the present.
    #[arg(long, value_name = "NAME")]
    snapshot: Option<String>,
    #[command(flatten)]
    link: Line,
    #[command(flatten)]
    waves: Waves,
    /// The format.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// Which table, as CSV; JSON holds all of them.
    #[arg(long, value_enum, default_value_t = Table::Dependencies)]
    table: Table,
    /// Where to write; `-` is standard output.
    #[arg(long, value_name = "PATH", default_value = "-")]
    out: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// The inventory document, `groma.inventory/1`.
    Json,
    /// One table: see --table.
    Csv,
    /// Where mail servers send mail on to, as a table.
    MailRoutesCsv,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Table {
    /// Who needs whom.
    Dependencies,
    /// Who uses which service in which way: logons, binds, uses.
    Ledger,
    /// Who sends or reads mail, and what each of them needs.
    MailLedger,
    /// What each device is, whether it mails, and what it needs for that.
    Devices,
    /// Devices whose panel somebody must read, to be filled in and imported: see `groma report --format device-sheet`.
    DeviceSheet,
}

pub(crate) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    let world = groma_sys::this_machine(true);
    let mut store = open_existing(place)?;
    let waves = arguments.waves.entries()?;
    let mut inventory =
        inventory_before(store.as_mut(), arguments.snapshot.as_deref(), &world, waves)?;
    arguments.link.apply(&mut inventory);
    files::write_with(&arguments.out, |out| match arguments.format {
        Format::Json => {
            document::write(&inventory, out)?;
            out.write_all(b"\n")
        }
        Format::MailRoutesCsv => {
            out.write_all(groma_report::mail_routes_csv(&inventory).as_bytes())
        }
        Format::Csv => {
            let table = match arguments.table {
                Table::Dependencies => groma_report::csv(&inventory),
                Table::Ledger => groma_report::ledger_csv(&inventory),
                Table::MailLedger => groma_report::mail_ledger_csv(&inventory),
                Table::Devices => groma_report::devices_csv(&inventory),
                Table::DeviceSheet => groma_report::device_sheet_csv(&inventory),
            };
            out.write_all(table.as_bytes())
        }
    })?;
    // The process ends here: taking a large estate apart piece by piece would cost seconds.
    std::mem::forget(inventory);
    Ok(0)
}
