package anabranch.conformance.reference.pass;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Reads what {@link PageWriter} wrote, in the same order. Confined to one call. */
public final class PageReader {
  private final ByteBuffer page;

  /** Creates a reader of a page, which it leaves as it is. */
  public PageReader(ByteBuffer page) {
    this.page = page.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Returns whether something is left to be read. */
  public boolean hasMore() {
    return page.hasRemaining();
  }

  /** Returns a whole number. */
  public int number() {
    return page.getInt();
  }

  /** Returns some numbers. */
  public double[] numbers() {
    double[] numbers = new double[page.getInt()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = page.getDouble();
    }
    return numbers;
  }

  /** Returns a text. */
  public String text() {
    byte[] bytes = new byte[page.getInt()];
    page.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
