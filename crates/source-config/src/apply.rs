//! Rules applied: settings → references.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use groma_knowledge::rules::{COMMON_KEYS, Format, Rule, Shape, Take};
use groma_model::fact::{Component, ComponentClass, Reference};
use groma_model::name::Protection;
use groma_model::registry::REGISTRY;
use groma_model::{Foreign, Port, Transport};

use crate::glob::{any_word, capture, matches_word};
use crate::peers::{Context, is_own, machines, may_list_machines, options, served_by_web, told};
use crate::quick::QuickBuilder;
use crate::select::Selection;
use crate::settings::{Setting, Settings};
use crate::switched::is_switch_off;
use crate::value::{
    Target, account, connection_string, find_urls, is_reading_matter, mechanism, principal,
    resource, targets,
};

/// References one file may give; what comes after is a gap.
pub(crate) const REFERENCES_MAX: usize = 2_000;

/// Where references of a file stand and who reads it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The file.
    pub(crate) file: Foreign,
    /// Who reads it.
    pub(crate) component: Component,
    /// How often whoever reads it does so, where a clock starts it.
    pub(crate) rhythm: Option<String>,
    /// True for a crontab: every line is a job of its own.
    pub(crate) is_crontab: bool,
}

impl Place {
    /// Who stands behind a line: in a crontab the job, named as the host source names it.
    pub(crate) fn component(&self, setting: &Setting) -> (Component, Option<String>) {
        if !self.is_crontab {
            return (self.component.clone(), self.rhythm.clone());
        }
        let mut name = self.file.as_bytes().to_vec();
        name.extend_from_slice(format!(":{}", setting.line).as_bytes());
        let component = Component {
            class: ComponentClass::ScheduledJob,
            name: Foreign::from_bytes(name),
        };
        (
            component,
            crate::format::rhythm(&setting.section).map(str::to_owned),
        )
    }
}

/// References a rule finds among settings, in their order.
pub(crate) fn references(rule: &Rule, settings: &Settings, place: &Place) -> Vec<Reference> {
    let siblings = Siblings::of(settings, &rule.defaults);
    let selection = Selection::of(rule, settings);
    let mut out = Vec::new();
    for setting in &settings.all {
        if out.len() >= REFERENCES_MAX {
            break;
        }
        let before = out.len();
        // Whatever an application calls `vendor.url` or `help.url` is for people to read.
        let own = rule.application && is_own(&setting.key);
        let takes = rule
            .take
            .iter()
            .filter(|take| !own || !is_any_address(take));
        let taken = take_one(&rule.id, takes, &siblings, setting, place, &mut out);
        if rule.generic && !taken && !siblings.are_off(setting) {
            let taken = take_one(
                "common",
                COMMON.that_may_know(&setting.key),
                &siblings,
                setting,
                place,
                &mut out,
            );
            if !taken && out.len() == before {
                urls(setting, &siblings, place, &mut out);
            }
            if !taken && out.len() == before {
                peers(setting, &siblings, place, &mut out);
            }
        }
        // `CATALINA_OPTS="-Dlicence.server=…"` in a script is a line of options, whoever reads it.
        if rule.format == Format::Shell && !rule.generic && setting.key != "command" {
            given_options(setting, place, &mut out);
        }
        for reference in out.iter_mut().skip(before).filter(|_| rule.generic) {
            let key = siblings.name_of(setting);
            let kind = match reference.kind.as_str() {
                "http" => served_by_web(key, &setting.section),
                // `udp://` and the like leave it to the key.
                "other" => told(key, &setting.section)
                    .or_else(|| siblings.type_beside(setting))
                    .or_else(|| siblings.sql_beside(setting)),
                _ => None,
            };
            if let Some(kind) = kind {
                kind.clone_into(&mut reference.kind);
            }
        }
        let idle = out.len() > before && (setting.conditional || selection.idle(setting).is_some());
        for reference in out.iter_mut().skip(before).filter(|_| idle) {
            reference.weak = true;
        }
    }
    out
}

/// Takes that hold for every file, by the ends of the keys they know: hundreds of globs are held against every key.
struct Common {
    /// Takes with a glob whose last four letters are these, in their order.
    by_end: HashMap<[u8; 4], Vec<usize>, QuickBuilder>,
    /// Takes with a glob that says less of a key's end.
    others: Vec<usize>,
}

static COMMON: LazyLock<Common> = LazyLock::new(|| {
    let mut common = Common {
        by_end: HashMap::default(),
        others: Vec::new(),
    };
    for (number, take) in COMMON_KEYS.take.iter().enumerate() {
        for glob in &take.keys {
            let end = glob.rsplit(['*', ']']).next().unwrap_or(glob);
            let numbers = match end.as_bytes().last_chunk() {
                Some(end) => common.by_end.entry(*end).or_default(),
                None => &mut common.others,
            };
            if numbers.last() != Some(&number) {
                numbers.push(number);
            }
        }
    }
    common
});

impl Common {
    /// In their order, all takes but those whose globs end in other letters than `key`.
    fn that_may_know(&self, key: &str) -> impl Iterator<Item = &'static Take> {
        let end = key.as_bytes().last_chunk::<4>();
        let lower = end.map(|end| end.map(|b| b.to_ascii_lowercase()));
        let known = lower.and_then(|end| self.by_end.get(&end));
        let mut numbers =
            [known, Some(&self.others)].map(|list| list.into_iter().flatten().peekable());
        std::iter::from_fn(move || {
            let [known, others] = &mut numbers;
            let next = match (known.peek(), others.peek()) {
                (Some(a), Some(b)) if a > b => others.next(),
                (Some(_), _) => known.next(),
                _ => others.next(),
            };
            next.map(|number| COMMON_KEYS.take.get(*number))
        })
        .flatten()
    }
}

/// True for a take of any web address whatever it is for.
fn is_any_address(take: &Take) -> bool {
    take.value == Shape::Urls && take.kind == "http"
}

/// Tries the takes in order; true if one of them knew the setting, whether or not it named anybody.
fn take_one<'t>(
    rule: &str,
    takes: impl Iterator<Item = &'t Take>,
    siblings: &Siblings<'_>,
    setting: &Setting,
    place: &Place,
    out: &mut Vec<Reference>,
) -> bool {
    let key = setting.key.to_ascii_lowercase();
    for take in takes {
        let Some(star) = take.keys.iter().find_map(|glob| capture(glob, &key)) else {
            continue;
        };
        let family = Family {
            siblings,
            setting,
            star,
        };
        if !family.fits(take) {
            continue;
        }
        if take.ignore.is_empty() || !any_word(&take.ignore, &setting.value) {
            out.extend(read(rule, take, &family, place));
        }
        return true;
    }
    false
}

/// Any URL or connection string in a value, kind by its scheme.
fn urls(setting: &Setting, siblings: &Siblings<'_>, place: &Place, out: &mut Vec<Reference>) {
    if !setting.value.contains("://") && !setting.value.contains("jdbc:") {
        for target in connection_string(&setting.value) {
            out.push(reference("connection-string", None, setting, target, place));
        }
        return;
    }
    // A value that talks about URLs is no setting: it begins with one, or has no spaces before it.
    for found in find_urls(&setting.value) {
        let head = setting.value.get(..found.start).unwrap_or_default();
        // A literal is a value only as a whole: `"Location: https://…"` and `"see http://…"` are sentences.
        let part = setting.key == "literal" && head.contains(char::is_whitespace);
        let prose = part || is_prose(head);
        // `--web.external-url=https://…`: the word before it says whose address it is.
        let option = head.rsplit(char::is_whitespace).next().unwrap_or_default();
        let own = option.starts_with('-') && is_own(option);
        let name = siblings.name_of(setting);
        for target in found.targets {
            if prose || own || is_own(name) || is_reading_matter(name, &target) {
                continue;
            }
            out.push(reference("url", None, setting, target, place));
        }
    }
}

/// True if what stands before a URL makes it part of a sentence. A colon ends `Note on the new service:` as well as a
/// key; three words before it are no key.
fn is_prose(head: &str) -> bool {
    let end = head.trim_end();
    let words = head.split_whitespace().count();
    let sentence = end.ends_with(':') && words > 3 && !head.contains(['=', '"', '\'', '-', '$']);
    sentence
        || end.ends_with("href=\"")
        || (words > 0
            && head.contains(char::is_whitespace)
            && !end.ends_with(['=', ':', '"', '\'', '(', ',', '@', '|']))
}

/// Machines behind a key that speaks of one, though no rule knows it.
fn peers(setting: &Setting, siblings: &Siblings<'_>, place: &Place, out: &mut Vec<Reference>) {
    if given_options(setting, place, out) || !may_list_machines(&setting.value) {
        return;
    }
    let path = place.file.to_string();
    let key = siblings.name_of(setting);
    let Some(context) = Context::of(key, &setting.section, &path) else {
        return;
    };
    let port = siblings.port_beside(setting);
    for target in machines(&setting.value, &context, port) {
        if !is_reading_matter(&setting.key, &target) {
            out.push(reference("peer", None, setting, target, place));
        }
    }
}

/// Machines among the options of a program; true if the value is a line of options.
fn given_options(setting: &Setting, place: &Place, out: &mut Vec<Reference>) -> bool {
    let path = place.file.to_string();
    let given = options(&setting.value);
    for (option, value) in &given {
        let Some(context) = Context::of(option, &setting.section, &path) else {
            continue;
        };
        let beside = option
            .to_ascii_lowercase()
            .strip_suffix("host")
            .map(|stem| format!("{stem}port"))
            .and_then(|name| {
                given
                    .iter()
                    .find(|(key, _)| key.eq_ignore_ascii_case(&name))
            });
        let port = beside.and_then(|(_, port)| port.parse().ok()).map(Port);
        for target in machines(value, &context, port) {
            out.push(reference("peer", None, setting, target, place));
        }
    }
    !given.is_empty()
}

fn read(rule: &str, take: &Take, family: &Family<'_>, place: &Place) -> Vec<Reference> {
    let setting = family.setting;
    let whole = if take.from_key {
        format!("{} {}", setting.key, setting.value)
    } else {
        String::new()
    };
    let text = if take.from_key {
        whole.as_str()
    } else {
        setting.value.as_str()
    };
    let name = take
        .id
        .as_ref()
        .map_or_else(|| rule.to_owned(), |id| format!("{rule}-{id}"));
    let mut out = Vec::new();
    for mut target in targets(take.value, text) {
        if is_reading_matter("", &target) && !matches!(take.value, Shape::Host | Shape::Hosts) {
            continue;
        }
        let peer = target.peer.to_string();
        // Nobody can be called by a name that is reserved for nobody (RFC 2606).
        if peer.ends_with(".invalid") || (!take.ignore.is_empty() && any_word(&take.ignore, &peer))
        {
            continue;
        }
        family.complete(take, &mut target);
        out.push(reference(&name, Some(take), setting, target, place));
    }
    out
}

fn reference(
    rule: &str,
    take: Option<&Take>,
    setting: &Setting,
    target: Target,
    place: &Place,
) -> Reference {
    let transport = target
        .transport
        .or(take.map(|t| t.transport))
        .unwrap_or(Transport::Tcp);
    let port = target
        .port
        .or(target.default_port)
        .or(take.and_then(|t| t.port).map(Port));
    let (component, rhythm) = place.component(setting);
    let kind = kind(
        take.map_or("other", |t| t.kind.as_str()),
        target.kind,
        target.port,
        transport,
    );
    // Who names a machine in a script says no transport; these services have one only.
    let transport = match target.transport {
        None if is_datagram(&kind) => Transport::Udp,
        _ => transport,
    };
    Reference {
        rule: rule.to_owned(),
        file: place.file.clone(),
        line: setting.line,
        key: shown_key(setting, take.is_some_and(|t| t.from_key)),
        peer: target.peer,
        port,
        transport,
        kind,
        component,
        resource: target.resource.map(Foreign::from),
        account: target.account.map(Foreign::from),
        protection: target.protection.or(take.and_then(|t| t.protection)),
        mechanism: target.mechanism,
        has_secret: target.has_secret,
        rhythm,
        weak: take.is_some_and(|t| t.weak),
    }
}

/// True for kinds that are spoken in datagrams, whatever a rule left open.
fn is_datagram(kind: &str) -> bool {
    matches!(kind, "snmp" | "ntp")
}

/// The kind a rule states wins over the one a scheme suggests, unless the rule leaves it open; a written
/// port tells where both leave it open.
pub(crate) fn kind(
    stated: &str,
    said: Option<&str>,
    port: Option<Port>,
    transport: Transport,
) -> String {
    let open = |kind: &str| matches!(kind, "other" | "http");
    let said_closed = said.filter(|k| !open(k));
    let word = match (stated, said_closed) {
        // `tcp://` is no web: the port tells.
        ("http", None) if said == Some("other") => "other",
        (_, Some(said)) if open(stated) || stated == "smtp-relay" || stated == "monitoring" => said,
        ("other", None) => said.filter(|k| *k != "other").unwrap_or("other"),
        (stated, _) => stated,
    };
    let by_port = port
        .filter(|_| word == "other")
        .and_then(|p| kind_by_port(p, transport));
    match (word, port) {
        // The same server, asked where one logs on first.
        ("smtp-relay", Some(Port(587 | 465))) => "smtp-submission".to_owned(),
        _ => by_port.unwrap_or(word).to_owned(),
    }
}

/// The registry's habits by port, as a table: a scan asks for every address it meets.
static KINDS_BY_PORT: LazyLock<HashMap<(Port, Transport), &'static str, QuickBuilder>> =
    LazyLock::new(|| {
        let kinds = REGISTRY.dependencies.values();
        kinds
            .flat_map(|kind| {
                kind.endpoints()
                    .map(|endpoint| (endpoint, kind.name.as_str()))
            })
            .collect()
    });

/// The dependency kind a port has by habit.
pub(crate) fn kind_by_port(port: Port, transport: Transport) -> Option<&'static str> {
    KINDS_BY_PORT.get(&(port, transport)).copied()
}

/// The key with its sections for formats that nest: `DATABASES.default.HOST`.
fn shown_key(setting: &Setting, from_key: bool) -> String {
    let long = if from_key && !setting.section.is_empty() {
        // The key itself is the machine: what is around it is the name of the list.
        shown_section(&setting.section)
    } else if setting.key.bytes().all(|b| b.is_ascii_digit()) && setting.section.contains('.') {
        // An argument of a call.
        shown_section(&setting.section)
    } else if setting.key.bytes().all(|b| b.is_ascii_digit()) {
        format!("column {}", setting.key)
    } else if setting.section.is_empty() || setting.key == "command" {
        harmless(&setting.key).to_owned()
    } else {
        let key = harmless(&setting.key);
        format!("{}.{key}", shown_section(&setting.section))
    };
    long.chars().filter(|c| !c.is_control()).take(160).collect()
}

/// Sections as a person reads them; one that carries a login says nothing of it.
fn shown_section(section: &str) -> String {
    harmless(section).replace('/', ".")
}

/// A name that is a URL or has somebody's login in it is not shown: what stands before `@` may be a secret.
fn harmless(name: &str) -> &str {
    let login = name.find('@').is_some_and(|at| at > 0);
    if login || name.contains("://") {
        "***"
    } else {
        name
    }
}

/// Settings by group, for looking beside one.
struct Siblings<'s> {
    groups: BTreeMap<u32, HashMap<String, &'s Setting>>,
    /// Groups that say of themselves that they are switched off, each asked once: a group may be the whole file.
    off: BTreeSet<u32>,
}

impl<'s> Siblings<'s> {
    fn of(settings: &'s Settings, defaults: &[String]) -> Self {
        let mut groups: BTreeMap<u32, HashMap<String, &'s Setting>> = BTreeMap::new();
        for setting in &settings.all {
            groups
                .entry(setting.group)
                .or_default()
                .entry(setting.key.to_ascii_lowercase())
                .or_insert(setting);
        }
        let off = |(number, group): (&u32, &HashMap<String, &'s Setting>)| {
            let says = group.values().any(|beside| is_switch_off(beside));
            says.then_some(*number)
        };
        let off = groups.iter().filter_map(off).collect();
        if !defaults.is_empty() {
            inherit(&mut groups, defaults);
        }
        Self { groups, off }
    }

    /// True if something beside the setting says that all of it is switched off: `enabled = false`, `Aktiv=0`.
    fn are_off(&self, setting: &Setting) -> bool {
        self.off.contains(&setting.group)
    }

    /// What a value is called: in `<Parameter name="helpUrl" value="…"/>` its sibling says it.
    fn name_of<'t>(&'t self, setting: &'t Setting) -> &'t str {
        let bare = setting.key.trim_start_matches('@');
        if !bare.eq_ignore_ascii_case("value") {
            return &setting.key;
        }
        let group = self.groups.get(&setting.group);
        let name = |key: &str| group?.get(key).map(|s| s.value.as_str());
        ["@name", "name", "@key", "key"]
            .into_iter()
            .find_map(name)
            .unwrap_or(&setting.key)
    }

    /// What `type: redis` or `driver = mysqli` beside a machine says of it.
    fn type_beside(&self, setting: &Setting) -> Option<&'static str> {
        let group = self.groups.get(&setting.group)?;
        let types = [
            "type", "driver", "engine", "adapter", "backend", "@type", "phptype", "dbtype",
        ];
        let said = types.iter().filter_map(|name| group.get(*name));
        // In a flat file the word is about the whole of it, not about one machine.
        let near = |beside: &&&Setting| beside.line.abs_diff(setting.line) <= 12;
        said.filter(near).find_map(|beside| told(&beside.value, ""))
    }

    /// `sql` if a bare `host` has a bare `database` beside it, as only databases have.
    fn sql_beside(&self, setting: &Setting) -> Option<&'static str> {
        let key = setting.key.trim_start_matches('@').to_ascii_lowercase();
        let bare = matches!(key.as_str(), "host" | "hostname" | "server" | "address");
        let group = self.groups.get(&setting.group).filter(|_| bare)?;
        let names = ["database", "dbname", "db_name", "databasename", "@database"];
        names
            .iter()
            .any(|name| group.contains_key(*name))
            .then_some("sql")
    }

    /// The port beside a machine: `cache_port` beside `cache_host`, else plain `port`.
    fn port_beside(&self, setting: &Setting) -> Option<Port> {
        let group = self.groups.get(&setting.group)?;
        let key = setting.key.to_ascii_lowercase();
        let stem = key.trim_end_matches(|c: char| c.is_ascii_alphanumeric());
        let bare = key.trim_end_matches(|c: char| c.is_ascii_digit());
        let fused = bare
            .trim_end_matches("name")
            .trim_end_matches("host")
            .trim_end_matches("server");
        [
            format!("{stem}port"),
            format!("{fused}port"),
            format!("{key}port"),
            format!("{key}_port"),
            "port".to_owned(),
        ]
        .iter()
        .filter_map(|name| group.get(name))
        .find_map(|beside| beside.value.trim().parse::<u16>().ok())
        .filter(|port| *port != 0)
        .map(Port)
    }
}

/// Gives every group what the defaults before it say, where it says nothing itself.
fn inherit(groups: &mut BTreeMap<u32, HashMap<String, &Setting>>, defaults: &[String]) {
    let mut given: HashMap<String, &Setting> = HashMap::new();
    for group in groups.values_mut() {
        if defaults.iter().any(|key| group.contains_key(key)) {
            let more = group.iter().filter(|(key, _)| !defaults.contains(key));
            given.extend(more.map(|(key, setting)| (key.clone(), *setting)));
            continue;
        }
        for (key, setting) in &given {
            group.entry(key.clone()).or_insert(setting);
        }
    }
}

/// A setting, what stands beside it, and what the star of its key's glob stands for.
struct Family<'a> {
    siblings: &'a Siblings<'a>,
    setting: &'a Setting,
    star: &'a str,
}

impl Family<'_> {
    fn fits(&self, take: &Take) -> bool {
        let section = self.setting.section.to_ascii_lowercase();
        let in_section = take.sections.is_empty()
            || take
                .sections
                .iter()
                .any(|glob| matches_word(glob, &section));
        in_section
            && take
                .when
                .iter()
                .all(|(key, globs)| self.value(key).is_some_and(|v| any_word(globs, v)))
            && !take
                .unless
                .iter()
                .any(|(key, globs)| self.value(key).is_some_and(|v| any_word(globs, v)))
    }

    /// The value of a sibling. `*` in its name is filled with the star; where nothing filled it, it is a glob.
    fn value(&self, key: &str) -> Option<&str> {
        if key.eq_ignore_ascii_case(&self.setting.key) {
            return Some(&self.setting.value);
        }
        let group = self.siblings.groups.get(&self.setting.group)?;
        let exact = key.replace('*', self.star);
        if let Some(found) = group.get(&exact) {
            return Some(&found.value);
        }
        if !key.contains('*') || !self.star.is_empty() {
            return None;
        }
        group
            .iter()
            .filter(|(name, _)| matches_word(key, name))
            .min_by_key(|(name, s)| (s.line, name.as_str()))
            .map(|(_, s)| s.value.as_str())
    }

    fn first(&self, keys: &[String]) -> Option<&str> {
        keys.iter()
            .find_map(|key| self.value(key))
            .filter(|v| !v.is_empty())
    }

    fn any(&self, conditions: &BTreeMap<String, Vec<String>>) -> bool {
        conditions
            .iter()
            .any(|(key, globs)| self.value(key).is_some_and(|v| any_word(globs, v)))
    }

    fn complete(&self, take: &Take, target: &mut Target) {
        let beside = self
            .first(&take.port_keys)
            .and_then(|v| v.trim().parse::<u16>().ok())
            .filter(|p| *p != 0);
        target.port = target.port.or(beside.map(Port));
        target.account = target
            .account
            .take()
            .or_else(|| self.first(&take.account_keys).and_then(account));
        target.resource = target
            .resource
            .take()
            .or_else(|| self.first(&take.resource_keys).and_then(resource));
        let is_sasl = take.mechanism_when.is_empty() || self.any(&take.mechanism_when);
        if is_sasl {
            target.mechanism = self.first(&take.mechanism_keys).and_then(mechanism);
            // Who logs on by it is not who a simple bind would name.
            if target.mechanism.is_some() || !take.mechanism_when.is_empty() {
                target.account = self.first(&take.mechanism_account_keys).and_then(principal);
            }
        }
        target.has_secret |= self
            .first(&take.secret_keys)
            .is_some_and(|v| !matches!(v, "null" | "none" | "false"));
        if target.protection.is_some_and(|p| p == Protection::Tls) {
            return;
        }
        if self.any(&take.tls_when) {
            target.protection = Some(Protection::Tls);
        } else if self.any(&take.starttls_when) {
            target.protection = Some(Protection::Starttls);
        } else if target.protection.is_none()
            && !(take.tls_when.is_empty() && take.starttls_when.is_empty())
        {
            target.protection = Some(Protection::None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_take_is_left_out_by_the_end_of_a_key(
            take in 0..COMMON_KEYS.take.len(),
            glob in 0_usize..32,
            star in "[A-Za-z_.]{0,6}",
            upper in proptest::bool::ANY,
        ) {
            let keys = &COMMON_KEYS.take[take].keys;
            let key = keys[glob % keys.len()].replace('*', &star);
            let key = if upper { key.to_ascii_uppercase() } else { key };
            let lower = key.to_ascii_lowercase();
            let knows = |take: &&Take| take.keys.iter().any(|glob| capture(glob, &lower).is_some());
            let all: Vec<&str> = COMMON_KEYS.take.iter().filter(knows).map(|t| t.kind.as_str()).collect();
            let asked: Vec<&str> = COMMON.that_may_know(&key).filter(knows).map(|t| t.kind.as_str()).collect();
            proptest::prop_assert_eq!(asked, all);
        }
    }

    #[test]
    fn a_key_that_carries_a_login_is_not_shown() {
        let setting = |section: &str, key: &str| Setting {
            line: 1,
            group: 0,
            section: section.to_owned(),
            key: key.to_owned(),
            value: String::new(),
            conditional: false,
        };
        let npm = setting("https://ci:hunter2@npm.corp.example/", "proxy_host");
        assert_eq!(shown_key(&npm, false), "***.proxy_host");
        let bare = setting("", "ci:hunter2@npm.corp.example");
        assert_eq!(shown_key(&bare, false), "***");
        assert_eq!(shown_key(&setting("a/b", "@type"), false), "a.b.@type");
    }
    use crate::format;
    fn place() -> Place {
        Place {
            file: "/etc/x".into(),
            component: Component {
                class: ComponentClass::File,
                name: "/etc/x".into(),
            },
            rhythm: None,
            is_crontab: false,
        }
    }

    fn rule(text: &str) -> Rule {
        toml_rule(text)
    }

    fn toml_rule(text: &str) -> Rule {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn siblings_complete_a_reference() {
        let rule = rule(
            "id='r'\nproduct='p'\nfiles=['/x']\nformat='shell'\n[[take]]\nkeys=['*_host']\nvalue='host'\nkind='sql'\nport=5432\nport_keys=['*_port']\naccount_keys=['*_user']\nsecret_keys=['*_password']\n",
        );
        let settings = format::read(
            rule.format,
            &[],
            "DB_HOST=db1\nDB_PORT=5433\nDB_USER=app\nDB_PASSWORD=hunter2\nOTHER_HOST=o1\n",
        );
        let found = references(&rule, &settings, &place());
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].port, found[0].account.clone(), found[0].has_secret),
            (Some(Port(5433)), Some("app".into()), true)
        );
        assert_eq!(
            (found[1].port, found[1].has_secret),
            (Some(Port(5432)), false)
        );
        assert!(!format!("{found:?}").contains("hunter2"));
    }

    #[test]
    fn a_url_says_the_kind_better_than_an_open_rule() {
        assert_eq!(kind("http", Some("sql"), None, Transport::Tcp), "sql");
        assert_eq!(
            kind("package-mirror", Some("http"), None, Transport::Tcp),
            "package-mirror"
        );
        assert_eq!(
            kind("other", None, Some(Port(389)), Transport::Tcp),
            "ldap-bind"
        );
        assert_eq!(kind("other", None, None, Transport::Tcp), "other");
        assert_eq!(kind("print", Some("smb"), None, Transport::Tcp), "print");
    }
}
