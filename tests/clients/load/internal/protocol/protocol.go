// Package protocol is what the Go drivers share: commands in, events out. The
// README beside them describes both.
package protocol

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// What one line holds at most, so that the first of many is not told with the last.
const batchMax = 500

// Place is a partition of a topic.
type Place struct {
	Topic     string
	Partition int32
}

// UnmarshalJSON reads a place from its pair.
func (p *Place) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&p.Topic, &p.Partition})
}

// MarshalJSON writes a place as a pair.
func (p Place) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{p.Topic, p.Partition})
}

// Header is a record's header; a nil value is a null.
type Header struct {
	Name  string
	Value []byte
}

// UnmarshalJSON reads a header from its pair.
func (h *Header) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&h.Name, &h.Value})
}

// MarshalJSON writes a header as a pair.
func (h Header) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{h.Name, h.Value})
}

// Outgoing is a record to send. Key and value are nil where they are null, the
// partition where the key decides.
type Outgoing struct {
	Token     uint64   `json:"token"`
	Topic     string   `json:"topic"`
	Partition *int32   `json:"partition"`
	Key       []byte   `json:"key"`
	Value     []byte   `json:"value"`
	Headers   []Header `json:"headers"`
	Timestamp int64    `json:"timestamp"`
}

// Incoming is a record that was read.
type Incoming struct {
	Topic     string   `json:"topic"`
	Partition int32    `json:"partition"`
	Offset    int64    `json:"offset"`
	Timestamp int64    `json:"timestamp"`
	Appended  bool     `json:"appended"`
	Key       []byte   `json:"key"`
	Value     []byte   `json:"value"`
	Headers   []Header `json:"headers"`
}

// Command is a line of stdin.
type Command struct {
	Do              string     `json:"do"`
	ID              int        `json:"id"`
	Config          Config     `json:"config"`
	TransactionalID string     `json:"transactional_id"`
	Group           string     `json:"group"`
	Topics          []string   `json:"topics"`
	Partitions      []Place    `json:"partitions"`
	Records         []Outgoing `json:"records"`
	TimeoutMs       int        `json:"timeout_ms"`
}

// Error is how a failure is told.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Fatal   bool   `json:"fatal"`
}

// Producer is what a driver makes of a client.
type Producer interface {
	// Send blocks while the client has no room.
	Send(record *Outgoing)
	// Transaction does what init, begin, commit and abort are.
	Transaction(do string, timeoutMs int) error
	Close()
}

// Consumer is what a driver makes of a client. It reads by itself.
type Consumer interface {
	// Close returns when nothing more will be told.
	Close()
}

// Driver is one client library.
type Driver struct {
	Name     string
	Producer func(command *Command, out *Out) (Producer, error)
	Consumer func(command *Command, out *Out) (Consumer, error)
	// Error names a failure's code.
	Error func(error) Error
}

var (
	stdout = bufio.NewWriterSize(os.Stdout, 1<<20)
	mutex  sync.Mutex
)

func emit(event map[string]any) {
	line, err := json.Marshal(event)
	if err != nil {
		panic(err)
	}
	mutex.Lock()
	defer mutex.Unlock()
	stdout.Write(line)
	stdout.WriteByte('\n')
	// Nobody is there to hear of a failure: the load test is gone.
	if stdout.Flush() != nil {
		os.Exit(1)
	}
}

// Out tells what happens to one producer or consumer.
type Out struct {
	id     int
	driver *Driver
	acks   chan [3]int64
	told   sync.WaitGroup
}

// Delivered tells that a record was acknowledged.
func (o *Out) Delivered(token uint64, partition int32, offset int64) {
	o.acks <- [3]int64{int64(token), int64(partition), offset}
}

// Undelivered tells that a record was given up.
func (o *Out) Undelivered(token uint64, err error, maybeWritten bool) {
	emit(map[string]any{
		"event": "undelivered", "id": o.id, "token": token, "error": o.driver.Error(err), "maybe_written": maybeWritten,
	})
}

// Records tells what was read.
func (o *Out) Records(records []Incoming) {
	for len(records) > 0 {
		some := records[:min(len(records), batchMax)]
		records = records[len(some):]
		emit(map[string]any{"event": "records", "id": o.id, "records": some})
	}
}

// Assigned and Revoked tell what the group gave and took.
func (o *Out) Assigned(places []Place) { o.places("assigned", places) }
func (o *Out) Revoked(places []Place)  { o.places("revoked", places) }

func (o *Out) places(event string, places []Place) {
	if len(places) > 0 {
		emit(map[string]any{"event": event, "id": o.id, "partitions": places})
	}
}

// Trouble tells of what belongs to no record.
func (o *Out) Trouble(err error) {
	emit(map[string]any{"event": "trouble", "id": o.id, "error": o.driver.Error(err)})
}

func (o *Out) answer(do string, err error) {
	if err == nil {
		emit(map[string]any{"event": "done", "id": o.id, "do": do})
	} else {
		emit(map[string]any{"event": "failed", "id": o.id, "do": do, "error": o.driver.Error(err)})
	}
}

// tellAcks writes all acknowledgements that are there in one line.
func (o *Out) tellAcks() {
	defer o.told.Done()
	for first := range o.acks {
		some := append(make([][3]int64, 0, batchMax), first)
		for more := true; more && len(some) < batchMax; {
			select {
			case ack, open := <-o.acks:
				if more = open; open {
					some = append(some, ack)
				}
			default:
				more = false
			}
		}
		emit(map[string]any{"event": "delivered", "id": o.id, "acks": some})
	}
}

// queue holds the commands of one id. It has no limit, so that one that waits for
// its client does not hold up the others: the load test limits what it sends.
type queue struct {
	mutex    sync.Mutex
	some     *sync.Cond
	commands []*Command
}

func newQueue() *queue {
	q := &queue{}
	q.some = sync.NewCond(&q.mutex)
	return q
}

func (q *queue) put(command *Command) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.commands = append(q.commands, command)
	q.some.Signal()
}

func (q *queue) take() *Command {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	for len(q.commands) == 0 {
		q.some.Wait()
	}
	command := q.commands[0]
	q.commands[0] = nil
	q.commands = q.commands[1:]
	return command
}

// Main obeys the commands of stdin until it ends.
func Main(driver *Driver) {
	emit(map[string]any{"event": "hello", "client": driver.Name, "protocol": 1})
	handles := map[int]*queue{}
	lines := json.NewDecoder(bufio.NewReaderSize(os.Stdin, 1<<20))
	for {
		command := &Command{}
		if err := lines.Decode(command); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			fmt.Fprintln(os.Stderr, "stdin:", err)
			os.Exit(1)
		}
		handle, known := handles[command.ID]
		if !known {
			handle = newQueue()
			handles[command.ID] = handle
			go serve(driver, command.ID, handle)
		}
		handle.put(command)
		if command.Do == "close" {
			delete(handles, command.ID)
		}
	}
}

// serve obeys the commands of one id.
func serve(driver *Driver, id int, commands *queue) {
	out := &Out{id: id, driver: driver, acks: make(chan [3]int64, 10*batchMax)}
	out.told.Add(1)
	go out.tellAcks()
	var producer Producer
	var consumer Consumer
	for {
		command := commands.take()
		var err error
		switch command.Do {
		case "producer":
			producer, err = driver.Producer(command, out)
			out.answer(command.Do, err)
		case "consumer":
			consumer, err = driver.Consumer(command, out)
			out.answer(command.Do, err)
		case "send":
			for i := range command.Records {
				producer.Send(&command.Records[i])
			}
		case "init", "begin", "commit", "abort":
			out.answer(command.Do, producer.Transaction(command.Do, command.TimeoutMs))
		case "close":
			if producer != nil {
				producer.Close()
			}
			if consumer != nil {
				consumer.Close()
			}
			close(out.acks)
			out.told.Wait()
			emit(map[string]any{"event": "closed", "id": id})
			return
		default:
			fmt.Fprintln(os.Stderr, "unknown command", command.Do)
			os.Exit(1)
		}
	}
}
