//! Postfix: what main.cf, master.cf and their maps say about where mail goes (postconf(5)).

use std::path::{Path, PathBuf};

use groma_model::fact::{RouteRule, RouteTarget};
use groma_model::{HostName, Port, Reason};
use groma_source::EntryKind;

use super::aims::{self, domain_of};
use super::command::program;
use super::hops::{self, Services};
use super::main_cf::{MainCf, master};
use super::map::{self, Entry, words};
use super::{At, Found};

const PRODUCT: &str = "Postfix";
/// Instances of Postfix on one machine.
const INSTANCES_MAX: usize = 32;

/// All instances.
pub(super) fn read(found: &mut Found<'_, '_, '_, '_>) {
    let mut instances: Vec<PathBuf> = found
        .list(Path::new("/etc"))
        .into_iter()
        .filter(|entry| entry.kind != EntryKind::File)
        .map(|entry| entry.path)
        .filter(|path| {
            path.to_str()
                .is_some_and(|path| path.starts_with("/etc/postfix"))
        })
        .collect();
    instances.truncate(INSTANCES_MAX);
    for directory in instances {
        instance(found, &directory);
    }
}

struct Instance {
    main: MainCf,
    services: Services,
    main_file: PathBuf,
}

fn instance(found: &mut Found<'_, '_, '_, '_>, directory: &Path) {
    let (main_file, master_file) = (directory.join("main.cf"), directory.join("master.cf"));
    let Some(text) = found.text(&main_file) else {
        return;
    };
    let mut main = MainCf::parse(&text);
    defaults(found, &mut main);
    let master_text = found.text(&master_file).unwrap_or_default();
    let (services, overruled) = master(&master_text);
    let it = Instance {
        main,
        services,
        main_file,
    };
    let keys: Vec<String> = it.main.keys().map(str::to_owned).collect();
    for key in keys {
        if let Some((line, value)) = it.main.of(&key) {
            let file = it.main_file.clone();
            it.setting(
                found,
                &key,
                &value,
                At {
                    product: PRODUCT,
                    file: &file,
                    key: &key,
                    line,
                },
            );
        }
    }
    for (line, key, value) in overruled {
        let value = it.main.filled(&value);
        let at = At {
            product: PRODUCT,
            file: &master_file,
            key: &key,
            line,
        };
        it.setting(found, &key, &value, at);
    }
}

/// What holds where main.cf is silent.
fn defaults(found: &mut Found<'_, '_, '_, '_>, main: &mut MainCf) {
    let host = found.text(Path::new("/etc/hostname")).unwrap_or_default();
    main.default_to("myhostname", host.trim());
    let name = main
        .of("myhostname")
        .map(|(_, name)| name)
        .unwrap_or_default();
    let domain = name.split_once('.').map(|(_, domain)| domain.to_owned());
    main.default_to("mydomain", &domain.unwrap_or_default());
    main.default_to(
        "mydestination",
        "$myhostname, localhost.$mydomain, localhost",
    );
    main.default_to("alias_maps", "hash:/etc/aliases");
}

impl Instance {
    fn setting(&self, found: &mut Found<'_, '_, '_, '_>, key: &str, value: &str, at: At<'_>) {
        match key {
            "relayhost" | "smtp_fallback_relay" | "fallback_relay" => self.relay(found, value, at),
            "default_transport" | "relay_transport" => {
                self.transport(found, RouteRule::Relay, None, value, at)
            }
            "local_transport" | "virtual_transport" | "mailbox_transport"
            | "fallback_transport" => {
                self.transport(found, RouteRule::Delivery, None, value, at);
            }
            "mailbox_command" => self.command(found, value, at),
            "mailbox_command_maps" => {
                for entry in map::entries(found, value, at) {
                    self.command(found, &entry.right, place(&entry, at));
                }
            }
            "mailbox_transport_maps" | "fallback_transport_maps" => {
                self.by_map(found, RouteRule::Delivery, value, at);
            }
            "transport_maps" => self.by_map(found, RouteRule::Transport, value, at),
            "sender_dependent_default_transport_maps" => {
                self.by_map(found, RouteRule::SenderRelay, value, at)
            }
            "sender_dependent_relayhost_maps" => {
                for entry in map::entries(found, value, at) {
                    let hop = hops::host(&entry.right, Port(25));
                    if let Some(to) = hop.filter(|_| entry.right != "DUNNO") {
                        let from = domain_part(&entry.left);
                        found.add(
                            RouteRule::SenderRelay,
                            from.as_deref(),
                            to,
                            place(&entry, at),
                        );
                    }
                }
            }
            "alias_maps" => self.aliases(found, value, at),
            "virtual_alias_maps"
            | "virtual_maps"
            | "canonical_maps"
            | "recipient_canonical_maps" => {
                self.virtual_aliases(found, value, at);
            }
            "mydestination" | "virtual_mailbox_domains" | "virtual_alias_domains" => {
                self.domains(found, RouteRule::Takes, value, at);
            }
            "relay_domains" => self.domains(found, RouteRule::RelaysFor, value, at),
            "local_recipient_maps"
            | "relay_recipient_maps"
            | "virtual_mailbox_maps"
            | "smtpd_sender_login_maps" => {
                self.asked_only(found, value, at);
            }
            "always_bcc" => aims::add(found, RouteRule::Archive, None, value, at),
            "sender_bcc_maps" | "recipient_bcc_maps" => {
                for entry in map::entries(found, value, at) {
                    let from = domain_part(&entry.left);
                    aims::add(
                        found,
                        RouteRule::Archive,
                        from.as_deref(),
                        &entry.right,
                        place(&entry, at),
                    );
                }
            }
            "content_filter" | "smtpd_proxy_filter" => {
                let to = match value.starts_with('[') || key == "smtpd_proxy_filter" {
                    true => hops::host(value, Port(25)),
                    false => hops::of_transport(value, &self.services),
                };
                to.into_iter()
                    .for_each(|to| found.add(RouteRule::Filter, None, to, at));
            }
            "smtpd_milters" | "non_smtpd_milters" => {
                for word in words(value) {
                    let inner = word.trim_start_matches('{').trim_start();
                    let first = words(inner).first().copied().unwrap_or_default();
                    if let Some(to) = hops::service(first) {
                        found.add(RouteRule::Filter, None, to, at);
                    }
                }
            }
            "postscreen_dnsbl_sites" => words(value)
                .iter()
                .for_each(|word| block_list(found, word, at)),
            key if key.ends_with("_checks") => {
                for entry in map::entries(found, value, at) {
                    self.action(found, &entry.right, None, place(&entry, at));
                }
            }
            key if key.ends_with("_restrictions") || self.is_class(key) => {
                self.restrictions(found, value, at)
            }
            _ => {}
        }
    }

    /// Names of restrictions that this house made.
    fn is_class(&self, key: &str) -> bool {
        let classes = self.main.of("smtpd_restriction_classes");
        classes.is_some_and(|(_, value)| words(&value).contains(&key))
    }

    fn relay(&self, found: &mut Found<'_, '_, '_, '_>, value: &str, at: At<'_>) {
        for word in words(value) {
            if let Some(to) = hops::host(word, Port(25)) {
                found.add(RouteRule::Relay, None, to, at);
            }
        }
    }

    fn transport(
        &self,
        found: &mut Found<'_, '_, '_, '_>,
        rule: RouteRule,
        from: Option<&str>,
        value: &str,
        at: At<'_>,
    ) {
        // A way of its own name, as `relay` or `virtual`, is no news.
        let way = match value.contains(':') {
            true => value.to_owned(),
            false => format!("{value}:"),
        };
        match hops::of_transport(&way, &self.services) {
            Some(RouteTarget::Way { .. }) | None => {}
            Some(to) => found.add(rule, from, to, at),
        }
    }

    fn by_map(&self, found: &mut Found<'_, '_, '_, '_>, rule: RouteRule, value: &str, at: At<'_>) {
        for entry in map::entries(found, value, at) {
            if let Some(to) = hops::of_transport(&entry.right, &self.services) {
                let from = domain_part(&entry.left);
                found.add(rule, from.as_deref(), to, place(&entry, at));
            }
        }
    }

    fn command(&self, found: &mut Found<'_, '_, '_, '_>, value: &str, at: At<'_>) {
        if let Some(path) = program(value) {
            found.add(RouteRule::Delivery, None, RouteTarget::Program { path }, at);
        }
    }

    /// Aliases of local users: their files have a form of their own.
    fn aliases(&self, found: &mut Found<'_, '_, '_, '_>, value: &str, at: At<'_>) {
        for word in words(value) {
            let file = ["hash:", "btree:", "lmdb:", "dbm:", "cdb:", "texthash:"]
                .iter()
                .find_map(|kind| word.strip_prefix(kind));
            match file {
                Some(file) if file.starts_with('/') => {
                    let file = Path::new(file);
                    if found.is_there(file) {
                        aims::alias_file(
                            found,
                            At {
                                file,
                                line: 0,
                                ..at
                            },
                        );
                    } else {
                        map::unread(found, file, at);
                    }
                }
                Some(_) => {}
                None => {
                    for entry in map::entries(found, word, at) {
                        aims::add(
                            found,
                            RouteRule::Alias,
                            None,
                            &entry.right,
                            place(&entry, at),
                        );
                    }
                }
            }
        }
    }

    fn virtual_aliases(&self, found: &mut Found<'_, '_, '_, '_>, value: &str, at: At<'_>) {
        for entry in map::entries(found, value, at) {
            let from = domain_part(&entry.left);
            let at = place(&entry, at);
            // An entry for a domain as such makes it one of ours (virtual(5)).
            if !entry.left.contains('@') && at.key.starts_with("virtual") {
                if let Some(domain) = from.as_deref() {
                    found.add(RouteRule::Takes, Some(domain), RouteTarget::Here, at);
                }
                continue;
            }
            aims::add(found, RouteRule::Alias, from.as_deref(), &entry.right, at);
        }
    }

    /// Domains, files with domains in lines, and maps with domains on their left side.
    fn domains(&self, found: &mut Found<'_, '_, '_, '_>, rule: RouteRule, value: &str, at: At<'_>) {
        for word in words(value) {
            if word.starts_with('/') {
                let file = Path::new(word);
                let text = found.text(file).unwrap_or_default();
                for (line, entry) in map::logical(&text) {
                    domain(found, rule, &entry, At { file, line, ..at });
                }
            } else if word.contains(':') {
                for entry in map::entries(found, word, at) {
                    domain(found, rule, &entry.left, place(&entry, at));
                }
            } else {
                domain(found, rule, word, at);
            }
        }
    }

    /// Of tables of people nothing is told; of who is asked for them, who it is.
    fn asked_only(&self, found: &mut Found<'_, '_, '_, '_>, value: &str, at: At<'_>) {
        for word in words(value) {
            let kind = word.trim_start_matches("proxy:").split(':').next();
            if matches!(
                kind,
                Some("ldap" | "mysql" | "pgsql" | "tcp" | "socketmap" | "memcache")
            ) {
                drop(map::entries(found, word, at));
            }
        }
    }

    /// What an access table or a table of patterns does with mail (access(5), header_checks(5)).
    fn action(
        &self,
        found: &mut Found<'_, '_, '_, '_>,
        right: &str,
        from: Option<&str>,
        at: At<'_>,
    ) {
        let (verb, rest) = right.split_once([' ', '\t']).unwrap_or((right, ""));
        match verb.to_ascii_uppercase().as_str() {
            "REDIRECT" => aims::add(found, RouteRule::Redirect, from, rest, at),
            "BCC" => aims::add(found, RouteRule::Archive, from, rest, at),
            "FILTER" => {
                if let Some(to) = hops::of_transport(rest, &self.services) {
                    found.add(RouteRule::Filter, from, to, at);
                }
            }
            _ => {}
        }
    }

    fn restrictions(&self, found: &mut Found<'_, '_, '_, '_>, value: &str, at: At<'_>) {
        let all = words(value);
        for (word, next) in all.iter().zip(all.iter().skip(1)) {
            let inner = next.trim_start_matches('{').trim_start();
            let next = words(inner).first().copied().unwrap_or_default();
            match *word {
                "check_policy_service" => {
                    let to = hops::service(next).or_else(|| hops::service(&format!("inet:{next}")));
                    to.into_iter()
                        .for_each(|to| found.add(RouteRule::Policy, None, to, at));
                }
                word if word.starts_with("reject_rbl")
                    || word.starts_with("reject_rhsbl")
                    || word.starts_with("permit_dnswl") =>
                {
                    block_list(found, next, at);
                }
                word if word.starts_with("check_") && word.ends_with("_access") => {
                    for entry in map::entries(found, next, at) {
                        let from = domain_part(&entry.left);
                        self.action(found, &entry.right, from.as_deref(), place(&entry, at));
                    }
                }
                _ => {}
            }
        }
    }
}

/// Where an entry stands: its file, or the setting itself.
fn place<'a>(entry: &'a Entry, at: At<'a>) -> At<'a> {
    match &entry.file {
        Some(file) => At {
            file,
            line: entry.line,
            ..at
        },
        None => at,
    }
}

/// `zone.example=127.0.0.[2..11]*3` asks `zone.example`.
pub(super) fn block_list(found: &mut Found<'_, '_, '_, '_>, word: &str, at: At<'_>) {
    let zone = word.split(['=', '*']).next().unwrap_or_default();
    // A key of a customer stands before the zone of the seller: it is his.
    let zone = zone.rsplit('/').next().unwrap_or_default();
    let zone = HostName::parse(zone).and_then(|zone| without_key(&zone));
    if let Some(domain) = zone.filter(HostName::is_qualified) {
        found.add(
            RouteRule::BlockList,
            None,
            RouteTarget::Domain { domain },
            at,
        );
    }
}

/// Without labels that look like a customer's key: `abcdefghijklmnop0123456789.zen.example`; nothing if none is left.
fn without_key(zone: &HostName) -> Option<HostName> {
    let long = |label: &str| label.len() >= 20;
    let labels: Vec<&str> = zone.as_str().split('.').collect();
    let keep = labels
        .iter()
        .rposition(|label| long(label))
        .map_or(0, |at| at + 1);
    let rest = labels.get(keep..).unwrap_or_default().join(".");
    HostName::parse(&rest)
}

pub(super) fn domain(found: &mut Found<'_, '_, '_, '_>, rule: RouteRule, word: &str, at: At<'_>) {
    let name = word.split_ascii_whitespace().next().unwrap_or_default();
    let plain = name.trim_start_matches('.');
    let local =
        plain == "localhost" || plain.starts_with("localhost.") || plain.ends_with(".localdomain");
    if let Some(domain) = HostName::parse(plain).filter(|d| d.is_qualified() && !local) {
        found.add(rule, Some(domain.as_str()), RouteTarget::Here, at);
    } else if rule == RouteRule::RelaysFor && word == "*" {
        found.gap(
            "the domains mail is relayed for: any (relay_domains is *)",
            Reason::Unsupported,
            "",
        );
    }
}

/// The domain of what stands on the left of a table: `user@domain`, `@domain`, `domain`, `.domain`.
pub(super) fn domain_part(left: &str) -> Option<String> {
    if left.contains('@') {
        return domain_of(left).map(|domain| domain.to_string());
    }
    let plain = left.trim_start_matches('.');
    let domain = HostName::parse(plain).filter(HostName::is_qualified)?;
    Some(match left.starts_with('.') {
        true => format!(".{domain}"),
        false => domain.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_left_side_gives_its_domain_and_no_person() {
        assert_eq!(
            domain_part("anna@Corp.Example").as_deref(),
            Some("corp.example")
        );
        assert_eq!(
            domain_part("@corp.example").as_deref(),
            Some("corp.example")
        );
        assert_eq!(
            domain_part(".corp.example").as_deref(),
            Some(".corp.example")
        );
        assert_eq!(domain_part("anna"), None);
    }

    #[test]
    fn the_key_of_a_customer_is_not_told() {
        let zone = HostName::parse("abcdefghijklmnopqrstuvwxyz.zen.dq.example.net").unwrap();
        let told = without_key(&zone).unwrap();
        assert_eq!(told.as_str(), "zen.dq.example.net");
        let zone = HostName::parse("zen.abcdefghijklmnopqrstuvwxyz").unwrap();
        assert_eq!(without_key(&zone), None);
    }
}
