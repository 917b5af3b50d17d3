"""Up, down, status, enter."""
import json
import shutil
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import authority
import estate
import host
import image
import network
import state
import units
from trouble import Trouble

TOOLS = ("ip", "nsenter", "unshare", "mount", "openssl")
STARTS_AT_ONCE = 6
FREE_MB_NEEDED = 1500


def up(hosts, whole, keep):
    with state.alone(otherwise=somebody_is_at_work):
        if already_up(hosts):
            return 0
        prepare(hosts)
        signal.signal(signal.SIGTERM, interrupted)
        try:
            bring_up(hosts, whole)
        except BaseException as problem:
            leave(problem, keep)
            raise
    return 0


def interrupted(_number, _frame):
    raise KeyboardInterrupt


def leave(problem, keep):
    host.stop_launching()
    if keep and isinstance(problem, Trouble):
        state.save({**state.load(), "state": "failed"})
        print("left standing: lab enter HOST looks at it, lab down takes it down", file=sys.stderr)
        return
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sweep()


def somebody_is_at_work():
    raise Trouble(f"another lab command is at work on {state.NAME!r} (process {state.holder().get('pid', 'unknown')}); "
                  "wait for it, or end it with lab down")


def already_up(hosts):
    lab, running = state.load(), state.load_hosts()
    if lab.get("state") != "ready" or not all(state.alive(facts) for facts in running.values()):
        return False
    if set(running) == set(hosts):
        print(f"already up: {len(running)} hosts")
        return True
    raise Trouble(f"other hosts are up ({', '.join(running)}): lab down first, or choose another GROMA_LAB_NAME")


def prepare(hosts):
    """Everything that can be found wrong before anything is started."""
    absent = [tool for tool in TOOLS if not shutil.which(tool)]
    if absent:
        raise Trouble(f"these programs are missing: {', '.join(absent)} (Debian: iproute2, util-linux, openssl)")
    image.check_cache()
    ring = estate.circle(hosts)
    if ring:
        raise Trouble(f"these hosts wait for each other: {' after '.join(ring)}")
    if image.missing(one.role for one in hosts.values()):
        image.build((one.role for one in hosts.values()), say=print)
    sweep()
    free = shutil.disk_usage(image.CACHE).free // 2**20
    if free < FREE_MB_NEEDED:
        raise Trouble(f"the disk of {image.CACHE} has {free} MB left, a lab needs {FREE_MB_NEEDED}; GROMA_LAB_CACHE chooses another place")


def bring_up(hosts, whole):
    began = time.monotonic()
    state.begin(sorted(hosts))
    authority.make(state.SHARED)
    network.make(hosts)
    running = start_all(hosts)
    for script in ("once", "age"):
        run_phase(running, script, whole)
    for one in running:
        units.assign(one.name, one.init)
        if one.host.has("traffic"):
            one.traffic()
    seconds = time.monotonic() - began
    state.save({**state.load(), "state": "ready", "seconds": round(seconds, 1)})
    print(f"ready: {len(running)} hosts in {seconds:.0f} s")


def start_all(hosts):
    """Every host in a thread of its own; it waits for those it names in `after`, and for a free place."""
    places, over = threading.Semaphore(STARTS_AT_ONCE), host.OVER
    running = {name: host.Running(hosts[name]) for name in estate.most_awaited_first(hosts)}
    ready = {name: threading.Event() for name in hosts}

    def start(one):
        for earlier in one.host.after:
            while earlier in ready and not ready[earlier].wait(0.05):
                if over.is_set():
                    return
        with places:
            if over.is_set():
                return
            try:
                one.start()
            except host.Abandoned:
                return
            except BaseException:
                over.set()
                raise
        ready[one.name].set()
        print(f"  {one.name:10} {one.host.role:12} {one.host.address:15} {one.seconds:5.1f} s", flush=True)

    each(running.values(), start)
    return list(running.values())


def each(things, work):
    """Does it for all at once; the troubles of all become one."""
    with ThreadPoolExecutor(max_workers=max(1, len(things))) as workers:
        jobs = [workers.submit(work, one) for one in things]
    problems = [job.exception() for job in jobs if job.exception()]
    for problem in problems:
        if not isinstance(problem, Trouble):
            raise problem
    if problems:
        raise Trouble("\n".join(str(problem) for problem in problems))


def run_phase(running, script, whole):
    """Where hosts are left out, a phase may miss its partners: then it is said, and nothing more."""
    concerned = [one for one in running if one.host.has(script)]
    places = threading.Semaphore(STARTS_AT_ONCE)
    began = time.monotonic()
    said = []

    def run(one):
        with places:
            problem = one.phase(script)
        if problem and whole:
            raise one.trouble(problem)
        if problem:
            said.append(f"  {one.name}: {problem} (not everything is up; see {state.LOGS}/{one.name}.log)")

    if concerned:
        each(concerned, run)
        print("\n".join(said + [f"  {script} on {len(concerned)} hosts{time.monotonic() - began:22.1f} s"]), flush=True)


def down():
    """Takes down whatever is there: a whole lab, half of one, one whose `up` was killed, or nothing."""
    waited = []

    def end_the_other():
        waited.append(0.1)
        other = state.holder()
        if len(waited) in (1, 300):
            state.end(other, signal.SIGTERM if len(waited) == 1 else signal.SIGKILL)
        if len(waited) > 600:
            raise Trouble(f"another lab command does not end (process {other.get('pid', 'unknown')})")
        time.sleep(0.1)

    with state.alone(otherwise=end_the_other):
        found = sweep()
    print("down" if found else "nothing was up")
    return 0


def sweep():
    """Ends every process of the lab, then removes its namespaces and files. Says whether there was anything."""
    state.check_name()
    found = state.STATE.exists() or state.SCRATCH.exists() or bool(network.ours())
    for facts in state.load_hosts().values():
        state.end(facts)
    network.clear()
    units.clear()
    state.forget()
    return found


def status(as_json):
    lab, running = state.load(), state.load_hosts()
    for facts in running.values():
        facts["alive"] = state.alive(facts)
        facts["root"] = f"/proc/{facts['pid']}/root"
    word = condition(lab, running)
    if as_json:
        switches = {site: network.switch(site) for site in estate.SITES} if lab else {}
        print(json.dumps({"lab": state.NAME, "state": word, "seconds": lab.get("seconds"), "shared": str(state.SHARED),
                          "logs": str(state.LOGS), "switches": switches, "hosts": running}, indent=1))
        return 0
    print(word)
    for name, facts in running.items():
        print(f"  {name:10} {facts['role']:12} {facts['address']:15} {facts['pid']:8} {'' if facts['alive'] else 'dead'}")
    return 0


def condition(lab, running):
    """One word: down, starting, ready, failed (left standing), or broken (something of it is gone)."""
    if not lab:
        return "down"
    if lab.get("state") == "starting":
        return "starting" if state.alive(lab) else "broken"
    return lab["state"] if all(facts["alive"] for facts in running.values()) else "broken"


def enter(name, words):
    facts = state.load_hosts().get(name)
    if not state.alive(facts):
        up_now = [one for one, known in state.load_hosts().items() if state.alive(known)]
        raise Trouble(f"{name} is not up (up: {', '.join(up_now) or 'nothing'})")
    if words[:1] == ["--"]:
        words = words[1:]
    host.enter(name, facts["pid"], words)
