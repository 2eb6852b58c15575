//! Tags within a file: `tags` of Confluent's options for messages and fields, which rules go by.

use super::tree::{Field, File, Message, Setting, Type, Value};

const MESSAGE_META: &str = "confluent.message_meta";
const FIELD_META: &str = "confluent.field_meta";

/// A message or a field of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entity<'a> {
    /// A message, by its name without the package: `Outer.Inner`.
    Message(&'a str),
    /// A field, by its message and its name: `Outer.Inner.field`; a oneof may stand between.
    Field(&'a str),
}

/// Tags that are added to an entity or taken from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagChange<'a> {
    /// Whose.
    pub entity: Entity<'a>,
    /// The tags.
    pub tags: &'a [String],
    /// Whether they are added.
    pub added: bool,
}

/// Makes one change.
///
/// # Errors
/// A sentence on what is not there, in Confluent's words.
pub(super) fn change(file: &mut File, change: &TagChange<'_>) -> Result<(), String> {
    let (name, options) = match change.entity {
        Entity::Message(path) => {
            let names: Vec<&str> = without_dot(path).split('.').collect();
            let message = message_of(&mut file.types, &names).map_err(no_message)?;
            (MESSAGE_META, &mut message.options)
        }
        Entity::Field(path) => (FIELD_META, &mut field_of(file, path)?.options),
    };
    set(name, options, change);
    Ok(())
}

fn without_dot(path: &str) -> &str {
    path.strip_prefix('.').unwrap_or(path)
}

fn no_message(name: &str) -> String {
    format!("No matching Message with name '{name}' found in the schema")
}

/// The message of that name in that name and so on; the first name that is not there.
fn message_of<'f, 'n>(
    types: &'f mut [Type],
    names: &[&'n str],
) -> Result<&'f mut Message, &'n str> {
    let (name, inner) = names.split_first().expect("a path has a name at least");
    let named = types.iter_mut().find_map(|kind| match kind {
        Type::Message(message) if message.name == *name => Some(message),
        _ => None,
    });
    match (named, inner) {
        (None, _) => Err(name),
        (Some(message), []) => Ok(message),
        (Some(message), inner) => message_of(&mut message.types, inner),
    }
}

fn field_of<'f>(file: &'f mut File, path: &str) -> Result<&'f mut Field, String> {
    let names: Vec<&str> = without_dot(path).split('.').collect();
    let (name, around) = names.split_last().expect("a split has one part at least");
    let no_field = || format!("No matching Field with name '{name}' found in the schema");
    if around.is_empty() {
        return Err(no_field());
    }
    // The last name before the field's may be that of a oneof.
    let (message, oneof) = match message_of(&mut file.types, around) {
        Ok(_) => (around, None),
        Err(missing) => match around.split_last() {
            Some((_, [])) => return Err(no_field()),
            Some((oneof, message)) if *oneof == missing => (message, Some(*oneof)),
            _ => return Err(no_message(missing)),
        },
    };
    let message = message_of(&mut file.types, message).map_err(no_message)?;
    let fields = message.fields.iter_mut().filter(|_| oneof.is_none());
    let wanted = |found: &&mut super::tree::OneOf| oneof.is_none_or(|name| found.name == name);
    let members = message.oneofs.iter_mut().filter(wanted).flat_map(|found| &mut found.fields);
    fields.chain(members).find(|field| field.name == *name).ok_or_else(no_field)
}

/// Changes the tags in the option of that name, which becomes one aggregate.
fn set(name: &str, options: &mut Vec<Setting>, change: &TagChange<'_>) {
    let is_meta = |option: &Setting| option.name.trim_start_matches('.') == name;
    let at = options.iter().position(is_meta).unwrap_or(options.len());
    let mut entries: Vec<(String, Value)> = Vec::new();
    for option in options.extract_if(.., |option| is_meta(option)) {
        match option.value {
            Value::Map(more) => more.into_iter().for_each(|entry| put(&mut entries, entry)),
            Value::Field(field) => put(&mut entries, (field.name, field.value)),
            _ => {}
        }
    }
    let place = entries.iter().position(|(key, _)| key == "tags");
    let mut tags = match place.map(|place| entries[place].1.clone()) {
        Some(Value::List(tags)) => tags,
        Some(tag) => vec![tag],
        None => Vec::new(),
    };
    for tag in change.tags.iter().map(|tag| Value::String(tag.clone())) {
        tags.retain(|known| change.added || *known != tag);
        if change.added && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    match (place, tags.is_empty()) {
        (Some(place), true) => drop(entries.remove(place)),
        (Some(place), false) => entries[place].1 = Value::List(tags),
        (None, true) => {}
        (None, false) => entries.push(("tags".to_owned(), Value::List(tags))),
    }
    if !entries.is_empty() {
        let value = Value::Map(entries);
        options.insert(at, Setting { name: name.to_owned(), custom: true, value });
    }
}

/// What is said twice becomes a list.
fn put(entries: &mut Vec<(String, Value)>, (key, value): (String, Value)) {
    let Some((_, present)) = entries.iter_mut().find(|(known, _)| *known == key) else {
        entries.push((key, value));
        return;
    };
    let items = |value: Value| match value {
        Value::List(items) => items,
        one => vec![one],
    };
    let mut all = items(std::mem::replace(present, Value::List(Vec::new())));
    for item in items(value) {
        if !all.contains(&item) {
            all.push(item);
        }
    }
    *present = Value::List(all);
}
