//! Which listeners are spoken to, and how: by the habit of a port, else by the program behind it.
//!
//! A listener that neither tells is never contacted.

use groma_model::Port;
use groma_model::fact::Program;
use groma_model::path::program_name;
use groma_source::forbidden_port;

/// How TLS begins at a listener.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Approach {
    /// TLS from the first byte.
    Tls,
    /// STARTTLS (RFC 3207).
    Smtp,
    /// STARTTLS (RFC 9051 §6.2.1).
    Imap,
    /// STLS (RFC 2595 §4).
    Pop3,
    /// StartTLS (RFC 4511 §4.14).
    Ldap,
    /// SSLRequest of the PostgreSQL protocol 3.0.
    Postgresql,
    /// SSL request packet of the MySQL protocol 4.1.
    Mysql,
    /// AUTH TLS (RFC 4217).
    Ftp,
    /// A connection request that knows TLS ([MS-RDPBCGR] §5.4.2.1).
    Rdp,
}

impl Approach {
    /// The word a fact carries.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Smtp => "smtp",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Ldap => "ldap",
            Self::Postgresql => "postgresql",
            Self::Mysql => "mysql",
            Self::Ftp => "ftp",
            Self::Rdp => "rdp",
        }
    }

    /// The way TLS begins where `word` is spoken.
    fn where_spoken(word: &str) -> Option<&'static [Self]> {
        Some(match word {
            "tls" => &[Self::Tls],
            "smtp" | "lmtp" => &[Self::Smtp],
            "imap" => &[Self::Imap],
            "pop3" => &[Self::Pop3],
            "ldap" => &[Self::Ldap],
            "postgresql" => &[Self::Postgresql],
            "mysql" => &[Self::Mysql],
            "ftp" => &[Self::Ftp],
            "rdp" => &[Self::Rdp],
            _ => return None,
        })
    }
}

/// What will be tried at a listener, in order; the first certificate ends it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Plan {
    pub(crate) approaches: &'static [Approach],
    /// True if the port promises TLS, so that its absence is worth a word.
    pub(crate) promised: bool,
}

/// The plan for a port at which `word` was heard, or `None` if TLS cannot begin there.
pub(crate) fn heard(port: Port, word: &str) -> Option<Plan> {
    let approaches = Approach::where_spoken(word).filter(|_| !forbidden_port(port))?;
    Some(Plan {
        approaches,
        promised: false,
    })
}

/// The plan for a port of another machine of which nothing is known but its number, or `None` if that does not say how TLS
/// begins there: such a port is not contacted.
pub(crate) fn by_number(port: Port) -> Option<Plan> {
    let known = habit(port).or(match port.0 {
        // nntps, telnets, ircs and sips, and what people put a second web server at
        563 | 989 | 992 | 994 | 4443 | 6697 => Some(DIRECT),
        3389 => Some(&[Approach::Rdp]),
        _ => None,
    });
    let approaches = known.filter(|_| !forbidden_port(port))?;
    Some(Plan {
        approaches,
        promised: approaches == DIRECT,
    })
}

/// The plan for a listener, or `None` if it is not contacted.
pub(crate) fn plan(port: Port, program: &Program) -> Option<Plan> {
    let executable = program
        .executable
        .as_ref()
        .map(|e| e.lossy().into_owned())
        .unwrap_or_default();
    let name = program_name(&executable);
    let name = name.as_ref();
    if forbidden_port(port) || port.0 == 80 || NEVER.contains(&name) {
        return None;
    }
    if let Some(habit) = habit(port) {
        return Some(Plan {
            approaches: habit,
            promised: habit == DIRECT,
        });
    }
    by_program(name, &executable).map(|approaches| Plan {
        approaches,
        promised: false,
    })
}

const DIRECT: &[Approach] = &[Approach::Tls];

/// Programs that take a TLS greeting for an attack or a defect, whatever port they sit at.
const NEVER: &[&str] = &[
    "sshd",
    "dropbear",
    "smbd",
    "rpcbind",
    "rpc.mountd",
    "rpc.statd",
];

fn habit(port: Port) -> Option<&'static [Approach]> {
    Some(match port.0 {
        // https; submissions; ldaps, imaps, pop3s, ftps; global catalogue; docker; DNS over TLS; puppet
        443 | 465 | 636 | 853 | 990 | 993 | 995 | 2376 | 3269 | 8140 | 8443 => DIRECT,
        // etcd; sips; amqps; winrm; Kubernetes API; syslog over TLS; Proxmox; mqtts; kubelet and its neighbours
        2379 | 2380 | 5061 | 5671 | 5986 | 6443 | 6514 | 8006 | 8883 | 9443 | 10250 | 10257
        | 10259 => DIRECT,
        25 | 587 => &[Approach::Smtp],
        143 => &[Approach::Imap],
        110 => &[Approach::Pop3],
        389 | 3268 => &[Approach::Ldap],
        5432 => &[Approach::Postgresql],
        3306 => &[Approach::Mysql],
        21 => &[Approach::Ftp],
        _ => return None,
    })
}

fn by_program(name: &str, executable: &str) -> Option<&'static [Approach]> {
    use Approach::{Ftp, Imap, Ldap, Mysql, Pop3, Postgresql, Smtp, Tls};
    Some(match name {
        "nginx" | "apache2" | "httpd" | "haproxy" | "lighttpd" | "caddy" | "traefik" | "envoy"
        | "hitch" | "stunnel" | "stunnel4" => DIRECT,
        "etcd"
        | "kube-apiserver"
        | "kubelet"
        | "kube-controller-manager"
        | "kube-scheduler"
        | "vault"
        | "pveproxy"
        | "cockpit-tls" => DIRECT,
        // Their own words first: a TLS greeting out of season is a line of warning in a mail log.
        "slapd" | "ns-slapd" => &[Ldap, Tls],
        "master" if executable.contains("postfix") => &[Smtp, Tls],
        "exim4" | "exim" | "sendmail" => &[Smtp, Tls],
        "dovecot" => &[Imap, Pop3, Tls],
        // These log a foreign first packet as an error or count it against the caller: only in their own words.
        "postgres" | "postmaster" => &[Postgresql],
        "mariadbd" | "mysqld" => &[Mysql],
        "vsftpd" | "proftpd" | "pure-ftpd" => &[Ftp],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(port: u16, executable: &str) -> Option<Plan> {
        plan(
            Port(port),
            &Program {
                executable: Some(executable.into()),
                ..Program::default()
            },
        )
    }

    #[test]
    fn an_unknown_program_at_an_unknown_port_is_left_alone() {
        assert_eq!(of(7777, "/opt/shop/bin/shopd"), None);
        assert_eq!(plan(Port(7777), &Program::default()), None);
        assert!(
            plan(Port(443), &Program::default()).is_some(),
            "a habit needs no program"
        );
    }

    #[test]
    fn a_known_server_is_recognised_at_a_port_not_its_own() {
        assert_eq!(
            of(4443, "/usr/sbin/nginx").unwrap().approaches,
            [Approach::Tls]
        );
        assert_eq!(
            of(10389, "/usr/sbin/slapd").unwrap().approaches,
            [Approach::Ldap, Approach::Tls]
        );
        assert_eq!(
            of(2525, "/usr/lib/postfix/sbin/master").unwrap().approaches,
            [Approach::Smtp, Approach::Tls]
        );
        assert_eq!(of(2525, "/opt/game/master"), None);
        assert_eq!(
            of(4443, r"C:\nginx\NGINX.exe").unwrap().approaches,
            [Approach::Tls]
        );
        assert_eq!(of(443, r"C:\OpenSSH\sshd.exe"), None);
    }

    #[test]
    fn what_was_heard_decides_wherever_it_is_spoken() {
        assert_eq!(
            heard(Port(4444), "imap").unwrap().approaches,
            [Approach::Imap]
        );
        assert_eq!(heard(Port(9100), "tls"), None);
        assert_eq!(heard(Port(22), "ssh"), None);
    }

    #[test]
    fn a_number_says_how_tls_begins_or_the_port_is_left_alone() {
        let first = |port| by_number(Port(port)).map(|plan| plan.approaches[0]);
        for (port, approach) in [
            (443, Approach::Tls),
            (25, Approach::Smtp),
            (389, Approach::Ldap),
            (143, Approach::Imap),
            (5432, Approach::Postgresql),
            (3389, Approach::Rdp),
        ] {
            assert_eq!(first(port), Some(approach), "{port}");
        }
        for port in (1..=u16::MAX).filter(|port| first(*port).is_some()) {
            assert!(!forbidden_port(Port(port)), "{port}");
        }
        // Print ports, plants and buildings, secure shell, clear web, and whatever nobody knows.
        for port in [
            515, 9100, 9107, 9116, 9999, 102, 502, 4840, 44_818, 22, 80, 7_777,
        ] {
            assert_eq!(first(port), None, "{port}");
        }
    }

    #[test]
    fn what_cannot_or_must_not_speak_tls_is_not_contacted() {
        for port in [515, 9100, 9101, 9999] {
            assert_eq!(of(port, "/usr/sbin/nginx"), None);
        }
        assert_eq!(of(443, "/usr/sbin/sshd"), None);
        assert_eq!(of(80, "/usr/sbin/nginx"), None);
    }
}
