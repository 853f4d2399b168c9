//! Traces over gRPC: W3C `traceparent` in the metadata.

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator as _},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::{
    Request, Status,
    metadata::{MetadataKey, MetadataMap},
    service::Interceptor,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Sends the caller's trace along with each request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Carried;

impl Interceptor for Carried {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        // Of the span that is entered: the layer makes its context the current one.
        let mut metadata = Metadata(request.metadata_mut());
        TraceContextPropagator::new().inject_context(&Context::current(), &mut metadata);
        Ok(request)
    }
}

/// The span of a request to our gRPC service. Requests that belong to nobody's trace get none, but
/// for the one that begins a render.
pub(crate) fn of_request(request: &axum::http::Request<()>) -> Span {
    let method = request.uri().path().rsplit('/').next().unwrap_or_default();
    let headers = request.headers();
    if !headers.contains_key("traceparent") && method != "CreateRender" {
        return Span::none();
    }
    let span = tracing::info_span!("rpc", otel.name = method, otel.kind = "server");
    // Fails where no traces are sent.
    let _ = span.set_parent(TraceContextPropagator::new().extract(&Headers(headers)));
    span
}

struct Metadata<'a>(&'a mut MetadataMap);

struct Headers<'a>(&'a axum::http::HeaderMap);

impl Injector for Metadata<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(key), Ok(value)) = (MetadataKey::from_bytes(key.as_bytes()), value.parse()) {
            self.0.insert(key, value);
        }
    }
}

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|key| key.as_str()).collect()
    }
}
