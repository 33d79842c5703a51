//! The whole service, as a process, with strict stand-ins for the other side.

mod arrows;
mod birthday;
mod booking;
mod contacts;
mod crash;
mod deliveries;
mod each_action;
mod fake_http;
mod fake_mcp;
mod fake_smtp;
mod fake_telegram;
mod fake_telegram_tests;
mod fake_web;
mod fake_web_tests;
mod faults;
mod hostile;
mod jobs;
mod mcp;
mod meeting;
mod memory;
mod overload;
mod recovery;
mod search;
mod service;
mod telegram;
mod travel;
