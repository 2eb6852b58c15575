package main

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"tidegate/clients/internal/driver"
)

// admin answers one question about topics or groups, or does one thing to them.
func admin(options driver.Options) {
	connection, err := kgo.NewClient(kgo.SeedBrokers(options.Required("bootstrap")))
	driver.Check(err, "client")
	defer connection.Close()
	answer, err := ask(kadm.NewClient(connection), options)
	var code *kerr.Error
	if errors.As(err, &code) {
		answer = map[string]any{"error": code.Code}
	} else {
		driver.Check(err, options["ask"])
	}
	driver.Emit(answer)
}

func ask(client *kadm.Client, options driver.Options) (map[string]any, error) {
	ctx := context.Background()
	done := map[string]any{}
	switch options.Required("ask") {
	case "create":
		return done, create(ctx, client, options)
	case "topics":
		topics, err := client.ListTopics(ctx)
		return map[string]any{"topics": topics.Names()}, err
	case "describe":
		return describe(ctx, client, options.Required("topic"))
	case "configs":
		return configs(ctx, client, options.Required("topic"))
	case "delete":
		response, err := client.DeleteTopic(ctx, options.Required("topic"))
		return done, errors.Join(err, response.Err)
	case "groups":
		groups, err := client.ListGroups(ctx)
		return map[string]any{"groups": groups.Groups()}, err
	case "group":
		return describeGroup(ctx, client, options.Required("group"))
	case "committed":
		rows, err := client.FetchOffsets(ctx, options.Required("group"))
		offsets := map[int32]int64{}
		rows.Each(func(row kadm.OffsetResponse) { offsets[row.Partition] = row.At })
		return map[string]any{"offsets": offsets}, err
	case "offsets":
		return offsets(ctx, client, options)
	case "delete-group":
		response, err := client.DeleteGroup(ctx, options.Required("group"))
		return done, errors.Join(err, response.Err)
	case "cluster":
		metadata, err := client.BrokerMetadata(ctx)
		return map[string]any{"brokers": metadata.Brokers.NodeIDs()}, err
	}
	driver.Fail("unknown question %s", options["ask"])
	return nil, nil
}

func number(options driver.Options, name string) int {
	value, err := strconv.Atoi(options.Required(name))
	driver.Check(err, "--"+name)
	return value
}

func create(ctx context.Context, client *kadm.Client, options driver.Options) error {
	settings := map[string]*string{}
	driver.Check(json.Unmarshal([]byte(options.Required("configs")), &settings), "--configs")
	partitions, replication := int32(number(options, "partitions")), int16(number(options, "replication"))
	topic := options.Required("topic")
	if options["validate-only"] == "true" {
		responses, err := client.ValidateCreateTopics(ctx, partitions, replication, settings, topic)
		return errors.Join(err, responses[topic].Err)
	}
	response, err := client.CreateTopic(ctx, partitions, replication, settings, topic)
	if err = errors.Join(err, response.Err); err != nil || options["wait"] != "true" {
		return err
	}
	return waitForLeaders(ctx, client, topic, int(partitions))
}

// waitForLeaders returns when all of a new topic's partitions can be used.
func waitForLeaders(ctx context.Context, client *kadm.Client, topic string, partitions int) error {
	for range 200 {
		topics, err := client.ListTopics(ctx, topic)
		if err != nil {
			return err
		}
		led := 0
		for _, row := range topics[topic].Partitions {
			if row.Err == nil && row.Leader >= 0 {
				led++
			}
		}
		if led == partitions {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("the topic's partitions got no leaders")
}

// offsets tells the first offset of each partition with --at start, and else the next one.
func offsets(ctx context.Context, client *kadm.Client, options driver.Options) (map[string]any, error) {
	list := client.ListEndOffsets
	if options["at"] == "start" {
		list = client.ListStartOffsets
	}
	listed, err := list(ctx, options.Required("topic"))
	if err = errors.Join(err, listed.Error()); err != nil {
		return nil, err
	}
	found := map[int32]int64{}
	listed.Each(func(row kadm.ListedOffset) { found[row.Partition] = row.Offset })
	return map[string]any{"offsets": found}, nil
}

func describe(ctx context.Context, client *kadm.Client, topic string) (map[string]any, error) {
	topics, err := client.ListTopics(ctx, topic)
	if err = errors.Join(err, topics[topic].Err); err != nil {
		return nil, err
	}
	partitions := []map[string]any{}
	for _, row := range topics[topic].Partitions.Sorted() {
		partitions = append(partitions, map[string]any{"id": row.Partition, "leader": row.Leader, "replicas": row.Replicas})
	}
	return map[string]any{"partitions": partitions}, nil
}

func configs(ctx context.Context, client *kadm.Client, topic string) (map[string]any, error) {
	resources, err := client.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return nil, err
	}
	resource, err := resources.On(topic, nil)
	if err = errors.Join(err, resource.Err); err != nil {
		return nil, err
	}
	found := map[string][]any{}
	for _, row := range resource.Configs {
		found[row.Key] = []any{row.MaybeValue(), int8(row.Source)}
	}
	return map[string]any{"configs": found}, nil
}

func describeGroup(ctx context.Context, client *kadm.Client, name string) (map[string]any, error) {
	groups, err := client.DescribeGroups(ctx, name)
	group := groups[name]
	if err = errors.Join(err, group.Err); err != nil {
		return nil, err
	}
	members := [][]int32{}
	for _, member := range group.Members {
		held := []int32{}
		if assignment, ok := member.Assigned.AsConsumer(); ok {
			for _, topic := range assignment.Topics {
				held = append(held, topic.Partitions...)
			}
		}
		members = append(members, driver.Sorted(held))
	}
	return map[string]any{"state": strings.ToLower(group.State), "protocol": group.Protocol, "members": members}, nil
}
