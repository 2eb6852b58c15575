//! URIs as far as `$id` and `$ref` need them: a reference against a base (RFC 3986, section 5.2).

/// A URI cut into its parts; what is missing is `None`, which differs from being empty.
struct Parts<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Parts<'a> {
    /// Cuts `uri`, which has no fragment.
    fn of(uri: &'a str) -> Self {
        let (uri, query) = match uri.split_once('?') {
            Some((uri, query)) => (uri, Some(query)),
            None => (uri, None),
        };
        let (scheme, rest) = match uri.split_once(':') {
            Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
            _ => (None, uri),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let end = rest.find('/').unwrap_or(rest.len());
                (Some(&rest[..end]), &rest[end..])
            }
            None => (None, rest),
        };
        Parts { scheme, authority, path, query }
    }

    fn join(&self) -> String {
        let mut uri = String::new();
        if let Some(scheme) = self.scheme {
            uri.push_str(scheme);
            uri.push(':');
        }
        if let Some(authority) = self.authority {
            uri.push_str("//");
            uri.push_str(authority);
        }
        uri.push_str(self.path);
        if let Some(query) = self.query {
            uri.push('?');
            uri.push_str(query);
        }
        uri
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// The URI and its fragment: `a#b` is `("a", "b")`, and what has no `#` has an empty fragment.
pub(super) fn split_fragment(uri: &str) -> (&str, &str) {
    uri.split_once('#').unwrap_or((uri, ""))
}

/// What `reference` means where `base` is the base; neither has a fragment.
pub(super) fn resolve(base: &str, reference: &str) -> String {
    let (base, target) = (Parts::of(base), Parts::of(reference));
    if target.scheme.is_some() {
        let path = without_dots(target.path);
        return Parts { path: &path, ..target }.join();
    }
    if target.authority.is_some() {
        let path = without_dots(target.path);
        return Parts { scheme: base.scheme, path: &path, ..target }.join();
    }
    let (path, query) = if target.path.is_empty() {
        (base.path.to_owned(), target.query.or(base.query))
    } else if target.path.starts_with('/') {
        (without_dots(target.path), target.query)
    } else {
        (without_dots(&merged(&base, target.path)), target.query)
    };
    Parts { scheme: base.scheme, authority: base.authority, path: &path, query }.join()
}

/// `path` in the place of what follows the last slash of the base's path.
fn merged(base: &Parts<'_>, path: &str) -> String {
    if base.authority.is_some() && base.path.is_empty() {
        return format!("/{path}");
    }
    match base.path.rfind('/') {
        Some(slash) => format!("{}{path}", &base.path[..=slash]),
        None => path.to_owned(),
    }
}

fn without_dots(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." if last => kept.push(""),
            "." => {}
            ".." => {
                kept.pop();
                if last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    let path = kept.join("/");
    if rooted { format!("/{path}") } else { path }
}

/// `%41` is `A`. What does not decode to UTF-8 stays as it is.
pub(super) fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = match tail {
            [high, low, ..] if *first == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match code {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_resolve_as_the_examples_of_rfc_3986() {
        let base = "http://a/b/c/d;p?q";
        let examples = [
            ("g:h", "g:h"),
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("./", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            ("./g/.", "http://a/b/c/g/"),
            ("g/../h", "http://a/b/c/h"),
        ];
        for (reference, target) in examples {
            assert_eq!(resolve(base, reference), target, "{reference}");
        }
    }

    #[test]
    fn names_without_a_scheme_resolve_among_themselves() {
        assert_eq!(resolve("", "a.json"), "a.json");
        assert_eq!(resolve("mem://input", "a.json"), "mem://input/a.json");
        assert_eq!(resolve("root.json", "b/c.json"), "b/c.json");
        assert_eq!(resolve("dir/root.json", "../c.json"), "c.json");
        assert_eq!(resolve("urn:example:root", "urn:example:other"), "urn:example:other");
    }

    #[test]
    fn fragments_are_cut_off_and_decoded() {
        assert_eq!(split_fragment("a.json#/b"), ("a.json", "/b"));
        assert_eq!(split_fragment("a.json"), ("a.json", ""));
        assert_eq!(percent_decoded("%2Fa%20b%"), "/a b%");
        assert_eq!(percent_decoded("%ff"), "%ff");
    }
}
