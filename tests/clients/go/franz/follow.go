package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"tidegate/clients/internal/driver"
)

// follow is a member of a group that commits after every poll, until it is told
// to close, and prints each commit that was acknowledged, with the generation in
// which it was made.
func follow(options driver.Options) {
	topic := options.Required("topic")
	client, err := kgo.NewClient(
		kgo.SeedBrokers(options.Required("bootstrap")),
		kgo.ConsumerGroup(options.Required("group")),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.Balancers(kgo.RangeBalancer()),
		kgo.BlockRebalanceOnPoll(),
		kgo.SessionTimeout(10*time.Second),
		kgo.HeartbeatInterval(500*time.Millisecond),
		kgo.FetchMaxWait(50*time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
	)
	driver.Check(err, "client")
	commands := driver.Commands()
	for {
		select {
		case <-commands:
			client.CloseAllowingRebalance()
			return
		default:
			followOnce(client, topic)
		}
	}
}

func followOnce(client *kgo.Client, topic string) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	defer client.AllowRebalance()
	next := map[int32]int64{}
	rows := map[string]map[int32]kgo.EpochOffset{topic: {}}
	client.PollFetches(ctx).EachRecord(func(record *kgo.Record) {
		next[record.Partition] = record.Offset + 1
		rows[topic][record.Partition] = kgo.EpochOffset{Epoch: record.LeaderEpoch, Offset: record.Offset + 1}
	})
	if len(next) == 0 {
		return
	}
	_, generation := client.GroupMetadata()
	var failed error
	client.CommitOffsetsSync(context.Background(), rows, committed(&failed))
	var code *kerr.Error
	switch {
	case failed == nil:
		driver.Emit(map[string]any{"generation": generation, "committed": next})
	case errors.As(failed, &code) && code != kerr.RebalanceInProgress && code != kerr.IllegalGeneration && code != kerr.UnknownMemberID && !code.Retriable:
		driver.Fail("commit: %v", failed)
	default:
		// The group is on its way to a new generation, in which these records come again.
		fmt.Fprintln(os.Stderr, "commit:", failed)
	}
}
