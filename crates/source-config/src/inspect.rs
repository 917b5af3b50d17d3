//! One file: which rules read it, who stands behind it, what it says.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use groma_knowledge::RULES;
use groma_knowledge::rules::{Format, Rule, Shape};
use groma_model::fact::{Component, ComponentClass, NameAnswer, NameSource, Reference};
use groma_model::{Foreign, HostName, Peer, Reason};
use groma_source::disk::foreign;

use crate::another_form;
use crate::apply::{Place, REFERENCES_MAX, references};
use crate::fallbacks;
use crate::finds::Finds;
use crate::format;
use crate::generic::{Dialect, scan};
use crate::guess::guess;
use crate::judged::{is_on_a_drive, is_placed, lowered, spelt};
use crate::machine::{Machine, assignments_in};
use crate::patterns::{Pattern, Patterns};
use crate::placeholders;
use crate::script::{self, Beside};
use crate::select::drop_shipped;
use crate::settings::{Setting, Settings};
use crate::silence::{is_copy, is_other_matter, is_silent_path};
use crate::surroundings::{COMPOSITIONS, Surroundings};
use crate::switched;
use crate::telling::is_telling;
use crate::text::decode;
use crate::variables;

/// Formats in which `${name}` is the program's own business, not that of their reader here.
const SPELT_WITH_BRACES: &[Format] = &[
    Format::Equals,
    Format::Words,
    Format::Ini,
    Format::IniWhole,
    Format::Colon,
    Format::Blocks,
    Format::Yaml,
    Format::Toml,
    Format::Xml,
    Format::Logstash,
];

/// Formats in which a value may be taken from the environment.
const TAKES_FROM_ENVIRONMENT: &[Format] = &[
    Format::Php,
    Format::Python,
    Format::Perl,
    Format::Lua,
    Format::Javascript,
    Format::Ruby,
];

/// What a file said.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) references: Vec<Reference>,
    /// References that are not made yet, of a file that says nothing else.
    pub(crate) finds: Finds,
    pub(crate) names: Vec<NameAnswer>,
    /// Why something of the file may be missing.
    pub(crate) partial: Option<Reason>,
}

impl Said {
    /// Takes over what was found; a reference is large, so an empty list is replaced, not filled.
    fn add(&mut self, found: Vec<Reference>) {
        if found.is_empty() {
            return;
        }
        self.settle();
        if self.references.is_empty() {
            self.references = found;
        } else {
            self.references.extend(found);
        }
    }

    /// Takes over what a search found.
    fn add_finds(&mut self, finds: Finds) {
        if self.references.is_empty() && self.finds.all.is_empty() {
            self.finds = finds;
        } else {
            self.add(finds.references().collect());
        }
    }

    /// Makes references of all that was found.
    pub(crate) fn settle(&mut self) {
        let finds = std::mem::take(&mut self.finds);
        self.references.extend(finds.references());
    }

    /// True if the file names no machine, from here or from elsewhere.
    pub(crate) fn names_nobody(&self) -> bool {
        self.references.is_empty() && self.finds.all.is_empty()
    }

    /// True if there is nothing to say.
    pub(crate) fn is_nothing(&self) -> bool {
        self.names_nobody() && self.names.is_empty() && self.partial.is_none()
    }
}

/// Endings of files that hold keys and values, though no rule knows them.
const KEYED: &[&str] = &[".conf", ".cfg", ".cnf", ".ini", ".cf", ".config"];
/// Endings of programs: only literals in quotes count.
const PROGRAMS: &[&str] = &[
    ".py", ".php", ".js", ".mjs", ".cjs", ".rb", ".pl", ".pm", ".lua", ".tcl", ".inc", ".ps1",
    ".groovy",
];

/// Larger files below `/etc` that no rule knows are tables, not settings.
const GUESSED_MAX: usize = 256 << 10;

/// How a file is to be read, decided by its path alone.
pub(crate) struct Plan {
    /// The path as it is, perhaps not UTF-8.
    real: PathBuf,
    /// The path as text, for globs.
    path: String,
    /// The path as text, to find what lies beside it.
    spelt: String,
    rules: Vec<&'static Rule>,
}

/// A plan for the file at `path`, or `None` if nothing in it is of interest.
pub(crate) fn plan(real: &Path, machine: &Machine) -> Option<Plan> {
    let spelt = spelt(real).into_owned();
    let path = lowered(spelt.as_str().into()).into_owned();
    if is_copy(&path) {
        return None;
    }
    let covering = covering(&path);
    if covering.iter().any(|c| c.is_over(&path, machine))
        || (machine.is_left_over(&path) && !covering.iter().any(|c| machine.serves(&c.rule.units)))
    {
        return None;
    }
    let rules: Vec<&Rule> = covering
        .iter()
        .map(|covering| covering.rule)
        .filter(|rule| speaks_for(rule, &path, machine))
        .collect();
    // A rule that names a directory knows better than the list of silent paths and names.
    let named = covering
        .iter()
        .any(|c| c.names() && rules.iter().any(|rule| std::ptr::eq(*rule, c.rule)));
    if !named && (is_other_matter(&path) || is_silent_path(&path)) {
        return None;
    }
    // A table nobody mentions is switched off, whoever looks at it.
    if rules.is_empty() && covering.iter().any(|c| c.rule.mentioned.is_some()) {
        return None;
    }
    if rules.is_empty() && (belongs_to_units(&path) || path.starts_with("/var/spool/cron/")) {
        return None;
    }
    // Folders of programs hold what they were delivered with: only what a rule reads is somebody's settings.
    if rules.is_empty() && is_on_a_drive(&path) && is_delivered(&path) {
        return None;
    }
    Some(Plan {
        real: real.to_owned(),
        path,
        spelt,
        rules,
    })
}

/// True below `c:/program files` and its twin for programs of 32 bits.
fn is_delivered(path: &str) -> bool {
    let top = path.split('/').nth(1).unwrap_or_default();
    matches!(top, "program files" | "program files (x86)")
}

fn belongs_to_units(path: &str) -> bool {
    path.contains("/systemd/system/") || path.contains("/systemd/user/")
}

/// A rule that reads a file, and its globs that name the file.
struct Covering<'p> {
    rule: &'static Rule,
    by: Vec<&'p Pattern>,
}

impl Covering<'_> {
    /// True for a file of a product that gave way to another one, or of a version that is gone.
    fn is_over(&self, path: &str, machine: &Machine) -> bool {
        if self.rule.role.is_some() && machine.is_displaced(self.rule) {
            return true;
        }
        let part = |pattern: &&Pattern| {
            let rest = path.strip_prefix(pattern.prefix)?;
            rest.split('/')
                .next()
                .filter(|_| !pattern.glob.contains("**"))
        };
        self.rule.lives_with.is_some()
            && self
                .by
                .iter()
                .filter_map(part)
                .any(|part| machine.outlived(self.rule, part))
    }

    /// True if a glob names the file by its place.
    fn names(&self) -> bool {
        self.by
            .iter()
            .any(|pattern| is_placed(pattern.glob) && !pattern.glob.contains("**"))
    }
}

/// Globs of all rules, each with the number of its rule, and whether the rule leaves alone what it names.
static COVERED: LazyLock<Patterns<(usize, bool)>> = LazyLock::new(|| {
    let globs = RULES.iter().enumerate().flat_map(|(number, rule)| {
        let read = rule.files.iter().map(move |g| (g.as_str(), (number, true)));
        let left = rule.not_files.iter();
        read.chain(left.map(move |g| (g.as_str(), (number, false))))
    });
    Patterns::new(globs)
});

/// The rules that read the file at `path`, in their order.
fn covering(path: &str) -> Vec<Covering<'static>> {
    let mut found: Vec<(usize, bool, &'static Pattern)> = COVERED
        .of(path)
        .map(|(pattern, (number, read))| (*number, *read, pattern))
        .collect();
    found.sort_unstable_by_key(|(number, read, _)| (*number, *read));
    let mut out = Vec::new();
    for group in found.chunk_by(|a, b| a.0 == b.0) {
        // A glob that leaves the file alone stands before the ones that read it.
        let is_read = group.first().is_some_and(|(_, read, _)| *read);
        let rule = group.first().and_then(|(number, _, _)| RULES.get(*number));
        if let Some(rule) = rule.filter(|_| is_read) {
            let by = group.iter().map(|(_, _, pattern)| *pattern).collect();
            out.push(Covering { rule, by });
        }
    }
    out
}

/// True unless the file is switched off: a unit that does not run, a table nobody mentions.
fn speaks_for(rule: &Rule, path: &str, machine: &Machine) -> bool {
    if let Some(mention) = &rule.mentioned {
        return machine.is_mentioned(mention, path);
    }
    rule.format != Format::Unit || unit_of(path).is_some_and(|unit| machine.is_in_force(unit, path))
}

/// The unit a file in a unit directory is about: its own name, or that of the drop-in's directory.
fn unit_of(path: &str) -> Option<&str> {
    let (directory, name) = path.rsplit_once('/')?;
    let parent = directory.rsplit('/').next()?;
    if let Some(unit) = parent.strip_suffix(".d").filter(|p| p.contains('.')) {
        return name.ends_with(".conf").then_some(unit);
    }
    let known = [
        ".service",
        ".mount",
        ".automount",
        ".socket",
        ".timer",
        ".path",
        ".swap",
    ];
    known.iter().any(|k| name.ends_with(k)).then_some(name)
}

impl Plan {
    /// What the file says, out of its bytes.
    /// `beside` reads a file next to it: what a variable stands for may be written there.
    pub(crate) fn carry_out(&self, bytes: &[u8], machine: &Machine, beside: &dyn Beside) -> Said {
        let Some(text) = decode(bytes) else {
            return Said::default();
        };
        let text = script::without_dead(&self.path, &text);
        let reader = self.place(Format::Equals, &[], true, machine).component;
        let is_program = text.starts_with("#!");
        let beside = &Surroundings::new(beside, machine, &self.spelt, reader, is_program);
        let mut said = Said::default();
        let mut rules: Vec<&Rule> = self.rules.clone();
        // `/usr/local/bin/report` may be of any language: what is no shell's is not read as one.
        rules.retain(|r| r.id != "shell-script" || !is_of_another_language(&self.path, &text));
        // Named as markup, and written in another form: by its name it would say nothing.
        rules.retain(|r| r.format != Format::Xml || !r.application || is_markup(&text));
        if has_shebang_of_shell(&text)
            && !rules
                .iter()
                .any(|r| r.format == Format::Shell || r.format == Format::Unit)
        {
            rules.extend(RULES.iter().filter(|r| r.id == "shell-script"));
        }
        let specific = rules.iter().any(|r| !r.application);
        for rule in &rules {
            // A product's own rule knows its files; what applications in general say is for the others.
            if rule.application && specific {
                continue;
            }
            self.apply(rule, &text, machine, beside, &mut said);
        }
        self.follow(&text, machine, beside, &mut said);
        if rules.is_empty() {
            self.look_for_anything(&text, machine, beside, &mut said);
            if !said.names_nobody() && machine.is_vendors(&self.path, bytes) {
                return Said::default();
            }
        }
        // A public time server is in force as it was delivered; what other packages name are examples.
        let in_force = rules.iter().any(|rule| rule.role.is_some());
        if !said.names_nobody() && !in_force && machine.is_distributed(&self.path, bytes) {
            return Said::default();
        }
        said.add(machine.calls().within(&text, &self.path, || {
            let rule = rules.first().copied().unwrap_or(&KEYED_FILE);
            self.place(rule.format, &rule.units, rule.application, machine)
        }));
        let own = machine.own_names();
        if said.references.is_empty() && self.is_as_found(&said.finds, machine) {
            let may_be_own = own.concerns(&said.finds, &text);
            if !may_be_own || !said.finds.has_open_database() {
                if may_be_own {
                    own.drop_finds(&text, &self.path, &mut said.finds.all);
                }
                return said;
            }
        }
        said.settle();
        drop_vague(&mut said.references);
        self.weigh_by_script(machine, beside, &mut said);
        self.drop_neighbours(&text, beside, &mut said);
        own.drop(&text, &self.path, &mut said.references);
        crate::dialect::settle(&text, &mut said.references);
        for reference in &mut said.references {
            machine.aliases().settle(reference);
        }
        said.references.truncate(REFERENCES_MAX);
        if said.references.len() >= REFERENCES_MAX {
            said.partial = Some(Reason::BudgetExhausted);
        }
        said
    }

    /// True if nothing the machine knows besides can change what was found.
    fn is_as_found(&self, finds: &Finds, machine: &Machine) -> bool {
        let is_whole = finds.all.len() < REFERENCES_MAX;
        is_whole && !finds.may_mean_others() && self.script_of_its_name(machine).is_none()
    }

    /// The script whose settings these are, by its name.
    fn script_of_its_name<'m>(&self, machine: &'m Machine) -> Option<&'m str> {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        machine.script_named(stem).filter(|s| *s != self.path)
    }

    /// What a program of another language than the shell's knows when it calls somebody.
    fn follow(&self, text: &str, machine: &Machine, beside: &dyn Beside, said: &mut Said) {
        let Some(read) = script::reader(&self.path, text) else {
            return;
        };
        let Some(rule) = RULES.iter().find(|r| r.id == "script-calls") else {
            return;
        };
        let place = self.place(rule.format, &[], true, machine);
        let mut found = references(rule, &read(text, beside), &place);
        said.settle();
        // What stands there as it is was read already.
        found.retain(|new| {
            !said
                .references
                .iter()
                .any(|r| r.peer == new.peer && r.port == new.port && r.kind == new.kind)
        });
        once(&mut found);
        said.add(found);
    }

    /// The settings of a script that has their name: what the script does not take out of them is a hint.
    fn weigh_by_script(&self, machine: &Machine, beside: &dyn Beside, said: &mut Said) {
        let general = |r: &Reference| {
            r.rule == "peer"
                || r.rule == "url"
                || r.rule == "address"
                || r.rule.starts_with("common-")
        };
        if !said.references.iter().any(general) {
            return;
        }
        let Some(script) = self.script_of_its_name(machine) else {
            return;
        };
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let text = beside.text(script);
        let plan = plan(Path::new(script), machine);
        let (Some(text), Some(plan)) = (text, plan) else {
            return;
        };
        if !text.contains(name) {
            return;
        }
        let mut called = plan.carry_out(text.as_bytes(), machine, beside);
        called.settle();
        let called = called.references;
        let known: HashSet<&Peer> = called.iter().map(|r| &r.peer).collect();
        if known.is_empty() || !said.references.iter().any(|r| known.contains(&r.peer)) {
            return;
        }
        for reference in said.references.iter_mut().filter(|r| general(r)) {
            reference.weak |= !known.contains(&reference.peer);
        }
    }

    /// A bare name that is a service of the composition beside the file is another container of this machine.
    fn drop_neighbours(&self, text: &str, beside: &dyn Beside, said: &mut Said) {
        let bare =
            |r: &Reference| matches!(&r.peer, Peer::Name(name) if !name.as_str().contains('.'));
        if !said.references.iter().any(bare) {
            return;
        }
        let directory = self.spelt.rsplit_once('/').map_or("", |(head, _)| head);
        let mut services = HashSet::new();
        let own = self.rules.iter().any(|rule| rule.id == "compose");
        if own {
            services.extend(services_of(text));
        }
        for name in COMPOSITIONS.iter().filter(|_| !own) {
            let text = beside.text(&format!("{directory}/{name}"));
            services.extend(text.iter().flat_map(|text| services_of(text)));
        }
        said.references
            .retain(|r| !matches!(&r.peer, Peer::Name(name) if services.contains(name.as_str())));
    }

    fn apply(
        &self,
        rule: &Rule,
        text: &str,
        machine: &Machine,
        beside: &dyn Beside,
        said: &mut Said,
    ) {
        if rule.format == Format::Hosts {
            said.names = names(text);
            return;
        }
        let place = self.place(rule.format, &rule.units, rule.application, machine);
        let has_commands = rule.take.iter().any(|t| t.value == Shape::Command);
        let overruled = machine.overruled();
        let whole = !overruled.knows(&self.path);
        let from_environment =
            TAKES_FROM_ENVIRONMENT.contains(&rule.format) && fallbacks::are_in(text);
        let is_plain = whole
            && !from_environment
            && !is_telling(text, || rule.format)
            && !placeholders::are_in(text);
        if rule.generic && !has_commands && is_plain {
            let (found, cut) = scan(text, self.dialect(), place);
            said.add_finds(found);
            said.partial = said
                .partial
                .take()
                .or_else(|| cut.then_some(Reason::BudgetExhausted));
            return;
        }
        let mut settings = match rule.format {
            Format::Shell => script::shell(text, beside),
            Format::Powershell => script::powershell(text, beside),
            format => format::read(format, &rule.groups, text),
        };
        fallbacks::settle(&mut settings, beside);
        drop_shipped(rule, &mut settings);
        machine.mounts().spell_out(rule, &mut settings);
        variables::spell_out(&rule.variables, &mut settings);
        self.fill_in(rule, &place, text, machine, beside, &mut settings);
        let many = settings.all.len();
        switched::drop_off(&mut settings, &rule.off_with);
        // Where a group is switched off, a line of another form may belong to it.
        let is_on = whole && settings.all.len() == many;
        settings
            .all
            .retain(|setting| whole || !overruled.covers(&self.path, setting));
        if settings.partial {
            said.partial = Some(Reason::Malformed);
        }
        if is_about_others(rule, &settings) {
            return;
        }
        if rule.members {
            machine.drop_own_sections(&mut settings);
        }
        let mut found = references(rule, &settings, &place);
        if rule.format == Format::Shell
            && let Some(calls) = RULES.iter().find(|r| r.id == "script-calls")
        {
            // A program of another language within the script.
            settings.all.retain(|s| s.group >= script::INNER);
            found.extend(references(calls, &settings, &place));
        }
        found.retain(|r| !matches!(&r.peer, Peer::Name(name) if rule.id == "nginx" && machine.is_upstream(name.as_str())));
        if settings.partial && rule.generic {
            // What the reader could not take apart is still searched for URLs.
            let (finds, _) = scan(text, self.dialect(), place);
            if found.is_empty() {
                return said.add_finds(finds);
            }
            found.extend(finds.references());
        } else if rule.generic && is_on {
            let dialect = self.dialect();
            let others = another_form::references(text, rule.format, dialect, place, &found);
            found.extend(others);
        }
        once(&mut found);
        said.add(found);
    }

    /// Variables become what they stand for, in formats whose reader does not do so itself.
    fn fill_in(
        &self,
        rule: &Rule,
        place: &Place,
        text: &str,
        machine: &Machine,
        beside: &dyn Beside,
        settings: &mut Settings,
    ) {
        if !text.contains('$') {
            return;
        }
        let mut services: Vec<&str> = place.component.name.as_str().into_iter().collect();
        services.extend(rule.units.iter().map(String::as_str));
        services.push(&rule.id);
        let given: Vec<_> = services.iter().filter_map(|s| machine.given(s)).collect();
        if rule.format == Format::Unit {
            for setting in settings
                .all
                .iter_mut()
                .filter(|s| s.key.starts_with("Exec"))
            {
                for known in &given {
                    setting.value = format::expand(&setting.value, known);
                }
            }
            return;
        }
        // A file of variables that a library reads may name one before it is set, as no shell would allow.
        let variables_alone = rule.format == Format::Shell && rule.application;
        if !SPELT_WITH_BRACES.contains(&rule.format) && !variables_alone {
            return;
        }
        let near = self.given_nearby(beside, &rule.environment);
        placeholders::fill_in(settings, &|name| {
            let mut known = given.iter().filter_map(|known| known.get(name));
            known.next().or_else(|| near.get(name)).cloned()
        });
    }

    /// Variables of the files beside this one, and of those its product reads.
    fn given_nearby(&self, beside: &dyn Beside, named: &[String]) -> BTreeMap<String, String> {
        let directory = self.spelt.rsplit_once('/').map_or("", |(head, _)| head);
        let above = directory.rsplit_once('/').map_or("", |(head, _)| head);
        let mut out = BTreeMap::new();
        let own = [
            format!("{directory}/.env"),
            format!("{above}/bin/setenv.sh"),
        ];
        for text in own.iter().chain(named).filter_map(|path| beside.text(path)) {
            for (name, value) in assignments_in(&text) {
                // `-Dname=value`: the properties a Java program is started with.
                let words = value
                    .split_whitespace()
                    .filter_map(|w| w.strip_prefix("-D"));
                for (property, given) in words.filter_map(|word| word.split_once('=')) {
                    out.entry(property.to_owned())
                        .or_insert_with(|| given.to_owned());
                }
                out.entry(name).or_insert(value);
            }
        }
        out
    }

    fn look_for_anything(
        &self,
        text: &str,
        machine: &Machine,
        beside: &dyn Beside,
        said: &mut Said,
    ) {
        let place = self.place(Format::Equals, &[], true, machine);
        let is_keyed = || self.ends_with(KEYED) && is_telling(text, || guess(text));
        let is_program = is_of_another_language(&self.path, text);
        if !is_program && (self.is_of_the_system(text) || is_keyed()) {
            let mut settings = format::read(guess(text), &[], text);
            self.fill_in(&KEYED_FILE, &place, text, machine, beside, &mut settings);
            switched::drop_off(&mut settings, &[]);
            let mut found = references(&KEYED_FILE, &settings, &place);
            once(&mut found);
            said.add(found);
        }
        let dialect = if is_program {
            Dialect::Program
        } else {
            self.dialect()
        };
        let (mut found, cut) = scan(text, dialect, place);
        let known: HashSet<(u32, &Peer)> =
            said.references.iter().map(|r| (r.line, &r.peer)).collect();
        found
            .all
            .retain(|(line, find)| known.is_empty() || !known.contains(&(*line, &find.peer)));
        said.add_finds(found);
        said.partial = cut.then_some(Reason::BudgetExhausted);
    }

    /// True for settings below `/etc` whose name does not say that they are a copy (`msmtprc.2019`).
    fn is_of_the_system(&self, text: &str) -> bool {
        let tail = self.path.rsplit(['/', '.']).next().unwrap_or_default();
        self.path.starts_with("/etc/")
            && text.len() <= GUESSED_MAX
            && !self.ends_with(PROGRAMS)
            && !tail.bytes().all(|b| b.is_ascii_digit())
    }

    fn ends_with(&self, endings: &[&str]) -> bool {
        endings.iter().any(|e| self.path.ends_with(e))
    }

    fn dialect(&self) -> Dialect {
        if self.ends_with(PROGRAMS) {
            Dialect::Program
        } else {
            Dialect::Settings
        }
    }

    fn place(
        &self,
        format: Format,
        units: &[String],
        application: bool,
        machine: &Machine,
    ) -> Place {
        let path = self.real.as_path();
        let file = foreign(path);
        let mut place = Place {
            component: machine.component(path, units, application),
            file: file.clone(),
            rhythm: None,
            is_crontab: matches!(
                format,
                Format::CronSystem | Format::CronUser | Format::Anacron
            ),
        };
        if format == Format::Unit {
            let unit = unit_of(&self.path).unwrap_or_default();
            place.component = Component {
                class: ComponentClass::Unit,
                name: Foreign::from(unit),
            };
        }
        if let Some(starter) = machine
            .starter(&self.path)
            .filter(|_| units.is_empty() && !machine.claims_file(&self.path))
        {
            place.component = starter.component.clone();
            place.rhythm = starter.rhythm.clone();
        }
        if let Some(rhythm) = run_parts_rhythm(&self.path) {
            place.component = Component {
                class: ComponentClass::ScheduledJob,
                name: file,
            };
            place.rhythm = Some(rhythm.to_owned());
        }
        if place.component.class == ComponentClass::Unit {
            place.rhythm = place
                .component
                .name
                .as_str()
                .and_then(|unit| machine.rhythm(unit))
                .cloned();
        }
        place
    }
}

/// Who reads line `line` of the file at `path`, whether or not anything is to be taken from it.
pub(crate) fn component_of(real: &Path, line: u32, machine: &Machine) -> Component {
    let spelt = spelt(real).into_owned();
    let path = lowered(spelt.as_str().into()).into_owned();
    let rule = covering(&path).first().map(|covering| covering.rule);
    let rule = rule.unwrap_or(&*KEYED_FILE);
    let plan = Plan {
        real: real.to_owned(),
        path,
        spelt,
        rules: Vec::new(),
    };
    let application = rule.application || rule.units.is_empty();
    let place = plan.place(rule.format, &rule.units, application, machine);
    let setting = Setting {
        line,
        group: 0,
        section: String::new(),
        key: String::new(),
        value: String::new(),
        conditional: false,
    };
    place.component(&setting).0
}

/// A rule without takes of its own: what any file of keys and values may say.
static KEYED_FILE: LazyLock<Rule> = LazyLock::new(|| Rule {
    id: "keyed-file".to_owned(),
    product: "application".to_owned(),
    units: Vec::new(),
    files: Vec::new(),
    not_files: Vec::new(),
    format: Format::Ini,
    groups: Vec::new(),
    defaults: Vec::new(),
    mentioned: None,
    role: None,
    elsewhere: Vec::new(),
    variables: Vec::new(),
    environment: Vec::new(),
    off_with: Vec::new(),
    members: false,
    lives_with: None,
    selected: Vec::new(),
    generic: true,
    application: true,
    take: Vec::new(),
});

/// The names under which the containers of a composition know each other, lower case.
fn services_of(text: &str) -> HashSet<String> {
    let settings = format::read(Format::Yaml, &[], text);
    let names = settings.all.iter().filter_map(|s| {
        let mut parts = s.section.split('/');
        (parts.next() == Some("services")).then(|| parts.next().unwrap_or(&s.key))
    });
    names.map(str::to_ascii_lowercase).collect()
}

/// True for a play or an inventory: a file about machines somebody manages from here.
fn is_about_others(rule: &Rule, settings: &Settings) -> bool {
    if rule.elsewhere.is_empty() {
        return false;
    }
    let known = |word: &&str| rule.elsewhere.iter().flatten().any(|w| w == word);
    let words: HashSet<&str> = settings
        .all
        .iter()
        .flat_map(|s| [first_word(s), s.key.as_str()])
        .filter(known)
        .collect();
    let all = |list: &Vec<String>| list.iter().all(|word| words.contains(word.as_str()));
    rule.elsewhere.iter().any(all)
}

/// The outermost section, or the key where there is none.
fn first_word(setting: &Setting) -> &str {
    let outermost = setting.section.split('/').next().unwrap_or_default();
    if outermost.is_empty() {
        &setting.key
    } else {
        outermost
    }
}

/// A script that cron runs by directory: it is a job by itself.
fn run_parts_rhythm(path: &str) -> Option<&'static str> {
    let rest = path.strip_prefix("/etc/cron.")?;
    ["hourly", "daily", "weekly", "monthly"]
        .into_iter()
        .find(|word| rest.strip_prefix(word).is_some_and(|r| r.starts_with('/')))
}

/// True for a program that says by its first line or its ending that it is no shell's.
fn is_of_another_language(path: &str, text: &str) -> bool {
    let by_ending = PROGRAMS.iter().any(|ending| path.ends_with(ending));
    by_ending || (text.starts_with("#!") && !has_shebang_of_shell(text))
}

/// True for what may be XML: nothing stands before its first element, declaration or comment.
fn is_markup(text: &str) -> bool {
    let start = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    start.is_empty() || start.starts_with('<')
}

fn has_shebang_of_shell(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    let Some(line) = first.strip_prefix("#!") else {
        return false;
    };
    // `/usr/bin/env -S bash -e`: the first word that is no option and not `env`.
    let program = line
        .split_whitespace()
        .filter_map(|word| word.rsplit('/').next())
        .find(|word| *word != "env" && !word.starts_with('-'));
    program.is_some_and(|p| ["sh", "bash", "dash", "ksh", "zsh", "ash", "rbash"].contains(&p))
}

/// A machine behind some variable, where a call of the same file says what it is needed for.
fn drop_vague(references: &mut Vec<Reference>) {
    let is_vague = |r: &Reference| r.rule == "peer" && r.kind == "other" && r.port.is_none();
    if !references.iter().any(is_vague) {
        return;
    }
    let told: HashSet<Peer> = references
        .iter()
        .filter(|r| !is_vague(r) && !r.weak)
        .map(|r| r.peer.clone())
        .collect();
    references.retain(|r| !is_vague(r) || !told.contains(&r.peer));
}

/// The same machine, key and line once.
fn once(references: &mut Vec<Reference>) {
    let mut seen = HashSet::new();
    references.retain(|r| {
        seen.insert((
            r.line,
            r.key.clone(),
            r.peer.clone(),
            r.port,
            r.kind.clone(),
        ))
    });
}

fn names(text: &str) -> Vec<NameAnswer> {
    let mut by_name: BTreeMap<HostName, Vec<IpAddr>> = BTreeMap::new();
    for (name, address) in format::hosts(text) {
        let addresses = by_name.entry(name).or_default();
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    let answer = |(name, mut addresses): (HostName, Vec<IpAddr>)| {
        addresses.sort();
        NameAnswer {
            asked: Peer::Name(name),
            by: NameSource::HostsFile,
            aliases: Vec::new(),
            addresses,
            names: Vec::new(),
            ttl_seconds: None,
        }
    };
    by_name.into_iter().map(answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_units_file_is_known_by_name_and_drop_in() {
        assert_eq!(unit_of("/etc/systemd/system/a.service"), Some("a.service"));
        assert_eq!(
            unit_of("/etc/systemd/system/a.service.d/x.conf"),
            Some("a.service")
        );
        assert_eq!(unit_of("/etc/systemd/system/x.target"), None);
    }

    #[test]
    fn every_rule_covers_what_its_globs_say() {
        let covers =
            |id: &str, path: &str| covering(path).iter().any(|covering| covering.rule.id == id);
        assert!(covers("environment-file", "/srv/app/.env"));
        assert!(covers("cron-system", "/etc/cron.d/backup"));
        assert!(!covers("cron-system", "/etc/cron.daily/backup"));
        assert!(covers("postfix", "/etc/postfix/main.cf"));
    }

    #[test]
    fn scripts_of_run_parts_have_a_rhythm() {
        assert_eq!(
            run_parts_rhythm("/etc/cron.monthly/report"),
            Some("monthly")
        );
        assert_eq!(run_parts_rhythm("/etc/cron.d/report"), None);
    }
}
