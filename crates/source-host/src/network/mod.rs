//! `host.network`: interfaces, addresses, routes, neighbours.

pub(crate) mod netlink;
mod parse;

use std::io;
use std::path::Path;

use groma_model::{Fact, Reason, Scope, SourceName};
use groma_source::{Budget, Explanation, Sink, Source, Window, World};

pub use netlink::Table;

use crate::part::Part;

/// Asks for one table of the kernel.
pub type Dump = fn(Table) -> io::Result<Vec<u8>>;

/// Interfaces, addresses, routes and neighbours of the network namespace this program runs in.
pub struct NetworkSource {
    world: World,
    dump: Dump,
}

impl NetworkSource {
    /// A source on `world`; the tables come from the running kernel.
    pub fn new(world: World) -> Self {
        Self {
            world,
            dump: netlink::dump,
        }
    }

    /// The same with tables from elsewhere, for a world that is made up.
    pub fn with_tables(world: World, dump: Dump) -> Self {
        Self { world, dump }
    }
}

impl Source for NetworkSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.network")
    }

    fn explain(&self) -> Explanation {
        let words = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Explanation {
            purpose: "Tells how this machine is connected: interfaces, addresses, routes, machines on the same link.".into(),
            reads: words(&["four tables of the kernel through a local netlink socket", "whether /sys/class/net/*/device is there"]),
            contacts: Vec::new(),
            sends: words(&[
                "interface name, MAC address, kind, whether it is up, lasting addresses",
                "unicast routes with next hop and interface",
                "address and MAC address of machines on the same link that answered lately",
            ]),
            never_sends: words(&["temporary IPv6 addresses", "traffic counters", "the near ends of container cables"]),
            rights: words(&["none; other network namespaces are not entered"]),
            cost: "four questions to the kernel, about a millisecond; a router's full table takes longer".into(),
        }
    }

    fn look(&mut self, window: &Window, _: &Budget, sink: &mut dyn Sink) {
        let mut part = Part::begin(window, sink, Scope::new("net", "interfaces"));
        let (links, unread) = parse::links(&self.table(&mut part, Table::Links, "interfaces"));
        not_understood(&mut part, unread, "interfaces");
        let (addresses, unread) =
            parse::addresses(&self.table(&mut part, Table::Addresses, "addresses"));
        not_understood(&mut part, unread, "addresses");
        let disk = self.world.disk.as_ref();
        let has_device = |name: &str| {
            disk.metadata(&Path::new("/sys/class/net").join(name).join("device"))
                .is_ok()
        };
        for interface in parse::interfaces(&links, &addresses, has_device) {
            part.saw(Fact::Interface(interface));
        }
        part.close();

        let mut part = Part::begin(window, sink, Scope::new("net", "routes"));
        let (routes, unread) =
            parse::routes(&self.table(&mut part, Table::Routes, "routes"), &links);
        not_understood(&mut part, unread, "routes");
        for route in routes {
            part.saw(Fact::Route(route));
        }
        part.close();

        let mut part = Part::begin(window, sink, Scope::new("net", "neighbours"));
        let (neighbours, unread) = parse::neighbours(
            &self.table(&mut part, Table::Neighbours, "neighbours"),
            &links,
        );
        not_understood(&mut part, unread, "neighbours");
        for neighbour in neighbours {
            part.saw(Fact::Neighbour(neighbour));
        }
        // The kernel forgets: who is absent here may well be there, so nobody is ever said to be gone.
        part.missed_with(
            "machines on the same link that did not talk to this one lately",
            Reason::NotPresent,
            "watch for longer, or scan the network",
        );
        part.close();
    }
}

impl NetworkSource {
    fn table(&self, part: &mut Part<'_>, table: Table, what: &str) -> Vec<u8> {
        (self.dump)(table).unwrap_or_else(|error| {
            part.missed(what, Reason::of_io(&error));
            Vec::new()
        })
    }
}

fn not_understood(part: &mut Part<'_>, unread: usize, what: &str) {
    if unread > 0 {
        part.missed(format!("{unread} messages about {what}"), Reason::Malformed);
    }
}
