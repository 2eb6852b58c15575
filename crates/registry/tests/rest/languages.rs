//! The three languages behind the routes: compatibility, normalization and formats.

use crate::client::{INT, STRING, Server, register, schema};
use serde_json::{Value, json};

fn record(fields: &Value) -> String {
    json!({ "type": "record", "name": "r", "fields": fields }).to_string()
}

fn field(name: &str) -> Value {
    json!({ "name": name, "type": "int" })
}

fn optional(name: &str) -> Value {
    json!({ "name": name, "type": "int", "default": 0 })
}

async fn registered(server: &Server, subject: &str, kind: &str, text: &str) -> Value {
    let body = json!({ "schema": text, "schemaType": kind }).to_string();
    server.ask("POST", &format!("/subjects/{subject}/versions"), &body).await.json()
}

#[tokio::test]
async fn an_incompatible_schema_is_refused_with_the_reasons() {
    let server = Server::start().await;
    let old = record(&json!([field("a")]));
    register(&server, "a", &old).await;
    let new = record(&json!([field("a"), field("b")]));
    let refused = server.ask("POST", "/subjects/a/versions", &schema(&new)).await;
    assert_eq!((refused.status, refused.code()), (409, 40901));
    let expected = format!(
        "Schema being registered is incompatible with an earlier schema for subject \"a\", details: \
         [{{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'b' at path \
         '/fields/1' in the new schema has no default value and is missing in the old schema', \
         additionalInfo:'b'}}, {{oldSchemaVersion: 1}}, {{oldSchema: '{old}'}}, {{validateFields: \
         'false', compatibility: 'BACKWARD'}}]"
    );
    assert_eq!(refused.message(), expected);
    server.ask("PUT", "/config/a", r#"{"compatibility":"FORWARD"}"#).await;
    assert_eq!(register(&server, "a", &new).await, 2);
    let without = schema(&record(&json!([])));
    let path = "/compatibility/subjects/a/versions/latest";
    let told = server.ask("POST", &format!("{path}?verbose=true"), &without).await.json();
    assert_eq!(told["is_compatible"], false);
    let first = told["messages"][0].as_str().expect("a reason");
    assert!(
        first.contains("in the old schema has no default value and is missing in the new schema")
    );
    let told = server.ask("POST", path, &without).await;
    assert_eq!(told.body, r#"{"is_compatible":false}"#);
}

#[tokio::test]
async fn transitive_levels_look_at_all_versions_and_groups_at_their_own() {
    let server = Server::start().await;
    for fields in [json!([field("a")]), json!([field("a"), optional("b")])] {
        register(&server, "a", &record(&fields)).await;
    }
    // What reads the latest, where b is there, and not the first.
    let third = schema(&record(&json!([field("a"), field("b")])));
    let path = "/compatibility/subjects/a/versions";
    let compatible =
        async || server.ask("POST", path, &third).await.json()["is_compatible"].clone();
    assert_eq!(compatible().await, true);
    server.ask("PUT", "/config/a", r#"{"compatibility":"BACKWARD_TRANSITIVE"}"#).await;
    assert_eq!(compatible().await, false);
    let first = server.ask("POST", &format!("{path}/1"), &third).await.json();
    assert_eq!(first["is_compatible"], false);
    let second = server.ask("POST", &format!("{path}/2"), &third).await.json();
    assert_eq!(second["is_compatible"], true);
    server.ask("PUT", "/config/a", r#"{"compatibilityGroup":"major"}"#).await;
    let body = json!({ "schema": STRING, "metadata": { "properties": { "major": "2" } } });
    let other = server.ask("POST", "/subjects/a/versions", &body.to_string()).await;
    assert_eq!(other.json()["version"], 3, "nothing of its group is there");
    let body = json!({ "schema": INT, "metadata": { "properties": { "major": "2" } } });
    assert_eq!(server.ask("POST", "/subjects/a/versions", &body.to_string()).await.code(), 40901);
}

#[tokio::test]
async fn compatibility_with_nothing_is_given_and_with_no_version_is_40402() {
    let server = Server::start().await;
    let path = "/compatibility/subjects/a/versions";
    let told = server.ask("POST", &format!("{path}?verbose=True"), &schema(INT)).await;
    assert_eq!(told.body, r#"{"is_compatible":true,"messages":[]}"#);
    assert_eq!(
        server.ask("POST", &format!("{path}/latest"), &schema(INT)).await.body,
        r#"{"is_compatible":true}"#
    );
    assert_eq!(server.ask("POST", &format!("{path}/1"), &schema(INT)).await.code(), 40402);
    assert_eq!(server.ask("POST", &format!("{path}/x"), &schema(INT)).await.code(), 42202);
    let broken = server.ask("POST", path, &schema("{")).await;
    assert_eq!(broken.code(), 42201);
    let told = server.ask("POST", &format!("{path}?verbose=true"), &schema("{")).await.json();
    assert_eq!(told["is_compatible"], false);
    assert_eq!(told["messages"], json!([broken.message()]));
    assert_eq!(server.ask("POST", path, "{}").await.message(), "Empty schema");
}

#[tokio::test]
async fn texts_that_differ_in_white_space_are_one_schema() {
    let server = Server::start().await;
    assert_eq!(register(&server, "a", "{ \"type\" : \"string\" }").await, 1);
    assert_eq!(register(&server, "a", STRING).await, 1);
    assert_eq!(server.get("/subjects/a/versions/1/schema").await.body, STRING);
    assert_eq!(
        server.ask("POST", "/subjects/a", &schema(" \"string\"")).await.json()["version"],
        1
    );
}

#[tokio::test]
async fn what_means_the_same_is_one_schema_where_it_is_normalized() {
    let server = Server::start().await;
    let texts = [r#"{"type":"object","title":"t"}"#, r#"{"title":"t","type":"object"}"#];
    let body = |text: &str| json!({ "schema": text, "schemaType": "JSON" }).to_string();
    let path = "/subjects/a/versions?normalize=true";
    for text in texts {
        assert_eq!(server.ask("POST", path, &body(text)).await.json()["id"], 1, "{text}");
    }
    let plain = server.ask("POST", "/subjects/a", &body(texts[0])).await;
    let other = server.ask("POST", "/subjects/a", &body(texts[1])).await;
    assert_ne!(plain.status, other.status, "only one of them is the normal form");
    server.ask("PUT", "/config/a", r#"{"normalize":true}"#).await;
    for text in texts {
        assert_eq!(server.ask("POST", "/subjects/a", &body(text)).await.status, 200, "{text}");
    }
}

#[tokio::test]
async fn formats_write_references_out_and_protobuf_as_a_descriptor() {
    let server = Server::start().await;
    let base = r#"{"type":"record","name":"base","fields":[]}"#;
    register(&server, "base", base).await;
    let reference = json!([{ "name": "base", "subject": "base", "version": 1 }]);
    let text = r#"{"type":"record","name":"r","fields":[{"name":"b","type":"base"}]}"#;
    let body = json!({ "schema": text, "references": reference }).to_string();
    let first = server.ask("POST", "/subjects/a/versions", &body).await.json();
    assert_eq!(first["schema"], text);
    let whole = text.replace("\"base\"", base);
    let path = "/subjects/a/versions/1/schema?format=resolved";
    assert_eq!(server.get(path).await.body, whole);
    let again = server.ask("POST", "/subjects/a/versions", &schema(&whole)).await.json();
    assert_eq!(again["id"], first["id"], "written out it is the same schema");
    let file = "syntax = \"proto3\";\nmessage M { string a = 1; }\n";
    let file = registered(&server, "p", "PROTOBUF", file).await;
    assert_eq!(file["schemaType"], "PROTOBUF");
    let path = format!("/schemas/ids/{}?format=serialized", file["id"]);
    let descriptor = server.get(&path).await.json()["schema"].to_string();
    let again = registered(&server, "p", "PROTOBUF", descriptor.trim_matches('"')).await;
    assert_eq!(again["id"], file["id"], "a descriptor is read as well");
}

#[tokio::test]
async fn languages_do_not_mix_in_a_subject() {
    let server = Server::start().await;
    register(&server, "a", STRING).await;
    let refused = registered(&server, "a", "JSON", "{}").await;
    assert_eq!(refused["error_code"], 40901, "{refused}");
}

#[tokio::test]
async fn defaults_of_new_schemas_are_checked() {
    let server = Server::start().await;
    let field = json!({ "name": "a", "type": "int", "default": "no number" });
    let wrong = schema(&record(&json!([field])));
    assert_eq!(server.ask("POST", "/subjects/a/versions", &wrong).await.code(), 42201);
    assert_eq!(
        server.ask("POST", "/subjects/a", &wrong).await.code(),
        40401,
        "it can be looked up"
    );
}

#[tokio::test]
async fn reserved_names_are_kept_free_where_fields_are_validated() {
    let server = Server::start().await;
    server.ask("PUT", "/config/a", r#"{"validateFields":true}"#).await;
    let body = |name: &str| {
        let metadata = json!({ "properties": { "confluent:reserved": "b" } });
        json!({ "schema": record(&json!([optional(name)])), "metadata": metadata }).to_string()
    };
    assert_eq!(server.ask("POST", "/subjects/a/versions", &body("a")).await.status, 200);
    let refused = server.ask("POST", "/subjects/a/versions", &body("b")).await;
    assert_eq!(refused.code(), 40901);
    let expected = "The new schema has field that conflicts with the reserved field b.";
    assert!(refused.message().contains(expected), "{refused:?}");
}

#[tokio::test]
async fn a_protobuf_text_of_another_registry_is_found_in_whatever_form_it_was_written() {
    let server = Server::start().await;
    register(&server, "a", STRING).await;
    let old = "syntax = \"proto3\";\nmessage M {\n  string a = 1;\n}\n";
    let key = json!({ "keytype": "SCHEMA", "subject": "p", "version": 1, "magic": 1 });
    let value = json!({
        "subject": "p", "version": 1, "id": 7, "schemaType": "PROTOBUF", "schema": old,
        "deleted": false,
    });
    server.produce(&key, &value).await;
    let found = registered(&server, "p", "PROTOBUF", old).await;
    assert_eq!((&found["id"], &found["version"]), (&json!(7), &json!(1)), "{found}");
    let body = json!({ "schema": old, "schemaType": "PROTOBUF" }).to_string();
    assert_eq!(server.ask("POST", "/subjects/p", &body).await.json()["id"], 7);
    assert_eq!(server.get("/subjects/p/versions").await.body, "[1]");
}

#[tokio::test]
async fn schema_tags_are_carried_over_where_there_are_any() {
    let server = Server::start().await;
    let ask = async |kind: &str, text: &str| {
        let body = json!({ "schema": text, "schemaType": kind, "propagateSchemaTags": true });
        server.ask("POST", &format!("/subjects/{kind}/versions"), &body.to_string()).await
    };
    for (kind, text) in [
        ("PROTOBUF", "syntax = \"proto3\"; message M { int32 a = 1; }"),
        ("JSON", r#"{"type":"object"}"#),
        (
            "AVRO",
            r#"{"type":"record","name":"r","fields":[{"name":"a","type":"int","confluent:tags":["PII"]}]}"#,
        ),
    ] {
        assert_eq!(ask(kind, text).await.status, 200, "{kind}");
    }
    let next = r#"{"type":"record","name":"r","fields":[{"name":"a","type":"int"},{"name":"b","type":"int","default":0}]}"#;
    let answer = ask("AVRO", next).await.json();
    assert!(answer["schema"].as_str().is_some_and(|text| text.contains("PII")), "{answer}");
}

#[tokio::test]
async fn a_schema_of_nothing_is_refused() {
    let server = Server::start().await;
    for text in ["", " ", "// a file of comments", ";"] {
        let body = json!({ "schema": text, "schemaType": "PROTOBUF" }).to_string();
        let refused = server.ask("POST", "/subjects/p/versions", &body).await;
        assert_eq!((refused.status, refused.code()), (422, 42201), "{text:?}");
    }
}
