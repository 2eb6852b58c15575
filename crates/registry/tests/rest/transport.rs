//! What holds for every route: types, methods, limits, users, and what a hostile peer can send.

use crate::client::Server;
use std::time::{Duration, Instant};
use tidegate_registry::{HttpSettings, RegistrySettings, Users, user_line};
use tokio::net::TcpStream;

const V1: &str = "application/vnd.schemaregistry.v1+json";

/// Puts all timers forward, so that no test takes as long as it says.
async fn advance(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn the_root_answers_an_empty_object() {
    let server = Server::start().await;
    for (method, body) in [("GET", ""), ("POST", "{\"a\":\"b\"}")] {
        let answer = server.ask(method, "/", body).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
        assert_eq!(answer.header("content-type"), Some(V1));
    }
    let types = server.get("/schemas/types").await;
    assert_eq!(types.body, r#"["JSON","PROTOBUF","AVRO"]"#);
    let id = server.get("/v1/metadata/id").await.json();
    assert_eq!(id["scope"]["clusters"]["schema-registry-cluster"], "schema-registry");
    let deployment = server.get("/v1/metadata/deployment").await;
    assert_eq!(deployment.body, r#"{"attributes":["opensource"]}"#);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_refused_in_confluents_words() {
    let server = Server::start().await;
    let nothing = server.get("/nothing/here").await;
    assert_eq!(
        (nothing.status, nothing.body.as_str()),
        (404, r#"{"error_code":404,"message":"HTTP 404 Not Found"}"#)
    );
    for path in ["/exporters", "/associations/x", "/dek-registry/v1/keks", "/subjects//versions"] {
        assert_eq!(server.get(path).await.code(), 404, "{path}");
    }
    let method = server.ask("DELETE", "/schemas/types", "").await;
    assert_eq!(method.body, r#"{"error_code":405,"message":"HTTP 405 Method Not Allowed"}"#);
    assert_eq!(method.header("allow"), Some("GET, HEAD, OPTIONS"));
    let options = server.ask("OPTIONS", "/schemas/types", "").await;
    assert_eq!((options.status, options.header("allow")), (200, Some("GET, HEAD, OPTIONS")));
    assert_eq!(server.get("/subjects/%zz").await.code(), 400);
    assert_eq!(
        server.get("/contexts/a:b/subjects").await.message(),
        "Context name cannot contain a colon"
    );
}

#[tokio::test]
async fn types_are_negotiated() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    let answer = client.ask("GET", "/", &[("accept", "application/json")], "").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let answer = client.ask("GET", "/", &[("accept", "text/html")], "").await;
    assert_eq!((answer.status, answer.message().as_str()), (406, "HTTP 406 Not Acceptable"));
    let answer = client.ask("POST", "/", &[("content-type", "text/plain")], "{}").await;
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (415, "HTTP 415 Unsupported Media Type")
    );
    for kind in [V1, "application/json; charset=utf-8", "application/octet-stream"] {
        let answer = client.ask("POST", "/", &[("content-type", kind)], "{}").await;
        assert_eq!(answer.status, 200, "{kind}");
    }
}

#[tokio::test]
async fn requests_that_come_all_at_once_are_answered_in_their_order() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    let one = "GET /schemas/types HTTP/1.1\r\nhost: x\r\n\r\n";
    let other = "GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n";
    client.send([one, other, one].concat().as_bytes()).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(client.answer(true).await.expect("it is kept open").status);
    }
    assert_eq!(statuses, [200, 404, 200]);
    let head = client.ask("HEAD", "/schemas/types", &[], "").await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("26")));
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_413_and_is_not_read() {
    let http = HttpSettings { body_bytes_max: 1_000, ..HttpSettings::default() };
    let server = Server::with(RegistrySettings::default(), http, None).await;
    let fits = server.ask("POST", "/", &" ".repeat(1_000)).await;
    assert_eq!(fits.status, 200);
    let mut client = server.connect().await;
    client.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n").await;
    let refused = client.answer(true).await.expect("an answer");
    assert_eq!((refused.status, refused.code()), (413, 413));
    let mut client = server.connect().await;
    client.send(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await;
    client.send(format!("{:x}\r\n{}\r\n", 2_000, "x".repeat(2_000)).as_bytes()).await;
    assert_eq!(client.answer(true).await.expect("an answer").status, 413);
    assert!(client.answer(true).await.is_none(), "the rest of the body is nobody's request");
}

#[tokio::test]
async fn bodies_share_a_memory_and_one_that_gets_none_in_time_is_503() {
    let http = HttpSettings {
        body_bytes_max: 4_096,
        bodies_bytes_max: 4_096,
        idle_max: Duration::from_secs(60),
        ..HttpSettings::default()
    };
    let server = Server::with(RegistrySettings::default(), http, None).await;
    let chunk = format!("400\r\n{}\r\n", " ".repeat(1_024));
    let mut chunked = server.connect().await;
    chunked.send(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await;
    chunked.send(chunk.as_bytes()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    // The second body has its time for half of it longer than the first.
    advance(Duration::from_secs(30)).await;
    // The announced length takes the rest of the memory before it has come.
    let mut announced = server.connect().await;
    announced.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3000\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    chunked.send(format!("{chunk}0\r\n\r\n").as_bytes()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    advance(Duration::from_secs(30)).await;
    let refused = chunked.answer(true).await.expect("an answer");
    assert_eq!((refused.status, refused.code()), (503, 503));
    assert!(chunked.answer(true).await.is_none(), "the rest of the body is nobody's request");
    announced.send(" ".repeat(3_000).as_bytes()).await;
    assert_eq!(announced.answer(true).await.expect("an answer").status, 200);
    assert_eq!(server.ask("POST", "/", &" ".repeat(4_096)).await.status, 200, "all came back");
}

#[tokio::test]
async fn a_head_or_a_body_that_does_not_come_ends_the_connection() {
    let idle_max = Duration::from_secs(1);
    let http = HttpSettings { idle_max, ..HttpSettings::default() };
    let server = Server::with(RegistrySettings::default(), http, None).await;
    let mut silent = server.connect().await;
    let mut slow_head = server.connect().await;
    slow_head.send(b"GET / HTTP/1.1\r\nhos").await;
    let mut slow_body = server.connect().await;
    slow_body.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n{").await;
    assert!(silent.answer(true).await.is_none());
    assert!(slow_head.answer(true).await.is_none_or(|answer| answer.status == 408));
    assert_eq!(slow_body.answer(true).await.expect("an answer").status, 408);
    assert_eq!(server.get("/").await.status, 200, "others are served");
}

#[tokio::test]
async fn hostile_heads_do_not_hurt_anybody_else() {
    let server = Server::start().await;
    let heads: Vec<Vec<u8>> = vec![
        format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(1 << 20)).into_bytes(),
        format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a/".repeat(1 << 18)).into_bytes(),
        "GET / HTTP/1.1\r\n"
            .to_owned()
            .into_bytes()
            .into_iter()
            .chain("x: y\r\n".repeat(10_000).bytes())
            .collect(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"GET http://[ HTTP/1.1\r\n\r\n".to_vec(),
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n".to_vec(),
        b"POST / HTTP/1.1\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}".to_vec(),
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_vec(),
        b"\r\n\r\n\r\n".to_vec(),
    ];
    let begun = Instant::now();
    for head in heads {
        let mut client = server.connect().await;
        // The registry may hang up while it is still being written to.
        let sent = tokio::spawn(async move {
            client.try_send(&head).await;
            client.finish().await;
            client.answer(true).await.map(|answer| answer.status)
        });
        if let Ok(Some(status)) = sent.await {
            assert!((400..500).contains(&status), "{status}");
        }
        assert_eq!(server.get("/").await.status, 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn with_users_only_they_are_answered() {
    let line = user_line("anna", "secret").expect("it can be hashed");
    let users = Users::parse(&line).expect("it is valid");
    let server =
        Server::with(RegistrySettings::default(), HttpSettings::default(), Some(users)).await;
    let refused = server.get("/").await;
    assert_eq!(
        (refused.status, refused.body.as_str()),
        (401, r#"{"error_code":401,"message":"Unauthorized"}"#)
    );
    assert_eq!(refused.header("www-authenticate"), Some("Basic realm=\"SchemaRegistry\""));
    let mut client = server.connect().await;
    // anna:secret, then anna:wrong
    for (credentials, status) in [("Basic YW5uYTpzZWNyZXQ=", 200), ("Basic YW5uYTp3cm9uZw==", 401)]
    {
        let answer = client.ask("GET", "/", &[("authorization", credentials)], "").await;
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn other_pages_may_read_answers_only_if_a_setting_says_so() {
    let origin = [("origin", "http://a"), ("access-control-request-method", "POST")];
    let server = Server::start().await;
    let answer = server.connect().await.ask("OPTIONS", "/", &origin, "").await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let http = HttpSettings { allowed_origins: vec!["*".to_owned()], ..HttpSettings::default() };
    let server = Server::with(RegistrySettings::default(), http, None).await;
    let answer = server.connect().await.ask("OPTIONS", "/", &origin, "").await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (204, Some("http://a"))
    );
    let answer = server.connect().await.ask("GET", "/nothing", &origin[..1], "").await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (404, Some("http://a"))
    );
}

#[tokio::test]
async fn the_document_and_the_metrics_know_every_route() {
    let server = Server::start().await;
    let document = server.get("/openapi.json").await.json();
    assert_eq!(document["paths"]["/schemas/types"]["get"]["operationId"], "getSchemaTypes");
    server.get("/nothing").await;
    let metrics = server.metrics();
    let line =
        "tidegate_registry_requests_total{method=\"GET\",route=\"/openapi.json\",code=\"200\"} 1\n";
    assert!(metrics.contains(line), "{metrics}");
    assert!(metrics.contains("{method=\"none\",route=\"none\",code=\"404\"} 1\n"), "{metrics}");
}

#[tokio::test]
async fn stopping_answers_what_is_in_flight_and_closes_the_rest() {
    let server = Server::start().await;
    let mut idle = server.connect().await;
    assert_eq!(idle.ask("GET", "/", &[], "").await.status, 200);
    let mut busy = server.connect().await;
    busy.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let stopped = tokio::spawn(server.stop());
    assert!(idle.answer(true).await.is_none());
    busy.send(b"}").await;
    assert_eq!(busy.answer(true).await.expect("an answer").status, 200);
    stopped.await.expect("it stops");
}

#[tokio::test]
async fn a_stop_refuses_new_connections_and_cuts_off_those_that_do_not_end() {
    let server = Server::start().await;
    let address = server.address;
    let mut busy = server.connect().await;
    busy.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let stopped = tokio::spawn(server.stop());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!stopped.is_finished(), "a request is in flight");
    assert!(TcpStream::connect(address).await.is_err(), "nobody would answer");
    // It is given more than 5 s, and less than a body may take.
    advance(Duration::from_secs(6)).await;
    stopped.await.expect("it stops");
    busy.try_send(b"}").await;
    assert!(busy.answer(true).await.is_none(), "it was cut off");
}
