//! What a host is and has, as it told; and whether that will do.

use crate::Claim;
use crate::plan::Plan;
use crate::program::{Program, Programs, sum};
use crate::ssh::Said;

/// Free space asked for beyond the program itself, in KiB: the unit, the state, a little air.
const AIR_KIB: u64 = 4096;

/// What stood there before anything was done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Before {
    pub(crate) system: String,
    pub(crate) machine: String,
    pub(crate) account: String,
    pub(crate) has_systemd: bool,
    pub(crate) is_packaged: bool,
    pub(crate) has_binary: bool,
    pub(crate) binary_sum: String,
    pub(crate) binary_size: Option<u64>,
    pub(crate) version: String,
    pub(crate) unit_sum: String,
    pub(crate) unit_size: Option<u64>,
    pub(crate) has_state: bool,
    pub(crate) is_enrolled: bool,
    /// Who the agent there says it is.
    pub(crate) claim: Option<Claim>,
    pub(crate) is_active: bool,
    pub(crate) is_enabled: bool,
    pub(crate) closed: Vec<String>,
    pub(crate) remains: Vec<String>,
    pub(crate) free_kib: Option<u64>,
    /// Folders on the way that were not there, the innermost first.
    pub(crate) missing: Vec<String>,
}

impl Before {
    pub(crate) fn of(said: &Said) -> Self {
        let text = |name: &str| said.one(name).unwrap_or_default();
        let size = |name: &str| said.one(name).and_then(|t| t.parse().ok());
        Self {
            system: text("system"),
            machine: text("machine"),
            account: text("account"),
            has_systemd: text("init") == "systemd",
            is_packaged: said.is("packaged"),
            has_binary: said.is("installed"),
            binary_sum: text("binary_sum"),
            binary_size: size("binary_size"),
            version: text("version"),
            unit_sum: text("unit_sum"),
            unit_size: size("unit_size"),
            has_state: said.is("state"),
            is_enrolled: said.is("enrolled"),
            claim: Claim::of(said),
            is_active: said.is("active"),
            is_enabled: said.is("enabled"),
            closed: said.all("closed").collect(),
            remains: said.all("remains").collect(),
            missing: said.all("missing").collect(),
            free_kib: said.one("free").and_then(|line| free_of(&line)),
        }
    }

    pub(crate) fn has_unit(&self) -> bool {
        self.unit_size.is_some()
    }

    /// Anything of an agent is there.
    pub(crate) fn has_anything(&self) -> bool {
        self.has_binary || self.has_unit() || self.has_state || !self.remains.is_empty()
    }

    /// The program for this machine, if nothing speaks against putting it there.
    pub(crate) fn fit<'a>(
        &self,
        plan: &Plan,
        programs: &'a Programs,
    ) -> Result<&'a Program, String> {
        if self.system != "Linux" {
            return Err(format!(
                "the agent is for Linux, and this is {:?}",
                self.system
            ));
        }
        let program = programs.of(&self.machine).ok_or_else(|| {
            let all = programs.machines();
            format!(
                "there is no agent for {:?} here (there is for: {all})",
                self.machine
            )
        })?;
        self.is_ours(plan)?;
        // What was put aside and is still there: another deployment, now or one that could not take itself back.
        if let Some(left) = self.remains.iter().find(|path| !path.ends_with(".new")) {
            return Err(format!(
                "{left} is left of a deployment that did not end well: put it back by hand, or remove it"
            ));
        }
        let needed = u64::try_from(program.bytes.len()).unwrap_or(u64::MAX) / 1024 + AIR_KIB;
        match self.free_kib {
            Some(free) if free < needed && self.replaces(program) => Err(format!(
                "{needed} KiB are needed for the program and {free} KiB are free"
            )),
            _ => Ok(program),
        }
    }

    /// True for a host on which we may write, and where no package is in charge.
    pub(crate) fn is_ours(&self, plan: &Plan) -> Result<(), String> {
        if plan.prefix.is_empty() && self.account != "0" {
            return Err(
                "the account is not root: log in as root, or write `sudo` behind the host"
                    .to_owned(),
            );
        }
        if self.is_packaged {
            return Err("a package brought the agent to this host (/usr/bin/groma-agent): upgrade or remove it with the package manager".to_owned());
        }
        match self.closed.first() {
            Some(place) => Err(format!("{place} cannot be written (read-only?)")),
            None => Ok(()),
        }
    }

    /// True if another program than `program` is there, or none.
    pub(crate) fn replaces(&self, program: &Program) -> bool {
        !self.has_binary
            || differs(
                &program.bytes,
                &program.sum,
                &self.binary_sum,
                self.binary_size,
            )
    }

    /// True if another unit than `text` is there, or none, and a systemd to read it.
    pub(crate) fn replaces_unit(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        self.has_systemd
            && (!self.has_unit() || differs(bytes, &sum(bytes), &self.unit_sum, self.unit_size))
    }
}

/// By the sum, or where that machine cannot make one by the size.
fn differs(bytes: &[u8], wanted: &str, sum: &str, size: Option<u64>) -> bool {
    if sum.is_empty() {
        size != u64::try_from(bytes.len()).ok()
    } else {
        sum != wanted
    }
}

/// What is free, in KiB, of the last line of `df -Pk` (POSIX): the number before the percentage.
fn free_of(line: &str) -> Option<u64> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().position(|word| word.ends_with('%'))?;
    words.get(at.checked_sub(1)?)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_read_of_any_device_name() {
        assert_eq!(free_of("/dev/vda 100 40 60 40% /"), Some(60));
        assert_eq!(
            free_of("//srv/a share 100 40 61 40% /mnt/50% off"),
            Some(61)
        );
        assert_eq!(free_of("5%"), None);
        assert_eq!(free_of(""), None);
    }

    #[test]
    fn a_host_that_will_not_do_is_told_why() {
        let plan = Plan::new(Vec::new(), "https://a").unwrap();
        let programs = Programs::default().with("x86_64", vec![1; 2048]);
        let good = Before {
            system: "Linux".to_owned(),
            machine: "amd64".to_owned(),
            account: "0".to_owned(),
            ..Before::default()
        };
        assert!(good.fit(&plan, &programs).is_ok());
        let cases: [(Before, &str); 7] = [
            (
                Before {
                    system: "FreeBSD".to_owned(),
                    ..good.clone()
                },
                "Linux",
            ),
            (
                Before {
                    machine: "riscv64".to_owned(),
                    ..good.clone()
                },
                "x86_64",
            ),
            (
                Before {
                    account: "1000".to_owned(),
                    ..good.clone()
                },
                "sudo",
            ),
            (
                Before {
                    is_packaged: true,
                    ..good.clone()
                },
                "package manager",
            ),
            (
                Before {
                    closed: vec!["/usr".to_owned()],
                    ..good.clone()
                },
                "/usr cannot be written",
            ),
            (
                Before {
                    free_kib: Some(9),
                    ..good.clone()
                },
                "9 KiB are free",
            ),
            (
                Before {
                    remains: vec!["/x/.groma-agent.old".to_owned()],
                    ..good.clone()
                },
                "did not end well",
            ),
        ];
        for (before, says) in cases {
            let why = before.fit(&plan, &programs).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
    }

    #[test]
    fn without_a_sum_the_size_tells() {
        assert!(!differs(b"abc", "s", "", Some(3)));
        assert!(differs(b"abc", "s", "", Some(4)));
        assert!(differs(b"abc", "s", "t", Some(3)));
        assert!(!differs(b"abc", "s", "s", None));
    }
}
