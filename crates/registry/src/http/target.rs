//! A request's target: the segments of its path and the parameters behind it.

/// A path cut at its slashes, each piece decoded; empty pieces at the end do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(pub Vec<String>);

/// The target is not what a URL may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl Path {
    /// Cuts first and decodes then, so that an encoded slash stays in its piece.
    pub fn parse(path: &str) -> Result<Self, Malformed> {
        let path = path.strip_prefix('/').unwrap_or(path).trim_end_matches('/');
        if path.is_empty() {
            return Ok(Path(Vec::new()));
        }
        path.split('/').map(|piece| decode(piece, false)).collect::<Result<_, _>>().map(Path)
    }
}

/// The parameters behind the question mark, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `a=b&c`; a name without a value has an empty one.
    pub fn parse(query: Option<&str>) -> Result<Self, Malformed> {
        let Some(query) = query else { return Ok(Query::default()) };
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name, true)?, decode(value, true)?))
        });
        pairs.collect::<Result<_, _>>().map(Query)
    }

    /// The first value of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All values of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The query with each value of that name changed; one that is not there counts as empty.
    pub fn with(mut self, name: &str, change: impl Fn(&str) -> String) -> Self {
        if self.get(name).is_none() {
            self.0.push((name.to_owned(), String::new()));
        }
        for (_, value) in self.0.iter_mut().filter(|(known, _)| known == name) {
            *value = change(value);
        }
        self
    }

    /// Whether the parameter is there and `true`, in any case; everything else is false.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

#[cfg(test)]
impl std::fmt::Display for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (name, value)) in self.0.iter().enumerate() {
            let mark = if index == 0 { '?' } else { '&' };
            write!(f, "{mark}{name}={value}")?;
        }
        Ok(())
    }
}

/// Decodes %XX, and + as a space where it stands for one.
fn decode(text: &str, plus_is_space: bool) -> Result<String, Malformed> {
    if !text.contains(['%', '+']) {
        return Ok(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || {
                    let digit = char::from(rest.next().ok_or(Malformed)?);
                    digit.to_digit(16).ok_or(Malformed)
                };
                let value = digit()? * 16 + digit()?;
                u8::try_from(value).expect("two hexadecimal digits are a byte")
            }
            b'+' if plus_is_space => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<String> {
        Path::parse(text).expect("it is well-formed").0
    }

    #[test]
    fn an_encoded_slash_or_colon_stays_in_its_piece() {
        assert_eq!(path("/subjects/a%2Fb%3ac/versions"), ["subjects", "a/b:c", "versions"]);
        assert_eq!(path("/subjects/:.ctx:a+b"), ["subjects", ":.ctx:a+b"]);
        assert_eq!(path("/subjects/gr%C3%BCn"), ["subjects", "grün"]);
    }

    #[test]
    fn slashes_at_the_end_do_not_count_and_those_between_do() {
        assert_eq!(path("/subjects/"), ["subjects"]);
        assert_eq!(path("/"), [""; 0]);
        assert_eq!(path("/subjects//versions"), ["subjects", "", "versions"]);
    }

    #[test]
    fn what_is_no_encoding_is_malformed() {
        for text in ["/%", "/%2", "/%zz", "/%ff", "/%+1"] {
            assert_eq!(Path::parse(text), Err(Malformed), "{text}");
        }
    }

    #[test]
    fn parameters_keep_their_order_and_a_flag_is_true_or_not() {
        let query = Query::parse(Some("key=a&key=b+c&deleted=True&permanent=yes&normalize"));
        let query = query.expect("it is well-formed");
        assert_eq!(query.all("key").collect::<Vec<_>>(), ["a", "b c"]);
        assert!(query.flag("deleted") && !query.flag("permanent") && !query.flag("normalize"));
        assert_eq!(query.get("normalize"), Some(""));
        assert_eq!(query.get("other"), None);
    }
}
