//! `groma impact NAME`: everything that breaks, directly and through others, when NAME goes.

use anyhow::Result;
use clap::{Args, ValueEnum};
use groma_graph::impact;

use crate::command::Place;
use crate::files;
use crate::link::Line;
use crate::verbs::annotate::entity_of;
use crate::verbs::{inventory_at, open_existing};

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// A name, an address or an id.
    name: String,
    /// A named moment instead of the present.
    #[arg(long, value_name = "NAME")]
    snapshot: Option<String>,
    #[command(flatten)]
    link: Line,
    /// Text for people, or JSON.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(crate) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    let world = groma_sys::this_machine(true);
    let mut store = open_existing(place)?;
    let mut inventory = inventory_at(store.as_mut(), arguments.snapshot.as_deref(), &world)?;
    arguments.link.apply(&mut inventory);
    let of = entity_of(&inventory, &arguments.name)?;
    let impact = impact::impact(&inventory, &of);
    let text = match arguments.format {
        Format::Text => impact::text(&impact, &inventory),
        Format::Json => serde_json::to_string_pretty(&impact)? + "\n",
    };
    files::print(text.as_bytes())?;
    Ok(0)
}
