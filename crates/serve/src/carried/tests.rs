use std::time::Duration;

use groma_model::batch::BATCH_SCHEMA;
use groma_model::fleet::{AgentHost, AgentStatus};
use groma_model::{Batch, SourceName};
use groma_wire::signature::split;
use rcgen::{CertificateParams, KeyPair, SigningKey};

use super::*;
use crate::authority::{AskedKey, Authority};

const DAY: Duration = Duration::from_secs(86_400);

fn now() -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000)
}

/// An authority, and an agent of it with its key and certificate.
struct Fleet {
    home: tempfile::TempDir,
    authority: Authority,
    site: SiteId,
    agent: AgentId,
    key: KeyPair,
    certificate: String,
    digest: String,
}

fn fleet(agent: u8) -> Fleet {
    let home = tempfile::tempdir().unwrap();
    let authority = Authority::open(home.path(), now()).unwrap();
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let (site, agent) = (SiteId::new("north"), AgentId::from_random([agent; 16]));
    let asked = asked(&key);
    let issued = authority.issue(&asked, &site, &agent, now()).unwrap();
    Fleet {
        home,
        authority,
        site,
        agent,
        key,
        certificate: issued.certificate,
        digest: asked.digest,
    }
}

fn asked(key: &KeyPair) -> AskedKey {
    let request = CertificateParams::default().serialize_request(key).unwrap();
    AskedKey::read(&request.pem().unwrap()).unwrap()
}

impl Fleet {
    fn judge(&self) -> Judge {
        Judge::by(self.home.path()).unwrap().unwrap()
    }

    fn header(&self) -> BatchHeader {
        BatchHeader {
            schema: BATCH_SCHEMA.to_owned(),
            agent: self.agent.clone(),
            site: self.site.clone(),
            epoch: 7,
            sequence: 1,
            version: "0.1.0".to_owned(),
            started: now(),
            ended: now(),
            sources: vec![SourceName::new("host.system")],
        }
    }

    fn record(&self) -> AgentRecord {
        AgentRecord {
            agent: self.agent.clone(),
            site: self.site.clone(),
            key: self.digest.clone(),
            state: AgentState::Active,
            host: AgentHost::default(),
            enrolled_at: now(),
            token: "t".to_owned(),
            copied_from: None,
            generation: 1,
            certificate_until: now().plus(DAY),
            certified_by: None,
            run: None,
            former_runs: Vec::new(),
            held_until: None,
            seen_at: None,
            status: AgentStatus::default(),
        }
    }

    fn batch(&self) -> Vec<u8> {
        let batch = Batch {
            header: self.header(),
            records: Vec::new(),
        };
        let mut bytes = Vec::new();
        groma_wire::encode(&batch, &mut bytes).unwrap();
        bytes
    }

    /// The batch, signed by `key` with `certificate` beside it.
    fn signed(&self, key: &KeyPair, certificate: &str) -> Vec<u8> {
        Self::signed_bytes(self.batch(), key, certificate)
    }

    fn signed_bytes(mut file: Vec<u8>, key: &KeyPair, certificate: &str) -> Vec<u8> {
        let bits = key.sign(&statement(&file)).unwrap();
        Signature::new(certificate, &bits)
            .append_to(&mut file)
            .unwrap();
        file
    }

    fn own(&self) -> Vec<u8> {
        self.signed(&self.key, &self.certificate)
    }
}

fn judged<'f>(judge: &Judge, file: &'f [u8]) -> Result<Signer<'f>, Disbelief> {
    let parts = split(file).unwrap();
    judge.signer(parts.batch, &parts.signature.expect("a signature"))
}

#[test]
fn what_an_agent_signed_is_its_own() {
    let fleet = fleet(1);
    let file = fleet.own();
    let signer = judged(&fleet.judge(), &file).unwrap();
    assert_eq!((signer.agent(), signer.site()), (&fleet.agent, &fleet.site));
    let admitted = signer.admitted(Some(&fleet.record()), now()).unwrap();
    let batch = admitted.unpacked(&Limits::local()).unwrap();
    assert_eq!(batch.header, fleet.header());
    assert_eq!(admitted.may_say(&batch.header), Ok(()));
}

#[test]
fn a_certificate_that_lapsed_years_ago_or_begins_tomorrow_still_says_whose_key_it_is() {
    let fleet = fleet(1);
    for at in [-3000, -2, 2, 3000] {
        let then = Timestamp::from_millis(now().millis() + at * 86_400_000);
        let asked = asked(&fleet.key);
        let issued = fleet
            .authority
            .issue(&asked, &fleet.site, &fleet.agent, then);
        let file = fleet.signed(&fleet.key, &issued.unwrap().certificate);
        assert!(judged(&fleet.judge(), &file).is_ok(), "{at} days");
    }
}

#[test]
fn every_changed_byte_of_the_batch_is_noticed() {
    let fleet = fleet(1);
    let (judge, file, length) = (fleet.judge(), fleet.own(), fleet.batch().len());
    let signature = split(&file).unwrap().signature.unwrap();
    for at in 0..length {
        let mut batch = fleet.batch();
        batch[at] ^= 1;
        assert_eq!(
            judge.signer(&batch, &signature),
            Err(Disbelief::Changed),
            "{at}"
        );
    }
    let cut = &fleet.batch()[..length - 1];
    assert_eq!(judge.signer(cut, &signature), Err(Disbelief::Changed));
}

#[test]
fn every_changed_byte_of_the_signature_is_noticed_or_does_not_matter() {
    let fleet = fleet(1);
    let (judge, file, length) = (fleet.judge(), fleet.own(), fleet.batch().len());
    for at in length..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        let Ok(parts) = split(&changed) else { continue };
        let Some(signature) = parts.signature else {
            continue; // A frame that is none of ours: the decoder refuses what stands behind a batch.
        };
        if let Ok(signer) = judge.signer(parts.batch, &signature) {
            assert_eq!(signer.agent(), &fleet.agent, "{at}");
        }
    }
}

#[test]
fn another_authority_has_nothing_to_say_here() {
    let (ours, theirs) = (fleet(1), fleet(1));
    assert_eq!(
        judged(&ours.judge(), &theirs.own()),
        Err(Disbelief::OtherAuthority)
    );
    // Their key with a certificate of ours beside it, and the other way round.
    let mixed = ours.signed(&theirs.key, &ours.certificate);
    assert_eq!(judged(&ours.judge(), &mixed), Err(Disbelief::Changed));
    let mixed = ours.signed(&ours.key, &theirs.certificate);
    assert_eq!(
        judged(&ours.judge(), &mixed),
        Err(Disbelief::OtherAuthority)
    );
    // A certificate that the key made for itself, in the same words.
    let mut params = CertificateParams::default();
    let uri = format!("groma://{}/{}", ours.site, ours.agent);
    params.subject_alt_names = vec![rcgen::SanType::URI(uri.try_into().unwrap())];
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let own = params.self_signed(&theirs.key).unwrap().pem();
    let file = ours.signed(&theirs.key, &own);
    assert_eq!(judged(&ours.judge(), &file), Err(Disbelief::OtherAuthority));
}

#[test]
fn an_agent_makes_no_agents() {
    // Its certificate signs another one: a chain that ends at the authority, with no authority in between.
    let fleet = fleet(1);
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let issuer = rcgen::Issuer::from_ca_cert_pem(&fleet.certificate, &fleet.key).unwrap();
    let mut params = CertificateParams::default();
    let other = AgentId::from_random([9; 16]);
    let uri = format!("groma://{}/{other}", fleet.site);
    params.subject_alt_names = vec![rcgen::SanType::URI(uri.try_into().unwrap())];
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let made = params.signed_by(&key, &issuer).unwrap().pem();
    let file = fleet.signed(&key, &(made + &fleet.certificate));
    assert_eq!(
        judged(&fleet.judge(), &file),
        Err(Disbelief::OtherAuthority)
    );
}

#[test]
fn the_collector_itself_is_no_agent() {
    let fleet = fleet(1);
    let (chain, key) = fleet.authority.server(&[], now()).unwrap();
    let key = KeyPair::try_from(key.secret_der()).unwrap();
    let pem = |der: &CertificateDer<'_>| {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    };
    let file = fleet.signed(&key, &pem(&chain[0]));
    assert_eq!(judged(&fleet.judge(), &file), Err(Disbelief::NoCertificate));
}

#[test]
fn nobody_speaks_in_another_ones_name() {
    let fleet = fleet(1);
    let file = fleet.own();
    let signer = judged(&fleet.judge(), &file).unwrap();
    let admitted = signer.admitted(Some(&fleet.record()), now()).unwrap();
    let other_agent = BatchHeader {
        agent: AgentId::from_random([9; 16]),
        ..fleet.header()
    };
    let other_site = BatchHeader {
        site: SiteId::new("south"),
        ..fleet.header()
    };
    for header in [other_agent, other_site] {
        let refused = admitted.may_say(&header);
        assert!(
            matches!(refused, Err(Disbelief::OtherName { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn the_store_has_the_last_word() {
    let fleet = fleet(1);
    let file = fleet.own();
    let signer = judged(&fleet.judge(), &file).unwrap();
    let asked = |record: Option<&AgentRecord>| signer.clone().admitted(record, now()).map(|_| ());
    let says = |change: &dyn Fn(&mut AgentRecord)| {
        let mut record = fleet.record();
        change(&mut record);
        asked(Some(&record))
    };
    let agent = fleet.agent.clone();
    assert_eq!(says(&|_| {}), Ok(()));
    assert_eq!(asked(None), Err(Disbelief::NotEnrolled(agent.clone())));
    let other_key = says(&|record| record.key = "of another enrolment".to_owned());
    assert_eq!(other_key, Err(Disbelief::NotEnrolled(agent.clone())));
    let revoked = says(&|record| {
        record.state = AgentState::Revoked {
            at: now(),
            because: "sold".to_owned(),
        };
    });
    let because = "sold".to_owned();
    assert_eq!(
        revoked,
        Err(Disbelief::Revoked {
            agent: agent.clone(),
            because
        })
    );
    let waiting = says(&|record| record.state = AgentState::Waiting);
    assert_eq!(waiting, Err(Disbelief::Waiting(agent.clone())));
    let held = says(&|record| record.held_until = Some(now().plus(DAY)));
    assert_eq!(held, Err(Disbelief::Held(agent)));
    assert_eq!(
        says(&|record| record.held_until = Some(now())),
        Ok(()),
        "a doubt that is over"
    );
}

/// A gigabyte of zeros in 32 KiB: 8192 blocks that each stand for 128 KiB of one byte (RFC 8878 §3.1.1.2, RLE_Block).
fn bomb() -> Vec<u8> {
    let mut frame = groma_wire::MAGIC.to_vec();
    // No checksum and no size is told; a window of 128 KiB.
    frame.extend([0x00, 0x38]);
    for is_last in (1..=8192).map(|block| block == 8192) {
        let head = u32::from(is_last) | (1 << 1) | ((128 << 10) << 3);
        frame.extend(&head.to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}

#[test]
fn who_is_revoked_hears_that_and_nothing_of_what_it_sent_is_unpacked() {
    let fleet = fleet(1);
    let file = Fleet::signed_bytes(bomb(), &fleet.key, &fleet.certificate);
    let signer = judged(&fleet.judge(), &file).unwrap();
    let mut revoked = fleet.record();
    revoked.state = AgentState::Revoked {
        at: now(),
        because: "sold".to_owned(),
    };
    let refused = signer.clone().admitted(Some(&revoked), now());
    assert!(
        matches!(refused, Err(Disbelief::Revoked { .. })),
        "{refused:?}"
    );
    // Who is listened to is told what is wrong with it.
    let admitted = signer.admitted(Some(&fleet.record()), now()).unwrap();
    assert!(admitted.unpacked(&Limits::local()).is_err());
}

#[test]
fn what_was_signed_under_the_former_authority_is_taken_until_that_is_retired() {
    let fleet = fleet(1);
    let by_former = fleet.own();
    crate::prepare(fleet.home.path(), now()).unwrap();
    assert!(judged(&fleet.judge(), &by_former).is_ok());
    let present = crate::switch(fleet.home.path(), now()).unwrap();
    let issued = present.issue(&asked(&fleet.key), &fleet.site, &fleet.agent, now());
    let by_present = fleet.signed(&fleet.key, &issued.unwrap().certificate);
    assert!(judged(&fleet.judge(), &by_former).is_ok());
    assert!(judged(&fleet.judge(), &by_present).is_ok());
    crate::retire(fleet.home.path()).unwrap();
    let refused = judged(&fleet.judge(), &by_former);
    assert_eq!(refused, Err(Disbelief::OtherAuthority));
    assert!(judged(&fleet.judge(), &by_present).is_ok());
}

#[test]
fn where_no_authority_is_there_is_no_judge_and_none_is_made() {
    let home = tempfile::tempdir().unwrap();
    assert!(Judge::by(&home.path().join("authority")).unwrap().is_none());
    assert!(!home.path().join("authority").exists());
    std::fs::write(home.path().join("authority.pem"), "nothing").unwrap();
    assert!(Judge::by(home.path()).is_err());
}

#[test]
fn no_certificates_break_the_judge() {
    let fleet = fleet(1);
    let judge = std::panic::AssertUnwindSafe(fleet.judge());
    let chain = fleet.certificate.clone() + &fleet.authority.roots().pem();
    groma_fuzz::hammer(
        2_000,
        &[fleet.certificate.as_bytes(), chain.as_bytes()],
        |bytes| {
            let made = Signature::new(&String::from_utf8_lossy(bytes), &[0x30]);
            assert!(judge.signer(b"a batch", &made).is_err());
        },
    );
}
