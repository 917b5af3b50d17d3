//! A command line → the script an interpreter runs, pure.
//!
//! A command line may hold a password anywhere, so exactly one word of it is ever looked at, and it leaves this function
//! only if it looks like the path of a script. Everything else stays inside.

/// Longest command line that is read, in bytes; the system allows 32,767 letters.
const COMMAND_MAX: usize = 128 << 10;

/// How an interpreter takes its words; options in lower case.
struct Grammar {
    /// Options that are followed by a word of their own.
    with_value: &'static [&'static str],
    /// Options after which no script comes: code on the command line, a module, a subcommand.
    without_script: &'static [&'static str],
    /// Options whose next word is the script.
    names_script: &'static [&'static str],
    /// Words before the script that are neither.
    passed_over: &'static [&'static str],
    /// True if only `names_script` names one (Java: the first word else is a class).
    only_named: bool,
    /// Endings a script has, without the dot.
    endings: &'static [&'static str],
}

const PYTHON: Grammar = Grammar {
    with_value: &["-w", "-x", "--check-hash-based-pycs"],
    without_script: &["-c", "-m"],
    names_script: &[],
    passed_over: &[],
    only_named: false,
    endings: &["py", "pyw", "pyc", "pyz"],
};
const PERL: Grammar = Grammar {
    with_value: &["-i", "-m"],
    without_script: &["-e"],
    names_script: &[],
    passed_over: &[],
    only_named: false,
    endings: &["pl", "cgi", "psgi"],
};
const RUBY: Grammar = Grammar {
    with_value: &["-i", "-r", "-c"],
    without_script: &["-e"],
    names_script: &[],
    passed_over: &[],
    only_named: false,
    endings: &["rb", "ru"],
};
const NODE: Grammar = Grammar {
    with_value: &["-r", "--require", "--import", "--loader", "--conditions"],
    without_script: &["-e", "--eval", "-p", "--print"],
    names_script: &[],
    passed_over: &[],
    only_named: false,
    endings: &["js", "mjs", "cjs", "ts"],
};
const PHP: Grammar = Grammar {
    with_value: &["-c", "-d", "-z", "-s", "-t", "-b"],
    without_script: &["-r", "-a"],
    names_script: &["-f"],
    passed_over: &[],
    only_named: false,
    endings: &["php", "phar"],
};
const JAVA: Grammar = Grammar {
    with_value: &[
        "-cp",
        "-classpath",
        "--class-path",
        "-p",
        "--module-path",
        "--add-opens",
    ],
    without_script: &["-m", "--module"],
    names_script: &["-jar"],
    passed_over: &[],
    only_named: true,
    endings: &["jar", "war"],
};
const DOTNET: Grammar = Grammar {
    with_value: &[
        "--depsfile",
        "--runtimeconfig",
        "--additionalprobingpath",
        "--additional-deps",
        "--fx-version",
        "--roll-forward",
    ],
    without_script: &["run", "watch", "tool", "test", "build"],
    names_script: &[],
    passed_over: &["exec"],
    only_named: false,
    endings: &["dll"],
};
const WINDOWS_SCRIPT: Grammar = Grammar {
    with_value: &[],
    without_script: &[],
    names_script: &[],
    passed_over: &[],
    only_named: false,
    endings: &["vbs", "vbe", "js", "jse", "wsf"],
};
const POWERSHELL: Grammar = Grammar {
    with_value: &[
        "-executionpolicy",
        "-ex",
        "-ep",
        "-exec",
        "-windowstyle",
        "-w",
        "-version",
        "-v",
        "-psconsolefile",
        "-inputformat",
        "-outputformat",
        "-configurationname",
        "-workingdirectory",
        "-wd",
        "-custompipename",
        "-settingsfile",
    ],
    without_script: &["-encodedcommand", "-e", "-ec", "-enc"],
    names_script: &["-file", "-f", "-fi", "-fil", "-command", "-c"],
    passed_over: &[],
    only_named: false,
    endings: &["ps1"],
};

/// The grammar of an interpreter by the name of its file, version and all: `python3.11.exe`.
fn grammar(executable: &str) -> Option<&'static Grammar> {
    let name = crate::base_name(executable).to_ascii_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    Some(match stem {
        "python" | "pythonw" | "py" | "pyw" | "pypy" => &PYTHON,
        "perl" | "wperl" => &PERL,
        "ruby" | "rubyw" | "jruby" => &RUBY,
        "node" | "bun" => &NODE,
        "php" | "php-cgi" | "php-win" => &PHP,
        "java" | "javaw" => &JAVA,
        "dotnet" => &DOTNET,
        "cscript" | "wscript" => &WINDOWS_SCRIPT,
        "powershell" | "pwsh" => &POWERSHELL,
        _ => return None,
    })
}

/// The script: a path as written, of a file that looks like one of the interpreter's. A relative one stays relative: the
/// tables do not tell where the process works.
pub(super) fn script(executable: &str, command: &str) -> Option<String> {
    let grammar = grammar(executable)?;
    let command = command.get(..COMMAND_MAX.min(command.len()))?;
    let mut words = words(command).into_iter().skip(1);
    let word = script_word(grammar, &mut words)?;
    let path = word.strip_prefix(r".\").unwrap_or(&word);
    is_script(grammar, path).then(|| path.to_owned())
}

fn script_word(grammar: &Grammar, words: &mut impl Iterator<Item = String>) -> Option<String> {
    while let Some(word) = words.next() {
        let lower = word.to_ascii_lowercase();
        let is = |list: &[&str]| list.contains(&lower.as_str());
        if is(grammar.names_script) {
            return words.next().and_then(|next| called(next, words));
        }
        if is(grammar.without_script) {
            return None;
        }
        if is(grammar.with_value) {
            words.next();
        } else if !is(grammar.passed_over)
            && !lower.starts_with('-')
            && !lower.starts_with("//")
            && !lower.is_empty()
        {
            return (!grammar.only_named)
                .then_some(())
                .and_then(|()| called(word, words));
        }
    }
    None
}

/// `& 'C:\a b.ps1'`: the call operator of PowerShell before a path. Quotes of PowerShell do not join words for the system,
/// so a path with blanks within them comes in pieces.
fn called(first: String, words: &mut impl Iterator<Item = String>) -> Option<String> {
    let text = match first.as_str() {
        "&" | "." => words.next()?,
        _ => first
            .strip_prefix('&')
            .map_or(first.as_str(), str::trim_start)
            .to_owned(),
    };
    let Some(quoted) = text.strip_prefix('\'') else {
        return Some(text);
    };
    let mut whole = quoted.to_owned();
    while !whole.contains('\'') {
        whole.push(' ');
        whole.push_str(&words.next()?);
    }
    whole.split('\'').next().map(str::to_owned)
}

fn is_script(grammar: &Grammar, path: &str) -> bool {
    let name = crate::base_name(path);
    let known = name.rsplit_once('.').is_some_and(|(stem, ending)| {
        let is_one = |known: &&str| ending.eq_ignore_ascii_case(known);
        !stem.is_empty() && grammar.endings.iter().any(is_one)
    });
    // Letters no file name of Windows has: what holds one is code, not a path.
    let foreign =
        |c: char| c.is_control() || matches!(c, '"' | '<' | '>' | '|' | '?' | '*' | ';' | '=');
    known && path.len() <= 1024 && !path.contains(foreign)
}

/// Splits as programs in C do (Microsoft Learn, "Parsing C command-line arguments"): backslashes count only before a quote,
/// a pair of quotes within quotes is one. The first word, the program, knows no escapes.
fn words(command: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut letters = command.trim_start().chars().peekable();
    let mut program = String::new();
    let mut quoted = false;
    for letter in letters.by_ref() {
        match letter {
            '"' => quoted = !quoted,
            ' ' | '\t' if !quoted => break,
            other => program.push(other),
        }
    }
    found.push(program);
    let (mut word, mut began, mut quoted) = (String::new(), false, false);
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' if !quoted => {
                if began {
                    found.push(std::mem::take(&mut word));
                }
                began = false;
                continue;
            }
            '\\' => {
                let mut count = 1_usize;
                while letters.next_if_eq(&'\\').is_some() {
                    count += 1;
                }
                let before_quote = letters.peek() == Some(&'"');
                let kept = if before_quote { count / 2 } else { count };
                word.extend(std::iter::repeat_n('\\', kept));
                if before_quote && count % 2 == 1 {
                    letters.next();
                    word.push('"');
                }
            }
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                word.push('"');
            }
            '"' => quoted = !quoted,
            other => word.push(other),
        }
        began = true;
    }
    if began {
        found.push(word);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_programs_do() {
        let of = |text: &str| words(text).join("|");
        assert_eq!(of(r#""C:\a b\x.exe" -k "c d" e"#), r"C:\a b\x.exe|-k|c d|e");
        assert_eq!(of(r#"x a\\b "c:\d\\" e"#), r"x|a\\b|c:\d\|e");
        assert_eq!(of(r#"x "a\"b" c\"d"#), r#"x|a"b|c"d"#);
        assert_eq!(of(r#"x "" "a""b""#), "x||a\"b");
        assert_eq!(of("x\t a  "), "x|a");
    }

    #[test]
    fn the_script_is_the_one_word_that_leaves_the_command_line() {
        for (program, command, expected) in [
            (
                r"C:\Python311\python.exe",
                r#"python -u "C:\app v2\run.py" --password hunter2"#,
                r"C:\app v2\run.py",
            ),
            (
                r"C:\jdk\bin\java.exe",
                r"java -Dpw=secret -cp a;b -jar C:\app\app.jar secret",
                r"C:\app\app.jar",
            ),
            (
                r"C:\jdk\bin\java.exe",
                r"java -Xmx1g -jar app.jar",
                "app.jar",
            ),
            (
                r"C:\Program Files\dotnet\dotnet.exe",
                r#""C:\Program Files\dotnet\dotnet.exe" C:\app\My.App.dll --urls http://*:80"#,
                r"C:\app\My.App.dll",
            ),
            (
                r"C:\Program Files\dotnet\dotnet.exe",
                r"dotnet exec --depsfile a.json x.dll",
                "x.dll",
            ),
            (
                r"C:\nodejs\node.exe",
                r"node --max-old-space-size=4096 .\server.js",
                "server.js",
            ),
            (
                r"C:\W\powershell.exe",
                r#"powershell.exe -NoProfile -ExecutionPolicy Bypass -File "D:\jobs\send mail.ps1" -Password x"#,
                r"D:\jobs\send mail.ps1",
            ),
            (
                r"C:\W\powershell.exe",
                r"powershell -NonInteractive -Command & 'D:\my jobs\a.ps1' -Key x",
                r"D:\my jobs\a.ps1",
            ),
            (r"C:\W\pwsh.exe", r"pwsh D:\jobs\a.ps1", r"D:\jobs\a.ps1"),
            (
                r"C:\W\cscript.exe",
                r"cscript //nologo //B D:\x.vbs secret",
                r"D:\x.vbs",
            ),
            (
                r"C:\php\php-cgi.exe",
                r"php-cgi.exe -b 127.0.0.1:9000 -c C:\php\php.ini",
                "",
            ),
        ] {
            assert_eq!(
                script(program, command).unwrap_or_default(),
                expected,
                "{command}"
            );
        }
    }

    #[test]
    fn code_classes_and_words_that_are_no_script_stay_inside() {
        for (program, command) in [
            ("python.exe", "python -c print('a.py')"),
            ("python.exe", "python -m http.server"),
            ("python.exe", "python hunter2 a.py"),
            ("java.exe", "java -cp a.jar org.example.Main b.jar"),
            ("powershell.exe", "powershell -Command Send-Secret hunter2"),
            ("powershell.exe", "powershell -Command $p='x';C:\\a.ps1"),
            ("powershell.exe", "powershell -enc AAAA D:\\a.ps1"),
            ("dotnet.exe", "dotnet run x.dll"),
            ("svchost.exe", "svchost.exe -k netsvcs a.py"),
            ("python.exe", ""),
            ("python.exe", "python .py"),
        ] {
            assert_eq!(script(program, command), None, "{command}");
        }
    }

    #[test]
    fn no_command_line_makes_it_panic() {
        let corpus: [&[u8]; 2] = [
            br#""C:\a b\python.exe" -u "C:\x\\" \"a.py"#,
            br"powershell -c & 'D:\a b.ps1' x",
        ];
        groma_fuzz::hammer(4000, &corpus, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            for program in ["python.exe", "powershell.exe", "java.exe"] {
                script(program, &text);
            }
        });
    }
}
