//! Bodies made to hurt: they are answered or refused soon, and nobody else waits for them.

use crate::client::{STRING, Server, register, schema};
use serde_json::json;
use std::time::{Duration, Instant};

/// Debug builds on busy machines are slow; what hangs or explodes takes far longer.
const SOON: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_and_deep_schemas_do_not_stall_others() {
    let server = Server::start().await;
    register(&server, "a", STRING).await;
    let nested = |levels: usize| {
        let open = r#"{"type":"array","items":"#.repeat(levels);
        format!("{open}\"int\"{}", "}".repeat(levels))
    };
    let fields: Vec<_> =
        (0..10_000).map(|n| json!({ "name": format!("f{n}"), "type": "int" })).collect();
    let wide = json!({ "type": "record", "name": "r", "fields": fields }).to_string();
    let texts = [
        nested(1_000),
        nested(100_000),
        wide,
        "\"".repeat(1 << 20),
        "[".repeat(1 << 20),
        format!("\"{}\"", "x".repeat(1 << 20)),
    ];
    let mut hostile = tokio::task::JoinSet::new();
    for kind in ["AVRO", "JSON", "PROTOBUF"] {
        for text in &texts {
            let mut client = server.connect().await;
            let body = json!({ "schema": text, "schemaType": kind }).to_string();
            hostile.spawn(async move {
                let path = format!("/subjects/{kind}/versions");
                client.ask("POST", &path, &[], &body).await.status
            });
        }
    }
    let begun = Instant::now();
    while let Some(status) =
        hostile.try_join_next().or_else(|| if hostile.is_empty() { None } else { Some(Ok(0)) })
    {
        let status = status.expect("no handler breaks");
        assert!([0, 200, 409, 422].contains(&status), "{status}");
        let asked = Instant::now();
        assert_eq!(server.get("/schemas/ids/1").await.status, 200);
        assert!(asked.elapsed() < SOON && begun.elapsed() < SOON * 3);
    }
}

#[tokio::test]
async fn bodies_of_any_shape_are_refused_or_answered() {
    let server = Server::start().await;
    let deep = "[".repeat(200_000);
    let bodies = [
        "null",
        "true",
        "0",
        "\"\"",
        "[]",
        "{}",
        "{\"schema\":0}",
        "{\"schema\":[]}",
        &deep,
        "{\"references\":0}",
        "{\"references\":[0]}",
        "{\"references\":[{}],\"schema\":\"\\\"int\\\"\"}",
        "{\"metadata\":[]}",
        "{\"ruleSet\":{\"domainRules\":[{\"mode\":\"x\"}]}}",
        "{\"version\":99999999999}",
        "{\"id\":-5,\"schema\":\"\\\"int\\\"\"}",
        "{\"mode\":1}",
        "\u{0}",
        "{\"schema\":\"\\ud800\"}",
        "{\"compatibility\":1}",
        "{\"alias\":{}}",
        "{\"schema\":\"\\u0000\"}",
    ];
    let routes = [
        ("POST", "/"),
        ("POST", "/subjects/a"),
        ("POST", "/subjects/a/versions"),
        ("POST", "/subjects/a/versions/1/tags"),
        ("POST", "/compatibility/subjects/a/versions/latest"),
        ("POST", "/compatibility/subjects/a/versions?verbose=true"),
        ("PUT", "/config"),
        ("PUT", "/config/a"),
        ("PUT", "/mode/a"),
    ];
    for (method, path) in routes {
        let mut client = server.connect().await;
        for body in bodies {
            let answer = client.ask(method, path, &[], body).await;
            let shown = &body[..body.len().min(60)];
            assert!(answer.status < 500, "{method} {path} {shown}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn many_references_to_references_are_found_once_each() {
    let server = Server::start().await;
    server.ask("PUT", "/config", r#"{"compatibility":"NONE"}"#).await;
    // Each names the one before it under ten names: ten to the power of twenty paths.
    register(&server, "s0", STRING).await;
    for level in 1..=20 {
        let references: Vec<_> = (0..10)
            .map(|name| {
                let subject = format!("s{}", level - 1);
                json!({ "name": format!("n{level}-{name}"), "subject": subject, "version": 1 })
            })
            .collect();
        let text = format!(r#"{{"type":"fixed","name":"f{level}","size":1}}"#);
        let body = json!({ "schema": text, "references": references }).to_string();
        let begun = Instant::now();
        let answer = server.ask("POST", &format!("/subjects/s{level}/versions"), &body).await;
        assert!([200, 422].contains(&answer.status), "{answer:?}");
        assert!(begun.elapsed() < SOON);
    }
    assert_eq!(server.ask("POST", "/subjects/s0", &schema(STRING)).await.status, 200);
}
