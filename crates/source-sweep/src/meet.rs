//! Who is in a network of IPv6 that nobody can count through: whom the kernel has met there, and who answers an echo to all
//! machines of a link that somebody named.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use groma_source::Window;
use groma_source::frames::{WayOut, Wires};
use groma_source::manners::{Manners, Network, Targets};

use crate::frame::{self, Arrived};

/// Echoes to everybody, and how long each is listened to: all answer at once, some after a moment of their choice.
const ECHOES: u16 = 2;
const LISTENING: Duration = Duration::from_millis(1_100);
const MOMENT: Duration = Duration::from_millis(20);
/// Machines that may answer on one link.
const ANSWERS_MAX: usize = 8_192;

/// What came of it.
#[derive(Debug, Default)]
pub struct Meeting {
    /// Frames that were sent, each to a whole link.
    pub frames: u64,
    /// Links that could not be asked, and why.
    pub unasked: Vec<(String, io::Error)>,
}

/// Adds to `targets` whoever was met in its wide networks. What is sent is counted in `manners`.
pub fn meet(
    targets: &mut Targets,
    wires: &dyn Wires,
    manners: &mut Manners,
    window: &Window,
    mark: u16,
) -> Meeting {
    let mut meeting = Meeting::default();
    let wide: Vec<(Network, Option<String>)> = targets
        .wide()
        .map(|(network, link)| (*network, link.map(|link| link.name().to_owned())))
        .collect();
    if wide.is_empty() {
        return meeting;
    }
    known(targets, wires, &wide);
    for (network, link) in wide {
        let Some(link) = link else { continue };
        match everybody(network, &link, wires, manners, window, mark) {
            Ok((answered, frames)) => {
                meeting.frames += frames;
                for address in answered {
                    targets.met(address, Some(&link));
                }
            }
            Err(error) => meeting.unasked.push((link, error)),
        }
    }
    meeting
}

/// Whom the kernel has met. The same machine is told with the link it is on, as far as that is known.
fn known(targets: &mut Targets, wires: &dyn Wires, wide: &[(Network, Option<String>)]) {
    let links: Vec<(String, u32)> = wide
        .iter()
        .filter_map(|(network, link)| {
            let way = wires.way_out(probe(*network), link.as_deref()).ok()?;
            Some((way.name, way.interface))
        })
        .collect();
    for neighbour in wires.neighbours().unwrap_or_default() {
        let on = links
            .iter()
            .find(|(_, number)| *number == neighbour.interface);
        if let Some((name, _)) = on {
            targets.met(neighbour.address, Some(name));
        }
    }
}

/// An address of a network to which nothing is sent: it tells by which of our own addresses we are seen there.
fn probe(network: Network) -> IpAddr {
    match network.address() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() | 1).into(),
        other => other,
    }
}

fn everybody(
    network: Network,
    link: &str,
    wires: &dyn Wires,
    manners: &mut Manners,
    window: &Window,
    mark: u16,
) -> io::Result<(BTreeSet<IpAddr>, u64)> {
    let way = wires.way_out(probe(network), Some(link))?;
    let (Some(mac), IpAddr::V6(own), None) = (way.mac, way.own, way.router) else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    let (mut sender, mut receiver) = wires.open(way.interface, &frame::filter(&[]))?;
    let mut answered = BTreeSet::new();
    for number in 0..ECHOES {
        manners.left_for_the_way(window.monotonic());
        sender.send(&[frame::echo_everybody(own, mac, mark, number)])?;
        let end = window.monotonic() + LISTENING;
        while window.monotonic() < end && !window.is_over() {
            receiver.receive(MOMENT, &mut |bytes| {
                if let Some(Arrived::Echo {
                    from, mark: its, ..
                }) = frame::read(bytes)
                    && its == mark
                    && answered.len() < ANSWERS_MAX
                    && is_of(network, from, &way)
                {
                    answered.insert(from);
                }
            })?;
        }
    }
    Ok((answered, u64::from(ECHOES)))
}

fn is_of(network: Network, address: IpAddr, way: &WayOut) -> bool {
    network.contains(address) && address != way.own
}
