//! TLS (RFC 8446, RFC 5246, RFC 6066 §3): for which name, and in which version. Certificates and everything behind the two
//! hellos are not read.

use groma_model::name::{HostName, Protection};

use super::Told;

/// Longest hello that is put together from records.
const HELLO_BYTES: usize = 16 << 10;

pub(super) fn read(said: &[u8], answered: &[u8]) -> Option<Told> {
    let hello = handshake(said, 1)?;
    let asked = client(&hello)?;
    let version = handshake(answered, 2).and_then(|hello| server(&hello));
    // An alert in answer to the hello: nothing came of it.
    let refused = answered.first() == Some(&21);
    Some(Told {
        protocol: "TLS",
        name: asked,
        protection: Some(Protection::Tls),
        tls: version,
        refused,
        ..Told::default()
    })
}

/// The first handshake message, of this type, out of the records it is spread over.
fn handshake(mut bytes: &[u8], kind: u8) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        let [22, 3, _, high, low, rest @ ..] = bytes else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let piece = rest.get(..length.min(rest.len()))?;
        message.extend_from_slice(piece);
        let [first, a, b, c, content @ ..] = message.as_slice() else {
            bytes = rest.get(length..)?;
            continue;
        };
        let whole = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        if *first != kind || whole > HELLO_BYTES {
            return None;
        }
        if let Some(content) = content.get(..whole) {
            return Some(content.to_vec());
        }
        bytes = rest.get(length..)?;
    }
}

/// A reader of lengths and what they count.
struct Fields<'b>(&'b [u8]);

impl<'b> Fields<'b> {
    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let taken = self.0.get(..length)?;
        self.0 = self.0.get(length..)?;
        Some(taken)
    }

    fn byte(&mut self) -> Option<usize> {
        self.take(1)?.first().map(|byte| usize::from(*byte))
    }

    fn half(&mut self) -> Option<u16> {
        let bytes: [u8; 2] = self.take(2)?.try_into().ok()?;
        Some(u16::from_be_bytes(bytes))
    }

    fn long(&mut self) -> Option<&'b [u8]> {
        let length = usize::from(self.half()?);
        self.take(length)
    }

    fn short(&mut self) -> Option<&'b [u8]> {
        let length = self.byte()?;
        self.take(length)
    }
}

/// The name a client asks for; `Some(None)` for a hello without one.
fn client(hello: &[u8]) -> Option<Option<HostName>> {
    let mut fields = Fields(hello);
    fields.take(34)?; // version and chance
    fields.short()?; // session
    fields.long()?; // ciphers
    fields.short()?; // compression
    let Some(extensions) = fields.long() else {
        return Some(None);
    };
    let mut extensions = Fields(extensions);
    while let (Some(kind), Some(content)) = (extensions.half(), extensions.long()) {
        if kind == 0 {
            return Some(server_name(content));
        }
    }
    Some(None)
}

fn server_name(content: &[u8]) -> Option<HostName> {
    let mut list = Fields(Fields(content).long()?);
    while let (Some(kind), Some(name)) = (list.byte(), list.long()) {
        if kind == 0 {
            return HostName::parse(std::str::from_utf8(name).ok()?);
        }
    }
    None
}

/// The version a server chose: in an extension since 1.3.
fn server(hello: &[u8]) -> Option<&'static str> {
    let mut fields = Fields(hello);
    let old = fields.half()?;
    fields.take(32)?;
    fields.short()?;
    fields.take(3)?; // cipher and compression
    let mut extensions = Fields(fields.long().unwrap_or_default());
    while let (Some(kind), Some(content)) = (extensions.half(), extensions.long()) {
        if let (43, Ok(version)) = (kind, <[u8; 2]>::try_from(content)) {
            return called(u16::from_be_bytes(version));
        }
    }
    called(old)
}

fn called(version: u16) -> Option<&'static str> {
    match version {
        0x0300 => Some("SSLv3"),
        0x0301 => Some("TLSv1"),
        0x0302 => Some("TLSv1.1"),
        0x0303 => Some("TLSv1.2"),
        0x0304 => Some("TLSv1.3"),
        _ => None,
    }
}
