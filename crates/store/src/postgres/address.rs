//! Where the database is and how to get there, out of one line.
//!
//! A password may stand in that line, so no error repeats it; nor what could be a part of a password that was
//! not written as an address asks for.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use postgres::config::{Host, SslMode};
use postgres::{Client, Config, NoTls};

use super::passwords;
use super::tls::Tls;
use crate::StoreError;

/// Settings after the `?` that are handed on as they are.
const SETTINGS: &[&str] = &[
    "application_name",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "port",
    "sslnegotiation",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// How long the way to a server may take to open, and how long a server may be silent while it owes an answer to
/// what was sent.
const PATIENCE: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(60);

/// A database, as an operator wrote it.
pub(super) struct Address {
    config: Config,
    tls: Option<Tls>,
    place: String,
}

impl Address {
    /// Reads `postgres://user:password@host:port/database?setting=value&…`.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        read(url).map_err(|why| StoreError::BadAddress { why })
    }

    /// Host, port and database, for people.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn connect(&self) -> Result<Client, postgres::Error> {
        match &self.tls {
            Some(tls) => self.config.connect(tls.clone()),
            None => self.config.connect(NoTls),
        }
    }
}

/// What is ours to decide among the settings.
#[derive(Default)]
struct Ours {
    roots: Option<PathBuf>,
    passwords: Option<PathBuf>,
    mode: Option<String>,
}

fn read(url: &str) -> Result<Address, String> {
    let (way, query) = url.split_once('?').unwrap_or((url, ""));
    let rest = way
        .strip_prefix("postgres://")
        .or_else(|| way.strip_prefix("postgresql://"))
        .ok_or("it does not begin with postgres://")?;
    if rest.matches('@').count() > 1 || query.contains('@') {
        return Err("a @ or ? within a name or password is written %40 or %3F".to_owned());
    }
    let mut ours = Ours::default();
    let mut theirs = String::new();
    for setting in query.split('&').filter(|setting| !setting.is_empty()) {
        let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
        match name {
            "sslrootcert" => ours.roots = Some(decoded(value)?.into()),
            "passfile" => ours.passwords = Some(decoded(value)?.into()),
            "sslmode" => ours.mode = Some(decoded(value)?),
            known if SETTINGS.contains(&known) => {
                theirs.push_str(if theirs.is_empty() { "?" } else { "&" });
                theirs.push_str(setting);
            }
            _ => return Err(unknown_setting()),
        }
    }
    let mut config: Config = format!("postgres://{rest}{theirs}")
        .parse()
        .map_err(|_| "a host, port or setting in it cannot be read".to_owned())?;
    finish(&mut config)?;
    let tls = secure(&mut config, &ours)?;
    if let Some(file) = ours.passwords.filter(|_| config.get_password().is_none()) {
        config.password(passwords::find(&file, &config)?);
    }
    let place = place(&config);
    Ok(Address { config, tls, place })
}

fn unknown_setting() -> String {
    format!(
        "it has a setting that is not known here (known are sslmode, sslrootcert, passfile, {})",
        SETTINGS.join(", ")
    )
}

/// Fills in what was left open.
fn finish(config: &mut Config) -> Result<(), String> {
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err("it names no host".to_owned());
    }
    if config.get_user().is_none() {
        return Err("it names no user".to_owned());
    }
    if config.get_application_name().is_none() {
        config.application_name("groma");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(PATIENCE);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_idle(SILENCE);
        config.keepalives_interval(PATIENCE);
        config.keepalives_retries(3);
    }
    Ok(())
}

/// In the clear only where no wire is: on this machine. Anywhere else with an authority that was named.
fn secure(config: &mut Config, ours: &Ours) -> Result<Option<Tls>, String> {
    let mode = ours.mode.as_deref();
    if !matches!(
        mode,
        None | Some("disable" | "prefer" | "require" | "verify-ca" | "verify-full")
    ) {
        return Err(
            "sslmode is one of disable, prefer, require, verify-ca, verify-full".to_owned(),
        );
    }
    let is_asked_for = matches!(mode, Some("require" | "verify-ca" | "verify-full"));
    let is_here = is_on_this_machine(config);
    match &ours.roots {
        Some(roots) if mode != Some("disable") && !is_a_socket(config) => {
            config.ssl_mode(SslMode::Require);
            Tls::trusting(roots).map(Some)
        }
        _ if is_here && !is_asked_for => {
            config.ssl_mode(SslMode::Disable);
            Ok(None)
        }
        Some(_) if is_here => Err("a socket of this machine knows no TLS: leave sslmode out".to_owned()),
        _ => Err(
            "what is kept would cross the network in the clear: name the certificate of the authority that signed the server's, with sslrootcert=/path/to/ca.pem (and without sslmode=disable)"
                .to_owned(),
        ),
    }
}

fn is_a_socket(config: &Config) -> bool {
    let hosts = config.get_hosts();
    let is_tcp = |host: &Host| matches!(host, Host::Tcp(_));
    !hosts.is_empty() && !hosts.iter().any(is_tcp)
}

/// True if every way to the server stays on this machine.
fn is_on_this_machine(config: &Config) -> bool {
    let is_here = |host: &Host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    };
    config.get_hosts().iter().all(is_here) && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

fn place(config: &Config) -> String {
    let ports = config.get_ports();
    let port = |at: usize| ports.get(at).or(ports.first()).copied().unwrap_or(5432);
    let hosts = config.get_hosts().iter().enumerate();
    let hosts: Vec<String> = hosts
        .map(|(at, host)| format!("{}:{}", host_name(host), port(at)))
        .collect();
    let hosts = if hosts.is_empty() {
        let addresses = config.get_hostaddrs().iter();
        addresses.map(ToString::to_string).collect()
    } else {
        hosts
    };
    let database = config.get_dbname().or(config.get_user());
    format!(
        "PostgreSQL at {}, database {}",
        hosts.join(", "),
        database.unwrap_or("?")
    )
}

/// A host as text; a socket is the directory it is in.
pub(super) fn host_name(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(directory) => directory.display().to_string(),
    }
}

/// A value with `%2F` and its like resolved.
fn decoded(value: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes().iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(*rest.next()?).to_digit(16);
                let (high, low) = (digit(), digit());
                let code = high
                    .zip(low)
                    .and_then(|(h, l)| u8::try_from(h * 16 + l).ok());
                code.ok_or("a % in a setting is written %25")?
            }
            plain => *plain,
        });
    }
    String::from_utf8(bytes).map_err(|_| "a setting is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "s3cr3t-canary";

    fn refusal(url: &str) -> String {
        match Address::parse(url) {
            Ok(address) => panic!("{url} was taken for {}", address.place),
            Err(error) => format!("{error} {error:?}"),
        }
    }

    #[test]
    fn a_socket_or_a_loopback_address_needs_no_certificate() {
        for url in [
            "postgres:///groma?host=/run/postgresql&user=groma",
            "postgres://groma@%2Frun%2Fpostgresql/groma",
            "postgresql://groma:s3cr3t-canary@localhost/groma",
            "postgres://groma@127.0.0.1:5433/groma?sslmode=prefer",
            "postgres://groma@[::1]/groma?sslmode=disable",
        ] {
            let address = Address::parse(url).unwrap();
            assert!(address.tls.is_none(), "{url}");
            assert!(!address.place.contains(PASSWORD));
        }
    }

    #[test]
    fn another_machine_without_an_authority_is_refused_with_the_way_to_write_it() {
        for url in [
            "postgres://groma:s3cr3t-canary@db.example/groma",
            "postgres://groma:s3cr3t-canary@db.example/groma?sslmode=disable",
            "postgres://groma:s3cr3t-canary@db.example/groma?sslmode=require",
            "postgres://groma:s3cr3t-canary@localhost,db.example/groma",
            "postgres://groma:s3cr3t-canary@localhost/groma?hostaddr=192.0.2.7",
            "postgres://groma:s3cr3t-canary@192.0.2.7/groma?sslmode=prefer",
        ] {
            let said = refusal(url);
            assert!(said.contains("sslrootcert=/path/to/ca.pem"), "{said}");
            assert!(!said.contains(PASSWORD), "{said}");
        }
    }

    #[test]
    fn no_error_repeats_a_password_however_the_address_is_wrong() {
        for url in [
            "postgres://groma:s3cr3t-canary@x@db.example/groma",
            "postgres://groma:x@s3cr3t-canary@db.example/groma",
            "postgres://groma:x?s3cr3t-canary=1@db.example/groma",
            "postgres://groma:x?s3cr3t-canary=1&y",
            "postgres://groma:s3cr3t-canary@localhost:port/groma",
            "postgres://groma:s3cr3t-canary@/groma",
            "postgres://groma:s3cr3t-canary@localhost/groma?sslrootcert=%zz",
            "postgres://groma:s3cr3t-canary@localhost/groma?password=s3cr3t-canary",
            "postgres://groma:s3cr3t-canary@localhost/groma?sslrootcert=/nowhere/ca.pem",
            "postgres://groma:s3cr3t-canary@localhost/groma?connect_timeout=s3cr3t-canary",
            "mysql://groma:s3cr3t-canary@localhost/groma",
            "host=localhost user=groma password=s3cr3t-canary",
            "s3cr3t-canary",
            "",
        ] {
            let said = refusal(url);
            assert!(
                !said.contains("s3cr3t") && !said.contains("canary"),
                "{said}"
            );
            assert!(
                said.contains("postgres://user@host:5432/database"),
                "{said}"
            );
        }
    }

    #[test]
    fn a_file_without_certificates_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().display().to_string();
        let said = refusal(&format!(
            "postgres://groma@db.example/groma?sslrootcert={path}"
        ));
        assert!(
            said.contains(&path) && said.contains("none in it"),
            "{said}"
        );
    }
}
