//! The configuration: defaults, then a TOML file, then the environment, then flags.
//!
//! `config.default.toml` is the manual and the closed list of keys: any other key is refused, in a
//! file and in the environment.

use crate::base::{AfterLostDispute, Network};
use anyhow::{Context, anyhow, bail};
use serde::Deserialize;
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use toml::{Table, Value};

const DEFAULTS: &str = include_str!("../config.default.toml");
/// Names the file, like `--config`.
pub const FILE_VARIABLE: &str = "UNITPAY_CONFIG";
/// Variables that are not keys: the file name, and the SDK's variables, which may be set in the
/// same environment.
const OTHER_VARIABLES: [&str; 3] = [FILE_VARIABLE, "UNITPAY_API_KEY", "UNITPAY_BASE_URL"];

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub listen: SocketAddr,
    pub public_url: String,
    pub data_dir: PathBuf,
    pub database_url: String,
    pub master_key: String,
    pub metrics_listen: String,
    pub fonts_dir: PathBuf,
    pub portal: PortalConfig,
    pub http: HttpConfig,
    pub limits: LimitsConfig,
    pub postgres: PostgresConfig,
    pub billing: BillingConfig,
    pub retention: RetentionConfig,
    pub stripe: StripeConfig,
    pub webhooks: WebhooksConfig,
    pub email: EmailConfig,
    pub log: LogConfig,
    /// Variables that Kubernetes made of a service called `unitpay`; they are no keys.
    #[serde(skip)]
    pub ignored_variables: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortalConfig {
    pub min_ttl_seconds: i64,
    pub max_lifetime_seconds: i64,
    pub invoice_link_days: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    pub header_timeout_seconds: u64,
    pub body_timeout_seconds: u64,
    pub request_timeout_seconds: u64,
    pub response_timeout_seconds: u64,
    pub drain_seconds: u64,
    pub max_connections: usize,
    pub trusted_proxies: Vec<IpAddr>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    pub portal_session_per_second: u32,
    pub portal_session_burst: u32,
    pub customer_writes_per_day: u32,
    pub promotion_codes_per_hour: u32,
    pub secret_key_per_second: u32,
    pub secret_key_burst: u32,
    pub bad_credentials_per_second: u32,
    pub logins_per_hour: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresConfig {
    pub connections: usize,
    pub root_certificates: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillingConfig {
    pub usage_grace_seconds: i64,
    pub card_expiry_notice_days: i64,
    pub trial_notice_days: i64,
    pub renewal_notice_days: i64,
    pub after_lost_dispute: AfterLostDispute,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionConfig {
    pub audit_days: i64,
    pub event_days: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StripeConfig {
    pub api_base: ApiOrigin,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhooksConfig {
    pub allow_http: bool,
    pub allowed_networks: Vec<Network>,
    pub root_certificates: PathBuf,
    pub timeout_seconds: u64,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailConfig {
    /// Without a server or a folder, no e-mail is queued or sent.
    pub server: Optional<SmtpServer>,
    /// Takes each message as a file in place of a server.
    pub folder: PathBuf,
    pub starttls: Starttls,
    pub user: String,
    pub password: String,
    pub sender: Optional<lettre::Address>,
    pub sender_domains: Vec<Domain>,
    pub sandbox: bool,
    pub root_certificates: PathBuf,
    pub timeout_seconds: u64,
}

/// Whether the connection to an `smtp://` server changes to TLS before anything is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Starttls {
    /// Required, except on loopback.
    Auto,
    Required,
    Off,
}

/// A value that the empty text leaves out.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String", bound = "")]
pub struct Optional<T: FromStr<Err: Display>>(pub Option<T>);

impl<T: FromStr<Err: Display>> TryFrom<String> for Optional<T> {
    type Error = T::Err;

    fn try_from(text: String) -> Result<Self, T::Err> {
        if text.is_empty() { Ok(Self(None)) } else { text.parse().map(|value| Self(Some(value))) }
    }
}

/// A domain in lower case, such as `shop.example`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Domain(String);

impl TryFrom<String> for Domain {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if is_host(&text) && text.contains('.') {
            Ok(Self(text))
        } else {
            Err("must be a domain in lower case, such as shop.example")
        }
    }
}

/// An SMTP server: `smtp://host:port`, or `smtps://host:port` for TLS from the first byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpServer {
    pub tls: bool,
    pub host: String,
    pub port: u16,
}

impl SmtpServer {
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

impl FromStr for SmtpServer {
    type Err = &'static str;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "must be smtp://host:port or smtps://host:port, without credentials";
        let (tls, rest) = match (url.strip_prefix("smtps://"), url.strip_prefix("smtp://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(WRONG),
        };
        let (host, port) = rest.split_once(':').unwrap_or((rest, if tls { "465" } else { "587" }));
        if !is_host(host) {
            return Err(WRONG);
        }
        let port = port.parse().map_err(|_| WRONG)?;
        Ok(Self { tls, host: host.to_owned(), port })
    }
}

fn is_host(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b);
    !text.is_empty() && text.bytes().all(plain)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The origin of an API that this server calls with secrets: https, or http on loopback.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct ApiOrigin {
    pub tls: bool,
    pub host: String,
    pub port: u16,
}

impl ApiOrigin {
    /// The value of the `Host` header.
    pub fn authority(&self) -> String {
        let usual = if self.tls { 443 } else { 80 };
        if self.port == usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

impl TryFrom<String> for ApiOrigin {
    type Error = &'static str;

    fn try_from(url: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "must be https://host or, on loopback only, http://host, with no path";
        let (tls, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(WRONG),
        };
        let (host, port) = rest.split_once(':').unwrap_or((rest, if tls { "443" } else { "80" }));
        if !is_host(host) || !(tls || is_loopback(host)) {
            return Err(WRONG);
        }
        let port = port.parse().map_err(|_| WRONG)?;
        Ok(Self { tls, host: host.to_owned(), port })
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    pub level: LogLevel,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

impl Config {
    /// Merges the layers. `flags` are `(key, value)` pairs, as `("listen", "…")`.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        let mut table: Table = DEFAULTS.parse().context("the built-in configuration")?;
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the configuration {}", path.display()))?;
            let given: Table = text.parse().map_err(|error: toml::de::Error| {
                // The parser would quote the line, which may contain a secret.
                let at = error.span().map_or(0, |span| span.start.min(text.len()));
                let line = text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
                anyhow!("{} is not valid TOML: line {line}: {}", path.display(), error.message())
            })?;
            overlay(&mut table, given, "")?;
        }
        let mut ignored = Vec::new();
        for (name, value) in environment {
            if !name.starts_with("UNITPAY_") || OTHER_VARIABLES.contains(&name.as_str()) {
                continue;
            }
            match slot_of_variable(&mut table, &name) {
                Some(slot) => {
                    *slot =
                        read_like(slot, &value).with_context(|| format!("bad value in {name}"))?;
                }
                None if is_service_link(&name, &value) => ignored.push(name),
                None => bail!("{name} is not a configuration key"),
            }
        }
        for (key, value) in flags {
            let slot = table.get_mut(*key).with_context(|| format!("no key {key}"))?;
            *slot = Value::String(value.clone());
        }
        let mut config: Self = table.try_into().context("the configuration is not valid")?;
        config.check()?;
        ignored.sort();
        config.ignored_variables = ignored;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        let Self { portal, http, limits, postgres, retention, webhooks, email, .. } = self;
        let longest = unitpay_token::MAX_LIFE_SECONDS;
        if !(1..=longest).contains(&portal.min_ttl_seconds) {
            bail!("portal.min_ttl_seconds must be 1 to {longest}");
        }
        if !(portal.min_ttl_seconds..=longest).contains(&portal.max_lifetime_seconds) {
            bail!("portal.max_lifetime_seconds must be portal.min_ttl_seconds to {longest}");
        }
        // A link looks for revoked sessions, which are kept for so long.
        if !(0..=30).contains(&portal.invoice_link_days) {
            bail!("portal.invoice_link_days must be 0 to 30");
        }
        let positive = [
            ("http.header_timeout_seconds", http.header_timeout_seconds),
            ("http.body_timeout_seconds", http.body_timeout_seconds),
            ("http.request_timeout_seconds", http.request_timeout_seconds),
            ("http.response_timeout_seconds", http.response_timeout_seconds),
            ("http.max_connections", http.max_connections as u64),
            ("limits.portal_session_burst", limits.portal_session_burst.into()),
            ("limits.secret_key_burst", limits.secret_key_burst.into()),
            ("postgres.connections", postgres.connections as u64),
            ("retention.audit_days", retention.audit_days.try_into().unwrap_or(0)),
            ("webhooks.timeout_seconds", webhooks.timeout_seconds),
            ("email.timeout_seconds", email.timeout_seconds),
        ];
        if let Some((key, _)) = positive.iter().find(|(_, value)| *value == 0) {
            bail!("{key} must be at least 1");
        }
        // Sums of times and permits overflow far above these bounds.
        let bounded = [
            ("http.header_timeout_seconds", http.header_timeout_seconds, 86_400),
            ("http.body_timeout_seconds", http.body_timeout_seconds, 86_400),
            ("http.request_timeout_seconds", http.request_timeout_seconds, 86_400),
            ("http.response_timeout_seconds", http.response_timeout_seconds, 86_400),
            ("http.drain_seconds", http.drain_seconds, 86_400),
            ("http.max_connections", http.max_connections as u64, 1_000_000),
            ("postgres.connections", postgres.connections as u64, 10_000),
            ("retention.audit_days", retention.audit_days.unsigned_abs(), 36_500),
            ("webhooks.timeout_seconds", webhooks.timeout_seconds, 60),
            ("email.timeout_seconds", email.timeout_seconds, 60),
        ];
        if let Some((key, _, most)) = bounded.iter().find(|(_, value, most)| value > most) {
            bail!("{key} must be at most {most}");
        }
        // The last retry is four days after the event.
        if !(7..=3_650).contains(&retention.event_days) {
            bail!("retention.event_days must be 7 to 3650");
        }
        if !(0..=604_800).contains(&self.billing.usage_grace_seconds) {
            bail!("billing.usage_grace_seconds must be 0 to 604800");
        }
        if !(1..=366).contains(&self.billing.card_expiry_notice_days) {
            bail!("billing.card_expiry_notice_days must be 1 to 366");
        }
        if !(0..=90).contains(&self.billing.trial_notice_days) {
            bail!("billing.trial_notice_days must be 0 to 90");
        }
        if !(0..=180).contains(&self.billing.renewal_notice_days) {
            bail!("billing.renewal_notice_days must be 0 to 180");
        }
        if !self.public_url.is_empty() {
            check_public_url(&self.public_url)?;
        }
        self.email.check()
    }
}

impl EmailConfig {
    /// Whether an organization may send from this address: its domain is that of the server's sender
    /// or one of `sender_domains`.
    pub fn allows_sender(&self, address: &str) -> bool {
        let domain = address.rsplit('@').next().unwrap_or_default();
        let server = self.sender.0.as_ref().map(lettre::Address::domain);
        let mut allowed = self.sender_domains.iter().map(|domain| domain.0.as_str()).chain(server);
        address.is_ascii() && allowed.any(|allowed| allowed.eq_ignore_ascii_case(domain))
    }

    /// Returns the folder that takes messages in place of a server.
    pub fn folder(&self) -> Option<&Path> {
        (!self.folder.as_os_str().is_empty()).then_some(&*self.folder)
    }

    fn check(&self) -> anyhow::Result<()> {
        let key = match (&self.server.0, self.folder()) {
            (Some(_), Some(_)) => bail!("email.server and email.folder exclude each other"),
            (Some(_), None) => "email.server",
            (None, Some(_)) => "email.folder",
            (None, None) => return Ok(()),
        };
        let Some(sender) = &self.sender.0 else {
            bail!("{key} needs email.sender, the address that e-mail is from");
        };
        if !AsRef::<str>::as_ref(sender).is_ascii() {
            bail!("email.sender must be in ASCII; write an international domain as xn--…");
        }
        let Some(server) = &self.server.0 else { return Ok(()) };
        let is_plain = !server.tls && self.starttls == Starttls::Off && !server.is_loopback();
        if is_plain && !self.user.is_empty() {
            bail!(
                "email.user needs TLS: with email.starttls = \"off\" the password would cross the network unencrypted"
            );
        }
        Ok(())
    }
}

/// Whether Kubernetes made a variable of a service whose name begins with `unitpay`: it gives every
/// container of the namespace the variables of Docker's links, such as `UNITPAY_SERVICE_HOST`,
/// `UNITPAY_PORT=tcp://…` and `UNITPAY_PORT_4000_TCP_ADDR`.
fn is_service_link(name: &str, value: &str) -> bool {
    let is_url = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    if name.ends_with("_SERVICE_HOST") {
        return value.parse::<IpAddr>().is_ok();
    }
    if name.ends_with("_SERVICE_PORT") || name.contains("_SERVICE_PORT_") {
        return is_number;
    }
    if name.ends_with("_PORT") && is_url {
        return true;
    }
    let Some((_, link)) = name.split_once("_PORT_") else { return false };
    let parts: Vec<&str> = link.split('_').collect();
    match parts[..] {
        [port, "TCP" | "UDP" | "SCTP", ref rest @ ..] if port.parse::<u16>().is_ok() => {
            match rest {
                [] => is_url,
                ["PROTO"] => ["tcp", "udp", "sctp"].contains(&value),
                ["PORT"] => is_number,
                ["ADDR"] => value.parse::<IpAddr>().is_ok(),
                _ => false,
            }
        }
        _ => false,
    }
}

/// Where the origin of a URL ends and its path begins.
fn end_of_origin(url: &str) -> usize {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..].find('/').map_or(url.len(), |at| host + at)
}

/// The origin of a public URL, as browsers send it.
pub fn origin_of(url: &str) -> &str {
    &url[..end_of_origin(url)]
}

/// The path of a public URL: empty, or `/` and at least one segment, with no `/` at its end.
pub fn path_of(url: &str) -> &str {
    &url[end_of_origin(url)..]
}

/// The origin must be as browsers write it: everything derived from it is compared.
fn check_public_url(url: &str) -> anyhow::Result<()> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest.filter(|rest| !rest.is_empty() && !rest.starts_with('/')) else {
        bail!("public_url must start with https:// or http:// and a host");
    };
    let host = rest.split('/').next().unwrap_or_default();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-:[]".contains(&b);
    if !host.bytes().all(plain) || url.len() > 200 {
        bail!("public_url must be scheme, lower-case host and port, and may have a path");
    }
    let in_path = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    let is_segment =
        |segment: &str| !["", ".", ".."].contains(&segment) && segment.bytes().all(in_path);
    if !path_of(url).split('/').skip(1).all(is_segment) {
        bail!("the path of public_url must be letters, digits and -_.~, with no / at its end");
    }
    let usual_port = if url.starts_with("https:") { ":443" } else { ":80" };
    if host.ends_with(usual_port) {
        bail!("public_url must leave out {usual_port}, as browsers do");
    }
    Ok(())
}

fn overlay(base: &mut Table, given: Table, prefix: &str) -> anyhow::Result<()> {
    for (key, value) in given {
        let slot = base
            .get_mut(&key)
            .with_context(|| format!("unknown configuration key {prefix}{key}"))?;
        match (slot, value) {
            (Value::Table(inner), Value::Table(given)) => {
                overlay(inner, given, &format!("{prefix}{key}."))?;
            }
            (slot, value) => *slot = value,
        }
    }
    Ok(())
}

fn slot_of_variable<'t>(table: &'t mut Table, variable: &str) -> Option<&'t mut Value> {
    let (section, key) = table.iter().find_map(|(name, value)| {
        let variable_of = |key: &str| format!("UNITPAY_{}", key.to_uppercase().replace('.', "_"));
        match value {
            Value::Table(inner) => inner
                .keys()
                .find(|key| variable_of(&format!("{name}.{key}")) == variable)
                .map(|key| (Some(name.clone()), key.clone())),
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_) => (variable_of(name) == variable).then(|| (None, name.clone())),
        }
    })?;
    match section {
        Some(section) => table.get_mut(&section)?.get_mut(&key),
        None => table.get_mut(&key),
    }
}

/// Parses a variable as the type of the default value.
fn read_like(default: &Value, text: &str) -> anyhow::Result<Value> {
    Ok(match default {
        Value::String(_) => Value::String(text.to_owned()),
        Value::Integer(_) => Value::Integer(text.parse()?),
        Value::Boolean(_) => Value::Boolean(text.parse()?),
        Value::Array(_) => Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Value::String(item.to_owned()))
                .collect(),
        ),
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => bail!("not a plain key"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: Option<&str>, variables: &[(&str, &str)]) -> anyhow::Result<Config> {
        let path = std::env::temp_dir().join(format!(
            "unitpay-config-{}-{:?}.toml",
            std::process::id(),
            std::thread::current().id()
        ));
        if let Some(text) = file {
            std::fs::write(&path, text).unwrap();
        }
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let config = Config::load(file.map(|_| path.as_path()), variables, &[]);
        let _ = std::fs::remove_file(path);
        config
    }

    #[test]
    fn default_configuration_is_valid() {
        assert_eq!(load(None, &[]).unwrap().portal.min_ttl_seconds, 60);
    }

    #[test]
    fn variable_overrides_file_and_file_overrides_default() {
        let file = "listen = '127.0.0.1:1'\n[portal]\nmin_ttl_seconds = 5\n";
        let variables = [
            ("UNITPAY_PORTAL_MIN_TTL_SECONDS", "7"),
            ("UNITPAY_HTTP_TRUSTED_PROXIES", "10.0.0.1, ::1"),
            ("UNITPAY_API_KEY", "the SDK's"),
        ];
        let config = load(Some(file), &variables).unwrap();
        assert_eq!(config.portal.min_ttl_seconds, 7);
        assert_eq!(config.listen.port(), 1);
        assert_eq!(config.http.trusted_proxies.len(), 2);
    }

    #[test]
    fn api_origin_is_https_or_on_loopback() {
        for (url, authority) in [
            ("https://api.stripe.com", "api.stripe.com"),
            ("https://proxy.example:8443", "proxy.example:8443"),
            ("http://127.0.0.1:12111", "127.0.0.1:12111"),
            ("http://localhost:80", "localhost"),
        ] {
            let config = load(None, &[("UNITPAY_STRIPE_API_BASE", url)]).unwrap();
            assert_eq!(config.stripe.api_base.authority(), authority);
        }
        for url in [
            "http://api.stripe.com",
            "api.stripe.com",
            "https://",
            "https://api.stripe.com/v1",
            "https://user@api.stripe.com",
            "https://api.stripe.com:port",
            "http://10.0.0.1",
            "",
        ] {
            assert!(load(None, &[("UNITPAY_STRIPE_API_BASE", url)]).is_err(), "{url}");
        }
    }

    #[test]
    fn configuration_refuses_unknown_and_out_of_range_values() {
        assert!(load(Some("nonsense = 1"), &[]).is_err());
        assert!(load(Some("[portal]\nnonsense = 1"), &[]).is_err());
        assert!(load(Some("[portal]\nmin_ttl_seconds = 0"), &[]).is_err());
        assert!(load(Some("public_url = 'https://a.example/path/'"), &[]).is_err());
        assert!(load(None, &[("UNITPAY_PORTAL_MIN_TTL", "7")]).is_err());
        assert!(load(None, &[("UNITPAY_PORTAL_MIN_TTL_SECONDS", "soon")]).is_err());
    }

    #[test]
    fn kubernetes_service_variables_are_ignored_and_others_refused() {
        let links = [
            ("UNITPAY_PORT", "tcp://10.0.0.1:4000"),
            ("UNITPAY_SERVICE_HOST", "10.0.0.1"),
            ("UNITPAY_SERVICE_PORT", "4000"),
            ("UNITPAY_SERVICE_PORT_HTTP", "4000"),
            ("UNITPAY_PORT_4000_TCP", "tcp://10.0.0.1:4000"),
            ("UNITPAY_PORT_4000_TCP_PROTO", "tcp"),
            ("UNITPAY_PORT_4000_TCP_PORT", "4000"),
            ("UNITPAY_PORT_4000_TCP_ADDR", "fd00::1"),
            ("UNITPAY_METRICS_SERVICE_HOST", "10.0.0.2"),
            ("UNITPAY_METRICS_PORT_9900_UDP", "udp://10.0.0.2:9900"),
        ];
        assert_eq!(load(None, &links).unwrap().ignored_variables.len(), links.len());
        for other in [
            ("UNITPAY_PORT", "4000"),
            ("UNITPAY_SERVICE", "10.0.0.1"),
            ("UNITPAY_SERVICE_HOST", "somewhere"),
            ("UNITPAY_PORT_4000", "tcp://10.0.0.1:4000"),
            ("UNITPAY_PORT_X_TCP", "tcp://10.0.0.1:4000"),
            ("UNITPAY_PORT_4000_TCP_NAME", "x"),
        ] {
            assert!(load(None, &[other]).is_err(), "{other:?}");
        }
    }

    #[test]
    fn public_url_may_have_a_path() {
        for (url, origin, path) in [
            ("https://a.example", "https://a.example", ""),
            ("http://[::1]:4000/billing", "http://[::1]:4000", "/billing"),
            ("https://a.example/x/y-1", "https://a.example", "/x/y-1"),
        ] {
            let config = load(Some(&format!("public_url = '{url}'")), &[]).unwrap();
            assert_eq!(
                (origin_of(&config.public_url), path_of(&config.public_url)),
                (origin, path)
            );
        }
        for bad in [
            "https:///x",
            "https://a.example/",
            "https://a.example//x",
            "https://a.example/x?y",
            "https://a.example/x/..",
            "https://a.example/ä",
            "https://a.example:443/x",
        ] {
            assert!(load(Some(&format!("public_url = '{bad}'")), &[]).is_err(), "{bad}");
        }
    }
}
