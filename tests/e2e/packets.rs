//! Not one packet to a raw print port: a witness on every interface counts, and the listeners there count too.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use groma_tests::{Kind, Machine};

/// Listens on every raw print port and watches every frame of the machine; says what it saw when it is told to stop.
const WITNESS: &str = r#"
import json, pathlib, selectors, socket, struct, sys
never = {515, 9999} | set(range(9100, 9117))
selector = selectors.DefaultSelector()
for port in sorted(never):
    server = socket.create_server(('0.0.0.0', port)); selector.register(server, selectors.EVENT_READ, port)
tls = socket.create_server(('127.0.0.1', 8443)); selector.register(tls, selectors.EVENT_READ, 8443)
frames = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
frames.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUFFORCE if hasattr(socket, 'SO_RCVBUFFORCE') else socket.SO_RCVBUF, 8 << 20)
selector.register(frames, selectors.EVENT_READ, 'frame')
seen = {'packets': {}, 'accepted': {}, 'frames': 0}
pathlib.Path('/run/lab/witness').touch()
while not pathlib.Path('/run/lab/stop').exists():
    for key, _ in selector.select(0.2):
        if key.data != 'frame':
            key.fileobj.accept()[0].close(); seen['accepted'][str(key.data)] = seen['accepted'].get(str(key.data), 0) + 1
            continue
        frame = frames.recv(65536); seen['frames'] += 1
        if len(frame) < 24: continue
        if frame[0] >> 4 == 4: protocol, offset = frame[9], (frame[0] & 15) * 4
        elif frame[0] >> 4 == 6: protocol, offset = frame[6], 40
        else: continue
        if protocol in (6, 17) and len(frame) >= offset + 4:
            port = struct.unpack_from('!HH', frame, offset)[1]
            if port in never: seen['packets'][str(port)] = seen['packets'].get(str(port), 0) + 1
print(json.dumps(seen))
"#;

fn watched(machine: &Machine, commands: &str) -> serde_json::Value {
    machine
        .run_with(&["tee", "/run/lab/witness.py"], WITNESS.as_bytes())
        .expect_code(0);
    let said = machine.shell(&format!(
        "rm -f /run/lab/stop /run/lab/witness
         python3 /run/lab/witness.py > /run/lab/seen 2>/run/lab/witness.err & watcher=$!; trap 'kill $watcher 2>/dev/null || true' EXIT
         for try in $(seq 100); do [ -e /run/lab/witness ] && break; sleep 0.1; done
         {commands}
         sleep 0.5; touch /run/lab/stop; wait $watcher; cat /run/lab/seen"
    ));
    serde_json::from_str(said.lines().last().unwrap()).unwrap()
}

#[test]
fn not_one_packet_goes_to_a_raw_print_port() {
    let Some(machine) = Machine::start(Kind::Bare) else {
        return;
    };
    // Printers everywhere: in files, by name, by address, on this machine and on the wire.
    machine.shell(
        "mkdir -p /opt/print
         printf '10.99.7.50 printer1.corp.example\\n' >> /etc/hosts
         printf 'PRINTER=socket://printer1.corp.example:9100\\nLPD=lpd://10.99.7.50:515/q\\nRAW=http://127.0.0.1:9101/\\nMETRICS=http://localhost:9100/metrics\\nOTHER=tcp://10.99.7.10:9999\\n' > /opt/print/.env",
    );
    let seen = watched(
        &machine,
        "groma survey --for 3s --data /root/data --out /root/out >/dev/null 2>&1
         groma-agent look --for 2s --out /root/look.batch >/dev/null 2>&1",
    );
    assert_eq!(
        seen["packets"],
        serde_json::json!({}),
        "packets went to print ports"
    );
    for port in seen["accepted"].as_object().unwrap().keys() {
        assert_eq!(port, "8443", "somebody connected to a print port");
    }
    assert!(
        seen["frames"].as_u64().unwrap() > 0,
        "the witness saw nothing at all"
    );
    assert!(
        seen["accepted"]["8443"].as_u64().unwrap_or(0) > 0,
        "the look never tried the TLS listener, so this proves little"
    );

    // The witness is awake: one connection of ours is counted.
    let seen = watched(
        &machine,
        "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 9105)).close()'",
    );
    assert!(
        seen["packets"]["9105"].as_u64().unwrap() > 0 && seen["accepted"]["9105"] == 1,
        "the witness sleeps: {seen}"
    );
}

#[test]
fn offline_sends_nothing_to_anybody() {
    let Some(machine) = Machine::start(Kind::Bare) else {
        return;
    };
    machine.shell(
        "printf 'nameserver 10.99.7.2\\n' > /etc/resolv.conf; mkdir -p /opt/x
         echo 'URL=https://public.example.org/ DATABASE_URL=postgresql://u@db.corp.example/x' > /opt/x/.env
         cat > /run/lab/wire.py <<'E'
import pathlib, select, socket
frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); frames.bind(('eth0', 0))
pathlib.Path('/run/lab/wire').touch(); sent = 0
while not pathlib.Path('/run/lab/wire-stop').exists():
    if select.select([frames], [], [], 0.2)[0]:
        data, where = frames.recvfrom(65536)
        if where[2] == socket.PACKET_OUTGOING and data[12:14] in (b'\\x08\\x00', b'\\x08\\x06'): sent += 1
print(sent)
E",
    );
    let sent = |words: &str| -> u32 {
        let said = machine.shell(&format!(
            "rm -f /run/lab/wire /run/lab/wire-stop
             python3 /run/lab/wire.py > /run/lab/wire-sent 2>/run/lab/wire.err & watcher=$!; trap 'kill $watcher 2>/dev/null || true' EXIT
             for try in $(seq 100); do [ -e /run/lab/wire ] && break; sleep 0.1; done
             {words} >/dev/null 2>&1
             sleep 0.3; touch /run/lab/wire-stop; wait $watcher; cat /run/lab/wire-sent"
        ));
        said.lines().last().unwrap().trim().parse().unwrap()
    };
    assert_eq!(
        sent("groma survey --offline --for 1s --data /root/data --out /root/out"),
        0
    );
    assert!(
        sent("groma survey --for 1s --data /root/data2 --out /root/out") > 0,
        "the witness of the wire sleeps"
    );
}
