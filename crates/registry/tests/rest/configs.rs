//! Configs and modes: of everything, of contexts and of subjects.

use crate::client::{INT, STRING, Server, register, schema};
use serde_json::json;
use tidegate_registry::{HttpSettings, RegistrySettings};

#[tokio::test]
async fn a_config_is_the_subjects_or_the_contexts_or_the_global_one() {
    let server = Server::start().await;
    assert_eq!(server.get("/config").await.body, r#"{"compatibilityLevel":"BACKWARD"}"#);
    let missing = server.get("/config/a").await;
    assert_eq!(missing.code(), 40408);
    let expected = "Subject 'a' does not have subject-level compatibility configured";
    assert_eq!(missing.message(), expected);
    let put = server.ask("PUT", "/config", r#"{"compatibility":"full"}"#).await;
    assert_eq!(put.body, r#"{"compatibility":"FULL"}"#);
    let global = server.get("/config/a?defaultToGlobal=true").await;
    assert_eq!(global.body, r#"{"compatibilityLevel":"FULL"}"#);
    server.ask("PUT", "/contexts/.c/config", r#"{"compatibility":"NONE"}"#).await;
    let context = server.get("/contexts/.c/config/a?defaultToGlobal=true").await;
    assert_eq!(context.body, r#"{"compatibilityLevel":"NONE"}"#);
    server.ask("PUT", "/config/a", r#"{"compatibility":"FORWARD"}"#).await;
    assert_eq!(server.get("/config/a").await.body, r#"{"compatibilityLevel":"FORWARD"}"#);
    let deleted = server.ask("DELETE", "/config/a", "").await;
    assert_eq!(deleted.body, r#"{"compatibilityLevel":"FORWARD"}"#);
    assert_eq!(server.ask("DELETE", "/config/a", "").await.message(), "Subject 'a' not found.");
    assert_eq!(server.ask("DELETE", "/config", "").await.json()["compatibilityLevel"], "FULL");
    assert_eq!(server.get("/config").await.json()["compatibilityLevel"], "BACKWARD");
    assert_eq!(server.ask("DELETE", "/config", "").await.json()["compatibilityLevel"], "BACKWARD");
}

#[tokio::test]
async fn a_change_leaves_what_it_does_not_name_and_takes_away_what_is_null() {
    let server = Server::start().await;
    let put = async |body: &str| server.ask("PUT", "/config/a", body).await.json();
    let whole = json!({
        "alias": "b", "normalize": true, "validateFields": true, "compatibility": "NONE",
        "compatibilityPolicy": "LENIENT", "compatibilityGroup": "g",
        "defaultMetadata": { "properties": { "a": "b" } },
    });
    assert_eq!(put(&whole.to_string()).await, whole);
    let changed = put(r#"{"normalize":false,"alias":null,"unknown":1}"#).await;
    assert_eq!((&changed["normalize"], &changed["alias"]), (&json!(false), &json!(null)));
    assert_eq!(changed["compatibilityGroup"], "g");
    assert_eq!(server.get("/config/a").await.json()["compatibilityPolicy"], "LENIENT");
}

#[tokio::test]
async fn levels_and_policies_that_do_not_exist_are_refused() {
    let server = Server::start().await;
    for body in [r#"{"compatibility":"SOME"}"#, r#"{"compatibilityPolicy":"SOME"}"#] {
        let refused = server.ask("PUT", "/config", body).await;
        assert_eq!(refused.code(), 42203, "{body}");
        let expected = "Invalid compatibility level. Valid values are none, backward, forward, \
                        full, backward_transitive, forward_transitive, and full_transitive";
        assert_eq!(refused.message(), expected);
    }
    let body = r#"{"compatibility":"FORWARD","compatibilityPolicy":"LOGICAL"}"#;
    assert_eq!(server.ask("PUT", "/config", body).await.code(), 42203);
    assert_eq!(server.ask("PUT", "/config", "").await.code(), 422);
    assert_eq!(server.ask("PUT", "/config", "{").await.code(), 400);
    assert_eq!(server.ask("PUT", "/config/__EMPTY", "{}").await.code(), 42208);
}

#[tokio::test]
async fn a_mode_is_the_subjects_or_the_contexts_or_the_global_one() {
    let server = Server::start().await;
    assert_eq!(server.get("/mode").await.body, r#"{"mode":"READWRITE"}"#);
    let missing = server.get("/mode/a").await;
    assert_eq!(missing.code(), 40409);
    assert_eq!(missing.message(), "Subject 'a' does not have subject-level mode configured");
    let put = server.ask("PUT", "/mode/a", r#"{"mode":"READONLY"}"#).await;
    assert_eq!(put.body, r#"{"mode":"READONLY"}"#);
    let refused = server.ask("POST", "/subjects/a/versions", &schema(STRING)).await;
    assert_eq!(refused.code(), 42205);
    assert_eq!(refused.message(), "Subject a in context  is in read-only mode");
    assert_eq!(register(&server, "b", STRING).await, 1);
    assert_eq!(server.ask("DELETE", "/mode/a", "").await.body, r#"{"mode":"READONLY"}"#);
    assert_eq!(server.ask("DELETE", "/mode/a", "").await.code(), 40401);
    assert_eq!(register(&server, "a", STRING).await, 1);
    server.ask("PUT", "/mode", r#"{"mode":"READONLY_OVERRIDE"}"#).await;
    server.ask("PUT", "/mode/a", r#"{"mode":"READWRITE"}"#).await;
    let refused = server.ask("POST", "/subjects/a/versions", &schema(INT)).await;
    assert_eq!(refused.code(), 42205, "it holds whatever the subject says");
    assert_eq!(server.ask("DELETE", "/mode", "").await.status, 200);
    assert_eq!(server.get("/mode").await.body, r#"{"mode":"READWRITE"}"#);
}

#[tokio::test]
async fn modes_that_do_not_exist_or_cannot_be_changed_are_refused() {
    let server = Server::start().await;
    let refused = server.ask("PUT", "/mode", r#"{"mode":"SOME"}"#).await;
    assert_eq!(refused.code(), 42204);
    assert_eq!(
        refused.message(),
        "Invalid mode. Valid values are READWRITE, READONLY, and IMPORT."
    );
    let forward = server.ask("PUT", "/mode", r#"{"mode":"FORWARD"}"#).await;
    assert_eq!(forward.code(), 42205);
    let settings = RegistrySettings { mode_mutability: false, ..RegistrySettings::default() };
    let server = Server::with(settings, HttpSettings::default(), None).await;
    let fixed = server.ask("PUT", "/mode", r#"{"mode":"READONLY"}"#).await;
    assert_eq!((fixed.code(), fixed.message().as_str()), (42205, "Mode changes are not allowed"));
    assert_eq!(server.ask("DELETE", "/mode/a", "").await.code(), 42205);
}
