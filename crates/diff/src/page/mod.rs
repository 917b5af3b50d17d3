//! Pages people hold: HTML and Markdown of a diff and of a wave.
pub(crate) mod words;
use crate::{Changes, WaveOutcome};
use groma_model::inventory::Inventory;
/// x
pub fn html(_: &Changes) -> String {
    String::new()
}
/// x
pub fn markdown(_: &Changes) -> String {
    String::new()
}
/// x
pub fn wave_html(_: &Changes, _: &WaveOutcome, _: &Inventory, _: &Inventory) -> String {
    String::new()
}
/// x
pub fn wave_markdown(_: &WaveOutcome) -> String {
    String::new()
}
