//! `dkim-key-missing`: a machine signs mail with a key that name servers do not publish.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::fact::MailPurpose;
use groma_model::inventory::{Likelihood, MailRecordEntry, Severity};

use super::mail_signed_on_host::{Signature, signatures};
use crate::wording::{agree, names, place_of};
use crate::{Check, Draft, View};

pub(crate) struct DkimKeyMissing;

impl Check for DkimKeyMissing {
    fn name(&self) -> &'static str {
        "dkim-key-missing"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut keys: BTreeMap<&str, Vec<&MailRecordEntry>> = BTreeMap::new();
        let records = view.all(|i| &i.mail_records);
        for record in records.filter(|r| r.purpose == MailPurpose::Dkim) {
            keys.entry(record.asked.as_str()).or_default().push(record);
        }
        let missing = |signature: &Signature<'_>| {
            let at = format!("{}._domainkey.{}", signature.selector, signature.domain?);
            let told = keys.get(at.as_str())?;
            // A key that only some are told is what `mail-views-differ` says.
            let nobody = told.iter().all(|record| !is_usable(record));
            nobody.then(|| (at, told.clone()))
        };
        let mut by: BTreeMap<String, (Vec<Signature<'_>>, Vec<&MailRecordEntry>)> = BTreeMap::new();
        for signature in signatures(view) {
            if let Some((at, told)) = missing(&signature) {
                let found = by.entry(at).or_insert_with(|| (Vec::new(), told));
                found.0.push(signature);
            }
        }
        let drafts = by.into_iter();
        drafts
            .map(|(at, (signatures, told))| draft(view, &at, &signatures, &told))
            .collect()
    }
}

/// True for a key that receivers can use: there is one, and it is not withdrawn.
fn is_usable(record: &MailRecordEntry) -> bool {
    !record.values.is_empty() && record.faults.is_empty()
}

fn draft(
    view: &View<'_>,
    at: &str,
    signatures: &[Signature<'_>],
    told: &[&MailRecordEntry],
) -> Draft {
    let mut draft = Draft::about(&[at]);
    draft.severity = Severity::High;
    "mail".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    let on = signatures.iter().map(|s| &s.entry.on);
    let signers = on.collect::<BTreeSet<_>>().len();
    let machines = names(signatures.iter().filter_map(|s| {
        let machine = view.entity(&s.entry.on)?;
        Some(machine.name.as_str())
    }));
    let withdrawn = told.iter().any(|record| !record.values.is_empty());
    let what = match withdrawn {
        true => "is withdrawn",
        false => "is not there",
    };
    draft.risk = format!(
        "{machines} {} mail, and the key by which receivers check it {what}: every signature fails.",
        agree(signers, "signs", "sign")
    );
    draft.indicator = format!(
        "nobody is told a key at {at}; {}",
        names(
            signatures
                .iter()
                .map(|s| place_of(&s.entry.route.file, s.entry.route.line))
        )
    );
    "Receivers take the mail for forged: it lies in junk or is refused, most surely where the domain asks for it (DMARC).".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Publish the key at this name, or sign with a selector that is published.",
        "Send a mail to a mailbox outside and read what its receiver says of the signature.",
        "Give the new server a selector of its own, published before the switch.",
    ];
    for signature in signatures {
        draft.cites_evidence(&signature.entry.evidence);
        if let Some(machine) = view.entity(&signature.entry.on) {
            draft.points_at(machine);
        }
    }
    told.iter()
        .for_each(|record| draft.cites_evidence(&record.evidence));
    draft
}
