//! A strict SMTP server with a ledger, for tests.
//!
//! It speaks RFC 5321 as a careful server does, refuses what one refuses, and fails on demand. The
//! ledger is the judge: a mail is in it once the server has taken responsibility for it, whether
//! or not its answer arrived.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Longest line of a command or of text, in bytes (RFC 5321, 4.5.3.1).
const LINE_BYTES_MAX: usize = 1_000;

/// A mail that the server took.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// Who sent it.
    pub(crate) from: String,
    /// Who gets it.
    pub(crate) to: Vec<String>,
    /// Its Message-ID, with brackets.
    pub(crate) message_id: String,
    /// Header and body, dots unstuffed.
    pub(crate) data: String,
}

/// How the server misbehaves at the end of one mail's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterData {
    /// Takes the mail and closes without an answer.
    TakeAndClose,
    /// Closes without taking it.
    LoseAndClose,
    /// Takes it and never answers.
    TakeAndHang,
    /// Answers 451.
    Later,
}

#[derive(Default)]
struct State {
    ledger: Vec<Delivery>,
    refused: HashMap<String, String>,
    greylisted: HashMap<String, u32>,
    after_data: VecDeque<AfterData>,
    hang_at_connect: bool,
    password: Option<String>,
    violations: Vec<String>,
}

/// The running server.
#[derive(Clone)]
pub(crate) struct FakeSmtp {
    addr: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl FakeSmtp {
    /// Starts it on a free port of loopback.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let server = Self { addr: listener.local_addr().expect("an address"), state: Arc::default() };
        let own = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                tokio::spawn(async move {
                    // A client that goes away ends its conversation.
                    let _gone = own.converse(stream).await;
                });
            }
        });
        server
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("smtp://{}", self.addr)
    }

    /// The mails it took.
    pub(crate) fn ledger(&self) -> Vec<Delivery> {
        self.state().ledger.clone()
    }

    /// What clients did against the rules.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }

    /// Refuses an address with these words.
    pub(crate) fn refuse(&self, address: &str, reply: &str) {
        self.state().refused.insert(address.to_owned(), reply.to_owned());
    }

    /// Answers 451 for an address the first `times` times.
    pub(crate) fn greylist(&self, address: &str, times: u32) {
        self.state().greylisted.insert(address.to_owned(), times);
    }

    /// What happens at the end of the next mail's data.
    pub(crate) fn after_next_data(&self, fault: AfterData) {
        self.state().after_data.push_back(fault);
    }

    /// Takes connections and says nothing.
    pub(crate) fn hang_at_connect(&self) {
        self.state().hang_at_connect = true;
    }

    /// Wants this password.
    pub(crate) fn require_password(&self, password: &str) {
        self.state().password = Some(password.to_owned());
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }

    async fn converse(&self, stream: TcpStream) -> std::io::Result<()> {
        if self.state().hang_at_connect {
            std::future::pending::<()>().await;
        }
        let mut talk = Talk { stream: BufReader::new(stream) };
        talk.say("220 fake.test ESMTP").await?;
        let (mut greeted, mut logged_in) = (false, self.state().password.is_none());
        let mut mail: Option<(String, Vec<String>)> = None;
        while let Some(line) = talk.line().await? {
            let upper = line.to_ascii_uppercase();
            let verb = upper.split([' ', ':']).next().unwrap_or_default().to_owned();
            match verb.as_str() {
                "EHLO" | "HELO" => {
                    greeted = true;
                    let auth = if self.state().password.is_some() { "250-AUTH PLAIN\r\n" } else { "" };
                    talk.say(&format!("250-fake.test\r\n{auth}250-8BITMIME\r\n250 SIZE 26214400")).await?;
                }
                "AUTH" => {
                    let sent = line.split(' ').nth(2).unwrap_or_default();
                    logged_in = self.state().password.as_deref().is_none_or(|p| plain_has(sent, p));
                    talk.say(if logged_in { "235 2.7.0 welcome" } else { "535 5.7.8 authentication failed" }).await?;
                }
                "MAIL" if !greeted || mail.is_some() => talk.say("503 5.5.1 out of order").await?,
                "MAIL" if !logged_in => talk.say("530 5.7.0 authentication required").await?,
                "MAIL" => match path(&line) {
                    Some(from) => {
                        mail = Some((from, Vec::new()));
                        talk.say("250 2.1.0 ok").await?;
                    }
                    None => talk.say("501 5.5.4 syntax").await?,
                },
                "RCPT" => match (&mut mail, path(&line)) {
                    (Some((_, to)), Some(address)) => {
                        let reply = self.recipient(&address);
                        if reply.starts_with("250") {
                            to.push(address);
                        }
                        talk.say(&reply).await?;
                    }
                    (None, _) => talk.say("503 5.5.1 out of order").await?,
                    (Some(_), None) => talk.say("501 5.5.4 syntax").await?,
                },
                "DATA" => match mail.take() {
                    Some((from, to)) if !to.is_empty() => {
                        talk.say("354 go on").await?;
                        let Some(data) = talk.data().await? else { return Ok(()) };
                        if !self.end_of_data(&mut talk, from, to, data).await? {
                            return Ok(());
                        }
                    }
                    Some(_) | None => talk.say("503 5.5.1 no valid recipients").await?,
                },
                "RSET" => {
                    mail = None;
                    talk.say("250 2.0.0 ok").await?;
                }
                "NOOP" => talk.say("250 2.0.0 ok").await?,
                "QUIT" => return talk.say("221 2.0.0 bye").await,
                _ => talk.say("500 5.5.2 unknown command").await?,
            }
        }
        Ok(())
    }

    fn recipient(&self, address: &str) -> String {
        let mut state = self.state();
        if let Some(reply) = state.refused.get(address) {
            return reply.clone();
        }
        match state.greylisted.get_mut(address) {
            Some(times) if *times > 0 => {
                *times -= 1;
                "451 4.7.1 greylisted, try again later".to_owned()
            }
            Some(_) | None => "250 2.1.5 ok".to_owned(),
        }
    }

    /// Takes the mail, or fails as told; whether the conversation goes on.
    async fn end_of_data(
        &self,
        talk: &mut Talk,
        from: String,
        to: Vec<String>,
        data: Vec<u8>,
    ) -> std::io::Result<bool> {
        let fault = self.state().after_data.pop_front();
        let data = match check(data) {
            Ok(data) => data,
            Err(why) => {
                self.state().violations.push(why.clone());
                talk.say(&format!("554 5.6.0 {why}")).await?;
                return Ok(true);
            }
        };
        let message_id = header(&data, "Message-ID").unwrap_or_default();
        let take = || self.state().ledger.push(Delivery { from, to, message_id, data: data.clone() });
        match fault {
            None => {
                take();
                talk.say("250 2.0.0 queued").await?;
                Ok(true)
            }
            Some(AfterData::TakeAndClose) => {
                take();
                Ok(false)
            }
            Some(AfterData::LoseAndClose) => Ok(false),
            Some(AfterData::TakeAndHang) => {
                take();
                std::future::pending::<()>().await;
                Ok(false)
            }
            Some(AfterData::Later) => {
                talk.say("451 4.3.0 try again later").await?;
                Ok(true)
            }
        }
    }
}

struct Talk {
    stream: BufReader<TcpStream>,
}

impl Talk {
    async fn say(&mut self, text: &str) -> std::io::Result<()> {
        self.stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).await
    }

    /// One line without its end; `None` when the client has gone.
    async fn line(&mut self) -> std::io::Result<Option<String>> {
        let mut bytes = Vec::new();
        self.stream.read_until(b'\n', &mut bytes).await?;
        if bytes.is_empty() || bytes.len() > LINE_BYTES_MAX {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned()))
    }

    /// The data up to the dot alone on its line, dots unstuffed; `None` when the client has gone.
    async fn data(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut all = Vec::new();
        loop {
            let mut line = Vec::new();
            self.stream.read_until(b'\n', &mut line).await?;
            if line.is_empty() {
                return Ok(None);
            }
            if line == b".\r\n" {
                return Ok(Some(all));
            }
            all.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
    }
}

/// What RFC 5321 and 5322 want of a message.
fn check(data: Vec<u8>) -> Result<String, String> {
    if data.windows(2).any(|pair| pair[1] == b'\n' && pair[0] != b'\r') {
        return Err("a bare line feed".to_owned());
    }
    if data.split(|byte| *byte == b'\n').any(|line| line.len() > LINE_BYTES_MAX) {
        return Err("a line is too long".to_owned());
    }
    let text = String::from_utf8(data).map_err(|_| "not valid text".to_owned())?;
    for name in ["Message-ID", "Date", "From", "Subject"] {
        let count = headers(&text).filter(|(found, _)| found.eq_ignore_ascii_case(name)).count();
        if count != 1 {
            return Err(format!("{count} headers {name}"));
        }
    }
    Ok(text)
}

fn headers(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split("\r\n\r\n").next().unwrap_or_default().lines().filter_map(|line| line.split_once(':'))
}

/// The value of a header.
pub(crate) fn header(text: &str, name: &str) -> Option<String> {
    headers(text).find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
}

fn path(line: &str) -> Option<String> {
    let start = line.find('<')?;
    let end = line[start..].find('>')? + start;
    Some(line[start + 1..end].to_owned())
}

/// Whether the answer to AUTH PLAIN holds this password (`\0user\0password`, base64).
fn plain_has(sent: &str, password: &str) -> bool {
    let mut bits = 0_u32;
    let mut count = 0_u32;
    let mut bytes = Vec::new();
    for c in sent.bytes().filter(|c| *c != b'=') {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).expect("one byte"));
        }
    }
    bytes.rsplit(|byte| *byte == 0).next().is_some_and(|last| last == password.as_bytes())
}
