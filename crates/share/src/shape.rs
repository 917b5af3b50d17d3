//! Names by their form: an address, a mail address, a distinguished name, a host in a domain, each replaced part by part so
//! that the form stays.

use std::net::IpAddr;

use crate::form::{
    is_account, is_attribute, is_authority, is_container, is_digest, is_hex, is_host_name,
    is_numbers, is_path, mac, split_unescaped,
};
use crate::names::Names;
use crate::words;

impl Names<'_> {
    /// The pseudonym of a name that stands alone; `kind` is the word before the letters where its form tells nothing.
    pub(crate) fn thing(&self, kind: &'static str, text: &str) -> String {
        let text = text.trim();
        if text.is_empty()
            || text == "*"
            || text == "-"
            || words::is_everywhere(&text.to_lowercase())
        {
            return text.to_lowercase();
        }
        if is_account(kind) {
            return self.account(kind, text);
        }
        if kind == "network" && matches!(text, "host" | "bridge" | "none") {
            return text.to_owned();
        }
        let shaped = self.shape(text);
        let shaped = shaped.or_else(|| self.place(kind, text));
        shaped.unwrap_or_else(|| self.label(kind, text))
    }

    /// An account or a person: what has a dot may be two names of one person, never a host in a domain.
    pub(crate) fn account(&self, kind: &'static str, text: &str) -> String {
        if let Some(rest) = text.strip_prefix(['@', '+', '&', '%']) {
            let sigil = text.get(..1).unwrap_or_default();
            return format!(
                "{}{}",
                if sigil == "@" { "@" } else { "" },
                self.account(kind, rest)
            );
        }
        if let Some(number) = text.strip_prefix("uid ") {
            return format!("uid {}", self.account(kind, number));
        }
        // The number of an account; one of a person is a telephone.
        let digits = text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit());
        let is_number = digits && kind != "person";
        if text.is_empty() || is_number || words::is_common_account(text) {
            return text.to_owned();
        }
        // What has the form of a host may be the name of a person.
        let may_be_person = !text.contains(['@', '\\', '/', '=', ':', ' ']) && !is_numbers(text);
        let shaped = if may_be_person {
            self.marked(text)
        } else {
            self.shape(text)
        };
        shaped.unwrap_or_else(|| self.label(kind, text))
    }

    /// The pseudonym of text whose form tells what it is. Of a host name only where it has a dot.
    pub(crate) fn shape(&self, text: &str) -> Option<String> {
        if text.len() > 4096 {
            return None;
        }
        self.marked(text)
            .or_else(|| self.url(text))
            .or_else(|| self.numbers(text))
            .or_else(|| self.within_domain(text))
            .or_else(|| self.distinguished(text))
            .or_else(|| self.at_domain(text))
            .or_else(|| is_path(text).then(|| self.path(text)))
            .or_else(|| self.service_name(text))
            .or_else(|| self.with_port(text))
            .or_else(|| (text.contains('.') && is_host_name(text)).then(|| self.host(text)))
    }

    /// Ids, SIDs and digests.
    fn marked(&self, text: &str) -> Option<String> {
        if text
            .get(..4)
            .is_some_and(|p| p.eq_ignore_ascii_case("S-1-"))
        {
            return self.sid(text);
        }
        let is_id = text
            .split_once('-')
            .is_some_and(|(_, rest)| is_hex(rest, 24));
        if is_id && let Some(id) = self.id(text) {
            return Some(id);
        }
        let fingerprint = text.split_once(':').is_some_and(|(word, rest)| {
            matches!(word, "SHA256" | "sha256" | "MD5") && rest.len() >= 32 && !rest.contains(' ')
        });
        (fingerprint || is_digest(text)).then(|| self.hex(text))
    }

    /// A security identifier (MS-DTYP 2.4.2): of a domain's, the domain and what is not the same in every domain.
    fn sid(&self, text: &str) -> Option<String> {
        let parts: Vec<&str> = text.split('-').collect();
        let numbers = parts
            .get(1..)?
            .iter()
            .all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
        if !numbers || parts.len() > 17 {
            return None;
        }
        let ["S" | "s", "1", authority, kind, rest @ ..] = parts.as_slice() else {
            return Some(text.to_owned());
        };
        let own = (*authority == "5" && *kind == "21") || rest.len() > 3;
        if !own {
            return Some(text.to_owned());
        }
        let mut out = vec![
            "S".to_owned(),
            "1".to_owned(),
            (*authority).to_owned(),
            (*kind).to_owned(),
        ];
        let (domain, member) = rest.split_at(rest.len().min(3));
        let domain = domain.join("-");
        let number = |what: &str| {
            u32::from_str_radix(&self.key.hex("sid", what, 8), 16)
                .unwrap_or(0)
                .to_string()
        };
        out.extend((0..3).map(|part| number(&format!("{part} {domain}"))));
        let mut before = domain.clone();
        for one in member {
            before.push_str(&format!("-{one}"));
            // Below a thousand they are the same everywhere: 512 is Domain Admins.
            let same = one.len() <= 3;
            out.push(if same {
                (*one).to_owned()
            } else {
                number(&before)
            });
        }
        Some(out.join("-"))
    }

    /// Addresses: alone, with a port, a prefix or an interface, two with a dash; and hardware addresses.
    pub(crate) fn numbers(&self, text: &str) -> Option<String> {
        let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
        if let Ok(address) = bare.unwrap_or(text).parse::<IpAddr>() {
            let shown = self.address(address);
            return Some(if bare.is_some() {
                format!("[{shown}]")
            } else {
                shown
            });
        }
        if let Some(mac) = mac(text) {
            return Some(self.mac(mac, if text.contains('-') { '-' } else { ':' }));
        }
        let ends = |mark: char| text.rsplit_once(mark);
        if let Some((address, length)) = ends('/')
            && let Ok(address) = address.parse::<IpAddr>()
        {
            if let Ok(length) = length.parse::<u32>() {
                return (length <= 128).then(|| self.network(address, length));
            }
            let mask = length.parse::<IpAddr>().ok()?;
            return Some(format!("{}/{mask}", self.address(address)));
        }
        if let Some((address, port)) = ends(':')
            && let Ok(port) = port.parse::<u16>()
            && let Some(shown) = self.bracketed(address)
        {
            return Some(format!("{shown}:{port}"));
        }
        if let Some((address, _)) = ends('%')
            && let Ok(address) = address.parse::<IpAddr>()
        {
            return Some(self.address(address));
        }
        let (from, to) = text.split_once('-')?;
        let (from, to) = (from.parse::<IpAddr>().ok()?, to.parse::<IpAddr>().ok()?);
        Some(format!("{}-{}", self.address(from), self.address(to)))
    }

    fn bracketed(&self, address: &str) -> Option<String> {
        let bare = address.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
        match bare.unwrap_or(address).parse::<IpAddr>().ok()? {
            v4 @ IpAddr::V4(_) => Some(self.address(v4)),
            v6 @ IpAddr::V6(_) => bare.map(|_| format!("[{}]", self.address(v6))),
        }
    }

    /// `scheme://account@host:port/path?query`: the query goes.
    fn url(&self, text: &str) -> Option<String> {
        let (scheme, rest) = text.split_once("://")?;
        let good = !scheme.is_empty()
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        if !good || !words::is_plain(scheme) {
            return Some(self.label("address", text));
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, behind) = rest.split_at(end);
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        let host = match host {
            "" => String::new(),
            host => self
                .place("host", host)
                .or_else(|| self.shape(host))
                .unwrap_or_else(|| self.label("host", host)),
        };
        let path = behind.split(['?', '#']).next().unwrap_or_default();
        Some(format!(
            "{}://{host}{}",
            scheme.to_lowercase(),
            if path.is_empty() {
                String::new()
            } else {
                self.path(path)
            }
        ))
    }

    /// `DOMAIN\user`, and not a path of Windows.
    fn within_domain(&self, text: &str) -> Option<String> {
        let (domain, user) = text.split_once('\\')?;
        if domain.is_empty()
            || user.is_empty()
            || user.contains(['\\', '/'])
            || domain.contains([':', '/', ' ']) && !is_authority(domain)
        {
            return None;
        }
        if is_authority(domain) {
            return Some(format!("{domain}\\{}", self.account("account", user)));
        }
        Some(format!(
            "{}\\{}",
            self.label("domain", domain),
            self.account("account", user)
        ))
    }

    /// A distinguished name (RFC 4514), by its parts.
    pub(crate) fn distinguished(&self, text: &str) -> Option<String> {
        let parts = split_unescaped(text, ',');
        let pairs: Vec<(&str, &str)> = parts
            .iter()
            .map(|part| part.trim().split_once('='))
            .collect::<Option<_>>()?;
        if pairs.is_empty() || !pairs.iter().all(|(kind, _)| is_attribute(kind)) {
            return None;
        }
        let is_dc = |pair: &&(&str, &str)| pair.0.trim().eq_ignore_ascii_case("dc");
        let domain: Vec<&str> = pairs
            .iter()
            .filter(is_dc)
            .map(|(_, value)| value.trim())
            .collect();
        let domain = self.host(&domain.join("."));
        let mut labels = domain.split('.');
        let shown: Vec<String> = pairs
            .iter()
            .map(|(kind, value)| {
                let kind = kind.trim();
                let value = match kind.to_lowercase().as_str() {
                    "dc" => labels.next().unwrap_or("example").to_owned(),
                    "c" => "ZZ".to_owned(),
                    "uid" => self.account("account", value),
                    "ou" if !is_container(value) => self.label("unit", value),
                    "o" => self.label("organisation", value),
                    "cn" | "ou" if is_container(value) => value.trim().to_owned(),
                    _ => self.thing("name", value),
                };
                format!("{kind}={value}")
            })
            .collect();
        Some(shown.join(","))
    }

    /// `local@domain`, `service/host@REALM`.
    fn at_domain(&self, text: &str) -> Option<String> {
        let (local, domain) = text.rsplit_once('@')?;
        let is_name = |part: &str| {
            !part.is_empty()
                && !part.contains(|c: char| c.is_whitespace() || ":;,=<>\"".contains(c))
        };
        if !is_name(local) || !is_name(domain) || domain.contains('/') {
            return None;
        }
        let local = match local.split_once('/') {
            Some(_) => self
                .service_name(local)
                .unwrap_or_else(|| self.label("account", local)),
            None => self.account_label(local),
        };
        let domain = match domain.parse::<IpAddr>() {
            Ok(address) => self.address(address),
            Err(_) if domain.contains('.') && is_host_name(domain) => self.host(domain),
            Err(_) => self.label("domain", domain),
        };
        Some(format!("{local}@{domain}"))
    }

    fn account_label(&self, local: &str) -> String {
        match words::is_common_account(local) {
            true => local.to_owned(),
            false => self.label("account", local),
        }
    }

    /// `class/host:port/more`, as service principals are named (RFC 4120; MS-KILE 3.1.5.11).
    fn service_name(&self, text: &str) -> Option<String> {
        let mut parts = text.split('/');
        let class = parts
            .next()
            .filter(|class| !class.is_empty() && words::is_plain(class))?;
        let host = parts.next().filter(|host| !host.is_empty())?;
        let is_host = is_host_name(host.split(':').next().unwrap_or(host));
        if class.contains('.') || !is_host || words::is_plain(text) {
            return None;
        }
        let hosts = std::iter::once(host)
            .chain(parts)
            .map(|part| self.thing("host", part));
        let hosts: Vec<_> = hosts.collect();
        Some(format!("{class}/{}", hosts.join("/")))
    }

    /// `host:port` and `host:/export`.
    fn with_port(&self, text: &str) -> Option<String> {
        let (host, behind) = text.split_once(':')?;
        let dotted = host.contains('.') && is_host_name(host);
        if dotted && behind.starts_with('/') {
            return Some(format!("{}:{}", self.host(host), self.path(behind)));
        }
        let port: u16 = behind.parse().ok()?;
        dotted.then(|| format!("{}:{port}", self.host(host)))
    }

    /// What only stands where a host is expected: names of one label, with a port or an export behind.
    fn place(&self, kind: &'static str, text: &str) -> Option<String> {
        if !matches!(kind, "host" | "share" | "target" | "part") {
            return None;
        }
        if let Some((host, behind)) = text.split_once(':')
            && is_host_name(host)
        {
            let port = behind.parse::<u16>().map(|port| port.to_string());
            let export = behind.starts_with('/').then(|| self.path(behind));
            let behind = port.ok().or(export)?;
            return Some(format!("{}:{behind}", self.host(host)));
        }
        (kind == "host" && is_host_name(text)).then(|| self.host(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::ShareKey;

    fn shown(text: &str) -> String {
        let key = ShareKey::new([5; 32]);
        let names = Names::new(&key);
        names.shape(text).unwrap_or_default()
    }

    #[test]
    fn each_form_stays_that_form() {
        let key = ShareKey::new([5; 32]);
        let names = Names::new(&key);
        let (mail1, domain) = (names.host("mail1.corp.example"), names.host("corp.example"));
        let karl = names.label("account", "karl");
        for (text, wanted) in [
            ("karl@corp.example", format!("{karl}@{domain}")),
            ("mail1.corp.example:25", format!("{mail1}:25")),
            (
                "https://karl:secret@mail1.corp.example:8443/home/karl/paywise?token=1",
                format!("https://{mail1}:8443/home/{karl}/file-"),
            ),
            (
                "HTTP/mail1.corp.example@CORP.EXAMPLE",
                format!("HTTP/{mail1}@{domain}"),
            ),
            (
                "CORP\\karl",
                format!("{}\\{karl}", names.label("domain", "corp")),
            ),
            ("NT AUTHORITY\\SYSTEM", "NT AUTHORITY\\SYSTEM".to_owned()),
            (
                "CN=Karl,OU=Sales,DC=corp,DC=example",
                format!(
                    "CN={},OU={},DC={},DC=example",
                    names.label("name", "karl"),
                    names.label("unit", "sales"),
                    domain.trim_end_matches(".example")
                ),
            ),
            ("S-1-5-32-544", "S-1-5-32-544".to_owned()),
        ] {
            let is = names.shape(text).unwrap_or_default();
            assert!(is.starts_with(&wanted), "{text} became {is}, not {wanted}");
        }
        let sid = shown("S-1-5-21-1004336348-1177238915-682003330-512");
        assert!(
            sid.starts_with("S-1-5-21-") && sid.ends_with("-512") && !sid.contains("1004336348"),
            "{sid}"
        );
        assert_eq!(shown("2f1c3d4e-0000-4111-8222-1234567890ab").len(), 36);
        assert!(shown("[fe80::1]:53").ends_with("]:53"));
        assert!(shown("10.0.0.0/24").ends_with("/24"));
    }

    #[test]
    fn a_sentence_has_no_form() {
        for text in [
            "mail",
            "25/tcp",
            "listens on",
            "a=b",
            "one,two",
            "10.11.6.",
            "v1",
            "tls",
        ] {
            assert_eq!(shown(text), "", "{text}");
        }
    }

    #[test]
    fn an_account_with_a_dot_is_one_name() {
        let key = ShareKey::new([5; 32]);
        let names = Names::new(&key);
        assert_eq!(
            names.thing("account", "anna.schmidt"),
            names.label("account", "anna.schmidt")
        );
        assert_eq!(names.thing("account", "root"), "root");
        assert_eq!(names.thing("account", "1000"), "1000");
        assert!(
            names
                .thing("account", "@admins-fra")
                .starts_with("@account-")
        );
    }
}
