//! Figures for Prometheus: what the server counts itself, and the engine's figures as they are.

use std::collections::BTreeMap;

use prometheus::core::Collector;
use prometheus::{
    Encoder, Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts,
    Registry, TextEncoder,
};

use super::types::{EngineFigures, SelfTestBrief, SetFigures, StreamFigures};
use crate::domain::JobId;

/// As Prometheus wants it.
pub(super) const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// Upper bounds of request durations in seconds. Status, lists and searches are to be answered within 10, 20
/// and 50 ms; what walks the catalog may take a moment.
const DURATION_BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.5, 10.0];

/// What the server counts.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
}

impl Metrics {
    pub(super) fn new() -> prometheus::Result<Self> {
        let requests = Opts::new("fossilsafe_http_requests_total", "Requests answered");
        let seconds = HistogramOpts::new("fossilsafe_http_request_seconds", "Time to the answer");
        let metrics = Self {
            registry: Registry::new(),
            requests: IntCounterVec::new(requests, &["method", "path", "status"])?,
            seconds: HistogramVec::new(seconds.buckets(DURATION_BUCKETS.to_vec()), &["path"])?,
        };
        metrics.registry.register(Box::new(metrics.requests.clone()))?;
        metrics.registry.register(Box::new(metrics.seconds.clone()))?;
        Ok(metrics)
    }

    /// Counts one answer. `path` is the route's pattern, so that names make no new series.
    pub(super) fn count(&self, method: &str, path: &str, status: u16, seconds: f64) {
        self.requests.with_label_values(&[method, path, &status.to_string()]).inc();
        self.seconds.with_label_values(&[path]).observe(seconds);
    }

    /// Everything in text format.
    pub(super) fn text(&self, figures: &EngineFigures) -> prometheus::Result<String> {
        let mut families = self.registry.gather();
        for collector in engine_collectors(figures)? {
            families.extend(collector.collect());
        }
        families.retain(|family| !family.get_metric().is_empty());
        let mut text = Vec::new();
        TextEncoder::new().encode(&families, &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// Gauges made anew at each scrape: a state that no job is in any more must not linger.
fn engine_collectors(figures: &EngineFigures) -> prometheus::Result<Vec<Box<dyn Collector>>> {
    let mut collectors: Vec<Box<dyn Collector>> = vec![
        by_state("fossilsafe_jobs", "Jobs by state", &figures.jobs)?,
        by_state("fossilsafe_cartridges", "Cartridges by state", &figures.cartridges)?,
        by_state("fossilsafe_drives", "Drives by state", &figures.drives)?,
        by_state(
            "fossilsafe_evidence_files",
            "Files of the newest runs by evidence",
            &figures.evidence_files,
        )?,
        by_state(
            "fossilsafe_evidence_bytes",
            "Bytes of the newest runs by evidence",
            &figures.evidence_bytes,
        )?,
    ];
    let totals = [
        (
            "fossilsafe_tape_written_bytes_total",
            "Bytes written to tape since the start",
            figures.written_bytes_total,
        ),
        (
            "fossilsafe_tape_read_bytes_total",
            "Bytes read from tape since the start",
            figures.read_bytes_total,
        ),
    ];
    for (name, text, bytes) in totals {
        let counter = IntCounter::new(name, text)?;
        counter.inc_by(bytes);
        collectors.push(Box::new(counter));
    }
    collectors.extend(set_collectors(&figures.sets)?);
    let versions =
        Opts::new("fossilsafe_version", "1 for what runs, 0 for what is in the other slot");
    let versions = GaugeVec::new(versions, &["slot", "version"])?;
    for it in &figures.versions {
        let labels = [it.slot.as_str(), it.version.as_str()];
        versions.with_label_values(&labels).set(f64::from(u8::from(it.is_running)));
    }
    collectors.push(Box::new(versions));
    let alerts = GaugeVec::new(Opts::new("fossilsafe_alerts", "Open alerts"), &["severity"])?;
    for (severity, count) in &figures.alerts {
        alerts.with_label_values(&[severity]).set(as_float(*count));
    }
    collectors.push(Box::new(alerts));
    collectors.extend(self_test_collectors(figures.self_test.as_ref())?);
    collectors.extend(stream_collectors(&figures.streams)?);
    Ok(collectors)
}

/// The last self-test. Where there was none there are no series: an alert on its age asks for their absence too.
fn self_test_collectors(
    last: Option<&SelfTestBrief>,
) -> prometheus::Result<Vec<Box<dyn Collector>>> {
    let Some(last) = last else { return Ok(Vec::new()) };
    let moment = Gauge::new(
        "fossilsafe_self_test_last_timestamp_seconds",
        "When the last self-test had asked every part",
    )?;
    moment.set(as_float(u64::try_from(last.at.seconds).unwrap_or(0)));
    let checks = Opts::new("fossilsafe_self_test_checks", "Checks of the last self-test by result");
    let checks = GaugeVec::new(checks, &["result"])?;
    let counts = [("passed", last.passed), ("warning", last.warned), ("failed", last.failed)];
    for (result, count) in counts {
        checks.with_label_values(&[result]).set(as_float(count));
    }
    Ok(vec![Box::new(moment), Box::new(checks)])
}

/// Each running data path; a drive is named by its place in it.
fn stream_collectors(
    streams: &[(JobId, StreamFigures)],
) -> prometheus::Result<Vec<Box<dyn Collector>>> {
    let stream = |name, text| GaugeVec::new(Opts::new(name, text), &["job"]);
    let source = stream("fossilsafe_stream_source_bytes_per_second", "Rate of the source")?;
    let drives = stream("fossilsafe_stream_drive_bytes_per_second", "Rate of all drives together")?;
    let staged = stream("fossilsafe_stream_staged_bytes", "Bytes between source and drive")?;
    let buffer = stream(
        "fossilsafe_stream_buffer_seconds",
        "How long the staged bytes last at the drives' rate; absent while those stand",
    )?;
    let underruns = stream("fossilsafe_stream_underruns", "Times a drive waited for bytes")?;
    let hitches = stream("fossilsafe_stream_back_hitches", "Repositionings that waiting has cost")?;
    let of_drive = GaugeVec::new(
        Opts::new("fossilsafe_stream_drive_rate_bytes_per_second", "Rate of each drive"),
        &["job", "drive"],
    )?;
    for (job, figures) in streams {
        let job = [job.to_string()];
        source.with_label_values(&job).set(as_float(figures.source_bytes_per_second));
        drives.with_label_values(&job).set(as_float(figures.drive_bytes_per_second()));
        staged.with_label_values(&job).set(as_float(figures.staged_bytes));
        underruns.with_label_values(&job).set(as_float(figures.underruns()));
        let back_hitches = figures.drives.iter().map(|drive| drive.back_hitches).sum();
        hitches.with_label_values(&job).set(as_float(back_hitches));
        if let Some(seconds) = figures.buffer_seconds {
            buffer.with_label_values(&job).set(as_float(seconds));
        }
        for (at, drive) in figures.drives.iter().enumerate() {
            let place = [job[0].clone(), at.to_string()];
            of_drive.with_label_values(&place).set(as_float(drive.bytes_per_second));
        }
    }
    let gauges = [source, drives, staged, buffer, underruns, hitches, of_drive];
    Ok(gauges.into_iter().map(|gauge| Box::new(gauge) as Box<dyn Collector>).collect())
}

/// A set that was never proven has no moment: an alert on its age asks for its absence too.
fn set_collectors(sets: &[SetFigures]) -> prometheus::Result<Vec<Box<dyn Collector>>> {
    let of_set = |name, text| GaugeVec::new(Opts::new(name, text), &["set"]);
    let complete =
        of_set("fossilsafe_set_complete", "1 if every file of the set's newest run is indexed")?;
    let proof = of_set(
        "fossilsafe_set_last_proof_timestamp_seconds",
        "When anything of the set was last read back from tape",
    )?;
    for SetFigures { name, is_complete, last_proof } in sets {
        complete.with_label_values(&[name]).set(f64::from(u8::from(*is_complete)));
        if let Some(at) = last_proof {
            let seconds = u64::try_from(at.seconds).unwrap_or(0);
            proof.with_label_values(&[name]).set(as_float(seconds));
        }
    }
    Ok(vec![Box::new(complete), Box::new(proof)])
}

fn by_state(
    name: &str,
    text: &str,
    counts: &BTreeMap<String, u64>,
) -> prometheus::Result<Box<dyn Collector>> {
    let gauge = GaugeVec::new(Opts::new(name, text), &["state"])?;
    for (state, count) in counts {
        gauge.with_label_values(&[state]).set(as_float(*count));
    }
    Ok(Box::new(gauge))
}

/// Prometheus has floats only; above 2^53 the last digits are lost, which no graph shows.
#[expect(clippy::cast_precision_loss, reason = "said above")]
fn as_float(count: u64) -> f64 {
    count as f64
}
