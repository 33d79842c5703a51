//! How long and how large: every bound on what a server may take of us.

use std::time::Duration;

/// Longest wait for a server to be started and to greet.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(30);
/// Longest wait for one page of a list of tools.
pub(super) const LIST_MAX: Duration = Duration::from_secs(20);
/// Longest wait for a tool's answer; shorter than [`ACTION_MAX`], so that its own words are told.
pub(super) const CALL_MAX: Duration = Duration::from_secs(100);
/// The longest one act may take.
pub(super) const ACTION_MAX: Duration = Duration::from_secs(110);
/// Pages of a list of tools, and tools on them.
pub(super) const PAGES_MAX: usize = 50;
/// Tools of one server.
pub(super) const TOOLS_MAX: usize = 500;
/// All pages of a list of tools together, in bytes of JSON.
pub(super) const LIST_BYTES_MAX: usize = 8 << 20;
/// What all tools of one server say of themselves and of their arguments, in bytes, as kept.
pub(super) const TOOLS_BYTES_MAX: usize = 2 << 20;
/// Largest message of a server, in bytes: a line, a body, or an event.
pub(super) const MESSAGE_BYTES_MAX: usize = 4 << 20;
/// Lines in a row that are no messages before a server is given up.
pub(super) const GARBAGE_LINES_MAX: u32 = 1_000;
/// Calls to one server at once.
pub(super) const CALLS_MAX: usize = 8;
/// How often a server that is up is asked again what it offers: it may have changed or hang.
pub(super) const CHECK_EVERY: Duration = Duration::from_secs(60);
/// How often in a row that may wait for calls that are under way; then new calls wait for it.
pub(super) const CHECKS_PUT_OFF_MAX: u32 = 2;
/// Before a call that reaches the world a list older than this is read again,
pub(super) const LIST_FRESH: Duration = Duration::from_secs(5);
/// within this time.
pub(super) const LOOK_AGAIN_MAX: Duration = Duration::from_secs(10);
/// First and longest pause before a server is started again.
pub(super) const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// A server that was up that long starts again at the first pause.
pub(super) const STEADY: Duration = Duration::from_secs(120);
/// How long a program may take to end by itself once its input is closed.
pub(super) const LEAVE_MAX: Duration = Duration::from_secs(2);
/// Longest wait for all servers to end.
pub(super) const STOP_MAX: Duration = Duration::from_secs(8);

/// The JSON-RPC error code by which a transport says that an answer was larger than it may be: ours, inside
/// this process; one that a server sends under this number means no more than any other of its errors.
pub(super) const TOO_LARGE: i32 = -32_990;
