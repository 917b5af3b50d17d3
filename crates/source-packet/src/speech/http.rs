//! HTTP (RFC 9110): by which name a web server was called, or that it was asked to pass something on. Paths, cookies and
//! credentials are not read.

use groma_model::name::{HostName, Protection};

use super::Told;

const METHODS: [&[u8]; 9] = [
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"PUT ",
    b"OPTIONS ",
    b"DELETE ",
    b"PATCH ",
    b"PROPFIND ",
    b"CONNECT ",
];
/// Lines of a head that are read.
const LINES_MAX: usize = 64;

/// True for the begin of a request.
pub(super) fn is_request(said: &[u8]) -> bool {
    METHODS.iter().any(|method| said.starts_with(method))
}

pub(super) fn read(said: &[u8]) -> Option<Told> {
    let mut lines = said.split(|b| *b == b'\n').take(LINES_MAX);
    let request = lines.next()?;
    let target = request.split(|b| *b == b' ').nth(1)?;
    let passes_on = said.starts_with(b"CONNECT ") || target.starts_with(b"http://");
    let host = lines
        .take_while(|line| line.len() > 1)
        .find_map(|line| value(line, b"host:"));
    Some(Told {
        kind: passes_on.then_some("http-proxy"),
        protocol: "HTTP",
        name: host.filter(|_| !passes_on).and_then(name),
        protection: Some(Protection::None),
        ..Told::default()
    })
}

fn value<'l>(line: &'l [u8], key: &[u8]) -> Option<&'l str> {
    let (begin, rest) = line.split_at_checked(key.len())?;
    let rest = std::str::from_utf8(rest).ok()?;
    begin.eq_ignore_ascii_case(key).then(|| rest.trim())
}

fn name(host: &str) -> Option<HostName> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    HostName::parse(name)
}
