//! The placed picture as SVG, through a template that escapes by itself.

use askama::Template;

use super::layout::{BOX_HEIGHT, BOX_WIDTH, GUTTER};
use super::{Band, Edge, Grain, Layout, Node, Picture, Shape};
use crate::text::{Catalogue, fill};

/// Room for text in a box, in units of the drawing.
pub(super) const TEXT_WIDTH: f64 = BOX_WIDTH - 30.0;

#[derive(Template)]
#[template(path = "map.svg")]
struct Drawing<'a> {
    words: &'a Catalogue,
    width: i64,
    height: i64,
    full_height: i64,
    gutter: i64,
    box_width: i64,
    box_height: i64,
    frame: Option<Frame>,
    bands: Vec<BandView>,
    edges: Vec<EdgeView<'a>>,
    nodes: Vec<NodeView<'a>>,
}

struct Frame {
    title: String,
    height: i64,
}

struct BandView {
    class: &'static str,
    heading: String,
    top: i64,
    height: i64,
    text: i64,
    width: i64,
}

struct EdgeView<'a> {
    class: &'static str,
    from: usize,
    to: usize,
    path: &'a str,
    title: String,
    weight: u8,
}

struct NodeView<'a> {
    class: &'static str,
    at: usize,
    x: i64,
    y: i64,
    title: String,
    subtitle: String,
    full: &'a str,
}

/// The `<svg>` element of a picture.
pub(crate) fn render(picture: &Picture, layout: &Layout, words: &Catalogue) -> String {
    let whole = |x: f64| x.round() as i64;
    let inner = layout
        .bands
        .iter()
        .filter(|b| matches!(b.band, Band::Layer(_)));
    let bottom = inner.map(|b| b.top + b.height).fold(0.0, f64::max);
    let drawing = Drawing {
        words,
        width: whole(layout.width),
        height: whole(layout.height),
        full_height: whole(layout.full_height),
        gutter: whole(GUTTER),
        box_width: whole(BOX_WIDTH),
        box_height: whole(BOX_HEIGHT),
        frame: picture
            .inside
            .as_ref()
            .filter(|_| bottom > 0.0)
            .map(|name| Frame {
                title: fill(words.map_parts_of, &[name]),
                height: whole(bottom),
            }),
        bands: layout
            .bands
            .iter()
            .map(|b| band(b, picture, layout, words))
            .collect(),
        edges: picture
            .edges
            .iter()
            .zip(&layout.paths)
            .map(|(e, path)| edge(e, path, picture, words))
            .collect(),
        nodes: picture
            .nodes
            .iter()
            .zip(&layout.places)
            .enumerate()
            .map(|(at, (n, place))| node(at, n, *place))
            .collect(),
    };
    drawing.render().expect("writing into a string cannot fail")
}

fn band(
    placed: &super::layout::PlacedBand,
    picture: &Picture,
    layout: &Layout,
    words: &Catalogue,
) -> BandView {
    let (class, heading) = match placed.band {
        Band::Shared => ("band apart shared", picture.heading(placed.band, words)),
        Band::Outside => ("band apart", picture.heading(placed.band, words)),
        Band::Layer(_) => ("band", picture.heading(placed.band, words)),
    };
    BandView {
        class,
        heading: fit(&heading, GUTTER - 30.0, 6.6),
        top: placed.top.round() as i64,
        height: placed.height.round() as i64,
        text: (placed.top + placed.height / 2.0).round() as i64,
        width: layout.width.round() as i64 - 16,
    }
}

fn edge<'a>(edge: &Edge, path: &'a str, picture: &Picture, words: &Catalogue) -> EdgeView<'a> {
    let title = |at: usize| picture.nodes.get(at).map_or("", |n| n.title.as_str());
    // A wide line between groups counts as hidden where most of it is.
    let hidden = match picture.grain {
        Grain::Groups => edge.hidden * 2 >= edge.count,
        Grain::Parts | Grain::Things => edge.hidden > 0,
    };
    let concluded = edge.concluded == edge.count;
    let class = match (edge.shared, hidden) {
        (true, _) => "edge shared",
        (false, _) if concluded => "edge concluded",
        (false, true) => "edge hidden",
        (false, false) => "edge",
    };
    let through = match edge.through.as_slice() {
        [] => String::new(),
        names => format!(", {} {}", words.through.to_lowercase(), names.join(", ")),
    };
    let count = if edge.count > 1 {
        format!(" × {}", crate::human::number(edge.count))
    } else {
        String::new()
    };
    EdgeView {
        class,
        from: edge.from,
        to: edge.to,
        path,
        title: format!(
            "{} → {}: {}{count}{through}",
            title(edge.from),
            title(edge.to),
            edge.kinds.join(", ")
        ),
        weight: if picture.grain == Grain::Groups {
            weight(edge.count)
        } else {
            1
        },
    }
}

/// Line width class: each step is an order of magnitude more.
fn weight(count: usize) -> u8 {
    match count {
        0..10 => 1,
        10..100 => 2,
        100..1_000 => 3,
        _ => 4,
    }
}

fn node(at: usize, node: &Node, place: (f64, f64)) -> NodeView<'_> {
    let class = match (node.band, node.shape) {
        (Band::Shared, _) => "node shared",
        (_, Shape::Thing | Shape::Part) => "node",
        (_, Shape::Job) => "node job",
        (_, Shape::File) => "node file",
        (_, Shape::Group) => "node group",
        (_, Shape::Outside) => "node outside",
    };
    NodeView {
        class,
        at,
        x: place.0.round() as i64,
        y: place.1.round() as i64,
        title: fit(&node.title, TEXT_WIDTH, 7.5),
        subtitle: fit(&node.subtitle, TEXT_WIDTH, 6.3),
        full: &node.full,
    }
}

/// `text` cut to about `width`, where a plain letter takes `letter` and a wide script twice that.
pub(super) fn fit(text: &str, width: f64, letter: f64) -> String {
    let wide = |c: char| matches!(c as u32, 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0x1f300..=0x1faff | 0x20000..=0x3fffd);
    let takes = |c: char| {
        letter
            * if wide(c) {
                1.8
            } else if c.is_uppercase() || matches!(c, 'm' | 'w' | '@') {
                1.25
            } else {
                1.0
            }
    };
    if text.chars().map(takes).sum::<f64>() <= width {
        return text.to_owned();
    }
    let mut room = width - letter;
    let mut kept = String::new();
    for c in text.chars() {
        room -= takes(c);
        if room < 0.0 {
            break;
        }
        kept.push(c);
    }
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_and_short_ones_stay() {
        assert_eq!(fit("mail1", 146.0, 7.2), "mail1");
        let cut = fit(&"x".repeat(300), 146.0, 7.2);
        assert!(cut.ends_with('…') && cut.chars().count() < 22, "{cut}");
        assert!(fit(&"会".repeat(40), 146.0, 7.2).chars().count() < 14);
    }
}
