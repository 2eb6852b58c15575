//! What holds for every text, schema or not.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tidegate_schema::{Limits, Policy, Schema, SchemaError, SchemaType};

/// JSON of any shape.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        "[a-zä.\"\\\\ ]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map("[a-z]{1,3}", inner, 0..3)
                .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// JSON that is a schema if chance has it that names fit.
fn nearly_a_schema() -> impl Strategy<Value = Value> {
    let names = ["A", "B", "C", "n.A", "n.m.B", ".A", "ä", "record", "a-b"];
    let name = proptest::sample::select(names.to_vec());
    let fixed = (name.clone(), 0..20_i32).prop_map(|(name, size)| {
        json!({"type": "fixed", "name": name, "size": size, "logicalType": "decimal", "precision": size})
    });
    let symbols = prop::collection::hash_set("[A-Z]{1,2}", 0..4);
    let symbols = (name.clone(), symbols, any::<bool>()).prop_map(|(name, symbols, default)| {
        let symbols: Vec<_> = symbols.into_iter().collect();
        let default = symbols.first().filter(|_| default);
        json!({"default": default, "symbols": symbols, "aliases": ["X", "n.Y"], "type": "enum", "name": name})
    });
    let primitives = ["string", "bytes", "int", "long", "float", "double", "boolean", "null"];
    let leaf = prop_oneof![
        8 => proptest::sample::select(primitives.to_vec()).prop_map(Value::from),
        2 => name.clone().prop_map(Value::from),
        2 => fixed,
        2 => symbols,
        1 => Just(json!({"b": 1.50, "type": "int", "logicalType": "date", "a": {"y": 1, "x": []}})),
        1 => anything(),
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        let field = ("[a-d]", inner.clone(), prop::option::weighted(0.3, anything()));
        let field = field.prop_map(|(name, kind, default)| match default {
            Some(default) => json!({"default": default, "name": name, "type": kind}),
            None => json!({"type": kind, "name": name, "order": "ignore"}),
        });
        let record = (name.clone(), prop::collection::vec(field, 0..4), anything());
        prop_oneof![
            2 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            1 => inner.clone().prop_map(|items| json!({"type": "array", "items": items})),
            1 => inner.prop_map(|values| json!({"values": values, "type": "map"})),
            4 => record.prop_map(|(name, fields, other)| {
                json!({"x": other, "type": "record", "fields": fields, "name": name, "namespace": "n"})
            }),
        ]
    })
}

fn parse(text: &str) -> Result<Schema, SchemaError> {
    Schema::parse(SchemaType::Avro, text, &[], &Limits::default())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,60}") {
        let _ = parse(&text);
    }

    #[test]
    fn what_is_printed_can_be_read_and_prints_the_same(value in nearly_a_schema()) {
        let Ok(schema) = parse(&value.to_string()) else { return Ok(()) };
        let canonical = schema.canonical();
        prop_assert_eq!(&parse(&canonical).expect("canonical").canonical(), &canonical);
        prop_assert_eq!(schema.formatted("resolved"), canonical, "it has no references");
        let normalized = schema.normalized();
        prop_assert_eq!(parse(&normalized).expect("normalized").normalized(), normalized);
        let _ = schema.check_new();
    }

    #[test]
    fn a_schema_reads_what_it_wrote(value in nearly_a_schema()) {
        let Ok(schema) = parse(&value.to_string()) else { return Ok(()) };
        let reasons = schema.incompatibilities(&schema, Policy::Strict, &Limits::default());
        // A field whose alias is another field has two origins.
        if !value.to_string().contains("aliases") {
            prop_assert_eq!(reasons, Ok(vec![]));
        }
    }

    #[test]
    fn any_two_schemas_are_compared(reader in nearly_a_schema(), writer in nearly_a_schema()) {
        let (Ok(reader), Ok(writer)) = (parse(&reader.to_string()), parse(&writer.to_string()))
        else {
            return Ok(());
        };
        let reasons = reader.incompatibilities(&writer, Policy::Strict, &Limits::default());
        for reason in reasons.expect("they are small") {
            prop_assert!(!reason.to_string().is_empty());
        }
    }
}
