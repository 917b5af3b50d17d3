"""groma-bench common code: rusage timing, rounds, medians, farm truth.
Portable: everything it writes is under $GB (default /tmp/groma-bench)."""
import os, sys, time, json, statistics, subprocess, shlex, signal, random, ipaddress, re, shutil
GB = os.environ.get("GB", "/tmp/groma-bench")
HERE = os.path.dirname(os.path.abspath(__file__))
SCAN_NS, FARM_NS, SCAN_IF = "gb-scan", "gb-farm", "gbs0"
os.makedirs(GB + "/out", exist_ok=True)
os.environ["PATH"] = os.pathsep.join([GB + "/cargo/bin", GB + "/venv/bin", os.environ["PATH"], "/usr/sbin", "/sbin"])

def _rtime():
    e = GB + "/rtime"
    if not os.path.exists(e): subprocess.run(["cc", "-O2", "-o", e, HERE + "/rtime.c"], check=True)
    return e
def _ctr(ns):
    o = subprocess.run(["ip", "netns", "exec", ns, "cat", f"/sys/class/net/{SCAN_IF}/statistics/tx_packets",
                        f"/sys/class/net/{SCAN_IF}/statistics/rx_packets"], capture_output=True, text=True).stdout.split()
    return [int(x) for x in o] if len(o) == 2 else [0, 0]

def run(cmd, timeout=600, ns=None, out=None):
    """One command, whole process: wall s, cpu s, peak RSS MiB (largest process), packets tx/rx on the scanner veth."""
    argv = cmd if isinstance(cmd, list) else ["sh", "-c", cmd]
    if ns: argv = ["ip", "netns", "exec", ns] + argv
    sf = f"{GB}/out/.rt{os.getpid()}"; argv = [_rtime(), sf] + argv
    if os.path.exists(sf): os.unlink(sf)
    c0 = _ctr(ns) if ns else [0, 0]
    fo = open(out, "wb") if out else subprocess.DEVNULL
    t = time.monotonic()
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=fo, stderr=open(GB + "/out/stderr.last", "ab"), start_new_session=True)
    killed = False
    while True:
        pid, st, ru = os.wait4(p.pid, os.WNOHANG)
        if pid: break
        if time.monotonic() - t > timeout:
            killed = True; os.killpg(p.pid, signal.SIGKILL)
            pid, st, ru = os.wait4(p.pid, 0); break
        time.sleep(0.002)
    w = time.monotonic() - t
    p.returncode = st
    c1 = _ctr(ns) if ns else [0, 0]
    if os.path.exists(sf):
        f = open(sf).read().split(); os.unlink(sf)
        return dict(wall=float(f[0]), cpu=float(f[1]), rss=int(f[2]) / 1024, tx=c1[0] - c0[0], rx=c1[1] - c0[1], rc=int(f[3]), killed=killed)
    return dict(wall=w, cpu=ru.ru_utime + ru.ru_stime, rss=ru.ru_maxrss / 1024, tx=c1[0] - c0[0], rx=c1[1] - c0[1],
                rc=os.waitstatus_to_exitcode(st), killed=killed)

# ---- a tree of made-up configuration ---------------------------------------------------------------------------
ENDPOINTS = r"(https?|jdbc:[a-z]+|ldaps?|amqps?|mongodb|redis)://[A-Za-z0-9._-]+(:[0-9]+)?|\b[0-9]{1,3}(\.[0-9]{1,3}){3}(:[0-9]+)?\b"

def conf_tree(size, thin=1):
    """The same `size` files every time, 50 KiB mean, and where they are. Of 100 lines 6 hold an endpoint, with `thin` so many times fewer."""
    tree = f"{GB}/conf-{size}" + (f"-thin{thin}" if thin > 1 else "")
    if os.path.exists(tree + "/.done"): return tree
    rnd = random.Random(5); kw = "server listen upstream proxy_pass include timeout max_connections log_level user group cache_size retries enabled path mode bind owner".split()
    def line():
        x = rnd.random()
        if x < .06 and thin > 1 and rnd.random() * thin >= 1: x = .5
        if x < .02: return f"url = https://app{rnd.randint(1,400):03d}.corp.example.com:{rnd.choice([443,8443,9200])}/api/v{rnd.randint(1,3)}\n"
        if x < .04: return f"jdbc.url=jdbc:postgresql://db{rnd.randint(1,90):02d}.prod.example.net:5432/app\n"
        if x < .06: return f"  server 10.{rnd.randint(0,255)}.{rnd.randint(0,255)}.{rnd.randint(1,254)}:{rnd.randint(1,65535)};\n"
        if x < .30: return "# " + " ".join(rnd.choice(kw) for _ in range(rnd.randint(4, 12))) + "\n"
        return f"{rnd.choice(kw)}_{rnd.randint(1,999)} = {rnd.choice(kw)} {rnd.randint(1,99999)}\n"
    block = "".join(line() for _ in range(400000)).encode(); B = len(block)
    for i in range(size):
        d = f"{tree}/d{i//1000:03d}/s{i//50%20:02d}"
        if i % 50 == 0: os.makedirs(d, exist_ok=True)
        k = min(int(rnd.lognormvariate(9.5, 1.5)), 3_000_000); a = rnd.randrange(B - 1); b = block.find(b"\n", a) + 1
        data = block[b:b + k]
        while len(data) < k: data += block[:k - len(data)]
        open(f"{d}/f{i:06d}.{rnd.choice(['conf','ini','yml','properties','xml','json','env'])}", "wb").write(data)
    open(tree + "/.done", "w").write("x")
    return tree

def med(xs): return statistics.median(xs)

def rounds(contestants, n, ns=None, timeout=600, check=None, budget=None):
    """contestants: [(name, cmd, outfile)]; run in turn A B C A B C; returns {name: {medians}}."""
    res = {c[0]: [] for c in contestants}; t0 = time.monotonic()
    for i in range(n):
        for name, cmd, out in contestants:
            if budget and time.monotonic() - t0 > budget and res[name]: continue
            r = run(cmd, timeout, ns, out)
            if check: r.update(check(name, out))
            res[name].append(r)
            print(f"  round {i+1} {name:28s} " + " ".join(f"{k}={v:.3f}" if isinstance(v, float) else f"{k}={v}" for k, v in r.items()), file=sys.stderr, flush=True)
    outm = {}
    for k, rs in res.items():
        keys = [x for x in rs[0] if isinstance(rs[0][x], (int, float)) and not isinstance(rs[0][x], bool)]
        outm[k] = {x: med([r[x] for r in rs]) for x in keys}; outm[k]["n"] = len(rs)
        outm[k]["each"] = [{x: r[x] for x in keys} for r in rs]
        outm[k]["killed"] = any(r["killed"] for r in rs)
        outm[k]["wall_min"] = min(r["wall"] for r in rs); outm[k]["wall_max"] = max(r["wall"] for r in rs)
    return outm

def table(title, res, base=None, cols=("wall", "cpu", "rss", "tx", "rx", "missed", "false", "rc")):
    print(f"\n== {title}")
    b = res[base]["wall"] if base else None
    for k, r in res.items():
        s = f"{k:30s} n={r['n']}" + (" TIMEOUT" if r["killed"] else "")
        for c in cols:
            if c in r: s += f" {c}={r[c]:.3f}" if isinstance(r[c], float) and c in ("wall", "cpu") else f" {c}={r[c]:.0f}"
        if b: s += f" ratio={r['wall']/b:.2f}"
        print(s)
    jf = f"{GB}/out/{re.sub('[^a-z0-9]+','-',title.lower())[:60]}.json"
    old = json.load(open(jf)) if os.path.exists(jf) else {}
    old.update(res); json.dump(old, open(jf, "w"), indent=1)

def groma(key, **kw):
    """Extra contestant(s): env GROMA_<KEY>='groma ... {targets} {ports}' printing 'ip port' lines (scan) to stdout.
    Several: GROMA_<KEY>_A, GROMA_<KEY>_B."""
    out = []
    for k, v in sorted(os.environ.items()):
        if k == "GROMA_" + key or k.startswith("GROMA_" + key + "_"):
            out.append((k.lower().replace("_" + key.lower(), ""), v.format(**kw), f"{GB}/out/{k}.txt"))
    return out

# ---- farm truth (deterministic) -------------------------------------------------------------------------------
BASE = int(ipaddress.ip_address("10.77.0.0"))
PRINT = {515, 9999} | set(range(9100, 9117))       # raw print ports: a safe scanner sends them nothing, so the farm opens none and no list asks for them
def top1000():
    """nmap's 1000 most frequent TCP ports less the raw print ports, from its own services file; falls back to 1-1000."""
    for f in ("/usr/share/nmap/nmap-services", "/usr/local/share/nmap/nmap-services"):
        if os.path.exists(f):
            rows = []
            for l in open(f, errors="replace"):
                m = re.match(r"^\S+\s+(\d+)/tcp\s+([\d.]+)", l)
                if m: rows.append((-float(m.group(2)), int(m.group(1))))
            return sorted({p for _, p in sorted(rows)[:1000]} - PRINT)
    return sorted(set(range(1, 1001)) - PRINT)

def farm(seed=77, nhosts=1024):
    """{ip: (kind, set(open ports))}; kind: silent 40 %, filtered 20 %, closed 30 %, reject 10 %."""
    rnd = random.Random(seed); top = top1000()
    pool = rnd.sample(top, 180) + rnd.sample(range(10000, 65000), 80)
    common = [22, 25, 53, 80, 111, 135, 139, 389, 443, 445, 636, 1433, 1521, 3306, 3389, 5432, 5672, 6379, 8080, 8443, 9092, 9200, 27017]
    pool = sorted(set(pool) | set(common))
    h = {}
    for i in range(nhosts):
        ip = str(ipaddress.ip_address(BASE + i)); x = rnd.random()
        kind = "silent" if x < .40 else "filtered" if x < .60 else "closed" if x < .90 else "reject"
        ports = set(rnd.sample(common, rnd.randint(1, 5)) + rnd.sample(pool, rnd.randint(1, 8))) | {22}
        if i == 10: kind, ports = "closed", set(rnd.sample(pool, 40))
        if i == 11: kind, ports = "filtered", set(rnd.sample(pool, 40))
        if i % 256 in (0, 255): kind = "silent"
        h[ip] = (kind, set() if kind == "silent" else ports)
    return h, pool
def portset(spec):
    s = set()
    for p in spec.split(","):
        a, _, b = p.partition("-"); s |= set(range(int(a), int(b or a) + 1))
    return s
def truth(targets, ports, hosts=None):
    hosts = hosts or farm()[0]; want = portset(ports)
    net = ipaddress.ip_network(targets)
    return {(ip, p) for ip, (k, op) in hosts.items() if ipaddress.ip_address(ip) in net for p in op & want}
def parse_scan(path):
    """any of: 'ip port', 'ip:port', 'ip,port', masscan -oL, nmap -oG, rustscan -g, zmap csv saddr,sport"""
    got = set()
    if not path or not os.path.exists(path): return got
    for l in open(path, errors="replace"):
        if l.startswith("#"): continue
        m = re.match(r"open tcp (\d+) (\d+\.\d+\.\d+\.\d+)", l)
        if m: got.add((m[2], int(m[1]))); continue
        m = re.match(r"Host: (\d+\.\d+\.\d+\.\d+) .*Ports: (.*)", l)
        if m: got |= {(m[1], int(x)) for x in re.findall(r"(\d+)/open/tcp", m[2])}; continue
        m = re.match(r"(\d+\.\d+\.\d+\.\d+) -> \[([\d,]*)\]", l)
        if m: got |= {(m[1], int(x)) for x in m[2].split(",") if x}; continue
        m = re.match(r"(?:Open )?(\d+\.\d+\.\d+\.\d+)[\s:,]+(\d+)\s*$", l)
        if m: got.add((m[1], int(m[2])))
    return got
