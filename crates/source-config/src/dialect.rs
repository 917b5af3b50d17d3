//! Which database a file speaks of, where it names a server and leaves the port to the product's habit.

use std::collections::BTreeSet;

use groma_model::Port;
use groma_model::fact::Reference;

/// Pieces of words that stand for one product, with the port it listens on by habit.
const PRODUCTS: &[(&[&str], u16)] = &[
    (&["mysql", "mariadb", "innodb"], 3306),
    (
        &["postgres", "pgsql", "psycopg", "pg_connect", "libpq"],
        5432,
    ),
    (
        &["sqlserver", "mssql", "sqlsrv", "freetds", "sqlncli"],
        1433,
    ),
    (&["oracle", "oci8", "oci_connect", "cx_oracle"], 1521),
    (&["firebird", "interbase"], 3050),
];

/// Gives databases without a port the one of the only product `text` speaks of. Where it speaks of two, or of none,
/// nobody knows.
pub(crate) fn settle(text: &str, references: &mut [Reference]) {
    // A connection string names its driver, or means the one its own product has.
    let open = |r: &Reference| {
        r.kind == "sql" && r.port.is_none() && !matches!(r.rule.as_str(), "connection-string")
    };
    if !references.iter().any(open) {
        return;
    }
    let lines: Vec<String> = text.lines().map(str::to_ascii_lowercase).collect();
    for reference in references.iter_mut().filter(|r| open(r)) {
        reference.port = only_product(&lines, reference.line);
    }
}

/// So many lines before and after a server speak of it; what stands further away is about another one.
const NEAR: usize = 20;

fn only_product(lines: &[String], line: u32) -> Option<Port> {
    let at = usize::try_from(line)
        .unwrap_or(usize::MAX)
        .saturating_sub(1);
    let from = at.saturating_sub(NEAR);
    let near = lines.iter().skip(from).take(NEAR + at - from + 1);
    let mut ports = BTreeSet::new();
    for line in near {
        let spoken = PRODUCTS
            .iter()
            .filter(|(words, _)| words.iter().any(|word| line.contains(word)));
        ports.extend(spoken.map(|(_, port)| Port(*port)));
    }
    ports.first().copied().filter(|_| ports.len() == 1)
}

#[cfg(test)]
mod tests {
    use groma_model::fact::{Component, ComponentClass};
    use groma_model::{HostName, Peer, Transport};

    use super::*;

    fn port(text: &str) -> Option<u16> {
        let mut references = [Reference {
            rule: "peer".to_owned(),
            file: "/x".into(),
            line: 1,
            key: "host".to_owned(),
            peer: Peer::Name(HostName::parse("db1").unwrap()),
            port: None,
            transport: Transport::Tcp,
            kind: "sql".to_owned(),
            component: Component {
                class: ComponentClass::File,
                name: "/x".into(),
            },
            resource: None,
            account: None,
            protection: None,
            mechanism: None,
            has_secret: false,
            rhythm: None,
            weak: false,
        }];
        settle(text, &mut references);
        references[0].port.map(|p| p.0)
    }

    #[test]
    fn one_product_tells_the_port_and_two_or_none_do_not() {
        assert_eq!(port("driver=MySQLi\nhost=db1\n"), Some(3306));
        assert_eq!(port("dbType: postgres\nhost: db1\n"), Some(5432));
        assert_eq!(port("# mysql or postgres\nhost=db1\n"), None);
        assert_eq!(port("host=db1\n"), None);
    }
}
