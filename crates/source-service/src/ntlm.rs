//! What a server says of itself in the second message of NTLM ([MS-NLMP] §2.2.1.2), before anybody logs on.
//!
//! The challenge itself is not kept: with it and an answer a password could be guessed. Nobody answers it here.

use groma_model::fact::{AnswerBasis, ServiceAnswer};

const SIGNATURE: &[u8] = b"NTLMSSP\0";
/// NEGOTIATE_VERSION: the message holds the build of the system.
const WITH_VERSION: u32 = 0x0200_0000;
/// Pairs of the target information that are read.
const PAIRS_MAX: usize = 16;

/// The first message: which ways we know. It names nobody.
pub(crate) const NEGOTIATE: &[u8] = &[
    b'N', b'T', b'L', b'M', b'S', b'S', b'P', 0, 1, 0, 0, 0, // type 1
    0x07, 0x82, 0x08,
    0xa2, // unicode, OEM, target wanted, NTLM, extended security, target info, version
    0, 0, 0, 0, 0, 0, 0, 0, // no domain
    0, 0, 0, 0, 0, 0, 0, 0, // no workstation
    10, 0, 0x61, 0x4a, 0, 0, 0, 15, // a version
];

/// The first message as protocols of text carry it.
pub(crate) fn negotiate_as_text() -> String {
    crate::base64::padded(NEGOTIATE)
}

/// What a challenge in base64 tells.
pub(crate) fn tells_as_text(heard: &[u8]) -> Option<ServiceAnswer> {
    tells(&crate::base64::read(heard.trim_ascii_start()))
}

/// Adds what a machine says of itself in a challenge to what is known of its service.
pub(crate) fn add(answer: &mut ServiceAnswer, told: ServiceAnswer) {
    answer.names.extend(told.names);
    answer.names.sort();
    answer.names.dedup();
    answer.domain = answer.domain.take().or(told.domain);
    // What the product's own words say of the system is no better than its build.
    answer.system = told.system.or(answer.system.take());
}

/// What the challenge within `heard` tells, wherever it stands.
pub(crate) fn tells(heard: &[u8]) -> Option<ServiceAnswer> {
    let begin = heard
        .windows(SIGNATURE.len())
        .position(|window| window == SIGNATURE)?;
    let message = heard.get(begin..)?;
    if number(message, 8)? != 2 {
        return None;
    }
    let mut answer = ServiceAnswer::default();
    if number(message, 20)? & WITH_VERSION != 0 {
        answer.system = system(message);
    }
    let mut rest = target_information(message)?;
    for _ in 0..PAIRS_MAX {
        let Some((kind, value, after)) = pair(rest) else {
            break;
        };
        rest = after;
        match kind {
            // NetBIOS computer name, DNS computer name, DNS domain name.
            1 | 3 => answer.names.extend(wide_text(value)),
            4 => answer.domain = wide_text(value),
            _ => {}
        }
    }
    answer.names.sort();
    answer.names.dedup();
    if answer
        .domain
        .as_ref()
        .is_some_and(|domain| answer.names.contains(domain))
    {
        // A machine without a domain names itself.
        answer.domain = None;
    }
    answer.basis = AnswerBasis::Named;
    Some(answer)
}

/// The build of Windows 2000: what is lower is none of a Windows. Samba says 6.1.0, others 6.2.8.
const FIRST_BUILD: u16 = 2195;

/// `Windows 10.0.20348`: major, minor, build.
fn system(message: &[u8]) -> Option<String> {
    let &[major, minor, low, high] = message.get(48..52)?.first_chunk()?;
    let build = u16::from_le_bytes([low, high]);
    (build >= FIRST_BUILD).then(|| format!("Windows {major}.{minor}.{build}"))
}

fn target_information(message: &[u8]) -> Option<&[u8]> {
    let length = usize::from(u16::from_le_bytes(*message.get(40..42)?.first_chunk()?));
    let begin = usize::try_from(number(message, 44)?).ok()?;
    message.get(begin..begin.checked_add(length)?)
}

/// One AV_PAIR ([MS-NLMP] §2.2.2.1): its kind, its value and what follows.
fn pair(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (&[a, b, c, d], rest) = bytes.split_first_chunk::<4>()?;
    let (kind, length) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
    let (value, rest) = rest.split_at_checked(usize::from(length))?;
    (kind != 0).then_some((kind, value, rest))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn wide_text(bytes: &[u8]) -> Option<String> {
    let units = bytes.chunks_exact(2).filter_map(|two| two.first_chunk());
    let units: Vec<u16> = units.map(|two| u16::from_le_bytes(*two)).collect();
    crate::talk::plain(String::from_utf16_lossy(&units).as_bytes(), 255)
}

/// A challenge as a server makes it, for the tests of whoever carries one.
#[cfg(test)]
pub(crate) fn challenge(names: &[(u16, &str)], build: u16) -> Vec<u8> {
    let mut information = Vec::new();
    for (kind, name) in names {
        let text: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        information.extend(kind.to_le_bytes());
        information.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
        information.extend(text);
    }
    information.extend([0; 4]);
    let length = u16::try_from(information.len()).unwrap();
    let mut message = SIGNATURE.to_vec();
    message.extend(2u32.to_le_bytes());
    message.extend([0, 0, 0, 0, 56, 0, 0, 0]);
    message.extend(WITH_VERSION.to_le_bytes());
    message.extend([0xAA; 8]);
    message.extend([0; 8]);
    message.extend(length.to_le_bytes());
    message.extend(length.to_le_bytes());
    message.extend(56u32.to_le_bytes());
    message.extend([10, 0]);
    message.extend(build.to_le_bytes());
    message.extend([0, 0, 0, 15]);
    message.extend(information);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_names_itself_its_domain_and_its_build() {
        let message = challenge(
            &[
                (2, "CORP"),
                (1, "FS1"),
                (4, "corp.example"),
                (3, "fs1.corp.example"),
            ],
            20348,
        );
        let told = tells(&message).expect("a challenge");
        assert_eq!(told.names, ["FS1", "fs1.corp.example"]);
        assert_eq!(told.domain.as_deref(), Some("corp.example"));
        assert_eq!(told.system.as_deref(), Some("Windows 10.0.20348"));
    }

    #[test]
    fn our_own_first_message_and_a_stump_are_no_challenge() {
        assert_eq!(tells(NEGOTIATE), None);
        let message = challenge(&[(1, "FS1")], 0);
        for cut in 0..message.len() {
            let _ = tells(&message[..cut]);
        }
        assert_eq!(tells(&message).unwrap().system, None);
    }

    #[test]
    fn challenges_of_real_servers_name_their_machine_and_no_windows() {
        for (text, name) in [
            (
                include_str!("../tests/recorded/apache-gss-ntlmssp-1.2.0-challenge.txt"),
                "FILES1",
            ),
            (
                include_str!("../tests/recorded/dovecot-2.3.19-ntlm_auth-4.17-challenge.txt"),
                "FILES1",
            ),
        ] {
            let told = tells_as_text(text.as_bytes()).expect("a challenge");
            assert!(told.names.iter().any(|known| known == name), "{told:?}");
            assert_eq!(told.system, None, "none of them is a Windows");
        }
    }

    #[test]
    fn a_library_that_makes_up_a_version_is_no_windows() {
        assert_eq!(tells(&challenge(&[(1, "WEB1")], 8)).unwrap().system, None);
        assert!(
            tells(&challenge(&[(1, "WEB1")], 2600))
                .unwrap()
                .system
                .is_some()
        );
    }

    #[test]
    fn a_challenge_is_read_as_text_and_what_is_none_is_not() {
        let text = crate::base64::padded(&challenge(&[(1, "WEB1")], 20348));
        let told = tells_as_text(format!(" {text}\r\n").as_bytes()).unwrap();
        assert_eq!(told.names, ["WEB1"]);
        assert_eq!(tells_as_text(negotiate_as_text().as_bytes()), None);
        assert_eq!(tells_as_text(b""), None);
    }

    #[test]
    fn no_answer_breaks_the_reader() {
        let seed = challenge(&[(1, "FS1"), (4, "corp.example")], 20348);
        let text = crate::base64::padded(&seed);
        groma_fuzz::hammer(10_000, &[&seed, text.as_bytes()], |bytes| {
            let _ = (tells(bytes), tells_as_text(bytes));
        });
    }
}
