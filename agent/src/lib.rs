//! Every source and the wire behind one command line.
//!
//! [`look`] is the whole agent in one function: it lets each source look, one after the other (sockets are
//! watched meanwhile), and returns what they said as one [`groma_model::Batch`]. `groma survey` calls it
//! in-process and sends its batch through the wire like any other. A source that panics loses its own
//! findings and nothing else; the batch says so.
//!
//! There is no verb here to run, fetch or update anything.
#![forbid(unsafe_code)]

mod command;
mod compose;
mod explain;
mod find;
mod output;
mod state;

pub use command::{Cli, duration, run};
pub use compose::{LookRequest, Progress, Quiet, explanations, look};
pub use explain::render as render_explanations;
pub use find::{Search, find};
