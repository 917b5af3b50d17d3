//! Which pieces of evidence speak of one need.
//!
//! A socket shows a program and an address; a file shows a line and a name; both may mean one thing. Within
//! one place (consumer, provider, port, transport) a written draft joins a live one
//!
//! 1. if they are related: same unit, same job, the product's name in the program's path, the file below
//!    the program's working directory or beside its script;
//! 2. else, if there is exactly one live draft, something ties the two (a name in the paths of both, the account or resource
//!    both say there, or the name by which both reach the provider where no other line does so) and nothing speaks
//!    against it (another unit, a kind the whole machine shares, a kind of another layer that the program itself
//!    contradicts); that both lead to one place is no tie: two programs of one machine may ask one database;
//! 3. and for name resolution the other way round: every program of a machine asks the resolver its
//!    `resolv.conf` names, so all of them are one need of the machine;
//! 4. a file of settings joins the one program, job or unit that names the same provider by the same word, if the
//!    two have a name in common and no account or resource of their own speaks against it.
//!
//! A call of no known part of its machine joins last, and never makes two needs one: the module `nobody` says how.
//!
//! What joins takes the component that says most (unit, job, executable, file) and the kind that was stated.

use std::borrow::Cow;
use std::collections::BTreeSet;

use groma_model::fact::{ComponentClass, Program};
use groma_model::inventory::ReachedBy;
use groma_model::registry::REGISTRY;
use groma_model::{Foreign, path};

use crate::draft::{Certainty, Draft, take_in};
use crate::few::Few;
use crate::nobody;

/// Joins the drafts of one place.
pub(crate) fn join(drafts: Vec<Draft>) -> Vec<Draft> {
    if drafts.len() < 2 {
        return drafts;
    }
    let mut joined = Vec::with_capacity(drafts.len());
    for draft in related(drafts) {
        take_in(&mut joined, draft);
    }
    joined
}

fn related(drafts: Vec<Draft>) -> Vec<Draft> {
    let (nobody, told): (Vec<_>, Vec<_>) = drafts.into_iter().partition(Draft::is_of_no_part);
    let (mut live, written): (Vec<_>, Vec<_>) = told.into_iter().partition(Draft::is_alive);
    let (parts, files) = written.into_iter().partition(is_a_part);
    let mut alone = lines_join(&mut live, parts, &files);
    // A unit that joined brings its name along, and files are known by it.
    let parts = std::mem::take(&mut alone);
    let files = lines_join(&mut live, files, &parts);
    alone.extend(parts.into_iter().chain(files));
    live.extend(nobody);
    resolver_takes_all(&mut live, &mut alone);
    settle_kinds(&mut live, &alone);
    live.extend(alone);
    settings_join_who_reads_them(&mut live);
    nobody::confirms(&mut live);
    live
}

/// True for what is a part of a machine by itself; a file is what some part reads.
fn is_a_part(draft: &Draft) -> bool {
    rank(draft.component.class) < rank(ComponentClass::File)
}

/// Joins each line to the call it speaks of, and gives back those that speak of none. Who belongs to whom is settled before
/// anything joins; `others` are lines of the same place that are not asked now, and may be meant as well.
fn lines_join(live: &mut [Draft], lines: Vec<Draft>, others: &[Draft]) -> Vec<Draft> {
    let ties: Vec<Option<(usize, Tie)>> = lines.iter().map(|line| partner(line, live)).collect();
    let of_others = others.iter().map(|line| partner(line, live));
    let weak = |at: usize| {
        let all = ties.iter().copied().chain(of_others.clone());
        all.filter(|tie| *tie == Some((at, Tie::Weak))).count()
    };
    let is_meant = |line: &Draft, at: usize, tie: Tie| match tie {
        // Two lines that write one name down are two needs: whose call it was, the name does not tell.
        Tie::Weak => weak(at) == 1,
        Tie::Own => true,
        Tie::Related => !is_one_of_several(line, at, &lines, &ties, live),
    };
    let meant: Vec<Option<usize>> = lines
        .iter()
        .zip(&ties)
        .map(|(line, tie)| tie.filter(|(at, tie)| is_meant(line, *at, *tie)))
        .map(|tie| tie.map(|(at, _)| at))
        .collect();
    let mut alone = Vec::new();
    for (line, at) in lines.into_iter().zip(meant) {
        match at {
            Some(at) => merge(live, at, line),
            None => alone.push(line),
        }
    }
    alone
}

/// True if several parts of a machine are related to one call (two jobs that start what lies in one directory), and this
/// one is not the very part that was seen calling.
fn is_one_of_several(
    line: &Draft,
    at: usize,
    lines: &[Draft],
    ties: &[Option<(usize, Tie)>],
    live: &[Draft],
) -> bool {
    let is_the_caller = |line: &Draft| {
        live.get(at).is_some_and(|call| {
            let unit = unit_of(line);
            line.component == call.component || unit.is_some() && unit == unit_of(call)
        })
    };
    let another = |(other, tie): (&Draft, &Option<(usize, Tie)>)| {
        *tie == Some((at, Tie::Related)) && other.component != line.component
    };
    is_a_part(line) && !is_the_caller(line) && lines.iter().zip(ties).any(another)
}

/// What a file names that nobody is known to read, and exactly one program, job or unit names by the same word for the same
/// purpose: the settings of that one, if anything relates the two. Two applications of one machine may call one database
/// by one name. What a whole machine shares (its clock, its name server) is nobody's settings.
fn settings_join_who_reads_them(drafts: &mut Vec<Draft>) {
    let is_settings = |d: &Draft| {
        d.component.class == ComponentClass::File && !d.is_alive() && !REGISTRY.kind(&d.kind).shared
    };
    let reads = |d: &Draft| {
        rank(d.component.class) < rank(ComponentClass::File) && !d.written_in.is_empty()
    };
    if !drafts.iter().any(is_settings) || !drafts.iter().any(reads) {
        return;
    }
    let (settings, mut kept): (Vec<_>, Vec<_>) =
        std::mem::take(drafts).into_iter().partition(is_settings);
    let reader = |file: &Draft| {
        let same = |d: &Draft| {
            d.kind == file.kind
                && !is_of_two_containers(file, d)
                && !is_another_use(file, d)
                && file.reached.iter().any(|way| d.reached.contains(way))
        };
        let mut fitting =
            (0..kept.len()).filter(|at| kept.get(*at).is_some_and(|d| reads(d) && same(d)));
        let only = fitting.next().filter(|_| fitting.next().is_none());
        only.filter(|at| kept.get(*at).is_some_and(|d| is_settings_of(file, d)))
    };
    // Who reads what is settled before anything joins: what joins brings its own words along.
    let readers: Vec<Option<usize>> = settings.iter().map(reader).collect();
    let mut alone = Vec::new();
    for (file, reader) in settings.into_iter().zip(readers) {
        match reader.and_then(|at| kept.get_mut(at)) {
            Some(reader) => reader.absorb(file),
            None => alone.push(file),
        }
    }
    kept.extend(alone);
    *drafts = kept;
}

/// True if both say as whom they call, or what they want there, and have nothing of it in common.
fn is_another_use(file: &Draft, reader: &Draft) -> bool {
    let differ =
        |a: &Few<String>, b: &Few<String>| !a.is_empty() && !b.is_empty() && a.is_disjoint(b);
    differ(&file.accounts, &reader.accounts) || differ(&file.resources, &reader.resources)
}

/// True if something relates a file of settings to who may read it: the file lies with the program, the program is the
/// product the file is of, or a name stands in the paths of both (`/etc/fetch.ini` and `/opt/fetch/run`).
fn is_settings_of(file: &Draft, reader: &Draft) -> bool {
    let lies_there = |program: &Program| file.files.iter().any(|f| lies_with(f, program));
    let is_product = |program: &Program| {
        program.script.is_none() && file.products.iter().any(|word| carries(program, word))
    };
    if reader
        .programs
        .iter()
        .any(|p| lies_there(p) || is_product(p))
    {
        return true;
    }
    let own = names_of_reader(reader);
    let mut words = file.files.iter().flat_map(names);
    let product = |unit: String| file.products.contains(&unit);
    words.any(|word| own.iter().any(|name| is_one_name(&word, name)))
        || unit_of(reader).is_some_and(product)
}

/// True for one name, and for one that begins the other: `shop` and `shop-sync`.
fn is_one_name(a: &str, b: &str) -> bool {
    let begins = |long: &str, short: &str| {
        let rest = long.strip_prefix(short);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
    };
    begins(a, b) || begins(b, a)
}

fn names_of_reader(reader: &Draft) -> BTreeSet<String> {
    let program = |p: &Program| {
        let started = p.script.as_ref().or(p.executable.as_ref());
        started.into_iter().flat_map(names).collect::<Vec<_>>()
    };
    let own = names(&reader.component.name);
    own.into_iter()
        .chain(reader.files.iter().flat_map(names))
        .chain(reader.programs.iter().flat_map(program))
        .collect()
}

/// Parts of paths that nearly every machine has (FHS 3.0, and what settings are called anywhere): they relate nothing.
const COMMON_PARTS: [&str; 60] = [
    "app",
    "application",
    "apps",
    "bin",
    "conf",
    "config",
    "configs",
    "configuration",
    "cron",
    "crontab",
    "crontabs",
    "current",
    "daily",
    "database",
    "data",
    "default",
    "env",
    "environment",
    "etc",
    "examples",
    "home",
    "hourly",
    "html",
    "htdocs",
    "include",
    "includes",
    "index",
    "init",
    "lib",
    "lib64",
    "libexec",
    "local",
    "main",
    "monthly",
    "multi-user",
    "opt",
    "php",
    "public",
    "python3",
    "root",
    "run",
    "sbin",
    "script",
    "scripts",
    "server",
    "service",
    "settings",
    "share",
    "spool",
    "src",
    "srv",
    "start",
    "sysconfig",
    "system",
    "systemd",
    "user",
    "usr",
    "var",
    "weekly",
    "www",
];

/// The same of Windows, in lower case: what its own set-up makes, and hives and keys every machine has.
const COMMON_ON_WINDOWS: [&str; 33] = [
    "administrator",
    "appdata",
    "classes",
    "common files",
    "currentcontrolset",
    "currentversion",
    "documents",
    "framework",
    "framework64",
    "hklm",
    "inetpub",
    "logs",
    "machine",
    "microsoft",
    "microsoft shared",
    "parameters",
    "powershell",
    "pwsh",
    "program files",
    "program files (x86)",
    "programdata",
    "programs",
    "roaming",
    "services",
    "software",
    "system32",
    "syswow64",
    "tasks",
    "users",
    "web",
    "windows",
    "windowspowershell",
    "wwwroot",
];

/// The names in a path, without what stands behind a dot, an instance or a line: `erp` and `jobs` of `/etc/erp/jobs.ini`.
fn names(path: &Foreign) -> Vec<String> {
    let text = path.lossy();
    let of_windows = path.is_of_windows();
    let parts = path::parts(&text).map(|part| {
        let word = part.trim_start_matches('.');
        word.split(['.', '@', ':']).next().unwrap_or(word)
    });
    let says = |word: &&str| {
        let lower = word.to_ascii_lowercase();
        let is_common = if of_windows {
            COMMON_PARTS.contains(&lower.as_str()) || COMMON_ON_WINDOWS.contains(&lower.as_str())
        } else {
            COMMON_PARTS.contains(word)
        };
        word.len() >= 3 && !is_common
    };
    parts.filter(says).map(str::to_lowercase).collect()
}

fn merge(live: &mut [Draft], at: usize, written: Draft) {
    let Some(draft) = live.get_mut(at) else {
        return;
    };
    if rank(written.component.class) < rank(draft.component.class) {
        draft.component = written.component.clone();
    }
    if draft.certainty < written.certainty {
        draft.kind.clone_from(&written.kind);
    }
    draft.absorb(written);
}

/// How much a component says: the lowest rank wins.
fn rank(class: ComponentClass) -> u8 {
    match class {
        ComponentClass::Unit => 0,
        ComponentClass::ScheduledJob => 1,
        ComponentClass::Executable | ComponentClass::Container => 2,
        ComponentClass::File => 3,
        ComponentClass::Device => 4,
    }
}

/// What makes a line and a call one need.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Tie {
    /// One part, one product, one directory.
    Related,
    /// The line's file, account or resource is the caller's.
    Own,
    /// Both know the provider by the same name, or both are of files and of one kind: so may others of the machine be.
    Weak,
}

/// The live draft a written one speaks of.
fn partner(written: &Draft, live: &[Draft]) -> Option<(usize, Tie)> {
    let mut related = (0..live.len()).filter(|at| is_related(written, &live[*at]));
    match (related.next(), related.next(), live) {
        (Some(only), None, _) => Some((only, Tie::Related)),
        (None, _, [only]) if !speaks_against(written, only) => Some(0).zip(tie(written, only)),
        _ => None,
    }
}

/// What makes a line and the only connection to its place one need, where no product and no path relates them outright.
fn tie(written: &Draft, live: &Draft) -> Option<Tie> {
    let same = |a: &Few<String>, b: &Few<String>| a.iter().any(|one| b.contains(one));
    let by_name = |(by, _): &&(ReachedBy, String)| matches!(by, ReachedBy::Name | ReachedBy::Alias);
    let one_name = written
        .reached
        .iter()
        .filter(by_name)
        .any(|way| live.reached.contains(way));
    // `app.service` and `/opt/app/.env`: the whole name of a unit relates, be it as common a word as this one.
    let own_directory = unit_of(live).is_some_and(|unit| {
        let below = |file: &Foreign| match file.is_of_windows() {
            true => {
                let text = file.lossy().replace('\\', "/").to_ascii_lowercase();
                text.contains(&format!("/{}/", unit.to_ascii_lowercase()))
            }
            false => file.lossy().contains(&format!("/{unit}/")),
        };
        unit.len() >= 3
            && !SYSTEM_DIRECTORIES.contains(&unit.as_str())
            && !COMMON_ON_WINDOWS.contains(&unit.to_ascii_lowercase().as_str())
            && written.files.iter().any(below)
    });
    // A mount, and the line of a table that may name it otherwise.
    let mounts = live.programs.is_empty() && written.component.class == live.component.class;
    let one_kind = mounts && written.kind == live.kind;
    let own = own_directory
        || same(&written.accounts, &live.accounts)
        || same(&written.resources, &live.resources)
        || is_settings_of(written, live);
    match own {
        true => Some(Tie::Own),
        false => (one_name || one_kind).then_some(Tie::Weak),
    }
}

/// Directories of every system (FHS 3.0): a unit of such a name relates nothing.
const SYSTEM_DIRECTORIES: [&str; 11] = [
    "bin", "default", "etc", "home", "lib", "opt", "root", "sbin", "srv", "usr", "var",
];

fn is_related(written: &Draft, live: &Draft) -> bool {
    if written.component == live.component {
        return true;
    }
    if let (Some(a), Some(b)) = (unit_of(written), unit_of(live)) {
        return a == b;
    }
    if is_of_one_container(written, live) {
        return true;
    }
    live.programs.iter().any(|program| {
        let named = written
            .products
            .iter()
            .chain(unit_of(written).iter())
            .any(|word| carries(program, word));
        named
            || written.files.iter().any(|file| lies_with(file, program))
            || is_part(program.script.as_ref(), &written.component.name)
            || is_part(program.executable.as_ref(), &written.component.name)
    })
}

fn is_part(file: Option<&Foreign>, name: &Foreign) -> bool {
    file.is_some_and(|file| file.is_same_file(name))
}

/// True if what is written stands in the container the program runs in: `shop:environment` and `shop:/usr/bin/app`.
fn is_of_one_container(written: &Draft, live: &Draft) -> bool {
    let own = container_of(live).filter(|_| runs_in_a_container(live));
    own.is_some() && own == container_of(written)
}

/// True if what is written stands in another container than the one the program runs in.
fn is_of_two_containers(written: &Draft, live: &Draft) -> bool {
    runs_in_a_container(live)
        && container_of(written).is_some_and(|other| container_of(live) != Some(other))
}

fn runs_in_a_container(live: &Draft) -> bool {
    live.programs.iter().any(|p| p.container.is_some())
}

/// What stands before the colon of `shop:/usr/bin/app`.
fn container_of(draft: &Draft) -> Option<String> {
    container_named(&draft.component.name)
}

fn container_named(part: &Foreign) -> Option<String> {
    let name = part.lossy();
    let (container, _) = name.split_once(':')?;
    // `C:\Apps\erp.exe` runs in no container `C`.
    let is_name = !container.contains('/') && !part.is_of_windows();
    is_name.then(|| container.to_owned())
}

/// The stem of the unit a draft is of.
fn unit_of(draft: &Draft) -> Option<String> {
    (draft.component.class == ComponentClass::Unit).then(|| stem(&draft.component.name))
}

/// `postgresql` of `postgresql@15-main.service`.
fn stem(unit: &Foreign) -> String {
    path::unit_stem(&unit.lossy()).to_owned()
}

/// True if the program's path or unit has `word` as a part: `postfix` in `/usr/lib/postfix/sbin/smtp`.
fn carries(program: &Program, word: &str) -> bool {
    if word.len() < 3 {
        return false;
    }
    let in_path = program.executable.as_ref().is_some_and(|e| {
        let text = match e.is_of_windows() {
            true => Cow::Owned(e.lossy().to_ascii_lowercase()),
            false => e.lossy(),
        };
        path::parts(&text)
            .map(|part| part.strip_suffix(".exe").unwrap_or(part))
            .any(|part| part == word || part.strip_suffix('d') == Some(word))
    });
    let same_unit = |unit: &String| {
        let stem = path::unit_stem(unit);
        stem == word || is_of_windows(program) && stem.eq_ignore_ascii_case(word)
    };
    in_path || program.unit.as_ref().is_some_and(same_unit)
}

fn is_of_windows(program: &Program) -> bool {
    let file = program.executable.as_ref();
    file.is_some_and(Foreign::is_of_windows)
}

/// True if `file` lies below the program's working directory or beside its script; `/` and `/etc` say nothing.
fn lies_with(file: &Foreign, program: &Program) -> bool {
    let below = |directory: &str| {
        let text = file.lossy();
        let rest = path::below(text.as_bytes(), directory.as_bytes());
        !says_nothing(directory) && rest.is_some_and(|rest| !rest.is_empty())
    };
    let home = program
        .working_directory
        .as_ref()
        .is_some_and(|d| below(d.lossy().trim_end_matches('/')));
    let beside = |started: &Foreign| path::folder(&started.lossy()).is_some_and(below);
    // A program of Windows has a folder of its own, with its settings: `erp.exe` and `erp.exe.config`.
    let own = program.executable.as_ref().filter(|e| e.is_of_windows());
    let own = own.filter(|e| !INTERPRETERS.contains(&path::program_name(&e.lossy()).as_ref()));
    home || program.script.as_ref().is_some_and(beside) || own.is_some_and(beside)
}

/// Programs of Windows whose folder is their own product's, whatever they run.
const INTERPRETERS: [&str; 9] = [
    "cscript",
    "dotnet",
    "java",
    "javaw",
    "node",
    "perl",
    "powershell",
    "python",
    "wscript",
];

/// True for a folder whose files belong to many: one at the top, and those of Windows itself.
fn says_nothing(folder: &str) -> bool {
    if !path::is_of_windows(folder.as_bytes()) {
        return folder.matches('/').count() < 2;
    }
    let mut parts = path::parts(folder).filter(|part| !part.is_empty()).skip(1);
    let first = parts.next().unwrap_or_default();
    let is_shared = ["common files", "microsoft shared"];
    let second = parts.next();
    first.eq_ignore_ascii_case("windows")
        || second.is_none_or(|part| is_shared.iter().any(|one| one.eq_ignore_ascii_case(part)))
}

/// Why a lone written draft and a lone live one are still two needs.
fn speaks_against(written: &Draft, live: &Draft) -> bool {
    let shared = REGISTRY.kind(&written.kind).shared;
    let two_units = written.component.class == ComponentClass::Unit
        && live.component.class == ComponentClass::Unit;
    let job_and_service = written.component.class == ComponentClass::ScheduledJob
        && live.component.class == ComponentClass::Unit;
    let other_kind = live.certainty > Certainty::Habit
        && REGISTRY.kind(&live.kind).layer != REGISTRY.kind(&written.kind).layer;
    shared || two_units || is_of_two_containers(written, live) || job_and_service || other_kind
}

/// Every program asks the machine's resolver: one need, not one per program.
fn resolver_takes_all(live: &mut Vec<Draft>, alone: &mut [Draft]) {
    let machine_wide =
        |d: &&mut Draft| d.kind == "dns" && d.component.class == ComponentClass::File;
    if let Some(resolver) = alone.iter_mut().find(machine_wide) {
        for draft in live.drain(..) {
            resolver.absorb(draft);
        }
        return;
    }
    // The resolver's own file may have joined one program already: then that draft takes the others.
    let at = live
        .iter()
        .position(|d| d.kind == "dns" && d.products.iter().any(|p| p == "resolv"));
    if let Some(at) = at {
        let mut resolver = live.remove(at);
        for draft in live.drain(..) {
            resolver.absorb(draft);
        }
        live.push(resolver);
    }
}

/// A live draft of which only the port is known takes the one kind that was stated for this place.
fn settle_kinds(live: &mut [Draft], alone: &[Draft]) {
    let stated: BTreeSet<&String> = live
        .iter()
        .chain(alone)
        .filter(|d| d.certainty == Certainty::Stated && !REGISTRY.kind(&d.kind).shared)
        .map(|d| &d.kind)
        .collect();
    let Some(kind) = stated
        .first()
        .map(|k| (*k).clone())
        .filter(|_| stated.len() == 1)
    else {
        return;
    };
    for draft in live.iter_mut().filter(|d| d.kind == "other") {
        draft.kind.clone_from(&kind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(executable: &str) -> Program {
        Program {
            executable: Some(executable.into()),
            ..Program::default()
        }
    }

    #[test]
    fn a_products_name_in_the_path_relates_file_and_program() {
        assert!(carries(&program("/usr/lib/postfix/sbin/smtp"), "postfix"));
        assert!(carries(&program("/usr/sbin/sssd"), "sss"));
        assert!(!carries(&program("/usr/bin/postfixes"), "postfix"));
    }

    #[test]
    fn a_name_that_begins_another_is_related_and_a_longer_word_is_not() {
        assert!(is_one_name("shop", "shop-sync") && is_one_name("shop_sync", "shop"));
        assert!(!is_one_name("shop", "shopping") && !is_one_name("shop", "billing"));
        assert_eq!(names(&"/etc/erp/jobs.ini".into()), ["erp", "jobs"]);
        assert!(names(&"/srv/www/config.php".into()).is_empty());
    }

    #[test]
    fn a_file_below_the_working_directory_belongs_to_the_program() {
        let app = Program {
            working_directory: Some("/opt/app".into()),
            ..program("/usr/bin/python3")
        };
        assert!(lies_with(&"/opt/app/config/.env".into(), &app));
        assert!(!lies_with(&"/opt/application/.env".into(), &app));
        let anywhere = Program {
            working_directory: Some("/etc".into()),
            ..program("/usr/bin/python3")
        };
        assert!(!lies_with(&"/etc/hosts".into(), &anywhere));
    }

    #[test]
    fn what_lies_beside_a_program_of_windows_is_its_own() {
        let erp = program(r"C:\Program Files\Erp\bin\Erp.exe");
        assert!(lies_with(
            &r"c:\program files\ERP\bin\erp.exe.config".into(),
            &erp
        ));
        assert!(!lies_with(
            &r"C:\Program Files\Erp2\bin\erp.exe.config".into(),
            &erp
        ));
        let host = program(r"C:\Windows\System32\svchost.exe");
        assert!(!lies_with(
            &r"C:\Windows\System32\inetsrv\config\x.config".into(),
            &host
        ));
        let node = program(r"C:\Program Files\nodejs\node.exe");
        assert!(!lies_with(
            &r"C:\Program Files\nodejs\etc\npmrc.ini".into(),
            &node
        ));
        let job = Program {
            script: Some(r"D:\Jobs\nightly\run.ps1".into()),
            ..program(r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe")
        };
        assert!(lies_with(&r"D:\jobs\nightly\settings.json".into(), &job));
        assert!(!lies_with(&r"D:\Jobs\weekly\settings.json".into(), &job));
        assert!(carries(&program(r"C:\tools\Nginx\nginx.exe"), "nginx"));
        assert_eq!(
            names(&r"C:\Program Files\Erp\Jobs.ini".into()),
            ["erp", "jobs"]
        );
        assert!(names(&r"C:\inetpub\wwwroot\Web.config".into()).is_empty());
        assert_eq!(container_named(&r"C:\Apps\erp.exe".into()), None);
        let inner = container_named(&"shop:/usr/bin/app".into());
        assert_eq!(inner.as_deref(), Some("shop"));
    }

    #[test]
    fn a_unit_keeps_the_dots_of_its_name() {
        assert_eq!(stem(&"Foo.Bar.service".into()), "Foo.Bar");
        assert_eq!(stem(&"MSSQL$SQLEXPRESS.service".into()), "MSSQL$SQLEXPRESS");
        assert_eq!(stem(&"postgresql@15-main.service".into()), "postgresql");
    }
}
