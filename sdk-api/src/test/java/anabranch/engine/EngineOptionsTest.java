package anabranch.engine;

import static anabranch.Refusals.assertRefused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import anabranch.Serialized;
import anabranch.engine.schedule.Mode;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class EngineOptionsTest {
  private static final EngineOptions DEFAULTS = EngineOptions.defaults();

  @Test
  void everyOptionIsBounded() {
    assertRefused("engine.batchRows 0 is below 1", () -> DEFAULTS.withBatchRows(0));
    assertRefused("engine.queueItems 0 is below 1", () -> DEFAULTS.withQueueItems(0));
    assertRefused("engine.lanes 0 is not in 1..64", () -> DEFAULTS.withLanes(0));
    assertRefused("engine.lanes 65 is not in 1..64", () -> DEFAULTS.withLanes(65));
    assertRefused(
        "engine.linger PT-0.000000001S is not in PT0S..PT1M",
        () -> DEFAULTS.withLinger(Duration.ofNanos(-1)));
    assertRefused(
        "engine.linger PT1M0.000000001S is not in PT0S..PT1M",
        () -> DEFAULTS.withLinger(Duration.ofMinutes(1).plusNanos(1)));
    assertEquals(Duration.ofMinutes(1), DEFAULTS.withLinger(Duration.ofMinutes(1)).linger());
  }

  @Test
  void defaultsAreWhatTheyAreSaidToBe() {
    assertEquals(new EngineOptions(2048, Duration.ZERO, 1024, 1, false), DEFAULTS);
  }

  @Test
  void eachOptionIsReplacedAlone() {
    Duration linger = Duration.ofMillis(3);
    EngineOptions options =
        DEFAULTS.withBatchRows(7).withLinger(linger).withQueueItems(8).withLanes(2).withTrace(true);
    assertEquals(new EngineOptions(7, linger, 8, 2, true), options);
  }

  @Test
  void optionsSurviveSerialization() {
    EngineOptions options = new EngineOptions(7, Duration.ofMillis(3), 8, 2, true);
    assertEquals(options, Serialized.copy(options));
  }

  @Test
  void optionsAreEqualWhereEveryPartIs() {
    EngineOptions options = EngineOptions.defaults();
    assertEquals(options, EngineOptions.defaults());
    assertEquals(options.hashCode(), EngineOptions.defaults().hashCode());
    for (EngineOptions other :
        List.of(
            options.withBatchRows(7),
            options.withLinger(Duration.ofMillis(1)),
            options.withQueueItems(7),
            options.withLanes(7),
            options.withTrace(true),
            options.withMode(Mode.COMPACT),
            options.withInFlightRows(7))) {
      assertNotEquals(options, other);
    }
    assertNotEquals(null, options);
  }
}
