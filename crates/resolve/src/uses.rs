//! Who is set up to use which certificate: the setting names a file, the file's certificate is known by its fingerprint.

use groma_model::Estate;
use groma_model::inventory::CertificateUser;

use crate::gather::Gathered;

/// Gives every certificate the parts of hosts that are set up to use it. Where each is served, the graph says.
pub(crate) fn settle(gathered: &Gathered, estate: &mut Estate) {
    for used in &gathered.uses {
        let Some(host) = estate.vantages.get(&used.vantage).cloned() else {
            continue;
        };
        let setting = &used.what;
        let known = estate.certificates.get(&setting.sha256);
        let Some(entity) = known.and_then(|id| estate.entities.get_mut(id)) else {
            continue;
        };
        entity.attributes.used_by.push(CertificateUser {
            host,
            setting: setting.clone(),
            ports: Vec::new(),
            idle: false,
            not_loaded: Vec::new(),
            first_seen: Some(used.seen.first),
            last_seen: Some(used.seen.last),
            state: used.state,
            evidence: used.evidence.clone(),
        });
        entity.evidence.push(used.evidence.clone());
    }
    for entity in estate.entities.values_mut() {
        entity.attributes.used_by.sort();
        entity.attributes.used_by.dedup();
    }
}
