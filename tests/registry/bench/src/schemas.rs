//! The schemas of the load, each with a text of its own.
//!
//! Texts are as Avro prints them, members in its order, so that registries give them back as they were.

/// A record of six fields, as an event has them, whose name nobody else's has.
pub fn event(name: &str) -> String {
    const FIELDS: &str = r#"[
        {"name":"id","type":"string"},
        {"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
        {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["MADE","CHANGED","GONE"]}},
        {"name":"total","type":["null","double"],"default":null},
        {"name":"tags","type":{"type":"array","items":"string"}},
        {"name":"attributes","type":{"type":"map","values":"string"}}]"#;
    let fields: String = FIELDS.split_whitespace().collect();
    record(name, &fields)
}

/// A record of 50 fields: 49 that all versions have and one, with a default, that only this one has.
pub fn wide(own: &str) -> String {
    wide_with(&format!(r#"{{"name":"{own}","type":"string","default":""}}"#))
}

/// The same without the default, which no reader of older records can do without.
pub fn wide_incompatible(own: &str) -> String {
    wide_with(&format!(r#"{{"name":"{own}","type":"string"}}"#))
}

fn wide_with(own: &str) -> String {
    let shared = (0..49).map(|n| format!(r#"{{"name":"field_{n}","type":{}}},"#, kind(n)));
    let fields: String = shared.collect();
    record("Wide", &format!("[{fields}{own}]"))
}

fn record(name: &str, fields: &str) -> String {
    format!(r#"{{"type":"record","name":"{name}","namespace":"bench","fields":{fields}}}"#)
}

fn kind(n: usize) -> String {
    match n % 7 {
        0 => r#""long""#.to_owned(),
        1 => r#""string""#.to_owned(),
        2 => r#"["null","string"]"#.to_owned(),
        3 => r#"{"type":"array","items":"string"}"#.to_owned(),
        4 => r#"{"type":"map","values":"long"}"#.to_owned(),
        5 => format!(r#"{{"type":"enum","name":"Enum{n}","symbols":["A","B","C"]}}"#),
        _ => {
            let fields = r#"[{"name":"x","type":"double"},{"name":"y","type":["null","int"]}]"#;
            format!(r#"{{"type":"record","name":"Inner{n}","fields":{fields}}}"#)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(schema: &str) -> usize {
        let schema: serde_json::Value = serde_json::from_str(schema).expect("a JSON text");
        schema["fields"].as_array().expect("its fields").len()
    }

    #[test]
    fn schemas_have_the_fields_that_the_bench_speaks_of() {
        assert_eq!(fields(&event("a")), 6);
        assert_eq!([fields(&wide("own")), fields(&wide_incompatible("own"))], [50, 50]);
    }
}
