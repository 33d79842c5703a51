//! What the service can do.

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};
use workflows::action::{ActionSpec, Catalog};

use super::Answered;
use crate::http::auth::Reader;
use crate::http::state::{HttpState, PluginInfo};

/// Every plugin with its actions, and why it is off when it is.
#[utoipa::path(get, path = "/api/plugins/", tag = "plugins",
    responses((status = 200, description = "Plugins", body = Value)))]
pub(crate) async fn list(State(state): State<HttpState>, Reader(_caller): Reader) -> Answered {
    let catalog = state.desk.catalog();
    let mut names: Vec<&str> = state.config.plugins.iter().map(|plugin| plugin.name.as_str()).collect();
    for spec in catalog.iter() {
        if !names.contains(&spec.plugin()) {
            names.push(spec.plugin());
        }
    }
    let plugins: Vec<Value> = names.iter().map(|name| shown(name, &state.config.plugins, &catalog)).collect();
    Ok(Json(json!({"plugins": plugins})))
}

fn shown(name: &str, known: &[PluginInfo], catalog: &Catalog) -> Value {
    let specs: Vec<&ActionSpec> = catalog.iter().filter(|spec| spec.plugin() == name).collect();
    let enabled = specs.iter().any(|spec| spec.unavailable.is_none());
    let description = known.iter().find(|plugin| plugin.name == name).map(|plugin| plugin.description.as_str());
    let mut shown = Map::new();
    shown.insert("name".to_owned(), json!(name));
    shown.insert("description".to_owned(), json!(description.unwrap_or_default()));
    shown.insert("capabilities".to_owned(), specs.iter().map(|spec| json!(spec.name)).collect());
    shown.insert("enabled".to_owned(), json!(enabled));
    let off = known.iter().find(|plugin| plugin.name == name).and_then(|plugin| plugin.off.as_ref());
    let reason = specs.iter().find_map(|spec| spec.unavailable.as_ref()).or(off);
    if let Some(reason) = reason.filter(|_| !enabled) {
        shown.insert("reason".to_owned(), json!(reason));
    }
    Value::Object(shown)
}

/// The full names of all actions that can be used now.
#[utoipa::path(get, path = "/api/plugins/capabilities", tag = "plugins",
    responses((status = 200, description = "Action names", body = Value)))]
pub(crate) async fn capabilities(State(state): State<HttpState>, Reader(_caller): Reader) -> Answered {
    let catalog = state.desk.catalog();
    let usable = catalog.iter().filter(|spec| spec.unavailable.is_none());
    Ok(Json(json!({"capabilities": usable.map(|spec| spec.name.as_str()).collect::<Vec<_>>()})))
}
