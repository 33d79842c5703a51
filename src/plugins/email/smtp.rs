//! One SMTP conversation a mail (RFC 5321), with an answer for every recipient.
//!
//! What matters here is what is known when it breaks: before the end of the data nothing was sent;
//! after it and before the answer, nobody can tell.

use std::error::Error as _;
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::{Error, response::Response};
use secrecy::ExposeSecret;
use workflows::failpoint;
use workflows::ports::ActionError;

use super::compose::Composed;
use super::{MailConfig, Sent};

/// Longest wait for a connection, TLS included.
const CONNECT_SECS_MAX: u64 = 15;
/// Longest wait for the answer to one command.
const COMMAND_SECS_MAX: u64 = 30;
/// Longest wait for the answer to the data: servers scan mails before they answer.
const DATA_SECS_MAX: u64 = 60;

/// Logs in and out again.
///
/// # Errors
/// One sentence why it does not work.
pub async fn check_login(config: &MailConfig) -> Result<(), String> {
    let mut connection = connect(config).await.map_err(|error| error.message)?;
    quit(&mut connection).await;
    Ok(())
}

/// Sends one mail.
pub(super) async fn send(config: &MailConfig, mail: Composed) -> Result<Sent, ActionError> {
    let mut connection = connect(config).await?;
    let result = converse(&mut connection, config, mail).await;
    quit(&mut connection).await;
    result
}

async fn connect(config: &MailConfig) -> Result<AsyncSmtpConnection, ActionError> {
    let host = config.url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let implicit = config.url.scheme() == "smtps";
    let port = config.url.port().unwrap_or(if implicit { 465 } else { 587 });
    let hello = ClientId::Domain(config.email.domain().to_owned());
    let tls = tls(config, &host)?;
    let wrapped = implicit.then(|| tls.clone());
    let limit = Duration::from_secs(CONNECT_SECS_MAX);
    let connecting = AsyncSmtpConnection::connect_tokio1((host.as_str(), port), Some(limit), &hello, wrapped, None);
    let mut connection = within(CONNECT_SECS_MAX, connecting).await.map_err(|why| before(&why, "no connection"))?;
    if !implicit && !config.insecure_loopback {
        if !connection.can_starttls() {
            return Err(ActionError::fail("the mail server offers no STARTTLS; nothing was sent"));
        }
        within(CONNECT_SECS_MAX, connection.starttls(tls, &hello)).await.map_err(|why| before(&why, "no STARTTLS"))?;
    }
    if let Some(password) = &config.password {
        let credentials = Credentials::new(config.email.to_string(), password.expose_secret().to_owned());
        let login = connection.auth(DEFAULT_MECHANISMS, &credentials);
        match within(COMMAND_SECS_MAX, login).await {
            Ok(_) => {}
            Err(Broken::Smtp(error)) if error.is_permanent() || error.is_client() => {
                let words = words(&error);
                return Err(ActionError::fail(format!(
                    "the mail server refused the login ({words}): check SMTP_PASSWORD"
                )));
            }
            Err(why) => return Err(before(&why, "no login")),
        }
    }
    Ok(connection)
}

fn tls(config: &MailConfig, host: &str) -> Result<TlsParameters, ActionError> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(pem) = &config.ca_pem {
        let certificate = Certificate::from_pem(pem)
            .map_err(|_| ActionError::fail("MAIL_CA_FILE holds no certificate that can be read"))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|_| ActionError::fail("TLS for the mail server cannot be set up"))
}

async fn converse(
    connection: &mut AsyncSmtpConnection,
    config: &MailConfig,
    mail: Composed,
) -> Result<Sent, ActionError> {
    let mut parameters = Vec::new();
    if !mail.bytes.is_ascii() && connection.server_info().supports_feature(Extension::EightBitMime) {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    command(connection, Mail::new(Some(config.email.clone()), parameters), "the sender").await?;
    let (mut accepted, mut refused, mut later) = (Vec::new(), Vec::new(), false);
    for recipient in &mail.recipients {
        match within(COMMAND_SECS_MAX, connection.command(Rcpt::new(recipient.clone(), Vec::new()))).await {
            Ok(_) => accepted.push(recipient.to_string()),
            Err(Broken::Smtp(error)) if error.is_permanent() || error.is_transient() => {
                later |= error.is_transient();
                refused.push((recipient.to_string(), words(&error)));
            }
            Err(why) => return Err(before(&why, "the recipients")),
        }
    }
    if accepted.is_empty() {
        let told: Vec<String> = refused.iter().map(|(address, reply)| format!("{address}: {reply}")).collect();
        let told = told.join("; ");
        return Err(if later { ActionError::retry(told) } else { ActionError::fail(told) });
    }
    command(connection, Data, "the mail").await?;
    failpoint::hit("smtp.send.before");
    let answer = within(DATA_SECS_MAX, connection.message(&mail.bytes)).await;
    failpoint::hit("smtp.send.after");
    match answer {
        Ok(_) => Ok(Sent { message_id: mail.message_id, accepted, refused }),
        Err(Broken::Smtp(error)) if error.is_permanent() => Err(ActionError::fail(words(&error))),
        Err(Broken::Smtp(error)) if error.is_transient() => Err(ActionError::retry(words(&error))),
        Err(Broken::Smtp(_)) => {
            Err(ActionError::unknown("the connection broke after the mail was handed over and before the answer came"))
        }
        Err(Broken::Late(secs)) => {
            Err(ActionError::unknown(format!("the mail was handed over, but no answer came within {secs} seconds")))
        }
    }
}

async fn command(
    connection: &mut AsyncSmtpConnection,
    command: impl std::fmt::Display,
    what: &str,
) -> Result<Response, ActionError> {
    within(COMMAND_SECS_MAX, connection.command(command)).await.map_err(|why| before(&why, what))
}

/// Says goodbye; a server that does not answer loses nothing.
async fn quit(connection: &mut AsyncSmtpConnection) {
    const QUIT_SECS_MAX: u64 = 2;
    let _answer = within(QUIT_SECS_MAX, connection.quit()).await;
}

/// How a command did not succeed.
enum Broken {
    Smtp(Error),
    Late(u64),
}

async fn within<T>(secs: u64, work: impl Future<Output = Result<T, Error>>) -> Result<T, Broken> {
    match tokio::time::timeout(Duration::from_secs(secs), work).await {
        Ok(result) => result.map_err(Broken::Smtp),
        Err(_) => Err(Broken::Late(secs)),
    }
}

/// What broke before the end of the data: certainly nothing was sent.
fn before(why: &Broken, what: &str) -> ActionError {
    match why {
        Broken::Smtp(error) if error.is_permanent() => {
            ActionError::fail(format!("the mail server refused {what}: {}", words(error)))
        }
        Broken::Smtp(error) if error.is_tls() => {
            ActionError::fail(format!("{what}: the mail server's certificate is not trusted, or it speaks no TLS"))
        }
        Broken::Smtp(error) => ActionError::retry(format!("the mail server: {what} ({})", words(error))),
        Broken::Late(secs) => ActionError::retry(format!("the mail server: {what} within {secs} seconds")),
    }
}

/// The server's own words, else the kind of trouble.
fn words(error: &Error) -> String {
    match (error.status(), error.source()) {
        (Some(code), Some(source)) => format!("{code} {source}"),
        (Some(code), None) => code.to_string(),
        (None, Some(source)) => source.to_string(),
        (None, None) => error.to_string(),
    }
}
