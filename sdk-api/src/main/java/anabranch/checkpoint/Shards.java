package anabranch.checkpoint;

import anabranch.checkpoint.formula.Json;
import anabranch.error.DescriptionException;
import anabranch.error.WeightsException;
import anabranch.weights.Safetensors;
import anabranch.weights.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The tensors of a folder, in one file or in several that an index names. */
final class Shards implements AutoCloseable {
  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";
  private static final int MOST_FILES = 4096;

  private final List<Safetensors> files = new ArrayList<>();
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final Path folder;

  private Shards(Path folder) {
    this.folder = folder;
  }

  /**
   * Opens the tensors of a folder.
   *
   * @throws WeightsException naming the file and what is wrong with it
   */
  static Shards open(Path folder) {
    Shards shards = new Shards(folder);
    try {
      boolean single = Files.exists(folder.resolve(SINGLE));
      boolean many = Files.exists(folder.resolve(INDEX));
      if (single == many) {
        throw new WeightsException(
            folder + ": has " + (single ? "both " : "neither ") + SINGLE + " and " + INDEX);
      } else if (single) {
        shards.add(SINGLE, null);
      } else {
        shards.index();
      }
      return shards;
    } catch (RuntimeException | Error failed) {
      shards.close();
      throw failed;
    }
  }

  /** Returns all tensors by name. */
  Map<String, Tensor> tensors() {
    return tensors;
  }

  /** Returns what names the source of the tensors in errors. */
  Path folder() {
    return folder;
  }

  @Override
  public void close() {
    files.forEach(Safetensors::close);
  }

  private void index() {
    Path file = folder.resolve(INDEX);
    Map<String, @Nullable Object> index;
    try {
      index = Json.read(file, Json.MOST_INDEX);
    } catch (DescriptionException refused) {
      throw new WeightsException(String.valueOf(refused.getMessage()), refused);
    }
    for (String field : index.keySet()) {
      if (!field.equals("weight_map") && !field.equals("metadata")) {
        throw new WeightsException(file + ": \"" + field + "\" is not weight_map or metadata");
      }
    }
    if (!(index.get("weight_map") instanceof Map<?, ?> map)) {
      throw new WeightsException(file + ": has no object weight_map");
    }
    TreeSet<String> names = new TreeSet<>();
    map.forEach((tensor, shard) -> names.add(shard(file, (String) tensor, shard)));
    if (names.size() > MOST_FILES) {
      throw new WeightsException(
          file + ": names " + names.size() + " files, more than " + MOST_FILES);
    }
    names.forEach(name -> add(name, map));
    for (Object tensor : map.keySet()) {
      if (!tensors.containsKey(tensor)) {
        throw new WeightsException(
            file + ": tensor \"" + tensor + "\" is not in \"" + map.get(tensor) + "\"");
      }
    }
  }

  private static String shard(Path index, String tensor, @Nullable Object name) {
    if (name instanceof String file && file.matches("[A-Za-z0-9_][A-Za-z0-9_.-]{0,250}")) {
      return file;
    }
    throw new WeightsException(
        index
            + ": tensor \""
            + tensor
            + "\" is in "
            + Json.shown(name)
            + ", which is no name of a file in the folder");
  }

  private void add(String name, @Nullable Map<?, ?> index) {
    Safetensors file = Safetensors.open(folder.resolve(name));
    files.add(file);
    for (String tensor : file.names()) {
      Object said = index == null ? name : index.get(tensor);
      if (!name.equals(said)) {
        throw new WeightsException(
            folder.resolve(name)
                + ": has tensor \""
                + tensor
                + "\", which the index puts "
                + (said == null ? "nowhere" : "into \"" + said + "\""));
      }
      tensors.put(tensor, file.tensor(tensor));
    }
  }
}
