//! The store's promises, each a function over a [`Fixture`], run on SQLite and on PostgreSQL.
//!
//! PostgreSQL comes from `HOOKYARD_TEST_POSTGRES`, the URL of a superuser; every test makes a database of its own
//! and drops it. Where it is not set, that half fails: a suite that skips in silence proves nothing.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something does not hold"
)]

mod support;

mod queue;
mod settle;
mod batch;
mod deliveries;
mod lists;
mod flows;
mod before;
mod destinations;
mod retention;
mod accounts;
mod plugins;
mod secrets;
mod upkeep;
mod nodes;
mod files;

use support::Fixture;

/// Declares each claim as two tests, because a function cannot declare one.
macro_rules! claims {
    ($($module:ident: $($claim:ident),+;)+) => {
        mod on_sqlite {$(mod $module {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $claim() {
                let fixture = crate::Fixture::sqlite().await;
                Box::pin(crate::$module::$claim(&fixture)).await;
                fixture.end().await;
            }
        )+})+}
        mod on_postgres {$(mod $module {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $claim() {
                let fixture = crate::Fixture::postgres().await;
                Box::pin(crate::$module::$claim(&fixture)).await;
                fixture.end().await;
            }
        )+})+}
    };
}

claims! {
    queue:
        an_event_born_claimed_is_left_alone_until_its_lease_ends,
        an_event_that_is_due_is_claimed_at_once_and_once,
        two_claimers_never_share_an_event,
        an_event_whose_process_died_falls_due_in_the_next_one,
        a_failed_event_is_processed_again_when_asked,
        logging_the_same_event_twice_is_one_event,
        an_event_that_cannot_be_read_is_parked_and_not_claimed_for_ever,
        due_rows_wake_whoever_listens;
    settle:
        an_understood_event_has_its_lead_and_its_deliveries,
        a_zombie_loses_and_writes_nothing,
        a_claim_that_is_settled_twice_is_settled_once,
        a_hundred_settlements_of_one_lead_store_one,
        two_items_of_one_key_in_one_batch_are_one_and_its_duplicate,
        a_duplicate_names_the_first_event_and_its_lead,
        a_processed_event_is_no_duplicate_of_itself,
        further_items_become_events_that_name_their_cause,
        an_event_put_off_waits_until_then,
        payloads_have_the_same_fate_whatever_is_in_them;
    batch:
        one_bad_change_does_not_fail_its_neighbours,
        many_writers_are_all_answered;
    deliveries:
        a_delivery_goes_from_attempt_to_attempt_to_its_end,
        an_excluded_subscription_is_passed_over,
        a_released_delivery_is_due_at_once,
        a_dead_delivery_is_retried_when_asked_and_a_delivered_one_is_not,
        a_receiver_that_is_gone_disables_its_subscription,
        two_claimers_never_share_a_delivery,
        a_delivery_whose_event_is_gone_is_dead,
        a_delivery_ends_or_waits_without_an_attempt_and_says_why;
    lists:
        pages_have_no_gaps_and_no_repeats_while_rows_arrive,
        every_filter_of_events_finds_what_fits_and_nothing_else,
        deliveries_are_listed_by_event_subscription_and_status,
        leads_are_listed_for_all_and_for_one_account,
        another_tenant_sees_nothing;
    accounts:
        a_shared_account_key_belongs_to_the_first_tenant,
        a_new_credential_wakes_what_waited_for_it,
        a_patch_changes_what_it_names_and_nothing_else,
        a_deleted_account_gives_its_key_back;
    plugins:
        versions_are_counted_under_concurrency_and_the_same_component_is_one,
        a_rollback_swaps_and_needs_a_version_before,
        a_tenants_plugin_shadows_the_operators,
        a_component_that_changed_on_disk_is_refused,
        a_paused_version_gives_way_once_and_comes_back_by_hand,
        a_paused_version_that_is_found_again_stays_paused;
    secrets:
        ciphertext_moved_to_another_row_is_refused,
        a_wrong_master_key_does_not_open,
        secrets_come_back_in_order_and_by_name,
        keys_are_found_by_hash_until_they_are_revoked;
    flows:
        a_flow_is_made_changed_and_listed_with_its_credentials,
        a_tenant_has_no_more_flows_than_it_may,
        the_credentials_of_flows_are_sealed_in_their_rows,
        a_processed_event_starts_its_runs_and_its_story_names_them,
        a_duplicate_starts_nothing,
        a_journal_comes_back_in_order_and_as_far_as_it_was_kept,
        a_run_is_settled_once_and_by_its_last_claim,
        a_run_that_succeeds_brings_everything_about_in_one_commit,
        emitted_events_of_two_tenants_are_told_apart_by_their_kinds,
        a_run_that_read_what_others_changed_is_stale_and_writes_nothing,
        increments_of_one_key_by_many_runs_at_a_time_all_count,
        a_stale_run_does_not_fail_its_neighbours,
        a_flow_that_remembers_too_much_is_told,
        a_failed_run_is_tried_again_when_asked_without_its_last_fetch,
        runs_are_listed_by_flow_event_and_status,
        two_claimers_never_share_a_run,
        an_excluded_tenants_runs_are_passed_over,
        a_run_that_cannot_be_read_is_parked_and_not_claimed_for_ever,
        a_deleted_flow_forgets_and_fails_what_ran,
        the_backlog_counts_runs_and_pushes,
        an_events_key_has_an_owner_once_it_is_settled,
        a_subscription_names_its_transform;
    before:
        a_before_run_is_committed_with_its_event,
        an_event_whose_before_run_is_stale_is_not_settled,
        before_runs_of_one_batch_see_each_other,
        a_held_event_keeps_the_last_of_its_before_runs,
        a_transforms_run_is_recorded_and_recorded_again;
    destinations:
        a_destination_is_found_by_its_name_or_its_id,
        the_credentials_of_destinations_are_sealed_in_their_rows,
        a_push_goes_from_attempt_to_attempt_to_its_receipt,
        a_push_is_told_what_the_destination_said_of_its_lead_before,
        pushes_are_listed_by_destination_lead_and_status,
        a_deleted_destination_kills_what_waited_for_it;
    retention:
        runs_go_with_their_events_and_keep_them_while_they_run,
        a_run_that_outlived_its_event_goes_by_its_own_age,
        an_event_that_a_flow_emitted_leaves_the_lead_that_it_inherited,
        what_a_destination_last_said_of_a_lead_stays;
    upkeep:
        every_management_write_counts_the_configuration_up,
        deleting_a_subscription_kills_what_waited_for_it,
        refusals_are_kept_within_bounds,
        the_first_idempotent_answer_stays_for_a_day,
        old_ended_events_go_and_waiting_ones_stay,
        the_backlog_counts_what_is_due,
        a_closed_store_is_unavailable;
}
