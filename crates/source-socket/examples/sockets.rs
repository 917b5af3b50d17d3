//! Prints one line per socket whose program is known, for the bench and for the curious.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use groma_source::{Budget, Stop, Window};
use groma_source_socket::{Owner, Sampler};

fn main() -> Result<(), Box<dyn Error>> {
    let world = groma_sys::this_machine(true);
    let window = Window::open(
        world.clock.clone(),
        Stop::default(),
        Duration::ZERO,
        Duration::from_secs(60),
    );
    let mut sampler = Sampler::new(world);
    let sample = sampler.sample(&window, &Budget::default())?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for place in &sample.places {
        for socket in &place.rows.sockets {
            let Owner::Program(id) = sampler.owner(socket) else {
                continue;
            };
            let executable = sampler.program(id).executable.clone().unwrap_or_default();
            let (local, remote) = (
                (socket.local, socket.local_port.0).into(),
                (socket.remote, socket.remote_port.0).into(),
            );
            let ends: (std::net::SocketAddr, std::net::SocketAddr) = (local, remote);
            writeln!(
                out,
                "{} {} {} {} {}",
                place.namespace, place.transport, ends.0, ends.1, executable
            )?;
        }
    }
    Ok(out.flush()?)
}
