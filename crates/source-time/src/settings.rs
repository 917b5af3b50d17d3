//! What chronyd's settings say of its own list of clients: where it may be asked, and whether it keeps one.

use std::path::PathBuf;

/// What matters here of `chrony.conf`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Settings {
    /// Where its command socket is (`bindcmdaddress /path`).
    pub(crate) socket: Option<PathBuf>,
    /// True if it serves anybody (`allow`).
    pub(crate) serves: bool,
    /// True if it is told to remember no client (`noclientlog`).
    pub(crate) forgets: bool,
}

impl Settings {
    /// Adds what one file says. The last word of a directive counts, as for chronyd.
    pub(crate) fn read(&mut self, text: &str) {
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let Some(directive) = words.next() else {
                continue;
            };
            match directive.to_ascii_lowercase().as_str() {
                "allow" => self.serves = true,
                "noclientlog" => self.forgets = true,
                "bindcmdaddress" => {
                    let path = words.next().filter(|path| path.starts_with('/'));
                    self.socket = path.map(PathBuf::from).or_else(|| self.socket.take());
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_is_read() {
        let mut settings = Settings::default();
        settings.read("# allow all\nserver a iburst\nbindcmdaddress 127.0.0.1\n");
        assert_eq!(settings, Settings::default());
        settings.read("  Allow 10.0.0.0/8\nbindcmdaddress /srv/chronyd.sock\nnoclientlog\n");
        assert!(settings.serves && settings.forgets);
        assert_eq!(settings.socket, Some("/srv/chronyd.sock".into()));
    }
}
