//! GraphML 1.0 (graphml.graphdrawing.org/specification.html): a node per thing, an edge per need, typed keys.
//!
//! For yEd, Gephi, networkx and whatever reads attributes. A node's id is its id in the inventory. yEd draws no
//! attribute as a label unless it is told to, so each node carries the label in yEd's own words as well
//! (`y:ShapeNode`); other programs pass over it. Direction: from who needs to who is needed.

use groma_model::inventory::{Dependency, Inventory};

use crate::view::{Node, View, mark, shared_note, word};
use crate::visible::visible;

/// A key: its id, what it is for, its name, its type.
type Key = (&'static str, &'static str, &'static str, &'static str);

const NODE_KEYS: &[Key] = &[
    ("n_id", "node", "id", "string"),
    ("n_name", "node", "name", "string"),
    ("n_kind", "node", "kind", "string"),
    ("n_layer", "node", "layer", "string"),
    ("n_site", "node", "site", "string"),
    ("n_system", "node", "system", "string"),
    ("n_owner", "node", "owner", "string"),
    ("n_criticality", "node", "criticality", "string"),
    ("n_has_agent", "node", "has_agent", "boolean"),
];

const EDGE_KEYS: &[Key] = &[
    ("e_kind", "edge", "kind", "string"),
    ("e_port", "edge", "port", "int"),
    ("e_transport", "edge", "transport", "string"),
    ("e_strength", "edge", "strength", "string"),
    ("e_basis", "edge", "basis", "string"),
    ("e_hidden", "edge", "hidden", "boolean"),
    ("e_hidden_because", "edge", "hidden_because", "string"),
    ("e_reached_by", "edge", "reached_by", "string"),
    ("e_reached_as", "edge", "reached_as", "string"),
    ("e_current", "edge", "current", "boolean"),
    ("e_verdict", "edge", "verdict", "string"),
];

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:y="http://www.yworks.com/xml/graphml" xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://www.yworks.com/xml/schema/graphml/1.1/ygraphml.xsd">
"#;

/// The inventory as GraphML: whatever takes part in a need, every host, device and service, and every need nobody
/// judged wrong.
pub fn graphml(inventory: &Inventory) -> String {
    let view = View::of(inventory);
    let mut out = String::from(HEAD);
    out.push_str(&shared_note(inventory, "  <!-- ", " -->\n"));
    for (id, of, name, of_type) in NODE_KEYS.iter().chain(EDGE_KEYS) {
        out.push_str(&format!(
            "  <key id=\"{id}\" for=\"{of}\" attr.name=\"{name}\" attr.type=\"{of_type}\"/>\n"
        ));
    }
    out.push_str("  <key id=\"n_drawn\" for=\"node\" yfiles.type=\"nodegraphics\"/>\n");
    out.push_str("  <graph id=\"estate\" edgedefault=\"directed\">\n");
    for node in view.nodes() {
        push_node(&mut out, &view, &node);
    }
    for need in &view.needs {
        push_edge(&mut out, need);
    }
    out.push_str("  </graph>\n</graphml>\n");
    out
}

fn push_node(out: &mut String, view: &View<'_>, node: &Node<'_>) {
    let entity = node.entity;
    let of = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let system = entity.and_then(|entity| view.system(entity));
    let values = [
        node.id.as_str().to_owned(),
        node.called(),
        entity.map_or("unknown", |e| e.kind.as_str()).to_owned(),
        node.layer.to_owned(),
        of(entity.map(|entity| view.site(entity))),
        of(system.map(|system| system.name.as_str())),
        of(entity.and_then(|e| e.owner.as_deref())),
        of(entity.and_then(|e| e.criticality.as_deref())),
        of(entity.map(|e| if e.has_agent { "true" } else { "false" })),
    ];
    out.push_str(&format!("    <node id=\"{}\">\n", key_of(node.id.as_str())));
    push_values(out, NODE_KEYS, &values);
    let label = escaped(&node.called());
    out.push_str(&format!(
        "      <data key=\"n_drawn\"><y:ShapeNode><y:NodeLabel>{label}</y:NodeLabel></y:ShapeNode></data>\n    </node>\n"
    ));
}

fn push_edge(out: &mut String, need: &Dependency) {
    let truth = |yes: bool| if yes { "true" } else { "false" }.to_owned();
    let values = [
        need.kind.clone(),
        need.provider
            .port
            .map(|p| p.to_string())
            .unwrap_or_default(),
        need.provider
            .transport
            .map_or("", |t| t.as_str())
            .to_owned(),
        word(&need.strength),
        word(&need.basis),
        truth(need.hidden),
        need.hidden_because.join(" "),
        need.reached_by.as_ref().map(word).unwrap_or_default(),
        need.reached_as.clone().unwrap_or_default(),
        truth(need.current),
        need.verdict
            .as_ref()
            .map(|v| word(&v.verdict))
            .unwrap_or_default(),
    ];
    let [id, from, to] = [
        need.id.as_str(),
        need.consumer.entity.as_str(),
        need.provider.entity.as_str(),
    ]
    .map(key_of);
    out.push_str(&format!(
        "    <edge id=\"{id}\" source=\"{from}\" target=\"{to}\">\n"
    ));
    push_values(out, EDGE_KEYS, &values);
    out.push_str("    </edge>\n");
}

/// What is not known is not said: an empty number or truth would be no GraphML.
fn push_values(out: &mut String, keys: &[Key], values: &[String]) {
    for ((id, ..), value) in keys
        .iter()
        .zip(values)
        .filter(|(_, value)| !value.is_empty())
    {
        let value = escaped(&visible(value));
        out.push_str(&format!("      <data key=\"{id}\">{value}</data>\n"));
    }
}

/// An id of the inventory as an id of XML: as it is, or by its digest where XML would not take it.
fn key_of(id: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match !id.is_empty() && id.chars().all(fits) {
        true => id.to_owned(),
        false => format!("x-{}", mark(id)),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c => out.push(c),
        }
    }
    out
}
