//! All sources on the machine the tests run on: they end, close every scope, and say nothing twice.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use std::sync::Arc;

use groma_source::{Budget, Recorder, Stop, Window};

#[test]
fn every_source_ends_on_a_real_machine() {
    let world = groma_sys::this_machine(true);
    let clock = Arc::clone(&world.clock);
    let mut sources = groma_source_forward::sources(&world);
    sources.push(Box::new(groma_source_forward::RulesetSource::new(
        world.clone(),
    )));
    for mut source in sources {
        let window = Window::open(
            clock.clone(),
            Stop::default(),
            std::time::Duration::ZERO,
            std::time::Duration::from_secs(60),
        );
        let mut recorder = Recorder::new(source.name());
        source.look(&window, &Budget::default(), &mut recorder);
        assert!(recorder.coverage().count() > 0, "{:?}", source.name());
        let said: Vec<String> = recorder.facts().map(groma_model::Fact::says).collect();
        let gaps: Vec<String> = recorder
            .gaps()
            .map(|g| format!("{} {}", g.what, g.reason))
            .collect();
        assert!(said.iter().chain(&gaps).all(|line| !line.is_empty()));
    }
}

#[test]
fn the_explanation_names_what_is_read() {
    let world = groma_sys::this_machine(true);
    for source in groma_source_forward::sources(&world) {
        let explanation = source.explain();
        assert!(!explanation.reads.is_empty() && !explanation.never_sends.is_empty());
        assert!(explanation.contacts.is_empty());
    }
}
