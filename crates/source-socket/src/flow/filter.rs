//! The classic BPF program that lets through what UDP tells about services, pure.
//!
//! Answers of name servers whole, and the first bytes of what is sent to a port that is a service's. Everything
//! else stays in the kernel. Offsets count from the network header (a cooked socket).

use groma_model::Transport;
use groma_model::registry::REGISTRY;
use groma_source::Instruction;

/// Bytes kept of an answer of a name server.
const ANSWER_BYTES: u32 = 4096;
/// Bytes kept of everything else: the longest IPv4 header and that of UDP.
const HEADER_BYTES: u32 = 68;
/// Where names are answered.
const DNS: u32 = 53;
/// Where the kernel hands out a random number (`SKF_AD_OFF + SKF_AD_RANDOM`).
const RANDOM: u32 = (-0x1000_i32 + 56).cast_unsigned();

const LOAD_BYTE: u16 = 0x30;
const LOAD_HALF: u16 = 0x28;
const LOAD_WORD: u16 = 0x20;
const LOAD_HALF_BEHIND: u16 = 0x48; // at X + k
const HEADER_LENGTH_TO_X: u16 = 0xb1;
const NUMBER_TO_X: u16 = 0x01;
const SHIFT_RIGHT: u16 = 0x74;
const GO: u16 = 0x05;
const IF_EQUAL: u16 = 0x15;
const IF_GREATER: u16 = 0x25;
const IF_BITS: u16 = 0x45;
const RETURN: u16 = 0x06;

/// Every port that counts as a service's, sorted.
pub fn service_ports() -> Vec<u16> {
    let known = REGISTRY
        .dependencies
        .values()
        .flat_map(|kind| kind.endpoints())
        .filter(|(_, transport)| *transport == Transport::Udp)
        .map(|(port, _)| port.0);
    let mut ports: Vec<u16> = known
        .chain(groma_model::watched::MORE_DATAGRAMS_HEARD)
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports.truncate(150); // jumps reach 255 instructions
    ports
}

/// The program. Of what is no answer of a name server it lets one in `one_of` through.
pub fn filter(ports: &[u16], one_of: u32) -> Vec<Instruction> {
    let op = |code, operand| Instruction {
        code,
        jump_true: 0,
        jump_false: 0,
        operand,
    };
    let when = |code, operand, yes, no| Instruction {
        code,
        jump_true: yes,
        jump_false: no,
        operand,
    };
    let count = u8::try_from(ports.len()).unwrap_or(u8::MAX);
    // Where the ends are, counted from the instruction after the common part's third.
    let mut program = vec![
        op(LOAD_BYTE, 0),
        op(SHIFT_RIGHT, 4),
        when(IF_EQUAL, 4, 0, 6),
        // IPv4: UDP, first fragment.
        op(LOAD_BYTE, 9),
        when(IF_EQUAL, 17, 0, 3),
        op(LOAD_HALF, 6),
        when(IF_BITS, 0x1fff, 1, 0),
        when(GO, 2, 0, 0), // to the header length
        op(RETURN, 0),
        when(GO, 2, 0, 0), // to IPv6
        op(HEADER_LENGTH_TO_X, 0),
        when(GO, 6, 0, 0), // to the common part
        // IPv6: UDP at once.
        when(IF_EQUAL, 6, 1, 0),
        op(RETURN, 0),
        op(LOAD_BYTE, 6),
        when(IF_EQUAL, 17, 1, 0),
        op(RETURN, 0),
        op(NUMBER_TO_X, 40),
        // Common: X is where UDP begins.
        op(LOAD_HALF_BEHIND, 0),
        when(IF_EQUAL, DNS, 0, 1),
        op(RETURN, ANSWER_BYTES),
        op(LOAD_HALF_BEHIND, 2),
    ];
    for (at, port) in (0_u8..).zip(ports) {
        program.push(when(IF_EQUAL, u32::from(*port), count - at, 0));
    }
    program.push(op(RETURN, 0));
    if one_of > 1 {
        program.push(op(LOAD_WORD, RANDOM));
        program.push(when(IF_GREATER, u32::MAX / one_of, 0, 1));
        program.push(op(RETURN, 0));
    }
    program.push(op(RETURN, HEADER_BYTES));
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the program says of `packet`: the instructions above, as the kernel runs them.
    fn run(program: &[Instruction], packet: &[u8], random: u32) -> u32 {
        let (mut a, mut x, mut at) = (0_u32, 0_usize, 0_usize);
        for _ in 0..1000 {
            let i = program.get(at).expect("a program returns");
            at += 1;
            let k = i.operand as usize;
            let byte = |at: usize| packet.get(at).copied().map(u32::from);
            let half = |at: usize| Some(byte(at)? << 8 | byte(at + 1)?);
            let jump = |holds: bool| usize::from(if holds { i.jump_true } else { i.jump_false });
            match i.code {
                LOAD_BYTE => match byte(k) {
                    Some(v) => a = v,
                    None => return 0,
                },
                LOAD_HALF => match half(k) {
                    Some(v) => a = v,
                    None => return 0,
                },
                LOAD_HALF_BEHIND => match half(x + k) {
                    Some(v) => a = v,
                    None => return 0,
                },
                LOAD_WORD => {
                    assert_eq!(i.operand, RANDOM);
                    a = random;
                }
                HEADER_LENGTH_TO_X => match byte(k) {
                    Some(v) => x = (v as usize & 15) * 4,
                    None => return 0,
                },
                NUMBER_TO_X => x = k,
                SHIFT_RIGHT => a >>= i.operand,
                GO => at += k,
                IF_EQUAL => at += jump(a == i.operand),
                IF_GREATER => at += jump(a > i.operand),
                IF_BITS => at += jump(a & i.operand != 0),
                RETURN => return i.operand,
                other => panic!("{other:#x}"),
            }
        }
        panic!("it does not end");
    }

    fn v4(protocol: u8, fragment: u16, from: u16, to: u16) -> Vec<u8> {
        // Six words: a header with an option.
        let mut packet = vec![0x46, 0, 0, 0, 0, 0];
        packet.extend(fragment.to_be_bytes());
        packet.extend([64, protocol]);
        packet.extend([0; 14]);
        packet.extend(from.to_be_bytes());
        packet.extend(to.to_be_bytes());
        packet.extend([0; 8]);
        packet
    }

    fn v6(next: u8, from: u16, to: u16) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0, 0, 0, next];
        packet.extend([0; 33]);
        packet.extend(from.to_be_bytes());
        packet.extend(to.to_be_bytes());
        packet.extend([0; 8]);
        packet
    }

    #[test]
    fn only_services_and_answers_pass() {
        let ports = service_ports();
        assert!(ports.contains(&123) && ports.contains(&514) && ports.contains(&1812));
        let program = filter(&ports, 1);
        let says = |packet: &[u8]| run(&program, packet, 0);
        assert_eq!(says(&v4(17, 0, 53, 40_000)), ANSWER_BYTES);
        assert_eq!(says(&v6(17, 53, 40_000)), ANSWER_BYTES);
        for port in &ports {
            assert_eq!(says(&v4(17, 0, 40_000, *port)), HEADER_BYTES, "{port}");
            assert_eq!(says(&v6(17, 40_000, *port)), HEADER_BYTES, "{port}");
        }
        assert_eq!(
            says(&v4(17, 0x4000, 40_000, 53)),
            HEADER_BYTES,
            "may not be cut up"
        );
        for silent in [
            v4(6, 0, 40_000, 53),
            v4(17, 7, 40_000, 53),
            v4(17, 0, 40_000, 443),
            v6(6, 40_000, 53),
            v6(17, 40_000, 443),
            vec![],
            vec![0x45],
            vec![0xff; 60],
        ] {
            assert_eq!(says(&silent), 0, "{silent:?}");
        }
    }

    #[test]
    fn a_sample_lets_one_of_many_through_and_every_answer() {
        let program = filter(&service_ports(), 16);
        assert_eq!(run(&program, &v4(17, 0, 9, 123), 0), HEADER_BYTES);
        assert_eq!(run(&program, &v4(17, 0, 9, 123), u32::MAX / 16 + 1), 0);
        assert_eq!(run(&program, &v4(17, 0, 53, 9), u32::MAX), ANSWER_BYTES);
    }
}
