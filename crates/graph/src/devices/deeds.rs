//! Whether a device prints, scans, faxes and mails, and by whose word.
//!
//! What was seen outweighs what somebody read off the panel or put into a list, and that outweighs what the device says of
//! itself. What is only a hint says neither yes nor no. Where witnesses of one weight contradict one another, the answer is unknown, and all of them are told.

use std::collections::BTreeMap;

use groma_model::device::{Deed, DeviceWitness};
use groma_model::device_verdict::{Answer, DeedEntry, DeedReason};
use groma_model::inventory::{Basis, Dependency};
use groma_model::{Estate, EvidenceId};

use super::mail::was_heard;
use super::{Told, sheets};

/// What a verdict speaks about, in this order.
const DEEDS: [Deed; 4] = [Deed::Print, Deed::Scan, Deed::Fax, Deed::Mail];

/// How much a reason weighs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// None: it is told, and answers nothing.
    LeftOut,
    /// Told, and no answer: other reasons for the same are as good.
    Hint,
    Says,
    Declared,
    Seen,
}

impl Weight {
    /// False for what is told and answers nothing.
    fn answers(self) -> bool {
        self >= Self::Says
    }
}

/// Reasons by weight, side and words, the heaviest last.
#[derive(Default)]
struct Reasons(BTreeMap<(Weight, bool, String), Vec<EvidenceId>>);

impl Reasons {
    fn add<'e>(
        &mut self,
        weight: Weight,
        against: bool,
        says: String,
        evidence: impl IntoIterator<Item = &'e EvidenceId>,
    ) {
        let kept = self.0.entry((weight, against, says)).or_default();
        kept.extend(evidence.into_iter().cloned());
    }

    fn entry(self, deed: Deed) -> DeedEntry {
        let counts = || self.0.keys().filter(|(weight, ..)| weight.answers());
        let heaviest = counts().map(|(weight, ..)| *weight).max();
        let says = |against| {
            counts().any(|(weight, side, _)| Some(*weight) == heaviest && *side == against)
        };
        let answer = match (says(false), says(true)) {
            (true, false) => Answer::Yes,
            (false, true) => Answer::No,
            _ => Answer::Unknown,
        };
        let disputed =
            counts().any(|(_, against, _)| *against) && counts().any(|(_, against, _)| !against);
        let because = self
            .0
            .into_iter()
            .rev()
            .map(|((_, against, says), mut evidence)| {
                evidence.sort();
                evidence.dedup();
                evidence.truncate(10);
                DeedReason {
                    says,
                    against,
                    evidence,
                }
            });
        DeedEntry {
            deed,
            answer,
            disputed,
            because: because.collect(),
        }
    }
}

pub(super) fn entries(told: &Told<'_>, estate: &Estate) -> Vec<DeedEntry> {
    let entry = |deed| {
        let mut reasons = Reasons::default();
        of_itself(told, deed, &mut reasons);
        match deed {
            Deed::Mail => mails(told, estate, &mut reasons),
            Deed::Scan => {
                scans(told, &mut reasons);
                calls_shares(told, &mut reasons);
            }
            _ => {}
        }
        reasons.entry(deed)
    };
    DEEDS.into_iter().map(entry).collect()
}

fn of_itself(told: &Told<'_>, deed: Deed, reasons: &mut Reasons) {
    for raw in &told.says {
        let says = &raw.fact;
        let panel = says.by == DeviceWitness::Panel;
        let weight = if panel {
            Weight::Declared
        } else {
            Weight::Says
        };
        let proof = match says.proof.is_empty() || panel {
            true => says.by.words().to_owned(),
            false => format!("{}: {}", says.by.words(), says.proof.join(", ")),
        };
        let mut add = |weight, against, words: &str| {
            reasons.add(weight, against, format!("{words} ({proof})"), [&raw.id]);
        };
        if says.has_done.contains(&deed) {
            add(Weight::Seen, false, "has done it");
        }
        if says.can.contains(&deed) {
            add(weight, false, "can");
        }
        if says.cannot.contains(&deed) {
            add(weight, true, "cannot");
        }
    }
}

fn scans(told: &Told<'_>, reasons: &mut Reasons) {
    for raw in &told.scans {
        let says = format!("announces that it can ({})", raw.fact.by);
        reasons.add(Weight::Says, false, says, [&raw.id]);
    }
}

/// A connection to a file server, as a copier has that puts scans into a folder. It may as well fetch print jobs, an address book or a
/// new firmware there, so it answers nothing.
fn calls_shares(told: &Told<'_>, reasons: &mut Reasons) {
    let calls = |need: &&&Dependency| need.kind == "smb" && need.basis == Basis::Observed;
    for need in told.needs.iter().filter(calls) {
        let says = format!(
            "was seen calling {} for shares: perhaps it puts scans into a folder there",
            need.provider.name
        );
        reasons.add(Weight::Hint, false, says, need.evidence.iter().take(10));
    }
}

/// What was seen of its mail, and what somebody set up for it.
fn mails(told: &Told<'_>, estate: &Estate, reasons: &mut Reasons) {
    let name = |id| {
        let entity = estate.entities.get(id);
        entity.map_or("a mail server", |entity| entity.name.as_str())
    };
    for raw in &told.left_out {
        reasons.add(Weight::LeftOut, false, sheets::why(&raw.fact), [&raw.id]);
    }
    // Of a row that is but a connection the need below tells.
    for row in told.sends.iter().filter(|row| was_heard(row)) {
        let says = match row.messages {
            0 => format!(
                "tried to send through {}, which refused",
                name(&row.provider)
            ),
            _ => format!("sent through {}, as its log tells", name(&row.provider)),
        };
        reasons.add(Weight::Seen, false, says, &row.evidence);
    }
    for need in told.needs.iter().filter(|need| is_mail(need)) {
        let port = need.provider.port.map(|port| format!(":{port}"));
        let server = format!("{}{}", need.provider.name, port.unwrap_or_default());
        let (weight, says) = match need.basis {
            Basis::Observed => (Weight::Seen, format!("was seen calling {server}")),
            _ => (
                Weight::Declared,
                format!("is set up to send through {server}"),
            ),
        };
        reasons.add(weight, false, says, need.evidence.iter().take(10));
    }
}

/// True for a need of who hands mail on.
pub(super) fn is_mail(need: &Dependency) -> bool {
    matches!(need.kind.as_str(), "smtp-relay" | "smtp-submission")
}
