//! Records of our own program in the kernel → what happened to TCP sockets and processes, pure.
//!
//! The same steps as a page of the trace tells ([`super::trace`]), with the network and the account beside them. The layout is
//! that of `crates/sys/src/kernel/bpf/flows.bpf.c`, which is built together with this; numbers are this processor's:
//!
//! ```text
//! u32 length of the record
//! u64 time, ns   u32 kind   u32 task
//! kind 1: u64 socket  u32 network  u32 user  u8 before  u8 after  u16 family  be16 ports  u8[16] addresses  u64 bytes ×3
//! kind 2: u32 child    kind 3: u32 number before  u32 length of the path and its zero  path
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use groma_model::Port;

use super::trace::{Changed, Ends, Event, Page, Step};

/// Kinds of records.
const CHANGED: u32 = 1;
const FORKED: u32 = 2;
const EXECUTED: u32 = 3;
/// Bytes before what a kind tells.
const HEAD_BYTES: usize = 16;
/// Room for a path; one that fills it was cut, and leads nowhere.
const PATH_BYTES: usize = 512;
/// The kernel's numbers for IPv4 and IPv6.
const IPV4: u16 = 2;
const IPV6: u16 = 10;

/// Reads records, one behind the other.
pub fn read_records(piece: &[u8]) -> Page {
    let mut page = Page::default();
    let mut rest = piece;
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_ne_bytes(*length)).unwrap_or(usize::MAX);
        let Some((record, more)) = tail.split_at_checked(length) else {
            page.malformed += 1;
            return page;
        };
        rest = more;
        match event(record) {
            Some(Some(event)) => page.events.push(event),
            Some(None) => {}
            None => page.malformed += 1,
        }
    }
    page.malformed += u64::from(!rest.is_empty());
    page
}

/// `None` if it cannot be read; `Some(None)` if it tells nothing we ask for.
#[expect(
    clippy::option_option,
    reason = "outer: could it be read; inner: does it matter"
)]
fn event(record: &[u8]) -> Option<Option<Event>> {
    let at = u64_at(record, 0)?;
    let task = u32_at(record, 12)?;
    let body = record.get(HEAD_BYTES..)?;
    let plain = |step| Event {
        at,
        step,
        network: None,
        user: None,
    };
    match u32_at(record, 8)? {
        CHANGED => changed(at, task, body),
        FORKED => Some(Some(plain(Step::Forked {
            parent: task,
            child: u32_at(body, 0)?,
        }))),
        EXECUTED => Some(Some(plain(Step::Executed {
            task,
            before: u32_at(body, 0)?,
            path: path(body)?.to_vec(),
        }))),
        _ => None,
    }
}

#[expect(clippy::option_option, reason = "as `event`")]
fn changed(at: u64, task: u32, body: &[u8]) -> Option<Option<Event>> {
    let family = u16::from_ne_bytes(bytes_at(body, 18)?);
    let port = |at| Some(Port(u16::from_be_bytes(bytes_at(body, at)?)));
    let (sent, again, received) = (u64_at(body, 56)?, u64_at(body, 64)?, u64_at(body, 72)?);
    let changed = Changed {
        task,
        socket: u64_at(body, 0)?,
        before: u64::from(*body.get(16)?),
        after: u64::from(*body.get(17)?),
        ends: Ends {
            local: address(body, 24, family)?,
            local_port: port(20)?,
            remote: address(body, 40, family)?,
            remote_port: port(22)?,
        },
        // The same sum as the ends of connections tell: without what was sent again, and without the FIN.
        bytes: Some(
            sent.saturating_sub(again)
                .saturating_add(received.saturating_sub(1)),
        ),
    };
    let (network, user) = (u32_at(body, 8)?, u32_at(body, 12)?);
    Some(changed.step().map(|step| Event {
        at,
        step,
        network: (network != 0).then_some(u64::from(network)),
        user: Some(user),
    }))
}

/// The path without its zero; empty if there was none, or it did not fit.
fn path(body: &[u8]) -> Option<&[u8]> {
    let length = usize::try_from(u32_at(body, 4)?).ok()?;
    let room = body.get(8..)?;
    match length.checked_sub(1) {
        None => Some(&[]),
        Some(_) if length >= PATH_BYTES => Some(&[]),
        Some(length) => room.get(..length),
    }
}

fn address(body: &[u8], at: usize, family: u16) -> Option<IpAddr> {
    match family {
        IPV4 => Some(Ipv4Addr::from(bytes_at::<4>(body, at)?).into()),
        IPV6 => Some(IpAddr::V6(Ipv6Addr::from(bytes_at::<16>(body, at)?)).to_canonical()),
        _ => None,
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes_at(bytes, at).map(u32::from_ne_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes_at(bytes, at).map(u64::from_ne_bytes)
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}
