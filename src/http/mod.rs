//! REST, WebSocket and web pages.
//!
//! Owns authentication, the API's shapes on the wire and its limits. Decides nothing about tasks:
//! every request becomes one event for the engine, or a look into a store.

pub mod auth;
pub mod body;
pub mod error;
mod finish;
pub mod hub;
pub mod metrics;
mod pages;
mod query;
pub mod routes;
mod socket;
pub mod state;
mod streams;
#[cfg(test)]
mod tests;
pub mod upload;
pub mod wait;

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use hub::Hub;
pub use state::{Doors, Health, HttpConfig, HttpState, Linked, PluginInfo};

/// What the generated document says about the whole.
#[derive(OpenApi)]
#[openapi(info(
    title = "Super Manager",
    description = "Plain words in, confirmed and receipted actions out. Errors are {detail, code, request_id}."
))]
struct Document;

fn api() -> OpenApiRouter<HttpState> {
    use routes::{access, agent, contacts, health, mcp, me, photos, plugins, session, tasks};
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(agent::process))
        .routes(routes!(agent::select))
        .routes(routes!(agent::confirm))
        .routes(routes!(agent::prompts))
        .routes(routes!(photos::add))
        .routes(routes!(tasks::list, tasks::run))
        .routes(routes!(tasks::get))
        .routes(routes!(tasks::cancel))
        .routes(routes!(tasks::undo))
        .routes(routes!(tasks::events))
        .routes(routes!(session::sign_in, session::sign_out))
        .routes(routes!(access::tokens, access::make_token))
        .routes(routes!(access::revoke))
        .routes(routes!(access::link))
        .routes(routes!(access::invite))
        .routes(routes!(contacts::list, contacts::add))
        .routes(routes!(contacts::import))
        .routes(routes!(contacts::get, contacts::put, contacts::delete))
        .routes(routes!(contacts::groups))
        .routes(routes!(me::me))
        .routes(routes!(me::settings, me::change_settings))
        .routes(routes!(me::events))
        .routes(routes!(plugins::list))
        .routes(routes!(plugins::capabilities))
        .routes(routes!(mcp::tools))
        .routes(routes!(mcp::allow))
        .routes(routes!(health::health))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::status))
        .routes(routes!(health::metrics))
}

/// The generated OpenAPI document.
pub fn document(version: &str) -> utoipa::openapi::OpenApi {
    secured(api().split_for_parts().1, version)
}

fn secured(mut document: utoipa::openapi::OpenApi, version: &str) -> utoipa::openapi::OpenApi {
    version.clone_into(&mut document.info.version);
    let components = document.components.get_or_insert_default();
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(auth::COOKIE)));
    components.add_security_scheme("token", bearer);
    components.add_security_scheme("session", cookie);
    let none: [&str; 0] = [];
    document.security = Some(vec![SecurityRequirement::new("token", none), SecurityRequirement::new("session", none)]);
    document
}

/// Every route. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`: the sign-in
/// limit counts per address.
pub fn router(state: HttpState) -> Router {
    let (routes, document) = api().split_for_parts();
    let document = secured(document, &state.config.version);
    routes
        // The same under the spellings that existing clients use.
        .route("/api/task/{id}", get(routes::tasks::get))
        .route("/api/tasks/", get(routes::tasks::list).post(routes::tasks::run))
        .route("/api/plugins", get(routes::plugins::list))
        .route("/ws/{user_id}", get(socket::open))
        .route("/api/openapi.json", get(async move || Json(document)))
        .merge(pages::router())
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(DefaultBodyLimit::max(body::BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(state.clone(), auth::origin::guard))
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn_with_state(state.clone(), metrics::count))
        .layer(middleware::from_fn_with_state(state.clone(), finish::finish))
        .with_state(state)
}

/// `/metrics` alone and open, for the listener at `METRICS_ADDR`.
pub fn metrics_router(state: HttpState) -> Router {
    Router::new().route("/metrics", get(routes::health::open_metrics)).with_state(state)
}
