//! Logs and traces.
//!
//! Both are made of the same `tracing` spans. A log line names the spans it was written in, so each
//! line of an activity has the id of its render, whatever the log's filter lets through. Traces are
//! sent only where an endpoint is named ([`traces`]), and [`carry`] takes them over gRPC.

mod carry;
mod traces;

use crate::cli::LogArgs;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use std::{io::IsTerminal as _, time::Duration};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{FilterExt as _, filter_fn},
    prelude::*,
};

pub(crate) use carry::{Carried, of_request};

/// A person at a terminal wants the film.
const COMMAND_FILTER: &str = "warn,temporalio_client=error,opentelemetry_sdk=off";

/// A service wants its log.
const SERVICE_FILTER: &str = "warn,framewright=info,temporalio_client=error,opentelemetry_sdk=off";

/// What the last spans may take to be sent when the process ends. Longer would hold up a stop, and
/// a collector that is away does not come back within it.
const FLUSH_BUDGET: Duration = Duration::from_millis(1500);

/// Logging and tracing of this process; to be shut down at the end so that nothing is lost.
pub(crate) struct Telemetry {
    provider: Option<SdkTracerProvider>,
    flags: Vec<String>,
}

/// Sets up logging to stderr, and traces if an endpoint is named. A bad filter is replaced by the
/// default and said so: logging must not keep a command from running.
pub(crate) fn init(args: &LogArgs, process: &'static str, is_service: bool) -> Telemetry {
    let usual = if is_service {
        SERVICE_FILTER
    } else {
        COMMAND_FILTER
    };
    let mut trouble = None;
    let provider = args.otlp.as_deref().and_then(|endpoint| {
        traces::provider(endpoint, process)
            .map_err(|error| trouble = Some(format!("no traces: {error}")))
            .ok()
    });
    let wanted = args.log.as_deref().unwrap_or(usual);
    let filter = EnvFilter::try_new(wanted).unwrap_or_else(|error| {
        trouble = Some(format!("bad log filter: {error}"));
        EnvFilter::new(usual)
    });
    // Spans are no lines: they are what the lines that pass are written in.
    let filter = filter.or(filter_fn(|meta| meta.is_span() && is_traced(meta)));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if args.log_json {
        lines.json().with_current_span(false).boxed()
    } else {
        lines
            .with_ansi(std::io::stderr().is_terminal())
            .compact()
            .boxed()
    };
    let traces = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("framewright"))
            .with_threads(false)
            .with_location(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            // The SDK's plugin makes spans of its own; those of its `tracing` would come twice.
            .with_filter(filter_fn(is_traced))
    });
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(traces)
        .init();
    if let Some(trouble) = trouble {
        tracing::warn!("{trouble}");
    }
    Telemetry {
        provider,
        flags: flags(args),
    }
}

/// What of a process is a part of a trace: its spans, and as their events what it logs in them.
fn is_traced(meta: &tracing::Metadata<'_>) -> bool {
    *meta.level() <= tracing::Level::INFO && meta.target().starts_with("framewright")
}

/// As on the command line.
fn flags(args: &LogArgs) -> Vec<String> {
    let mut flags = Vec::new();
    let values = [("--log", &args.log), ("--otlp", &args.otlp)];
    for (flag, value) in values {
        if let Some(value) = value {
            flags.extend([flag.to_owned(), value.clone()]);
        }
    }
    if args.log_json {
        flags.push("--log-json".to_owned());
    }
    flags
}

impl Telemetry {
    /// For the Temporal SDK's plugin, where traces are sent.
    pub(crate) fn tracer(&self) -> Option<SdkTracer> {
        let provider = self.provider.as_ref()?;
        Some(provider.tracer("temporal"))
    }

    /// For a process of ours that shall log and trace as this one does.
    pub(crate) fn flags(&self) -> &[String] {
        &self.flags
    }

    pub(crate) fn shutdown(self) {
        let Some(provider) = self.provider else {
            return;
        };
        if let Err(error) = provider.shutdown_with_timeout(FLUSH_BUDGET) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}
