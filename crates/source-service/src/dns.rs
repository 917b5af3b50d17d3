//! A name server, asked for the root's own name servers over TCP (RFC 1035 §4.2.2): whether it answers for everybody.

use groma_model::fact::ServiceAnswer;

/// Asks for the name servers of the root, with recursion wished, as message 0x6772.
pub(crate) const QUESTION: &[u8] = &[
    0, 17, 0x67, 0x72, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1,
];

/// True if a whole message has come.
pub(crate) fn is_whole(heard: &[u8]) -> bool {
    heard
        .split_first_chunk::<2>()
        .is_some_and(|(length, rest)| rest.len() >= usize::from(u16::from_be_bytes(*length)))
}

/// True if this answers our question: its number, the answer bit, one question or none.
pub(crate) fn is_answer(heard: &[u8]) -> bool {
    matches!(heard, [_, _, 0x67, 0x72, flags, _, 0, 0 | 1, ..] if flags & 0x80 != 0)
        && is_whole(heard)
}

/// Whether it offers to ask others for whoever comes.
pub(crate) fn tells(heard: &[u8]) -> ServiceAnswer {
    let recursive = heard.get(5).is_some_and(|flags| flags & 0x80 != 0);
    let refused = heard.get(5).is_some_and(|flags| flags & 0x0f == 5);
    let mut answer = ServiceAnswer::default();
    if recursive && !refused {
        answer.answers_for.push("every name (recursion)".to_owned());
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolver_and_a_server_of_its_zones_are_told_apart() {
        let answer = |high: u8, low: u8| {
            let mut bytes = vec![0, 12, 0x67, 0x72, high, low];
            bytes.extend([0; 8]);
            bytes
        };
        assert!(is_answer(&answer(0x81, 0x80)));
        assert_eq!(tells(&answer(0x81, 0x80)).answers_for.len(), 1);
        assert!(tells(&answer(0x81, 0x05)).answers_for.is_empty(), "refused");
        assert!(!is_answer(&answer(0x01, 0x00)), "a question");
        assert!(!is_answer(b"HTTP/1.1 400"));
    }

    #[test]
    fn no_answer_breaks_the_reader() {
        groma_fuzz::hammer(10_000, &[QUESTION], |bytes| {
            let _ = (is_whole(bytes), is_answer(bytes), tells(bytes));
        });
    }
}
