//! A set of few things.

/// A sorted list without doubles: most drafts know one file, one evidence, no account, and a tree per field
/// would cost more memory than everything it holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Few<T>(Vec<T>);

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Ord> Few<T> {
    /// A set of one.
    pub(crate) fn of(only: T) -> Self {
        Self(vec![only])
    }

    /// Adds `thing` unless it is there.
    pub(crate) fn insert(&mut self, thing: T) {
        if let Err(at) = self.0.binary_search(&thing) {
            self.0.insert(at, thing);
        }
    }

    /// True if `thing` is there.
    pub(crate) fn contains(&self, thing: &T) -> bool {
        self.0.binary_search(thing).is_ok()
    }

    /// True if nothing is in both.
    pub(crate) fn is_disjoint(&self, other: &Self) -> bool {
        !self.iter().any(|thing| other.contains(thing))
    }

    /// The things, in order.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    /// The things, in order.
    pub(crate) fn as_slice(&self) -> &[T] {
        &self.0
    }

    /// True if nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Ord> Extend<T> for Few<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, things: I) {
        for thing in things {
            self.insert(thing);
        }
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_sorted_and_stand_once() {
        let mut few = Few::of(3);
        few.extend([1, 3, 2, 1]);
        assert_eq!(few.as_slice(), [1, 2, 3]);
        assert!(few.contains(&2) && !few.contains(&4));
        assert!(few.is_disjoint(&Few::of(4)));
    }
}
