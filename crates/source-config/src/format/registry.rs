//! Registry files as text: exports of Windows (`*.reg`) and the files Wine keeps (`user.reg`, `system.reg`).

use super::quoted::quoted;
use crate::settings::Settings;
use crate::text::lines;

/// A value longer than this is a picture or a program.
const VALUE_MAX: usize = 64 << 10;

/// Keys of the registry are sections, joined by `/`; numbers are decimal; bytes are read where they are text
/// in UTF-16. What an export deletes says nothing.
pub(super) fn registry(text: &str) -> Settings {
    let mut settings = Settings::default();
    let mut section = String::new();
    let mut group = 0;
    let mut deleted = false;
    let mut open: Option<(u32, String)> = None;
    for (number, line) in lines(text) {
        let line = line.trim();
        let (first, mut whole) = match open.take() {
            Some((first, mut begun)) => {
                begun.push_str(line);
                (first, begun)
            }
            None => (number, line.to_owned()),
        };
        if whole.starts_with(['"', '@']) && whole.ends_with(",\\") && whole.len() < VALUE_MAX * 4 {
            whole.pop();
            open = Some((first, whole));
            continue;
        }
        if let Some(name) = whole.strip_prefix('[') {
            deleted = name.starts_with('-');
            let name = name.rsplit_once(']').map_or(name, |(name, _)| name);
            section = name.replace("\\\\", "/").replace('\\', "/");
            group = settings.open_group();
            continue;
        }
        if deleted {
            continue;
        }
        if let Some((name, value)) = value(&whole).filter(|(_, v)| v.len() <= VALUE_MAX) {
            settings.add(first, group, &section, &name, &value);
        }
    }
    settings
}

fn value(line: &str) -> Option<(String, String)> {
    let (name, rest) = match line.strip_prefix("@=") {
        Some(rest) => ("@".to_owned(), rest),
        None => {
            let (name, rest) = quoted(line)?;
            (name, rest.strip_prefix('=')?)
        }
    };
    let rest = rest.strip_prefix("str(2):").unwrap_or(rest);
    if let Some((text, _)) = quoted(rest) {
        return Some((name, text));
    }
    let (kind, body) = rest.split_once(':')?;
    let text = match kind {
        "dword" => u32::from_str_radix(body.trim(), 16).ok()?.to_string(),
        _ if kind.starts_with("hex") => wide_text(body)?,
        _ => return None,
    };
    Some((name, text))
}

/// Bytes `5c,00,5c,00,…` as UTF-16, little endian, up to the first NUL; `None` if that is no text.
fn wide_text(body: &str) -> Option<String> {
    let bytes: Vec<u8> = body
        .split(',')
        .map(|b| u8::from_str_radix(b.trim(), 16))
        .collect::<Result<_, _>>()
        .ok()?;
    let units = bytes
        .chunks_exact(2)
        .filter_map(|pair| <[u8; 2]>::try_from(pair).ok())
        .map(u16::from_le_bytes)
        .take_while(|unit| *unit != 0);
    let text = char::decode_utf16(units)
        .collect::<Result<String, _>>()
        .ok()?;
    let readable = !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_graphic() || c == ' ' || c.is_alphabetic());
    readable.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        registry(text)
            .all
            .iter()
            .map(|s| format!("{} {} {}={}", s.line, s.section, s.key, s.value))
            .collect()
    }

    #[test]
    fn both_writers_of_registry_files_are_read() {
        let text = "WINE REGISTRY Version 2\n;; x\n[Network\\\\P] 166\n#time=1\n\"RemotePath\"=\"\\\\\\\\srv1\\\\p\"\n\"Port\"=dword:0000008f\n";
        assert_eq!(
            shown(text),
            ["5 Network/P RemotePath=\\\\srv1\\p", "6 Network/P Port=143"]
        );
        let text = "Windows Registry Editor Version 5.00\n[HKEY_CURRENT_USER\\Network\\Q]\n\"A\"=hex:73,00,\\\n  31,00,00,00\n\"B\"=hex:ff,d8\n\"C\"=-\n[-HKEY_CURRENT_USER\\Network\\R]\n\"D\"=\"x\"\n";
        assert_eq!(shown(text), ["3 HKEY_CURRENT_USER/Network/Q A=s1"]);
    }
}
