//! The report that the project's test runner reads.

use std::fmt::Write;
use std::time::Duration;

/// One test's result.
pub struct Case {
    /// `area/name`.
    pub id: String,
    pub took: Duration,
    pub failure: Option<String>,
}

/// A JUnit report of those tests.
pub fn report(cases: &[Case]) -> String {
    let failures = cases.iter().filter(|case| case.failure.is_some()).count();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"conformance\" tests=\"{}\" \
         failures=\"{failures}\" errors=\"0\" skipped=\"0\">\n",
        cases.len()
    );
    for case in cases {
        let (area, name) = case.id.split_once('/').unwrap_or(("", &case.id));
        let _ = write!(
            xml,
            "<testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
            escaped(area),
            escaped(name),
            case.took.as_secs_f64()
        );
        let _ = match &case.failure {
            Some(failure) => writeln!(xml, "><failure>{}</failure></testcase>", escaped(failure)),
            None => writeln!(xml, "/>"),
        };
    }
    xml.push_str("</testsuite>\n");
    xml
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() && c != '\n' && c != '\t' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_and_cannot_break_the_report() {
        let case = |id: &str, failure: Option<&str>| Case {
            id: id.to_owned(),
            took: Duration::from_millis(1_500),
            failure: failure.map(str::to_owned),
        };
        let xml = report(&[case("a/good", None), case("a/bad", Some("<\u{1}&\">"))]);
        assert!(xml.contains("tests=\"2\" failures=\"1\""), "{xml}");
        assert!(xml.contains("classname=\"a\" name=\"good\" time=\"1.500\"/>"), "{xml}");
        assert!(xml.contains("<failure>&lt;\u{fffd}&amp;&quot;&gt;</failure>"), "{xml}");
    }
}
