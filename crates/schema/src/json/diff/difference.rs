//! The kinds of differences between two JSON Schemas: names, sentences, and which of them are harmless.
//!
//! Names, sentences and sets are those of Confluent's registry 8.3. Up to 7.x, what is
//! `REQUIRED_…`, `REQUIRED_PROPERTY_WITH_DEFAULT_…` and `OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL`
//! here was one `PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL`. The two kinds about reserved properties are not
//! here: the registry itself looks after `confluent:reserved`, for all languages.

use crate::{Incompatibility, Policy};

/// The reader's schema and the writer's, as sentences name them.
const READER: &str = "new";
const WRITER: &str = "old";

/// Under which policies a difference lets a reader read everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Harmless {
    Always,
    /// Only where readers and writers are trusted with content models.
    Lenient,
    Never,
}

/// Which sentence tells of a difference. Those that are always harmless have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sentence {
    None,
    Added,
    More,
    Less,
    Different,
    FewerElements,
    MoreElements,
    OtherType,
    AddedToOpen,
    RequiredAddedToUnopen,
    RemovedFromClosed,
    RemovedNotCovered,
    AddedNotCovered,
}

macro_rules! kinds {
    ($($kind:ident $name:literal $harmless:ident $sentence:ident;)*) => {
        /// What differs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(in crate::json) enum Kind {
            $($kind,)*
        }

        impl Kind {
            /// All of them.
            #[cfg(test)]
            pub(in crate::json) const ALL: &'static [Kind] = &[$(Kind::$kind,)*];

            /// Confluent's name.
            pub(in crate::json) fn name(self) -> &'static str {
                match self {
                    $(Kind::$kind => $name,)*
                }
            }

            fn harmless(self) -> Harmless {
                match self {
                    $(Kind::$kind => Harmless::$harmless,)*
                }
            }

            fn sentence(self) -> Sentence {
                match self {
                    $(Kind::$kind => Sentence::$sentence,)*
                }
            }
        }
    };
}

kinds! {
    IdChanged "ID_CHANGED" Always None;
    DescriptionChanged "DESCRIPTION_CHANGED" Always None;
    TitleChanged "TITLE_CHANGED" Always None;
    DefaultChanged "DEFAULT_CHANGED" Always None;
    SchemaAdded "SCHEMA_ADDED" Never None;
    SchemaRemoved "SCHEMA_REMOVED" Always None;
    TypeExtended "TYPE_EXTENDED" Always None;
    TypeNarrowed "TYPE_NARROWED" Never OtherType;
    TypeChanged "TYPE_CHANGED" Never OtherType;

    MaxLengthAdded "MAX_LENGTH_ADDED" Never Added;
    MaxLengthRemoved "MAX_LENGTH_REMOVED" Always None;
    MaxLengthIncreased "MAX_LENGTH_INCREASED" Always None;
    MaxLengthDecreased "MAX_LENGTH_DECREASED" Never Less;
    MinLengthAdded "MIN_LENGTH_ADDED" Never Added;
    MinLengthRemoved "MIN_LENGTH_REMOVED" Always None;
    MinLengthIncreased "MIN_LENGTH_INCREASED" Never More;
    MinLengthDecreased "MIN_LENGTH_DECREASED" Always None;
    PatternAdded "PATTERN_ADDED" Never Added;
    PatternRemoved "PATTERN_REMOVED" Always None;
    PatternChanged "PATTERN_CHANGED" Never Different;

    MaximumAdded "MAXIMUM_ADDED" Never Added;
    MaximumRemoved "MAXIMUM_REMOVED" Always None;
    MaximumIncreased "MAXIMUM_INCREASED" Always None;
    MaximumDecreased "MAXIMUM_DECREASED" Never Less;
    MinimumAdded "MINIMUM_ADDED" Never Added;
    MinimumRemoved "MINIMUM_REMOVED" Always None;
    MinimumIncreased "MINIMUM_INCREASED" Never More;
    MinimumDecreased "MINIMUM_DECREASED" Always None;
    ExclusiveMaximumAdded "EXCLUSIVE_MAXIMUM_ADDED" Never Added;
    ExclusiveMaximumRemoved "EXCLUSIVE_MAXIMUM_REMOVED" Always None;
    ExclusiveMaximumIncreased "EXCLUSIVE_MAXIMUM_INCREASED" Always None;
    ExclusiveMaximumDecreased "EXCLUSIVE_MAXIMUM_DECREASED" Never Less;
    ExclusiveMinimumAdded "EXCLUSIVE_MINIMUM_ADDED" Never Added;
    ExclusiveMinimumRemoved "EXCLUSIVE_MINIMUM_REMOVED" Always None;
    ExclusiveMinimumIncreased "EXCLUSIVE_MINIMUM_INCREASED" Never More;
    ExclusiveMinimumDecreased "EXCLUSIVE_MINIMUM_DECREASED" Always None;
    MultipleOfAdded "MULTIPLE_OF_ADDED" Never Added;
    MultipleOfRemoved "MULTIPLE_OF_REMOVED" Always None;
    MultipleOfExpanded "MULTIPLE_OF_EXPANDED" Never More;
    MultipleOfReduced "MULTIPLE_OF_REDUCED" Always None;
    MultipleOfChanged "MULTIPLE_OF_CHANGED" Never Different;

    RequiredAttributeAdded "REQUIRED_ATTRIBUTE_ADDED" Never Added;
    RequiredAttributeWithDefaultAdded "REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED" Always None;
    RequiredAttributeRemoved "REQUIRED_ATTRIBUTE_REMOVED" Always None;
    MaxPropertiesAdded "MAX_PROPERTIES_ADDED" Never Added;
    MaxPropertiesRemoved "MAX_PROPERTIES_REMOVED" Always None;
    MaxPropertiesIncreased "MAX_PROPERTIES_INCREASED" Always None;
    MaxPropertiesDecreased "MAX_PROPERTIES_DECREASED" Never Less;
    MinPropertiesAdded "MIN_PROPERTIES_ADDED" Never Added;
    MinPropertiesRemoved "MIN_PROPERTIES_REMOVED" Always None;
    MinPropertiesIncreased "MIN_PROPERTIES_INCREASED" Never More;
    MinPropertiesDecreased "MIN_PROPERTIES_DECREASED" Always None;
    AdditionalPropertiesAdded "ADDITIONAL_PROPERTIES_ADDED" Always None;
    AdditionalPropertiesRemoved "ADDITIONAL_PROPERTIES_REMOVED" Lenient Added;
    AdditionalPropertiesExtended "ADDITIONAL_PROPERTIES_EXTENDED" Always None;
    AdditionalPropertiesNarrowed "ADDITIONAL_PROPERTIES_NARROWED" Lenient FewerElements;
    DependencyArrayAdded "DEPENDENCY_ARRAY_ADDED" Never Added;
    DependencyArrayRemoved "DEPENDENCY_ARRAY_REMOVED" Always None;
    DependencyArrayExtended "DEPENDENCY_ARRAY_EXTENDED" Never MoreElements;
    DependencyArrayNarrowed "DEPENDENCY_ARRAY_NARROWED" Always None;
    DependencyArrayChanged "DEPENDENCY_ARRAY_CHANGED" Never Different;
    DependencySchemaAdded "DEPENDENCY_SCHEMA_ADDED" Never Added;
    DependencySchemaRemoved "DEPENDENCY_SCHEMA_REMOVED" Always None;
    RequiredPropertyAddedToOpen
        "REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL" Never AddedToOpen;
    RequiredPropertyWithDefaultAddedToOpen
        "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL" Lenient AddedToOpen;
    OptionalPropertyAddedToOpen
        "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL" Lenient AddedToOpen;
    PropertyWithEmptySchemaAddedToOpen
        "PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL" Always None;
    RequiredPropertyAddedToUnopen
        "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL" Never RequiredAddedToUnopen;
    RequiredPropertyWithDefaultAddedToUnopen
        "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL" Always None;
    OptionalPropertyAddedToUnopen
        "OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL" Always None;
    PropertyRemovedFromOpen "PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL" Always None;
    PropertyWithFalseRemovedFromClosed
        "PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL" Always None;
    PropertyRemovedFromClosed
        "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL" Lenient RemovedFromClosed;
    PropertyRemovedIsCovered
        "PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL" Always None;
    PropertyRemovedNotCovered
        "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL" Lenient RemovedNotCovered;
    PropertyAddedIsCovered
        "PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL" Always None;
    PropertyAddedNotCovered
        "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL" Lenient AddedNotCovered;
    UnevaluatedPropertiesAdded "UNEVALUATED_PROPERTIES_ADDED" Always None;
    UnevaluatedPropertiesRemoved "UNEVALUATED_PROPERTIES_REMOVED" Lenient Added;
    UnevaluatedPropertiesExtended "UNEVALUATED_PROPERTIES_EXTENDED" Always None;
    UnevaluatedPropertiesNarrowed "UNEVALUATED_PROPERTIES_NARROWED" Lenient FewerElements;

    MaxItemsAdded "MAX_ITEMS_ADDED" Never Added;
    MaxItemsRemoved "MAX_ITEMS_REMOVED" Always None;
    MaxItemsIncreased "MAX_ITEMS_INCREASED" Always None;
    MaxItemsDecreased "MAX_ITEMS_DECREASED" Never Less;
    MinItemsAdded "MIN_ITEMS_ADDED" Never Added;
    MinItemsRemoved "MIN_ITEMS_REMOVED" Always None;
    MinItemsIncreased "MIN_ITEMS_INCREASED" Never More;
    MinItemsDecreased "MIN_ITEMS_DECREASED" Always None;
    MaxContainsAdded "MAX_CONTAINS_ADDED" Never Added;
    MaxContainsRemoved "MAX_CONTAINS_REMOVED" Always None;
    MaxContainsIncreased "MAX_CONTAINS_INCREASED" Always None;
    MaxContainsDecreased "MAX_CONTAINS_DECREASED" Never Less;
    MinContainsAdded "MIN_CONTAINS_ADDED" Never Added;
    MinContainsRemoved "MIN_CONTAINS_REMOVED" Always None;
    MinContainsIncreased "MIN_CONTAINS_INCREASED" Never More;
    MinContainsDecreased "MIN_CONTAINS_DECREASED" Always None;
    UniqueItemsAdded "UNIQUE_ITEMS_ADDED" Never Added;
    UniqueItemsRemoved "UNIQUE_ITEMS_REMOVED" Always None;
    AdditionalItemsAdded "ADDITIONAL_ITEMS_ADDED" Always None;
    AdditionalItemsRemoved "ADDITIONAL_ITEMS_REMOVED" Never Added;
    AdditionalItemsExtended "ADDITIONAL_ITEMS_EXTENDED" Always None;
    AdditionalItemsNarrowed "ADDITIONAL_ITEMS_NARROWED" Never FewerElements;
    UnevaluatedItemsAdded "UNEVALUATED_ITEMS_ADDED" Always None;
    UnevaluatedItemsRemoved "UNEVALUATED_ITEMS_REMOVED" Never Added;
    UnevaluatedItemsExtended "UNEVALUATED_ITEMS_EXTENDED" Always None;
    UnevaluatedItemsNarrowed "UNEVALUATED_ITEMS_NARROWED" Never FewerElements;
    ItemAddedToOpen "ITEM_ADDED_TO_OPEN_CONTENT_MODEL" Never AddedToOpen;
    ItemWithEmptySchemaAddedToOpen
        "ITEM_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL" Always None;
    ItemAddedToClosed "ITEM_ADDED_TO_CLOSED_CONTENT_MODEL" Always None;
    ItemRemovedFromOpen "ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL" Always None;
    ItemWithFalseRemovedFromClosed
        "ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL" Always None;
    ItemRemovedFromClosed "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL" Never RemovedFromClosed;
    ItemRemovedIsCovered "ITEM_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL" Always None;
    ItemRemovedNotCovered
        "ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL" Never RemovedNotCovered;
    ItemAddedIsCovered "ITEM_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL" Always None;
    ItemAddedNotCovered
        "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL" Never AddedNotCovered;

    EnumArrayExtended "ENUM_ARRAY_EXTENDED" Always None;
    EnumArrayNarrowed "ENUM_ARRAY_NARROWED" Never FewerElements;
    EnumArrayChanged "ENUM_ARRAY_CHANGED" Never OtherType;

    CombinedTypeExtended "COMBINED_TYPE_EXTENDED" Always None;
    CombinedTypeChanged "COMBINED_TYPE_CHANGED" Never OtherType;
    ProductTypeExtended "PRODUCT_TYPE_EXTENDED" Never MoreElements;
    ProductTypeNarrowed "PRODUCT_TYPE_NARROWED" Always None;
    SumTypeExtended "SUM_TYPE_EXTENDED" Always None;
    SumTypeNarrowed "SUM_TYPE_NARROWED" Never FewerElements;
    CombinedTypeSubschemasChanged "COMBINED_TYPE_SUBSCHEMAS_CHANGED" Never OtherType;
    NotTypeExtended "NOT_TYPE_EXTENDED" Never MoreElements;
    NotTypeNarrowed "NOT_TYPE_NARROWED" Always None;
}

impl Kind {
    /// Whether a reader that differs in this way reads everything all the same.
    pub(in crate::json) fn is_compatible(self, policy: Policy) -> bool {
        match self.harmless() {
            Harmless::Always => true,
            // What Logical adds to Strict is about engines that read tables, not about JSON.
            Harmless::Lenient => policy == Policy::Lenient,
            Harmless::Never => false,
        }
    }

    /// The difference at `path` in the words of Confluent's registry.
    pub(in crate::json) fn at(self, path: &str) -> Incompatibility {
        Incompatibility {
            error_type: self.name(),
            description: self.describe(path),
            additional_info: None,
        }
    }

    fn describe(self, path: &str) -> String {
        match self.sentence() {
            Sentence::None => String::new(),
            Sentence::Added => format!(
                "The keyword at path '{path}' in the {READER} schema is not present in the \
                 {WRITER} schema"
            ),
            Sentence::More => format!(
                "The value at path '{path}' in the {READER} schema is more than its value in the \
                 {WRITER} schema"
            ),
            Sentence::Less => format!(
                "The value at path '{path}' in the {READER} schema is less than its value in the \
                 {WRITER} schema"
            ),
            Sentence::Different => format!(
                "The value at path '{path}' is different between the {READER} and {WRITER} schema"
            ),
            Sentence::FewerElements => format!(
                "An array or combined type at path '{path}' has fewer elements in the {READER} \
                 schema than the {WRITER} schema"
            ),
            Sentence::MoreElements => format!(
                "An array or combined type at path '{path}' has more elements in the {READER} \
                 schema than the {WRITER} schema"
            ),
            Sentence::OtherType => format!(
                "A type at path '{path}' is different between the {READER} schema and the \
                 {WRITER} schema"
            ),
            other => other.of_property_or_item(path),
        }
    }
}

impl Sentence {
    fn of_property_or_item(self, path: &str) -> String {
        match self {
            Sentence::AddedToOpen => format!(
                "The {READER} schema has an open content model and has a property or item at path \
                 '{path}' which is missing in the {WRITER} schema"
            ),
            Sentence::RequiredAddedToUnopen => format!(
                "The {READER} schema has an unopen content model and has a required property at \
                 path '{path}' which is missing in the {WRITER} schema"
            ),
            Sentence::RemovedFromClosed => format!(
                "The {READER} schema has a closed content model and is missing a property or item \
                 present at path '{path}' in the {WRITER} schema"
            ),
            Sentence::RemovedNotCovered => format!(
                "A property or item is missing in the {READER} schema but present at path '{path}' \
                 in the {WRITER} schema and is not covered by its partially open content model"
            ),
            Sentence::AddedNotCovered => format!(
                "The {READER} schema has a property or item at path '{path}' which is missing in \
                 the {WRITER} schema and is not covered by its partially open content model"
            ),
            _ => String::new(),
        }
    }
}
