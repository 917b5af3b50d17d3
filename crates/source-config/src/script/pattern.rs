//! Patterns of sed, grep and awk, as far as scripts use them to take a value out of a file: characters, classes, `*`,
//! `+`, `?`, anchors and groups. Anything else makes no pattern. Matching is bounded in steps.

const STEPS_MAX: u32 = 20_000;

#[derive(Clone, Debug)]
enum Piece {
    Literal(char),
    Any,
    Class(Vec<(char, char)>, bool),
    Open(usize),
    Close(usize),
    Begin,
    End,
}

#[derive(Clone, Debug)]
struct Item {
    piece: Piece,
    least: u8,
    most: bool,
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    items: Vec<Item>,
    groups: usize,
}

/// Where a pattern matched: the whole and its groups, as places in the characters of the line.
#[derive(Clone, Debug)]
pub(super) struct Match {
    pub(super) spans: Vec<Option<(usize, usize)>>,
}

impl Pattern {
    /// `extended` as for `sed -E`, `grep -E` and awk.
    pub(super) fn new(text: &str, extended: bool) -> Option<Self> {
        let mut items: Vec<Item> = Vec::new();
        let mut open = Vec::new();
        let mut groups = 0;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let (c, escaped) = if c == '\\' {
                (chars.next()?, true)
            } else {
                (c, false)
            };
            let special = escaped != extended;
            let piece = match c {
                '(' if special => {
                    groups += 1;
                    open.push(groups);
                    Piece::Open(groups)
                }
                ')' if special => Piece::Close(open.pop()?),
                '|' | '{' | '}' if special => return None,
                '+' | '?' if special && !items.is_empty() => {
                    let last = items.last_mut()?;
                    last.least = u8::from(c == '+');
                    last.most = c == '+';
                    if c == '?' {
                        // Once or not at all: told from `*` by the second flag.
                        last.least = 2;
                    }
                    continue;
                }
                '*' if !escaped && !items.is_empty() => {
                    let last = items.last_mut()?;
                    if matches!(last.piece, Piece::Open(_) | Piece::Close(_)) {
                        return None;
                    }
                    last.least = 0;
                    last.most = true;
                    continue;
                }
                '^' if !escaped && items.is_empty() => Piece::Begin,
                '$' if !escaped && chars.peek().is_none() => Piece::End,
                '.' if !escaped => Piece::Any,
                '[' if !escaped => class(&mut chars)?,
                's' if escaped => Piece::Class(vec![(' ', ' '), ('\t', '\t')], true),
                't' if escaped => Piece::Literal('\t'),
                'w' if escaped => {
                    Piece::Class(vec![('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')], true)
                }
                _ if escaped && c.is_ascii_alphanumeric() => return None,
                _ => Piece::Literal(c),
            };
            items.push(Item {
                piece,
                least: 1,
                most: false,
            });
            if items.len() > 256 {
                return None;
            }
        }
        open.is_empty().then_some(Self { items, groups })
    }

    /// The leftmost match in `line`.
    pub(super) fn find(&self, line: &[char]) -> Option<Match> {
        let mut steps = STEPS_MAX;
        for start in 0..=line.len() {
            let mut spans = vec![None; self.groups + 1];
            if let Some(end) = self.step(0, line, start, &mut spans, &mut steps) {
                if let Some(whole) = spans.first_mut() {
                    *whole = Some((start, end));
                }
                return Some(Match { spans });
            }
            if steps == 0 {
                return None;
            }
        }
        None
    }

    pub(super) fn is_in(&self, line: &str) -> bool {
        let line: Vec<char> = line.chars().take(4096).collect();
        self.find(&line).is_some()
    }

    fn step(
        &self,
        at: usize,
        line: &[char],
        place: usize,
        spans: &mut Vec<Option<(usize, usize)>>,
        steps: &mut u32,
    ) -> Option<usize> {
        *steps = steps.checked_sub(1)?;
        let Some(item) = self.items.get(at) else {
            return Some(place);
        };
        match &item.piece {
            Piece::Begin => (place == 0).then(|| self.step(at + 1, line, place, spans, steps))?,
            Piece::End => {
                (place == line.len()).then(|| self.step(at + 1, line, place, spans, steps))?
            }
            Piece::Open(group) => {
                let before = spans.get(*group).copied().flatten();
                *spans.get_mut(*group)? = Some((place, place));
                let found = self.step(at + 1, line, place, spans, steps);
                if found.is_none() {
                    *spans.get_mut(*group)? = before;
                }
                found
            }
            Piece::Close(group) => {
                let begun = spans.get(*group).copied().flatten()?;
                *spans.get_mut(*group)? = Some((begun.0, place));
                self.step(at + 1, line, place, spans, steps)
            }
            piece => {
                let limit = match (item.least, item.most) {
                    (2, _) | (1, false) => 1,
                    _ => usize::MAX,
                };
                let mut count = 0;
                while count < limit && line.get(place + count).is_some_and(|c| fits(piece, *c)) {
                    count += 1;
                }
                let least = usize::from(item.least == 1);
                while count >= least {
                    if let Some(end) = self.step(at + 1, line, place + count, spans, steps) {
                        return Some(end);
                    }
                    if count == 0 {
                        return None;
                    }
                    count -= 1;
                }
                None
            }
        }
    }
}

fn fits(piece: &Piece, c: char) -> bool {
    match piece {
        Piece::Literal(literal) => *literal == c,
        Piece::Any => true,
        Piece::Class(ranges, within) => {
            ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) == *within
        }
        _ => false,
    }
}

fn class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Piece> {
    let within = chars.next_if_eq(&'^').is_none();
    let mut ranges = Vec::new();
    let mut first = true;
    loop {
        let c = chars.next()?;
        match c {
            ']' if !first => return Some(Piece::Class(ranges, within)),
            '[' if chars.peek() == Some(&':') => {
                let name: String = chars.by_ref().take_while(|c| *c != ']').collect();
                match name.trim_matches(':') {
                    "space" | "blank" => ranges.extend([(' ', ' '), ('\t', '\t')]),
                    "digit" => ranges.push(('0', '9')),
                    "alpha" => ranges.extend([('a', 'z'), ('A', 'Z')]),
                    "alnum" => ranges.extend([('a', 'z'), ('A', 'Z'), ('0', '9')]),
                    _ => return None,
                }
            }
            _ => {
                let c = match c {
                    '\\' => match chars.next()? {
                        't' => '\t',
                        other => other,
                    },
                    c => c,
                };
                if chars.peek() == Some(&'-') {
                    chars.next();
                    match chars.peek() {
                        Some(']') => ranges.extend([(c, c), ('-', '-')]),
                        _ => ranges.push((c, chars.next()?)),
                    }
                } else {
                    ranges.push((c, c));
                }
            }
        }
        first = false;
        if ranges.len() > 64 {
            return None;
        }
    }
}

/// `s/PATTERN/REPLACEMENT/`: the line with the first match replaced, or every one.
pub(super) fn replace(pattern: &Pattern, line: &str, with: &str, every: bool) -> Option<String> {
    let chars: Vec<char> = line.chars().take(4096).collect();
    let found = pattern.find(&chars)?;
    let (start, end) = found.spans.first().copied().flatten()?;
    let mut out: String = chars.get(..start)?.iter().collect();
    let mut template = with.chars();
    while let Some(c) = template.next() {
        match c {
            '\\' => match template.next()? {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                digit if digit.is_ascii_digit() => {
                    let group = digit.to_digit(10).and_then(|d| usize::try_from(d).ok())?;
                    if let Some((from, to)) = found.spans.get(group).copied().flatten() {
                        out.extend(chars.get(from..to)?);
                    }
                }
                other => out.push(other),
            },
            '&' => out.extend(chars.get(start..end)?),
            _ => out.push(c),
        }
    }
    let rest: String = chars.get(end..)?.iter().collect();
    if every && end > start && out.len() < 8192 {
        // What was replaced is not looked at again.
        match replace(pattern, &rest, with, true) {
            Some(more) => out.push_str(&more),
            None => out.push_str(&rest),
        }
    } else {
        out.push_str(&rest);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(pattern: &str, extended: bool, line: &str, with: &str) -> Option<String> {
        replace(&Pattern::new(pattern, extended)?, line, with, false)
    }

    #[test]
    fn patterns_of_scripts_take_values_out_of_lines() {
        for (pattern, extended, line, with, expected) in [
            ("^  host: ", false, "  host: h1", "", Some("h1")),
            ("^host *= *", false, "host=h1", "", Some("h1")),
            ("^HOST=\\(.*\\)$", false, "HOST=h1", "\\1", Some("h1")),
            (
                "^([a-z]+):[[:space:]]*(.*)$",
                true,
                "host:  h1",
                "\\2-\\1",
                Some("h1-host"),
            ),
            ("^\\[linux\\]", false, "[linux]", "x", Some("x")),
            ("a?b", true, "xb", "-", Some("x-")),
            ("[^#]*", false, "h1#c", "<&>", Some("<h1>#c")),
            ("^host", false, "xhost", "", None),
            ("a|b", true, "a", "", None),
        ] {
            assert_eq!(
                replaced(pattern, extended, line, with).as_deref(),
                expected,
                "{pattern}"
            );
        }
    }

    #[test]
    fn hostile_patterns_end() {
        let pattern = Pattern::new("a*a*a*a*a*a*a*a*b", false).unwrap();
        let line: Vec<char> = "a".repeat(4000).chars().collect();
        assert!(pattern.find(&line).is_none());
        groma_fuzz::hammer(
            300,
            &[b"^[[:space:]]*\\(a.*\\)\\1$", b"([a-z]+)?x*"],
            |bytes| {
                let text = String::from_utf8_lossy(bytes);
                for extended in [true, false] {
                    if let Some(pattern) = Pattern::new(&text, extended) {
                        let _ = replace(&pattern, "host = mail1 # x", "\\1&", true);
                    }
                }
            },
        );
    }
}
