//! Objects of Nagios, Icinga 1 and Naemon: what a service asks of which host, put together.

use std::collections::BTreeMap;

use crate::settings::Settings;
use crate::text::lines;

/// Checks one file may give; hosts of groups multiply.
const CHECKS_MAX: usize = 5_000;
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
    for service in objects.iter().filter(|o| o.class == "service") {
        if service.value("register") == Some("0") {
            continue;
        }
        let Some((line, check)) = known.inherited(service, "check_command") else {
            continue;
        };
        for host in known.hosts_of(service) {
            if settings.all.len() >= CHECKS_MAX {
                settings.partial = true;
                return settings;
            }
            let Some(command) = known.command(&check, host) else {
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
    objects: &'o [Object],
    templates: BTreeMap<(&'o str, &'o str), &'o Object>,
    hosts: BTreeMap<&'o str, &'o Object>,
    commands: BTreeMap<&'o str, &'o str>,
}

impl<'o> Known<'o> {
    fn of(objects: &'o [Object]) -> Self {
        let mut known = Self {
            objects,
            templates: BTreeMap::new(),
            hosts: BTreeMap::new(),
            commands: BTreeMap::new(),
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

    fn hosts_of(&self, service: &'o Object) -> Vec<&'o Object> {
        let mut names: Vec<&str> = service.names("host_name").collect();
        for group in service.names("hostgroup_name") {
            let defined = self
                .objects
                .iter()
                .filter(|o| o.class == "hostgroup" && o.value("hostgroup_name") == Some(group));
            names.extend(defined.flat_map(|o| o.names("members")));
            let members = self.hosts.iter();
            let members = members.filter(|(_, host)| host.names("hostgroups").any(|g| g == group));
            names.extend(members.map(|(name, _)| *name));
        }
        names.sort_unstable();
        names.dedup();
        names
            .into_iter()
            .filter_map(|name| self.hosts.get(name).copied())
            .collect()
    }

    /// `check_tcp!80` on `host` as the command line that is run.
    fn command(&self, check: &str, host: &Object) -> Option<String> {
        let mut arguments = check.split('!');
        let name = arguments.next()?.trim();
        let address = host.value("address").or_else(|| host.value("host_name"))?;
        let arguments: Vec<&str> = arguments.collect();
        let line = match self.commands.get(name) {
            Some(line) => (*line).to_owned(),
            // Defined in a file of the plugins' package: all of them are told the host like this.
            None if name == "check_tcp" => "check_tcp -H $HOSTADDRESS$ -p $ARG1$".to_owned(),
            None if name == "check_nrpe" => "check_nrpe -H $HOSTADDRESS$".to_owned(),
            None if name.starts_with("check_") => format!("{name} -H $HOSTADDRESS$"),
            None => return None,
        };
        let mut line = line
            .replace("$USER1$/", "")
            .replace("$HOSTADDRESS$", address)
            .replace("$HOSTNAME$", host.value("host_name").unwrap_or(address));
        for (at, argument) in arguments.iter().enumerate().take(32) {
            if line.len() > 16 << 10 {
                return None;
            }
            line = line.replace(&format!("$ARG{}$", at + 1), argument);
        }
        Some(with_secure_port(line))
    }
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
}
