//! `groma schema`: the JSON Schemas, generated from the types they describe.

use anyhow::Result;
use clap::{Args, ValueEnum};
use schemars::{Schema, schema_for};

use crate::files;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The format.
    #[arg(value_enum)]
    name: Name,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Name {
    Inventory,
    Diff,
    Impact,
    Wave,
    Found,
    Agents,
    WaveCheck,
    WavePlan,
    WaveOutcome,
    WaveResidual,
    Decommission,
    Platform,
}

pub(crate) fn run(arguments: &Arguments) -> Result<u8> {
    let schema: Schema = match arguments.name {
        Name::Inventory => schema_for!(groma_model::inventory::Inventory),
        Name::Diff => schema_for!(groma_diff::Changes),
        Name::Impact => schema_for!(groma_graph::impact::Impact),
        Name::Found => schema_for!(groma_model::found::Found),
        Name::Agents => schema_for!(Vec<groma_model::fleet::AgentRecord>),
        Name::Wave => schema_for!(groma_model::wave::Wave),
        Name::WaveCheck => schema_for!(groma_wave::Checklist),
        Name::WavePlan => schema_for!(groma_wave::Plan),
        Name::WaveOutcome => schema_for!(groma_diff::WaveOutcome),
        Name::WaveResidual => schema_for!(groma_wave::Residual),
        Name::Decommission => schema_for!(groma_wave::Statement),
        Name::Platform => schema_for!(groma_model::virtualization::PlatformDocument),
    };
    files::print((serde_json::to_string_pretty(&schema)? + "\n").as_bytes())?;
    Ok(0)
}
