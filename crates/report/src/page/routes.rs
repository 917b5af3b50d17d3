//! Where mail servers send mail on to.

use groma_model::fact::{RouteRule, RouteTarget};
use groma_model::route::MailRouteEntry;
use serde::Serialize;

use super::Rows;
use crate::index::Index;
use crate::text::Catalogue;
use crate::visible::visible;

/// One rule.
#[derive(Serialize)]
pub(crate) struct RouteRow {
    /// The machine whose rule it is.
    pub(crate) machine: String,
    /// `Postfix: alias`.
    pub(crate) rule: String,
    /// The domain it is about; empty: any.
    pub(crate) from: String,
    /// Where it leads; empty: it stays here.
    pub(crate) to: String,
    /// The machine it leads to, where that is known by another name.
    pub(crate) next: String,
    /// How many entries say so.
    pub(crate) entries: u32,
    /// File and line.
    pub(crate) written: String,
}

/// Every rule: those that send mail on first, then what stays.
pub(crate) fn table(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<RouteRow> {
    let mut routes: Vec<&MailRouteEntry> = index.inventory.mail_routes.iter().collect();
    let name = |entry: &MailRouteEntry| index.name(&entry.on);
    routes.sort_by_cached_key(|entry| (stays(entry), name(entry), entry.route.clone()));
    Rows::first(&routes, limit, |entry| row(index, entry, words))
}

fn stays(entry: &MailRouteEntry) -> bool {
    let stays = [RouteRule::BlockList, RouteRule::Retention, RouteRule::Quota];
    entry.route.to == RouteTarget::Here || stays.contains(&entry.route.rule)
}

fn row(index: &Index<'_>, entry: &MailRouteEntry, words: &Catalogue) -> RouteRow {
    let route = &entry.route;
    let to = match &route.to {
        RouteTarget::Here => String::new(),
        to => visible(&to.to_string()),
    };
    let next = entry.next.as_ref().map(|id| index.name(id));
    let next = next.filter(|name| !to.starts_with(name.as_str()));
    let from = route.from.as_deref().map(visible);
    RouteRow {
        machine: index.name(&entry.on),
        rule: format!("{}: {}", visible(&route.product), route.rule.as_str()),
        from: from.unwrap_or_else(|| words.routes_any.to_owned()),
        to,
        next: next.unwrap_or_default(),
        entries: route.entries,
        written: match route.line {
            0 => visible(&route.file.to_string()),
            line => visible(&format!("{}:{line}", route.file)),
        },
    }
}
