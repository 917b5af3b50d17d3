//! `mail-name-certificate`: the certificate behind a name mail depends on ends soon.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EvidenceId;
use groma_model::fact::MailPurpose;
use groma_model::inventory::{Likelihood, MailRecordEntry, Severity};

use super::leaf::{Leaf, leaves};
use crate::wording::{in_days, names};
use crate::{Check, Draft, View};

/// Whoever moves mail wants no renewal within so many days.
const DAYS_MAX: i64 = 60;
const DAYS_HIGH: i64 = 30;

pub(crate) struct MailNameCertificate;

impl Check for MailNameCertificate {
    fn name(&self) -> &'static str {
        "mail-name-certificate"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mail = mail_names(view);
        if mail.is_empty() {
            return Vec::new();
        }
        leaves(view)
            .iter()
            .filter(|leaf| !leaf.endpoints.is_empty())
            .filter(|leaf| view.now.days_until(leaf.certificate.not_after) <= DAYS_MAX)
            .filter_map(|leaf| draft(view, leaf, &mail))
            .collect()
    }
}

/// Names that senders and mail programs go to, with the records that say so.
fn mail_names<'a>(view: &View<'a>) -> BTreeMap<String, Vec<&'a MailRecordEntry>> {
    let mut out: BTreeMap<String, Vec<&MailRecordEntry>> = BTreeMap::new();
    for record in view.all(|i| &i.mail_records) {
        // The target is the last word of MX and SRV; an autodiscover name is called as it was asked for.
        let last = |value: &String| value.rsplit(' ').next().unwrap_or_default().to_owned();
        let mut found: Vec<String> = match record.purpose {
            MailPurpose::Exchanger | MailPurpose::Service => {
                record.values.iter().map(last).collect()
            }
            MailPurpose::Autodiscover => vec![record.asked.as_str().to_owned()],
            _ => Vec::new(),
        };
        found.retain(|name| name.contains('.') && name != ".");
        for name in found {
            let name = name.trim_end_matches('.').to_lowercase();
            out.entry(name).or_default().push(record);
        }
    }
    out
}

/// True if `written` in a certificate stands for `name` (RFC 6125, 6.4.3: one label, the leftmost).
fn covers(written: &str, name: &str) -> bool {
    match written.strip_prefix("*.") {
        Some(rest) => name
            .split_once('.')
            .is_some_and(|(_, parent)| parent.eq_ignore_ascii_case(rest)),
        None => written.eq_ignore_ascii_case(name),
    }
}

fn draft(
    view: &View<'_>,
    leaf: &Leaf<'_>,
    mail: &BTreeMap<String, Vec<&MailRecordEntry>>,
) -> Option<Draft> {
    let meant: BTreeMap<&String, &Vec<&MailRecordEntry>> = mail
        .iter()
        .filter(|(name, _)| {
            leaf.certificate
                .names
                .iter()
                .any(|written| covers(written, name))
        })
        .collect();
    if meant.is_empty() {
        return None;
    }
    let days = view.now.days_until(leaf.certificate.not_after);
    let mut draft = Draft::about(&[&leaf.certificate.sha256]);
    draft.severity = match days {
        ..=DAYS_HIGH => Severity::High,
        _ => Severity::Medium,
    };
    "mail".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    let called = names(meant.keys().map(|name| name.as_str()));
    let ends = match days {
        ..0 => format!("ended {}", in_days(days)),
        _ => format!("ends {}", in_days(days)),
    };
    draft.risk = format!("The certificate of {called}, where mail goes, {ends}.");
    let purposes: BTreeSet<&str> = meant
        .values()
        .flat_map(|records| records.iter())
        .map(|r| r.purpose.as_str())
        .collect();
    draft.indicator = format!(
        "{} says {called}; its certificate is valid until {}",
        names(purposes),
        leaf.certificate.not_after.day()
    );
    "Mail programs warn everybody at once, senders that insist on TLS keep their mail back, and a renewal in the week of the move is one change too many.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Renew it before the wave, with the names the mail service will have after it.",
        "Where several servers answer to the name, put the new one on all of them.",
        "Look from outside: the new date must show at port 25, 587 and 443.",
    ];
    draft.control_date = Some(leaf.certificate.not_after);
    draft.points_at(leaf.entity);
    for host in leaf.hosts() {
        view.entity(host)
            .into_iter()
            .for_each(|e| draft.points_at(e));
    }
    let evidence: Vec<EvidenceId> = meant
        .values()
        .flat_map(|records| records.iter())
        .flat_map(|r| r.evidence.clone())
        .collect();
    draft.cites_evidence(&evidence);
    draft.cites_evidence(&leaf.entity.evidence);
    Some(draft)
}
