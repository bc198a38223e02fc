// Java 17: KAFKA_BROKERS=kafka-1:9092 java -cp 'LIB/*' Consumer.java, with kafka-clients and an slf4j binding in LIB
import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

public class Consumer {
  /** Deliveries to remember: more than are sent while a broker is away, or the bridge starts again. */
  static final int REMEMBERED = 100_000;

  static final Set<String> handled = Collections.newSetFromMap(new LinkedHashMap<>() {
    @Override
    protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
      return size() > REMEMBERED;
    }
  });

  /** What the service does. Where it must not be done twice after a crash, deliveryId belongs into the same transaction, as a unique key. */
  static void handle(String deliveryId, String type, byte[] value) {
    System.out.println(deliveryId + " " + type + " " + new String(value, UTF_8));
  }

  static void handleOnce(ConsumerRecord<String, byte[]> record) {
    String deliveryId = header(record, "castbridge-delivery-id");
    if (handled.contains(deliveryId)) return;
    handle(deliveryId, header(record, "castbridge-type"), record.value());
    handled.add(deliveryId);
  }

  static String header(ConsumerRecord<String, byte[]> record, String name) {
    return new String(record.headers().lastHeader(name).value(), UTF_8);
  }

  static String env(String name, String otherwise) {
    return System.getenv().getOrDefault(name, otherwise);
  }

  public static void main(String[] args) {
    int sessionMs = Integer.parseInt(env("KAFKA_SESSION_MS", "45000"));
    Map<String, Object> config = Map.of(
        "bootstrap.servers", env("KAFKA_BROKERS", "localhost:9092"),
        "group.id", env("KAFKA_GROUP", "my-service"),
        "session.timeout.ms", sessionMs,
        "heartbeat.interval.ms", sessionMs / 3,
        "auto.offset.reset", "earliest",
        "enable.auto.commit", "false");
    try (var consumer = new KafkaConsumer<>(config, new StringDeserializer(), new ByteArrayDeserializer())) {
      consumer.subscribe(List.of(env("KAFKA_TOPIC", "castai.events")));
      while (true) {
        var records = consumer.poll(Duration.ofSeconds(1));
        for (ConsumerRecord<String, byte[]> record : records) handleOnce(record);
        // After handling, never before. Where `handle` throws, the process ends, and the next one gets the records again.
        if (!records.isEmpty()) consumer.commitSync();
      }
    }
  }
}
