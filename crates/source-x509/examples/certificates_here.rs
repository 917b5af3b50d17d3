//! Prints what both certificate sources see on this machine, one JSON record per line.
//!
//! Arguments name listeners to shake hands with, as `127.0.0.1:8443=/usr/sbin/nginx`.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use groma_model::Port;
use groma_model::fact::Program;
use groma_source::{Budget, Recorder, Source, Stop, Window};
use groma_source_x509::{CertificateEndpoints, CertificateFiles, Endpoint};

fn endpoint(word: &str) -> Option<Endpoint> {
    let (at, executable) = word.split_once('=')?;
    let at: SocketAddr = at.parse().ok()?;
    let program = Program {
        executable: Some(executable.into()),
        ..Program::default()
    };
    Some(Endpoint {
        heard: None,
        address: at.ip(),
        port: Port(at.port()),
        program,
    })
}

fn main() -> std::io::Result<()> {
    let world = groma_sys::this_machine(true);
    let endpoints = std::env::args()
        .skip(1)
        .filter_map(|word| endpoint(&word))
        .collect();
    let sources: [Box<dyn Source>; 2] = [
        Box::new(CertificateFiles::new(world.clone())),
        Box::new(CertificateEndpoints::new(world.clone(), endpoints)),
    ];
    let mut out = std::io::stdout().lock();
    for mut source in sources {
        let mut recorder = Recorder::new(source.name());
        let window = Window::open(
            world.clock.clone(),
            Stop::default(),
            Duration::ZERO,
            Duration::from_secs(60),
        );
        source.look(&window, &Budget::default(), &mut recorder);
        for record in &recorder.records {
            writeln!(
                out,
                "{}",
                serde_json::to_string(record).map_err(std::io::Error::other)?
            )?;
        }
    }
    Ok(())
}
