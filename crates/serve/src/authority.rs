//! The authority: one key that signs the certificates of this fleet, and nothing else in the world believes it.
//!
//! Its files lie in one directory, readable by their owner alone: `authority.pem`, `authority.key`, `server.key`. They are not in the store, so
//! that neither a copy of the store nor its backup lets anybody enrol; replicas on one database are given the same directory.

use std::fs;
use std::io::{self, Write};
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
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

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
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
    certificate: CertificateDer<'static>,
    server_key: KeyPair,
    pin: [u8; 32],
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("pin", &hex(&self.pin))
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
        let (certificate, key) = (
            directory.join("authority.pem"),
            directory.join("authority.key"),
        );
        let _lock = alone(directory)?;
        if !certificate.exists() {
            make_authority(&certificate, &key, now)?;
        }
        let server = directory.join("server.key");
        if !server.exists() {
            write_private(
                &server,
                generate("a key of the collector")?
                    .serialize_pem()
                    .as_bytes(),
            )?;
        }
        let certificate_pem = read_text(&certificate)?;
        let key = read_key(&key)?;
        let damaged = |why: String| AuthorityError::Damaged {
            path: certificate.clone(),
            why,
        };
        let der = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(|error| damaged(format!("{error:?}")))?;
        let pin: [u8; 32] = Sha256::digest(key.subject_public_key_info()).into();
        if spki_digest(&der) != Some(hex(&pin)) {
            return Err(damaged("it does not belong to authority.key".to_owned()));
        }
        let issuer =
            Issuer::from_ca_cert_der(&der, key).map_err(|error| damaged(error.to_string()))?;
        Ok(Self {
            issuer,
            certificate_pem,
            certificate: der,
            server_key: read_key(&server)?,
            pin,
        })
    }

    /// SHA-256 over the authority's public key: what tokens carry.
    pub fn pin(&self) -> [u8; 32] {
        self.pin
    }

    /// The authority's certificate, in PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The authority's certificate.
    pub(crate) fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
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
    /// that who holds a token can check its pin.
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
        Ok((
            vec![certificate.der().clone(), self.certificate.clone()],
            key,
        ))
    }
}

/// The certificate of the authority in `directory`, without its key, for whoever only judges; nothing if no authority is there. None is made.
///
/// # Errors
/// It cannot be read, or is none.
pub(crate) fn certificate_in(
    directory: &Path,
) -> Result<Option<CertificateDer<'static>>, AuthorityError> {
    let path = directory.join("authority.pem");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(files("read", &path)(error)),
    };
    let read = CertificateDer::from_pem_slice(text.as_bytes());
    read.map(Some).map_err(|error| AuthorityError::Damaged {
        path,
        why: format!("{error:?}"),
    })
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

fn make_authority(
    certificate: &Path,
    key_file: &Path,
    now: Timestamp,
) -> Result<(), AuthorityError> {
    // A key alone is what a crash between the two leaves.
    let key = match key_file.exists() {
        true => read_key(key_file)?,
        false => generate("the key of the authority")?,
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = named("groma fleet authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    lives(&mut params, now, AUTHORITY_LIFE);
    let made = params
        .self_signed(&key)
        .map_err(|error| AuthorityError::Crypto {
            what: "the authority",
            why: error.to_string(),
        })?;
    // The key first: a certificate without its key would be damage.
    if !key_file.exists() {
        write_private(key_file, key.serialize_pem().as_bytes())?;
    }
    write_private(certificate, made.pem().as_bytes())
}

/// Two processes may make an authority at once: one makes it, the other waits and finds it.
fn alone(directory: &Path) -> Result<fs::File, AuthorityError> {
    let path = directory.join("lock");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).map_err(files("open", &path))?;
    file.lock().map_err(files("lock", &path))?;
    Ok(file)
}

fn read_key(path: &Path) -> Result<KeyPair, AuthorityError> {
    if others_may_read(path) {
        return Err(AuthorityError::Open {
            path: path.to_owned(),
        });
    }
    let text = read_text(path)?;
    KeyPair::from_pem(&text).map_err(|_| AuthorityError::Damaged {
        path: path.to_owned(),
        why: "there is no key in it".to_owned(),
    })
}

#[cfg(unix)]
fn others_may_read(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).is_ok_and(|m| m.mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_may_read(_: &Path) -> bool {
    false
}

fn read_text(path: &Path) -> Result<String, AuthorityError> {
    fs::read_to_string(path).map_err(files("read", path))
}

fn make_private(directory: &Path) -> Result<(), AuthorityError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(directory)
        .map_err(files("create", directory))
}

/// Writes a new file for its owner alone, whole and durable before it has its name.
fn write_private(path: &Path, bytes: &[u8]) -> Result<(), AuthorityError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    let write = || -> io::Result<()> {
        let _ = fs::remove_file(&fresh);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        path.parent()
            .map_or(Ok(()), |parent| fs::File::open(parent)?.sync_all())
    };
    write().map_err(files("write", path))
}

fn files(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> AuthorityError + use<> {
    let path = path.to_owned();
    move |source| AuthorityError::Files { what, path, source }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(made.certificate_pem(), found.certificate_pem());
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
