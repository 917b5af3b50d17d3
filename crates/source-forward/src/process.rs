//! Running relays and tunnels: their command lines, endpoints only.

use std::path::Path;

use groma_model::fact::{Component, ComponentClass, Forward};

use crate::command::told;
use crate::handed::{FORWARDS_MAX, unit};
use crate::read::Reading;
use crate::units::tunnel;

/// Everything running processes hand on. A process that ends meanwhile is no gap.
pub(crate) fn forwards(reading: &mut Reading<'_>) -> Vec<Forward> {
    let mut found = Vec::new();
    for entry in reading.list(Path::new("/proc")) {
        let is_process = entry
            .path
            .file_name()
            .is_some_and(|n| n.as_encoded_bytes().iter().all(u8::is_ascii_digit));
        if !is_process {
            continue;
        }
        // What runs within another network has doors there, not here.
        let ours = reading.link(Path::new("/proc/self/ns/net"));
        if ours.is_some() && reading.link(&entry.path.join("ns/net")) != ours {
            continue;
        }
        let before = reading.missed.len();
        // The name in `comm` is short and cheap; the command line may be megabytes.
        let name = reading.bytes(&entry.path.join("comm")).unwrap_or_default();
        if matches!(name.trim_ascii_end(), b"ssh" | b"autossh" | b"socat") {
            found.extend(process(reading, &entry.path));
        }
        reading.missed.truncate(before);
        if found.len() > FORWARDS_MAX {
            break;
        }
    }
    found
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
