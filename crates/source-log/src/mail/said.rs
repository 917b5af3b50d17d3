//! What a line of a mail server says, and the pieces every product's lines are made of.

use std::net::IpAddr;

use groma_model::fact::MailRefusal;
use groma_model::name::Protection;
use memchr::{memchr, memchr2, memrchr};

use super::delays::Fate;
use crate::word::Word;

/// Longest name a client may give itself: that of a host (RFC 1035, 2.3.4).
const HELO_MAX: usize = 255;
/// Longest domain.
const DOMAIN_MAX: usize = 253;

/// One line, in words that all products share. Texts are as the line has them: nothing a client wrote is believed to be
/// more than one value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Said<'m> {
    /// A client came.
    Came {
        /// From where.
        client: IpAddr,
    },
    /// It speaks TLS from now on.
    Secured {
        /// Who.
        client: IpAddr,
        /// The version.
        version: Option<Word>,
        /// True if it showed a certificate the server trusts.
        certificate: bool,
        /// True where no line says that the client came: this one does.
        begins: bool,
    },
    /// It logged on, and what follows from it is its account's.
    Proven {
        /// Who.
        client: IpAddr,
        /// As whom.
        account: &'m str,
        /// How.
        mechanism: Word,
    },
    /// A message begins.
    Taken(Taken<'m>),
    /// The message has a sender and a size.
    Queued {
        /// Which.
        queue: Word,
        /// The envelope's sender.
        sender: &'m str,
        /// In bytes.
        bytes: Option<u64>,
    },
    /// It goes to somebody.
    Recipient {
        /// Which.
        queue: Word,
        /// To whom.
        address: &'m str,
        /// True if it lies in a mailbox of this server now.
        here: bool,
        /// What took it, where it was handed on.
        handed: Option<&'m str>,
        /// What became of the try, where it tells of mail that came to its end here or of one that did not.
        fate: Option<Fate>,
    },
    /// It waited too long, and is sent back.
    Expired,
    /// The message has left the queue.
    Done {
        /// Which.
        queue: Word,
    },
    /// Something was not taken.
    Refused(Refused<'m>),
    /// The client went.
    Went {
        /// Who.
        client: IpAddr,
        /// Whether it asked for TLS; `None` where the line does not say.
        starttls: Option<bool>,
    },
}

/// A message that begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Taken<'m> {
    pub(crate) queue: Word,
    pub(crate) client: IpAddr,
    pub(crate) account: Option<&'m str>,
    pub(crate) mechanism: Option<Word>,
    /// True if a filter hands it back that was told of before.
    pub(crate) is_back: bool,
    /// What the line says beyond that: a product that says all in one line.
    pub(crate) whole: Option<Whole<'m>>,
}

/// What a line that says all of a message at once says besides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Whole<'m> {
    pub(crate) helo: Option<&'m str>,
    pub(crate) sender: &'m str,
    pub(crate) bytes: Option<u64>,
    pub(crate) protection: Option<Protection>,
    pub(crate) tls: Option<Word>,
    pub(crate) certificate: bool,
    pub(crate) port: Option<u16>,
}

/// What was not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Refused<'m> {
    pub(crate) client: Option<IpAddr>,
    pub(crate) why: MailRefusal,
    /// The message it is about, if it had begun.
    pub(crate) queue: Option<Word>,
    pub(crate) helo: Option<&'m str>,
    pub(crate) account: Option<&'m str>,
    pub(crate) mechanism: Option<Word>,
    pub(crate) sender: Option<&'m str>,
    pub(crate) recipient: Option<&'m str>,
}

/// A host and its address as `name[10.0.0.1]`, with a port behind it or not, and what follows.
pub(super) fn client(text: &str) -> Option<(IpAddr, &str)> {
    let at = memchr2(b'[', b' ', text.as_bytes())?;
    let (_name, rest) = text.split_at_checked(at)?;
    let (address, rest) = parted(rest.strip_prefix('[')?, "]")?;
    let rest = match rest.strip_prefix(':') {
        Some(behind) if behind.starts_with(|c: char| c.is_ascii_digit()) => {
            behind.trim_start_matches(|c: char| c.is_ascii_digit())
        }
        _ => rest,
    };
    Some((ip(address)?, rest))
}

/// An address of a client.
pub(super) fn ip(text: &str) -> Option<IpAddr> {
    let text = text.strip_prefix("IPv6:").unwrap_or(text);
    crate::address::parse(text)
}

/// What a client says it is, if that is a name or an address: no blank, no bracket but around an address.
pub(crate) fn helo(text: &str) -> Option<&str> {
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    let fits = !inner.is_empty() && inner.len() <= HELO_MAX && inner.bytes().all(sound);
    fits.then_some(inner)
}

/// Local part and domain of an address as an envelope has it; no domain where it has none. `None` if it is none.
pub(crate) fn address(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return Some(("", ""));
    }
    let Some((local, domain)) = parted_last(text, "@") else {
        return (!text.contains([' ', '"'])).then_some((text, ""));
    };
    let inner = domain
        .strip_prefix('[')
        .and_then(|domain| domain.strip_suffix(']'))
        .unwrap_or(domain);
    let fits = !inner.is_empty() && domain.len() <= DOMAIN_MAX && inner.bytes().all(sound);
    fits.then_some((local, domain))
}

/// True for what names and addresses of hosts are made of.
fn sound(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b':')
}

/// What stands before and after the first `sign`, as [`str::split_once`] says it, which is slow for so short a text.
pub(crate) fn parted<'m>(text: &'m str, sign: &str) -> Option<(&'m str, &'m str)> {
    let first = *sign.as_bytes().first()?;
    let mut from = 0;
    loop {
        let at = from + memchr(first, text.as_bytes().get(from..)?)?;
        if let Some(parts) = parted_at(text, at, sign) {
            return Some(parts);
        }
        from = at + 1;
    }
}

/// The same of the last one.
pub(crate) fn parted_last<'m>(text: &'m str, sign: &str) -> Option<(&'m str, &'m str)> {
    let first = *sign.as_bytes().first()?;
    let mut end = text.len();
    loop {
        end = memrchr(first, text.as_bytes().get(..end)?)?;
        if let Some(parts) = parted_at(text, end, sign) {
            return Some(parts);
        }
    }
}

fn parted_at<'m>(text: &'m str, at: usize, sign: &str) -> Option<(&'m str, &'m str)> {
    let (before, rest) = text.split_at_checked(at)?;
    Some((before, rest.strip_prefix(sign)?))
}

/// The address at the begin of `text` up to a `>` that is not within quotes, and what follows it.
pub(crate) fn until_bracket(text: &str) -> Option<(&str, &str)> {
    // Nearly no address holds a quote.
    let at = memchr2(b'>', b'"', text.as_bytes())?;
    if text.as_bytes().get(at) == Some(&b'>') {
        return parted_at(text, at, ">");
    }
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => {
                let (address, rest) = text.split_at_checked(at)?;
                return Some((address, rest.get(1..)?));
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_with_and_without_a_port() {
        let of = |text| client(text).map(|(ip, rest)| (ip.to_string(), rest));
        assert_eq!(of("a.b[10.0.0.1]"), Some(("10.0.0.1".into(), "")));
        assert_eq!(of("a[10.0.0.1]:25, x"), Some(("10.0.0.1".into(), ", x")));
        assert_eq!(of("a[10.0.0.1]: 550"), Some(("10.0.0.1".into(), ": 550")));
        assert_eq!(of("a[fe80::1%eth0]"), Some(("fe80::1".into(), "")));
        for none in ["unknown[unknown]", "a b[10.0.0.1]", "a", "[]", "a[10.0.0.1"] {
            assert_eq!(client(none), None, "{none}");
        }
    }

    #[test]
    fn addresses_are_parted_at_the_last_sign() {
        assert_eq!(address("a@b.c"), Some(("a", "b.c")));
        assert_eq!(address("\"x@y z\"@b.c"), Some(("\"x@y z\"", "b.c")));
        assert_eq!(address(""), Some(("", "")));
        assert_eq!(address("root"), Some(("root", "")));
        assert_eq!(address("a@[10.0.0.1]"), Some(("a", "[10.0.0.1]")));
        for none in ["a@b c", "a@", "a@b>", "\"a b\"", "a@ä"] {
            assert_eq!(address(none), None, "{none}");
        }
        assert_eq!(
            until_bracket("\"a>b\\\"c>\"@d>, x"),
            Some(("\"a>b\\\"c>\"@d", ", x"))
        );
        assert_eq!(until_bracket("\"a>b"), None);
    }

    proptest::proptest! {
        #[test]
        fn a_text_is_parted_as_the_library_parts_it(text in "[aä:, ]{0,20}", sign in "[aä:, ]{1,3}") {
            proptest::prop_assert_eq!(parted(&text, &sign), text.split_once(sign.as_str()));
            proptest::prop_assert_eq!(parted_last(&text, &sign), text.rsplit_once(sign.as_str()));
        }
    }

    #[test]
    fn a_helo_is_a_name_or_an_address() {
        assert_eq!(helo("[10.0.0.1]"), Some("10.0.0.1"));
        assert_eq!(helo("RNP583879"), Some("RNP583879"));
        for none in ["", "a b", "x[10.0.0.1]", "a>", "ä", &"x".repeat(256)] {
            assert_eq!(helo(none), None, "{none}");
        }
    }
}
