//! The engine of Super Manager.
pub mod action;
pub mod engine;
pub mod failpoint;
pub mod frame;
pub mod ids;
pub mod inbound;
pub mod person;
pub mod plan;
pub mod planner;
pub mod ports;
pub mod receipt;
pub mod route;
mod runner;
pub mod state;
pub mod transition;
