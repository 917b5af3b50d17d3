//! The agents this collector can hand over, by the kind of machine they are for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use groma_model::foreign::hex;
use groma_model::id::sha256;

use crate::files;

/// No agent is larger.
const BYTES_MAX: u64 = 256 << 20;
/// The kinds of machines there are agents for, as `uname -m` says, and what an ELF file calls them (e_machine, System V gABI).
const MACHINES: [(&str, u16); 2] = [("x86_64", 62), ("aarch64", 183)];

/// Which agents are handed over.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct AgentArgs {
    /// An agent to hand over, for the kind of machine it is built for; without shared libraries, so that it runs anywhere. May be given
    /// several times [default: the groma-agent beside this program].
    #[arg(long = "agent", value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Agents by machine.
pub(crate) type Agents = BTreeMap<&'static str, Vec<u8>>;

impl AgentArgs {
    /// Reads the agents that were named; none where none was and none lies beside this program.
    pub(crate) fn read(&self) -> Result<Agents> {
        if !self.files.is_empty() {
            return self.files.iter().map(|file| read(file)).collect();
        }
        let beside = std::env::current_exe().ok();
        let beside = beside.map(|own| own.with_file_name("groma-agent"));
        match beside.filter(|file| file.is_file()) {
            Some(file) => Ok(read(&file).into_iter().collect()),
            None => Ok(Agents::new()),
        }
    }
}

fn read(file: &Path) -> Result<(&'static str, Vec<u8>)> {
    let bytes = files::read(file, BYTES_MAX)?;
    let machine = machine_of(&bytes).with_context(|| format!("read {}", file.display()))?;
    Ok((machine, bytes))
}

/// The kind of machine a program is for: an ELF file of 64 bits, little end first.
fn machine_of(bytes: &[u8]) -> Result<&'static str> {
    ensure!(
        bytes.starts_with(&[0x7f, b'E', b'L', b'F', 2, 1]),
        "it is no program for Linux of 64 bits"
    );
    let Some(&[low, high]) = bytes.get(18..20) else {
        bail!("it is cut off");
    };
    let said = u16::from_le_bytes([low, high]);
    let found = MACHINES.iter().find(|(_, number)| *number == said);
    let (machine, _) = found.with_context(|| {
        format!("it is for a machine (number {said}) that is neither x86_64 nor aarch64")
    })?;
    Ok(machine)
}

/// The SHA-256 of each, in hex.
pub(crate) fn sums(agents: &Agents) -> BTreeMap<&'static str, String> {
    agents
        .iter()
        .map(|(machine, bytes)| (*machine, hex(&sha256(bytes))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_says_for_which_machine_it_is() {
        let elf = |machine: u16| {
            let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1];
            bytes.resize(18, 0);
            bytes.extend(machine.to_le_bytes());
            bytes
        };
        assert_eq!(machine_of(&elf(62)).ok(), Some("x86_64"));
        assert_eq!(machine_of(&elf(183)).ok(), Some("aarch64"));
        for wrong in [
            elf(3),
            b"#!/bin/sh".to_vec(),
            Vec::new(),
            elf(62)[..18].to_vec(),
        ] {
            assert!(machine_of(&wrong).is_err());
        }
    }
}
