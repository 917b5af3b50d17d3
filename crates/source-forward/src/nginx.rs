//! nginx: `proxy_pass` and its kin within `server`, `upstream` groups, and the `stream` module.
//!
//! The running configuration is followed from `nginx.conf` through its includes: a site nobody includes is
//! switched off, an upstream nobody passes to gives nothing. A target that only a variable names, and no
//! `set` or `map` of the same files decides, gives nothing either.

use std::collections::BTreeMap;

use groma_model::Transport;
use groma_model::fact::{Forward, ForwardEnd, ForwardMode};

use crate::handed::{
    FORWARDS_MAX, endpoint, host_and_port, names, number, plain, socket, unit, url,
};
use crate::read::{Reading, Text};

const MAIN: &str = "/etc/nginx/nginx.conf";
const DEPTH_MAX: usize = 32;
const DIRECTIVES_MAX: usize = 200_000;
const INCLUDES_DEEP_MAX: usize = 8;
const FILES_MAX: usize = 2_000;

/// One directive, with what stands in its braces.
#[derive(Clone, Debug, Default)]
struct Directive {
    name: String,
    arguments: Vec<String>,
    file: String,
    line: u32,
    block: Vec<Self>,
}

impl Directive {
    fn first(&self) -> &str {
        self.arguments.first().map_or("", String::as_str)
    }
}

/// Everything the configuration in force hands on.
pub(crate) fn forwards(reading: &mut Reading<'_>) -> Vec<Forward> {
    let Some(main) = reading.text(MAIN) else {
        return Vec::new();
    };
    let mut budget = FILES_MAX;
    let tree = included(parse(&main), reading, 0, &mut budget);
    let mut found = Vec::new();
    for directive in &tree {
        match directive.name.as_str() {
            "http" => Block::of(&directive.block, false).forwards(&mut found),
            "stream" => Block::of(&directive.block, true).forwards(&mut found),
            _ => {}
        }
    }
    found.truncate(FORWARDS_MAX);
    found
}

/// Directives with the files they include in place. A relative path begins at the directory of `nginx.conf`.
fn included(
    directives: Vec<Directive>,
    reading: &mut Reading<'_>,
    depth: usize,
    budget: &mut usize,
) -> Vec<Directive> {
    let mut out = Vec::new();
    for mut directive in directives {
        if directive.name == "include" {
            if depth >= INCLUDES_DEEP_MAX {
                continue;
            }
            let named = directive.first();
            let pattern = if named.starts_with('/') {
                named.to_owned()
            } else {
                format!("/etc/nginx/{named}")
            };
            for path in reading.glob(&pattern) {
                if *budget == 0 {
                    break;
                }
                *budget -= 1;
                if let Some(text) = reading.text(&path) {
                    out.extend(included(parse(&text), reading, depth + 1, budget));
                }
            }
            continue;
        }
        if !directive.block.is_empty() {
            let block = std::mem::take(&mut directive.block);
            directive.block = included(block, reading, depth, budget);
        }
        out.push(directive);
    }
    out
}

/// Text → directives. Unbalanced braces end where the file ends.
fn parse(text: &Text) -> Vec<Directive> {
    let mut words: Vec<(String, u32)> = Vec::new();
    let mut stack: Vec<Directive> = vec![Directive::default()];
    let mut count = 0_usize;
    for (token, line) in tokens(&text.text) {
        match token {
            Token::Word(word) => words.push((word, line)),
            Token::End | Token::Open => {
                let directive = directive(&mut words, &text.path, line);
                count += 1;
                if count > DIRECTIVES_MAX {
                    break;
                }
                if matches!(token, Token::Open) {
                    stack.push(directive);
                } else if !directive.name.is_empty()
                    && let Some(open) = stack.last_mut()
                {
                    open.block.push(directive);
                }
            }
            Token::Close => {
                words.clear();
                close(&mut stack);
            }
        }
    }
    while stack.len() > 1 {
        close(&mut stack);
    }
    stack.pop().map(|root| root.block).unwrap_or_default()
}

/// Ends the innermost block. Blocks deeper than any real file are flattened, so that nothing recurses far.
fn close(stack: &mut Vec<Directive>) {
    if stack.len() < 2 {
        return;
    }
    let Some(mut done) = stack.pop() else { return };
    if stack.len() >= DEPTH_MAX {
        done.block.clear();
    }
    if let Some(open) = stack.last_mut() {
        open.block.push(done);
    }
}

fn directive(words: &mut Vec<(String, u32)>, file: &str, line: u32) -> Directive {
    let mut words = std::mem::take(words).into_iter();
    let (name, line) = words.next().unwrap_or((String::new(), line));
    Directive {
        name: name.to_ascii_lowercase(),
        arguments: words.map(|(word, _)| word).collect(),
        file: file.to_owned(),
        line,
        block: Vec::new(),
    }
}

enum Token {
    Word(String),
    End,
    Open,
    Close,
}

/// Words, `;`, `{` and `}` with the line each begins at.
fn tokens(text: &str) -> Vec<(Token, u32)> {
    let mut out = Vec::new();
    let mut rest = text.chars().peekable();
    let mut line = 1_u32;
    while let Some(c) = rest.next() {
        match c {
            '\n' => line += 1,
            c if c.is_whitespace() => {}
            '#' => while rest.next_if(|n| *n != '\n').is_some() {},
            ';' => out.push((Token::End, line)),
            '{' => out.push((Token::Open, line)),
            '}' => out.push((Token::Close, line)),
            '"' | '\'' => {
                let began = line;
                let mut word = String::new();
                while let Some(inner) = rest.next() {
                    line += u32::from(inner == '\n');
                    if inner == c {
                        break;
                    }
                    match (inner, rest.peek()) {
                        ('\\', Some(next)) if *next == c => {
                            word.push(c);
                            rest.next();
                        }
                        _ => word.push(inner),
                    }
                }
                out.push((Token::Word(word), began));
            }
            c => {
                let mut word = String::from(c);
                loop {
                    // `${name}` is part of a word.
                    let brace = word.ends_with('$');
                    match rest.next_if(|n| {
                        !n.is_whitespace() && *n != ';' && (brace || !matches!(n, '{' | '}'))
                            || (*n == '}' && word.contains("${"))
                    }) {
                        Some(n) => word.push(n),
                        None => break,
                    }
                }
                out.push((Token::Word(word), line));
            }
        }
    }
    out
}

/// `http { … }` or `stream { … }`.
struct Block<'a> {
    stream: bool,
    directives: &'a [Directive],
    upstreams: BTreeMap<String, &'a Directive>,
    maps: BTreeMap<&'a str, &'a Directive>,
}

/// Where a `server` takes in, and whether it takes what no other name takes.
struct Intake {
    end: ForwardEnd,
    default: bool,
}

/// One `proxy_pass` and the server it stands in.
struct Pass<'a> {
    directive: &'a Directive,
    conditional: bool,
}

impl<'a> Block<'a> {
    fn of(directives: &'a [Directive], stream: bool) -> Self {
        let named = |wanted: &'a str| directives.iter().filter(move |d| d.name == wanted);
        Self {
            stream,
            directives,
            upstreams: named("upstream")
                .map(|d| (d.first().to_ascii_lowercase(), d))
                .collect(),
            maps: named("map")
                .filter_map(|d| Some((d.arguments.get(1)?.as_str(), d)))
                .collect(),
        }
    }

    fn forwards(&self, found: &mut Vec<Forward>) {
        let servers: Vec<(&Directive, Vec<Intake>)> = self
            .directives
            .iter()
            .filter(|d| d.name == "server")
            .map(|server| (server, self.intakes(server)))
            .collect();
        for (at, (server, intakes)) in servers.iter().enumerate() {
            let mut passes = Vec::new();
            passes_of(&server.block, false, 0, &mut passes);
            for intake in intakes {
                let others = || {
                    let all = servers.iter().enumerate();
                    all.filter(|(n, _)| *n != at)
                        .flat_map(|(n, (_, theirs))| theirs.iter().map(move |i| (n, i)))
                        .filter(|(_, i)| i.end == intake.end)
                };
                let alone = others().next().is_none();
                let mut taken = if alone {
                    Vec::new()
                } else {
                    server_names(server)
                };
                // The one marked, else the first of the file, takes what nobody else is named for. That the first does was
                // meant by nobody, and what a site that hands nothing on is named for is not the rest.
                let is_rest = intake.default || !others().any(|(n, i)| i.default || n < at);
                let hands_on = |n: usize| servers.get(n).is_some_and(|(s, _)| hands_on(s));
                let is_sure = intake.default && others().all(|(n, _)| hands_on(n));
                if is_rest && is_sure && !alone {
                    taken.push("*".to_owned());
                }
                for pass in &passes {
                    if alone || !taken.is_empty() {
                        self.pass(server, intake, &taken, pass, found);
                    }
                    if is_rest && !is_sure && !alone {
                        let unsure = Pass {
                            conditional: true,
                            ..*pass
                        };
                        self.pass(server, intake, &["*".to_owned()], &unsure, found);
                    }
                    if found.len() >= FORWARDS_MAX {
                        return;
                    }
                }
            }
        }
    }

    fn intakes(&self, server: &Directive) -> Vec<Intake> {
        let mut intakes: Vec<Intake> = server
            .block
            .iter()
            .filter(|d| d.name == "listen")
            .filter_map(|d| intake(d, self.stream))
            .collect();
        if intakes.is_empty() && !self.stream {
            intakes.push(Intake {
                end: endpoint(crate::handed::everywhere(), Some(80), Transport::Tcp),
                default: false,
            });
        }
        // `listen 80; listen [::]:80;` is one door.
        intakes.dedup_by(|a, b| a.end == b.end);
        intakes
    }

    fn pass(
        &self,
        server: &Directive,
        intake: &Intake,
        taken: &[String],
        pass: &Pass<'_>,
        found: &mut Vec<Forward>,
    ) {
        let target = settled(pass.directive.first(), server);
        if let Some(map) = self.maps.get(target.as_str()) {
            for entry in &map.block {
                let chosen = match entry.name.as_str() {
                    "default" => vec!["*".to_owned()],
                    "hostnames" | "include" | "volatile" => continue,
                    // A pattern is a condition that no name can be held against.
                    name if name.starts_with('~') => Vec::new(),
                    name => vec![name.trim_start_matches('.').to_owned()],
                };
                let by_name = matches!(
                    map.first(),
                    "$ssl_preread_server_name" | "$ssl_server_name" | "$host" | "$http_host"
                );
                let names = if by_name { names(chosen) } else { Vec::new() };
                let conditional = pass.conditional || names.is_empty();
                self.sends(
                    entry.first(),
                    intake,
                    &names,
                    conditional,
                    pass.directive,
                    found,
                );
            }
            return;
        }
        let names = names(taken.iter().cloned());
        self.sends(
            &target,
            intake,
            &names,
            pass.conditional,
            pass.directive,
            found,
        );
    }

    /// One forward per server behind `target`.
    fn sends(
        &self,
        target: &str,
        intake: &Intake,
        names: &[String],
        conditional: bool,
        directive: &Directive,
        found: &mut Vec<Forward>,
    ) {
        let bare = bare_target(target);
        let mut say = |end: ForwardEnd, from: &Directive, group: Option<String>, backup: bool| {
            let mode = if self.stream {
                ForwardMode::TcpProxy
            } else {
                ForwardMode::HttpProxy
            };
            let mut forward = plain(mode, intake.end.clone(), end, unit("nginx.service"));
            forward.names = names.to_vec();
            forward.conditional = conditional;
            forward.group = group;
            forward.backup = backup;
            forward.kind = (!self.stream).then(|| kind_of(&directive.name).to_owned());
            forward.file = Some(from.file.as_str().into());
            forward.line = Some(from.line);
            found.push(forward);
        };
        if let Some(upstream) = self.upstreams.get(&bare.to_ascii_lowercase()) {
            let servers = upstream.block.iter().filter(|d| d.name == "server");
            for server in servers.filter(|s| !s.arguments.iter().any(|a| a == "down")) {
                let backup = server.arguments.iter().any(|a| a == "backup");
                if let Some(end) = self.end(server.first(), 80) {
                    say(end, server, Some(upstream.first().to_owned()), backup);
                }
            }
            return;
        }
        let end = match url(target) {
            Some((end, _)) => Some(end),
            None => self.end(bare, if target.contains("://") { 80 } else { 0 }),
        };
        if let Some(end) = end {
            say(end, directive, None, false);
        }
    }

    /// `host[:port]` or `unix:/path`; `habit` 0 means a port must be written.
    fn end(&self, text: &str, habit: u16) -> Option<ForwardEnd> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Some(socket(path.split(':').next()?));
        }
        let (peer, port) = host_and_port(text)?;
        let port = port.or(Some(habit).filter(|p| *p > 0 && !self.stream))?;
        Some(endpoint(peer, Some(port), Transport::Tcp))
    }
}

/// `proxy_pass` and its kin below a server; what stands in a location other than `/`, or in an `if`, depends on more than the name.
fn passes_of<'a>(block: &'a [Directive], conditional: bool, depth: usize, out: &mut Vec<Pass<'a>>) {
    if depth > DEPTH_MAX || out.len() > FORWARDS_MAX {
        return;
    }
    for directive in block {
        match directive.name.as_str() {
            "proxy_pass" | "grpc_pass" | "fastcgi_pass" | "uwsgi_pass" | "scgi_pass"
            | "memcached_pass" | "redis_pass" => out.push(Pass {
                directive,
                conditional,
            }),
            "location" => {
                let whole = matches!(directive.arguments.as_slice(), [path] if path == "/")
                    || matches!(directive.arguments.as_slice(), [sign, path] if sign == "^~" && path == "/");
                passes_of(&directive.block, conditional || !whole, depth + 1, out);
            }
            "if" | "limit_except" => passes_of(&directive.block, true, depth + 1, out),
            _ => {}
        }
    }
}

fn hands_on(server: &Directive) -> bool {
    let mut passes = Vec::new();
    passes_of(&server.block, false, 0, &mut passes);
    !passes.is_empty()
}

fn kind_of(directive: &str) -> &'static str {
    match directive {
        "memcached_pass" | "redis_pass" => "nosql",
        _ => "http",
    }
}

/// `app` of `http://app/x`, `app:80` of `app:80`.
fn bare_target(target: &str) -> &str {
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    if rest.starts_with("unix:") {
        return rest;
    }
    rest.split('/').next().unwrap_or(rest)
}

/// A target with the variables that the same server sets to one plain value.
fn settled(target: &str, server: &Directive) -> String {
    if !target.contains('$') || target.len() > 512 {
        return target.to_owned();
    }
    // What these two stand for begins with a slash.
    let mut out = target.replace("$request_uri", "/").replace("$uri", "/");
    let mut values: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    sets(&server.block, 0, &mut values);
    for (name, all) in values.iter().rev() {
        if let [only] = all.as_slice()
            && !only.contains('$')
            && only.len() < 256
        {
            out = out.replace(name, only);
        }
    }
    // What follows the host may vary; the host may not.
    match out.split_once("://") {
        Some((scheme, rest)) if rest.split('/').next().is_some_and(|h| !h.contains('$')) => {
            format!("{scheme}://{}", rest.split('$').next().unwrap_or(rest))
        }
        _ => out,
    }
}

fn sets<'a>(block: &'a [Directive], depth: usize, values: &mut BTreeMap<&'a str, Vec<&'a str>>) {
    for directive in block {
        if let ("set", [name, value]) = (directive.name.as_str(), directive.arguments.as_slice()) {
            values.entry(name).or_default().push(value);
        } else if depth < DEPTH_MAX {
            sets(&directive.block, depth + 1, values);
        }
    }
}

fn server_names(server: &Directive) -> Vec<String> {
    let all = server.block.iter().filter(|d| d.name == "server_name");
    let words = all.flat_map(|d| &d.arguments);
    // `_` and `""` are names nobody asks for; a pattern cannot be held against a name here.
    words
        .filter(|n| !n.is_empty() && *n != "_" && !n.starts_with('~') && !n.contains('$'))
        .map(|n| {
            n.strip_prefix('.')
                .map_or_else(|| n.clone(), |rest| format!("*.{rest}"))
        })
        .collect()
}

fn intake(listen: &Directive, stream: bool) -> Option<Intake> {
    let text = listen.first();
    let has = |word: &str| listen.arguments.iter().any(|a| a == word);
    let default = has("default_server") || has("default");
    let transport = if stream && has("udp") {
        Transport::Udp
    } else {
        Transport::Tcp
    };
    let end = if let Some(path) = text.strip_prefix("unix:") {
        socket(path)
    } else if let Some(port) = number(text).filter(|_| text.bytes().all(|b| b.is_ascii_digit())) {
        endpoint(crate::handed::everywhere(), Some(port), transport)
    } else {
        let (peer, port) = host_and_port(text)?;
        // `[::]` is the same door as `*` for whoever calls.
        let peer = match peer {
            groma_model::Peer::Address(a) if a.is_unspecified() => crate::handed::everywhere(),
            peer => peer,
        };
        endpoint(peer, port.or(Some(80)), transport)
    };
    Some(Intake { end, default })
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
        forwards(&mut reading).iter().map(shown).collect()
    }

    fn shown(f: &Forward) -> String {
        format!(
            "{} > {} [{}]{}{}{}",
            f.listens,
            f.sends_to,
            f.names.join(","),
            if f.conditional { " ?" } else { "" },
            if f.backup { " backup" } else { "" },
            f.group
                .as_ref()
                .map_or_else(String::new, |g| format!(" {g}")),
        )
    }

    const MAIN_TEXT: &str = "events {}\nhttp {\n include /etc/nginx/sites-enabled/*;\n}\nstream { include streams/*.conf; }\n";

    fn disk() -> FakeDisk {
        FakeDisk::new().file(MAIN, MAIN_TEXT)
    }

    #[test]
    fn a_site_hands_on_to_every_server_of_its_group() {
        let site = "upstream app { server 192.0.2.10:8080; server app2.corp.example; server 192.0.2.9 backup; server 192.0.2.8 down; }\nupstream nobody { server 192.0.2.99:1; }\nserver { listen 443 ssl; listen [::]:443 ssl; server_name a.example; location / { proxy_pass http://app; } }\n";
        assert_eq!(
            read(disk().file("/etc/nginx/sites-enabled/a", site)),
            [
                "0.0.0.0:443 > 192.0.2.10:8080 [] app",
                "0.0.0.0:443 > app2.corp.example:80 [] app",
                "0.0.0.0:443 > 192.0.2.9:80 [] backup app",
            ]
        );
    }

    #[test]
    fn a_site_that_nothing_includes_is_switched_off() {
        let site = "server { listen 80; location / { proxy_pass http://192.0.2.10; } }";
        assert!(read(disk().file("/etc/nginx/sites-available/a", site)).is_empty());
        let twin = disk()
            .file("/etc/nginx/sites-available/a", site)
            .link("/etc/nginx/sites-enabled/a", "/etc/nginx/sites-available/a");
        assert_eq!(read(twin), ["0.0.0.0:80 > 192.0.2.10:80 []"]);
    }

    #[test]
    fn names_choose_and_the_default_takes_the_rest() {
        let sites = "server { listen 80; server_name a.example; location / { proxy_pass http://192.0.2.1; } }\nserver { listen 80; server_name b.example .b.example; location / { proxy_pass http://192.0.2.2; } location /api { proxy_pass http://192.0.2.3; } }\n";
        assert_eq!(
            read(disk().file("/etc/nginx/sites-enabled/a", sites)),
            [
                "0.0.0.0:80 > 192.0.2.1:80 [a.example]",
                "0.0.0.0:80 > 192.0.2.1:80 [*] ?",
                "0.0.0.0:80 > 192.0.2.2:80 [*.b.example,b.example]",
                "0.0.0.0:80 > 192.0.2.3:80 [*.b.example,b.example] ?",
            ]
        );
    }

    #[test]
    fn the_rest_is_sure_where_somebody_marked_it_and_every_site_is_seen() {
        let marked = "server { listen 80 default_server; server_name a.example; location / { proxy_pass http://192.0.2.1; } }\nserver { listen 80; server_name b.example; location / { proxy_pass http://192.0.2.2; } }\n";
        assert_eq!(
            read(disk().file("/etc/nginx/sites-enabled/a", marked)),
            [
                "0.0.0.0:80 > 192.0.2.1:80 [*,a.example]",
                "0.0.0.0:80 > 192.0.2.2:80 [b.example]",
            ]
        );
        let stays = marked.replace("proxy_pass http://192.0.2.2;", "root /srv/b;");
        assert_eq!(
            read(disk().file("/etc/nginx/sites-enabled/a", stays.as_str())),
            [
                "0.0.0.0:80 > 192.0.2.1:80 [a.example]",
                "0.0.0.0:80 > 192.0.2.1:80 [*] ?",
            ]
        );
    }

    #[test]
    fn a_stream_chooses_by_the_name_of_the_handshake() {
        let stream = "map $ssl_preread_server_name $up { mail.example imap; default web; }\nupstream imap { server 192.0.2.4:993; }\nupstream web { server 192.0.2.5:443; }\nserver { listen 443; proxy_pass $up; ssl_preread on; }\nserver { listen 53 udp; proxy_pass 192.0.2.6:53; }\n";
        assert_eq!(
            read(disk().file("/etc/nginx/streams/a.conf", stream)),
            [
                "0.0.0.0:443 > 192.0.2.4:993 [mail.example] imap",
                "0.0.0.0:443 > 192.0.2.5:443 [*] web",
                "0.0.0.0:53 > 192.0.2.6:53 []",
            ]
        );
    }

    #[test]
    fn what_only_a_request_decides_gives_nothing() {
        let site = "server { listen 80; location / { set $b app1.corp.example; proxy_pass http://$b:8080$request_uri; } }\nserver { listen 81; location / { proxy_pass http://$arg_x; } }\n";
        assert_eq!(
            read(disk().file("/etc/nginx/sites-enabled/a", site)),
            ["0.0.0.0:80 > app1.corp.example:8080 []"]
        );
    }

    #[test]
    fn a_file_that_includes_itself_ends() {
        let disk = FakeDisk::new().file(MAIN, "http { include nginx.conf; include *.conf; }");
        assert!(read(disk).is_empty());
    }

    #[test]
    fn hammered_configurations_never_panic() {
        let corpus: &[&[u8]] = &[
            b"http { upstream a { server b:1; } server { listen 80; location / { proxy_pass http://a; } } }",
            b"stream { map $x $y { a b; } server { listen 1 udp; proxy_pass $y; } }",
            b"a \"b\\\"c\" ${d} { e; } }",
        ];
        groma_fuzz::hammer(500, corpus, |bytes| {
            let text = Text {
                path: "/x".into(),
                text: String::from_utf8_lossy(bytes).into_owned(),
            };
            let tree = parse(&text);
            for stream in [false, true] {
                Block::of(&tree, stream).forwards(&mut Vec::new());
                for directive in &tree {
                    Block::of(&directive.block, stream).forwards(&mut Vec::new());
                }
            }
        });
        let deep = Text {
            path: "/x".into(),
            text: "a {".repeat(50_000),
        };
        let _ = parse(&deep);
    }
}
