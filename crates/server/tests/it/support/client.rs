//! A small HTTP/1.1 client that sends exactly what a test says, on kept connections.

use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request. The client adds `Host` and, with a body, `Content-Length` unless given.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Connections to one server. Any number of calls may run concurrently.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    idle: Mutex<Vec<TcpStream>>,
}

fn request(method: &str, path: impl Into<String>) -> Request {
    Request { method: method.into(), path: path.into(), headers: Vec::new(), body: Vec::new() }
}

pub fn get(path: impl Into<String>) -> Request {
    request("GET", path)
}

pub fn post(path: impl Into<String>, body: &Value) -> Request {
    request("POST", path).json(body)
}

pub fn patch(path: impl Into<String>, body: &Value) -> Request {
    request("PATCH", path).json(body)
}

pub fn delete(path: impl Into<String>) -> Request {
    request("DELETE", path)
}

impl Request {
    /// A request with any method and no body.
    pub fn new(method: &str, path: impl Into<String>) -> Self {
        request(method, path)
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds a secret key.
    pub fn key(self, key: &str) -> Self {
        self.header("x-api-key", key)
    }

    /// Adds a portal token.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw_json(body.to_string())
    }

    /// Adds a body declared as JSON.
    pub fn raw_json(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", "application/json")
    }

    fn encode(&self) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        let has = |name: &str| self.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
        if !has("host") {
            text += "Host: test\r\n";
        }
        let bodied = !self.body.is_empty() || self.method == "POST" || self.method == "PATCH";
        if bodied && !has("content-length") && !has("transfer-encoding") {
            text += &format!("Content-Length: {}\r\n", self.body.len());
        }
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        let mut bytes = (text + "\r\n").into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, idle: Mutex::default() }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a request and reads the response; panics if there is none.
    pub async fn call(&self, request: Request) -> Answer {
        self.try_call(request).await.unwrap()
    }

    /// Sends a request and reads the response.
    pub async fn try_call(&self, request: Request) -> std::io::Result<Answer> {
        let bytes = request.encode();
        let kept = self.idle.lock().unwrap().pop();
        if let Some(stream) = kept {
            // A server may close an idle connection at any time. Nothing of the request was read
            // then, so a new connection sends it.
            if let Ok(answer) = self.exchange(stream, &bytes).await {
                return Ok(answer);
            }
        }
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        self.exchange(stream, &bytes).await
    }

    async fn exchange(&self, mut stream: TcpStream, bytes: &[u8]) -> std::io::Result<Answer> {
        stream.write_all(bytes).await?;
        let (answer, close) = read_answer(&mut stream).await?;
        if !close {
            self.idle.lock().unwrap().push(stream);
        }
        Ok(answer)
    }
}

/// Reads one response; returns whether the connection ends with it.
pub async fn read_answer(stream: &mut TcpStream) -> std::io::Result<(Answer, bool)> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer { status, headers, body: bytes.split_off(head_end) };
    let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
    while answer.body.len() < length {
        if stream.read_buf(&mut answer.body).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    let close = answer.header("connection") == Some("close");
    Ok((answer, close))
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// Returns a member of the body as text.
    pub fn text(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.json())).into()
    }

    /// Asserts the status and returns the response.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// Asserts a well-formed problem with this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        let body = answer.json();
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["status"], status);
        assert_eq!(body["requestId"].as_str(), answer.header("x-request-id"));
        assert!(
            body["title"].is_string() && body["detail"].is_string() && body["type"].is_string()
        );
        answer
    }
}
