package anabranch.backend;

import static anabranch.Refusals.assertRefused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.FloatBuffer;
import java.nio.ReadOnlyBufferException;
import org.junit.jupiter.api.Test;

class EventRowsTest {
  @Test
  void tokensAreReadByPosition() {
    Event event = Event.ofTokens(5, 6, 7);
    assertTrue(event.hasTokens());
    assertEquals(3, event.rows());
    assertEquals(0, event.width());
    assertEquals(6, event.token(1));
    Event later = event.at(10);
    assertEquals(10, later.firstPosition());
    assertEquals(6, later.token(11));
    assertThrows(IndexOutOfBoundsException.class, () -> later.token(9));
    assertThrows(IndexOutOfBoundsException.class, () -> later.token(13));
  }

  @Test
  void featuresAreReadByPosition() {
    Event event = Event.ofFeatures(2, 1, 2, 3, 4, 5, 6).at(4);
    assertFalse(event.hasTokens());
    assertEquals(3, event.rows());
    assertEquals(2, event.width());
    FloatBuffer row = event.features(5);
    assertEquals(2, row.remaining());
    assertEquals(3, row.get());
    assertEquals(4, row.get());
    assertThrows(ReadOnlyBufferException.class, () -> row.put(0, 9));
  }

  @Test
  void arraysAreCopied() {
    int[] tokens = {1, 2};
    float[] values = {1, 2};
    Event ofTokens = Event.ofTokens(tokens);
    Event ofFeatures = Event.ofFeatures(1, values);
    tokens[1] = 9;
    values[1] = 9;
    assertEquals(2, ofTokens.token(1));
    assertEquals(2, ofFeatures.features(1).get());
  }

  @Test
  void equalRowsAtTheSamePositionAreEqual() {
    Event event = Event.ofTokens(1, 2);
    assertEquals(event, Event.ofTokens(1, 2));
    assertEquals(event.hashCode(), Event.ofTokens(1, 2).hashCode());
    assertNotEquals(event, Event.ofTokens(1, 3));
    assertNotEquals(event, event.at(1));
    assertEquals(Event.ofFeatures(2, 1, 2), Event.ofFeatures(2, 1, 2));
    assertNotEquals(Event.ofFeatures(2, 1, 2), Event.ofFeatures(1, 1, 2));
    assertNotEquals(Event.ofFeatures(1, 1, 2), event);
  }

  @Test
  void emptyAndRaggedEventsAreRefused() {
    assertRefused("event.tokens.length 0 is below 1", () -> Event.ofTokens());
    assertRefused("event.width 0 is below 1", () -> Event.ofFeatures(0, 1));
    assertRefused("event.values.length 1 is below 2", () -> Event.ofFeatures(2, 1));
    assertRefused(
        "event.values.length 3 is not a multiple of width 2", () -> Event.ofFeatures(2, 1, 2, 3));
    assertRefused("event.firstPosition -1 is below 0", () -> Event.ofTokens(1).at(-1));
  }
}
