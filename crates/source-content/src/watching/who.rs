//! Whom a word of an allow list names.

use std::net::{IpAddr, Ipv4Addr};

use groma_model::Peer;

use crate::text::lossy;

/// Who may ask.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Who {
    /// One machine.
    Machine(Peer),
    /// Whoever is in a network, or has an address of a pattern.
    Network(String),
    /// Anybody.
    Anybody,
    /// Nobody from elsewhere.
    Here,
}

/// Reads an address, a network or a name. `None` for what is neither, as an account with a password.
pub(super) fn who(word: &[u8]) -> Option<Who> {
    let word = lossy(word.trim_ascii());
    let word = word.trim_matches(['"', '\'', '[', ']']);
    match word {
        "" => return None,
        "*" | "default" | "0.0.0.0" | "::" | "0.0.0.0/0" | "::/0" | "all" => {
            return Some(Who::Anybody);
        }
        "localhost" | "ip6-localhost" | "localhost.localdomain" => return Some(Who::Here),
        _ => {}
    }
    if let Some((address, bits)) = word.split_once('/') {
        return network(address.parse().ok()?, bits);
    }
    if word.contains(['@', ':']) && word.parse::<IpAddr>().is_err() {
        return None;
    }
    let peer = Peer::parse(word)?;
    Some(if peer.is_loopback() {
        Who::Here
    } else {
        Who::Machine(peer)
    })
}

/// `10.0.0.5/32` and `10.0.0.5/255.255.255.255` are one machine, `127.0.0.0/8` is this one.
fn network(address: IpAddr, bits: &str) -> Option<Who> {
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let bits: u32 = match bits.parse::<Ipv4Addr>() {
        Ok(mask) => u32::from(mask).leading_ones(),
        Err(_) => bits.parse().ok().filter(|bits| *bits <= whole)?,
    };
    Some(match bits {
        0 => Who::Anybody,
        _ if address.is_loopback() => Who::Here,
        _ if bits == whole => Who::Machine(Peer::Address(address)),
        _ => Who::Network(format!("{address}/{bits}")),
    })
}

/// A regular expression as munin-node has them: `^10\.0\.0\.5$` is one machine, the rest is a pattern.
pub(super) fn pattern(word: &[u8]) -> Option<Who> {
    let text = lossy(word);
    let plain = text.replace("\\.", ".");
    let inner = plain.strip_prefix('^').and_then(|p| p.strip_suffix('$'));
    match inner.filter(|_| {
        !text
            .trim_matches(['^', '$'])
            .replace("\\.", "")
            .contains('.')
    }) {
        Some(one) if one.parse::<IpAddr>().is_ok() => who(one.as_bytes()),
        _ if text == ".*" || text == "^.*$" || text == "." => Some(Who::Anybody),
        _ => Some(Who::Network(format!("addresses like {text}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(word: &str) -> String {
        match who(word.as_bytes()) {
            Some(Who::Machine(peer)) => peer.to_string(),
            Some(Who::Network(network)) => network,
            Some(Who::Anybody) => "*".into(),
            Some(Who::Here) => "here".into(),
            None => "-".into(),
        }
    }

    #[test]
    fn a_word_names_a_machine_a_network_everybody_or_nobody_from_elsewhere() {
        let words = [
            "10.0.0.5",
            "mon1.corp.example",
            "10.0.0.0/24",
            "10.0.0.0/255.255.255.0",
            "10.0.0.5/32",
            "0.0.0.0/0",
            "default",
            "127.0.0.1",
            "::1",
            "127.0.0.0/8",
            "localhost",
            "admin:canary",
            "10.0.0.0/99",
        ];
        let all: Vec<String> = words.iter().map(|w| said(w)).collect();
        let expected = [
            "10.0.0.5",
            "mon1.corp.example",
            "10.0.0.0/24",
            "10.0.0.0/24",
            "10.0.0.5",
            "*",
            "*",
            "here",
            "here",
            "here",
            "here",
            "-",
            "-",
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn a_pattern_for_one_address_names_one_machine() {
        let of = |text: &str| pattern(text.as_bytes());
        assert_eq!(
            of("^10\\.0\\.0\\.5$"),
            Some(Who::Machine(Peer::parse("10.0.0.5").unwrap()))
        );
        assert_eq!(of("^127\\.0\\.0\\.1$"), Some(Who::Here));
        assert_eq!(of("^::1$"), Some(Who::Here));
        assert_eq!(
            of("^10\\.0\\.0\\."),
            Some(Who::Network("addresses like ^10\\.0\\.0\\.".into()))
        );
        assert_eq!(of(".*"), Some(Who::Anybody));
    }

    #[test]
    fn no_word_makes_it_panic() {
        groma_fuzz::hammer(
            2000,
            &[b"10.0.0.0/24", b"^10\\.0\\.0\\.5$", b"[::1]"],
            |bytes| {
                who(bytes);
                pattern(bytes);
            },
        );
    }
}
