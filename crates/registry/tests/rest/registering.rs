//! Registering schemas: what comes back, what is found registered, and what is refused.

use crate::client::{INT, STRING, Server, register, schema};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tidegate_registry::{Answers, HttpSettings, RegistrySettings};

async fn seven() -> Server {
    let settings = RegistrySettings { answers: Answers::Seven, ..RegistrySettings::default() };
    Server::with(settings, HttpSettings::default(), None).await
}

#[tokio::test]
async fn a_schema_gets_an_id_and_a_version_and_keeps_them() {
    let server = Server::start().await;
    let first = server.ask("POST", "/subjects/a/versions", &schema(STRING)).await;
    assert_eq!(first.status, 200, "{first:?}");
    let guid = "095d71cf-1255-6b9d-5e33-0ad575b3df5d";
    let expected = json!({
        "id": 1, "version": 1, "guid": guid, "schemaType": "AVRO", "schema": STRING,
    });
    assert_eq!(first.json(), expected);
    assert_eq!(register(&server, "a", STRING).await, 1, "the same again");
    assert_eq!(register(&server, "b", STRING).await, 1, "the same elsewhere");
    assert_eq!(register(&server, "c", INT).await, 2);
    assert_eq!(server.get("/subjects/a/versions").await.body, "[1]");
}

#[tokio::test]
async fn before_confluent_8_the_answer_is_the_id() {
    let server = seven().await;
    let first = server.ask("POST", "/subjects/a/versions", &schema(STRING)).await;
    assert_eq!(first.body, r#"{"id":1}"#);
    let found = server.get("/subjects/a/versions/1").await;
    assert_eq!(found.body, r#"{"subject":"a","version":1,"id":1,"schema":"\"string\""}"#);
    assert_eq!(server.get("/schemas/ids/1").await.body, r#"{"schema":"\"string\""}"#);
    let body = json!({ "schema": STRING, "metadata": { "properties": { "k": "v" } } });
    let changed = server.ask("POST", "/subjects/a/versions", &body.to_string()).await.json();
    let metadata = json!({ "properties": { "k": "v" } });
    assert_eq!((&changed["id"], &changed["metadata"]), (&json!(2), &metadata));
    let json = json!({ "schema": "{}", "schemaType": "JSON" }).to_string();
    server.ask("POST", "/subjects/j/versions", &json).await;
    assert_eq!(server.get("/schemas/ids/3").await.json()["schemaType"], "JSON");
}

#[tokio::test]
async fn the_same_schema_from_many_at_once_is_one() {
    let server = Server::start().await;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let mut client = server.connect().await;
        clients.spawn(async move {
            let answer =
                client.ask("POST", "/subjects/a/versions", &[], &schema(STRING)).await.json();
            (answer["id"].as_i64(), answer["version"].as_i64())
        });
    }
    let answers: BTreeSet<_> = clients.join_all().await.into_iter().collect();
    assert_eq!(answers, BTreeSet::from([(Some(1), Some(1))]));
    assert_eq!(server.get("/subjects/a/versions").await.body, "[1]");
}

#[tokio::test]
async fn different_schemas_of_one_subject_at_once_are_versions_without_gaps() {
    let server = Server::start().await;
    server.ask("PUT", "/config/a", r#"{"compatibility":"NONE"}"#).await;
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..30 {
        let mut client = server.connect().await;
        let text = format!(r#"{{"type":"fixed","name":"f{number}","size":1}}"#);
        clients.spawn(async move {
            let answer = client.ask("POST", "/subjects/a/versions", &[], &schema(&text)).await;
            answer.json()["version"].as_i64().unwrap_or_else(|| panic!("{answer:?}"))
        });
    }
    let versions: BTreeSet<i64> = clients.join_all().await.into_iter().collect();
    assert_eq!(versions, (1..=30).collect());
}

#[tokio::test]
async fn bodies_that_are_no_schemas_are_refused() {
    let server = Server::start().await;
    let post = async |body: &str| server.ask("POST", "/subjects/a/versions", body).await;
    let empty = post("").await;
    assert_eq!((empty.status, empty.code()), (422, 422));
    assert_eq!(post("{\"schema\"").await.code(), 400);
    assert_eq!(post("[]").await.code(), 400);
    assert_eq!(post(r#"{"schema":{}}"#).await.code(), 400);
    assert_eq!(post(r#"{"schema":"x","version":"one"}"#).await.code(), 400);
    for body in ["{}", r#"{"schema":null}"#, r#"{"schema":" "}"#] {
        let refused = post(body).await;
        assert_eq!((refused.code(), refused.message().as_str()), (42201, "Empty schema"), "{body}");
    }
    let unknown = post(r#"{"schema":"x","schemaType":"THRIFT"}"#).await;
    assert_eq!(unknown.message(), "Invalid schema type THRIFT");
    assert_eq!(server.get("/subjects").await.body, "[]", "nothing was kept");
}

#[tokio::test]
async fn subjects_that_cannot_be_are_refused() {
    let server = Server::start().await;
    for subject in ["a%00b", "__GLOBAL", "__EMPTY", ":.__GLOBAL:a"] {
        let path = format!("/subjects/{subject}/versions");
        let refused = server.ask("POST", &path, &schema(STRING)).await;
        assert_eq!(refused.code(), 42208, "{subject}");
        assert!(refused.message().ends_with("is not a valid."), "{refused:?}");
    }
    let path = "/subjects/a%2Fb%20%C3%A4%3F/versions";
    assert_eq!(server.ask("POST", path, &schema(STRING)).await.status, 200);
    assert_eq!(server.get("/subjects").await.json(), json!(["a/b ä?"]));
    assert_eq!(server.get(path).await.body, "[1]");
}

#[tokio::test]
async fn references_are_found_kept_and_counted() {
    let server = Server::start().await;
    register(&server, "base", STRING).await;
    let with = |subject: &str, version: i32| {
        let reference = json!({ "name": "r", "subject": subject, "version": version });
        json!({ "schema": INT, "references": [reference] }).to_string()
    };
    let missing = server.ask("POST", "/subjects/a/versions", &with("nobody", 1)).await;
    assert_eq!(missing.code(), 42201);
    let expected = "Invalid schema of type AVRO, details: No schema reference found for subject \
                    \"nobody\" and version 1";
    assert_eq!(missing.message(), expected);
    let named = server.ask("POST", "/subjects/a/versions", &with("base", -1)).await.json();
    let resolved = json!([{ "name": "r", "subject": "base", "version": 1 }]);
    assert_eq!(named["references"], resolved, "-1 stands for the latest");
    assert_eq!(server.get("/subjects/base/versions/1/referencedby").await.json(), json!([2]));
    let kept = server.ask("DELETE", "/subjects/base", "").await;
    assert_eq!(kept.code(), 42206);
    assert_eq!(
        kept.message(),
        "One or more references exist to the schema \
         {magic=1,keytype=SCHEMA,subject=base,version=1}."
    );
    let body = json!({ "schema": INT, "references": [{ "name": "r", "version": 1 }] });
    let half = server.ask("POST", "/subjects/a/versions", &body.to_string()).await;
    assert_eq!(half.code(), 42201);
    assert!(half.message().contains("Invalid reference: {name='r', subject='null', version=1}"));
}

#[tokio::test]
async fn references_that_go_round_end() {
    let server = Server::start().await;
    server.ask("PUT", "/mode", r#"{"mode":"IMPORT"}"#).await;
    let body = |subject: &str, id: i32| {
        let reference = json!({ "name": subject, "subject": subject, "version": 1 });
        json!({ "schema": STRING, "id": id, "version": 1, "references": [reference] }).to_string()
    };
    let plain = json!({ "schema": INT, "id": 9, "version": 1 }).to_string();
    assert_eq!(server.ask("POST", "/subjects/b/versions", &plain).await.status, 200);
    assert_eq!(server.ask("POST", "/subjects/a/versions", &body("b", 1)).await.status, 200);
    assert_eq!(server.ask("POST", "/subjects/b/versions", &body("a", 2)).await.status, 200);
    server.ask("PUT", "/mode", r#"{"mode":"READWRITE"}"#).await;
    let found = server.get("/subjects/a/versions/1?format=resolved").await;
    assert!(found.status == 200 || found.code() == 42201, "{found:?}");
}

#[tokio::test]
async fn metadata_comes_from_the_schema_before_and_from_the_config() {
    let server = Server::start().await;
    let config = json!({
        "compatibility": "NONE",
        "defaultMetadata": { "properties": { "a": "default", "b": "default" } },
        "overrideMetadata": { "properties": { "c": "override" } },
    });
    server.ask("PUT", "/config/a", &config.to_string()).await;
    let body =
        json!({ "schema": STRING, "metadata": { "properties": { "b": "own", "c": "own" } } });
    let first = server.ask("POST", "/subjects/a/versions", &body.to_string()).await.json();
    let expected = json!({ "properties": { "a": "default", "b": "own", "c": "override" } });
    assert_eq!(first["metadata"], expected);
    let second = server.ask("POST", "/subjects/a/versions", &schema(INT)).await.json();
    assert_eq!((&second["version"], &second["metadata"]), (&json!(2), &expected));
    let none = server.ask("POST", "/subjects/a/versions", "{}").await.json();
    assert_eq!((&none["id"], &none["schema"]), (&second["id"], &json!(INT)), "the text before");
    let path = "/subjects/a/metadata?key=b&value=own&key=c&value=override";
    assert_eq!(server.get(path).await.json()["version"], 2);
    assert_eq!(server.get("/subjects/a/metadata?key=b&value=x").await.code(), 40403);
    assert_eq!(server.get("/subjects/x/metadata?key=b&value=x").await.code(), 40401);
}

#[tokio::test]
async fn a_version_that_is_asked_for_must_be_the_next() {
    let server = Server::start().await;
    server.ask("PUT", "/config/a", r#"{"compatibility":"NONE"}"#).await;
    let body = |text: &str, version: i32| json!({ "schema": text, "version": version }).to_string();
    let first = server.ask("POST", "/subjects/a/versions", &body(STRING, 1)).await.json();
    let told = json!({ "properties": { "confluent:version": "1" } });
    assert_eq!((&first["version"], &first["metadata"]), (&json!(1), &told));
    let gap = server.ask("POST", "/subjects/a/versions", &body(INT, 5)).await;
    assert_eq!(gap.code(), 42201);
    assert_eq!(gap.message(), "Version is not one more than previous version");
    let next = server.ask("POST", "/subjects/a/versions", &body(INT, -1)).await.json();
    assert_eq!(next["version"], 2);
    let found = server.ask("POST", "/subjects/a", &schema(STRING)).await.json();
    assert_eq!(found["version"], 1, "found though its metadata tells a version");
}

#[tokio::test]
async fn rules_that_contradict_themselves_are_refused() {
    let server = Server::start().await;
    let body = |rules: Value| json!({ "schema": STRING, "ruleSet": rules }).to_string();
    let rule =
        json!({ "name": "encrypt", "kind": "TRANSFORM", "type": "ENCRYPT", "mode": "WRITEREAD" });
    let wrong = body(json!({ "migrationRules": [rule] }));
    let refused = server.ask("POST", "/subjects/a/versions", &wrong).await;
    assert_eq!(refused.code(), 42210);
    assert_eq!(refused.message(), "Migration rules can only be UPGRADE, DOWNGRADE, UPDOWN");
    let right = body(json!({ "domainRules": [rule] }));
    let kept = server.ask("POST", "/subjects/a/versions", &right).await.json();
    assert_eq!(kept["ruleSet"]["domainRules"][0]["name"], "encrypt");
    let listed = server.get("/schemas?ruleType=ENCRYPT").await.json();
    assert_eq!(listed[0]["subject"], "a");
    assert_eq!(server.get("/schemas?ruleType=CEL").await.body, "[]");
    let config = json!({ "defaultRuleSet": { "domainRules": [{ "name": "x" }] } }).to_string();
    let refused = server.ask("PUT", "/config", &config).await;
    assert_eq!((refused.code(), refused.message().as_str()), (42210, "Missing rule type"));
}

#[tokio::test]
async fn ids_are_given_only_where_the_mode_is_import() {
    let server = Server::start().await;
    let body = |text: &str, id: i32, version: i32| {
        json!({ "schema": text, "id": id, "version": version }).to_string()
    };
    let early = server.ask("POST", "/subjects/a/versions", &body(STRING, 7, 3)).await;
    assert_eq!(early.code(), 42205);
    assert_eq!(early.message(), "Subject a in context  is not in import mode");
    assert_eq!(server.ask("PUT", "/mode/a", r#"{"mode":"IMPORT"}"#).await.status, 200);
    let given = server.ask("POST", "/subjects/a/versions", &body(STRING, 7, 3)).await.json();
    assert_eq!((&given["id"], &given["version"]), (&json!(7), &json!(3)));
    let own = server.ask("POST", "/subjects/a/versions", &schema(INT)).await;
    assert_eq!(own.code(), 42205);
    assert_eq!(own.message(), "Subject a in context  is not in read-write mode");
    let taken = server.ask("POST", "/subjects/a/versions", &body(INT, 7, 4)).await;
    assert_eq!(taken.code(), 42205);
    assert_eq!(taken.message(), "Overwrite new schema with id 7 in context  is not permitted.");
    assert_eq!(register(&server, "b", INT).await, 8, "others go on behind the highest id");
    let again = server.ask("PUT", "/mode", r#"{"mode":"IMPORT"}"#).await;
    assert_eq!(again.message(), "Cannot import since found existing subjects");
}

#[tokio::test]
async fn tags_are_written_into_a_schema_and_found_there() {
    let server = Server::start().await;
    let record = r#"{"type":"record","name":"r","fields":[{"name":"a","type":"string"}]}"#;
    register(&server, "a", record).await;
    let entity = |path: &str, kind: &str| json!({ "entityPath": path, "entityType": kind });
    let tags = json!([
        { "schemaEntity": entity("r", "SR_RECORD"), "tags": ["ONE", "TWO"] },
        { "schemaEntity": entity("r.a", "SR_FIELD"), "tags": ["PII"] },
    ]);
    let body = json!({ "newVersion": 2, "tagsToAdd": tags }).to_string();
    let tagged = server.ask("POST", "/subjects/a/versions/latest/tags", &body).await.json();
    assert_eq!((&tagged["id"], &tagged["version"]), (&json!(2), &json!(2)));
    assert_eq!(tagged["metadata"]["properties"]["confluent:version"], "2");
    let schema: Value =
        serde_json::from_str(tagged["schema"].as_str().expect("a text")).expect("JSON");
    assert_eq!(schema["confluent:tags"], json!(["ONE", "TWO"]));
    assert_eq!(schema["fields"][0]["confluent:tags"], json!(["PII"]));
    let found = server.get("/subjects/a/versions/2?findTags=*").await.json();
    assert_eq!(found["schemaTags"], tags);
    let found = server.get("/schemas/ids/2?findTags=PII").await.json();
    assert_eq!(found["schemaTags"], json!([tags[1]]));
    let body = json!({ "tagsToRemove": [tags[1]], "rulesToRemove": ["none"] }).to_string();
    let third = server.ask("POST", "/subjects/a/versions/2/tags", &body).await.json();
    assert_eq!(third["version"], 3);
    assert!(!third["schema"].to_string().contains("PII"), "{third}");
    let body = json!({ "schema": record, "propagateSchemaTags": true }).to_string();
    let same = server.ask("POST", "/subjects/a/versions", &body).await.json();
    assert_eq!(same["schema"], third["schema"], "the tags of the version before");
    let body = json!({ "tagsToAdd": [{ "schemaEntity": entity("x", "SR_RECORD"), "tags": [] }] });
    let missing = server.ask("POST", "/subjects/a/versions/1/tags", &body.to_string()).await;
    assert_eq!(missing.code(), 42201);
    assert!(missing.message().ends_with("No matching path 'x' found in the schema"), "{missing:?}");
}

#[tokio::test]
async fn the_lowest_number_as_the_new_version_of_tags_is_an_answer() {
    let server = Server::start().await;
    register(&server, "a", INT).await;
    let body = json!({ "newVersion": i32::MIN, "rulesToRemove": ["none"] }).to_string();
    let answer = server.ask("POST", "/subjects/a/versions/1/tags", &body).await;
    assert!(!answer.json().is_null(), "{answer:?}");
    assert_eq!(server.get("/subjects/a/versions").await.json()[0], 1, "it goes on");
}
