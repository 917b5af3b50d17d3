//! A capture of a network is read by the agent's own source, in a child of this program that can do nothing else.

use std::path::Path;

use anyhow::{Context, Result};
use groma_agent::{LookRequest, Quiet};
use groma_model::batch::Said;
use groma_model::id::digest;
use groma_model::{AgentId, Batch};
use groma_store::Store;

use super::said;
use crate::terminal::{tell, visible};

/// Reads `file` and keeps what it tells. Its vantage is the file: no machine looked.
pub(super) fn take(file: &Path, list: Option<&str>, store: &mut dyn Store) -> Result<String> {
    let world = groma_sys::this_machine(true);
    let captures = groma_agent::whole_paths(&[file.to_owned()])?;
    let whole: String = captures.iter().map(|path| path.to_string_lossy()).collect();
    let agent = AgentId::of_list(&digest(&[list.unwrap_or(&whole)]));
    let request = LookRequest {
        sequence: world.clock.now().millis().unsigned_abs(),
        sources: vec![groma_agent::PACKETS.to_owned()],
        captures,
        apart: true,
        ..LookRequest::new(agent, std::time::Duration::ZERO)
    };
    groma_sys::stop_on_signals(&request.stop);
    let batch = groma_agent::look(&world, &request, &Quiet);
    tell_gaps(&batch);
    let mut bytes = Vec::new();
    groma_wire::encode(&batch, &mut bytes).context("pack what was read")?;
    let batch = groma_wire::decode(&mut bytes.as_slice(), &groma_wire::Limits::local())
        .context("unpack what was read")?;
    Ok(said(&store.ingest(&batch)?, "capture"))
}

fn tell_gaps(batch: &Batch) {
    for record in &batch.records {
        if let Said::Missed(gap) = &record.said {
            let remedy = gap.remedy.as_deref().unwrap_or_default();
            tell(&visible(&format!("{}: {}; {remedy}", gap.what, gap.reason)));
        }
    }
}
