//! The Shibboleth identity provider: `conf/metadata-providers.xml` names files with metadata of services, and
//! `conf/relying-party.xml` names services that are treated in a way of their own.

use groma_knowledge::rules::Format;
use groma_model::fact::SignInWay;

use super::party::{PARTIES_MAX, Party};
use crate::format;

/// Files or folders named, of one settings file.
const NAMED_MAX: usize = 200;

/// A place where metadata of services lies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Place {
    File(String),
    /// Each of its files describes one service.
    Folder(String),
    /// A federation's list, fetched from elsewhere: whole of it is nobody's need.
    Fetched,
}

/// Where `text` (`metadata-providers.xml`) says that metadata lies; `home` is where the product was installed.
pub(super) fn places(text: &str, home: &str) -> Vec<Place> {
    let settings = format::read(Format::Xml, &[], text);
    let providers = settings.all.iter().filter(|s| {
        let last = s.section.rsplit('/').next().unwrap_or_default();
        last == "MetadataProvider"
    });
    let whole = |path: &str| path.replace("%{idp.home}", home);
    let places = providers.filter_map(|setting| match setting.key.as_str() {
        "@metadataFile" => Some(Place::File(whole(&setting.value))),
        "@sourceDirectory" => Some(Place::Folder(whole(&setting.value))),
        "@metadataURL" => Some(Place::Fetched),
        _ => None,
    });
    places.take(NAMED_MAX).collect()
}

/// Services that `text` (`relying-party.xml`) names: `c:relyingPartyIds="#{{'https://a', 'https://b'}}"` or a plain list.
pub(super) fn overrides(text: &str) -> (Vec<Party>, bool) {
    let settings = format::read(Format::Xml, &[], text);
    let lists = settings.all.iter().filter(|s| {
        let key = s.key.trim_start_matches('@');
        matches!(key, "c:relyingPartyIds" | "p:relyingPartyIds")
    });
    let mut all: Vec<Party> = lists
        .flat_map(|list| ids(&list.value).into_iter().map(|id| (list.line, id)))
        .map(|(line, id)| Party {
            identifier: Some(id),
            ..Party::begin(line, SignInWay::Saml)
        })
        .take(PARTIES_MAX + 1)
        .collect();
    let cut = all.len() > PARTIES_MAX;
    all.truncate(PARTIES_MAX);
    (all, settings.partial || cut)
}

fn ids(value: &str) -> Vec<String> {
    let listed = value
        .strip_prefix("#{")
        .map(|rest| rest.trim_matches(['{', '}', ' ']));
    // An expression that is no list of texts names nobody that could be read.
    let is_list = listed.is_none_or(|list| list.trim_start().starts_with(['\'', '"']));
    let words = listed.unwrap_or(value).split(',');
    let words = words.map(|word| word.trim().trim_matches(['\'', '"']));
    let told = words.filter(|word| is_list && !word.is_empty() && !word.contains("%{"));
    told.map(str::to_owned).collect()
}
