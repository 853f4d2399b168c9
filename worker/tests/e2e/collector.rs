//! An OpenTelemetry collector: keeps the spans that are sent to it.

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// What was sent, with the process that sent it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) process: String,
    pub(crate) span: Span,
}

#[derive(Clone, Default)]
pub(crate) struct Collector {
    sent: Arc<Mutex<Vec<Sent>>>,
    pub(crate) url: String,
}

/// The spans of one trace.
#[derive(Debug)]
pub(crate) struct Trace(pub(crate) Vec<Sent>);

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let collector = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            ..Self::default()
        };
        let service = TraceServiceServer::new(collector.clone());
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(service)
                .serve_with_incoming(TcpListenerStream::new(listener)),
        );
        collector
    }

    /// The trace that begins with the only root span of this name.
    pub(crate) fn trace_of(&self, root: &str) -> Trace {
        let sent = self.sent.lock().unwrap();
        let roots: Vec<_> = sent
            .iter()
            .filter(|sent| sent.span.name == root && sent.span.parent_span_id.is_empty())
            .collect();
        assert_eq!(roots.len(), 1, "one span `{root}` begins a trace");
        let trace = &roots[0].span.trace_id;
        let spans = sent.iter().filter(|sent| sent.span.trace_id == *trace);
        Trace(spans.cloned().collect())
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for resource in request.into_inner().resource_spans {
            let attributes = resource.resource.unwrap_or_default().attributes;
            let process = text(&attributes, "service.name").unwrap_or_default();
            for span in resource
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans)
            {
                let process = process.clone();
                self.sent.lock().unwrap().push(Sent { process, span });
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Sent {
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        text(&self.span.attributes, key)
    }

    pub(crate) fn number(&self, key: &str) -> i64 {
        self.text(key)
            .and_then(|text| text.parse().ok())
            .unwrap_or(-1)
    }
}

impl Trace {
    pub(crate) fn named(&self, name: &str) -> Vec<&Sent> {
        let named = self.0.iter().filter(|sent| sent.span.name == name);
        named.collect()
    }

    /// Spans below `above`, of any depth.
    pub(crate) fn below(&self, above: &Sent, name: &str) -> Vec<&Sent> {
        let named = self.named(name).into_iter();
        named
            .filter(|sent| self.path(sent).contains(&above.span.span_id))
            .collect()
    }

    /// The ids of the spans that a span is in, the nearest first.
    fn path(&self, sent: &Sent) -> Vec<Vec<u8>> {
        let parents: BTreeMap<_, _> = self
            .0
            .iter()
            .map(|sent| (&sent.span.span_id, &sent.span.parent_span_id))
            .collect();
        let mut path = Vec::new();
        let mut at = &sent.span.parent_span_id;
        while !at.is_empty() {
            path.push(at.clone());
            at = parents
                .get(at)
                .unwrap_or_else(|| panic!("an orphan: {sent:?}"));
        }
        path
    }

    /// One span has no parent, and all others one that is here.
    pub(crate) fn assert_whole(&self) {
        let ids: BTreeSet<_> = self.0.iter().map(|sent| &sent.span.span_id).collect();
        let orphans: Vec<_> = self
            .0
            .iter()
            .filter(|sent| {
                let parent = &sent.span.parent_span_id;
                !parent.is_empty() && !ids.contains(parent)
            })
            .map(|sent| format!("{} of {}", sent.span.name, sent.process))
            .collect();
        assert!(orphans.is_empty(), "{orphans:#?}\n{}", self.tree());
        let roots = self
            .0
            .iter()
            .filter(|sent| sent.span.parent_span_id.is_empty());
        assert_eq!(roots.count(), 1, "{}", self.tree());
    }

    /// For people.
    pub(crate) fn tree(&self) -> String {
        let mut text = String::new();
        let roots: Vec<_> = self
            .0
            .iter()
            .filter(|sent| sent.span.parent_span_id.is_empty())
            .collect();
        for root in roots {
            self.write(root, 0, &mut text);
        }
        text
    }

    fn write(&self, sent: &Sent, depth: usize, text: &mut String) {
        let millis = (sent.span.end_time_unix_nano - sent.span.start_time_unix_nano) / 1_000_000;
        let indent = "  ".repeat(depth);
        text.push_str(&format!(
            "{indent}{} {millis} ms ({})",
            sent.span.name, sent.process
        ));
        for KeyValue { key, .. } in &sent.span.attributes {
            let value = sent.text(key).unwrap_or_default();
            if value.len() < 40 {
                text.push_str(&format!(" {key}={value}"));
            }
        }
        text.push('\n');
        let mut below: Vec<_> = self
            .0
            .iter()
            .filter(|other| other.span.parent_span_id == sent.span.span_id)
            .collect();
        below.sort_by_key(|sent| sent.span.start_time_unix_nano);
        for child in below {
            self.write(child, depth + 1, text);
        }
    }
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        Value::DoubleValue(number) => Some(number.to_string()),
        Value::BoolValue(truth) => Some(truth.to_string()),
        _ => None,
    }
}
