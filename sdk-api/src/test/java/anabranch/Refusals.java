package anabranch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.error.DescriptionException;
import org.junit.jupiter.api.function.Executable;

/** What a test expects of values that cannot exist. */
public final class Refusals {
  private Refusals() {}

  /** Fails unless the action is refused with exactly this message. */
  public static void assertRefused(String message, Executable action) {
    assertEquals(message, assertThrows(DescriptionException.class, action).getMessage());
  }
}
