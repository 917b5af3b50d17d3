//! A private trace of TCP connections and program starts: the kernel's own tracepoints, nothing loaded into it.

use std::io;
use std::os::fd::OwnedFd;

use groma_source::{Arrival, Events, Trace};
use rustix::fs::OFlags;

use super::tracefs::Instance;

/// Room of all processors together, in KiB.
const BUFFER_KIB: usize = 8 << 10;
/// Largest page of a ring buffer that is read.
const PAGE_BYTES: usize = 64 << 10;

/// A change of state of a TCP socket (Linux 4.16).
const STATES: &str = "sock/inet_sock_set_state";
/// It calls (2), a call is taken (1), it is over (7), it begins to listen (10). Everything else stays in the kernel.
const STATES_FILTER: &str =
    "protocol == 6 && (newstate == 2 || newstate == 1 || newstate == 7 || newstate == 10)";
/// A process is made, a program is started: they tell who it was when it has ended before anybody could look.
const STARTS: [&str; 2] = ["sched/sched_process_fork", "sched/sched_process_exec"];

/// The trace. Its buffers are closed before its instance is removed: fields are dropped in this order.
pub(super) struct TcpTrace {
    buffers: Vec<OwnedFd>,
    formats: Vec<Vec<u8>>,
    turn: usize,
    instance: Instance,
}

impl TcpTrace {
    pub(super) fn open() -> io::Result<Self> {
        let instance = Instance::make()?;
        let processors: Vec<String> = instance
            .list("per_cpu")?
            .into_iter()
            .filter(|name| name.starts_with("cpu"))
            .collect();
        let each = (BUFFER_KIB / processors.len().max(1)).clamp(128, 4096);
        instance.write("buffer_size_kb", &each.to_string())?;
        // Times that can be compared between processors, and with ours.
        instance.write("trace_clock", "mono")?;
        // Names of tasks are not needed; remembering them costs every task switch.
        let _ = instance.write("options/record-cmd", "0");
        let mut formats = vec![instance.read(&format!("events/{STATES}/format"))?];
        instance.write(&format!("events/{STATES}/filter"), STATES_FILTER)?;
        for event in STARTS {
            let Ok(format) = instance.read(&format!("events/{event}/format")) else {
                continue;
            };
            if instance
                .write(&format!("events/{event}/enable"), "1")
                .is_ok()
            {
                formats.push(format);
            }
        }
        instance.write(&format!("events/{STATES}/enable"), "1")?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let open = |cpu: &String| instance.open(&format!("per_cpu/{cpu}/trace_pipe_raw"), flags);
        let buffers = processors.iter().map(open).collect::<io::Result<_>>()?;
        Ok(Self {
            buffers,
            formats,
            turn: 0,
            instance,
        })
    }
}

impl Events for TcpTrace {
    /// Each processor's pages in turn, until none has any.
    fn next(&mut self, buffer: &mut Vec<u8>) -> io::Result<Option<Arrival>> {
        while let Some(pages) = self.buffers.get(self.turn) {
            buffer.clear();
            buffer.reserve(PAGE_BYTES);
            match rustix::io::read(pages, rustix::buffer::spare_capacity(buffer)) {
                Ok(length) if length > 0 => {
                    return Ok(Some(Arrival::default()));
                }
                Ok(_) | Err(rustix::io::Errno::AGAIN) => self.turn += 1,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    self.turn += 1;
                    return Err(error.into());
                }
            }
        }
        self.turn = 0;
        Ok(None)
    }

    /// What each buffer was overrun by, as the kernel counts it.
    fn lost(&mut self) -> u64 {
        let processors = self.instance.list("per_cpu").unwrap_or_default();
        let stats = processors
            .iter()
            .filter_map(|cpu| self.instance.read(&format!("per_cpu/{cpu}/stats")).ok());
        stats.map(|text| overrun(&text)).sum()
    }
}

impl Trace for TcpTrace {
    fn formats(&self) -> &[Vec<u8>] {
        &self.formats
    }
}

/// Events a buffer had no room for: `overrun: N` (the oldest were given up) and `dropped events: N`.
fn overrun(stats: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(stats);
    let number = |line: &str| {
        let (name, value) = line.split_once(':')?;
        let counts = matches!(name.trim(), "overrun" | "dropped events");
        counts.then(|| value.trim().parse::<u64>().ok()).flatten()
    };
    text.lines().filter_map(number).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_overrun_is_counted() {
        let stats = b"entries: 3\noverrun: 17\ncommit overrun: 1\nbytes: 9\ndropped events: 2\nread events: 40\n";
        assert_eq!(overrun(stats), 19);
        assert_eq!(overrun(b""), 0);
    }
}
