//! `unitpay serve`.

use super::ignored;
use super::store::{Locks, Purpose, Store};
use crate::app::App;
use crate::config::{Config, HttpConfig, LogLevel};
use crate::db::Db;
use crate::http::listener;
use crate::log::{Log, Shape};
use crate::webhooks::deliver;
use crate::{jobs, keys, routes};
use anyhow::{Context, anyhow, bail};
use axum::Router;
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tracing::level_filters::LevelFilter;

/// Serves until the process receives a signal.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let log = start_log(&config)?;
    let served = serve(config).await;
    log.flush();
    served
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let server = Server::start(config).await?;
    let config = &server.app.config;
    tracing::info!(issuer = server.app.issuer, "listening on {}", server.address);
    if !keys::any(&mut server.app.db.read().await?).await? {
        let store = match config.database_url.is_empty() {
            true => format!("--data-dir {}", config.data_dir.display()),
            false => "--database-url …".to_owned(),
        };
        tracing::info!(
            "there is no API key yet; make one: unitpay keys create --env sandbox {store}"
        );
    }
    server.run_until_told().await
}

/// A listening server.
pub struct Server {
    pub app: Arc<App>,
    /// `http://` and the bound address.
    pub address: String,
    listener: TcpListener,
    metrics: Option<Metrics>,
    signals: [Signal; 2],
    /// Held for the lifetime of this value.
    _locks: Option<Locks>,
}

/// The handle for reading metrics.
struct Metrics {
    listener: TcpListener,
    recorded: PrometheusHandle,
}

impl Server {
    /// Opens the store and binds the addresses.
    pub async fn start(mut config: Config) -> anyhow::Result<Self> {
        refuse_unknown_address(&config)?;
        if let Some(line) = ignored(&config) {
            tracing::info!("{line}");
        }
        let metrics = match config.metrics_listen.as_str() {
            "" => None,
            address => {
                let listener = bind(address).await?;
                tracing::info!("metrics are at http://{}/metrics", listener.local_addr()?);
                Some(Metrics { listener, recorded: record()? })
            }
        };
        // Installed before the address is printed, because anyone who sees it may send a signal.
        let signals = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
        let Store { db, clock, random, signing, locks, .. } =
            Store::open(&config, Purpose::Serve).await?;
        let listener = bind(&config.listen.to_string()).await?;
        let address = format!("http://{}", listener.local_addr()?);
        if config.public_url.is_empty() {
            config.public_url.clone_from(&address);
        }
        let app = Arc::new(App::new(config, clock, random, db, signing));
        if !app.config.webhooks.root_certificates.as_os_str().is_empty() {
            let read = app.outbound.tls().map_err(|error| anyhow!("{error}"));
            read.context("cannot read webhooks.root_certificates")?;
        }
        if let Some(mailer) = &app.mailer {
            mailer.check_tls().context("cannot read email.root_certificates")?;
        }
        if matches!(app.db, Db::Sqlite(_)) {
            deliver::release_all(&app).await?;
        }
        app.compare_clocks().await;
        Ok(Self { app, address, listener, metrics, signals, _locks: locks })
    }

    /// Serves until SIGTERM or SIGINT, then finishes open requests.
    pub async fn run_until_told(self) -> anyhow::Result<()> {
        let (stop, stopping) = watch::channel(false);
        let mut signals = self.signals;
        let jobs = tokio::spawn(jobs::run(Arc::clone(&self.app)));
        let metrics = self.metrics.map(|metrics| {
            tokio::spawn(serve_metrics(metrics, self.app.config.http.clone(), stopping.clone()))
        });
        let router = routes::router(&self.app);
        let serving = listener::serve(self.listener, router, &self.app.config.http, stopping);
        let [terminate, interrupt] = &mut signals;
        let wait = async {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            tracing::info!("stopping");
            // A dropped receiver also means shutdown.
            let _ = stop.send(true);
        };
        tokio::join!(serving, wait);
        jobs.abort();
        if let Some(metrics) = metrics {
            metrics.abort();
        }
        if let Err(error) = self.app.key_uses.write(&self.app.db).await {
            tracing::warn!(%error, "could not note when keys were last used");
        }
        self.app.db.close();
        tracing::info!("stopped");
        Ok(())
    }
}

/// Links and the issuer of tokens would say `0.0.0.0`, which no browser reaches.
fn refuse_unknown_address(config: &Config) -> anyhow::Result<()> {
    let listen = config.listen;
    if config.public_url.is_empty() && listen.ip().to_canonical().is_unspecified() {
        bail!(
            "listening on {listen} needs public_url, the address that browsers reach this server \
             by: --public-url https://billing.example.com"
        );
    }
    Ok(())
}

async fn bind(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

fn record() -> anyhow::Result<PrometheusHandle> {
    let seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
    let writes = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_duration_seconds".into()), &seconds)?
        .set_buckets_for_metric(Matcher::Suffix("_batch_writes".into()), &writes)?
        .install_recorder()
        .context("cannot record metrics")
}

/// Serves `/metrics` on its own listener, never on the public one.
async fn serve_metrics(metrics: Metrics, config: HttpConfig, stop: watch::Receiver<bool>) {
    let Metrics { listener, recorded } = metrics;
    let upkeep = recorded.clone();
    let drain = async move {
        let mut timer = tokio::time::interval(Duration::from_secs(5));
        loop {
            timer.tick().await;
            upkeep.run_upkeep();
        }
    };
    let router = Router::new().route("/metrics", get(move || async move { recorded.render() }));
    tokio::select! { () = listener::serve(listener, router, &config, stop) => {}, () = drain => {} }
}

/// Starts the log on standard error, one line per request. The caller flushes it at the end.
pub fn start_log(config: &Config) -> anyhow::Result<Log> {
    let lines = Log::start()?;
    let level = match config.log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .event_format(Shape(config.log.format))
        .with_writer(lines.clone());
    log.init();
    Ok(lines)
}
