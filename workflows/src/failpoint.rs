//! Named places where a test may let the process die.
//!
//! Without the feature `failpoints` a hit is nothing. With it, the process aborts at the hit whose
//! number is in `SUPER_MANAGER_CRASH_AT_HIT` or whose name is in `SUPER_MANAGER_CRASH_AT_NAME`, and appends the names it passed to the file named by
//! `SUPER_MANAGER_FAILPOINT_LOG`.

/// Marks a place. Aborts there when a test asked for this hit.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn hit(_name: &'static str) {}

/// Marks a place. Aborts there when a test asked for this hit.
#[cfg(feature = "failpoints")]
pub fn hit(name: &'static str) {
    use std::io::Write;
    use std::sync::atomic::{AtomicU64, Ordering};
    static HITS: AtomicU64 = AtomicU64::new(0);
    let n = HITS.fetch_add(1, Ordering::SeqCst) + 1;
    if let Ok(path) = std::env::var("SUPER_MANAGER_FAILPOINT_LOG")
        && let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(path)
    {
        // A test aid: a log that cannot be written only makes the test's own report poorer.
        let _written = file.write_all(format!("{n} {name}\n").as_bytes());
    }
    if std::env::var("SUPER_MANAGER_CRASH_AT_NAME").is_ok_and(|wanted| wanted == name) {
        std::process::abort();
    }
    if std::env::var("SUPER_MANAGER_CRASH_AT_HIT").ok().and_then(|v| v.parse::<u64>().ok()) == Some(n) {
        std::process::abort();
    }
}
