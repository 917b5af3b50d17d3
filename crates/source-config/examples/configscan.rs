//! Prints every reference written down below a directory: `configscan TREE`, or only how many per file, as
//! `rg -c` does: `configscan --count TREE`. With `--memory FILE` it keeps what files said, and believes it the
//! next time. For measuring, and for looking.
#![allow(clippy::print_stderr, reason = "an example for a terminal")]

use std::fs;
use std::io::{BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use groma_model::{Coverage, Fact, Foreign, Gap, Observation};
use groma_source::{Budget, Memory, Sink, Source, Stop, Window};
use groma_source_config::ConfigSource;

struct Printer {
    count: bool,
    last: (Foreign, u64),
    out: BufWriter<std::io::Stdout>,
    references: u64,
    gaps: u64,
    kept: Vec<String>,
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
    fn keeps(&mut self, line: String) {
        self.kept.push(line);
    }
}

fn memory(path: &str) -> Memory {
    Memory {
        path: std::path::absolute(path).unwrap_or_else(|_| path.into()),
        owner: fs::metadata("/proc/self").ok().map(|m| m.uid()),
        program: "configscan".to_owned(),
    }
}

fn keep(path: &Path, lines: &[String]) -> std::io::Result<()> {
    let _ = fs::remove_file(path);
    let mut options = fs::OpenOptions::new();
    let file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let mut out = BufWriter::new(file);
    for line in lines {
        writeln!(out, "{line}")?;
    }
    out.flush()
}

fn main() {
    let (mut count, mut memory_at, mut roots) = (false, None, Vec::new());
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--count" => count = true,
            "--memory" => memory_at = words.next(),
            _ => roots.push(PathBuf::from(word)),
        }
    }
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
        kept: Vec::new(),
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
    let memory = memory_at.as_deref().map(memory);
    memory.iter().for_each(|m| source.remember(m.clone()));
    source.look(&window, &budget, &mut sink);
    if let Some(memory) = memory.filter(|_| !sink.kept.is_empty())
        && let Err(error) = keep(&memory.path, &sink.kept)
    {
        eprintln!("keep {}: {error}", memory.path.display());
    }
    sink.flush();
    let _ = sink.out.flush();
    eprintln!("{} references, {} gaps", sink.references, sink.gaps);
}
