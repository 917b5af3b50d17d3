//! What a program never comes to: what stands behind an `exit` or within `if false`, and Perl's own documentation.
//!
//! It becomes white, so that every other line keeps its number. Where nesting is in doubt nothing is taken out.

use std::borrow::Cow;

/// What tells the languages apart whose dead parts are known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Language {
    Shell,
    Python,
    Perl,
    Braces,
}

/// `text` of the file at `path` without what never runs.
pub(crate) fn without_dead<'t>(path: &str, text: &'t str) -> Cow<'t, str> {
    let Some(language) = language(path, text) else {
        return Cow::Borrowed(text);
    };
    let signs: &[&str] = match language {
        Language::Shell => &["\nexit", "if false"],
        Language::Python => &["if False", "if 0:"],
        Language::Perl => &["\n=", "if (0)", "if(0)"],
        Language::Braces => &["if (false)", "if (0)", "if(false)", "if(0)"],
    };
    if !signs.iter().any(|sign| text.contains(sign)) {
        return Cow::Borrowed(text);
    }
    let mut reader = Reader::new(language);
    let kept = text.split_inclusive('\n').map(|line| {
        if reader.is_dead(line.trim_end_matches(['\n', '\r'])) {
            line.get(line.trim_end_matches(['\n', '\r']).len()..)
        } else {
            Some(line)
        }
    });
    Cow::Owned(kept.flatten().collect())
}

fn language(path: &str, text: &str) -> Option<Language> {
    let first = text.lines().next().filter(|line| line.starts_with("#!"));
    let names = |word: &str| first.is_some_and(|line| line.contains(word));
    let ends = |endings: &[&str]| endings.iter().any(|ending| path.ends_with(ending));
    if ends(&[".py"]) || names("python") {
        Some(Language::Python)
    } else if ends(&[".pl", ".pm"]) || names("perl") {
        Some(Language::Perl)
    } else if ends(&[".php", ".js", ".mjs", ".cjs"]) || names("php") || names("node") {
        Some(Language::Braces)
    } else if ends(&[".sh", ".bash", ".ksh"]) || names("sh") {
        Some(Language::Shell)
    } else {
        None
    }
}

/// One pass over the lines.
struct Reader {
    language: Language,
    /// How many compound commands of a shell are open.
    depth: usize,
    /// The word that ends a here-document.
    here: Option<String>,
    /// True behind the end of the program.
    over: bool,
    /// The indentation of the condition that is never true.
    never: Option<usize>,
    /// True within Perl's documentation.
    pod: bool,
}

impl Reader {
    fn new(language: Language) -> Self {
        Self {
            language,
            depth: 0,
            here: None,
            over: false,
            never: None,
            pod: false,
        }
    }

    fn is_dead(&mut self, line: &str) -> bool {
        if self.over {
            return true;
        }
        let indent = line.len() - line.trim_start().len();
        let bare = line.trim();
        if let Some(around) = self.never {
            let goes_on = bare.is_empty() || indent > around;
            if goes_on {
                return true;
            }
            self.never = None;
            // What closes the condition stands at its own depth.
            if matches!(bare, "fi" | "}") && self.language != Language::Python {
                return true;
            }
        }
        match self.language {
            Language::Shell => self.shell(line, bare, indent),
            Language::Python => self.never_if(indent, bare == "if False:" || bare == "if 0:"),
            Language::Perl => self.perl(line, bare, indent),
            Language::Braces => self.braces(bare, indent),
        }
    }

    fn never_if(&mut self, indent: usize, never: bool) -> bool {
        if never {
            self.never = Some(indent);
        }
        never
    }

    fn shell(&mut self, line: &str, bare: &str, indent: usize) -> bool {
        if let Some(word) = &self.here {
            if bare == word {
                self.here = None;
            }
            return false;
        }
        if bare.starts_with('#') {
            return false;
        }
        if matches!(
            bare,
            "if false; then" | "if false ; then" | "if false;then" | "if false"
        ) {
            return self.never_if(indent, true);
        }
        let rest = line.strip_prefix("exit").map(str::trim);
        let ends = rest.is_some_and(|rest| {
            rest.is_empty()
                || rest
                    .bytes()
                    .all(|b| b.is_ascii_digit() || matches!(b, b'$' | b'?' | b';'))
        });
        if ends && self.depth == 0 {
            self.over = true;
            return false;
        }
        self.here = here_document(bare);
        let plain = unquoted(bare);
        let words = plain.split(|c: char| c.is_whitespace() || c == ';');
        for word in words {
            match word {
                "if" | "for" | "while" | "until" | "case" | "select" | "{" => self.depth += 1,
                "fi" | "done" | "esac" | "}" => self.depth = self.depth.saturating_sub(1),
                _ if word.ends_with("){") || word == "(" => self.depth += 1,
                ")" => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        false
    }

    fn perl(&mut self, line: &str, bare: &str, indent: usize) -> bool {
        let begins = line
            .strip_prefix('=')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
        if self.pod || begins {
            self.pod = !line.starts_with("=cut");
            return true;
        }
        self.braces(bare, indent)
    }

    fn braces(&mut self, bare: &str, indent: usize) -> bool {
        let plain: String = bare
            .chars()
            .filter(|c| !c.is_whitespace())
            .take(12)
            .collect();
        let never = plain.starts_with("if(false){") || plain.starts_with("if(0){");
        if never && bare.contains('}') {
            // All of it stands in this line, or nobody knows where it ends.
            return bare.ends_with('}') && bare.matches('{').count() == bare.matches('}').count();
        }
        self.never_if(indent, never)
    }
}

/// A line without what stands in quotes: `echo "wait for it"` opens no loop.
fn unquoted(line: &str) -> String {
    let mut open: Option<char> = None;
    line.chars()
        .filter(|c| match open {
            Some(sign) => {
                open = (*c != sign).then_some(sign);
                false
            }
            None => {
                open = matches!(c, '"' | '\'').then_some(*c);
                open.is_none()
            }
        })
        .collect()
}

/// The word that ends the here-document this line opens.
fn here_document(line: &str) -> Option<String> {
    let rest = line.split_once("<<").map(|(_, rest)| rest)?;
    if rest.starts_with('<') {
        return None;
    }
    let rest = rest.trim_start_matches('-').trim_start();
    let word: String = rest
        .trim_start_matches(['\'', '"', '\\'])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect();
    let begins = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins.then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(path: &str, text: &str) -> Vec<String> {
        let kept = without_dead(path, text);
        assert_eq!(kept.lines().count(), text.lines().count());
        let lines = kept.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| line.trim().to_owned()).collect()
    }

    #[test]
    fn what_stands_behind_the_end_of_a_script_never_runs() {
        let text = "#!/bin/sh\nf() {\n  exit 1\n}\nif x; then\n  a\nexit 2\nfi\ncat <<E\nexit 0\nE\necho \"wait for it\"\nb\nexit 0\nc\n";
        let found = left("/x", text);
        assert!(
            found.contains(&"b".to_owned()) && !found.contains(&"c".to_owned()),
            "{found:?}"
        );
        assert!(left("/x.sh", "#!/bin/sh\nexit_code=3\nexit_all\na\n").contains(&"a".to_owned()));
    }

    #[test]
    fn what_is_never_true_goes_and_its_other_branch_stays() {
        let shell = "#!/bin/sh\nif false; then\n  a\nelse\n  b\nfi\nc\n";
        assert_eq!(left("/x", shell), ["#!/bin/sh", "else", "b", "fi", "c"]);
        assert_eq!(
            left(
                "/x.py",
                "if False:\n    a\n\n    b\nif 0:\n  a\nc\nif 0:\n  d\nelse:\n  e\n"
            ),
            ["c", "else:", "e"]
        );
        assert_eq!(
            left(
                "/x.php",
                "if (false) { a(); }\nb();\nif (0) {\n c();\n}\nd();\n"
            ),
            ["b();", "d();"]
        );
        assert_eq!(
            left("/x.pl", "a;\n=pod\n\nb;\n\n=cut\nc;\n$x\n=4;\n"),
            ["a;", "c;", "$x", "=4;"]
        );
    }

    #[test]
    fn what_is_no_program_stays() {
        assert_eq!(left("/etc/x.conf", "a\nexit\nb\n"), ["a", "exit", "b"]);
    }

    #[test]
    fn no_text_breaks_it() {
        let sown: &[&[u8]] = &[
            b"#!/bin/sh\nif false; then\nx <<'E'\nexit 0\nE\nexit\n",
            b"=pod\nif (0) {\n}\nif False:\n",
        ];
        groma_fuzz::hammer(500, sown, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            for path in ["/a", "/a.py", "/a.pl", "/a.php", "/a.sh"] {
                let kept = without_dead(path, &text);
                assert_eq!(kept.matches('\n').count(), text.matches('\n').count());
            }
        });
    }
}
