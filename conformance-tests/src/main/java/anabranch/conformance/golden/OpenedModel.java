package anabranch.conformance.golden;

import anabranch.checkpoint.Checkpoint;
import anabranch.checkpoint.CheckpointOptions;
import anabranch.conformance.golden.recorded.Recording;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A folder of a checkpoint and its recording, opened; both are closed together.
 *
 * @param name the folder's
 * @param recording what the original answered
 * @param checkpoint what it is in this language
 */
record OpenedModel(String name, Recording recording, Checkpoint checkpoint)
    implements AutoCloseable {
  /** Name of the file of a recording. */
  static final String GOLDEN = "golden.safetensors";

  /** Opens a folder; throws what a checkpoint throws. */
  static OpenedModel of(Path folder) {
    Recording recording = Recording.open(folder.resolve(GOLDEN));
    try {
      Checkpoint checkpoint = Checkpoint.open(folder, options(folder, recording));
      return new OpenedModel(String.valueOf(folder.getFileName()), recording, checkpoint);
    } catch (RuntimeException | Error failed) {
      recording.close();
      throw failed;
    }
  }

  /**
   * Returns how a model is to be read: with an exit behind every layer where such exits were
   * recorded, and as the family that its folder is named after where its configuration names none.
   */
  private static CheckpointOptions options(Path folder, Recording recording) {
    CheckpointOptions options = CheckpointOptions.defaults();
    if (!recording.matches(".+\\.exit\\d+\\..+").isEmpty()) {
      options = options.with("exits", "all");
    }
    return namesFamily(folder.resolve("config.json"))
        ? options
        : options.withFamily(String.valueOf(folder.getFileName()));
  }

  private static boolean namesFamily(Path config) {
    try {
      return Files.readString(config).contains("\"model_type\"");
    } catch (IOException missing) {
      throw new UncheckedIOException(missing);
    }
  }

  @Override
  public void close() {
    checkpoint.close();
    recording.close();
  }
}
