//! Proxies: of each account (WinINet), of services (WinHTTP), and what policies of browsers say.

use groma_model::Reason;

use super::look::{Look, Need, unit};
use super::url::urls;
use super::value::{Target, host};

const SETTINGS: &str = r"Microsoft\Windows\CurrentVersion\Internet Settings";
/// Settings of the machine: they count where a policy says so, and for nobody's harm otherwise.
const OF_MACHINE: &[&str] = &[
    r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings",
    r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Internet Settings",
    r"HKLM\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings",
];
/// Policies of browsers; the same names stand below `HKU\SID\Software\Policies`.
const BROWSERS: &[&str] = &[
    r"Google\Chrome",
    r"Microsoft\Edge",
    r"Chromium",
    r"BraveSoftware\Brave",
];
/// Longest proxy list that is read, in bytes.
const LIST_MAX: usize = 8192;
/// The flag of a connection that says a proxy is named (`INTERNET_PER_CONN_FLAGS`, `PROXY_TYPE_PROXY`).
const NAMES_A_PROXY: u32 = 2;

/// Proxies of the machine.
pub(super) fn machine(look: &mut Look<'_>) {
    for path in OF_MACHINE {
        settings(look, path);
        services(look, path);
    }
    browsers(look, r"HKLM\SOFTWARE\Policies");
}

/// Proxies of one account.
pub(super) fn hive(look: &mut Look<'_>, hive: &str) {
    settings(look, &format!(r"{hive}\Software\{SETTINGS}"));
    settings(look, &format!(r"{hive}\Software\Policies\{SETTINGS}"));
    browsers(look, &format!(r"{hive}\Software\Policies"));
}

fn settings(look: &mut Look<'_>, path: &str) {
    let key = look.key(path);
    if key.number("ProxyEnable").is_some_and(|on| on != 0) {
        let list = key.text("ProxyServer").unwrap_or_default();
        named(look, path, "ProxyServer", list, None);
    }
    script(look, path, "AutoConfigURL", key.text("AutoConfigURL"));
}

/// What `netsh winhttp set proxy` wrote: services and updates go that way.
fn services(look: &mut Look<'_>, path: &str) {
    let path = format!(r"{path}\Connections");
    let key = look.key(&path);
    let Some(bytes) = key.bytes("WinHttpSettings") else {
        return;
    };
    match connection(bytes) {
        Some(Some(list)) => named(
            look,
            &path,
            "WinHttpSettings",
            &list,
            Some("WinHttpAutoProxySvc"),
        ),
        Some(None) => {}
        None => look.missed(format!(r"{path}: WinHttpSettings"), Reason::Malformed),
    }
}

fn browsers(look: &mut Look<'_>, policies: &str) {
    for browser in BROWSERS {
        let path = format!(r"{policies}\{browser}");
        let key = look.key(&path);
        let mode = key.text("ProxyMode").unwrap_or("fixed_servers").to_owned();
        if mode == "fixed_servers" {
            named(
                look,
                &path,
                "ProxyServer",
                key.text("ProxyServer").unwrap_or_default(),
                None,
            );
        }
        if mode == "pac_script" || key.text("ProxyMode").is_none() {
            script(look, &path, "ProxyPacUrl", key.text("ProxyPacUrl"));
        }
    }
    let path = format!(r"{policies}\Mozilla\Firefox\Proxy");
    let key = look.key(&path);
    match key.text("Mode").unwrap_or_default() {
        "manual" => {
            for value in ["HTTPProxy", "SSLProxy", "SOCKSProxy"] {
                named(
                    look,
                    &path,
                    value,
                    key.text(value).unwrap_or_default(),
                    None,
                );
            }
        }
        "autoConfig" => script(look, &path, "AutoConfigURL", key.text("AutoConfigURL")),
        _ => {}
    }
}

fn named(look: &mut Look<'_>, key: &str, value: &str, list: &str, service: Option<&str>) {
    for target in proxies(list) {
        look.needs(Need {
            rule: "windows-proxy",
            key,
            value,
            kind: "http-proxy",
            port: Some(80),
            target,
            reader: service.and_then(unit),
            weak: false,
        });
    }
}

/// The machine that hands out the script which names the proxies.
fn script(look: &mut Look<'_>, key: &str, value: &str, text: Option<&str>) {
    for target in urls(text.unwrap_or_default()) {
        look.needs(Need {
            rule: "windows-proxy-settings",
            key,
            value,
            kind: "http",
            port: None,
            target,
            reader: None,
            weak: false,
        });
    }
}

/// `host:port`, `http=a:1;https=b:2`, `http://host:port`, `socks=c`; each machine and port once.
fn proxies(list: &str) -> Vec<Target> {
    let mut found: Vec<Target> = Vec::new();
    if list.len() > LIST_MAX {
        return found;
    }
    for word in list.split([';', ' ', '\t']).filter(|word| !word.is_empty()) {
        let (scheme, rest) = word.split_once('=').unwrap_or(("", word));
        let mut targets = match rest.contains("://") {
            true => urls(rest),
            false => host(rest).into_iter().collect(),
        };
        for target in &mut targets {
            target.kind = Some("http-proxy");
            // How one speaks to the proxy is not how the page is protected.
            target.protection = None;
            if scheme.eq_ignore_ascii_case("socks") {
                target.default_port = groma_model::Port(1080).into();
            }
        }
        targets.retain(|t| !found.iter().any(|f| f.peer == t.peer && f.port == t.port));
        found.append(&mut targets);
    }
    found
}

/// The proxy list of a stored connection: four bytes each of size, version and flags, then texts with their lengths before
/// them, all little endian. `Some(None)` where no proxy is used, `None` where the bytes are none of it.
fn connection(bytes: &[u8]) -> Option<Option<String>> {
    let number = |at: usize| -> Option<u32> {
        let four = bytes.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(four.try_into().ok()?))
    };
    let flags = number(8)?;
    if flags & NAMES_A_PROXY == 0 {
        return Some(None);
    }
    let length = usize::try_from(number(12)?)
        .ok()
        .filter(|l| *l <= LIST_MAX)?;
    let text = bytes.get(16..16_usize.checked_add(length)?)?;
    Some(Some(String::from_utf8_lossy(text).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{missed, of, said, shown};
    use super::*;
    use crate::{Value, WrittenFiles, WrittenRegistry};

    const CONNECTIONS: &str =
        r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";

    fn stored(flags: u8, list: &str) -> Vec<u8> {
        let mut bytes = vec![0x18, 0, 0, 0, 0, 0, 0, 0, flags, 0, 0, 0];
        bytes.extend(u32::try_from(list.len()).unwrap().to_le_bytes());
        bytes.extend(list.as_bytes());
        bytes.extend([0, 0, 0, 0]);
        bytes
    }

    fn look(bytes: &[u8]) -> Vec<crate::Said> {
        let value = Value::Bytes(bytes.to_vec());
        let registry = WrittenRegistry::default().with(CONNECTIONS, "WinHttpSettings", value);
        of(&registry, &WrittenFiles::default())
    }

    #[test]
    fn people_services_and_browsers_go_through_proxies() {
        let export = r#"Windows Registry Editor Version 5.00

[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Windows\CurrentVersion\Internet Settings]
"ProxyEnable"=dword:00000001
"ProxyServer"="http=proxy1.corp.example:3128;https=proxy1.corp.example:3128;socks=192.0.2.20"
"ProxyOverride"="*.corp.example;<local>"
"AutoConfigURL"="http://wpad.corp.example/proxy.pac"

[HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Google\Chrome]
"ProxyMode"="pac_script"
"ProxyPacUrl"="https://pac.corp.example/chrome.pac"
"ProxyServer"="ghost:1"

[HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Mozilla\Firefox\Proxy]
"Mode"="manual"
"HTTPProxy"="proxy2.corp.example:8080"
"#;
        assert_eq!(
            shown(&said(export)),
            [
                "windows-proxy-settings ProxyPacUrl -> http pac.corp.example 443/tcp, Tls",
                "windows-proxy HTTPProxy -> http-proxy proxy2.corp.example 8080/tcp",
                "windows-proxy ProxyServer -> http-proxy proxy1.corp.example 3128/tcp",
                "windows-proxy ProxyServer -> http-proxy 192.0.2.20 1080/tcp",
                "windows-proxy-settings AutoConfigURL -> http wpad.corp.example 80/tcp, None",
            ]
        );
        let of_services = shown(&look(&stored(
            3,
            "http://svc:canary@proxy3.corp.example:8080",
        )));
        assert_eq!(
            of_services,
            [
                "windows-proxy WinHttpSettings -> http-proxy proxy3.corp.example 8080/tcp, account svc, secret"
            ]
        );
    }

    #[test]
    fn a_proxy_that_is_off_or_of_this_machine_is_silent() {
        let export = r#"
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Windows\CurrentVersion\Internet Settings]
"ProxyEnable"=dword:00000000
"ProxyServer"="proxy1.corp.example:3128"
[HKEY_USERS\S-1-5-21-1-2-3-1002\Software\Microsoft\Windows\CurrentVersion\Internet Settings]
"ProxyEnable"=dword:00000001
"ProxyServer"="127.0.0.1:8888"
"AutoConfigURL"="file://C:/proxy.pac"
"#;
        assert_eq!(shown(&said(export)), Vec::<String>::new());
        let direct = look(&stored(1, "proxy3.corp.example:8080"));
        assert_eq!((shown(&direct), missed(&direct)), (Vec::new(), Vec::new()));
    }

    #[test]
    fn damaged_bytes_are_a_gap() {
        let mut bytes = stored(3, "proxy3.corp.example:8080");
        bytes.truncate(20);
        let found = look(&bytes);
        assert!(shown(&found).is_empty());
        assert_eq!(
            missed(&found),
            [format!(
                r"registry:proxies {CONNECTIONS}: WinHttpSettings: malformed"
            )]
        );
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = stored(3, "http=a:1;https=b:2");
        groma_fuzz::hammer(2000, &[&whole], |bytes| {
            if let Some(Some(list)) = connection(bytes) {
                assert!(list.len() <= LIST_MAX * 3);
                let _ = proxies(&list);
            }
        });
    }
}
