//! Evidence to entities: one host behind five names.
//!
//! [`resolve`] reads the evidence once and answers three questions: which things are there, what is known
//! about each, and whom every address and name means to every vantage. It is a pure function. The identity
//! ledger comes in, and what is new for the ledger goes out; chance (for new ids) is an argument.
//!
//! **The two-witnesses rule.** Two agents are one host only if marks of two *independent classes* agree: the
//! disk image (machine-id, SSH host keys), the hardware (SMBIOS UUID in either byte order, serial), the
//! network (the set of MAC addresses), the directory (SID). A clone shares the whole disk class with its
//! parent, an LXC guest shares the whole hardware class with its host, and neither is merged. Every merge
//! says why, in one line, and the ledger can undo it.
//!
//! **What an address means.** An address of exactly one agent's host means that host. One claimed by several hosts at a
//! time is a service address (VRRP, CARP, a cluster), an entity of its own; one that moved is the new holder's. One at which a
//! machine stands sentinel for another that is gone stays that other one's, however long it lies there. Any other
//! address or name becomes an entity seen from outside, and when an agent arrives on it later, that entity is absorbed and
//! its id lives on. One of `fe80::/10` means somebody else on every link: who, the neighbour table tells. Ours is what is
//! private, in a network a watched machine is on, or met on a link; the rest is external.
#![forbid(unsafe_code)]

mod addresses;
mod declared;
mod devices;
mod directory;
mod gather;
mod holders;
mod holdings;
mod hosts;
mod ledger;
mod links;
mod names;
mod outside;
mod pins;
mod platforms;
mod sentinels;
mod sightings;
mod uses;

use std::collections::BTreeSet;

use groma_model::store::{Identities, LookRecord, NewIdentities};
use groma_model::{AgentId, EntityId, Estate, Evidence, EvidenceId, Seen, SiteId, Timestamp};

use gather::Gathered;
use ledger::Ledger;

/// The estate, and what the ledger should remember of it.
#[derive(Clone, Debug, Default)]
pub struct Resolution {
    /// Entities, and who stands behind each address and name.
    pub estate: Estate,
    /// New marks and merges for the ledger.
    pub new: NewIdentities,
    /// Evidence that counts no more: what only an old list tells of a platform, though a later look saw all of it and does not.
    pub let_go: BTreeSet<EvidenceId>,
}

/// Makes entities out of `evidence`. `mint` hands out ids that were never used before.
///
/// The same evidence in any order, or twice, gives the same estate as long as the ledger knows its marks.
pub fn resolve(
    identities: &Identities,
    mint: &mut dyn FnMut() -> EntityId,
    evidence: impl IntoIterator<Item = Evidence>,
) -> Resolution {
    let mut gathering = Gathering::default();
    for piece in evidence {
        gathering.take(&piece);
    }
    gathering.resolve(identities, mint)
}

/// Evidence on its way to an estate, for a caller that has more use for each piece.
#[derive(Debug, Default)]
pub struct Gathering(Gathered);

impl Gathering {
    /// Takes what `evidence` says about entities.
    pub fn take(&mut self, evidence: &Evidence) {
        self.0.take(evidence);
    }

    /// Somebody looked from `vantage`: a machine is there, though every source of that look may have failed.
    pub fn looked(&mut self, site: &SiteId, vantage: &AgentId, from: Timestamp, to: Timestamp) {
        let seen = Seen {
            first: from,
            last: to,
            ..Seen::once(to)
        };
        self.0.looked(site, vantage, seen);
    }

    /// What `look` says of how much it saw; a look at a platform that saw all of it ends what older lists tell of that platform.
    pub fn covered(&mut self, look: &LookRecord) {
        self.0.platforms.looks.covered(look);
    }

    /// The estate all of it makes; see [`resolve`].
    pub fn resolve(
        self,
        identities: &Identities,
        mint: &mut dyn FnMut() -> EntityId,
    ) -> Resolution {
        place(self.0, identities, mint)
    }
}

fn place(
    mut gathered: Gathered,
    identities: &Identities,
    mint: &mut dyn FnMut() -> EntityId,
) -> Resolution {
    gathered.settle();
    let mut ledger = Ledger::new(identities, mint);
    let mut estate = Estate {
        compared_with_list: !gathered.declared.is_empty(),
        ..Estate::default()
    };
    hosts::place(&mut gathered, &mut ledger, &mut estate);
    platforms::place(&gathered, &mut ledger, &mut estate);
    declared::place(&gathered, &mut ledger, &mut estate);
    sightings::place(&gathered, &mut ledger, &mut estate);
    names::place(&gathered, &mut ledger, &mut estate);
    outside::cite_met(&gathered, &mut estate);
    outside::call_by_own_names(&gathered, &mut estate);
    devices::describe(&gathered, &mut estate);
    sightings::describe(&gathered, &mut estate);
    sentinels::describe(&gathered, &mut estate);
    outside::place_certificates(&gathered, &mut ledger, &mut estate);
    directory::place(&mut gathered, &mut ledger, &mut estate);
    holdings::place(&gathered, &mut ledger, &mut estate);
    pins::settle(&mut estate);
    uses::settle(&gathered, &mut estate);
    for entity in estate.entities.values_mut() {
        finish(entity);
    }
    Resolution {
        estate,
        new: ledger.into_new(),
        let_go: gathered.let_go,
    }
}

fn finish(entity: &mut groma_model::inventory::Entity) {
    entity.names.sort();
    entity.names.dedup();
    entity.addresses.sort();
    entity.addresses.dedup();
    entity.evidence.sort();
    entity.evidence.dedup();
    entity.merged_because.sort();
    entity.merged_because.dedup();
}
