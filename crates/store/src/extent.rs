//! How far a look reached: whether what it did not see is gone, or only unseen.

use std::collections::HashMap;

#[cfg(test)]
use groma_model::Scope;
use groma_model::{Coverage, CoverageState, Gap};

/// What one look of one source said about the scopes it looked at.
pub(crate) struct Extent(HashMap<String, CoverageState>);

impl Extent {
    /// Several sayings about one scope: the least one counts. A gap is partial coverage of its scope,
    /// unless coverage was said of that very scope.
    pub(crate) fn of(coverage: &[Coverage], gaps: &[Gap]) -> Self {
        let mut states: HashMap<String, CoverageState> = HashMap::new();
        for said in coverage {
            let state = states
                .entry(said.scope.as_str().to_owned())
                .or_insert(said.state);
            if said.state == CoverageState::Partial {
                *state = CoverageState::Partial;
            }
        }
        for gap in gaps {
            states
                .entry(gap.scope.as_str().to_owned())
                .or_insert(CoverageState::Partial);
        }
        Self(states)
    }

    /// True if the most specific saying about `scope` is that all of it was seen.
    pub(crate) fn is_complete(&self, scope: &str) -> bool {
        let mut text = scope;
        loop {
            if let Some(state) = self.0.get(text) {
                return *state == CoverageState::Complete;
            }
            match wider(text) {
                Some(next) => text = next,
                None => return false,
            }
        }
    }
}

/// The next wider scope: up to the last `/`, or up to and with the last `:`.
fn wider(scope: &str) -> Option<&str> {
    let inner = scope.strip_suffix(':').unwrap_or(scope);
    let cut = inner.rfind(['/', ':'])?;
    let keep = if inner.as_bytes().get(cut) == Some(&b':') {
        cut + 1
    } else {
        cut
    };
    scope.get(..keep)
}

/// The rule of [`Scope::contains`], asked the slow way; a test holds the two together.
#[cfg(test)]
fn is_complete_slowly(coverage: &[Coverage], scope: &Scope) -> bool {
    let widest = coverage
        .iter()
        .filter(|c| c.scope.contains(scope))
        .map(|c| c.scope.as_str().len())
        .max();
    let closest = |c: &&Coverage| Some(c.scope.as_str().len()) == widest && c.scope.contains(scope);
    widest.is_some()
        && coverage
            .iter()
            .filter(closest)
            .all(|c| c.state == CoverageState::Complete)
}

#[cfg(test)]
mod tests {
    use super::*;
    use groma_model::{Reason, Timestamp};
    use proptest::prelude::*;

    fn covered(scope: &str, state: CoverageState) -> Coverage {
        let scope = serde_json::from_value(scope.into()).unwrap();
        Coverage {
            scope,
            state,
            from: Timestamp::from_millis(0),
            to: Timestamp::from_millis(1),
            how: None,
        }
    }

    #[test]
    fn one_unreadable_file_makes_a_hole_not_a_ruin() {
        let said = [
            covered("file:/etc", CoverageState::Complete),
            covered("file:/etc/ssl", CoverageState::Partial),
        ];
        let extent = Extent::of(&said, &[]);
        assert!(extent.is_complete("file:/etc/hosts"));
        assert!(!extent.is_complete("file:/etc/ssl/private/key"));
        assert!(!extent.is_complete("file:/etcetera"));
        assert!(!extent.is_complete("file:/usr"));
    }

    #[test]
    fn a_gap_makes_a_hole_where_no_coverage_was_said() {
        let gap = |scope| Gap {
            scope,
            what: "x".to_owned(),
            reason: Reason::TimedOut,
            remedy: None,
        };
        let said = [
            covered("file:", CoverageState::Complete),
            covered("file:/a", CoverageState::Complete),
        ];
        let extent = Extent::of(
            &said,
            &[gap(Scope::new("file", "/a")), gap(Scope::new("file", "/b"))],
        );
        assert!(extent.is_complete("file:/a/x"));
        assert!(!extent.is_complete("file:/b/x"));
        assert!(extent.is_complete("file:/c"));
    }

    fn scope() -> impl Strategy<Value = String> {
        prop::collection::vec(
            prop::sample::select(vec!["a", "b", "/", ":", "/a", "/b"]),
            0..6,
        )
        .prop_map(|p| format!("f:{}", p.concat()))
    }

    proptest! {
        #[test]
        fn the_quick_way_and_the_rule_agree(said in prop::collection::vec((scope(), any::<bool>()), 0..6), asked in scope()) {
            let state = |complete| if complete { CoverageState::Complete } else { CoverageState::Partial };
            let said: Vec<Coverage> = said.iter().map(|(s, complete)| covered(s, state(*complete))).collect();
            let scope: Scope = serde_json::from_value(asked.clone().into()).unwrap();
            prop_assert_eq!(Extent::of(&said, &[]).is_complete(&asked), is_complete_slowly(&said, &scope));
        }
    }
}
