//! `groma wave plan | check | residual | certify`: waves from the first draft to the day the old machine is switched off.

mod after;
mod check;
mod plan;

use anyhow::Result;
use clap::{Subcommand, ValueEnum};

use crate::command::Place;

#[derive(Subcommand, Debug)]
pub(crate) enum Arguments {
    /// Propose waves from what is known, and write wave files to edit.
    Plan(plan::Arguments),
    /// Say what must be done before a wave begins, each with its date and what shows it; exit code 1 while anything is open.
    Check(check::Arguments),
    /// Say who still calls the old places of a wave; exit code 1 if anybody does.
    Residual(after::Residual),
    /// Say whether the old places of a wave are silent, and sign it; exit code 1 if they are not.
    Certify(after::Certify),
}

/// Documents that people and programs read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// Lines for people.
    Text,
    /// Data, with a published schema.
    Json,
}

pub(crate) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    match arguments {
        Arguments::Plan(arguments) => plan::run(arguments, place),
        Arguments::Check(arguments) => check::run(arguments, place),
        Arguments::Residual(arguments) => after::residual(arguments, place),
        Arguments::Certify(arguments) => after::certify(arguments, place),
    }
}
