// Package driver holds what the Go drivers share: arguments, records in,
// results out. tests/clients/README.md describes the verbs.
package driver

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const valuePrintedBytesMax = 64 * 1024

// Options are the --key value pairs of a command line.
type Options map[string]string

// Header is a record's header; a nil value is a null.
type Header struct {
	Name  string
	Value []byte
}

// Record is one to produce. Key and value are nil where they are null.
type Record struct {
	Partition int32    `json:"partition"`
	Key       []byte   `json:"key"`
	Value     []byte   `json:"value"`
	Headers   []Header `json:"headers"`
	Timestamp *int64   `json:"timestamp"`
}

// UnmarshalJSON reads a header from its pair of name and value.
func (h *Header) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&h.Name, &h.Value})
}

// MarshalJSON writes a header as a pair of name and value.
func (h Header) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{h.Name, h.Value})
}

// Fail ends the driver with a message.
func Fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

// Check ends the driver if there is an error.
func Check(err error, doing string) {
	if err != nil {
		Fail("%s: %v", doing, err)
	}
}

// Main runs the verb that the command line names.
func Main(verbs map[string]func(Options)) {
	if len(os.Args) < 2 || verbs[os.Args[1]] == nil {
		Fail("usage: driver produce|consume|group|capabilities --key value ...")
	}
	options := Options{}
	arguments := os.Args[2:]
	for ; len(arguments) > 1; arguments = arguments[2:] {
		name, ok := strings.CutPrefix(arguments[0], "--")
		if !ok {
			Fail("expected --key value, found %s", arguments[0])
		}
		options[name] = arguments[1]
	}
	if len(arguments) > 0 {
		Fail("%s has no value", arguments[0])
	}
	verbs[os.Args[1]](options)
}

// Required is the value of an option that must be there.
func (o Options) Required(name string) string {
	value, ok := o[name]
	if !ok {
		Fail("--%s is missing", name)
	}
	return value
}

// Millis is the value of an option in milliseconds.
func (o Options) Millis(name string, otherwise int) time.Duration {
	if text, ok := o[name]; ok {
		value, err := strconv.Atoi(text)
		Check(err, "--"+name)
		otherwise = value
	}
	return time.Duration(otherwise) * time.Millisecond
}

// Records calls f with each record of --input, at most --rate of them a second.
func (o Options) Records(f func(i int, record Record)) int {
	file, err := os.Open(o.Required("input"))
	Check(err, "input")
	defer file.Close()
	var interval time.Duration
	if text, ok := o["rate"]; ok {
		rate, err := strconv.ParseFloat(text, 64)
		Check(err, "--rate")
		interval = time.Duration(float64(time.Second) / rate)
	}
	lines := bufio.NewReaderSize(file, 1<<20)
	decoder := json.NewDecoder(lines)
	due := time.Now()
	i := 0
	for ; decoder.More(); i++ {
		var record Record
		Check(decoder.Decode(&record), "input")
		if interval > 0 {
			due = due.Add(interval)
			time.Sleep(time.Until(due))
		}
		f(i, record)
	}
	return i
}

var printing sync.Mutex

// Emit prints one object as a line.
func Emit(object any) {
	line, err := json.Marshal(object)
	Check(err, "json")
	printing.Lock()
	defer printing.Unlock()
	_, err = os.Stdout.Write(append(line, '\n'))
	Check(err, "stdout")
}

// Capabilities prints what the client can do: everything, except what limits say.
func Capabilities(limits map[string]any) {
	all := map[string]any{
		"codecs":             []string{"none", "gzip", "snappy", "lz4", "zstd"},
		"null_header_values": true,
		"null_values":        true,
		"null_keys":          true,
		"null_key_and_value": true,
		"repeated_headers":   true,
		"timestamps":         true,
		"idempotence":        true,
		"static_members":     true,
		"explicit_commit":    true,
		"acks_0":             true,
	}
	for name, value := range limits {
		all[name] = value
	}
	Emit(all)
}

// Acks prints acknowledgements in file order, whatever order they come in.
type Acks struct {
	WithoutOffsets bool
	mutex          sync.Mutex
	waiting        map[int]ack
	next           int
}

type ack struct {
	I         int   `json:"i"`
	Partition int32 `json:"partition"`
	Offset    int64 `json:"offset"`
}

// Add takes the acknowledgement of record i.
func (a *Acks) Add(i int, partition int32, offset int64) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.WithoutOffsets {
		offset = -1
	}
	if a.waiting == nil {
		a.waiting = map[int]ack{}
	}
	a.waiting[i] = ack{i, partition, offset}
	for {
		next, ok := a.waiting[a.next]
		if !ok {
			return
		}
		delete(a.waiting, a.next)
		a.next++
		Emit(next)
	}
}

// ExpectAll ends the driver if fewer than sent records were acknowledged.
func (a *Acks) ExpectAll(sent int) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.next != sent {
		Fail("%d of %d records were acknowledged in order", a.next, sent)
	}
}

// EmitRecord prints a record that was read.
func EmitRecord(partition int32, offset, timestampMs int64, key, value []byte, headers []Header) {
	fields := map[string]any{
		"partition": partition,
		"offset":    offset,
		"timestamp": timestampMs,
		"key":       key,
		"headers":   headers,
	}
	if headers == nil {
		fields["headers"] = []Header{}
	}
	if len(value) > valuePrintedBytesMax {
		digest := sha256.Sum256(value)
		fields["value_sha256"] = hex.EncodeToString(digest[:])
		fields["value_len"] = len(value)
	} else {
		fields["value"] = value
	}
	Emit(fields)
}

// Printed knows the offset after the last record printed, for each partition held.
type Printed struct {
	mutex sync.Mutex
	next  map[int32]int64
}

// Record prints a record of a group's member.
func (p *Printed) Record(partition int32, offset int64, key []byte) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	Emit(map[string]any{"event": "record", "partition": partition, "offset": offset, "key": key})
	if p.next == nil {
		p.next = map[int32]int64{}
	}
	p.next[partition] = offset + 1
}

// Assigned prints the partitions that the member has got.
func (p *Printed) Assigned(partitions []int32) {
	Emit(map[string]any{"event": "assigned", "partitions": Sorted(partitions)})
}

// Revoked prints the partitions that the member has given up, and forgets their offsets.
func (p *Printed) Revoked(partitions []int32) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, partition := range partitions {
		delete(p.next, partition)
	}
	Emit(map[string]any{"event": "revoked", "partitions": Sorted(partitions)})
}

// Offsets is a copy of what there is to commit.
func (p *Printed) Offsets() map[int32]int64 {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	copied := map[int32]int64{}
	for partition, offset := range p.next {
		copied[partition] = offset
	}
	return copied
}

// Sorted is a copy in ascending order, never nil.
func Sorted(partitions []int32) []int32 {
	copied := append([]int32{}, partitions...)
	slices.Sort(copied)
	return copied
}

// Commands delivers the words of stdin. Its end counts as close: the parent is gone.
func Commands() <-chan string {
	words := make(chan string)
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			if word := strings.TrimSpace(lines.Text()); word != "" {
				words <- word
			}
		}
		words <- "close"
	}()
	return words
}
