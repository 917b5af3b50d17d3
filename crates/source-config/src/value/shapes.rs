//! Each [`Shape`] of a rule as code: a value → the machines it names.

use groma_knowledge::rules::Shape;
use groma_model::{Peer, Port, Transport};

use super::command::command_line;
use super::host::{host_and_port, port};
use super::pairs::{keyed_list, libpq};
use super::url::find_urls;
use super::{Target, account, resource};

/// Machines one value may name.
const TARGETS_MAX: usize = 64;

/// The machines `value` names when it is read as `shape`.
pub(crate) fn targets(shape: Shape, value: &str) -> Vec<Target> {
    let mut out = match shape {
        Shape::Host => first_word(&sql_server(value)).map_or_else(Vec::new, one),
        Shape::HostPort => host_then_port(value),
        Shape::AddressPort => host_then_port(value)
            .into_iter()
            .filter(|target| matches!(target.peer, Peer::Address(_)))
            .collect(),
        Shape::Hosts => hosts(value),
        Shape::Urls => urls(value),
        Shape::NextHop => value.split([',', ' ', '\t']).filter_map(next_hop).collect(),
        Shape::Inet => inet(value),
        Shape::Libpq if value.contains("://") => urls(value),
        Shape::Libpq => libpq(value),
        Shape::KeyedList if value.contains("://") => urls(value),
        Shape::KeyedList => keyed_list(value),
        Shape::Export => exports(value),
        Shape::Unc => unc(value).into_iter().collect(),
        Shape::SyslogTarget => syslog_target(value).into_iter().collect(),
        Shape::EximRoute => exim_route(value),
        Shape::DnsForward => dns_forward(value).into_iter().collect(),
        Shape::AtHost => at_host(value).into_iter().collect(),
        Shape::Command => command_line(value),
        Shape::SyslogNg => syslog_ng(value).into_iter().collect(),
        Shape::HostNamedPort => host_named_port(value),
        Shape::HostWordPort => host_word_port(value),
        Shape::OptionN => option_n(value),
        Shape::DatabaseAtHost => database_at_host(value).into_iter().collect(),
        Shape::Repository => one(value.split('/').next().unwrap_or(value)),
        Shape::UrlOwnPort => urls(value)
            .into_iter()
            .map(|target| Target {
                default_port: None,
                ..target
            })
            .collect(),
        Shape::ThirdHostPort => after_first(value)
            .and_then(after_first)
            .map_or_else(Vec::new, host_then_port),
        Shape::RemoteSet => targets(
            Shape::Hosts,
            value.split_once('/').map_or(value, |(_, hosts)| hosts),
        ),
        Shape::TunnelEnd => value
            .split_whitespace()
            .next()
            .and_then(|word| word.split_once(':'))
            .map_or_else(Vec::new, |(_, end)| one(end)),
        Shape::ZoneForward => value
            .split(',')
            .filter_map(|part| part.split_once('='))
            .flat_map(|(_, hosts)| hosts.rsplit('=').next().unwrap_or(hosts).split(';'))
            .flat_map(|host| one(host.trim()))
            .collect(),
        Shape::Transfer => {
            let word = value
                .split_whitespace()
                .find(|w| !matches!(*w, "AXFR" | "UDP"));
            word.and_then(dns_forward).into_iter().collect()
        }
        Shape::LaterHost => after_first(value)
            .and_then(first_word)
            .map_or_else(Vec::new, one),
        Shape::LaterHosts => after_first(value)
            .unwrap_or_default()
            .split([',', ';', ' ', '\t'])
            .filter(|w| !w.is_empty())
            .take(TARGETS_MAX)
            .flat_map(one)
            .collect(),
        Shape::MountAddress => value
            .split(',')
            .filter_map(|option| option.trim().strip_prefix("addr="))
            .flat_map(one)
            .collect(),
        Shape::Via => value
            .split_whitespace()
            .skip_while(|word| !matches!(*word, "via" | "gw"))
            .nth(1)
            .map_or_else(Vec::new, one),
        Shape::Helper => helper(value),
        Shape::NamedHosts => named_hosts(value),
        Shape::RemotePath => value
            .split_whitespace()
            .next()
            // restic writes `sftp:account@host:path`.
            .map(|word| {
                word.strip_prefix("sftp:")
                    .filter(|rest| !rest.starts_with("//"))
                    .unwrap_or(word)
            })
            .and_then(remote_path)
            .into_iter()
            .collect(),
    };
    out.truncate(TARGETS_MAX);
    out
}

/// `tcp:host,1433` as `host:1433`: SQL Server writes the transport before, and the port behind a comma.
fn sql_server(value: &str) -> std::borrow::Cow<'_, str> {
    let Some(rest) = value
        .strip_prefix("tcp:")
        .filter(|rest| !rest.starts_with('/'))
    else {
        return value.into();
    };
    match rest.split_once(',') {
        Some((host, number)) if port(number.trim()).is_some() => {
            format!("{host}:{}", number.trim()).into()
        }
        _ => rest.into(),
    }
}

/// The words behind `-h` and `-H` and the number behind `-p`; whatever else stands there may be a secret.
fn helper(value: &str) -> Vec<Target> {
    let mut out = Vec::new();
    let mut number = None;
    let mut words = value.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "-h" | "-H" => out.extend(words.next().map_or_else(Vec::new, one)),
            "-p" => number = words.next().and_then(port),
            _ => {}
        }
    }
    for target in &mut out {
        target.port = target.port.or(number);
    }
    out
}

/// Hosts behind `…server=`, `…servers=` and `…url=`, with the port behind `…port=` or `…ports=`. Secrets are
/// never looked at.
fn named_hosts(value: &str) -> Vec<Target> {
    let behind = |names: &[&str]| {
        names.iter().find_map(|name| {
            let rest = value.split_once(name)?.1;
            Some(match rest.strip_prefix('"') {
                Some(quoted) => quoted.split('"').next().unwrap_or(quoted),
                None => rest.split_whitespace().next().unwrap_or(rest),
            })
        })
    };
    let number = behind(&["ldapport=", "radiusports="]).and_then(|p| port(p.split(',').next()?));
    let mut out =
        behind(&["ldapserver=", "ldapurl=", "radiusservers="]).map_or_else(Vec::new, hosts);
    for target in &mut out {
        target.port = target.port.or(number);
    }
    out
}

/// Many machines. One URL may name several (`amqp://a:5672,b:5673/vhost`): what follows it is its path's end.
fn hosts(value: &str) -> Vec<Target> {
    let mut out: Vec<Target> = Vec::new();
    let mut of_url = false;
    let words = value.split([',', ';', ' ', '\t']);
    for word in words.filter(|w| !w.is_empty()).take(TARGETS_MAX) {
        let is_url = word.contains("://");
        let text = if of_url && !is_url {
            word.split(['/', '?']).next().unwrap_or(word)
        } else {
            word
        };
        let mut found = one(text);
        if let Some(first) = out.last().filter(|_| of_url && !is_url) {
            for target in &mut found {
                target.kind = first.kind;
                target.transport = first.transport;
                target.protection = first.protection;
                target.default_port = first.default_port;
            }
        }
        of_url |= is_url;
        out.extend(found);
    }
    out
}

fn host_then_port(value: &str) -> Vec<Target> {
    let mut words = value.split_whitespace();
    let mut out = words.next().map_or_else(Vec::new, one);
    let number = words.find(|w| *w != "port").and_then(port);
    for target in &mut out {
        target.port = target.port.or(number);
    }
    out
}

fn first_word(value: &str) -> Option<&str> {
    value.split([' ', '\t', ',']).find(|w| !w.is_empty())
}

fn urls(value: &str) -> Vec<Target> {
    find_urls(value)
        .into_iter()
        .flat_map(|f| f.targets)
        .collect()
}

/// A host, a host with port, or a URL.
fn one(word: &str) -> Vec<Target> {
    if word.contains("://") || word.starts_with("jdbc:") {
        return urls(word);
    }
    // `account@host` names the account first, perhaps with its secret, which is dropped.
    let (name, secret, host) = guarded(word);
    let host = untransported(host);
    // CUPS tells the version of its protocol behind the host.
    let host = host.split("/version=").next().unwrap_or(host);
    let Some((peer, port)) = host_and_port(host) else {
        return Vec::new();
    };
    let mut target = Target::new(peer, port);
    target.account = account(name);
    target.has_secret = !secret.is_empty();
    vec![target]
}

/// `host:port` of `(host:port:port)` (Oracle's directories) and of `udp:host:port` (Net-SNMP).
fn untransported(host: &str) -> &str {
    let host = host.trim_matches(['(', ')']);
    let bare = ["tcp:", "udp:", "tcp6:", "udp6:", "tls:", "ssl:"]
        .iter()
        .find_map(|transport| host.strip_prefix(transport))
        .filter(|rest| port(rest).is_none())
        .unwrap_or(host);
    match bare.rsplit_once(':') {
        Some((head, last))
            if port(last).is_some()
                && head.matches(':').count() == 1
                && head
                    .rsplit_once(':')
                    .is_some_and(|(_, first)| port(first).is_some())
                && head.contains('.') =>
        {
            head
        }
        _ => bare,
    }
}

/// `account:secret@host` taken apart; the empty text stands for what is not there.
fn guarded(word: &str) -> (&str, &str, &str) {
    let Some((before, host)) = word.rsplit_once('@') else {
        return ("", "", word);
    };
    let (name, secret) = before.split_once(':').unwrap_or((before, ""));
    (name, secret, host)
}

/// The number is the word behind `port`: any other may be a secret.
fn host_named_port(value: &str) -> Vec<Target> {
    let mut out = first_word(value).map_or_else(Vec::new, one);
    let mut words = value.split_whitespace();
    words.find(|w| matches!(*w, "port" | "service"));
    let number = words.next().and_then(port);
    for target in &mut out {
        target.port = target.port.or(number);
    }
    out
}

fn host_word_port(value: &str) -> Vec<Target> {
    let mut out = first_word(value).map_or_else(Vec::new, one);
    let number = value.split_whitespace().nth(2).and_then(port);
    for target in &mut out {
        target.port = target.port.or(number);
    }
    out
}

fn option_n(value: &str) -> Vec<Target> {
    let mut words = value.split_whitespace();
    while let Some(word) = words.next() {
        if let Some(joined) = word.strip_prefix("-n") {
            let text = if joined.is_empty() {
                words.next()
            } else {
                Some(joined)
            };
            return text.map_or_else(Vec::new, |t| t.split(',').flat_map(one).collect());
        }
    }
    Vec::new()
}

/// What follows the first word.
fn after_first(value: &str) -> Option<&str> {
    value.trim().split_once([' ', '\t']).map(|(_, rest)| rest)
}

/// `[host]:port`, `host:port`, `transport:[host]:port`, `lmtp:inet:host:port` (transport(5)).
fn next_hop(word: &str) -> Option<Target> {
    let word = word.trim();
    let (transport, hop) = match word.split_once(':') {
        // `host:25` is no transport, `smtp:[host]` is.
        Some((head, rest)) if port(rest).is_none() && !head.contains(['[', '.']) => {
            (Some(head), rest)
        }
        _ => (None, word),
    };
    let hop = hop.strip_prefix("inet:").unwrap_or(hop);
    let hop = hop.strip_prefix(':').unwrap_or(hop);
    if hop.starts_with("unix:")
        || hop.starts_with('/')
        || matches!(
            transport,
            Some("unix" | "error" | "discard" | "local" | "virtual" | "pipe")
        )
    {
        return None;
    }
    if transport.is_none() && !hop.contains(['[', '.', ':']) {
        // `local_transport = dovecot` names a transport of master.cf, not a host.
        return None;
    }
    let (peer, hop_port) = host_and_port(hop)?;
    let mut target = Target::new(peer, hop_port);
    match transport {
        Some(name) if name.contains("lmtp") => target.default_port = Some(Port(24)),
        Some("submission") => target.kind = Some("smtp-submission"),
        Some("smtps") => target.protection = Some(groma_model::name::Protection::Tls),
        _ => {}
    }
    if matches!(target.port, Some(Port(587 | 465))) {
        target.kind = Some("smtp-submission");
    }
    Some(target)
}

/// `inet:host:port`, `inet:port@host`, `tcp:host:port` among other words; `ldap://` URLs stay URLs.
fn inet(value: &str) -> Vec<Target> {
    let mut out = Vec::new();
    for word in value.split([',', ' ', '\t', '{', '}']) {
        let word = word.strip_prefix("proxy:").unwrap_or(word);
        // An option of master.cf: `smtpd_milters=inet:host:port`.
        let word = word.rsplit_once('=').map_or(word, |(_, value)| value);
        let Some(rest) = ["inet:", "inet6:", "tcp:", "socketmap:inet:"]
            .iter()
            .find_map(|p| word.strip_prefix(p))
        else {
            continue;
        };
        let swapped = rest.split_once('@').map(|(p, h)| format!("{h}:{p}"));
        let text = swapped.as_deref().unwrap_or(rest);
        // socketmap appends the name of the map.
        let text = if text.matches(':').count() == 2 && !text.contains('[') {
            text.rsplit_once(':').map_or(text, |(t, _)| t)
        } else {
            text
        };
        out.extend(host_and_port(text).map(|(peer, port)| Target::new(peer, port)));
    }
    out
}

/// `host:/path`, `host1,host2:/path`, `user@host:path`, `[v6]:/path` (nfs(5)).
fn exports(value: &str) -> Vec<Target> {
    let value = first_word_plain(value).trim_start_matches(':');
    let value = value.strip_prefix("sshfs#").unwrap_or(value);
    let Some((hosts, path)) = value
        .split_once(":/")
        .map(|(h, p)| (h, format!("/{p}")))
        .or_else(|| value.split_once(':').map(|(h, p)| (h, p.to_owned())))
    else {
        return Vec::new();
    };
    hosts
        .split(',')
        .filter_map(|host| {
            let (name, secret, host) = guarded(host);
            let (peer, _) = host_and_port(host.split('(').next().unwrap_or(host))?;
            let mut target = Target::new(peer, None);
            target.account = account(name);
            target.has_secret = !secret.is_empty();
            target.resource = resource(&path);
            Some(target)
        })
        .collect()
}

fn first_word_plain(value: &str) -> &str {
    value.split_whitespace().next().unwrap_or(value)
}

/// `//host/share` and `\\host\share`.
pub(super) fn unc(value: &str) -> Option<Target> {
    let value = value.trim().trim_start_matches(':');
    let text = value.replace('\\', "/");
    // Samba also takes `\host\share` with one of the two signs.
    let single = value.starts_with('\\') && !text.starts_with("//");
    let rest = text.strip_prefix(if single { "/" } else { "//" })?;
    let (host, share) = rest.split_once('/').unwrap_or((rest, ""));
    let (peer, port) = host_and_port(host)?;
    let mut target = Target::new(peer, port);
    target.resource = resource(share.trim_end_matches('/'));
    Some(target)
}

/// `@host:port`, `@@host:port`, `@@(o,z9)host:port;template`; nginx's `syslog:server=host:port`.
fn syslog_target(value: &str) -> Option<Target> {
    if let Some((_, rest)) = value.split_once("syslog:server=") {
        return one(rest.split([',', ' ']).next()?).into_iter().next();
    }
    let rest = value.strip_prefix('@')?;
    let (transport, rest) = rest
        .strip_prefix('@')
        .map_or((Transport::Udp, rest), |r| (Transport::Tcp, r));
    let rest = rest
        .strip_prefix('(')
        .and_then(|r| r.split_once(')'))
        .map_or(rest, |(_, r)| r);
    let (peer, port) = host_and_port(rest.split([';', ' ']).next()?)?;
    let mut target = Target::new(peer, port);
    target.transport = Some(transport);
    Some(target)
}

/// `* smart1::587:smart2 byname` and Debian's `smart1::587` (a doubled colon is the one of the port).
fn exim_route(value: &str) -> Vec<Target> {
    let mut out = Vec::new();
    for rule in value.split(';') {
        let words: Vec<&str> = rule.split_whitespace().collect();
        let hosts = if words.len() > 1 {
            words.get(1)
        } else {
            words.first()
        };
        let Some(hosts) = hosts else { continue };
        let hosts = hosts.trim_matches(['"', '\'']).replace("::", "\u{1}");
        for host in hosts.split(':').filter(|h| !h.is_empty()) {
            let text = host.replace('\u{1}', ":").replace("/MX", "");
            if let Some((peer, port)) = host_and_port(&text) {
                let mut target = Target::new(peer, port);
                if matches!(port, Some(Port(587 | 465))) {
                    target.kind = Some("smtp-submission");
                }
                out.push(target);
            }
        }
    }
    out
}

/// `10.0.0.1@853#name`, `/corp.example/10.0.0.1#5353@eth0`, `10.0.0.0/8,10.0.0.1`.
fn dns_forward(value: &str) -> Option<Target> {
    let last = value.trim().rsplit([',', '/']).next()?;
    let (head, tail) = last
        .split_once('#')
        .map_or((last, None), |(h, t)| (h, Some(t)));
    let (host, at) = head
        .split_once('@')
        .map_or((head, None), |(h, a)| (h, Some(a)));
    let (peer, written) = host_and_port(host)?;
    let number = at
        .and_then(port)
        .or_else(|| tail.and_then(|t| port(t.split('@').next().unwrap_or(t))))
        .or(written);
    Some(Target::new(peer, number))
}

/// `database@host:port account secret` (ProFTPD): the third word is not read.
fn database_at_host(value: &str) -> Option<Target> {
    let mut words = value.split_whitespace();
    let (database, host) = words.next()?.split_once('@')?;
    let (peer, port) = host_and_port(host)?;
    let mut target = Target::new(peer, port);
    target.resource = resource(database);
    target.account = words.next().and_then(account);
    target.has_secret = words.next().is_some();
    Some(target)
}

/// `ups@host:port …` (nut): the secret stands in a later word and is not read.
fn at_host(value: &str) -> Option<Target> {
    let mut words = value.split_whitespace();
    let (unit, host) = words.next()?.split_once('@')?;
    let (peer, port) = host_and_port(host)?;
    let mut target = Target::new(peer, port);
    target.resource = resource(unit);
    target.account = words.nth(1).and_then(account);
    target.has_secret = words.next().is_some();
    Some(target)
}

/// `tcp(host port(514))`, `network(host transport(udp))`.
fn syslog_ng(value: &str) -> Option<Target> {
    let (_, inner) = value.split_once('(')?;
    let host = inner.split([' ', ')', '(']).find(|w| !w.is_empty())?;
    let (peer, _) = host_and_port(host)?;
    // ` port(` alone: `transport(` ends in the same letters.
    let option = |name: &str| {
        inner
            .split_once(&format!(" {name}"))
            .and_then(|(_, rest)| rest.split([')', ' ']).find(|w| !w.is_empty()))
    };
    let mut target = Target::new(peer, option("port(").and_then(port));
    target.transport = match option("transport(") {
        Some("udp") => Some(Transport::Udp),
        Some("tls") => {
            target.protection = Some(groma_model::name::Protection::Tls);
            Some(Transport::Tcp)
        }
        Some(_) => Some(Transport::Tcp),
        None => None,
    };
    Some(target)
}

/// `account@host:path`, `host:path`, `host::module` among the arguments of a copy.
pub(super) fn remote_path(word: &str) -> Option<Target> {
    if word.contains("://") {
        return urls(word).into_iter().next();
    }
    let (head, path) = word.split_once(':')?;
    if head.contains('/') || head.len() < 2 || path.starts_with('=') {
        return None;
    }
    let (user, host) = head
        .rsplit_once('@')
        .map_or((None, head), |(u, h)| (Some(u), h));
    let (peer, _) = host_and_port(host)?;
    let mut target = Target::new(peer, None);
    target.account = user.and_then(account);
    if let Some(module) = path.strip_prefix(':') {
        target.kind = Some("backup");
        target.default_port = Some(Port(873));
        target.resource = resource(module.split('/').next().unwrap_or(module));
    } else {
        target.resource = resource(path);
    }
    Some(target)
}

/// A host, perhaps with `account@` before it.
pub(super) fn account_host(word: &str) -> Option<Target> {
    one(word).into_iter().next()
}

/// True if a peer is worth a word where only its form speaks for it: an address, or a dotted name.
pub(super) fn is_certain(peer: &Peer) -> bool {
    match peer {
        Peer::Address(_) => true,
        Peer::Name(name) => name.is_qualified() || name.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_before_the_host_is_dropped_whatever_the_shape() {
        for shape in [
            Shape::AddressPort,
            Shape::Host,
            Shape::Hosts,
            Shape::HostPort,
        ] {
            for target in targets(shape, "svc:hunter2@proxy1.corp.example:3128") {
                assert_eq!(target.account.as_deref(), Some("svc"));
                assert!(target.has_secret);
            }
        }
        for target in targets(Shape::Export, "anna:hunter2@files1:/srv/a") {
            assert!(!format!("{target:?}").contains("hunter2"));
        }
        assert_eq!(account("svc:hunter2"), None);
    }

    fn shown(shape: Shape, value: &str) -> Vec<String> {
        targets(shape, value)
            .iter()
            .map(|t| {
                let port = t.port.or(t.default_port).map_or(0, |p| p.0);
                let rest: String = [t.account.as_deref(), t.resource.as_deref()]
                    .into_iter()
                    .flatten()
                    .map(|s| format!(" {s}"))
                    .collect();
                format!(
                    "{}:{port}{rest}{}",
                    t.peer,
                    if t.has_secret { " ***" } else { "" }
                )
            })
            .collect()
    }

    #[test]
    fn next_hops_of_postfix() {
        assert_eq!(shown(Shape::NextHop, "[relay1]:587"), ["relay1:587"]);
        assert_eq!(
            shown(Shape::NextHop, "smtp:[10.0.0.5]:2525"),
            ["10.0.0.5:2525"]
        );
        assert_eq!(shown(Shape::NextHop, "lmtp:inet:mail2:24"), ["mail2:24"]);
        assert_eq!(shown(Shape::NextHop, "relay.corp:25"), ["relay.corp:25"]);
        for silent in [
            "lmtp:unix:private/dovecot-lmtp",
            "dovecot",
            "local:$myhostname",
            "error:5.1.1 gone",
            "",
        ] {
            assert!(shown(Shape::NextHop, silent).is_empty(), "{silent}");
        }
    }

    #[test]
    fn milters_of_both_orders() {
        assert_eq!(
            shown(
                Shape::Inet,
                "inet:milter1:8891, unix:/run/x, inet:8893@10.0.0.9"
            ),
            ["milter1:8891", "10.0.0.9:8893"]
        );
        assert!(shown(Shape::Inet, "hash:/etc/aliases, permit_mynetworks").is_empty());
    }

    #[test]
    fn storage_names_hosts_and_exports() {
        assert_eq!(
            shown(Shape::Export, "nas1:/export/home"),
            ["nas1:0 /export/home"]
        );
        assert_eq!(shown(Shape::Export, "a,b:/x"), ["a:0 /x", "b:0 /x"]);
        assert_eq!(shown(Shape::Unc, "//files1/scans/"), ["files1:0 scans"]);
        assert_eq!(shown(Shape::Unc, "\\\\files1\\scans"), ["files1:0 scans"]);
        assert!(shown(Shape::Export, "UUID=1234").is_empty());
    }

    #[test]
    fn one_line_languages() {
        assert_eq!(
            shown(Shape::SyslogTarget, "@@(o)log1:6514;fmt"),
            ["log1:6514"]
        );
        assert_eq!(
            shown(Shape::EximRoute, "* smart1::587:smart2 byname"),
            ["smart1:587", "smart2:0"]
        );
        assert_eq!(
            shown(Shape::EximRoute, "smart1.corp::25"),
            ["smart1.corp:25"]
        );
        assert_eq!(
            shown(Shape::DnsForward, "10.0.0.1@853#dns.corp"),
            ["10.0.0.1:853"]
        );
        assert_eq!(
            shown(Shape::DnsForward, "/corp.example/10.0.0.2#5353"),
            ["10.0.0.2:5353"]
        );
        assert_eq!(
            shown(Shape::AtHost, "ups1@ups-srv:3493 1 upsmon hunter2 slave"),
            ["ups-srv:3493 upsmon ups1 ***"]
        );
        assert_eq!(
            shown(Shape::SyslogNg, "network(log3 port(601) transport(tls))"),
            ["log3:601"]
        );
    }

    #[test]
    fn the_words_behind_the_first_are_hosts_and_a_secret_is_dropped() {
        assert_eq!(
            shown(Shape::LaterHost, "http reader:hunter2@proxy1:3128 x"),
            ["proxy1:3128 reader ***"]
        );
        assert_eq!(
            shown(Shape::HostNamedPort, "pop.corp with proto POP3 port 995"),
            ["pop.corp:995"]
        );
        assert_eq!(
            shown(Shape::HostWordPort, "proxy2 parent 3128 0 default"),
            ["proxy2:3128"]
        );
        assert_eq!(
            shown(Shape::OptionN, "-v 9 -n 192.0.2.7:9995"),
            ["192.0.2.7:9995"]
        );
        assert_eq!(
            shown(Shape::RemotePath, "git@git.corp:team/x.git"),
            ["git.corp:0 git team/x.git"]
        );
        assert_eq!(
            shown(Shape::LaterHosts, "ntp-servers 192.0.2.1, ns.corp"),
            ["192.0.2.1:0", "ns.corp:0"]
        );
        assert!(shown(Shape::LaterHosts, "ntp-servers").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_value_has_a_reading(value in ".{0,200}") {
            for shape in [Shape::Host, Shape::Hosts, Shape::Urls, Shape::NextHop, Shape::Inet, Shape::Libpq, Shape::KeyedList, Shape::Export, Shape::Unc, Shape::SyslogTarget,
                Shape::EximRoute, Shape::DnsForward, Shape::AtHost, Shape::Command, Shape::SyslogNg, Shape::LaterHost, Shape::LaterHosts, Shape::RemotePath, Shape::HostNamedPort, Shape::HostWordPort, Shape::OptionN] {
                let _ = targets(shape, &value);
            }
        }
    }
}
