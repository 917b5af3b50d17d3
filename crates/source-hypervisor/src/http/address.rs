//! Where a server is: the `url` of an access file, understood.

use groma_model::name::Peer;
use groma_model::{Port, Reason};
use groma_source::forbidden_port;

use crate::cause::Cause;

/// Where a server is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Address {
    /// False for clear text, within this machine.
    pub(crate) is_secured: bool,
    /// The name or address.
    pub(crate) peer: Peer,
    /// The port.
    pub(crate) port: u16,
    /// Empty, or what every question is below: begins with `/` and does not end so.
    pub(crate) path: String,
}

impl Address {
    /// Understands `https://host[:port][/path]`, or `http://` of a loopback address.
    ///
    /// # Errors
    /// It is something else; the cause says what.
    pub(crate) fn parse(url: &str, port: u16) -> Result<Self, Cause> {
        let (is_secured, rest) = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            _ => return Err(wrong("it must begin with https://")),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at_checked(at).unwrap_or((rest, "")),
            None => (rest, ""),
        };
        // Looked for first, and not shown: a password may stand here.
        if authority.contains('@') {
            return Err(wrong("a user belongs into a line of its own: user = \"…\""));
        }
        let (peer, port) = placed(authority, port)?;
        if !is_secured && !matches!(peer, Peer::Address(address) if address.is_loopback()) {
            return Err(wrong(
                "clear text goes to 127.0.0.1 or ::1 alone; write https://",
            ));
        }
        let path = path.trim_end_matches('/');
        if !path.bytes().all(is_plain) {
            return Err(wrong("its path holds a query or an unusual character"));
        }
        Ok(Self {
            is_secured,
            peer,
            port,
            path: path.to_owned(),
        })
    }

    /// The whole URL of `path` there.
    pub(crate) fn at(&self, path: &str) -> String {
        let scheme = if self.is_secured { "https" } else { "http" };
        let (port, below) = (self.port, &self.path);
        match &self.peer {
            Peer::Address(address) if address.is_ipv6() => {
                format!("{scheme}://[{address}]:{port}{below}{path}")
            }
            peer => format!("{scheme}://{peer}:{port}{below}{path}"),
        }
    }
}

/// Host and port of `host`, `host:port`, `[address]` or `[address]:port`.
fn placed(authority: &str, usual: u16) -> Result<(Peer, u16), Cause> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
        return Err(wrong(
            "an address of IPv6 stands in brackets: https://[2001:db8::1]",
        ));
    }
    let peer = Peer::parse(host).ok_or_else(|| wrong("it names no host"))?;
    let port = match port {
        Some(port) => port.parse().ok().filter(|port| *port != 0),
        None => Some(usual),
    };
    let port = port.ok_or_else(|| wrong("its port is no number from 1 to 65535"))?;
    match forbidden_port(Port(port)) {
        true => Err(Cause::new(
            format!("url: port {port} is never contacted"),
            Reason::Forbidden,
            "check the url",
        )),
        false => Ok((peer, port)),
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte)
}

fn wrong(why: &str) -> Cause {
    Cause::new(
        format!("url: {why}"),
        Reason::Malformed,
        "correct url in the access file",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_understood() {
        for (text, at) in [
            ("https://vc.corp.example", "https://vc.corp.example:443/x"),
            ("HTTPS://vc.corp.example/", "https://vc.corp.example:443/x"),
            (
                "https://vc.corp.example/sdk/",
                "https://vc.corp.example:443/sdk/x",
            ),
            ("https://10.0.0.1:8443", "https://10.0.0.1:8443/x"),
            ("https://[2001:db8::1]", "https://[2001:db8::1]:443/x"),
            ("https://[2001:db8::1]:8006", "https://[2001:db8::1]:8006/x"),
            ("http://127.0.0.1:8989", "http://127.0.0.1:8989/x"),
            ("http://[::1]:8989/sdk", "http://[::1]:8989/sdk/x"),
        ] {
            assert_eq!(Address::parse(text, 443).unwrap().at("/x"), at, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_it() {
        for text in [
            "",
            "vc.corp.example",
            "ftp://vc.corp.example",
            "https://",
            "https://:443",
            "https://vc.corp.example:0",
            "https://vc.corp.example:99999",
            "https://vc.corp.example:9100",
            "https://2001:db8::1",
            "https://vc.corp.example/sdk?x=y",
            "https://vc.corp.example/a b",
            "https://a:s3cret@vc.corp.example",
            "http://vc.corp.example",
            "http://10.0.0.1",
            "http://localhost",
        ] {
            let cause = Address::parse(text, 443).unwrap_err();
            assert!(cause.what.starts_with("url: "), "{text}: {cause:?}");
            assert!(!cause.what.contains("s3cret"), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_an_address_or_none(text in ".{0,60}") {
            let _ = Address::parse(&text, 443);
            let _ = Address::parse(&format!("https://{text}"), 443);
        }
    }
}
