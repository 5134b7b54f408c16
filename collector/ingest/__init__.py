"""From Kafka records to changes of the store."""
