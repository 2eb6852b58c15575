package registry

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

// What the messages of protobufText hold; encoded as JSON, because the tests are about the bytes before the message.
type (
	order  struct{ ID int64 }
	line   struct{ SKU string }
	refund struct{ OrderID int64 }
)

// The Serde's magic byte, id and message indexes, through a topic, back into the type that the registry's id stands for.
func TestSerdeWritesAndReadsThroughATopic(t *testing.T) {
	cl, ctx := client(t)
	topic := t.Name()
	made := must(cl.CreateSchema(ctx, topic+"-value", sr.Schema{Schema: protobufText, Type: sr.TypeProtobuf}))(t)
	serde := func(id int) *sr.Serde {
		s := sr.NewSerde(sr.EncodeFn(json.Marshal), sr.DecodeFn(json.Unmarshal))
		s.Register(id, order{}, sr.Index(0))
		s.Register(id, line{}, sr.Index(0, 0))
		s.Register(id, refund{}, sr.Index(1))
		return s
	}
	messages := []any{order{7}, line{"blue"}, refund{7}}
	indexes := [][]byte{{0}, {4, 0, 0}, {2, 2}}

	kafka, err := kgo.NewClient(
		kgo.SeedBrokers(os.Getenv("KAFKA_SEEDS")),
		kgo.AllowAutoTopicCreation(),
		kgo.DefaultProduceTopic(topic),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer kafka.Close()
	writing := serde(made.ID)
	for _, message := range messages {
		value := must(writing.Encode(message))(t)
		if err := kafka.ProduceSync(ctx, &kgo.Record{Value: value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}

	// The reader knows the topic and asks the registry for the rest.
	var records []*kgo.Record
	for len(records) < len(messages) {
		fetches := kafka.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatal(err)
		}
		records = append(records, fetches.Records()...)
	}
	for i, record := range records {
		head := append([]byte{0}, binary.BigEndian.AppendUint32(nil, uint32(made.ID))...)
		if !bytes.HasPrefix(record.Value, append(head, indexes[i]...)) {
			t.Errorf("record %d begins with % x", i, record.Value[:min(len(record.Value), 10)])
		}
		id, _, err := new(sr.Serde).DecodeID(record.Value)
		if err != nil {
			t.Fatal(err)
		}
		found := must(cl.SchemaByID(ctx, id))(t)
		equal(t, "type", found.Type, sr.TypeProtobuf)
		got := must(serde(id).DecodeNew(record.Value))(t)
		switch want := messages[i].(type) {
		case order:
			equal(t, "order", got, &want)
		case line:
			equal(t, "line", got, &want)
		case refund:
			equal(t, "refund", got, &want)
		}
	}
}
