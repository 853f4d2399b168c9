//! Spans on their way to a collector.
//!
//! A thread of its own sends them, from a queue of bounded length: a collector that is slow or away
//! costs spans, never time of a render.

use opentelemetry::{
    Context, KeyValue,
    baggage::BaggageExt as _,
    trace::{Link, SpanKind, TraceId, TraceState},
};
use opentelemetry_otlp::{ExporterBuildError, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{
        BatchConfigBuilder, BatchSpanProcessor, Sampler, SamplingDecision, SamplingResult,
        SdkTracerProvider, ShouldSample, Span, SpanData, SpanExporter, SpanProcessor,
    },
};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use temporalio_sdk::opentelemetry::WorkflowIdGenerator;

/// How long a span waits for others; what `kill -9` loses.
const DELAY: Duration = Duration::from_secs(1);

/// Spans that wait at most: some megabytes. More are dropped.
const QUEUE: usize = 8192;

/// What one attempt to send may take.
const SEND_BUDGET: Duration = Duration::from_secs(3);

/// What is asked of Temporal again and again while a render is watched. As a trace of its own, each
/// would bury the renders.
const LOOKS: [&str; 3] = ["DescribeWorkflow", "QueryWorkflow:", "HandleQuery:"];

/// Sends to `endpoint`, as the service `framewright-<process>`.
pub(super) fn provider(
    endpoint: &str,
    process: &str,
) -> Result<SdkTracerProvider, ExporterBuildError> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(SEND_BUDGET)
        .build()?;
    let exporter = Told {
        exporter,
        endpoint: endpoint.to_owned(),
        failing: AtomicBool::new(false),
    };
    let config = BatchConfigBuilder::default()
        .with_scheduled_delay(DELAY)
        .with_max_queue_size(QUEUE)
        .build();
    let batches = BatchSpanProcessor::builder(exporter)
        .with_batch_config(config)
        .build();
    let mut resource = Resource::builder();
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name(format!("framewright-{process}"));
    }
    let resource = resource
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("process.pid", i64::from(std::process::id())))
        .build();
    Ok(SdkTracerProvider::builder()
        // The same span ids when workflow code is replayed.
        .with_id_generator(WorkflowIdGenerator::default())
        .with_sampler(Sampler::ParentBased(Box::new(Roots)))
        .with_resource(resource)
        .with_span_processor(Named)
        .with_span_processor(batches)
        .build())
}

/// Which spans may begin a trace.
#[derive(Clone, Debug)]
struct Roots;

/// Gives each span the render and the chunk that its context carries as baggage.
#[derive(Debug)]
struct Named;

/// An exporter whose failures are told once, and counted.
#[derive(Debug)]
struct Told<E> {
    exporter: E,
    endpoint: String,
    failing: AtomicBool,
}

impl ShouldSample for Roots {
    fn should_sample(
        &self,
        _parent: Option<&Context>,
        _trace: TraceId,
        name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let looks = LOOKS.iter().any(|look| name.starts_with(look));
        SamplingResult {
            decision: match looks {
                true => SamplingDecision::Drop,
                false => SamplingDecision::RecordAndSample,
            },
            attributes: Vec::new(),
            trace_state: TraceState::default(),
        }
    }
}

impl SpanProcessor for Named {
    fn on_start(&self, span: &mut Span, context: &Context) {
        use opentelemetry::trace::Span as _;
        for key in framewright_activities::BAGGAGE {
            if let Some(value) = context.baggage().get(key) {
                span.set_attribute(KeyValue::new(key, value.to_string()));
            }
        }
    }

    fn on_end(&self, _span: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl<E: SpanExporter> SpanExporter for Told<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let sent = self.exporter.export(batch).await;
        let endpoint = &self.endpoint;
        match &sent {
            Ok(()) => {
                if self.failing.swap(false, Ordering::Relaxed) {
                    tracing::info!(endpoint, "traces reach the collector again");
                }
            }
            Err(error) => {
                metrics::counter!("framewright_spans_lost_total").increment(spans as u64);
                if !self.failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(endpoint, %error, "traces do not reach the collector");
                }
            }
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
