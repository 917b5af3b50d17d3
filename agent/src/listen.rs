//! What was typed about listening.

use clap::Args;
use groma_source_packet::Listening;

/// Where to listen, and how.
#[derive(Args, Clone, Debug, Default)]
pub struct ListenArgs {
    /// Listen at this interface for as long as --for lasts: who uses which service of whom, and who is there. May be given
    /// several times. Nothing is sent.
    #[arg(long = "listen", value_name = "INTERFACE")]
    interfaces: Vec<String>,
    /// Hear there what is meant for others too, while the look lasts: for a port that a switch mirrors to (SPAN).
    #[arg(long, requires = "interfaces")]
    promiscuous: bool,
}

impl ListenArgs {
    /// True if an interface was named.
    pub fn names_any(&self) -> bool {
        !self.interfaces.is_empty()
    }

    /// What it means; an interface that is named twice is one.
    pub fn listening(&self) -> Listening {
        let mut interfaces = self.interfaces.clone();
        interfaces.sort();
        interfaces.dedup();
        Listening {
            interfaces,
            promiscuous: self.promiscuous,
        }
    }
}
