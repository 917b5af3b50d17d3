//! Classes of service principal names. The table is `data/service_principals.toml`.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// What a class of service principal names stands for.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceClass {
    /// The class as its maker writes it.
    pub name: String,
    /// For a person.
    pub title: String,
    /// A dependency kind of the registry.
    pub kind: String,
    /// Where it listens by habit.
    #[serde(default)]
    pub port: Option<u16>,
    /// True if every machine of a domain has it.
    #[serde(default)]
    pub own: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    class: Vec<ServiceClass>,
}

static CLASSES: LazyLock<HashMap<String, ServiceClass>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../data/service_principals.toml"))
        .expect("data/service_principals.toml is compiled in and a test parses it");
    let classes = file.class.into_iter();
    classes.map(|c| (c.name.to_ascii_lowercase(), c)).collect()
});

/// What is known about the class `name`, in any case.
pub fn service_class(name: &str) -> Option<&'static ServiceClass> {
    CLASSES.get(&name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use groma_model::registry::REGISTRY;

    use super::*;

    #[test]
    fn every_class_has_a_kind_of_the_registry() {
        for class in CLASSES.values() {
            assert!(
                REGISTRY.dependencies.contains_key(&class.kind),
                "{}",
                class.name
            );
        }
        assert_eq!(service_class("mssqlsvc").and_then(|c| c.port), Some(1433));
        assert!(service_class("HOST").is_some_and(|c| c.own));
        assert_eq!(service_class("nobody-knows"), None);
    }
}
