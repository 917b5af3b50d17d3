//! The authority: one key that signs the certificates of this fleet, and nothing else in the world believes it.
//!
//! Its files lie in one directory, readable by their owner alone: `authority.pem`, `authority.key`, `server.key`, and while it is replaced those of
//! [`rolling`]. They are not in the store, so that neither a copy of the store nor its backup lets anybody enrol; replicas on one database are given
//! the same directory.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use groma_model::foreign::hex;
use groma_model::{AgentId, SiteId, Timestamp};
use groma_wire::talk::COLLECTOR;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData,
    SanType, SerialNumber, string::Ia5String,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use private::{Names, alone, make_private, read_key, write_private};
pub use root::{Phase, Root, Roots};

pub(crate) mod private;
pub(crate) mod rolling;
pub(crate) mod root;

/// The authority is good for ten years.
const AUTHORITY_LIFE: Duration = Duration::from_secs(3650 * 86_400);
/// An agent's certificate is good for a day; after half of it there is the next one.
pub const AGENT_LIFE: Duration = Duration::from_secs(86_400);
/// The collector's own is made anew at each start and lasts as long as a process may.
const SERVER_LIFE: Duration = Duration::from_secs(397 * 86_400);
/// Clocks differ: every certificate begins an hour ago.
const BACKDATED: Duration = Duration::from_secs(3600);
/// A request for a certificate is no larger.
const REQUEST_BYTES_MAX: usize = 8 << 10;

/// Why there is no authority.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Its files cannot be read or written.
    #[error("{what} {}: give the right to it, or another directory with --authority", path.display())]
    Files {
        /// What was attempted.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file is there, and is not what it should be.
    #[error("read {}: {why}; put it back from its backup: agents believe no other authority", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The file is open to others.
    #[error("{} may be read by others: chmod 600 it, and think about who has read it", path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// A key or a certificate could not be made.
    #[error("make {what}: {why}")]
    Crypto {
        /// What.
        what: &'static str,
        /// Why not.
        why: String,
    },
}

/// Why a request for a certificate is refused.
#[derive(Debug, thiserror::Error)]
#[error("the request for a certificate is not understood: {0}")]
pub struct BadRequest(String);

/// The authority of one fleet.
pub struct Authority {
    directory: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    roots: Roots,
    /// The key that signs now, as the former authority signed it: who believes that one alone believes us by this.
    bridge: Option<CertificateDer<'static>>,
    server_key: KeyPair,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("pin", &self.roots.present.pin())
            .field("phase", &self.roots.phase())
            .finish_non_exhaustive()
    }
}

/// A certificate for an agent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Issued {
    /// PEM.
    pub certificate: String,
    /// When half of its life is over.
    pub renew_at: Timestamp,
    /// When it ends.
    pub until: Timestamp,
}

/// A public key somebody asks a certificate for: nothing else of the request is kept.
#[derive(Debug)]
pub struct AskedKey {
    public: rcgen::PublicKey,
    /// SHA-256 over its SubjectPublicKeyInfo, in hex.
    pub digest: String,
}

impl AskedKey {
    /// Reads a request for a certificate (PKCS #10, PEM): its signature is checked, then all but the key is forgotten.
    ///
    /// # Errors
    /// It is too long, not signed with its own key, or of a kind of key that is not used here.
    pub fn read(request: &str) -> Result<Self, BadRequest> {
        if request.len() > REQUEST_BYTES_MAX {
            return Err(BadRequest("too long".to_owned()));
        }
        let read = CertificateSigningRequestParams::from_pem(request);
        let public = read
            .map_err(|error| BadRequest(error.to_string()))?
            .public_key;
        if public.algorithm() != &rcgen::PKCS_ECDSA_P256_SHA256 {
            return Err(BadRequest("its key is not of the curve P-256".to_owned()));
        }
        let digest = hex(&Sha256::digest(public.subject_public_key_info()));
        Ok(Self { public, digest })
    }
}

impl Authority {
    /// The authority in `directory`; made there if none is.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn open(directory: &Path, now: Timestamp) -> Result<Self, AuthorityError> {
        make_private(directory)?;
        let names = Names::of(directory);
        let lock = alone(directory)?;
        if !names.certificate.exists() {
            make_authority(&names, now)?;
        }
        if !names.server.exists() {
            let key = generate("a key of the collector")?;
            write_private(&names.server, key.serialize_pem().as_bytes())?;
        }
        drop(lock);
        Self::read(directory)
    }

    /// The authority in `directory`, which must be there: nothing is made and nothing is written.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn read(directory: &Path) -> Result<Self, AuthorityError> {
        let names = Names::of(directory);
        let _lock = alone(directory)?;
        let key = read_key(&names.key)?;
        let roots = Roots::around(
            &names,
            &Sha256::digest(key.subject_public_key_info()).into(),
        )?;
        let bridge = match roots.phase() {
            Phase::Switched => Some(root::bridge_in(&names, &roots.present)?),
            _ => None,
        };
        let issuer =
            Issuer::from_ca_cert_der(roots.present.certificate(), key).map_err(|error| {
                AuthorityError::Damaged {
                    path: names.certificate.clone(),
                    why: error.to_string(),
                }
            })?;
        Ok(Self {
            directory: directory.to_owned(),
            issuer,
            roots,
            bridge,
            server_key: read_key(&names.server)?,
        })
    }

    /// Where its files are.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// SHA-256 over the authority's public key: what tokens carry.
    pub fn pin(&self) -> [u8; 32] {
        self.roots.present.digest()
    }

    /// Every root there is: the one that signs now, and the one before or after it.
    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// SHA-256 over the public key of the collector itself in base64, for clients that pin that one (`curl --pinnedpubkey`).
    pub fn server_pin_base64(&self) -> String {
        let digest = Sha256::digest(self.server_key.subject_public_key_info());
        base64::engine::general_purpose::STANDARD.encode(digest)
    }

    /// A certificate over `key` for this agent.
    ///
    /// # Errors
    /// The signature failed.
    pub fn issue(
        &self,
        key: &AskedKey,
        site: &SiteId,
        agent: &AgentId,
        now: Timestamp,
    ) -> Result<Issued, AuthorityError> {
        let failed = |error: rcgen::Error| AuthorityError::Crypto {
            what: "a certificate",
            why: error.to_string(),
        };
        let mut params = CertificateParams::default();
        params.distinguished_name = named(agent.as_str());
        let uri = Ia5String::try_from(uri_of(site, agent)).map_err(failed)?;
        params.subject_alt_names = vec![SanType::URI(uri)];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let until = lives(&mut params, now, AGENT_LIFE);
        let certificate = params
            .signed_by(&key.public, &self.issuer)
            .map_err(failed)?;
        Ok(Issued {
            certificate: certificate.pem(),
            renew_at: now.plus(AGENT_LIFE / 2),
            until,
        })
    }

    /// The collector's own certificate and key, for these names and addresses besides [`COLLECTOR`]; the chain ends with the authority, so
    /// that who holds a token can check its pin. While there is a former one, the chain leads over the bridge to that one, so that who knows
    /// nothing of the present one believes it too.
    pub(crate) fn server(
        &self,
        names: &[String],
        now: Timestamp,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), AuthorityError> {
        let failed = |error: rcgen::Error| AuthorityError::Crypto {
            what: "the certificate of the collector",
            why: error.to_string(),
        };
        let mut all = vec![COLLECTOR.to_owned()];
        all.extend(names.iter().cloned());
        let mut params = CertificateParams::new(all).map_err(failed)?;
        params.distinguished_name = named(COLLECTOR);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        lives(&mut params, now, SERVER_LIFE);
        let certificate = params
            .signed_by(&self.server_key, &self.issuer)
            .map_err(failed)?;
        let key = PrivateKeyDer::try_from(self.server_key.serialize_der()).map_err(|why| {
            AuthorityError::Crypto {
                what: "the key of the collector",
                why: why.to_owned(),
            }
        })?;
        let mut chain = vec![certificate.der().clone()];
        match (&self.bridge, &self.roots.former) {
            (Some(bridge), Some(former)) => {
                chain.extend([bridge.clone(), former.certificate().clone()]);
            }
            _ => chain.push(self.roots.present.certificate().clone()),
        }
        Ok((chain, key))
    }
}

/// Who an agent's certificate speaks of.
fn uri_of(site: &SiteId, agent: &AgentId) -> String {
    format!("groma://{site}/{agent}")
}

/// The way back from [`uri_of`].
pub(crate) fn agent_of(uri: &str) -> Option<(SiteId, AgentId)> {
    let (site, agent) = uri.strip_prefix("groma://")?.split_once('/')?;
    Some((SiteId::new(site), AgentId::new(agent)))
}

/// SHA-256 over the SubjectPublicKeyInfo of a certificate, in hex.
pub(crate) fn spki_digest(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(hex(&Sha256::digest(parsed.public_key().raw)))
}

fn lives(params: &mut CertificateParams, now: Timestamp, life: Duration) -> Timestamp {
    let until = now.plus(life);
    params.not_before = moment(now) - BACKDATED;
    params.not_after = moment(until);
    params.serial_number = Some(SerialNumber::from(serial()));
    until
}

/// A serial number nobody can guess and none had before (RFC 5280 §4.1.2.2): half of a fresh key's digest.
fn serial() -> Vec<u8> {
    let fresh = KeyPair::generate()
        .map(|key| key.public_key_raw().to_vec())
        .unwrap_or_default();
    let digest = Sha256::digest(fresh);
    digest
        .iter()
        .take(16)
        .enumerate()
        .map(|(at, byte)| if at == 0 { byte & 0x7f | 1 } else { *byte })
        .collect()
}

/// A moment as certificates say it; beyond the years they know, the last they do.
fn moment(at: Timestamp) -> OffsetDateTime {
    let last = 253_402_300_799; // 9999-12-31T23:59:59Z, RFC 5280 §4.1.2.5
    let seconds = at.millis().div_euclid(1000).clamp(86_400, last);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn named(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

fn generate(what: &'static str) -> Result<KeyPair, AuthorityError> {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(|error| AuthorityError::Crypto {
        what,
        why: error.to_string(),
    })
}

fn make_authority(names: &Names, now: Timestamp) -> Result<(), AuthorityError> {
    // A key alone is what a crash between the two leaves.
    let key = key_in(&names.key, "the key of the authority")?;
    let made = root_over(&key, now)?;
    write_private(&names.certificate, made.pem().as_bytes())
}

/// The key in this file; made there if none is. The key is there before its certificate: a certificate without its key would be damage.
fn key_in(path: &Path, what: &'static str) -> Result<KeyPair, AuthorityError> {
    if path.exists() {
        return read_key(path);
    }
    let key = generate(what)?;
    write_private(path, key.serialize_pem().as_bytes())?;
    Ok(key)
}

/// What stands in the certificate of an authority with this key.
fn root_params(key: &KeyPair, now: Timestamp) -> CertificateParams {
    let digest = hex(&Sha256::digest(key.subject_public_key_info()));
    let mut params = CertificateParams::default();
    // Two authorities of one fleet are believed side by side, and have names of their own.
    let own = digest.get(..8).unwrap_or_default();
    params.distinguished_name = named(&format!("groma fleet authority {own}"));
    // One step below it: the bridge to the authority after it.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    lives(&mut params, now, AUTHORITY_LIFE);
    params
}

fn root_over(key: &KeyPair, now: Timestamp) -> Result<rcgen::Certificate, AuthorityError> {
    let made = root_params(key, now).self_signed(key);
    made.map_err(|error| AuthorityError::Crypto {
        what: "the authority",
        why: error.to_string(),
    })
}

/// The files of the authority in this directory.
pub(crate) fn names_in(directory: &Path) -> Names {
    Names::of(directory)
}

fn files(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> AuthorityError + use<> {
    let path = path.to_owned();
    move |source| AuthorityError::Files { what, path, source }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustls_pki_types::pem::PemObject;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000)
    }

    fn ids() -> (SiteId, AgentId) {
        (SiteId::new("north"), AgentId::from_random([7; 16]))
    }

    #[test]
    fn an_authority_is_made_once_and_found_again() {
        let home = tempfile::tempdir().unwrap();
        let (made, found) = (
            Authority::open(home.path(), now()).unwrap(),
            Authority::open(home.path(), now()).unwrap(),
        );
        assert_eq!(made.pin(), found.pin());
        assert_eq!(made.server_pin_base64(), found.server_pin_base64());
        assert_eq!(made.roots().pem(), found.roots().pem());
    }

    #[test]
    fn a_key_that_a_crash_left_alone_gets_its_certificate() {
        let home = tempfile::tempdir().unwrap();
        let made = Authority::open(home.path(), now()).unwrap();
        fs::remove_file(home.path().join("authority.pem")).unwrap();
        assert_eq!(
            Authority::open(home.path(), now()).unwrap().pin(),
            made.pin()
        );
    }

    #[test]
    fn of_a_request_nothing_but_the_key_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let authority = Authority::open(home.path(), now()).unwrap();
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let mut greedy =
            CertificateParams::new(vec![COLLECTOR.to_owned(), "evil.example".to_owned()]).unwrap();
        greedy.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        greedy.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        greedy.distinguished_name = named("root");
        let request = greedy.serialize_request(&key).unwrap().pem().unwrap();
        let (site, agent) = ids();
        let issued = authority
            .issue(&AskedKey::read(&request).unwrap(), &site, &agent, now())
            .unwrap();
        let der = CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap();
        let (_, parsed) = x509_parser::parse_x509_certificate(&der).unwrap();
        assert!(!parsed.is_ca());
        assert_eq!(parsed.subject().to_string(), format!("CN={agent}"));
        let names = parsed.subject_alternative_name().unwrap().unwrap();
        assert_eq!(names.value.general_names.len(), 1);
        let usage = parsed.extended_key_usage().unwrap().unwrap();
        assert!(usage.value.client_auth && !usage.value.server_auth && !usage.value.any);
        assert_eq!(
            spki_digest(&der),
            Some(hex(&Sha256::digest(key.subject_public_key_info())))
        );
    }

    #[test]
    fn keys_of_other_kinds_and_nonsense_are_refused() {
        let other = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let request = CertificateParams::default()
            .serialize_request(&other)
            .unwrap()
            .pem()
            .unwrap();
        assert!(AskedKey::read(&request).is_err());
        assert!(AskedKey::read("").is_err());
        groma_fuzz::hammer(2_000, &[request.as_bytes()], |bytes| {
            drop(std::str::from_utf8(bytes).map(AskedKey::read));
        });
    }

    #[test]
    fn a_certificate_that_belongs_to_another_key_is_damage() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        drop((
            Authority::open(one.path(), now()).unwrap(),
            Authority::open(other.path(), now()).unwrap(),
        ));
        fs::copy(
            other.path().join("authority.pem"),
            one.path().join("authority.pem"),
        )
        .unwrap();
        let error = Authority::open(one.path(), now()).unwrap_err();
        assert!(matches!(error, AuthorityError::Damaged { .. }), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_may_read_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        drop(Authority::open(home.path(), now()).unwrap());
        let key = home.path().join("authority.key");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            Authority::open(home.path(), now()),
            Err(AuthorityError::Open { .. })
        ));
    }
}
