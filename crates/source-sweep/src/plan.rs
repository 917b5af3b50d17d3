//! What a sweep would do, said before it does: whom, what, how many packets, how long, and whom never.

use std::fmt::Write;
use std::time::Duration;

use groma_source::manners::{Ceiling, Target, Targets};

use crate::ask::Item;
use crate::datagram::Protocol;
use crate::meet::may_ask_everybody;
use crate::ports::Ports;

/// Packets a second in a laboratory, where nobody says another number.
pub const LABORATORY_RATE: u32 = 100_000;

/// What a person wants to know of a network.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Who is asked.
    pub targets: Targets,
    /// At which TCP ports.
    pub ports: Ports,
    /// By which datagrams.
    pub datagrams: Vec<Protocol>,
    /// What the owner of this machine allows.
    pub ceiling: Ceiling,
    /// Packets to all hosts in any second, below the ceiling.
    pub per_agent: u32,
    /// True for a laboratory: at this many packets a second, with no care for hosts.
    pub unrestrained: Option<u32>,
    /// True if the kernel shall make the calls although frames of our own could be had.
    pub by_calls: bool,
}

/// Why a plan is not carried out.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlanError {
    /// The ceiling leaves nobody.
    #[error("the ceiling file of this machine allows none of the targets")]
    AllForbidden,
    /// Somebody wants to be without restraint where people work.
    #[error(
        "{0} may not be asked without restraint: only networks that `unrestrained` names in /etc/groma/ceiling.toml may"
    )]
    NotALaboratory(std::net::IpAddr),
}

impl Plan {
    /// A plan of the usual questions to `targets`, cut to what the ceiling allows.
    ///
    /// # Errors
    /// Nobody is left.
    pub fn new(targets: Targets, ceiling: Ceiling) -> Result<Self, PlanError> {
        let targets = targets.only(|address| ceiling.allows(address));
        let named = |target: &Target| matches!(target, Target::Name(_)) || target.wide().is_some();
        if targets.is_empty() && !targets.named().iter().any(named) {
            return Err(PlanError::AllForbidden);
        }
        Ok(Self {
            targets,
            ports: Ports::default(),
            datagrams: Protocol::USUAL.to_vec(),
            per_agent: ceiling.per_agent,
            ceiling,
            unrestrained: None,
            by_calls: false,
        })
    }

    /// Without restraint, at so many packets a second.
    ///
    /// # Errors
    /// Not all targets are of a laboratory.
    pub fn in_laboratory(mut self, rate: u32) -> Result<Self, PlanError> {
        let outside = self
            .targets
            .addresses()
            .find(|address| !self.ceiling.is_unrestrained(*address));
        let wide = self
            .targets
            .wide()
            .map(|(network, _)| network.address())
            .next();
        if let Some(address) = outside.or(wide) {
            return Err(PlanError::NotALaboratory(address));
        }
        self.unrestrained = Some(rate.max(1));
        self.datagrams.clear();
        Ok(self)
    }

    /// Every question to one host; `echo` where frames of our own can be had.
    pub fn items(&self, echo: bool) -> Vec<Item> {
        let echo = (echo && self.unrestrained.is_none()).then_some(Item::Echo);
        let tcp = self.ports.asked().iter().map(|port| Item::Tcp(*port));
        let udp = self.datagrams.iter().map(|protocol| Item::Udp(*protocol));
        echo.into_iter().chain(tcp).chain(udp).collect()
    }

    /// Packets in one pass over everybody.
    fn packets_of_a_pass(&self) -> u64 {
        let items = u64::try_from(self.items(true).len()).unwrap_or(u64::MAX);
        items.saturating_mul(u64::try_from(self.targets.len()).unwrap_or(u64::MAX))
    }

    /// Packets if everybody answers at once, and if nobody ever does.
    pub fn packets(&self) -> (u64, u64) {
        let pass = self.packets_of_a_pass();
        (pass, pass.saturating_mul(2))
    }

    /// How long that takes at the pace it is held to.
    pub fn takes(&self) -> (Duration, Duration) {
        let (least, most) = self.packets();
        let hosts = u64::try_from(self.targets.len()).unwrap_or(1).max(1);
        let per_second = match self.unrestrained {
            Some(rate) => u64::from(rate),
            None => u64::from(self.per_agent)
                .min(hosts.saturating_mul(u64::from(self.ceiling.per_host))),
        };
        let at = |packets: u64, waits: u64| {
            Duration::from_millis(packets.saturating_mul(1_020) / per_second.max(1) + waits * 1_250)
        };
        (at(least, 1), at(most, 2))
    }

    /// The plan in words, before anything is sent.
    pub fn render(&self) -> String {
        let mut text = String::new();
        let mut line = |text_of: String| {
            let _ = writeln!(text, "{text_of}");
        };
        let named: Vec<String> = self
            .targets
            .named()
            .iter()
            .map(ToString::to_string)
            .collect();
        line(format!(
            "targets: {} ({} addresses)",
            named.join(", "),
            self.targets.len()
        ));
        for (network, link) in self.targets.wide() {
            let whole = may_ask_everybody(&self.targets, &self.ceiling, network);
            line(match link {
                Some(link) if !whole => format!(
                    "of {network}: neighbours this machine has met on {0}; {0} as a whole is not asked, because the ceiling file or --exclude keeps a part of the network out; not counted above",
                    link.name()
                ),
                Some(link) => format!(
                    "of {network}: neighbours this machine has met on {0}, and who answers two echoes to all machines of {0}; not counted above",
                    link.name()
                ),
                None => format!(
                    "of {network}: neighbours this machine has met; to ask its link as well, write {network}%LINK; not counted above"
                ),
            });
        }
        let mut ports = format!(
            "ports: {} of TCP ({})",
            self.ports.asked().len(),
            self.ports.label()
        );
        if !self.datagrams.is_empty() {
            let names: Vec<_> = self
                .datagrams
                .iter()
                .map(|p| format!("{} {}", p.name(), p.port()))
                .collect();
            let _ = write!(ports, "; datagrams: {}", names.join(", "));
        }
        line(ports);
        let (least, most) = self.packets();
        let (soon, late) = self.takes();
        line(format!(
            "packets: {least} if all answer at once, {most} if nobody does, and one for each port that is open; then some ten to sixty for each of those, to hear what speaks there"
        ));
        line(format!("duration: {} to {}", human(soon), human(late)));
        line(match self.unrestrained {
            Some(rate) => format!(
                "rate: {rate} packets/s, without restraint: the ceiling file names these networks as a laboratory"
            ),
            None => format!(
                "rate: at most {} packets/s to one host (2 and one conversation to fragile ones), {} to all, in any second on the wire",
                self.ceiling.per_host, self.per_agent
            ),
        });
        if !self.ceiling.maintenance.is_empty() {
            let all: Vec<String> = self
                .ceiling
                .maintenance
                .iter()
                .map(ToString::to_string)
                .collect();
            line(format!("only at: {} (UTC)", all.join(", ")));
        }
        let never: Vec<String> = self.ceiling.never.iter().map(ToString::to_string).collect();
        let mut not = "never: TCP 515, 9100-9116, 9999; network, broadcast and multicast addresses, but for what IPv6 finds neighbours by; anybody else than the targets".to_owned();
        if self.ports.left_out() > 0 {
            let _ = write!(
                not,
                "; {} of the ports named are left out for that",
                self.ports.left_out()
            );
        }
        if !never.is_empty() {
            let _ = write!(not, "; by the ceiling file {}", never.join(", "));
        }
        line(not);
        line(format!(
            "to stop at once: Ctrl-C, or touch {}",
            self.ceiling.kill_switch.display()
        ));
        text
    }
}

fn human(length: Duration) -> String {
    match length.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7_199 => format!("{} min", seconds.div_ceil(60)),
        seconds => format!("{} h", seconds.div_ceil(3_600)),
    }
}

#[cfg(test)]
mod tests {
    use groma_source::manners::Network;

    use super::*;

    fn targets(text: &str) -> Targets {
        Targets::of(&[Target::parse(text).unwrap()], &[], &[]).unwrap()
    }

    #[test]
    fn a_default_sweep_of_a_network_ends_within_four_minutes() {
        let plan = Plan::new(targets("10.0.0.0/24"), Ceiling::default()).unwrap();
        let (soon, late) = plan.takes();
        assert!(soon < late && late <= Duration::from_secs(240), "{late:?}");
        let text = plan.render();
        for part in [
            "254 addresses",
            "10 packets/s to one host",
            "200 to all",
            "never: TCP 515, 9100-9116, 9999",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn without_restraint_only_where_the_ceiling_says_so() {
        let usual = Plan::new(targets("10.77.0.0/24"), Ceiling::default()).unwrap();
        assert!(matches!(
            usual.in_laboratory(1),
            Err(PlanError::NotALaboratory(_))
        ));
        let ceiling = Ceiling {
            unrestrained: vec![Network::parse("10.77.0.0/22").unwrap()],
            ..Ceiling::default()
        };
        let laboratory = Plan::new(targets("10.77.0.0/24"), ceiling.clone()).unwrap();
        assert!(laboratory.in_laboratory(LABORATORY_RATE).is_ok());
        let wider = Plan::new(targets("10.77.3.0/23"), ceiling.clone()).unwrap();
        assert!(wider.in_laboratory(1).is_ok());
        let outside = Plan::new(targets("10.78.0.1"), ceiling.clone()).unwrap();
        assert!(outside.in_laboratory(1).is_err());
        // Who is in a network that is not counted through is known too late.
        let wide = Plan::new(targets("2001:db8::/64"), ceiling).unwrap();
        assert!(wide.render().contains("neighbours this machine has met"));
        assert!(wide.in_laboratory(1).is_err());
    }

    #[test]
    fn the_plan_says_whether_a_whole_link_is_asked() {
        let words = |ceiling| {
            let plan = Plan::new(targets("2001:db8::/64%eth0"), ceiling);
            plan.unwrap().render()
        };
        assert!(words(Ceiling::default()).contains("two echoes to all machines of eth0"));
        let never = vec![Network::parse("2001:db8::9").unwrap()];
        let text = words(Ceiling {
            never,
            ..Ceiling::default()
        });
        assert!(
            text.contains("eth0 as a whole is not asked") && !text.contains("echo"),
            "{text}"
        );
    }

    #[test]
    fn a_ceiling_that_allows_nobody_ends_it() {
        let ceiling = Ceiling {
            networks: Some(Vec::new()),
            ..Ceiling::default()
        };
        assert_eq!(
            Plan::new(targets("10.0.0.0/24"), ceiling).err(),
            Some(PlanError::AllForbidden)
        );
    }
}
