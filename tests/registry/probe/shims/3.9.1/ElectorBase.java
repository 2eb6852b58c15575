import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.ApiVersions;
import org.apache.kafka.clients.ClientDnsLookup;
import org.apache.kafka.clients.ClientUtils;
import org.apache.kafka.clients.GroupRebalanceConfig;
import org.apache.kafka.clients.Metadata;
import org.apache.kafka.clients.MetadataRecoveryStrategy;
import org.apache.kafka.clients.NetworkClient;
import org.apache.kafka.clients.consumer.internals.AbstractCoordinator;
import org.apache.kafka.clients.consumer.internals.ConsumerNetworkClient;
import org.apache.kafka.common.internals.ClusterResourceListeners;
import org.apache.kafka.common.message.JoinGroupResponseData.JoinGroupResponseMember;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.network.PlaintextChannelBuilder;
import org.apache.kafka.common.network.Selector;
import org.apache.kafka.common.utils.LogContext;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.common.utils.Timer;

/**
 * What an elector needs of AbstractCoordinator, in the shape that kafka-clients 3.9.1 gives it.
 *
 * <p>The class is internal to the clients and its constructors and hooks change between releases;
 * the elector itself is written once, above this one.
 */
abstract class ElectorBase extends AbstractCoordinator {
    static final int SESSION_TIMEOUT_MS = 10_000;
    static final int HEARTBEAT_INTERVAL_MS = 3_000;
    static final int REBALANCE_TIMEOUT_MS = 300_000;
    private static final long RETRY_BACKOFF_MS = 100;
    private static final long RETRY_BACKOFF_MAX_MS = 1_000;
    private static final long METADATA_MAX_AGE_MS = 300_000;
    private static final int REQUEST_TIMEOUT_MS = 30_000;

    private final ConsumerNetworkClient network;

    ElectorBase(String bootstrap, String groupId) {
        this(groupId, new LogContext("[elector] "), new Metrics(), bootstrap);
    }

    private ElectorBase(String groupId, LogContext log, Metrics metrics, String bootstrap) {
        this(groupId, log, metrics, network(bootstrap, log, metrics));
    }

    private ElectorBase(String groupId, LogContext log, Metrics metrics, ConsumerNetworkClient network) {
        super(
                new GroupRebalanceConfig(
                        SESSION_TIMEOUT_MS, REBALANCE_TIMEOUT_MS, HEARTBEAT_INTERVAL_MS, groupId,
                        Optional.empty(), RETRY_BACKOFF_MS, RETRY_BACKOFF_MAX_MS, true),
                log,
                network,
                metrics,
                "elector",
                Time.SYSTEM);
        this.network = network;
    }

    private static ConsumerNetworkClient network(String bootstrap, LogContext log, Metrics metrics) {
        Metadata metadata =
                new Metadata(
                        RETRY_BACKOFF_MS, RETRY_BACKOFF_MAX_MS, METADATA_MAX_AGE_MS, log, new ClusterResourceListeners());
        metadata.bootstrap(
                ClientUtils.parseAndValidateAddresses(List.of(bootstrap), ClientDnsLookup.USE_ALL_DNS_IPS));
        PlaintextChannelBuilder channels = new PlaintextChannelBuilder(null);
        channels.configure(Map.of());
        Selector selector = new Selector(METADATA_MAX_AGE_MS, metrics, Time.SYSTEM, "elector", channels, log);
        NetworkClient client =
                new NetworkClient(
                        selector, metadata, "sr-probe", 100, 50, 50, 128 << 10, 32 << 10, REQUEST_TIMEOUT_MS, 10_000, 30_000,
                        Time.SYSTEM, true, new ApiVersions(), log,
                        MetadataRecoveryStrategy.NONE);
        return new ConsumerNetworkClient(
                log, client, metadata, Time.SYSTEM, RETRY_BACKOFF_MS, REQUEST_TIMEOUT_MS, Integer.MAX_VALUE);
    }

    /** The leader's work: an assignment for each of the group's members. */
    abstract Map<String, ByteBuffer> assign(List<JoinGroupResponseMember> members);

    /** A rebalance begins: whoever was master is no longer. */
    abstract void revoked();

    final ConsumerNetworkClient network() {
        return network;
    }

    @Override
    protected boolean onJoinPrepare(Timer timer, int generation, String memberId) {
        revoked();
        return true;
    }

    @Override
    protected Map<String, ByteBuffer> onLeaderElected(
            String leaderId, String protocol, List<JoinGroupResponseMember> members, boolean skipAssignment) {
        return assign(members);
    }
}
