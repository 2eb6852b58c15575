//! What every engine must do, as tests that run on any of them.
//!
//! An engine's own tests call [`conformance!`](crate::conformance!) with a function that makes a
//! [`Harness`]; each claim becomes a test of that name.

mod claims;
mod durability;
mod random;
mod segments;
mod support;

pub use claims::*;
pub use durability::*;
pub use random::*;
pub use segments::*;
pub use support::{Chance, Harness, Recorder, Writer, batch, block_on, partition, read, read_all};

/// Makes a test of every claim of the suite. The argument is a function that returns a new
/// [`Harness`].
#[macro_export]
macro_rules! conformance {
    ($make:expr) => {
        $crate::conformance! { $make;
            an_append_is_read_back_byte_for_byte
            appends_of_several_batches_are_read_batch_by_batch
            an_append_larger_than_any_buffer_is_taken_whole
            the_observer_hears_of_an_end_before_its_commit_resolves
            a_read_begins_with_the_batch_that_holds_the_offset
            a_read_ends_below_upper
            a_read_keeps_to_max_bytes_except_for_the_first_batch_on_request
            reads_outside_the_log_name_its_bounds
            a_read_at_the_end_is_empty
            a_trimmed_log_begins_at_its_new_start
            trimming_everything_leaves_an_empty_log_that_goes_on_at_its_end
            a_timestamp_finds_the_first_batch_that_reaches_it
            the_largest_timestamp_is_found_at_its_first_batch
            the_epoch_history_begins_at_the_log_start
            segments_lie_end_to_end_and_hold_all_bytes
            a_segment_ends_at_the_limits_in_force
            a_segment_spans_no_more_time_than_it_may
            trimming_drops_whole_segments
            a_segment_without_timestamps_is_as_old_as_its_last_write
            an_older_epoch_is_fenced
            a_deleted_partition_is_gone_and_can_begin_anew
            trims_and_deletions_begin_before_they_are_awaited
            what_was_read_outlives_deletion
            partitions_do_not_mix
            bytes_between_grows_with_the_distance
            opening_again_gives_the_same_log_to_the_new_observer
            a_closed_store_is_unavailable
            writers_and_readers_do_not_disturb_each_other
            everything_is_there_after_reopening
            everything_acknowledged_is_there_after_a_crash
            a_snapshot_comes_back_with_the_log
            trims_and_deletions_survive_a_crash
            reopening_is_repeatable
            a_random_history_matches_its_model
        }
    };
    ($make:expr; $($claim:ident)*) => {
        $(#[test]
        fn $claim() {
            $crate::conformance::$claim(&mut $make());
        })*
    };
}
