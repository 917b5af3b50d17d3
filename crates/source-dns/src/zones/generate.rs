//! `$GENERATE`, BIND's own word: one line that stands for many records.

/// Records that all such lines of a zone may make.
pub(super) const MADE_MAX: usize = 65_536;
/// Widest number.
const WIDTH_MAX: usize = 64;

/// `10-20/5`: the numbers a line is repeated for.
pub(super) struct Range {
    next: u32,
    last: u32,
    step: u32,
    is_over: bool,
}

impl Range {
    pub(super) fn parse(word: &str) -> Option<Self> {
        let (range, step) = word.split_once('/').unwrap_or((word, "1"));
        let (first, last) = range.split_once('-')?;
        let (next, last) = (first.parse().ok()?, last.parse().ok()?);
        let step = step.parse().ok().filter(|step| *step > 0)?;
        (next <= last).then_some(Self {
            next,
            last,
            step,
            is_over: false,
        })
    }
}

impl Iterator for Range {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.is_over || self.next > self.last {
            return None;
        }
        let number = self.next;
        match number.checked_add(self.step) {
            Some(next) => self.next = next,
            None => self.is_over = true,
        }
        Some(number)
    }
}

/// `word` with `number` where it says `$` or `${offset,width,base}`; `\$` and `$$` stand for the sign itself.
pub(super) fn filled(word: &str, number: u32) -> Option<String> {
    let mut out = String::new();
    let mut rest = word;
    while let Some(at) = rest.find(['$', '\\']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        if let Some(after) = from.strip_prefix("\\$").or_else(|| from.strip_prefix("$$")) {
            out.push('$');
            rest = after;
        } else if let Some(after) = from.strip_prefix("${") {
            let (how, after) = after.split_once('}')?;
            out.push_str(&shaped(how, number)?);
            rest = after;
        } else if let Some(after) = from.strip_prefix('$') {
            out.push_str(&number.to_string());
            rest = after;
        } else {
            out.push('\\');
            rest = from.get(1..)?;
        }
    }
    out.push_str(rest);
    Some(out)
}

fn shaped(how: &str, number: u32) -> Option<String> {
    let mut parts = how.split(',');
    let offset: i64 = parts.next()?.trim().parse().ok()?;
    let width: usize = parts
        .next()
        .map_or(Some(0), |width| width.trim().parse().ok())?;
    let base = parts.next().map_or("d", str::trim);
    let number = i64::from(number).checked_add(offset)?;
    if width > WIDTH_MAX || number < 0 || parts.next().is_some() {
        return None;
    }
    Some(match base {
        "d" => format!("{number:0width$}"),
        "o" => format!("{number:0width$o}"),
        "x" => format!("{number:0width$x}"),
        "X" => format!("{number:0width$X}"),
        "n" => nibbles(&format!("{number:x}"), width),
        "N" => nibbles(&format!("{number:X}"), width),
        _ => return None,
    })
}

/// The digits from the last to the first with dots between; the width counts the dots too.
fn nibbles(digits: &str, width: usize) -> String {
    let mut out = String::new();
    for digit in digits.chars().rev() {
        if !out.is_empty() {
            out.push('.');
        }
        out.push(digit);
    }
    while out.len() < width {
        out.push_str(if out.len() + 1 == width { "." } else { ".0" });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_the_shape_that_is_asked_for() {
        for (word, wanted) in [
            ("pc$", "pc7"),
            ("pc${0,3,d}x", "pc007x"),
            ("${-7}", "0"),
            ("${8,0,x}", "f"),
            ("$$1\\$", "$1$"),
            ("${9,3,n}", "0.1"),
        ] {
            assert_eq!(filled(word, 7).as_deref(), Some(wanted), "{word}");
        }
        for bad in ["${", "${x}", "${0,999}", "${-8}", "${0,1,q}"] {
            assert_eq!(filled(bad, 7), None, "{bad}");
        }
    }

    #[test]
    fn a_range_ends() {
        let numbers = |word| Range::parse(word).map(|range| range.take(9).collect::<Vec<_>>());
        assert_eq!(numbers("10-20/5"), Some(vec![10, 15, 20]));
        assert_eq!(
            numbers("4294967294-4294967295"),
            Some(vec![4_294_967_294, u32::MAX])
        );
        for bad in ["5-1", "1", "1-2/0", "a-b"] {
            assert!(Range::parse(bad).is_none(), "{bad}");
        }
    }
}
