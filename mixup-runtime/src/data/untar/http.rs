//! One request for a file, or for the rest of it.

use std::{error::Error, io, time::Duration};

use ureq::{
    Agent, BodyReader, Timeout,
    http::{HeaderMap, Response, header},
    tls::{RootCerts, TlsConfig},
};

/// How often a server may redirect.
pub(super) const REDIRECTS: u32 = 10;

/// The client.
pub(super) struct Http {
    agent: Agent,
    timeout: Duration,
}

/// A server's answer.
pub(super) enum Answer {
    Bytes(Rest),
    /// Any other status than 200 and 206.
    Status(u16),
}

/// The rest of a file.
pub(super) struct Rest {
    /// Where in the file it begins.
    pub(super) from: u64,
    /// How many bytes the whole file has, if the server says it.
    pub(super) total: Option<u64>,
    /// What the server calls this version of the file.
    pub(super) version: Option<String>,
    pub(super) body: BodyReader<'static>,
}

/// Why there is no answer.
pub(super) enum Fault {
    /// There is no connection.
    Unreachable(Box<dyn Error + Send + Sync>),
    /// The connection was cut, or nothing came for too long.
    Cut(Box<dyn Error + Send + Sync>),
    Redirects,
}

impl Http {
    /// A client that gives up if connecting takes longer than `timeout`, or if nothing comes for so long.
    pub(super) fn new(timeout: Duration) -> Self {
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(REDIRECTS)
            .timeout_resolve(Some(timeout))
            .timeout_connect(Some(timeout))
            .timeout_recv_response(Some(timeout))
            .timeout_per_read(Some(timeout))
            .timeout_per_write(Some(timeout))
            .user_agent(concat!("mixup/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.into(), timeout }
    }

    /// Asks for a file from byte `from` on. With a `version`, the server sends the whole file if it has another version by now.
    pub(super) fn get(&self, address: &str, from: u64, version: Option<&str>) -> Result<Answer, Fault> {
        let mut request = self.agent.get(address);
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
            if let Some(version) = version {
                request = request.header(header::IF_RANGE, version);
            }
        }
        let response = request.call().map_err(|error| self.fault(error))?;
        Ok(answer(response))
    }

    /// What an error while an answer is awaited means.
    fn fault(&self, error: ureq::Error) -> Fault {
        match error {
            ureq::Error::TooManyRedirects => Fault::Redirects,
            ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => Fault::Unreachable(self.silence()),
            ureq::Error::Timeout(_) => Fault::Cut(self.silence()),
            ureq::Error::Io(error) if is_cut(error.kind()) => Fault::Cut(error.into()),
            ureq::Error::Io(error) => Fault::Unreachable(error.into()),
            error @ (ureq::Error::Protocol(_) | ureq::Error::BodyStalled) => Fault::Cut(error.into()),
            other => Fault::Unreachable(other.into()),
        }
    }

    /// Why a body could not be read to its end.
    pub(super) fn cut(&self, error: io::Error) -> Box<dyn Error + Send + Sync> {
        match ureq::Error::from(error) {
            ureq::Error::Timeout(_) => self.silence(),
            ureq::Error::Io(error) => error.into(),
            other => other.into(),
        }
    }

    fn silence(&self) -> Box<dyn Error + Send + Sync> {
        format!("nothing came for {} s", self.timeout.as_secs_f64()).into()
    }

    /// How long to wait before the next attempt.
    pub(super) fn pause(&self, attempt: u32) -> Duration {
        self.timeout / 100 * 2_u32.saturating_pow(attempt)
    }
}

fn is_cut(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, TimedOut, UnexpectedEof, WouldBlock};
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | TimedOut | UnexpectedEof | WouldBlock)
}

fn answer(response: Response<ureq::Body>) -> Answer {
    let headers = response.headers();
    let (from, total) = match response.status().as_u16() {
        200 => (0, number(text(headers, &header::CONTENT_LENGTH))),
        206 => match text(headers, &header::CONTENT_RANGE).and_then(range) {
            Some(range) => range,
            // A part of which it is not known which one.
            None => return Answer::Status(206),
        },
        other => return Answer::Status(other),
    };
    // A weak tag may stay the same while the bytes change.
    let version = text(headers, &header::ETAG).filter(|tag| !tag.starts_with("W/")).map(str::to_owned);
    Answer::Bytes(Rest { from, total, version, body: response.into_body().into_reader() })
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn number(text: Option<&str>) -> Option<u64> {
    text?.trim().parse().ok()
}

/// The first byte, and the length of the whole file: "bytes 500-999/1000".
fn range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((number(Some(first))?, number(Some(total))))
}
