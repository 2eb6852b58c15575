//! Media types: which bodies are read, and which type an answer is given.

use hyper::HeaderMap;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};

/// The types of answers, best first.
const ANSWERS: [&str; 3] = [
    "application/vnd.schemaregistry.v1+json",
    "application/vnd.schemaregistry+json",
    "application/json",
];

/// What a body may say that it is, besides [`ANSWERS`]: what programs send that do not care.
const ANYTHING: &str = "application/octet-stream";

/// One of the three types of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Media(u8);

impl Media {
    /// The type as a header's value.
    pub fn value(self) -> HeaderValue {
        HeaderValue::from_static(ANSWERS[usize::from(self.0)])
    }

    /// The best type for a request's Accept headers; `None` if none of ours is accepted.
    pub fn negotiate(headers: &HeaderMap) -> Option<Self> {
        let mut best: Option<(u16, Media)> = None;
        let mut asked = false;
        for value in headers.get_all(ACCEPT) {
            let Ok(value) = value.to_str() else { continue };
            for range in value.split(',').map(str::trim).filter(|range| !range.is_empty()) {
                asked = true;
                let (range, quality) = range_of(range);
                let Some(media) = matching(range) else { continue };
                let better = best.is_none_or(|(than, held)| {
                    quality > than || (quality == than && media.0 < held.0)
                });
                if quality > 0 && better {
                    best = Some((quality, media));
                }
            }
        }
        if asked { best.map(|(_, media)| media) } else { Some(Media::default()) }
    }
}

/// Whether a body of the request's Content-Type is read. No type at all is fine.
pub fn is_readable(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    let Ok(value) = value.to_str() else { return false };
    let (essence, _) = range_of(value);
    essence.eq_ignore_ascii_case(ANYTHING)
        || ANSWERS.iter().any(|known| known.eq_ignore_ascii_case(essence))
}

/// A media range without its parameters, and its quality in thousandths.
fn range_of(text: &str) -> (&str, u16) {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next().unwrap_or("");
    let quality = parts.find_map(|parameter| {
        let value = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="))?;
        let quality = value.trim().parse::<f32>().ok()?;
        // A quality is from 0 to 1; what is outside is taken for the nearer end.
        Some((quality.clamp(0.0, 1.0) * 1_000.0) as u16)
    });
    (range, quality.unwrap_or(1_000))
}

/// The best of our types that the range covers.
fn matching(range: &str) -> Option<Media> {
    if range == "*/*" || range.eq_ignore_ascii_case("application/*") || range == "*" {
        return Some(Media::default());
    }
    let index = ANSWERS.iter().position(|known| known.eq_ignore_ascii_case(range))?;
    Some(Media(u8::try_from(index).expect("there are three")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(accept: &str) -> Option<HeaderValue> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_str(accept).expect("a header's value"));
        Media::negotiate(&headers).map(Media::value)
    }

    #[test]
    fn without_a_wish_answers_are_confluents_own_type() {
        let own = HeaderValue::from_static("application/vnd.schemaregistry.v1+json");
        assert_eq!(Media::negotiate(&HeaderMap::new()).map(Media::value), Some(own.clone()));
        for accept in ["*/*", "application/*", "text/html, */*;q=0.1", "*/*; q=nonsense"] {
            assert_eq!(answered(accept), Some(own.clone()), "{accept}");
        }
    }

    #[test]
    fn the_wish_of_the_highest_quality_wins() {
        let json = Some(HeaderValue::from_static("application/json"));
        assert_eq!(answered("application/json"), json);
        assert_eq!(
            answered("application/vnd.schemaregistry.v1+json;q=0.2, application/json;q=0.9"),
            json
        );
        assert_eq!(answered("application/json;charset=utf-8"), json);
    }

    #[test]
    fn what_nobody_can_answer_is_refused() {
        assert_eq!(answered("text/html"), None);
        assert_eq!(answered("application/json;q=0"), None);
    }

    #[test]
    fn bodies_of_four_types_and_of_none_are_read() {
        let readable = |kind: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_str(kind).expect("a header's value"));
            is_readable(&headers)
        };
        assert!(is_readable(&HeaderMap::new()));
        for kind in ANSWERS.iter().chain(&[ANYTHING, "Application/JSON; charset=utf-8"]) {
            assert!(readable(kind), "{kind}");
        }
        assert!(!readable("text/plain") && !readable("application/x-www-form-urlencoded"));
        assert!(!readable(""));
    }
}
