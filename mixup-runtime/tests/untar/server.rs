//! A small server of files on this machine, which can misbehave in all the ways that servers and networks do.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub path: String,
    /// The first byte of a `Range`.
    pub from: Option<usize>,
    /// The version that a `Range` is for.
    pub if_range: Option<String>,
}

/// What the server does with a request.
pub enum Reply {
    /// The file, from where it was asked for.
    File(Vec<u8>),
    /// The whole file, whatever was asked for.
    Whole(Vec<u8>),
    /// As `File`, but the connection is closed after some bytes.
    Cut(Vec<u8>, usize),
    /// As `File`, but nothing comes after some bytes, and the connection stays.
    Stalled(Vec<u8>, usize),
    /// The file, without its length.
    Unmeasured(Vec<u8>),
    /// Nothing, ever.
    Silence,
    /// An error.
    Status(u16),
    Redirect(String),
}

pub struct Server {
    pub address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Serves until the tests end. `reply` is given each request and its number.
    pub fn new(reply: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("it has one"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (known, reply) = (Arc::clone(&requests), Arc::new(reply));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (known, reply) = (Arc::clone(&known), Arc::clone(&reply));
                thread::spawn(move || {
                    let Some(request) = read(&stream) else { return };
                    let number = {
                        let mut all = known.lock().expect("nobody panics");
                        all.push(request.clone());
                        all.len() - 1
                    };
                    // A client that has read enough may close the connection.
                    let _ = answer(stream, &request, reply(&request, number));
                });
            }
        });
        Self { address, requests }
    }

    /// The address of a file.
    pub fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("nobody panics").clone()
    }

    /// The first byte of each request, where one was given.
    pub fn ranges(&self) -> Vec<Option<usize>> {
        self.requests().into_iter().map(|request| request.from).collect()
    }
}

/// An address at which nobody listens.
pub fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    format!("http://{}", listener.local_addr().expect("it has one"))
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let mut request = Request { path, from: None, if_range: None };
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ")?;
        match name.to_ascii_lowercase().as_str() {
            "range" => request.from = value.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok(),
            "if-range" => request.if_range = Some(value.to_owned()),
            _ => {}
        }
    }
    Some(request)
}

fn answer(mut stream: TcpStream, request: &Request, reply: Reply) -> std::io::Result<()> {
    let from = request.from.unwrap_or(0);
    match reply {
        Reply::Status(status) => {
            write!(stream, "HTTP/1.1 {status} Something\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
        Reply::Redirect(to) => {
            write!(stream, "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
        Reply::Unmeasured(bytes) => {
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            stream.write_all(&bytes)
        }
        Reply::Whole(bytes) => part(&mut stream, &bytes, 0, usize::MAX),
        Reply::File(bytes) if from >= bytes.len() && from > 0 => answer(stream, request, Reply::Status(416)),
        Reply::File(bytes) => part(&mut stream, &bytes, from, usize::MAX),
        Reply::Cut(bytes, after) => part(&mut stream, &bytes, from, after),
        Reply::Stalled(bytes, after) => {
            part(&mut stream, &bytes, from, after)?;
            wait(&stream)
        }
        Reply::Silence => wait(&stream),
    }
}

/// Sends a file from a byte on, and stops after some bytes.
fn part(stream: &mut TcpStream, bytes: &[u8], from: usize, after: usize) -> std::io::Result<()> {
    let (all, rest) = (bytes.len(), &bytes[from..]);
    match from {
        0 => write!(stream, "HTTP/1.1 200 OK\r\n")?,
        _ => write!(stream, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{}/{all}\r\n", all - 1)?,
    }
    write!(stream, "ETag: \"v1\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", rest.len())?;
    stream.write_all(&rest[..rest.len().min(after)])
}

/// Keeps a connection until the client closes it.
fn wait(stream: &TcpStream) -> std::io::Result<()> {
    std::io::copy(&mut &*stream, &mut std::io::sink()).map(drop)
}
