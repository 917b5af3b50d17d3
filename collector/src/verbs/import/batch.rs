//! A batch that somebody carried here. Signed, it counts as if its agent had sent it; unsigned, it counts as long as it speaks in no agent's name.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use groma_model::fleet::AgentRecord;
use groma_model::{Batch, BatchHeader, Timestamp};
use groma_serve::{Disbelief, Judge, Signer};
use groma_store::Ingested;
use groma_wire::Limits;
use groma_wire::signature::{Parts, Signature, split};

use super::said;
use crate::exit::NotBelieved;
use crate::terminal::{tell, visible};
use crate::verbs::FleetStore;

/// How far the clock of a machine that looked may be ahead of ours: a wrong time zone is not much.
const AHEAD_MAX: Duration = Duration::from_secs(24 * 3_600);

/// Keeps the batch in these bytes, if whoever wrote it may say so.
pub(super) fn take(bytes: &[u8], authority: &Path, store: &mut dyn FleetStore) -> Result<String> {
    let Parts { batch, signature } = split(bytes)?;
    let now = groma_sys::this_machine(true).clock.now();
    // Nothing is unpacked before the signature holds.
    let signer = match signature {
        Some(signature) => signer(batch, &signature, authority, store)?,
        None => None,
    };
    match signer {
        Some(signer) => take_signed(signer, store, now),
        None => {
            let batch = groma_wire::decode(&mut &*batch, &Limits::local())?;
            take_unsigned(&batch, store, now)
        }
    }
}

/// Who signed it; nothing where nobody is enrolled who could have.
fn signer<'b>(
    batch: &'b [u8],
    signature: &Signature,
    authority: &Path,
    store: &dyn FleetStore,
) -> Result<Option<Signer<'b>>> {
    if let Some(judge) = Judge::by(authority)? {
        let signer = judge.signer(batch, signature).map_err(disbelief)?;
        return Ok(Some(signer));
    }
    if !store.agents()?.is_empty() {
        return Err(NotBelieved(format!(
            "it is signed, and the authority that could say by whom is not in {}: name its directory with --authority",
            authority.display()
        ))
        .into());
    }
    tell(
        "its signature is not looked at: no agent is enrolled in this store, so it counts as one that is not signed",
    );
    Ok(None)
}

fn take_signed(signer: Signer<'_>, store: &mut dyn FleetStore, now: Timestamp) -> Result<String> {
    let record = store.agent(signer.site(), signer.agent())?;
    // Nor before the signer is welcome.
    let signer = signer.admitted(record.as_ref(), now).map_err(disbelief)?;
    let batch = signer.unpacked(&Limits::local())?;
    signer.may_say(&batch.header).map_err(disbelief)?;
    is_over(&batch.header, now)?;
    let host = record.map(|record| record.host.name).unwrap_or_default();
    let what = visible(&format!("signed batch of {host} ({})", signer.agent()));
    let ingested = store.ingest(&batch)?;
    if ingested == Ingested::AlreadyKept {
        return Ok(format!("{what} was kept before; nothing changed"));
    }
    // A word of the agent, as old as its look.
    let ended = batch.header.ended.min(now);
    let mut heard = |record: &mut AgentRecord| {
        record.seen_at = record.seen_at.max(Some(ended));
        record.status.looked_at = record.status.looked_at.max(Some(ended));
    };
    store.change_agent(signer.site(), signer.agent(), &mut heard)?;
    Ok(said(&ingested, &what))
}

fn take_unsigned(batch: &Batch, store: &mut dyn FleetStore, now: Timestamp) -> Result<String> {
    keep_unsigned(batch, "batch", store, now)
}

/// Keeps a batch that nobody signed, as long as it speaks in no agent's name.
pub(super) fn keep_unsigned(
    batch: &Batch,
    what: &str,
    store: &mut dyn FleetStore,
    now: Timestamp,
) -> Result<String> {
    let says = &batch.header.agent;
    // Whatever site it names: an id is given once in the world.
    if store.agents()?.iter().any(|known| known.agent == *says) {
        return Err(NotBelieved(format!(
            "it says that it is of agent {says}, which is enrolled here, and is not signed: on that machine, groma-agent look --out FILE signs what it writes"
        ))
        .into());
    }
    is_over(&batch.header, now)?;
    Ok(said(&store.ingest(batch)?, what))
}

/// What holds is counted by time: a look from the future would hold against every later one.
fn is_over(header: &BatchHeader, now: Timestamp) -> Result<()> {
    ensure!(
        header.ended <= now.plus(AHEAD_MAX),
        "its look ended at {} UTC, which is still to come (it is {} UTC here): set the clock of that machine, or of this one, and look again",
        header.ended.minute(),
        now.minute()
    );
    Ok(())
}

fn disbelief(why: Disbelief) -> anyhow::Error {
    NotBelieved(why.to_string()).into()
}

#[cfg(test)]
mod tests {
    use groma_model::batch::BATCH_SCHEMA;
    use groma_model::{AgentId, SiteId};
    use groma_store::fleet_conformance::{agent, token};
    use groma_store::{Fleet, SqliteStore};

    use super::*;
    use crate::exit;

    fn batch(agent: u8, ended: Timestamp) -> Result<Vec<u8>> {
        let header = BatchHeader {
            schema: BATCH_SCHEMA.to_owned(),
            agent: AgentId::from_random([agent; 16]),
            site: SiteId::default(),
            epoch: 1,
            sequence: 1,
            version: "0.1.0".to_owned(),
            started: ended,
            ended,
            sources: Vec::new(),
        };
        let mut bytes = Vec::new();
        let batch = Batch {
            header,
            records: Vec::new(),
        };
        groma_wire::encode(&batch, &mut bytes)?;
        Ok(bytes)
    }

    fn now() -> Timestamp {
        groma_sys::this_machine(true).clock.now()
    }

    fn record(number: u8) -> AgentRecord {
        AgentRecord {
            key: "k".to_owned(),
            ..agent(number, &token(1))
        }
    }

    fn nowhere() -> &'static Path {
        Path::new("/nonexistent/authority")
    }

    #[test]
    fn a_look_from_the_future_is_refused_before_it_holds_against_every_later_one() -> Result<()> {
        let mut store = SqliteStore::open_in_memory()?;
        let mut import = |hours: u64| {
            let ended = now().plus(Duration::from_secs(hours * 3_600));
            take(&batch(7, ended)?, nowhere(), &mut store)
        };
        let refused = import(72).err().map(|e| e.to_string());
        assert!(refused.is_some_and(|why| why.contains("set the clock")));
        assert!(import(11).is_ok(), "a wrong time zone is taken");
        Ok(())
    }

    #[test]
    fn without_a_signature_nobody_speaks_in_the_name_of_an_agent() -> Result<()> {
        let mut store = SqliteStore::open_in_memory()?;
        store.add_agent(&record(7))?;
        let (claims, other) = (batch(7, now())?, batch(8, now())?);
        let Err(refused) = take(&claims, nowhere(), &mut store) else {
            anyhow::bail!("it was taken");
        };
        assert!(refused.to_string().contains("is not signed"), "{refused}");
        assert_eq!(exit::code(&refused), exit::UNSAFE);
        assert!(take(&other, nowhere(), &mut store)?.starts_with("batch kept"));
        Ok(())
    }

    #[test]
    fn a_signature_nobody_can_judge_is_told_and_in_a_fleet_refused() -> Result<()> {
        let mut signed = batch(7, now())?;
        Signature::new("", &[1]).append_to(&mut signed)?;
        let mut alone = SqliteStore::open_in_memory()?;
        assert!(take(&signed, nowhere(), &mut alone)?.starts_with("batch kept"));
        let mut fleet = SqliteStore::open_in_memory()?;
        fleet.add_agent(&record(8))?;
        let Err(refused) = take(&signed, nowhere(), &mut fleet) else {
            anyhow::bail!("it was taken");
        };
        assert!(refused.to_string().contains("--authority"), "{refused}");
        assert_eq!(exit::code(&refused), exit::UNSAFE);
        Ok(())
    }
}
