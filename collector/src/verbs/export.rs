//! `groma export`: the inventory document for the next tool in the chain.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use groma_model::inventory::Inventory;

use crate::command::Place;
use crate::link::Line;
use crate::share::Share;
use crate::verbs::{inventory_before, open_existing};
use crate::waves::Waves;
use crate::{conclude, document, files};

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
    /// The graph for yEd, Gephi and the like.
    Graphml,
    /// The graph for Graphviz.
    Dot,
    /// The graph for a wiki that draws Mermaid.
    Mermaid,
    /// Machines in groups, as an inventory of Ansible (YAML).
    Ansible,
    /// Targets for Prometheus to watch from the first day on (`file_sd_configs`).
    PrometheusSd,
    /// Sites, machines, addresses and services for NetBox's REST interface.
    Netbox,
    /// A document per machine in GLPI's inventory format.
    Glpi,
    /// Guests, hosts and datastores of every platform of virtualization as a workbook (.xlsx) laid out as an export of RVTools.
    Rvtools,
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
    /// The register of risks, to be edited and imported again.
    Risks,
}

pub(crate) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    let world = groma_sys::this_machine(true);
    arguments.share.check(&arguments.out)?;
    let is_sheet = matches!(
        (arguments.format, arguments.table),
        (Format::Csv, Table::DeviceSheet)
    );
    arguments.share.refuse_sheet(is_sheet)?;
    let mut store = open_existing(place)?;
    let waves = arguments.waves.entries()?;
    let moment = arguments.snapshot.as_deref();
    let mut inventory = match (arguments.format, arguments.table, moment) {
        // What was closed since is part of the register, and of nothing else.
        (Format::Csv, Table::Risks, None) => {
            let (now, randomness) = (world.clock.now(), world.randomness.as_ref());
            conclude::with_register(store.as_mut(), now, randomness, waves)?
        }
        _ => inventory_before(store.as_mut(), moment, &world, waves)?,
    };
    arguments.link.apply(&mut inventory);
    let (inventory, names) = arguments.share.apply(inventory, place, &world)?;
    let (format, table) = (arguments.format, arguments.table);
    let workbook = match format {
        Format::Rvtools => Some(groma_workbook::rvtools(&inventory)?),
        _ => None,
    };
    files::write_with(&arguments.out, |out| match (format, &workbook) {
        (_, Some(bytes)) => out.write_all(bytes),
        (Format::Json, None) => {
            document::write(&inventory, out)?;
            out.write_all(b"\n")
        }
        _ => out.write_all(text(&inventory, format, table).as_bytes()),
    })?;
    arguments.share.keep(&names)?;
    // The process ends here: taking a large estate apart piece by piece would cost seconds.
    std::mem::forget(inventory);
    Ok(0)
}

/// Every format but the document itself, which is too large to be held as one text.
fn text(inventory: &Inventory, format: Format, table: Table) -> String {
    match format {
        // The two that are no text are written by the caller.
        Format::Json | Format::Rvtools | Format::Csv => rows(inventory, table),
        Format::MailRoutesCsv => groma_report::mail_routes_csv(inventory),
        Format::Graphml => groma_export::graphml(inventory),
        Format::Dot => groma_export::dot(inventory),
        Format::Mermaid => groma_export::mermaid(inventory),
        Format::Ansible => groma_export::ansible(inventory),
        Format::PrometheusSd => groma_export::prometheus_sd(inventory),
        Format::Netbox => groma_export::netbox(inventory),
        Format::Glpi => groma_export::glpi(inventory),
    }
}

fn rows(inventory: &Inventory, table: Table) -> String {
    match table {
        Table::Dependencies => groma_report::csv(inventory),
        Table::Ledger => groma_report::ledger_csv(inventory),
        Table::MailLedger => groma_report::mail_ledger_csv(inventory),
        Table::Devices => groma_report::devices_csv(inventory),
        Table::DeviceSheet => groma_report::device_sheet_csv(inventory),
        Table::Risks => groma_report::risks_csv(inventory),
    }
}
