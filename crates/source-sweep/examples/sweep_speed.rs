//! The sweep alone, without the agent around it: what it costs and misses by itself. Prints `ip port` for each open TCP port.
//!
//! Arguments: `polite`, `unrestrained` or `connections`, a target, ports. Only for networks made for it: it takes them for a
//! laboratory, whatever the ceiling file says.

use std::io::Write;
use std::time::Duration;

use groma_model::batch::Said;
use groma_model::{Fact, Transport};
use groma_source::manners::{Ceiling, Network, Target, Targets};
use groma_source::{Budget, Recorder, Source, Stop, Window};
use groma_source_sweep::notes::NoNotes;
use groma_source_sweep::plan::LABORATORY_RATE;
use groma_source_sweep::ports::Ports;
use groma_source_sweep::{Plan, SweepSource};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [mode, target, ports, rate @ ..] = words.as_slice() else {
        return Err("sweep_speed polite|unrestrained|connections TARGET PORTS [RATE]".into());
    };
    let rate = rate
        .first()
        .map_or(Ok(LABORATORY_RATE), |text| text.parse())?;
    let everywhere = ["0.0.0.0/0", "::/0"].map(|text| Network::parse(text).ok_or("a network"));
    let ceiling = Ceiling {
        unrestrained: everywhere.into_iter().collect::<Result<_, _>>()?,
        ..Ceiling::default()
    };
    let mut plan = Plan::new(Targets::of(&[Target::parse(target)?], &[], &[])?, ceiling)?;
    plan.ports = Ports::parse(ports)?;
    plan.datagrams.clear();
    plan.by_calls = mode == "connections";
    if mode != "polite" {
        plan = plan.in_laboratory(rate)?;
    }
    let world = groma_sys::this_machine(false);
    let clock = world.clock.clone();
    let window = Window::open(
        clock,
        Stop::default(),
        Duration::ZERO,
        Duration::from_secs(3_600),
    );
    let mut source = SweepSource::new(world, groma_sys::wires(), Some(plan), Box::new(NoNotes));
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    let (mut out, mut error) = (std::io::stdout().lock(), std::io::stderr().lock());
    for fact in recorder.facts() {
        if let Fact::OpenPort(open) = fact
            && open.transport == Transport::Tcp
        {
            writeln!(out, "{} {}", open.address, open.port)?;
        }
    }
    for record in &recorder.records {
        match &record.said {
            Said::Covered(coverage) => {
                let how = coverage.how.as_deref().unwrap_or_default();
                writeln!(error, "{}: {how}", coverage.scope)?;
            }
            Said::Missed(gap) => writeln!(error, "{}", gap.what)?,
            Said::Saw(_) => {}
        }
    }
    Ok(())
}
