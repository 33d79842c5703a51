//! A stand-in for an MCP server, over standard input and output or over HTTP.
//!
//! It lives in a folder: `tools.json` is what it offers, `ledger` what was done, and files by the name
//! of a fault make it faulty. A server over standard input is this test program itself, started with
//! [`serve`] as its only test.

pub(crate) mod http;
mod stdio;
mod tools;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// The variable that names a stand-in's folder to it.
const FOLDER: &str = "STAND_IN_FOLDER";

/// The stand-in's folder, and what a test does to it.
pub(crate) struct FakeMcp {
    folder: PathBuf,
}

impl FakeMcp {
    /// A stand-in in a folder of that name, with the usual tools.
    pub(crate) fn new(dir: &Path, name: &str) -> Self {
        let fake = Self { folder: dir.join(name) };
        std::fs::create_dir_all(&fake.folder).expect("a folder");
        std::fs::write(fake.folder.join("ledger"), "").expect("a ledger");
        fake.offer(&tools::usual());
        fake
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// From now on it offers these tools, and says so when it is told to [`FakeMcp::announce`].
    pub(crate) fn offer(&self, tools: &[Value]) {
        let part = self.folder.join("tools.part");
        std::fs::write(&part, json!(tools).to_string()).expect("tools");
        std::fs::rename(part, self.folder.join("tools.json")).expect("tools");
    }

    /// The usual tools, changed by hand.
    pub(crate) fn usual() -> Vec<Value> {
        tools::usual()
    }

    /// It tells that its tools have changed.
    pub(crate) fn announce(&self) {
        self.fault("announce");
    }

    /// It is faulty in that way until [`FakeMcp::mend`].
    pub(crate) fn fault(&self, name: &str) {
        std::fs::write(self.folder.join(name), "").expect("a mark");
    }

    pub(crate) fn mend(&self, name: &str) {
        std::fs::remove_file(self.folder.join(name)).expect("the mark was there");
    }

    /// Every call that was taken: the tool and its arguments.
    pub(crate) fn ledger(&self) -> Vec<(String, Value)> {
        let text = std::fs::read_to_string(self.folder.join("ledger")).expect("a ledger");
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of it"));
        lines.map(|line| (line["tool"].as_str().unwrap_or_default().to_owned(), line["args"].clone())).collect()
    }

    /// Its entry in `mcpServers`, as a program with that much more in its environment.
    pub(crate) fn entry(&self, env: &Value) -> Value {
        let program = std::env::current_exe().expect("this program");
        let mut all = json!({FOLDER: self.folder});
        if let (Some(all), Some(env)) = (all.as_object_mut(), env.as_object()) {
            all.extend(env.clone());
        }
        json!({"command": program, "args": ["--exact", "fake_mcp::serve", "--nocapture", "--quiet"], "env": all})
    }
}

/// Writes a configuration of these servers; its path.
pub(crate) fn config(dir: &Path, servers: &Value) -> String {
    let file = dir.join("mcp.json");
    std::fs::write(&file, json!({"mcpServers": servers}).to_string()).expect("a file");
    file.to_str().expect("a plain path").to_owned()
}

/// Whether the folder has that mark.
fn is_faulty(folder: &Path, name: &str) -> bool {
    folder.join(name).exists()
}

/// Notes a call before anything else is done about it.
fn note(folder: &Path, tool: &str, args: &Value) {
    let mut ledger = std::fs::File::options().append(true).open(folder.join("ledger")).expect("a ledger");
    writeln!(ledger, "{}", json!({"tool": tool, "args": args})).expect("a line");
}

/// Not a test of its own: what a stand-in over standard input runs. Without a folder it does nothing.
#[test]
fn serve() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        stdio::serve(Path::new(&folder));
    }
}
