//! Running relays and tunnels: their command lines, endpoints only.

use std::path::Path;

use groma_model::Reason;
use groma_model::fact::{Component, ComponentClass, Forward};
use groma_source::DiskError;

use crate::command::told;
use crate::handed::{FORWARDS_MAX, unit};
use crate::read::Reading;
use crate::units::tunnel;

/// Everything running processes hand on. A process that ends meanwhile is no gap; what is refused is one, once.
pub(crate) fn forwards(reading: &mut Reading<'_>) -> Vec<Forward> {
    let mut found = Vec::new();
    let ours = reading.link(Path::new("/proc/self/ns/net"));
    let mut refused = None;
    for entry in reading.list(Path::new("/proc")) {
        let is_process = entry
            .path
            .file_name()
            .is_some_and(|n| n.as_encoded_bytes().iter().all(u8::is_ascii_digit));
        if !is_process {
            continue;
        }
        let before = reading.missed.len();
        // The name in `comm` is short and cheap; the command line may be megabytes.
        let name = reading.bytes(&entry.path.join("comm")).unwrap_or_default();
        if matches!(name.trim_ascii_end(), b"ssh" | b"autossh" | b"socat")
            && is_here(reading, &entry.path, ours.as_deref())
        {
            found.extend(process(reading, &entry.path));
        }
        let missed = reading.missed.split_off(before);
        refused = refused.or_else(|| missed.into_iter().find(|error| !has_ended(error)));
        let is_over = refused
            .as_ref()
            .is_some_and(|error| error.reason == Reason::BudgetExhausted);
        if is_over || found.len() > FORWARDS_MAX {
            break;
        }
    }
    reading.missed.extend(refused);
    found
}

/// True for a process of this network: what runs within another one has doors there, not here.
fn is_here(reading: &mut Reading<'_>, at: &Path, ours: Option<&Path>) -> bool {
    let Some(ours) = ours else { return true };
    match reading.link_or_why(&at.join("ns/net")) {
        Ok(network) => network == ours,
        Err(error) => {
            if !error.is_absent() {
                reading.missed.push(error);
            }
            false
        }
    }
}

/// True if the process was gone by then: reading on says "no such process" (ESRCH).
fn has_ended(error: &DiskError) -> bool {
    const NO_SUCH_PROCESS: i32 = 3;
    let code = error.source.as_ref().and_then(std::io::Error::raw_os_error);
    error.reason == Reason::Vanished || code == Some(NO_SUCH_PROCESS)
}

fn process(reading: &mut Reading<'_>, at: &Path) -> Vec<Forward> {
    let Some(arguments) = reading.bytes(&at.join("cmdline")) else {
        return Vec::new();
    };
    let words: Vec<String> = arguments
        .split(|b| *b == 0)
        .map(|w| String::from_utf8_lossy(w).into_owned())
        .collect();
    let words = words.strip_suffix(&[String::new()]).unwrap_or(&words);
    let component = component(reading, at, words);
    let user = user(reading, at);
    let told = told(words, &component);
    let mut found = told.forwards;
    if let Some(session) = told.session {
        found.extend(tunnel(reading, session, user.as_deref(), &component));
    }
    for forward in &mut found {
        forward.table = Some("running process".to_owned());
    }
    found
}

/// The unit a process belongs to, else its program.
fn component(reading: &mut Reading<'_>, at: &Path, words: &[String]) -> Component {
    let groups = reading.bytes(&at.join("cgroup")).unwrap_or_default();
    let groups = String::from_utf8_lossy(&groups);
    let service = groups.lines().find_map(|line| {
        let path = line.splitn(3, ':').nth(2)?;
        let own = path.contains("/system.slice/");
        path.rsplit('/')
            .find(|part| own && part.ends_with(".service"))
    });
    if let Some(name) = service.filter(|n| {
        !matches!(
            *n,
            "ssh.service" | "sshd.service" | "cron.service" | "crond.service"
        )
    }) {
        return unit(name);
    }
    let program = reading.link(&at.join("exe")).map(|p| {
        p.to_string_lossy()
            .trim_end_matches(" (deleted)")
            .to_owned()
    });
    Component {
        class: ComponentClass::Executable,
        name: program
            .unwrap_or_else(|| words.first().cloned().unwrap_or_default())
            .into(),
    }
}

/// The uid it runs as.
fn user(reading: &mut Reading<'_>, at: &Path) -> Option<String> {
    let status = reading.bytes(&at.join("status"))?;
    let status = String::from_utf8_lossy(&status).into_owned();
    let line = status.lines().find_map(|l| l.strip_prefix("Uid:"))?;
    line.split_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use groma_source::Budget;
    use groma_source::testing::{FakeDisk, window, world};

    use super::*;

    fn read(disk: FakeDisk, budget: &Budget) -> (usize, Vec<Reason>) {
        let world = world(disk);
        let window = window(&world);
        let mut reading = Reading::new(world.disk.as_ref(), &window, budget);
        let found = forwards(&mut reading).len();
        let missed = reading.missed.into_iter().map(|e| e.reason).collect();
        (found, missed)
    }

    fn tunnel(number: u32, network: &str) -> FakeDisk {
        FakeDisk::new()
            .link("/proc/self/ns/net", "net:[1]")
            .file(&format!("/proc/{number}/comm"), "ssh\n")
            .file(
                &format!("/proc/{number}/cmdline"),
                "ssh\0-N\0-L\x005432:db1:5432\0far\0",
            )
            .link(&format!("/proc/{number}/ns/net"), network)
    }

    #[test]
    fn what_is_refused_at_a_process_is_one_gap_and_another_network_is_none() {
        let every = Budget::default();
        assert_eq!(read(tunnel(7, "net:[1]"), &every), (1, vec![]));
        assert_eq!(read(tunnel(7, "net:[2]"), &every), (0, vec![]));
        let ended = tunnel(7, "net:[1]").file("/proc/8/status", "");
        assert_eq!(read(ended, &every), (1, vec![]));
        let refused = tunnel(7, "net:[1]")
            .refused("/proc/8/comm", Reason::PermissionDenied)
            .refused("/proc/9/comm", Reason::PermissionDenied);
        assert_eq!(read(refused, &every), (1, vec![Reason::PermissionDenied]));
        let hidden = tunnel(7, "net:[1]");
        hidden.remove("/proc/7/ns/net");
        let hidden = hidden.refused("/proc/7/ns/net", Reason::PermissionDenied);
        let (found, missed) = read(hidden, &every);
        assert_eq!((found, missed.len()), (0, 1));
    }

    #[test]
    fn a_budget_that_is_used_up_is_one_gap() {
        let none = Budget {
            total_bytes_max: 1,
            ..Budget::default()
        };
        let disk = tunnel(7, "net:[1]")
            .file("/proc/6/comm", "x")
            .file("/proc/8/comm", "ssh\n");
        assert_eq!(read(disk, &none), (0, vec![Reason::BudgetExhausted]));
    }
}
