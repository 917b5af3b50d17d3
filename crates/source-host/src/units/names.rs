//! Names of units: templates, instances, whose drop-ins apply (systemd.unit(5)). Pure.

/// True for `getty@.service`.
pub(super) fn is_template(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(stem, _)| stem.ends_with('@'))
}

/// `getty@.service` for `getty@tty1.service`.
pub(super) fn template(name: &str) -> Option<String> {
    let (stem, kind) = name.rsplit_once('.')?;
    let (prefix, instance) = stem.split_once('@')?;
    (!instance.is_empty()).then(|| format!("{prefix}@.{kind}"))
}

/// `other` with the instance of `name`, if it is a template.
pub(super) fn with_instance_of(name: &str, other: &str) -> String {
    let instance = name
        .rsplit_once('.')
        .and_then(|(stem, _)| stem.split_once('@'))
        .map_or("", |(_, instance)| instance);
    match other.rsplit_once("@.") {
        Some((prefix, kind)) if !instance.is_empty() => format!("{prefix}@{instance}.{kind}"),
        _ => other.to_owned(),
    }
}

/// Whose drop-in directories apply, from the general to the special: the kind, each prefix that ends in a
/// dash, the template, the unit itself.
pub(super) fn drop_in_owners(name: &str) -> Vec<String> {
    let Some((stem, kind)) = name.rsplit_once('.') else {
        return vec![name.to_owned()];
    };
    let mut owners = vec![kind.to_owned()];
    owners.extend(
        stem.match_indices('-')
            .filter_map(|(at, _)| stem.get(..=at))
            .map(|prefix| format!("{prefix}.{kind}")),
    );
    owners.extend(template(name));
    owners.push(name.to_owned());
    owners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drop_ins_apply_from_the_general_to_the_special() {
        assert_eq!(
            drop_in_owners("a-b-c@x.service"),
            [
                "service",
                "a-.service",
                "a-b-.service",
                "a-b-c@.service",
                "a-b-c@x.service"
            ]
        );
    }

    #[test]
    fn an_instance_belongs_to_its_template() {
        assert_eq!(
            template("getty@tty1.service").as_deref(),
            Some("getty@.service")
        );
        assert_eq!(template("getty@.service"), None);
        assert_eq!(template("ssh.service"), None);
        assert_eq!(with_instance_of("a@x.service", "b@.socket"), "b@x.socket");
        assert!(is_template("getty@.service") && !is_template("getty@tty1.service"));
    }
}
