//! Lists: what they hold, and their pages.

use crate::client::{INT, STRING, Server, register};
use serde_json::{Value, json};
use tidegate_registry::{HttpSettings, ListLimit, RegistrySettings};

#[tokio::test]
async fn subjects_are_listed_by_prefix_and_by_what_is_deleted() {
    let server = Server::start().await;
    for subject in ["ab", "aa", "b", ":.c:aa"] {
        register(&server, subject, STRING).await;
    }
    server.ask("DELETE", "/subjects/b", "").await;
    let list = async |query: &str| server.get(&format!("/subjects{query}")).await.json();
    assert_eq!(list("").await, json!([":.c:aa", "aa", "ab"]));
    assert_eq!(list("?subjectPrefix=a").await, json!(["aa", "ab"]));
    assert_eq!(list("?subjectPrefix=:*:a").await, json!([":.c:aa", "aa", "ab"]));
    assert_eq!(list("?subjectPrefix=:.c:").await, json!([":.c:aa"]));
    let twice = "?subjectPrefix=b&subjectPrefix=a&subjectPrefix=aa";
    assert_eq!(list(twice).await, json!(["aa", "ab"]));
    let repeated = format!("?subjectPrefix=a{}", "&subjectPrefix=a".repeat(2_000));
    assert_eq!(list(&repeated).await, json!(["aa", "ab"]));
    let many: String = (0..50).map(|n| format!("subjectPrefix=a{n}&")).collect();
    assert_eq!(server.get(&format!("/subjects?{many}")).await.status, 400);
    assert_eq!(list("?deleted=true&subjectPrefix=").await, json!(["aa", "ab", "b"]));
    assert_eq!(list("?deletedOnly=true").await, json!(["b"]));
    assert_eq!(list("?deleted=true&deletedOnly=true").await, json!(["b"]));
}

#[tokio::test]
async fn a_page_is_an_offset_and_a_limit() {
    let limit = ListLimit { default: 3, max: 4 };
    let settings = RegistrySettings { subjects: limit, ..RegistrySettings::default() };
    let server = Server::with(settings, HttpSettings::default(), None).await;
    for subject in ["a", "b", "c", "d", "e"] {
        register(&server, subject, STRING).await;
    }
    let list = async |query: &str| server.get(&format!("/subjects?{query}")).await.json();
    assert_eq!(list("").await, json!(["a", "b", "c"]), "the default");
    assert_eq!(list("offset=1&limit=2").await, json!(["b", "c"]));
    assert_eq!(list("limit=4").await, json!(["a", "b", "c", "d"]));
    assert_eq!(list("limit=5").await, json!(["a", "b", "c"]), "beyond the maximum");
    assert_eq!(list("limit=-1&offset=3").await, json!(["d", "e"]));
    assert_eq!(list("offset=99").await, json!([]));
    assert_eq!(list("limit=x").await["error_code"], 404);
}

#[tokio::test]
async fn versions_are_listed_with_deleted_ones_where_they_are_asked_for() {
    let server = Server::start().await;
    server.ask("PUT", "/config/a", r#"{"compatibility":"NONE"}"#).await;
    register(&server, "a", STRING).await;
    register(&server, "a", INT).await;
    server.ask("DELETE", "/subjects/a/versions/1", "").await;
    let list = async |query: &str| server.get(&format!("/subjects/a/versions{query}")).await.json();
    assert_eq!(list("").await, json!([2]));
    assert_eq!(list("?deleted=true").await, json!([1, 2]));
    assert_eq!(list("?deletedOnly=true").await, json!([1]));
    assert_eq!(list("?deletedAsNegative=true").await, json!([-1, 2]));
    assert_eq!(list("?deleted=true&limit=1&offset=1").await, json!([2]));
    assert_eq!(server.get("/schemas/ids/1/versions").await.body, "[]");
    let deleted = server.get("/schemas/ids/1/versions?deleted=true").await.json();
    assert_eq!(deleted, json!([{ "subject": "a", "version": 1 }]));
    assert_eq!(server.get("/schemas/ids/1/subjects?deleted=true").await.json(), json!(["a"]));
}

#[tokio::test]
async fn schemas_are_listed_by_subject_and_version() {
    let server = Server::start().await;
    server.ask("PUT", "/config", r#"{"compatibility":"NONE"}"#).await;
    for (subject, text) in [("b", STRING), ("a", STRING), ("a", INT)] {
        register(&server, subject, text).await;
    }
    let list = async |query: &str| {
        let listed = server.get(&format!("/schemas{query}")).await.json();
        let pair = |schema: &Value| json!([schema["subject"], schema["version"]]);
        Value::from(listed.as_array().expect("a list").iter().map(pair).collect::<Vec<_>>())
    };
    assert_eq!(list("").await, json!([["a", 1], ["a", 2], ["b", 1]]));
    assert_eq!(list("?latestOnly=true").await, json!([["a", 2], ["b", 1]]));
    assert_eq!(list("?subjectPrefix=a&offset=1").await, json!([["a", 2]]));
    server.ask("DELETE", "/subjects/a/versions/1", "").await;
    assert_eq!(list("?subjectPrefix=a").await, json!([["a", 2]]));
    assert_eq!(list("?subjectPrefix=a&deleted=true").await, json!([["a", 1], ["a", 2]]));
}
