//! What two kept moments do not have in common, and what that speaks of.

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use groma_model::inventory::{Dependency, Entity, Inventory, ListenerEntry};
use serde::de::DeserializeOwned;

use super::layout::{Row, mark, shorter};
use super::{Kept, KeptError};

/// Two small inventories; a diff of them is the diff of the whole ones.
pub struct Selected {
    /// Of the earlier moment.
    pub before: Inventory,
    /// Of the later one.
    pub after: Inventory,
}

/// What differs between two kept moments, with all that a diff needs to speak of it.
///
/// # Errors
/// A file is damaged.
pub fn select<B: Read + Seek, A: Read + Seek>(
    before: &mut Kept<B>,
    after: &mut Kept<A>,
) -> Result<Selected, KeptError> {
    let entities = differing(&before.entities, &after.entities);
    // Of a machine that is new or gone all endpoints are counted.
    let mut listeners = differing(&before.listeners, &after.listeners);
    listeners.extend(&entities);
    let touched: BTreeSet<u64> = listeners.iter().map(|id| shorter(*id)).collect();
    let mut needs = differing(&before.dependencies, &after.dependencies);
    let rows = || before.dependencies.iter().chain(&after.dependencies);
    let differ = rows().filter(|row| needs.contains(&row.id));
    let ends: BTreeSet<[u64; 2]> = differ.map(|row| row.ends).collect();
    for row in rows() {
        // Who needs a thing that changed, what it needs itself, and the same need told in other words.
        let is_touched = row.ends.iter().any(|end| touched.contains(end));
        if is_touched || ends.contains(&row.ends) {
            needs.insert(row.id);
        }
    }
    let mut mentioned = entities;
    let parts = [
        before.parts(&listeners, &needs, &mut mentioned)?,
        after.parts(&listeners, &needs, &mut mentioned)?,
    ];
    // A certificate names the hosts it lies on.
    before.mentioned_by(&mut mentioned)?;
    after.mentioned_by(&mut mentioned)?;
    let [b, a] = parts;
    Ok(Selected {
        before: before.inventory(b, &mentioned)?,
        after: after.inventory(a, &mentioned)?,
    })
}

/// Ids that only one side has, or whose digests differ.
fn differing(before: &[Row], after: &[Row]) -> BTreeSet<u128> {
    let mut found = BTreeSet::new();
    let (mut b, mut a) = (before.iter().peekable(), after.iter().peekable());
    loop {
        let (one, other) = match (b.peek(), a.peek()) {
            (None, None) => return found,
            (Some(one), None) => (Some(*one), None),
            (None, Some(other)) => (None, Some(*other)),
            (Some(one), Some(other)) if one.id < other.id => (Some(*one), None),
            (Some(one), Some(other)) if one.id > other.id => (None, Some(*other)),
            (Some(one), Some(other)) => (Some(*one), Some(*other)),
        };
        b.next_if(|_| one.is_some());
        a.next_if(|_| other.is_some());
        if one.map(|row| row.digest) != other.map(|row| row.digest) {
            found.extend(one.or(other).map(|row| row.id));
        }
    }
}

/// Listeners and needs of one side.
type Parts = (Vec<ListenerEntry>, Vec<Dependency>);

impl<R: Read + Seek> Kept<R> {
    fn parts(
        &mut self,
        listeners: &BTreeSet<u128>,
        needs: &BTreeSet<u128>,
        mentioned: &mut BTreeSet<u128>,
    ) -> Result<Parts, KeptError> {
        let groups: Vec<Vec<ListenerEntry>> = self.read(wanted(&self.listeners, listeners))?;
        let listeners: Vec<ListenerEntry> = groups.into_iter().flatten().collect();
        let needs: Vec<Dependency> = self.read(wanted(&self.dependencies, needs))?;
        for listener in &listeners {
            mentioned.insert(mark(listener.entity.as_str()));
            mentioned.extend(listener.certificate.iter().map(|c| mark(c.as_str())));
        }
        for need in &needs {
            mentioned.insert(mark(need.consumer.entity.as_str()));
            mentioned.insert(mark(need.provider.entity.as_str()));
        }
        Ok((listeners, needs))
    }

    fn mentioned_by(&mut self, mentioned: &mut BTreeSet<u128>) -> Result<(), KeptError> {
        let rows = wanted(&self.entities, mentioned);
        self.texts(rows, |text| {
            let entity: Entity = parsed(text)?;
            let places = entity.attributes.places.iter();
            mentioned.extend(places.map(|place| mark(place.host.as_str())));
            Ok(())
        })
    }

    fn inventory(
        &mut self,
        (listeners, dependencies): Parts,
        mentioned: &BTreeSet<u128>,
    ) -> Result<Inventory, KeptError> {
        let entities = self.read(wanted(&self.entities, mentioned))?;
        Ok(Inventory {
            entities,
            listeners,
            dependencies,
            ..self.head.bare.clone()
        })
    }

    fn read<T: DeserializeOwned>(&mut self, rows: Vec<Row>) -> Result<Vec<T>, KeptError> {
        let mut read = Vec::with_capacity(rows.len());
        self.texts(rows, |text| {
            read.push(parsed(text)?);
            Ok(())
        })?;
        Ok(read)
    }
}

fn wanted(rows: &[Row], ids: &BTreeSet<u128>) -> Vec<Row> {
    let among = |row: &&Row| ids.contains(&row.id);
    rows.iter().filter(among).copied().collect()
}

fn parsed<T: DeserializeOwned>(text: &[u8]) -> Result<T, KeptError> {
    serde_json::from_slice(text).map_err(|_| KeptError::Damaged("a row cannot be understood"))
}
