//! resolv.conf → the resolvers of this machine. Pure.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use groma_model::HostName;

/// As many resolvers as the C library uses.
const SERVERS_MAX: usize = 3;
/// As many search domains as are believed.
const SEARCH_MAX: usize = 32;
/// The C library's own upper bound.
const NDOTS_MAX: usize = 15;
/// The port of the domain name system.
const DOMAIN: u16 = 53;

/// Whom this machine asks about names, and how it completes short ones (resolv.conf(5)).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Resolvers {
    /// In the order written.
    pub(crate) servers: Vec<SocketAddr>,
    /// Domains that complete a short name, in order.
    pub(crate) search: Vec<HostName>,
    /// A name with at least so many dots is asked as it is first.
    pub(crate) ndots: usize,
    /// Servers that are written and cannot be used: not an address, or one that needs an interface.
    pub(crate) unusable: usize,
}

impl Default for Resolvers {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
            unusable: 0,
        }
    }
}

impl Resolvers {
    /// Reads a resolv.conf. Without any server line the one on this machine is meant, as in the C library.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let mut read = Self::default();
        for line in String::from_utf8_lossy(bytes).lines() {
            let line = line.split(['#', ';']).next().unwrap_or_default();
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => read.add_server(words.next().unwrap_or_default()),
                Some("search" | "domain") => {
                    read.search = words.filter_map(HostName::parse).take(SEARCH_MAX).collect()
                }
                Some("options") => words.for_each(|word| read.set_option(word)),
                _ => {}
            }
        }
        if read.servers.is_empty() && read.unusable == 0 {
            read.servers
                .push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), DOMAIN));
        }
        read
    }

    /// What a system says that keeps its resolvers in no file.
    pub(crate) fn of_system(servers: &[IpAddr], search: Vec<HostName>) -> Self {
        let mut read = Self::default();
        let needs_an_interface =
            |address: &IpAddr| matches!(address, IpAddr::V6(a) if a.is_unicast_link_local());
        for address in servers {
            match needs_an_interface(address) {
                true => read.unusable += 1,
                false => read.add_server(&address.to_string()),
            }
        }
        read.search = search.into_iter().take(SEARCH_MAX).collect();
        read
    }

    fn add_server(&mut self, word: &str) {
        match server(word) {
            Some(server) if self.servers.contains(&server) => {}
            Some(server) if self.servers.len() < SERVERS_MAX => self.servers.push(server),
            Some(_) => {}
            None => self.unusable += 1,
        }
    }

    fn set_option(&mut self, word: &str) {
        if let Some(dots) = word
            .strip_prefix("ndots:")
            .and_then(|n| n.parse::<usize>().ok())
        {
            self.ndots = dots.min(NDOTS_MAX);
        }
    }
}

/// An address, or `[address]:port` as the BSD family writes it.
fn server(word: &str) -> Option<SocketAddr> {
    if let Ok(address) = word.parse::<IpAddr>() {
        return Some(SocketAddr::new(address.to_canonical(), DOMAIN));
    }
    let (address, port) = word.strip_prefix('[')?.split_once("]:")?;
    Some(SocketAddr::new(
        address.parse::<IpAddr>().ok()?.to_canonical(),
        port.parse().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_c_library_would_use_is_read() {
        let read = Resolvers::parse(
            b"# written by hand\nnameserver 10.0.0.53 ; the old one\nnameserver fd00::53\nnameserver 10.0.0.53\nnameserver 10.0.0.54\nnameserver 10.0.0.55\n\
              domain old.example\nsearch corp.example  Site.Corp.Example\noptions rotate ndots:99 timeout:1\n",
        );
        let servers: Vec<_> = read.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["10.0.0.53:53", "[fd00::53]:53", "10.0.0.54:53"]);
        assert_eq!(
            read.search.iter().map(HostName::as_str).collect::<Vec<_>>(),
            ["corp.example", "site.corp.example"]
        );
        assert_eq!((read.ndots, read.unusable), (15, 0));
    }

    #[test]
    fn no_server_line_means_the_one_here() {
        assert_eq!(
            Resolvers::parse(b"search corp.example\n").servers,
            [SocketAddr::from(([127, 0, 0, 1], 53))]
        );
    }

    #[test]
    fn what_the_system_says_is_held_to_the_same_bounds() {
        let servers = [
            "10.0.0.53",
            "10.0.0.53",
            "fe80::1",
            "fd00::53",
            "10.0.0.54",
            "10.0.0.55",
        ];
        let servers: Vec<IpAddr> = servers.iter().map(|a| a.parse().unwrap()).collect();
        let read = Resolvers::of_system(&servers, Vec::new());
        assert_eq!((read.servers.len(), read.unusable), (3, 1));
        assert!(Resolvers::of_system(&[], Vec::new()).servers.is_empty());
    }

    #[test]
    fn a_server_that_needs_an_interface_is_counted_and_not_replaced() {
        let read = Resolvers::parse(b"nameserver fe80::1%eth0\n");
        assert!(read.servers.is_empty());
        assert_eq!(read.unusable, 1);
    }

    #[test]
    fn a_port_may_be_written() {
        assert_eq!(
            Resolvers::parse(b"nameserver [127.0.0.1]:5353\n").servers,
            [SocketAddr::from(([127, 0, 0, 1], 5353))]
        );
    }

    #[test]
    fn nothing_breaks_the_reader() {
        let corpus: &[&[u8]] = &[
            b"nameserver [fd00::1]:53\nsearch a.b c.d\noptions ndots:2\n",
            b"nameserver 1.1.1.1\ndomain x\n",
        ];
        groma_fuzz::hammer(2000, corpus, |bytes| {
            let read = Resolvers::parse(bytes);
            assert!(
                read.servers.len() <= SERVERS_MAX
                    && read.ndots <= NDOTS_MAX
                    && read.search.len() <= SEARCH_MAX
            );
        });
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_resolvers_within_bounds(text in "\\PC{0,200}") {
            let read = Resolvers::parse(text.as_bytes());
            proptest::prop_assert!(read.servers.len() <= SERVERS_MAX);
        }
    }
}
