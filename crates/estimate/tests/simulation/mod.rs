//! Estates whose truth is known, made by chance from a seed: what the estimators are measured against.
//!
//! None of them is drawn from the models that are fitted: rates have log-normal and Pareto tails, jobs keep calendars, some
//! work only on working days, some come in bursts; machines fall into classes and are hard to find in ways that differ by list.

use groma_fuzz::Chance;

/// What one estate shows, and what it holds.
pub(crate) struct Case<Shown> {
    /// What the estimator is given.
    pub(crate) shown: Shown,
    /// How many are unseen: what the interval should cover.
    pub(crate) truth: f64,
    /// The plain formula of Chao (1987), for comparison.
    pub(crate) naive: (f64, f64),
    /// Those of all unseen things that are used at least once in a watch on average, whether the next one shows them or not.
    pub(crate) steady: f64,
    /// Unseen things that nobody could judge: neither this watch nor one as long after it shows them.
    pub(crate) beyond: f64,
}

/// Dependencies: days after which each was first met, and the days watched.
pub(crate) type Discoveries = (Vec<f64>, f64);

pub(crate) fn uniform(chance: &mut Chance) -> f64 {
    (chance.next_bits() >> 11) as f64 / (1u64 << 53) as f64
}

pub(crate) fn between(chance: &mut Chance, low: f64, high: f64) -> f64 {
    low + (high - low) * uniform(chance)
}

/// Evenly on a logarithmic scale.
pub(crate) fn scale(chance: &mut Chance, low: f64, high: f64) -> f64 {
    (low.ln() + (high / low).ln() * uniform(chance)).exp()
}

fn bell(chance: &mut Chance) -> f64 {
    let radius = (-2.0 * uniform(chance).max(1e-300).ln()).sqrt();
    radius * (std::f64::consts::TAU * uniform(chance)).cos()
}

fn wait(chance: &mut Chance, mean: f64) -> f64 {
    -uniform(chance).max(1e-300).ln() * mean
}

/// An estate seen by two to five lists. Correlated: some lists copy others, and part of the machines is silent to all.
pub(crate) fn hosts(chance: &mut Chance, correlated: bool) -> Case<Vec<u32>> {
    let many = scale(chance, 20.0, 2000.0).round();
    let lists = 2 + chance.below(4);
    let strengths: Vec<f64> = (0..lists).map(|_| between(chance, -1.2, 2.5)).collect();
    let silent = if correlated {
        between(chance, 0.0, 0.25)
    } else {
        0.0
    };
    let unlike = if correlated {
        between(chance, 0.3, 1.5)
    } else {
        0.0
    };
    let harder = between(chance, 1.5, 3.5);
    let copies = correlated && lists > 2 && chance.below(2) == 0;
    let copied = between(chance, 0.3, 0.9);
    // Even where lists know nothing of each other, each finds some machines harder than others: by subnet, by kind.
    let own: Vec<f64> = (0..lists).map(|_| between(chance, 0.0, 1.5)).collect();
    let mut histories = Vec::new();
    for _ in 0..many as usize {
        let mut ease = bell(chance) * unlike;
        if uniform(chance) < silent {
            ease -= harder;
        }
        let mut history = 0;
        for (list, strength) in strengths.iter().enumerate() {
            let logit = strength + ease + bell(chance) * own[list];
            let mut met = uniform(chance) < 1.0 / (1.0 + (-logit).exp());
            if copies && list == 1 && uniform(chance) < copied {
                met = history & 1 == 1;
            }
            history |= u32::from(met) << list;
        }
        histories.push(history);
    }
    let unseen = histories.iter().filter(|h| **h == 0).count() as f64;
    histories.retain(|h| *h != 0);
    let naive = chao(histories.iter().map(|h| h.count_ones()));
    Case {
        shown: histories,
        truth: unseen,
        naive,
        steady: unseen,
        beyond: 0.0,
    }
}

/// Chao's lower bound of the unseen with its 90 % interval, bias-corrected.
fn chao(counts: impl Iterator<Item = u32>) -> (f64, f64) {
    let (mut once, mut twice) = (0.0, 0.0);
    for count in counts {
        once += f64::from(u8::from(count == 1));
        twice += f64::from(u8::from(count == 2));
    }
    let unseen: f64 = once * (once - 1.0) / (2.0 * (twice + 1.0));
    if unseen <= 0.0 {
        return (0.0, 0.0);
    }
    let plus: f64 = twice + 1.0;
    let variance = unseen
        + once * (2.0 * once - 1.0_f64).powi(2) / (4.0 * plus * plus)
        + once * once * twice * (once - 1.0_f64).powi(2) / (4.0 * plus.powi(4));
    let factor = (1.645 * (1.0 + variance / (unseen * unseen)).ln().sqrt()).exp();
    (unseen / factor, unseen * factor)
}

/// How a dependency is used.
enum Use {
    Always,
    Chance { mean: f64 },
    Working { mean: f64 },
    Bursts { apart: f64, lasts: f64, mean: f64 },
    Round { days: f64, at: f64 },
}

/// An estate watched for 2 to 60 days. Correlated: machines wake together, and everything they need is met at once.
pub(crate) fn dependencies(chance: &mut Chance, correlated: bool) -> Case<Discoveries> {
    let watched = scale(chance, 2.0, 60.0);
    let many = scale(chance, 40.0, 4000.0) as usize;
    let shares: Vec<f64> = (0..5).map(|_| wait(chance, 1.0)).collect();
    let always = between(chance, 0.3, 0.8);
    let middle = scale(chance, 0.05, 5.0);
    let tail = between(chance, 0.8, 2.8);
    let caught = if chance.below(2) == 0 {
        1.0
    } else {
        between(chance, 0.3, 1.0)
    };
    let grouped = if correlated {
        between(chance, 0.1, 0.6)
    } else {
        0.0
    };
    // The week begins anywhere in the watch.
    let weekday = between(chance, 0.0, 7.0);
    let mut out = Tally::default();
    let mut made = 0;
    while made < many {
        let heap = if uniform(chance) < grouped / 8.0 {
            2 + chance.below(14)
        } else {
            1
        };
        let using = draw(chance, always, &shares, middle, tail);
        let days = met(chance, &using, caught, weekday, 2.0 * watched);
        let jitter: Vec<f64> = (0..heap)
            .map(|_| {
                if heap > 1 {
                    between(chance, 0.0, 0.05)
                } else {
                    0.0
                }
            })
            .collect();
        for late in jitter {
            out.take(
                &days.iter().map(|d| d + late).collect::<Vec<_>>(),
                watched,
                using.mean() / caught,
            );
        }
        made += heap;
    }
    Case {
        naive: chao(out.days_seen.into_iter()),
        shown: (out.first, watched),
        truth: out.next,
        steady: out.steady,
        beyond: out.never,
    }
}

#[derive(Default)]
struct Tally {
    first: Vec<f64>,
    days_seen: Vec<u32>,
    next: f64,
    steady: f64,
    never: f64,
}

impl Tally {
    fn take(&mut self, days: &[f64], watched: f64, mean: f64) {
        let unseen = days.first().is_none_or(|first| *first > watched);
        self.steady += f64::from(u8::from(unseen && mean <= watched));
        match days.first() {
            Some(first) if *first <= watched => {
                self.first.push(*first);
                let mut seen: Vec<u64> = days
                    .iter()
                    .filter(|d| **d <= watched)
                    .map(|d| *d as u64)
                    .collect();
                seen.dedup();
                self.days_seen.push(seen.len() as u32);
            }
            Some(_) => self.next += 1.0,
            None => self.never += 1.0,
        }
    }
}

impl Use {
    /// Days from one use to the next, on average; of bursts, from one to the next.
    fn mean(&self) -> f64 {
        match self {
            Self::Always => 0.0,
            Self::Chance { mean } => *mean,
            Self::Working { mean } => mean * 7.0 / 5.0,
            Self::Bursts { apart, lasts, .. } => apart + lasts,
            Self::Round { days, .. } => *days,
        }
    }
}

fn draw(chance: &mut Chance, always: f64, shares: &[f64], middle: f64, tail: f64) -> Use {
    if uniform(chance) < always {
        return Use::Always;
    }
    let mean = if chance.below(2) == 0 {
        middle * (bell(chance) * tail).exp()
    } else {
        // A Pareto tail: one in ten is ten times rarer.
        middle / uniform(chance).max(1e-6)
    };
    let mut at = uniform(chance) * shares.iter().sum::<f64>();
    let mut kind = 0;
    for share in shares {
        if at < *share {
            break;
        }
        at -= share;
        kind += 1;
    }
    let days = match chance.below(20) {
        0..=3 => 1.0 / 24.0,
        4..=11 => 1.0,
        12..=15 => 7.0,
        16..=18 => 30.44,
        _ => 91.3,
    };
    match kind {
        0 | 1 => Use::Chance { mean },
        2 => Use::Working { mean },
        3 => Use::Bursts {
            apart: scale(chance, 2.0, 60.0),
            lasts: scale(chance, 0.05, 3.0),
            mean: scale(chance, 0.01, 0.5),
        },
        _ => Use::Round {
            days,
            at: days * uniform(chance),
        },
    }
}

/// The moments at which it is met, in order, up to `end` days; uses that follow each other closely are one.
fn met(chance: &mut Chance, using: &Use, caught: f64, weekday: f64, end: f64) -> Vec<f64> {
    let mut met = Vec::new();
    let mut now = match using {
        Use::Always => return (0..=(end as u32)).map(f64::from).collect(),
        Use::Round { at, .. } => *at,
        Use::Chance { mean } | Use::Working { mean } => wait(chance, *mean),
        Use::Bursts { apart, .. } => wait(chance, *apart),
    };
    let mut burst_ends = match using {
        Use::Bursts { lasts, .. } => now + wait(chance, *lasts),
        _ => f64::INFINITY,
    };
    while now <= end {
        let rest = matches!(using, Use::Working { .. }) && (now + weekday) % 7.0 >= 5.0;
        if !rest && uniform(chance) < caught {
            met.push(now);
        }
        now += match using {
            Use::Always => 1.0,
            Use::Round { days, .. } => *days,
            Use::Chance { mean } | Use::Working { mean } => wait(chance, *mean).max(0.05),
            Use::Bursts { mean, .. } => wait(chance, *mean).max(0.05),
        };
        if let Use::Bursts { apart, lasts, .. } = using
            && now > burst_ends
        {
            now = burst_ends + wait(chance, *apart);
            burst_ends = now + wait(chance, *lasts);
        }
    }
    met
}

/// What many estates came to.
#[derive(Default)]
pub(crate) struct Score {
    pub(crate) estates: usize,
    pub(crate) silent: usize,
    pub(crate) covered: usize,
    pub(crate) above: usize,
    pub(crate) below: usize,
    pub(crate) naive_covered: usize,
    pub(crate) naive_all_covered: usize,
    pub(crate) steady_covered: usize,
    pub(crate) all_covered: usize,
    pub(crate) widths: Vec<f64>,
    pub(crate) naive_widths: Vec<f64>,
    pub(crate) off: Vec<f64>,
    pub(crate) beyond: Vec<f64>,
    pub(crate) truths: Vec<f64>,
}

impl Score {
    /// Takes one estate up: the interval that was said (or none), and the known things it stands beside.
    pub(crate) fn take<T>(&mut self, case: &Case<T>, said: Option<[f64; 3]>, known: f64) {
        self.estates += 1;
        let Some([low, middle, high]) = said else {
            self.silent += 1;
            return;
        };
        self.covered += usize::from(low <= case.truth && case.truth <= high);
        self.above += usize::from(case.truth < low);
        self.below += usize::from(case.truth > high);
        let within = |truth: f64| usize::from(low <= truth && truth <= high);
        self.steady_covered += within(case.steady);
        self.all_covered += within(case.truth + case.beyond);
        let (naive_low, naive_high) = case.naive;
        let naive =
            |truth: f64| usize::from(naive_low.floor() <= truth && truth <= naive_high.ceil());
        self.naive_covered += naive(case.truth);
        self.naive_all_covered += naive(case.truth + case.beyond);
        let all = known + case.truth;
        self.widths.push((high - low) / all);
        self.naive_widths.push((naive_high - naive_low) / all);
        self.off.push((middle - case.truth) / all);
        self.beyond.push(case.beyond / (all + case.beyond));
        self.truths.push(case.truth / all);
    }

    pub(crate) fn said(&self) -> usize {
        self.estates - self.silent
    }

    /// Share of the intervals that cover the truth.
    pub(crate) fn coverage(&self) -> f64 {
        self.covered as f64 / self.said().max(1) as f64
    }

    /// Median of the interval's width over what there is in truth.
    pub(crate) fn width(&self) -> f64 {
        median(&self.widths)
    }
}

pub(crate) fn median(of: &[f64]) -> f64 {
    let mut of = of.to_vec();
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Makes and judges `estates` estates of machines.
pub(crate) fn judge_hosts(chance: &mut Chance, estates: usize, correlated: bool) -> Score {
    let mut score = Score::default();
    for _ in 0..estates {
        let case = hosts(chance, correlated);
        let said = groma_estimate::unseen_hosts(&case.shown).ok();
        score.take(
            &case,
            said.map(|s| s.unseen.as_array()),
            case.shown.len() as f64,
        );
    }
    score
}

/// Makes and judges `estates` estates of dependencies.
pub(crate) fn judge_dependencies(chance: &mut Chance, estates: usize, correlated: bool) -> Score {
    let mut score = Score::default();
    for _ in 0..estates {
        let case = dependencies(chance, correlated);
        let (first, watched) = &case.shown;
        let said = groma_estimate::unseen_dependencies(first, *watched).ok();
        score.take(&case, said.map(|s| s.unseen.as_array()), first.len() as f64);
    }
    score
}
