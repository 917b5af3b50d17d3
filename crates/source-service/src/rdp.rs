//! Remote desktop before anything is shown ([MS-RDPBCGR] §2.2.1.1, §2.2.1.2).

use std::io::{Read, Write};
use std::net::IpAddr;

use groma_model::fact::ServiceAnswer;

use crate::ntlm;
use crate::talk::{Miss, answer, say};
use crate::tls::Begun;

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

/// True if what the server chose is to know who comes before a session begins, within TLS (CredSSP).
pub(crate) fn wants_credentials(heard: &[u8]) -> bool {
    matches!(heard.get(11..19), Some([2, _, _, _, 2 | 8, ..]))
}

/// Names of the machine, where it wants credentials first: the handshake, and then the first message of NTLM within
/// CredSSP ([MS-CSSP] §2.2.1). The server answers with its names; nothing more is said, so nobody logs on, and nobody fails to.
pub(crate) fn names(
    talk: &mut (impl Read + Write),
    address: IpAddr,
) -> Result<Option<ServiceAnswer>, Miss> {
    match crate::tls::begin(talk, address) {
        Begun::Within(mut within, _) => {
            say(&mut *within, &first_request())?;
            let heard = answer(&mut *within, is_whole_request)?;
            within.conn.send_close_notify();
            let _ = within.flush();
            Ok(ntlm::tells(&heard))
        }
        Begun::Broken(error) => Err(error.into()),
        Begun::Refused(_) | Begun::Other(_) => Ok(None),
    }
}

/// A TSRequest of version 6 that brings the first message of NTLM.
fn first_request() -> Vec<u8> {
    let wrapped = |tag: u8, content: &[u8]| {
        [&[tag, u8::try_from(content.len()).unwrap_or(0)], content].concat()
    };
    let token = wrapped(0xa0, &wrapped(0x04, ntlm::NEGOTIATE));
    let tokens = wrapped(0xa1, &wrapped(0x30, &wrapped(0x30, &token)));
    let version = wrapped(0xa0, &[0x02, 1, 6]);
    wrapped(0x30, &[version, tokens].concat())
}

/// True if a TSRequest has come to its end, or never will: the length in front of it says.
fn is_whole_request(heard: &[u8]) -> bool {
    match heard {
        [0x30, length @ 0..=0x7f, rest @ ..] => rest.len() >= usize::from(*length),
        [0x30, 0x81, length, rest @ ..] => rest.len() >= usize::from(*length),
        [0x30, 0x82, high, low, rest @ ..] => {
            rest.len() >= usize::from(u16::from_be_bytes([*high, *low]))
        }
        [] | [0x30] | [0x30, 0x81 | 0x82, ..] => false,
        _ => true,
    }
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
            let _ = (is_whole(bytes), tells(bytes), is_whole_request(bytes));
        });
    }

    #[test]
    fn the_first_request_is_one_whole_sequence() {
        let request = first_request();
        assert!(is_whole_request(&request));
        assert!(!is_whole_request(&request[..request.len() - 1]));
        assert!(request.windows(8).any(|window| window == b"NTLMSSP\0"));
        assert!(
            is_whole_request(b"HTTP/1.1 400"),
            "nothing more comes of it"
        );
    }

    #[test]
    fn only_who_wants_credentials_first_is_asked_for_names() {
        let chose = |kind: u8| {
            let head = [3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0];
            wants_credentials(&[&head[..], &[2, 0x1f, 8, 0, kind, 0, 0, 0]].concat())
        };
        assert!(chose(2) && chose(8) && !chose(1) && !chose(0));
        assert!(!wants_credentials(&[3, 0, 0, 11, 6, 0xd0, 0, 0, 0, 0, 0]));
    }
}
