//! What a provider's settings say about one service, before it becomes a fact.

use groma_model::fact::{RelyingParty, SignInWay};
use groma_model::{Foreign, relying};

/// Services one file may list; a federation lists thousands, and they are nobody's need.
pub(super) const PARTIES_MAX: usize = 2_000;
/// Web addresses of one service.
const URLS_MAX: usize = 64;

/// One service. Nothing in it can hold what the two agreed on in secret: no reader looks at such keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Party {
    /// Line, from 1.
    pub(super) line: u32,
    /// What the provider calls it.
    pub(super) name: Option<String>,
    /// By what the two know each other.
    pub(super) identifier: Option<String>,
    /// In which language.
    pub(super) way: SignInWay,
    /// Web addresses people are sent back to.
    pub(super) urls: Vec<String>,
}

impl Party {
    pub(super) fn begin(line: u32, way: SignInWay) -> Self {
        Self {
            line,
            name: None,
            identifier: None,
            way,
            urls: Vec::new(),
        }
    }

    /// Takes addresses divided by white space or commas.
    pub(super) fn leads_to(&mut self, text: &str) {
        let urls = text.split([' ', ',', '\n', '\t']).filter(|u| !u.is_empty());
        let room = URLS_MAX.saturating_sub(self.urls.len());
        self.urls.extend(urls.take(room).map(str::to_owned));
    }

    /// The fact; `None` for what nothing names, and for a sample whose every address is the machine itself.
    pub(super) fn into_fact(self, product: &str, file: &Foreign) -> Option<RelyingParty> {
        let identifier = self.identifier.as_deref().and_then(relying::named);
        let name = self.name.as_deref().and_then(relying::named);
        let places = relying::places(self.urls.iter().map(String::as_str));
        let is_sample = places.is_empty() && self.urls.iter().any(|url| is_this_machine(url));
        if is_sample {
            return None;
        }
        Some(RelyingParty {
            list: String::new(),
            file: Some(file.clone()),
            line: Some(self.line),
            product: product.to_owned(),
            provider: None,
            name: name.or_else(|| identifier.clone())?,
            identifier,
            way: self.way,
            places,
        })
    }
}

/// True for an address that leads to whoever opens it.
fn is_this_machine(url: &str) -> bool {
    let host = url.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.split(['/', ':', '?', '#']).next().unwrap_or_default();
    host.eq_ignore_ascii_case("localhost") || host.starts_with("127.")
}
