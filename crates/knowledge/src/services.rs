//! Programs that listen, and what they speak.
//!
//! A port is a habit, a program is a fact: who holds an endpoint open says more about what is needed
//! there than its number. The table is `data/services.toml`.

use std::borrow::Cow;
use std::sync::LazyLock;

use groma_model::path;
use serde::Deserialize;

/// A program that does work for others.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceProgram {
    /// The product, as `Postfix`.
    pub product: String,
    /// The dependency kind (registry word) of whoever calls it, where the port does not say it better.
    pub kind: String,
    /// What the machine does for others by running it, as `mail`.
    pub function: String,
    /// File names of its executables, or ends of their paths.
    programs: Vec<String>,
    /// Units without suffix and instance.
    units: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "version")]
    _version: u32,
    service: Vec<ServiceProgram>,
}

static SERVICES: LazyLock<Vec<ServiceProgram>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../data/services.toml"))
        .expect("data/services.toml is compiled in and a test parses it");
    file.service
});

/// All programs known, in the order of the table.
pub fn service_programs() -> &'static [ServiceProgram] {
    &SERVICES
}

/// The service behind an executable (a path, or a bare name) and the unit it runs in.
///
/// The executable decides; the unit speaks only where the executable says nothing, because an
/// interpreter (`java`, `python3`) may be anything, while a stray helper in a known unit is not the service.
pub fn service_of_program(executable: &str, unit: Option<&str>) -> Option<&'static ServiceProgram> {
    let of_windows = is_of_windows(executable);
    let spelt = spelt(executable);
    let is_program = |end: &String| match of_windows {
        true => is_program_of_windows(&spelt, end),
        false => is_end_of_path(&spelt, end),
    };
    let by_program = SERVICES.iter().find(|s| s.programs.iter().any(is_program));
    by_program.or_else(|| {
        let stem = path::unit_stem(unit?);
        let is_unit = |known: &String| match of_windows {
            // `MSSQL$ERP` is the instance `ERP`.
            true => stem
                .split('$')
                .next()
                .unwrap_or(stem)
                .eq_ignore_ascii_case(known),
            false => known == stem,
        };
        SERVICES.iter().find(|s| s.units.iter().any(is_unit))
    })
}

/// True for a path of Windows, for a bare `NAME.exe`, and for its kernel's own process.
fn is_of_windows(executable: &str) -> bool {
    let ends_so = |name: &str| {
        let ending = name.len().checked_sub(4).and_then(|at| name.get(at..));
        ending.is_some_and(|ending| ending.eq_ignore_ascii_case(".exe"))
    };
    path::is_of_windows(executable.as_bytes()) || ends_so(executable) || executable == "System"
}

/// The path as the table spells paths: of Windows in lower case and with `/`.
fn spelt(executable: &str) -> Cow<'_, str> {
    match is_of_windows(executable) {
        true => Cow::Owned(executable.replace('\\', "/").to_ascii_lowercase()),
        false => Cow::Borrowed(executable),
    }
}

/// The same of a path of Windows, which may end in `.exe` where the table does not say so.
fn is_program_of_windows(path: &str, end: &str) -> bool {
    let end = end.to_ascii_lowercase();
    let bare = path.strip_suffix(".exe");
    is_end_of_path(path, &end) || bare.is_some_and(|bare| is_end_of_path(bare, &end))
}

/// True if `path` ends with `end` at a `/`.
fn is_end_of_path(path: &str, end: &str) -> bool {
    path.strip_suffix(end)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use groma_model::registry::REGISTRY;

    use super::*;

    fn product(executable: &str, unit: Option<&str>) -> Option<&'static str> {
        service_of_program(executable, unit).map(|s| s.product.as_str())
    }

    #[test]
    fn every_kind_of_the_table_is_a_word_of_the_registry() {
        for service in service_programs() {
            assert_eq!(
                REGISTRY.kind(&service.kind).name,
                service.kind,
                "{}",
                service.product
            );
            assert!(
                !service.programs.is_empty() || !service.units.is_empty(),
                "{}",
                service.product
            );
        }
    }

    #[test]
    fn no_program_means_two_products() {
        let mut seen = std::collections::BTreeSet::new();
        for service in service_programs() {
            for name in service.programs.iter().chain(&service.units) {
                let own = service.programs.contains(name) && service.units.contains(name);
                assert!(seen.insert(name) || own, "{name}");
            }
        }
    }

    #[test]
    fn a_program_is_known_by_its_path() {
        assert_eq!(
            product("/usr/lib/postfix/sbin/master", None),
            Some("Postfix")
        );
        assert_eq!(
            product("/usr/sbin/slapd", Some("slapd.service")),
            Some("OpenLDAP")
        );
        assert_eq!(product("postgres", None), Some("PostgreSQL"));
    }

    #[test]
    fn a_common_name_elsewhere_is_not_the_service() {
        assert_eq!(product("/opt/app/bin/master", None), None);
        assert_eq!(product("/opt/not-nginx", None), None);
    }

    #[test]
    fn a_program_of_windows_is_known_in_any_case_and_with_its_ending() {
        for (executable, unit, wanted) in [
            (
                r"C:\Program Files\Microsoft SQL Server\MSSQL15.ERP\MSSQL\Binn\SQLSERVR.EXE",
                None,
                "Microsoft SQL Server",
            ),
            (r"C:\nginx-1.24\nginx.exe", None, "nginx"),
            (r"D:\PostgreSQL\15\bin\postgres.exe", None, "PostgreSQL"),
            (
                r"c:\windows\System32\DNS.exe",
                None,
                "DNS Server of Windows",
            ),
            (r"C:\Tomcat 9.0\bin\Tomcat9.exe", None, "Apache Tomcat"),
            (
                r"C:\Program Files\Exchsrvr\bin\store.exe",
                None,
                "Microsoft Exchange",
            ),
            (
                r"C:\FileZilla Server\FileZilla Server.exe",
                None,
                "FileZilla Server",
            ),
            (
                r"C:\Windows\System32\svchost.exe",
                Some("dhcpserver.service"),
                "DHCP Server of Windows",
            ),
            (
                r"C:\Windows\System32\lsass.exe",
                Some("NTDS.service"),
                "Active Directory Domain Services",
            ),
            (
                r"C:\x\host.exe",
                Some("MSSQL$ERP.service"),
                "Microsoft SQL Server",
            ),
            (
                "System",
                Some("LanmanServer.service"),
                "file sharing of Windows",
            ),
            (
                r"C:\Program Files\Zabbix Agent\zabbix_agentd.exe",
                None,
                "Zabbix",
            ),
        ] {
            assert_eq!(product(executable, unit), Some(wanted), "{executable}");
        }
    }

    #[test]
    fn what_only_sounds_like_a_program_of_windows_is_none() {
        for (executable, unit) in [
            (r"C:\Apps\store.exe", None),
            (r"C:\Windows\System32\lsass.exe", Some("KeyIso.service")),
            (r"C:\Windows\System32\svchost.exe", Some("Dnscache.service")),
            (r"C:\Java\bin\java.exe", None),
            (r"C:\Apps\my-nginx.exe", None),
            // Of Linux, where case and names are others'.
            ("/opt/dns", None),
            ("/opt/NGINX", None),
            (r"/opt/a\nginx", None),
            ("/x/y", Some("DHCPSERVER.service")),
            ("/x/y", Some("mssql$erp.service")),
        ] {
            assert_eq!(product(executable, unit), None, "{executable}");
        }
    }

    #[test]
    fn a_unit_speaks_where_the_interpreter_says_nothing() {
        assert_eq!(
            product("/usr/lib/jvm/bin/java", Some("elasticsearch.service")),
            Some("Elasticsearch")
        );
        assert_eq!(
            product("/usr/lib/jvm/bin/java", Some("payroll.service")),
            None
        );
        assert_eq!(
            product("/x/y", Some("postgresql@15-main.service")),
            Some("PostgreSQL")
        );
    }
}
