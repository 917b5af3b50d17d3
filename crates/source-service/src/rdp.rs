//! Remote desktop before anything is shown ([MS-RDPBCGR] §2.2.1.1, §2.2.1.2).

use groma_model::fact::ServiceAnswer;

/// A connection request that knows TLS and CredSSP, and names nobody.
pub(crate) const QUESTION: &[u8] = &[
    3, 0, 0, 19, // TPKT
    14, 0xe0, 0, 0, 0, 0, 0, // X.224 connection request
    1, 0, 8, 0, 0x0b, 0, 0, 0, // TLS, CredSSP, CredSSP with early authorisation
];

/// True if the answer is whole.
pub(crate) fn is_whole(heard: &[u8]) -> bool {
    heard
        .get(2..4)
        .and_then(|l| l.first_chunk())
        .is_some_and(|length| heard.len() >= usize::from(u16::from_be_bytes(*length)))
}

/// What the server chose: what it asks for before a session begins.
pub(crate) fn tells(heard: &[u8]) -> ServiceAnswer {
    let chosen = heard.get(11..19).and_then(|c| c.first_chunk::<8>());
    let (asks_for, offers_tls) = match chosen {
        Some([2, _, _, _, kind, ..]) => match kind {
            0 => ("RDP security", Some(false)),
            1 => ("TLS", Some(true)),
            _ => ("network level authentication", Some(true)),
        },
        // It refuses: 1 wants TLS, 2 forbids it, 3 has no certificate, 5 wants network level authentication.
        Some([3, _, _, _, 2 | 3, ..]) => ("RDP security", Some(false)),
        Some([3, ..]) => ("network level authentication", Some(true)),
        _ => ("RDP security", Some(false)),
    };
    ServiceAnswer {
        asks_for: vec![asks_for.to_owned()],
        offers_tls,
        ..ServiceAnswer::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_wants_before_a_session_is_told() {
        let wants = |tail: &[u8]| {
            let head = [3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0];
            let heard = [&head, tail].concat();
            assert!(is_whole(&heard));
            tells(&heard).asks_for
        };
        assert_eq!(
            wants(&[2, 0x1f, 8, 0, 2, 0, 0, 0]),
            ["network level authentication"]
        );
        assert_eq!(wants(&[2, 0, 8, 0, 1, 0, 0, 0]), ["TLS"]);
        assert_eq!(wants(&[3, 0, 8, 0, 2, 0, 0, 0]), ["RDP security"]);
        assert_eq!(
            tells(&[3, 0, 0, 11, 6, 0xd0, 0, 0, 0, 0, 0]).asks_for,
            ["RDP security"]
        );
    }

    #[test]
    fn no_answer_breaks_the_reader() {
        groma_fuzz::hammer(10_000, &[QUESTION], |bytes| {
            let _ = (is_whole(bytes), tells(bytes));
        });
    }
}
