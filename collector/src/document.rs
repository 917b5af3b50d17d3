//! The inventory document as JSON text, written with both cores.

use std::io::{self, Write};
use std::sync::mpsc::sync_channel;

use groma_model::inventory::Inventory;
use rayon::prelude::*;
use serde::Serialize;

/// Entries one thread writes at a time, and how many such pieces wait in memory.
const ENTRIES: usize = 512;
const PIECES: usize = 16;
/// Bytes a piece gets at once at most.
const ROOM: usize = 2 << 20;

/// Writes `inventory` to `out`: the very bytes `serde_json::to_writer` writes, in a fraction of its time where
/// the estate is large.
pub(crate) fn write(inventory: &Inventory, out: &mut dyn Write) -> io::Result<()> {
    // Taken apart by name: a field the document gains is a field this function must learn.
    let Inventory {
        schema,
        generated_at,
        snapshot,
        shared,
        window,
        data_level,
        compared_with_list,
        coverage,
        layers,
        sites,
        links,
        systems,
        entities,
        listeners,
        dependencies,
        link_bps,
        volumes,
        rights,
        backups,
        watching,
        mail_records,
        mail_routes,
        zone_records,
        ledger,
        mailbox_ties,
        relying_parties,
        mail_ledger,
        mail_servers,
        devices,
        guests,
        measurements,
        waves,
        findings,
        estimate,
        questions,
        evidence,
    } = inventory;
    value(out, "{", "schema", schema)?;
    value(out, ",", "generated_at", generated_at)?;
    value(out, ",", "snapshot", snapshot)?;
    if shared.is_some() {
        value(out, ",", "shared", shared)?;
    }
    value(out, ",", "window", window)?;
    value(out, ",", "data_level", data_level)?;
    value(out, ",", "compared_with_list", compared_with_list)?;
    list(out, "coverage", coverage)?;
    list(out, "layers", layers)?;
    list(out, "sites", sites)?;
    list(out, "links", links)?;
    list(out, "systems", systems)?;
    list(out, "entities", entities)?;
    list(out, "listeners", listeners)?;
    list(out, "dependencies", dependencies)?;
    value(out, ",", "link_bps", link_bps)?;
    list(out, "volumes", volumes)?;
    list(out, "rights", rights)?;
    list(out, "backups", backups)?;
    list(out, "watching", watching)?;
    list(out, "mail_records", mail_records)?;
    list(out, "mail_routes", mail_routes)?;
    list(out, "zone_records", zone_records)?;
    list(out, "ledger", ledger)?;
    list(out, "mailbox_ties", mailbox_ties)?;
    list(out, "relying_parties", relying_parties)?;
    list(out, "mail_ledger", mail_ledger)?;
    list(out, "mail_servers", mail_servers)?;
    list(out, "devices", devices)?;
    list(out, "guests", guests)?;
    list(out, "measurements", measurements)?;
    list(out, "waves", waves)?;
    list(out, "findings", findings)?;
    value(out, ",", "estimate", estimate)?;
    list(out, "questions", questions)?;
    list(out, "evidence", evidence)?;
    out.write_all(b"}")
}

fn value(out: &mut dyn Write, before: &str, name: &str, value: &impl Serialize) -> io::Result<()> {
    write!(out, "{before}\"{name}\":")?;
    Ok(serde_json::to_writer(out, value)?)
}

fn list<T: Serialize + Sync>(out: &mut dyn Write, name: &str, entries: &[T]) -> io::Result<()> {
    write!(out, ",\"{name}\":[")?;
    std::thread::scope(|scope| {
        // Written here while the next pieces are made there; `out` need not know of threads.
        let (sender, receiver) = sync_channel(1);
        scope.spawn(move || {
            for some in entries.chunks(ENTRIES * PIECES) {
                let pieces: Vec<_> = some.par_chunks(ENTRIES).map(piece).collect();
                if sender.send(pieces).is_err() {
                    return;
                }
            }
        });
        let mut first = true;
        for piece in receiver.into_iter().flatten() {
            if !std::mem::take(&mut first) {
                out.write_all(b",")?;
            }
            out.write_all(&piece?)?;
        }
        io::Result::Ok(())
    })?;
    out.write_all(b"]")
}

/// Entries with commas between them.
fn piece<T: Serialize>(entries: &[T]) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        serde_json::to_writer(&mut text, entry)?;
        if at == 0 {
            // The others are often about as long: room for them, instead of moving what grows.
            let all = text.len().saturating_mul(entries.len() + entries.len() / 4);
            text.reserve(all.min(ROOM));
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use groma_model::inventory::Question;
    use groma_model::registry::REGISTRY;

    /// A document with as many questions as `questions` says, and something of everything that is easily made.
    fn document(questions: usize) -> Inventory {
        let question = |n: usize| Question {
            to: n.is_multiple_of(2).then(|| "Anna \"the owner\"".to_owned()),
            about: format!("ent-{n}"),
            question: format!("what is {n}?\n"),
        };
        let text = serde_json::json!({
            "schema": groma_model::inventory::INVENTORY_SCHEMA, "generated_at": "2026-11-20T10:00:00Z",
            "snapshot": null, "window": {"from": "2026-11-20T10:00:00Z", "to": "2026-11-20T10:00:00Z"},
            "data_level": "standard", "compared_with_list": true, "coverage": [],
            "layers": REGISTRY.layers.iter().map(|l| serde_json::json!({"name": l.name, "rank": l.rank})).collect::<Vec<_>>(),
            "sites": [{"id": "default", "name": "default", "networks": ["10.0.0.0/8"]}], "links": [], "systems": [],
            "entities": [], "listeners": [], "dependencies": [], "link_bps": 1000, "volumes": [], "rights": [], "backups": [], "watching": [], "mail_records": [], "mail_routes": [], "zone_records": [], "ledger": [], "mailbox_ties": [], "relying_parties": [], "mail_ledger": [], "mail_servers": [], "devices": [], "guests": [],
            "measurements": [], "waves": [], "findings": [], "estimate": null, "evidence": [],
            "questions": (0..questions).map(question).collect::<Vec<_>>(),
        });
        serde_json::from_value(text).expect("the document is an inventory")
    }

    #[test]
    fn it_writes_what_the_library_writes() {
        for questions in [0, 1, ENTRIES, ENTRIES + 1, ENTRIES * PIECES + 1] {
            let document = document(questions);
            let mut ours = Vec::new();
            write(&document, &mut ours).unwrap();
            let theirs = serde_json::to_vec(&document).unwrap();
            assert!(ours == theirs, "{questions} questions make another text");
        }
    }

    #[test]
    fn a_shared_document_says_so() {
        let mut document = document(1);
        document.shared = Some("pseudonyms".to_owned());
        let mut ours = Vec::new();
        write(&document, &mut ours).unwrap();
        assert!(ours == serde_json::to_vec(&document).unwrap());
    }
}
