#!/usr/bin/env bash
# Apache Kafka 4.3.1, one node with KRaft: the oracle that every test of ours
# is shown right on first, and the peer of every benchmark.
#
#   kafka.sh install
#   kafka.sh start --port P --dir D [--flush-every-batch] [--heap 512m] [--set NAME=VALUE]...
#   kafka.sh stop --dir D          SIGTERM, waits for a clean shutdown
#   kafka.sh kill --dir D          SIGKILL
#   kafka.sh tool CLASS args...    a class from Kafka's jars, such as
#                                  org.apache.kafka.tools.TopicCommand
#
# `start` prints one line, "PID HOST:PORT", when the broker serves requests.
# Called again on a directory that holds a log it keeps cluster id and data.
# Retention is off: tests write records with old timestamps, which Kafka would
# begin to delete half a minute after it started.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${TIDEGATE_CACHE:-$HOME/.cache/tidegate}
lib=$cache/kafka-4.3.1

fail() { echo "kafka.sh: $*" >&2; exit 1; }

install() { "$here/../java/jars.sh" "$here/pom.xml" "$lib"; }

# Not one that the kernel picks: until Kafka listens, an outgoing connection may be given it again.
free_port() {
    python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import gateway; print(gateway.free_port())' "$here/../clients"
}

write_properties() {
    local port=$1 dir=$2 controller_port=$3 flush=$4
    shift 4
    cat >"$dir/server.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller_port
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$dir/log
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.retention.ms=-1
END
    if [[ $flush == yes ]]; then
        echo log.flush.interval.messages=1 >>"$dir/server.properties"
    fi
    # Of a name given twice Kafka takes the last.
    printf '%s\n' "$@" >>"$dir/server.properties"
}

format_once() {
    local dir=$1 id
    [[ -f $dir/log/meta.properties ]] && return
    id=$(python3 -c 'import base64, uuid; print(base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))')
    java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$lib/*" kafka.tools.StorageTool \
        format -t "$id" -c "$dir/server.properties" >"$dir/format.log" 2>&1 ||
        { cat "$dir/format.log" >&2; fail "could not format $dir"; }
}

start() {
    local port='' dir='' flush=no heap=512m settings=()
    while (($#)); do
        case $1 in
        --port) port=$2; shift 2 ;;
        --dir) dir=$2; shift 2 ;;
        --heap) heap=$2; shift 2 ;;
        --flush-every-batch) flush=yes; shift ;;
        --set) settings+=("$2"); shift 2 ;;
        *) fail "start: unknown argument $1" ;;
        esac
    done
    [[ $port && $dir ]] || fail "start needs --port and --dir"
    install
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    write_properties "$port" "$dir" "$(free_port)" "$flush" "${settings[@]}"
    format_once "$dir"
    # Garbage collection as Kafka's own start script sets it.
    setsid java "-Xms$heap" "-Xmx$heap" -XX:+UseG1GC -XX:MaxGCPauseMillis=20 \
        -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent -Djava.awt.headless=true \
        -cp "$lib/*" kafka.Kafka "$dir/server.properties" \
        </dev/null >>"$dir/server.out" 2>&1 &
    echo $! >"$dir/pid"
    if ! python3 "$here/ready.py" "$port" 180; then
        tail -n 50 "$dir/server.out" >&2
        kill_hard --dir "$dir"
        fail "Kafka did not become ready"
    fi
    echo "$(<"$dir/pid") 127.0.0.1:$port"
}

pid_of() {
    [[ ${1:-} == --dir && ${2:-} ]] || fail "--dir is missing"
    [[ -f $2/pid ]] || fail "$2 has no pid file"
    cat "$2/pid"
}

# `wait` works for children only; the server may be a child of another shell. Only the last of its threads takes the
# sockets along: until then the first one is a zombie with others beside it (Zl).
wait_gone() {
    local pid=$1 tenths=$2 state
    while kill -0 "$pid" 2>/dev/null; do
        state=$(ps -o stat= -p "$pid") || true
        [[ $state == Z* && $state != *l* ]] && return
        ((tenths-- > 0)) || return 1
        sleep 0.1
    done
}

kill_hard() {
    local pid
    pid=$(pid_of "$@")
    kill -KILL "$pid" 2>/dev/null || true
    wait_gone "$pid" 600
}

stop() {
    local pid
    pid=$(pid_of "$@")
    kill -TERM "$pid" 2>/dev/null || return 0
    wait_gone "$pid" 600 || kill_hard "$@"
}

tool() {
    install
    exec java -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$lib/*" "$@"
}

verb=${1:-}
[[ $verb ]] && shift
case $verb in
install) install ;;
start) start "$@" ;;
stop) stop "$@" ;;
kill) kill_hard "$@" ;;
tool) tool "$@" ;;
*) fail "usage: kafka.sh install|start|stop|kill|tool ..." ;;
esac
