//! A Python program, followed as far as literals go: constants, text put together (`+`, `%`, `f"…"`, `.join`,
//! `.format`), settings read from YAML, JSON and INI files, loops over lists. What it calls with known arguments
//! becomes settings; the section is the function, keys are `1`, `2`, … and the names of arguments.

mod calls;
mod expression;
mod text;
mod tokens;

use std::collections::BTreeMap;

use self::tokens::{Line, Placed, Token, logical_lines};
use super::Beside;
use super::values::{Allowance, TEXT_MAX, Value};
use crate::settings::Settings;

const STEPS_MAX: u32 = 50_000;
const DEPTH_MAX: usize = 24;
const ROUNDS_MAX: usize = 64;

/// Calls with known arguments; a command that is started is a setting `command`.
pub(crate) fn python(text: &str, beside: &dyn Beside) -> Settings {
    let lines = logical_lines(text);
    let mut python = Python {
        settings: Settings::default(),
        variables: BTreeMap::new(),
        imports: BTreeMap::new(),
        beside,
        steps: STEPS_MAX,
        allowance: Allowance::default(),
    };
    python.run(&lines, 0);
    python.settings.partial |= python.allowance.has_refused();
    python.settings
}

struct Python<'b> {
    settings: Settings,
    variables: BTreeMap<String, Value>,
    imports: BTreeMap<String, String>,
    beside: &'b dyn Beside,
    steps: u32,
    allowance: Allowance,
}

impl Python<'_> {
    fn run(&mut self, lines: &[Line], depth: usize) {
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            at += 1;
            self.steps = self.steps.saturating_sub(1);
            if self.steps == 0 {
                self.settings.partial = true;
                return;
            }
            if let Some((name, value)) = self.loop_of(line).filter(|_| depth < DEPTH_MAX) {
                let end = lines
                    .iter()
                    .skip(at)
                    .position(|l| l.indent <= line.indent)
                    .map_or(lines.len(), |n| at + n);
                let inner = lines.get(at..end).unwrap_or_default().to_vec();
                at = end;
                self.round(&name, &value, &inner, depth);
                continue;
            }
            self.statement(line);
        }
    }

    /// `for NAME in VALUE:`
    fn loop_of(&mut self, line: &Line) -> Option<(Vec<String>, Value)> {
        if !matches!(line.tokens.first(), Some((_, Token::Name(n))) if n == "for") {
            return None;
        }
        let at = line
            .tokens
            .iter()
            .position(|(_, t)| matches!(t, Token::Name(n) if n == "in"))?;
        let names = line.tokens.get(1..at)?.iter().filter_map(|(_, t)| match t {
            Token::Name(name) => Some(name.clone()),
            _ => None,
        });
        let names = names.collect();
        let value = self.value_of(line.tokens.get(at + 1..)?);
        Some((names, value))
    }

    fn round(&mut self, names: &[String], value: &Value, inner: &[Line], depth: usize) {
        let items = value.items();
        if items.is_empty() {
            for name in names {
                self.variables.remove(name);
            }
            self.run(inner, depth + 1);
        }
        for item in items.into_iter().take(ROUNDS_MAX) {
            match names {
                [name] => {
                    self.variables.insert(name.clone(), item);
                }
                names => {
                    for (at, name) in names.iter().enumerate() {
                        self.variables
                            .insert(name.clone(), item.get(&at.to_string()));
                    }
                }
            }
            self.run(inner, depth + 1);
        }
        for name in names {
            self.variables.remove(name);
        }
    }

    fn statement(&mut self, line: &Line) {
        let tokens = line.tokens.as_slice();
        let first = match tokens.first() {
            Some((_, Token::Name(name))) => name.as_str(),
            _ => "",
        };
        match first {
            "import" | "from" => return self.import(tokens),
            // What a function is given is not known.
            "def" => {
                for (_, token) in tokens.iter().skip(2) {
                    if let Token::Name(name) = token {
                        self.variables.remove(name);
                    }
                }
                return;
            }
            "class" => return,
            _ => {}
        }
        let keyword = matches!(
            first,
            "with"
                | "if"
                | "elif"
                | "while"
                | "return"
                | "yield"
                | "assert"
                | "await"
                | "try"
                | "else"
                | "raise"
                | "async"
        );
        let tokens = tokens.get(usize::from(keyword)..).unwrap_or_default();
        let targets = (!keyword).then(|| assigned(tokens)).flatten();
        let Some((names, right)) = targets else {
            let value = self.value_of(tokens);
            if first == "with"
                && let Some((_, Token::Name(name))) = tokens
                    .iter()
                    .rev()
                    .find(|(_, t)| !matches!(t, Token::Sign(':')))
            {
                self.variables.insert(name.clone(), value);
            }
            return;
        };
        let value = self.value_of(right);
        for (at, name) in names.iter().enumerate() {
            let value = if names.len() == 1 {
                value.clone()
            } else {
                value.get(&at.to_string())
            };
            if self.variables.len() < 4096 {
                self.variables.insert(name.clone(), value);
            }
        }
    }

    /// `import a.b as c`, `from a import b as c, d`.
    fn import(&mut self, tokens: &[Placed]) {
        let mut words: Vec<String> = Vec::new();
        for (_, token) in tokens {
            match token {
                Token::Name(name) => match words.last_mut().filter(|w| w.ends_with('.')) {
                    Some(last) => last.push_str(name),
                    None => words.push(name.clone()),
                },
                Token::Sign('.') => {
                    if let Some(last) = words.last_mut() {
                        last.push('.');
                    }
                }
                Token::Sign(',') => words.push(",".to_owned()),
                _ => {}
            }
        }
        let (module, names) = match words.as_slice() {
            [from, module, import, names @ ..] if from == "from" && import == "import" => {
                (format!("{module}."), names)
            }
            [_, names @ ..] => (String::new(), names),
            [] => return,
        };
        for part in names.split(|w| w == ",").take(200) {
            let (Some(name), last) = (part.first(), part.last()) else {
                continue;
            };
            let alias = last.filter(|_| part.len() == 3).unwrap_or(name);
            self.imports
                .insert(alias.clone(), format!("{module}{name}"));
        }
    }
}

/// `A = …`, `A, B = …`: the names and what they are set to.
fn assigned(tokens: &[Placed]) -> Option<(Vec<String>, &[Placed])> {
    let mut names = Vec::new();
    for (at, (_, token)) in tokens.iter().enumerate() {
        match token {
            Token::Name(name) => names.push(name.clone()),
            Token::Sign(',') => {}
            Token::Sign('=') if !names.is_empty() => {
                let right = tokens.get(at + 1..)?;
                let compares = matches!(right.first(), Some((_, Token::Sign('='))));
                return (!compares).then_some((names, right));
            }
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::Alone;
    use super::*;

    struct Files(&'static [(&'static str, &'static str)]);

    impl Beside for Files {
        fn text(&self, path: &str) -> Option<String> {
            self.0
                .iter()
                .find(|(p, _)| *p == path)
                .map(|(_, t)| (*t).to_owned())
        }
    }

    fn shown(text: &str, files: &'static [(&'static str, &'static str)]) -> Vec<String> {
        python(text, &Files(files))
            .all
            .iter()
            .map(|s| format!("{} {} {}={}", s.line, s.section, s.key, s.value))
            .collect()
    }

    #[test]
    fn what_doubles_at_each_line_ends_and_what_is_joined_once_is_known() {
        for (begin, doubles) in [
            ("x = 'aaaaaaaa'\n", "x = ''.join([x, x])\n"),
            ("x = 'aaaaaaaa'\n", "x = f'{x}' f'{x}'\n"),
            ("x = 'aaaaaaaa'\n", "x = os.path.join(x, x)\n"),
            ("x = 'aaaaaaaa'\n", "x = '%s%s' % (x, x)\n"),
            ("x = ['a']\n", "x = [x, x]\n"),
            ("x = {'a': 'b'}\n", "x = {'a': x, 'b': x}\n"),
        ] {
            let text = format!("{begin}{}connect(x)\n", doubles.repeat(40));
            assert_eq!(shown(&text, &[]), [] as [&str; 0], "{doubles}");
        }
        let nested = format!("x = ['a']\n{}", "x = [x]\n".repeat(20_000));
        assert!(shown(&nested, &[]).is_empty());
        assert_eq!(
            shown("x = 'a'\nx = '.'.join([x, x])\nconnect(x)\n", &[]),
            ["3 connect 1=a.a"]
        );
    }

    #[test]
    fn what_is_put_together_from_literals_is_known() {
        let text = "import smtplib, socket\nfrom ldap3 import Server as S\nRELAY = \".\".join([\"10\", \"0\", \"0\", \"5\"])\nTEST = \"10.9.9.9\"\nwith smtplib.SMTP(RELAY, 25, timeout=10) as r:\n    r.sendmail(a, [b], c)\nD = (\"dir.corp.example\", 389)\nx = socket.create_connection(D, timeout=5)\nS(host=\"%s.%s\" % (\"ldap\", \"corp\"), port=636)\nS(f\"{'a'}.corp\" + \"x\")\nS(\"{}.{z}\".format(\"q\", z=\"corp\"))\nS(unknown + \".corp\")\n";
        assert_eq!(
            shown(text, &[]),
            [
                "5 smtplib.SMTP 1=10.0.0.5",
                "5 smtplib.SMTP 2=25",
                "5 smtplib.SMTP timeout=10",
                "8 socket.create_connection 1=dir.corp.example:389",
                "8 socket.create_connection timeout=5",
                "9 ldap3.Server host=ldap.corp",
                "9 ldap3.Server port=636",
                "10 ldap3.Server 1=a.corpx",
                "11 ldap3.Server 1=q.corp"
            ]
        );
    }

    #[test]
    fn settings_of_a_file_are_those_the_program_reads() {
        let text = "import configparser, imaplib, yaml, subprocess\ns = configparser.ConfigParser()\ns.read('/etc/b.ini')\nbox = s['box']\nimaplib.IMAP4_SSL(box['host'], box.getint('port'))\nplan = yaml.safe_load(open('/etc/h.yaml'))\nfor host in plan['hosts']:\n    place = f\"{host['user']}@{host['name']}.{plan['domain']}\"\n    for path in host['paths']:\n        subprocess.run(['rsync', '-a', f'{place}:{path}', '/srv'])\n";
        let files = &[
            (
                "/etc/b.ini",
                "[DEFAULT]\ndomain = corp.example\n[box]\nhost = imap.%(domain)s\nport = 993\n[old]\nhost = old1\n",
            ),
            (
                "/etc/h.yaml",
                "domain: corp.example\ncommon: &c\n  user: b\nhosts:\n  - <<: *c\n    name: app1\n    paths: [/etc]\n  - <<: *c\n    name: web1\n    paths: [/var]\n",
            ),
        ];
        assert_eq!(
            shown(text, files),
            [
                "5 imaplib.IMAP4_SSL 1=imap.corp.example",
                "5 imaplib.IMAP4_SSL 2=993",
                "10  command='rsync' '-a' 'b@app1.corp.example:/etc' '/srv'",
                "10  command='rsync' '-a' 'b@web1.corp.example:/var' '/srv'"
            ]
        );
    }

    #[test]
    fn hostile_programs_end() {
        let nested = "for a in [1,2,3,4,5,6,7,8,9]:\n".to_owned()
            + &(1..30)
                .map(|n| format!("{}for b{n} in [1,2,3,4,5,6,7,8,9]:\n", " ".repeat(n)))
                .collect::<String>()
            + &" ".repeat(31)
            + "f(a)\n";
        let _ = python(&nested, &Alone);
        for opening in ["(", "[", "{", "f(", "a[", "not ", "-", "f\"{"] {
            let _ = python(&opening.repeat(4_000), &Alone);
        }
        let _ = python(&"a = a + a\n".repeat(200), &Alone);
        groma_fuzz::hammer(
            300,
            &[b"import a.b as c\nfrom d import e\nx = {'k': [1, \"t\"], **y}\nfor i, j in x.items():\n    c.f(f\"{i}{j['k']}\", p=1)\n", b"a = '''x\ny''' % (b,)\n"],
            |bytes| {
                let _ = python(&String::from_utf8_lossy(bytes), &Alone);
            },
        );
    }
}
