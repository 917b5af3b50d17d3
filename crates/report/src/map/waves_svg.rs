//! The map by waves as SVG: columns from left to right, boxes below each other, lines from side to side.

use std::collections::BTreeMap;

use askama::Template;

use super::layout::{BOX_HEIGHT, BOX_WIDTH};
use super::svg::{TEXT_WIDTH, fit};
use super::waves::{Line, WaveBox, WavePicture};
use crate::human::number;
use crate::text::{Catalogue, fill};

const MARGIN: f64 = 14.0;
/// Room between two columns, where lines run.
const LANE: f64 = 84.0;
const ROW: f64 = BOX_HEIGHT + 14.0;
const PADDING: f64 = 14.0;
/// How far a line within one column reaches out.
const BOW: f64 = 44.0;
/// Height of a column's heading.
const HEAD: f64 = 52.0;

#[derive(Template)]
#[template(path = "waves.svg")]
struct Drawing<'a> {
    words: &'a Catalogue,
    width: i64,
    height: i64,
    column_width: i64,
    column_height: i64,
    box_width: i64,
    box_height: i64,
    columns: Vec<ColumnView<'a>>,
    lines: Vec<LineView>,
    boxes: Vec<BoxView<'a>>,
}

struct ColumnView<'a> {
    x: i64,
    heading: String,
    below: String,
    full: String,
    anchor: Option<&'a str>,
    apart: bool,
}

struct LineView {
    class: &'static str,
    path: String,
    title: String,
    /// Where the cross stands that marks a cut.
    mark: Option<(i64, i64)>,
}

struct BoxView<'a> {
    x: i64,
    y: i64,
    /// The link that opens the panel.
    link: Option<String>,
    title: String,
    subtitle: String,
    full: &'a str,
}

/// The `<svg>` element of a picture by waves.
pub(crate) fn render_waves(picture: &WavePicture, words: &Catalogue) -> String {
    let most = picture.columns.iter().map(|c| c.boxes.len()).max();
    let rows = most.unwrap_or(0).max(1) as f64;
    let height = HEAD + 2.0 * PADDING + (rows - 1.0) * ROW + BOX_HEIGHT;
    let places = places(picture);
    let drawing = Drawing {
        words,
        width: whole(left(picture.columns.len()) - LANE + PADDING + BOW),
        height: whole(height + 2.0 * MARGIN),
        column_width: whole(BOX_WIDTH + 2.0 * PADDING),
        column_height: whole(height),
        box_width: whole(BOX_WIDTH),
        box_height: whole(BOX_HEIGHT),
        columns: columns(picture),
        lines: lines(picture, &places, words),
        boxes: picture.boxes.iter().zip(&places).map(boxed).collect(),
    };
    drawing.render().expect("writing into a string cannot fail")
}

fn whole(x: f64) -> i64 {
    x.round() as i64
}

/// The left edge of the boxes of a column.
fn left(column: usize) -> f64 {
    MARGIN + PADDING + column as f64 * (BOX_WIDTH + LANE)
}

fn places(picture: &WavePicture) -> Vec<(f64, f64)> {
    let mut places = vec![(0.0, 0.0); picture.boxes.len()];
    for (column, drawn) in picture.columns.iter().enumerate() {
        for (row, at) in drawn.boxes.iter().enumerate() {
            if let Some(place) = places.get_mut(*at) {
                *place = (left(column), MARGIN + HEAD + PADDING + row as f64 * ROW);
            }
        }
    }
    places
}

fn columns(picture: &WavePicture) -> Vec<ColumnView<'_>> {
    let all = picture.columns.iter().enumerate();
    all.map(|(at, column)| ColumnView {
        x: whole(left(at) - PADDING),
        heading: fit(&column.heading, BOX_WIDTH, 8.4),
        below: fit(&column.below, BOX_WIDTH + 6.0, 6.2),
        full: format!("{} {}", column.heading, column.below)
            .trim_end()
            .to_owned(),
        anchor: column.anchor.as_deref(),
        apart: column.apart,
    })
    .collect()
}

fn boxed<'a>((one, place): (&'a WaveBox, &(f64, f64))) -> BoxView<'a> {
    BoxView {
        x: whole(place.0),
        y: whole(place.1),
        link: one.key.as_deref().map(link),
        title: fit(&one.title, TEXT_WIDTH, 7.5),
        subtitle: fit(&one.subtitle, TEXT_WIDTH, 6.3),
        full: &one.full,
    }
}

/// `#entity=ent-1`; whatever could mean something in a link is written as its bytes.
fn link(key: &str) -> String {
    let mut link = String::from("#entity=");
    for byte in crate::visible::visible(key).bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                link.push(char::from(byte));
            }
            byte => link.push_str(&format!("%{byte:02X}")),
        }
    }
    link
}

/// The side of a box at which a line begins or ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Left,
    Right,
}

fn sides(from: usize, to: usize) -> (Side, Side) {
    match from.cmp(&to) {
        std::cmp::Ordering::Less => (Side::Right, Side::Left),
        std::cmp::Ordering::Greater => (Side::Left, Side::Right),
        std::cmp::Ordering::Equal => (Side::Right, Side::Right),
    }
}

/// One end of a line at a box: how high the other end stands, which line, whether it begins here.
type End = (i64, usize, bool);

fn lines(picture: &WavePicture, places: &[(f64, f64)], words: &Catalogue) -> Vec<LineView> {
    let ports = ports(picture, places);
    let all = picture.lines.iter().enumerate();
    all.map(|(at, line)| {
        let (begin, end) = ports.get(at).copied().unwrap_or_default();
        let place = |node: usize| places.get(node).copied().unwrap_or_default();
        let (from_side, to_side) = sides(column(picture, line.from), column(picture, line.to));
        let x = |node: usize, side: Side| {
            place(node).0 + if side == Side::Right { BOX_WIDTH } else { 0.0 }
        };
        let (x1, x2) = (x(line.from, from_side), x(line.to, to_side));
        LineView {
            class: class(line),
            path: path((x1, begin, from_side), (x2, end, to_side)),
            title: title(line, picture, words),
            mark: line.crosses.then(|| mark((x1, begin), (x2, end))),
        }
    })
    .collect()
}

fn column(picture: &WavePicture, node: usize) -> usize {
    picture.boxes.get(node).map_or(0, |b| b.column)
}

/// The height of both ends of every line, spread over the side of its box.
fn ports(picture: &WavePicture, places: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut at_side: BTreeMap<(usize, Side), Vec<End>> = BTreeMap::new();
    let height = |node: usize| places.get(node).map_or(0.0, |place| place.1);
    for (at, line) in picture.lines.iter().enumerate() {
        let (from, to) = sides(column(picture, line.from), column(picture, line.to));
        let begins = (whole(height(line.to)), at, true);
        at_side.entry((line.from, from)).or_default().push(begins);
        let ends = (whole(height(line.from)), at, false);
        at_side.entry((line.to, to)).or_default().push(ends);
    }
    let mut ports = vec![(0.0, 0.0); picture.lines.len()];
    for ((node, _), mut ends) in at_side {
        ends.sort_unstable();
        let step = (BOX_HEIGHT * 0.76 / ends.len() as f64).min(9.0);
        let middle = height(node) + BOX_HEIGHT / 2.0;
        let first = middle - step * (ends.len() - 1) as f64 / 2.0;
        for (place, (_, line, begins)) in ends.into_iter().enumerate() {
            let y = first + step * place as f64;
            if let Some(port) = ports.get_mut(line) {
                if begins { port.0 = y } else { port.1 = y }
            }
        }
    }
    ports
}

fn path((x1, y1, begins): (f64, f64, Side), (x2, y2, ends): (f64, f64, Side)) -> String {
    let reach = |at: f64, side: Side, by: f64| {
        if side == Side::Right {
            at + by
        } else {
            at - by
        }
    };
    let bow = if begins == ends {
        BOW
    } else {
        (x2 - x1).abs() / 2.0
    };
    // Stop short of the box: the arrow head fills the rest.
    let x2 = reach(x2, ends, 5.0);
    let (c1, c2) = (reach(x1, begins, bow), reach(x2, ends, bow));
    format!("M{x1:.0} {y1:.0}C{c1:.0} {y1:.0} {c2:.0} {y2:.0} {x2:.0} {y2:.0}")
}

/// The point of a line in the middle of the first lane it runs through, where no box stands.
fn mark((x1, y1): (f64, f64), (x2, y2): (f64, f64)) -> (i64, i64) {
    let (dx, dy) = (x2 - x1, y2 - y1);
    let along = |t: f64| 1.5 * t * (1.0 - t) + t.powi(3);
    let wanted = LANE / 2.0 / dx.abs().max(LANE);
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..16 {
        let t = f64::midpoint(low, high);
        if along(t) < wanted { low = t } else { high = t }
    }
    let y = y1 + dy * (3.0 * low * low * (1.0 - low) + low.powi(3));
    (whole(x1 + dx * along(low)), whole(y))
}

fn class(line: &Line) -> &'static str {
    match (line.crosses, line.hidden) {
        (true, true) => "edge cut hidden",
        (true, false) => "edge cut",
        (false, true) => "edge hidden",
        (false, false) => "edge",
    }
}

fn title(line: &Line, picture: &WavePicture, words: &Catalogue) -> String {
    let name = |node: usize| picture.boxes.get(node).map_or("", |b| b.title.as_str());
    let kinds: Vec<&str> = line.kinds.iter().map(String::as_str).collect();
    let count = match line.count {
        0 | 1 => String::new(),
        many => format!(" × {}", number(many)),
    };
    let kinds = kinds.join(", ");
    let said = format!("{} → {}: {kinds}{count}", name(line.from), name(line.to));
    let heading = |node: usize| {
        let column = picture.columns.get(column(picture, node));
        column.map_or("", |c| c.heading.as_str())
    };
    match line.crosses {
        true => fill(
            words.waves_map_crosses,
            &[&said, heading(line.from), heading(line.to)],
        ),
        false => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_leaves_its_link() {
        assert_eq!(link("ent-1"), "#entity=ent-1");
        assert_eq!(link("\"><a%#"), "#entity=%22%3E%3Ca%25%23");
    }
}
