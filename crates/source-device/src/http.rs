//! One request, one answer, within bounds: no redirect is followed, and nobody is asked but the machine itself.

use std::io::{Read, Write};
use std::net::IpAddr;

use groma_source::{forbidden_port, steers_machines};

use groma_model::Port;

/// The most that is kept of an answer.
const ANSWER_MAX: usize = 256 << 10;

/// A place at one machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Url {
    /// Within TLS.
    pub secure: bool,
    /// The port.
    pub port: Port,
    /// The path, with `/` before it.
    pub path: String,
}

/// Low ports of other protocols are none of a description; where a byte may be a page or move a machine, nothing is asked
/// whatever a device says stands there.
fn may_be_asked(port: Port) -> bool {
    let is_usual = matches!(port.0, 80 | 443 | 631) || port.0 >= 1024;
    is_usual && !forbidden_port(port) && !steers_machines(port)
}

impl Url {
    /// The place `text` names, if it is at the machine `address`, and at a port where descriptions stand: one of
    /// the web's or of IPP, or a high one at which no byte is a page or moves a machine.
    pub fn of(text: &str, address: IpAddr) -> Option<Self> {
        let (secure, rest) = match text.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix("http://")?),
        };
        let (host, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let (host, port) = match host.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
            _ if secure => (host, 443),
            _ => (host, 80),
        };
        let named: IpAddr = host.trim_matches(['[', ']']).parse().ok()?;
        let plain = path.bytes().all(|b| b.is_ascii_graphic()) && path.len() <= 1_000;
        let port = Port(port);
        let fits = named.to_canonical() == address.to_canonical();
        (fits && plain && may_be_asked(port)).then(|| Self {
            secure,
            port,
            path: path.to_owned(),
        })
    }
}

/// What is asked.
pub(crate) fn get(address: IpAddr, at: &Url) -> Vec<u8> {
    let host = host(address, at.port);
    format!(
        "GET {} HTTP/1.1\r\nHost: {host}\r\nAccept: text/xml, application/xml\r\nConnection: close\r\n\r\n",
        at.path
    )
    .into_bytes()
}

/// What is asked with a question of its own.
pub(crate) fn post(address: IpAddr, at: &Url, kind: &str, body: &[u8]) -> Vec<u8> {
    let host = host(address, at.port);
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        at.path,
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn host(address: IpAddr, port: Port) -> String {
    match address {
        IpAddr::V4(address) => format!("{address}:{port}"),
        IpAddr::V6(address) => format!("[{address}]:{port}"),
    }
}

/// Says `request` and hears the answer's body, if it is a success.
pub(crate) fn ask(talk: &mut (impl Read + Write), request: &[u8]) -> Option<Vec<u8>> {
    talk.write_all(request).ok()?;
    talk.flush().ok()?;
    let mut heard = Vec::new();
    let mut room = [0; 4096];
    loop {
        match talk.read(&mut room) {
            Ok(0) | Err(_) => break,
            Ok(read) => heard.extend_from_slice(room.get(..read)?),
        }
        if heard.len() >= ANSWER_MAX || is_whole(&heard) {
            break;
        }
    }
    heard.truncate(ANSWER_MAX);
    body(&heard)
}

/// Head and body of an answer.
fn parts(heard: &[u8]) -> Option<(String, &[u8])> {
    let end = heard.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(heard.get(..end)?).into_owned();
    Some((head, heard.get(end + 4..)?))
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut pairs = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let found = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim())
}

fn is_chunked(head: &str) -> bool {
    header(head, "transfer-encoding").is_some_and(|how| how.eq_ignore_ascii_case("chunked"))
}

/// Heads before the answer's own ("100 Continue") that are passed over, and it.
const HEADS_MAX: usize = 4;

/// Status, head and what follows of the answer itself; `None` while it has not come, or if too much comes before it.
fn answer(heard: &[u8]) -> Option<(u16, String, &[u8])> {
    let mut rest = heard;
    for _ in 0..HEADS_MAX {
        let (head, body) = parts(rest)?;
        match status(&head)? {
            100..=199 => rest = body,
            status => return Some((status, head, body)),
        }
    }
    None
}

/// True if nothing more is to come.
fn is_whole(heard: &[u8]) -> bool {
    let Some((_, head, rest)) = answer(heard) else {
        return false;
    };
    if is_chunked(&head) {
        return rest.ends_with(b"0\r\n\r\n");
    }
    let length = header(&head, "content-length").and_then(|text| text.parse::<usize>().ok());
    length.is_some_and(|length| rest.len() >= length)
}

fn status(head: &str) -> Option<u16> {
    let line = head.lines().next()?;
    let rest = line.strip_prefix("HTTP/1.")?;
    rest.split(' ').nth(1)?.parse().ok()
}

/// The body of an answer that is a success.
pub(crate) fn body(heard: &[u8]) -> Option<Vec<u8>> {
    match answer(heard)? {
        (200, head, body) if is_chunked(&head) => Some(chunks(body)),
        (200, _, body) => Some(body.to_vec()),
        _ => None,
    }
}

fn chunks(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = body;
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let line = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
        let size = line.split(';').next().unwrap_or_default().trim();
        let Ok(size @ 1..=ANSWER_MAX) = usize::from_str_radix(size, 16) else {
            break;
        };
        let from = end + 2;
        let chunk = rest.get(from..).unwrap_or_default();
        out.extend_from_slice(chunk.get(..size.min(chunk.len())).unwrap_or_default());
        rest = chunk.get(size + 2..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_fetched_from_the_machine_that_named_it_alone() {
        let address: IpAddr = "192.0.2.7".parse().unwrap();
        let url = Url::of("http://192.0.2.7:5357/x?y=1", address).unwrap();
        assert_eq!((url.port, url.path.as_str()), (Port(5357), "/x?y=1"));
        assert_eq!(Url::of("http://192.0.2.7", address).unwrap().path, "/");
        for usual in [80, 631, 1900, 3911, 5357, 8200, 49152] {
            let text = format!("http://192.0.2.7:{usual}/x");
            assert!(Url::of(&text, address).is_some(), "{text}");
        }
        let secure = Url::of("https://192.0.2.7/x", address).unwrap();
        assert!(secure.secure && secure.port == Port(443) && !url.secure);
        for refused in [
            "http://192.0.2.8/x",
            "http://mail.corp.example/x",
            "https://192.0.2.8/x",
            "https://192.0.2.7:9100/x",
            "ftp://192.0.2.7/x",
            "http://192.0.2.7:9100/x",
            "http://192.0.2.7:515/",
            "http://192.0.2.7:0/",
            // Industrial controllers, and protocols that have no pages.
            "http://192.0.2.7:102/x",
            "http://192.0.2.7:502/x",
            "http://192.0.2.7:44818/x",
            "http://192.0.2.7:20000/x",
            "http://192.0.2.7:25/x",
            "http://192.0.2.7:22/x",
            "http://192.0.2.7:9101/x",
            "http://192.0.2.7:80/a b\r\nx: y",
            "file:///etc/passwd",
        ] {
            assert_eq!(Url::of(refused, address), None, "{refused}");
        }
    }

    #[test]
    fn a_body_in_chunks_is_put_together_and_a_failure_is_none() {
        let heard = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n";
        assert!(is_whole(heard));
        assert_eq!(body(heard).as_deref(), Some(&b"abcde"[..]));
        assert_eq!(body(b"HTTP/1.1 401 No\r\n\r\nx"), None);
        assert_eq!(
            body(b"HTTP/1.1 302 Found\r\nLocation: http://x/\r\n\r\n"),
            None
        );
    }

    /// Each of them was a call within a call, until there was no stack left.
    #[test]
    fn twenty_thousand_heads_before_an_answer_are_none() {
        let heads = b"HTTP/1. 1\r\n\r\n".repeat(20_000);
        assert!(!is_whole(&heads));
        assert_eq!(body(&heads), None);
        // The twin: one or two are what servers send.
        let two = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(2);
        let all = [&two[..], b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"].concat();
        assert!(is_whole(&all));
        assert_eq!(body(&all).as_deref(), Some(&b"x"[..]));
    }

    #[test]
    fn ten_thousand_broken_answers_break_nothing() {
        let heads = b"HTTP/1. 1\r\n\r\n".repeat(200);
        let seeds: [&[u8]; 3] = [
            &heads,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        ];
        groma_fuzz::hammer(10_000, &seeds, |bytes| {
            let _ = is_whole(bytes);
            let _ = body(bytes);
            let _ = Url::of(
                &String::from_utf8_lossy(bytes),
                "192.0.2.7".parse().unwrap(),
            );
        });
    }
}
