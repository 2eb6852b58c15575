//! What every storage of offsets must do, as claims that run on any of them.
//!
//! Tests of a storage call [`offsets_conformance!`](crate::offsets_conformance!) with a function that
//! makes a fresh [`Bed`]; each claim becomes a test of that name. [`CLAIMS`] is the same for programs
//! that run the suite on a store outside of the process.

mod bed;
mod groups;
mod keeping;

pub use bed::Bed;
pub use groups::*;
pub use keeping::*;

use tidegate_log::BoxFuture;

/// A claim: panics where it does not hold.
pub type Claim = fn(Bed) -> BoxFuture<()>;

macro_rules! claims {
    ($($claim:ident)*) => {
        /// Every claim of the suite with its name.
        pub const CLAIMS: &[(&str, Claim)] =
            &[$((stringify!($claim), |bed| Box::pin($claim(bed)))),*];

        /// Makes a test of every claim of the suite. The argument is a function that returns the
        /// future of a new [`Bed`]($crate::offsets::conformance::Bed).
        #[macro_export]
        macro_rules! offsets_conformance {
            ($make:expr) => {
                $(#[tokio::test]
                async fn $claim() {
                    $crate::conformance::$claim($make().await).await;
                })*
            };
        }
    };
}

claims! {
    what_is_committed_is_fetched_with_epoch_and_metadata
    a_later_commit_replaces_all_of_an_earlier_one
    the_same_offset_with_another_note_is_another_commit
    the_last_of_many_commits_that_nobody_waited_for_wins
    one_request_keeps_all_of_its_partitions
    a_fetch_of_all_is_in_order_of_topics_and_partitions
    what_was_never_committed_is_left_out
    groups_with_odd_names_do_not_meet
    a_note_comes_back_whatever_it_holds
    a_note_that_is_too_long_stops_none_of_the_others
    a_random_history_matches_its_model
    everything_acknowledged_is_there_after_a_restart
    a_stranger_may_not_commit_to_a_group_with_members
    a_member_commits_in_its_generation_only
    deleted_offsets_are_gone_and_others_stay
    offsets_that_members_read_are_not_deleted
    a_deleted_group_leaves_nothing_and_its_name_can_begin_anew
    a_group_that_only_keeps_offsets_is_one_that_can_be_listed_and_deleted
    what_was_committed_for_a_deleted_topic_is_forgotten
    offsets_expire_and_their_group_with_them
    an_expiry_that_the_client_chose_counts
}
