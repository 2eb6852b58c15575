//! What the checker calls compatible, a validator is asked about: no instance that is valid under the
//! writer's schema may be refused by the reader's.
//!
//! Schemas, their successors and instances are random; a failure prints the seed that made it. Confluent's
//! rules say nothing of some keywords (`if`, `contains`, `propertyNames`, `format`, `patternProperties`
//! beside `properties`, `required` of what is no property) and let some through on purpose (`required` with
//! a default, `oneOf` with more choices, keywords without `type`). Those are not generated.

use serde_json::{Map, Value, json};
use tidegate_schema::json::JsonSchema;
use tidegate_schema::{Limits, Policy};

const SEED: u64 = 20_261_121;
const PAIRS: u64 = 8_000;
const INSTANCES: usize = 24;
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// SplitMix64: the same numbers for the same seed on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).expect("less than a usize")
    }

    fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}

fn small(dice: &mut Dice) -> Value {
    json!(dice.roll(5))
}

/// A schema of one type, or a combination of some.
fn schema(dice: &mut Dice, depth: usize) -> Value {
    let kinds = if depth == 0 { 6 } else { 11 };
    match dice.roll(kinds) {
        0 => json!({"type": "boolean"}),
        1 => json!({"type": "null"}),
        2 => limited(dice, "string", &["minLength", "maxLength"]),
        3 => limited(dice, "integer", &["minimum", "maximum", "exclusiveMaximum"]),
        4 => limited(dice, "number", &["minimum", "maximum", "exclusiveMinimum"]),
        5 => enumeration(dice),
        6 | 7 => object(dice, depth),
        8 => array(dice, depth),
        9 => {
            let keyword = *dice.pick(&["anyOf", "allOf"]);
            let parts: Vec<_> = (0..1 + dice.roll(3)).map(|_| schema(dice, depth - 1)).collect();
            json!({ keyword: parts })
        }
        _ => json!({"not": schema(dice, depth - 1)}),
    }
}

fn limited(dice: &mut Dice, name: &str, keywords: &[&str]) -> Value {
    let mut schema = json!({ "type": name });
    for keyword in keywords {
        if dice.one_in(3) {
            schema[*keyword] = small(dice);
        }
    }
    if name != "string" && dice.one_in(5) {
        schema["multipleOf"] = json!(1 + dice.roll(4));
    }
    schema
}

fn enumeration(dice: &mut Dice) -> Value {
    let all = [json!("x"), json!("xy"), json!(1), json!(2), json!(null), json!([]), json!({})];
    if dice.one_in(3) {
        return json!({"const": dice.pick(&all)});
    }
    let values: Vec<_> = all.into_iter().filter(|_| dice.one_in(2)).collect();
    json!({ "enum": values })
}

fn object(dice: &mut Dice, depth: usize) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for name in NAMES {
        if dice.one_in(2) {
            properties.insert(name.to_owned(), schema(dice, depth - 1));
            if dice.one_in(3) {
                required.push(name);
            }
        }
    }
    let mut object = json!({"type": "object", "properties": properties, "required": required});
    match dice.roll(4) {
        0 => object["additionalProperties"] = json!(false),
        1 => object["additionalProperties"] = schema(dice, depth - 1),
        _ => {}
    }
    if dice.one_in(4) {
        object["maxProperties"] = small(dice);
    }
    if dice.one_in(5) {
        object["dependencies"] = json!({ *dice.pick(&NAMES): [*dice.pick(&NAMES)] });
    }
    object
}

fn array(dice: &mut Dice, depth: usize) -> Value {
    let mut array = json!({"type": "array"});
    match dice.roll(3) {
        0 => array["items"] = schema(dice, depth - 1),
        1 => {
            let items: Vec<_> = (0..1 + dice.roll(2)).map(|_| schema(dice, depth - 1)).collect();
            array["items"] = items.into();
            match dice.roll(3) {
                0 => array["additionalItems"] = json!(false),
                1 => array["additionalItems"] = schema(dice, depth - 1),
                _ => {}
            }
        }
        _ => {}
    }
    for keyword in ["minItems", "maxItems"] {
        if dice.one_in(4) {
            array[keyword] = small(dice);
        }
    }
    if dice.one_in(4) {
        array["uniqueItems"] = json!(dice.one_in(2));
    }
    array
}

/// `schema` with a change or two, most of them at one of its leaves.
fn evolved(dice: &mut Dice, schema: &Value, depth: usize) -> Value {
    let mut evolved = schema.clone();
    match dice.roll(8) {
        0 => return self::schema(dice, depth.min(1)),
        1 => return json!({"anyOf": [evolved, self::schema(dice, 0)]}),
        2 => return json!(true),
        _ => {}
    }
    let Some(members) = evolved.as_object_mut() else { return evolved };
    let names: Vec<_> = members.keys().cloned().collect();
    for _ in 0..if names.is_empty() { 0 } else { 1 + dice.roll(2) } {
        change(dice, members, &names, depth);
    }
    evolved
}

fn change(dice: &mut Dice, members: &mut Map<String, Value>, names: &[String], depth: usize) {
    let name = dice.pick(names).clone();
    let below = depth.saturating_sub(1);
    match (name.as_str(), members.get_mut(&name)) {
        (_, None) => {}
        ("type", Some(value)) if *value == "integer" => *value = json!("number"),
        ("properties", Some(Value::Object(properties))) => {
            let name = *dice.pick(&NAMES);
            match properties.get(name).cloned() {
                Some(_) if dice.one_in(3) => {
                    properties.remove(name);
                    if let Some(Value::Array(required)) = members.get_mut("required") {
                        required.retain(|other| other != name);
                    }
                }
                Some(property) => {
                    properties[name] = evolved(dice, &property, below);
                }
                None => {
                    properties.insert(name.to_owned(), schema(dice, below));
                }
            }
        }
        ("required", Some(Value::Array(required))) => {
            required.pop();
        }
        ("allOf" | "anyOf" | "items", Some(Value::Array(parts))) => match dice.roll(4) {
            0 if parts.len() > 1 => {
                parts.remove(0);
            }
            1 => parts.push(schema(dice, below)),
            2 => parts.reverse(),
            _ => {
                if let Some(part) = parts.first().cloned() {
                    parts[0] = evolved(dice, &part, below);
                }
            }
        },
        ("enum", Some(Value::Array(values))) => values.push(json!("more")),
        ("items" | "additionalItems" | "additionalProperties" | "not", Some(value)) => {
            *value = if dice.one_in(3) { json!(true) } else { changed(dice, value, below) };
        }
        (_, Some(Value::Number(_))) if dice.one_in(2) => {
            members.remove(&name);
        }
        (_, Some(value @ Value::Number(_))) => *value = json!(1 + dice.roll(6)),
        _ => {}
    }
}

fn changed(dice: &mut Dice, value: &Value, depth: usize) -> Value {
    if value.is_object() { evolved(dice, value, depth) } else { schema(dice, depth) }
}

/// Something, with some regard to what `schema` asks for.
fn instance(dice: &mut Dice, schema: &Value, depth: usize) -> Value {
    if depth == 0 || dice.one_in(8) {
        return anything(dice);
    }
    if let Some(Value::Array(parts)) = ["enum", "anyOf", "allOf"].iter().find_map(|k| schema.get(k))
        && !parts.is_empty()
    {
        let part = dice.pick(parts);
        let data = schema.get("enum").is_some();
        return if data { part.clone() } else { instance(dice, part, depth - 1) };
    }
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    match schema["type"].as_str() {
        Some("string") => json!("x".repeat(dice.roll(6))),
        Some("integer") => json!(dice.roll(7)),
        Some("number") => json!(dice.roll(14) as f64 / 2.0),
        Some("boolean") => json!(dice.one_in(2)),
        Some("null") => json!(null),
        Some("object") => {
            let mut object = Map::new();
            for name in NAMES {
                let property = schema["properties"].get(name);
                let asked = property.or_else(|| schema.get("additionalProperties"));
                if dice.one_in(if property.is_some() { 2 } else { 5 }) {
                    let value = instance(dice, asked.unwrap_or(&Value::Null), depth - 1);
                    object.insert(name.to_owned(), value);
                }
            }
            object.into()
        }
        Some("array") => {
            let items = |index: usize| match &schema["items"] {
                Value::Array(items) => items.get(index).or_else(|| schema.get("additionalItems")),
                every => Some(every),
            };
            let count = dice.roll(4);
            (0..count)
                .map(|index| instance(dice, items(index).unwrap_or(&Value::Null), depth - 1))
                .collect()
        }
        _ => anything(dice),
    }
}

fn anything(dice: &mut Dice) -> Value {
    dice.pick(&[
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(2.5),
        json!(""),
        json!("xy"),
        json!([]),
        json!([1, "x"]),
        json!({}),
        json!({"a": 1}),
        json!({"a": "x", "b": null}),
    ])
    .clone()
}

fn is_compatible(reader: &Value, writer: &Value) -> bool {
    let limits = Limits::default();
    let parse = |schema: &Value| JsonSchema::parse(&schema.to_string(), &[], &limits);
    let (reader, writer) = (parse(reader).expect("valid"), parse(writer).expect("valid"));
    reader.incompatibilities(&writer, Policy::Strict, &limits).expect("small").is_empty()
}

#[test]
fn no_instance_of_the_writers_schema_is_refused_by_a_compatible_reader() {
    let (mut compatible, mut checked) = (0, 0);
    for pair in 0..PAIRS {
        let dice = &mut Dice(SEED.wrapping_mul(1 + pair));
        let writer = schema(dice, 3);
        let reader = evolved(dice, &writer, 3);
        if !is_compatible(&reader, &writer) {
            continue;
        }
        compatible += 1;
        let validator = |schema: &Value| {
            jsonschema::draft7::new(schema).unwrap_or_else(|error| panic!("{schema}: {error}"))
        };
        let (writes, reads) = (validator(&writer), validator(&reader));
        for _ in 0..INSTANCES {
            let instance = instance(dice, &writer, 5);
            if writes.is_valid(&instance) {
                checked += 1;
                assert!(
                    reads.is_valid(&instance),
                    "seed {SEED}, pair {pair}\nwriter {writer}\nreader {reader}\n{instance}"
                );
            }
        }
    }
    // Without many of either, nothing would have been shown.
    assert!(compatible > 2_000 && checked > 20_000, "{compatible} pairs, {checked} instances");
    println!("seed {SEED}: {compatible} compatible pairs of {PAIRS}, {checked} valid instances");
}

/// The same schema in the words of draft 2020-12; `None` for one that means something else there.
fn modern(schema: &Value) -> Option<Value> {
    let Value::Object(members) = schema else { return Some(schema.clone()) };
    let tuple = members.get("items").is_some_and(Value::is_array);
    let mut said = Map::new();
    for (keyword, value) in members {
        let inner = match (keyword.as_str(), value) {
            ("enum" | "const" | "required" | "dependencies", _) => value.clone(),
            ("properties", Value::Object(properties)) => {
                let modern = |(name, value): (&String, _)| Some((name.clone(), modern(value)?));
                properties.iter().map(modern).collect::<Option<Value>>()?
            }
            (_, Value::Array(parts)) => parts.iter().map(modern).collect::<Option<Value>>()?,
            (_, value) => modern(value)?,
        };
        let keyword = match keyword.as_str() {
            "items" if tuple => "prefixItems",
            "additionalItems" if tuple => "items",
            "additionalItems" => return None,
            "dependencies" => "dependentRequired",
            other => other,
        };
        said.insert(keyword.to_owned(), inner);
    }
    Some(said.into())
}

/// The same schema with the schemas of its properties among its definitions.
fn shared(schema: &Value, definitions: &mut Map<String, Value>) -> Value {
    let Value::Object(members) = schema else { return schema.clone() };
    let mut said = Map::new();
    for (keyword, value) in members {
        let inner = match (keyword.as_str(), value) {
            ("enum" | "const" | "required" | "dependencies", _) => value.clone(),
            ("properties", Value::Object(properties)) => {
                let mut moved = Map::new();
                for (name, property) in properties {
                    let mut property = shared(property, definitions);
                    if property.is_object() {
                        let number = definitions.len().to_string();
                        let reference = json!({ "$ref": format!("#/definitions/{number}") });
                        definitions.insert(number, std::mem::replace(&mut property, reference));
                    }
                    moved.insert(name.clone(), property);
                }
                moved.into()
            }
            (_, Value::Array(parts)) => {
                parts.iter().map(|part| shared(part, definitions)).collect()
            }
            (_, value) => shared(value, definitions),
        };
        said.insert(keyword.clone(), inner);
    }
    said.into()
}

#[test]
fn a_verdict_depends_neither_on_the_draft_nor_on_references() {
    let (mut modern_pairs, mut compatible) = (0, 0);
    for pair in 0..PAIRS / 4 {
        let dice = &mut Dice(SEED.wrapping_mul(1 + pair));
        let writer = schema(dice, 3);
        let reader = evolved(dice, &writer, 3);
        let verdict = is_compatible(&reader, &writer);
        compatible += u64::from(verdict);
        let said = || format!("seed {SEED}, pair {pair}\nwriter {writer}\nreader {reader}");
        let referring = |schema: &Value| {
            let mut definitions = Map::new();
            let mut referring = shared(schema, &mut definitions);
            if !definitions.is_empty() {
                referring["definitions"] = definitions.into();
            }
            referring
        };
        assert_eq!(is_compatible(&referring(&reader), &referring(&writer)), verdict, "{}", said());
        for draft in ["2019-09", "2020-12"] {
            let dated = |schema: &Value| {
                let mut schema = modern(schema)?;
                if let Some(members) = schema.as_object_mut() {
                    let uri = format!("https://json-schema.org/draft/{draft}/schema");
                    members.insert("$schema".to_owned(), uri.into());
                }
                Some(schema)
            };
            if let (Some(reader), Some(writer)) = (dated(&reader), dated(&writer)) {
                modern_pairs += 1;
                assert_eq!(is_compatible(&reader, &writer), verdict, "{draft}, {}", said());
            }
        }
    }
    assert!(modern_pairs > PAIRS / 4 && compatible > PAIRS / 10, "{modern_pairs}, {compatible}");
}
