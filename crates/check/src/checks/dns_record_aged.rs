//! `dns-record-aged`: a zone of the domain keeps records that the machines they name have not renewed.

use std::collections::BTreeMap;

use groma_model::fact::DirectoryEntry;
use groma_model::inventory::{Entity, Likelihood, Severity};

use crate::view::{told, values};
use crate::wording::{count, names};
use crate::{Check, Draft, View};

pub(crate) struct DnsRecordAged;

impl Check for DnsRecordAged {
    fn name(&self) -> &'static str {
        "dns-record-aged"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut zones: BTreeMap<&str, Vec<(&Entity, &DirectoryEntry)>> = BTreeMap::new();
        for aged in told(view, &["dns-record"]) {
            let directory = aged.1.object.directory.as_str();
            zones.entry(directory).or_default().push(aged);
        }
        zones.iter().map(|(name, aged)| draft(name, aged)).collect()
    }
}

fn draft(directory: &str, aged: &[(&Entity, &DirectoryEntry)]) -> Draft {
    let mut draft = Draft::about(&[directory]);
    draft.severity = Severity::Low;
    "network".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::Medium;
    draft.risk = format!(
        "{} in the zones of {directory} were registered by machines that have not renewed them: whoever uses such a name reaches nobody, or whoever has the address today.",
        count(aged.len(), "record", "records"),
    );
    let said = aged.iter().map(|(_, entry)| {
        let addresses = values(&entry.object, "addresses").join(", ");
        format!("{} ({addresses})", entry.object.name)
    });
    draft.indicator = format!("not renewed for over 45 days: {}", names(said));
    "A new machine that is given such an address inherits the callers of the old one, and a list made from the zone counts machines that are gone.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Ask for each name whether the machine is still there; what still answers should renew its record.",
        "Remove the others before addresses are given out again.",
        "Let the zone scavenge, once it is clear that nothing is kept alive by an old record.",
    ];
    for (entity, entry) in aged {
        draft.points_at(entity);
        draft.cites_evidence(&entry.evidence);
    }
    draft
}
