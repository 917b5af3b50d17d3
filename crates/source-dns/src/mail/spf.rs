//! SPF records: terms, the machines they name, and what a receiver would stumble over (RFC 7208). Pure.

use std::collections::BTreeMap;
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
    /// True if whoever takes the mail of the domain may send it too: `mx` without another name.
    pub(crate) exchangers_send: bool,
    /// True if it has an `all`: a redirect beside it means nothing (RFC 7208 §6.1).
    has_all: bool,
    redirect: Option<String>,
}

/// A record with everything it includes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Walk {
    /// All machines that are named. Sorted.
    pub(crate) peers: Vec<Peer>,
    /// Terms that make a receiver ask, as often as it comes by them.
    pub(crate) lookups: u32,
    /// What it stumbles over. Sorted.
    pub(crate) faults: Vec<String>,
}

/// Walks from `domain` as a receiver does: what is included twice is walked twice, what includes itself never ends.
pub(crate) fn walk(domain: &HostName, records: &BTreeMap<HostName, Option<Spf>>) -> Walk {
    let mut walk = Walk::default();
    for (at, spf) in records
        .iter()
        .filter_map(|(at, spf)| Some((at, spf.as_ref()?)))
    {
        walk.peers.extend(spf.peers.iter().cloned());
        let place = |fault: &String| match at == domain {
            true => fault.clone(),
            false => format!("{at}: {fault}"),
        };
        walk.faults.extend(spf.faults.iter().map(place));
    }
    let mut counted = BTreeMap::new();
    walk.lookups = lookups(
        domain,
        records,
        &mut Vec::new(),
        &mut counted,
        &mut walk.faults,
    );
    walk.peers.sort();
    walk.peers.dedup();
    walk.faults.sort();
    walk.faults.dedup();
    walk
}

/// Look-ups below one domain. Each is counted once and remembered, however often it is come by.
fn lookups<'r>(
    at: &'r HostName,
    records: &'r BTreeMap<HostName, Option<Spf>>,
    above: &mut Vec<&'r HostName>,
    counted: &mut BTreeMap<&'r HostName, u32>,
    faults: &mut Vec<String>,
) -> u32 {
    if let Some(known) = counted.get(at) {
        return *known;
    }
    let Some(Some(spf)) = records.get(at) else {
        faults.push(format!("{at} is included and has no SPF record"));
        counted.insert(at, 0);
        return 0;
    };
    above.push(at);
    let mut sum = spf.lookups;
    for next in &spf.follows {
        if above.contains(&next) {
            faults.push(format!("{next} includes itself"));
            continue;
        }
        sum = sum.saturating_add(lookups(next, records, above, counted, faults));
    }
    above.pop();
    counted.insert(at, sum);
    sum
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
    if let Some(redirect) = spf.redirect.take().filter(|_| !spf.has_all) {
        spf.follow(&redirect, &format!("redirect={redirect}"));
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
                self.has_all = true;
                self.faults
                    .push(format!("\"{term}\" lets anybody send in its name"));
            }
            "all" => self.has_all = true,
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
            self.redirect = Some(value.to_owned());
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
            host => self.exchangers_send |= host.is_none_or(|host| host == *domain),
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
        let both = spf("v=spf1 redirect=_spf.example.net -all");
        assert_eq!((both.lookups, both.follows.len()), (0, 0));
    }

    #[test]
    fn what_two_include_is_counted_twice_and_is_no_fault() {
        let name = |text: &str| HostName::parse(text).unwrap();
        let records: BTreeMap<HostName, Option<Spf>> = [
            (
                "example.org",
                "v=spf1 include:a.example include:b.example -all",
            ),
            ("a.example", "v=spf1 include:cloud.example -all"),
            ("b.example", "v=spf1 include:cloud.example -all"),
            ("cloud.example", "v=spf1 a:x.example a:y.example -all"),
        ]
        .map(|(at, text)| (name(at), Some(read(text, &name(at)))))
        .into();
        let walked = walk(&name("example.org"), &records);
        assert_eq!((walked.lookups, walked.faults), (8, Vec::new()));
        assert_eq!(words(&walked.peers), ["x.example", "y.example"]);
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
