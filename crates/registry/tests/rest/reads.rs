//! Reading schemas: by id, by guid, by subject and version, and by what they are.

use crate::client::{INT, STRING, Server, register, schema};
use serde_json::json;

const GUID: &str = "095d71cf-1255-6b9d-5e33-0ad575b3df5d";

#[tokio::test]
async fn a_schema_is_found_by_its_id() {
    let server = Server::start().await;
    register(&server, "a", STRING).await;
    let found = server.get("/schemas/ids/1").await.json();
    assert_eq!((&found["schema"], &found["guid"]), (&json!(STRING), &json!(GUID)));
    assert_eq!(found["subject"], json!(null), "nobody asked for a subject");
    let found = server.get("/schemas/ids/1?subject=a&fetchMaxId=True").await.json();
    assert_eq!((&found["subject"], &found["version"]), (&json!("a"), &json!(1)));
    assert_eq!((&found["id"], &found["maxId"]), (&json!(1), &json!(1)));
    assert_eq!(server.get("/schemas/ids/1/schema").await.body, STRING);
    assert_eq!(server.get("/schemas/ids/1/subjects").await.body, r#"["a"]"#);
    assert_eq!(
        server.get("/schemas/ids/1/versions").await.body,
        r#"[{"subject":"a","version":1}]"#
    );
    let missing = server.get("/schemas/ids/9").await;
    assert_eq!(missing.body, r#"{"error_code":40403,"message":"Schema 9 not found"}"#);
    assert_eq!(server.get("/schemas/ids/9/schema").await.code(), 40403);
    for path in ["/schemas/ids/9/subjects", "/schemas/ids/9/versions"] {
        assert_eq!(server.get(path).await.message(), "Schema not found");
    }
    for path in ["/schemas/ids/one", "/schemas/ids/99999999999", "/schemas/ids/1.0"] {
        assert_eq!(server.get(path).await.code(), 404, "{path}");
    }
}

#[tokio::test]
async fn a_schema_is_found_by_its_guid() {
    let server = Server::start().await;
    register(&server, "a", STRING).await;
    register(&server, ":.c:b", STRING).await;
    let found = server.get(&format!("/schemas/guids/{GUID}")).await.json();
    assert_eq!((&found["schema"], &found["subject"]), (&json!(STRING), &json!(null)));
    let ids = server.get(&format!("/schemas/guids/{GUID}/ids")).await.json();
    assert_eq!(ids, json!([{ "context": ".", "id": 1 }, { "context": ".c", "id": 1 }]));
    for guid in ["00000000-0000-0000-0000-000000000000", "x"] {
        let missing = server.get(&format!("/schemas/guids/{guid}")).await;
        assert_eq!(missing.message(), format!("Schema {guid} not found"));
        assert_eq!(server.get(&format!("/schemas/guids/{guid}/ids")).await.code(), 40403);
    }
}

#[tokio::test]
async fn versions_are_read_by_number_and_as_latest() {
    let server = Server::start().await;
    register(&server, "a", STRING).await;
    server.ask("PUT", "/config/a", r#"{"compatibility":"NONE"}"#).await;
    register(&server, "a", INT).await;
    for (version, text) in
        [("1", STRING), ("2", INT), ("latest", INT), ("LATEST", INT), ("-1", INT)]
    {
        let path = format!("/subjects/a/versions/{version}");
        assert_eq!(server.get(&path).await.json()["schema"], text, "{version}");
        assert_eq!(server.get(&format!("{path}/schema")).await.body, text);
    }
    for version in ["0", "-2", "x", "1.5", "2147483648"] {
        let refused = server.get(&format!("/subjects/a/versions/{version}")).await;
        assert_eq!(refused.code(), 42202, "{version}");
        let expected = format!(
            "The specified version '{version}' is not a valid version id. Allowed values are \
             between [1, 2^31-1] and the string \"latest\""
        );
        assert_eq!(refused.message(), expected);
    }
    assert_eq!(server.get("/subjects/a/versions/3").await.message(), "Version 3 not found.");
    assert_eq!(server.get("/subjects/b/versions/1").await.message(), "Subject 'b' not found.");
    assert_eq!(server.get("/subjects/b/versions/latest").await.code(), 40401);
    assert_eq!(server.get("/subjects/b/versions/1/referencedby").await.code(), 40401);
    assert_eq!(server.get("/subjects/a/versions/1/referencedby").await.body, "[]");
}

#[tokio::test]
async fn a_schema_is_looked_up_under_a_subject() {
    let server = Server::start().await;
    register(&server, "a", STRING).await;
    let found = server.ask("POST", "/subjects/a?deleted=False", &schema(STRING)).await.json();
    assert_eq!((&found["id"], &found["version"]), (&json!(1), &json!(1)));
    let other = server.ask("POST", "/subjects/a", &schema(INT)).await;
    assert_eq!(other.body, r#"{"error_code":40403,"message":"Schema not found"}"#);
    let nobody = server.ask("POST", "/subjects/b", &schema(STRING)).await;
    assert_eq!(nobody.message(), "Subject 'b' not found.");
    assert_eq!(server.ask("POST", "/subjects/a", "").await.code(), 422);
    assert_eq!(server.ask("POST", "/subjects/a", "{}").await.code(), 40403, "no schema is none");
}

#[tokio::test]
async fn contexts_keep_ids_and_subjects_apart() {
    let server = Server::start().await;
    register(&server, "a", STRING).await;
    let path = "/contexts/.c/subjects/b/versions";
    assert_eq!(server.ask("POST", path, &schema(INT)).await.json()["id"], 1);
    assert_eq!(server.get("/contexts").await.body, r#"[".",".c"]"#);
    assert_eq!(server.get("/contexts/.c/subjects").await.body, r#"[":.c:b"]"#);
    assert_eq!(server.get("/subjects?subjectPrefix=").await.body, r#"["a"]"#);
    assert_eq!(server.get("/contexts/.c/schemas/ids/1").await.json()["schema"], INT);
    assert_eq!(server.get("/schemas/ids/1").await.json()["schema"], STRING);
    assert_eq!(server.get("/schemas/ids/1?subject=:.c:").await.json()["schema"], INT);
    let elsewhere = server.get("/subjects/b/versions/1").await.json();
    assert_eq!(elsewhere["subject"], ":.c:b", "an unqualified name is looked for everywhere");
    assert_eq!(server.ask("POST", "/subjects/b", &schema(INT)).await.json()["subject"], ":.c:b");
    assert_eq!(server.get("/contexts/./subjects").await.body, r#"["a"]"#);
    let full = server.ask("DELETE", "/contexts/.c", "").await;
    assert_eq!(
        (full.code(), full.message().as_str()),
        (42211, "The specified context ':.c:' is not empty.")
    );
    server.ask("DELETE", "/subjects/:.c:b", "").await;
    server.ask("DELETE", "/subjects/:.c:b?permanent=true", "").await;
    assert_eq!(server.ask("DELETE", "/contexts/.c", "").await.status, 204);
    assert_eq!(server.get("/contexts").await.body, r#"["."]"#);
}

#[tokio::test]
async fn an_alias_stands_for_its_subject() {
    let server = Server::start().await;
    register(&server, "a", STRING).await;
    server.ask("PUT", "/config/b", r#"{"alias":"a"}"#).await;
    assert_eq!(server.get("/subjects/b/versions").await.body, "[1]");
    assert_eq!(server.get("/subjects/b/versions/1").await.json()["subject"], "a");
    server.ask("PUT", "/config/a", r#"{"compatibility":"NONE"}"#).await;
    assert_eq!(register(&server, "b", INT).await, 2);
    assert_eq!(server.get("/subjects/a/versions").await.body, "[1,2]");
    assert_eq!(server.get("/config/b").await.json()["alias"], "a", "its config is its own");
    let listed = server.get("/schemas?aliases=true&subjectPrefix=b").await.json();
    assert_eq!((&listed[0]["subject"], &listed[0]["aliases"]), (&json!("a"), &json!(["b"])));
}
