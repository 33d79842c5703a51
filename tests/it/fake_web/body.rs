//! The bodies of answers, whole or in pieces, and what goes wrong in them.

use std::io::Result;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;

use super::http::{cut, title};
use super::{Answer, Fault};
use crate::fake_http::Response;

/// How much a huge body has over its own.
pub(super) const HUGE_BYTES: usize = 50 * 1024 * 1024;
/// How much of a huge body is written at once.
const PIECE_BYTES: usize = 64 * 1024;

/// A body that is written as it is made, without a length in the head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stream {
    /// Its pieces, each a chunk of its own.
    pub(crate) pieces: Vec<Piece>,
    /// The time before each piece.
    pub(crate) pause: Duration,
}

/// A piece of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// What it holds.
    pub(crate) bytes: Vec<u8>,
    /// How often it comes.
    pub(crate) times: u64,
}

impl From<Vec<u8>> for Piece {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, times: 1 }
    }
}

impl Answer {
    /// An answer whose body comes in pieces.
    pub(crate) fn streamed(response: Response, stream: Stream) -> Self {
        Self { response, stream: Some(stream), violations: Vec::new() }
    }

    /// The body in one, each piece of it once.
    fn body(&self) -> Vec<u8> {
        let pieces = self.stream.iter().flat_map(|stream| &stream.pieces);
        pieces.fold(self.response.body.clone(), |body, piece| [body.as_slice(), &piece.bytes].concat())
    }

    /// The first half of the body.
    fn half(&self) -> Vec<u8> {
        let mut body = self.body();
        body.truncate(body.len() / 2);
        body
    }

    fn set_body(&mut self, body: Vec<u8>) {
        match &mut self.stream {
            Some(stream) => stream.pieces = vec![body.into()],
            None => self.response.body = body,
        }
    }

    /// Writes it.
    pub(super) async fn write(&self, write: &mut OwnedWriteHalf) -> Result<()> {
        let Some(stream) = &self.stream else { return self.response.write(write, false).await };
        let mut out = Out::begin(self, self.response.body.len(), write).await?;
        for piece in &stream.pieces {
            for _ in 0..piece.times {
                if !stream.pause.is_zero() {
                    tokio::time::sleep(stream.pause).await;
                }
                out.put(&piece.bytes).await?;
            }
        }
        out.end().await
    }
}

/// An answer on its way.
struct Out<'a> {
    write: &'a mut OwnedWriteHalf,
    chunked: bool,
}

impl<'a> Out<'a> {
    /// Writes the head: of so many bytes, or of a stream.
    async fn begin(answer: &Answer, length: usize, write: &'a mut OwnedWriteHalf) -> Result<Self> {
        Self::begin_as(answer, answer.stream.is_none().then_some(length), write).await
    }

    async fn begin_as(answer: &Answer, length: Option<usize>, write: &'a mut OwnedWriteHalf) -> Result<Self> {
        write.write_all(&answer.response.head(length)).await?;
        write.flush().await?;
        Ok(Self { write, chunked: length.is_none() })
    }

    async fn put(&mut self, piece: &[u8]) -> Result<()> {
        if !self.chunked {
            self.write.write_all(piece).await?;
        } else if !piece.is_empty() {
            let size = format!("{:x}\r\n", piece.len());
            self.write.write_all(&[size.as_bytes(), piece, b"\r\n"].concat()).await?;
        }
        self.write.flush().await
    }

    async fn end(self) -> Result<()> {
        if self.chunked {
            self.write.write_all(b"0\r\n\r\n").await?;
        }
        self.write.flush().await
    }
}

/// What becomes of the answer to a request that was done; `None` when it is written already.
pub(super) async fn done(fault: Fault, mut answer: Answer, write: &mut OwnedWriteHalf) -> Result<Option<Answer>> {
    match fault {
        Fault::EmptyBody => answer.set_body(Vec::new()),
        Fault::WrongType => answer.response = answer.response.with("Content-Type", "text/html; charset=utf-8"),
        Fault::BadJson => answer.set_body(answer.half()),
        Fault::DoneThenPage(status) => return Ok(Some(Response::html(status, title(status)).into())),
        Fault::DoneThenHang => std::future::pending().await,
        Fault::DoneThenCut => return cut(),
        Fault::HeadThenHang => {
            Out::begin(&answer, answer.body().len(), write).await?;
            std::future::pending::<()>().await;
        }
        Fault::Truncated => {
            Out::begin(&answer, answer.body().len(), write).await?.put(&answer.half()).await?;
            return cut();
        }
        Fault::HalfThenHang => {
            Out::begin(&answer, answer.body().len(), write).await?.put(&answer.half()).await?;
            std::future::pending::<()>().await;
        }
        Fault::Drip { bytes, every } => {
            drip(&answer, bytes, every, write).await?;
            return Ok(None);
        }
        Fault::Huge { declared } => {
            huge(&answer, declared, write).await?;
            return Ok(None);
        }
        Fault::Nothing
        | Fault::TooMany { .. }
        | Fault::Answer(_)
        | Fault::ServerError
        | Fault::Page(_)
        | Fault::Delay(_)
        | Fault::Hang
        | Fault::Cut
        | Fault::Redirect(_)
        | Fault::RedirectAs(..) => unreachable!("what these ask for is not done here"),
    }
    Ok(Some(answer))
}

async fn drip(answer: &Answer, bytes: usize, every: Duration, write: &mut OwnedWriteHalf) -> Result<()> {
    let body = answer.body();
    let mut out = Out::begin(answer, body.len(), write).await?;
    for piece in body.chunks(bytes.max(1)) {
        tokio::time::sleep(every).await;
        out.put(piece).await?;
    }
    out.end().await
}

async fn huge(answer: &Answer, declared: bool, write: &mut OwnedWriteHalf) -> Result<()> {
    let blanks = vec![b' '; PIECE_BYTES];
    let body = answer.body();
    let declared = declared && answer.stream.is_none();
    let mut out = Out::begin_as(answer, declared.then_some(body.len() + HUGE_BYTES), write).await?;
    out.put(&body).await?;
    for _ in 0..HUGE_BYTES / PIECE_BYTES {
        out.put(&blanks).await?;
    }
    out.end().await
}
