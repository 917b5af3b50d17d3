//! Signatures behind batches: what is written is read again, what is not one is told, and no bytes break anything.

mod common;

use common::{bytes, pack, regular, small};
use groma_wire::signature::{SIGNATURE_BYTES_MAX, Signature, SignatureError, split, statement};
use groma_wire::{Limits, WireError, decode};

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

fn signature() -> Signature {
    Signature::new(CERTIFICATE, &[0x30, 0x45, 0x00, 0xff])
}

fn signed(batch: &[u8]) -> Vec<u8> {
    let mut file = batch.to_vec();
    signature().append_to(&mut file).expect("a whole batch");
    file
}

/// A file with this document behind the batch, however wrong it is.
fn with(document: &[u8], length: usize) -> Vec<u8> {
    let length = u32::try_from(length).expect("four bytes").to_le_bytes();
    [
        &bytes(&small())[..],
        &[0x5b, 0x2a, 0x4d, 0x18],
        &length,
        document,
    ]
    .concat()
}

#[test]
fn what_is_signed_is_found_again_and_the_batch_is_as_it_was() {
    for batch in [bytes(&small()), bytes(&regular(5000))] {
        let file = signed(&batch);
        let parts = split(&file).unwrap();
        assert_eq!(parts.batch, batch);
        let found = parts.signature.expect("a signature");
        assert_eq!(found, signature());
        assert_eq!(found.bits(), Some(vec![0x30, 0x45, 0x00, 0xff]));
    }
}

#[test]
fn a_batch_without_one_is_told_from_one_with_it() {
    let batch = bytes(&small());
    let parts = split(&batch).unwrap();
    assert_eq!((parts.batch, parts.signature), (&batch[..], None));
    for other in [&b""[..], b"name,ip\n", b"\x5b\x2a\x4d\x18\x00\x00\x00\x00"] {
        let parts = split(other).unwrap();
        assert_eq!((parts.batch, parts.signature), (other, None));
    }
}

#[test]
fn every_zstd_reads_the_lines_of_a_signed_batch_and_nothing_else() {
    let batch = bytes(&small());
    let unpack = |bytes: &[u8]| zstd::decode_all(bytes).unwrap();
    assert_eq!(unpack(&signed(&batch)), unpack(&batch));
}

#[test]
fn nothing_is_signed_twice_and_nothing_but_a_batch() {
    let mut file = signed(&bytes(&small()));
    let before = file.clone();
    assert_eq!(
        signature().append_to(&mut file),
        Err(SignatureError::NoBatch)
    );
    assert_eq!(file, before);
    for mut other in [
        Vec::new(),
        b"name,ip\n".to_vec(),
        [pack("{}\n"), b"x".to_vec()].concat(),
    ] {
        assert_eq!(
            signature().append_to(&mut other),
            Err(SignatureError::NoBatch)
        );
    }
    let long = Signature::new(&"x".repeat(SIGNATURE_BYTES_MAX), &[1]);
    assert_eq!(
        long.append_to(&mut bytes(&small())),
        Err(SignatureError::TooLarge)
    );
}

#[test]
fn what_is_signed_is_the_bytes_and_what_for() {
    let (one, other) = (statement(b"a"), statement(b"b"));
    assert_ne!(one, other);
    assert!(one.starts_with(b"groma.signature/1"));
    assert_eq!(one.len(), other.len(), "a digest, however long the batch");
}

#[test]
fn every_cut_of_a_signature_is_noticed_and_a_cut_of_the_batch_is_the_decoders_to_tell() {
    let batch = bytes(&small());
    let file = signed(&batch);
    for length in 0..file.len() {
        let cut = &file[..length];
        match split(cut) {
            Err(error) => assert!(
                length > batch.len() && matches!(error, SignatureError::Malformed { .. }),
                "{length}: {error}"
            ),
            Ok(parts) => {
                assert_eq!((parts.batch, &parts.signature), (cut, &None), "{length}");
                let read = decode(&mut &*parts.batch, &Limits::local());
                assert!(length == batch.len() || read.is_err(), "{length}");
            }
        }
    }
}

#[test]
fn what_stands_behind_a_signature_or_instead_of_one_is_refused() {
    let file = signed(&bytes(&small()));
    let more = [&file[..], b"x"].concat();
    assert!(split(&more).is_err());
    let twice = [&file[..], &file[bytes(&small()).len()..]].concat();
    assert!(split(&twice).is_err());
    // Another skippable frame, or another batch, is nothing of ours: the decoder refuses it.
    for behind in [&[0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0][..], &bytes(&small())] {
        let file = [&bytes(&small())[..], behind].concat();
        let parts = split(&file).unwrap();
        assert_eq!(parts.signature, None);
        let refused = decode(&mut &*parts.batch, &Limits::local());
        assert!(matches!(refused, Err(WireError::Trailing)));
    }
    // A signed file that comes over the network is refused there: who sends it is known by the handshake.
    assert!(matches!(
        decode(&mut &*file, &Limits::network()),
        Err(WireError::Trailing)
    ));
}

#[test]
fn documents_that_are_none_are_refused_in_a_sentence() {
    let said = |file: &[u8]| split(file).unwrap_err().to_string();
    assert!(said(&with(b"{}", 2)).contains("damaged"));
    assert!(said(&with(b"\xff\xfe", 2)).contains("damaged"));
    let other = br#"{"schema":"groma.batch/1"}"#;
    assert!(said(&with(other, other.len())).contains("does not say that it is one"));
    let newer = br#"{"schema":"groma.signature/2","algorithm":"ml-dsa-44"}"#;
    let text = said(&with(newer, newer.len()));
    assert!(
        text.contains("upgrade the collector") && text.contains("ml-dsa-44"),
        "{text}"
    );
    assert!(said(&with(b"", usize::try_from(u32::MAX).unwrap())).contains("no honest one has"));
    let deep = "[".repeat(SIGNATURE_BYTES_MAX);
    assert!(said(&with(deep.as_bytes(), deep.len())).contains("damaged"));
}

#[test]
fn bits_that_are_no_bits_are_none() {
    let bits = |text: &str| {
        let json = format!(
            r#"{{"schema":"groma.signature/1","algorithm":"ecdsa-p256-sha256","certificates":"","signature":"{text}"}}"#
        );
        let file = with(json.as_bytes(), json.len());
        split(&file).unwrap().signature.unwrap().bits()
    };
    assert_eq!(bits("0aFF"), Some(vec![0x0a, 0xff]));
    for none in ["", "0", "0g", "+1", " 1", "ü", &"00".repeat(300)] {
        assert_eq!(bits(none), None, "{none}");
    }
}

#[test]
fn no_bytes_break_a_file_apart_and_what_is_found_stood_there() {
    let (small, regular) = (signed(&bytes(&small())), signed(&bytes(&regular(60))));
    groma_fuzz::hammer(5000, &[&small, &regular], |bytes| {
        let Ok(parts) = split(bytes) else { return };
        assert!(bytes.starts_with(parts.batch));
        assert_eq!(parts.signature.is_none(), parts.batch.len() == bytes.len());
        if let Some(signature) = parts.signature {
            let _ = signature.bits();
        }
    });
}

proptest::proptest! {
    #[test]
    fn any_signature_is_read_as_it_was_written(
        certificates in ".{0,2000}",
        bits in proptest::collection::vec(proptest::num::u8::ANY, 1..200),
    ) {
        let made = Signature::new(&certificates, &bits);
        let mut file = bytes(&small());
        made.append_to(&mut file).unwrap();
        let found = split(&file).unwrap().signature.expect("a signature");
        proptest::prop_assert_eq!(found.bits(), Some(bits));
        proptest::prop_assert_eq!(found, made);
    }
}
