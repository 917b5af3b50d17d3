//! Bytes of identity and release files → what they say. Pure.

use groma_model::HostName;
pub(crate) use groma_model::smbios::{text as firmware_text, uuid};
use sha2::{Digest, Sha256};

use crate::text::{lossy, meaningful_lines, pair, words};

/// What an os-release file says (os-release(5)).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Release {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) pretty_name: String,
}

/// Reads an os-release file; what it does not say stays empty.
pub(crate) fn release(bytes: &[u8]) -> Release {
    let mut release = Release::default();
    for (_, line) in meaningful_lines(bytes) {
        let Some((key, value)) = pair(line, b'=') else {
            continue;
        };
        let value = unquoted(value);
        match key {
            b"ID" => release.id = value,
            b"VERSION_ID" => release.version = value,
            b"PRETTY_NAME" => release.pretty_name = value,
            _ => {}
        }
    }
    release
}

fn unquoted(value: &[u8]) -> String {
    let inner = [b'"', b'\'']
        .iter()
        .find_map(|quote| value.strip_prefix(&[*quote])?.strip_suffix(&[*quote]))
        .unwrap_or(value);
    let mut text = String::new();
    let mut letters = lossy(inner).chars().collect::<Vec<_>>().into_iter();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.extend(letters.next()),
            _ => text.push(letter),
        }
    }
    text
}

/// A machine id: 32 hex digits (machine-id(5)); `uninitialized` and anything else is none.
pub(crate) fn machine_id(text: &str) -> Option<String> {
    let fits = text.len() == 32
        && text.bytes().all(|b| b.is_ascii_hexdigit())
        && text.bytes().any(|b| b != b'0');
    fits.then(|| text.to_ascii_lowercase())
}

/// A MAC address as sysfs writes it, lower case; zeros, broadcast and multicast are none.
pub(crate) fn mac(text: &str) -> Option<String> {
    let octets: Option<Vec<u8>> = text
        .split(':')
        .map(|o| u8::from_str_radix(o, 16).ok().filter(|_| o.len() == 2))
        .collect();
    let octets = octets?;
    let first = octets.first()?;
    let fits = octets.len() == 6 && octets.iter().any(|o| *o != 0) && first & 1 == 0;
    fits.then(|| text.to_ascii_lowercase())
}

/// True if the second lowest bit of the first octet is set: an address somebody chose (IEEE 802c).
pub(crate) fn is_locally_administered(mac: &str) -> bool {
    mac.get(..2)
        .and_then(|octet| u8::from_str_radix(octet, 16).ok())
        .is_some_and(|octet| octet & 2 != 0)
}

/// The fingerprint of an SSH public key file, as `SHA256:…` (RFC 4253 §6.6 over SHA-256, base64 without padding).
pub(crate) fn ssh_fingerprint(bytes: &[u8]) -> Option<String> {
    let (_, line) = meaningful_lines(bytes).next()?;
    let mut words = words(line);
    let kind = words.next()?;
    let blob = from_base64(words.next()?)?;
    // The blob begins with its own kind, so anything else in the file is no key.
    let length = usize::try_from(u32::from_be_bytes(blob.get(..4)?.try_into().ok()?)).ok()?;
    let inner = blob.get(4..)?.get(..length)?;
    let same = inner == kind || kind.starts_with(inner);
    same.then(|| format!("SHA256:{}", to_base64(&Sha256::digest(&blob))))
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 without padding (RFC 4648 §4).
fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .fold(0_u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let digit = word >> (18 - 6 * place) & 63;
            text.extend(
                usize::try_from(digit)
                    .ok()
                    .and_then(|d| DIGITS.get(d))
                    .map(|d| char::from(*d)),
            );
        }
    }
    text
}

fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let text = text
        .strip_suffix(b"==")
        .or_else(|| text.strip_suffix(b"="))
        .unwrap_or(text);
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    for chunk in text.chunks(4) {
        let mut word = 0_u32;
        for letter in chunk {
            let digit = DIGITS.iter().position(|d| d == letter)?;
            word = word << 6 | u32::try_from(digit).ok()?;
        }
        let word = word << (6 * (4 - chunk.len()));
        bytes.extend(word.to_be_bytes().get(1..chunk.len())?);
    }
    Some(bytes)
}

/// The qualified name of the machine, where it is sure of it: its own host name, or the first qualified
/// name of a hosts line (hosts(5)) that also carries its short name.
pub(crate) fn qualified_name(host_name: &str, hosts: &[u8]) -> Option<HostName> {
    let own = HostName::parse(host_name)?;
    let usable = |name: &HostName| {
        name.is_qualified() && !name.is_loopback() && !name.as_str().ends_with(".localdomain")
    };
    if own.is_qualified() {
        return usable(&own).then_some(own);
    }
    for (_, line) in meaningful_lines(hosts) {
        let line = line.split(|b| *b == b'#').next().unwrap_or_default();
        let names: Vec<HostName> = words(line)
            .skip(1)
            .filter_map(|w| HostName::parse(std::str::from_utf8(w).ok()?))
            .collect();
        let qualified = names
            .iter()
            .find(|name| usable(name) && name.short() == own.as_str());
        if let Some(name) = qualified.filter(|_| names.contains(&own)) {
            return Some(name.clone());
        }
    }
    None
}

/// The name of the zone a link such as `../usr/share/zoneinfo/Europe/Berlin` leads to.
pub(crate) fn zone_of_link(to: &str) -> Option<String> {
    let (_, name) = to.split_once("zoneinfo/")?;
    // Trees with and without leap seconds stand side by side.
    let name = ["posix/", "right/"]
        .iter()
        .find_map(|tree| name.strip_prefix(tree))
        .unwrap_or(name);
    zone_name(name)
}

/// `ZONE="Europe/Moscow"` of older Red Hat and SUSE releases.
pub(crate) fn zone_of_clock(text: &str) -> Option<String> {
    meaningful_lines(text.as_bytes())
        .filter_map(|(_, line)| pair(line, b'='))
        .find(|(key, _)| matches!(*key, b"ZONE" | b"TIMEZONE"))
        .map(|(_, value)| unquoted(value))
}

/// A name that may be one of the IANA database: what is none would be read as UTC later, and said.
pub(crate) fn zone_name(text: &str) -> Option<String> {
    let name = text.lines().next().unwrap_or_default().trim();
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-' | b'+');
    (!name.is_empty() && name.len() <= 64 && name.bytes().all(fits)).then(|| name.to_owned())
}

/// Seconds since 1970 at which the kernel was started, out of `/proc/stat` (proc(5)).
pub(crate) fn booted(stat: &[u8]) -> Option<f64> {
    let line = stat
        .split(|b| *b == b'\n')
        .find_map(|line| line.strip_prefix(b"btime "))?;
    let seconds: u32 = std::str::from_utf8(line).ok()?.trim().parse().ok()?;
    Some(f64::from(seconds)).filter(|seconds| *seconds > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_os_release_is_read_with_and_without_quotes() {
        let read = release(b"PRETTY_NAME=\"A \\\"B\\\" 12\"\nID=debian\nVERSION_ID='12'\n#ID=x\nBUG_REPORT_URL=https://x/\n");
        assert_eq!(
            (
                read.id.as_str(),
                read.version.as_str(),
                read.pretty_name.as_str()
            ),
            ("debian", "12", "A \"B\" 12")
        );
    }

    #[test]
    fn junk_of_board_makers_is_no_serial() {
        for junk in [
            "To be filled by O.E.M.",
            "Default string",
            "None",
            "0000000",
            "00-00-00",
            "........",
            "System Serial Number",
            "",
            " ",
            "0123456789",
        ] {
            assert_eq!(firmware_text(junk), None, "{junk}");
        }
        let real = "VMware-42 0e 3f 11 22 33 44 55-66 77 88 99 aa bb cc dd";
        assert_eq!(firmware_text(real).as_deref(), Some(real));
        assert_eq!(firmware_text("CZJ0470XYZ "), Some("CZJ0470XYZ".into()));
    }

    #[test]
    fn a_uuid_shared_by_a_whole_product_line_is_no_identity() {
        assert_eq!(uuid("00000000-0000-0000-0000-000000000000"), None);
        assert_eq!(uuid("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"), None);
        assert_eq!(uuid("03000200-0400-0500-0006-000700080009"), None);
        assert_eq!(uuid("12121212-1212-1212-1212-121212121212"), None);
        assert_eq!(uuid("4C4C4544-004D"), None);
        assert_eq!(
            uuid("564D4CBC-C6A9-1969-8D7A-B0E4B1C0FF01").as_deref(),
            Some("564d4cbc-c6a9-1969-8d7a-b0e4b1c0ff01")
        );
    }

    #[test]
    fn the_fingerprint_is_the_one_ssh_keygen_prints() {
        let key = include_bytes!("../../tests/fixtures/openssh-9.2/ssh_host_ed25519_key.pub");
        let printed = include_str!("../../tests/fixtures/openssh-9.2/fingerprint.txt");
        let word = printed.split_whitespace().nth(1).unwrap();
        assert_eq!(ssh_fingerprint(key).as_deref(), Some(word));
    }

    #[test]
    fn a_file_that_only_looks_like_a_key_has_no_fingerprint() {
        assert_eq!(ssh_fingerprint(b"ssh-ed25519 bm90IGEga2V5 x@y\n"), None);
        assert_eq!(ssh_fingerprint(b"ssh-ed25519 !!! x\n"), None);
        assert_eq!(ssh_fingerprint(b"\n"), None);
    }

    #[test]
    fn only_a_hosts_line_with_the_short_name_makes_a_qualified_name() {
        let hosts = b"127.0.0.1 localhost web1.localdomain\n10.0.0.9 web2.corp.example web2\n127.0.1.1 web1.corp.example web1 # me\n";
        assert_eq!(
            qualified_name("web1", hosts).unwrap().as_str(),
            "web1.corp.example"
        );
        assert_eq!(qualified_name("web3", hosts), None);
        assert_eq!(
            qualified_name("web9.corp.example", b"").unwrap().as_str(),
            "web9.corp.example"
        );
        assert_eq!(
            qualified_name("web1", b"127.0.0.1 web1.localdomain web1\n"),
            None
        );
        assert_eq!(
            qualified_name("web1", b"10.0.0.1 web1.corp.example\n"),
            None,
            "an alias alone is not ours"
        );
    }

    #[test]
    fn a_chosen_address_is_told_from_a_burnt_in_one() {
        assert!(is_locally_administered("52:54:00:12:34:56"));
        assert!(!is_locally_administered("00:50:56:12:34:56"));
        assert_eq!(mac("00:00:00:00:00:00"), None);
        assert_eq!(mac("33:33:00:00:00:01"), None);
        assert_eq!(
            mac("00:50:56:AB:cd:01").as_deref(),
            Some("00:50:56:ab:cd:01")
        );
    }

    #[test]
    fn a_time_zone_is_told_by_the_link_or_in_writing() {
        for (link, expected) in [
            ("/usr/share/zoneinfo/Europe/Berlin", Some("Europe/Berlin")),
            ("../usr/share/zoneinfo/posix/Etc/UTC", Some("Etc/UTC")),
            (
                "/usr/share/zoneinfo/America/Argentina/Ushuaia",
                Some("America/Argentina/Ushuaia"),
            ),
            ("/etc/zones/berlin", None),
            ("/usr/share/zoneinfo/", None),
        ] {
            assert_eq!(zone_of_link(link).as_deref(), expected, "{link}");
        }
        let clock = "# comment\nUTC=true\nZONE=\"Europe/Moscow\"\n";
        assert_eq!(zone_of_clock(clock).as_deref(), Some("Europe/Moscow"));
        assert_eq!(zone_name("a zone with blanks"), None);
    }

    #[test]
    fn the_moment_of_the_boot_is_read() {
        assert_eq!(
            booted(b"cpu  1 2 3\nbtime 1795173000\nprocesses 7\n"),
            Some(1_795_173_000.0)
        );
        assert_eq!(booted(b"btime 0\n"), None);
        assert_eq!(booted(b"btime soon\n"), None);
    }

    #[test]
    fn hammered_identity_files_never_panic() {
        let corpus: &[&[u8]] = &[
            b"ID=debian\nVERSION_ID=\"12\"\n",
            b"127.0.1.1 web1.corp.example web1\n",
            b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG x\n",
            b"564d4cbc-c6a9-1969-8d7a-b0e4b1c0ff01",
            b"00:50:56:ab:cd:01",
        ];
        groma_fuzz::hammer(2000, corpus, |bytes| {
            release(bytes);
            ssh_fingerprint(bytes);
            qualified_name("web1", bytes);
            let text = lossy(bytes);
            let _ = (
                uuid(&text),
                mac(&text),
                machine_id(&text),
                firmware_text(&text),
                zone_of_link(&text),
                zone_of_clock(&text),
                zone_name(&text),
                booted(bytes),
            );
        });
    }

    proptest::proptest! {
        #[test]
        fn base64_survives_its_own_text(bytes: Vec<u8>) {
            proptest::prop_assert_eq!(from_base64(to_base64(&bytes).as_bytes()), Some(bytes));
        }
    }
}
