use super::*;

fn shown(target: Option<Target>) -> String {
    target.map_or_else(String::new, |t| {
        let port = t.port.or(t.default_port).map_or(0, |p| p.0);
        format!(
            "{} {} {port} {}",
            t.kind.unwrap_or("-"),
            t.peer,
            t.resource.unwrap_or_default()
        )
    })
}

#[test]
fn a_host_has_a_port_or_none() {
    for (text, want) in [
        ("db1.corp.example", "- db1.corp.example 0 "),
        ("DB1:1434", "- db1 1434 "),
        ("[fd00::5]:80", "- fd00::5 80 "),
        ("fd00::5", "- fd00::5 0 "),
        ("fe80::5%12", "- fe80::5 0 "),
    ] {
        assert_eq!(shown(host(text)), want, "{text}");
    }
}

#[test]
fn what_names_nobody_is_silent() {
    for text in [
        "",
        "none",
        "%HOST%",
        "<server>",
        "0.0.0.0",
        "255.255.255.0",
        "224.0.0.1",
        "a:b:c",
        "16.0",
        "x:0",
        "x:99999",
        "(local)",
        ".",
        "[fd00::1",
        "[fd00::1]x",
    ] {
        assert_eq!(host(text), None, "{text}");
    }
}

#[test]
fn a_path_on_another_machine_names_it() {
    for (text, want) in [
        (r"\\FILES1\projects\", "- files1 0 projects"),
        (
            r"\\files1.corp.example\mail$\ann.pst",
            "- files1.corp.example 0 mail$/ann.pst",
        ),
        ("//files1/a b", "- files1 0 a b"),
        (r"\\?\UNC\files1\x", "- files1 0 x"),
        (r"\\web1@SSL\DavWWWRoot\sites\a", "http web1 443 sites/a"),
        (r"\\web1@8080\x", "http web1 8080 x"),
        (r"\\web1\DavWWWRoot", "http web1 80 "),
        (r"\\fd00--5.ipv6-literal.net\x", "- fd00::5 0 x"),
    ] {
        assert_eq!(shown(unc(text)), want, "{text}");
    }
}

#[test]
fn a_path_of_this_machine_names_nobody() {
    for text in [
        r"C:\x",
        r"\\.\pipe\x",
        r"\\?\C:\x",
        r"\x",
        r"\\",
        r"\\tsclient\C",
        r"\\wsl$\Debian",
        r"\\a b\c",
        r"\\vmware-host\Shared Folders",
        r"\\%LOGONSERVER%\netlogon",
    ] {
        assert_eq!(unc(text), None, "{text}");
    }
}

#[test]
fn what_looks_like_a_token_is_never_said() {
    assert_eq!(account(r"CORP\leo"), Some(r"CORP\leo".into()));
    assert_eq!(account("0123456789abcdef0123456789abcdef"), None);
    assert_eq!(account("a:b"), None);
    assert_eq!(resource("sk-abc"), None);
}

proptest::proptest! {
    #[test]
    fn any_text_is_read(text in ".{0,300}") {
        let _ = host(&text);
        let _ = unc(&text);
        let _ = unc(&format!(r"\\{text}@{text}\{text}"));
        let _ = (account(&text), resource(&text));
    }
}
