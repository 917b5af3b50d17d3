//! What processes of this machine use, as `/proc` tells it (proc(5)).

use std::time::{Duration, Instant};

use crate::Outcome;

/// The kernel counts processor time for programs in hundredths of a second on every architecture of today (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// Measures what the collector and this program use from its beginning on.
pub(crate) struct Meter {
    pid: u32,
    begun: Instant,
    server: Duration,
    own: Duration,
    written: u64,
}

/// What was used.
pub(crate) struct Used {
    pub(crate) wall: Duration,
    pub(crate) server: Duration,
    pub(crate) own: Duration,
    /// Bytes the collector had the kernel write to a disk; some of it may still be on its way.
    pub(crate) written: u64,
}

impl Meter {
    pub(crate) fn begin(pid: u32) -> Outcome<Self> {
        Ok(Self {
            pid,
            server: processor(&pid.to_string())?,
            own: processor("self")?,
            written: written(pid)?,
            begun: Instant::now(),
        })
    }

    pub(crate) fn read(&self) -> Outcome<Used> {
        let wall = self.begun.elapsed();
        Ok(Used {
            wall,
            server: processor(&self.pid.to_string())?.saturating_sub(self.server),
            own: processor("self")?.saturating_sub(self.own),
            written: written(self.pid)?.saturating_sub(self.written),
        })
    }
}

impl Used {
    /// Percent of one core.
    pub(crate) fn percent(&self, part: Duration) -> f64 {
        100.0 * part.as_secs_f64() / self.wall.as_secs_f64()
    }
}

/// Processor time of a process so far, its threads and the kernel's work for it included.
fn processor(process: &str) -> Outcome<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name of the program stands in brackets and may hold anything.
    let (_, fields) = text.rsplit_once(')').ok_or("no stat of a process")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |at: usize| -> Outcome<u32> { Ok(fields.get(at).ok_or("a short stat")?.parse()?) };
    Ok(TICK * (ticks(11)? + ticks(12)?))
}

fn written(pid: u32) -> Outcome<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/io"))?;
    let mut lines = text.lines();
    let bytes = lines.find_map(|line| line.strip_prefix("write_bytes:"));
    Ok(bytes.ok_or("no bytes written")?.trim().parse()?)
}

/// The largest memory a process has had, in MiB, since its start or since [`forget_peak`].
pub(crate) fn peak_mib(pid: u32) -> Outcome<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.ok_or("no VmHWM")?.parse::<u64>()? >> 10)
}

/// From now on its peak is that of what comes.
pub(crate) fn forget_peak(pid: u32) -> Outcome<()> {
    Ok(std::fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

/// What else this machine does, for whoever reads the figures later.
pub(crate) fn load() -> Outcome<String> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    let minute = text.split_whitespace().next().unwrap_or_default();
    let cores = std::thread::available_parallelism()?;
    Ok(format!("load of this machine {minute} on {cores} cores"))
}
