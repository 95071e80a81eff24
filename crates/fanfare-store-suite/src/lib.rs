//! One suite for the contracts of the store, which every engine runs in its own tests:
//!
//! ```ignore
//! fanfare_store_suite::contract!(MyEngine);
//! ```
//!
//! [`Setup`](harness::Setup) opens an engine. The suite turns its clock.

#![expect(clippy::disallowed_methods, reason = "a test is its own application, and spawns")]

pub mod append;
pub mod attempts;
pub mod claims;
pub mod committed;
pub mod damage;
pub mod deliveries;
pub mod disk;
pub mod epochs;
pub mod floor;
pub mod forgetting;
pub mod harness;
pub mod hooks;
pub mod known;
pub mod memory;
pub mod model;
pub mod model_webhooks;
pub mod originals;
pub mod owners;
pub mod purge;
pub mod read;
pub mod retention;
pub mod seen;
pub mod settle;
pub mod sources;
pub mod times;
pub mod traces;
pub mod webhooks;

/// Creates a test for each part of the contracts, for the engine that `$setup` opens.
#[macro_export]
macro_rules! contract {
    ($setup:expr) => {
        $crate::tests! { $setup,
            append::a_batch_stands_in_the_log_in_its_order,
            append::a_key_counts_for_a_day,
            append::a_key_whose_event_was_removed_still_counts,
            append::a_repeated_key_appends_nothing,
            append::an_event_comes_back_as_it_was_pushed,
            append::concurrent_appends_neither_interleave_nor_leave_holes,
            append::nothing_of_a_refused_append_is_there,
            append::the_key_of_a_batch_names_all_of_it,
            append::the_key_of_another_event_is_refused,
            append::what_was_answered_is_seen,
            attempts::a_page_of_large_attempts_ends_early,
            attempts::an_attempt_comes_back_as_it_was_recorded,
            attempts::attempts_are_chosen_and_read_page_by_page,
            attempts::attempts_are_forgotten_by_age,
            attempts::attempts_are_forgotten_by_count,
            attempts::the_attempts_of_a_removed_webhook_are_gone,
            claims::a_claim_has_what_the_last_owner_left,
            claims::a_claim_that_is_repeated_is_the_same,
            claims::a_closed_store_has_no_claims,
            claims::a_removed_webhook_belongs_to_nobody,
            claims::a_webhook_has_one_owner_at_a_time,
            claims::an_expired_lease_is_good_until_another_claims,
            claims::changes_by_hand_need_no_lease,
            claims::nothing_of_a_fenced_record_is_written,
            claims::of_many_who_claim_at_once_one_gets_it,
            claims::opening_a_store_of_one_process_ends_its_claims,
            claims::what_is_released_is_free_at_once,
            committed::a_closed_store_says_so,
            committed::batches_come_in_order_and_leave_nothing_out,
            committed::one_that_lags_is_told,
            committed::the_end_of_the_log_is_never_behind_an_answer,
            deliveries::a_delivery_comes_back_as_it_was_recorded,
            deliveries::a_page_of_large_deliveries_ends_early,
            deliveries::an_event_is_kept_as_long_as_it_waits,
            deliveries::dead_letters_are_forgotten_and_waiting_ones_are_not,
            deliveries::deliveries_are_read_page_by_page,
            deliveries::much_is_forgotten_in_parts,
            epochs::a_position_of_another_log_is_none_of_this_one,
            floor::a_channel_with_spared_events_is_not_forgotten,
            floor::a_flood_leaves_the_newest_events_of_the_other_channels,
            floor::a_lower_floor_spares_less,
            floor::a_reader_in_a_hole_is_told_once_of_what_is_gone,
            floor::a_time_before_the_hole_is_found,
            floor::age_removes_what_the_floor_spares,
            floor::newer_events_take_the_place_of_spared_ones,
            floor::spared_events_leave_half_of_the_bytes_for_what_is_new,
            floor::spared_events_leave_half_of_the_number_for_what_is_new,
            floor::what_is_spared_can_be_delivered,
            floor::what_is_spared_can_be_purged,
            forgetting::a_channel_without_events_can_be_forgotten,
            forgetting::names_for_each_run_are_fine_for_years,
            forgetting::one_push_cannot_take_all_names,
            forgetting::what_a_delivery_needs_keeps_its_channel,
            known::a_reader_is_changed_by_nothing_but_putting_it,
            known::a_reader_keeps_what_it_acknowledged,
            known::a_store_that_is_opened_again_knows_everything,
            known::channels_are_counted,
            known::a_reader_that_nobody_uses_is_removed,
            known::readers_are_bounded,
            originals::a_purge_of_any_event_that_a_request_brought_erases_it,
            originals::a_repeated_request_keeps_nothing_and_one_that_is_new_in_part_goes_with_that,
            originals::an_original_comes_back_as_it_was_received,
            originals::an_original_goes_with_its_event_by_count_and_by_age,
            originals::originals_count_for_retention_by_bytes,
            originals::what_the_floor_spares_keeps_its_original,
            owners::a_url_is_taken_for_its_owner_alone,
            owners::one_idempotency_key_of_two_principals_is_two,
            owners::readers_with_one_name_are_each_their_owners,
            purge::a_large_channel_is_purged_while_others_are_pushed_to,
            purge::a_purged_channel_is_gone_and_its_places_stay,
            purge::a_purged_channel_makes_room_for_another,
            purge::a_purge_ends_at_its_scope_and_says_what_its_channel_no_longer_counts,
            purge::a_redacted_event_is_gone_alone,
            purge::a_repeated_push_brings_nothing_back,
            purge::deliveries_and_attempts_go_with_their_events,
            purge::two_purges_of_a_channel_at_once_leave_what_is_pushed_meanwhile,
            purge::what_came_after_the_scope_of_a_purge_stays_beside_the_log,
            purge::what_is_not_there_cannot_be_purged,
            read::a_page_looks_at_a_bounded_number_of_events,
            read::a_page_of_large_events_ends_early,
            read::a_read_that_nobody_polls_holds_up_no_other,
            read::a_sparse_channel_is_read_without_looking_at_the_rest,
            read::an_expired_event_is_left_out,
            read::filters_choose_events,
            read::reads_keep_to_their_range,
            retention::a_log_that_was_emptied_goes_on_counting,
            retention::retention_by_age_removes_from_the_old_end,
            retention::retention_by_bytes_removes_from_the_old_end,
            retention::retention_by_count_removes_from_the_old_end,
            settle::asking_and_appending_at_once_agree,
            settle::what_happened_is_told_as_it_was_answered,
            settle::what_retention_removed_is_not_given_up,
            settle::what_was_given_up_never_happens,
            settle::what_was_refused_did_not_happen,
            sources::a_source_comes_back_as_it_was_put,
            sources::sources_are_bounded,
            times::a_clock_that_is_wrong_at_a_start_deletes_nothing_at_once,
            times::a_clock_that_is_wrong_for_a_moment_changes_nothing,
            times::a_clock_that_stays_ahead_is_believed,
            times::a_clock_that_was_ahead_leaves_no_trace_in_what_comes_later,
            times::arrivals_never_go_back,
            traces::a_reader_is_told_only_of_what_it_missed,
            traces::an_event_that_had_expired_is_not_missed,
            traces::beyond_the_maximum_of_traces_everything_may_be_missed,
            webhooks::a_change_of_who_is_registered_is_told,
            webhooks::a_closed_store_records_nothing,
            webhooks::a_cursor_only_moves_on,
            webhooks::a_name_lets_webhooks_share_a_url,
            webhooks::a_webhook_comes_back_as_it_was_registered,
            webhooks::a_webhook_that_is_changed_stays_where_it_is,
            webhooks::nothing_that_was_removed_comes_back,
            webhooks::of_two_changes_at_once_one_learns_of_the_other,
            webhooks::records_and_appends_share_commits,
            webhooks::two_webhooks_have_two_urls,
            webhooks::webhooks_are_bounded,
            webhooks::what_names_no_webhook_changes_nothing,
        }
    };
}

/// Creates a test for each named function.
#[doc(hidden)]
#[macro_export]
macro_rules! tests {
    ($setup:expr, $($theme:ident::$name:ident,)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() { $crate::$theme::$name($setup).await; })+
    };
}
