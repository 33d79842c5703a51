//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// A self-hosted assistant that does what it is asked: it plans, asks, shows what it will do, does
/// it once you say yes, and reports from receipts.
#[derive(Debug, Parser)]
#[command(name = "super-manager", version, about)]
pub struct Cli {
    /// A TOML file with the same keys as the environment.
    #[arg(long, global = true, env = "SUPER_MANAGER_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// What to do; `serve` when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What can be done.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Run the service.
    Serve,
    /// Check whether everything that is configured works; says what is on, what is off and why.
    ///
    /// Exit code 0 when everything configured works, 1 when something does not, 2 for a faulty configuration.
    Doctor,
    /// Bring the database to this program's form, then stop.
    Migrate,
    /// Write database, uploads and keys into one file; works beside a running service.
    Backup {
        /// The tar file to write; must not exist.
        file: PathBuf,
    },
    /// Fill an empty data directory from a backup.
    Restore {
        /// The tar file to read.
        file: PathBuf,
    },
}
