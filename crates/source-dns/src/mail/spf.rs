//! SPF records: terms, the machines they name, and what a receiver would stumble over (RFC 7208). Pure.

use std::net::IpAddr;

use groma_model::{HostName, Peer};

/// Terms of one record that are read; no receiver would follow more.
const TERMS_MAX: usize = 200;

/// One record, taken apart.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Spf {
    /// Machines it names itself: `a:`, `mx:`, single addresses. Sorted.
    pub(crate) peers: Vec<Peer>,
    /// Domains whose records belong to it: `include:` and `redirect=`. In order.
    pub(crate) follows: Vec<HostName>,
    /// Terms that make a receiver ask (RFC 7208 §4.6.4).
    pub(crate) lookups: u32,
    /// What is wrong with it, in words.
    pub(crate) faults: Vec<String>,
}

/// True for a TXT record that is meant as SPF (RFC 7208 §4.5).
pub(crate) fn is_spf(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text == "v=spf1" || text.starts_with("v=spf1 ")
}

/// Takes a record apart. `domain` is where it stands: `a` and `mx` without a name mean it.
pub(crate) fn read(text: &str, domain: &HostName) -> Spf {
    let mut spf = Spf::default();
    let mut terms = text.split_ascii_whitespace().skip(1);
    for term in terms.by_ref().take(TERMS_MAX) {
        spf.take(term, domain);
    }
    if terms.next().is_some() {
        spf.faults
            .push(format!("it has more than {TERMS_MAX} terms"));
    }
    spf.peers.sort();
    spf.peers.dedup();
    spf
}

impl Spf {
    fn take(&mut self, term: &str, domain: &HostName) {
        let lower = term.to_ascii_lowercase();
        if let Some((name, value)) = lower.split_once('=') {
            return self.modifier(name, value);
        }
        let mechanism = lower.trim_start_matches(['+', '-', '~', '?']);
        let (name, value) = match mechanism.split_once([':', '/']) {
            Some((name, _)) if mechanism.as_bytes().get(name.len()) == Some(&b'/') => (name, ""),
            Some((name, value)) => (name, value),
            None => (mechanism, ""),
        };
        match name {
            "all" if lower == "all" || lower == "+all" => {
                self.faults
                    .push(format!("\"{term}\" lets anybody send in its name"));
            }
            "all" => {}
            "include" => self.follow(value, term),
            "a" | "mx" => self.names(name, value, domain),
            "ptr" | "exists" => self.lookups += 1,
            "ip4" | "ip6" => self.address(value, term),
            _ => self
                .faults
                .push(format!("\"{}\" is no term of SPF", shown(term))),
        }
    }

    /// `redirect` leads on; `exp` only explains; others are to be passed over (RFC 7208 §6).
    fn modifier(&mut self, name: &str, value: &str) {
        if name == "redirect" {
            self.follow(value, &format!("redirect={value}"));
        }
    }

    fn follow(&mut self, value: &str, term: &str) {
        self.lookups += 1;
        match HostName::parse(value) {
            Some(name) => self.follows.push(name),
            // A macro is filled in for each mail: nobody can follow it beforehand.
            None if value.contains('%') => {}
            None => self
                .faults
                .push(format!("\"{}\" names no domain", shown(term))),
        }
    }

    fn names(&mut self, name: &str, value: &str, domain: &HostName) {
        self.lookups += 1;
        let value = value.split('/').next().unwrap_or_default();
        match HostName::parse(value) {
            Some(host) if name == "a" => self.peers.push(Peer::Name(host)),
            None if name == "a" && value.is_empty() => self.peers.push(Peer::Name(domain.clone())),
            // Who stands behind `mx` is what the MX records of that domain say.
            _ => {}
        }
    }

    fn address(&mut self, value: &str, term: &str) {
        let (address, length) = value.split_once('/').unwrap_or((value, ""));
        let Ok(address) = address.parse::<IpAddr>() else {
            return self
                .faults
                .push(format!("\"{}\" is no address", shown(term)));
        };
        let whole = if address.is_ipv4() { "32" } else { "128" };
        if length.is_empty() || length == whole {
            self.peers.push(Peer::Address(address));
        }
    }
}

fn shown(term: &str) -> String {
    term.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spf(text: &str) -> Spf {
        assert!(is_spf(text), "{text}");
        read(text, &HostName::parse("example.org").unwrap())
    }

    fn words<T: ToString>(all: &[T]) -> Vec<String> {
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_machines_and_the_domains_a_record_names() {
        let read = spf(
            "v=spf1 mx a a:relay.example.org/28 ip4:192.0.2.7 ip4:192.0.2.0/24 ip6:2001:db8::7/128 include:_spf.example.net ~all",
        );
        assert_eq!(
            words(&read.peers),
            [
                "192.0.2.7",
                "2001:db8::7",
                "example.org",
                "relay.example.org"
            ]
        );
        assert_eq!(words(&read.follows), ["_spf.example.net"]);
        assert_eq!((read.lookups, read.faults.len()), (4, 0));
    }

    #[test]
    fn what_is_no_spf_is_none() {
        for text in [
            "v=spf10 -all",
            "v=spf1x",
            "spf1",
            "google-site-verification=x",
            "",
        ] {
            assert!(!is_spf(text), "{text}");
        }
        assert!(is_spf("V=SPF1 -ALL"));
    }

    #[test]
    fn what_a_receiver_would_stumble_over_is_said() {
        let faults = |text: &str| spf(text).faults.len();
        assert_eq!(faults("v=spf1 +all"), 1);
        assert_eq!(faults("v=spf1 all"), 1);
        assert_eq!(faults("v=spf1 -all"), 0);
        assert_eq!(faults("v=spf1 ip4:mail.example.org -all"), 1);
        assert_eq!(faults("v=spf1 ipv4:192.0.2.7 -all"), 1);
        assert_eq!(faults("v=spf1 include: -all"), 1);
        assert_eq!(
            faults("v=spf1 exists:%{i}._spf.example.org exp=why.example.org x=y -all"),
            0
        );
        assert_eq!(spf("v=spf1 redirect=_spf.example.net").lookups, 1);
    }

    proptest::proptest! {
        #[test]
        fn nothing_a_zone_can_hold_breaks_it(text in "\\PC{0,300}", spaced in "[ a-z0-9:/.=%+~?-]{0,300}") {
            let domain = HostName::parse("example.org").unwrap();
            for text in [text, format!("v=spf1 {spaced}")] {
                let read = read(&text, &domain);
                proptest::prop_assert!(read.follows.len() as u32 <= read.lookups);
                proptest::prop_assert!(read.peers.len() <= TERMS_MAX);
            }
        }
    }
}
