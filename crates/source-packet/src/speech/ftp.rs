//! FTP (RFC 959, RFC 2428): which ports a server handed out for the transfers of one conversation. They are its own, and no
//! doors.

use std::net::{IpAddr, Ipv4Addr};

/// Ports that are read of one conversation.
const PORTS_MAX: usize = 256;

/// Ports a server names in its answers, each with its address where it says one.
pub fn handed_out(answered: &[u8]) -> Vec<(Option<IpAddr>, u16)> {
    if !answered.starts_with(b"220") {
        return Vec::new();
    }
    let lines = answered.split(|byte| *byte == b'\n');
    let ports = lines.filter_map(|line| match line.first_chunk::<4>()? {
        b"227 " => passive(line.get(4..)?),
        b"229 " => Some((None, extended(line.get(4..)?)?)),
        _ => None,
    });
    ports.take(PORTS_MAX).collect()
}

/// `Entering Passive Mode (10,0,0,5,130,7).`: the brackets may be missing (RFC 1123 §4.1.2.6).
fn passive(text: &[u8]) -> Option<(Option<IpAddr>, u16)> {
    let begin = text.iter().position(u8::is_ascii_digit)?;
    let numbers = text
        .get(begin..)?
        .split(|byte| !byte.is_ascii_digit())
        .map(|digits| std::str::from_utf8(digits).ok()?.parse::<u8>().ok());
    let numbers: Vec<u8> = numbers.take(6).collect::<Option<_>>()?;
    let [a, b, c, d, high, low] = numbers.try_into().ok()?;
    let address = IpAddr::V4(Ipv4Addr::new(a, b, c, d));
    Some((Some(address), u16::from_be_bytes([high, low])))
}

/// `Entering Extended Passive Mode (|||33287|)`, with any sign for the strokes.
fn extended(text: &[u8]) -> Option<u16> {
    let begin = text.iter().position(|byte| *byte == b'(')?;
    let (stroke, rest) = text.get(begin + 1..)?.split_first()?;
    let port = rest.split(|byte| byte == stroke).nth(2)?;
    std::str::from_utf8(port).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_answers_name_their_port_and_nothing_else_does() {
        let said = b"220 (vsFTPd 3.0.3)\r\n331 Please specify the password.\r\n230 Login successful.\r\n\
            227 Entering Passive Mode (10,0,0,5,130,7).\r\n150 Ok to send data.\r\n226 Transfer complete.\r\n\
            229 Entering Extended Passive Mode (|||33287|)\r\n227 =10,0,0,5,130,8\r\n227 (10,0,0,5,1)\r\n229 (|||x|)\r\n";
        let own = Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 5)));
        assert_eq!(
            handed_out(said),
            [(own, 33_287), (None, 33_287), (own, 33_288)]
        );
        assert!(handed_out(b"250 x\r\n229 (|||33287|)\r\n").is_empty());
    }
}
