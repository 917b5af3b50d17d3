//! Where a domain's mail lies with a service that no host of the estate can look into.

use std::collections::BTreeMap;

use groma_knowledge::mail_tenants::{MAIL_TENANTS, MailTenant};
use groma_model::fact::{MailPurpose, MailRecord};
use groma_model::{CoverageState, HostName, Peer, Reason, Scope};
use groma_source::{Sink, SinkExt, Window};

/// Says of each service that records of `domain` lead to that its side was not seen.
pub(super) fn unseen(
    domain: &HostName,
    records: &[MailRecord],
    window: &Window,
    sink: &mut dyn Sink,
) {
    let known = named(records);
    if known.is_empty() {
        return;
    }
    let scope = Scope::new("tenant", domain.as_str());
    for (at, purposes) in known {
        let Some(tenant) = MAIL_TENANTS.get(at) else {
            continue;
        };
        let what = format!(
            "what is set up for {domain} at {}, to which its {} {}: mailboxes, forwarding, connectors, who may send through it",
            tenant.name,
            purposes.join(" and "),
            if purposes.len() == 1 { "leads" } else { "lead" },
        );
        sink.missed_because(&scope, what, Reason::Unsupported, &tenant.ask);
    }
    sink.covered_now(window, &scope, CoverageState::Partial);
}

/// Services by their place in the list, and the records that lead there.
fn named(records: &[MailRecord]) -> BTreeMap<usize, Vec<&'static str>> {
    let mut known: BTreeMap<usize, Vec<&'static str>> = BTreeMap::new();
    for record in records {
        for (at, tenant) in MAIL_TENANTS.iter().enumerate() {
            let word = record.purpose.as_str();
            let purposes = known.get(&at).is_some_and(|known| known.contains(&word));
            if !purposes && leads_to(record, tenant) {
                known.entry(at).or_default().push(word);
            }
        }
    }
    known
}

fn leads_to(record: &MailRecord, tenant: &MailTenant) -> bool {
    let mut names = record.peers.iter().filter_map(|peer| match peer {
        Peer::Name(name) => Some(name.as_str()),
        Peer::Address(_) => None,
    });
    match record.purpose {
        MailPurpose::Exchanger => names.any(|name| tenant.takes(name)),
        MailPurpose::Autodiscover | MailPurpose::Service => {
            names.any(|name| tenant.has_settings_at(name))
        }
        MailPurpose::Spf => record
            .values
            .iter()
            .any(|text| included(text).any(|name| tenant.sends(name))),
        _ => false,
    }
}

/// The names an SPF record includes, or hands on to (RFC 7208, 5.2 and 6.1).
fn included(text: &str) -> impl Iterator<Item = &str> {
    let term = |word: &str| -> Option<usize> {
        let plain = word.trim_start_matches(['+', '-', '~', '?']);
        let begin = ["include:", "redirect="].into_iter().find(|begin| {
            plain
                .get(..begin.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(begin))
        })?;
        Some(word.len() - plain.len() + begin.len())
    };
    text.split_ascii_whitespace()
        .map(|word| word.trim_matches('"'))
        .filter_map(move |word| word.get(term(word)?..))
        .map(|name| name.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_spf_record_includes() {
        let names: Vec<&str> =
            included("v=spf1 mx ?Include:a.example. -all redirect=b.example exp=c.example")
                .collect();
        assert_eq!(names, ["a.example", "b.example"]);
    }
}
