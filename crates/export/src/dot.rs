//! DOT, the language of Graphviz (graphviz.org/doc/info/lang.html): a cluster per layer, an arrow per need.
//!
//! A hidden need is dashed, one that the newest look did not see is grey. Every label is a quoted string; within it
//! a backslash would begin one of Graphviz' own words and an ampersand a character by name, so both are written out.

use std::collections::BTreeMap;

use groma_model::inventory::{Dependency, Inventory};

use crate::view::{Node, View, shared_note};
use crate::visible::visible;

/// The inventory as a directed graph for Graphviz.
pub fn dot(inventory: &Inventory) -> String {
    let view = View::of(inventory);
    let nodes = view.nodes();
    let numbers: BTreeMap<&str, usize> = (0..)
        .zip(&nodes)
        .map(|(number, node)| (node.id.as_str(), number))
        .collect();
    let mut out = shared_note(inventory, "// ", "\n");
    out.push_str(
        "digraph estate {\n  graph [rankdir=\"BT\", charset=\"UTF-8\"];\n  node [shape=\"box\"];\n",
    );
    for (number, layer) in view.layers(&nodes).into_iter().enumerate() {
        out.push_str(&format!(
            "  subgraph cluster_{number} {{\n    label={};\n",
            quoted(if layer.is_empty() { "unknown" } else { layer })
        ));
        for (number, node) in nodes.iter().enumerate().filter(|(_, n)| n.layer == layer) {
            push_node(&mut out, number, node);
        }
        out.push_str("  }\n");
    }
    for need in &view.needs {
        let ends = [&need.consumer.entity, &need.provider.entity];
        if let [Some(from), Some(to)] = ends.map(|id| numbers.get(id.as_str())) {
            out.push_str(&format!("  n{from} -> n{to} [{}];\n", drawn(need)));
        }
    }
    out.push_str("}\n");
    out
}

fn push_node(out: &mut String, number: usize, node: &Node<'_>) {
    let kind = node.entity.map_or("unknown", |entity| entity.kind.as_str());
    let (label, tip) = (
        quoted(&node.called()),
        quoted(&format!("{kind} {}", node.id)),
    );
    out.push_str(&format!("    n{number} [label={label}, tooltip={tip}];\n"));
}

fn drawn(need: &Dependency) -> String {
    let port = need.provider.port.map(|port| format!(" {port}"));
    let label = format!("{}{}", need.kind, port.unwrap_or_default());
    let mut drawn = format!("label={}", quoted(&label));
    if need.hidden {
        let because = format!("hidden: {}", need.hidden_because.join(", "));
        drawn.push_str(&format!(", style=\"dashed\", tooltip={}", quoted(&because)));
    }
    if !need.current {
        drawn.push_str(", color=\"gray\", fontcolor=\"gray\"");
    }
    drawn
}

/// `text` as a quoted string that is drawn as it stands.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in visible(text).chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_end_its_quotes_or_speak_to_graphviz() {
        assert_eq!(quoted("a\"];x"), r#""a\"];x""#);
        assert_eq!(quoted("C:\\new\\"), r#""C:\\new\\""#);
        assert_eq!(quoted("&lt;b&gt;\n"), "\"&amp;lt;b&amp;gt;␊\"");
        assert_eq!(quoted("mail1.corp.example"), "\"mail1.corp.example\"");
    }
}
