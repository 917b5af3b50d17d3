//! Every source and the wire behind one command line.
//!
//! [`look`] is the whole agent in one function: it lets each source look, one after the other (connections and sockets
//! are watched meanwhile), and returns what they said as one [`groma_model::Batch`]. `groma survey` calls it
//! in-process and sends its batch through the wire like any other. A source that panics loses its own
//! findings and nothing else; the batch says so.
//!
//! Sources look in processes of their own ([`apart`]), which are this program again.
//!
//! There is no verb here to run, fetch or update anything.
#![forbid(unsafe_code)]

pub mod apart;
mod command;
mod compose;
mod explain;
mod find;
mod fleet;
mod hearing;
mod listen;
mod machine;
mod memory;
mod output;
mod password;
mod progress;
#[cfg(any(windows, test))]
mod purging;
mod replacing;
mod sentinel;
#[cfg(windows)]
mod service;
mod sources;
mod state;
mod sweep;

pub use apart::is_called as is_called_apart;
pub use command::{
    Cli, devices, directories, dkim_selector, duration, mail_domain, platforms, run, whole_paths,
};
pub use compose::{Given, LookRequest, Progress, Quiet, explanations, look};
pub use explain::{Explained, Place, render as render_explanations};
pub use find::{Search, find};
pub use groma_source_directory::Directory;
pub use groma_source_log::{JOURNAL_TEXT_NAME as JOURNALS, is_journal_text};
pub use groma_source_packet::{Listening, NAME as PACKETS, file::is_capture};
pub use groma_source_snmp::Access as DeviceAccess;
pub use groma_source_sweep::Plan as SweepPlan;
pub use groma_source_x509::certificate;
pub use listen::ListenArgs;
pub use machine::this_machine;
pub use memory::memory_in;
pub use password::{Interrupted, with_passwords};
pub use progress::forget_progress;
pub use sweep::{NotSafe, SweepArgs, plan_in_words};

/// The role of a child: what [`LookRequest::apart`] starts this program for. A program that sets it calls this
/// before anything else, if [`is_called_apart`] says so.
pub fn serve() -> std::process::ExitCode {
    apart::serve(compose::child_sources)
}
