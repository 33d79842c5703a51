//! The `super-manager` program: reads the command line and the configuration, and runs.

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use super_manager::cli::{Cli, Command};
use super_manager::config::{self, Config};
use super_manager::store::sqlite::Db;
use super_manager::{app, backup, doctor, telemetry};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Installed once, first thing: every TLS connection uses it.
    let _first = rustls::crypto::ring::default_provider().install_default();
    telemetry::start();
    let config = match config::load(cli.config.as_deref()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("the runtime cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli.command.unwrap_or(Command::Serve), &config)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command, config: &Config) -> Result<ExitCode, Box<dyn Error>> {
    match command {
        Command::Serve => {
            let service = app::build(config).await?;
            println!("{}", service.welcome);
            service.run(stop_signal()).await?;
        }
        Command::Doctor => {
            let report = doctor::examine(config).await;
            print!("{}", report.text);
            return Ok(if report.healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Migrate => {
            std::fs::create_dir_all(&config.data_dir)?;
            let (done, _) = Db::open(&config.database).await?.migrations().await?;
            println!("the database has {done} migrations");
        }
        Command::Backup { file } => {
            backup::backup(config, &file).await?;
            println!("{} is written", file.display());
        }
        Command::Restore { file } => {
            backup::restore(config, &file)?;
            println!("{} is restored into {}", file.display(), config.data_dir.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits for an interrupt or a termination.
async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => drop(interrupt.await),
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = error.source();
    }
    text
}
