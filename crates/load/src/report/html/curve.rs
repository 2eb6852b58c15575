//! The percentile curve: how long all but one in ten, a hundred, a thousand records took at most.

use super::super::latency::Latency;
use super::axis::Axis;
use super::chart::{HEIGHT, LEFT, RIGHT, WIDTH, below, decade, grid, y};
use super::escaped;
use crate::human::latency;
use hdrhistogram::Histogram;
use std::fmt::Write as _;

/// Points of a curve for each factor of ten.
const POINTS_PER_DECADE: u32 = 24;
/// Percentiles at the axis; one in ten times as many is beyond each.
const NAMES: &[&str] =
    &["0", "90", "99", "99.9", "99.99", "99.999", "99.9999", "99.99999", "99.999999"];

/// Appends the curve of both latencies, or nothing if none was measured.
pub(super) fn draw(ack: &Latency, end_to_end: &Latency, page: &mut String) {
    let curves: Vec<(&str, &str, Histogram<u64>)> =
        [("acknowledged", "c1", ack), ("end to end", "c2", end_to_end)]
            .into_iter()
            .filter_map(|(name, class, of)| Some((name, class, of.histogram()?)))
            .filter(|(_, _, histogram)| !histogram.is_empty())
            .collect();
    let Some(most) = curves.iter().map(|(_, _, histogram)| histogram.len()).max() else {
        return;
    };
    let decades = (most as f64).log10().ceil().clamp(1.0, 8.0) as u32;
    let lowest = curves.iter().map(|(_, _, histogram)| histogram.min()).min().unwrap_or(1);
    let highest = curves.iter().map(|(_, _, histogram)| histogram.max()).max().unwrap_or(1);
    let axis = Axis::logarithmic(lowest as f64, highest as f64);
    let said: Vec<String> = curves
        .iter()
        .map(|(name, _, of)| {
            format!(
                "{name} p50 {}, p99 {}",
                latency(of.value_at_quantile(0.5)),
                latency(of.value_at_quantile(0.99))
            )
        })
        .collect();
    page.push_str(
        "<section class=\"charts\">\n<h2>Percentiles</h2>\n<figure><figcaption><b>All latencies of the run</b> \
         <span class=\"about\">so many of a hundred took at most</span><span class=\"legend\">",
    );
    for (name, class, _) in &curves {
        let _ = write!(page, " <span class=\"{class}\">{name}</span>");
    }
    let _ = writeln!(
        page,
        "</span></figcaption><div class=\"scroll\"><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"Percentiles of latency, logarithmic: {}\">",
        escaped(&said.join("; "))
    );
    grid(&axis, |value| decade(value as u64), page);
    for (n, name) in NAMES.iter().enumerate().take(decades as usize + 1) {
        below(x(n as f64, decades), &format!("{name} %"), page);
    }
    for (_, class, histogram) in &curves {
        let _ = writeln!(
            page,
            "<path class=\"line {class}\" d=\"{}\"/>",
            path(histogram, &axis, decades)
        );
    }
    page.push_str("</svg></div></figure>\n</section>\n");
}

/// `nines` is 1 where all but a tenth are below, 2 for all but a hundredth.
fn x(nines: f64, decades: u32) -> f64 {
    LEFT + 14.0 + nines / f64::from(decades) * (RIGHT - LEFT - 34.0)
}

fn path(histogram: &Histogram<u64>, axis: &Axis, decades: u32) -> String {
    let mut path = String::new();
    // One step beyond the last record the curve would only go on flat.
    let own = (histogram.len() as f64).log10().min(f64::from(decades));
    let points = (own * f64::from(POINTS_PER_DECADE)).ceil() as u32;
    for point in 0..=points {
        let nines = (f64::from(point) / f64::from(POINTS_PER_DECADE)).min(own);
        let us = histogram.value_at_quantile(1.0 - 10f64.powf(-nines)).min(histogram.max());
        let letter = if point == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{letter}{:.1} {:.1}", x(nines, decades), y(axis.part(us as f64)));
    }
    path
}
