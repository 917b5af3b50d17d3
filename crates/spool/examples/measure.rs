//! How fast a spool on a real disk is, every append synced: `measure DIRECTORY [MIB]`.
//!
//! The directory must not exist. Prints appends a second and MB/s by payload size, then the same for reading and freeing.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it measures time and says it"
)]

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use groma_spool::{Limits, LocalDir, Space, Spool};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("measure DIRECTORY [MIB]")?;
    let total: u64 = arguments.next().map_or(Ok(8), |m| m.parse())? << 20;
    for bytes in [1 << 10, 16 << 10, 256 << 10, 1 << 20] {
        measure(
            &format!("{directory}-{bytes}"),
            bytes,
            (total / bytes as u64).clamp(4, 2000),
        )?;
    }
    Ok(())
}

fn measure(directory: &str, bytes: usize, frames: u64) -> Result<(), Box<dyn Error>> {
    let room = || {
        Ok(Space {
            bytes: 1 << 40,
            free: 1 << 39,
        })
    };
    let disk = LocalDir::open(Path::new(directory), Box::new(room))?;
    let (mut spool, _) = Spool::open(Box::new(disk), Limits::default())?;
    let payload = vec![0x5a; bytes];
    let begun = Instant::now();
    for sequence in 0..frames {
        spool.append(1, sequence, &payload)?;
    }
    say("append", bytes, frames, begun);
    let begun = Instant::now();
    for frame in spool.frames() {
        frame?;
    }
    say("read", bytes, frames, begun);
    let begun = Instant::now();
    let freed = frames.min(200);
    for sequence in 0..freed {
        spool.free_through(1, sequence)?;
    }
    say("free one by one", bytes, freed, begun);
    drop(spool);
    std::fs::remove_dir_all(directory)?;
    Ok(())
}

fn say(what: &str, bytes: usize, frames: u64, begun: Instant) {
    let seconds = begun.elapsed().as_secs_f64();
    let each = frames as f64 / seconds;
    let megabytes = each * bytes as f64 / 1e6;
    println!("{what:>16} {bytes:>8} B: {each:>9.0} /s {megabytes:>8.1} MB/s");
}
