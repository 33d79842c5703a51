//! The house's arrows: the engine knows no platform, no SQL, no HTTP; doors know no store.

use std::process::Command;

use serde_json::Value;

fn dependencies(package: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let package = packages.iter().find(|p| p["name"] == package).expect("the package is in the workspace");
    let wanted = package["dependencies"].as_array().expect("dependencies").iter();
    wanted.filter(|d| d["kind"] != "dev").map(|d| d["name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_engine_knows_no_platform_no_sql_and_no_http() {
    let own = dependencies("workflows");
    for foreign in [
        "channels",
        "super-manager",
        "sqlx",
        "axum",
        "reqwest",
        "redis",
        "lettre",
        "async-imap",
        "teloxide",
        "serenity",
        "hyper",
    ] {
        assert!(!own.iter().any(|name| name == foreign), "workflows must not depend on {foreign}");
    }
}

#[test]
fn the_doors_know_no_store_and_no_composition_root() {
    let own = dependencies("channels");
    assert!(own.iter().any(|name| name == "workflows"));
    for foreign in ["super-manager", "sqlx", "redis"] {
        assert!(!own.iter().any(|name| name == foreign), "channels must not depend on {foreign}");
    }
}
