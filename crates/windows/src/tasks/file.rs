//! One task: its XML to a job and to the machines its actions name.

use groma_model::Reason;
use groma_model::fact::Job;
use groma_model::schedule::task_rhythm;

use super::trigger::Triggers;
use super::{command, noise};
use crate::addressed::{Place, places};
use crate::markup::{Element, document};
use crate::{Expand, Machine};

/// Actions of one task that are looked at; the Task Scheduler takes 32.
const ACTIONS_MAX: usize = 32;

/// A task that something starts.
pub(super) struct Task {
    pub(super) job: Job,
    /// True if it logs on with an account of a domain, whoever sits at the machine.
    pub(super) is_of_domain: bool,
    /// The line its account stands in.
    pub(super) account_line: u32,
    pub(super) named: Vec<Named>,
}

/// A place on another machine, and where the task names it.
pub(super) struct Named {
    pub(super) place: Place,
    pub(super) line: u32,
    pub(super) key: &'static str,
}

/// The task called `name` in the file at `path`; `None` where nothing starts it, or where nobody would miss it.
pub(super) fn task(
    bytes: &[u8],
    name: &str,
    path: &str,
    machine: &Machine<'_>,
    expand: &Expand,
) -> Result<Option<Task>, Reason> {
    let root = document(bytes)?;
    if !root.name.eq_ignore_ascii_case("Task") {
        return Err(Reason::Malformed);
    }
    let settings = root.child("Settings");
    let triggers = Triggers::of(root.child("Triggers"));
    if triggers.all.is_empty() || settings.is_some_and(|settings| settings.denies("Enabled")) {
        return Ok(None);
    }
    let principal = principal(&root);
    let runs: Vec<&Element> = actions(&root).collect();
    let named: Vec<Named> = runs.iter().flat_map(|exec| named(exec, expand)).collect();
    let is_of_domain = principal.is_some_and(|p| is_of_domain(p, machine));
    let programs = runs.iter().filter_map(|exec| program(exec, expand));
    let programs: Vec<String> = programs.collect();
    // Vendors' programs call their vendors; a share is never the vendor's.
    let is_on_share = named.iter().any(|named| named.place.kind == "smb");
    if !is_of_domain && !is_on_share && is_nobodys(name, &programs) {
        return Ok(None);
    }
    let meant = programs.iter().find(|program| !noise::is_updater(program));
    let schedule = triggers.line();
    let persistent = settings.and_then(|settings| settings.text_at(&["StartWhenAvailable"]));
    let job = Job {
        scheduler: "task-scheduler".into(),
        name: name.into(),
        rhythm: task_rhythm(&schedule).map(str::to_owned),
        schedule,
        user: principal.and_then(|p| account(p, machine)).map(Into::into),
        executable: meant
            .or(programs.first())
            .map(|program| program.as_str().into()),
        file: path.into(),
        random_delay_seconds: triggers.random_delay_seconds,
        delay_seconds: triggers.delay_seconds(),
        persistent: persistent.is_some_and(|said| said.eq_ignore_ascii_case("true") || said == "1"),
        ..Job::default()
    };
    Ok(Some(Task {
        job,
        is_of_domain,
        account_line: principal
            .and_then(|p| p.child("UserId"))
            .map_or(0, |user| user.line),
        named,
    }))
}

fn is_nobodys(name: &str, programs: &[String]) -> bool {
    let only_updaters = !programs.is_empty() && programs.iter().all(|p| noise::is_updater(p));
    let is_a_persons = programs.iter().any(|p| noise::is_set_up_by_people(p));
    (noise::is_of_windows(name) && !is_a_persons) || only_updaters
}

/// Whoever the actions run as: the principal their context names, else the only one.
fn principal(root: &Element) -> Option<&Element> {
    let principals = root.child("Principals")?;
    let context = root
        .child("Actions")
        .and_then(|actions| actions.attribute("Context"));
    let mut all = principals.all("Principal");
    let named = all.find(|principal| principal.attribute("id") == context);
    named.or_else(|| principals.child("Principal"))
}

fn account(principal: &Element, machine: &Machine<'_>) -> Option<String> {
    let written = principal
        .text_at(&["UserId"])
        .or_else(|| principal.text_at(&["GroupId"]))?;
    Some(match is_sid(written) {
        true => machine.name_of(written),
        false => written.to_owned(),
    })
}

fn is_sid(text: &str) -> bool {
    text.get(..4)
        .is_some_and(|head| head.eq_ignore_ascii_case("S-1-"))
}

/// True if the task logs on by itself, with a password or a ticket, as somebody whom a domain knows. What runs only while
/// somebody is logged on anyway needs no account of its own.
fn is_of_domain(principal: &Element, machine: &Machine<'_>) -> bool {
    let by_itself = principal.text_at(&["LogonType"]);
    if !by_itself
        .is_some_and(|kind| matches!(kind, "Password" | "S4U" | "InteractiveTokenOrPassword"))
    {
        return false;
    }
    let Some(written) = principal.text_at(&["UserId"]) else {
        return false;
    };
    let names = &machine.rows.names;
    let by_name = |name: &str| {
        let known = names
            .iter()
            .find(|(_, known)| known.eq_ignore_ascii_case(name));
        known.map(|(sid, _)| sid.clone())
    };
    let sid = match is_sid(written) {
        true => Some(written.to_owned()),
        false => by_name(written),
    };
    let is_person = sid.is_none_or(|sid| crate::is_of_a_person(&sid));
    let name = account(principal, machine).unwrap_or_default();
    let is_elsewhere = match is_sid(&name) {
        true => is_of_another(&name, machine),
        false => is_elsewhere(&name, &machine.rows.system.host_name),
    };
    is_person && is_elsewhere
}

/// True for a SID that begins otherwise than those of the local accounts, where these are known.
fn is_of_another(sid: &str, machine: &Machine<'_>) -> bool {
    let issuer = |sid: &str| {
        sid.rsplit_once('-')
            .map(|(issuer, _)| issuer.to_ascii_uppercase())
    };
    let mut own = machine.rows.users.iter().map(|user| issuer(&user.sid));
    own.len() > 0 && own.all(|own| own != issuer(sid))
}

/// True for `DOMAIN\name` of another machine than this one, and for `name@domain`.
fn is_elsewhere(name: &str, host: &str) -> bool {
    let Some((domain, _)) = name.split_once('\\') else {
        return name.contains('@');
    };
    // A domain's short name has no blank; those of the system ("NT AUTHORITY", in every language) have one or no plain letters.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let short = host.split('.').next().unwrap_or(host);
    let is_own = domain == "."
        || domain.eq_ignore_ascii_case(short)
        || domain.eq_ignore_ascii_case("BUILTIN");
    !domain.is_empty() && domain.chars().all(plain) && !is_own
}

fn actions(root: &Element) -> impl Iterator<Item = &Element> {
    let all = root
        .child("Actions")
        .map(|actions| actions.children.as_slice());
    let all = all.unwrap_or_default().iter().take(ACTIONS_MAX);
    all.filter(|action| action.name.eq_ignore_ascii_case("Exec"))
}

fn program(exec: &Element, expand: &Expand) -> Option<String> {
    let text = |name: &str| exec.text_at(&[name]);
    command::program(
        text("Command")?,
        text("Arguments"),
        text("WorkingDirectory"),
        expand,
    )
}

fn named(exec: &Element, expand: &Expand) -> Vec<Named> {
    let mut found: Vec<Named> = Vec::new();
    for key in ["Command", "Arguments", "WorkingDirectory"] {
        let Some(element) = exec.child(key) else {
            continue;
        };
        for place in places(&expand.text(element.text().unwrap_or_default())) {
            if found.iter().all(|named| named.place != place) {
                let line = element.line;
                found.push(Named { place, line, key });
            }
        }
    }
    found
}
