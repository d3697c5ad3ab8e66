package anabranch.checkpoint.tensor;

import anabranch.weights.Place;
import anabranch.weights.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Some numbers of a tensor in an order of their own, none of them copied. Immutable; any thread.
 *
 * @param source where the numbers are
 * @param first the first of them, counted in the source's order
 * @param shape extents, outermost first
 * @param strides how far the next number is along each extent
 */
public record View(Tensor source, int first, List<Integer> shape, List<Integer> strides) {
  /** Copies the lists. */
  public View {
    shape = List.copyOf(shape);
    strides = List.copyOf(strides);
  }

  /**
   * Which part of one extent is taken.
   *
   * @param from the first
   * @param to behind the last; null for the end, or to take {@code from} alone and drop the extent
   * @param step from one to the next, at least 1; 0 to take {@code from} alone and drop the extent
   */
  public record Slice(int from, @Nullable Integer to, int step) {}

  /** Returns all of a tensor. */
  public static View of(Tensor source) {
    return new View(source, 0, source.shape(), rowMajor(source.shape()));
  }

  /**
   * Returns a part, one slice for each extent from the outermost on.
   *
   * @throws IllegalArgumentException saying what does not fit
   */
  public View slice(List<Slice> slices) {
    if (slices.size() > shape.size()) {
      throw new IllegalArgumentException(slices.size() + " slices do not fit the shape " + shape);
    }
    int start = first;
    List<Integer> extents = new ArrayList<>();
    List<Integer> steps = new ArrayList<>();
    for (int i = 0; i < shape.size(); i++) {
      Slice slice = i < slices.size() ? slices.get(i) : new Slice(0, null, 1);
      int extent = shape.get(i);
      int to = slice.to != null ? slice.to : slice.step == 0 ? slice.from + 1 : extent;
      if (slice.from < 0 || slice.from >= to || to > extent || slice.step < 0) {
        throw new IllegalArgumentException(
            "slice "
                + slice.from
                + ":"
                + to
                + " of extent "
                + i
                + " does not fit the shape "
                + shape);
      }
      start += slice.from * strides.get(i);
      if (slice.step > 0) {
        extents.add((to - slice.from + slice.step - 1) / slice.step);
        steps.add(strides.get(i) * slice.step);
      }
    }
    return new View(source, start, extents, steps);
  }

  /**
   * Returns the same numbers with the last two extents exchanged.
   *
   * @throws IllegalArgumentException if there are fewer
   */
  public View transposed() {
    int last = shape.size() - 1;
    if (last < 1) {
      throw new IllegalArgumentException("the shape " + shape + " has no transpose");
    }
    return new View(source, first, swapped(shape, last), swapped(strides, last));
  }

  /** Returns the numbers as a tensor: a part of the source's memory, or a copy if out of order. */
  public Tensor as(String name) {
    int size = source.type().bytes();
    int count = shape.stream().reduce(1, (a, b) -> a * b);
    if (strides.equals(rowMajor(shape))) {
      ByteBuffer run = source.bytes().slice(first * size, count * size);
      Place place = source.place();
      return new Tensor(
          name, source.type(), shape, run, place == null ? null : place.behind(first * size));
    }
    ByteBuffer copy = ByteBuffer.allocate(count * size).order(ByteOrder.LITTLE_ENDIAN);
    copy(source.bytes(), 0, first, size, copy);
    return new Tensor(name, source.type(), shape, copy.flip());
  }

  private void copy(ByteBuffer from, int extent, int at, int size, ByteBuffer into) {
    if (extent == shape.size()) {
      into.put(into.position(), from, at * size, size).position(into.position() + size);
      return;
    }
    int stride = strides.get(extent);
    int many = shape.get(extent);
    if (extent == shape.size() - 1 && stride == 1) {
      into.put(into.position(), from, at * size, many * size);
      into.position(into.position() + many * size);
      return;
    }
    for (int i = 0; i < many; i++) {
      copy(from, extent + 1, at + i * stride, size, into);
    }
  }

  private static List<Integer> swapped(List<Integer> list, int last) {
    List<Integer> copy = new ArrayList<>(list);
    copy.set(last, list.get(last - 1));
    copy.set(last - 1, list.get(last));
    return copy;
  }

  /** An extent of 1 has no next number; its stride is taken for the one it would have. */
  private static List<Integer> rowMajor(List<Integer> shape) {
    List<Integer> strides = new ArrayList<>(shape);
    int stride = 1;
    for (int i = shape.size() - 1; i >= 0; i--) {
      strides.set(i, stride);
      stride *= shape.get(i);
    }
    return strides;
  }
}
