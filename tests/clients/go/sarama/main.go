// The driver of sarama.
package main

import (
	"context"
	"errors"
	"log"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"tidegate/clients/internal/driver"
)

func main() {
	sarama.Logger = log.New(os.Stderr, "", log.LstdFlags)
	driver.Main(map[string]func(driver.Options){
		"capabilities": func(driver.Options) {
			driver.Capabilities(map[string]any{"assignors": []string{"range", "roundrobin"}})
		},
		"produce": produce,
		"consume": consume,
		"group":   group,
		"admin":   admin,
	})
}

func configuration() *sarama.Config {
	config := sarama.NewConfig()
	config.ClientID = "sarama-driver"
	config.Version = sarama.MaxVersion
	config.Metadata.Retry.Max = 60
	config.Metadata.Retry.Backoff = 250 * time.Millisecond
	config.Consumer.Return.Errors = true
	config.Consumer.MaxWaitTime = 100 * time.Millisecond
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	return config
}

var codecs = map[string]sarama.CompressionCodec{
	"none":   sarama.CompressionNone,
	"gzip":   sarama.CompressionGZIP,
	"snappy": sarama.CompressionSnappy,
	"lz4":    sarama.CompressionLZ4,
	"zstd":   sarama.CompressionZSTD,
}

var acksByName = map[string]sarama.RequiredAcks{
	"0":   sarama.NoResponse,
	"1":   sarama.WaitForLocal,
	"all": sarama.WaitForAll,
}

func producerConfiguration(options driver.Options) *sarama.Config {
	config := configuration()
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Compression = codecs[options.Required("codec")]
	config.Producer.RequiredAcks = acksByName[options.Required("acks")]
	config.Producer.Idempotent = options["idempotent"] == "true"
	config.Producer.Return.Successes = true
	config.Producer.MaxMessageBytes = 1 << 20
	config.Producer.Flush.Frequency = 5 * time.Millisecond
	config.Producer.Retry.Max = 100
	// More than one would let requests overtake each other on a retry; with
	// idempotence sarama demands it.
	config.Net.MaxOpenRequests = 1
	return config
}

func produce(options driver.Options) {
	producer, err := sarama.NewAsyncProducer([]string{options.Required("bootstrap")}, producerConfiguration(options))
	driver.Check(err, "producer")
	acks := driver.Acks{WithoutOffsets: options["acks"] == "0"}
	var reading sync.WaitGroup
	reading.Add(2)
	go func() {
		defer reading.Done()
		for message := range producer.Successes() {
			acks.Add(message.Metadata.(int), message.Partition, message.Offset)
		}
	}()
	go func() {
		defer reading.Done()
		for failure := range producer.Errors() {
			driver.Fail("record %v was not acknowledged: %v", failure.Msg.Metadata, failure.Err)
		}
	}()
	sent := options.Records(func(i int, record driver.Record) {
		producer.Input() <- message(options.Required("topic"), i, record)
	})
	producer.AsyncClose()
	reading.Wait()
	acks.ExpectAll(sent)
}

func message(topic string, i int, record driver.Record) *sarama.ProducerMessage {
	out := &sarama.ProducerMessage{Topic: topic, Partition: record.Partition, Metadata: i}
	// An encoder around nil would stand for empty bytes.
	if record.Key != nil {
		out.Key = sarama.ByteEncoder(record.Key)
	}
	if record.Value != nil {
		out.Value = sarama.ByteEncoder(record.Value)
	}
	for _, header := range record.Headers {
		out.Headers = append(out.Headers, sarama.RecordHeader{Key: []byte(header.Name), Value: header.Value})
	}
	if record.Timestamp != nil {
		out.Timestamp = time.UnixMilli(*record.Timestamp)
	}
	return out
}

func consume(options driver.Options) {
	topic := options.Required("topic")
	count, err := strconv.Atoi(options.Required("count"))
	driver.Check(err, "--count")
	consumer, err := sarama.NewConsumer([]string{options.Required("bootstrap")}, configuration())
	driver.Check(err, "consumer")
	partitions, err := consumer.Partitions(topic)
	driver.Check(err, "partitions")
	messages := make(chan *sarama.ConsumerMessage, 1000)
	for _, partition := range partitions {
		reading, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
		driver.Check(err, "partition")
		go func() {
			for err := range reading.Errors() {
				driver.Fail("partition %d: %v", partition, err)
			}
		}()
		go func() {
			for message := range reading.Messages() {
				messages <- message
			}
		}()
	}
	timeout := options.Millis("timeout-ms", 30000)
	end := time.After(timeout)
	for seen := 0; seen < count; seen++ {
		select {
		case message := <-messages:
			described(message)
		case <-end:
			driver.Fail("only %d of %d records within %v", seen, count, timeout)
		}
	}
}

func described(message *sarama.ConsumerMessage) {
	var headers []driver.Header
	for _, header := range message.Headers {
		headers = append(headers, driver.Header{Name: string(header.Key), Value: header.Value})
	}
	driver.EmitRecord(message.Partition, message.Offset, message.Timestamp.UnixMilli(), message.Key, message.Value, headers)
}

// member is a consumer group's handler. Sarama calls it in sessions, one for
// each generation, and reads each partition in a goroutine of its own.
type member struct {
	topic   string
	printed driver.Printed
	mutex   sync.Mutex
	session sarama.ConsumerGroupSession
}

func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.session = session
	m.printed.Assigned(session.Claims()[m.topic])
	return nil
}

func (m *member) Cleanup(session sarama.ConsumerGroupSession) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.session = nil
	m.printed.Revoked(session.Claims()[m.topic])
	return nil
}

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, ok := <-claim.Messages():
			if !ok {
				return nil
			}
			m.printed.Record(message.Partition, message.Offset, message.Key)
		case <-session.Context().Done():
			return nil
		}
	}
}

func (m *member) commit() bool {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.session == nil {
		return false
	}
	offsets := m.printed.Offsets()
	for partition, offset := range offsets {
		m.session.MarkOffset(m.topic, partition, offset, "")
	}
	m.session.Commit()
	driver.Emit(map[string]any{"event": "committed", "offsets": offsets})
	return true
}

func group(options driver.Options) {
	config := configuration()
	config.Consumer.Group.Session.Timeout = options.Millis("session-timeout-ms", 6000)
	config.Consumer.Group.Heartbeat.Interval = time.Second
	config.Consumer.Group.InstanceId = options["instance-id"]
	config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{strategy(options["assignor"])}
	consumer, err := sarama.NewConsumerGroup([]string{options.Required("bootstrap")}, options.Required("group"), config)
	driver.Check(err, "group")
	go func() {
		for err := range consumer.Errors() {
			log.Print(err)
		}
	}()
	m := &member{topic: options.Required("topic")}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for ctx.Err() == nil {
			if err := consumer.Consume(ctx, []string{m.topic}, m); errors.Is(err, sarama.ErrClosedConsumerGroup) {
				return
			} else if err != nil {
				log.Print(err)
				time.Sleep(100 * time.Millisecond)
			}
		}
	}()
	for command := range driver.Commands() {
		switch command {
		case "commit":
			for !m.commit() {
				time.Sleep(100 * time.Millisecond)
			}
		case "close":
			cancel()
			<-finished
			driver.Check(consumer.Close(), "close")
			driver.Emit(map[string]any{"event": "closed"})
			return
		default:
			driver.Fail("unknown command %s", command)
		}
	}
}

func strategy(name string) sarama.BalanceStrategy {
	switch name {
	case "", "range":
		return sarama.NewBalanceStrategyRange()
	case "roundrobin":
		return sarama.NewBalanceStrategyRoundRobin()
	}
	driver.Fail("unknown assignor %s", name)
	panic("Fail has ended the process")
}
