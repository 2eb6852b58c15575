//! Deleting: softly first, then for good.

use crate::client::{INT, STRING, Server, register, schema};
use serde_json::json;

#[tokio::test]
async fn a_subject_is_deleted_softly_and_then_for_good() {
    let server = Server::start().await;
    register(&server, "a", STRING).await;
    let delete = async |query: &str| server.ask("DELETE", &format!("/subjects/a{query}"), "").await;
    let early = delete("?permanent=true").await;
    assert_eq!(early.code(), 40405);
    let expected = "Subject 'a' was not deleted first before being permanently deleted";
    assert_eq!(early.message(), expected);
    assert_eq!(delete("").await.body, "[1]");
    let twice = delete("").await;
    assert_eq!(twice.code(), 40404);
    let expected = "Subject 'a' was soft deleted.Set permanent=true to delete permanently";
    assert_eq!(twice.message(), expected);
    assert_eq!(server.get("/subjects/a/versions/1").await.code(), 40401);
    assert_eq!(server.get("/subjects/a/versions/1?deleted=true").await.json()["deleted"], true);
    assert_eq!(server.get("/schemas/ids/1").await.status, 200, "data that has the id can be read");
    assert_eq!(server.ask("POST", "/subjects/a?deleted=true", &schema(STRING)).await.status, 200);
    assert_eq!(delete("?permanent=true").await.body, "[1]");
    assert_eq!(delete("?permanent=true").await.code(), 40401);
    assert_eq!(delete("").await.message(), "Subject 'a' not found.");
    assert_eq!(server.get("/schemas/ids/1").await.code(), 40403);
    assert_eq!(register(&server, "a", INT).await, 2, "an id is never given again");
}

#[tokio::test]
async fn a_version_is_deleted_softly_and_then_for_good() {
    let server = Server::start().await;
    server.ask("PUT", "/config/a", r#"{"compatibility":"NONE"}"#).await;
    register(&server, "a", STRING).await;
    register(&server, "a", INT).await;
    let delete =
        async |path: &str| server.ask("DELETE", &format!("/subjects/a/versions/{path}"), "").await;
    let early = delete("1?permanent=true").await;
    assert_eq!(early.code(), 40407);
    let expected = "Subject 'a' Version 1 was not deleted first before being permanently deleted";
    assert_eq!(early.message(), expected);
    assert_eq!(delete("latest").await.body, "2");
    let twice = delete("2").await;
    assert_eq!(twice.code(), 40406);
    let expected =
        "Subject 'a' Version 2 was soft deleted.Set permanent=true to delete permanently";
    assert_eq!(twice.message(), expected);
    assert_eq!(delete("2?permanent=true").await.body, "2");
    assert_eq!(delete("2").await.code(), 40402);
    assert_eq!(delete("x").await.code(), 42202);
    assert_eq!(server.ask("DELETE", "/subjects/b/versions/1", "").await.code(), 40401);
    assert_eq!(server.get("/subjects/a/versions").await.body, "[1]");
}

#[tokio::test]
async fn a_schema_that_was_deleted_softly_comes_back_as_a_new_version_with_its_id() {
    let server = Server::start().await;
    register(&server, "a", STRING).await;
    server.ask("DELETE", "/subjects/a", "").await;
    let again = server.ask("POST", "/subjects/a/versions", &schema(STRING)).await.json();
    assert_eq!((&again["id"], &again["version"]), (&json!(1), &json!(2)));
    assert_eq!(server.get("/subjects/a/versions?deleted=true").await.body, "[2]");
}
