//! What only an old list tells of a platform.
//!
//! A list holds until a newer one replaces it, so a guest that was deleted since stays in it for ever. Where a later look met the
//! same platform and saw all of it, and nobody who looks tells of a thing, that thing is gone: the word of the list about it is
//! let go of, and everything else in the list stays.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::store::LookRecord;
use groma_model::virtualization::{PLATFORM_SOURCE, Platform};
use groma_model::{AgentId, CoverageState, Evidence, EvidenceId, Scope, SiteId, Timestamp};

use crate::gather::{OnPlatform, Platforms};

/// Since when and until when.
type Span = (Timestamp, Timestamp);

/// A thing of a platform, as the estate knows it.
type Subject = (SiteId, String);

/// Looks at platforms: which places they saw all of, and where each platform was met.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    whole: BTreeMap<(SiteId, AgentId), BTreeSet<(Scope, Span)>>,
    met: BTreeMap<(SiteId, Platform), BTreeMap<(AgentId, Scope), Span>>,
}

impl Looks {
    /// Takes what a look says of how much it saw.
    pub(crate) fn covered(&mut self, look: &LookRecord) {
        if look.source.as_str() != PLATFORM_SOURCE {
            return;
        }
        let places = whole(look).map(|scope| (scope.clone(), (look.started, look.ended)));
        let places: Vec<(Scope, Span)> = places.collect();
        if !places.is_empty() {
            let stream = (look.site.clone(), look.vantage.clone());
            self.whole.entry(stream).or_default().extend(places);
        }
    }

    /// `platform` was met, as `evidence` tells.
    pub(crate) fn met(&mut self, evidence: &Evidence, platform: &Platform) {
        if evidence.vantage.is_list() || evidence.source.as_str() != PLATFORM_SOURCE {
            return;
        }
        let (first, last) = (evidence.seen.first, evidence.seen.last);
        let at = (evidence.site.clone(), platform.clone());
        let place = (evidence.vantage.clone(), evidence.scope.clone());
        let span = self.met.entry(at).or_default().entry(place);
        let span = span.or_insert((first, last));
        *span = (span.0.min(first), span.1.max(last));
    }

    /// When the newest look began that met each platform and saw all of it.
    fn newest(&self) -> BTreeMap<&(SiteId, Platform), Timestamp> {
        let each = self.met.iter();
        each.filter_map(|(at, places)| Some((at, self.began(&at.0, places)?)))
            .collect()
    }

    fn began(&self, site: &SiteId, places: &BTreeMap<(AgentId, Scope), Span>) -> Option<Timestamp> {
        let begins = places.iter().flat_map(|((vantage, scope), met)| {
            let looks = self.whole.get(&(site.clone(), vantage.clone()));
            let looks = looks.into_iter().flatten();
            // A look that did not meet it may have asked another platform at the same place.
            let fits = looks.filter(|(place, (began, ended))| {
                place.contains(scope) && met.0 <= *ended && *began <= met.1
            });
            fits.map(|(_, (began, _))| *began)
        });
        begins.max()
    }
}

/// The widest places of a look of which, with everything in them, all was seen.
fn whole(look: &LookRecord) -> impl Iterator<Item = &Scope> {
    let closed: BTreeSet<&Scope> = look.coverage.iter().map(|c| &c.scope).collect();
    let widest = |scope: &Scope| {
        let mut others = look.coverage.iter().map(|c| &c.scope);
        !others.any(|other| other != scope && other.contains(scope))
    };
    let is_whole = move |scope: &Scope| {
        let mut said = look.coverage.iter().filter(|c| scope.contains(&c.scope));
        // A hole in a place that nobody closed leaves that place open.
        let mut holes = look.gaps.iter().filter(|gap| scope.contains(&gap.scope));
        said.all(|c| c.state == CoverageState::Complete)
            && holes.all(|gap| closed.contains(&gap.scope))
    };
    let all = look.coverage.iter().map(|c| &c.scope);
    all.filter(move |scope| widest(scope) && is_whole(scope))
}

/// Lets go of what only old lists tell; the answer is the evidence of it, numbers too.
pub(crate) fn let_go(platforms: &mut Platforms) -> BTreeSet<EvidenceId> {
    let mut sieve = Sieve {
        newest: platforms.looks.newest(),
        gone: BTreeMap::new(),
        stands: BTreeSet::new(),
    };
    if sieve.newest.is_empty() {
        return BTreeSet::new();
    }
    sieve.sift(&mut platforms.guests, |one| (&one.platform, &one.key));
    sieve.sift(&mut platforms.hypervisors, |one| (&one.platform, &one.key));
    sieve.sift(&mut platforms.clusters, |one| (&one.platform, &one.key));
    sieve.sift(&mut platforms.datastores, |one| (&one.platform, &one.key));
    sieve.with_numbers(&platforms.listed_numbers)
}

/// What stands and what does not.
struct Sieve<'a> {
    /// When the newest look began that saw all of a platform.
    newest: BTreeMap<&'a (SiteId, Platform), Timestamp>,
    gone: BTreeMap<EvidenceId, Subject>,
    stands: BTreeSet<Subject>,
}

impl Sieve<'_> {
    /// Keeps of one kind what a look tells of, what no whole look came after, and what a newer list says.
    fn sift<T>(&mut self, told: &mut Vec<OnPlatform<T>>, named: fn(&T) -> (&Platform, &String)) {
        let subject = |one: &OnPlatform<T>| {
            let (platform, key) = named(&one.what);
            (one.site.clone(), platform.subject(key).to_string())
        };
        let live = told.iter().filter(|one| !one.vantage.is_list());
        let live: BTreeSet<Subject> = live.map(subject).collect();
        told.retain(|one| {
            let of = subject(one);
            let platform = (one.site.clone(), named(&one.what).0.clone());
            let is_old = self
                .newest
                .get(&platform)
                .is_some_and(|began| one.seen.last < *began);
            let stays = !is_old || live.contains(&of);
            match stays {
                true => drop(self.stands.insert(of)),
                false => drop(self.gone.insert(one.evidence.clone(), of)),
            }
            stays
        });
    }

    /// What goes, with the numbers of that of which nothing stands.
    fn with_numbers(self, numbers: &BTreeSet<(EvidenceId, Subject)>) -> BTreeSet<EvidenceId> {
        let left: BTreeSet<&Subject> = self.gone.values().collect();
        let numbers = numbers
            .iter()
            .filter(|(_, of)| left.contains(of) && !self.stands.contains(of));
        let numbers: Vec<EvidenceId> = numbers.map(|(id, _)| id.clone()).collect();
        self.gone.into_keys().chain(numbers).collect()
    }
}
