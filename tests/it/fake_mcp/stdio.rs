//! The stand-in over standard input and output.

use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::tools::{Deed, deed};

fn say(message: &Value) {
    let mut out = std::io::stdout().lock();
    // Whoever no longer listens is no reason to fail.
    let _gone = writeln!(out, "{message}").and_then(|()| out.flush());
}

/// Tells that the tools have changed, each time it is asked to.
fn announce(folder: PathBuf) {
    std::thread::spawn(move || {
        loop {
            if std::fs::remove_file(folder.join("announce")).is_ok() {
                say(&json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    });
}

/// Serves until its input is closed, and ends the process.
pub(super) fn serve(folder: &Path) {
    if super::is_faulty(folder, "down") {
        eprintln!("I am not well today");
        std::process::exit(3);
    }
    announce(folder.to_owned());
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
        let Some(method) = message["method"].as_str().filter(|_| !message["id"].is_null()) else { continue };
        if super::is_faulty(folder, "mute") {
            continue;
        }
        if message["params"]["name"] == "garbage" {
            for n in 0..200 {
                println!("garbage {n} \u{1b}[31m {{\"jsonrpc\": 5");
            }
            say(&json!({"jsonrpc": "2.0", "id": 987_654, "result": {"content": []}}));
            say(&json!({"jsonrpc": "2.0", "method": "notifications/none", "params": {"x": [1, 2]}}));
        }
        match deed(folder, method, &message["params"]) {
            Deed::Answer(result) => say(&json!({"jsonrpc": "2.0", "id": message["id"], "result": result})),
            Deed::Refuse(code, text) => {
                say(&json!({"jsonrpc": "2.0", "id": message["id"], "error": {"code": code, "message": text}}));
            }
            Deed::Silence => {}
            Deed::Break => std::process::exit(4),
        }
    }
    std::process::exit(0);
}
