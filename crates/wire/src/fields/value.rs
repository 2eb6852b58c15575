//! What a field holds.

use uuid::Uuid;

/// The value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Null, where the version allows it.
    Null,
    /// True or false.
    Bool(bool),
    /// Any whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A string.
    Text(String),
    /// A topic's id, and others.
    Uuid(Uuid),
    /// So many bytes, whose meaning is not Kafka's. They may be secrets: they are not kept.
    Bytes(usize),
    /// Record batches, and bytes behind the last whole one.
    Records {
        /// Their headers.
        batches: Vec<Batch>,
        /// All bytes.
        bytes: usize,
    },
    /// A list, without what goes beyond a limit.
    List {
        /// Its elements.
        items: Vec<Value>,
        /// How many more there were.
        omitted: usize,
    },
    /// Fields in their order.
    Struct(Vec<Field>),
}

/// A field with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Kafka's name.
    pub name: &'static str,
    /// What it names.
    pub entity: Entity,
    /// What it holds.
    pub value: Value,
}

/// What a text names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entity {
    /// Nothing that is known here.
    None,
    /// A consumer group.
    Group,
    /// A topic.
    Topic,
}

/// The header of a record batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// Offset of its first record; what a producer sends has 0.
    pub base_offset: i64,
    /// Its records.
    pub records: i32,
    /// Its bytes.
    pub bytes: usize,
    /// Codec, kind of time stamp, transactional, control: as in the record format.
    pub attributes: i16,
    /// -1 without idempotence.
    pub producer_id: i64,
    /// -1 without idempotence.
    pub producer_epoch: i16,
    /// -1 without idempotence.
    pub base_sequence: i32,
    /// Time stamp of its first record.
    pub base_timestamp: i64,
    /// The latest time stamp.
    pub max_timestamp: i64,
}

impl Batch {
    /// Kafka's name of the codec.
    pub fn compression(&self) -> &'static str {
        match self.attributes & 7 {
            0 => "none",
            1 => "gzip",
            2 => "snappy",
            3 => "lz4",
            4 => "zstd",
            _ => "unknown",
        }
    }
}

impl Value {
    /// Calls `visit` with every field, those within lists and structs too.
    pub fn visit<'a>(&'a self, visit: &mut impl FnMut(&'a Field)) {
        match self {
            Value::Struct(fields) => {
                for field in fields {
                    visit(field);
                    field.value.visit(visit);
                }
            }
            Value::List { items, .. } => items.iter().for_each(|item| item.visit(visit)),
            _ => {}
        }
    }

    /// The field of that name of a struct.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let Value::Struct(fields) = self else { return None };
        fields.iter().find(|field| field.name == name).map(|field| &field.value)
    }
}
