//! rsyslog: classic selectors with `@host`, and `action(type="…" …)` of its newer language.

use crate::settings::Settings;
use crate::text::lines;

/// Actions read in one file.
const ACTIONS_MAX: usize = 500;

pub(super) fn rsyslog(text: &str) -> Settings {
    let mut settings = Settings::default();
    for (number, line) in lines(text) {
        let body = line.trim();
        if body.is_empty() || body.starts_with('#') || body.starts_with('$') {
            continue;
        }
        // `selector  @host`, `& @host`: the target is the word after white space.
        let target = body
            .split_whitespace()
            .skip(1)
            .find(|w| w.starts_with('@') && w.len() > 1);
        if let Some(target) = target.filter(|_| !body.contains('(')) {
            settings.add(number, 0, "", "forward", target);
        }
    }
    actions(&mut settings, text);
    settings
}

/// Parameters of every `action(…)`, one group each.
fn actions(settings: &mut Settings, text: &str) {
    let mut commented = String::with_capacity(text.len());
    for (_, line) in lines(text) {
        // Comments are blanked, so that offsets still tell the line.
        let keep = line
            .find('#')
            .filter(|at| line.get(..*at).unwrap_or_default().matches('"').count() % 2 == 0)
            .unwrap_or(line.len());
        commented.push_str(line.get(..keep).unwrap_or(line));
        commented.push('\n');
    }
    let mut from = 0;
    for _ in 0..ACTIONS_MAX {
        let Some(at) = commented.get(from..).and_then(|rest| rest.find("action(")) else {
            return;
        };
        let start = from + at + "action(".len();
        let rest = commented.get(start..).unwrap_or_default();
        let end = closing(rest);
        let group = settings.open_group();
        let line = 1 + commented
            .get(..start)
            .unwrap_or_default()
            .matches('\n')
            .count();
        parameters(
            settings,
            group,
            u32::try_from(line).unwrap_or(u32::MAX),
            rest.get(..end).unwrap_or_default(),
        );
        from = start + end;
    }
}

fn closing(text: &str) -> usize {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ')' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

fn parameters(settings: &mut Settings, group: u32, line: u32, text: &str) {
    let mut rest = text;
    let mut line = line;
    while let Some((head, tail)) = rest.split_once('=') {
        line += u32::try_from(head.matches('\n').count()).unwrap_or(0);
        let Some(quoted) = tail.trim_start().strip_prefix('"') else {
            rest = tail;
            continue;
        };
        let (value, after) = quoted.split_once('"').unwrap_or((quoted, ""));
        settings.add(line, group, "action", head.trim(), value);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_name_their_targets() {
        let text = "*.* @@log1:6514\n#*.* @old\nmail.* -/var/log/mail\naction(type=\"omfwd\"\n  target=\"log2\" # x\n  port=\"514\")\n& @log3\n";
        let shown: Vec<_> = rsyslog(text)
            .all
            .iter()
            .map(|s| format!("{} {}={}", s.line, s.key, s.value))
            .collect();
        assert_eq!(
            shown,
            [
                "1 forward=@@log1:6514",
                "7 forward=@log3",
                "4 type=omfwd",
                "5 target=log2",
                "6 port=514"
            ]
        );
    }
}
