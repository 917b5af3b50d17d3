//! The whole way over real sshds: installing, upgrading, failing at every step, taking back, removing.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

mod support;

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use groma_deploy::{
    Claim, Event, HostResult, Identity, Outcome, Plan, Programs, Step, Token, Undone, remove, run,
};
use support::{Kind, Lab, agent, between, is_root, program, programs, skip};

const BINARY: &str = "usr/local/bin/groma-agent";
const UNIT: &str = "etc/systemd/system/groma-agent.service";

fn go(plan: &Plan, programs: &Programs) -> Vec<HostResult> {
    let token = |_: &groma_deploy::Host| Ok(Token::new("good-token"));
    run(plan, programs, &token, 8, &AtomicBool::new(false), &|_| ())
}

fn one(plan: &Plan, programs: &Programs) -> HostResult {
    go(plan, programs).remove(0)
}

fn taken_off(plan: &Plan) -> Vec<HostResult> {
    remove(plan, 2, &AtomicBool::new(false), &|_| ())
}

/// Who every agent of a test says it is.
fn claim() -> Claim {
    Claim {
        agent: "agt-0123456789abcdef0123456789abcdef".to_owned(),
        site: "north".to_owned(),
        fingerprint: "feedfacefeedface".to_owned(),
    }
}

/// The step that failed, why, and what became of the rest.
fn failure(result: &HostResult) -> (Step, &str, &Undone) {
    match &result.outcome {
        Outcome::Failed {
            step,
            reason,
            undone,
        } => (*step, reason, undone),
        other => panic!("{other}"),
    }
}

#[test]
fn an_agent_is_installed_left_alone_upgraded_and_removed() {
    let Some(lab) = Lab::new() else { return };
    let (with, without) = (
        lab.machine("with"),
        lab.start(
            "without",
            &Kind {
                systemd: false,
                ..Kind::default()
            },
        ),
    );
    lab.know(without.port, "host");
    let at_first = (with.everything(), without.everything());
    let mut plan = lab.plan(&[with.port, without.port]);

    plan.is_trial = true;
    let trial = go(&plan, &programs(agent("1.0", true, true)));
    assert!(
        trial[0]
            .outcome
            .to_string()
            .starts_with("would install: put the agent for "),
        "{trial:?}"
    );
    assert_eq!(
        (with.everything(), without.everything()),
        at_first,
        "a trial changes nothing"
    );
    plan.is_trial = false;

    let first = go(&plan, &programs(agent("1.0", true, true)));
    assert_eq!(
        (&first[0].outcome, &first[1].outcome),
        (&Outcome::Installed, &Outcome::Installed),
        "{first:?}"
    );
    assert_eq!(first[0].notes, ["well"]);
    assert!(first[1].notes[0].starts_with("no systemd there"));
    assert!(
        with.has("run/active") && with.has("run/enabled") && with.has(UNIT) && !without.has(UNIT)
    );
    assert_eq!(
        with.read("var/lib/groma-agent/identity.json"),
        "https://groma.test:8443\n"
    );
    let installed = with.everything();

    let second = go(&plan, &programs(agent("1.0", true, true)));
    assert!(
        second.iter().all(|r| r.outcome == Outcome::Unchanged),
        "{second:?}"
    );
    assert_eq!(with.everything(), installed);

    // Only what is another one is replaced; who it is stays.
    let third = go(&plan, &programs(agent("2.0", false, true)));
    assert!(
        third.iter().all(|r| r.outcome == Outcome::Upgraded),
        "{third:?}"
    );
    assert!(with.read(BINARY).contains("2.0") && with.has("var/lib/groma-agent/identity.json"));
    assert_eq!(
        with.everything().len(),
        installed.len(),
        "nothing is left beside it"
    );

    for result in first.iter().chain(&second).chain(&third) {
        assert_eq!((result.identity, &result.claim), (Identity::Kept, &None));
    }
    plan.is_trial = true;
    let (upgraded, trial) = (with.everything(), taken_off(&plan));
    let is = |r: &HostResult, outcome| {
        (&r.outcome, r.identity, &r.claim) == (&outcome, Identity::Gone, &Some(claim()))
    };
    assert!(
        trial.iter().all(|r| is(r, Outcome::WouldRemove)),
        "{trial:?}"
    );
    assert_eq!(with.everything(), upgraded, "a trial changes nothing");
    plan.is_trial = false;

    let gone = taken_off(&plan);
    assert!(gone.iter().all(|r| is(r, Outcome::Removed)), "{gone:?}");
    let left: Vec<PathBuf> = with
        .everything()
        .into_keys()
        .filter(|p| p.to_string_lossy().contains("groma-agent"))
        .collect();
    assert!(
        left.is_empty() && !with.has("run/active") && !with.has("run/enabled"),
        "{left:?}"
    );
    let again = taken_off(&plan);
    assert!(
        again
            .iter()
            .all(|r| (&r.outcome, r.identity) == (&Outcome::Unchanged, Identity::Kept)),
        "{again:?}"
    );
}

#[test]
fn an_agent_that_does_not_say_who_it_was_is_removed_and_it_is_known_that_nobody_knows() {
    let Some(lab) = Lab::new() else { return };
    let machine = lab.machine("m");
    let plan = lab.plan(&[machine.port]);
    assert_eq!(
        one(&plan, &programs(agent("1.0", true, true))).outcome,
        Outcome::Installed
    );
    fs::write(machine.root.join("mute"), "").unwrap();
    let gone = taken_off(&plan).remove(0);
    assert_eq!(
        (&gone.outcome, gone.identity, &gone.claim),
        (&Outcome::Removed, Identity::Gone, &None)
    );
}

#[test]
fn a_removal_that_leaves_the_identity_there_does_not_say_it_is_gone() {
    let Some(lab) = Lab::new() else { return };
    let rm = "#!/bin/sh\ncase $* in *var/lib/groma-agent) exit 1 ;; esac\nexec /bin/rm \"$@\"\n";
    let machine = lab.start(
        "stuck",
        &Kind {
            programs: vec![("rm", rm)],
            ..Kind::default()
        },
    );
    lab.know(machine.port, "host");
    let plan = lab.plan(&[machine.port]);
    assert_eq!(
        one(&plan, &programs(agent("1.0", true, true))).outcome,
        Outcome::Installed
    );
    let result = taken_off(&plan).remove(0);
    assert_eq!(failure(&result).0, Step::Remove, "{result:?}");
    assert!(machine.has("var/lib/groma-agent/identity.json"));
    assert_eq!(result.identity, Identity::Kept);

    // And of a host that was lost on the way nobody knows.
    let port = between(machine.port, 1, 0, usize::MAX);
    lab.know(port, "host");
    let result = taken_off(&lab.plan(&[port])).remove(0);
    assert_eq!(failure(&result).0, Step::Remove, "{result:?}");
    assert_eq!(result.identity, Identity::Unknown);
}

#[test]
fn a_machine_with_nothing_but_busybox_will_do() {
    let Some(lab) = Lab::new() else { return };
    let folder = lab.path("applets");
    fs::create_dir(&folder).unwrap();
    let made = std::process::Command::new("busybox")
        .args(["--install", "-s"])
        .arg(&folder)
        .status();
    if !made.is_ok_and(|s| s.success()) {
        return skip("no busybox to be a far side");
    }
    let machine = lab.start(
        "small",
        &Kind {
            systemd: false,
            only: Some(folder),
            ..Kind::default()
        },
    );
    lab.know(machine.port, "host");
    let plan = lab.plan(&[machine.port]);
    let result = one(&plan, &programs(agent("1.0", true, true)));
    assert_eq!(result.outcome, Outcome::Installed, "{result:?}");
    assert_eq!(
        one(&plan, &programs(agent("1.0", true, true))).outcome,
        Outcome::Unchanged
    );
    let failing = one(&plan, &programs(agent("", true, true)));
    assert_eq!(
        failing.outcome,
        Outcome::Upgraded,
        "an agent may say little"
    );
    assert_eq!(
        remove(&plan, 1, &AtomicBool::new(false), &|_| ())[0].outcome,
        Outcome::Removed
    );
}

#[test]
fn an_unknown_host_key_is_never_accepted() {
    let Some(lab) = Lab::new() else { return };
    let (unknown, changed) = (
        lab.start("unknown", &Kind::default()),
        lab.start("changed", &Kind::default()),
    );
    lab.know(changed.port, "other_host");
    let known = fs::read(lab.path("known_hosts")).unwrap();
    let before = unknown.everything();
    let results = go(
        &lab.plan(&[unknown.port, changed.port]),
        &programs(agent("1.0", true, true)),
    );
    let (step, why, undone) = failure(&results[0]);
    assert_eq!((step, undone), (Step::Look, &Undone::Untouched));
    assert!(why.contains("not known here: log in once by hand"), "{why}");
    let (_, why, _) = failure(&results[1]);
    assert!(
        why.contains("another one than before") && why.contains("ssh-keygen -R"),
        "{why}"
    );
    assert_eq!(
        fs::read(lab.path("known_hosts")).unwrap(),
        known,
        "nothing was written down"
    );
    assert_eq!(unknown.everything(), before);
    assert!(
        results[0]
            .outcome
            .to_string()
            .ends_with("nothing was changed")
    );
}

#[test]
fn a_refused_login_and_a_silent_port_are_told_apart() {
    let Some(lab) = Lab::new() else { return };
    let machine = lab.start(
        "closed",
        &Kind {
            keys: "others",
            ..Kind::default()
        },
    );
    lab.know(machine.port, "host");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let results = go(
        &lab.plan(&[machine.port, nobody]),
        &programs(agent("1.0", true, true)),
    );
    assert!(
        failure(&results[0]).1.contains("login was refused"),
        "{}",
        results[0].outcome
    );
    assert!(
        failure(&results[1]).1.contains("Connection refused"),
        "{}",
        results[1].outcome
    );
}

#[test]
fn an_agent_that_does_not_enroll_is_taken_back_and_its_token_shown_to_nobody() {
    let Some(lab) = Lab::new() else { return };
    let machine = lab.machine("m");
    let before = machine.everything();
    let result = one(
        &lab.plan(&[machine.port]),
        &programs(agent("1.0", false, true)),
    );
    let (step, why, undone) = failure(&result);
    assert_eq!(
        (step, undone),
        (Step::Enroll, &Undone::RolledBack),
        "{result:?}"
    );
    assert_eq!(result.identity, Identity::Gone);
    assert!(why.contains("the token *** was refused"), "{why}");
    assert!(!format!("{result:?}").contains("good-token"));
    assert_eq!(
        machine.everything(),
        before,
        "every file and folder is as it was"
    );
    assert!(result.outcome.to_string().ends_with("; rolled back"));
    let seen = machine.read("seen");
    assert!(
        seen.contains("--token-file /dev/stdin") && !seen.contains("good-token"),
        "{seen}"
    );
}

#[test]
fn an_upgrade_that_is_not_well_leaves_the_former_agent_running() {
    let Some(lab) = Lab::new() else { return };
    let machine = lab.machine("m");
    let plan = lab.plan(&[machine.port]);
    assert_eq!(
        one(&plan, &programs(agent("1.0", true, true))).outcome,
        Outcome::Installed
    );
    fs::write(machine.root.join(UNIT), "[Unit]\nDescription=by hand\n").unwrap();
    let before = machine.everything();
    let result = one(&plan, &programs(agent("2.0", true, false)));
    let (step, why, undone) = failure(&result);
    assert_eq!(
        (step, undone),
        (Step::Status, &Undone::RolledBack),
        "{result:?}"
    );
    assert!(why.contains("not well: [31mred"), "{why:?}");
    assert_eq!(result.identity, Identity::Kept);
    assert_eq!(
        machine.everything(),
        before,
        "program, unit, identity and state of the service are as they were"
    );
}

#[test]
fn an_agent_systemd_does_not_start_is_taken_back() {
    let Some(lab) = Lab::new() else { return };
    let machine = lab.machine("m");
    fs::write(machine.root.join("run/no-start"), "").unwrap();
    let before = machine.everything();
    let result = one(
        &lab.plan(&[machine.port]),
        &programs(agent("1.0", true, true)),
    );
    let (step, _, undone) = failure(&result);
    assert_eq!(
        (step, undone),
        (Step::Start, &Undone::RolledBack),
        "{result:?}"
    );
    assert_eq!(machine.everything(), before);
    assert!(
        result.notes.iter().any(|n| n.contains("token is used up")),
        "{result:?}"
    );
    assert_eq!(result.identity, Identity::Gone);
}

#[test]
fn a_program_that_does_not_run_there_is_not_put_in_place() {
    let Some(lab) = Lab::new() else { return };
    let machine = lab.machine("m");
    let before = machine.everything();
    let result = one(
        &lab.plan(&[machine.port]),
        &programs(b"\x7fELF of another machine".to_vec()),
    );
    let (step, why, undone) = failure(&result);
    assert_eq!(
        (step, undone),
        (Step::Upload, &Undone::RolledBack),
        "{result:?}"
    );
    assert!(why.contains("does not run here"), "{why}");
    assert_eq!(result.identity, Identity::Kept);
    assert_eq!(machine.everything(), before);

    // One that runs there is not even disturbed.
    let plan = lab.plan(&[machine.port]);
    assert_eq!(
        one(&plan, &programs(agent("1.0", true, true))).outcome,
        Outcome::Installed
    );
    let (before, log) = (machine.everything(), "run/systemctl.log");
    let restarts = || machine.read(log).matches("restart").count();
    let restarted = restarts();
    let result = one(&plan, &programs(b"\x7fELF again".to_vec()));
    assert_eq!(failure(&result).2, &Undone::RolledBack, "{result:?}");
    assert_eq!((machine.everything(), restarts()), (before, restarted));
}

#[test]
fn a_disk_that_fills_up_on_the_way_is_left_as_it_was() {
    let Some(lab) = Lab::new() else { return };
    if !is_root() {
        return skip("no root to mount a small disk");
    }
    // It says there is room: the check before is not what saves it.
    let df = "#!/bin/sh\necho x; echo small 1 1 99999999 1% /\n";
    let kind = Kind {
        disk: Some("512k"),
        programs: vec![("df", df)],
        ..Kind::default()
    };
    let machine = lab.start("small", &kind);
    lab.know(machine.port, "host");
    let result = one(&lab.plan(&[machine.port]), &programs(large()));
    let (step, why, undone) = failure(&result);
    assert_eq!(
        (step, undone),
        (Step::Upload, &Undone::RolledBack),
        "{result:?}"
    );
    assert!(why.contains("disk full"), "{why}");
    // Asked over ssh, because the small disk is seen by its sshd alone.
    let honest = lab.start(
        "honest",
        &Kind {
            disk: Some("512k"),
            ..Kind::default()
        },
    );
    lab.know(honest.port, "host");
    let result = one(&lab.plan(&[honest.port]), &programs(large()));
    let (step, why, undone) = failure(&result);
    assert_eq!((step, undone), (Step::Look, &Undone::Untouched));
    assert!(why.contains("KiB are free"), "{why}");
}

fn large() -> Vec<u8> {
    let mut bytes = agent("1.0", true, true);
    for line in 0..60_000 {
        bytes.extend_from_slice(format!("# {line:060}\n").as_bytes());
    }
    bytes
}

#[test]
fn a_connection_cut_in_the_middle_is_taken_back_over_a_new_one() {
    let Some(lab) = Lab::new() else { return };
    let machine = lab.machine("m");
    let before = machine.everything();
    let port = between(machine.port, 1, 1 << 20, usize::MAX);
    lab.know(port, "host");
    let result = one(&lab.plan(&[port]), &programs(large()));
    let (step, _, undone) = failure(&result);
    assert_eq!(
        (step, undone),
        (Step::Upload, &Undone::RolledBack),
        "{result:?}"
    );
    assert_eq!(machine.everything(), before);
}

#[test]
fn what_could_not_be_taken_back_is_said() {
    let Some(lab) = Lab::new() else { return };
    let machine = lab.machine("m");
    let port = between(machine.port, usize::MAX, 0, 3);
    lab.know(port, "host");
    let result = one(&lab.plan(&[port]), &programs(agent("1.0", true, true)));
    let (step, _, undone) = failure(&result);
    assert_eq!(step, Step::Enroll, "{result:?}");
    assert_eq!(result.identity, Identity::Unknown);
    assert!(
        matches!(undone, Undone::Left(left) if left[0].contains("could not be asked")),
        "{result:?}"
    );
    assert!(
        result
            .outcome
            .to_string()
            .contains("rollback failed, this is left: ")
    );
    // The next run goes on from there.
    let next = one(
        &lab.plan(&[machine.port]),
        &programs(agent("1.0", true, true)),
    );
    assert_eq!(next.outcome, Outcome::Installed, "{next:?}");
}

#[test]
fn a_step_without_an_end_is_ended() {
    let Some(lab) = Lab::new() else { return };
    let uname = "#!/bin/sh\nwhile :; do echo 'groma:system=Linux'; sleep 1; done\n";
    let machine = lab.start(
        "slow",
        &Kind {
            programs: vec![("uname", uname)],
            ..Kind::default()
        },
    );
    lab.know(machine.port, "host");
    let mut plan = lab.plan(&[machine.port]);
    plan.step_limit = std::time::Duration::from_secs(2);
    let result = one(&plan, &programs(agent("1.0", true, true)));
    assert!(
        failure(&result).1.contains("no end after 2 s"),
        "{result:?}"
    );
}

#[test]
fn a_far_side_that_never_stops_talking_fills_nothing() {
    let Some(lab) = Lab::new() else { return };
    let uname = "#!/bin/sh\nyes \"$(printf '\\033]0;x\\007')\" | head -c 3000000\nyes '\x1b[2J' | head -c 3000000 >&2\nexit 1\n";
    let machine = lab.start(
        "loud",
        &Kind {
            programs: vec![("uname", uname)],
            ..Kind::default()
        },
    );
    lab.know(machine.port, "host");
    let result = one(
        &lab.plan(&[machine.port]),
        &programs(agent("1.0", true, true)),
    );
    let (step, why, _) = failure(&result);
    assert_eq!(step, Step::Look);
    assert!(why.len() < 1000 && !why.contains('\x1b'), "{why:?}");
}

#[test]
fn nothing_of_ours_is_in_the_arguments_of_ssh() {
    let Some(lab) = Lab::new() else { return };
    let machine = lab.machine("m");
    let wrapper = lab.path("ssh-that-tells");
    let told = lab.path("arguments");
    program(
        &wrapper,
        &format!(
            "#!/bin/sh\nprintf '%s\\n' \"$@\" >> {}\nexec ssh \"$@\"\n",
            told.display()
        ),
    );
    let mut plan = lab.plan(&[machine.port]);
    plan.ssh.program = wrapper.into();
    assert_eq!(
        one(&plan, &programs(agent("1.0", true, true))).outcome,
        Outcome::Installed
    );
    let told = fs::read_to_string(told).unwrap();
    assert!(told.contains("StrictHostKeyChecking=yes") && told.contains("BatchMode=yes"));
    assert!(
        !told.contains("good-token") && !told.contains("groma.test"),
        "{told}"
    );
}

#[test]
fn twenty_hosts_are_worked_on_four_at_a_time() {
    let Some(lab) = Lab::new() else { return };
    let machines: Vec<_> = (0..20).map(|n| lab.machine(&format!("m{n}"))).collect();
    let mut ports: Vec<u16> = machines.iter().map(|m| m.port).collect();
    // One in the middle that cannot be reached takes nobody along.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    ports.insert(7, nobody);
    let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let order = Mutex::new(Vec::new());
    let tell = |event: Event<'_>| match event {
        Event::Step(_, Step::Look) => {
            let count = now.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(count, Ordering::SeqCst);
        }
        Event::Step(..) => {}
        Event::Ended(result) => {
            now.fetch_sub(1, Ordering::SeqCst);
            order.lock().unwrap().push(result.host.clone());
        }
    };
    let token = |_: &groma_deploy::Host| Ok(Token::new("good-token"));
    let plan = lab.plan(&ports);
    let results = run(
        &plan,
        &programs(agent("1.0", true, true)),
        &token,
        4,
        &AtomicBool::new(false),
        &tell,
    );
    let installed = results
        .iter()
        .filter(|r| r.outcome == Outcome::Installed)
        .count();
    assert_eq!((installed, results.len()), (20, 21));
    assert_eq!(
        failure(&results[7]).0,
        Step::Look,
        "results stand in the order of the plan"
    );
    assert_eq!(most.load(Ordering::SeqCst), 4);
    assert_eq!(order.lock().unwrap().len(), 21);

    let stopped = run(
        &plan,
        &programs(agent("1.0", true, true)),
        &token,
        4,
        &AtomicBool::new(true),
        &|_| (),
    );
    assert!(stopped.iter().all(|r| r.outcome == Outcome::NotBegun));
}
