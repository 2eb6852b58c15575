import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.ParsedSchema;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.avro.AvroSchema;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.CachedSchemaRegistryClient;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.SchemaMetadata;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.Config;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.Metadata;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.Rule;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.RuleKind;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.RuleMode;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.RuleSet;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.Schema;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.SchemaReference;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.SubjectVersion;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.requests.RegisterSchemaResponse;

/** Confluent's SchemaRegistryClient, every call of it. */
public final class ConfluentClient {
    private final Server server;

    ConfluentClient(Server server) {
        this.server = server;
    }

    public void clientFindsWhatItRegisteredByEveryRead() throws Exception {
        String subject = "client-reads-value";
        AvroSchema schema = Server.avro(Server.ORDER);
        int id = server.client().register(subject, schema);
        Server.equal("id of the same again", server.client().register(subject, schema), id);
        Server.equal("id", server.client().getId(subject, schema), id);
        Server.equal("version", server.client().getVersion(subject, schema), 1);
        Server.equal("by id", server.client().getSchemaById(id), schema);
        Server.equal("by subject and id", server.client().getSchemaBySubjectAndId(subject, id), schema);
        Server.holds("subjects of the id", server.client().getAllSubjectsById(id).contains(subject));
        Server.holds("versions of the id", server.client().getAllVersionsById(id).contains(new SubjectVersion(subject, 1)));
        Server.equal("versions", server.client().getAllVersions(subject), List.of(1));
        Server.holds("subjects", server.client().getAllSubjects().contains(subject));
        Server.equal("subjects of a prefix", List.copyOf(server.client().getAllSubjectsByPrefix("client-reads-")), List.of(subject));
        Server.equal("schemas of a prefix", server.client().getSchemas("client-reads-", false, true), List.of(schema));

        Schema byVersion = server.client().getByVersion(subject, 1, false);
        Server.equal("schema by version", byVersion.getSchema(), Server.ORDER);
        Server.equal("id by version", byVersion.getId(), id);
        for (SchemaMetadata found : List.of(
                server.client().getSchemaMetadata(subject, 1), server.client().getLatestSchemaMetadata(subject))) {
            Server.equal("metadata's id", found.getId(), id);
            Server.equal("metadata's version", found.getVersion(), 1);
            Server.equal("metadata's type", found.getSchemaType(), "AVRO");
            Server.equal("metadata's schema", found.getSchema(), Server.ORDER);
        }
    }

    public void registeringWithAResponseSaysWhatWasRegistered() throws Exception {
        String subject = "client-response-value";
        AvroSchema schema = Server.avro(Server.ORDER);
        RegisterSchemaResponse first = server.client().registerWithResponse(subject, schema, true);
        Server.equal("id", first.getId(), server.client().getId(subject, schema));
        Server.equal("version", first.getVersion(), 1);
        Server.equal("schema", first.getSchema(), Server.ORDER);
        Server.equal("version of the second", server.client().registerWithResponse(subject, Server.avro(Server.ORDER_WITH_NOTE), false).getVersion(), 2);
        Server.equal("version of the first again", server.client().registerWithResponse(subject, schema, true).getVersion(), 1);
    }

    public void referencesAreResolvedByTheClientAlsoWhenDeleted() throws Exception {
        String point = "{\"type\":\"record\",\"name\":\"Point\",\"namespace\":\"geo\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"}]}";
        String line = "{\"type\":\"record\",\"name\":\"Line\",\"namespace\":\"geo\",\"fields\":[{\"name\":\"from\",\"type\":\"Point\"}]}";
        server.client().register("client-references-point", Server.avro(point));
        List<SchemaReference> references = List.of(new SchemaReference("geo.Point", "client-references-point", 1));
        ParsedSchema parsed = server.client().parseSchema("AVRO", line, references).orElseThrow();
        int id = server.client().register("client-references-line", parsed);
        ParsedSchema found = server.client().getSchemaById(id);
        Server.equal("references", found.references(), references);
        Server.equal("resolved", found.rawSchema(), parsed.rawSchema());
        Server.refused("deleting what is referenced", 42206, null, () -> server.client().deleteSubject("client-references-point"));

        server.client().deleteSubject("client-references-line");
        server.client().deleteSubject("client-references-point");
        Server.equal("resolved after both were deleted", server.client().getSchemaById(id).rawSchema(), parsed.rawSchema());
        Server.refused(
                "a reference to what was deleted", 42201, null, () -> server.client().register("client-references-late", parsed));
    }

    public void compatibilityIsTestedAndConfigured() throws Exception {
        String subject = "client-compatibility-value";
        AvroSchema incompatible = Server.avro(Server.ORDER_WITH_TOTAL);
        server.client().register(subject, Server.avro(Server.ORDER));
        Server.holds("compatible", server.client().testCompatibility(subject, Server.avro(Server.ORDER_WITH_NOTE)));
        Server.holds("incompatible", !server.client().testCompatibility(subject, incompatible));
        Server.equal("no messages", server.client().testCompatibilityVerbose(subject, Server.avro(Server.ORDER_WITH_NOTE)), List.of());
        // The client's own checker is the registry's, so the words can be compared.
        List<String> own = incompatible.isBackwardCompatible(Server.avro(Server.ORDER));
        List<String> told = server.client().testCompatibilityVerbose(subject, incompatible);
        for (String message : own) {
            String words = String.format(message, "new", "old");
            Server.holds(words + " is not in " + told, told.contains(words));
        }
        Server.refused("incompatible", 40901, null, () -> server.client().register(subject, incompatible));

        String none = "Subject '" + subject + "' does not have subject-level compatibility configured";
        Server.refused("no level", 40408, none, () -> server.client().getCompatibility(subject));
        for (String level : List.of("FORWARD", "FULL", "BACKWARD_TRANSITIVE", "FORWARD_TRANSITIVE", "FULL_TRANSITIVE", "NONE")) {
            Server.equal("set", server.client().updateCompatibility(subject, level), level);
            Server.equal("get", server.client().getCompatibility(subject), level);
        }
        server.client().register(subject, incompatible);
        server.client().deleteCompatibility(subject);
        Server.refused("no level again", 40408, none, () -> server.client().getCompatibility(subject));
        Server.equal("global", server.client().getCompatibility(null), "BACKWARD");
        Server.refused("no such level", 42203, null, () -> server.client().updateCompatibility(subject, "SIDEWARD"));
    }

    public void configKeepsEveryField() throws Exception {
        String subject = "client-config-value";
        Config config = new Config(
                "client-config-alias",
                true,
                true,
                "FULL",
                "major",
                new Metadata(Map.of("**.id", Set.of("PII")), Map.of("owner", "shop"), Set.of("owner")),
                new Metadata(null, Map.of("team", "a"), null),
                new RuleSet(List.of(), List.of(rule("first"))),
                new RuleSet(List.of(), List.of(rule("last"))));
        server.client().updateConfig(subject, config);
        Config found = server.client().getConfig(subject);
        Server.equal("config", found.toString(), config.toString());
        server.client().deleteConfig(subject);
        Server.refused("no config", 40408, null, () -> server.client().getConfig(subject));
        Server.equal("global", server.client().getConfig(null).getCompatibilityLevel(), "BACKWARD");
    }

    private static Rule rule(String name) {
        return new Rule(
                name,
                "a rule",
                RuleKind.CONDITION,
                RuleMode.WRITEREAD,
                "CEL",
                new TreeSet<>(Set.of("PII")),
                Map.of("k", "v"),
                "message.id > 0",
                "NONE,ERROR",
                "DLQ",
                false);
    }

    public void metadataAndRulesComeBackAndAreSearched() throws Exception {
        String subject = "client-metadata-value";
        Metadata metadata = new Metadata(Map.of("**.id", Set.of("PII")), Map.of("major", "1"), Set.of("major"));
        RuleSet rules = new RuleSet(List.of(), List.of(rule("positive")));
        ParsedSchema one = Server.avro(Server.ORDER).copy(metadata, rules);
        int id = server.client().register(subject, one);
        Server.equal("with", server.client().getSchemaById(id).metadata(), metadata);
        Server.equal("rules", server.client().getSchemaById(id).ruleSet().toString(), rules.toString());
        Server.holds("another id without", server.client().register("client-metadata-other", Server.avro(Server.ORDER)) != id);

        Metadata second = new Metadata(null, Map.of("major", "2"), null);
        server.client().register(subject, Server.avro(Server.ORDER_WITH_NOTE).copy(second, null));
        Server.equal("latest of 1", server.client().getLatestWithMetadata(subject, Map.of("major", "1"), false).getVersion(), 1);
        Server.equal("latest of 2", server.client().getLatestWithMetadata(subject, Map.of("major", "2"), false).getVersion(), 2);
        // Left out, they are taken over from the version before.
        String another = Server.ORDER_WITH_NOTE.replace("note", "remark");
        int third = server.client().register(subject, Server.avro(another));
        Server.equal("taken over", server.client().getSchemaById(third).metadata(), second);
    }

    public void modesStopWritesAndImportTakesIds() throws Exception {
        String subject = "client-modes-value";
        // A text that has no id yet: one that has would keep it.
        AvroSchema schema = Server.avro(Server.ORDER.replace("id", "imported_id"));
        AvroSchema next = Server.avro(Server.ORDER_WITH_NOTE.replace("id", "imported_id"));
        Server.equal("global mode", server.client().getMode(), "READWRITE");
        String none = "Subject '" + subject + "' does not have subject-level mode configured";
        Server.refused("no mode", 40409, none, () -> server.client().getMode(subject));
        Server.refused("an id", 42205, null, () -> server.client().register(subject, schema, 5, 8001));
        Server.equal("set", server.client().setMode("IMPORT", subject), "IMPORT");
        Server.equal("get", server.client().getMode(subject), "IMPORT");
        Server.equal("imported", server.client().register(subject, schema, 5, 8001), 8001);
        Server.equal("version", server.client().getVersion(subject, schema), 5);
        Server.equal("set", server.client().setMode("READONLY", subject), "READONLY");
        Server.refused("a write", 42205, null, () -> server.client().register(subject, next));
        Server.refused("a delete", 42205, null, () -> server.client().deleteSubject(subject));
        server.client().deleteMode(subject);
        Server.refused("no mode again", 40409, none, () -> server.client().getMode(subject));
        Server.holds("next id", server.client().register(subject, next) > 8001);
        Server.refused("IMPORT over schemas", 42205, null, () -> server.client().setMode("IMPORT", subject));
        Server.equal("IMPORT by force", server.client().setMode("IMPORT", subject, true), "IMPORT");
        Server.refused("no such mode", 42204, null, () -> server.client().setMode("SLEEPING", subject));
    }

    public void globalModeAndLevelHoldForSubjectsWithoutTheirOwn() throws Exception {
        String subject = "client-global-value";
        server.client().register(subject, Server.avro(Server.ORDER));
        try {
            Server.equal("mode", server.client().setMode("READONLY"), "READONLY");
            Server.equal("mode", server.client().getMode(), "READONLY");
            Server.refused("a write", 42205, null, () -> server.client().register(subject, Server.avro(Server.ORDER_WITH_NOTE)));
            server.client().setMode("READWRITE", "client-global-other");
            server.client().register("client-global-other", Server.avro(Server.ORDER_WITH_NOTE));
        } finally {
            Server.equal("mode", server.client().setMode("READWRITE"), "READWRITE");
        }
        try {
            Server.equal("level", server.client().updateCompatibility(null, "NONE"), "NONE");
            Server.equal("level", server.client().getCompatibility(null), "NONE");
            server.client().register(subject, Server.avro(Server.ORDER_WITH_TOTAL));
        } finally {
            server.client().deleteConfig(null);
        }
        Server.equal("level", server.client().getCompatibility(null), "BACKWARD");
    }

    public void deletesAreSoftThenPermanent() throws Exception {
        String subject = "client-deletes-value";
        AvroSchema first = Server.avro(Server.ORDER);
        int id = server.client().register(subject, first);
        server.client().register(subject, Server.avro(Server.ORDER_WITH_NOTE));
        String notSoft = "Subject '" + subject + "' Version 1 was not deleted first before being permanently deleted";
        Server.refused("permanent first", 40407, notSoft, () -> server.client().deleteSchemaVersion(subject, "1", true));
        Server.equal("soft", server.client().deleteSchemaVersion(subject, "1"), 1);
        String twice = "Subject '" + subject + "' Version 1 was soft deleted.Set permanent=true to delete permanently";
        Server.refused("twice", 40406, twice, () -> server.client().deleteSchemaVersion(subject, "1"));
        Server.equal("versions", server.client().getAllVersions(subject), List.of(2));
        Server.equal("with deleted ones", server.client().getAllVersions(subject, true), List.of(1, 2));
        Server.refused("version", 40402, "Version 1 not found.", () -> server.client().getSchemaMetadata(subject, 1));
        Server.equal("deleted version", server.client().getSchemaMetadata(subject, 1, true).getId(), id);
        Server.equal("permanent", server.client().deleteSchemaVersion(subject, "1", true), 1);
        Server.equal("latest", server.client().deleteSchemaVersion(subject, "2"), 2);
        Server.holds("subject is gone", !server.client().getAllSubjects().contains(subject));
        Server.holds("deleted subject", server.client().getAllSubjects(true).contains(subject));
        Server.equal("permanent subject", server.client().deleteSubject(subject, true), List.of(2));
        Server.refused("nothing", 40401, "Subject '" + subject + "' not found.", () -> server.client().deleteSubject(subject));
        Server.refused("nothing, permanently", 40401, null, () -> server.client().deleteSubject(subject, true));
    }

    public void subjectsOfAContextHaveIdsOfTheirOwn() throws Exception {
        String inside = ":.client-context:value";
        server.client().register("client-contexts-value", Server.avro(Server.ORDER));
        Server.equal("first id", server.client().register(inside, Server.avro(Server.ORDER_WITH_NOTE)), 1);
        Server.equal("by subject and id", server.client().getSchemaBySubjectAndId(inside, 1), Server.avro(Server.ORDER_WITH_NOTE));
        Server.equal("subjects", List.copyOf(server.client().getAllSubjectsByPrefix(":.client-context:")), List.of(inside));
        // The path of a context does the same to every request below it.
        CachedSchemaRegistryClient below = server.clientOf(server.registry() + "/contexts/.client-context");
        Server.equal("below", below.getId("value", Server.avro(Server.ORDER_WITH_NOTE)), 1);
        Server.equal("subjects below", List.copyOf(below.getAllSubjects()), List.of(inside));
    }

    public void hundredClientsOfOneSchemaGetOneId() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(100);
        try {
            List<Future<Integer>> answers = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                answers.add(threads.submit(() -> server.client().register("client-many-value", Server.avro(Server.ORDER))));
            }
            Set<Integer> ids = new HashSet<>();
            for (Future<Integer> answer : answers) {
                ids.add(answer.get());
            }
            Server.equal("ids", ids.size(), 1);
            Server.equal("versions", server.client().getAllVersions("client-many-value"), List.of(1));
        } finally {
            threads.shutdownNow();
        }
    }
}
