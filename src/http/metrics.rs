//! Counters in the Prometheus text format (version 0.0.4).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::state::HttpState;

/// Upper bounds of the request time's buckets, in milliseconds.
const BUCKETS_MILLIS: [u64; 9] = [5, 10, 25, 50, 100, 250, 1_000, 5_000, 30_000];

#[derive(Debug, Default, Clone)]
struct Series {
    count: u64,
    buckets: [u64; BUCKETS_MILLIS.len()],
    micros: u64,
}

/// What is counted. Labels are route patterns, methods and statuses, so their number is bounded.
#[derive(Debug, Default)]
pub struct Metrics {
    requests: Mutex<BTreeMap<(String, String, u16), Series>>,
    sockets: AtomicI64,
    frames: AtomicU64,
}

impl Metrics {
    /// Counts one answered request.
    pub fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let series = requests.entry((method.to_owned(), route.to_owned(), status)).or_default();
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        series.count += 1;
        series.micros = series.micros.saturating_add(micros);
        for (bucket, limit) in series.buckets.iter_mut().zip(BUCKETS_MILLIS) {
            *bucket += u64::from(micros <= limit * 1_000);
        }
    }

    /// Counts a WebSocket as open until the guard is dropped.
    pub fn socket(self: &std::sync::Arc<Self>) -> OpenSocket {
        self.sockets.fetch_add(1, Ordering::Relaxed);
        OpenSocket(std::sync::Arc::clone(self))
    }

    /// Counts one frame sent.
    pub fn frame(&self) {
        self.frames.fetch_add(1, Ordering::Relaxed);
    }

    /// Everything as text, with how much waits in the queue.
    pub fn render(&self, queue_depth: u64) -> String {
        let mut text = String::from("# TYPE http_requests_total counter\n");
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for ((method, route, status), series) in &requests {
            let labels = format!("method=\"{method}\",route=\"{route}\",status=\"{status}\"");
            line(&mut text, format_args!("http_requests_total{{{labels}}} {}", series.count));
        }
        text.push_str("# TYPE http_request_duration_seconds histogram\n");
        for ((method, route, status), series) in &requests {
            let labels = format!("method=\"{method}\",route=\"{route}\",status=\"{status}\"");
            let name = "http_request_duration_seconds";
            for (bucket, limit) in series.buckets.iter().zip(BUCKETS_MILLIS) {
                let le = format_args!("{}.{:03}", limit / 1_000, limit % 1_000).to_string();
                line(&mut text, format_args!("{name}_bucket{{{labels},le=\"{le}\"}} {bucket}"));
            }
            line(&mut text, format_args!("{name}_bucket{{{labels},le=\"+Inf\"}} {}", series.count));
            let (secs, micros) = (series.micros / 1_000_000, series.micros % 1_000_000);
            line(&mut text, format_args!("{name}_sum{{{labels}}} {secs}.{micros:06}"));
            line(&mut text, format_args!("{name}_count{{{labels}}} {}", series.count));
        }
        let (sockets, frames) = (self.sockets.load(Ordering::Relaxed), self.frames.load(Ordering::Relaxed));
        line(&mut text, format_args!("# TYPE websockets_open gauge\nwebsockets_open {sockets}"));
        line(&mut text, format_args!("# TYPE websocket_frames_total counter\nwebsocket_frames_total {frames}"));
        line(&mut text, format_args!("# TYPE queue_depth gauge\nqueue_depth {queue_depth}"));
        text
    }
}

fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{what}");
}

/// An open WebSocket, counted.
#[derive(Debug)]
pub struct OpenSocket(std::sync::Arc<Metrics>);

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.0.sockets.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts every request by its route's pattern.
pub(crate) async fn count(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    let began = tokio::time::Instant::now();
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known.to_owned(),
        _ => "other".to_owned(),
    };
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    state.metrics.request(&method, &route, response.status().as_u16(), began.elapsed());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative() {
        let metrics = Metrics::default();
        metrics.request("GET", "/a", 200, Duration::from_millis(7));
        metrics.request("GET", "/a", 200, Duration::from_millis(70));
        let text = metrics.render(3);
        assert!(text.contains("http_requests_total{method=\"GET\",route=\"/a\",status=\"200\"} 2\n"), "{text}");
        assert!(text.contains("status=\"200\",le=\"0.010\"} 1\n"), "{text}");
        assert!(text.contains("status=\"200\",le=\"0.100\"} 2\n"), "{text}");
        assert!(text.contains("_sum{method=\"GET\",route=\"/a\",status=\"200\"} 0.077000\n"), "{text}");
        assert!(text.ends_with("queue_depth 3\n"), "{text}");
    }
}
