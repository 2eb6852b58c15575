package protocol

import (
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// Config is a client's configuration by librdkafka's names, some of which have an older one too.
type Config map[string]string

// Either is the first of the properties that is there, and empty if none is.
func (c Config) Either(names ...string) string {
	for _, name := range names {
		if value, ok := c[name]; ok {
			return value
		}
	}
	return ""
}

// Millis calls set with the first of the properties that is there, which are in milliseconds.
func (c Config) Millis(set func(time.Duration), names ...string) {
	for _, name := range names {
		if value, err := strconv.ParseFloat(c[name], 64); err == nil {
			set(time.Duration(value * float64(time.Millisecond)))
			return
		}
	}
}

// Version is that of a module in this program, as it was built.
func Version(module string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dependency := range info.Deps {
			if dependency.Path == module {
				return strings.TrimPrefix(dependency.Version, "v")
			}
		}
	}
	return "?"
}

// Places are the partitions of topics one by one.
func Places(partitions map[string][]int32) []Place {
	var all []Place
	for topic, numbers := range partitions {
		for _, number := range numbers {
			all = append(all, Place{Topic: topic, Partition: number})
		}
	}
	return all
}
