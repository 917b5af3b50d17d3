"""Looks for planted secrets in files, decoded in every way a leak could be spelled, two layers deep.

    secrets_search.py FILE…      prints one line for each secret found
"""
import base64, gzip, pathlib, re, subprocess, sys, urllib.parse, zlib

PATTERN = re.compile(rb'q7c(\d{4})', re.I)
BACKWARDS = re.compile(rb'(\d{4})c7q', re.I)
BASE64 = re.compile(rb'[A-Za-z0-9+/_-]{12,}')
HEX = re.compile(rb'(?:[0-9A-Fa-f]{2}){6,}')
NUMERIC = re.compile(rb'(?:\\u00|\\x|&#x|%)([0-9A-Fa-f]{2});?')
DECIMAL = re.compile(rb'&#(\d{2,3});?')


def from_base64(data):
    out = []
    for run in BASE64.findall(data):
        run = run.replace(b'-', b'+').replace(b'_', b'/')
        for start in range(4):
            piece = run[start:]
            out.append(base64.b64decode(piece[:len(piece) // 4 * 4]))
    return b'\n'.join(out)


def from_hex(data):
    out = []
    for run in HEX.findall(data):
        out.append(bytes.fromhex(run.decode()))
    # A run of an odd number of digits may begin one digit off.
    for run in re.findall(rb'[0-9A-Fa-f]{13,}', data):
        run = run[1:]
        out.append(bytes.fromhex(run[:len(run) // 2 * 2].decode()))
    return b'\n'.join(out)


def views(data):
    yield 'plain', data
    yield 'utf-16', data.replace(b'\0', b'')
    yield 'base64', from_base64(data)
    yield 'hex', from_hex(data)
    yield 'escapes', DECIMAL.sub(lambda m: bytes([int(m[1]) & 255]), NUMERIC.sub(lambda m: bytes([int(m[1], 16)]), data))
    yield 'quotes', re.sub(rb'["\'\\+ ]', b'', data)


def found(data):
    for outer, one in views(data):
        for inner, two in (views(one) if outer != 'plain' else [('', one)]):
            for pattern, back in ((PATTERN, False), (BACKWARDS, True)):
                for match in pattern.finditer(two):
                    number = match[1][::-1] if back else match[1]
                    yield int(number), f'{outer} {inner}'.strip(), two[max(0, match.start() - 60):match.end() + 30]


planted = pathlib.Path('/run/lab/canaries').read_text().split('\n')
said = set()
for path in sys.argv[1:]:
    data = pathlib.Path(path).read_bytes()
    if data[:4] == b'\x28\xb5\x2f\xfd':
        data = subprocess.run(['zstd', '-dc', path], capture_output=True, check=True).stdout
    for number, how, around in found(data):
        if number < len(planted) and (number, path) not in said:
            said.add((number, path))
            print(f'{planted[number]} in {path} ({how}): {around!r}')
