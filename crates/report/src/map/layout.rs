//! Where the boxes stand and how the lines run. The same picture always gives the same places.
//!
//! Bands lie above each other by layer. Within a band the boxes are ordered by the mean place of their
//! neighbours (barycentre sweeps), then pulled towards it as far as they do not touch. A line that passes a
//! row of boxes goes through the nearest gap between two of them, never behind one.

use std::collections::BTreeMap;

use super::{Band, Picture};

/// Width of a box, in units of the drawing (CSS pixels at natural size).
pub(crate) const BOX_WIDTH: f64 = 176.0;
/// Height of a box.
pub(crate) const BOX_HEIGHT: f64 = 46.0;
/// Space left of the bands for their headings.
pub(crate) const GUTTER: f64 = 142.0;
const COLUMN: f64 = BOX_WIDTH + 26.0;
const ROW: f64 = BOX_HEIGHT + 42.0;
const PADDING: f64 = 24.0;
const BAND_GAP: f64 = 10.0;
const MARGIN: f64 = 14.0;
const SWEEPS: usize = 12;

/// A band as it is drawn.
pub(crate) struct PlacedBand {
    pub(crate) band: Band,
    pub(crate) top: f64,
    pub(crate) height: f64,
}

/// The finished places.
pub(crate) struct Layout {
    pub(crate) width: f64,
    /// Height without the folded band.
    pub(crate) height: f64,
    /// Height with it.
    pub(crate) full_height: f64,
    pub(crate) bands: Vec<PlacedBand>,
    /// Left upper corner of each box.
    pub(crate) places: Vec<(f64, f64)>,
    /// The path of each line, as SVG path data.
    pub(crate) paths: Vec<String>,
}

impl Layout {
    /// Places `picture`.
    pub(crate) fn of(picture: &Picture) -> Self {
        let mut rows = Rows::of(picture);
        let neighbours = neighbours(picture);
        for sweep in 0..SWEEPS {
            rows.sweep(picture, &neighbours, sweep % 2 == 0);
        }
        let (bands, tops, height, full_height) = rows.stack();
        let row_of = rows.row_of(picture.nodes.len());
        let top = |row: usize| tops.get(row).copied().unwrap_or_default();
        let places: Vec<(f64, f64)> = rows
            .x
            .iter()
            .zip(&row_of)
            .map(|(x, row)| (x.round(), top(*row)))
            .collect();
        let paths = Router {
            picture,
            places: &places,
            row_of: &row_of,
            tops: &tops,
            rows: &rows,
        }
        .paths();
        Self {
            width: rows.width + MARGIN,
            height,
            full_height,
            bands,
            places,
            paths,
        }
    }
}

/// For each box the boxes it has lines with, and how wide they are.
fn neighbours(picture: &Picture) -> Vec<Vec<usize>> {
    let mut neighbours = vec![Vec::new(); picture.nodes.len()];
    for edge in picture.edges.iter().filter(|e| !e.shared) {
        for (this, other) in [(edge.from, edge.to), (edge.to, edge.from)] {
            if let Some(list) = neighbours.get_mut(this) {
                list.push(other);
            }
        }
    }
    neighbours
}

struct Rows {
    /// Bands from the top down, each with its boxes in order.
    bands: Vec<(Band, Vec<usize>)>,
    columns: usize,
    width: f64,
    /// Left edge of each box.
    x: Vec<f64>,
}

impl Rows {
    fn of(picture: &Picture) -> Self {
        let mut by_band: BTreeMap<Band, Vec<usize>> = BTreeMap::new();
        for (at, node) in picture.nodes.iter().enumerate() {
            by_band.entry(node.band).or_default().push(at);
        }
        for members in by_band.values_mut() {
            members.sort_by_key(|at| picture.nodes.get(*at).map(|n| (&n.title, &n.key)));
        }
        let widest = by_band.values().map(Vec::len).max().unwrap_or(0);
        let balanced = ((picture.nodes.len() as f64) * 1.3).sqrt().ceil() as usize;
        let columns = widest.min(balanced.clamp(5, 11)).max(1);
        let bands = by_band.into_iter().rev().collect();
        let width = GUTTER + columns.max(4) as f64 * COLUMN;
        let mut rows = Self {
            bands,
            columns,
            width,
            x: vec![0.0; picture.nodes.len()],
        };
        for at in 0..rows.bands.len() {
            rows.place(at, &BTreeMap::new());
        }
        rows
    }

    /// Orders every band by where its neighbours stand, from the top down or from the bottom up.
    fn sweep(&mut self, picture: &Picture, neighbours: &[Vec<usize>], down: bool) {
        let count = self.bands.len();
        for step in 0..count {
            let at = if down { step } else { count - 1 - step };
            let Some((_, members)) = self.bands.get(at) else {
                continue;
            };
            let wish = |node: &usize| -> Option<f64> {
                let around = neighbours.get(*node).filter(|n| !n.is_empty())?;
                let sum: f64 = around.iter().filter_map(|n| self.x.get(*n)).sum();
                Some(sum / around.len() as f64)
            };
            let wishes: BTreeMap<usize, f64> = members
                .iter()
                .filter_map(|n| Some((*n, wish(n)?)))
                .collect();
            if let Some((_, members)) = self.bands.get_mut(at) {
                // What nobody needs and needs nobody stands at the end, by name.
                members.sort_by(|a, b| {
                    let x = |n: &usize| wishes.get(n).copied().unwrap_or(f64::MAX);
                    let name = |n: &usize| picture.nodes.get(*n).map(|n| (&n.title, &n.key));
                    x(a).total_cmp(&x(b)).then_with(|| name(a).cmp(&name(b)))
                });
            }
            self.place(at, &wishes);
        }
    }

    fn rows_in(&self, members: usize) -> usize {
        members.div_ceil(self.columns).max(1)
    }

    /// Places one band: columns of equal height, pulled towards the wishes of their boxes without touching.
    fn place(&mut self, at: usize, wishes: &BTreeMap<usize, f64>) {
        let Some((_, members)) = self.bands.get(at) else {
            return;
        };
        let high = self.rows_in(members.len());
        let columns: Vec<&[usize]> = members.chunks(high).collect();
        let middle = (self.width - GUTTER - columns.len() as f64 * COLUMN) / 2.0;
        let wish = |(place, column): (usize, &&[usize])| {
            let known: Vec<f64> = column
                .iter()
                .filter_map(|n| wishes.get(n).copied())
                .collect();
            match known.len() {
                0 => GUTTER + middle + place as f64 * COLUMN,
                n => known.iter().sum::<f64>() / n as f64,
            }
        };
        let wanted: Vec<f64> = columns.iter().enumerate().map(wish).collect();
        let left = spread(&wanted, GUTTER, self.width - COLUMN + 13.0);
        let placed: Vec<(usize, f64)> = columns
            .iter()
            .zip(left)
            .flat_map(|(column, x)| column.iter().map(move |n| (*n, x)))
            .collect();
        for (node, x) in placed {
            if let Some(slot) = self.x.get_mut(node) {
                *slot = x;
            }
        }
    }

    /// Bands with their places, the top of every row, the height without and with the folded band.
    fn stack(&self) -> (Vec<PlacedBand>, Vec<f64>, f64, f64) {
        let (mut bands, mut tops) = (Vec::new(), Vec::new());
        let (mut y, mut open) = (MARGIN, 0.0);
        for (band, members) in &self.bands {
            let apart = matches!(band, Band::Outside | Band::Shared);
            y += if apart { BAND_GAP * 2.0 } else { 0.0 };
            let rows = self.rows_in(members.len());
            let height = (rows - 1) as f64 * ROW + BOX_HEIGHT + 2.0 * PADDING;
            tops.extend((0..rows).map(|row| y + PADDING + row as f64 * ROW));
            bands.push(PlacedBand {
                band: *band,
                top: y,
                height,
            });
            y += height + BAND_GAP;
            if *band != Band::Shared {
                open = y;
            }
        }
        (
            bands,
            tops,
            open.max(BOX_HEIGHT) + MARGIN,
            y.max(BOX_HEIGHT) + MARGIN,
        )
    }

    /// The row of each box, counted over all bands from the top.
    fn row_of(&self, nodes: usize) -> Vec<usize> {
        let mut row_of = vec![0; nodes];
        let mut first = 0;
        for (_, members) in &self.bands {
            let high = self.rows_in(members.len());
            for (place, node) in members.iter().enumerate() {
                if let Some(row) = row_of.get_mut(*node) {
                    *row = first + place % high;
                }
            }
            first += high;
        }
        row_of
    }
}

/// Places near `wanted` (ascending order kept) that are at least a column apart, between `low` and `high`.
fn spread(wanted: &[f64], low: f64, high: f64) -> Vec<f64> {
    let mut right: Vec<f64> = Vec::with_capacity(wanted.len());
    for wish in wanted {
        let least = right.last().map_or(low, |x| x + COLUMN);
        right.push(wish.max(least));
    }
    let mut left: Vec<f64> = Vec::with_capacity(wanted.len());
    for wish in wanted.iter().rev() {
        let most = left.last().map_or(high, |x| x - COLUMN);
        left.push(wish.min(most));
    }
    left.reverse();
    let mut middle: Vec<f64> = right
        .iter()
        .zip(&left)
        .map(|(r, l)| f64::midpoint(*r, *l))
        .collect();
    let mut most = high;
    for x in middle.iter_mut().rev() {
        *x = x.min(most);
        most = *x - COLUMN;
    }
    let mut least = low;
    for x in &mut middle {
        *x = x.max(least);
        least = *x + COLUMN;
    }
    middle
}

struct Router<'a> {
    picture: &'a Picture,
    places: &'a [(f64, f64)],
    row_of: &'a [usize],
    tops: &'a [f64],
    rows: &'a Rows,
}

/// The end of a line at one side of a box: where it comes from, which line, whether it begins here.
type Port = (i64, usize, bool);

/// Where a line touches a box.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Top,
    Bottom,
}

impl Router<'_> {
    fn paths(&self) -> Vec<String> {
        let gaps = self.gaps();
        let ports = self.ports();
        let edges = self.picture.edges.iter().enumerate();
        edges
            .map(|(at, edge)| self.path(at, edge.from, edge.to, &ports, &gaps))
            .collect()
    }

    fn place(&self, node: usize) -> (f64, f64) {
        self.places.get(node).copied().unwrap_or_default()
    }

    fn row(&self, node: usize) -> usize {
        self.row_of.get(node).copied().unwrap_or_default()
    }

    /// Sides of the two ends: down, up, or a bow below a row.
    fn sides(&self, from: usize, to: usize) -> (Side, Side) {
        match self.row(from).cmp(&self.row(to)) {
            std::cmp::Ordering::Less => (Side::Bottom, Side::Top),
            std::cmp::Ordering::Greater => (Side::Top, Side::Bottom),
            std::cmp::Ordering::Equal => (Side::Bottom, Side::Bottom),
        }
    }

    /// The horizontal place of both ends of every line, spread over the side of its box.
    fn ports(&self) -> Vec<(f64, f64)> {
        let mut at_side: BTreeMap<(usize, Side), Vec<Port>> = BTreeMap::new();
        for (at, edge) in self.picture.edges.iter().enumerate() {
            let (from_side, to_side) = self.sides(edge.from, edge.to);
            let toward = |node: usize| self.place(node).0.round() as i64;
            at_side
                .entry((edge.from, from_side))
                .or_default()
                .push((toward(edge.to), at, true));
            at_side
                .entry((edge.to, to_side))
                .or_default()
                .push((toward(edge.from), at, false));
        }
        let mut ports = vec![(0.0, 0.0); self.picture.edges.len()];
        for ((node, _), mut ends) in at_side {
            ends.sort_unstable();
            let step = (BOX_WIDTH * 0.7 / ends.len() as f64).min(18.0);
            let first = self.place(node).0 + BOX_WIDTH / 2.0 - step * (ends.len() - 1) as f64 / 2.0;
            for (place, (_, edge, begins)) in ends.into_iter().enumerate() {
                let x = first + step * place as f64;
                if let Some(port) = ports.get_mut(edge) {
                    if begins { port.0 = x } else { port.1 = x }
                }
            }
        }
        ports
    }

    /// Free stretches of every row, from left to right.
    fn gaps(&self) -> Vec<Vec<(f64, f64)>> {
        let mut taken: Vec<Vec<f64>> = vec![Vec::new(); self.tops.len()];
        for (node, (x, _)) in self.places.iter().enumerate() {
            if let Some(row) = taken.get_mut(self.row(node)) {
                row.push(*x);
            }
        }
        taken
            .into_iter()
            .map(|row| free(row, self.rows.width))
            .collect()
    }

    fn path(
        &self,
        at: usize,
        from: usize,
        to: usize,
        ports: &[(f64, f64)],
        gaps: &[Vec<(f64, f64)>],
    ) -> String {
        let (begin, end) = ports.get(at).copied().unwrap_or_default();
        let (from_side, to_side) = self.sides(from, to);
        let edge_of = |node: usize, side: Side| {
            self.place(node).1 + if side == Side::Top { 0.0 } else { BOX_HEIGHT }
        };
        let (y1, y2) = (edge_of(from, from_side), edge_of(to, to_side));
        if from_side == to_side {
            let depth = (18.0 + (end - begin).abs() / 40.0).min(34.0);
            return format!(
                "M{begin:.0} {y1:.0}C{begin:.0} {:.0} {end:.0} {:.0} {end:.0} {:.0}",
                y1 + depth,
                y2 + depth,
                y2 + 5.0
            );
        }
        let down = from_side == Side::Bottom;
        let (first, last) = (self.row(from), self.row(to));
        let between: Vec<usize> = if down {
            (first + 1..last).collect()
        } else {
            (last + 1..first).rev().collect()
        };
        let mut path = format!("M{begin:.0} {y1:.0}");
        let (mut x, mut y) = (begin, y1);
        let steps = between.len() as f64 + 1.0;
        for (step, row) in between.into_iter().enumerate() {
            let Some(top) = self.tops.get(row).copied() else {
                continue;
            };
            let straight = begin + (end - begin) * (step as f64 + 1.0) / steps;
            let passing = through(gaps.get(row).map_or(&[], Vec::as_slice), straight, at);
            let (enter, leave) = if down {
                (top, top + BOX_HEIGHT)
            } else {
                (top + BOX_HEIGHT, top)
            };
            path.push_str(&curve(x, y, passing, enter));
            path.push_str(&format!("V{leave:.0}"));
            (x, y) = (passing, leave);
        }
        // Stop short of the box: the arrow head fills the rest.
        path.push_str(&curve(x, y, end, if down { y2 - 5.0 } else { y2 + 5.0 }));
        path
    }
}

/// A curve that leaves and arrives vertically.
fn curve(x1: f64, y1: f64, x2: f64, y2: f64) -> String {
    let middle = f64::midpoint(y1, y2);
    format!("C{x1:.0} {middle:.0} {x2:.0} {middle:.0} {x2:.0} {y2:.0}")
}

fn free(mut taken: Vec<f64>, width: f64) -> Vec<(f64, f64)> {
    const CLEAR: f64 = 5.0;
    taken.sort_by(f64::total_cmp);
    let mut gaps = Vec::with_capacity(taken.len() + 1);
    let mut left = GUTTER - 20.0;
    for x in taken {
        if x - CLEAR > left {
            gaps.push((left, x - CLEAR));
        }
        left = x + BOX_WIDTH + CLEAR;
    }
    gaps.push((left, (width + MARGIN).max(left + CLEAR)));
    gaps
}

/// The free place nearest to `wanted`; lines that share a gap keep a little apart.
fn through(gaps: &[(f64, f64)], wanted: f64, line: usize) -> f64 {
    let distance = |(low, high): &(f64, f64)| (wanted - wanted.clamp(*low, *high)).abs();
    let nearest = gaps
        .iter()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)));
    let Some((low, high)) = nearest else {
        return wanted;
    };
    if wanted > *low && wanted < *high {
        return wanted;
    }
    let inset = ((line % 5) as f64 * 3.0 + 2.0).min((high - low) / 2.0);
    if wanted <= *low {
        low + inset
    } else {
        high - inset
    }
}
