//! The names of addresses that take or send mail, and whether these lead back: many receivers refuse mail from an address
//! of which they do not (RFC 1912 §2.1).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::fact::{MailPurpose, MailRecord};
use groma_model::outside::is_public;
use groma_model::{HostName, Peer};
use hickory_resolver::proto::rr::RecordType;

use super::asking::About;
use super::spf;
use crate::ask::reverse_name;

/// Addresses of one domain whose names are asked for.
const ADDRESSES_MAX: usize = 20;
/// Senders by name whose addresses are asked for.
const SENDERS_MAX: usize = 10;
/// Names of one address that are followed back.
const NAMES_MAX: usize = 3;

impl About<'_, '_> {
    /// The names of everything that takes mail of the domain, or sends it by the domain's own SPF record.
    pub(super) async fn reverse(&mut self) {
        let sends = self.addresses_that_send().await;
        let takes = self.addresses_that_take();
        let mut all: BTreeMap<IpAddr, bool> = takes.into_iter().map(|a| (a, false)).collect();
        all.extend(sends.into_iter().map(|a| (a, true)));
        for (address, sends) in all.into_iter().take(ADDRESSES_MAX) {
            self.pointer(address, sends).await;
        }
    }

    fn addresses_that_take(&self) -> BTreeSet<IpAddr> {
        let records = self.told.records.iter();
        let peers = records
            .filter(|record| record.purpose == MailPurpose::Address)
            .flat_map(|record| &record.peers);
        peers.filter_map(address).collect()
    }

    /// What the domain's own record names; whom it includes is that one's own affair.
    async fn addresses_that_send(&mut self) -> BTreeSet<IpAddr> {
        let is_spf = |record: &&MailRecord| record.purpose == MailPurpose::Spf;
        let text = self.told.records.iter().find(is_spf);
        let Some(text) = text.and_then(|record| record.values.first()) else {
            return BTreeSet::new();
        };
        let spf = spf::read(text, &self.domain);
        let mut all: BTreeSet<IpAddr> = spf.peers.iter().filter_map(address).collect();
        if spf.exchangers_send {
            all.extend(self.addresses_that_take());
        }
        let names = spf.peers.iter().filter_map(|peer| match peer {
            Peer::Name(name) => Some(name),
            Peer::Address(_) => None,
        });
        for name in names.take(SENDERS_MAX) {
            all.extend(self.addresses_of(name).await.unwrap_or_default());
        }
        all
    }

    /// A and AAAA of `name`; `None` unless both were heard.
    async fn addresses_of(&mut self, name: &HostName) -> Option<Vec<IpAddr>> {
        let mut all = self.ask(name, RecordType::A).await?.addresses;
        all.extend(self.ask(name, RecordType::AAAA).await?.addresses);
        Some(all)
    }

    async fn pointer(&mut self, address: IpAddr, sends: bool) {
        let Some(at) = reverse_name(address).filter(|_| !address.is_loopback()) else {
            return;
        };
        let Some(set) = self.names_of(address, &at).await else {
            return;
        };
        let names = set.targets.clone();
        let mut record = self.found(MailPurpose::Reverse, &at, set);
        record.peers.push(Peer::Address(address));
        record.peers.sort();
        // What nobody outside can be called by needs no name for them.
        if sends && is_public(&address) {
            record.faults.extend(self.fault(address, &names).await);
        }
        self.told.records.push(record);
    }

    /// What receivers mind about the names of an address; nothing where not everything was heard.
    async fn fault(&mut self, address: IpAddr, names: &[HostName]) -> Option<String> {
        if names.is_empty() {
            return Some(format!("{address} has no name"));
        }
        for name in names.iter().take(NAMES_MAX) {
            let back = self.addresses_of(name).await?;
            // Asked from inside, a name may lead to an address of inside; what it leads to outside is not heard here.
            if back.contains(&address) || back.iter().any(|back| !is_public(back)) {
                return None;
            }
        }
        let shown: Vec<&str> = names.iter().take(NAMES_MAX).map(HostName::as_str).collect();
        Some(format!(
            "{address} is called {}, which does not lead back to it",
            shown.join(", ")
        ))
    }
}

fn address(peer: &Peer) -> Option<IpAddr> {
    match peer {
        Peer::Address(address) => Some(*address),
        Peer::Name(_) => None,
    }
}
