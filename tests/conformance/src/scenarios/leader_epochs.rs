//! Leader epochs: where they end, and who has a wrong idea of them. A topic that has had one leader
//! has one epoch, 0.

use crate::batches::fill;
use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::offset_for_leader_epoch_response::EpochEndOffset;
use kafka_protocol::messages::{BrokerId, OffsetForLeaderEpochRequest};

scenarios![
    the_current_epoch_ends_where_the_log_does,
    the_epoch_of_an_empty_log_ends_at_zero,
    an_epoch_of_the_future_has_no_end,
    a_negative_epoch_has_no_end,
    a_client_that_knows_a_newer_epoch_is_told_that_it_is_unknown,
    a_topic_that_does_not_exist_is_unknown,
    a_partition_that_does_not_exist_is_unknown,
    every_partition_is_answered_on_its_own,
    a_request_of_nothing_is_answered,
    a_fetch_with_an_epoch_of_the_future_is_told_that_it_is_unknown,
    a_fetch_with_the_epoch_that_there_is_is_answered,
    a_fetch_whose_last_record_had_that_epoch_does_not_diverge,
    a_fetch_whose_last_record_had_an_epoch_of_the_future,
    a_fetch_past_the_end_of_its_last_epoch,
    batches_bear_the_leaders_epoch,
];

fn asked(partition: i32, epoch: i32) -> OffsetForLeaderPartition {
    OffsetForLeaderPartition::default().with_partition(partition).with_leader_epoch(epoch)
}

fn request(name: &str, partitions: Vec<OffsetForLeaderPartition>) -> OffsetForLeaderEpochRequest {
    let topic =
        OffsetForLeaderTopic::default().with_topic(topic_name(name)).with_partitions(partitions);
    OffsetForLeaderEpochRequest::default().with_replica_id(BrokerId(-2)).with_topics(vec![topic])
}

async fn end_of(
    client: &mut Client,
    version: i16,
    name: &str,
    wanted: OffsetForLeaderPartition,
) -> EpochEndOffset {
    let response = client.call(version, &request(name, vec![wanted])).await;
    response.topics[0].partitions[0].clone()
}

async fn the_current_epoch_ends_where_the_log_does(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"], &["b", "c"]]).await;
    for version in client.each(2..=4) {
        for current in [-1, 0] {
            let wanted = asked(0, 0).with_current_leader_epoch(current);
            let answer = end_of(&mut client, version, &topic.name, wanted).await;
            assert_eq!((answer.leader_epoch, answer.end_offset), (0, 3));
        }
    }
}

async fn the_epoch_of_an_empty_log_ends_at_zero(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=4) {
        let answer = end_of(&mut client, version, &topic.name, asked(0, 0)).await;
        assert_eq!((answer.leader_epoch, answer.end_offset), (0, 0));
    }
}

async fn an_epoch_of_the_future_has_no_end(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"]]).await;
    for version in client.each(2..=4) {
        for epoch in [1, i32::MAX] {
            let answer = end_of(&mut client, version, &topic.name, asked(0, epoch)).await;
            assert_eq!((answer.leader_epoch, answer.end_offset), (-1, -1));
        }
    }
}

async fn a_negative_epoch_has_no_end(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"]]).await;
    for version in client.each(2..=4) {
        let answer = end_of(&mut client, version, &topic.name, asked(0, -1)).await;
        assert_eq!((answer.leader_epoch, answer.end_offset), (-1, -1));
    }
}

async fn a_client_that_knows_a_newer_epoch_is_told_that_it_is_unknown(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=4) {
        let wanted = asked(0, 0).with_current_leader_epoch(1);
        let answer = end_of(&mut client, version, &topic.name, wanted).await;
        expect(answer.error_code, ErrorCode::UnknownLeaderEpoch);
    }
}

async fn a_topic_that_does_not_exist_is_unknown(mut client: Client) {
    for version in client.each(2..=4) {
        let name = client.unique("missing");
        let answer = end_of(&mut client, version, &name, asked(0, 0)).await;
        expect(answer.error_code, ErrorCode::UnknownTopicOrPartition);
    }
}

async fn a_partition_that_does_not_exist_is_unknown(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=4) {
        for partition in [1, -1] {
            let answer = end_of(&mut client, version, &topic.name, asked(partition, 0)).await;
            expect(answer.error_code, ErrorCode::UnknownTopicOrPartition);
        }
    }
}

async fn every_partition_is_answered_on_its_own(mut client: Client) {
    let topic = client.topic("t", 2).await;
    fill(&mut client, topic.partition(1), &[&["a"]]).await;
    for version in client.each(2..=4) {
        let mut response = client
            .ask(version, &request(&topic.name, vec![asked(1, 0), asked(5, 0), asked(0, 0)]))
            .await;
        // In which order the rows stand is nobody's promise.
        response.topics[0].partitions.sort_by_key(|answer| answer.partition);
        client.answered("OffsetForLeaderEpoch", version, &response);
        let ends: Vec<i64> =
            response.topics[0].partitions.iter().map(|answer| answer.end_offset).collect();
        assert_eq!(ends, [0, 1, -1]);
    }
}

async fn a_request_of_nothing_is_answered(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=4) {
        let mut request = request(&topic.name, vec![]);
        request.topics.clear();
        client.call(version, &request).await;
    }
}

async fn a_fetch_with_an_epoch_of_the_future_is_told_that_it_is_unknown(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"]]).await;
    for version in client.each(9..=18) {
        let mut request = fetch_request(&[(topic.partition(0), 0)]);
        request.topics[0].partitions[0].current_leader_epoch = 1;
        let response = client.fetch(version, &request).await;
        expect(response.topics[0].partitions[0].error_code, ErrorCode::UnknownLeaderEpoch);
    }
}

async fn a_fetch_with_the_epoch_that_there_is_is_answered(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"]]).await;
    for version in client.each(9..=18) {
        let mut request = fetch_request(&[(topic.partition(0), 0)]);
        request.topics[0].partitions[0].current_leader_epoch = 0;
        let response = client.fetch(version, &request).await;
        expect(response.topics[0].partitions[0].error_code, ErrorCode::None);
    }
}

async fn a_fetch_whose_last_record_had_that_epoch_does_not_diverge(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"], &["b"]]).await;
    for version in client.each(12..=18) {
        let mut request = fetch_request(&[(topic.partition(0), 1)]);
        request.topics[0].partitions[0].last_fetched_epoch = 0;
        let response = client.fetch(version, &request).await;
        assert_eq!(response.topics[0].partitions[0].diverging_epoch, None);
    }
}

async fn a_fetch_whose_last_record_had_an_epoch_of_the_future(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"], &["b"]]).await;
    for version in client.each(12..=18) {
        let mut request = fetch_request(&[(topic.partition(0), 1)]);
        request.topics[0].partitions[0].last_fetched_epoch = 3;
        client.fetch(version, &request).await;
    }
}

async fn a_fetch_past_the_end_of_its_last_epoch(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"], &["b"]]).await;
    for version in client.each(12..=18) {
        let mut request = fetch_request(&[(topic.partition(0), 7)]);
        request.topics[0].partitions[0].last_fetched_epoch = 0;
        client.fetch(version, &request).await;
    }
}

async fn batches_bear_the_leaders_epoch(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let batch = Batch::of(&["a"]).damage(12, &9_i32.to_be_bytes());
    client.append(topic.partition(0), batch).await;
    let answer = client.fetch_one(12, topic.partition(0), 0).await;
    assert_eq!(tidegate_raw_client::batch::headers(&answer.records)[0].leader_epoch, 0);
}
