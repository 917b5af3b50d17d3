//! As whom a batch speaks that somebody writes to a file: a machine that is enrolled says it is that agent and signs, any other one has an id and numbers
//! of its own making that nobody has to believe.

use std::path::PathBuf;

use anyhow::{Context, Result};
use groma_model::Batch;
use groma_ship::{Identity, Key};
use groma_source::World;

use super::batches::encoded;
use super::home::Home;
use super::shipping::fresh_epoch;
use crate::compose::LookRequest;
use crate::state::{self, State};

const KEEP_STATE: &str = "keep the agent's state (set GROMA_STATE_DIR to a directory of yours)";

/// Who speaks.
pub(crate) enum Speaker {
    /// An agent of a fleet, in a run of its own: two runs never give one number to two batches.
    Agent(Box<Pen>, u64),
    /// A machine that nobody has let in.
    Stranger(PathBuf, State),
}

/// What an agent signs with.
pub(crate) struct Pen {
    identity: Identity,
    key: Key,
}

impl Speaker {
    /// Whoever this machine is. A damaged identity is said before a look, which may take long, and not after it.
    pub(crate) fn of_this_machine(world: &World) -> Result<Self> {
        let directory = state::directory();
        if let Some(identity) = Home::at(directory.clone()).identity()? {
            let pen = Box::new(Pen::of(identity)?);
            return Ok(Self::Agent(pen, fresh_epoch(world)));
        }
        let memory = state::open(&directory, world.randomness.as_ref())?;
        Ok(Self::Stranger(directory, memory))
    }

    /// The request of a look that speaks so.
    pub(crate) fn request(&self, of: LookRequest) -> LookRequest {
        match self {
            Self::Agent(pen, run) => LookRequest {
                agent: pen.identity.agent.clone(),
                site: pen.identity.site.clone(),
                epoch: *run,
                sequence: 1,
                ..of
            },
            Self::Stranger(_, memory) => LookRequest {
                agent: memory.agent.clone(),
                epoch: memory.epoch,
                sequence: memory.next_sequence,
                ..of
            },
        }
    }

    /// Remembers that the number is used.
    pub(crate) fn has_spoken(&mut self) -> Result<()> {
        match self {
            // Numbers of a run end with it.
            Self::Agent(..) => Ok(()),
            Self::Stranger(directory, memory) => {
                memory.next_sequence = memory.next_sequence.saturating_add(1);
                state::keep(directory, memory).context(KEEP_STATE)
            }
        }
    }

    /// The bytes of a file with this batch.
    pub(crate) fn written(&self, batch: &Batch) -> Result<Vec<u8>> {
        let bytes = encoded(batch)?;
        match self {
            Self::Agent(pen, _) => pen.signed(bytes),
            Self::Stranger(..) => Ok(bytes),
        }
    }
}

impl Pen {
    pub(crate) fn of(identity: Identity) -> Result<Self> {
        let key = Key::read(&identity.key)?;
        Ok(Self { identity, key })
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The batch with our signature behind it.
    pub(crate) fn signed(&self, mut batch: Vec<u8>) -> Result<Vec<u8>> {
        self.key.sign(&mut batch, &self.identity.certificate)?;
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use groma_model::{AgentId, SiteId, Timestamp};
    use groma_wire::signature::split;

    use super::*;
    use crate::fleet::batches::{gap_of_refused, telling};

    fn identity() -> Identity {
        Identity {
            agent: AgentId::from_random([1; 16]),
            site: SiteId::new("north"),
            copied_from: None,
            collector: "https://collector".to_owned(),
            agents_port: 1,
            generation: 1,
            renew_at: Timestamp::from_millis(0),
            until: Timestamp::from_millis(0),
            key: Key::generate().unwrap().pem(),
            certificate: "the certificate".to_owned(),
            authorities: String::new(),
        }
    }

    fn batch() -> Batch {
        let now = Timestamp::from_millis(1_795_000_000_000);
        telling(&identity(), (7, 1), now, gap_of_refused(None, ""))
    }

    fn asked() -> LookRequest {
        LookRequest::new(AgentId::new("nobody"), Duration::ZERO)
    }

    #[test]
    fn an_agent_speaks_in_its_own_name_and_signs() {
        let pen = Pen::of(identity()).unwrap();
        let speaker = Speaker::Agent(Box::new(pen), 9);
        let request = speaker.request(asked());
        assert_eq!(
            (request.agent, request.site),
            (identity().agent, identity().site)
        );
        assert_eq!((request.epoch, request.sequence), (9, 1));
        let file = speaker.written(&batch()).unwrap();
        let parts = split(&file).unwrap();
        assert_eq!(parts.batch, encoded(&batch()).unwrap());
        let signature = parts.signature.expect("a signature");
        assert_eq!(signature.certificates, "the certificate");
        assert!(signature.bits().is_some());
    }

    #[test]
    fn a_stranger_counts_its_batches_and_signs_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let memory = State {
            agent: AgentId::from_random([2; 16]),
            epoch: 1,
            next_sequence: 4,
        };
        let mut speaker = Speaker::Stranger(directory.path().to_owned(), memory.clone());
        let request = speaker.request(asked());
        assert_eq!(
            (request.agent, request.site),
            (memory.agent, SiteId::default())
        );
        assert_eq!((request.epoch, request.sequence), (1, 4));
        let file = speaker.written(&batch()).unwrap();
        assert_eq!(split(&file).unwrap().signature, None);
        speaker.has_spoken().unwrap();
        assert_eq!(speaker.request(asked()).sequence, 5);
        assert!(directory.path().join("state.json").exists());
    }

    #[test]
    fn a_damaged_key_is_told_before_anything_is_looked_at() {
        let damaged = Identity {
            key: "no key".to_owned(),
            ..identity()
        };
        let told = Pen::of(damaged).err().unwrap().to_string();
        assert!(told.contains("enrol this machine again"), "{told}");
    }
}
