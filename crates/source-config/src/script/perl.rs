//! A Perl program, followed as far as literals go: scalars, hashes, text put together (`.`, `"$a.$h{b}"`, `sprintf`,
//! `join`). Calls of functions and constructors with known arguments become settings, as in Python.

use std::collections::BTreeMap;

use super::Beside;
use crate::fallbacks;
use crate::settings::Settings;

const STATEMENTS_MAX: usize = 5_000;
const VALUE_MAX: usize = 4096;

/// Calls with known arguments: the section is the function or `Class.method`, keys are `1`, `2`, … and the names of
/// arguments; what is started is a setting `command`.
pub(crate) fn perl(text: &str, beside: &dyn Beside) -> Settings {
    let mut perl = Perl {
        beside,
        settings: Settings::default(),
        scalars: BTreeMap::new(),
    };
    for (line, statement) in statements(text).into_iter().take(STATEMENTS_MAX) {
        perl.statement(line, &statement);
    }
    perl.settings
}

struct Perl<'b> {
    beside: &'b dyn Beside,
    settings: Settings,
    /// `a` for `$a`, `h{k}` for `$h{k}`.
    scalars: BTreeMap<String, String>,
}

/// Statements as written, comments and documentation taken out.
fn statements(text: &str) -> Vec<(u32, String)> {
    let mut out = Vec::new();
    let mut statement = String::new();
    let mut begins = 1;
    let mut pod = false;
    for (number, line) in crate::text::lines(text) {
        if line.starts_with("__END__") || line.starts_with("__DATA__") {
            break;
        }
        if line.starts_with('=') && line.chars().nth(1).is_some_and(char::is_alphabetic) {
            pod = !line.starts_with("=cut");
            continue;
        }
        if pod {
            continue;
        }
        let mut quote = None;
        let mut escaped = false;
        let mut before = ' ';
        for c in line.chars() {
            match (quote, c) {
                _ if escaped => escaped = false,
                (Some(_), '\\') => escaped = true,
                (Some(q), _) if c == q => quote = None,
                (None, '"' | '\'') => quote = Some(c),
                (None, '#') if before.is_whitespace() || before == ';' => break,
                (None, ';') => {
                    out.push((begins, std::mem::take(&mut statement)));
                    before = c;
                    continue;
                }
                _ => {}
            }
            if statement.trim().is_empty() {
                begins = number;
            }
            if statement.len() < 16 << 10 {
                statement.push(c);
            }
            before = c;
        }
        statement.push('\n');
    }
    out.push((begins, statement));
    out
}

impl Perl<'_> {
    fn statement(&mut self, line: u32, text: &str) {
        let text = text.trim().trim_start_matches(['{', '}']).trim();
        let bare = ["my ", "our ", "local "]
            .iter()
            .find_map(|w| text.strip_prefix(w))
            .unwrap_or(text)
            .trim();
        if let Some(rest) = bare.strip_prefix('%')
            && let Some((name, list)) = rest.split_once('=')
        {
            return self.hash(name.trim(), list);
        }
        let right = match bare.strip_prefix('$').and_then(|rest| rest.split_once('=')) {
            Some((name, value)) if is_name(name.trim()) && !value.starts_with(['=', '~', '>']) => {
                if let Some(known) = self.value(value.trim()) {
                    self.scalars.insert(name.trim().to_owned(), known);
                } else {
                    self.scalars.remove(name.trim());
                }
                value.trim()
            }
            _ => bare,
        };
        self.calls(line, right);
    }

    fn hash(&mut self, name: &str, list: &str) {
        let list = list.trim().trim_start_matches('(').trim_end_matches(')');
        for pair in split_list(list) {
            if let Some((key, value)) = pair.split_once("=>")
                && let Some(value) = self.value(value.trim())
            {
                let key = key.trim().trim_matches(['"', '\'']);
                self.scalars.insert(format!("{name}{{{key}}}"), value);
            }
        }
    }

    /// The value of an expression, if all of it is known.
    fn value(&self, text: &str) -> Option<String> {
        let whole = text.trim();
        if let Some((spelt, length)) = fallbacks::at(whole, &fallbacks::PERL)
            && length == whole.len()
        {
            return fallbacks::settled(&spelt, self.beside);
        }
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("sprintf") {
            let rest = rest.trim().trim_start_matches('(').trim_end_matches(')');
            let mut values = self.list(rest)?.into_iter();
            let template = values.next()?;
            let mut out = String::new();
            let mut parts = template.split('%');
            out.push_str(parts.next()?);
            for part in parts {
                let tail = part.strip_prefix(['s', 'd'])?;
                out.push_str(&values.next()?);
                out.push_str(tail);
            }
            return (out.len() < VALUE_MAX).then_some(out);
        }
        if let Some(rest) = text.strip_prefix("join") {
            let rest = rest.trim().trim_start_matches('(').trim_end_matches(')');
            let values = self.list(rest)?;
            let (mark, values) = values.split_first()?;
            let length = values.iter().map(|v| v.len() + mark.len()).sum::<usize>();
            return (length < VALUE_MAX).then(|| values.join(mark));
        }
        let mut out = String::new();
        for part in split_at(text, '.') {
            out.push_str(&self.atom(part.trim())?);
            if out.len() >= VALUE_MAX {
                return None;
            }
        }
        Some(out)
    }

    fn atom(&self, text: &str) -> Option<String> {
        if let Some(inner) = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')) {
            return (!inner.contains('\'')).then(|| inner.to_owned());
        }
        if let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
            return self.interpolated(inner);
        }
        if let Some(name) = text.strip_prefix('$') {
            let name = name.replace(['"', '\''], "");
            return self.scalars.get(&name).cloned();
        }
        let number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        number.then(|| text.to_owned())
    }

    /// `"$a.$h{k}"` and `"${a}x"`.
    fn interpolated(&self, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let (name, tail) = match after.strip_prefix('{').and_then(|a| a.split_once('}')) {
                Some((name, tail)) => (name.to_owned(), tail),
                None => {
                    let end = after
                        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                        .unwrap_or(after.len());
                    let (name, tail) = after.split_at(end);
                    match tail.strip_prefix('{').and_then(|t| t.split_once('}')) {
                        Some((key, tail)) => {
                            (format!("{name}{{{}}}", key.trim_matches(['"', '\''])), tail)
                        }
                        None => (name.to_owned(), tail),
                    }
                }
            };
            let known = self.scalars.get(&name)?;
            if out.len() + known.len() >= VALUE_MAX {
                return None;
            }
            out.push_str(known);
            rest = tail;
        }
        out.push_str(rest);
        (!out.contains('@') || text.contains("\\@")).then(|| out.replace("\\@", "@"))
    }

    /// A list of expressions; a slice of a hash is each of its values, `qw(a b)` each of its words.
    fn list(&self, text: &str) -> Option<Vec<String>> {
        let mut out = Vec::new();
        for item in split_list(text) {
            let item = item.trim();
            if let Some(words) = words_of_qw(item) {
                out.extend(words);
            } else if let Some((name, keys)) =
                item.strip_prefix('@').and_then(|i| i.split_once('{'))
            {
                let keys = keys.trim_end_matches('}').trim();
                let keys = words_of_qw(keys).unwrap_or_else(|| {
                    split_list(keys)
                        .iter()
                        .map(|k| k.trim().trim_matches(['"', '\'']).to_owned())
                        .collect()
                });
                for key in keys {
                    out.push(self.scalars.get(&format!("{name}{{{key}}}"))?.clone());
                }
            } else {
                out.push(self.value(item)?);
            }
            if out.len() > 64 {
                return None;
            }
        }
        Some(out)
    }

    fn calls(&mut self, line: u32, text: &str) {
        for word in ["system", "exec", "qx"] {
            let Some(at) = text.find(word) else { continue };
            let whole = !text
                .get(..at)
                .is_some_and(|b| b.ends_with(|c: char| c.is_alphanumeric() || c == '_'));
            let rest = text.get(at + word.len()..).unwrap_or_default();
            if whole && rest.starts_with([' ', '(']) {
                let rest = rest.trim().trim_start_matches('(');
                let rest = rest
                    .rsplit_once(" or ")
                    .map_or(rest, |(r, _)| r)
                    .trim_end_matches(')');
                // A word that is not known is a word all the same.
                let words: Vec<String> = split_list(rest)
                    .iter()
                    .map(|item| self.value(item.trim()).unwrap_or_else(|| "$".to_owned()))
                    .collect();
                let line_text = match words.as_slice() {
                    [one] => one.clone(),
                    words => words
                        .iter()
                        .map(|w| format!("'{w}'"))
                        .collect::<Vec<_>>()
                        .join(" "),
                };
                let group = self.settings.open_group();
                self.settings
                    .add_marked(line, group, "", "command", &line_text);
            }
        }
        // `Class->method(…)`.
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("->") {
            rest = after;
            let class = before
                .rsplit(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':' | '$')))
                .next()
                .unwrap_or_default();
            let end = after
                .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(after.len());
            let (method, tail) = after.split_at(end);
            let Some(inner) = tail.trim_start().strip_prefix('(') else {
                continue;
            };
            let inner = inner.get(..closing(inner)).unwrap_or(inner);
            if !class.is_empty() && !method.is_empty() && class.len() + method.len() < 200 {
                self.say(line, &format!("{class}.{method}"), inner);
            }
        }
    }

    fn say(&mut self, line: u32, section: &str, arguments: &str) {
        let group = self.settings.open_group();
        for (at, item) in split_list(arguments).into_iter().take(24).enumerate() {
            let (key, value) = match item.split_once("=>") {
                Some((key, value)) => (
                    key.trim().trim_matches(['"', '\'']).to_owned(),
                    self.value(value.trim()),
                ),
                None => ((at + 1).to_string(), self.value(item.trim())),
            };
            if let Some(value) = value.filter(|v| !v.contains('\n')) {
                self.settings.add_marked(line, group, section, &key, &value);
            }
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() < 128
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn words_of_qw(text: &str) -> Option<Vec<String>> {
    let inner = text.strip_prefix("qw")?.trim();
    let inner = inner.get(1..inner.len().checked_sub(1)?)?;
    Some(inner.split_whitespace().map(str::to_owned).collect())
}

/// Splits at commas outside of quotes and brackets.
fn split_list(text: &str) -> Vec<&str> {
    split_at(text, ',')
        .into_iter()
        .filter(|p| !p.trim().is_empty())
        .collect()
}

fn split_at(text: &str, mark: char) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut depth, mut quote, mut escaped, mut from) = (0_usize, None, false, 0);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(q), _) if c == q => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, _) if c == mark && depth == 0 => {
                out.push(text.get(from..at).unwrap_or_default());
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    out.push(text.get(from..).unwrap_or_default());
    out
}

fn closing(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return at,
            ')' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::super::Alone;
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        perl(text, &Alone)
            .all
            .iter()
            .map(|s| format!("{} {} {}={}", s.line, s.section, s.key, s.value))
            .collect()
    }

    #[test]
    fn what_is_put_together_from_literals_is_known() {
        let text = "#!/usr/bin/perl\nuse strict; use warnings;\nmy %erp = (\n  machine => 'erp',\n  domain => 'corp.example', # test => 'x'\n  # test => 'http://old/',\n);\nmy $url = sprintf 'https://%s.%s/x', @erp{qw(machine domain)};\nsystem '/usr/bin/curl', '-s', $url;\nmy $h = \"smtp.$erp{domain}\";\nmy $s = Net::SMTP->new($h, Port => 587);\nmy $l = Net::LDAP->new('ldap.' . $erp{domain}, port => 636) or die;\nmy $x = Net::LDAP->new($unknown);\nsystem(\"ssh $h uptime\");\n=pod\nsystem('ssh old');\n=cut\n";
        assert_eq!(
            shown(text),
            [
                "9  command='/usr/bin/curl' '-s' 'https://erp.corp.example/x'",
                "11 Net::SMTP.new 1=smtp.corp.example",
                "11 Net::SMTP.new Port=587",
                "12 Net::LDAP.new 1=ldap.corp.example",
                "12 Net::LDAP.new port=636",
                "14  command=ssh smtp.corp.example uptime"
            ]
        );
    }

    #[test]
    fn what_doubles_at_each_line_ends_and_what_is_joined_once_is_known() {
        for doubles in [
            "$x = join('', $x, $x);\n",
            "$x = \"$x$x\";\n",
            "$x = $x.$x;\n",
        ] {
            let text = format!("my $x = 'aaaaaaaa';\n{}system($x);\n", doubles.repeat(40));
            assert_eq!(shown(&text), ["42  command=$"], "{doubles}");
        }
        assert_eq!(
            shown("my $x = 'a';\n$x = join('.', $x, $x);\nsystem($x);\n"),
            ["3  command=a.a"]
        );
    }

    #[test]
    fn no_text_breaks_it() {
        for opening in ["(", "{", "$h{", "'", "qw(", "A->b("] {
            let _ = perl(&opening.repeat(4_000), &Alone);
        }
        groma_fuzz::hammer(
            300,
            &[b"my %a = (k => 'v', l => \"x$b\"); my $u = sprintf('%s', @a{qw(k l)}); A::B->new(H => $a{k}); system 'x', $u; =pod\n"],
            |bytes| {
                let _ = perl(&String::from_utf8_lossy(bytes), &Alone);
            },
        );
    }
}
