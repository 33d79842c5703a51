//! A server that is a program of ours to start and to end.
//!
//! It runs in a process group of its own, with nothing of our environment but `PATH`, `HOME` and
//! `LANG`; when it ends, so does whatever it started.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{ClientJsonRpcMessage, ErrorCode, ErrorData, RequestId, ServerJsonRpcMessage};
use rmcp::transport::Transport;
use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tracing::debug;

use super::limits::{GARBAGE_LINES_MAX, LEAVE_MAX, MESSAGE_BYTES_MAX, TOO_LARGE};
use super::lines::{Line, Lines, id_in};
use super::words::{self, Secrets};

/// What of our own environment a program gets.
const PASSED_ON: [&str; 3] = ["PATH", "HOME", "LANG"];
/// Longest line of its standard error that is looked at, in bytes.
const NOTE_BYTES_MAX: usize = 4 << 10;
/// Longest wait for the last words of a program that has ended: what has left its group may hold them open.
const WORDS_MAX: Duration = Duration::from_millis(500);
/// As much of a line as is logged, in characters.
const NOTE_CHARS_MAX: usize = 300;

/// A running program. Dropped, it and all it started are killed.
pub(super) struct Program {
    child: Child,
    group: Option<Pid>,
    last_words: Arc<Mutex<String>>,
    /// Reads what it says, until it and all it started are silent.
    notes: JoinHandle<()>,
}

impl Program {
    /// Starts it: the program, and the way to speak to it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(
        server: &str,
        command: &str,
        args: &[String],
        env: &BTreeMap<String, SecretString>,
        secrets: Secrets,
    ) -> std::io::Result<(Self, Pipe)> {
        let mut asked = Command::new(command);
        asked.args(args).env_clear().process_group(0).kill_on_drop(true);
        asked.envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        asked.envs(env.iter().map(|(name, value)| (name, value.expose_secret())));
        asked.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = asked.spawn()?;
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let last_words = Arc::new(Mutex::new(String::new()));
        let (input, output, notes) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(input), Some(output), Some(notes)) = (input, output, notes) else {
            return Err(std::io::Error::other("it has no standard input and output"));
        };
        let notes = tokio::spawn(note(server.to_owned(), notes, secrets, Arc::clone(&last_words)));
        Ok((Self { child, group, last_words, notes }, Pipe::new(server, output, input)))
    }

    /// Waits until it has ended by itself, its input being closed, then kills what is left of its group;
    /// the last line it wrote to its standard error, fit to be shown.
    pub(super) async fn end(mut self) -> String {
        if tokio::time::timeout(LEAVE_MAX, self.child.wait()).await.is_err() {
            self.kill();
        }
        // What it started may outlive it; the group is there as long as one of them is.
        self.kill();
        let _reaped = tokio::time::timeout(LEAVE_MAX, self.child.wait()).await;
        // All of it is written, but it may not have been read yet.
        let _silent = tokio::time::timeout(WORDS_MAX, &mut self.notes).await;
        self.last_words.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn kill(&self) {
        if let Some(group) = self.group {
            // An empty group is what is wanted.
            let _gone = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Logs what a program writes to its standard error, and keeps the last line.
async fn note(server: String, notes: impl AsyncRead + Unpin, secrets: Secrets, last_words: Arc<Mutex<String>>) {
    let mut lines = Lines::new(notes, NOTE_BYTES_MAX);
    while let Some(Line::Whole(line) | Line::Long(line)) = lines.next().await {
        let line = words::line(&secrets.hide(&String::from_utf8_lossy(&line)), NOTE_CHARS_MAX);
        if !line.is_empty() {
            debug!(server, line, "an MCP server says");
            *last_words.lock().unwrap_or_else(PoisonError::into_inner) = line;
        }
    }
}

/// Messages over standard input and output, one a line.
pub(super) struct Pipe<R = ChildStdout, W = ChildStdin> {
    server: String,
    lines: Lines<R>,
    input: Arc<tokio::sync::Mutex<Option<W>>>,
    garbage: u32,
}

impl<R: AsyncRead + Unpin, W> Pipe<R, W> {
    /// A way to speak to that server.
    pub(super) fn new(server: &str, output: R, input: W) -> Self {
        Self {
            server: server.to_owned(),
            lines: Lines::new(output, MESSAGE_BYTES_MAX),
            input: Arc::new(tokio::sync::Mutex::new(Some(input))),
            garbage: 0,
        }
    }
}

impl<R, W> Transport<RoleClient> for Pipe<R, W>
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    type Error = std::io::Error;

    fn send(
        &mut self,
        message: ClientJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let input = Arc::clone(&self.input);
        async move {
            let mut line = serde_json::to_vec(&message)?;
            line.push(b'\n');
            let mut input = input.lock().await;
            let input = input.as_mut().ok_or(std::io::ErrorKind::NotConnected)?;
            input.write_all(&line).await?;
            input.flush().await
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            match self.lines.next().await? {
                Line::Whole(line) => match serde_json::from_slice(&line) {
                    Ok(message) => {
                        self.garbage = 0;
                        return Some(message);
                    }
                    Err(_) if line.trim_ascii().is_empty() => {}
                    Err(_) => debug!(server = self.server, bytes = line.len(), "an MCP server wrote no message"),
                },
                Line::Long(head) => {
                    debug!(server = self.server, "an MCP server wrote more than it may");
                    if let Some(id) = id_in(&head) {
                        return Some(too_large(RequestId::Number(id)));
                    }
                }
            }
            self.garbage += 1;
            if self.garbage > GARBAGE_LINES_MAX {
                debug!(server = self.server, "an MCP server writes nothing but garbage");
                return None;
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        drop(self.input.lock().await.take());
        Ok(())
    }
}

/// What stands in for an answer that is larger than it may be.
pub(super) fn too_large(id: RequestId) -> ServerJsonRpcMessage {
    let what = format!("the answer is larger than {MESSAGE_BYTES_MAX} bytes");
    ServerJsonRpcMessage::error(ErrorData::new(ErrorCode(TOO_LARGE), what, None), Some(id))
}
