//! What is to be done, before anything is.

use std::time::Duration;

use crate::{Host, Ssh};

/// What goes where, and from whom.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The machines.
    pub hosts: Vec<Host>,
    /// Where agents report to: `https://…`.
    pub collector: String,
    /// How the machines are reached.
    pub ssh: Ssh,
    /// Only look what would be done.
    pub is_trial: bool,
    /// How long handing over the program may take.
    pub upload_limit: Duration,
    /// How long any other step may take.
    pub step_limit: Duration,
    /// How often, a second apart, a new agent is asked how it is.
    pub status_tries: u32,
    /// For tests: a folder that stands for the far side's root. Without it root's rights are asked for.
    #[doc(hidden)]
    pub prefix: String,
}

/// Why a plan cannot be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlanError {
    /// The collector's address cannot be one.
    #[error("{0:?} is no address of a collector; write https://groma.example.org:8470")]
    Collector(String),
}

impl Plan {
    /// A plan for `hosts`, whose agents report to `collector`.
    ///
    /// # Errors
    /// The address is none, or not one of `https`.
    pub fn new(hosts: Vec<Host>, collector: &str) -> Result<Self, PlanError> {
        if !is_address(collector) {
            return Err(PlanError::Collector(collector.to_owned()));
        }
        Ok(Self {
            hosts,
            collector: collector.to_owned(),
            ssh: Ssh::default(),
            is_trial: false,
            upload_limit: Duration::from_secs(600),
            step_limit: Duration::from_secs(60),
            status_tries: 15,
            prefix: String::new(),
        })
    }

    /// What will be done on each host, in words; nobody was asked for it yet.
    pub fn in_words(&self) -> Vec<String> {
        let words = |host: &Host| {
            let as_whom = if host.sudo { "with sudo" } else { "as root" };
            let site = host.site.as_deref().unwrap_or("default");
            format!(
                "{host}: over ssh, {as_whom}: {binary} and {unit}; enrolled with {collector} for site {site}; started, if the machine has systemd",
                binary = self.binary(),
                unit = self.unit(),
                collector = self.collector,
            )
        };
        self.hosts.iter().map(words).collect()
    }

    pub(crate) fn binary(&self) -> String {
        format!("{}/usr/local/bin/groma-agent", self.prefix)
    }

    pub(crate) fn unit(&self) -> String {
        format!("{}/etc/systemd/system/groma-agent.service", self.prefix)
    }

    pub(crate) fn state(&self) -> String {
        format!("{}/var/lib/groma-agent", self.prefix)
    }

    /// The unit the packages bring, for a program that lies where an operator puts one.
    pub(crate) fn unit_text(&self) -> String {
        UNIT.replace("/usr/bin/groma-agent", &self.binary())
    }
}

const UNIT: &str = include_str!("../../../agent/packaging/systemd/groma-agent.service");

/// `https://`, a host, and nothing a person would not type there.
pub(crate) fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").unwrap_or_default();
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]%".contains(c);
    !rest.is_empty()
        && rest.len() <= 400
        && rest.chars().all(harmless)
        && rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_says_what_will_be_done_before_anybody_is_asked() {
        let hosts = crate::hosts("web1 sudo\nroot@db1 site=branch").unwrap();
        let plan = Plan::new(hosts, "https://groma.example.org:8470").unwrap();
        let words = plan.in_words();
        assert_eq!(
            words[0],
            "web1: over ssh, with sudo: /usr/local/bin/groma-agent and /etc/systemd/system/groma-agent.service; enrolled with https://groma.example.org:8470 for site default; started, if the machine has systemd"
        );
        assert!(words[1].contains("as root") && words[1].contains("site branch"));
    }

    #[test]
    fn only_an_https_address_is_a_collector() {
        for bad in [
            "http://a",
            "https://",
            "https://a b",
            "https://a'b",
            "https://-x",
            "a",
            "https://a\n",
        ] {
            assert!(Plan::new(Vec::new(), bad).is_err(), "{bad:?}");
        }
        assert!(Plan::new(Vec::new(), "https://[2001:db8::1]:8443/").is_ok());
    }

    #[test]
    fn the_unit_names_the_program_where_it_is_put() {
        let plan = Plan::new(Vec::new(), "https://a").unwrap();
        let unit = plan.unit_text();
        assert!(unit.contains("ExecStart=/usr/local/bin/groma-agent run"));
        assert!(unit.contains("ExecPaths=/usr/local/bin/groma-agent"));
        assert!(!unit.contains("/usr/bin/groma-agent"));
    }
}
