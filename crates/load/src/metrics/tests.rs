//! Tests of the metrics: every one of the table is answered, and says what was told.

use super::*;
use crate::report::{new_histogram, record};

fn second() -> Second {
    let mut ack = new_histogram();
    [400, 500, 501, 90_000_000].into_iter().for_each(|us| record(&mut ack, us));
    Second {
        at: Duration::from_secs(1),
        span: Duration::from_secs(1),
        offered: 5,
        acknowledged: 4,
        failed: 1,
        consumed: 3,
        acknowledged_bytes: 400,
        consumed_bytes: 300,
        errors: 2,
        rebalances: 1,
        faults: 6,
        outstanding: 7,
        lag: Some(8),
        cpu_s: 0.5,
        rss_bytes: 9000,
        ack,
        end_to_end: new_histogram(),
    }
}

fn ask(exporter: &Exporter, request: &str) -> String {
    let mut stream = TcpStream::connect(exporter.address()).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout can be set");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

#[test]
fn every_metric_of_the_table_is_answered_and_no_other() {
    let exporter = Exporter::listen("127.0.0.1:0").expect("a port is free");
    exporter.describe("quick", "librdkafka \"2\"", 10.0);
    exporter.phase("produce");
    let sample = Sample { span_ms: 1000, cpus: 0.5, ..Sample::default() };
    exporter.second(&second(), &sample);
    exporter.second(&second(), &sample);
    let answer = ask(&exporter, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    let (head, page) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains(&format!("Content-Length: {}", page.len())), "{head}");

    let mut names: Vec<&str> = page
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(['{', ' ']).next().expect("a line begins with a name"))
        .map(|name| {
            let histogram =
                ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            histogram.unwrap_or(name)
        })
        .collect();
    names.dedup();
    let wanted: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(names, wanted);
    for line in [
        r#"tidegate_load_info{preset="quick",client="librdkafka \"2\"",version="0.1.0"} 1"#,
        r#"tidegate_load_phase{phase="produce"} 1"#,
        "tidegate_load_planned_records_per_second 10",
        "tidegate_load_offered_records_total 10",
        "tidegate_load_acknowledged_records_total 8",
        "tidegate_load_failed_records_total 2",
        "tidegate_load_consumed_records_total 6",
        "tidegate_load_acknowledged_bytes_total 800",
        "tidegate_load_consumed_bytes_total 600",
        "tidegate_load_outstanding_records 7",
        "tidegate_load_lag_records 8",
        "tidegate_load_faults_total 12",
        "tidegate_load_errors_total 4",
        "tidegate_load_rebalances_total 2",
        "tidegate_load_cpu_seconds_total 1",
        "tidegate_load_resident_memory_bytes 9000",
        r#"tidegate_load_ack_latency_seconds_bucket{le="0.0005"} 4"#,
        r#"tidegate_load_ack_latency_seconds_bucket{le="0.001"} 6"#,
        r#"tidegate_load_ack_latency_seconds_bucket{le="60"} 6"#,
        r#"tidegate_load_ack_latency_seconds_bucket{le="+Inf"} 8"#,
        "tidegate_load_ack_latency_seconds_count 8",
        "tidegate_load_end_to_end_latency_seconds_count 0",
    ] {
        assert!(page.lines().any(|is| is == line), "{line} is not in\n{page}");
    }
}

#[test]
fn lag_that_the_broker_has_not_told_is_not_zero() {
    let exporter = Exporter::listen("127.0.0.1:0").expect("a port is free");
    exporter.second(&Second { lag: None, ..second() }, &Sample::default());
    assert!(!exporter.page().contains("\ntidegate_load_lag_records "));
}

#[test]
fn another_path_is_told_where_metrics_are_and_another_method_is_refused() {
    let exporter = Exporter::listen("127.0.0.1:0").expect("a port is free");
    let answer = ask(&exporter, "GET / HTTP/1.1\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("/metrics"), "{answer}");
    assert!(ask(&exporter, "POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
    assert!(ask(&exporter, "HEAD /metrics HTTP/1.1\r\n\r\n").ends_with("\r\n\r\n"));
}

#[test]
fn an_address_that_is_taken_or_none_is_told_with_what_to_give() {
    let exporter = Exporter::listen("127.0.0.1:0").expect("a port is free");
    for address in [exporter.address().to_string().as_str(), "nonsense", "127.0.0.1:port"] {
        let problem = Exporter::listen(address).expect_err("it cannot be used");
        assert!(problem.contains(address) && problem.contains("127.0.0.1:9600"), "{problem}");
    }
}
