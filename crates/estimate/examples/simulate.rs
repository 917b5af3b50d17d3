//! How often the intervals cover the truth: `cargo run -p groma-estimate --example simulate -- ESTATES SEED`.
//!
//! `covers` is what counts: the share of the intervals that hold the truth of `docs/reference/estimate.md`. `low` and `high` say
//! on which side the others lay. Widths, errors and truths are medians, in percent of all there is. `steady` and `all` hold the
//! same intervals against two other truths, and `Chao` is the plain formula on the same estates.
#![expect(clippy::print_stdout, reason = "a program that prints a table")]

#[path = "../tests/simulation/mod.rs"]
mod simulation;

use groma_fuzz::Chance;
use simulation::{Score, judge_dependencies, judge_hosts, median};

fn main() {
    let mut arguments = arguments();
    let (estates, seed) = (arguments(1000), arguments(7));
    let many = usize::try_from(estates).unwrap_or(1000);
    println!("{estates} estates of each kind, seed {seed}");
    println!(
        "what         witnesses    said silent  covers   low  high   width error truth |  steady    all beyond |  Chao   all width"
    );
    for correlated in [false, true] {
        let score = judge_hosts(&mut Chance::new(seed), many, correlated);
        row("hosts", correlated, &score);
    }
    for correlated in [false, true] {
        let score = judge_dependencies(&mut Chance::new(seed), many, correlated);
        row("dependencies", correlated, &score);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this program is no part of the crate"
)]
fn arguments() -> impl FnMut(u64) -> u64 {
    let mut all = std::env::args().skip(1);
    move |otherwise| {
        all.next()
            .and_then(|text| text.parse().ok())
            .unwrap_or(otherwise)
    }
}

fn row(what: &str, correlated: bool, score: &Score) {
    let said = score.said().max(1) as f64;
    let percent = |n: usize| 100.0 * n as f64 / said;
    let middle = |of: &[f64]| 100.0 * median(of);
    println!(
        "{what:12} {:11} {:5} {:6}  {:5.1}% {:4.1}% {:4.1}%  {:5.1}% {:+4.1}% {:4.1}% |  {:5.1}% {:5.1}%  {:4.1}% | {:4.1}% {:4.1}% {:4.1}%",
        if correlated {
            "correlated"
        } else {
            "independent"
        },
        score.said(),
        score.silent,
        100.0 * score.coverage(),
        percent(score.below),
        percent(score.above),
        100.0 * score.width(),
        middle(&score.off),
        middle(&score.truths),
        percent(score.steady_covered),
        percent(score.all_covered),
        middle(&score.beyond),
        percent(score.naive_covered),
        percent(score.naive_all_covered),
        middle(&score.naive_widths),
    );
}
