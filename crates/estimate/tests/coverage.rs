//! The intervals hold what they promise, on estates that were not drawn from the fitted models. The same estates in greater
//! number: `cargo run -p groma-estimate --example simulate`.

mod simulation;

use groma_fuzz::Chance;
use simulation::{Score, judge_dependencies, judge_hosts, median};

const ESTATES: usize = 200;
const SEED: u64 = 20_261_120;

fn holds(score: &Score, width_max: f64) {
    let said = score.said();
    let told = (
        said,
        score.coverage(),
        score.width(),
        score.below,
        score.above,
    );
    assert!(said * 10 >= ESTATES * 8, "silent too often: {told:?}");
    assert!(score.coverage() >= 0.85, "misses the truth: {told:?}");
    assert!(score.width() <= width_max, "says too little: {told:?}");
    assert!(
        median(&score.off).abs() <= 0.02,
        "leans: {}",
        median(&score.off)
    );
    let naive = score.naive_covered as f64 / said as f64;
    assert!(
        score.coverage() > naive,
        "the plain formula does as well: {naive}"
    );
}

#[test]
fn machines_of_independent_witnesses_are_counted() {
    holds(&judge_hosts(&mut Chance::new(SEED), ESTATES, false), 0.18);
}

#[test]
fn machines_of_witnesses_that_copy_each_other_are_counted() {
    holds(&judge_hosts(&mut Chance::new(SEED), ESTATES, true), 0.40);
}

#[test]
fn dependencies_are_counted() {
    holds(
        &judge_dependencies(&mut Chance::new(SEED), ESTATES, false),
        0.10,
    );
}

#[test]
fn dependencies_that_come_in_heaps_are_counted() {
    holds(
        &judge_dependencies(&mut Chance::new(SEED), ESTATES, true),
        0.12,
    );
}
