//! The Temporal SDK's metrics, counted into the recorder that has ours.
//!
//! The SDK brings an exporter with a port of its own; this makes it one endpoint. Names follow
//! Prometheus: counters end with `_total`, durations are seconds and end with `_seconds`.

use metrics::Label;
use std::{error::Error, sync::Arc, time::Duration};
use temporalio_common::telemetry::metrics::{
    CoreMeter, Counter, CounterBase, Gauge, GaugeBase, GaugeF64, GaugeF64Base, Histogram,
    HistogramBase, HistogramDuration, HistogramDurationBase, HistogramF64, HistogramF64Base,
    MetricAttributable, MetricAttributes, MetricParameters, NewAttributes, OrderedPromLabelSet,
    UpDownCounter, UpDownCounterBase,
};

/// Begins all names. The SDK's workers put it there themselves, its connections do not.
const PREFIX: &str = "temporal_";

/// What the SDK counts with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter;

/// An instrument without its labels yet.
struct Named(String);

struct Count(metrics::Counter);
struct Level(metrics::Gauge);
struct Spread(metrics::Histogram);

impl Named {
    fn new(params: &MetricParameters, ending: &str) -> Arc<Self> {
        let name = params.name.replace(['-', '.'], "_");
        let name = name.trim_start_matches(PREFIX);
        Arc::new(Self(format!("{PREFIX}{name}{ending}")))
    }

    fn count(&self, attributes: &MetricAttributes) -> Count {
        Count(metrics::counter!(self.0.clone(), labels(attributes)))
    }

    fn level(&self, attributes: &MetricAttributes) -> Level {
        Level(metrics::gauge!(self.0.clone(), labels(attributes)))
    }

    fn spread(&self, attributes: &MetricAttributes) -> Spread {
        Spread(metrics::histogram!(self.0.clone(), labels(attributes)))
    }
}

/// Ties an instrument of the SDK to labels.
macro_rules! bind {
    ($base:ident, $instrument:ident) => {
        impl MetricAttributable<Box<dyn $base>> for Named {
            fn with_attributes(
                &self,
                attributes: &MetricAttributes,
            ) -> Result<Box<dyn $base>, Box<dyn Error>> {
                Ok(Box::new(self.$instrument(attributes)))
            }
        }
    };
}

bind!(CounterBase, count);
bind!(GaugeBase, level);
bind!(GaugeF64Base, level);
bind!(UpDownCounterBase, level);
bind!(HistogramBase, spread);
bind!(HistogramF64Base, spread);
bind!(HistogramDurationBase, spread);

impl CounterBase for Count {
    fn adds(&self, value: u64) {
        self.0.increment(value);
    }
}

impl GaugeBase for Level {
    fn records(&self, value: u64) {
        self.0.set(value as f64);
    }
}

impl GaugeF64Base for Level {
    fn records(&self, value: f64) {
        self.0.set(value);
    }
}

impl UpDownCounterBase for Level {
    fn adds(&self, value: i64) {
        self.0.increment(value as f64);
    }
}

impl HistogramBase for Spread {
    fn records(&self, value: u64) {
        self.0.record(value as f64);
    }
}

impl HistogramF64Base for Spread {
    fn records(&self, value: f64) {
        self.0.record(value);
    }
}

impl HistogramDurationBase for Spread {
    fn records(&self, value: Duration) {
        self.0.record(value);
    }
}

fn labels(attributes: &MetricAttributes) -> Vec<Label> {
    let MetricAttributes::Prometheus { labels } = attributes else {
        return Vec::new();
    };
    let labels = labels.as_prom_labels().into_iter();
    labels
        .map(|(key, value)| Label::new(key.to_owned(), value))
        .collect()
}

impl CoreMeter for Meter {
    fn new_attributes(&self, attribs: NewAttributes) -> MetricAttributes {
        MetricAttributes::Prometheus {
            labels: Arc::new(attribs.into()),
        }
    }

    fn extend_attributes(
        &self,
        existing: MetricAttributes,
        attribs: NewAttributes,
    ) -> MetricAttributes {
        let mut extended = match existing {
            MetricAttributes::Prometheus { labels } => OrderedPromLabelSet::clone(&labels),
            _ => OrderedPromLabelSet::new(),
        };
        for attribute in attribs.attributes {
            extended.add_kv(attribute);
        }
        MetricAttributes::Prometheus {
            labels: Arc::new(extended),
        }
    }

    fn counter(&self, params: MetricParameters) -> Counter {
        Counter::new(Named::new(&params, "_total"))
    }

    fn histogram(&self, params: MetricParameters) -> Histogram {
        Histogram::new(Named::new(&params, ""))
    }

    fn histogram_f64(&self, params: MetricParameters) -> HistogramF64 {
        HistogramF64::new(Named::new(&params, ""))
    }

    fn histogram_duration(&self, params: MetricParameters) -> HistogramDuration {
        HistogramDuration::new(Named::new(&params, "_seconds"))
    }

    fn gauge(&self, params: MetricParameters) -> Gauge {
        Gauge::new(Named::new(&params, ""))
    }

    fn gauge_f64(&self, params: MetricParameters) -> GaugeF64 {
        GaugeF64::new(Named::new(&params, ""))
    }

    fn up_down_counter(&self, params: MetricParameters) -> UpDownCounter {
        UpDownCounter::new(Named::new(&params, ""))
    }
}
