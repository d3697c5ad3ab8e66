package anabranch.samples.surprise;

import anabranch.backend.Event;
import java.util.ArrayList;
import java.util.List;

/**
 * Cuts bytes into the windows that the model reads. A line that is longer than a window is split
 * into consecutive windows of {@link #LENGTH} bytes, the last one shorter; each starts anew,
 * without memory of the one before. Stateless.
 */
public final class Windows {
  /** The id that stands before the first byte of a window. */
  public static final int BEGIN = 256;

  /** How many bytes a window predicts at most. */
  public static final int LENGTH = 128;

  private Windows() {}

  /** Returns the windows of some bytes, in order: the row for byte i holds the byte before it. */
  public static List<Event> of(byte[] bytes) {
    List<Event> windows = new ArrayList<>((bytes.length + LENGTH - 1) / LENGTH);
    for (int start = 0; start < bytes.length; start += LENGTH) {
      int[] ids = new int[Math.min(LENGTH, bytes.length - start)];
      ids[0] = BEGIN;
      for (int i = 1; i < ids.length; i++) {
        ids[i] = bytes[start + i - 1] & 0xff;
      }
      windows.add(Event.ofTokens(ids));
    }
    return windows;
  }
}
