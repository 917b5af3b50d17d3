//! Programs that listen, and what they speak.
//!
//! A port is a habit, a program is a fact: who holds an endpoint open says more about what is needed
//! there than its number. The table is `data/services.toml`.

use std::sync::LazyLock;

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
    let by_program = SERVICES
        .iter()
        .find(|s| s.programs.iter().any(|p| is_end_of_path(executable, p)));
    by_program.or_else(|| {
        let unit = unit_stem(unit?);
        SERVICES.iter().find(|s| s.units.iter().any(|u| u == unit))
    })
}

/// True if `path` ends with `end` at a `/`.
fn is_end_of_path(path: &str, end: &str) -> bool {
    path.strip_suffix(end)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with(['/', '\\']))
}

/// `postgresql` of `postgresql@15-main.service`.
fn unit_stem(unit: &str) -> &str {
    let name = unit
        .strip_suffix(".service")
        .or_else(|| unit.strip_suffix(".socket"))
        .unwrap_or(unit);
    name.split('@').next().unwrap_or(name)
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
