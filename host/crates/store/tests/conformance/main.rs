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
        a_delivery_whose_event_is_gone_is_dead;
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
        a_component_that_changed_on_disk_is_refused;
    secrets:
        ciphertext_moved_to_another_row_is_refused,
        a_wrong_master_key_does_not_open,
        secrets_come_back_in_order_and_by_name,
        keys_are_found_by_hash_until_they_are_revoked;
    upkeep:
        every_management_write_counts_the_configuration_up,
        deleting_a_subscription_kills_what_waited_for_it,
        refusals_are_kept_within_bounds,
        the_first_idempotent_answer_stays_for_a_day,
        old_ended_events_go_and_waiting_ones_stay,
        the_backlog_counts_what_is_due,
        a_closed_store_is_unavailable;
}
