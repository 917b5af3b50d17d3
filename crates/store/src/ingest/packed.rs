//! What stands in a stream, in as few bytes as it can be told in: a fleet has a million places, and each is asked for once a report.
//!
//! ```text
//! scopes, then each: length, text
//! reference            the moment that others are told from, in milliseconds
//! places, then each: the fact's key, scope, what is told (a byte of bits), at, first, count, and what the bits say of the rest
//! ```
//!
//! Numbers are LEB128, signed ones folded (0, -1, 1, -2, …). It never leaves the process, so it has no version.

use std::collections::HashMap;
use std::sync::Arc;

use groma_model::{Hours, Lasted};

use super::stream::{Known, KnownPlace};
use crate::place::{Flow, Hash, Standing, Word};

/// Places as bytes. What stands later than the newest look is not told: only a late look asks for that, and it asks the engine.
#[derive(Debug)]
pub(super) struct Packed(Box<[u8]>);

const WORD: u8 = 0b11;
const LAST: u8 = 1 << 2;
const HOURS: u8 = 1 << 3;
const BYTES: u8 = 1 << 4;
const LASTED: u8 = 1 << 5;

impl Packed {
    pub(super) fn of(known: &Known) -> Self {
        let mut scopes: HashMap<&str, u64> = HashMap::new();
        let mut names = Vec::new();
        let mut places = Vec::new();
        let mut many: u64 = 0;
        let mut reference = None;
        for ((hash, scope), place) in &known.0 {
            let Some(standing) = &place.standing else {
                continue;
            };
            let next = scopes.len() as u64;
            let scope = *scopes.entry(scope).or_insert_with(|| {
                put(&mut names, scope.len() as u64);
                names.extend_from_slice(scope.as_bytes());
                next
            });
            let reference = *reference.get_or_insert(standing.at);
            places.extend_from_slice(hash);
            put(&mut places, scope);
            put_standing(&mut places, standing, reference);
            many += 1;
        }
        let mut bytes = Vec::with_capacity(names.len() + places.len() + 24);
        put(&mut bytes, scopes.len() as u64);
        bytes.extend_from_slice(&names);
        put_signed(&mut bytes, reference.unwrap_or_default());
        put(&mut bytes, many);
        bytes.extend_from_slice(&places);
        Self(bytes.into_boxed_slice())
    }

    /// What was packed; nothing if these are not such bytes.
    pub(super) fn open(&self) -> Option<Known> {
        let mut reader = Reader(&self.0);
        let scopes = reader.number()?;
        let scopes = (0..scopes).map(|_| reader.text().map(Arc::from));
        let scopes: Vec<Arc<str>> = scopes.collect::<Option<_>>()?;
        let reference = reader.signed()?;
        let many = usize::try_from(reader.number()?).ok()?;
        let mut known = HashMap::with_capacity(many.min(self.0.len()));
        for _ in 0..many {
            let hash: Hash = reader.take(size_of::<Hash>())?.try_into().ok()?;
            let scope = scopes.get(usize::try_from(reader.number()?).ok()?)?;
            let standing = Some(reader.standing(reference)?);
            let place = KnownPlace {
                standing,
                since: Vec::new(),
            };
            known.insert((hash, scope.clone()), place);
        }
        Some(Known(known))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

fn put_standing(out: &mut Vec<u8>, standing: &Standing, reference: i64) {
    let Flow {
        hours,
        bytes,
        lasted,
    } = &standing.flow;
    let word = match standing.word {
        Word::Seen => 0,
        Word::NotSeen => 1,
        Word::Removed => 2,
    };
    let bit = |is_told: bool, bit: u8| if is_told { bit } else { 0 };
    out.push(
        word | bit(standing.last.is_some(), LAST)
            | bit(!hours.is_empty(), HOURS)
            | bit(bytes.is_some(), BYTES)
            | bit(lasted.is_some(), LASTED),
    );
    put_signed(out, standing.at.wrapping_sub(reference));
    put_signed(out, standing.first.wrapping_sub(standing.at));
    put_signed(out, standing.count);
    if let Some(last) = standing.last {
        put_signed(out, last.wrapping_sub(standing.at));
    }
    if !hours.is_empty() {
        out.extend_from_slice(hours.as_bytes());
    }
    if let Some(bytes) = bytes {
        put_signed(out, *bytes);
    }
    if let Some(lasted) = lasted {
        put(out, u64::from(lasted.shortest_ms));
        put(out, u64::from(lasted.longest_ms));
    }
}

fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_signed(out: &mut Vec<u8>, number: i64) {
    put(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, many: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(many)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let folded = self.number()?;
        Some((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }

    fn text(&mut self) -> Option<&'b str> {
        let many = usize::try_from(self.number()?).ok()?;
        std::str::from_utf8(self.take(many)?).ok()
    }

    fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    fn standing(&mut self, reference: i64) -> Option<Standing> {
        let bits = *self.take(1)?.first()?;
        let word = match bits & WORD {
            0 => Word::Seen,
            1 => Word::NotSeen,
            _ => Word::Removed,
        };
        let is_told = |bit: u8| bits & bit != 0;
        let at = self.signed()?.wrapping_add(reference);
        let first = self.signed()?.wrapping_add(at);
        let count = self.signed()?;
        let last = match is_told(LAST) {
            true => Some(self.signed()?.wrapping_add(at)),
            false => None,
        };
        let hours = match is_told(HOURS) {
            true => Hours::from_bytes(self.take(Hours::default().as_bytes().len())?)?,
            false => Hours::default(),
        };
        let bytes = match is_told(BYTES) {
            true => Some(self.signed()?),
            false => None,
        };
        let lasted = match is_told(LASTED) {
            true => Some(Lasted {
                shortest_ms: self.small()?,
                longest_ms: self.small()?,
            }),
            false => None,
        };
        Some(Standing {
            word,
            at,
            first,
            last,
            count,
            flow: Flow {
                hours,
                bytes,
                lasted,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use groma_model::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn standing() -> impl Strategy<Value = Standing> {
        let flow = (
            proptest::collection::vec(0_i64..1 << 41, 0..3),
            any::<Option<i64>>(),
            any::<Option<(u32, u32)>>(),
        );
        let flow = flow.prop_map(|(hours, bytes, lasted)| Flow {
            hours: hours.into_iter().fold(Hours::default(), |mut all, at| {
                all.insert(Timestamp::from_millis(at));
                all
            }),
            bytes,
            lasted: lasted.map(|(shortest_ms, longest_ms)| Lasted {
                shortest_ms,
                longest_ms,
            }),
        });
        let word = prop_oneof![Just(Word::Seen), Just(Word::NotSeen), Just(Word::Removed)];
        let moments = (any::<i64>(), any::<i64>(), any::<Option<i64>>());
        (word, moments, any::<i64>(), flow).prop_map(|(word, (at, first, last), count, flow)| {
            Standing {
                word,
                at,
                first,
                last,
                count,
                flow,
            }
        })
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_out_as_it_was(
            places in proptest::collection::hash_map((any::<Hash>(), "[a-zé/]{0,200}"), standing(), 0..40),
        ) {
            let known = |standing: &Standing| KnownPlace { standing: Some(*standing), since: Vec::new() };
            let known = Known(places.iter().map(|((hash, scope), standing)| ((*hash, Arc::from(&**scope)), known(standing))).collect());
            let opened = Packed::of(&known).open().unwrap();
            prop_assert_eq!(opened.0.len(), places.len());
            for ((hash, scope), known) in &opened.0 {
                prop_assert_eq!(known.standing.as_ref(), places.get(&(*hash, scope.to_string())));
                prop_assert!(known.since.is_empty());
            }
        }

        #[test]
        fn other_bytes_are_none_and_cost_no_more_than_they_are(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(known) = Packed(bytes.clone().into()).open() {
                prop_assert!(known.0.len() <= bytes.len());
            }
        }
    }

    #[test]
    fn a_place_of_a_fleet_takes_a_few_bytes() {
        let standing = |number: i64| Standing {
            word: Word::Seen,
            at: 1_795_000_000_000 + number * 60_000,
            first: 1_794_999_960_000 + number * 60_000,
            last: None,
            count: number % 20,
            flow: Flow::default(),
        };
        let place = |number: i64| {
            let place = (
                crate::place::hash(&number.to_string()),
                Arc::from("socket:host/tcp/connections"),
            );
            (
                place,
                KnownPlace {
                    standing: Some(standing(number)),
                    since: Vec::new(),
                },
            )
        };
        let packed = Packed::of(&Known((0..200).map(place).collect()));
        assert!(packed.len() < 200 * 28, "{}", packed.len());
    }
}
