//! Valid headers and payloads with a wrong signature.

use super::{CUSTOMER, SEED, Vector, encode, header, parts, payload, payload_with, public_bytes};
use super::{FOREIGN_SEED, NOW};
use super::{payload_with_times, refuse, sign, signature_of, signed};

/// The order of the base point (RFC 8032 section 5.1), little endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

pub(super) fn all() -> Vec<Vector> {
    let good = signed(payload());
    let text = good.rsplit_once('.').unwrap().0;
    let signature = signature_of(SEED, text);
    let (r, s) = signature.split_at(32);
    let bad = |name: &str, bytes: Vec<u8>| {
        refuse("bad_signature", name, format!("{text}.{}", encode(bytes)))
    };
    let flipped = |at: usize, bit: u8| {
        let mut bytes = signature.clone();
        bytes[at] ^= bit;
        bytes
    };
    let [head, body, _] = parts(&good);
    let mut one = [0; 32];
    one[0] = 1;
    let mut all = vec![
        bad("the first bit changed", flipped(0, 1)),
        bad("the sign bit of R changed", flipped(31, 0x80)),
        bad("the first bit of S changed", flipped(32, 1)),
        bad("the last bit of S changed", flipped(63, 0x80)),
        bad("S plus the order, the other root of the same equation", {
            [r, &plus_order(s, 1)].concat()
        }),
        bad("S plus twice the order", [r, &plus_order(s, 2)].concat()),
        bad("S equal to the order", [r, &ORDER].concat()),
        bad("S of zero", [r, &[0; 32]].concat()),
        bad("R of zero", [&[0; 32], s].concat()),
        bad("all zero", vec![0; 64]),
        bad("all ones", vec![0xff; 64]),
        bad("the neutral point and S of zero", [one, [0; 32]].concat()),
        bad("the public key for R", [&public_bytes(SEED), s].concat()),
        bad("R and S swapped", [s, r].concat()),
        bad("the signature of the payload alone", signature_of(SEED, body)),
        bad("the signature of the header alone", signature_of(SEED, head)),
        bad("the signature of the parts with no dot", signature_of(SEED, format!("{head}{body}"))),
        bad("the signature with a dot after", signature_of(SEED, format!("{text}."))),
        bad("the signature of the decoded texts", {
            signature_of(SEED, format!("{}.{}", header(), payload()))
        }),
        bad("the signature of nothing", signature_of(SEED, "")),
    ];

    let changed = |name: &str, payload: String| {
        let token = format!("{head}.{}.{}", encode(payload), encode(&signature));
        refuse("bad_signature", name, token)
    };
    all.extend([
        changed("the customer changed", payload_with(CUSTOMER, "cus_01kwgt3qt8f689ez1ekre217xx")),
        changed("the scope widened", payload_with("customer:read", "customer:write")),
        changed("the end moved", payload_with_times(NOW - 60, NOW + 7140)),
        changed("the environment changed", payload_with("live", "sandbox")),
        changed("the payload emptied", "{}".to_owned()),
        changed("a space added to the payload", payload_with(",", ", ")),
    ]);
    // `bad_signature` takes precedence: `expired` is only returned for a token that we signed.
    let expired = payload_with_times(NOW - 3600, NOW - 1);
    all.push(refuse("bad_signature", "expired, and signed by a foreign key", {
        sign(FOREIGN_SEED, header(), expired)
    }));
    all.push(refuse("bad_signature", "bad claims, and signed by a foreign key", {
        sign(FOREIGN_SEED, header(), "{}")
    }));
    all
}

fn plus_order(s: &[u8], times: u8) -> [u8; 32] {
    let mut sum: [u8; 32] = s.try_into().unwrap();
    for _ in 0..times {
        let mut carry = 0;
        for (byte, order) in sum.iter_mut().zip(ORDER) {
            let total = u16::from(*byte) + u16::from(order) + carry;
            *byte = (total & 0xff) as u8;
            carry = total >> 8;
        }
    }
    sum
}
