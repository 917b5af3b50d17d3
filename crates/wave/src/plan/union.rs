//! Sets that grow together (union by size, paths halved).

use std::collections::{BTreeMap, BTreeSet};

/// Which of `0..n` belong together.
pub(super) struct Union {
    above: Vec<usize>,
    size: Vec<usize>,
}

impl Union {
    /// Everybody alone.
    pub(super) fn new(n: usize) -> Self {
        Self {
            above: (0..n).collect(),
            size: vec![1; n],
        }
    }

    /// Who stands for the set of `at`.
    pub(super) fn root(&mut self, mut at: usize) -> usize {
        while let Some(up) = self.above.get(at).copied().filter(|up| *up != at) {
            let over = self.above.get(up).copied().unwrap_or(up);
            if let Some(slot) = self.above.get_mut(at) {
                *slot = over;
            }
            at = over;
        }
        at
    }

    fn size(&self, root: usize) -> usize {
        self.size.get(root).copied().unwrap_or(0)
    }

    /// Joins the sets of `a` and `b` unless they would be larger than `size_max`.
    pub(super) fn join_within(&mut self, a: usize, b: usize, size_max: usize) {
        let (a, b) = (self.root(a), self.root(b));
        let together = self.size(a) + self.size(b);
        if a == b || together > size_max {
            return;
        }
        let (large, small) = if (self.size(a), b) > (self.size(b), a) {
            (a, b)
        } else {
            (b, a)
        };
        if let Some(slot) = self.above.get_mut(small) {
            *slot = large;
        }
        if let Some(slot) = self.size.get_mut(large) {
            *slot = together;
        }
    }

    /// Joins all of them.
    pub(super) fn join_all(&mut self, members: &[usize]) {
        for pair in members.windows(2) {
            if let [a, b] = pair {
                self.join_within(*a, *b, usize::MAX);
            }
        }
    }

    /// How large the set would be if all of `members` were joined.
    pub(super) fn size_of_all(&mut self, members: &[usize]) -> usize {
        let roots: BTreeSet<usize> = members.iter().map(|m| self.root(*m)).collect();
        roots.into_iter().map(|root| self.size(root)).sum()
    }

    /// The sets of `nodes`, each sorted, all by their first node.
    pub(super) fn sets(&mut self, nodes: &[usize]) -> Vec<Vec<usize>> {
        let mut sets: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for node in nodes {
            sets.entry(self.root(*node)).or_default().push(*node);
        }
        let mut sets: Vec<Vec<usize>> = sets.into_values().collect();
        sets.iter_mut().for_each(|s| s.sort_unstable());
        sets.sort();
        sets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_grow_until_they_are_too_large() {
        let mut union = Union::new(5);
        union.join_within(0, 1, 2);
        union.join_within(1, 2, 2);
        union.join_within(3, 4, 2);
        assert_eq!(
            union.sets(&[0, 1, 2, 3, 4]),
            [vec![0, 1], vec![2], vec![3, 4]]
        );
        assert_eq!(union.size_of_all(&[0, 2]), 3);
        union.join_all(&[0, 4]);
        assert_eq!(union.sets(&[0, 1, 2, 3, 4]), [vec![0, 1, 3, 4], vec![2]]);
    }
}
