//! Who lets people in by the word of an identity provider, as the provider itself knows them.
//!
//! A service that signs people in elsewhere stops for all of them on the day the provider moves, changes its name or its
//! certificate. The service's own settings tell it where they can be read; the provider's list tells it of the others:
//! of partners, of what runs in somebody's cloud, of what nobody may look into.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Foreign;
use crate::id::{EntityId, EvidenceId};
use crate::name::Peer;

/// In which language a service and its provider speak.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SignInWay {
    /// SAML 2.0.
    Saml,
    /// WS-Federation.
    WsFederation,
    /// OpenID Connect, and OAuth where nobody tells them apart.
    Oidc,
    /// CAS.
    Cas,
    /// A gateway in front of the service asks the provider, and the service believes a header.
    Gateway,
}

impl SignInWay {
    /// The word of the document.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Saml => "saml",
            Self::WsFederation => "ws-federation",
            Self::Oidc => "oidc",
            Self::Cas => "cas",
            Self::Gateway => "gateway",
        }
    }
}

/// A service that an identity provider signs people in for. No field can hold a secret agreed on between the two.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RelyingParty {
    /// The list somebody exported from the provider: file name; empty for a file of the provider itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub list: String,
    /// The provider's own file, on the machine it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Foreign>,
    /// Its line, from 1; none for an exported list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The product of the provider, as `AD FS`.
    pub product: String,
    /// Where the provider stands, if a list says so. A file means the machine it lies on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Peer>,
    /// What the provider calls the service.
    pub name: Foreign,
    /// By what the two know each other: an entity name, a client's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<Foreign>,
    /// In which language.
    pub way: SignInWay,
    /// The machines people are sent back to. Sorted; empty for what has no address of its own, as an app on a telephone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Peer>,
}

/// One service that signs people in through a provider, over everything that says so.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RelyingPartyEntry {
    /// The machine of the provider; none where a list does not say which one it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<EntityId>,
    /// Its product.
    pub product: String,
    /// What it calls the service.
    pub name: String,
    /// By what the two know each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// In which language.
    pub way: SignInWay,
    /// Names and addresses people are sent back to. Sorted.
    pub places: Vec<String>,
    /// What stands there. Sorted.
    pub consumers: Vec<EntityId>,
    /// The lists that say so, and the machines whose files do. Sorted.
    pub told_by: Vec<EntityId>,
    /// Where it stands: file and line on the provider's machine, else the exported list. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written_in: Vec<String>,
    /// The facts behind it.
    pub evidence: Vec<EvidenceId>,
}

impl RelyingParty {
    /// Where it stands: `FILE:LINE` of the provider's own machine, else the list somebody exported.
    pub fn place_written(&self) -> String {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            (Some(file), None) => file.to_string(),
            (None, _) => self.list.clone(),
        }
    }
}

/// Letters of a name that are kept.
const NAME_MAX: usize = 256;

/// The machine a web address leads to; none for a path, a pattern (`*.corp.example`), the service's own machine, or the
/// scheme of an app. Accounts, paths and queries are dropped.
pub fn place(url: &str) -> Option<Peer> {
    let (scheme, rest) = url.trim().split_once("://")?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = match host.starts_with('[') {
        true => host.split_inclusive(']').next()?,
        false => host.split(':').next()?,
    };
    Peer::parse(host).filter(|peer| !peer.is_loopback())
}

/// The machines `urls` lead to, sorted, each once.
pub fn places<'u>(urls: impl IntoIterator<Item = &'u str>) -> Vec<Peer> {
    let mut places: Vec<Peer> = urls.into_iter().filter_map(place).collect();
    places.sort();
    places.dedup();
    places
}

/// A name as it may stand in a fact: one line, not too long, of a web address neither account nor query.
pub fn named(text: &str) -> Option<Foreign> {
    let text = match text.split_once("://") {
        Some((scheme, rest)) => {
            let rest = rest.split(['?', '#']).next().unwrap_or_default();
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority
                .rsplit_once('@')
                .map_or(authority, |(_, host)| host);
            format!("{scheme}://{host}{path}")
        }
        None => text.to_owned(),
    };
    let letters = text.trim().chars().filter(|c| !c.is_control());
    let kept: String = letters.take(NAME_MAX).collect();
    (!kept.is_empty()).then(|| kept.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_machine_of_a_web_address_and_nothing_else() {
        let said = |url: &str| place(url).map(|peer| peer.to_string());
        for (url, want) in [
            (
                "https://wiki.corp.example/saml/acs?token=x",
                "wiki.corp.example",
            ),
            ("HTTP://user:canary@10.0.0.7:8080/", "10.0.0.7"),
            ("https://[fd00::7]:8443/cb", "fd00::7"),
        ] {
            assert_eq!(said(url).as_deref(), Some(want), "{url}");
        }
        for url in [
            "https://*.corp.example/*",
            "*",
            "/realms/x",
            "http://localhost:3000/cb",
            "http://127.0.0.1/",
            "com.corp.app://callback",
            "https://",
            "urn:ietf:wg:oauth:2.0:oob",
            "https://${host}/",
        ] {
            assert_eq!(said(url), None, "{url}");
        }
        let urls = [
            "https://b.example/1",
            "https://a.example/",
            "https://b.example/2",
        ];
        assert_eq!(places(urls).len(), 2);
    }

    #[test]
    fn a_name_is_one_line_without_account_and_query() {
        let said = |text: &str| named(text).map(|name| name.to_string());
        assert_eq!(
            said("https://u:canary@sp.example/m?k=canary").as_deref(),
            Some("https://sp.example/m")
        );
        assert_eq!(
            said(" urn:a:b\u{7}\n ").as_deref(),
            Some("urn:a:b"),
            "an entity name"
        );
        assert_eq!(said(" \n"), None);
        assert_eq!(said(&"x".repeat(9_000)).map(|n| n.len()), Some(NAME_MAX));
    }
}
