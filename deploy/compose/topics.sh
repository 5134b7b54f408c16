#!/bin/sh
# Makes the collector's topics on the broker that is named, where they are not there.
set -eu
make() {
    topic=$1
    shift
    /opt/kafka/bin/kafka-topics.sh --bootstrap-server "$broker" --create --if-not-exists --topic "$topic" "$@"
}
broker=$1
make room-session-events --partitions 12 --config message.timestamp.type=LogAppendTime
make room-session-events.dead-letters --partitions 1 --config max.message.bytes=10485760
