import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.message.JoinGroupRequestData.JoinGroupRequestProtocol;
import org.apache.kafka.common.message.JoinGroupRequestData.JoinGroupRequestProtocolCollection;
import org.apache.kafka.common.message.JoinGroupResponseData.JoinGroupResponseMember;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.common.utils.Timer;

/**
 * A member of the registries' election: protocol type `sr`, protocol `v0`.
 *
 * <p>The group's leader names the master, the eligible member with the smallest URL, and refuses a
 * generation in which two members give the same URL. A registry that is told of such a generation
 * stops electing for good, so a coordinator must never complete a join with a member that is dead.
 */
final class Elector extends ElectorBase implements Runnable {
    static final int NO_ERROR = 0;
    static final int DUPLICATE_URLS = 1;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final int port;
    private final CompletableFuture<Void> firstMastership = new CompletableFuture<>();
    private volatile boolean stopping;
    private volatile boolean master;

    Elector(String bootstrap, String groupId, int port) {
        super(bootstrap, groupId);
        this.port = port;
    }

    /** Completes when this member was told that it is the master. */
    CompletableFuture<Void> firstMastership() {
        return firstMastership;
    }

    /** The loop of a registry's election thread: join, stay in, answer the network. */
    @Override
    public void run() {
        try {
            while (!stopping) {
                ensureCoordinatorReady(Time.SYSTEM.timer(Long.MAX_VALUE));
                if (rejoinNeededOrPending()) {
                    ensureActiveGroup();
                }
                long nowMs = Time.SYSTEM.milliseconds();
                pollHeartbeat(nowMs);
                Timer timer = Time.SYSTEM.timer(Math.min(1_000, timeToNextHeartbeat(nowMs)));
                network().poll(timer);
            }
        } catch (WakeupException e) {
            if (!stopping) {
                firstMastership.completeExceptionally(e);
            }
        } catch (RuntimeException e) {
            firstMastership.completeExceptionally(e);
            throw e;
        }
    }

    /** Leaves the group, which closing an AbstractCoordinator does for a dynamic member. */
    void leave(Thread runner) throws InterruptedException {
        stopping = true;
        network().wakeup();
        runner.join(10_000);
        close();
    }

    @Override
    protected String protocolType() {
        return "sr";
    }

    @Override
    protected JoinGroupRequestProtocolCollection metadata() {
        return new JoinGroupRequestProtocolCollection(
                Collections.singletonList(
                                new JoinGroupRequestProtocol().setName("v0").setMetadata(bytes(identity())))
                        .iterator());
    }

    private ObjectNode identity() {
        return JSON.createObjectNode()
                .put("version", 1)
                .put("host", "127.0.0.1")
                .put("port", port)
                .put("master_eligibility", true)
                .put("scheme", "http")
                .put("leader", master);
    }

    @Override
    Map<String, ByteBuffer> assign(List<JoinGroupResponseMember> members) {
        TreeMap<String, String> idsByUrl = new TreeMap<>();
        Map<String, JsonNode> identities = new HashMap<>();
        Set<String> ids = new HashSet<>();
        ArrayNode urls = JSON.createArrayNode();
        for (JoinGroupResponseMember member : members) {
            JsonNode identity = parse(ByteBuffer.wrap(member.metadata()));
            String url = url(identity);
            ids.add(member.memberId());
            identities.put(member.memberId(), identity);
            idsByUrl.put(url, member.memberId());
            urls.add(url);
        }
        boolean duplicate = idsByUrl.size() < members.size();
        String masterId = idsByUrl.firstEntry().getValue();
        ObjectNode assignment = JSON.createObjectNode().put("version", 1);
        assignment.put("error", duplicate ? DUPLICATE_URLS : NO_ERROR);
        assignment.put("master", duplicate ? null : masterId);
        assignment.set("master_identity", duplicate ? null : identities.get(masterId));

        Event.of("leading").set("members", urls).print();
        Map<String, ByteBuffer> assignments = new HashMap<>();
        for (String id : ids) {
            assignments.put(id, ByteBuffer.wrap(bytes(assignment)));
        }
        return assignments;
    }

    @Override
    protected void onJoinComplete(int generation, String memberId, String protocol, ByteBuffer assignment) {
        JsonNode told = parse(assignment);
        int error = told.get("error").intValue();
        master = memberId.equals(told.path("master").textValue());
        Event.of("assigned")
                .put("generation", generation)
                .put("error", error)
                .put("master", error == NO_ERROR ? url(told.get("master_identity")) : null)
                .put("self", master)
                .print();
        if (error != NO_ERROR) {
            throw new IllegalStateException("the assignment carries error " + error);
        }
        if (master) {
            firstMastership.complete(null);
        }
    }

    @Override
    void revoked() {
        master = false;
        Event.of("revoked").print();
    }

    private static String url(JsonNode identity) {
        return identity.get("scheme").textValue()
                + "://"
                + identity.get("host").textValue()
                + ":"
                + identity.get("port").intValue();
    }

    private static byte[] bytes(ObjectNode object) {
        return object.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static JsonNode parse(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        try {
            return JSON.readTree(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException("not the JSON of a registry: " + new String(bytes, StandardCharsets.UTF_8), e);
        }
    }
}
