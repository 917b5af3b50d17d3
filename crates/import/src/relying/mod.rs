//! Who signs people in through an identity provider, as an administrator exported it from there.
//!
//! AD FS: `Get-AdfsRelyingPartyTrust`, `Get-AdfsClient`, `Get-AdfsNativeClientApplication`,
//! `Get-AdfsServerApplication` and `Get-AdfsWebApiApplication`, as `ConvertTo-Json` or `Export-Csv` write them
//! (learn.microsoft.com/powershell/module/adfs). Keycloak: the export of a realm, by `kc.sh export` or by the console
//! (RealmRepresentation of its Admin API). **Never run against a real AD FS or Keycloak**: tests stand on input made to
//! those shapes. Values of secrets (`clientSecret`, `secret`, `bindCredential`) are not looked at.

mod adfs;
mod keycloak;
mod table;

use groma_model::Peer;
use groma_model::fact::{DirectoryNeed, NeedReason, RelyingParty, SignInWay};
use groma_model::name::{Port, Protection, Transport};
use groma_model::relying;
use serde_json::Value;

use crate::{ImportError, ROWS, Reading};

/// An export of another kind is recognised by the keys of its first objects.
const SAMPLE: usize = 16;

/// True if `bytes` are JSON that an identity provider's tools write.
pub(crate) fn is_json(bytes: &[u8]) -> bool {
    // Nothing else is read as a whole to know what it is.
    let top = bytes.get(..bytes.len().min(64)).unwrap_or_default();
    if !top.iter().any(|byte| matches!(byte, b'{' | b'[')) {
        return false;
    }
    let text = crate::text::decode(bytes).unwrap_or_default();
    text.trim_start().starts_with(['{', '['])
        && serde_json::from_str(&text).is_ok_and(|value| is_meant(&value))
}

/// True if `text` is a table that AD FS' shell exports.
pub(crate) fn is_table(text: &str) -> bool {
    table::layout(text).is_some()
}

fn is_meant(value: &Value) -> bool {
    objects(value)
        .iter()
        .take(SAMPLE)
        .any(|object| keycloak::is_realm(object) || adfs::Kind::of(object).is_some())
}

/// Reads what an identity provider's tools exported into `text`, the list `list`.
pub(crate) fn read(list: &str, text: &str, of: Option<&Peer>) -> Result<Reading, ImportError> {
    // An object on one line looks like a row of words, too.
    if !text.trim_start().starts_with(['{', '[']) {
        return table::read(list, text, of);
    }
    let value: Value = serde_json::from_str(text).map_err(|error| ImportError::Broken {
        list: list.to_owned(),
        place: format!("line {}", error.line()),
        why: "this is no whole JSON".to_owned(),
    })?;
    let mut reading = Reading::default();
    for (number, object) in (1..).zip(objects(&value)) {
        match (keycloak::is_realm(object), adfs::Kind::of(object)) {
            (true, _) => keycloak::read(list, object, of, &mut reading),
            (false, Some(kind)) => adfs::read(&At { list, number, of }, kind, object, &mut reading),
            (false, None) => {
                reading.rows += 1;
                reading.problem(number, "", "no such object is known: it is left out");
            }
        }
        if reading.rows > ROWS {
            return Err(ImportError::TooLarge {
                list: list.to_owned(),
                what: "rows",
                limit: ROWS as u64,
            });
        }
    }
    Ok(reading)
}

/// The objects of an export: a list, one alone, or a list as Windows PowerShell wraps it (`{"value": […], "Count": 1}`).
fn objects(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(map) if map.contains_key("Count") => {
            map.get("value").map(objects).unwrap_or_default()
        }
        object => vec![object],
    }
}

/// The value of a key, whatever its case.
fn at<'v>(object: &'v Value, key: &str) -> Option<&'v Value> {
    let map = object.as_object()?;
    let found = map.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
    found
        .map(|(_, value)| value)
        .filter(|value| !value.is_null())
}

/// A text; a web address that PowerShell wrote as an object with its parts is one too.
fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text.trim()).filter(|text| !text.is_empty()),
        Value::Object(_) => ["OriginalString", "AbsoluteUri", "Location"]
            .iter()
            .find_map(|key| at(value, key).and_then(text)),
        _ => None,
    }
}

/// The texts of a list, or the one text there is.
fn texts(value: Option<&Value>) -> Vec<&str> {
    let all = value.map(objects).unwrap_or_default();
    all.into_iter().filter_map(text).collect()
}

fn word<'v>(object: &'v Value, key: &str) -> Option<&'v str> {
    at(object, key).and_then(text)
}

/// True unless it is said to be off.
fn is_on(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(on)) => *on,
        Some(Value::String(word)) => !table::is_no(word),
        _ => true,
    }
}

/// Where an object stands, and of whom its export is said to be.
struct At<'a> {
    list: &'a str,
    /// Counted from 1.
    number: usize,
    of: Option<&'a Peer>,
}

/// What is known of a service before it becomes a fact.
struct Party<'t> {
    product: &'static str,
    provider: Option<Peer>,
    name: Option<&'t str>,
    identifier: Option<&'t str>,
    way: SignInWay,
    urls: Vec<&'t str>,
}

impl Party<'_> {
    /// The fact; `None` for what has neither a name nor anything else to be known by.
    fn into_fact(self, list: &str) -> Option<RelyingParty> {
        let identifier = self.identifier.and_then(relying::named);
        let name = self.name.and_then(relying::named);
        Some(RelyingParty {
            list: list.to_owned(),
            file: None,
            line: None,
            product: self.product.to_owned(),
            provider: self.provider,
            name: name.or_else(|| identifier.clone())?,
            identifier,
            way: self.way,
            places: relying::places(self.urls),
        })
    }
}

/// What the provider itself needs to let anybody in: a directory, another provider, a server for mail.
struct Need<'t> {
    consumer: Option<Peer>,
    url: &'t str,
    kind: &'static str,
    object: String,
    attribute: &'static str,
}

impl Need<'_> {
    /// The fact; `None` where the export does not say whose it is, or the address is none.
    fn into_fact(self) -> Option<DirectoryNeed> {
        let (scheme, _) = self.url.split_once("://")?;
        let (default, protection) = match scheme.to_ascii_lowercase().as_str() {
            "ldaps" => (636, Some(Protection::Tls)),
            "ldap" => (389, None),
            "https" => (443, Some(Protection::Tls)),
            "http" => (80, Some(Protection::None)),
            _ => return None,
        };
        let web = self.url.replacen(scheme, "https", 1);
        let port = port_of(&web).unwrap_or(default);
        Some(DirectoryNeed {
            consumer: self.consumer?,
            provider: relying::place(&web)?,
            port: Some(Port(port)),
            transport: Transport::Tcp,
            kind: self.kind.to_owned(),
            reason: NeedReason::SignIn,
            account: None,
            resource: None,
            protection,
            dn: relying::named(&self.object)?,
            attribute: self.attribute.to_owned(),
        })
    }
}

fn port_of(url: &str) -> Option<u16> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (_, port) = authority.rsplit_once(':')?;
    port.parse().ok()
}
