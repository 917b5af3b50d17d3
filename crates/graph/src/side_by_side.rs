//! Work for all cores, where one of them puts together what the others made.

use rayon::prelude::*;

/// Pieces all cores work on at a time: what waits between two steps stays small.
const LOAD: usize = 4096;

/// Hands every one of `things` through `make`, on all cores, to `take`, in their order: a load is made while the one before is taken.
pub(crate) fn each<T: Send, U: Send>(
    things: impl IntoIterator<Item = T>,
    make: impl Fn(T) -> U + Sync,
    mut take: impl FnMut(U),
) {
    let mut things = things.into_iter();
    let mut made: Vec<U> = Vec::new();
    loop {
        let load: Vec<T> = things.by_ref().take(LOAD).collect();
        if load.is_empty() && made.is_empty() {
            return;
        }
        let ready = std::mem::take(&mut made);
        rayon::in_place_scope(|scope| {
            scope.spawn(|_| made = load.into_par_iter().map(&make).collect());
            ready.into_iter().for_each(&mut take);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_taken_once_and_in_order() {
        for many in [0, 1, LOAD - 1, LOAD, LOAD + 1, LOAD * 3] {
            let mut taken = Vec::new();
            each(0..many, |n| n * 2, |n| taken.push(n));
            assert_eq!(taken, (0..many).map(|n| n * 2).collect::<Vec<_>>());
        }
    }
}
