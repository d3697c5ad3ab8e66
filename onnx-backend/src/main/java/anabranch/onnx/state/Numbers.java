package anabranch.onnx.state;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A few numbers that are replaced as a whole: of a recurrence, or a decision. */
public final class Numbers implements Kept {
  private float @Nullable [] current;
  private float @Nullable [] next;
  private long stamp;

  /** Returns the published numbers, not to be changed; null before the first. */
  public float @Nullable [] current() {
    return current;
  }

  /** Writes the numbers that follow; they belong to this object from now on. */
  public void write(float[] numbers) {
    next = numbers;
  }

  @Override
  public void publish(long now) {
    if (next != null) {
      current = next;
      next = null;
      stamp = now;
    }
  }

  @Override
  public void discard() {
    next = null;
  }

  @Override
  public long bytes() {
    return current == null ? 0 : 4L * current.length;
  }

  @Override
  public Kept copy() {
    Numbers copy = new Numbers();
    copy.current = current;
    copy.stamp = stamp;
    return copy;
  }

  @Override
  public IntStream pages() {
    return IntStream.range(0, current == null ? 0 : 1);
  }

  @Override
  public long stamp(int page) {
    return stamp;
  }

  @Override
  public ByteBuffer page(int page) {
    float[] numbers = current == null ? new float[0] : current;
    ByteBuffer bytes = ByteBuffer.allocate(4 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(numbers);
    return bytes;
  }

  @Override
  public void restore(int number, ByteBuffer page, long now) {
    float[] numbers = new float[page.remaining() / 4];
    page.duplicate().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(numbers);
    current = numbers;
    stamp = now;
  }

  @Override
  public void close() {
    current = null;
    next = null;
  }
}
