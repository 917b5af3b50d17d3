//! Records of zones that a directory keeps ([MS-DNSP] 2.3.2.2, dnsRecord): numbers little-endian but for the time to
//! live, names as counted labels.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use groma_model::{HostName, Peer};

/// What a record says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Record {
    /// A or AAAA.
    Address(IpAddr),
    /// CNAME.
    Alias(HostName),
    /// NS: who answers for the zone, or for a part of it.
    NameServer(HostName),
    /// PTR.
    Pointer(HostName),
    /// MX.
    Mail { preference: u16, host: HostName },
    /// SRV.
    Service {
        priority: u16,
        weight: u16,
        port: u16,
        host: HostName,
    },
    /// SOA: on which server the zone is written.
    Start(HostName),
    /// TXT that says who may send mail for the name (SPF): machines and addresses in it.
    Senders(Vec<Peer>),
    /// TXT with the public key mail is signed with (DKIM).
    SigningKey,
    /// Anything else, by its number. What texts of other kinds say is never kept: people write tokens there.
    Other(u16),
}

/// A record with what stands around it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Dated {
    pub(crate) record: Record,
    pub(crate) ttl_seconds: u32,
    /// When a machine registered it last, in whole hours since 1601; `None` for one that somebody wrote, which never ages.
    pub(crate) registered: Option<u32>,
}

const HEADER: usize = 24;

/// Reads one value of `dnsRecord`; `None` if it is none.
pub(crate) fn read(bytes: &[u8]) -> Option<Dated> {
    let length = usize::from(u16::from_le_bytes(two(bytes, 0)?));
    let kind = u16::from_le_bytes(two(bytes, 2)?);
    let ttl = bytes.get(12..16)?.try_into().ok()?;
    let stamp = u32::from_le_bytes(bytes.get(20..24)?.try_into().ok()?);
    let content = bytes.get(HEADER..HEADER.checked_add(length)?)?;
    let record = match (kind, content) {
        (1, [a, b, c, d]) => Record::Address(Ipv4Addr::new(*a, *b, *c, *d).into()),
        (28, _) => {
            let octets: [u8; 16] = content.try_into().ok()?;
            Record::Address(Ipv6Addr::from(octets).to_canonical())
        }
        (2, _) => Record::NameServer(name(content)?),
        (5, _) => Record::Alias(name(content)?),
        // Five numbers stand before the name ([MS-DNSP] 2.2.2.2.4.3); a zone may begin with one no host can have.
        (6, _) => match name(content.get(20..)?) {
            Some(primary) => Record::Start(primary),
            None => Record::Other(6),
        },
        (12, _) => Record::Pointer(name(content)?),
        (16, _) => text(&strings(content)?),
        (15, _) => Record::Mail {
            preference: u16::from_be_bytes(two(content, 0)?),
            host: name(content.get(2..)?)?,
        },
        (33, _) => Record::Service {
            priority: u16::from_be_bytes(two(content, 0)?),
            weight: u16::from_be_bytes(two(content, 2)?),
            port: u16::from_be_bytes(two(content, 4)?),
            host: name(content.get(6..)?)?,
        },
        (1, _) => return None,
        (other, _) => Record::Other(other),
    };
    Some(Dated {
        record,
        ttl_seconds: u32::from_be_bytes(ttl),
        registered: (stamp != 0).then_some(stamp),
    })
}

fn two(bytes: &[u8], at: usize) -> Option<[u8; 2]> {
    bytes.get(at..at + 2)?.try_into().ok()
}

/// Machines and addresses of one text.
const SENDERS_MAX: usize = 64;

/// The strings of a text, put together as readers of SPF and DKIM do: length and bytes, one behind the other.
fn strings(mut content: &[u8]) -> Option<String> {
    let mut out = Vec::new();
    while let [length, rest @ ..] = content {
        let (part, rest) = rest.split_at_checked(usize::from(*length))?;
        out.extend(part);
        content = rest;
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// What a text is for; of SPF (RFC 7208, 5) the terms that name a machine of one's own, not those that lead to another domain.
fn text(text: &str) -> Record {
    let lower = text.trim_start().to_ascii_lowercase();
    let is_key = lower.starts_with("v=dkim1");
    match lower.strip_prefix("v=spf1") {
        Some(terms) if terms.is_empty() || terms.starts_with(' ') => Record::Senders(
            terms
                .split(' ')
                .filter_map(sender)
                .take(SENDERS_MAX)
                .collect(),
        ),
        _ if is_key => Record::SigningKey,
        _ => Record::Other(16),
    }
}

/// `a:HOST`, `ip4:10.0.0.5`, `ip6:…`; a network, a macro and the name itself are no machine.
fn sender(term: &str) -> Option<Peer> {
    let term = term.trim_start_matches(['+', '?', '~']);
    let (mechanism, value) = term.split_once(':')?;
    let value = value
        .strip_suffix("/32")
        .or(value.strip_suffix("/128"))
        .unwrap_or(value);
    match mechanism {
        "a" => HostName::parse(value.split('/').next()?).map(Peer::Name),
        "ip4" | "ip6" => value.parse::<IpAddr>().ok().map(Peer::Address),
        _ => None,
    }
}

/// DNS_COUNT_NAME: length, number of labels, then each label with its length before it. Always forward: no pointers.
fn name(bytes: &[u8]) -> Option<HostName> {
    let [length, labels, rest @ ..] = bytes else {
        return None;
    };
    let mut rest = rest.get(..usize::from(*length))?;
    let mut text = String::new();
    for _ in 0..*labels {
        let [count, tail @ ..] = rest else {
            return None;
        };
        let label = tail.get(..usize::from(*count))?;
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(std::str::from_utf8(label).ok()?);
        rest = tail.get(usize::from(*count)..)?;
    }
    HostName::parse(&text)
}

/// The address a name in a reverse zone stands for: `5.0.0.10.in-addr.arpa`; `None` for a part of one.
pub(crate) fn reverse(name: &str) -> Option<IpAddr> {
    let lower = name.to_ascii_lowercase();
    if let Some(digits) = lower.strip_suffix(".in-addr.arpa") {
        let parts: Vec<&str> = digits.split('.').rev().collect();
        return (parts.len() == 4).then(|| parts.join("."))?.parse().ok();
    }
    let digits: Vec<&str> = lower.strip_suffix(".ip6.arpa")?.split('.').rev().collect();
    if digits.len() != 32 || digits.iter().any(|d| d.len() != 1) {
        return None;
    }
    let groups: Vec<String> = digits.chunks(4).map(<[&str]>::concat).collect();
    groups.join(":").parse().ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The bytes of a record.
    pub(crate) fn record(kind: u16, ttl: u32, stamp: u32, content: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(u16::try_from(content.len()).unwrap().to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend([5, 0xf0, 0, 0, 1, 0, 0, 0]);
        bytes.extend(ttl.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(stamp.to_le_bytes());
        bytes.extend(content);
        bytes
    }

    /// The bytes of a name.
    pub(crate) fn counted(name: &str) -> Vec<u8> {
        let mut labels = Vec::new();
        for label in name.split('.') {
            labels.push(u8::try_from(label.len()).unwrap());
            labels.extend(label.as_bytes());
        }
        labels.push(0);
        let mut bytes = vec![
            u8::try_from(labels.len()).unwrap(),
            u8::try_from(name.split('.').count()).unwrap(),
        ];
        bytes.extend(labels);
        bytes
    }

    #[test]
    fn records_are_read() {
        let a = read(&record(1, 3600, 0, &[10, 0, 0, 5])).unwrap();
        assert_eq!(a.record, Record::Address("10.0.0.5".parse().unwrap()));
        assert_eq!((a.ttl_seconds, a.registered), (3600, None));
        let alias = read(&record(5, 600, 7, &counted("app1.corp.example"))).unwrap();
        assert_eq!(
            alias.record,
            Record::Alias(HostName::parse("app1.corp.example").unwrap())
        );
        assert_eq!(alias.registered, Some(7));
        let mut service = vec![0, 1, 0, 2, 0x01, 0xbb];
        service.extend(counted("sip.corp.example"));
        assert!(matches!(
            read(&record(33, 1, 0, &service)).unwrap().record,
            Record::Service {
                priority: 1,
                weight: 2,
                port: 443,
                ..
            }
        ));
        assert_eq!(read(&record(1, 1, 0, &[10, 0, 0])), None);
        assert_eq!(read(b"short"), None);
    }

    fn strings_of(parts: &[&str]) -> Vec<u8> {
        let part = |text: &&str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        parts.iter().flat_map(part).collect()
    }

    #[test]
    fn the_start_of_a_zone_says_where_it_is_written() {
        let mut start = vec![0; 20];
        start.extend(counted("dc1.corp.example"));
        start.extend(counted("hostmaster.corp.example"));
        let host = HostName::parse("dc1.corp.example").unwrap();
        assert_eq!(
            read(&record(6, 3600, 0, &start)).unwrap().record,
            Record::Start(host)
        );
        let mut root = vec![0; 20];
        root.extend([1, 0, 0]);
        assert_eq!(
            read(&record(6, 3600, 0, &root)).unwrap().record,
            Record::Other(6)
        );
        assert_eq!(read(&record(6, 3600, 0, &[0; 19])), None, "a damaged one");
    }

    #[test]
    fn of_texts_the_senders_of_mail_are_kept_and_no_token() {
        let of = |parts: &[&str]| read(&record(16, 60, 0, &strings_of(parts))).unwrap().record;
        let senders =
            |peers: &[&str]| Record::Senders(peers.iter().filter_map(|p| Peer::parse(p)).collect());
        assert_eq!(
            of(&[
                "v=spf1 ip4:10.0.0.5 a:mail1.corp",
                ".example ip4:10.1.0.0/16 ip6:fd00::5/128 mx include:_spf.example -all"
            ]),
            senders(&["10.0.0.5", "mail1.corp.example", "fd00::5"])
        );
        assert_eq!(of(&["v=spf1 -all"]), senders(&[]));
        assert_eq!(of(&["v=DKIM1; k=rsa; p=MIIB"]), Record::SigningKey);
        for other in [
            "site-verification=canary",
            "v=spf10 ip4:10.0.0.5",
            "a:ghost.corp.example",
            "",
        ] {
            assert_eq!(of(&[other]), Record::Other(16), "{other}");
        }
        assert_eq!(
            read(&record(16, 60, 0, &[9, b'x'])),
            None,
            "a string longer than the record"
        );
    }

    #[test]
    fn reverse_names_are_addresses() {
        assert_eq!(reverse("5.0.0.10.in-addr.arpa"), "10.0.0.5".parse().ok());
        assert_eq!(reverse("0.0.10.in-addr.arpa"), None);
        let six = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa";
        assert_eq!(reverse(six), "fd00::1".parse().ok());
    }

    #[test]
    fn no_bytes_bring_it_down() {
        let mut mail = vec![0, 10];
        mail.extend(counted("mx.corp.example"));
        let corpus = [
            record(1, 1, 0, &[1, 2, 3, 4]),
            record(15, 1, 0, &mail),
            record(12, 1, 9, &counted("a.b")),
            record(
                6,
                1,
                9,
                &[&[0; 20][..], &counted("a.b"), &counted("c.d")].concat(),
            ),
            record(
                16,
                1,
                9,
                &strings_of(&["v=spf1 a:m.corp", " ip4:10.0.0.1 -all"]),
            ),
        ];
        let corpus: Vec<&[u8]> = corpus.iter().map(Vec::as_slice).collect();
        groma_fuzz::hammer(20_000, &corpus, |bytes| {
            let _ = read(bytes);
        });
    }

    proptest! {
        #[test]
        fn a_name_comes_back_as_it_was(labels in proptest::collection::vec("[a-z][a-z0-9]{0,10}", 1..6)) {
            let text = labels.join(".");
            let read = read(&record(12, 60, 0, &counted(&text))).unwrap();
            prop_assert_eq!(read.record, Record::Pointer(HostName::parse(&text).unwrap()));
        }

        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..80), text in ".{0,60}") {
            let _ = (read(&bytes), reverse(&text));
        }
    }
}
