//! A hosts file → the addresses it gives a name (hosts(5)). Pure.

use std::net::IpAddr;

use groma_model::HostName;

/// As many addresses of one name as are believed.
const ADDRESSES_MAX: usize = 64;

/// The addresses of `name`, in the order written; none where no line names it. A name is taken as it stands: the search
/// list completes questions, and no lines. An address that needs an interface (`fe80::1%eth0`) is passed over.
pub(crate) fn addresses(bytes: &[u8], name: &HostName) -> Option<Vec<IpAddr>> {
    let text = String::from_utf8_lossy(bytes);
    let found: Vec<IpAddr> = text
        .lines()
        .filter_map(|line| named(line, name))
        .take(ADDRESSES_MAX)
        .collect();
    Some(found).filter(|found| !found.is_empty())
}

/// The address of a line that names `name`.
fn named(line: &str, name: &HostName) -> Option<IpAddr> {
    let line = line.split('#').next().unwrap_or_default();
    let mut words = line.split_whitespace();
    let address: IpAddr = words.next()?.parse().ok()?;
    let is_meant = |word: &str| {
        let word = word.strip_suffix('.').unwrap_or(word);
        word.eq_ignore_ascii_case(name.as_str())
    };
    words.any(is_meant).then(|| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTS: &[u8] =
        b"# written by hand\n127.0.0.1 localhost\n::1\tlocalhost ip6-localhost\n10.0.0.9 DB1.corp.example. db1 # the old one\n\
          fd00::9 db1\nfe80::9%eth0 link\n#10.0.0.8 gone\nnonsense gone\n10.0.0.7\n";

    fn of(name: &str) -> Option<Vec<String>> {
        let found = addresses(HOSTS, &HostName::parse(name).unwrap())?;
        Some(found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn every_line_with_the_name_counts_whatever_its_case_and_final_dot() {
        let all = |all: &[&str]| Some(all.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>());
        assert_eq!(of("db1"), all(&["10.0.0.9", "fd00::9"]));
        assert_eq!(of("Db1.Corp.Example."), all(&["10.0.0.9"]));
        assert_eq!(of("localhost"), all(&["127.0.0.1", "::1"]));
    }

    #[test]
    fn what_no_line_names_has_no_address() {
        for name in [
            "gone",
            "corp.example",
            "db",
            "db1.corp",
            "link",
            "the",
            "old",
        ] {
            assert_eq!(of(name), None, "{name}");
        }
    }

    #[test]
    fn nothing_breaks_the_reader() {
        let name = HostName::parse("db1").unwrap();
        groma_fuzz::hammer(2000, &[HOSTS], |bytes| {
            let found = addresses(bytes, &name).unwrap_or_default();
            assert!(found.len() <= ADDRESSES_MAX);
        });
    }

    proptest::proptest! {
        #[test]
        fn a_line_that_is_written_is_found(bits: u32, label in "[a-z][a-z0-9]{0,20}", before in "[^\\n]{0,40}") {
            let address = IpAddr::from(bits.to_be_bytes());
            let name = HostName::parse(&label).unwrap();
            let text = format!("# {before}\n{address} {label}\n");
            proptest::prop_assert_eq!(addresses(text.as_bytes(), &name), Some(vec![address]));
        }
    }
}
