//! One machine, watched for half a minute without root: the first thing anybody will see.

use groma_model::fact::ComponentClass as Class;
use groma_model::inventory::*;
use groma_model::name::Transport::{Tcp, Udp};

use super::{Estate, noon};
use groma_model::Timestamp;

/// A lone application server.
pub fn single() -> Inventory {
    let mut e = Estate::watched_since(Timestamp::from_millis(noon().millis() - 30_000));
    e.host(
        "build1",
        "os",
        "build1.lab.example",
        "10.9.0.4",
        "Debian GNU/Linux 12 (bookworm)",
    );
    e.entity("resolver", "host", "network", "10.9.0.1", "10.9.0.1");
    e.entity("nfs", "host", "storage", "nas.lab.example", "10.9.0.20");
    e.entity(
        "smart",
        "external",
        "mail",
        "smarthost.provider.example",
        "203.0.113.9",
    );
    e.entity(
        "mirror",
        "external",
        "network",
        "deb.mirror.example",
        "192.0.2.80",
    );
    e.entity(
        "pool",
        "external",
        "network",
        "2.pool.ntp.example",
        "192.0.2.3",
    );
    for (address, port, transport, program, service) in [
        (
            "0.0.0.0",
            443,
            Tcp,
            ("/usr/sbin/nginx", "nginx.service", "root"),
            "http",
        ),
        (
            "0.0.0.0",
            80,
            Tcp,
            ("/usr/sbin/nginx", "nginx.service", "root"),
            "http",
        ),
        (
            "127.0.0.1",
            5432,
            Tcp,
            (
                "/usr/lib/postgresql/15/bin/postgres",
                "postgresql@15-main.service",
                "postgres",
            ),
            "sql",
        ),
        (
            "0.0.0.0",
            389,
            Tcp,
            ("/usr/sbin/slapd", "slapd.service", "openldap"),
            "ldap-bind",
        ),
        (
            "127.0.0.1",
            25,
            Tcp,
            ("/usr/lib/postfix/sbin/master", "postfix@-.service", "root"),
            "smtp-relay",
        ),
        (
            "127.0.0.1",
            8000,
            Tcp,
            ("/usr/bin/python3", "app.service", "app"),
            "http",
        ),
        (
            "127.0.0.1",
            6379,
            Tcp,
            ("/usr/bin/redis-server", "redis-server.service", "redis"),
            "nosql",
        ),
        (
            "0.0.0.0",
            22,
            Tcp,
            ("/usr/sbin/sshd", "ssh.service", "root"),
            "ssh",
        ),
        (
            "127.0.0.1",
            323,
            Udp,
            ("/usr/sbin/chronyd", "chrony.service", "_chrony"),
            "",
        ),
        ("0.0.0.0", 9000, Tcp, ("", "", ""), ""),
    ] {
        e.listen("build1", address, port, transport, program, service);
    }
    let unit = |name: &'static str| (Class::Unit, name);
    e.need("build1", unit("nginx.service"), "http", "build1", 8000);
    e.need("build1", unit("app.service"), "sql", "build1", 5432);
    e.need("build1", unit("app.service"), "nosql", "build1", 6379);
    e.need(
        "build1",
        unit("postfix@-.service"),
        "smtp-relay",
        "smart",
        587,
    );
    let at = e.need("build1", unit("app.service"), "ldap-bind", "build1", 389);
    let bind = e.hide(
        at,
        &["cleartext-bind", "config-only"],
        Some((ReachedBy::Name, "localhost")),
        "/etc/app/app.env:4 names ldap://localhost",
    );
    bind.details.accounts = vec!["cn=app,dc=lab,dc=example".into()];
    bind.details.secret_in_file = true;
    bind.details.written_in = vec!["/etc/app/app.env:4".into()];
    let at = e.need(
        "build1",
        (Class::ScheduledJob, "/etc/cron.d/report:2"),
        "sql",
        "build1",
        5432,
    );
    let report = e.hide(
        at,
        &["config-only", "scheduled"],
        None,
        "/etc/cron.d/report:2 starts /usr/local/bin/monthly-report",
    );
    report.rhythm = Some("monthly".into());
    let at = e.need(
        "build1",
        (Class::ScheduledJob, "/etc/cron.d/report:2"),
        "smtp-relay",
        "build1",
        25,
    );
    e.hide(
        at,
        &["config-only", "scheduled"],
        None,
        "/usr/local/bin/monthly-report:9 sends mail through localhost",
    );
    let at = e.need("build1", (Class::File, "/etc/fstab"), "nfs", "nfs", 2049);
    e.hide(
        at,
        &["address-literal", "config-only"],
        Some((ReachedBy::AddressLiteral, "10.9.0.20")),
        "/etc/fstab:11 mounts 10.9.0.20:/srv/builds at boot",
    );
    e.need(
        "build1",
        unit("systemd-resolved.service"),
        "dns",
        "resolver",
        53,
    );
    e.need("build1", unit("chrony.service"), "ntp", "pool", 123);
    e.need(
        "build1",
        (Class::Executable, "/usr/lib/apt/methods/http"),
        "package-mirror",
        "mirror",
        80,
    );
    e.need("build1", unit("app.service"), "dns", "resolver", 53);
    for d in &mut e.inventory.dependencies {
        d.details.local = d.consumer.entity == d.provider.entity;
    }
    e.covered("host.facts", "build1", "host:build1", &[]);
    e.covered(
        "host.sockets",
        "build1",
        "socket:tcp",
        &[(
            "the program behind 1 listener",
            "permission-denied",
            Some("run the look as root"),
        )],
    );
    e.risk(
        "cleartext-logon",
        Severity::High,
        Likelihood::High,
        &["ent-build1"],
        [
            "The application logs on to the directory in clear text.",
            "/etc/app/app.env:4 names ldap://localhost as cn=app,dc=lab,dc=example.",
            "Once the directory moves to another host, the password crosses the network.",
            "Switch the application to ldaps before the directory moves.",
        ],
    );
    e.inventory.questions.push(Question {
        to: None,
        about: "ent-build1".into(),
        question: "Who owns it?".into(),
    });
    e.finish()
}
