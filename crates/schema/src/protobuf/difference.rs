//! What can have changed between two files: Confluent's names, its verdicts and its words.

use crate::Incompatibility;

/// One change, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    pub kind: Kind,
    /// `#/Message/field number`, with the names of the messages and oneofs on the way.
    pub path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    PackageChanged,
    MessageAdded,
    MessageRemoved,
    MessageMoved,
    EnumAdded,
    EnumRemoved,
    EnumConstAdded,
    EnumConstChanged,
    EnumConstRemoved,
    FieldAdded,
    FieldRemoved,
    FieldNameChanged,
    FieldKindChanged,
    FieldScalarKindChanged,
    FieldNamedTypeChanged,
    FieldNumericLabelChanged,
    FieldStringOrBytesLabelChanged,
    RequiredFieldAdded,
    RequiredFieldRemoved,
    OneofAdded,
    OneofRemoved,
    OneofFieldAdded,
    OneofFieldRemoved,
    OneofFieldMovedToTopLevel,
    MultipleFieldsMovedToOneof,
    FieldMovedToExistingOneof,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::PackageChanged => "PACKAGE_CHANGED",
            Kind::MessageAdded => "MESSAGE_ADDED",
            Kind::MessageRemoved => "MESSAGE_REMOVED",
            Kind::MessageMoved => "MESSAGE_MOVED",
            Kind::EnumAdded => "ENUM_ADDED",
            Kind::EnumRemoved => "ENUM_REMOVED",
            Kind::EnumConstAdded => "ENUM_CONST_ADDED",
            Kind::EnumConstChanged => "ENUM_CONST_CHANGED",
            Kind::EnumConstRemoved => "ENUM_CONST_REMOVED",
            Kind::FieldAdded => "FIELD_ADDED",
            Kind::FieldRemoved => "FIELD_REMOVED",
            Kind::FieldNameChanged => "FIELD_NAME_CHANGED",
            Kind::FieldKindChanged => "FIELD_KIND_CHANGED",
            Kind::FieldScalarKindChanged => "FIELD_SCALAR_KIND_CHANGED",
            Kind::FieldNamedTypeChanged => "FIELD_NAMED_TYPE_CHANGED",
            Kind::FieldNumericLabelChanged => "FIELD_NUMERIC_LABEL_CHANGED",
            Kind::FieldStringOrBytesLabelChanged => "FIELD_STRING_OR_BYTES_LABEL_CHANGED",
            Kind::RequiredFieldAdded => "REQUIRED_FIELD_ADDED",
            Kind::RequiredFieldRemoved => "REQUIRED_FIELD_REMOVED",
            Kind::OneofAdded => "ONEOF_ADDED",
            Kind::OneofRemoved => "ONEOF_REMOVED",
            Kind::OneofFieldAdded => "ONEOF_FIELD_ADDED",
            Kind::OneofFieldRemoved => "ONEOF_FIELD_REMOVED",
            Kind::OneofFieldMovedToTopLevel => "ONEOF_FIELD_MOVED_TO_TOP_LEVEL",
            Kind::MultipleFieldsMovedToOneof => "MULTIPLE_FIELDS_MOVED_TO_ONEOF",
            Kind::FieldMovedToExistingOneof => "FIELD_MOVED_TO_EXISTING_ONEOF",
        }
    }
}

impl Difference {
    /// Why a reader with the new file is not safe with what was written by the old one, if this
    /// change is such a reason.
    pub fn incompatibility(&self) -> Option<Incompatibility> {
        let path = &self.path;
        let description = match self.kind {
            Kind::PackageChanged => format!(
                "The package at '{path}' in the new schema does not match the package in the old \
                 schema"
            ),
            Kind::MessageRemoved => format!(
                "The new schema is missing a MESSAGE type at path '{path}' in the old schema"
            ),
            Kind::FieldKindChanged => format!(
                "The type of a field at path '{path}' in the new schema does not match the old \
                 schema"
            ),
            Kind::FieldScalarKindChanged => format!(
                "The kind of a SCALAR field at path '{path}' in the new schema does not match its \
                 kind in the old schema"
            ),
            Kind::FieldNamedTypeChanged => format!(
                "The type of a MESSAGE field at path '{path}' in the new schema does not match \
                 its type in the old schema"
            ),
            Kind::FieldNumericLabelChanged => format!(
                "The label for a NUMERIC field at path '{path}' in the new schema does not match \
                 its label in the old schema"
            ),
            // The two blanks are Confluent's.
            Kind::RequiredFieldAdded => format!(
                "A required field  at path '{path}' in the new schema is missing in the old schema"
            ),
            Kind::RequiredFieldRemoved => format!(
                "The new schema is missing a required field at path: '{path}' in the old schema"
            ),
            Kind::OneofFieldRemoved => format!(
                "The new schema is missing a oneof field at path '{path}' in the old schema"
            ),
            Kind::MultipleFieldsMovedToOneof => format!(
                "Multiple fields in the oneof at path '{path}' in the new schema are outside a \
                 oneof in the old schema"
            ),
            Kind::FieldMovedToExistingOneof => format!(
                "A field in the oneof at path '{path}' in the new schema is outside an existing \
                 oneof in the old schema"
            ),
            Kind::MessageAdded
            | Kind::MessageMoved
            | Kind::EnumAdded
            | Kind::EnumRemoved
            | Kind::EnumConstAdded
            | Kind::EnumConstChanged
            | Kind::EnumConstRemoved
            | Kind::FieldAdded
            | Kind::FieldRemoved
            | Kind::FieldNameChanged
            | Kind::FieldStringOrBytesLabelChanged
            | Kind::OneofAdded
            | Kind::OneofRemoved
            | Kind::OneofFieldAdded
            | Kind::OneofFieldMovedToTopLevel => return None,
        };
        Some(Incompatibility { error_type: self.kind.name(), description, additional_info: None })
    }

    pub fn is_compatible(&self) -> bool {
        self.incompatibility().is_none()
    }
}
