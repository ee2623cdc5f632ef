//! Address ranges in CIDR notation.

use std::net::IpAddr;
use std::str::FromStr;

/// An address range in CIDR notation; a bare address is a range of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: u128,
    prefix: u32,
    is_v4: bool,
}

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.is_v4 && (bits(address) ^ self.address) & self.mask() == 0
    }

    fn mask(&self) -> u128 {
        let width = if self.is_v4 { 32 } else { 128 };
        match width - self.prefix {
            128 => 0,
            free => u128::MAX << free,
        }
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("{text:?} is not an address range such as 10.0.0.0/8");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => {
                prefix.parse().ok().filter(|bits| *bits <= width).ok_or_else(invalid)?
            }
            None => width,
        };
        Ok(Self { address: bits(address), prefix, is_v4: address.is_ipv4() })
    }
}

impl<'de> serde::Deserialize<'de> for Network {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Network;

    #[test]
    fn network_contains_its_own_addresses_only() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("127.0.0.0/8", "::ffff:127.0.0.1", "::1"),
            ("fd00::/8", "fd12::1", "fe80::1"),
            ("0.0.0.0/0", "169.254.169.254", "::1"),
            ("::/0", "::1", "10.0.0.1"),
        ] {
            let range: Network = network.parse().unwrap();
            assert!(range.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(!range.contains(outside.parse().unwrap()), "{network} {outside}");
        }
    }

    #[test]
    fn network_parse_refuses_malformed_text() {
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::1/129", "localhost", "10.0.0.0/-1"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
