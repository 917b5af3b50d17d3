//! Archives, databases and shares: each is a thing of its own, on the machine it lies on.

use groma_model::inventory::Entity;
use groma_model::{Estate, Fact};

use crate::gather::{Gathered, Holding};
use crate::ledger::{Ledger, key};
use crate::outside::stranger;

/// Makes an entity of everything that lies on a machine and must move with it.
///
/// It is known again by the machine and its scope: a mailbox that grows or changes its owner stays the same thing.
pub(crate) fn place(gathered: &Gathered, ledger: &mut Ledger<'_>, estate: &mut Estate) {
    for holding in &gathered.holdings {
        let Some(host) = estate.vantages.get(&holding.vantage).cloned() else {
            continue;
        };
        let Some(machine) = estate.entities.get(&host).map(|e| e.name.clone()) else {
            continue;
        };
        let mark = format!("{host} {}", holding.scope);
        let id = ledger.claim(key(&holding.site, "holding", &mark));
        let entity = estate.entities.entry(id.clone()).or_insert_with(|| {
            let blank = stranger(
                id.clone(),
                &holding.site,
                "archive",
                String::new(),
                holding.seen,
            );
            Entity { ..blank }
        });
        describe(entity, holding, &machine);
        entity.attributes.lies_on = Some(host.clone());
        estate.holdings.insert((host, holding.scope.clone()), id);
    }
}

fn describe(entity: &mut Entity, holding: &Holding, machine: &str) {
    let attributes = &mut entity.attributes;
    let (kind, layer, name, path) = match &holding.fact {
        Fact::Archive(archive) => {
            attributes.archive = Some(archive.clone());
            let path = archive.path.to_string();
            ("archive", "mail", format!("{machine}:{path}"), path)
        }
        Fact::Database(database) => {
            attributes.database = Some(database.clone());
            let path = database.directory.to_string();
            ("database", "database", format!("{machine}:{path}"), path)
        }
        Fact::Share(share) => {
            attributes.share = Some(share.clone());
            let name = match share.protocol.as_str() {
                "smb" => format!("//{machine}/{}", share.name),
                _ => format!("{machine}:{}", share.name),
            };
            ("share", "storage", name, share.path.to_string())
        }
        _ => return,
    };
    kind.clone_into(&mut entity.kind);
    layer.clone_into(&mut entity.layer);
    entity.name = name;
    entity.names = vec![path];
    entity.names.retain(|name| !name.is_empty());
    entity.first_seen = entity.first_seen.min(holding.seen.first);
    entity.last_seen = entity.last_seen.max(holding.seen.last);
    entity.evidence.push(holding.evidence.clone());
}
