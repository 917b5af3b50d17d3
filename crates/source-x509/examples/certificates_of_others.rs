//! Certificates of other machines alone, without the agent around it: what reading them costs by itself.
//! Prints `ip fingerprint not-after subject` for each leaf.
//!
//! Arguments: a file with an address a line, a port. Only for networks made for it: it takes them for a laboratory, whatever the
//! ceiling file says.

use std::io::Write;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use groma_model::fact::{CertificatePlace, Program};
use groma_model::{Fact, Port};
use groma_source::manners::{Ceiling, LaboratoryNetwork, Manners, Network, Target, Targets};
use groma_source::{Budget, Recorder, Source, Stop, Window, World};
use groma_source_x509::{CertificateEndpoints, Endpoint};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [list, port] = words.as_slice() else {
        return Err("certificates_of_others LIST PORT".into());
    };
    let port = Port(port.parse()?);
    let list = std::fs::read_to_string(list)?;
    let named: Vec<Target> = list.lines().map(Target::parse).collect::<Result<_, _>>()?;
    let addresses: Vec<IpAddr> = list.lines().map(str::parse).collect::<Result<_, _>>()?;
    let everywhere = ["0.0.0.0/0", "::/0"].map(|text| Network::parse(text).ok_or("a network"));
    let ceiling = Ceiling {
        unrestrained: everywhere.into_iter().collect::<Result<_, _>>()?,
        ..Ceiling::default()
    };
    let manners = Manners::new(ceiling, Targets::of(&named, &[], &[])?, &[]);
    let own = groma_sys::this_machine(false);
    let network = LaboratoryNetwork::new(
        own.network.clone(),
        Arc::new(Mutex::new(manners)),
        own.clock.clone(),
        own.disk.clone(),
        Stop::default(),
    );
    let world = World {
        network: Arc::new(network),
        ..own
    };
    let endpoints = addresses.into_iter().map(|address| Endpoint {
        address,
        port,
        program: Program::default(),
        heard: None,
    });
    let window = Window::open(
        world.clock.clone(),
        Stop::default(),
        Duration::ZERO,
        Duration::from_secs(3_600),
    );
    let source = CertificateEndpoints::of_others(world, endpoints.collect());
    let mut source = source.without_restraint();
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    let mut out = std::io::stdout().lock();
    for fact in recorder.facts() {
        if let Fact::Certificate(seen) = fact
            && let CertificatePlace::Endpoint {
                address,
                position: 0,
                ..
            } = &seen.place
        {
            let found = &seen.certificate;
            writeln!(
                out,
                "{address} {} {} {}",
                found.sha256, found.not_after, found.subject
            )?;
        }
    }
    Ok(())
}
