//! Objects of Nagios, Icinga 1 and Naemon: what a service asks of which host, put together.

use std::collections::{BTreeMap, BTreeSet};

use crate::settings::Settings;
use crate::text::lines;

/// Checks one file may give; hosts of groups multiply.
const CHECKS_MAX: usize = 5_000;
/// Names of hosts looked up in one file, over all its services.
const NAMES_MAX: usize = 200_000;
/// Bytes of one command line with its macros filled in, and of all of a file together.
const COMMAND_MAX: usize = 64 << 10;
const COMMANDS_MAX: usize = 8 << 20;
/// Templates above each other.
const TEMPLATES_MAX: usize = 8;

#[derive(Default, Clone)]
struct Object {
    class: String,
    values: BTreeMap<String, (u32, String)>,
}

impl Object {
    fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|(_, value)| value.as_str())
    }

    /// Names in a list: `a,b`; what is excluded (`!c`) and everything (`*`) left out.
    fn names(&self, key: &str) -> impl Iterator<Item = &str> {
        let list = self.value(key).unwrap_or_default().trim_start_matches('+');
        list.split(',')
            .map(str::trim)
            .filter(|n| !n.is_empty() && !n.starts_with(['!', '*']))
    }
}

/// One setting `command` per host and service: the command line of the check, macros filled in.
pub(super) fn nagios(text: &str) -> Settings {
    let objects = objects(text);
    let mut settings = Settings::default();
    let known = Known::of(&objects);
    let mut names_left = NAMES_MAX;
    let mut bytes_left = COMMANDS_MAX;
    for service in objects.iter().filter(|o| o.class == "service") {
        if service.value("register") == Some("0") {
            continue;
        }
        let Some((line, check)) = known.inherited(service, "check_command") else {
            continue;
        };
        let (hosts, all) = known.hosts_of(service, &mut names_left);
        settings.partial |= !all;
        for host in hosts {
            if settings.all.len() >= CHECKS_MAX || bytes_left == 0 {
                settings.partial = true;
                return settings;
            }
            let Some(command) = known.command(&check, host) else {
                continue;
            };
            // What is too long costs as much as the longest one that is not.
            let length = command.as_ref().map_or(COMMAND_MAX, String::len);
            bytes_left = bytes_left.saturating_sub(length);
            let Some(command) = command else {
                settings.partial = true;
                continue;
            };
            let group = settings.open_group();
            settings.add(line, group, "", "command", &command);
        }
    }
    settings
}

fn objects(text: &str) -> Vec<Object> {
    let mut out = Vec::new();
    let mut open: Option<Object> = None;
    for (number, line) in lines(text) {
        let body = line.trim();
        if body.is_empty() || body.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = body.strip_prefix("define") {
            let class = rest.trim().trim_end_matches('{').trim();
            open = Some(Object {
                class: class.to_owned(),
                ..Object::default()
            });
        } else if body.starts_with('}') {
            out.extend(open.take());
        } else if let (Some(object), Some((key, value))) =
            (open.as_mut(), body.split_once(char::is_whitespace))
        {
            let value = value.split(" ;").next().unwrap_or(value).trim();
            if object.values.len() < 256 && value.len() < 16 << 10 {
                let entry = (number, value.to_owned());
                object.values.insert(key.to_owned(), entry);
            }
        }
    }
    out
}

/// Objects by the names others use for them.
struct Known<'o> {
    templates: BTreeMap<(&'o str, &'o str), &'o Object>,
    hosts: BTreeMap<&'o str, &'o Object>,
    commands: BTreeMap<&'o str, &'o str>,
    /// Names of the hosts in a group, whichever of the two says so.
    groups: BTreeMap<&'o str, BTreeSet<&'o str>>,
}

impl<'o> Known<'o> {
    fn of(objects: &'o [Object]) -> Self {
        let mut known = Self {
            templates: BTreeMap::new(),
            hosts: BTreeMap::new(),
            commands: BTreeMap::new(),
            groups: BTreeMap::new(),
        };
        for object in objects {
            if let Some(name) = object.value("name") {
                known
                    .templates
                    .insert((object.class.as_str(), name), object);
            }
            if object.class == "host" && object.value("register") != Some("0") {
                known
                    .hosts
                    .extend(object.value("host_name").map(|name| (name, object)));
            }
            if object.class == "command" {
                let pair = object
                    .value("command_name")
                    .zip(object.value("command_line"));
                known.commands.extend(pair);
            }
            if object.class == "hostgroup"
                && let Some(group) = object.value("hostgroup_name")
            {
                let members = known.groups.entry(group).or_default();
                members.extend(object.names("members"));
            }
        }
        for (name, host) in &known.hosts {
            for group in host.names("hostgroups") {
                known.groups.entry(group).or_default().insert(name);
            }
        }
        known
    }

    /// A value of an object or of the templates it uses, with the line it counts for: that of the object.
    fn inherited(&self, object: &Object, key: &str) -> Option<(u32, String)> {
        let line = object.values.values().map(|(line, _)| *line).min()?;
        let mut at = vec![object];
        for _ in 0..TEMPLATES_MAX {
            for object in &at {
                if let Some((own, value)) = object.values.get(key) {
                    let line = if at.len() == 1 { *own } else { line };
                    return Some((line, value.clone()));
                }
            }
            at = at
                .iter()
                .flat_map(|o| o.names("use").map(move |name| (o.class.as_str(), name)))
                .filter_map(|name| self.templates.get(&name).copied())
                .take(64)
                .collect();
        }
        None
    }

    /// The hosts of a service, each once; false if some names were left out.
    fn hosts_of(&self, service: &Object, names_left: &mut usize) -> (Vec<&'o Object>, bool) {
        let groups: BTreeSet<&str> = service.names("hostgroup_name").collect();
        let members = groups.iter().filter_map(|group| self.groups.get(group));
        let mut names = BTreeSet::new();
        let mut all = true;
        for name in service.names("host_name").chain(members.flatten().copied()) {
            if names.len() >= CHECKS_MAX || *names_left == 0 {
                all = false;
                break;
            }
            *names_left -= 1;
            names.insert(name);
        }
        let hosts = names.into_iter().filter_map(|name| self.hosts.get(name));
        (hosts.copied().collect(), all)
    }

    /// `check_tcp!80` on `host` as the command line that is run; within, nothing if that is too long.
    fn command(&self, check: &str, host: &Object) -> Option<Option<String>> {
        let mut arguments = check.split('!');
        let name = arguments.next()?.trim();
        let address = host.value("address").or_else(|| host.value("host_name"))?;
        let line = match self.commands.get(name) {
            Some(line) => (*line).to_owned(),
            // Defined in a file of the plugins' package: all of them are told the host like this.
            None if name == "check_tcp" => "check_tcp -H $HOSTADDRESS$ -p $ARG1$".to_owned(),
            None if name == "check_nrpe" => "check_nrpe -H $HOSTADDRESS$".to_owned(),
            None if name.starts_with("check_") => format!("{name} -H $HOSTADDRESS$"),
            None => return None,
        };
        let name = host.value("host_name").unwrap_or(address);
        let host = [
            ("$USER1$/".to_owned(), ""),
            ("$HOSTADDRESS$".to_owned(), address),
            ("$HOSTNAME$".to_owned(), name),
        ];
        let arguments = arguments.take(32).enumerate();
        let arguments = arguments.map(|(at, argument)| (format!("$ARG{}$", at + 1), argument));
        let filled = host
            .into_iter()
            .chain(arguments)
            .try_fold(line, |line, (name, value)| filled(&line, &name, value));
        Some(filled.map(with_secure_port))
    }
}

/// `line` with a macro filled in, unless that makes it too long: measured before it is built.
fn filled(line: &str, name: &str, value: &str) -> Option<String> {
    let count = line.matches(name).count();
    let length = line.len() - count * name.len() + count.checked_mul(value.len())?;
    (length <= COMMAND_MAX).then(|| line.replace(name, value))
}

/// The plugins change the port with `-S`; their other users write it.
fn with_secure_port(line: String) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let program = words
        .first()
        .and_then(|w| w.rsplit('/').next())
        .unwrap_or_default();
    let has = |options: &[&str]| {
        words.iter().any(|w| {
            options
                .iter()
                .any(|o| w == o || w.starts_with(&format!("{o}=")))
        })
    };
    let secure = has(&["-S", "--ssl", "--sni", "-C"]);
    let port = match program {
        "check_http" | "check_https" => 443,
        "check_imap" => 993,
        "check_pop" => 995,
        "check_ldap" => 636,
        _ => return line,
    };
    if secure && !has(&["-p", "--port"]) && program != "check_ldap" {
        return format!("{line} -p {port}");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_put_together_from_host_service_and_command() {
        let text = "define command {\n command_name port\n command_line $USER1$/check_tcp -H $HOSTADDRESS$ -p $ARG1$\n}\ndefine host {\n name t\n register 0\n}\ndefine host {\n use t\n host_name a\n address 192.0.2.1\n}\n#define host {\n# host_name b\n#}\ndefine service {\n host_name a,b\n check_command port!554\n}\ndefine service {\n name s\n register 0\n host_name a\n check_command port!1\n}\n";
        let shown: Vec<_> = nagios(text)
            .all
            .iter()
            .map(|s| format!("{} {}", s.line, s.value))
            .collect();
        assert_eq!(shown, ["19 check_tcp -H 192.0.2.1 -p 554"]);
    }

    #[test]
    fn a_macro_that_would_fill_memory_is_left_out_and_said() {
        let arguments = format!(
            "define command {{\n command_name bomb\n command_line {}\n}}\ndefine host {{\n host_name a\n address 192.0.2.1\n}}\ndefine service {{\n host_name a\n check_command bomb!{}\n}}\n",
            "$ARG1$".repeat(2_700),
            "x".repeat(16_000)
        );
        let addresses = format!(
            "define command {{\n command_name bomb\n command_line {}\n}}\ndefine host {{\n host_name a\n address {}\n}}\ndefine service {{\n host_name a\n check_command bomb\n}}\n",
            "$HOSTADDRESS$".repeat(1_200),
            "$HOSTNAME$".repeat(1_600)
        );
        for text in [arguments, addresses] {
            let said = nagios(&text);
            assert!(said.all.is_empty(), "{} settings", said.all.len());
            assert!(said.partial);
        }
    }

    #[test]
    fn a_group_named_thousands_of_times_is_looked_up_once() {
        let text = format!(
            "define host {{\n host_name h\n address 192.0.2.1\n hostgroups {groups}\n}}\ndefine hostgroup {{\n hostgroup_name g\n members {}\n}}\ndefine service {{\n hostgroup_name {groups}\n check_command check_tcp!80\n}}\n",
            "h,".repeat(8_000),
            groups = "g,".repeat(8_000),
        );
        let said = nagios(&text);
        assert_eq!(said.all.len(), 1);
        assert!(!said.partial);
    }

    #[test]
    fn services_of_more_hosts_than_one_file_may_name_are_cut_and_say_so() {
        let members: String = (0..2_000).map(|n| format!("h{n},")).collect();
        let mut text = format!("define hostgroup {{\n hostgroup_name g\n members {members}\n}}\n");
        text +=
            &"define service {\n hostgroup_name g\n check_command check_tcp!80\n}\n".repeat(500);
        assert!(nagios(&text).partial);
    }
}
