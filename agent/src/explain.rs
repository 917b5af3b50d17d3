//! `groma-agent explain`: what would be read, contacted and sent, before anything is.

use std::fmt::Write;

use groma_model::SourceName;
use groma_source::{Budget, Explanation};
use serde::Serialize;

/// One source as `explain` prints it.
#[derive(Clone, Debug, Serialize)]
pub struct Explained {
    /// Its permanent name.
    pub name: SourceName,
    /// What it does, in its own words.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// Where it does it.
    pub place: Place,
}

/// Where a source looks from; what a child cannot do differs between systems, and is said as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In the agent's own process.
    Agent,
    /// In a child that cannot write, run or call, and sees no other process.
    Child,
    /// In the same, which may ask the kernel for its packet filter.
    ChildThatAsksTheFilter,
    /// In a child that cannot write, run or call, and reads the kernel's tables of other processes.
    ChildThatSeesProcesses,
    /// In a child that opened a packet socket before it gave up the right to.
    ChildThatHears,
}

#[cfg(windows)]
impl Place {
    fn words(self) -> &'static str {
        match self {
            Self::Agent => "the agent's own process",
            Self::Child | Self::ChildThatAsksTheFilter | Self::ChildThatHears => {
                "a child that cannot run anything, and write nowhere but where low integrity may"
            }
            Self::ChildThatSeesProcesses => {
                "a child that cannot run anything, and asks the system for its tables (SeDebugPrivilege)"
            }
        }
    }
}

#[cfg(not(windows))]
impl Place {
    fn words(self) -> &'static str {
        match self {
            Self::Agent => "the agent's own process",
            Self::Child => "a child that cannot write, run or call",
            Self::ChildThatAsksTheFilter => {
                "a child that cannot write, run or call, but asks for the packet filter (CAP_NET_ADMIN)"
            }
            Self::ChildThatHears => {
                "a child that cannot write, run or call, and opened its packet socket (CAP_NET_RAW) before it gave that up"
            }
            Self::ChildThatSeesProcesses => {
                "a child that cannot write, run or call, but reads tables of processes (CAP_SYS_PTRACE)"
            }
        }
    }
}

/// The explanations as text. `rights_only` leaves everything but the rights out.
pub fn render(sources: &[Explained], rights_only: bool) -> String {
    let mut text = String::new();
    for Explained {
        name,
        explanation,
        place,
    } in sources
    {
        let _ = writeln!(text, "{name}\n  {}", explanation.purpose);
        if !rights_only {
            let _ = writeln!(text, "  looks from: {}", place.words());
            list(&mut text, "reads", &explanation.reads);
            list(&mut text, "contacts", &explanation.contacts);
            list(&mut text, "sends", &explanation.sends);
            list(&mut text, "never sends", &explanation.never_sends);
            let _ = writeln!(text, "  cost: {}", explanation.cost);
        }
        list(&mut text, "rights", &explanation.rights);
        text.push('\n');
    }
    if !rights_only {
        budgets(&mut text, &Budget::default());
        text.push_str(ALWAYS);
    }
    text
}

fn list(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        let _ = writeln!(text, "  {title}: nothing");
        return;
    }
    let _ = writeln!(text, "  {title}:");
    for line in lines {
        let _ = writeln!(text, "    - {line}");
    }
}

/// What each source may take; one that reaches a bound stops there and says so with a gap.
fn budgets(text: &mut String, budget: &Budget) {
    let mib = |bytes: u64| bytes >> 20;
    let _ = writeln!(
        text,
        "budget of each source\n  one file {} MiB; all files {} MiB; {} directory entries; {} sockets; {} observations;\n  \
         network: {} packets/s to one host, {} to all, {} s for one conversation",
        mib(budget.file_bytes_max),
        mib(budget.total_bytes_max),
        budget.entries_max,
        budget.sockets_max,
        budget.observations_max,
        budget.packets_per_host_per_second,
        budget.packets_per_second,
        budget.network_timeout_ms / 1000,
    );
    text.push_str(CHILDREN);
}

#[cfg(windows)]
const CHILDREN: &str = "\
children
  Sources look in children, which are this program started again: no environment but SystemRoot, an error output
  that leads nowhere; a job object of one process (512 MiB of memory, an end to processor time); no code made at
  run time, no library of another machine, no extension points; of all privileges only SeChangeNotifyPrivilege and
  SeBackupPrivilege, and SeDebugPrivilege for who asks the system for its tables. Who reads files alone runs at
  low integrity, and may write only where anybody may who has that; the others are kept from writing by nothing but
  their code, and all of them from calling somebody. What an account of a domain is called the machine may ask a
  controller for them, but for --offline. A source that is not done after --deadline (5 minutes, and the watch), or
  waits longer than 30 s for one file, is ended, and a gap says where it hung. What the system could not be asked
  to enforce, a gap says. Sources that call somebody look in the agent's process, and are left behind at the same
  deadline; so do all where the program cannot start itself, and a gap says so.
  The program itself: its libraries, from the folder of the system alone; its own file and token; its state
  (GROMA_STATE_DIR, else C:\\ProgramData\\groma-agent, or %LOCALAPPDATA%\\groma-agent of an account that is no
  administrator).
skipped before it is touched
  Paths and drives of other machines (\\\\server\\share, mapped letters); devices (\\\\.\\), streams of a file, paths with
  '..'; what lies behind a junction, a symbolic link or a folder a volume is mounted in, at the end of a path and
  on the way; sockets, aliases of programs and other reparse points that are no file's content; files whose content
  lies in a cloud or on tape, which are told by name and never fetched; files larger than the budget, by what they
  claim and by what comes. A file somebody holds for himself is a gap.

";

#[cfg(not(windows))]
const CHILDREN: &str = "\
children
  Sources look in children, which are this program started again: no environment, no inherited descriptor, an
  error output that leads nowhere; no writing, running, tracing, signalling or connecting (Landlock, or files
  that belong to nobody it is; seccomp, RLIMIT_FSIZE 0); of root's rights only reading any file without leaving
  an access time, and what stands above; 512 MiB of memory, 128 descriptors. A
  source that is not done after --deadline (5 minutes, and the watch), or waits longer than 30 s for one file, is
  ended, and a gap says where it hung. The memory of a process (cmdline, environ) is waited for 2 s. What the
  kernel could not be asked to enforce, a gap says. Sources that call somebody or trace look in the agent's process,
  and are left behind at the same deadline; so do all where the program cannot start itself, and a gap says so.
  The program itself: its libraries; of its own process /proc/self (maps, status, stat, mountinfo, cgroup, fd,
  ns, exe); /sys/fs/cgroup and /sys/devices/system/cpu/online for the number of processors; its state
  (GROMA_STATE_DIR, else /var/lib/groma-agent); /proc/1 (whether it runs in a container); /dev/urandom, and
  whether /dev/random is ready, where it is linked without shared libraries. Its children write
  /proc/self/oom_score_adj: when the machine runs out of memory, they end first.
skipped before it is touched
  FIFOs, sockets, devices; files larger than the budget, by what they claim and by what comes; mounts of other
  machines and of user programs, also on the way to something else (nfs, cifs, ceph, 9p, virtiofs, lustre, gfs2,
  autofs, every fuse, overlays and disk images that lie on one, and the like); tracefs, debugfs, devpts, mqueue;
  /proc/kmsg, kcore, mem, pagemap; links from storage to tables of the kernel; the kernel's own links of
  processes (exe, cwd, fd); circles of links, and more than 40 links on one way.

";

#[cfg(windows)]
const ALWAYS: &str = "\
always
  Nothing found is executed. No look writes a file but the batch and the agent's own state, or any key of the
  registry, or installs anything. Pipes and devices are never opened; drives of other machines are never walked.
  Not one packet goes to TCP 515, 9100-9116 or 9999, on any host. Private names and addresses never go to a public
  resolver. No password, key or raw line of a file leaves this machine. See all of it:
  groma-agent look --out - --format json
";

#[cfg(not(windows))]
const ALWAYS: &str = "\
always
  Nothing found is executed. No file is written but the batch and the agent's own state. FIFOs, sockets and
  devices are never opened; network file systems are never walked. Not one packet goes to TCP 515, 9100-9116
  or 9999, on any host. Private names and addresses never go to a public resolver. No password, key or raw
  line of a file leaves this machine. See all of it: zstd -dc BATCH | jq
";
