//! Command lines of relays and tunnels: `ssh -L`, `autossh`, `socat`, `systemd-socket-proxyd`.
//!
//! Arguments come from a unit file, a crontab or a running process. Nothing but endpoints is kept of them.

use groma_model::fact::{Component, Forward, ForwardEnd, ForwardMode};
use groma_model::{Peer, Transport};

use crate::handed::{endpoint, everywhere, host_and_port, number, plain, socket};

/// Arguments of one command that are looked at.
const WORDS_MAX: usize = 256;

/// What a command says it hands on, and what it needs the SSH configuration for.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) forwards: Vec<Forward>,
    /// The SSH session, whose configuration may forward more.
    pub(crate) session: Option<Session>,
}

/// One SSH session that stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    pub(crate) destination: String,
    /// `-F`
    pub(crate) config: Option<String>,
    pub(crate) clears: bool,
    /// `-L`, `-R`, `-D` with their value, and what `-o` says of the same.
    pub(crate) wishes: Vec<(char, String)>,
}

/// Reads one command.
pub(crate) fn told(words: &[String], component: &Component) -> Told {
    let mut words: Vec<&str> = words.iter().take(WORDS_MAX).map(String::as_str).collect();
    // `sudo -u x`, `env A=b`, `nohup`, `exec` before the program.
    while words
        .first()
        .is_some_and(|w| matches!(program(w), "nohup" | "exec" | "setsid" | "env"))
    {
        words.remove(0);
        while words
            .first()
            .is_some_and(|w| w.contains('=') && !w.starts_with('/'))
        {
            words.remove(0);
        }
    }
    let Some((first, rest)) = words.split_first() else {
        return Told::default();
    };
    match program(first) {
        "ssh" | "autossh" => Told {
            forwards: Vec::new(),
            session: session(rest),
        },
        "socat" => Told {
            forwards: socat(rest, component).into_iter().collect(),
            session: None,
        },
        _ => Told::default(),
    }
}

fn program(word: &str) -> &str {
    let word = word.trim_start_matches(['-', '@', ':', '+', '!']);
    word.rsplit('/').next().unwrap_or(word)
}

/// Options of ssh(1) that take a value, and autossh's `-M`.
const SSH_VALUES: &str = "BbcDEeFIiJLlmMOopPQRSWw";

fn session(words: &[&str]) -> Option<Session> {
    let mut session = Session::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-').filter(|l| !l.is_empty()) else {
            if session.destination.is_empty() {
                (*word).clone_into(&mut session.destination);
                continue;
            }
            // What follows the destination is a command for the other side.
            break;
        };
        let mut letters = letters.chars();
        while let Some(letter) = letters.next() {
            if !SSH_VALUES.contains(letter) {
                continue;
            }
            let rest = letters.as_str();
            let value = if rest.is_empty() {
                words.next().copied().unwrap_or_default()
            } else {
                rest
            };
            session.option(letter, value);
            break;
        }
    }
    (!session.destination.is_empty()).then_some(session)
}

impl Session {
    fn option(&mut self, letter: char, value: &str) {
        match letter {
            'L' | 'R' | 'D' => self.wishes.push((letter, value.to_owned())),
            'F' => self.config = Some(value.to_owned()),
            'o' => {
                let (key, value) = value.split_once(['=', ' ']).unwrap_or((value, ""));
                self.setting(key, value.trim());
            }
            _ => {}
        }
    }

    /// A keyword of ssh_config(5) that forwards.
    pub(crate) fn setting(&mut self, key: &str, value: &str) {
        let letter = match key.to_ascii_lowercase().as_str() {
            "localforward" => 'L',
            "remoteforward" => 'R',
            "dynamicforward" => 'D',
            "clearallforwardings" => {
                self.clears = value.eq_ignore_ascii_case("yes");
                return;
            }
            _ => return,
        };
        // `8080 host:80` in the file is `8080:host:80` on the command line.
        let value: Vec<&str> = value.split_whitespace().collect();
        self.wishes.push((letter, value.join(":")));
    }

    /// Host and account of the destination: `user@host`, `ssh://user@host:22`.
    pub(crate) fn host(&self) -> &str {
        let text = self
            .destination
            .strip_prefix("ssh://")
            .unwrap_or(&self.destination);
        let text = text.rsplit_once('@').map_or(text, |(_, host)| host);
        if text.starts_with('[') {
            return text
                .split(']')
                .next()
                .unwrap_or(text)
                .trim_start_matches('[');
        }
        match text.split_once(':') {
            Some((host, port)) if self.destination.starts_with("ssh://") && !port.contains(':') => {
                host
            }
            _ => text,
        }
    }

    /// What the session hands on, with `far` as the other side.
    pub(crate) fn forwards(&self, far: &Peer, component: &Component) -> Vec<Forward> {
        if self.clears {
            return Vec::new();
        }
        self.wishes
            .iter()
            .filter_map(|(letter, wish)| forward(*letter, wish, far, component))
            .collect()
    }
}

fn forward(letter: char, wish: &str, far: &Peer, component: &Component) -> Option<Forward> {
    let parts = parts(wish);
    let here = || Peer::parse("127.0.0.1");
    let bound = |bind: Option<&String>| match bind.map(String::as_str) {
        None | Some("localhost") => here(),
        Some("" | "*") => Some(everywhere()),
        Some(text) => Peer::parse(text),
    };
    if letter == 'D' {
        let (bind, port) = match parts.as_slice() {
            [port] => (None, port),
            [bind, port] => (Some(bind), port),
            _ => return None,
        };
        let takes_in = endpoint(bound(bind)?, Some(number(port)?), Transport::Tcp);
        let network = "0.0.0.0/0".to_owned();
        let mut forward = plain(
            ForwardMode::Tunnel,
            takes_in,
            ForwardEnd::Network { network },
            component.clone(),
        );
        forward.via = Some(far.clone());
        return Some(forward);
    }
    let (bind, takes_in, sends_to): (Option<&String>, &str, ForwardEnd) = match parts.as_slice() {
        [path, host, port] if path.starts_with('/') => (None, path, target(host, port)?),
        [bind, port, path] if path.starts_with('/') => (Some(bind), port, socket(path)),
        [port, path] if path.starts_with('/') => (None, port, socket(path)),
        [port, host, to] => (None, port, target(host, to)?),
        [bind, port, host, to] => (Some(bind), port, target(host, to)?),
        _ => return None,
    };
    let listens = if takes_in.starts_with('/') {
        socket(takes_in)
    } else if letter == 'R' {
        // It is taken in on the other side; whoever calls it calls that machine.
        endpoint(far.clone(), Some(number(takes_in)?), Transport::Tcp)
    } else {
        endpoint(bound(bind)?, Some(number(takes_in)?), Transport::Tcp)
    };
    let mut forward = plain(ForwardMode::Tunnel, listens, sends_to, component.clone());
    if letter == 'L' {
        forward.via = Some(far.clone());
    }
    Some(forward)
}

fn target(host: &str, port: &str) -> Option<ForwardEnd> {
    Some(endpoint(
        Peer::parse(host)?,
        Some(number(port)?),
        Transport::Tcp,
    ))
}

/// `a:b:c` at its colons, those in brackets left alone; `a/b/c` is the older way to write the same.
fn parts(wish: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut inside = false;
    for c in wish.chars().take(1024) {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            ':' if !inside => parts.push(String::new()),
            c => {
                if let Some(part) = parts.last_mut() {
                    part.push(c);
                }
            }
        }
    }
    parts
}

/// `socat TCP-LISTEN:8080,fork TCP:host:80`.
fn socat(words: &[&str], component: &Component) -> Option<Forward> {
    let mut ends = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.strip_prefix('-') {
            Some("t" | "T" | "b" | "lf" | "lp" | "L" | "W" | "S" | "r" | "R") => {
                words.next();
            }
            Some(_) => {}
            None => ends.push(*word),
        }
    }
    let [one, other] = ends.as_slice() else {
        return None;
    };
    let (one, other) = (address(one)?, address(other)?);
    let (takes_in, sends_to) = match (one.listens, other.listens) {
        (true, false) => (one.end, other.end),
        (false, true) => (other.end, one.end),
        _ => return None,
    };
    Some(plain(
        ForwardMode::TcpProxy,
        takes_in,
        sends_to,
        component.clone(),
    ))
}

struct Address {
    listens: bool,
    end: ForwardEnd,
}

/// One address of socat(1): keyword, parameters, options.
fn address(text: &str) -> Option<Address> {
    let (keyword, rest) = text.split_once(':')?;
    let mut options = rest.split(',');
    let parameter = options.next()?;
    let bind = options.find_map(|o| o.strip_prefix("bind="));
    let keyword = keyword.to_ascii_uppercase();
    let transport = if keyword.starts_with("UDP") {
        Transport::Udp
    } else {
        Transport::Tcp
    };
    match keyword.as_str() {
        "TCP-LISTEN" | "TCP-L" | "TCP4-LISTEN" | "TCP4-L" | "TCP6-LISTEN" | "TCP6-L"
        | "UDP-LISTEN" | "UDP4-LISTEN" | "UDP6-LISTEN" | "UDP-L" | "UDP-RECVFROM"
        | "UDP4-RECVFROM" | "OPENSSL-LISTEN" | "SSL-L" | "SSL-LISTEN" => {
            let peer = match bind {
                Some(bind) => host_and_port(bind)?.0,
                None => everywhere(),
            };
            let end = endpoint(peer, Some(number(parameter)?), transport);
            Some(Address { listens: true, end })
        }
        "TCP" | "TCP4" | "TCP6" | "TCP-CONNECT" | "TCP4-CONNECT" | "TCP6-CONNECT" | "UDP"
        | "UDP4" | "UDP6" | "UDP-CONNECT" | "UDP4-CONNECT" | "UDP-SENDTO" | "UDP4-SENDTO"
        | "OPENSSL" | "OPENSSL-CONNECT" | "SSL" => {
            let (peer, port) = host_and_port(parameter)?;
            let end = endpoint(peer, Some(port?), transport);
            Some(Address {
                listens: false,
                end,
            })
        }
        "UNIX-LISTEN" | "UNIX-L" => Some(Address {
            listens: true,
            end: socket(parameter),
        }),
        "UNIX-CONNECT" | "UNIX" | "UNIX-CLIENT" => Some(Address {
            listens: false,
            end: socket(parameter),
        }),
        _ => None,
    }
}

/// Where `systemd-socket-proxyd` sends on to: its last argument.
pub(crate) fn proxyd(words: &[String]) -> Option<ForwardEnd> {
    let (first, rest) = words.split_first()?;
    if program(first) != "systemd-socket-proxyd" {
        return None;
    }
    let to = rest.iter().rev().find(|w| !w.starts_with('-'))?;
    if to.starts_with('/') {
        return Some(socket(to));
    }
    let (peer, port) = host_and_port(to)?;
    Some(endpoint(peer, port, Transport::Tcp))
}

/// A command line as the shell and systemd split it: blanks, quotes, backslashes. Expansion is left alone.
pub(crate) fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut any = false;
    let mut quote = None;
    let mut rest = line.chars().take(32 << 10);
    while let Some(c) = rest.next() {
        match (c, quote) {
            (c, Some(q)) if c == q => quote = None,
            ('\\', None | Some('"')) => word.extend(rest.next()),
            ('"' | '\'', None) => {
                quote = Some(c);
                any = true;
            }
            (c, None) if c.is_whitespace() => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            (c, _) => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handed::unit;

    fn shown(line: &str) -> Vec<String> {
        let told = told(&split(line), &unit("x.service"));
        let mut all = told.forwards;
        if let Some(session) = told.session {
            let far = Peer::parse(session.host()).unwrap();
            all.extend(session.forwards(&far, &unit("x.service")));
        }
        all.iter()
            .map(|f| {
                let via = f
                    .via
                    .as_ref()
                    .map_or_else(String::new, |v| format!(" via {v}"));
                format!("{} > {}{via}", f.listens, f.sends_to)
            })
            .collect()
    }

    #[test]
    fn tunnels_of_ssh_know_their_ends() {
        assert_eq!(
            shown(
                "/usr/bin/ssh -N -L 5432:db1.corp.example:5432 -L '*:8080:localhost:80' tunnel@bastion"
            ),
            [
                "127.0.0.1:5432 > db1.corp.example:5432 via bastion",
                "0.0.0.0:8080 > localhost:80 via bastion"
            ]
        );
        assert_eq!(
            shown(
                "autossh -M 0 -o ServerAliveInterval=30 -NR 2222:127.0.0.1:22 -p 443 u@far.example"
            ),
            ["far.example:2222 > 127.0.0.1:22"]
        );
        assert_eq!(
            shown("ssh -o 'LocalForward=9000 192.0.2.4:9000' far"),
            ["127.0.0.1:9000 > 192.0.2.4:9000 via far"]
        );
        assert_eq!(
            shown("ssh -fND 1080 far"),
            ["127.0.0.1:1080 > 0.0.0.0/0 via far"]
        );
        assert_eq!(
            shown("ssh -L [::1]:1:[2001:db8::5]:2 far"),
            ["[::1]:1 > [2001:db8::5]:2 via far"]
        );
    }

    #[test]
    fn a_plain_session_and_a_command_for_the_other_side_hand_on_nothing() {
        assert!(shown("ssh -p 22 far uptime").is_empty());
        assert!(shown("ssh far socat TCP-LISTEN:1 TCP:a:2 -L 1:b:2").is_empty());
        assert!(shown("ssh -o ClearAllForwardings=yes -L 1:b:2 far").is_empty());
        assert!(shown("/usr/bin/rsync -L 1:b:2 far").is_empty());
    }

    #[test]
    fn socat_hands_on_from_the_end_that_listens() {
        assert_eq!(
            shown("socat TCP-LISTEN:8080,fork,reuseaddr,bind=127.0.0.1 TCP:192.0.2.5:80"),
            ["127.0.0.1:8080 > 192.0.2.5:80"]
        );
        assert_eq!(
            shown("socat -d -d UDP-LISTEN:53,fork UDP:dns1:53"),
            ["0.0.0.0:53 > dns1:53"]
        );
        assert_eq!(shown("socat - TCP:192.0.2.5:80"), [""; 0]);
        assert_eq!(
            shown("socat UNIX-LISTEN:/run/a,fork TCP:db1:1"),
            ["/run/a > db1:1"]
        );
    }

    #[test]
    fn hammered_command_lines_never_panic() {
        let corpus: &[&[u8]] = &[
            b"ssh -NL 1:[::1]:2 -o LocalForward=1 u@[x]:3",
            b"socat A-L:1,bind=b TCP:c:d",
            b"autossh -M 0 -D *:1 ssh://a@b:22",
        ];
        groma_fuzz::hammer(2000, corpus, |bytes| {
            let words = split(&String::from_utf8_lossy(bytes));
            let told = told(&words, &unit("x"));
            if let Some(session) = told.session {
                session.forwards(&Peer::parse("a").expect("a name"), &unit("x"));
            }
            proxyd(&words);
        });
    }
}
