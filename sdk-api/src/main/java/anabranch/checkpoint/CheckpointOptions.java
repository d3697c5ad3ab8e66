package anabranch.checkpoint;

import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How a checkpoint is read, where the checkpoint itself does not say it.
 *
 * @param family the family to read it as; null to recognise it by its configuration
 * @param settings choices that the family offers, by name; the rest have the family's default
 */
public record CheckpointOptions(@Nullable String family, Map<String, String> settings) {
  /** Copies the map. */
  public CheckpointOptions {
    settings = Map.copyOf(settings);
  }

  /** Returns options that recognise the family and choose nothing. */
  public static CheckpointOptions defaults() {
    return new CheckpointOptions(null, Map.of());
  }

  /** Returns these options with a family. */
  public CheckpointOptions withFamily(String name) {
    return new CheckpointOptions(name, settings);
  }

  /** Returns these options with one setting chosen. */
  public CheckpointOptions with(String setting, String value) {
    Map<String, String> more = new TreeMap<>(settings);
    more.put(setting, value);
    return new CheckpointOptions(family, more);
  }
}
