//! A registry on a port of its own, and a client that hides nothing of HTTP.

use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tidegate_broker::config::KafkaSettings;
use tidegate_broker::{
    Broker, BrokerParts, Clock, OffsetStorageKind, Schemas, SchemasSettings, Validation,
};
use tidegate_log::MemoryStore;
use tidegate_metrics::{Format, Text};
use tidegate_model::{BatchBuilder, BatchHeader, Record};
use tidegate_registry::{HttpSettings, Registry, RegistryServer, RegistrySettings, Users};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How long a test waits for an answer before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Two schemas.
pub const STRING: &str = "\"string\"";
pub const INT: &str = "\"int\"";

/// The body that registers or looks up an Avro schema.
pub fn schema(text: &str) -> String {
    json!({ "schema": text }).to_string()
}

/// Registers an Avro schema and tells its id.
pub async fn register(server: &Server, subject: &str, text: &str) -> i64 {
    let path = format!("/subjects/{subject}/versions");
    let answer = server.ask("POST", &path, &schema(text)).await;
    answer.json()["id"].as_i64().unwrap_or_else(|| panic!("not registered: {answer:?}"))
}

/// A registry that listens.
pub struct Server {
    pub address: SocketAddr,
    server: RegistryServer,
    broker: Arc<Broker>,
}

impl Server {
    pub async fn start() -> Self {
        Self::with(RegistrySettings::default(), HttpSettings::default(), None).await
    }

    pub async fn with(
        settings: RegistrySettings,
        http: HttpSettings,
        users: Option<Users>,
    ) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let broker = Broker::open(BrokerParts {
            store: Arc::new(MemoryStore::new()),
            settings: Arc::new(KafkaSettings::default()),
            offset_storage: OffsetStorageKind::Log,
            node_id: 1,
            clock: Clock::system(),
            validation: Validation::default(),
        });
        let broker = broker.await.expect("an empty store opens");
        let schemas = Schemas::open(broker.clone(), SchemasSettings::default()).await;
        let schemas = schemas.expect("there is no topic yet");
        let registry = Arc::new(Registry::new(schemas, settings));
        let server = RegistryServer::start(socket, registry, users, http).expect("it is bound");
        Server { address: server.address(), server, broker }
    }

    /// One request on a connection of its own.
    pub async fn ask(&self, method: &str, path: &str, body: &str) -> Response {
        self.connect().await.ask(method, path, &[], body).await
    }

    pub async fn get(&self, path: &str) -> Response {
        self.ask("GET", path, "").await
    }

    pub async fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).await.expect("the registry listens");
        Client { stream, received: Vec::new() }
    }

    /// Appends a record to `_schemas`, as another registry does. The topic must be there.
    pub async fn produce(&self, key: &Value, value: &Value) {
        let topic = self.broker.topics().by_name("_schemas").expect("the topic is there");
        let (key, value) = (key.to_string(), value.to_string());
        let mut builder = BatchBuilder::new();
        builder.push(&Record::new(5, Some(key.as_bytes()), Some(value.as_bytes())));
        let mut batch = builder.finish().expect("there is a record");
        let header = BatchHeader::parse(&batch).expect("it is a batch");
        let appended = topic.partitions[0].append(header, &mut batch, 5, None);
        appended.expect("it is appended").commit.await.expect("it is durable");
    }

    pub fn metrics(&self) -> String {
        let mut text = Text::new(Format::Plain);
        self.server.metrics()(&mut text);
        text.finish()
    }

    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// `error_code` of an error.
    pub fn code(&self) -> u64 {
        self.json()["error_code"].as_u64().unwrap_or_else(|| panic!("no error: {self:?}"))
    }

    pub fn message(&self) -> String {
        let json = self.json();
        json["message"].as_str().unwrap_or_else(|| panic!("no error: {self:?}")).to_owned()
    }
}

/// A connection.
pub struct Client {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Client {
    /// Sends a request and reads its answer.
    pub async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: test\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() || method == "POST" || method == "PUT" {
            head += &format!("content-length: {}\r\n", body.len());
        }
        self.send(format!("{head}\r\n{body}").as_bytes()).await;
        self.answer(method != "HEAD").await.expect("the registry answers")
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the registry reads");
    }

    /// Sends what the registry may not want to read.
    pub async fn try_send(&mut self, bytes: &[u8]) {
        // A connection that was closed meanwhile is what the test is about.
        self.stream.write_all(bytes).await.ok();
    }

    /// Nothing more is sent.
    pub async fn finish(&mut self) {
        self.stream.shutdown().await.ok();
    }

    /// The next answer; `None` when the connection was closed.
    pub async fn answer(&mut self, has_body: bool) -> Option<Response> {
        tokio::time::timeout(PATIENCE, self.read_answer(has_body)).await.expect("in time")
    }

    async fn read_answer(&mut self, has_body: bool) -> Option<Response> {
        let head = loop {
            match self.received.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(end) => break self.received.drain(..end + 4).collect::<Vec<u8>>(),
                None => self.more().await?,
            }
        };
        let head = String::from_utf8(head).expect("a head is text");
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let status = status.and_then(|status| status.parse().ok()).expect("a status");
        let header = |line: &str| {
            line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        let headers: Vec<(String, String)> = lines.filter_map(header).collect();
        let mut response = Response { status, headers, body: String::new() };
        let length =
            response.header("content-length").map_or(0, |length| length.parse().expect("a number"));
        if has_body {
            while self.received.len() < length {
                self.more().await?;
            }
            let body = self.received.drain(..length).collect();
            response.body = String::from_utf8(body).expect("bodies are text");
        }
        Some(response)
    }

    async fn more(&mut self) -> Option<()> {
        let mut buffer = [0; 16 << 10];
        match self.stream.read(&mut buffer).await {
            Ok(0) | Err(_) => None,
            Ok(read) => {
                self.received.extend_from_slice(&buffer[..read]);
                Some(())
            }
        }
    }
}
