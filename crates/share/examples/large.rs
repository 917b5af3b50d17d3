//! How long it takes: `cargo run --release -p groma-share --example large -- HOSTS DEPENDENCIES`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "an example that measures"
)]

#[path = "../../report/tests/sample/mod.rs"]
mod sample;

fn main() {
    let mut numbers = std::env::args().skip(1).map(|n| n.parse().unwrap());
    let (hosts, dependencies) = (
        numbers.next().unwrap_or(1000),
        numbers.next().unwrap_or(20_000),
    );
    let estate = sample::large(hosts, dependencies);
    let begin = std::time::Instant::now();
    let shared = groma_share::share(&estate, &groma_share::ShareKey::new([1; 32])).unwrap();
    println!(
        "{} entities, {} dependencies, {} facts, {} names: {} ms",
        shared.inventory.entities.len(),
        shared.inventory.dependencies.len(),
        shared.inventory.evidence.len(),
        shared.names.len(),
        begin.elapsed().as_millis()
    );
    std::mem::forget((estate, shared));
}
