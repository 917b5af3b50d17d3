//! Allow lists: who may ask an agent, out of its settings. Bytes in, nothing read, nothing kept but addresses.

use groma_model::{Port, Transport};

use super::who::{Who, pattern, who};
use crate::text::{meaningful, number, pair, unquoted, words};

/// Words of one list that are read at all.
const WORDS_MAX: usize = 1_000;

/// What one file says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Allowed {
    /// Who, and in which line.
    pub(super) who: Vec<(Who, u32)>,
    /// The port that is asked, where the file says it.
    pub(super) port: Option<Port>,
    /// True if the agent listens for nobody from elsewhere.
    pub(super) only_here: bool,
}

impl Allowed {
    fn all<'a>(&mut self, line: u32, list: impl Iterator<Item = &'a [u8]>) {
        let who = list.take(WORDS_MAX).filter_map(who);
        self.who.extend(who.map(|who| (who, line)));
    }
}

/// An agent whose settings say who may ask it.
pub(super) struct Agent {
    pub(super) product: &'static str,
    pub(super) units: &'static [&'static str],
    /// Files, and directories of files with an ending.
    pub(super) files: &'static [&'static str],
    pub(super) directories: &'static [(&'static str, &'static str)],
    pub(super) port: u16,
    pub(super) transport: Transport,
    /// Who may ask where no line says it; none where that is nobody.
    pub(super) unsaid: Option<Who>,
    pub(super) read: fn(&[u8]) -> Allowed,
}

/// The agents, their files as their packages lay them out.
pub(super) const AGENTS: &[Agent] = &[
    Agent {
        product: "NRPE",
        units: &["nagios-nrpe-server.service", "nrpe.service"],
        files: &["/etc/nagios/nrpe.cfg", "/etc/nagios/nrpe_local.cfg"],
        directories: &[("/etc/nagios/nrpe.d", "cfg"), ("/etc/nrpe.d", "cfg")],
        port: 5666,
        transport: Transport::Tcp,
        unsaid: Some(Who::Anybody),
        read: |bytes| equals(bytes, b"allowed_hosts", b"server_port"),
    },
    Agent {
        product: "Zabbix agent",
        units: &["zabbix-agent.service", "zabbix-agent2.service"],
        files: &[
            "/etc/zabbix/zabbix_agentd.conf",
            "/etc/zabbix/zabbix_agent2.conf",
        ],
        directories: &[
            ("/etc/zabbix/zabbix_agentd.conf.d", "conf"),
            ("/etc/zabbix/zabbix_agentd.d", "conf"),
            ("/etc/zabbix/zabbix_agent2.d", "conf"),
        ],
        port: 10050,
        transport: Transport::Tcp,
        unsaid: None,
        read: |bytes| equals(bytes, b"Server", b"ListenPort"),
    },
    Agent {
        product: "munin-node",
        units: &["munin-node.service"],
        files: &["/etc/munin/munin-node.conf"],
        directories: &[],
        port: 4949,
        transport: Transport::Tcp,
        unsaid: None,
        read: munin,
    },
    Agent {
        product: "SNMP agent",
        units: &["snmpd.service"],
        files: &["/etc/snmp/snmpd.conf", "/var/lib/snmp/snmpd.conf"],
        directories: &[("/etc/snmp/snmpd.conf.d", "conf")],
        port: 161,
        transport: Transport::Udp,
        unsaid: None,
        read: snmpd,
    },
    Agent {
        product: "Checkmk agent",
        units: &[
            "check-mk-agent.socket",
            "check_mk.socket",
            "xinetd.service",
            "cmk-agent-ctl-daemon.service",
        ],
        files: &[
            "/etc/xinetd.d/check_mk",
            "/etc/xinetd.d/check-mk-agent",
            "/etc/check_mk/cmk-agent-ctl.toml",
        ],
        directories: &[],
        port: 6556,
        transport: Transport::Tcp,
        unsaid: Some(Who::Anybody),
        read: checkmk,
    },
    Agent {
        product: "NSClient++",
        units: &["nsclient.service"],
        files: &["/etc/nsclient/nsclient.ini"],
        directories: &[],
        port: 5666,
        transport: Transport::Tcp,
        unsaid: None,
        read: |bytes| equals(bytes, b"allowed hosts", b"port"),
    },
    Agent {
        product: "Monit",
        units: &["monit.service"],
        files: &["/etc/monit/monitrc", "/etc/monitrc"],
        directories: &[],
        port: 2812,
        transport: Transport::Tcp,
        unsaid: None,
        read: monit,
    },
];

/// `KEY=word,word` in any case.
fn equals(bytes: &[u8], key: &[u8], port: &[u8]) -> Allowed {
    let mut allowed = Allowed::default();
    for (line, text) in meaningful(bytes, b"#;") {
        match pair(text, b'=') {
            Some((name, value)) if name.eq_ignore_ascii_case(key) => {
                allowed.all(line, value.split(|b| matches!(b, b',' | b' ' | b'\t')));
            }
            Some((name, value)) if name.eq_ignore_ascii_case(port) => allowed.port = port_of(value),
            _ => {}
        }
    }
    allowed
}

fn port_of(text: &[u8]) -> Option<Port> {
    u16::try_from(number(text.trim_ascii())?).ok().map(Port)
}

/// munin-node.conf(5): `allow REGEX`, `cidr_allow NETWORK`, `host ADDRESS` to listen at.
fn munin(bytes: &[u8]) -> Allowed {
    let mut allowed = Allowed::default();
    for (line, text) in meaningful(bytes, b"#") {
        let mut parts = words(text);
        let (Some(key), Some(value)) = (parts.next(), parts.next()) else {
            continue;
        };
        match key {
            b"allow" => allowed.who.extend(pattern(value).map(|who| (who, line))),
            b"cidr_allow" => allowed.all(line, std::iter::once(value)),
            b"host" => allowed.only_here = who(value) == Some(Who::Here),
            b"port" => allowed.port = port_of(value),
            _ => {}
        }
    }
    allowed
}

/// snmpd.conf(5): `rocommunity COMMUNITY [SOURCE …]`, `com2sec [-Cn CONTEXT] NAME SOURCE COMMUNITY`,
/// `agentAddress`; a community is a password and is passed over.
fn snmpd(bytes: &[u8]) -> Allowed {
    let mut allowed = Allowed::default();
    for (line, text) in meaningful(bytes, b"#") {
        let copied = copied_words(text);
        let mut parts = copied.iter().map(Vec::as_slice);
        let key = parts.next().unwrap_or_default().to_ascii_lowercase();
        match key.as_slice() {
            b"rocommunity" | b"rwcommunity" | b"rocommunity6" | b"rwcommunity6" => {
                let source = parts.nth(1).filter(|s| !s.starts_with(b"-"));
                allowed.all(line, std::iter::once(source.unwrap_or(b"default")));
            }
            b"com2sec" | b"com2sec6" => {
                let rest: Vec<&[u8]> = parts.collect();
                let skipped = if rest.first() == Some(&b"-Cn".as_slice()) {
                    2
                } else {
                    0
                };
                allowed.all(line, rest.get(skipped + 1).copied().into_iter());
            }
            // Who has the key of a user may ask from anywhere.
            b"rouser" | b"rwuser" => allowed.who.push((Who::Anybody, line)),
            b"agentaddress" => {
                let all: Vec<&[u8]> = parts.flat_map(|p| p.split(|b| *b == b',')).collect();
                allowed.only_here = !all.is_empty() && all.iter().all(|a| is_loopback(a));
            }
            _ => {}
        }
    }
    allowed
}

/// Words as the agent itself takes them (snmp_config(5)): a quote at the beginning of a word keeps blanks until its
/// twin, a backslash keeps the letter behind it, `#` before a word ends the line.
///
/// What follows a closing quote without a blank is a word of its own to the agent, and half a password to whoever
/// wrote it: it stands here as an empty one.
fn copied_words(line: &[u8]) -> Vec<Vec<u8>> {
    let (mut words, mut rest, mut glued) = (Vec::new(), line, false);
    while words.len() < WORDS_MAX {
        let blanks = rest.iter().take_while(|b| is_blank(**b)).count();
        rest = rest.get(blanks..).unwrap_or_default();
        if matches!(rest, [] | [b'#', ..]) {
            break;
        }
        let hidden = glued && blanks == 0;
        let (word, tail) = copied_word(rest);
        words.push(if hidden { Vec::new() } else { word });
        (rest, glued) = (tail, true);
    }
    words
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// One word, and what is left behind it.
fn copied_word(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let (quote, mut rest) = match text {
        [quote @ (b'"' | b'\''), inner @ ..] => (Some(*quote), inner),
        _ => (None, text),
    };
    let mut word = Vec::new();
    while let [first, tail @ ..] = rest {
        match (quote, tail) {
            (Some(quote), _) if *first == quote => return (word, tail),
            (None, _) if is_blank(*first) => break,
            (_, [kept, behind @ ..]) if *first == b'\\' => {
                word.push(*kept);
                rest = behind;
            }
            _ => {
                word.push(*first);
                rest = tail;
            }
        }
    }
    (word, rest)
}

/// `udp:127.0.0.1:161`, `[::1]`, `unix:/run/x`.
fn is_loopback(address: &[u8]) -> bool {
    let text = crate::text::lossy(address).to_ascii_lowercase();
    let bare = ["udp6:", "tcp6:", "udp:", "tcp:", "ipv6:"]
        .iter()
        .fold(text.as_str(), |t, prefix| {
            t.strip_prefix(prefix).unwrap_or(t)
        });
    bare.starts_with("unix:")
        || bare.starts_with("127.")
        || bare.starts_with("[::1]")
        || bare.starts_with("localhost")
}

/// `only_from = A B` and `port = 6556` of xinetd.conf(5), `disable = yes`; `allowed_ip = ["A", "B"]` of the
/// controller's own settings.
fn checkmk(bytes: &[u8]) -> Allowed {
    let mut allowed = Allowed::default();
    for (line, text) in meaningful(bytes, b"#") {
        let Some((key, value)) = pair(text, b'=') else {
            continue;
        };
        let value = value.strip_prefix(b"=").unwrap_or(value);
        match key.strip_suffix(b"+").unwrap_or(key).trim_ascii() {
            b"only_from" | b"allowed_ip" => allowed.all(
                line,
                value.split(|b| matches!(b, b' ' | b'\t' | b',' | b'[' | b']')),
            ),
            b"port" | b"pull_port" => allowed.port = port_of(value),
            b"disable" => allowed.only_here = value.trim_ascii() == b"yes",
            _ => {}
        }
    }
    allowed
}

/// `set httpd port 2812 … allow ADDRESS` of monit(1); `allow account:password` is passed over.
fn monit(bytes: &[u8]) -> Allowed {
    let mut allowed = Allowed::default();
    let mut within = false;
    for (line, text) in meaningful(bytes, b"#") {
        let parts: Vec<&[u8]> = words(text).collect();
        within = match parts.as_slice() {
            [b"set", b"httpd", ..] => true,
            [b"set" | b"check" | b"include", ..] => false,
            _ => within,
        };
        if !within {
            continue;
        }
        for two in parts.windows(2) {
            match two {
                [b"allow", word] => {
                    allowed.all(line, std::iter::once(*word).filter(|w| is_address(w)))
                }
                [b"port", port] => allowed.port = port_of(port),
                [b"address", address] => allowed.only_here = is_loopback(address),
                _ => {}
            }
        }
    }
    allowed
}

/// False for `allow md5 /etc/httpd/htpasswd admin` and its likes, which name a file of accounts or a service that
/// knows them, and for the first half of a quoted account.
fn is_address(word: &[u8]) -> bool {
    const ACCOUNTS: &[&[u8]] = &[b"md5", b"crypt", b"cleartext", b"pam"];
    let half = matches!(word.first(), Some(b'"' | b'\'')) && unquoted(word) == word;
    !half && !ACCOUNTS.iter().any(|kind| word.eq_ignore_ascii_case(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(allowed: &Allowed) -> Vec<String> {
        let who = allowed.who.iter().map(|(who, line)| match who {
            Who::Machine(peer) => format!("{line} {peer}"),
            Who::Network(network) => format!("{line} {network}"),
            Who::Anybody => format!("{line} *"),
            Who::Here => format!("{line} here"),
        });
        who.collect()
    }

    #[test]
    fn each_agent_says_in_its_own_words_who_may_ask() {
        let zabbix = equals(b"# Server=10.0.0.9\nServer=127.0.0.1,zbx1.corp.example\nServerActive=other\nListenPort=10060\n", b"Server", b"ListenPort");
        assert_eq!(said(&zabbix), ["2 here", "2 zbx1.corp.example"]);
        assert_eq!(zabbix.port, Some(Port(10060)));
        let snmp = snmpd(b"rocommunity canary 10.0.0.5\nrocommunity canary default -V systemonly\nrocommunity canary\ncom2sec ro 10.0.0.0/24 canary\ncom2sec -Cn c ro nms1.corp.example canary\nagentaddress udp:161,udp6:[::1]:161\n");
        assert_eq!(
            said(&snmp),
            [
                "1 10.0.0.5",
                "2 *",
                "3 *",
                "4 10.0.0.0/24",
                "5 nms1.corp.example"
            ]
        );
        assert!(!snmp.only_here && snmpd(b"agentaddress  127.0.0.1,[::1]\n").only_here);
        let munin = munin(b"allow ^127\\.0\\.0\\.1$\nallow ^10\\.0\\.0\\.5$\ncidr_allow 10.1.0.0/16\nhost *\nport 4949\n");
        assert_eq!(said(&munin), ["1 here", "2 10.0.0.5", "3 10.1.0.0/16"]);
        let xinetd = checkmk(b"service check_mk\n{\n  type = UNLISTED\n  port = 6556\n  only_from = 127.0.0.1 10.0.0.5\n  disable = no\n}\n");
        assert_eq!(said(&xinetd), ["5 here", "5 10.0.0.5"]);
        let controller = checkmk(b"allowed_ip = [\"10.0.0.5\", \"10.2.0.0/16\"]\n");
        assert_eq!(said(&controller), ["1 10.0.0.5", "1 10.2.0.0/16"]);
        let monit = monit(b"set mailserver allow.corp.example\nset httpd port 2812 and\n  use address 10.0.0.1\n  allow 10.0.0.5\n  allow admin:canary\nset daemon 60\n");
        assert_eq!(said(&monit), ["4 10.0.0.5"]);
        assert!(!format!("{snmp:?}{monit:?}").contains("canary"));
    }

    #[test]
    fn a_community_with_a_blank_is_one_word_and_its_source_is_the_next() {
        let text = br#"rocommunity "canary canary2" 10.0.0.5
rocommunity 'canary canary2' 10.0.0.6 # canary
rocommunity canary\ canary2 10.0.0.7
rocommunity "canary\" canary2" "10.0.0.8"
com2sec ro nms1.corp.example "canary canary2"
com2sec -Cn "canary x" "r o" 10.0.0.0/24 canary
rocommunity "can"ary 10.0.0.9
rocommunity "canary never closed 10.0.0.10
rocommunity canary # canary
"#;
        let snmp = snmpd(text);
        assert_eq!(
            said(&snmp),
            [
                "1 10.0.0.5",
                "2 10.0.0.6",
                "3 10.0.0.7",
                "4 10.0.0.8",
                "5 nms1.corp.example",
                "6 10.0.0.0/24",
                "8 *",
                "9 *"
            ]
        );
        assert!(!format!("{snmp:?}").contains("ary"));
        groma_fuzz::hammer(3000, &[text, b"\\", b"\"\\"], |bytes| {
            snmpd(bytes);
        });
    }

    #[test]
    fn a_file_of_accounts_that_monit_allows_is_no_machine() {
        let monit = monit(b"set httpd port 2812 allow md5 /etc/httpd/htpasswd admin\n  allow crypt /etc/htpasswd\n  allow CLEARTEXT /etc/plain anna\n  allow pam @staff\n  allow @staff\n\
            \x20 allow \"canary x\":\"canary y\"\n  allow md5.corp.example\n  allow \"10.0.0.5\"\n");
        assert_eq!(said(&monit), ["7 md5.corp.example", "8 10.0.0.5"]);
    }

    #[test]
    fn no_settings_make_any_of_them_panic() {
        let corpus: &[&[u8]] = &[
            b"allowed_hosts=a,b\nServer=1.2.3.4/5\n",
            b"com2sec -Cn x y\nagentaddress ,\nrouser\n",
            b"allow ^1\\.2$\ncidr_allow x/y\nset httpd port allow\nonly_from += [\"a\"]\n",
        ];
        groma_fuzz::hammer(3000, corpus, |bytes| {
            for agent in AGENTS {
                (agent.read)(bytes);
            }
        });
    }
}
