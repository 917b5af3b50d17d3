//! What was asked for.

use std::path::PathBuf;
use std::time::Duration;

use crate::Outcome;

const USAGE: &str = "fleet_load GROMA [throughput] [latency] [age] [minute] [--connections K] [--seconds S] [--rounds R] [--rate N] \
[--agents N] [--minutes M] [--whole] [--reports N] [--data DIR] [--database URL]; before it, in the shell: ulimit -n 16384";

/// What can be measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    Throughput,
    Latency,
    Age,
    Minute,
}

#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) groma: PathBuf,
    what: Vec<What>,
    pub(crate) connections: usize,
    pub(crate) length: Duration,
    pub(crate) rounds: usize,
    pub(crate) rate: Option<f64>,
    pub(crate) agents: usize,
    pub(crate) minutes: u32,
    pub(crate) whole: bool,
    pub(crate) reports: usize,
    pub(crate) data: Option<PathBuf>,
    pub(crate) database: Option<String>,
}

impl Arguments {
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut read = Self {
            groma: words.next().ok_or(USAGE)?.into(),
            what: Vec::new(),
            connections: 8,
            length: Duration::from_secs(5),
            rounds: 3,
            rate: None,
            agents: 5000,
            minutes: 2,
            whole: false,
            reports: 1440,
            data: None,
            database: None,
        };
        while let Some(word) = words.next() {
            match word.as_str() {
                "throughput" => read.what.push(What::Throughput),
                "latency" => read.what.push(What::Latency),
                "age" => read.what.push(What::Age),
                "minute" => read.what.push(What::Minute),
                "--whole" => read.whole = true,
                setting => read.set(setting, &words.next().ok_or(USAGE)?)?,
            }
        }
        let least = read.connections.min(read.rounds).min(read.agents);
        if least == 0 || read.minutes == 0 || read.length.is_zero() {
            return Err(USAGE.into());
        }
        Ok(read)
    }

    fn set(&mut self, setting: &str, value: &str) -> Outcome<()> {
        match setting {
            "--connections" => self.connections = value.parse()?,
            "--seconds" => self.length = Duration::from_secs(value.parse()?),
            "--rounds" => self.rounds = value.parse()?,
            "--rate" => self.rate = Some(value.parse()?),
            "--agents" => self.agents = value.parse()?,
            "--minutes" => self.minutes = value.parse()?,
            "--reports" => self.reports = value.parse()?,
            "--data" => self.data = Some(value.into()),
            "--database" => self.database = Some(value.to_owned()),
            _ => return Err(USAGE.into()),
        }
        Ok(())
    }

    pub(crate) fn does(&self, what: What) -> bool {
        self.what.is_empty() || self.what.contains(&what)
    }
}
