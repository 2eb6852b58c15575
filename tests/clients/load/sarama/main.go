// The load test's driver of sarama.
package main

import (
	"context"
	"errors"
	"io"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kerr"
	"tidegate/load/internal/protocol"
)

func main() {
	sarama.Logger = log.New(io.Discard, "", 0)
	if os.Getenv("DRIVER_LOG") != "" {
		sarama.Logger = log.New(os.Stderr, "", log.LstdFlags)
	}
	protocol.Main(&protocol.Driver{
		Name:     "sarama " + protocol.Version("github.com/IBM/sarama"),
		Producer: newProducer,
		Consumer: newConsumer,
		Error:    describe,
	})
}

func describe(err error) protocol.Error {
	var code sarama.KError
	if errors.As(err, &code) {
		fatal := code == sarama.ErrInvalidProducerEpoch || code == sarama.ErrOutOfOrderSequenceNumber
		return protocol.Error{Code: kerr.TypedErrorForCode(int16(code)).Message, Message: err.Error(), Fatal: fatal}
	}
	if errors.Is(err, sarama.ErrShuttingDown) || errors.Is(err, sarama.ErrClosedClient) {
		return protocol.Error{Code: "_DESTROY", Message: err.Error()}
	}
	return protocol.Error{Code: "_TRANSPORT", Message: err.Error()}
}

// codecs by librdkafka's names.
var codecs = map[string]sarama.CompressionCodec{
	"none":   sarama.CompressionNone,
	"gzip":   sarama.CompressionGZIP,
	"snappy": sarama.CompressionSnappy,
	"lz4":    sarama.CompressionLZ4,
	"zstd":   sarama.CompressionZSTD,
}

// common are the settings of all clients.
func common(config protocol.Config) *sarama.Config {
	settings := sarama.NewConfig()
	settings.ClientID = config["client.id"]
	settings.Version = sarama.MaxVersion
	settings.Metadata.Retry.Max = 120
	settings.Metadata.Retry.Backoff = 250 * time.Millisecond
	return settings
}

// into sets a time.
func into(setting *time.Duration) func(time.Duration) {
	return func(t time.Duration) { *setting = t }
}

type producer struct {
	producer sarama.AsyncProducer
	closed   chan struct{}
}

func newProducer(command *protocol.Command, out *protocol.Out) (protocol.Producer, error) {
	config := command.Config
	settings := common(config)
	settings.Producer.Return.Successes = true
	settings.Producer.Partitioner = newPartitioner
	settings.Producer.Compression = codecs[config.Either("compression.codec", "compression.type")]
	settings.Producer.RequiredAcks = sarama.WaitForAll
	switch config.Either("acks", "request.required.acks") {
	case "0":
		settings.Producer.RequiredAcks = sarama.NoResponse
	case "1":
		settings.Producer.RequiredAcks = sarama.WaitForLocal
	}
	config.Millis(into(&settings.Producer.Flush.Frequency), "linger.ms", "queue.buffering.max.ms")
	settings.Producer.Idempotent = config["enable.idempotence"] == "true" || command.TransactionalID != ""
	settings.Producer.Transaction.ID = command.TransactionalID
	// More than one would let requests overtake each other on a retry; with idempotence sarama demands it.
	settings.Net.MaxOpenRequests = 1
	// It knows retries and no time for a record: as many as fit into that time.
	settings.Producer.Retry.Backoff = 250 * time.Millisecond
	patience := 30 * time.Second
	config.Millis(into(&patience), "message.timeout.ms", "delivery.timeout.ms")
	settings.Producer.Retry.Max = max(1, int(patience/settings.Producer.Retry.Backoff))
	client, err := sarama.NewAsyncProducer(strings.Split(config["bootstrap.servers"], ","), settings)
	if err != nil {
		return nil, err
	}
	p := &producer{producer: client, closed: make(chan struct{})}
	go p.tell(out)
	return p, nil
}

func (p *producer) tell(out *protocol.Out) {
	defer close(p.closed)
	successes, failures := p.producer.Successes(), p.producer.Errors()
	for successes != nil || failures != nil {
		select {
		case message, open := <-successes:
			if !open {
				successes = nil
				continue
			}
			out.Delivered(message.Metadata.(uint64), message.Partition, message.Offset)
		case failure, open := <-failures:
			if !open {
				failures = nil
				continue
			}
			out.Undelivered(failure.Msg.Metadata.(uint64), failure.Err, !errors.Is(failure.Err, sarama.ErrMessageSizeTooLarge))
		}
	}
}

func (p *producer) Send(record *protocol.Outgoing) {
	out := &sarama.ProducerMessage{
		Topic: record.Topic, Partition: -1, Metadata: record.Token, Timestamp: time.UnixMilli(record.Timestamp),
	}
	// An encoder around nil would stand for empty bytes.
	if record.Key != nil {
		out.Key = sarama.ByteEncoder(record.Key)
	}
	if record.Value != nil {
		out.Value = sarama.ByteEncoder(record.Value)
	}
	if record.Partition != nil {
		out.Partition = *record.Partition
	}
	for _, header := range record.Headers {
		out.Headers = append(out.Headers, sarama.RecordHeader{Key: []byte(header.Name), Value: header.Value})
	}
	p.producer.Input() <- out
}

func (p *producer) Transaction(do string, _ int) error {
	switch do {
	case "begin":
		return p.producer.BeginTxn()
	case "commit":
		return p.producer.CommitTxn()
	case "abort":
		return p.producer.AbortTxn()
	}
	// It was done when the producer was made.
	return nil
}

func (p *producer) Close() {
	p.producer.AsyncClose()
	select {
	case <-p.closed:
	case <-time.After(5 * time.Second):
	}
}

// partitioner takes the partition that a message names, and the key's hash where it names none.
type partitioner struct{ byKey sarama.Partitioner }

func newPartitioner(topic string) sarama.Partitioner {
	return partitioner{sarama.NewHashPartitioner(topic)}
}

func (p partitioner) Partition(message *sarama.ProducerMessage, partitions int32) (int32, error) {
	if message.Partition >= 0 {
		return message.Partition, nil
	}
	return p.byKey.Partition(message, partitions)
}

func (p partitioner) RequiresConsistency() bool { return true }

// consumer is also a consumer group's handler. Sarama calls it in sessions, one for each generation, and reads each
// partition in a goroutine of its own.
type consumer struct {
	out     *protocol.Out
	stop    context.CancelFunc
	stopped sync.WaitGroup
	close   func() error
}

func newConsumer(command *protocol.Command, out *protocol.Out) (protocol.Consumer, error) {
	config := command.Config
	settings := common(config)
	settings.Consumer.Return.Errors = true
	settings.Consumer.Offsets.Initial = sarama.OffsetOldest
	settings.Consumer.Offsets.AutoCommit.Enable = config["enable.auto.commit"] != "false"
	if config["isolation.level"] == "read_committed" {
		settings.Consumer.IsolationLevel = sarama.ReadCommitted
	}
	config.Millis(into(&settings.Consumer.Offsets.AutoCommit.Interval), "auto.commit.interval.ms")
	config.Millis(into(&settings.Consumer.MaxWaitTime), "fetch.wait.max.ms")
	config.Millis(into(&settings.Consumer.Group.Session.Timeout), "session.timeout.ms")
	config.Millis(into(&settings.Consumer.Group.Heartbeat.Interval), "heartbeat.interval.ms")
	ctx, stop := context.WithCancel(context.Background())
	c := &consumer{out: out, stop: stop}
	addresses := strings.Split(config["bootstrap.servers"], ",")
	if command.Group != "" {
		return c, c.joinGroup(ctx, command, addresses, settings)
	}
	return c, c.readPartitions(ctx, command.Partitions, addresses, settings)
}

func (c *consumer) joinGroup(ctx context.Context, command *protocol.Command, addresses []string, settings *sarama.Config) error {
	group, err := sarama.NewConsumerGroup(addresses, command.Group, settings)
	if err != nil {
		return err
	}
	c.close = group.Close
	go func() {
		for err := range group.Errors() {
			c.out.Trouble(err)
		}
	}()
	c.stopped.Add(1)
	go func() {
		defer c.stopped.Done()
		for ctx.Err() == nil {
			if err := group.Consume(ctx, command.Topics, c); err != nil && ctx.Err() == nil {
				c.out.Trouble(err)
				time.Sleep(100 * time.Millisecond)
			}
		}
	}()
	return nil
}

func (c *consumer) readPartitions(ctx context.Context, places []protocol.Place, addresses []string, settings *sarama.Config) error {
	reader, err := sarama.NewConsumer(addresses, settings)
	if err != nil {
		return err
	}
	c.close = reader.Close
	for _, place := range places {
		partition, err := reader.ConsumePartition(place.Topic, place.Partition, sarama.OffsetOldest)
		if err != nil {
			return err
		}
		c.stopped.Add(2)
		go func() {
			defer c.stopped.Done()
			for err := range partition.Errors() {
				c.out.Trouble(err)
			}
		}()
		go func() {
			defer c.stopped.Done()
			c.tell(ctx, partition.Messages(), func(*sarama.ConsumerMessage) {})
			partition.AsyncClose()
		}()
	}
	return nil
}

// recordsMax is how many records are told together at most.
const recordsMax = 500

// tell passes on what comes until the context or the channel ends; `passed` hears the last of each lot.
func (c *consumer) tell(ctx context.Context, messages <-chan *sarama.ConsumerMessage, passed func(*sarama.ConsumerMessage)) {
	for {
		select {
		case message, open := <-messages:
			if !open {
				return
			}
			records := []protocol.Incoming{incoming(message)}
			for more := true; more && len(records) < recordsMax; {
				select {
				case next, open := <-messages:
					if more = open; open {
						message = next
						records = append(records, incoming(message))
					}
				default:
					more = false
				}
			}
			c.out.Records(records)
			passed(message)
		case <-ctx.Done():
			return
		}
	}
}

func incoming(message *sarama.ConsumerMessage) protocol.Incoming {
	in := protocol.Incoming{
		Topic: message.Topic, Partition: message.Partition, Offset: message.Offset,
		Timestamp: message.Timestamp.UnixMilli(), Key: message.Key, Value: message.Value, Headers: []protocol.Header{},
	}
	for _, header := range message.Headers {
		in.Headers = append(in.Headers, protocol.Header{Name: string(header.Key), Value: header.Value})
	}
	return in
}

// Setup is called when a generation begins.
func (c *consumer) Setup(session sarama.ConsumerGroupSession) error {
	c.out.Assigned(protocol.Places(session.Claims()))
	return nil
}

// Cleanup is called when a generation ends and all of its partitions' readers have returned.
func (c *consumer) Cleanup(session sarama.ConsumerGroupSession) error {
	c.out.Revoked(protocol.Places(session.Claims()))
	return nil
}

// ConsumeClaim reads one partition of a generation.
func (c *consumer) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	c.tell(session.Context(), claim.Messages(), func(last *sarama.ConsumerMessage) { session.MarkMessage(last, "") })
	return nil
}

func (c *consumer) Close() {
	c.stop()
	c.stopped.Wait()
	if err := c.close(); err != nil {
		c.out.Trouble(err)
	}
}
