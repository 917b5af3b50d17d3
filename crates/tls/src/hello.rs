//! Our own ClientHello, for servers our TLS library will not speak with: TLS 1.0 and 1.1, or 1.2 with
//! nothing but old key exchanges. Up to TLS 1.2 a server sends its certificate in clear text
//! (RFC 5246 §7.4.2); we read that far and take leave. Nothing is encrypted, nothing is negotiated to the end.

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
/// Certificates of one chain that are kept.
const CHAIN_MAX: usize = 32;

/// A warning-level `close_notify`.
pub const GOODBYE: &[u8] = &[ALERT, 3, 1, 0, 2, 1, 0];

/// What a server answered to our hello.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// The version it chose, as `0x0301` for TLS 1.0.
    pub version: Option<u16>,
    /// The DER bytes of its chain, leaf first.
    pub chain: Vec<Vec<u8>>,
    /// The alert it sent instead.
    pub alert: Option<u8>,
}

/// How far the bytes read so far have come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Progress {
    /// More bytes are needed.
    More,
    /// That is all we wanted, or all we get.
    Done(Answer),
    /// This is not TLS.
    NotTls,
}

/// A ClientHello up to TLS 1.2 with every cipher suite an old server may want (RFC 5246 §7.4.1.2).
pub fn client_hello(random: [u8; 32], server_name: Option<&str>) -> Vec<u8> {
    const SUITES: &[u16] = &[
        0xc02b, 0xc02f, 0xc00a, 0xc014, 0xc009, 0xc013, 0x009e, 0x0039, 0x0033, 0x009d, 0x009c,
        0x003d, 0x003c, 0x0035, 0x002f, 0xc012, 0x0016, 0x000a, 0xc011, 0x0005, 0x0004, 0x0038,
        0x0032, 0x0013, 0x00ff,
    ];
    let suites: Vec<u8> = SUITES.iter().flat_map(|s| s.to_be_bytes()).collect();
    let mut body = vec![3, 3];
    body.extend_from_slice(&random);
    body.push(0);
    body.extend(sized(&suites));
    body.extend_from_slice(&[1, 0]);
    body.extend(sized(&extensions(server_name)));
    let [_, a, b, c] = u32::try_from(body.len()).unwrap_or(0).to_be_bytes();
    let message = [&[1, a, b, c], body.as_slice()].concat();
    [&[HANDSHAKE, 3, 1], sized(&message).as_slice()].concat()
}

fn extensions(server_name: Option<&str>) -> Vec<u8> {
    let groups = [0x001du16, 0x0017, 0x0018, 0x0019]
        .map(u16::to_be_bytes)
        .concat();
    let signatures = [
        0x0401u16, 0x0501, 0x0601, 0x0403, 0x0503, 0x0603, 0x0804, 0x0201, 0x0203, 0x0202,
    ]
    .map(u16::to_be_bytes)
    .concat();
    let mut all = Vec::new();
    if let Some(name) = server_name {
        let entry = [&[0], sized(name.as_bytes()).as_slice()].concat();
        all.extend(extension(0, &sized(&entry)));
    }
    all.extend(extension(10, &sized(&groups)));
    all.extend(extension(11, &[1, 0]));
    all.extend(extension(13, &sized(&signatures)));
    all
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes(), sized(content).as_slice()].concat()
}

/// `content` with its length in two octets in front.
fn sized(content: &[u8]) -> Vec<u8> {
    [
        &u16::try_from(content.len()).unwrap_or(0).to_be_bytes(),
        content,
    ]
    .concat()
}

/// Reads what a server has said so far. Pure: the caller reads more bytes and asks again.
pub fn progress(bytes: &[u8]) -> Progress {
    let mut messages = Vec::new();
    let mut rest = bytes;
    while let Some((&[kind, major, _, high, low], body)) = rest.split_first_chunk::<5>() {
        let length = usize::from(high) << 8 | usize::from(low);
        if !matches!(kind, ALERT | HANDSHAKE) || major != 3 || length > (16 << 10) + 2048 {
            return if messages.is_empty() {
                Progress::NotTls
            } else {
                Progress::Done(handshake(&messages))
            };
        }
        let Some((record, after)) = body.split_at_checked(length) else {
            break;
        };
        rest = after;
        if kind == ALERT {
            match record {
                // A warning (an unknown name, most often); the handshake goes on.
                [1, what, ..] if *what != 0 => continue,
                _ => {
                    return Progress::Done(Answer {
                        alert: record.get(1).copied(),
                        ..handshake(&messages)
                    });
                }
            }
        }
        messages.extend_from_slice(record);
        let answer = handshake(&messages);
        if !answer.chain.is_empty() {
            return Progress::Done(answer);
        }
    }
    match bytes {
        [] | [ALERT | HANDSHAKE] | [ALERT | HANDSHAKE, 3, ..] => Progress::More,
        _ => Progress::NotTls,
    }
}

/// The messages of a handshake, as far as they have come (RFC 5246 §7.4).
fn handshake(messages: &[u8]) -> Answer {
    let mut answer = Answer::default();
    let mut rest = messages;
    while let Some((&[kind], after)) = rest.split_first_chunk::<1>() {
        let Some((body, after)) = split_24(after) else {
            break;
        };
        match kind {
            SERVER_HELLO => {
                answer.version = body.first_chunk::<2>().map(|v| u16::from_be_bytes(*v))
            }
            CERTIFICATE => answer.chain = chain(body),
            _ => {}
        }
        rest = after;
    }
    answer
}

fn chain(body: &[u8]) -> Vec<Vec<u8>> {
    let mut certificates = Vec::new();
    let (mut rest, _) = split_24(body).unwrap_or_default();
    while let Some((der, after)) = split_24(rest) {
        if certificates.len() < CHAIN_MAX {
            certificates.push(der.to_vec());
        }
        rest = after;
    }
    certificates
}

/// Splits off what a length of three octets announces.
fn split_24(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[a, b, c], rest) = bytes.split_first_chunk::<3>()?;
    rest.split_at_checked(usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c))
}

/// `TLS 1.0` and the like.
pub fn version_word(version: u16) -> &'static str {
    match version {
        0x0300 => "SSL 3.0",
        0x0301 => "TLS 1.0",
        0x0302 => "TLS 1.1",
        0x0303 => "TLS 1.2",
        _ => "an unknown version",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ServerHello and Certificate (one certificate of three bytes) in one record of TLS 1.0.
    fn answer() -> Vec<u8> {
        let mut messages = vec![SERVER_HELLO, 0, 0, 38, 3, 1];
        messages.extend([7; 36]);
        messages.extend([CERTIFICATE, 0, 0, 9, 0, 0, 6, 0, 0, 3, 0x30, 1, 2]);
        [&[HANDSHAKE, 3, 1], sized(&messages).as_slice()].concat()
    }

    #[test]
    fn a_certificate_is_read_out_of_the_clear_part() {
        let bytes = answer();
        let Progress::Done(read) = progress(&bytes) else {
            panic!("not done")
        };
        assert_eq!(
            (read.version, read.chain),
            (Some(0x0301), vec![vec![0x30, 1, 2]])
        );
        for cut in 0..bytes.len() {
            assert_eq!(progress(&bytes[..cut]), Progress::More, "{cut}");
        }
    }

    #[test]
    fn a_certificate_may_be_spread_over_records() {
        let bytes = answer();
        let (first, second) = bytes[5..].split_at(20);
        let spread: Vec<u8> = [first, second]
            .iter()
            .flat_map(|part| [&[HANDSHAKE, 3, 1], sized(part).as_slice()].concat())
            .collect();
        assert_eq!(progress(&spread), progress(&bytes));
    }

    #[test]
    fn an_alert_and_clear_text_are_different_words() {
        let alert = progress(&[ALERT, 3, 1, 0, 2, 2, 70]);
        assert_eq!(
            alert,
            Progress::Done(Answer {
                alert: Some(70),
                ..Answer::default()
            })
        );
        let warned = [&[ALERT, 3, 1, 0, 2, 1, 112], answer().as_slice()].concat();
        assert_eq!(progress(&warned), progress(&answer()));
        assert_eq!(progress(b"HTTP/1.1 400 Bad Request\r\n"), Progress::NotTls);
        assert_eq!(progress(b"220 mail1 ESMTP\r\n"), Progress::NotTls);
    }

    #[test]
    fn no_answer_breaks_the_reader() {
        groma_fuzz::hammer(2000, &[&answer(), &[ALERT, 3, 1, 0, 2, 2, 70]], |bytes| {
            let _ = progress(bytes);
        });
    }
}
