//! What Hyper-V tells its guest: pairs of key and value in a file of the guest's own daemon (`hv_kvp_daemon`). Pure.
//!
//! Records of fixed length, a key of 512 bytes and a value of 2048, each text ended by a zero byte (Linux,
//! `include/uapi/linux/hyperv.h`: `HV_KVP_EXCHANGE_MAX_KEY_SIZE`, `HV_KVP_EXCHANGE_MAX_VALUE_SIZE`). Pool 3 holds what the host
//! says of itself.

use groma_model::HostName;

/// Where the daemon keeps what the host says.
pub(crate) const POOL: &str = "/var/lib/hyperv/.kvp_pool_3";

const KEY: usize = 512;
const VALUE: usize = 2048;
/// A host says about a dozen.
const PAIRS_MAX: usize = 256;

/// What a guest learns of its host and of itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Told {
    /// The host, by its longest name.
    pub(crate) host: Option<HostName>,
    /// What the platform calls the guest.
    pub(crate) guest: Option<String>,
}

/// Reads the pool. What is no whole record, or no text, is passed over.
pub(crate) fn told(pool: &[u8]) -> Told {
    let mut told = Told::default();
    let mut short = None;
    for record in pool.chunks_exact(KEY + VALUE).take(PAIRS_MAX) {
        let Some((key, value)) = record.split_at_checked(KEY) else {
            continue;
        };
        let (Some(key), Some(value)) = (text(key), text(value)) else {
            continue;
        };
        match key {
            "PhysicalHostNameFullyQualified" => told.host = HostName::parse(value),
            "PhysicalHostName" | "HostName" => short = short.or_else(|| HostName::parse(value)),
            "VirtualMachineId" => told.guest = Some(value.to_owned()),
            _ => {}
        }
    }
    told.host = told.host.or(short).filter(|host| !host.is_loopback());
    told
}

fn text(padded: &[u8]) -> Option<&str> {
    let end = padded.iter().position(|byte| *byte == 0)?;
    let text = std::str::from_utf8(padded.get(..end)?).ok()?.trim();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(key: &str, value: &str) -> Vec<u8> {
        let mut bytes = key.as_bytes().to_vec();
        bytes.resize(KEY, 0);
        bytes.extend(value.as_bytes());
        bytes.resize(KEY + VALUE, 0);
        bytes
    }

    #[test]
    fn a_guest_knows_who_carries_it() {
        let pool = [
            record("HostingSystemOsMajor", "10"),
            record("PhysicalHostName", "HV07"),
            record("PhysicalHostNameFullyQualified", "HV07.corp.example"),
            record("VirtualMachineId", "5E3B6F41-90F6-4CB9-9C6E-1D6E1F0F8A77"),
        ]
        .concat();
        let told = told(&pool);
        assert_eq!(told.host, HostName::parse("hv07.corp.example"));
        assert_eq!(
            told.guest.as_deref(),
            Some("5E3B6F41-90F6-4CB9-9C6E-1D6E1F0F8A77")
        );
        assert_eq!(super::told(&pool[..KEY]), Told::default(), "half a record");
    }

    #[test]
    fn the_short_name_does_where_there_is_no_long_one() {
        let told = told(&record("PhysicalHostName", "HV07"));
        assert_eq!(told.host, HostName::parse("hv07"));
        assert_eq!(
            super::told(&record("PhysicalHostName", "localhost")),
            Told::default()
        );
        assert_eq!(super::told(b""), Told::default());
    }

    proptest! {
        #[test]
        fn no_pool_makes_it_fall(pool in prop::collection::vec(any::<u8>(), 0..6000)) {
            let _ = told(&pool);
        }
    }
}
