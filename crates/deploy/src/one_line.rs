//! What the collector hands to whoever asks for `/install.sh`: a script that brings the agent, with what to believe it by.

use std::collections::BTreeMap;

use crate::far::quoted;
use crate::plan::is_address;

const TEMPLATE: &str = include_str!("far/install.sh");
const UNIT: &str = include_str!("../../../agent/packaging/systemd/groma-agent.service");

/// What an installation is to be believed by.
#[derive(Clone, Debug, Default)]
pub struct InstallScript<'a> {
    /// The collector, as a new agent reaches it: `https://…`. The agent is downloaded from `/install/groma-agent-MACHINE` there.
    pub url: &'a str,
    /// The SHA-256 of the public key of the collector's own certificate (the leaf), as base64: what curl calls a pin.
    pub pin: Option<&'a str>,
    /// The SHA-256 of each agent in hexadecimal, by machine: `x86_64`, `aarch64`. Without one nothing is installed.
    pub sums: BTreeMap<&'a str, &'a str>,
    /// For tests: a folder that stands for the root of the machine.
    #[doc(hidden)]
    pub prefix: &'a str,
}

/// Why there is no such script.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InstallScriptError {
    /// The collector's address cannot be one.
    #[error("{0:?} is no address of a collector; write https://groma.example.org:8470")]
    Url(String),
    /// A pin is 32 bytes in base64.
    #[error("{0:?} is no pin; it is the SHA-256 of the public key as 44 characters of base64")]
    Pin(String),
    /// A sum is 32 bytes in hexadecimal, of a machine there can be an agent for.
    #[error("{machine}: {sum:?} is no SHA-256 of an agent for x86_64 or aarch64")]
    Sum {
        /// The machine.
        machine: String,
        /// What was given.
        sum: String,
    },
}

/// The script, for `curl … | sh -s -- --token-file FILE`.
///
/// # Errors
/// A value cannot be what it should be; nothing that was not understood stands in a script that root runs.
pub fn install_script(given: &InstallScript<'_>) -> Result<String, InstallScriptError> {
    if !is_address(given.url) {
        return Err(InstallScriptError::Url(given.url.to_owned()));
    }
    let pin = given.pin.unwrap_or_default();
    if given.pin.is_some() && !is_pin(pin) {
        return Err(InstallScriptError::Pin(pin.to_owned()));
    }
    for (machine, sum) in &given.sums {
        if !["x86_64", "aarch64"].contains(machine) || !is_sum(sum) {
            return Err(InstallScriptError::Sum {
                machine: (*machine).to_owned(),
                sum: (*sum).to_owned(),
            });
        }
    }
    let sum = |machine: &str| quoted(given.sums.get(machine).copied().unwrap_or_default());
    let values = format!(
        "url={}\npin={}\nsum_x86_64={}\nsum_aarch64={}\nprefix={}",
        quoted(given.url.trim_end_matches('/')),
        quoted(pin),
        sum("x86_64"),
        sum("aarch64"),
        quoted(given.prefix),
    );
    let binary = format!("{}/usr/local/bin/groma-agent", given.prefix);
    let unit = UNIT.replace("/usr/bin/groma-agent", &binary);
    Ok(TEMPLATE
        .replace("@VALUES@", &values)
        .replace("@UNIT@", unit.trim_end()))
}

fn is_pin(text: &str) -> bool {
    let base64 = |c: char| c.is_ascii_alphanumeric() || "+/".contains(c);
    text.len() == 44
        && text
            .strip_suffix('=')
            .is_some_and(|t| t.chars().all(base64))
}

fn is_sum(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn a_value_that_could_mean_something_to_a_shell_makes_no_script() {
        let good = InstallScript {
            url: "https://groma.example.org:8470",
            pin: Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            sums: [("x86_64", SUM)].into(),
            prefix: "",
        };
        let script = install_script(&good).unwrap();
        assert!(
            script.contains(SUM) && script.contains("ExecStart=/usr/local/bin/groma-agent run")
        );
        assert!(
            script.ends_with("}\n{ groma_install \"$@\"; }\n")
                && !script.contains('@'.to_string().repeat(2).as_str())
        );
        assert!(!script.contains("@VALUES@") && !script.contains("@UNIT@"));
        for url in ["https://a';reboot;'", "http://a", "https://a\nb"] {
            assert!(
                install_script(&InstallScript {
                    url,
                    ..good.clone()
                })
                .is_err()
            );
        }
        for pin in ["", "short", "'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] {
            let pin = Some(pin);
            assert!(
                install_script(&InstallScript {
                    pin,
                    ..good.clone()
                })
                .is_err()
            );
        }
        for (machine, sum) in [("x86_64", "$(id)"), ("vax", SUM)] {
            let sums = [(machine, sum)].into();
            assert!(
                install_script(&InstallScript {
                    sums,
                    ..good.clone()
                })
                .is_err()
            );
        }
    }
}
