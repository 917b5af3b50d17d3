//! Selectors of DKIM that this machine signs with: OpenDKIM, Rspamd, amavis. Exim's stand in its transports.
//!
//! A selector cannot be found from outside; who signs here knows it. Keys are neither read nor named.

use std::path::{Path, PathBuf};

use groma_model::HostName;
use groma_model::fact::{RouteRule, RouteTarget};

use super::aims::each_line;
use super::map::logical;
use super::{At, Found};
use crate::enabled::Enabled;

pub(super) fn read(found: &mut Found<'_, '_, '_, '_>, enabled: &Enabled) {
    if !enabled.is_off(&["opendkim.service"]) {
        opendkim(found);
    }
    if !enabled.is_off(&["amavis.service", "amavisd.service"]) {
        amavis(found);
    }
    if enabled.is_off(&["rspamd.service"]) {
        return;
    }
    for file in [
        "/etc/rspamd/local.d/dkim_signing.conf",
        "/etc/rspamd/override.d/dkim_signing.conf",
        "/etc/rspamd/local.d/arc.conf",
    ] {
        rspamd(found, Path::new(file));
    }
}

fn sign(found: &mut Found<'_, '_, '_, '_>, domain: Option<&str>, selector: &str, at: At<'_>) {
    let is_selector = HostName::parse(selector).is_some();
    let domain = domain.and_then(HostName::parse);
    if is_selector {
        let name = selector.to_ascii_lowercase();
        let to = RouteTarget::Selector { name };
        found.add(
            RouteRule::Signing,
            domain.as_ref().map(HostName::as_str),
            to,
            at,
        );
    }
}

/// opendkim.conf(5): `Domain` and `Selector`, or a table `name domain:selector:key`.
fn opendkim(found: &mut Found<'_, '_, '_, '_>) {
    let file = Path::new("/etc/opendkim.conf");
    let text = found.text(file).unwrap_or_default();
    let (mut domain, mut selector, mut table) = (None, None, None);
    let mut signs = true;
    each_line(&text, |line, value| {
        if let Some((key, value)) = value.split_once(char::is_whitespace) {
            let value = value.trim().to_owned();
            match key.to_ascii_lowercase().as_str() {
                "domain" => domain = Some(value),
                "selector" => selector = Some((line, value)),
                "keytable" => table = Some(value),
                // `v` alone only looks at what others signed.
                "mode" => signs = value.contains('s'),
                _ => {}
            }
        }
    });
    if !signs {
        return;
    }
    let at = At {
        product: "OpenDKIM",
        file,
        key: "Selector",
        line: 0,
    };
    if let Some(table) = table {
        let path = table.rsplit(':').next().unwrap_or_default();
        let path = Path::new(path);
        let text = path.is_absolute().then(|| found.text(path)).flatten();
        each_line(&text.unwrap_or_default(), |line, entry| {
            let mut words = entry.split_ascii_whitespace().skip(1);
            let mut fields = words.next().unwrap_or_default().split(':');
            if let (Some(domain), Some(selector)) = (fields.next(), fields.next()) {
                sign(
                    found,
                    Some(domain),
                    selector,
                    At {
                        file: path,
                        key: "KeyTable",
                        line,
                        ..at
                    },
                );
            }
        });
    } else if let Some((line, selector)) = selector {
        let all = domain.unwrap_or_default();
        let mut any = false;
        for one in all
            .split(',')
            .map(str::trim)
            .filter(|d| d.contains('.') && !d.starts_with(['/', '*']))
        {
            any = true;
            sign(found, Some(one), &selector, At { line, ..at });
        }
        if !any {
            sign(found, None, &selector, At { line, ..at });
        }
    }
}

/// `selector = "x";` for all, `domain { corp.example { selector = "y"; } }`, and a map `domain selector`.
fn rspamd(found: &mut Found<'_, '_, '_, '_>, file: &Path) {
    let text = found.text(file).unwrap_or_default();
    let at = At {
        product: "Rspamd",
        file,
        key: "selector",
        line: 0,
    };
    let mut sections: Vec<String> = Vec::new();
    let (mut maps, mut keys, mut enabled) = (Vec::new(), Vec::new(), true);
    each_line(&text, |line, text| {
        let text = text.split(" #").next().unwrap_or_default().trim();
        for part in text.split_inclusive(['{', '}', ';']) {
            let part = part.trim();
            if let Some(name) = part.strip_suffix('{') {
                sections.push(name.trim().trim_matches('"').to_owned());
            } else if part.ends_with('}') {
                sections.pop();
            } else if let Some((key, value)) = part.trim_end_matches(';').split_once('=') {
                let value = value.trim().trim_matches(['"', '\'']);
                let domain = sections.iter().rev().find(|s| s.contains('.')).cloned();
                match key.trim() {
                    "enabled" if sections.is_empty() => enabled = value != "false",
                    "selector" => keys.push((domain, value.to_owned(), line)),
                    "selector_map" => maps.push(value.trim_start_matches("file://").to_owned()),
                    _ => {}
                }
            }
        }
    });
    if !enabled {
        return;
    }
    for (domain, selector, line) in keys {
        sign(found, domain.as_deref(), &selector, At { line, ..at });
    }
    for map in maps {
        // A variable of Rspamd's own for /etc/rspamd.
        let map = map
            .replace("$LOCAL_CONFDIR", "/etc/rspamd")
            .replace("${LOCAL_CONFDIR}", "/etc/rspamd");
        let path = PathBuf::from(map);
        let text = path.is_absolute().then(|| found.text(&path)).flatten();
        for (line, entry) in logical(&text.unwrap_or_default()) {
            if let Some((domain, selector)) = entry.split_once(char::is_whitespace) {
                let at = At {
                    file: &path,
                    key: "selector_map",
                    line,
                    ..at
                };
                sign(found, Some(domain), selector.trim(), at);
            }
        }
    }
}

/// `dkim_key('corp.example', 'sel', '/path/of/key');`, where `$enable_dkim_signing` is set: it is off by default. Files
/// are read in the order of their names, and the last word counts.
fn amavis(found: &mut Found<'_, '_, '_, '_>) {
    let mut files: Vec<PathBuf> = ["/etc/amavisd.conf", "/etc/amavisd/amavisd.conf"]
        .map(PathBuf::from)
        .into();
    let entries = found.list(Path::new("/etc/amavis/conf.d")).into_iter();
    let mut parts: Vec<PathBuf> = entries.map(|entry| entry.path).collect();
    parts.sort();
    files.extend(parts);
    let (mut signs, mut keys) = (false, Vec::new());
    for file in files {
        let text = found.text(&file).unwrap_or_default();
        each_line(&text, |line, value| {
            if let Some((name, value)) = value.split_once('=')
                && name.trim() == "$enable_dkim_signing"
            {
                signs = !value.trim().starts_with(['0', '\'', '"', 'u', ';']);
            }
            if let Some(inner) = value.strip_prefix("dkim_key(") {
                let mut quoted = inner.split(['\'', '"']).skip(1).step_by(2);
                if let (Some(domain), Some(selector)) = (quoted.next(), quoted.next()) {
                    let (domain, selector) = (domain.to_owned(), selector.to_owned());
                    keys.push((domain, selector, file.clone(), line));
                }
            }
        });
    }
    for (domain, selector, file, line) in keys.into_iter().filter(|_| signs) {
        let at = At {
            product: "amavis",
            file: &file,
            key: "dkim_key",
            line,
        };
        sign(found, Some(&domain), &selector, at);
    }
}
