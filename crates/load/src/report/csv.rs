//! The samples as a table for spreadsheets and scripts: a header and one line for each sample.
//!
//! Columns have the names of the fields in the JSON report. What is `null` there is an empty cell here. No cell needs quotes: all are
//! numbers.

use super::latency::Percentiles;
use super::model::Report;
use super::series::Sample;

/// The table.
pub(super) fn csv(report: &Report) -> String {
    let names: Vec<String> = row(&Sample::default()).into_iter().map(|(name, _)| name).collect();
    let mut text = names.join(",");
    text.push('\n');
    for sample in &report.samples {
        let cells: Vec<String> = row(sample).into_iter().map(|(_, value)| value).collect();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

fn row(sample: &Sample) -> Vec<(String, String)> {
    let mut cells: Vec<(String, String)> = [
        ("at_ms", sample.at_ms),
        ("span_ms", sample.span_ms),
        ("offered", sample.offered),
        ("acknowledged", sample.acknowledged),
        ("failed", sample.failed),
        ("consumed", sample.consumed),
        ("acknowledged_bytes", sample.acknowledged_bytes),
        ("consumed_bytes", sample.consumed_bytes),
        ("errors", sample.errors),
        ("rebalances", sample.rebalances),
        ("faults", sample.faults),
        ("outstanding", sample.outstanding),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_string()))
    .into();
    cells.push(("lag".to_owned(), sample.lag.map_or_else(String::new, |lag| lag.to_string())));
    cells.push(("cpus".to_owned(), format!("{:.3}", sample.cpus)));
    cells.push(("rss_bytes".to_owned(), sample.rss_bytes.to_string()));
    percentiles("ack", sample.ack, &mut cells);
    percentiles("end_to_end", sample.end_to_end, &mut cells);
    cells
}

fn percentiles(name: &str, of: Option<Percentiles>, cells: &mut Vec<(String, String)>) {
    type Field = fn(&Percentiles) -> u64;
    let fields: [(&str, Field); 6] = [
        ("count", |of| of.count),
        ("p50_us", |of| of.p50_us),
        ("p90_us", |of| of.p90_us),
        ("p99_us", |of| of.p99_us),
        ("p99_9_us", |of| of.p99_9_us),
        ("max_us", |of| of.max_us),
    ];
    for (field, value) in fields {
        let value = of.map_or_else(String::new, |of| value(&of).to_string());
        cells.push((format!("{name}_{field}"), value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_a_sample_has_its_column_with_its_value() {
        let some =
            Percentiles { count: 1, p50_us: 2, p90_us: 3, p99_us: 4, p99_9_us: 5, max_us: 6 };
        let sample =
            Sample { at_ms: 17, cpus: 1.25, lag: Some(3), ack: Some(some), ..Sample::default() };
        let report =
            Report { samples: vec![sample.clone(), Sample::default()], ..Report::default() };
        let text = csv(&report);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.len() == lines[0].len()), "{text}");

        let cell = |line: usize, name: &str| {
            let column = lines[0].iter().position(|column| *column == name);
            lines[line][column.unwrap_or_else(|| panic!("no column {name}"))]
        };
        let serde_json::Value::Object(fields) = serde_json::to_value(&sample).expect("it is JSON")
        else {
            panic!("a sample is an object")
        };
        for (name, value) in &fields {
            if let serde_json::Value::Number(number) = value {
                let is: f64 = cell(1, name).parse().expect("a number");
                assert_eq!(Some(is), number.as_f64(), "{name}");
            }
        }
        assert_eq!(cell(1, "ack_p99_9_us"), "5");
        assert_eq!(cell(1, "end_to_end_p50_us"), "");
        assert_eq!(cell(2, "lag"), "");
    }
}
