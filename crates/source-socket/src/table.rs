//! The text tables `/proc/PID/net/{tcp,tcp6,udp,udp6}`: bytes → sockets, pure.
//!
//! They serve where the kernel's socket diagnostics are refused, and for the network namespaces of
//! containers, which this way need no `setns`. One row per socket (proc(5)):
//!
//! ```text
//!   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
//!    0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 20451 1 …
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use groma_model::{Port, Transport};

use crate::socket::{Phase, Rows, Socket, ended_ms};

/// Reads a whole table into `rows`, at most `limit` rows in all. The heading is passed over.
pub fn read_table(bytes: &[u8], transport: Transport, limit: usize, rows: &mut Rows) {
    for line in bytes.split(|b| *b == b'\n') {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"sl ") {
            continue;
        }
        match std::str::from_utf8(line)
            .ok()
            .and_then(|line| read_row(line, transport))
        {
            Some(socket) => rows.push(socket, limit),
            None => rows.misread(1),
        }
    }
}

fn read_row(line: &str, transport: Transport) -> Option<Socket> {
    let mut words = line.split_ascii_whitespace();
    words.next()?.strip_suffix(':')?;
    let (local, local_port) = read_endpoint(words.next()?)?;
    let (remote, remote_port) = read_endpoint(words.next()?)?;
    let state = u8::from_str_radix(words.next()?, 16).ok()?;
    let (_queues, timer, _retransmits) = (words.next()?, words.next()?, words.next()?);
    let uid = words.next()?.parse().ok()?;
    let inode = words.nth(1)?.parse().ok()?;
    let phase = Phase::of(transport, state);
    Some(Socket {
        transport,
        phase,
        local,
        local_port,
        remote,
        remote_port,
        uid,
        inode,
        cookie: 0,
        only_v6: false,
        ended_ms: ended_ms(transport, state, left_ms(timer)),
    })
}

/// `03:00000D5F`: which timer runs (3 is that of `TIME_WAIT`), and the hundredths of a second it has left (`USER_HZ`).
fn left_ms(timer: &str) -> Option<u32> {
    let hundredths = u32::from_str_radix(timer.strip_prefix("03:")?, 16).ok()?;
    hundredths.checked_mul(10)
}

/// `0100007F:1F90`: each 32-bit word of the address as a number of this processor, the port as a number.
fn read_endpoint(text: &str) -> Option<(IpAddr, Port)> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let address = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(read_word(address)?)),
        32 => {
            let mut octets = [0; 16];
            for (place, at) in octets.chunks_exact_mut(4).zip((0..32).step_by(8)) {
                place.copy_from_slice(&read_word(address.get(at..at + 8)?)?);
            }
            IpAddr::V6(Ipv6Addr::from(octets))
        }
        _ => return None,
    };
    Some((address.to_canonical(), Port(port)))
}

fn read_word(digits: &str) -> Option<[u8; 4]> {
    let all_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
    all_hex
        .then(|| u32::from_str_radix(digits, 16).ok())
        .flatten()
        .map(u32::to_ne_bytes)
}
