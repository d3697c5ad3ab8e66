package anabranch.checkpoint.tensor;

import anabranch.error.WeightsException;
import anabranch.weights.DType;
import anabranch.weights.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;

/** What a tensor is made of; the numbers are made when they are asked for. Any thread. */
public sealed interface Made {
  /** Returns the extents of what will be made, outermost first. */
  List<Integer> shape();

  /** Returns the tensor. */
  Tensor as(String name);

  /**
   * Views added up; those of fewer extents are added to each run of their shape.
   *
   * @param views at least one; no shape that is not the tail of the first one's
   */
  record Sum(List<View> views) implements Made {
    /** Checks the shapes. */
    public Sum {
      views = List.copyOf(views);
      List<Integer> whole = views.get(0).shape();
      for (View view : views) {
        int less = whole.size() - view.shape().size();
        if (less < 0 || !whole.subList(less, whole.size()).equals(view.shape())) {
          throw new IllegalArgumentException(
              "shapes " + whole + " and " + view.shape() + " cannot be added");
        }
      }
    }

    @Override
    public List<Integer> shape() {
      return views.get(0).shape();
    }

    @Override
    public Tensor as(String name) {
      if (views.size() == 1) {
        return views.get(0).as(name);
      }
      ByteBuffer bytes = room(name, shape());
      FloatBuffer sum = bytes.asFloatBuffer();
      for (View view : views) {
        Tensor part = view.as(name);
        FloatBuffer numbers = FloatBuffer.allocate((int) part.elements());
        part.copyTo(numbers);
        for (int i = 0; i < sum.capacity(); i++) {
          sum.put(i, sum.get(i) + numbers.get(i % numbers.capacity()));
        }
      }
      return new Tensor(name, DType.F32, shape(), bytes);
    }
  }

  /** One number everywhere. */
  record Fill(List<Integer> shape, float number) implements Made {
    @Override
    public Tensor as(String name) {
      ByteBuffer bytes = room(name, shape);
      while (bytes.hasRemaining()) {
        bytes.putFloat(number);
      }
      return new Tensor(name, DType.F32, shape, bytes.flip());
    }
  }

  /**
   * Squares with one number along the diagonal and 0 elsewhere, one behind the other along the
   * longer extent.
   *
   * @param shape of a matrix, one extent so many times the other
   * @param numbers one for each square
   */
  record Diagonals(List<Integer> shape, List<Float> numbers) implements Made {
    /** Checks that the squares fill the matrix. */
    public Diagonals {
      numbers = List.copyOf(numbers);
      int least = shape.stream().min(Integer::compare).orElse(0);
      int most = shape.stream().max(Integer::compare).orElse(0);
      if (shape.size() != 2 || most != least * numbers.size()) {
        throw new IllegalArgumentException(
            numbers.size() + " squares do not fill the shape " + shape);
      }
    }

    @Override
    public Tensor as(String name) {
      ByteBuffer bytes = room(name, shape);
      int columns = shape.get(1);
      int side = Math.min(shape.get(0), columns);
      for (int i = 0; i < shape.get(0); i++) {
        for (int j = 0; j < columns; j++) {
          bytes.putFloat(i % side == j % side ? numbers.get(Math.max(i, j) / side) : 0);
        }
      }
      return new Tensor(name, DType.F32, shape, bytes.flip());
    }
  }

  /**
   * What Python's {@code random.Random(seed).randrange(bound)} gives, one after the other.
   *
   * @param bound in 1..2^31-1
   */
  record Draws(List<Integer> shape, int seed, int bound) implements Made {
    @Override
    public Tensor as(String name) {
      Twister twister = new Twister(seed);
      ByteBuffer bytes = room(name, shape);
      while (bytes.hasRemaining()) {
        bytes.putInt(twister.below(bound));
      }
      return new Tensor(name, DType.I32, shape, bytes.flip());
    }
  }

  private static ByteBuffer room(String name, List<Integer> shape) {
    long bytes = 4;
    for (int extent : shape) {
      bytes *= extent;
      if (bytes > Tensor.MOST_BYTES) {
        throw new WeightsException(
            "tensor \""
                + name
                + "\" "
                + shape
                + " needs more than "
                + Tensor.MOST_BYTES
                + " bytes, the most of one tensor");
      }
    }
    return ByteBuffer.allocate((int) bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
