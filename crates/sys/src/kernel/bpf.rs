//! A BPF program of our own on three tracepoints of the kernel (`bpf/flows.bpf.c`): where there is no tracefs.
//!
//! Nothing is pinned: programs, maps and the ties between them are descriptors of this process, and gone with it
//! however it ends. The object is compiled when groma is built, and holds no place of any kernel; the loader finds the
//! places in the running kernel's own description of its types (BTF, Linux 5.8 for the queue).

use std::error::Error;
use std::io;
use std::os::unix::fs::MetadataExt;

use aya::maps::{Array, MapData, RingBuf};
use aya::programs::RawTracePoint;
use aya::{Btf, Ebpf, EbpfLoader};
use groma_source::{Arrival, Events};

/// The compiled program.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/flows.bpf.o"));

/// What is loaded, and the tracepoint it is tied to.
const PROGRAMS: [(&str, &str); 3] = [
    ("groma_states", "inet_sock_set_state"),
    ("groma_forks", "sched_process_fork"),
    ("groma_starts", "sched_process_exec"),
];
/// The first process namespace: the kernel gives it this number at every start (`PROC_PID_INIT_INO`).
const FIRST_PROCESS_NAMESPACE: u64 = 4_026_531_836;
/// A piece that is handed out ends at the first record beyond so many bytes.
const PIECE_BYTES: usize = 16 << 10;
/// Words of an error that are kept: a verifier tells whole programs.
const ERROR_CHARACTERS: usize = 160;

/// The queue of what the program tells.
pub(super) struct TcpProgram {
    ring: RingBuf<MapData>,
    lost: Array<MapData, u64>,
    /// Losses that were reported.
    reported: u64,
    /// Holds the programs and what ties them to the tracepoints.
    _loaded: Ebpf,
}

impl TcpProgram {
    /// Loads it. Needs `CAP_BPF` and `CAP_PERFMON` (before Linux 5.8 `CAP_SYS_ADMIN`).
    pub(super) fn open() -> io::Result<Self> {
        let namespace = own_process_namespace()?;
        let mut loaded = {
            let types = Btf::from_sys_fs().map_err(|error| refusal(&error))?;
            EbpfLoader::new()
                .btf(Some(&types))
                .override_global("own_process_namespace", &namespace, true)
                .load(OBJECT)
                .map_err(|error| refusal(&error))?
        };
        give_back();
        let lacks = || io::Error::from(io::ErrorKind::InvalidData);
        for (name, tracepoint) in PROGRAMS {
            let program = loaded.program_mut(name).ok_or_else(lacks)?;
            let program: &mut RawTracePoint = program.try_into().map_err(|_| lacks())?;
            program.load().map_err(|error| refusal(&error))?;
            program
                .attach(tracepoint)
                .map_err(|error| refusal(&error))?;
        }
        let ring = loaded.take_map("groma_events").ok_or_else(lacks)?;
        let lost = loaded.take_map("groma_lost").ok_or_else(lacks)?;
        Ok(Self {
            ring: RingBuf::try_from(ring).map_err(|error| refusal(&error))?,
            lost: Array::try_from(lost).map_err(|error| refusal(&error))?,
            reported: 0,
            _loaded: loaded,
        })
    }
}

impl Events for TcpProgram {
    /// Records one behind the other, each after its length in four bytes of this processor.
    fn next(&mut self, buffer: &mut Vec<u8>) -> io::Result<Option<Arrival>> {
        buffer.clear();
        while buffer.len() < PIECE_BYTES
            && let Some(record) = self.ring.next()
        {
            let length = u32::try_from(record.len()).unwrap_or(u32::MAX);
            buffer.extend(length.to_ne_bytes());
            buffer.extend_from_slice(&record);
        }
        if !buffer.is_empty() {
            return Ok(Some(Arrival::default()));
        }
        let lost = self.lost();
        if lost > self.reported {
            self.reported = lost;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(None)
    }

    /// What found no room in the ring, as the program counts it.
    fn lost(&mut self) -> u64 {
        self.lost.get(&0, 0).unwrap_or(self.reported)
    }
}

/// Reading the kernel's types takes some 16 MiB for a moment, and glibc would keep them.
#[allow(unsafe_code, reason = "malloc_trim has no safe wrapper")]
fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes a number and touches only what nobody holds any more.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// The number of the process namespace we live in; 0 for the first one, whose numbers are the whole machine's.
fn own_process_namespace() -> io::Result<u32> {
    let number = std::fs::metadata("/proc/self/ns/pid")?.ino();
    let own = if number == FIRST_PROCESS_NAMESPACE {
        0
    } else {
        number
    };
    u32::try_from(own).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// What the kernel said, where it was the kernel who refused.
fn refusal(error: &(dyn Error + 'static)) -> io::Error {
    let mut at = Some(error);
    while let Some(one) = at {
        let number = one
            .downcast_ref::<io::Error>()
            .and_then(io::Error::raw_os_error);
        if let Some(number) = number {
            return io::Error::from_raw_os_error(number);
        }
        at = one.source();
    }
    io::Error::other(
        error
            .to_string()
            .chars()
            .take(ERROR_CHARACTERS)
            .collect::<String>(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(io::Error);
    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(&"load ".repeat(100))
        }
    }
    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_refusal_of_the_kernel_is_told_as_one_and_everything_else_in_few_words() {
        let refused = refusal(&Outer(io::Error::from_raw_os_error(libc::EPERM)));
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        let other = refusal(&Outer(io::Error::other("verifier")));
        assert!(other.to_string().len() <= ERROR_CHARACTERS);
    }

    #[test]
    fn the_object_holds_every_program_that_is_tied() {
        for (name, _) in PROGRAMS {
            let found = OBJECT.windows(name.len()).any(|w| w == name.as_bytes());
            assert!(found, "{name}");
        }
    }
}
