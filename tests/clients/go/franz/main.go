// The driver of franz-go.
package main

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"tidegate/clients/internal/driver"
)

const messageBytesMax = 1 << 20

func main() {
	driver.Main(map[string]func(driver.Options){
		"capabilities": func(driver.Options) {
			driver.Capabilities(map[string]any{"assignors": []string{"range", "roundrobin", "sticky", "cooperative-sticky"}})
		},
		"produce": produce,
		"consume": consume,
		"group":   group,
		"admin":   admin,
		"follow":  follow,
	})
}

func codec(name string) kgo.CompressionCodec {
	switch name {
	case "none":
		return kgo.NoCompression()
	case "gzip":
		return kgo.GzipCompression()
	case "snappy":
		return kgo.SnappyCompression()
	case "lz4":
		return kgo.Lz4Compression()
	case "zstd":
		return kgo.ZstdCompression()
	}
	driver.Fail("unknown codec %s", name)
	panic("Fail has ended the process")
}

func producerOptions(options driver.Options) []kgo.Opt {
	settings := []kgo.Opt{
		kgo.SeedBrokers(options.Required("bootstrap")),
		kgo.DefaultProduceTopic(options.Required("topic")),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codec(options.Required("codec"))),
		kgo.ProducerBatchMaxBytes(messageBytesMax),
		kgo.ProducerLinger(5 * time.Millisecond),
	}
	switch options.Required("acks") {
	case "0":
		settings = append(settings, kgo.RequiredAcks(kgo.NoAck()))
	case "1":
		settings = append(settings, kgo.RequiredAcks(kgo.LeaderAck()))
	case "all":
		settings = append(settings, kgo.RequiredAcks(kgo.AllISRAcks()))
	}
	if options["idempotent"] != "true" {
		settings = append(settings, kgo.DisableIdempotentWrite())
		if options["acks"] == "all" {
			settings = append(settings, kgo.MaxProduceRequestsInflightPerBroker(1))
		}
	}
	return settings
}

func produce(options driver.Options) {
	client, err := kgo.NewClient(producerOptions(options)...)
	driver.Check(err, "client")
	acks := driver.Acks{WithoutOffsets: options["acks"] == "0"}
	sent := options.Records(func(i int, record driver.Record) {
		out := &kgo.Record{Partition: record.Partition, Key: record.Key, Value: record.Value}
		for _, header := range record.Headers {
			out.Headers = append(out.Headers, kgo.RecordHeader{Key: header.Name, Value: header.Value})
		}
		if record.Timestamp != nil {
			out.Timestamp = time.UnixMilli(*record.Timestamp)
		}
		client.Produce(context.Background(), out, func(acked *kgo.Record, err error) {
			if err != nil {
				driver.Fail("record %d was not acknowledged: %v", i, err)
			}
			acks.Add(i, acked.Partition, acked.Offset)
		})
	})
	// Not kgo.RecordDeliveryTimeout: it counts from a record's own timestamp.
	ctx, cancel := context.WithTimeout(context.Background(), options.Millis("timeout-ms", 60000))
	defer cancel()
	driver.Check(client.Flush(ctx), "flush")
	acks.ExpectAll(sent)
	client.Close()
}

func consume(options driver.Options) {
	topic := options.Required("topic")
	timeout := options.Millis("timeout-ms", 30000)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	count := int(options.Millis("count", 0) / time.Millisecond)

	seed := kgo.SeedBrokers(options.Required("bootstrap"))
	asking, err := kgo.NewClient(seed)
	driver.Check(err, "client")
	topics, err := kadm.NewClient(asking).ListTopics(ctx, topic)
	driver.Check(err, "metadata")
	asking.Close()
	from := map[int32]kgo.Offset{}
	for _, partition := range topics[topic].Partitions.Numbers() {
		from[partition] = kgo.NewOffset().AtStart()
	}

	client, err := kgo.NewClient(seed,
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}),
		kgo.FetchMaxWait(100*time.Millisecond))
	driver.Check(err, "client")
	defer client.Close()
	for seen := 0; seen < count; {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			driver.Fail("only %d of %d records within %v", seen, count, timeout)
		}
		fetches.EachError(func(_ string, partition int32, err error) {
			driver.Fail("partition %d: %v", partition, err)
		})
		fetches.EachRecord(func(record *kgo.Record) {
			var headers []driver.Header
			for _, header := range record.Headers {
				headers = append(headers, driver.Header{Name: header.Key, Value: header.Value})
			}
			driver.EmitRecord(record.Partition, record.Offset, record.Timestamp.UnixMilli(), record.Key, record.Value, headers)
			seen++
		})
	}
}

func balancer(name string) kgo.GroupBalancer {
	switch name {
	case "", "range":
		return kgo.RangeBalancer()
	case "roundrobin":
		return kgo.RoundRobinBalancer()
	case "sticky":
		return kgo.StickyBalancer()
	case "cooperative-sticky":
		return kgo.CooperativeStickyBalancer()
	}
	driver.Fail("unknown assignor %s", name)
	panic("Fail has ended the process")
}

func reset(name string) kgo.Offset {
	switch name {
	case "", "earliest":
		return kgo.NewOffset().AtStart()
	case "latest":
		return kgo.NewOffset().AtEnd()
	case "none":
		return kgo.NoResetOffset()
	}
	driver.Fail("unknown reset %s", name)
	panic("Fail has ended the process")
}

func groupOptions(options driver.Options, printed *driver.Printed) []kgo.Opt {
	topic := options.Required("topic")
	// A rebalance that keeps a member's partitions is announced all the same,
	// but one that takes nothing away is not worth a line.
	revoked := func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
		if len(partitions[topic]) > 0 {
			printed.Revoked(partitions[topic])
		}
	}
	settings := []kgo.Opt{
		kgo.SeedBrokers(options.Required("bootstrap")),
		kgo.ConsumerGroup(options.Required("group")),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(reset(options["reset"])),
		kgo.DisableAutoCommit(),
		kgo.SessionTimeout(options.Millis("session-timeout-ms", 6000)),
		kgo.HeartbeatInterval(time.Second),
		kgo.FetchMaxWait(100 * time.Millisecond),
		kgo.Balancers(balancer(options["assignor"])),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			printed.Assigned(partitions[topic])
		}),
		kgo.OnPartitionsRevoked(revoked),
		kgo.OnPartitionsLost(revoked),
	}
	if id, ok := options["instance-id"]; ok {
		settings = append(settings, kgo.InstanceID(id))
	}
	return settings
}

func group(options driver.Options) {
	printed := &driver.Printed{}
	client, err := kgo.NewClient(groupOptions(options, printed)...)
	driver.Check(err, "client")
	commands := driver.Commands()
	for {
		poll(client, printed)
		select {
		case command := <-commands:
			switch command {
			case "commit":
				commit(client, options.Required("topic"), printed)
			case "close":
				client.CloseAllowingRebalance()
				driver.Emit(map[string]any{"event": "closed"})
				return
			default:
				driver.Fail("unknown command %s", command)
			}
		default:
		}
	}
}

func poll(client *kgo.Client, printed *driver.Printed) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	fetches := client.PollFetches(ctx)
	fetches.EachError(func(_ string, _ int32, err error) {
		if errors.Is(err, kerr.OffsetOutOfRange) {
			driver.Emit(map[string]any{"event": "lost"})
		}
	})
	fetches.EachRecord(func(record *kgo.Record) {
		printed.Record(record.Partition, record.Offset, record.Key)
	})
	client.AllowRebalance()
}

func commit(client *kgo.Client, topic string, printed *driver.Printed) {
	offsets := printed.Offsets()
	rows := map[string]map[int32]kgo.EpochOffset{topic: {}}
	for partition, offset := range offsets {
		rows[topic][partition] = kgo.EpochOffset{Epoch: -1, Offset: offset}
	}
	if len(offsets) > 0 {
		var failed error
		client.CommitOffsetsSync(context.Background(), rows, committed(&failed))
		driver.Check(failed, "commit")
	}
	driver.Emit(map[string]any{"event": "committed", "offsets": offsets})
}
