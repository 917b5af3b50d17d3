//! What a look says about its own limits: gaps, coverage, hostile file systems.

use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use groma_model::{CoverageState, Fact, Reason, Scope};
use groma_source::testing::{FakeDisk, window, world};
use groma_source::{Budget, Recorder, Source, Stop, Window, World};
use groma_source_config::ConfigSource;

fn look_at(world: World, roots: &[&str], budget: &Budget) -> Recorder {
    let window = window(&world);
    let mut source = ConfigSource::with_roots(world, roots.iter().map(PathBuf::from).collect());
    let mut recorder = Recorder::new(source.name());
    source.look(&window, budget, &mut recorder);
    recorder
}

fn peers(recorder: &Recorder) -> Vec<String> {
    recorder
        .facts()
        .filter_map(|f| match f {
            Fact::Reference(r) => Some(r.peer.to_string()),
            _ => None,
        })
        .collect()
}

fn state(recorder: &Recorder, path: &str) -> Option<CoverageState> {
    let scope = Scope::new("file", path);
    recorder
        .coverage()
        .find(|c| c.scope == scope)
        .map(|c| c.state)
}

#[test]
fn an_unreadable_file_is_a_gap_in_a_complete_tree() {
    let disk = FakeDisk::new()
        .file("/srv/a/.env", "DB_HOST=db1.corp\n")
        .refused("/srv/b/.env", Reason::PermissionDenied);
    let recorder = look_at(world(disk), &["/srv", "/opt"], &Budget::default());
    assert_eq!(peers(&recorder), ["db1.corp"]);
    let gaps: Vec<_> = recorder
        .gaps()
        .map(|g| (g.scope.as_str(), g.reason.clone()))
        .collect();
    assert_eq!(gaps, [("file:/srv/b/.env", Reason::PermissionDenied)]);
    assert_eq!(state(&recorder, "/srv"), Some(CoverageState::Complete));
    assert_eq!(
        state(&recorder, "/srv/b/.env"),
        Some(CoverageState::Partial)
    );
    assert_eq!(
        state(&recorder, "/opt"),
        Some(CoverageState::Complete),
        "a root that is not there holds nothing"
    );
}

#[test]
fn a_flood_of_gaps_is_counted_and_the_root_says_partial() {
    let disk = (0..80).fold(FakeDisk::new(), |disk, n| {
        disk.refused(&format!("/srv/{n}/.env"), Reason::PermissionDenied)
    });
    let recorder = look_at(world(disk), &["/srv"], &Budget::default());
    assert_eq!(recorder.gaps().count(), 51);
    assert_eq!(
        recorder.gaps().last().map(|g| g.what.as_str()),
        Some("30 further files or directories")
    );
    assert_eq!(state(&recorder, "/srv"), Some(CoverageState::Partial));
}

#[test]
fn a_budget_used_up_leaves_a_partial_root() {
    let disk = (0..600).fold(FakeDisk::new(), |disk, n| {
        disk.file(&format!("/srv/{n:03}/.env"), "A=http://h.corp/\n")
    });
    let recorder = look_at(
        world(disk),
        &["/srv"],
        &Budget {
            observations_max: 10,
            ..Budget::default()
        },
    );
    assert_eq!(peers(&recorder).len(), 10);
    assert_eq!(state(&recorder, "/srv"), Some(CoverageState::Partial));
}

#[test]
fn a_window_that_is_over_leaves_a_partial_root() {
    let world = world(FakeDisk::new().file("/srv/a/.env", "A=http://h.corp/\n"));
    let stop = Stop::default();
    stop.ask();
    let window = Window::open(
        world.clock.clone(),
        stop,
        Duration::ZERO,
        Duration::from_secs(10),
    );
    let mut recorder = Recorder::new(ConfigSource::new(world.clone()).name());
    ConfigSource::with_roots(world, vec!["/srv".into()]).look(
        &window,
        &Budget::default(),
        &mut recorder,
    );
    assert_eq!(state(&recorder, "/srv"), Some(CoverageState::Partial));
}

#[test]
fn the_same_tree_is_said_in_the_same_order_twice() {
    let build = || {
        (0..700).fold(FakeDisk::new(), |disk, n| {
            disk.file(
                &format!("/srv/{}/x{n}.conf", n % 7),
                format!("url = http://h{n}.corp/\n"),
            )
        })
    };
    let first = look_at(world(build()), &["/srv"], &Budget::default());
    let second = look_at(world(build()), &["/srv"], &Budget::default());
    assert_eq!(peers(&first).len(), 700);
    assert_eq!(first.records, second.records);
}

#[test]
fn windows_text_and_old_encodings_are_read() {
    let utf16: Vec<u8> = std::iter::once(0xfeff_u16)
        .chain("DB_HOST=db1.corp\r\n".encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let disk = FakeDisk::new()
        .file("/srv/a.env", utf16)
        .file("/srv/b.env", b"# caf\xe9\nLDAP_HOST=dc1.corp\n".to_vec())
        .file("/srv/c.env", b"DB_HOST=\0ghost\n".to_vec());
    assert_eq!(
        peers(&look_at(world(disk), &["/srv"], &Budget::default())),
        ["db1.corp", "dc1.corp"]
    );
}

#[test]
fn traps_in_a_real_file_system_become_gaps() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name);
    std::fs::write(at("a.env"), "DB_HOST=db1.corp\n").unwrap();
    std::fs::File::create(at("huge.conf"))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    std::os::unix::fs::symlink(at("loop.conf"), at("loop.conf")).unwrap();
    std::os::unix::fs::symlink("nowhere", at("dangling.conf")).unwrap();
    std::os::unix::fs::symlink(scratch.path(), at("self")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    let odd = scratch
        .path()
        .join(std::ffi::OsString::from_vec(b"f\xffo.env".to_vec()));
    std::fs::write(&odd, "LDAP_HOST=dc1.corp\n").unwrap();
    std::fs::create_dir(at("deep")).unwrap();
    std::fs::write(
        at("deep/long.conf"),
        format!("x={}http://e.corp/\n", "y".repeat(3 << 20)),
    )
    .unwrap();

    let world = groma_sys::this_machine(true);
    let window = Window::open(
        world.clock.clone(),
        Stop::default(),
        Duration::ZERO,
        Duration::from_secs(60),
    );
    let mut source = ConfigSource::with_roots(world, vec![scratch.path().to_owned()]);
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);

    let reason = |name: &str| {
        recorder
            .gaps()
            .find(|g| Path::new(g.scope.as_str()).file_name() == Path::new(name).file_name())
            .map(|g| g.reason.clone())
    };
    assert_eq!(reason("huge.conf"), Some(Reason::TooLarge));
    assert_eq!(reason("loop.conf"), Some(Reason::BrokenLink));
    assert_eq!(reason("dangling.conf"), Some(Reason::BrokenLink));
    assert_eq!(reason("socket"), Some(Reason::NotARegularFile));
    let mut found = peers(&recorder);
    found.sort();
    assert_eq!(found, ["db1.corp", "dc1.corp"]);
    let names = recorder.facts().filter_map(|f| {
        if let Fact::Reference(r) = f {
            Some(r.file.as_bytes().to_vec())
        } else {
            None
        }
    });
    assert!(
        names.into_iter().any(|n| n.ends_with(b"f\xffo.env")),
        "a name that is no UTF-8 survives"
    );
}

#[test]
fn a_plugin_of_a_package_that_somebody_linked_to_is_a_program_and_a_script_of_the_house_is_not() {
    let script = "#!/bin/sh\n# nothing\nURL=http://stats.corp.example/\ncurl $URL\n";
    let disk = FakeDisk::new()
        .file("/usr/share/munin/plugins/stats", script)
        .file("/usr/local/lib/stats", script)
        .link("/etc/munin/plugins/stats", "/usr/share/munin/plugins/stats");
    let brought = look_at(world(disk), &["/etc"], &Budget::default());
    assert_eq!(peers(&brought), [""; 0]);
    let disk = FakeDisk::new()
        .file("/usr/local/lib/stats", script)
        .link("/etc/munin/plugins/stats", "/usr/local/lib/stats");
    let own = look_at(world(disk), &["/etc"], &Budget::default());
    assert!(peers(&own).iter().any(|peer| peer == "stats.corp.example"));
}

/// What ripgrep finds in files that are not what their names say must not be passed over.
#[test]
fn a_file_in_another_form_than_its_name_says_is_read_as_it_is() {
    let lines = "# of another form\nretries_1 = cache 4\nurl = https://app1.corp.example/x\n  server 10.1.2.3:5432;\n";
    let found = ["app1.corp.example", "10.1.2.3"];
    for name in ["a.xml", "a.config", "a.yml", "a.json", "a.toml", "a.conf"] {
        let disk = FakeDisk::new().file(&format!("/srv/app/{name}"), lines);
        let recorder = look_at(world(disk), &["/srv"], &Budget::default());
        assert_eq!(peers(&recorder), found, "{name}");
    }
    // One long text to YAML, which makes nothing of it.
    let disk = FakeDisk::new().file("/srv/app/b.yml", "server 10.1.2.3:5432;\n");
    let recorder = look_at(world(disk), &["/srv"], &Budget::default());
    assert_eq!(peers(&recorder), ["10.1.2.3"]);
}

#[test]
fn markup_stays_with_its_reader() {
    let disk = FakeDisk::new()
        .file(
            "/srv/app/a.xml",
            "\n<!-- http://old.corp/ -->\n<a><b>see http://x.corp/ there</b></a>\n",
        )
        .file("/srv/app/empty.xml", "\n")
        .file("/srv/app/word.yml", "none\n");
    let recorder = look_at(world(disk), &["/srv"], &Budget::default());
    assert_eq!(peers(&recorder), Vec::<String>::new());
    assert_eq!(recorder.gaps().count(), 0);
}
