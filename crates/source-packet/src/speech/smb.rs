//! SMB 2 and 3 ([MS-SMB2] §2.2): which share of whom, by which account and logon. Of version 1 ([MS-CIFS]) that it is
//! spoken: who speaks nothing newer loses its share when the old server goes. What is encrypted stays so.

use groma_model::Foreign;
use groma_model::name::HostName;

use super::{Told, ntlm};
use crate::text::wide;

/// Messages of one side that are read.
const MESSAGES_MAX: usize = 64;
/// Shares of one connection that are told.
const SHARES_MAX: usize = 16;

const SESSION_SETUP: u16 = 1;
const TREE_CONNECT: u16 = 3;
const SUCCESS: u32 = 0;
const MORE_NEEDED: u32 = 0xc000_0016;
/// Flags of a session (§2.2.6).
const IS_GUEST: u16 = 1;
const IS_NOBODY: u16 = 2;
/// Object identifiers of Kerberos in a SPNEGO token (RFC 4178, [MS-SPNG]).
const KERBEROS: [&[u8]; 2] = [
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02],
    &[0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 0x01, 0x02, 0x02],
];

/// One message: its header's fields, and itself.
struct Message<'b> {
    command: u16,
    status: u32,
    number: u64,
    whole: &'b [u8],
}

pub(super) fn read(said: &[u8], answered: &[u8]) -> Vec<Told> {
    let asked = messages(said);
    let answers = messages(answered);
    let answer = |command: u16, number: u64| {
        let mut of = answers.iter();
        of.find(|a| a.command == command && a.number == number)
    };
    let status = |command: u16, number: u64| answer(command, number).map(|a| a.status);
    let mut told = Vec::new();
    let mut session = Told {
        kind: Some("smb"),
        protocol: "SMB",
        ..Told::default()
    };
    for message in &asked {
        match message.command {
            SESSION_SETUP => match status(SESSION_SETUP, message.number) {
                Some(MORE_NEEDED) => {}
                Some(SUCCESS) => {
                    let flags = answer(SESSION_SETUP, message.number)
                        .and_then(|answer| half(answer.whole, 64 + 2));
                    session = logged_on(session, token(message.whole), flags);
                }
                Some(_) => {
                    let (mechanism, workstation) = attempt(token(message.whole));
                    told.push(Told {
                        mechanism,
                        client_is: workstation,
                        refused: true,
                        ..session.clone()
                    });
                }
                None => {}
            },
            TREE_CONNECT if status(TREE_CONNECT, message.number) == Some(SUCCESS) => {
                let Some((host, share)) = tree(message.whole) else {
                    continue;
                };
                if share.eq_ignore_ascii_case("IPC$") || told.len() >= SHARES_MAX {
                    session.name = host;
                    continue;
                }
                told.push(Told {
                    name: host,
                    service: Some(Foreign::from(share.as_str())),
                    ..session.clone()
                });
            }
            _ => {}
        }
    }
    if told.is_empty() {
        let old = said.get(4) == Some(&0xff) && answered.get(4) == Some(&0xff);
        session.mechanism = session.mechanism.or(old.then(|| "SMB1".to_owned()));
        told.push(session);
    }
    told.dedup();
    told
}

/// What a logon that was let in tells. Whom the server let in as a guest, or as nobody, said any name: what stands there may
/// be a password in the wrong field. Where the answer's `flags` were not captured, nothing is known of the account.
fn logged_on(session: Told, token: &[u8], flags: Option<u16>) -> Told {
    let Some((3, message)) = ntlm::message(token) else {
        let kerberos = KERBEROS.iter().any(|id| holds(token, id));
        return Told {
            mechanism: kerberos.then(|| "Kerberos".to_owned()),
            ..session
        };
    };
    let logon = ntlm::logon(message).unwrap_or_default();
    let account = match (&logon.domain, &logon.user) {
        (Some(domain), Some(user)) => format!("{domain}\\{user}"),
        (None, Some(user)) => user.clone(),
        // Nobody, as RFC 2743 would say: an anonymous session.
        (_, None) => String::new(),
    };
    let account = flags.map(|flags| match flags & (IS_GUEST | IS_NOBODY) {
        0 => account.as_str(),
        _ => "",
    });
    Told {
        account: account.map(Foreign::from),
        mechanism: Some("NTLM".to_owned()),
        client_is: logon.workstation.as_deref().and_then(HostName::parse),
        ..session
    }
}

/// How a logon was tried that was not let in. Its account may be anything somebody typed.
fn attempt(token: &[u8]) -> (Option<String>, Option<HostName>) {
    match ntlm::message(token) {
        Some((3, message)) => {
            let logon = ntlm::logon(message).unwrap_or_default();
            let workstation = logon.workstation.as_deref().and_then(HostName::parse);
            (Some("NTLM".to_owned()), workstation)
        }
        _ => (
            KERBEROS
                .iter()
                .any(|id| holds(token, id))
                .then(|| "Kerberos".to_owned()),
            None,
        ),
    }
}

fn holds(token: &[u8], id: &[u8]) -> bool {
    let near = token.get(..token.len().min(512)).unwrap_or_default();
    near.windows(id.len()).any(|window| window == id)
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// All messages of a side, those chained to one another too.
fn messages(mut bytes: &[u8]) -> Vec<Message<'_>> {
    let mut out = Vec::new();
    while let [kind, a, b, c, rest @ ..] = bytes {
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        let packet = rest.get(..length.min(rest.len())).unwrap_or_default();
        bytes = rest.get(length..).unwrap_or_default();
        if *kind != 0 {
            continue;
        }
        let mut packet = packet;
        while out.len() < MESSAGES_MAX {
            let Some(message) = message(packet) else {
                break;
            };
            let next = usize::try_from(word(packet, 20).unwrap_or_default()).unwrap_or_default();
            out.push(message);
            match packet.get(next..) {
                Some(chained) if next >= 64 => packet = chained,
                _ => break,
            }
        }
        if out.len() >= MESSAGES_MAX {
            break;
        }
    }
    out
}

fn message(packet: &[u8]) -> Option<Message<'_>> {
    if packet.get(..4)? != b"\xfeSMB" {
        return None;
    }
    let number: [u8; 8] = packet.get(24..32)?.try_into().ok()?;
    Some(Message {
        command: half(packet, 12)?,
        status: word(packet, 8)?,
        number: u64::from_le_bytes(number),
        whole: packet,
    })
}

/// The token of a session setup (§2.2.5).
fn token(message: &[u8]) -> &[u8] {
    let read = || {
        let begin = usize::from(half(message, 64 + 12)?);
        let length = usize::from(half(message, 64 + 14)?);
        message.get(begin..(begin + length).min(message.len()))
    };
    read().unwrap_or_default()
}

/// The path of a tree connect (§2.2.9): `\\HOST\SHARE`.
fn tree(message: &[u8]) -> Option<(Option<HostName>, String)> {
    let begin = usize::from(half(message, 64 + 4)?);
    let length = usize::from(half(message, 64 + 6)?);
    let path = wide(message.get(begin..begin + length)?)?;
    let (host, share) = path.strip_prefix(r"\\")?.split_once('\\')?;
    let share = share.trim_end_matches('\\');
    (!share.is_empty()).then(|| (HostName::parse(host), share.to_owned()))
}
