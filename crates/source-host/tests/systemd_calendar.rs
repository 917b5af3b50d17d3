//! Calendar expressions against the real `systemd-analyze calendar`: thousands of generated ones, in several zones,
//! counted from moments around the days on which clocks change. What it refuses must be refused.
#![allow(clippy::unwrap_used, reason = "a test may panic, and says where")]

use std::process::Command;

use groma_model::Timestamp;
use groma_model::schedule::{Calendar, Zone};

/// Runs asked of each expression.
const RUNS: usize = 6;

/// A stable source of chance: the same expressions on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[usize::try_from(self.below(words.len() as u64)).unwrap()]
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    fn item(&mut self, low: u64, high: u64) -> String {
        let value = self.between(low, high);
        match self.below(8) {
            0 => {
                // One in ten the wrong way round.
                let from = if self.below(10) == 0 { low } else { value };
                format!("{value}..{}", self.between(from, high))
            }
            1 => format!("{value}/{}", self.between(1, 12)),
            2 => {
                let stop = self.between(value, high);
                format!("{value}..{stop}/{}", self.between(1, 9))
            }
            3 => format!("{value:02}"),
            _ => value.to_string(),
        }
    }

    fn part(&mut self, low: u64, high: u64) -> String {
        match self.below(6) {
            0 | 1 => "*".into(),
            2 => format!("{},{}", self.item(low, high), self.item(low, high)),
            3 if self.below(10) == 0 => "*/2".into(),
            _ => self.item(low, high),
        }
    }

    fn weekdays(&mut self) -> String {
        const DAYS: &[&str] = &["Mon", "tuesday", "Wed", "THU", "Friday", "sat", "Sun"];
        match self.below(4) {
            0 => {
                let from = self.below(6);
                let to = self.between(from, 6);
                let day = |at: u64| DAYS[usize::try_from(at).unwrap()];
                format!("{}..{}", day(from), day(to))
            }
            1 => format!("{},{}", self.pick(DAYS), self.pick(DAYS)),
            2 => format!("{},", self.pick(DAYS)),
            _ => self.pick(DAYS).into(),
        }
    }

    fn expression(&mut self) -> String {
        if self.below(40) == 0 {
            return self
                .pick(&[
                    "minutely",
                    "hourly",
                    "Daily",
                    "weekly",
                    "monthly",
                    "quarterly",
                    "yearly",
                    "semi-annually",
                    "never",
                    "@1800000000",
                    "12",
                    "-",
                    "Mon",
                    "10:",
                    "1-",
                    "~1",
                    "5-~1",
                    "1-2-3-4",
                    "Mon..",
                    "1:2:3:4",
                ])
                .into();
        }
        let mut words = Vec::new();
        if self.below(3) == 0 {
            words.push(self.weekdays());
        }
        if self.below(3) != 0 {
            let day = match self.below(3) {
                0 => format!("~{}", self.part(1, 28)),
                _ => format!("-{}", self.part(1, 31)),
            };
            let month = self.part(1, 12);
            words.push(match self.below(3) {
                0 => format!("{month}{day}"),
                1 => format!("*-{month}{day}"),
                _ => format!("{}-{month}{day}", self.part(2026, 2031)),
            });
        }
        if self.below(5) != 0 || words.is_empty() {
            let (hour, minute) = (self.part(0, 23), self.part(0, 59));
            words.push(match self.below(3) {
                0 => format!("{hour}:{minute}"),
                1 => format!("{hour}:{minute}:{}", self.part(0, 59)),
                _ => format!("{}:{}", self.between(0, 4), self.between(0, 59)),
            });
        }
        let zone = self.pick(&[
            "",
            "",
            "",
            "",
            "UTC",
            "utc",
            "Asia/Tokyo",
            "America/New_York",
            "Nowhere/Land",
        ]);
        if !zone.is_empty() {
            words.push(zone.into());
        }
        words.join(" ")
    }
}

/// What the real program says, in order: seconds since 1970 of each run, or nothing where it refuses. `None` where it
/// says of itself that it went in circles (systemd 252, where an hour after midnight is skipped).
fn asked(expressions: &[String], base: &str, zone: &str) -> Option<Vec<Vec<i64>>> {
    let output = Command::new("systemd-analyze")
        .env("TZ", zone)
        .args([
            "calendar",
            &format!("--iterations={RUNS}"),
            &format!("--base-time={base}"),
            "--",
        ])
        .args(expressions)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let lost = said.contains("Infinite loop") || said.contains("Failed to determine next elapse");
    (!lost).then(|| answers(&String::from_utf8_lossy(&output.stdout)))
}

fn answers(text: &str) -> Vec<Vec<i64>> {
    let mut answers: Vec<Vec<i64>> = Vec::new();
    let mut local = false;
    for line in text.lines() {
        let (label, text) = line.split_once(": ").unwrap_or((line, ""));
        match label.trim() {
            "Normalized form" => answers.push(Vec::new()),
            "Next elapse" if text.trim() == "never" => {}
            label if label == "Next elapse" || label.starts_with("Iter. #") => {
                local = !text.ends_with(" UTC");
                if !local {
                    answers.last_mut().unwrap().push(moment(text));
                }
            }
            "(in UTC)" if local => answers.last_mut().unwrap().push(moment(text)),
            _ => {}
        }
    }
    answers
}

/// `Fri 2026-11-20 10:00:00 UTC`.
fn moment(text: &str) -> i64 {
    let words: Vec<&str> = text.split_whitespace().collect();
    let stamp: Timestamp = format!("{}T{}Z", words[1], words[2]).parse().unwrap();
    stamp.millis() / 1000
}

fn told(expression: &str, base: &str, zone: &Zone) -> Option<Vec<i64>> {
    let calendar = Calendar::parse(expression)?;
    let base: Timestamp = base.replace(" UTC", "Z").replace(' ', "T").parse().unwrap();
    let runs = std::iter::successors(calendar.next(base, zone), |last| calendar.next(*last, zone));
    Some(
        runs.take(RUNS)
            .map(|at| at.millis().div_euclid(1000))
            .collect(),
    )
}

#[test]
fn generated_expressions_elapse_when_systemd_says_they_do() {
    if Command::new("systemd-analyze")
        .arg("--version")
        .output()
        .is_err()
    {
        eprintln!("skipped: systemd-analyze is not installed");
        return;
    }
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut compared, mut refused, mut repeated) = (0, 0, 0);
    let mut wrong = Vec::new();
    for (zone, base) in [
        ("UTC", "2026-11-20 10:00:00 UTC"),
        ("Europe/Berlin", "2027-03-27 12:00:00 UTC"),
        ("Europe/Berlin", "2027-10-30 12:00:00 UTC"),
        ("Europe/Berlin", "2027-10-31 01:10:00 UTC"),
        ("Asia/Beirut", "2027-03-26 12:00:00 UTC"),
        ("America/Havana", "2027-11-06 12:00:00 UTC"),
        ("Australia/Lord_Howe", "2027-04-03 02:00:00 UTC"),
        ("Asia/Kathmandu", "2028-02-28 20:00:00 UTC"),
    ] {
        let expressions: Vec<String> = (0..700).map(|_| dice.expression()).collect();
        let wall = Zone::named(zone).unwrap();
        let all: Vec<_> = expressions.iter().map(|e| told(e, base, &wall)).collect();
        let (valid, invalid): (Vec<_>, Vec<_>) = expressions
            .into_iter()
            .zip(all)
            .partition(|(_, told)| told.is_some());
        let names: Vec<String> = invalid.into_iter().map(|(e, _)| e).collect();
        for name in &names {
            // One that systemd understands would be lost.
            if asked(std::slice::from_ref(name), base, zone).is_some_and(|a| !a.is_empty()) {
                wrong.push(format!("{name} in {zone}: not understood"));
            }
        }
        refused += names.len();
        for some in valid.chunks(50) {
            let names: Vec<String> = some.iter().map(|(e, _)| e.clone()).collect();
            let answers: Vec<Option<Vec<i64>>> = match asked(&names, base, zone) {
                Some(answers) if answers.len() == names.len() => {
                    answers.into_iter().map(Some).collect()
                }
                // One of them was refused, or made it go in circles: each alone.
                _ => names
                    .iter()
                    .map(|name| match asked(std::slice::from_ref(name), base, zone) {
                        Some(mut answers) => answers.pop(),
                        None => told(name, base, &wall),
                    })
                    .collect(),
            };
            for ((name, told), answer) in some.iter().zip(answers) {
                compared += 1;
                let same = told.iter().flatten().zip(answer.iter().flatten());
                let apart: Vec<i64> = same.map(|(told, asked)| asked - told).collect();
                if *told != answer && apart.iter().all(|apart| matches!(apart, 0 | 3_600)) {
                    // In an hour that comes twice, months away: which one the C library takes for it depends on
                    // what it was asked before.
                    repeated += 1;
                } else if *told != answer {
                    wrong.push(format!(
                        "{name} in {zone} from {base}\n  told  {told:?}\n  asked {answer:?}"
                    ));
                }
            }
        }
    }
    eprintln!("{compared} expressions compared, {refused} refused by both");
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(compared > 3_000 && refused > 100, "{compared} {refused}");
    assert!(repeated <= 5, "{repeated} an hour apart");
}
