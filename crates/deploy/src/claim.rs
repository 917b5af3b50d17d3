//! Who the agent of a host says it is: a stranger's word, to be compared with what the collector knows.

use crate::ssh::Said;

/// Who an agent is by its own `groma-agent status`. Proves nothing: whoever owns that host can make it say anything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The id of the agent: `agt-…`, and safe to show in a command.
    pub agent: String,
    /// The site it says it stands at.
    pub site: String,
    /// The fingerprint of the machine it says it runs on.
    pub fingerprint: String,
}

impl Claim {
    /// What a script told, if it is a claim at all.
    pub(crate) fn of(said: &Said) -> Option<Self> {
        let text = said.one("agent")?;
        let (agent, site) = text.split_once(" at site ")?;
        let claim = Self {
            agent: agent.to_owned(),
            site: site.to_owned(),
            fingerprint: said.one("fingerprint")?,
        };
        is_id(agent).then_some(claim)
    }
}

/// `agt-` and the hexadecimal digits of 128 bits.
fn is_id(text: &str) -> bool {
    let digits = text.strip_prefix("agt-").unwrap_or_default();
    digits.len() == 32 && digits.chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimed(out: &str) -> Option<Claim> {
        Claim::of(&Said {
            out: out.to_owned(),
        })
    }

    #[test]
    fn a_claim_is_an_id_a_site_and_a_fingerprint() {
        let id = format!("agt-{}", "0f".repeat(16));
        let told = format!("groma:agent={id} at site north\ngroma:fingerprint=abc\n");
        let claim = claimed(&told).unwrap();
        assert_eq!(
            (claim.agent, claim.site, claim.fingerprint),
            (id, "north".to_owned(), "abc".to_owned())
        );
    }

    #[test]
    fn what_is_no_id_is_no_claim() {
        for agent in ["", "agt-", "agt-x; rm -rf /", "agt-0f", "0f0f"] {
            let told = format!("groma:agent={agent} at site north\ngroma:fingerprint=abc\n");
            assert_eq!(claimed(&told), None, "{agent:?}");
        }
        assert_eq!(claimed("groma:fingerprint=abc\n"), None);
        assert_eq!(claimed("groma:agent=agt-0\n"), None);
    }
}
