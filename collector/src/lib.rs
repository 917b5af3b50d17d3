//! Every stage but the sources, behind one command line.
//!
//! The whole product is legible in [`conclude::inventory`]: evidence out of the store, entities out of
//! evidence, dependencies out of entities and evidence, findings out of the graph, one document out of all
//! of it. The verbs either feed the store (`survey`, `import`, `annotate`) or show what follows from it
//! (`report`, `export`, `diff`, `impact`).
//!
//! The one place where collector and agent meet is `survey`: it lets the agent look in-process and sends
//! its batch through the wire's encoder and decoder like any other.
#![forbid(unsafe_code)]

mod command;
pub mod conclude;
mod document;
mod exit;
mod files;
mod kept;
mod link;
mod old_lists;
mod programs;
mod serve;
mod share;
mod terminal;
mod verbs;
mod watched;
mod waves;

pub use command::{Cli, run};
