//! The operator's rules for outbound requests.

use super::address::is_public;
use crate::base::Network;
use std::net::IpAddr;
use std::path::PathBuf;

#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Whether plain `http` URLs are allowed.
    pub allow_http: bool,
    /// Networks that may be reached although they are not public.
    pub allowed_networks: Vec<Network>,
    /// A PEM file of certificate authorities to trust instead of the system's.
    pub root_certificates: Option<PathBuf>,
}

impl Policy {
    /// Allows every address, for commands whose user names it.
    pub fn anywhere() -> Self {
        let all = ["0.0.0.0/0", "::/0"].iter().filter_map(|network| network.parse().ok());
        Self { allow_http: true, allowed_networks: all.collect(), root_certificates: None }
    }

    pub fn allows_address(&self, address: IpAddr) -> bool {
        is_public(address) || self.allows_explicitly(address)
    }

    /// Whether the configuration allows an address that may not be public.
    pub fn allows_explicitly(&self, address: IpAddr) -> bool {
        self.allowed_networks.iter().any(|network| network.contains(address))
    }
}
