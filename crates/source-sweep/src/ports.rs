//! Which ports are asked: a short list of what estates run, or what somebody wrote.

use std::collections::BTreeSet;
use std::fmt::Write;

use groma_model::Port;
use groma_source::forbidden_port;

/// What servers, directories, mail, databases, management and devices answer at. Short on purpose: a network of 254
/// addresses is asked in two minutes. No port of an industrial protocol is among them, and none at which things are printed.
const USUAL: &[u16] = &[
    21, 22, 23, 25, 53, 80, 88, 110, 111, 135, 139, 143, 389, 443, 445, 465, 515, 587, 631, 636,
    993, 995, 1433, 1521, 2049, 3128, 3268, 3306, 3389, 5060, 5432, 5672, 5985, 6379, 8006, 8080,
    8443, 9200, 27017,
];

/// TCP ports, each once, none of them forbidden.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ports {
    asked: Vec<u16>,
    /// How many were named that are never asked.
    left_out: usize,
    label: String,
}

/// The text names no ports.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} are no ports; write 22,80,8000-8100")]
pub struct NoPorts(String);

impl Default for Ports {
    fn default() -> Self {
        Self::of(
            USUAL.iter().copied().collect(),
            "usual ports, list 1".to_owned(),
        )
    }
}

impl Ports {
    /// Reads `22,80,8000-8100`.
    ///
    /// # Errors
    /// It is something else, or names none.
    pub fn parse(text: &str) -> Result<Self, NoPorts> {
        let wrong = || NoPorts(text.to_owned());
        let mut all = BTreeSet::new();
        for part in text.split(',') {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let number = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0);
            let (from, to) = (
                number(from).ok_or_else(wrong)?,
                number(to).ok_or_else(wrong)?,
            );
            if from > to {
                return Err(wrong());
            }
            all.extend(from..=to);
        }
        let label = label(&all);
        Ok(Self::of(all, label))
    }

    fn of(mut all: BTreeSet<u16>, label: String) -> Self {
        let named = all.len();
        all.retain(|port| !forbidden_port(Port(*port)));
        Self {
            left_out: named - all.len(),
            asked: all.into_iter().collect(),
            label,
        }
    }

    /// The ports, in order.
    pub fn asked(&self) -> &[u16] {
        &self.asked
    }

    /// How many were named that are never asked.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The list in a few words, the same for the same ports.
    pub fn label(&self) -> &str {
        &self.label
    }
}

/// Runs of ports, and a number that stands for a long list.
fn label(all: &BTreeSet<u16>) -> String {
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for port in all {
        match runs.last_mut() {
            Some((_, to)) if to.checked_add(1) == Some(*port) => *to = *port,
            _ => runs.push((*port, *port)),
        }
    }
    let mut text = String::new();
    for (from, to) in runs {
        let comma = if text.is_empty() { "" } else { "," };
        let _ = match from == to {
            true => write!(text, "{comma}{from}"),
            false => write!(text, "{comma}{from}-{to}"),
        };
    }
    if text.len() <= 60 {
        return text;
    }
    let sum = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{} ports, list {sum:016x}", all.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_once_each_and_print_ports_are_left_out() {
        let ports = Ports::parse("80, 22,9099-9117,515,22").unwrap();
        assert_eq!(ports.asked(), [22, 80, 9099, 9117]);
        assert_eq!(ports.left_out(), 18);
        assert_eq!(ports.label(), "22,80,515,9099-9117");
        assert_eq!(Ports::parse("1-65535").unwrap().asked().len(), 65_535 - 19);
    }

    #[test]
    fn the_usual_list_is_short_and_holds_no_port_that_prints() {
        let usual = Ports::default();
        assert!(usual.asked().len() <= 45);
        assert!(!usual.asked().iter().any(|port| forbidden_port(Port(*port))));
        for industrial in [102, 502, 1911, 4840, 20_000, 44_818] {
            assert!(!usual.asked().contains(&industrial));
        }
    }

    #[test]
    fn nonsense_is_refused_and_a_long_list_has_a_short_name() {
        for text in ["", "0", "70000", "9-5", "ssh", "22,,80", "22-"] {
            assert!(Ports::parse(text).is_err(), "{text}");
        }
        let long: Vec<String> = (0..100).map(|n| (n * 3 + 1).to_string()).collect();
        let one = Ports::parse(&long.join(",")).unwrap();
        assert!(one.label().starts_with("100 ports, list "));
        assert_eq!(
            one.label(),
            Ports::parse(&long.join(" , ")).unwrap().label()
        );
    }
}
