package anabranch.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.error.DescriptionException;
import java.nio.FloatBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

class EventTest {
  @Test
  void featuresOfALaterRowStartAtZero() {
    Event event = Event.ofFeatures(2, 1, 2, 3, 4).at(5);
    FloatBuffer second = event.features(6);
    assertEquals(2, second.remaining());
    assertEquals(2, second.limit());
    assertEquals(3, second.get(0));
    assertEquals(4, second.get(1));
    assertTrue(second.isReadOnly());
  }

  @Test
  void conditionsStandBesideRowsWhateverElseIsSaid() {
    float[] numbers = {1, -2};
    Event event = Event.ofTokens(7, 8).conditioned(numbers);
    numbers[0] = 9;
    for (Event same : List.of(event, event.at(3), event.keyed(4), Event.ofTokens(1).under(event))) {
      assertEquals(2, same.conditionLength());
      assertEquals(FloatBuffer.wrap(new float[] {1, -2}), same.condition(2));
      assertTrue(same.condition(2).isReadOnly());
    }
    assertNotEquals(event, Event.ofTokens(7, 8));
    assertEquals(Event.ofTokens(7, 8), event.conditioned());
  }

  /** E7: a condition is there and has the length that is read. */
  @Test
  void conditionsOfAnotherLengthAreRefused() {
    IllegalStateException none =
        assertThrows(IllegalStateException.class, () -> Event.ofTokens(1).condition(3));
    assertEquals(
        "Event[1 tokens at 0] has a condition of 0 numbers, not 3 (rule E7)", none.getMessage());
    assertThrows(
        IllegalStateException.class, () -> Event.ofTokens(1).conditioned(1, 2).condition(3));
    DescriptionException odd =
        assertThrows(DescriptionException.class, () -> Event.ofTokens(1).conditioned(1, Float.NaN));
    assertEquals("event.condition[1] NaN is not finite", odd.getMessage());
  }
}
