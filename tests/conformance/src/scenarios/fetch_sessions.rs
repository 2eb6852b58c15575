//! Fetch sessions (KIP-227): what need not be asked again, what need not be told again, and which
//! requests do not belong to a session.

use crate::batches::fill;
use crate::client::{Client, Topic};
use crate::help::*;
use crate::scenarios;
use bytes::Bytes;
use tidegate_raw_client::client::fetch_partition;
use tidegate_wire::fetch::{FetchRequest, FetchResponse, ForgottenTopic};

scenarios![
    epoch_0_makes_a_session,
    epoch_minus_1_makes_none,
    unchanged_partitions_are_left_out,
    new_records_are_told,
    what_was_asked_before_is_asked_on,
    a_raised_log_start_is_told,
    a_raised_high_watermark_is_told_without_records,
    partitions_with_errors_are_told_every_time,
    an_error_that_is_over_is_told_by_its_end,
    partitions_can_be_added,
    partitions_can_be_forgotten,
    forgetting_what_is_not_there_does_no_harm,
    a_partition_that_is_forgotten_and_asked_in_one_request_is_forgotten,
    forgetting_the_last_partition_ends_the_session,
    an_offset_can_be_moved,
    a_wrong_epoch_is_refused_and_the_right_one_goes_on,
    an_epoch_that_was_used_is_refused,
    an_epoch_of_0_replaces_the_session,
    an_epoch_of_minus_1_ends_the_session,
    an_epoch_below_minus_1_is_refused,
    a_session_that_does_not_exist_is_not_found,
    a_session_outlives_its_connection,
    an_incremental_fetch_outside_a_session_is_not_found,
    a_session_may_begin_with_nothing,
    names_do_not_become_ids_in_a_session,
    ids_do_not_become_names_in_a_session,
    a_topic_that_appears_is_fetched_by_name,
    an_unknown_id_is_told_every_time,
    a_recreated_topic_in_a_session_of_ids,
    a_small_limit_serves_every_partition_in_turn,
    versions_without_sessions_have_none,
];

/// The versions in which sessions change: they begin, topics get ids, the last one.
const ALL: std::ops::RangeInclusive<i16> = 7..=18;
const SOME: [i16; 4] = [7, 12, 13, 18];

/// A client and the session that it is in.
struct Reader<'a> {
    client: &'a mut Client,
    version: i16,
    session_id: i32,
    next_epoch: i32,
}

impl<'a> Reader<'a> {
    /// Begins a session on those partitions.
    async fn begin(client: &'a mut Client, version: i16, wanted: &[(Place<'_>, i64)]) -> Self {
        let mut reader = Reader { client, version, session_id: 0, next_epoch: 0 };
        let response = reader.go_on(wanted).await;
        assert_ne!(response.session_id, 0, "there is a session");
        reader.session_id = response.session_id;
        reader
    }

    /// The next request of the session, with what is new in it.
    async fn go_on(&mut self, changes: &[(Place<'_>, i64)]) -> FetchResponse<Bytes> {
        self.ask(fetch_request(changes)).await
    }

    async fn ask(&mut self, mut request: FetchRequest) -> FetchResponse<Bytes> {
        request.session_id = self.session_id;
        request.session_epoch = self.next_epoch;
        self.next_epoch += 1;
        let response = self.client.fetch(self.version, &request).await;
        expect(response.error_code, ErrorCode::None);
        response
    }

    /// How a request of the session with that epoch is refused.
    async fn refused(&mut self, epoch: i32) -> ErrorCode {
        let mut request = fetch_request(&[]);
        request.session_id = self.session_id;
        request.session_epoch = epoch;
        let response = self.client.fetch(self.version, &request).await;
        assert!(response.topics.is_empty(), "a refusal has no rows");
        code(response.error_code)
    }
}

fn indexes(response: &FetchResponse<Bytes>) -> Vec<i32> {
    let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
    partitions.map(|partition| partition.index).collect()
}

fn forgetting(place: Place<'_>) -> FetchRequest {
    let topic = ForgottenTopic {
        name: text(place.name),
        topic_id: place.id,
        partitions: vec![place.partition],
    };
    FetchRequest { forgotten: vec![topic], ..FetchRequest::default() }
}

fn both(topic: &Topic) -> [(Place<'_>, i64); 2] {
    [(topic.partition(0), 0), (topic.partition(1), 0)]
}

async fn epoch_0_makes_a_session(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"]]).await;
    for version in client.each(ALL) {
        Reader::begin(&mut client, version, &[(topic.partition(0), 0)]).await;
    }
}

async fn epoch_minus_1_makes_none(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(ALL) {
        let response = client.fetch(version, &fetch_request(&[(topic.partition(0), 0)])).await;
        assert_eq!(response.session_id, 0);
    }
}

async fn unchanged_partitions_are_left_out(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 2).await;
        let mut reader = Reader::begin(&mut client, version, &both(&topic)).await;
        for _ in 0..2 {
            let response = reader.go_on(&[]).await;
            assert_eq!((response.session_id, response.topics.len()), (reader.session_id, 0));
        }
    }
}

async fn new_records_are_told(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 2).await;
        let mut reader = Reader::begin(&mut client, version, &both(&topic)).await;
        reader.client.append(topic.partition(1), Batch::of(&["a"])).await;
        assert_eq!(indexes(&reader.go_on(&[]).await), [1]);
    }
}

async fn what_was_asked_before_is_asked_on(mut client: Client) {
    for version in client.each(SOME) {
        let topic = client.topic("t", 2).await;
        let mut reader = Reader::begin(&mut client, version, &both(&topic)).await;
        reader.client.append(topic.partition(1), Batch::of(&["a"])).await;
        // The records come again, for the offset has not been moved.
        for _ in 0..2 {
            assert_eq!(indexes(&reader.go_on(&[]).await), [1]);
        }
    }
}

async fn a_raised_log_start_is_told(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        fill(&mut client, topic.partition(0), &[&["a"], &["b"]]).await;
        let mut reader = Reader::begin(&mut client, version, &[(topic.partition(0), 2)]).await;
        reader.client.ask(2, &delete_records(topic.partition(0), 1)).await;
        let response = reader.go_on(&[]).await;
        assert_eq!(response.topics[0].partitions[0].log_start_offset, 1);
        assert!(indexes(&reader.go_on(&[]).await).is_empty());
    }
}

async fn a_raised_high_watermark_is_told_without_records(mut client: Client) {
    for version in client.each(SOME) {
        let topic = client.topic("t", 2).await;
        // A limit that the first partition uses up, so that the second has room for no records.
        let mut request = fetch_request(&both(&topic));
        request.max_bytes = 1;
        fill(&mut client, topic.partition(0), &[&["a"]]).await;
        let mut reader = Reader { client: &mut client, version, session_id: 0, next_epoch: 0 };
        reader.session_id = reader.ask(request).await.session_id;
        reader.client.append(topic.partition(1), Batch::of(&["b"])).await;
        let next = FetchRequest { max_bytes: 1, ..FetchRequest::default() };
        reader.ask(next).await;
    }
}

async fn partitions_with_errors_are_told_every_time(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 2).await;
        let wanted = [(topic.partition(0), 0), (topic.partition(1), 9)];
        let mut reader = Reader::begin(&mut client, version, &wanted).await;
        for _ in 0..2 {
            let response = reader.go_on(&[]).await;
            let answer = &response.topics[0].partitions[0];
            assert_eq!((indexes(&response), answer.index), (vec![1], 1));
            expect(answer.error_code, ErrorCode::OffsetOutOfRange);
        }
    }
}

async fn an_error_that_is_over_is_told_by_its_end(mut client: Client) {
    for version in client.each(SOME) {
        let topic = client.topic("t", 1).await;
        let mut reader = Reader::begin(&mut client, version, &[(topic.partition(0), 1)]).await;
        reader.client.append(topic.partition(0), Batch::of(&["a"])).await;
        let response = reader.go_on(&[]).await;
        expect(response.topics[0].partitions[0].error_code, ErrorCode::None);
        assert!(indexes(&reader.go_on(&[]).await).is_empty());
    }
}

async fn partitions_can_be_added(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        let other = client.topic("other", 1).await;
        let mut reader = Reader::begin(&mut client, version, &[(topic.partition(0), 0)]).await;
        assert_eq!(indexes(&reader.go_on(&[(other.partition(0), 0)]).await), [0]);
        reader.client.append(topic.partition(0), Batch::of(&["a"])).await;
        assert_eq!(indexes(&reader.go_on(&[]).await), [0]);
    }
}

async fn partitions_can_be_forgotten(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 2).await;
        let mut reader = Reader::begin(&mut client, version, &both(&topic)).await;
        fill(reader.client, topic.partition(0), &[&["a"]]).await;
        fill(reader.client, topic.partition(1), &[&["b"]]).await;
        assert_eq!(indexes(&reader.ask(forgetting(topic.partition(0))).await), [1]);
        assert_eq!(indexes(&reader.go_on(&[]).await), [1]);
    }
}

async fn forgetting_what_is_not_there_does_no_harm(mut client: Client) {
    for version in client.each(SOME) {
        let topic = client.topic("t", 2).await;
        let mut reader = Reader::begin(&mut client, version, &[(topic.partition(0), 0)]).await;
        assert!(indexes(&reader.ask(forgetting(topic.partition(1))).await).is_empty());
        reader.client.append(topic.partition(0), Batch::of(&["a"])).await;
        assert_eq!(indexes(&reader.go_on(&[]).await), [0]);
    }
}

async fn a_partition_that_is_forgotten_and_asked_in_one_request_is_forgotten(mut client: Client) {
    for version in client.each(SOME) {
        let topic = client.topic("t", 2).await;
        fill(&mut client, topic.partition(0), &[&["a"]]).await;
        let mut reader = Reader::begin(&mut client, version, &both(&topic)).await;
        let mut request = forgetting(topic.partition(0));
        request.topics = fetch_request(&[(topic.partition(0), 0)]).topics;
        assert!(indexes(&reader.ask(request).await).is_empty());
        assert!(indexes(&reader.go_on(&[]).await).is_empty());
    }
}

async fn forgetting_the_last_partition_ends_the_session(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        let mut reader = Reader::begin(&mut client, version, &[(topic.partition(0), 0)]).await;
        let response = reader.ask(forgetting(topic.partition(0))).await;
        assert_eq!((response.session_id, response.topics.len()), (0, 0));
        assert_eq!(reader.refused(2).await, ErrorCode::FetchSessionIdNotFound);
    }
}

async fn an_offset_can_be_moved(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        fill(&mut client, topic.partition(0), &[&["a"], &["b"]]).await;
        let mut reader = Reader::begin(&mut client, version, &[(topic.partition(0), 0)]).await;
        assert_eq!(indexes(&reader.go_on(&[(topic.partition(0), 1)]).await), [0]);
        assert!(indexes(&reader.go_on(&[(topic.partition(0), 2)]).await).is_empty());
        assert_eq!(indexes(&reader.go_on(&[(topic.partition(0), 0)]).await), [0]);
    }
}

async fn a_wrong_epoch_is_refused_and_the_right_one_goes_on(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        let mut reader = Reader::begin(&mut client, version, &[(topic.partition(0), 0)]).await;
        for epoch in [2, 100, i32::MAX] {
            assert_eq!(reader.refused(epoch).await, ErrorCode::InvalidFetchSessionEpoch);
        }
        reader.go_on(&[]).await;
    }
}

async fn an_epoch_that_was_used_is_refused(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        let mut reader = Reader::begin(&mut client, version, &[(topic.partition(0), 0)]).await;
        reader.go_on(&[]).await;
        assert_eq!(reader.refused(1).await, ErrorCode::InvalidFetchSessionEpoch);
        reader.go_on(&[]).await;
    }
}

async fn an_epoch_of_0_replaces_the_session(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        let wanted = [(topic.partition(0), 0)];
        let mut reader = Reader::begin(&mut client, version, &wanted).await;
        let old = reader.session_id;
        reader.next_epoch = 0;
        let new = reader.go_on(&wanted).await.session_id;
        assert!(new != 0 && new != old, "it has an id of its own");
        assert_eq!(reader.refused(1).await, ErrorCode::FetchSessionIdNotFound);
        reader.session_id = new;
        reader.go_on(&[]).await;
    }
}

async fn an_epoch_of_minus_1_ends_the_session(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        let wanted = [(topic.partition(0), 0)];
        let mut reader = Reader::begin(&mut client, version, &wanted).await;
        reader.next_epoch = -1;
        assert_eq!(reader.go_on(&wanted).await.session_id, 0);
        assert_eq!(reader.refused(1).await, ErrorCode::FetchSessionIdNotFound);
    }
}

async fn an_epoch_below_minus_1_is_refused(mut client: Client) {
    for version in client.each(SOME) {
        let topic = client.topic("t", 1).await;
        let mut reader = Reader::begin(&mut client, version, &[(topic.partition(0), 0)]).await;
        assert_eq!(reader.refused(-2).await, ErrorCode::InvalidFetchSessionEpoch);
    }
}

async fn a_session_that_does_not_exist_is_not_found(mut client: Client) {
    for version in client.each(ALL) {
        for session_id in [1, 123_456_789] {
            let mut reader = Reader { client: &mut client, version, session_id, next_epoch: 1 };
            assert_eq!(reader.refused(1).await, ErrorCode::FetchSessionIdNotFound);
        }
    }
}

async fn a_session_outlives_its_connection(mut client: Client) {
    for version in client.each(SOME) {
        let topic = client.topic("t", 1).await;
        let mut first = client.connect().await;
        let wanted = [(topic.partition(0), 0)];
        let session_id = Reader::begin(&mut first, version, &wanted).await.session_id;
        drop(first);
        let mut reader = Reader { client: &mut client, version, session_id, next_epoch: 1 };
        assert!(indexes(&reader.go_on(&[]).await).is_empty());
    }
}

async fn an_incremental_fetch_outside_a_session_is_not_found(mut client: Client) {
    for version in client.each(ALL) {
        let mut reader = Reader { client: &mut client, version, session_id: 0, next_epoch: 1 };
        assert_eq!(reader.refused(1).await, ErrorCode::FetchSessionIdNotFound);
    }
}

async fn a_session_may_begin_with_nothing(mut client: Client) {
    for version in client.each(SOME) {
        let topic = client.topic("t", 1).await;
        fill(&mut client, topic.partition(0), &[&["a"]]).await;
        let mut reader = Reader::begin(&mut client, version, &[]).await;
        assert_eq!(indexes(&reader.go_on(&[(topic.partition(0), 0)]).await), [0]);
    }
}

/// A request of a session by another version: one names topics, the other has their ids.
async fn changes(mut client: Client, from: i16, to: i16) {
    let topic = client.topic("t", 1).await;
    let mut reader = Reader::begin(&mut client, from, &[(topic.partition(0), 0)]).await;
    reader.version = to;
    assert_eq!(reader.refused(1).await, ErrorCode::FetchSessionTopicIdError);
}

async fn names_do_not_become_ids_in_a_session(client: Client) {
    changes(client, 12, 13).await;
}

async fn ids_do_not_become_names_in_a_session(client: Client) {
    changes(client, 13, 12).await;
}

async fn a_topic_that_appears_is_fetched_by_name(mut client: Client) {
    for version in client.each([7, 12]) {
        let name = client.unique("t");
        let missing = Place { name: &name, id: TopicId::default(), partition: 0 };
        let mut reader = Reader::begin(&mut client, version, &[(missing, 0)]).await;
        let answer = reader.go_on(&[]).await.topics.remove(0).partitions.remove(0);
        expect(answer.error_code, ErrorCode::UnknownTopicOrPartition);
        let topic = reader.client.topic_again(&name, 1).await;
        reader.client.append(topic.partition(0), Batch::of(&["a"])).await;
        let answer = reader.go_on(&[]).await.topics.remove(0).partitions.remove(0);
        expect(answer.error_code, ErrorCode::None);
    }
}

async fn an_unknown_id_is_told_every_time(mut client: Client) {
    for version in client.each([13, 18]) {
        let place = Place { name: "", id: TopicId(uuid::Uuid::new_v4()), partition: 0 };
        let mut reader = Reader::begin(&mut client, version, &[(place, 0)]).await;
        for _ in 0..2 {
            let answer = reader.go_on(&[]).await.topics.remove(0).partitions.remove(0);
            expect(answer.error_code, ErrorCode::UnknownTopicId);
        }
    }
}

async fn a_recreated_topic_in_a_session_of_ids(mut client: Client) {
    for version in client.each([13, 18]) {
        let old = client.topic("t", 1).await;
        let mut reader = Reader::begin(&mut client, version, &[(old.partition(0), 0)]).await;
        reader.client.ask(5, &delete_topics(&[&old.name])).await;
        let new = reader.client.topic_again(&old.name, 1).await;
        reader.client.append(new.partition(0), Batch::of(&["new"])).await;
        let answer = reader.go_on(&[]).await.topics.remove(0).partitions.remove(0);
        assert_ne!(answer.error_code, 0);
        assert!(answer.records.is_empty(), "nothing of the new topic");
    }
}

async fn a_small_limit_serves_every_partition_in_turn(mut client: Client) {
    for version in client.each(SOME) {
        let topic = client.topic("t", 3).await;
        for partition in 0..3 {
            fill(&mut client, topic.partition(partition), &[&["a"], &["b"], &["c"]]).await;
        }
        let wanted = [0, 1, 2].map(|partition| (topic.partition(partition), 0));
        let mut request = fetch_request(&wanted);
        request.max_bytes = 1;
        let mut reader = Reader { client: &mut client, version, session_id: 0, next_epoch: 0 };
        let mut served = Vec::new();
        let mut offsets = [0; 3];
        for round in 0..6 {
            let response = reader.ask(request).await;
            if round == 0 {
                reader.session_id = response.session_id;
            }
            let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
            let index =
                partitions.filter(|row| !row.records.is_empty()).map(|row| row.index).next();
            let index = index.expect("one batch is always sent");
            served.push(index);
            offsets[index as usize] += 1;
            request = fetch_request(&[(topic.partition(index), offsets[index as usize])]);
            request.max_bytes = 1;
        }
        // The first fetch of a session leaves the order as it is.
        assert_eq!(served, [0, 0, 1, 2, 0, 1], "each has its turn");
    }
}

async fn versions_without_sessions_have_none(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(4..=6) {
        let mut request = fetch_request(&[(topic.partition(0), 0)]);
        request.topics[0].partitions = vec![fetch_partition(0, 0)];
        let response = client.fetch(version, &request).await;
        assert_eq!(response.session_id, 0);
    }
}
