package anabranch.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.FloatBuffer;
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
}
