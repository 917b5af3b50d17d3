//! The script the collector hands out, run by the shells that machines have, against a real HTTPS server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

#[expect(dead_code, reason = "the machines of the other test")]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use groma_deploy::{InstallScript, install_script};
use support::{agent, skip};
use tempfile::TempDir;

const SERVER: &str = r#"
import functools, http.server, ssl, sys
folder, certificate, key = sys.argv[1:]
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

/// A collector that serves an agent, and what it is known by.
struct Collector {
    folder: TempDir,
    child: Child,
    url: String,
    pin: String,
    sum: String,
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn said(command: &str, folder: &Path) -> Option<String> {
    let output = Command::new("sh")
        .args(["-euc", command])
        .current_dir(folder)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

impl Collector {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::create_dir_all(at.join("served/install")).unwrap();
        let name = format!("served/install/groma-agent-{}", std::env::consts::ARCH);
        fs::write(at.join(&name), agent("1.0", true, true)).unwrap();
        let made = said(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key -out certificate -days 2 -subj /CN=collector",
            at,
        );
        if made.is_none() || said("curl --version; python3 --version", at).is_none() {
            skip("no openssl, curl or python3 to be a collector and a machine");
            return None;
        }
        let pin = said(
            "openssl x509 -in certificate -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | openssl base64",
            at,
        )?;
        let sum = said(&format!("sha256sum < {name} | cut -c 1-64"), at)?;
        let mut child = Command::new("python3")
            .args(["-c", SERVER])
            .args([at.join("served"), at.join("certificate"), at.join("key")])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut port = String::new();
        BufReader::new(child.stdout.take()?)
            .read_line(&mut port)
            .ok()?;
        let url = format!("https://127.0.0.1:{}", port.trim());
        Some(Self {
            folder,
            child,
            url,
            pin,
            sum,
        })
    }

    fn root(&self, name: &str) -> PathBuf {
        let root = self.folder.path().join(name);
        fs::create_dir_all(root.join("usr")).unwrap();
        root
    }

    fn script(&self, root: &Path, pin: &str, sum: &str) -> String {
        let sums: BTreeMap<_, _> = [(std::env::consts::ARCH, sum)].into();
        let given = InstallScript {
            url: &self.url,
            pin: (!pin.is_empty()).then_some(pin),
            sums,
            prefix: root.to_str().unwrap(),
        };
        install_script(&given).unwrap()
    }
}

/// Runs a script as `curl … | sh` does.
fn through(shell: &[&str], script: &str, arguments: &[&str], path: Option<&Path>) -> Output {
    let (program, first) = shell.split_first().unwrap();
    let mut command = Command::new(program);
    command
        .args(first)
        .args(["-s", "--"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let script = script.to_owned();
    let writing = std::thread::spawn(move || drop(pipe.write_all(script.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    output
}

fn complaint(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn files(root: &Path) -> usize {
    let listed = said("find . -type f | wc -l", root).unwrap();
    listed.parse().unwrap()
}

#[test]
fn every_shell_installs_enrolls_and_removes() {
    let Some(collector) = Collector::new() else {
        return;
    };
    let token = collector.folder.path().join("token");
    fs::write(&token, "good-token\n").unwrap();
    let token = token.to_str().unwrap();
    for shell in [
        vec!["dash"],
        vec!["busybox", "sh"],
        vec!["bash"],
        vec!["bash", "--posix"],
    ] {
        if Command::new(shell.first().unwrap())
            .arg("--help")
            .output()
            .is_err()
        {
            skip(&format!("no {shell:?} to read the script"));
            continue;
        }
        let root = collector.root(&shell.join(""));
        let script = collector.script(&root, &collector.pin, &collector.sum);
        let first = through(&shell, &script, &["--token-file", token], None);
        assert!(first.status.success(), "{shell:?} {first:?}");
        assert!(root.join("usr/local/bin/groma-agent").exists());
        let identity = fs::read_to_string(root.join("var/lib/groma-agent/identity.json")).unwrap();
        assert_eq!(identity.trim(), collector.url);
        assert!(
            !fs::read_to_string(root.join("seen"))
                .unwrap()
                .contains("good-token")
        );
        let second = through(&shell, &script, &[], None);
        assert!(
            String::from_utf8_lossy(&second.stdout).contains("there already"),
            "{second:?}"
        );
        fs::remove_file(root.join("seen")).unwrap();
        assert!(
            through(&shell, &script, &["--remove"], None)
                .status
                .success()
        );
        assert_eq!(files(&root), 0, "{shell:?}");
    }
}

#[test]
fn another_key_or_another_program_is_not_believed() {
    let Some(collector) = Collector::new() else {
        return;
    };
    let root = collector.root("m");
    let other_pin = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let wrong = collector.script(&root, other_pin, &collector.sum);
    assert!(
        complaint(&through(&["sh"], &wrong, &[], None)).contains("its key is not the one expected")
    );
    let wrong = collector.script(&root, &collector.pin, &"0".repeat(64));
    assert!(complaint(&through(&["sh"], &wrong, &[], None)).contains("another SHA-256"));
    // Without a pin curl believes authorities, and none knows this collector.
    let wrong = collector.script(&root, "", &collector.sum);
    assert!(complaint(&through(&["sh"], &wrong, &[], None)).contains("no download"));
    assert_eq!(files(&root), 0, "nothing was installed");
}

#[test]
fn a_machine_without_curl_believes_the_sum_and_one_without_a_sum_nothing() {
    let Some(collector) = Collector::new() else {
        return;
    };
    let applets = collector.folder.path().join("applets");
    fs::create_dir(&applets).unwrap();
    let made = Command::new("busybox")
        .args(["--install", "-s"])
        .arg(&applets)
        .status();
    if !made.is_ok_and(|s| s.success()) {
        return skip("no busybox to be a machine without curl");
    }
    // The wget of busybox knows no TLS in every build; the real one does.
    let wget = applets.join("wget");
    let _ = fs::remove_file(&wget);
    if !Path::new("/usr/bin/wget").exists() {
        return skip("no wget");
    }
    std::os::unix::fs::symlink("/usr/bin/wget", &wget).unwrap();
    let root = collector.root("m");
    let script = collector.script(&root, &collector.pin, &"0".repeat(64));
    assert!(complaint(&through(&["sh"], &script, &[], Some(&applets))).contains("another SHA-256"));
    assert_eq!(files(&root), 0);
    let script = collector.script(&root, &collector.pin, &collector.sum);
    let done = through(&["sh"], &script, &[], Some(&applets));
    assert!(done.status.success(), "{done:?}");
    assert!(
        String::from_utf8_lossy(&done.stdout).contains("not enrolled yet: "),
        "{done:?}"
    );

    let other = collector.root("other");
    let machine = if std::env::consts::ARCH == "x86_64" {
        "aarch64"
    } else {
        "x86_64"
    };
    let given = InstallScript {
        url: &collector.url,
        pin: Some(&collector.pin),
        sums: [(machine, collector.sum.as_str())].into(),
        prefix: other.to_str().unwrap(),
    };
    let script = install_script(&given).unwrap();
    assert!(
        complaint(&through(&["sh"], &script, &[], Some(&applets)))
            .contains("no SHA-256 to believe")
    );
    assert_eq!(files(&other), 0);
}

#[test]
fn a_download_of_the_script_that_is_cut_off_does_nothing() {
    let Some(collector) = Collector::new() else {
        return;
    };
    let root = collector.root("m");
    let script = collector.script(&root, &collector.pin, &collector.sum);
    let whole = script.trim_end().len();
    for part in 1..40 {
        let cut = script.get(..whole * part / 40).unwrap_or_default();
        through(&["sh"], cut, &[], None);
    }
    // Up to the very last letter of the name that is called.
    for left in 1.."{ groma_install \"$@\"; }".len() {
        through(&["dash"], script.get(..whole - left).unwrap(), &[], None);
    }
    assert_eq!(files(&root), 0);
}

#[test]
fn shellcheck_finds_nothing_in_it() {
    let script = install_script(&InstallScript {
        url: "https://groma.test",
        pin: None,
        sums: BTreeMap::new(),
        prefix: "",
    })
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("install.sh");
    fs::write(&file, script).unwrap();
    match Command::new("shellcheck")
        .args(["--shell=sh", "--severity=warning"])
        .arg(&file)
        .output()
    {
        Ok(found) => assert!(
            found.status.success(),
            "{}",
            String::from_utf8_lossy(&found.stdout)
        ),
        Err(_) => skip("no shellcheck"),
    }
}
