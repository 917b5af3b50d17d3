//! What the agent remembers between looks: its own id and the number of its next batch. Nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use groma_model::AgentId;
use groma_source::Randomness;
use serde::{Deserialize, Serialize};

use crate::replacing::{Lasts, replace};

/// The agent's memory.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) agent: AgentId,
    pub(crate) epoch: u64,
    pub(crate) next_sequence: u64,
}

/// Where it is kept: where `GROMA_STATE_DIR` says, else the system's place for the account that runs services and the account's own
/// place for anybody else.
pub(crate) fn directory() -> PathBuf {
    let named = std::env::var_os("GROMA_STATE_DIR").filter(|name| !name.is_empty());
    named.map_or_else(groma_sys::own::home, PathBuf::from)
}

/// The memory of this agent, made on its first look; the next batch takes `next_sequence`.
pub(crate) fn open(directory: &Path, randomness: &dyn Randomness) -> Result<State> {
    let file = directory.join("state.json");
    match fs::read(&file) {
        Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
            format!(
                "read {}: it is damaged; move it away to begin as a new agent",
                file.display()
            )
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut bits = [0; 16];
            randomness.fill(&mut bits);
            Ok(State {
                agent: AgentId::from_random(bits),
                epoch: 1,
                next_sequence: 1,
            })
        }
        Err(error) => Err(error).with_context(|| format!("read {}", file.display())),
    }
}

/// Keeps the memory, so that a crash leaves the old or the new one, never half of it.
pub(crate) fn keep(directory: &Path, state: &State) -> Result<()> {
    let file = directory.join("state.json");
    replace(&file, Lasts::Surely, |out| {
        out.write_all(&serde_json::to_vec(state)?)
    })
    .with_context(|| format!("replace {}", file.display()))
}
