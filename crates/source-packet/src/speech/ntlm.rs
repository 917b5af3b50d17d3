//! NTLM ([MS-NLMP] §2.2.1.3): who logs on, from which machine. The answer to the challenge is not read.

use crate::text::{plain, wide};

/// The third message of a logon, without what proves it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Logon {
    pub(super) domain: Option<String>,
    pub(super) user: Option<String>,
    pub(super) workstation: Option<String>,
}

const SIGNATURE: &[u8] = b"NTLMSSP\0";
/// How far into a token the message may begin: behind the wrapping of SPNEGO.
const WRAPPING_MAX: usize = 512;
const UNICODE: u8 = 1;

/// The number of the message in a token, where there is one.
pub(super) fn message(token: &[u8]) -> Option<(u8, &[u8])> {
    let near = token.get(..token.len().min(WRAPPING_MAX))?;
    let at = near
        .windows(SIGNATURE.len())
        .position(|eight| eight == SIGNATURE)?;
    let message = token.get(at..)?;
    Some((*message.get(8)?, message))
}

/// Reads the third message.
pub(super) fn logon(message: &[u8]) -> Option<Logon> {
    let unicode = message.get(60).is_some_and(|flags| flags & UNICODE != 0);
    let text = |at: usize| -> Option<String> {
        let [a, b, _, _, c, d, e, f] = *message.get(at..)?.first_chunk::<8>()?;
        let length = usize::from(u16::from_le_bytes([a, b]));
        let begin = usize::try_from(u32::from_le_bytes([c, d, e, f])).ok()?;
        let bytes = message.get(begin..begin.checked_add(length)?)?;
        match unicode {
            true => wide(bytes),
            false => plain(bytes).map(str::to_owned),
        }
    };
    Some(Logon {
        domain: text(28),
        user: text(36),
        workstation: text(44),
    })
}
