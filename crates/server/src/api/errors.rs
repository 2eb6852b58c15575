//! The error that an answer is counted by: the first one in it.
//!
//! An answer has a code for the whole, codes for its parts, or both. Every type of answer says here
//! where its codes are, so that none can be forgotten: [`super::request::ResponseTo::reply`] takes
//! only those.

use kafka_protocol::messages::*;
use kafka_protocol::protocol::Encodable;
use tidegate_wire::fetch::FetchResponse as FetchAnswer;
use tidegate_wire::offsets::{
    OffsetCommitResponse as CommitAnswer, OffsetFetchResponse as OffsetFetchAnswer,
};
use tidegate_wire::produce::ProduceResponse as ProduceAnswer;

/// An answer that knows its errors.
pub trait Answer: Encodable {
    /// The first error code in it, 0 if there is none.
    fn error(&self) -> i16;
}

/// The first of some codes that is an error.
fn first(codes: impl IntoIterator<Item = i16>) -> i16 {
    codes.into_iter().find(|code| *code != 0).unwrap_or(0)
}

macro_rules! whole {
    ($($answer:ident)*) => {
        $(impl Answer for $answer {
            fn error(&self) -> i16 {
                self.error_code
            }
        })*
    };
}

macro_rules! rows {
    ($($answer:ident $rows:ident;)*) => {
        $(impl Answer for $answer {
            fn error(&self) -> i16 {
                first(self.$rows.iter().map(|row| row.error_code))
            }
        })*
    };
}

macro_rules! whole_and_rows {
    ($($answer:ident $rows:ident;)*) => {
        $(impl Answer for $answer {
            fn error(&self) -> i16 {
                let rows = self.$rows.iter().map(|row| row.error_code);
                first([self.error_code].into_iter().chain(rows))
            }
        })*
    };
}

macro_rules! partitions {
    ($($answer:ident $topics:ident $partitions:ident;)*) => {
        $(impl Answer for $answer {
            fn error(&self) -> i16 {
                let partitions = self.$topics.iter().flat_map(|topic| &topic.$partitions);
                first(partitions.map(|partition| partition.error_code))
            }
        })*
    };
}

macro_rules! whole_and_partitions {
    ($($answer:ident $topics:ident $partitions:ident;)*) => {
        $(impl Answer for $answer {
            fn error(&self) -> i16 {
                let partitions = self.$topics.iter().flat_map(|topic| &topic.$partitions);
                let codes = partitions.map(|partition| partition.error_code);
                first([self.error_code].into_iter().chain(codes))
            }
        })*
    };
}

whole! {
    ApiVersionsResponse DescribeAclsResponse DescribeClientQuotasResponse DescribeClusterResponse
    GetTelemetrySubscriptionsResponse HeartbeatResponse InitProducerIdResponse JoinGroupResponse
    ListConfigResourcesResponse ListGroupsResponse ListPartitionReassignmentsResponse
    PushTelemetryResponse SyncGroupResponse
}

rows! {
    AlterClientQuotasResponse entries;
    AlterConfigsResponse responses;
    CreateAclsResponse results;
    CreatePartitionsResponse results;
    CreateTopicsResponse topics;
    DeleteAclsResponse filter_results;
    DeleteGroupsResponse results;
    DeleteTopicsResponse responses;
    DescribeConfigsResponse results;
    DescribeGroupsResponse groups;
    DescribeTopicPartitionsResponse topics;
    IncrementalAlterConfigsResponse responses;
}

whole_and_rows! {
    DescribeLogDirsResponse results;
    DescribeUserScramCredentialsResponse results;
    FindCoordinatorResponse coordinators;
    LeaveGroupResponse members;
    MetadataResponse topics;
    UpdateFeaturesResponse results;
}

partitions! {
    DeleteRecordsResponse topics partitions;
    DescribeProducersResponse topics partitions;
    ListOffsetsResponse topics partitions;
    OffsetForLeaderEpochResponse topics partitions;
}

whole_and_partitions! {
    AlterPartitionReassignmentsResponse responses partitions;
    DescribeQuorumResponse topics partitions;
    ElectLeadersResponse replica_election_results partition_result;
    OffsetDeleteResponse topics partitions;
}

/// The first error of a Produce.
pub fn of_produce(answer: &ProduceAnswer) -> i16 {
    let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
    first(partitions.map(|partition| partition.error_code))
}

/// The first error of a Fetch.
pub fn of_fetch<P>(answer: &FetchAnswer<P>) -> i16 {
    let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
    let codes = partitions.map(|partition| partition.error_code);
    first([answer.error_code].into_iter().chain(codes))
}

/// The first error of an OffsetCommit.
pub fn of_commit(answer: &CommitAnswer) -> i16 {
    let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
    first(partitions.map(|(_, code)| *code))
}

/// The first error of an OffsetFetch.
pub fn of_offset_fetch(answer: &OffsetFetchAnswer) -> i16 {
    first(answer.groups.iter().flat_map(|group| {
        let partitions = group.topics.iter().flat_map(|topic| &topic.partitions);
        [group.error_code].into_iter().chain(partitions.map(|partition| partition.error_code))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::create_topics_response::CreatableTopicResult;

    #[test]
    fn the_first_error_of_the_rows_counts_and_not_the_first_row() {
        let row = |code| CreatableTopicResult::default().with_error_code(code);
        let answer = |codes: &[i16]| {
            CreateTopicsResponse::default().with_topics(codes.iter().copied().map(row).collect())
        };
        assert_eq!(answer(&[0, 36, 17]).error(), 36);
        assert_eq!(answer(&[0, 0]).error(), 0);
    }
}
