//! A name server, asked for the root's own name servers over TCP (RFC 1035 §4.2.2): whether it answers for everybody.

use std::net::IpAddr;

use groma_model::fact::ServiceAnswer;
use groma_source::dns_name;

/// Asks for the name servers of the root, with recursion wished, as message 0x6772.
pub(crate) const QUESTION: &[u8] = &[
    0, 17, 0x67, 0x72, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1,
];

/// True if a whole message has come.
pub(crate) fn is_whole(heard: &[u8]) -> bool {
    heard
        .split_first_chunk::<2>()
        .is_some_and(|(length, rest)| rest.len() >= usize::from(u16::from_be_bytes(*length)))
}

/// True if this answers our question: its number, the answer bit, one question or none.
pub(crate) fn is_answer(heard: &[u8]) -> bool {
    matches!(heard, [_, _, 0x67, 0x72, flags, _, 0, 0 | 1, ..] if flags & 0x80 != 0)
        && is_whole(heard)
}

/// Whether it offers to ask others for whoever comes.
pub(crate) fn tells(heard: &[u8]) -> ServiceAnswer {
    let recursive = heard.get(5).is_some_and(|flags| flags & 0x80 != 0);
    let refused = heard.get(5).is_some_and(|flags| flags & 0x0f == 5);
    let mut answer = ServiceAnswer::default();
    if recursive && !refused {
        answer.answers_for.push("every name (recursion)".to_owned());
    }
    answer
}

/// Zones that are asked for at one server.
pub(crate) const ZONES_MAX: usize = 8;

/// Asks for the begin of authority of `zone` (RFC 1035 §3.3.13), wishing no recursion, as message `number`; nothing for what
/// is no name.
pub(crate) fn zone_question(number: u16, zone: &str) -> Option<Vec<u8>> {
    let mut name = Vec::new();
    for label in zone.split('.') {
        let length = u8::try_from(label.len())
            .ok()
            .filter(|l| (1..64).contains(l))?;
        name.push(length);
        name.extend(label.as_bytes());
    }
    let head = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let message = [&number.to_be_bytes()[..], &head, &name, &[0, 0, 6, 0, 1]].concat();
    let length = u16::try_from(message.len())
        .ok()
        .filter(|_| name.len() < 255)?;
    Some([&length.to_be_bytes()[..], &message].concat())
}

/// True if the server has authority over what message `number` asked for: it says so, and that there is such a zone.
pub(crate) fn has_authority(heard: &[u8], number: u16) -> bool {
    let Some(
        [
            _,
            _,
            high,
            low,
            flags,
            code,
            _,
            _,
            answers_high,
            answers_low,
        ],
    ) = heard.first_chunk::<10>()
    else {
        return false;
    };
    let is_ours = u16::from_be_bytes([*high, *low]) == number && flags & 0x80 != 0;
    let is_authority = flags & 0x04 != 0 && code & 0x0f == 0;
    let answered = (*answers_high, *answers_low) != (0, 0);
    is_ours && is_authority && answered && is_somebodys(heard.get(2..).unwrap_or_default())
}

/// True if somebody keeps the zone whose begin of authority answers: servers make empty zones for private networks by
/// themselves (RFC 6303), and name nobody there.
fn is_somebodys(message: &[u8]) -> bool {
    let keeper = || {
        let (_, question) = dns_name::read(message, 12)?;
        let (_, record) = dns_name::read(message, question + 4)?;
        let kind = message.get(record..record + 2)?;
        let (server, keeper) = dns_name::read(message, record + 10)?;
        let (keeper, _) = dns_name::read(message, keeper)?;
        (kind == [0, 6]).then(|| (server.to_ascii_lowercase(), keeper.to_ascii_lowercase()))
    };
    keeper().is_some_and(|(server, keeper)| {
        let nobody = keeper.is_empty() || keeper.ends_with(b"nobody.invalid");
        !nobody && server != b"localhost"
    })
}

/// Zones a machine at `address` that belongs to `domains` may keep: theirs, and the reverse ones it lies in.
pub(crate) fn zones_near<'a>(
    address: IpAddr,
    domains: impl Iterator<Item = &'a str>,
) -> Vec<String> {
    let mut zones: Vec<String> = domains
        .map(|domain| domain.trim_end_matches('.').to_ascii_lowercase())
        .filter(|domain| domain.contains('.'))
        .collect();
    zones.sort();
    zones.dedup();
    zones.truncate(ZONES_MAX - 3);
    if let IpAddr::V4(v4) = address {
        let [a, b, c, _] = v4.octets();
        zones.extend([
            format!("{c}.{b}.{a}.in-addr.arpa"),
            format!("{b}.{a}.in-addr.arpa"),
            format!("{a}.in-addr.arpa"),
        ]);
    }
    zones
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolver_and_a_server_of_its_zones_are_told_apart() {
        let answer = |high: u8, low: u8| {
            let mut bytes = vec![0, 12, 0x67, 0x72, high, low];
            bytes.extend([0; 8]);
            bytes
        };
        assert!(is_answer(&answer(0x81, 0x80)));
        assert_eq!(tells(&answer(0x81, 0x80)).answers_for.len(), 1);
        assert!(tells(&answer(0x81, 0x05)).answers_for.is_empty(), "refused");
        assert!(!is_answer(&answer(0x01, 0x00)), "a question");
        assert!(!is_answer(b"HTTP/1.1 400"));
    }

    #[test]
    fn no_answer_breaks_the_reader() {
        groma_fuzz::hammer(10_000, &[QUESTION], |bytes| {
            let _ = (is_whole(bytes), is_answer(bytes), tells(bytes));
            let _ = has_authority(bytes, 0x6773);
        });
    }

    #[test]
    fn authority_is_what_the_server_claims_for_a_zone_that_is_there() {
        let question = zone_question(7, "corp.example").unwrap();
        assert!(is_whole(&question) && question.starts_with(&[0, 30, 0, 7, 0, 0, 0, 1]));
        let answer = |flags: u8, code: u8, answers: u8| {
            let head = [0, 66, 0, 7, flags, code, 0, 1, 0, answers, 0, 0, 0, 0];
            let asked = &question[14..];
            // The owner, the kind, the time, then ns1 and hostmaster of the zone.
            let record = b"\xc0\x0c\0\x06\0\x01\0\0\x0e\x10\0\x1c\x03ns1\xc0\x0c\x04host\xc0\x0c";
            [&head, asked, record].concat()
        };
        assert!(has_authority(&answer(0x84, 0, 1), 7));
        let mut empty = answer(0x84, 0, 1);
        let keeper = empty.len() - 7;
        empty[keeper] = 0;
        assert!(!has_authority(&empty, 7), "a zone nobody keeps");
        assert!(!has_authority(&answer(0x80, 0, 1), 7), "from its memory");
        assert!(!has_authority(&answer(0x84, 3, 0), 7), "no such zone");
        assert!(
            !has_authority(&answer(0x84, 0, 0), 7),
            "within a zone, none itself"
        );
        assert!(
            !has_authority(&answer(0x84, 0, 1), 8),
            "of another question"
        );
        assert_eq!(zone_question(7, "corp..example"), None);
    }

    #[test]
    fn zones_near_a_machine_are_those_of_its_domains_and_its_networks() {
        let zones = zones_near(
            "10.98.7.6".parse().unwrap(),
            ["Corp.Example.", "corp.example", "WORKGROUP"].into_iter(),
        );
        assert_eq!(
            zones,
            [
                "corp.example",
                "7.98.10.in-addr.arpa",
                "98.10.in-addr.arpa",
                "10.in-addr.arpa"
            ]
        );
    }
}
