//! Whom to ask about a wave, and what only they can answer.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{Disposition, Inventory, Question};

use super::machines::{Machines, Node, name, owner};
use super::shape::{Person, SystemPart};

/// Questions of the inventory by what they are about.
pub(super) struct Asked<'a>(BTreeMap<&'a str, BTreeSet<&'a Question>>);

impl<'a> Asked<'a> {
    pub(super) fn of(inventory: &'a Inventory) -> Self {
        let mut asked: BTreeMap<&str, BTreeSet<&Question>> = BTreeMap::new();
        for question in &inventory.questions {
            asked.entry(&question.about).or_default().insert(question);
        }
        Self(asked)
    }

    /// Questions about these nodes: who owns them where nobody is named, what nobody looked into, what takes the place of
    /// what is replaced, and what the inventory asks already.
    pub(super) fn about(&self, machines: &Machines<'_>, nodes: &[usize]) -> Vec<Question> {
        let mut questions = BTreeSet::new();
        for node in nodes.iter().filter_map(|n| machines.nodes.get(*n)) {
            let id = node.entity.id.as_str();
            questions.extend(self.0.get(id).into_iter().flatten().map(|q| (*q).clone()));
            questions.extend(own_questions(node));
        }
        questions.into_iter().collect()
    }
}

fn own_questions(node: &Node<'_>) -> Vec<Question> {
    let (entity, to) = (node.entity, owner(node.entity, node.system));
    let name = name(entity);
    let ask = |question: String| Question {
        to: to.map(str::to_owned),
        about: entity.id.to_string(),
        question,
    };
    let mut questions = Vec::new();
    if to.is_none() {
        questions.push(ask(format!(
            "Who owns {name}, and who says when it may move?"
        )));
    }
    if !entity.has_agent {
        questions.push(ask(format!(
            "No agent looked at {name}: what runs there, and what does it need?"
        )));
    }
    let decided = node.system.and_then(|s| s.disposition);
    if decided == Some(Disposition::Replace) {
        questions.push(ask(format!("What takes the place of {name}?")));
    }
    questions
}

/// Owners, those on call and key users, with what they answer for.
pub(super) fn people(machines: &Machines<'_>, nodes: &[usize]) -> Vec<Person> {
    let mut people: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for node in nodes.iter().filter_map(|n| machines.nodes.get(*n)) {
        if let Some(who) = owner(node.entity, node.system) {
            let of = people.entry((who, "owner")).or_default();
            of.insert(name(node.entity));
        }
        let Some(system) = node.system else { continue };
        for (who, role) in [
            (&system.on_call, "on call"),
            (&system.key_users, "key users"),
        ] {
            if let Some(who) = who.as_deref().filter(|w| !w.trim().is_empty()) {
                people.entry((who, role)).or_default().insert(&system.name);
            }
        }
    }
    let person = |((who, role), of): ((&str, &str), BTreeSet<&str>)| Person {
        who: who.to_owned(),
        role: role.to_owned(),
        of: of.into_iter().map(str::to_owned).collect(),
    };
    people.into_iter().map(person).collect()
}

/// The systems of these nodes, and how much of each is among them.
pub(super) fn parts(
    machines: &Machines<'_>,
    nodes: &[usize],
    sizes: &BTreeMap<&str, usize>,
) -> Vec<SystemPart> {
    let mut parts: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    for system in nodes.iter().filter_map(|n| machines.nodes.get(*n)?.system) {
        parts.entry(&system.id).or_insert((&system.name, 0)).1 += 1;
    }
    let part = |(id, (name, members)): (&str, (&str, usize))| SystemPart {
        id: id.to_owned(),
        name: name.to_owned(),
        members,
        of: sizes.get(id).copied().unwrap_or(members),
    };
    parts.into_iter().map(part).collect()
}

/// How many machines of each system move.
pub(super) fn sizes<'a>(machines: &Machines<'a>) -> BTreeMap<&'a str, usize> {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for node in machines.nodes.iter().filter(|n| n.out.is_none()) {
        if let Some(system) = node.system {
            *sizes.entry(&system.id).or_default() += 1;
        }
    }
    sizes
}
