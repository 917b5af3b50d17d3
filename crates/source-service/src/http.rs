//! The first page of a web server, as far as it says what the server is.

use groma_model::fact::{AnswerBasis, ServiceAnswer};

use crate::talk::plain;

/// Header fields of one answer that are read.
const FIELDS_MAX: usize = 100;

/// A request for the first page, for a host named by `host`; the connection ends with the answer.
pub(crate) fn question(host: &str) -> Vec<u8> {
    request(host, "/", "")
}

/// A request for a page, with further fields of its header.
fn request(host: &str, path: &str, fields: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: groma\r\nAccept: */*\r\n{fields}Connection: close\r\n\r\n"
    )
    .into_bytes()
}

/// Names of the machine by NTLM, of a web server that offered it: its first message is sent ([MS-NTHT] §2.1), which names nobody, and
/// the answer is not answered. `ask` asks over a connection of its own.
pub(crate) fn ntlm_names(
    host: &str,
    page: &[u8],
    answer: &ServiceAnswer,
    mut ask: impl FnMut(&[u8]) -> Option<Vec<u8>>,
) -> Option<ServiceAnswer> {
    let (path, scheme) = match offers_ntlm(answer) {
        Some(scheme) => ("/", scheme),
        None => {
            let path = inner_door(page)?;
            let heard = ask(&request(host, path, ""))?;
            (path, offers_ntlm(&tells(&heard))?)
        }
    };
    let first = crate::ntlm::negotiate_as_text();
    let field = format!("Authorization: {scheme} {first}\r\n");
    challenge(&ask(&request(host, path, &field))?, scheme)
}

/// The scheme under which a server takes NTLM. `Negotiate` may be Kerberos alone where Microsoft did not write it.
fn offers_ntlm(answer: &ServiceAnswer) -> Option<&'static str> {
    let asks = |scheme| answer.asks_for.iter().any(|asked| asked == scheme);
    let product = answer.product.as_deref().unwrap_or_default();
    let negotiates = asks("Negotiate") && product.starts_with("Microsoft");
    asks("NTLM")
        .then_some("NTLM")
        .or(negotiates.then_some("Negotiate"))
}

/// Where Exchange, which leads to its mailboxes, asks programs to log on.
fn inner_door(page: &[u8]) -> Option<&'static str> {
    let head = Head::read(page)?;
    let place = head.all("location").next()?;
    let place = String::from_utf8_lossy(place).to_ascii_lowercase();
    let path = place.split_once("://").map_or(place.as_str(), |(_, rest)| {
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
    });
    (path == "/owa" || path.starts_with("/owa/")).then_some("/EWS/Exchange.asmx")
}

fn challenge(heard: &[u8], scheme: &str) -> Option<ServiceAnswer> {
    let head = Head::read(heard)?;
    let texts = head.all("www-authenticate").filter_map(|value| {
        let rest = value.strip_prefix(scheme.as_bytes())?;
        crate::ntlm::tells_as_text(rest)
    });
    let mut texts = texts;
    texts.next()
}

/// The header of an answer: its status, and fields by lower-case name.
struct Head<'a> {
    status: u16,
    fields: Vec<(String, &'a [u8])>,
    body: &'a [u8],
}

impl<'a> Head<'a> {
    fn read(heard: &'a [u8]) -> Option<Self> {
        let end = find(heard, b"\r\n\r\n").map(|at| (at, 4));
        let (at, gap) = end.or_else(|| find(heard, b"\n\n").map(|at| (at, 2)))?;
        let (head, body) = (heard.get(..at)?, heard.get(at + gap..)?);
        let mut lines = head.split(|&b| b == b'\n');
        let first = lines.next()?;
        // Pictures are asked for by a sister of this protocol.
        let first = first
            .strip_prefix(b"HTTP/1.")
            .or_else(|| first.strip_prefix(b"RTSP/1."))?;
        let status = std::str::from_utf8(first.get(2..5)?).ok()?.parse().ok()?;
        let field = |line: &'a [u8]| {
            let at = line.iter().position(|&b| b == b':')?;
            let name = String::from_utf8_lossy(line.get(..at)?).to_ascii_lowercase();
            Some((name, line.get(at + 1..)?.trim_ascii()))
        };
        let fields = lines.take(FIELDS_MAX).filter_map(field).collect();
        Some(Self {
            status,
            fields,
            body,
        })
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let wanted = self.fields.iter().filter(move |(n, _)| n == name);
        wanted
            .map(|(_, value)| *value)
            .collect::<Vec<_>>()
            .into_iter()
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// True if the header and, for a page, its title have come.
pub(crate) fn is_enough(heard: &[u8]) -> bool {
    let lower = heard.to_ascii_lowercase();
    Head::read(heard).is_some_and(|head| head.status >= 300) || find(&lower, b"</title").is_some()
}

/// What an answer tells of its server.
pub(crate) fn tells(heard: &[u8]) -> ServiceAnswer {
    let Some(head) = Head::read(heard) else {
        return ServiceAnswer::default();
    };
    let server = head.all("server").next().and_then(|v| plain(v, 120));
    let mut answer = ServiceAnswer {
        asks_for: head.all("www-authenticate").filter_map(wanted).collect(),
        leads_to: head.all("location").next().and_then(origin),
        title: title(head.body),
        ..ServiceAnswer::default()
    };
    if let Some(server) = server {
        match groma_knowledge::product_named("http", &server) {
            Some(named) => crate::identify::name(&mut answer, named),
            // What it calls itself is worth more than nothing; a name, and a version if it is written as one.
            None => {
                let (name, version) = server.split_once('/').unwrap_or((&server, ""));
                let version = version.split([' ', ';']).next().filter(|v| !v.is_empty());
                answer.product = Some(name.trim().to_owned());
                answer.version = version.map(str::to_owned);
                answer.basis = AnswerBasis::Named;
            }
        }
    }
    answer
}

/// The way to log on that a server asks for, with the realm, as `Basic "Scanner"`.
fn wanted(value: &[u8]) -> Option<String> {
    let text = plain(value, 200)?;
    let (scheme, rest) = text.split_once(' ').unwrap_or((&text, ""));
    let realm = rest
        .split_once("realm=\"")
        .and_then(|(_, after)| after.split('"').next());
    // What follows the scheme may be a challenge: a number that is used once, of no use to anybody.
    Some(match realm {
        Some(realm) => format!("{scheme} \"{realm}\""),
        None => scheme.to_owned(),
    })
}

/// Scheme, host and port of a place; path and query may hold a token.
fn origin(value: &[u8]) -> Option<String> {
    let text = plain(value, 400)?;
    let (scheme, rest) = text.split_once("://")?;
    if !matches!(scheme, "http" | "https") {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    (!host.is_empty()).then(|| format!("{scheme}://{host}"))
}

fn title(body: &[u8]) -> Option<String> {
    let lower = body.to_ascii_lowercase();
    let begin = find(&lower, b"<title")?;
    let opened = begin + find(lower.get(begin..)?, b">")? + 1;
    let length = find(lower.get(opened..)?, b"</title")?;
    plain(body.get(opened..opened + length)?, 120)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_its_title_and_its_realm_are_told() {
        let heard = b"HTTP/1.1 401 Unauthorized\r\nServer: nginx/1.22.1\r\nWWW-Authenticate: Basic realm=\"Scanner\"\r\n\
            WWW-Authenticate: Digest realm=\"x\", nonce=\"4f2a\"\r\n\r\n<html><HEAD><Title>\n Copier  EG </Title>";
        let told = tells(heard);
        assert_eq!(told.product.as_deref(), Some("nginx"));
        assert_eq!(told.version.as_deref(), Some("1.22.1"));
        assert_eq!(told.asks_for, ["Basic \"Scanner\"", "Digest \"x\""]);
        assert_eq!(told.title.as_deref(), Some("Copier EG"));
    }

    #[test]
    fn where_it_leads_is_told_without_what_may_be_secret() {
        let heard = b"HTTP/1.1 302 Found\r\nLocation: https://u:p@sso.corp.example:8443/login?token=abc\r\n\r\n";
        let told = tells(heard);
        assert_eq!(
            told.leads_to.as_deref(),
            Some("https://sso.corp.example:8443")
        );
        let inside = tells(b"HTTP/1.1 302 Found\r\nLocation: /login?token=abc\r\n\r\n");
        assert_eq!(inside.leads_to, None);
    }

    #[test]
    fn a_challenge_never_leaves() {
        let told = tells(b"HTTP/1.1 401 no\r\nWWW-Authenticate: Negotiate oRQwEqADCgEB\r\n\r\n");
        assert_eq!(told.asks_for, ["Negotiate"]);
    }

    /// A server of two pages; what it was asked.
    fn named(page: &str, second: &[String]) -> (Option<ServiceAnswer>, Vec<String>) {
        let mut asked = Vec::new();
        let answer = tells(page.as_bytes());
        let told = ntlm_names("192.0.2.9", page.as_bytes(), &answer, |question| {
            asked.push(String::from_utf8(question.to_vec()).unwrap());
            second
                .get(asked.len() - 1)
                .map(|page| page.clone().into_bytes())
        });
        (told, asked)
    }

    #[test]
    fn who_offers_ntlm_in_a_refusal_names_its_machine() {
        let challenge = crate::ntlm::challenge(&[(1, "WEB1"), (4, "corp.example")], 20348);
        let challenge = crate::base64::padded(&challenge);
        for (page, scheme) in [
            (
                "HTTP/1.1 401 no\r\nServer: Apache\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\n\r\n",
                "NTLM",
            ),
            (
                "HTTP/1.1 401 no\r\nServer: Microsoft-IIS/10.0\r\nWWW-Authenticate: Negotiate\r\n\r\n",
                "Negotiate",
            ),
        ] {
            let second =
                format!("HTTP/1.1 401 no\r\nWWW-Authenticate: {scheme} {challenge}\r\n\r\n");
            let (told, asked) = named(page, &[second]);
            assert_eq!(told.unwrap().names, ["WEB1"]);
            let first = format!(
                "Authorization: {scheme} {}\r\n",
                crate::ntlm::negotiate_as_text()
            );
            assert!(asked[0].contains(&first) && asked.len() == 1, "{asked:?}");
        }
    }

    #[test]
    fn exchange_is_asked_where_its_programs_log_on() {
        let challenge = crate::base64::padded(&crate::ntlm::challenge(&[(1, "EX1")], 20348));
        let page = "HTTP/1.1 302 Found\r\nServer: Microsoft-IIS/10.0\r\nLocation: https://mail.corp.example/owa/?x=1\r\n\r\n";
        let refused =
            "HTTP/1.1 401 no\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\n\r\n";
        let second = format!("HTTP/1.1 401 no\r\nWWW-Authenticate: NTLM {challenge}\r\n\r\n");
        let (told, asked) = named(page, &[refused.to_owned(), second]);
        assert_eq!(told.unwrap().names, ["EX1"]);
        assert!(
            asked
                .iter()
                .all(|question| question.starts_with("GET /EWS/Exchange.asmx "))
        );
    }

    /// The twin: Kerberos alone, a form, another redirect, a page: nobody is sent anything.
    #[test]
    fn who_did_not_offer_ntlm_is_sent_nothing() {
        for page in [
            "HTTP/1.1 401 no\r\nServer: Apache\r\nWWW-Authenticate: Negotiate\r\n\r\n",
            "HTTP/1.1 401 no\r\nServer: Microsoft-IIS/10.0\r\nWWW-Authenticate: Basic realm=\"NTLM\"\r\n\r\n",
            "HTTP/1.1 302 Found\r\nLocation: https://x.example/owatch\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n<title>NTLM</title>",
        ] {
            assert_eq!(named(page, &[]), (None, Vec::new()), "{page}");
        }
    }

    #[test]
    fn no_answer_breaks_the_reader() {
        let seed =
            b"HTTP/1.0 200 OK\r\nServer: x/1\r\nLocation: http://a/b\r\n\r\n<title>a</title>";
        groma_fuzz::hammer(10_000, &[seed], |bytes| {
            let _ = (is_enough(bytes), tells(bytes), inner_door(bytes));
            let _ = challenge(bytes, "NTLM");
        });
    }
}
