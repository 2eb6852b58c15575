// Package confluent only names Confluent's registry client, so that go.mod and go.sum pin what its own tests are built from.
package confluent

import (
	_ "github.com/confluentinc/confluent-kafka-go/v2/schemaregistry"
	_ "github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/serde/avrov2"
	_ "github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/serde/jsonschema"
	_ "github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/serde/protobuf"
)
