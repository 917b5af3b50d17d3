//! Values a program takes from its environment, and what it falls back to where that says nothing:
//! `os.environ.get("X", "d")`, `getenv('X') ?: 'd'`, `env('X', 'd')`, `process.env.X || 'd'`, `ENV.fetch('X', 'd')`,
//! `$ENV{X} // 'd'`.
//!
//! A reader of literals spells such a value in private characters; here it becomes what the environment says, or the
//! default, which is a hint unless it is known that the environment says nothing. An overruled default names nobody.

use crate::placeholders::is_secret;
use crate::script::Beside;
use crate::settings::{CONDITIONAL, Settings};

const NAME: char = '\u{e003}';
const DEFAULT: char = '\u{e004}';
const END: char = '\u{e005}';

/// Letters a call may have.
const CALL_MAX: usize = 1024;

/// What differs between languages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Spelling {
    /// What stands before the name, in brackets, and perhaps a default.
    calls: &'static [&'static str],
    /// What stands before the name in `[…]` or `{…}`.
    indices: &'static [&'static str],
    /// What stands before the bare name.
    members: &'static [&'static str],
    /// Operators before a default.
    operators: &'static [&'static str],
}

pub(crate) const PYTHON: Spelling = Spelling {
    calls: &[
        "os.environ.get",
        "environ.get",
        "os.getenv",
        "getenv",
        "env",
        "env.str",
        "env.url",
        "env.int",
        "env.db",
        "env.list",
        "config",
        "decouple.config",
    ],
    indices: &["os.environ", "environ"],
    members: &[],
    operators: &["or "],
};
pub(crate) const PHP: Spelling = Spelling {
    calls: &["env", "getenv", "\\getenv", "Env::get", "$_ENV.get"],
    indices: &["$_ENV", "$_SERVER"],
    members: &[],
    operators: &["?:", "??", "||"],
};
pub(crate) const JAVASCRIPT: Spelling = Spelling {
    calls: &["env.get", "config.get"],
    indices: &["process.env"],
    members: &["process.env."],
    operators: &["||", "??"],
};
pub(crate) const RUBY: Spelling = Spelling {
    calls: &["ENV.fetch"],
    indices: &["ENV"],
    members: &[],
    operators: &["||", "or "],
};
pub(crate) const PERL: Spelling = Spelling {
    calls: &[],
    indices: &["$ENV"],
    members: &[],
    operators: &["//", "||", "or "],
};
pub(crate) const LUA: Spelling = Spelling {
    calls: &["os.getenv"],
    indices: &[],
    members: &[],
    operators: &["or "],
};

/// Conversions that leave a value what it is.
const CONVERSIONS: &[&str] = &[
    "int(",
    "str(",
    "Number(",
    "parseInt(",
    "String(",
    "(int)",
    "(string)",
];

/// Conversions around one value.
const CONVERTED_MAX: usize = 4;

/// True if a text may take values from its environment.
pub(crate) fn are_in(text: &str) -> bool {
    [
        "environ",
        "getenv",
        "env(",
        "process.env",
        "ENV[",
        "ENV.fetch",
        "ENV{",
        "_ENV",
    ]
    .iter()
    .any(|word| text.contains(word))
}

/// The value that begins `text`, spelt for [`settle`], and the bytes it takes; `None` if it is no such value.
pub(crate) fn at(text: &str, spelling: &Spelling) -> Option<(String, usize)> {
    converted(text, spelling, CONVERTED_MAX)
}

fn converted(text: &str, spelling: &Spelling, depth: usize) -> Option<(String, usize)> {
    for conversion in CONVERSIONS {
        if let Some(rest) = text.strip_prefix(conversion) {
            let (spelt, length) = converted(rest.trim_start(), spelling, depth.checked_sub(1)?)?;
            let skipped = text.len() - rest.trim_start().len();
            let tail = rest.trim_start().get(length..)?;
            let closes = conversion.ends_with('(');
            // `parseInt(process.env.PORT || '25', 10)`.
            let end = match closes {
                true => tail.bytes().take(8).position(|b| b == b')')? + 1,
                false => 0,
            };
            return Some((spelt, skipped + length + end));
        }
    }
    let (name, mut default, mut end) = call(text, spelling)
        .or_else(|| index(text, spelling))
        .or_else(|| member(text, spelling))?;
    let tail = text.get(end..)?;
    let behind = tail.trim_start();
    if let Some(rest) = spelling
        .operators
        .iter()
        .find_map(|operator| behind.strip_prefix(operator))
    {
        let rest = rest.trim_start();
        match literal(rest) {
            Some((text_of, length)) => {
                default = default.or(Some(text_of));
                end = text.len() - rest.len() + length;
            }
            // What it falls back to is computed.
            None => default = None,
        }
    }
    Some((spell(&name, default.as_deref()), end))
}

fn spell(name: &str, default: Option<&str>) -> String {
    match default {
        Some(default) => format!("{NAME}{name}{DEFAULT}{default}{END}"),
        None => format!("{NAME}{name}{END}"),
    }
}

/// `os.environ.get("X", "d")`, `env('X', default='d')`, `ENV.fetch('X') { 'd' }`.
fn call(text: &str, spelling: &Spelling) -> Option<(String, Option<String>, usize)> {
    let rest = spelling
        .calls
        .iter()
        .find_map(|word| text.strip_prefix(word)?.strip_prefix('('))?;
    let inner = rest.trim_start();
    let (name, length) = literal(inner)?;
    if !is_name(&name) {
        return None;
    }
    let after = inner.get(length..)?.trim_start();
    let close = closing(after)?;
    let arguments = after.get(..close)?.trim();
    let mut end = text.len() - after.len() + close + 1;
    let mut default = arguments.strip_prefix(',').and_then(|given| {
        let given = given.trim_start();
        let given = match given.split_once('=') {
            Some((word, value)) if word.trim() == "default" => value.trim_start(),
            _ => given,
        };
        Some(literal(given)?.0)
    });
    if let Some(block) = text
        .get(end..)
        .and_then(|t| t.trim_start().strip_prefix('{'))
        && let Some(found) = literal(block.trim_start())
        && let Some(close) = block.find('}').filter(|n| *n < CALL_MAX)
    {
        default = Some(found.0);
        end = text.len() - block.len() + close + 1;
    }
    Some((name, default, end))
}

/// `ENV['X']`, `$_ENV["X"]`, `$ENV{X}`.
fn index(text: &str, spelling: &Spelling) -> Option<(String, Option<String>, usize)> {
    let rest = spelling.indices.iter().find_map(|word| {
        let rest = text.strip_prefix(word)?;
        rest.strip_prefix(['[', '{'])
    })?;
    let end = rest.get(..rest.len().min(256))?.find([']', '}'])?;
    let name = rest.get(..end)?.trim().trim_matches(['"', '\'']).to_owned();
    is_name(&name).then(|| (name, None, text.len() - rest.len() + end + 1))
}

/// `process.env.X`.
fn member(text: &str, spelling: &Spelling) -> Option<(String, Option<String>, usize)> {
    let rest = spelling
        .members
        .iter()
        .find_map(|word| text.strip_prefix(word))?;
    let end = rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(rest.len());
    let name = rest.get(..end)?.to_owned();
    is_name(&name).then(|| (name, None, text.len() - rest.len() + end))
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 128
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A text in quotes or a number at the start, without its quotes, and its length.
fn literal(text: &str) -> Option<(String, usize)> {
    let first = text.chars().next()?;
    if first.is_ascii_digit() {
        let end = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        return Some((text.get(..end)?.to_owned(), end));
    }
    if !matches!(first, '"' | '\'' | '`') {
        return None;
    }
    let inner = text.get(1..)?;
    let end = inner.find(first).filter(|n| *n < CALL_MAX)?;
    let value = inner.get(..end)?;
    // What is filled in later is no literal.
    let plain = !value.contains(['\\', '\n', '{']) && !value.contains("$");
    plain.then(|| (value.to_owned(), end + 2))
}

/// Where the bracket closes within which `text` begins.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    for (at, c) in text.char_indices().take(CALL_MAX) {
        match (quote, c) {
            (Some(q), _) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => return Some(at),
            (None, ')') => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Puts what the environment says, or the default, in the place of every value that was spelt so. What is not known
/// goes.
pub(crate) fn settle(settings: &mut Settings, beside: &dyn Beside) {
    if !settings.all.iter().any(|s| s.value.contains(NAME)) {
        return;
    }
    settings.all.retain_mut(|setting| {
        if !setting.value.contains(NAME) {
            return true;
        }
        let Some(value) = settled(&setting.value, beside) else {
            return false;
        };
        setting.conditional = value.contains(CONDITIONAL);
        setting.value = value.replace(CONDITIONAL, "");
        true
    });
}

/// `value` with every name in it answered; `None` if one is not known.
pub(crate) fn settled(value: &str, beside: &dyn Beside) -> Option<String> {
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once(NAME) {
        out.push_str(before);
        let (inner, tail) = after.split_once(END)?;
        let (name, default) = match inner.split_once(DEFAULT) {
            Some((name, default)) => (name, Some(default)),
            None => (inner, None),
        };
        match beside.variable(name).filter(|_| !is_secret(name)) {
            Some(given) => out.push_str(&given),
            None => {
                out.push_str(default?);
                if !beside.is_started() {
                    out.push(CONDITIONAL);
                }
            }
        }
        rest = tail;
    }
    out.push_str(rest);
    (!out.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Environment(bool);

    impl Beside for Environment {
        fn text(&self, _: &str) -> Option<String> {
            None
        }

        fn variable(&self, name: &str) -> Option<String> {
            (name == "DB_HOST").then(|| "db1.corp".to_owned())
        }

        fn is_started(&self) -> bool {
            self.0
        }
    }

    fn read(text: &str, spelling: &Spelling) -> Option<(String, bool)> {
        let (spelt, length) = at(text, spelling)?;
        assert!(
            text.get(length..)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([',', ';'])),
            "{text}: {:?}",
            text.get(length..)
        );
        let value = settled(&spelt, &Environment(false))?;
        Some((value.replace(CONDITIONAL, ""), value.contains(CONDITIONAL)))
    }

    #[test]
    fn every_language_has_its_own_way_to_fall_back() {
        for (text, spelling) in [
            ("os.environ.get(\"DB_HOST\", 'ghost')", &PYTHON),
            ("os.getenv('DB_HOST', default=\"ghost\"),", &PYTHON),
            ("os.environ['DB_HOST']", &PYTHON),
            ("os.getenv('DB_HOST') or 'ghost'", &PYTHON),
            ("env.str(\"DB_HOST\", default='ghost')", &PYTHON),
            ("env('DB_HOST', 'ghost');", &PHP),
            ("getenv('DB_HOST') ?: 'ghost'", &PHP),
            ("$_ENV['DB_HOST'] ?? 'ghost'", &PHP),
            ("process.env.DB_HOST || 'ghost',", &JAVASCRIPT),
            ("process.env['DB_HOST'] ?? \"ghost\"", &JAVASCRIPT),
            ("ENV.fetch('DB_HOST', 'ghost')", &RUBY),
            ("ENV.fetch('DB_HOST') { 'ghost' }", &RUBY),
            ("ENV['DB_HOST'] || 'ghost'", &RUBY),
            ("$ENV{DB_HOST} // 'ghost';", &PERL),
            ("os.getenv(\"DB_HOST\") or \"ghost\"", &LUA),
        ] {
            assert_eq!(
                read(text, spelling),
                Some(("db1.corp".to_owned(), false)),
                "{text}"
            );
            let other = text.replace("DB_HOST", "OTHER");
            let expected = text.contains("ghost").then(|| ("ghost".to_owned(), true));
            assert_eq!(read(&other, spelling), expected, "{other}");
        }
        assert_eq!(
            read("int(os.environ.get('PORT', 25))", &PYTHON),
            Some(("25".to_owned(), true))
        );
        assert_eq!(
            read("parseInt(process.env.PORT || '25', 10)", &JAVASCRIPT),
            Some(("25".to_owned(), true))
        );
    }

    #[test]
    fn what_is_computed_is_not_known() {
        assert_eq!(read("os.environ.get('X', f(a))", &PYTHON), None);
        assert_eq!(read("getenv('X')", &PHP), None);
        assert_eq!(at("environment('X')", &PHP), None);
        assert_eq!(at("myenv('X')", &PHP), None);
    }

    #[test]
    fn no_text_breaks_it() {
        groma_fuzz::hammer(
            1_000,
            &[
                b"int(os.environ.get(\"A\", default='b')) or 'c'",
                b"ENV.fetch('A') { 'b' } || 'd'",
            ],
            |bytes| {
                let text = String::from_utf8_lossy(bytes);
                for spelling in [&PYTHON, &PHP, &JAVASCRIPT, &RUBY, &PERL, &LUA] {
                    if let Some((spelt, length)) = at(&text, spelling) {
                        assert!(text.get(length..).is_some());
                        let _ = settled(&spelt, &Environment(true));
                    }
                }
            },
        );
    }
}
