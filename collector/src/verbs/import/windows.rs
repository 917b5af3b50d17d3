//! A document that a script wrote on a Windows machine where no agent may go: read here as its agent would have read the machine.

use std::path::Path;

use anyhow::{Result, ensure};
use groma_model::batch::{BATCH_SCHEMA, Record, Said as Word, gathered};
use groma_model::id::sha256;
use groma_model::{
    AgentId, Batch, BatchHeader, Coverage, Fact, Observation, Seen, SiteId, SourceName, Timestamp,
};
use groma_windows::Said;
use groma_windows::document::Document;

use super::batch::keep_unsigned;
use crate::terminal::{tell, visible};
use crate::verbs::FleetStore;

/// A second document of a machine follows the first by its time.
const EPOCH: u64 = 1;

/// Keeps what the document in these bytes tells.
pub(super) fn take(file: &Path, bytes: &[u8], store: &mut dyn FleetStore) -> Result<String> {
    let document = Document::read(bytes)?;
    let (_, ended) = document.collected;
    ensure!(
        ended > 0,
        "the document does not say when it was made: run groma-collect.ps1 again"
    );
    let batch = as_batch(&document);
    let name = file.file_name().unwrap_or(file.as_os_str());
    tell_gaps(&name.to_string_lossy(), &batch);
    // Through the wire like any other batch: what cannot travel is not kept either.
    let mut bytes = Vec::new();
    groma_wire::encode(&batch, &mut bytes)?;
    let batch = groma_wire::decode(&mut bytes.as_slice(), &groma_wire::Limits::local())?;
    let now = groma_sys::this_machine(true).clock.now();
    let what = visible(&format!("document of {}", document.host));
    keep_unsigned(&batch, &what, store, now)
}

/// What an agent would have sent of that machine.
fn as_batch(document: &Document) -> Batch {
    let (started, ended) = document.collected;
    let moment = Timestamp::from_seconds;
    let (started, ended) = (moment(started), moment(ended));
    let said = document.look(&groma_agent::certificate);
    let header = BatchHeader {
        schema: BATCH_SCHEMA.to_owned(),
        agent: vantage(&document.host, &said),
        site: SiteId::default(),
        epoch: EPOCH,
        sequence: ended.millis().unsigned_abs(),
        version: visible(&format!("document {}", document.version)),
        started,
        ended,
        sources: said
            .iter()
            .map(|(name, _)| SourceName::new(*name))
            .collect(),
    };
    let seen = Seen::once(ended);
    let mut records = Vec::new();
    for (name, said) in said {
        let source = SourceName::new(name);
        let mut say = |word| {
            records.push(Record {
                source: source.clone(),
                said: word,
            });
        };
        for said in said {
            let scope = said.scope;
            for fact in said.facts {
                say(Word::Saw(Observation {
                    scope: scope.clone(),
                    fact,
                    seen,
                }));
            }
            said.gaps.into_iter().for_each(|gap| say(Word::Missed(gap)));
            say(Word::Covered(Coverage {
                scope,
                state: said.state,
                from: started,
                to: ended,
                how: None,
            }));
        }
    }
    Batch {
        header,
        records: gathered(records),
    }
}

/// Whose words these are. No agent is installed there whose id could be asked, so it follows from what the machine says it is:
/// the next document of the machine takes the place of this one, and that of a clone with another name does not.
fn vantage(host: &str, said: &[(&'static str, Vec<Said>)]) -> AgentId {
    let facts = said.iter().flat_map(|(_, said)| said);
    let mut facts = facts.flat_map(|said| &said.facts);
    let identity = facts.find_map(|fact| match fact {
        Fact::Identity(identity) => Some(identity),
        _ => None,
    });
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    // The UUID of the firmware is left out: it is read with the rights of an administrator alone.
    let parts = [
        host.to_lowercase(),
        text(identity.and_then(|identity| identity.machine_id.as_ref())),
    ];
    let digest = sha256(format!("groma.windows/1\n{}", parts.join("\n")).as_bytes());
    let mut bits = [0; 16];
    bits.iter_mut()
        .zip(digest)
        .for_each(|(to, from)| *to = from);
    AgentId::from_random(bits)
}

/// The first gaps, so that whoever imports knows whether to have the script run again with more rights.
fn tell_gaps(name: &str, batch: &Batch) {
    const SHOWN: usize = 5;
    let gaps = batch
        .records
        .iter()
        .filter_map(|record| match &record.said {
            Word::Missed(gap) => Some(gap),
            _ => None,
        });
    let gaps: Vec<_> = gaps.collect();
    for gap in gaps.iter().take(SHOWN) {
        tell(&visible(&format!(
            "{name}: not seen: {} ({})",
            gap.what, gap.reason
        )));
    }
    if let Some(more) = gaps.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        tell(&visible(&format!(
            "{name}: and {more} more that the report lists"
        )));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use groma_model::inventory::Inventory;
    use groma_store::{Moment, SqliteStore, Store};
    use groma_windows::keys::ROOTS;
    use groma_windows::{Registry, Value, WrittenRegistry};
    use serde_json::{Map, Value as Json, json};

    use super::*;

    /// What a real program (Wine) wrote of a registry: crates/windows/tests/fixtures/wine-8.0/RECORDED.md.
    const HOST: &str = include_str!("../../../../crates/windows/tests/fixtures/wine-8.0/host.reg");
    const ENDED: i64 = 1_790_000_060;

    fn hexadecimal(bytes: &[u8]) -> String {
        groma_model::foreign::hex(bytes)
    }

    fn keys(registry: &WrittenRegistry) -> Map<String, Json> {
        let mut open = vec!["HKLM".to_owned()];
        let mut keys = Map::new();
        while let Some(path) = open.pop() {
            let Ok(Some(key)) = registry.key(&path) else {
                continue;
            };
            open.extend(key.keys.iter().map(|name| format!(r"{path}\{name}")));
            let values = key.values.iter().map(|(name, value)| {
                let written = match value {
                    Value::Text(text) => json!({ "sz": text }),
                    Value::Expandable(text) => json!({ "expand": text }),
                    Value::List(lines) => json!({ "multi": lines }),
                    Value::Number(number) => json!({ "number": number }),
                    Value::Bytes(bytes) => json!({ "hex": hexadecimal(bytes) }),
                };
                (name.clone(), written)
            });
            let values: Map<String, Json> = values.collect();
            keys.insert(path, json!({ "keys": key.keys, "values": values }));
        }
        keys
    }

    fn document(ended: i64) -> Vec<u8> {
        let (registry, _) = WrittenRegistry::of_export(HOST);
        let roots = ROOTS
            .iter()
            .map(|root| format!("{}|{}", root.path, root.depth));
        let json = json!({
            "schema": "groma.windows/1", "version": "1", "host": "app01",
            "collected": { "started": ended - 60, "ended": ended },
            "roots": roots.collect::<Vec<_>>(),
            "looked": { "files": [r"C:\windows\system32\drivers\etc\hosts"] },
            "files": [{ "path": r"C:\windows\system32\drivers\etc\hosts", "text": "192.0.2.7 db7.corp.example\n" }],
            "rows": {
                "system": { "host_name": "app01", "architecture": "x86_64", "processors": 2, "memory_bytes": 4_294_967_296_u64 },
                "adapters": [{ "name": "Ethernet", "index": 3, "mac": "52:54:00:11:22:33", "kind": "physical", "up": true, "addresses": ["192.0.2.10/24"] }],
                "processes": [{ "id": 700, "name": "erp.exe", "executable": r"C:\Program Files\ERP\erp.exe", "services": ["erp"] }],
                "sockets": [{ "transport": "tcp", "state": "listen", "local": "0.0.0.0", "local_port": 8080, "process": 700 }],
            },
            "registry": keys(&registry),
        });
        json.to_string().into_bytes()
    }

    fn import(bytes: &[u8], store: &mut SqliteStore) -> Result<String> {
        take(Path::new("groma-APP01.json"), bytes, store)
    }

    fn inventory(store: &mut SqliteStore) -> Result<Inventory> {
        let world = groma_sys::this_machine(true);
        let now = Timestamp::from_seconds(ENDED + 60);
        crate::conclude::inventory(store, &Moment::Now, now, world.randomness.as_ref())
    }

    #[test]
    fn a_document_is_kept_as_if_an_agent_had_looked_there() -> Result<()> {
        let mut store = SqliteStore::open_in_memory()?;
        let line = import(&document(ENDED), &mut store)?;
        assert!(line.starts_with("document of app01 kept: "), "{line}");
        let inventory = inventory(&mut store)?;
        let json = serde_json::to_value(&inventory)?;
        let text = json.to_string();
        for part in ["app01", "erp.service", "Windows 7 Service Pack 1", "8080"] {
            assert!(text.contains(part), "{part} is missing");
        }
        let hosts = inventory
            .entities
            .iter()
            .filter(|entity| entity.kind == "host");
        assert_eq!(hosts.filter(|host| host.has_agent).count(), 1);
        Ok(())
    }

    #[test]
    fn a_document_imported_twice_says_nothing_new_and_a_newer_one_takes_its_place() -> Result<()> {
        let mut store = SqliteStore::open_in_memory()?;
        import(&document(ENDED), &mut store)?;
        let again = import(&document(ENDED), &mut store)?;
        assert!(again.ends_with("nothing changed"), "{again}");
        let newer = import(&document(ENDED + 86_400), &mut store)?;
        assert!(newer.contains(" 0 new, 0 gone, 0 not seen"), "{newer}");
        let vantages: BTreeSet<AgentId> = [ENDED, ENDED + 86_400]
            .into_iter()
            .filter_map(|ended| Document::read(&document(ended)).ok())
            .map(|document| as_batch(&document).header.agent)
            .collect();
        assert_eq!(vantages.len(), 1);
        let _: &mut dyn Store = &mut store;
        Ok(())
    }

    #[test]
    fn a_document_that_was_cut_says_where_and_what_to_do() -> Result<()> {
        let mut store = SqliteStore::open_in_memory()?;
        let whole = document(ENDED);
        let half = whole.get(..whole.len() / 2).unwrap_or_default();
        let why = import(half, &mut store).err().map(|why| why.to_string());
        assert!(
            why.as_ref()
                .is_some_and(|why| why.starts_with("line 1, column ")
                    && why.contains("run groma-collect.ps1 again")),
            "{why:?}"
        );
        Ok(())
    }
}
