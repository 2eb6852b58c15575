//! HTTP/1.1 over one socket that is kept open: what a request needs, and no more.

use anyhow::{Context, Result, bail, ensure};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Where a registry is: its address, and the path that all requests begin with.
#[derive(Clone, Debug)]
pub struct Target {
    pub address: String,
    pub prefix: String,
}

impl Target {
    /// Takes `http://host:port/path` apart.
    pub fn parse(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("http://").context("the URL must begin with http://")?;
        let (address, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let prefix = prefix.trim_end_matches('/');
        Ok(Self { address: address.to_owned(), prefix: prefix.to_owned() })
    }

    /// The bytes of a request without a body.
    pub fn get(&self, path: &str) -> Vec<u8> {
        self.head("GET", path, "\r\n").into_bytes()
    }

    /// The bytes of a request with a JSON body.
    pub fn with_body(&self, method: &str, path: &str, body: &serde_json::Value) -> Vec<u8> {
        let body = body.to_string();
        let more = format!(
            "Content-Type: application/vnd.schemaregistry.v1+json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.head(method, path, &more).into_bytes()
    }

    fn head(&self, method: &str, path: &str, more: &str) -> String {
        let Self { address, prefix } = self;
        format!(
            "{method} {prefix}{path} HTTP/1.1\r\nHost: {address}\r\nAccept: application/vnd.schemaregistry.v1+json\r\n{more}"
        )
    }
}

/// One connection, with the buffer that its answers are read into.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(target: &Target) -> Result<Self> {
        let stream = TcpStream::connect(&target.address).await.context(target.address.clone())?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 << 10) })
    }

    /// Sends a request and waits for its answer, whose body is given if the status is 200.
    pub async fn ask(&mut self, request: &[u8]) -> Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let (head, length) = loop {
            if let Some(end) = memmem::find(&self.buffer, b"\r\n\r\n") {
                break (end + 4, length_of(&self.buffer[..end])?);
            }
            self.read_more().await?;
        };
        let body = match length {
            Length::Known(length) => {
                while self.buffer.len() < head + length {
                    self.read_more().await?;
                }
                ensure!(self.buffer.len() == head + length, "more bytes than the answer has");
                head..head + length
            }
            Length::Chunked => head..self.unchunk(head).await?,
        };
        let status = self.buffer.get(9..12).context("no status line")?;
        if status != b"200" {
            let line = String::from_utf8_lossy(request);
            bail!(
                "{} was answered with {}",
                line.lines().next().unwrap_or_default(),
                String::from_utf8_lossy(&self.buffer)
            );
        }
        Ok(&self.buffer[body])
    }

    /// Moves the chunks behind `head` together; the answer is where they end.
    async fn unchunk(&mut self, head: usize) -> Result<usize> {
        let (mut read, mut written) = (head, head);
        loop {
            let Some(line) = memmem::find(&self.buffer[read..], b"\r\n") else {
                self.read_more().await?;
                continue;
            };
            let digits = std::str::from_utf8(&self.buffer[read..read + line])?;
            let size = usize::from_str_radix(digits.trim(), 16).context("a chunk's size")?;
            let begin = read + line + 2;
            while self.buffer.len() < begin + size + 2 {
                self.read_more().await?;
            }
            if size == 0 {
                return Ok(written);
            }
            self.buffer.copy_within(begin..begin + size, written);
            written += size;
            read = begin + size + 2;
        }
    }

    async fn read_more(&mut self) -> Result<()> {
        ensure!(
            self.stream.read_buf(&mut self.buffer).await? > 0,
            "the registry closed the connection"
        );
        Ok(())
    }
}

enum Length {
    Known(usize),
    Chunked,
}

fn length_of(head: &[u8]) -> Result<Length> {
    for line in std::str::from_utf8(head)?.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            return Ok(Length::Known(value.trim().parse()?));
        }
        if name.eq_ignore_ascii_case("transfer-encoding")
            && value.trim().eq_ignore_ascii_case("chunked")
        {
            return Ok(Length::Chunked);
        }
    }
    bail!("an answer without a length")
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// What a client reads of these bytes, each of them written on its own.
    fn body_of(answer: &'static str) -> Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let target = Target { address: listener.local_addr()?.to_string(), prefix: String::new() };
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            stream.set_nodelay(true).expect("a socket");
            let _ = stream.read(&mut [0; 1024]).expect("a request");
            for byte in answer.bytes() {
                stream.write_all(&[byte]).expect("room for a byte");
            }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let body = runtime.block_on(async {
            let mut connection = Connection::open(&target).await?;
            let body = connection.ask(&target.get("/subjects")).await?;
            anyhow::Ok(String::from_utf8(body.to_vec())?)
        });
        server.join().expect("the server's thread");
        body
    }

    #[test]
    fn answer_with_a_length_is_read_to_its_end() {
        let answer = "HTTP/1.1 200 OK\r\ncontent-LENGTH: 5\r\n\r\n[1,2]";
        assert_eq!(body_of(answer).expect("a body"), "[1,2]");
    }

    #[test]
    fn answer_in_chunks_is_read_to_its_end() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let answer = format!("{head}3\r\n[1,\r\nA\r\n22,3333,4]\r\n0\r\n\r\n");
        assert_eq!(body_of(answer.leak()).expect("a body"), "[1,22,3333,4]");
    }

    #[test]
    fn refusal_is_an_error_with_its_words() {
        let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone";
        let error = body_of(answer).expect_err("a refusal").to_string();
        assert!(error.contains("GET /subjects") && error.contains("none"), "{error}");
    }

    #[test]
    fn url_is_an_address_and_a_prefix() {
        let target = Target::parse("http://127.0.0.1:80/apis/ccompat/v7/").expect("a URL");
        assert_eq!(
            (target.address.as_str(), target.prefix.as_str()),
            ("127.0.0.1:80", "/apis/ccompat/v7")
        );
        assert_eq!(Target::parse("http://127.0.0.1:80").expect("a URL").prefix, "");
        assert!(Target::parse("127.0.0.1:80").is_err());
    }
}
