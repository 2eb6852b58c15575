//! What a schema refers to.

/// One schema that another one refers to, found and read by whoever keeps them.
///
/// A list of references is complete (it has those of the references too), and each stands behind
/// the ones that it needs itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference<'a> {
    /// The name under which it is referred to: a full name in Avro, a URI in JSON Schema, a path of an
    /// import in Protobuf.
    pub name: &'a str,
    /// The subject it is registered under.
    pub subject: &'a str,
    /// Its version in that subject.
    pub version: i32,
    /// Its text.
    pub text: &'a str,
    /// Whether the schema itself names it, rather than one of its references.
    pub direct: bool,
}
