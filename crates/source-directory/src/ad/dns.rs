//! Records of zones that a directory keeps ([MS-DNSP] 2.3.2.2, dnsRecord): numbers little-endian but for the time to
//! live, names as counted labels.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use groma_model::HostName;

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
    /// Anything else, by its number.
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
        (12, _) => Record::Pointer(name(content)?),
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
