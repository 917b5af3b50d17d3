//! `certificate-weak`: a certificate in use that current software refuses, or soon will.

use groma_model::fact::Certificate;
use groma_model::inventory::{Likelihood, Severity};

use super::leaf::{Leaf, leaves};
use crate::view::lower;
use crate::wording::names;
use crate::{Check, Draft, View};

const RSA_BITS_MIN: u32 = 2048;
const ELLIPTIC_BITS_MIN: u32 = 224;
/// Ten years with their leap days, and a day of grace.
const VALIDITY_DAYS_MAX: i64 = 3654;

pub(crate) struct CertificateWeak;

impl Check for CertificateWeak {
    fn name(&self) -> &'static str {
        "certificate-weak"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let leaves = leaves(view);
        leaves.iter().filter_map(|leaf| draft(view, leaf)).collect()
    }
}

/// Why software refuses it, gravest first.
fn weaknesses(certificate: &Certificate) -> Vec<(Severity, String)> {
    let mut found = Vec::new();
    let key = certificate.key_algorithm.to_ascii_lowercase();
    let bits = certificate.key_bits;
    let short = (key.contains("rsa") && bits < RSA_BITS_MIN)
        || (key.starts_with("ec") && bits < ELLIPTIC_BITS_MIN);
    if bits > 0 && (short || key == "dsa") {
        found.push((
            Severity::High,
            format!("{} key of {bits} bits", key.to_ascii_uppercase()),
        ));
    }
    let signature = certificate.signature_algorithm.to_ascii_lowercase();
    // A self-signed certificate is trusted by itself, not by its signature.
    if !certificate.self_signed {
        let hash = [
            ("md5", "MD5"),
            ("md2", "MD2"),
            ("sha1", "SHA-1"),
            ("sha-1", "SHA-1"),
        ];
        if let Some((_, name)) = hash.iter().find(|(word, _)| signature.contains(word)) {
            found.push((Severity::High, format!("{name} signature")));
        }
    }
    let days = certificate.not_before.days_until(certificate.not_after);
    if !certificate.authority && days > VALIDITY_DAYS_MAX {
        found.push((Severity::Low, format!("valid for {} years", days / 365)));
    }
    found
}

fn draft(view: &View<'_>, leaf: &Leaf<'_>) -> Option<Draft> {
    let weaknesses = weaknesses(leaf.certificate);
    let gravest = weaknesses.iter().map(|(severity, _)| *severity).min()?;
    let users = leaf.users(view);
    let mut draft = Draft::about(&[&leaf.certificate.sha256]);
    draft.severity = if leaf.reachable {
        gravest
    } else {
        lower(gravest)
    };
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = if gravest == Severity::High {
        Likelihood::Medium
    } else {
        Likelihood::Low
    };
    draft.risk = format!(
        "The certificate of {} is too weak for current software: new clients and new systems may refuse it.",
        leaf.name()
    );
    let why: Vec<String> = weaknesses.into_iter().map(|(_, why)| why).collect();
    let verb = if leaf.endpoints.is_empty() {
        "stored in"
    } else {
        "presented at"
    };
    draft.indicator = format!("{}; {verb} {}", why.join(", "), names(leaf.places(view)));
    draft.impact = match users.is_empty() {
        true => {
            "A newer operating system or library on either side cannot connect any more.".to_owned()
        }
        false => format!(
            "{} may lose the connection with the next upgrade or move.",
            names(users.iter().map(|d| &d.consumer.name))
        ),
    };
    draft.mitigations = vec![
        "Issue a new certificate: RSA of at least 2048 bits or ECDSA, SHA-256, at most a year or two.",
        "Check which clients trust exactly this one before it is replaced.",
    ];
    draft.points_at(leaf.entity);
    draft.cites_evidence(&leaf.entity.evidence);
    leaf.hosts()
        .into_iter()
        .filter_map(|h| view.entity(h))
        .for_each(|host| draft.points_at(host));
    users.into_iter().for_each(|d| draft.cites(d));
    Some(draft)
}
