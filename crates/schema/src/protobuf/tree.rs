//! A `.proto` file as a tree: what the text says, names not yet resolved, comments gone.
//!
//! The parts are in the groups in which the canonical text has them (all fields of a message, then
//! all its oneofs, …), each group in the order of the text.

/// One file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct File {
    pub syntax: Option<Syntax>,
    pub package: Option<String>,
    /// Paths as they are written, `import` before `import public`. Weak imports are read and
    /// forgotten, as Confluent's registry does.
    pub imports: Vec<String>,
    pub public_imports: Vec<String>,
    pub options: Vec<Setting>,
    pub types: Vec<Type>,
    pub extends: Vec<Extend>,
    pub services: Vec<Service>,
}

impl File {
    /// The package, empty if there is none.
    pub fn package(&self) -> &str {
        self.package.as_deref().unwrap_or_default()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    Proto2,
    Proto3,
}

impl Syntax {
    pub fn name(self) -> &'static str {
        match self {
            Syntax::Proto2 => "proto2",
            Syntax::Proto3 => "proto3",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Type {
    Message(Message),
    Enum(Enum),
}

impl Type {
    pub fn name(&self) -> &str {
        match self {
            Type::Message(message) => &message.name,
            Type::Enum(enumeration) => &enumeration.name,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Message {
    pub name: String,
    pub reserved: Vec<Vec<Range>>,
    pub options: Vec<Setting>,
    pub fields: Vec<Field>,
    pub oneofs: Vec<OneOf>,
    pub groups: Vec<Group>,
    pub extensions: Vec<Vec<Range>>,
    pub extends: Vec<Extend>,
    pub types: Vec<Type>,
}

impl Message {
    /// Key and value, if this is what a compiler makes of a map field.
    pub fn map_entry(&self) -> Option<(&Field, &Field)> {
        let set = self.options.iter().rev().find(|option| option.name == "map_entry")?;
        if !matches!(&set.value, Value::Boolean(text) if text == "true") {
            return None;
        }
        let named = |name| self.fields.iter().find(|field| field.name == name);
        Some((named("key")?, named("value")?))
    }

    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        messages(&self.types)
    }
}

/// The messages among `types`, in order; a position in this order is a message index.
pub(super) fn messages(types: &[Type]) -> impl Iterator<Item = &Message> {
    types.iter().filter_map(|each| match each {
        Type::Message(message) => Some(message),
        Type::Enum(_) => None,
    })
}

/// The enums among `types`, in order.
pub(super) fn enums(types: &[Type]) -> impl Iterator<Item = &Enum> {
    types.iter().filter_map(|each| match each {
        Type::Message(_) => None,
        Type::Enum(enumeration) => Some(enumeration),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    Optional,
    Required,
    Repeated,
}

impl Label {
    pub fn name(self) -> &'static str {
        match self {
            Label::Optional => "optional",
            Label::Required => "required",
            Label::Repeated => "repeated",
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Field {
    pub label: Option<Label>,
    /// A scalar, `map<key, value>`, or a name, as it is written.
    pub kind: String,
    pub name: String,
    pub tag: i32,
    pub options: Vec<Setting>,
    /// `default` and `json_name` look like options and are none.
    pub default: Option<String>,
    pub json_name: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct OneOf {
    pub name: String,
    pub options: Vec<Setting>,
    pub fields: Vec<Field>,
    pub groups: Vec<Group>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub label: Option<Label>,
    pub name: String,
    pub tag: i32,
    pub fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Extend {
    pub name: String,
    pub fields: Vec<Field>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Enum {
    pub name: String,
    pub reserved: Vec<Vec<Range>>,
    pub options: Vec<Setting>,
    pub constants: Vec<Constant>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Constant {
    pub name: String,
    pub tag: i32,
    pub options: Vec<Setting>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Service {
    pub name: String,
    pub options: Vec<Setting>,
    pub rpcs: Vec<Rpc>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rpc {
    pub name: String,
    pub request: String,
    pub request_streaming: bool,
    pub response: String,
    pub response_streaming: bool,
    pub options: Vec<Setting>,
}

/// What is reserved, or given to extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Range {
    Number(i32),
    /// Both ends belong to it.
    Span(i32, i32),
    Name(String),
}

/// The highest number that a field can have: what `max` means.
pub(super) const TAG_MAX: i32 = (1 << 29) - 1;

/// An option that is set.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Setting {
    /// Without the parentheses; in brackets if it is the name of an extension in an aggregate.
    pub name: String,
    /// Whether it is written in parentheses, which is to say a custom option.
    pub custom: bool,
    pub value: Value,
}

impl Setting {
    pub fn plain(name: &str, value: Value) -> Self {
        Setting { name: name.to_owned(), custom: false, value }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    String(String),
    Boolean(String),
    Number(String),
    /// A word that is none of these.
    Enum(String),
    /// An aggregate: keys in the order of their first mention.
    Map(Vec<(String, Value)>),
    List(Vec<Value>),
    /// One field of the option's message: `(name).field = …`.
    Field(Box<Setting>),
}

/// The scalar types, by the way they are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    Double,
    Float,
    Int64,
    Uint64,
    Int32,
    Fixed64,
    Fixed32,
    Bool,
    String,
    Bytes,
    Uint32,
    Sfixed32,
    Sfixed64,
    Sint32,
    Sint64,
}

impl Scalar {
    const ALL: [(Scalar, &'static str); 15] = [
        (Scalar::Double, "double"),
        (Scalar::Float, "float"),
        (Scalar::Int64, "int64"),
        (Scalar::Uint64, "uint64"),
        (Scalar::Int32, "int32"),
        (Scalar::Fixed64, "fixed64"),
        (Scalar::Fixed32, "fixed32"),
        (Scalar::Bool, "bool"),
        (Scalar::String, "string"),
        (Scalar::Bytes, "bytes"),
        (Scalar::Uint32, "uint32"),
        (Scalar::Sfixed32, "sfixed32"),
        (Scalar::Sfixed64, "sfixed64"),
        (Scalar::Sint32, "sint32"),
        (Scalar::Sint64, "sint64"),
    ];

    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(scalar, _)| scalar)
    }

    pub fn name(self) -> &'static str {
        Self::ALL
            .into_iter()
            .find(|(scalar, _)| *scalar == self)
            .map(|(_, name)| name)
            .expect("the table has all of them")
    }
}

/// Key and value of a type that is written `map<key, value>`.
pub(super) fn map_of(kind: &str) -> Option<(&str, &str)> {
    let (key, value) = kind.strip_prefix("map<")?.strip_suffix('>')?.split_once(',')?;
    Some((key.trim(), value.trim()))
}
