// The load test's driver of franz-go.
package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"tidegate/load/internal/protocol"
)

func main() {
	protocol.Main(&protocol.Driver{
		Name:     "franz-go " + protocol.Version("github.com/twmb/franz-go"),
		Producer: newProducer,
		Consumer: newConsumer,
		Error:    describe,
	})
}

func describe(err error) protocol.Error {
	var code *kerr.Error
	if errors.As(err, &code) {
		fatal := code == kerr.InvalidProducerEpoch || code == kerr.ProducerFenced || code == kerr.OutOfOrderSequenceNumber
		return protocol.Error{Code: code.Message, Message: err.Error(), Fatal: fatal}
	}
	for known, name := range map[error]string{
		kgo.ErrRecordTimeout:     "_MSG_TIMED_OUT",
		kgo.ErrRecordRetries:     "_RETRIES",
		kgo.ErrClientClosed:      "_DESTROY",
		context.DeadlineExceeded: "_TIMED_OUT",
	} {
		if errors.Is(err, known) {
			return protocol.Error{Code: name, Message: err.Error()}
		}
	}
	return protocol.Error{Code: "_TRANSPORT", Message: err.Error()}
}

// codecs by librdkafka's names.
var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

// common are the options of all clients.
func common(config protocol.Config) []kgo.Opt {
	return []kgo.Opt{
		kgo.SeedBrokers(strings.Split(config["bootstrap.servers"], ",")...),
		kgo.ClientID(config["client.id"]),
		kgo.RetryBackoffFn(func(int) time.Duration { return 100 * time.Millisecond }),
		kgo.MetadataMinAge(250 * time.Millisecond),
	}
}

type producer struct {
	client *kgo.Client
	out    *protocol.Out
}

func newProducer(command *protocol.Command, out *protocol.Out) (protocol.Producer, error) {
	config := command.Config
	options := append(common(config),
		kgo.RecordPartitioner(byRecord{kgo.StickyKeyPartitioner(nil)}),
		// The load test says how much may wait; this must not be less.
		kgo.MaxBufferedRecords(1_000_000),
	)
	if codec, ok := codecs[config.Either("compression.codec", "compression.type")]; ok {
		options = append(options, kgo.ProducerBatchCompression(codec))
	}
	config.Millis(func(t time.Duration) { options = append(options, kgo.ProducerLinger(t)) },
		"linger.ms", "queue.buffering.max.ms")
	// It counts from the record's timestamp, which is when the record was due.
	config.Millis(func(t time.Duration) { options = append(options, kgo.RecordDeliveryTimeout(t)) },
		"message.timeout.ms", "delivery.timeout.ms")
	acks := config.Either("acks", "request.required.acks")
	idempotent := config["enable.idempotence"] == "true" || command.TransactionalID != ""
	if !idempotent {
		options = append(options, kgo.DisableIdempotentWrite())
		if acks == "0" {
			options = append(options, kgo.RequiredAcks(kgo.NoAck()))
		} else if acks == "1" {
			options = append(options, kgo.RequiredAcks(kgo.LeaderAck()))
		}
	}
	if command.TransactionalID != "" {
		options = append(options, kgo.TransactionalID(command.TransactionalID))
	}
	client, err := kgo.NewClient(options...)
	return &producer{client, out}, err
}

func (p *producer) Send(record *protocol.Outgoing) {
	out := &kgo.Record{
		Topic: record.Topic, Key: record.Key, Value: record.Value, Timestamp: time.UnixMilli(record.Timestamp), Partition: -1,
	}
	if record.Partition != nil {
		out.Partition = *record.Partition
	}
	for _, header := range record.Headers {
		out.Headers = append(out.Headers, kgo.RecordHeader{Key: header.Name, Value: header.Value})
	}
	token := record.Token
	p.client.Produce(context.Background(), out, func(record *kgo.Record, err error) {
		if err != nil {
			p.out.Undelivered(token, err, !errors.Is(err, kerr.MessageTooLarge))
		} else {
			p.out.Delivered(token, record.Partition, record.Offset)
		}
	})
}

func (p *producer) Transaction(do string, timeoutMs int) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(timeoutMs)*time.Millisecond)
	defer cancel()
	switch do {
	case "init":
		_, _, err := p.client.ProducerID(ctx)
		return err
	case "begin":
		return p.client.BeginTransaction()
	case "abort":
		if err := p.client.AbortBufferedRecords(ctx); err != nil {
			return err
		}
		return p.client.EndTransaction(ctx, kgo.TryAbort)
	default:
		if err := p.client.Flush(ctx); err != nil {
			return err
		}
		return p.client.EndTransaction(ctx, kgo.TryCommit)
	}
}

func (p *producer) Close() { p.client.Close() }

// byRecord takes the partition that a record names, and asks another where it names none.
type byRecord struct{ otherwise kgo.Partitioner }

func (b byRecord) ForTopic(topic string) kgo.TopicPartitioner {
	return byRecordOfTopic{b.otherwise.ForTopic(topic)}
}

type byRecordOfTopic struct{ otherwise kgo.TopicPartitioner }

func (b byRecordOfTopic) RequiresConsistency(record *kgo.Record) bool {
	return record.Partition >= 0 || b.otherwise.RequiresConsistency(record)
}

func (b byRecordOfTopic) Partition(record *kgo.Record, partitions int) int {
	if record.Partition >= 0 {
		return int(record.Partition)
	}
	return b.otherwise.Partition(record, partitions)
}

type consumer struct {
	client  *kgo.Client
	out     *protocol.Out
	stop    context.CancelFunc
	stopped sync.WaitGroup
}

func newConsumer(command *protocol.Command, out *protocol.Out) (protocol.Consumer, error) {
	config := command.Config
	options := append(common(config), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if config["isolation.level"] == "read_committed" {
		options = append(options, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	config.Millis(func(t time.Duration) { options = append(options, kgo.FetchMaxWait(t)) }, "fetch.wait.max.ms")
	if command.Group != "" {
		options = append(options, groupOptions(command, out)...)
	} else {
		from := map[string]map[int32]kgo.Offset{}
		for _, place := range command.Partitions {
			if from[place.Topic] == nil {
				from[place.Topic] = map[int32]kgo.Offset{}
			}
			from[place.Topic][place.Partition] = kgo.NewOffset().AtStart()
		}
		options = append(options, kgo.ConsumePartitions(from))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	c := &consumer{client: client, out: out, stop: stop}
	c.stopped.Add(1)
	go c.read(ctx)
	return c, nil
}

func groupOptions(command *protocol.Command, out *protocol.Out) []kgo.Opt {
	config := command.Config
	tell := func(told func([]protocol.Place)) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			told(protocol.Places(partitions))
		}
	}
	options := []kgo.Opt{
		kgo.ConsumerGroup(command.Group),
		kgo.ConsumeTopics(command.Topics...),
		// What was polled is told before anything is taken away.
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(tell(out.Assigned)),
		kgo.OnPartitionsLost(tell(out.Revoked)),
		kgo.OnPartitionsRevoked(func(ctx context.Context, client *kgo.Client, partitions map[string][]int32) {
			if err := client.CommitUncommittedOffsets(ctx); err != nil && ctx.Err() == nil {
				out.Trouble(err)
			}
			out.Revoked(protocol.Places(partitions))
		}),
	}
	if config["enable.auto.commit"] == "false" {
		options = append(options, kgo.DisableAutoCommit())
	} else {
		config.Millis(func(t time.Duration) { options = append(options, kgo.AutoCommitInterval(t)) }, "auto.commit.interval.ms")
	}
	config.Millis(func(t time.Duration) { options = append(options, kgo.SessionTimeout(t)) }, "session.timeout.ms")
	config.Millis(func(t time.Duration) { options = append(options, kgo.HeartbeatInterval(t)) }, "heartbeat.interval.ms")
	return options
}

func (c *consumer) read(ctx context.Context) {
	defer c.stopped.Done()
	for ctx.Err() == nil {
		fetches := c.client.PollFetches(ctx)
		var records []protocol.Incoming
		fetches.EachRecord(func(record *kgo.Record) { records = append(records, incoming(record)) })
		c.out.Records(records)
		fetches.EachError(func(_ string, _ int32, err error) {
			if ctx.Err() == nil {
				c.out.Trouble(err)
			}
		})
		c.client.AllowRebalance()
	}
}

func incoming(record *kgo.Record) protocol.Incoming {
	in := protocol.Incoming{
		Topic: record.Topic, Partition: record.Partition, Offset: record.Offset,
		Timestamp: record.Timestamp.UnixMilli(), Appended: record.Attrs.TimestampType() == 1,
		Key: record.Key, Value: record.Value, Headers: []protocol.Header{},
	}
	for _, header := range record.Headers {
		in.Headers = append(in.Headers, protocol.Header{Name: header.Key, Value: header.Value})
	}
	return in
}

func (c *consumer) Close() {
	c.stop()
	c.stopped.Wait()
	c.client.CloseAllowingRebalance()
}
