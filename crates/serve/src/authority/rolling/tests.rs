use std::fs;
use std::sync::Arc;

use groma_model::{AgentId, SiteId};
use rcgen::CertificateParams;
use rustls::pki_types::{CertificateDer, UnixTime, pem::PemObject};

use super::*;
use crate::authority::{AskedKey, Root};
use crate::tls::ever_verifier;

fn now() -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000)
}

fn made() -> (tempfile::TempDir, Authority) {
    let home = tempfile::tempdir().unwrap();
    let authority = Authority::open(home.path(), now()).unwrap();
    (home, authority)
}

fn phase(home: &tempfile::TempDir) -> Phase {
    Authority::open(home.path(), now()).unwrap().roots().phase()
}

#[test]
fn three_steps_replace_an_authority_by_the_next() {
    let (home, before) = made();
    let prepared = prepare(home.path(), now()).unwrap();
    assert_eq!(prepared.roots().phase(), Phase::Prepared);
    assert_eq!(prepared.pin(), before.pin());
    let next = prepared.roots().next.clone().unwrap();
    assert_eq!(
        prepare(home.path(), now()).unwrap().roots().next,
        Some(next.clone())
    );
    let key = fs::read(home.path().join("authority.key")).unwrap();

    let switched = switch(home.path(), now()).unwrap();
    assert_eq!(switched.roots().phase(), Phase::Switched);
    assert_eq!(switched.pin(), next.digest());
    assert_eq!(
        switched.roots().former.as_ref().unwrap().digest(),
        before.pin()
    );
    assert!(
        switched
            .roots()
            .are(&[prepared.roots().present.pin(), next.pin()])
    );
    for file in fs::read_dir(home.path()).unwrap() {
        assert_ne!(
            fs::read(file.unwrap().path()).unwrap(),
            key,
            "the former key is gone"
        );
    }

    let retired = retire(home.path()).unwrap();
    assert_eq!(retired.roots().phase(), Phase::Alone);
    assert_eq!(retired.pin(), next.digest());
    assert_ne!(
        retired.server_pin_base64(),
        before.server_pin_base64(),
        "whoever copied the former key copied that one too"
    );
    let mut left: Vec<_> = fs::read_dir(home.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(
        left,
        ["authority.key", "authority.pem", "lock", "server.key"]
    );
}

#[test]
fn one_that_was_prepared_gives_way_to_another_and_nothing_else_does() {
    let (home, before) = made();
    let anew = || prepare_anew(home.path(), now());
    let first = anew().unwrap().roots().next.clone().unwrap();
    let key = fs::read(home.path().join("next.key")).unwrap();
    let second = anew().unwrap();
    assert_eq!(second.pin(), before.pin());
    assert_ne!(second.roots().next.as_ref(), Some(&first));
    assert_ne!(fs::read(home.path().join("next.key")).unwrap(), key);
    let after = switch(home.path(), now()).unwrap();
    assert_eq!(
        Some(after.pin()),
        second.roots().next.as_ref().map(Root::digest)
    );
    assert!(matches!(anew(), Err(RollingError::OutOfTurn(_))));
}

#[cfg(unix)]
#[test]
fn what_a_step_writes_is_for_its_owner_alone() {
    use std::os::unix::fs::MetadataExt;
    let (home, _) = made();
    let only_ours = || {
        for file in fs::read_dir(home.path()).unwrap() {
            let file = file.unwrap();
            assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600, "{file:?}");
        }
    };
    prepare(home.path(), now()).unwrap();
    only_ours();
    switch(home.path(), now()).unwrap();
    only_ours();
}

#[test]
fn steps_out_of_turn_are_refused_and_change_nothing() {
    let (home, _) = made();
    let turn = |step: Result<Authority, RollingError>| {
        assert!(matches!(step, Err(RollingError::OutOfTurn(_))), "{step:?}");
    };
    turn(switch(home.path(), now()));
    turn(retire(home.path()));
    prepare(home.path(), now()).unwrap();
    turn(retire(home.path()));
    switch(home.path(), now()).unwrap();
    turn(prepare(home.path(), now()));
    assert_eq!(
        switch(home.path(), now()).unwrap().roots().phase(),
        Phase::Switched
    );
    retire(home.path()).unwrap();
    turn(retire(home.path()));
    assert_eq!(
        prepare(home.path(), now()).unwrap().roots().phase(),
        Phase::Prepared
    );
}

#[test]
fn a_crash_anywhere_leaves_the_step_before_or_the_step_after() {
    // While it is prepared: a key alone, then the bridge too.
    let (home, _) = made();
    let names = Names::of(home.path());
    prepare(home.path(), now()).unwrap();
    let key = fs::read(&names.next_key).unwrap();
    fs::remove_file(&names.next).unwrap();
    assert_eq!(phase(&home), Phase::Alone);
    fs::remove_file(&names.bridge).unwrap();
    assert_eq!(phase(&home), Phase::Alone);
    prepare(home.path(), now()).unwrap();
    assert_eq!(
        fs::read(&names.next_key).unwrap(),
        key,
        "the key that was there"
    );

    // While it is switched: the copy of the present certificate, then the key, then the certificate.
    fs::copy(&names.certificate, &names.former).unwrap();
    assert_eq!(phase(&home), Phase::Prepared);
    fs::rename(&names.next_key, &names.key).unwrap();
    let halfway = Authority::open(home.path(), now()).unwrap();
    assert_eq!(halfway.roots().phase(), Phase::Switched);
    assert_eq!(halfway.roots().next, None);
    // Whoever comes next brings it to its end.
    switch(home.path(), now()).unwrap();
    assert!(!names.next.exists());
    let after = Authority::open(home.path(), now()).unwrap();
    assert_eq!(after.roots(), halfway.roots());

    // While it is retired: the certificate goes before the bridge.
    fs::remove_file(&names.former).unwrap();
    assert_eq!(phase(&home), Phase::Alone);
}

#[test]
fn a_copy_of_the_files_over_those_of_the_step_before_is_read_as_the_copy() {
    let (home, _) = made();
    let replica = tempfile::tempdir().unwrap();
    let copy = || {
        for file in fs::read_dir(home.path()).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), replica.path().join(file.file_name())).unwrap();
        }
        Authority::open(replica.path(), now()).unwrap()
    };
    prepare(home.path(), now()).unwrap();
    assert_eq!(copy().roots().phase(), Phase::Prepared);
    switch(home.path(), now()).unwrap();
    assert!(replica.path().join("next.pem").exists());
    assert!(copy().roots().phase() == Phase::Switched);
}

#[test]
fn without_the_bridge_nothing_is_switched_and_nothing_is_served() {
    let (home, before) = made();
    let names = Names::of(home.path());
    prepare(home.path(), now()).unwrap();
    let bridge = fs::read(&names.bridge).unwrap();
    fs::remove_file(&names.bridge).unwrap();
    assert!(switch(home.path(), now()).is_err());
    assert_eq!(
        Authority::open(home.path(), now()).unwrap().pin(),
        before.pin()
    );
    fs::write(&names.bridge, bridge).unwrap();
    switch(home.path(), now()).unwrap();
    fs::copy(&names.former, &names.bridge).unwrap();
    let error = Authority::open(home.path(), now()).unwrap_err();
    assert!(matches!(error, AuthorityError::Damaged { .. }), "{error}");
}

#[test]
fn over_the_bridge_no_certificate_of_an_agent_is_believed() {
    let (home, before) = made();
    prepare(home.path(), now()).unwrap();
    let after = switch(home.path(), now()).unwrap();
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let request = CertificateParams::default()
        .serialize_request(&key)
        .unwrap();
    let asked = AskedKey::read(&request.pem().unwrap()).unwrap();
    let (site, agent) = (SiteId::new("north"), AgentId::from_random([7; 16]));
    let issued = after.issue(&asked, &site, &agent, now()).unwrap();
    let own = CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap();
    let bridge = after.bridge.clone().unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let believed = |root: &Authority| {
        let roots = [root.roots().present.certificate().clone()];
        let verifier = ever_verifier(&roots, &provider).unwrap();
        let at = UnixTime::since_unix_epoch(std::time::Duration::ZERO);
        verifier
            .verify_client_cert(&own, std::slice::from_ref(&bridge), at)
            .is_ok()
    };
    assert!(believed(&after));
    assert!(!believed(&before));
}
