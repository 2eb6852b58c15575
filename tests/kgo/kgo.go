// Package kgo only names franz-go's client, so that go.mod and go.sum pin what its own tests are built from.
package kgo

import _ "github.com/twmb/franz-go/pkg/kgo"
