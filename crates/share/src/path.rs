//! Paths: what every system has stays, what a house made does not.

use crate::form::is_host_name;
use crate::names::Names;
use crate::words;

impl Names<'_> {
    /// The pseudonym of a path, perhaps with a line behind it.
    pub(crate) fn path(&self, text: &str) -> String {
        if text.contains("://")
            && let Some(url) = self.shape(text)
        {
            return url;
        }
        let (path, line) = with_line(text);
        let mark = if path.contains('\\') { '\\' } else { '/' };
        let mut own = false;
        let parts: Vec<&str> = path.split(mark).collect();
        // `\\server\share`: the first part is a machine.
        let mut server = path.starts_with("\\\\") || path.starts_with("//");
        let parts: Vec<String> = parts
            .iter()
            .zip(accounts(&parts))
            .map(|(part, is_account)| {
                let shown = match server && !part.is_empty() {
                    true => self.thing("host", part),
                    false if is_account => self.account("account", part),
                    false => self.part(part, own),
                };
                server &= part.is_empty();
                own |= is_own(&part.to_lowercase());
                shown
            })
            .collect();
        let path = parts.join(&mark.to_string());
        line.map_or(path.clone(), |line| format!("{path}:{line}"))
    }

    /// A program, a script, a unit: one that groma knows by name stays.
    pub(crate) fn program(&self, text: &str) -> String {
        if text.contains(['/', '\\']) {
            return self.path(text);
        }
        match text.split_once('@') {
            // An instance of a template: what it is called is theirs.
            Some((template, instance)) if !template.is_empty() => {
                let (stem, ending) = apart(instance);
                let instance = if stem.is_empty() || words::is_plain(stem) {
                    stem.to_owned()
                } else {
                    self.thing("instance", stem)
                };
                format!(
                    "{}@{instance}{ending}",
                    self.stem("program", template, false)
                )
            }
            _ => self.stem("program", text, false),
        }
    }

    /// One part of a path that is no account.
    fn part(&self, part: &str, own: bool) -> String {
        if is_no_name(part) {
            return part.to_owned();
        }
        let drive = part.len() == 2 && part.ends_with(':');
        if drive {
            return part.to_owned();
        }
        self.stem("file", part, own)
    }

    /// A name with an ending that says what kind of file it is.
    fn stem(&self, kind: &'static str, name: &str, own: bool) -> String {
        let is_plain = if own {
            words::is_common
        } else {
            words::is_plain
        };
        if is_plain(name) {
            return name.to_owned();
        }
        let (stem, ending) = apart(name);
        if is_plain(stem) {
            return format!("{stem}{ending}");
        }
        let form = self.shape(stem).filter(|_| !stem.contains('/'));
        let host = stem.contains('.') && is_host_name(stem);
        match form {
            Some(form) => format!("{form}{ending}"),
            None if host => format!("{}{ending}", self.host(stem)),
            None => format!("{}{ending}", self.label(kind, stem)),
        }
    }
}

fn is_no_name(part: &str) -> bool {
    matches!(part, "" | "." | ".." | "~" | "*")
}

/// A path and the line behind it.
pub(crate) fn with_line(text: &str) -> (&str, Option<&str>) {
    let is_line =
        |line: &str| (1..8).contains(&line.len()) && line.bytes().all(|b| b.is_ascii_digit());
    match text.rsplit_once(':') {
        Some((path, line)) if is_line(line) => (path, Some(line)),
        _ => (text, None),
    }
}

/// Which parts of a path are accounts: those in a directory of homes, and those where mail of each is kept.
pub(crate) fn accounts(parts: &[&str]) -> Vec<bool> {
    let (mut grand, mut parent, mut mail) = (String::new(), String::new(), false);
    let last = parts.len().saturating_sub(1);
    let mut out = Vec::with_capacity(parts.len());
    for (at, part) in parts.iter().enumerate() {
        mail = mail || is_mail(&grand, &parent);
        let lower = part.to_lowercase();
        // `/var/vmail/corp.example/karl`: accounts stand below their domain.
        let domains = matches!(lower.as_str(), "vhosts" | "virtual" | "domains");
        let domain = at < last && part.contains('.') && is_host_name(part);
        let between = mail && (domains || domain);
        out.push((mail || is_homes(&parent)) && !between && !is_no_name(part));
        mail = between;
        grand = std::mem::replace(&mut parent, lower);
    }
    out
}

/// True for a directory of homes.
fn is_homes(name: &str) -> bool {
    matches!(
        name,
        "home"
            | "homes"
            | "users"
            | "benutzer"
            | "utilisateurs"
            | "usuarios"
            | "documents and settings"
    )
}

/// True for a directory with a file or a directory of mail for each account. `/etc/mail` and `/var/log/mail` are none.
fn is_mail(parent: &str, name: &str) -> bool {
    let holds = matches!(parent, "var" | "spool" | "srv" | "data" | "mnt" | "export");
    name == "vmail" || name == "mail" && holds
}

/// True for a directory below which people put what they made themselves.
fn is_own(part: &str) -> bool {
    matches!(
        part,
        "opt"
            | "srv"
            | "local"
            | "home"
            | "homes"
            | "users"
            | "root"
            | "mnt"
            | "media"
            | "data"
            | "www"
            | "htdocs"
            | "cron.d"
            | "cron.daily"
            | "cron.weekly"
            | "cron.monthly"
            | "cron.hourly"
            | "sites-enabled"
            | "sites-available"
            | "conf.d"
            | "inetpub"
            | "scripts"
            | "jobs"
    )
}

/// A name and its endings, with their dots: `a.conf.gz` is `a` and `.conf.gz`.
fn apart(name: &str) -> (&str, &str) {
    let mut at = name.len();
    while let Some((stem, ending)) = name.get(..at).and_then(|n| n.rsplit_once('.')) {
        let plain =
            !ending.is_empty() && ending.len() <= 3 && ending.bytes().all(|b| b.is_ascii_digit());
        if stem.is_empty()
            || !(words::is_ending(&ending.to_lowercase()) || plain && stem.contains('.'))
        {
            break;
        }
        at = stem.len();
    }
    name.split_at(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::ShareKey;

    #[test]
    fn what_every_system_has_stays_and_the_rest_does_not() {
        let key = ShareKey::new([5; 32]);
        let names = Names::new(&key);
        let host = names.host("mail1.corp.example");
        for (path, wanted) in [
            (
                "/etc/postfix/main.cf:12",
                "/etc/postfix/main.cf:12".to_owned(),
            ),
            (
                "/home/karl/.env",
                format!("/home/{}/.env", names.label("account", "karl")),
            ),
            (
                "/etc/nginx/sites-enabled/mail1.corp.example.conf",
                format!("/etc/nginx/sites-enabled/{host}.conf"),
            ),
            (
                "\\\\mail1.corp.example\\Finanzen",
                format!("\\\\{host}\\{}", names.label("file", "Finanzen")),
            ),
            (
                "C:\\Users\\Karl\\mail.pst",
                format!("C:\\Users\\{}\\mail.pst", names.label("account", "karl")),
            ),
            (
                "/opt/acmepay/run.sh",
                format!("/opt/{}/run.sh", names.label("file", "acmepay")),
            ),
            (
                "/var/mail/max",
                format!("/var/mail/{}", names.label("account", "max")),
            ),
            (
                "/var/vmail/price/cur",
                format!("/var/vmail/{}/cur", names.label("account", "price")),
            ),
            (
                "/var/vmail/mail1.corp.example/grant:3",
                format!("/var/vmail/{host}/{}:3", names.label("account", "grant")),
            ),
            (
                "/var/spool/mail/grant",
                format!("/var/spool/mail/{}", names.label("account", "grant")),
            ),
            // Not a mailbox each.
            ("/etc/mail/sendmail.cf", "/etc/mail/sendmail.cf".to_owned()),
            (
                "/var/log/mail/error.log",
                "/var/log/mail/error.log".to_owned(),
            ),
            // A word everybody knows, and a script somebody made.
            (
                "/opt/billing/close-month",
                format!(
                    "/opt/{}/{}",
                    names.label("file", "billing"),
                    names.label("file", "close-month")
                ),
            ),
        ] {
            assert_eq!(names.path(path), wanted, "{path}");
        }
        assert_eq!(names.program("nginx.service"), "nginx.service");
        assert_eq!(names.program("/usr/sbin/slapd"), "/usr/sbin/slapd");
        assert_eq!(
            names.program("acmepay.service"),
            format!("{}.service", names.label("program", "acmepay"))
        );
        assert!(
            names
                .program("openvpn@fra-office.service")
                .contains("@instance-")
        );
    }
}
