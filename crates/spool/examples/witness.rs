//! Appends numbered frames to a spool and says each number once the append has returned, until somebody ends it.
//!
//! `witness DIRECTORY EPOCH COUNT [FREE]` writes one line per number to its standard output, which a test holds against what
//! the spool still has after `kill -9`. Every FREE frames the oldest half is freed, so that watermarks, renames and
//! removals happen too; `freed N` is said before the frame N is freed.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::Write as _;
use std::path::Path;

use groma_spool::{Limits, LocalDir, Space, Spool};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, epoch, count, rest @ ..] = arguments.as_slice() else {
        return Err("witness DIRECTORY EPOCH COUNT [FREE]".into());
    };
    let (epoch, count): (u64, u64) = (epoch.parse()?, count.parse()?);
    let free: u64 = rest.first().map_or(Ok(u64::MAX), |f| f.parse())?;
    let room = || {
        Ok(Space {
            bytes: 1 << 40,
            free: 1 << 39,
        })
    };
    let disk = LocalDir::open(Path::new(directory), Box::new(room))?;
    let limits = Limits {
        segment_bytes: 16 << 10,
        ..Limits::default()
    };
    let (mut spool, losses) = Spool::open(Box::new(disk), limits)?;
    let mut out = std::io::stdout().lock();
    for loss in losses {
        writeln!(out, "loss {loss}")?;
    }
    for sequence in 0..count {
        spool.append(epoch, sequence, &payload(epoch, sequence))?;
        writeln!(out, "{sequence}")?;
        out.flush()?;
        if sequence % free == free - 1 {
            let half = spool.frames().nth(usize::try_from(free / 2)?).transpose()?;
            if let Some(frame) = half {
                writeln!(out, "freed {} {}", frame.epoch, frame.sequence)?;
                out.flush()?;
                spool.free_through(frame.epoch, frame.sequence)?;
            }
        }
    }
    Ok(())
}

/// Bytes that belong to this number alone, of a length that differs from frame to frame.
fn payload(epoch: u64, sequence: u64) -> Vec<u8> {
    let many = 1 + (sequence * 37 % 500) as usize;
    format!("{epoch}/{sequence};").repeat(many).into_bytes()
}
