//! Apache: `ProxyPass`, `ProxyPassMatch`, proxying rewrites and balancers, by virtual host.
//!
//! The configuration in force is followed through `Include` and `IncludeOptional`, so a site or module that
//! is not enabled gives nothing. What stands within `<IfDefine>` counts if the server is started with that name
//! (`-D`, `APACHE_SERVER_FLAGS` of SUSE) or `Define` says it; `<IfModule>` counts, because a proxy without its module would not start.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use groma_model::fact::{Forward, ForwardEnd, ForwardMode};
use groma_model::{Reason, Transport};

use groma_source::DiskError;

use crate::handed::{
    FORWARDS_MAX, endpoint, everywhere, host_and_port, names, number, plain, unit, url,
};
use crate::read::{Reading, Text};

/// Main file, the root relative names begin at, the unit.
const SERVERS: &[(&str, &str, &str)] = &[
    (
        "/etc/apache2/apache2.conf",
        "/etc/apache2",
        "apache2.service",
    ),
    ("/etc/apache2/httpd.conf", "/etc/apache2", "apache2.service"),
    ("/etc/httpd/conf/httpd.conf", "/etc/httpd", "httpd.service"),
];
/// Where distributions say how the server is started: SUSE, Red Hat, Debian.
const STARTS: [&str; 3] = [
    "/etc/sysconfig/apache2",
    "/etc/sysconfig/httpd",
    "/etc/apache2/envvars",
];
const UNITS: &[&str] = &[
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];
const INCLUDES_DEEP_MAX: usize = 8;
const FILES_MAX: usize = 2_000;
const LINES_MAX: usize = 500_000;

/// One line that means something, with the sections it stands in.
#[derive(Clone, Debug)]
struct Line {
    words: Vec<String>,
    file: String,
    number: u32,
}

impl Line {
    fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }
}

/// Everything the configuration in force hands on.
pub(crate) fn forwards(reading: &mut Reading<'_>) -> Vec<Forward> {
    for (main, root, service) in SERVERS {
        let Some(text) = reading.text(main) else {
            continue;
        };
        let started = flags_of(reading, service);
        let is_known = started.is_some();
        let mut collected = Collected {
            reading,
            root: (*root).to_owned(),
            files: FILES_MAX,
            defined: BTreeMap::new(),
            started_with: started.into_iter().flatten().collect(),
            off: Vec::new(),
            lines: Vec::new(),
        };
        collected.take(&text, 0);
        let (lines, mut flags) = (collected.lines, collected.defined);
        for name in collected.started_with {
            flags.entry(name).or_default();
        }
        let (found, left_out) = told(&lines, &flags, service);
        // Without a word on how it is started, a name may be given all the same.
        if let Some(file) = left_out.filter(|_| !is_known) {
            let error = DiskError::because(Path::new(&file), Reason::Unsupported);
            reading.missed.push(error);
        }
        return found;
    }
    Vec::new()
}

/// Names the server is started with; `None` where nothing says how it is started.
fn flags_of(reading: &mut Reading<'_>, service: &str) -> Option<Vec<String>> {
    let mut places = STARTS.map(str::to_owned).to_vec();
    places.extend(
        UNITS
            .iter()
            .map(|directory| format!("{directory}/{service}")),
    );
    let texts: Vec<String> = places
        .iter()
        .filter_map(|path| Some(reading.text(path)?.text))
        .collect();
    let mut found: Vec<String> = texts
        .iter()
        .flat_map(|t| t.lines())
        .flat_map(flags)
        .collect();
    for directory in UNITS {
        for part in reading.texts(&format!("{directory}/{service}.d/*.conf")) {
            found.extend(part.text.lines().flat_map(flags));
        }
    }
    // A drop-in that names none says nothing of how the rest is started.
    (!texts.is_empty() || !found.is_empty()).then_some(found)
}

/// The names behind `-D` on a line; SUSE writes them without it.
fn flags(line: &str) -> Vec<String> {
    let line = line.trim();
    if line.starts_with('#') {
        return Vec::new();
    }
    let bare = line.strip_prefix("APACHE_SERVER_FLAGS=");
    let text = bare.unwrap_or(line).replace(['"', '\''], " ");
    let mut words = text.split_whitespace();
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        // `OPTIONS=-DSSL`, `Environment=OPTIONS=-DSSL`
        let value = word.rsplit_once('=').map(|(_, value)| value);
        let word = value.filter(|v| v.starts_with("-D")).unwrap_or(word);
        match word.strip_prefix("-D") {
            Some("") => found.extend(words.next().map(str::to_owned)),
            Some(name) => found.push(name.to_owned()),
            None if bare.is_some() && !word.starts_with('-') => found.push(word.to_owned()),
            None => {}
        }
    }
    found
}

struct Collected<'a, 'b> {
    reading: &'a mut Reading<'b>,
    root: String,
    files: usize,
    defined: BTreeMap<String, String>,
    /// Names the server is started with.
    started_with: BTreeSet<String>,
    /// Whether each `<IfDefine>` that is open leaves out what stands within.
    off: Vec<bool>,
    lines: Vec<Line>,
}

impl Collected<'_, '_> {
    fn take(&mut self, text: &Text, depth: usize) {
        for mut line in lines(text) {
            if self.lines.len() >= LINES_MAX {
                return;
            }
            for word in &mut line.words {
                self.fill(word);
            }
            let is_off = self.off.contains(&true);
            match line.word(0).to_ascii_lowercase().as_str() {
                "<ifdefine" => {
                    let is_off = self.leaves_out(line.word(1).trim_end_matches('>'));
                    self.off.push(is_off);
                    self.lines.push(line);
                }
                "</ifdefine>" => {
                    self.off.pop();
                    self.lines.push(line);
                }
                "define" | "undefine" | "serverroot" if is_off => {}
                "define" if matches!(line.words.len(), 2 | 3) => {
                    self.defined
                        .insert(line.word(1).to_owned(), line.word(2).to_owned());
                }
                "undefine" => {
                    self.defined.remove(line.word(1));
                    self.started_with.remove(line.word(1));
                }
                "serverroot" => line.word(1).clone_into(&mut self.root),
                "include" | "includeoptional" if depth < INCLUDES_DEEP_MAX => {
                    self.include(line.word(1), depth);
                }
                _ => self.lines.push(line),
            }
        }
    }

    /// True if `NAME` is not set, or `!NAME` is.
    fn leaves_out(&self, argument: &str) -> bool {
        let (name, wanted) = named(argument);
        let is_set = self.defined.contains_key(name) || self.started_with.contains(name);
        is_set != wanted
    }

    fn include(&mut self, named: &str, depth: usize) {
        let mut pattern = if named.starts_with('/') {
            named.to_owned()
        } else {
            format!("{}/{named}", self.root)
        };
        if pattern.ends_with('/') {
            pattern.push('*');
        }
        for path in self.reading.glob(&pattern) {
            if self.files == 0 {
                return;
            }
            self.files -= 1;
            if let Some(text) = self.reading.text(&path) {
                self.take(&text, depth + 1);
            }
        }
    }

    fn fill(&self, word: &mut String) {
        if !word.contains("${") || word.len() > 4096 {
            return;
        }
        for (name, value) in &self.defined {
            if value.len() < 1024 && word.len() < 16 << 10 {
                *word = word.replace(&format!("${{{name}}}"), value);
            }
        }
    }
}

/// The name an `<IfDefine>` asks for, and whether it must be set.
fn named(argument: &str) -> (&str, bool) {
    match argument.strip_prefix('!') {
        Some(name) => (name, false),
        None => (argument, true),
    }
}

/// Lines in words, those joined by a backslash as one; comments are left out.
fn lines(text: &Text) -> Vec<Line> {
    let mut out = Vec::new();
    let mut joined = String::new();
    let mut began = 1;
    for (number, line) in (1_u32..).zip(text.text.lines()) {
        if joined.is_empty() {
            began = number;
        }
        match line.strip_suffix('\\') {
            Some(part) if joined.len() < 64 << 10 => {
                joined.push_str(part);
                continue;
            }
            _ => joined.push_str(line),
        }
        let whole = std::mem::take(&mut joined);
        let whole = whole.trim();
        if whole.is_empty() || whole.starts_with('#') {
            continue;
        }
        out.push(Line {
            words: words(whole),
            file: text.path.clone(),
            number: began,
        });
    }
    out
}

fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for c in line.chars().take(64 << 10) {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// One virtual host, or the main server.
#[derive(Default)]
struct Host {
    addresses: Vec<String>,
    names: Vec<String>,
    passes: Vec<Pass>,
}

struct Pass {
    target: String,
    conditional: bool,
    file: String,
    line: u32,
}

/// A member of a balancer.
struct Member {
    url: String,
    backup: bool,
    file: String,
    line: u32,
}

#[derive(Default)]
struct Server {
    hosts: Vec<Host>,
    main: Host,
    listens: Vec<String>,
    balancers: BTreeMap<String, Vec<Member>>,
}

/// What the lines hand on, and the first file of which a proxy was left out for a name the server is started without.
fn told(
    lines: &[Line],
    flags: &BTreeMap<String, String>,
    service: &str,
) -> (Vec<Forward>, Option<String>) {
    let mut server = Server::default();
    let mut left_out = None;
    // Sections that are open: their name and argument.
    let mut open: Vec<(String, String)> = Vec::new();
    let mut in_host = false;
    for line in lines {
        let first = line.word(0).to_ascii_lowercase();
        if first.starts_with("</") {
            in_host &= !first.starts_with("</virtualhost");
            open.pop();
            continue;
        }
        if let Some(section) = first.strip_prefix('<') {
            let arguments: Vec<String> = line
                .words
                .iter()
                .skip(1)
                .map(|w| w.trim_end_matches('>').to_owned())
                .collect();
            if section == "virtualhost" {
                in_host = true;
                server.hosts.push(Host {
                    addresses: arguments.clone(),
                    ..Host::default()
                });
            }
            if open.len() < 64 {
                open.push((section.to_owned(), arguments.join(" ")));
            }
            continue;
        }
        let is_off = |(section, argument): &(String, String)| {
            let (name, wanted) = named(argument);
            section == "ifdefine" && flags.contains_key(name) != wanted
        };
        if open.iter().any(is_off) {
            if matches!(
                first.as_str(),
                "proxypass" | "proxypassmatch" | "balancermember"
            ) {
                left_out.get_or_insert_with(|| line.file.clone());
            }
            continue;
        }
        server.take(&first, line, &open, in_host);
    }
    (server.forwards(service), left_out)
}

impl Server {
    fn take(&mut self, first: &str, line: &Line, open: &[(String, String)], in_host: bool) {
        let host = match self.hosts.last_mut() {
            Some(host) if in_host => host,
            _ => &mut self.main,
        };
        let location = open
            .iter()
            .rev()
            .find(|(section, _)| matches!(section.as_str(), "location" | "locationmatch"))
            .map(|(_, path)| path.as_str());
        let pass = |target: &str, conditional: bool| Pass {
            target: target.to_owned(),
            conditional,
            file: line.file.clone(),
            line: line.number,
        };
        match first {
            "listen" => self.listens.push(line.word(1).to_owned()),
            "servername" | "serveralias" => host.names.extend(line.words.iter().skip(1).map(|n| {
                let name = n.rsplit_once("://").map_or(n.as_str(), |(_, rest)| rest);
                name.split(':').next().unwrap_or(name).to_owned()
            })),
            "proxypass" | "proxypassmatch" => {
                let (path, target) = match location {
                    Some(path) if line.word(1).contains("://") => (path, line.word(1)),
                    _ => (line.word(1), line.word(2)),
                };
                let whole = matches!(path, "/" | "^/" | "^/(.*)$" | "^(.*)$" | "^/(.*)");
                host.passes
                    .push(pass(target, !whole || open.iter().any(|(s, _)| s == "if")));
            }
            "rewriterule" => {
                let flags = line.word(3).trim_matches(['[', ']']);
                let proxied = flags.split(',').any(|f| matches!(f.trim(), "P" | "proxy"));
                if proxied {
                    host.passes.push(pass(line.word(2), true));
                }
            }
            "balancermember" => {
                let inside = open.iter().rev().find(|(section, _)| section == "proxy");
                let balancer = inside.map_or(line.word(1), |(_, name)| name);
                let at = usize::from(inside.is_none()) + 1;
                let rest = line.words.get(at..).unwrap_or_default();
                let off = rest.iter().any(|w| {
                    w.to_ascii_lowercase().starts_with("status=") && w.contains(['D', 'S'])
                });
                if !off {
                    self.balancers
                        .entry(key(balancer))
                        .or_default()
                        .push(Member {
                            url: line.word(at).to_owned(),
                            backup: rest.iter().any(|w| {
                                w.to_ascii_lowercase().starts_with("status=") && w.contains('H')
                            }),
                            file: line.file.clone(),
                            line: line.number,
                        });
                }
            }
            _ => {}
        }
    }

    fn forwards(&self, service: &str) -> Vec<Forward> {
        let mut found = Vec::new();
        let ends: Vec<Vec<ForwardEnd>> = self.hosts.iter().map(|h| self.ends(h)).collect();
        for (at, host) in self.hosts.iter().enumerate() {
            for end in ends.get(at).into_iter().flatten() {
                let same = |n: &usize| ends.get(*n).is_some_and(|theirs| theirs.contains(end));
                let others: Vec<usize> = (0..self.hosts.len())
                    .filter(|n| *n != at)
                    .filter(same)
                    .collect();
                let taken = if others.is_empty() {
                    Vec::new()
                } else {
                    host.names.clone()
                };
                if others.is_empty() || !taken.is_empty() {
                    self.say(host, end, &names(taken), false, service, &mut found);
                }
                // The first takes what nobody is named for; that it is the first was perhaps meant by nobody.
                if !others.is_empty() && others.iter().all(|n| *n > at) {
                    self.say(host, end, &["*".to_owned()], true, service, &mut found);
                }
            }
        }
        if self.hosts.is_empty() {
            for end in self.listens.iter().filter_map(|l| listen(l)) {
                self.say(&self.main, &end, &[], false, service, &mut found);
            }
        }
        found.truncate(FORWARDS_MAX);
        found
    }

    fn ends(&self, host: &Host) -> Vec<ForwardEnd> {
        let mut out = Vec::new();
        for address in &host.addresses {
            match host_and_port(address) {
                Some((peer, Some(port))) => {
                    out.push(endpoint(any(peer), Some(port), Transport::Tcp))
                }
                // Without a port: every port the server listens at.
                Some((peer, None)) => {
                    out.extend(self.listens.iter().filter_map(|l| match listen(l)? {
                        ForwardEnd::Endpoint {
                            port, transport, ..
                        } => Some(ForwardEnd::Endpoint {
                            peer: any(peer.clone()),
                            port,
                            transport,
                        }),
                        _ => None,
                    }))
                }
                None => {}
            }
        }
        out.sort();
        out.dedup();
        out
    }

    fn say(
        &self,
        host: &Host,
        end: &ForwardEnd,
        names: &[String],
        unsure: bool,
        service: &str,
        found: &mut Vec<Forward>,
    ) {
        for pass in &host.passes {
            if found.len() > FORWARDS_MAX {
                return;
            }
            let mut add =
                |target: &str, file: &str, line: u32, group: Option<String>, backup: bool| {
                    let Some((to, kind)) = url(target) else {
                        return;
                    };
                    let mut forward = plain(ForwardMode::HttpProxy, end.clone(), to, unit(service));
                    forward.names = names.to_vec();
                    forward.conditional = pass.conditional || unsure;
                    forward.kind = Some(kind.to_owned());
                    forward.group = group;
                    forward.backup = backup;
                    forward.file = Some(file.into());
                    forward.line = Some(line);
                    found.push(forward);
                };
            let lower = pass.target.to_ascii_lowercase();
            if lower.starts_with("balancer://") {
                for member in self.balancers.get(&key(&pass.target)).into_iter().flatten() {
                    let group = key(&pass.target);
                    add(
                        &member.url,
                        &member.file,
                        member.line,
                        Some(group),
                        member.backup,
                    );
                }
            } else if !lower.starts_with("unix:") {
                // What a pattern fills in may vary; the host may not.
                let authority = pass.target.split_once("://").map_or("", |(_, rest)| rest);
                let authority = authority.split('/').next().unwrap_or("");
                if !authority.contains(['$', '%']) {
                    add(&pass.target, &pass.file, pass.line, None, false);
                }
            }
        }
    }
}

fn any(peer: groma_model::Peer) -> groma_model::Peer {
    match peer {
        groma_model::Peer::Address(a) if a.is_unspecified() => everywhere(),
        peer => peer,
    }
}

/// `app` of `balancer://app/path`.
fn key(balancer: &str) -> String {
    let rest = balancer
        .split_once("://")
        .map_or(balancer, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest).to_ascii_lowercase()
}

fn listen(text: &str) -> Option<ForwardEnd> {
    let (peer, port) = match number(text).filter(|_| text.bytes().all(|b| b.is_ascii_digit())) {
        Some(port) => (everywhere(), port),
        None => {
            let (peer, port) = host_and_port(text)?;
            (any(peer), port?)
        }
    };
    Some(endpoint(peer, Some(port), Transport::Tcp))
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
        forwards(&mut reading)
            .iter()
            .map(|f| {
                format!(
                    "{} > {} [{}]{}{}",
                    f.listens,
                    f.sends_to,
                    f.names.join(","),
                    if f.conditional { " ?" } else { "" },
                    if f.backup { " backup" } else { "" }
                )
            })
            .collect()
    }

    fn disk() -> FakeDisk {
        FakeDisk::new()
            .file(
                "/etc/apache2/apache2.conf",
                "ServerRoot \"/etc/apache2\"\nDefine up app1.corp.example\nInclude ports.conf\nIncludeOptional sites-enabled/*.conf\n",
            )
            .file("/etc/apache2/ports.conf", "Listen 80\nListen 443\n")
    }

    #[test]
    fn what_a_name_switches_on_counts_where_the_server_is_started_with_it() {
        let site = "<IfDefine SSL>\n<IfDefine !NOSSL>\n<VirtualHost *:443>\n ProxyPass / http://192.0.2.7:80/\n</VirtualHost>\n</IfDefine>\n</IfDefine>\n";
        let disk = || disk().file("/etc/apache2/sites-enabled/s.conf", site);
        for (path, text) in [
            (
                "/etc/sysconfig/apache2",
                "# APACHE_SERVER_FLAGS=\"NOSSL\"\nAPACHE_SERVER_FLAGS=\"SSL STATUS\"\n",
            ),
            ("/etc/apache2/envvars", "export APACHE_ARGUMENTS='-D SSL'\n"),
            (
                "/lib/systemd/system/apache2.service",
                "[Service]\nExecStart=/usr/sbin/apache2 -DSSL -k start\n",
            ),
            ("/etc/apache2/sites-enabled/a.conf", "Define SSL\n"),
            (
                "/etc/apache2/sites-enabled/a.conf",
                "<IfDefine !OTHER>\nDefine SSL\n</IfDefine>\n",
            ),
            (
                "/etc/systemd/system/apache2.service.d/tls.conf",
                "[Service]\nEnvironment=OPTIONS=-DSSL\n",
            ),
            (
                "/run/systemd/system/apache2.service.d/tls.conf",
                "[Service]\nEnvironment=\"OPTIONS=-D SSL\"\n",
            ),
        ] {
            let found = read(disk().file(path, text));
            assert_eq!(found.len(), 1, "{path}: {found:?}");
            assert!(
                found[0].starts_with("0.0.0.0:443 > 192.0.2.7:80"),
                "{found:?}"
            );
        }
        let off = disk().file(
            "/etc/sysconfig/apache2",
            "APACHE_SERVER_FLAGS=\"SSL NOSSL\"\n",
        );
        assert!(read(off).is_empty());
        for (path, text) in [
            (
                "/etc/apache2/sites-enabled/a.conf",
                "<IfDefine OTHER>\nDefine SSL\n</IfDefine>\n",
            ),
            (
                "/etc/apache2/sites-enabled/a.conf",
                "Define SSL\n<IfDefine SSL>\n<IfDefine !OTHER>\nUnDefine SSL\n</IfDefine>\n</IfDefine>\n",
            ),
            (
                "/etc/systemd/system/other.service.d/tls.conf",
                "[Service]\nEnvironment=OPTIONS=-DSSL\n",
            ),
            (
                "/etc/systemd/system/apache2.service.d/tls.conf",
                "[Service]\n#Environment=OPTIONS=-DSSL\n",
            ),
        ] {
            let found = read(disk().file(path, text));
            assert!(found.is_empty(), "{path} {text}: {found:?}");
        }
        let gaps = |disk: FakeDisk| {
            let world = world(disk);
            let window = window(&world);
            let mut reading = Reading::new(world.disk.as_ref(), &window, &Budget::default());
            forwards(&mut reading);
            reading.missed.len()
        };
        assert_eq!(gaps(disk()), 1);
        assert_eq!(gaps(disk().file("/etc/sysconfig/apache2", "")), 0);
        let limits = "/etc/systemd/system/apache2.service.d/limits.conf";
        assert_eq!(gaps(disk().file(limits, "[Service]\nLimitNOFILE=9\n")), 1);
    }

    #[test]
    fn a_virtual_host_hands_on_what_it_proxies() {
        let site = "<VirtualHost *:80>\n ServerName a.example\n # ProxyPass / http://192.0.2.99/\n ProxyPass /static !\n ProxyPass / http://${up}:8080/\n</VirtualHost>\n<VirtualHost *:80>\n ServerName b.example\n ServerAlias *.b.example\n <Location /x>\n  ProxyPass ajp://192.0.2.3/\n </Location>\n</VirtualHost>\n";
        assert_eq!(
            read(disk().file("/etc/apache2/sites-enabled/a.conf", site)),
            [
                "0.0.0.0:80 > app1.corp.example:8080 [a.example]",
                "0.0.0.0:80 > app1.corp.example:8080 [*] ?",
                "0.0.0.0:80 > 192.0.2.3:8009 [*.b.example,b.example] ?"
            ]
        );
        assert!(read(disk().file("/etc/apache2/sites-available/a.conf", site)).is_empty());
    }

    #[test]
    fn a_balancer_names_its_members_and_an_unused_one_nobody() {
        let site = "<Proxy balancer://app>\n BalancerMember http://192.0.2.1:80\n BalancerMember http://192.0.2.2:80 status=+H\n BalancerMember http://192.0.2.4:80 status=+D\n</Proxy>\n<Proxy balancer://other>\n BalancerMember http://192.0.2.9\n</Proxy>\n<VirtualHost _default_:443>\n ProxyPass / balancer://app/\n RewriteRule ^/r/(.*) http://192.0.2.5/$1 [P,L]\n</VirtualHost>\n<IfDefine OLD>\n<VirtualHost *:81>\n ProxyPass / http://192.0.2.8/\n</VirtualHost>\n</IfDefine>\n";
        let found = read(disk().file("/etc/apache2/sites-enabled/a.conf", site));
        assert_eq!(
            found,
            [
                "0.0.0.0:443 > 192.0.2.1:80 []",
                "0.0.0.0:443 > 192.0.2.2:80 [] backup",
                "0.0.0.0:443 > 192.0.2.5:80 [] ?"
            ]
        );
    }

    #[test]
    fn hammered_configurations_never_panic() {
        let corpus: &[&[u8]] = &[
            b"Listen 80\n<VirtualHost *>\nProxyPass / balancer://a/\n</VirtualHost>\n<Proxy balancer://a>\nBalancerMember http://x status=+H\n</Proxy>\n",
            b"</x>\n<Location \"/\">\nProxyPass http://a\\\n/b\n",
        ];
        groma_fuzz::hammer(1000, corpus, |bytes| {
            let text = Text {
                path: "/x".into(),
                text: String::from_utf8_lossy(bytes).into_owned(),
            };
            told(&lines(&text), &BTreeMap::new(), "x");
        });
    }
}
