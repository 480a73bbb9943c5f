//! SNMP v2c traps: one datagram a notice. Nobody says that it arrived; that is what traps are.
//!
//! ```text
//! Message { version 1, community, SNMPv2-Trap-PDU [7] { id, 0, 0, bindings } }
//! bindings: sysUpTime.0, snmpTrapOID.0 = <arc>.0.1, <arc>.1.1.0 … = event, state, severity, subject,
//!           sentence, next step, host
//! ```
//!
//! The arc is that which net-snmp keeps for local use (netSnmpPlaypen): there is no number of our own
//! to be had without a registration, and a manager is told by the operator what to do with it.

use std::net::{ToSocketAddrs as _, UdpSocket};
use std::time::Duration;

use super::Notice;

/// 1.3.6.1.4.1.8072.9999.9999.
const ARC: &[u32] = &[1, 3, 6, 1, 4, 1, 8072, 9999, 9999];
const SYS_UP_TIME: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 3, 0];
const SNMP_TRAP_OID: &[u32] = &[1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0];
/// Port of traps.
const PORT: u16 = 162;
/// Bytes of one text: the whole fits a datagram that no network cuts in pieces.
const TEXT_BYTES_MAX: usize = 160;
/// Tags of BER and of SMI.
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const TIME_TICKS: u8 = 0x43;
const TRAP_PDU: u8 = 0xA7;
/// Version 2c, as the message counts.
const VERSION: u32 = 1;

/// Sends it once; an error is one of this machine or of finding the receiver.
pub(super) fn send(
    server: &str,
    port: Option<u16>,
    community: &str,
    notice: &Notice,
    delivery: i64,
    up_time: Duration,
) -> Result<(), String> {
    let said = |error: std::io::Error| format!("cannot send a trap to {server}: {error}");
    let mut addresses = (server, port.unwrap_or(PORT)).to_socket_addrs().map_err(said)?;
    let address = addresses.next().ok_or_else(|| format!("{server} has no address"))?;
    let local = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(local).map_err(said)?;
    let trap = encode_trap(community, notice, delivery, up_time);
    socket.send_to(&trap, address).map(drop).map_err(said)
}

/// The datagram.
fn encode_trap(community: &str, notice: &Notice, delivery: i64, up_time: Duration) -> Vec<u8> {
    // Hundredths of a second, which go round after 497 days by the standard.
    let ticks = u32::try_from(up_time.as_millis() / 10 % (1 << 32)).unwrap_or(0);
    let mut bindings = binding(SYS_UP_TIME, &number(TIME_TICKS, ticks));
    bindings.extend(binding(SNMP_TRAP_OID, &identifier(&[ARC, &[0, 1]].concat())));
    let texts = [
        notice.event.as_str(),
        notice.state.as_str(),
        notice.severity.as_str(),
        &notice.subject,
        &notice.sentence,
        &notice.next_step,
        &notice.host,
    ];
    for (text, place) in texts.iter().zip(1_u32..) {
        let name = [ARC, &[1, place, 0]].concat();
        bindings.extend(binding(&name, &item(OCTET_STRING, cut(text).as_bytes())));
    }
    let request = u32::try_from(delivery & 0x7FFF_FFFF).unwrap_or(0);
    let pdu = [
        number(INTEGER, request),
        number(INTEGER, 0),
        number(INTEGER, 0),
        item(SEQUENCE, &bindings),
    ];
    let message = [
        number(INTEGER, VERSION),
        item(OCTET_STRING, community.as_bytes()),
        item(TRAP_PDU, &pdu.concat()),
    ];
    item(SEQUENCE, &message.concat())
}

fn binding(name: &[u32], value: &[u8]) -> Vec<u8> {
    item(SEQUENCE, &[identifier(name), value.to_vec()].concat())
}

/// Tag, length, content.
fn item(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match u8::try_from(content.len()) {
        Ok(length) if length < 0x80 => bytes.push(length),
        _ => {
            let length = content.len().to_be_bytes();
            let from = length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1);
            let count = u8::try_from(length.len() - from).unwrap_or(0);
            bytes.push(0x80 | count);
            bytes.extend_from_slice(&length[from..]);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// A number in as few bytes as show that it is not negative.
fn number(tag: u8, value: u32) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend_from_slice(&value.to_be_bytes());
    let is_spare = |pair: &[u8]| pair[0] == 0 && pair[1] < 0x80;
    let from = bytes.windows(2).take_while(|pair| is_spare(pair)).count();
    item(tag, &bytes[from..])
}

/// The first two parts share a byte; the rest are seven bits a byte.
fn identifier(parts: &[u32]) -> Vec<u8> {
    let mut content = Vec::new();
    let (first, rest) = parts.split_at(2.min(parts.len()));
    let head = first.iter().fold(0, |sum, part| sum * 40 + part);
    for part in std::iter::once(&head).chain(rest) {
        let groups = (0..5_u32).rev().map(|at| part >> (7 * at) & 0x7F);
        let used: Vec<u32> = groups.skip_while(|group| *group == 0).collect();
        let used = if used.is_empty() { vec![0] } else { used };
        for (at, group) in used.iter().enumerate() {
            let more = if at + 1 < used.len() { 0x80 } else { 0 };
            content.push(more | u8::try_from(*group).unwrap_or(0));
        }
    }
    item(OBJECT_IDENTIFIER, &content)
}

/// As much of a text as fits, at a boundary of its letters.
fn cut(text: &str) -> &str {
    let end = (0..=TEXT_BYTES_MAX.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_identifiers_are_encoded_as_the_standard_has_them() {
        assert_eq!(number(INTEGER, 0), [2, 1, 0]);
        assert_eq!(number(INTEGER, 127), [2, 1, 127]);
        assert_eq!(number(INTEGER, 128), [2, 2, 0, 128]);
        assert_eq!(number(TIME_TICKS, u32::MAX), [0x43, 5, 0, 255, 255, 255, 255]);
        // 8072 = 63 * 128 + 8; 9999 = 78 * 128 + 15.
        let arc = [6, 10, 43, 6, 1, 4, 1, 0xBF, 8, 0xCE, 15, 0xCE];
        assert_eq!(identifier(ARC)[2..11], arc[2..11]);
        assert_eq!(item(OCTET_STRING, &[0; 200])[..3], [4, 0x81, 200]);
        assert_eq!(cut("ä".repeat(100).as_str()).len(), 160);
    }
}
