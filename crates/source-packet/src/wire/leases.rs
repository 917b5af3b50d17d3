//! Who gets an address, and whom it is told to use with it: by DHCP of both families.

use std::net::{IpAddr, SocketAddr};

use groma_model::fact::{DirectoryNeed, NeedReason};
use groma_model::sighting::Sighting;
use groma_model::{Foreign, HostName, Peer, Seen, Timestamp, Transport};

use super::{CLIENTS_MAX, Wire, mac_text, of_kind, tell};
use crate::frame::Datagram;
use crate::speech::{self, HandedOut};

/// Where servers of DHCP for IPv6 are (RFC 8415 §7.2).
const SERVER6: u16 = 547;

/// What a client said of itself before it got an address.
#[derive(Default)]
pub(super) struct Asked6 {
    mac: Option<[u8; 6]>,
    name: Option<HostName>,
    says_it_is: Option<String>,
}

/// Whoever tells others whom to use.
pub(super) struct Teller {
    /// Who it is, in words.
    pub(super) words: String,
    /// Domains it has short names looked for in.
    pub(super) domains: Vec<String>,
}

impl Teller {
    /// The need it makes of `consumer`; none of whom it tells to use itself.
    pub(super) fn need(&self, consumer: &Peer, out: &HandedOut) -> Option<DirectoryNeed> {
        (out.peer != *consumer).then_some(())?;
        let of_names = out.kind == "dns" && !self.domains.is_empty();
        let search = || format!("search list {}", self.domains.join(", "));
        Some(DirectoryNeed {
            consumer: consumer.clone(),
            provider: out.peer.clone(),
            port: out.port,
            transport: out.transport,
            kind: out.kind.to_owned(),
            reason: NeedReason::HandedOut,
            account: None,
            resource: of_names.then(|| Foreign::from(search().as_str())),
            protection: None,
            dn: Foreign::from(self.words.as_str()),
            attribute: out.option.to_owned(),
        })
    }
}

/// A client that has an address now, with the name and the system it told.
fn sighting(
    address: IpAddr,
    mac: Option<[u8; 6]>,
    said: Option<(Option<HostName>, Option<String>)>,
) -> Sighting {
    let (name, says_it_is) = said.unwrap_or_default();
    Sighting {
        by: "dhcp".to_owned(),
        address: Some(address),
        mac: mac.map(mac_text),
        names: name.into_iter().collect(),
        says_it_is,
        ..Sighting::default()
    }
}

impl Wire {
    pub(super) fn lease(&mut self, datagram: &Datagram<'_>) {
        let Some(lease) = speech::lease(datagram.content) else {
            return;
        };
        if lease.part == speech::Part::Asks {
            if self.clients.len() >= CLIENTS_MAX {
                self.clients.clear();
            }
            self.clients.insert(lease.mac, lease);
            return;
        }
        let Some(address) = lease.address.filter(|_| !self.is_copy(datagram)) else {
            return;
        };
        // Who was only told what to use had its address before, from elsewhere: nobody vouches for it here.
        if lease.part == speech::Part::Given {
            self.leased(address, lease.mac, datagram.at);
        }
        if let Some(server) = lease.server {
            let ends = (address, SocketAddr::new(server, 67), Transport::Udp);
            let span = (datagram.at, datagram.at);
            tell(&mut self.tally, None, of_kind("dhcp", "DHCP"), ends, span);
        }
        let server = lease.server.unwrap_or(datagram.from.ip());
        let teller = Teller {
            words: format!("the DHCP server {server}"),
            domains: Vec::new(),
        };
        self.handed_out(address, &lease.handed_out, &teller, datagram);
    }

    /// A client has an address now.
    fn leased(&mut self, address: IpAddr, mac: [u8; 6], at: Timestamp) {
        let asked = self.clients.get(&mac);
        let said = asked.map(|asked| (asked.name.clone(), asked.says_it_is.clone()));
        self.tally.met(sighting(address, Some(mac), said), at);
    }

    /// Whom the client is told to use: it will, whether it did so yet or not.
    fn handed_out(
        &mut self,
        client: IpAddr,
        handed_out: &[HandedOut],
        teller: &Teller,
        datagram: &Datagram<'_>,
    ) {
        let consumer = Peer::Address(client);
        for need in handed_out.iter().filter_map(|o| teller.need(&consumer, o)) {
            self.tally.stated(need, Seen::once(datagram.at));
        }
    }

    pub(super) fn lease6(&mut self, datagram: &Datagram<'_>) {
        let Some(lease) = speech::lease6(datagram.content) else {
            return;
        };
        if !lease.given {
            if self.clients6.len() >= CLIENTS_MAX {
                self.clients6.clear();
            }
            let asked = Asked6 {
                // Behind a relay the frame is the relay's.
                mac: datagram.mac.filter(|_| lease.relayed_for.is_none()),
                name: lease.name,
                says_it_is: lease.says_it_is,
            };
            self.clients6.insert(lease.client, asked);
            return;
        }
        let tells = lease.address.is_some() || !lease.handed_out.is_empty();
        if !tells || self.is_copy(datagram) {
            return;
        }
        // Who asks for no address has one, on its link alone; that of a link behind a relay means nobody here.
        let own = Some(datagram.to.ip()).filter(|_| lease.relayed_for.is_none());
        let Some(client) = lease.address.map(IpAddr::V6).or(own) else {
            return;
        };
        let asked = self.clients6.get(&lease.client);
        if let Some(address) = lease.address {
            let mac = asked.and_then(|asked| asked.mac);
            let said = asked.map(|asked| (asked.name.clone(), asked.says_it_is.clone()));
            let sighting = sighting(IpAddr::V6(address), mac, said);
            self.tally.met(sighting, datagram.at);
        }
        let server = datagram.from.ip();
        let ends = (client, SocketAddr::new(server, SERVER6), Transport::Udp);
        let span = (datagram.at, datagram.at);
        tell(&mut self.tally, None, of_kind("dhcp", "DHCPv6"), ends, span);
        let teller = Teller {
            words: format!("the DHCP server {server}"),
            domains: lease.domains,
        };
        self.handed_out(client, &lease.handed_out, &teller, datagram);
    }
}
