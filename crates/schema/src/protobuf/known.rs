//! The files that every registry of Protobuf schemas knows.

use super::names::{Named, Origin};
use super::parser;
use super::tree::{Extend, Field, File, Label, Type};
use crate::Limits;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Path and text of each.
const FILES: &[(&str, &str)] = &[
    ("confluent/meta.proto", include_str!("known/confluent/meta.proto")),
    ("confluent/type/decimal.proto", include_str!("known/confluent/type/decimal.proto")),
    ("google/protobuf/any.proto", include_str!("known/google/protobuf/any.proto")),
    ("google/protobuf/api.proto", include_str!("known/google/protobuf/api.proto")),
    ("google/protobuf/descriptor.proto", include_str!("known/google/protobuf/descriptor.proto")),
    ("google/protobuf/duration.proto", include_str!("known/google/protobuf/duration.proto")),
    ("google/protobuf/empty.proto", include_str!("known/google/protobuf/empty.proto")),
    ("google/protobuf/field_mask.proto", include_str!("known/google/protobuf/field_mask.proto")),
    (
        "google/protobuf/source_context.proto",
        include_str!("known/google/protobuf/source_context.proto"),
    ),
    ("google/protobuf/struct.proto", include_str!("known/google/protobuf/struct.proto")),
    ("google/protobuf/timestamp.proto", include_str!("known/google/protobuf/timestamp.proto")),
    ("google/protobuf/type.proto", include_str!("known/google/protobuf/type.proto")),
    ("google/protobuf/wrappers.proto", include_str!("known/google/protobuf/wrappers.proto")),
    ("google/type/calendar_period.proto", include_str!("known/google/type/calendar_period.proto")),
    ("google/type/color.proto", include_str!("known/google/type/color.proto")),
    ("google/type/date.proto", include_str!("known/google/type/date.proto")),
    ("google/type/datetime.proto", include_str!("known/google/type/datetime.proto")),
    ("google/type/dayofweek.proto", include_str!("known/google/type/dayofweek.proto")),
    ("google/type/decimal.proto", include_str!("known/google/type/decimal.proto")),
    ("google/type/expr.proto", include_str!("known/google/type/expr.proto")),
    ("google/type/fraction.proto", include_str!("known/google/type/fraction.proto")),
    ("google/type/interval.proto", include_str!("known/google/type/interval.proto")),
    ("google/type/latlng.proto", include_str!("known/google/type/latlng.proto")),
    ("google/type/money.proto", include_str!("known/google/type/money.proto")),
    ("google/type/month.proto", include_str!("known/google/type/month.proto")),
    ("google/type/phone_number.proto", include_str!("known/google/type/phone_number.proto")),
    ("google/type/postal_address.proto", include_str!("known/google/type/postal_address.proto")),
    ("google/type/quaternion.proto", include_str!("known/google/type/quaternion.proto")),
    ("google/type/timeofday.proto", include_str!("known/google/type/timeofday.proto")),
];

struct Known {
    files: Vec<(&'static str, File)>,
}

struct Index {
    types: HashMap<String, (usize, Named<'static>)>,
    extensions: HashMap<String, (usize, &'static Field)>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let read = |text| parser::parse(text, &Limits::default()).expect("a test reads each of them");
    Known { files: FILES.iter().map(|(path, text)| (*path, read(text))).collect() }
});

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index { types: HashMap::new(), extensions: HashMap::new() };
    for (at, (_, file)) in KNOWN.files.iter().enumerate() {
        index.add_extends(at, file.package(), &file.extends);
        index.add_types(at, file.package(), file.package(), &file.types);
    }
    index
});

impl Index {
    fn add_types(&mut self, at: usize, package: &'static str, scope: &str, types: &'static [Type]) {
        for kind in types {
            let full_name = format!("{scope}.{}", kind.name());
            if let Type::Message(message) = kind {
                self.add_extends(at, &full_name, &message.extends);
                self.add_types(at, package, &full_name, &message.types);
            }
            self.types.insert(full_name, (at, Named { kind, package, origin: Origin::Other }));
        }
    }

    fn add_extends(&mut self, at: usize, scope: &str, extends: &'static [Extend]) {
        for field in extends.iter().flat_map(|extend| &extend.fields) {
            self.extensions.insert(format!("{scope}.{}", field.name), (at, field));
        }
    }
}

/// The file of that path.
pub(super) fn file(path: &str) -> Option<&'static File> {
    KNOWN.files.iter().find(|(known, _)| *known == path).map(|(_, file)| file)
}

/// The type of that full name, unless the schema brings the file itself.
pub(super) fn get(full_name: &str, replaced: &[&str]) -> Option<Named<'static>> {
    let (at, named) = INDEX.types.get(full_name)?;
    (!replaced.contains(&KNOWN.files[*at].0)).then_some(*named)
}

/// Whether the extension of that full name is repeated.
pub(super) fn extension(full_name: &str, replaced: &[&str]) -> Option<bool> {
    let (at, field) = INDEX.extensions.get(full_name)?;
    (!replaced.contains(&KNOWN.files[*at].0)).then_some(field.label == Some(Label::Repeated))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_file_can_be_read_and_is_found() {
        for (path, _) in FILES {
            assert!(file(path).is_some(), "{path}");
        }
    }
}
