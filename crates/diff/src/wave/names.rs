//! What names mean, found in one step where [`Inventory::find`] walks through the estate.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use groma_model::EntityId;
use groma_model::inventory::{Entity, Inventory};

/// The names, ids and addresses of one inventory.
pub(crate) struct Names<'a> {
    exact: HashMap<String, Vec<&'a EntityId>>,
    short: HashMap<String, Vec<&'a EntityId>>,
    addresses: HashMap<IpAddr, Vec<&'a EntityId>>,
}

impl<'a> Names<'a> {
    pub(crate) fn of(inventory: &'a Inventory) -> Self {
        let mut names = Self {
            exact: HashMap::with_capacity(inventory.entities.len() * 3),
            short: HashMap::new(),
            addresses: HashMap::new(),
        };
        inventory.entities.iter().for_each(|e| names.add(e));
        names
    }

    fn add(&mut self, entity: &'a Entity) {
        let id = &entity.id;
        let own = std::iter::once(&entity.name).chain(&entity.names);
        for name in own {
            self.exact.entry(name.to_lowercase()).or_default().push(id);
        }
        let by_id = id.as_str().to_owned();
        self.exact.entry(by_id).or_default().push(id);
        for name in &entity.names {
            let first = name.split('.').next().unwrap_or_default();
            let first = first.to_ascii_lowercase();
            self.short.entry(first).or_default().push(id);
        }
        for address in &entity.addresses {
            self.addresses.entry(*address).or_default().push(id);
        }
    }

    /// The entities that `text` may mean, as [`Inventory::find`] tells.
    pub(crate) fn meant(&self, text: &str) -> BTreeSet<EntityId> {
        let wanted = text.trim_end_matches('.').to_lowercase();
        let address = wanted.parse::<IpAddr>().ok().map(|a| a.to_canonical());
        let named = self.exact.get(&wanted).into_iter().flatten();
        let addressed = address.and_then(|a| self.addresses.get(&a));
        let exact: BTreeSet<EntityId> = named
            .chain(addressed.into_iter().flatten())
            .map(|id| (*id).clone())
            .collect();
        if !exact.is_empty() {
            return exact;
        }
        let short = self.short.get(&wanted.to_ascii_lowercase());
        short
            .into_iter()
            .flatten()
            .map(|id| (*id).clone())
            .collect()
    }

    /// Every name there is.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        let id = |name: &&str| !name.starts_with("ent-");
        self.exact.keys().map(String::as_str).filter(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estate() -> Inventory {
        let entity = |id: &str, name: &str, names: &[&str], address: &str| {
            serde_json::json!({
                "id": id, "kind": "host", "name": name, "names": names, "addresses": [address], "layer": "os",
                "site": "default", "first_seen": "2026-11-20T12:00:00Z", "last_seen": "2026-11-20T12:00:00Z",
                "has_agent": true, "declared": false, "attributes": {}, "merged_because": [], "evidence": []
            })
        };
        let entities = [
            entity(
                "ent-1",
                "Mail1",
                &["mail1.corp.example", "MAIL.corp.example"],
                "10.0.0.1",
            ),
            entity("ent-2", "mail2", &["mail.other.example"], "fd00::2"),
            entity("ent-3", "10.0.0.1", &[], "10.0.0.3"),
            entity(
                "ent-4",
                "пОЧТА",
                &["почта.corp.example", ".odd"],
                "10.0.0.4",
            ),
        ];
        serde_json::from_value(serde_json::json!({
            "schema": "groma.inventory/1", "generated_at": "2026-11-20T12:00:00Z", "snapshot": null,
            "window": {"from": "2026-11-20T12:00:00Z", "to": "2026-11-20T12:00:00Z"}, "data_level": "standard",
            "compared_with_list": false, "coverage": [], "layers": [], "sites": [], "links": [], "systems": [],
            "entities": entities, "listeners": [], "dependencies": [], "volumes": [], "rights": [], "backups": [],
            "measurements": [], "waves": [], "findings": [], "estimate": null, "questions": [], "evidence": []
        }))
        .unwrap()
    }

    #[test]
    fn a_name_means_what_a_walk_through_the_estate_finds() {
        let estate = estate();
        let names = Names::of(&estate);
        for text in [
            "mail1",
            "MAIL1",
            "mail",
            "Mail",
            "mail.corp.example.",
            "mail2",
            "10.0.0.1",
            "::ffff:10.0.0.1",
            "fd00::2",
            "FD00:0::2",
            "ent-1",
            "ENT-2",
            "почта",
            "Почта",
            "",
            ".",
            "odd",
            "nobody",
            "corp.example",
        ] {
            let walked: BTreeSet<EntityId> =
                estate.find(text).iter().map(|e| e.id.clone()).collect();
            assert_eq!(names.meant(text), walked, "{text}");
        }
    }
}
