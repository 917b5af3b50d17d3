//! The kernel's nf_tables over a netlink socket: two kinds of dumps, nothing else. The only part that needs a socket.

use std::io;

use netlink_sys::protocols::NETLINK_NETFILTER;
use netlink_sys::{Socket, SocketAddr};

use super::decode::{Kernel, LeftOut, is_long, messages, sets_used};

/// Bytes of rules that are taken up; the rest is left in the kernel.
const RULES_BYTES_MAX: usize = 16 << 20;
/// The same for the elements of one set: some thousand, of which the first few hundred are told. A list of the
/// networks of a country is a hundred times that.
const SET_BYTES_MAX: usize = 128 << 10;
/// The same for all sets together.
const SETS_BYTES_MAX: usize = 4 << 20;
/// Sets whose elements are asked for.
const SETS_MAX: usize = 200;
/// Datagrams of one answer, also if they are small.
const DATAGRAMS_MAX: usize = 8_192;
/// Milliseconds without a word from the kernel before a dump is given up.
const PATIENCE_MS: u32 = 5_000;

const GETRULE: u16 = 10 << 8 | 7;
const GETSETELEM: u16 = 10 << 8 | 13;

/// The rules in force and the elements of the sets they look up, both up to a bound ([`Kernel::left_out`]).
///
/// # Errors
/// What the system says when the socket cannot be had or read; `PermissionDenied` without `CAP_NET_ADMIN`.
pub fn kernel() -> io::Result<Kernel> {
    gather(dump)
}

fn gather(dump: impl Fn(&[u8], usize) -> io::Result<Answer>) -> io::Result<Kernel> {
    let rules = dump(&request(GETRULE, 0, &[]), RULES_BYTES_MAX)?;
    let mut kernel = Kernel {
        rules: rules.bytes,
        left_out: LeftOut {
            rules: rules.is_cut,
            ..LeftOut::default()
        },
        ..Kernel::default()
    };
    let mut left = SETS_BYTES_MAX;
    for (many, key) in sets_used(&kernel.rules).into_iter().enumerate() {
        let (family, table, set) = &key;
        if many >= SETS_MAX || left == 0 {
            kernel.left_out.sets += 1;
            continue;
        }
        // NFTA_SET_ELEM_LIST_TABLE, NFTA_SET_ELEM_LIST_SET.
        let asked = request(GETSETELEM, *family, &[(1, table), (2, set)]);
        let elements = match dump(&asked, SET_BYTES_MAX.min(left)) {
            Ok(elements) => elements,
            // It went away between the two questions.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        left = left.saturating_sub(elements.bytes.len());
        let is_cut = elements.is_cut || is_long(&elements.bytes);
        kernel.left_out.sets_cut += usize::from(is_cut);
        kernel.sets.insert(key, elements.bytes);
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

/// What a dump gave.
#[derive(Default)]
struct Answer {
    bytes: Vec<u8>,
    /// True if there was more than is taken up.
    is_cut: bool,
}

fn dump(request: &[u8], bytes_max: usize) -> io::Result<Answer> {
    let mut socket = Socket::new(NETLINK_NETFILTER)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    socket.set_non_blocking(true)?;
    socket.send(request, 0)?;
    // What is not fetched the kernel never puts together: a dump ends with its socket.
    collect(|| receive(&socket), bytes_max)
}

/// Takes up datagrams until the dump says that it is over, or there are enough.
fn collect(
    mut receive: impl FnMut() -> io::Result<Vec<u8>>,
    bytes_max: usize,
) -> io::Result<Answer> {
    let mut answer = Answer::default();
    for _ in 0..DATAGRAMS_MAX {
        let datagram = receive()?;
        let over = is_over(&datagram)?;
        if answer.bytes.len().saturating_add(datagram.len()) > bytes_max {
            break;
        }
        answer.bytes.extend_from_slice(&datagram);
        if over {
            return Ok(answer);
        }
    }
    answer.is_cut = true;
    Ok(answer)
}

/// True for the last datagram of a dump.
fn is_over(datagram: &[u8]) -> io::Result<bool> {
    let mut over = false;
    for (kind, body) in messages(datagram) {
        // NLMSG_ERROR, NLMSG_DONE; both begin with an error number, 0 for none.
        if matches!(kind, 2 | 3) {
            let error = body
                .get(..4)
                .and_then(|b| b.try_into().ok())
                .map_or(0, i32::from_ne_bytes);
            if error < 0 {
                return Err(io::Error::from_raw_os_error(error.saturating_neg()));
            }
            over = true;
        }
    }
    Ok(over)
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = u32::try_from(16 + body.len())
            .unwrap_or(0)
            .to_ne_bytes()
            .to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend(body);
        bytes
    }

    #[test]
    fn a_dump_ends_where_it_says_so_and_an_endless_one_at_a_bound() {
        let part = message(GETSETELEM - 1, &[0; 1000]);
        let done = message(3, &[0; 4]);
        let mut parts = vec![done.clone(), part.clone(), part.clone()];
        let whole = collect(|| Ok(parts.pop().unwrap_or_default()), 1 << 20).unwrap();
        assert!(!whole.is_cut && whole.bytes.len() == 2 * part.len() + done.len());
        let asked = Cell::new(0_usize);
        let endless = || {
            asked.set(asked.get() + 1);
            Ok(part.clone())
        };
        let cut = collect(endless, 10 * part.len()).unwrap();
        assert!(cut.is_cut && cut.bytes.len() == 10 * part.len());
        assert_eq!(
            asked.get(),
            11,
            "what is not taken up is not fetched either"
        );
        let tiny = collect(|| Ok(Vec::new()), 1 << 20).unwrap();
        assert!(tiny.is_cut, "datagrams without a byte end as well");
        let refused = message(2, &(-1_i32).to_ne_bytes());
        assert!(collect(|| Ok(refused.clone()), 1 << 20).is_err());
    }

    #[test]
    fn sets_are_bounded_together_and_what_is_left_out_is_counted() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/nf_tables/");
        let rules = std::fs::read(format!("{directory}nft.rules")).unwrap();
        let used = sets_used(&rules).len();
        assert!(used > 2, "the recorded rules look up sets");
        let answer = |request: &[u8], bytes_max: usize| {
            let is_rules = request.get(4..6) == Some(&GETRULE.to_ne_bytes()[..]);
            Ok(match is_rules {
                true => Answer {
                    bytes: rules.clone(),
                    is_cut: false,
                },
                // Each set fills all it may.
                false => Answer {
                    bytes: vec![0; bytes_max],
                    is_cut: true,
                },
            })
        };
        let kernel = gather(answer).unwrap();
        let bytes: usize = kernel.sets.values().map(Vec::len).sum();
        assert!(bytes <= SETS_BYTES_MAX && kernel.sets.len() == used);
        assert_eq!(
            (kernel.left_out.sets_cut, kernel.left_out.rules),
            (used, false)
        );
    }
}
