//! The model of capture: each list has a strength, each machine an ease, and both add up (Rasch 1960; Darroch, Fienberg,
//! Glonek and Junker 1993; Coull and Agresti 1999).
//!
//! `logit P(list j has machine i) = strength j + spread · ease i`, the ease spread as a normal distribution. How unlike
//! machines are (`spread`) is the great unknown, and with two lists nothing tells it: so it is not chosen but tried, from
//! none to a lot, and each value counts as much as prior belief and the overlaps speak for it (integrated likelihood,
//! Laplace's approximation). That is what makes the interval wide enough where witnesses are correlated.

use crate::spread::Possibility;

/// How unlike machines may be, and how much that is believed before anything is seen, compared with the others.
const SPREADS: [(f64, f64); 5] = [
    (0.0, 0.45),
    (0.7, 0.26),
    (1.4, 0.26),
    (2.1, 0.17),
    (2.8, 0.09),
];
/// Machines that keep silent: their share, by how much they are harder to find (in logits), and how much that is
/// believed, compared with the others.
const QUIET: [(f64, f64, f64); 5] = [
    (0.0, 0.0, 2.0),
    (0.1, 2.0, 0.14),
    (0.1, 3.5, 0.12),
    (0.3, 2.0, 0.14),
    (0.3, 3.5, 0.10),
];
/// Most that spread and silence are tried at where there are two lists.
const UNLIKE_OF_TWO: f64 = 2.0;
/// How much of what the overlaps say is believed: no machine is as independent as the model has it.
const TRUST: f64 = 0.7;
/// Standard deviation of what is believed of a list's strength (in logits) before anything is seen.
const STRENGTH_BELIEVED: f64 = 2.5;
/// Eases (normal deviates) at which machines are reckoned.
const EASES: usize = 13;
/// Normal deviates at which the odds of being missed are reckoned.
const ODDS: [f64; 7] = [-2.1, -1.4, -0.7, 0.0, 0.7, 1.4, 2.1];
/// Rounds of climbing, and the step by which slopes are taken.
const ROUNDS: usize = 25;
const STEP: f64 = 1e-3;

/// How many machines have which history.
pub(crate) struct Cells {
    /// Number of lists, at least two.
    pub(crate) lists: usize,
    /// History and machines with it; no history is empty.
    pub(crate) counts: Vec<(u32, f64)>,
}

/// What the number of missed machines may be.
pub(crate) fn possibilities(cells: &Cells) -> Vec<Possibility> {
    let mut fits = Vec::new();
    // Two lists cannot tell how unlike machines are: the extremes would be mere fear.
    let most = if cells.lists == 2 {
        UNLIKE_OF_TWO
    } else {
        f64::INFINITY
    };
    for (spread, believed) in SPREADS.into_iter().filter(|(spread, _)| *spread <= most) {
        for (quiet, harder, as_well) in QUIET.into_iter().filter(|(_, h, _)| *h <= most) {
            let model = Model {
                cells,
                spread,
                quiet,
                harder,
            };
            fits.push((Fit::of(&model), believed * as_well));
        }
    }
    let best = fits.iter().map(|(fit, _)| fit.evidence);
    let best = best.fold(f64::NEG_INFINITY, f64::max);
    let many: f64 = cells.counts.iter().map(|(_, count)| count).sum();
    let mut all = Vec::new();
    for (fit, believed) in &fits {
        for deviate in ODDS {
            let odds = (fit.log_odds + deviate * fit.error).exp();
            all.push(Possibility {
                weight: believed
                    * (TRUST * (fit.evidence - best)).exp()
                    * (-deviate * deviate / 2.0_f64).exp(),
                mean: many * odds,
                shape: many,
                scale: 1.0,
            });
        }
    }
    all
}

/// The model at one spread.
struct Fit {
    /// Log of how well it explains the histories, integrated over the strengths.
    evidence: f64,
    /// Log odds of a machine being missed by all lists, and their standard error.
    log_odds: f64,
    error: f64,
}

impl Fit {
    fn of(model: &Model<'_>) -> Self {
        let (strengths, curvature) = model.climb();
        let slopes = model.slopes_of_odds(&strengths);
        let solved = solve(&curvature, &slopes);
        let variance: f64 = solved.as_ref().map_or(4.0, |(solved, _)| {
            solved.iter().zip(&slopes).map(|(a, b)| a * b).sum()
        });
        let volume = solved.map_or(0.0, |(_, determinant)| determinant.max(1e-12).ln());
        Self {
            evidence: model.fit(&strengths) - volume / 2.0,
            log_odds: model.log_odds(&strengths),
            error: variance.clamp(0.0, 9.0).sqrt(),
        }
    }
}

struct Model<'a> {
    cells: &'a Cells,
    spread: f64,
    quiet: f64,
    harder: f64,
}

impl Model<'_> {
    /// Chance of each history in `wanted`, the ease integrated out.
    fn chances(&self, strengths: &[f64], wanted: impl Iterator<Item = u32> + Clone) -> Vec<f64> {
        let mut chances = vec![0.0; wanted.clone().count()];
        let mut all = 0.0;
        for (ease, weight) in self.eases() {
            all += weight;
            let met: Vec<f64> = strengths
                .iter()
                .map(|strength| 1.0 / (1.0 + (-strength - ease).exp()))
                .collect();
            for (chance, history) in chances.iter_mut().zip(wanted.clone()) {
                let each = met.iter().enumerate().map(|(list, met)| {
                    if history >> list & 1 == 1 {
                        *met
                    } else {
                        1.0 - met
                    }
                });
                *chance += weight * each.product::<f64>();
            }
        }
        chances.iter().map(|chance| chance / all).collect()
    }

    /// Eases (in logits) at which machines are reckoned, each with its weight.
    fn eases(&self) -> Vec<(f64, f64)> {
        let many = if self.spread > 0.0 { EASES } else { 1 };
        let classes = [(1.0 - self.quiet, 0.0), (self.quiet, self.harder)];
        let classes = classes.into_iter().filter(|(share, _)| *share > 0.0);
        let bell = (0..many).map(|at| {
            let deviate = (at as f64 - (many - 1) as f64 / 2.0) * 6.0 / (EASES - 1) as f64;
            (deviate * self.spread, (-deviate * deviate / 2.0).exp())
        });
        let all: f64 = bell.clone().map(|(_, weight)| weight).sum();
        classes
            .flat_map(|(share, harder)| {
                bell.clone()
                    .map(move |(ease, weight)| (ease - harder, share * weight / all))
            })
            .collect()
    }

    /// Log likelihood of the histories, given that each machine was met, with what is believed of strengths.
    fn fit(&self, strengths: &[f64]) -> f64 {
        let wanted = self.cells.counts.iter().map(|(history, _)| *history);
        let chances = self.chances(strengths, wanted.chain([0]));
        let missed = chances.last().copied().unwrap_or(0.0);
        let met = (1.0 - missed).max(1e-12).ln();
        let seen = self.cells.counts.iter().zip(&chances);
        let seen = seen.map(|((_, count), chance)| count * (chance.max(1e-300).ln() - met));
        let believed = strengths
            .iter()
            .map(|s| (s / STRENGTH_BELIEVED).powi(2) / 2.0);
        seen.sum::<f64>() - believed.sum::<f64>()
    }

    fn log_odds(&self, strengths: &[f64]) -> f64 {
        let missed = self.chances(strengths, std::iter::once(0));
        let missed = missed
            .first()
            .copied()
            .unwrap_or(0.0)
            .clamp(1e-12, 1.0 - 1e-12);
        (missed / (1.0 - missed)).ln()
    }

    /// The strengths that explain best, and the curvature there (positive where it is a top). Newton's steps, halved where
    /// they lead down.
    fn climb(&self) -> (Vec<f64>, Vec<Vec<f64>>) {
        let mut at = self.begin();
        for _ in 0..ROUNDS {
            let (slopes, curvature) = self.shape(&at);
            let Some((step, _)) = solve(&damped(&curvature), &slopes) else {
                break;
            };
            let Some(next) = self.step(&at, &step) else {
                break;
            };
            at = next;
            if step.iter().all(|s| s.abs() < 1e-4) {
                break;
            }
        }
        let (_, curvature) = self.shape(&at);
        (at, curvature)
    }

    fn begin(&self) -> Vec<f64> {
        let all: f64 = self.cells.counts.iter().map(|(_, count)| count).sum();
        (0..self.cells.lists)
            .map(|list| {
                let has = self.cells.counts.iter().filter(|(h, _)| h >> list & 1 == 1);
                let has: f64 = has.map(|(_, count)| count).sum();
                let share = (has + 0.5) / (all * 1.2 + 1.0);
                (share / (1.0 - share)).ln()
            })
            .collect()
    }

    fn step(&self, at: &[f64], step: &[f64]) -> Option<Vec<f64>> {
        let now = self.fit(at);
        let mut share = 1.0;
        for _ in 0..12 {
            let next = at.iter().zip(step);
            let next: Vec<f64> = next.map(|(a, s)| a + share * s.clamp(-2.0, 2.0)).collect();
            if self.fit(&next) > now {
                return Some(next);
            }
            share /= 2.0;
        }
        None
    }

    /// Slope and curvature (its negative) of the fit.
    fn shape(&self, at: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>) {
        let moved = |list: usize, by: f64, other: usize, by_other: f64| {
            let mut moved = at.to_vec();
            for (place, by) in [(list, by), (other, by_other)] {
                if let Some(strength) = moved.get_mut(place) {
                    *strength += by;
                }
            }
            self.fit(&moved)
        };
        let (many, here) = (at.len(), self.fit(at));
        let up: Vec<f64> = (0..many).map(|i| moved(i, STEP, i, 0.0)).collect();
        let down: Vec<f64> = (0..many).map(|i| moved(i, -STEP, i, 0.0)).collect();
        let pairs = up.iter().zip(&down);
        let slopes = pairs.map(|(u, d)| (u - d) / (2.0 * STEP)).collect();
        let both = |i: usize, j: usize| {
            let of = |all: &[f64], list: usize| all.get(list).copied().unwrap_or(here);
            if i == j {
                2.0 * here - of(&up, i) - of(&down, i)
            } else {
                of(&up, i) + of(&up, j) - here - moved(i, STEP, j, STEP)
            }
        };
        let mut curvature = vec![vec![0.0; many]; many];
        for i in 0..many {
            for j in 0..=i {
                let bent = both(i, j) / (STEP * STEP);
                for (row, column) in [(i, j), (j, i)] {
                    if let Some(cell) = curvature
                        .get_mut(row)
                        .and_then(|r: &mut Vec<f64>| r.get_mut(column))
                    {
                        *cell = bent;
                    }
                }
            }
        }
        (slopes, curvature)
    }

    fn slopes_of_odds(&self, at: &[f64]) -> Vec<f64> {
        (0..at.len())
            .map(|list| {
                let moved = |by: f64| {
                    let mut moved = at.to_vec();
                    if let Some(strength) = moved.get_mut(list) {
                        *strength += by;
                    }
                    self.log_odds(&moved)
                };
                (moved(STEP) - moved(-STEP)) / (2.0 * STEP)
            })
            .collect()
    }
}

/// The same matrix with a little more on its diagonal: far from the top the curvature may point anywhere.
fn damped(curvature: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut damped = curvature.to_vec();
    for (at, row) in damped.iter_mut().enumerate() {
        if let Some(cell) = row.get_mut(at) {
            *cell = cell.max(0.0) * 1.02 + 1e-3;
        }
    }
    damped
}

/// Solves `matrix · x = right` by elimination, with the determinant; `None` where it has none of note.
fn solve(matrix: &[Vec<f64>], right: &[f64]) -> Option<(Vec<f64>, f64)> {
    let mut rows: Vec<Vec<f64>> = matrix
        .iter()
        .zip(right)
        .map(|(row, right)| row.iter().copied().chain([*right]).collect())
        .collect();
    let mut determinant = 1.0;
    for column in 0..rows.len() {
        let size = |row: &Vec<f64>| row.get(column).map_or(0.0, |x| x.abs());
        let below = rows.iter().enumerate().skip(column);
        let (at, _) = below.max_by(|a, b| size(a.1).total_cmp(&size(b.1)))?;
        if at != column {
            rows.swap(at, column);
            determinant = -determinant;
        }
        let pivot = rows.get(column)?.clone();
        let head = *pivot.get(column)?;
        if !head.is_finite() || head.abs() < 1e-12 {
            return None;
        }
        determinant *= head;
        for (_, row) in rows.iter_mut().enumerate().filter(|(at, _)| *at != column) {
            let times = row.get(column)? / head;
            row.iter_mut()
                .zip(&pivot)
                .for_each(|(x, p)| *x -= times * p);
        }
    }
    let answer = rows
        .iter()
        .enumerate()
        .map(|(at, row)| Some(row.last()? / row.get(at)?));
    Some((answer.collect::<Option<Vec<_>>>()?, determinant))
}
