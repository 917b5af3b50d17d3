//! The replacing of an authority in three steps, in such an order that an agent which was away during any of them finds its way back.
//!
//! | Step | Files | Agents |
//! | --- | --- | --- |
//! | [`prepare`] | `next.key`, `bridge.pem`, and last `next.pem` | hear of the next one at their next word, and believe both |
//! | [`switch`] | `bridge.pem` and `server.key` anew, `former.pem`; then `next.key` becomes `authority.key`, and `next.pem` `authority.pem` | get certificates of the new one; who knows the former one alone believes the collector over the bridge |
//! | [`retire`] | `former.pem` and `bridge.pem` go | who has shown no certificate of the new one by now has to be enrolled again |
//!
//! The *bridge* is the next authority's key, signed by the present one, and good for making collectors alone: no agent's certificate is believed by it.
//! It is made while the present key is there; the switch ends that key. The collector's own key ends with it: the next authority signs none that somebody
//! may have copied together with the former one.
//!
//! A crash between any two of these leaves the step before or the step after, as the key in `authority.key` says ([`Roots::around`]).

use std::path::Path;

use groma_model::Timestamp;
use rcgen::{
    BasicConstraints, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData,
};
use sha2::{Digest, Sha256};

use super::private::{Names, alone, read_key, read_text, remove, rename, write_private};
use super::root::{Phase, Roots, bridge_in};
use super::{Authority, AuthorityError, generate, key_in, root_over, root_params};

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub enum RollingError {
    /// Files, keys, certificates.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// It is the turn of another step.
    #[error("{0}")]
    OutOfTurn(&'static str),
}

/// Makes the next authority beside the present one; what was prepared before stays as it is.
///
/// # Errors
/// The former one is not retired, or [`AuthorityError`].
pub fn prepare(directory: &Path, now: Timestamp) -> Result<Authority, RollingError> {
    within(directory, |names, roots, key| {
        prepared(names, roots, key, now)
    })
}

/// As [`prepare`], with another next authority in the place of one that was prepared before: somebody else may have that one's key.
///
/// # Errors
/// As [`prepare`].
pub fn prepare_anew(directory: &Path, now: Timestamp) -> Result<Authority, RollingError> {
    within(directory, |names, roots, key| {
        if roots.phase() == Phase::Prepared {
            remove(&names.next)?;
            remove(&names.next_key)?;
            remove(&names.bridge)?;
        }
        let digest = Sha256::digest(key.subject_public_key_info()).into();
        prepared(names, &Roots::around(names, &digest)?, key, now)
    })
}

fn prepared(
    names: &Names,
    roots: &Roots,
    key: KeyPair,
    now: Timestamp,
) -> Result<(), RollingError> {
    match roots.phase() {
        Phase::Prepared => return Ok(()),
        Phase::Switched => {
            return Err(RollingError::OutOfTurn(
                "the authority was replaced, and the one before it is believed still: `groma authority retire` first",
            ));
        }
        Phase::Alone => {}
    }
    let next = key_in(&names.next_key, "the key of the next authority")?;
    let made = root_over(&next, now)?;
    let bridge = bridge(roots.present.certificate(), key, &next, now)?;
    write_private(&names.bridge, bridge.as_bytes())?;
    Ok(write_private(&names.next, made.pem().as_bytes())?)
}

/// The next one signs from now on; the one before it is believed still, and its key is gone.
///
/// # Errors
/// Nothing is prepared, or [`AuthorityError`].
pub fn switch(directory: &Path, now: Timestamp) -> Result<Authority, RollingError> {
    within(directory, |names, roots, present_key| {
        let next = match roots.phase() {
            Phase::Switched => return Ok(()),
            _ => roots.next.as_ref(),
        };
        let next = next.ok_or(RollingError::OutOfTurn(
            "there is no next authority yet: `groma authority prepare`, and give agents a day to hear of it",
        ))?;
        // What is not whole is found before anything is changed.
        bridge_in(names, next)?;
        let key = read_key(&names.next_key)?;
        if <[u8; 32]>::from(Sha256::digest(key.subject_public_key_info())) != next.digest() {
            return Err(RollingError::Authority(AuthorityError::Damaged {
                path: names.next.clone(),
                why: "it does not belong to next.key".to_owned(),
            }));
        }
        // Signed once more while that can be done: from now on the way back of whoever is away hangs on it.
        let bridge = bridge(roots.present.certificate(), present_key, &key, now)?;
        write_private(&names.bridge, bridge.as_bytes())?;
        let own = generate("the key of the collector")?;
        write_private(&names.server, own.serialize_pem().as_bytes())?;
        let present = read_text(&names.certificate)?;
        write_private(&names.former, present.as_bytes())?;
        rename(&names.next_key, &names.key)?;
        Ok(rename(&names.next, &names.certificate)?)
    })
}

/// The former one is not believed any more.
///
/// # Errors
/// There is none, or [`AuthorityError`].
pub fn retire(directory: &Path) -> Result<Authority, RollingError> {
    within(directory, |names, roots, _| {
        if roots.phase() != Phase::Switched {
            return Err(RollingError::OutOfTurn(
                "no authority was replaced, so there is none to retire",
            ));
        }
        remove(&names.former)?;
        Ok(remove(&names.bridge)?)
    })
}

/// Takes a step while nobody else does, from files that are as a whole step leaves them.
fn within(
    directory: &Path,
    step: impl FnOnce(&Names, &Roots, KeyPair) -> Result<(), RollingError>,
) -> Result<Authority, RollingError> {
    let names = Names::of(directory);
    // An authority that cannot be used is not replaced: what is wrong is told first.
    drop(Authority::read(directory)?);
    let lock = alone(directory)?;
    let key = read_key(&names.key)?;
    let roots = Roots::around(
        &names,
        &Sha256::digest(key.subject_public_key_info()).into(),
    )?;
    tidy(&names, &roots)?;
    step(&names, &roots, key)?;
    drop(lock);
    Ok(Authority::read(directory)?)
}

/// Ends a switch that was interrupted, and takes away what a copy of the directory over an older one left.
fn tidy(names: &Names, roots: &Roots) -> Result<(), AuthorityError> {
    let is_left = roots.next.is_none() && names.next.exists();
    if is_left {
        rename(&names.next, &names.certificate)?;
        remove(&names.next_key)?;
    }
    Ok(())
}

/// The next authority's key, signed by the present one: a certificate that makes collectors, and nothing else, believable.
fn bridge(
    present: &rustls_pki_types::CertificateDer<'static>,
    key: KeyPair,
    next: &KeyPair,
    now: Timestamp,
) -> Result<String, AuthorityError> {
    let failed = |why: String| AuthorityError::Crypto {
        what: "the bridge to the next authority",
        why,
    };
    let issuer = Issuer::from_ca_cert_der(present, key).map_err(|e| failed(e.to_string()))?;
    let mut params = root_params(next, now);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    // It is looked at with a collector's certificate in hand: a clock that was put back must not make that one the older of the two.
    let (_, parsed) =
        x509_parser::parse_x509_certificate(present).map_err(|e| failed(e.to_string()))?;
    params.not_before = parsed.validity().not_before.to_datetime();
    let made = params.signed_by(next, &issuer);
    made.map(|bridge| bridge.pem())
        .map_err(|e| failed(e.to_string()))
}

#[cfg(test)]
mod tests;
