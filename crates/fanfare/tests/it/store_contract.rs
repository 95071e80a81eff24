//! One suite for the contract of `Store`, run for every engine.

mod append;
mod attempts;
mod deliveries;
mod follow;
pub(crate) mod harness;
pub(crate) mod hooks;
mod known;
mod read;
mod retention;
mod webhooks;

macro_rules! contract {
    ($($theme:ident::$name:ident,)+) => {
        mod in_memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$theme::$name(super::harness::Engine::Memory).await; })+
        }
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$theme::$name(super::harness::Engine::Embedded).await; })+
        }
    };
}

contract! {
    append::a_batch_stands_in_the_log_in_its_order,
    append::a_key_counts_for_a_day,
    append::a_key_whose_event_was_removed_still_counts,
    append::a_repeated_key_appends_nothing,
    append::an_event_comes_back_as_it_was_pushed,
    append::concurrent_appends_neither_interleave_nor_leave_holes,
    append::nothing_of_a_refused_append_is_there,
    append::timestamps_never_go_back,
    append::what_was_answered_is_seen,
    attempts::a_page_of_large_attempts_ends_early,
    attempts::an_attempt_comes_back_as_it_was_recorded,
    attempts::attempts_are_chosen_and_read_page_by_page,
    attempts::attempts_are_forgotten_by_age,
    attempts::attempts_are_forgotten_by_count,
    attempts::the_attempts_of_a_removed_webhook_are_gone,
    deliveries::a_delivery_comes_back_as_it_was_recorded,
    deliveries::a_page_of_large_deliveries_ends_early,
    deliveries::an_event_is_kept_as_long_as_it_waits,
    deliveries::dead_letters_are_forgotten_and_waiting_ones_are_not,
    deliveries::deliveries_are_read_page_by_page,
    deliveries::much_is_forgotten_in_parts,
    follow::a_closed_store_says_so,
    follow::a_follower_gets_every_event_once_while_others_append,
    follow::a_follower_of_a_closed_store_ends,
    follow::a_follower_that_lags_beyond_the_queue_gets_every_event_once,
    known::a_reader_keeps_what_it_acknowledged,
    known::a_store_that_is_opened_again_knows_everything,
    known::channels_are_counted,
    known::readers_are_bounded,
    read::a_page_looks_at_a_bounded_number_of_events,
    read::a_page_of_large_events_ends_early,
    read::a_sparse_channel_is_read_without_looking_at_the_rest,
    read::an_expired_event_is_left_out,
    read::filters_choose_events,
    read::reads_keep_to_their_range,
    retention::a_log_that_was_emptied_goes_on_counting,
    retention::retention_by_age_removes_from_the_old_end,
    retention::retention_by_bytes_removes_from_the_old_end,
    retention::retention_by_count_removes_from_the_old_end,
    webhooks::a_closed_store_records_nothing,
    webhooks::a_cursor_only_moves_on,
    webhooks::a_webhook_comes_back_as_it_was_registered,
    webhooks::a_webhook_that_is_changed_stays_where_it_is,
    webhooks::records_and_appends_share_commits,
    webhooks::two_webhooks_have_two_urls,
    webhooks::webhooks_are_bounded,
    webhooks::what_names_no_webhook_changes_nothing,
}
