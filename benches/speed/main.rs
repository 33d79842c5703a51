//! How fast and how small: prints ratios measured in one run, and fails nothing.
//!
//! `cargo bench` runs it; `benches/README.md` holds the figures.

#[path = "../../tests/it/fake_http.rs"]
mod fake_http;
#[path = "../../tests/it/fake_telegram/mod.rs"]
mod fake_telegram;
mod machine;
mod models;
mod parked;
#[path = "../../tests/it/port.rs"]
mod port;
mod telegram;
mod turns;

/// One line of the report.
struct Line {
    what: &'static str,
    measured: String,
    target: &'static str,
    reached: bool,
}

impl Line {
    fn new(what: &'static str, measured: String, target: &'static str, reached: bool) -> Self {
        Self { what, measured, target, reached }
    }
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut lines = Vec::new();
    runtime.block_on(async {
        lines.extend(turns::measure().await);
        lines.extend(parked::measure().await);
        lines.extend(telegram::measure().await);
        lines.extend(models::measure().await);
    });
    lines.extend(machine::measure());
    for line in lines {
        let mark = if line.reached { "ok " } else { "NOT" };
        println!("{mark} | {:<52} | {:<34} | {}", line.what, line.measured, line.target);
    }
}
