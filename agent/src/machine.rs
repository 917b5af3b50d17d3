//! This machine as the agent uses it: as the system shows it, and with names that the agent looks up by itself.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use groma_model::{HostName, Reason};
use groma_source::{NoAddress, World};
use groma_source_dns::ResolvingNetwork;

/// This machine. `offline` forbids every packet that would leave it, and every question to a name server.
pub fn this_machine(offline: bool) -> World {
    let world = groma_sys::this_machine(offline);
    let network = ResolvingNetwork::new(world.network, world.disk.clone());
    World {
        network: Arc::new(network),
        ..world
    }
}

/// Who knows where the collector is. It is asked for that alone, also by agents that contact nobody else.
pub(crate) fn collector_names() -> Arc<dyn groma_ship::Names> {
    Arc::new(CollectorNames(this_machine(false)))
}

struct CollectorNames(World);

impl groma_ship::Names for CollectorNames {
    fn addresses(&self, name: &HostName, timeout: Duration) -> io::Result<Vec<IpAddr>> {
        let found = self.0.network.addresses(name, timeout);
        found.map_err(|none| io::Error::new(kind_of(&none), none))
    }
}

fn kind_of(none: &NoAddress) -> io::ErrorKind {
    match none.reason {
        Reason::TimedOut => io::ErrorKind::TimedOut,
        Reason::NotPresent => io::ErrorKind::NotFound,
        _ => io::ErrorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machines_own_names_lead_here_without_a_question() {
        let name = HostName::parse("groma.localhost").unwrap();
        for offline in [true, false] {
            let found = this_machine(offline)
                .network
                .addresses(&name, Duration::ZERO);
            assert!(found.unwrap().iter().all(IpAddr::is_loopback));
        }
    }

    #[test]
    fn who_is_offline_asks_nobody_where_another_machine_is() {
        let name = HostName::parse("db1.groma.invalid").unwrap();
        let found = this_machine(true).network.addresses(&name, Duration::ZERO);
        assert_eq!(found.unwrap_err().reason, Reason::Forbidden);
    }
}
