//! `mail-sender-refused`: somebody's mail is refused already, before anything moves.

use std::time::Duration;

use groma_model::fact::MailRefusal;
use groma_model::inventory::{Likelihood, Severity};
use groma_model::mail_ledger::{MailLedgerEntry, MailRefusalEntry};
use groma_model::{EntityId, Timestamp};

use super::mail_rows::{about, consumers, grouped, name, number};
use crate::wording::{agree, count, names};
use crate::{Check, Draft, View};

/// A refusal older than this is no news.
const RECENT: Duration = Duration::from_secs(30 * 86_400);

pub(crate) struct MailSenderRefused;

impl Check for MailSenderRefused {
    fn name(&self) -> &'static str {
        "mail-sender-refused"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let groups = grouped(view, |row| newest(row, view.now).is_some());
        groups
            .iter()
            .map(|(provider, rows)| draft(view, provider, rows))
            .collect()
    }
}

/// The newest refusal, if nothing was taken since. A recipient that is not there is the sender's mistake.
fn newest(row: &MailLedgerEntry, now: Timestamp) -> Option<&MailRefusalEntry> {
    let counts = |refusal: &&MailRefusalEntry| {
        let news = refusal.last_seen.plus(RECENT) >= now;
        let since = row.messages == 0 || refusal.last_seen > row.last_seen;
        refusal.why != MailRefusal::RecipientRejected && news && since
    };
    row.refusals
        .iter()
        .filter(counts)
        .max_by_key(|refusal| refusal.last_seen)
}

/// Why, in words.
fn why(refusal: MailRefusal) -> &'static str {
    match refusal {
        MailRefusal::RelayDenied => "may not send to other domains",
        MailRefusal::ClientRejected => "is not let in at all",
        MailRefusal::HeloRejected => "calls itself something the server does not take",
        MailRefusal::SenderRejected => "sends under a name the server does not take",
        MailRefusal::RecipientRejected => "sends to somebody who is not there",
        MailRefusal::LogonFailed => "has a wrong account or password",
        MailRefusal::NeedsTls => "does not use TLS where it must",
        MailRefusal::TlsFailed => "knows no TLS the server speaks",
        MailRefusal::ContentRejected => "sends what is too large or filtered",
        MailRefusal::Other => "is refused",
    }
}

fn draft(view: &View<'_>, provider: &EntityId, rows: &[&MailLedgerEntry]) -> Draft {
    let mut draft = about(view, provider, rows);
    draft.severity = Severity::Medium;
    draft.likelihood = Likelihood::High;
    let machines = number(rows);
    draft.risk = format!(
        "Mail of {} is refused by {} already: after the move {} be taken for something the move broke.",
        consumers(view, rows),
        name(view, provider),
        agree(machines, "it will", "they will"),
    );
    let times = rows.iter().filter_map(|row| {
        let refusal = newest(row, view.now)?;
        Some(format!(
            "{} {} ({}, last {} UTC)",
            name(view, &row.consumer),
            why(refusal.why),
            count(
                usize::try_from(refusal.count).unwrap_or(usize::MAX),
                "time",
                "times"
            ),
            refusal.last_seen.minute(),
        ))
    });
    draft.indicator = names(times);
    "Somebody does not get reports, scans or alarms today, and does not know it."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Ask who owns each of these machines, and whether anybody misses its mail.",
        "Mend it now or switch it off now: not on the day of the move.",
        "Write down what is left broken on purpose, so that nobody looks for it afterwards.",
    ];
    draft
}
