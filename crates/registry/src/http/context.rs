//! `/contexts/{c}/…`: a prefix of any path that puts what follows into a context.
//!
//! As Confluent's ContextFilter does it, the prefix is taken off and its context written in front of
//! the subject that the rest of the path, or a parameter, names.

use super::target::{Path, Query};

/// A context's name with a colon in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadContext;

/// What stands in front of a subject in `context`: `:.ctx:`, or nothing for the default one.
pub fn prefix_of(context: &str) -> Result<String, BadContext> {
    let name = context.strip_prefix(':').unwrap_or(context);
    let name = name.strip_suffix(':').unwrap_or(name);
    if name.contains(':') {
        return Err(BadContext);
    }
    let name = name.strip_prefix('.').unwrap_or(name);
    Ok(if name.is_empty() { String::new() } else { format!(":.{name}:") })
}

/// Takes the prefix off, if there is one with something behind it.
pub fn apply(path: Path, query: Query) -> Result<(Path, Query), BadContext> {
    match path.0.as_slice() {
        [first, context, rest @ ..] if first == "contexts" && !rest.is_empty() => {
            let prefix = prefix_of(context)?;
            Ok((in_context(rest, &prefix), query_in_context(rest, query, &prefix)))
        }
        _ => Ok((path, query)),
    }
}

fn in_context(pieces: &[String], prefix: &str) -> Path {
    let mut found = Vec::with_capacity(pieces.len() + 1);
    let mut subject_next = false;
    for (index, piece) in pieces.iter().enumerate() {
        if subject_next {
            found.push(qualified(piece, prefix));
            subject_next = false;
            continue;
        }
        subject_next = piece == "subjects" || (index == 0 && is_config_or_mode(piece));
        found.push(piece.clone());
    }
    // The config or the mode of the context itself.
    if subject_next && is_config_or_mode(&pieces[0]) && !prefix.is_empty() {
        found.push(prefix.to_owned());
    }
    Path(found)
}

fn query_in_context(pieces: &[String], query: Query, prefix: &str) -> Query {
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    match pieces.as_slice() {
        ["schemas", "ids", ..] => query.with("subject", |subject| qualified(subject, prefix)),
        ["schemas"] | ["subjects"] => {
            query.with("subjectPrefix", |wanted| qualified(wanted, prefix))
        }
        _ => query,
    }
}

fn is_config_or_mode(piece: &str) -> bool {
    piece == "config" || piece == "mode"
}

/// The subject in the context, unless it names one itself.
fn qualified(subject: &str, prefix: &str) -> String {
    if subject.starts_with(":.") || subject.starts_with(":*:") {
        return subject.to_owned();
    }
    format!("{prefix}{subject}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(target: &str) -> String {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = Path::parse(path).expect("well-formed");
        let query = Query::parse(Some(query)).expect("well-formed");
        let (path, query) = apply(path, query).expect("the context is valid");
        format!("/{}{query}", path.0.join("/"))
    }

    #[test]
    fn the_context_goes_in_front_of_the_subject() {
        let cases = [
            ("/contexts/.c/subjects/s/versions", "/subjects/:.c:s/versions"),
            ("/contexts/c/subjects/s", "/subjects/:.c:s"),
            ("/contexts/:.c:/subjects/s", "/subjects/:.c:s"),
            ("/contexts/./subjects/s", "/subjects/s"),
            ("/contexts/.c/subjects/:.d:s", "/subjects/:.d:s"),
            ("/contexts/.c/config/s", "/config/:.c:s"),
            ("/contexts/.c/config", "/config/:.c:"),
            ("/contexts/./mode", "/mode"),
            ("/contexts/.c/mode", "/mode/:.c:"),
            (
                "/contexts/.c/compatibility/subjects/config/versions/1",
                "/compatibility/subjects/:.c:config/versions/1",
            ),
            ("/contexts/.c/schemas/ids/7", "/schemas/ids/7?subject=:.c:"),
            ("/contexts/.c/schemas/ids/7?subject=s", "/schemas/ids/7?subject=:.c:s"),
            ("/contexts/.c/subjects", "/subjects?subjectPrefix=:.c:"),
            ("/contexts/.c/subjects?subjectPrefix=a", "/subjects?subjectPrefix=:.c:a"),
            ("/contexts/.c/schemas?subjectPrefix=:*:", "/schemas?subjectPrefix=:*:"),
            ("/contexts/.c/schemas/types", "/schemas/types"),
        ];
        for (target, expected) in cases {
            assert_eq!(applied(target), expected, "{target}");
        }
    }

    #[test]
    fn contexts_themselves_are_no_prefix() {
        assert_eq!(applied("/contexts"), "/contexts");
        assert_eq!(applied("/contexts/.c"), "/contexts/.c");
    }

    #[test]
    fn a_context_has_no_colon_inside() {
        let path = Path::parse("/contexts/a:b/subjects").expect("well-formed");
        assert_eq!(apply(path, Query::default()), Err(BadContext));
    }
}
