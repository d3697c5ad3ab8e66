package anabranch.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedFrame;
import jdk.jfr.consumer.RecordedThread;
import jdk.jfr.consumer.RecordingFile;

/**
 * What the time of a lane consists of, by samples of its stack: calls of loaded graphs by the class
 * that makes them, work on the host by package. Stateless.
 */
final class Parts {
  private static final String OURS = "anabranch.";
  private static final String CALLS = "anabranch.onnx.session.";
  private static final Duration PERIOD = Duration.ofMillis(10);
  private static final int SHOWN = 12;

  private Parts() {}

  /** Repeats some work for a while and returns a line for each part with its share of samples. */
  static List<String> of(Runnable work, Duration time) {
    Map<String, Integer> samples = new TreeMap<>();
    try {
      Path file = Files.createTempFile("parts", ".jfr");
      try (Recording recording = new Recording()) {
        recording.enable("jdk.ExecutionSample").withPeriod(PERIOD);
        recording.enable("jdk.NativeMethodSample").withPeriod(PERIOD);
        recording.start();
        long end = System.nanoTime() + time.toNanos();
        while (System.nanoTime() < end) {
          work.run();
        }
        recording.stop();
        recording.dump(file);
        for (RecordedEvent event : RecordingFile.readAllEvents(file)) {
          count(event, samples);
        }
      } finally {
        Files.delete(file);
      }
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
    int all = samples.values().stream().mapToInt(Integer::intValue).sum();
    List<String> lines = new ArrayList<>();
    samples.entrySet().stream()
        .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
        .limit(SHOWN)
        .forEach(
            part ->
                lines.add(
                    String.format(
                        Locale.ROOT,
                        "  %5.1f %% %s",
                        100.0 * part.getValue() / all,
                        part.getKey())));
    return lines;
  }

  private static void count(RecordedEvent event, Map<String, Integer> samples) {
    if (!event.hasField("sampledThread") || event.getStackTrace() == null) {
      return;
    }
    RecordedThread thread = event.getThread("sampledThread");
    String name = thread == null ? null : thread.getJavaName();
    if (name == null || !name.startsWith("anabranch-")) {
      return;
    }
    boolean calls = false;
    for (RecordedFrame frame : event.getStackTrace().getFrames()) {
      String type = frame.getMethod().getType().getName().split("\\$")[0];
      if (type.startsWith(CALLS)) {
        calls = true;
      } else if (type.startsWith(OURS)) {
        String part =
            calls
                ? "calls by "
                    + type.substring(type.lastIndexOf('.') + 1)
                    + '.'
                    + frame.getMethod().getName()
                : "host, " + type.substring(OURS.length(), type.lastIndexOf('.'));
        samples.merge(part, 1, Integer::sum);
        return;
      }
    }
  }
}
