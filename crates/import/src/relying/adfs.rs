//! What AD FS' shell says about whom it signs people in for.

use groma_model::fact::SignInWay;
use groma_model::relying;
use serde_json::Value;

use super::{At, Party, at, is_on, objects, text, texts, word};
use crate::Reading;

pub(super) const PRODUCT: &str = "AD FS";

/// What AD FS sets up by itself: the registration of devices.
const OWN: &str = "urn:ms-drs:";

const LOST: &str =
    "the export kept the name of a type in place of the values: use ConvertTo-Json -Depth 4";

/// Which command wrote an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// `Get-AdfsRelyingPartyTrust`.
    Trust,
    /// `Get-AdfsClient`, `Get-AdfsNativeClientApplication`, `Get-AdfsServerApplication`.
    Client,
    /// `Get-AdfsWebApiApplication`.
    Api,
}

impl Kind {
    /// By the keys only that command writes.
    pub(super) fn of(object: &Value) -> Option<Self> {
        let has = |key: &str| {
            let keys = object.as_object().into_iter().flatten();
            keys.map(|(name, _)| name)
                .any(|name| name.eq_ignore_ascii_case(key))
        };
        Self::by(has)
    }

    /// The same for the columns of a table.
    pub(super) fn by(has: impl Fn(&str) -> bool) -> Option<Self> {
        if has("samlendpoints") || has("wsfedendpoint") {
            return Some(Self::Trust);
        }
        let of_group = has("applicationgroupidentifier");
        if has("redirecturi") && (of_group || has("clientid")) {
            return Some(Self::Client);
        }
        (of_group && has("identifier")).then_some(Self::Api)
    }
}

pub(super) fn read(place: &At<'_>, kind: Kind, object: &Value, reading: &mut Reading) {
    reading.rows += 1;
    // What stands there from the day AD FS was set up is nobody's service.
    let is_own = at(object, "BuiltIn").is_some_and(|v| v.as_bool() == Some(true));
    let identifiers = texts(at(object, "Identifier"));
    if !is_on(at(object, "Enabled")) || is_own || identifiers.iter().any(|i| i.starts_with(OWN)) {
        return;
    }
    let endpoints = at(object, "SamlEndpoints").map(objects).unwrap_or_default();
    if endpoints.iter().any(|e| text(e).is_some_and(is_lost)) {
        reading.problem(place.number, "SamlEndpoints", LOST);
    }
    let federated = word(object, "WSFedEndpoint").filter(|url| !is_lost(url));
    let mut urls: Vec<&str> = endpoints.iter().filter_map(|e| text(e)).collect();
    urls.extend(federated);
    urls.extend(texts(at(object, "AdditionalWSFedEndpoint")));
    urls.extend(texts(at(object, "RedirectUri")));
    let client = word(object, "ClientId");
    let identifier = identifiers.into_iter().find(|i| !is_lost(i)).or(client);
    let party = Party {
        product: PRODUCT,
        provider: word(object, "Provider")
            .and_then(provider)
            .or_else(|| place.of.cloned()),
        name: word(object, "Name"),
        identifier,
        way: way(kind, !endpoints.is_empty(), federated.is_some()),
        urls,
    };
    match party.into_fact(place.list) {
        Some(fact) => reading.parties.push(fact),
        None => reading.problem(
            place.number,
            "",
            "it has neither a name nor an identifier: left out",
        ),
    }
}

/// Trusts that have both endpoints (AD FS calls them `WsFed-SAML`) are told by the newer language.
pub(super) fn way(kind: Kind, saml: bool, federated: bool) -> SignInWay {
    match (kind, saml, federated) {
        (Kind::Client | Kind::Api, ..) => SignInWay::Oidc,
        (Kind::Trust, false, true) => SignInWay::WsFederation,
        (Kind::Trust, ..) => SignInWay::Saml,
    }
}

/// The farm an export says it is of: a name, or a web address.
pub(super) fn provider(text: &str) -> Option<groma_model::Peer> {
    match text.contains("://") {
        true => relying::place(text),
        false => groma_model::Peer::parse(text).filter(|peer| !peer.is_loopback()),
    }
}

/// True for the name of a .NET type that stands where values should.
pub(super) fn is_lost(cell: &str) -> bool {
    cell.ends_with("[]") || cell.starts_with("Microsoft.") || cell.starts_with("System.")
}
