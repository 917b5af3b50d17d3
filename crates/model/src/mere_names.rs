//! Names and addresses that stand somewhere, and are nobody's need: an example, a line switched off, a machine long gone.
//!
//! Evidence keeps them. In a document that lists what there is, each would be a machine nobody has ever met.

use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::id::EntityId;
use crate::inventory::{Attributes, Entity, Inventory};

impl Inventory {
    /// Leaves out hosts and outside places that nobody looked at, listed or met, and that nothing in this document speaks of.
    pub fn leave_out_mere_names(&mut self) {
        let mut mere = self.mere_names();
        if mere.is_empty() {
            return;
        }
        self.spare_what_is_spoken_of(&mut mere);
        self.entities.retain(|entity| !mere.contains(&entity.id));
    }

    /// True if [`Self::leave_out_mere_names`] has to ask what else the document speaks of.
    pub fn has_mere_names(&self) -> bool {
        !self.mere_names().is_empty()
    }

    /// Mere names that neither a need nor anything else that is known of entities leads to.
    fn mere_names(&self) -> BTreeSet<EntityId> {
        let mut mere: BTreeSet<EntityId> = self
            .entities
            .iter()
            .filter(|entity| entity.is_mere_name())
            .map(|entity| entity.id.clone())
            .collect();
        if mere.is_empty() {
            return mere;
        }
        for dependency in &self.dependencies {
            mere.remove(&dependency.consumer.entity);
            mere.remove(&dependency.provider.entity);
            for between in &dependency.details.through {
                mere.remove(&between.entity);
            }
        }
        for attributes in self.entities.iter().map(|entity| &entity.attributes) {
            let users = attributes.used_by.iter().map(|user| &user.host);
            for id in attributes.lies_on.iter().chain(users) {
                mere.remove(id);
            }
        }
        mere
    }

    /// The other parts of the document are read as they will be written, so that one somebody adds is read too.
    fn spare_what_is_spoken_of(&mut self, mere: &mut BTreeSet<EntityId>) {
        let entities = std::mem::take(&mut self.entities);
        let dependencies = std::mem::take(&mut self.dependencies);
        let evidence = std::mem::take(&mut self.evidence);
        let mut spare = Spare(mere);
        // Nothing here can fail: there is no file behind it, and every key is text.
        let _ = serde_json::to_writer(&mut spare, self);
        self.entities = entities;
        self.dependencies = dependencies;
        self.evidence = evidence;
    }
}

impl Entity {
    /// True for a host or an outside place that nobody looked at, listed or met: no more than a name or address somebody wrote.
    pub fn is_mere_name(&self) -> bool {
        let nothing_known = Attributes {
            unresolvable: self.attributes.unresolvable,
            ..Attributes::default()
        };
        matches!(self.kind.as_str(), "host" | "external")
            && !self.has_agent
            && !self.declared
            && self.owner.is_none()
            && self.criticality.is_none()
            && self.attributes == nothing_known
    }
}

/// Takes every id that is written out of the set. An id needs no escapes, so it comes in one piece.
struct Spare<'a>(&'a mut BTreeSet<EntityId>);

impl Write for Spare<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.starts_with(b"ent-")
            && let Ok(id) = std::str::from_utf8(bytes)
        {
            self.0.remove(&EntityId::new(id));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a document has it; what a test leaves out is empty.
    fn inventory() -> Inventory {
        let at = "2026-01-01T00:00:00Z";
        let entity = |id: &str| {
            serde_json::json!({"id": id, "kind": "host", "name": id, "names": [], "addresses": [], "layer": "os",
                "site": "default", "system": null, "owner": null, "criticality": null, "first_seen": at, "last_seen": at,
                "has_agent": id == "ent-agent", "declared": id == "ent-listed", "attributes": {}, "merged_because": [],
                "evidence": []})
        };
        let mut met = entity("ent-met");
        met["attributes"] = serde_json::json!({"macs": ["02:00:00:00:00:01"]});
        let mut gone = entity("ent-gone");
        gone["attributes"] = serde_json::json!({"unresolvable": true});
        let ids = ["ent-agent", "ent-listed", "ent-asked", "ent-nobody"];
        let entities: Vec<_> = ids.into_iter().map(entity).chain([met, gone]).collect();
        serde_json::from_value(serde_json::json!({
            "schema": crate::inventory::INVENTORY_SCHEMA, "generated_at": at, "snapshot": null,
            "window": {"from": at, "to": at}, "data_level": "standard", "compared_with_list": false, "coverage": [],
            "layers": [], "sites": [], "links": [], "systems": [], "entities": entities, "listeners": [],
            "dependencies": [], "volumes": [], "rights": [], "backups": [], "measurements": [], "waves": [],
            "findings": [], "estimate": null, "evidence": [],
            "questions": [{"to": null, "about": "ent-asked", "question": "What is it?"}],
        }))
        .unwrap()
    }

    #[test]
    fn a_name_that_only_stands_somewhere_is_no_machine() {
        let mut inventory = inventory();
        inventory.leave_out_mere_names();
        let left: Vec<&str> = inventory.entities.iter().map(|e| e.id.as_str()).collect();
        assert_eq!(left, ["ent-agent", "ent-listed", "ent-asked", "ent-met"]);
        let before = inventory.clone();
        inventory.leave_out_mere_names();
        assert_eq!(inventory, before, "once is enough");
    }
}
