//! A change made to a random file is found, at its place, with its verdict, and nothing else is.

use super::super::tree::{
    Constant, Enum, Field, File, Label, Message, OneOf, Range, Scalar, Setting, Syntax, Type, Value,
};
use super::*;
use proptest::prelude::*;

/// A row of small numbers that one seed gives.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits fit") % bound
    }

    fn one_of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

const SCALARS: [&str; 15] = [
    "int32", "int64", "uint32", "uint64", "bool", "sint32", "sint64", "string", "bytes", "fixed32",
    "sfixed32", "fixed64", "sfixed64", "float", "double",
];

/// Where the groups of scalars begin that are read as each other.
const GROUPS: [std::ops::Range<usize>; 7] = [0..5, 5..7, 7..9, 9..11, 11..13, 13..14, 14..15];

fn field(kind: &str, tag: i32, label: Option<Label>) -> Field {
    Field { kind: kind.to_owned(), name: format!("f{tag}"), tag, label, ..Field::default() }
}

/// A file with messages `M0` and on, each with fields from 1 on, a oneof with fields from 21 on, and
/// a message `N` and an enum `E` in it.
fn file(chance: &mut Chance) -> File {
    let proto3 = chance.below(3) > 0;
    let count = 2 + chance.below(3);
    let label = |chance: &mut Chance| match proto3 {
        true => *chance.one_of(&[None, Some(Label::Optional), Some(Label::Repeated)]),
        false => Some(*chance.one_of(&[Label::Optional, Label::Repeated, Label::Required])),
    };
    let kind = |chance: &mut Chance| match chance.below(5) {
        0 => format!("M{}", chance.below(count)),
        1 => (*chance.one_of(&["E", "N", ".p.M0.N", "M1.E"])).to_owned(),
        _ => (*chance.one_of(&SCALARS)).to_owned(),
    };
    let message = |at: usize, chance: &mut Chance| {
        let mut message = Message { name: format!("M{at}"), ..Message::default() };
        for tag in 1..=i32::try_from(3 + chance.below(5)).expect("it is small") {
            let label = label(chance);
            message.fields.push(field(&kind(chance), tag, label));
        }
        let map = format!("map<string, {}>", kind(chance));
        message.fields.push(field(&map, 20, None));
        let members = (21..=22).map(|tag| field(&kind(chance), tag, None)).collect();
        message.oneofs = vec![OneOf { name: "o".to_owned(), fields: members, ..OneOf::default() }];
        let inner = Message {
            name: "N".to_owned(),
            fields: vec![field("M0", 1, label(chance))],
            ..Message::default()
        };
        let constant =
            |tag: i32| Constant { name: format!("M{at}_{tag}"), tag, options: Vec::new() };
        let constants = (0..3).map(constant).collect();
        let inner_enum = Enum { name: "E".to_owned(), constants, ..Enum::default() };
        message.types = vec![Type::Message(inner), Type::Enum(inner_enum)];
        message
    };
    File {
        syntax: Some(if proto3 { Syntax::Proto3 } else { Syntax::Proto2 }),
        package: Some("p".to_owned()),
        types: (0..count).map(|at| Type::Message(message(at, chance))).collect(),
        ..File::default()
    }
}

/// What a change has to be found as: all differences, and whether they are compatible.
struct Expected(Vec<String>, bool);

fn expected<const N: usize>(changes: [String; N], compatible: bool) -> Option<Expected> {
    Some(Expected(changes.into(), compatible))
}

/// A kind of change: makes it, where the file has what it takes.
type Change = fn(&mut File, &mut Chance) -> Option<Expected>;

fn message_at(file: &mut File, at: usize) -> &mut Message {
    let Type::Message(message) = &mut file.types[at] else { panic!("it is a message") };
    message
}

/// A message of the file, with its path.
fn some_message<'f>(file: &'f mut File, chance: &mut Chance) -> (&'f mut Message, String) {
    let at = chance.below(file.types.len());
    (message_at(file, at), format!("#/M{at}"))
}

/// A plain field that is no map, for which `wanted` holds, with its path.
fn some_field<'f>(
    file: &'f mut File,
    chance: &mut Chance,
    wanted: impl Fn(&Field) -> bool,
) -> Option<(&'f mut Field, String)> {
    let (message, path) = some_message(file, chance);
    let fits = |field: &&mut Field| field.tag < 20 && wanted(field);
    let mut fields: Vec<&mut Field> = message.fields.iter_mut().filter(fits).collect();
    if fields.is_empty() {
        return None;
    }
    let field = fields.swap_remove(chance.below(fields.len()));
    let path = format!("{path}/{}", field.tag);
    Some((field, path))
}

fn is_scalar(field: &Field) -> bool {
    Scalar::of(&field.kind).is_some()
}

fn group_of(kind: &str) -> std::ops::Range<usize> {
    let at = SCALARS.iter().position(|known| *known == kind).expect("it is a scalar");
    GROUPS.into_iter().find(|group| group.contains(&at)).expect("the groups have all")
}

fn add_field(file: &mut File, chance: &mut Chance) -> Option<Expected> {
    let label = (file.syntax == Some(Syntax::Proto2)).then_some(Label::Optional);
    let (message, path) = some_message(file, chance);
    message.fields.push(field("string", 15, label));
    expected([format!("FIELD_ADDED {path}/15")], true)
}

fn add_required_field(file: &mut File, chance: &mut Chance) -> Option<Expected> {
    file.syntax.filter(|syntax| *syntax == Syntax::Proto2)?;
    let (message, path) = some_message(file, chance);
    message.fields.push(field("string", 15, Some(Label::Required)));
    expected([format!("REQUIRED_FIELD_ADDED {path}/15")], false)
}

fn remove_field(file: &mut File, chance: &mut Chance) -> Option<Expected> {
    let (message, path) = some_message(file, chance);
    let removed = message.fields.remove(chance.below(message.fields.len()));
    let required = removed.label == Some(Label::Required);
    let change = if required { "REQUIRED_FIELD_REMOVED" } else { "FIELD_REMOVED" };
    expected([format!("{change} {path}/{}", removed.tag)], !required)
}

fn rename_field(file: &mut File, chance: &mut Chance) -> Option<Expected> {
    let (field, path) = some_field(file, chance, |_| true)?;
    field.name.push_str("_renamed");
    expected([format!("FIELD_NAME_CHANGED {path}")], true)
}

fn change_scalar_within_its_group(file: &mut File, chance: &mut Chance) -> Option<Expected> {
    let (field, _) = some_field(file, chance, is_scalar)?;
    let group = group_of(&field.kind);
    field.kind = SCALARS[group.start + chance.below(group.len())].to_owned();
    expected([], true)
}

fn change_scalar_to_another_group(file: &mut File, chance: &mut Chance) -> Option<Expected> {
    let (field, path) = some_field(file, chance, is_scalar)?;
    let group = group_of(&field.kind);
    let others = (0..SCALARS.len()).filter(|at| !group.contains(at)).collect::<Vec<_>>();
    field.kind = SCALARS[*chance.one_of(&others)].to_owned();
    expected([format!("FIELD_SCALAR_KIND_CHANGED {path}")], false)
}

fn change_scalar_to_message(file: &mut File, chance: &mut Chance) -> Option<Expected> {
    let (field, path) = some_field(file, chance, is_scalar)?;
    field.kind = "M0".to_owned();
    expected([format!("FIELD_KIND_CHANGED {path}")], false)
}

fn change_named_type(file: &mut File, chance: &mut Chance) -> Option<Expected> {
    let (field, path) =
        some_field(file, chance, |field| field.kind.starts_with('M') && !field.kind.contains('.'))?;
    field.kind = if field.kind == "M0" { ".p.M1" } else { ".p.M0" }.to_owned();
    expected([format!("FIELD_NAMED_TYPE_CHANGED {path}")], false)
}

fn qualify_named_type(file: &mut File, chance: &mut Chance) -> Option<Expected> {
    let (field, _) = some_field(file, chance, |field| field.kind.starts_with('M'))?;
    field.kind.insert_str(0, ".p.");
    expected([], true)
}

fn change_label(file: &mut File, chance: &mut Chance) -> Option<Expected> {
    let (field, path) = some_field(file, chance, |field| {
        matches!(field.label, Some(Label::Optional | Label::Repeated)) && is_scalar(field)
    })?;
    let repeated = field.label == Some(Label::Repeated);
    field.label = Some(if repeated { Label::Optional } else { Label::Repeated });
    match field.kind.as_str() {
        "string" | "bytes" => {
            expected([format!("FIELD_STRING_OR_BYTES_LABEL_CHANGED {path}")], true)
        }
        _ => expected([format!("FIELD_NUMERIC_LABEL_CHANGED {path}")], false),
    }
}

fn add_message(file: &mut File, _: &mut Chance) -> Option<Expected> {
    file.types.push(Type::Message(Message { name: "Fresh".to_owned(), ..Message::default() }));
    expected(["MESSAGE_ADDED #/Fresh".to_owned()], true)
}

fn swap_messages(file: &mut File, chance: &mut Chance) -> Option<Expected> {
    let at = chance.below(file.types.len() - 1);
    file.types.swap(at, at + 1);
    let moved = |at| format!("MESSAGE_MOVED #/M{at}");
    expected([moved(at), moved(at + 1)], true)
}

fn change_constants(file: &mut File, chance: &mut Chance) -> Option<Expected> {
    let (message, path) = some_message(file, chance);
    let Some(Type::Enum(found)) = message.types.last_mut() else { panic!("it is an enum") };
    let change = match chance.below(3) {
        0 => {
            found.constants.remove(1);
            "ENUM_CONST_REMOVED"
        }
        1 => {
            found.constants[1].name.push_str("_RENAMED");
            "ENUM_CONST_CHANGED"
        }
        _ => {
            found.constants.push(Constant {
                name: "FRESH".to_owned(),
                tag: 9,
                options: Vec::new(),
            });
            return expected([format!("ENUM_CONST_ADDED {path}/E/9")], true);
        }
    };
    expected([format!("{change} {path}/E/1")], true)
}

fn add_enum(file: &mut File, chance: &mut Chance) -> Option<Expected> {
    let (message, path) = some_message(file, chance);
    message.types.push(Type::Enum(Enum { name: "Fresh".to_owned(), ..Enum::default() }));
    expected([format!("ENUM_ADDED {path}/Fresh")], true)
}

/// The first `count` fields of a message become a oneof, or come into the one that there is.
fn into_oneof(file: &mut File, chance: &mut Chance, count: usize, name: &str) -> Option<String> {
    let (message, path) = some_message(file, chance);
    let mut moved: Vec<Field> = message.fields.drain(..count).collect();
    if moved.iter().any(|field| field.label == Some(Label::Required)) {
        return None;
    }
    // Members of oneofs have no label; that this is gone is told of nowhere.
    moved.iter_mut().for_each(|field| field.label = None);
    match message.oneofs.iter_mut().find(|oneof| oneof.name == name) {
        Some(oneof) => oneof.fields.extend(moved),
        None => {
            message.oneofs.push(OneOf { name: name.to_owned(), fields: moved, ..OneOf::default() })
        }
    }
    Some(format!("{path}/{name}"))
}

fn move_field_into_new_oneof(file: &mut File, chance: &mut Chance) -> Option<Expected> {
    let path = into_oneof(file, chance, 1, "fresh")?;
    expected([format!("ONEOF_ADDED {path}")], true)
}

fn move_fields_into_new_oneof(file: &mut File, chance: &mut Chance) -> Option<Expected> {
    let path = into_oneof(file, chance, 2, "fresh")?;
    expected(
        [format!("MULTIPLE_FIELDS_MOVED_TO_ONEOF {path}"), format!("ONEOF_ADDED {path}")],
        false,
    )
}

fn move_field_into_oneof(file: &mut File, chance: &mut Chance) -> Option<Expected> {
    let path = into_oneof(file, chance, 1, "o")?;
    expected([format!("FIELD_MOVED_TO_EXISTING_ONEOF {path}")], false)
}

fn change_oneof(file: &mut File, chance: &mut Chance) -> Option<Expected> {
    let proto3 = file.syntax == Some(Syntax::Proto3);
    let (message, path) = some_message(file, chance);
    match chance.below(5) {
        0 => {
            message.oneofs[0].name = "q".to_owned();
            let changes = [format!("ONEOF_REMOVED {path}/o"), format!("ONEOF_ADDED {path}/q")];
            expected(changes, true)
        }
        1 => {
            message.oneofs.clear();
            expected([format!("ONEOF_REMOVED {path}/o")], true)
        }
        2 => {
            message.oneofs[0].fields.pop();
            expected([format!("ONEOF_FIELD_REMOVED {path}/o/22")], false)
        }
        3 => {
            message.oneofs[0].fields.push(field("string", 23, None));
            expected([format!("ONEOF_FIELD_ADDED {path}/o/23")], true)
        }
        _ => {
            let mut moved = message.oneofs[0].fields.pop().expect("it has two");
            moved.label = (!proto3).then_some(Label::Optional);
            message.fields.push(moved);
            expected([format!("ONEOF_FIELD_MOVED_TO_TOP_LEVEL {path}/22")], true)
        }
    }
}

fn change_package(file: &mut File, _: &mut Chance) -> Option<Expected> {
    file.package = Some("p.q".to_owned());
    let qualified = |field: &Field| field.kind.starts_with(".p.");
    let any = |message: &Message| {
        message.fields.iter().chain(&message.oneofs[0].fields).any(qualified)
            || message.fields.iter().any(|field| field.kind.contains(" .p."))
    };
    // A name from the root is another one in another package.
    if tree::messages(&file.types).any(any) {
        return None;
    }
    expected(["PACKAGE_CHANGED #/".to_owned()], false)
}

fn change_what_does_not_count(file: &mut File, chance: &mut Chance) -> Option<Expected> {
    let (message, _) = some_message(file, chance);
    message.reserved.push(vec![Range::Span(100, 200), Range::Name("gone".to_owned())]);
    message.options.push(Setting::plain("deprecated", Value::Boolean("true".to_owned())));
    message.fields.reverse();
    message.fields[0].json_name = Some("other".to_owned());
    expected([], true)
}

const CHANGES: [Change; 20] = [
    add_field,
    add_required_field,
    remove_field,
    rename_field,
    change_scalar_within_its_group,
    change_scalar_to_another_group,
    change_scalar_to_message,
    change_named_type,
    qualify_named_type,
    change_label,
    add_message,
    swap_messages,
    change_constants,
    add_enum,
    move_field_into_new_oneof,
    move_fields_into_new_oneof,
    move_field_into_oneof,
    change_oneof,
    change_package,
    change_what_does_not_count,
];

fn read(file: &File) -> ProtobufSchema {
    let text = print(file, Extent::Whole);
    parse(&text).unwrap_or_else(|problem| panic!("{problem}\n{text}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_change_is_found_and_nothing_else(seed in any::<u64>(), at in 0..CHANGES.len()) {
        let mut chance = Chance(seed);
        let old = file(&mut chance);
        let mut new = old.clone();
        let Some(Expected(mut changes, compatible)) = CHANGES[at](&mut new, &mut chance) else {
            return Err(TestCaseError::reject("the file has nothing of the kind"));
        };
        let (old, new) = (read(&old), read(&new));
        let differences = new.differences(&old, &Limits::default()).expect("it is cheap");
        let mut found: Vec<String> = differences
            .iter()
            .map(|each| format!("{} {}", each.kind.name(), each.path))
            .collect();
        found.sort();
        changes.sort();
        prop_assert_eq!(found, changes, "{}\n->\n{}", old.canonical(), new.canonical());
        let reasons = new.incompatibilities(&old, &Limits::default()).expect("it is cheap");
        prop_assert_eq!(reasons.is_empty(), compatible);
    }

    #[test]
    fn what_is_printed_is_read_as_the_same(seed in any::<u64>()) {
        let schema = read(&file(&mut Chance(seed)));
        let canonical = schema.canonical();
        let again = parse(&canonical).expect("it was printed");
        prop_assert_eq!(again.canonical(), canonical);
        let normalized = schema.normalized();
        let again = parse(&normalized).expect("it was printed");
        prop_assert_eq!(again.normalized(), normalized.clone());
        prop_assert_eq!(again.canonical(), normalized);
        let none = again.incompatibilities(&schema, &Limits::default()).expect("it is cheap");
        prop_assert_eq!(none, []);
        let described = parse(&schema.formatted("serialized")).expect("it was printed");
        let none = described.differences(&schema, &Limits::default()).expect("it is cheap");
        prop_assert_eq!(none, []);
    }
}
