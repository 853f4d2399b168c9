//! Logs and traces.

use crate::cli::LogArgs;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use std::io::IsTerminal as _;
use temporalio_sdk::opentelemetry::WorkflowIdGenerator;
use tracing_subscriber::{EnvFilter, Layer as _, filter::filter_fn, prelude::*};

/// A person at a terminal wants the film.
const COMMAND_FILTER: &str = "warn,temporalio_client=error";

/// A service wants its log.
const SERVICE_FILTER: &str = "warn,framewright=info,temporalio_client=error";

/// The trace provider, to be shut down at the end so that nothing is lost.
pub(crate) struct Telemetry {
    provider: SdkTracerProvider,
}

/// Sets up logging to stderr, and traces if an endpoint is named. A bad filter is replaced by the
/// default and said so: logging must not keep a command from running.
pub(crate) fn init(args: &LogArgs, is_service: bool) -> Telemetry {
    let usual = if is_service {
        SERVICE_FILTER
    } else {
        COMMAND_FILTER
    };
    // The same span ids when workflow code is replayed.
    let mut provider =
        SdkTracerProvider::builder().with_id_generator(WorkflowIdGenerator::default());
    let mut trouble = None;
    if let Some(endpoint) = &args.otlp {
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .build();
        match exporter {
            Ok(exporter) => provider = provider.with_batch_exporter(exporter),
            Err(error) => trouble = Some(format!("no traces: {error}")),
        }
    }
    let provider = provider.build();
    let wanted = args.log.as_deref().unwrap_or(usual);
    let filter = EnvFilter::try_new(wanted).unwrap_or_else(|error| {
        trouble = Some(format!("bad log filter: {error}"));
        EnvFilter::new(usual)
    });
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if args.log_json {
        lines.json().boxed()
    } else {
        lines
            .with_ansi(std::io::stderr().is_terminal())
            .compact()
            .boxed()
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .with(
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("framewright"))
                // The SDK's plugin makes these spans already; they would come twice.
                .with_filter(filter_fn(|meta| !meta.target().starts_with("temporalio_"))),
        )
        .init();
    if let Some(trouble) = trouble {
        tracing::warn!("{trouble}");
    }
    Telemetry { provider }
}

impl Telemetry {
    /// For the Temporal SDK's plugin.
    pub(crate) fn tracer(&self) -> SdkTracer {
        self.provider.tracer("temporal")
    }

    pub(crate) fn shutdown(self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::warn!(%error, "traces were not flushed");
        }
    }
}
