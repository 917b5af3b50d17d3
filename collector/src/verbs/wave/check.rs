//! `groma wave check`: what must be done before a wave begins.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use groma_model::Timestamp;
use groma_model::wave::Wave;

use crate::command::Place;
use crate::conclude::{self, Concluded};
use crate::link::Line;
use crate::verbs::{moment, open_existing};
use crate::{exit, files, waves};

use super::after;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The wave file.
    file: PathBuf,
    /// Another wave file: its order and its window are compared. Can be given several times.
    #[arg(long = "beside", value_name = "FILE")]
    others: Vec<PathBuf>,
    /// A named moment instead of the present.
    #[arg(long, value_name = "NAME")]
    snapshot: Option<String>,
    #[command(flatten)]
    link: Line,
    /// Text for a terminal, a page to print, a list for a ticket, or data.
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
    /// One self-contained page with boxes to tick.
    Html,
    /// A task list.
    Markdown,
    /// `groma.wave-check/1`.
    Json,
}

pub(super) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    let world = groma_sys::this_machine(true);
    let wave = waves::read(&arguments.file)?;
    let others: Result<Vec<Wave>> = arguments.others.iter().map(|f| waves::read(f)).collect();
    let others = others?;
    let mut store = open_existing(place)?;
    let entries = waves::entries(others.iter().chain([&wave]).cloned());
    let moment = moment(store.as_ref(), arguments.snapshot.as_deref())?;
    let (now, randomness) = (world.clock.now(), world.randomness.as_ref());
    let Concluded {
        mut inventory,
        vantages,
    } = conclude::concluded(store.as_mut(), &moment, now, randomness, entries)?;
    arguments.link.apply(&mut inventory);
    let dawn = Timestamp::from_millis(i64::MIN);
    let beside = groma_wave::Beside {
        waves: &others,
        said: &store.annotations()?,
        watches: &after::watches(store.as_ref(), &vantages, dawn)?,
    };
    let checklist = groma_wave::check(&inventory, &wave, &beside);
    let text = match arguments.format {
        Format::Text => groma_wave::checklist_text(&checklist),
        Format::Html => groma_wave::checklist_html(&checklist),
        Format::Markdown => groma_wave::checklist_markdown(&checklist),
        Format::Json => groma_wave::checklist_to_json(&checklist),
    };
    files::write(&arguments.out, text.as_bytes())?;
    let code = if checklist.ready { 0 } else { exit::ACT };
    // The process ends here: taking a large estate apart piece by piece would cost seconds.
    std::mem::forget(inventory);
    Ok(code)
}
