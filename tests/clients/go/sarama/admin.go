package main

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/IBM/sarama"
	"tidegate/clients/internal/driver"
)

// admin answers one question about topics or groups, or does one thing to them.
func admin(options driver.Options) {
	client, err := sarama.NewClusterAdmin([]string{options.Required("bootstrap")}, configuration())
	driver.Check(err, "client")
	defer client.Close()
	answer, err := ask(client, options)
	var code sarama.KError
	if errors.As(err, &code) {
		answer = map[string]any{"error": int16(code)}
	} else {
		driver.Check(err, options["ask"])
	}
	driver.Emit(answer)
}

func ask(client sarama.ClusterAdmin, options driver.Options) (map[string]any, error) {
	done := map[string]any{}
	switch options.Required("ask") {
	case "create":
		return done, create(client, options)
	case "topics":
		topics, err := client.ListTopics()
		return map[string]any{"topics": names(topics)}, err
	case "describe":
		return describe(client, options.Required("topic"))
	case "configs":
		rows, err := client.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: options.Required("topic")})
		found := map[string][]any{}
		for _, row := range rows {
			found[row.Name] = []any{row.Value, row.Source}
		}
		return map[string]any{"configs": found}, err
	case "delete":
		return done, client.DeleteTopic(options.Required("topic"))
	case "groups":
		groups, err := client.ListConsumerGroups()
		return map[string]any{"groups": names(groups)}, err
	case "group":
		return describeGroup(client, options.Required("group"))
	case "committed":
		return committed(client, options.Required("group"))
	case "delete-group":
		return done, client.DeleteConsumerGroup(options.Required("group"))
	case "cluster":
		brokers, _, err := client.DescribeCluster()
		ids := []int32{}
		for _, broker := range brokers {
			ids = append(ids, broker.ID())
		}
		return map[string]any{"brokers": ids}, err
	}
	driver.Fail("unknown question %s", options["ask"])
	return nil, nil
}

func names[V any](all map[string]V) []string {
	found := []string{}
	for name := range all {
		found = append(found, name)
	}
	return found
}

func number(options driver.Options, name string) int {
	value, err := strconv.Atoi(options.Required(name))
	driver.Check(err, "--"+name)
	return value
}

func create(client sarama.ClusterAdmin, options driver.Options) error {
	detail := &sarama.TopicDetail{
		NumPartitions:     int32(number(options, "partitions")),
		ReplicationFactor: int16(number(options, "replication")),
	}
	driver.Check(json.Unmarshal([]byte(options.Required("configs")), &detail.ConfigEntries), "--configs")
	return client.CreateTopic(options.Required("topic"), detail, options["validate-only"] == "true")
}

func describe(client sarama.ClusterAdmin, name string) (map[string]any, error) {
	topics, err := client.DescribeTopics([]string{name})
	if err != nil {
		return nil, err
	}
	if topics[0].Err != sarama.ErrNoError {
		return nil, topics[0].Err
	}
	partitions := make([]map[string]any, len(topics[0].Partitions))
	for _, row := range topics[0].Partitions {
		partitions[row.ID] = map[string]any{"id": row.ID, "leader": row.Leader, "replicas": row.Replicas}
	}
	return map[string]any{"partitions": partitions}, nil
}

func describeGroup(client sarama.ClusterAdmin, name string) (map[string]any, error) {
	groups, err := client.DescribeConsumerGroups([]string{name})
	if err != nil {
		return nil, err
	}
	if groups[0].Err != sarama.ErrNoError {
		return nil, groups[0].Err
	}
	members := [][]int32{}
	for _, member := range groups[0].Members {
		held := []int32{}
		if len(member.MemberAssignment) > 0 {
			assignment, err := member.GetMemberAssignment()
			driver.Check(err, "assignment")
			for _, partitions := range assignment.Topics {
				held = append(held, partitions...)
			}
		}
		members = append(members, driver.Sorted(held))
	}
	state := strings.ToLower(groups[0].State)
	return map[string]any{"state": state, "protocol": groups[0].Protocol, "members": members}, nil
}

func committed(client sarama.ClusterAdmin, group string) (map[string]any, error) {
	response, err := client.ListConsumerGroupOffsets(group, nil)
	if err != nil {
		return nil, err
	}
	offsets := map[string]int64{}
	for _, partitions := range response.Blocks {
		for partition, block := range partitions {
			offsets[strconv.Itoa(int(partition))] = block.Offset
		}
	}
	return map[string]any{"offsets": offsets}, nil
}
