package anabranch.samples.surprise;

import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.backend.Event;
import java.util.List;
import org.junit.jupiter.api.Test;

class WindowsTest {
  @Test
  void aRowHoldsTheByteBeforeTheOneItPredicts() {
    List<Event> windows = Windows.of(new byte[] {1, (byte) 0xff, 3});
    assertEquals(List.of(Event.ofTokens(256, 1, 255)), windows);
  }

  @Test
  void longTextsStartAnewInEveryWindow() {
    byte[] bytes = new byte[2 * Windows.LENGTH + 1];
    bytes[Windows.LENGTH] = 9;
    List<Event> windows = Windows.of(bytes);
    assertEquals(List.of(128, 128, 1), windows.stream().map(Event::rows).toList());
    assertEquals(256, windows.get(1).token(0));
    assertEquals(9, windows.get(1).token(1));
    assertEquals(List.of(), Windows.of(new byte[0]));
  }
}
