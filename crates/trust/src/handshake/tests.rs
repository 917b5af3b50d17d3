//! Both ends of a handshake, in memory.

use groma_model::id::sha256;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ClientConnection, ServerConfig, ServerConnection};
use rustls_pki_types::PrivatePkcs8KeyDer;

use super::*;

const NAME: &str = "dc1.corp.example";

fn authority() -> (Trust, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let signed = params.self_signed(&key).unwrap();
    let trust = Trust::Authorities(vec![signed.der().clone()]);
    (trust, Issuer::new(params, key))
}

/// A certificate for `name` with its key.
fn own(name: &str, issuer: &Issuer<'static, KeyPair>) -> Own {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([name.to_owned()]).unwrap();
    let signed = params.signed_by(&key, issuer).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    (vec![signed.der().clone()], key.into())
}

/// A server that shows a certificate for `name`, and its fingerprint.
fn server(name: &str, issuer: &Issuer<'static, KeyPair>) -> (Arc<ServerConfig>, [u8; 32]) {
    let (chain, key) = own(name, issuer);
    let print = sha256(&chain[0]);
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth();
    let settings = builder.with_single_cert(chain, key).unwrap();
    (Arc::new(settings), print)
}

fn believing(trust: &Trust) -> Handshake {
    Handshake::new(trust, None).unwrap_or_else(|distrust| panic!("{distrust:?}"))
}

/// Carries bytes between the two until we know the server, or do not believe it.
fn meet(known: &Handshake, server: &Arc<ServerConfig>) -> Result<(), Distrust> {
    let name = server_name(&Peer::parse(NAME).unwrap())?;
    let mut ours = ClientConnection::new(known.settings(), name).unwrap();
    let mut theirs = ServerConnection::new(server.clone()).unwrap();
    while ours.is_handshaking() {
        let (mut asked, mut answered) = (Vec::new(), Vec::new());
        ours.write_tls(&mut asked).unwrap();
        theirs.read_tls(&mut asked.as_slice()).unwrap();
        theirs.process_new_packets().unwrap();
        theirs.write_tls(&mut answered).unwrap();
        ours.read_tls(&mut answered.as_slice()).unwrap();
        let read = ours.process_new_packets();
        read.map_err(|error| known.cause(&io::Error::other(error)))?;
    }
    Ok(())
}

#[test]
fn a_server_that_nobody_named_is_not_believed_and_its_fingerprint_is_told() {
    let (_, issuer) = authority();
    let (server, print) = server(NAME, &issuer);
    let unnamed = meet(&believing(&Trust::Nothing), &server).unwrap_err();
    assert_eq!(unnamed.reason, Reason::Locked);
    let told = format!("pin = \"sha256:{}\"", hex(&print));
    assert!(unnamed.remedy.contains(&told), "{unnamed:?}");
    assert!(unnamed.what.contains("nothing was sent"), "{unnamed:?}");
}

#[test]
fn the_pinned_certificate_is_believed_whatever_name_it_bears_and_another_is_not() {
    let (_, issuer) = authority();
    let (pinned, print) = server("elsewhere.example", &issuer);
    let (other, shown) = server(NAME, &issuer);
    let known = believing(&Trust::Fingerprint(print));
    assert_eq!(meet(&known, &pinned), Ok(()));
    let distrust = meet(&known, &other).unwrap_err();
    assert_eq!(distrust.reason, Reason::Refused);
    let said = format!(
        "another certificate than the pinned one: sha256:{}",
        hex(&shown)
    );
    assert!(distrust.what.contains(&said), "{distrust:?}");
}

#[test]
fn an_authority_is_believed_for_the_name_it_signed_and_for_no_other() {
    let (trust, issuer) = authority();
    let (_, stranger) = authority();
    let known = believing(&trust);
    assert_eq!(meet(&known, &server(NAME, &issuer).0), Ok(()));
    for server in [
        server("elsewhere.example", &issuer),
        server(NAME, &stranger),
    ] {
        let distrust = meet(&known, &server.0).unwrap_err();
        assert_eq!(distrust.reason, Reason::Refused);
        assert!(distrust.what.contains("no logon was sent"), "{distrust:?}");
        assert!(distrust.remedy.contains("(ca)"), "{distrust:?}");
    }
}

#[test]
fn what_breaks_off_behind_the_pinned_certificate_is_not_called_another_one() {
    let (_, issuer) = authority();
    let (server, print) = server(NAME, &issuer);
    let known = believing(&Trust::Fingerprint(print));
    let cut = io::Error::from(io::ErrorKind::UnexpectedEof);
    let before = known.cause(&cut);
    assert_eq!(meet(&known, &server), Ok(()));
    assert_eq!(known.cause(&cut), before);
    assert!(before.what.starts_with("TLS: "), "{before:?}");
}

#[test]
fn our_own_certificate_is_shown_and_one_without_its_key_is_refused() {
    let (trust, issuer) = authority();
    let (chain, key) = own("reader.corp.example", &issuer);
    let shown = Handshake::new(&trust, Some((chain.clone(), key))).map(|known| known.settings());
    assert!(shown.unwrap().client_auth_cert_resolver.has_certs());
    assert!(
        !believing(&trust)
            .settings()
            .client_auth_cert_resolver
            .has_certs()
    );
    let (_, another) = own("reader.corp.example", &issuer);
    assert!(Handshake::new(&trust, Some((chain, another))).is_err());
}

#[test]
fn authorities_that_are_none_are_refused_before_anybody_is_asked() {
    let none = Trust::Authorities(vec![b"no certificate".to_vec().into()]);
    let distrust = Handshake::new(&none, None).err().unwrap();
    assert!(distrust.what.starts_with("ca: "), "{distrust:?}");
}
