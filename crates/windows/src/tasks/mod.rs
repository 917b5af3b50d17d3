//! `host.jobs`: scheduled tasks, as the Task Scheduler keeps them in files (Task Scheduler Schema, version 1.2 and later).

mod command;
mod file;
pub(crate) mod noise;
#[cfg(test)]
mod tests;
mod trigger;

use std::collections::BTreeMap;

use groma_model::fact::{Component, ComponentClass};
use groma_model::{Fact, Peer, Reason, Transport};

use crate::files::Kind;
use crate::host::domain::{Domain, ShortNames};
use crate::host::stated::Stated;
use crate::{Area, Machine, Part, Said, base_name, joined};

/// Bytes of one task.
const TASK_BYTES_MAX: u64 = 256 << 10;
/// Tasks, and folders within folders.
const TASKS_MAX: usize = 20_000;
const DEPTH_MAX: usize = 16;

pub(crate) const AREA: Area = Area {
    name: "host.jobs",
    purpose: "Tells what the Task Scheduler starts, when and as whom, and which other machines its commands name.",
    reads: &[r"%SystemRoot%\System32\Tasks with all folders: the XML of scheduled tasks"],
    never_sends: &[
        "arguments of a task: only the machines they name, and the script an interpreter runs",
        "what Windows itself and known updaters schedule",
    ],
    read: tasks,
};

fn tasks(machine: &Machine<'_>) -> Vec<Said> {
    let expand = machine.expand();
    let folder = joined(&expand.windows, r"System32\Tasks");
    let mut part = Part::begin("file", &folder);
    let mut unread = Unread::default();
    let files = found(machine, &folder, &mut part, &mut unread);
    let domain = Domain::of(machine);
    let mut unresolved = ShortNames::default();
    for path in files {
        match machine.files.read(&path, TASK_BYTES_MAX) {
            Ok(None) => {}
            Ok(Some(bytes)) => {
                let name = path.get(folder.len()..).unwrap_or(&path);
                match file::task(&bytes, name, &path, machine, &expand) {
                    Ok(None) => {}
                    Ok(Some(task)) => {
                        if let Some(user) = task.job.user.as_ref().filter(|_| task.is_of_domain) {
                            unresolved.add(&domain, &user.lossy());
                        }
                        say(&mut part, &domain, task);
                    }
                    Err(reason) => unread.add(reason, name),
                }
            }
            Err(reason) => unread.add(reason, base_name(&path)),
        }
    }
    unread.say(&mut part);
    unresolved.say(&mut part);
    vec![part.close()]
}

/// Files below `folder`, by path.
fn found(machine: &Machine<'_>, folder: &str, part: &mut Part, unread: &mut Unread) -> Vec<String> {
    let mut waiting = vec![(folder.to_owned(), 0)];
    let mut files = Vec::new();
    while let Some((at, depth)) = waiting.pop() {
        let entries = match machine.files.list(&at, TASKS_MAX) {
            Ok(entries) => entries,
            Err(reason) => {
                unread.add(reason, base_name(&at));
                continue;
            }
        };
        for entry in entries {
            match entry.kind {
                Kind::File => files.push(entry.path),
                Kind::Folder if depth < DEPTH_MAX => waiting.push((entry.path, depth + 1)),
                Kind::Folder => unread.add(Reason::TooLarge, base_name(&entry.path)),
                _ => {}
            }
        }
    }
    files.sort();
    if files.len() > TASKS_MAX {
        let more = files.len() - TASKS_MAX;
        part.missed(format!("{more} more scheduled tasks"), Reason::TooLarge);
        files.truncate(TASKS_MAX);
    }
    files
}

fn say(part: &mut Part, domain: &Domain, task: file::Task) {
    logon(part, domain, &task);
    let component = component(&task);
    for named in task.named {
        let file = task.job.file.to_string();
        let mut reference = named.place.reference(
            "windows-task",
            &file,
            named.line,
            named.key,
            component.clone(),
        );
        reference.rhythm.clone_from(&task.job.rhythm);
        // Windows logs a task on to other machines as the account it runs as.
        if reference.account.is_none() && task.is_of_domain {
            reference.account.clone_from(&task.job.user);
        }
        part.saw(Fact::Reference(reference));
    }
    part.saw(Fact::Job(task.job));
}

/// A task that logs on by itself, as an account of a domain, needs somebody who knows that account.
fn logon(part: &mut Part, domain: &Domain, task: &file::Task) {
    let user = task.job.user.as_ref().filter(|_| task.is_of_domain);
    let account = user.map(ToString::to_string).unwrap_or_default();
    let Some(name) = domain.of_account(&account) else {
        return;
    };
    let file = task.job.file.to_string();
    let stated = Stated {
        rule: "windows-task-account",
        key: &file,
        value: "UserId",
        kind: "kerberos",
        port: (88, Transport::Tcp),
        unit: "",
    };
    let mut reference = stated.of(Peer::Name(name));
    reference.line = task.account_line;
    reference.account = Some(account.as_str().into());
    reference.component = component(task);
    reference.rhythm.clone_from(&task.job.rhythm);
    part.saw(Fact::Reference(reference));
}

fn component(task: &file::Task) -> Component {
    Component {
        class: ComponentClass::ScheduledJob,
        name: task.job.name.clone(),
    }
}

/// What could not be read: one gap for each reason, however many tasks.
#[derive(Default)]
struct Unread(BTreeMap<String, (Option<Reason>, usize, String)>);

impl Unread {
    fn add(&mut self, reason: Reason, name: &str) {
        let first = || (None, 0, name.to_owned());
        let entry = self.0.entry(format!("{reason:?}")).or_insert_with(first);
        entry.0 = Some(reason);
        entry.1 += 1;
    }

    fn say(self, part: &mut Part) {
        for (reason, count, name) in self.0.into_values() {
            let what = match count {
                1 => format!("scheduled task {name}"),
                more => format!("{more} scheduled tasks, as {name}"),
            };
            part.missed(what, reason.unwrap_or(Reason::Malformed));
        }
    }
}
