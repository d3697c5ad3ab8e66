package anabranch.weights;

import anabranch.error.WeightsException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The tensors of a safetensors file, mapped into memory: nothing is read before it is used, and
 * several processes share one copy.
 *
 * <p>A file is refused unless its header is JSON of at most 100 000 000 bytes that describes all of
 * its data, without gap or overlap: tensors of a {@link DType}, each of at most {@link
 * Tensor#MOST_BYTES} bytes, 32 extents and a name of 4096 characters. An empty shape is one number;
 * an extent of 0 is refused. The file itself may be larger than any tensor.
 *
 * <p>Thread-safe. The file must stay as it is while a tensor is in use: the memory is the file.
 * Closing lets go of the tensors, and using these weights afterwards throws {@link
 * IllegalStateException}; the memory is unmapped when the last tensor taken from here is
 * unreachable and was collected, so that no read can ever hit unmapped memory. Some systems cannot
 * delete the file until then.
 */
public final class Safetensors implements Weights {
  private final Path file;
  private volatile @Nullable Map<String, Tensor> tensors;

  private Safetensors(Path file, Map<String, Tensor> tensors) {
    this.file = file;
    this.tensors = tensors;
  }

  /**
   * Returns the tensors of a file. The header is checked before anything is mapped, and its length
   * before it is read.
   *
   * @throws WeightsException if the file cannot be read or is not what its header says, naming the
   *     file, the tensor, the value and the bound
   */
  public static Safetensors open(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new WeightsException(file + ": there is no such file");
    }
    try {
      Place start = Place.startOf(file);
      try (FileChannel channel = FileChannel.open(start.file(), StandardOpenOption.READ)) {
        Header header = Header.read(file.toString(), channel);
        return new Safetensors(file, map(channel, header, start));
      }
    } catch (IOException failed) {
      throw new WeightsException(file + ": cannot be read: " + failed.getMessage(), failed);
    }
  }

  /**
   * Writes tensors to a file, replacing one that is there. The bytes go to a temporary file beside
   * it, which takes its name in one step when it is complete: whatever fails, the file is whole or
   * as it was. The data is ordered by size of a number, then as given; equal tensors give equal
   * files.
   *
   * @throws WeightsException if two tensors have one name, a name or shape is beyond what {@link
   *     #open} accepts, or the file cannot be written
   */
  public static void write(Path file, Collection<Tensor> tensors) {
    SafetensorsWriter.write(file, List.copyOf(tensors));
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(open().keySet());
  }

  @Override
  public Tensor tensor(String name) {
    Map<String, Tensor> open = open();
    Tensor tensor = open.get(name);
    if (tensor == null) {
      throw Missing.tensor(name, open.keySet());
    }
    return tensor;
  }

  @Override
  public void close() {
    tensors = null;
  }

  private Map<String, Tensor> open() {
    Map<String, Tensor> open = tensors;
    if (open == null) {
      throw new IllegalStateException("weights of " + file + " are closed");
    }
    return open;
  }

  /** Maps runs of tensors, each as long as one buffer allows: systems limit the number of maps. */
  private static Map<String, Tensor> map(FileChannel channel, Header header, Place start)
      throws IOException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    List<Header.Entry> entries = header.entries();
    int from = 0;
    while (from < entries.size()) {
      long begin = entries.get(from).begin();
      int to = from + 1;
      while (to < entries.size() && entries.get(to).end() - begin <= Integer.MAX_VALUE) {
        to++;
      }
      ByteBuffer run =
          channel.map(
              FileChannel.MapMode.READ_ONLY,
              header.dataStart() + begin,
              entries.get(to - 1).end() - begin);
      for (Header.Entry entry : entries.subList(from, to)) {
        int offset = (int) (entry.begin() - begin);
        ByteBuffer data = run.slice(offset, (int) (entry.end() - entry.begin()));
        Place place = start.behind(header.dataStart() + entry.begin());
        tensors.put(
            entry.name(), new Tensor(entry.name(), entry.type(), entry.shape(), data, place));
      }
      from = to;
    }
    return tensors;
  }
}
