import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.RestService;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.Metadata;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.Schema;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.SchemaReference;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.SchemaString;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.requests.RegisterSchemaRequest;

/** Confluent's RestService: what the client above it has no call for, and JSON Schema and Protobuf as texts. */
public final class ConfluentRest {
    private static final Map<String, String> NO_HEADERS = RestService.DEFAULT_REQUEST_PROPERTIES;
    private static final String JSON =
            "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"integer\"}}}";
    private static final String PROTOBUF = "syntax = \"proto3\";\npackage shop;\n\nmessage Order {\n  int64 id = 1;\n}\n";

    private final Server server;

    ConfluentRest(Server server) {
        this.server = server;
    }

    public void schemasOfEachTypeComeBack() throws Exception {
        RestService rest = server.rest();
        Server.equal("types", rest.getSchemaTypes().stream().sorted().toList(), List.of("AVRO", "JSON", "PROTOBUF"));
        for (Map.Entry<String, String> each : Map.of("AVRO", Server.ORDER, "JSON", JSON, "PROTOBUF", PROTOBUF).entrySet()) {
            String type = each.getKey();
            String subject = "rest-types-" + type;
            int id = rest.registerSchema(each.getValue(), type, List.of(), subject).getId();
            Schema found = rest.lookUpSubjectVersion(each.getValue(), type, List.of(), subject, false);
            Server.equal("id of " + type, found.getId(), id);
            Server.equal("version of " + type, found.getVersion(), 1);
            SchemaString byId = rest.getId(id, subject, true);
            Server.equal("type", byId.getSchemaType(), type);
            Server.equal("text of " + type, squeezed(byId.getSchemaString()), squeezed(each.getValue()));
            Server.holds("highest id", byId.getMaxId() >= id);
            // The client reads what is a text alone as JSON, which Protobuf is not.
            if (!type.equals("PROTOBUF")) {
                Server.equal("text alone", squeezed(rest.getOnlySchemaById(id)), squeezed(each.getValue()));
                Server.equal("text of version", squeezed(rest.getVersionSchemaOnly(subject, 1)), squeezed(each.getValue()));
                Server.equal("text of latest", squeezed(rest.getLatestVersionSchemaOnly(subject)), squeezed(each.getValue()));
            }
            Server.equal("by version", rest.getVersion(subject, 1).getId(), id);
            Server.equal("latest", rest.getLatestVersion(subject).getSchemaType(), type);
            Server.equal("compatible with itself", rest.testCompatibility(each.getValue(), type, List.of(), subject, "latest", true), List.of());
        }
    }

    private static String squeezed(String text) {
        return text.replaceAll("\\s+", "");
    }

    public void serverSaysWhatItIs() throws Exception {
        Server.holds("cluster", !server.rest().getClusterId().getScope().isEmpty());
        Server.holds("version", !server.rest().getSchemaRegistryServerVersion().getVersion().isEmpty());
        Server.holds("contexts", server.rest().getAllContexts().contains("."));
    }

    public void nobodyIsLetInWithoutThePassword() throws Exception {
        RestService nobody = new RestService(server.registry());
        Server.refused("a read", 401, null, nobody::getAllSubjects);
        Server.refused("a write", 401, null, () -> nobody.registerSchema(Server.ORDER, "rest-nobody-value"));
        Server.equal("written", server.rest().getAllSubjects("rest-nobody-", false), List.of());
    }

    public void deletedOnesAreListedWhenAskedFor() throws Exception {
        RestService rest = server.rest();
        rest.registerSchema(Server.ORDER, "rest-deleted-one");
        rest.registerSchema(Server.ORDER_WITH_NOTE, "rest-deleted-one");
        rest.registerSchema(Server.ORDER, "rest-deleted-two");
        int id = rest.getVersion("rest-deleted-one", 1).getId();
        Server.equal("deleted", rest.deleteSchemaVersion(NO_HEADERS, "rest-deleted-one", "1"), 1);
        Server.equal("only deleted versions", rest.getDeletedOnlyVersions("rest-deleted-one"), List.of(1));
        Server.equal("deleted", rest.deleteSubject(NO_HEADERS, "rest-deleted-two"), List.of(1));
        Server.equal("only deleted subjects", rest.getDeletedOnlySubjects("rest-deleted-"), List.of("rest-deleted-two"));
        Server.equal("subjects", rest.getAllSubjects("rest-deleted-", false), List.of("rest-deleted-one"));
        Server.equal("all subjects", rest.getAllSubjects("rest-deleted-", true), List.of("rest-deleted-one", "rest-deleted-two"));
        Server.holds("not of the id", !rest.getAllSubjectsById(id, null, false).contains("rest-deleted-two"));
        Server.holds("of the id when asked for", rest.getAllSubjectsById(id, null, true).contains("rest-deleted-two"));
        Server.equal("schemas", rest.getSchemas("rest-deleted-", false, false).size(), 1);
        Server.equal("all schemas", rest.getSchemas("rest-deleted-", true, false).size(), 3);
        Server.equal("latest schemas", rest.getSchemas("rest-deleted-", true, true).size(), 2);
        Schema deleted = rest.lookUpSubjectVersion(Server.ORDER, "rest-deleted-one", true);
        Server.equal("lookup of a deleted one", deleted.getVersion(), 1);
        Server.refused("lookup", 40403, "Schema not found", () -> rest.lookUpSubjectVersion(Server.ORDER, "rest-deleted-one", false));
    }

    public void pagesOfSchemasFollowEachOther() throws Exception {
        RestService rest = server.rest();
        for (int i = 0; i < 5; i++) {
            rest.registerSchema(Server.ORDER, "rest-pages-" + i);
        }
        List<Schema> first = rest.getSchemas(NO_HEADERS, "rest-pages-", false, false, null, 0, 3);
        List<Schema> second = rest.getSchemas(NO_HEADERS, "rest-pages-", false, false, null, 3, 3);
        Server.equal("first", first.stream().map(Schema::getSubject).toList(), List.of("rest-pages-0", "rest-pages-1", "rest-pages-2"));
        Server.equal("second", second.stream().map(Schema::getSubject).toList(), List.of("rest-pages-3", "rest-pages-4"));
    }

    public void referencedByNamesTheIds() throws Exception {
        RestService rest = server.rest();
        String line = "{\"type\":\"record\",\"name\":\"Line\",\"namespace\":\"shop\",\"fields\":[{\"name\":\"of\",\"type\":\"Order\"}]}";
        rest.registerSchema(Server.ORDER, "rest-references-order");
        List<SchemaReference> references = List.of(new SchemaReference("shop.Order", "rest-references-order", 1));
        int id = rest.registerSchema(line, "AVRO", references, "rest-references-line").getId();
        Server.equal("referenced by", rest.getReferencedBy("rest-references-order", 1), List.of(id));
    }

    public void modeAndConfigFallBackToTheGlobalOnes() throws Exception {
        RestService rest = server.rest();
        Server.equal("mode", rest.getMode("rest-fallback-value", true).getMode(), "READWRITE");
        Server.equal("config", rest.getConfig(NO_HEADERS, "rest-fallback-value", true).getCompatibilityLevel(), "BACKWARD");
        rest.setMode("READONLY_OVERRIDE", "rest-fallback-value");
        Server.equal("mode", rest.getMode("rest-fallback-value", true).getMode(), "READONLY_OVERRIDE");
        Server.equal("mode that was", rest.deleteSubjectMode("rest-fallback-value").getMode(), "READONLY_OVERRIDE");
        rest.updateCompatibility("FULL", "rest-fallback-value");
        Server.equal("config that was", rest.deleteConfig("rest-fallback-value").getCompatibilityLevel(), "FULL");
    }

    public void refusalsHaveConfluentsCodesAndWords() throws Exception {
        RestService rest = server.rest();
        String subject = "rest-refusals-value";
        Server.refused("id", 40403, "Schema 2000000000 not found", () -> rest.getId(2_000_000_000));
        Server.refused("subject", 40401, "Subject '" + subject + "' not found.", () -> rest.getVersion(subject, 1));
        Server.refused("versions", 40401, "Subject '" + subject + "' not found.", () -> rest.getAllVersions(subject));
        Server.refused("lookup", 40401, "Subject '" + subject + "' not found.", () -> rest.lookUpSubjectVersion(Server.ORDER, subject));
        rest.registerSchema(Server.ORDER, subject);
        Server.refused("version", 40402, "Version 7 not found.", () -> rest.getVersion(subject, 7));
        String version = "The specified version '0' is not a valid version id. "
                + "Allowed values are between [1, 2^31-1] and the string \"latest\"";
        Server.refused("version 0", 42202, version, () -> rest.getVersion(subject, 0));
        Server.refused("schema", 42201, null, () -> rest.registerSchema("{\"type\":\"nonsense\"}", subject));
        Server.refused("no schema", 42201, null, () -> rest.registerSchema("", "rest-refusals-empty"));
        Server.refused("type", 42201, null, () -> rest.registerSchema(Server.ORDER, "XML", List.of(), subject));
        Server.refused("level", 42203, null, () -> rest.updateCompatibility("SIDEWARD", subject));
        Server.refused("mode", 42204, null, () -> rest.setMode("SLEEPING", subject));
    }

    /** What a registry calls a schema's GUID is the hash of what Confluent's own classes feed into it. */
    public void guidIsTheHashOfTheSchema() throws Exception {
        RestService rest = server.rest();
        RegisterSchemaRequest plain = new RegisterSchemaRequest();
        plain.setSchema(Server.ORDER);
        RegisterSchemaRequest described = new RegisterSchemaRequest();
        described.setSchema(Server.ORDER_WITH_NOTE);
        described.setMetadata(new Metadata(null, Map.of("owner", "shop"), null));
        RegisterSchemaRequest referring = new RegisterSchemaRequest();
        referring.setSchema("{\"type\":\"record\",\"name\":\"Line\",\"fields\":[{\"name\":\"of\",\"type\":\"shop.Order\"}]}");
        referring.setReferences(List.of(new SchemaReference("shop.Order", "rest-guid-0", 1)));
        byte[] pair = (server.user() + ":" + server.password()).getBytes(StandardCharsets.UTF_8);
        String basic = Base64.getEncoder().encodeToString(pair);
        int number = 0;
        for (RegisterSchemaRequest request : List.of(plain, described, referring)) {
            String subject = "rest-guid-" + number++;
            rest.registerSchema(request, subject, false);
            MessageDigest digest = MessageDigest.getInstance("MD5");
            new Schema(subject, request).updateHash(digest);
            ByteBuffer hash = ByteBuffer.wrap(digest.digest());
            UUID guid = new UUID(hash.getLong(), hash.getLong());
            HttpRequest get = HttpRequest.newBuilder(URI.create(server.registry() + "/subjects/" + subject + "/versions/1"))
                    .header("Authorization", "Basic " + basic)
                    .build();
            String body = HttpClient.newHttpClient().send(get, HttpResponse.BodyHandlers.ofString()).body();
            Server.holds(guid + " is not in " + body, body.contains("\"guid\":\"" + guid + "\""));
        }
    }
}
