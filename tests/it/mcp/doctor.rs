//! `doctor` and a faulty file.

use serde_json::json;

use super::setup;
use crate::fake_mcp::FakeMcp;
use crate::service::Setup;

fn doctor(setup: &Setup) -> (Option<i32>, String) {
    let output = setup.command().arg("doctor").output().expect("doctor runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), said)
}

#[test]
fn doctor_says_what_each_server_offers_and_what_is_wrong_with_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let (good, ill) = (FakeMcp::new(dir.path(), "good"), FakeMcp::new(dir.path(), "ill"));
    let mut listed = good.entry(&json!({}));
    listed["read"] = json!(["echo", "nothing"]);
    let servers = json!({"good": listed, "off": {"command": "nowhere", "disabled": true}});
    let (code, said) = doctor(&setup(dir.path(), &servers));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("on   mcp good") && said.contains("16 tools"), "{said}");
    assert!(said.contains("remote: its schema refers to another document"), "{said}");
    assert!(said.contains("no good name: its name is not"), "{said}");
    assert!(said.contains("nothing: listed under read, but not offered"), "{said}");
    assert!(said.contains("off  mcp off"), "{said}");

    ill.fault("down");
    let servers = json!({"ill": ill.entry(&json!({"TOKEN": "canary-secret"})), "none": {"command": "/nowhere/at-all"},
        "closed": {"url": "http://127.0.0.1:9/mcp?key=canary-secret"}});
    let (code, said) = doctor(&setup(dir.path(), &servers));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("BAD  mcp ill") && said.contains("I am not well today"), "{said}");
    assert!(said.contains("BAD  mcp none") && said.contains("cannot be started"), "{said}");
    assert!(said.contains("BAD  mcp closed") && said.contains("no connection can be made"), "{said}");
    assert!(!said.contains("canary"), "{said}");
}

#[test]
fn a_faulty_file_is_told_whole_with_exit_code_2() {
    let dir = tempfile::tempdir().expect("a directory");
    let servers =
        json!({"Bad": {"command": "x"}, "a": {"url": "ftp://canary-secret"}, "b": {"command": "x", "cwd": "/"}});
    let (code, said) = doctor(&setup(dir.path(), &servers));
    assert_eq!(code, Some(2), "{said}");
    for wanted in ["mcpServers.Bad", "mcpServers.a.url", "mcpServers.b.cwd"] {
        assert!(said.contains(wanted), "{said}");
    }
    assert!(!said.contains("canary"), "{said}");
    let missing = Setup::new(dir.path(), "").with("MCP_CONFIG", "/nowhere/mcp.json");
    let (code, said) = doctor(&missing);
    assert!(code == Some(2) && said.contains("/nowhere/mcp.json cannot be read"), "{said}");
}
