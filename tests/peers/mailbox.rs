//! A mailbox read over IMAP with TLS.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_imap::Session;
use futures_util::TryStreamExt;
use mail_parser::{MessageParser, MimeHeaders};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longest wait for a mail to arrive.
const ARRIVAL: Duration = Duration::from_secs(20);

/// A mail as it was kept.
#[derive(Debug)]
pub(crate) struct Mail {
    raw: String,
    /// The text, decoded.
    pub(crate) text: String,
    /// The calendar part, decoded.
    pub(crate) calendar: Option<String>,
    /// What the calendar part asks for.
    pub(crate) method: Option<String>,
}

impl Mail {
    fn read(raw: &[u8]) -> Self {
        let message = MessageParser::default().parse(raw).expect("a mail");
        let part = message.parts.iter().find(|part| {
            part.content_type().is_some_and(|kind| kind.ctype() == "text" && kind.subtype() == Some("calendar"))
        });
        Self {
            raw: String::from_utf8_lossy(raw).into_owned(),
            text: message.body_text(0).unwrap_or_default().into_owned(),
            calendar: part.and_then(|part| part.text_contents()).map(str::to_owned),
            method: part.and_then(|part| part.content_type()?.attribute("method")).map(str::to_owned),
        }
    }

    /// A header's text, unfolded.
    pub(crate) fn header(&self, name: &str) -> String {
        let head = self.raw.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ").replace("\r\n\t", " ");
        let line = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{}:", name.to_lowercase())));
        line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    }
}

/// An open mailbox.
pub(crate) struct Mailbox(Session<TlsStream<TcpStream>>);

impl Mailbox {
    pub(crate) async fn open(port: u16, ca: &str, user: &str, password: &str) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        let ca = CertificateDer::from_pem_file(ca).expect("a certificate");
        roots.add(ca).expect("a trust root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        let name = ServerName::try_from("localhost").expect("a name");
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("TLS");
        let mut client = async_imap::Client::new(stream);
        client.read_response().await.expect("a greeting");
        let mut session = client.login(user, password).await.map_err(|(error, _)| error).expect("a login");
        session.select("INBOX").await.expect("an inbox");
        Self(session)
    }

    async fn all(&mut self) -> Vec<Vec<u8>> {
        // The state of the mailbox is looked at anew.
        self.0.noop().await.expect("an answer");
        let fetched = self.0.fetch("1:*", "BODY.PEEK[]").await.expect("an answer");
        // An empty mailbox has no 1:*.
        let fetched: Vec<_> = fetched.try_collect().await.unwrap_or_default();
        fetched.iter().filter_map(|mail| mail.body().map(<[u8]>::to_vec)).collect()
    }

    /// How many mails have this Message-ID.
    pub(crate) async fn count(&mut self, message_id: &str) -> usize {
        self.all().await.iter().filter(|raw| Mail::read(raw).header("Message-ID") == message_id).count()
    }

    /// Waits for the mail with this Message-ID.
    pub(crate) async fn wait_for(&mut self, message_id: &str) -> Mail {
        let deadline = Instant::now() + ARRIVAL;
        loop {
            if let Some(mail) =
                self.all().await.iter().map(|raw| Mail::read(raw)).find(|mail| mail.header("Message-ID") == message_id)
            {
                return mail;
            }
            assert!(Instant::now() < deadline, "{message_id} never arrived");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
