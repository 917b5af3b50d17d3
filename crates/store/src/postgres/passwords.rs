//! A password out of a file, so that it stands in no command line: the format of libpq's `passfile`.

use std::path::Path;

use postgres::Config;
use postgres::config::Host;

use super::address::host_name;

/// The password for `config` out of the lines `host:port:database:user:password` of `file`; `*` is any.
pub(super) fn find(file: &Path, config: &Config) -> Result<String, String> {
    let path = file.display();
    check_private(file)?;
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("passfile={path} cannot be read ({error})"))?;
    let found = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| fits(&fields(line), config));
    found.ok_or_else(|| {
        format!(
            "passfile={path} has no line host:port:database:user:password for this host, port, database and user"
        )
    })
}

/// Refuses a file that others may read, as every reader of such files does.
fn check_private(file: &Path) -> Result<(), String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let path = file.display();
        let known = std::fs::metadata(file)
            .map_err(|error| format!("passfile={path} cannot be read ({error})"))?;
        if known.permissions().mode() & 0o077 != 0 {
            return Err(format!(
                "passfile={path} may be read by others: chmod 0600 it"
            ));
        }
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

/// The fields of a line; `\` takes its meaning from a colon or another `\`.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ':' if fields.len() < 5 => fields.push(String::new()),
            _ => {
                let letter = if letter == '\\' {
                    letters.next().unwrap_or(letter)
                } else {
                    letter
                };
                if let Some(field) = fields.last_mut() {
                    field.push(letter);
                }
            }
        }
    }
    fields
}

fn fits(fields: &[String], config: &Config) -> Option<String> {
    let [host, port, database, user, password] = fields else {
        return None;
    };
    let is = |field: &str, value: &str| field == "*" || field == value;
    let name = config.get_user().unwrap_or_default();
    let fits = is(host, "*")
        .then_some(())
        .or_else(|| {
            config
                .get_hosts()
                .iter()
                .find(|h| is_host(host, h))
                .map(drop)
        })
        .is_some()
        && (config.get_ports().is_empty() && is(port, "5432")
            || port == "*"
            || config.get_ports().iter().any(|p| is(port, &p.to_string())))
        && is(database, config.get_dbname().unwrap_or(name))
        && is(user, name);
    fits.then(|| password.clone())
}

/// A socket is `localhost` to libpq.
fn is_host(field: &str, host: &Host) -> bool {
    match host {
        Host::Tcp(name) => field == name,
        #[cfg(unix)]
        Host::Unix(_) => field == "localhost" || field == host_name(host),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const LINES: &str = "# a comment\nother:*:*:*:wrong\nlocalhost:5432:groma:anna:an\\:na\\\\:x\n\
                         *:*:groma:groma:right\n*:*:*:*:last\nshort:line\n";

    fn found(url: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), LINES).unwrap();
        std::fs::set_permissions(file.path(), PermissionsExt::from_mode(0o600)).unwrap();
        find(file.path(), &url.parse().unwrap()).unwrap()
    }

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        assert_eq!(found("postgres://groma@db.example/groma"), "right");
        assert_eq!(found("postgres://anna@localhost/groma"), "an:na\\:x");
        assert_eq!(found("postgres://anna@localhost:5433/groma"), "last");
        assert_eq!(
            found("postgres://anna@%2Frun%2Fpostgresql/groma"),
            "an:na\\:x"
        );
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_with_the_remedy() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::set_permissions(file.path(), PermissionsExt::from_mode(0o640)).unwrap();
        let config = "postgres://groma@localhost/groma".parse().unwrap();
        assert!(find(file.path(), &config).unwrap_err().contains("chmod"));
        std::fs::set_permissions(file.path(), PermissionsExt::from_mode(0o600)).unwrap();
        assert!(find(file.path(), &config).unwrap_err().contains("no line"));
    }
}
