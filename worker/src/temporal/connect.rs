//! Reaching a Temporal server.

use crate::{cli::TemporalArgs, exit::Exit, metrics, telemetry::Telemetry};
use std::time::{Duration, Instant};
use temporalio_client::{
    Client, ClientOptions, Connection, ConnectionOptions, envconfig::LoadClientConfigProfileOptions,
};
use temporalio_common::envconfig::load_client_config_profile;
use temporalio_sdk::opentelemetry::OpenTelemetryPlugin;

/// How long a server that was named may take to answer.
const BUDGET: Duration = Duration::from_secs(20);

/// A Temporal server that somebody else runs, and what they said of it.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    connection: ConnectionOptions,
    /// The namespace.
    pub(crate) namespace: String,
    /// `host:port`, for people.
    pub(crate) address: String,
}

/// The server that flags, `TEMPORAL_*` or `temporal.toml` name; `None` if nobody named one.
pub(crate) fn given(args: &TemporalArgs) -> Result<Option<Given>, Exit> {
    let wrong = |error: &dyn std::fmt::Display| {
        Exit::input(format!("the Temporal settings cannot be used: {error}")).hint(
            "check `--temporal-address`, the variables `TEMPORAL_*` and the file `temporal.toml`",
        )
    };
    let options = LoadClientConfigProfileOptions::default;
    let mut profile = load_client_config_profile(options(), None).map_err(|error| wrong(&error))?;
    if let Some(address) = &args.temporal_address {
        profile.address = Some(address.clone());
    }
    if let Some(namespace) = &args.temporal_namespace {
        profile.namespace = Some(namespace.clone());
    }
    let Some(address) = profile.address.clone() else {
        return Ok(None);
    };
    let namespace = profile
        .namespace
        .clone()
        .unwrap_or_else(|| "default".to_owned());
    let connection = ConnectionOptions::try_from(profile).map_err(|error| wrong(&error))?;
    Ok(Some(Given {
        connection,
        namespace,
        address,
    }))
}

impl Given {
    /// The server on a port of this machine.
    pub(crate) fn local(port: u16) -> Result<Self, Exit> {
        Self::at(&format!("http://127.0.0.1:{port}"))
    }

    /// The server at `address`, as the embedded one is.
    pub(crate) fn at(address: &str) -> Result<Self, Exit> {
        let args = TemporalArgs {
            temporal_address: Some(address.to_owned()),
            temporal_namespace: Some("default".to_owned()),
            temporal_ui: None,
        };
        given(&args)?.ok_or_else(|| Exit::failed("an address was given and not seen"))
    }
}

/// Connects as `identity`, which is what Temporal's UI calls the worker. Connecting is eager and
/// does not retry in the SDK; a server that was just started, or restarts, gets its time here.
pub(crate) async fn connect(
    server: &Given,
    identity: &str,
    telemetry: &Telemetry,
) -> Result<Client, Exit> {
    let mut options = server.connection.clone();
    options.identity = identity.to_owned();
    options.metrics_meter = Some(metrics::of_the_client());
    options.connect_timeout = Some(Duration::from_secs(5));
    let begun = Instant::now();
    let mut wait = Duration::from_millis(50);
    let connection = loop {
        match Connection::connect(options.clone()).await {
            Ok(connection) => break connection,
            Err(error) if begun.elapsed() > BUDGET => {
                return Err(Exit::unreachable(format!(
                    "the Temporal server at `{}` does not answer: {error}",
                    server.address
                ))
                .hint("start it, or check `--temporal-address`, `TEMPORAL_ADDRESS` and `temporal.toml`"));
            }
            Err(error) => tracing::debug!(%error, "Temporal does not answer yet"),
        }
        tokio::time::sleep(wait).await;
        let soon = begun.elapsed() < Duration::from_secs(3);
        let longest = Duration::from_millis(if soon { 50 } else { 2000 });
        wait = (wait * 2).min(longest);
    };
    let options = ClientOptions::new(server.namespace.clone());
    // It sits in clients, workflows and activities, and carries traces in Temporal's headers.
    let options = match telemetry.tracer() {
        Some(tracer) => options
            .plugin(OpenTelemetryPlugin::builder().tracer(tracer).build())
            .build(),
        None => options.build(),
    };
    Client::new(connection, options).map_err(|error| Exit::failed(error.to_string()))
}
