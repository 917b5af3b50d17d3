#!/usr/bin/env python3
"""Holds the collector for Windows (agent/packaging/windows/groma-collect.ps1) to what its header promises.

There is no PowerShell here, so it is parsed (tree-sitter-powershell) and every command, method and type in it is looked up in
lists of those that only read. Whoever adds one adds it here, and says by that that it changes nothing.

usage: powershell.py [SCRIPT]    exits 0 (passed), 1 (failed), 77 (the parser is not there: python3 -m pip install
tree-sitter tree-sitter-powershell)
"""

import re
import sys
from pathlib import Path

try:
    import tree_sitter_powershell
    from tree_sitter import Language, Parser
except ImportError:
    print("skipped: tree-sitter-powershell is not installed: the collector for Windows was parsed by nobody")
    sys.exit(77)

SCRIPT = Path(__file__).parent.parent.parent / "agent/packaging/windows/groma-collect.ps1"

# Commands that read, and those that only move what was read.
READ = {
    "get-acl", "get-ciminstance", "get-command", "get-netipaddress", "get-netneighbor", "get-netroute", "get-nettcpconnection",
    "get-netudpendpoint", "get-smbsession", "get-smbshare",
}
PLAIN = {"foreach-object", "new-object", "select-object", "set-strictmode", "sort-object", "where-object", "write-output"}
# Of the methods of a class of WMI one alone is called.
CALLED = {"invoke-cimmethod": "-MethodName GetOwnerSid"}
# Programs that are started, with all their arguments.
STARTED = {'"$env:SystemRoot\\System32\\netstat.exe" -ano'}

METHODS = {
    # registry, opened for reading
    "openbasekey", "opensubkey", "getvalue", "getvaluekind", "getvaluenames", "getsubkeynames", "close",
    # files
    "getattributes", "getfilesysteminfos", "readalltext", "readallbytes", "read", "getowner", "getfilename", "getunresolvedproviderpathfrompspath",
    # who runs it, and what others are called
    "getcurrent", "isinrole", "translate",
    # texts, numbers, moments and lists
    "add", "addminutes", "containskey", "expandenvironmentvariables", "floor", "getbytes", "getenumerator", "ismatch", "match",
    "matches", "pop", "push", "replace", "substring", "tolowerinvariant", "tostring", "touint32", "touint64", "touniversaltime",
    "trim", "trimend", "trimstart",
    # the document
    "write", "dispose",
}
TYPES = {
    "microsoft.win32.registrykey", "system.bitconverter", "system.collections.arraylist", "system.collections.idictionary",
    "system.collections.ienumerable", "system.collections.stack", "system.convert", "system.enum", "system.environment",
    "system.globalization.cultureinfo", "system.io.directoryinfo", "system.io.directorynotfoundexception", "system.io.driveinfo", "system.io.file",
    "system.io.fileinfo", "system.io.filenotfoundexception", "system.io.filestream", "system.io.ioexception", "system.io.path",
    "system.io.pathtoolongexception", "system.io.streamwriter", "system.security.principal.ntaccount",
    "system.security.principal.securityidentifier", "system.security.principal.windowsbuiltinrole",
    "system.security.principal.windowsidentity", "system.security.principal.windowsprincipal", "system.security.securityexception",
    "system.text.regularexpressions.matchevaluator", "system.text.regularexpressions.regex", "system.text.utf8encoding",
    "system.unauthorizedaccessexception", "system.valuetype", "system.stringcomparer", "bool", "byte", "char", "cmdletbinding",
    "datetime", "int", "int64", "long", "math", "object", "ordered", "regex", "scriptblock", "string", "switch", "uint16",
    "uint32", "uint64", "void",
    "system.collections.generic.sorteddictionary",
}
# What opens a file for writing is the document, and nothing else.
WRITERS = ["New-Object System.IO.StreamWriter $target, $false, (New-Object System.Text.UTF8Encoding $false)"]


def walk(node):
    yield node
    for child in node.children:
        yield from walk(child)


def broken(tree):
    """Places the parser could not read, on a line each."""
    return [node for node in walk(tree.root_node) if node.type == "ERROR" or node.is_missing]


def problems(text):
    source = text.encode()
    tree = Parser(Language(tree_sitter_powershell.language())).parse(source)
    said = lambda node: source[node.start_byte:node.end_byte].decode()
    place = lambda node: f"line {node.start_point[0] + 1}"
    found = [f"{place(node)}: cannot be parsed: {said(node)[:80]!r}" for node in broken(tree)]
    own = {said(name).lower() for name in walk(tree.root_node) if name.type == "function_name"}
    for node in walk(tree.root_node):
        if node.type == "command":
            found += of_command(said(node), place(node), own)
        elif node.type == "invokation_expression":
            found += of_method(node, said, place)
        elif node.type == "type_spec" or node.type == "type_literal":
            for name in re.findall(r"[A-Za-z_][\w.]*", said(node)):
                if name.lower() not in TYPES:
                    found.append(f"{place(node)}: the type {name} is not in the list")
        elif node.type == "redirection":
            found.append(f"{place(node)}: writes into a file: {said(node)}")
    return found


def of_command(text, place, own):
    words = text.split()
    name = words[0].lower()
    if name in ("&", "."):
        rest = text[1:].strip()
        # A block or a value of ours, or one of the programs.
        if rest.startswith(("$Block", "$Take", "$Hide")) or rest in STARTED:
            return []
        return [f"{place}: starts {rest[:80]}"]
    if name in own or name in READ:
        return []
    if name in CALLED:
        return [] if CALLED[name] in text else [f"{place}: {text[:80]}"]
    if name not in PLAIN:
        return [f"{place}: the command {words[0]} is not in the list"]
    if name == "new-object":
        made = words[1].strip("'\"").split("[")[0].lower()
        if made not in TYPES:
            return [f"{place}: makes {words[1]}"]
        if made == "system.io.streamwriter" and text not in WRITERS:
            return [f"{place}: writes: {text}"]
        if made == "system.io.filestream" and "'Open', 'Read', 'ReadWrite, Delete'" not in text:
            return [f"{place}: opens a file otherwise than for reading: {text}"]
    return []


def of_method(node, said, place):
    member = [child for child in node.children if child.type == "member_name"]
    name = said(member[0]).lower() if member else ""
    if name not in METHODS:
        return [f"{place(node)}: the method {name or said(node)[:60]} is not in the list"]
    text = said(node)
    if name == "opensubkey" and not text.endswith(", $false)"):
        return [f"{place(node)}: opens a key otherwise than for reading"]
    if name == "write" and not text.startswith("$writer."):
        return [f"{place(node)}: writes: {text[:60]}"]
    return []


# What must be found, or the test tests nothing.
TWINS = [
    "Remove-Item C:\\a",
    "& cmd.exe /c del",
    "Set-Content a b",
    "Invoke-WebRequest http://a",
    "[System.IO.File]::Delete('a')",
    "$key.SetValue('a', 1)",
    "$k = $hive.OpenSubKey('a', $true)",
    "New-Object System.Net.WebClient",
    "Invoke-CimMethod -InputObject $p -MethodName Terminate",
    "Get-Process > a.txt",
    "if (",
]


# Texts with a secret in each, and what must be left of them: the patterns of the script are those of Python, too.
SECRETS = [
    ("Server=sql1;Database=erp;User Id=sa;Password=canary bird;Encrypt=yes", "sql1 erp Encrypt=yes"),
    ("DRIVER={SQL};SERVER=db1;UID=a;PWD={can;ary}", "db1 UID=a"),
    ("postgres://app:canary@db1.corp.example/erp", "app db1.corp.example/erp"),
    ("-Server db1 -Password canary -File \\\\files1\\a", "db1 files1"),
    ("job.exe /pass:canary \\\\files1\\in", "files1"),
    ("use x: \\\\files1\\in canary /user:corp\\svc", "files1 svc"),
    ("use x: \\\\files1\\in /user:corp\\svc canary", "files1 svc"),
    ("curl -u svc:canary https://web1/a", "svc web1"),
    ("AccountName=a;AccountKey=canary==;EndpointSuffix=x", "AccountName=a EndpointSuffix"),
    ("<Arguments>--token canary --to web1</Arguments>", "web1 </Arguments>"),
    ("smtp://mail1 pass=canary;user=a", "mail1 user=a"),
    ("DB_PASS=canary;Host=db1", "Host=db1"),
    ("pw: canary", "pw:"),
    ("Kennwort=canary;Server=db1", "Server=db1"),
    ("<Arguments>-p &quot;canary bird&quot; web1</Arguments>", "web1 </Arguments>"),
]
PLAIN_TEXTS = ["C:\\Windows\\system32;C:\\Tools", "http://proxy1:3128", "10.0.0.1 10.0.0.2", "<LogonType>InteractiveToken</LogonType>", "bypass=host1;*.corp"]


def unmasked(text):
    """What the script's own patterns leave of texts that hold a secret."""
    pairs = re.findall(r"^    @\('(.*)', '\$1\*\*\*'\),?$", text, re.M)
    if len(pairs) < 6:
        return [f"{len(pairs)} patterns of secrets were found in the script"]

    cut = [(masked(text, secret), rest) for secret, rest in SECRETS]
    failed = [f"a secret is left: {left}" for left, _ in cut if "canary" in left or "ary}" in left]
    failed += [f"too much is cut: {left}" for left, rest in cut if any(word not in left for word in rest.split())]
    return failed + [f"changed without need: {masked(text, plain)}" for plain in PLAIN_TEXTS if masked(text, plain) != plain]


# Names of values: those that are secrets, and those that are none.
SECRET_NAMES = "DB_PASS SMTP_PASS MYSQL_PW SAS_KEY AZURE_STORAGE_KEY ENCRYPTION_KEY PASS_DB Kennwort_DB API_AUTH DB_CRED Password"
PLAIN_NAMES = "KeyManagementServiceName|KeyManagementServicePort|SMTP Use Auth|MachineGuid|KdcNames|PASSIVE_HOST|MONKEY|Path|SQLArg0|ProxyServer"
# Variables that leave, and those that stay.
VARIABLES = [
    ("TEAM", r"\\files2\team"), ("Path", r"C:\Windows;\\files1\tools"), ("HTTP_PROXY", "http://proxy1:3128"), ("VENDORLMD", "1700@lic3"),
    ("KAFKA", "kafka1.corp.example:9093"), ("LSHOST", "lic5"), ("REDIS_HOST", "cache1"), ("JAVA_HOME", r"C:\Program Files\Java"),
    ("ERP", "Server=sql1;Database=erp;Password=x"), ("TEMP", r"%SystemRoot%\TEMP"),
]
VARIABLES_THAT_STAY = [("PEPPER", "geheim"), ("LICENCE", "ABCD-EFGH"), ("GREETING", "geheim host"), ("SALT", "P@geheim"), ("DB_HOST", "gehe!m")]

# Command lines, and what may leave of them.
COMMANDS = [
    (r"java -Ddb.password=geheim -jar C:\erp\erp.jar", "java"),
    (r"cmd /c net use Z: \\srv\x Geheim1 /user:y & C:\t\foo.bat", r"cmd \\srv\x"),
    (r'"\\dc1\netlogon\map.cmd svc geheim"', r'"\\dc1\netlogon\map.cmd"'),
    (r'"C:\Program Files\A B\a.exe" -p geheim', r'"C:\Program Files\A B\a.exe"'),
    (r'"C:\Program Files\A B\run -p geheim"', r'"C:\Program Files\A B\run"'),
    (r"C:\Program Files\A B\a.exe -p geheim", r"C:\Program Files\A B\a.exe"),
    (r"%systemroot%\system32\svchost.exe -k netsvcs", r"%systemroot%\system32\svchost.exe"),
    (r"\SystemRoot\System32\drivers\a.sys", r"\SystemRoot\System32\drivers\a.sys"),
    (r"system32\drivers\b.sys", r"system32\drivers\b.sys"),
    (r"\??\D:\x\y.sys", r"\??\D:\x\y.sys"),
    (r"C:\Tools\run /p geheim C:\x.bat", r"C:\Tools\run"),
    (r"C:\Tools\run -p geheim C:\x.bat", r"C:\Tools\run"),
    (r"C:\Tools\run C:\geheim x.bat", r"C:\Tools\run"),
    (r"C:\A - B\run it.exe geheim", r"C:\A - B\run it.exe"),
    (r"C:\t\foo.bat&net use z: geheim", r"C:\t\foo.bat"),
    (r'cmd.exe /c "\\files1\my scripts\logon.cmd" geheim', r'cmd.exe "\\files1\my scripts\logon.cmd"'),
    (r'a.exe /to:\\files1\x,geheim "\\files2\My Share\in geheim"', r'a.exe \\files1\x "\\files2\My Share\in"'),
    (r"a.exe C:\\tools\\x geheim", r"a.exe"),
    (r"\\files1\install\setup.exe /s geheim", r"\\files1\install\setup.exe"),
    ("", ""),
]


# Arguments of tasks, and what may leave of them.
ARGUMENTS = [
    (r"-NoProfile -File C:\Scripts\sync.ps1 -Password geheim", r'"C:\Scripts\sync.ps1"'),
    (r"""-Command "& 'D:\My Jobs\a b.ps1' -p geheim" """, r'"D:\My Jobs\a b.ps1"'),
    (r'-Command "C:\Jobs\x.ps1 -p geheim"', r'"C:\Jobs\x.ps1"'),
    (r"/c \\files1\jobs\night.cmd geheim", r'"\\files1\jobs\night.cmd"'),
    (r"/c night.cmd geheim", r'"night.cmd"'),
    (r".\night.cmd geheim", r'".\night.cmd"'),
    (r'//B "%SystemRoot%\tools\x.vbs" geheim', r'"%SystemRoot%\tools\x.vbs"'),
    (r"-Dpass=geheim -jar D:\erp\batch.jar", r'"D:\erp\batch.jar"'),
    (r"geheim https://svc:geheim@web1.corp.example:8443/hook/geheim?token=geheim", r'"https://web1.corp.example:8443"'),
    (r"https://svc:ge/heim@web1/a", ""),
    (r"/from:\\files1\in\geheim.txt geheim /user:corp\svc", r'"\\files1\in\geheim.txt"'),
    (r"db.pass=geheim C:\jobs\a.ps1", r'"C:\jobs\a.ps1"'),
    (r"-EncodedCommand Z2VoZWlt", ""),
    ("Restart-Service geheim; echo geheim", ""),
    (r"-c \\files1\My Share\geheim", r'"\\files1\My"'),
    (r'-c "\\files1\My Share\a b.cmd geheim"', r'"\\files1\My Share\a b.cmd"'),
    (r"net use z: \\files1\in geheim & D:\jobs\a.cmd geheim", r'"\\files1\in" "D:\jobs\a.cmd"'),
    (r"--name geheim.exe.config --url=http://[fd00::1]:80/geheim", r'"http://[fd00::1]:80"'),
    (r"C:\geheim D:\geheim.txt", ""),
]


def pattern(text, name):
    """A pattern of the script, with the parts put in that it names."""
    said = re.search(rf"^\${name} = (?:\[regex\] )?(['\"])(.*)\1$", text, re.M)
    if said is None:
        raise SystemExit(f"the script has no ${name}")
    quote, body = said.groups()
    if quote == "'":
        return body.replace("''", "'")
    put_in = lambda found: pattern(text, found[1]).replace("(?i)", "") if found[1] else found[2]
    return re.sub(r"\$([A-Z]\w+)|`(.)", put_in, body)


def masked(text, secret):
    for found in re.findall(r"^    @\('(.*)', '\$1\*\*\*'\),?$", text, re.M):
        secret = re.sub(found.replace("''", "'"), r"\1***", secret)
    return secret


def closed(place):
    return place.rstrip() + '"' if place.startswith('"') else place


def commands(text):
    """What Select-Program leaves of command lines, by the script's own patterns."""
    begin, place = (re.compile(pattern(text, name)) for name in ("ProgramPart", "PlacePart"))

    def left(command):
        program = begin.match(command)
        end = program.end() if program else 0
        found = [command[:end]] + [match[0] for match in place.finditer(command[end:])]
        return masked(text, " ".join(map(closed, found)))

    return [f"{command} leaves {left(command)}, not {rest}" for command, rest in COMMANDS if left(command) != rest]


APPLICATION = """<?xml version="1.0"?>
<configuration><appSettings><add key="a" value="geheim"/></appSettings>
<!-- <system.webServer><rewrite>geheim</rewrite></system.webServer> -->
<location path="a"><system.webServer><rewrite>geheim</rewrite></system.webServer></location>
<smtp><network host="m" password="geheim"/></smtp>
<system.web><identity userName="a" password="geheim"/>
<sessionState mode="StateServer" stateConnectionString="tcpip=state1:42424"><providers>geheim</providers></sessionState></system.web>
<system.webServer><aspNetCore arguments="--pw geheim"/><rewrite><rules><rule name="a"><serverVariables><set name="AUTH" value="geheim"/>
</serverVariables><action type="Rewrite" url="http://app1/{R:1}"/></rule></rules></rewrite></system.webServer>
</configuration>"""
APPLICATION_LEFT = """
<configuration>



<system.web>
<sessionState mode="StateServer" stateConnectionString="tcpip=state1:42424"/></system.web>
<system.webServer><rewrite><rules><rule name="a">
<action type="Rewrite" url="http://app1/{R:1}"/></rule></rules></rewrite></system.webServer>
</configuration>"""


def applications(text):
    """What Hide-ApplicationSecret leaves of web.config, by the script's own patterns."""
    cut, kept = (re.compile(pattern(text, name)) for name in ("SettingsCut", "SettingsKept"))

    def keep(found):
        value = found[1] or ""
        return value.rstrip(">") + "/>" if value.startswith("<sessionState") and not value.endswith("/>") else value

    left = kept.sub(keep, cut.sub(lambda found: "\n" * found[0].count("\n"), APPLICATION))
    return [] if left == APPLICATION_LEFT else [f"web.config leaves {left}"]


def names(text):
    """Values of the registry by their names, and variables by name and text."""
    secret, said, named = (re.compile(pattern(text, name)) for name in ("SecretName", "EnvironmentText", "EnvironmentName"))
    leaves = lambda name, value: bool(said.search(value) or named.search(name) and re.search(r"^[\w.-]+$", value))
    failed = [f"{name} is no secret" for name in SECRET_NAMES.split() if not secret.search(name)]
    failed += [f"{name} is a secret" for name in PLAIN_NAMES.split("|") if secret.search(name)]
    failed += [f"the variable {name} stays" for name, value in VARIABLES if not leaves(name, value)]
    return failed + [f"the variable {name} leaves" for name, value in VARIABLES_THAT_STAY if leaves(name, value)]


def arguments(text):
    """What Select-TaskPart leaves of arguments, by the script's own patterns."""
    part = re.compile(pattern(text, "TaskPart"))

    def left(line):
        found = [match[0].strip('"') for match in part.finditer(masked(text, line))]
        return " ".join('"' + re.sub("://[^/]*@", "://", place) + '"' for place in found)

    return [f"{line} leaves {left(line)}, not {rest}" for line, rest in ARGUMENTS if left(line) != rest]


def tasks(text):
    """Elements that Hide-TaskSecret cuts and reduces, by the script's own patterns."""
    cut = re.compile(re.search(r"'(\(\?is\)<!--.*RegistrationInfo.*)'$", text, re.M)[1])
    command = re.compile(re.search(r"'(\(\?is\).*Command\|Arguments.*)'$", text, re.M)[1])
    task = "<Task><RegistrationInfo><Description>geheim</Description></RegistrationInfo><Triggers/><Exec><Command>a</Command>" \
        "<Arguments />\n<Arguments>b geheim</Arguments></Exec><ComHandler><Data>geheim</Data></ComHandler></Task>"
    left = command.sub(r"\1\4", cut.sub("", task))
    wanted = "<Task><Triggers/><Exec><Command></Command><Arguments />\n<Arguments></Arguments></Exec><ComHandler></ComHandler></Task>"
    broken = command.sub(r"\1\4", "<Exec><Arguments>geheim")
    return [f"a task leaves {shown}" for shown, fits in [(left, wanted), (broken, "<Exec><Arguments>")] if shown != fits]


def main():
    script = Path(sys.argv[1]) if len(sys.argv) > 1 else SCRIPT
    text = script.read_text(encoding="utf-8")
    failed = [f"not found by this test: {twin}" for twin in TWINS if not problems(twin)]
    failed += [f"{script.name}, {problem}" for problem in problems(text)]
    failed += unmasked(text) + commands(text) + arguments(text) + tasks(text) + names(text) + applications(text)
    if not text.isascii():
        at = next(i for i, letter in enumerate(text) if not letter.isascii())
        failed.append(f"{script.name}: Windows PowerShell reads a file without a mark as ANSI: {text[at - 20:at + 5]!r} is no ASCII")
    for line in failed:
        print(line)
    print(f"test result: {'FAILED' if failed else 'ok'}. {0 if failed else 1} passed; {len(failed)} failed")
    sys.exit(1 if failed else 0)


main()
