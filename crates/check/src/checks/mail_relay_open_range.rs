//! `mail-relay-open-range`: a mail server lets a range through so wide that nobody can say who needs it.

use std::net::IpAddr;

use groma_model::fact::{RelayBy, RelayRule};
use groma_model::inventory::{Likelihood, Severity};
use groma_model::mail_ledger::{MailLedgerEntry, MailServerEntry};

use super::mail_rows::{about, grouped, name, number, sends, who};
use crate::wording::names;
use crate::{Check, Draft, View};

/// A range of so many leading bits or fewer holds everything a house has: `10.0.0.0/8`, `172.16.0.0/12`.
const WIDE_V4: u8 = 12;
const WIDE_V6: u8 = 40;

pub(crate) struct MailRelayOpenRange;

impl Check for MailRelayOpenRange {
    fn name(&self) -> &'static str {
        "mail-relay-open-range"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let wide = |server: &&MailServerEntry| server.allows.iter().any(is_wide);
        let mut servers = view.all(|i| &i.mail_servers).filter(wide).peekable();
        if servers.peek().is_none() {
            return Vec::new();
        }
        let rows = grouped(view, |row| {
            sends(row) && row.allowed_by.as_ref().is_some_and(is_wide)
        });
        let of = |server: &MailServerEntry| rows.get(&server.entity).map_or(&[][..], Vec::as_slice);
        servers
            .map(|server| draft(view, server, of(server)))
            .collect()
    }
}

fn is_wide(rule: &RelayRule) -> bool {
    if rule.by != RelayBy::Address {
        return false;
    }
    let whole = "192.168.0.0".parse::<IpAddr>().ok();
    match rule.network() {
        Some((address, _)) if address.is_loopback() => false,
        Some((address @ IpAddr::V4(_), bits)) => {
            bits <= WIDE_V4 || (bits <= 16 && Some(address) == whole)
        }
        Some((IpAddr::V6(_), bits)) => bits <= WIDE_V6,
        None => rule.is_everybody(),
    }
}

fn draft(view: &View<'_>, server: &MailServerEntry, rows: &[&MailLedgerEntry]) -> Draft {
    let wide: Vec<&RelayRule> = server.allows.iter().filter(|rule| is_wide(rule)).collect();
    let open = wide.iter().any(|rule| rule.is_everybody());
    let mut draft = about(view, &server.entity, rows);
    draft.about.push(server.product.clone());
    draft.cites_evidence(&server.evidence);
    (draft.severity, draft.likelihood) = match open {
        true => (Severity::Critical, Likelihood::High),
        false => (Severity::Medium, Likelihood::Medium),
    };
    let whom = match open {
        true => "anybody at all",
        false => "every machine of the house",
    };
    draft.risk = format!(
        "{} passes mail on for {whom}: no list says who needs it, so the new server cannot be given one.",
        name(view, &server.entity)
    );
    let entries = names(
        wide.iter()
            .map(|rule| match rule.file.as_ref().zip(rule.line) {
                Some((file, line)) => format!("{} ({file}:{line})", rule.entry),
                None => rule.entry.clone(),
            }),
    );
    draft.indicator = match rows.is_empty() {
        true => format!("{entries}; no sender of that range is known from the logs"),
        false => format!(
            "{entries}; {} seen using it: {}",
            number(rows),
            who(view, rows)
        ),
    };
    "Whoever is forgotten is refused after the move; until then any machine that is taken over can send in every name."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Let the log of a whole month and a quarter's end say who sends, then write down those alone.",
        "Do not carry the range over: give the new server the list.",
        "Ask the owners of each sender for an account where it can have one.",
    ];
    draft
}
