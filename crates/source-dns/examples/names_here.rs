//! Prints what this machine's resolvers say about the names and addresses given as arguments, one JSON
//! record per line. `--offline` first asks nobody but this machine.

use std::io::Write;
use std::time::Duration;

use groma_model::Peer;
use groma_source::{Budget, Recorder, Source, Stop, Window};
use groma_source_dns::NamesSource;

fn main() -> std::io::Result<()> {
    let offline = std::env::args()
        .nth(1)
        .is_some_and(|word| word == "--offline");
    let world = groma_sys::this_machine(offline);
    let questions = std::env::args()
        .skip(1)
        .filter_map(|word| Peer::parse(&word))
        .collect();
    let mut source = NamesSource::new(world.clone(), questions);
    let mut recorder = Recorder::new(source.name());
    let window = Window::open(
        world.clock.clone(),
        Stop::default(),
        Duration::ZERO,
        Duration::from_secs(30),
    );
    source.look(&window, &Budget::default(), &mut recorder);
    let mut out = std::io::stdout().lock();
    for record in &recorder.records {
        writeln!(
            out,
            "{}",
            serde_json::to_string(record).map_err(std::io::Error::other)?
        )?;
    }
    Ok(())
}
