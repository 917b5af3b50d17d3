//! Units of systemd that start a relay or a tunnel, and socket units in front of `systemd-socket-proxyd`.
//!
//! A unit that is neither wanted by another one nor started by a socket or timer that is, gives nothing;
//! nor does a masked one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use groma_model::Transport;
use groma_model::fact::{Component, Forward, ForwardEnd, ForwardMode};
use groma_source::EntryKind;

use crate::command::{Session, proxyd, split, told};
use crate::handed::{
    FORWARDS_MAX, endpoint, everywhere, host_and_port, number, plain, socket, unit,
};
use crate::ini::{Section, sections};
use crate::read::Reading;
use crate::ssh;

/// The strongest first (systemd.unit(5)).
const DIRECTORIES: &[&str] = &[
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Programs whose units are read.
const PROGRAMS: &[&str] = &["ssh", "socat", "systemd-socket-proxyd", "haproxy"];

/// Units of this machine, as far as relays need them.
#[derive(Debug, Default)]
pub(crate) struct Units {
    files: BTreeMap<String, String>,
    wanted: BTreeSet<String>,
}

impl Units {
    pub(crate) fn look(reading: &mut Reading<'_>) -> Self {
        let mut units = Self::default();
        for directory in DIRECTORIES {
            for entry in reading.list(Path::new(directory)) {
                let Some(name) = entry.path.file_name().and_then(|n| n.to_str()) else {
                    continue;
                };
                let path = entry.path.to_string_lossy().into_owned();
                match entry.kind {
                    EntryKind::Directory
                        if name.ends_with(".wants") || name.ends_with(".requires") =>
                    {
                        let links = reading.list(&entry.path);
                        let names = links.iter().filter_map(|l| l.path.file_name()?.to_str());
                        units.wanted.extend(names.map(str::to_owned));
                    }
                    EntryKind::Link if is_mask(reading, &entry.path) => {
                        units.files.entry(name.to_owned()).or_default();
                    }
                    EntryKind::File | EntryKind::Link => {
                        units.files.entry(name.to_owned()).or_insert(path);
                    }
                    _ => {}
                }
            }
        }
        // An instance stands in nobody's directory; its template does.
        for name in units.wanted.clone() {
            if let Some((stem, rest)) = name.split_once('@')
                && let Some((_, ending)) = rest.rsplit_once('.')
                && let Some(path) = units.files.get(&format!("{stem}@.{ending}")).cloned()
            {
                units.files.entry(name).or_insert(path);
            }
        }
        units
    }

    fn is_wanted(&self, name: &str) -> bool {
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        ["service", "socket", "timer", "path"]
            .iter()
            .any(|ending| self.wanted.contains(&format!("{stem}.{ending}")))
    }

    /// True for a unit that exists and does not start: its files bring nothing back.
    pub(crate) fn is_off(&self, name: &str) -> bool {
        self.files.contains_key(name) && !self.is_wanted(name)
    }

    /// Everything units that start hand on.
    pub(crate) fn forwards(&self, reading: &mut Reading<'_>) -> Vec<Forward> {
        let mut found = Vec::new();
        for (name, path) in &self.files {
            if path.is_empty() || !name.ends_with(".service") || !self.is_wanted(name) {
                continue;
            }
            let Some(text) = reading.text(path) else {
                continue;
            };
            if !PROGRAMS.iter().any(|p| text.text.contains(p)) {
                continue;
            }
            let sections = sections(&text.text);
            let Some(service) = sections.iter().find(|s| s.name == "service") else {
                continue;
            };
            let instance = name
                .split_once('@')
                .and_then(|(_, rest)| rest.strip_suffix(".service"));
            for (command, line) in service.values("execstart") {
                let command = command
                    .replace("%i", instance.unwrap_or_default())
                    .replace("%I", instance.unwrap_or_default());
                let mut all = self.command(reading, name, service, &split(&command));
                for forward in &mut all {
                    forward.file.get_or_insert_with(|| path.as_str().into());
                    forward.line.get_or_insert(line);
                }
                found.append(&mut all);
            }
            if found.len() > FORWARDS_MAX {
                break;
            }
        }
        found.truncate(FORWARDS_MAX);
        found
    }

    fn command(
        &self,
        reading: &mut Reading<'_>,
        name: &str,
        service: &Section,
        words: &[String],
    ) -> Vec<Forward> {
        let component = unit(name);
        if let Some(to) = proxyd(words) {
            let stem = name.trim_end_matches(".service");
            let ends = self.socket_ends(reading, &format!("{stem}.socket"));
            let one = |end| plain(ForwardMode::TcpProxy, end, to.clone(), component.clone());
            return ends.into_iter().map(one).collect();
        }
        let told = told(words, &component);
        let mut found = told.forwards;
        if let Some(session) = told.session {
            found.extend(tunnel(reading, session, service.value("user"), &component));
        }
        found
    }

    /// What a socket unit listens at.
    fn socket_ends(&self, reading: &mut Reading<'_>, name: &str) -> Vec<ForwardEnd> {
        let Some(text) = self
            .files
            .get(name)
            .filter(|p| !p.is_empty())
            .and_then(|p| reading.text(p))
        else {
            return Vec::new();
        };
        let sections = sections(&text.text);
        let Some(section) = sections.iter().find(|s| s.name == "socket") else {
            return Vec::new();
        };
        let stream = section
            .values("listenstream")
            .filter_map(|(v, _)| listen(v, Transport::Tcp));
        let packets = section
            .values("listendatagram")
            .filter_map(|(v, _)| listen(v, Transport::Udp));
        stream.chain(packets).collect()
    }

    /// Files HAProxy is started with.
    pub(crate) fn haproxy_files(&self, reading: &mut Reading<'_>) -> Vec<String> {
        let habit = vec!["/etc/haproxy/haproxy.cfg".to_owned()];
        let Some(path) = self.files.get("haproxy.service").filter(|p| !p.is_empty()) else {
            return habit;
        };
        let unit = reading.text(path).map(|t| t.text).unwrap_or_default();
        let settings = ["/etc/default/haproxy", "/etc/sysconfig/haproxy"]
            .iter()
            .filter_map(|p| reading.text(p))
            .map(|t| t.text)
            .collect::<Vec<_>>()
            .join("\n");
        let value = |name: &str| {
            let all = format!("{unit}\n{settings}");
            let plain = all.replace(['"', '\''], "");
            let words = plain.lines().flat_map(|line| {
                let line = line.trim();
                line.strip_prefix("Environment=")
                    .unwrap_or(line)
                    .split_whitespace()
            });
            let found =
                words.filter_map(|w| Some(w.strip_prefix(name)?.strip_prefix('=')?.to_owned()));
            let found: Vec<String> = found.collect();
            let mut found = found.into_iter();
            found.rfind(|v| v.starts_with('/'))
        };
        let mut files = Vec::new();
        let commands = sections(&unit);
        for (command, _) in commands.iter().flat_map(|s| s.values("execstart")) {
            let words = split(command);
            for pair in words.windows(2) {
                if let [flag, file] = pair
                    && flag == "-f"
                {
                    let named = file.strip_prefix('$').map(|n| n.trim_matches(['{', '}']));
                    files.extend(match named {
                        Some(name) => value(name),
                        None => Some(file.clone()),
                    });
                }
            }
        }
        let directories: Vec<String> = files
            .iter()
            .map(|f| {
                if f.ends_with('/') || reading.is_directory(f) {
                    format!("{}/*.cfg", f.trim_end_matches('/'))
                } else {
                    f.clone()
                }
            })
            .collect();
        if directories.is_empty() {
            habit
        } else {
            directories
        }
    }
}

/// A session with what the SSH configuration of its account adds.
pub(crate) fn tunnel(
    reading: &mut Reading<'_>,
    mut session: Session,
    user: Option<&str>,
    component: &Component,
) -> Vec<Forward> {
    let far = ssh::configured(reading, &mut session, user);
    far.map_or_else(Vec::new, |far| session.forwards(&far, component))
}

fn is_mask(reading: &Reading<'_>, path: &Path) -> bool {
    reading
        .link(path)
        .is_some_and(|to| to == Path::new("/dev/null"))
}

fn listen(value: &str, transport: Transport) -> Option<ForwardEnd> {
    if value.starts_with('/') {
        return Some(socket(value));
    }
    if value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(endpoint(everywhere(), Some(number(value)?), transport));
    }
    let (peer, port) = host_and_port(value)?;
    Some(endpoint(peer, Some(port?), transport))
}

#[cfg(test)]
mod tests {
    use groma_source::Budget;
    use groma_source::testing::{FakeDisk, window, world};

    use super::*;

    fn read(disk: FakeDisk) -> Vec<String> {
        let world = world(disk);
        let window = window(&world);
        let mut reading = Reading::new(world.disk.as_ref(), &window, &Budget::default());
        let units = Units::look(&mut reading);
        let all = units.forwards(&mut reading);
        all.iter()
            .map(|f| format!("{} > {} ({})", f.listens, f.sends_to, f.component.name))
            .collect()
    }

    const TUNNEL: &str = "[Service]\nUser=tunnel\nExecStart=/usr/bin/ssh -NT \\\n -L 5432:db1:5432 far\n[Install]\nWantedBy=multi-user.target\n";

    #[test]
    fn a_tunnel_counts_while_its_unit_is_wanted() {
        let off = || FakeDisk::new().file("/etc/systemd/system/t.service", TUNNEL);
        assert!(read(off()).is_empty());
        let on = off().link(
            "/etc/systemd/system/multi-user.target.wants/t.service",
            "/etc/systemd/system/t.service",
        );
        assert_eq!(read(on), ["127.0.0.1:5432 > db1:5432 (t.service)"]);
        let masked = FakeDisk::new()
            .link("/etc/systemd/system/t.service", "/dev/null")
            .file("/usr/lib/systemd/system/t.service", TUNNEL)
            .link(
                "/etc/systemd/system/multi-user.target.wants/t.service",
                "/usr/lib/systemd/system/t.service",
            );
        assert!(read(masked).is_empty());
    }

    #[test]
    fn an_alias_of_the_ssh_configuration_forwards_for_the_unit_that_uses_it() {
        let disk = FakeDisk::new()
            .file("/etc/passwd", "tunnel:x:900:900::/var/lib/tunnel:/bin/false\n")
            .file("/var/lib/tunnel/.ssh/config", "Host other\n LocalForward 1 a:1\nHost far-db\n HostName bastion.corp.example\n LocalForward 127.0.0.1:6379 cache1:6379\n")
            .file("/root/.ssh/config", "Host far-db\n LocalForward 7 never:7\n")
            .file("/etc/systemd/system/t.service", "[Service]\nUser=tunnel\nExecStart=/usr/bin/autossh -M 0 -N far-db\n[Install]\nWantedBy=x\n")
            .link("/etc/systemd/system/multi-user.target.wants/t.service", "/etc/systemd/system/t.service");
        assert_eq!(read(disk), ["127.0.0.1:6379 > cache1:6379 (t.service)"]);
    }

    #[test]
    fn a_socket_hands_on_through_proxyd() {
        let disk = FakeDisk::new()
            .file("/etc/systemd/system/p.service", "[Service]\nExecStart=/lib/systemd/systemd-socket-proxyd --exit-idle-time=1m 192.0.2.5:8080\n")
            .file("/etc/systemd/system/p.socket", "[Socket]\nListenStream=80\nListenStream=/run/p.sock\n[Install]\nWantedBy=sockets.target\n")
            .link("/etc/systemd/system/sockets.target.wants/p.socket", "/etc/systemd/system/p.socket");
        assert_eq!(
            read(disk),
            [
                "0.0.0.0:80 > 192.0.2.5:8080 (p.service)",
                "/run/p.sock > 192.0.2.5:8080 (p.service)"
            ]
        );
    }

    #[test]
    fn haproxy_says_which_files_it_is_started_with() {
        let disk = FakeDisk::new()
            .file("/lib/systemd/system/haproxy.service", "[Service]\nEnvironmentFile=-/etc/default/haproxy\nEnvironment=\"CONFIG=/etc/haproxy/haproxy.cfg\" \"PIDFILE=/run/haproxy.pid\" \"EXTRAOPTS=-S /run/haproxy-master.sock\"\nExecStart=/usr/sbin/haproxy -Ws -f $CONFIG -p $PIDFILE $EXTRAOPTS\n")
            .file("/etc/default/haproxy", "#CONFIG=/etc/old.cfg\nCONFIG=\"/etc/haproxy/other.cfg\"\n");
        let world = world(disk);
        let window = window(&world);
        let mut reading = Reading::new(world.disk.as_ref(), &window, &Budget::default());
        let units = Units::look(&mut reading);
        assert_eq!(
            units.haproxy_files(&mut reading),
            ["/etc/haproxy/other.cfg"]
        );
    }

    #[test]
    fn a_directory_haproxy_is_started_with_means_the_files_in_it() {
        let unit = "[Service]\nEnvironment=\"CONFIG=/etc/haproxy/haproxy.cfg\" \"CFGDIR=/etc/haproxy/conf.d\"\nExecStart=/usr/sbin/haproxy -Ws -f $CONFIG -f $CFGDIR -p $PIDFILE\n";
        let disk = FakeDisk::new()
            .file("/usr/lib/systemd/system/haproxy.service", unit)
            .file("/etc/haproxy/haproxy.cfg", "")
            .file("/etc/haproxy/conf.d/a.cfg", "");
        let world = world(disk);
        let window = window(&world);
        let mut reading = Reading::new(world.disk.as_ref(), &window, &Budget::default());
        let units = Units::look(&mut reading);
        assert_eq!(
            units.haproxy_files(&mut reading),
            ["/etc/haproxy/haproxy.cfg", "/etc/haproxy/conf.d/*.cfg"]
        );
    }
}
