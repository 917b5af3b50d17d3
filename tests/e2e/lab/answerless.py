"""File systems that do not answer, made by this machine's own kernel.

    answerless.py fuse MOUNT LOG [--until FILE]     a FUSE file system with .env, image and a directory; it answers until
                                                    FILE is there (never, without --until) and writes every request down
    answerless.py autofs MOUNT LOG                  an automounter that mounts nothing; every trigger is written down

Prints "ready" when mounted. The image, if there is one in /run/lab/image, is what its file `image` holds.
"""
import ctypes, os, select, struct, sys

libc = ctypes.CDLL(None, use_errno=True)
INIT, LOOKUP, FORGET, GETATTR, OPEN, READ, OPENDIR, READDIR, STATFS, RELEASE, RELEASEDIR, READDIRPLUS, ACCESS, GETXATTR = \
    26, 1, 2, 3, 14, 15, 27, 28, 17, 18, 29, 44, 34, 22
NAMES = {1: b'', 2: b'.env', 3: b'image', 4: b'deep'}
NUMBERS = {name: number for number, name in NAMES.items()}
TEXT = b'DATABASE_URL=postgresql://u@behind-the-mount.corp.example/x\n' * 100


def content(number):
    if number == 3 and os.path.exists('/run/lab/image'):
        return open('/run/lab/image', 'rb').read()
    return TEXT


def attributes(number):
    directory = number in (1, 4)
    size = 0 if directory else len(content(number))
    mode = 0o40755 if directory else 0o100644
    return struct.pack('<QQQQQQIIIIIIIIII', number, size, (size + 511) // 512, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def answer(code, number, body):
    if code == INIT:
        return struct.pack('<IIIIHHIIHHI7I', 7, 31, 65536, 0, 12, 10, 65536, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    if code == LOOKUP:
        found = NUMBERS.get(body.split(b'\0')[0])
        return -2 if found is None else struct.pack('<QQQQII', found, 0, 0, 0, 0, 0) + attributes(found)
    if code == GETATTR:
        return struct.pack('<QII', 0, 0, 0) + attributes(number)
    if code in (OPEN, OPENDIR):
        return struct.pack('<QII', 1, 0, 0)
    if code == READ:
        _, offset, size = struct.unpack('<QQI', body[:20])
        return content(number)[offset:offset + size]
    if code == READDIR:
        offset = struct.unpack('<QQ', body[:16])[1]
        out = b''
        for at, (entry, name) in enumerate([(1, b'.'), (1, b'..'), (2, b'.env'), (3, b'image'), (4, b'deep')]):
            if at >= offset:
                kind = 4 if entry in (1, 4) else 8
                one = struct.pack('<QQII', entry, at + 1, len(name), kind) + name
                out += one + b'\0' * (-len(one) % 8)
        return out
    if code == STATFS:
        return struct.pack('<QQQQQIIII24x', 1000, 500, 500, 100, 50, 4096, 255, 4096, 0)
    if code in (RELEASE, RELEASEDIR, ACCESS):
        return b''
    if code == GETXATTR:
        return -61
    return -38


def fuse(mount, log, until):
    device = os.open('/dev/fuse', os.O_RDWR)
    options = b'fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other' % device
    if libc.mount(b'answerless', mount.encode(), b'fuse', 0, options):
        sys.exit(os.strerror(ctypes.get_errno()))
    ready = False
    while True:
        try:
            request = os.read(device, 1 << 17)
        except OSError:
            return
        _, code, unique, number = struct.unpack('<IIQQ', request[:24])
        if code != INIT:
            os.write(log, b'%d\n' % code)
        silent = until is not None and (until == '' or os.path.exists(until)) and code != INIT
        if not silent and code not in (FORGET, 42):
            said = answer(code, number, request[40:])
            error, said = (said, b'') if isinstance(said, int) else (0, said)
            os.write(device, struct.pack('<IiQ', 16 + len(said), error, unique) + said)
        if not ready:
            ready = True
            print('ready', flush=True)


def autofs(mount, log):
    read, write = os.pipe()
    options = b'fd=%d,pgrp=%d,minproto=5,maxproto=5,indirect' % (write, os.getpgrp())
    if libc.mount(b'answerless', mount.encode(), b'autofs', 0, options):
        sys.exit(os.strerror(ctypes.get_errno()))
    print('ready', flush=True)
    while os.read(read, 4096):
        os.write(log, b'trigger\n')


if __name__ == '__main__':
    kind, mount, log = sys.argv[1:4]
    os.makedirs(mount, exist_ok=True)
    log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    if kind == 'fuse':
        fuse(mount, log, sys.argv[5] if '--until' in sys.argv else '')
    else:
        os.setpgrp()
        autofs(mount, log)
