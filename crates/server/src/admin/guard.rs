//! Keeps web pages away from the admin address.
//!
//! A page that somebody looks at may send requests to that person's own machine, and under a name that
//! its owner points there it may even read the answers. Browsers say that they ask for a page;
//! Prometheus, probes and command lines do not.

use super::refused;
use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::time::Duration;

/// The largest body of a request.
pub(super) const BODY_BYTES_MAX: usize = 4_096;

/// A request with a body that takes longer is given up.
const PUT_MAX: Duration = Duration::from_secs(10);

/// Answers what a web page asks with 403, and the rest as ever.
///
/// `is_local` tells that the address is a loopback one.
pub(super) async fn guard(State(is_local): State<bool>, request: Request, next: Next) -> Response {
    if let Err(problem) = check(request.headers(), is_local) {
        return refused(StatusCode::FORBIDDEN, problem).into_response();
    }
    if request.method() != Method::PUT {
        return next.run(request).await;
    }
    match tokio::time::timeout(PUT_MAX, next.run(request)).await {
        Ok(response) => response,
        Err(_) => refused(StatusCode::REQUEST_TIMEOUT, "the body did not come").into_response(),
    }
}

fn check(headers: &HeaderMap, is_local: bool) -> Result<(), &'static str> {
    if headers.contains_key(ORIGIN) {
        return Err("web pages are not served: there is an Origin header");
    }
    let site = headers.get("sec-fetch-site");
    if site.is_some_and(|site| site != "none" && site != "same-origin") {
        return Err("web pages of other sites are not served");
    }
    // What is local is asked for by its address. Another name may be anybody's.
    let host = headers.get(HOST).map(|host| host.to_str().unwrap_or(""));
    if is_local && host.is_some_and(|host| !names_this_machine(host)) {
        return Err("the Host header of a local address must be an IP address or localhost");
    }
    Ok(())
}

/// True for `localhost` and addresses, whatever the port.
fn names_this_machine(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').is_some_and(|(address, _)| address.parse::<IpAddr>().is_ok());
    }
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn is_served(headers: &[(&'static str, &'static str)], is_local: bool) -> bool {
        let pairs = headers.iter().map(|(name, value)| {
            (name.parse().expect("a header's name"), HeaderValue::from_static(value))
        });
        check(&pairs.collect(), is_local).is_ok()
    }

    #[test]
    fn a_local_address_is_asked_for_by_address_or_as_localhost() {
        for host in
            ["127.0.0.1:9644", "127.0.0.1", "[::1]:9644", "[::1]", "LocalHost:80", "localhost"]
        {
            assert!(is_served(&[("host", host)], true), "{host}");
        }
        for host in ["rebound.example:9644", "127.0.0.1.example", "localhost.example", "[x]", ""] {
            assert!(!is_served(&[("host", host)], true), "{host}");
        }
        assert!(is_served(&[], true), "HTTP/1.0 has no Host");
    }

    #[test]
    fn an_address_for_others_is_served_under_any_name() {
        assert!(is_served(&[("host", "tidegate.kafka.svc:9644")], false));
    }

    #[test]
    fn what_a_page_sends_is_refused_under_any_name() {
        for is_local in [true, false] {
            let is_served =
                |name, value| is_served(&[("host", "127.0.0.1"), (name, value)], is_local);
            assert!(!is_served("origin", "http://127.0.0.1"));
            assert!(!is_served("origin", "null"));
            assert!(!is_served("sec-fetch-site", "cross-site"));
            assert!(!is_served("sec-fetch-site", "same-site"));
            assert!(is_served("sec-fetch-site", "none"));
            assert!(is_served("sec-fetch-site", "same-origin"));
        }
    }
}
