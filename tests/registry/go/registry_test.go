// Package registry drives franz-go's schema registry client, every call of it, against the registry at REGISTRY_URL,
// which knows REGISTRY_USER by REGISTRY_PASSWORD.
//
// Kafka at KAFKA_SEEDS carries what its Serde has written. ../test_go.py starts both and runs these tests; each of
// them keeps to subjects of its own, and one that touches what is global puts it back.
package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
)

const (
	avroText     = `{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"}]}`
	avroWithNote = `{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"},` +
		`{"name":"note","type":"string","default":""}]}`
	avroWithoutDefault = `{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"},` +
		`{"name":"total","type":"double"}]}`
	jsonText = `{"$schema":"http://json-schema.org/draft-07/schema#","title":"Order","type":"object",` +
		`"properties":{"id":{"type":"integer"}},"additionalProperties":false}`
	protobufText = `syntax = "proto3";
package shop;

message Order {
  int64 id = 1;

  message Line {
    string sku = 1;
  }
}
message Refund {
  int64 order_id = 1;
}
`
)

// client is a client with `opts`, and a context that ends with the test.
func client(t *testing.T, opts ...sr.ClientOpt) (*sr.Client, context.Context) {
	t.Helper()
	url := os.Getenv("REGISTRY_URL")
	if url == "" {
		t.Fatal("REGISTRY_URL must name the registry")
	}
	user := sr.BasicAuth(os.Getenv("REGISTRY_USER"), os.Getenv("REGISTRY_PASSWORD"))
	made, err := sr.NewClient(append([]sr.ClientOpt{sr.URLs(url), user}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	return made, ctx
}

func avro(text string) sr.Schema { return sr.Schema{Schema: text, Type: sr.TypeAvro} }

// subject is a name that no other test uses.
func subject(t *testing.T, part string) string {
	return strings.ReplaceAll(t.Name(), "/", "-") + "-" + part
}

// must gives the value and fails the test where there is an error.
func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, want %+v", what, got, want)
	}
}

// sameJSON compares what the texts say, not how they are spaced.
func sameJSON(t *testing.T, what, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Errorf("%s: %v in %q", what, err, got)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	equal(t, what, g, w)
}

// refused fails the test unless err is the registry's refusal of this kind with this HTTP status.
func refused(t *testing.T, what string, err error, status int, kind *sr.Error) {
	t.Helper()
	var response *sr.ResponseError
	if !errors.As(err, &response) {
		t.Errorf("%s: got %v, want %s", what, err, kind.Name)
		return
	}
	if response.StatusCode != status || response.ErrorCode != kind.Code || response.Message == "" {
		t.Errorf("%s: got %d %s, want %d %d", what, response.StatusCode, response.Raw, status, kind.Code)
	}
}

// errIncompatible is what registries answer since their 8.0; the client's own list has the code before that, 409.
var errIncompatible = &sr.Error{Code: 40901, Name: "INCOMPATIBLE_SCHEMA"}

func sortedVersions(schemas []sr.SubjectSchema) []string {
	var names []string
	for _, s := range schemas {
		names = append(names, fmt.Sprintf("%s/%d", s.Subject, s.Version))
	}
	slices.Sort(names)
	return names
}

func TestEveryReadFindsWhatWasRegisteredInEachLanguage(t *testing.T) {
	cl, ctx := client(t)
	types := must(cl.SupportedTypes(ctx))(t)
	equal(t, "types", types, []sr.SchemaType{sr.TypeAvro, sr.TypeProtobuf, sr.TypeJSON})
	for _, schema := range []sr.Schema{
		avro(avroText),
		{Schema: jsonText, Type: sr.TypeJSON},
		{Schema: protobufText, Type: sr.TypeProtobuf},
	} {
		t.Run(schema.Type.String(), func(t *testing.T) { readsFind(ctx, t, cl, schema) })
	}
}

func readsFind(ctx context.Context, t *testing.T, cl *sr.Client, schema sr.Schema) {
	name := subject(t, "value")
	made := must(cl.CreateSchema(ctx, name, schema))(t)
	equal(t, "subject", made.Subject, name)
	equal(t, "version", made.Version, 1)
	if made.ID < 1 {
		t.Errorf("id: got %d", made.ID)
	}
	equal(t, "id of the same again", must(cl.RegisterSchema(ctx, name, schema, -1, -1))(t), made.ID)

	text := func(what, got string) {
		t.Helper()
		if schema.Type == sr.TypeProtobuf {
			equal(t, what, strings.Fields(got), strings.Fields(schema.Schema))
		} else {
			sameJSON(t, what, got, schema.Schema)
		}
	}
	byID := must(cl.SchemaByID(ctx, made.ID))(t)
	text("by id", byID.Schema)
	equal(t, "type by id", byID.Type, schema.Type)
	text("text by id", must(cl.SchemaTextByID(ctx, made.ID))(t))
	text("text by version", must(cl.SchemaTextByVersion(ctx, name, 1))(t))
	text("text of the latest", must(cl.SchemaTextByVersion(ctx, name, -1))(t))

	equal(t, "by version", must(cl.SchemaByVersion(ctx, name, 1))(t), made)
	equal(t, "latest", must(cl.SchemaByVersion(ctx, name, -1))(t), made)
	equal(t, "lookup", must(cl.LookupSchema(ctx, name, schema))(t), made)
	equal(t, "all of the subject", must(cl.Schemas(ctx, name))(t), []sr.SubjectSchema{made})
	equal(t, "versions", must(cl.SubjectVersions(ctx, name))(t), []int{1})
	equal(t, "subjects of the id", must(cl.SubjectsByID(ctx, made.ID))(t), []string{name})
	equal(t, "versions of the id", must(cl.SchemaVersionsByID(ctx, made.ID))(t), []sr.SubjectVersion{{Subject: name, Version: 1}})
	equal(t, "usages of the id", must(cl.SchemaUsagesByID(ctx, made.ID))(t), []sr.SubjectSchema{made})
	ofPrefix := sr.WithParams(ctx, sr.SubjectPrefix(name))
	equal(t, "all of the prefix", must(cl.AllSchemas(ofPrefix))(t), []sr.SubjectSchema{made})
	equal(t, "subjects of the prefix", must(cl.Subjects(ofPrefix))(t), []string{name})
	if !slices.Contains(must(cl.Subjects(ctx))(t), name) {
		t.Errorf("%s is not among all subjects", name)
	}
}

func TestWithoutThePasswordNothingIsAnswered(t *testing.T) {
	name := subject(t, "value")
	for _, password := range []string{"", "wrong", os.Getenv("REGISTRY_PASSWORD") + " "} {
		cl, ctx := client(t, sr.BasicAuth(os.Getenv("REGISTRY_USER"), password))
		unauthorized := &sr.Error{Code: 401, Name: "UNAUTHORIZED"}
		_, err := cl.Subjects(ctx)
		refused(t, "a read", err, 401, unauthorized)
		_, err = cl.RegisterSchema(ctx, name, avro(avroText), -1, -1)
		refused(t, "a write", err, 401, unauthorized)
	}
	cl, ctx := client(t)
	equal(t, "written", len(must(cl.Subjects(sr.WithParams(ctx, sr.SubjectPrefix(name))))(t)), 0)
}

func TestSameSchemaUnderTwoSubjectsHasOneIDAndOneGUID(t *testing.T) {
	cl, ctx := client(t)
	schema := avro(`{"type":"record","name":"Shared","fields":[{"name":"id","type":"long"}]}`)
	one := must(cl.CreateSchema(ctx, subject(t, "one"), schema))(t)
	two := must(cl.CreateSchema(ctx, subject(t, "two"), schema))(t)
	equal(t, "ids", two.ID, one.ID)
	equal(t, "guids", two.GUID, one.GUID)
	usages := must(cl.SchemaUsagesByID(ctx, one.ID))(t)
	equal(t, "usages", sortedVersions(usages), []string{subject(t, "one") + "/1", subject(t, "two") + "/1"})

	found := must(cl.SchemaByGUID(ctx, one.GUID))(t)
	sameJSON(t, "by guid", found.Schema.Schema, schema.Schema)
	ids := must(cl.SchemaIDsByGUID(ctx, one.GUID))(t)
	equal(t, "ids of the guid", ids, []sr.ContextID{{Context: ".", ID: one.ID}})
	_, err := cl.SchemaByGUID(ctx, "00000000-0000-4000-8000-000000000000")
	refused(t, "a guid of nothing", err, 404, sr.ErrSchemaNotFound)
}

func TestPagesOfSubjectsAndOnlyLatestSchemas(t *testing.T) {
	cl, ctx := client(t)
	prefix := subject(t, "page")
	var names []string
	for i := range 7 {
		names = append(names, fmt.Sprintf("%s-%d", prefix, i))
		must(cl.CreateSchema(ctx, names[i], avro(avroText)))(t)
		must(cl.CreateSchema(ctx, names[i], avro(avroWithNote)))(t)
	}
	var paged []string
	for offset := 0; offset < len(names); offset += 3 {
		page := must(cl.Subjects(sr.WithParams(ctx, sr.SubjectPrefix(prefix), sr.Offset(offset), sr.Limit(3))))(t)
		if len(page) > 3 {
			t.Errorf("a page of 3 holds %d", len(page))
		}
		paged = append(paged, page...)
	}
	slices.Sort(paged)
	equal(t, "pages together", paged, names)

	equal(t, "all", len(must(cl.AllSchemas(sr.WithParams(ctx, sr.SubjectPrefix(prefix))))(t)), 14)
	latest := must(cl.AllSchemas(sr.WithParams(ctx, sr.SubjectPrefix(prefix), sr.LatestOnly)))(t)
	equal(t, "latest", len(latest), 7)
	for _, s := range latest {
		equal(t, "version of "+s.Subject, s.Version, 2)
	}
}

func TestReferencesOfEachLanguageAreFoundAndKeepTheirTargets(t *testing.T) {
	cl, ctx := client(t)
	for _, c := range []struct {
		kind             sr.SchemaType
		name, target, of string
	}{
		{
			sr.TypeAvro, "geo.Point",
			`{"type":"record","name":"Point","namespace":"geo","fields":[{"name":"x","type":"int"}]}`,
			`{"type":"record","name":"Line","namespace":"geo","fields":[{"name":"from","type":"geo.Point"}]}`,
		},
		{
			sr.TypeJSON, "point.json",
			`{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"x":{"type":"integer"}}}`,
			`{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"from":{"$ref":"point.json"}}}`,
		},
		{
			sr.TypeProtobuf, "geo/point.proto",
			"syntax = \"proto3\";\npackage geo;\n\nmessage Point {\n  int32 x = 1;\n}\n",
			"syntax = \"proto3\";\npackage geo;\n\nimport \"geo/point.proto\";\n\nmessage Line {\n  Point from = 1;\n}\n",
		},
	} {
		t.Run(c.kind.String(), func(t *testing.T) {
			point, line := subject(t, "point"), subject(t, "line")
			must(cl.CreateSchema(ctx, point, sr.Schema{Schema: c.target, Type: c.kind}))(t)
			references := []sr.SchemaReference{{Name: c.name, Subject: point, Version: 1}}
			made := must(cl.CreateSchema(ctx, line, sr.Schema{Schema: c.of, Type: c.kind, References: references}))(t)
			equal(t, "references", made.References, references)

			users := must(cl.SchemaReferences(ctx, point, 1))(t)
			equal(t, "users", sortedVersions(users), []string{line + "/1"})
			refused(t, "deleting what is referenced", cl.DeleteSchema(ctx, point, 1, sr.SoftDelete), 422, sr.ErrReferenceExists)
			_, err := cl.DeleteSubject(ctx, point, sr.SoftDelete)
			refused(t, "deleting the subject of what is referenced", err, 422, sr.ErrReferenceExists)

			missing := []sr.SchemaReference{{Name: c.name, Subject: subject(t, "nowhere"), Version: 1}}
			if c.kind == sr.TypeAvro {
				resolved := must(cl.SchemaTextByID(sr.WithParams(ctx, sr.Format("resolved")), made.ID))(t)
				// The namespace is that of the record around it, and is not said again.
				target := strings.Replace(c.target, `"namespace":"geo",`, "", 1)
				sameJSON(t, "resolved", resolved, strings.Replace(c.of, `"geo.Point"`, target, 1))
			}
			_, err = cl.CreateSchema(ctx, subject(t, "lost"), sr.Schema{Schema: c.of, Type: c.kind, References: missing})
			refused(t, "a reference to nothing", err, 422, sr.ErrInvalidSchema)
		})
	}
}

func TestDeletesAreSoftThenHard(t *testing.T) {
	cl, ctx := client(t)
	name := subject(t, "value")
	first := must(cl.CreateSchema(ctx, name, avro(avroText)))(t)
	must(cl.CreateSchema(ctx, name, avro(avroWithNote)))(t)

	refused(t, "hard before soft", cl.DeleteSchema(ctx, name, 1, sr.HardDelete), 404, sr.ErrSchemaVersionNotSoftDeleted)
	must(0, cl.DeleteSchema(ctx, name, 1, sr.SoftDelete))(t)
	refused(t, "soft twice", cl.DeleteSchema(ctx, name, 1, sr.SoftDelete), 404, sr.ErrSchemaVersionSoftDeleted)
	equal(t, "versions", must(cl.SubjectVersions(ctx, name))(t), []int{2})
	deleted := sr.WithParams(ctx, sr.ShowDeleted)
	equal(t, "versions with deleted ones", must(cl.SubjectVersions(deleted, name))(t), []int{1, 2})
	onlyDeleted := sr.WithParams(ctx, sr.DeletedOnly)
	equal(t, "deleted versions", must(cl.SubjectVersions(onlyDeleted, name))(t), []int{1})
	_, err := cl.SchemaByVersion(ctx, name, 1)
	refused(t, "a deleted version", err, 404, sr.ErrVersionNotFound)
	equal(t, "a deleted version when asked for", must(cl.SchemaByVersion(deleted, name, 1))(t).ID, first.ID)
	_, err = cl.LookupSchema(ctx, name, avro(avroText))
	refused(t, "lookup of a deleted schema", err, 404, sr.ErrSchemaNotFound)
	equal(t, "lookup with deleted ones", must(cl.LookupSchema(deleted, name, avro(avroText)))(t).Version, 1)
	// Consumers still read what was written with it.
	sameJSON(t, "by id", must(cl.SchemaTextByID(ctx, first.ID))(t), avroText)

	_, err = cl.DeleteSubject(ctx, name, sr.HardDelete)
	refused(t, "a subject hard before soft", err, 404, sr.ErrSubjectNotSoftDeleted)
	equal(t, "soft", must(cl.DeleteSubject(ctx, name, sr.SoftDelete))(t), []int{2})
	_, err = cl.DeleteSubject(ctx, name, sr.SoftDelete)
	refused(t, "a subject soft twice", err, 404, sr.ErrSubjectSoftDeleted)
	ofPrefix := sr.SubjectPrefix(name)
	equal(t, "subjects", len(must(cl.Subjects(sr.WithParams(ctx, ofPrefix)))(t)), 0)
	equal(t, "with deleted ones", must(cl.Subjects(sr.WithParams(ctx, ofPrefix, sr.ShowDeleted)))(t), []string{name})
	equal(t, "only deleted ones", must(cl.Subjects(sr.WithParams(ctx, ofPrefix, sr.DeletedOnly)))(t), []string{name})
	equal(t, "hard", must(cl.DeleteSubject(ctx, name, sr.HardDelete))(t), []int{1, 2})
	_, err = cl.SubjectVersions(deleted, name)
	refused(t, "versions of nothing", err, 404, sr.ErrSubjectNotFound)
	_, err = cl.DeleteSubject(ctx, name, sr.SoftDelete)
	refused(t, "deleting nothing", err, 404, sr.ErrSubjectNotFound)
	equal(t, "version after a hard delete", must(cl.CreateSchema(ctx, name, avro(avroText)))(t).Version, 1)
}

func TestCompatibilityIsCheckedAndConfigured(t *testing.T) {
	cl, ctx := client(t)
	name := subject(t, "value")
	level := func(ctx context.Context, subjects ...string) sr.CompatibilityResult {
		t.Helper()
		return cl.Compatibility(ctx, subjects...)[0]
	}
	equal(t, "the level at first", level(ctx).Level, sr.CompatBackward)
	refused(t, "the subject's level at first", level(ctx, name).Err, 404, sr.ErrSubjectLevelCompatibilityNotConfigured)
	global := level(sr.WithParams(ctx, sr.DefaultToGlobal), name)
	equal(t, "or the global one", global.Level, sr.CompatBackward)

	must(cl.CreateSchema(ctx, name, avro(avroText)))(t)
	check := func(version int, text string, params ...sr.Param) sr.CheckCompatibilityResult {
		t.Helper()
		return must(cl.CheckCompatibility(sr.WithParams(ctx, params...), name, version, avro(text)))(t)
	}
	for _, version := range []int{1, -1, -2} {
		equal(t, "added with a default", check(version, avroWithNote).Is, true)
		equal(t, "added without", check(version, avroWithoutDefault).Is, false)
		equal(t, "messages without verbose", len(check(version, avroWithoutDefault).Messages), 0)
		messages := check(version, avroWithoutDefault, sr.Verbose).Messages
		if !strings.Contains(strings.Join(messages, "\n"), "READER_FIELD_MISSING_DEFAULT_VALUE") {
			t.Errorf("messages: %q", messages)
		}
	}
	_, err := cl.CheckCompatibility(ctx, name, 7, avro(avroText))
	refused(t, "a check against no version", err, 404, sr.ErrVersionNotFound)
	_, err = cl.CreateSchema(ctx, name, avro(avroWithoutDefault))
	refused(t, "an incompatible schema", err, 409, errIncompatible)

	for _, each := range []sr.CompatibilityLevel{
		sr.CompatBackward, sr.CompatBackwardTransitive, sr.CompatForward, sr.CompatForwardTransitive,
		sr.CompatFull, sr.CompatFullTransitive, sr.CompatNone,
	} {
		set := cl.SetCompatibility(ctx, sr.SetCompatibility{Level: each}, name)[0]
		equal(t, "error", set.Err, nil)
		equal(t, "set", set.Level, each)
		equal(t, "get", level(ctx, name).Level, each)
	}
	equal(t, "version with NONE", must(cl.CreateSchema(ctx, name, avro(avroWithoutDefault)))(t).Version, 2)
	equal(t, "reset", cl.ResetCompatibility(ctx, name)[0].Err, nil)
	refused(t, "the subject's level afterwards", level(ctx, name).Err, 404, sr.ErrSubjectLevelCompatibilityNotConfigured)

	t.Cleanup(func() { cl.ResetCompatibility(context.Background()) })
	equal(t, "global", cl.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatFull})[0].Err, nil)
	equal(t, "global afterwards", level(ctx).Level, sr.CompatFull)
	equal(t, "reset", cl.ResetCompatibility(ctx)[0].Err, nil)
	equal(t, "global after its reset", level(ctx).Level, sr.CompatBackward)
}

func TestConfigKeepsEachOfItsFields(t *testing.T) {
	cl, ctx := client(t)
	name := subject(t, "value")
	want := sr.SetCompatibility{
		Level:            sr.CompatForward,
		Normalize:        true,
		Group:            "major",
		DefaultMetadata:  &sr.SchemaMetadata{Properties: map[string]string{"owner": "shop"}},
		OverrideMetadata: &sr.SchemaMetadata{Tags: map[string][]string{"**.id": {"PII"}}},
		DefaultRuleSet:   &sr.SchemaRuleSet{DomainRules: []sr.SchemaRule{rule("positive")}},
		OverrideRuleSet:  &sr.SchemaRuleSet{DomainRules: []sr.SchemaRule{rule("small")}},
	}
	equal(t, "error", cl.SetCompatibility(ctx, want, name)[0].Err, nil)
	got := cl.Compatibility(ctx, name)[0]
	equal(t, "error", got.Err, nil)
	equal(t, "level", got.Level, want.Level)
	equal(t, "normalize", got.Normalize, want.Normalize)
	equal(t, "group", got.Group, want.Group)
	equal(t, "default metadata", got.DefaultMetadata, want.DefaultMetadata)
	equal(t, "override metadata", got.OverrideMetadata, want.OverrideMetadata)
	equal(t, "default rules", withoutEmpty(got.DefaultRuleSet), want.DefaultRuleSet)
	equal(t, "override rules", withoutEmpty(got.OverrideRuleSet), want.OverrideRuleSet)

	alias := subject(t, "alias")
	equal(t, "alias", cl.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatBackward, Alias: name}, alias)[0].Err, nil)
	made := must(cl.CreateSchema(ctx, name, avro(avroText)))(t)
	equal(t, "through the alias", must(cl.SchemaByVersion(ctx, alias, 1))(t).ID, made.ID)
	equal(t, "merged metadata", made.SchemaMetadata, &sr.SchemaMetadata{
		Tags:       map[string][]string{"**.id": {"PII"}},
		Properties: map[string]string{"owner": "shop"},
	})
}

func rule(name string) sr.SchemaRule {
	return sr.SchemaRule{
		Name: name, Kind: sr.SchemaRuleKindCondition, Mode: sr.SchemaRuleModeWrite, Type: "CEL", Expr: "message.id > 0",
	}
}

// withoutEmpty is the set with no difference between tags and parameters that are empty and that are not there.
func withoutEmpty(set *sr.SchemaRuleSet) *sr.SchemaRuleSet {
	if set == nil {
		return nil
	}
	for _, rules := range [][]sr.SchemaRule{set.DomainRules, set.MigrationRules} {
		for i := range rules {
			if len(rules[i].Tags) == 0 {
				rules[i].Tags = nil
			}
			if len(rules[i].Params) == 0 {
				rules[i].Params = nil
			}
		}
	}
	return set
}

func TestMetadataAndRulesComeBack(t *testing.T) {
	cl, ctx := client(t)
	name := subject(t, "value")
	schema := avro(avroText)
	schema.SchemaMetadata = &sr.SchemaMetadata{Properties: map[string]string{"version": "2"}, Sensitive: []string{"version"}}
	schema.SchemaRuleSet = &sr.SchemaRuleSet{
		DomainRules: []sr.SchemaRule{rule("positive")},
		MigrationRules: []sr.SchemaRule{{
			Name: "up", Kind: sr.SchemaRuleKindTransform, Mode: sr.SchemaRuleModeUpgrade, Type: "JSONATA", Expr: "$",
		}},
	}
	made := must(cl.CreateSchema(ctx, name, schema))(t)
	equal(t, "metadata", made.SchemaMetadata, schema.SchemaMetadata)
	equal(t, "rules", withoutEmpty(made.SchemaRuleSet), schema.SchemaRuleSet)

	byID := must(cl.SchemaByID(ctx, made.ID))(t)
	equal(t, "metadata by id", byID.SchemaMetadata, schema.SchemaMetadata)
	equal(t, "rules by id", withoutEmpty(byID.SchemaRuleSet), schema.SchemaRuleSet)
	without := must(cl.RegisterSchema(ctx, subject(t, "other"), avro(avroText), -1, -1))(t)
	if without == made.ID {
		t.Error("a schema without metadata has the id of one that has some")
	}
	bad := schema
	bad.SchemaRuleSet = &sr.SchemaRuleSet{DomainRules: []sr.SchemaRule{rule("twice"), rule("twice")}}
	_, err := cl.RegisterSchema(ctx, subject(t, "bad"), bad, -1, -1)
	refused(t, "two rules of one name", err, 422, sr.ErrInvalidRuleset)
}

func TestModesStopWritesAndImportTakesIDs(t *testing.T) {
	cl, ctx := client(t)
	name := subject(t, "value")
	// Texts that have no id yet: they would keep it.
	first := avro(strings.ReplaceAll(avroText, `"id"`, `"imported_id"`))
	second := avro(strings.ReplaceAll(avroWithNote, `"id"`, `"imported_id"`))
	mode := func(ctx context.Context, subjects ...string) sr.ModeResult { return cl.Mode(ctx, subjects...)[0] }
	equal(t, "global mode", mode(ctx), sr.ModeResult{Mode: sr.ModeReadWrite})
	refused(t, "the subject's mode at first", mode(ctx, name).Err, 404, sr.ErrSubjectLevelModeNotConfigured)
	global := mode(sr.WithParams(ctx, sr.DefaultToGlobal), name)
	equal(t, "or the global one", global.Mode, sr.ModeReadWrite)
	_, err := cl.RegisterSchema(ctx, name, first, 7001, 3)
	refused(t, "an id outside of IMPORT", err, 422, sr.ErrOperationNotPermitted)

	equal(t, "IMPORT", cl.SetMode(ctx, sr.ModeImport, name)[0], sr.ModeResult{Subject: name, Mode: sr.ModeImport})
	made := must(cl.CreateSchemaWithIDAndVersion(ctx, name, first, 7001, 3))(t)
	equal(t, "imported", []int{made.ID, made.Version}, []int{7001, 3})
	_, err = cl.RegisterSchema(ctx, subject(t, "other"), avro(avroText), -1, -1)
	equal(t, "another subject's error", err, nil)
	_, err = cl.RegisterSchema(ctx, name, second, 7001, 4)
	refused(t, "another schema with the id", err, 422, sr.ErrOperationNotPermitted)

	equal(t, "READONLY", cl.SetMode(ctx, sr.ModeReadOnly, name)[0].Mode, sr.ModeReadOnly)
	equal(t, "mode", mode(ctx, name).Mode, sr.ModeReadOnly)
	_, err = cl.RegisterSchema(ctx, name, second, -1, -1)
	refused(t, "a write while READONLY", err, 422, sr.ErrOperationNotPermitted)
	_, err = cl.DeleteSubject(ctx, name, sr.SoftDelete)
	refused(t, "a delete while READONLY", err, 422, sr.ErrOperationNotPermitted)
	equal(t, "reset", cl.ResetMode(ctx, name)[0].Err, nil)
	next := must(cl.CreateSchema(ctx, name, second))(t)
	equal(t, "version behind the imported one", next.Version, 4)
	if next.ID <= 7001 {
		t.Errorf("id behind the imported one: %d", next.ID)
	}
	refused(t, "IMPORT where there are schemas", cl.SetMode(ctx, sr.ModeImport, name)[0].Err, 422, sr.ErrOperationNotPermitted)
	forced := cl.SetMode(sr.WithParams(ctx, sr.Force), sr.ModeImport, name)[0]
	equal(t, "IMPORT by force", forced, sr.ModeResult{Subject: name, Mode: sr.ModeImport})
	equal(t, "reset", cl.ResetMode(ctx, name)[0].Err, nil)
}

func TestContextsHaveIDsOfTheirOwn(t *testing.T) {
	cl, ctx := client(t)
	name := subject(t, "value")
	other := strings.ToLower(t.Name())
	inside := sr.InContext(ctx, "."+other)
	must(cl.RegisterSchema(ctx, name, avro(avroText), -1, -1))(t)
	id := must(cl.RegisterSchema(inside, name, avro(avroWithNote), -1, -1))(t)
	equal(t, "the first id of a context", id, 1)
	sameJSON(t, "by id in the context", must(cl.SchemaTextByID(inside, 1))(t), avroWithNote)
	qualified := ":." + other + ":" + name
	sameJSON(t, "by qualified name", must(cl.SchemaTextByVersion(ctx, qualified, 1))(t), avroWithNote)
	equal(t, "subjects of the context", must(cl.Subjects(inside))(t), []string{qualified})
	sameJSON(t, "the other one", must(cl.SchemaTextByVersion(ctx, name, 1))(t), avroText)
	found := must(cl.SchemaTextByID(sr.WithParams(ctx, sr.Subject(qualified)), 1))(t)
	sameJSON(t, "by id with a subject", found, avroWithNote)

	contexts := must(cl.Contexts(ctx))(t)
	if !slices.Contains(contexts, ".") || !slices.Contains(contexts, "."+other) {
		t.Errorf("contexts: %q", contexts)
	}
	fixed, _ := client(t, sr.DefaultSchemaContext("."+other))
	equal(t, "a client of the context", must(fixed.LookupSchema(ctx, name, avro(avroWithNote)))(t).ID, 1)

	refused(t, "a context that is not empty", cl.DeleteContext(ctx, "."+other), 422, sr.ErrContextNotEmpty)
	must(cl.DeleteSubject(inside, name, sr.SoftDelete))(t)
	must(cl.DeleteSubject(inside, name, sr.HardDelete))(t)
	must(0, cl.DeleteContext(ctx, "."+other))(t)
	if slices.Contains(must(cl.Contexts(ctx))(t), "."+other) {
		t.Error("the context is there after it was deleted")
	}
}

func TestNamesAndNumbersThatAreNotThere(t *testing.T) {
	cl, ctx := client(t)
	name := subject(t, "value")
	_, err := cl.SchemaByID(ctx, 2_000_000_000)
	refused(t, "an id", err, 404, sr.ErrSchemaNotFound)
	_, err = cl.SchemaVersionsByID(ctx, 2_000_000_000)
	refused(t, "versions of an id", err, 404, sr.ErrSchemaNotFound)
	_, err = cl.SubjectsByID(ctx, 2_000_000_000)
	refused(t, "subjects of an id", err, 404, sr.ErrSchemaNotFound)
	_, err = cl.SchemaByVersion(ctx, name, 1)
	refused(t, "a subject", err, 404, sr.ErrSubjectNotFound)
	_, err = cl.LookupSchema(ctx, name, avro(avroText))
	refused(t, "lookup in no subject", err, 404, sr.ErrSubjectNotFound)
	must(cl.CreateSchema(ctx, name, avro(avroText)))(t)
	_, err = cl.SchemaByVersion(ctx, name, 9)
	refused(t, "a version", err, 404, sr.ErrVersionNotFound)
	_, err = cl.SchemaByVersion(ctx, name, 0)
	refused(t, "version 0", err, 422, sr.ErrInvalidVersion)
	_, err = cl.LookupSchema(ctx, name, avro(avroWithNote))
	refused(t, "a schema", err, 404, sr.ErrSchemaNotFound)
	for _, bad := range []sr.Schema{
		avro(`{"type":"nonsense"}`),
		{Schema: `{"type":17}`, Type: sr.TypeJSON},
		{Schema: "message {", Type: sr.TypeProtobuf},
	} {
		_, err = cl.RegisterSchema(ctx, subject(t, "bad"), bad, -1, -1)
		refused(t, "no schema of "+bad.Type.String(), err, 422, sr.ErrInvalidSchema)
	}
}

func TestSubjectsWithEveryKindOfCharacter(t *testing.T) {
	cl, ctx := client(t)
	for i, part := range []string{"a/b", "a b", "a%2Fb", "ä€𝄞", "a+b", "a?b#c", "a:b", "..", `a"b\c`} {
		name := subject(t, part)
		schema := avro(fmt.Sprintf(`{"type":"fixed","name":"F%d","size":%d}`, i, i+1))
		made := must(cl.CreateSchema(ctx, name, schema))(t)
		equal(t, "subject", made.Subject, name)
		equal(t, "versions of "+part, must(cl.SubjectVersions(ctx, name))(t), []int{1})
		equal(t, "delete "+part, must(cl.DeleteSubject(ctx, name, sr.SoftDelete))(t), []int{1})
	}
}

func TestNormalizeFindsWhatIsWrittenDifferently(t *testing.T) {
	cl, ctx := client(t)
	name := subject(t, "value")
	made := must(cl.CreateSchema(ctx, name, avro(avroText)))(t)
	other := avro(`{"fields":[{"type":{"type":"long"},"name":"id"}],"namespace":"shop","name":"Order","type":"record"}`)
	normalizing := sr.WithParams(ctx, sr.Normalize)
	equal(t, "registered", must(cl.RegisterSchema(normalizing, name, other, -1, -1))(t), made.ID)
	equal(t, "looked up", must(cl.LookupSchema(normalizing, name, other))(t).Version, 1)
	equal(t, "versions", must(cl.SubjectVersions(ctx, name))(t), []int{1})
}

func TestManyClientsOfOneSchemaGetOneID(t *testing.T) {
	_, ctx := client(t)
	const clients = 64
	type answer struct {
		id  int
		err error
	}
	answers := make(chan answer, clients)
	for range clients {
		cl, _ := client(t)
		go func() {
			id, err := cl.RegisterSchema(ctx, subject(t, "value"), avro(avroText), -1, -1)
			answers <- answer{id, err}
		}()
	}
	ids := map[int]int{}
	for range clients {
		got := <-answers
		if got.err != nil {
			t.Fatal(got.err)
		}
		ids[got.id]++
	}
	equal(t, "different ids", len(ids), 1)
	cl, _ := client(t)
	equal(t, "versions", must(cl.SubjectVersions(ctx, subject(t, "value")))(t), []int{1})
}

func TestListsOfDifferencesBetweenRegistries(t *testing.T) {
	cl, ctx := client(t)
	one := must(cl.CreateSchema(ctx, subject(t, "one"), avro(avroText)))(t)
	two := must(cl.CreateSchema(ctx, subject(t, "two"), avro(avroText)))(t)
	listed := must(cl.AllSchemas(sr.WithParams(ctx, sr.SubjectPrefix(subject(t, "")))))(t)
	slices.SortFunc(listed, func(a, b sr.SubjectSchema) int { return cmp.Compare(a.Subject, b.Subject) })
	left, right, common := sr.CommSubjectSchemas(listed, []sr.SubjectSchema{one, two})
	equal(t, "only here", len(left), 0)
	equal(t, "only there", len(right), 0)
	equal(t, "in both", common, []sr.SubjectSchema{one, two})
}
