//! Reads the command line and the configuration, does what is asked, and says how it went.

use std::error::Error;
use std::process::ExitCode;

use clap::Parser as _;
use super_manager::cli::{Cli, Command};
use super_manager::config::{self, Config};
use super_manager::{app, backup, doctor, telemetry};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Something that is configured does not work, or what was asked did not happen.
const FAILED: u8 = 1;
/// The configuration is faulty.
const FAULTY: u8 = 2;

fn main() -> ExitCode {
    // Before anything opens a TLS connection.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("error: a TLS provider is installed already");
        return ExitCode::from(FAILED);
    }
    let cli = Cli::parse();
    let config = match config::load(cli.config.as_deref()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(FAULTY);
        }
    };
    telemetry::init();
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(perform(cli.command.unwrap_or(Command::Serve), config)));
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", chain(&*error));
            ExitCode::from(FAILED)
        }
    }
}

async fn perform(command: Command, config: Config) -> Result<ExitCode, Box<dyn Error>> {
    match command {
        Command::Serve => {
            let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
            app::serve(config, stopped(terminate, interrupt)).await?;
        }
        Command::Doctor => {
            let report = doctor::examine(&config).await;
            print!("{}", report.text);
            return Ok(if report.healthy { ExitCode::SUCCESS } else { ExitCode::from(FAILED) });
        }
        Command::Migrate => {
            let count = app::migrate(&config).await?;
            println!("{} is up to date with {count} migrations", config.database.display());
        }
        Command::Backup { file } => {
            backup::backup(&config, &file).await?;
            println!("backed up to {}", file.display());
        }
        Command::Restore { file } => {
            backup::restore(&config, &file)?;
            println!("restored into {}", config.data_dir.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Comes back when the process is asked to stop.
async fn stopped(mut terminate: Signal, mut interrupt: Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// An error with all its causes, one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some errors repeat their cause in their own text.
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
