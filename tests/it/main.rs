//! The whole service, as a process, with strict stand-ins for the other side.

mod arrows;
mod crash;
mod fake_smtp;
mod faults;
mod jobs;
mod service;
