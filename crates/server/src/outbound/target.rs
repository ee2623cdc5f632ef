//! The URL of an outbound request, read strictly.

use super::Policy;
use http::{HeaderValue, Uri};
use std::net::{IpAddr, Ipv4Addr};

const MAX_BYTES: usize = 2048;
/// Below this number, only the ports of HTTP itself may be used.
const FIRST_FREE_PORT: u16 = 1024;
/// Higher ports of services that could take an HTTP request for one of their own: file systems,
/// SIP, X11, IRC, caches and data stores.
const BLOCKED_PORTS: [u16; 18] = [
    2049, 3659, 4045, 4190, 5060, 5061, 5432, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6697,
    10080, 11211,
];

/// A checked URL: scheme, host, port and path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    is_tls: bool,
    /// A lower-case DNS name, or an IP address without brackets.
    host: String,
    port: u16,
    path: String,
}

/// The reason that a URL is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetError {
    TooLong,
    NotAUrl,
    NotHttps,
    HasCredentials,
    HasFragment,
    BadHost,
    BadPort,
    AddressRefused,
}

impl Target {
    /// Parses a URL. A host name is resolved and checked only when a connection is opened. An IP
    /// address is checked here as well, so that the caller learns of a refusal at once.
    pub fn parse(url: &str, policy: &Policy) -> Result<Self, TargetError> {
        if url.len() > MAX_BYTES {
            return Err(TargetError::TooLong);
        }
        if url.contains('#') {
            return Err(TargetError::HasFragment);
        }
        let uri: Uri = url.parse().map_err(|_| TargetError::NotAUrl)?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if policy.allow_http => false,
            Some(_) => return Err(TargetError::NotHttps),
            None => return Err(TargetError::NotAUrl),
        };
        let authority = uri.authority().ok_or(TargetError::NotAUrl)?;
        if authority.as_str().contains('@') {
            return Err(TargetError::HasCredentials);
        }
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => default_port(is_tls),
            Some(_) => authority.port_u16().ok_or(TargetError::BadPort)?,
            None => return Err(TargetError::NotAUrl),
        };
        let is_web = port == 443 || (port == 80 && !is_tls);
        if !is_web && (port < FIRST_FREE_PORT || BLOCKED_PORTS.contains(&port)) {
            return Err(TargetError::BadPort);
        }
        let host = authority.host().to_ascii_lowercase();
        let host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(v6) => v6.to_owned(),
            None => host,
        };
        check_host(&host, policy)?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { is_tls, host, port, path })
    }

    pub const fn is_tls(&self) -> bool {
        self.is_tls
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the value of the `Host` header.
    pub fn authority(&self) -> HeaderValue {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let is_default = self.port == default_port(self.is_tls);
        let text = if is_default { host } else { format!("{host}:{}", self.port) };
        // A checked host has visible ASCII only.
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("invalid"))
    }
}

const fn default_port(is_tls: bool) -> u16 {
    if is_tls { 443 } else { 80 }
}

fn check_host(host: &str, policy: &Policy) -> Result<(), TargetError> {
    let is_local = host == "localhost" || host.ends_with(".localhost");
    match host.parse::<IpAddr>() {
        Ok(address) if policy.allows_address(address) => Ok(()),
        Ok(_) => Err(TargetError::AddressRefused),
        Err(_) if is_local && !policy.allows_explicitly(Ipv4Addr::LOCALHOST.into()) => {
            Err(TargetError::AddressRefused)
        }
        Err(_) if is_dns_name(host) => Ok(()),
        Err(_) => Err(TargetError::BadHost),
    }
}

/// Whether this is a DNS name in ASCII. A last label of digits is an IPv4 address in one of its
/// unusual spellings (`127.1`, `2130706433`, `0x7f.1`), which resolvers accept: it is refused.
fn is_dns_name(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x");
    host.len() <= 253 && host.split('.').all(is_label) && !is_number
}

impl TargetError {
    /// Returns the end of the sentence "the URL …".
    pub const fn message(self) -> &'static str {
        match self {
            Self::TooLong => "must be at most 2048 bytes long",
            Self::NotAUrl => "must be an absolute URL",
            Self::NotHttps => "must be an https URL",
            Self::HasCredentials => "must not contain a user name or password",
            Self::HasFragment => "must not contain a fragment",
            Self::BadHost => "must have a DNS name or an IP address in its usual form as host",
            Self::BadPort => "must have port 443 or a port from 1024 that no other protocol uses",
            Self::AddressRefused => "must not point to a private or reserved address",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(allow_http: bool, networks: &[&str]) -> Policy {
        Policy {
            allow_http,
            allowed_networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
            root_certificates: None,
        }
    }

    #[test]
    fn target_refuses_url_that_could_reach_private_services() {
        for (url, error) in [
            ("http://example.com/", TargetError::NotHttps),
            ("ftp://example.com/", TargetError::NotHttps),
            ("example.com", TargetError::NotAUrl),
            ("/hook", TargetError::NotAUrl),
            ("https://user:secret@example.com/", TargetError::HasCredentials),
            ("https://user@example.com/", TargetError::HasCredentials),
            ("https://example.com/#part", TargetError::HasFragment),
            ("https://example.com:22/", TargetError::BadPort),
            ("https://example.com:0/", TargetError::BadPort),
            ("https://example.com:80/", TargetError::BadPort),
            ("https://example.com:6379/", TargetError::BadPort),
            ("https://example.com:99999/", TargetError::BadPort),
            ("https://localhost/", TargetError::AddressRefused),
            ("https://a.localhost:8443/", TargetError::AddressRefused),
            ("https://example.com:/", TargetError::BadPort),
            ("https://127.0.0.1/", TargetError::AddressRefused),
            ("https://169.254.169.254/latest", TargetError::AddressRefused),
            ("https://[::1]/", TargetError::AddressRefused),
            ("https://[::ffff:10.0.0.1]/", TargetError::AddressRefused),
            ("https://[fd00::1]/", TargetError::AddressRefused),
            ("https://127.1/", TargetError::BadHost),
            ("https://2130706433/", TargetError::BadHost),
            ("https://0x7f.1/", TargetError::BadHost),
            ("https://0x7f000001/", TargetError::BadHost),
            ("https://017700000001/", TargetError::BadHost),
            ("https://exa mple.com/", TargetError::NotAUrl),
            ("https://-a.example/", TargetError::BadHost),
            ("https://a..example/", TargetError::BadHost),
        ] {
            assert_eq!(Target::parse(url, &policy(false, &[])), Err(error), "{url}");
        }
        let long = format!("https://example.com/{}", "a".repeat(MAX_BYTES));
        assert_eq!(Target::parse(&long, &policy(false, &[])), Err(TargetError::TooLong));
    }

    #[test]
    fn target_splits_url_into_its_parts() {
        let target = Target::parse("https://Example.com/hook?a=1", &policy(false, &[])).unwrap();
        assert_eq!(
            (target.host(), target.port(), target.path()),
            ("example.com", 443, "/hook?a=1")
        );
        assert_eq!(target.authority(), "example.com");
        let local = policy(true, &["127.0.0.0/8", "::1"]);
        let target = Target::parse("http://127.0.0.1:3000", &local).unwrap();
        assert_eq!((target.is_tls(), target.path()), (false, "/"));
        assert_eq!(target.authority(), "127.0.0.1:3000");
        let target = Target::parse("https://[::1]:8443/x", &local).unwrap();
        assert_eq!((target.host(), target.authority()), ("::1", "[::1]:8443".parse().unwrap()));
    }
}
