//! Why no number is said.

/// The reason, in words for whoever asked; each says what would help.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum Silence {
    /// Too few machines.
    #[error("only {0} known to be there: whether more are unseen cannot be told from fewer than {least}; look from more of them", least = crate::hosts::HOSTS_MIN)]
    FewHosts(Machines),
    /// Too few ways of knowing.
    #[error("machines are known in {ways} and it takes two ways that know nothing of each other: agents, sightings on the network, connections or logs of other machines", ways = if *.0 == 1 { "one way" } else { "no way" })]
    FewLists(usize),
    /// The ways hardly share a machine.
    #[error(
        "only {0} known in more than one way: too few to compare the ways; let agents watch longer or sweep the network"
    )]
    FewRecaptures(Machines),
    /// The ways repeat each other.
    #[error(
        "the ways in which machines are known repeat each other, so they prove nothing about the rest; a sweep of the network would be a way of its own"
    )]
    OneVoice,
    /// What fits leaves everything open.
    #[error("what is known fits {low:.0} unseen machines as well as {high:.0}: look in one more way, by a sweep of the network or the logs of servers", low = .0.low, high = .0.high)]
    WideHosts(crate::Interval),
    /// The watch was short.
    #[error(
        "watched for {0}: what happens once a day cannot be told from what is new before two days are over; watch longer"
    )]
    ShortWatch(Days),
    /// Little was found.
    #[error("only {0} dependencies were seen in use, and a curve takes {least}; look from more machines", least = crate::curve::DISCOVERIES_MIN)]
    FewDiscoveries(usize),
    /// Looks were too rare.
    #[error(
        "somebody is known to have looked on {days} of {span} days only, and what happened between was not watched; let agents run"
    )]
    RareLooks {
        /// Days on which somebody is known to have looked.
        days: usize,
        /// Days from the first to the last.
        span: usize,
    },
    /// What was found leaves everything open.
    #[error("dependencies are still coming in so fast that {low:.0} unseen ones fit as well as {high:.0}: too early to say; watch longer", low = .0.low, high = .0.high)]
    StillGrowing(crate::Interval),
}

/// So many machines, as a sentence begins.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Machines(pub usize);

impl std::fmt::Display for Machines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            1 => f.write_str("one machine is"),
            n => write!(f, "{n} machines are"),
        }
    }
}

/// So long, in the unit a person would take.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Days(pub f64);

impl std::fmt::Display for Days {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (amount, unit) = match self.0 {
            days if days >= 1.95 => (days, "day"),
            days if days * 24.0 >= 1.0 => (days * 24.0, "hour"),
            days if days * 1440.0 >= 2.0 => (days * 1440.0, "minute"),
            days => (days * 86_400.0, "second"),
        };
        let amount = amount.round().max(0.0);
        let many = if amount == 1.0 { "" } else { "s" };
        write!(f, "{amount:.0} {unit}{many}")
    }
}
