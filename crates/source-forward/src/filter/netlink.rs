//! The kernel's nf_tables over a netlink socket: two kinds of dumps, nothing else. The only part that needs a socket.

use std::io;

use netlink_sys::protocols::NETLINK_NETFILTER;
use netlink_sys::{Socket, SocketAddr};

use super::decode::{Kernel, messages, sets_used};

/// A ruleset larger than this is given up.
const ANSWER_BYTES_MAX: usize = 32 << 20;
/// Sets whose elements are asked for.
const SETS_MAX: usize = 200;
/// Milliseconds without a word from the kernel before a dump is given up.
const PATIENCE_MS: u32 = 5_000;

const GETRULE: u16 = 10 << 8 | 7;
const GETSETELEM: u16 = 10 << 8 | 13;

/// The rules in force and the elements of the sets they look up.
///
/// # Errors
/// What the system says when the socket cannot be had or read; `PermissionDenied` without `CAP_NET_ADMIN`.
pub fn kernel() -> io::Result<Kernel> {
    let rules = dump(&request(GETRULE, 0, &[]))?;
    let mut kernel = Kernel {
        rules,
        ..Kernel::default()
    };
    let used = sets_used(&kernel.rules);
    kernel.cut = used.len() > SETS_MAX;
    for key in used.into_iter().take(SETS_MAX) {
        let (family, table, set) = &key;
        // NFTA_SET_ELEM_LIST_TABLE, NFTA_SET_ELEM_LIST_SET.
        let asked = request(GETSETELEM, *family, &[(1, table), (2, set)]);
        match dump(&asked) {
            Ok(elements) => kernel.sets.insert(key, elements),
            // It went away between the two questions.
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
    }
    Ok(kernel)
}

/// One request for a dump: netlink header, nfgenmsg, attributes of text.
fn request(kind: u16, family: u8, attributes: &[(u16, &String)]) -> Vec<u8> {
    const DUMP: u16 = 0x300;
    const REQUEST: u16 = 1;
    let mut body = vec![family, 0, 0, 0];
    for (name, text) in attributes {
        let Ok(length) = u16::try_from(4 + text.len() + 1) else {
            continue;
        };
        body.extend(length.to_ne_bytes());
        body.extend(name.to_ne_bytes());
        body.extend(text.as_bytes());
        body.push(0);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    let length = u32::try_from(16 + body.len()).unwrap_or(u32::MAX);
    let mut message = Vec::with_capacity(16 + body.len());
    message.extend(length.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend((DUMP | REQUEST).to_ne_bytes());
    message.extend(1_u32.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    message.extend(body);
    message
}

fn dump(request: &[u8]) -> io::Result<Vec<u8>> {
    let mut socket = Socket::new(NETLINK_NETFILTER)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    socket.set_non_blocking(true)?;
    socket.send(request, 0)?;
    let mut answer = Vec::new();
    loop {
        let datagram = receive(&socket)?;
        let mut over = false;
        for (kind, body) in messages(&datagram) {
            // NLMSG_ERROR, NLMSG_DONE; both begin with an error number, 0 for none.
            if matches!(kind, 2 | 3) {
                let error = body
                    .get(..4)
                    .and_then(|b| b.try_into().ok())
                    .map_or(0, i32::from_ne_bytes);
                if error < 0 {
                    return Err(io::Error::from_raw_os_error(-error));
                }
                over = true;
            }
        }
        answer.extend_from_slice(&datagram);
        if over {
            return Ok(answer);
        }
        if answer.len() > ANSWER_BYTES_MAX {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a ruleset without end",
            ));
        }
    }
}

fn receive(socket: &Socket) -> io::Result<Vec<u8>> {
    for _ in 0..PATIENCE_MS {
        match socket.recv_from_full() {
            Ok((bytes, _)) => return Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}
