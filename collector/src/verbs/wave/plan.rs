//! `groma wave plan`: waves proposed from the graph, and files to edit.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use groma_wave::plan::{Plan, PlanOptions};

use crate::command::Place;
use crate::conclude::Purpose;
use crate::files;
use crate::link::Line;
use crate::terminal::tell;
use crate::verbs::{inventory_for, not_replaced, open_existing};

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// A named moment instead of the present.
    #[arg(long, value_name = "NAME")]
    snapshot: Option<String>,
    #[command(flatten)]
    link: Line,
    /// The most machines that move in one wave.
    #[arg(long, value_name = "N", default_value_t = PlanOptions::default().hosts_max)]
    hosts_max: usize,
    /// The most machines of the pilot, which moves first; 0 makes no pilot.
    #[arg(long, value_name = "N", default_value_t = PlanOptions::default().pilot_max)]
    pilot_max: usize,
    /// Let machines of several sites share a wave.
    #[arg(long)]
    sites_together: bool,
    /// Text for a terminal, a page, or data.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Where to write; `-` is standard output.
    #[arg(long, value_name = "PATH", default_value = "-")]
    out: PathBuf,
    /// Also write one wave file per wave into this directory, to be edited; no file that is there is touched.
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// Lines for people.
    Text,
    /// One self-contained page.
    Html,
    /// `groma.wave-plan/1`.
    Json,
}

pub(super) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    let world = groma_sys::this_machine(true);
    let mut store = open_existing(place)?;
    let name = arguments.snapshot.as_deref();
    let planning = (Vec::new(), Purpose::Planning);
    let mut inventory = inventory_for(store.as_mut(), name, &world, planning)?;
    arguments.link.apply(&mut inventory);
    let options = PlanOptions {
        hosts_max: arguments.hosts_max,
        pilot_max: arguments.pilot_max,
        sites_apart: !arguments.sites_together,
    };
    let plan = groma_wave::plan(&inventory, &options);
    if let Some(directory) = &arguments.files {
        write_files(&plan, directory)?;
    }
    let text = match arguments.format {
        Format::Text => groma_wave::plan::text(&plan),
        Format::Html => groma_wave::plan::html(&plan),
        Format::Json => groma_wave::plan::to_json(&plan),
    };
    files::write(&arguments.out, text.as_bytes())?;
    // The process ends here: taking a large estate apart piece by piece would cost seconds.
    std::mem::forget((inventory, plan));
    Ok(0)
}

/// One file per wave. A wave somebody has edited already is worth more than a new proposal.
fn write_files(plan: &Plan, directory: &Path) -> Result<()> {
    let paths: Vec<PathBuf> = plan
        .waves
        .iter()
        .map(|wave| directory.join(format!("{}.toml", wave.name)))
        .collect();
    if let Some(there) = paths.iter().find(|path| path.exists()) {
        return Err(not_replaced(there));
    }
    std::fs::create_dir_all(directory)
        .with_context(|| format!("make the directory {}", directory.display()))?;
    for (index, path) in paths.iter().enumerate() {
        files::write(path, groma_wave::plan::wave_file(plan, index).as_bytes())?;
    }
    tell(&format!(
        "{} wave files in {}",
        paths.len(),
        directory.display()
    ));
    Ok(())
}
