//! Clients of a RADIUS server as its own files list them: Wi-Fi controllers, VPN gateways, switches.
//!
//! The form is that of FreeRADIUS' `clients.conf` (its comments describe it) and of `radsecproxy.conf(5)`: blocks
//! `client NAME { key = value }`, where blocks may hold blocks. No value of `secret` is ever looked at.

use groma_model::Peer;

/// Clients one file may list.
pub const CLIENTS_MAX: usize = 10_000;
/// Blocks within blocks.
const DEPTH_MAX: usize = 16;
/// A longer line lists no client.
const LINE_MAX: usize = 4_096;

/// Where a client stands.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ClientPlace {
    /// One machine.
    Machine(Peer),
    /// Whoever is in a network, as `10.0.7.0/24`.
    Network(String),
    /// Whoever knows the secret.
    Anybody,
}

/// How a client calls, where its block says so (`type` of radsecproxy).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ClientWay {
    /// RADIUS over UDP.
    Udp,
    /// RADIUS over TCP (RFC 6613).
    Tcp,
    /// RADIUS over TLS (RFC 6614).
    Tls,
    /// RADIUS over DTLS (RFC 7360).
    Dtls,
}

impl ClientWay {
    fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "udp" => Some(Self::Udp),
            "tcp" => Some(Self::Tcp),
            "tls" => Some(Self::Tls),
            "dtls" => Some(Self::Dtls),
            _ => None,
        }
    }
}

/// One client.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RadiusClient {
    /// What the server calls it in its log.
    pub name: String,
    /// Where it stands.
    pub at: ClientPlace,
    /// How it calls; `None` where its block does not say.
    pub way: Option<ClientWay>,
    /// Line of its block, counted from 1.
    pub line: u32,
}

/// A block that is open.
#[derive(Default)]
struct Block {
    /// The name of a client; none for any other block.
    client: Option<String>,
    line: u32,
    short: Option<String>,
    address: Option<String>,
    bits: Option<String>,
    way: Option<String>,
}

/// The clients `text` lists, in its order. Blocks that say no address and have none for a name are left out.
pub fn clients(text: &str) -> Vec<RadiusClient> {
    let mut out = Vec::new();
    let mut open: Vec<Block> = Vec::new();
    // Blocks that stand deeper than any client does: they are only counted, to know where they end.
    let mut deeper = 0_usize;
    for (number, line) in (1_u32..).zip(text.lines()) {
        let line = without_comment(line).trim();
        if line.len() > LINE_MAX {
            continue;
        }
        // A whole block may stand on one line.
        for piece in pieces(line) {
            match piece {
                Piece::Opens(head) if open.len() < DEPTH_MAX => open.push(block(head, number)),
                Piece::Opens(_) => deeper += 1,
                Piece::Closes if deeper > 0 => deeper -= 1,
                Piece::Says(..) if deeper > 0 => {}
                Piece::Closes => out.extend(open.pop().and_then(client)),
                Piece::Says(key, value) => {
                    if let Some(block) = open.last_mut().filter(|block| block.client.is_some()) {
                        block.take(key, value);
                    }
                }
            }
            if out.len() >= CLIENTS_MAX {
                return out;
            }
        }
    }
    out
}

enum Piece<'t> {
    Opens(&'t str),
    Closes,
    Says(&'t str, &'t str),
}

fn pieces(line: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let mut rest = line;
    while let Some(at) = outside_quotes(rest) {
        let (before, mark) = (rest.get(..at), rest.as_bytes().get(at));
        let before = before.unwrap_or_default().trim();
        match mark {
            Some(b'{') => out.push(Piece::Opens(before)),
            _ => {
                out.extend(said(before));
                out.push(Piece::Closes);
            }
        }
        rest = rest.get(at + 1..).unwrap_or_default();
    }
    out.extend(said(rest.trim()));
    out
}

/// A line up to its comment. A `#` within quotes is part of a value; where a quote is not closed, nothing is sure, and
/// the comment begins at the first one.
fn without_comment(line: &str) -> &str {
    let first = line.find('#').unwrap_or(line.len());
    let end = match at_outside_quotes(line, |byte| byte == b'#') {
        Some(at) => at,
        None if is_closed(line) => line.len(),
        None => first,
    };
    line.get(..end).unwrap_or_default()
}

fn is_closed(line: &str) -> bool {
    let mut quote = None;
    for byte in line.bytes() {
        match quote {
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            Some(open) if open == byte => quote = None,
            _ => {}
        }
    }
    quote.is_none()
}

/// Where the first brace outside quotes stands.
fn outside_quotes(text: &str) -> Option<usize> {
    at_outside_quotes(text, |byte| matches!(byte, b'{' | b'}'))
}

fn at_outside_quotes(text: &str, is_meant: impl Fn(u8) -> bool) -> Option<usize> {
    let mut quote = None;
    text.bytes().position(|byte| match (quote, byte) {
        (None, b'"' | b'\'') => {
            quote = Some(byte);
            false
        }
        (Some(open), byte) if open == byte => {
            quote = None;
            false
        }
        (None, byte) => is_meant(byte),
        _ => false,
    })
}

fn said(text: &str) -> Option<Piece<'_>> {
    // radsecproxy.conf may leave the sign out.
    let (key, value) = text
        .split_once('=')
        .or_else(|| text.split_once(char::is_whitespace))?;
    let value = value.trim_start_matches('=').trim();
    Some(Piece::Says(key.trim(), value.trim_matches(['"', '\''])))
}

fn block(head: &str, line: u32) -> Block {
    let name = head
        .split_once(char::is_whitespace)
        .filter(|(word, _)| word.eq_ignore_ascii_case("client"))
        .map(|(_, name)| name.trim().trim_matches(['"', '\'']).to_owned());
    Block {
        client: name,
        line,
        ..Block::default()
    }
}

impl Block {
    fn take(&mut self, key: &str, value: &str) {
        let slot = match key.to_ascii_lowercase().as_str() {
            "ipaddr" | "ipv4addr" | "ipv6addr" | "host" => &mut self.address,
            "netmask" => &mut self.bits,
            "shortname" => &mut self.short,
            "type" => &mut self.way,
            _ => return,
        };
        slot.get_or_insert_with(|| value.to_owned());
    }
}

fn client(block: Block) -> Option<RadiusClient> {
    let name = block.client?;
    let address = block.address.unwrap_or_else(|| name.clone());
    let at = place(&address, block.bits.as_deref())?;
    Some(RadiusClient {
        name: block.short.unwrap_or(name),
        at,
        way: block.way.as_deref().and_then(ClientWay::parse),
        line: block.line,
    })
}

fn place(address: &str, mask: Option<&str>) -> Option<ClientPlace> {
    if matches!(address, "*" | "0.0.0.0" | "::") {
        return Some(ClientPlace::Anybody);
    }
    let (address, bits) = match address.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (address, mask),
    };
    let peer = Peer::parse(address.trim_matches(['[', ']']))?;
    let Peer::Address(ip) = peer else {
        return bits.is_none().then_some(ClientPlace::Machine(peer));
    };
    let whole: u32 = if ip.is_ipv4() { 32 } else { 128 };
    let bits: u32 = bits.map_or(Some(whole), |bits| bits.trim().parse().ok())?;
    match bits {
        0 => Some(ClientPlace::Anybody),
        bits if bits == whole => Some(ClientPlace::Machine(Peer::Address(ip.to_canonical()))),
        bits if bits < whole => Some(ClientPlace::Network(format!("{ip}/{bits}"))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        let one = |client: RadiusClient| {
            let at = match client.at {
                ClientPlace::Machine(peer) => peer.to_string(),
                ClientPlace::Network(network) => network,
                ClientPlace::Anybody => "anybody".to_owned(),
            };
            format!("{} {at} :{}", client.name, client.line)
        };
        clients(text).into_iter().map(one).collect()
    }

    #[test]
    fn each_block_of_a_client_is_one() {
        let text = "# client old { ipaddr = 10.0.0.9 }\nclient wlc1 {\n\tipaddr = 10.20.1.21 # here\n\tsecret = canary\n\tlimit {\n\t\tmax_connections = 16\n\t}\n}\n\
            client vpn-gateway {\n ipv4addr = 10.20.1.31/32\n shortname = vpn\n secret = \"can}ary\"\n}\nclient switches { ipaddr = 10.20.7.0\n netmask = 24\n}\n\
            client 10.20.8.0/24 {\n secret = canary\n}\nclient nas.corp.example {\n secret = canary\n}\nclient all { ipaddr = * }\n\
            home_server h {\n ipaddr = 10.0.0.1\n}\nclients per_socket {\n client inner {\n ipv6addr = fd20::7\n }\n}\n";
        assert_eq!(
            said(text),
            [
                "wlc1 10.20.1.21 :2",
                "vpn 10.20.1.31 :9",
                "switches 10.20.7.0/24 :14",
                "10.20.8.0/24 10.20.8.0/24 :17",
                "nas.corp.example nas.corp.example :20",
                "all anybody :23",
                "inner fd20::7 :28",
            ]
        );
    }

    #[test]
    fn radsecproxy_writes_the_same_blocks() {
        let text = "server proxy1 {\n host 10.0.0.8\n}\nclient [2001:db8::7] {\n type tls\n}\nclient ap {\n host 10.0.0.7\n type udp\n secret canary\n}\n";
        assert_eq!(
            said(text),
            ["[2001:db8::7] 2001:db8::7 :4", "ap 10.0.0.7 :7"]
        );
    }

    #[test]
    fn a_client_of_radsecproxy_says_how_it_calls() {
        let text = "client a {\n host 10.0.0.1\n type udp\n}\nclient b { host 10.0.0.2\n type = TLS\n}\n\
            client c { host 10.0.0.3\n type \"dtls\"\n}\nclient d { host 10.0.0.4\n type tcp\n}\nclient e { host 10.0.0.5\n}\nclient f { host 10.0.0.6\n type x\n}\n";
        let ways: Vec<_> = clients(text).into_iter().map(|client| client.way).collect();
        let (udp, tls, dtls, tcp) = (
            ClientWay::Udp,
            ClientWay::Tls,
            ClientWay::Dtls,
            ClientWay::Tcp,
        );
        assert_eq!(
            ways,
            [Some(udp), Some(tls), Some(dtls), Some(tcp), None, None]
        );
    }

    #[test]
    fn a_block_without_an_address_or_with_a_wrong_one_is_none() {
        assert_eq!(
            said("client wlc {\n ipaddr = 10.0.0.1/99\n}\nclient \"two words\" {\n}\n}\n}\n"),
            [""; 0]
        );
    }

    #[test]
    fn a_mark_of_a_comment_in_a_secret_ends_no_line() {
        let one = |at: usize| {
            format!("client c{at} {{ ipaddr = 10.0.0.{at}\n secret = \"x#y\" }} # it's one\n")
        };
        let text: String = (1..=40).map(one).collect();
        assert_eq!(clients(&text).len(), 40);
    }

    #[test]
    fn blocks_deeper_than_any_client_hide_none_behind_them() {
        let deep = format!("{}{}", "a {\n".repeat(40), "}\n".repeat(40));
        let text = format!("{deep}client wlc {{\n ipaddr = 10.0.0.7\n}}\n");
        assert_eq!(said(&text), ["wlc 10.0.0.7 :81"]);
    }

    #[test]
    fn nothing_makes_it_panic() {
        let seed: &[u8] =
            b"client a { ipaddr = 10.0.0.0/8\n secret = \"x\n}\nclients b { client c {\n}";
        groma_fuzz::hammer(2_000, &[seed], |bytes| {
            clients(&String::from_utf8_lossy(bytes));
        });
        assert!(clients(&"client a {".repeat(100_000)).is_empty());
        let many = "client 10.0.0.1 {\n}\n".repeat(CLIENTS_MAX + 5);
        assert_eq!(clients(&many).len(), CLIENTS_MAX);
    }
}
