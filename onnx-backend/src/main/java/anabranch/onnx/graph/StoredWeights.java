package anabranch.onnx.graph;

import anabranch.weights.DType;
import anabranch.weights.Place;
import anabranch.weights.Tensor;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Large weights that lie as a graph needs them in files of one folder already, such as those of a
 * checkpoint: nothing is written. Confined to one thread.
 */
public final class StoredWeights extends LargeWeights {
  private final Path folder;
  private final List<Place> places = new ArrayList<>();
  private boolean all = true;

  private StoredWeights(Path folder) {
    this.folder = folder;
  }

  /** Returns the folder of a tensor's file; null if its numbers lie in none as fp32. */
  public static @Nullable StoredWeights beside(Tensor tensor) {
    Place place = place(tensor);
    return place == null ? null : new StoredWeights(place.file().getParent());
  }

  private static @Nullable Place place(Tensor tensor) {
    return tensor.type() == DType.F32 ? tensor.place() : null;
  }

  /** Returns the folder. */
  public Path folder() {
    return folder;
  }

  /** Returns whether every large weight that was asked about lies there. */
  public boolean all() {
    return all;
  }

  /** Returns whether the files are those that were mapped; to be asked once they were read. */
  public boolean hold() {
    return places.stream().allMatch(Place::holds);
  }

  @Override
  boolean add(Tensor tensor, IntFunction<ByteBuffer> room, Message into) {
    Place place = place(tensor);
    if (place == null || !folder.equals(place.file().getParent())) {
      all = false;
      return false;
    }
    places.add(place);
    name(place.file().getFileName().toString(), place.offset(), 4 * tensor.elements(), into);
    return true;
  }

  @Override
  boolean add(ByteBuffer numbers, Message into) {
    all = false;
    return false;
  }
}
