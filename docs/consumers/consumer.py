# Python 3: pip install confluent-kafka; KAFKA_BROKERS=kafka-1:9092 python3 consumer.py
import os
from confluent_kafka import Consumer, KafkaException

# Deliveries to remember: more than are sent while a broker is away, or the bridge starts again.
REMEMBERED = 100_000
handled = {}


def handle(delivery_id, event_type, value):
    """What the service does. Where it must not be done twice after a crash, delivery_id belongs into the same transaction, as a unique key."""
    print(delivery_id, event_type, value.decode(), flush=True)


def handle_once(record):
    headers = dict(record.headers())
    delivery_id, event_type = (headers[name].decode() for name in ("castbridge-delivery-id", "castbridge-type"))
    if delivery_id in handled:
        return
    handle(delivery_id, event_type, record.value())
    handled[delivery_id] = True
    if len(handled) > REMEMBERED:
        del handled[next(iter(handled))]


def main():
    consumer = Consumer({
        "bootstrap.servers": os.environ.get("KAFKA_BROKERS", "localhost:9092"),
        "group.id": os.environ.get("KAFKA_GROUP", "my-service"),
        "session.timeout.ms": int(os.environ.get("KAFKA_SESSION_MS", "45000")),
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    })
    consumer.subscribe([os.environ.get("KAFKA_TOPIC", "castai.events")])
    try:
        while True:
            records = consumer.consume(num_messages=100, timeout=1)
            for record in records:
                if record.error():
                    raise KafkaException(record.error())
                handle_once(record)
            # After handling, never before. Where `handle` raises, the process ends, and the next one gets the records again.
            if records:
                consumer.commit(asynchronous=False)
    finally:
        consumer.close()


if __name__ == "__main__":
    main()
