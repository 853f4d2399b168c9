//! What a box counts, as Prometheus text on one endpoint.
//!
//! Rooms count with the `metrics` facade, as they log with `tracing`: they know nothing of who reads
//! it, and where nobody does it costs next to nothing. [`Metrics::install`] makes this process one
//! that is read. The Temporal SDK counts into the same place ([`sdk`]), so that there is one endpoint.
//!
//! A service and its workers are several processes on one box. The service asks each worker over a
//! socket that it gave it at the start ([`line`]) and puts the answers together with its own
//! ([`merge`]), each sample with the name of its worker. So there is one endpoint for the box, and no
//! port more than one.
//!
//! Every name is in `docs/operations.md`; a test sees to it.

mod endpoint;
mod line;
mod merge;
mod outcomes;
mod sdk;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use temporalio_common::telemetry::{
    TaskQueueLabelStrategy,
    metrics::{CoreMeter, NewAttributes, TemporalMeter},
};

pub(crate) use endpoint::{CONTENT_TYPE, Endpoint};
pub(crate) use line::{Lines, answer};
pub(crate) use outcomes::count_outcomes;

/// How often samples of histograms are counted into their buckets. Until then each takes memory.
const UPKEEP: Duration = Duration::from_secs(5);

/// Seconds of a frame: 1 ms for a still page to a minute for a shader on a starved machine.
const FRAME: [f64; 12] = [
    0.002, 0.005, 0.01, 0.02, 0.033, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 30.0,
];

/// Seconds of anything else, from a look into the store to an hour's chunk.
const USUAL: [f64; 16] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0,
    7200.0,
];

/// What this process counts. There is one recorder in a process, so this is cheap to clone.
#[derive(Clone)]
pub(crate) struct Metrics {
    recorder: PrometheusHandle,
    lines: Arc<OnceLock<Lines>>,
}

impl Metrics {
    /// Begins to count. Called again, it gives the same.
    pub(crate) fn install() -> Self {
        static INSTALLED: OnceLock<Metrics> = OnceLock::new();
        INSTALLED
            .get_or_init(|| {
                let recorder = recorder();
                let upkeep = recorder.clone();
                tokio::spawn(async move {
                    loop {
                        tokio::time::sleep(UPKEEP).await;
                        upkeep.run_upkeep();
                    }
                });
                let version = env!("CARGO_PKG_VERSION");
                metrics::gauge!("framewright_build_info", "version" => version).set(1.0);
                Self {
                    recorder,
                    lines: Arc::default(),
                }
            })
            .clone()
    }

    /// The workers of this service, whose metrics are told with its own.
    pub(crate) fn with_workers(&self, lines: Lines) {
        // A service has one crew; a second one would replace the first.
        let _ = self.lines.set(lines);
    }

    /// All of it, in Prometheus's text format.
    pub(crate) async fn text(&self) -> String {
        let own = self.recorder.render();
        match self.lines.get() {
            None => own,
            Some(lines) => merge::merge(&own, &lines.ask().await),
        }
    }
}

/// Where the SDK's own metrics go: with ours, nowhere where nobody reads those.
pub(crate) fn of_the_sdk() -> Arc<dyn CoreMeter> {
    Arc::new(sdk::Meter)
}

/// The same for a connection to Temporal, whose requests are counted.
pub(crate) fn of_the_client() -> TemporalMeter {
    TemporalMeter::new(
        Arc::new(sdk::Meter),
        NewAttributes::default(),
        TaskQueueLabelStrategy::UseNormal,
    )
}

fn recorder() -> PrometheusHandle {
    let buckets = |builder: PrometheusBuilder, matcher, buckets: &[f64]| {
        builder
            .set_buckets_for_metric(matcher, buckets)
            .expect("there are buckets")
    };
    let builder = PrometheusBuilder::new();
    let builder = buckets(
        builder,
        Matcher::Full("framewright_frame_seconds".to_owned()),
        &FRAME,
    );
    let builder = buckets(builder, Matcher::Suffix("_seconds".to_owned()), &USUAL);
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::error!("somebody else counts in this process: there are no metrics");
    }
    handle
}
