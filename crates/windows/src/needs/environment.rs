//! Variables of the machine and of each account: URLs, shares, licence servers, hosts.

use std::collections::BTreeSet;

use groma_knowledge::rules::{COMMON_KEYS, SILENCE};
use groma_model::{Peer, Port, Transport};

use super::connection;
use super::look::{Look, Need};
use super::url::{is_reading_place, urls};
use super::value::{Target, host, peer, port, unc};

const OF_MACHINE: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment";
/// Where programs of FlexNet keep the licence servers that answered them: values as in the environment.
const FLEXNET_OF_MACHINE: &[&str] = &[
    r"HKLM\SOFTWARE\FLEXlm License Manager",
    r"HKLM\SOFTWARE\WOW6432Node\FLEXlm License Manager",
];
/// Longest value that is read, in bytes.
const VALUE_MAX: usize = 32_768;
/// Parts of one value that are read.
const PARTS_MAX: usize = 512;
/// Variables whose value is a licence server without a port (Sentinel RMS), and where it listens.
const LICENCE_HOSTS: &[&str] = &["LSHOST", "LSFORCEHOST"];
const SENTINEL: u16 = 5093;
/// Where FlexNet looks when no port is written: the first of 27000 to 27009.
const FLEXNET: u16 = 27_000;

/// Variables of the machine.
pub(super) fn machine(look: &mut Look<'_>) {
    variables(look, OF_MACHINE);
    for path in FLEXNET_OF_MACHINE {
        variables(look, path);
    }
}

/// Variables of one account.
pub(super) fn hive(look: &mut Look<'_>, hive: &str) {
    variables(look, &format!(r"{hive}\Environment"));
    variables(look, &format!(r"{hive}\Software\FLEXlm License Manager"));
}

fn variables(look: &mut Look<'_>, path: &str) {
    let values = look.key(path).values;
    for (name, value) in values {
        let text = look.expanded(value.text().unwrap_or_default());
        variable(look, path, &name, &text);
    }
}

/// A variable that stands at `path`.
pub(super) fn variable(look: &mut Look<'_>, path: &str, name: &str, text: &str) {
    if text.len() > VALUE_MAX {
        return;
    }
    for (rule, kind, target) in targets(name, text) {
        look.needs(Need {
            rule,
            key: path,
            value: name,
            kind,
            port: None,
            target,
            reader: None,
            weak: false,
        });
    }
}

type Found = (&'static str, &'static str, Target);

/// What a variable names; the first way to read it that fits.
fn targets(name: &str, text: &str) -> Vec<Found> {
    let mut found = shares(text);
    if text.contains("://") {
        found.extend(addresses(name, text));
    } else if let Some(licences) = licences(name, text) {
        found.extend(licences);
    } else if text.contains('=') && text.contains(';') {
        found.extend(
            connection::connection_string(text)
                .map(|target| ("windows-environment", "sql", target)),
        );
    } else if found.is_empty() {
        found.extend(plain(name, text));
    }
    found
}

/// Parts of a list of paths that lie on other machines.
fn shares(text: &str) -> Vec<Found> {
    let parts = text
        .split(';')
        .take(PARTS_MAX)
        .map(|part| part.trim().trim_matches('"'));
    let mut shares: Vec<Target> = parts
        .filter(|part| part.starts_with(r"\\"))
        .filter_map(unc)
        .collect();
    for share in &mut shares {
        share.default_port = share.default_port.or(Some(Port(445)));
    }
    shares
        .into_iter()
        .map(|share| ("windows-environment", "smb", share))
        .collect()
}

/// URLs; what stands behind `HTTP_PROXY` is a proxy.
fn addresses(name: &str, text: &str) -> Vec<Found> {
    let lower = name.to_lowercase();
    if SILENCE.reading_keys.contains(&lower) || is_own(&lower) {
        return Vec::new();
    }
    let is_proxy = words(&lower).contains("proxy");
    let mut found = urls(text);
    found.retain(|target| !is_reading_place(target));
    for target in &mut found {
        if is_proxy && target.kind == Some("http") {
            target.kind = Some("http-proxy");
        }
    }
    found
        .into_iter()
        .map(|target| ("windows-environment", "other", target))
        .collect()
}

/// `27000@lic1;27000@lic2`, `@lic1`, `port@a,port@b,port@c`; nothing where the variable names no licence server.
fn licences(name: &str, text: &str) -> Option<Vec<Found>> {
    let upper = name.to_ascii_uppercase();
    let licence = |mut target: Target, number: Option<Port>, default: u16| {
        target.port = number;
        target.default_port = Some(Port(default));
        target.resource = Some("licences".to_owned());
        ("windows-licence-server", "other", target)
    };
    if LICENCE_HOSTS.contains(&upper.as_str()) {
        let hosts = text.split([':', ';', '~']).filter(|word| !word.is_empty());
        let mut found: Vec<Found> = hosts
            .filter_map(|word| Some(licence(Target::new(peer(word)?, None), None, SENTINEL)))
            .collect();
        for (_, _, target) in &mut found {
            target.transport = Some(Transport::Udp);
        }
        return Some(found);
    }
    let is_licence =
        upper.contains("LICENSE") || upper.contains("LICENCE") || upper.ends_with("_LIC");
    let one = |word: &str| {
        let (number, server) = word.trim().split_once('@')?;
        let digits = number.bytes().all(|b| b.is_ascii_digit());
        let fits = digits && (is_licence || !number.is_empty());
        let target = Target::new(peer(server).filter(|_| fits)?, None);
        Some(licence(target, port(number), FLEXNET))
    };
    let found: Vec<Found> = text
        .split([';', ','])
        .take(PARTS_MAX)
        .filter_map(one)
        .collect();
    (!found.is_empty()).then_some(found)
}

/// `host:port`, or a host where the variable says what it is for (`DB_HOST`, `SYSLOG_SERVER`).
fn plain(name: &str, text: &str) -> Vec<Found> {
    let lower = name.to_lowercase();
    let words = words(&lower);
    if is_own(&lower) {
        return Vec::new();
    }
    let said = kind(&words);
    let names_a_peer = words
        .iter()
        .any(|word| COMMON_KEYS.peer_words.iter().any(|peer| peer == word));
    let Some(mut target) = host(text) else {
        return Vec::new();
    };
    // A word and a number may be anything (`on:1`); a name with dots, or an address, is a machine.
    let is_told = match &target.peer {
        Peer::Address(_) => target.port.is_some() || names_a_peer,
        Peer::Name(name) if name.is_qualified() => target.port.is_some() || names_a_peer,
        Peer::Name(_) => names_a_peer && said.is_some(),
    };
    if !is_told {
        return Vec::new();
    }
    let ports = words
        .iter()
        .find_map(|word| COMMON_KEYS.word_ports.get(*word));
    target.default_port = ports.copied().map(Port);
    vec![("windows-environment", said.unwrap_or("other"), target)]
}

/// Words of a variable's name: `DB_HOST` is `db` and `host`.
fn words(lower: &str) -> BTreeSet<&str> {
    let parts = lower.split(|c: char| !c.is_ascii_alphanumeric());
    parts.filter(|word| !word.is_empty()).collect()
}

/// The kind of need the words tell.
fn kind(words: &BTreeSet<&str>) -> Option<&'static str> {
    let mut all = COMMON_KEYS.kind_words.iter();
    // `http` and `url` say least: any other word wins.
    let telling = all.find(|(kind, named)| {
        *kind != "http" && named.iter().any(|word| words.contains(word.as_str()))
    });
    telling.map(|(kind, _)| kind.as_str())
}

/// True if the name speaks of the machine itself, or of who may come.
fn is_own(lower: &str) -> bool {
    words(lower)
        .iter()
        .any(|word| COMMON_KEYS.own_words.contains(*word))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{said, shown};
    use super::*;

    #[test]
    fn variables_name_machines() {
        let export = r#"Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Session Manager\Environment]
"HTTP_PROXY"="http://svc:canary@proxy1.corp.example:3128"
"DATABASE_URL"="postgres://app:canary@db1.corp.example/erp"
"LM_LICENSE_FILE"="27005@lic1.corp.example;@lic2;C:\\flexlm\\license.dat"
"VENDORLMD"="1700@lic3,1700@lic4"
"LSHOST"="lic5"
"Path"="C:\\Windows\\system32;C:\\Windows;\\\\files1.corp.example\\tools\\bin"
"KAFKA_BROKERS"="kafka1.corp.example:9093"
"REDIS_HOST"="cache1"
"ERP_CONNECTION"="Server=sql1\\ERP;Database=erp;User Id=sa;Password=canary"

[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\FLEXlm License Manager]
"ADSKFLEX_LICENSE_FILE"="@lic6"

[HKEY_USERS\S-1-5-21-1-2-3-1001\Environment]
"TEAMSHARE"="\\\\files2\\team"
"#;
        let found = said(export);
        assert_eq!(
            shown(&found),
            [
                "windows-environment HTTP_PROXY -> http-proxy proxy1.corp.example 3128/tcp, account svc, None, secret",
                "windows-environment DATABASE_URL -> sql db1.corp.example 5432/tcp, resource erp, account app, secret",
                "windows-licence-server LM_LICENSE_FILE -> other lic1.corp.example 27005/tcp, resource licences",
                "windows-licence-server LM_LICENSE_FILE -> other lic2 27000/tcp, resource licences",
                "windows-licence-server VENDORLMD -> other lic3 1700/tcp, resource licences",
                "windows-licence-server VENDORLMD -> other lic4 1700/tcp, resource licences",
                "windows-licence-server LSHOST -> other lic5 5093/udp, resource licences",
                "windows-environment Path -> smb files1.corp.example 445/tcp, resource tools/bin",
                "windows-environment KAFKA_BROKERS -> message-queue kafka1.corp.example 9093/tcp",
                "windows-environment REDIS_HOST -> nosql cache1 6379/tcp",
                "windows-environment ERP_CONNECTION -> sql sql1, resource erp, account sa, secret",
                "windows-environment TEAMSHARE -> smb files2 445/tcp, resource team",
                "windows-licence-server ADSKFLEX_LICENSE_FILE -> other lic6 27000/tcp, resource licences",
            ]
        );
        assert!(!format!("{found:?}").contains("canary"));
    }

    #[test]
    fn variables_every_machine_has_are_silent() {
        let export = r#"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Session Manager\Environment]
"ComSpec"="C:\\Windows\\system32\\cmd.exe"
"NUMBER_OF_PROCESSORS"="4"
"OS"="Windows_NT"
"Path"="C:\\Windows\\system32;C:\\Windows"
"PATHEXT"=".COM;.EXE;.BAT;.CMD"
"PROCESSOR_ARCHITECTURE"="AMD64"
"PROCESSOR_IDENTIFIER"="Intel64 Family 6 Model 85 Stepping 7, GenuineIntel"
"PROCESSOR_REVISION"="5507"
"PSModulePath"="C:\\Program Files\\WindowsPowerShell\\Modules"
"TEMP"="C:\\Windows\\TEMP"
"USERNAME"="SYSTEM"
"DriverData"="C:\\Windows\\System32\\Drivers\\DriverData"
"JAVA_HOME"="C:\\Program Files\\Java\\jdk-17"
"JAVA_TOOL_OPTIONS"="-Dfile.encoding=UTF-8"
"LM_LICENSE_FILE"="C:\\flexlm\\license.dat;27000@localhost;27000@APP1"
"REDIS_HOST"="127.0.0.1"
"DISPLAY"=":0.0"
"SCHEMA"="http://www.w3.org/2001/XMLSchema"
"NO_PROXY"="corp.example:80"
"MAIL"="ann@corp.example"
"RATIO"="on:1"
"PUBLIC_URL"="https://shop.corp.example/"
"PYTHONUTF8"="1"
"#;
        assert_eq!(shown(&said(export)), Vec::<String>::new());
    }

    proptest::proptest! {
        #[test]
        fn any_variable_is_read(name in "[A-Z_]{0,20}", text in ".{0,300}") {
            let _ = targets(&name, &text);
            let _ = targets("X_LICENSE_FILE", &text);
            let _ = targets("DB_HOST", &text);
        }
    }
}
