//! Real calendar servers: what is promised of a calendar, held by Radicale and by Xandikos.
//!
//! `tests/run` starts them and names them in `CALDAV_RADICALE` and `CALDAV_XANDIKOS`.

mod large;
mod peer;
mod reader;
mod suite;
mod through;

/// Runs each of these against both servers.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod radicale {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(peer) = super::peer::Peer::radicale() { super::suite::$name(&peer).await }
            })+
        }
        mod xandikos {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(peer) = super::peer::Peer::xandikos() { super::suite::$name(&peer).await }
            })+
        }
    };
}

on_both!(
    a_calendar_is_found_from_wherever_the_address_points,
    an_event_is_put_in_found_changed_and_taken_out,
    an_event_that_was_changed_elsewhere_is_not_overwritten,
    a_change_keeps_what_other_programs_know,
    a_weekly_event_keeps_its_wall_clock_over_both_changes_of_the_clock,
    what_others_put_in_is_seen_at_the_times_it_takes,
    changes_from_elsewhere_are_seen_at_the_next_look,
    the_same_event_is_not_put_in_twice,
);
