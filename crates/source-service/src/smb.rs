//! SMB before anybody logs on: which versions are spoken, and what the machine calls itself ([MS-SMB2] §2.2.3, §2.2.5).

use std::io::{Read, Write};

use groma_model::fact::{AnswerBasis, ServiceAnswer};

use crate::ntlm;
use crate::talk::{Miss, answer, say};

const HEADER: usize = 64;

/// A message in its frame (NetBIOS session service, RFC 1002 §4.3.1).
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(0);
    [&length.to_be_bytes(), message].concat()
}

fn header(command: u16, message: u64) -> Vec<u8> {
    let mut bytes = b"\xfeSMB".to_vec();
    bytes.extend(64u16.to_le_bytes());
    bytes.extend([0; 6]);
    bytes.extend(command.to_le_bytes());
    bytes.extend(1u16.to_le_bytes());
    bytes.extend([0; 8]);
    bytes.extend(message.to_le_bytes());
    bytes.extend([0; 32]);
    bytes
}

/// NEGOTIATE with the dialects 2.0.2 to 3.0.2.
pub(crate) fn question(client: [u8; 16]) -> Vec<u8> {
    const DIALECTS: [u16; 4] = [0x0202, 0x0210, 0x0300, 0x0302];
    let mut message = header(0, 0);
    message.extend(36u16.to_le_bytes());
    message.extend(4u16.to_le_bytes());
    message.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    message.extend(client);
    message.extend([0; 8]);
    message.extend(DIALECTS.iter().flat_map(|d| d.to_le_bytes()));
    framed(&message)
}

/// NEGOTIATE of the first version with its last dialect alone ([MS-CIFS] §2.2.4.52).
pub(crate) fn oldest_question() -> Vec<u8> {
    let mut message = b"\xffSMB\x72\0\0\0\0\x18\x01\x28".to_vec();
    message.extend([0; 12]);
    message.extend([0, 0, 0, 0, 1, 0, 0, 0]);
    let dialect = b"\x02NT LM 0.12\0";
    message.push(0);
    message.extend(u16::try_from(dialect.len()).unwrap_or(0).to_le_bytes());
    message.extend(dialect);
    framed(&message)
}

/// SESSION_SETUP with the first message of NTLM; it names nobody, and is never followed by a second.
fn session() -> Vec<u8> {
    let token = negotiation_token();
    let mut message = header(1, 1);
    message.extend(25u16.to_le_bytes());
    message.extend([0, 1]);
    message.extend([0; 8]);
    message.extend(88u16.to_le_bytes());
    message.extend(u16::try_from(token.len()).unwrap_or(0).to_le_bytes());
    message.extend([0; 8]);
    message.extend(token);
    framed(&message)
}

/// SPNEGO (RFC 4178 §4.2.1) that offers NTLM and brings its first message.
fn negotiation_token() -> Vec<u8> {
    const SPNEGO: &[u8] = b"\x06\x06\x2b\x06\x01\x05\x05\x02";
    const NTLM: &[u8] = b"\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a";
    let wrapped = |tag: u8, content: &[u8]| {
        [&[tag, u8::try_from(content.len()).unwrap_or(0)], content].concat()
    };
    let kinds = wrapped(0xa0, &wrapped(0x30, NTLM));
    let token = wrapped(0xa2, &wrapped(0x04, ntlm::NEGOTIATE));
    let init = wrapped(0xa0, &wrapped(0x30, &[kinds, token].concat()));
    wrapped(0x60, &[SPNEGO, &init].concat())
}

/// True if a whole frame has come.
pub(crate) fn is_whole(heard: &[u8]) -> bool {
    heard
        .split_first_chunk::<4>()
        .is_some_and(|(length, rest)| {
            usize::try_from(u32::from_be_bytes(*length)).is_ok_and(|length| rest.len() >= length)
        })
}

/// The dialect a server chose, as `SMB 3.0.2`.
fn dialect(heard: &[u8]) -> Option<String> {
    let message = heard.get(4..)?.strip_prefix(b"\xfeSMB")?;
    let chosen = message.get(HEADER - 4 + 4..)?.first_chunk()?;
    Some(match u16::from_le_bytes(*chosen) {
        0x0202 => "SMB 2.0.2".to_owned(),
        0x0210 => "SMB 2.1".to_owned(),
        0x0300 => "SMB 3.0".to_owned(),
        0x0302 => "SMB 3.0.2".to_owned(),
        0x0311 => "SMB 3.1.1".to_owned(),
        0x02ff => "SMB 2".to_owned(),
        _ => return None,
    })
}

/// What an answer to either question tells: the version, and whether unsigned traffic is refused.
pub(crate) fn tells(heard: &[u8]) -> ServiceAnswer {
    let oldest = heard.get(4..8) == Some(b"\xffSMB");
    let version = if oldest {
        Some("SMB 1".to_owned())
    } else {
        dialect(heard)
    };
    let signing = heard.get(4 + HEADER + 2).is_some_and(|mode| mode & 2 != 0);
    let asks_for = (!oldest && signing).then(|| "signing".to_owned());
    ServiceAnswer {
        version,
        asks_for: asks_for.into_iter().collect(),
        basis: AnswerBasis::Form,
        ..ServiceAnswer::default()
    }
}

/// Names of the machine, once a version is agreed on: NTLM's challenge holds them.
pub(crate) fn names(talk: &mut (impl Read + Write)) -> Result<Option<ServiceAnswer>, Miss> {
    say(talk, &session())?;
    Ok(ntlm::tells(&answer(talk, is_whole)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(dialect: u16, mode: u8) -> Vec<u8> {
        let mut message = header(0, 0);
        message.extend(65u16.to_le_bytes());
        message.extend([mode, 0]);
        message.extend(dialect.to_le_bytes());
        message.resize(200, 0);
        framed(&message)
    }

    #[test]
    fn the_version_and_the_wish_to_sign_are_told() {
        let heard = negotiated(0x0302, 3);
        assert!(is_whole(&heard) && !is_whole(&heard[..40]));
        let told = tells(&heard);
        assert_eq!(told.version.as_deref(), Some("SMB 3.0.2"));
        assert_eq!(told.asks_for, ["signing"]);
        assert!(tells(&negotiated(0x0210, 1)).asks_for.is_empty());
    }

    #[test]
    fn the_first_version_is_called_so() {
        let heard = framed(b"\xffSMB\x72\0\0\0\0\x98\x01\x28");
        assert_eq!(tells(&heard).version.as_deref(), Some("SMB 1"));
    }

    #[test]
    fn no_answer_breaks_the_reader() {
        groma_fuzz::hammer(10_000, &[&negotiated(0x0302, 1), &session()], |bytes| {
            let _ = (is_whole(bytes), tells(bytes));
        });
    }
}
