package anabranch.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Where the bytes of a tensor lie in a file, for those who can map it themselves. Immutable; any
 * thread.
 */
public final class Place {
  private final Path file;
  private final long offset;
  private final @Nullable Object key;
  private final long size;
  private final FileTime modified;

  private Place(Path file, long offset, @Nullable Object key, long size, FileTime modified) {
    this.file = file;
    this.offset = offset;
    this.key = key;
    this.size = size;
    this.modified = modified;
  }

  /** Returns the start of a file; to be asked before it is opened. */
  static Place startOf(Path file) throws IOException {
    Path real = file.toRealPath();
    BasicFileAttributes now = attributes(real);
    return new Place(real, 0, now.fileKey(), now.size(), now.lastModifiedTime());
  }

  /** Returns the file by its real path. */
  public Path file() {
    return file;
  }

  /** Returns where in the file the bytes begin. */
  public long offset() {
    return offset;
  }

  /** Returns the place so many bytes behind. */
  public Place behind(long bytes) {
    return new Place(file, offset + bytes, key, size, modified);
  }

  /**
   * Returns whether the path leads to the file that was mapped, of the same size and age. Whoever
   * read the file by its path asks afterwards, because a file may take another's name meanwhile.
   */
  public boolean holds() {
    try {
      BasicFileAttributes now = attributes(file);
      return Objects.equals(key, now.fileKey())
          && size == now.size()
          && modified.equals(now.lastModifiedTime());
    } catch (IOException gone) {
      return false;
    }
  }

  private static BasicFileAttributes attributes(Path file) throws IOException {
    return Files.readAttributes(file, BasicFileAttributes.class);
  }

  @Override
  public String toString() {
    return file + " from " + offset;
  }
}
