//! Wave files that somebody names: what their machines and dates ask for is among the findings.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use groma_model::inventory::WaveEntry;
use groma_model::wave::Wave;

use crate::files;

/// The largest wave file.
pub(crate) const WAVE_BYTES_MAX: u64 = 1 << 20;

/// The waves a document is made for.
#[derive(Args, Clone, Debug)]
pub(crate) struct Waves {
    /// A wave file: what its machines and its window ask for beforehand is told too. Can be given several times.
    #[arg(long = "wave", value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Waves {
    /// The waves, in their order.
    pub(crate) fn entries(&self) -> Result<Vec<WaveEntry>> {
        let waves: Result<Vec<Wave>> = self.files.iter().map(|file| read(file)).collect();
        Ok(entries(waves?))
    }
}

/// Waves as a document lists them, in their order.
pub(crate) fn entries(waves: impl IntoIterator<Item = Wave>) -> Vec<WaveEntry> {
    let mut entries: Vec<WaveEntry> = waves.into_iter().map(WaveEntry::from).collect();
    entries.sort_by(|a, b| (a.order, &a.name).cmp(&(b.order, &b.name)));
    entries
}

/// Reads a wave file.
///
/// # Errors
/// It cannot be read, or is no wave; the message names the file, the line, and what to write instead.
pub(crate) fn read(file: &Path) -> Result<Wave> {
    let text = files::read(file, WAVE_BYTES_MAX)?;
    let name = file.display().to_string();
    Ok(groma_wave::parse(&name, &String::from_utf8_lossy(&text))?)
}
