//! One case as a picture: rates above, what is staged below, over the same time; SVG.
//!
//! Written for a page of print: two panels, few lines, every axis with its unit.

use std::fmt::Write as _;
use std::time::Duration;

use super::simulation::{Outcome, Sample, Setup};

const WIDTH: f64 = 920.0;
const HEIGHT: f64 = 470.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 24.0;
const RATES: Panel = Panel { top: 74.0, height: 190.0, unit: "MB/s" };
const LEVEL: Panel = Panel { top: 298.0, height: 110.0, unit: "GB staged" };
const SOURCE: &str = "#d9822b";
const DRIVE: &str = "#1f5f99";
const STAGED: &str = "#5a8f5a";
const STOP: &str = "#b3261e";
const GRID: &str = "#e3e3e3";
const TEXT: &str = "#333333";
/// Ticks of an axis, at about this distance.
const TICKS: f64 = 5.0;

/// Where a panel is.
struct Panel {
    top: f64,
    height: f64,
    unit: &'static str,
}

/// One point of the lines: means since the point before.
struct Point {
    at: f64,
    source: f64,
    drive: f64,
    staged: f64,
    is_stop: bool,
}

/// The picture of the product's way.
pub(super) fn draw(setup: &Setup, outcome: &Outcome) -> String {
    let points = points(&outcome.trace, setup.source.drawn());
    let end = points.last().map_or(1.0, |point| point.at);
    let (divisor, unit) = if end >= 2.0 * 3600.0 { (3600.0, "hours") } else { (60.0, "minutes") };
    let across = Axis { highest: end / divisor, from: LEFT, to: WIDTH - RIGHT };
    let highest = |value: fn(&Point) -> f64| points.iter().map(value).fold(1e-9, f64::max) * 1.08;
    let rates = RATES.axis(highest(|point| point.source.max(point.drive)));
    let level = LEVEL.axis(highest(|point| point.staged));
    let mut svg = head(setup, outcome);
    across.draw_across(&mut svg, unit);
    rates.draw_up(&mut svg, &RATES);
    level.draw_up(&mut svg, &LEVEL);
    let line = |axis: &Axis, value: fn(&Point) -> f64| -> String {
        let place =
            |p: &Point| format!("{:.1},{:.1}", across.at(p.at / divisor), axis.at(value(p)));
        points.iter().map(place).collect::<Vec<_>>().join(" ")
    };
    let (start, zero) = (across.at(0.0), level.at(0.0));
    let staged = line(&level, |point| point.staged);
    let stop = across.at(end / divisor);
    let area = format!("{start:.1},{zero:.1} {staged} {stop:.1},{zero:.1}");
    push(&mut svg, format_args!(r#"<polygon points="{area}" fill="{STAGED}" opacity=".3"/>"#));
    for (axis, value, colour, width) in [
        (&level, (|point| point.staged) as fn(&Point) -> f64, STAGED, 1.4),
        (&rates, |point| point.source, SOURCE, 1.5),
        (&rates, |point| point.drive, DRIVE, 1.8),
    ] {
        let line = line(axis, value);
        push(
            &mut svg,
            format_args!(
                r#"<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"/>"#
            ),
        );
    }
    for point in points.iter().filter(|point| point.is_stop) {
        let (x, y) = (across.at(point.at / divisor), RATES.top + RATES.height);
        let (left, right, tip) = (x - 4.0, x + 4.0, y - 8.0);
        push(
            &mut svg,
            format_args!(
                r#"<path d="M{left:.1},{y} L{right:.1},{y} L{x:.1},{tip} Z" fill="{STOP}"/>"#
            ),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// Title, key and frame.
fn head(setup: &Setup, outcome: &Outcome) -> String {
    let mut svg = String::new();
    push(
        &mut svg,
        format_args!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="12" fill="{TEXT}">"#
        ),
    );
    push(&mut svg, format_args!(r#"<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>"#));
    let slowest = setup.generation.streaming_min_bytes_per_second() / super::source::MB;
    let title = format!("{}, {}", setup.generation, setup.source.describe());
    let terabytes = super::figure(outcome.bytes) / 1e12;
    let drawn = match setup.source.drawn() {
        Some(drawn) => {
            format!("; the first {} minutes of {:.0}", drawn.as_secs() / 60, outcome.seconds / 60.0)
        }
        None => String::new(),
    };
    let facts = format!(
        "{terabytes:.2} TB; slowest band {slowest} MB/s; back-hitches: {}, demanded: {}{drawn}",
        outcome.back_hitches, outcome.bursts_demanded
    );
    push(
        &mut svg,
        format_args!(r#"<text x="{LEFT}" y="24" font-size="16" font-weight="600">{title}</text>"#),
    );
    push(&mut svg, format_args!(r##"<text x="{LEFT}" y="43" fill="#666">{facts}</text>"##));
    for (x, name, colour) in [(0.0, "source", SOURCE), (80.0, "drive", DRIVE)] {
        let (from, to, text) = (LEFT + x, LEFT + x + 18.0, LEFT + x + 24.0);
        push(
            &mut svg,
            format_args!(
                r#"<line x1="{from}" y1="60" x2="{to}" y2="60" stroke="{colour}" stroke-width="2.5"/><text x="{text}" y="64">{name}</text>"#
            ),
        );
    }
    let (mark, text) = (LEFT + 154.0, LEFT + 164.0);
    let right = mark + 8.0;
    let tip = mark + 4.0;
    push(
        &mut svg,
        format_args!(
            r#"<path d="M{mark},64 L{right},64 L{tip},56 Z" fill="{STOP}"/><text x="{text}" y="64">back-hitch</text>"#
        ),
    );
    svg
}

/// Means between samples, as far as it is drawn.
fn points(trace: &[Sample], drawn: Option<Duration>) -> Vec<Point> {
    let until = drawn.map_or(f64::INFINITY, |drawn| drawn.as_secs_f64());
    let pairs = trace.windows(2).take_while(|pair| pair[1].at <= until);
    let between = pairs.filter(|pair| pair[1].at > pair[0].at).map(|pair| {
        let (from, to) = (pair[0], pair[1]);
        let rate = |bytes: f64| bytes / (to.at - from.at) / 1e6;
        Point {
            at: to.at,
            source: rate(to.source_bytes - from.source_bytes),
            drive: rate((to.tape_bytes - from.tape_bytes).max(0.0)),
            staged: to.staged_bytes / 1e9,
            is_stop: to.back_hitches > from.back_hitches,
        }
    });
    between.collect()
}

/// A scale from 0 to `highest`, on the picture between `from` and `to`.
struct Axis {
    highest: f64,
    from: f64,
    to: f64,
}

impl Panel {
    fn axis(&self, highest: f64) -> Axis {
        Axis { highest, from: self.top + self.height, to: self.top }
    }
}

impl Axis {
    fn at(&self, value: f64) -> f64 {
        self.from + (self.to - self.from) * value / self.highest
    }

    /// Round values at about equal distances: 1, 2 or 5 of a power of ten.
    fn ticks(&self) -> impl Iterator<Item = f64> + use<> {
        let rough = self.highest / TICKS;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0].map(|n| n * power).into_iter().find(|step| *step >= rough);
        let (step, highest) = (step.unwrap_or(10.0 * power), self.highest);
        (0_u32..).map(move |n| f64::from(n) * step).take_while(move |tick| *tick <= highest)
    }

    fn draw_across(&self, svg: &mut String, unit: &str) {
        let bottom = LEVEL.top + LEVEL.height;
        for tick in self.ticks() {
            let x = self.at(tick);
            for panel in [&RATES, &LEVEL] {
                let (top, end) = (panel.top, panel.top + panel.height);
                push(
                    svg,
                    format_args!(
                        r#"<line x1="{x:.1}" y1="{top}" x2="{x:.1}" y2="{end}" stroke="{GRID}"/>"#
                    ),
                );
            }
            let (y, label) = (bottom + 18.0, number(tick));
            push(
                svg,
                format_args!(r#"<text x="{x:.1}" y="{y}" text-anchor="middle">{label}</text>"#),
            );
        }
        let (x, y) = (f64::midpoint(self.from, self.to), bottom + 38.0);
        push(svg, format_args!(r#"<text x="{x}" y="{y}" text-anchor="middle">{unit}</text>"#));
    }

    fn draw_up(&self, svg: &mut String, panel: &Panel) {
        let right = WIDTH - RIGHT;
        for tick in self.ticks() {
            let y = self.at(tick);
            let (label, text, below) = (number(tick), LEFT - 8.0, y + 4.0);
            push(
                svg,
                format_args!(
                    r#"<line x1="{LEFT}" y1="{y:.1}" x2="{right}" y2="{y:.1}" stroke="{GRID}"/><text x="{text}" y="{below:.1}" text-anchor="end">{label}</text>"#
                ),
            );
        }
        let (y, unit) = (panel.top + panel.height / 2.0, panel.unit);
        push(
            svg,
            format_args!(
                r#"<text x="20" y="{y}" text-anchor="middle" transform="rotate(-90 20 {y})">{unit}</text>"#
            ),
        );
    }
}

/// A tick, with a digit behind the point only where it needs one.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn push(svg: &mut String, line: std::fmt::Arguments<'_>) {
    // A string takes everything.
    let _ = svg.write_fmt(line);
    svg.push('\n');
}
