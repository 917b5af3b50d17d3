//! What is asked in one datagram: the names of a machine by NetBIOS (RFC 1002 §4.2.17), and the instances of SQL Server
//! ([MC-SQLR] §2.2.3), which listen where nobody would look.

use groma_model::Port;
use groma_model::fact::{AnswerBasis, ServiceAnswer};
use groma_source::dns_name;

use crate::talk::plain;

/// Most that is heard of one answer.
pub(crate) const ANSWER_BYTES: usize = 8_192;
/// Names and instances of one answer that are read.
const NAMES_MAX: usize = 64;
const INSTANCES_MAX: usize = 32;

/// A question in one datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Letter {
    /// Node status.
    NetBios,
    /// All instances of SQL Server.
    SqlBrowser,
}

/// Doors that machines with Windows or Samba have open: there SQL Server may be, and nowhere else is it asked for.
const OF_WINDOWS: [u16; 6] = [135, 139, 445, 1433, 3389, 5985];

/// What a machine is asked: by NetBIOS if it was heard to speak it, for SQL Server if it has doors of Windows.
pub(crate) fn letters(tcp: &[Port], udp: &[Port]) -> Vec<Letter> {
    let netbios = udp.contains(&Port(137)).then_some(Letter::NetBios);
    let windows = tcp.iter().any(|port| OF_WINDOWS.contains(&port.0));
    let browser = windows.then_some(Letter::SqlBrowser);
    netbios.into_iter().chain(browser).collect()
}

impl Letter {
    /// Its port.
    pub(crate) fn port(self) -> Port {
        match self {
            Self::NetBios => Port(137),
            Self::SqlBrowser => Port(1434),
        }
    }

    /// The word a fact carries, as IANA calls the port.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::NetBios => "netbios",
            Self::SqlBrowser => "ms-sql-m",
        }
    }

    /// What is sent; `number` marks it where the protocol has room for that.
    pub(crate) fn question(self, number: u16) -> Vec<u8> {
        match self {
            Self::NetBios => {
                const ANYBODY: &[u8] =
                    b"\0\0\0\x01\0\0\0\0\0\0\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0\x21\0\x01";
                [&number.to_be_bytes()[..], ANYBODY].concat()
            }
            Self::SqlBrowser => vec![3],
        }
    }

    /// What an answer tells; none if it is no answer to this.
    pub(crate) fn tells(self, heard: &[u8], number: u16) -> Option<ServiceAnswer> {
        match self {
            Self::NetBios => netbios(heard, number),
            Self::SqlBrowser => instances(heard),
        }
    }
}

/// The names of a node: the machine's own, and the group it is in.
fn netbios(heard: &[u8], number: u16) -> Option<ServiceAnswer> {
    let [high, low, flags, code, rest @ ..] = heard else {
        return None;
    };
    if u16::from_be_bytes([*high, *low]) != number || flags & 0x80 == 0 || code & 0x0f != 0 {
        return None;
    }
    // Answers carry no question; a pointer or the name itself stands before the record.
    let questions = u16::from_be_bytes(*rest.first_chunk()?);
    let (_, at) = dns_name::read(heard, 12)?;
    if questions != 0 || heard.get(at..at + 2)? != [0, 0x21] {
        return None;
    }
    let body = heard.get(at + 10..)?;
    let (count, entries) = body.split_first()?;
    let mut answer = ServiceAnswer {
        basis: AnswerBasis::Named,
        ..ServiceAnswer::default()
    };
    for entry in entries
        .chunks_exact(18)
        .take(usize::from(*count).min(NAMES_MAX))
    {
        let (name, kind) = entry.split_at(15);
        let [kind, flags, _] = kind else { continue };
        let is_group = flags & 0x80 != 0;
        let name = plain(name.trim_ascii_end(), 15);
        match (kind, is_group) {
            (0x00 | 0x20, false) => answer.names.extend(name),
            (0x00, true) => answer.domain = name,
            (0x1c, true) => answer.answers_for.push("logons of its domain".to_owned()),
            _ => {}
        }
    }
    answer.names.sort();
    answer.names.dedup();
    (!answer.names.is_empty()).then_some(answer)
}

/// The instances a browser of SQL Server knows: text of `key;value;` pairs, `;;` after each instance.
fn instances(heard: &[u8]) -> Option<ServiceAnswer> {
    let [5, low, high, text @ ..] = heard else {
        return None;
    };
    let length = usize::from(u16::from_le_bytes([*low, *high]));
    let text = text.get(..length.min(text.len()))?;
    let text = String::from_utf8_lossy(text);
    let mut answer = ServiceAnswer {
        product: Some("Microsoft SQL Server".to_owned()),
        basis: AnswerBasis::Named,
        ..ServiceAnswer::default()
    };
    for instance in text.split(";;").take(INSTANCES_MAX) {
        let words: Vec<&str> = instance.split(';').collect();
        let of = |key: &str| {
            let pair = words
                .chunks_exact(2)
                .find(|pair| pair.first().is_some_and(|k| k.eq_ignore_ascii_case(key)))?;
            plain(pair.last()?.as_bytes(), 64)
        };
        let (Some(server), Some(name)) = (of("ServerName"), of("InstanceName")) else {
            continue;
        };
        answer.names.push(server);
        let at = of("tcp").filter(|port| port.parse::<u16>().is_ok());
        let at = at.map_or_else(
            || ", not over TCP".to_owned(),
            |port| format!(" at port {port}"),
        );
        let version = of("Version").map(|version| format!(", version {version}"));
        let version = version.unwrap_or_default();
        answer
            .answers_for
            .push(format!("the instance {name}{at}{version}"));
    }
    answer.names.sort();
    answer.names.dedup();
    answer.answers_for.sort();
    answer.answers_for.dedup();
    (!answer.answers_for.is_empty()).then_some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What nmbd 4.17 of Debian answered (tests/recorded/RECORDED.md).
    const NMBD: &[u8] = include_bytes!("../tests/recorded/nmbd-4.17-node-status.bin");

    #[test]
    fn a_machine_names_itself_and_its_group() {
        let number = u16::from_be_bytes([NMBD[0], NMBD[1]]);
        let told = Letter::NetBios.tells(NMBD, number).expect("an answer");
        assert_eq!(told.names, ["FILES1"]);
        assert_eq!(told.domain.as_deref(), Some("OFFICE"));
        assert_eq!(Letter::NetBios.tells(NMBD, number ^ 1), None, "of another");
    }

    #[test]
    fn our_own_question_is_no_answer() {
        for letter in [Letter::NetBios, Letter::SqlBrowser] {
            assert_eq!(letter.tells(&letter.question(7), 7), None);
        }
    }

    /// As [MC-SQLR] §4.3 shows an answer.
    #[test]
    fn instances_are_told_with_their_ports() {
        let text =
            b"ServerName;DB1;InstanceName;PAYROLL;IsClustered;No;Version;15.0.2000.5;tcp;49172;;\
                     ServerName;DB1;InstanceName;LOCAL;IsClustered;No;Version;11.0.2100.60;;";
        let length = u16::try_from(text.len()).unwrap().to_le_bytes();
        let heard = [&[5][..], &length, text].concat();
        let told = Letter::SqlBrowser.tells(&heard, 0).expect("an answer");
        assert_eq!(told.names, ["DB1"]);
        assert_eq!(
            told.answers_for,
            [
                "the instance LOCAL, not over TCP, version 11.0.2100.60",
                "the instance PAYROLL at port 49172, version 15.0.2000.5"
            ]
        );
        assert_eq!(Letter::SqlBrowser.tells(b"\x05\0\0", 0), None);
    }

    #[test]
    fn only_who_may_be_windows_is_asked_for_sql_server() {
        assert!(letters(&[Port(22), Port(80)], &[]).is_empty());
        assert_eq!(letters(&[Port(445)], &[]), [Letter::SqlBrowser]);
        assert_eq!(letters(&[], &[Port(137)]), [Letter::NetBios]);
    }

    #[test]
    fn no_answer_breaks_the_reader() {
        let browser = b"\x05\x20\0ServerName;A;InstanceName;B;;";
        groma_fuzz::hammer(10_000, &[NMBD, browser], |bytes| {
            let number = bytes.first_chunk().map_or(0, |n| u16::from_be_bytes(*n));
            let _ = Letter::NetBios.tells(bytes, number);
            let _ = Letter::SqlBrowser.tells(bytes, 0);
        });
    }
}
