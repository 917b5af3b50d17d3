//! A capture of a network, and a journal as text, is read by the agent's own source, in a child of this program that can do
//! nothing else.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use groma_agent::{LookRequest, Quiet};
use groma_model::batch::Said;
use groma_model::id::digest;
use groma_model::{AgentId, Batch};
use groma_store::Store;

use super::said;
use crate::terminal::{tell, visible};

/// Reads the capture `file` and keeps what it tells.
pub(super) fn take(file: &Path, list: Option<&str>, store: &mut dyn Store) -> Result<String> {
    let captures = groma_agent::whole_paths(&[file.to_owned()])?;
    let request = LookRequest {
        sources: vec![groma_agent::PACKETS.to_owned()],
        ..request(&captures, list)
    };
    keep(
        LookRequest {
            captures,
            ..request
        },
        "capture",
        store,
    )
}

/// Reads the journal `file` and keeps what it tells.
pub(super) fn take_journal(
    file: &Path,
    list: Option<&str>,
    store: &mut dyn Store,
) -> Result<String> {
    let events = groma_agent::whole_paths(&[file.to_owned()])?;
    let request = LookRequest {
        sources: vec![groma_agent::JOURNALS.to_owned()],
        ..request(&events, list)
    };
    keep(LookRequest { events, ..request }, "journal", store)
}

/// A look at these files. Its vantage is the file, or the list it is called: no machine looked.
fn request(files: &[PathBuf], list: Option<&str>) -> LookRequest {
    let world = groma_sys::this_machine(true);
    let whole: String = files.iter().map(|path| path.to_string_lossy()).collect();
    let agent = AgentId::of_list(&digest(&[list.unwrap_or(&whole)]));
    LookRequest {
        sequence: world.clock.now().millis().unsigned_abs(),
        apart: true,
        ..LookRequest::new(agent, std::time::Duration::ZERO)
    }
}

fn keep(request: LookRequest, what: &str, store: &mut dyn Store) -> Result<String> {
    let world = groma_sys::this_machine(true);
    groma_sys::stop_on_signals(&request.stop);
    let batch = groma_agent::look(&world, &request, &Quiet);
    tell_gaps(&batch);
    let mut bytes = Vec::new();
    groma_wire::encode(&batch, &mut bytes).context("pack what was read")?;
    let batch = groma_wire::decode(&mut bytes.as_slice(), &groma_wire::Limits::local())
        .context("unpack what was read")?;
    Ok(said(&store.ingest(&batch)?, what))
}

fn tell_gaps(batch: &Batch) {
    for record in &batch.records {
        if let Said::Missed(gap) = &record.said {
            let remedy = gap.remedy.as_deref().unwrap_or_default();
            tell(&visible(&format!("{}: {}; {remedy}", gap.what, gap.reason)));
        }
    }
}
