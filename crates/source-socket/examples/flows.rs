//! Connections of this machine as they happen: `flows SECONDS [every-connection|by-program|every-end|polled]`.
//!
//! Prints one JSON line for each fact, coverage and gap. The bench measures each tier with it.

#![allow(clippy::print_stdout, reason = "an example prints")]

#[cfg(target_os = "linux")]
fn main() {
    use std::time::Duration;

    use groma_source::{Budget, Recorder, Source, Stop, Window};
    use groma_source_socket::FlowSource;
    use groma_source_socket::flow::Tier;

    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().and_then(|s| s.parse().ok()).unwrap_or(10);
    let tier = match arguments.next().as_deref() {
        Some("polled") => Tier::Polled,
        Some("by-program") => Tier::EveryConnectionByProgram,
        Some("every-end") => Tier::EveryEnd,
        _ => Tier::EveryConnection,
    };
    let world = groma_sys::this_machine(true);
    let watch = Duration::from_secs(seconds);
    let limit = watch + Duration::from_secs(60);
    let window = Window::open(world.clock.clone(), Stop::default(), watch, limit);
    let mut source = FlowSource::new(world, groma_sys::kernel_events()).at_most(tier);
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    for record in &recorder.records {
        println!(
            "{}",
            serde_json::to_string(&record.said).unwrap_or_default()
        );
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {}
