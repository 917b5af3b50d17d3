//! Who is set up to use which certificate: the setting names a file, the file's certificate is known by its fingerprint.

use groma_model::Estate;
use groma_model::inventory::CertificateUser;

use crate::gather::Gathered;

/// Gives every certificate the parts of hosts that are set up to use it. Where each is served, the graph says.
pub(crate) fn settle(gathered: &Gathered, estate: &mut Estate) {
    for (vantage, setting, evidence) in &gathered.uses {
        let Some(host) = estate.vantages.get(vantage).cloned() else {
            continue;
        };
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
            evidence: evidence.clone(),
        });
        entity.evidence.push(evidence.clone());
    }
    for entity in estate.entities.values_mut() {
        entity.attributes.used_by.sort();
        entity.attributes.used_by.dedup();
    }
}
