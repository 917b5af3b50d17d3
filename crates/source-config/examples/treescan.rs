//! Prints what is written down in a directory that holds the root of a machine, as if it were that machine:
//! `treescan ROOT…`. Only files in it exist; for looking at fixtures and at hosts that are not up.
#![allow(clippy::print_stdout, reason = "an example for a terminal")]

use std::path::{Path, PathBuf};

use groma_model::Fact;
use groma_source::testing::{FakeDisk, window, world};
use groma_source::{Budget, Recorder, Source};
use groma_source_config::ConfigSource;

fn disk(root: &Path) -> FakeDisk {
    let mut disk = FakeDisk::new();
    let mut ahead = vec![root.to_owned()];
    while let Some(at) = ahead.pop() {
        for entry in std::fs::read_dir(&at).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(inside) = path.strip_prefix(root).map(|p| format!("/{}", p.display())) else {
                continue;
            };
            if let Ok(to) = std::fs::read_link(&path) {
                disk = disk.link(&inside, &to.to_string_lossy());
            } else if path.is_dir() {
                ahead.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                disk = disk.file(&inside, bytes);
            }
        }
    }
    disk
}

fn main() {
    for root in std::env::args_os().skip(1).map(PathBuf::from) {
        println!("== {}", root.display());
        let world = world(disk(&root));
        let window = window(&world);
        let mut source = ConfigSource::new(world);
        let mut recorder = Recorder::new(source.name());
        source.look(&window, &Budget::default(), &mut recorder);
        for fact in recorder.facts() {
            if let Fact::Reference(r) = fact {
                let port = r.port.map_or_else(|| "-".to_owned(), |p| p.to_string());
                let weak = if r.weak { ", weak" } else { "" };
                println!(
                    "{}:{} {} -> {} {}:{port}/{} [{}] by {:?} {}{weak}",
                    r.file,
                    r.line,
                    r.key,
                    r.kind,
                    r.peer,
                    r.transport,
                    r.rule,
                    r.component.class,
                    r.component.name
                );
            }
        }
    }
}
