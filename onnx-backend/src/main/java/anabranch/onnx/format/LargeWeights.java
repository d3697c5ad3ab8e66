package anabranch.onnx.format;

import anabranch.weights.DType;
import anabranch.weights.Place;
import anabranch.weights.Tensor;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * A place outside a graph for its large weights. ONNX Runtime maps the file that is named, makes
 * what it needs of it and lets go; of weights inside a graph it would keep a copy beside that for
 * good. Confined to one thread.
 */
public abstract sealed class LargeWeights {
  /** The fewest bytes of a weight for which it is worth while. */
  static final int LEAST = 1 << 18;

  /** Whether they can be outside: Windows keeps files that are mapped. */
  public static final boolean POSSIBLE = File.separatorChar == '/';

  private static final long EXTERNAL = 1;

  LargeWeights() {}

  /**
   * Writes into a tensor's message where its numbers are as fp32; returns false where they cannot
   * be outside.
   *
   * @param room gives a direct buffer of at least so many bytes
   */
  abstract boolean add(Tensor tensor, IntFunction<ByteBuffer> room, Message into);

  /** Does so for numbers of another type than fp32, as they are. */
  abstract boolean add(ByteBuffer numbers, Message into);

  /** Names a part of a file in the folder that the session is told. */
  static void name(String file, long offset, long length, Message into) {
    into.message(13, entry("location", file))
        .message(13, entry("offset", Long.toString(offset)))
        .message(13, entry("length", Long.toString(length)))
        .number(14, EXTERNAL);
  }

  private static Message entry(String key, String value) {
    return new Message().text(1, key).text(2, value);
  }

  /**
   * Large weights that lie as a graph needs them in files of one folder already, such as those of a
   * checkpoint: nothing is written. Confined to one thread.
   */
  public static final class Stored extends LargeWeights {
    private static final System.Logger LOG = System.getLogger(LargeWeights.class.getName());

    private final Path folder;
    private final List<Place> places = new ArrayList<>();

    private Stored(Path folder) {
      this.folder = folder;
    }

    /**
     * Returns the place of a graph's large weights; null unless there are some and all of them lie
     * in one folder, as fp32, at offsets that numbers of that size may have in memory.
     */
    public static @Nullable Stored of(List<Tensor> large) {
      Path folder = null;
      for (Tensor tensor : large) {
        Place place = tensor.type() == DType.F32 ? tensor.place() : null;
        if (place == null || folder != null && !folder.equals(place.file().getParent())) {
          return null;
        } else if (place.offset() % Float.BYTES != 0) {
          String where = " in " + place.file() + " is no multiple of " + Float.BYTES;
          LOG.log(
              System.Logger.Level.DEBUG,
              "tensor \"" + tensor.name() + "\" is copied: its offset " + place.offset() + where);
          return null;
        }
        folder = place.file().getParent();
      }
      return folder == null ? null : new Stored(folder);
    }

    /** Returns the folder. */
    public Path folder() {
      return folder;
    }

    /** Returns whether the files are those that were mapped; to be asked once they were read. */
    public boolean hold() {
      return places.stream().allMatch(Place::holds);
    }

    @Override
    boolean add(Tensor tensor, IntFunction<ByteBuffer> room, Message into) {
      Place place = tensor.place();
      if (place == null) {
        throw new AssertionError(tensor.name() + " was not asked about");
      }
      places.add(place);
      name(place.file().getFileName().toString(), place.offset(), 4 * tensor.elements(), into);
      return true;
    }

    @Override
    boolean add(ByteBuffer numbers, Message into) {
      return false;
    }
  }

  /** A file for large weights of one graph while it is loaded. Confined to one thread. */
  public static final class Written extends LargeWeights implements AutoCloseable {
    private static final int ALIGNED = 1 << 12;

    private final Path file;
    private final FileChannel channel;

    /**
     * Creates the file.
     *
     * @param file does not exist yet
     * @throws IOException if it cannot be created
     */
    public Written(Path file) throws IOException {
      this.file = file;
      this.channel =
          FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    }

    /** Writes the numbers, too. */
    @Override
    boolean add(Tensor tensor, IntFunction<ByteBuffer> room, Message into) {
      ByteBuffer numbers = tensor.bytes();
      if (tensor.type() != DType.F32) {
        int bytes = Math.toIntExact(4 * tensor.elements());
        numbers = room.apply(bytes).order(ByteOrder.LITTLE_ENDIAN).clear();
        Store.write(tensor, numbers);
        numbers.flip();
      }
      return add(numbers, into);
    }

    @Override
    boolean add(ByteBuffer numbers, Message into) {
      try {
        long from = (channel.position() + ALIGNED - 1) / ALIGNED * ALIGNED;
        channel.position(from);
        while (numbers.hasRemaining()) {
          channel.write(numbers);
        }
        name(file.getFileName().toString(), from, channel.position() - from, into);
        return true;
      } catch (IOException failed) {
        throw new UncheckedIOException(file + ": cannot be written", failed);
      }
    }

    /** Deletes the file; what is mapped of it stays. */
    @Override
    public void close() throws IOException {
      try {
        channel.close();
      } finally {
        Files.deleteIfExists(file);
      }
    }
  }
}
