#!/usr/bin/env python3
"""Local host inventory. usage: 04_inventory.py agent|sock|conf [rounds] [size]
agent: one inventory run. sock: [size] established sockets (default 10000). conf: config tree of [size] files, 50 KiB mean.
groma: GROMA_AGENT='groma ...', GROMA_SOCK='groma ...', GROMA_CONF='groma ... {tree}'."""
import gb, sys, os, subprocess, re
what = sys.argv[1]; n = int(sys.argv[2]) if len(sys.argv) > 2 else 5; size = int(sys.argv[3]) if len(sys.argv) > 3 else None
o = gb.GB + "/out/inv-"
if what == "agent":
    C = [("fusioninventory-inventory", "fusioninventory-inventory --no-category=process", o + "fi.xml"), ("fusioninventory (all categories)", "fusioninventory-inventory", o + "fia.xml"),
         ("ocsinventory-agent", f"ocsinventory-agent --local={gb.GB}/out --nosoftware --stdout", o + "ocs0.xml"), ("ocsinventory-agent (software)", "ocsinventory-agent --stdout", o + "ocs.xml"),
         ("dpkg-query alone", "dpkg-query -W -f '${Package} ${Version}\\n'", o + "dpkg"), ("ss -tanp + ps + dpkg status read", "sh -c 'ss -tanp; ps -eo pid,ppid,user,args; cat /var/lib/dpkg/status'", o + "floor")] + gb.groma("AGENT")
    def check(k, out): return dict(bytes=os.path.getsize(out))
    gb.table("inventory agent", gb.rounds(C, n, check=check), C[0][0], ("wall", "cpu", "rss", "bytes", "rc"))
elif what == "sock":
    size = size or 10000; procs = max(10, size // 500)
    subprocess.run(f"cc -O2 -o {gb.GB}/manysock {gb.HERE}/sockets/manysock.c; cc -O2 -o {gb.GB}/sockref {gb.HERE}/sockets/sockref.c; ip netns del gb-sock 2>/dev/null; ip netns add gb-sock; ip -n gb-sock link set lo up", shell=True)
    p = subprocess.Popen(["ip", "netns", "exec", "gb-sock", gb.GB + "/manysock", str(size), str(procs)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    p.stdout.readline()
    S = gb.GB + "/sockref "
    C = [("reference sock_diag dump", S + "diag", o + "d"), ("reference /proc fd walk", S + "walk", o + "w"), ("reference diag+walk join", S + "both", o + "b"), ("ss -tna (no process)", "ss -tna", o + "ss0"), ("ss -tnap", "ss -tnap", o + "ss"),
         ("lsof -nP -iTCP", "lsof -nP -iTCP", o + "lsof"), ("lsof -nP -i -a -w (all)", "lsof -nP -w", o + "lsofa"), ("cat /proc/net/tcp", "cat /proc/net/tcp /proc/net/tcp6", o + "pnt")] + gb.groma("SOCK")
    def check(k, out):
        s = open(out, errors="replace").read(); return dict(lines=s.count("\n")) if "ref" not in k else dict(lines=int(re.search(r"(?:diag|fds)=([1-9]\d*)", s)[1]))
    try:
        r = gb.rounds(C, n, ns="gb-sock", check=check, timeout=200, budget=240)
    finally: p.stdin.close(); p.wait()
    gb.table(f"sockets {size} in {procs} processes", r, "reference diag+walk join", ("wall", "cpu", "rss", "lines"))
elif what == "conf":
    size = size or 100000; tree = gb.conf_tree(size)
    du = int(subprocess.run(["du", "-sb", tree], capture_output=True, text=True).stdout.split()[0])
    pat = gb.ENDPOINTS
    C = [("find -type f (walk only)", f"find {tree} -type f", o + "f"), ("read all bytes (cat)", f"find {tree} -type f -print0 | xargs -0 -n 2000 cat", None),
         ("rg -c endpoints, 2 threads", f"rg -uuu --no-config -c -j2 '{pat}' {tree}", o + "rg"), ("rg -c endpoints, 1 thread", f"rg -uuu --no-config -c -j1 '{pat}' {tree}", o + "rg1"),
         ("rg -o all matches, 2 threads", f"rg -uuu --no-config -o -N -j2 '{pat}' {tree}", o + "rgo"), ("rg literal 10 names -F", f"rg -uuu --no-config -c -j2 -F -e db01.prod -e db02.prod -e db03.prod -e app001.corp -e app002.corp -e app003.corp -e nosuch1 -e nosuch2 -e nosuch3 -e nosuch4 {tree}", o + "rgf"),
         ("grep -rE endpoints (first 5k files)", f"LC_ALL=C grep -rcE '{pat}' {tree}/d000 {tree}/d001 {tree}/d002 {tree}/d003 {tree}/d004", o + "grep"),
         ("detect-secrets (first 50 files)", f"cd {tree} && detect-secrets scan --all-files d000/s00", o + "ds")] + gb.groma("CONF", tree=tree)
    r = gb.rounds(C, n, timeout=200, budget=200)
    for k, v in r.items():
        sub = subprocess.run(f"du -sbc {tree}/d000/s00 | tail -1", shell=True, capture_output=True, text=True).stdout.split()[0] if "first 50 " in k else subprocess.run(f"du -sbc {tree}/d00[0-4] | tail -1", shell=True, capture_output=True, text=True).stdout.split()[0] if "5k" in k else du
        v["MiB_s"] = int(sub) / v["wall"] / 2**20
    print(f"tree {size} files {du/2**30:.2f} GiB")
    gb.table(f"config scan {size}", r, "read all bytes (cat)", ("wall", "cpu", "rss", "MiB_s"))
