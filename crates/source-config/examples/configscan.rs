//! Prints every reference written down below a directory: `configscan TREE`, or only how many per file, as
//! `rg -c` does: `configscan --count TREE`. For measuring, and for looking.
#![allow(clippy::print_stderr, reason = "an example for a terminal")]

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::time::Duration;

use groma_model::{Coverage, Fact, Foreign, Gap, Observation};
use groma_source::{Budget, Sink, Source, Stop, Window};
use groma_source_config::ConfigSource;

struct Printer {
    count: bool,
    last: (Foreign, u64),
    out: BufWriter<std::io::Stdout>,
    references: u64,
    gaps: u64,
}

impl Printer {
    fn tally(&mut self, file: Foreign) {
        if self.last.0 != file {
            self.flush();
            self.last = (file, 0);
        }
        self.last.1 += 1;
    }

    fn flush(&mut self) {
        if self.last.1 > 0 {
            let _ = writeln!(self.out, "{}:{}", self.last.0, self.last.1);
        }
    }
}

impl Sink for Printer {
    fn saw(&mut self, observation: Observation) {
        if let Fact::Reference(reference) = observation.fact {
            self.references += 1;
            if self.count {
                return self.tally(reference.file);
            }
            let port = reference
                .port
                .map_or_else(|| "-".to_owned(), |p| p.to_string());
            let line = (
                &reference.file,
                reference.line,
                &reference.key,
                &reference.kind,
                &reference.peer,
                port,
                &reference.rule,
            );
            let _ = writeln!(
                self.out,
                "{}:{} {} -> {} {}:{} ({}, {}, account {:?}, resource {:?})",
                line.0,
                line.1,
                line.2,
                line.3,
                line.4,
                line.5,
                line.6,
                reference.component.name,
                reference.account,
                reference.resource
            );
        }
    }
    fn missed(&mut self, gap: Gap) {
        self.gaps += 1;
        let _ = writeln!(self.out, "gap: {} {}: {}", gap.scope, gap.what, gap.reason);
    }
    fn covered(&mut self, _: Coverage) {}
}

fn main() {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let count = words.first().is_some_and(|w| w == "--count");
    let roots: Vec<PathBuf> = words
        .into_iter()
        .skip(usize::from(count))
        .map(PathBuf::from)
        .collect();
    let world = groma_sys::this_machine(true);
    let window = Window::open(
        world.clock.clone(),
        Stop::default(),
        Duration::ZERO,
        Duration::from_secs(3600),
    );
    let mut sink = Printer {
        count,
        last: (Foreign::default(), 0),
        out: BufWriter::new(std::io::stdout()),
        references: 0,
        gaps: 0,
    };
    let budget = Budget {
        observations_max: u64::MAX,
        ..Budget::default()
    };
    let mut source = if roots.is_empty() {
        ConfigSource::new(world)
    } else {
        ConfigSource::with_roots(world, roots)
    };
    source.look(&window, &budget, &mut sink);
    sink.flush();
    let _ = sink.out.flush();
    eprintln!("{} references, {} gaps", sink.references, sink.gaps);
}
