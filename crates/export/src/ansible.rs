//! An inventory of Ansible in YAML (docs.ansible.com, the plugin `ansible.builtin.yaml`).
//!
//! Machines alone: what one could log in to. Groups by layer, site, system, family of operating system and wave, each
//! with a name that is an identifier and the name people know it by in `groma_called`.
//!
//! Every scalar is quoted as JSON is, which is YAML as well. Two things need more than quotes. Ansible reads `[1:9]` in
//! the name of a host as nine hosts and a colon as a port, so a host goes by letters, digits, dot, dash and underscore
//! alone, and by its own name in `groma_name`. And it computes what stands between braces in a variable, on the machine
//! it runs on: a text with a brace carries the tag `!unsafe`, by which Ansible takes it as it stands.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{Dependency, Entity, Inventory};

use crate::view::{View, called, mark, plain_word, qualified_name, reached_at, shared_note};
use crate::visible::visible;

/// Names Ansible gives a meaning of its own.
const TAKEN: &[&str] = &["all", "ungrouped", "localhost", "127.0.0.1", "::1"];

/// Longest word a host or a group goes by, in characters: YAML 1.2 §7.4.2 takes no key of more than 1024, and nobody
/// types as many.
const LONGEST: usize = 100;

/// A group: what it is by, and the name people know it by.
type Label = (&'static str, String);

/// The machines of the inventory for `ansible-inventory` and `ansible-playbook`.
pub fn ansible(inventory: &Inventory) -> String {
    let view = View::of(inventory);
    let machines: Vec<&Entity> = view.machines().collect();
    let groups = groups(&view, &machines);
    let keys = host_keys(&machines);
    let mut out = shared_note(inventory, "# ", "\n");
    out.push_str("all:\n");
    out.push_str(if keys.is_empty() {
        "  hosts: {}\n"
    } else {
        "  hosts:\n"
    });
    let needs = view.by_consumer();
    for machine in &machines {
        let key = keys.get(machine.id.as_str()).map_or("", String::as_str);
        let own = needs
            .get(machine.id.as_str())
            .map_or(&[][..], Vec::as_slice);
        push_host(&mut out, key, machine, &lines(own));
    }
    out.push_str(if groups.is_empty() {
        "  children: {}\n"
    } else {
        "  children:\n"
    });
    for (name, (called, members)) in &groups {
        out.push_str(&format!(
            "    {name}:\n      vars:\n        groma_called: {}\n      hosts:\n",
            scalar(called)
        ));
        for key in members.iter().filter_map(|id| keys.get(*id)) {
            out.push_str(&format!("        {}: {{}}\n", json(key)));
        }
    }
    out
}

fn push_host(out: &mut String, key: &str, machine: &Entity, needs: &BTreeSet<String>) {
    out.push_str(&format!("    {}:\n", json(key)));
    let mut say = |name: &str, value: &str| out.push_str(&format!("      {name}: {value}\n"));
    let reached = reached_at(machine).map(|address| address.to_string());
    let reached = reached.or_else(|| qualified_name(machine).map(|name| name.to_string()));
    if let Some(reached) = reached {
        say("ansible_host", &json(&reached));
    }
    say("groma_id", &scalar(machine.id.as_str()));
    say("groma_name", &scalar(&called(&machine.name, &machine.id)));
    for (name, told) in [
        ("groma_owner", &machine.owner),
        ("groma_criticality", &machine.criticality),
    ] {
        if let Some(told) = told {
            say(name, &scalar(told));
        }
    }
    if needs.is_empty() {
        say("groma_needs", "[]");
        return;
    }
    out.push_str("      groma_needs:\n");
    for need in needs {
        out.push_str(&format!("        - {}\n", scalar(need)));
    }
}

/// What a machine needs of others, one line each: `ldap-bind to dc1:389`.
fn lines(needs: &[&Dependency]) -> BTreeSet<String> {
    let others = needs
        .iter()
        .filter(|need| need.provider.entity != need.consumer.entity);
    others
        .map(|need| {
            let port = need.provider.port.map(|port| format!(":{port}"));
            let provider = called(&need.provider.name, &need.provider.entity);
            format!("{} to {provider}{}", need.kind, port.unwrap_or_default())
        })
        .collect()
}

/// Id → the word a host goes by, each its own and none that is a group's.
fn host_keys<'i>(machines: &[&'i Entity]) -> BTreeMap<&'i str, String> {
    let plain = |machine: &Entity| -> String {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let key = machine.name.chars().take(LONGEST);
        let key: String = key.map(|c| if fits(c) { c } else { '_' }).collect();
        key.trim_matches(|c: char| !c.is_ascii_alphanumeric())
            .to_owned()
    };
    let mut many: BTreeMap<String, usize> = BTreeMap::new();
    for machine in machines {
        *many.entry(plain(machine).to_lowercase()).or_default() += 1;
    }
    let key_of = |machine: &&'i Entity| {
        let key = plain(machine);
        let lower = key.to_lowercase();
        let is_own = many.get(&lower) == Some(&1) && key == machine.name;
        let is_free = !TAKEN.contains(&lower.as_str()) && !starts_as_a_group(&lower);
        let key = match (is_own && is_free, key.is_empty()) {
            (true, _) => key,
            (false, true) => format!("host-{}", mark(machine.id.as_str())),
            (false, false) => format!("{key}-{}", mark(machine.id.as_str())),
        };
        (machine.id.as_str(), key)
    };
    machines.iter().map(key_of).collect()
}

fn starts_as_a_group(word: &str) -> bool {
    ["layer_", "site_", "system_", "os_", "wave_"]
        .iter()
        .any(|by| word.starts_with(by))
}

/// Name of the group → what people call it, and the ids in it.
fn groups<'i>(
    view: &View<'i>,
    machines: &[&'i Entity],
) -> BTreeMap<String, (String, BTreeSet<&'i str>)> {
    let waves = waves(view);
    let mut by_label: BTreeMap<Label, BTreeSet<&str>> = BTreeMap::new();
    let mut join = |by: &'static str, name: &str, machine: &'i Entity| {
        if !name.trim().is_empty() {
            by_label
                .entry((by, name.to_owned()))
                .or_default()
                .insert(machine.id.as_str());
        }
    };
    for machine in machines {
        join("layer", &machine.layer, machine);
        join("site", view.site(machine), machine);
        if let Some(system) = view.system(machine) {
            join("system", &system.name, machine);
        }
        if let Some(system) = &machine.attributes.operating_system {
            join("os", &system.family, machine);
        }
        for wave in handles(view, machine)
            .iter()
            .filter_map(|handle| waves.get(handle))
            .flatten()
        {
            join("wave", wave, machine);
        }
    }
    let mut many: BTreeMap<String, usize> = BTreeMap::new();
    for label in by_label.keys() {
        *many.entry(identifier(label)).or_default() += 1;
    }
    let named = |(label, members): (Label, BTreeSet<&'i str>)| {
        let name = identifier(&label);
        let is_own = many.get(&name) == Some(&1) && !name.ends_with('_');
        let name = match is_own {
            true => name,
            false => format!("{}_{}", name.trim_end_matches('_'), mark(&label.1)),
        };
        (name, (label.1, members))
    };
    by_label.into_iter().map(named).collect()
}

/// `site_dublin_east`; it ends in `_` where nothing of the name can stand in an identifier.
fn identifier((by, name): &Label) -> String {
    let word: String = plain_word(name, '_').chars().take(LONGEST).collect();
    format!("{by}_{word}")
}

/// Waves by whom they name, in small letters.
fn waves<'i>(view: &View<'i>) -> BTreeMap<String, BTreeSet<&'i str>> {
    let mut found: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for wave in &view.inventory.waves {
        for member in &wave.members {
            found
                .entry(member.to_lowercase())
                .or_default()
                .insert(&wave.name);
        }
    }
    found
}

/// What a wave may name a machine by: id, names, addresses, and the system it belongs to.
fn handles(view: &View<'_>, machine: &Entity) -> BTreeSet<String> {
    let system = view.system(machine);
    let system = system
        .into_iter()
        .flat_map(|system| [&system.id, &system.name]);
    let names = machine.names.iter().chain([&machine.name]).chain(system);
    let names = names.map(|name| name.to_lowercase());
    names
        .chain(machine.addresses.iter().map(ToString::to_string))
        .chain([machine.id.as_str().to_lowercase()])
        .collect()
}

/// A text Ansible never computes: quoted, and tagged where it holds a brace.
fn scalar(text: &str) -> String {
    let tag = if text.contains('{') { "!unsafe " } else { "" };
    format!("{tag}{}", json(&visible(text)))
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ansible_would_compute_is_tagged_and_nothing_else() {
        assert_eq!(
            scalar("{{ lookup('pipe', 'id') }}"),
            "!unsafe \"{{ lookup('pipe', 'id') }}\""
        );
        assert_eq!(scalar("Mail team"), "\"Mail team\"");
        assert_eq!(scalar("a: b\n- c"), "\"a: b␊- c\"");
    }

    #[test]
    fn a_group_goes_by_an_identifier() {
        assert_eq!(
            identifier(&("site", "Dublin (East)".to_owned())),
            "site_dublin_east"
        );
        assert_eq!(identifier(&("site", "Дублин".to_owned())), "site_");
    }
}
