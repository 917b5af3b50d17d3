//! Mermaid, a flowchart (mermaid.js.org/syntax/flowchart.html): a subgraph per layer, an arrow per pair.
//!
//! Needs between the same two are one arrow that names their kinds. Mermaid draws at most 500 arrows and reads at
//! most 50,000 characters unless its page is set up otherwise (`maxEdges`, `maxTextSize`), and nobody reads more. So a
//! larger estate is folded: first the services nearly everybody needs are left out, then whatever makes one system (or
//! shares a layer, a kind and a site) becomes one box, then each layer does. A comment at the top says what was done
//! and to how many; the full list is in the other formats.
//!
//! A label stands in quotes and every character that could mean anything there is written as its number (`#34;`). No
//! line holds a colon: Mermaid takes the last semicolon from lines that look like a style.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{Dependency, Entity, Inventory};

use crate::view::{Node, View, shared_note};
use crate::visible::{cut, visible};

/// Most arrows: below what Mermaid draws as it comes.
const ARROWS: usize = 400;

/// Most characters: below what Mermaid reads as it comes, which counts UTF-16 units.
const LETTERS: usize = 45_000;

/// Longest label, in characters.
const LABEL: usize = 60;

/// How far the picture is folded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fold {
    Nothing,
    SharedServices,
    Groups,
    Layers,
}

/// The inventory as a Mermaid flowchart of bounded size.
pub fn mermaid(inventory: &Inventory) -> String {
    let view = View::of(inventory);
    let shared = shared_note(inventory, "%% ", "\n");
    let folds = [Fold::Nothing, Fold::SharedServices, Fold::Groups];
    for fold in folds {
        let picture = Picture::of(&view, fold);
        if picture.arrows.len() <= ARROWS {
            let text = shared.clone() + &picture.text(usize::MAX);
            if text.encode_utf16().count() <= LETTERS {
                return text;
            }
        }
    }
    let last = Picture::of(&view, Fold::Layers);
    let mut kept = last.arrows.len().min(ARROWS);
    loop {
        let text = shared.clone() + &last.text(kept);
        if kept == 0 || text.encode_utf16().count() <= LETTERS {
            return text;
        }
        kept /= 2;
    }
}

/// Where a box stands: in which layer, and what it stands for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    layer: usize,
    key: String,
}

/// What the needs of one pair come to.
#[derive(Default)]
struct Arrow {
    kinds: BTreeSet<String>,
    needs: usize,
    /// True if none of them would be seen by a standard inventory.
    all_hidden: bool,
    /// True if the newest look saw one of them.
    any_current: bool,
}

struct Picture<'i> {
    fold: Fold,
    layers: Vec<&'i str>,
    boxes: BTreeMap<Place, (String, usize)>,
    arrows: BTreeMap<(Place, Place), Arrow>,
    needs: usize,
    left_out: usize,
    within: usize,
}

impl<'i> Picture<'i> {
    fn of(view: &View<'i>, fold: Fold) -> Self {
        let nodes = view.nodes();
        let layers = view.layers(&nodes);
        let mut picture = Self {
            fold,
            boxes: BTreeMap::new(),
            arrows: BTreeMap::new(),
            needs: view.needs.len(),
            left_out: 0,
            within: 0,
            layers,
        };
        let mut at = BTreeMap::new();
        for node in &nodes {
            let (place, label) = picture.place(view, node);
            picture.boxes.entry(place.clone()).or_insert((label, 0)).1 += 1;
            at.insert(node.id.as_str(), place);
        }
        for need in &view.needs {
            picture.take(need, &at);
        }
        picture
    }

    /// Where a node is drawn, and under which label.
    fn place(&self, view: &View<'i>, node: &Node<'i>) -> (Place, String) {
        let found = self.layers.iter().position(|layer| *layer == node.layer);
        let layer = found.unwrap_or_default();
        let (key, label) = match (self.fold, node.entity) {
            (Fold::Layers, _) => (String::new(), layer_name(node.layer).to_owned()),
            (Fold::Groups, Some(entity)) => group(view, entity),
            (Fold::Groups, None) => (String::new(), "not in the inventory".to_owned()),
            _ => (node.id.as_str().to_owned(), node.called()),
        };
        (Place { layer, key }, label)
    }

    fn take(&mut self, need: &Dependency, at: &BTreeMap<&str, Place>) {
        if self.fold >= Fold::SharedServices && need.shared_service {
            self.left_out += 1;
            return;
        }
        let ends = [&need.consumer.entity, &need.provider.entity];
        let [Some(from), Some(to)] = ends.map(|id| at.get(id.as_str())) else {
            return;
        };
        if self.fold >= Fold::Groups && from == to {
            self.within += 1;
            return;
        }
        let first = Arrow {
            all_hidden: true,
            ..Arrow::default()
        };
        let arrow = self
            .arrows
            .entry((from.clone(), to.clone()))
            .or_insert(first);
        arrow.kinds.insert(need.kind.clone());
        arrow.needs += 1;
        arrow.all_hidden &= need.hidden;
        arrow.any_current |= need.current;
    }

    /// The flowchart with the first `kept` arrows; the comment counts the others.
    fn text(&self, kept: usize) -> String {
        let mut out = self.comment(kept);
        out.push_str("flowchart BT\n");
        let mut numbers = BTreeMap::new();
        let mut open = None;
        let few: Option<BTreeSet<&Place>> = (kept < self.arrows.len()).then(|| {
            self.arrows
                .keys()
                .take(kept)
                .flat_map(|(a, b)| [a, b])
                .collect()
        });
        let shown = self
            .boxes
            .iter()
            .filter(|(place, _)| few.as_ref().is_none_or(|few| few.contains(place)));
        for (number, (place, (label, many))) in shown.enumerate() {
            if open != Some(place.layer) {
                out.push_str(if open.is_some() { "  end\n" } else { "" });
                let layer = self.layers.get(place.layer).copied().unwrap_or_default();
                let title = quoted(layer_name(layer));
                out.push_str(&format!("  subgraph l{} [{title}]\n", place.layer));
                open = Some(place.layer);
            }
            let label = match self.fold >= Fold::Groups {
                true => format!("{} ({many})", cut(&visible(label), LABEL - 10)),
                false => label.clone(),
            };
            out.push_str(&format!("    n{number}[{}]\n", quoted(&label)));
            numbers.insert(place, number);
        }
        out.push_str(if open.is_some() { "  end\n" } else { "" });
        self.push_arrows(&mut out, &numbers, kept);
        out
    }

    fn push_arrows(&self, out: &mut String, numbers: &BTreeMap<&Place, usize>, kept: usize) {
        let mut grey = Vec::new();
        for (number, ((from, to), arrow)) in self.arrows.iter().take(kept).enumerate() {
            let ends = [from, to].map(|place| numbers.get(place).copied().unwrap_or_default());
            let line = if arrow.all_hidden { "-.->" } else { "-->" };
            let kinds: Vec<&str> = arrow.kinds.iter().map(String::as_str).collect();
            let mut label = cut(&visible(&kinds.join(", ")), LABEL - 10);
            if self.fold >= Fold::Groups {
                label = format!("{label} ({})", arrow.needs);
            }
            let [from, to] = ends;
            out.push_str(&format!("  n{from} {line}|{}| n{to}\n", quoted(&label)));
            if !arrow.any_current {
                grey.push(number.to_string());
            }
        }
        if !grey.is_empty() {
            // The one line with a colon: nothing foreign stands in it.
            out.push_str(&format!("  linkStyle {} stroke:gray\n", grey.join(",")));
        }
    }

    fn comment(&self, kept: usize) -> String {
        let things: usize = self.boxes.values().map(|(_, many)| many).sum();
        let mut says = format!("%% {things} things, {} needs\n", self.needs);
        if self.left_out > 0 {
            says.push_str(&format!(
                "%% folded away, too many to draw, {} needs of services nearly everybody needs\n",
                self.left_out
            ));
        }
        if self.fold >= Fold::Groups {
            says.push_str(&format!(
                "%% folded into {} boxes, too many to draw, with {} needs within one box\n",
                self.boxes.len(),
                self.within
            ));
        }
        let untold = self.arrows.values().skip(kept).map(|arrow| arrow.needs);
        let untold: usize = untold.sum();
        if untold > 0 {
            says.push_str(&format!(
                "%% not drawn at all, too many, {untold} needs and what only they join\n"
            ));
        }
        says
    }
}

/// What a thing is folded into: its system, or what is like it in the same place.
fn group<'i>(view: &View<'i>, entity: &'i Entity) -> (String, String) {
    match view.system(entity) {
        Some(system) => (format!("s {}", system.id), system.name.clone()),
        None => {
            let label = format!("{} at {}", entity.kind, view.site(entity));
            (format!("k {label}"), label)
        }
    }
}

fn layer_name(layer: &str) -> &str {
    if layer.is_empty() { "unknown" } else { layer }
}

/// `text` in quotes, cut, with every character that could mean anything as its number. A dot or a dash before a space
/// would make a list of it.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    let text = cut(&visible(text), LABEL);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let makes_a_list = matches!(c, '.' | '-') && rest.peek().is_none_or(|next| *next == ' ');
        let plain = c.is_alphanumeric() || matches!(c, ' ' | '_' | '.' | ',' | '-' | '…');
        match plain && !makes_a_list {
            true => out.push(c),
            false => out.push_str(&format!("#{};", u32::from(c))),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_holds_nothing_mermaid_reads() {
        assert_eq!(quoted("a\"]-->b"), "\"a#34;#93;--#62;b\"");
        assert_eq!(quoted("style x:#fff;"), "\"style x#58;#35;fff#59;\"");
        assert_eq!(quoted("`**b**`"), "\"#96;#42;#42;b#42;#42;#96;\"");
        assert_eq!(quoted("1. x - y"), "\"1#46; x #45; y\"");
        assert_eq!(quoted("mail1.corp.example"), "\"mail1.corp.example\"");
    }
}
