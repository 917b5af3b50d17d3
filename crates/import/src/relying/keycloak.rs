//! The export of a Keycloak realm.

use groma_model::Peer;
use groma_model::fact::SignInWay;
use groma_model::relying;
use serde_json::Value;

use super::{Need, Party, at, is_on, objects, text, texts, word};
use crate::Reading;

const PRODUCT: &str = "Keycloak";

/// Clients every realm has from its first day, for Keycloak's own pages.
const OWN: &[&str] = &[
    "account",
    "account-console",
    "admin-cli",
    "broker",
    "realm-management",
    "security-admin-console",
];

/// Components that are directories.
const STORAGE: &str = "org.keycloak.storage.UserStorageProvider";

/// Addresses of another provider that people or Keycloak itself are sent to.
const ELSEWHERE: &[&str] = &[
    "authorizationUrl",
    "tokenUrl",
    "singleSignOnServiceUrl",
    "jwksUrl",
];

/// True for the representation of a realm.
pub(super) fn is_realm(object: &Value) -> bool {
    let has = |key: &str| object.get(key).is_some_and(Value::is_array);
    object.get("realm").is_some_and(Value::is_string)
        && (has("clients") || has("identityProviders"))
}

pub(super) fn read(list: &str, realm: &Value, of: Option<&Peer>, reading: &mut Reading) {
    if !is_on(at(realm, "enabled")) {
        return;
    }
    let attributes = at(realm, "attributes");
    let front = attributes.and_then(|a| word(a, "frontendUrl"));
    let provider = front.and_then(relying::place).or_else(|| of.cloned());
    let clients = at(realm, "clients").map(objects).unwrap_or_default();
    for client in clients {
        reading.rows += 1;
        let named = ["name", "clientId"].map(|key| word(client, key));
        if let Some(party) = party(client, realm, provider.clone()) {
            match party.into_fact(list) {
                Some(fact) => reading.parties.push(fact),
                None => reading.problem(
                    reading.rows,
                    "",
                    format!("a client without a name: {named:?}"),
                ),
            }
        }
    }
    let name = word(realm, "realm").unwrap_or_default();
    let needs = directories(realm, name, provider.as_ref())
        .into_iter()
        .chain(others(realm, name, provider.as_ref()));
    reading.needs.extend(needs);
}

/// A client; `None` for Keycloak's own and for those that are off.
fn party<'v>(client: &'v Value, realm: &Value, provider: Option<Peer>) -> Option<Party<'v>> {
    let id = word(client, "clientId");
    // `corp-realm` in the realm `master` is the management of another realm.
    let master = word(realm, "realm") == Some("master");
    let is_own = id.is_some_and(|id| OWN.contains(&id) || (master && id.ends_with("-realm")));
    if is_own || !is_on(at(client, "enabled")) {
        return None;
    }
    let name = word(client, "name").filter(|name| !name.starts_with("${"));
    let mut urls: Vec<&str> = ["rootUrl", "baseUrl", "adminUrl"]
        .iter()
        .filter_map(|key| word(client, key))
        .collect();
    urls.extend(texts(at(client, "redirectUris")));
    let attributes = at(client, "attributes").and_then(Value::as_object);
    let assertions = attributes.into_iter().flatten();
    urls.extend(
        assertions
            .filter(|(key, _)| is_consumer(key))
            .filter_map(|(_, v)| text(v)),
    );
    Some(Party {
        product: PRODUCT,
        provider,
        name: name.or(id),
        identifier: id,
        way: match word(client, "protocol") {
            Some("saml") => SignInWay::Saml,
            Some("cas") => SignInWay::Cas,
            _ => SignInWay::Oidc,
        },
        urls,
    })
}

/// Where assertions of SAML go, among a client's attributes.
fn is_consumer(key: &str) -> bool {
    key.starts_with("saml_assertion_consumer_url")
        || key.starts_with("saml_single_logout_service_url")
}

/// The directories people are kept in: as components, and as before Keycloak 2.5 in a list of their own.
fn directories(
    realm: &Value,
    name: &str,
    provider: Option<&Peer>,
) -> Vec<groma_model::fact::DirectoryNeed> {
    let components = at(realm, "components").and_then(|all| at(all, STORAGE));
    let listed = [components, at(realm, "userFederationProviders")];
    let all = listed.into_iter().flatten().flat_map(objects);
    let on = all
        .filter_map(|storage| at(storage, "config"))
        .filter(|config| {
            let enabled = texts(at(config, "enabled"));
            !enabled.iter().any(|word| super::table::is_no(word))
        });
    let urls = on.flat_map(|config| texts(at(config, "connectionUrl")));
    // One setting may name several servers.
    let urls = urls.flat_map(str::split_whitespace);
    let need = |url| Need {
        consumer: provider.cloned(),
        url,
        kind: "ldap-bind",
        object: format!("realm {name}"),
        attribute: "connectionUrl",
    };
    urls.filter_map(|url| need(url).into_fact()).collect()
}

/// Providers this one sends people on to.
fn others(
    realm: &Value,
    name: &str,
    provider: Option<&Peer>,
) -> Vec<groma_model::fact::DirectoryNeed> {
    let all = at(realm, "identityProviders")
        .map(objects)
        .unwrap_or_default();
    let on = all.into_iter().filter(|other| is_on(at(other, "enabled")));
    let configs = on.filter_map(|other| at(other, "config"));
    let urls = configs.flat_map(|config| {
        ELSEWHERE
            .iter()
            .filter_map(|key| Some((*key, word(config, key)?)))
            .collect::<Vec<_>>()
    });
    let need = |(attribute, url)| Need {
        consumer: provider.cloned(),
        url,
        kind: "federation",
        object: format!("realm {name}"),
        attribute,
    };
    urls.filter_map(|found| need(found).into_fact()).collect()
}
