//! Wave files: what moves together, and what was promised.
//!
//! A wave is written by hand, often late in the evening before it is needed, so reading one is strict and
//! kind: a key nobody knows is an error, not a silence, and every error says which file, which line, which
//! key, and what to write instead. The nouns are [`groma_model::wave`]; `docs/reference/wave-example.toml`
//! shows every key.
//!
//! With an inventory beside it, a wave is asked whether it is ready: [`check()`].
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]

mod error;
mod machines;
mod nearest;
mod parse;
pub mod plan;
mod ready;
mod residual;
mod table;

pub use error::{Problem, WaveError};
pub use groma_model::wave::Wave;
pub use parse::{BYTES_MAX, parse};
pub use plan::{Plan, PlanOptions, plan};
pub use ready::{
    Beside, CHECKLIST_SCHEMA, Checklist, Item, ItemState, Topic, check, checklist_html,
    checklist_markdown, checklist_text, checklist_to_json,
};
pub use residual::{
    Aside, Dismissed, Knock, RESIDUAL_SCHEMA, Residual, STATEMENT_SCHEMA, Statement, Stood, Watch,
    Watched, certify, old_places, residual, residual_text, statement_text,
};
