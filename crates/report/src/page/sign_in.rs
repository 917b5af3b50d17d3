//! Who signs people in through which identity provider.

use groma_model::relying::RelyingPartyEntry;
use serde::Serialize;

use super::Rows;
use crate::index::Index;
use crate::text::Catalogue;
use crate::visible::visible;

/// One service that a provider signs people in for.
#[derive(Serialize)]
pub(crate) struct SignInRow {
    /// What the provider calls the service.
    pub(crate) service: String,
    /// By what the two know each other, where that is another word.
    pub(crate) identifier: String,
    /// The provider's machine and product; the product alone where no list says which one it is.
    pub(crate) provider: String,
    /// In which language.
    pub(crate) way: &'static str,
    /// Where people are sent back to.
    pub(crate) places: Vec<String>,
    /// The machines that stand there, where they are known by other names.
    pub(crate) machines: Vec<String>,
    /// File and line, or the list somebody exported.
    pub(crate) written: Vec<String>,
}

/// Every service, by provider and name.
pub(crate) fn table(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<SignInRow> {
    let mut parties: Vec<&RelyingPartyEntry> = index.inventory.relying_parties.iter().collect();
    parties.sort_by_cached_key(|party| (provider(index, party, words), (*party).clone()));
    Rows::first(&parties, limit, |party| row(index, party, words))
}

fn provider(index: &Index<'_>, party: &RelyingPartyEntry, words: &Catalogue) -> String {
    let product = visible(&party.product);
    match &party.provider {
        Some(id) => format!("{} ({product})", index.name(id)),
        None => format!("{product}, {}", words.sign_in_of_nobody),
    }
}

fn row(index: &Index<'_>, party: &RelyingPartyEntry, words: &Catalogue) -> SignInRow {
    let places: Vec<String> = party.places.iter().map(|p| visible(p)).collect();
    let machines = party.consumers.iter().map(|id| index.name(id));
    let machines = machines.filter(|name| !places.contains(name)).collect();
    let other = party.identifier.as_ref().filter(|id| **id != party.name);
    SignInRow {
        service: visible(&party.name),
        identifier: other.map(|id| visible(id)).unwrap_or_default(),
        provider: provider(index, party, words),
        way: party.way.as_str(),
        places,
        machines,
        written: party.written_in.iter().map(|w| visible(w)).collect(),
    }
}
